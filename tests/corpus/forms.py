"""Writers of every container met in the wild; none of them uses a library that the readers use."""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import xlsxwriter
import xlwt
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from .book import Book, Cell, ErrorCell, FormulaCell, Page, Value, covered_cells

Writer = Callable[[Book], bytes]
DATE_FORMAT = "dd/mm/yyyy hh:mm:ss"
_STAMP = (2024, 7, 1, 0, 0, 0)


def serial_of(moment: datetime, *, date1904: bool = False) -> float:
    """The number a spreadsheet stores for a moment."""
    return (moment - (datetime(1904, 1, 1) if date1904 else datetime(1899, 12, 30))) / timedelta(days=1)


def text_of(value: Value) -> str:
    """What a value looks like in containers that know only text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M:%S}"
    if isinstance(value, ErrorCell):
        return value.text
    assert not isinstance(value, FormulaCell), "only workbooks hold formulas"
    return str(value)


# --- Excel workbooks -----------------------------------------------------------------------------------------------------------------


def xlsx_openpyxl(book: Book) -> bytes:
    """A workbook by openpyxl: shared strings, styles, merged cells."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    if book.date1904:
        made.epoch = CALENDAR_MAC_1904
    for page in book.pages:
        sheet = made.create_sheet(page.name)
        sheet.sheet_state = page.state
        for number, row in enumerate(page.rows, 1):
            for column, cell in enumerate(row.cells, 1):
                if cell.value is None and not cell.font:
                    continue
                written = sheet.cell(number, column)
                value = cell.value
                if isinstance(value, ErrorCell):
                    written.value, written.data_type = value.text, "e"
                elif isinstance(value, FormulaCell):
                    written.value = value.text
                else:
                    written.value = value
                    if isinstance(value, str):
                        written.data_type = "s"
                if isinstance(value, datetime):
                    written.number_format = DATE_FORMAT
                if cell.font:
                    written.font = Font(name=cell.font)
                if cell.down > 1 or cell.right > 1:
                    sheet.merge_cells(
                        start_row=number, start_column=column, end_row=number + cell.down - 1, end_column=column + cell.right - 1
                    )
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def xlsx_xlsxwriter(book: Book, *, constant_memory: bool = False) -> bytes:
    """A workbook by xlsxwriter; with `constant_memory` its strings stand in the cells, as servers write them."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"constant_memory": constant_memory, "date_1904": book.date1904, "strings_to_formulas": False})
    moment = made.add_format({"num_format": DATE_FORMAT})
    fonts: dict[str, Any] = {}
    for page in book.pages:
        sheet = made.add_worksheet(page.name)
        if page.state == "visible" and page is next(p for p in book.pages if p.state == "visible"):
            sheet.activate()  # xlsxwriter shows the active sheet, whatever its state
        if page.state == "hidden":
            sheet.hide()
        elif page.state == "veryHidden":
            sheet.very_hidden()
        for number, row in enumerate(page.rows):
            for column, cell in enumerate(row.cells):
                style = moment if isinstance(cell.value, datetime) else None
                if cell.font:
                    style = fonts.setdefault(cell.font, made.add_format({"font_name": cell.font}))
                if (cell.down > 1 or cell.right > 1) and not constant_memory:
                    sheet.merge_range(number, column, number + cell.down - 1, column + cell.right - 1, "", style)
                value = cell.value
                if value is None:
                    continue
                if isinstance(value, str):
                    sheet.write_string(number, column, value, style)
                elif isinstance(value, bool):
                    sheet.write_boolean(number, column, value, style)
                elif isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, style)
                elif isinstance(value, ErrorCell | FormulaCell):
                    sheet.write_formula(number, column, "=NA()" if isinstance(value, ErrorCell) else value.text, style, value.text)
                else:
                    sheet.write_number(number, column, value, style)
    made.close()
    return out.getvalue()


def xlsx_streamed(book: Book) -> bytes:
    """xlsxwriter with strings in the cells."""
    return xlsx_xlsxwriter(book, constant_memory=True)


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def make_zip(parts: Mapping[str, bytes | str], level: int = 6) -> bytes:
    """A zip of named parts, the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def xlsx_parts(
    book: Book,
    *,
    prefix: str = "",
    strings: str = "shared",
    refs: bool = True,
    dimension: str | None = None,
    pretty: bool = False,
    quote: str = '"',
    absolute: bool = False,
    blank_strings: bool = False,
    reverse_attributes: bool = False,
    skip_blank_rows: bool = True,
    iso_dates: bool = False,
    strict: bool = False,
    extra_rows: str = "",
    extra_first: str = "",
) -> dict[str, str]:
    """The parts of a hand-made workbook, as odd exporters write them.

    Args:
        book: what to write.
        prefix: namespace prefix of the main elements, "x:" for what Microsoft's own Open XML SDK writes.
        strings: "shared", "inline" or "str" (the result of a formula).
        refs: cells and rows say where they stand; without, they follow each other.
        dimension: text of <dimension ref>, right or wrong.
        pretty: line breaks and spaces between elements.
        quote: quotation mark of attributes.
        absolute: targets of relations begin at the package's root.
        blank_strings: blank cells hold an empty string.
        reverse_attributes: the cell's type and style stand before its place.
        skip_blank_rows: rows without cells are not written at all (only with refs).
        iso_dates: date cells hold text, as Strict Open XML allows.
        strict: the namespaces of Strict Open XML.
        extra_rows, extra_first: XML added behind and before the rows.
    """
    shared: dict[str, int] = {}
    fonts = sorted({cell.font for page in book.pages for row in page.rows for cell in row.cells if cell.font})
    p = prefix

    def cell_xml(cell: Cell, place: str) -> str:
        value, style = cell.value, 2 + fonts.index(cell.font) if cell.font else 0
        kind, body = "", ""
        if value is None:
            if not blank_strings:
                if refs:
                    return f"<{p}c r={quote}{place}{quote} s={quote}{style}{quote}/>" if style else ""
                return f"<{p}c/>"
            value = ""
        if isinstance(value, str):
            text = escape(value)
            space = " xml:space='preserve'" if text != text.strip() or "\n" in text else ""
            if strings == "shared":
                kind, body = "s", f"<{p}v>{shared.setdefault(value, len(shared))}</{p}v>"
            elif strings == "inline":
                kind, body = "inlineStr", f"<{p}is><{p}t{space}>{text}</{p}t></{p}is>"
            else:
                kind, body = "str", f"<{p}f>T({escape(quoteattr(value))})</{p}f><{p}v>{text}</{p}v>"
        elif isinstance(value, bool):
            kind, body = "b", f"<{p}v>{int(value)}</{p}v>"
        elif isinstance(value, datetime) and iso_dates:
            style, kind, body = 1, "d", f"<{p}v>{value.isoformat()}</{p}v>"
        elif isinstance(value, datetime):
            style, body = 1, f"<{p}v>{serial_of(value, date1904=book.date1904)!r}</{p}v>"
        elif isinstance(value, ErrorCell):
            kind, body = "e", f"<{p}v>{value.text}</{p}v>"
        elif isinstance(value, FormulaCell):
            body = f"<{p}f>{escape(value.text.lstrip('='))}</{p}f>"
        else:
            body = f"<{p}v>{value!r}</{p}v>"
        attributes = [f"r={quote}{place}{quote}"] if refs else []
        attributes += [f"s={quote}{style}{quote}"] if style else []
        attributes += [f"t={quote}{kind}{quote}"] if kind else []
        if reverse_attributes:
            attributes.reverse()
        gap = "\n   " if pretty else ""
        return f"<{p}c {' '.join(attributes)}>{gap}{body}{gap}</{p}c>".replace("c >", "c>")

    def sheet_xml(page: Page) -> str:
        lines = []
        for number, row in enumerate(page.rows, 1):
            cells = "".join(
                ("\n  " if pretty else "") + cell_xml(cell, f"{get_column_letter(column)}{number}")
                for column, cell in enumerate(row.cells, 1)
            )
            if not cells.strip() and refs and skip_blank_rows:
                continue
            place = f" r={quote}{number}{quote}" if refs else ""
            lines.append(f"<{p}row{place}>{cells}</{p}row>" if cells else f"<{p}row{place}/>")
        merged = [
            f"{get_column_letter(c)}{r}:{get_column_letter(c + cell.right - 1)}{r + cell.down - 1}"
            for r, row in enumerate(page.rows, 1)
            for c, cell in enumerate(row.cells, 1)
            if cell.down > 1 or cell.right > 1
        ]
        merges = "".join(f'<{p}mergeCell ref="{ref}"/>' for ref in merged)
        return (
            _HEAD
            + f"<{p}worksheet xmlns{':' + p[:-1] if p else ''}={quote}{_MAIN}{quote}>"
            + (f'<{p}dimension ref="{dimension}"/>' if dimension else "")
            + f"<{p}sheetData>{extra_first}{chr(10).join(lines) if pretty else ''.join(lines)}{extra_rows}</{p}sheetData>"
            + (f'<{p}mergeCells count="{len(merged)}">{merges}</{p}mergeCells>' if merged else "")
            + f"</{p}worksheet>"
        )

    sheets = {f"xl/worksheets/sheet{number}.xml": sheet_xml(page) for number, page in enumerate(book.pages, 1)}
    font_xml = "".join(f'<font><sz val="11"/><name val="{name}"/></font>' for name in ["Calibri", *fonts])
    xf_xml = "".join(f'<xf numFmtId="0" fontId="{number}" fillId="0" borderId="0" xfId="0"/>' for number in range(1, len(fonts) + 1))
    root = "/xl/" if absolute else ""
    book_sheets = "".join(
        f"<{p}sheet name={quoteattr(page.name)} sheetId='{number}' r:id='rId{number}'"
        + (f" state='{page.state}'" if page.state != "visible" else "")
        + "/>"
        for number, page in enumerate(book.pages, 1)
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for number in range(1, len(book.pages) + 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_REL}/worksheet" Target="{root}worksheets/sheet{number}.xml"/>'
        for number in range(1, len(book.pages) + 1)
    )
    last = len(book.pages)
    parts = {
        "[Content_Types].xml": _HEAD
        + f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
        + types
        + "</Types>",
        "_rels/.rels": _HEAD
        + f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": _HEAD
        + f"<{p}workbook xmlns{':' + p[:-1] if p else ''}='{_MAIN}' xmlns:r='{_REL}'>"
        + (f"<{p}workbookPr date1904='1'/>" if book.date1904 else "")
        + f"<{p}sheets>{book_sheets}</{p}sheets></{p}workbook>",
        "xl/_rels/workbook.xml.rels": _HEAD
        + f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}'
        + f'<Relationship Id="rId{last + 1}" Type="{_REL}/styles" Target="{root}styles.xml"/>'
        + f'<Relationship Id="rId{last + 2}" Type="{_REL}/sharedStrings" Target="{root}sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": _HEAD
        + f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="[$-42A]dd\\/mm\\/yyyy\\ hh:mm:ss;@"/></numFmts>'
        + f'<fonts count="{len(fonts) + 1}">{font_xml}</fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
        + '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        + f'<cellXfs count="{len(fonts) + 2}"><xf numFmtId="0" fontId="0" xfId="0"/><xf numFmtId="164" fontId="0" xfId="0" applyNumberFormat="1"/>'
        + f"{xf_xml}</cellXfs></styleSheet>",
    }
    items = "".join(f"<{p}si><{p}t xml:space='preserve'>{escape(text)}</{p}t></{p}si>" for text in shared)
    parts["xl/sharedStrings.xml"] = _HEAD + f"<{p}sst xmlns{':' + p[:-1] if p else ''}='{_MAIN}'>{items}</{p}sst>"
    made = parts | sheets
    if strict:
        made = {
            name: text.replace(_MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main").replace(
                _REL, "http://purl.oclc.org/ooxml/officeDocument/relationships"
            )
            for name, text in made.items()
        }
    return made


