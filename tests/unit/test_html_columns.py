"""The plain rows of an HTML page, read as columns, are the rows that parsing the whole page gives."""

import pytest
from conftest import rounds
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.corpus.specimens import SPECIMENS
from transforms.readers import delimited, html, plain_rows
from transforms.sheets import Sheet, UnreadableExport

ARCHIVES = (".xlsx", ".ods", ".zip")  # no pages, and seconds to make
PAGES = {
    s.name: s.data for s in SPECIMENS if s.suffix not in ARCHIVES and s.data.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<")
}


def read_page(text: str, *, fast: bool, block: int = 1 << 20) -> Sheet | str:
    """The sheet of a page, by columns as soon as there is a plain row, or by the parser alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "FEWEST_CHARACTERS", 0 if fast else 1 << 40)
        patch.setattr(plain_rows, "MOST_LEFT", 1000)
        patch.setattr(plain_rows, "_BLOCK", block)
        try:
            return html.read(text)[0]
        except UnreadableExport as error:
            return str(error)


def is_read_by_columns(text: str) -> bool:
    """Whether the page is read without the parser having all of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_rows, "MOST_LEFT", 1000)
        try:
            html._read_by_columns(text)
        except plain_rows.NotPlain:
            return False
        return True


ENTITIES = [
    "&nbsp;",
    "&amp;lt;",
    "&amp",
    "&lt;b&gt;",
    "&copyx",
    "&notit;",
    "&#224;",
    "&#x1EA1;",
    "&#38;amp;",
    "&#0;",
    "&#1;",
    "&#11;",
    "&#13;",
    "&#10",
    "&#128;",
    "&#55357;",
    "&;",
    "&#;",
    "& ",
    "&Yes;",
    "&agrave",
    "R&D",
]
PLAIN_TEXT = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="<&"), max_size=6),
        st.sampled_from(
            [*ENTITIES, "<br>", "<BR />", " ", "\n", "\r\n", "\r", "\t", "\x85", "\x9c", "\ufeff", "a > b", '"', "'", "-->", "}"]
        ),
        st.sampled_from(
            [
                "<b>Hồ sơ</b>",
                '<a href="x.aspx?a=1&b=2">1</a>',
                "<SPAN id=x1><font size=2>&nbsp;</font></SPAN> x",
                "<i></i>",
                "</b>",
                "<a href=x>",
                "<font size=2>",
                "<u>x<b>y</u>",
            ]
        ),
    ),
    max_size=4,
).map("".join)
ATTRIBUTES = st.sampled_from(
    [
        "",
        " ",
        " nowrap",
        ' align="left"  x:str',
        "\nclass=xl24",
        " ID='r1' ",
        ' style="color:red;font-family:Arial"',
        " colspan=1 ROWSPAN = '1'",
    ]
)
PLAIN_CELL = st.builds(
    "<{0}{1}>{2}</{0}{3}>".format, st.sampled_from(["td", "TH", "Td"]), ATTRIBUTES, PLAIN_TEXT, st.sampled_from(["", " "])
)
PLAIN_ROW = st.builds(
    lambda tag, attributes, cells, space: f"<{tag}{attributes}>{space}{space.join(cells)}</{tag}>{space}",
    st.sampled_from(["tr", "TR"]),
    ATTRIBUTES,
    st.lists(PLAIN_CELL, max_size=4),
    st.sampled_from(["", "\n", "\r\n  "]),
)
PLAIN_ROWS = st.lists(PLAIN_ROW, min_size=1, max_size=8).map("".join)


@pytest.mark.slow
@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(50, 150))
@given(rows=PLAIN_ROWS, block=st.integers(20, 300))
def test_plain_rows_are_read_by_columns_and_are_what_the_parser_reads(rows: str, block: int) -> None:
    page = f"<html><head><title>x</title></head><body><p>Danh sách</p><table border=1>{rows}<tr><td>Tổng</td></tr></table><p>Người lập</p></body></html>"
    assert is_read_by_columns(page)
    assert read_page(page, fast=True, block=block) == read_page(page, fast=False)


