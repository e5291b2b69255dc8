"""Office Open XML workbooks: cells are those that fastexcel reads; what it cannot tell is looked up in the sheet's own XML.

fastexcel (calamine) is the fastest reader there is, but it gives no row number of the first row, turns error cells and formulas that were
never calculated and dates in no calendar into blanks, knows no fonts, and aborts the whole process on one far cell in an otherwise empty
sheet. One pass over the raw XML answers all of it (`sheet_xml`); plain sheets are read in the same pass (`slices`), mostly without fastexcel.
"""

import contextlib
import functools
import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from transforms.readers.sheet_xml import ROWS_END, CellStyles, NotOnlyCells, below_rows, column_number, merged_down, scan_sheet, unpack
from transforms.readers.slices import Cells, read_slices
from transforms.readers.small_books import NotPlain, SmallBooks, load_cells
from transforms.sheets import UNCALCULATED, Sheet, UnreadableExport
from transforms.text import decode_tcvn3_cells, is_tcvn3_font

_SPREADSHEET_NS = "{*}"
_FIRST_CELL = 1 << 16
# ECMA-376, 18.8.30: built-in formats of dates and times, also those of East Asian versions. Of other formats every one with a letter of a date may be one.
_DATE_FORMATS = {str(number) for number in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))}
_DATE_LETTERS = re.compile("[dmyhs]", re.IGNORECASE)


def read(data: bytes, archive: zipfile.ZipFile, max_rows: int, max_columns: int) -> list[Sheet]:
    """Every worksheet of the workbook; macros, links to other workbooks and stored queries are never looked at.

    Raises:
        UnreadableExport: the workbook is damaged, declares XML entities, or is larger than the limits.
    """
    try:
        if renamed := _odd_paths(archive):
            data = _rewrite(archive, _plain_targets, renamed)
            archive = zipfile.ZipFile(io.BytesIO(data))
        if other := _other_workbook(archive):
            data = _rename_workbook(archive, other)
            archive = zipfile.ZipFile(io.BytesIO(data))
        try:
            return _read(data, archive, max_rows, max_columns)
        except (_Unknown, NotOnlyCells):
            data = _with_known_values(archive)
            return _read(data, zipfile.ZipFile(io.BytesIO(data)), max_rows, max_columns)
    except UnreadableExport:
        raise
    except Exception as error:  # damaged zip streams, damaged XML and fastexcel's own errors are of many types
        raise UnreadableExport("tệp .xlsx bị cắt cụt hoặc hỏng; hãy xuất lại từ hệ thống một cửa") from error


class _Unknown(Exception):
    """fastexcel met a value that it does not know, and gave up the whole workbook for it."""


def _read(data: bytes, archive: zipfile.ZipFile, max_rows: int, max_columns: int) -> list[Sheet]:
    try:
        return _read_book(data, archive, max_rows, max_columns)
    except BaseException as error:  # pyo3 derives PanicException from it and lets nobody import it; the reader process would end of one
        if type(error).__name__ == "PanicException" or "cell error value" in str(error):
            raise _Unknown from error
        raise


def _read_book(data: bytes, archive: zipfile.ZipFile, max_rows: int, max_columns: int) -> list[Sheet]:
    parts, date1904 = _worksheets(archive)
    if any(_lacks_references(archive, part) for _, part, _ in parts):
        data = _number_cells(archive, {part for _, part, _ in parts})
        archive = zipfile.ZipFile(io.BytesIO(data))
    styles = _read_styles(archive)
    _refuse_entities(archive)
    book = _Book(data, archive, parts)
    limits = (max_rows, max_columns)
    cells = {name: _load(book, name, part, styles, limits) for name, part, _ in parts}
    return [_finish(name, hidden, date1904, cells[name]) for name, _, hidden in parts if name in book.sheet_names]


def _parse(archive: zipfile.ZipFile, part: str, *, recover: bool = False) -> Any:
    data = archive.read(part)
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data[:4096]:
        raise UnreadableExport("sổ tính khai báo thực thể XML (nghi là tấn công); không mở vì lý do an toàn")
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, recover=recover))


def _refuse_entities(archive: zipfile.ZipFile) -> None:
    for info in archive.infolist():
        if info.filename.endswith((".xml", ".rels")):
            with archive.open(info) as part:
                start = part.read(4096)
            if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                raise UnreadableExport("sổ tính khai báo thực thể XML (nghi là tấn công); không mở vì lý do an toàn")


_RELATIONS = re.compile(r"(?:(.*)/)?_rels/([^/]*)\.rels")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_TARGET = re.compile(rb"(\bTarget\s*=\s*[\"'])([^\"']*)")
_ODD_TARGET = re.compile(rb"\bTarget\s*=\s*[\"'](?:[^\"':]*\\|\.{1,2}/|[^\"':]*%[0-9A-Fa-f]{2})")


