"""Where the year is heading, as an official could check it: needed, trend, ranking, forecast and its back-test.

As of Saturday 30/11/2024 23:00: November is complete, December (22 working days) is to come. September (19 working days), October (23) and November
(21) are what forecasts stand on.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from spec.staged import build_staged, staged_row

AS_OF = datetime(2024, 11, 30, 23)
CALENDAR = "date,is_working,note\n2024-09-02,false,Quốc khánh\n2024-09-03,false,Quốc khánh\n"
TARGETS = """criterion,measure,level,target,valid_from,valid_to
3.4.2,on_time,commune,0.8,2024-01-01,2024-12-31
7.3.5,online_full,district_department,0.9,2024-01-01,2024-12-31
7.3.7.2,payment_procedures,commune,1.0,2024-01-01,2024-12-31
"""
# Dossiers of March: finished in time, finished late, still open with a deadline in December. None came later, so none are expected.
# 10 dossiers with the open ones, target 80 %: 8 must be in time.
NEEDED = """
unit     | in_time | late | open | remaining | needed | is_possible
already  | 8       | 0    | 2    | 2         | 0      | true
exactly  | 6       | 2    | 2    | 2         | 2      | true
one_over | 5       | 3    | 2    | 2         | 3      | false
all_done | 8       | 2    | 0    | 0         | 0      | true
missed   | 7       | 3    | 0    | 0         | 1      | false
silent   | 0       | 0    | 0    | 0         | 0      |
"""
# Dossiers of procedures toàn trình by month of reception: online of all.
ONLINE = """
unit    | 11/2023 | 08/2024 | 09/2024 | 10/2024 | 11/2024
steady  |         | 1/2     | 14/21   | 14/21   | 14/21
rising  | 1/2     |         |         | 1/4     | 3/4
pausing | 1/2     |         | 1/4     |         | 2/2
tied_a  |         |         |         | 1/2     |
tied_b  |         |         |         | 2/4     |
behind  |         |         |         | 1/4     |
"""


def rows_of(table: str) -> list[dict[str, str]]:
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip("\n").split("\n")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def unit_codes(names: list[str]) -> dict[str, str]:
    return {name: f"000.{number:02d}.58.H48" for number, name in enumerate(names, 10)}


COMMUNES = [row["unit"] for row in rows_of(NEEDED)]
DEPARTMENTS = [*(row["unit"] for row in rows_of(ONLINE)), "empty"]
CODES = unit_codes(COMMUNES + DEPARTMENTS)
UNITS = "unit_code,name_vi,level\n" + "".join(
    f"{code},Đơn vị {name},{'commune' if name in COMMUNES else 'district_department'}\n" for name, code in CODES.items()
)


def dossiers() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []

    def add(unit: str, received: datetime, **cells: object) -> None:
        ordinary = {
            "submitted_at": received,
            "received_at": received,
            "channel": "counter",
            "service_level": "info",
            "procedure_code": "1.000001",
        }
        rows.append(
            staged_row(len(rows) + 1, case_code=f"{CODES[unit]}-240301-{len(rows):04d}", unit=f"Đơn vị {unit}", **(ordinary | cells))
        )

    for row in rows_of(NEEDED):
        for column, end, due in (("in_time", 10, "2024-03-12"), ("late", 20, "2024-03-12"), ("open", None, "2024-12-20")):
            for _ in range(int(row[column])):
                ended = {"finished_at": datetime(2024, 3, end), "status_code": 9} if end else {"status_code": 4}
                add(row["unit"], datetime(2024, 3, 5, 8), due_at=datetime.fromisoformat(due), **ended)
    for row in rows_of(ONLINE):
        for month, cell in list(row.items())[1:]:
            online, all_of = (int(part) for part in (cell or "0/0").split("/"))
            for number in range(all_of):
                received = datetime.strptime(f"05/{month} 08:00", "%d/%m/%Y %H:%M")
                channel = "online" if number < online else "counter"
                add(row["unit"], received, service_level="full", channel=channel, finished_at=received, status_code=9)
    return rows


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("outlook")
    connection, checks = build_staged(folder, {"cases": dossiers()}, AS_OF, units=UNITS, targets=TARGETS, calendar=CALENDAR)
    assert [check.name for check in checks if check.severity == "critical" and not check.is_passed] == []
    yield connection
    connection.close()


@pytest.mark.parametrize("row", rows_of(NEEDED), ids=lambda row: row["unit"])
def test_how_many_must_still_go_well(row: dict[str, str], warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT numerator, denominator, pending, arrivals, expected_denominator, remaining, needed, is_possible FROM mart.needed "
        "WHERE measure = 'on_time' AND unit_code = ?",
        [CODES[row["unit"]]],
    ).fetchall()
    in_time, late, still_open = int(row["in_time"]), int(row["late"]), int(row["open"])
    possible = {"true": True, "false": False, "": None}[row["is_possible"]]
    expected = (in_time, in_time + late, still_open, 0, in_time + late + still_open, int(row["remaining"]), int(row["needed"]), possible)
    assert found == [expected]


def test_needed_says_so_in_words(warehouse: duckdb.DuckDBPyConnection) -> None:
    words = dict(warehouse.execute("SELECT unit_code, message_vi FROM mart.needed WHERE measure = 'on_time'").fetchall())
    assert words[CODES["exactly"]] == "Cần ít nhất 2 trong khoảng 2 hồ sơ còn lại đạt để cuối năm đạt 80 %"
    assert words[CODES["one_over"]] == "Không còn đạt được 80 %: khoảng 2 hồ sơ còn lại đều đạt thì cuối năm cũng chỉ được 70 %"
    assert words[CODES["silent"]] == "Không phát sinh và không dự kiến phát sinh hồ sơ"


def test_a_dossier_that_the_measure_will_never_count_is_not_awaited(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute("SELECT sum(pending) FROM mart.forecast WHERE measure = 'online_full'").fetchall() == [(0,)]


def test_new_dossiers_are_expected_at_the_daily_average_of_three_months(warehouse: duckdb.DuckDBPyConnection) -> None:
    """63 dossiers on 63 working days, 22 working days to come: 22 more. Target 90 % of 87 are 79 dossiers, 43 are online by now."""
    found = warehouse.execute(
        "SELECT numerator, denominator, arrivals, expected_denominator, needed, is_possible FROM mart.needed WHERE measure = 'online_full' AND unit_code = ?",
        [CODES["steady"]],
    ).fetchall()
    assert found == [(43, 65, 22, 87, 36, False)]


def test_distinct_counts_are_left_out_with_a_reason(warehouse: duckdb.DuckDBPyConnection) -> None:
    needed = warehouse.execute(
        "SELECT DISTINCT needed, is_possible, message_vi FROM mart.needed WHERE measure = 'payment_procedures'"
    ).fetchall()
    assert len(needed) == 1
    assert needed[0][:2] == (None, None)
    assert "thủ tục khác nhau" in needed[0][2]
    forecast = warehouse.execute("SELECT DISTINCT rate, method_vi FROM mart.forecast WHERE measure = 'payment_procedures'").fetchall()
    assert forecast == [(None, "Không dự báo: số của các tháng không cộng được thành số của năm")]


@pytest.mark.parametrize(
    ("unit", "rate", "previous", "previous_change", "last_year", "last_year_change"),
    [
        ("rising", 0.75, 0.25, 0.5, 0.5, 0.25),
        ("pausing", 1.0, None, None, 0.5, 0.5),  # nothing in October: no rate to compare with
        ("steady", 14 / 21, 14 / 21, 0.0, None, None),  # nothing a year ago
        ("behind", None, 0.25, None, None, None),
    ],
)
def test_trend(
    unit: str,
    rate: float | None,
    previous: float | None,
    previous_change: float | None,
    last_year: float | None,
    last_year_change: float | None,
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "SELECT rate, previous_rate, previous_change, last_year_rate, last_year_change FROM mart.trend "
        "WHERE measure = 'online_full' AND period_kind = 'month' AND period_start = '2024-11-01' AND unit_code = ?",
        [CODES[unit]],
    ).fetchall()
    assert found == [(rate, previous, previous_change, last_year, last_year_change)]


def test_trend_compares_quarters_with_quarters_and_years_with_years(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT period_kind, numerator, denominator, previous_numerator, previous_denominator, last_year_numerator, last_year_denominator, is_partial "
        "FROM mart.trend WHERE measure = 'online_full' AND unit_code = ? AND period_kind <> 'month' AND period_end = '2025-01-01' ORDER BY 1",
        [CODES["rising"]],
    ).fetchall()
    assert found == [("quarter", 4, 8, 0, 0, 1, 2, True), ("year", 4, 8, 1, 2, 1, 2, True)]


def test_the_first_period_has_nothing_before_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT DISTINCT previous_denominator, last_year_denominator FROM mart.trend WHERE period_kind = 'month' AND period_start = '2023-11-01'"
    ).fetchall()
    assert found == [(None, None)]


def test_ranking_shares_ranks_and_leaves_silent_units_out(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = {
        code: (rank, of_units)
        for code, rank, of_units in warehouse.execute(
            "SELECT unit_code, rank, of_units FROM mart.ranking WHERE measure = 'online_full' AND period_kind = 'year' AND level = 'district_department'"
        ).fetchall()
    }
    # steady 43/65, then pausing 3/6, rising 4/8 and the tied 1/2 and 2/4, then behind 1/4
    ranks = {"steady": 1, "pausing": 2, "rising": 2, "tied_a": 2, "tied_b": 2, "behind": 6, "empty": None}
    assert found == {CODES[unit]: (rank, 6) for unit, rank in ranks.items()}
    month = warehouse.execute(
        "SELECT unit_code, rank FROM mart.ranking WHERE measure = 'online_full' AND period_kind = 'month' AND rank IS NOT NULL ORDER BY rank"
    ).fetchall()
    assert month == [(CODES["pausing"], 1), (CODES["rising"], 2), (CODES["steady"], 3)]


def test_forecast(warehouse: duckdb.DuckDBPyConnection) -> None:
    """42 of 63 in three months, 22 to come: 43 + 22 × 2/3 of 87. The interval's ends solve (p̂ - p)² = z² p (1 - p) (1 / 63 + 1 / 22), in whole dossiers."""
    [(numerator, denominator, rate, low, high, months, reliable, method)] = warehouse.execute(
        "SELECT forecast_numerator, forecast_denominator, rate, low, high, basis_months, is_reliable, method_vi FROM mart.forecast "
        "WHERE measure = 'online_full' AND unit_code = ?",
        [CODES["steady"]],
    ).fetchall()
    assert (numerator, denominator, rate) == (pytest.approx(43 + 22 * 2 / 3), 87, pytest.approx((43 + 22 * 2 / 3) / 87))
    ends = (low * 87 - 43, high * 87 - 43)
    within = [met for met in range(23) if (2 / 3 - met / 22) ** 2 <= 1.96**2 * met / 22 * (1 - met / 22) * (1 / 63 + 1 / 22)]
    assert ends == (pytest.approx(min(within) - 1), pytest.approx(max(within) + 1))
    assert low < rate < high
    assert (months, reliable) == (3, True)
    assert method.startswith("Giả định: 0 hồ sơ đang mở, cộng 22 hồ sơ mới theo bình quân mỗi ngày làm việc của 3 tháng trọn gần nhất")


