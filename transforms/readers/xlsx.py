"""Office Open XML workbooks: fastexcel reads the cells; what it cannot tell is looked up in the sheet's own XML.

fastexcel (calamine) is the fastest reader there is, but it gives no row number of the first row, turns error cells and formulas that were
never calculated into blanks, knows no fonts, and aborts the whole process on one far cell in an otherwise empty sheet. One pass over
the raw XML answers all four: byte counts for every sheet, a search cell by cell only in the sheets where something was found.
"""

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import IO, Any

import fastexcel
import numpy as np
import pyarrow as pa
from lxml import etree

from transforms.sheets import Sheet, UnreadableExport
from transforms.text import decode_tcvn3, is_tcvn3_font

_CHUNK = 1 << 22
_OVERLAP = 1 << 12
_REF = rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']"
_FILLED_CELL = re.compile(
    rb"<(?:\w+:)?c\b[^>]*?" + _REF + rb"[^>]*>\s*(?:<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*)?<(?:\w+:)?(?:v|is)\b"
)
_ANY_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_LAST_REF = re.compile(rb"<(?:\w+:)?c\b[^>]*?" + _REF)
_FAR_COLUMN = re.compile(rb"\br=[\"']([A-Z]{3})\d{1,7}[\"']")
_ERROR = re.compile(rb"\bt=[\"']e[\"']")
_SPREADSHEET_NS = "{*}"
# calamine allocates the rectangle around all filled cells; an honest sheet fills a good part of it
_FREE_RECTANGLE = 2_000_000
_MIN_FILL = 50


@dataclass
class _Scan:
    """What one pass over a sheet's XML found."""

    first_row: int = 1
    last_row: int = 1
    cells: int = 0
    suspicious: bool = False  # error cells or formulas: look closer
    far_column: int = 0
    refs: dict[tuple[int, int], str] = field(default_factory=dict)


def read(data: bytes, archive: zipfile.ZipFile, max_rows: int, max_columns: int) -> list[Sheet]:
    """Every worksheet of the workbook; macros, links to other workbooks and stored queries are never looked at.

    Raises:
        UnreadableExport: the workbook is damaged, declares XML entities, or is larger than the limits.
    """
    try:
        parts, date1904 = _worksheets(archive)
        if any(_lacks_references(archive, part) for _, part, _ in parts):
            data = _number_cells(archive, {part for _, part, _ in parts})
            archive = zipfile.ZipFile(io.BytesIO(data))
        tcvn3 = _tcvn3_styles(archive)
        scans = {name: _scan(archive, part, tcvn3, max_rows, max_columns) for name, part, _ in parts}
        _refuse_entities(archive)
        book = fastexcel.read_excel(data)
        return [_load(book, name, hidden, scans[name], tcvn3, date1904) for name, _, hidden in parts if name in book.sheet_names]
    except UnreadableExport:
        raise
    except Exception as error:  # damaged zip streams, damaged XML and fastexcel's own errors are of many types
        raise UnreadableExport("tệp .xlsx bị cắt cụt hoặc hỏng; hãy xuất lại từ hệ thống một cửa") from error


def _parse(archive: zipfile.ZipFile, part: str) -> Any:
    data = archive.read(part)
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data[:4096]:
        raise UnreadableExport("sổ tính khai báo thực thể XML (nghi là tấn công); không mở vì lý do an toàn")
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))


def _refuse_entities(archive: zipfile.ZipFile) -> None:
    for info in archive.infolist():
        if info.filename.endswith((".xml", ".rels")):
            with archive.open(info) as part:
                start = part.read(4096)
            if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                raise UnreadableExport("sổ tính khai báo thực thể XML (nghi là tấn công); không mở vì lý do an toàn")


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


def _tcvn3_styles(archive: zipfile.ZipFile) -> dict[bytes, str]:
    """Style numbers whose font is TCVN3, as they stand in cells, with the font's name."""
    part = next((i.filename for i in archive.infolist() if i.filename.lower() in ("xl/styles.xml", "styles.xml")), None)
    if part is None:
        return {}
    raw = archive.read(part)
    if b"vn" not in raw.lower():
        return {}
    styles = _parse(archive, part)
    fonts = [
        next((n.get("val") for n in font.iter(f"{_SPREADSHEET_NS}name")), None)
        for font in styles.iterfind(f"{_SPREADSHEET_NS}fonts/{_SPREADSHEET_NS}font")
    ]
    found = {}
    for number, xf in enumerate(styles.iterfind(f"{_SPREADSHEET_NS}cellXfs/{_SPREADSHEET_NS}xf")):
        index = int(xf.get("fontId", "0"))
        if index < len(fonts) and is_tcvn3_font(fonts[index]):
            found[str(number).encode()] = str(fonts[index])
    return found


_ROW_OR_CELL = re.compile(rb"<((?:\w+:)?)(row|c)\b([^>]*?)(/?)>")
_R = re.compile(rb"\br=[\"']([A-Z]*)(\d+)[\"']")


def _lacks_references(archive: zipfile.ZipFile, part: str) -> bool:
    """True for a sheet whose cells do not say where they stand, as some writers leave them (the standard allows it)."""
    with archive.open(part) as stream:
        first = re.search(rb"<(?:\w+:)?c\b([^>]*)>", stream.read(_CHUNK))
    return first is not None and not _R.search(first[1])


