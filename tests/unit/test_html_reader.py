"""What pages mean that no system would write twice the same way: merged cells, charsets, fonts, titles, tables around tables."""

import unicodedata

import pytest

from tests.corpus.forms import to_cp1258
from transforms.readers import html, plain_rows, read_sheets
from transforms.sheets import UnreadableExport
from transforms.text import _TCVN3

HEADINGS = ["Mã hồ sơ", "Đơn vị", "Nhận", "Trả"]
ROWS = [["H48-1", "xã Sơn Hạ", "03/05/2024", "Đã trả"], ["H48-2", "xã Sơn Thủy", "04/05/2024", "Chờ"]]
TITLE = "Thời điểm xuất: 30/06/2024 23:05"
_TCVN3_BYTES = {letter: bytes([code]) for code, letter in reversed(_TCVN3.items())}


def row(cells: list[str], kind: str = "td") -> str:
    return "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in cells) + "</tr>"


TABLE = "<table>" + "".join(map(row, [HEADINGS, *ROWS])) + "</table>"


def in_tcvn3(text: str) -> bytes:
    """The bytes that a .VnTime font shows as this text; it has no capitals with tones."""
    return b"".join(_TCVN3_BYTES.get(letter) or letter.encode("ascii") for letter in unicodedata.normalize("NFC", text))


def cells(page: str | bytes) -> list[list[str | None]]:
    """The rows of a page, which by columns (where there are plain rows) must be the same as by the parser alone."""
    data = page if isinstance(page, bytes) else page.encode()
    [sheet] = read_sheets(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "FEWEST_CHARACTERS", 0)
        patch.setattr(plain_rows, "MOST_LEFT", 1000)
        assert read_sheets(data) == [sheet]
    return sheet.head(sheet.height)


# Cells ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", ["p", "div", "li", "h6"])
def test_what_a_cell_shows_on_lines_of_its_own_is_not_run_together(block: str) -> None:
    moment = f"<{block}>03/05/2024</{block}><{block}><span>08:15</span></{block}>"
    [[read, _], _] = cells(f"<table>{row([moment, 'a'])}{row(['b', 'c'])}</table>")
    assert read == "03/05/2024\n08:15"


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>sua(1)</script>",
        "<style>td{}</style>",
        "<template><b>x</b></template>",
        "<!-- x -->",
        "<span style='color: red; display: none'>20240220</span>",  # what the table is sorted by on the screen
        "<i style='VISIBILITY:hidden'><b>x</b></i>",
        "<b hidden>x</b>",
    ],
)
def test_what_a_cell_never_shows_is_none_of_its_text(hidden: str) -> None:
    assert cells(f"<table>{row([f'H48-1{hidden}', f'{hidden}<b>a</b>b'])}{row(['c', 'd'])}</table>") == [["H48-1", "ab"], ["c", "d"]]


@pytest.mark.parametrize(
    "text",
    ["<![CDATA[Trực tuyến]]>", "<noscript>Trực tuyến</noscript>", "<b><noscript><i>Trực</i> tuyến</noscript></b><script>ve()</script>"],
)
def test_what_only_some_programs_show_is_the_text_of_a_cell_that_has_no_other(text: str) -> None:
    assert cells(f"<table>{row([text, f'a{text}'])}{row(['c', 'd'])}</table>") == [["Trực tuyến", "a"], ["c", "d"]]


def test_cdata_may_hold_signs_of_markup() -> None:
    assert cells(f"<table>{row(['<![CDATA[Sở A > B & <1>]]>', 'a'])}{row(['c', 'd'])}</table>")[0] == ["Sở A > B & <1>", "a"]


# Merged cells -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "shown", "read"),
    [
        ("45325.34375", "03/02/2024", "45325.34375"),  # the time of day is not shown
        ("45325.34375", "2/3/2024 8:15", "45325.34375"),  # as a machine set to English shows 3 February
        ("45325", "########", "45325"),  # the column is too narrow
        ("1000000", "1.000.000", "1.000.000"),
        ("0.345", "34,5%", "34,5%"),
        ("1.0011930000000001", "1.001193", "1.001193"),
        ("", "03/02/2024", "03/02/2024"),
    ],
)
def test_a_date_that_excel_saved_with_its_number_is_that_number(number: str, shown: str, read: str) -> None:
    page = f"<table>{row(HEADINGS)}<tr><td>H48-1</td><td x:str>a</td><td x:num='{number}'>{shown}</td><td>b</td></tr>{row(ROWS[0])}</table>"
    assert cells(page)[1] == ["H48-1", "a", read, "b"]


