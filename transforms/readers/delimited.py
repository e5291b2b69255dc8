"""CSV and its kin: text in UTF-8, UTF-16, Windows-1258 or TCVN3, with comma, semicolon, tab or bar between cells.

Python's csv reader says what a text means. The long block of rows of one width that an export mostly is goes through Arrow's reader, column
by column, but only where the two cannot differ: every quotation mark opens or closes a whole cell or is doubled inside one, and no cell
holds a line break.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows
from transforms.text import decode_tcvn3

_BOM = "\ufeff".encode()
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 17
# The fewest columns an export of any kind has; what is cut into more is no more a table for that.
_FEWEST_COLUMNS = 4
_DECLARED = re.compile(r"sep=(.)(?:\r\n|\r|\n)", re.IGNORECASE)
# Shorter texts are read row by row at once.
FEWEST_BYTES = 1 << 16
_MOST_ODD_LINES = 1_000
# So many letters beyond ASCII must be whole for each broken byte of a text in UTF-8.
_FEWEST_LETTERS = 10
# Letters (ă â ê ô ơ ư đ à ả ã á ạ) behind others; of what is beyond ASCII at least so much must be such.
_TCVN3_WRITTEN = re.compile(rb"[A-Za-z][\xa8-\xae\xb5-\xb9]")
_FEWEST_TCVN3 = 0.1
_BEYOND_ASCII = bytes(range(0x80, 0x100))
# What bytes of another encoding are in UTF-16, two a character; no Vietnamese list has so many signs but letters and punctuation in a row.
_NOT_UTF16 = re.compile("[^\x00-\u07ff\u1e00-\u202f\u20ab\ufeff]{24,}")
_ASCII = frozenset((0, 9, 10, 13, *range(32, 127)))
_FEWEST_ASCII = 0.6
_LARGEST_CELL = 1 << 20
_LINE_END = re.compile(r"\r\n|\r|\n")
_AS_TEXT = re.compile(r'^="([^"]*)"$')


def decode(data: bytes) -> str:
    """The text of a file without markup of its own; the encodings are tried from the strictest to the one that takes anything.

    Raises:
        UnreadableExport: the bytes are not text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode(data, "utf-16")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    start = data[:4096]
    if b"\x00" in start:
        # UTF-16 without its mark: Vietnamese text is half ASCII, whose high byte is zero
        even, odd = start[0::2].count(0), start[1::2].count(0)
        if max(even, odd) < len(start) // 8:
            raise UnreadableExport("tệp nhị phân không rõ loại; hãy xuất lại từ hệ thống một cửa dạng .xlsx hoặc .csv")
        return _decode(data, "utf-16-le" if odd > even else "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if damaged := _decode_damaged_utf8(data):
        return damaged
    return decode_tcvn3(data.decode("cp1252", errors="replace")) if _is_tcvn3(data) else _decode(data, "cp1258")


def _is_tcvn3(data: bytes) -> bool:
    """Whether bytes of no UTF-8 are letters of TCVN3: a text file has no font to tell, and in Windows-1258 the commonest of them are signs."""
    letters = len(data) - len(data.translate(None, _BEYOND_ASCII))
    return len(_TCVN3_WRITTEN.findall(data)) >= _FEWEST_TCVN3 * letters


def _decode_damaged_utf8(data: bytes) -> str | None:
    """The text of bytes that are UTF-8 but for a few, such as cells cut by a count of bytes, with U+FFFD for these; None where they are not.

    Vietnamese in an encoding of one byte a letter has next to no sequences of UTF-8 among its letters.
    """
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    letters = len(text) - len(text.encode("ascii", errors="ignore")) - broken
    return text if broken * _FEWEST_LETTERS <= letters else None


def _decode(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # A file cut in the middle of a character loses that character, not the file; a real mismatch shows as many.
        text = data.decode(encoding, errors="replace")
        if text.count("\ufffd") > max(2, len(text) // 1000):
            raise UnreadableExport(
                f"không đọc được bảng mã của tệp văn bản (lỗi ở byte {error.start}); hãy lưu lại dạng CSV UTF-8"
            ) from error
    if encoding.startswith("utf-16") and any(map(_is_of_bytes, _NOT_UTF16.findall(text))):
        raise UnreadableExport(
            "tệp văn bản lẫn hai bảng mã (chỉ một phần là UTF-16) nên có dòng không đọc được; hãy xuất lại, hoặc lưu cả tệp dạng CSV UTF-8"
        )
    return text


def _is_of_bytes(signs: str) -> bool:
    """Whether signs of UTF-16 are a text of one byte a letter that was put behind, as PowerShell does with `>>` and Add-Content."""
    data = signs.encode("utf-16-le", errors="replace")
    return sum(byte in _ASCII for byte in data) >= _FEWEST_ASCII * len(data)


def _walk(text: str, delimiter: str) -> Iterator[tuple[list[str | None], str]]:
    """Every record, with the lines it was read from where a cell may hold one of their ends."""
    lines = io.StringIO(text, newline="")
    rows = csv.reader(lines, delimiter=delimiter)
    begin = count = 0
    try:
        for row in rows:
            end = lines.tell()
            yield row, text[begin:end] if rows.line_num > count + 1 or end == len(text) else ""  # type: ignore[misc]
            begin, count = end, rows.line_num
    except csv.Error as error:
        raise _damaged(rows.line_num, error) from error


def _records(text: str, delimiter: str) -> list[list[str | None]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return list(rows)  # type: ignore[arg-type]
    except csv.Error as error:
        raise _damaged(rows.line_num, error) from error


def _damaged(line: int, error: csv.Error) -> UnreadableExport:
    return UnreadableExport(f"tệp văn bản hỏng gần dòng {line} ({error}); hãy xuất lại")


def _find_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines most evenly, the heading among them: one that only stands within texts leaves the heading whole."""
    sample = text[:_SAMPLE].rstrip("\r\n")  # a quotation mark left open takes the last line end for a line
    fits = {delimiter: _find_fit(_records(sample, delimiter)) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: fits[delimiter])


def _find_fit(rows: list[list[str | None]]) -> tuple[float, int]:
    """How many lines are filled by a table whose heading is as wide as its widest rows, and that width; the greater, the better.

    Lines, not records, are counted: a wrong delimiter breaks a quoted cell of many lines into as many records. Rows below the heading may
    lack their last cells, and then count for as much as they fill.
    """
    widths = np.array([len(row) for row in rows])
    lines = np.array(["".join(filter(None, row)).count("\n") for row in rows]) + 1
    best = (0.0, 0)
    for width in np.unique(widths[widths > 1]).tolist():
        heading = int((widths == width).argmax())
        below, spans = widths[heading:], lines[heading:]
        fits = (below > 1) & (below <= width)
        filled = float(((below - 1) * spans)[fits].sum()) / (width - 1)
        best = max(best, (filled * (min(width, _FEWEST_COLUMNS) - 1), width))
    return best


def read(text: str, max_columns: int) -> list[Sheet]:
    """One sheet; row numbers count records from 1, as Excel does when it opens the file (a quoted cell may hold line breaks).

    Raises:
        UnreadableExport: the text is no table.
    """
    text = text.lstrip("\ufeff").replace("\x00", "")
    csv.field_size_limit(_LARGEST_CELL)
    declared = _DECLARED.match(text)  # Excel takes this line for itself and does not count it
    if declared:
        text = text[declared.end() :]
    delimiter = declared[1] if declared else _find_delimiter(text)
    sheet = _read_block(text, delimiter, max_columns)
    if sheet is not None:
        return [sheet]
    rows, long = [], {}
    for number, (row, lines) in enumerate(_walk(text, delimiter)):
        rows.append(row)
        if lines:
            long[number] = lines
    if '="' in text:  # ="1.000010" is how a text is kept from becoming a number
        rows = [[_AS_TEXT.sub(r"\1", cell) if cell and cell.startswith("=") else cell for cell in row] for row in rows]
    width = max(map(len, rows), default=0)
    if width > max_columns:
        raise UnreadableExport(f"một dòng có {width} ô, quá {max_columns}; tệp văn bản có lẽ thiếu dấu nháy đóng")
    _refuse_swallowed_rows(rows, long, delimiter)
    sheet = sheet_from_rows("", rows)
    sheet.widths = [max(len(row), 1) for row in rows]
    sheet.ends_open = _ends_open(text)
    if sheet.ends_open and not _is_well_quoted(long.get(len(rows) - 1, ""), delimiter):
        sheet.widths[-1] -= 1  # its last cell is not whole
    return [sheet]


def _ends_open(text: str) -> bool:
    return not text.endswith(("\r", "\n"))


def _read_block(text: str, delimiter: str, max_columns: int) -> Sheet | None:
    """The sheet, where a block of lines of one width makes up nearly all of the text; None where it must be read row by row."""
    if len(text) < FEWEST_BYTES or delimiter not in _DELIMITERS:
        return None
    data = text.encode()
    ends, separators = _find_lines(data, delimiter)
    if ends is None or separators is None:
        return None
    widths = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    width = int(np.bincount(widths).argmax())
    if not 2 <= width <= max_columns:
        return None
    first, last = _longest_block(widths == width)
    begin, end = int(ends[first - 1]) + 1 if first else 0, int(ends[last]) + 1
    if len(widths) - (last - first + 1) > _MOST_ODD_LINES or np.diff(ends, prepend=0).max() > _LARGEST_CELL or data.startswith(_BOM, begin):
        return None
    above, below = (_records(part.decode(), delimiter) for part in (data[:begin], data[end:]))
    if max(map(len, (*above, *below)), default=0) > max_columns:
        return None
    block = arrow_csv.read_csv(
        pa.py_buffer(memoryview(data)[begin:end]),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_LARGEST_CELL << 3, column_names=[str(n) for n in range(width)]),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
        convert_options=arrow_csv.ConvertOptions(column_types={str(n): pa.string() for n in range(width)}, strings_can_be_null=False),
    )
    if block.num_rows != last - first + 1:
        return None
    whole = max(width, *(len(row) for row in (*above, *below)), 0)
    columns = []
    for at in range(whole):
        middle = block.column(at).chunks if at < width else [pa.nulls(block.num_rows, pa.string())]
        around = [pa.array([row[at] if at < len(row) else None for row in part], pa.string()) for part in (above, below)]
        columns.append(pa.concat_arrays([around[0], *middle, around[1]]))
    return Sheet("", columns, widths=widths.tolist(), ends_open=_ends_open(text))


def _find_lines(data: bytes, delimiter: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Where lines end (the last one perhaps at the end of the text) and where cells are separated; None for texts that are not plain."""
    raw = np.frombuffer(data, np.uint8)
    if b"\r" in data:
        returns = np.flatnonzero(raw == 13)
        if returns[-1] == len(raw) - 1 or (raw[returns + 1] != 10).any():
            return None, None
    ends, separators = np.flatnonzero(raw == 10), np.flatnonzero(raw == ord(delimiter))
    quotes = np.flatnonzero(raw == 34)
    if len(quotes):
        around = np.zeros(256, dtype=bool)
        around[[10, 13, 34, ord(delimiter)]] = True
        opening, closing = quotes[::2], quotes[1::2]
        before = raw[np.maximum(opening - 1, 0)]
        after = raw[np.minimum(closing + 1, len(raw) - 1)]
        if (
            len(quotes) % 2
            or (raw[np.maximum(quotes - 1, 0)] == ord("=")).any()
            or not (around[before] | (opening == 0)).all()
            or (before == 13).any()
            or not (around[after] | (closing == len(raw) - 1)).all()
            or (np.searchsorted(quotes, ends) % 2).any()
        ):
            return None, None
        separators = separators[np.searchsorted(quotes, separators) % 2 == 0]
    if not len(ends) or ends[-1] != len(raw) - 1:
        ends = np.append(ends, len(raw))
    return ends, separators


def _longest_block(fits: np.ndarray) -> tuple[int, int]:
    """First and last of the longest run of lines that fit."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fits, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    longest = int((ends - begins).argmax())
    return int(begins[longest]), int(ends[longest]) - 1


def _refuse_swallowed_rows(rows: list[list[str | None]], long: dict[int, str], delimiter: str) -> None:
    """A quotation mark that is never closed swallows the rows below it into one cell: they must not vanish.

    A cell that is closed as it should be may hold any number of delimiters and line ends.
    """
    if not any("\n" in cell or "\r" in cell for number in long for cell in rows[number] if cell):
        return
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width = max(widths, key=lambda width: (widths[width], width), default=0)
    for number, lines in long.items():
        row = rows[number]
        broken = {at: _LINE_END.split(cell) for at, cell in enumerate(row) if cell and ("\n" in cell or "\r" in cell)}
        # A mark left open in the last row may have taken nothing but the line end.
        is_whole = len(row) == width and (number < len(rows) - 1 or all(len(part) == 2 and not part[1] for part in broken.values()))
        if (broken and not is_whole and not _is_well_quoted(lines, delimiter)) or any(
            _are_rows(part, at, len(row), delimiter, width) for at, part in broken.items()
        ):
            raise UnreadableExport(
                f"dấu nháy kép mở ở dòng {number + 1} không được đóng nên các dòng sau bị nuốt vào một ô; hãy sửa dấu nháy đó hoặc xuất lại dạng .xlsx"
            )


def _is_well_quoted(lines: str, delimiter: str) -> bool:
    """Every cell that a quotation mark opens is closed by one, before a delimiter or a line end."""
    try:
        list(csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _are_rows(part: list[str], at: int, cells: int, delimiter: str, width: int) -> bool:
    """Most lines of a cell are rows of the table, the first with the cells before it and the last with those behind it.

    Two stray marks, as ditto marks in two rows, close each other, so that only this tells. In prose a space follows a comma or semicolon.
    """
    signs = [line.count(delimiter) for line in part]
    if width < _FEWEST_COLUMNS or 2 * sum(line.count(delimiter + " ") for line in part) > sum(signs):
        return False
    signs[0] += at
    signs[-1] += cells - at - 1
    return 2 * signs.count(width - 1) > len(signs)
