"""The warehouse, built new from staged files, reference tables and as_of; once the gate has let it pass, flows/keeping.py publishes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from expectations import create_tables_sql, load_contracts
from flows.build_sql import check_built, contract_rows, sql_files, wording_functions
from flows.chains import LINEAGE
from flows.engine import DuckEngine, Engine, connect_scratch, quoted
from flows.manifest import FILES, Manifest
from flows.reconciliation import count_figures, find_candidates, list_stated, load_figures_declared
from flows.reference import Reference, follow_successors
from flows.restating import compare_cases, count_restated, load_published
from transforms.audit import load_audit, render_audited
from transforms.corrections import Correction, outcome_rows, render_units
from transforms.freshness import load_freshness
from transforms.measures import load_measures, render_months, render_periods
from transforms.normalise import staged_schema
from transforms.pending import is_foreseen, render_pending, render_unpaid
from transforms.thresholds import load_thresholds
from transforms.troubles import TROUBLES
from transforms.workdays import make_calendar

# Clients from DuckDB 1.2 on (DBeaver, Metabase) open this storage version.
STORAGE_VERSION = "v1.2.0"


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

    The core and mart tables are a function of the staged files, what was published on the days before among them, the reference tables and as_of alone.

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
        fill_warehouse(DuckEngine(connection), manifest, reference, as_of, runs, sources)
        check_built(connection)
        connection.execute("CHECKPOINT tthc")


def fill_warehouse(
    engine: Engine,
    manifest: Manifest,
    reference: Reference,
    as_of: datetime,
    runs: Sequence[Mapping[str, Any]] = (),
    sources: Sequence[Mapping[str, Any]] = (),
) -> None:
    """The story of the build, for every engine: each table of core, mart and ops that the build owns is filled, in this order."""
    for function in wording_functions():
        engine.define(function)
    _load_inputs(engine, manifest, reference, as_of, runs, sources)
    declared = load_figures_declared(reference.lists)
    measures = load_measures(list(load_contracts()["core.cases"].columns))
    audit = load_audit([m.name for m in measures])
    reconcile = {"87": list_stated, "88": count_figures, "89": find_candidates}
    for name, text in sql_files():
        if name.startswith("70_"):
            _count_measures(engine, as_of)
        if name.startswith("83_"):
            _count_pending(engine, as_of)
        if name.startswith("94_audit_changes"):
            engine.load("work.audit_rules", audit.rules)
            engine.load("work.audit_statuses", audit.statuses)
        if name.startswith("94_audit_words"):
            engine.run("CREATE TABLE work.audit_counted AS\n" + render_audited(audit, measures, as_of), "measures.yml")
        if name.startswith("95_"):
            load_published(engine, manifest, as_of)
        if name.startswith("96_"):
            count_restated(engine, manifest, as_of)
        if name.startswith("97_"):
            compare_cases(engine)
        if name[:2] in reconcile:
            reconcile[name[:2]](engine, declared)
        engine.run(text, f"transforms/sql/{name}")
        if name.startswith("45_"):
            apply_corrections(engine, reference.corrections)


def _load_inputs(
    engine: Engine,
    manifest: Manifest,
    reference: Reference,
    as_of: datetime,
    runs: Sequence[Mapping[str, Any]],
    sources: Sequence[Mapping[str, Any]],
) -> None:
    load_manifest_views(engine, manifest, reference, as_of)
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
    engine.fill("ops.warnings", contract_rows("ops.warnings", manifest.warnings))
    engine.fill("ops.runs", contract_rows("ops.runs", runs))
    engine.fill("ops.sources", contract_rows("ops.sources", sources))
    first, last = engine.fetch(
        "SELECT year(min(moment)), year(max(moment)) FROM (SELECT submitted_at AS moment FROM work.cases_rows UNION ALL "
        "SELECT received_at FROM work.cases_rows UNION ALL SELECT due_at FROM work.cases_rows UNION ALL SELECT submitted_at FROM work.waiting_rows) AS moments"
    )[0]
    corrected = [year for correction in reference.corrections for year in correction.years]
    years = (min(first or as_of.year, as_of.year, *corrected), max(last or as_of.year, as_of.year + 1, *corrected))
    tables["work.calendar"] = make_calendar(*years, reference.overrides, reference.hours)
    tables["work.office_days"] = _open_offices(reference, years, tables["work.calendar"])
    _load_tables(engine, tables)
    measures = load_measures(list(load_contracts()["core.cases"].columns))
    rows: list[Mapping[str, object]] = [
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
    ]
    engine.fill("mart.measures", contract_rows("mart.measures", rows))


def _load_tables(engine: Engine, tables: Mapping[str, pa.Table]) -> None:
    for name, table in tables.items():
        engine.load(name, table)


def load_manifest_views(engine: Engine, manifest: Manifest, reference: Reference, as_of: datetime) -> None:
    """work.files, work.present, work.moment, work.plan, work.unit_today, work.<kind>_rows, work.troubles and work.places: what build and gate both look at."""
    files = pa.Table.from_pylist(manifest.files, schema=FILES)
    tables = {
        # Keys are ordered by these numbers as by the ids, which are 64 characters long.
        "work.files": files.append_column("file_number", pc.rank(files["file_id"], tiebreaker="dense").cast(pa.int64())),
        "work.plan": reference.plan.lines,
        "work.moment": pa.table({"as_of": pa.array([as_of], pa.timestamp("us")), "restart_at_payment": [reference.restart_at_payment]}),
        "work.unit_today": follow_successors(reference.units, as_of.date()),
    }
    _load_tables(engine, tables)
    engine.run("CREATE TABLE work.present AS SELECT file_id, status FROM work.files WHERE is_present", "work.present")
    chains = manifest.chains(reference.lists.kinds)
    for name, kind in reference.lists.kinds.items():
        schema = staged_schema(kind).append(pa.field("state_id", pa.int64()))
        _stage_rows(engine, f"work.{name}_rows", manifest.parts.get(name, []), chains.rows.get(name), schema)
    _stage_rows(engine, "work.troubles", manifest.troubles, chains.troubles if chains.troubles.num_rows else None, TROUBLES)
    _load_tables(engine, {"work.places": chains.places, "work.first_places": chains.first_places, "work.chained_exports": chains.exports})


def _stage_rows(engine: Engine, name: str, parts: Sequence[Path], chained: pa.Table | None, schema: pa.Schema) -> None:
    """The staged rows of a kind, each once: those of row files, and the states of chained exports at their newest places (see flows/chains.py)."""
    for column, kind in LINEAGE:
        schema = schema.append(pa.field(column, kind))
    engine.stage(name, parts, schema.empty_table() if chained is None else chained.select(schema.names))


def apply_corrections(engine: Engine, corrections: Sequence[Correction]) -> None:
    """work.latest_<table> shows work.newest_<table> with every correction applied, one after the other; what each met stands in ops.corrections.

    A correction is for one dossier, so only the rows of those dossiers are copied and go through the corrections.
    """
    applied = dict.fromkeys(range(len(corrections)), 0)
    for table in ("cases", "payments", "digitization"):
        newest, touched = f"work.newest_{table}", f"work.corrected_{table}"
        shown = f"SELECT * FROM {newest}"
        of_table = {number: c for number, c in enumerate(corrections) if c.table == table}
        if of_table:
            columns = engine.columns(newest)
            cases = ", ".join(sorted({c.match["case_code"] for c in of_table.values()}))
            engine.run(f"CREATE TABLE {touched} AS {shown} WHERE case_code IN ({cases})", "corrections.yml")
            for number, correction in of_table.items():
                applied[number] = int(engine.fetch(f"SELECT count(*) FROM {touched} WHERE {correction.condition}")[0][0])
                if applied[number]:
                    engine.replace(touched, correction.corrected(touched, columns))
            if table == "cases":
                by_code = [c.match["case_code"] for number, c in of_table.items() if applied[number] and "unit_code" in c.changes]
                engine.replace(touched, render_units(touched, columns, by_code))
            shown += f" WHERE case_code NOT IN ({cases}) UNION ALL SELECT * FROM {touched}"
        engine.run(f"CREATE VIEW work.latest_{table} AS {shown}", "corrections.yml")
    engine.fill("ops.corrections", contract_rows("ops.corrections", outcome_rows(corrections, list(applied.values()))))


def _open_offices(reference: Reference, years: tuple[int, int], everybody: pa.Table) -> pa.Table:
    """The calendar of every unit with hours of its own, and everybody's as office ''; days are numbered."""
    calendars = {"": everybody} | {
        office: make_calendar(*years, reference.overrides, reference.hours, office) for office in reference.hours.offices
    }
    return pa.concat_tables(
        calendar.add_column(0, "office", pa.array([office] * calendar.num_rows, pa.string())).add_column(
            1, "day_number", pa.array(range(1, calendar.num_rows + 1), pa.int64())
        )
        for office, calendar in calendars.items()
    )


