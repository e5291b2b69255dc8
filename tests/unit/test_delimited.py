"""Delimited text as people and systems write it: which sign parts the cells, which quotation marks are right, which bytes are text."""

import csv
import io
import unicodedata

import pytest
from conftest import rounds
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.sample.spelling import to_cp1258, to_tcvn3
from transforms.readers import delimited
from transforms.sheets import UnreadableExport

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


def test_a_quotation_mark_that_a_wrong_sign_leaves_open_is_no_line_of_a_table() -> None:
    rows = [HEADINGS, ["", "|", "|", "", " |  |  | ", "|"]]
    assert read(write(rows, quoting=csv.QUOTE_ALL)) == rows


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_the_line_that_names_the_delimiter_is_no_row(ending: str) -> None:
    assert read(f"sep=;{ending}" + write([HEADINGS, row(1)], ";", csv.QUOTE_ALL, ending)) == [HEADINGS, row(1)]


def test_a_text_of_one_column_is_one_column() -> None:
    assert read("Mã hồ sơ\n000.22.58.H48-240215-0001\n000.22.58.H48-240215-0002\n") == [
        ["Mã hồ sơ"],
        ["000.22.58.H48-240215-0001"],
        ["000.22.58.H48-240215-0002"],
    ]


# --- which quotation marks are right -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize(
    "cell",
    [
        "Thôn 1, xã Sơn Hạ,\nhuyện Sơn Hà",
        "Hồ sơ gồm:\nđơn, bản sao, sổ, giấy, ảnh, tờ khai",
        f"{PAPERS}\r\n\r\n{PAPERS}\n",
        'Nhà "cũ",\n"phía sau" chợ, xã "Sơn Hạ"',
    ],
)
def test_a_cell_closed_by_its_mark_holds_any_number_of_delimiters_and_lines(cell: str, column: int, ending: str) -> None:
    rows = [HEADINGS, row(1), [*row(2)[:column], cell, *row(2)[column + 1 :]]]
    assert read(write(rows, ending=ending)) == rows
    assert read(write([*rows, row(3)], ending=ending)) == [*rows, row(3)]


@pytest.mark.parametrize(
    "stray",
    {
        "the only mark": {2: '"Thôn 1'},
        "the only mark, last column": {2: 'Thôn 1,1,Có,"Có'},
        "the only mark, last row": {5: '"Thôn 1'},
        "a quoted cell below": {2: '"Thôn 1', 4: '"Thôn 1, xã Sơn Hạ"'},
        "a quoted cell in the row below": {2: '"Thôn 1', 3: '"Thôn 1"'},
        "ditto marks": {2: '"', 3: '"'},
        "a mark opens, another closes": {2: '"Thôn 1', 5: 'Thôn 1"'},
        "marks in two columns": {2: '"Thôn 1', 3: 'Thôn 1,1"'},
    }.items(),
    ids=lambda item: item[0],
)
def test_a_mark_left_open_is_told_and_no_row_vanishes(stray: tuple[str, dict[int, str]]) -> None:
    lines = [",".join(cells) for cells in (HEADINGS, *(row(number) for number in range(1, 6)))]
    for number, cell in stray[1].items():
        rest = ",1,Có,Có" if cell.count(",1") == 0 else ",Có,Có"
        lines[number] = ",".join(row(number)[:2]) + "," + cell + ("" if cell.endswith('"Có') else rest)
    with pytest.raises(UnreadableExport, match=f"mở ở dòng {min(stray[1]) + 1} "):
        read("\n".join(lines) + "\n")


def test_a_file_cut_within_a_quoted_cell_keeps_the_rows_above() -> None:
    rows = [HEADINGS, row(1), row(2, "Thôn 1, xã Sơn Hạ")]
    text = write(rows)
    assert read(text[: text.index('xã Sơn Hạ"')])[:2] == rows[:2]


WORDS = st.sampled_from(["", "Thôn 1", "xã Sơn Hạ", "huyện “Sơn Hà”", 'nhà "cũ"', '"', "12", "05/01/2024 07:30"])
PROSE = st.one_of(
    st.lists(st.one_of(WORDS, st.sampled_from([", ", "; ", " | ", "\n", "\r\n", ",\n"])), max_size=12).map("".join),
    st.lists(st.one_of(WORDS, st.sampled_from([",", ";", "|", "\t"])), max_size=8).map("".join),
)


