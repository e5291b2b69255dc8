"""The history of runs: one JSON line an event, kept outside the rebuilt warehouse and copied into its ops.runs."""

import contextlib
import json
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flows.quarantine import append_line, read_lines
from flows.settings import Settings, local_now
from flows.staging import load_record
from transforms.text import hide_personal

# When on day 1 the schedule writes the report of the month before, and how many it makes good after a long break.
MONTHLY_AFTER = timedelta(hours=6)
MOST_MONTHS = 12


def load_runs(staged: Path) -> list[dict[str, Any]]:
    """Rows of ops.runs, oldest first. Empty before the first run."""
    runs: dict[str, dict[str, Any]] = {}
    for event in read_lines(staged / "runs.jsonl"):
        runs.setdefault(event["run_id"], {"files_read": 0, "finished_at": None, "detail": None}).update(event)
    for run in runs.values():
        for column in ("started_at", "finished_at", "as_of"):
            run[column] = datetime.fromisoformat(run[column]) if run.get(column) else None
    return [run for run in runs.values() if run["started_at"]]


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: process, what it does, since when (Vietnamese civil time), and its run once it has one."""

    pid: int
    since: datetime
    what: str
    run_id: str | None


def note_holder(settings: Settings) -> None:
    """This process stands beside the lock as its holder; it has the lock. A full disk loses the note, not the run."""
    holder = {"pid": os.getpid(), "since": local_now(), "what": Path(sys.argv[0]).name + " " + (sys.argv[1:2] or [""])[0]}
    with contextlib.suppress(OSError):
        _holder_path(settings).write_text(json.dumps(holder, default=str), encoding="utf-8")


def forget_holder(settings: Settings) -> None:
    """Nobody stands beside the lock any more."""
    with contextlib.suppress(OSError):
        _holder_path(settings).unlink(missing_ok=True)


def find_holder(settings: Settings) -> Holder | None:
    """Who has the lock, as far as is on record; only of use to one who could not get it."""
    try:
        noted = json.loads(_holder_path(settings).read_text(encoding="utf-8"))
        since = datetime.fromisoformat(noted["since"])
    except (OSError, ValueError, KeyError):
        return None
    started = [run["run_id"] for run in load_runs(settings.staged) if run["outcome"] == "started" and run["started_at"] >= since]
    return Holder(noted["pid"], since, str(noted["what"]).strip(), started[-1] if started else None)


def _holder_path(settings: Settings) -> Path:
    return settings.warehouse.with_suffix(".holder")


class RunLog:
    """One run's own lines in the history."""

    def __init__(self, settings: Settings) -> None:
        self.staged = settings.staged
        self.as_of = settings.as_of
        self.started_at = local_now()
        self.run_id = f"{self.started_at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    def _append(self, event: dict[str, Any]) -> None:
        append_line(self.staged / "runs.jsonl", {"run_id": self.run_id} | event)

    def start(self) -> None:
        """Note that the run began; runs that began before and never ended were cut off, because this one holds the lock."""
        for run in load_runs(self.staged):
            if run["outcome"] == "started":
                append_line(self.staged / "runs.jsonl", {"run_id": run["run_id"], "outcome": "interrupted"})
        self._append({"outcome": "started", "started_at": self.started_at, "as_of": self.as_of, "version": version("tthc")})

    def move(self, as_of: datetime) -> None:
        """Note that the run is for a later moment than it began with."""
        self._append({"as_of": as_of})

    def note(self, outcome: str, detail: str) -> None:
        """Note something that was done at once, in one line, without anybody's name or number."""
        now = local_now()
        self._append(
            {
                "outcome": outcome,
                "started_at": now,
                "finished_at": now,
                "as_of": self.as_of,
                "version": version("tthc"),
                "detail": hide_personal(detail),
            }
        )

    def finish(self, outcome: str, files_read: int, detail: str | None = None) -> None:
        """Note how the run ended."""
        self._append({"outcome": outcome, "finished_at": local_now(), "files_read": files_read, "detail": detail})

    def history(self, files_read: int) -> list[dict[str, Any]]:
        """All runs so far, this one with what it has read."""
        return [run | ({"files_read": files_read} if run["run_id"] == self.run_id else {}) for run in load_runs(self.staged)]


@dataclass(frozen=True)
class OwedMonths:
    """Months whose reports are still to be mailed, oldest first, and the last one the schedule has seen to; None where it never ran."""

    months: list[str]
    through: str | None


def owed_months(path: Path, now: datetime) -> OwedMonths:
    """What is owed of the months over by `now`: those on record as Settings.months_waiting, and those that ended since the schedule last ran.

    So a machine that was off for months owes every month, not the last alone, and a run that died before it wrote anything down owes its own.
    A record of months to come was made by a clock that was ahead: of it the last month is owed.
    """
    try:
        record = load_record(path) or {}
    except ValueError:  # not written by us
        record = {}
    over, ended, through = _month_before(now), _month_before(now - MONTHLY_AFTER), record.get("through")
    owed = {month for month in record.get("months", []) if month <= over}
    if through and through > over:
        through = _month_before(datetime.strptime(ended, "%Y-%m"))
    month = ended
    while through and month > through and len(owed) < MOST_MONTHS:
        owed.add(month)
        month = _month_before(datetime.strptime(month, "%Y-%m"))
    return OwedMonths(sorted(owed), max(through, ended) if through else None)


def _month_before(moment: datetime) -> str:
    return f"{moment.replace(day=1) - timedelta(days=1):%Y-%m}"
