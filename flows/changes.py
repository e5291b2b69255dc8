"""What is otherwise than on the published day before: for the mail's first line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from flows.figures import Figures, Rate, RateKey, Unit
from flows.history import Late, files_on, late_on, load_days, questions_on


@dataclass(frozen=True)
class Changes:
    """What is otherwise than on an earlier published day; only periods that both days have are compared.

    Attributes:
        newly_late: dossiers that waited more than 8 hours and were no breach before; taken_in: those that waited then and are received now.
        newly_missed, newly_met: rates of plan measures whose status turned.
        moved: rates of plan measures whose numerator or denominator changed, with both before.
        new_files: exports counted now and not then.
        asked_before: the findings asked about then; None where that is not known.
    """

    since: date
    newly_late: list[tuple[str, Unit]]
    taken_in: list[tuple[str, Unit]]
    newly_missed: list[Rate]
    newly_met: list[Rate]
    moved: list[tuple[Rate, int, int]]
    new_files: int
    asked_before: frozenset[str] | None = None

    @property
    def is_nothing(self) -> bool:
        """Neither rates nor receptions changed."""
        return not (self.newly_late or self.taken_in or self.newly_missed or self.newly_met or self.moved)


def find_changes(staged: Path, figures: Figures) -> Changes | None:
    """What changed since the newest published day before that of the figures; None where there is none.

    A day run again is compared with the same earlier day, so it says the same.
    """
    days = load_days(staged, figures.as_of.date())
    if not days:
        return None
    found = compare(days[-1].day, figures.rates_before, late_on(staged, days), files_on(days), figures)
    return replace(found, asked_before=questions_on(days))


def compare(since: date, rates: Mapping[RateKey, tuple[int, int, str]], late: Late, files: frozenset[str], figures: Figures) -> Changes:
    """What is otherwise now than an earlier day said."""
    plan = {m.name for m in figures.measures if m.family == "plan"}
    current = set(figures.current)
    turned: dict[str, list[Rate]] = {"missed": [], "met": []}
    moved = []
    for rate in figures.rates:
        old = rates.get(rate.key) if rate.measure in plan and rate.period in current else None
        if old is None:
            continue
        if (rate.numerator, rate.denominator) != old[:2]:
            moved.append((rate, old[0], old[1]))
        if rate.status != old[2] and rate.status in turned:
            turned[rate.status].append(rate)
    return Changes(
        since,
        [(i.case_code, i.unit) for i in figures.late if i.case_code not in late],
        [(i.case_code, i.unit) for i in figures.late if i.received_at and late.get(i.case_code, ("", date.min, False))[2]],
        turned["missed"],
        turned["met"],
        moved,
        len(set(figures.loaded_files) - files),
    )


def of_units(changes: Changes, keys: Sequence[tuple[str, date]]) -> Changes:
    """The changes of some units only."""
    mine = set(keys)
    return Changes(
        changes.since,
        [pair for pair in changes.newly_late if pair[1].key in mine],
        [pair for pair in changes.taken_in if pair[1].key in mine],
        [rate for rate in changes.newly_missed if rate.unit and rate.unit.key in mine],
        [rate for rate in changes.newly_met if rate.unit and rate.unit.key in mine],
        [entry for entry in changes.moved if entry[0].unit and entry[0].unit.key in mine],
        changes.new_files,
        changes.asked_before,
    )
