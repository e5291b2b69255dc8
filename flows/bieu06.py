"""Biểu số 06 of any period: counted from the dossiers, and written as a workbook in the official layout, which our own reader reads back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from openpyxl.styles import Alignment, Border, Font, Side

from flows.figures import Unit
from flows.office import Office
from flows.office_files import write_whole
from flows.spreadsheets import Styles, book_bytes, height, lines, new_book, put, set_page, set_widths
from transforms.period_counts import BIEU06_COLUMNS, Span, render_bieu06
from transforms.wording import distinct_names

FORM_NUMBER = "Biểu số II.06a/VPCP/KSTT"
ISSUED_BY = "Ban hành theo Thông tư số 01/2020/TT-VPCP ngày 21/10/2020"
TITLE = "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT TTHC TẠI CƠ QUAN, ĐƠN VỊ TRỰC TIẾP GIẢI QUYẾT TTHC"
SECTIONS = (
    ("province", "Cấp tỉnh"),
    ("province_department", "Sở, ban, ngành"),
    ("district", "Cấp huyện"),
    ("district_department", "Phòng, ban cấp huyện"),
    ("commune", "Cấp xã"),
)
# Three rows of headings; (first row, first column, rows, columns, text), rows and columns from 0.
HEADINGS = (
    (0, 0, 3, 1, "STT"),
    (0, 1, 3, 1, "Đơn vị"),
    (0, 2, 1, 4, "Số hồ sơ nhận giải quyết"),
    (0, 6, 1, 4, "Số hồ sơ đã giải quyết"),
    (0, 10, 1, 3, "Số lượng hồ sơ đang giải quyết"),
    (1, 2, 2, 1, "Tổng số"),
    (1, 3, 1, 2, "Trong đó"),
    (1, 5, 2, 1, "Từ kỳ trước"),
    (1, 6, 2, 1, "Tổng số"),
    (1, 7, 2, 1, "Trước hạn"),
    (1, 8, 2, 1, "Đúng hạn"),
    (1, 9, 2, 1, "Quá hạn"),
    (1, 10, 2, 1, "Tổng số"),
    (1, 11, 2, 1, "Trong hạn"),
    (1, 12, 2, 1, "Quá hạn"),
    (2, 3, 1, 1, "Trực tuyến"),
    (2, 4, 1, 1, "Trực tiếp, dịch vụ bưu chính"),
)
_WIDTHS = (6, 36, 9, 10, 13, 9, 9, 9, 9, 9, 9, 9, 9)
_FONT = "Times New Roman"


@dataclass(frozen=True)
class Bieu06:
    """Counts of a period, or of its days so far: (unit, its eleven counts in the order of BIEU06_COLUMNS), by level, then code."""

    span: Span
    rows: list[tuple[Unit, tuple[int, ...]]]

    @property
    def totals(self) -> dict[str, int]:
        """Column -> sum over all units."""
        return {name: sum(counts[n] for _, counts in self.rows) for n, name in enumerate(BIEU06_COLUMNS)}

    def sections(self) -> list[tuple[str, list[tuple[Unit, tuple[int, ...]]]]]:
        """Title of a section and its rows, levels without units left out."""
        found = [(title, [row for row in self.rows if row[0].level == level]) for level, title in SECTIONS]
        return [section for section in found if section[1]]

    @property
    def last_day(self) -> date:
        """The last day that is counted, as the form writes it."""
        return self.span.end - timedelta(days=1)


def count_bieu06(connection: duckdb.DuckDBPyConnection, span: Span) -> Bieu06:
    """The form's counts of every unit valid in the span or with dossiers at hand in it."""
    counted = {(code, first): tuple(counts) for code, first, *counts in connection.execute(render_bieu06(span)).fetchall()}
    rows = []
    levels = [level for level, _ in SECTIONS]
    for code, first, last, name, level in connection.execute(
        "SELECT unit_code, valid_from, valid_to, unit_name, level FROM core.units ORDER BY unit_code, valid_from"
    ).fetchall():
        counts = counted.get((code, first))
        if counts or (first < span.end and last >= span.start):
            rows.append((Unit(code, first, name, level), counts or (0,) * len(BIEU06_COLUMNS)))
    called = distinct_names((unit.code, unit.valid_from, unit.name) for unit, _ in rows)
    told = [(replace(unit, called=called[unit.key]), counts) for unit, counts in rows]
    return Bieu06(span, sorted(told, key=lambda row: levels.index(row[0].level)))


