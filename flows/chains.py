"""Exports staged as what changed since an earlier one (see flows/packing.py), read back as rows.

<warehouse>.staged/read/<reader>/<file_id>/   of a packed export: export.json with `base`, NN.new.parquet and NN.new_troubles.parquet
                                              (its rows that the base does not have), NN.runs.parquet (all its rows in order)

A row that stands unchanged in several exports is one state. The build sees each state once, at its newest place, as rows of work.<kind>_rows
with a state_id; all its places are in work.places. An export that tells no other and is told by none has no states: its rows are its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from flows.engine import parquet_rows
from transforms.layouts import Kind
from transforms.normalise import staged_schema
from transforms.row_runs import RUNS, follow_runs
from transforms.troubles import TROUBLES

LINEAGE = (("file_id", pa.string()), ("sheet", pa.string()), ("sheet_number", pa.int32()))
PLACES = pa.schema([("state_id", pa.int64()), ("export_number", pa.int32()), ("row_number", pa.int32())])
CHAINED_EXPORTS = pa.schema([("export_number", pa.int32()), ("kind", pa.string()), *LINEAGE])


@dataclass(frozen=True)
class StagedSheet:
    """One staged sheet of data.

    Attributes:
        folder: where its export is staged.
        number: the sheet's number in the export.
        has_rows, has_troubles: whether it has files of (new) rows and of their troubles.
        base: name of the folder (beside its own) whose sheet of the same number tells it; None when all its rows are kept as rows.
        runs: its runs, where they are few; else they stand in a file.
        status: loaded or later; None for a base that does not count itself.
        exported_at: the export's age.
    """

    folder: Path
    number: int
    kind: str
    name: str | None
    file_id: str
    has_rows: bool
    has_troubles: bool
    base: str | None = None
    runs: Sequence[Sequence[int]] | None = None
    status: str | None = None
    exported_at: datetime | None = None

    def part(self, name: str) -> Path:
        """One of its files: rows or troubles (of a packed sheet those that are new), or runs."""
        told = f"new{'_troubles' if name == 'troubles' else ''}" if self.base and name != "runs" else name
        return self.folder / f"{self.number:02d}.{told}.parquet"

    @property
    def age(self) -> tuple[bool, datetime, str]:
        """The order in which exports overrule each other: the newest last (see 45_latest.sql)."""
        return (self.exported_at is not None, self.exported_at or datetime.min, self.file_id)


def base_folder(name: str, lists: str) -> str:
    """Where a base is kept once its export has been read again with other lists: what it told must stay as it was."""
    return f"{name}~{lists}"


def sheets_of(folder: Path, record: Mapping[str, Any], file_id: str, **facts: Any) -> list[StagedSheet]:
    """The staged sheets of one export's record."""
    base = _find_base(folder, record.get("base"))
    new = "new_" if base else ""
    return [
        StagedSheet(
            folder,
            s["number"],
            s["kind"],
            s["name"] or None,
            file_id,
            has_rows=base is None or bool(s["new_rows"]),
            has_troubles=bool(s[f"{new}troubles"]),
            base=base,
            runs=s.get("runs"),
            **facts,
        )
        for s in record["sheets"]
    ]


def _find_base(folder: Path, base: Mapping[str, str] | None) -> str | None:
    if base is None:
        return None
    set_aside = base_folder(base["file_id"], base["lists"])
    return set_aside if (folder.parent / set_aside).is_dir() else base["file_id"]


@dataclass
class Chains:
    """States and places of all exports that tell or are told by others.

    Attributes:
        rows: kind -> its states at their newest places: the staged columns, lineage and state_id.
        troubles: troubles of those rows, with their lineage.
        places: every place of every state, see PLACES.
        first_places: the oldest place of every state in what is loaded, see PLACES.
        exports: what export_number stands for, see CHAINED_EXPORTS.
        listed: (folder, sheet number) -> states of the sheet's rows, in order.
    """

    rows: dict[str, pa.Table] = field(default_factory=dict)
    troubles: pa.Table = field(default_factory=lambda: _with_lineage(TROUBLES).empty_table())
    places: pa.Table = field(default_factory=PLACES.empty_table)
    first_places: pa.Table = field(default_factory=PLACES.empty_table)
    exports: pa.Table = field(default_factory=CHAINED_EXPORTS.empty_table)
    listed: dict[tuple[Path, int], np.ndarray] = field(default_factory=dict)
    contents: dict[str, tuple[int, pa.Table, pa.Table]] = field(default_factory=dict)

    def expand(self, sheet: StagedSheet) -> tuple[pa.Table, pa.Table]:
        """(rows, troubles) of one chained sheet as it was staged; troubles carry `place`, the row's place in the sheet."""
        first, content, troubles = self.contents[sheet.kind]
        states = self.listed[sheet.folder, sheet.number] - first
        order = np.full(content.num_rows, -1, dtype=np.int64)
        order[states] = np.arange(len(states))
        at = order[troubles["state"].to_numpy()]
        mine = pa.array(at >= 0)
        return content.take(pa.array(states)), troubles.filter(mine).append_column("place", pa.array(at[at >= 0]))


