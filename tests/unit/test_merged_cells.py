"""What a cell merged down a column says holds for every dossier beside it, as whoever merged it meant."""

import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook

from transforms.exports import normalise_export
from transforms.layouts import load_lists
from transforms.normalise import NormalisedSheet
from transforms.readers import read_sheets

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


def read(data: bytes) -> NormalisedSheet:
    (sheet,) = normalise_export(read_sheets(data), LISTS).sheets
    return sheet


@pytest.mark.parametrize("plain", [True, False])
def test_every_dossier_beside_a_merged_cell_has_what_it_says(plain: bool) -> None:
    rows = read(workbook(*MERGED, plain=plain)).rows
    assert [name and name[-6:] for name in rows["unit_shown"].to_pylist()] == ["Sơn Hạ", "Sơn Hạ", "Sơn Hạ", "Sơn Hà"]
    assert rows["channel"].to_pylist() == ["online", "online", "counter", "counter"]  # blank, and not merged, is the counter
    assert [f"{moment:%H}" for moment in rows["received_at"].to_pylist()] == ["09", "09", "10", "11"]


def test_blank_cells_that_are_not_merged_stay_blank() -> None:
    rows = read(workbook()).rows
    assert rows["unit_shown"].to_pylist()[1:3] == [None, None]
    assert rows["received_at"].to_pylist()[1] is None


def test_a_merged_code_makes_no_second_dossier() -> None:
    rows = read(workbook("A2:A3")).rows  # openpyxl leaves the code in the first row alone
    assert [code[-4:] for code in rows["case_code"].to_pylist() if code] == ["0001", "0003", "0004"]


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
