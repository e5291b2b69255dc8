"""One night, from the folder of exports to the summaries. Every step can be repeated; only `publish` changes what readers see.

fetch → land → read (normalise, stage) → build → gate → publish → remember → report → prepare mail → pack → send
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from expectations import CheckResult, failed_critically, load_contracts
from expectations.suites import Frame
from flows.acceptances import Acceptance, load_acceptances, name_checks, record_acceptances
from flows.backup import check_restored
from flows.fetching import SourceOutcome, fetch, source_rows
from flows.gate import known_checks, run_gate
from flows.history import check_days, record_published
from flows.keeping import publish_warehouse
from flows.landing import Export, find_exports
from flows.logs import logging_to, note, note_error, timed
from flows.mail.dispatch import Post, prepare_held, prepare_published, send_night
from flows.mail.server import MailServer, load_server, require_server
from flows.manifest import Manifest, make_manifest
from flows.packing import pack_exports
from flows.quarantine import delete_old_raw
from flows.reading import find_unread, read_exports
from flows.reference import Reference, load_reference
from flows.runs import RunLog, find_holder, forget_holder, note_holder
from flows.settings import AlreadyRunning, Settings, local_now
from flows.site.drawing import Drawing
from flows.staging import record_landing
from flows.validation import Validation
from flows.warehouse import build_warehouse, building_path, remove_database
from transforms.measures import load_measures
from transforms.wording import moment_vi

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
        sources: what asking each source gave.
        post: mails prepared, and sent where sending is on.
        docs: first page of the gate's Data Docs; None when they could not be written.
        as_of: the moment of its figures, where that is not the one it began with.
    """

    is_published: bool
    files: list[dict[str, Any]]
    files_read: int
    checks: list[CheckResult]
    summaries: list[Path] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    sources: list[SourceOutcome] = field(default_factory=list)
    post: Post = field(default_factory=Post)
    docs: Path | None = None
    as_of: datetime | None = None


@dataclass(frozen=True)
class Watcher:
    """How a run tells its progress; silent by default."""

    on_reading: Callable[[int], None] = lambda total: None
    on_read: Callable[[Export], None] = lambda export: None


def load_office(settings: Settings) -> Reference:
    """The reference tables, checked against the measures there are.

    Raises:
        ConfigurationError: a table cannot be used.
    """
    return load_reference(settings.reference, [m.name for m in load_measures(list(load_contracts()["core.cases"].columns))])


def land(settings: Settings) -> list[Export]:
    """Every export in the raw folder, its names and arrival remembered."""
    exports = find_exports(settings.raw, settings.limits, settings.staged / "seen.json")
    record_landing(settings.staged, exports)
    return exports


def read(settings: Settings, reference: Reference, exports: Sequence[Export], watcher: Watcher) -> tuple[int, dict[str, str]]:
    """All new exports staged; how many were read, and which could not be for now."""
    unread = find_unread(settings, reference, exports)
    watcher.on_reading(len(unread))
    return len(unread), read_exports(settings, reference, unread, watcher.on_read) if unread else {}


def list_exports(settings: Settings, reference: Reference, exports: Sequence[Export], transient: dict[str, str]) -> Manifest:
    """The manifest for this as_of.

    Raises:
        ConfigurationError: the history of what was published has lost a file.
    """
    check_days(settings.staged)
    return make_manifest(settings.staged, exports, transient, settings.as_of)


def build(settings: Settings, reference: Reference, manifest: Manifest, runs: Sequence[dict[str, Any]]) -> None:
    """The next warehouse beside the published one."""
    build_warehouse(building_path(settings.warehouse), manifest, reference, settings.as_of, runs, source_rows(settings, local_now()))


