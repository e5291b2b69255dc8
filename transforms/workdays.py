"""The working calendar: which days count, in which hours, and how many working seconds lie before each, so that no clock needs a loop.

With `worked_before(day)` known for every day, the working time between two moments is a difference: working seconds before the end less
those before the start. Hours may differ by weekday, over time and by office; source of the default: the vendor default of one-stop systems,
07:00–11:30 and 13:30–17:00, Monday to Friday.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

import holidays
import pyarrow as pa

_FIRST_DAY, _LAST_DAY = date.min, date.max
WEEKDAYS = range(1, 8)


@dataclass(frozen=True)
class Session:
    """One session of a working day.

    Attributes:
        opens, closes: the session.
        weekday: 1 Monday … 7 Sunday; None for Monday to Friday.
        office: code of the unit whose hours these are; None for every unit without hours of its own.
        valid_from, valid_to: days on which it holds, both included.
    """

    opens: time
    closes: time
    weekday: int | None = None
    office: str | None = None
    valid_from: date = _FIRST_DAY
    valid_to: date = _LAST_DAY


DEFAULT_SESSIONS = (Session(time(7), time(11, 30)), Session(time(13, 30), time(17)))
_Day = tuple[int, int, int, int]
_CLOSED: _Day = (0, 0, 0, 0)


def _second(moment: time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


@dataclass(frozen=True)
class WorkingHours:
    """The sessions of all offices, where they differ from the default ones.

    Of the lines for the office, those for everybody and the default, the first count that say anything of a day: those that name its weekday, else
    those for Monday to Friday, which tell a whole week: on another weekday they say closed. Lines that name weekdays change these alone.
    """

    sessions: Sequence[Session] = DEFAULT_SESSIONS

    def __post_init__(self) -> None:
        for office in (None, *self.offices):
            edges = {s.valid_from for s in self.sessions if s.office == office}
            for edge in edges:
                for weekday in WEEKDAYS:
                    self._on(edge, weekday, office)  # raises for sessions that do not fit each other

    @property
    def offices(self) -> list[str]:
        """Codes of the units with hours of their own."""
        return sorted({s.office for s in self.sessions if s.office})

    def on(self, day: date, office: str | None = None, *, as_weekday: int | None = None) -> _Day:
        """Morning and afternoon of a day in seconds from midnight; equal ends where the office is closed.

        Args:
            day: the day.
            office: the unit; None for everybody without hours of its own.
            as_weekday: treat the day as this weekday (a swapped Saturday is worked like a Monday).
        """
        weekday = as_weekday or day.isoweekday()
        for whose in (office, None) if office else (None,):
            told = self._on(day, weekday, whose)
            if told is not None:
                return told
        return _of_day(DEFAULT_SESSIONS) if weekday <= 5 else _CLOSED

    def _on(self, day: date, weekday: int, office: str | None) -> _Day | None:
        valid = [s for s in self.sessions if s.office == office and s.valid_from <= day <= s.valid_to]
        named = [s for s in valid if s.weekday == weekday]
        week = [s for s in valid if s.weekday is None]
        if not named and not week:
            return None
        return _of_day(named or (week if weekday <= 5 else []))


def _of_day(sessions: Sequence[Session]) -> _Day:
    seconds = [(_second(s.opens), _second(s.closes)) for s in sorted(sessions, key=lambda s: s.opens)]
    overlap = any(a[1] > b[0] for a, b in itertools.pairwise(seconds))
    if len(seconds) > 2 or overlap or any(opens >= closes for opens, closes in seconds):
        raise ValueError("mỗi ngày nhiều nhất hai buổi, giờ mở trước giờ đóng, buổi sau bắt đầu sau khi buổi trước kết thúc")
    flat = [edge for session in seconds for edge in session]
    return (*flat, *[flat[-1] if flat else 0] * (4 - len(flat)))  # type: ignore[return-value]


def make_calendar(
    first_year: int, last_year: int, overrides: Mapping[date, tuple[bool, str]], hours: WorkingHours, office: str | None = None
) -> pa.Table:
    """One row a day from 1 January of the first to 31 December of the last year, as core.calendar; a closed day has empty sessions.

    Args:
        first_year, last_year: both included.
        overrides: day -> (is working, note); wins over the library, which misses swaps such as 2026-01-02 with 2026-01-10.
        hours: the sessions; a weekday without sessions is no working day, unless a swap makes it one, and then it has those of a Monday.
        office: the unit whose calendar it is; None for everybody's.
    """
    public = holidays.VN(years=range(first_year, last_year + 1), language="vi")  # type: ignore[attr-defined]
    day, end = date(first_year, 1, 1), date(last_year, 12, 31)
    rows: list[tuple[date, bool, str | None, int, int, int, int, int]] = []
    total = 0
    while day <= end:
        holiday = public.get(day)
        worked, note = overrides.get(day) or (holiday is None, holiday)
        sessions = hours.on(day, office) if worked else _CLOSED
        swapped = overrides[day][0] if day in overrides else public.is_working_day(day)
        if worked and swapped and day.isoweekday() > 5:
            sessions = hours.on(day, office, as_weekday=1)
        seconds = sessions[1] - sessions[0] + sessions[3] - sessions[2]
        rows.append((day, seconds > 0, note, *sessions, total))
        total += seconds
        day += timedelta(days=1)
    columns = list(zip(*rows, strict=True))
    types = [pa.date32(), pa.bool_(), pa.string(), pa.int32(), pa.int32(), pa.int32(), pa.int32(), pa.int64()]
    names = "date is_working note morning_from morning_to afternoon_from afternoon_to worked_before".split()
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(names, columns, types, strict=True)})
