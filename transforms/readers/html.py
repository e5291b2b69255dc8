"""HTML tables saved under an Excel name: what most one-stop systems call "Xuất Excel"."""

import re
from collections.abc import Iterable
from contextlib import suppress
from html import escape
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from transforms.readers import delimited
from transforms.readers.plain_rows import Merged, NotPlain, Rows, cut_out
from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows
from transforms.text import decode_tcvn3, is_tcvn3_font

# "font-family: '.VnTime', serif" and "font: bold 12pt '.VnTime'", not "mso-fareast-font-family".
_FONT = re.compile(
    r"(?<![\w-])font(?:-family\s*:|\s*:[^;'\",]*?(?:\d(?:[a-z]{2,3}|%)|small|medium|large)(?:er)?(?:\s*/\s*[\w.%]+)?\s)\s*['\"]?([^;'\",]+)",
    re.IGNORECASE,
)
# Writers of XHTML and XSLT wrap texts so; to a parser of HTML it is a comment that ends with the first ">".
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_NO_STYLE = re.compile(r"<!--|-->|/\*.*?\*/", re.DOTALL)
_PASSWORD = re.compile(r"<input[^>]*type\s*=\s*['\"]?password", re.IGNORECASE)
_LOGIN = re.compile(r"đăng nhập|login|sign in", re.IGNORECASE)
_SESSION_OVER = "đây là trang đăng nhập, không phải dữ liệu (phiên làm việc đã hết hạn khi tải); hãy đăng nhập và xuất lại"
# Forms to log in are laid out in tables of two or three columns; no list is that narrow.
_FEWEST_OF_LIST = 4
_COUNT = re.compile(r"[ \t\n\f\r]*\+?([0-9]{1,9})")
_MOST_COLUMNS, _MOST_ROWS = 1_000, 65_534  # as browsers have it
_NO_END = 1 << 31  # rowspan="0": as far as the row group goes
# A list's headings are looked for in the first 60 rows: a long menu above it must not hide them.
_MOST_LINES_ABOVE = 30
_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead ul".split()
)
_NEVER_SHOWN = frozenset("head iframe noscript object script style svg template title".split())
# What tables for the screen keep in a cell to sort by ('<span style="display:none">20240220</span>20/02/2024').
_HIDDEN = re.compile(r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
# Excel saves a page with the number of each cell beside what it shows (x:num="45325.34375"). Of a date it may show less, or the month before the day, as the
# machine is set, or only that the column is too narrow; of an amount or a share it shows what is meant.
_SERIAL = re.compile(r"[1-9]\d{4}(?:\.\d+)?")
_SHOWN_DATE = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}(?!\d)|#+$")
# Fields by type: those that say yes by a tick, and those whose value is nothing that the table says.
_TICKED = frozenset(("checkbox", "radio"))
_WITHOUT_VALUE = frozenset(("hidden", "password", "button", "submit", "reset", "image", "file"))
_NO_TEXT = _NEVER_SHOWN | {"select", "textarea"}
_HEAD = 1 << 12
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_CHARSETS = {
    b"utf-8": "utf-8",
    b"utf8": "utf-8",
    b"windows-1252": "cp1252",
    b"iso-8859-1": "cp1252",
    b"us-ascii": "cp1252",
    b"windows-1258": "cp1258",
}
# Before the name of a font, not within the name of a site ("xa.gov.vn"); pages also name fonts that they do not use, so that it takes a
# letter of TCVN3 behind another letter, too: in the other charsets these bytes are signs.
_TCVN3_NAMED = re.compile(rb"[\s\"':=,;]\.vn[a-z]", re.IGNORECASE)
_TCVN3_WRITTEN = re.compile(rb"[A-Za-z][\xa8-\xae\xb5-\xb9]")
# No Vietnamese text has these letters; they are what đ and the tilde of Windows-1258 become where it is taken for Windows-1252.
_NOT_WESTERN = re.compile("[ðÞ]")
# Shorter pages are parsed whole at once.
FEWEST_CHARACTERS = 1 << 16


