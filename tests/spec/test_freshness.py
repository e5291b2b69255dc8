"""Histories of exports, and what is said about them: one table row a history, no false alarm on what offices ordinarily do.

A district of eight communes, each with three dossiers a working day from 02/01/2024, ended after four days; Tết is from 08/02 to 14/02/2024.
A list is written `exported: first day–last day` and holds the dossiers received on those days, as they stood when it was exported; `!` and a
fault change it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from spec.staged import build_staged, staged_row

from transforms.freshness import FreshnessError, parse_freshness

Row = dict[str, Any]
NAMES = ["Sơn Hạ", "Sơn Thành", "Sơn Nham", "Sơn Bao", "Sơn Linh", "Sơn Giang", "Sơn Trung", "Sơn Cao"]
UNITS = "unit_code,name_vi,level,valid_from,valid_to,successor_code\n" + "".join(
    f"000.{22 + n}.58.H48,UBND xã {name},commune,2003-01-01,,\n" for n, name in enumerate(NAMES)
)
SILENT = UNITS + "000.40.58.H48,UBND xã Sơn Lặng,commune,2003-01-01,,\n"
TET = [date(2024, 2, day) for day in (8, 9, 12, 13, 14)]
CALENDAR = "date,is_working,note\n" + "".join(f"{day},false,Tết\n" for day in TET)


def day(text: str, year: int = 2024) -> date:
    return datetime.strptime(f"{text}/{year}", "%d/%m/%Y").date()


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def dossiers(first: date, last: date, exported_at: datetime, names: Sequence[str] = NAMES) -> list[Row]:
    """What a list of these days holds. Fewer come before and after Tết and near weekends, so that no two weeks are quite equal."""
    rows = []
    for received in days(first, min(last, exported_at.date())):
        if received.weekday() >= 5 or received in TET or received.month == received.day == 1:
            continue
        for unit, name in enumerate(NAMES):
            for number in range(2 + (received.day + unit) % 3):
                begin = datetime.combine(received, time(8 + number))
                ended = begin + timedelta(days=4)
                is_ended = ended <= exported_at
                if name in names:
                    code = f"000.{22 + unit}.58.H48-{received:%y%m%d}-{number:04d}"
                    cells: Row = {
                        "case_code": code,
                        "unit": f"UBND xã {name}",
                        "procedure_code": f"1.00000{number}",
                        "service_level": "full",
                    }
                    cells |= {"channel": "counter", "submitted_at": begin, "received_at": begin, "due_at": begin + timedelta(days=7)}
                    rows.append(cells | {"finished_at": ended if is_ended else None, "status_code": 9 if is_ended else 4})
    return rows


class History:
    """Exports of a district, collected one after another."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {"cases": []}
        self.files: list[Row] = []

    def add(self, exported_at: datetime, rows: Sequence[Row], kind: str = "cases", **facts: Any) -> None:
        file_id = f"{kind}{len(self.files):03d}"
        self.files.append({"file_id": file_id, "kind": kind, "exported_at": exported_at, **facts})
        self.rows.setdefault(kind, []).extend(staged_row(n, **row, file_id=file_id) for n, row in enumerate(rows, 5))

    def list(
        self,
        exported: str,
        first: str,
        last: str,
        names: Sequence[str] = NAMES,
        hour: int = 22,
        keep: Callable[[Row], bool] = lambda row: True,
    ) -> None:
        at = datetime.combine(day(exported), time(hour))
        self.add(at, [row for row in dossiers(day(first), day(last), at, names) if keep(row)])

    def nightly(self, first: str, last: str, begin: str = "02/01", names: Sequence[str] = NAMES) -> None:
        for night in days(day(first), day(last)):
            if night.weekday() < 5:
                self.list(f"{night:%d/%m}", begin, f"{night:%d/%m}", names)

    def build(self, folder: Path, as_of: datetime, units: str = UNITS) -> duckdb.DuckDBPyConnection:
        folder.mkdir(parents=True, exist_ok=True)
        connection, checks = build_staged(folder, self.rows, as_of, units=units, calendar=CALENDAR, files=self.files)
        assert [c.name for c in checks if c.severity == "critical" and not c.is_passed] == []
        return connection