def xlsx_by_hand(**options: Any) -> Writer:
    """A writer of hand-made workbooks (see `xlsx_parts`)."""
    return lambda book: make_zip(xlsx_parts(book, **options))


def make_xls(book: Book) -> xlwt.Workbook:
    """A BIFF workbook, not saved yet."""
    made = xlwt.Workbook(encoding="utf-8")
    made.dates_1904 = book.date1904
    moment = xlwt.easyxf(num_format_str="DD/MM/YYYY HH:MM:SS")
    fonts: dict[str, Any] = {}
    for page in book.pages:
        sheet = made.add_sheet(page.name, cell_overwrite_ok=True)
        sheet.visibility = {"visible": 0, "hidden": 1, "veryHidden": 2}[page.state]
        for number, row in enumerate(page.rows):
            for column, cell in enumerate(row.cells):
                value = cell.value
                style = moment if isinstance(value, datetime) else xlwt.Style.default_style
                if cell.font:
                    style = fonts.setdefault(cell.font, xlwt.easyxf(f"font: name {cell.font}"))
                if isinstance(value, ErrorCell):
                    sheet.row(number).set_cell_error(column, "#N/A!" if value.text == "#N/A" else value.text, style)  # xlwt's own name
                elif isinstance(value, FormulaCell):
                    sheet.write(number, column, xlwt.Formula(value.text.lstrip("=")), style)
                elif cell.down > 1 or cell.right > 1:
                    sheet.write_merge(number, number + cell.down - 1, column, column + cell.right - 1, value, style)
                elif value is not None:
                    sheet.write(number, column, value, style)
    return made


