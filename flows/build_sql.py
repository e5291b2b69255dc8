"""The build's SQL, held to the contracts: no statement fills a published table with other columns than its contract names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import duckdb
import pyarrow as pa

from expectations import ContractBroken, check_columns, check_tables, load_contracts
from transforms.declarations import load_declared

_ARROW = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR": pa.string(),
}
# Leading comments belong to the statement that follows them.
_FILLS = re.compile(
    r"(?:\s|--[^\n]*\n)*INSERT\s+INTO\s+((?:core|mart|ops)\.\w+)\s+(?:BY\s+NAME\s+)?((?:SELECT|WITH)\b.*)", re.DOTALL | re.IGNORECASE
)
_TOUCHES = re.compile(
    r"(?:\s|--[^\n]*\n)*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|MERGE\s+INTO|(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER|DROP)\s+(?:TABLE|VIEW)(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)"
    r"\s+((?:core|mart|ops)\.\w+)",
    re.IGNORECASE,
)


def sql_files() -> list[tuple[str, str]]:
    """The build's SQL files in the order they run."""
    folder = files("transforms.sql")
    return [(p.name, p.read_text(encoding="utf-8")) for p in sorted(folder.iterdir(), key=lambda p: p.name) if p.name.endswith(".sql")]


@dataclass(frozen=True)
class SqlFunction:
    """A function that the build's SQL calls as if the engine had it.

    Attributes:
        name: as it is called.
        takes: its arguments and their types, in the words of the contracts.
        sql: what it gives, an expression of the arguments.
    """

    name: str
    takes: Mapping[str, str]
    sql: str


def wording_functions() -> list[SqlFunction]:
    """What says values in the words of the outputs (transforms/sql_wording.yml); one may call those before it."""
    declared = load_declared(files("transforms").joinpath("sql_wording.yml").read_text(encoding="utf-8"))
    return [SqlFunction(name, **function) for name, function in declared.items()]


def run_sql(connection: duckdb.DuckDBPyConnection, text: str, origin: str, values: Sequence[object] = ()) -> list[str]:
    """Every statement of the text has run, and each that fills a published table gave exactly the columns of its contract.

    Names, order and types are compared before a row is written: an INSERT by position would put a swapped or retyped column in place of
    another without a word. Binding a statement once more costs milliseconds, so it is done every night.

    Args:
        connection: the warehouse that is being built.
        text: statements; published tables are filled by `INSERT INTO schema.table SELECT …` (or WITH …) and by nothing else.
        origin: where the text stands, for the message.
        values: of the placeholders, when the text is one statement.

    Returns:
        The published tables that were filled, in order.

    Raises:
        ContractBroken: a statement fills a published table otherwise than its contract says.
    """
    filled = []
    for statement in _parsed(text):
        fills = find_fill(statement.query, origin)
        if fills:
            table, query = fills
            described = connection.execute(_parsed(f"DESCRIBE {query}")[0], list(values)).fetchall()
            check_columns(table, [(name, kind) for name, kind, *_ in described], origin)
            filled.append(table)
        connection.execute(statement, list(values))
    return filled


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[duckdb.Statement, ...]:
    """The statements of a text, read once a process: several nights run the same texts, and reading them is a tenth of a small build."""
    return tuple(duckdb.extract_statements(text))


def find_fill(statement: str, origin: str) -> tuple[str, str] | None:
    """The published table that a statement fills and the query of its rows, or None for a statement about other tables.

    Raises:
        ContractBroken: it changes a published table in another way.
    """
    fills, touches = _FILLS.match(statement), _TOUCHES.match(statement)
    if fills:
        return fills[1], fills[2]
    if touches:
        raise ContractBroken(f"{origin}: {touches[1]} is filled by INSERT INTO {touches[1]} SELECT … and by nothing else")
    return None


def contract_rows(table: str, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Records made in Python as rows of a published table, each value under the column of its name.

    Args:
        table: the table, as core.units.
        rows: one mapping a row; a column that a row leaves out is empty.

    Raises:
        ContractBroken: a row names a column that the contract does not have, or a value is not of the column's type.
    """
    columns = load_contracts()[table].columns
    unknown = sorted({name for row in rows for name in row} - set(columns))
    if unknown:
        raise ContractBroken(f"{table}: rows made in Python name columns that the contract does not have: {', '.join(unknown)}")
    try:
        return pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema([(c.name, _ARROW[c.type]) for c in columns.values()]))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ContractBroken(f"{table}: a value made in Python is not of its column's type: {error}") from error


def check_built(connection: duckdb.DuckDBPyConnection) -> None:
    """The warehouse holds the contracts' tables and no others, with their columns in order.

    Raises:
        ContractBroken: a table or column is missing, added or changed.
    """
    columns = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name IN ('core', 'mart', 'ops') ORDER BY 1, column_index"
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in columns:
        tables.setdefault(table, []).append((name, kind))
    check_tables(tables)
