"""The measures once more, in plain Python over the truth of a sample: slow, naive, sharing no line with the product.

What the warehouse must say is worked out here from files of facts (one row a dossier, a fee line, a digitization) with
loops and dictionaries. When the two disagree, one of them misreads the definitions.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import holidays

SHIFTS = ((time(7, 0), time(11, 30)), (time(13, 30), time(17, 0)))
LIMIT_HOURS = 8.0

Key = tuple[str, str, str, str, str]
"""measure, period_kind, period_start (ISO), group_kind (unit, level, all), group_code (of a unit its ``key``)"""

UnitKey = tuple[str, str]
"""unit_code and valid_from (ISO): codes are used again, so that a code alone names no unit"""


@dataclass(frozen=True)
class Unit:
    """A unit as units.csv has it."""

    code: str
    name: str
    level: str
    valid_from: date = date.min
    valid_to: date = date.max
    successor: str = ""

    @property
    def key(self) -> str:
        """Code and first day, as one text."""
        return f"{self.code}@{self.valid_from}"

    def is_valid(self, day: date) -> bool:
        """Whether the unit exists on a day."""
        return self.valid_from <= day <= self.valid_to


@dataclass(frozen=True)
class FeeLine:
    """A fee line in its final state."""

    amount: int
    collection: str
    method: str
    state: str

    @property
    def counts(self) -> bool:
        """Whether the line is about money owed at all."""
        if self.amount <= 0:
            return False
        if self.collection in ("Đối tượng miễn phí", "Không thu phí"):
            return False
        return self.state not in ("Hoàn phí", "Hủy thanh toán")

    @property
    def is_paid_online(self) -> bool:
        """Whether the line counts and was paid online."""
        return self.counts and self.state == "Đã thanh toán" and self.method == "Trực tuyến"


@dataclass
class Dossier:
    """A dossier in its final state, with all facts known of it."""

    code: str
    unit: Unit
    procedure: str
    level: str
    channel: str
    submitted: datetime | None
    received: datetime | None
    due: datetime | None
    finished: datetime | None
    returned: datetime | None
    status: int
    has_result: bool
    fees: list[FeeLine] = field(default_factory=list)
    components: int | None = None
    result_digitized: bool = False
    e_result: bool = False
    supplements: int | None = None
    catalogue_fee: int | None = None
    """None for a procedure that the catalogue does not list."""

    @property
    def is_received(self) -> bool:
        """Received: a reception date, and not refused."""
        return self.received is not None and self.status != 3

    @property
    def end(self) -> datetime | None:
        """When handling ended, whatever the status."""
        return self.finished if self.finished is not None else self.returned

    @property
    def is_finished(self) -> bool:
        """Finished: status 9 or 10 with an end."""
        return self.status in (9, 10) and self.end is not None

    @property
    def settled(self) -> datetime | None:
        """When handling ended in any way: done, returned, withdrawn, stopped; None while it has not."""
        return self.end if self.status in (7, 8, 9, 10) else None

    @property
    def is_fee_bearing(self) -> bool:
        """Whether any fee line counts."""
        return any(line.counts for line in self.fees)

    @property
    def is_paid_online(self) -> bool:
        """Whether any fee line was paid online."""
        return any(line.is_paid_online for line in self.fees)


@dataclass
class Truth:
    """Everything the measures need."""

    as_of: datetime
    units: dict[UnitKey, Unit]
    dossiers: list[Dossier]
    overrides: dict[date, bool]

    def is_working_day(self, day: date) -> bool:
        """Says whether a day is worked: the office's calendar first, then the library's."""
        return is_working_day(day, self.overrides)

    def waiting_hours(self, dossier: Dossier) -> float | None:
        """Returns the working hours a dossier waited for reception; None where the clock does not run."""
        if dossier.channel != "online" or dossier.submitted is None or dossier.status == 3:
            return None
        end = dossier.received if dossier.received is not None else self.as_of
        return working_hours(dossier.submitted, end, self.overrides)

    def waiting_clock_hours(self, dossier: Dossier) -> float | None:
        """Returns the plain hours a dossier waited for reception, nights and holidays too; None where the clock does not run."""
        if dossier.channel != "online" or dossier.submitted is None or dossier.status == 3:
            return None
        end = dossier.received if dossier.received is not None else self.as_of
        return max((end - dossier.submitted).total_seconds(), 0) / 3600

    def unit_today(self, unit: Unit) -> Unit:
        """Returns the unit that took over by as_of, through any number of successors; the unit itself where none did."""
        today = self.as_of.date()
        heir = unit
        while not heir.is_valid(today):
            # The successor may have the very code of its predecessor, so only a later one is meant.
            later = [u for u in self.units.values() if u.code == heir.successor and u.valid_from > heir.valid_from]
            if not later:
                return unit
            heir = min(later, key=lambda u: u.valid_from)
        return heir


_library_days: dict[date, bool] = {}


def is_working_day(day: date, overrides: dict[date, bool]) -> bool:
    """Says whether a day is worked: Monday to Friday and no holiday, or a worked Saturday; overrides win."""
    if day in overrides:
        return overrides[day]
    if day not in _library_days:
        _library_days[day] = holidays.country_holidays("VN", years=[day.year]).is_working_day(day)
    return _library_days[day]


def working_hours(begin: datetime, end: datetime, overrides: dict[date, bool]) -> float:
    """Returns the working hours between two moments, walking day by day through both shifts."""
    seconds = 0.0
    day = begin.date()
    while day <= end.date():
        if is_working_day(day, overrides):
            for opens, closes in SHIFTS:
                since = max(begin, datetime.combine(day, opens))
                until = min(end, datetime.combine(day, closes))
                if until > since:
                    seconds += (until - since).total_seconds()
        day += timedelta(days=1)
    return seconds / 3600


def load_overrides(path: Path) -> dict[date, bool]:
    """Returns calendar.csv as ``{date: is it worked}``."""
    return {date.fromisoformat(r["date"]): r["is_working"] == "true" for r in _rows(path)}


def load_truth(truth_dir: Path, reference_dir: Path) -> Truth:
    """Returns the facts of a sample; fees and digitization are taken from their own files, line by line."""
    facts = json.loads((truth_dir / "sample.json").read_text(encoding="utf-8"))
    units = load_units(reference_dir / "units.csv")
    catalogue = {r["procedure_code"]: r for r in _rows(truth_dir / "procedures.csv")}
    dossiers: dict[str, Dossier] = {}
    for r in _rows(truth_dir / "dossiers.csv"):
        listed = catalogue.get(r["procedure_code"])
        dossiers[r["case_code"]] = Dossier(
            code=r["case_code"],
            unit=units[r["unit_code"], r["unit_valid_from"]],
            procedure=r["procedure_code"],
            level=listed["service_level"] if listed else r["service_level"],
            channel=r["channel"],
            submitted=_moment(r["submitted_at"]),
            received=_moment(r["received_at"]),
            due=_moment(r["due_at"]),
            finished=_moment(r["finished_at"]),
            returned=_moment(r["returned_at"]),
            status=int(r["status_code"]),
            has_result=listed["has_result"] == "true" if listed else True,
            supplements=int(r["supplements"]) if r["supplements"] else None,
            catalogue_fee=int(listed["fee"]) if listed else None,
        )
    for r in _rows(truth_dir / "payments.csv"):
        dossiers[r["case_code"]].fees.append(FeeLine(int(r["amount"]), r["collection"], r["method"], r["state"]))
    for r in _rows(truth_dir / "digitization.csv"):
        dossier = dossiers[r["case_code"]]
        dossier.components = int(r["digitized_input_code"])
        dossier.result_digitized = r["is_result_digitized"] == "true"
        dossier.e_result = r["is_e_result"] == "true"
    overrides = load_overrides(reference_dir / "calendar.csv")
    return Truth(datetime.fromisoformat(facts["as_of"]), units, list(dossiers.values()), overrides)


def load_units(path: Path) -> dict[UnitKey, Unit]:
    """Returns the lines of units.csv by code and first day."""
    units: dict[UnitKey, Unit] = {}
    for r in _rows(path):
        first = date.fromisoformat(r["valid_from"]) if r["valid_from"] else date.min
        last = date.fromisoformat(r["valid_to"]) if r["valid_to"] else date.max
        units[r["unit_code"], r["valid_from"]] = Unit(r["unit_code"], r["name_vi"], r["level"], first, last, r["successor_code"])
    return units


def unit_rates(truth: Truth) -> dict[Key, tuple[int, int]]:
    """Returns ``{key: (numerator, denominator)}`` of every measure, period and group whose denominator is not 0.

    As it was: a dossier counts for the unit it belonged to.
    """
    return _rates(truth, lambda unit: unit)


def unit_rates_as_is(truth: Truth) -> dict[Key, tuple[int, int]]:
    """Returns the same with every dossier given to the unit that answers for it today: predecessors rolled into successors."""
    return _rates(truth, truth.unit_today)


def _rates(truth: Truth, unit_of: Callable[[Unit], Unit]) -> dict[Key, tuple[int, int]]:
    days = _Period.all_of(truth)
    counted: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    bearing: dict[Key, set[str]] = defaultdict(set)
    paid: dict[Key, set[str]] = defaultdict(set)
    for dossier in truth.dossiers:
        unit = unit_of(dossier.unit)
        for measure, moment, hit in _answers(truth, dossier):
            for key in _keys(measure, period_starts(moment), unit):
                counted[key][0] += hit
                counted[key][1] += 1
        for period in _Period.of(dossier, days):
            for key in _keys("on_time_766", [(period.kind, period.begin)], unit):
                counted[key][0] += _is_on_time_766(truth, dossier, period)
                counted[key][1] += 1
        if dossier.is_received and dossier.received is not None and dossier.is_fee_bearing:
            for key in _keys("payment_procedures", period_starts(dossier.received), unit):
                bearing[key].add(dossier.procedure)
                if dossier.is_paid_online:
                    paid[key].add(dossier.procedure)
    rates = {key: (hits, total) for key, (hits, total) in counted.items()}
    rates |= {key: (len(paid[key]), len(procedures)) for key, procedures in bearing.items()}
    return rates


def _answers(truth: Truth, d: Dossier) -> Iterable[tuple[str, datetime, bool]]:
    """Yields for each measure whose denominator holds the dossier: measure, the moment it belongs to, in numerator."""
    hours = truth.waiting_hours(d)
    if hours is not None and d.submitted is not None:
        yield "received_within_8h", d.submitted, hours <= LIMIT_HOURS
    if not d.is_received or d.received is None:
        return
    at = d.received
    if d.due is not None:
        if d.is_finished and d.end is not None:
            yield "on_time", at, d.end.date() <= d.due.date()
        elif d.status in (2, 4) and d.due.date() < truth.as_of.date():
            yield "on_time", at, False
    if d.level == "partial":
        yield "online_partial", at, d.channel == "online"
    if d.level == "full":
        yield "online_full", at, d.channel == "online"
    if d.is_fee_bearing:
        yield "payment_cases", at, d.is_paid_online
    input_digitized = d.components in (1, 2, 3)
    yield "digitized_input", at, input_digitized
    if d.is_finished:
        if d.has_result:
            yield "digitized_result", at, d.result_digitized
            yield "e_result", at, d.e_result
        yield "digitized", at, input_digitized and (d.result_digitized or not d.has_result)
    yield "online_submission_766", at, d.channel == "online"
    # Of a procedure with a fee, unless the dossier has fee lines and all of them are 0; exemptions and refunds stay in.
    owes = d.is_fee_bearing if d.catalogue_fee is None else d.catalogue_fee > 0
    if owes and not (d.fees and all(line.amount <= 0 for line in d.fees)):
        online = [x for x in d.fees if x.amount > 0 and x.state == "Đã thanh toán" and x.method == "Trực tuyến"]
        yield "payment_766", at, bool(online)
    needs_result = d.has_result and d.is_finished
    yield "digitized_766", at, input_digitized and (d.result_digitized or not needs_result)
    if d.settled is not None:
        yield "on_time_resolved", d.settled, d.due is None or d.settled.date() <= d.due.date()


@dataclass(frozen=True)
class _Period:
    """A month, quarter or year ``[begin, end)``."""

    kind: str
    begin: date
    end: date

    @staticmethod
    def all_of(truth: Truth) -> "list[_Period]":
        """Returns all periods of a sample."""
        following = {"month": 1, "quarter": 3, "year": 12}
        made = []
        for kind, first in sorted(periods(truth)):
            begin = date.fromisoformat(first)
            months = begin.year * 12 + begin.month - 1 + following[kind]
            made.append(_Period(kind, begin, date(months // 12, months % 12 + 1, 1)))
        return made

    @staticmethod
    def of(dossier: Dossier, days: "list[_Period]") -> "list[_Period]":
        """Returns the periods in which a dossier was received or ended, each once."""
        if not dossier.is_received or dossier.received is None:
            return []
        moments = [m.date() for m in (dossier.received, dossier.settled) if m is not None]
        return [p for p in days if any(p.begin <= m < p.end for m in moments)]


def _is_on_time_766(truth: Truth, d: Dossier, period: _Period) -> bool:
    """Says whether a dossier is on time as things stood at the end of a period, by the national rules."""
    if d.supplements is not None and d.supplements > 1:
        return False
    if d.due is None:
        return True
    if d.settled is not None and d.settled.date() < period.end:
        return d.settled.date() <= d.due.date()
    return d.due.date() >= min(period.end - timedelta(days=1), truth.as_of.date())


def _keys(measure: str, starts: list[tuple[str, date]], unit: Unit) -> Iterable[Key]:
    for kind, start in starts:
        for group_kind, group_code in (("unit", unit.key), ("level", unit.level), ("all", "all")):
            yield measure, kind, start.isoformat(), group_kind, group_code


def period_starts(moment: datetime) -> list[tuple[str, date]]:
    """Returns the month, quarter and year that hold a moment, by their first days."""
    quarter = (moment.month - 1) // 3 * 3 + 1
    return [
        ("month", date(moment.year, moment.month, 1)),
        ("quarter", date(moment.year, quarter, 1)),
        ("year", date(moment.year, 1, 1)),
    ]


def periods(truth: Truth) -> set[tuple[str, str]]:
    """Returns every (kind, first day) from the first in which a dossier was submitted to the one holding as_of."""
    first = min(d.submitted for d in truth.dossiers if d.submitted is not None)
    found: set[tuple[str, str]] = set()
    day = first.date()
    while day <= truth.as_of.date():
        found |= {(kind, start.isoformat()) for kind, start in period_starts(datetime.combine(day, time()))}
        day += timedelta(days=1)
    return found


def late_receptions(truth: Truth) -> dict[str, tuple[str, datetime, datetime | None, float, bool]]:
    """Returns ``{case_code: (unit_code, submitted, received, hours, is_waiting)}`` of every breach of the limit."""
    late = {}
    for d in truth.dossiers:
        hours = truth.waiting_hours(d)
        if hours is not None and d.submitted is not None and hours > LIMIT_HOURS:
            late[d.code] = (d.unit.code, d.submitted, d.received, hours, d.received is None and d.status in (1, 2, 4, 5, 6))
    return late


def summary06(truth: Truth, begin: date, end: date) -> dict[UnitKey, dict[str, int]]:
    """Returns Biểu số 06 of the period ``[begin, end)`` by unit, counted by that table's own rules.

    Units that were not valid in the period are left out, unless dossiers of theirs are still at hand.
    """
    names = ("total", "online", "direct", "carried", "done", "early", "on_day", "late", "open", "open_in", "open_over")
    table = {key: dict.fromkeys(names, 0) for key in truth.units}
    for d in truth.dossiers:
        if not d.is_received or d.received is None:
            continue
        row = table[d.unit.code, d.unit.valid_from.isoformat()]
        end_day = d.end.date() if d.status in (7, 8, 9, 10) and d.end is not None else None
        if begin <= d.received.date() < end:
            row["online" if d.channel == "online" else "direct"] += 1
        elif d.received.date() < begin and (end_day is None or end_day >= begin):
            row["carried"] += 1
        else:
            continue
        row["total"] += 1
        if end_day is not None and begin <= end_day < end:
            row["done"] += 1
            if d.due is None or end_day == d.due.date():
                row["on_day"] += 1
            else:
                row["early" if end_day < d.due.date() else "late"] += 1
        else:
            row["open"] += 1
            row["open_over" if d.due is not None and d.due.date() < end else "open_in"] += 1
    lasting = {key for key, unit in truth.units.items() if unit.valid_from < end and unit.valid_to >= begin}
    return {key: row for key, row in table.items() if key in lasting or row["total"]}


def receptions_summary(truth: Truth, begin: date, end: date) -> dict[UnitKey, dict[str, int]]:
    """Returns the table of online receptions of the period ``[begin, end)`` by unit."""
    names = ("handled", "on_time", "late_received", "overdue_open", "overdue_carried")
    table = {key: dict.fromkeys(names, 0) for key in truth.units}
    last = end - timedelta(days=1)
    for d in truth.dossiers:
        if d.channel != "online" or not d.is_received or d.received is None:
            continue
        row = table[d.unit.code, d.unit.valid_from.isoformat()]
        is_new = begin <= d.received.date() < end
        settled = d.settled.date() if d.settled is not None else None
        is_over = settled is not None and settled < end
        if is_new or (settled is not None and begin <= settled < end):
            row["handled"] += 1
            in_time = settled <= d.due.date() if d.due and settled and is_over else d.due is None or d.due.date() >= last
            row["on_time"] += in_time and (d.supplements is None or d.supplements < 2)
        hours = truth.waiting_hours(d)
        if is_new and hours is not None and hours > LIMIT_HOURS:
            row["late_received"] += 1
        if (
            not is_over
            and (settled is not None or d.status in (2, 4))
            and d.due is not None
            and d.due.date() < last
            and d.received.date() < end
        ):
            row["overdue_carried"] += 1
            row["overdue_open"] += is_new
    return _lasting(truth, table, begin, end)


def payments_summary(truth: Truth, begin: date, end: date, tiers: dict[str, tuple[int, str]]) -> dict[UnitKey, dict[str, int]]:
    """Returns the table of fees and online payments of the period by unit.

    Args:
        truth: The facts.
        begin, end: The period ``[begin, end)``.
        tiers: Fee and tier ("Cấp xã", "Cấp huyện") of every procedure of the catalogue.
    """
    handled_by = {"commune": "Cấp xã", "district": "Cấp huyện", "district_department": "Cấp huyện"}
    used: dict[UnitKey, dict[str, set[str]]] = {key: {"used": set(), "paid": set(), "online": set()} for key in truth.units}
    cases = {key: [0, 0] for key in truth.units}
    for d in truth.dossiers:
        if not d.is_received or d.received is None or not begin <= d.received.date() < end:
            continue
        if not (d.is_fee_bearing if d.catalogue_fee is None else d.catalogue_fee > 0):
            continue
        key = d.unit.code, d.unit.valid_from.isoformat()
        used[key]["used"].add(d.procedure)
        cases[key][0] += 1
        if any(line.counts and line.state == "Đã thanh toán" for line in d.fees):
            used[key]["paid"].add(d.procedure)
        if d.is_paid_online:
            used[key]["online"].add(d.procedure)
            cases[key][1] += 1
    table = {}
    for key, unit in truth.units.items():
        listed = sum(fee > 0 and tier == handled_by[unit.level] for fee, tier in tiers.values())
        counts = [listed, *(len(used[key][name]) for name in ("used", "paid", "online")), *cases[key]]
        names = ("fee_procedures", "fee_procedures_used", "paid_procedures", "online_paid_procedures", "fee_cases", "online_paid_cases")
        table[key] = dict(zip(names, counts, strict=True))
    return _lasting(truth, table, begin, end, but="fee_procedures")


def digitization_summary(truth: Truth, begin: date, end: date) -> dict[UnitKey, dict[str, int]]:
    """Returns the table of digitization of the period by unit."""
    inputs = ("input_none", "input_digitized", "input_reused", "input_reused_portal")
    table = {key: dict.fromkeys(("received", *inputs, "done", "result_none", "result_digitized"), 0) for key in truth.units}
    for d in truth.dossiers:
        if not d.is_received or d.received is None:
            continue
        row = table[d.unit.code, d.unit.valid_from.isoformat()]
        if begin <= d.received.date() < end:
            row["received"] += 1
            code = d.components or 0
            row["input_digitized" if code else "input_none"] += 1
            row["input_reused"] += code >= 2
            row["input_reused_portal"] += code == 3
        if d.is_finished and d.end is not None and begin <= d.end.date() < end:
            row["done"] += 1
            row["result_digitized" if d.result_digitized or not d.has_result else "result_none"] += 1
    return _lasting(truth, table, begin, end)


def _lasting(truth: Truth, table: dict[UnitKey, dict[str, int]], begin: date, end: date, but: str = "") -> dict[UnitKey, dict[str, int]]:
    """Returns the rows of units valid in a period, and of others that have something to show in any column but one."""
    return {
        key: row
        for key, row in table.items()
        if (truth.units[key].valid_from < end and truth.units[key].valid_to >= begin) or any(n for name, n in row.items() if name != but)
    }


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
