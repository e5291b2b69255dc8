"""The 12 queries of docs/sql.md on a published warehouse, as analysts ask them: warm, in one process; then by twenty readers at once.

`python -m bench.analysts data/warehouse/tthc.duckdb` (with PYTHONPATH=tests) prints the table that `make bench` puts into docs/benchmarks.md.
"""

import argparse
import re
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
RUNS, READERS = 5, 20
MART_MS, CORE_MS = 50, 1000


@dataclass(frozen=True)
class Query:
    """One question of the page: its heading, the statement, and the columns that the page promises."""

    title: str
    sql: str
    columns: list[str]

    @property
    def aim(self) -> int:
        """Milliseconds it may take at ten million dossiers: it reads prepared tables only, or the dossiers themselves."""
        return CORE_MS if re.search(r"\bcore\.(cases|case_history|payments)\b", self.sql) else MART_MS


@dataclass(frozen=True)
class Answers:
    """Milliseconds by query (median of warm runs), and what twenty readers at once met."""

    cases: int
    taken: dict[str, float]
    errors: list[str]
    together: float


def load_queries() -> list[Query]:
    """Every query of docs/sql.md, in its order."""
    found = re.findall(r"^### ([^\n]+)\n+```sql\n(.*?)^```\n+Cột: ([^\n]+)$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [Query(title, sql, re.findall(r"`(\w+)`", columns)) for title, sql, columns in found]


def ask(warehouse: Path) -> Answers:
    """Each query once to warm up and then five times; then each of twenty readers, with a connection of its own, every query once."""
    queries = load_queries()
    taken: dict[str, float] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        [(cases,)] = connection.execute("SELECT count(*) FROM core.cases").fetchall()
        for query in queries:
            connection.execute(query.sql).fetchall()
            times = []
            for _ in range(RUNS):
                began = time.perf_counter()
                connection.execute(query.sql).fetchall()
                times.append(1000 * (time.perf_counter() - began))
            taken[query.title] = statistics.median(times)
    errors: list[str] = []

    def read(number: int) -> None:
        try:
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                for place in range(len(queries)):
                    connection.execute(queries[(number + place) % len(queries)].sql).fetchall()
        except duckdb.Error as error:
            errors.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")

    readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    began = time.perf_counter()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return Answers(cases, taken, errors, time.perf_counter() - began)


def report(answers: Answers) -> str:
    """The table, in Markdown."""
    lines = [
        f"Analysts: the queries of [sql.md](sql.md) on {answers.cases:,} dossiers, warm, median of {RUNS}, in one process:",
        "",
        "| Query | Took | Aim |",
        "|---|---|---|",
    ]
    for query in load_queries():
        taken = answers.taken[query.title]
        lines.append(f"| {query.title} | {'✓' if taken <= query.aim else '✗'} {taken:.0f} ms | ≤ {query.aim:,} ms |")
    met = f"{len(answers.errors)} errors ({'; '.join(sorted(set(answers.errors)))})" if answers.errors else "no error"
    lines += ["", f"{READERS} readers at once, each all {len(answers.taken)} queries: {met}, {answers.together:.1f} s."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path)
    answers = ask(parser.parse_args().warehouse)
    print(report(answers))
    sys.exit(bool(answers.errors))


if __name__ == "__main__":
    main()
