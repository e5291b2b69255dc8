"""What the figures of aggregated exports count, declared as data in reconciliation.yml, checked strictly, rendered to SQL."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from transforms.declarations import load_declared
from transforms.measures import columns_in

# Facts of a dossier's fee lines that core.cases does not hold (see transforms/sql/87_stated.sql).
EXTRA_COLUMNS = ("has_paid_line",)
_PROCEDURE_COLUMNS = ("procedure_code", "service_level", "fee_amount", "has_result", "duration_days", "scope", "level")
_MARKS = ("start", "end", "last", "exported_at", "days")
_BRACED = re.compile(r"\{(\w+)\}")
_FORBIDDEN = re.compile(r";|--|/\*|\b(select|insert|update|delete|drop|create|attach|copy)\b", re.IGNORECASE)


class ReconciliationError(Exception):
    """A figure is declared wrongly; the text names it and says what is expected."""


@dataclass(frozen=True)
class Figure:
    """One figure of an aggregated export.

    Attributes:
        number: its place in the form, from 1.
        counts: condition on work.countable_cases; with `of_procedures` on core.procedures and the unit's level.
        distinct: different values of this column are counted instead of dossiers.
        is_certain: nothing is known against the form counting the same; else a difference is never told as one.
    """

    source_kind: str
    name: str
    number: int
    label_vi: str
    rule_vi: str
    counts: str
    distinct: str | None = None
    of_procedures: bool = False
    is_certain: bool = True


@dataclass(frozen=True)
class Reason:
    """Why a dossier may be counted by one side only; `of` names the figures it can matter for, none of them where it is for all."""

    when: str
    reason_vi: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Reconciliation:
    """All figures in the order of their forms, and the reasons in the order they are tried."""

    figures: tuple[Figure, ...]
    reasons: tuple[Reason, ...]


def parse_reconciliation(text: str, kinds: Mapping[str, Sequence[str]], case_columns: Sequence[str]) -> Reconciliation:
    """The declarations of a YAML text.

    Args:
        text: the declarations.
        kinds: aggregated export kind -> its count columns; every one of them must be declared and no other.
        case_columns: columns of core.cases.

    Raises:
        ReconciliationError: a figure is missing or unknown, a field is, or a condition names no column or term there is.
    """
    loaded: dict[str, Any] = load_declared(text)
    terms: dict[str, str] = {}
    for name, condition in loaded.pop("terms").items():
        terms[name] = _resolved(f"terms.{name}", str(condition), terms, case_columns)
    declared_reasons = loaded.pop("reasons")
    if loaded.keys() != set(kinds):
        raise ReconciliationError(f"reconciliation.yml: có {sorted(loaded)}, cần đúng các loại {sorted(kinds)}")
    figures: list[Figure] = []
    for kind, columns in kinds.items():
        if list(loaded[kind]) != list(columns):
            raise ReconciliationError(
                f"reconciliation.yml, {kind}: có {list(loaded[kind])}, cần đúng các cột {list(columns)} của kinds.yml"
            )
        for number, (name, body) in enumerate(loaded[kind].items(), 1):
            where = f"{kind}.{name}"
            unknown = body.keys() - {"label_vi", "rule_vi", "counts", "counts_procedures", "distinct", "is_certain"}
            if unknown or not {"label_vi", "rule_vi"} <= body.keys() or ("counts" in body) == ("counts_procedures" in body):
                raise ReconciliationError(f"reconciliation.yml, {where}: cần label_vi, rule_vi và một trong counts, counts_procedures")
            of_procedures = "counts_procedures" in body
            counts = str(body["counts_procedures" if of_procedures else "counts"])
            resolved = _resolved(where, counts, {} if of_procedures else terms, _PROCEDURE_COLUMNS if of_procedures else case_columns)
            if body.get("distinct") not in (None, *case_columns):
                raise ReconciliationError(f"reconciliation.yml, {where}: distinct “{body['distinct']}” không phải cột của core.cases")
            label, rule = (" ".join(str(body[field]).split()) for field in ("label_vi", "rule_vi"))
            figures.append(
                Figure(kind, name, number, label, rule, resolved, body.get("distinct"), of_procedures, body.get("is_certain", True))
            )
    reasons = []
    for place, body in enumerate(declared_reasons, 1):
        if not {"when", "reason_vi"} <= body.keys() <= {"when", "reason_vi", "of"} or set(body.get("of", ())) - {f.name for f in figures}:
            raise ReconciliationError(f"reconciliation.yml, reasons, mục {place}: cần when, reason_vi và of với tên chỉ tiêu có thật")
        when = _resolved(f"reasons, mục {place}", str(body["when"]), terms, case_columns)
        reasons.append(Reason(when, " ".join(body["reason_vi"].split()), tuple(body.get("of", ()))))
    return Reconciliation(tuple(figures), tuple(reasons))


def _resolved(where: str, condition: str, terms: Mapping[str, str], columns: Sequence[str]) -> str:
    """The condition with every term written out; marks stay."""
    text = " ".join(condition.split())
    strange = [name for name in _BRACED.findall(text) if name not in terms and name not in _MARKS]
    if strange or _FORBIDDEN.search(text):
        raise ReconciliationError(f"reconciliation.yml, {where}: {strange or 'điều kiện'} không dùng được ở đây")
    text = _BRACED.sub(lambda m: terms.get(m[1], m[0]), text)
    unknown = set(columns_in(_BRACED.sub(" ", text))) - {*columns, *EXTRA_COLUMNS, "lower", "coalesce"}
    if unknown:
        raise ReconciliationError(f"reconciliation.yml, {where}: {sorted(unknown)} không phải cột dùng được")
    return text


def load_reconciliation(kinds: Mapping[str, Sequence[str]], case_columns: Sequence[str]) -> Reconciliation:
    """The declarations that ship with the program."""
    return _shipped(tuple((kind, tuple(columns)) for kind, columns in kinds.items()), tuple(case_columns))


@lru_cache(maxsize=1)
def _shipped(kinds: tuple[tuple[str, tuple[str, ...]], ...], case_columns: tuple[str, ...]) -> Reconciliation:
    text = files("transforms").joinpath("reconciliation.yml").read_text(encoding="utf-8")
    return parse_reconciliation(text, dict(kinds), case_columns)


def _condition(text: str, days: int = 0) -> str:
    """The condition with its marks as columns of work.aggregate_units AS p."""
    marks = {
        "start": "p.period_start",
        "end": "p.period_end",
        "last": "CAST(p.period_end - INTERVAL 1 DAY AS DATE)",
        "exported_at": "p.exported_at",
        "days": str(days),
    }
    return _BRACED.sub(lambda m: marks[m[1]], text)


def render_stated(figures: Sequence[Figure]) -> str:
    """SQL whose rows are the figures as exports state them, one a staged row and figure; blank cells give none."""
    parts = []
    for kind in dict.fromkeys(f.source_kind for f in figures):
        stated = _of_figure("r", [f.name for f in figures if f.source_kind == kind])
        parts.append(
            "SELECT g.source_kind, g.figure, r.file_id, r.sheet, r.sheet_number, r.row_number, coalesce(r.unit_ref, '') AS unit_ref,\n"
            f"       r.period_first, r.period_last, {stated} AS theirs\nFROM work.{kind}_rows AS r\n"
            f"JOIN work.figures AS g ON g.source_kind = '{kind}'\nWHERE {stated} IS NOT NULL"
        )
    return "\nUNION ALL\n".join(parts)


def _of_figure(table: str, names: Sequence[str]) -> str:
    """That column of a table with one for each figure which belongs to the figure of work.figures AS g."""
    return f"CASE g.figure {' '.join(f'WHEN {name!r} THEN {table}.{name}' for name in names)} END"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def render_counts(figures: Sequence[Figure]) -> str:
    """SQL whose rows are (aggregate_id, figure, ours): our own count of every figure for the units and the period of every aggregate.

    The dossiers are read once a form, for all of its figures.
    """
    scans, parts = [], []
    for kind in dict.fromkeys(f.source_kind for f in figures):
        of_cases = [f for f in figures if f.source_kind == kind and not f.of_procedures]
        columns = ",\n           ".join(
            f"count({'DISTINCT ' if f.distinct else ''}CASE WHEN {_condition(f.counts)} THEN {f.distinct or '1'} END) AS {f.name}"
            for f in of_cases
        )
        if of_cases:
            scans.append(
                f"{kind}_counts AS (\n    SELECT p.aggregate_id, p.unit_code, p.unit_valid_from,\n           {columns}\n    FROM work.aggregate_units AS p\n"
                "    JOIN work.countable_cases AS c ON c.case_unit_code = p.unit_code AND c.case_unit_valid_from = p.unit_valid_from\n"
                f"    WHERE p.source_kind = '{kind}'\n    GROUP BY p.aggregate_id, p.unit_code, p.unit_valid_from\n)"
            )
            names = [f.name for f in of_cases]
            parts.append(
                f"SELECT c.aggregate_id, g.figure, {_of_figure('c', names)} AS ours\nFROM {kind}_counts AS c\n"
                f"JOIN work.figures AS g ON g.source_kind = '{kind}' AND g.figure IN ({_listed(names)})"
            )
        parts += [
            f"SELECT p.aggregate_id, '{f.name}' AS figure, count(CASE WHEN {_condition(f.counts)} THEN 1 END) AS ours\n"
            "FROM work.aggregate_units AS p CROSS JOIN core.procedures AS q\n"
            f"WHERE p.source_kind = '{kind}'\nGROUP BY p.aggregate_id"
            for f in figures
            if f.source_kind == kind and f.of_procedures
        ]
    return ("WITH " + ",\n".join(scans) + "\n" if scans else "") + "\nUNION ALL\n".join(parts)


def render_candidates(figures: Sequence[Figure], reasons: Sequence[Reason], days: int) -> str:
    """SQL whose rows are (aggregate_id, figure, case_code, reason_number): dossiers that may explain a difference not tolerated.

    Where the export states less, they are among those that we count; where it states more, among those at hand around the period that we do not.

    Args:
        figures: those of dossiers that have such a difference somewhere, at least one; to plan the conditions of all would take longer than to look for dossiers.
        reasons: all of them, in the order they are tried.
        days: how far from the period's ends a dossier may lie.
    """
    near = f"received_at < p.period_end + INTERVAL {days} DAY AND CASE WHEN is_ended THEN ended_at >= p.period_start - INTERVAL {days} DAY ELSE TRUE END"
    sides = "\n".join(
        f"           WHEN '{f.source_kind}.{f.name}' THEN CASE WHEN {_condition(f.counts)} THEN 'less' ELSE 'more' END" for f in figures
    )
    whens = "\n".join(
        f"           WHEN {f'd.figure IN ({_listed(r.of)}) AND ' if r.of else ''}({_condition(r.when, days)}) THEN {number}"
        for number, r in enumerate(reasons, 1)
    )
    return (
        f"SELECT d.aggregate_id, d.figure, c.case_code,\n       CASE\n{whens}\n       END AS reason_number\nFROM work.differing AS d\n"
        "JOIN work.aggregate_units AS p ON p.aggregate_id = d.aggregate_id\n"
        "JOIN work.countable_cases AS c ON c.case_unit_code = p.unit_code AND c.case_unit_valid_from = p.unit_valid_from\n"
        f"WHERE {near}\n  AND CASE d.source_kind || '.' || d.figure\n{sides}\n      END = d.direction"
    )
