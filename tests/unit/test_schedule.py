"""Which nights are due, in what order, and what nobody would notice."""

import configparser
import shutil
import subprocess
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from flows import schedule
from flows.deployments import DEPLOYMENTS, TIMEZONE
from flows.night import NightResult
from flows.runs import RunLog, load_runs
from flows.schedule import missed_nights, run_missed_nights
from flows.settings import AlreadyRunning, Settings, local_now
from flows.watching import find_alarms

SYSTEMD = Path(__file__).parents[2] / "docs" / "systemd"


def run(outcome: str, as_of: datetime, started_at: datetime | None = None) -> dict[str, object]:
    return {"outcome": outcome, "as_of": as_of, "started_at": started_at or as_of}


def night(day: int, hour: int = 0, minute: int = 30) -> datetime:
    return datetime(2024, 7, day, hour, minute)


@pytest.mark.parametrize(
    ("runs", "now", "expected"),
    [
        ([], night(5, 10), [night(5)]),
        ([], night(5, 0, 10), [night(4)]),
        ([run("published", night(4))], night(5, 0, 29), []),
        ([run("published", night(4))], night(5), [night(5)]),
        ([run("published", night(1))], night(4, 9), [night(2), night(3), night(4)]),
        ([run("published", night(1)), run("held", night(2))], night(3, 9), [night(3)]),
        ([run("published", night(1)), run("failed", night(2)), run("interrupted", night(2))], night(2, 9), [night(2)]),
        ([run("published", night(1)), run("backfilled", night(3)), run("rolled_back", night(3))], night(2, 9), [night(2)]),
        # published by hand in the afternoon: an older moment would set the figures back
        ([run("published", night(3, 14))], night(3, 15), []),
        # figures of a day to come, by a clock that was ahead or by hand, do none of the nights until then
        ([run("published", night(1)), run("published", night(30))], night(3, 9), [night(2), night(3)]),
        ([run("published", night(30), started_at=night(2, 9))], night(3, 9), [night(3)]),
        # the clock is behind: no night of a month that is long over
        ([run("published", night(29)), run("published", night(30))], night(3, 9), []),
    ],
)
def test_missed_nights(runs: list[dict[str, object]], now: datetime, expected: list[datetime]) -> None:
    assert missed_nights(runs, now) == expected


def test_after_a_long_break_only_the_latest_nights_are_run() -> None:
    assert missed_nights([run("published", night(1))], night(1) + timedelta(days=100), most=3) == [
        night(1) + timedelta(days=d) for d in (98, 99, 100)
    ]


def test_a_failing_night_ends_the_run_and_is_tried_again(office: Settings) -> None:
    today = datetime.combine(local_now().date(), datetime.min.time()) + timedelta(minutes=30)
    today = today if today <= local_now() else today - timedelta(days=1)
    tried: list[datetime] = []

    def start(outcome: str, as_of: datetime) -> None:
        log = RunLog(replace(office, as_of=as_of))
        log.start()
        log.finish(outcome, 0)

    def night_run(settings: Settings) -> NightResult:
        tried.append(settings.as_of)
        if len(tried) == 2:
            raise OSError("disk")
        start("published", settings.as_of)
        return NightResult(True, [], 0, [])

    start("published", today - timedelta(days=3))
    with pytest.raises(OSError, match="disk"):
        list(run_missed_nights(office, night_run))
    assert tried == [today - timedelta(days=2), today - timedelta(days=1)]
    assert [moment for moment, _ in run_missed_nights(office, night_run)] == [today - timedelta(days=1), today]
    assert list(run_missed_nights(office, night_run)) == []


def test_missed_nights_wait_for_a_report_that_is_under_way(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are started at once when a machine is switched on again on day 1."""
    office.warehouse.parent.mkdir(parents=True)
    lock = FileLock(office.lock, thread_local=False)
    lock.acquire()
    threading.Timer(0.5, lock.release).start()
    assert len(list(run_missed_nights(office, lambda night: NightResult(True, [], 0, [])))) == 1
    monkeypatch.setattr(schedule, "LOCK_SECONDS", 0.1)
    with FileLock(office.lock), pytest.raises(AlreadyRunning):
        list(run_missed_nights(office))


def test_a_run_that_never_ended_is_interrupted_when_the_next_begins(office: Settings) -> None:
    RunLog(office).start()
    RunLog(office).start()
    assert [r["outcome"] for r in load_runs(office.staged)] == ["interrupted", "started"]


def note_run(settings: Settings, outcome: str, at: datetime, detail: str | None = None) -> None:
    log = RunLog(settings)
    log.started_at = at
    log._append({"outcome": "started", "started_at": at, "as_of": at, "version": "1"})
    log._append({"outcome": outcome, "finished_at": at, "files_read": 0, "detail": detail})


def test_alarms(tmp_path: Path, office: Settings) -> None:
    now = night(10, 12)
    assert find_alarms(office, now) == []  # before the first run nobody waits
    note_run(office, "published", now - timedelta(hours=25))
    assert find_alarms(office, now) == []
    assert [alarm.code for alarm in find_alarms(office, now + timedelta(hours=2))] == ["silence"]
    note_run(office, "held", now, "cases_present")
    (held,) = find_alarms(office, now)
    assert held.code == "held" and "cases_present" in held.text_vi
    note_run(office, "failed", now, "OSError")
    assert [alarm.code for alarm in find_alarms(office, now)] == ["failed"]
    note_run(office, "published", now)
    assert find_alarms(office, now) == []


def test_a_clock_that_was_ahead_is_told_until_a_night_has_run_since(office: Settings) -> None:
    """It made every later night seem done and every silence short, for as long as it had been ahead."""
    now = local_now()
    note_run(office, "published", now - timedelta(days=3))
    note_run(office, "published", now + timedelta(days=365))
    assert [alarm.code for alarm in find_alarms(office, now)] == ["silence", "clock"]
    note_run(office, "published", now)
    assert find_alarms(office, now) == []


def test_an_office_that_never_published_is_told_after_a_day(office: Settings) -> None:
    note_run(office, "failed", night(1), "OSError")
    assert [alarm.code for alarm in find_alarms(office, night(3))] == ["silence", "failed"]


def test_the_schedule_is_this_list() -> None:
    assert [(d.name, d.cron) for d in DEPLOYMENTS] == [
        ("nightly", "30 0 * * *"),
        ("monthly-report", "0 6 1 * *"),
        ("catch-up", "45 5-20 * * *"),
    ]
    assert TIMEZONE == "Asia/Ho_Chi_Minh"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")
def test_systemd_accepts_the_timers() -> None:
    for timer in SYSTEMD.glob("*.timer"):
        parsed = configparser.ConfigParser(strict=False, interpolation=None)
        parsed.optionxform = str  # type: ignore[assignment,method-assign]
        parsed.read(timer, encoding="utf-8")
        subprocess.run(["systemd-analyze", "calendar", parsed["Timer"]["OnCalendar"]], check=True, capture_output=True)
        assert (SYSTEMD / timer.with_suffix(".service").name).is_file()
