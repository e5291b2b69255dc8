"""Days and hours as people write them, in the figures and signs that `parsing.parse_dates` reads."""

import re

# "30 tháng 6 năm 2024", "23 giờ 05 phút", "23h05'", "11:05 sáng".
_DAY_IN_WORDS = re.compile(r"(?<!\d)(\d{1,2})\s*tháng\s*(\d{1,2}),?\s*năm\s*(\d{4})(?!\d)", re.IGNORECASE)
_HOUR_IN_WORDS = re.compile(
    r"(?<![\w:])(\d{1,2})\s*(?:giờ|g|h)(?:\s*([0-5]?\d)(?![\d/]|[.-]\d{1,2}[.-]\d)\s*(?:phút|ph|p|['’])?(?:\s*([0-5]?\d)\s*(?:giây|s))?)?"
    r"(?!\w|\s*làm việc)",
    re.IGNORECASE,
)
_HALF_IN_WORDS = re.compile(r"(?<=\d)\s*(?:(sáng)|chiều)(?!\w)", re.IGNORECASE)
# "30.06.2024 23.00", "23.05.10 ngày 30/06/2024": hours with dots beside their day; "1.234" is a number, "15.03 - 14.06.2024" two days.
DOTTED_HOUR = r"(?:[01]?\d|2[0-3])\.[0-5]\d(?:\.[0-5]\d)?(?![\d.,]*\d)"
_DAY = r"(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}[/-]\d{1,2}[/-]\d{1,2})(?![\d/.-]*\d)"
_BESIDE = r"[\s,;(]+(?:(?:lúc|vào|hồi|ngày)(?!\w):?\s*)?"
_DOTTED_BESIDE_DAY = re.compile(
    rf"(?P<day>(?<![\d/.-]){_DAY}{_BESIDE})(?P<behind>{DOTTED_HOUR})(?!\s*(?:%|(?!(?:SA|CH|AM|PM)\b)[^\W\d]))|(?<![\d/.,:-])(?P<before>{DOTTED_HOUR})(?={_BESIDE}{_DAY})",
    re.IGNORECASE,
)
_LAST_HOUR = 23
_WORDS_BETWEEN = re.compile(r"(?<!\w)(?:thứ (?:hai|ba|tư|năm|sáu|bảy)|chủ nhật|lúc|vào|hồi|ngày)(?!\w)[:,]?", re.IGNORECASE)
_SIGNS_BETWEEN = re.compile(r"(?<=\s)[–—-](?=\s)|[;()]")
_SIGNS_AROUND = " '`\"‘’‛“”„´[]"


def in_figures(text: str) -> str:
    """The text with days and hours in words as figures; an hour that no day has is left out."""
    text = with_colons(_DAY_IN_WORDS.sub(r"\1/\2/\3", text))
    text = _HOUR_IN_WORDS.sub(
        lambda said: f"{said[1]}:{int(said[2] or 0):02d}:{int(said[3] or 0):02d}" if int(said[1]) <= _LAST_HOUR else "", text
    )
    return _HALF_IN_WORDS.sub(lambda said: " SA" if said[1] else " CH", text)


def with_colons(text: str) -> str:
    """The text with colons in hours that have dots and stand beside a day."""
    return _DOTTED_BESIDE_DAY.sub(lambda said: (said["day"] or "") + (said["behind"] or said["before"]).replace(".", ":"), text)


def bare_moment(text: str) -> str:
    """The moment that a cell says in words or with signs around it ("hồi 8 giờ 30 ngày 05/03/2024", "'05/03/2024") as it is written otherwise.

    What else the cell says is kept, so that it is no moment then; so is an hour that no day has.
    """
    if any(int(said[1]) > _LAST_HOUR for said in _HOUR_IN_WORDS.finditer(text)):
        return text
    text = _SIGNS_BETWEEN.sub(" ", _WORDS_BETWEEN.sub(" ", in_figures(text)))
    return " ".join(re.sub(r"(?<=\d)\s*/\s*(?=\d)", "/", text).split()).strip(_SIGNS_AROUND)
