"""The history of runs as the run log holds it: one JSON line an event, beside the staged files."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any


def read_runs(path: Path) -> list[dict[str, Any]]:
    """One record a run, oldest first, with every column of ops.runs; none where there was no run.

    A line cut off by a power failure is passed over.
    """
    if not path.is_file():
        return []
    runs: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        runs.setdefault(event["run_id"], {"files_read": 0, "finished_at": None, "detail": None}).update(event)
    for run in runs.values():
        for column in ("started_at", "finished_at", "as_of"):
            run[column] = datetime.fromisoformat(run[column]) if run.get(column) else None
    return [run for run in runs.values() if run.get("started_at")]