def _with_lineage(schema: pa.Schema) -> pa.Schema:
    for name, kind in LINEAGE:
        schema = schema.append(pa.field(name, kind))
    return schema


def load_chains(sheets: Sequence[StagedSheet], kinds: Mapping[str, Kind]) -> Chains:
    """The chains of these sheets.

    Args:
        sheets: every chained sheet, bases that do not count themselves included.
        kinds: the export kinds.
    """
    chains = Chains()
    counting = [sheet for sheet in sheets if sheet.status]
    numbers = {(sheet.folder, sheet.number): number for number, sheet in enumerate(counting)}
    chains.exports = pa.table(
        [list(range(len(counting))), *([getattr(s, name) for s in counting] for name in ("kind", "file_id", "name", "number"))],
        schema=CHAINED_EXPORTS,
    )
    places, oldest, troubles, first = [], [], [], 0
    for kind in dict.fromkeys(sheet.kind for sheet in sheets):
        mine = [sheet for sheet in sheets if sheet.kind == kind]
        content, found, listed = _load_states(mine, staged_schema(kinds[kind]), first)
        chains.contents[kind] = (first, content, found)
        chains.listed |= {key: states for key, (states, _) in listed.items()}
        newest, row = np.full(content.num_rows, -1, dtype=np.int64), np.zeros(content.num_rows, dtype=np.int64)
        by_age = sorted((sheet for sheet in mine if sheet.status), key=lambda s: s.age)
        for status in ("later", "loaded"):  # what is loaded overrules what is not yet
            for sheet in (s for s in by_age if s.status == status):
                states, row_numbers = listed[sheet.folder, sheet.number]
                newest[states - first], row[states - first] = numbers[sheet.folder, sheet.number], row_numbers
                places.append((states, numbers[sheet.folder, sheet.number], row_numbers))
        earliest, earliest_row = np.full(content.num_rows, -1, dtype=np.int64), np.zeros(content.num_rows, dtype=np.int64)
        # the oldest last; sheets of one moment keep their order, so that of these, too, the one counts that overrules the others
        for sheet in sorted((s for s in by_age if s.status == "loaded"), key=lambda s: s.age[:2], reverse=True):
            states, row_numbers = listed[sheet.folder, sheet.number]
            earliest[states - first], earliest_row[states - first] = numbers[sheet.folder, sheet.number], row_numbers
        oldest.append(_places(np.flatnonzero(earliest >= 0) + first, earliest[earliest >= 0], earliest_row[earliest >= 0]))
        kept = np.flatnonzero(newest >= 0)
        chains.rows[kind] = _place(content.take(pa.array(kept)), chains.exports, newest[kept], row[kept], kept + first)
        at = found["state"].to_numpy()
        shown = newest[at] >= 0
        at = at[shown]
        troubles.append(_place(found.filter(pa.array(shown)).drop_columns(["state"]), chains.exports, newest[at], row[at]))
        first += content.num_rows
    if places:
        chains.places = pa.concat_tables([_places(states, np.full(len(states), number), rows) for states, number, rows in places])
        chains.first_places = pa.concat_tables(oldest)
        chains.troubles = pa.concat_tables(troubles)
    return chains


def _places(states: np.ndarray, exports: np.ndarray, rows: np.ndarray) -> pa.Table:
    return pa.table([states, exports.astype(np.int32), rows.astype(np.int32)], schema=PLACES)


_Listed = dict[tuple[Path, int], tuple[np.ndarray, np.ndarray]]


