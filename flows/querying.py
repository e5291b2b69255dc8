"""Questions to the published warehouse that can change nothing: neither the warehouse, nor its settings, nor any file."""

import csv
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.csv_files import harmless
from flows.settings import ConfigurationError, QueryError

ROWS_SHOWN = 200
_CHUNK = 5_000
_EXPLAIN = re.compile(r"\s*EXPLAIN(?:\s+ANALYZE)?(?:\s*\([^)]*\))?\s", re.IGNORECASE)


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, read-only and shut in: no other file, no extension, no setting can be reached from it.

    Raises:
        ConfigurationError: there is no warehouse, or what stands there is none.
    """
    if not path.is_file():
        raise ConfigurationError(f"không có kho dữ liệu “{path}”; hãy chạy `tthc run` hoặc chỉ rõ bằng --warehouse")
    with tempfile.TemporaryDirectory(prefix="tthc-sql-") as scratch:
        config = {"temp_directory": scratch, "python_enable_replacements": "false", "autoinstall_known_extensions": "false"}
        try:
            connection = duckdb.connect(str(path), read_only=True, config=config | {"autoload_known_extensions": "false"})
            connection.execute("SET search_path = 'core,mart,ops'")  # SHOW TABLES shows what there is
        except duckdb.Error as error:
            raise ConfigurationError(f"không mở được kho dữ liệu “{path}”: {one_line(error)}") from None
        with connection:
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection


def one_line(error: Exception) -> str:
    """The message of an error without the query it quotes."""
    lines = str(error).split("\n\nLINE ")[0].splitlines()
    return " ".join(line.strip() for line in lines if line.strip())


def check_reading(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Nothing happens when the text is one statement that only reads.

    EXPLAIN ANALYZE runs what it explains, and COPY may write beside the warehouse even where files are out of reach, so what is explained
    has to be a query too.

    Raises:
        QueryError: it is no SQL, more than one statement, or one that may write.
    """
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(f"câu lệnh SQL sai: {one_line(error)}") from None
    if len(statements) != 1 and not any(s.type == duckdb.StatementType.MULTI for s in statements):
        raise QueryError(f"cần đúng một câu lệnh SQL, có {len(statements)}")
    kind = statements[0].type
    if kind == duckdb.StatementType.EXPLAIN:
        explained = _EXPLAIN.match(statements[0].query)
        if explained:
            check_reading(connection, statements[0].query[explained.end() :])
            return
    if kind != duckdb.StatementType.SELECT:
        raise QueryError(f"chỉ nhận câu lệnh đọc (SELECT, WITH, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN một câu SELECT), không nhận {kind.name}")


def run_query(warehouse: Path, query: str, *, as_csv: bool) -> None:
    """Print what a query gives, as a table or as CSV.

    Raises:
        QueryError: the query is wrong or not one that only reads.
        ConfigurationError: there is no warehouse.
    """
    with open_warehouse(warehouse) as connection:
        check_reading(connection, query)
        try:
            _interruptible(connection, lambda: connection.execute(query))
            headings = [str(column[0]) for column in connection.description or []]

            def fetch(count: int) -> list[tuple[Any, ...]]:
                rows: list[tuple[Any, ...]] = _interruptible(connection, lambda: connection.fetchmany(count))
                return rows

            if as_csv:
                _print_csv(headings, fetch)
            else:
                rows = fetch(ROWS_SHOWN + 1)
                print_table(headings, rows[:ROWS_SHOWN])
                if len(rows) > ROWS_SHOWN:
                    print(f"… còn nữa: chỉ hiện {ROWS_SHOWN} dòng đầu; thêm --csv để lấy tất cả, hoặc LIMIT … OFFSET … trong câu lệnh.")
                else:
                    print(f"({len(rows)} dòng)")
            sys.stdout.flush()
        except duckdb.Error as error:
            raise QueryError(f"câu lệnh SQL không chạy được: {one_line(error)}") from None
        except BrokenPipeError:  # the reader, `head` for one, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], Any]) -> Any:
    """What the work gives; Ctrl-C ends it at once. DuckDB 2.0 hears no signal while it runs in the main thread."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            while not running.done():
                wait([running], timeout=0.2)
        except KeyboardInterrupt:
            connection.interrupt()
            raise
        return running.result()


def wide_console() -> Console:
    """A console as wide as its terminal; without a terminal as wide as its lines, so that nothing is cut in a file or pipe."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=10_000)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table; no value is left out, NULL is blank."""
    table = Table()
    for number, heading in enumerate(headings):
        numeric = any(isinstance(row[number], int | float) and not isinstance(row[number], bool) for row in rows)
        table.add_column(Text(heading), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    wide_console().print(table)


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return str(cell)


def _print_csv(headings: Sequence[str], fetch: Callable[[int], list[tuple[Any, ...]]]) -> None:
    """UTF-8 whatever the terminal's own encoding; cells a spreadsheet would take for a formula are made harmless."""
    with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(headings)
        while rows := fetch(_CHUNK):
            writer.writerows([harmless(_shown(cell)) for cell in row] for row in rows)
