"""The warehouse: built new from staged files, reference tables and as_of, and, once the gate has let it pass, put in place of the old one in a single step."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations import create_tables_sql, load_contracts
from flows.build_sql import check_built, fill_table, run_sql, sql_files
from flows.chains import LINEAGE
from flows.manifest import FILES, Manifest
from flows.reconciliation import count_figures, find_candidates, list_stated, load_figures_declared
from flows.reference import Reference, follow_successors
from flows.settings import ConfigurationError
from transforms.corrections import Correction, outcome_rows
from transforms.freshness import load_freshness
from transforms.measures import load_measures, render_months, render_periods
from transforms.normalise import TROUBLES, staged_schema
from transforms.pending import is_foreseen, render_pending
from transforms.thresholds import load_thresholds
from transforms.workdays import make_calendar

# Clients from DuckDB 1.2 on (DBeaver, Metabase) open this storage version.
STORAGE_VERSION = "v1.2.0"
# Tables of work beyond this go to the scratch folder: more dossiers then take more time, not more memory.
_MEMORY = "768MiB"


def building_path(warehouse: Path) -> Path:
    """Where the next warehouse is built, beside the published one so that it can be moved in one step."""
    return warehouse.with_name(f"{warehouse.name}.building")


def build_warehouse(
    target: Path,
    manifest: Manifest,
    reference: Reference,
    as_of: datetime,
    runs: Sequence[Mapping[str, Any]] = (),
    sources: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Build a warehouse file; afterwards `target` is complete, closed, unchecked (see flows/gate.py) and unpublished.

    The core and mart tables are a function of the staged files, the reference tables and as_of alone.

    Args:
        target: the file to make; what stands there is replaced.
        manifest: which exports count, and their staged rows.
        reference: units, targets, calendar, hours.
        as_of: the moment the figures are for.
        runs: rows of ops.runs.
        sources: rows of ops.sources.
    """
    remove_database(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with connect_scratch(target) as connection:
        connection.execute(f"ATTACH '{quoted(target)}' AS tthc (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("ATTACH ':memory:' AS work")
        connection.execute("USE tthc")
        connection.execute("BEGIN; " + "; ".join(create_tables_sql()) + "; COMMIT")  # one by one, the comments alone take half a second
        _load_inputs(connection, manifest, reference, as_of, runs, sources)
        declared = load_figures_declared(reference.lists)
        reconcile = {"87": list_stated, "88": count_figures, "89": find_candidates}
        for name, text in sql_files():
            if name.startswith("70_"):
                _count_measures(connection, as_of)
            if name.startswith("83_"):
                _count_pending(connection, as_of)
            if name[:2] in reconcile:
                reconcile[name[:2]](connection, declared)
            run_sql(connection, text, f"transforms/sql/{name}")
            if name.startswith("45_"):
                _apply_corrections(connection, reference.corrections)
        check_built(connection)
        connection.execute("CHECKPOINT tthc")


@contextmanager
def connect_scratch(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that spills to a folder beside `target`, gone with it, and fetches nothing from the internet."""
    scratch = target.with_name(f"{target.name}.scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    config = {
        "temp_directory": str(scratch),
        "memory_limit": _MEMORY,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        yield connection
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def quoted(path: Path) -> str:
    """The path inside an SQL text."""
    return str(path).replace("'", "''")


def _load_inputs(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    reference: Reference,
    as_of: datetime,
    runs: Sequence[Mapping[str, Any]],
    sources: Sequence[Mapping[str, Any]],
) -> None:
    load_manifest_views(connection, manifest, reference, as_of)
    kinds, watch = load_freshness({name: kind.label_vi for name, kind in reference.lists.kinds.items()})
    tables = {
        "work.units": reference.units,
        "work.unit_names": reference.unit_names,
        "work.targets": reference.targets,
        "work.thresholds": load_thresholds(),
        "work.tolerances": reference.tolerances,
        "work.kinds": kinds,
        "work.watch": watch,
        "work.plan_leads": reference.plan.leads,
    }
    fill_table(connection, "ops.warnings", manifest.warnings)
    fill_table(connection, "ops.runs", runs)
    fill_table(connection, "ops.sources", sources)
    first, last = connection.execute(
        "SELECT year(min(moment)), year(max(moment)) FROM (SELECT submitted_at AS moment FROM work.cases_rows UNION ALL "
        "SELECT received_at FROM work.cases_rows UNION ALL SELECT due_at FROM work.cases_rows UNION ALL SELECT submitted_at FROM work.waiting_rows)"
    ).fetchall()[0]
    years = (min(first or as_of.year, as_of.year), max(last or as_of.year, as_of.year + 1))
    tables["work.calendar"] = make_calendar(*years, reference.overrides, reference.hours)
    _load_tables(connection, tables)
    _open_offices(connection, reference, years)
    measures = load_measures(list(load_contracts()["core.cases"].columns))
    fill_table(
        connection,
        "mart.measures",
        [
            {
                "measure": m.name,
                "criterion": m.criterion,
                "label_vi": m.label_vi,
                "legal_basis": m.legal_basis,
                "zero_policy": m.zero,
                "period_column": m.period,
                "denominator_sql": m.denominator,
                "numerator_sql": m.numerator,
                "distinct_key": m.distinct,
                "family": m.family,
                "differs_vi": m.differs_vi,
                "decimals": m.decimals,
            }
            for m in measures
        ],
    )


def _load_tables(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    for name, table in tables.items():
        connection.register("incoming", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
        connection.unregister("incoming")


def load_manifest_views(connection: duckdb.DuckDBPyConnection, manifest: Manifest, reference: Reference, as_of: datetime) -> None:
    """work.files, work.present, work.moment, work.plan, work.unit_today, work.<kind>_rows, work.troubles and work.places: what build and gate both look at."""
    tables = {
        "work.files": pa.Table.from_pylist(manifest.files, schema=FILES),
        "work.plan": reference.plan.lines,
        "work.moment": pa.table({"as_of": pa.array([as_of], pa.timestamp("us")), "restart_at_payment": [reference.restart_at_payment]}),
        "work.unit_today": follow_successors(reference.units, as_of.date()),
    }
    _load_tables(connection, tables)
    connection.execute("CREATE TABLE work.present AS SELECT file_id, status FROM work.files WHERE is_present")
    chains = manifest.chains(reference.lists.kinds)
    for name, kind in reference.lists.kinds.items():
        schema = staged_schema(kind).append(pa.field("state_id", pa.int64()))
        _stage_view(connection, f"work.{name}_rows", manifest.parts.get(name, []), chains.rows.get(name), schema)
    _stage_view(connection, "work.troubles", manifest.troubles, chains.troubles if chains.troubles.num_rows else None, TROUBLES)
    _load_tables(
        connection, {"work.places": chains.places, "work.first_places": chains.first_places, "work.chained_exports": chains.exports}
    )


def _stage_view(
    connection: duckdb.DuckDBPyConnection, name: str, parts: Sequence[Path], chained: pa.Table | None, schema: pa.Schema
) -> None:
    """The staged rows of a kind, each once: those of row files, and the states of chained exports at their newest places (see flows/chains.py).

    A column that an export staged by an older reader lacks is NULL for it.
    """
    for column, kind in LINEAGE:
        schema = schema.append(pa.field(column, kind))
    _load_tables(
        connection, {name if not parts else f"{name}_shape": schema.empty_table() if chained is None else chained.select(schema.names)}
    )
    if not parts:
        return
    if any(c in str(parts[0]) for c in "*?["):
        raise ConfigurationError(f"đường dẫn kho dữ liệu “{parts[0].parent}” có ký tự * ? hoặc [; hãy đặt kho dữ liệu ở thư mục khác")
    paths = ", ".join(f"'{quoted(p)}'" for p in sorted(parts))
    staged = f"SELECT * FROM {name}_shape UNION ALL BY NAME SELECT * FROM read_parquet([{paths}], union_by_name = true)"
    connection.execute(f"CREATE VIEW {name} AS SELECT {', '.join(schema.names)} FROM ({staged}) AS staged")


def _apply_corrections(connection: duckdb.DuckDBPyConnection, corrections: Sequence[Correction]) -> None:
    applied = []
    for correction in corrections:
        query = f"SELECT count(*) FROM work.latest_{correction.table} WHERE {correction.condition}"
        applied.append(int(connection.execute(query).fetchall()[0][0]))
        for statement in correction.statements():
            connection.execute(statement)
    fill_table(connection, "ops.corrections", outcome_rows(corrections, applied))


def _open_offices(connection: duckdb.DuckDBPyConnection, reference: Reference, years: tuple[int, int]) -> None:
    """work.office_days: the calendar of every unit with hours of its own, and everybody's as office ''."""
    connection.execute(
        "CREATE TABLE work.office_days AS SELECT '' AS office, row_number() OVER (ORDER BY date) AS day_number, * FROM work.calendar"
    )
    for office in reference.hours.offices:
        connection.register("incoming", make_calendar(*years, reference.overrides, reference.hours, office))
        connection.execute("INSERT INTO work.office_days SELECT ?, row_number() OVER (ORDER BY date), * FROM incoming", [office])
        connection.unregister("incoming")


def _count_measures(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    measures = load_measures(list(load_contracts()["core.cases"].columns))
    months = render_months([m for m in measures if not m.is_per_period], as_of)
    periods = "\nUNION ALL\n".join(render_periods(m, as_of) for m in measures if m.is_per_period)
    for table, rendered in (("measure_months", months), ("measure_periods", periods)):
        connection.execute(f"CREATE TABLE work.{table} AS\n{rendered}")


def _count_pending(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    columns = list(load_contracts()["core.cases"].columns)
    foreseen = [m for m in load_measures(columns) if is_foreseen(m)]
    connection.execute("CREATE TABLE work.foreseen (measure VARCHAR)")
    connection.executemany("INSERT INTO work.foreseen VALUES (?)", [(m.name,) for m in foreseen])
    rendered = render_pending([m for m in foreseen if m.period != "ended_at"], as_of, columns)  # new endings are those of open dossiers
    connection.execute(f"CREATE TABLE work.pending AS\n{rendered}")


def remove_database(path: Path) -> None:
    """Remove a database file and its write-ahead log, where there are any."""
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)


def publish_warehouse(built: Path, warehouse: Path) -> None:
    """Put a checked warehouse in place; readers of the old one keep it until they close it.

    A write-ahead log left beside the old file would be replayed into the new one and make it unopenable, so it is moved aside first.
    """
    if built.with_name(built.name + ".wal").exists():
        raise RuntimeError("the new warehouse was not closed cleanly: its write-ahead log is still there")
    with built.open("rb+") as stream:
        os.fsync(stream.fileno())
    stale = warehouse.with_name(warehouse.name + ".wal")
    if stale.exists():
        stale.replace(stale.with_name(stale.name + ".stale"))
    built.replace(warehouse)


def checksum_tables(warehouse: Path, schemas: Sequence[str] = ("core", "mart")) -> dict[str, str]:
    """Table name -> row count and order-independent checksum, for comparing two warehouses."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return checksum_connection(connection, schemas)


def checksum_connection(connection: duckdb.DuckDBPyConnection, schemas: Sequence[str] = ("core", "mart")) -> dict[str, str]:
    """The same of a warehouse that is open already."""
    names = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE list_contains(?, schema_name) ORDER BY 1", [list(schemas)]
    ).fetchall()
    return {
        name: str(
            connection.execute(
                f"SELECT count(*) || ':' || coalesce(bit_xor(hash(t)), 0) || ':' || coalesce(sum(hash(t)), 0) FROM {name} AS t"
            ).fetchall()[0][0]
        )
        for (name,) in names
    }
