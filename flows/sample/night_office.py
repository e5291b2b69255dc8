"""A district's dossiers night after night, what its people correct in good faith, and what they repair the way that rates invite."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from flows.sample.district import overrides_by_date, read_procedures, read_units

_FIRST = (3, 1)
_HOUR = time(23)
_EACH = 4
"""How many of each kind are planted, honest and not."""
_AROUND = 6

NEVER = datetime.max
"""Stands for a moment that has not come."""


@dataclass(frozen=True)
class State:
    """A dossier as one list shows it."""

    unit: int
    submitted: datetime
    received: datetime = NEVER
    due: datetime = NEVER
    finished: datetime = NEVER
    returned: datetime = NEVER
    status: int = 1


@dataclass
class Dossier:
    """One dossier and its states: from each moment on the state that lists show; None when they show it no more."""

    code: str
    procedure: int
    channel: int
    states: list[tuple[datetime, State | None]]
    others: list[tuple[datetime, State]] = field(default_factory=list)

    def at(self, moment: datetime) -> State | None:
        """The state that a list made at a moment shows."""
        shown = [state for begun, state in self.states if begun <= moment]
        return shown[-1] if shown else None

    def keep_until(self, moment: datetime) -> None:
        """Nothing of the dossier's own course happens after a moment."""
        self.states = [(begun, state) for begun, state in self.states if begun <= moment]