def xls_xlwt(book: Book) -> bytes:
    """A BIFF workbook (.xls of Excel 97–2003)."""
    out = io.BytesIO()
    make_xls(book).save(out)
    return out.getvalue()


def xls_with_password(book: Book) -> bytes:
    """A BIFF workbook whose first record after BOF says that it is encrypted."""
    from xlwt.CompoundDoc import XlsDoc

    stream = make_xls(book).get_biff_data()
    first = 4 + struct.unpack_from("<H", stream, 2)[0]
    lock = struct.pack("<HHHHH", 0x2F, 6, 0, 0x1234, 0x5678)
    out = io.BytesIO()
    XlsDoc().save(out, stream[:first] + lock + stream[first:])
    return out.getvalue()


def encrypted_ooxml() -> bytes:
    """An OLE file with the streams EncryptionInfo and EncryptedPackage: what Excel makes of an .xlsx with a password."""

    def entry(name: str, kind: int, start: int, size: int, right: int = -1, child: int = -1) -> bytes:
        raw = name.encode("utf-16-le") + b"\x00\x00"
        return raw.ljust(64, b"\x00") + struct.pack("<HBBiii16xIQQiII", len(raw), kind, 1, -1, right, child, 0, 0, 0, start, size, 0)

    directory = (
        entry("Root Entry", 5, -2, 0, child=1) + entry("EncryptionInfo", 2, 2, 4096, right=2) + entry("EncryptedPackage", 2, 10, 4096)
    ).ljust(512, b"\x00")
    fat = [-3, -2, *range(3, 10), -2, *range(11, 18), -2]
    sector = struct.pack(f"<{len(fat)}i", *fat).ljust(512, b"\xff")
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6xIIIIIiIiI", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, -2, 0, -2, 0)
    )
    header += struct.pack("<i", 0) + b"\xff" * (512 - len(header) - 4)
    scrambled = bytes((number * 73 + 41) % 256 for number in range(4096))
    return header + sector + directory + scrambled + scrambled


