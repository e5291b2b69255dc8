"""A workbook as the corpus describes it, before any container: cells with types, and for every data row what it must be read as."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

ANY = object()
"""A true value that nobody can say: whatever is read is right, as long as it names nobody."""


@dataclass(frozen=True)
class ErrorCell:
    """A cell that shows an error, "#N/A"."""

    text: str = "#N/A"


@dataclass(frozen=True)
class FormulaCell:
    """A formula that nobody has calculated: the file holds no value for it."""

    text: str = "=1/0"


Value = str | int | float | bool | datetime | ErrorCell | FormulaCell | None


@dataclass(frozen=True)
class Cell:
    """One cell; `down` and `right` say how many cells it is merged over, itself included."""

    value: Value = None
    font: str | None = None
    down: int = 1
    right: int = 1


@dataclass(frozen=True)
class Row:
    """One row of a sheet.

    Attributes:
        cells: from the first column on.
        truth: canonical column -> value as it must be read; None for a row that is no data.
        troubles: (reason, heading) of every trouble that must be found in it.
    """

    cells: tuple[Cell, ...] = ()
    truth: Mapping[str, object] | None = None
    troubles: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Page:
    """One sheet. A page without a kind is no data (a guide, a cover)."""

    name: str
    kind: str | None
    rows: tuple[Row, ...]
    state: str = "visible"

    def with_rows(self, rows: list[Row]) -> "Page":
        return replace(self, rows=tuple(rows))


@dataclass(frozen=True)
class Book:
    """A whole export: what is in it and what must be said about it."""

    pages: tuple[Page, ...]
    date1904: bool = False
    exported_at: datetime | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def page(self) -> Page:
        """The first page that holds data."""
        return next(page for page in self.pages if page.kind)

    def with_page(self, page: Page) -> "Book":
        """The same book with its first data page replaced."""
        old = self.page
        return replace(self, pages=tuple(page if p is old else p for p in self.pages))

    def warned(self, *texts: str) -> "Book":
        return replace(self, warnings=self.warnings + texts)


def text_row(*texts: Value, right: int = 1) -> Row:
    """A row that is no data; with `right`, its first cell is merged over so many columns."""
    return Row(tuple(Cell(text, right=right if number == 0 else 1) for number, text in enumerate(texts)))


def covered_cells(page: Page) -> set[tuple[int, int]]:
    """(row, column) from 0 of the cells that a merged cell above or left of them covers."""
    covered = set()
    for number, row in enumerate(page.rows):
        for column, cell in enumerate(row.cells):
            covered |= {(number + below, column + beside) for below in range(cell.down) for beside in range(cell.right) if below or beside}
    return covered
