"""A sheet of text to typed canonical rows, or to rows with a reason why not; no row that holds data vanishes.

Only declared columns that hold no personal data are looked at; the others end here. What depends on reference tables (units, the
catalogue) is left to the warehouse build: here a unit is a matching key, and an unknown level only a suspicion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import parsing
from transforms.data_rows import find_data_rows, section_of
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
    key_headings,
    table_start,
)
from transforms.layouts.lists import Column
from transforms.layouts.tables import FEWEST_CELLS
from transforms.sheets import Sheet, UnreadableExport
from transforms.text import clean_column, has_personal_number, hide_numbers, key, mask, unit_reference
from transforms.titles import find_export_time, find_period

# One reason a row, the first that applies (design, "Reject reasons"); unknown_unit is found in the build.
REASONS = (
    "missing_case_code",
    "unknown_unit",
    "bad_date",
    "unknown_status",
    "unknown_channel",
    "unknown_level",
    "bad_number",
    "unknown_word",
)
_REASON_OF_TYPE = {
    "date": "bad_date",
    "status": "unknown_status",
    "channel": "unknown_channel",
    "level": "unknown_level",
    "amount": "bad_number",
    "fee": "bad_number",
    "count": "bad_number",
    "figure": "bad_number",
    "collection": "unknown_word",
    "method": "unknown_word",
    "payment_state": "unknown_word",
    "component": "unknown_word",
    "yes_no": "unknown_word",
    "progress": "unknown_status",
    "percent": "bad_number",
}
_ARROW = {
    "date": pa.timestamp("us"),
    "status": pa.int32(),
    "component": pa.int32(),
    "amount": pa.int64(),
    "fee": pa.int64(),
    "count": pa.int64(),
    "figure": pa.int64(),
    "duration": pa.int64(),
    "yes_no": pa.bool_(),
    "percent": pa.float64(),
}
# Types whose valid value proves that a row without a usable code is data and not a signature or a total.
_EVIDENCE = frozenset(
    (
        "date",
        "status",
        "channel",
        "level",
        "procedure_code",
        "collection",
        "method",
        "payment_state",
        "component",
        "count",
        "figure",
        "progress",
        "percent",
    )
)
_TITLE_ROWS = 15
_FOOTER_ROWS = 60  # blank rows with borders may stand between the data and what is said below
TROUBLES = pa.schema(
    [("row_number", pa.int32()), ("rank", pa.int32()), ("reason", pa.string()), ("column_name", pa.string()), ("masked_value", pa.string())]
)


# A unit known only by its dossier code's prefix is referred to by this mark and the prefix; names never start with it.
PREFIX_MARK = "#"


def staged_schema(kind: Kind) -> pa.Schema:
    """Columns and types of a kind's staged rows; the same for every file of the kind, whatever columns it had."""
    fields: list[tuple[str, pa.DataType]] = [("row_number", pa.int32())]
    for column in kind.columns.values():
        if column.type == "unit":
            fields += [("unit_ref", pa.string()), ("unit_shown", pa.string())]
        else:
            fields.append((column.staged_as, _ARROW.get(column.type, pa.string())))
    if kind.key_column == "case_code":
        fields.append(("is_odd_code", pa.bool_()))
    if kind.name == "waiting":
        fields.append(("channel", pa.string()))
    if kind.has_period:
        fields += [("period_first", pa.date32()), ("period_last", pa.date32())]
    return pa.schema(fields)


