"""The year of the two-tier reform, from files to numbers: units as they were and as they are, nothing lost and nothing counted twice."""

from datetime import datetime

import duckdb
import oracle
import pytest
from conftest import HEADINGS, case_row, write_reference, write_workbook
from truth import compare

from flows.night import NightResult, run_night
from flows.sample import SampleSummary, write_sample
from flows.settings import Settings, make_settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]

Night = tuple[SampleSummary, Settings, NightResult]


def night_of(tmp_path_factory: pytest.TempPathFactory, seed: int, cases: int, as_of: datetime) -> Night:
    folder = tmp_path_factory.mktemp("reform")
    made = write_sample(folder, seed=seed, cases=cases, year=2025, as_of=as_of)
    settings = make_settings(made.raw, made.reference, folder / "w.duckdb", folder / "outbox", made.as_of)
    return made, settings, run_night(settings)


@pytest.fixture(scope="module")
def reform(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A whole year with the reform in its middle."""
    return night_of(tmp_path_factory, 3, 2000, datetime(2025, 12, 31, 23))


def query(night: Night, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(night[1].warehouse), read_only=True) as connection:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return rows


def test_a_year_across_the_reform_equals_the_truth(reform: Night) -> None:
    assert reform[2].is_published
    assert compare(reform[0].raw.parent, reform[1].warehouse) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "as_of", [datetime(2025, 6, 30, 23), datetime(2025, 7, 1, 8), datetime(2025, 7, 12, 10), datetime(2025, 9, 30, 23)]
)
def test_any_day_around_the_reform_equals_the_truth(tmp_path_factory: pytest.TempPathFactory, as_of: datetime) -> None:
    made, settings, _ = night_of(tmp_path_factory, 11, 900, as_of)
    assert compare(made.raw.parent, settings.warehouse) == []


def test_totals_agree_as_was_and_as_is(reform: Night) -> None:
    def totals(table: str) -> list[tuple[object, ...]]:
        return query(
            reform,
            f"SELECT measure, period_kind, period_start, sum(numerator), sum(denominator) FROM mart.{table} "
            "WHERE measure <> 'payment_procedures' GROUP BY ALL ORDER BY ALL",  # distinct procedures are counted again
        )

    as_was = totals("unit_rates")
    assert as_was == totals("unit_rates_today")
    groups = query(
        reform,
        "SELECT measure, period_kind, period_start, numerator, denominator FROM mart.group_rates "
        "WHERE group_kind = 'all' AND measure <> 'payment_procedures' ORDER BY ALL",
    )
    assert as_was == groups


def test_no_dossier_is_lost_or_counted_twice(reform: Night) -> None:
    truth = oracle.load_truth(reform[0].truth, reform[0].reference)
    received = sum(d.is_received for d in truth.dossiers)
    assert query(reform, "SELECT count(*), count(DISTINCT case_code) FROM core.cases") == [(2000, 2000)]
    for table in ("unit_rates", "unit_rates_today"):
        counted = query(
            reform,
            f"SELECT period_kind, sum(denominator) FROM mart.{table} WHERE measure = 'online_submission_766' GROUP BY ALL ORDER BY ALL",
        )
        assert counted == [(kind, received) for kind in ("month", "quarter", "year")]


def test_every_dossier_belongs_to_the_unit_valid_on_its_day(reform: Night) -> None:
    belongs = "SELECT count(*), count(u.unit_code) FROM core.cases AS c LEFT JOIN core.units AS u"
    on = "ON u.unit_code = c.unit_code AND u.valid_from = c.unit_valid_from"
    day = "CAST(coalesce(c.received_at, c.submitted_at) AS DATE)"
    assert query(reform, f"{belongs} {on} AND {day} BETWEEN u.valid_from AND u.valid_to") == [(2000, 2000)]


def test_a_reused_code_is_two_units(reform: Night) -> None:
    rows = query(
        reform,
        "SELECT unit_valid_from, sum(denominator) > 0 FROM mart.unit_rates "
        "WHERE unit_code = '000.22.58.H48' AND measure = 'online_submission_766' AND period_kind = 'year' GROUP BY ALL ORDER BY ALL",
    )
    assert [(str(first), has_dossiers) for first, has_dossiers in rows] == [("2003-01-01", True), ("2025-07-01", True)]
    today = query(
        reform, "SELECT DISTINCT unit_valid_from FROM mart.unit_rates_today WHERE unit_code = '000.22.58.H48' AND denominator > 0"
    )
    assert [str(first) for (first,) in today] == ["2025-07-01"]


ENDED = """unit_code,name_vi,level,valid_from,valid_to
000.00.58.H48,UBND huyện Sơn Hà,district,2003-01-01,2024-03-15
000.22.58.H48,UBND xã Sơn Hạ,commune,2003-01-01,2024-03-15
"""


@pytest.mark.parametrize(
    ("later", "months"),
    [
        ("", ["2024-02-01", "2024-03-01"]),  # nobody took over
        ("26.001.H48,UBND xã Sơn Hạ mới,commune,2024-06-10,\n", ["2024-02-01", "2024-03-01", "2024-06-01"]),  # two months without anybody
        ("26.001.H48,UBND xã Sơn Hạ mới,commune,2024-05-10,2024-05-20\n", ["2024-02-01", "2024-03-01", "2024-05-01"]),  # and nobody today
    ],
)
def test_months_without_any_unit_have_no_rates_and_hold_nothing_back(office: Settings, later: str, months: list[str]) -> None:
    """An office that has not written its new units down yet still sees its figures, and is told what to do; the reform ends all units of a district at once."""
    write_reference(office.raw.parent / "reference", ENDED + later)
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    result = run_night(office)
    assert [check.name for check in result.checks if check.severity == "critical" and not check.is_passed] == []
    told = [check.message_vi for check in result.checks if check.name == "units_current" and not check.is_passed]
    assert [("units.csv" in message) for message in told] == ([True] if later.rstrip("\n")[-1:] != "," else [])
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        found = connection.execute(
            "SELECT DISTINCT CAST(period_start AS VARCHAR) FROM mart.unit_rates WHERE period_kind = 'month' ORDER BY 1"
        ).fetchall()
    assert [month for (month,) in found] == months