def decode(data: bytes) -> str:
    """The text of a page: UTF-8 if it is that, else as the page declares unless its bytes speak against it.

    The text of TCVN3 fonts is stored as Windows-1252, also where nothing or something else is declared.

    Raises:
        UnreadableExport: the bytes are not text.
    """
    if b"\x00" in data[:_HEAD]:
        return delimited.decode(data)
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    declared = _DECLARED.search(data, 0, _HEAD)
    charset = _CHARSETS.get(declared[1].lower()) if declared else None
    is_tcvn3 = bool(_TCVN3_NAMED.search(data) and _TCVN3_WRITTEN.search(data))
    for name in filter(None, (charset, "cp1252" if is_tcvn3 else None)):
        text = data.decode(name, errors="replace")
        # A page cut in the middle of a character loses that character, not its charset.
        if text.count("\ufffd") <= max(2, len(text) // 1000) and (is_tcvn3 or name != "cp1252" or not _NOT_WESTERN.search(text)):
            return text
    return delimited.decode(data)


def read(text: str) -> list[Sheet]:
    """One sheet with all tables of the page one below the other, as Excel shows it; lines of text between tables count as rows.

    A cell that spans several keeps its text in the first one only; the others are blank, and the sheet knows which were merged downwards. A table in a cell of a narrower row, which only
    lays out the page, is read as if it stood outside; any other table in a cell is text of that cell.

    Raises:
        UnreadableExport: the page has no table; most often it is the login page of a session that had run out.
    """
    if re.search(r"<(?:\w+:)?Workbook\b", text[:4096]):
        raise UnreadableExport("đây là tệp 'XML Spreadsheet 2003'; hãy mở bằng Excel và lưu lại dạng .xlsx")
    if "<![CDATA[" in text:
        text = _CDATA.sub(lambda found: f"<noscript>{escape(found[1], quote=False)}</noscript>", text)  # only some programs show it
    sheet = _read_page(text)
    sheet.ends_open = _ends_within_table(text)
    return [sheet]


def _ends_within_table(text: str) -> bool:
    """Whether the end of a table is missing and that of the page, too: with the latter, somebody only forgot the former."""
    text = text.lower()
    end = text[text.rfind("<tr") :]
    return text.count("<table") > text.count("</table") and "</body" not in end and "</html" not in end


def _read_page(text: str) -> Sheet:
    if len(text) >= FEWEST_CHARACTERS:
        try:
            return _read_by_columns(text)
        except (NotPlain, UnreadableExport):  # what is wrong is said of the whole page
            pass
    fonts = _class_fonts(text) if ".vn" in text.lower() or "vntime" in text.lower() else None
    rows, merged = _read_rows(text, fonts)
    sheet = sheet_from_rows("", rows)
    sheet.merged = merged
    return sheet


def _read_by_columns(text: str) -> Sheet:
    cut = cut_out(text)
    fonts = _class_fonts(cut.rest) if cut.names_tcvn3 else None
    return cut.join(*_read_rows(cut.rest, fonts), lambda page: _read_rows(page, fonts)[0])


def _read_rows(text: str, tcvn3: dict[str, str] | None) -> tuple[Rows, Merged]:
    """Every row of a page, also where it stands outside of tables, and the cells merged downwards; see `read`.

    Args:
        text: the page.
        tcvn3: fonts of its style sheet, where one of all its fonts may be a TCVN3 font.
    """
    try:
        root = lxml_html.document_fromstring(
            re.sub(r"^\s*<\?xml[^>]*\?>", "", text), parser=lxml_html.HTMLParser(huge_tree=True, no_network=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableExport("trang HTML bị hỏng; hãy xuất lại") from error
    rows, merged = _rows(root, tcvn3)
    if _PASSWORD.search(text) and not any(sum(cell is not None for cell in row) >= _FEWEST_OF_LIST for row in rows):
        raise UnreadableExport(_SESSION_OVER)
    if not root.xpath("//tr"):
        if _LOGIN.search(text):
            raise UnreadableExport(_SESSION_OVER)
        raise UnreadableExport("trang HTML không có bảng nào; hãy xuất lại")
    return rows, merged


def _rows(root: Any, tcvn3: dict[str, str] | None) -> tuple[Rows, Merged]:
    rows: Rows = []
    merged: Merged = []
    line: list[str] = []
    lines = 0  # rows of text since the last row of a table
    group: Any = None
    above = _Above(merged)
    layout = _layout_rows(root)

    def end_line() -> None:
        nonlocal lines
        text = "".join(line).strip()
        line.clear()
        if text:
            rows.append([text])
            lines += 1

    def add(text: str | None, around: Any) -> None:
        if text and around is not None and around.tag != "tr":
            line.append(text if tcvn3 is None else _decode_font(text, (around, *around.iterancestors()), tcvn3))

    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if node.tag == "tr":
                end_line()
                if node in layout:
                    continue
                walk.skip_subtree()
                if lines > _MOST_LINES_ABOVE:
                    del rows[-lines:-_MOST_LINES_ABOVE]
                lines = 0
                if node.getparent() is not group:
                    group, above = node.getparent(), _Above(merged)
                rows.append(above.place(node, len(rows) + 1, tcvn3))
                continue
            if node.tag in _NO_TEXT:
                walk.skip_subtree()
                continue
            if node.tag in _BLOCKS:
                end_line()
            add(node.text, node)
            continue
        if node.tag in _BLOCKS:
            end_line()
        add(node.tail, node.getparent())
    end_line()
    return rows, merged


def _layout_rows(root: Any) -> set[Any]:
    """The rows that have a table in a cell which is wider than themselves: they only lay out the page."""
    # None counts as narrower than two: that is how wide a mark in the place of plain rows is.
    widest: dict[Any, int] = {}
    for table in reversed(list(root.iter("table"))):
        around = next(table.iterancestors("tr"), None)
        if around is not None:
            own = table.xpath("tr|*/tr")
            widest[around] = max(widest.get(around, 2), 2, *(max(_width(row), widest.get(row, 2)) for row in own))
    return {row for row, inside in widest.items() if inside > _width(row)}


def _width(row: Any) -> int:
    return sum(_span(cell, "colspan") for cell in row.iterchildren("td", "th"))


class _Above:
    """Cells of one row group (thead, tbody, tfoot) that go on into the rows below; none goes on into the next group.

    Args:
        merged: takes note of each such cell of one column, over the rows that there are.
    """

    def __init__(self, merged: Merged) -> None:
        self._merged = merged
        self._noted: dict[int, int] = {}  # column -> place in merged of the cell that covers it
        self._spans: dict[int, int] = {}  # column -> rows below that are still covered
        self._alone = 0  # columns that go on below a cell which was alone in its row

    def place(self, row: Any, number: int, tcvn3: dict[str, str] | None) -> list[str | None]:
        """The cells of the next row, each in its column.

        Args:
            row: its element.
            number: its number in the sheet.
            tcvn3: see `_read_rows`.
        """
        # A title that claims the row below although this is full: the row it was to go on into was never written. No mark is so wide.
        if self._alone and 2 < _width(row) < 2 * self._alone:
            self._spans, self._noted = {}, {}
        spans = self._spans
        cells: list[str | None] = []
        count = 0
        for cell in row.iterchildren("td", "th"):
            while spans.get(len(cells), 0):
                self._go_on(len(cells), number)
                cells.append(None)
            column = len(cells)
            width = _span(cell, "colspan")
            height = _span(cell, "rowspan")
            cells.append(_cell_text(cell, tcvn3))
            cells.extend([None] * (width - 1))
            if height > 1:
                spans.update(dict.fromkeys(range(column, column + width), height - 1))
                self._noted = {c: place for c, place in self._noted.items() if not column <= c < column + width}
                if width == 1:
                    self._noted[column] = len(self._merged)
                    self._merged.append((column, number, number))
            count += 1
        if count:
            self._alone = width if count == 1 and height > 1 else 0
        for column in sorted(c for c, left in spans.items() if left and c >= len(cells)):
            cells.extend([None] * (column - len(cells) + 1))
            self._go_on(column, number)
        return cells

    def _go_on(self, column: int, number: int) -> None:
        self._spans[column] -= 1
        if column in self._noted:
            self._merged[self._noted[column]] = (column, self._merged[self._noted[column]][1], number)
            if not self._spans[column]:
                del self._noted[column]


def _class_fonts(text: str) -> dict[str, str]:
    """Fonts that the page's style sheet gives to classes (".xl60") and elements ("td")."""
    sheets = " ".join(re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL | re.IGNORECASE))
    rules = re.findall(r"([\w.,\s-]+)\{([^}]*)\}", _NO_STYLE.sub(" ", sheets))
    fonts = {}
    for selectors, body in rules:
        font = _FONT.search(body)
        if font:
            fonts.update(dict.fromkeys((selector.strip().lower() for selector in selectors.split(",")), font[1].strip()))
    return fonts


def _font(node: Any, class_fonts: dict[str, str]) -> str | None:
    """The font an element sets: by itself, by its class, or by its kind."""
    styled = _FONT.search(node.get("style") or "")
    if styled:
        return str(styled[1]).strip()
    if node.get("face"):
        return str(node.get("face"))
    classes = [f".{name.lower()}" for name in (node.get("class") or "").split()]
    tagged = [f"{node.tag}{name}" for name in classes]
    return next((class_fonts[name] for name in (*tagged, *classes, str(node.tag)) if name in class_fonts), None)


def _span(cell: Any, name: str) -> int:
    said = cell.get(name)
    found = _COUNT.match(said) if said else None
    count = int(found[1]) if found else 1
    if name == "colspan":
        return min(max(count, 1), _MOST_COLUMNS)
    return min(count, _MOST_ROWS) if count else _NO_END


def _cell_text(cell: Any, tcvn3: dict[str, str] | None) -> str | None:
    text = "".join(_shown_texts(cell)) if len(cell) else cell.text
    number = cell.get("x:num")
    if number and text and _SERIAL.fullmatch(number) and _SHOWN_DATE.match(text.strip()):
        return str(number)
    if tcvn3 is not None and text:
        return _decode_font(text, (*cell.iterdescendants(), cell, *cell.iterancestors()), tcvn3)
    return text or None


def _shown_texts(cell: Any) -> list[str]:
    """The texts that a cell shows, with a line break where one is seen: a date and its time may stand in blocks of their own.

    What its fields show counts where nothing else stands there: a box to choose the row with is no part of the code beside it. So does what only some
    programs show, CDATA and what stands there for want of scripts.
    """
    texts: list[str] = []
    fields: list[str] = []

    def add(text: str | None) -> None:
        if text:
            texts.append(text)

    def end_line() -> None:
        if texts and texts[-1] != "\n":
            texts.append("\n")

    walk = etree.iterwalk(cell, events=("start", "end", "comment", "pi"))
    next(walk)
    add(cell.text)
    for event, node in walk:
        if node is cell:
            break
        if event != "start":
            if node.tag in _BLOCKS and node.tag != "br" and node.tail:
                end_line()
            add(node.tail)
        elif node.tag == "noscript":
            walk.skip_subtree()
            fields.append("".join(_shown_texts(node)))
        elif node.tag in _NEVER_SHOWN or node.get("hidden") is not None or _HIDDEN.search(node.get("style") or ""):
            walk.skip_subtree()
        elif node.tag in ("input", "select"):
            walk.skip_subtree()
            fields.append(_field_value(node) or "")
        elif node.tag == "br":
            add("\n")
        else:
            if node.tag in _BLOCKS:
                end_line()
            add(node.text)
    if fields and not "".join(texts).strip():
        return [" ".join(filter(None, fields))]
    return texts


def _field_value(field: Any) -> str | None:
    """What a field shows that a page to fill in left in its table; grids of web systems keep yes and no as boxes to tick."""
    if field.tag == "select":
        options = field.xpath(".//option")
        chosen = next((option for option in options if option.get("selected") is not None), options[0] if options else None)
        return None if chosen is None else "".join(chosen.itertext())
    kind = (field.get("type") or "text").strip().lower()
    if kind in _TICKED:
        return "x" if field.get("checked") is not None else None
    return None if kind in _WITHOUT_VALUE else field.get("value")


def _decode_font(text: str, nodes: Iterable[Any], tcvn3: dict[str, str]) -> str:
    """The text as the first of the elements that sets a font shows it."""
    font = next((font for node in nodes if (font := _font(node, tcvn3))), None)
    return decode_tcvn3(text, font) if font and is_tcvn3_font(font) else text
