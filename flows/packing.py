"""Exports that mostly repeat an earlier one are kept as what changed: a year of nightly lists costs little more than its changes.

Packing changes no result: the build sees the same rows (see flows/chains.py). It happens after the night's figures are out, one export at a time:
the new files are written beside the old ones, the record is replaced in one step, and only then are the old files removed.
"""

import os
import shutil
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.chains import Chains, StagedSheet, base_folder, load_chains
from flows.landing import save_record
from flows.manifest import Manifest, list_chained
from flows.staging import load_record, mark_base
from transforms.layouts import Kind
from transforms.row_runs import RUNS, find_runs
from transforms.troubles import TROUBLES

# How many earlier exports are tried, and what share of the rows one must tell to be worth it.
_CANDIDATES = 4
# By so many of its dossiers an export is found again among those of all units.
_MARKS = 16
_WORTH = 0.5
_SAMPLE = 256
# So many rows of exports looked at before stay at hand: those of some nights of many units, of one night of one large list.
_AT_HAND = 1_000_000
# So few runs stand in the record itself: a night on which nothing happened costs no file of its own.
_SHORT = 40
_PLACE = ("row_number", "file_id", "sheet", "sheet_number")


def pack_exports(manifest: Manifest, kinds: Mapping[str, Kind]) -> int:
    """Every export of dossiers was looked at once: it is packed, or its record says that no earlier one tells it.

    Args:
        manifest: of the run that is ending, under whose lock this happens.
        kinds: the export kinds.

    Returns:
        How many were packed now.
    """
    return _Packer(manifest, kinds).pack()


class _AtHand:
    """What was read of the exports looked at last, until it is too many rows."""

    def __init__(self) -> None:
        self._parts: dict[Path, list[Any]] = {}
        self._rows = 0

    def get(self, folder: Path, read: Callable[[], list[Any]]) -> list[Any]:
        if folder in self._parts:
            return self._parts[folder]
        found = self._parts[folder] = read()
        self._rows += sum(map(len, found))
        while self._rows > _AT_HAND and len(self._parts) > 1:
            self._rows -= sum(map(len, self._parts.pop(next(iter(self._parts)))))
        return found


@dataclass
class _Packer:
    manifest: Manifest
    kinds: Mapping[str, Kind]
    exports: dict[Path, list[StagedSheet]] = field(default_factory=dict)
    _read: _AtHand = field(default_factory=_AtHand)
    _known: _AtHand = field(default_factory=_AtHand)

    def __post_init__(self) -> None:
        self._chains: Chains = self.manifest.chains(self.kinds)

    def pack(self) -> int:
        exports = self.exports
        for sheet in self.manifest.sheets:
            exports.setdefault(sheet.folder, []).append(sheet)
        records = {folder: load_record(folder / "export.json") or {} for folder in exports}
        _remove_leavings(exports, records)
        order = sorted(exports, key=lambda folder: exports[folder][0].age)
        packed = 0
        earlier = _Earlier()
        for folder in order:
            sheets, record = exports[folder], records[folder]
            if any(self.kinds[s.kind].key_column != "case_code" for s in sheets):
                continue
            if not record.get("is_looked_at"):
                record |= {"is_looked_at": True, "marks": _marks(self._codes(sheets))}
                bases = (exports[other] for other in earlier.find(sheets, record["marks"]))
                told = next((t for base in bases if (t := self._tell(base, sheets)) is not None), None)
                if told is None:
                    save_record(folder / "export.json", record)
                else:
                    base = told[0]
                    exports[folder] = _write(
                        record, {"file_id": base[0].file_id, "lists": records[base[0].folder]["lists"]}, base, *told[1:]
                    )
                    packed += 1
            earlier.add(sheets, record.get("marks", ()))
        return packed

    def _tell(self, base: list[StagedSheet], sheets: list[StagedSheet]) -> "_Told | None":
        """The export told by the base; None when the base tells less than half of it."""
        if not _share_dossiers(self._codes(base), self._codes(sheets)):
            return None
        told = []
        rows = new = 0
        for sheet, before, after in zip(sheets, self._contents(base), self._contents(sheets), strict=True):
            if before.schema != after.schema:
                return None
            numbers = after["row_number"].to_numpy().astype(np.int64)
            runs, is_new = find_runs(before.drop_columns(["row_number"]), after.drop_columns(["row_number"]), numbers)
            told.append((sheet, runs, is_new))
            rows, new = rows + len(is_new), new + int(is_new.sum())
        return (base, told) if rows and new <= (1 - _WORTH) * rows else None

    def _codes(self, sheets: Sequence[StagedSheet]) -> pa.Array:
        """The dossiers' codes of an export: where it stands as it was read, without its other columns."""

        def read() -> list[pa.Array]:
            is_packed = any(sheet.base for sheet in sheets)
            tables = self._contents(sheets) if is_packed else [pq.read_table(sheet.part("rows"), columns=["case_code"]) for sheet in sheets]
            codes = pa.chunked_array([c for t in tables for c in t["case_code"].chunks], pa.string())
            return [codes.drop_null().combine_chunks()]

        [codes] = self._known.get(sheets[0].folder, read)
        return codes

    def _contents(self, sheets: Sequence[StagedSheet]) -> list[pa.Table]:
        """What the rows of an export's sheets say and their row numbers."""
        return self._read.get(sheets[0].folder, lambda: [self._content(sheet) for sheet in sheets])

    def _content(self, sheet: StagedSheet) -> pa.Table:
        if sheet.base:
            if (sheet.folder, sheet.number) not in self._chains.listed:  # packed a moment ago
                self._chains = load_chains(list_chained([s for sheets in self.exports.values() for s in sheets]), self.kinds)
            return _with_troubles(*self._chains.expand(sheet))
        rows = pq.read_table(sheet.part("rows"))
        troubles = pq.read_table(sheet.part("troubles")) if sheet.has_troubles else TROUBLES.empty_table()
        places = np.searchsorted(rows["row_number"].to_numpy(), troubles["row_number"].to_numpy())
        return _with_troubles(rows.drop_columns(list(_PLACE[1:])), troubles.append_column("place", pa.array(places)))


