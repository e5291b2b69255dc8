"""What the build asks of a database, and DuckDB's way of doing it; Spark's is in flows/spark.py. The order of the steps is in flows/warehouse.py, once."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from flows.build_sql import SqlFunction, run_sql
from flows.settings import ConfigurationError

# Tables of work beyond this go to the scratch folder: more dossiers then take more time, not more memory.
_MEMORY = "768MiB"
# Opening a Parquet file costs as much as reading some thousand rows. Where files are smaller on average (units that export every night), they are opened once
# and their rows kept, instead of once for each statement that looks at them.
_SMALL = 128 << 10


class Engine(Protocol):
    """A database with the schemas core, mart and ops, whose tables are those of the contracts, and work for everything in between."""

    def define(self, function: SqlFunction) -> None:
        """Statements that follow may call the function."""

    def run(self, text: str, origin: str) -> list[str]:
        """Every statement has run; the published tables that were filled, in order. See `flows.build_sql.run_sql`."""

    def load(self, name: str, table: pa.Table) -> None:
        """Rows made in Python are a new table of work."""

    def fill(self, name: str, table: pa.Table) -> None:
        """Rows made in Python, with the columns of the contract, stand in a published table."""

    def stage(self, name: str, parts: Sequence[Path], rows: pa.Table) -> None:
        """`name` shows the rows of staged Parquet files and these, in their columns; one that an export staged by an older reader lacks is NULL for it."""

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query that has few."""

    def columns(self, name: str) -> list[tuple[str, str]]:
        """Name and type of a table's columns, the type in the engine's words."""

    def replace(self, name: str, query: str) -> None:
        """A table of work holds the rows of a query, which may read the table itself."""


class DuckEngine:
    """DuckDB, by a connection that has the warehouse attached and in use, and a database named work."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def define(self, function: SqlFunction) -> None:
        """As Engine.define."""
        self.connection.execute(f"CREATE TEMP MACRO {function.name}({', '.join(function.takes)}) AS {function.sql}")

    def run(self, text: str, origin: str) -> list[str]:
        """As Engine.run."""
        return run_sql(self.connection, text, origin)

    def load(self, name: str, table: pa.Table) -> None:
        """As Engine.load."""
        self.connection.register("incoming", table)
        self.connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
        self.connection.unregister("incoming")

    def fill(self, name: str, table: pa.Table) -> None:
        """As Engine.fill."""
        self.connection.register("incoming", table)
        run_sql(self.connection, f"INSERT INTO {name} SELECT * FROM incoming", name)
        self.connection.unregister("incoming")

    def stage(self, name: str, parts: Sequence[Path], rows: pa.Table) -> None:
        """As Engine.stage.

        Raises:
            ConfigurationError: the folder's name has characters that DuckDB takes for a pattern.
        """
        self.load(name if not parts else f"{name}_shape", rows)
        if not parts:
            return
        staged = f"SELECT * FROM {name}_shape UNION ALL BY NAME SELECT * FROM {parquet_rows(sorted(parts))}"
        kind = "TABLE" if are_small(parts) else "VIEW"
        self.connection.execute(f"CREATE {kind} {name} AS SELECT {', '.join(rows.schema.names)} FROM ({staged}) AS staged")

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """As Engine.fetch."""
        rows: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return rows

    def columns(self, name: str) -> list[tuple[str, str]]:
        """As Engine.columns."""
        return [(column, kind) for column, kind, *_ in self.connection.execute(f"DESCRIBE {name}").fetchall()]

    def replace(self, name: str, query: str) -> None:
        """As Engine.replace."""
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")


def are_small(parts: Sequence[Path]) -> bool:
    """Whether the rows of several Parquet files are best kept in a table, to open them once."""
    return len(parts) > 1 and sum(part.stat().st_size for part in parts) < _SMALL * len(parts)


def parquet_rows(paths: Sequence[Path]) -> str:
    """The rows of Parquet files in this order, as an SQL table; a column that some of them lack is NULL for their rows.

    Raises:
        ConfigurationError: the folder's name has characters that DuckDB takes for a pattern.
    """
    if any(c in str(paths[0]) for c in "*?["):
        raise ConfigurationError(f"đường dẫn kho dữ liệu “{paths[0].parent}” có ký tự * ? hoặc [; hãy đặt kho dữ liệu ở thư mục khác")
    listed = ", ".join(f"'{quoted(p)}'" for p in paths)
    return f"read_parquet([{listed}], union_by_name = true)"


def quoted(path: Path) -> str:
    """The path inside an SQL text."""
    return str(path).replace("'", "''")


@contextmanager
def connect_scratch(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that spills to a folder beside `target`, gone with it, and fetches nothing from the internet."""
    scratch = target.with_name(f"{target.name}.scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    config = {
        "temp_directory": str(scratch),
        "memory_limit": _MEMORY,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        yield connection
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)
