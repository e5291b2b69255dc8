"""What the gate asks in SQL: the rules of rules.yml, and of every contract its shape, key, relations and finite numbers.

Set operations stay in SQL, where they cost no copy; what each value of a column may be is asked by Great Expectations (see suites.py).
A frame could not tell NaN from NULL either, so finite numbers are asked here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from expectations.contracts import Contract, load_contracts
from transforms.declarations import load_declared

NOT_RUN = "kiểm tra không chạy được"
MOST_EXAMPLES = 20
# The gate writes these after all checks; it cannot judge its own record.
OWN_TABLES = ("ops.checks", "ops.acceptances")


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome.

    Attributes:
        found: violations counted; 1 where the check could not run.
        table: the table it looks at; empty for rules across tables.
        examples: keys of some violating rows, never other values.
        accepted_why: why the result is published past this check.
    """

    name: str
    severity: str
    found: int
    message_vi: str
    table: str = ""
    examples: tuple[str, ...] = ()
    accepted_why: str | None = None

    @property
    def is_passed(self) -> bool:
        """No violation."""
        return self.found == 0


@dataclass(frozen=True)
class SqlCheck:
    """A question to the built warehouse.

    Attributes:
        rows: query that gives one row a violation, its key alone; its columns become the examples.
        count: query that gives the number of violations, where they have no key.
    """

    name: str
    severity: str
    message_vi: str
    rows: str = ""
    count: str = ""
    table: str = ""


def not_run(name: str, message_vi: str, why: str, table: str = "") -> CheckResult:
    """The failure of a check that could not run: always critical, because nothing is known."""
    return CheckResult(name, "critical", 1, f"{message_vi} ({NOT_RUN}: {why})", table)


def failed_critically(results: Iterable[CheckResult]) -> list[CheckResult]:
    """The checks that hold the result back: critical, not passed and not accepted."""
    return [r for r in results if r.severity == "critical" and not r.is_passed and r.accepted_why is None]


@lru_cache(maxsize=1)
def load_rules() -> tuple[SqlCheck, ...]:
    """The rules of rules.yml, in the order they stand there."""
    entries = load_declared(files("expectations").joinpath("rules.yml").read_text(encoding="utf-8"))
    return tuple(SqlCheck(e["name"], e["severity"], e["message_vi"], e.get("rows", ""), e.get("sql", "")) for e in entries)


def contract_checks(contract: Contract) -> list[SqlCheck]:
    """Key, relations and finite numbers of one contract; its shape is asked by `shape_differences`."""
    table, key = contract.table, ", ".join(contract.key)
    checks = [
        SqlCheck(
            f"key:{table}",
            "critical",
            f"{table}: hai dòng có cùng khóa ({key})",
            f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1",
            table=table,
        )
    ]
    doubles = [c.name for c in contract.columns.values() if c.type == "DOUBLE"]
    if doubles:
        wrong = " OR ".join(f"isnan({name}) OR isinf({name})" for name in doubles)
        checks.append(
            SqlCheck(
                f"finite:{table}",
                "critical",
                f"{table}: có số vô hạn hoặc không phải số",
                f"SELECT {key} FROM {table} WHERE {wrong}",
                table=table,
            )
        )
    for relation in contract.relations:
        pairs = " AND ".join(f"r.{there} = t.{here}" for here, there in zip(relation.columns, relation.references, strict=True))
        filled = " AND ".join(f"t.{name} IS NOT NULL" for name in relation.columns)
        checks.append(
            SqlCheck(
                f"relation:{table}.{'+'.join(relation.columns)}",
                relation.severity,
                f"{table}: {', '.join(relation.columns)} không có trong {relation.table}",
                f"SELECT {', '.join(f't.{name}' for name in contract.key)} FROM {table} AS t "
                f"WHERE {filled} AND NOT EXISTS (SELECT 1 FROM {relation.table} AS r WHERE {pairs})",
                table=table,
            )
        )
    return checks


def staged_key_check(kind: str) -> SqlCheck:
    """No staged row stands twice; `work.<kind>_rows` holds the rows that the build sees."""
    return SqlCheck(
        f"key:staged.{kind}",
        "critical",
        f"Dòng đã đọc ({kind}): một dòng của tệp được đọc hai lần, hoặc số dòng nhỏ hơn 1",
        f"SELECT file_id, sheet_number, row_number FROM work.{kind}_rows GROUP BY file_id, sheet_number, row_number "
        "HAVING count(*) > 1 OR row_number IS NULL OR row_number < 1 OR file_id IS NULL",
        table=f"staged.{kind}",
    )


def shape_message(table: str) -> str:
    """What the shape check of a table says."""
    return f"{table}: cột hoặc kiểu dữ liệu khác hợp đồng dữ liệu"


def shape_result(contract: Contract, found: Mapping[str, str]) -> CheckResult:
    """Columns missing, added or of another type than the contract says.

    Args:
        contract: what the table should be.
        found: column -> type in the built warehouse; empty when there is no such table.
    """
    wanted = {c.name: c.type for c in contract.columns.values()}
    differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    name = f"shape:{contract.table}"
    return CheckResult(name, "critical", len(differing), shape_message(contract.table), contract.table, tuple(differing[:MOST_EXAMPLES]))


def checked_contracts() -> list[Contract]:
    """The contracts the gate asks about: all but those of its own record."""
    return [contract for contract in load_contracts().values() if contract.table not in OWN_TABLES]
