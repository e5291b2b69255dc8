"""What the titles around a table say: when the export was made, and for which period."""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby, pairwise

import pyarrow as pa

from transforms import parsing
from transforms.moment_words import DOTTED_HOUR, in_figures, with_colons
from transforms.text import clean

# What a cell may say of a moment (see `parsing.parse_dates`), a title may say, too. Of AM and PM it is no more than seen: 11:05 PM is not 11:05.
_DATE = r"(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}[/-]\d{1,2}[/-]\d{1,2})(?!\d)"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?(?:SA|CH|AM|PM)(?!\w))?"
_BETWEEN = r"(?:[\sT,;'’(–-]|(?:lúc|vào|hồi|ngày|giờ|h|phút)(?!\w):?)+"
_OFFSET = r"\s?(?:Z\b|[+-]\d{1,2}(?::?\d{2})?(?![\d/.]))"
_MOMENT = (
    rf"(?:(?:(?P<before>{_TIME}){_BETWEEN})?(?P<date>{_DATE})(?:{_BETWEEN}(?P<after>{_TIME})(?P<offset>{_OFFSET})?)?"
    r"|(?P<serial>\d{5}(?:[.,]\d+)?)$)"
)
# A day and its time in cells of their own; the time that a spreadsheet adds to a day is none.
_TIME_ALONE = re.compile(rf"^[(\s]*(?:(?:lúc|vào|hồi|giờ)\s*:?\s*)?(?:{_TIME}|{DOTTED_HOUR})[\s).,]*$", re.IGNORECASE)
_DAY_AT_END = re.compile(rf"(?<![\d/.-])({_DATE})(?:[ T]00:00(?::00)?)?[\s,;–-]*$")
_TIME_AT_END = re.compile(rf"(?<![\d/.:-]){_TIME}[\s,;–-]*$", re.IGNORECASE)
_DAY_AT_BEGINNING = re.compile(rf"^(?:ngày\s*:?\s*)?{_DATE}", re.IGNORECASE)
_LEAD = r"[\s:.…,(–-]*(?:(?:là|lúc|vào|hồi|ngày|thứ (?:hai|ba|tư|năm|sáu|bảy)|chủ nhật)(?!\w)[\s:,]*)*"
# "Thời điểm xuất cảnh", "xuất khẩu" are no exports of data: after the words comes the moment itself, or what was exported and then the moment.
# "Thời điểm xuất báo cáo từ ngày: …" goes on with the period.
_WHAT = (
    r"(?: (?:ra |của )?(?:tệp|tập tin|file|excel|dữ liệu|số liệu|báo cáo|danh sách|hồ sơ|thống kê|biểu|bảng)(?!\w)"
    r"(?:[^:;.]{0,60}(?<!từ)(?<!đến)(?<!ngày)(?=:|$))??)?(?: ?\([^()\d]*\))?"
)
_EXPORTED = re.compile(rf"(?<!\w)thời ?điểm ?xuất{_WHAT}{_LEAD}(?:{_MOMENT}|$)", re.IGNORECASE)
_MOMENT_ALONE = re.compile(_LEAD + _MOMENT, re.IGNORECASE)
# The first day may leave its year to the last: "từ ngày 15/3 đến ngày 14/6/2024".
_AT = rf"(?:{_TIME}[\s,]*(?:ngày\s*)?)?"
_UNTIL_DAY = rf"(?:[\s,]+{_TIME})?\s*(?:đến|tới|[-–—])(?:\s*hết)?(?:\s*ngày)?:?\s*{_AT}({_DATE})"
_PERIOD = re.compile(rf"(?<!\w)từ(?:\s*ngày)?:?\s*{_AT}({_DATE}|\d{{1,2}}[/.-]\d{{1,2}}(?![/.-]?\d)){_UNTIL_DAY}", re.IGNORECASE)
# "(15/05/2024 - 14/06/2024)" is one in a title of its own; two titles below each other may end and begin so by chance.
_TWO_DAYS = re.compile(rf"(?<![\w/.-])({_DATE}){_UNTIL_DAY}", re.IGNORECASE)
_DAY_OF_THAT_YEAR = re.compile(r"(?<!\d)(\d{1,2})\s*tháng\s*(\d{1,2})(?=\s*(?:đến|tới|[-–—]))", re.IGNORECASE)
# "ngày 30 tháng 6 năm 2024" is the day a letter was signed, no period.
_OF_YEAR = r"(?:[\s,:;./–-]+(?:năm)?|năm)[\s:]*(20\d{2})(?!\d)"
_QUARTER_WORD = "(?:quý|qúy|quí)"
_QUARTER_NUMBER = "(iii|iv|ii|i|0?[1-4])"
_MONTH = re.compile(rf"(ngày[\s\d.…_]*)?(?<!\d )(?<!\w)tháng[\s:]*(\d{{1,2}}){_OF_YEAR}")
_QUARTER = re.compile(rf"(?<!\w){_QUARTER_WORD}[\s:]*{_QUARTER_NUMBER}{_OF_YEAR}")
# "từ tháng 4 đến tháng 6 năm 2024", "quý I - quý II/2024"; "tháng 5 và tháng 6 năm 2024" may be a sum or a comparison, and names no period.
_UNTIL = r"\s*(?:đến|tới|[-–—])(?:\s*hết)?\s*"
_MONTH_TO_MONTH = re.compile(rf"(?<!\w)tháng\s*(\d{{1,2}})(?:\s*(?:/|năm)\s*(20\d{{2}}))?{_UNTIL}(?:tháng\s*)?(\d{{1,2}}){_OF_YEAR}")
_QUARTER_TO_QUARTER = re.compile(
    rf"(?<!\w){_QUARTER_WORD}\s*{_QUARTER_NUMBER}(?:\s*(?:/|năm)\s*(20\d{{2}}))?{_UNTIL}(?:{_QUARTER_WORD}\s*)?{_QUARTER_NUMBER}{_OF_YEAR}"
)
_SEVERAL = re.compile(
    rf"(?<!\w)(?:tháng|{_QUARTER_WORD})\s*(?:\d{{1,2}}|[iv]+)"
    rf"(?:\s*(?:,|;|\+|&|và|với)\s*(?:tháng|{_QUARTER_WORD})?\s*(?:\d{{1,2}}|[iv]+)(?!\w))+{_OF_YEAR}"
)
# "quý II và 6 tháng đầu năm 2024" has figures of both, and does not tell which stand in the table.
_MONTHS_BESIDE = re.compile(
    rf"(?<!\w)(?:tháng|{_QUARTER_WORD})\s*(?:\d{{1,2}}|[iv]+)\s*(?:,|;|\+|&|và|với)\s*(?:l(?:ũy|uỹ) kế\s*)?0?(?:3|ba|6|sáu|9|chín)\s*tháng"
    r"(?:\s*(?:đầu|cuối))?(?:\s*(?:/|năm))?\s*20\d{2}(?!\d)"
)
_MONTHS = re.compile(r"(?<!\w)0?(3|ba|6|sáu|9|chín)\s*tháng(?:\s*(đầu|cuối))?(?:\s*(?:/|năm))?\s*(20\d{2})(?!\d)")
_YEAR = re.compile(r"^\W*(?:(?:kỳ(?: báo cáo)?|thời gian|số liệu)\W*)?(?:cả )?năm:?\s*(20\d{2})\W*$")
_NUMBERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "ba": 3, "sáu": 6, "chín": 9}


