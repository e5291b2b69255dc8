"""Where on a sheet one table ends and the next begins; each is read by its own headings and titles.

Offices put one list below the other: fees below dossiers, the same list of another unit with its columns in another order, a form for each
quarter. Read by the headings of the first, the rows of the second would be refused or, where the columns are dates, taken for other dates.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from transforms.case_codes import CASE_CODE
from transforms.layouts.lists import PATH_SEPARATOR, Kind, LayoutLists
from transforms.layouts.search import HEADER_ROWS, Layout, LayoutProblem, find_layout
from transforms.sheets import Sheet
from transforms.text import clean, heading_key
from transforms.titles import find_period

# A table has as many columns at least; titles, signatures and counts below a table fill fewer cells of a row.
FEWEST_CELLS = 4
_LONGEST_HEADING = 80
_LOOK_BELOW = 10  # more headings, "(1)(2)(3)" and a section may stand between
# No row further below the first headings of a table decides whether there is one.
LOOKED_AT_BELOW = 2 * HEADER_ROWS + _LOOK_BELOW
_WELL_FORMED = re.compile(CASE_CODE, re.IGNORECASE)


@dataclass(frozen=True)
class TableStart:
    """Where a table begins: the first row of its titles and the first of its headings, counted from 0 within the sheet's rows."""

    titles: int
    headings: int


def key_headings(lists: LayoutLists, kind: Kind | None = None) -> frozenset[str]:
    """Keys of the headings, of one kind or of any, of the column that identifies a row: every table has one of them."""
    return frozenset(
        heading.rpartition(PATH_SEPARATOR)[2]
        for one in ([kind] if kind else lists.kinds.values())
        for heading, column in lists.headings[one.name].items()
        if column == one.key_column
    )


def may_be_headings(texts: Sequence[str], keys: Set[str]) -> bool:
    """Whether a row of these (cleaned, filled) cells can be the headings of a table of some kind."""
    return len(texts) >= FEWEST_CELLS and any(
        len(text) <= _LONGEST_HEADING and text[0].isalpha() and heading_key(text) in keys for text in texts
    )


def cut(sheet: Sheet, first: int, end: int | None = None) -> Sheet:
    """Some rows of a sheet, which keep their numbers; its cells in error are told with its first rows."""
    columns = [column.slice(first, None if end is None else end - first) for column in sheet.columns]
    return replace(sheet, columns=columns, first_row=sheet.first_row + first, error_cells=0 if first else sheet.error_cells)


def begins_with_table(sheet: Sheet, layout: Layout, lists: LayoutLists) -> bool:
    """Whether the rows above a table's headings may hold a table and not only titles."""
    keys = key_headings(lists)
    return any(may_be_headings([clean(text) for text in row if text and clean(text)], keys) for row in sheet.head(layout.first))


def table_start(sheet: Sheet, headings: int) -> TableStart:
    """The start of the table that has its headings at a row."""
    titles = headings
    while titles and sum(1 for text in _row(sheet, titles - 1) if text) < FEWEST_CELLS:
        titles -= 1
    return TableStart(titles, headings)


def find_next_table(sheet: Sheet, layout: Layout, rows: Sequence[int], lists: LayoutLists) -> TableStart | None:
    """Where the next table below a table begins.

    The same headings over the same columns, as printed on every page, go on with the table; but not below titles that name a period, where the
    kind has one: then they are another form.

    Args:
        sheet: the sheet.
        layout: the table's headings.
        rows: rows below them that can be headings (see `may_be_headings`), in their order.
        lists: headings of all kinds.
    """
    pages = _Pages(sheet, layout)
    for number, row in enumerate(rows):
        # What was printed on every page is known by all its rows: below the same groups, the columns may stand in another order.
        if row <= pages.last or (not layout.kind.has_period and pages.repeat_at(row)):
            continue
        above = max(row - HEADER_ROWS + 1, pages.last + 1)
        following = rows[number + 1] if number + 1 < len(rows) else sheet.height
        # Rows between are of data: only headings that follow at once can be of the same table.
        end = row + HEADER_ROWS if following == row + 1 else min(row + HEADER_ROWS, following)
        found = find_layout(cut(sheet, above, end), lists, among=row - above)
        if isinstance(found, LayoutProblem):
            problem = replace(found, first=above + found.first, last=above + found.last)
            next_table = next((below for below in rows[number + 1 :] if below > problem.last), None)
            # Headings of no kind that are those of the table as far as they are known are taken for a page of it.
            is_other = bool(problem.kind) or any(layout.columns.get(column, place) != place for column, place in problem.columns.items())
            if is_other and holds_rows(sheet, problem, lists, next_table):
                return table_start(sheet, problem.first)
        if isinstance(found, Layout):
            start = table_start(sheet, above + found.first)
            if (found.kind, found.columns, found.hours) != (layout.kind, layout.columns, layout.hours):
                return start
            if layout.kind.has_period and find_period([_row(sheet, title) for title in range(start.titles, start.headings)]):
                return start
            pages.add(above + found.first, above + found.last)
        pages.last = max(pages.last, row)
    return None


class _Pages:
    """Headings that go on with a table, as it repeats them; `last` is the last row of those met so far."""

    def __init__(self, sheet: Sheet, layout: Layout) -> None:
        self._sheet = sheet
        self._known: dict[tuple[str | None, ...], list[tuple[int, list[tuple[str | None, ...]]]]] = {}
        self.add(layout.first, layout.last)

    def add(self, first: int, last: int) -> None:
        texts = [_row(self._sheet, row) for row in range(first, last + 1)]
        for offset, text in enumerate(texts):
            self._known.setdefault(text, []).append((offset, texts))
        self.last = last

    def repeat_at(self, row: int) -> bool:
        """Whether a row is one of headings met before, which then count as met."""
        for offset, texts in self._known.get(_row(self._sheet, row), ()):
            first, end = row - offset, row - offset + len(texts)
            if first > self.last and end <= self._sheet.height and texts == [_row(self._sheet, at) for at in range(first, end)]:
                self.last = end - 1
                return True
        return False


def holds_rows(sheet: Sheet, problem: LayoutProblem, lists: LayoutLists, end: int | None = None) -> bool:
    """Whether rows of a table that cannot be read stand below its headings; a legend that names a few columns has none.

    Args:
        sheet: the sheet.
        problem: what is wrong with the table.
        lists: export kinds.
        end: the row where the next table begins; None where none does.
    """
    last = min(problem.last + _LOOK_BELOW, sheet.height, sheet.height if end is None else end)
    below = [[text for text in _row(sheet, at) if text] for at in range(problem.last + 1, last)]
    rows = [row for row in below if len(row) >= FEWEST_CELLS]
    if problem.kind and lists.kinds[problem.kind].key_column != "case_code":
        return bool(rows)
    return any(_WELL_FORMED.match(text) for row in rows for text in row)


def _row(sheet: Sheet, number: int) -> tuple[str | None, ...]:
    cells = (column[number].as_py() for column in sheet.columns)
    return tuple(clean(cell) or None if cell else None for cell in cells)
