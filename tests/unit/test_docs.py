"""What the documentation says is true: commands, options, targets, files, queries and measures it names exist."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer.main
from bench.analysts import CORE_MS, MART_MS, Query, ask, load_queries, report
from spec.staged import build_staged, staged_row

from expectations import load_contracts
from flows import cli
from flows.night import NightResult
from flows.querying import check_reading, open_warehouse
from flows.reference import LEVELS, UNIT_COLUMNS
from flows.settings import Settings
from transforms.corrections import parse_corrections
from transforms.layouts import load_lists
from transforms.measures import load_measures
from transforms.wording import REASONS_VI

ROOT = Path(__file__).parents[2]
README, GUIDE, ARCHITECTURE, QUERIES = (ROOT / name for name in ("README.md", "docs/huong-dan.md", "docs/architecture.md", "docs/sql.md"))
MANUALS = [README, GUIDE]


def commands(group: Any, prefix: str = "") -> dict[str, set[str]]:
    """Options of every command; a command of a group is named with its group."""
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        found |= (
            commands(command, f"{name} ") if hasattr(command, "commands") else {prefix + name: {o for p in command.params for o in p.opts}}
        )
    return found


COMMANDS = commands(typer.main.get_command(cli.app))


def blocks(path: Path, language: str) -> list[str]:
    """Fenced code of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def code(path: Path) -> list[str]:
    """Every line of fenced code and every code span."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [line for block in fenced for line in block.splitlines()] + [" ".join(span.split()) for span in spans]


def rows(path: Path, heading: str) -> list[list[str]]:
    """Cells of the table whose heading row starts with this text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return found


@pytest.mark.parametrize("path", MANUALS, ids=lambda p: p.name)
def test_every_command_and_option_exists(path: Path) -> None:
    wrong, met = [], set()
    for text in code(path):
        called = re.search(r"(?:^|[\s/\\])tthc ([a-z]+(?: [a-z]+)?)", text)
        options = re.findall(r"(?<!\S)--[a-z][a-z-]*", text)
        if called:
            name = called[1] if called[1] in COMMANDS else called[1].split()[0]
            met.add(name)
            wrong += [text] if set(options) - COMMANDS.get(name, set()) or name not in COMMANDS else []
        elif text.startswith("--"):
            wrong += [text] if set(options) - set().union(*COMMANDS.values()) else []
    assert wrong == []
    assert set(COMMANDS) - {"sample"} <= met, "a command that no page names"


@pytest.mark.parametrize("path", MANUALS, ids=lambda p: p.name)
def test_every_make_target_and_variable_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    calls = [text for text in code(path) if text.startswith("make ")]
    assert {"make run", "make test"} <= {" ".join(call.split()[:2]) for call in calls}
    targets, variables = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE), re.findall(r"^(\w+) \?=", makefile, re.MULTILINE)
    assert {call.split()[1] for call in calls} - set(targets) == set()
    assert {name for call in calls for name in re.findall(r"\b([A-Z_]+)=", call)} - set(variables) == set()


def test_the_readme_lists_the_environment_variables_that_are_read() -> None:
    read = {name for path in (ROOT / "flows").rglob("*.py") for name in re.findall(r"\"(TTHC_\w+)\"", path.read_text(encoding="utf-8"))}
    listed = {name for row in rows(README, "Variable") for name in re.findall(r"TTHC_\w+", row[0])}
    assert listed == read
    assert set(re.findall(r"TTHC_\w+", GUIDE.read_text(encoding="utf-8"))) <= read


@pytest.mark.parametrize("number", range(len(blocks(README, "sql"))))
def test_every_query_of_the_readme_runs(night: tuple[Settings, NightResult], number: int) -> None:
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        for statement in connection.extract_statements(blocks(README, "sql")[number]):
            done = connection.execute(statement)
            assert done.description
            assert done.fetchall(), "an example that shows nothing explains nothing"


@pytest.mark.parametrize("query", load_queries(), ids=lambda query: query.title)
def test_every_query_for_analysts_gives_the_columns_it_promises(night: tuple[Settings, NightResult], query: Query) -> None:
    with open_warehouse(night[0].warehouse) as connection:
        check_reading(connection, query.sql)
        done = connection.execute(query.sql)
        assert [column[0] for column in done.description] == query.columns
        assert done.fetchall(), "an example that shows nothing explains nothing"


