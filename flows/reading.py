"""Reading new exports side by side in processes that may die without harm."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flows.landing import Export
from flows.reference import Reference
from flows.settings import Settings
from flows.staging import ListChanges, load_record, remove_unfinished, save_lists, stage_failure, staged_folder

# A reader that died or hung may have been the file's doing or the machine's (memory taken by others, a shutdown): only three nights tell.
ATTEMPTS = 3


class ReaderProcess:
    """One reader process, started when first needed and again after it died."""

    def __init__(self, seconds: float, command: Sequence[str]) -> None:
        self.seconds, self.command = seconds, command
        self.process: subprocess.Popen[str] | None = None

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """The process's answer, or {"status": "died"} or {"status": "hung"}."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
            )
        process = self.process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("reader process without pipes")
        hung = threading.Event()

        def give_up() -> None:
            hung.set()
            process.kill()

        watch = threading.Timer(self.seconds, give_up)
        watch.start()
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            watch.cancel()
        if answer.endswith("\n"):
            return dict(json.loads(answer))
        process.kill()
        process.wait()
        return {"status": "hung" if hung.is_set() else "died"}

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def find_unread(settings: Settings, reference: Reference, exports: Sequence[Export]) -> list[Export]:
    """The exports not staged yet, or read with lists that have since changed for them; of files with the same bytes only the first."""
    changes = ListChanges(settings.staged, reference.lists)
    unread: dict[str, Export] = {}
    seen: set[str] = set()
    for export in exports:
        if export.error is None and export.file_id not in seen:
            seen.add(export.file_id)
            record = load_record(staged_folder(settings.staged, export.file_id) / "export.json")
            if record is None or changes.affect(record) or 0 < record.get("attempts", 0) < ATTEMPTS:
                unread[export.file_id] = export
    return list(unread.values())


def read_exports(
    settings: Settings,
    reference: Reference,
    unread: Sequence[Export],
    on_read: Callable[[Export], None],
    spread: "Spread | None" = None,
) -> dict[str, str]:
    """Stage every export given; afterwards each is staged, as rows or as a record of why not.

    Args:
        settings: where to read and stage, and how much one file may cost.
        reference: for the heading and word lists.
        unread: what to read.
        on_read: called after each export.
        spread: who reads; None is the reader processes of this machine.

    Returns:
        file_id -> error for those that could be neither read nor recorded for good; they are tried again at the next run.
    """
    save_lists(settings.staged, reference.lists)
    remove_unfinished(settings.staged)
    transient: dict[str, str] = {}
    same_for_all = {
        "raw": str(settings.raw),
        "extra_headings": _text(settings.reference / "headings.csv"),
        "extra_words": _text(settings.reference / "words.csv"),
        "limits": asdict(settings.limits),
    }
    tasks = [
        ReadTask(
            {
                "file_name": export.file_name,
                "member": export.member,
                "file_id": export.file_id,
                "folder": str(staged_folder(settings.staged, export.file_id)),
            }
            | same_for_all,
            settings.read_seconds,
            settings.read_bytes,
            reference.lists.version,
        )
        for export in unread
    ]
    exports = {export.file_id: export for export in unread}
    for file_id, answer in (spread or partial(read_side_by_side, settings.workers))(tasks):
        if answer["status"] in ("changed", "failed"):
            transient[file_id] = str(answer["error"])
        on_read(exports[file_id])
    return transient


@dataclass(frozen=True)
class ReadTask:
    """One export to read, wherever that is done.

    Attributes:
        asked: arguments of `flows.staging.stage_export`.
        seconds, memory: what reading may take.
        lists_version: of the lists it is read with.
    """

    asked: dict[str, Any]
    seconds: float
    memory: int
    lists_version: str

    @property
    def file_id(self) -> str:
        """The export."""
        return str(self.asked["file_id"])

    def start_reader(self) -> ReaderProcess:
        """A reader process for this task and others with the same limits."""
        return ReaderProcess(self.seconds, [sys.executable, "-P", "-m", "flows.reader_process", str(self.memory)])

    def read(self, reader: ReaderProcess) -> dict[str, Any]:
        """The export is staged, or, where its reader died of it, a record says so; the reader's answer."""
        answer = reader.ask(self.asked)
        if answer["status"] in ("hung", "died"):
            folder = Path(self.asked["folder"])
            attempts = (load_record(folder / "export.json") or {}).get("attempts", 0) + 1
            error = (
                f"đọc quá {self.seconds:.0f} giây không xong, đã dừng"
                if answer["status"] == "hung"
                else "tiến trình đọc bị dừng vì tệp hỏng hoặc quá lớn so với bộ nhớ"
            )
            advice = "lần chạy sau sẽ thử lại" if attempts < ATTEMPTS else f"đã thử {attempts} lần; hãy xuất lại hoặc tách nhỏ tệp"
            stage_failure(folder, f"{error}; {advice}", self.lists_version, attempts)
        return answer


# Reads all tasks and gives, in any order, file_id and answer of each.
Spread = Callable[[Sequence[ReadTask]], Iterator[tuple[str, dict[str, Any]]]]


def read_side_by_side(workers: int, tasks: Sequence[ReadTask]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Reader processes on this machine, `workers` at a time."""
    readers = [task.start_reader() for task in tasks[:workers]]
    free = list(readers)

    def read(task: ReadTask) -> dict[str, Any]:
        reader = free.pop()
        try:
            return task.read(reader)
        finally:
            free.append(reader)

    try:
        with ThreadPoolExecutor(max(1, len(readers))) as pool:
            futures = {pool.submit(read, task): task for task in tasks}
            for future in as_completed(futures):
                yield futures[future].file_id, future.result()
    finally:
        for reader in readers:
            reader.close()


def read_in_turn(tasks: Iterable[ReadTask]) -> Iterator[tuple[str, dict[str, Any]]]:
    """One reader process, one task after the other: what an executor of a cluster does with its share."""
    reader: ReaderProcess | None = None
    try:
        for task in tasks:
            reader = reader or task.start_reader()
            yield task.file_id, task.read(reader)
    finally:
        if reader is not None:
            reader.close()


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig") if path.is_file() else ""
