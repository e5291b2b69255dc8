"""Limits declared as data in thresholds.yml, checked strictly."""

from importlib.resources import files

import pyarrow as pa
import yaml

_WHOLE = ("due_soon_working_days", "task_due_soon_working_days", "plan_due_soon_days", "forecast_basis_months", "forecast_min_cases")
_DECIMAL = ("reception_limit_hours", "reception_warn_hours", "forecast_z")
SCHEMA = pa.schema([(name, pa.int64()) for name in _WHOLE] + [(name, pa.float64()) for name in _DECIMAL])


class ThresholdError(Exception):
    """A limit is declared wrongly; the text names it and says what is expected."""


def parse_thresholds(text: str) -> pa.Table:
    """The limits of a YAML text as one row, one column a limit, as work.thresholds.

    Raises:
        ThresholdError: a limit is missing, unknown, no positive number, or the warning comes after what it warns of.
    """
    loaded = yaml.safe_load(text)
    limits = loaded if isinstance(loaded, dict) else {}
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
    return parse_thresholds(files("transforms").joinpath("thresholds.yml").read_text(encoding="utf-8"))
