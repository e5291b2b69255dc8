"""What it takes to find the dossiers behind a rate that was published otherwise: the columns a published day keeps, and the measures counted again.

The dossiers are found by the measures' own predicates, on the dossiers as they were when the old rate was published and as they are now.
"""

from collections.abc import Sequence
from datetime import date, datetime

from transforms.measures import RECEIVED_OR_ENDED, Measure, columns_in

# What is fixed when a dossier is taken in, its procedure's facts among it; what is otherwise later was corrected, not gone on with.
_TAKEN_IN = (
    *("unit_code", "unit_valid_from", "procedure_code", "service_level", "channel", "submitted_at", "received_at", "due_at"),
    *("has_result", "is_listed", "procedure_fee"),
)
_COURSE = ("received_at", "ended_at", "status_code")
# Empty until a dossier that waits is taken in.
_BY_RECEPTION = ("received_at", "due_at")
# What the exports alone say of a dossier, whatever the tables make of it.
_TOLD = ("procedure_code", "channel", "submitted_at", "received_at", "due_at", *_COURSE[1:])
# Runs on with the clock while a dossier waits; afterwards only other working hours change it.
_CLOCKS = ("waiting_hours",)


def columns_kept(measures: Sequence[Measure]) -> list[str]:
    """The columns of core.cases that measures look at, case_code first, in an order that does not change."""
    seen = {*_TAKEN_IN, *_COURSE}
    for measure in measures:
        seen |= {*columns_in(measure.denominator), *columns_in(measure.numerator)}
        seen |= {"received_at", "ended_at", "is_ended"} if measure.period == RECEIVED_OR_ENDED else {measure.period}
        if measure.distinct:
            seen.add(measure.distinct)
    return ["case_code", *sorted(seen - {"case_code"})]


def render_newest(records: str, key: Sequence[str], there: str, first: date) -> str:
    """SELECT of what the last of several published days says, each of which tells only what is otherwise than on the one before.

    Args:
        records: the table of what they tell; its column `day` says which told it.
        key: columns that say what a row is about.
        there: a column that is empty where there is no such thing any more.
        first: the earliest day. It tells everything and the others little: only theirs are searched for the newest word on each key, so that the cost
            follows what changed.
    """
    same = " AND ".join(f"n.{column} = r.{column}" for column in key)
    later = f"SELECT {', '.join(key)}, max(day) AS newest_day FROM {records} WHERE day > DATE '{first:%Y-%m-%d}' GROUP BY {', '.join(key)}"
    return (
        f"SELECT r.* FROM {records} AS r LEFT JOIN ({later}) AS n ON {same}\n"
        f"WHERE r.{there} IS NOT NULL AND (n.newest_day IS NULL OR n.newest_day = r.day)"
    )


def render_counted(measures: Sequence[Measure], as_of: datetime, cases: str) -> str:
    """SELECT of the dossiers that restated rates count, from a table like core.cases.

    Columns: rate_number, case_code, numerator (0 or 1), item (what the measure counts once, NULL where it counts dossiers). work.restated_now says which rates, and their numbers; a period that is over was cut off at
    its last day.

    Args:
        measures: those of the restated rates, at least one.
        as_of: the moment for which the dossiers are counted.
        cases: the table.
    """
    return "\nUNION ALL\n".join(_render_counted(measure, as_of, cases) for measure in measures)


def _render_counted(measure: Measure, as_of: datetime, cases: str) -> str:
    denominator, numerator = measure.predicates(as_of, "p.period_end", "p.last_on")
    return (
        f"SELECT p.rate_number, case_code, CASE WHEN {numerator} THEN 1 ELSE 0 END AS numerator, CAST({measure.distinct or 'NULL'} AS STRING) AS item\n"
        f"FROM {cases}\nJOIN work.restated_now AS p ON p.measure = '{measure.name}' AND p.of_unit_code = unit_code AND p.of_unit_valid_from = unit_valid_from "
        f"AND ({measure.belongs('p.period_start', 'p.period_end')})\nWHERE ({denominator}){measure.is_countable}"
    )


def render_compared(measures: Sequence[Measure]) -> str:
    """SELECT of what is otherwise with a dossier than when the last figures were published.

    Columns: case_code, is_same (nothing a measure sees but the clock), is_same_clock (nor that, of a dossier that waits no more), is_as_taken_in (or taken
    in since), is_same_course, is_as_told (by the exports), taken_in_since (the reception of a dossier that still waited then); of the dossiers in
    work.recounted.
    """
    kept = [column for column in columns_kept(measures) if column not in ("case_code", *_CLOCKS)]
    fixed = [column for column in _TAKEN_IN if column not in _BY_RECEPTION]
    taken_in = " AND ".join(f"(b.{column} IS NULL OR {_same([column])})" for column in _BY_RECEPTION)
    conditions = {
        "is_same": _same(kept),
        "is_same_clock": f"c.received_at IS NULL OR ({_same(_CLOCKS)})",
        "is_as_taken_in": f"{_same(fixed)} AND (({_same(_BY_RECEPTION)}) OR (b.received_at IS NULL AND c.received_at IS NOT NULL AND {taken_in}))",
        "is_same_course": _same(_COURSE),
        "is_as_told": _same(_TOLD),
    }
    told = ", ".join(f"CASE WHEN {condition} THEN TRUE ELSE FALSE END AS {name}" for name, condition in conditions.items())
    return (
        f"SELECT c.case_code, {told}, CASE WHEN b.received_at IS NULL THEN c.received_at END AS taken_in_since\n"
        "FROM work.cases_before AS b\nJOIN core.cases AS c ON c.case_code = b.case_code\n"
        "WHERE c.case_code IN (SELECT case_code FROM work.recounted)"
    )


def _same(columns: Sequence[str]) -> str:
    return " AND ".join(f"b.{column} IS NOT DISTINCT FROM c.{column}" for column in columns)
