"""A sheet of text to typed canonical rows, or to rows with a reason why not; no row that holds data vanishes.

Only declared columns that hold no personal data are looked at; the others end here. What depends on reference tables (units, the
catalogue) is left to the warehouse build: here a unit is a matching key, and an unknown level only a suspicion.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import parsing
from transforms.layouts import Kind, Layout, LayoutLists, LayoutProblem, find_layout
from transforms.layouts.lists import Column
from transforms.sheets import Sheet, UnreadableExport
from transforms.text import clean, clean_column, key, mask

# One reason a row, the first that applies (design, "Reject reasons"); unknown_unit is found in the build.
REASONS = ("missing_case_code", "unknown_unit", "bad_date", "unknown_status", "unknown_channel", "unknown_level", "bad_number", "unknown_word")
_REASON_OF_TYPE = {
    "date": "bad_date",
    "status": "unknown_status",
    "channel": "unknown_channel",
    "level": "unknown_level",
    "amount": "bad_number",
    "fee": "bad_number",
    "count": "bad_number",
    "collection": "unknown_word",
    "method": "unknown_word",
    "payment_state": "unknown_word",
    "component": "unknown_word",
    "yes_no": "unknown_word",
}
_ARROW = {
    "date": pa.timestamp("us"),
    "status": pa.int32(),
    "component": pa.int32(),
    "amount": pa.int64(),
    "fee": pa.int64(),
    "count": pa.int64(),
    "duration": pa.int64(),
    "yes_no": pa.bool_(),
}
# Types whose valid value proves that a row without a usable code is data and not a signature or a total.
_EVIDENCE = frozenset(("date", "status", "channel", "level", "procedure_code", "collection", "method", "payment_state", "component", "count"))
_TOTAL = re.compile(r"^(tổng(cộng|số|hồsơ)?|cộng)(:|\d|$|hồsơ|sốhồsơ)")
_INDEX = re.compile(r"^\(?\s*(\d{1,3}|[a-zđ]{1,2}|[ivx]+)\s*\)?(\s*=.*)?$", re.IGNORECASE)
_SECTION = re.compile(r"^(?:[ivxlcdm]+|\d+|[a-zđ])?\s*[.)/-]*\s*lĩnh vực\s*[:.]?\s*(.+)$", re.IGNORECASE)
_PERIOD = re.compile(r"từ ngày:?\s*(\d{1,2}/\d{1,2}/\d{4})\s*(?:đến|-)\s*(?:ngày:?\s*)?(\d{1,2}/\d{1,2}/\d{4})", re.IGNORECASE)
_EXPORTED = "thời điểm xuất"
_FOOTER_ROWS = 15
TROUBLES = pa.schema([("row_number", pa.int32()), ("rank", pa.int32()), ("reason", pa.string()), ("column_name", pa.string()), ("masked_value", pa.string())])


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
    if kind.name == "summary06":
        fields += [("period_first", pa.date32()), ("period_last", pa.date32())]
    return pa.schema(fields)


@dataclass
class NormalisedSheet:
    """One sheet's data rows, typed.

    Attributes:
        rows: one row a data row of the sheet, also the rows in trouble; `row_number` as Excel counts.
        troubles: at most one row per data row and reason; a row without trouble here may still meet one in the build.
    """

    name: str
    layout: Layout
    rows: pa.Table
    troubles: pa.Table
    warnings: list[str] = field(default_factory=list)


@dataclass
class NormalisedExport:
    """What one export holds: its sheets of data, when it says it was made, and what its readers should be told."""

    sheets: list[NormalisedSheet]
    exported_at: datetime | None
    warnings: list[str]


def normalise_export(sheets: Sequence[Sheet], lists: LayoutLists) -> NormalisedExport:
    """All data sheets of one file, read by the headings they have.

    Raises:
        UnreadableExport: no sheet has the headings of a known kind, a required heading is missing, or two headings claim one column.
    """
    done: list[NormalisedSheet] = []
    warnings: list[str] = []
    problems: list[str] = []
    exported_at: datetime | None = None
    visible = [sheet for sheet in sheets if not sheet.hidden]
    hidden = [sheet.name for sheet in sheets if sheet.hidden]
    if hidden:
        warnings.append(f"bỏ qua trang ẩn: {', '.join(hidden)}")
    for sheet in visible:
        where = f"trang “{sheet.name}”: " if sheet.name and len(visible) > 1 else ""
        layout = find_layout(sheet, lists) if sheet.height else None
        titles = sheet.head(layout.first if isinstance(layout, Layout) else _FOOTER_ROWS) if sheet.height else []
        exported_at = exported_at or find_export_time(titles)
        if isinstance(layout, LayoutProblem):
            problems.append(where + layout.text)
        elif layout is None:
            if sheet.height:
                warnings.append(f"{where or 'tệp: '}không có dòng tiêu đề nào nhận ra được, bỏ qua")
        else:
            result = normalise_sheet(sheet, layout, lists, titles)
            footer = [[c.slice(max(0, sheet.height - _FOOTER_ROWS)).to_pylist() for c in sheet.columns]]
            exported_at = exported_at or find_export_time([list(row) for block in footer for row in zip(*block, strict=True)])
            warnings.extend(where + text for text in result.warnings)
            done.append(result)
    if problems:
        raise UnreadableExport("; ".join(problems))
    if not done:
        raise UnreadableExport(
            "không trang nào có dòng tiêu đề của một loại tệp đã biết "
            f"({', '.join(kind.label_vi for kind in lists.kinds.values())}); hãy kiểm tra có xuất đúng danh sách không"
        )
    return NormalisedExport(done, exported_at, warnings)


def find_export_time(rows: Sequence[Sequence[str | None]]) -> datetime | None:
    """The moment after "Thời điểm xuất" in the titles of a sheet, in the same cell or in the next filled one."""
    for row in rows:
        for position, text in enumerate(row):
            if not text:
                continue
            plain = clean(text)
            at = key(plain).find(key(_EXPORTED))
            if at < 0:
                continue
            after = plain[plain.casefold().find("xuất") :]
            for candidate in (after, *(clean(t) for t in row[position + 1 :] if t)):
                found = parsing.DATE_IN_TEXT.search(candidate)
                if found:
                    values, bad = parsing.parse_dates(pa.array([found[0]]))
                    if not bad[0]:
                        return values.cast(pa.timestamp("us"))[0].as_py()
    return None


def find_period(rows: Sequence[Sequence[str | None]]) -> tuple[date, date] | None:
    """The period "(Từ ngày … đến ngày …)" in the titles, both days included."""
    for row in rows:
        for text in row:
            found = _PERIOD.search(clean(text)) if text else None
            if found:
                values, bad = parsing.parse_dates(pa.array([found[1], found[2]]))
                if not bad.any():
                    first, last = values.cast(pa.timestamp("us")).to_pylist()
                    return first.date(), last.date()
    return None


@dataclass
class _Parsed:
    """One column of a sheet: cleaned text, values, and where the text is filled but not understood."""

    text: pa.DictionaryArray
    values: pa.Array
    bad: np.ndarray


def _parse(column: Column, text: pa.DictionaryArray, sheet: Sheet, lists: LayoutLists) -> _Parsed:
    words = text.dictionary
    none_bad = np.zeros(len(words), dtype=bool)
    match column.type:
        case "date":
            values, bad = parsing.parse_dates(words, date1904=sheet.date1904)
            values = values.cast(pa.timestamp("us"))
        case "case_code":
            values, known = parsing.parse_case_codes(words)
            bad = ~known
        case "procedure_code":
            values = parsing.parse_procedure_codes(words)
            bad = ~pc.match_substring_regex(values, r"^\d\.\d{6}$").to_numpy(zero_copy_only=False).astype(bool)
        case "unit":
            values, bad = pa.array([key(word) for word in words.to_pylist()], pa.string()), none_bad
        case "level":
            values, bad = parsing.parse_levels(words, lists.words["level"])
        case "amount" | "count":
            values, bad = parsing.parse_numbers(words)
        case "fee":
            values, bad = parsing.parse_numbers(words, no_fee_words=True)
        case "duration":
            values, bad = parsing.parse_numbers(words)
            bad = none_bad  # a deadline in words ("trong ngày") is no reason to lose the procedure
        case "text":
            values, bad = words, none_bad
        case _:
            values, bad = parsing.parse_words(words, lists.words[column.type], _ARROW.get(column.type, pa.string()))
    wrong = pc.fill_null(pa.array(bad).take(text.indices), False)
    return _Parsed(text, values.take(text.indices), wrong.to_numpy(zero_copy_only=False).astype(bool))


def _valid(column: pa.Array) -> np.ndarray:
    return pc.is_valid(column).to_numpy(zero_copy_only=False).astype(bool)


def normalise_sheet(sheet: Sheet, layout: Layout, lists: LayoutLists, titles: Sequence[Sequence[str | None]] = ()) -> NormalisedSheet:
    """The data rows below the headings, typed, with the troubles found in them.

    Args:
        sheet: the sheet.
        layout: its headings (see `layouts.find_layout`).
        lists: headings and words.
        titles: the rows above the headings, for the period of a summary.
    """
    kind, start = layout.kind, layout.last + 1
    parsed = {
        name: _parse(kind.columns[name], clean_column(sheet.columns[position].slice(start)), sheet, lists) for name, position in layout.columns.items()
    }
    keep, sections = _find_data_rows(sheet, layout, parsed, lists)
    rows = pa.array(np.flatnonzero(keep))
    columns: dict[str, pa.Array] = {"row_number": pa.array(np.flatnonzero(keep) + sheet.first_row + start, pa.int32())}
    for column in kind.columns.values():
        arrow = _ARROW.get(column.type, pa.string())
        found = parsed.get(column.name)
        values = found.values.take(rows).cast(arrow) if found else pa.nulls(len(rows), arrow)
        if column.fill_down and found:
            values = pc.fill_null_forward(values)
        if column.from_section:
            values = pc.coalesce(values, _section_of(rows, sections))
        if column.type == "unit":
            shown = found.text.cast(pa.string()).take(rows) if found else pa.nulls(len(rows), pa.string())
            if column.required and kind.key_column == "case_code":
                prefix = pc.list_element(pc.split_pattern(parsed["case_code"].values.take(rows), "-"), 0)
                values = pc.coalesce(values, pc.binary_join_element_wise(PREFIX_MARK, prefix, ""))
            columns["unit_ref"] = values
            columns["unit_shown"] = _masked(shown)
        elif column.type == "channel":
            columns["channel"] = pc.fill_null(values, "counter")  # a blank channel is the counter (national rule)
        else:
            columns[column.staged_as] = values
    if kind.key_column == "case_code":
        columns["is_odd_code"] = pa.array(parsed["case_code"].bad[keep] & _valid(columns["case_code"]))
    if kind.name == "waiting":
        columns["channel"] = pa.array(["online"] * len(rows), pa.string())
    if kind.name == "summary06":
        period = find_period(titles) or (None, None)
        columns["period_first"] = pa.array([period[0]] * len(rows), pa.date32())
        columns["period_last"] = pa.array([period[1]] * len(rows), pa.date32())
    schema = staged_schema(kind)
    result = NormalisedSheet(sheet.name, layout, pa.table([columns[name] for name in schema.names], schema=schema), _troubles(kind, layout, parsed, keep, sheet.first_row + start))
    if layout.unknown:
        result.warnings.append(f"tiêu đề chưa khai báo (cột bị bỏ qua): {', '.join(f'“{heading}”' for heading in layout.unknown)}")
    if sheet.error_cells:
        result.warnings.append(f"{sheet.error_cells} ô báo lỗi (#N/A) hoặc công thức chưa tính")
    if kind.name == "summary06" and columns["period_first"].null_count:
        result.warnings.append("không thấy kỳ báo cáo “Từ ngày … đến ngày …” ở phần tiêu đề")
    return result


def _masked(shown: pa.Array) -> pa.Array:
    encoded = shown.dictionary_encode()
    return pa.array([mask(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _find_data_rows(sheet: Sheet, layout: Layout, parsed: dict[str, _Parsed], lists: LayoutLists) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Which rows below the headings are data, and the section titles ("I. LĨNH VỰC …") with their row."""
    kind = layout.kind
    coded = parsed[kind.key_column]
    size = len(coded.values)
    if kind.key_column == "unit":
        keep = np.zeros(size, dtype=bool)
    else:
        keep = _valid(coded.values) & ~coded.bad
    evidence = np.zeros(size, dtype=int)
    for name, column in parsed.items():
        if kind.columns[name].type in _EVIDENCE:
            evidence += _valid(column.values) & ~column.bad
    code_headings = {heading.rpartition(">")[2] for heading, column in lists.headings[kind.name].items() if column == kind.key_column}
    sections: list[tuple[int, str]] = []
    doubtful = np.flatnonzero(~keep)
    cells = [column.slice(layout.last + 1).take(pa.array(doubtful)).to_pylist() for column in sheet.columns]
    codes = coded.text.take(pa.array(doubtful)).to_pylist()
    for number, code, *row in zip(doubtful, codes, *cells, strict=True):
        texts = [text for cell in row if cell and (text := clean(cell))]
        section = _SECTION.match(texts[0]) if texts and len(set(texts)) == 1 else None
        if section:
            sections.append((int(number), section[1].strip().capitalize()))
        keep[number] = _is_data(texts, code, int(evidence[number]), code_headings)
    return keep, sections


