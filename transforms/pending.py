"""Dossiers that may still change a measure: open ones that it will count once they are finished, and unpaid ones that it will count as good once paid online.

A measure such as on_time counts a dossier when it is finished; towards the end of a year the dossiers that are still open decide
whether a target can be reached. Which they are is not declared again: the measure's own denominator is asked once with the facts as
they are, and once as if the dossier were received and finished.
"""

from collections.abc import Sequence
from datetime import datetime

from transforms.measures import Measure, columns_in

# States of a dossier that somebody still has to take in, to handle or to wait for.
OPEN = (1, 2, 4, 5, 6)
# What would be true of an open dossier once it is done, as of that day. One that waits is given its due date when it is received; a received one without a due date
# is never given one.
_ONCE_FINISHED = {
    "is_received": "TRUE",
    "is_finished": "TRUE",
    "status_code": "9",
    "received_at": "coalesce(received_at, {as_of})",
    "due_at": "CASE WHEN received_at IS NULL THEN coalesce(due_at, {as_of}) ELSE due_at END",
    "ended_at": "coalesce(ended_at, {as_of})",
    "finished_at": "coalesce(finished_at, {as_of})",
}

# What would be true of a dossier whose fee is still to be paid, once it is paid online.
_ONCE_PAID_ONLINE = {"is_paid_online": "TRUE", "has_online_line": "TRUE"}
# Nobody pays for what was refused, withdrawn or stopped.
_PAYING_ENDED = (3, 7, 8)


def is_foreseen(measure: Measure) -> bool:
    """Whether months of the measure add up, so that what the rest of a year brings can be added to what there is.

    Distinct values seen in two months count once in their sum, and measures counted for each period directly take a dossier twice.
    """
    return measure.distinct is None and not measure.is_per_period


def render_pending(measures: Sequence[Measure], as_of: datetime, case_columns: Sequence[str]) -> str:
    """SQL whose rows are (measure, unit_code, unit_valid_from, month, pending), by the month the dossier will belong to.

    Args:
        measures: those whose months add up.
        as_of: the moment the figures are for.
        case_columns: columns of core.cases.
    """
    moment = f"TIMESTAMP '{as_of:%Y-%m-%d %H:%M:%S}'"
    done = ", ".join(f"{_ONCE_FINISHED[c].format(as_of=moment)} AS {c}" if c in _ONCE_FINISHED else c for c in case_columns)
    parts = []
    for measure in measures:
        counted = f"{measure.period} IS NOT NULL AND ({measure.predicates(as_of)[0]})"
        parts.append(
            f"SELECT '{measure.name}' AS measure, unit_code, unit_valid_from, CAST(date_trunc('month', {measure.period}) AS DATE) AS month, "
            f"count(*) AS pending\nFROM once_finished\nWHERE {counted}\n"
            f"  AND case_code NOT IN (SELECT case_code FROM still_open WHERE {counted})\n"
            f"GROUP BY unit_code, unit_valid_from, CAST(date_trunc('month', {measure.period}) AS DATE)"
        )
    return (
        f"WITH still_open AS (\n    SELECT * FROM core.cases WHERE status_code IN {OPEN}\n),\n"
        f"once_finished AS (\n    SELECT {done}\n    FROM still_open\n)\n" + "\nUNION ALL\n".join(parts)
    )


def render_unpaid(measures: Sequence[Measure], as_of: datetime, case_columns: Sequence[str]) -> str:
    """SQL whose rows are (measure, unit_code, unit_valid_from, month, unpaid): dossiers counted and outside the numerator that will be inside once they are paid online.

    Without them a unit would be told that a target is out of reach while its citizens have yet to pay.

    Args:
        measures: those whose months add up; the ones that ask for no payment give no rows.
        as_of: the moment the figures are for.
        case_columns: columns of core.cases.
    """
    paid = ", ".join(f"{_ONCE_PAID_ONLINE[c]} AS {c}" if c in _ONCE_PAID_ONLINE else c for c in case_columns)
    parts = [
        "SELECT CAST(NULL AS STRING) AS measure, unit_code, unit_valid_from, CAST(NULL AS DATE) AS month, 0 AS unpaid FROM still_unpaid WHERE FALSE"
    ]
    for measure in measures:
        denominator, numerator = measure.predicates(as_of)
        if not _ONCE_PAID_ONLINE.keys() & set(columns_in(numerator)):
            continue
        counted = f"{measure.period} IS NOT NULL AND ({denominator}) AND ({numerator})"
        parts.append(
            f"SELECT '{measure.name}' AS measure, unit_code, unit_valid_from, CAST(date_trunc('month', {measure.period}) AS DATE) AS month, "
            f"count(*) AS unpaid\nFROM once_paid\nWHERE {counted}\n"
            f"  AND case_code NOT IN (SELECT case_code FROM still_unpaid WHERE {counted})\n"
            f"GROUP BY unit_code, unit_valid_from, CAST(date_trunc('month', {measure.period}) AS DATE)"
        )
    return (
        "WITH still_unpaid AS (\n    SELECT * FROM core.cases\n"
        f"    WHERE status_code NOT IN ({', '.join(map(str, _PAYING_ENDED))}) AND case_code IN (\n"
        "        SELECT case_code FROM core.payments WHERE is_counted AND CASE WHEN payment_state = 'paid' THEN FALSE ELSE TRUE END)\n),\n"
        f"once_paid AS (\n    SELECT {paid}\n    FROM still_unpaid\n)\n" + "\nUNION ALL\n".join(parts)
    )