def _load_states(sheets: Sequence[StagedSheet], schema: pa.Schema, first: int) -> tuple[pa.Table, pa.Table, _Listed]:
    """(states, their troubles with the number of the state, states and row numbers of every sheet); bases come before what they tell."""
    ordered = _bases_first(sheets)
    states, ends = _read_rows([sheet.part("rows") for sheet in ordered if sheet.has_rows], schema)
    every_row = states["row_number"].to_numpy().astype(np.int64)
    runs = _read_runs([sheet for sheet in ordered if sheet.base])
    ended, begin = iter(ends), 0
    troubles, listed = [], _Listed()
    for sheet in ordered:
        end = next(ended) if sheet.has_rows else begin
        own_rows = every_row[begin:end]
        if sheet.base is None:
            listed[sheet.folder, sheet.number] = (first + np.arange(begin, end), own_rows)
        else:
            base = sheet.folder.parent / sheet.base
            listed[sheet.folder, sheet.number] = follow_runs(runs[sheet.folder, sheet.number], listed[base, sheet.number][0], first + begin)
        if sheet.has_troubles:
            found = _read(sheet.part("troubles"), TROUBLES.names)
            at = np.searchsorted(own_rows, found["row_number"].to_numpy())
            troubles.append(found.append_column("state", pa.array(begin + at)))
        begin = end
    none = pa.schema([*TROUBLES, ("state", pa.int64())]).empty_table()
    return states, pa.concat_tables([none, *troubles]), listed


def _bases_first(sheets: Sequence[StagedSheet]) -> list[StagedSheet]:
    """The sheets, each after the one that tells it."""
    by_place = {(sheet.folder.name, sheet.folder.parent, sheet.number): sheet for sheet in sheets}
    ordered: dict[tuple[Path, int], StagedSheet] = {}
    for sheet in sheets:
        waiting = [sheet]  # a chain may be years long: no recursion
        while (last := waiting[-1]).base is not None and (last.folder.parent / last.base, last.number) not in ordered:
            waiting.append(by_place[last.base, last.folder.parent, last.number])
        for one in reversed(waiting):
            ordered.setdefault((one.folder, one.number), one)
    return list(ordered.values())


def _read_rows(paths: Sequence[Path], schema: pa.Schema) -> tuple[pa.Table, list[int]]:
    """The rows of all files, one file after the other, with exactly these columns, and the place after each file's last row.

    By DuckDB, which keeps the order of files and rows: of a year of nights each file has some hundred rows, and it opens twice as many a second as Arrow does.
    """
    if not paths:
        return schema.empty_table(), []
    with duckdb.connect(":memory:") as connection:
        connection.register("shape", schema.empty_table())
        columns = ", ".join(f'"{name}"' for name in schema.names)
        rows = f"SELECT *, CAST(-1 AS BIGINT) AS file_number FROM shape UNION ALL BY NAME SELECT *, file_index AS file_number FROM {parquet_rows(paths)}"
        found = connection.sql(f"SELECT {columns}, CAST(file_number AS INTEGER) AS file_number FROM ({rows}) AS staged").to_arrow_table()
    counts = np.bincount(found["file_number"].to_numpy(), minlength=len(paths))
    return found.drop_columns(["file_number"]).cast(schema).combine_chunks(), np.cumsum(counts).tolist()


def _read(path: Path, columns: list[str]) -> pa.Table:
    """The columns that the file has of these; troubles are few rows, for which threads only cost."""
    with pq.ParquetFile(path) as file:
        return file.read(columns, use_threads=False)


def _read_runs(sheets: Sequence[StagedSheet]) -> dict[tuple[Path, int], pa.Table]:
    """The runs of packed sheets, from their records or files."""
    filed = [sheet for sheet in sheets if sheet.runs is None]
    rows, ends = _read_rows([sheet.part("runs") for sheet in filed], RUNS)
    found = {(s.folder, s.number): rows.slice(begin, end - begin) for s, begin, end in zip(filed, [0, *ends], ends, strict=False)}
    for sheet in sheets:
        if sheet.runs is not None:
            columns = zip(*sheet.runs, strict=True) if sheet.runs else [[], [], []]
            found[sheet.folder, sheet.number] = pa.table([pa.array(column, pa.int32()) for column in columns], schema=RUNS)
    return found


def _place(table: pa.Table, exports: pa.Table, export: np.ndarray, row: np.ndarray, state: np.ndarray | None = None) -> pa.Table:
    """The rows with the lineage of these places, and their states where given."""
    table = table.set_column(table.column_names.index("row_number"), "row_number", pa.array(row.astype(np.int32)))
    at = pa.array(export)
    for name, kind in LINEAGE:
        table = table.append_column(name, exports[name].combine_chunks().take(at).cast(kind))
    return table if state is None else table.append_column("state_id", pa.array(state, pa.int64()))
