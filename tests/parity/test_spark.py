"""DuckDB, Spark and plain Python give the same tables, row by row, over a year with the reform of 1 July 2025 in its middle.

The DuckDB side is a night's own warehouse, the Spark side is built from what that night staged, packed exports among them. Run by `make test-spark`.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from parity.whole_office import ADDED, write_office
from truth import compare

from expectations import ContractBroken, create_tables_sql, load_contracts
from flows.build_sql import contract_rows
from flows.building import build_on_duckdb, build_on_spark
from flows.engine import DuckEngine, Engine, quoted
from flows.landing import Export, find_exports
from flows.manifest import make_manifest
from flows.night import NightResult, load_office, run_night
from flows.reading import find_unread, read_exports
from flows.sample import SampleSummary
from flows.settings import ConfigurationError, Settings, make_settings
from flows.spark import SparkEngine, copy_down, read_on_executors, spark_session
from flows.staging import record_landing
from flows.warehouse import apply_corrections, checksum_tables
from transforms.corrections import parse_corrections
from transforms.layouts import load_lists

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java", allow_module_level=True)

pytestmark = pytest.mark.slow

Office = tuple[SampleSummary, Settings]
CASES = int(os.environ.get("PARITY_CASES", "2000"))
# Two cores, little memory, and no more planning than small tables need.
LOCAL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.memory": "3g",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss4m",
}
TABLES = [table for table in load_contracts() if table.startswith(("core.", "mart."))]


def open_spark(folder: Path, warehouse: Path) -> Path:
    """A DuckDB file whose tables are the Parquet folders of a Spark build."""
    with duckdb.connect(str(warehouse)) as connection:
        for schema in ("core", "mart", "ops"):
            connection.execute(f"CREATE SCHEMA {schema}")
        for table, contract in load_contracts().items():
            parts = list((folder / table.replace(".", "/")).glob("*.parquet"))
            columns = ", ".join(f"{c.name} {c.type}" for c in contract.columns.values())
            connection.execute(f"CREATE TABLE {table} ({columns})")
            for part in parts:
                rows = f"SELECT * FROM '{quoted(part)}'"
                found = [(name, kind) for name, kind, *_ in connection.execute(f"DESCRIBE {rows}").fetchall()]
                assert found == [(c.name, c.type) for c in contract.columns.values()]
                connection.execute(f"INSERT INTO {table} {rows}")
    return warehouse


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office and the night that DuckDB made of it; the day before, most exports had not come, so closed periods are restated."""
    folder = tmp_path_factory.mktemp("parity")
    made = write_office(folder, CASES)
    for as_of in (made.as_of - timedelta(days=1), made.as_of):
        settings = make_settings(made.raw, made.reference, folder / "kho dữ liệu.duckdb", folder / "outbox", as_of)
        assert run_night(settings).is_published
    assert make_manifest(settings.staged, [], {}, settings.as_of).chained(), "some exports are told by others"
    return made, settings


