"""The manifest: every export ever landed, its state for one as_of, and where its staged rows are. The build's only view of files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.landing import Export, time_in_name
from flows.reading import staged_versions
from flows.staging import load_record, parse_moment, staged_folder

_NOT_READ = "chưa đọc được; lần chạy sau sẽ thử lại"
FILES = pa.schema(
    [(name, pa.string()) for name in ("file_id", "file_name", "member", "kind", "status", "error")]
    + [("exported_at", pa.timestamp("us")), ("is_age_guessed", pa.bool_()), ("is_present", pa.bool_())]
)
WARNINGS = pa.schema([("file_id", pa.string()), ("file_name", pa.string()), ("number", pa.int32()), ("warning_vi", pa.string())])


@dataclass
class Manifest:
    """What the build reads.

    Attributes:
        files: one row an export under each of its names, as FILES.
        warnings: as WARNINGS.
        parts: export kind -> staged row files of the exports that are loaded or later.
        troubles: staged trouble files of the same exports.
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, list[Path]] = field(default_factory=dict)
    troubles: list[Path] = field(default_factory=list)


def make_manifest(staged: Path, version: str, exports: Sequence[Export], transient: Mapping[str, str], as_of: datetime) -> Manifest:
    """The state of every export landed so far.

    Args:
        staged: the staging folder; its landing records must be up to date (`record_landing`).
        version: of the lists now in force.
        exports: what lies in the raw folder now.
        transient: exports that could not be read this time, with the reason.
        as_of: exports made after it are `later`.
    """
    manifest = Manifest()
    present: dict[str, list[Export]] = {}
    for export in exports:
        present.setdefault(export.file_id, []).append(export)
    refused = {export.file_id: export.error for export in exports if export.error}
    landed = {path.stem: load_record(path) or {} for path in sorted((staged / "landed").glob("*.json"))}
    versions = list(staged_versions(staged, version))
    for file_id, record in landed.items():
        names = sorted(((e.file_name, e.member) for e in present.get(file_id, ())), key=_order) or [(n[0], n[1]) for n in record["names"]]
        staging = None
        folder = staged_folder(staged, version, file_id)
        for name in versions if file_id not in refused else ():
            folder = staged_folder(staged, name, file_id)
            staging = load_record(folder / "export.json")
            if staging:
                break
        error = refused.get(file_id) or transient.get(file_id) or (staging["error"] if staging else _NOT_READ)
        rejected = staging is None or staging["status"] != "read"
        every_name = [(n[0], n[1]) for n in record["every_name"]]
        exported_at, guessed = _age(staging, names, every_name, parse_moment(record["arrived_at"]))
        kinds = list(dict.fromkeys(sheet["kind"] for sheet in staging["sheets"])) if staging else []
        status = "rejected" if rejected else "later" if exported_at and exported_at > as_of else "loaded"
        for place, (file_name, member) in enumerate(names):
            manifest.files.append(
                {
                    "file_id": file_id,
                    "file_name": file_name,
                    "member": member,
                    "kind": None if rejected else ",".join(kinds),
                    "status": "duplicate" if place and not rejected else status,
                    "error": error if rejected else None,
                    "exported_at": None if rejected else exported_at,
                    "is_age_guessed": guessed and not rejected,
                    "is_present": file_id in present,
                }
            )
        if not rejected and staging:
            for sheet in staging["sheets"]:
                manifest.parts.setdefault(sheet["kind"], []).append(folder / f"{sheet['number']:02d}.rows.parquet")
                if sheet["troubles"]:
                    manifest.troubles.append(folder / f"{sheet['number']:02d}.troubles.parquet")
            texts = list(staging.get("warnings", ()))
            if guessed:
                texts.append("không ghi thời điểm xuất; tạm lấy thời điểm tệp đến")
            if file_id not in present:
                texts.append("tệp không còn trong thư mục; dữ liệu đã đọc vẫn được giữ")
            for number, text in enumerate(texts, 1):
                manifest.warnings.append({"file_id": file_id, "file_name": names[0][0], "number": number, "warning_vi": text})
    return manifest


def _order(name: tuple[str, str | None]) -> tuple[str, str]:
    return (name[0], name[1] or "")


def _age(
    staging: Mapping[str, Any] | None,
    names: Sequence[tuple[str, str | None]],
    every_name: Sequence[tuple[str, str | None]],
    arrived: datetime | None,
) -> tuple[datetime | None, bool]:
    """When an export was made, and whether that is only a guess: its title, its name, its archive's name, its arrival.

    Copies of the same bytes under other names are the same export, so a timestamp in any name it ever had counts, the first name's first.
    """
    title = parse_moment(staging.get("exported_at")) if staging else None
    if title:
        return title, False
    for file_name, member in (*names, *every_name):
        for name in (member, file_name) if member else (file_name,):
            named = time_in_name(name or "")
            if named:
                return named, False
    return arrived, True
