"""The schedule as it really runs: Prefect's server and runner on a machine without a network, a cron that fires, runs left behind by a kill."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alone import alone
from conftest import HEADINGS, case_row, write_workbook

from flows.runs import load_runs
from flows.settings import ConfigurationError, Settings

pytestmark = pytest.mark.slow
SECONDS = 300
CHROMIUM = Path("/usr/bin/chromium")
CODE = """
import sys; from pathlib import Path; from flows.settings import make_place; from flows import deployments as d
with d.prefect_server(make_place(Path(sys.argv[1])), int(sys.argv[2])):
"""
LEFT_RUNNING = """
    from prefect.client.orchestration import get_client
    from prefect.states import Running
    from flows.nightly import nights
    with get_client(sync_client=True) as client:
        left = client.create_flow_run(nights, parameters=dict(raw='', reference='', warehouse='', outbox=''), state=Running())
        print(d.clean_abandoned_runs(), client.read_flow_run(left.id).state.type.value, d.clean_abandoned_runs())
"""
FAILING = """
    import os; os.dup2(1, 2)
    from flows import night, nightly
    from flows.settings import make_settings
    def fail(settings): int("Nguyễn Thị Bịa Đặt 0987654321")
    fail.__name__ = "land"
    night.land = fail
    places = [Path(sys.argv[1]).parents[1] / name for name in ("raw", "reference", "warehouse/w.duckdb", "outbox")]
    for run in (lambda: nightly.nightly(make_settings(*places)), lambda: nightly.nights(*map(str, places))):
        try: run()
        except ValueError as error: print("the caller knows:", "0987654321" in str(error), flush=True)
        except Exception as error: print("Prefect knows:", error, flush=True)
"""
WAITING = """
    import time; print("up", flush=True); time.sleep(600)
"""
# Both of Prefect's pages, and what each asks for; what their policy stops they cannot ask.
PAGES = """
    from playwright.sync_api import sync_playwright
    with sync_playwright() as running:
        page = running.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"]).new_page()
        page.set_default_timeout(250_000)
        page.on("request", lambda request: print(request.url) if not request.url.startswith(("data:", "blob:")) else None)
        for path in ("", "/v2/dashboard"):
            page.goto(f"http://127.0.0.1:{sys.argv[2]}{path}")
            page.get_by_text("Dashboard").first.wait_for()
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_every_deployment_is_limited_to_one_run_in_vietnamese_time(office: Settings) -> None:
    from flows.deployments import DEPLOYMENTS, make_deployments

    made = make_deployments(office)
    assert [d.name for d in made] == [d.name for d in DEPLOYMENTS]
    for deployment, scheduled in zip(made, DEPLOYMENTS, strict=True):
        (schedule,) = deployment.schedules
        assert (schedule.schedule.cron, schedule.schedule.timezone) == (scheduled.cron, "Asia/Ho_Chi_Minh")
        assert deployment.concurrency_limit == 1
        assert deployment.concurrency_options.collision_strategy.value == "CANCEL_NEW"
        assert deployment.parameters["raw"] == str(office.raw)


def test_a_port_where_another_server_answers_is_not_used(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for the one just started, and the other office's nights replaced by this one's."""
    from flows import deployments
    from flows.deployments import prefect_server

    monkeypatch.setattr(deployments, "_PORT_SECONDS", 0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cổng {port} .* --port"), prefect_server(office, port):
            pass
    assert not office.prefect.exists()


def test_offices_whose_warehouses_share_a_folder_have_a_schedule_each(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one home the deployments of the second would take the place of the first's, whose nights nobody would run."""
    from flows.deployments import prepare_environment

    homes = set()
    for name in ("son-ha.duckdb", "son-tay.duckdb"):
        monkeypatch.setattr(os, "environ", dict(os.environ))
        prepare_environment(replace(office, warehouse=office.warehouse.with_name(name)), 4200)
        homes.add(os.environ["PREFECT_HOME"])
    assert len(homes) == 2 and all(Path(home).is_dir() for home in homes)


def test_the_schedule_fires_and_publishes_without_a_network(office: Settings, tmp_path: Path) -> None:
    """`tthc serve` on a machine without a network: a cron fires, a night is published, page and status answer, and nothing tried to leave."""
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    port = free_port()
    places = [f"--{name}={getattr(office, name)}" for name in ("raw", "reference", "warehouse", "outbox")]
    with alone(tmp_path) as machine, (tmp_path / "serve.log").open("wb") as output:
        environment = os.environ | machine.environment
        tthc = [*machine.prefix, sys.executable, "-m", "flows.cli"]
        command = [*tthc, "serve", f"--port={port}", "--cron=* * * * *", *places]
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=environment)
        try:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until and not any(run["outcome"] == "published" for run in load_runs(office.staged)):
                assert server.poll() is None, Path(output.name).read_text(encoding="utf-8")
                time.sleep(0.5)
            assert office.warehouse.is_file(), f"no night was run in {SECONDS} seconds"
            said = subprocess.run(
                [*tthc, "status", f"--warehouse={office.warehouse}"], capture_output=True, text=True, env=environment, check=False
            )
            assert "công bố" in said.stdout and not said.stderr, said.stdout + said.stderr
            look = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{port}', timeout=60).read())"
            page = subprocess.run([*machine.prefix, sys.executable, "-c", look], capture_output=True, text=True, check=True)
            assert "<html" in page.stdout
            told_before = len(Path(output.name).read_text(encoding="utf-8"))
            server.terminate()  # as the machine does when it is switched off
            assert server.wait(60) == 0
            told = Path(output.name).read_text(encoding="utf-8")[told_before:]
            assert "Warning" not in told and "asyncio" not in told, told
            assert "monthly-report" in scheduled(office), "what falls due until it is on again is not forgotten"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        assert machine.attempts() == []