def gate(
    settings: Settings, reference: Reference, manifest: Manifest, run_id: str, accepted: Mapping[str, str], validation: Validation
) -> list[CheckResult]:
    """Every check on the next warehouse; acceptances are kept, Data Docs are being written when this returns."""
    built = building_path(settings.warehouse)

    def keep_acceptances(found: list[CheckResult]) -> list[Acceptance]:
        record_acceptances(settings.staged, run_id, settings.as_of, accepted, found)
        return load_acceptances(settings.staged)

    def ask(built: Path, frames: Sequence[Frame], meanwhile: Callable[[], list[CheckResult]]) -> list[CheckResult]:
        def check_and_get_ready() -> list[CheckResult]:
            found = meanwhile()
            import flows.report  # noqa: F401 - half a second, while Great Expectations still answers

            return found

        return validation.ask(built, frames, check_and_get_ready)

    checks = run_gate(built, manifest, reference, settings.as_of, ask, accepted, keep_acceptances)
    validation.start_docs(settings.docs, checks, settings.as_of)
    return checks


def publish(settings: Settings, drawing: Drawing) -> None:
    """The new warehouse in place of the old one, which stays among the kept; the site's pages are being drawn when this returns."""
    publish_warehouse(settings)
    drawing.start(settings.warehouse.resolve(), settings.as_of)


def remember(settings: Settings) -> None:
    """What was published stands in the history, for the mail and the restatements of the days to come; nothing where no unit was in force."""
    record_published(settings.staged, settings.warehouse)


def report(settings: Settings, drawing: Drawing) -> list[Path]:
    """Everything people receive, written from the published warehouse."""
    from flows.report import write_reports

    return write_reports(settings, drawing.pages)


def pack(reference: Reference, manifest: Manifest) -> int:
    """Exports that repeat an earlier one are kept as what changed; how many were packed now."""
    return pack_exports(manifest, reference.lists.kinds)


def prepare_mail(
    settings: Settings,
    reference: Reference,
    server: MailServer | None,
    checks: Sequence[CheckResult],
    files: Sequence[dict[str, Any]],
    is_published: bool,
) -> Post:
    """The night's mails in the outbox and in the ledger: the summaries, or, for a night held back, the news of it."""
    if is_published:
        return prepare_published(settings, reference.recipients, server)
    return prepare_held(settings, reference.recipients, server, checks, files)


def send_mail(settings: Settings, server: MailServer | None, post: Post) -> Post:
    """The mails handed to the server, where sending is on; what could not be sent is told and waits, it undoes nothing."""
    return send_night(settings, server, post)


def check_sending(settings: Settings) -> tuple[Settings, MailServer | None]:
    """The settings with mail.toml's `send` in them, and the mail server.

    Raises:
        ConfigurationError: mails are to be sent and no server is named, or a setting cannot be used.
    """
    server = require_server(settings.reference) if settings.send else load_server(settings.reference)
    return replace(settings, send=settings.send or (server is not None and server.is_on)), server


def run_night(
    settings: Settings,
    watcher: Watcher = Watcher(),
    step: Callable[[Step], Step] = lambda function: function,
    accept: Sequence[str] = (),
    why: str | None = None,
    validation: Validation | None = None,
) -> NightResult:
    """The whole job, once.

    Args:
        settings: where everything is.
        watcher: told of progress.
        step: wraps each step; Prefect's flow makes tasks of them here (see flows/nightly.py).
        accept, why: critical checks past which this run may publish, and the reason.
        validation: Great Expectations, started already and closed here; None starts it.

    Raises:
        AlreadyRunning: another run holds the lock.
        ConfigurationError: a reference table cannot be used, or no check has an accepted name.
    """
    validation = validation or Validation()  # first: nothing else takes as long to start
    try:
        with hold_lock(settings):
            reference = load_office(settings)
            accepted = name_checks(accept, why, known_checks(reference))
            result = _run_locked(settings, watcher, step, reference, accepted, validation)
            result.docs = settings.docs / "index.html" if validation.finish() else None
            return result
    finally:
        validation.close()


@contextmanager
def hold_lock(settings: Settings, patience: float = 0.3, *, restores: bool = False) -> Iterator[None]:
    """The warehouse's lock, held by the operating system for this process and gone with it.

    Args:
        settings: its warehouse.
        patience: seconds to wait for another holder; `tthc status` tries the lock too, for less than a moment.
        restores: it is held to restore a backup, the only thing to do where a restore was interrupted.

    Raises:
        AlreadyRunning: another process holds it.
        ConfigurationError: a restore was interrupted.
    """
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.lock, timeout=patience, poll_interval=0.05)
    try:
        lock.acquire()
    except Timeout:
        raise AlreadyRunning(_describe_holder(settings)) from None
    try:
        if not restores:
            check_restored(settings)
        note_holder(settings)
        yield
    finally:
        forget_holder(settings)
        lock.release()


