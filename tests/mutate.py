"""`make mutate`: every operator, constant and boundary of measures.yml changed, one at a time; the spec cases must notice each.

The cases are staged and built once; for a mutant only the counting is done again, with the build's own SQL. A mutant is killed when a case
gives another fraction, failed when the query does not run; both are noticed. Mutants that cannot differ on any possible core.cases are listed in EQUIVALENT with the reason
and left out of the rate.

    .venv/bin/python tests/mutate.py [--measure on_time]
"""

import argparse
import itertools
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
from spec.cases import AS_OF, REFORMS, SPECS
from spec.tables import build_specs, period_of, unit_code

from expectations import load_contracts
from flows.build_sql import sql_files
from transforms.measures import Measure, load_measures, render_months, render_periods

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
PERIODS = ("received_at", "submitted_at", "ended_at", "received_or_ended")
_TOKEN = re.compile(r"'[^']*'|\{\w+\}|\d+(?:\.\d+)?|<>|<=|>=|[=<>]|\w+|[(),]")
_DAYS = ("CAST({0} - INTERVAL 1 DAY AS TIMESTAMP)", "CAST({0} + INTERVAL 1 DAY AS TIMESTAMP)")
_MARKS = ("{as_of}", "{period_end}", "{cutoff}")


@dataclass(frozen=True)
class Mutant:
    """One measure with one thing changed; `name` says what, and is unique within the measure."""

    measure: Measure
    name: str


# (measure, mutant) -> why no dossier can tell it from the original.
_MIDNIGHT = "the other side is a midnight, and a midnight is before a moment just when its day is not after the moment's day"
_NO_REFUSED = "the period needs received_at, and a dossier of status 2, 4, 9 or 10 is not refused, so it is received"
EQUIVALENT = {
    ("on_time", "denominator: is_received -> TRUE"): _NO_REFUSED,
    ("on_time", "denominator: CAST(due_at AS DATE) -> due_at"): _MIDNIGHT,
    ("on_time", "numerator: CAST(due_at AS DATE) -> due_at"): _MIDNIGHT,
    ("on_time", "numerator: is_finished -> is_ended"): "the denominator holds statuses 2, 4, 9 and 10 only, for which ended is finished",
    ("online_partial", "denominator: = -> >="): "partial is the last of the three levels in the order of text",
    ("online_full", "denominator: = -> <="): "full is the first of the three levels in the order of text",
    ("received_within_8h", "denominator: submitted_at IS NOT NULL -> TRUE"): "the period needs submitted_at",
    ("received_within_8h", "numerator: waiting_hours -> waiting_working_hours"): "two names of one value",
    ("digitized", "denominator: is_received -> TRUE"): _NO_REFUSED,
    ("digitized", "denominator: is_received -> is_finished"): _NO_REFUSED,
    ("digitized", "denominator: is_received -> is_ended"): _NO_REFUSED,
    ("on_time_766", "numerator: CAST(ended_at AS DATE) -> ended_at"): _MIDNIGHT,
    ("on_time_766", "numerator: CAST(due_at AS DATE) -> due_at"): _MIDNIGHT,
    ("on_time_766", "numerator: CAST(due_at AS DATE) -> due_at #2"): _MIDNIGHT,
    ("on_time_resolved", "numerator: CAST(due_at AS DATE) -> due_at"): _MIDNIGHT,
    ("payment_766", "denominator: > -> <>"): "a fee is never negative",
    ("payment_766", "denominator: = -> <="): "a count is never negative",
}


