"""A table of text to typed canonical rows, or to rows with a reason why not; no row that holds data vanishes.

Only declared columns that hold no personal data are looked at; the others end here. What depends on reference tables (units, the
catalogue) is left to the warehouse build: here a unit is a matching key, and an unknown level only a suspicion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.columns import ARROW_TYPES, find_filled, parse_cells
from transforms.data_rows import find_data_rows, find_examples, section_of
from transforms.date_order import doubt_day_order
from transforms.evidence import count_evidence
from transforms.hours import join_hours
from transforms.layouts import Kind, Layout, LayoutLists, day_endings, heading_ending, key_headings
from transforms.sheets import Sheet
from transforms.text import clean, clean_column, heading_reference
from transforms.titles import find_period
from transforms.troubles import find_slipped, find_troubles, masked

# A unit known only by its dossier code's prefix is referred to by this mark and the prefix; names never start with it.
PREFIX_MARK = "#"


def staged_schema(kind: Kind) -> pa.Schema:
    """Columns and types of a kind's staged rows; the same for every file of the kind, whatever columns it had."""
    fields: list[tuple[str, pa.DataType]] = [("row_number", pa.int32())]
    for column in kind.columns.values():
        if column.type == "unit":
            fields += [("unit_ref", pa.string()), ("unit_shown", pa.string())]
        else:
            fields.append((column.staged_as, ARROW_TYPES.get(column.type, pa.string())))
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
        heading_refs: of every text that is a heading or would be one if the lists knew it (above, in and below the headings, in rows that are no data):
            the table reads differently only when the lists change for one of them.
    """

    name: str
    layout: Layout
    rows: pa.Table
    troubles: pa.Table
    heading_rows: tuple[int, int] | None
    warnings: list[str] = field(default_factory=list)
    like_headings: Sequence[int] = ()
    heading_refs: Sequence[str] = ()


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


def _fill_merged(sheet: Sheet, layout: Layout, below: list[pa.Array]) -> list[pa.Array]:
    """The columns below the headings, with what a cell merged down a column says in all rows that it covers.

    A blank channel is the counter's and a blank reception none at all, so a dossier below the first would count otherwise. Rows without a code of
    their own stay as they are: titles, signatures, and further lines of one dossier. Where several rows of one code are data (`merged_over`: the fee lines
    of a dossier, the units of a task), the code merged over them holds for each.
    """
    first_row, code = sheet.first_row + layout.last + 1, layout.columns[layout.kind.key_column]
    line = layout.columns.get(layout.kind.columns[layout.kind.key_column].merged_over or "")
    by_column: dict[int, list[tuple[int, int]]] = {}
    for column, first, last in sheet.merged:
        if column in (*layout.columns.values(), *layout.hours.values()) and (column != code or line is not None) and first >= first_row:
            by_column.setdefault(column, []).append((first - first_row, last - first_row))
    for column, ranges in sorted(by_column.items(), key=lambda item: item[0] != code):  # the codes first: the rest follows them
        told = np.arange(len(below[column]))
        told_by = line if column == code and line is not None else code
        may_fill = find_filled(below[told_by]) & ~find_filled(below[column])
        for first, last in ranges:
            covered = np.arange(first + 1, min(last + 1, len(told)))
            told[covered[may_fill[covered]]] = first
        below[column] = below[column].take(pa.array(told))
    return below


def _fill_down(values: pa.Array, numbers: np.ndarray, sections: Sequence[int]) -> pa.Array:
    """Blank cells say what the last filled one above them does, but not below the title of another section."""
    filled = np.maximum.accumulate(np.where(find_filled(values), np.arange(len(values)), -1))
    begun = np.searchsorted(np.asarray(sections, dtype=int), numbers)  # how many sections stand above each row
    is_its_own = (filled >= 0) & (begun[filled] == begun)
    return values.take(pa.array(np.where(is_its_own, filled, 0), mask=~is_its_own))


def normalise_sheet(sheet: Sheet, layout: Layout, lists: LayoutLists, titles: Sequence[Sequence[str | None]] = ()) -> NormalisedSheet:
    """The data rows below the headings, typed, with the troubles found in them.

    Args:
        sheet: the sheet.
        layout: its headings (see `layouts.find_layout`).
        lists: headings and words.
        titles: the rows above the headings, for the period of a summary.
    """
    kind, start = layout.kind, layout.last + 1
    below = _fill_merged(sheet, layout, [column.slice(start) for column in sheet.columns])
    parsed = {name: parse_cells(kind.columns[name], below[position], sheet, lists) for name, position in layout.columns.items()}
    parsed |= {name: join_hours(parsed[name], below[position]) for name, position in layout.hours.items()}
    coded = parsed[kind.key_column]
    is_telling = kind.columns[kind.key_column].type not in ("unit", "code")  # a name or a bare number may stand in a total, too
    keep = find_filled(coded.values) & ~coded.bad if is_telling else np.zeros(len(coded.values), dtype=bool)
    doubtful = np.flatnonzero(~keep)
    evidence, spoken = count_evidence(layout, parsed, below, doubtful)
    keep[doubtful], sections, like_headings = find_data_rows(
        doubtful,
        below,
        coded.text_of(doubtful),
        evidence,
        spoken,
        key_headings(lists, kind),
        key_headings(lists),
        has_short_codes=kind.columns[kind.key_column].type == "code",
    )
    examples = find_examples(keep, below, below[layout.columns[kind.key_column]])
    keep[examples] = False
    passed_over = pa.array(doubtful[~keep[doubtful]])
    rows = _Rows(keep)
    columns: dict[str, pa.Array] = {"row_number": pa.array(rows.numbers + sheet.first_row + start, pa.int32())}
    for column in kind.columns.values():
        arrow = ARROW_TYPES.get(column.type, pa.string())
        found = parsed.get(column.name)
        values = rows.of(found.values).cast(arrow) if found else pa.nulls(len(rows), arrow)
        if column.fill_down and found:
            values = _fill_down(values, rows.numbers, [number for number, _ in sections] if column.from_section else [])
        if column.blank_is_no and found:
            values = pc.fill_null(values, False)
        if column.from_section and sections:
            values = pc.coalesce(values, section_of(pa.array(rows.numbers), sections))
        if column.type == "unit":
            if column.required and kind.key_column == "case_code" and values.null_count:
                prefix = pc.list_element(pc.split_pattern(rows.of(parsed["case_code"].values), "-"), 0)
                values = pc.coalesce(values, pc.binary_join_element_wise(PREFIX_MARK, prefix, ""))
            columns["unit_ref"] = values
            columns["unit_shown"] = masked(rows.of(found.cells)) if found else pa.nulls(len(rows), pa.string())
        elif column.type == "channel":
            columns["channel"] = pc.fill_null(values, "counter")  # a blank channel is the counter (national rule)
        else:
            columns[column.staged_as] = values
    if kind.key_column == "case_code":
        columns["is_odd_code"] = pa.array(parsed["case_code"].bad[keep] & find_filled(columns["case_code"]))
    if kind.name == "waiting":
        columns["channel"] = pa.repeat(pa.scalar("online", pa.string()), len(rows))
    if kind.has_period:
        titled = find_period(titles)
        named = [(-1, titled or (None, None)), *_periods_between(below, passed_over, titled)]
        at = np.searchsorted([number for number, _ in named], rows.numbers, side="right") - 1
        columns["period_first"] = pa.array([named[place][1][0] for place in at], pa.date32())
        columns["period_last"] = pa.array([named[place][1][1] for place in at], pa.date32())
    schema = staged_schema(kind)
    troubles = find_troubles(kind, layout, parsed, keep, sheet.first_row + start, find_slipped(sheet, layout, below, keep))
    refused = troubles.filter(pc.not_equal(troubles["reason"], "unknown_level"))["row_number"].combine_chunks()
    rejected = pc.is_in(columns["row_number"], value_set=refused) if len(refused) else None
    for column in kind.columns.values():
        if rejected is not None and column.type in ("case_code", "procedure_code", "code", "text"):
            # a row that is rejected may be one whose cells slipped sideways: what it has as text is not kept
            columns[column.staged_as] = pc.if_else(rejected, pa.scalar(None, pa.string()), columns[column.staged_as])
    heading_rows = (sheet.first_row + layout.first, sheet.first_row + layout.last) if layout.first >= 0 else None
    result = NormalisedSheet(sheet.name, layout, pa.table([columns[name] for name in schema.names], schema=schema), troubles, heading_rows)
    result.like_headings = [start + row for row in like_headings]
    result.heading_refs = _reference_headings(sheet.head(start), [column.take(passed_over) for column in below])
    if examples:
        numbers = ", ".join(str(row + sheet.first_row + start) for row in examples)
        result.warnings.append(f"dòng {numbers} ghi là ví dụ (mẫu), không tính")
    if layout.unknown:
        result.warnings.append(f"tiêu đề chưa khai báo (cột bị bỏ qua): {', '.join(f'“{heading}”' for heading in layout.unknown)}")
    beside = [(position, count) for position in layout.unheaded if (count := _count_texts(rows.of(below[position])))]
    if beside:  # an hour of its own below the merged heading of a date, or a list beside this one
        told = ", ".join(f"cột thứ {position + 1} ({count} ô)" for position, count in beside)
        if any(_are_hours(rows.of(below[position])) for position, _ in beside):
            told += "; ô ghi giờ cần có tiêu đề “Giờ …” cạnh “Ngày …” (như “Giờ tiếp nhận”) thì mới tính được từ giờ đó, nay tính từ 00:00"
        result.warnings.append(f"có dữ liệu dưới chỗ không có tiêu đề, không đọc: {told}")
    if sheet.error_cells:
        result.warnings.append(f"{sheet.error_cells} ô báo lỗi (#N/A) hoặc công thức chưa tính")
    dates = [name for name in parsed if kind.columns[name].type == "date"]
    doubts = [doubt_day_order(parsed[name], rows.numbers, layout.headings.get(name, name)) for name in dates]
    result.warnings.extend(doubt for doubt in doubts if doubt)
    hidden = sum(int((parsed[name].bad & keep).sum()) for name in parsed if kind.columns[name].type == "text")
    if hidden:
        result.warnings.append(f"đã che {hidden} ô chữ có số giống số định danh hoặc số điện thoại, hoặc có tên người")
    if kind.has_period and columns["period_first"].null_count:
        result.warnings.append("không ghi kỳ báo cáo (“Từ ngày … đến ngày …”) ở phần tiêu đề, không đối chiếu được với số tự đếm")
    return result


def _periods_between(
    below: Sequence[pa.Array], passed_over: pa.Array, titled: tuple[date, date] | None
) -> Iterator[tuple[int, tuple[date, date]]]:
    """The rows between the data that name a period, as titles of the units below them ("Tháng 5 năm 2024"), and which; "Tháng 5" is of the titles' year."""
    of_year = f" năm {titled[0].year}" if titled and titled[0].year == titled[1].year else ""
    for number, *row in zip(passed_over.to_pylist(), *[column.take(passed_over).to_pylist() for column in below], strict=True):
        texts = {text for cell in row if cell and (text := clean(cell)) and any(map(str.isdigit, text))}
        if len(texts) != 1:
            continue
        [text] = texts
        period = find_period([[text]]) or find_period([[text.rstrip(" .:;-–)") + of_year]])
        if period:
            yield number, period


def _count_texts(cells: pa.Array) -> int:
    """How many cells hold more than spaces."""
    words = clean_column(cells)
    return len(words) - int(words.null_count)


def _are_hours(cells: pa.Array) -> bool:
    """Whether a column holds nothing but hours ("08:30", or what spreadsheets make of an hour)."""
    is_hour = pc.match_substring_regex(clean_column(cells).cast(pa.string()), r"^(?:1899-12-3[01] )?\d{1,2}[:hg]\d{2}(?::\d{2})?$")
    return bool(pc.all(is_hour).as_py())


def _reference_headings(above: Sequence[Sequence[str | None]], passed_over: Sequence[pa.Array]) -> list[str]:
    """References of the texts above the data, titles and headings, and of those in the rows below that are no data, each once."""
    texts = {text for row in above for text in row if text}
    texts.update(text for column in passed_over for text in pc.unique(column).to_pylist() if text)
    endings = {heading_ending(text) for text in texts}
    return sorted(heading_reference(ending) for ending in endings.union(*map(day_endings, endings)))