@pytest.fixture(scope="module")
def on_spark(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse that Spark made of the same staged files, found by their address as on a cluster."""
    folder = tmp_path_factory.mktemp("spark")
    out = folder / "kết quả 'mới'"
    build_on_spark(office[1], f"file://{office[1].staged}", str(out), master="local[2]", conf=LOCAL)
    assert list((out / "built").glob("*.json")), "told to be complete"
    assert not (out / "_work").exists(), "nothing in between is left"
    return open_spark(out, folder / "spark.duckdb")


@pytest.mark.parametrize("table", TABLES)
def test_spark_s_rows_are_duckdb_s(office: Office, on_spark: Path, table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{office[1].warehouse}' AS d (READ_ONLY); ATTACH '{on_spark}' AS s (READ_ONLY)")
        rows = connection.execute(f"SELECT count(*) FROM d.{table}").fetchall()[0][0]
        assert rows, "nothing is compared"
        for one, other in (("d", "s"), ("s", "d")):
            only = f"SELECT * FROM {one}.{table} EXCEPT ALL SELECT * FROM {other}.{table}"
            assert connection.execute(f"{only} LIMIT 3").fetchall() == [], f"{rows} rows; only in {one}"


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_the_rows_are_the_oracle_s(office: Office, on_spark: Path, engine: str) -> None:
    differences = compare(office[0].raw.parent, on_spark if engine == "spark" else office[1].warehouse)
    # exports that cannot be read are known of the raw folder alone, which a build from staged files does not see
    unseen = ("file unknown: ",) if engine == "spark" else ()
    assert [line for line in differences if not line.startswith((f"file invented: {ADDED}/", *unseen))] == []


CORRECTIONS = """
- {id: moved, match: {case_code: a}, expect: {status_code: 4}, action: override, set: {unit_code: 000.22.58.H48, due_at: 01/02/2024}, reason: nhầm}
- {id: again, match: {case_code: a}, expect: {unit_code: 000.22.58.H48}, action: override, set: {status_code: 9, channel: postal, finished_at: null}, reason: nhầm}
- {id: dropped, match: {case_code: b}, expect: {channel: online}, action: drop, reason: trùng}
- {id: dated, match: {case_code: c}, expect: {status_code: 4}, action: override, set: {received_at: 02/01/2024}, reason: gõ nhầm}
- {id: spent, match: {case_code: c}, expect: {channel: postal}, action: drop, reason: đã sửa}
"""


def corrected(engine: Engine) -> tuple[list[object], list[object]]:
    """What corrections make of three dossiers: work.latest_cases and ops.corrections."""
    day, moment = datetime(2024, 1, 5).date(), datetime(2024, 1, 9, 17)
    for table in ("payments", "digitization"):
        engine.load(f"work.newest_{table}", pa.table({"case_code": pa.array([], pa.string())}))
    engine.load(
        "work.newest_cases",
        pa.table(
            {
                "case_code": ["a", "b", "c"],
                "unit_code": ["x", "x", "x"],
                "unit_valid_from": pa.array([day] * 3, pa.date32()),
                "status_code": pa.array([4, 4, 4], pa.int32()),
                "channel": ["online"] * 3,
                "due_at": pa.array([moment] * 3, pa.timestamp("us")),
                **{name: pa.array([moment] * 3, pa.timestamp("us")) for name in ("received_at", "exported_at")},
                **{name: pa.array([None] * 3, pa.timestamp("us")) for name in ("submitted_at", "finished_at")},
                "unit_ref": ["somewhere"] * 3,
                **{name: pa.array([moment.date()] * 3, pa.date32()) for name in ("dated_on", "on_date")},
            }
        ),
    )
    names = {"unit_ref": ["somewhere"] * 2, "rank": [1, 1], "unit_code": ["x", "x"]}
    edges = {"valid_from": [datetime(2003, 1, 1).date(), day], "valid_to": [datetime(2024, 1, 4).date(), datetime(9999, 12, 31).date()]}
    edges |= {"nearest_from": edges["valid_from"], "nearest_to": edges["valid_to"]}
    engine.load("work.unit_names", pa.table(names | {name: pa.array(days, pa.date32()) for name, days in edges.items()}))
    units = [("000.22.58.H48", datetime(year, 1, 1).date(), datetime(year, 12, 31).date()) for year in (2003, 2024, 2025)]
    rows = [{"unit_code": code, "unit_name": "n", "level": "commune", "valid_from": first, "valid_to": last} for code, first, last in units]
    engine.fill("core.units", contract_rows("core.units", rows))
    apply_corrections(engine, parse_corrections(CORRECTIONS, load_lists().words, {"000.22.58.H48"}))
    shown = "case_code, unit_code, unit_valid_from, status_code, channel, received_at, due_at, dated_on, on_date"
    cases = engine.fetch(f"SELECT {shown} FROM work.latest_cases ORDER BY case_code")
    return cases, engine.fetch("SELECT * FROM ops.corrections ORDER BY correction_id")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """An engine of its own; the tests above come first, because a process has one session at a time."""
    with spark_session("local[2]", LOCAL) as session:
        yield SparkEngine(session, str(tmp_path_factory.mktemp("engine") / "out"))


def test_corrections_are_the_same_on_both(engine: SparkEngine, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS tthc; ATTACH ':memory:' AS work; USE tthc; " + "; ".join(create_tables_sql()))
        cases, told = corrected(DuckEngine(connection))
    first, second, ninth = (datetime(2024, 1, day).date() for day in (1, 2, 9))
    moment = datetime(2024, 1, 9, 17)
    assert cases == [
        ("a", "000.22.58.H48", first, 9, "postal", moment, datetime(2024, 2, 1), ninth, ninth),
        ("c", "x", datetime(2003, 1, 1).date(), 4, "online", datetime(2024, 1, 2), moment, second, second),
    ]
    assert corrected(engine) == (cases, told)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "INSERT INTO core.targets SELECT measure, criterion, level, target, valid_from, valid_to FROM core.targets",
            "column 1 of core.targets",
        ),
        (
            "INSERT INTO core.targets SELECT criterion, measure, level, level AS target, valid_from, valid_to FROM core.targets",
            "target string",
        ),
        ("INSERT INTO mart.extra SELECT 1 AS one", "has no contract"),
        ("CREATE TABLE mart.extra AS SELECT 1 AS one", "nothing else"),
    ],
)
def test_a_broken_contract_stops_spark_too(engine: SparkEngine, statement: str, message: str) -> None:
    with pytest.raises(ContractBroken, match=message):
        engine.run(statement, "transforms/sql/x.sql")


def test_staged_records_are_read_from_any_storage(engine: SparkEngine, office: Office, tmp_path: Path) -> None:
    staged = office[1].staged
    copy_down(engine.session, f"file://{staged}", tmp_path / staged.name, "*.json")
    found = {p.relative_to(tmp_path / staged.name): p.read_bytes() for p in (tmp_path / staged.name).rglob("*") if p.is_file()}
    assert found == {p.relative_to(staged): p.read_bytes() for p in staged.rglob("*.json")}


def test_executors_read_what_reader_processes_read(
    engine: SparkEngine, sample: SampleSummary, night: tuple[Settings, NightResult], tmp_path: Path
) -> None:
    settings = replace(night[0], warehouse=tmp_path / "w.duckdb")
    reference, exports = load_office(settings), find_exports(settings.raw, settings.limits)
    record_landing(settings.staged, exports)
    told: list[Export] = []
    transient = read_exports(
        settings, reference, find_unread(settings, reference, exports), told.append, partial(read_on_executors, engine.session)
    )
    assert (transient, len(told)) == ({}, night[1].files_read)
    build_on_duckdb(settings, str(settings.staged), str(tmp_path / "out"))
    assert checksum_tables(tmp_path / "out" / "tthc.duckdb") == checksum_tables(night[0].warehouse)


def test_a_folder_that_holds_something_is_not_built_into(engine: SparkEngine, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "x").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="không trống"):
        SparkEngine(engine.session, str(tmp_path / "kept"))