def _odd_paths(archive: zipfile.ZipFile) -> dict[str, str]:
    """The parts and the names they are to have, where fastexcel would not find those that the workbook names.

    Old .NET programs part the names by backslashes; targets may go by way of folders ("./worksheets/sheet1.xml") and have signs written by their numbers.
    """
    plain = {name: name.replace("\\", "/") for name in archive.namelist()}
    is_odd = any(
        name != now or (now.lower() in ("_rels/.rels", "xl/_rels/workbook.xml.rels") and _ODD_TARGET.search(archive.read(name)))
        for name, now in plain.items()
    )
    return plain if is_odd and len(set(plain.values())) == len(plain) else {}


def _plain_targets(name: str, content: bytes) -> bytes:
    """A part's content; of one that names other parts, with their whole paths."""
    found = _RELATIONS.fullmatch(name.replace("\\", "/"))
    if not found:
        return content
    folder = found[1] or ""

    def name_it(relation: re.Match[bytes]) -> bytes:
        if b"TargetMode" in relation[0]:  # outside of the workbook
            return relation[0]
        return _TARGET.sub(lambda target: target[1] + f"/{_part_path(folder, target[2].decode())}".encode(), relation[0])

    return _RELATION.sub(name_it, content)


def _part_path(folder: str, target: str) -> str:
    """The path of the part that a relation of a part in a folder names."""
    return posixpath.normpath(posixpath.join("/", folder, unquote(target).replace("\\", "/"))).lstrip("/")


def _other_workbook(archive: zipfile.ZipFile) -> str | None:
    """The part beside xl/workbook.xml's place that holds the workbook, where the package says so, as in "xl/workbook2.xml" of Microsoft 365."""
    names = {info.filename.lower() for info in archive.infolist()}
    if names & {"xl/workbook.xml", "workbook.xml"} or "_rels/.rels" not in names:
        return None
    relations = _parse(archive, next(info.filename for info in archive.infolist() if info.filename.lower() == "_rels/.rels"))
    main = next((str(r.get("Target", "")) for r in relations if r.get("Type", "").endswith("/officeDocument")), "").lstrip("/")
    return main if re.fullmatch(r"xl/[^/]+\.xml", main) and main in archive.namelist() else None


def _rename_workbook(archive: zipfile.ZipFile, part: str) -> bytes:
    """The workbook with its main part under the one name that fastexcel looks for."""

    def name_it(name: str, content: bytes) -> bytes:
        return content.replace(part.encode(), b"xl/workbook.xml") if name.lower() in ("_rels/.rels", "[content_types].xml") else content

    return _rewrite(archive, name_it, {part: "xl/workbook.xml", f"xl/_rels/{part[3:]}.rels": "xl/_rels/workbook.xml.rels"})


def _worksheets(archive: zipfile.ZipFile) -> tuple[list[tuple[str, str, bool]], bool]:
    """(sheet name, path of its part, hidden) in the workbook's order, and whether dates count from 1904."""
    names = {info.filename.lower(): info.filename for info in archive.infolist()}
    book_part = next((names[n] for n in ("xl/workbook.xml", "workbook.xml") if n in names), None)
    if book_part is None:
        raise UnreadableExport("gói này không có sổ tính bên trong (thiếu xl/workbook.xml); hãy xuất lại")
    folder = book_part.rpartition("/")[0]
    relations = _parse(archive, names[f"{folder}/_rels/workbook.xml.rels".lstrip("/").lower()])
    targets = {r.get("Id"): r.get("Target", "") for r in relations if r.get("Type", "").endswith("/worksheet")}
    workbook = _parse(archive, book_part)
    properties = workbook.find(f"{_SPREADSHEET_NS}workbookPr")
    date1904 = properties is not None and properties.get("date1904") in ("1", "true", "on")
    sheets = []
    for sheet in workbook.iter(f"{_SPREADSHEET_NS}sheet"):
        relation = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
        if relation not in targets:
            continue  # a chart sheet
        target = targets[relation]
        path = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}".lstrip("/")
        sheets.append((sheet.get("name", ""), names.get(path.lower(), path), sheet.get("state", "visible") != "visible"))
    return sheets, date1904


