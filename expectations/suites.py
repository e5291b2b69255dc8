"""What Great Expectations asks: nullability, allowed values, bounds and pattern of every column, as the contracts say them.

The checks are data; Great Expectations itself is imported by `make_suite` alone, because that costs seconds (see flows/gate_process.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from expectations.checks import checked_contracts
from expectations.contracts import Contract, ContractColumn, load_contracts
from transforms.layouts.lists import Kind

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT")
_WHAT_VI = {
    "null": "có ô trống ở cột bắt buộc",
    "allowed": "có giá trị ngoài danh sách cho phép",
    "bounds": "có giá trị ngoài khoảng cho phép",
    "pattern": "có giá trị không đúng dạng",
}


@dataclass(frozen=True)
class ColumnCheck:
    """One fact of one column.

    Attributes:
        fact: null, allowed, bounds or pattern; the check's name is `fact:table.column`.
        least, most: bounds, both allowed; dates as ISO text.
    """

    table: str
    column: str
    fact: str
    severity: str
    message_vi: str
    type: str = "VARCHAR"
    allowed: tuple[str, ...] = ()
    least: str | float | None = None
    most: str | float | None = None
    pattern: str | None = None

    @property
    def name(self) -> str:
        """As it stands in ops.checks and after --accept."""
        return f"{self.fact}:{self.table}.{self.column}"


@dataclass(frozen=True)
class Frame:
    """One table's question to Great Expectations.

    Attributes:
        name: the table; `staged.<kind>` for staged rows.
        title_vi: what it holds.
        key: columns that name a violating row.
        rows: staged row files; empty for a table of the warehouse.
        skip: staged trouble files: rows already refused, about which nothing is asked.
    """

    name: str
    title_vi: str
    key: tuple[str, ...]
    checks: tuple[ColumnCheck, ...]
    rows: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """The frame as plain data; `frame_from` turns it back."""
        return asdict(self)


def frame_from(record: Mapping[str, Any]) -> Frame:
    """A frame from `Frame.as_record`, also after JSON."""
    checks = tuple(ColumnCheck(**(check | {"allowed": tuple(check["allowed"])})) for check in record["checks"])
    lists = {name: tuple(record[name]) for name in ("key", "rows", "skip")}
    return Frame(record["name"], record["title_vi"], checks=checks, **lists)


def warehouse_frames() -> list[Frame]:
    """A frame for every table of the warehouse."""
    return [Frame(c.table, c.vi, c.key, tuple(_column_checks(c))) for c in checked_contracts()]


def staged_frames(kinds: Mapping[str, Kind], parts: Mapping[str, Sequence[str]], troubles: Sequence[str]) -> list[Frame]:
    """A frame for every kind of export with staged rows, asked the facts of the core columns that keep the staged column's name.

    What a source may write wrongly and corrections.yml may mend (bounds, patterns) only warns here; the table it becomes decides.

    Args:
        kinds: export kinds.
        parts: kind -> staged row files.
        troubles: staged trouble files.
    """
    frames = []
    for name, kind in kinds.items():
        if not parts.get(name):
            continue
        table = f"staged.{name}"
        staged = {c.staged_as: c for c in kind.columns.values() if c.type != "unit"}
        checks: dict[str, ColumnCheck] = {}
        for contract in load_contracts().values():
            for column in contract.columns.values() if contract.table.startswith("core.") else ():
                source = staged.get(column.name)
                if source is None or f"{name}.{source.name}" not in column.source:
                    continue
                for check in _facts(table, column):
                    if check.fact != "null":
                        softened = "critical" if check.fact == "allowed" and check.severity == "critical" else "warning"
                        checks.setdefault(check.name, ColumnCheck(**(asdict(check) | {"severity": softened})))
                    elif source.name == kind.key_column:
                        checks.setdefault(check.name, check)
        if checks:
            title = f"Dòng đã đọc: {kind.label_vi}"
            key = ("file_id", "sheet_number", "row_number")
            frames.append(Frame(table, title, key, tuple(checks.values()), tuple(parts[name]), tuple(troubles)))
    return frames


def _column_checks(contract: Contract) -> Iterable[ColumnCheck]:
    for column in contract.columns.values():
        yield from _facts(contract.table, column)


def _facts(table: str, column: ContractColumn) -> list[ColumnCheck]:
    def check(fact: str, severity: str, **facts: Any) -> ColumnCheck:
        return ColumnCheck(
            table, column.name, fact, severity, f"{table}.{column.name} ({column.vi}): {_WHAT_VI[fact]}", column.type, **facts
        )

    found = [] if column.is_nullable else [check("null", "critical")]
    if column.allowed:
        found.append(check("allowed", column.severity, allowed=column.allowed))
    if column.least is not None or column.most is not None:
        found.append(check("bounds", column.severity, least=_plain(column.least), most=_plain(column.most)))
    if column.pattern:
        found.append(check("pattern", column.severity, pattern=column.pattern))
    return found


def _plain(bound: str | float | date | None) -> str | float | None:
    return bound.isoformat() if isinstance(bound, date) else bound


def make_suite(frame: Frame) -> Any:
    """The frame's checks as a suite of Great Expectations; each expectation carries its check's name and, for people, its message."""
    import great_expectations as gx

    return gx.ExpectationSuite(name=frame.name, expectations=[_expectation(check) for check in frame.checks])


@lru_cache
def _kind(name: str) -> Any:
    """An expectation of Great Expectations that writes out its settings once, and is what its settings stand for.

    The original writes them anew each of the some 80 times that one question reads them, and makes itself anew from them 8 times: more than half of a
    district's gate. Ours do not change once made.
    """
    from great_expectations import expectations
    from great_expectations.compatibility.pydantic import PrivateAttr

    original: Any = getattr(expectations, name)

    def configuration(self: Any) -> Any:
        if self._settings is None:
            self._settings = original.configuration.fget(self)
            self._settings.to_domain_obj = lambda: self
        return self._settings

    facts = {"__doc__": original.__doc__, "__module__": __name__, "_settings": PrivateAttr(None), "configuration": property(configuration)}
    return type(original)(name, (original,), facts)  # under its own name, by which results and pages call it


def _expectation(check: ColumnCheck) -> Any:
    told: dict[str, Any] = {
        "column": check.column,
        "severity": check.severity,
        "meta": {"check": check.name, "notes": {"format": "string", "content": [check.message_vi]}},
    }
    if check.fact == "null":
        return _kind("ExpectColumnValuesToNotBeNull")(**told)
    if check.fact == "allowed":
        return _kind("ExpectColumnValuesToBeInSet")(value_set=[_value(check.type, value) for value in check.allowed], **told)
    if check.fact == "bounds":
        bounds = {"min_value": _bound(check.type, check.least), "max_value": _bound(check.type, check.most)}
        return _kind("ExpectColumnValuesToBeBetween")(**bounds, **told)
    return _kind("ExpectColumnValuesToMatchRegex")(regex=f"^(?:{check.pattern})$", **told)


def _value(kind: str, text: str) -> Any:
    if kind in _NUMBERS:
        return float(text) if kind in ("DOUBLE", "FLOAT") else int(text)
    return text.lower() == "true" if kind == "BOOLEAN" else text


def _bound(kind: str, bound: str | float | None) -> Any:
    return datetime.fromisoformat(bound) if isinstance(bound, str) and kind in ("DATE", "TIMESTAMP") else bound
