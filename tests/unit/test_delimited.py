"""Delimited text as people and systems write it: which sign parts the cells, which quotation marks are right, which bytes are text."""

import csv
import io

import pytest

from transforms.readers import delimited

HEADINGS = ["Mã hồ sơ", "Đơn vị", "Địa chỉ", "Số hóa thành phần hồ sơ", "Số hóa kết quả", "Cấp kết quả điện tử"]
PAPERS = "Đơn đề nghị, bản sao CMND, sổ hộ khẩu, giấy khai sinh, ảnh 3x4, tờ khai, biên lai"


def row(number: int, address: str = "Thôn 1") -> list[str]:
    return [f"000.22.58.H48-240215-{number:04d}", "UBND xã Sơn Hạ", address, "1", "Có", "Có"]


def write(rows: list[list[str]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL, ending: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def read(text: str) -> list[list[str | None]]:
    sheet = delimited.read(text, 50)[0]
    return sheet.head(sheet.height)


# --- which sign parts the cells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("sign", [", ", "; ", " | ", "\t"])
@pytest.mark.parametrize("count", [1, 8, 3000])
def test_signs_within_texts_do_not_part_cells_however_many_they_are(delimiter: str, sign: str, count: int) -> None:
    rows = [HEADINGS, *(row(number, PAPERS.replace(", ", sign)) for number in range(count))]
    assert read(write(rows, delimiter)) == rows


def test_commas_of_titles_headings_and_signatures_do_not_part_cells() -> None:
    headings = ["Mã TTHC", "Tên thủ tục", "Mức độ", "Phí, lệ phí (đồng)"]
    above = [["UBND HUYỆN SƠN HÀ, TỈNH QUẢNG NGÃI"], ["Từ ngày 01/01, đến ngày 30/06/2024"], []]
    rows = [*above, headings, ["1.000010", "Cấp bản sao, trích lục", "Toàn trình", "8.000"], ["Quảng Ngãi, ngày 30 tháng 6 năm 2024"]]
    assert [[cell for cell in cells if cell is not None] for cells in read(write(rows, ";"))] == rows


def test_rows_that_lack_their_last_cells_are_parted_as_their_heading_is() -> None:
    rows = [HEADINGS, *(row(number, "Thôn 1, xã Sơn Hạ, huyện Sơn Hà")[: 3 + number % 4] for number in range(40))]
    assert read(write(rows, ";")) == [cells + [None] * (6 - len(cells)) for cells in rows]


def test_headings_without_rows_are_parted() -> None:
    assert read("Báo cáo, tháng 5\r\n" + write([HEADINGS], "|"))[1] == HEADINGS


def test_a_text_of_one_column_is_one_column() -> None:
    assert read("Mã hồ sơ\n000.22.58.H48-240215-0001\n000.22.58.H48-240215-0002\n") == [
        ["Mã hồ sơ"],
        ["000.22.58.H48-240215-0001"],
        ["000.22.58.H48-240215-0002"],
    ]
