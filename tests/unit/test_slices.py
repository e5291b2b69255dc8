"""Reading a sheet in slices gives the cells that reading it whole gives."""

import io
import re
import zipfile

import pytest
import xlsxwriter
from conftest import rounds
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.limits import Limits
from transforms.readers import read_sheets, sheet_xml, slices, small_books
from transforms.readers.plain_cells import CellReader, NotPlainCells, Part
from transforms.sheets import Sheet, UnreadableExport

CELLS = st.one_of(
    st.none(),
    st.just(""),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12),
    st.integers(-(10**9), 10**9),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.booleans(),
    st.sampled_from(["05/01/2024 07:30:00", "000.22.58.H48-240215-0007", "</row>", "<!--", "=1+1", "#N/A"]),
)


def make_book(rows: list[list[object]], *, skip: int = 0, left: int = 0, formulas: bool = False) -> bytes:
    """A streamed workbook, whose texts stand in its cells; every third row is followed by a gap."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": formulas, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("Danh sách")
        bordered = book.add_format({"border": 1})
        date = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        at = skip
        for number, row in enumerate(rows):
            for column, cell in enumerate(row, left):
                if cell is None:
                    sheet.write_blank(at, column, None, bordered)
                elif isinstance(cell, float) and 30_000 < cell < 60_000:
                    sheet.write_number(at, column, cell, date)
                else:
                    sheet.write(at, column, cell)
            at += 1 if number % 3 else 3
    return out.getvalue()


def edit_sheet(data: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with a piece of its first sheet's XML replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            content = source.read(info)
            target.writestr(info, content.replace(old, new) if info.filename == "xl/worksheets/sheet1.xml" else content)
    return out.getvalue()


def slice_by(size: int, patch: pytest.MonkeyPatch) -> None:
    """Sheets are unpacked in small pieces, and sliced after so many bytes."""
    patch.setattr(slices, "SLICE_BYTES", size)
    patch.setattr(sheet_xml, "_PACKED_PIECE", 50)


def refuse(reader: CellReader, xml: bytes, most_rows: int) -> Part:
    """Nothing is plain."""
    raise NotPlainCells


def read_by(data: bytes, size: int | None, monkeypatch: pytest.MonkeyPatch, *, plain: bool = True) -> Sheet | str:
    """The only sheet, read in slices of a size, by columns or by fastexcel, or whole."""
    with monkeypatch.context() as patch:
        if size is None:
            patch.setattr(small_books, "MOST_BAGGAGE", -1)
        else:
            slice_by(size, patch)
        if not plain:
            patch.setattr(CellReader, "read", refuse)
        try:
            return read_sheets(data)[0]
        except UnreadableExport as error:
            return str(error)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(20, 60))
@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=30),
    skip=st.integers(0, 5),
    left=st.integers(0, 3),
    size=st.integers(300, 3000),
    formulas=st.booleans(),
)
def test_a_sheet_read_in_slices_has_the_cells_of_the_sheet_read_whole(
    rows: list[list[object]], skip: int, left: int, size: int, formulas: bool
) -> None:
    data = make_book(rows, skip=skip, left=left, formulas=formulas)
    with pytest.MonkeyPatch.context() as patch:
        whole = read_by(data, None, patch)
        assert read_by(data, size, patch) == whole
        assert read_by(data, size, patch, plain=False) == whole


ROWS: list[list[object]] = [[number, f"hồ sơ {number}", None, "=A1" if number == 150 else "x"] for number in range(1, 200)]


@pytest.mark.parametrize("plain", [True, False])
def test_a_plain_sheet_is_read_in_slices_and_its_rows_keep_their_numbers(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    slice_by(2000, monkeypatch)
    seen = []
    read = CellReader.read

    def count(reader: CellReader, xml: bytes, most_rows: int) -> Part:
        seen.append(1)
        return read(reader, xml, most_rows) if plain else refuse(reader, xml, most_rows)

    monkeypatch.setattr(CellReader, "read", count)
    sheet = read_sheets(make_book(ROWS, skip=4, left=1))[0]
    assert len(seen) > 5
    assert sheet.first_row == 5
    assert sheet.columns[0].null_count == sheet.height
    numbers = sheet.columns[1].to_pylist()
    assert [numbers.index(str(n)) for n in range(1, 200)] == [(n - 1) + 2 * ((n + 2 - 1) // 3) for n in range(1, 200)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<row ", b"<!-- </row><row r='9999'/> --><row "),  # rows inside a comment
        ("hồ sơ 77".encode(), b'<![CDATA[</row><row r="5">]]>'),
        (b"<sheetData>", b"<sheetData >"),
        (b"</sheetData>", b'<row r="900"><c r="XFD900"><v>1</v></c></row></sheetData>'),
        (b"</sheetData>", b'<row r="900"><c r="B900" t="e"><v>#REF!</v></c></row></sheetData>'),
        (b"</sheetData>", b'<row r="900"/></sheetData>'),
        (b"</sheetData>", b'<row r="900"><c r="C900" s="1"/></row></sheetData>'),
        (b'<row r="100"', b"<row"),  # a row that does not say its number
        (b"</worksheet>", b"<extLst><ext>" + b"<x/>" * 2000 + b"</ext></extLst></worksheet>"),
        (b"</sheetData>", b""),
        (b"</c>", b""),
        ("hồ sơ 60".encode(), b"\xff\xfe"),
    ],
)
def test_whatever_is_not_plain_reads_as_the_whole_sheet_does(old: bytes, new: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = edit_sheet(make_book(ROWS), old, new)
    assert data != make_book(ROWS)
    whole = read_by(data, None, monkeypatch)
    assert read_by(data, 2000, monkeypatch) == whole
    assert read_by(data, 2000, monkeypatch, plain=False) == whole


@pytest.mark.parametrize(
    ("sheet", "target"),
    [
        ("xl/worksheets/sheet1.xml", "./worksheets/sheet1.xml"),
        ("xl/worksheets/sheet1.xml", "../xl/worksheets/sheet1.xml"),
        ("xl/worksheets/sheet1.xml", "worksheets\\sheet1.xml"),
        ("xl\\worksheets\\sheet1.xml", "/xl/worksheets/sheet1.xml"),
        ("xl/worksheets/sheet 1.xml", "worksheets/sheet%201.xml"),
        ("sheets/s.xml", "../sheets/s.xml"),
    ],
)
def test_a_worksheet_is_found_however_its_path_is_written(sheet: str, target: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(make_book([["a", 1]]))) as book, zipfile.ZipFile(out, "w") as moved:
        for info in book.infolist():
            name = sheet if info.filename == "xl/worksheets/sheet1.xml" else info.filename
            content = book.read(info)
            if info.filename == "xl/_rels/workbook.xml.rels":
                content = re.sub(rb'"[^"]*sheet1.xml"', lambda _: f'"{target}"'.encode(), content)
            moved.writestr(name.replace("/", "\\") if "\\" in sheet else name, content)
    [read] = read_sheets(out.getvalue())
    assert read.head(1) == [["a", "1"]]


def test_a_workbook_part_of_another_name_is_found_where_the_package_says() -> None:
    usual, out = make_book([["Mã hồ sơ", 7], ["y", 45_000.5]]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(usual)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(
                name.replace("workbook.xml", "workbook2.xml"), source.read(name).replace(b"xl/workbook.xml", b"xl/workbook2.xml")
            )
    [sheet], [expected] = read_sheets(out.getvalue()), read_sheets(usual)
    assert [column.to_pylist() for column in sheet.columns] == [column.to_pylist() for column in expected.columns]
    assert sheet.name == expected.name


@pytest.mark.parametrize("old", [b"<v>", b'<v xml:space="preserve">'])
def test_the_result_of_a_formula_is_read_whatever_its_value_declares(old: bytes) -> None:
    data = edit_sheet(make_book([["Mã hồ sơ", '="Đã " & "trả "']], formulas=True), b"<v>0</v>", old + "Đã trả </v>".encode())
    data = edit_sheet(data, b'<c r="B1">', b'<c r="B1" t="str">')
    [sheet] = read_sheets(data)
    assert [column.to_pylist() for column in sheet.columns] == [["Mã hồ sơ"], ["Đã trả "]]
    assert sheet.error_cells == 0


@pytest.mark.parametrize(("value", "text"), [("<v></v>", None), ("<v/>", None), ("", "#?")])
def test_a_formula_that_gives_an_empty_text_is_blank_and_one_nobody_calculated_is_told(value: str, text: str | None) -> None:
    formula = '<c r="B1" t="str"><f>IF(A1="","",A1)</f>'  # as Excel and LibreOffice write it, with its value behind it
    data = edit_sheet(make_book([["Mã hồ sơ", 1, "z"]]), b'<c r="B1"><v>1</v>', (formula + value).encode())
    [sheet] = read_sheets(data)
    assert sheet.columns[1].to_pylist() == [text]
    assert sheet.error_cells == (1 if text else 0)


@pytest.mark.parametrize("size", [None, 600])
def test_rows_of_nothing_but_formulas_that_nobody_calculated_are_rows(size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f'<row r="{at}"><c r="A{at}"><f>Goc!A{at}</f></c><c r="B{at}"><f>Goc!B{at}</f></c></row>' for at in (2, 4))
    data = edit_sheet(make_book([["Mã hồ sơ", 1]]), b"</sheetData>", f"{rows}</sheetData>".encode())
    sheet = read_by(data, size, monkeypatch)
    assert isinstance(sheet, Sheet)
    assert sheet.head(9)[1:] == [["#?", "#?"], [None, None], ["#?", "#?"]]


@pytest.mark.parametrize("size", [None, 600])
@pytest.mark.parametrize("blank", ["<v></v>", "<v/>"])
def test_blank_cells_with_an_empty_value_above_a_list_move_no_row(blank: str, size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    row = f'<sheetData><row r="1"><c r="A1">{blank}</c></row>'
    data = edit_sheet(make_book([["Mã hồ sơ", 1], ["y", 2]], skip=2), b"<sheetData>", row.encode())
    sheet = read_by(data, size, monkeypatch)
    assert isinstance(sheet, Sheet)
    assert (sheet.first_row, sheet.head(1)) == (3, [["Mã hồ sơ", "1"]])


@pytest.mark.parametrize("error", ["#GETTING_DATA", "#SPILL!", "Err:502"])
def test_an_error_value_of_another_program_costs_its_cell_and_not_the_file(error: str) -> None:
    cell = f'<c r="B1" t="e"><f>INDEX(A1:A2,9)</f><v>{error}</v>'
    data = edit_sheet(make_book([["Mã hồ sơ", 1]]), b'<c r="B1"><v>1</v>', cell.encode())
    [sheet] = read_sheets(data)
    assert sheet.columns[1].to_pylist() == ["#N/A"]
    assert sheet.error_cells == 1


def test_a_damaged_sheet_is_refused_however_late_the_damage_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    slice_by(2000, monkeypatch)
    data = bytearray(make_book(ROWS))
    info = zipfile.ZipFile(io.BytesIO(data)).getinfo("xl/worksheets/sheet1.xml")
    data[info.header_offset + 30 + len(info.filename) + info.compress_size - 9] ^= 0xFF
    with pytest.raises(UnreadableExport, match="hỏng"):
        read_sheets(bytes(data), Limits())


@pytest.mark.parametrize("size", [None, 600, 1 << 21])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("says_number", [True, False])
def test_a_date_in_no_calendar_is_kept_as_its_number(
    size: int | None, plain: bool, says_number: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fastexcel gives nothing for it, which would make a dossier one that nobody received; below zero it ends the process. Both are one cell's fault."""
    far: list[float] = [202402150800, 1e10, 1e300, -1e8]
    for numbers, panics in ((far, False), ([*far, -1e12, -1e300], True)):
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet("a")
            shown = [book.add_format({"num_format": code}) for code in ("dd/mm/yyyy hh:mm", "[h]:mm:ss")] + [
                book.add_format({"num_format": 14})
            ]
            for row, number in enumerate([45_000.5, *numbers, 45_001]):
                sheet.write(row, 0, "x")
                for column, style in enumerate([*shown, book.add_format({"num_format": "0"})], 1):
                    sheet.write_number(row, column, abs(number) if panics and column == 4 else number, style)
        data = edit_sheet(out.getvalue(), b'"><v>', b'" t="n"><v>') if says_number else out.getvalue()  # as openpyxl writes it
        data = edit_sheet(data, b't="s" t="n"', b't="s"')
        read = read_by(data, size, monkeypatch, plain=plain)
        assert isinstance(read, Sheet)
        for column in read.columns[1:4]:
            first, *kept, last = column.to_pylist()
            assert (first, last) == ("2023-03-15 12:00:00", "2023-03-16 00:00:00")
            assert [float(text) for text in kept] == numbers
        assert [float(text) for text in read.columns[4].to_pylist()[1:-1]] == [abs(n) if panics else n for n in numbers]