def _read_styles(archive: zipfile.ZipFile) -> CellStyles:
    part = next((i.filename for i in archive.infolist() if i.filename.lower() in ("xl/styles.xml", "styles.xml")), None)
    if part is None:
        return CellStyles()
    styles = _parse(archive, part, recover=True)  # fastexcel is less strict: whether they can be used is for it to say
    if styles is None:
        return CellStyles()

    def every(path: str) -> Iterator[Any]:
        yield from styles.iterfind("/".join(_SPREADSHEET_NS + name for name in path.split("/")))

    fonts = {
        str(at): next((n.get("val") for n in font.iter(f"{_SPREADSHEET_NS}name")), None) for at, font in enumerate(every("fonts/font"))
    }
    formats = {f.get("numFmtId"): f.get("formatCode", "") for f in every("numFmts/numFmt")}
    tcvn3, dates = {}, set()
    for number, xf in enumerate(every("cellXfs/xf")):
        font, shown = fonts.get(xf.get("fontId", "0")), formats.get(xf.get("numFmtId"))
        if is_tcvn3_font(font):
            tcvn3[str(number).encode()] = str(font)
        if xf.get("numFmtId") in _DATE_FORMATS if shown is None else _DATE_LETTERS.search(shown):
            dates.add(str(number).encode())
    return CellStyles(tcvn3, frozenset(dates))


_ROW_OR_CELL = re.compile(rb"<((?:\w+:)?)(row|c)\b([^>]*?)(/?)>")
_R = re.compile(rb"\br=[\"']([A-Z]*)(\d+)[\"']")


def _lacks_references(archive: zipfile.ZipFile, part: str) -> bool:
    """True for a sheet whose cells do not say where they stand, as some writers leave them (the standard allows it)."""
    with archive.open(part) as stream:
        start = stream.read(_FIRST_CELL)
        first = re.search(rb"<(?:\w+:)?c\b([^>]*)>", start) or re.search(rb"<(?:\w+:)?c\b([^>]*)>", start + stream.read(_FIRST_CELL << 6))
    return first is not None and not _R.search(first[1])


def _number_cells(archive: zipfile.ZipFile, parts: set[str]) -> bytes:
    """The workbook with a reference on every row and cell, counted on from the one before, as the standard reads them."""

    def number_all(name: str, content: bytes) -> bytes:
        row = column = 0

        def number(match: re.Match[bytes]) -> bytes:
            nonlocal row, column
            prefix, tag, attributes, slash = match.groups()
            given = _R.search(attributes)
            if tag == b"row":
                row, column = int(given[2]) if given else row + 1, 0
                reference = str(row).encode()
            else:
                column = column_number(given[1]) if given else column + 1
                reference = _column_letters(column) + str(row).encode()
            return match[0] if given else b"<" + prefix + tag + b' r="' + reference + b'"' + attributes + slash + b">"

        return _ROW_OR_CELL.sub(number, content) if name in parts else content

    return _rewrite(archive, number_all)


# Not of a cell that says another type: those are texts and such.
_FAR_BACK = re.compile(
    rb"<((?:\w+:)?c\b(?:(?!\bt=)[^>])*)(?:\bt=[\"']n[\"']((?:(?!\bt=)[^>])*))?>(\s*<(?:\w+:)?v>-(?:[0-9]{8,}[0-9.]*|[0-9.]+[eE]\+?[0-9]+)<)"
)


# Error values that Excel did not have in 2007 or that LibreOffice writes (Err:502); that it is an error is all that is ever said of one.
_ERROR_VALUE = re.compile(
    rb"(<(?:\w+:)?c\b[^>]*\bt=[\"']e[\"'][^>]*>(?:\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>))?\s*<(?:\w+:)?v\b[^>]*>)[^<]*"
)


