"""One night, from the folder of exports to the summaries. Every step can be repeated; only `publish` changes what readers see.

land → read (normalise, stage) → build → gate → publish → report
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from expectations import CheckResult, failed_critically, load_contracts
from flows.acceptances import Acceptance, load_acceptances, name_checks, record_acceptances
from flows.gate import known_checks, run_gate
from flows.landing import Export, find_exports
from flows.manifest import Manifest, make_manifest
from flows.quarantine import append_line, delete_old_raw
from flows.reading import find_unread, read_exports
from flows.reference import Reference, load_reference
from flows.report import write_reports
from flows.settings import AlreadyRunning, Settings, local_now
from flows.staging import record_landing
from flows.validation import Validation
from flows.warehouse import build_warehouse, building_path, publish_warehouse, remove_database
from transforms.measures import load_measures

Step = Callable[..., Any]


@dataclass
class NightResult:
    """What a night did.

    Attributes:
        is_published: the new warehouse is in place; False when the gate held it back.
        files: one record an export and name, as `manifest.FILES`.
        files_read: exports read for the first time in this run.
        checks: every check of the gate, with the table it looks at, keys of violating rows and why it was accepted.
        summaries: files written to the outbox.
        deleted: raw files deleted because their time was over (see Settings.keep_raw_days).
        docs: first page of the gate's Data Docs; None when they could not be written.
    """

    is_published: bool
    files: list[dict[str, Any]]
    files_read: int
    checks: list[CheckResult]
    summaries: list[Path] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    docs: Path | None = None


@dataclass(frozen=True)
class Watcher:
    """How a run tells its progress; silent by default."""

    on_reading: Callable[[int], None] = lambda total: None
    on_read: Callable[[Export], None] = lambda export: None


def land(settings: Settings) -> list[Export]:
    """Every export in the raw folder, its names and arrival remembered."""
    exports = find_exports(settings.raw, settings.limits)
    record_landing(settings.staged, exports)
    return exports


def read(settings: Settings, reference: Reference, exports: Sequence[Export], watcher: Watcher) -> tuple[int, dict[str, str]]:
    """All new exports staged; how many were read, and which could not be for now."""
    unread = find_unread(settings, reference, exports)
    watcher.on_reading(len(unread))
    return len(unread), read_exports(settings, reference, unread, watcher.on_read) if unread else {}


def list_exports(settings: Settings, reference: Reference, exports: Sequence[Export], transient: dict[str, str]) -> Manifest:
    """The manifest for this as_of."""
    return make_manifest(settings.staged, exports, transient, settings.as_of)


def build(settings: Settings, reference: Reference, manifest: Manifest, runs: Sequence[dict[str, Any]]) -> None:
    """The next warehouse beside the published one."""
    build_warehouse(building_path(settings.warehouse), manifest, reference, settings.as_of, runs)


def gate(
    settings: Settings, reference: Reference, manifest: Manifest, run_id: str, accepted: Mapping[str, str], validation: Validation
) -> list[CheckResult]:
    """Every check on the next warehouse; acceptances are kept, Data Docs are being written when this returns."""
    built = building_path(settings.warehouse)

    def keep_acceptances(found: list[CheckResult]) -> list[Acceptance]:
        record_acceptances(settings.staged, run_id, settings.as_of, accepted, found)
        return load_acceptances(settings.staged)

    checks = run_gate(built, manifest, reference, settings.as_of, validation.ask, accepted, keep_acceptances)
    validation.start_docs(settings.docs, checks, settings.as_of)
    return checks


def publish(settings: Settings) -> None:
    """The new warehouse in place of the old one."""
    publish_warehouse(building_path(settings.warehouse), settings.warehouse)


def report(settings: Settings) -> list[Path]:
    """Everything people receive, written from the published warehouse."""
    return write_reports(settings)


def run_night(
    settings: Settings,
    watcher: Watcher = Watcher(),
    step: Callable[[Step], Step] = lambda function: function,
    accept: Sequence[str] = (),
    why: str | None = None,
) -> NightResult:
    """The whole job, once.

    Args:
        settings: where everything is.
        watcher: told of progress.
        step: wraps each step; Prefect's flow makes tasks of them here (see flows/nightly.py).
        accept, why: critical checks past which this run may publish, and the reason.

    Raises:
        AlreadyRunning: another run holds the lock.
        ConfigurationError: a reference table cannot be used, or no check has an accepted name.
    """
    with hold_lock(settings):
        measures = [m.name for m in load_measures(list(load_contracts()["core.cases"].columns))]
        reference = load_reference(settings.reference, measures)
        accepted = name_checks(accept, why, known_checks(reference))
        validation = Validation()
        try:
            result = _run_locked(settings, watcher, step, reference, accepted, validation)
            result.docs = settings.docs / "index.html" if validation.finish() else None
            return result
        finally:
            validation.close()


@contextmanager
def hold_lock(settings: Settings) -> Iterator[None]:
    """The warehouse's lock, held by the operating system for this process and gone with it.

    Raises:
        AlreadyRunning: another process holds it.
    """
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.lock, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise AlreadyRunning(f"một lần chạy khác đang giữ khóa {settings.lock}; hãy đợi lần đó xong") from None
    try:
        yield
    finally:
        lock.release()


def _run_locked(
    settings: Settings,
    watcher: Watcher,
    step: Callable[[Step], Step],
    reference: Reference,
    accepted: Mapping[str, str],
    validation: Validation,
) -> NightResult:
    log = RunLog(settings)
    log.start()
    try:
        exports = step(land)(settings)
        files_read, transient = step(read)(settings, reference, exports, watcher)
        manifest = step(list_exports)(settings, reference, exports, transient)
        step(build)(settings, reference, manifest, log.history(files_read))
        checks = step(gate)(settings, reference, manifest, log.run_id, accepted, validation)
        held = failed_critically(checks)
        if held:
            remove_database(building_path(settings.warehouse))
            log.finish("held", files_read, "; ".join(check.name for check in held))
            return NightResult(False, manifest.files, files_read, checks)
        step(publish)(settings)
        summaries = step(report)(settings)
        deleted = step(delete_old_raw)(settings, exports)
        log.finish("published", files_read)
        return NightResult(True, manifest.files, files_read, checks, summaries, deleted)
    except BaseException as error:
        log.finish("failed", 0, type(error).__name__)
        raise


class RunLog:
    """The history of runs, one JSON line an event, kept outside the rebuilt warehouse and copied into its ops.runs."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.staged / "runs.jsonl"
        self.as_of = settings.as_of
        self.started_at = local_now()
        self.run_id = f"{self.started_at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    def _append(self, event: dict[str, Any]) -> None:
        append_line(self.path, {"run_id": self.run_id} | event)

    def start(self) -> None:
        """Note that the run began."""
        self._append({"outcome": "started", "started_at": self.started_at, "as_of": self.as_of, "version": version("tthc")})

    def finish(self, outcome: str, files_read: int, detail: str | None = None) -> None:
        """Note how the run ended."""
        self._append({"outcome": outcome, "finished_at": local_now(), "files_read": files_read, "detail": detail})

    def history(self, files_read: int) -> list[dict[str, Any]]:
        """Rows of ops.runs; a line cut off by a power failure is passed over."""
        runs: dict[str, dict[str, Any]] = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            run = runs.setdefault(event["run_id"], {"files_read": 0, "finished_at": None, "detail": None})
            run.update(event)
        for run in runs.values():
            for column in ("started_at", "finished_at", "as_of"):
                run[column] = datetime.fromisoformat(run[column]) if run.get(column) else None
        runs[self.run_id]["files_read"] = files_read
        return [run for run in runs.values() if run.get("started_at")]