@cache
def _columns() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Column of core.cases -> its type and allowed values."""
    found = {}
    for name, column in load_contracts()["core.cases"].columns.items():
        found[name] = (column.type, tuple(str(value) for value in column.allowed or ()))
    return found


def _siblings(column: str) -> list[str]:
    """The other columns of its type; whole numbers are one type."""
    kind = {"INTEGER": "BIGINT"}
    mine = _columns()[column][0]
    return [n for n, (t, _) in _columns().items() if kind.get(t, t) == kind.get(mine, mine) and n not in (column, "row_number")]


def _changes(text: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed predicate), every change of one predicate."""
    tokens = list(_TOKEN.finditer(text))
    seen: dict[str, int] = {}

    def made(first: int, last: int, new: str) -> tuple[str, str]:
        old = text[tokens[first].start() : tokens[last].end()]
        label = f"{old} -> {new}" if new else f"{old} dropped"
        seen[label] = seen.get(label, 0) + 1
        place = f" #{seen[label]}" if seen[label] > 1 else ""
        return label + place, text[: tokens[first].start()] + new + text[tokens[last].end() :]

    words = [t.group() for t in tokens]
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        if word in COMPARISONS:
            yield from (made(at, at, other) for other in COMPARISONS if other != word)
        elif word in ("AND", "OR"):
            yield made(at, at, "OR" if word == "AND" else "AND")
        elif word == "NOT":
            yield made(at, at, "")
        elif word == "IS":
            yield made(at, at, "IS NOT") if words[at + 1] == "NULL" else made(at, at + 1, "IS")
        elif word in ("TRUE", "FALSE"):
            yield made(at, at, "FALSE" if word == "TRUE" else "TRUE")
        elif word in _MARKS:
            yield from (made(at, at, day.format(word)) for day in _DAYS)
            yield from (made(at, at, other) for other in _MARKS if other != word)
        elif re.fullmatch(r"\d+(\.\d+)?", word):
            steps = (1, -1) if "." not in word else (1, -1, 0.01, -0.01)
            yield from (made(at, at, str(round(float(word) + step, 2) if "." in word else int(word) + step)) for step in steps)
        elif word.startswith("'"):
            allowed = _columns()[words[at - 2]][1]
            yield from (made(at, at, f"'{other}'") for other in allowed if f"'{other}'" != word)
        elif word == "CAST" and words[at + 3 : at + 6] == ["AS", "DATE", ")"]:
            yield made(at, at + 5, words[at + 2])
        elif word == "IN":
            yield from _shorter_lists(words, at, made)
        elif word in _columns():
            yield from (made(at, at, other) for other in _siblings(word))
            if _columns()[word][0] == "BOOLEAN":
                if before != "NOT":
                    yield made(at, at, f"NOT {word}")
                yield from (made(at, at, constant) for constant in ("TRUE", "FALSE"))
    for first, last in _conditions(words):
        yield from (made(first, last, constant) for constant in ("TRUE", "FALSE"))


def _shorter_lists(words: list[str], at: int, made: Callable[[int, int, str], tuple[str, str]]) -> Iterator[tuple[str, str]]:
    last = words.index(")", at)
    members = [w for w in words[at + 2 : last] if w != ","]
    for left_out in members:
        yield made(at, last, f"IN ({', '.join(m for m in members if m != left_out)})")
    yield made(at, last, f"NOT IN ({', '.join(members)})")


def _conditions(words: list[str]) -> Iterator[tuple[int, int]]:
    """First and last token of every comparison, IN and IS NULL."""
    for at, word in enumerate(words):
        if word in COMPARISONS or word in ("IN", "IS"):
            first = at - 1
            if words[first] == ")":
                first -= 5  # CAST ( x AS DATE )
            if word == "IS":
                last = words.index("NULL", at)
            elif word == "IN" or words[at + 1] == "CAST":
                last = words.index(")", at)
            else:
                last = at + 1
            yield first, last


def mutants(measure: Measure) -> list[Mutant]:
    """Every mutant of one measure; equivalent ones included."""
    found = []
    for part in ("denominator", "numerator"):
        for label, text in _changes(getattr(measure, part)):
            found.append(Mutant(replace(measure, **{part: text}), f"{part}: {label}"))
    found += [Mutant(replace(measure, period=other), f"period: {other}") for other in PERIODS if other != measure.period]
    counted = (None, *(["case_code", "unit_code", "field_vi"] if measure.distinct else ["procedure_code"]))
    found += [Mutant(replace(measure, distinct=other), f"distinct: {other}") for other in counted if other != measure.distinct]
    names = [m.name for m in found]
    if len(set(names)) != len(names):
        raise ValueError(f"{measure.name}: two mutants of one name: {[n for n in names if names.count(n) > 1][:2]}")
    return found


