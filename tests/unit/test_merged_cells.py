"""What a cell merged down a column says holds for every dossier beside it, as whoever merged it meant."""

import io
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import xlwt
from openpyxl import Workbook
from openpyxl.utils import range_boundaries

from transforms.exports import normalise_export
from transforms.layouts import load_lists
from transforms.normalise import NormalisedSheet
from transforms.readers import html, read_sheets

LISTS = load_lists()
HEADINGS = "Mã hồ sơ|Mã TTHC|Đơn vị|Hình thức tiếp nhận|Ngày nộp|Ngày tiếp nhận|Ngày hẹn trả|Ngày có kết quả|Trạng thái".split("|")


def case(number: int, unit: str | None, channel: str | None, received: str | None) -> list[Any]:
    return [f"000.22.58.H48-240215-{number:04d}", "1.001193", unit, channel, "15/02/2024 08:00", received, "20/02/2024", None, "Đang xử lý"]


ROWS = [
    case(1, "UBND xã Sơn Hạ", "Trực tuyến", "15/02/2024 09:00"),
    case(2, None, None, None),
    case(3, None, "Trực tiếp", "15/02/2024 10:00"),
    case(4, "UBND xã Sơn Hà", None, "15/02/2024 11:00"),
    [None] * 9,
    [None, None, "Người lập", *[None] * 6],
]
MERGED = ("C2:C4", "D2:D3", "F2:F3", "C7:C9", "A10:I10")


def workbook(*merged: str, plain: bool = True) -> bytes:
    book = Workbook()
    sheet = book.active
    for row in (HEADINGS, *ROWS):
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    data = io.BytesIO()
    book.save(data)
    if plain:
        return data.getvalue()
    out = io.BytesIO()  # a comment between the rows: no sheet that is read in slices
    with zipfile.ZipFile(data) as archive, zipfile.ZipFile(out, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, content.replace(b"<sheetData>", b"<sheetData><!-- x -->") if "worksheets/" in name else content)
    return out.getvalue()


def biff_workbook(*merged: str, bare: bool = False) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Danh sách")
    for cells in merged:
        left, top, right, bottom = range_boundaries(cells)
        sheet.merge(top - 1, bottom - 1, left - 1, right - 1)
    for number, row in enumerate((HEADINGS, *ROWS)):
        for column, text in enumerate(row):
            if text:
                sheet.write(number, column, text)
    if bare:  # without the OLE file around it
        return bytes(book.get_biff_data())
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def spans_of(merged: tuple[str, ...]) -> tuple[dict[tuple[int, int], tuple[int, int]], set[tuple[int, int]]]:
    """(rows, columns) of the cells that are merged over others, by row and column, and the cells that these cover."""
    spans, covered = {}, set()
    for cells in merged:
        left, top, right, bottom = range_boundaries(cells)
        spans[top, left] = bottom - top + 1, right - left + 1
        covered |= {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)} - {(top, left)}
    return spans, covered


def page(*merged: str, plain: int = 0) -> bytes:
    """The table as a page, with so many plain rows above the others that all pages but short ones are read by columns."""
    spans, covered = spans_of(merged)
    lines = []
    for number, row in enumerate((HEADINGS, *ROWS), 1):
        cells = []
        for column, text in enumerate(row, 1):
            rows, columns = spans.get((number, column), (1, 1))
            if (number, column) not in covered:
                cells.append(f"<td{f' rowspan={rows}' if rows > 1 else ''}{f' colspan={columns}' if columns > 1 else ''}>{text or ''}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
        if number == 1:
            filed = [case(9000 + extra, "UBND xã Sơn Kỳ", "Trực tuyến", None) for extra in range(plain)]
            lines += ["<tr>" + "".join(f"<td>{text or ''}</td>" for text in extra) + "</tr>" for extra in filed]
    return f"<table>{''.join(lines)}</table>".encode()


def open_document(*merged: str) -> bytes:
    spans, covered = spans_of(merged)
    lines = []
    for number, row in enumerate((HEADINGS, *ROWS), 1):
        cells = []
        for column, text in enumerate(row, 1):
            name = "covered-table-cell" if (number, column) in covered else "table-cell"
            rows, columns = spans.get((number, column), (1, 1))
            span = f' table:number-rows-spanned="{rows}" table:number-columns-spanned="{columns}"' if (number, column) in spans else ""
            cells.append(f"<table:{name}{span}>{f'<text:p>{text}</text:p>' if text else ''}</table:{name}>")
        lines.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        body = f'<table:table table:name="Danh sách">{"".join(lines)}</table:table>'
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>",
        )
    return data.getvalue()


def read(data: bytes) -> NormalisedSheet:
    (sheet,) = normalise_export(read_sheets(data), LISTS).sheets
    return sheet