def _describe_holder(settings: Settings) -> str:
    holder = find_holder(settings)
    if holder is None:
        return f"một lần chạy khác đang giữ khóa {settings.lock}; hãy đợi lần đó xong"
    run = f"lần chạy {holder.run_id}" if holder.run_id else holder.what
    return f"{run} (tiến trình {holder.pid}, từ {moment_vi(holder.since)}) đang giữ khóa {settings.lock}; hãy đợi lần đó xong"


def _run_locked(
    settings: Settings,
    watcher: Watcher,
    step: Callable[[Step], Step],
    reference: Reference,
    accepted: Mapping[str, str],
    validation: Validation,
) -> NightResult:
    run = RunLog(settings)
    with logging_to(settings, run.run_id):
        settings, server = check_sending(settings)
        run.start()
        note("bắt đầu", as_of=f"{settings.as_of:%H:%M %d/%m/%Y}")

        def timed_step(function: Step) -> Step:
            return step(timed(function))

        try:
            result = _run_steps(settings, watcher, timed_step, reference, server, run, accepted, validation)
        except BaseException as error:
            if isinstance(error, Exception):
                run.finish("failed", 0, type(error).__name__)
            else:  # Ctrl-C, or Prefect's runner was stopped as the machine was
                run.finish("interrupted", 0)
            note_error("lần chạy lỗi", error)
            raise
        note("đã công bố" if result.is_published else "giữ lại", files=len(result.files), read=result.files_read)
        result.post = step(send_mail)(settings, server, result.post)  # last, and outside: whatever mail does, the night was what it was
        return result


def _moment_after(sources: Sequence[SourceOutcome], settings: Settings) -> datetime | None:
    """The as_of to go on with once sources were asked, None where it stays: never another day's, by which mails and folders are known."""
    now = local_now()
    return now if sources and settings.as_of_follows_fetch and settings.as_of < now and settings.as_of.date() == now.date() else None


def _run_steps(
    settings: Settings,
    watcher: Watcher,
    step: Callable[[Step], Step],
    reference: Reference,
    server: MailServer | None,
    run: RunLog,
    accepted: Mapping[str, str],
    validation: Validation,
) -> NightResult:
    sources = step(fetch)(settings) if settings.fetches else []
    moved = _moment_after(sources, settings)
    if moved:
        settings = replace(settings, as_of=moved)
        run.move(moved)
    exports = step(land)(settings)
    files_read, transient = step(read)(settings, reference, exports, watcher)
    manifest = step(list_exports)(settings, reference, exports, transient)
    with closing(Drawing()) as drawing:  # started now: it gets ready during the build, which leaves a processor idle at times
        step(build)(settings, reference, manifest, run.history(files_read))
        checks = step(gate)(settings, reference, manifest, run.run_id, accepted, validation)
        held = failed_critically(checks)
        result = NightResult(not held, manifest.files, files_read, checks, sources=sources, as_of=moved)
        if held:
            remove_database(building_path(settings.warehouse))
            result.post = step(prepare_mail)(settings, reference, server, checks, manifest.files, False)
            run.finish("held", files_read, "; ".join(check.name for check in held))
            return result
        step(publish)(settings, drawing)
        step(remember)(settings)
        result.summaries = step(report)(settings, drawing)
        result.deleted = step(delete_old_raw)(settings, exports)
        result.post = step(prepare_mail)(settings, reference, server, checks, manifest.files, True)
        try:
            step(pack)(reference, manifest)
        except Exception as error:  # the figures are out and the mail is ready: what is only not packed yet must stop neither
            note_error("chưa gói được các danh sách lặp lại; đêm sau làm tiếp", error)
        run.finish("published", files_read)
        return result
