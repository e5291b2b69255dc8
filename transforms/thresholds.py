"""Limits declared as data in thresholds.yml, checked strictly."""

from importlib.resources import files

import pyarrow as pa
import yaml

from transforms.declarations import load_declared, load_office_yaml
from transforms.office_rows import Faults, TableError

_WHOLE = (
    "due_soon_working_days",
    "task_due_soon_working_days",
    "plan_due_soon_days",
    "plan_report_days",
    "forecast_basis_months",
    "forecast_min_cases",
    "reconciliation_boundary_days",
    "reconciliation_max_cases",
)
_DECIMAL = ("reception_limit_hours", "reception_warn_hours", "plan_due_soon_share", "forecast_z")
_TOLERANCES = "reconciliation"
SCHEMA = pa.schema([(name, pa.int64()) for name in _WHOLE] + [(name, pa.float64()) for name in _DECIMAL])
TOLERANCE_SCHEMA = pa.schema([("source_kind", pa.string()), ("absolute", pa.int64()), ("relative", pa.float64())])


class ThresholdError(TableError):
    """A limit is declared wrongly; the text names it and says what is expected."""


def parse_thresholds(text: str) -> pa.Table:
    """The limits of a YAML text as one row, one column a limit, as work.thresholds.

    Raises:
        ThresholdError: a limit is missing, unknown, no positive number, or the warning comes after what it warns of.
    """
    loaded = load_declared(text)
    limits = {name: value for name, value in loaded.items() if name != _TOLERANCES} if isinstance(loaded, dict) else {}
    missing, unknown = set(SCHEMA.names) - limits.keys(), limits.keys() - set(SCHEMA.names)
    if missing or unknown:
        raise ThresholdError(f"thresholds.yml: thiếu {sorted(missing)}, không có giới hạn {sorted(unknown)}")
    for name, value in limits.items():
        kinds = (int,) if name in _WHOLE else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or value <= 0:
            raise ThresholdError(f"thresholds.yml, {name}: có {value!r}, cần một số{' nguyên' if name in _WHOLE else ''} lớn hơn 0")
    if limits["reception_warn_hours"] >= limits["reception_limit_hours"]:
        raise ThresholdError("thresholds.yml, reception_warn_hours: phải nhỏ hơn reception_limit_hours")
    return pa.Table.from_pylist([limits], schema=SCHEMA)


def load_thresholds() -> pa.Table:
    """The limits that ship with the program."""
    return parse_thresholds(_shipped())


def load_tolerances(own: str = "") -> pa.Table:
    """How far counts of aggregated exports may differ from ours, one row a kind of export, as work.tolerances.

    Args:
        own: the office's thresholds.yml; its `reconciliation` block replaces the shipped numbers it names.

    Raises:
        ThresholdError: the office's text holds anything else, an unknown kind, or a number below 0 or a share above 1.
    """
    tolerances: dict[str, dict[str, int | float]] = {kind: dict(limits) for kind, limits in load_declared(_shipped())[_TOLERANCES].items()}
    try:
        loaded = load_office_yaml(own) or {}
    except yaml.YAMLError as error:
        raise ThresholdError(f"reference/thresholds.yml: không phải YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(loaded, dict) or loaded.keys() - {_TOLERANCES} or not isinstance(loaded.get(_TOLERANCES, {}), dict):
        raise ThresholdError(f"reference/thresholds.yml: chỉ được có khối “{_TOLERANCES}:” với các loại {', '.join(tolerances)}")
    faults = Faults()
    for kind, limits in loaded.get(_TOLERANCES, {}).items():
        if kind not in tolerances or not isinstance(limits, dict) or limits.keys() - {"absolute", "relative"}:
            faults.append(f"reference/thresholds.yml, {kind}: cần một trong các loại {', '.join(tolerances)} với hai số absolute, relative")
            continue
        for name, value in limits.items():
            kinds, most = ((int,), None) if name == "absolute" else ((int, float), 1)
            if isinstance(value, bool) or not isinstance(value, kinds) or value < 0 or (most is not None and value > most):
                need = "một số từ 0 đến 1" if most else "một số nguyên từ 0 trở lên"
                faults.append(f"reference/thresholds.yml, {kind}.{name}: có “{value}”, cần {need}")
                continue
            tolerances[kind][name] = value
    if faults:
        raise ThresholdError(*faults)
    return pa.Table.from_pylist([{"source_kind": kind, **limits} for kind, limits in tolerances.items()], schema=TOLERANCE_SCHEMA)


def _shipped() -> str:
    return files("transforms").joinpath("thresholds.yml").read_text(encoding="utf-8")