def alarms(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None, str]]:
    """(problem, unit, light) of everything that is wrong with the dossier lists."""
    return connection.execute(
        "SELECT f.problem, u.unit_name, f.light FROM ops.freshness AS f LEFT JOIN core.units AS u ON u.unit_code = f.unit_code AND u.valid_from = f.unit_valid_from "
        "WHERE f.problem IS NOT NULL AND f.kind = 'cases' ORDER BY 1, 2"
    ).fetchall()


def weekly(h: History) -> None:
    for monday in (day("08/01") + timedelta(days=7 * n) for n in range(11)):  # over Tết
        h.list(f"{monday:%d/%m}", f"{monday - timedelta(days=7):%d/%m}", f"{monday - timedelta(days=1):%d/%m}", hour=8)


def weekly_overlapping(h: History) -> None:
    for monday in (day("15/01") + timedelta(days=7 * n) for n in range(9)):
        h.list(f"{monday:%d/%m}", f"{monday - timedelta(days=11):%d/%m}", f"{monday - timedelta(days=1):%d/%m}", hour=8)


def month_by_month(h: History) -> None:
    for exported, first, last in (
        ("01/02", "02/01", "31/01"),
        ("01/03", "01/02", "29/02"),
        ("01/04", "01/03", "31/03"),
        ("02/05", "01/04", "30/04"),
    ):
        h.list(exported, first, last)
    h.list("03/06", "01/05", "31/05")
    h.list("01/07", "01/06", "30/06")


def month_re_exported(h: History) -> None:
    month_by_month(h)
    h.list("02/07", "01/05", "31/05")


def months_with_carried_over(h: History) -> None:
    """A month's list that also holds what was still open when the month began."""
    for exported, first, last in (
        ("01/02", "02/01", "31/01"),
        ("01/03", "01/02", "29/02"),
        ("01/04", "01/03", "31/03"),
        ("02/05", "01/04", "30/04"),
    ):
        before = day(first) - timedelta(days=1)
        start = datetime.combine(day(first), time())
        h.list(exported, first, last)
        open_then = {r["case_code"] for r in dossiers(day("02/01"), before, start) if r["status_code"] == 4}
        carried = [r for r in dossiers(day("02/01"), before, h.files[-1]["exported_at"]) if r["case_code"] in open_then]
        h.rows["cases"] += [staged_row(900 + n, **row, file_id=h.files[-1]["file_id"]) for n, row in enumerate(carried)]


def open_dossiers_only(h: History) -> None:
    h.nightly("01/03", "08/03")
    h.list("11/03", "02/01", "11/03", keep=lambda r: r["status_code"] == 4)
    h.list("11/03", "02/01", "11/03", hour=23)


def twice_a_day(h: History) -> None:
    for night in ("05/03", "06/03", "07/03", "08/03", "11/03", "12/03"):
        h.list(night, "02/01", night, hour=11)
        h.list(night, "02/01", night, hour=17)


def parts_around_midnight(h: History) -> None:
    for night in ("05/03", "06/03", "07/03", "08/03", "11/03", "12/03"):
        h.list(night, "02/01", night, NAMES[:4], hour=23)
        at = datetime.combine(day(night), time(23)) + timedelta(hours=2)
        h.add(at, dossiers(day("02/01"), day(night), at, NAMES[4:]))


def one_file_a_commune(h: History) -> None:
    """Every commune exports its own list, each on another day of the week."""
    for week in range(6):
        for unit, name in enumerate(NAMES):
            exported = day("29/01") + timedelta(days=7 * week + unit % 5)
            h.list(f"{exported:%d/%m}", "02/01", f"{exported:%d/%m}", [name], hour=9 + unit)


def one_file_a_procedure(h: History) -> None:
    for week in range(6):
        for number in range(3):
            exported = day("29/01") + timedelta(days=7 * week + number)
            h.list(
                f"{exported:%d/%m}", "02/01", f"{exported:%d/%m}", keep=lambda r, number=number: r["procedure_code"] == f"1.00000{number}"
            )