def find_export_time(rows: Sequence[Sequence[str | None]], *, date1904: bool = False) -> datetime | None:
    """The moment after "Thời điểm xuất" in the titles of a sheet, in the same cell or in the next filled one.

    Args:
        rows: the rows above the headings, or below the data; in a data row the words would mean something else.
        date1904: serial dates count from 1904.
    """
    for row in rows:
        filled = _with_times([in_figures(plain) for text in row if text and (plain := clean(text))])
        for text, following in pairwise([*filled, ""]):
            for said in _EXPORTED.finditer(text):
                found = said if said.lastgroup else _MOMENT_ALONE.match(following)
                moment = _moment(found, date1904) if found else None
                if moment:
                    return moment
    return None


def _with_times(cells: Sequence[str]) -> list[str]:
    """The cells, a day and its time in two of them as one."""
    joined: list[str] = []
    for cell in cells:
        if joined and _TIME_ALONE.match(cell) and _DAY_AT_END.search(joined[-1]):
            joined[-1] = with_colons(_DAY_AT_END.sub(r"\1 ", joined[-1]) + cell)
        elif joined and _DAY_AT_BEGINNING.match(cell) and _TIME_AT_END.search(joined[-1]):
            joined[-1] += f" {cell}"
        else:
            joined.append(cell)
    return joined


