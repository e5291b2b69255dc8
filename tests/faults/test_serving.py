"""The schedule as it really runs: Prefect's server and runner on loopback, a cron that fires, runs left behind by a kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import HEADINGS, case_row, write_workbook

from flows.runs import load_runs
from flows.settings import Settings

pytestmark = pytest.mark.slow


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


def test_a_cron_schedule_really_fires_and_a_killed_run_is_cleaned(office: Settings) -> None:
    """A minute's schedule publishes a night; then the whole group is killed and started again: no flow run is Running any more."""
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    port = free_port()
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(port), "--cron", "* * * * *"]
    for name in ("raw", "reference", "warehouse", "outbox"):
        command += [f"--{name}", str(getattr(office, name))]
    output = (office.warehouse.parent.parent / "serve.log").open("wb")
    server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        until = time.monotonic() + 150
        while time.monotonic() < until and not office.warehouse.is_file():
            assert server.poll() is None, Path(output.name).read_text(encoding="utf-8")
            time.sleep(0.5)
        assert office.warehouse.is_file(), "no night was run within two minutes and a half"
        assert load_runs(office.staged)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    code = (
        "import os, sys; from pathlib import Path; from flows.settings import make_place; from flows import deployments as d\n"
        "place = make_place(Path(sys.argv[1]))\n"
        "with d.prefect_server(place, int(sys.argv[2])):\n"
        "    from prefect.client.orchestration import get_client\n"
        "    from prefect.states import Running\n"
        "    from flows.nightly import nights\n"
        "    with get_client(sync_client=True) as client:\n"
        "        left = client.create_flow_run(nights, parameters=dict(raw='', reference='', warehouse='', outbox=''), state=Running())\n"
        "        cleaned = d.clean_abandoned_runs()\n"
        "        print(cleaned >= 1, client.read_flow_run(left.id).state.type.value, d.clean_abandoned_runs())\n"
    )
    again = subprocess.run(
        [sys.executable, "-c", code, str(office.warehouse), str(free_port())], capture_output=True, text=True, timeout=180, check=True
    )
    assert again.stdout.splitlines()[-1] == "True CRASHED 0"
