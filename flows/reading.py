"""Reading new exports side by side in processes that may die without harm."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from flows.landing import Export
from flows.reference import Reference
from flows.settings import Settings
from flows.staging import read_version, stage_failure, staged_folder


class _Reader:
    """One reader process, started when first needed and again after it died."""

    def __init__(self, seconds: float, memory: int) -> None:
        self.seconds, self.memory = seconds, memory
        self.process: subprocess.Popen[str] | None = None

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """The process's answer, or {"status": "died"} or {"status": "hung"}."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.reader_process", str(self.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
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
        if answer:
            return dict(json.loads(answer))
        process.wait()
        return {"status": "hung" if hung.is_set() else "died"}

    def close(self) -> None:
        """End the process."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def find_unread(settings: Settings, reference: Reference, exports: Sequence[Export]) -> list[Export]:
    """The exports that are not staged yet under the lists now in force; of files with the same bytes only the first."""
    version = read_version(reference.lists)
    unread: dict[str, Export] = {}
    for export in exports:
        if export.error is None and not (staged_folder(settings.staged, version, export.file_id) / "export.json").is_file():
            unread.setdefault(export.file_id, export)
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
    version = read_version(reference.lists)
    transient: dict[str, str] = {}
    extra = {
        "extra_headings": _text(settings.reference / "headings.csv"),
        "extra_words": _text(settings.reference / "words.csv"),
    }
    readers = [_Reader(settings.read_seconds, settings.read_bytes) for _ in range(min(settings.workers, len(unread)))]
    free = list(readers)

    def read(export: Export) -> dict[str, Any]:
        reader = free.pop()
        try:
            folder = staged_folder(settings.staged, version, export.file_id)
            task = {
                "raw": str(settings.raw),
                "file_name": export.file_name,
                "member": export.member,
                "file_id": export.file_id,
                "folder": str(folder),
                **extra,
            }
            answer = reader.ask(task)
            if answer["status"] == "hung":
                stage_failure(folder, f"đọc quá {settings.read_seconds:.0f} giây không xong, đã dừng; hãy xuất lại hoặc tách nhỏ tệp")
            elif answer["status"] == "died":
                stage_failure(folder, "tiến trình đọc bị dừng vì tệp hỏng hoặc quá lớn so với bộ nhớ; hãy xuất lại hoặc tách nhỏ tệp")
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


def staged_versions(staged: Path, version: str) -> Iterator[str]:
    """The version in force, then older ones, newest first: an export whose raw file is gone keeps its last reading."""
    yield version
    folder = staged / "read"
    if folder.is_dir():
        others = [p for p in folder.iterdir() if p.is_dir() and p.name != version]
        yield from (p.name for p in sorted(others, key=lambda p: (p.stat().st_mtime, p.name), reverse=True))
