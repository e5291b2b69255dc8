"""Worksheets whose rows stand in another order than their numbers, or have one number twice, as no spreadsheet writes them but a program may."""

import io
import zipfile

import openpyxl
import pytest

from transforms.readers import read_sheets
from transforms.sheets import Sheet, UnreadableExport

OPENING = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
MANY = 20_000  # more than one block of XML


def row(number: int, text: str) -> str:
    return f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{text}</t></is></c><c r="B{number}"><v>{number}</v></c></row>'


def read(*rows: str) -> Sheet:
    made, out = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(out, "w") as book:
        for name in source.namelist():
            is_sheet = name.endswith("sheet1.xml")
            book.writestr(name, "".join([OPENING, *rows, "</sheetData></worksheet>"]) if is_sheet else source.read(name))
    [sheet] = read_sheets(out.getvalue())
    return sheet


@pytest.mark.parametrize("order", [(4, 3, 2), (3, 2, 4), (2, 4, 3)])
def test_rows_keep_their_numbers_in_any_order(order: tuple[int, ...]) -> None:
    sheet = read(*(row(number, f"r{number}") for number in order))
    assert sheet.first_row == 2
    assert [column.to_pylist() for column in sheet.columns] == [["r2", "r3", "r4"], ["2", "3", "4"]]


def test_many_rows_keep_their_numbers_in_any_order() -> None:
    sheet = read(*(row(number, "x") for number in range(MANY, 1, -1)))
    assert (sheet.first_row, sheet.columns[1].to_pylist()) == (2, [str(number) for number in range(2, MANY + 1)])


@pytest.mark.parametrize("numbers", [(1, 2, 2, 3), (1, 2, 3, 1), (*range(1, MANY), 5)])
def test_of_two_rows_with_one_number_none_overwrites_the_other(numbers: tuple[int, ...]) -> None:
    with pytest.raises(UnreadableExport, match="hai dòng cùng mang số"):
        read(*(row(number, f"r{at}") for at, number in enumerate(numbers)))


def test_a_row_without_cells_overwrites_nothing() -> None:
    assert read(row(1, "a"), row(2, "b"), '<row r="2"/>').columns[0].to_pylist() == ["a", "b"]