def _number_cells(archive: zipfile.ZipFile, parts: set[str]) -> bytes:
    """The workbook with a reference on every row and cell, counted on from the one before, as the standard reads them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as numbered:
        for info in archive.infolist():
            content = archive.read(info)
            if info.filename in parts:
                row = column = 0

                def number(match: re.Match[bytes]) -> bytes:
                    nonlocal row, column
                    prefix, tag, attributes, slash = match.groups()
                    given = _R.search(attributes)
                    if tag == b"row":
                        row, column = int(given[2]) if given else row + 1, 0
                        reference = str(row).encode()
                    else:
                        column = _column_number(given[1]) if given else column + 1
                        reference = _column_letters(column) + str(row).encode()
                    return match[0] if given else b"<" + prefix + tag + b' r="' + reference + b'"' + attributes + slash + b">"

                content = _ROW_OR_CELL.sub(number, content)
            numbered.writestr(info.filename, content)
    return out.getvalue()


def _column_letters(number: int) -> bytes:
    letters = b""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = bytes([65 + rest]) + letters
    return letters


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _scan(archive: zipfile.ZipFile, part: str, tcvn3: dict[bytes, str], max_rows: int, max_columns: int) -> _Scan:
    scan = _Scan()
    with archive.open(part) as stream:
        _scan_stream(stream, scan)
    if scan.far_column > max_columns:
        raise UnreadableExport(f"có ô ở cột thứ {scan.far_column}, xa quá cột {max_columns}; hãy xóa các ô thừa rồi lưu lại")
    if scan.last_row > max_rows:
        raise UnreadableExport(f"có ô ở dòng {scan.last_row}, quá {max_rows} dòng; hãy tách nhỏ khi xuất")
    rectangle = (scan.last_row - scan.first_row + 1) * max(scan.far_column, 1)
    if rectangle > _FREE_RECTANGLE and rectangle > _MIN_FILL * max(scan.cells, 1):
        raise UnreadableExport(
            f"có ô ở rất xa bảng dữ liệu (dòng {scan.last_row}, cột thứ {scan.far_column}); hãy xóa các ô thừa rồi lưu lại"
        )
    if scan.suspicious or tcvn3:
        scan.refs = _special_cells(archive.read(part), tcvn3)
    return scan


def _scan_stream(stream: IO[bytes], scan: _Scan) -> None:
    tail = b""
    found_first = False
    width = 0
    while chunk := stream.read(_CHUNK):
        block = tail + chunk
        scan.cells += block.count(b"<c ", len(tail) and len(tail) - 2) + block.count(b":c ", len(tail) and len(tail) - 2)
        if not found_first and (first := _FILLED_CELL.search(block)):
            found_first, scan.first_row = True, int(first[2])
        if not scan.suspicious and (_ERROR.search(block) or b"<f" in block or b":f>" in block):
            scan.suspicious = True
        for match in _FAR_COLUMN.finditer(block):
            scan.far_column = max(scan.far_column, _column_number(match[1]))
        # Rows stand in order, so the last cell of the block is the lowest; the widest row shows in a sample of its cells.
        last = block.rfind(b"<row ")
        for match in _LAST_REF.finditer(block, max(last, 0)):
            scan.last_row = max(scan.last_row, int(match[2]))
            width = max(width, _column_number(match[1]))
        tail = block[-_OVERLAP:]
    scan.far_column = max(scan.far_column, width)


def _special_cells(xml: bytes, tcvn3: dict[bytes, str]) -> dict[tuple[int, int], str]:
    """(row, column) of error cells and uncalculated formulas -> "#N/A" or "#?", of cells in a TCVN3 font -> the font's name."""
    found: dict[tuple[int, int], str] = {}
    for match in _ANY_CELL.finditer(xml):
        attributes, body = match[1], match[2] or b""
        style = re.search(rb"\bs=[\"'](\d+)[\"']", attributes)
        font = tcvn3.get(style[1]) if style else None
        error = _ERROR.search(attributes) is not None
        empty_formula = (b"<f" in body or b":f" in body) and not re.search(rb"<(?:\w+:)?v>[^<]", body)
        if not (font or error or empty_formula):
            continue
        ref = re.search(_REF, attributes)
        if ref:
            found[int(ref[2]), _column_number(ref[1])] = "#N/A" if error else "#?" if empty_formula else str(font)
    return found


def _load(book: Any, name: str, hidden: bool, scan: _Scan, tcvn3: dict[bytes, str], date1904: bool) -> Sheet:
    loaded = book.load_sheet(name, header_row=None, dtypes="string")
    batch = loaded.to_arrow()
    if not batch.num_columns:
        return Sheet(name, [], 1, hidden, date1904)
    offset = loaded.selected_columns[0].absolute_index or 0
    columns = [pa.nulls(batch.num_rows, pa.string())] * offset + [pa.array(c) if not isinstance(c, pa.Array) else c for c in batch.columns]
    sheet = Sheet(name, columns, scan.first_row, hidden, date1904)
    by_column: dict[int, list[tuple[int, str]]] = {}
    for (row, column), what in scan.refs.items():
        if 0 <= row - scan.first_row < batch.num_rows and column <= len(columns):
            by_column.setdefault(column - 1, []).append((row - scan.first_row, what))
    for column, marks in by_column.items():
        cells = np.array(columns[column].to_pylist(), dtype=object)
        for row, what in marks:
            if what.startswith("#"):
                cells[row] = what
                sheet.error_cells += 1
            elif cells[row]:
                cells[row] = decode_tcvn3(cells[row], what)
        columns[column] = pa.array(cells, pa.string())
    return sheet
