"""The doors every side effect of a night goes through, so that the k-th passage can be made to fail, for every k.

Doors: opening a file to write, each write of its buffer, fsync, rename, unlink, mkdir, rmdir, link, sendfile, a Parquet file, a DuckDB or SQLite
statement, an SMTP command and its reply, starting a process. Only what happens below one folder, and network and processes, is counted.

A process takes part by `install()`, reader processes by the environment (door_path/sitecustomize.py). Passages are numbered across processes.
"""

import builtins
import errno
import fcntl
import io
import os
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_REAL = {name: getattr(os, name) for name in ("open", "read", "write", "lseek", "close", "kill", "getpid")}
_real_open = io.open
# Doors that need room on the disk; a statement may need some too, but finds the disk full only at its own write.
WRITING = ("open", "write", "parquet", "sendfile", "mkdir", "link")


class Doors:
    """Counts passages in a file shared by all processes of a run, and fails at one of them.

    Args:
        root: only paths below it are side effects of the night.
        state: file of the shared counter; beside it `<state>.trace` lists every passage.
        fail_at: the passage that fails, counted from 1; 0 never.
        mode: "error" (EIO), "full" (ENOSPC here and at every later write) or "kill" (SIGKILL of the process that passes).
    """

    def __init__(self, root: str, state: str, fail_at: int, mode: str) -> None:
        self.root, self.state, self.fail_at, self.mode = os.path.realpath(root), state, fail_at, mode

    def holds(self, path: Any) -> bool:
        """Whether a path is part of the night; a name relative to an open folder (shutil.rmtree) is."""
        if isinstance(path, int):
            return False
        text = os.fspath(path)
        text = text.decode() if isinstance(text, bytes) else text
        return not text.startswith("/") or os.path.realpath(text).startswith(self.root) or text.startswith(self.root)

    def passes(self, door: str, subject: Any = "") -> None:
        """One passage; the chosen one fails."""
        number = self._next(f"{door} {Path(str(subject)).name}")
        if self.mode == "full" and self.fail_at and number >= self.fail_at and door in WRITING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(subject))
        if number == self.fail_at:
            if self.mode == "kill":
                _REAL["kill"](_REAL["getpid"](), signal.SIGKILL)
            if self.mode == "error":
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(subject))

    def _next(self, text: str) -> int:
        handle = _REAL["open"](self.state, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            raw = _REAL["read"](handle, 8)
            number = (struct.unpack("<q", raw)[0] if len(raw) == 8 else 0) + 1
            _REAL["lseek"](handle, 0, os.SEEK_SET)
            _REAL["write"](handle, struct.pack("<q", number))
            trace = _REAL["open"](f"{self.state}.trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            _REAL["write"](trace, f"{number} {text}\n".encode())
            _REAL["close"](trace)
        finally:
            _REAL["close"](handle)
        return number


def install(doors: Doors) -> None:
    """This process's side effects go through the doors from now on."""
    _guard_files(doors)
    _guard_calls(doors)
    _guard_databases(doors)
    _guard_network(doors)


def _guard_files(doors: Doors) -> None:
    class GuardedFile(io.FileIO):
        def write(self, data: Any) -> int:
            doors.passes("write", self.name)
            return super().write(data)

    def guarded_open(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: Any = None,
        errors: Any = None,
        newline: Any = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if not set(mode) & set("wax+") or not doors.holds(file):
            return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        doors.passes("open", file)
        raw = GuardedFile(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        buffer: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffer
        return io.TextIOWrapper(buffer, encoding, errors, newline, line_buffering=buffering == 1)

    io.open = guarded_open  # type: ignore[assignment]
    builtins.open = guarded_open


def _guard_calls(doors: Doors) -> None:
    def guard(module: Any, name: str, door: str, subject: int = 0) -> None:
        real: Callable[..., Any] = getattr(module, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if door in ("fsync", "sendfile") or (args and doors.holds(args[subject])):
                doors.passes(door, args[subject])
            return real(*args, **kwargs)

        setattr(module, name, guarded)

    for name, door in (
        ("replace", "rename"),
        ("rename", "rename"),
        ("unlink", "unlink"),
        ("remove", "unlink"),
        ("mkdir", "mkdir"),
        ("rmdir", "rmdir"),
        ("link", "link"),
        ("symlink", "link"),
    ):
        guard(os, name, door)
    for name in ("fsync", "sendfile"):
        guard(os, name, name)
    import subprocess

    start = subprocess.Popen.__init__

    def guarded_start(self: Any, *args: Any, **kwargs: Any) -> None:
        self.returncode, self._child_created = None, False  # what its finalizer looks at
        doors.passes("spawn", "process")
        start(self, *args, **kwargs)

    subprocess.Popen.__init__ = guarded_start  # type: ignore[method-assign]


def _guard_databases(doors: Doors) -> None:
    import sqlite3

    import duckdb
    import pyarrow.parquet as parquet

    class GuardedConnection:
        """A DuckDB connection whose statements are doors."""

        def __init__(self, real: Any) -> None:
            self._real = real

        def execute(self, *args: Any, **kwargs: Any) -> Any:
            doors.passes("duckdb", str(args[0]).strip().split("\n")[0][:60].replace("/", "|"))
            return self._real.execute(*args, **kwargs)

        def executemany(self, *args: Any, **kwargs: Any) -> Any:
            doors.passes("duckdb", str(args[0])[:60].replace("/", "|"))
            return self._real.executemany(*args, **kwargs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def __enter__(self) -> "GuardedConnection":
            return self

        def __exit__(self, *exc: object) -> None:
            self._real.close()

    connect = duckdb.connect
    duckdb.connect = lambda *args, **kwargs: GuardedConnection(connect(*args, **kwargs))  # type: ignore[assignment]

    class GuardedSqlite(sqlite3.Connection):
        def execute(self, *args: Any) -> Any:
            doors.passes("sqlite", str(args[0]).strip()[:40])
            return super().execute(*args)

        def commit(self) -> None:
            doors.passes("sqlite", "commit")
            super().commit()

    real_sqlite = sqlite3.connect

    def sqlite_connect(*args: Any, **kwargs: Any) -> Any:
        return real_sqlite(*args, **{"factory": GuardedSqlite, **kwargs})

    sqlite3.connect = sqlite_connect
    write_table = parquet.write_table

    def guarded_write(table: Any, where: Any, *args: Any, **kwargs: Any) -> None:
        doors.passes("parquet", where)
        write_table(table, where, *args, **kwargs)

    parquet.write_table = guarded_write


def _guard_network(doors: Doors) -> None:
    import smtplib

    send, reply = smtplib.SMTP.send, smtplib.SMTP.getreply

    def guarded_send(self: Any, text: Any) -> None:
        doors.passes("smtp-send", str(text)[:4].strip())
        send(self, text)

    def guarded_reply(self: Any) -> Any:
        doors.passes("smtp-reply")
        return reply(self)

    smtplib.SMTP.send = guarded_send  # type: ignore[method-assign]
    smtplib.SMTP.getreply = guarded_reply  # type: ignore[method-assign]


def environment(doors: Doors) -> dict[str, str]:
    """What makes a child process take part."""
    here = Path(__file__).parent
    known = os.environ.get("PYTHONPATH", "")
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(here / "door_path"), known))),
        "TTHC_DOORS": "\n".join((doors.root, doors.state, str(doors.fail_at), doors.mode)),
    }


def install_from_environment() -> None:
    """Take part when the process was started by one that does."""
    told = os.environ.get("TTHC_DOORS")
    if told and "flows.reader_process" in " ".join(sys.orig_argv):
        root, state, fail_at, mode = told.split("\n")
        install(Doors(root, state, int(fail_at), mode))