def write_bieu06(form: Bieu06, office: Office, out: Path) -> Path:
    """The form as a workbook in the official layout; returns its path."""
    book = new_book(f"{FORM_NUMBER} từ ngày {form.span.start:%d/%m/%Y} đến ngày {form.last_day:%d/%m/%Y}", form.span.as_of)
    sheet = book.create_sheet("Biểu 06")
    set_widths(sheet, _WIDTHS)
    titles: Sequence[tuple[int, int, int, str, Font]] = (
        (1, 1, 3, FORM_NUMBER, Font(name=_FONT, size=11, bold=True)),
        (2, 1, 3, ISSUED_BY, Font(name=_FONT, size=10, italic=True)),
        (1, 10, 13, f"Đơn vị báo cáo: {office.name}", Font(name=_FONT, size=11)),
        (4, 1, 13, TITLE, Font(name=_FONT, size=13, bold=True)),
        (5, 1, 13, f"(Từ ngày {form.span.start:%d/%m/%Y} đến ngày {form.last_day:%d/%m/%Y})", Font(name=_FONT, size=12, italic=True)),
        (6, 10, 13, "Đơn vị tính: Số hồ sơ TTHC", Font(name=_FONT, size=11, italic=True)),
        (6, 1, 3, f"Thời điểm xuất: {form.span.as_of:%d/%m/%Y %H:%M}", Font(name=_FONT, size=11, italic=True)),
    )
    for row, first, last, text, font in titles:
        cell = put(sheet, row, first, text)
        cell.font = font
        cell.alignment = Alignment(horizontal="center" if row in (4, 5) else "left", vertical="top", wrap_text=True)
        sheet.merge_cells(start_row=row, start_column=first, end_row=row, end_column=last)
    sheet.row_dimensions[1].height = sheet.row_dimensions[2].height = height(2)
    end = _write_counts(sheet, form, 8)
    cell = put(sheet, end + 1, 10, office.signer)
    cell.font, cell.alignment = Font(name=_FONT, size=12, bold=True), Alignment(horizontal="center")
    sheet.merge_cells(start_row=end + 1, start_column=10, end_row=end + 1, end_column=13)
    cell = put(sheet, end + 2, 10, "(Ký, ghi rõ họ tên)")
    cell.font, cell.alignment = Font(name=_FONT, size=11, italic=True), Alignment(horizontal="center")
    sheet.merge_cells(start_row=end + 2, start_column=10, end_row=end + 2, end_column=13)
    sheet.freeze_panes = "C11"
    set_page(sheet, heading_rows="8:10")
    return write_whole(out, book_bytes(book, form.span.as_of))


def _write_counts(sheet: Any, form: Bieu06, top: int) -> int:
    """Headings, sections, units and total; returns the row after."""
    styles = Styles(sheet)
    for row in range(3):
        for column in range(13):
            styles.apply(sheet.cell(top + row, column + 1), "heading")
    for row, column, rows, columns, text in HEADINGS:
        put(sheet, top + row, column + 1, text)
        if rows * columns > 1:
            sheet.merge_cells(start_row=top + row, start_column=column + 1, end_row=top + row + rows - 1, end_column=column + columns)
    sheet.row_dimensions[top].height = height(2)
    sheet.row_dimensions[top + 2].height = height(3)
    row, line = top + 3, Side(style="thin", color="A6A6A6")
    for title, units in form.sections():
        for column in range(1, 14):
            sheet.cell(row, column).border = Border(top=line, bottom=line)
        put(sheet, row, 1, title).font = Font(name=_FONT, size=11, bold=True)
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=13)
        for number, (unit, counts) in enumerate(units, 1):
            row += 1
            for column, value in enumerate((number, unit.called, *counts), 1):
                styles.apply(put(sheet, row, column, value), "text" if column == 2 else "count")
            sheet.row_dimensions[row].height = height(lines(unit.called, _WIDTHS[1]))
        row += 1
    for column, value in enumerate((None, "Tổng số", *form.totals.values()), 1):
        cell = put(sheet, row, column, value)
        styles.apply(cell, "text" if column == 2 else "count")
        cell.font = Font(name=_FONT, size=11, bold=True)
    return row + 1
