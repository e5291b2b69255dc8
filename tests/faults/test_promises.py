"""Promises of the night that hold against the world around it: other runs, readers, disks, clocks, sources, servers, and no network."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from alone import alone
from conftest import HEADINGS, case_row, write_workbook

from flows import night as nights
from flows.night import run_night
from flows.runs import load_runs
from flows.settings import Settings
from flows.warehouse import checksum_tables

SECONDS = 300  # no night of a few dossiers takes this long, however busy the machine
TITLES = ("Thời điểm xuất: 30/06/2024 22:00",)


def places(office: Settings) -> list[str]:
    return [f"--{name}={getattr(office, name)}" for name in ("raw", "reference", "warehouse", "outbox")]


def start(arguments: list[str], prefix: Sequence[str] = (), **environment: str) -> "subprocess.Popen[str]":
    command = [*prefix, sys.executable, "-m", "flows.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment)


@pytest.mark.slow
def test_of_two_nights_started_at_once_one_runs_and_the_other_says_which(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    both = [start(["run", *places(office), "--as-of=2024-06-30T23:00"]) for _ in range(2)]
    said = {process.wait(): process.communicate()[0] for process in both}
    assert set(said) == {0, 4}, said
    (run,) = load_runs(office.staged)
    winner = next(process for process in both if process.returncode == 0)
    assert f"tiến trình {winner.pid}, từ " in said[4] and "đang giữ khóa" in said[4]
    assert run["run_id"] in said[4] or "run (tiến trình" in said[4]  # the second may come before the first has its number
    assert not office.warehouse.with_suffix(".holder").exists()


def test_a_refused_run_names_the_run_that_holds_the_lock(office: Settings) -> None:
    with nights.hold_lock(office):
        log = nights.RunLog(office)
        log.start()
        with (
            pytest.raises(nights.AlreadyRunning, match=f"lần chạy {log.run_id} \\(tiến trình {os.getpid()}, từ "),
            nights.hold_lock(office),
        ):
            pass


@pytest.mark.slow
def test_eight_readers_read_on_while_four_nights_publish(tmp_path: Path) -> None:
    """Every night ends with 0, no reader meets an error, and every answer is one that a night published, whole.

    A slice of crowd.py, which `make faults` runs with twenty readers before thirty nights.
    """
    out = tmp_path / "figures.json"
    command = [sys.executable, str(Path(__file__).parent / "crowd.py"), "--nights=4", "--readers=8", "--pause=2", f"--out={out}"]
    subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["reader_errors"], found["failed_nights"], found["strange_answers"]) == ([], [], [])
    assert (found["nights"], found["readers"]) == (4, 8) and found["queries"] >= 4 * 8 and found["publications_seen"] > 2


@pytest.mark.slow
@pytest.mark.parametrize("largest", [20_000, 200_000, 1_000_000, 3_000_000])
def test_a_disk_that_is_full_at_any_size_leaves_the_published_warehouse(published: Settings, largest: int) -> None:
    """No file of the night may grow beyond `largest`: writes of DuckDB and Parquet themselves fail, not only Python's."""
    before = checksum_tables(published.warehouse)
    write_workbook(published.raw / "b.xlsx", [HEADINGS, *(case_row(f"000.22.58.H48-240216-{n:04}") for n in range(300))])
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run", *places(published), "--as-of=2024-06-30T23:30"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
    )
    said = process.communicate(timeout=SECONDS)[0]
    after = checksum_tables(published.warehouse)
    if process.returncode != 0:
        assert after == before and said.strip() and "Traceback" not in said, said
    clean = run_night(replace(published, as_of=datetime(2024, 6, 30, 23, 30)))
    assert clean.is_published
    with duckdb.connect(str(published.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM core.cases").fetchall() == [(301,)]


@pytest.mark.parametrize(
    "moment",
    [
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in (datetime(2024, 6, 30, 23, 59, 59), datetime(2024, 7, 1), datetime(2025, 1, 1), datetime(2025, 1, 1, 0, 30))
        ),
        datetime(2024, 12, 31, 23, 59, 59),
    ],
)
@pytest.mark.slow
def test_a_night_across_midnight_and_year_end_counts_its_own_moment(
    office: Settings, moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the machine is a day further when the night ends; everything it writes is for its own moment."""
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    clock = iter(moment + timedelta(seconds=n) for n in range(10_000))
    for module in ("flows.night", "flows.runs", "flows.logs"):
        monkeypatch.setattr(f"{module}.local_now", lambda: next(clock))
    settings = replace(office, as_of=moment)
    result = run_night(settings)
    assert result.is_published
    assert {path.parent.name for path in result.summaries if path.suffix == ".csv"} == {f"{moment:%Y-%m-%d}"}
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT as_of FROM mart.unit_rates").fetchall() == [(moment,)]
    (run,) = load_runs(office.staged)
    assert run["as_of"] == moment and run["outcome"] == "published" and run["finished_at"] > run["started_at"]


@pytest.fixture
def three_sources(office: Settings, tmp_path: Path) -> Settings:
    """One source with a good export, one whose export was cut off, one that is not there; three recipients."""
    good, cut = tmp_path / "tot", tmp_path / "cut"
    write_workbook(good / "ho-so.xlsx", [HEADINGS, case_row()], titles=TITLES)
    whole = write_workbook(cut / "cat.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0009")], titles=TITLES)
    whole.write_bytes(whole.read_bytes()[:3000])
    sources = {"tot": good, "cut": cut, "mat": tmp_path / "khong-gan"}
    text = "".join(
        f'[[source]]\nname = "{name}"\nkind = "folder"\naddress = "{folder}"\nsettle_seconds = 0\nretries = 0\n'
        for name, folder in sources.items()
    )
    (office.reference / "sources.toml").write_text(text, encoding="utf-8")
    lines = ["name,email,scope,summaries,frequency,language"]
    lines += [f"{name},{name}@sonha.test,all,,daily,vi" for name in ("chanh", "thu", "pho")]
    (office.reference / "recipients.csv").write_text("\n".join(lines), encoding="utf-8")
    return office


@pytest.mark.slow
def test_one_source_down_one_export_cut_one_recipient_refused(three_sources: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything else is published and mailed, and the mail says what is missing."""
    sys.path.append(str(Path(__file__).parents[1] / "mail"))
    from post_office import PostOffice, serve

    post = PostOffice()
    post.script["thu@sonha.test"] = ["refuse"]
    with serve(post) as server:
        (three_sources.reference / "mail.toml").write_text(
            f'host = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nfrom = "tthc@sonha.test"\nretry_seconds = []\nsend = true\n',
            encoding="utf-8",
        )
        result = run_night(three_sources)
    assert result.is_published and result.post.outcome
    assert {source.name: source.error is None for source in result.sources} == {"tot": True, "cut": True, "mat": False}
    assert {file["file_name"]: file["status"] for file in result.files} == {"tot/ho-so.xlsx": "loaded", "cut/cat.xlsx": "rejected"}
    assert post.counts() == {"chanh@sonha.test": 1, "pho@sonha.test": 1}
    assert (result.post.outcome.sent, result.post.outcome.refused) == (2, 1)
    body = post.accepted[0][1].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "mat" in text and "cat.xlsx" in text, text


@pytest.mark.slow
def test_fetch_run_status_watch_and_doctor_need_no_network(office: Settings, tmp_path: Path) -> None:
    """Each on a machine where every attempt to leave the loopback fails and is noted; there is none. Serving: see test_serving.py."""
    share = tmp_path / "share"
    write_workbook(share / "a.xlsx", [HEADINGS, case_row()], titles=TITLES)
    (office.reference / "sources.toml").write_text(
        f'[[source]]\nname = "o-chung"\nkind = "folder"\naddress = "{share}"\nsettle_seconds = 0\n', encoding="utf-8"
    )
    with alone(tmp_path) as machine:
        for arguments, code in (
            (["fetch", *places(office)[:3]], 0),
            (["run", *places(office), "--as-of=2024-06-30T23:00"], 0),
            (["status", f"--warehouse={office.warehouse}"], None),
            (["watch", *places(office)], None),
            (["doctor", *places(office)], None),
        ):
            process = start(arguments, machine.prefix, **machine.environment)
            said = process.communicate(timeout=SECONDS)[0]
            assert code is None or process.returncode == code, said
            assert "Lỗi bất ngờ" not in said
        assert machine.attempts() == []
