"""Cells cut out of worksheet XML by columns are the cells that fastexcel reads in the whole sheet."""

import datetime
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

import openpyxl
import pytest
import xlsxwriter
from conftest import rounds
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.readers import read_sheets, shared_texts, sheet_xml, slices, small_books
from transforms.readers.plain_cells import CellReader, NotPlainCells
from transforms.sheets import Sheet, UnreadableExport

STYLES = ("General", "dd/mm/yyyy hh:mm", "0.00", "@", "[h]:mm", "dd/mm/yyyy", "0%")
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.sampled_from(
        [
            "",
            " ",
            " a ",
            "a\nb",
            "a\r\nb",
            "\t",
            "&",
            "a_x000D_b",
            "_x0041_",
            "]]>",
            "</row>",
            "x > y",
            "\u00a0a",
            "12",
            "Nguyễn Văn A",
            "\x01",
        ]
    ),
)
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**17).map(str),
    st.floats(-1e9, 1e15, allow_nan=False).map(repr),  # on far earlier dates fastexcel itself gives up
    st.floats(0, 60_000).map(repr),
    st.sampled_from(
        ["0", "-0", "007", "1.0", "1E-3", "1e20", " 5 ", "", "x", "+5", "60", "45296.312499999999", "999999999999999", "1000000000000000"]
    ),
)


@dataclass(frozen=True)
class Cell:
    """A cell of a table that is still to be written: what kind of cell, what it holds, in which style."""

    kind: str
    content: str
    style: int | None


CELLS = st.builds(
    Cell,
    st.shared(st.sampled_from(["text", "shared", "str", "mixed"]), key="main").flatmap(
        lambda main: (
            st.sampled_from([main] * 8 + ["number", "number", "blank"])
            if main != "mixed"
            else st.sampled_from(["text", "shared", "str", "number", "bool", "blank"])
        )
    ),
    st.just(""),
    st.sampled_from([None, None, *range(len(STYLES)), 77]),
).flatmap(
    lambda cell: (NUMBERS if cell.kind == "number" else st.sampled_from("01") if cell.kind == "bool" else TEXTS).map(
        lambda content: Cell(cell.kind, content, cell.style)
    )
)
ROWS = st.lists(st.tuples(st.sampled_from([1, 1, 1, 1, 2, 40]), st.dictionaries(st.integers(1, 30), CELLS, max_size=6)), max_size=25)
FIRST_SLICE_BLANK: list[tuple[int, dict[int, Cell]]] = [
    (1, {}),
    (1, {}),
    (1, {column: Cell("text", "", 0 if column == 4 else None) for column in range(1, 5)}),
]


@dataclass(frozen=True)
class Dialect:
    """How a library writes a sheet."""

    order: str = "rst"
    quote: str = '"'
    row: str = ' spans="1:5" ht="15.75" customHeight="1" x14ac:dyDescent="0.25"'
    between_rows: str = ""
    blank: str = "/>"
    is_number_named: bool = False
    item: str = "<si>{}</si>"
    keeps_spaces: bool = True


DIALECTS = st.builds(
    Dialect,
    st.sampled_from(["rst", "rst", "rst", "rts", "srt"]),
    st.sampled_from(['"', '"', '"', "'"]),
    st.sampled_from(["", ' spans="1:5" ht="15.75" customHeight="1" x14ac:dyDescent="0.25"', ' s="1" customFormat="1"', ' a="&amp;"']),
    st.sampled_from(["", "", "\n", "\r\n  "]),
    st.sampled_from(["/>", "></c>"]),
    st.booleans(),
    st.sampled_from(
        ["<si>{}</si>", "<si>{}</si>\n", '<si><r><rPr><sz val="11"/></rPr>{}</r></si>', "<si>{}<rPh sb='0' eb='1'><t>x</t></rPh></si>"]
    ),
    st.booleans(),
)


def write_sheet(rows: list[tuple[int, dict[int, Cell]]], dialect: Dialect, skip: int = 0) -> tuple[str, str]:
    """The XML of the rows (how many rows below the one before, and cells by column) and of the shared texts."""
    items: list[str] = []
    lines = []
    number = skip
    for step, cells in rows:
        number += step
        line = "".join(_write_cell(cells[column], f"{_letters(column)}{number}", dialect, items) for column in sorted(cells))
        head = f'<row r="{number}"{dialect.row}'
        lines.append(f"{head}>{line}</row>" if line or number % 2 else f"{head}/>")
    return dialect.between_rows.join(lines), "".join(items)


