"""Fetching: every source of sources.toml asked once; one that fails costs only itself and is remembered as failing.

A source is asked in a thread of its own, so that one that hangs (a dead network share) is left behind when its time is over. Asking again
is safe: all that is done at a source is reading, and what has landed is not fetched again.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.arrivals import Arrivals
from flows.connections import open_connection
from flows.connections.remote import Connection, NothingNew, RemoteFile, SourceFailure, StillGrowing
from flows.settings import ConfigurationError, Settings, local_now
from flows.sources import SecretUnavailable, Source, load_sources
from flows.staging import load_record

REPEATED = 3  # failures in a row after which a source is shown red
_TOGETHER = 20  # failing files in a row after which the source itself is held to fail


@dataclass
class SourceOutcome:
    """What asking one source gave.

    Attributes:
        landed: new files, by their paths below the raw folder.
        waiting: files the sender had not finished.
        error: why the source, or part of it, could not be fetched; None when all was.
        failures: how many times in a row it has failed now.
        last_success_at: when everything it had was last fetched.
    """

    name: str
    kind: str
    landed: list[str] = field(default_factory=list)
    waiting: int = 0
    error: str | None = None
    failures: int = 0
    last_success_at: datetime | None = None


def fetch(settings: Settings, only: str | None = None) -> list[SourceOutcome]:
    """Every new and finished export of every source stands in the raw folder; what could not be fetched is told, not raised.

    Args:
        settings: raw and reference folders, and the warehouse whose records are kept.
        only: name of the only source to ask.

    Raises:
        ConfigurationError: sources.toml cannot be used, or has no source of that name.
    """
    sources = load_sources(settings.reference, settings.raw)
    if only is not None:
        chosen = [source for source in sources if source.name == only]
        if not chosen:
            known = ", ".join(source.name for source in sources) or "chưa có nguồn nào"
            raise ConfigurationError(f"sources.toml không có nguồn “{only}” đang bật ({known})")
        sources = chosen
    return [_ask(settings, source) for source in sources]


def check_secrets(settings: Settings) -> None:
    """Nothing, when every password and token of sources.toml can be read.

    Raises:
        ConfigurationError: one cannot.
    """
    for source in load_sources(settings.reference, settings.raw):
        try:
            source.check_secrets()
        except SecretUnavailable as error:
            raise ConfigurationError(str(error)) from None


def _ask(settings: Settings, source: Source) -> SourceOutcome:
    outcome = SourceOutcome(source.name, source.kind)
    given_up = threading.Event()
    trouble: list[Exception] = []

    def work() -> None:
        try:
            _fetch_patiently(arrivals, source, local_now().date(), outcome)
        except Exception as error:
            trouble.append(error)

    try:
        arrivals = Arrivals(settings.raw, settings.staged, source, given_up)
    except OSError as error:
        outcome.error = f"không đọc hoặc ghi được thư mục của nguồn trên máy này ({error.strerror})"
        return outcome
    thread = threading.Thread(target=work, name=f"fetch-{source.name}", daemon=True)
    thread.start()
    thread.join(float(source["max_minutes"]) * 60 + float(source["timeout_seconds"]))
    if thread.is_alive():
        given_up.set()
        outcome.error = f"không trả lời trong {source['max_minutes']:g} phút; đã bỏ qua, lần sau thử lại"
    elif trouble:
        told = (SourceFailure, SecretUnavailable)
        outcome.error = str(trouble[0]) if isinstance(trouble[0], told) else f"lỗi bất ngờ ({type(trouble[0]).__name__})"
    outcome.landed = list(arrivals.landed)
    try:
        _remember(arrivals, source, outcome)
    except OSError as error:
        outcome.error = outcome.error or f"không ghi được nhật ký của nguồn ({error.strerror})"
    return outcome


@dataclass
class _Tried:
    """Origins that one asking of a source, with all its attempts, has taken already, and those over which an attempt broke off."""

    taken: set[str] = field(default_factory=set)
    broke: set[str] = field(default_factory=set)


def _fetch_patiently(arrivals: Arrivals, source: Source, today: date, outcome: SourceOutcome) -> None:
    tried = _Tried()
    for attempt in range(source["retries"] + 1):
        try:
            with open_connection(source, today, arrivals.etags) as connection:
                outcome.waiting = _fetch_new(arrivals, source, connection, tried)
            return
        except SourceFailure as failure:
            if not failure.may_pass or attempt == source["retries"] or failure.wait > arrivals.ends_at - time.monotonic():
                raise
            pause = max(float(source["retry_seconds"]) * 3**attempt, failure.wait)
        if arrivals.given_up.wait(min(pause, max(0.0, arrivals.ends_at - time.monotonic()))):
            return


def _fetch_new(arrivals: Arrivals, source: Source, connection: Connection, tried: _Tried) -> int:
    """Take what is new and finished; last what an attempt before this one broke off over, so that it costs nothing but itself.

    Returns:
        How many files were left because their sender had not finished them.

    Raises:
        SourceFailure: the source failed, or, after all other files were taken, one of them did.
    """
    listed = connection.list()
    is_named = source.kind in ("folder", "sftp", "s3")
    unseen = [file for file in listed if not arrivals.is_done(file) and file.origin not in tried.taken]
    new = [file for file in unseen if not is_named or source.wants(file.path)]
    written = [file for file in new if file.size != 0]  # an empty file is one that its sender has only opened
    finished = _finished(arrivals, source, connection, listed, written) if "settle" in source.settings else written
    waiting = len(new) - len(finished)
    errors: list[str] = []
    in_a_row = 0
    for file in sorted(finished, key=lambda file: file.origin in tried.broke):
        digests: list[str] = []
        marks: list[str] = []
        try:
            connection.download(file, lambda name, file=file, digests=digests, marks=marks: arrivals.receive(file, name, digests, marks))  # type: ignore[misc]
            arrivals.finish(file, digests, marks[-1] if marks else None)
            tried.taken.add(file.origin)
            in_a_row = 0
        except NothingNew:
            tried.taken.add(file.origin)
            in_a_row = 0
        except StillGrowing:
            waiting += 1
        except SourceFailure as failure:
            in_a_row += 1
            if not failure.is_one_file or in_a_row == _TOGETHER:
                tried.broke.add(file.origin)
                raise
            errors.append(str(failure))
    if errors:
        more = f" (và {len(errors) - 1} tệp khác)" if len(errors) > 1 else ""
        raise SourceFailure(errors[0] + more)
    return waiting


def _finished(
    arrivals: Arrivals, source: Source, connection: Connection, listed: Sequence[RemoteFile], new: Sequence[RemoteFile]
) -> list[RemoteFile]:
    """The files that their sender has finished, by the source's rule."""
    rule = source["settle"]
    if rule == "renamed":
        return list(new)
    if rule == "marker":
        there = {file.path for file in listed}
        return [file for file in new if f"{file.path}{source['marker']}" in there]
    if rule == "next_fetch":
        arrivals.save("looks.json", {file.origin: [file.size, file.modified_at] for file in new})
        return [file for file in new if arrivals.looks_before.get(file.origin) == [file.size, file.modified_at]]
    if new and source["settle_seconds"]:
        time.sleep(float(source["settle_seconds"]))
        if len(new) > _TOGETHER:  # one listing costs less than many looks
            now = set(connection.list())
            return [file for file in new if file in now]
        return [file for file in new if connection.look_again(file) == file]
    return list(new)


