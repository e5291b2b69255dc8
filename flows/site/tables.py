"""What a table on a page is: columns that know how they sort, cells that know their sign, link and sort value. Templates only draw them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup, escape

from flows.figures import Rate
from transforms.wording import STATUS_VI, count_vi, moment_vi, percent_vi, unbroken

_CLASSES = {"text": "", "long": "long", "code": "code", "number": "num", "date": "day"}
SIGNS = {"met": "✓", "missed": "✗", "no_data": "–", "no_target": "", "above": "▲", "below": "▼", "warn": "!", "stale": "⏱"}


@dataclass(frozen=True)
class Column:
    """A heading; `kind` is text, long (sentences), code (text that is never broken), number or date; numbers and dates sort by the cells' sort values."""

    label: str
    kind: str = "text"
    is_wide: bool = False

    @property
    def css(self) -> str:
        """The class of its cells."""
        return _CLASSES[self.kind]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        sort: what it sorts by where that is not its text; None with `is_empty` sorts last in both directions.
        tone: a key of SIGNS; its sign stands before the text, so that nothing is told by colour alone.
        sub: a second, smaller line.
        href: where its text leads, always relative and made by this package.
    """

    text: str
    sort: float | str | None = None
    tone: str = ""
    sub: str = ""
    href: str | None = None
    is_empty: bool = False

    @property
    def sign(self) -> str:
        """The sign of its tone."""
        return SIGNS.get(self.tone, "")


@dataclass(frozen=True)
class Table:
    """A table with a caption; `is_searchable` gives it a search field, `is_wide` small print on paper, and a landscape page where it has many columns."""

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    is_searchable: bool = False
    is_wide: bool = False
    empty: str = "Không có."
    search_label: str = "Tìm trong bảng"


def draw_rows(table: Table) -> Markup:
    """The table's rows in HTML, every text escaped. Not a template, because pages hold thousands of cells and a template takes some ten calls for each."""
    css = [column.css for column in table.columns]
    return Markup("\n".join("<tr>\n" + _draw_row(row, css) + "</tr>" for row in table.rows))


# Most texts have nothing to escape, and to ask that is quicker than to escape them.
_SPECIAL = re.compile("[&<>'\"]")


def _escaped(shown: object) -> str:
    spoken = str(shown)
    return escape(spoken) if _SPECIAL.search(spoken) else spoken


def _draw_row(row: Sequence[Cell], css: Sequence[str]) -> str:
    drawn = []
    for place, (cell, kind) in enumerate(zip(row, css, strict=True)):
        shown = _escaped(unbroken(cell.text))
        if cell.href:
            shown = f'<a href="{_escaped(cell.href)}">{shown}</a>'
        tone = cell.tone
        if tone and cell.sign:
            shown = f'<span class="sign">{cell.sign}</span> {shown}'
        if cell.sub:
            shown = f"{shown}<small>{_escaped(unbroken(cell.sub))}</small>"
        attributes = f' class="{kind}{" t-" + tone if tone else ""}"' if kind or tone else ""
        if cell.is_empty:
            attributes += ' data-sort="∅"'
        elif cell.sort is not None:
            attributes += f' data-sort="{_escaped(cell.sort)}"'
        drawn.append(f"<td{attributes}>{shown}</td>\n" if place else f'<th scope="row"{attributes}>{shown}</th>\n')
    return "".join(drawn)


def text(value: object, **more: str | None) -> Cell:
    """A cell of words; empty, and sorted last, for None and for no words."""
    shown = "" if value is None else str(value)
    return Cell(shown, is_empty=not shown, **more)  # type: ignore[arg-type]


def number(value: float | None, shown: str | None = None) -> Cell:
    """A cell of a count; empty, and sorted last, for None."""
    if value is None:
        return Cell("", is_empty=True)
    return Cell(shown if shown is not None else f"{value:,}".replace(",", "."), sort=value)


def moment(value: datetime | date | None) -> Cell:
    """A day, or a day with its hour, that sorts by time."""
    if value is None:
        return Cell("", is_empty=True)
    day = f"{value.year:04}{value.month:02}{value.day:02}"  # strftime takes four times as long
    if isinstance(value, datetime):
        return Cell(moment_vi(value), sort=f"{day}{value.hour:02}{value.minute:02}")
    return Cell(f"{value:%d/%m/%Y}", sort=f"{day}0000")


def tone_of(found: Rate) -> str:
    """The tone of a rate's result; by old data a target is not known to be met."""
    return "stale" if found.is_stale and found.status == "met" else found.status


def rate(found: Rate | None, *, with_counts: bool = True, tone: str | None = None, sub: str = "") -> Cell:
    """A rate with the counts it is made of; `tone` is its status unless given. Nothing to be counted is a dash, sorted last."""
    if found is None or not found.denominator:
        return Cell("–", is_empty=True, sub=STATUS_VI["no_data"] if found and with_counts else "")
    counts = f"{count_vi(found.numerator)}/{count_vi(found.denominator)}" if with_counts else ""
    shown = percent_vi(found.numerator, found.denominator, found.target)
    return Cell(
        shown,
        sort=round(found.numerator / found.denominator, 8),
        tone=tone_of(found) if tone is None else tone,
        sub=" · ".join(part for part in (counts, sub) if part),
    )
