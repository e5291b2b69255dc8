"""What to do next, as an official could check it: open dossiers on a Wednesday before Tết, and which of them must be on the list.

As of Wednesday 07/02/2024 10:00. The office is closed from Thursday 08/02 to Wednesday 14/02, so the next working days are Thursday 15, Friday 16,
Monday 19 and Tuesday 20. A working day is 07:00–11:30 and 13:30–17:00.
"""

import inspect
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec.staged import build_staged, staged_row

from expectations import load_contracts
from flows import reconciliation
from flows.build_sql import sql_files
from transforms.measures import load_measures
from transforms.thresholds import ThresholdError, load_thresholds, parse_thresholds
from transforms.wording import hours_left_vi

AS_OF = datetime(2024, 2, 7, 10)
CLOSED = [date(2024, 2, day) for day in (8, 9, 12, 13, 14)]
CALENDAR = "date,is_working,note\n" + "".join(f"{day},false,Tết\n" for day in CLOSED) + "2024-02-24,true,làm bù\n"
UNITS = "unit_code,name_vi,level\n000.22.58.H48,UBND xã Sơn Hạ,commune\n"

# received and being processed: hours left, deadline
PROCESSING = """
due         | status | problem  | hours | until       | because
07/02 17:00 | 4      | due_soon | 5.0   | 07/02 17:00 | due today
07/02 00:00 | 4      | due_soon | 5.0   | 07/02 17:00 | due today without an hour: until the office closes
07/02 09:00 | 4      | due_soon | -1.0  | 07/02 09:00 | its hour has passed, its day has not
06/02 17:00 | 4      | overdue  | -3.0  | 06/02 17:00 | due yesterday
06/02 00:00 | 2      | overdue  | -3.0  | 06/02 17:00 | due yesterday without an hour
06/02 17:00 | 1      | overdue  | -3.0  | 06/02 17:00 | received, though the status says new
15/02 07:00 | 4      | due_soon | 5.0   | 15/02 07:00 | Tết does not count: one working day
10/02 17:00 | 4      | due_soon | 5.0   | 10/02 17:00 | due in Tết: nothing after today
10/02 00:00 | 4      | due_soon | 5.0   | 10/02 23:59 | due in Tết without an hour
18/02 17:00 | 4      | due_soon | 21.0  | 18/02 17:00 | due on a Sunday: two working days
19/02 17:00 | 4      | due_soon | 29.0  | 19/02 17:00 | exactly three working days, over Tết and a weekend
20/02 07:00 | 4      |          | 29.0  | 20/02 07:00 | four
            | 4      |          |       |             | no deadline
06/02 17:00 | 5      |          | -3.0  | 06/02 17:00 | the citizen is to supplement
06/02 17:00 | 6      |          | -3.0  | 06/02 17:00 | the citizen is to pay
"""
# waiting for reception: hours left of the 8
WAITING = """
submitted   | channel | status | problem           | hours | until       | because
06/02 14:00 | online  | 1      |                   | 2.0   | 07/02 14:00 | exactly 6 hours waited
06/02 13:59 | online  | 1      | reception_due     | 1.983 | 07/02 13:59 | a minute more
06/02 10:00 | online  | 1      | reception_due     | 0.0   | 07/02 10:00 | exactly 8 hours waited is no breach
06/02 09:59 | online  | 1      | reception_over_8h | -0.017 | 07/02 09:59 | a minute more is
05/02 17:30 | online  | 1      | reception_over_8h | -3.0  | 06/02 17:00 | after hours: the clock starts the next morning
02/02 16:59 | online  | 5      | reception_over_8h | -11.017 | 05/02 16:59 | Friday to Monday; the clock runs whatever the citizen owes
07/02 09:00 | online  | 1      |                   | 7.0   | 15/02 09:00 | ends after Tết
06/02 09:59 | counter | 1      |                   |       |             | the clock runs for online dossiers only
06/02 09:59 | online  | 3      | closed            |       |             | refused
06/02 09:59 | online  | 7      | closed            |       |             | withdrawn
"""


def rows_of(table: str) -> list[dict[str, str]]:
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip("\n").split("\n")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def moment(text: str) -> datetime | None:
    return datetime.strptime(f"2024 {text}", "%Y %d/%m %H:%M") if text else None


