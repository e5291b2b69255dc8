"""HTML tables saved under an Excel name: what most one-stop systems call "Xuất Excel"."""

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from transforms.readers.plain_rows import NotPlain, cut_out
from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows
from transforms.text import decode_tcvn3, is_tcvn3_font

_FONT = re.compile(r"font-family\s*:\s*['\"]?([^;'\",]+)", re.IGNORECASE)
_PASSWORD = re.compile(r"<input[^>]*type\s*=\s*['\"]?password", re.IGNORECASE)
_LOGIN = re.compile(r"đăng nhập|login|sign in", re.IGNORECASE)
_SESSION_OVER = "đây là trang đăng nhập, không phải dữ liệu (phiên làm việc đã hết hạn khi tải); hãy đăng nhập và xuất lại"
_MAX_SPAN = 1_000
# Shorter pages are parsed whole at once.
FEWEST_CHARACTERS = 1 << 16


def read(text: str) -> list[Sheet]:
    """One sheet with all tables of the page one below the other, as Excel shows it; lines of text between tables count as rows.

    A cell that spans several keeps its text in the first one only; the others are blank.

    Raises:
        UnreadableExport: the page has no table; most often it is the login page of a session that had run out.
    """
    if re.search(r"<(?:\w+:)?Workbook\b", text[:4096]):
        raise UnreadableExport("đây là tệp 'XML Spreadsheet 2003'; hãy mở bằng Excel và lưu lại dạng .xlsx")
    if len(text) >= FEWEST_CHARACTERS:
        try:
            return [_read_by_columns(text)]
        except (NotPlain, UnreadableExport):  # what is wrong is said of the whole page
            pass
    fonts = _class_fonts(text) if ".vn" in text.lower() or "vntime" in text.lower() else None
    return [sheet_from_rows("", _read_rows(text, fonts))]


def _read_by_columns(text: str) -> Sheet:
    cut = cut_out(text)
    fonts = _class_fonts(cut.rest) if cut.names_tcvn3 else None
    return cut.join(_read_rows(cut.rest, fonts), lambda page: _read_rows(page, fonts))


def _read_rows(text: str, tcvn3: dict[str, str] | None) -> list[list[str | None]]:
    """Every row of a page, also where it stands outside of tables; see `read`.

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
    if _PASSWORD.search(text):
        raise UnreadableExport(_SESSION_OVER)
    rows = _rows(root, tcvn3)
    if not root.xpath("//tr"):
        if _LOGIN.search(text):
            raise UnreadableExport(_SESSION_OVER)
        raise UnreadableExport("trang HTML không có bảng nào; hãy xuất lại")
    return rows


def _rows(root: Any, tcvn3: dict[str, str] | None) -> list[list[str | None]]:
    rows: list[list[str | None]] = []
    spans: dict[int, int] = {}  # column -> rows below that a cell above still covers
    table: Any = None
    for node in root.iter("tr", "p", "div", "h1", "h2", "h3", "h4", "center", "caption"):
        if node.tag != "tr":
            outside = next(node.iterancestors("td", "th", "tr"), None) is None
            own = (node.text or "").strip() or any(
                (child.tail or "").strip() or child.tag in ("b", "i", "u", "span", "font", "strong") for child in node
            )
            if outside and own and next(node.iterdescendants("table"), None) is None:
                rows.append(["".join(node.itertext()).strip() or None])
            continue
        if next(node.iterancestors("td", "th"), None) is not None:
            continue  # a table inside a cell belongs to that cell's text
        owner = next(node.iterancestors("table"), None)
        if owner is not table:
            table, spans = owner, {}
        cells: list[str | None] = []
        for cell in node.iterchildren("td", "th"):
            while spans.get(len(cells), 0):
                spans[len(cells)] -= 1
                cells.append(None)
            column = len(cells)
            width = _span(cell, "colspan")
            height = _span(cell, "rowspan")
            cells.append(_cell_text(cell, tcvn3))
            cells.extend([None] * (width - 1))
            if height > 1:
                spans.update(dict.fromkeys(range(column, column + width), height - 1))
        for column in sorted(c for c, left in spans.items() if left and c >= len(cells)):
            cells.extend([None] * (column - len(cells) + 1))
            spans[column] -= 1
        rows.append(cells)
    return rows


def _class_fonts(text: str) -> dict[str, str]:
    """Fonts that the page's style sheet gives to classes (".xl60") and elements ("td")."""
    rules = re.findall(r"([\w.,\s-]+)\{([^}]*)\}", " ".join(re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL | re.IGNORECASE)))
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
    value = (cell.get(name) or "1").strip()
    return min(max(int(value), 1), _MAX_SPAN) if value.isdigit() else 1


def _cell_text(cell: Any, tcvn3: dict[str, str] | None) -> str | None:
    if len(cell) == 0:
        text = cell.text or ""
    else:
        for line_break in cell.iter("br"):
            line_break.text = "\n"  # the text behind it may hold control characters, which lxml gives but does not take back
        text = "".join(cell.itertext())
    if tcvn3 is not None and text:
        for node in (*cell.iterdescendants(), cell, *cell.iterancestors("tr", "tbody", "table", "body")):
            font = _font(node, tcvn3)
            if font:
                return decode_tcvn3(text, font) if is_tcvn3_font(font) else text
    return text or None
