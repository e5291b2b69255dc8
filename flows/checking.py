"""`tthc check`: an export read and normalised as the night would, without staging or loading anything."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.landing import is_export, list_exports, time_in_name
from flows.reference import load_own_lists, load_unit_refs
from transforms.case_codes import parse_case_codes
from transforms.exports import normalise_export
from transforms.layouts import LayoutLists
from transforms.normalise import NormalisedSheet
from transforms.parsing import parse_codes, procedure_key
from transforms.readers import is_archive, read_member, read_sheets
from transforms.sheets import Sheet, UnreadableExport
from transforms.text import clean, hide_numbers, mask
from transforms.wording import REASONS_VI, moment_vi

_SHOWN_ROWS, _SHOWN_TROUBLES = 3, 20


def check_file(path: Path, reference: Path) -> Iterator[dict[str, Any]]:
    """What one file would give, one record an export (every member where it is an archive).

    Each record has: file, member, error (None when it reads), passed_over (a temporary or hidden file, no export), exported_at, warnings, sheets;
    each sheet: name, kind, why (the headings that decided the kind), heading_rows, mapping (heading -> column), personal, unknown, first_rows (masked),
    rows, rejects (reason -> count, as far as they show without reference tables), troubles.

    Raises:
        ConfigurationError: the office's heading or word list cannot be used.
    """
    lists, units = load_own_lists(reference), load_unit_refs(reference)
    if not is_export(path.name):
        yield _record(path.name, None) | {"passed_over": True}
        return
    data = path.read_bytes()
    if not is_archive(data):
        yield _check(path.name, None, data, lists, units)
        return
    try:
        for member, _ in list_exports(data):
            yield _check(path.name, member, read_member(data, member), lists, units)
    except UnreadableExport as error:
        yield _record(path.name, None) | {"error": str(error)}


def _record(name: str, member: str | None) -> dict[str, Any]:
    """What is known of an export before it is read."""
    return {"file": name, "member": member, "error": None, "passed_over": False, "exported_at": None, "warnings": [], "sheets": []}


def _check(name: str, member: str | None, data: bytes, lists: LayoutLists, units: Set[str] | None) -> dict[str, Any]:
    record = _record(name, member)
    try:
        sheets = read_sheets(data)
        export = normalise_export(sheets, lists)
    except UnreadableExport as error:
        return record | {"error": hide_numbers(str(error))}
    exported = export.exported_at or time_in_name(member or "") or time_in_name(name)
    by_name = {sheet.name: sheet for sheet in sheets if not sheet.hidden}
    return record | {
        "exported_at": exported.isoformat(sep=" ") if exported else None,
        "warnings": [hide_numbers(warning) for warning in export.warnings],
        "sheets": [_check_sheet(sheet, by_name[sheet.name], units) for sheet in export.sheets],
    }


def _check_sheet(sheet: NormalisedSheet, source: Sheet, units: Set[str] | None) -> dict[str, Any]:
    layout = sheet.layout
    first: dict[int, str] = {}
    troubles = sorted([*sheet.troubles.to_pylist(), *_unknown_units(sheet, units)], key=lambda t: (t["rank"], t["row_number"]))
    for trouble in troubles:
        first.setdefault(trouble["row_number"], trouble["reason"])
    return {
        "name": hide_numbers(sheet.name),
        "kind": layout.kind.name,
        "kind_vi": layout.kind.label_vi,
        "why": [hide_numbers(layout.headings[mark]) for mark in layout.columns if mark in layout.kind.marks],
        "heading_rows": list(sheet.heading_rows) if sheet.heading_rows else None,
        "mapping": {hide_numbers(heading): column for column, heading in layout.headings.items()},
        "personal": [hide_numbers(heading) for heading in layout.personal],
        "unknown": [hide_numbers(heading) for heading in layout.unknown],
        "first_rows": _first_rows(sheet, source, troubles),
        "rows": sheet.rows.num_rows,
        "rejects": dict(Counter(first.values()).most_common()),
        "troubles": [
            {"row": t["row_number"], "column": t["column_name"], "reason": t["reason"], "value": t["masked_value"]}
            for t in troubles[:_SHOWN_TROUBLES]
        ],
    }


def _unknown_units(sheet: NormalisedSheet, units: Set[str] | None) -> list[dict[str, Any]]:
    """Rows whose unit nobody knows, as the build would find them; a blank unit is no trouble in lists of fees and digitization."""
    if units is None or "unit_ref" not in sheet.rows.column_names:
        return []
    column = sheet.layout.headings.get("unit", "unit")
    return [
        {"row_number": row["row_number"], "rank": 2, "reason": "unknown_unit", "column_name": column, "masked_value": row["unit_shown"]}
        for row in sheet.rows.select(["row_number", "unit_ref", "unit_shown"]).to_pylist()
        if row["unit_ref"] not in units and (row["unit_ref"] is not None or sheet.layout.kind.columns["unit"].required)
    ]


def _first_rows(sheet: NormalisedSheet, source: Sheet, troubles: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The first data rows as written, by heading; a cell that is not understood may hold anything and is masked."""
    odd = {(trouble["row_number"], trouble["column_name"]) for trouble in troubles}
    shown = []
    for number in sheet.rows["row_number"].slice(0, _SHOWN_ROWS).to_pylist():
        row: dict[str, str] = {"dòng": str(number)}
        for column, position in sheet.layout.columns.items():
            heading, kind = sheet.layout.headings[column], sheet.layout.kind.columns[column].type
            places = [position, *([sheet.layout.hours[column]] if column in sheet.layout.hours else [])]
            text = clean(" ".join(source.columns[place][number - source.first_row].as_py() or "" for place in places))
            is_code = kind == "case_code" and bool(parse_case_codes(pa.array([text]))[1][0])
            is_procedure = kind == "procedure_code" and procedure_key(text) is not None
            is_number = kind == "code" and bool(text) and parse_codes(pa.array([text]))[0].is_valid
            is_typed = kind not in ("case_code", "procedure_code", "code", "unit", "text", "duration", "year")
            row[heading] = text if (is_typed or is_code or is_number or is_procedure) and (number, heading) not in odd else mask(text)
        row |= dict.fromkeys(sheet.layout.personal, "***")
        shown.append(row)
    return shown


