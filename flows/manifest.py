"""The manifest: every export ever landed, its state for one as_of, where its staged rows are, and what was published before. The build's only view of files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.chains import Chains, StagedSheet, load_chains, sheets_of
from flows.history import PublishedDay, load_days, part_files
from flows.landing import Export, time_in_name
from flows.quarantine import load_reinstated, load_withdrawn
from flows.staging import find_staged, load_record, parse_moment
from transforms.layouts import Kind

_NOT_READ = "chưa đọc được; lần chạy sau sẽ thử lại"
FILES = pa.schema(
    [(name, pa.string()) for name in ("file_id", "file_name", "member", "kind", "status", "error")]
    + [("exported_at", pa.timestamp("us")), ("is_age_guessed", pa.bool_()), ("is_present", pa.bool_())]
)


@dataclass
class Manifest:
    """What the build reads.

    Attributes:
        files: one row an export under each of its names, as FILES.
        warnings: rows of ops.warnings.
        parts: export kind -> staged row files of the exports that are loaded or later, without those that are told by or tell another.
        troubles: staged trouble files of the same exports.
        sheets: every staged sheet that counts, and those that tell one.
        staged: the staging folder.
        published: what was published on the days before, oldest first.
        reinstated: file ids of the exports that were withdrawn once and are used again.
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, list[Path]] = field(default_factory=dict)
    troubles: list[Path] = field(default_factory=list)
    sheets: list[StagedSheet] = field(default_factory=list)
    staged: Path = Path()
    published: list[PublishedDay] = field(default_factory=list)
    reinstated: frozenset[str] = frozenset()
    _chains: Chains | None = None

    def chained(self) -> list[StagedSheet]:
        """The sheets that are told by another or tell one."""
        return list_chained(self.sheets)

    def chains(self, kinds: Mapping[str, Kind]) -> Chains:
        """What the chained sheets say, read once."""
        if self._chains is None:
            self._chains = load_chains(self.chained(), kinds)
        return self._chains

    def row_files(self) -> dict[str, list[Path]]:
        """Export kind -> every staged row file; together they say each different row once, or as often as exports that tell no other say it."""
        files = {kind: list(paths) for kind, paths in self.parts.items()}
        for sheet in self.chained():
            if sheet.has_rows:
                files.setdefault(sheet.kind, []).append(sheet.part("rows"))
        return files

    def published_parts(self, part: str) -> list[Path]:
        """The files of one part of the published days; see flows/history.py."""
        return part_files(self.staged, self.published, part)

    def trouble_files(self) -> list[Path]:
        """Every staged trouble file, of the rows in `row_files`."""
        return self.troubles + [sheet.part("troubles") for sheet in self.chained() if sheet.has_troubles]


def list_chained(sheets: Sequence[StagedSheet]) -> list[StagedSheet]:
    """Of these sheets those that are told by another or tell one."""
    bases = {(sheet.folder.parent / sheet.base, sheet.number) for sheet in sheets if sheet.base}
    return [sheet for sheet in sheets if sheet.base or (sheet.folder, sheet.number) in bases]


def make_manifest(staged: Path, exports: Sequence[Export], transient: Mapping[str, str], as_of: datetime) -> Manifest:
    """The state of every export landed so far.

    An export whose raw file is gone still counts, because its rows are staged; one that was rejected and is gone is forgotten.

    Args:
        staged: the staging folder; its landing records must be up to date (`record_landing`).
        exports: what lies in the raw folder now.
        transient: exports that could not be read this time, with the reason.
        as_of: exports made after it are `later`.
    """
    manifest = Manifest(staged=staged, published=load_days(staged, as_of.date()), reinstated=load_reinstated(staged))
    present: dict[str, list[Export]] = {}
    for export in exports:
        present.setdefault(export.file_id, []).append(export)
        if not export.is_readable:
            _add_names(manifest, export.file_id, [(export.file_name, export.member)], "rejected", error=export.error)
    withdrawn = load_withdrawn(staged)
    for path in sorted((staged / "landed").glob("*.json")):
        file_id, record = path.stem, load_record(path) or {}
        here = present.get(file_id, [])
        names = sorted(((e.file_name, e.member) for e in here), key=_order) or [(n[0], n[1]) for n in record["names"]]
        refused = next((e.error for e in here if e.error), None)
        found = None if refused else find_staged(staged, file_id)
        folder, staging = found or (staged, {"status": "rejected", "error": refused or _NOT_READ})
        error = withdrawn.get(file_id) or transient.get(file_id) or staging["error"]
        if staging["status"] != "read" or file_id in withdrawn:
            if here or file_id in withdrawn:
                _add_names(manifest, file_id, names, "rejected", error=error, is_present=bool(here))
            continue
        every_name = [(n[0], n[1]) for n in record["every_name"]]
        exported_at, guessed = _age(staging, names, every_name, parse_moment(record["arrived_at"]))
        kinds = ",".join(dict.fromkeys(sheet["kind"] for sheet in staging["sheets"]))
        status = "later" if exported_at and exported_at > as_of else "loaded"
        _add_names(manifest, file_id, names, status, kind=kinds, exported_at=exported_at, is_age_guessed=guessed, is_present=bool(here))
        manifest.sheets += sheets_of(folder, staging, file_id, status=status, exported_at=exported_at)
        texts = list(staging["warnings"])
        if guessed:
            texts.append("không ghi thời điểm xuất; tạm lấy thời điểm tệp đến")
        if not here:
            texts.append("tệp không còn trong thư mục; dữ liệu đã đọc vẫn được giữ")
        for number, text in enumerate(texts, 1):
            manifest.warnings.append({"file_id": file_id, "file_name": names[0][0], "number": number, "warning_vi": text})
    manifest.sheets += _bases_of(manifest.sheets)
    chained = {(sheet.folder, sheet.number) for sheet in manifest.chained()}
    for sheet in manifest.sheets:
        if (sheet.folder, sheet.number) not in chained:
            manifest.parts.setdefault(sheet.kind, []).append(sheet.part("rows"))
            if sheet.has_troubles:
                manifest.troubles.append(sheet.part("troubles"))
    return manifest


def _bases_of(sheets: Iterable[StagedSheet]) -> list[StagedSheet]:
    """The sheets that tell these and are not among them: their own export was withdrawn, or has been read again."""
    known = {sheet.folder for sheet in sheets}
    missing = {sheet.folder.parent / sheet.base for sheet in sheets if sheet.base} - known
    found: list[StagedSheet] = []
    while missing:
        folder = missing.pop()
        known.add(folder)
        told = sheets_of(folder, load_record(folder / "export.json") or {"sheets": []}, folder.name.partition("~")[0])
        found += told
        missing |= {sheet.folder.parent / sheet.base for sheet in told if sheet.base} - known
    return found


def _add_names(manifest: Manifest, file_id: str, names: Sequence[tuple[str, str | None]], status: str, **facts: Any) -> None:
    """One row an export under each of its names; of the same bytes the first name counts and the others are duplicates."""
    for place, (file_name, member) in enumerate(names):
        shown = "duplicate" if place and status != "rejected" else status
        manifest.files.append(
            {"file_id": file_id, "file_name": file_name, "member": member, "kind": None, "error": None, "exported_at": None}
            | {"is_age_guessed": False, "is_present": True, **facts, "status": shown}
        )


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
