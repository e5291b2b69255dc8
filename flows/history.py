"""What was published, day by day, kept outside the warehouse that is built anew: the ground for "what changed" and for looking back.

<warehouse>.staged/published/<yyyy-mm-dd>.parquet, one file a day of as_of, the last publication of that day: its rows are the units' rates
of the current year, quarter and month; late receptions, work list and files stand in the file's metadata, so that the day is one file,
there whole or not at all. Codes and counts only.
"""

import base64
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.figures import Figures, Period, Rate, Unit

RATES = pa.schema(
    [
        ("as_of", pa.timestamp("us")),
        ("measure", pa.string()),
        ("period_kind", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("unit_code", pa.string()),
        ("unit_valid_from", pa.date32()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("status", pa.string()),
    ]
)
_KEY = b"tthc_published"
RateKey = tuple[str, str, date, str, date]


@dataclass(frozen=True)
class Published:
    """One published day.

    Attributes:
        rates: (measure, period kind, period start, unit code, unit valid_from) -> (numerator, denominator, status).
        late: dossier -> (unit code, unit valid_from, whether it still waits).
        worklist: (dossier, problem) -> (unit code, unit valid_from).
        files: file_ids that were counted.
    """

    as_of: datetime
    rates: dict[RateKey, tuple[int, int, str]]
    late: dict[str, tuple[str, date, bool]]
    worklist: dict[tuple[str, str], tuple[str, date]]
    files: frozenset[str]


@dataclass(frozen=True)
class Changes:
    """What is otherwise than on an earlier published day; only periods that both days have are compared.

    Attributes:
        newly_late: dossiers that waited more than 8 hours and were no breach before; taken_in: those that waited then and are received now.
        newly_missed, newly_met: rates of plan measures whose status turned.
        moved: rates of plan measures whose numerator or denominator changed, with both before.
        new_files: exports counted now and not then.
    """

    since: date
    newly_late: list[tuple[str, Unit]]
    taken_in: list[tuple[str, Unit]]
    newly_missed: list[Rate]
    newly_met: list[Rate]
    moved: list[tuple[Rate, int, int]]
    new_files: int

    @property
    def is_nothing(self) -> bool:
        """Neither rates nor receptions changed."""
        return not (self.newly_late or self.taken_in or self.newly_missed or self.newly_met or self.moved)


def describe_published(figures: Figures) -> Published:
    """The figures of a day as history keeps them."""
    current = set(figures.current)
    return Published(
        figures.as_of,
        {_key(r): (r.numerator, r.denominator, r.status) for r in figures.rates if r.period in current and r.unit},
        {item.case_code: (*item.unit.key, item.is_waiting) for item in figures.late},
        {(item.case_code, item.problem): item.unit.key for item in figures.worklist},
        frozenset(figures.loaded_files),
    )


def record_published(staged: Path, figures: Figures) -> Path:
    """The day of these figures is in the history, in place of an earlier publication of the same day."""
    published = describe_published(figures)
    ends = {(p.kind, p.start): p.end for p in figures.current}
    rows = [
        dict(zip(RATES.names, (published.as_of, m, kind, start, ends[kind, start], code, first, n, d, status), strict=True))
        for (m, kind, start, code, first), (n, d, status) in sorted(published.rates.items())
    ]
    rest = {
        "as_of": published.as_of.isoformat(),
        "late": [[case, code, first.isoformat(), waiting] for case, (code, first, waiting) in sorted(published.late.items())],
        "worklist": [[*what, code, first.isoformat()] for what, (code, first) in sorted(published.worklist.items())],
        "files": sorted(published.files),
    }
    path = staged / "published" / f"{published.as_of:%Y-%m-%d}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        with pq.ParquetWriter(stream, RATES, compression="zstd") as writer:
            writer.write_table(pa.Table.from_pylist(rows, schema=RATES))
            writer.add_key_value_metadata({_KEY: _pack(rest)})  # beside the schema, where it would stand twice
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return path


def _pack(rest: dict[str, Any]) -> bytes:
    """Parquet does not compress its metadata, and wants text there."""
    return base64.b64encode(zlib.compress(json.dumps(rest).encode(), 9))


def _unpack(packed: bytes) -> dict[str, Any]:
    """What `_pack` packed; days kept before 28/11/2026 are plain JSON."""
    return dict(json.loads(packed if packed.startswith(b"{") else zlib.decompress(base64.b64decode(packed))))


def published_days(staged: Path) -> list[date]:
    """The days in the history, oldest first."""
    return sorted(date.fromisoformat(path.stem) for path in (staged / "published").glob("[0-9]*.parquet"))


def load_published(staged: Path, day: date) -> Published:
    """One day of the history."""
    with pq.ParquetFile(staged / "published" / f"{day:%Y-%m-%d}.parquet") as file:
        table, rest = file.read(), _unpack(file.metadata.metadata[_KEY])
    return Published(
        datetime.fromisoformat(rest["as_of"]),
        {
            (r["measure"], r["period_kind"], r["period_start"], r["unit_code"], r["unit_valid_from"]): (
                r["numerator"],
                r["denominator"],
                r["status"],
            )
            for r in table.to_pylist()
        },
        {case: (code, date.fromisoformat(first), waiting) for case, code, first, waiting in rest["late"]},
        {(case, problem): (code, date.fromisoformat(first)) for case, problem, code, first in rest["worklist"]},
        frozenset(rest["files"]),
    )


def find_changes(staged: Path, figures: Figures) -> Changes | None:
    """What changed since the newest published day before that of the figures; None where there is none.

    A day run again is compared with the same earlier day, so it says the same.
    """
    earlier = [day for day in published_days(staged) if day < figures.as_of.date()]
    return compare(load_published(staged, earlier[-1]), figures) if earlier else None


def compare(before: Published, figures: Figures) -> Changes:
    """What is otherwise now."""
    plan = {m.name for m in figures.measures if m.family == "plan"}
    current = set(figures.current)
    turned: dict[str, list[Rate]] = {"missed": [], "met": []}
    moved = []
    for rate in figures.rates:
        old = before.rates.get(_key(rate)) if rate.measure in plan and rate.period in current else None
        if old is None:
            continue
        if (rate.numerator, rate.denominator) != old[:2]:
            moved.append((rate, old[0], old[1]))
        if rate.status != old[2] and rate.status in turned:
            turned[rate.status].append(rate)
    return Changes(
        before.as_of.date(),
        [(i.case_code, i.unit) for i in figures.late if i.case_code not in before.late],
        [(i.case_code, i.unit) for i in figures.late if not i.is_waiting and before.late.get(i.case_code, ("", date.min, False))[2]],
        turned["missed"],
        turned["met"],
        moved,
        len(set(figures.loaded_files) - before.files),
    )


def of_units(changes: Changes, keys: Sequence[tuple[str, date]]) -> Changes:
    """The changes of some units only."""
    mine = set(keys)
    return Changes(
        changes.since,
        [pair for pair in changes.newly_late if pair[1].key in mine],
        [pair for pair in changes.taken_in if pair[1].key in mine],
        [rate for rate in changes.newly_missed if rate.unit and rate.unit.key in mine],
        [rate for rate in changes.newly_met if rate.unit and rate.unit.key in mine],
        [entry for entry in changes.moved if entry[0].unit and entry[0].unit.key in mine],
        changes.new_files,
    )


def _key(rate: Rate) -> RateKey:
    unit = rate.unit
    if unit is None:
        raise ValueError("a rate of a group has no unit")
    period: Period = rate.period
    return (rate.measure, period.kind, period.start, unit.code, unit.valid_from)