def open_case(number: int, **cells: object) -> dict[str, object]:
    ordinary = {"unit": "UBND xã Sơn Hạ", "procedure_code": "1.000001", "service_level": "full", "channel": "counter", "status_code": 4}
    return staged_row(number, case_code=f"000.22.58.H48-240101-{number:04d}", **(ordinary | cells))


SPECS = [(row, False) for row in rows_of(PROCESSING)] + [(row, True) for row in rows_of(WAITING)]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All cases of both tables in one warehouse, numbered from 1."""
    cases = []
    for number, (row, is_waiting) in enumerate(SPECS, 1):
        if is_waiting:
            cells = {"submitted_at": moment(row["submitted"]), "channel": row["channel"]}
        else:
            cells = {"submitted_at": datetime(2024, 1, 15, 8), "received_at": datetime(2024, 1, 15, 8), "due_at": moment(row["due"])}
        cases.append(open_case(number, **cells, status_code=int(row["status"])))
    finished = {"submitted_at": datetime(2024, 1, 15, 8), "received_at": datetime(2024, 1, 15, 8), "due_at": datetime(2024, 2, 6, 17)}
    cases.append(open_case(len(cases) + 1, **finished, finished_at=datetime(2024, 2, 7, 8), status_code=9))
    connection, checks = build_staged(tmp_path_factory.mktemp("worklist"), {"cases": cases}, AS_OF, units=UNITS, calendar=CALENDAR)
    assert [check.name for check in checks if check.severity == "critical" and not check.is_passed] == []
    yield connection
    connection.close()


@pytest.mark.parametrize("number", range(1, len(SPECS) + 1), ids=[row["because"] for row, _ in SPECS])
def test_an_open_dossier_is_listed_or_not(number: int, warehouse: duckdb.DuckDBPyConnection) -> None:
    row, is_waiting = SPECS[number - 1]
    code = f"000.22.58.H48-240101-{number:04d}"
    left, until = ("reception_hours_left", "reception_due_at") if is_waiting else ("working_hours_left", "deadline_at")
    found = warehouse.execute(f"SELECT {left}, {until} FROM mart.open_cases WHERE case_code = ?", [code]).fetchall()
    listed = warehouse.execute("SELECT problem, hours_left, due_at FROM mart.worklist WHERE case_code = ?", [code]).fetchall()
    if row["problem"] == "closed":
        assert (found, listed) == ([], [])
        return
    [(hours, end)] = found
    assert (hours is None) == (row["hours"] == "")
    if hours is not None:
        assert hours == pytest.approx(float(row["hours"]), abs=0.0005)
    assert (end.replace(second=0) if end else None) == moment(row["until"])
    assert listed == ([(row["problem"], hours, end)] if row["problem"] else [])


def test_what_is_over_comes_first_then_the_fewest_hours(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute("SELECT rank, problem, hours_left FROM mart.worklist ORDER BY rank").fetchall()
    assert [rank for rank, _, _ in rows] == list(range(1, len(rows) + 1))
    keys = [(problem not in ("overdue", "reception_over_8h"), hours) for _, problem, hours in rows]
    assert keys == sorted(keys)


def test_the_words_say_what_to_do(warehouse: duckdb.DuckDBPyConnection) -> None:
    words = {code[-4:]: text for code, text in warehouse.execute("SELECT case_code, message_vi FROM mart.worklist").fetchall()}
    first_waiting = len(rows_of(PROCESSING)) + 1
    assert words["0001"] == "Đến hạn hôm nay lúc 17:00, còn 5,0 giờ làm việc"
    assert words["0003"] == "Đến hạn hôm nay, đã qua giờ hẹn 09:00; xong trong ngày vẫn tính đúng hạn"
    assert words["0004"] == "Quá hạn (hẹn ngày 06/02/2024), đã quá 3,0 giờ làm việc"
    assert words["0011"] == "Đến hạn lúc 17:00 ngày 19/02/2024, còn 29,0 giờ làm việc (3 ngày)"
    assert (
        words[f"{first_waiting + 1:04d}"] == "Chờ tiếp nhận đã 6,1 giờ; tiếp nhận trước 13:59 ngày 07/02/2024 để không quá 8 giờ làm việc"
    )
    assert words[f"{first_waiting + 3:04d}"] == "Chờ tiếp nhận đã 8,1 giờ, quá 8 giờ làm việc; tiếp nhận ngay"


def test_a_dossier_closed_without_a_reception_is_late_but_waits_no_more(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Nobody can take in what its citizen has withdrawn: the breach stays listed, the call to take it in does not."""
    late = warehouse.execute(
        "SELECT c.status_code, l.is_waiting, count(*) FROM mart.late_receptions AS l JOIN core.cases AS c USING (case_code) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert late == [(1, True, 2), (5, True, 1), (7, False, 1)]
    over = warehouse.execute("SELECT count(*) FROM mart.worklist WHERE problem = 'reception_over_8h'").fetchall()
    assert warehouse.execute("SELECT cases FROM mart.flags WHERE problem = 'waiting_over_8h'").fetchall() == over == [(3,)]


def test_what_became_overdue_after_the_last_working_hour_has_no_time_left() -> None:
    """Due on Friday at 17:00, seen on Saturday: not a working minute has passed, and yet the day is over."""
    assert hours_left_vi(0.0, is_over=True).replace("\N{NO-BREAK SPACE}", " ") == "quá 0,0 giờ"


def test_overdue_is_what_already_counts_against_on_time(warehouse: duckdb.DuckDBPyConnection) -> None:
    late = warehouse.execute(
        "SELECT case_code FROM core.cases WHERE is_received AND NOT is_finished AND status_code IN (2, 4) "
        "AND CAST(due_at AS DATE) < DATE '2024-02-07' ORDER BY 1"
    ).fetchall()
    listed = warehouse.execute(
        "SELECT case_code FROM mart.worklist JOIN mart.open_cases USING (case_code) WHERE problem = 'overdue' AND status_code IN (2, 4) ORDER BY 1"
    ).fetchall()
    assert listed == late != []


def minutes_worked(begin: datetime, end: datetime) -> int:
    """Minutes of work between two moments of the months walked."""
    first, walked = walk()
    return walked[(end - first) // timedelta(minutes=1)] - walked[(begin - first) // timedelta(minutes=1)]


@cache
def walk() -> tuple[datetime, list[int]]:
    """A moment, and how many minutes of work have passed 0, 1, 2, … minutes after it, counted one by one from January to March."""
    first, walked = datetime(2024, 1, 1), [0]
    for minute in range(91 * 24 * 60):
        at = first + timedelta(minutes=minute)
        is_working = (at.weekday() < 5 and at.date() not in CLOSED) or at.date() == date(2024, 2, 24)
        walked.append(walked[-1] + (is_working and (time(7) <= at.time() < time(11, 30) or time(13, 30) <= at.time() < time(17))))
    return first, walked


def minutes(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    return st.integers(0, int((last - first).total_seconds()) // 60).map(lambda n: first + timedelta(minutes=n))


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    as_of=minutes(datetime(2024, 2, 5), datetime(2024, 2, 26)),
    dues=st.lists(minutes(datetime(2024, 1, 29), datetime(2024, 3, 2)), min_size=40, max_size=40),
    submissions=st.lists(minutes(datetime(2024, 1, 29), datetime(2024, 2, 4, 23)), min_size=20, max_size=20),
)
def test_hours_left_equal_a_walk_by_minutes(
    tmp_path_factory: pytest.TempPathFactory, as_of: datetime, dues: list[datetime], submissions: list[datetime]
) -> None:
    received = {"submitted_at": datetime(2024, 1, 26, 8), "received_at": datetime(2024, 1, 26, 8)}
    cases = [open_case(n, **received, due_at=due) for n, due in enumerate(dues)]
    cases += [open_case(100 + n, submitted_at=at, channel="online", status_code=1) for n, at in enumerate(submissions)]
    connection, _ = build_staged(tmp_path_factory.mktemp("walk"), {"cases": cases}, as_of, units=UNITS, calendar=CALENDAR)
    found = connection.execute(
        "SELECT case_code, coalesce(working_hours_left, reception_hours_left), coalesce(deadline_at, reception_due_at) FROM mart.open_cases"
    ).fetchall()
    connection.close()
    assert len(found) == 60
    for code, hours, end in found:
        number = int(code[-4:])
        if number < 100:
            due = dues[number]
            until = due if due.time() != time(0) else datetime.combine(due, time(17))
            assert hours * 60 == pytest.approx(minutes_worked(as_of, until), abs=1e-6)
        else:
            assert hours * 60 == pytest.approx(480 - minutes_worked(submissions[number - 100], as_of), abs=1e-6)
            assert minutes_worked(submissions[number - 100], end) == 480, "the 8 hours end there"
            assert minutes_worked(submissions[number - 100], end - timedelta(minutes=1)) == 479, "and not before"


def test_hours_are_shown_rounded_to_the_careful_side() -> None:
    shown = [hours_left_vi(hours).replace("\u00a0", " ") for hours in (5.49, 0.0, -0.01, -2.0)]
    assert shown == ["còn 5,4 giờ", "còn 0,0 giờ", "quá 0,1 giờ", "quá 2,0 giờ"]


@pytest.mark.slow
def test_the_words_of_a_row_name_the_hours_that_stand_in_it(tmp_path: Path) -> None:
    """Due at 16:00 on Friday; at 09:07 on Monday 1 hour and 2 hours 7 minutes over: 3,1166… hours, 3,2 to the careful side."""
    late = open_case(1, submitted_at=datetime(2024, 1, 15, 8), received_at=datetime(2024, 1, 15, 8), due_at=datetime(2024, 1, 19, 16))
    connection, _ = build_staged(tmp_path, {"cases": [late]}, datetime(2024, 1, 22, 9, 7), units=UNITS)
    [(left, words)] = connection.execute("SELECT hours_left, message_vi FROM mart.worklist").fetchall()
    connection.close()
    assert hours_left_vi(left).replace("\N{NO-BREAK SPACE}", " ") == "quá 3,2 giờ"
    assert "đã quá 3,2 giờ làm việc" in words


def test_the_limit_of_8_hours_is_the_measure_s() -> None:
    [measure] = [m for m in load_measures(list(load_contracts()["core.cases"].columns)) if m.name == "received_within_8h"]
    limit = load_thresholds()["reception_limit_hours"][0].as_py()
    assert measure.numerator == f"waiting_hours <= {limit}"


def test_every_limit_has_an_effect() -> None:
    """Two stood in the file while the SQL had numbers of its own."""
    asked = " ".join(text for _, text in sql_files()) + inspect.getsource(reconciliation)
    assert [name for name in load_thresholds().column_names if not re.search(rf"\b{name}\b", asked)] == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("due_soon_working_days: 3", "due_soon_working_days: 2.5", "số nguyên"),
        ("due_soon_working_days: 3", "due_soon_working_days: 0", "lớn hơn 0"),
        ("due_soon_working_days: 3", "due_soon_days: 3", "thiếu"),
        ("reception_warn_hours: 6", "reception_warn_hours: 8", "nhỏ hơn"),
    ],
)
def test_a_wrong_limit_is_refused(before: str, after: str, says: str) -> None:
    text = (Path(__file__).parents[2] / "transforms" / "thresholds.yml").read_text(encoding="utf-8")
    assert parse_thresholds(text).num_rows == 1
    with pytest.raises(ThresholdError, match=says):
        parse_thresholds(text.replace(before, after))


@pytest.mark.slow
def test_a_unit_with_hours_of_its_own_has_its_own_deadlines(tmp_path: Path) -> None:
    """Saturdays 07:00–11:30 in Sơn Hạ alone: Friday 16:00 and Saturday give 1 + 4.5 of the 8 hours, Monday the rest."""
    hours = "from_time,to_time,weekday,unit_code\n07:00,11:30,,\n13:30,17:00,,\n"
    hours += "".join(f"{session},{day},000.22.58.H48\n" for day in range(1, 6) for session in ("07:00,11:30", "13:30,17:00"))
    hours += "07:00,11:30,6,000.22.58.H48\n"
    units = UNITS + "000.23.58.H48,UBND xã Sơn Thành,commune\n"
    cases = [
        open_case(number, unit=unit, submitted_at=datetime(2024, 1, 19, 16), channel="online", status_code=1)
        for number, unit in enumerate(("UBND xã Sơn Hạ", "UBND xã Sơn Thành"), 1)
    ]
    connection, _ = build_staged(tmp_path, {"cases": cases}, datetime(2024, 1, 20, 12), units=units, hours=hours)
    found = connection.execute("SELECT waited_hours, reception_due_at FROM mart.open_cases ORDER BY case_code").fetchall()
    connection.close()
    assert found == [(5.5, datetime(2024, 1, 22, 9, 30)), (1.0, datetime(2024, 1, 22, 16))]