@dataclass
class NormalisedSheet:
    """One table's data rows, typed; mostly it is all there is on its sheet.

    Attributes:
        name: of the sheet.
        rows: one row a data row of the table, also the rows in trouble; `row_number` as Excel counts.
        troubles: at most one row per data row and reason; a row without trouble here may still meet one in the build.
        heading_rows: first and last row of the headings, as Excel counts; None where those of the sheet before count.
        like_headings: rows below the headings that can be headings, too, counted from 0 within the sheet's rows.
    """

    name: str
    layout: Layout
    rows: pa.Table
    troubles: pa.Table
    heading_rows: tuple[int, int] | None
    warnings: list[str] = field(default_factory=list)
    like_headings: Sequence[int] = ()


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
    warnings: list[str] = []
    problems: list[str] = []
    doubts: list[str] = []  # sheets with some known headings but of no kind: fatal only where nothing else is there
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
                (problems if layout.kind else doubts).append((f"trang “{sheet.name}”: " if sheet.name else "") + layout.text)
                skipped.append(sheet.name)
            elif layout is None or result is None:
                if sheet.height:
                    warnings.append(f"{where or 'tệp: '}không có dòng tiêu đề nào nhận ra được, bỏ qua")
                    skipped.append(sheet.name)
            else:
                has_data = result.rows.num_rows > 0
                said_at = said_at or find_export_time(_footers(table.sheet, layout, result), date1904=sheet.date1904)
                warnings.extend(where + text for text in result.warnings)
                done.append(result)
                before = layout
            if has_data:
                exported_at = exported_at or said_at
            else:
                said_elsewhere = said_elsewhere or said_at
    if problems or (doubts and not done):
        raise UnreadableExport("; ".join(problems + doubts))
    warnings.extend(f"{doubt} (bỏ qua trang này)" for doubt in doubts)
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
        result = normalise_sheet(sheet, layout, lists, titles)
        following = find_next_table(sheet, layout, result.like_headings, lists) if result.like_headings else None
        if following is None:
            yield _Table(sheet, layout, titles, result)
            return
        upper = cut(sheet, 0, following.headings)
        yield _Table(upper, layout, titles, normalise_sheet(upper, layout, lists, titles))
        above = layout.kind
        sheet = cut(sheet, following.titles)


def _is_table(table: _Table, lists: LayoutLists) -> bool:
    """Whether there is anything in a table that must be read or told."""
    if isinstance(table.layout, LayoutProblem):
        return holds_rows(table.sheet, table.layout, lists)
    return bool(table.result and table.result.rows.num_rows)


def _refusing(problem: LayoutProblem, other: Kind) -> LayoutProblem:
    """The problem of a table that stands on one sheet with another and refuses the file, also where it is of no kind: its rows would vanish."""
    return replace(problem, kind=problem.kind or other.name)


def _read_without_headings(sheet: Sheet, before: Layout | None, lists: LayoutLists) -> _Table | None:
    """A sheet of dossiers below no headings, as systems leave them that cut a list at so many rows a sheet; None where it is none.

    By the headings of the sheet before it is read where its rows make sense so; else they would vanish, and the file is refused.
    """
    filled = sum((_valid(column) for column in sheet.columns), np.zeros(sheet.height, dtype=int))
    rows = int((filled > 0).sum())
    coded = next((at for at, cells in enumerate(sheet.columns) if 2 * int(parsing.parse_code_cells(cells)[1].sum()) > rows), None)
    if coded is None or int(filled.sum()) < FEWEST_CELLS * rows:
        return None
    if before and before.columns.get("case_code") == coded:
        missing = max(before.columns.values()) + 1 - len(sheet.columns)
        wide = replace(sheet, columns=[*sheet.columns, *[pa.nulls(sheet.height, pa.string())] * missing])
        layout = replace(before, first=-1, last=-1)
        result = normalise_sheet(wide, layout, lists)
        wrong = result.troubles.filter(pc.not_equal(result.troubles["reason"], "unknown_level"))["row_number"]
        if 2 * len(pc.unique(wrong)) < result.rows.num_rows:
            result.warnings.append("không có dòng tiêu đề, đọc theo tiêu đề của trang trước")
            return _Table(wide, layout, [], result)
    text = "có dòng hồ sơ nhưng không có dòng tiêu đề; hãy chép dòng tiêu đề vào đầu trang, hoặc xuất lại"
    return _Table(sheet, LayoutProblem(text, "cases"), [])


def _footers(sheet: Sheet, layout: Layout, result: NormalisedSheet) -> list[list[str | None]]:
    """The rows below the last row of data."""
    last = pc.max(result.rows["row_number"]).as_py()
    start = layout.last + 1 if last is None else last - sheet.first_row + 1
    columns = [column.slice(start, _FOOTER_ROWS).to_pylist() for column in sheet.columns]
    return [list(row) for row in zip(*columns, strict=True)]


