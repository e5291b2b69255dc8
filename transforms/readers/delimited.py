"""CSV and its kin: text in UTF-8, UTF-16 or Windows-1258, with comma, semicolon, tab or bar between cells."""

import csv
import io
import itertools
import re

from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_RECORDS = 80
_DECLARED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
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
        return _decode(data, "cp1258")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        # A file cut in the middle of a character loses that character, not the file; a real mismatch shows as many.
        text = data.decode(encoding, errors="replace")
        if text.count("\ufffd") > max(2, len(text) // 1000):
            raise UnreadableExport(
                f"không đọc được bảng mã của tệp văn bản (lỗi ở byte {error.start}); hãy lưu lại dạng CSV UTF-8"
            ) from error
        return text


def _records(text: str, delimiter: str, limit: int | None = None) -> list[list[str | None]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return list(itertools.islice(rows, limit))  # type: ignore[arg-type]
    except csv.Error as error:
        raise UnreadableExport(f"tệp văn bản hỏng gần dòng {rows.line_num} ({error}); hãy xuất lại") from error


def _find_delimiter(text: str) -> str:
    """The delimiter that gives the most cells over the first records; commas inside addresses lose against real ones."""
    sample = text[: 1 << 18]
    counts = {}
    for delimiter in _DELIMITERS:
        widths = sorted(len(row) for row in _records(sample, delimiter, _SAMPLE_RECORDS))
        counts[delimiter] = sum(width - 1 for width in widths)
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def read(text: str, max_columns: int) -> list[Sheet]:
    """One sheet; row numbers count records from 1, as Excel does when it opens the file (a quoted cell may hold line breaks).

    Raises:
        UnreadableExport: the text is no table.
    """
    text = text.lstrip("\ufeff").replace("\x00", "")
    csv.field_size_limit(1 << 20)
    declared = _DECLARED.match(text)  # Excel takes this line for itself and does not count it
    if declared:
        text = text[declared.end() :]
    delimiter = declared[1] if declared else _find_delimiter(text)
    rows = _records(text, delimiter)
    if '="' in text:  # ="1.000010" is how a text is kept from becoming a number
        rows = [[_AS_TEXT.sub(r"\1", cell) if cell and cell.startswith("=") else cell for cell in row] for row in rows]
    width = max(map(len, rows), default=0)
    if width > max_columns:
        raise UnreadableExport(f"một dòng có {width} ô, quá {max_columns}; tệp văn bản có lẽ thiếu dấu nháy đóng")
    _refuse_swallowed_rows(rows, delimiter, width)
    return [sheet_from_rows("", rows)]


def _refuse_swallowed_rows(rows: list[list[str | None]], delimiter: str, width: int) -> None:
    """A quotation mark that is never closed swallows the rows below it into one cell: they must not vanish."""
    for number, row in enumerate(rows, 1):
        for cell in row:
            if cell and "\n" in cell and max(line.count(delimiter) for line in cell.split("\n")) >= max(2, (width - 1) // 2):
                raise UnreadableExport(
                    f"dấu nháy kép mở ở dòng {number} không được đóng nên các dòng sau bị nuốt vào một ô; hãy sửa dấu nháy đó hoặc xuất lại dạng .xlsx"
                )