# --- OpenDocument --------------------------------------------------------------------------------------------------------------------

_ODS_NAMES = " ".join(
    f'xmlns:{name}="{uri}"'
    for name, uri in {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
        "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }.items()
)


def ods_parts(book: Book, *, doctype: str = "", column_styles: bool = False) -> dict[str, bytes | str]:
    """The parts of a hand-made OpenDocument sheet with the repetitions LibreOffice writes.

    Args:
        book: what to write.
        doctype: a document type declaration to put before the content.
        column_styles: cells name no style of their own but have their column's, the first font of the book.
    """
    fonts = sorted({cell.font for page in book.pages for row in page.rows for cell in row.cells if cell.font})

    def attributes(cell: Cell, covered: bool) -> tuple[str, str, str]:
        value, shown = cell.value, ""
        extra = f' table:style-name="ce{fonts.index(cell.font)}"' if cell.font and not column_styles else ""
        if cell.down > 1 or cell.right > 1:
            extra += f' table:number-columns-spanned="{cell.right}" table:number-rows-spanned="{cell.down}"'
        if isinstance(value, bool):
            extra += f' office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
            shown = "ĐÚNG" if value else "SAI"
        elif isinstance(value, datetime):
            extra += f' office:value-type="date" office:date-value="{value.isoformat()}"'
            shown = f"{value:%d/%m/%y}"
        elif isinstance(value, int | float):
            extra += f' office:value-type="float" office:value="{value!r}"'
            shown = f"{value:n}"
        elif isinstance(value, ErrorCell | FormulaCell):
            extra += ' table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"'
            shown = value.text if isinstance(value, ErrorCell) else "#N/A"
        elif value is not None:
            extra += ' office:value-type="string" calcext:value-type="string"'
            shown = value
        inner = "".join(f"<text:p>{escape(line)}</text:p>" for line in shown.split("\n")) if shown else ""
        return ("table:covered-table-cell" if covered else "table:table-cell"), extra, inner

    def row_xml(page: Page, number: int, covered: set[tuple[int, int]]) -> str:
        runs: list[tuple[tuple[str, str, str], int]] = []
        for column, cell in enumerate(page.rows[number].cells):
            made = attributes(cell, (number, column) in covered)
            if runs and runs[-1][0] == made:
                runs[-1] = (made, runs[-1][1] + 1)
            else:
                runs.append((made, 1))
        runs.append((("table:table-cell", "", ""), 16384 - len(page.rows[number].cells)))
        return "".join(
            f"<{tag}{extra}" + (f' table:number-columns-repeated="{count}"' if count > 1 else "") + (f">{inner}</{tag}>" if inner else "/>")
            for (tag, extra, inner), count in runs
        )

    tables = []
    for page in book.pages:
        covered = covered_cells(page)
        blank = '<table:table-cell table:number-columns-repeated="16384"/>'
        runs: list[tuple[str, int]] = []
        for number in range(len(page.rows)):
            made = row_xml(page, number, covered) if page.rows[number].cells else blank
            if runs and runs[-1][0] == made and made == blank:
                runs[-1] = (made, runs[-1][1] + 1)
            else:
                runs.append((made, 1))
        runs.append((blank, 1048576 - len(page.rows)))
        rows = "".join(
            "<table:table-row" + (f' table:number-rows-repeated="{count}"' if count > 1 else "") + f">{made}</table:table-row>"
            for made, count in runs
        )
        style = "ta1" if page.state == "visible" else "ta2"
        default = ' table:default-cell-style-name="ce0"' if column_styles and fonts else ""
        columns = f'<table:table-column table:number-columns-repeated="16384"{default}/>'
        tables.append(f'<table:table table:name={quoteattr(page.name)} table:style-name="{style}">{columns}{rows}</table:table>')
    styles = '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/></style:style>'
    styles += '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'
    styles += "".join(
        f'<style:style style:name="ce{number}" style:family="table-cell"><style:text-properties style:font-name="{name}"/></style:style>'
        for number, name in enumerate(fonts)
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<office:document-content {_ODS_NAMES} office:version="1.3">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{''.join(tables)}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content}


def ods(book: Book) -> bytes:
    """An OpenDocument sheet."""
    return make_zip(ods_parts(book))


def ods_with_column_styles(book: Book) -> bytes:
    """An OpenDocument sheet whose columns, not cells, name the font."""
    return make_zip(ods_parts(book, column_styles=True))


# --- text ----------------------------------------------------------------------------------------------------------------------------

# Accents that Windows-1258 holds in a letter; tones follow the letter as characters of their own.
_SHAPES = "\u0302\u0306\u031b"


def to_cp1258(text: str) -> bytes:
    """Vietnamese in Windows-1258: the letter with its shape, then the tone as a combining character."""
    out = bytearray()
    for letter in unicodedata.normalize("NFC", text):
        try:
            out += letter.encode("cp1258")
        except UnicodeEncodeError:
            base, *marks = list(unicodedata.normalize("NFD", letter))
            shaped = unicodedata.normalize("NFC", base + "".join(m for m in marks if m in _SHAPES))
            out += (shaped + "".join(m for m in marks if m not in _SHAPES)).encode("cp1258")
    return bytes(out)


def encode(text: str, encoding: str) -> bytes:
    """Bytes of a text; encodings are named as people name them."""
    match encoding:
        case "cp1258":
            return to_cp1258(text)
        case "utf-8-bom":
            return text.encode("utf-8-sig")
        case "utf-16-le-bom":
            return b"\xff\xfe" + text.encode("utf-16-le")
        case "utf-16-be-bom":
            return b"\xfe\xff" + text.encode("utf-16-be")
        case _:
            return text.encode(encoding)


def csv_text(book: Book, delimiter: str = ",", newline: str = "\r\n", *, quote_all: bool = False) -> str:
    """The first sheet as text with delimiters; cells are quoted where they must be."""
    width = max(len(row.cells) for row in book.pages[0].rows)

    def quoted(text: str) -> str:
        if quote_all or any(sign in text for sign in (delimiter, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = []
    for row in book.pages[0].rows:
        texts = [quoted(text_of(cell.value)) for cell in row.cells] + [""] * (width - len(row.cells))
        lines.append(delimiter.join(texts))
    return newline.join(lines) + newline


def csv_file(delimiter: str = ",", encoding: str = "utf-8", newline: str = "\r\n", *, quote_all: bool = False) -> Writer:
    """A writer of text files."""
    return lambda book: encode(csv_text(book, delimiter, newline, quote_all=quote_all), encoding)


def html_text(book: Book, *, titles: str = "rows", charset: str = "utf-8", thead: bool = False, fonts: str = "style") -> str:
    """The first sheet as a page with a table.

    Args:
        book: what to write.
        titles: where the rows above the headings stand: "rows" of the table, a "table" of their own, "p" or "h3" elements.
        charset: what the page says of itself.
        thead: headings in a thead, with th instead of td.
        fonts: how a cell says its font: "style" of the cell, a "class" as Excel writes it, a "font" element, or the "table" says it for all.
    """
    page = book.pages[0]
    covered = covered_cells(page)
    first_data = next((number for number, row in enumerate(page.rows) if row.truth), len(page.rows))
    above = 0
    if titles != "rows":
        while above < first_data and len([c for c in page.rows[above].cells if c.value is not None]) == 1:
            above += 1

    used = sorted({cell.font for row in page.rows for cell in row.cells if cell.font})
    classes = "".join(f'.xl{60 + number} {{ mso-style-parent:style0; font-family:"{name}", serif; }}' for number, name in enumerate(used))
    of_table = f" style='font-family: \"{used[0]}\"'" if fonts == "table" and used else ""

    def cell_html(cell: Cell, tag: str) -> str:
        text = escape(text_of(cell.value)).replace("\n", "<br>") or "&nbsp;"
        spans = (f' rowspan="{cell.down}"' if cell.down > 1 else "") + (f" colspan='{cell.right}'" if cell.right > 1 else "")
        style = ""
        if cell.font and fonts == "style":
            style = f" style=\"font-family:'{cell.font}';mso-number-format:'\\@'\""
        elif cell.font and fonts == "class":
            style = f" class=xl{60 + used.index(cell.font)}"
        elif cell.font and fonts == "font":
            text = f'<b><font size="2" face="{cell.font}"><span>{text}</span></font></b>'
        return f"<{tag}{spans}{style}>{text}</{tag}>"

    def row_html(number: int) -> str:
        tag = "th" if thead and number < first_data else "td"
        cells = [cell_html(cell, tag) for column, cell in enumerate(page.rows[number].cells) if (number, column) not in covered]
        return f"<tr>{''.join(cells)}</tr>"

    top = [text_of(next(c.value for c in row.cells if c.value is not None)) for row in page.rows[:above]]
    if titles == "table":
        title_html = "<table>" + "".join(f"<tr><td colspan=5><b>{escape(text)}</b></td></tr>" for text in top) + "</table>"
    else:
        title_html = "".join(f"<{titles}>{escape(text)}</{titles}>" for text in top)
    rows = [row_html(number) for number in range(above, len(page.rows))]
    head = rows[: first_data - above] if thead else []
    body = rows[len(head) :]
    return (
        f'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta http-equiv="Content-Type" content="text/html; charset={charset}">'
        f"<style>td {{ white-space: nowrap }} {classes if fonts == 'class' else ''}</style></head><body>{title_html}<table border=1{of_table}>"
        + (f"<thead>{''.join(head)}</thead>" if head else "")
        + f"<tbody>{chr(10).join(body)}</tbody></table></body></html>"
    )


def html_file(encoding: str = "utf-8", **options: Any) -> Writer:
    """A writer of HTML tables, which systems hand out under the name .xls."""
    charset = {"cp1258": "windows-1258"}.get(encoding, encoding.removesuffix("-bom"))
    return lambda book: encode(html_text(book, charset=charset, **options), encoding)


# --- archives ------------------------------------------------------------------------------------------------------------------------


def lock_zip(data: bytes) -> bytes:
    """The same archive with every member marked as encrypted."""
    out = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(signature)
        while at >= 0:
            out[at + offset] |= 1
            at = out.find(signature, at + 4)
    return bytes(out)


def zip_with_spaces(parts: Mapping[str, bytes | str], name: str, megabytes: int, tail: bytes = b"") -> bytes:
    """An archive in which one part ends in so many megabytes of spaces: small to send, large to unpack."""
    out = io.BytesIO()
    spaces = b" " * (1 << 20)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part, content in parts.items():
            raw = content.encode() if isinstance(content, str) else content
            with archive.open(zipfile.ZipInfo(part, _STAMP) if part != name else _deflated(part), "w", force_zip64=False) as stream:
                stream.write(raw)
                if part == name:
                    for _ in range(megabytes):
                        stream.write(spaces)
                    stream.write(tail)
    return out.getvalue()


def _deflated(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def png() -> bytes:
    """A real picture of one pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\x00\x00")) + chunk(b"IEND", b"")


def pdf() -> bytes:
    """The beginning and end of a PDF."""
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
