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

from transforms import parsing
from transforms.case_codes import parse_code_cells
from transforms.data_rows import find_data_rows, find_examples, section_of
from transforms.layouts import Kind, Layout, LayoutLists, heading_ending, key_headings
from transforms.layouts.lists import Column
from transforms.sheets import Sheet
from transforms.text import clean, clean_column, heading_reference, hide_people, key, mask, unit_reference
from transforms.titles import find_period

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
# Of these what no sum can be mistaken for: a row that says so much of one dossier is none of totals, however it begins.
_SPOKEN = _EVIDENCE - {"procedure_code", "count", "figure", "percent"} | {"yes_no"}
# A cell of counts that cannot be read, but is meant as one: "12 (34,5%)", "5 hồ sơ", "Tỷ lệ: 12%"; a dash is how forms print none. Shares below the totals
# and dates are none.
_MEANT_AS_COUNT = r"^(?:[-–—]|\d.*|(?i:số lượng|sl|tỷ lệ|điểm số)\W.*\d.*)$"
_NO_COUNT = r"^(?:\d+(?:[.,]\d+)?\s*%|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*)$"
TROUBLES = pa.schema(
    [("row_number", pa.int32()), ("rank", pa.int32()), ("reason", pa.string()), ("column_name", pa.string()), ("masked_value", pa.string())]
)


# Stands in place of the column's heading where the row's cells slipped sideways.
SLIPPED = "thừa ô: các ô của dòng bị lệch cột"

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
            values, known = parse_code_cells(cells)
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
        case "amount":
            values, bad = parsing.parse_numbers(words)
        case "count":
            values, bad = parsing.parse_numbers(words, is_count=True)
        case "figure":
            values, bad = parsing.parse_figures(words)
        case "fee":
            values, bad = parsing.parse_numbers(words, no_fee_words=True)
        case "duration":
            values, bad = parsing.parse_numbers(words, is_count=True)
            bad = none_bad  # a deadline in words ("trong ngày") is no reason to lose the procedure
        case "text":
            values, hidden = hide_people(words)
            values = pc.if_else(
                pc.match_substring_regex(values, r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|\?)$"),
                pa.scalar(None, pa.string()),
                values,
            )
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


def find_filled(column: pa.Array) -> np.ndarray:
    """A mask of the cells that are not blank."""
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=bool)


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
        if column in layout.columns.values() and (column != code or line is not None) and first >= first_row:
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
    parsed = {name: _parse_cells(kind.columns[name], below[position], sheet, lists) for name, position in layout.columns.items()}
    coded = parsed[kind.key_column]
    is_telling = kind.columns[kind.key_column].type not in ("unit", "code")  # a name or a bare number may stand in a total, too
    keep = find_filled(coded.values) & ~coded.bad if is_telling else np.zeros(len(coded.values), dtype=bool)
    doubtful = np.flatnonzero(~keep)
    evidence, spoken = _evidence(layout, parsed, below, doubtful)
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
        arrow = _ARROW.get(column.type, pa.string())
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
            columns["unit_shown"] = _masked(rows.of(found.cells)) if found else pa.nulls(len(rows), pa.string())
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
    troubles = _troubles(kind, layout, parsed, keep, sheet.first_row + start, _find_slipped(sheet, layout, below, keep))
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
        result.warnings.append(f"có dữ liệu dưới chỗ không có tiêu đề, không đọc: {told}")
    if sheet.error_cells:
        result.warnings.append(f"{sheet.error_cells} ô báo lỗi (#N/A) hoặc công thức chưa tính")
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


def _reference_headings(above: Sequence[Sequence[str | None]], passed_over: Sequence[pa.Array]) -> list[str]:
    """References of the texts above the data, titles and headings, and of those in the rows below that are no data, each once."""
    texts = {text for row in above for text in row if text}
    texts.update(text for column in passed_over for text in pc.unique(column).to_pylist() if text)
    return sorted({heading_reference(heading_ending(text)) for text in texts})


