from datetime import date, time

import pytest

from transforms.workdays import Session, WorkingHours, make_calendar


def test_a_year_of_working_seconds_adds_up() -> None:
    calendar = make_calendar(2024, 2024, {}, WorkingHours()).to_pylist()
    assert len(calendar) == 366
    worked = 0
    for day in calendar:
        assert day["worked_before"] == worked
        worked += 8 * 3600 if day["is_working"] else 0


def test_the_library_s_missing_swap_can_be_overridden() -> None:
    swap = {date(2026, 1, 2): (False, "12729/VPCP-KGVX"), date(2026, 1, 10): (True, "12729/VPCP-KGVX")}
    days = {day["date"]: day for day in make_calendar(2026, 2026, swap, WorkingHours()).to_pylist()}
    assert not days[date(2026, 1, 2)]["is_working"]
    assert days[date(2026, 1, 10)]["is_working"]
    assert days[date(2026, 2, 17)]["is_working"] is False  # Tết
    assert days[date(2026, 1, 10)]["note"] == "12729/VPCP-KGVX"


def days_of(year: int, *sessions: Session, office: str | None = None) -> dict[date, dict[str, object]]:
    return {day["date"]: day for day in make_calendar(year, year, {}, WorkingHours(sessions), office).to_pylist()}


def worked(day: dict[str, object]) -> float:
    return (day["morning_to"] - day["morning_from"] + day["afternoon_to"] - day["afternoon_from"]) / 3600  # type: ignore[operator]


def test_a_saturday_morning_desk() -> None:
    days = days_of(2024, Session(time(7, 30), time(11, 30)), Session(time(13), time(17)), Session(time(8), time(11), weekday=6))
    assert worked(days[date(2024, 3, 8)]) == 8  # a Friday
    assert worked(days[date(2024, 3, 9)]) == 3  # a Saturday
    assert worked(days[date(2024, 3, 10)]) == 0
    assert worked(days[date(2024, 2, 10)]) == 0  # the Saturday of Tết
    assert worked(days[date(2024, 5, 4)]) == 8  # a Saturday worked for another day is worked like a Monday


def test_an_office_with_hours_of_its_own_for_some_time() -> None:
    sessions = (
        Session(time(7), time(11)),
        Session(time(13), time(17)),
        Session(time(8), time(12), office="000.22.58.H48", valid_from=date(2024, 3, 1), valid_to=date(2024, 3, 31)),
    )
    own = days_of(2024, *sessions, office="000.22.58.H48")
    assert worked(own[date(2024, 2, 29)]) == 8
    assert worked(own[date(2024, 3, 1)]) == 4
    assert worked(days_of(2024, *sessions)[date(2024, 3, 1)]) == 8


def test_hours_of_one_office_leave_everybody_else_s_as_they_are() -> None:
    own = (Session(time(7, 30), time(12), office="000.22.58.H48"), Session(time(13), time(16, 30), office="000.22.58.H48"))
    assert worked(days_of(2024, *own)[date(2024, 3, 8)]) == 8
    assert worked(days_of(2024, *own, office="000.22.58.H48")[date(2024, 3, 7)]) == 8
    assert days_of(2024, *own, office="000.22.58.H48")[date(2024, 3, 7)]["morning_from"] == 7.5 * 3600


@pytest.mark.parametrize("office", [None, "000.22.58.H48"])
def test_a_line_for_saturday_alone_changes_saturday_alone(office: str | None) -> None:
    days = days_of(2024, Session(time(7, 30), time(11), weekday=6, office=office), office=office)
    assert [worked(days[date(2024, 3, day)]) for day in range(4, 11)] == [8, 8, 8, 8, 8, 3.5, 0]


def test_before_the_first_line_and_after_the_last_everybody_works_as_without_any() -> None:
    days = days_of(2024, Session(time(8), time(12), valid_from=date(2024, 4, 16), valid_to=date(2024, 5, 31)))
    assert [worked(days[day]) for day in (date(2024, 4, 15), date(2024, 4, 16), date(2024, 5, 31), date(2024, 6, 3))] == [8, 4, 4, 8]


def test_a_line_for_the_week_tells_the_whole_week_of_an_office() -> None:
    everybody_on_saturday = Session(time(7), time(11), weekday=6)
    own = Session(time(8), time(12), office="000.22.58.H48")
    assert worked(days_of(2024, everybody_on_saturday, own)[date(2024, 3, 9)]) == 4
    assert worked(days_of(2024, everybody_on_saturday, own, office="000.22.58.H48")[date(2024, 3, 9)]) == 0


def test_sessions_of_a_day_are_at_most_two_and_in_order() -> None:
    for wrong in (
        [Session(time(12), time(8))],
        [Session(time(7), time(12)), Session(time(11), time(17))],
        [Session(time(7), time(8)), Session(time(9), time(10)), Session(time(11), time(12))],
    ):
        with pytest.raises(ValueError, match="buổi"):
            WorkingHours(tuple(wrong))