@pytest.mark.parametrize(
    "make",
    [workbook, lambda *merged: workbook(*merged, plain=False), biff_workbook, partial(biff_workbook, bare=True), page, open_document],
    ids=[".xlsx", ".xlsx with a comment", ".xls", "bare .xls", "page", ".ods"],
)
def test_every_dossier_beside_a_merged_cell_has_what_it_says(make: Callable[..., bytes]) -> None:
    rows = read(make(*MERGED)).rows
    assert [name and name[-6:] for name in rows["unit_shown"].to_pylist()] == ["Sơn Hạ", "Sơn Hạ", "Sơn Hạ", "Sơn Hà"]
    assert rows["channel"].to_pylist() == ["online", "online", "counter", "counter"]  # blank, and not merged, is the counter
    assert [f"{moment:%H}" for moment in rows["received_at"].to_pylist()] == ["09", "09", "10", "11"]


def test_merged_cells_of_a_long_page_stand_below_its_plain_rows() -> None:
    data = page(*MERGED, plain=600)
    assert len(data) > html.FEWEST_CHARACTERS
    rows = read(data).rows
    assert rows.num_rows == 604
    assert [name and name[-6:] for name in rows["unit_shown"].to_pylist()[-4:]] == ["Sơn Hạ", "Sơn Hạ", "Sơn Hạ", "Sơn Hà"]
    assert rows["channel"].to_pylist()[-4:] == ["online", "online", "counter", "counter"]


def test_a_merged_cell_of_a_page_ends_with_its_group_of_rows() -> None:
    """rowspan=0 and what claims more rows than there are go as far as the tbody."""
    head = "<tr>" + "".join(f"<td>{heading}</td>" for heading in HEADINGS) + "</tr>"

    def line(number: int, unit: str) -> str:
        return "<tr>" + "".join(f"<td>{text or ''}</td>" for text in case(number, "@", None, None)).replace("<td>@</td>", unit) + "</tr>"

    first = line(1, "<td rowspan=0>UBND xã Sơn Hạ</td>") + line(2, "")
    second = line(3, "<td></td>") + line(4, "<td rowspan=9>UBND xã Sơn Kỳ</td>") + line(5, "")
    (sheet,) = normalise_export(read_sheets(f"<table>{head}<tbody>{first}</tbody><tbody>{second}</tbody></table>".encode()), LISTS).sheets
    assert [name and name[-6:] for name in sheet.rows["unit_shown"].to_pylist()] == ["Sơn Hạ", "Sơn Hạ", None, "Sơn Kỳ", "Sơn Kỳ"]


def test_blank_cells_that_are_not_merged_stay_blank() -> None:
    rows = read(workbook()).rows
    assert rows["unit_shown"].to_pylist()[1:3] == [None, None]
    assert rows["received_at"].to_pylist()[1] is None


def test_a_merged_code_makes_no_second_dossier() -> None:
    rows = read(workbook("A2:A3")).rows  # openpyxl leaves the code in the first row alone
    assert [code[-4:] for code in rows["case_code"].to_pylist() if code] == ["0001", "0003", "0004"]


def test_a_code_merged_over_the_fee_lines_of_a_dossier_holds_for_each() -> None:
    book = Workbook()
    sheet = book.active
    sheet.append("Mã hồ sơ|Mã TTHC|Loại phí|Số tiền|Hình thức thu|Hình thức thanh toán|Trạng thái thanh toán".split("|"))
    sheet.append(["H48.529-240215-0001", "1.001193", "Phí", "20.000", "Thu trước", "Trực tuyến", "Đã thanh toán"])
    sheet.append([None, None, "Lệ phí", "8.000", "Thu trước", "Tiền mặt", "Đã thanh toán"])
    sheet.append(["H48.529-240215-0002", "1.001193", "Phí", "20.000", "Thu trước", None, "Chờ thanh toán"])
    sheet.append([None, None, "Lệ phí", "8.000", "Thu trước", None, "Chờ thanh toán"])  # not merged: whose it is nobody says
    for cells in ("A2:A3", "B2:B3"):
        sheet.merge_cells(cells)
    data = io.BytesIO()
    book.save(data)
    payments = read(data.getvalue())
    assert [code and code[-4:] for code in payments.rows["case_code"].to_pylist()] == ["0001", "0001", "0002", None]
    assert payments.rows["procedure_code"].to_pylist()[:2] == ["1.001193"] * 2
    assert payments.troubles["reason"].to_pylist() == ["missing_case_code"]


def test_merged_headings_are_no_data() -> None:
    book = Workbook()
    sheet = book.active
    sheet.append([*HEADINGS[:5], "Ngày, tháng, năm", None, None, "Trạng thái"])
    sheet.append([None] * 5 + ["Tiếp nhận", "Hẹn trả kết quả", "Kết thúc xử lý", None])
    for column in "ABCDEI":
        sheet.merge_cells(f"{column}1:{column}2")
    sheet.merge_cells("F1:H1")
    sheet.append(case(1, "UBND xã Sơn Hạ", "Trực tuyến", "15/02/2024 09:00"))
    sheet.append(case(2, None, None, "15/02/2024 10:00"))
    sheet.merge_cells("C3:C4")
    data = io.BytesIO()
    book.save(data)
    rows = read(data.getvalue()).rows
    assert rows["row_number"].to_pylist() == [3, 4]
    assert len(set(rows["unit_ref"].to_pylist())) == 1
    assert rows["channel"].to_pylist() == ["online", "counter"]