@pytest.mark.slow
@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(150, 1000))
@given(
    st.integers(4, 6).flatmap(lambda width: st.lists(st.lists(PROSE, min_size=width, max_size=width), max_size=8)),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_table_reads_back_as_it_was_written(rows: list[list[str]], delimiter: str, quoting: int, ending: str, by_columns: bool) -> None:
    table = [HEADINGS[: len(rows[0]) if rows else 6], *rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "FEWEST_BYTES", 0 if by_columns else 1 << 40)
        assert read(write(table, delimiter, quoting, ending)) == table


# --- which bytes are text ------------------------------------------------------------------------------------------------------------

TEXT = write([HEADINGS, *(row(number, "Nguyễn Thị Bưởi, thôn Làng Rê, xã Sơn Hạ") for number in range(1, 4))])
DATA = TEXT.encode()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("at", range(3))
def test_a_broken_byte_costs_its_letter_not_the_file(mark: bytes, at: int) -> None:
    letter = DATA.index("ễ".encode()) + at
    for data in (DATA[:letter] + DATA[letter + 1 :], DATA[:letter] + b"\xff" + DATA[letter + 1 :]):
        rows = read(delimited.decode(mark + data))
        assert rows[1][2].startswith("Nguy\ufffd") and rows[1][2].strip("\ufffd").endswith("n Thị Bưởi, thôn Làng Rê, xã Sơn Hạ")  # type: ignore[union-attr]
        assert [rows[0], rows[1][:2], rows[1][3:], *rows[2:]] == [HEADINGS, row(1)[:2], row(1)[3:], *read(TEXT)[2:]]


def test_a_text_cut_within_its_last_letter_is_read() -> None:
    end = DATA.rindex("ạ".encode())
    assert delimited.decode(DATA[: end + 2]) == TEXT[: TEXT.rindex("ạ")] + "\ufffd"


def test_cells_cut_by_a_count_of_bytes_are_read() -> None:
    cells = [("Đơn đề nghị cấp bản sao trích lục hộ tịch, " * 3).encode()[:99] for _ in range(500)]
    data = DATA + b"\r\n".join(b"1,2,3,4,5," + cell[: 99 - number % 4] for number, cell in enumerate(cells))
    assert delimited.decode(data).startswith(TEXT)


@pytest.mark.parametrize("count", [1, 2, 300])
def test_encodings_of_one_byte_a_letter_are_not_taken_for_utf8(count: int) -> None:
    text = write([HEADINGS, *(row(number, PAPERS) for number in range(count))])
    data = to_cp1258(text).encode("cp1258")
    assert unicodedata.normalize("NFC", delimited.decode(data)) == text
    assert delimited._decode_damaged_utf8(to_tcvn3(text).encode("latin-1")) is None
    assert delimited._decode_damaged_utf8("Mã,Don,é,ü\n".encode("cp1252") * count) is None


@pytest.mark.parametrize("count", [0, 1, 200])
def test_tcvn3_is_known_by_its_letters_and_windows_1258_by_its_own(count: int) -> None:
    text = write([HEADINGS, *(row(number, "Đội 2, thôn Hà Bắc, nhà ông Tư") for number in range(count))], ";")
    assert delimited.decode(to_tcvn3(text).encode("latin-1")) == text
    text += "1;«Sơn Hạ» · ®;20 m²\r\n" * count  # signs whose bytes are letters of TCVN3
    assert unicodedata.normalize("NFC", delimited.decode(to_cp1258(text).encode("cp1258"))) == text
    assert delimited.decode("Don vi · ®;20 °C; «x»".encode("cp1252")) == "Don vi · ®;20 °C; «x»"


def test_bytes_of_two_encodings_are_not_taken_for_utf8() -> None:
    assert delimited._decode_damaged_utf8(write([HEADINGS]).encode() + to_cp1258(PAPERS * 9).encode("cp1258")) is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("before", [1, 3_000])
def test_rows_of_another_encoding_behind_a_text_in_utf16_do_not_vanish(encoding: str, before: int) -> None:
    text = write([HEADINGS, *(row(number) for number in range(before))])
    below = write([row(9_000)])
    assert delimited.decode((text + below).encode(encoding)).lstrip("\ufeff") == text + below
    misplaced = b"." + below.encode("utf-16-be" if encoding == "utf-16-be" else "utf-16-le")
    for behind in (below.encode(), to_cp1258(below).encode("cp1258"), b"." + below.encode(), misplaced):
        with pytest.raises(UnreadableExport, match="lẫn hai bảng mã"):
            delimited.decode(text.encode(encoding) + behind)


def test_signs_of_east_asia_in_utf16_are_read() -> None:
    text = write(
        [
            HEADINGS,
            row(
                1,
                "广西壮族自治区崇左市凭祥市友谊镇隘口村民委员会第三村民小组二十八号院内東側，電話なし。中华人民共和国驻越南大使馆领事部证明文件翻译件",
            ),
        ]
    )
    assert delimited.decode(text.encode("utf-16")).lstrip("\ufeff") == text
