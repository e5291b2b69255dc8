"""Made-up dossiers: who filed what where, when it was received, and how it ended, as columns of numbers."""

from dataclasses import dataclass, fields
from datetime import datetime, time

import numpy as np
from numpy.typing import NDArray

from flows.sample.district import DISTRICT_UNIT, MERGED_PROVINCE, ODD_PREFIX, PORTAL_PREFIX, PROVINCE, REFORM, District
from flows.sample.worktime import DAY, END_OF_DAY, NONE, Bools, Ints, Worktime

ONLINE, COUNTER, POSTAL = 0, 1, 2

# How busy a day is: worked, weekend, other holiday. People file online at any time, Tết included.
_DAY_WEIGHTS = {"working": 1.0, "weekend": 0.35, "holiday": 0.15}
_DUE_TIMES = np.array([1020, 1020, 1020, 690, 660, 510], dtype=np.int64)


@dataclass
class Batch:
    """Dossiers as parallel arrays; units, procedures and people as positions in their lists, moments as minutes.

    ``NONE`` (-1) stands for a moment that has not come. ``unit`` is the one a dossier belongs to, valid on the day it was
    received (while it waits, submitted); ``filed_with`` the one valid when it was submitted, and another only for what
    was on its way when the units changed. ``supplements`` counts the requests for supplements, ``NONE`` where no export
    tells. ``waiting_only`` marks dossiers that only the list of dossiers waiting for reception shows.
    """

    code: NDArray[np.object_]
    unit: Ints
    filed_with: Ints
    procedure: Ints
    channel: Ints
    submitted: Ints
    received: Ints
    due: Ints
    finished: Ints
    returned: Ints
    status: Ints
    supplements: Ints
    owner: Ints
    officer: Ints
    hamlet: Ints
    identity: Ints
    phone: Ints
    is_own_prefix: Bools
    waiting_only: Bools

    def __len__(self) -> int:
        """Returns the number of dossiers."""
        return len(self.unit)

    def take(self, rows: Ints | Bools) -> "Batch":
        """Returns the dossiers at these positions, as copies."""
        return Batch(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @staticmethod
    def join(batches: list["Batch"]) -> "Batch":
        """Returns several batches as one."""
        return Batch(**{f.name: np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(Batch)})

    @property
    def is_received(self) -> Bools:
        """Received, as every measure counts it: a reception date and not refused."""
        flags: Bools = (self.received != NONE) & (self.status != 3)
        return flags

    @property
    def ended(self) -> Ints:
        """The end of handling: finished, else returned, else ``NONE``."""
        return np.where(self.finished != NONE, self.finished, self.returned)

    @property
    def is_finished(self) -> Bools:
        """Finished, as every measure counts it."""
        flags: Bools = (self.status >= 9) & (self.ended != NONE)
        return flags


class CaseNumbers:
    """Gives every dossier a code that no other has, counting by prefix and day over all batches."""

    def __init__(self, district: District, clock: Worktime) -> None:
        """Starts all counters at zero."""
        codes = [u.code for u in district.units]
        merged = [c.replace(PROVINCE, MERGED_PROVINCE) for c in codes if district.is_new.any()]
        self.prefixes = list(dict.fromkeys([*codes, PORTAL_PREFIX, ODD_PREFIX, *merged]))
        self.number_of = {prefix: i for i, prefix in enumerate(self.prefixes)}
        self._next = np.zeros(len(self.prefixes) * clock.days, dtype=np.int64)
        self._days = clock.days
        self._stamps = [f"{clock.moment(d * DAY):%y%m%d}" for d in range(clock.days)]

    def number(self, prefix: Ints, submitted: Ints) -> NDArray[np.object_]:
        """Returns codes such as ``000.22.58.H48-240215-0007`` for prefixes (positions in ``prefixes``) and moments."""
        key = prefix * self._days + submitted // DAY
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        begin = np.maximum.accumulate(np.where(first, np.arange(len(key)), 0))
        sequence = np.empty(len(key), dtype=np.int64)
        sequence[order] = np.arange(len(key)) - begin + 1 + self._next[ordered]
        np.add.at(self._next, key, 1)
        days = (submitted // DAY).tolist()
        rows = zip(prefix.tolist(), days, sequence.tolist(), strict=True)
        return np.array([f"{self.prefixes[p]}-{self._stamps[d]}-{s:04d}" for p, d, s in rows], dtype=object)


def draw_batch(
    size: int,
    window: tuple[int, int],
    district: District,
    clock: Worktime,
    as_of: int,
    numbers: CaseNumbers,
    people: tuple[int, int, int],
    rng: np.random.Generator,
) -> Batch:
    """Returns dossiers filed in a window of time, each in its state at ``as_of``.

    Args:
        size: How many.
        window: First minute and the minute after the last.
        district: Units, procedures and odds.
        clock: The working calendar.
        as_of: The minute up to which things have happened.
        numbers: Hands out dossier codes.
        people: How many names of citizens, officers and hamlets there are to draw from.
        rng: Source of chance.
    """
    filed_with = district.draw_units(size, clock.moment(window[0]).date(), rng)
    procedure = district.draw_procedures(filed_with, rng)
    chance = rng.random(size)
    online = district.online[filed_with]
    channel = np.where(chance < online, ONLINE, np.where(chance < online + 0.035, POSTAL, COUNTER)).astype(np.int64)
    submitted = _draw_submitted(channel, window, clock, rng)
    channel[~_is_open(submitted, clock)] = ONLINE

    received = _draw_received(channel, submitted, district.breach[filed_with], clock, rng)
    if district.is_new.any():
        _hold_over(channel, submitted, received, clock, rng)
    refused = (channel == ONLINE) & (rng.random(size) < 0.012)
    # Some systems stamp a reception on refused dossiers too: they still do not count as received.
    received[refused & (rng.random(size) < 0.8)] = NONE
    received[received > as_of] = NONE
    waiting = ~refused & (received == NONE)
    unit = filed_with.copy()
    handed = np.flatnonzero((received != NONE) & (received >= _reform(clock)) & ~district.is_new[unit])
    if district.is_new.any():
        unit[handed] = district.draw_heirs(unit[handed], rng)

    due, finished, returned = _draw_handling(unit, procedure, received, refused, district, clock, rng)
    status = _settle(received, finished, returned, refused, waiting, clock, as_of, rng)

    own = np.array([numbers.number_of[u.code] for u in district.units], dtype=np.int64)
    prefix = _draw_prefixes(filed_with, own, district, numbers, rng)
    return Batch(
        code=numbers.number(prefix, submitted),
        unit=unit,
        filed_with=filed_with,
        procedure=procedure,
        channel=channel,
        submitted=submitted,
        received=received,
        due=due,
        finished=finished,
        returned=returned,
        status=status,
        supplements=_draw_supplements(status, received, rng),
        owner=rng.integers(0, people[0], size),
        officer=rng.integers(0, people[1], size),
        hamlet=rng.integers(0, people[2], size),
        identity=rng.integers(10**9, 97 * 10**9, size),
        phone=rng.integers(10**7, 10**8, size),
        is_own_prefix=prefix == own[unit],
        waiting_only=waiting & (channel == ONLINE) & (rng.random(size) < 0.75),
    )


def _reform(clock: Worktime) -> int:
    return clock.minute(datetime.combine(REFORM, time()))


def _draw_prefixes(
    filed_with: Ints,
    own: Ints,
    district: District,
    numbers: CaseNumbers,
    rng: np.random.Generator,
) -> Ints:
    """Returns the prefix of each dossier's code (positions in ``numbers.prefixes``); most carry that of their unit, ``own``."""
    prefix = own[filed_with]
    chance = rng.random(len(prefix))
    is_new = district.is_new[filed_with]
    # A tenth is filed with the district, whatever unit handles it, and a tenth over the portal's short prefix.
    prefix[(chance < 0.2) & ~is_new] = numbers.number_of[DISTRICT_UNIT]
    prefix[(chance < 0.1) & ~is_new] = numbers.number_of[PORTAL_PREFIX]
    prefix[chance > 0.9995] = numbers.number_of[ODD_PREFIX]
    # A tenth of what the new communes get is still numbered by an old one's counter; a few by that of the other province.
    old = np.flatnonzero(is_new & (chance < 0.1))
    if len(old):
        prefix[old] = [numbers.number_of[c] for c in district.old_codes(filed_with[old], rng)]
    other = np.flatnonzero(is_new & (chance >= 0.1) & (chance < 0.112))
    merged = [district.units[u].code.replace(PROVINCE, MERGED_PROVINCE) for u in filed_with[other].tolist()]
    prefix[other] = np.array([numbers.number_of[m] for m in merged], dtype=np.int64)
    return prefix


def _draw_supplements(status: Ints, received: Ints, rng: np.random.Generator) -> Ints:
    """Returns how often a supplement was asked for: mostly never; more than once is late by the national rules."""
    size = len(status)
    asked = rng.choice(4, size, p=[0.9, 0.065, 0.025, 0.01])
    asked = np.where(status == 5, np.maximum(asked, 1), asked)
    supplements: Ints = np.where(received == NONE, 0, asked)
    return supplements


def _is_open(minute: Ints, clock: Worktime) -> Bools:
    return clock.elapsed[minute + 1] > clock.elapsed[minute]


def _draw_submitted(channel: Ints, window: tuple[int, int], clock: Worktime, rng: np.random.Generator) -> Ints:
    begin, end = window
    size = len(channel)
    days = np.arange(begin // DAY, (end - 1) // DAY + 1)
    is_weekend = np.array([clock.moment(d * DAY).weekday() >= 5 for d in days.tolist()])
    weights = np.where(is_weekend, _DAY_WEIGHTS["weekend"], _DAY_WEIGHTS["holiday"])
    weights = np.where(clock.is_working_day[days], _DAY_WEIGHTS["working"], weights)
    day = rng.choice(days, size, p=weights / weights.sum())
    peak = np.where(rng.random(size) < 0.55, 570, 900)
    busy = np.clip(rng.normal(peak, 95), 300, 1439).astype(np.int64)
    minute = np.where(rng.random(size) < 0.7, busy, rng.integers(0, DAY, size))
    submitted: Ints = np.minimum(day * DAY + minute, end - 1)
    open_minutes = clock.starts[(clock.starts >= begin) & (clock.starts < end)]
    if len(open_minutes):
        submitted = np.where(channel == ONLINE, submitted, rng.choice(open_minutes, size))
    return submitted


def _draw_received(channel: Ints, submitted: Ints, breach: NDArray[np.float64], clock: Worktime, rng: np.random.Generator) -> Ints:
    size = len(channel)
    chance = rng.random(size)
    wait = np.clip(rng.exponential(130, size), 1, 479).astype(np.int64)
    # Exactly eight hours is no breach: make the border common enough to be seen.
    wait[chance < 0.006] = 480
    late = chance > 1 - breach
    wait[late] = 481 + rng.exponential(420, size).astype(np.int64)[late]
    wait[channel == POSTAL] = rng.integers(0, 60, size)[channel == POSTAL]
    received = np.where(channel == COUNTER, submitted, clock.after(submitted, wait))
    # A few are forgotten altogether.
    received[(channel == ONLINE) & (rng.random(size) < 0.0025)] = np.iinfo(np.int64).max
    return received


def _hold_over(channel: Ints, submitted: Ints, received: Ints, clock: Worktime, rng: np.random.Generator) -> None:
    """Leaves some of what came online in the old units' last days to the new ones, in place: the offices were moving."""
    reform = _reform(clock)
    last_days = (channel == ONLINE) & (submitted >= reform - 5 * DAY) & (submitted < reform)
    rows = np.flatnonzero(last_days & (rng.random(len(submitted)) < 0.4))
    begin = np.full(len(rows), reform, dtype=np.int64)
    received[rows] = clock.after(begin, rng.integers(1, 900, len(rows))) if len(rows) else 0


def _draw_handling(
    unit: Ints,
    procedure: Ints,
    received: Ints,
    refused: Bools,
    district: District,
    clock: Worktime,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    size = len(unit)
    is_handled = (received != NONE) & ~refused
    begin = np.where(is_handled, received, clock.starts[0])
    due_day = clock.days_after(begin // DAY, district.days[procedure])
    due = due_day * DAY + rng.choice(_DUE_TIMES, size)

    soonest = clock.elapsed[begin] + 15
    latest = np.maximum(clock.elapsed[due_day * DAY + END_OF_DAY] - 1, soonest + 1)
    in_time = clock.starts[(soonest + rng.beta(2.2, 1.4, size) * (latest - soonest)).astype(np.int64)]
    late_day = clock.days_after(due_day, rng.geometric(0.25, size).clip(1, 30))
    is_late = rng.random(size) >= district.on_time[unit]
    finished = np.where(is_late, late_day * DAY + rng.integers(425, 685, size), in_time)
    # Clerks also close dossiers after hours: later than the due time, yet on the due date.
    stays = rng.random(size) < 0.04
    finished = np.where(stays, finished // DAY * DAY + END_OF_DAY + rng.integers(1, 115, size), finished)
    returned = clock.after(finished, rng.exponential(420, size).clip(5, 4000).astype(np.int64))

    finished[rng.random(size) < district.stuck[unit]] = NONE
    returned[(finished == NONE) | (rng.random(size) < 0.1)] = NONE
    # Some systems only keep the moment of return.
    finished[(returned != NONE) & (rng.random(size) < 0.008)] = NONE
    due[rng.random(size) < 0.01] = NONE
    for moments in (due, finished, returned):
        moments[~is_handled] = NONE
    return due, finished, returned


def _settle(
    received: Ints,
    finished: Ints,
    returned: Ints,
    refused: Bools,
    waiting: Bools,
    clock: Worktime,
    as_of: int,
    rng: np.random.Generator,
) -> Ints:
    """Blanks what lies after as_of, in place, and returns the statuses that follow."""
    size = len(received)
    chance = rng.random(size)
    returned[returned > as_of] = NONE
    finished[finished > as_of] = NONE
    is_open = (finished == NONE) & (returned == NONE)
    paused = np.where(chance < 0.1, 5, np.where(chance < 0.16, 6, 4))
    is_fresh = clock.elapsed[as_of] - clock.elapsed[np.clip(received, 0, as_of)] < 240
    status = np.where(is_open, np.where(is_fresh | (chance > 0.97), 2, paused), np.where(returned == NONE, 9, 10))
    # Withdrawn and stopped dossiers are handed back without a result; some keep no end at all.
    dropped = (received != NONE) & (finished != NONE) & (chance < 0.014)
    status = np.where(dropped, np.where(chance < 0.008, 7, 8), status)
    returned[dropped] = NONE
    finished[dropped & (rng.random(size) < 0.12)] = NONE
    status = np.where(waiting, 1, status)
    return np.where(refused, 3, status).astype(np.int64)


def rewind(batch: Batch, minute: int) -> Batch:
    """Returns the dossiers filed by an earlier minute as an export made then would have shown them."""
    past = batch.take(batch.submitted <= minute)
    past.unit = units_at(past, minute)
    for moments in (past.received, past.finished, past.returned):
        moments[moments > minute] = NONE
    past.due[past.received == NONE] = NONE
    was_open = (past.finished == NONE) & (past.returned == NONE)
    status = np.where((past.status >= 7) & was_open, 4, past.status)
    status = np.where((status == 10) & (past.returned == NONE), 9, status)
    past.status = np.where(past.received == NONE, 1, status)
    return past


def units_at(batch: Batch, minute: int) -> Ints:
    """Returns the unit that an export of some minute names: a dossier not yet received is still with the one it was filed with."""
    return np.where((batch.received == NONE) | (batch.received > minute), batch.filed_with, batch.unit)