def test_few_dossiers_make_a_forecast_unreliable_and_none_make_none(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = {
        code: (reliable, rate is None, method)
        for code, reliable, rate, method in warehouse.execute(
            "SELECT unit_code, is_reliable, rate, method_vi FROM mart.forecast WHERE measure = 'online_full'"
        ).fetchall()
    }
    assert found[CODES["rising"]][:2] == (False, False)
    assert found[CODES["rising"]][2].endswith("; ít dữ liệu, chỉ để tham khảo")
    assert found[CODES["empty"]] == (False, True, "Không dự báo: không phát sinh hồ sơ")


def test_open_dossiers_without_recent_experience_give_no_forecast(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT rate, low, high, method_vi FROM mart.forecast WHERE measure = 'on_time' AND unit_code = ?", [CODES["exactly"]]
    ).fetchall()
    assert found == [(None, None, None, "Không dự báo: 3 tháng trọn gần nhất chưa có hồ sơ nào được tính")]


def test_back_test(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT CAST(standing_on AS VARCHAR), basis_months, basis_numerator, basis_denominator, forecast_rate, actual_rate, error "
        "FROM mart.forecast_backtest WHERE measure = 'online_full' AND unit_code = ? AND error IS NOT NULL ORDER BY period_start",
        [CODES["steady"]],
    ).fetchall()
    assert found == [
        ("2024-08-31", 3, 1, 2, 0.5, 14 / 21, 0.5 - 14 / 21),
        ("2024-09-30", 3, 15, 23, 15 / 23, 14 / 21, 15 / 23 - 14 / 21),
        ("2024-10-31", 3, 29, 44, 29 / 44, 14 / 21, 29 / 44 - 14 / 21),
    ]
    stated, errors = warehouse.execute(
        "SELECT max(measure_mean_absolute_error), avg(abs(error)) FROM mart.forecast_backtest WHERE measure = 'online_full'"
    ).fetchall()[0]
    assert stated == pytest.approx(errors)
    assert warehouse.execute("SELECT DISTINCT mean_absolute_error FROM mart.forecast WHERE measure = 'online_full'").fetchall() == [
        (stated,)
    ]


@pytest.mark.parametrize(
    ("as_of", "is_partial"),
    [
        (datetime(2024, 5, 31, 16, 59), True),
        (datetime(2024, 5, 31, 17), False),  # Friday, the last hour of the month is over
        (datetime(2024, 5, 30, 17), True),
    ],
)
@pytest.mark.slow
def test_a_month_is_complete_when_its_last_hour_is_over(as_of: datetime, is_partial: bool, tmp_path: Path) -> None:
    case = staged_row(
        1, case_code="000.10.58.H48-240501-0001", unit="Đơn vị một", procedure_code="1.000001", service_level="full", channel="online"
    )
    case |= {"submitted_at": datetime(2024, 5, 6, 8), "received_at": datetime(2024, 5, 6, 9), "status_code": 4}
    units = "unit_code,name_vi,level\n000.10.58.H48,Đơn vị một,district_department\n"
    connection, checks = build_staged(tmp_path, {"cases": [case]}, as_of, units=units, targets=TARGETS)
    assert [check.name for check in checks if check.severity == "critical" and not check.is_passed] == []
    assert connection.execute("SELECT DISTINCT is_partial FROM mart.trend WHERE period_kind = 'month'").fetchall() == [(is_partial,)]
    found = connection.execute(
        "SELECT n.expected_denominator IS NULL, n.message_vi, f.rate, f.basis_months FROM mart.needed n JOIN mart.forecast f USING (measure, unit_code)"
    ).fetchall()
    if is_partial:
        assert found == [(True, "Chưa có tháng trọn nào để ước tính số hồ sơ còn lại", None, 0)]
    else:
        assert (found[0][0], found[0][2], found[0][3]) == (False, 1.0, 1)


@pytest.mark.slow
def test_a_unit_that_ends_brings_nothing_after_its_last_day(tmp_path: Path) -> None:
    """20 dossiers in May (22 working days but for 1 May), the unit ends on 14/06: 10 working days, 10 × 20 / 22 = 9 dossiers."""
    units = "unit_code,name_vi,level,valid_from,valid_to\n000.10.58.H48,Đơn vị một,district_department,2003-01-01,2024-06-14\n"
    cases = []
    for number in range(20):
        case = staged_row(number, case_code=f"000.10.58.H48-240501-{number:04d}", unit="Đơn vị một", service_level="full", channel="online")
        cases.append(case | {"submitted_at": datetime(2024, 5, 6, 8), "received_at": datetime(2024, 5, 6, 9), "status_code": 4})
    connection, _ = build_staged(tmp_path, {"cases": cases}, datetime(2024, 5, 31, 23), units=units, targets=TARGETS)
    assert connection.execute("SELECT arrivals, expected_denominator FROM mart.needed").fetchall() == [(9, 29)]


@pytest.mark.parametrize(
    ("as_of", "arrivals"),
    [
        (datetime(2024, 12, 31, 0, 30), 3),  # Tuesday, before the office opens
        (datetime(2024, 12, 31, 11, 30), 1),  # 3.5 of 8 hours are to come: 1.3
        (datetime(2024, 12, 31, 17), 0),
        (datetime(2024, 12, 29, 0, 30), 6),  # Sunday, two days to come
    ],
)
@pytest.mark.slow
def test_what_is_left_of_today_still_brings_dossiers(as_of: datetime, arrivals: int, tmp_path: Path) -> None:
    """189 dossiers on the 63 working days of September to November (October to December after the last hour): 3 a day."""
    units = "unit_code,name_vi,level,valid_from,valid_to\n000.10.58.H48,Đơn vị một,district_department,2003-01-01,\n"
    cases = []
    for number in range(189):
        case = staged_row(number, case_code=f"000.10.58.H48-240901-{number:04d}", unit="Đơn vị một", service_level="full", channel="online")
        at = datetime(2024, 9 + number % 3, 5, 8)
        cases.append(case | {"submitted_at": at, "received_at": at, "finished_at": at, "status_code": 9})
    connection, _ = build_staged(tmp_path, {"cases": cases}, as_of, units=units, targets=TARGETS, calendar=CALENDAR)
    assert connection.execute("SELECT arrivals FROM mart.needed WHERE measure = 'online_full'").fetchall() == [(arrivals,)]


@pytest.mark.slow
def test_a_fee_that_is_still_to_be_paid_can_still_be_paid_online(tmp_path: Path) -> None:
    """Of five dossiers with a fee two were paid online, one in cash; two are unpaid, of which a withdrawn one never will be: one more can make it three.

    None of them has a due date, so on_time will never count them. A sixth waits for reception, at which it will be given one.
    """
    units = "unit_code,name_vi,level\n000.10.58.H48,Đơn vị một,commune\n"
    targets = "criterion,measure,level,target\n7.3.7.3,payment_cases,commune,0.6\n3.4.2,on_time,commune,0.6\n"
    paid = [("paid", "online", 9), ("paid", "online", 9), ("paid", "cash", 9), ("pending", None, 9), ("pending", None, 7)]
    staged: dict[str, list[dict[str, object]]] = {"cases": [], "payments": []}
    for number, (state, method, status) in enumerate(paid, 1):
        code = f"000.10.58.H48-240301-{number:04d}"
        day = {"submitted_at": datetime(2024, 3, 5, 8), "received_at": datetime(2024, 3, 5, 8), "finished_at": datetime(2024, 3, 6, 8)}
        facts = {"unit": "Đơn vị một", "procedure_code": "1.000001", "service_level": "info", "channel": "counter", "status_code": status}
        staged["cases"].append(staged_row(number, case_code=code, **day, **facts))
        staged["payments"].append(staged_row(number, case_code=code, amount=5000, collection="after", method=method, payment_state=state))
    waiting = {
        "unit": "Đơn vị một",
        "service_level": "info",
        "channel": "online",
        "submitted_at": datetime(2024, 11, 29, 16),
        "status_code": 1,
    }
    staged["cases"].append(staged_row(6, case_code="000.10.58.H48-241129-0006", **waiting))
    connection, checks = build_staged(tmp_path, staged, AS_OF, units=units, targets=targets, calendar=CALENDAR)
    assert [check.name for check in checks if check.severity == "critical" and not check.is_passed] == []
    found = connection.execute(
        "SELECT numerator, denominator, pending, arrivals, unpaid, expected_denominator, remaining, needed, is_possible FROM mart.needed "
        "WHERE measure = 'payment_cases'"
    ).fetchall()
    assert found == [(2, 5, 0, 0, 1, 5, 1, 1, True)]
    found = connection.execute(
        "SELECT pending, arrivals, unpaid, remaining, needed, is_possible FROM mart.needed WHERE measure = 'on_time'"
    ).fetchall()
    assert found == [(1, 0, 0, 1, 1, True)]
