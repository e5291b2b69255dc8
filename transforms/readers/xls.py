"""BIFF workbooks (.xls of Excel 97–2003) through xlrd, which knows fonts, dates, errors and hidden sheets."""

import datetime
from typing import Any

import xlrd
from xlrd.xldate import xldate_as_datetime

from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows
from transforms.text import decode_tcvn3, is_tcvn3_font


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
        book = xlrd.open_workbook(file_contents=data, formatting_info=fonts, ragged_rows=True, logfile=_Silence())
        return [_read_sheet(book, sheet, fonts) for sheet in book.sheets()]
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise UnreadableExport("sổ tính đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại") from error
        raise UnreadableExport("không phải sổ tính Excel 97–2003 hoặc tệp bị hỏng; hãy xuất lại") from error
    except Exception as error:  # xlrd meets damaged records with whatever Python raises there
        raise UnreadableExport("tệp .xls bị cắt cụt hoặc hỏng; hãy xuất lại") from error


class _Silence:
    """xlrd writes warnings about odd files to a stream; the reader's own messages are the ones users see."""

    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        return None


def _read_sheet(book: Any, sheet: Any, fonts: bool) -> Sheet:
    rows: list[list[str | None]] = []
    errors = 0
    for number in range(sheet.nrows):
        types, values = sheet.row_types(number), sheet.row_values(number)
        cells: list[str | None] = []
        for column, (kind, value) in enumerate(zip(types, values, strict=True)):
            if kind == xlrd.XL_CELL_TEXT:
                cells.append(_decode(book, sheet, number, column, value) if fonts else value)
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
    made = sheet_from_rows(sheet.name, rows, hidden=sheet.visibility != 0, date1904=bool(book.datemode))
    made.error_cells = errors
    return made


def _decode(book: Any, sheet: Any, row: int, column: int, text: str) -> str:
    font = book.font_list[book.xf_list[sheet.cell_xf_index(row, column)].font_index].name
    return decode_tcvn3(text, font) if is_tcvn3_font(font) else text


def _date_text(serial: float, datemode: int) -> str:
    try:
        when = xldate_as_datetime(serial, datemode)
    except (ValueError, OverflowError):
        return str(serial)
    if when.microsecond:
        when = (when + datetime.timedelta(microseconds=500_000)).replace(microsecond=0)
    return f"{when:%Y-%m-%d %H:%M:%S}"
