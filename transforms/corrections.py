"""Known errors of the source, declared with a guard: corrected while the source shows them, told of when it no longer does.

A correction names one dossier's row (`match`), the wrong value it is there for (`expect`), what to do (`drop` the row or `override` some of
its values) and why. When no current row shows the expected value any more, the correction is spent: nothing is changed and the run warns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import yaml

from transforms.declarations import load_office_yaml
from transforms.office_rows import Faults, TableError
from transforms.parsing import parse_dates, procedure_key
from transforms.text import clean, hide_personal, key

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
# Columns whose values are canonical words, and the group of words.csv that tells them.
_WORDS = {
    "channel": "channel",
    "service_level": "level",
    "status_code": "status",
    "collection": "collection",
    "method": "method",
    "payment_state": "payment_state",
    "digitized_input_code": "component",
}
# A dossier without one of them belongs to nobody, or is none of any measure.
_NEVER_BLANK = frozenset({"unit_code", "channel", "status_code"})


class CorrectionError(TableError):
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

    @property
    def years(self) -> set[int]:
        """Years of the moments it gives, which no row of an export may have."""
        moments = [self.changes[column] for column, kind in _TYPES[self.table].items() if kind == "moment" and column in self.changes]
        return {int(moment.removeprefix("TIMESTAMP '")[:4]) for moment in moments if moment != "NULL"}

    def corrected(self, table: str, columns: Sequence[tuple[str, str]]) -> str:
        """SQL whose rows are those of a table with the correction applied.

        Args:
            table: work.latest_<table>, or some of its rows.
            columns: name and type of its columns.
        """
        if self.action == "drop":
            return f"SELECT * FROM {table} WHERE NOT ({self.condition})"
        changed = [
            f"CAST(CASE WHEN {self.condition} THEN {self.changes[name]} ELSE {name} END AS {kind}) AS {name}"
            if name in self.changes
            else name
            for name, kind in columns
        ]
        return f"SELECT {', '.join(changed)} FROM {table}"


def render_units(table: str, columns: Sequence[tuple[str, str]], by_code: Sequence[str]) -> str:
    """SELECT of corrected dossiers, each with the day it is counted by and the unit in force on that day, both by its corrected dates.

    Where no unit was declared it is the one of the row's own unit cell, as in transforms/sql/30_unit_refs.sql for the day that is new; where one was, the
    last of its code that had begun on the day, and none where none had.

    Args:
        table: rows of work.newest_cases, corrected but for that.
        columns: name and type of its columns.
        by_code: SQL literals of the dossiers whose unit was declared.
    """
    declared = f"d.case_code IN ({', '.join(by_code)})" if by_code else "FALSE"
    dates = "received_at, submitted_at, due_at, finished_at"
    given = {
        "dated_on": "d.new_dated_on",
        "on_date": "d.new_date",
        "unit_code": f"CASE WHEN {declared} OR n.place IS NULL THEN d.unit_code ELSE n.unit_code END",
        "unit_valid_from": f"CASE WHEN {declared} THEN c.valid_from WHEN n.place IS NULL THEN d.unit_valid_from ELSE n.valid_from END",
    }
    shown = ", ".join(f"{given[name]} AS {name}" if name in given else f"d.{name}" for name, _ in columns)
    return (
        f"WITH dated AS (SELECT t.*, CAST(coalesce({dates}) AS DATE) AS new_dated_on, CAST(coalesce({dates}, exported_at) AS DATE) AS new_date FROM {table} AS t),\n"
        "named AS (SELECT d.case_code, u.unit_code, u.valid_from, row_number() OVER (PARTITION BY d.case_code "
        "ORDER BY CASE WHEN d.new_date >= u.valid_from AND d.new_date <= u.valid_to THEN 0 ELSE 1 END, u.rank, "
        "CASE WHEN d.new_date >= u.nearest_from AND d.new_date <= u.nearest_to THEN 0 ELSE 1 END, "
        "CASE WHEN d.new_date < u.valid_from THEN u.valid_from END ASC NULLS LAST, u.valid_to DESC, u.unit_code) AS place\n"
        "FROM dated AS d JOIN work.unit_names AS u ON u.unit_ref = d.unit_ref WHERE d.new_date <> d.on_date),\n"
        "coded AS (SELECT d.case_code, u.valid_from, row_number() OVER (PARTITION BY d.case_code ORDER BY u.valid_from DESC) AS place\n"
        "FROM dated AS d JOIN core.units AS u ON u.unit_code = d.unit_code AND u.valid_from <= d.new_date)\n"
        f"SELECT {shown}\nFROM dated AS d LEFT JOIN named AS n ON n.case_code = d.case_code AND n.place = 1 "
        "LEFT JOIN coded AS c ON c.case_code = d.case_code AND c.place = 1"
    )


def parse_corrections(text: str, words: Mapping[str, Mapping[str, Any]], unit_codes: Collection[str]) -> list[Correction]:
    """The corrections of a YAML list.

    Args:
        text: of corrections.yml.
        words: as LayoutLists.words; a word of the exports ("Trực tuyến") means what it means there.
        unit_codes: every code of units.csv.

    Raises:
        CorrectionError: a field is missing, unknown or there twice, or a value does not fit its column.
    """
    try:
        entries = load_office_yaml(text) or []
    except yaml.YAMLError as error:
        raise CorrectionError(f"corrections.yml: không phải YAML hợp lệ ({str(error).splitlines()[0]})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CorrectionError("corrections.yml: phải là một danh sách, mỗi mục bắt đầu bằng “- id: …”")
    corrections: list[Correction] = []
    faults = Faults()
    for number, entry in enumerate(entries, 1):
        with faults.gather(CorrectionError):
            correction = _parse_entry(entry, number, words, unit_codes)
            if correction.name in {other.name for other in corrections}:
                raise CorrectionError(f"corrections.yml, {correction.name}: id bị lặp")
            corrections.append(correction)
    if faults:
        raise CorrectionError(*faults)
    return corrections


def _parse_entry(entry: Mapping[str, Any], number: int, words: Mapping[str, Mapping[str, Any]], unit_codes: Collection[str]) -> Correction:
    name = str(entry.get("id") or f"mục thứ {number}")
    missing = {"id", "match", "expect", "action", "reason"} - {k for k, v in entry.items() if v}
    unknown = entry.keys() - _FIELDS
    if missing or unknown:
        wrong = [f"thiếu {', '.join(sorted(missing))}"] if missing else []
        wrong += [f"không có trường {', '.join(sorted(map(str, unknown)))}"] if unknown else []
        raise CorrectionError(f"corrections.yml, {name}: {'; '.join(wrong)}; các trường dùng được: {', '.join(sorted(_FIELDS))}")
    table, action = entry.get("table", "cases"), entry["action"]
    if table not in _TYPES:
        raise CorrectionError(f"corrections.yml, {name}: table phải là một trong {', '.join(_TYPES)}")
    if action not in ("drop", "override") or (action == "override") != bool(entry.get("set")):
        raise CorrectionError(f"corrections.yml, {name}: action là drop (không có set) hoặc override (có set)")
    given = {part: _plain_values(name, part, entry.get(part) or {}, words, unit_codes) for part in ("match", "expect", "set")}
    parts = {part: {column: _literal(name, table, column, value) for column, value in values.items()} for part, values in given.items()}
    if "case_code" not in parts["match"]:
        raise CorrectionError(f"corrections.yml, {name}: match phải có case_code")
    if "case_code" in parts["set"]:
        raise CorrectionError(f"corrections.yml, {name}: không được đổi case_code")
    return Correction(name, table, parts["match"], parts["expect"], action, parts["set"], hide_personal(clean(str(entry["reason"]))))


# How a value of each type is written in YAML.
_WRITTEN = {
    "number": "một số nguyên, không đặt trong dấu nháy, ví dụ 10",
    "yes_no": "true hoặc false, không đặt trong dấu nháy",
    "moment": "một ngày, ví dụ 18/05/2024 hay 18/05/2024 17:00",
    "text": "một chữ hay số",
}


def _plain_values(name: str, part: str, values: Any, words: Mapping[str, Mapping[str, Any]], unit_codes: Collection[str]) -> dict[str, Any]:
    """Column -> value as the warehouse has it: a word of the exports as what it means, a unit's code in capitals."""
    if not isinstance(values, dict):
        raise CorrectionError(f"corrections.yml, {name}: {part} phải có dạng cột: giá trị")
    found = {}
    for column, value in ((str(column), value) for column, value in values.items()):
        if value is None and part == "set" and column in _NEVER_BLANK:
            raise CorrectionError(f"corrections.yml, {name}: không được để trống cột {column}")
        known = words[_WORDS[column]] if column in _WORDS and value is not None else {}
        if isinstance(value, str):
            value = known.get(key(value), value)
        if known and value not in known.values():
            allowed = ", ".join(str(one) for one in dict.fromkeys(known.values()))
            raise CorrectionError(f"corrections.yml, {name}: cột {column} không nhận giá trị {value!r}; cần một trong: {allowed}")
        if column == "unit_code" and value is not None:
            value = clean(str(value)).upper()
            if value not in unit_codes:
                raise CorrectionError(f"corrections.yml, {name}: cột unit_code: có “{value}”, cần mã đơn vị có trong units.csv")
        found[column] = value
    return found


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
        # a moment with an offset is told in full, so that it becomes a local one as those of exports do
        is_aware = isinstance(value, datetime) and value.tzinfo is not None
        written = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime | date) and not is_aware else clean(str(value))
        moments, bad = parse_dates(pa.array([written]))
        if not bad[0]:
            return f"TIMESTAMP '{moments.cast(pa.timestamp('us'))[0].as_py()}'"
    if kind == "text" and isinstance(value, str | int | float):
        text = (procedure_key(str(value)) or str(value)) if column == "procedure_code" else str(value)
        return "'" + text.replace("'", "''") + "'"
    raise CorrectionError(f"corrections.yml, {name}: cột {column} không nhận giá trị {value!r}; cần {_WRITTEN[kind]}")


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
