"""A contract file that is misspelt or contradicts itself is refused with the place and the reason."""

import copy
import csv
import io
from importlib.resources import files
from typing import Any

import pytest
import yaml

from expectations import ContractBroken, create_tables_sql, load_contracts
from expectations.contract_files import check_relations, read_contract

BODY: dict[str, Any] = yaml.safe_load("""
table: core.units
vi: Đơn vị
en: Units
key: [unit_code]
relations:
  - {columns: [parent_code], table: core.units, references: [unit_code]}
columns:
  unit_code: {type: VARCHAR, nullable: false, vi: Mã, en: Code, pattern: '[A-Z]+', source: [cases.unit]}
  parent_code: {type: VARCHAR, nullable: true, vi: Mã cấp trên, en: Parent}
  rank: {type: INTEGER, nullable: true, vi: Thứ tự, en: Rank, least: 1, most: 9, severity: warning}
  since: {type: DATE, nullable: true, vi: Từ ngày, en: First day, least: '2000-01-01'}
""")


def edited(path: str, value: object) -> dict[str, Any]:
    """The contract with one fact changed; None takes it away."""
    body = copy.deepcopy(BODY)
    *parents, last = path.split("/")
    place: Any = body
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("table", "core.unit", "the file of a table is named for it"),
        ("vi", " ", "vi must say what it means"),
        ("keys", ["unit_code"], "unknown fact keys"),
        ("key", [], "the key is empty"),
        ("key", ["code"], "key: there is no column code"),
        ("columns/unit_code/en", None, "unit_code: en is missing"),
        ("columns/unit_code/min", 1, "unit_code: unknown fact min; known are allowed"),
        ("columns/unit_code/type", "TEXT", "type TEXT is none of"),
        ("columns/unit_code/nullable", "no", "nullable is true or false"),
        ("columns/unit_code/pattern", "[", "the pattern cannot be read"),
        ("columns/unit_code/source", ["unit"], "source lists kind.column"),
        ("columns/rank/pattern", r"\d", "a pattern needs the type VARCHAR"),
        ("columns/rank/allowed", ["1"], "allowed must list values of the type INTEGER"),
        ("columns/rank/allowed", [], "at least one"),
        ("columns/unit_code/allowed", [1], "allowed must list values of the type VARCHAR"),
        ("columns/since/allowed", ["2000-01-01"], "allowed must list values of the type DATE"),
        ("columns/rank/least", 10, "least is above most"),
        ("columns/rank/least", 1.5, "no bound for the type INTEGER"),
        ("columns/rank/least", True, "no bound for the type INTEGER"),
        ("columns/unit_code/least", 1, "no bound for the type VARCHAR"),
        ("columns/since/most", "31/12/2099", "write a number, or a date as '2000-01-01'"),
        ("columns/rank/severity", "fatal", "severity fatal is none of"),
        ("columns/parent_code/severity", "warning", "says nothing; remove it"),
        ("relations/0/columns", ["mother"], "there is no column mother"),
        ("relations/0/references", [], "as many as each other"),
        ("relations/0/severity", "fatal", "severity fatal"),
        ("relations/0/table", None, "table is missing"),
    ],
)
def test_a_wrong_fact_is_refused(path: str, value: object, message: str) -> None:
    with pytest.raises(ContractBroken, match=message) as caught:
        read_contract("core.units.yml", edited(path, value))
    assert str(caught.value).startswith("core.units.yml: ")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("relations/0/table", "core.unit", "there is no table core.unit"),
        ("relations/0/references", ["code"], "in core.units: there is no column code"),
        ("relations/0/references", ["rank"], "parent_code is VARCHAR, core.units.rank is INTEGER"),
    ],
)
def test_a_relation_that_leads_nowhere_is_refused(path: str, value: object, message: str) -> None:
    contract = read_contract("core.units.yml", edited(path, value))
    with pytest.raises(ContractBroken, match=message):
        check_relations({contract.table: contract})


def test_a_good_contract_is_read_as_it_stands() -> None:
    contract = read_contract("core.units.yml", BODY)
    check_relations({contract.table: contract})
    rank = contract.columns["rank"]
    assert (rank.least, rank.most, rank.severity, contract.columns["since"].least) == (1, 9, "warning", "2000-01-01")


def test_every_source_is_a_column_that_exports_have_and_has_headings() -> None:
    layouts = files("transforms.layouts")
    kinds = yaml.safe_load(layouts.joinpath("kinds.yml").read_text(encoding="utf-8"))
    columns = {f"{kind}.{column}" for kind, facts in kinds.items() for column in facts["columns"]}
    lines = csv.DictReader(io.StringIO(layouts.joinpath("headings.csv").read_text(encoding="utf-8")))
    headed = {f"{line['kind']}.{line['column']}" for line in lines}
    named = {source for contract in load_contracts().values() for column in contract.columns.values() for source in column.source}
    assert named - columns == set()
    assert named - headed == set()
    # what the dossier lists say is nowhere lost between export and warehouse
    assert {c for c in columns if c.startswith(("cases.", "payments.", "digitization."))} - named <= {
        "cases.procedure_name",  # the catalogue's name is shown
        "payments.procedure_name",
        "payments.unit",
        "digitization.case_code",  # joined by
        "digitization.unit",
    }


def test_rates_of_groups_have_what_rates_of_units_have_but_the_unit_and_its_age() -> None:
    units, groups = load_contracts()["mart.unit_rates"], load_contracts()["mart.group_rates"]
    of_a_unit = {"unit_code", "unit_name", "level", "unit_valid_from", "data_as_of", "is_stale"}
    shared = [(name, column.type) for name, column in units.columns.items() if name not in of_a_unit]
    assert [(name, column.type) for name, column in groups.columns.items() if name not in ("group_kind", "group_code")] == shared


def test_tables_and_comments_come_from_the_contracts_alone() -> None:
    made = create_tables_sql()
    told = [statement.replace(" USING COMPRESSION fsst", "").replace(" USING COMPRESSION dictionary", "") for statement in made]
    for contract in load_contracts().values():
        assert f"CREATE TABLE {contract.table} ({', '.join(f'{c.name} {c.type}' for c in contract.columns.values())})" in told
    assert len([s for s in made if s.startswith("COMMENT ON COLUMN")]) == sum(len(c.columns) for c in load_contracts().values())
