"""Writes a whole sample: exports of every kind and shape, the reference tables, and the truth about both."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from flows.sample import people, words
from flows.sample.aggregates import Aggregates
from flows.sample.catalogue import write_catalogue
from flows.sample.cells import Columns, Moments, Scribe
from flows.sample.district import District, calendar_overrides, overrides_by_date, read_reference, unit_rows
from flows.sample.dossiers import ONLINE, Batch, CaseNumbers, draw_batch, rewind
from flows.sample.exports import Export, Heading, Receipt
from flows.sample.facts import FactLists
from flows.sample.fees import draw_fees, draw_scans
from flows.sample.layouts import PLAIN, SMALL_ROWS, Layout
from flows.sample.oddities import plant_oddities
from flows.sample.plan import Part, plan_parts
from flows.sample.spoiled import copy_twice, settle_duplicates, write_ignored, write_refused
from flows.sample.summary06 import Summary06, last_full_quarter
from flows.sample.truth import Truth, iso
from flows.sample.worktime import DAY, NONE, Worktime

VERSION = 3
FEWEST, MOST = 100, 10_000_000
_BASE_CASE_COLUMNS = [c for c in words.CASE_HEADINGS if c not in ("supplements", "email", "birthday", "unheard")]
_WAITING_COLUMNS = ("code", "procedure_code", "procedure_name", "level", "unit", "owner", "submitted", "status")
_WAITING_ROWS = 50_000
_SHARED_ROWS = 3


@dataclass(frozen=True)
class SampleSummary:
    """What was written, and where."""

    raw: Path
    reference: Path
    truth: Path
    as_of: datetime
    dossiers: int
    files: int


def write_sample(
    out: Path,
    *,
    seed: int = 1,
    cases: int = 4000,
    year: int = 2024,
    as_of: datetime | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> SampleSummary:
    """Fills ``out`` with ``raw``, ``reference`` and ``truth``; the same arguments give the same bytes.

    Args:
        out: The folder; its three sub-folders must be missing or empty.
        seed: Of everything drawn.
        cases: Dossiers, 100 to 10,000,000; memory does not grow with them, files and time do (about a minute a million).
        year: In which all of them are filed. In 2025 the units change on 1 July: a district with 14 communes before, five
            communes after.
        as_of: When the exports are made, to the minute; 30 June of the year at 23:00 by default. From 8 January to the
            end of the year.
        on_progress: Called with the number of dossiers written so far.

    Raises:
        ValueError: For a number of dossiers or an ``as_of`` out of range.
        FileExistsError: When a sub-folder holds something already.
    """
    moment = (as_of or datetime(year, 6, 30, 23, 0)).replace(second=0, microsecond=0)
    if not FEWEST <= cases <= MOST:
        raise ValueError(f"số hồ sơ mẫu phải từ {FEWEST} đến {MOST}, không phải {cases}")
    if not datetime(year, 1, 8) <= moment < datetime(year + 1, 1, 1):
        raise ValueError(f"thời điểm chốt phải từ 08/01/{year} đến hết năm {year}, không phải {moment:%H:%M %d/%m/%Y}")
    for name in ("raw", "reference", "truth"):
        if (out / name).is_dir() and any((out / name).iterdir()):
            raise FileExistsError(f"{out / name} is not empty; a sample needs a folder of its own")
        if (out / name).is_dir():
            (out / name).rmdir()
    return _Sample(out, seed, cases, year, moment).write(on_progress or (lambda done: None))


class _Sample:
    """One run of the generator."""

    def __init__(self, out: Path, seed: int, cases: int, year: int, as_of: datetime) -> None:
        self.raw, self.reference, self.truth = out / "raw", out / "reference", out / "truth"
        self._arguments = {"seed": seed, "cases": cases, "year": year, "as_of": iso(as_of), "version": VERSION}
        self._seed, self._cases, self._year, self._as_of = seed, cases, year, as_of
        self._district = District(seed, year)
        self._clock = Worktime(year, overrides_by_date(year))
        self._now = self._clock.minute(as_of)
        self._moments = Moments(self._clock)
        self._numbers = CaseNumbers(self._district, self._clock)
        self._receipts: list[Receipt] = []
        self._waiting: list[Batch] = []
        self._waiting_lists = 0
        self._waiting_rng = np.random.default_rng([seed, 3])
        self._first_rows: Batch | None = None
        # A month ago: the end of the month before; in January, some days ago.
        month_begin = datetime(year, as_of.month, 1)
        self._past = month_begin - timedelta(hours=1) if as_of.month > 1 else as_of - timedelta(days=5)

    def write(self, on_progress: Callable[[int], None]) -> SampleSummary:
        self.raw.mkdir(parents=True)
        self._write_reference()
        truth = Truth(self.truth, self._district, self._clock, self._moments, self._now)
        quarter = last_full_quarter(self._as_of)
        summary06 = Summary06(self._district, quarter, self._clock) if quarter else None
        aggregates = Aggregates(self._district, quarter, self._clock) if quarter else None
        lists = FactLists(self.raw, self._district, self._moments, self._span(), self._past, self._as_of, self._seed)
        for part in plan_parts(self._cases, self._as_of, self._clock):
            rng = np.random.default_rng([self._seed, 2, part.number])
            batch = self._draw(part, rng)
            fees = draw_fees(batch, self._district, self._now, rng)
            scans = draw_scans(batch, self._district, rng)
            truth.add(batch, fees, scans)
            if summary06:
                summary06.add(batch)
            if aggregates:
                aggregates.add(batch, fees, scans)
            self._write_cases(part, batch, rng)
            lists.add(part.number, batch, fees, scans)
            self._keep_waiting(batch)
            if part.is_first and part.month == self._past.month:
                self._write_past(batch, rng)
                lists.write_past(batch, fees, scans, self._clock.minute(self._past))
            on_progress(truth.dossiers)
        self._receipts += lists.close()
        self._write_waiting(is_last=True)
        self._write_once(summary06, aggregates)
        numbers = summary06.as_dict() if summary06 else {}
        truth.close(self._receipts, numbers, aggregates.as_dict() if aggregates else {}, self._arguments)
        return SampleSummary(
            self.raw,
            self.reference,
            self.truth,
            self._as_of,
            truth.dossiers,
            sum(p.is_file() for p in self.raw.rglob("*")),
        )

    def _span(self) -> tuple[datetime, datetime]:
        return datetime(self._year, 1, 1), self._as_of

    def _draw(self, part: Part, rng: np.random.Generator) -> Batch:
        pools = (len(people.NAMES), len(people.OFFICERS), len(people.ADDRESSES))
        batch = draw_batch(part.size, part.window, self._district, self._clock, self._now, self._numbers, pools, rng)
        plant_oddities(batch, self._now, rng)
        begin = 0
        for layout, size in part.shares:
            rows = slice(begin, begin + size)
            if layout.due_is_day:
                due = batch.due[rows]
                batch.due[rows] = np.where(due == NONE, NONE, due // DAY * DAY)
            told = ~batch.waiting_only[rows] & (rng.random(size) < 0.9) if "supplements" in layout.extra else np.zeros(size, dtype=bool)
            # Dossiers that stand in two files of the same age must say the same in both, so they say nothing of this.
            told[np.flatnonzero(~batch.waiting_only[rows])[:_SHARED_ROWS]] = False
            batch.supplements[rows] = np.where(told, batch.supplements[rows], NONE)
            begin += size
        return batch

    def _write_cases(self, part: Part, batch: Batch, rng: np.random.Generator) -> None:
        begin = 0
        shared: Batch | None = None
        for layout, size in part.shares:
            rows = batch.take(np.arange(begin, begin + size))
            begin += size
            rows = rows.take(~rows.waiting_only)
            if shared is not None and not layout.due_is_day and size <= SMALL_ROWS:
                # A dossier present in two exports of the same age.
                rows = Batch.join([rows, shared])
            shared = None if layout.due_is_day else rows.take(np.arange(min(_SHARED_ROWS, len(rows))))
            if layout.repeats_cases:
                # Listed twice in one file: the later row is the state that holds.
                rows = Batch.join([rewind(rows.take(np.arange(min(4, len(rows)))), self._now - 9 * DAY), rows])
            if len(rows):
                path = self._fill(layout.path, part)
                self._write_list(path, layout, self._period(part), self._as_of, rows, rng)
        if self._first_rows is None:
            self._first_rows = batch.take(np.arange(min(40, len(batch))))

    def _fill(self, path: str, part: Part) -> str:
        stamp = f"{self._as_of:%Y%m%d%H%M%S}"
        return path.format(mm=f"{part.month:02d}", yyyy=self._year, part=f"{part.number:03d}", stamp=stamp)

    def _period(self, part: Part) -> tuple[datetime, datetime]:
        begin, end = part.window
        return self._clock.moment(begin), self._clock.moment(end - 1)

    def _write_list(
        self,
        path: str,
        layout: Layout,
        period: tuple[datetime, datetime],
        exported_at: datetime,
        rows: Batch,
        rng: np.random.Generator,
        headings: dict[str, tuple[str, ...]] | None = None,
    ) -> Receipt:
        if layout.sections:
            key = rows.unit if layout.sections == "unit" else self._district_field(rows)
            rows = rows.take(np.argsort(key, kind="stable"))
        scribe = Scribe(layout, self._district, self._moments, rng)
        columns = [*_BASE_CASE_COLUMNS, *layout.extra]
        headings = headings or {c: words.CASE_HEADINGS[c] for c in columns}
        heading = Heading("cases", period, exported_at)
        export = Export(self.raw, path, layout, heading, headings, rng, size=len(rows))
        sections = [scribe.section(rows, i) for i in range(len(rows))] if layout.sections else []
        export.add(scribe.cases(rows), words.BAD_CASES if layout.has_bad_rows else (), sections)
        self._receipts.append(export.close())
        return self._receipts[-1]

    def _district_field(self, rows: Batch) -> np.ndarray:
        fields = [p.field for p in self._district.procedures]
        return np.array([fields.index(f) for f in fields])[rows.procedure]

    def _keep_waiting(self, batch: Batch) -> None:
        shown = batch.waiting_only.copy()
        also = np.flatnonzero((batch.status == 1) & (batch.channel == ONLINE) & ~shown)
        shown[also[::2]] = True
        # Received by now: the list of dossiers says so, and at the same age it wins over the list of waiting ones.
        received = np.flatnonzero(batch.is_received & (batch.channel == ONLINE))[:2]
        stale = batch.take(received)
        stale.status[:] = 1
        self._waiting.append(Batch.join([batch.take(shown), stale]))
        self._write_waiting()

    def _write_waiting(self, *, is_last: bool = False) -> None:
        """Writes the full lists of what waits, and at the end the rest."""
        rows = Batch.join(self._waiting)
        while len(rows) >= _WAITING_ROWS or (is_last and len(rows)):
            chunk, rows = rows.take(np.arange(min(_WAITING_ROWS, len(rows)))), rows.take(np.arange(_WAITING_ROWS, len(rows)))
            self._waiting_lists += 1
            is_first = self._waiting_lists == 1
            name = "HoSoChoTiepNhan.xlsx" if is_first else f"HoSoChoTiepNhan_{self._waiting_lists}.xlsx"
            self._write_waiting_list(name, self._as_of, chunk, words.BAD_WAITING if is_first else (), self._waiting_rng)
        self._waiting = [rows]

    def _write_waiting_list(
        self,
        path: str,
        exported_at: datetime,
        rows: Batch,
        bad: tuple[tuple[str, dict[str, str]], ...],
        rng: np.random.Generator,
    ) -> None:
        layout = replace(PLAIN, has_signature=False)
        heading = Heading("waiting", self._span(), exported_at)
        headings = {c: words.CASE_HEADINGS[c] for c in _WAITING_COLUMNS}
        export = Export(self.raw, path, layout, heading, headings, rng, size=len(rows))
        cases = Scribe(layout, self._district, self._moments, rng).cases(rows)
        waiting: Columns = {c: cases[c] for c in _WAITING_COLUMNS}
        export.add(waiting, bad)
        self._receipts.append(export.close())

    def _write_past(self, batch: Batch, rng: np.random.Generator) -> None:
        """Writes what exports made a month earlier showed; newer ones hold every dossier in them."""
        past = rewind(batch.take(np.arange(min(SMALL_ROWS, len(batch)))), self._clock.minute(self._past))
        if not len(past):
            return
        period = (datetime(self._year, self._past.month, 1), self._past)
        self._write_list(f"z_DanhSachHoSo_T{self._past.month:02d}_cu.xlsx", PLAIN, period, self._past, past, rng)
        waiting = past.take((past.status == 1) & (past.channel == ONLINE))
        if len(waiting):
            self._write_waiting_list("xuat ra/HoSoChoTiepNhan_cu.xlsx", self._past, waiting, (), rng)

    def _write_once(self, summary06: Summary06 | None, aggregates: Aggregates | None) -> None:
        """Writes the files that stand alone: catalogue, tables per unit, one too late, one misnamed, and the broken ones."""
        rng = np.random.default_rng([self._seed, 4])
        first = self._first_rows
        if first is None:
            raise RuntimeError("no dossier was drawn")
        self._receipts.append(write_catalogue(self.raw, "DanhMucTTHC.xlsx", self._district, self._as_of))
        if summary06:
            self._receipts.append(summary06.write(self.raw, "bao cao/BieuSo06_Quy.xls", self._as_of))
        if aggregates:
            self._receipts += aggregates.write(self.raw, "bao cao", self._as_of)
        changed = first.take(np.arange(len(first)))
        changed.status[:] = 8
        late = self._as_of + timedelta(hours=2)
        self._write_list("sau_ngay.xlsx", PLAIN, self._span(), late, changed, rng).status = "later"
        headings = {c: words.CASE_HEADINGS[c] for c in _BASE_CASE_COLUMNS} | {"code": (words.UNKNOWN_CODE_HEADING,)}
        misnamed = self._write_list("doi_tieu_de.xlsx", PLAIN, self._span(), self._as_of, changed, rng, headings)
        self._receipts[-1] = Receipt(misnamed.path, None, "rejected")

        cases = [r for r in self._receipts if r.kind == "cases" and r.status == "loaded"]
        workbook = next(r.path for r in cases if r.path.endswith(".xlsx"))
        text = next((r.path for r in cases if r.path.endswith(".csv")), None)
        self._receipts += write_refused(self.raw, self.raw / workbook)
        write_ignored(self.raw, self.raw / workbook)
        self._receipts += copy_twice(self.raw, workbook, text or workbook)
        settle_duplicates(self.raw, self._receipts)

    def _write_reference(self) -> None:
        self.reference.mkdir(parents=True)
        year = self._year
        units = unit_rows(year)
        validity = {"valid_from": f"{year}-01-01", "valid_to": f"{year}-12-31"}
        targets = [t | validity for t in read_reference("targets.csv")]
        self._write_table("units.csv", list(units[0]), units)
        self._write_table("targets.csv", list(targets[0]), targets)
        self._write_table("calendar.csv", ["date", "is_working", "note"], calendar_overrides(year))

    def _write_table(self, name: str, columns: list[str], rows: list[dict[str, str]]) -> None:
        with (self.reference / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
