"""Text columns to typed columns, a whole column at a time.

Every parser takes a cleaned string array (see `text.clean_column`; blank is null) and returns the values and a mask of the cells that
are filled but not understood. A cell is read by what its column means, never by what it looks like: "1.234" is 1,234 dossiers or đồng.
Formats are those of Vietnamese exports: day before month, always.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.moment_words import bare_moment
from transforms.text import clean_column, hide_numbers, key, mask, text_bytes

# A year outside is a typing slip (0206), not a date.
FIRST_YEAR, LAST_YEAR = 1990, 2099
# Windows set to Vietnamese writes "11:05:00 CH" (chiều) for 23:05 and SA (sáng) before noon. AM and PM are not read: who writes
# them writes the month first.
_TIME = r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?P<f>\.\d+)?)?(?: ?(?P<half>(?i:SA|CH)))?"
_DAY_FIRST = r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})"
_YEAR_FIRST = r"(?P<y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})"
_OFFSET = r"(?:(?P<z>[Zz])|(?P<zs>[+-])(?P<zh>\d{1,2})(?::?(?P<zm>\d{2}))?)?"
_DATE_FORMS = (
    rf"^{_DAY_FIRST}(?:[ T,]+{_TIME})?$",
    rf"^{_TIME}[ ,]+{_DAY_FIRST}$",
    rf"^{_YEAR_FIRST}(?:[ T]{_TIME} ?{_OFFSET})?$",
)
_SERIAL = r"^\d{5}(?:[.,]\d+)?$"
# Serial 1 is 1900-01-01 in a calendar with a 29/02/1900 that never was: from March 1900 on, day 0 is 1899-12-30.
_SERIAL_EPOCH = {False: np.datetime64("1899-12-30"), True: np.datetime64("1904-01-01")}
_FARTHEST_HOURS = 14  # no clock on earth is farther from UTC; "08:15-17" is an office's hours
LOCAL_OFFSET_MINUTES = 7 * 60  # Asia/Ho_Chi_Minh, no daylight saving since 1975


def _integers(strings: pa.Array) -> np.ndarray:
    filled = pc.if_else(pc.equal(pc.fill_null(strings, ""), ""), "0", strings)
    return np.asarray(pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False))


def _hours_of_day(hours: np.ndarray, halves: pa.Array) -> np.ndarray:
    """Hours from 0 to 23 where a half of the day is named ("SA", "CH", else ""); an hour that is not in that half becomes no hour."""
    morning, afternoon = (np.asarray(pc.equal(halves, half).to_numpy(zero_copy_only=False), dtype=bool) for half in ("SA", "CH"))
    if not (morning.any() or afternoon.any()):
        return hours
    wrong = (morning & (hours > 12)) | (afternoon & (hours == 0))
    return np.where(wrong, 24, np.where(morning, hours % 12, np.where(afternoon & (hours < 12), hours + 12, hours)))


def parse_dates(column: pa.Array, *, date1904: bool = False) -> tuple[pa.Array, np.ndarray]:
    """Local civil times.

    Reads dd/mm/yyyy with or without a time before or after it, yyyy-mm-dd with time, ISO with an offset (+07, +0700, +07:00 or Z; turned
    into Vietnamese time), serial numbers of spreadsheets, and these in words (see `moment_words.bare_moment`). Fractions of seconds are rounded: spreadsheets store 07:30:00 as 07:29:59.9999.

    Returns:
        timestamp[s] array (null where blank or bad) and a boolean mask of the cells that are filled but no date.
    """
    size = len(column)
    values = np.full(size, np.datetime64("NaT"), dtype="datetime64[s]")
    filled = pc.is_valid(column).to_numpy(zero_copy_only=False)
    todo = filled.copy()
    for form in _DATE_FORMS:
        if not todo.any():
            break
        where = np.flatnonzero(todo)
        struct = pc.extract_regex(column.take(pa.array(where)), form)
        hit = pc.is_valid(struct).to_numpy(zero_copy_only=False)
        if not hit.any():
            continue
        where, struct = where[hit], struct.filter(pa.array(hit))
        names = {f.name for f in struct.type}
        part = {name: _integers(struct.field(name)) for name in ("y", "m", "d", "h", "mi", "s")}
        part["h"] = _hours_of_day(part["h"], pc.utf8_upper(pc.fill_null(struct.field("half"), "")))
        parsed, ok = _moments(*(part[name] for name in ("y", "m", "d", "h", "mi", "s")))
        seconds = np.zeros(len(where), dtype=np.int64)
        fraction = pc.if_else(pc.equal(pc.fill_null(struct.field("f"), ""), ""), "0", struct.field("f"))
        seconds = seconds + (pc.cast(fraction, pa.float64()).to_numpy(zero_copy_only=False) >= 0.5)
        if "zs" in names:
            given = pc.fill_null(struct.field("zs"), "").to_numpy(zero_copy_only=False)
            utc = np.asarray(pc.not_equal(pc.fill_null(struct.field("z"), ""), "").to_numpy(zero_copy_only=False), dtype=bool)
            hours, minutes = _integers(struct.field("zh")), _integers(struct.field("zm"))
            ok &= (hours <= _FARTHEST_HOURS) & (minutes <= 59)
            offset = np.where(given == "-", -1, 1) * (hours * 60 + minutes)
            seconds = seconds + np.where(utc | (given != ""), (LOCAL_OFFSET_MINUTES - offset) * 60, 0)
        parsed = parsed + seconds.astype("timedelta64[s]")
        values[where[ok]] = parsed[ok]
        todo[where] = False
    where = np.flatnonzero(todo)
    if len(where):
        rest = column.take(pa.array(where))
        serial = pc.match_substring_regex(rest, _SERIAL).to_numpy(zero_copy_only=False).astype(bool)
        if serial.any():
            where = where[serial]
            numbers = pc.replace_substring(
                rest.filter(pa.array(serial)), ",", "."
            )  # Excel set to Vietnamese saves text with decimal commas
            days = pc.cast(numbers, pa.float64()).to_numpy(zero_copy_only=False)
            parsed = _SERIAL_EPOCH[date1904].astype("datetime64[s]") + np.round(days * 86400).astype("timedelta64[s]")
            years = parsed.astype("datetime64[Y]").astype(int) + 1970
            ok = (years >= FIRST_YEAR) & (years <= LAST_YEAR)
            values[where[ok]] = parsed[ok]
    bad = filled & np.isnat(values)
    where = np.flatnonzero(bad)
    said = column.take(pa.array(where)).to_pylist()
    bare = [bare_moment(text) for text in said]
    if bare != said:
        moments, bad[where] = parse_dates(pa.array(bare, pa.string()), date1904=date1904)
        values[where] = moments.to_numpy(zero_copy_only=False)
    return pa.array(values, pa.timestamp("s")), bad


# The forms that whole exports are written in (fastexcel writes date cells as the second), each character of a known meaning.
_FIXED_FORMS = (
    "dd/MM/yyyy hh:ii:ss",
    "yyyy-MM-dd hh:ii:ss",
    "hh:ii:ss dd/MM/yyyy",
    "dd/MM/yyyy hh:ii",
    "yyyy-MM-dd hh:ii",
    "hh:ii dd/MM/yyyy",
    "dd/MM/yyyy",
    "yyyy-MM-dd",
)


def parse_date_cells(cells: pa.Array, *, date1904: bool = False) -> tuple[pa.Array, np.ndarray]:
    """`parse_dates` for cells as they were read, not yet cleaned: those of a usual fixed form by their bytes, the others one by one.

    Returns:
        As `parse_dates`.
    """
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    values, known = _parse_fixed_dates(cells)
    bad = np.zeros(len(cells), dtype=bool)
    rest = np.flatnonzero(~known & np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False), dtype=bool))
    if len(rest):
        text = clean_column(cells.take(pa.array(rest)))
        slow, wrong = parse_dates(text.dictionary, date1904=date1904)
        values[rest] = slow.take(text.indices).to_numpy(zero_copy_only=False)
        bad[rest] = pc.fill_null(pa.array(wrong).take(text.indices), False).to_numpy(zero_copy_only=False)
    return pa.array(values, pa.timestamp("s")), bad


def _parse_fixed_dates(cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Moments of the cells that are a date in one of the fixed forms, and which these are; nothing is said of the others."""
    values = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    known = np.zeros(len(cells), dtype=bool)
    starts, raw = text_bytes(cells)
    lengths = np.diff(starts)
    for length in sorted({len(form) for form in _FIXED_FORMS}):
        where = np.flatnonzero(lengths == length)
        for form in (form for form in _FIXED_FORMS if len(form) == length):
            if len(where):
                characters = np.ascontiguousarray(raw[starts[where][:, None] + np.arange(length, dtype=np.int32)].T)
                parsed, ok = _parse_form(characters, form)
                values[where[ok]] = parsed[ok]
                known[where[ok]] = True
                where = where[~ok]
    return values, known