def two_systems_by_turns(h: History, last: str = "13/03", gone: str = "") -> None:
    """Each holds half of the communes and exports every second night."""
    for number, night in enumerate(night for night in days(day("19/02"), day(last)) if night.weekday() < 5):
        names = NAMES[:4] if number % 2 else NAMES[4:]
        h.list(f"{night:%d/%m}", "02/01", f"{night:%d/%m}", [name for name in names if name != gone or night < day("10/03")])


def nightly_over_tet(h: History) -> None:
    h.nightly("25/01", "07/02")
    for night in days(day("08/02"), day("16/02")):  # the machine exports in Tết too: nothing changes, and nothing is wrong with that
        h.list(f"{night:%d/%m}", "02/01", f"{night:%d/%m}")


def every_morning(h: History, last: str = "15/02") -> None:
    """Exported every day at 06:00, before work, weekends and Tết too: what stood there the evening of the working day before."""
    for morning in days(day("22/01"), day(last)):
        evening = max(d for d in days(day("02/01"), morning - timedelta(days=1)) if d.weekday() < 5 and d not in TET)
        h.add(datetime.combine(morning, time(6)), dossiers(day("02/01"), evening, datetime.combine(evening, time(22))))


def changes_only(h: History) -> None:
    """Every night what came or was ended since the night before: a dossier that takes long is in no list after its first."""
    for night in days(day("19/02"), day("29/03")):
        _list_changes(h, night, timedelta(days=1))


def changes_of_a_week(h: History) -> None:
    """Every night what came or was ended within seven days: each list repeats most of the one before, and leaves out what came to rest."""
    for night in days(day("19/02"), day("12/03")):
        _list_changes(h, night, timedelta(days=7))


def open_or_ended_this_month(h: History) -> None:
    for night in days(day("19/02"), day("12/03")):
        if night.weekday() < 5:
            at = datetime.combine(night, time(22))
            h.add(at, [row for row in _of_two_paces(night, at) if (row["finished_at"] or at) >= datetime(at.year, at.month, 1)])


def _list_changes(h: History, night: date, within: timedelta) -> None:
    at = datetime.combine(night, time(22))
    h.add(at, [row for row in _of_two_paces(night, at) if max(row["received_at"], row["finished_at"] or row["received_at"]) > at - within])


def _of_two_paces(night: date, at: datetime) -> list[Row]:
    """Every dossier up to a night, of which some take long, and others a day."""
    rows = dossiers(day("02/01"), night, at)
    for row in rows:
        if _takes_long(row):
            row |= {"finished_at": None, "status_code": 4}
        elif row["case_code"].endswith("0002") and row["received_at"] + timedelta(days=1) <= at:
            row |= {"finished_at": row["received_at"] + timedelta(days=1), "status_code": 9}
    return rows


def _takes_long(row: Row) -> bool:
    return bool(row["received_at"].day % 5 == 1 and row["case_code"].endswith("0001"))


def open_or_ended_this_week(h: History) -> None:
    """Cut by the end, after three to six days; the result is handed out up to two days later."""
    for night in days(day("26/02"), day("12/03")):
        at = datetime.combine(night, time(22))
        rows = dossiers(day("02/01"), night, at) if night.weekday() < 5 else []
        for place, row in enumerate(rows):
            ended = row["received_at"] + timedelta(days=3 + int(row["case_code"][-1]))
            returned = ended + timedelta(days=(int(row["case_code"][4:6]) + row["received_at"].day) % 3)
            status = 10 if returned <= at else 9 if ended <= at else 4
            rows[place] = row | {
                "status_code": status,
                "finished_at": ended if status > 4 else None,
                "returned_at": returned if status == 10 else None,
            }
        if rows:
            h.add(at, [row for row in rows if row["status_code"] == 4 or row["finished_at"] > at - timedelta(days=7)])


def a_new_year(h: History) -> None:
    """Lists since 1 January begin again."""
    for night in ("20/12", "21/12", "22/12", "25/12", "26/12", "27/12", "28/12", "29/12"):
        at = datetime.combine(day(night, 2023), time(22))
        h.add(at, dossiers(date(2023, 10, 2), at.date(), at))
    h.nightly("02/01", "05/01")


