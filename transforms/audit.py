"""Rules that ask what the history of the exports says, declared as data in audit.yml and checked strictly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

import pyarrow as pa

from transforms.declarations import load_declared
from transforms.measures import Measure

# The thresholds of every rule of 94_audit_*.sql; those of _SHARES are shares, all others whole numbers.
_THRESHOLDS = {
    "due_moved_after": ("least_days",),
    "due_moved_near": ("least_days", "hours", "window_hours"),
    "finish_backdated": ("tolerance_hours", "late_entry_hours"),
    "reception_backdated": ("tolerance_hours",),
    "finished_before_received": ("least_minutes",),
    "reopened": ("least_hours",),
    "status_backward": ("least_hours",),
    "withdrawn_near_due": ("before_hours", "after_hours"),
    "vanished": ("least_lists", "neighbours", "least_neighbours", "seen_share"),
    "two_units": ("least_lists",),
    "same_content": ("least_moments",),
    "limit_exact": ("margin_seconds", "band_minutes", "least_cases", "one_in"),
    "burst": ("slot_minutes", "least_cases", "habit_days", "one_in"),
    "month_end": ("hours", "least_cases", "one_in"),
}
_SHARES = ("seen_share",)
_WHOLE = tuple(dict.fromkeys(name for names in _THRESHOLDS.values() for name in names if name not in _SHARES))
_TEXTS = ("label_vi", "question_vi", "why_vi", "honest_vi")
_FIELDS = {"severity", "measure", "columns", "thresholds", *_TEXTS}
_COLUMNS = ("received_at", "due_at", "finished_at", "returned_at", "status_code")
_PLACES = {"unit", "case", "before", "after", "found", "other", "statistic"}
SEVERITIES = ("ask", "look")
RULES = pa.schema(
    [("rule", pa.string()), ("number", pa.int64()), ("severity", pa.string()), ("measure", pa.string()), ("shown", pa.string())]
    + [(name, pa.string()) for name in _TEXTS]
    + [(name, pa.int64()) for name in _WHOLE]
    + [(name, pa.float64()) for name in _SHARES]
)
STATUSES = pa.schema([("status_code", pa.int64()), ("rank", pa.int64()), ("label_vi", pa.string())])


class AuditError(Exception):
    """audit.yml is declared wrongly; the text names the place and says what is expected."""


@dataclass(frozen=True)
class Audit:
    """What audit.yml declares.

    Attributes:
        rules: one row a rule, as RULES; a threshold that a rule does not have is NULL, `shown` is its columns between commas.
        statuses: one row a national status, as STATUSES.
    """

    rules: pa.Table
    statuses: pa.Table

    @property
    def measures(self) -> list[str]:
        """Names of the measures that the rules concern."""
        return sorted(set(self.rules["measure"].to_pylist()))


def parse_audit(text: str, measures: Sequence[str]) -> Audit:
    """The rules and statuses of a YAML text.

    Args:
        text: the declarations.
        measures: the measures there are.

    Raises:
        AuditError: a rule, field, threshold or status is missing, unknown or out of bounds.
    """
    loaded = load_declared(text)
    if not isinstance(loaded, dict) or set(loaded) != {*_THRESHOLDS, "statuses"}:
        raise AuditError(f"audit.yml: cần đúng các quy tắc {', '.join(_THRESHOLDS)} và statuses")
    rules = [_read_rule(name, loaded[name], measures) | {"number": number} for number, name in enumerate(_THRESHOLDS, 1)]
    return Audit(
        pa.Table.from_pylist(rules, schema=RULES),
        pa.Table.from_pylist(_read_statuses(loaded["statuses"]), schema=STATUSES),
    )


def _read_rule(name: str, body: Any, measures: Sequence[str]) -> dict[str, Any]:
    if not isinstance(body, dict) or set(body) != _FIELDS:
        raise AuditError(f"audit.yml, {name}: cần đúng các trường {', '.join(sorted(_FIELDS))}")
    if body["severity"] not in SEVERITIES or body["measure"] not in measures:
        raise AuditError(f"audit.yml, {name}: severity là một trong {', '.join(SEVERITIES)}, measure là một chỉ số của measures.yml")
    if not isinstance(body["columns"], list) or set(body["columns"]) - set(_COLUMNS):
        raise AuditError(f"audit.yml, {name}: columns chỉ gồm {', '.join(_COLUMNS)}")
    for field in _TEXTS:
        if not isinstance(body[field], str) or not body[field].strip():
            raise AuditError(f"audit.yml, {name}.{field}: cần một đoạn chữ")
    unknown = set(re.findall(r"\{(.*?)\}", body["question_vi"])) - _PLACES
    if unknown or not body["question_vi"].startswith("Đề nghị {unit} "):
        raise AuditError(f"audit.yml, {name}.question_vi: bắt đầu bằng “Đề nghị {{unit}} ”, chỉ có các chỗ {', '.join(sorted(_PLACES))}")
    return (
        {"rule": name, "severity": body["severity"], "measure": body["measure"], "shown": f",{','.join(body['columns'])},"}
        | {field: " ".join(body[field].split()) for field in _TEXTS}
        | _read_thresholds(name, body["thresholds"])
    )


def _read_thresholds(name: str, thresholds: Any) -> dict[str, int | float]:
    if not isinstance(thresholds, dict) or set(thresholds) != set(_THRESHOLDS[name]):
        raise AuditError(f"audit.yml, {name}.thresholds: cần đúng {', '.join(_THRESHOLDS[name])}")
    values = {}
    for threshold, body in thresholds.items():
        if not isinstance(body, dict) or set(body) != {"value", "why"} or not isinstance(body["why"], str) or not body["why"].strip():
            raise AuditError(f"audit.yml, {name}.{threshold}: cần value và why (vì sao)")
        value = body["value"]
        if threshold in _SHARES:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
                raise AuditError(f"audit.yml, {name}.{threshold}: có {value!r}, cần một tỷ lệ lớn hơn 0, không quá 1")
        elif type(value) is not int or value < 1:
            raise AuditError(f"audit.yml, {name}.{threshold}: có {value!r}, cần một số nguyên lớn hơn 0")
        values[threshold] = value
    return values


def _read_statuses(statuses: Any) -> list[dict[str, Any]]:
    if not isinstance(statuses, dict) or list(statuses) != list(range(1, 11)):
        raise AuditError("audit.yml, statuses: cần đủ mười trạng thái 1 đến 10, theo thứ tự")
    for code, body in statuses.items():
        if not isinstance(body, dict) or set(body) != {"rank", "label_vi"} or type(body["rank"]) is not int:
            raise AuditError(f"audit.yml, statuses.{code}: cần rank (số nguyên) và label_vi")
    return [{"status_code": code, **body} for code, body in statuses.items()]


def load_audit(measures: Sequence[str]) -> Audit:
    """The rules that ship with the program, for these measures."""
    return parse_audit(files("transforms").joinpath("audit.yml").read_text(encoding="utf-8"), measures)


def render_audited(audit: Audit, measures: Sequence[Measure], as_of: datetime) -> str:
    """SELECT of the dossiers asked about that a rule's measure counts in the year of as_of.

    Columns: measure, case_code, unit_code, unit_valid_from, numerator (0 or 1).

    Raises:
        AuditError: a measure does not count dossiers, or counts them for each period on its own.
    """
    concerned = [m for m in measures if m.name in audit.measures]
    for measure in concerned:
        if measure.distinct or measure.is_per_period:
            raise AuditError(f"audit.yml: chỉ số {measure.name} không đếm từng hồ sơ của kỳ, không dùng được cho quy tắc")
    return "\nUNION ALL\n".join(_render_counted(m, as_of) for m in concerned)


def _render_counted(measure: Measure, as_of: datetime) -> str:
    denominator, numerator = measure.predicates(as_of)
    first, after = f"DATE '{as_of.year}-01-01'", f"DATE '{as_of.year + 1}-01-01'"
    return (
        f"SELECT '{measure.name}' AS measure, case_code, unit_code, unit_valid_from, CASE WHEN {numerator} THEN 1 ELSE 0 END AS numerator\n"
        f"FROM core.cases\nWHERE ({denominator}) AND {measure.belongs(first, after)} AND case_code IN (SELECT case_code FROM work.audit_asked)"
    )