# A cell of an inline text, to the end of its tag and to its own.
_INLINE = re.compile(rb"(<(?:\w+:)?c\b[^>]*\bt=[\"'])inlineStr([\"'][^>]*(?<!/)>)(.*?)(?=</(?:\w+:)?c>)", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?v>)")
_EXTENSIONS = re.compile(rb"<(?:\w+:)?extLst\b[^>]*?(?:/>|>.*?</(?:\w+:)?extLst>)", re.DOTALL)
_COMMENT_OR_CDATA = re.compile(rb"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def _with_known_values(archive: zipfile.ZipFile) -> bytes:
    """The workbook with cells as fastexcel reads them.

    Numbers far below zero are texts (styled as dates, it panics on them), every error is #N/A, every value plain text, and the text of a cell of
    inline text stands where its type says; cells have no extensions.
    """
    parts = {part for _, part, _ in _worksheets(archive)[0]}

    def make_known(name: str, content: bytes) -> bytes:
        if name not in parts:
            return content
        content = _COMMENT_OR_CDATA.sub(lambda found: escape((found[1] or b"").decode()).encode(), content)
        rows_end = next((found.start() for found in ROWS_END.finditer(content)), len(content))
        content = _INLINE.sub(_put_inline, _EXTENSIONS.sub(b"", content[:rows_end])) + content[rows_end:]
        return _ERROR_VALUE.sub(rb"\1#N/A", _FAR_BACK.sub(rb'<\1\2 t="str">\3', content))

    return _rewrite(archive, make_known)


def _put_inline(cell: re.Match[bytes]) -> bytes:
    """A cell of inline text that has one, without a value beside it; or of the text that stands as its value instead."""
    before, after, body = cell.groups()
    if re.search(rb"<(?:\w+:)?is\b", body):
        return before + b"inlineStr" + after + _VALUE.sub(b"", body)
    return before + b"str" + after + body


def _rewrite(archive: zipfile.ZipFile, edit: Callable[[str, bytes], bytes], renamed: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """The package with every part as `edit` makes it of its name and content, some under other names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as rewritten:
        for info in archive.infolist():
            rewritten.writestr(renamed.get(info.filename, info.filename), edit(info.filename, archive.read(info)))
    return out.getvalue()


def _column_letters(number: int) -> bytes:
    letters = b""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = bytes([65 + rest]) + letters
    return letters


class _Book:
    """A workbook; fastexcel opens it whole only where it must, because that reads all shared texts."""

    def __init__(self, data: bytes, archive: zipfile.ZipFile, parts: list[tuple[str, str, bool]]) -> None:
        self.data, self.archive = data, archive
        self.small: SmallBooks | None = None
        with contextlib.suppress(NotPlain):
            self.small = SmallBooks(data, archive, parts[0][:2]) if parts else None

    @functools.cached_property
    def whole(self) -> Any:
        """The workbook as fastexcel opens it.

        Raises:
            zipfile.BadZipFile, zlib.error: its shared texts are damaged.
        """
        # fastexcel compares no checksum, so that a damaged text would be another code or state; all other parts are unpacked by us, too.
        for info in self.archive.infolist():
            if info.filename.lower().endswith("sharedstrings.xml"):
                for _ in unpack(self.data, self.archive, info.filename):
                    pass
        return fastexcel.read_excel(self.data)

    @property
    def sheet_names(self) -> list[str]:
        return self.small.sheet_names if self.small else list(self.whole.sheet_names)


def _load(book: _Book, name: str, part: str, styles: CellStyles, limits: tuple[int, int]) -> Cells:
    with contextlib.suppress(NotPlain):
        if book.small:
            return read_slices(book.small, part, name, styles, limits[0])
    scan = scan_sheet(book.data, book.archive, part, styles, *limits)
    if name not in book.sheet_names:
        return Cells(scan.first_row, [])
    batch, left = load_cells(book.whole, name)
    columns = [pa.nulls(batch.num_rows, pa.string())] * left + batch.columns if batch.num_columns else []
    return Cells(scan.first_row, columns, scan.refs, merged_down(below_rows(unpack(book.data, book.archive, part))))


def _finish(name: str, hidden: bool, date1904: bool, cells: Cells) -> Sheet:
    """The sheet of the cells, with errors, uncalculated formulas, dates in no calendar and TCVN3 text put right."""
    sheet = Sheet(name, cells.columns, cells.first_row, hidden, date1904, merged=cells.merged)
    # fastexcel's last row is the last one with a value; what formulas below it would say is unknown, not blank.
    uncalculated = max((row for (row, _), what in cells.refs.items() if what == UNCALCULATED), default=0)
    missing = uncalculated - (cells.first_row + sheet.height) + 1
    if sheet.columns and missing > 0:
        sheet.columns = [pa.concat_arrays([column, pa.nulls(missing, pa.string())]) for column in sheet.columns]
    by_column: dict[int, dict[int, str]] = {}
    for (row, column), what in cells.refs.items():
        if 0 <= row - cells.first_row < sheet.height and column <= len(cells.columns):
            by_column.setdefault(column - 1, {})[row - cells.first_row] = what
    looked_at = {column: np.array(sorted(marks)) for column, marks in by_column.items()}
    texts = {column: sheet.columns[column].take(pa.array(rows)).to_pylist() for column, rows in looked_at.items()}
    in_tcvn3: list[tuple[int, int, str]] = []  # column, place among its texts, font
    for column, rows in looked_at.items():
        for at, row in enumerate(rows.tolist()):
            mark, text = by_column[column][row], texts[column][at]
            if mark.startswith("#"):
                texts[column][at] = mark
                sheet.error_cells += 1
            elif mark.startswith("="):
                texts[column][at] = text or mark[1:] or None
            elif text:
                in_tcvn3.append((column, at, mark))
    decoded = decode_tcvn3_cells([(texts[column][at], font) for column, at, font in in_tcvn3])
    for (column, at, _), text in zip(in_tcvn3, decoded, strict=True):
        texts[column][at] = text
    for column, rows in looked_at.items():
        marked = np.zeros(sheet.height, dtype=bool)
        marked[rows] = True
        sheet.columns[column] = pc.replace_with_mask(sheet.columns[column], pa.array(marked), pa.array(texts[column], pa.string()))
    return sheet
