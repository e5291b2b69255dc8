"""What the report of a period is written from: its numbers, by measure and unit, and no words but names."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from transforms.wording import day_vi, period_vi


@dataclass(frozen=True)
class UnitResult:
    """A unit's rate in the period, and what of its denominator is outside the numerator.

    Attributes:
        unit_name: the unit as the report calls it; two units never share it, also where both have the same name.
        previous: numerator, denominator and target of the period before.
        misses: kind of miss -> dossiers (procedures, where those are counted).
        procedures: (code, name or None, dossiers outside the numerator), most first.
        has_ended: no longer in force on the day of the figures: it cannot be asked for anything.
        successor: who goes on with what it left open, where that is known.
    """

    unit_name: str
    numerator: int
    denominator: int
    target: float
    status: str
    shortfall: int
    previous: tuple[int, int, float | None] | None = None
    misses: dict[str, int] = field(default_factory=dict)
    procedures: list[tuple[str, str | None, int]] = field(default_factory=list)
    is_stale: bool = False
    has_ended: bool = False
    successor: str | None = None

    @property
    def answered_by(self) -> str:
        """Whom a report asks to do what is left to do: the unit, or who goes on with its dossiers."""
        if not self.has_ended:
            return self.unit_name
        return f"{self.successor}, hồ sơ do {self.unit_name} để lại" if self.successor else f"{self.unit_name} (không còn hoạt động)"


@dataclass(frozen=True)
class MeasureResult:
    """A measure of the plan: all units together, and each unit that has a target."""

    name: str
    label_vi: str
    criterion: str
    counts_procedures: bool
    total: tuple[int, int]
    previous: tuple[int, int] | None
    units: list[UnitResult]

    @property
    def noun(self) -> str:
        """What is counted."""
        return "thủ tục" if self.counts_procedures else "hồ sơ"

    def with_status(self, status: str) -> list[UnitResult]:
        """Units of one status, those furthest from the target first."""
        found = [unit for unit in self.units if unit.status == status]
        return sorted(found, key=lambda unit: (-unit.shortfall, unit.unit_name))


@dataclass(frozen=True)
class PeriodResult:
    """Everything the report of a period says.

    Attributes:
        end: day after the last one.
        waits: unit -> (late receptions of dossiers submitted in the period, of these still waiting), longest wait in hours over all.
        bieu06: totals of Biểu số 06 by column.
        concerns: sentences about the data: age, refused files and rows, warnings.
    """

    kind: str
    start: date
    end: date
    as_of: datetime
    previous_start: date | None
    measures: list[MeasureResult]
    bieu06: dict[str, int]
    waits: dict[str, tuple[int, int]]
    longest_wait: float
    concerns: list[str]
    subject_of: str

    @property
    def period(self) -> str:
        """The period within a sentence: tháng 6/2024."""
        name = period_vi(self.kind, self.start)
        return name[0].lower() + name[1:]

    @property
    def is_over(self) -> bool:
        """The office has closed on its last day; the nightly figures of that day are then complete."""
        return self.as_of >= datetime.combine(self.end - timedelta(days=1), time(17))

    @property
    def since_counted(self) -> str:
        """Until when the form counts, "đến hết ngày 31/05/2024", where that is before the day of the figures: what was open then may be done by now."""
        last = self.end - timedelta(days=1)
        return f"đến hết {day_vi(last)}" if last < self.as_of.date() else ""
