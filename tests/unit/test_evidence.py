"""What Great Expectations is shown of a table holds everything its checks depend on, and does not grow with the table."""

from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from expectations.suites import ColumnCheck
from flows.gate_process import _SHOWN, _evidence

CHECKS = [
    ColumnCheck("t", "channel", "allowed", "critical", "", allowed=("online", "counter")),
    ColumnCheck("t", "file_id", "pattern", "critical", "", pattern="[0-9a-f]{4}"),
    ColumnCheck("t", "day", "bounds", "warning", "", type="DATE", least="2000-01-01"),
    ColumnCheck("t", "hours", "bounds", "critical", "", type="DOUBLE", least=0),
    ColumnCheck("t", "code", "null", "critical", ""),
]


def evidence(rows: str) -> dict[str, set[Any]]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TEMP VIEW {_SHOWN} AS {rows}")
        columns = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {_SHOWN}").fetchall()}
        return {name: set(column) for name, column in _evidence(connection, columns, CHECKS).items()}


def table(rows: int, **spoiled: str) -> str:
    columns = {
        "channel": "CASE WHEN i % 2 = 0 THEN 'online' ELSE 'counter' END",
        "file_id": "'0a' || CAST(10 + i % 2 AS VARCHAR)",
        "day": "DATE '2024-01-01' + CAST(i % 100 AS INTEGER)",
        "hours": "CASE WHEN i % 5 = 0 THEN NULL ELSE CAST(i % 7 AS DOUBLE) + 0.5 END",
        "code": "'c' || CAST(i AS VARCHAR)",
    }
    told = {name: f"CASE WHEN i = 700 THEN {spoiled[name]} ELSE {sql} END" if name in spoiled else sql for name, sql in columns.items()}
    return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in told.items())} FROM range({rows}) AS r(i)"


def test_it_holds_every_different_value_the_extremes_and_whether_a_cell_is_empty() -> None:
    found = evidence(table(1000))
    assert found["channel"] == {"online", "counter"}
    assert found["file_id"] == {"0a10", "0a11"}
    assert found["day"] == {datetime(2024, 1, 1), datetime(2024, 4, 9)}
    assert found["hours"] == {0.5, 6.5, None}
    assert len(found["code"]) == 1 and None not in found["code"]


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("channel", "'fax'", "fax"),
        ("channel", "NULL", None),
        ("file_id", "'xyz'", "xyz"),
        ("day", "DATE '0206-05-01'", datetime(206, 5, 1)),
        ("day", "NULL", None),
        ("hours", "CAST(-0.1 AS DOUBLE)", -0.1),
        ("code", "NULL", None),
    ],
)
def test_one_row_of_a_thousand_that_breaks_a_fact_is_in_it(column: str, value: str, shown: object) -> None:
    assert shown in evidence(table(1000, **{column: value}))[column]


def test_a_value_that_is_no_number_hides_no_extreme() -> None:
    assert evidence(table(1000, hours="CAST('nan' AS DOUBLE)"))["hours"] == {0.5, 6.5, None}


def test_it_does_not_grow_with_the_table() -> None:
    assert {name: len(values) for name, values in evidence(table(100_000)).items()} == {
        name: len(values) for name, values in evidence(table(1000)).items()
    }


def test_a_table_without_rows_has_none() -> None:
    assert evidence(table(0)) == {name: set() for name in ("channel", "file_id", "day", "hours", "code")}


def test_days_are_shown_as_the_moments_that_bounds_are_compared_with() -> None:
    shown = evidence(f"SELECT * REPLACE (DATE '{date.max}' AS day) FROM ({table(3)})")["day"]
    assert shown == {datetime(9999, 12, 31)}
