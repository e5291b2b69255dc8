"""BIFF workbooks (.xls of Excel 97–2003) through xlrd, which knows fonts, dates, errors and hidden sheets."""

import datetime
import re
from typing import Any

import numpy as np
import xlrd
from xlrd.xldate import xldate_as_datetime

from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows
from transforms.text import decode_tcvn3_cells, is_tcvn3_font

# The head of a MERGEDCELLS record: its number, its length, how many ranges.
_MERGED = re.compile(rb"\xe5\x00(..)(..)", re.DOTALL)


def read(data: bytes) -> list[Sheet]:
    """Every worksheet of the workbook.

    Raises:
        UnreadableExport: the file is locked with a password, damaged, or another kind of Office document.
    """
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise UnreadableExport("sổ tính đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại")
    # Fonts cost a second pass over every cell, so they are read only where a TCVN3 font is named at all.
    fonts = any(name in data for name in (b".Vn", ".Vn".encode("utf-16-le"), b"VnTime", "VnTime".encode("utf-16-le")))
    try:
        book = _open(data, fonts)
        return [_read_sheet(book, sheet, fonts) for sheet in book.sheets()]
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise UnreadableExport("sổ tính đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại") from error
        raise UnreadableExport("không phải sổ tính Excel 97–2003 hoặc tệp bị hỏng; hãy xuất lại") from error
    except Exception as error:  # xlrd meets damaged records with whatever Python raises there
        raise UnreadableExport("tệp .xls bị cắt cụt hoặc hỏng; hãy xuất lại") from error


def _open(data: bytes, fonts: bool) -> Any:
    """The workbook; xlrd tells which cells are merged only with all formats, which cost time and may be damaged where the cells are not."""
    if not fonts and _may_merge_down(data):
        try:
            return xlrd.open_workbook(file_contents=data, formatting_info=True, ragged_rows=True, logfile=_Silence())
        except Exception:  # read without formats below, which says what is wrong if that fails, too
            pass
    return xlrd.open_workbook(file_contents=data, formatting_info=fonts, ragged_rows=True, logfile=_Silence())


def _may_merge_down(data: bytes) -> bool:
    """Whether the bytes may hold a range of merged cells over rows of one column; they may look so by chance, too."""
    for found in _MERGED.finditer(data):
        length, count = (int.from_bytes(part, "little") for part in found.groups())
        if count and length == 2 + 8 * count:
            numbers = np.frombuffer(data[found.end() : found.end() + 8 * count].ljust(8 * count, b"\0"), "<u2").reshape(-1, 4)
            if ((numbers[:, 0] < numbers[:, 1]) & (numbers[:, 2] == numbers[:, 3])).any():
                return True
    return False


class _Silence:
    """xlrd writes warnings about odd files to a stream; the reader's own messages are the ones users see."""

    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        return None


def _read_sheet(book: Any, sheet: Any, fonts: bool) -> Sheet:
    rows: list[list[str | None]] = []
    errors = 0
    in_tcvn3: list[tuple[int, int, str]] = []  # row, column, font
    for number in range(sheet.nrows):
        types, values = sheet.row_types(number), sheet.row_values(number)
        cells: list[str | None] = []
        for column, (kind, value) in enumerate(zip(types, values, strict=True)):
            if kind == xlrd.XL_CELL_TEXT:
                cells.append(value)
                if fonts and value and is_tcvn3_font(font := _font(book, sheet, number, column)):
                    in_tcvn3.append((number, column, font))
            elif kind == xlrd.XL_CELL_NUMBER:
                cells.append(f"{value:.10g}" if value != int(value) else str(int(value)))
            elif kind == xlrd.XL_CELL_DATE:
                cells.append(_date_text(value, book.datemode))
            elif kind == xlrd.XL_CELL_BOOLEAN:
                cells.append("true" if value else "false")
            elif kind == xlrd.XL_CELL_ERROR:
                errors += 1
                cells.append(xlrd.error_text_from_code.get(value, "#N/A"))
            else:
                cells.append(None)
        rows.append(cells)
    decoded = decode_tcvn3_cells([(rows[number][column] or "", font) for number, column, font in in_tcvn3])
    for (number, column, _), text in zip(in_tcvn3, decoded, strict=True):
        rows[number][column] = text
    made = sheet_from_rows(sheet.name, rows, hidden=sheet.visibility != 0, date1904=bool(book.datemode))
    made.error_cells = errors
    made.merged = [(left, top + 1, below) for top, below, left, right in sheet.merged_cells if right == left + 1 and below > top + 1]
    return made


def _font(book: Any, sheet: Any, row: int, column: int) -> str:
    return str(book.font_list[book.xf_list[sheet.cell_xf_index(row, column)].font_index].name)


def _date_text(serial: float, datemode: int) -> str:
    try:
        when = xldate_as_datetime(serial, datemode)
    except (ValueError, OverflowError):
        return str(serial)
    if when.microsecond:
        when = (when + datetime.timedelta(microseconds=500_000)).replace(microsecond=0)
    return f"{when:%Y-%m-%d %H:%M:%S}"