@dataclass
class _Parsed:
    """One column of a sheet, below the headings: its values, and where a cell is filled but not understood.

    Attributes:
        cells: the cells, cleaned where their type needs it, which is then told by being a dictionary array; as they were read otherwise.
    """

    cells: pa.Array
    values: pa.Array
    bad: np.ndarray

    def text_of(self, rows: np.ndarray) -> pa.StringArray:
        """Cleaned text of some rows."""
        some = self.cells.take(pa.array(rows))
        return (some if isinstance(some, pa.DictionaryArray) else clean_column(some)).cast(pa.string())


def _parse_cells(column: Column, cells: pa.Array, sheet: Sheet, lists: LayoutLists) -> _Parsed:
    """Dates and dossier codes differ from row to row and mostly stand in one exact form; all other cells are parsed once a distinct text."""
    match column.type:
        case "date":
            values, bad = parsing.parse_date_cells(cells, date1904=sheet.date1904)
            return _Parsed(cells, values.cast(pa.timestamp("us")), bad)
        case "case_code":
            values, known = parsing.parse_code_cells(cells)
            return _Parsed(cells, values, ~known)
        case _:
            return _parse(column, clean_column(cells), lists)


def _parse(column: Column, text: pa.DictionaryArray, lists: LayoutLists) -> _Parsed:
    words = text.dictionary
    none_bad = np.zeros(len(words), dtype=bool)
    match column.type:
        case "code":
            values, bad = parsing.parse_codes(words), none_bad
        case "percent":
            values, bad = parsing.parse_percentages(words)
        case "procedure_code":
            values = parsing.parse_procedure_codes(words)
            bad = ~pc.match_substring_regex(values, r"^\d\.\d{6}$").to_numpy(zero_copy_only=False).astype(bool)
        case "unit":
            values, bad = pa.array([unit_reference(key(word)) for word in words.to_pylist()], pa.string()), none_bad
        case "level":
            values, bad = parsing.parse_levels(words, lists.words["level"])
        case "amount" | "count":
            values, bad = parsing.parse_numbers(words)
        case "figure":
            values, bad = parsing.parse_figures(words)
        case "fee":
            values, bad = parsing.parse_numbers(words, no_fee_words=True)
        case "duration":
            values, bad = parsing.parse_numbers(words)
            bad = none_bad  # a deadline in words ("trong ngày") is no reason to lose the procedure
        case "text":
            hidden = has_personal_number(words)
            words = pc.if_else(
                pc.match_substring_regex(words, r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|\?)$"), pa.scalar(None, pa.string()), words
            )
            values = pc.if_else(hidden, pa.array([hide_numbers(word or "") for word in words.to_pylist()], pa.string()), words)
            bad = np.asarray(hidden.to_numpy(zero_copy_only=False), dtype=bool)
        case _:
            values, bad = parsing.parse_words(words, lists.words[column.type], _ARROW.get(column.type, pa.string()))
    return _Parsed(text, values.take(text.indices), _spread(bad, text.indices))


def _spread(of_words: np.ndarray, indices: pa.Array) -> np.ndarray:
    """What is true of a row's word is true of the row; of blank cells it is not."""
    if not of_words.any():
        return np.zeros(len(indices), dtype=bool)
    return np.asarray(pc.fill_null(pa.array(of_words).take(indices), False).to_numpy(zero_copy_only=False), dtype=bool)


class _Rows:
    """The data rows among the rows below the headings; mostly one block, of which columns are then slices without a copy."""

    def __init__(self, keep: np.ndarray) -> None:
        self.numbers = np.flatnonzero(keep)
        self._first = int(self.numbers[0]) if len(self.numbers) else 0
        self._is_block = not len(self.numbers) or int(self.numbers[-1]) - self._first + 1 == len(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, column: pa.Array) -> pa.Array:
        """The data rows of a column."""
        return column.slice(self._first, len(self)) if self._is_block else column.take(pa.array(self.numbers))