# A base, and of each sheet that it tells: the sheet, its runs, and which of its rows are new.
_Told = tuple[list[StagedSheet], list[tuple[StagedSheet, pa.Table, np.ndarray]]]


class _Earlier:
    """The exports that were looked at, by what a later one must have in common with its base: reader, sheets, and some dossiers."""

    def __init__(self) -> None:
        self._newest: dict[tuple[object, ...], deque[Path]] = {}

    def add(self, sheets: Sequence[StagedSheet], marks: Iterable[int]) -> None:
        """Exports are added in the order of their age."""
        folder = sheets[0].folder
        if "~" not in folder.name:  # set aside when it was read again
            for mark in (None, *marks):
                self._newest.setdefault((_form(sheets), mark), deque(maxlen=_CANDIDATES)).append(folder)

    def find(self, sheets: Sequence[StagedSheet], marks: Iterable[int]) -> list[Path]:
        """The newest exports that list some of the dossiers, most in common first; then the newest, whatever they list."""
        form = _form(sheets)
        common = Counter(folder for mark in marks for folder in reversed(self._newest.get((form, mark), ())))
        found = [folder for folder, _ in common.most_common(_CANDIDATES)]  # of equally many the newest first
        return list(dict.fromkeys([*found, *reversed(self._newest.get((form, None), ()))]))[:_CANDIDATES]


def _form(sheets: Sequence[StagedSheet]) -> tuple[object, ...]:
    return sheets[0].folder.parent, tuple((sheet.number, sheet.kind) for sheet in sheets)


def _marks(codes: pa.Array) -> list[int]:
    """A few of the dossiers, always the same of the same list and mostly the same of a changed one: the codes that come first when read backwards."""
    backwards = pc.unique(pc.binary_reverse(codes.cast(pa.binary())))
    first = backwards.take(pc.select_k_unstable(backwards, k=min(_MARKS, len(backwards)), sort_keys=[("", "ascending")]))
    return sorted(zlib.crc32(code) for code in first.to_pylist())


def _share_dossiers(known: pa.Array, codes: pa.Array) -> bool:
    """A look at some dossiers spares comparing lists that have nothing in common."""
    if not len(codes):
        return False
    sample = codes.take(pa.array(np.linspace(0, len(codes) - 1, min(_SAMPLE, len(codes))).astype(np.int64)))
    met = known.filter(pc.is_in(known, value_set=sample))  # looking up the few among the many would first make a table of the many
    return bool(pc.sum(pc.is_in(sample, value_set=met)).as_py() >= _WORTH * len(sample))