def _write_cell(cell: Cell, reference: str, dialect: Dialect, items: list[str]) -> str:
    kind = {"text": "inlineStr", "shared": "s", "str": "str", "bool": "b"}.get(cell.kind, "n" if dialect.is_number_named else "")
    facts = {"r": reference, "s": "" if cell.style is None else str(cell.style), "t": kind if cell.kind != "blank" else ""}
    head = "<c" + "".join(f" {name}={dialect.quote}{facts[name]}{dialect.quote}" for name in dialect.order if facts[name])
    if cell.kind == "blank":
        return head + dialect.blank
    content = escape(cell.content)
    kept = ' xml:space="preserve"' if dialect.keeps_spaces and content != content.strip() else ""
    if cell.kind == "text":
        return f"{head}><is><t{kept}>{content}</t></is></c>"
    if cell.kind == "shared":
        items.append(dialect.item.format(f"<t{kept}>{content}</t>"))
        content = str(len(items) - 1)
    return f"{head}><v>{content}</v></c>"


def _letters(column: int) -> str:
    return chr(64 + column) if column <= 26 else f"A{chr(64 + column - 26)}"


def make_book(sheet: bytes, shared: bytes | None) -> bytes:
    """A workbook with this XML between the tags of its only sheet and of its shared texts."""
    template, out = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(template) as book:
        plain = book.add_worksheet("Danh sách")
        for at, style in enumerate(STYLES[1:]):
            plain.write_number(0, at, 1, book.add_format({"num_format": style}))
        plain.write_string(0, len(STYLES), "shared")
    with zipfile.ZipFile(template) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == "xl/worksheets/sheet1.xml":
                content = b"".join([content.partition(b"<sheetData>")[0], b"<sheetData>", sheet, b"</sheetData></worksheet>"])
            elif info.filename == "xl/sharedStrings.xml" and shared is not None:
                content = b"".join([content.partition(b"<si>")[0], shared, b"</sst>"])
            target.writestr(info.filename, content)
    return out.getvalue()


