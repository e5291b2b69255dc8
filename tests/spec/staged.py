"""A warehouse built from a few dossiers given as rows, without files to read: what spec tests share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import write_reference

from expectations import CheckResult, load_contracts
from flows.gate import run_sql_checks
from flows.manifest import Manifest
from flows.reference import load_reference
from flows.warehouse import build_warehouse
from transforms.layouts import load_lists
from transforms.measures import load_measures
from transforms.normalise import staged_schema
from transforms.text import key, unit_reference

LINEAGE = (("file_id", pa.string()), ("sheet", pa.string()), ("sheet_number", pa.int32()))


def staged_row(number: int, **cells: Any) -> dict[str, Any]:
    """A staged row with its lineage; `unit` names the unit as an export would."""
    if "unit" in cells:
        cells["unit_ref"], cells["unit_shown"] = unit_reference(key(cells.pop("unit"))), None
    return {"row_number": number, "file_id": "f" * 64, "sheet": "s", "sheet_number": 1, "is_odd_code": False} | cells


def build_staged(
    folder: Path,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    as_of: datetime,
    *,
    units: str,
    targets: str | None = None,
    calendar: str = "",
    hours: str = "",
    files: Sequence[Mapping[str, Any]] = (),
) -> tuple[duckdb.DuckDBPyConnection, list[CheckResult]]:
    """The warehouse of these rows, open for reading, and the results of its SQL checks.

    Args:
        folder: where to build.
        rows: kind of export -> staged rows.
        as_of: the moment the figures are for.
        units, targets, calendar, hours: the office's tables as CSV; without targets those of conftest.py.
        files: the exports the rows are of, where they are more than one: file_id, kind, exported_at and what differs from an ordinary loaded file.
    """
    reference_folder = write_reference(folder / "reference", units, *([] if targets is None else [targets]))
    (reference_folder / "calendar.csv").write_text(calendar or "date,is_working,note\n", encoding="utf-8")
    if hours:
        (reference_folder / "working_hours.csv").write_text(hours, encoding="utf-8")
    manifest = Manifest()
    file = {
        "file_id": "f" * 64,
        "file_name": "spec",
        "status": "loaded",
        "kind": "cases",
        "exported_at": as_of,
        "is_age_guessed": False,
        "is_present": True,
    }
    manifest.files += [file | {"file_name": f"{own['file_id']}.xlsx"} | own for own in files] or [file]
    for kind, staged in rows.items():
        schema = staged_schema(load_lists().kinds[kind])
        for name, arrow in LINEAGE:
            schema = schema.append(pa.field(name, arrow))
        pq.write_table(pa.Table.from_pylist(list(staged), schema=schema), folder / f"{kind}.parquet")
        manifest.parts[kind] = [folder / f"{kind}.parquet"]
    reference = load_reference(reference_folder, [m.name for m in load_measures(list(load_contracts()["core.cases"].columns))])
    build_warehouse(folder / "w.duckdb", manifest, reference, as_of)
    checks = run_sql_checks(folder / "w.duckdb", manifest, reference, as_of)
    return duckdb.connect(str(folder / "w.duckdb"), read_only=True), checks