ORDINARY = [
    (weekly, "18/03"), (weekly_overlapping, "11/03"), (month_by_month, "10/07"), (month_re_exported, "03/07"), (months_with_carried_over, "03/05"),
    (open_dossiers_only, "11/03"), (twice_a_day, "12/03"), (parts_around_midnight, "13/03"), (one_file_a_commune, "08/03"), (one_file_a_procedure, "07/03"), (two_systems_by_turns, "13/03"),
    (nightly_over_tet, "16/02"), (every_morning, "15/02"), (changes_only, "29/03"), (changes_of_a_week, "12/03"), (open_or_ended_this_month, "12/03"), (a_new_year, "05/01"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("make", "as_of"), ORDINARY, ids=[make.__name__ for make, _ in ORDINARY])
def test_what_offices_ordinarily_do_raises_no_alarm(tmp_path: Path, make: Callable[[History], None], as_of: str) -> None:
    history = History()
    make(history)
    connection = history.build(tmp_path, datetime.combine(day(as_of), time(23)))
    found = alarms(connection)
    stale = connection.execute("SELECT DISTINCT unit_name FROM mart.unit_rates WHERE is_stale").fetchall()
    asked = connection.execute("SELECT rule, case_code FROM mart.audit").fetchall()
    connection.close()
    assert found == []
    assert stale == []
    assert asked == []


def faulty(fault: str) -> History:
    """Nightly lists from 01/03 to 13/03, and the last one, of 14/03, with one fault."""
    h = History()
    h.nightly("01/03", "11/03")
    h.nightly("12/03", "13/03", names=NAMES[2:] if fault == "vanished days ago" else NAMES)
    last = datetime(2024, 3, 14, 22)
    rows = dossiers(day("02/01"), day("14/03"), last)
    if fault == "vanished":
        rows = [row for row in rows if row["unit"] != "UBND xã Sơn Bao"]
    elif fault == "vanished days ago":
        rows = dossiers(day("02/01"), day("14/03"), last, NAMES[2:])
    elif fault == "shrunk":
        rows = [row for row in rows if not (row["unit"] == "UBND xã Sơn Linh" and row["case_code"].endswith("240220-0001"))]
    elif fault == "cut":
        rows = rows[: len(rows) * 6 // 10]
    elif fault == "doubled":
        rows = rows + [row | {"case_code": row["case_code"].replace("-", "-9", 1)} for row in rows]
    elif fault == "frozen":
        rows = dossiers(day("02/01"), day("13/03"), datetime(2024, 3, 13, 22))
    elif fault == "unit_rows_off":
        rows = [
            row
            for row in rows
            if row["unit"] != "UBND xã Sơn Cao" or row["received_at"] > datetime(2024, 2, 5) or row["received_at"].day % 2
        ]
    h.add(last, rows)
    return h


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("none", []),
        ("vanished", [("vanished", "UBND xã Sơn Bao", "red")]),
        ("vanished days ago", [("vanished", "UBND xã Sơn Hạ", "red"), ("vanished", "UBND xã Sơn Thành", "red")]),
        ("shrunk", [("shrunk", "UBND xã Sơn Linh", "yellow")]),
        ("cut", [("rows_off", None, "yellow")]),
        ("doubled", [("rows_off", None, "yellow")]),
        ("frozen", [("frozen", None, "red")]),
        ("unit_rows_off", [("shrunk", "UBND xã Sơn Cao", "yellow")]),
    ],
)
def test_one_fault_raises_exactly_its_alarm(tmp_path: Path, fault: str, expected: list[tuple[str, str | None, str]]) -> None:
    connection = faulty(fault).build(tmp_path, datetime(2024, 3, 14, 23))
    found = alarms(connection)
    connection.close()
    assert found == expected


@pytest.mark.slow
def test_results_handed_out_after_the_end_are_not_missing_from_lists_cut_by_the_end(tmp_path: Path) -> None:
    history = History()
    open_or_ended_this_week(history)
    connection = history.build(tmp_path, datetime(2024, 3, 12, 23))
    found = alarms(connection)
    vanished = connection.execute("SELECT case_code FROM mart.audit WHERE rule = 'vanished'").fetchall()
    connection.close()
    assert (found, vanished) == ([], [])


