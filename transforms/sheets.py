"""What every reader returns: a sheet of text cells that still knows where each cell stood."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

# What a cell holds whose formula nobody has calculated.
UNCALCULATED = "#?"


class UnreadableExport(Exception):
    """This file cannot be read as an export; the text says what was found and what to do, for an official to read."""


@dataclass
class Sheet:
    """One sheet (or one HTML page, or one text file) as text, nothing guessed.

    Attributes:
        name: the sheet's name; "" where the container has none.
        columns: one string column per table column, from the sheet's first column on; blank cells are null. All of one length.
        first_row: number of the first row as Excel counts (from 1); the rows below follow without a gap.
        hidden: the sheet is hidden in its workbook and so is not data.
        date1904: serial dates count from 1904 (old Macintosh workbooks), not from 1900.
        error_cells: how many cells held an error (#N/A) or a formula nobody had calculated; such a cell holds "#N/A" or "#?".
        merged: (column, first row, last row) of cells merged over rows of one column, counted from 0 and as Excel counts; only the first holds the text.
        widths: how many cells each row of a text file has, by its number; a workbook's and a page's rows have no width of their own.
        ends_open: the file may end within the sheet: no line end stands behind the last row of a text file, no end of the table on a page.
    """

    name: str
    columns: list[pa.Array] = field(default_factory=list)
    first_row: int = 1
    hidden: bool = False
    date1904: bool = False
    error_cells: int = 0
    merged: Sequence[tuple[int, int, int]] = ()
    widths: Sequence[int] = ()
    ends_open: bool = False

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def head(self, rows: int) -> list[list[str | None]]:
        """The first rows as Python lists, for finding titles and headings."""
        columns = [column.slice(0, rows).to_pylist() for column in self.columns]
        return [list(row) for row in zip(*columns, strict=True)]


def sheet_from_rows(name: str, rows: list[list[str | None]], *, first_row: int = 1, hidden: bool = False, date1904: bool = False) -> Sheet:
    """A sheet from rows of unequal length; short rows end in blank cells."""
    width = max((len(row) for row in rows), default=0)
    padded = [row if len(row) == width else row + [None] * (width - len(row)) for row in rows]
    columns = [pa.array(column, pa.string()) for column in zip(*padded, strict=True)]
    return Sheet(name, columns, first_row, hidden, date1904)
