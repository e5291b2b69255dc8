"""Exports made of markup: HTML tables saved as .xls, and OpenDocument spreadsheets."""

import zipfile
from collections.abc import Iterable
from html import escape
from pathlib import Path

from flows.sample.forms import Cell, Form, Row, member, plain_number, serial_moment

_HTML_TOP = "<html xmlns:x='urn:schemas-microsoft-com:office:excel'><head><meta charset='utf-8'></head><body><table border='1'>\n"
_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_MANIFEST = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
_ODS_NAMES = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "text", "table"))
_ODS_TOP = (
    f"<?xml version='1.0' encoding='UTF-8'?>\n<office:document-content {_ODS_NAMES} office:version=\"1.2\">"
    '<office:body><office:spreadsheet><table:table table:name="{name}">'
)
_ODS_END = "</table:table></office:spreadsheet></office:body></office:document-content>"


class HtmlFile:
    """A page with one table, which systems hand out under the name .xls."""

    def __init__(self, path: Path, form: Form) -> None:
        """Opens the page and writes titles and header, with their spans."""
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._kinds = form.kinds
        self._width = len(form.kinds)
        self._file.write(_HTML_TOP)
        for title in filter(None, form.titles):
            self._file.write(f"<tr><td colspan='{self._width}'><b>{escape(title)}</b></td></tr>\n")
        spans = {(r, c): (rows, columns) for r, c, rows, columns in form.spans}
        covered = {(r + i, c + j) for (r, c), (rows, columns) in spans.items() for i in range(rows) for j in range(columns)}
        for r, headings in enumerate(form.header):
            cells = []
            for c, heading in enumerate(headings):
                rows, columns = spans.get((r, c), (1, 1))
                if (r, c) in spans or (r, c) not in covered:
                    cells.append(f"<th rowspan='{rows}' colspan='{columns}'>{escape(heading)}</th>")
            self._file.write(f"<tr>{''.join(cells)}</tr>\n")

    def add(self, rows: Iterable[Row]) -> None:
        """Writes rows; blank cells hold a hard space, as browsers want it."""
        for row in rows:
            if len(row) == 1:
                self._file.write(f"<tr><td colspan='{self._width}'>{escape(str(row[0]))}</td></tr>\n")
                continue
            texts = (c if isinstance(c, str) else plain_number(c) for c in row)
            self._file.write("<tr>" + "".join(f"<td>{escape(t) or '&nbsp;'}</td>" for t in texts) + "</tr>\n")

    def close(self, footers: Iterable[Row] = ()) -> None:
        """Writes the footers and ends the page."""
        self.add(footers)
        self._file.write("</table></body></html>\n")
        self._file.close()


class OdsFile:
    """An OpenDocument spreadsheet; runs of blank cells are folded, as office programs do."""

    def __init__(self, path: Path, form: Form) -> None:
        """Starts the document and writes titles and header."""
        self._path = path
        self._kinds = form.kinds
        self._parts = [_ODS_TOP.format(name=escape(form.name))]
        self.add([(t,) for t in form.titles])
        self.add(form.header)

    def add(self, rows: Iterable[Row]) -> None:
        """Writes rows; numbers in date columns become date cells."""
        for row in rows:
            self._parts.append("<table:table-row>")
            blanks = 0
            for c, cell in enumerate(row):
                if cell == "":
                    blanks += 1
                    continue
                self._fold(blanks)
                blanks = 0
                self._parts.append(_ods_cell(cell, self._kinds[c]))
            self._fold(blanks)
            self._parts.append("</table:table-row>")

    def _fold(self, blanks: int) -> None:
        if blanks:
            self._parts.append(f'<table:table-cell table:number-columns-repeated="{blanks}"/>')

    def close(self, footers: Iterable[Row] = ()) -> None:
        """Writes the footers and packs the document."""
        self.add(footers)
        kind = member("mimetype")
        # The first member tells the type and must not be compressed.
        kind.compress_type = zipfile.ZIP_STORED
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr(kind, _ODS_TYPE)
            book.writestr(member("content.xml"), "".join(self._parts) + _ODS_END)
            book.writestr(member("META-INF/manifest.xml"), _ODS_MANIFEST)


def _ods_cell(cell: Cell, kind: str) -> str:
    if isinstance(cell, str):
        return f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
    if kind == "date":
        moment = serial_moment(cell)
        return (
            f'<table:table-cell office:value-type="date" office:date-value="{moment:%Y-%m-%dT%H:%M:%S}">'
            f"<text:p>{moment:%d/%m/%Y %H:%M}</text:p></table:table-cell>"
        )
    text = plain_number(cell)
    return f'<table:table-cell office:value-type="float" office:value="{text}"><text:p>{text}</text:p></table:table-cell>'
