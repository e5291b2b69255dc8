"""Tables in workbooks: typed cells, headings that stay in sight, A4 landscape; what looks like a formula stays text."""

import math
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import openpyxl
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break, ColBreak

from flows.office_files import plain_text, settle
from flows.sheet_writing import write_package

FORMATS = {
    "text": "General",
    "sign": "General",
    "code": "@",
    "count": "#,##0",
    "percent": "0.00%",
    "hours": "#,##0.0",
    "moment": "dd/mm/yyyy hh:mm",
    "date": "dd/mm/yyyy",
}
_LINE = Side(style="thin", color="A6A6A6")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_HEAD = PatternFill("solid", fgColor="DDE6F0")
_FONT = "Times New Roman"
_LIKE_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = 32_767  # what a cell may hold


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its width in characters, and what its cells are (a key of FORMATS)."""

    heading: str
    width: float
    kind: str = "text"


def new_book(title: str, as_of: datetime) -> openpyxl.Workbook:
    """A workbook without sheets whose properties say what it is, created at as_of."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    book.properties.title, book.properties.creator = title, "tthc"
    book.properties.language, book.properties.created = "vi-VN", as_of
    return book


def book_bytes(book: openpyxl.Workbook, as_of: datetime) -> bytes:
    """The workbook as a file; the same content gives the same bytes."""
    return settle(write_package(book), as_of)


def put(sheet: Any, row: int, column: int, value: object) -> Any:
    """The cell with this value; text is text whatever it begins with. Returns the cell."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = plain_text(value)[:_LONGEST]
        cell.data_type = "s"
        if value.startswith(_LIKE_FORMULA):
            cell.quotePrefix = True
    else:
        cell.value = value
    return cell


class Styles:
    """Cell styles made once for a book and shared by its cells, which is what makes long tables quick."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._known: dict[str, Any] = {}

    def apply(self, cell: Any, kind: str) -> None:
        """Give a cell the look of its kind ("heading" or a key of FORMATS)."""
        quoted = cell.quotePrefix
        if kind not in self._known:
            self._make(cell, kind)
            self._known[kind] = copy(cell._style)
        cell._style = copy(self._known[kind])  # a copy, because what one cell changes later would change all
        if quoted:
            cell.quotePrefix = True

    def put(self, row: int, column: int, value: object, kind: str) -> None:
        """A cell of a table, as `put` and `apply` make it; nobody changes it later, so cells of a kind share their style."""
        if kind not in self._known:
            self.apply(put(self._sheet, row, column, value), kind)
            return
        cell: Any = Cell(self._sheet, row, column)
        cell._style = self._known[kind]
        if isinstance(value, str):
            cell._value, cell.data_type = plain_text(value)[:_LONGEST], "s"
            if value.startswith(_LIKE_FORMULA):
                cell._style = copy(cell._style)
                cell.quotePrefix = True
        elif value is not None:
            cell.value = value
        self._sheet._cells[row, column] = cell

    def _make(self, cell: Any, kind: str) -> None:
        cell.border = _BOX
        cell.quotePrefix = False
        if kind == "heading":
            cell.font, cell.fill = Font(name=_FONT, size=11, bold=True), _HEAD
            cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
            return
        cell.font, cell.number_format = Font(name=_FONT, size=11), FORMATS[kind]
        centred = kind in ("moment", "date", "sign")
        cell.alignment = Alignment(wrap_text=kind in ("text", "code"), vertical="top", horizontal="center" if centred else None)


def write_title(sheet: Any, row: int, text: str, *, size: int = 14) -> None:
    """A bold title in the first column; it runs over the cells to its right."""
    put(sheet, row, 1, text).font = Font(name=_FONT, size=size, bold=True)


def write_note(sheet: Any, row: int, text: str) -> None:
    """A line of explanation in italics."""
    put(sheet, row, 1, text).font = Font(name=_FONT, size=11, italic=True)


def write_table(sheet: Any, row: int, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> int:
    """A table whose headings stand in `row`; returns the row after its last one."""
    styles = Styles(sheet)
    for number, column in enumerate(columns, 1):
        styles.apply(put(sheet, row, number, column.heading), "heading")
    sheet.row_dimensions[row].height = height(max(lines(column.heading, column.width) for column in columns))
    for values in rows:
        row += 1
        tall = 1
        for number, (column, value) in enumerate(zip(columns, values, strict=True), 1):
            styles.put(row, number, value, column.kind)
            if isinstance(value, str):
                tall = max(tall, lines(value, column.width))
        if tall > 1:
            sheet.row_dimensions[row].height = height(tall)
    return row + 1


def set_widths(sheet: Any, widths: Iterable[float]) -> None:
    """Widths of the columns from the first on, in characters."""
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def set_page(sheet: Any, *, heading_rows: str | None = None) -> None:
    """A4 landscape, one page wide, headings repeated, name and page number in the footer."""
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.5
    sheet.page_margins.top, sheet.page_margins.bottom = 0.6, 0.7
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = "&A", "Trang &P/&N"
    if heading_rows:
        sheet.print_title_rows = heading_rows


def set_wide_page(sheet: Any, *, heading_rows: str, heading_columns: str, break_after: Iterable[int], scale: int) -> None:
    """A4 landscape for a table wider than a page: cut after these columns and nowhere else, headings repeated on both sides.

    The scale must leave room: where our font is missing, the one in its place makes every column up to 9/7 as wide.
    """
    set_page(sheet, heading_rows=heading_rows)
    sheet.page_margins.left = sheet.page_margins.right = 0.3
    sheet.sheet_properties.pageSetUpPr.fitToPage = False
    sheet.page_setup.fitToWidth = sheet.page_setup.fitToHeight = None
    sheet.page_setup.scale = scale
    sheet.print_title_cols = heading_columns
    sheet.col_breaks = ColBreak(brk=[Break(id=column) for column in break_after])


def lines(text: str, width: float) -> int:
    """How many lines a wrapped text takes; spreadsheets do not work it out for a file they did not write themselves."""
    across = max(width * 1.05, 1)
    if "\n" not in text:
        return max(1, math.ceil(len(text) / across))
    return sum(max(1, math.ceil(len(part) / across)) for part in text.split("\n"))


def height(count: int) -> float:
    """Height of a row of so many lines, in points, at most what a sheet allows."""
    return min(15.5 * count + 2, 409)


def typed(value: date | datetime | None) -> date | datetime | None:
    """The value as a date cell can hold it: spreadsheets know no day before 1900."""
    return value if value is None or value.year >= 1900 else None