def describe(record: dict[str, Any]) -> list[str]:
    """A record of `check_file` as lines for a person."""
    title = f"{record['file']} › {record['member']}" if record["member"] else record["file"]
    if record["error"]:
        return [f"{title}: TỪ CHỐI — {record['error']}"]
    if record["passed_over"]:
        return [f"{title}: BỎ QUA — tệp tạm hoặc tệp ẩn, không phải tệp xuất; lần chạy cũng bỏ qua"]
    lines = []
    for sheet in record["sheets"]:
        where = f"{title}, trang “{sheet['name']}”" if sheet["name"] else title
        lines.append(f"{where}: {sheet['kind_vi']} ({sheet['kind']}), vì có cột {', '.join(f'“{w}”' for w in sheet['why'])}")
        first, last = sheet["heading_rows"] or (None, None)
        at = f"tiêu đề ở dòng {first}{f'–{last}' if last != first else ''}" if first else "tiêu đề ở trang trước"
        lines.append(f"  {at}; {sheet['rows']} dòng dữ liệu")
        lines.append("  cột đã nhận: " + ", ".join(f"“{heading}” → {column}" for heading, column in sheet["mapping"].items()))
        if sheet["personal"]:
            lines.append(f"  cột cá nhân, không bao giờ lưu: {', '.join(f'“{heading}”' for heading in sheet['personal'])}")
        for row in sheet["first_rows"]:
            lines.append("    " + " | ".join(f"{heading}: {text}" for heading, text in row.items() if text))
        lines.extend(f"  ✗ {REASONS_VI[reason]}: {count} dòng" for reason, count in sheet["rejects"].items())
        for trouble in sheet["troubles"]:
            shown = f" “{trouble['value']}”" if trouble["value"] else ""
            lines.append(f"      dòng {trouble['row']}, cột “{trouble['column']}”: {REASONS_VI[trouble['reason']]}{shown}")
    exported = datetime.fromisoformat(record["exported_at"]) if record["exported_at"] else None
    lines.append(f"  xuất lúc: {moment_vi(exported) or 'không rõ, sẽ lấy lúc tệp đến'}")
    lines.extend(f"  ! {warning}" for warning in record["warnings"])
    return lines


def is_clean(record: dict[str, Any]) -> bool:
    """The export reads, and no row of it has trouble; or it is none."""
    return record["error"] is None and not any(sheet["rejects"] for sheet in record["sheets"])