@pytest.mark.parametrize("span", [2, 3, 99, 0])
def test_a_merged_heading_ends_with_the_head_of_its_table(span: int) -> None:
    head = f"<tr><th rowspan={span}>Mã</th><th colspan=2>Ngày</th></tr><tr><th>Nhận</th><th>Trả</th></tr>"
    read = cells(f"<table><thead>{head}</thead><tbody>{row(['1', '2', '3']) * 3}</tbody></table>")
    assert read == [["Mã", "Ngày", None], [None, "Nhận", "Trả"], *[["1", "2", "3"]] * 3]


@pytest.mark.parametrize("end", ["<tbody>", "</tbody><tbody>", "<tfoot>"])
def test_a_merged_cell_ends_with_its_row_group(end: str) -> None:
    assert cells(f"<table><tr><td rowspan=5>a</td><td>b</td></tr>{end}{row(['c', 'd'])}</table>") == [["a", "b"], ["c", "d"]]


def test_rowspan_0_goes_to_the_end_of_its_row_group() -> None:
    body = "<tr><td rowspan=0>a</td><td>b</td></tr>" + "<tr><td>c</td></tr>" * 1_500
    read = cells(f"<table><tbody>{body}</tbody><tbody>{row(['d', 'e'])}</tbody></table>")
    assert read[:3] == [["a", "b"], [None, "c"], [None, "c"]]
    assert read[-2:] == [[None, "c"], ["d", "e"]]


@pytest.mark.parametrize("value", ["2", " 2", "+2", "2.5", "2px"])
def test_spans_are_numbers_as_browsers_read_them(value: str) -> None:
    assert cells(f"<table><tr><td rowspan='{value}'>a</td><td>b</td></tr><tr><td>c</td></tr></table>") == [["a", "b"], [None, "c"]]


@pytest.mark.parametrize("value", ["", "x", "-2", "²"])
def test_a_span_that_is_no_number_is_none(value: str) -> None:
    assert cells(f"<table><tr><td rowspan='{value}'>a</td><td>b</td></tr>{row(['c', 'd'])}</table>") == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("columns", [3, 4, 20])
def test_a_title_over_the_table_does_not_push_the_headings_aside(columns: int) -> None:
    title = f"<tr><td colspan={columns} rowspan=2>DANH SÁCH</td></tr>"
    assert [line[:4] for line in cells(f"<table>{title}{''.join(map(row, [HEADINGS, *ROWS]))}</table>")[1:]] == [HEADINGS, *ROWS]
    assert [line[:4] for line in cells(f"<table>{title}<tr></tr>{''.join(map(row, [HEADINGS, *ROWS]))}</table>")[2:]] == [HEADINGS, *ROWS]


def test_a_group_in_a_row_of_its_own_stands_beside_its_rows() -> None:
    page = f"<table><tr><td rowspan=3>I</td></tr>{row(['a', 'b', 'c']) * 2}{row(['d', 'e', 'f', 'g'])}</table>"
    assert cells(page) == [["I", None, None, None], [None, "a", "b", "c"], [None, "a", "b", "c"], ["d", "e", "f", "g"]]


# Charsets ---------------------------------------------------------------------------------------------------------------------------


def declared(charset: str, body: bytes) -> bytes:
    return f'<html><head><meta http-equiv=Content-Type content="text/html; charset={charset}"></head><body>'.encode() + body


@pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-1"])
def test_a_declared_western_page_is_read_as_it_says(charset: str) -> None:
    assert cells(declared(charset, TABLE.encode("cp1252", errors="xmlcharrefreplace"))) == [HEADINGS, *ROWS]


@pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-1", "utf-8", "windows-1258", "unknown", "hex"])
def test_windows_1258_is_known_by_its_bytes_whatever_is_declared(charset: str) -> None:
    read = cells(declared(charset, to_cp1258(TABLE)))
    assert [[unicodedata.normalize("NFC", cell or "") for cell in line] for line in read] == [HEADINGS, *ROWS]


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_utf_8_is_known_by_its_bytes_and_one_cut_short_by_what_it_declares(charset: str) -> None:
    data = declared(charset, TABLE.encode())
    assert cells(data) == [HEADINGS, *ROWS]
    if charset == "utf-8":
        assert cells(data[: data.rindex("ờ".encode()) + 1])[:2] == [HEADINGS, ROWS[0]]


