"""No column of a published table can be dropped, renamed, moved or retyped in SQL without its contract."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import AS_OF, UNITS, whole_nights
from spec.staged import build_staged

from expectations import ContractBroken, check_tables, load_contracts
from flows.build_sql import check_built, contract_rows, run_sql
from flows.engine import DuckEngine

# Their owners fill them from Python, or nothing does yet.
FROM_PYTHON = {"mart.measures", "ops.acceptances", "ops.checks", "ops.corrections", "ops.runs", "ops.sources", "ops.warnings"}
NOT_YET: set[str] = set()


def split_columns(text: str) -> list[str]:
    """The columns of a SELECT list: commas inside parentheses and quotes do not count."""
    parts, depth, quoted = [""], 0, False
    for sign in re.sub(r"--[^\n]*", "", text):
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def edits(query: str) -> Iterator[tuple[str, str]]:
    """What a careless hand might do to the SELECT that fills a table, and the statement after it."""
    start = query.rindex("\nSELECT ") + len("\nSELECT ")
    end = query.index("\nFROM ", start)
    columns = split_columns(query[start:end])

    def with_columns(edited: list[str]) -> str:
        return f"{query[:start]}{', '.join(edited)}{query[end:]}"

    for place in {0, len(columns) // 2, len(columns) - 1}:
        yield f"dropped {columns[place][-30:]}", with_columns(columns[:place] + columns[place + 1 :])
        named = re.sub(r"\s+AS \w+$", "", columns[place])
        yield f"renamed {named[-30:]}", with_columns([*columns[:place], f"{named} AS renamed", *columns[place + 1 :]])
        name = re.split(r"\s|\.", columns[place])[-1]
        yield f"retyped {named[-30:]}", with_columns([*columns[:place], f"[{named}] AS {name}", *columns[place + 1 :]])
    for place in range(0, len(columns) - 1, 3):
        moved = [*columns[:place], columns[place + 1], columns[place], *columns[place + 2 :]]
        yield f"swapped {columns[place][-30:]} and the next", with_columns(moved)
    yield "one more", with_columns([*columns, "1 AS one_more"])


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str], int, duckdb.DuckDBPyConnection]:
    """One build in which every statement was first tried in edited forms: tables filled, edits nobody noticed, edits tried, the warehouse."""
    filled: list[str] = []
    unnoticed: list[str] = []
    tried = 0

    def watch(engine: DuckEngine, text: str, origin: str) -> None:
        nonlocal tried
        connection = engine.connection
        for statement in connection.extract_statements(text):
            if "INSERT INTO" in statement.query:
                for what, edited in edits(statement.query):
                    tried += 1
                    try:
                        run_sql(connection, edited, origin)
                    except ContractBroken:
                        continue
                    except duckdb.BinderException:  # the ORDER BY beneath names a column that is gone
                        continue
                    unnoticed.append(f"{origin}: {what}")
            filled.extend(run_sql(connection, statement.query, origin))

    with whole_nights(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckEngine, "run", watch)
        connection, _ = build_staged(tmp_path_factory.mktemp("contracts"), {}, AS_OF, units=UNITS)
    return filled, unnoticed, tried, connection


@pytest.mark.slow
def test_an_edited_column_never_reaches_a_published_table(
    build: tuple[list[str], list[str], int, duckdb.DuckDBPyConnection],
) -> None:
    _, unnoticed, tried, _ = build
    assert unnoticed == []
    assert tried > 300


@pytest.mark.slow
def test_every_contract_s_table_is_filled_once(build: tuple[list[str], list[str], int, duckdb.DuckDBPyConnection]) -> None:
    filled = build[0]
    assert len(filled) == len(set(filled))
    assert set(load_contracts()) - set(filled) - FROM_PYTHON <= NOT_YET


@pytest.mark.slow
def test_the_warehouse_holds_the_contracts_tables_and_no_others(
    build: tuple[list[str], list[str], int, duckdb.DuckDBPyConnection],
) -> None:
    connection = build[3]
    check_built(connection)
    shown = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, is_nullable, comment FROM duckdb_columns() "
        "WHERE schema_name IN ('core', 'mart', 'ops') AND NOT internal ORDER BY 1, column_index"
    ).fetchall()
    assert [(table, name, comment) for table, name, _, comment in shown] == [
        (contract.table, column.name, column.vi) for contract in load_contracts().values() for column in contract.columns.values()
    ]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE mart.extra AS SELECT 1 AS one", "nothing else"),
        ("CREATE OR REPLACE TABLE core.targets AS SELECT 1 AS one", "nothing else"),
        ("ALTER TABLE core.targets ADD COLUMN note VARCHAR", "nothing else"),
        ("DROP TABLE core.targets", "nothing else"),
        ("INSERT INTO core.targets (criterion) SELECT '1'", "nothing else"),
        ("INSERT INTO core.targets VALUES ('1', 'm', 'commune', 1, NULL, NULL)", "nothing else"),
        ("INSERT INTO mart.extra SELECT 1 AS one", "has no contract"),
        (
            "-- a remark; with a semicolon\nINSERT INTO core.targets SELECT measure, criterion, level, target, valid_from, valid_to FROM core.targets",
            "column 1 of core.targets is measure VARCHAR, its contract says criterion VARCHAR",
        ),
        (
            "INSERT INTO core.targets BY NAME SELECT criterion FROM core.targets",
            "column 2 of core.targets is no column, its contract says measure VARCHAR",
        ),
    ],
)
def test_published_tables_are_filled_in_one_way_only(tmp_path: Path, statement: str, message: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA mart")
        connection.execute(
            "CREATE TABLE core.targets (criterion VARCHAR, measure VARCHAR, level VARCHAR, target DOUBLE, valid_from DATE, valid_to DATE)"
        )
        with pytest.raises(ContractBroken, match=message):
            run_sql(connection, statement, "transforms/sql/x.sql")
        assert connection.execute("SELECT count(*) FROM core.targets").fetchall() == [(0,)]


def test_rows_made_in_python_go_where_their_names_say() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE SCHEMA ops; CREATE TABLE ops.warnings (file_id VARCHAR, file_name VARCHAR, number INTEGER, warning_vi VARCHAR)"
        )
        rows = [{"warning_vi": "w", "number": 1, "file_id": "i", "file_name": "n"}]
        DuckEngine(connection).fill("ops.warnings", contract_rows("ops.warnings", rows))
        assert connection.execute("SELECT * FROM ops.warnings").fetchall() == [("i", "n", 1, "w")]
        with pytest.raises(ContractBroken, match="does not have: text"):
            contract_rows("ops.warnings", [{"text": "w"}])
        with pytest.raises(ContractBroken):
            contract_rows("ops.warnings", [{"number": "one"}])


def test_a_warehouse_that_lacks_a_table_or_has_another_is_refused() -> None:
    tables = {c.table: [(x.name, x.type) for x in c.columns.values()] for c in load_contracts().values()}
    check_tables(tables)
    with pytest.raises(ContractBroken, match=r"ops\.runs"):
        check_tables({name: columns for name, columns in tables.items() if name != "ops.runs"})
    with pytest.raises(ContractBroken, match=r"mart\.extra has no contract"):
        check_tables(tables | {"mart.extra": [("one", "INTEGER")]})
