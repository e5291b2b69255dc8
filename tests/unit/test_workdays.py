from datetime import date, time

import pytest

from transforms.workdays import WorkingHours, make_calendar, make_working_hours


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


def test_hours_are_one_or_two_sessions_in_order() -> None:
    assert make_working_hours([(time(7, 30), time(11, 30)), (time(13), time(17))]).seconds == 8 * 3600
    assert make_working_hours([(time(8), time(12))]).seconds == 4 * 3600
    for wrong in ([], [(time(12), time(8))], [(time(7), time(12)), (time(11), time(17))]):
        with pytest.raises(ValueError, match="buổi"):
            make_working_hours(wrong)
