"""The figures read once from a published warehouse."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from flows.figures import (
    Check,
    Difference,
    Figures,
    File,
    Freshness,
    LateReception,
    Measure,
    Needed,
    Period,
    Rank,
    Rate,
    SourceState,
    Unit,
    WorkItem,
)
from flows.honest_figures import read_effects, read_findings, read_histories, read_restatements
from flows.reference import follow_successors
from transforms.wording import distinct_names

_KIND_ORDER = "CASE period_kind WHEN 'year' THEN 0 WHEN 'quarter' THEN 1 ELSE 2 END"
_LEVEL_ORDER = "list_position(['province', 'province_department', 'district', 'district_department', 'commune', 'all'], {})"


def load_figures(warehouse: Path) -> Figures:
    """Everything the outputs show, from one published warehouse; read once while the file stays the same.

    Raises:
        duckdb.Error: the file is no warehouse of this version.
    """
    state = warehouse.stat() if warehouse.exists() else None
    return _load(warehouse, (state.st_ino, state.st_mtime_ns, state.st_size) if state else None)


def load_figures_for(warehouse: Path, as_of: datetime) -> Figures:
    """The figures of a warehouse built for as_of: where no rate says the moment, they carry this one."""
    figures = load_figures(warehouse)
    return figures if figures.rates else replace(figures, as_of=as_of)


@lru_cache(maxsize=1)
def _load(warehouse: Path, state: tuple[int, int, int] | None) -> Figures:
    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def query(sql: str) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return rows

        return _read(query)


def read_units(query: Callable[[str], list[tuple[Any, ...]]]) -> dict[tuple[str, date], Unit]:
    """Every unit by code and first day, no two called the same: among those in force in the year of as_of only where both are, any other also beside these."""
    rows = query(
        "SELECT u.unit_code, u.valid_from, u.unit_name, u.level, u.valid_from <= m.as_of AND u.valid_to >= date_trunc('year', m.as_of) "
        "FROM core.units AS u, (SELECT max(as_of) AS as_of FROM mart.unit_rates) AS m"
    )
    called = distinct_names(row[:3] for row in rows) | distinct_names(row[:3] for row in rows if row[4])
    return {(code, first): Unit(code, first, name, level, called[code, first]) for code, first, name, level, _ in rows}


def _read(query: Callable[[str], list[tuple[Any, ...]]]) -> Figures:
    units = read_units(query)
    ((as_of,),) = query("SELECT max(as_of) FROM mart.unit_rates") or [(None,)]
    rates = [
        Rate(m, c, Period(k, s, e), units[code, first], None, n, d, t, status, short, fresh, stale)
        for m, c, k, s, e, code, first, n, d, t, status, short, fresh, stale in query(
            "SELECT measure, criterion, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, target, status, shortfall, "
            f"data_as_of, is_stale FROM mart.unit_rates ORDER BY {_KIND_ORDER}, period_start, {_LEVEL_ORDER.format('level')}, unit_code, unit_valid_from, measure"
        )
    ]
    groups = [
        Rate(m, c, Period(k, s, e), None, group, n, d, None, "no_target", None)
        for m, c, k, s, e, group, n, d in query(
            "SELECT measure, criterion, period_kind, period_start, period_end, group_code, numerator, denominator FROM mart.group_rates "
            f"ORDER BY {_KIND_ORDER}, period_start, {_LEVEL_ORDER.format('group_code')}, measure"
        )
    ]
    current = list(dict.fromkeys(r.period for r in rates if as_of and r.period.start <= as_of.date() < r.period.end))
    return Figures(
        as_of=as_of,
        measures=[
            Measure(*row)
            for row in query(
                "SELECT measure, criterion, label_vi, legal_basis, family, distinct_key IS NOT NULL, differs_vi FROM mart.measures ORDER BY rowid"
            )
        ],
        current=current,
        units=list(dict.fromkeys(r.unit for r in rates if r.unit and r.period in current)),
        rates=rates,
        groups=groups,
        late=[
            LateReception(case, units[code, first], submitted, received, hours, waiting)
            for case, code, first, submitted, received, hours, waiting in query(
                "SELECT l.case_code, c.unit_code, c.unit_valid_from, l.submitted_at, l.received_at, l.waiting_hours, l.is_waiting FROM mart.late_receptions AS l "
                "JOIN core.cases AS c USING (case_code) ORDER BY l.is_waiting DESC, l.waiting_hours DESC, l.case_code"
            )
        ],
        worklist=[
            WorkItem(rank, case, units[code, first], *rest)
            for rank, case, code, first, *rest in query(
                "SELECT rank, case_code, unit_code, unit_valid_from, procedure_code, field_vi, problem, due_at, hours_left, submitted_at, received_at, message_vi "
                "FROM mart.worklist ORDER BY rank"
            )
        ],
        needed=[
            Needed(m, units[code, first], n, d, t, remaining, needed, possible, message, forecast, bool(reliable))
            for m, code, first, n, d, t, remaining, needed, possible, message, forecast, reliable in query(
                "SELECT n.measure, n.unit_code, n.unit_valid_from, n.numerator, n.denominator, n.target, n.remaining, n.needed, n.is_possible, n.message_vi, "
                "f.rate, f.is_reliable FROM mart.needed AS n JOIN mart.forecast AS f USING (measure, unit_code, unit_valid_from) "
                "ORDER BY n.unit_code, n.unit_valid_from, n.measure"
            )
        ],
        flags=[
            (rank, units[code, first], message)
            for rank, code, first, message in query("SELECT rank, unit_code, unit_valid_from, message_vi FROM mart.flags ORDER BY rank")
        ],
        freshness=[
            Freshness(kind, kind_vi, units.get((code, first)), fresh, light, problem, message, newest, before)
            for kind, kind_vi, code, first, fresh, light, problem, message, newest, before in query(
                "SELECT kind, kind_vi, unit_code, unit_valid_from, data_as_of, light, problem, message_vi, rows_newest, rows_before FROM ops.freshness "
                "ORDER BY rowid"
            )
        ],
        sources=[SourceState(*row) for row in query("SELECT source, light, last_success_at, message_vi FROM ops.sources ORDER BY source")],
        reconciliation=read_differences(query, units),
        checks=[
            Check(*row)
            for row in query("SELECT check_name, severity, found, is_passed, message_vi, accepted_why FROM ops.checks ORDER BY rowid")
        ],
        files=[
            File(*row)
            for row in query(
                "SELECT f.file_name, f.member, f.kind, f.status, f.exported_at, f.rows_data, f.rows_loaded, f.rows_rejected, f.error, "
                "(SELECT string_agg(w.warning_vi, '; ' ORDER BY w.number) FROM ops.warnings AS w WHERE w.file_id = f.file_id) "
                "FROM ops.files AS f ORDER BY f.file_name, f.member NULLS FIRST, f.file_id"
            )
        ],
        rejects=query(
            "SELECT reason, column_name, file_name, count(*) FROM ops.rejects GROUP BY reason, column_name, file_name ORDER BY 4 DESC, 1, 2 NULLS FIRST, 3"
        ),
        plan=_records(query, "mart.plan", "line_number"),
        ranks=[
            Rank(m, Period(k, s, e), units[code, first], rank, of)
            for m, k, s, e, code, first, rank, of in query(
                "SELECT measure, period_kind, period_start, period_end, unit_code, unit_valid_from, rank, of_units FROM mart.ranking "
                f"WHERE rank IS NOT NULL ORDER BY {_KIND_ORDER}, measure, {_LEVEL_ORDER.format('level')}, rank, unit_code, unit_valid_from"
            )
        ],
        loaded_files=[file_id for (file_id,) in query("SELECT DISTINCT file_id FROM ops.files WHERE status = 'loaded' ORDER BY file_id")],
        is_working_day=_is_working(query, as_of),
        restatements=read_restatements(query, units),
        ordinary_restatements=query(
            "SELECT count(*) FROM mart.restatements AS r JOIN mart.measures AS m USING (measure) "
            "WHERE m.family = 'plan' AND r.restated_on = CAST(r.as_of AS DATE) AND r.cause IN ('progress', 'time')"
        )[0][0],
        findings=read_findings(query, units),
        effects=read_effects(query, units),
        histories=read_histories(query),
        successors=_successors(query, as_of),
        rates_before={
            (m, kind, start, code, first): (n, d, status)
            for m, kind, start, code, first, n, d, status in query(
                "SELECT r.measure, r.period_kind, r.period_start, r.unit_code, r.unit_valid_from, r.numerator, r.denominator, r.status "
                "FROM mart.rates_published AS r JOIN (SELECT max(as_of) AS as_of FROM mart.unit_rates) AS m "
                "ON r.period_start <= CAST(m.as_of AS DATE) AND r.period_end > CAST(m.as_of AS DATE) "
                "WHERE r.published_from < CAST(m.as_of AS DATE) AND coalesce(r.published_to >= CAST(m.as_of AS DATE), TRUE)"
            )
        },
    )


def read_differences(query: Callable[[str], list[tuple[Any, ...]]], units: Mapping[tuple[str, date], Unit]) -> list[Difference]:
    """Every figure of mart.reconciliation with the dossiers that may explain it: differences first, then what is within the threshold, then the rest."""
    key = "source_kind, unit_code, unit_valid_from, period_start, period_end, figure"
    cases: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
    for *difference, case, reason in query(f"SELECT {key}, case_code, reason_vi FROM mart.reconciliation_cases ORDER BY rowid"):
        cases.setdefault(tuple(difference), []).append((case, reason))
    found = query(
        "SELECT r.source_kind, r.unit_code, r.unit_valid_from, r.period_start, r.period_end, r.figure, r.label_vi, r.theirs, r.ours, r.difference, "
        "r.is_tolerated, r.rule_vi, r.is_certain, r.note_vi, r.exported_at, r.listed_at, f.file_name || coalesce(' › ' || f.member, ''), r.sheet, r.row_number "
        "FROM mart.reconciliation AS r JOIN ops.files AS f ON f.file_id = r.file_id AND f.status = 'loaded' "
        "ORDER BY r.is_tolerated, r.difference = 0, r.source_kind, r.period_start, r.period_end, r.unit_code, r.unit_valid_from, r.figure_number"
    )
    differences = []
    for source, code, first, start, end, figure, *rest in found:
        explaining = tuple(cases.get((source, code, first, start, end, figure), ()))
        differences.append(replace(Difference(source, units[code, first], Period("range", start, end), figure, *rest), cases=explaining))
    return differences


def _successors(query: Callable[[str], list[tuple[Any, ...]]], as_of: datetime | None) -> dict[tuple[str, date], tuple[str, date]]:
    columns = ("unit_code", "valid_from", "valid_to", "successor_code")
    units = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in query(f"SELECT {', '.join(columns)} FROM core.units")])
    today = follow_successors(units, as_of.date()).to_pylist() if as_of else []
    handed = {(row["unit_code"], row["valid_from"]): (row["today_code"], row["today_valid_from"]) for row in today}
    return {unit: successor for unit, successor in handed.items() if unit != successor}


def _is_working(query: Callable[[str], list[tuple[Any, ...]]], as_of: datetime | None) -> bool:
    listed = query(f"SELECT is_working FROM core.calendar WHERE date = DATE '{as_of:%Y-%m-%d}'") if as_of else []
    return bool(listed[0][0]) if listed else as_of is None or as_of.weekday() < 5


def _records(query: Callable[[str], list[tuple[Any, ...]]], table: str, order: str) -> list[dict[str, Any]]:
    schema, _, name = table.partition(".")
    columns = [
        c
        for (c,) in query(
            f"SELECT column_name FROM duckdb_columns() WHERE schema_name = '{schema}' AND table_name = '{name}' ORDER BY column_index"
        )
    ]
    return [dict(zip(columns, row, strict=True)) for row in query(f"SELECT * FROM {table} ORDER BY {order}")]
