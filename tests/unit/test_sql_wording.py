"""What SQL says of a value is what Python says of it: one rate reads the same in a mail's sentence and in a warning made by the warehouse."""

from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.build_sql import wording_functions
from flows.engine import DuckEngine
from transforms.wording import count_vi, day_vi, hours_shown, hours_vi, moment_vi, percent_vi


@pytest.fixture(scope="module")
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for function in wording_functions():
            DuckEngine(connection).define(function)
        yield connection


def said(connection: duckdb.DuckDBPyConnection, call: str, *values: object) -> str | None:
    row = connection.execute(f"SELECT {call}", list(values)).fetchone()
    assert row is not None
    text: str | None = row[0]
    return text


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@given(st.one_of(st.integers(0, 2_000), st.integers(0, 10**9 - 1)))
def test_counts(sql: duckdb.DuckDBPyConnection, count: int) -> None:
    assert said(sql, "vi_count(CAST(? AS BIGINT))", count) == count_vi(count)


@given(st.integers(0, 10**7))
def test_hours(sql: duckdb.DuckDBPyConnection, seconds: int) -> None:
    hours = hours_shown(seconds / 3600)
    assert said(sql, "vi_tenths(CAST(? AS DOUBLE)) || ' giờ'", hours) == plain(hours_vi(hours))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))
def test_days_and_hours_of_the_day(sql: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    assert said(sql, "vi_hour(CAST(? AS TIMESTAMP))", moment) == f"{moment:%H:%M}"
    assert said(sql, "vi_hour(CAST(?1 AS TIMESTAMP)) || ' ngày ' || vi_day(CAST(?1 AS TIMESTAMP))", moment) == moment_vi(moment)
    assert said(sql, "'ngày ' || vi_day(CAST(? AS DATE))", moment) == day_vi(moment)
    assert said(sql, "vi_month(CAST(? AS DATE))", moment) == f"{moment:%m/%Y}"


@given(
    st.integers(0, 3_000_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))),
    st.sampled_from([None, 0.6, 0.8, 0.97, 0.975, 0.9999, 1.0]),
)
def test_rates(sql: duckdb.DuckDBPyConnection, counts: tuple[int, int], target: float | None) -> None:
    numerator, denominator = counts
    arguments = "(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS DOUBLE))"
    shown = plain(percent_vi(numerator, denominator, target))
    assert (said(sql, f"vi_rate{arguments}", numerator, denominator, target) or "") == shown
    whole = f"{shown} ({count_vi(numerator)} trên {count_vi(denominator)})" if denominator else None
    assert said(sql, f"vi_share{arguments}", numerator, denominator, target) == whole


@pytest.mark.parametrize(("share", "text"), [(1.0, "100 %"), (0.975, "97,5 %"), (0.9701, "97,01 %"), (0.6, "60 %"), (0.0, "0 %")])
def test_targets(sql: duckdb.DuckDBPyConnection, share: float, text: str) -> None:
    assert said(sql, "vi_percent(CAST(? AS DOUBLE))", share) == text
