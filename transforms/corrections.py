"""Known errors of the source, declared with a guard: corrected while the source shows them, told of when it no longer does.

A correction names one dossier's row (`match`), the wrong value it is there for (`expect`), what to do (`drop` the row or `override` some of
its values) and why. When no current row shows the expected value any more, the correction is spent: nothing is changed and the run warns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import yaml

from transforms.parsing import parse_dates, procedure_key
from transforms.text import clean

_FIELDS = {"id", "table", "match", "expect", "action", "set", "reason"}
_TYPES: Mapping[str, Mapping[str, str]] = {
    "cases": {
        **dict.fromkeys(("case_code", "unit_code", "procedure_code", "service_level", "channel"), "text"),
        **dict.fromkeys(("submitted_at", "received_at", "due_at", "finished_at", "returned_at"), "moment"),
        "status_code": "number",
    },
    "payments": {
        **dict.fromkeys(("case_code", "procedure_code", "collection", "method", "payment_state"), "text"),
        "amount": "number",
        "paid_at": "moment",
    },
    "digitization": {"case_code": "text", "digitized_input_code": "number", "is_result_digitized": "yes_no", "is_e_result": "yes_no"},
}


class CorrectionError(Exception):
    """A correction is declared wrongly; the text names it and says what is expected."""


@dataclass(frozen=True)
class Correction:
    """One declared correction; values are SQL literals."""

    name: str
    table: str
    match: Mapping[str, str]
    expect: Mapping[str, str]
    action: str
    changes: Mapping[str, str]
    reason: str

    @property
    def condition(self) -> str:
        """SQL condition of the rows it is for."""
        return " AND ".join(f"{column} IS NOT DISTINCT FROM {value}" for column, value in (*self.match.items(), *self.expect.items()))

    def corrected(self, table: str, columns: Sequence[tuple[str, str]]) -> str:
        """SQL whose rows are those of a table with the correction applied.

        Args:
            table: work.latest_<table>, or some of its rows.
            columns: name and type of its columns.
        """
        if self.action == "drop":
            return f"SELECT * FROM {table} WHERE NOT ({self.condition})"
        changes = dict(self.changes)
        if "unit_code" in changes:
            changes["unit_valid_from"] = "corrected_valid_from"
        changed = [
            f"CAST(CASE WHEN {self.condition} THEN {changes[name]} ELSE {name} END AS {kind}) AS {name}" if name in changes else name
            for name, kind in columns
        ]
        return f"SELECT {', '.join(changed)} FROM ({self._with_unit(table)}) AS latest"

    def _with_unit(self, table: str) -> str:
        """The table's rows, and the first day of the unit they are given to: of the code's units the last that had begun on the row's day."""
        if "unit_code" not in self.changes:
            return f"SELECT * FROM {table}"
        code = self.changes["unit_code"]
        return (
            f"SELECT l.*, u.valid_from AS corrected_valid_from FROM {table} AS l\n"
            f"LEFT JOIN core.units AS u ON u.unit_code = {code} AND u.valid_from <= l.on_date\n"
            f"LEFT JOIN core.units AS n ON n.unit_code = {code} AND n.valid_from <= l.on_date AND n.valid_from > u.valid_from\n"
            "WHERE n.unit_code IS NULL"
        )


def parse_corrections(text: str) -> list[Correction]:
    """The corrections of a YAML list.

    Raises:
        CorrectionError: a field is missing or unknown, or a value does not fit its column.
    """
    try:
        entries = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        raise CorrectionError(f"corrections.yml: không phải YAML hợp lệ ({str(error).splitlines()[0]})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CorrectionError("corrections.yml: phải là một danh sách, mỗi mục bắt đầu bằng “- id: …”")
    corrections: list[Correction] = []
    for entry in entries:
        correction = _parse_entry(entry)
        if correction.name in {other.name for other in corrections}:
            raise CorrectionError(f"corrections.yml, {correction.name}: id bị lặp")
        corrections.append(correction)
    return corrections


def _parse_entry(entry: Mapping[str, Any]) -> Correction:
    name = str(entry.get("id") or "(thiếu id)")
    missing = {"id", "match", "expect", "action", "reason"} - {k for k, v in entry.items() if v}
    unknown = entry.keys() - _FIELDS
    if missing or unknown:
        raise CorrectionError(f"corrections.yml, {name}: thiếu {sorted(missing)}, không có trường {sorted(unknown)}")
    table, action = entry.get("table", "cases"), entry["action"]
    if table not in _TYPES:
        raise CorrectionError(f"corrections.yml, {name}: table phải là một trong {', '.join(_TYPES)}")
    if action not in ("drop", "override") or (action == "override") != bool(entry.get("set")):
        raise CorrectionError(f"corrections.yml, {name}: action là drop (không có set) hoặc override (có set)")
    parts = {part: _literals(name, table, part, entry.get(part) or {}) for part in ("match", "expect", "set")}
    if "case_code" not in parts["match"]:
        raise CorrectionError(f"corrections.yml, {name}: match phải có case_code")
    if "case_code" in parts["set"]:
        raise CorrectionError(f"corrections.yml, {name}: không được đổi case_code")
    return Correction(name, table, parts["match"], parts["expect"], action, parts["set"], clean(str(entry["reason"])))


def _literals(name: str, table: str, part: str, values: Any) -> dict[str, str]:
    if not isinstance(values, dict):
        raise CorrectionError(f"corrections.yml, {name}: {part} phải có dạng cột: giá trị")
    return {str(column): _literal(name, table, str(column), value) for column, value in values.items()}


def _literal(name: str, table: str, column: str, value: Any) -> str:
    kind = _TYPES[table].get(column)
    if kind is None:
        raise CorrectionError(f"corrections.yml, {name}: {table} không có cột “{column}”; có: {', '.join(_TYPES[table])}")
    if value is None:
        return "NULL"
    if kind == "yes_no" and isinstance(value, bool):
        return str(value).upper()
    if kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if kind == "moment":
        written = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime | date) else clean(str(value))
        moments, bad = parse_dates(pa.array([written]))
        if not bad[0]:
            return f"TIMESTAMP '{moments.cast(pa.timestamp('us'))[0].as_py()}'"
    if kind == "text" and isinstance(value, str | int | float):
        text = (procedure_key(str(value)) or str(value)) if column == "procedure_code" else str(value)
        return "'" + text.replace("'", "''") + "'"
    raise CorrectionError(f"corrections.yml, {name}: cột {column} không nhận giá trị {value!r}")


def outcome_rows(corrections: Sequence[Correction], applied: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of ops.corrections: what each correction met."""
    return [
        {
            "correction_id": c.name,
            "table_name": c.table,
            "action": c.action,
            "case_code": c.match["case_code"].strip("'"),
            "reason": c.reason,
            "rows_applied": count,
            "is_spent": count == 0,
        }
        for c, count in zip(corrections, applied, strict=True)
    ]
