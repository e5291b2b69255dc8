"""The gate: every rule and contract is asked about the warehouse that was just built, before anybody sees it.

SQL checks run here. Great Expectations runs in a process of its own, started while exports are still being read, because its import alone takes
seconds; both look at the closed file side by side. What they found is written into the file's ops.checks at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations import CheckResult
from expectations.checks import (
    MOST_EXAMPLES,
    SqlCheck,
    checked_contracts,
    contract_checks,
    load_rules,
    not_run,
    shape_message,
    shape_result,
    staged_key_check,
)
from expectations.suites import Frame, staged_frames, warehouse_frames
from flows.acceptances import ACCEPTANCES, Acceptance
from flows.engine import DuckEngine, connect_scratch, quoted
from flows.manifest import Manifest
from flows.reference import Reference
from flows.warehouse import load_manifest_views

# Asks Great Expectations about frames of a built warehouse; see flows/validation.py.
Validator = Callable[[Path, Sequence[Frame], Callable[[], list[CheckResult]]], list[CheckResult]]


def known_checks(reference: Reference) -> list[str]:
    """The name of every check that a run may make, for --accept."""
    names = [rule.name for rule in load_rules()]
    for contract in checked_contracts():
        names += [f"shape:{contract.table}", *(check.name for check in contract_checks(contract))]
    kinds = reference.lists.kinds
    frames = [*staged_frames(kinds, {kind: ["?"] for kind in kinds}, []), *warehouse_frames()]
    names += [check.name for frame in frames for check in frame.checks]
    return names + [staged_key_check(kind).name for kind in kinds]


def run_gate(
    built: Path,
    manifest: Manifest,
    reference: Reference,
    as_of: datetime,
    validator: Validator,
    accepted: Mapping[str, str],
    on_found: Callable[[list[CheckResult]], Sequence[Acceptance]] = lambda results: (),
) -> list[CheckResult]:
    """Every check on a built warehouse; afterwards its ops.checks and ops.acceptances hold what was found and accepted.

    Args:
        built: the complete, closed, unpublished file.
        manifest, reference, as_of: what it was built from.
        validator: asks Great Expectations while the SQL checks run.
        accepted: check name -> why the result may be published past it, for this run only.
        on_found: told of the results before they are written; gives every acceptance ever given.

    Returns:
        One result a check, the rules first.
    """
    parts = {kind: [str(p) for p in paths] for kind, paths in manifest.row_files().items()}
    frames = [*staged_frames(reference.lists.kinds, parts, [str(p) for p in manifest.trouble_files()]), *warehouse_frames()]
    results = validator(built, frames, lambda: run_sql_checks(built, manifest, reference, as_of))
    results = [replace(r, accepted_why=accepted.get(r.name)) if not r.is_passed and r.severity == "critical" else r for r in results]
    _write_results(built, results, on_found(results))
    return results


def run_sql_checks(built: Path, manifest: Manifest, reference: Reference, as_of: datetime) -> list[CheckResult]:
    """The rules, then shape, key, relations and finite numbers of every contract, then the keys of staged rows."""
    with connect_scratch(built) as connection:
        connection.execute(f"ATTACH '{quoted(built)}' AS tthc (READ_ONLY)")
        connection.execute("ATTACH ':memory:' AS work")
        connection.execute("USE tthc")
        load_manifest_views(DuckEngine(connection), manifest, reference, as_of)
        kinds = list(reference.lists.kinds)
        every = [f"SELECT file_id, count(*) AS row_count FROM work.{kind}_rows WHERE state_id IS NULL GROUP BY file_id" for kind in kinds]
        every.append(
            "SELECT e.file_id, count(*) FROM work.places AS p JOIN work.chained_exports AS e ON e.export_number = p.export_number GROUP BY e.file_id"
        )
        connection.execute(
            f"CREATE VIEW work.staged_counts AS SELECT file_id, sum(row_count) AS row_count FROM ({' UNION ALL '.join(every)}) GROUP BY file_id"
        )
        results = [_ask(connection, rule) for rule in load_rules()]
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'tthc'"
        ).fetchall():
            found.setdefault(table, {})[column] = kind
        for contract in checked_contracts():
            if contract.table not in found:
                results.append(not_run(f"shape:{contract.table}", shape_message(contract.table), "không có bảng", contract.table))
                continue
            results.append(shape_result(contract, found[contract.table]))
            results += [_ask(connection, check) for check in contract_checks(contract)]
        return results + [_ask(connection, staged_key_check(kind)) for kind in kinds if manifest.row_files().get(kind)]


def _ask(connection: duckdb.DuckDBPyConnection, check: SqlCheck) -> CheckResult:
    try:
        if check.count:
            return CheckResult(
                check.name, check.severity, int(connection.execute(check.count).fetchall()[0][0]), check.message_vi, check.table
            )
        found = int(connection.execute(f"SELECT count(*) FROM ({check.rows}) AS violations").fetchall()[0][0])
        rows = (
            connection.execute(f"SELECT * FROM ({check.rows}) AS violations ORDER BY ALL LIMIT {MOST_EXAMPLES}").fetchall() if found else []
        )
    except duckdb.Error as error:  # its text may show a value; the class is enough to know where to look
        return not_run(check.name, check.message_vi, type(error).__name__, check.table)
    return CheckResult(check.name, check.severity, found, check.message_vi, check.table, tuple(_key_text(row) for row in rows))


def _key_text(row: Sequence[Any]) -> str:
    return " / ".join(str(cell) for cell in row if cell is not None).replace(";", ",")


def _write_results(built: Path, results: Sequence[CheckResult], given: Sequence[Acceptance]) -> None:
    with duckdb.connect(str(built)) as connection:
        rows = [
            {
                "check_name": r.name,
                "severity": r.severity,
                "found": r.found,
                "is_passed": r.is_passed,
                "message_vi": r.message_vi,
                "examples": "; ".join(r.examples) or None,
                "accepted_why": r.accepted_why,
            }
            for r in results
        ]
        for table, records in (
            ("ops.checks", pa.Table.from_pylist(rows)),
            ("ops.acceptances", pa.Table.from_pylist(list(given), ACCEPTANCES)),
        ):
            connection.execute(f"DELETE FROM {table}")
            connection.register("incoming", records)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
            connection.unregister("incoming")
        connection.execute("CHECKPOINT")
