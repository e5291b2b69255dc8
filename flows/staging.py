"""Staging: one export read once into Parquet, and again only when a list it was read with changed in a way that touches it.

<warehouse>.staged/landed/<file_id>.json           names and arrival: what is known of the bytes without reading them
<warehouse>.staged/lists/<version>.json            heading and word lists that staged files were read with
<warehouse>.staged/read/<reader>/<file_id>/        export.json, NN.rows.parquet, NN.troubles.parquet; see flows/chains.py for packed exports
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.chains import base_folder
from flows.landing import Export, read_bytes, save_record
from flows.settings import local_now
from transforms.exports import NormalisedExport, normalise_export
from transforms.layouts import LayoutLists, load_lists
from transforms.readers import Limits, read_sheets
from transforms.sheets import UnreadableExport
from transforms.text import heading_reference, hide_numbers

# Raised by hand when reading code changes what a file gives; files staged by other readers are then read again.
READER_VERSION = "11"
_BASE_MARK = "is-base"


def staged_folder(staged: Path, file_id: str) -> Path:
    """Where an export is staged."""
    return staged / "read" / f"r{READER_VERSION}" / file_id


def find_staged(staged: Path, file_id: str) -> tuple[Path, dict[str, Any]] | None:
    """The folder and record of an export as this reader staged it, else as an older one did (its raw file may be gone)."""
    newest = staged_folder(staged, file_id)
    others = sorted((staged / "read").glob("r*"), key=lambda p: (len(p.name), p.name), reverse=True)  # r10 is newer than r9
    for folder in (newest, *(other / file_id for other in others)):
        record = load_record(folder / "export.json")
        if record:
            return folder, record
    return None


@lru_cache(maxsize=2)
def _lists(extra_headings: str, extra_words: str) -> LayoutLists:
    return load_lists(extra_headings, extra_words)


def stage_export(
    raw: str,
    file_name: str,
    member: str | None,
    file_id: str,
    folder: str,
    extra_headings: str,
    extra_words: str,
    limits: Mapping[str, int],
) -> dict[str, Any]:
    """Read one export and stage it; afterwards `folder` holds it whole or is absent.

    Runs in a reader process. A file that cannot be read is staged too, as a record of why, so that it is not tried again every night.

    Returns:
        {"status": "read", "rejected" or "changed", "error": text or None}.
    """
    lists = _lists(extra_headings, extra_words)
    allowed = Limits(**limits)
    try:
        data = read_bytes(Path(raw), file_name, member, allowed)
        if hashlib.sha256(data).hexdigest() != file_id:
            return {"status": "changed", "error": "tệp thay đổi trong khi đang đọc; lần chạy sau sẽ đọc lại"}
        export = normalise_export(read_sheets(data, allowed), lists)
    except UnreadableExport as error:
        return stage_failure(Path(folder), str(error), lists.version)
    except MemoryError:
        return stage_failure(Path(folder), "tệp quá lớn so với bộ nhớ cho phép; hãy tách nhỏ khi xuất", lists.version)
    return _write(Path(folder), {"status": "read", "error": None, "lists": lists.version}, export, file_id)


def stage_failure(folder: Path, error: str, lists_version: str, attempts: int = 0) -> dict[str, Any]:
    """Record why an export could not be read; `attempts` counts readers that died of it, 0 where a reader said why."""
    return _write(folder, {"status": "rejected", "error": error, "lists": lists_version, "attempts": attempts}, None, "")


def remove_unfinished(staged: Path) -> None:
    """Nothing half staged is left; call while holding the run lock, when no reader is at work."""
    for folder in (staged / "read").glob("r*/.*"):
        shutil.rmtree(folder, ignore_errors=True)
    for record in staged.glob("*/*.new"):
        record.unlink(missing_ok=True)


def _write(folder: Path, record: dict[str, Any], export: NormalisedExport | None, file_id: str) -> dict[str, Any]:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    sheets = []
    if export:
        record |= {"exported_at": export.exported_at, "warnings": export.warnings, "skipped_sheets": export.skipped_sheets}
        for number, sheet in enumerate(export.sheets, 1):
            sheet_name = hide_numbers(sheet.name)
            lineage = {"file_id": (file_id, pa.string()), "sheet": (sheet_name or None, pa.string()), "sheet_number": (number, pa.int32())}
            for name, table in (("rows", sheet.rows), ("troubles", sheet.troubles)):
                for column, (value, kind) in lineage.items():
                    table = table.append_column(column, pa.repeat(pa.scalar(value, kind), table.num_rows))
                if name == "rows" or table.num_rows:
                    pq.write_table(table, part / f"{number:02d}.{name}.parquet", compression="zstd")
            sheets.append(
                {
                    "number": number,
                    "name": sheet_name,
                    "kind": sheet.layout.kind.name,
                    "heading_rows": list(sheet.heading_rows) if sheet.heading_rows else None,
                    "headings": {column: hide_numbers(heading) for column, heading in sheet.layout.headings.items()},
                    "heading_refs": sheet.heading_refs,
                    "rows": sheet.rows.num_rows,
                    "troubles": sheet.troubles.num_rows,
                }
            )
    for name in ("error", "warnings", "skipped_sheets"):  # headings are quoted in them, and a heading or a sheet's name may hold anything
        told = record.get(name)
        record[name] = [hide_numbers(t) for t in told] if isinstance(told, list) else hide_numbers(told) if told else told
    save_record(part / "export.json", record | {"sheets": sheets, "staged_at": local_now()})
    if (folder / _BASE_MARK).exists():  # other exports are told by its rows as they were read then
        set_aside = folder.with_name(base_folder(folder.name, (load_record(folder / "export.json") or {})["lists"]))
        if set_aside.exists():  # the lists have been in force before: the same bytes gave the same rows
            shutil.rmtree(folder)
        else:
            folder.replace(set_aside)
    elif folder.exists():
        shutil.rmtree(folder)
    part.replace(folder)
    return {"status": record["status"], "error": record["error"]}


def mark_base(folder: Path) -> None:
    """The rows of an export staged here tell others from now on, so they are set aside, not removed, when it is read again."""
    (folder / _BASE_MARK).touch()


def save_lists(staged: Path, lists: LayoutLists) -> None:
    """Keep the lists now in force, so that later ones can be compared with them."""
    path = staged / "lists" / f"{lists.version}.json"
    if not path.exists():
        save_record(path, {"headings": lists.headings, "words": lists.words})


class ListChanges:
    """Which staged exports the lists now in force would read differently from those they were read with."""

    def __init__(self, staged: Path, lists: LayoutLists) -> None:
        self.staged, self.lists = staged, lists
        self._changed: dict[str, tuple[set[str], bool, bool] | None] = {}

    def affect(self, record: Mapping[str, Any]) -> bool:
        """Whether an export must be read again.

        It must when a text in it that is a heading, or would be, was added, removed or given another column; when words were added and it has cells nobody
        understood; when words were removed or changed; and, after any change, when it was rejected or has sheets without known headings.
        """
        version = record.get("lists", "")
        if version == self.lists.version:
            return False
        if version not in self._changed:
            self._changed[version] = self._compare(load_record(self.staged / "lists" / f"{version}.json"))
        changed = self._changed[version]
        if changed is None or record["status"] != "read" or record.get("skipped_sheets"):
            return True
        headings, words_added, words_lost = changed
        if words_lost or (words_added and any(sheet["troubles"] for sheet in record["sheets"])):
            return True
        return any(headings & set(sheet["heading_refs"]) for sheet in record["sheets"])

    def _compare(self, old: Mapping[str, Any] | None) -> tuple[set[str], bool, bool] | None:
        if old is None or old["headings"].keys() != self.lists.headings.keys() or old["words"].keys() != self.lists.words.keys():
            return None
        headings = {
            heading_reference(heading.rpartition(">")[2])
            for kind, now in self.lists.headings.items()
            for heading in {*now, *old["headings"][kind]}
            if now.get(heading) != old["headings"][kind].get(heading)
        }
        words = [(old["words"][domain], now) for domain, now in self.lists.words.items()]
        lost = any(now.get(word) != value for before, now in words for word, value in before.items())
        added = any(word not in before for before, now in words for word in now)
        return headings, added, lost


def record_landing(staged: Path, exports: Sequence[Export]) -> None:
    """Remember every export's names and first arrival, so that its age and place stay known when the raw file is gone or renamed."""
    by_id: dict[str, list[Export]] = {}
    for export in exports:
        if export.is_readable:
            by_id.setdefault(export.file_id, []).append(export)
    for file_id, group in by_id.items():
        path = staged / "landed" / f"{file_id}.json"
        names = [[export.file_name, export.member] for export in sorted(group, key=lambda e: e.order)]
        known = load_record(path)
        arrived = known["arrived_at"] if known else min(export.arrived_at for export in group).isoformat(sep=" ")
        every = sorted({(n[0], n[1]) for n in [*(known["every_name"] if known else []), *names]}, key=lambda n: (n[0], n[1] or ""))
        record = {"file_id": file_id, "arrived_at": arrived, "names": names, "every_name": [list(n) for n in every]}
        if record != known:
            save_record(path, record)


def load_record(path: Path) -> dict[str, Any] | None:
    """A JSON record, None where there is none."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def parse_moment(text: str | None) -> datetime | None:
    """A moment as records hold it."""
    return datetime.fromisoformat(text) if text else None
