"""Staging: one export read once into Parquet, keyed by its SHA-256 and the version of everything that reading depends on.

<warehouse>.staged/landed/<file_id>.json            names, arrival: what is known of the bytes without reading them
<warehouse>.staged/read/<version>/<file_id>/        export.json, NN.rows.parquet, NN.troubles.parquet
"""

import hashlib
import json
import os
import shutil
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.landing import Export, read_bytes, save_record
from transforms.layouts import LayoutLists, load_lists
from transforms.normalise import NormalisedExport, normalise_export
from transforms.readers import Limits, read_sheets
from transforms.sheets import UnreadableExport

# Raised by hand when reading code changes what a file gives; staged files of other versions are then read again.
READER_VERSION = "1"


def read_version(lists: LayoutLists) -> str:
    """The version under which files are staged: of the reader and of the heading and word lists."""
    return f"r{READER_VERSION}-{lists.version}"


def staged_folder(staged: Path, version: str, file_id: str) -> Path:
    """Where an export is staged."""
    return staged / "read" / version / file_id


@lru_cache(maxsize=2)
def _lists(extra_headings: str, extra_words: str) -> LayoutLists:
    return load_lists(extra_headings, extra_words)


def stage_export(
    raw: str, file_name: str, member: str | None, file_id: str, folder: str, extra_headings: str, extra_words: str
) -> dict[str, Any]:
    """Read one export and stage it; afterwards `folder` holds it whole or is absent.

    Runs in a reader process. A file that cannot be read is staged too, as a record of why, so that it is not tried again every night.

    Returns:
        {"status": "read" or "rejected", "error": text or None}.
    """
    lists = _lists(extra_headings, extra_words)
    try:
        data = read_bytes(Path(raw), file_name, member)
        if hashlib.sha256(data).hexdigest() != file_id:
            return {"status": "changed", "error": "tệp thay đổi trong khi đang đọc; lần chạy sau sẽ đọc lại"}
        export = normalise_export(read_sheets(data, Limits()), lists)
    except UnreadableExport as error:
        return _write(Path(folder), {"status": "rejected", "error": str(error)}, None)
    except MemoryError:
        return _write(Path(folder), {"status": "rejected", "error": "tệp quá lớn so với bộ nhớ cho phép; hãy tách nhỏ khi xuất"}, None)
    return _write(Path(folder), {"status": "read", "error": None}, export, file_id)


def stage_failure(folder: Path, error: str) -> None:
    """Record that reading an export took down its process or its time."""
    _write(folder, {"status": "rejected", "error": error}, None)


def _write(folder: Path, record: dict[str, Any], export: NormalisedExport | None, file_id: str = "") -> dict[str, Any]:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    sheets = []
    if export:
        record |= {"exported_at": export.exported_at, "warnings": export.warnings}
        for number, sheet in enumerate(export.sheets, 1):
            lineage = {"file_id": (file_id, pa.string()), "sheet": (sheet.name or None, pa.string()), "sheet_number": (number, pa.int32())}
            for name, table in (("rows", sheet.rows), ("troubles", sheet.troubles)):
                for column, (value, kind) in lineage.items():
                    table = table.append_column(column, pa.array([value] * table.num_rows, kind))
                if name == "rows" or table.num_rows:
                    pq.write_table(table, part / f"{number:02d}.{name}.parquet", compression="zstd")
            sheets.append(
                {
                    "number": number,
                    "name": sheet.name,
                    "kind": sheet.layout.kind.name,
                    "heading_rows": [sheet.layout.first + 1, sheet.layout.last + 1],
                    "headings": dict(sheet.layout.headings),
                    "rows": sheet.rows.num_rows,
                    "troubles": sheet.troubles.num_rows,
                }
            )
    save_record(part / "export.json", record | {"sheets": sheets})
    if folder.exists():
        shutil.rmtree(folder)
    part.replace(folder)
    return {"status": record["status"], "error": record["error"]}


def record_landing(staged: Path, exports: list[Export]) -> None:
    """Remember every export's names and first arrival, so that its age and place stay known when the raw file is gone or renamed."""
    by_id: dict[str, list[Export]] = {}
    for export in exports:
        by_id.setdefault(export.file_id, []).append(export)
    for file_id, group in by_id.items():
        path = staged / "landed" / f"{file_id}.json"
        names = [[export.file_name, export.member] for export in sorted(group, key=lambda e: e.order)]
        known = load_record(path)
        arrived = known["arrived_at"] if known else min(export.arrived_at for export in group).isoformat(sep=" ")
        every = sorted(
            {tuple(n) for n in (known["every_name"] if known else [])} | {tuple(n) for n in names}, key=lambda n: (n[0], n[1] or "")
        )
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
