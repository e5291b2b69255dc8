"""The working calendar: which days count, and how many working seconds lie before each, so that no clock needs a loop.

With `worked_before(day)` known for every day, the working time between two moments is a difference: working seconds before the end less
those before the start. Source of the hours: the vendor default of one-stop systems, 07:00–11:30 and 13:30–17:00.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

import holidays
import pyarrow as pa


@dataclass(frozen=True)
class WorkingHours:
    """The two sessions of a working day, in seconds from midnight; an empty session has equal ends."""

    morning: tuple[int, int] = (7 * 3600, 11 * 3600 + 1800)
    afternoon: tuple[int, int] = (13 * 3600 + 1800, 17 * 3600)

    @property
    def seconds(self) -> int:
        """Working seconds of a day."""
        return self.morning[1] - self.morning[0] + self.afternoon[1] - self.afternoon[0]


def make_working_hours(sessions: Sequence[tuple[time, time]]) -> WorkingHours:
    """Working hours from one or two sessions in the order of the day.

    Raises:
        ValueError: more than two sessions, one that ends before it begins, or sessions that overlap.
    """
    seconds = [(a.hour * 3600 + a.minute * 60 + a.second, b.hour * 3600 + b.minute * 60 + b.second) for a, b in sessions]
    if not 1 <= len(seconds) <= 2 or any(a >= b for a, b in seconds) or (len(seconds) == 2 and seconds[0][1] > seconds[1][0]):
        raise ValueError("cần một hoặc hai buổi, buổi sau bắt đầu sau khi buổi trước kết thúc")
    return WorkingHours(seconds[0], seconds[1] if len(seconds) == 2 else (seconds[0][1], seconds[0][1]))


def make_calendar(first_year: int, last_year: int, overrides: Mapping[date, tuple[bool, str]], hours: WorkingHours) -> pa.Table:
    """One row a day from 1 January of the first to 31 December of the last year, as core.calendar.

    Args:
        first_year, last_year: both included.
        overrides: day -> (is working, note); wins over the library, which misses swaps such as 2026-01-02 with 2026-01-10.
        hours: the sessions of every working day.
    """
    public = holidays.VN(years=range(first_year, last_year + 1), language="vi")  # type: ignore[attr-defined]
    day, end = date(first_year, 1, 1), date(last_year, 12, 31)
    days, working, notes, before = [], [], [], []
    total = 0
    while day <= end:
        is_working, note = overrides.get(day) or (public.is_working_day(day), public.get(day))
        days.append(day)
        working.append(is_working)
        notes.append(note)
        before.append(total)
        total += hours.seconds if is_working else 0
        day += timedelta(days=1)
    size = len(days)
    sessions = (*hours.morning, *hours.afternoon)
    names = ("morning_from", "morning_to", "afternoon_from", "afternoon_to")
    return pa.table(
        {
            "date": pa.array(days, pa.date32()),
            "is_working": pa.array(working, pa.bool_()),
            "note": pa.array(notes, pa.string()),
            **{name: pa.array([value] * size, pa.int32()) for name, value in zip(names, sessions, strict=True)},
            "worked_before": pa.array(before, pa.int64()),
        }
    )