def _moment(found: re.Match[str], date1904: bool) -> datetime | None:
    written = found["serial"]
    if not written:
        parts = re.split(r"[/.-]", found["date"])
        written = "-".join(parts if len(parts[0]) == 4 else reversed(parts))
        time = found["before"] or found["after"]
        if time:
            written += f" {time}{found['offset'] or ''}"
    values, bad = parsing.parse_dates(pa.array([written]), date1904=date1904)
    moment: datetime = values.cast(pa.timestamp("us"))[0].as_py()
    return None if bad[0] else moment


def find_period(rows: Sequence[Sequence[str | None]]) -> tuple[date, date] | None:
    """The period that the titles name, both days included.

    "(Từ ngày … đến ngày …)" wins, also where its parts stand in cells or rows of their own or the year only behind the last day; else Tháng 6 năm 2024, Quý II/2024, 6 tháng đầu
    năm 2024, 9 tháng năm 2024, or a line that says no more than Năm 2024. Titles that name several different periods name none.
    """
    texts = [clean(text) for row in rows for text in row if text]
    joined = " ".join(text for text, _ in groupby(texts))  # a merged title may stand in every cell
    spans = [*_PERIOD.findall(_in_days(joined)), *(span for text in texts for span in _TWO_DAYS.findall(_in_days(text)))]
    for begin, end in spans:
        year = next(part for part in re.split(r"[/.-]", end) if len(part) == 4)
        begin = re.sub(r"^(\d{1,2})[/.-](\d{1,2})$", rf"\1/\2/{year}", begin)
        values, bad = parsing.parse_dates(pa.array([begin, end]))
        if not bad.any():
            first, last = (moment.date() for moment in values.cast(pa.timestamp("us")).to_pylist())
            return (first, last) if first <= last else None
    named = {period for text in texts for period in _named_periods(text.casefold())}
    return named.pop() if len(named) == 1 else None


def _in_days(text: str) -> str:
    """The text with days in words as figures, also of a first day that leaves its year to the last."""
    return _DAY_OF_THAT_YEAR.sub(r"\1/\2", in_figures(text))


def _named_periods(text: str) -> Iterator[tuple[date, date]]:
    for pattern, months in ((_MONTH_TO_MONTH, 1), (_QUARTER_TO_QUARTER, 3)):
        for first, its_year, last, year in pattern.findall(text):
            begin, end = (_NUMBERS.get(word) or int(word) for word in (first, last))
            if 0 < begin * months <= 12 and 0 < end * months <= 12:
                period = (
                    _months(int(its_year or year), begin * months - months + 1, begin * months)[0],
                    _months(int(year), end * months, end * months)[1],
                )
                if period[0] <= period[1]:
                    yield period
        text = pattern.sub(" ", text)
    text = _SEVERAL.sub(" ", _MONTHS_BESIDE.sub(" ", text))
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