@pytest.mark.parametrize(
    ("old", "new"), [(b"<fonts", b"<other:fonts/><fonts"), (b'numFmtId="0"', b'numFmtId="a"'), (b'fontId="0"', b'fontId="a"')]
)
def test_styles_that_only_a_strict_reader_refuses_refuse_no_workbook(old: bytes, new: bytes) -> None:
    usual, out = make_book([["Mã hồ sơ", 7], ["y", 45_000.5]]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(usual)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            assert name != "xl/styles.xml" or old in content
            target.writestr(name, content.replace(old, new) if name == "xl/styles.xml" else content)
    [sheet], [expected] = read_sheets(out.getvalue()), read_sheets(usual)
    assert sheet.height == expected.height and sheet.columns[0].to_pylist() == expected.columns[0].to_pylist()


@pytest.mark.parametrize("count", [2, 4_000])
def test_cells_that_name_no_style_are_in_the_font_of_the_workbook(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slice_by(1 << 14, monkeypatch)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_format_properties": {"font_name": ".VnTime"}}) as book:
        sheet, arial = book.add_worksheet(), book.add_format({"font_name": "Arial"})
        for row in range(count):
            sheet.write_row(row, 0, ["UBND x· S¬n H¹", 5, "Đã trả kết quả"])
            sheet.write(row, 3, "µ", arial)
    [read] = read_sheets(out.getvalue())
    assert [column.unique().to_pylist() for column in read.columns] == [["UBND xã Sơn Hạ"], ["5"], ["Đã trả kết quả"], ["µ"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (' t="str"><v><![CDATA[Trực tuyến & "x" <1>]]></v>', 'Trực tuyến & "x" <1>'),
        (' t="str"><v>Trực <![CDATA[tuyến]]> &amp;<!-- x --> <![CDATA[</c>]]></v>', "Trực tuyến & </c>"),
        (" t='inlineStr'><is><t><![CDATA[Trực tuyến]]></t></is>", "Trực tuyến"),
        ("><v><!-- ngày -->45341.5</v>", "45341.5"),
        ("><v><![CDATA[45341.5]]></v>", "45341.5"),
        ("><!-- <c> --><v>7</v>", "7"),
        (' t="inlineStr"><v>Trực tuyến &amp; x</v>', "Trực tuyến & x"),
        (' t="inlineStr"><f>A9</f><v>Trực tuyến</v>', "Trực tuyến"),
        (' t="inlineStr"><is><t>Trực tuyến</t></is><v>Trực tuyến</v>', "Trực tuyến"),
        (' t="inlineStr"><v>5</v><is><t>Trực tuyến</t></is>', "Trực tuyến"),
        (' t="str"><v>Trực tuyến</v><extLst><ext uri="u"><x:v xmlns:x="u">9</x:v></ext></extLst>', "Trực tuyến"),
        (' t="inlineStr"><is><t>Trực tuyến</t></is><extLst><ext uri="u"/></extLst>', "Trực tuyến"),
    ],
)
@pytest.mark.parametrize("only", [True, False])
def test_values_are_read_wherever_the_standard_lets_them_stand(value: str, text: str, only: bool) -> None:
    data = edit_sheet(make_book([[1]] if only else [["Mã hồ sơ", 1, "z"], ["a", "b", "c"]]), b"><v>1</v>", value.encode())
    sheet = read_sheets(data)[0]
    assert [row[0 if only else 1] for row in sheet.head(1)] == [text]
    assert sheet.first_row == 1
