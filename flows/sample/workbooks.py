"""Excel workbooks: .xlsx, in constant memory when they are large, and the old BIFF .xls."""

import re
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import xlsxwriter
import xlwt

from flows.sample.forms import Form, Row, member

_DATE_FORMAT = "dd/mm/yyyy hh:mm"
# Workbooks keep the moment they were made; a fixed one keeps the bytes the same.
_CREATED = datetime(2024, 1, 1)


class XlsxFile:
    """An .xlsx workbook with one sheet of data.

    Text cells are inline when the file is streamed and shared strings otherwise, so that readers meet both.
    """

    def __init__(
        self,
        path: Path,
        form: Form,
        *,
        is_streamed: bool = False,
        font: str = "",
        guide: tuple[str, ...] = (),
    ) -> None:
        """Opens the workbook and writes titles and header.

        Args:
            path: Where to.
            form: Titles, headings and kinds of columns.
            is_streamed: Keep no row in memory; vertical merges are impossible then.
            font: Font of the cells of data, e.g. ``.VnTime``.
            guide: Lines of a sheet that stands before the data.
        """
        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": is_streamed, "strings_to_urls": False})
        self._book.set_properties({"created": _CREATED})
        self._form = form
        if guide:
            sheet = self._book.add_worksheet("Hướng dẫn")
            for i, line in enumerate(guide):
                sheet.write_string(i, 0, line)
        self._sheet = self._book.add_worksheet(form.name)
        self._text = self._book.add_format({"font_name": font}) if font else None
        date = self._book.add_format({"num_format": _DATE_FORMAT})
        self._formats = [date if kind == "date" else None for kind in form.kinds]
        self._row = 0
        self._write_top()

    def _write_top(self) -> None:
        width = len(self._form.kinds)
        for title in self._form.titles:
            if title:
                self._sheet.merge_range(self._row, 0, self._row, width - 1, title)
            self._row += 1
        for i, headings in enumerate(self._form.header):
            for c, heading in enumerate(headings):
                if heading:
                    self._sheet.write_string(self._row + i, c, heading)
        for r, c, rows, columns in self._form.spans:
            top = self._row + r
            self._sheet.merge_range(top, c, top + rows - 1, c + columns - 1, self._form.header[r][c])
        self._row += len(self._form.header)

    def add(self, rows: Iterable[Row]) -> None:
        """Writes rows; numbers take the format of their column."""
        write_string, write_number = self._sheet.write_string, self._sheet.write_number
        text, formats, r = self._text, self._formats, self._row
        for row in rows:
            for c, cell in enumerate(row):
                if isinstance(cell, str):
                    if cell:
                        write_string(r, c, cell, text)
                else:
                    write_number(r, c, cell, formats[c])
            r += 1
        self._row = r

    def close(self, footers: Iterable[Row] = (), hidden: Iterable[Row] = ()) -> None:
        """Writes the footers and saves.

        Args:
            footers: Rows below the data.
            hidden: Rows of a hidden sheet behind the data, under the same headings.
        """
        for row in footers:
            for c, cell in enumerate(row):
                if cell:
                    self._sheet.write_string(self._row, c, str(cell))
            self._row += 1
        rows = list(hidden)
        if rows:
            self._sheet.activate()
            self._sheet = self._book.add_worksheet("nhap")
            self._sheet.hide()
            self._row = 0
            self.add([*self._form.header, *rows])
        self._book.close()


class XlsFile:
    """A BIFF .xls workbook; kept in memory, so for small files only."""

    def __init__(self, path: Path, form: Form) -> None:
        """Starts the workbook and writes titles and header."""
        self._path = path
        self._book = xlwt.Workbook()
        self._sheet = self._book.add_sheet(form.name)
        self._plain = xlwt.XFStyle()
        date = xlwt.XFStyle()
        date.num_format_str = _DATE_FORMAT
        self._styles = [date if kind == "date" else self._plain for kind in form.kinds]
        self._row = 0
        self.add([(t,) for t in form.titles])
        self.add(form.header)

    def add(self, rows: Iterable[Row]) -> None:
        """Writes rows; numbers take the format of their column."""
        for row in rows:
            for c, cell in enumerate(row):
                if cell != "":
                    self._sheet.write(self._row, c, cell, self._plain if isinstance(cell, str) else self._styles[c])
            self._row += 1

    def close(self, footers: Iterable[Row] = ()) -> None:
        """Writes the footers and saves."""
        self.add(footers)
        self._book.save(str(self._path))


def spoil_dimension(path: Path) -> None:
    """Makes every sheet of a finished .xlsx claim that it has three columns and five rows."""
    with zipfile.ZipFile(path) as book:
        parts = [(name, book.read(name)) for name in book.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts:
            if name.startswith("xl/worksheets/"):
                data = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:C5"', data)
            book.writestr(member(name), data)
