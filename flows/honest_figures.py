"""What was published otherwise before, and what the history of the exports should be asked about, read from a warehouse."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flows.case_history import STATES
from flows.figures import Finding, Period, Restatement, RuleEffect, Unit

Query = Callable[[str], list[tuple[Any, ...]]]
Units = Mapping[tuple[str, date], Unit]
# More dossiers' histories than this make a page that nobody reads; `tthc explain --history` tells any.
MOST_HISTORIES = 500
_LOSS = "coalesce(rate - rate_without, 0)"
_URGENT = f"severity, {_LOSS} DESC, found_at DESC, finding_id"  # ask before look
_DOSSIERS = 20


def read_restatements(query: Query, units: Units) -> list[Restatement]:
    """Rates of plan measures that late, edited or missing dossiers or changed tables restated, newest day first, in it those whose status turned first.

    What moves because dossiers go on or time passes is left out: the rates of a month move until its last dossier is finished.
    """
    key = "restated_on, measure, period_kind, period_start, unit_code, unit_valid_from"
    dossiers: dict[tuple[Any, ...], list[tuple[str, str, str, str, str]]] = {}
    for *restated, case, before, now, cause, place in query(
        f"SELECT {', '.join('c.' + name for name in key.split(', '))}, c.case_code, c.counted_before, c.counted_now, c.cause, {_place('f', 'c.sheet', 'c.row_number')} "
        f"FROM mart.restatement_cases AS c JOIN mart.restatements AS r USING ({key}) JOIN mart.measures AS m USING (measure) {_files('f', 'c.file_id')} "
        f"WHERE m.family = 'plan' AND r.cause NOT IN ('progress', 'time') "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY c.cause IN ('progress', 'time'), c.case_code) <= {_DOSSIERS} ORDER BY c.cause IN ('progress', 'time'), c.case_code"
    ):
        dossiers.setdefault(tuple(restated), []).append((case, before, now, cause, place))
    return [
        Restatement(
            on,
            published,
            measure,
            Period(kind, start, end),
            units.get((code, first)) or Unit(code, first, name, level or ""),
            (n_before, d_before, s_before),
            None if n is None else (n, d, status),
            cause,
            reason,
            new,
            exports,
            tuple(dossiers.get((on, measure, kind, start, code, first), ())),
            target,
        )
        for on, published, measure, kind, start, end, code, first, name, level, n_before, d_before, s_before, n, d, status, cause, reason, new, exports, target in query(
            "SELECT r.restated_on, r.published_on, r.measure, r.period_kind, r.period_start, r.period_end, r.unit_code, r.unit_valid_from, r.unit_name, r.level, "
            "r.numerator_before, r.denominator_before, r.status_before, r.numerator, r.denominator, r.status, r.cause, r.reason_vi, r.new_exports, r.exports_vi, t.target "
            "FROM mart.restatements AS r JOIN mart.measures AS m ON m.measure = r.measure LEFT JOIN mart.unit_rates AS t ON t.measure = r.measure "
            "AND t.period_kind = r.period_kind AND t.period_start = r.period_start AND t.unit_code = r.unit_code AND t.unit_valid_from = r.unit_valid_from "
            "WHERE m.family = 'plan' AND r.cause NOT IN ('progress', 'time') ORDER BY r.restated_on DESC, r.status IS DISTINCT FROM r.status_before DESC, "
            "r.period_start DESC, r.period_end, r.unit_code, r.unit_valid_from, m.rowid"
        )
    ]


def read_findings(query: Query, units: Units) -> list[Finding]:
    """Every question; those to the units first, in each those that weigh most on a rate."""
    return [
        Finding(
            finding_id,
            rule,
            severity,
            label,
            units[code, first],
            case,
            cases,
            found,
            question,
            before or "",
            place_before,
            after or "",
            place,
            effect,
            loss,
        )
        for finding_id, rule, severity, label, code, first, case, cases, found, question, before, place_before, after, place, effect, loss in query(
            "SELECT finding_id, rule, severity, label_vi, unit_code, unit_valid_from, case_code, cases, found_at, question_vi, before_vi, "
            f"{_place('b', 'a.before_sheet', 'a.before_row_number')}, after_vi, {_place('f', 'a.sheet', 'a.row_number')}, effect_vi, {_LOSS} "
            f"FROM mart.audit AS a {_files('b', 'a.before_file_id')} {_files('f', 'a.file_id')} ORDER BY {_URGENT}"
        )
    ]


def read_effects(query: Query, units: Units) -> list[RuleEffect]:
    """The questions by unit and rule, in the same order."""
    return [
        RuleEffect(rule, severity, label, units[code, first], findings, cases, effect, loss)
        for rule, severity, label, code, first, findings, cases, effect, loss in query(
            f"SELECT rule, severity, label_vi, unit_code, unit_valid_from, findings, cases, effect_vi, {_LOSS} FROM mart.audit_units "
            f"ORDER BY severity, {_LOSS} DESC, findings DESC, unit_code, unit_valid_from, rule"
        )
    ]


def read_histories(query: Query) -> dict[str, list[dict[str, Any]]]:
    """The states of the dossiers that are asked about, of the weightiest questions first."""
    asked = f"SELECT case_code FROM mart.audit AS a WHERE case_code IS NOT NULL ORDER BY {_URGENT} LIMIT {MOST_HISTORIES}"
    columns = [name for (name,) in query(f"SELECT column_name FROM (DESCRIBE {STATES})")]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in query(f"{STATES} WHERE h.case_code IN (SELECT case_code FROM ({asked})) ORDER BY h.case_code, h.state_number"):
        state = dict(zip(columns, row, strict=True))
        found.setdefault(state["case_code"], []).append(state)
    return found


def _files(alias: str, file_id: str) -> str:
    """The export by the name under which it counts."""
    return f"LEFT JOIN ops.files AS {alias} ON {alias}.file_id = {file_id} AND {alias}.status = 'loaded'"


def _place(alias: str, sheet: str, row: str) -> str:
    """File, sheet and row in words; empty where no export is known."""
    member = f"coalesce(' › ' || {alias}.member, '')"
    return f"coalesce('tệp ' || {alias}.file_name || {member} || coalesce(', trang “' || {sheet} || '”', '') || coalesce(', dòng ' || {row}, ''), '')"
