"""The small phrases that several parts of a mail are made of."""

from collections.abc import Sequence

from transforms.wording import count_vi

MOST_LISTED = 30


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
