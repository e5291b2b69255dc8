"""Accepting a check by name, what a held night says, and pages that open without network and show no value."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from conftest import HEADINGS, case_row, write_workbook

from expectations import CheckResult
from expectations.checks import NOT_RUN, failed_critically
from expectations.suites import ColumnCheck, Frame, frame_from, warehouse_frames
from flows import night as nights
from flows.acceptances import load_acceptances, name_checks
from flows.data_docs import write_data_docs
from flows.gate_process import FrameValidator, _read
from flows.night import run_night
from flows.settings import ConfigurationError, Settings
from flows.terminal import show_result
from flows.validation import Validation


def spoil_build(sql: str) -> object:
    def step(function: object) -> object:
        if getattr(function, "__name__", "") != "build":
            return function

        def build(settings: Settings, *arguments: object) -> None:
            nights.build(settings, *arguments)  # type: ignore[arg-type]
            with duckdb.connect(str(nights.building_path(settings.warehouse))) as connection:
                connection.execute(sql)

        return build

    return step


WRONG = spoil_build("UPDATE mart.flags SET rank = rank; UPDATE core.cases SET fee_amount = 5, channel = channel")


@pytest.mark.slow
def test_a_named_check_is_published_past_once_and_remembered_for_ever(office: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    held = run_night(office, step=WRONG)  # type: ignore[arg-type]
    assert [check.name for check in failed_critically(held.checks)] == ["fees_agree"]
    assert not office.warehouse.exists()
    show_result(office, held)
    last = capsys.readouterr().out.splitlines()[-1]
    assert "KHÔNG CÔNG BỐ vì fees_agree" in last
    assert "--accept fees_agree --why" in last
    for number, offered in ((2, "--accept fees_agree --accept rule_2 --why"), (4, "--accept … (mỗi dòng ✗ một lần) --why")):
        more = [replace(failed_critically(held.checks)[0], name=f"rule_{n}") for n in range(2, number + 1)]
        show_result(office, replace(held, checks=[*held.checks, *more]))
        assert offered in capsys.readouterr().out.splitlines()[-1]
    accepted = run_night(office, step=WRONG, accept=["fees_agree"], why="đã đối chiếu biên lai")  # type: ignore[arg-type]
    assert accepted.is_published
    show_result(office, accepted)
    assert "đã đối chiếu biên lai" in capsys.readouterr().out
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        shown = connection.execute(
            "SELECT check_name, found, examples, accepted_why FROM ops.checks WHERE accepted_why IS NOT NULL"
        ).fetchall()
        assert shown == [("fees_agree", 1, "000.22.58.H48-240215-0007", "đã đối chiếu biên lai")]
    assert "Lưu ý" in (office.outbox / "2024-06-30" / "bang-diem.csv").read_text(encoding="utf-8-sig")
    assert not run_night(office, step=WRONG).is_published, "an acceptance counts for its own run"  # type: ignore[arg-type]
    assert run_night(office).is_published
    assert [(a["check_name"], a["found"], a["why"]) for a in load_acceptances(office.staged)] == [
        ("fees_agree", 1, "đã đối chiếu biên lai")
    ]
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT check_name, why FROM ops.acceptances").fetchall() == [("fees_agree", "đã đối chiếu biên lai")]
        assert connection.execute("SELECT count(*) FROM ops.checks WHERE accepted_why IS NOT NULL").fetchall() == [(0,)]


@pytest.mark.slow
def test_an_installed_spark_does_not_end_the_process_that_asks(tmp_path: Path) -> None:
    """Met with `tthc[spark]`: pyspark's Spark Connect leaves by sys.exit(0) where grpc is not installed."""
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("raise SystemExit(0)", encoding="utf-8")
    probe = "from flows.gate_process import FrameValidator; FrameValidator(); import sys; print('ready', 'pyspark' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["ready False"], done.stderr