@pytest.mark.slow
def test_analysts_lose_no_late_reception_at_a_reform_and_blame_nobody_for_a_deadline_moved_in_time(tmp_path: Path) -> None:
    """The unit began the day after the dossier was submitted. Of two deadlines one was moved on its last day, the other after it."""
    units = "unit_code,name_vi,level,valid_from,valid_to\n000.10.58.H48,Xã Cũ,commune,2003-01-01,2024-02-29\n000.20.58.H48,Xã Mới,commune,2024-03-01,\n"
    facts = {"unit": "Xã Mới", "procedure_code": "1.000001", "service_level": "full"}
    taken_in = {"submitted_at": datetime(2024, 2, 29, 10), "received_at": datetime(2024, 3, 4, 10), "status_code": 4, "channel": "online"}
    files = [{"file_id": name * 64, "exported_at": datetime(2024, 3, day, 23)} for name, day in (("a", 5), ("b", 6))]
    cases = []
    for file, dues in zip(files, ((datetime(2024, 3, 6, 17), datetime(2024, 3, 4, 17)), (datetime(2024, 3, 12, 17),) * 2), strict=True):
        for number, due in enumerate(dues, 1):
            case = staged_row(number, case_code=f"000.20.58.H48-240229-{number:04d}", due_at=due, **facts, **taken_in)
            cases.append(case | {"file_id": file["file_id"]})
    connection, _ = build_staged(tmp_path, {"cases": cases}, datetime(2024, 3, 7, 23), units=units, files=files)
    late, moved = (next(q.sql for q in load_queries() if words in q.title) for words in ("Chậm tiếp nhận", "lùi hẹn trả"))
    assert [row[1:4] for row in connection.execute(late).fetchall()] == [("Xã Mới", 2, 0)]
    assert [row[1:] for row in connection.execute(moved).fetchall()] == [("Xã Mới", 2, 2, 1)]


def test_analysts_have_twelve_queries_on_prepared_tables_and_on_dossiers() -> None:
    aims = [query.aim for query in load_queries()]
    assert len(blocks(QUERIES, "sql")) == len(aims) == 12
    assert aims.count(MART_MS) == 7
    assert aims.count(CORE_MS) == 5


@pytest.mark.slow
def test_twenty_readers_ask_every_query_at_once(night: tuple[Settings, NightResult]) -> None:
    answers = ask(night[0].warehouse)
    assert answers.errors == []
    page = report(answers)
    assert all(query.title in page for query in load_queries())
    assert "no error" in page


def test_tracing_finds_exactly_the_dossiers_that_are_missing(night: tuple[Settings, NightResult]) -> None:
    query = next(block for block in blocks(README, "sql") if "row_number" in block).partition(";")[2]
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        traced = connection.execute(query).fetchall()
        missing = connection.execute(
            "SELECT unit_name, denominator - numerator FROM mart.unit_rates WHERE measure = 'on_time' AND period_kind = 'year' "
            "AND status = 'missed' ORDER BY shortfall DESC, unit_code LIMIT 1"
        ).fetchall()
    assert missing == [(traced[0][0], len(traced))]


@pytest.mark.parametrize(("path", "heading"), [(README, "File"), (GUIDE, "Tệp")], ids=["README.md", "huong-dan.md"])
def test_the_table_of_reports_is_what_a_night_writes(night: tuple[Settings, NightResult], path: Path, heading: str) -> None:
    assert sorted(row[0] for row in rows(path, heading)) == sorted(summary.name for summary in night[1].summaries)


@pytest.mark.parametrize("path", [*MANUALS, ARCHITECTURE, QUERIES], ids=lambda p: p.name)
def test_every_path_and_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`((?:flows|transforms|expectations|tests)/[^`\s]*)`", text) if "<" not in name}
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link and not (path.parent / link).exists()] == []


def test_the_readme_s_table_of_measures_is_complete() -> None:
    measures = load_measures(list(load_contracts()["core.cases"].columns))
    assert [(row[0], row[1]) for row in rows(README, "Measure")] == [(m.name, m.criterion) for m in measures]


def test_the_example_of_a_correction_can_be_used_as_it_stands() -> None:
    assert [correction for block in blocks(GUIDE, "yaml") for correction in parse_corrections(block, load_lists().words, set())]


def test_units_csv_is_described_column_by_column() -> None:
    text = README.read_text(encoding="utf-8")
    described = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `")))
    assert [column for column in UNIT_COLUMNS if column not in described] == []
    assert [level for level in LEVELS if f"`{level}`" not in text or f"`{level}`" not in GUIDE.read_text(encoding="utf-8")] == []


def test_the_guide_says_what_to_do_about_every_reject_reason() -> None:
    assert [row[0] for row in rows(GUIDE, "Lý do") if all(row)] == list(REASONS_VI.values())


def test_exit_codes_are_those_of_the_command_line() -> None:
    codes = {0, cli.EXIT_FAILED, cli.EXIT_USAGE, cli.EXIT_HELD, cli.EXIT_LOCKED}
    assert {int(row[0]) for row in rows(README, "Exit code")} == codes
    sentence = re.search(r"Mã kết thúc: ([^.]+)\.", GUIDE.read_text(encoding="utf-8"))
    assert sentence
    assert {int(number) for number in re.findall(r"\b\d\b", sentence[1])} == codes


def test_the_changelog_has_an_entry_for_this_version() -> None:
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert f"\n## {version[1]} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
