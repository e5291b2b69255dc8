"""Measures declared as data, checked strictly, rendered to SQL.

A measure is a denominator and a numerator on one row of core.cases, a column that places the dossier in a period, and, where distinct
values are counted instead of dossiers, the column whose values they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from transforms.declarations import load_declared

_FIELDS = {"criterion", "label_vi", "legal_basis", "family", "differs_vi", "decimals", "denominator", "numerator", "period", "zero"}
FAMILIES = ("plan", "qd766", "bieu06")
RECEIVED_OR_ENDED = "received_or_ended"
_NAME = re.compile(r"^[a-z][a-z0-9_]{2,40}$")
_FORBIDDEN = re.compile(r";|--|/\*|\b(select|insert|update|delete|drop|create|attach|copy)\b", re.IGNORECASE)
_PERIOD_COLUMNS = ("received_at", "submitted_at", "ended_at", RECEIVED_OR_ENDED)


class MeasureError(Exception):
    """A measure is declared wrongly; the text names it and says what is expected."""


@dataclass(frozen=True)
class Measure:
    """One rate.

    Attributes:
        denominator, numerator: predicates on core.cases; the numerator is counted inside the denominator. `{as_of}` stands for the moment
            the figures are for, `{period_end}` and `{cutoff}` for the period's end and its last day reached so far.
        period: column whose month the dossier belongs to, or received_or_ended.
        distinct: count distinct values of this column; None counts dossiers.
        zero: "null": no rate when the denominator is 0.
    """

    name: str
    criterion: str
    label_vi: str
    legal_basis: str
    denominator: str
    numerator: str
    period: str
    zero: str
    family: str
    differs_vi: str
    decimals: int
    distinct: str | None = None

    @property
    def is_per_period(self) -> bool:
        """Counted for each period directly, because a dossier may belong to several months or the answer depends on the period's end."""
        return self.period == RECEIVED_OR_ENDED or any(mark in self.denominator + self.numerator for mark in ("{period_end}", "{cutoff}"))

    def predicates(self, as_of: datetime, period_end: str = "{period_end}", cutoff: str = "{cutoff}") -> tuple[str, str]:
        """Denominator and numerator as SQL for one moment; the period's marks give way to the SQL given for them."""
        marks = {"{as_of}": f"TIMESTAMP '{as_of:%Y-%m-%d %H:%M:%S}'", "{period_end}": period_end, "{cutoff}": cutoff}
        denominator, numerator = self.denominator, self.numerator
        for mark, sql in marks.items():
            denominator, numerator = denominator.replace(mark, sql), numerator.replace(mark, sql)
        return denominator.strip(), numerator.strip()

    def belongs(self, start: str, end: str) -> str:
        """SQL condition of the dossiers in a period: start its first day, end the day after its last one, both SQL."""
        if self.period == RECEIVED_OR_ENDED:
            return f"(received_at >= {start} AND received_at < {end}) OR (is_ended AND ended_at >= {start} AND ended_at < {end})"
        return f"{self.period} >= {start} AND {self.period} < {end}"

    @property
    def is_countable(self) -> str:
        """SQL condition that goes with the denominator: " AND …", or nothing; where distinct values are counted, one without value is not."""
        return f" AND {self.distinct} IS NOT NULL" if self.distinct else ""


def parse_measures(text: str, case_columns: Sequence[str]) -> list[Measure]:
    """Measures of a YAML text in their order.

    Args:
        text: the declarations.
        case_columns: columns of core.cases, the only names predicates may use.

    Raises:
        MeasureError: an unknown or missing field, an illegal name or column, or something that is no predicate.
    """
    measures = []
    loaded: Mapping[str, Mapping[str, Any]] = load_declared(text)
    if not isinstance(loaded, dict) or not loaded:
        raise MeasureError("measures.yml: cần ít nhất một chỉ số")
    for name, body in loaded.items():
        if not _NAME.match(name):
            raise MeasureError(f"measures.yml: tên chỉ số “{name}” phải là chữ thường không dấu, số và gạch dưới")
        missing, unknown = _FIELDS - body.keys(), body.keys() - _FIELDS - {"distinct"}
        if missing or unknown:
            raise MeasureError(f"measures.yml, {name}: thiếu {sorted(missing)}, không có trường {sorted(unknown)}")
        if body["zero"] != "null":
            raise MeasureError(f'measures.yml, {name}: zero phải là "null", không phải {body["zero"]!r}')
        if body["family"] not in FAMILIES or body["decimals"] not in (0, 1, 2):
            raise MeasureError(f"measures.yml, {name}: family phải là một trong {FAMILIES}, decimals là 0, 1 hoặc 2")
        if body["period"] not in _PERIOD_COLUMNS:
            raise MeasureError(f"measures.yml, {name}: period phải là một trong {_PERIOD_COLUMNS}")
        if body.get("distinct") not in (None, *case_columns):
            raise MeasureError(f"measures.yml, {name}: distinct “{body['distinct']}” không phải cột của core.cases")
        for part in ("denominator", "numerator"):
            _check_predicate(name, part, str(body[part]), case_columns)
        fields: dict[str, Any] = {k: v if k == "decimals" else " ".join(str(v).split()) for k, v in body.items()}
        measures.append(Measure(name, **fields))
    return measures


