"""Contracts to DDL, comments and checks.

What a published table holds is written once, in `expectations/<schema>.<table>.yml`: columns, types, nullability, allowed values and
meaning in Vietnamese and English. The warehouse's CREATE TABLE and COMMENT ON are made from it here, the gate's checks in checks.py and
suites.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

# The C loader reads the contracts in a tenth of the time; a PyYAML without libyaml lacks it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class ContractColumn:
    """One column of a published table.

    Attributes:
        allowed: the only values it may hold.
        least, most: bounds, both allowed; numbers, or dates as 2000-01-01.
        pattern: regular expression that the whole value matches.
        source: where it comes from, "kind.column" of transforms/layouts/kinds.yml; those columns' headings are shown in the dictionary.
        severity: critical or warning, of a value outside `allowed`, `least`, `most` or `pattern`; an empty value where none may be is always critical.
    """

    name: str
    type: str
    is_nullable: bool
    vi: str
    en: str
    allowed: tuple[str, ...] = ()
    least: str | float | None = None
    most: str | float | None = None
    pattern: str | None = None
    source: tuple[str, ...] = ()
    severity: str = "critical"


@dataclass(frozen=True)
class Relation:
    """Every value of `columns` stands in `references` of another table; rows with an empty value are not asked."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]
    severity: str = "critical"


@dataclass(frozen=True)
class Contract:
    """One published table."""

    table: str
    vi: str
    en: str
    key: tuple[str, ...]
    columns: Mapping[str, ContractColumn]
    relations: tuple[Relation, ...] = ()


@lru_cache(maxsize=1)
def load_contracts() -> dict[str, Contract]:
    """All contracts by table name, in the order of their names."""
    contracts = {}
    for path in sorted(
        (p for p in files("expectations").iterdir() if p.name.endswith(".yml") and "." in p.name.removesuffix(".yml")), key=lambda p: p.name
    ):
        body = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
        columns = {
            name: ContractColumn(
                name,
                facts["type"],
                facts["nullable"],
                facts["vi"],
                facts["en"],
                tuple(str(a) for a in facts.get("allowed", ())),
                facts.get("least"),
                facts.get("most"),
                facts.get("pattern"),
                tuple(facts.get("source", ())),
                facts.get("severity", "critical"),
            )
            for name, facts in body["columns"].items()
        }
        relations = tuple(
            Relation(tuple(r["columns"]), r["table"], tuple(r["references"]), r.get("severity", "critical"))
            for r in body.get("relations", ())
        )
        contracts[body["table"]] = Contract(body["table"], body["vi"], body["en"], tuple(body["key"]), columns, relations)
    return contracts


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def create_tables_sql() -> list[str]:
    """CREATE SCHEMA, CREATE TABLE and COMMENT ON statements for every contract."""
    contracts = load_contracts().values()
    statements = [f"CREATE SCHEMA {schema}" for schema in sorted({c.table.partition(".")[0] for c in contracts})]
    for contract in contracts:
        columns = ", ".join(f"{c.name} {c.type}" for c in contract.columns.values())
        statements.append(f"CREATE TABLE {contract.table} ({columns})")
        statements.append(f"COMMENT ON TABLE {contract.table} IS {_quote(contract.vi)}")
        statements += [f"COMMENT ON COLUMN {contract.table}.{c.name} IS {_quote(c.vi)}" for c in contract.columns.values()]
    return statements
