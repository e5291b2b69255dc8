"""A rate taken apart: the query whose rows are the dossiers of its denominator, each with what it missed and where it was read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from transforms.measures import RECEIVED_OR_ENDED, Measure, columns_in

_PERIOD = re.compile(r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2])|-Q(?P<quarter>[1-4]))?", re.IGNORECASE)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
ALWAYS = ("case_code", "unit_code", "procedure_code", "status_code")


@dataclass(frozen=True)
class Period:
    """A month, quarter or year; `end` is the day after its last one."""

    kind: str
    start: date

    @property
    def end(self) -> date:
        """The day after the last one."""
        months = self.start.year * 12 + self.start.month - 1 + _MONTHS[self.kind]
        return date(months // 12, months % 12 + 1, 1)

    def cutoff(self, as_of: datetime) -> date:
        """The last day reached so far."""
        return min(self.end - timedelta(days=1), as_of.date())

    def __str__(self) -> str:
        """As `parse_period` reads it."""
        if self.kind == "year":
            return f"{self.start:%Y}"
        return f"{self.start:%Y-%m}" if self.kind == "month" else f"{self.start:%Y}-Q{(self.start.month + 2) // 3}"


def parse_period(text: str) -> Period | None:
    """The period of 2024-05, 2024-Q2 or 2024; None for anything else."""
    found = _PERIOD.fullmatch(text.strip())
    if not found or found["year"] < "1900" or found["year"] > "9998":
        return None
    year = int(found["year"])
    if found["month"]:
        return Period("month", date(year, int(found["month"]), 1))
    if found["quarter"]:
        return Period("quarter", date(year, 3 * int(found["quarter"]) - 2, 1))
    return Period("year", date(year, 1, 1))


def split_conditions(predicate: str) -> list[str]:
    """The conditions that a predicate joins by AND at its top; the predicate itself where that is not what joins it."""
    parts, depth, start = [], 0, 0
    for token in re.finditer(r"'[^']*'|[()]|\b(?:CASE|END|AND|OR|BETWEEN)\b", predicate):
        word = token[0]
        if word in ("(", "CASE"):
            depth += 1
        elif word in (")", "END"):
            depth -= 1
        elif depth == 0 and word in ("OR", "BETWEEN"):
            return [predicate.strip()]
        elif depth == 0 and word == "AND":
            parts.append(predicate[start : token.start()].strip())
            start = token.end()
    return [*parts, predicate[start:].strip()]


def units_condition(units: Sequence[tuple[str, date]]) -> str:
    """SQL condition of the dossiers of some units, each a code and the first day it was theirs."""
    if not units:
        return "FALSE"
    return " OR ".join(f"(unit_code = {_text(code)} AND unit_valid_from = DATE '{first}')" for code, first in units)


def level_condition(level: str) -> str:
    """SQL condition of the dossiers of all units of a level."""
    return f"(unit_code, unit_valid_from) IN (SELECT u.unit_code, u.valid_from FROM core.units AS u WHERE u.level = {_text(level)})"


def render_dossiers(measure: Measure, as_of: datetime, period: Period, units: str | None) -> str:
    """SQL whose rows are the dossiers of a denominator, those outside the numerator first, with nothing left to fill in.

    Columns: the dossier, is_numerator, missed (the conditions of the numerator it does not meet), what the two predicates look at, and its
    lineage: file_name, member, sheet, row_number, file_id.

    Args:
        measure: whose predicates decide.
        as_of: the moment the figures are for.
        period: the dossiers that belong to it.
        units: SQL condition on core.cases; None for all dossiers.
    """
    start, end, cutoff = (f"DATE '{day}'" for day in (period.start, period.end, period.cutoff(as_of)))
    denominator, numerator = measure.predicates(as_of, end, cutoff)
    missed = ",\n                     ".join(f"CASE WHEN {part} THEN NULL ELSE {_text(part)} END" for part in split_conditions(numerator))
    shown = [column for column in evidence_columns(measure) if column not in ALWAYS]
    columns = ", ".join(f"d.{column}" for column in shown)
    whose = f"\n      AND ({units})" if units else ""
    return (
        f"SELECT d.case_code, d.unit_code, d.procedure_code, d.status_code, d.is_numerator, d.missed,\n       {columns},\n"
        "       f.file_name, f.member, d.sheet, d.row_number, d.file_id\n"
        "FROM (\n"
        f"    SELECT k.*, CASE WHEN {numerator} THEN TRUE ELSE FALSE END AS is_numerator,\n"
        f"           concat_ws('; ', {missed}) AS missed\n"
        "    FROM core.cases AS k\n"
        f"    WHERE ({measure.belongs(start, end)})\n      AND ({denominator}){measure.is_countable}{whose}\n"
        ") AS d\n"
        "LEFT JOIN ops.files AS f ON f.file_id = d.file_id AND f.status = 'loaded'\n"
        "ORDER BY d.is_numerator, d.unit_code, d.case_code"
    )


def render_counts(measure: Measure, dossiers: str) -> str:
    """SQL of one row (numerator, denominator) that counts the rows of `render_dossiers` as the measure counts."""
    if measure.distinct:
        column = measure.distinct
        return f"SELECT count(DISTINCT CASE WHEN is_numerator THEN {column} END), count(DISTINCT {column}) FROM ({dossiers}) AS dossiers"
    return f"SELECT count(CASE WHEN is_numerator THEN 1 END), count(*) FROM ({dossiers}) AS dossiers"


def render_missed(measure: Measure, dossiers: str) -> str:
    """SQL of the rows of `render_dossiers` outside the numerator; of distinct values, the dossiers of those that have none inside."""
    if measure.distinct:
        column = measure.distinct
        return (
            f"SELECT * FROM (SELECT *, max(CASE WHEN is_numerator THEN 1 ELSE 0 END) OVER (PARTITION BY {column}) AS met FROM ({dossiers}) AS dossiers) "
            f"AS judged WHERE met = 0 ORDER BY {column}, unit_code, case_code"
        )
    return f"SELECT * FROM ({dossiers}) AS dossiers WHERE NOT is_numerator ORDER BY unit_code, case_code"


def evidence_columns(measure: Measure) -> list[str]:
    """Columns of core.cases that decide about a dossier, dates of the period first."""
    dates = ["received_at", "ended_at"] if measure.period == RECEIVED_OR_ENDED else [measure.period]
    counted = [measure.distinct] if measure.distinct else []
    looked_at = [*columns_in(measure.denominator), *columns_in(measure.numerator)]
    ended = ["received_at"] if "waiting_hours" in looked_at else []  # hours alone do not say whether somebody took the dossier in
    return list(dict.fromkeys([*dates, *ended, *counted, *looked_at]))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