@pytest.mark.slow
def test_the_process_that_asks_starts_without_statistics_and_pictures() -> None:
    probe = (
        "from flows.gate_process import FrameValidator; FrameValidator(); import sys; "
        "print([m for m in ('altair', 'boto3', 'pyspark', 'scipy') if m in sys.modules]); from scipy import stats; print(stats.norm.cdf(0))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "0.5"], "and what is imported later is whole"


@pytest.mark.slow
def test_only_the_named_check_is_accepted(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    step = spoil_build("UPDATE core.cases SET fee_amount = 5, is_finished = NOT is_finished")
    result = run_night(office, step=step, accept=["fees_agree"], why="đã xem")  # type: ignore[arg-type]
    assert not result.is_published
    assert "case_states_agree" in {check.name for check in failed_critically(result.checks)}


def test_an_unknown_check_or_a_missing_reason_is_wrong_usage(office: Settings) -> None:
    known = ["fees_agree", "key:core.cases"]
    with pytest.raises(ConfigurationError, match="fees_agree"):
        name_checks(["fees_agre"], "vì", known)
    with pytest.raises(ConfigurationError, match="--why"):
        name_checks(["fees_agree"], " ", known)
    with pytest.raises(ConfigurationError, match="--accept"):
        name_checks([], "vì", known)
    with pytest.raises(ConfigurationError, match="case_unit_known"):
        run_night(office, accept=["case_unit_know"], why="vì")


def test_a_process_that_dies_is_a_critical_failure(tmp_path: Path) -> None:
    validation = Validation()
    validation._process.kill()
    results = validation.ask(tmp_path / "none.duckdb", warehouse_frames()[:2], lambda: [])
    validation.close()
    assert len(failed_critically(results)) == 2
    assert all(NOT_RUN in check.message_vi for check in results)


SECRET = "Nguyễn Thị Bịa Đặt"


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[CheckResult], Path]:
    """A frame with every kind of failure in it, and its pages."""
    folder = tmp_path_factory.mktemp("docs")
    with duckdb.connect(str(folder / "w.duckdb")) as connection:
        connection.execute("CREATE SCHEMA core; CREATE TABLE core.things (code VARCHAR, word VARCHAR, amount BIGINT, day DATE)")
        connection.execute(
            "INSERT INTO core.things VALUES ('k1', ?, -54321, DATE '0206-01-01'), ('k2', NULL, 7, DATE '2024-01-01'), ('k3', 'a', 8, NULL)",
            [SECRET],
        )
    checks = (
        ColumnCheck("core.things", "word", "null", "critical", "từ trống"),
        ColumnCheck("core.things", "word", "allowed", "warning", "từ lạ", allowed=("a", "b")),
        ColumnCheck("core.things", "word", "pattern", "critical", "từ sai dạng", pattern="[a-z]"),
        ColumnCheck("core.things", "amount", "bounds", "critical", "số âm", "BIGINT", least=0),
        ColumnCheck("core.things", "day", "bounds", "critical", "ngày lạ", "DATE", least="2000-01-01"),
        ColumnCheck("core.things", "code", "null", "critical", "mã trống"),
        ColumnCheck("core.things", "lost", "null", "critical", "cột mất"),
    )
    frame = frame_from(json.loads(json.dumps(Frame("core.things", "Đồ vật", ("code",), checks).as_record())))
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{folder / 'w.duckdb'}' AS built (READ_ONLY)")
        results, outcome = FrameValidator().validate(connection, frame)
    write_data_docs(folder / "docs", [(frame, outcome)], results, datetime(2024, 6, 30, 23))
    return results, folder / "docs"


@pytest.mark.slow
def test_each_fact_is_counted_with_keys_and_a_lost_column_never_passes(validated: tuple[list[CheckResult], Path]) -> None:
    found = {check.name.partition(":")[0] + ":" + check.name.rpartition(".")[2]: check for check in validated[0]}
    assert {name: (c.severity, c.found, c.examples) for name, c in found.items()} == {
        "null:word": ("critical", 1, ("k2",)),
        "allowed:word": ("warning", 1, ("k1",)),
        "pattern:word": ("critical", 1, ("k1",)),
        "bounds:amount": ("critical", 1, ("k1",)),
        "bounds:day": ("critical", 1, ("k1",)),
        "null:code": ("critical", 0, ()),
        "null:lost": ("critical", 1, ()),
    }
    assert NOT_RUN in found["null:lost"].message_vi


@pytest.mark.slow
def test_pages_hold_keys_and_counts_and_no_value(validated: tuple[list[CheckResult], Path]) -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in validated[1].iterdir()}
    assert set(pages) == {"index.html", "core.things.html"}
    for text in pages.values():
        assert "k1" in text
        for value in (SECRET, "Bịa Đặt", "0206-01", "54321"):
            assert value not in text
        assert "http" not in text.replace("http-equiv", "")


@pytest.mark.slow
def test_pages_open_without_network_and_read_well(validated: tuple[list[CheckResult], Path]) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Chromium is not installed")
    asked: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((validated[1] / "index.html").as_uri())
        assert "Không công bố" in page.inner_text("body")
        page.click("text=core.things")
        assert "từ lạ" in page.inner_text("body")
        assert "expect" not in page.inner_text("h1")
        browser.close()
    assert [url for url in asked if not url.startswith("file://")] == []
    assert errors == []


def test_bounded_columns_arrive_in_types_that_are_compared_as_a_whole() -> None:
    """All other types Great Expectations compares value by value, which at a million dossiers takes longer than the build."""
    types = {"amount": "BIGINT", "counted": "INTEGER", "day": "DATE", "moment": "TIMESTAMP"}
    checks = [ColumnCheck("core.things", name, "bounds", "critical", "", kind, least=0) for name, kind in types.items()]
    values = "1::BIGINT AS amount, 2::INTEGER AS counted, DATE '2024-01-01' AS day, TIMESTAMP '2024-01-01' AS moment"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE VIEW shown AS SELECT {values} UNION ALL SELECT NULL, NULL, NULL, NULL")
        frame = _read(connection, types, checks, [])
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "amount": "float64",
        "counted": "float64",
        "day": "datetime64[ns]",
        "moment": "datetime64[ns]",
    }
    assert frame.isna().any().all()