def _with_troubles(rows: pa.Table, troubles: pa.Table) -> pa.Table:
    """The rows with one more column: what is wrong with them, as text."""
    told: dict[int, list[str]] = {}
    for place, *trouble in zip(troubles["place"].to_pylist(), *(troubles[name].to_pylist() for name in TROUBLES.names[1:]), strict=True):
        told.setdefault(place, []).append(repr(trouble))
    texts: list[str | None] = [None] * rows.num_rows
    for place, parts in told.items():
        texts[place] = "\n".join(sorted(parts))
    return rows.append_column("troubles", pa.array(texts, pa.string()))


def _write(
    record: dict[str, Any], named: dict[str, str], base: Sequence[StagedSheet], told: Sequence[tuple[StagedSheet, pa.Table, np.ndarray]]
) -> list[StagedSheet]:
    """The packed form stands in place of the whole one; at no moment is neither there, also when the power goes.

    Returns:
        The export's sheets as they are now.
    """
    mark_base(base[0].folder)
    described = {sheet["number"]: sheet for sheet in record["sheets"]}
    written, old, now = [], [], []
    for sheet, runs, is_new in told:
        rows = pq.read_table(sheet.part("rows")).filter(pa.array(is_new))
        troubles = pq.read_table(sheet.part("troubles")) if sheet.has_troubles else TROUBLES.empty_table()
        troubles = troubles.filter(pc.is_in(troubles["row_number"], value_set=rows["row_number"].combine_chunks()))
        short = [list(run.values()) for run in runs.to_pylist()] if runs.num_rows <= _SHORT else None
        told_by = base[0].folder.name
        packed = replace(sheet, base=told_by, has_rows=rows.num_rows > 0, has_troubles=troubles.num_rows > 0, runs=short)
        parts = {"rows": rows, "runs": runs if short is None else RUNS.empty_table(), "troubles": troubles}
        for name, table in parts.items():
            if table.num_rows:  # statistics and Arrow's own schema are half of a file of a few hundred rows
                deltas = dict.fromkeys(runs.column_names, "DELTA_BINARY_PACKED") if name == "runs" else None
                small = {"write_statistics": False, "store_schema": False, "use_dictionary": name != "runs", "column_encoding": deltas}
                pq.write_table(table, packed.part(name), compression="zstd", **small)
                written.append(packed.part(name))
        described[sheet.number] |= {"new_rows": rows.num_rows, "new_troubles": troubles.num_rows, "runs": short}
        old += [sheet.part("rows"), sheet.part("troubles")]
        now.append(packed)
    folder = now[0].folder
    for path in [*written, folder]:
        _sync(path)
    # the base's own name and lists, not its folder's name: it may be set aside later (see flows/staging.py)
    save_record(folder / "export.json", record | {"base": named, "sheets": [described[n] for n in sorted(described)]})
    _sync(folder)
    for path in old:
        path.unlink(missing_ok=True)
    return now


def _sync(path: Path) -> None:
    """What stands at the path survives a power cut; Windows cannot sync folders and does not need it."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leavings(exports: Mapping[Path, Sequence[StagedSheet]], records: Mapping[Path, Mapping[str, Any]]) -> None:
    """Nothing half packed is left, and no base that tells nothing any more."""
    for folder, record in records.items():
        unused = (
            ("[0-9]*.rows.parquet", "[0-9]*.troubles.parquet") if record.get("base") else ("[0-9]*.new*.parquet", "[0-9]*.runs.parquet")
        )
        for path in (path for pattern in unused for path in folder.glob(pattern)):
            path.unlink(missing_ok=True)
    for reader in {folder.parent for folder in exports}:
        set_aside = list(reader.glob("*~*"))
        if set_aside:  # also exports that do not count now, withdrawn ones for example, may count again
            bases = [(load_record(path) or {}).get("base") for path in reader.glob("*/export.json")]
            needed = {base_folder(base["file_id"], base["lists"]) for base in bases if base}
            for path in set_aside:
                if path.name not in needed:
                    shutil.rmtree(path, ignore_errors=True)
