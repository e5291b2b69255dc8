"""What was published, day by day, kept outside the warehouse that is built anew: the ground for "what changed", for restatements and for looking back.

<warehouse>.staged/published/<yyyy-mm-dd>.json            the last publication of that day of as_of: exports counted, questions asked, and its parts
<warehouse>.staged/published/<yyyy-mm-dd>.<hash>.<part>.parquet    rates, cases (what measures see of a dossier), late (receptions), restated (dossiers
                                                          behind restatements)

A day holds only what is otherwise than on the published day before it, so a year of nights grows with what changed; a day on which nothing changed
has no parts. The JSON file names its parts, so a day is there whole or not at all. Codes, dates and counts only.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations import load_contracts
from flows.build_sql import contract_rows
from flows.engine import DuckEngine, connect_scratch, quoted
from flows.landing import save_record
from flows.settings import ConfigurationError
from flows.staging import load_record
from transforms.measures import load_measures
from transforms.restatements import columns_kept, render_newest

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
LATE = pa.schema(
    [
        ("day", pa.date32()),
        ("case_code", pa.string()),
        ("unit_code", pa.string()),
        ("unit_valid_from", pa.date32()),
        ("is_waiting", pa.bool_()),
    ]
)
# Parts that tell a state: the columns that say what a row is about, and one that is empty where there is no such thing any more.
_STATES = {
    "rates": (("measure", "period_kind", "period_start", "period_end", "unit_code", "unit_valid_from"), "status"),
    "cases": (("case_code",), "unit_code"),
    "late": (("case_code",), "unit_code"),
}
Late = dict[str, tuple[str, date, bool]]


@dataclass(frozen=True)
class PublishedDay:
    """One published day as it is kept: what is otherwise than on the one before.

    Attributes:
        files, files_gone: exports counted now and not before, and the other way round.
        parts: part -> file name in the same folder.
        questions, questions_gone: findings asked about now and not before, and the other way round; None where the day was kept before they were noted.
        follows: the day before it, without which it says nothing; None for one that stands alone, and where it was kept before this was noted.
    """

    as_of: datetime
    files: frozenset[str]
    files_gone: frozenset[str]
    parts: Mapping[str, str] = field(default_factory=dict)
    follows: date | None = None
    questions: frozenset[str] | None = None
    questions_gone: frozenset[str] = frozenset()

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


def check_days(staged: Path) -> None:
    """Every published day is whole, and so is what it tells the differences to.

    Raises:
        ConfigurationError: a file of one is gone, so that neither it nor what came after can be told.
    """
    folder = published_folder(staged)
    before: date | None = None
    for day in load_days(staged):
        # A later day left standing would be told by one that never was before it.
        otherwise = f"hoặc xóa bản ghi {day.day:%Y-%m-%d}.json và của mọi ngày sau, vì mỗi ngày chỉ ghi những gì khác ngày trước: lịch sử bắt đầu lại từ lần công bố tới"
        if day.follows and day.follows != before:
            raise ConfigurationError(
                f"lịch sử công bố ngày {day.day:%d/%m/%Y} trong {folder} ghi tiếp ngày {day.follows:%d/%m/%Y}, mà {day.follows:%Y-%m-%d}.json không còn; "
                f"hãy lấy lại tệp ấy từ bản sao lưu (tthc restore), {otherwise}"
            )
        for name in day.parts.values():
            if not (folder / name).is_file():
                raise ConfigurationError(
                    f"lịch sử công bố ngày {day.day:%d/%m/%Y} thiếu tệp {name} trong {folder}; hãy lấy lại tệp ấy từ bản sao lưu (tthc restore), {otherwise}"
                )
        before = day.day


def late_on(staged: Path, days: Sequence[PublishedDay]) -> Late:
    """Dossier -> (unit code, unit valid_from, whether it still waits) of the late receptions that the last of these days published."""
    late: Late = {}
    for path in part_files(staged, days, "late"):
        for row in pq.read_table(path, schema=LATE).to_pylist():
            if row["unit_code"] is None:
                late.pop(row["case_code"], None)
            else:
                late[row["case_code"]] = (row["unit_code"], row["unit_valid_from"], row["is_waiting"])
    return late


def files_on(days: Sequence[PublishedDay]) -> frozenset[str]:
    """The exports that the last of these days counted."""
    files: frozenset[str] = frozenset()
    for day in days:
        files = (files - day.files_gone) | day.files
    return files


def questions_on(days: Sequence[PublishedDay]) -> frozenset[str] | None:
    """The findings that the last of these days asked about; None where it is not known."""
    asked: frozenset[str] | None = None
    for day in days:
        asked = None if day.questions is None else ((asked or frozenset()) - day.questions_gone) | day.questions
    return asked


def part_files(staged: Path, days: Sequence[PublishedDay], part: str) -> list[Path]:
    """The files of one part, of the days that have one, oldest first."""
    return [published_folder(staged) / day.parts[part] for day in days if part in day.parts]


def case_records() -> pa.Table:
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
    folder = published_folder(staged)
    folder.mkdir(parents=True, exist_ok=True)
    with connect_scratch(folder / "record") as connection:
        connection.execute(f"ATTACH '{quoted(warehouse)}' AS tthc (READ_ONLY); ATTACH ':memory:' AS work; USE tthc")
        [(as_of,)] = connection.execute("SELECT max(as_of) FROM mart.unit_rates").fetchall()
        if as_of is None:
            return None
        every = load_days(staged)
        days = [day for day in every if day.day < as_of.date()]
        counted = frozenset(f for (f,) in connection.execute("SELECT DISTINCT file_id FROM ops.files WHERE status = 'loaded'").fetchall())
        asked = frozenset(f for (f,) in connection.execute("SELECT finding_id FROM mart.audit").fetchall())
        before, asked_before = files_on(days), questions_on(days) or frozenset()
        _stage_state(connection, staged, days, ("cases", "late"))
        queries = {"rates": _RATES_SINCE, "cases": _since("cases", _cases_now()), "late": _since("late", _LATE_NOW), "restated": _RESTATED}
        parts = {name: _write_part(connection, folder, as_of.date(), name, query) for name, query in queries.items()}
    told = PublishedDay(
        as_of,
        counted - before,
        before - counted,
        {name: part for name, part in parts.items() if part},
        days[-1].day if days else None,
        asked - asked_before,
        asked_before - asked,
    )
    _let_stand_alone(staged, every, told, counted, asked)
    return _write_day(folder, told)


# What the day's rates are otherwise: rows that begin on it, and those that end on it and have no successor.
_RATES_SINCE = """
SELECT {day} AS day, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, status
FROM mart.rates_published WHERE published_from = {day}
UNION ALL
SELECT {day}, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, NULL, NULL, NULL
FROM mart.rates_published AS gone WHERE published_to = {day}
 AND NOT EXISTS (SELECT 1 FROM mart.rates_published AS next WHERE next.published_from = gone.published_to AND next.measure = gone.measure
                 AND next.period_kind = gone.period_kind AND next.period_start = gone.period_start AND next.unit_code = gone.unit_code
                 AND next.unit_valid_from = gone.unit_valid_from)
