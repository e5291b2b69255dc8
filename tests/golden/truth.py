"""Comparing a published warehouse with the truth a sample was made from; every difference is a line of text."""

import csv
import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import oracle


def compare(sample: Path, warehouse: Path) -> list[str]:
    """What differs between the sample's truth, counted in plain Python, and the warehouse."""
    truth = oracle.load_truth(sample / "truth", sample / "reference")
    with duckdb.connect(str(warehouse), read_only=True) as db:
        return [*_files(sample, db), *_cases(sample, db), *_rates(truth, db), *_rates_today(truth, db), *_late(truth, db)]


def _files(sample: Path, db: duckdb.DuckDBPyConnection) -> list[str]:
    wanted = json.loads((sample / "truth" / "files.json").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for name, status, kind, data, loaded, rejected, exported in db.execute(
        "SELECT file_name, status, kind, rows_data, rows_loaded, rows_rejected, exported_at FROM ops.files"
    ).fetchall():
        found[name] = {"status": status, "kind": kind, "rows_loaded": loaded, "rows_rejected": rejected, "exported_at": str(exported)}
        if data != loaded + rejected:
            found[name]["status"] = "rows not accounted for"
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in db.execute("SELECT file_name, reason FROM ops.rejects").fetchall():
        reasons[name].append(reason)
    differences = [f"file invented: {name}" for name in found.keys() - wanted.keys()]
    for name, facts in wanted.items():
        if name not in found:
            differences.append(f"file unknown: {name}")
            continue
        keys = ["status", "rows_loaded", "rows_rejected"] + (["kind", "exported_at"] if facts["status"] in ("loaded", "later") else [])
        differences += [f"{name}: {k} should be {facts[k]}, is {found[name][k]}" for k in keys if str(found[name][k]) != str(facts[k])]
        if sorted(reasons[name]) != facts["reject_reasons"]:
            differences.append(f"{name}: rejects should be {facts['reject_reasons']}, are {sorted(reasons[name])}")
    return differences


_FACTS = (
    "case_code unit_code unit_valid_from procedure_code channel service_level status_code submitted_at received_at due_at finished_at "
    "returned_at is_fee_bearing fee_amount is_paid_online paid_at digitized_input_code has_result waiting_hours waiting_clock_hours supplements"
).split()
_COLUMNS = {"supplements": "supplement_count"}


def _plain(fact: str, value: object) -> str:
    text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    if fact in ("waiting_hours", "waiting_clock_hours") and text:
        return f"{float(text):.3f}"
    if fact == "fee_amount" and text == "0":
        return ""
    return {"True": "true", "False": "false"}.get(text, text)


def _cases(sample: Path, db: duckdb.DuckDBPyConnection) -> list[str]:
    columns = ", ".join(_COLUMNS.get(fact, fact) for fact in _FACTS)
    rows = db.execute(f"SELECT {columns} FROM core.cases").fetchall()
    found = {row[0]: [_plain(f, v) for f, v in zip(_FACTS, row, strict=True)] for row in rows}
    with (sample / "truth" / "dossiers.csv").open(encoding="utf-8", newline="") as stream:
        wanted = {row["case_code"]: [_plain(fact, row[fact]) for fact in _FACTS] for row in csv.DictReader(stream)}
    differences = [f"dossiers counted twice: {len(rows) - len(found)}"] if len(rows) > len(found) else []
    differences += [f"dossier missing: {code}" for code in wanted.keys() - found.keys()]
    differences += [f"dossier invented: {code}" for code in found.keys() - wanted.keys()]
    for code in sorted(wanted.keys() & found.keys()):
        for fact, want, have in zip(_FACTS, wanted[code], found[code], strict=True):
            if want != have:
                differences.append(f"{code}: {fact} should be {want!r}, is {have!r}")
    return differences


def _rates(truth: oracle.Truth, db: duckdb.DuckDBPyConnection) -> list[str]:
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    for *key, start, numerator, denominator in db.execute(
        "SELECT measure, period_kind, 'unit', unit_code || '@' || unit_valid_from, period_start, numerator, denominator FROM mart.unit_rates UNION ALL "
        "SELECT measure, period_kind, group_kind, group_code, period_start, numerator, denominator FROM mart.group_rates"
    ).fetchall():
        if denominator:
            found[(key[0], key[1], str(start), key[2], key[3])] = (numerator, denominator)
    return _unequal(oracle.unit_rates(truth), found, truth)


def _rates_today(truth: oracle.Truth, db: duckdb.DuckDBPyConnection) -> list[str]:
    if not db.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'mart' AND table_name = 'unit_rates_today'").fetchall():
        return []
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    for measure, kind, start, unit, numerator, denominator in db.execute(
        "SELECT measure, period_kind, period_start, unit_code || '@' || unit_valid_from, numerator, denominator FROM mart.unit_rates_today"
    ).fetchall():
        if denominator:
            found[(measure, kind, str(start), "unit", unit)] = (numerator, denominator)
    wanted = {key: rate for key, rate in oracle.unit_rates_as_is(truth).items() if key[3] == "unit"}
    return [f"today {line}" for line in _unequal(wanted, found, truth)]


def _unequal(rates: dict[oracle.Key, tuple[int, int]], found: dict[tuple[Any, ...], tuple[int, int]], truth: oracle.Truth) -> list[str]:
    periods = oracle.periods(truth)  # dossiers dated after as_of are kept, but their periods have not come yet
    wanted = {key: rate for key, rate in rates.items() if (key[1], key[2]) in periods}
    return [
        f"{key}: should be {wanted.get(key)}, is {found.get(key)}"
        for key in sorted(wanted.keys() | found.keys())
        if wanted.get(key) != found.get(key)
    ]


def _late(truth: oracle.Truth, db: duckdb.DuckDBPyConnection) -> list[str]:
    rows = db.execute(
        "SELECT case_code, unit_code, submitted_at, received_at, waiting_hours, is_waiting FROM mart.late_receptions"
    ).fetchall()
    found = {row[0]: row[1:] for row in rows}
    wanted = oracle.late_receptions(truth)
    differences = []
    for code in sorted(wanted.keys() | found.keys()):
        want, have = wanted.get(code), found.get(code)
        if want is None or have is None or (want[:3], want[4]) != (have[:3], have[4]) or abs(want[3] - have[3]) > 1e-6:
            differences.append(f"late reception {code}: should be {want}, is {have}")
    return differences
