"""What an office decides about exports it regrets: withdrawing one, taking that back, and deleting raw files that are old enough.

Decisions are JSON lines beside the staged files, appended and never erased, so that a number can always be explained.
"""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

from flows.landing import Export, exports_of
from flows.settings import ConfigurationError, Settings, local_now
from flows.staging import find_staged, load_record, parse_moment
from transforms.text import hide_personal


def append_line(path: Path, record: dict[str, Any]) -> None:
    """One JSON line more, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_torn = path.is_file() and _last_byte(path) not in (b"", b"\n")  # a power cut in the last write
    with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:  # JSON writes halves of letters so
        stream.write("\n" if is_torn else "")
        stream.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records that `append_line` wrote, oldest first; nothing where there is no file.

    A line torn by a power cut or a full disk, perhaps within a letter, was never confirmed to anybody and is passed over. Only a newline
    ends a line: a reason or a file's name may hold other characters at which text breaks (U+2028, U+0085), which JSON leaves as they are.
    """
    for line in path.read_bytes().split(b"\n") if path.is_file() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        yield record


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1))
        return stream.read(1)


def _withdrawn_path(staged: Path) -> Path:
    return staged / "withdrawn.jsonl"


def load_withdrawn(staged: Path) -> dict[str, str]:
    """file_id -> when and why it was withdrawn, for the exports that still are."""
    withdrawn: dict[str, str] = {}
    for decision in read_lines(_withdrawn_path(staged)):
        if decision["is_withdrawn"]:
            day = datetime.fromisoformat(decision["at"])
            withdrawn[decision["file_id"]] = f"đã rút lại ngày {day:%d/%m/%Y}: {decision['why']}"
        else:
            withdrawn.pop(decision["file_id"], None)
    return withdrawn


def load_reinstated(staged: Path) -> frozenset[str]:
    """The exports that were withdrawn once and are used again."""
    return frozenset(decision["file_id"] for decision in read_lines(_withdrawn_path(staged))) - load_withdrawn(staged).keys()


def find_landed(staged: Path, target: str) -> dict[str, list[str]]:
    """file_id -> names of the landed exports that a path below the raw folder, a file name or the start of a SHA-256 means.

    An archive's name means all its members.

    Raises:
        ConfigurationError: nothing matches, or one name has stood for different contents.
    """
    found: dict[str, list[str]] = {}
    by_name: dict[str, set[str]] = {}
    for path in sorted((staged / "landed").glob("*.json")):
        names = (load_record(path) or {})["every_name"]
        shown = [f"{name} › {member}" if member else name for name, member in names]
        is_hash = len(target) >= 8 and path.stem.startswith(target.lower())
        meant = [{normalize("NFC", form) for form in (name, name.rpartition("/")[2], s)} for s, (name, _) in zip(shown, names, strict=True)]
        matching = [s for s, forms in zip(shown, meant, strict=True) if normalize("NFC", target) in forms]
        if is_hash or matching:
            found[path.stem] = shown
            for name in matching if not is_hash else ():
                by_name.setdefault(normalize("NFC", name), set()).add(path.stem)
    if not found:
        raise ConfigurationError(
            f"không có tệp nào tên “{target}” hoặc có mã SHA-256 bắt đầu như vậy (cần ít nhất 8 ký tự); xem bảng ops.files"
        )
    for name, ids in by_name.items():
        if len(ids) > 1:
            listed = ", ".join(sorted(i[:12] for i in ids))
            raise ConfigurationError(f"tên “{name}” đã từng chứa {len(ids)} nội dung khác nhau; hãy chọn theo mã SHA-256: {listed}")
    return found


def withdraw(staged: Path, target: str, why: str, *, undo: bool = False) -> dict[str, list[str]]:
    """Record that exports no longer count (or count again); the next run acts on it. The reason is kept without anybody's name or number.

    Returns:
        file_id -> names of the exports concerned.

    Raises:
        ConfigurationError: see `find_landed`; or no reason is given.
    """
    if not why.strip():
        raise ConfigurationError("cần lý do: --why “…”")
    found = find_landed(staged, target)
    for file_id, names in found.items():
        append_line(
            _withdrawn_path(staged),
            {"file_id": file_id, "names": names, "is_withdrawn": not undo, "why": hide_personal(why.strip()), "at": local_now()},
        )
    return found


def delete_old_raw(settings: Settings, exports: Sequence[Export]) -> list[str]:
    """Raw files deleted because everything in them was staged long enough ago; logged in deleted.jsonl.

    A file is only deleted when all it holds was read (a rejected file stays for its second chance) and its bytes are still those that were.
    """
    if settings.keep_raw_days is None:
        return []
    before = local_now() - timedelta(days=settings.keep_raw_days)
    by_path: dict[str, list[Export]] = {}
    for export in exports:
        by_path.setdefault(export.file_name, []).append(export)
    deleted = []
    for file_name, held in by_path.items():
        records = [(find_staged(settings.staged, export.file_id) or (None, {}))[1] for export in held]
        moments = [parse_moment(record.get("staged_at")) for record in records if record.get("status") == "read"]
        if len(moments) == len(held) and all(moment and moment < before for moment in moments):
            now = [export.file_id for export in exports_of(settings.raw / file_name, file_name, settings.limits)]
            if sorted(now) != sorted(export.file_id for export in held):
                continue  # replaced while the night ran: nobody has read what lies there now
            append_line(
                settings.staged / "deleted.jsonl",
                {
                    "file_name": file_name,
                    "file_ids": [export.file_id for export in held],
                    "at": local_now(),
                    "keep_raw_days": settings.keep_raw_days,
                },
            )
            (settings.raw / file_name).unlink(missing_ok=True)
            deleted.append(file_name)
    return deleted
