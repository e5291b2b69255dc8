"""What was published, day by day, kept outside the warehouse that is built anew: the ground for "what changed", for restatements and for looking back.

<warehouse>.staged/published/<yyyy-mm-dd>.json            the last publication of that day of as_of: late receptions and exports counted, and its parts
<warehouse>.staged/published/<yyyy-mm-dd>.<hash>.<part>.parquet    rates, cases (what measures see of a dossier), restated (dossiers behind restatements)

A day holds only what is otherwise than on the published day before it, so a year of nights grows with what changed; a day on which nothing changed
has no parts. The JSON file names its parts, so a day is there whole or not at all. Codes, dates and counts only.
"""

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations import load_contracts
from flows.build_sql import contract_rows
from flows.engine import DuckEngine, quoted
from flows.landing import save_record
from flows.staging import load_record
from transforms.measures import load_measures
from transforms.restatements import columns_kept

RATES = pa.schema(
    [
        ("day", pa.date32()),
        ("measure", pa.string()),
        ("period_kind", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("unit_code", pa.string()),
        ("unit_valid_from", pa.date32()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("status", pa.string()),
    ]
)
_RATE_KEY = "measure, period_kind, period_start, unit_code, unit_valid_from"
Late = dict[str, tuple[str, date, bool]]


@dataclass(frozen=True)
class PublishedDay:
    """One published day as it is kept: what is otherwise than on the one before.

    Attributes:
        late: dossier -> (unit code, unit valid_from, whether it still waits), of late receptions that are new or changed; late_gone: those that are none now.
        files, files_gone: exports counted now and not before, and the other way round.
        parts: part -> file name in the same folder.
    """

    as_of: datetime
    late: Late
    late_gone: frozenset[str]
    files: frozenset[str]
    files_gone: frozenset[str]
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The day it is known by."""
        return self.as_of.date()


def published_folder(staged: Path) -> Path:
    """Where published days are kept."""
    return staged / "published"


def published_days(staged: Path) -> list[date]:
    """The days in the history, oldest first."""
    return sorted(date.fromisoformat(path.stem) for path in published_folder(staged).glob("[0-9]*.json"))


def load_days(staged: Path, before: date | None = None) -> list[PublishedDay]:
    """The published days, oldest first; with `before` only those earlier than it."""
    days = [day for day in published_days(staged) if before is None or day < before]
    return [_load_day(staged, day) for day in days]


def late_on(days: Sequence[PublishedDay]) -> Late:
    """The late receptions that the last of these days published."""
    late: Late = {}
    for day in days:
        late = {case: told for case, told in late.items() if case not in day.late_gone} | day.late
    return late


def files_on(days: Sequence[PublishedDay]) -> frozenset[str]:
    """The exports that the last of these days counted."""
    files: frozenset[str] = frozenset()
    for day in days:
        files = (files - day.files_gone) | day.files
    return files


def part_files(staged: Path, days: Sequence[PublishedDay], part: str) -> list[Path]:
    """The files of one part, of the days that have one, oldest first."""
    return [published_folder(staged) / day.parts[part] for day in days if part in day.parts]


def case_records(rows: int = 0) -> pa.Table:
    """The empty table of dossiers as days keep them: the day, then the columns that measures see; a dossier that is gone has no unit."""
    kept = contract_rows("core.cases", []).select(columns_kept(_measures()))
    return kept.add_column(0, "day", pa.array([], pa.date32()))


def restated_records() -> pa.Table:
    """The empty table of dossiers behind restatements as days keep them."""
    return contract_rows("mart.restatement_cases", [])


def record_published(staged: Path, warehouse: Path) -> Path | None:
    """What a published warehouse says is in the history, in place of an earlier publication of the same day.

    Returns:
        The day's file; None where no unit was in force, so that nothing was published.
    """
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{quoted(warehouse)}' AS tthc (READ_ONLY); ATTACH ':memory:' AS work; USE tthc")
        [(as_of,)] = connection.execute("SELECT max(as_of) FROM mart.unit_rates").fetchall()
        if as_of is None:
            return None
        days = load_days(staged, as_of.date())
        _stage_state(connection, staged, days)
        parts = {
            "rates": connection.sql(_RATES_SINCE, params=[as_of.date()] * 4).to_arrow_table().cast(RATES),
            "cases": connection.sql(_cases_since(), params=[as_of.date()] * 2).to_arrow_table().cast(case_records().schema),
            "restated": connection.sql(_RESTATED, params=[as_of.date()]).to_arrow_table(),
        }
        late_now: Late = {
            case: (code, first, waiting)
            for case, code, first, waiting in connection.execute(
                "SELECT l.case_code, c.unit_code, c.unit_valid_from, l.is_waiting FROM mart.late_receptions AS l JOIN core.cases AS c USING (case_code)"
            ).fetchall()
        }
        files_now = frozenset(f for (f,) in connection.execute("SELECT DISTINCT file_id FROM ops.files WHERE status = 'loaded'").fetchall())
    told = PublishedDay(as_of, late_now, frozenset(late_on(days)) - late_now.keys(), files_now, files_on(days) - files_now)
    _let_stand_alone(staged, told, parts)
    late_before, files_before = late_on(days), files_on(days)
    new = {case: told for case, told in late_now.items() if late_before.get(case) != told}
    return _write_day(staged, PublishedDay(as_of, new, told.late_gone, files_now - files_before, told.files_gone), parts)


# What the day's rates are otherwise: rows that begin on it, and those that end on it and have no successor.
_RATES_SINCE = """
SELECT CAST(? AS DATE) AS day, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, status
FROM mart.rates_published WHERE published_from = ?
UNION ALL
SELECT CAST(? AS DATE), measure, period_kind, period_start, period_end, unit_code, unit_valid_from, NULL, NULL, NULL
FROM mart.rates_published AS gone WHERE published_to = ?
 AND NOT EXISTS (SELECT 1 FROM mart.rates_published AS next WHERE next.published_from = gone.published_to AND next.measure = gone.measure
                 AND next.period_kind = gone.period_kind AND next.period_start = gone.period_start AND next.unit_code = gone.unit_code
                 AND next.unit_valid_from = gone.unit_valid_from)
ORDER BY ALL
"""
_RESTATED = "SELECT * FROM mart.restatement_cases WHERE restated_on = ? ORDER BY ALL"
# A clock that runs is kept in whole hours begun, up to a day: that says the same to a limit of whole hours, and stands still soon.
_CLOCK = "CASE WHEN received_at IS NULL THEN ceil(least(waiting_hours, 24.0)) ELSE waiting_hours END AS waiting_hours"


def _cases_since() -> str:
    columns = columns_kept(_measures())
    told = ", ".join(columns)
    now = ", ".join(_CLOCK if column == "waiting_hours" else column for column in columns)
    rest = ", ".join(f"NULL AS {column}" for column in columns[1:])
    return (
        f"SELECT CAST(? AS DATE) AS day, {told} FROM (SELECT {now} FROM core.cases EXCEPT SELECT {told} FROM work.cases_before) AS now\n"
        f"UNION ALL SELECT CAST(? AS DATE), case_code, {rest} FROM work.cases_before WHERE case_code NOT IN (SELECT case_code FROM core.cases)\n"
        "ORDER BY case_code"
    )


def _stage_state(connection: duckdb.DuckDBPyConnection, staged: Path, days: Sequence[PublishedDay]) -> None:
    """work.rates_before and work.cases_before: what the last of these days says."""
    engine = DuckEngine(connection)
    engine.stage("work.rate_records", part_files(staged, days, "rates"), RATES.empty_table())
    engine.stage("work.case_records", part_files(staged, days, "cases"), case_records())
    for name, records, key, there in (
        ("rates_before", "rate_records", _RATE_KEY, "status"),
        ("cases_before", "case_records", "case_code", "unit_code"),
    ):
        connection.execute(
            f"CREATE TABLE work.{name} AS SELECT * EXCLUDE (place) FROM (SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY day DESC) AS place "
            f"FROM work.{records}) WHERE place = 1 AND {there} IS NOT NULL"
        )


def _let_stand_alone(staged: Path, replaced: PublishedDay, parts: Mapping[str, pa.Table]) -> None:
    """Where a day is published again and a later one stands, the next day says all that it says by itself, before that day is replaced.

    It says the same before and after: what it left to the replaced day it now tells, and what only the replacing one knows it denies.
    """
    every = load_days(staged)
    following = [day for day in every if day.day > replaced.day]
    if not following or replaced.day not in [day.day for day in every]:
        return
    after = following[0]
    until = [day for day in every if day.day <= after.day]
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS work")
        _stage_state(connection, staged, until)
        whole = {}
        for name, state, key in (("rates", "rates_before", _RATE_KEY.split(", ")), ("cases", "cases_before", ["case_code"])):
            connection.register("newly", parts[name])
            same = " AND ".join(f"s.{column} = n.{column}" for column in key)
            kept = [*key, *(["period_end"] if name == "rates" else [])]
            denied = ", ".join(f"n.{c}" if c in kept else f"NULL AS {c}" for c in parts[name].column_names[1:])
            names = ", ".join(parts[name].column_names[1:])
            found = connection.sql(
                f"SELECT CAST(? AS DATE) AS day, {names} FROM work.{state} UNION ALL SELECT CAST(? AS DATE), {denied} FROM newly AS n "
                f"WHERE NOT EXISTS (SELECT 1 FROM work.{state} AS s WHERE {same}) ORDER BY ALL",
                params=[after.day] * 2,
            )
            whole[name] = found.to_arrow_table().cast(parts[name].schema)
            connection.unregister("newly")
    restated = part_files(staged, [after], "restated")
    whole["restated"] = pq.read_table(restated[0]) if restated else restated_records()
    late, files = late_on(until), files_on(until)
    _write_day(
        staged,
        PublishedDay(after.as_of, late, frozenset(replaced.late) - late.keys(), files, frozenset(replaced.files) - files),
        whole,
    )


def _write_day(staged: Path, told: PublishedDay, parts: Mapping[str, pa.Table]) -> Path:
    """The day stands, in one step; parts of an earlier publication of it are gone."""
    folder = published_folder(staged)
    folder.mkdir(parents=True, exist_ok=True)
    named = {name: _write_part(folder, told.day, name, table) for name, table in parts.items() if table.num_rows}
    record: dict[str, object] = {
        "as_of": told.as_of.isoformat(),
        "late": [[case, code, first.isoformat(), waiting] for case, (code, first, waiting) in sorted(told.late.items())],
        "late_gone": sorted(told.late_gone),
        "files": sorted(told.files),
        "files_gone": sorted(told.files_gone),
        "parts": named,
    }
    path = folder / f"{told.day:%Y-%m-%d}.json"
    save_record(path, record)
    for other in folder.glob(f"*{told.day:%Y-%m-%d}.*.parquet*"):
        if other.name not in named.values():
            other.unlink()
    return path


def _write_part(folder: Path, day: date, name: str, table: pa.Table) -> str:
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", write_statistics=False, store_schema=False)
    data = stream.getvalue()
    path = folder / f"{day:%Y-%m-%d}.{sha256(data).hexdigest()[:12]}.{name}.parquet"
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    part.replace(path)
    return path.name


def _load_day(staged: Path, day: date) -> PublishedDay:
    record: dict[str, Any] = load_record(published_folder(staged) / f"{day:%Y-%m-%d}.json") or {}
    return PublishedDay(
        datetime.fromisoformat(record["as_of"]),
        {case: (code, date.fromisoformat(first), waiting) for case, code, first, waiting in record["late"]},
        frozenset(record["late_gone"]),
        frozenset(record["files"]),
        frozenset(record["files_gone"]),
        record["parts"],
    )


def _measures() -> list[Any]:
    return load_measures(list(load_contracts()["core.cases"].columns))
