"""What every output shows: mail, workbook, page and report take their figures here and so agree. flows/warehouse_figures.py reads them.

Nothing is worded or rounded here (see transforms/wording.py) and nothing is computed: each record is a row of a mart or ops table.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

# Problems of the work list that say that the time is up.
OVER = ("overdue", "reception_over_8h")
# Measure, period kind, period start, unit code, unit valid_from.
RateKey = tuple[str, str, date, str, date]


@dataclass(frozen=True)
class Measure:
    """One measure of mart.measures, in its order there."""

    name: str
    criterion: str
    label_vi: str
    legal_basis: str
    family: str
    counts_procedures: bool
    differs_vi: str


@dataclass(frozen=True)
class Period:
    """A month, quarter or year; `end` is the day after its last one."""

    kind: str
    start: date
    end: date


@dataclass(frozen=True)
class Unit:
    """A unit under one code and validity; the key is (code, valid_from), because codes are reused.

    Attributes:
        called: its name, told apart from that of another unit which the same outputs may show.
    """

    code: str
    valid_from: date
    name: str
    level: str
    called: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.called:
            object.__setattr__(self, "called", self.name)

    @property
    def key(self) -> tuple[str, date]:
        """What identifies it over time."""
        return (self.code, self.valid_from)


@dataclass(frozen=True)
class Rate:
    """One rate of a unit, or of a group (level or all; then without unit, target and status)."""

    measure: str
    criterion: str
    period: Period
    unit: Unit | None
    group: str | None
    numerator: int
    denominator: int
    target: float | None
    status: str
    shortfall: int | None
    data_as_of: datetime | None = None
    is_stale: bool = False

    @property
    def key(self) -> RateKey:
        """What identifies a unit's rate.

        Raises:
            ValueError: it is a group's.
        """
        if self.unit is None:
            raise ValueError("a rate of a group has no unit")
        return (self.measure, self.period.kind, self.period.start, *self.unit.key)


@dataclass(frozen=True)
class Rank:
    """The place of a unit among those of its level in a current period; 1 is the highest rate, equals share a place."""

    measure: str
    period: Period
    unit: Unit
    rank: int
    of_units: int


@dataclass(frozen=True)
class LateReception:
    """A dossier that waited more than 8 working hours for reception."""

    case_code: str
    unit: Unit
    submitted_at: datetime
    received_at: datetime | None
    waiting_hours: float
    is_waiting: bool


@dataclass(frozen=True)
class WorkItem:
    """An open dossier to be taken up next; rank 1 is the most urgent."""

    rank: int
    case_code: str
    unit: Unit
    procedure_code: str | None
    field_vi: str | None
    problem: str
    due_at: datetime | None
    hours_left: float | None
    submitted_at: datetime | None
    received_at: datetime | None
    message_vi: str

    @property
    def is_over(self) -> bool:
        """Its time is up already."""
        return self.problem in OVER


@dataclass(frozen=True)
class Needed:
    """What a unit still needs this year to reach a target, and whether it can; None where that cannot be foreseen."""

    measure: str
    unit: Unit
    numerator: int
    denominator: int
    target: float
    remaining: int | None
    needed: int | None
    is_possible: bool | None
    message_vi: str
    forecast: float | None
    is_reliable: bool


@dataclass(frozen=True)
class Freshness:
    """How fresh the exports of one kind are, for a unit or (unit None) as a whole; light is green, yellow or red."""

    kind: str
    kind_vi: str
    unit: Unit | None
    data_as_of: datetime | None
    light: str
    problem: str | None
    message_vi: str
    rows_newest: int | None = None
    rows_before: int | None = None


@dataclass(frozen=True)
class SourceState:
    """How a source of sources.toml stands; light is green, yellow or red."""

    name: str
    light: str
    last_success_at: datetime | None
    message_vi: str


@dataclass(frozen=True)
class Difference:
    """A figure of an aggregated export against our own count.

    Attributes:
        rule_vi: how we count it; is_certain: False where it is not known that the export counts the same, so that nothing is warned of.
        note_vi: what may lie behind a difference: the age of both sides, rows that could not be counted; None where there is none.
        exported_at, listed_at: when the export and the newest dossier list were made.
        cases: (dossier code, why it may be the difference), where such dossiers can be found.
    """

    source_kind: str
    unit: Unit
    period: Period
    figure: str
    label_vi: str
    theirs: int
    ours: int
    difference: int
    is_tolerated: bool
    rule_vi: str = ""
    is_certain: bool = True
    note_vi: str | None = None
    exported_at: datetime | None = None
    listed_at: datetime | None = None
    file_name: str = ""
    sheet: str | None = None
    row_number: int = 0
    cases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Restatement:
    """A rate of a period that was over, published otherwise on a later day.

    Attributes:
        before, now: (numerator, denominator, status); now is None where the rate is counted no more.
        published_on: the last day with the old figure; restated_on: the day with the new one.
        reason_vi: the causes with the number of dossiers; exports_vi: exports that were new that day.
        target: what the rate is judged by now, so that it is rounded here as everywhere; None where there is none.
        dossiers: (dossier code, how counted before, how now, cause, file and row that show it now).
    """

    restated_on: date
    published_on: date
    measure: str
    period: Period
    unit: Unit
    before: tuple[int, int, str]
    now: tuple[int, int, str] | None
    cause: str
    reason_vi: str
    new_exports: int = 0
    exports_vi: str | None = None
    dossiers: tuple[tuple[str, str, str, str, str], ...] = ()
    target: float | None = None


@dataclass(frozen=True)
class Finding:
    """A question that the history of the exports raises.

    Attributes:
        finding_id: the same every night.
        severity: ask (the unit explains) or look (the office looks first).
        case_code: None for a question about a unit; cases: how many dossiers it concerns.
        before_vi, after_vi: both states; before_place, place: file, sheet and row of each, empty where there is none.
        effect_vi: what the rate of the year would be without the dossiers of this rule and unit; loss: by how much lower, as a share.
    """

    finding_id: str
    rule: str
    severity: str
    label_vi: str
    unit: Unit
    case_code: str | None
    cases: int
    found_at: datetime
    question_vi: str
    before_vi: str
    before_place: str
    after_vi: str
    place: str
    effect_vi: str
    loss: float


@dataclass(frozen=True)
class RuleEffect:
    """All questions of one rule to one unit, and their effect on its rate of the year."""

    rule: str
    severity: str
    label_vi: str
    unit: Unit
    findings: int
    cases: int
    effect_vi: str
    loss: float


@dataclass(frozen=True)
class Check:
    """One check of the gate."""

    name: str
    severity: str
    found: int
    is_passed: bool
    message_vi: str
    accepted_why: str | None


@dataclass(frozen=True)
class File:
    """One export and what became of it."""

    name: str
    member: str | None
    kind: str | None
    status: str
    exported_at: datetime | None
    rows_data: int
    rows_loaded: int
    rows_rejected: int
    error: str | None
    warnings: str | None


@dataclass(frozen=True)
class Figures:
    """All of it, for one as_of.

    Attributes:
        current: the year, quarter and month that hold as_of, in this order.
        rates: rates of units, all periods; groups: of levels and of all, all periods.
        units: those listed in the current periods, by level, then code.
        rejects: (reason, column, file) -> rows.
        ranks: places in the current periods; a unit without anything to be counted has none.
        loaded_files: file_id of every export that is counted.
        restatements: rates of plan measures that were restated by more than the dossiers' own course, newest first; ordinary_restatements: how many rates of
            them moved on this day because dossiers went on or time passed.
        findings: questions, those to the units first, in each the weightiest first; effects: the same by unit and rule.
        histories: dossier that is asked about -> its states in core.case_history, as flows/case_history.py tells them.
        rates_before: rate of a unit in a current period -> (numerator, denominator, status) on the published day before.
        is_working_day: whether the day of as_of is one.
        successors: unit that has ended -> the one that goes on with what it left open.
    """

    as_of: datetime
    measures: list[Measure]
    current: list[Period]
    units: list[Unit]
    rates: list[Rate]
    groups: list[Rate]
    late: list[LateReception]
    worklist: list[WorkItem]
    needed: list[Needed]
    flags: list[tuple[int, Unit, str]]
    freshness: list[Freshness]
    reconciliation: list[Difference]
    checks: list[Check]
    files: list[File]
    rejects: list[tuple[str, str | None, str, int]]
    plan: list[dict[str, Any]]
    ranks: list[Rank] = field(default_factory=list)
    sources: list[SourceState] = field(default_factory=list)
    loaded_files: list[str] = field(default_factory=list)
    is_working_day: bool = True
    rates_before: dict[RateKey, tuple[int, int, str]] = field(default_factory=dict)
    restatements: list[Restatement] = field(default_factory=list)
    ordinary_restatements: int = 0
    findings: list[Finding] = field(default_factory=list)
    effects: list[RuleEffect] = field(default_factory=list)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    successors: dict[tuple[str, date], tuple[str, date]] = field(default_factory=dict)

    def handed_over(self, units: Iterable[Unit]) -> list[WorkItem]:
        """What units that have ended left to these: their dossiers to be taken up next."""
        keys = {unit.key for unit in units}
        return [item for item in self.worklist if item.unit.key not in keys and self.successors.get(item.unit.key) in keys]

    def now(self, kind: str, *, family: str = "plan") -> list[Rate]:
        """The units' rates of the current year, quarter or month, of one family of measures."""
        names = {m.name for m in self.measures if m.family == family}
        periods = {p for p in self.current if p.kind == kind}
        return [rate for rate in self.rates if rate.period in periods and rate.measure in names]

    @property
    def labels(self) -> dict[str, str]:
        """Measure -> label."""
        return {m.name: m.label_vi for m in self.measures}
