"""Reading new exports side by side in processes that may die without harm."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
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


def read_exports(settings: Settings, reference: Reference, unread: Sequence[Export], on_read: Callable[[Export], None]) -> dict[str, str]:
    """Stage every export given; afterwards each is staged, as rows or as a record of why not.

    Args:
        settings: where to read and stage, and how much one file may cost.
        reference: for the heading and word lists.
        unread: what to read.
        on_read: called after each export.

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
    command = [sys.executable, "-P", "-m", "flows.reader_process", str(settings.read_bytes)]
    readers = [ReaderProcess(settings.read_seconds, command) for _ in range(min(settings.workers, len(unread)))]
    free = list(readers)

    def read(export: Export) -> dict[str, Any]:
        reader = free.pop()
        try:
            folder = staged_folder(settings.staged, export.file_id)
            task = {"file_name": export.file_name, "member": export.member, "file_id": export.file_id, "folder": str(folder)}
            answer = reader.ask(task | same_for_all)
            if answer["status"] in ("hung", "died"):
                attempts = (load_record(folder / "export.json") or {}).get("attempts", 0) + 1
                error = (
                    f"đọc quá {settings.read_seconds:.0f} giây không xong, đã dừng"
                    if answer["status"] == "hung"
                    else "tiến trình đọc bị dừng vì tệp hỏng hoặc quá lớn so với bộ nhớ"
                )
                advice = "lần chạy sau sẽ thử lại" if attempts < ATTEMPTS else f"đã thử {attempts} lần; hãy xuất lại hoặc tách nhỏ tệp"
                stage_failure(folder, f"{error}; {advice}", reference.lists.version, attempts)
            return answer
        finally:
            free.append(reader)

    try:
        with ThreadPoolExecutor(max(1, len(readers))) as pool:
            futures = {pool.submit(read, export): export for export in unread}
            for future in as_completed(futures):
                answer, export = future.result(), futures[future]
                if answer["status"] in ("changed", "failed"):
                    transient[export.file_id] = str(answer["error"])
                on_read(export)
    finally:
        for reader in readers:
            reader.close()
    return transient


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig") if path.is_file() else ""