ODD = st.sampled_from(
    [
        "<tr><td colspan=2>Tổng</td></tr>",
        "<tr><td rowspan=2>x</td><td>y</td></tr>",
        "<tr><td rowspan='3' colspan=2>x</td><td rowspan=2>y</td></tr>",
        "<tr><td rowspan=0>x</td><td>y</td></tr>",
        "<tr><td rowspan=2 colspan=3>x</td></tr>",
        "<tr><td rowspan='&#50;' colspan=15>x</td></tr>",
        "<tr></tr>",
        "<thead><tr><th rowspan=9>x</th><th>y</th></tr></thead><tbody>",
        "<tr><td><table><tr><td>a</td><td>b</td><td>c</td></tr>",
        "<tr><td>a</td><td>b</td><td><table><tr><td>c</td></tr>",
        "<span>tên</span> và <b>chữ</b><br>dòng<li>mục",
        "<div style='font:12pt .VnTime'>",
        "<style><!-- .xl24 {font:bold 12pt '.VnTime'} --></style>",
        "<tr><td>a<td>b",
        "<tr><td>a</tr>",
        "<td>lạc</td>",
        "lạc &amp; chữ",
        "<p>giữa</p>",
        "<div>",
        "</div>",
        "<h3>",
        "<center>",
        "</table><table>",
        "</table>",
        "<table>",
        "<tr><td><table>",
        "</table></td></tr>",
        "<thead>",
        "</thead><tbody>",
        "<tbody>",
        "<tr><td><p>đoạn</p><div>x</div></td></tr>",
        "<tr><td><script>if (a<b) {'<tr><td>1</td></tr>'}</script>x</td></tr>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<!-- a -->",
        "<![CDATA[",
        "]]>",
        "<textarea>",
        "</textarea>",
        "<select>",
        "<title>",
        '<td title="',
        "<td title='a>b'>",
        "<tr",
        "<tr ",
        "<",
        "</",
        "<td/>",
        "<tr/>",
        "<tr><td>µ:tthc:0</td></tr>",
        "<tr><td>&micro;:tthc:0</td></tr>",
        "<tr><td>\x00</td></tr>",
        "<tr><td>\x0b\x01</td></tr>",
        "<tr><td align= left>x</td><td a=b/>y</td></tr>",
        "<style>.xl24 {font-family:.VnTime} td {font-family:'Arial'}</style>",
        "<style>",
        "th {font-family:.VnTimeH}",
        "</style>",
        "<font face='.VnTime'>",
        "</font>",
        "<tr><td style=\"font-family:'.VnTime'\">µ</td></tr>",
        "<tr class=xl24><th>µ</th></tr>",
        "<tr><td><b><font face='.VnTimeH'>µ</font></b></td></tr>",
        "<tr style='font-family:Arial'><td><span style='font-family:.VnArial'>µ</span></td></tr>",
        "<table style='font-family:.VnTime'>",
        "<tr><td>a@xa.vn µ</td></tr>",
        "<input type=password>",
        "<form>Đăng nhập",
        "</body></html>",
        "<body>",
    ]
)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(80, 250))
@given(
    parts=st.lists(
        st.one_of(PLAIN_ROWS, PLAIN_ROW, ODD, ODD.flatmap(lambda odd: PLAIN_ROWS.map(lambda rows: odd + rows + odd))), max_size=8
    ),
    top=st.sampled_from(["<table>", "", "<html><body><table>", "<style>.xl24{font-family:'.VnTime'}</style><table>", "<TABLE><TBODY>"]),
    block=st.integers(20, 400),
)
@pytest.mark.slow
def test_whatever_else_a_page_holds_both_ways_read_the_same(parts: list[str], top: str, block: int) -> None:
    page = top + "".join(parts)
    assert read_page(page, fast=True, block=block) == read_page(page, fast=False)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(50, 150))
@given(
    rows=PLAIN_ROWS,
    at=st.integers(0, 10_000),
    piece=st.sampled_from(["", "<", ">", '"', "'", "/", "=", "<tr>", "</td>", "&", "\x00", "-->"]),
)
def test_a_plain_page_with_one_character_spoilt_reads_as_the_parser_reads_it(rows: str, at: int, piece: str) -> None:
    page = f"<html><body><table>{rows}{rows}</table></body></html>"
    at %= len(page)
    spoilt = page[:at] + piece + page[at + 1 :]
    assume(spoilt != page)
    assert read_page(spoilt, fast=True) == read_page(spoilt, fast=False)


