"""What the titles around a table say: when the export was made, and for which period."""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import pyarrow as pa

from transforms import parsing
from transforms.text import clean, key

_PERIOD = re.compile(r"từ ngày:?\s*(\d{1,2}/\d{1,2}/\d{4})\s*(?:đến|-)\s*(?:ngày:?\s*)?(\d{1,2}/\d{1,2}/\d{4})", re.IGNORECASE)
# "ngày 30 tháng 6 năm 2024" is the day a letter was signed, no period.
_OF_YEAR = r"\s*(?:/|năm)\s*(20\d{2})(?!\d)"
_MONTH = re.compile(rf"(ngày[\s\d.…_]*)?(?<!\d )(?<!\w)tháng\s*(\d{{1,2}}){_OF_YEAR}")
_QUARTER = re.compile(rf"(?<!\w)quý\s*(iii|iv|ii|i|[1-4]){_OF_YEAR}")
_MONTHS = re.compile(r"(?<!\w)(3|ba|6|sáu|9|chín)\s*tháng(?:\s*(đầu|cuối))?(?:\s*(?:/|năm))?\s*(20\d{2})(?!\d)")
_YEAR = re.compile(r"^\W*(?:(?:kỳ(?: báo cáo)?|thời gian|số liệu)\W*)?(?:cả )?năm:?\s*(20\d{2})\W*$")
_NUMBERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "ba": 3, "sáu": 6, "chín": 9}
_EXPORTED = "thời điểm xuất"
# "23 giờ 05 phút, ngày 30/06/2024", "30/06/2024 lúc 23:05": a moment in words, which without its time would count as the beginning of the day.
_HOUR = re.compile(r"\b([01]?\d|2[0-3])\s*(?:giờ|g|h)(?:\s*([0-5]?\d)(?![\d/-]))?(?:\s*(?:phút|p)\b)?(?!\w)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,;]+(?:(?:lúc|vào|ngày)\b[\s:]*)*", re.IGNORECASE)


def find_export_time(rows: Sequence[Sequence[str | None]]) -> datetime | None:
    """The moment after "Thời điểm xuất" in the titles of a sheet, in the same cell or in the next filled one."""
    for row in rows:
        for position, text in enumerate(row):
            if not text:
                continue
            plain = clean(text)
            at = key(plain).find(key(_EXPORTED))
            if at < 0:
                continue
            after = plain[plain.casefold().find("xuất") :]
            for candidate in (after, *(clean(t) for t in row[position + 1 :] if t)):
                timed = _HOUR.sub(lambda said: f"{said[1]}:{int(said[2] or 0):02d}", candidate)
                found = parsing.DATE_IN_TEXT.search(_BETWEEN.sub(" ", timed))
                if found:
                    values, bad = parsing.parse_dates(pa.array([found[0]]))
                    if not bad[0]:
                        moment: datetime = values.cast(pa.timestamp("us"))[0].as_py()
                        return moment
    return None


def find_period(rows: Sequence[Sequence[str | None]]) -> tuple[date, date] | None:
    """The period that the titles name, both days included.

    "(Từ ngày … đến ngày …)" wins; else Tháng 6 năm 2024, Quý II/2024, 6 tháng đầu năm 2024, 9 tháng năm 2024, or a line that says no more than
    Năm 2024. Titles that name several different periods name none.
    """
    texts = [clean(text) for row in rows for text in row if text]
    for text in texts:
        found = _PERIOD.search(text)
        if found:
            values, bad = parsing.parse_dates(pa.array([found[1], found[2]]))
            if not bad.any():
                first, last = (moment.date() for moment in values.cast(pa.timestamp("us")).to_pylist())
                return (first, last) if first <= last else None
    named = {period for text in texts for period in _named_periods(text.casefold())}
    return named.pop() if len(named) == 1 else None


def _named_periods(text: str) -> Iterator[tuple[date, date]]:
    for signed, month, year in _MONTH.findall(text):
        if not signed and 1 <= int(month) <= 12:
            yield _months(int(year), int(month), int(month))
    for word, year in _QUARTER.findall(text):
        quarter = _NUMBERS.get(word) or int(word)
        yield _months(int(year), quarter * 3 - 2, quarter * 3)
    for word, half, year in _MONTHS.findall(text):
        count = _NUMBERS.get(word) or int(word)
        yield _months(int(year), 13 - count, 12) if half == "cuối" else _months(int(year), 1, count)
    whole = _YEAR.match(text)
    if whole:
        yield _months(int(whole[1]), 1, 12)


def _months(year: int, first: int, last: int) -> tuple[date, date]:
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])