# TCVN3 ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["windows-1252", "x-user-defined", "utf-8"])
def test_tcvn3_as_raw_bytes_whatever_is_declared(charset: str) -> None:
    page = declared(charset, b"<style>td{font-family:'.VnTime'}</style>" + in_tcvn3(TABLE.replace("Đ", "đ")))
    assert [[(cell or "").replace("đ", "Đ") for cell in line] for line in cells(page)] == [
        [cell.replace("đ", "Đ") for cell in line] for line in [HEADINGS, *ROWS]
    ]


def test_a_tcvn3_font_that_is_only_named_does_not_change_the_charset() -> None:
    page = b"<style>.xl24{font-family:'.VnTime'}</style><p>www.sonha.gov.vn</p>" + to_cp1258(TABLE)
    assert [unicodedata.normalize("NFC", cell or "") for cell in cells(page)[1]] == HEADINGS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<div style='font-family:.VnTime'>", "</div>"),
        ("<body style='font-family:.VnTime'><div>", "</div></body>"),
        ("<font face='.VnTime'>", "</font>"),
        ("<style><!-- td {font-family:.VnTime;} --></style>", ""),
        ("<style>/* of Excel */ td {font-family:.VnTime;}</style>", ""),
        ("<style>div {font-family:.VnArial}</style><div>", "</div>"),
        ("<style>td {font:12pt '.VnTime'}</style>", ""),
        ("<style>td {font: italic 700 12.0pt/1.5 .VnTime, serif}</style>", ""),
        ("<style>td {mso-fareast-font-family:Arial; font:small .VnTime}</style>", ""),
        ("<table style='font-family:.VnTime'><tr><td>", "</td></tr></table>"),
    ],
)
def test_cells_are_in_the_font_that_is_in_force_there(before: str, after: str) -> None:
    shown = in_tcvn3("hồ sơ đã trả").decode("cp1252")
    assert cells(f"{before}<table>{row([shown, 'x']) * 3}</table>{after}") == [["hồ sơ đã trả", "x"]] * 3


@pytest.mark.parametrize("style", ["font-family:Arial", "font:12pt Arial", "font:bold 12pt 'Times New Roman'"])
def test_a_nearer_font_is_in_force_instead_of_one_further_out(style: str) -> None:
    assert cells(f"<div style='font-family:.VnTime'><table style=\"{style}\">{row(['Đà', 'µ']) * 3}</table></div>") == [["Đà", "µ"]] * 3


def test_a_title_in_tcvn3_is_decoded_too() -> None:
    title = in_tcvn3(TITLE).decode("cp1252")
    assert cells(f"<p style='font-family:.VnTime'>{title}</p>{TABLE}")[0][0] == TITLE


# Tables around tables ---------------------------------------------------------------------------------------------------------------


def test_a_list_inside_a_layout_table_is_the_list() -> None:
    page = f"<table><tr><td>Trang chủ</td><td>Thoát</td></tr><tr><td><ul><li>Hồ sơ</li></ul></td><td>{TITLE}{TABLE}</td></tr></table>"
    assert cells(page) == [["Trang chủ", "Thoát", None, None], *([text, None, None, None] for text in ("Hồ sơ", TITLE)), HEADINGS, *ROWS]


def test_a_list_inside_two_layout_tables_is_the_list() -> None:
    page = f"<table><tr><td>a</td><td>b</td><td><table><tr><td>{TABLE}</td></tr></table></td></tr></table>"
    assert cells(page)[2:] == [HEADINGS, *ROWS]


def test_a_small_table_inside_a_cell_of_a_list_is_text_of_the_cell() -> None:
    inner = "<table><tr><td>giấy khai sinh</td><td>1</td></tr></table>"
    page = f"<table>{row(HEADINGS)}{row(['H48-1', 'xã Sơn Hạ', inner, ''])}<tr><td colspan=4>Ghi chú {inner}</td></tr></table>"
    assert cells(page)[1:] == [["H48-1", "xã Sơn Hạ", "giấy khai sinh\n1", None], ["Ghi chú \ngiấy khai sinh\n1", None, None, None]]


def test_tables_nested_without_end_cost_no_more_than_others() -> None:
    assert cells("<table><tr><td>" * 500 + "x" + "</td></tr></table>" * 500) == [["x"]]


# Pages to log in --------------------------------------------------------------------------------------------------------------------


def test_a_list_with_a_box_for_a_new_password_is_a_list() -> None:
    page = f"<html>{TABLE}<div style='display:none'><input type=password></div></html>"
    assert cells(page)[:3] == [HEADINGS, *ROWS]


def test_a_form_to_log_in_laid_out_as_a_table_is_no_list() -> None:
    form = f"<table>{row(['Tên', '<input>'])}{row(['Mật khẩu', '<input type=password>', 'Quên?'])}</table>"
    with pytest.raises(UnreadableExport, match="đăng nhập"):
        cells(f"<html>{form}</html>")


