"""OpenDocument spreadsheets: content.xml read as a stream, because it alone says which tables are hidden and which cells repeat."""

import functools
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from transforms.sheets import UNCALCULATED, Sheet, UnreadableExport, sheet_from_rows
from transforms.text import decode_tcvn3_cells, is_tcvn3_font

_NS = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
}


@functools.cache
def _name(prefixed: str) -> str:
    prefix, local = prefixed.split(":")
    return f"{{{_NS[prefix]}}}{local}"


_TABLE, _ROW, _CELL, _COVERED = map(_name, ("table:table", "table:table-row", "table:table-cell", "table:covered-table-cell"))
_DEFAULT = "Default"
# The day that numbers of days count from; documents made from workbooks of old Macintoshs keep theirs.
_NULL_DATE, _MACINTOSH = _name("table:null-date"), "1904-01-01"
_STYLE, _P, _COLUMN = _name("style:style"), _name("text:p"), _name("table:table-column")
_ROWS_SPANNED, _COLUMNS_SPANNED = map(_name, ("table:number-rows-spanned", "table:number-columns-spanned"))
_SPACES, _TAB, _LINE_BREAK = map(_name, ("text:s", "text:tab", "text:line-break"))
_MOST_SPACES = 1_000
# A moment whose format shows only its time of day, as hours since the day 0 of spreadsheets: no list is so old, and no duration so long.
_TIME = re.compile(r"PT(\d{1,8})H(\d{1,2})M(\d{1,2}(?:\.\d{1,9})?)S$")
_FEWEST_HOURS = 24 * 30_000
# The attribute that holds a cell's value, by its type; programs leave it out where they write only what the cell shows.
_STORED = {
    **dict.fromkeys(("float", "currency", "percentage"), _name("office:value")),
    **{kind: _name(f"office:{kind}-value") for kind in ("date", "time", "boolean", "string")},
}
_VALUE_TYPE_OF_CALC, _FORMULA = _name("calcext:value-type"), _name("table:formula")
# An error is shown so; OpenOffice and early LibreOffice keep the number 0 as its value, and no type of its own.
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)|Err:\d{3}")
_DEFAULT_STYLE, _PARENT = _name("table:default-cell-style-name"), _name("style:parent-style-name")


# A row's cells, which of them are set in a TCVN3 font, and in which.
_InFont = tuple[list[str | None], slice, str]


def read(archive: zipfile.ZipFile, max_rows: int, max_columns: int) -> list[Sheet]:
    """Every table of the document.

    Raises:
        UnreadableExport: the document is damaged, locked or larger than the limits.
    """
    try:
        fonts = _named_fonts(archive)
        with archive.open("content.xml") as stream:
            return list(_tables(stream, fonts, max_rows, max_columns))
    except UnreadableExport:
        raise
    except Exception as error:  # damaged XML, damaged zip streams and missing parts each raise their own type
        raise UnreadableExport("tệp .ods bị cắt cụt, đặt mật khẩu hoặc hỏng; hãy xuất lại dạng .xlsx") from error


def _named_fonts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The fonts of the document's own styles, by name; "Default" is that of the cells which name no style."""
    if "styles.xml" not in archive.namelist():
        return {}
    with archive.open("styles.xml") as stream:
        events = etree.iterparse(stream, tag=_STYLE, resolve_entities=False, huge_tree=True, no_network=True)
        styles = {node.get(_name("style:name"), ""): (_font(node), node.get(_PARENT, "")) for _, node in events}
    fonts = {}
    for name in styles:
        font, parent = styles[name]
        passed = {name}
        while not font and parent in styles and parent not in passed:
            passed.add(parent)
            font, parent = styles[parent]
        fonts[name] = font
    return fonts


def _font(style: Any) -> str:
    """The font that a style itself sets; "" for none."""
    for child in style:
        font = child.get(_name("style:font-name")) or child.get(_name("fo:font-family"), "").strip(" '\"")
        if font:
            return str(font)
    return ""