def _parse_form(characters: np.ndarray, form: str) -> tuple[np.ndarray, np.ndarray]:
    """Moments of texts of one form, from a row of bytes for each of its characters, and which of the texts are dates of that form."""
    size = characters.shape[1]
    ok = np.ones(size, dtype=bool)
    part = {name: np.zeros(size, dtype=np.int32) for name in "yMdhis"}
    for at, sign in enumerate(form):
        if not sign.isalpha():
            ok &= characters[at] == ord(sign)
    if ok.any():
        for at, sign in enumerate(form):
            if sign.isalpha():
                digit = characters[at] - np.uint8(48)  # what stands below "0" wraps round to more than 9
                ok &= digit <= 9
                part[sign] *= 10
                part[sign] += digit
    moments, real = _moments(*part.values())
    return moments, ok & real


# Seconds from 1970 to each month that a date may lie in, and how many days it has.
_MONTHS = np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]").astype("datetime64[s]").astype(np.int64)
_DAYS = np.diff(_MONTHS) // 86400


def _moments(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, hour: np.ndarray, minute: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """datetime64[s] of calendar numbers, and which of them are real moments in the years that dates may have."""
    real = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    real &= (hour <= 23) & (minute <= 59) & (second <= 59)
    months = np.where(real, (year - FIRST_YEAR) * 12 + month - 1, 0)
    real &= day <= _DAYS[months]
    seconds = _MONTHS[months] + (day.astype(np.int64) - 1) * 86400 + (hour * 3600 + minute * 60 + second)
    return seconds.astype("datetime64[s]"), real


def _by_value(column: pa.Array, parse: Callable[[str], object], kind: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    """Apply `parse` once to each distinct value; it raises ValueError for what it does not understand."""
    encoded = column.dictionary_encode()
    values: list[object] = []
    bad: list[bool] = []
    for text in encoded.dictionary.to_pylist():
        try:
            values.append(parse(text))
            bad.append(False)
        except ValueError:
            values.append(None)
            bad.append(True)
    indices = encoded.indices
    wrong = pc.fill_null(pa.array(bad, pa.bool_()).take(indices), False)
    return pa.array(values, kind).take(indices), wrong.to_numpy(zero_copy_only=False).astype(bool)


def parse_words(column: pa.Array, words: Mapping[str, str | int | bool | None], kind: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    """Canonical values of words; `words` maps `text.key` of each spelling to the canonical value."""

    def parse(text: str) -> object:
        try:
            return words[key(text)]
        except KeyError:
            raise ValueError(text) from None

    return _by_value(column, parse, kind)


def parse_levels(column: pa.Array, words: Mapping[str, str | int | bool | None]) -> tuple[pa.Array, np.ndarray]:
    """Service levels; a cell that lists several is a procedure offered at both levels, which counts as the fuller one.

    Source: the business rules of QĐ 766/QĐ-TTg ("a procedure with both counts as toàn trình").
    """
    order = {"full": 0, "partial": 1, "info": 2}

    def parse(text: str) -> object:
        whole = words.get(key(text))
        if whole is not None:
            return whole
        parts = [words.get(key(part)) for part in re.split(r"[;,/\n+]| và ", text) if part.strip()]
        if len(parts) < 2 or None in parts:
            raise ValueError(text)
        return min(parts, key=lambda level: order[str(level)])

    return _by_value(column, parse, pa.string())


_NO_FEE = {key(word) for word in ("Không", "Không thu", "Không thu phí", "Miễn phí", "Không có", "Không quy định")}
_CURRENCY = re.compile(r"\s*(đồng|vnđ|vnd|đ|₫)\.?$", re.IGNORECASE)
# Of what a fee is in a catalogue: "8.000 đồng/lần", "8.000 đồng/01 bản"; a second number is a second fee.
_PER = re.compile(r"\s*(?:/|mỗi(?!\w))\s*(?:0?1\s+)?[^\W\d][^\d/;,]*$")
# Decimals have another sign than the groups before them, and are no group with a sign too many: "1.000.00", "8.0000" are slips of the pen.
_GROUPED = re.compile(r"^-?\d{1,3}([., ])\d{3}(?:\1\d{3})*(?:(?!\1)[.,]0{1,2})?$")
_PLAIN = re.compile(r"^-?(?:\d+(?:[.,]0{1,2})?|(?:\d{4,}|0+)[.,]0{3,})$")
# Identity and telephone numbers begin with 0 and have nine digits and more; no system writes an amount or a count so.
_SOMEBODY = re.compile(r"^0(?=.*[^\W0])(?:[., ]?\d){8,}")
# More dossiers or days than that is somebody's number, which lost its first 0 where a spreadsheet took it for a number (912345678).
_MOST_COUNTED = 99_999_999


def parse_whole_number(text: str) -> int:
    """A count or an amount in đồng: 1.000.000, 1000000, 1000000.0, "20.000 đ".

    Raises:
        ValueError: the text is no whole number, or somebody's number: published as a sum, it would carry a citizen's data everywhere.
    """
    bare = _CURRENCY.sub("", text.strip())
    if _SOMEBODY.match(unicodedata.normalize("NFKC", bare)):
        raise ValueError(text)
    if _GROUPED.match(bare):
        return int(re.sub(r"[., ]", "", re.sub(r"(?<=\d{3})[.,]0{1,2}$", "", bare)))
    if _PLAIN.match(bare):
        return int(re.split(r"[.,]", bare)[0])
    raise ValueError(text)


def parse_numbers(column: pa.Array, *, no_fee_words: bool = False, is_count: bool = False) -> tuple[pa.Array, np.ndarray]:
    """Whole numbers (int64); with `no_fee_words`, "Không" is 0 and "8.000 đồng/lần" 8000, as catalogues write it; a count has no more than eight digits."""

    def parse(text: str) -> int:
        if no_fee_words and key(text) in _NO_FEE:
            return 0
        value = parse_whole_number(_PER.sub("", text) if no_fee_words else text)
        if abs(value) > (_MOST_COUNTED if is_count else 2**62 - 1):
            raise ValueError(text)
        return value

    return _by_value(column, parse, pa.int64())


# "Số lượng: 12 Tỷ lệ: 34.5% Điểm số: 1.2": the count is what follows its own word; thousands are grouped by one sign throughout.
_NAMED_COUNT = re.compile(
    r"(?<!\w)(?:số\s*lượng|sl)\s*[:=]?\s*(-?(?:\d{1,3}(?:([., ])\d{3})(?:\2\d{3})*(?!\d)|\d+)(?:[.,]0{1,2}(?!\d))?)(?!\d|[.,]\d|\s*%)"
)


def parse_figure(text: str) -> int:
    """The count in a cell of an aggregated export: 1.234, or "Số lượng: 1.234; Tỷ lệ: 34.5%; Điểm số: 1.2" with any sign between.

    The percentage and the score beside it are never looked at.

    Raises:
        ValueError: the text is no whole number and names none, or names two that differ.
    """
    named = {parse_whole_number(found[1]) for found in _NAMED_COUNT.finditer(text.casefold())}
    if len(named) > 1:
        raise ValueError(text)
    return named.pop() if named else parse_whole_number(text)


def parse_figures(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Counts (int64) of an aggregated export's cells, see `parse_figure`; what is negative or has more than eight digits is no count."""

    def parse(text: str) -> int:
        value = parse_figure(text)
        if not 0 <= value <= _MOST_COUNTED:
            raise ValueError(text)
        return value

    return _by_value(column, parse, pa.int64())


_PERCENT = re.compile(r"^(\d{1,3}(?:[.,]\d+)?)\s*(%?)$")


def parse_percentages(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Shares (1.0 is 100 %) of a column of percentages: 97,5; 34.5%; 97,5 %.

    A bare number above 0 and up to 1 is not understood: a spreadsheet's percent cell hands out 0.975 for 97.5 %, people write 0,975 for less
    than one percent, and 1 may be either.
    """

    def parse(text: str) -> float:
        match = _PERCENT.match(text)
        if not match:
            raise ValueError(text)
        value = Decimal(match[1].replace(",", "."))
        if not match[2] and 0 < value <= 1:
            raise ValueError(text)
        return float(value / 100)

    return _by_value(column, parse, pa.float64())


_TASK_CODE = re.compile(r"^(?=.*\d)[^\W_][^\s\x00-\x1f]{0,59}$")


def parse_codes(column: pa.Array) -> pa.Array:
    """Numbers of tasks and criteria as offices write them, without spaces: 15/NV-UBND, 7.3.3.2, 6.3.2a.

    Words without a digit, error values, and bare identity or telephone numbers are no codes: null.
    """

    def parse(text: str) -> str | None:
        compact = re.sub(r"[\u2010-\u2015\u2212]", "-", text.replace(" ", ""))
        return compact if _TASK_CODE.match(compact) and hide_numbers(compact) == compact else None

    values, _ = _by_value(column, parse, pa.string())
    return values


# The ministry whose procedure it is may stand before the code, the province behind it also with a dash: BTP-1.001193, 1.001193-H48.
_PROCEDURE = re.compile(r"^(?:[A-ZĐ]{2,8}-)?(\d)[.,](\d{1,6})(?:\.000\.00\.00)?(?:[.-][A-Z]\d{2})?$", re.IGNORECASE)
# Around a code, as around a dossier's: the apostrophe with which spreadsheets keep a text, quotation marks, brackets, the full stop of a sentence.
_SIGNS_AROUND = re.compile(r"^[\s'`\"‘’‛“”„´(\[]+|[\s'`\"‘’‛“”„´)\].,;]+$")
_PROCEDURE_NUMBER = re.compile(r"^(\d\.\d{1,6})\d*$")


def procedure_key(text: str) -> str | None:
    """The key of a procedure code, its first two groups (1.001193); None when the text is no such code.

    A spreadsheet that took 1.000010 for a number hands out 1.00001, so the second group is filled up to six digits.
    """
    compact = _SIGNS_AROUND.sub("", text.replace(" ", ""))
    match = _PROCEDURE.match(compact)
    if match:
        return f"{match[1]}.{match[2].ljust(6, '0')}"
    if _PROCEDURE_NUMBER.match(compact):  # 2.0009299999999999: a binary fraction shown in full
        return f"{float(compact):.6f}"
    return None


def parse_procedure_codes(column: pa.Array) -> pa.Array:
    """Keys of procedure codes; what is no code is masked, unless it looks like one, and will be missing from the catalogue."""

    def parse(text: str) -> str | None:
        if text.startswith("#"):  # an error value
            return None
        return procedure_key(text) or (text.upper() if _CODE_LIKE.match(text) and hide_numbers(text) == text else mask(text))

    values, _ = _by_value(column, parse, pa.string())
    return values


_CODE_LIKE = re.compile(r"^(?!\d{9,12}$)[0-9A-Za-z][0-9A-Za-z.\-_/]{0,39}$")
