"""SQL for one period of any length, counted from core.cases: the rates of a half-year, what keeps units from their targets, Biểu số 06.

Every query is complete: nothing is left to fill in. Months, quarters and years have their published rates; nothing here replaces them.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from transforms.measures import Measure
from transforms.pending import OPEN

BIEU06_COLUMNS = ("total", "online", "direct", "carried", "done", "early", "on_day", "late", "open", "open_in", "open_over")

# What a dossier outside the numerator is told apart by, where an office would do different things about it.
_KINDS_OF_MISS = {
    "on_time": "CASE WHEN is_finished THEN 'finished_late' ELSE 'open_overdue' END",
    "received_within_8h": (
        f"CASE WHEN received_at IS NOT NULL THEN 'received_late' WHEN status_code IN {OPEN} THEN 'waiting' ELSE 'never_received' END"
    ),
    "digitized": "CASE WHEN digitized_input_code IN (1, 2, 3) THEN 'result' ELSE 'input' END",
}


@dataclass(frozen=True)
class Span:
    """Days from `start` up to, not including, `end`, as seen at `as_of`."""

    start: date
    end: date
    as_of: datetime

    @property
    def cutoff(self) -> date:
        """The last day reached so far."""
        return min(self.end - timedelta(days=1), self.as_of.date())


def render_range_rates(measure: Measure, span: Span) -> str:
    """SQL of rows (unit_code, unit_valid_from, item, numerator, denominator) of a span; `item` as in `render_months`."""
    denominator, numerator = _predicates(measure, span)
    item = measure.distinct or "CAST(NULL AS STRING)"
    group = f", {measure.distinct}" if measure.distinct else ""
    return (
        f"SELECT unit_code, unit_valid_from, {item} AS item, count(CASE WHEN {numerator} THEN 1 END) AS numerator, count(*) AS denominator\n"
        f"FROM core.cases\nWHERE {_inside(measure, span, denominator)}\nGROUP BY unit_code, unit_valid_from{group}"
    )


def render_misses(measure: Measure, span: Span) -> str:
    """SQL of rows (unit_code, unit_valid_from, procedure_code, miss, dossiers): what of a denominator is outside the numerator.

    Where distinct values are counted, the dossiers of the values that have none inside.
    """
    denominator, numerator = _predicates(measure, span)
    kind = _KINDS_OF_MISS.get(measure.name, "'missed'")
    inside = (
        f"SELECT unit_code, unit_valid_from, procedure_code, {kind} AS miss, {measure.distinct or 'case_code'} AS item,\n"
        f"       CASE WHEN {numerator} THEN 1 ELSE 0 END AS is_met\n"
        f"FROM core.cases\nWHERE {_inside(measure, span, denominator)}"
    )
    if measure.distinct:
        inside = (
            "SELECT unit_code, unit_valid_from, procedure_code, miss, item,\n"
            f"       max(is_met) OVER (PARTITION BY unit_code, unit_valid_from, item) AS is_met\nFROM ({inside}) AS dossiers"
        )
    return (
        f"SELECT unit_code, unit_valid_from, procedure_code, miss, count(*) AS dossiers\nFROM ({inside}) AS judged\nWHERE is_met = 0\n"
        "GROUP BY unit_code, unit_valid_from, procedure_code, miss"
    )


def render_bieu06(span: Span) -> str:
    """SQL of rows (unit_code, unit_valid_from, *BIEU06_COLUMNS), one a unit with dossiers, by the rules of Biểu số 06 (Thông tư 01/2020/TT-VPCP).

    Finished means status 7 to 10 with an end date in the span; without a due date a dossier is on the day; carried over are those received before
    the span and not finished before it; an open dossier is overdue when its due date is before the day after the span. Of a period that is not over the
    span ends with as_of's day.
    """
    start, end = f"DATE '{span.start}'", f"DATE '{span.end}'"
    return (
        "SELECT unit_code, unit_valid_from,\n"
        "       count(*) AS total,\n"
        "       count(CASE WHEN is_new AND channel = 'online' THEN 1 END) AS online,\n"
        "       count(CASE WHEN is_new AND channel <> 'online' THEN 1 END) AS direct,\n"
        "       count(CASE WHEN NOT is_new THEN 1 END) AS carried,\n"
        "       count(CASE WHEN is_done THEN 1 END) AS done,\n"
        "       count(CASE WHEN is_done AND due_on IS NOT NULL AND ended_on < due_on THEN 1 END) AS early,\n"
        "       count(CASE WHEN is_done AND (due_on IS NULL OR ended_on = due_on) THEN 1 END) AS on_day,\n"
        "       count(CASE WHEN is_done AND due_on IS NOT NULL AND ended_on > due_on THEN 1 END) AS late,\n"
        "       count(CASE WHEN NOT is_done THEN 1 END) AS open,\n"
        f"       count(CASE WHEN NOT is_done AND (due_on IS NULL OR due_on >= {end}) THEN 1 END) AS open_in,\n"
        f"       count(CASE WHEN NOT is_done AND due_on IS NOT NULL AND due_on < {end} THEN 1 END) AS open_over\n"
        "FROM (\n"
        f"    SELECT unit_code, unit_valid_from, channel, received_at >= {start} AS is_new, CAST(due_at AS DATE) AS due_on, CAST(ended_at AS DATE) AS ended_on,\n"
        f"           CASE WHEN is_ended AND ended_at >= {start} AND ended_at < {end} THEN TRUE ELSE FALSE END AS is_done\n"
        "    FROM core.cases\n"
        f"    WHERE is_received AND received_at < {end} AND (received_at >= {start} OR NOT CASE WHEN is_ended AND ended_at < {start} THEN TRUE ELSE FALSE END)\n"
        ") AS at_hand\n"
        "GROUP BY unit_code, unit_valid_from"
    )


def _predicates(measure: Measure, span: Span) -> tuple[str, str]:
    return measure.predicates(span.as_of, f"DATE '{span.end}'", f"DATE '{span.cutoff}'")


def _inside(measure: Measure, span: Span, denominator: str) -> str:
    return f"({measure.belongs(f'DATE {_quoted(span.start)}', f'DATE {_quoted(span.end)}')}) AND ({denominator}){measure.is_countable}"


def _quoted(day: date) -> str:
    return f"'{day}'"