def _tables(stream: Any, named_fonts: dict[str, str], max_rows: int, max_columns: int) -> Iterator[Sheet]:
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        tag=(_TABLE, _ROW, _STYLE, _COLUMN, _NULL_DATE),
        resolve_entities=False,
        huge_tree=True,
        no_network=True,
    )
    hidden_styles: set[str] = set()
    fonts = {name: font for name, font in named_fonts.items() if is_tcvn3_font(font)}
    rows: list[list[str | None]] = []
    column_styles: list[str] = []
    merged: list[tuple[int, int, int]] = []
    in_tcvn3: list[_InFont] = []
    blank = errors = 0
    date1904 = False
    for event, node in events:
        if event == "start":
            if node.tag == _TABLE:
                if node.getroottree().docinfo.doctype:
                    raise UnreadableExport("tệp .ods khai báo thực thể XML; không mở vì lý do an toàn")
                rows, blank, errors, column_styles, merged, in_tcvn3 = [], 0, 0, [], [], []
            continue
        if node.tag == _STYLE:
            name = node.get(_name("style:name"), "")
            for child in node:
                if child.get(_name("table:display")) == "false":
                    hidden_styles.add(name)
            font = _font(node) or named_fonts.get(node.get(_PARENT, ""), "")
            if is_tcvn3_font(font):
                fonts[name] = font
        elif node.tag == _NULL_DATE:
            date1904 = node.get(_name("table:date-value"), "").startswith(_MACINTOSH)
        elif node.tag == _COLUMN:
            repeat = min(int(node.get(_name("table:number-columns-repeated"), "1")), max_columns)
            column_styles.extend([node.get(_DEFAULT_STYLE, "")] * repeat)
        elif node.tag == _ROW:
            cells, wrong, spans = _cells(node, fonts, column_styles, max_columns, in_tcvn3)
            repeat = int(node.get(_name("table:number-rows-repeated"), "1"))
            errors += wrong
            node.clear()
            if not any(cells):
                blank += repeat  # kept only if something follows: sheets end in a million blank rows
                continue
            if len(rows) + blank + repeat > max_rows:
                raise UnreadableExport(f"một trang có hơn {max_rows} dòng; hãy tách nhỏ khi xuất")
            rows.extend([[]] * blank + [cells] * repeat)
            blank = 0
            merged += [(column, len(rows), len(rows) + height - 1) for column, height in spans.items()]
        elif node.tag == _TABLE:
            hidden = node.get(_name("table:style-name")) in hidden_styles
            decoded = decode_tcvn3_cells([(cells[place.start] or "", font) for cells, place, font in in_tcvn3])
            for (cells, place, _), text in zip(in_tcvn3, decoded, strict=True):
                cells[place] = [text] * (place.stop - place.start)
            sheet = sheet_from_rows(node.get(_name("table:name"), ""), rows, hidden=hidden, date1904=date1904)
            sheet.error_cells = errors
            sheet.merged = merged
            node.clear()
            yield sheet


def _cells(
    row: Any, fonts: dict[str, str], column_styles: list[str], max_columns: int, in_tcvn3: list[_InFont]
) -> tuple[list[str | None], int, dict[int, int]]:
    """The cells of a row, how many of them held an error, and by column how many rows a cell is merged down over; those in TCVN3 fonts are added to `in_tcvn3`."""
    cells: list[str | None] = []
    spans: dict[int, int] = {}
    blank = errors = 0
    for cell in row.iterchildren(_CELL, _COVERED):
        text, is_wrong = (None, False) if cell.tag == _COVERED else _value(cell)
        repeat = int(cell.get(_name("table:number-columns-repeated"), "1"))
        if not text:
            blank += repeat
            continue
        errors += is_wrong
        column = len(cells) + blank
        if int(cell.get(_ROWS_SPANNED, "1")) > 1 and cell.get(_COLUMNS_SPANNED, "1") == "1":
            spans[column] = int(cell.get(_ROWS_SPANNED))
        default = row.get(_DEFAULT_STYLE) or (column_styles[column] if column < len(column_styles) else "")
        font = fonts.get(cell.get(_name("table:style-name")) or default or _DEFAULT)
        if font:
            in_tcvn3.append((cells, slice(column, column + repeat), font))
        if len(cells) + blank + repeat > max_columns:
            raise UnreadableExport(f"một dòng có hơn {max_columns} ô; hãy xuất lại")
        cells.extend([None] * blank + [text] * repeat)
        blank = 0
    return cells, errors, spans


def _value(cell: Any) -> tuple[str | None, bool]:
    """What a cell holds, and whether that is an error or a formula that nobody has calculated."""
    shown = "\n".join(map(_text, cell.iterchildren(_P)))
    if cell.get(_VALUE_TYPE_OF_CALC) == "error" or _ERROR.match(shown):
        return "#N/A", True
    kind = cell.get(_name("office:value-type"))
    stored = cell.get(_STORED[kind]) if kind in _STORED else None
    if stored:
        return _stored_text(kind, stored, shown), False
    # A formula that gives an empty text has an empty value or paragraph; one that a program wrote has neither.
    if not shown and stored is None and cell.get(_FORMULA) and (kind not in (None, "string") or cell.find(_P) is None):
        return UNCALCULATED, True
    return shown or stored or None, False


def _stored_text(kind: str, stored: str, shown: str) -> str:
    """What a cell's value says, beside which the cell may show less of it; of texts and percentages it shows what is meant."""
    if kind == "date":
        return stored.replace("T", " ")
    if kind in ("float", "currency"):
        return stored.removesuffix(".0")
    if kind == "time":
        passed = _TIME.match(stored)
        if passed and int(passed[1]) >= _FEWEST_HOURS:
            return repr((int(passed[1]) * 3600 + int(passed[2]) * 60 + float(passed[3])) / 86400)
    return stored if kind == "boolean" else shown or stored


def _text(paragraph: Any) -> str:
    """The text of a paragraph, with the spaces and breaks that stand in it as elements."""
    for node in paragraph.iterdescendants(_SPACES, _TAB, _LINE_BREAK):
        if node.tag == _SPACES:
            node.text = " " * min(int(node.get(_name("text:c"), "1")), _MOST_SPACES)
        else:
            node.text = "\t" if node.tag == _TAB else "\n"
    return "".join(paragraph.itertext())
