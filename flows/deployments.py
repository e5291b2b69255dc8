"""The schedule as Prefect deployments, and `tthc serve`: a Prefect server and its page on loopback, and the runner that starts what is due.

No overlap: every deployment has limit 1 and cancels a new run while one is under way, and the job itself holds an operating system lock.
Machines without a Prefect server use the systemd timers in docs/systemd instead; both run the same job.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.logs import keep_output
from flows.settings import TELEMETRY_OFF, ConfigurationError, Settings

TIMEZONE = "Asia/Ho_Chi_Minh"
_SERVER_SECONDS = 300  # it makes its database the first time; when it dies that is seen at once
_PORT_SECONDS = 30  # the server of a schedule that was killed goes on for so long at most
# Prefect's first page unless somebody chooses the other, and no advertisements; see flows/prefect_page.py.
_QUIET_PAGE = {"PREFECT_SERVER_UI_V2_ENABLED": "false", "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false"}


@dataclass(frozen=True)
class Scheduled:
    """One deployment: its name, when it runs (cron, Vietnamese time), and the flow of flows/nightly.py it runs."""

    name: str
    cron: str
    flow: str
    description: str


DEPLOYMENTS = (
    Scheduled(
        "nightly", "30 0 * * *", "nights", "Mỗi đêm 00:30: lấy tệp, tính, kiểm tra, công bố, gửi; các đêm bị lỡ chạy trước, theo thứ tự"
    ),
    Scheduled(
        "monthly-report",
        "0 6 1 * *",
        "monthly_report",
        "06:00 ngày 01 hằng tháng: báo cáo của tháng trước, gửi cho người nhận có mục monthly_report",
    ),
    Scheduled(
        "catch-up", "45 5-20 * * *", "nights", "Mỗi giờ ban ngày: chạy bù đêm bị lỡ (mất điện, máy tắt); không lỡ đêm nào thì không làm gì"
    ),
)


def prepare_environment(settings: Settings, port: int) -> str:
    """Prefect finds its home beside the warehouse and its server on loopback, and phones nobody; returns the server's address."""
    settings.prefect.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}/api"
    os.environ.update(TELEMETRY_OFF)
    os.environ.update({"PREFECT_HOME": str(settings.prefect), "PREFECT_API_URL": url, "PREFECT_LOGGING_LEVEL": "WARNING", **_QUIET_PAGE})
    return url


def make_deployments(settings: Settings, cron: str | None = None) -> list[Any]:
    """The schedule as Prefect's RunnerDeployments for these places.

    Args:
        settings: where everything is; as_of is each night's own.
        cron: in place of every deployment's own, for trying it out.
    """
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    from flows import nightly

    places = {name: str(getattr(settings, name)) for name in ("raw", "reference", "warehouse", "outbox")}
    return [
        getattr(nightly, scheduled.flow).to_deployment(
            name=scheduled.name,
            description=scheduled.description,
            schedule=Cron(cron or scheduled.cron, timezone=TIMEZONE),
            concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
            parameters=places,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for scheduled in DEPLOYMENTS
    ]


@contextmanager
def prefect_server(settings: Settings, port: int) -> Iterator[str]:
    """A Prefect server on loopback while this is open.

    Raises:
        ConfigurationError: it did not come up; its log says why. Or somebody else listens there: a server that answers would be taken for
            this one, and another office's nights would be replaced by this one's.
    """
    if _stays_taken(port):
        raise ConfigurationError(
            f"cổng {port} đang có chương trình khác dùng (một `tthc serve` khác?); hãy dừng nó, hoặc đổi cổng bằng --port"
        )
    url = prepare_environment(settings, port)
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / "prefect-server.log"
    command = [sys.executable, "-m", "uvicorn", "--factory", "flows.prefect_page:make_app", "--host", "127.0.0.1", "--port", str(port)]
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as output:  # from here on the server's alone: what it says ends with it
        keeping = keep_output(log, os.fdopen(reading, "rb"))
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.PIPE)  # see prefect_page
    try:
        _wait_for(url, server, log)
        yield url
    finally:
        _send_logs()
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
        keeping.join(5)


def _send_logs() -> None:
    """What Prefect still has to tell its server is told while that answers: at the end of this process it would try for more than a minute."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=15)


def _stays_taken(port: int) -> bool:
    until = time.monotonic() + _PORT_SECONDS
    while _is_taken(port):
        if time.monotonic() > until:
            return True
        time.sleep(0.3)
    return False


def _is_taken(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(5)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _SERVER_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise ConfigurationError(f"máy chủ Prefect không khởi động được; xem {log}, hoặc đổi cổng bằng --port")


def clean_abandoned_runs() -> int:
    """No flow run of ours is Running or Pending any more: what a kill left so is Crashed. Call before anything is started; returns how many."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    left = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["tthc-nightly", "tthc-nights", "tthc-monthly-report"])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=left))),
        )
        for run in runs:
            client.set_flow_run_state(run.id, Crashed(message="bị ngắt (mất điện hoặc dừng máy) trước khi xong"), force=True)
    return len(runs)


def serve_schedule(settings: Settings, port: int, cron: str | None = None) -> None:
    """The schedule runs until this process is stopped."""
    with prefect_server(settings, port):
        clean_abandoned_runs()
        # Paused, what is scheduled would be forgotten: a machine that is off at 06:00 of day 1 would leave that month without its report.
        runner = _make_runner(limit=1, pause_on_shutdown=False)
        for deployment in make_deployments(settings, cron):
            runner.add_deployment(deployment)
        with suppress(KeyboardInterrupt):
            asyncio.run(runner.start())


def _make_runner(**options: Any) -> Any:
    from prefect.runner import Runner

    class QuietRunner(Runner):
        """As `prefect.serve` runs it, but for the call that Prefect's own handler makes and nobody awaits, which Python warns of (3.8, November 2026)."""

        def handle_sigterm(self, *_: Any, **__: Any) -> None:
            signal.raise_signal(signal.SIGINT)  # as Ctrl-C, which asyncio ends in order

    return QuietRunner(**options)