def _valid(column: pa.Array) -> np.ndarray:
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=bool)


def normalise_sheet(sheet: Sheet, layout: Layout, lists: LayoutLists, titles: Sequence[Sequence[str | None]] = ()) -> NormalisedSheet:
    """The data rows below the headings, typed, with the troubles found in them.

    Args:
        sheet: the sheet.
        layout: its headings (see `layouts.find_layout`).
        lists: headings and words.
        titles: the rows above the headings, for the period of a summary.
    """
    kind, start = layout.kind, layout.last + 1
    below = [column.slice(start) for column in sheet.columns]
    parsed = {name: _parse_cells(kind.columns[name], below[position], sheet, lists) for name, position in layout.columns.items()}
    coded = parsed[kind.key_column]
    is_telling = kind.columns[kind.key_column].type not in ("unit", "code")  # a name or a bare number may stand in a total, too
    keep = _valid(coded.values) & ~coded.bad if is_telling else np.zeros(len(coded.values), dtype=bool)
    doubtful = np.flatnonzero(~keep)
    code_headings = {heading.rpartition(">")[2] for heading, column in lists.headings[kind.name].items() if column == kind.key_column}
    evidence = _evidence(layout, parsed, below, doubtful)
    keep[doubtful], sections, like_headings = find_data_rows(
        doubtful, below, coded.text_of(doubtful), evidence, code_headings, key_headings(lists)
    )
    rows = _Rows(keep)
    columns: dict[str, pa.Array] = {"row_number": pa.array(rows.numbers + sheet.first_row + start, pa.int32())}
    for column in kind.columns.values():
        arrow = _ARROW.get(column.type, pa.string())
        found = parsed.get(column.name)
        values = rows.of(found.values).cast(arrow) if found else pa.nulls(len(rows), arrow)
        if column.fill_down and found:
            values = pc.fill_null_forward(values)
        if column.blank_is_no and found:
            values = pc.fill_null(values, False)
        if column.from_section and sections:
            values = pc.coalesce(values, section_of(pa.array(rows.numbers), sections))
        if column.type == "unit":
            if column.required and kind.key_column == "case_code" and values.null_count:
                prefix = pc.list_element(pc.split_pattern(rows.of(parsed["case_code"].values), "-"), 0)
                values = pc.coalesce(values, pc.binary_join_element_wise(PREFIX_MARK, prefix, ""))
            columns["unit_ref"] = values
            columns["unit_shown"] = _masked(rows.of(found.cells)) if found else pa.nulls(len(rows), pa.string())
        elif column.type == "channel":
            columns["channel"] = pc.fill_null(values, "counter")  # a blank channel is the counter (national rule)
        else:
            columns[column.staged_as] = values
    if kind.key_column == "case_code":
        columns["is_odd_code"] = pa.array(parsed["case_code"].bad[keep] & _valid(columns["case_code"]))
    if kind.name == "waiting":
        columns["channel"] = pa.repeat(pa.scalar("online", pa.string()), len(rows))
    if kind.has_period:
        period = find_period(titles) or (None, None)
        columns["period_first"] = pa.repeat(pa.scalar(period[0], pa.date32()), len(rows))
        columns["period_last"] = pa.repeat(pa.scalar(period[1], pa.date32()), len(rows))
    schema = staged_schema(kind)
    troubles = _troubles(kind, layout, parsed, keep, sheet.first_row + start)
    refused = troubles.filter(pc.not_equal(troubles["reason"], "unknown_level"))["row_number"].combine_chunks()
    rejected = pc.is_in(columns["row_number"], value_set=refused) if len(refused) else None
    for column in kind.columns.values():
        if rejected is not None and column.type in ("case_code", "procedure_code", "code", "text"):
            # a row that is rejected may be one whose cells slipped sideways: what it has as text is not kept
            columns[column.staged_as] = pc.if_else(rejected, pa.scalar(None, pa.string()), columns[column.staged_as])
    heading_rows = (sheet.first_row + layout.first, sheet.first_row + layout.last) if layout.first >= 0 else None
    result = NormalisedSheet(sheet.name, layout, pa.table([columns[name] for name in schema.names], schema=schema), troubles, heading_rows)
    result.like_headings = [start + row for row in like_headings]
    if layout.unknown:
        result.warnings.append(f"tiêu đề chưa khai báo (cột bị bỏ qua): {', '.join(f'“{heading}”' for heading in layout.unknown)}")
    if sheet.error_cells:
        result.warnings.append(f"{sheet.error_cells} ô báo lỗi (#N/A) hoặc công thức chưa tính")
    hidden = sum(int((parsed[name].bad & keep).sum()) for name in parsed if kind.columns[name].type == "text")
    if hidden:
        result.warnings.append(f"đã che {hidden} ô chữ có số giống số định danh hoặc số điện thoại")
    if kind.has_period and columns["period_first"].null_count:
        result.warnings.append("không ghi kỳ báo cáo (“Từ ngày … đến ngày …”) ở phần tiêu đề, không đối chiếu được với số tự đếm")
    return result