def read_whole(data: bytes) -> Sheet | str:
    """The only sheet as fastexcel reads it at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_books, "MOST_BAGGAGE", -1)
        return _read(data)


def read_plain(data: bytes, size: int = 1500) -> tuple[Sheet | str, int, int]:
    """The only sheet as it is read by columns in slices of a size; how many of them were plain, and how many were not."""
    tries, refused = [], []
    read = CellReader.read

    def count(reader: CellReader, xml: bytes, most_rows: int) -> object:
        tries.append(1)
        try:
            return read(reader, xml, most_rows)
        except (NotPlainCells, ValueError, IndexError):
            refused.append(1)
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_BYTES", size)
        patch.setattr(shared_texts, "BLOCK_BYTES", size)
        patch.setattr(sheet_xml, "_PACKED_PIECE", 50)
        patch.setattr(CellReader, "read", count)
        sheet = _read(data)
    return sheet, len(tries) - len(refused), len(refused)


def _read(data: bytes) -> Sheet | str:
    try:
        return read_sheets(data)[0]
    except UnreadableExport as error:
        return str(error)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(50, 150))
@given(rows=ROWS, dialect=DIALECTS, skip=st.integers(0, 3), size=st.integers(200, 4000))
@example(rows=FIRST_SLICE_BLANK, dialect=Dialect("rts", row=""), skip=0, size=400)
def test_any_table_in_any_dialect_reads_as_the_whole_sheet_does(
    rows: list[tuple[int, dict[int, Cell]]], dialect: Dialect, skip: int, size: int
) -> None:
    sheet, shared = write_sheet(rows, dialect, skip)
    data = make_book(sheet.encode(), shared.encode())
    assert read_plain(data, size)[0] == read_whole(data)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(50, 150))
@given(
    rows=ROWS,
    is_shared=st.booleans(),
    cut=st.tuples(st.floats(0, 1), st.integers(0, 12)),
    put=st.one_of(
        st.binary(max_size=3),
        st.sampled_from([b"<", b">", b"</c>", b"<c ", b"&", b'"', b"<!--", b"<v>", b"</row>", b"</si>", b"<si>", b"\xff", b"9"]),
    ),
)
def test_damaged_xml_reads_as_the_whole_sheet_does(
    rows: list[tuple[int, dict[int, Cell]]], is_shared: bool, cut: tuple[float, int], put: bytes
) -> None:
    parts = [part.encode() for part in write_sheet(rows, Dialect())]
    at = int(cut[0] * len(parts[is_shared]))
    parts[is_shared] = parts[is_shared][:at] + put + parts[is_shared][at + cut[1] :]
    data = make_book(*parts)
    assert read_plain(data)[0] == read_whole(data)


TABLE: list[list[object]] = [
    ["STT", "Mã hồ sơ", "Chủ hồ sơ", "Ngày tiếp nhận", "Ghi chú"],
    *(
        [n, f"H48-240215-{n:04d}", "Nguyễn Văn A", datetime.datetime(2024, 2, 15, n % 24, n % 60), "dòng 1\ndòng 2 & 3" if n % 3 else None]
        for n in range(200)
    ),
]


def _by_xlsxwriter(**options: bool) -> Callable[[], bytes]:
    def write() -> bytes:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out, options) as book:
            sheet = book.add_worksheet()
            date = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
            for row, cells in enumerate(TABLE, 2):
                for column, cell in enumerate(cells):
                    if isinstance(cell, datetime.datetime):
                        sheet.write_datetime(row, column, cell, date)
                    else:
                        sheet.write(row, column, cell, None if row % 2 else date)
        return out.getvalue()

    return write


def _by_openpyxl() -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for cells in TABLE:
        sheet.append(cells)
    sheet.merge_cells("A3:A4")
    book.save(out)
    return out.getvalue()


def _by_poi() -> bytes:
    cell = '<c r="{}{}" s="1" t="inlineStr"><is><t>{}</t></is></c>'
    lines = [
        "".join(cell.format(_letters(at), row, escape(str(text or ""))) for at, text in enumerate(cells, 1))
        for row, cells in enumerate(TABLE, 1)
    ]
    return make_book("".join(f'<row r="{row}">\n{line}</row>\n' for row, line in enumerate(lines, 1)).encode(), None)


def _by_libreoffice() -> bytes:
    head = 'customFormat="false" ht="12.8" hidden="false" customHeight="false" outlineLevel="0" collapsed="false"'
    row = '<row r="{0}" ' + head + '><c r="A{0}" s="0" t="n"><v>{0}</v></c><c r="B{0}" s="2" t="s"><v>{1}</v></c><c r="C{0}" s="0"/></row>'
    items = "".join(f'<si><t xml:space="preserve">hồ sơ {number} </t></si>' for number in range(200))
    return make_book("".join(row.format(number, number - 1) for number in range(1, 201)).encode(), items.encode())


@pytest.mark.parametrize(
    "write",
    [_by_xlsxwriter(), _by_xlsxwriter(constant_memory=True), _by_openpyxl, _by_poi, _by_libreoffice],
    ids=["xlsxwriter", "xlsxwriter-streamed", "openpyxl", "poi", "libreoffice"],
)
def test_what_usual_libraries_write_is_plain(write: Callable[[], bytes]) -> None:
    data = write()
    sheet, plain, refused = read_plain(data, 4000)
    assert sheet == read_whole(data)
    assert plain > 3
    assert refused == 0


def test_many_shared_texts_are_no_reason_to_read_a_workbook_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read once, and small workbooks do without them."""
    monkeypatch.setattr(small_books, "MOST_BAGGAGE", 8_000)
    data = _by_libreoffice()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("xl/sharedStrings.xml").file_size > small_books.MOST_BAGGAGE
    sheet, plain, refused = read_plain(data, 4000)
    assert sheet == read_whole(data)
    assert (plain > 3, refused) == (True, 0)


def test_a_text_that_is_not_there_is_told_as_the_whole_sheet_tells_it() -> None:
    data = make_book(b'<row r="1"><c r="A1" t="s"><v>1</v></c></row>', b"<si><t>only</t></si>")
    assert read_plain(data)[0] == read_whole(data)
    assert isinstance(read_whole(data), str)