def _is_data(texts: list[str], code: str | None, evidence: int, code_headings: set[str]) -> bool:
    """Whether a row without a well-formed code is data all the same, and so must be loaded or rejected, not passed over."""
    if len(set(texts)) <= 2 or _TOTAL.match(key(texts[0])) or (code and (_TOTAL.match(key(code)) or key(code) in code_headings)):
        return False
    if all(_INDEX.match(text) for text in texts):
        return False
    return evidence >= 1 or (bool(code) and any(c.isdigit() for c in code or "") and len(texts) >= 4)


def _section_of(rows: pa.Array, sections: list[tuple[int, str]]) -> pa.Array:
    """The section title that stands above each of the rows, null before the first."""
    if not sections:
        return pa.nulls(len(rows), pa.string())
    at = np.searchsorted([number for number, _ in sections], rows.to_numpy(), side="right") - 1
    names = pa.array([name for _, name in sections], pa.string())
    return names.take(pa.array(np.where(at < 0, 0, at), mask=at < 0))


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
                        pa.nulls(count, pa.string()) if shown is None else _masked(shown),
                    ],
                    schema=TROUBLES,
                )
            )

    if kind.key_column != "unit":
        add(np.flatnonzero(keep & ~_valid(parsed[kind.key_column].text)), "missing_case_code", kind.key_column, None)
    for name, column in parsed.items():
        reason = _REASON_OF_TYPE.get(kind.columns[name].type)
        if reason is None:
            continue
        wrong = column.bad & keep
        if kind.columns[name].type == "status":
            wrong |= keep & ~_valid(column.text)  # a dossier without a state cannot be counted anywhere
        rows = np.flatnonzero(wrong)
        add(rows, reason, name, column.text.take(pa.array(rows)).cast(pa.string()))
    return pa.concat_tables(parts) if parts else TROUBLES.empty_table()