def scheduled(office: Settings) -> set[str]:
    """The deployments that have a run to come or overdue, as the server will find them at its next start."""
    asked = "SELECT d.name FROM flow_run r JOIN deployment d ON d.id = r.deployment_id WHERE r.state_type = 'SCHEDULED' AND NOT d.paused"
    with contextlib.closing(sqlite3.connect(office.prefect / "prefect.db")) as connection:
        return {name for (name,) in connection.execute(asked)}


def test_why_the_server_ended_stays_in_its_log_which_does_not_grow_without_end(
    office: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import deployments, logs

    server = tmp_path / "server"
    server.write_text('#!/bin/sh\necho "reason $$: $(cat ' + str(tmp_path / "why") + ')"; exit 1\n', encoding="utf-8")
    server.chmod(0o700)
    monkeypatch.setattr(deployments, "prepare_environment", lambda _, port: f"http://127.0.0.1:{port}/api")
    monkeypatch.setattr(deployments.sys, "executable", str(server))
    monkeypatch.setattr(logs, "_LARGEST_BYTES", 100_000)

    def start(why: str) -> None:
        (tmp_path / "why").write_text(why, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"prefect-server\.log"), deployments.prefect_server(office, free_port()):
            pass

    log = office.logs / "prefect-server.log"
    start("đĩa đầy")
    start("cổng bận")
    assert [line.rpartition(": ")[2] for line in log.read_text(encoding="utf-8").splitlines()] == ["đĩa đầy", "cổng bận"]
    start("x" * 3_000_000)
    kept = [path.stat().st_size for path in office.logs.glob("prefect-server.log*")]
    assert len(kept) > 1 and sum(kept) < 7 * 100_000


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium (make browser)")
def test_the_page_asks_nobody_but_its_own_server(office: Settings) -> None:
    """Prefect's second page would ask Amplitude for its configuration, telemetry switched off or not."""
    said = run_beside_a_server(office, PAGES)
    assert any("/v2/" in url for url in said) and {urlsplit(url).hostname for url in said} == {"127.0.0.1"}, said


def test_prefect_is_told_of_an_error_what_the_logs_tell(office: Settings) -> None:
    """Prefect prints what led to an error and keeps its message for ever; a message of a library may quote a cell."""
    said = run_beside_a_server(office, FAILING)
    assert "the caller knows: True" in said
    assert any(line.startswith("Prefect knows: ValueError (") for line in said), said
    assert not any("0987654321" in line or "Bịa Đặt" in line for line in said), said
    kept = b"".join(path.read_bytes() for path in office.prefect.rglob("*") if path.is_file())
    assert b"ValueError (" in kept and b"0987654321" not in kept


def test_runs_that_a_kill_left_running_are_cleaned(office: Settings) -> None:
    """What stands as Running when the schedule starts is Crashed before anything else is started."""
    assert run_beside_a_server(office, LEFT_RUNNING)[-1] == "1 CRASHED 0"


def test_a_schedule_that_was_killed_can_be_started_again(office: Settings) -> None:
    """Its server would go on listening with nobody to stop it, and every `tthc serve` to come be told that the port is taken."""
    port = free_port()
    command = [sys.executable, "-c", CODE.strip() + WAITING, str(office.warehouse), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout and killed.stdout.readline() == "up\n"
        killed.kill()
    again = subprocess.run(
        [sys.executable, "-c", CODE.strip() + "\n    print('up')", str(office.warehouse), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert again.stdout == "up\n"


def run_beside_a_server(office: Settings, code: str) -> list[str]:
    """What the code prints in a process that has a Prefect server of its own."""
    command = [sys.executable, "-c", CODE.strip() + code, str(office.warehouse), str(free_port())]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=2 * SECONDS, check=True).stdout.splitlines()
