"""Workbooks whose cells are set in fonts of the 1990s, with and without the encoding that goes with them."""

import io
from collections.abc import Callable

import openpyxl
import pytest
import xlwt
from openpyxl.styles import Font

from flows.sample.spelling import to_tcvn3
from tests.corpus import forms
from tests.corpus.book import Book, Cell, Page, Row
from transforms.readers import read_sheets

ROWS = [["Mã hồ sơ", "Mã TTHC", "Số hóa kết quả"], ["H48.529-240215-0007", "1.001193", "Có"], ["UBND xã Sơn Hạ", "xã Ba Tô", "Không"]]


def make_xls(rows: list[list[str]], font: str) -> bytes:
    book, out = xlwt.Workbook(), io.BytesIO()
    sheet, style = book.add_sheet("S"), xlwt.easyxf(f"font: name {font}")
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.write(number, column, text, style)
    book.save(out)
    return out.getvalue()


def make_xlsx(rows: list[list[str]], font: str) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            book.worksheets[0].cell(number, column, text).font = Font(name=font)
    book.save(out)
    return out.getvalue()


def make_ods(rows: list[list[str]], font: str) -> bytes:
    page = Page("S", None, tuple(Row(tuple(Cell(text, font=font) for text in row)) for row in rows))
    return forms.ods(Book((page,)))


@pytest.mark.parametrize("make", [make_xls, make_xlsx, make_ods])
@pytest.mark.parametrize(
    ("font", "spell"),
    [(".VnTime", to_tcvn3), (".VnTime", str), ("VNI-Times", str), ("Times New Roman", str)],
    ids=["TCVN3", "Unicode in a TCVN3 font", "Unicode in a VNI font", "Unicode"],
)
def test_texts_are_read_in_the_encoding_that_most_of_their_sheet_is_in(
    make: Callable[[list[list[str]], str], bytes], font: str, spell: Callable[[str], str]
) -> None:
    [sheet] = read_sheets(make([[spell(text) for text in row] for row in ROWS], font))
    assert sheet.head(9) == ROWS
