"""How old an export may be and what is unusual about one, declared as data in freshness.yml and checked strictly."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pyarrow as pa

from transforms.declarations import load_declared

_LIGHTS = ("red", "yellow", "none")
KINDS = pa.schema(
    [("kind", pa.string()), ("kind_vi", pa.string()), ("number", pa.int64())]
    + [(name, pa.int64()) for name in ("least", "usual", "most")]
    + [("never", pa.string())]
)
_WHOLE = ("deliveries", "changes_least", "expected_least", "frozen_waiting_days")
_DECIMAL = ("spread_times", "same_range_share", "other_range_share", "chance_times")
WATCH = pa.schema([(name, pa.int64()) for name in _WHOLE] + [(name, pa.float64()) for name in _DECIMAL])


class FreshnessError(Exception):
    """freshness.yml is declared wrongly; the text names the place and says what is expected."""


def parse_freshness(text: str, labels: Mapping[str, str]) -> tuple[pa.Table, pa.Table]:
    """The days allowed per export kind (as KINDS, every kind of `labels` has its row) and the one row of limits (as WATCH).

    Args:
        text: the YAML.
        labels: export kind -> its Vietnamese name, in the order to show them.

    Raises:
        FreshnessError: something is missing, unknown or out of bounds.
    """
    loaded = load_declared(text)
    if not isinstance(loaded, dict) or set(loaded) != {"kinds", "other", "watch"}:
        raise FreshnessError("freshness.yml: cần đúng ba phần kinds, other, watch")
    for kind, days in [*loaded["kinds"].items(), ("other", loaded["other"])]:
        _check_days(kind, days)
    rows = [
        {"kind": kind, "kind_vi": label, "number": number} | loaded["kinds"].get(kind, loaded["other"])
        for number, (kind, label) in enumerate(labels.items(), 1)
    ]
    return pa.Table.from_pylist(rows, schema=KINDS), pa.Table.from_pylist([_checked_watch(loaded["watch"])], schema=WATCH)


def _check_days(kind: str, days: Any) -> None:
    if not isinstance(days, dict) or set(days) != {"least", "usual", "most", "never"} or days["never"] not in _LIGHTS:
        raise FreshnessError(f"freshness.yml, {kind}: cần least, usual, most và never (một trong {', '.join(_LIGHTS)})")
    numbers = [days[name] for name in ("least", "usual", "most")]
    if any(type(number) is not int or number < 1 for number in numbers) or sorted(numbers) != numbers:
        raise FreshnessError(f"freshness.yml, {kind}: least, usual, most phải là số ngày nguyên từ 1, không giảm")


def _checked_watch(limits: Any) -> dict[str, float]:
    if not isinstance(limits, dict) or set(limits) != set(WATCH.names):
        raise FreshnessError(f"freshness.yml, watch: cần đúng các giới hạn {', '.join(WATCH.names)}")
    for name, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int if name in _WHOLE else (int, float)) or value <= 0:
            raise FreshnessError(f"freshness.yml, watch.{name}: có {value!r}, cần một số{' nguyên' if name in _WHOLE else ''} lớn hơn 0")
        if name.endswith("_share") and value >= 1:
            raise FreshnessError(f"freshness.yml, watch.{name}: phải nhỏ hơn 1")
    return dict(limits)


def load_freshness(labels: Mapping[str, str]) -> tuple[pa.Table, pa.Table]:
    """The limits that ship with the program, for these export kinds."""
    return parse_freshness(files("transforms").joinpath("freshness.yml").read_text(encoding="utf-8"), labels)