def columns_in(predicate: str) -> list[str]:
    """The columns a predicate names, in order; its keywords are written in capitals."""
    bare = re.sub(r"'[^']*'|\{(?:as_of|period_end|cutoff)\}", " ", predicate)
    return list(dict.fromkeys(re.findall(r"[a-z_][a-z0-9_]*", bare)))


def _check_predicate(name: str, part: str, predicate: str, case_columns: Sequence[str]) -> None:
    if _FORBIDDEN.search(predicate):
        raise MeasureError(f"measures.yml, {name}.{part}: chỉ được là một điều kiện, không phải câu lệnh")
    strange = set(columns_in(predicate)) - set(case_columns)
    if strange:
        raise MeasureError(f"measures.yml, {name}.{part}: {sorted(strange)} không phải cột của core.cases")


def load_measures(case_columns: Sequence[str]) -> list[Measure]:
    """The measures that ship with the program."""
    return list(_shipped_measures(tuple(case_columns)))


@lru_cache(maxsize=1)
def _shipped_measures(case_columns: tuple[str, ...]) -> list[Measure]:
    return parse_measures(files("transforms").joinpath("measures.yml").read_text(encoding="utf-8"), case_columns)


def render_months(measures: Sequence[Measure], as_of: datetime) -> str:
    """SQL whose rows are (measure, unit_code, unit_valid_from, month, item, numerator, denominator).

    One row a measure, unit and month; `item` is NULL, or the distinct value when those are counted, so that every longer period and group can
    be added up from months: counts by sum, distinct values by counting the items again. The dossiers are read once for all measures that
    share a period column, not once a measure.
    """
    together: dict[tuple[str, str | None], list[Measure]] = {}
    for measure in measures:
        together.setdefault((measure.period, measure.distinct), []).append(measure)
    scans, parts = [], []
    for (period, distinct), counted in together.items():
        scan = f"by_{distinct or 'dossier'}_{period}"
        predicates = {m.name: m.predicates(as_of) for m in counted}
        columns = ",\n           ".join(
            f"count(CASE WHEN ({denominator}) AND ({numerator}) THEN 1 END) AS {name}_numerator, count(CASE WHEN {denominator} THEN 1 END) AS {name}_denominator"
            for name, (denominator, numerator) in predicates.items()
        )
        # only what may be counted is grouped by item: values are many
        some = f" AND ({' OR '.join(f'({denominator})' for denominator, _ in predicates.values())})" if distinct else ""
        scans.append(
            f"{scan} AS (\n    SELECT unit_code, unit_valid_from, CAST(date_trunc('month', {period}) AS DATE) AS month, "
            f"{distinct or 'CAST(NULL AS STRING)'} AS item,\n           {columns}\n"
            f"    FROM core.cases\n    WHERE {period} IS NOT NULL{counted[0].is_countable}{some}\n"
            f"    GROUP BY unit_code, unit_valid_from, CAST(date_trunc('month', {period}) AS DATE){f', {distinct}' if distinct else ''}\n)"
        )
        parts += [
            f"SELECT '{m.name}' AS measure, unit_code, unit_valid_from, month, item, {m.name}_numerator AS numerator, {m.name}_denominator AS denominator\n"
            f"FROM {scan}\nWHERE {m.name}_denominator > 0"
            for m in counted
        ]
    return "WITH " + ",\n".join(scans) + "\n" + "\nUNION ALL\n".join(parts)


def render_periods(measure: Measure, as_of: datetime) -> str:
    """SQL whose rows are (measure, period_kind, period_start, unit_code, unit_valid_from, item, numerator, denominator), one a unit and period.

    For measures that are counted for each period directly; `work.periods` says which there are.
    """
    denominator, numerator = measure.predicates(as_of, "p.period_end", "p.cutoff")
    item = measure.distinct or "CAST(NULL AS STRING)"
    group = f", {measure.distinct}" if measure.distinct else ""
    return (
        f"SELECT '{measure.name}' AS measure, p.period_kind, p.period_start, unit_code, unit_valid_from, {item} AS item,\n"
        f"       count(CASE WHEN {numerator} THEN 1 END) AS numerator, count(*) AS denominator\n"
        f"FROM core.cases\nJOIN work.periods AS p ON {measure.belongs('p.period_start', 'p.period_end')}\nWHERE ({denominator}){measure.is_countable}\n"
        f"GROUP BY p.period_kind, p.period_start, unit_code, unit_valid_from{group}"
    )