def _masked(shown: pa.Array, *, is_moment: bool = False) -> pa.Array:
    encoded = shown if isinstance(shown, pa.DictionaryArray) else shown.dictionary_encode()
    return pa.array([mask(text, is_moment=is_moment) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _evidence(layout: Layout, parsed: dict[str, _Parsed], below: Sequence[pa.Array], doubtful: np.ndarray) -> np.ndarray:
    """Per doubtful row, how many cells mean something: valid words and dates, and an ordinal number in the STT column."""
    evidence = np.zeros(len(doubtful), dtype=int)
    at = pa.array(doubtful)
    for name, column in parsed.items():
        kind = layout.kind.columns[name].type
        if kind in _EVIDENCE:
            evidence += _valid(column.values.take(at)) & ~column.bad[doubtful]
            if kind in ("count", "figure"):  # a dash is how forms print none
                dash = pc.match_substring_regex(column.text_of(doubtful), "^[-–—]$")
                evidence += np.asarray(pc.fill_null(dash, False).to_numpy(zero_copy_only=False), dtype=bool)
        elif kind == "yes_no":  # a bare 1 or 0 may stand in a row of totals too
            spoken = pc.fill_null(pc.match_substring_regex(column.text_of(doubtful), r"\pL"), False)
            evidence += _valid(column.values.take(at)) & np.asarray(spoken.to_numpy(zero_copy_only=False), dtype=bool)
    for position in layout.ordinals:
        ordinal = pc.match_substring_regex(below[position].take(at), r"^\s*\d{1,7}(?:\.0)?\s*$")
        evidence += np.asarray(pc.fill_null(ordinal, False).to_numpy(zero_copy_only=False), dtype=bool)
    return evidence


def _troubles(kind: Kind, layout: Layout, parsed: dict[str, _Parsed], keep: np.ndarray, first_row: int) -> pa.Table:
    parts = []

    def add(rows: np.ndarray, reason: str, column: str, shown: pa.Array | None) -> None:
        if len(rows):
            count = len(rows)
            parts.append(
                pa.table(
                    [
                        pa.array(rows + first_row, pa.int32()),
                        pa.array([REASONS.index(reason) + 1] * count, pa.int32()),
                        pa.array([reason] * count, pa.string()),
                        pa.array([layout.headings.get(column, column)] * count, pa.string()),
                        pa.nulls(count, pa.string()) if shown is None else _masked(shown, is_moment=reason == "bad_date"),
                    ],
                    schema=TROUBLES,
                )
            )

    if kind.key_column != "unit":
        add(np.flatnonzero(keep & ~_valid(parsed[kind.key_column].values)), "missing_case_code", kind.key_column, None)
    for name, column in parsed.items():
        reason = _REASON_OF_TYPE.get(kind.columns[name].type)
        if reason is None:
            continue
        wrong = column.bad & keep
        if kind.columns[name].type == "status":
            wrong |= keep & ~_valid(column.cells)  # a dossier without a state cannot be counted anywhere
        rows = np.flatnonzero(wrong)
        add(rows, reason, name, column.text_of(rows))
    return pa.concat_tables(parts) if parts else TROUBLES.empty_table()