# Titles -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        f"<span>{TITLE}</span>",
        f"<b>{TITLE}</b>",
        f"<h5>{TITLE}</h5>",
        f"<ul><li>{TITLE}</li></ul>",
        f"{TITLE}<br>",
        TITLE,
        "<p>Thời điểm <b>xuất</b>: <!-- giờ --><span>30/06/2024</span> 23:05</p>",
        f"<div><div>{TITLE}</div></div>",
        f"<center><font size=4>{TITLE}</font></center>",
    ],
)
def test_a_line_of_text_is_a_row_whatever_it_is_made_of(title: str) -> None:
    below = title.replace(TITLE, "Người lập")
    read = cells(f"<html><head><title>x</title><style>p {{}}</style></head><body>{title}{TABLE}{below}</body></html>")
    assert [line[0] for line in read][:4] == [TITLE, *(line[0] for line in (HEADINGS, *ROWS))]
    assert len(read) == 5


def test_blocks_and_line_breaks_part_lines_and_nothing_else_does() -> None:
    read = cells(f"<body>UBND <b>huyện</b><br>Sơn Hà<div>một<p>hai <i>ba</i></p>bốn</div><script>var x = '<p>năm</p>'</script>{TABLE}")
    assert [line[0] for line in read][:-3] == ["UBND huyện", "Sơn Hà", "một", "hai ba", "bốn"]


def test_a_long_menu_does_not_push_the_headings_out_of_sight() -> None:
    page = f"<ul>{'<li>Mục</li>' * 200}</ul><p>{TITLE}</p>{TABLE}"
    read = cells(page)
    assert read[-4:] == [[TITLE, None, None, None], HEADINGS, *ROWS]
    assert len(read) < 60


# Fields to fill in ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('<input type="checkbox" checked="checked" disabled>', "x"),
        ('<span class="aspNetDisabled"><INPUT TYPE=CheckBox checked></span>', "x"),
        ('<input type="checkbox" value="1">', None),
        ('<input value="Trực tuyến">', "Trực tuyến"),
        ('<input type="text" readonly value="19/02/2024 10:00"/>', "19/02/2024 10:00"),
        ('<input type="hidden" value="5">Trực tuyến', "Trực tuyến"),
        ('<input type="button" value="Xem">', None),
        ('<input type="hidden" value="5">', None),
        ("<input>", None),
        ("<select><option>Trực tiếp<option selected>Trực tuyến</select>", "Trực tuyến"),
        ("<select><option>Trực tiếp</option><option>Trực tuyến</option></select>", "Trực tiếp"),
        ("<select></select>", None),
        ('<input value="19/02/2024"> <input value="10:00">', "19/02/2024 10:00"),
        ('<input type="checkbox" checked> Trực tuyến', " Trực tuyến"),  # a box to choose the row with
        ("<textarea>Trực tuyến</textarea>", "Trực tuyến"),
    ],
)
def test_a_field_within_a_cell_says_what_it_shows(field: str, text: str | None) -> None:
    assert cells(f"<table>{row(HEADINGS)}{row(['H48-1', field, 'a', 'b'])}{row(ROWS[0])}</table>")[1] == ["H48-1", text, "a", "b"]


# Pages of which a part is missing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", [("", ""), ("<html><body>", "</body></html>"), ("<table><tr><td>", "</td></tr></table>")])
@pytest.mark.parametrize("count", [1, 2_000])
def test_a_page_that_ends_within_a_table_is_known(around: tuple[str, str], count: int) -> None:
    page = around[0] + TABLE.replace("</table>", row(ROWS[0]) * count + "</TABLE>") + around[1]
    assert not read_sheets(page.encode())[0].ends_open
    end = page.index("</TABLE>")
    for at in (end, end - 1, end - len("</td></tr>"), end - len("2024</td><td>Đã trả</td></tr>"), page.index(row(ROWS[1])), end + 5):
        assert read_sheets(page[:at].encode())[0].ends_open


@pytest.mark.parametrize("end", ["</body></html>", "</BODY>", "</html>\r\n"])
def test_a_table_that_somebody_forgot_to_close_is_whole_where_its_page_is(end: str) -> None:
    for page in (f"<html><body>{TABLE.removesuffix('</table>')}{end}", f"<html><body><table>{TABLE}{end}"):
        [sheet] = read_sheets(page.encode())
        assert (sheet.height, sheet.ends_open) == (3, False)
