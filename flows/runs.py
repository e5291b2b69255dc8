"""The history of runs: one JSON line an event, kept outside the rebuilt warehouse and copied into its ops.runs."""

import json
import secrets
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flows.quarantine import append_line
from flows.settings import Settings, local_now


def load_runs(staged: Path) -> list[dict[str, Any]]:
    """Rows of ops.runs, oldest first; a line cut off by a power failure is passed over. Empty before the first run."""
    runs: dict[str, dict[str, Any]] = {}
    path = staged / "runs.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        runs.setdefault(event["run_id"], {"files_read": 0, "finished_at": None, "detail": None}).update(event)
    for run in runs.values():
        for column in ("started_at", "finished_at", "as_of"):
            run[column] = datetime.fromisoformat(run[column]) if run.get(column) else None
    return [run for run in runs.values() if run["started_at"]]


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

    def note(self, outcome: str, detail: str) -> None:
        """Note something that was done at once, in one line."""
        now = local_now()
        self._append(
            {"outcome": outcome, "started_at": now, "finished_at": now, "as_of": self.as_of, "version": version("tthc"), "detail": detail}
        )

    def finish(self, outcome: str, files_read: int, detail: str | None = None) -> None:
        """Note how the run ended."""
        self._append({"outcome": outcome, "finished_at": local_now(), "files_read": files_read, "detail": detail})

    def history(self, files_read: int) -> list[dict[str, Any]]:
        """All runs so far, this one with what it has read."""
        return [run | ({"files_read": files_read} if run["run_id"] == self.run_id else {}) for run in load_runs(self.staged)]