@pytest.mark.slow
def test_a_morning_list_without_the_day_before_is_frozen(tmp_path: Path) -> None:
    history = History()
    every_morning(history, "25/01")
    history.add(datetime(2024, 1, 26, 6), dossiers(day("02/01"), day("24/01"), datetime(2024, 1, 24, 22)))
    connection = history.build(tmp_path, datetime(2024, 1, 26, 9))
    found = alarms(connection)
    connection.close()
    assert found == [("frozen", None, "red")]


@pytest.mark.slow
def test_a_unit_vanishes_from_the_system_that_has_it(tmp_path: Path) -> None:
    history = History()
    two_systems_by_turns(history, "12/03", gone="Sơn Bao")
    connection = history.build(tmp_path, datetime(2024, 3, 12, 23))
    found = alarms(connection)
    connection.close()
    assert [alarm for alarm in found if alarm[0] == "vanished"] == [("vanished", "UBND xã Sơn Bao", "red")]


@pytest.mark.slow
def test_the_next_good_night_ends_the_alarm(tmp_path: Path) -> None:
    history = faulty("shrunk")
    history.list("15/03", "02/01", "15/03")
    connection = history.build(tmp_path, datetime(2024, 3, 15, 23))
    found = alarms(connection)
    connection.close()
    assert found == []


@pytest.mark.slow
def test_the_same_bytes_under_new_names_are_a_frozen_source(tmp_path: Path) -> None:
    history = History()
    history.nightly("01/03", "08/03")
    for stamp in ("20240311220000", "20240312220000"):
        history.files.append(history.files[-1] | {"file_name": f"ds_{stamp}.csv", "status": "duplicate"})
    connection = history.build(tmp_path, datetime(2024, 3, 12, 23))
    found = alarms(connection)
    connection.close()
    assert found == [("frozen", None, "red")]


# nightly lists until Friday 15/03; how old they are, and what is said
AGES = [("19/03", "green"), ("20/03", "yellow"), ("22/03", "red")]


@pytest.mark.slow
def test_age_is_judged_by_the_pace_of_the_office(tmp_path: Path) -> None:
    history = History()
    history.nightly("04/03", "15/03")
    for as_of, light in AGES:
        connection = history.build(tmp_path / as_of.replace("/", ""), datetime.combine(day(as_of), time(23)))
        [(found, message)] = connection.execute(
            "SELECT light, message_vi FROM ops.freshness WHERE kind = 'cases' AND unit_code IS NULL AND problem IS NOT DISTINCT FROM ?",
            ["stale" if light != "green" else None],
        ).fetchall()
        running = connection.execute(
            "SELECT DISTINCT is_stale FROM mart.unit_rates WHERE period_kind = 'month' AND period_start = '2024-03-01'"
        ).fetchall()
        over = connection.execute(
            "SELECT DISTINCT is_stale FROM mart.unit_rates WHERE period_kind = 'month' AND period_start = '2024-02-01'"
        ).fetchall()
        flags = connection.execute("SELECT count(*), min(rank) FROM mart.flags WHERE problem = 'data_stale'").fetchall()
        others = connection.execute("SELECT max(rank) FROM mart.flags WHERE problem <> 'data_stale'").fetchall()
        connection.close()
        assert found == light
        assert (running, over) == ([(light != "green",)], [(False,)]), "February was exported whole"
        assert flags[0][0] == (0 if light == "green" else len(NAMES))
        assert light == "green" or others[0][0] is None or flags[0][1] > others[0][0]
        ago = (day(as_of) - day("15/03")).days
        ending = "" if light == "green" else "; hãy xuất lại"
        assert message == f"Danh sách hồ sơ: dữ liệu mới nhất ngày 15/03/2024 ({ago} ngày trước ngày chốt){ending}"


