"""The other end of flows/gate_process.py: starts it early, asks it once, has it write Data Docs while the night goes on.

What the contracts need is imported late, so that the process starts before anything else does.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.settings import TELEMETRY_OFF

if TYPE_CHECKING:
    from expectations import CheckResult
    from expectations.suites import Frame

# A district takes seconds; whoever takes this long hangs.
ANSWER_SECONDS = 1800.0


class Validation:
    """A process with Great Expectations in it; its import goes on while this one works."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flows.gate_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=os.environ | TELEMETRY_OFF,
        )
        self._is_writing = False

    def ask(self, built: Path, frames: "Sequence[Frame]", meanwhile: "Callable[[], list[CheckResult]]") -> "list[CheckResult]":
        """Results of `meanwhile`, which runs at the same time here, then those of every check of the frames.

        A process that died or gave no answer is one critical failure a frame: what was not checked has not passed.
        """
        from expectations.checks import CheckResult, not_run

        sent = self._send({"built": str(built), "frames": [frame.as_record() for frame in frames]})
        results = meanwhile()
        answer = self._receive() if sent else None
        if answer is None:
            message = "Không kiểm tra được từng cột; hãy chạy lại, nếu vẫn vậy báo người quản trị"
            return [
                *results,
                *(not_run(f"columns:{frame.name}", message, "Great Expectations dừng giữa chừng", frame.name) for frame in frames),
            ]
        return results + [CheckResult(**(record | {"examples": tuple(record["examples"])})) for record in answer["results"]]

    def start_docs(self, folder: Path, checks: "Sequence[CheckResult]", as_of: datetime) -> None:
        """Have the pages written in place of those that stand there, while this process goes on."""
        self._is_writing = self._send({"docs": str(folder), "checks": [vars(check) for check in checks], "as_of": as_of.isoformat()})

    def finish(self) -> bool:
        """Wait for the pages; True when they were written."""
        written = self._is_writing and self._receive() is not None
        self._is_writing = False
        return written

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                self._process.stdin.close()
        try:
            self._process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _send(self, record: dict[str, Any]) -> bool:
        with contextlib.suppress(OSError):  # it has died; the caller is told by the missing answer
            if self._process.stdin:
                self._process.stdin.write(json.dumps(record, default=str) + "\n")
                self._process.stdin.flush()
                return True
        return False

    def _receive(self) -> dict[str, Any] | None:
        timer = threading.Timer(ANSWER_SECONDS, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else ""
        finally:
            timer.cancel()
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer
