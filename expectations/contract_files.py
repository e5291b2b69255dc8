"""What a contract file may say, read strictly: a fact that is misspelt or contradicts itself is an error, never silence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

TYPES = ("BIGINT", "BOOLEAN", "DATE", "DOUBLE", "INTEGER", "TIMESTAMP", "VARCHAR")
SEVERITIES = ("critical", "warning")
_WHOLE, _MOMENTS = ("BIGINT", "INTEGER"), ("DATE", "TIMESTAMP")
_TABLE_FACTS = {"table", "vi", "en", "key", "columns"}
_COLUMN_FACTS = {"type", "nullable", "vi", "en"}
_OPTIONAL_FACTS = {"allowed", "least", "most", "pattern", "source", "severity"}
_RELATION_FACTS = {"columns", "table", "references"}


class ContractBroken(Exception):
    """A contract file contradicts itself, or what fills a table contradicts its contract; the text says where and what to do."""


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


def read_contract(file_name: str, body: Mapping[str, Any]) -> Contract:
    """The contract a file states, every fact of it known and possible.

    Args:
        file_name: as core.units.yml; the table's name is in it.
        body: the file's parsed YAML.

    Raises:
        ContractBroken: names file, column and fact.
    """
    _know(file_name, body, _TABLE_FACTS, {"relations"})
    if f"{body['table']}.yml" != file_name:
        raise ContractBroken(f"{file_name}: table says {body['table']}; the file of a table is named for it")
    columns = {name: _read_column(f"{file_name}: {name}", name, facts) for name, facts in body["columns"].items()}
    key = tuple(body["key"])
    if not key:
        raise ContractBroken(f"{file_name}: the key is empty; name the columns that tell two rows apart")
    _stand(f"{file_name}: key", key, columns)
    relations = []
    for number, facts in enumerate(body.get("relations", ()), 1):
        place = f"{file_name}: relation {number}"
        _know(place, facts, _RELATION_FACTS, {"severity"})
        relation = Relation(tuple(facts["columns"]), facts["table"], tuple(facts["references"]), facts.get("severity", "critical"))
        _stand(place, relation.columns, columns)
        if len(relation.columns) != len(relation.references) or not relation.columns:
            raise ContractBroken(f"{place}: columns and references must be as many as each other")
        _grade(place, relation.severity)
        relations.append(relation)
    return Contract(body["table"], body["vi"], body["en"], key, columns, tuple(relations))


def check_relations(contracts: Mapping[str, Contract]) -> None:
    """Every relation leads to columns that exist and are of the same type.

    Raises:
        ContractBroken: names file, relation and column.
    """
    for contract in contracts.values():
        for number, relation in enumerate(contract.relations, 1):
            place = f"{contract.table}.yml: relation {number}"
            if relation.table not in contracts:
                raise ContractBroken(f"{place}: there is no table {relation.table}")
            there = contracts[relation.table].columns
            _stand(f"{place}, in {relation.table}", relation.references, there)
            for mine, its in zip(relation.columns, relation.references, strict=True):
                if contract.columns[mine].type != there[its].type:
                    raise ContractBroken(f"{place}: {mine} is {contract.columns[mine].type}, {relation.table}.{its} is {there[its].type}")


def _read_column(place: str, name: str, facts: Mapping[str, Any]) -> ContractColumn:
    _know(place, facts, _COLUMN_FACTS, _OPTIONAL_FACTS)
    kind, allowed = facts["type"], facts.get("allowed", ())
    if kind not in TYPES:
        raise ContractBroken(f"{place}: type {kind} is none of {', '.join(TYPES)}")
    if not isinstance(facts["nullable"], bool):
        raise ContractBroken(f"{place}: nullable is true or false")
    wanted = str if kind == "VARCHAR" else int
    if "allowed" in facts and (kind not in ("VARCHAR", *_WHOLE) or not allowed or not all(type(value) is wanted for value in allowed)):
        raise ContractBroken(f"{place}: allowed must list values of the type {kind}, as text or whole numbers, and at least one")
    for bound in ("least", "most"):
        if bound in facts and not _is_bound(kind, facts[bound]):
            raise ContractBroken(
                f"{place}: {bound} {facts[bound]!r} is no bound for the type {kind}; write a number, or a date as '2000-01-01'"
            )
    if facts.get("least") is not None and facts.get("most") is not None and facts["least"] > facts["most"]:
        raise ContractBroken(f"{place}: least is above most")
    if "pattern" in facts:
        if kind != "VARCHAR":
            raise ContractBroken(f"{place}: a pattern needs the type VARCHAR, not {kind}")
        try:
            re.compile(facts["pattern"])
        except re.error as error:
            raise ContractBroken(f"{place}: the pattern cannot be read: {error}") from error
    _grade(place, facts.get("severity", "critical"))
    if "severity" in facts and not {"allowed", "least", "most", "pattern"} & set(facts):
        raise ContractBroken(f"{place}: severity without allowed, least, most or pattern says nothing; remove it")
    source = facts.get("source", ())
    if not isinstance(source, (list, tuple)) or not all(re.fullmatch(r"\w+\.\w+", str(s)) for s in source):
        raise ContractBroken(f"{place}: source lists kind.column of transforms/layouts/kinds.yml")
    return ContractColumn(
        name,
        kind,
        facts["nullable"],
        facts["vi"],
        facts["en"],
        tuple(str(value) for value in allowed),
        facts.get("least"),
        facts.get("most"),
        facts.get("pattern"),
        tuple(source),
        facts.get("severity", "critical"),
    )


def _is_bound(kind: str, value: object) -> bool:
    if kind in _MOMENTS:
        if not isinstance(value, str):
            return False
        try:
            (date if kind == "DATE" else datetime).fromisoformat(value)
        except ValueError:
            return False
        return True
    return kind != "VARCHAR" and kind != "BOOLEAN" and type(value) in ((int,) if kind in _WHOLE else (int, float))


def _know(place: str, facts: object, needed: set[str], optional: set[str]) -> None:
    if not isinstance(facts, Mapping):
        raise ContractBroken(f"{place}: expected facts as name: value")
    if missing := needed - set(facts):
        raise ContractBroken(f"{place}: {', '.join(sorted(missing))} is missing")
    if unknown := set(facts) - needed - optional:
        raise ContractBroken(
            f"{place}: unknown fact {', '.join(sorted(map(str, unknown)))}; known are {', '.join(sorted(needed | optional))}"
        )
    for name in ("vi", "en"):
        if name in needed and not (isinstance(facts[name], str) and facts[name].strip()):
            raise ContractBroken(f"{place}: {name} must say what it means")


def _stand(place: str, names: tuple[str, ...], columns: Mapping[str, ContractColumn]) -> None:
    if missing := [name for name in names if name not in columns]:
        raise ContractBroken(f"{place}: there is no column {', '.join(missing)}")


def _grade(place: str, severity: object) -> None:
    if severity not in SEVERITIES:
        raise ContractBroken(f"{place}: severity {severity} is none of {', '.join(SEVERITIES)}")