class SpecCounts:
    """The spec warehouse, on which a measure is counted again and again; the switch-on cases are about the clock, not the predicates."""

    def __init__(self, folder: Path) -> None:
        self.specs = [spec for spec in SPECS if not spec.restart_at_payment]
        build_specs(folder, self.specs, REFORMS).close()
        self.connection = duckdb.connect(":memory:")
        run = self.connection.execute
        run(f"ATTACH '{folder}/w.duckdb' AS tthc (READ_ONLY)")
        run("ATTACH ':memory:' AS work")
        run("USE tthc")
        run("CREATE TABLE work.moment AS SELECT CAST(? AS TIMESTAMP) AS as_of, FALSE AS restart_at_payment", [AS_OF])
        run(
            "CREATE TABLE work.unit_today AS SELECT unit_code, valid_from, unit_code AS today_code, valid_from AS today_valid_from FROM core.units"
        )
        files = dict(sql_files())
        run(next(text for name, text in files.items() if name.startswith("65_")))
        statements = duckdb.extract_statements(next(text for name, text in files.items() if name.startswith("70_")))
        self.counting = [s.query for s in statements if re.search(r"CREATE TABLE work\.(counts|unit_totals)\b", s.query)]
        if len(self.counting) != 2:
            raise ValueError("70_rates.sql no longer makes work.counts and work.unit_totals, which tests/mutate.py runs again")
        self.empty_periods = render_periods(_shipped()[0], AS_OF) + " HAVING FALSE"
        self.empty_months = f"SELECT * FROM ({render_months(_shipped()[:1], AS_OF)}) AS months WHERE FALSE"

    def count(self, measure: Measure) -> dict[str, tuple[int, int]]:
        """(case) -> numerator and denominator, by the build's own SQL."""
        run = self.connection.execute
        for table in ("measure_months", "measure_periods", "counts", "unit_totals"):
            run(f"DROP TABLE IF EXISTS work.{table}")
        months = self.empty_months if measure.is_per_period else render_months([measure], AS_OF)
        periods = render_periods(measure, AS_OF) if measure.is_per_period else self.empty_periods
        run(f"CREATE TABLE work.measure_months AS {months}")
        run(f"CREATE TABLE work.measure_periods AS {periods}")
        for statement in self.counting:
            run(statement)
        found = run(
            "SELECT unit_code, period_kind, period_start, numerator, denominator FROM work.unit_totals WHERE view = 'was'"
        ).fetchall()
        totals = {(code, kind, start): (numerator, denominator) for code, kind, start, numerator, denominator in found}
        counted = {}
        for number, spec in enumerate(self.specs):
            if spec.measure == measure.name:
                period = period_of(spec.period)
                counted[str(number)] = totals.get((unit_code(number), period.kind, period.start), (0, 0))
        return counted

    def outcome(self, mutant: Mutant) -> str:
        """killed when a case gives another fraction, failed when the query does, else survived."""
        expected = {str(n): spec.expected for n, spec in enumerate(self.specs) if spec.measure == mutant.measure.name}
        try:
            return "killed" if self.count(mutant.measure) != expected else "survived"
        except duckdb.Error:
            return "failed"


@cache
def _shipped() -> list[Measure]:
    return load_measures(list(_columns()))


def all_mutants(measure: str | None = None) -> list[Mutant]:
    """The mutants of all measures, or of one, without the equivalent ones."""
    chosen = [m for m in _shipped() if measure in (None, m.name)]
    made = list(itertools.chain.from_iterable(mutants(m) for m in chosen))
    return [mutant for mutant in made if reason_equivalent(mutant) is None]


def stale_equivalents() -> list[tuple[str, str]]:
    """Entries of EQUIVALENT that name a mutant which is not made (any more)."""
    return sorted(EQUIVALENT.keys() - {(m.name, mutant.name) for m in _shipped() for mutant in mutants(m)})


def reason_equivalent(mutant: Mutant) -> str | None:
    """Why a mutant cannot differ; None when it can."""
    return EQUIVALENT.get((mutant.measure.name, mutant.name))


def main() -> int:
    """Run all mutants, print killed and survived per measure.

    Returns:
        1 when one survived or EQUIVALENT names a mutant that is not made (any more), else 0.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure")
    wanted = parser.parse_args().measure
    began = time.monotonic()
    survivors: list[Mutant] = []
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        counts = SpecCounts(Path(folder))
        print(f"{'measure':<24}{'mutants':>8}{'killed':>8}{'failed':>8}{'survived':>10}{'equivalent':>12}")
        for measure in _shipped():
            if wanted not in (None, measure.name):
                continue
            if counts.outcome(Mutant(measure, "unchanged")) != "survived":
                raise SystemExit(f"{measure.name}: its spec cases fail unchanged; run the tests first")
            tried = all_mutants(measure.name)
            outcomes = [counts.outcome(mutant) for mutant in tried]
            tally = Counter(outcomes)
            equivalent = sum(1 for name, _ in EQUIVALENT if name == measure.name)
            total += len(tried)
            survivors += [mutant for mutant, outcome in zip(tried, outcomes, strict=True) if outcome == "survived"]
            print(f"{measure.name:<24}{len(tried):>8}{tally['killed']:>8}{tally['failed']:>8}{tally['survived']:>10}{equivalent:>12}")
    stale = stale_equivalents()
    for mutant in survivors:
        print(f"survived: {mutant.measure.name}, {mutant.name}")
    for name, label in stale:
        print(f"EQUIVALENT names a mutant that is not made: {name}, {label}")
    killed = total - len(survivors)
    print(
        f"kill rate {killed}/{total} = {killed / max(total, 1):.1%}, {len(EQUIVALENT)} equivalent left out, {time.monotonic() - began:.0f} s"
    )
    return 1 if survivors or stale else 0


if __name__ == "__main__":
    sys.exit(main())