@pytest.mark.slow
def test_a_commune_that_stopped_exporting_is_behind_and_a_silent_one_is_not(tmp_path: Path) -> None:
    history = History()
    history.nightly("04/03", "08/03", names=NAMES[:1])
    history.nightly("04/03", "15/03", names=NAMES[1:])
    connection = history.build(tmp_path, datetime(2024, 3, 15, 23), SILENT)
    found = connection.execute("SELECT problem, message_vi FROM ops.freshness WHERE problem IS NOT NULL AND kind = 'cases'").fetchall()
    ages = dict(
        connection.execute(
            "SELECT unit_name, (data_as_of, is_stale) FROM mart.unit_rates WHERE measure = 'on_time' AND period_kind = 'year'"
        ).fetchall()
    )
    connection.close()
    assert [problem for problem, _ in found] == ["vanished"], "it had dossiers in the district's lists, and has none in the newest"
    assert ages["UBND xã Sơn Hạ"] == (datetime(2024, 3, 8, 22), True)
    assert ages["UBND xã Sơn Lặng"] == (datetime(2024, 3, 15, 22), False), "no dossier, but the district's list would hold it"


@pytest.mark.slow
def test_a_period_exported_before_its_end_stays_incomplete(tmp_path: Path) -> None:
    history = History()
    history.list("22/02", "02/01", "22/02")
    history.list("22/03", "01/03", "22/03")
    connection = history.build(tmp_path, datetime(2024, 3, 22, 23))
    found = connection.execute(
        "SELECT period_start, bool_or(is_stale), bool_and(is_stale) FROM mart.unit_rates WHERE period_kind = 'month' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    connection.close()
    assert found == [(date(2024, 1, 1), False, False), (date(2024, 2, 1), True, True), (date(2024, 3, 1), False, False)]


@pytest.mark.slow
def test_a_merged_unit_is_no_alarm_and_as_fresh_as_its_least_fresh_predecessor(tmp_path: Path) -> None:
    """Sơn Trung ends on 15/03 and goes into Sơn Cao; the lists of the old commune stop, as they should."""
    units = UNITS.replace("UBND xã Sơn Trung,commune,2003-01-01,,", "UBND xã Sơn Trung,commune,2003-01-01,2024-03-15,000.29.58.H48")
    history = History()
    history.nightly("04/03", "15/03", begin="01/03")
    for night in ("18/03", "19/03", "20/03", "21/03", "22/03"):
        history.list(night, "18/03", night, NAMES[:6] + NAMES[7:])
    connection = history.build(tmp_path, datetime(2024, 3, 22, 23), units)
    found = alarms(connection)
    ages = connection.execute(
        "SELECT unit_name, data_as_of, is_stale FROM mart.unit_rates_today WHERE measure = 'on_time' AND period_kind = 'year' AND unit_code LIKE '000.2[78]%' OR "
        "(measure = 'on_time' AND period_kind = 'year' AND unit_name IN ('UBND xã Sơn Giang', 'UBND xã Sơn Cao')) ORDER BY 1"
    ).fetchall()
    connection.close()
    assert found == []
    assert ages == [("UBND xã Sơn Cao", datetime(2024, 3, 15, 22), False), ("UBND xã Sơn Giang", datetime(2024, 3, 22, 22), False)]


@pytest.mark.slow
def test_kinds_that_never_came_have_their_own_light(tmp_path: Path) -> None:
    history = History()
    history.list("15/03", "11/03", "15/03")
    connection = history.build(tmp_path, datetime(2024, 3, 15, 23))
    found = connection.execute("SELECT kind, light, problem FROM ops.freshness").fetchall()
    connection.close()
    never = [(kind, "yellow", "never") for kind in ("waiting", "payments", "digitization", "procedures")]
    assert found == [("cases", "green", None), *never]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("least: 2, usual: 5", "least: 6, usual: 5", "không giảm"),
        ("never: red", "never: blue", "never"),
        ("deliveries: 15", "deliveries: 0", "lớn hơn 0"),
        ("same_range_share: 0.2", "same_range_share: 1.2", "nhỏ hơn 1"),
        ("spread_times", "spread_time", "spread_times"),
        ("other:", "others:", "ba phần"),
    ],
)
def test_a_wrong_limit_is_refused(before: str, after: str, says: str) -> None:
    text = (Path(__file__).parents[2] / "transforms" / "freshness.yml").read_text(encoding="utf-8")
    kinds, _ = parse_freshness(text, {"cases": "Danh sách hồ sơ", "new": "Loại mới"})
    assert kinds.column("usual").to_pylist() == [5, 70]
    with pytest.raises(FreshnessError, match=says):
        parse_freshness(text.replace(before, after, 1), {"cases": "Danh sách hồ sơ"})