def _remember(arrivals: Arrivals, source: Source, outcome: SourceOutcome) -> None:
    before, now = arrivals.load("state.json"), local_now()
    outcome.failures = int(before.get("failures", 0)) + 1 if outcome.error else 0
    last = now.isoformat(sep=" ") if outcome.error is None else before.get("last_success_at")
    outcome.last_success_at = datetime.fromisoformat(last) if last else None
    arrivals.save(
        "state.json",
        {
            "source": source.name,
            "kind": source.kind,
            "address": source.shown_address,
            "first_tried_at": before.get("first_tried_at") or now,
            "last_tried_at": now,
            "last_success_at": last,
            "last_new_file_at": now if outcome.landed else before.get("last_new_file_at"),
            "last_error": outcome.error or before.get("last_error"),
            "is_failing": outcome.error is not None,
            "failures": outcome.failures,
            "waiting": outcome.waiting,
            "files_last": len(outcome.landed),
            "files": arrivals.count,
        },
    )


def source_rows(settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """Rows of ops.sources: how every source of sources.toml stands, from what is on record."""
    return [_row(source, settings.staged / "fetched" / source.name, now) for source in load_sources(settings.reference, settings.raw)]


def first_asked_at(settings: Settings, name: str) -> datetime | None:
    """When this source was asked for the first time, None where it never was or nobody knows."""
    try:
        at = (load_record(settings.staged / "fetched" / name / "state.json") or {}).get("first_tried_at")
    except ValueError:
        return None
    return datetime.fromisoformat(at) if at else None


def _row(source: Source, records: Path, now: datetime) -> dict[str, Any]:
    try:
        state = load_record(records / "state.json") or {}
    except ValueError:
        state = {}

    def moment(key: str) -> datetime | None:
        return datetime.fromisoformat(state[key]) if state.get(key) else None

    success, failures, is_failing = moment("last_success_at"), int(state.get("failures", 0)), bool(state.get("is_failing"))
    newest = moment("last_new_file_at") or moment("first_tried_at") or now
    is_stale = now - newest > timedelta(hours=float(source["stale_after_hours"]))
    ever = f"lần lấy được gần nhất {success:%H:%M ngày %d/%m/%Y}" if success else "chưa lần nào lấy được"
    if not state:
        light, message = "yellow", "chưa lấy lần nào; hãy chạy tthc fetch"
    elif is_failing:
        light = "red" if failures >= REPEATED or success is None else "yellow"
        message = f"không lấy được {failures} lần liền, {ever}: {state['last_error']}"
    elif is_stale:
        light, message = "yellow", f"lấy được nhưng không có tệp mới từ {newest:%H:%M ngày %d/%m/%Y}; bên gửi có còn xuất không?"
    else:
        light, message = "green", f"{ever}, {state.get('files_last', 0)} tệp mới"
    return {
        "source": source.name,
        "kind": source.kind,
        "address": source.shown_address,
        "last_tried_at": moment("last_tried_at"),
        "last_success_at": success,
        "last_new_file_at": moment("last_new_file_at"),
        "last_error": state.get("last_error") if is_failing else None,
        "failures": failures,
        "files": int(state.get("files", 0)),
        "waiting": int(state.get("waiting", 0)),
        "light": light,
        "message_vi": f"Nguồn “{source.name}”: {message}",
    }
