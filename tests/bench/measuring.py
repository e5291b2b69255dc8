"""One program run to its end: how long, how much processor time, how much memory at the most; its children are counted with it."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """Seconds of wall and processor time, bytes of memory of the whole tree at its highest (looked at 20 times a second), what was printed."""

    wall: float
    cpu: float
    peak: int
    output: str


class Failed(Exception):
    """A program ended with an error; the text is the end of what it said."""


def measure(command: Sequence[str], environment: dict[str, str] | None = None) -> Measured:
    """Run a program; Linux only, because memory is read from /proc.

    Raises:
        Failed: it ended with another code than 0.
    """
    others = _running()
    began = time.monotonic()
    # where Python is told to keep no bytecode, every process would compile its program again, which no user's does
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=around | (environment or {}))
    highest, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not ended.wait(0.05):
            highest = max(highest, _tree_memory(process.pid, others))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(command[:4])} …: {process.returncode}\n{output[-2000:]}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, max(highest, usage.ru_maxrss * 1024), output)


def _running() -> set[str]:
    return {entry.name for entry in os.scandir("/proc") if entry.name.isdigit()}


def _tree_memory(root: int, others: set[str]) -> int:
    """Resident bytes of a process and all below it; pages that they share count in each. Looking at the others, too, would cost a tenth of a processor."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for name in _running() - others:
        try:
            fields = Path(f"/proc/{name}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        parents[int(name)], sizes[int(name)] = int(fields[1]), int(fields[21]) * _PAGE
    total, found = 0, [root]
    while found:
        one = found.pop()
        total += sizes.get(one, 0)
        found += [child for child, parent in parents.items() if parent == one]
    return total