class Office:
    """A district's dossiers, their course, and what people do to them."""

    def __init__(self, chance: random.Random, year: int, nights: int) -> None:
        self.chance = chance
        self.units, self.procedures = read_units(year), read_procedures()
        self.handled = {
            i: [n for n, p in enumerate(self.procedures) if p.is_listed and ("commune" if u.level == "commune" else u.code) in p.handlers]
            for i, u in enumerate(self.units)
        }
        self.busy = [i for i, u in enumerate(self.units) if u.level == "commune"]
        worked = overrides_by_date(year)
        first = date(year, *_FIRST)
        self.nights = [datetime.combine(first + timedelta(days=n), _HOUR) for n in range(nights)]
        days = [first + timedelta(days=n) for n in range(-45, nights + 60)]
        self.days = [day for day in days if worked.get(day, day.weekday() < 5)]
        self.dossiers: list[Dossier] = []
        self.planted: list[dict[str, str | None]] = []
        self.honest: list[dict[str, str | None]] = []
        self._touched: set[str] = set()
        self._numbers: dict[tuple[str, date], int] = {}

    def _at_work(self, day: date) -> datetime:
        minute = self.chance.choice([self.chance.randrange(425, 680), self.chance.randrange(815, 950)])
        return datetime.combine(day, time()) + timedelta(minutes=minute, seconds=self.chance.randrange(60))

    def _workday(self, day: date, later: int = 0) -> date:
        place = next((n for n, worked in enumerate(self.days) if worked >= day), len(self.days) - 1)
        return self.days[min(max(place + later, 0), len(self.days) - 1)]

    def _name(self, unit: int, day: date) -> str:
        key = (self.units[unit].code, day)
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return f"{key[0]}-{day:%y%m%d}-{self._numbers[key]:04d}"

    def fill(self, cases: int) -> None:
        """Dossiers of an ordinary course: filed, received within hours, finished mostly in time, handed over."""
        last = self.nights[-1].date()
        days = [day for day in self.days if day <= last]
        for number in range(cases):
            self._file(days[number * len(days) // cases], self.chance.choice(self.busy))

    def _file(self, day: date, unit: int) -> Dossier:
        submitted = self._at_work(day)
        channel = 0 if self.chance.random() < 0.5 else 1
        procedure = self.chance.choice(self.handled[unit])
        received = (
            submitted
            if channel
            else self._at_work(self._workday(day, 1))
            if self.chance.random() < 0.2
            else submitted + timedelta(minutes=self.chance.randrange(5, 60))
        )
        days = self.chance.randrange(4, 12)
        due = datetime.combine(self._workday(received.date(), days), time(17))
        late = self.chance.random() < 0.04
        ended = self._at_work(
            self._workday(due.date(), self.chance.randrange(1, 4))
            if late
            else self._workday(received.date(), self.chance.randrange(1, days))
        )
        returned = self._at_work(self._workday(ended.date(), 1))
        waits = State(unit, submitted)
        states: list[tuple[datetime, State | None]] = [(submitted, waits)]
        open_one = replace(waits, received=received, due=due, status=4)
        done = replace(open_one, finished=ended, status=9)
        states += [(received, open_one), (ended, done), (returned, replace(done, returned=returned, status=10))]
        dossier = Dossier(self._name(unit, day), procedure, channel, states)
        self.dossiers.append(dossier)
        return dossier

    def _course(self, dossier: Dossier) -> tuple[State, State]:
        """The dossier as it is while open and when finished."""
        found = [state for _, state in dossier.states if state]
        return next(s for s in found if s.status == 4), next(s for s in found if s.status == 9)

    def _pick(self, fits: Callable[[State, State], bool], count: int = _EACH) -> list[Dossier]:
        fitting = [d for d in self.dossiers if d.code not in self._touched and len(d.states) == 4 and fits(*self._course(d))]
        chosen = self.chance.sample(fitting, min(count, len(fitting)))
        self._touched |= {d.code for d in chosen}
        return chosen

    def _is_watched(self, day: date, before: int = 2, after: int = 3) -> bool:
        """Lists are made from some nights before a day to some after it."""
        return self.nights[0].date() + timedelta(days=before) <= day <= self.nights[-1].date() - timedelta(days=after)

    def _night(self, day: date) -> datetime:
        return datetime.combine(day, _HOUR)

    def _note(self, notes: list[dict[str, str | None]], rule: str, unit: int, night: datetime, code: str | None) -> None:
        notes.append({"rule": rule, "case_code": code, "unit_code": self.units[unit].code, "night": night.isoformat()})

    def correct(self) -> None:
        """What offices do in good faith: none of it should be asked about."""

        def open_on(day_of: Callable[[State, State], date]) -> Callable[[State, State], bool]:
            return lambda o, f: self._is_watched(day_of(o, f)) and o.received != NEVER and o.received.date() < day_of(o, f)

        for d in self._pick(lambda o, f: self._is_watched(o.received.date(), 1, 4) and (o.due - o.received).days > 4):
            o, f = self._course(d)  # a due date a year wrong, put right the next morning
            at = datetime.combine(o.received.date() + timedelta(days=1), time(8))
            wrong = replace(o, due=o.due - timedelta(days=365))
            d.states = [d.states[0], (d.states[1][0], wrong), (min(at, d.states[2][0]), o), *d.states[2:]]
            self._note(self.honest, "due_typed_wrong", o.unit, at, d.code)
        for d in self._pick(lambda o, f: self._is_watched(o.due.date(), 6, 1) and f.finished.date() >= o.due.date() - timedelta(days=1)):
            o, _ = self._course(d)  # extended three days before it was due, once
            at = datetime.combine(o.due.date() - timedelta(days=3), time(9))
            if at <= d.states[1][0]:
                continue
            longer = o.due + timedelta(days=10)
            d.states = [*d.states[:2], (at, replace(o, due=longer)), *[(m, replace(s, due=longer)) for m, s in d.states[2:] if s]]
            self._note(self.honest, "due_extended_in_time", o.unit, at, d.code)
        for d in self._pick(open_on(lambda o, f: f.finished.date())):
            o, f = self._course(d)  # handed to another unit half-way
            at = d.states[1][0] + (d.states[2][0] - d.states[1][0]) / 2
            other = self.chance.choice([u for u in self.busy if u != o.unit])
            d.states = [*d.states[:2], (at, replace(o, unit=other)), *[(m, replace(s, unit=other)) for m, s in d.states[2:] if s]]
            self._note(self.honest, "handed_over", other, at, d.code)
        for d in self._pick(lambda o, f: self._is_watched(f.finished.date()) and f.finished.date() < o.due.date() - timedelta(days=1)):
            o, f = self._course(d)  # finished on paper in the afternoon, entered the next morning, still in time
            at = datetime.combine(f.finished.date() + timedelta(days=1), time(8))
            d.states = [*d.states[:2], (at, f), (max(d.states[3][0], at + timedelta(hours=1)), d.states[3][1])]
            self._note(self.honest, "entered_next_morning", o.unit, at, d.code)
        for d in self._pick(lambda o, f: self._is_watched(f.finished.date()) and f.finished.date() < o.due.date() - timedelta(days=3)):
            o, f = self._course(d)  # withdrawn by the citizen well before it was due
            dropped = replace(o, finished=f.finished, status=7)
            d.states = [*d.states[:2], (d.states[2][0], dropped)]
            self._note(self.honest, "withdrawn_early", o.unit, d.states[2][0], d.code)
        for d in self._pick(lambda o, f: self._is_watched(f.finished.date()) and (f.finished - o.received).days >= 3):
            o, f = self._course(d)  # sent back for a paper, and the due date counted anew when it came
            asked, came = d.states[1][0] + timedelta(hours=20), d.states[2][0] - timedelta(hours=20)
            longer = o.due + timedelta(days=4)
            d.states = [
                *d.states[:2],
                (asked, replace(o, status=5)),
                (came, replace(o, due=longer)),
                *[(m, replace(s, due=longer)) for m, s in d.states[2:] if s],
            ]
            self._note(self.honest, "supplemented", o.unit, came, d.code)

    def tamper(self) -> None:
        """What rates invite: each planted with the night whose list shows it first."""

        def was_late(o: State, f: State) -> bool:
            return f.finished.date() > o.due.date()

        def received_before(o: State, days: int = 1) -> bool:
            return o.received.date() + timedelta(days=days) <= o.due.date()

        for d in self._pick(lambda o, f: self._is_watched(o.due.date(), 3, 4) and received_before(o)):
            o, _ = self._course(d)
            day = o.due.date() + timedelta(days=2)
            at, longer = datetime.combine(day, time(15)), o.due + timedelta(days=14)
            end = datetime.combine(day + timedelta(days=1), time(10))
            d.states = [*d.states[:2], (at, replace(o, due=longer)), (end, replace(o, due=longer, finished=end, status=9))]
            self._note(self.planted, "due_moved_after", o.unit, self._night(day), d.code)
        for d in self._pick(lambda o, f: self._is_watched(o.due.date(), 3, 4) and received_before(o)):
            o, _ = self._course(d)
            at, longer = datetime.combine(o.due.date(), time(16)), o.due + timedelta(days=14)
            end = at + timedelta(days=2)
            d.states = [*d.states[:2], (at, replace(o, due=longer)), (end, replace(o, due=longer, finished=end, status=9))]
            self._note(self.planted, "due_moved_near", o.unit, self._night(at.date()), d.code)
        for d in self._pick(lambda o, f: self._is_watched(o.due.date(), 3, 5) and received_before(o)):
            o, _ = self._course(d)
            day = o.due.date() + timedelta(days=3)
            d.states = [
                *d.states[:2],
                (datetime.combine(day, time(10)), replace(o, finished=o.due - timedelta(hours=2, minutes=7), status=9)),
            ]
            self._note(self.planted, "finish_backdated", o.unit, self._night(day), d.code)
        for d in self._pick(lambda o, f: self._is_watched(o.submitted.date(), 0, 6)):
            o, f = self._course(d)
            d.channel, day = 0, o.submitted.date() + timedelta(days=3)
            stamped = o.submitted + timedelta(minutes=self.chance.randrange(20, 90))
            end = max(f.finished, datetime.combine(day + timedelta(days=1), time(9)))
            stated = replace(o, received=stamped)
            d.states = [d.states[0], (datetime.combine(day, time(9)), stated), (end, replace(stated, finished=end, status=9))]
            self._note(self.planted, "reception_backdated", o.unit, self._night(day), d.code)
        for d in self._pick(lambda o, f: self._is_watched(f.finished.date(), 1, 2) and o.received.date() < f.finished.date()):
            o, f = self._course(d)
            early = replace(f, finished=o.received - timedelta(minutes=self.chance.randrange(20, 50)))
            at = d.states[1][0]
            d.states = [d.states[0], (at, early)]
            self._note(self.planted, "finished_before_received", o.unit, self._night(at.date()), d.code)
        for d in self._pick(lambda o, f: self._is_watched(f.finished.date(), 1, 6)):
            o, f = self._course(d)
            at = datetime.combine(f.finished.date() + timedelta(days=2), time(10))
            d.states = [*d.states[:3], (at, o)]
            self._note(self.planted, "reopened", o.unit, self._night(at.date()), d.code)
        for d in self._pick(lambda o, f: was_late(o, f) and self._is_watched(f.finished.date(), 1, 8)):
            o, f = self._course(d)
            at = datetime.combine(f.finished.date() + timedelta(days=5), time(10))
            d.states = [*d.states[:3], (at, replace(f, status=8))]
            self._note(self.planted, "status_backward", o.unit, self._night(at.date()), d.code)
        for d in self._pick(lambda o, f: self._is_watched(o.due.date(), 3, 4) and received_before(o)):
            o, _ = self._course(d)
            at = datetime.combine(o.due.date(), time(16, 20))
            d.states = [*d.states[:2], (at, replace(o, finished=at, status=self.chance.choice([7, 8])))]
            self._note(self.planted, "withdrawn_near_due", o.unit, self._night(at.date()), d.code)
        middle = self.nights[len(self.nights) // 2].date()
        # Whether a list lost a dossier or only begins later shows by older and younger ones that are finished.
        courses = [self._course(d) for d in self.dossiers if len(d.states) == 4]
        older = Counter[tuple[int, date]]((o.unit, o.received.date()) for o, _ in courses)
        younger = Counter[tuple[int, date]]((o.unit, o.received.date()) for o, f in courses if f.finished < self.nights[-2])
        for d in self._pick(
            lambda o, f: (
                self._is_watched(o.received.date(), 0, 5)
                and o.received.date() <= middle
                and sum(n for (unit, day), n in older.items() if unit == o.unit and day < o.received.date()) >= _AROUND
                and sum(n for (unit, day), n in younger.items() if unit == o.unit and day > o.received.date()) >= _AROUND
            )
        ):
            o, _ = self._course(d)
            day = max(o.received.date() + timedelta(days=2), self.nights[1].date())
            d.keep_until(datetime.combine(day, time(9)))
            d.states.append((datetime.combine(day, time(10)), None))
            self._note(self.planted, "vanished", o.unit, self._night(day), d.code)
        for d in self._pick(lambda o, f: self._is_watched(o.received.date(), 0, 5)):
            o, _ = self._course(d)
            other = self.chance.choice([u for u in self.busy if u != o.unit])
            at = max(self._night(o.received.date()), self.nights[0])
            d.others = [(at, replace(o, unit=other))]
            self._note(self.planted, "two_units", other, at, d.code)  # the later row of the list is the one that counts
        for d in self._pick(
            lambda o, f: not was_late(o, f) and self._is_watched(f.finished.date(), 1, 4) and o.received.date() < f.finished.date()
        ):
            o, _ = self._course(d)
            other = self.chance.choice([u for u in self.busy if u != o.unit])
            code = self._name(other, o.submitted.date())
            last_at, last = next((m, s) for m, s in reversed(d.states) if s)
            twin = Dossier(code, d.procedure, d.channel, [(last_at + timedelta(days=2), replace(last, unit=other))])
            self.dossiers.append(twin)
            self._touched.add(code)
            self._note(self.planted, "same_content", other, self._night(twin.states[0][0].date()), code)
        self._tamper_units()

    def _tamper_units(self) -> None:
        crowded, rushed, punctual = self.chance.sample(self.busy, 3)
        days = [day for day in self.days if self._is_watched(day, 2, 1)]
        at = datetime.combine(days[len(days) // 2], time(10, 20))
        for n in range(24):
            self._plant_finished(crowded, at + timedelta(seconds=n * 5))
        self._note(self.planted, "burst", crowded, self._night(at.date()), None)
        months = [
            day for day, after in zip(self.days, self.days[1:], strict=False) if after.month != day.month and self._is_watched(day, 2, 1)
        ]
        if months:
            for n in range(26):
                self._plant_finished(rushed, datetime.combine(months[0], time(16, 1)) + timedelta(minutes=n * 2, seconds=n))
            self._note(self.planted, "month_end", rushed, self._night(months[0]), None)
        last = self.nights[0]
        for n in range(14):
            day = days[n % (len(days) - 1)]
            d = self._file(day, punctual)
            self._touched.add(d.code)
            begun = datetime.combine(day, time(8)) + timedelta(minutes=n)
            received = datetime.combine(self._workday(day, 1), begun.time())  # a working day has 8 hours
            end = datetime.combine(self._workday(received.date(), 1), time(9, 2)) + timedelta(minutes=n * 7)
            due = datetime.combine(self._workday(received.date(), 8), time(17))
            d.channel, waits = 0, State(punctual, begun)
            stated = replace(waits, received=received, due=due, status=4)
            d.states = [(begun, waits), (received, stated), (end, replace(stated, finished=end, status=9))]
            last = max(last, self._night(received.date()))
        self._note(self.planted, "limit_exact", punctual, last, None)

    def _plant_finished(self, unit: int, ended: datetime) -> None:
        day = self._workday(ended.date(), -4)
        d = self._file(day, unit)
        self._touched.add(d.code)
        o, _ = self._course(d)
        received = datetime.combine(day, time(15, 30)) if o.received.date() > day else o.received
        o = replace(o, received=received, due=datetime.combine(self._workday(ended.date(), 3), time(17)))
        d.states = [d.states[0], (o.received, o), (ended, replace(o, finished=ended, status=9))]
