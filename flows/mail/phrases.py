"""The small phrases that several parts of a mail are made of."""

from collections.abc import Sequence

from transforms.wording import count_vi

MOST_LISTED = 30
MOST_SUBJECT = 160  # of the 180 signs of a header; a correction says so there, too


def lower_first(text: str) -> str:
    """The text as it stands within a sentence."""
    return text[:1].lower() + text[1:]


def count_or_none(number: int, what: str) -> str:
    """3 dòng; không có dòng."""
    return f"{count_vi(number)} {what}" if number else f"không có {what}"


def cut_list(texts: Sequence[str], what: str, where: str, most: int = MOST_LISTED) -> list[str]:
    """The first of the texts, and, where some are left out, how many and where all stand."""
    shown = list(texts[:most])
    return [*shown, f"… và {count_vi(len(texts) - most)} {what} nữa, xem {where}"] if len(texts) > most else shown


def fitted_subject(start: str, name: str, others: str, news: str) -> str:
    """A unit's subject: where it has no room for all, the name is cut, never the figures behind it.

    Args:
        others: what follows the name and is not cut ("và 3 đơn vị khác").
    """
    room = MOST_SUBJECT - len(start) - len(others) - len(news)
    shown = name if len(name) <= room else f"{name[: room - 1].rstrip(' ,;.-')}…"
    return f"{start}{shown}{others}{news}"