def _count_measures(engine: Engine, as_of: datetime) -> None:
    measures = load_measures(list(load_contracts()["core.cases"].columns))
    months = render_months([m for m in measures if not m.is_per_period], as_of)
    periods = "\nUNION ALL\n".join(render_periods(m, as_of) for m in measures if m.is_per_period)
    for table, rendered in (("measure_months", months), ("measure_periods", periods)):
        engine.run(f"CREATE TABLE work.{table} AS\n{rendered}", "measures.yml")


def _count_pending(engine: Engine, as_of: datetime) -> None:
    columns = list(load_contracts()["core.cases"].columns)
    foreseen = [m for m in load_measures(columns) if is_foreseen(m)]
    engine.load("work.foreseen", pa.table({"measure": pa.array([m.name for m in foreseen], pa.string())}))
    rendered = render_pending([m for m in foreseen if m.period != "ended_at"], as_of, columns)  # new endings are those of open dossiers
    engine.run(f"CREATE TABLE work.pending AS\n{rendered}", "measures.yml")
    engine.run(f"CREATE TABLE work.unpaid AS\n{render_unpaid(foreseen, as_of, columns)}", "measures.yml")


def remove_database(path: Path) -> None:
    """Remove a database file and its write-ahead log, where there are any."""
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)


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
