"""An export whole: every table of every sheet read by its own headings, and when the export says it was made.

Mostly a sheet is one table. Offices also put one below the other, and systems go on with a long list on the next sheet without headings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.case_codes import parse_code_cells
from transforms.columns import find_filled
from transforms.layouts import (
    Kind,
    Layout,
    LayoutLists,
    LayoutProblem,
    begins_with_table,
    cut,
    find_layout,
    find_next_table,
    holds_rows,
    table_start,
)
from transforms.layouts.tables import FEWEST_CELLS, LOOKED_AT_BELOW, TableStart
from transforms.normalise import NormalisedSheet, normalise_sheet
from transforms.sheets import Sheet, UnreadableExport
from transforms.titles import find_export_time
from transforms.troubles import tell_cut

_TITLE_ROWS = 15
# Where there were two tables there may be hundreds: not every one is looked for through all rows that are left.
_NEXT_WITHIN = 250
# With all its digits, as no figure is written.
_PROCEDURE_IN_FULL = r"^\s*\d\.\d{6}(?:\.\d.*|\.H.*)?\s*$"
_FOOTER_ROWS = 60  # blank rows with borders may stand between the data and what is said below


@dataclass
class NormalisedExport:
    """What one export holds: its tables of data, in the order of the sheets and on each from top to bottom, when it says it was made, and what its readers should be told."""

    sheets: list[NormalisedSheet]
    exported_at: datetime | None
    warnings: list[str]
    skipped_sheets: list[str] = field(default_factory=list)


def normalise_export(sheets: Sequence[Sheet], lists: LayoutLists) -> NormalisedExport:
    """All data sheets of one file, read by the headings they have.

    Raises:
        UnreadableExport: no sheet has the headings of a known kind, a required heading is missing, or two headings claim one column.
    """
    done: list[NormalisedSheet] = []
    tables: list[_Table] = []  # those of them
    warnings: list[str] = []
    problems: list[str] = []
    doubts: list[tuple[str, _Table]] = []  # sheets with some known headings but of no kind: fatal only where their rows would vanish
    skipped: list[str] = []
    exported_at: datetime | None = None
    said_elsewhere: datetime | None = None  # by a cover, or by a guide, whose example must not overrule the list's own title
    visible = [sheet for sheet in sheets if not sheet.hidden]
    before: Layout | None = None  # of the last table of the sheet before
    hidden = [sheet.name for sheet in sheets if sheet.hidden]
    if hidden:
        warnings.append(f"bỏ qua trang ẩn: {', '.join(hidden)}")
    for sheet in visible:
        where = f"trang “{sheet.name}”: " if sheet.name and len(visible) > 1 else ""
        above, before = before, None
        for table in _read_tables(sheet, lists, above):
            layout, result = table.layout, table.result
            said_at = find_export_time(table.titles, date1904=sheet.date1904)
            has_data = False
            if isinstance(layout, LayoutProblem):
                text = (f"trang “{sheet.name}”: " if sheet.name else "") + layout.text
                if layout.kind:
                    problems.append(text)
                else:
                    doubts.append((text, table))
                skipped.append(sheet.name)
            elif layout is None or result is None:
                if sheet.height:
                    warnings.append(f"{where or 'tệp: '}không có dòng tiêu đề nào nhận ra được, bỏ qua")
                    skipped.append(sheet.name)
            else:
                has_data = result.rows.num_rows > 0
                if told := tell_cut(table.sheet, layout, result.rows["row_number"].to_numpy()):
                    text, is_certain = told
                    if is_certain:
                        raise UnreadableExport(
                            f"tệp bị cắt cụt: {text}; hãy tải lại hoặc xuất lại, lần nào cũng vậy thì xuất hoặc lưu lại dạng .xlsx"
                        )
                    warnings.append(f"tệp có thể bị cắt cụt: {text}")
                said_at = said_at or find_export_time(_footers(table.sheet, layout, result), date1904=sheet.date1904)
                warnings.extend(where + text for text in result.warnings)
                done.append(result)
                tables.append(table)
                before = layout
            if has_data:
                exported_at = exported_at or said_at
            else:
                said_elsewhere = said_elsewhere or said_at
    harmless = [text for text, table in doubts if done and not _would_vanish(table, tables, lists)]
    if problems or len(harmless) < len(doubts):
        raise UnreadableExport("; ".join([*problems, *(text for text, _ in doubts if text not in harmless)]))
    warnings.extend(f"{doubt} (bỏ qua trang này)" for doubt in harmless)
    if not done:
        raise UnreadableExport(
            "không trang nào có dòng tiêu đề của một loại tệp đã biết "
            f"({', '.join(kind.label_vi for kind in lists.kinds.values())}); hãy kiểm tra có xuất đúng danh sách không"
        )
    return NormalisedExport(done, exported_at or said_elsewhere, warnings, skipped)


@dataclass
class _Table:
    """One table of a sheet, with the rows that belong to it, or a sheet without one.

    Attributes:
        sheet: the rows from the titles to what stands below the data.
        layout: its headings, what is wrong with them, or None.
        titles: the rows above the headings.
        result: what it holds, where it can be read.
    """

    sheet: Sheet
    layout: Layout | LayoutProblem | None
    titles: Sequence[Sequence[str | None]]
    result: NormalisedSheet | None = None


def _read_tables(sheet: Sheet, lists: LayoutLists, before: Layout | None = None) -> Iterator[_Table]:
    """The tables of a sheet from top to bottom; exactly one without a result where the sheet has none.

    Args:
        sheet: the sheet.
        lists: headings and words.
        before: the headings of the sheet before, with which a sheet without any may go on.
    """
    above: Kind | None = None  # of the table above
    while True:
        layout = find_layout(sheet, lists) if sheet.height else None
        titles = sheet.head(layout.first if isinstance(layout, Layout) else _TITLE_ROWS) if sheet.height else []
        if not isinstance(layout, Layout):
            if isinstance(layout, LayoutProblem) and above:
                layout = _refusing(layout, above)
            yield (_read_without_headings(sheet, before, lists) if layout is None else None) or _Table(sheet, layout, titles)
            return
        if begins_with_table(sheet, layout, lists):
            upper_tables = list(_read_tables(cut(sheet, 0, layout.first), lists))
            for table in upper_tables:
                if isinstance(table.layout, LayoutProblem) and holds_rows(table.sheet, table.layout, lists):
                    table.layout = _refusing(table.layout, layout.kind)
            if any(_is_table(table, lists) for table in upper_tables):
                yield from upper_tables
                above = layout.kind
                sheet = cut(sheet, table_start(sheet, layout.first).titles)
                continue
        result, following = _read_on(sheet, layout, lists, titles, sheet.height if above is None else _NEXT_WITHIN)
        if following is None:
            yield _Table(sheet, layout, titles, result)
            return
        upper = cut(sheet, 0, following.headings)
        yield _Table(upper, layout, titles, normalise_sheet(upper, layout, lists, titles))
        above = layout.kind
        sheet = cut(sheet, following.titles)


def _read_on(
    sheet: Sheet, layout: Layout, lists: LayoutLists, titles: Sequence[Sequence[str | None]], height: int
) -> tuple[NormalisedSheet, TableStart | None]:
    """The rows below a table's headings read by them, and where the next table begins, which is looked for in so many rows first, then in more of them.

    What is found with enough rows below it is what all rows would show; without a next table all rows are read.
    """
    while True:
        part = cut(sheet, 0, height) if height < sheet.height else sheet
        result = normalise_sheet(part, layout, lists, titles)
        following = find_next_table(part, layout, result.like_headings, lists) if result.like_headings else None
        if part is sheet or (following and following.headings + LOOKED_AT_BELOW < height):
            return result, following
        height *= 4


def _is_table(table: _Table, lists: LayoutLists) -> bool:
    """Whether there is anything in a table that must be read or told."""
    if isinstance(table.layout, LayoutProblem):
        return holds_rows(table.sheet, table.layout, lists)
    return bool(table.result and table.result.rows.num_rows)


def _would_vanish(table: _Table, others: Sequence[_Table], lists: LayoutLists) -> bool:
    """Whether a table of no kind holds dossiers, or says something of them, that none of the tables which are read does; an extract loses nothing."""
    problem = table.layout
    if not isinstance(problem, LayoutProblem) or not holds_rows(table.sheet, problem, lists):
        return False
    said = {column for column in problem.columns if column not in ("personal", "ignored")}
    listed = pa.nulls(0, pa.string())
    for other in others:
        if isinstance(other.layout, Layout) and "case_code" in other.layout.columns and said <= other.layout.kind.columns.keys():
            listed = pa.concat_arrays([listed, _codes_in(other.sheet.columns[other.layout.columns["case_code"]])])
    codes = pa.concat_arrays([_codes_in(cells) for cells in table.sheet.columns])
    return not pc.all(pc.is_in(codes, value_set=listed)).as_py()


def _codes_in(cells: pa.Array) -> pa.Array:
    """The well-formed codes of dossiers in a column; those of rows that are rejected, too."""
    codes, known = parse_code_cells(cells)
    return codes.filter(pa.array(known))


def _refusing(problem: LayoutProblem, other: Kind) -> LayoutProblem:
    """The problem of a table that stands on one sheet with another and refuses the file, also where it is of no kind: its rows would vanish."""
    return replace(problem, kind=problem.kind or other.name)


def _read_without_headings(sheet: Sheet, before: Layout | None, lists: LayoutLists) -> _Table | None:
    """A sheet of dossiers below no headings, as systems leave them that cut a list at so many rows a sheet, or of procedures after a catalogue; None where it is none.

    By the headings of the sheet before it is read where its rows make sense so; else they would vanish, and the file is refused.
    """
    filled = sum((find_filled(column) for column in sheet.columns), np.zeros(sheet.height, dtype=int))
    rows, listed = int((filled > 0).sum()), int((filled >= FEWEST_CELLS).sum())
    what, kind, column = "hồ sơ", "cases", "case_code"
    coded = next((at for at, cells in enumerate(sheet.columns) if 2 * int(parse_code_cells(cells)[1].sum()) > rows), None)
    if coded is not None and int(filled.sum()) < FEWEST_CELLS * rows:
        return None
    if coded is None and before and before.kind.name == "procedures":  # with titles of fields between
        what, kind, column = "thủ tục", before.kind.name, before.kind.key_column
        coded = next((at for at, cells in enumerate(sheet.columns) if listed and 2 * _count_procedures(cells) > listed), None)
    if coded is None:
        return None
    if before and before.columns.get(column) == coded:
        missing = max(*before.columns.values(), *before.hours.values()) + 1 - len(sheet.columns)
        wide = replace(sheet, columns=[*sheet.columns, *[pa.nulls(sheet.height, pa.string())] * missing])
        layout = replace(before, first=-1, last=-1)
        result = normalise_sheet(wide, layout, lists)
        wrong = result.troubles.filter(pc.not_equal(result.troubles["reason"], "unknown_level"))["row_number"]
        if 2 * len(pc.unique(wrong)) < result.rows.num_rows:
            result.warnings.append("không có dòng tiêu đề, đọc theo tiêu đề của trang trước")
            return _Table(wide, layout, [], result)
    text = f"có dòng {what} nhưng không có dòng tiêu đề; hãy chép dòng tiêu đề vào đầu trang, hoặc xuất lại"
    return _Table(sheet, LayoutProblem(text, kind), [])


def _count_procedures(cells: pa.Array) -> int:
    return int(pc.sum(pc.match_substring_regex(cells, _PROCEDURE_IN_FULL)).as_py() or 0)


def _footers(sheet: Sheet, layout: Layout, result: NormalisedSheet) -> list[list[str | None]]:
    """The rows below the last row of data."""
    last = pc.max(result.rows["row_number"]).as_py()
    start = layout.last + 1 if last is None else last - sheet.first_row + 1
    columns = [column.slice(start, _FOOTER_ROWS).to_pylist() for column in sheet.columns]
    return [list(row) for row in zip(*columns, strict=True)]
