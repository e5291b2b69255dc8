"""Comparing a published warehouse with the truth a sample was made from; every difference is a line of text."""

import csv
import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import oracle


def compare(sample: Path, warehouse: Path) -> list[str]:
    """What differs between the sample's truth, counted in plain Python, and the warehouse."""
    truth = oracle.load_truth(sample / "truth", sample / "reference")
    with duckdb.connect(str(warehouse), read_only=True) as db:
        return [*_files(sample, db), *_cases(sample, db), *_rates(truth, db), *_late(truth, db)]


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
    "case_code unit_code procedure_code channel service_level status_code submitted_at received_at due_at finished_at returned_at "
    "is_fee_bearing fee_amount is_paid_online paid_at digitized_input_code has_result"
).split()


def _cases(sample: Path, db: duckdb.DuckDBPyConnection) -> list[str]:
    def plain(value: object) -> str:
        text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
        return {"True": "true", "False": "false", "0": ""}.get(text, text)

    found = {row[0]: [plain(v) for v in row] for row in db.execute(f"SELECT {', '.join(_FACTS)} FROM core.cases").fetchall()}
    with (sample / "truth" / "dossiers.csv").open(encoding="utf-8", newline="") as stream:
        wanted = {row["case_code"]: [plain(row[fact]) for fact in _FACTS] for row in csv.DictReader(stream)}
    differences = [f"dossier missing: {code}" for code in wanted.keys() - found.keys()]
    differences += [f"dossier invented: {code}" for code in found.keys() - wanted.keys()]
    for code in sorted(wanted.keys() & found.keys()):
        for fact, want, have in zip(_FACTS, wanted[code], found[code], strict=True):
            if want != have:
                differences.append(f"{code}: {fact} should be {want!r}, is {have!r}")
    return differences


def _rates(truth: oracle.Truth, db: duckdb.DuckDBPyConnection) -> list[str]:
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    for *key, start, numerator, denominator in db.execute(
        "SELECT measure, period_kind, 'unit', unit_code, period_start, numerator, denominator FROM mart.unit_rates UNION ALL "
        "SELECT measure, period_kind, group_kind, group_code, period_start, numerator, denominator FROM mart.group_rates"
    ).fetchall():
        if denominator:
            found[(key[0], key[1], str(start), key[2], key[3])] = (numerator, denominator)
    periods = oracle.periods(truth)  # dossiers dated after as_of are kept, but their periods have not come yet
    wanted = {key: rate for key, rate in oracle.unit_rates(truth).items() if (key[1], key[2]) in periods}
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