@pytest.mark.parametrize("name", PAGES)
def test_the_corpus_reads_the_same_both_ways(name: str) -> None:
    text = PAGES[name].decode(errors="replace") if b"utf-8" in PAGES[name][:200] else delimited.decode(PAGES[name])
    assert read_page(text, fast=True) == read_page(text, fast=False)


def test_a_control_character_behind_a_line_break_is_no_defect() -> None:
    assert html.read("<table><tr><td>a<br>&#1;b</td></tr></table>")[0].columns[0].to_pylist() == ["a\n\x01b"]


def test_of_a_plain_page_the_parser_gets_titles_totals_and_what_is_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"<tr><td>{number}</td><td>hồ sơ {number}</td><td>&nbsp;</td></tr>" for number in range(4000)]
    rows[1000] = "<tr><td rowspan=3>1000</td><td>a</td><td>b</td></tr>"
    page = f"<p>Danh sách</p><table><tr><th>STT</th><th colspan=2>Mã</th></tr>{''.join(rows)}<tr><td colspan=3>Tổng</td></tr></table>"
    seen = []
    parse = html._read_rows
    monkeypatch.setattr(html, "_read_rows", lambda text, fonts: seen.append(len(text)) or parse(text, fonts))
    sheet = html.read(page)[0]
    assert max(seen) < 1000
    assert sheet.height == 4003
    assert [column[1002].as_py() for column in sheet.columns] == ["1000", "a", "b", None]
    assert [column[1004].as_py() for column in sheet.columns] == [None, "1002", "hồ sơ 1002", "\xa0"]
    assert [column[1005].as_py() for column in sheet.columns] == ["1003", "hồ sơ 1003", "\xa0", None]
    assert sheet.columns[0][4002].as_py() == "Tổng"


@pytest.mark.parametrize(
    ("style", "row", "by_columns"),
    [
        ("td {font-family:Arial}", "<tr class=x style='font-family:Times'><td class=xl24>µ a@xa.gov.vn</td></tr>", True),
        ("td {font-family:.VnTime}", "<tr><td>µ</td></tr>", False),
        (".xl24 {font-family:.VnTime}", "<tr><td>a</td><td class=xl24>µ</td></tr>", False),
        (".xl24 {font-family:.VnTime}", "<tr class=xl24><td>µ</td></tr>", False),
        (".xl24 {font-family:.VnTime}", "<tr><td><span class=xl24>µ</span></td></tr>", False),
        ("th {font-family:.VnTime}", "<tr><th>µ</th></tr>", False),
        ("span {font-family:.VnTime}", "<tr><td><span>µ</span></td></tr>", False),
        ("br {font-family:.VnTime}", "<tr><td>µ<br>x</td></tr>", False),
        ("td {font-family:Arial} .xl24 {font-family:.VnTime}", "<tr class=xl24><th>µ</th></tr>", False),
        ("td {font-family:Arial} body {font-family:.VnTime}", "<tr><th>µ</th></tr>", False),
        ("body {font-family:.VnTime}", "<tr><td>µ</td></tr>", False),
        (".xl24 {font-family:.VnTime}", "<tr><td>µ</td></tr>", True),
    ],
)
def test_only_rows_without_a_tcvn3_font_are_read_by_columns(style: str, row: str, by_columns: bool) -> None:
    page = f"<html><head><style>{style}</style></head><body><table>{row * 3}<tr><td>Tổng</td></tr></table></body></html>"
    assert is_read_by_columns(page) is by_columns
    assert read_page(page, fast=True) == read_page(page, fast=False)


def test_a_table_inside_a_cell_is_not_read_by_columns() -> None:
    page = "<table><tr><td>a</td><td>b<table><tr></tr><tr colspan=2></tr></table></td></tr></table>"
    assert not is_read_by_columns(page)
    assert read_page(page, fast=True) == read_page(page, fast=False)


def test_an_entity_without_a_semicolon_ends_at_a_tag() -> None:
    page = "<table><tr><td>&#10<b>1</b>&am<i></i>p;\r<b>\n</b>&#12;&#11;</td></tr><tr><td>x<p>y</p></td></tr></table>"
    assert is_read_by_columns(page)
    assert read_page(page, fast=True) == read_page(page, fast=False)