def _masked(shown: pa.Array, *, is_moment: bool = False) -> pa.Array:
    encoded = shown if isinstance(shown, pa.DictionaryArray) else shown.dictionary_encode()
    return pa.array([mask(text, is_moment=is_moment) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _evidence(layout: Layout, parsed: dict[str, _Parsed], below: Sequence[pa.Array], doubtful: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per doubtful row, how many cells mean something, and how many of them no sum could say.

    Valid words and dates mean something, an ordinal number in the STT column, and what is meant as a count though it cannot be read; a bare number may be
    a sum, or a count of the cells above.
    """
    evidence, spoken = np.zeros(len(doubtful), dtype=int), np.zeros(len(doubtful), dtype=int)
    at = pa.array(doubtful)
    for name, column in parsed.items():
        kind = layout.kind.columns[name].type
        if kind not in _EVIDENCE | _SPOKEN:
            continue
        is_valid = find_filled(column.values.take(at)) & ~column.bad[doubtful]
        if kind in _SPOKEN:
            is_spoken = is_valid & _matches(column.text_of(doubtful), r"\pL|\d[/:-]|\.\d+\.")
            spoken += is_spoken
        # a bare 1 or 0 may stand in a row of totals too
        evidence += is_spoken if kind == "yes_no" else is_valid
        if kind in ("count", "figure"):
            texts = column.text_of(doubtful)
            evidence += column.bad[doubtful] & _matches(texts, _MEANT_AS_COUNT) & ~_matches(texts, _NO_COUNT)
    for position in layout.ordinals:
        evidence += _matches(below[position].take(at), r"^\s*\d{1,7}(?:\.0)?\s*$")
    if layout.kind.columns[layout.kind.key_column].type == "code":
        evidence += _count_answers(layout, parsed, below, doubtful)
    return evidence, spoken


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    """Which of the texts a pattern is found in; in a blank cell none is."""
    return np.asarray(pc.fill_null(pc.match_substring_regex(texts, pattern), False).to_numpy(zero_copy_only=False), dtype=bool)


def _count_answers(layout: Layout, parsed: dict[str, _Parsed], below: Sequence[pa.Array], doubtful: np.ndarray) -> np.ndarray:
    """Per doubtful row, how many words answer the code of a task or a criterion: a task may have no dates yet, a report be words alone.

    One of the texts may be its title ("3.1 | Cải cách thủ tục"): what stands right beside the code, also where that is merged over the row, else any.
    """
    position, at = layout.columns[layout.kind.key_column], pa.array(doubtful)
    beside = below[position + 1].take(at) if position + 1 < len(below) else pa.nulls(len(doubtful), pa.string())
    title = pc.fill_null(clean_column(beside).cast(pa.string()), "")
    answers = np.zeros(len(doubtful), dtype=int) - _matches(title, "^$")
    for name, column in parsed.items():
        if layout.kind.columns[name].type in ("text", "unit") and layout.columns[name] != position + 1:
            is_other = pc.fill_null(pc.not_equal(column.text_of(doubtful), title), False)
            answers += np.asarray(is_other.to_numpy(zero_copy_only=False), dtype=bool)
    is_coded = _matches(parsed[layout.kind.key_column].text_of(doubtful), r"^\S*\d\S*$")
    return np.where(is_coded, np.maximum(answers, 0), 0)


def _find_slipped(sheet: Sheet, layout: Layout, below: Sequence[pa.Array], keep: np.ndarray) -> dict[int, str | None]:
    """The data rows of a text file that have more cells than the headings, each with what stands beyond them.

    A sign that parts cells stood in a text without quotation marks, so that the cells behind it slipped into the columns of their neighbours: where the
    cell that slipped in is blank, every date may be a date still, but of another column. A sign too many at the end of every row moves nothing.
    """
    if not len(sheet.widths) or layout.first < 0 or not keep.any():
        return {}
    widths = np.asarray(sheet.widths)[sheet.first_row - 1 :][: sheet.height]
    headed, widths = int(widths[layout.first : layout.last + 1].max()), widths[layout.last + 1 :]
    usual = max(headed, int(np.bincount(widths[keep]).argmax()))
    slipped: dict[int, str | None] = {}
    for row in np.flatnonzero(keep & (widths > headed)).tolist():
        beyond = next((text for column in below[headed:] if (text := clean(column[row].as_py() or ""))), None)
        if beyond or widths[row] > usual:
            slipped[row] = beyond
    return slipped


def _troubles(
    kind: Kind, layout: Layout, parsed: dict[str, _Parsed], keep: np.ndarray, first_row: int, slipped: dict[int, str | None]
) -> pa.Table:
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
        add(np.flatnonzero(keep & ~find_filled(parsed[kind.key_column].values)), "missing_case_code", kind.key_column, None)
    for name, column in parsed.items():
        reason = _REASON_OF_TYPE.get(kind.columns[name].type)
        if reason is None:
            continue
        wrong = column.bad & keep
        if kind.columns[name].type == "status":
            wrong |= keep & ~find_filled(column.cells)  # a dossier without a state cannot be counted anywhere
        rows = np.flatnonzero(wrong)
        add(rows, reason, name, column.text_of(rows))
    if slipped:  # what stands in their last column is none of its words, dates or numbers, whatever it looks like
        reasons = [
            reason for name in sorted(parsed, key=layout.columns.__getitem__) if (reason := _REASON_OF_TYPE.get(kind.columns[name].type))
        ]
        add(np.array(list(slipped)), reasons[-1], SLIPPED, pa.array(slipped.values(), pa.string()))
    return pa.concat_tables(parts) if parts else TROUBLES.empty_table()
