"""What a run did, twice: `tthc.log` for people and `tthc.jsonl` for programs, one line an event, rotated, without personal data.

Of an error the kind and the place in the program are logged, never its message: a message may quote a cell.
"""

import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from flows.failures import place_of
from flows.settings import Settings, local_now

_LOGGER = logging.getLogger("tthc")
_LARGEST_BYTES, _OLDER_FILES = 2 * 1024**2, 5
_LONGEST_LINE = 64 * 1024


class _ForPeople(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in _facts(record).items() if name not in ("run_id", "at"))
        return f"{local_now():%d/%m/%Y %H:%M:%S} [{_facts(record).get('run_id', '')}] {record.getMessage()}{': ' if facts else ''}{facts}"


class _ForPrograms(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {"at": local_now().isoformat(), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(event | _facts(record), ensure_ascii=False, default=str)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "facts", {}))


@contextmanager
def logging_to(settings: Settings, run_id: str) -> Iterator[None]:
    """While this is open, events go to both files with the run's id. A log that cannot be written never stops a run."""
    handlers: list[logging.Handler] = []
    for name, form in (("tthc.log", _ForPeople()), ("tthc.jsonl", _ForPrograms())):
        try:
            settings.logs.mkdir(parents=True, exist_ok=True)
            file = RotatingFileHandler(settings.logs / name, maxBytes=_LARGEST_BYTES, backupCount=_OLDER_FILES, encoding="utf-8")
        except OSError:
            continue
        file.setFormatter(form)
        file.addFilter(_with_run(run_id))
        handlers.append(file)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    was_raising, logging.raiseExceptions = logging.raiseExceptions, False  # a full disk is told by the run itself
    for handler in handlers:
        _LOGGER.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            _LOGGER.removeHandler(handler)
            handler.close()
        logging.raiseExceptions = was_raising


def _with_run(run_id: str) -> Callable[[logging.LogRecord], bool]:
    def add(record: logging.LogRecord) -> bool:
        record.facts = {"run_id": run_id} | {k: v for k, v in _facts(record).items() if k != "run_id"}
        return True

    return add


class _Lasting(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk loses lines of the log and stops nothing."""


def keep_output(path: Path, output: IO[bytes]) -> threading.Thread:
    """A thread that puts what a program of others says into a log, after what is there and rotated like our own, until the program ends."""
    file = _Lasting(path, maxBytes=_LARGEST_BYTES, backupCount=_OLDER_FILES, encoding="utf-8")

    def keep() -> None:
        with closing(file), output:
            for line in iter(lambda: output.readline(_LONGEST_LINE), b""):
                told = line.decode("utf-8", "backslashreplace").rstrip("\n")
                file.handle(logging.makeLogRecord({"msg": f"{local_now():%d/%m/%Y %H:%M:%S} {told}"}))

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    return thread


def note(event: str, **facts: Any) -> None:
    """One event in the logs; facts are counts, codes, names of files and checks, never what a cell holds."""
    _LOGGER.info(event, extra={"facts": facts})


def note_error(event: str, error: BaseException) -> None:
    """An error in the logs: its kind and where in the program it came from."""
    _LOGGER.error(event, extra={"facts": {"error": type(error).__name__, "place": place_of(error)}})


def timed(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step, with its start, its end and how long it took in the logs."""

    @functools.wraps(step)
    def run(*args: Any, **kwargs: Any) -> Any:
        began = time.monotonic()
        try:
            result = step(*args, **kwargs)
        except BaseException as error:
            note_error(f"bước {step.__name__} lỗi", error)
            raise
        note(f"bước {step.__name__} xong", seconds=round(time.monotonic() - began, 2))
        return result

    return run
