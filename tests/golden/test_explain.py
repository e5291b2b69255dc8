"""`tthc explain` and `tthc sql`: every published figure comes out of its dossiers again, and asking changes nothing."""

import csv
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.cli import main
from flows.explaining import count_again, find_rate
from flows.night import NightResult
from flows.querying import check_reading, open_warehouse
from flows.reasons import why_missed
from flows.settings import QueryError, Settings
from transforms.explaining import Period, parse_period, split_conditions

pytestmark = pytest.mark.slow

Night = tuple[Settings, NightResult]


def tthc(*arguments: str | Path, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from flows.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, input=given, env=os.environ | environment, timeout=120, check=False, encoding="utf-8"
    )


@pytest.fixture(scope="module")
def warehouse(night: Night) -> Path:
    return night[0].warehouse


@pytest.fixture(scope="module")
def connection(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """On a copy, because DuckDB opens one file only once in a process with other settings."""
    with open_warehouse(Path(shutil.copy(warehouse, tmp_path_factory.mktemp("asked")))) as opened:
        yield opened


def draw(connection: duckdb.DuckDBPyConnection, table: str, count: int) -> list[dict[str, Any]]:
    """Random rows of a table, the same every time; half of them with dossiers."""
    done = connection.execute(f"SELECT * FROM {table} ORDER BY ALL")
    names = [column[0] for column in done.description]
    rows = [dict(zip(names, row, strict=True)) for row in done.fetchall()]
    busy = [row for row in rows if row["numerator"] < row["denominator"]]
    chance = random.Random(4)
    return chance.sample(busy, min(count // 2, len(busy))) + chance.sample(rows, count - min(count // 2, len(busy)))


def assert_explained(connection: duckdb.DuckDBPyConnection, row: dict[str, Any], unit: str, *, today: bool = False) -> None:
    found = find_rate(connection, unit, row["measure"], str(Period(row["period_kind"], row["period_start"])), today=today)
    assert dict(found.published) == row
    assert found.period.end == row["period_end"]
    done = connection.execute(found.query)
    names = [column[0] for column in done.description]
    dossiers = [dict(zip(names, values, strict=True)) for values in done.fetchall()]
    assert len({d["case_code"] for d in dossiers}) == len(dossiers)
    counted = found.measure.distinct or "case_code"
    inside, all_of_it = {d[counted] for d in dossiers if d["is_numerator"]}, {d[counted] for d in dossiers}
    assert (len(inside), len(all_of_it)) == (row["numerator"], row["denominator"]) == count_again(connection, found)
    for dossier in dossiers:
        assert dossier["file_name"]
        assert dossier["row_number"] > 0
        assert bool(why_missed(dossier, found.period.end, found.cutoff)) != dossier["is_numerator"], dossier


def test_two_hundred_rates_of_units_come_out_of_their_dossiers(connection: duckdb.DuckDBPyConnection) -> None:
    rows = draw(connection, "mart.unit_rates", 200)
    assert {row["measure"] for row in rows} == {m for (m,) in connection.execute("SELECT measure FROM mart.measures").fetchall()}
    for row in rows:
        assert_explained(connection, row, f"{row['unit_code']}@{row['unit_valid_from']}")


def test_fifty_rates_of_units_as_they_are_today(connection: duckdb.DuckDBPyConnection) -> None:
    for row in draw(connection, "mart.unit_rates_today", 50):
        assert_explained(connection, row, f"{row['unit_code']}@{row['unit_valid_from']}", today=True)


def test_thirty_rates_of_groups(connection: duckdb.DuckDBPyConnection) -> None:
    for row in draw(connection, "mart.group_rates", 30):
        assert (row["target"], row["shortfall"], row["status"]) == (None, None, "no_target" if row["denominator"] else "no_data")
        assert_explained(connection, row, row["group_code"])


MISSED = "SELECT unit_code, unit_name, numerator, denominator FROM mart.unit_rates WHERE measure = '{}' AND period_kind = 'year' AND numerator < denominator ORDER BY denominator DESC, unit_code LIMIT 1"


def explained(warehouse: Path, connection: duckdb.DuckDBPyConnection, measure: str, *more: str | Path) -> tuple[list[Any], str]:
    row = list(connection.execute(MISSED.format(measure)).fetchall()[0])
    done = tthc("explain", "--warehouse", warehouse, "--unit", row[0], "--measure", measure, "--period", "2024", *more)
    assert done.returncode == 0, done.stderr
    return row, done.stdout


def test_what_is_printed_names_definition_figures_and_every_dossier_that_missed(
    warehouse: Path, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    out = tmp_path / "ho so.csv"
    (code, name, numerator, denominator), text = explained(warehouse, connection, "on_time", "--limit", "0", "--csv", out)
    for part in (
        "Hồ sơ giải quyết trước hạn, đúng hạn",
        "Nghị định 61/2018/NĐ-CP",
        "is_finished",
        name,
        code,
        f"{numerator} / {denominator} =",
        "khớp",
    ):
        assert part in text
    missed = re.findall(r"kết thúc \d\d/\d\d/\d{4}, hạn \d\d/\d\d/\d{4}|chưa kết thúc \(“[^”]+”\), hạn|có ngày kết thúc", text)
    assert len(missed) == denominator - numerator
    assert "…" not in text
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    with out.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == denominator
    assert sum(row["Đạt"] == "Không" for row in rows) == denominator - numerator == sum(bool(row["Vì sao không đạt"]) for row in rows)
    assert all(row["Tệp"] and row["Dòng"] for row in rows)


def test_a_long_list_is_cut_with_a_note(warehouse: Path, connection: duckdb.DuckDBPyConnection) -> None:
    (_, _, numerator, denominator), text = explained(warehouse, connection, "digitized_input", "--limit", "1")
    assert f"còn {denominator - numerator - 1} hồ sơ" in text


def test_distinct_measures_list_their_procedures(warehouse: Path, connection: duckdb.DuckDBPyConnection) -> None:
    (_, _, numerator, denominator), text = explained(warehouse, connection, "payment_procedures")
    assert f"{denominator - numerator} thủ tục không đạt" in text


@pytest.mark.parametrize("measure", ["on_time", "on_time_766", "payment_procedures", "received_within_8h"])
def test_the_printed_query_runs_as_pasted(warehouse: Path, connection: duckdb.DuckDBPyConnection, measure: str) -> None:
    (_, _, numerator, denominator), text = explained(warehouse, connection, measure, "--sql")
    assert "{" not in text
    with duckdb.connect(str(warehouse), read_only=True) as plain:
        assert len(plain.extract_statements(text)) == 1
        done = plain.execute(text)
        names = [column[0] for column in done.description]
        rows = [dict(zip(names, row, strict=True)) for row in done.fetchall()]
    counted = "procedure_code" if measure == "payment_procedures" else "case_code"
    assert (len({r[counted] for r in rows if r["is_numerator"]}), len({r[counted] for r in rows})) == (numerator, denominator)
    asked = tthc("sql", "-", "--csv", "--warehouse", warehouse, given=text)
    assert len(list(csv.reader(asked.stdout.splitlines()))) == len(rows) + 1


def test_an_explanation_ends_with_the_query_it_was_listed_by(warehouse: Path, connection: duckdb.DuckDBPyConnection) -> None:
    (code, _, numerator, denominator), text = explained(warehouse, connection, "on_time", "--limit", "1")
    query = text[text.index("SELECT ") :]
    only = tthc("explain", "--warehouse", warehouse, "--unit", code, "--measure", "on_time", "--period", "2024", "--sql").stdout
    assert query == only, "the same query as --sql prints"
    rows = connection.execute(query).fetchall()
    assert len(rows) == denominator
    assert sum(row[4] for row in rows) == numerator


def test_a_late_reception_is_told_as_it_stands_in_the_list_of_them(connection: duckdb.DuckDBPyConnection) -> None:
    found = find_rate(connection, "all", "received_within_8h", "2024")
    done = connection.execute(found.query)
    names = [column[0] for column in done.description]
    dossiers = [dict(zip(names, row, strict=True)) for row in done.fetchall()]
    told = {d["case_code"]: why_missed(d, found.period.end, found.cutoff) for d in dossiers if not d["is_numerator"]}
    listed = connection.execute("SELECT case_code, received_at IS NOT NULL, is_waiting FROM mart.late_receptions").fetchall()
    assert {code: ("còn đang chờ" in why, "không ghi tiếp nhận" in why) for code, why in told.items()} == {
        code: (is_waiting, not is_received and not is_waiting) for code, is_received, is_waiting in listed
    }
    assert {is_received for _, is_received, _ in listed} == {True, False}


def test_no_personal_data_is_shown(warehouse: Path, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _, text = explained(warehouse, connection, "on_time", "--limit", "0", "--csv", tmp_path / "o.csv")
    text += (tmp_path / "o.csv").read_text(encoding="utf-8")
    assert not re.search(r"(?<![\d-])(?:\d{12}|0\d{9})(?!\d)", re.sub(r"\d{14}", "", text))
    assert not re.search(r"Chủ hồ sơ|Số điện thoại|CCCD|@gmail", text)


def test_units_are_found_by_name_and_by_an_unmistakable_part_of_it(connection: duckdb.DuckDBPyConnection) -> None:
    (name, code), *_ = connection.execute(
        "SELECT unit_name, unit_code FROM mart.unit_rates WHERE level = 'commune' AND measure = 'on_time' AND period_kind = 'year' ORDER BY ALL"
    ).fetchall()
    for text in (name, name.upper(), f"  {name.replace(' ', '  ')} ", name.partition("UBND ")[2] or name, code.lower()):
        assert find_rate(connection, text, "on_time", "2024").published["unit_code"] == code
    with pytest.raises(QueryError, match="có thể là nhiều đơn vị"):
        find_rate(connection, "UBND", "on_time", "2024")
    assert find_rate(connection, "Cấp xã", "on_time", "2024").published["group_code"] == "commune"


def test_what_is_unknown_exits_2_and_lists_what_exists(warehouse: Path, tmp_path: Path) -> None:
    right = {"--unit": "all", "--measure": "on_time", "--period": "2024"}
    for wrong, lists in (
        ({"--measure": "dung_han"}, "on_time_766: "),
        ({"--period": "2024-13"}, "2024-01"),
        ({"--period": "1999"}, "2024-Q2"),
        ({"--unit": "UBND xã Không Có"}, "UBND xã"),
        ({"--unit": "000.99.99.H48"}, "hoặc một nhóm"),
        ({"--warehouse": str(tmp_path / "khong.duckdb")}, "khong.duckdb"),
    ):
        done = tthc("explain", *(word for pair in ({"--warehouse": str(warehouse)} | right | wrong).items() for word in pair))
        assert done.returncode == 2, wrong
        assert lists in done.stderr
        assert not done.stdout
    done = tthc("explain", "--today", *(word for pair in ({"--warehouse": str(warehouse)} | right).items() for word in pair))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_figures_that_the_dossiers_do_not_give_are_told_loudly(warehouse: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(warehouse, tmp_path / "w.duckdb"))
    with duckdb.connect(str(copy)) as opened:
        opened.execute("UPDATE mart.group_rates SET numerator = numerator + 1")
    done = tthc("explain", "--warehouse", copy, "--unit", "all", "--measure", "on_time", "--period", "2024")
    assert done.returncode == 1
    assert "KHÔNG KHỚP" in done.stdout


REUSED = """
CREATE SCHEMA core; CREATE SCHEMA mart; CREATE SCHEMA ops;
ATTACH '{source}' AS s (READ_ONLY);
CREATE TABLE mart.measures AS FROM s.mart.measures;
CREATE TABLE core.units AS FROM s.core.units LIMIT 0;
CREATE TABLE mart.unit_rates AS FROM s.mart.unit_rates LIMIT 0;
CREATE TABLE mart.unit_rates_today AS FROM s.mart.unit_rates LIMIT 0;
INSERT INTO core.units BY NAME
    SELECT 'X.1' AS unit_code, 'UBND xã Cũ' AS unit_name, 'commune' AS level, DATE '2003-01-01' AS valid_from, DATE '2025-06-30' AS valid_to, 'X.2' AS successor_code
    UNION ALL SELECT 'X.1', 'UBND xã Mới', 'commune', DATE '2025-07-01', DATE '9999-12-31', NULL
    UNION ALL SELECT 'X.2', 'UBND xã Kế Thừa', 'commune', DATE '2025-07-01', DATE '9999-12-31', NULL;
INSERT INTO mart.unit_rates
    SELECT 'on_time', '3.4.2', k, a, b, u.unit_code, u.unit_name, u.level, u.valid_from, 0, 0, NULL, NULL, 'no_data', NULL, TIMESTAMP '2025-12-31 23:00:00', NULL, FALSE
    FROM core.units AS u, (VALUES ('month', DATE '2025-05-01', DATE '2025-06-01'), ('month', DATE '2025-08-01', DATE '2025-09-01'),
                                  ('year', DATE '2025-01-01', DATE '2026-01-01')) AS p (k, a, b)
    WHERE u.valid_from < b AND u.valid_to >= a;
INSERT INTO mart.unit_rates_today
    SELECT r.* FROM mart.unit_rates AS r JOIN core.units AS u USING (unit_code) WHERE u.valid_from = r.unit_valid_from AND u.valid_to > r.as_of;
DETACH s
"""


def test_a_reused_code_means_the_unit_valid_in_the_period(warehouse: Path) -> None:
    with duckdb.connect(":memory:") as opened:
        for statement in REUSED.format(source=warehouse).split(";"):
            opened.execute(statement)
        assert "UBND xã Cũ" in find_rate(opened, "X.1", "on_time", "2025-05").subject_vi
        assert "UBND xã Mới" in find_rate(opened, "X.1", "on_time", "2025-08").subject_vi
        with pytest.raises(QueryError, match=r"X\.1@2003-01-01  UBND xã Cũ\n  X\.1@2025-07-01  UBND xã Mới"):
            find_rate(opened, "X.1", "on_time", "2025")
        assert "UBND xã Cũ" in find_rate(opened, "x.1@2003-01-01", "on_time", "2025").subject_vi
        with pytest.raises(QueryError, match=r"01/01/2003 – 30/06/2025"):
            find_rate(opened, "UBND xã Cũ", "on_time", "2025-08")
        today = find_rate(opened, "X.2", "on_time", "2025", today=True)
        assert [member.partition(" (")[0] for member in today.members] == ["UBND xã Cũ", "UBND xã Kế Thừa"]
        assert "unit_code = 'X.1' AND unit_valid_from = DATE '2003-01-01'" in today.query


@pytest.mark.parametrize(
    ("text", "kind", "first", "end"),
    [
        ("2024-05", "month", date(2024, 5, 1), date(2024, 6, 1)),
        ("2024-12", "month", date(2024, 12, 1), date(2025, 1, 1)),
        ("2024-q4", "quarter", date(2024, 10, 1), date(2025, 1, 1)),
        ("2024", "year", date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_periods_are_read(text: str, kind: str, first: date, end: date) -> None:
    period = parse_period(text)
    assert period == Period(kind, first)
    assert period.end == end
    assert str(period) == text.upper()
    assert period.cutoff(datetime(2024, 5, 10)) == min(date(2024, 5, 10), end.fromordinal(end.toordinal() - 1))


@pytest.mark.parametrize("text", ["2024-00", "2024-5", "2024-Q5", "05/2024", "", "9999", "0000", "2024-05-01"])
def test_what_is_no_period_is_none(text: str) -> None:
    assert parse_period(text) is None


@pytest.mark.parametrize(
    ("predicate", "parts"),
    [
        ("a AND (b OR c) AND d IN (1, 2)", ["a", "(b OR c)", "d IN (1, 2)"]),
        ("a AND b OR c", ["a AND b OR c"]),
        ("CASE WHEN a AND b THEN c ELSE d END", ["CASE WHEN a AND b THEN c ELSE d END"]),
        ("a BETWEEN 1 AND 2", ["a BETWEEN 1 AND 2"]),
        ("a = 'x AND (y' AND b", ["a = 'x AND (y'", "b"]),
    ],
)
def test_conditions_are_split_where_and_joins_them(predicate: str, parts: list[str]) -> None:
    assert split_conditions(predicate) == parts


ENDED = {"missed": "CAST(ended_at AS DATE) <= CAST(due_at AS DATE)", "status_code": 9, "is_finished": True}


@pytest.mark.parametrize(
    ("dossier", "cutoff", "why"),
    [
        (ENDED | {"ended_at": datetime(2024, 2, 13), "due_at": datetime(2024, 2, 12)}, None, "kết thúc 13/02/2024, hạn 12/02/2024"),
        (
            ENDED | {"ended_at": None, "due_at": datetime(2024, 2, 12), "status_code": 4, "is_finished": False},
            None,
            "chưa kết thúc (“Đang xử lý”), hạn 12/02/2024",
        ),
        (
            ENDED | {"ended_at": datetime(2024, 3, 2), "due_at": datetime(2024, 2, 12)},
            date(2024, 2, 29),
            "đến 29/02/2024 chưa kết thúc, hạn 12/02/2024",
        ),
        ({"missed": "supplement_count > 1 OR due_at IS NULL", "supplement_count": 2}, None, "yêu cầu bổ sung 2 lần"),
        ({"missed": "channel = 'online'", "channel": "counter"}, None, "nộp trực tiếp"),
        (
            {"missed": "waiting_hours <= 8.0", "waiting_hours": 8.01, "received_at": None, "status_code": 1},
            None,
            "chờ tiếp nhận 8,1\u00a0giờ làm việc, còn đang chờ",
        ),
        (
            {"missed": "waiting_hours <= 8.0", "waiting_hours": 8.01, "received_at": None, "status_code": 7},
            None,
            "chờ tiếp nhận 8,1\u00a0giờ làm việc, đã kết thúc mà không ghi tiếp nhận",
        ),
        ({"missed": "fee_amount = 0", "fee_amount": 5000}, None, "Tổng phí, lệ phí phải thu (đồng): 5000"),
        ({"missed": ""}, None, ""),
    ],
)
def test_reasons_are_told_in_words(dossier: dict[str, Any], cutoff: date | None, why: str) -> None:
    assert why_missed(dossier, date(2024, 3, 1), cutoff) == why


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_sql_prints_a_table_or_csv(warehouse: Path) -> None:
    query = "SELECT 'Sơn Hạ' AS đơn_vị, NULL AS trống, 0.5 AS tỷ_lệ, DATE '2024-02-29' AS ngày, '=1+1' AS công_thức"
    table = tthc("sql", query, "--warehouse", warehouse)
    assert table.returncode == 0, table.stderr
    for part in ("đơn_vị", "Sơn Hạ", "0.5", "2024-02-29", "(1 dòng)"):
        assert part in table.stdout
    assert "None" not in table.stdout
    for locale in ({}, {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}):
        done = tthc("sql", query, "--csv", "--warehouse", warehouse, **locale)
        assert done.stdout == "đơn_vị,trống,tỷ_lệ,ngày,công_thức\nSơn Hạ,,0.5,2024-02-29,'=1+1\n"


def test_sql_shows_the_tables_of_every_schema(warehouse: Path) -> None:
    listed = tthc("sql", "SHOW TABLES", "--csv", "--warehouse", warehouse).stdout.split()
    assert {"cases", "unit_rates", "files"} <= set(listed)


def test_sql_cuts_long_tables_but_not_csv(warehouse: Path) -> None:
    table = tthc("sql", "SELECT * FROM range(1000)", "--warehouse", warehouse)
    assert "chỉ hiện 200 dòng đầu" in table.stdout
    assert len(table.stdout.splitlines()) < 220
    assert len(tthc("sql", "SELECT * FROM range(1000)", "--csv", "--warehouse", warehouse).stdout.splitlines()) == 1001
    wide = tthc("sql", f"SELECT '{'x' * 500}' AS a, 'cuối' AS b", "--warehouse", warehouse).stdout
    assert "x" * 500 in wide


@pytest.mark.parametrize(
    "query",
    ["DESCRIBE core.cases", "SUMMARIZE core.units", "SHOW ALL TABLES", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1", "FROM core.units"],
)
def test_sql_takes_everything_that_only_reads(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    check_reading(connection, query)
    assert connection.execute(query).fetchall()


FORBIDDEN = """INSERT INTO core.units SELECT * FROM core.units
UPDATE core.cases SET unit_code = 'x'
DELETE FROM core.cases
CREATE TABLE core.x AS SELECT 1
CREATE TEMP TABLE x AS SELECT 1
DROP TABLE core.cases
WITH x AS (INSERT INTO core.units SELECT * FROM core.units RETURNING *) SELECT * FROM x
ATTACH '{folder}/x.duckdb'
COPY core.units TO '{folder}/x.csv'
EXPORT DATABASE '{folder}/x'
EXPLAIN ANALYZE COPY core.units TO '{folder}/x.csv'
EXPLAIN ANALYZE COPY (SELECT 1) TO '{warehouse}.wal' (FORMAT csv)
EXPLAIN /* */ ANALYZE COPY (SELECT 1) TO '{warehouse}.wal' (FORMAT csv)
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM glob('/*')
SELECT * FROM '/etc/passwd'
SELECT * FROM query('COPY core.units TO ''{folder}/x.csv''')
SET enable_external_access = true
RESET lock_configuration
PRAGMA enable_profiling
INSTALL httpfs
LOAD httpfs
CALL pragma_version()
CHECKPOINT
SELECT 1; DROP TABLE core.cases
SELECT
SELECT * FROM core.khong_co
-- chỉ lời bình

"""


@pytest.mark.parametrize("query", FORBIDDEN.split("\n")[:-1])
def test_sql_writes_nothing_and_reads_no_file(warehouse: Path, tmp_path: Path, query: str, capfd: pytest.CaptureFixture[str]) -> None:
    before, beside = digest(warehouse), sorted(warehouse.parent.iterdir())
    with pytest.raises(SystemExit) as ended:
        main(["sql", "--warehouse", str(warehouse), "--", query.format(folder=tmp_path, warehouse=warehouse)])
    assert ended.value.code == 2
    shown, errors = capfd.readouterr()
    assert errors.startswith("Không trả lời được: ")
    assert len(errors.splitlines()) == 1
    assert shown == ""
    assert (digest(warehouse), sorted(warehouse.parent.iterdir()), list(tmp_path.iterdir())) == (before, beside, [])


def test_sql_without_a_warehouse_exits_2(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_bytes(b"no database")
    for name in ("w.duckdb", "nowhere.duckdb"):
        done = tthc("sql", "SELECT 1", "--warehouse", tmp_path / name)
        assert done.returncode == 2
        assert name in done.stderr


INTERRUPTED = """
import os, signal, sys, threading
import flows.querying
from flows.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
main(["sql", "--warehouse", sys.argv[1], "SELECT count(*) FROM range(10000000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1"])
"""


def test_sql_stops_at_ctrl_c(warehouse: Path) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, warehouse], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 130)
    assert not done.stdout
    assert "Traceback" not in done.stderr


def test_sql_ends_quietly_when_its_reader_has_seen_enough(warehouse: Path) -> None:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "sql", "--warehouse", str(warehouse)]
    with subprocess.Popen([*command, "SELECT * FROM range(3000000)", "--csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 0