ORDER BY ALL
"""
_LATE_NOW = (
    "SELECT l.case_code, c.unit_code, c.unit_valid_from, l.is_waiting FROM mart.late_receptions AS l JOIN core.cases AS c USING (case_code)"
)
_RESTATED = "SELECT * FROM mart.restatement_cases WHERE restated_on = {day} ORDER BY ALL"
# The dossiers behind what a day restated were found in what the day before it said then. They explain nothing where that is told otherwise from now on.
_STILL_RESTATED = """
SELECT r.* FROM work.restated_records AS r
WHERE EXISTS (SELECT 1 FROM work.rates_told AS t
              JOIN work.rates_replaced AS n USING (measure, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, status)
              WHERE t.measure = r.measure AND t.period_kind = r.period_kind AND t.period_start = r.period_start AND t.unit_code = r.unit_code
                AND t.unit_valid_from = r.unit_valid_from)
ORDER BY ALL
"""
# A clock that runs is kept in whole hours begun, up to a day: that says the same to a limit of whole hours, and stands still soon.
_CLOCK = "CASE WHEN received_at IS NULL THEN ceil(least(waiting_hours, 24.0)) ELSE waiting_hours END AS waiting_hours"


def _cases_now() -> str:
    return f"SELECT {', '.join(_CLOCK if column == 'waiting_hours' else column for column in columns_kept(_measures()))} FROM core.cases"


def _since(part: str, now: str) -> str:
    """Rows of a dossier each that are otherwise than before; of the dossiers of which there is none now, the code alone."""
    columns = _shape(part).column_names[1:]
    told = ", ".join(f"n.{column}" for column in columns[1:])
    otherwise = " OR ".join(f"n.{column} IS DISTINCT FROM b.{column}" for column in columns)
    return (
        f"SELECT {{day}} AS day, coalesce(n.case_code, b.case_code) AS case_code, {told}\n"
        f"FROM ({now}) AS n FULL JOIN work.{part}_before AS b ON b.case_code = n.case_code WHERE {otherwise}"
    )


def _shape(part: str) -> pa.Table:
    """The empty table of a part."""
    return {"rates": RATES.empty_table, "cases": case_records, "late": LATE.empty_table}[part]()


def _stage_state(
    connection: duckdb.DuckDBPyConnection, staged: Path, days: Sequence[PublishedDay], parts: Sequence[str], name: str = "before"
) -> None:
    """work.<part>_<name>: what the last of these days says."""
    for part in parts:
        about, there = _STATES[part]
        records = f"work.{part}_{name}_records"
        DuckEngine(connection).stage(records, part_files(staged, days, part), _shape(part))
        newest = render_newest(records, about, there, days[0].day) if days else f"SELECT * FROM {records}"
        connection.execute(f"CREATE VIEW work.{part}_{name} AS {newest}")


def _let_stand_alone(
    staged: Path, every: Sequence[PublishedDay], replacing: PublishedDay, counted: frozenset[str], asked: frozenset[str]
) -> None:
    """Where a day is published and a later one stands, the next day says all that it says by itself, before that day is put or replaced.

    It says the same before and after: what it left to the days before it now tells, and what is no more on it but stands on them, as they are from now on,
    it denies: also what the day put or replaced only leaves standing.
    Of the dossiers behind its restatements those are left whose rate the day before it still tells as it did when they were found.
    """
    following = [day for day in every if day.day > replacing.day]
    if not following:
        return
    folder, after = published_folder(staged), following[0]
    until = [day for day in every if day.day <= after.day]
    whole: dict[str, str] = {}
    with connect_scratch(folder / "record") as connection:
        connection.execute("ATTACH ':memory:' AS work")
        _stage_state(connection, staged, until, list(_STATES))
        _stage_state(connection, staged, [day for day in every if day.day < after.day], ["rates"], "told")
        DuckEngine(connection).stage("work.restated_records", part_files(staged, [after], "restated"), restated_records())
        _stage_state(connection, staged, [*(day for day in every if day.day < replacing.day), replacing], list(_STATES), "replaced")
        for part, (about, _) in _STATES.items():
            columns = _shape(part).column_names[1:]
            same = " AND ".join(f"s.{column} = n.{column}" for column in about)
            denied = ", ".join(f"n.{column}" if column in about else f"NULL AS {column}" for column in columns)
            query = (
                f"SELECT {{day}} AS day, {', '.join(columns)} FROM work.{part}_before UNION ALL SELECT {{day}}, {denied} FROM work.{part}_replaced AS n "
                f"WHERE NOT EXISTS (SELECT 1 FROM work.{part}_before AS s WHERE {same}) ORDER BY ALL"
            )
            written = _write_part(connection, folder, after.day, part, query)
            if written:
                whole[part] = written
        if written := _write_part(connection, folder, after.day, "restated", _STILL_RESTATED):
            whole["restated"] = written
    files, questions = files_on(until), questions_on(until)
    _write_day(folder, PublishedDay(after.as_of, files, counted - files, whole, None, questions, asked - (questions or frozenset())))


def _write_day(folder: Path, told: PublishedDay) -> Path:
    """The day stands, in one step; parts of an earlier publication of it are gone."""
    record: dict[str, object] = {
        "as_of": told.as_of.isoformat(),
        "files": sorted(told.files),
        "files_gone": sorted(told.files_gone),
        "parts": dict(told.parts),
        "follows": told.follows.isoformat() if told.follows else None,
    }
    if told.questions is not None:
        record |= {"questions": sorted(told.questions), "questions_gone": sorted(told.questions_gone)}
    path = folder / f"{told.day:%Y-%m-%d}.json"
    save_record(path, record)
    for other in folder.glob(f"*{told.day:%Y-%m-%d}.*.parquet*"):
        if other.name not in told.parts.values():
            other.unlink()
    return path


def _write_part(connection: duckdb.DuckDBPyConnection, folder: Path, day: date, name: str, query: str) -> str | None:
    """The rows of a query stand in a file named for what it holds; None where there are none. No day names it yet."""
    part = folder / f".{day:%Y-%m-%d}.{name}.parquet.new"
    rows_of_day = query.format(day=f"DATE '{day:%Y-%m-%d}'")
    [(rows,)] = connection.execute(f"COPY ({rows_of_day}) TO '{quoted(part)}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
    if not rows:
        part.unlink()
        return None
    with part.open("rb+") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
    path = folder / f"{day:%Y-%m-%d}.{digest[:12]}.{name}.parquet"
    part.replace(path)
    return path.name


def _load_day(staged: Path, day: date) -> PublishedDay:
    record: dict[str, Any] = load_record(published_folder(staged) / f"{day:%Y-%m-%d}.json") or {}
    return PublishedDay(
        datetime.fromisoformat(record["as_of"]),
        frozenset(record["files"]),
        frozenset(record["files_gone"]),
        record["parts"],
        date.fromisoformat(record["follows"]) if record.get("follows") else None,
        frozenset(record["questions"]) if "questions" in record else None,
        frozenset(record.get("questions_gone", ())),
    )


def _measures() -> list[Any]:
    return load_measures(list(load_contracts()["core.cases"].columns))
