"""Contracts to DDL, comments and checks.

What a published table holds is written once, in `expectations/<schema>.<table>.yml`: columns, types, nullability, allowed values and
meaning in Vietnamese and English. The warehouse's CREATE TABLE and COMMENT ON are made from it here, the gate's checks in checks.py and
suites.py.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import zip_longest

from expectations.contract_files import Contract, ContractBroken, ContractColumn, Relation, check_relations, read_contract
from transforms.declarations import load_declared

__all__ = [
    "Contract",
    "ContractBroken",
    "ContractColumn",
    "Relation",
    "check_columns",
    "check_tables",
    "create_tables_sql",
    "load_contracts",
]


@lru_cache(maxsize=1)
def load_contracts() -> dict[str, Contract]:
    """All contracts by table name, in the order of their names."""
    contracts = {}
    for path in sorted(files("expectations").iterdir(), key=lambda p: p.name):
        if path.name.endswith(".yml") and "." in path.name.removesuffix(".yml"):
            contract = read_contract(path.name, load_declared(path.read_text(encoding="utf-8")))
            contracts[contract.table] = contract
    check_relations(contracts)
    return contracts


def check_columns(table: str, found: Sequence[tuple[str, str]], origin: str) -> None:
    """The columns that fill a table are those of its contract: the same names, in the same order, of the same types.

    Args:
        table: the table, as core.units.
        found: name and type of each column of the query that fills it.
        origin: where the query stands, for the message.

    Raises:
        ContractBroken: names table, column, what was found and what was expected.
    """
    if table not in load_contracts():
        raise ContractBroken(f"{origin}: {table} has no contract; write expectations/{table}.yml, or drop the table")
    expected = [(c.name, c.type) for c in load_contracts()[table].columns.values()]
    for place, (want, got) in enumerate(zip_longest(expected, found), 1):
        if want != got:
            wanted, met = (" ".join(column) if column else "no column" for column in (want, got))
            raise ContractBroken(
                f"{origin}: column {place} of {table} is {met}, its contract says {wanted}; "
                f"change the SQL, or expectations/{table}.yml with it (names, order and types must be the same)"
            )


def check_tables(found: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """A warehouse's tables are those of the contracts, no more and no fewer, and their columns too.

    Args:
        found: table name -> name and type of each column, in order.

    Raises:
        ContractBroken: names the table, and the column where one differs.
    """
    for table in sorted(set(load_contracts()) | set(found)):
        check_columns(table, found.get(table, []), "the warehouse")


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _compression(contract: Contract, column: ContractColumn) -> str:
    """How DuckDB stores a text: codes of dossiers differ in every row, other words repeat. Trying every way costs a quarter of a large table's writing."""
    if column.type != "VARCHAR" or not contract.table.startswith("core."):
        return ""
    return f" USING COMPRESSION {'fsst' if column.name == 'case_code' else 'dictionary'}"


def create_tables_sql() -> list[str]:
    """CREATE SCHEMA, CREATE TABLE and COMMENT ON statements for every contract."""
    contracts = load_contracts().values()
    statements = [f"CREATE SCHEMA {schema}" for schema in sorted({c.table.partition(".")[0] for c in contracts})]
    for contract in contracts:
        columns = ", ".join(f"{c.name} {c.type}{_compression(contract, c)}" for c in contract.columns.values())
        statements.append(f"CREATE TABLE {contract.table} ({columns})")
        statements.append(f"COMMENT ON TABLE {contract.table} IS {_quote(contract.vi)}")
        statements += [f"COMMENT ON COLUMN {contract.table}.{c.name} IS {_quote(c.vi)}" for c in contract.columns.values()]
    return statements
