"""`make bench-year`: a year of nightly full lists of one district: what a night costs, and what is kept beside what the changes alone would take.

Every list holds the 20,000 dossiers filed last. Each night 60 come in, the 60 oldest leave, and 240 others go one step on: 300 new states. Most nights are
landed, read, listed and packed only, in one process. Around the 30th and at the end whole nights are run as the schedule runs them, each in a process of
its own with build, gate, report and mail; their figures are processor seconds of all their processes. What the changes alone take is measured: a second
office is given the first list, and then every night only the rows that say something new, as exports of their own. Then three lists come that repeat the
last one. Writes FOLDER/year.md, which `make bench` puts into docs/benchmarks.md.
"""

import argparse
import csv
import functools
import json
import random
import resource
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measuring import measure
from flows.night import Watcher, land, list_exports, load_office, pack, read, run_night
from flows.sample.district import calendar_overrides, read_procedures, read_reference, read_units, unit_rows
from flows.sample.words import CASE_HEADINGS, CHANNELS, LEVELS, STATUSES
from flows.settings import Settings, make_settings

ROOT = Path(__file__).resolve().parents[2]
FIRST = datetime(2024, 1, 1, 23)
_COLUMNS = "code procedure_code procedure_name level unit channel submitted received due finished returned status".split()
_FINISHED, _RETURNED, _STATUS = range(9, 12)
_WAY = (2, 4, 5, 9, 10)
"""The statuses that a dossier goes through, one a change."""
_NEW, _REPEATED = 60, 3
Row = list[str]


class Portal:
    """The one-stop system: its list, in the order of filing, and how far each dossier has come."""

    def __init__(self, seed: int, size: int) -> None:
        self.chance = random.Random(seed)
        self.units = [unit for unit in read_units(FIRST.year) if unit.level == "commune"]
        self.procedures = [p for p in read_procedures() if p.is_listed and "commune" in p.handlers]
        self.rows: dict[str, Row] = {}
        self.steps: dict[str, int] = {}
        self.filed = 0
        for number in range(size):
            age = (size - number) // _NEW
            code = self._file(FIRST - timedelta(days=1 + age))
            for _ in range(len(_WAY) - 1 if age > 6 else self.chance.randrange(len(_WAY))):
                self._move(code, FIRST - timedelta(days=1 + age // 2))

    def _file(self, day: datetime) -> str:
        unit, procedure = self.chance.choice(self.units), self.chance.choice(self.procedures)
        self.filed += 1
        code = f"{unit.code}-{day:%y%m%d}-{self.filed % 10_000:04d}"
        filed = day.replace(hour=self.chance.randrange(7, 17), minute=self.chance.randrange(60), second=self.chance.randrange(60))
        received = filed + timedelta(minutes=self.chance.randrange(1, 60))
        due = (filed + timedelta(days=9)).replace(hour=17, minute=0, second=0)
        about = [procedure.code, procedure.name, LEVELS[procedure.level][0], unit.name, CHANNELS[self.chance.randrange(2)][0]]
        self.rows[code] = [code, *about, *map(_written, (filed, received, due)), "", "", STATUSES[_WAY[0]]]
        self.steps[code] = 0
        return code

    def _move(self, code: str, night: datetime) -> None:
        row, at = self.rows[code], night - timedelta(minutes=self.chance.randrange(360, 900), seconds=self.chance.randrange(60))
        self.steps[code] += 1
        status = _WAY[self.steps[code]]
        row[_STATUS] = STATUSES[status]
        if status >= 9:
            row[_FINISHED if status == 9 else _RETURNED] = _written(at)
        if status == _WAY[-1]:
            del self.steps[code]

    def work(self, night: datetime, changes: int) -> list[Row]:
        """A day goes by; the rows that now say something new."""
        for code in list(self.rows)[:_NEW]:
            self.rows.pop(code)
            self.steps.pop(code, None)
        moved = self.chance.sample(sorted(self.steps), min(changes - _NEW, len(self.steps)))
        for code in moved:
            self._move(code, night)
        came = [self._file(night) for _ in range(_NEW)]
        return [self.rows[code] for code in (*moved, *came)]


def _written(at: datetime) -> str:
    return f"{at:%d/%m/%Y %H:%M:%S}"


def write_list(raw: Path, night: datetime, rows: Iterable[Row]) -> None:
    """One export as a portal writes it: the moment above the headings, so that no two are the same bytes."""
    with (raw / f"DanhSachHoSo_{night:%Y%m%d%H%M%S}.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
        writer.writerows([[f"Thời điểm xuất: {night:%d/%m/%Y %H:%M}"], [], ["STT", *(CASE_HEADINGS[name][0] for name in _COLUMNS)]])
        writer.writerows([str(number), *row] for number, row in enumerate(rows, 1))


def make_office(folder: Path) -> Settings:
    """An office of its own with reference tables and an empty raw folder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "raw").mkdir(parents=True)
    (folder / "reference").mkdir()
    validity = {"valid_from": "2024-01-01", "valid_to": "2024-12-31"}
    tables = {
        "units": unit_rows(2024),
        "targets": [t | validity for t in read_reference("targets.csv")],
        "calendar": calendar_overrides(2024),
    }
    for name, rows in tables.items():
        with (folder / "reference" / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return settings_at(folder, FIRST)


def settings_at(folder: Path, night: datetime) -> Settings:
    """The office's settings half an hour after a list was made."""
    places = (folder / "raw", folder / "reference", folder / "warehouse" / "tthc.duckdb", folder / "outbox")
    return make_settings(*places, night + timedelta(minutes=30))


def staged_bytes(settings: Settings) -> int:
    """Bytes of everything beside the warehouse that the next night needs."""
    return sum(path.stat().st_size for path in settings.staged.rglob("*") if path.is_file())


def _processor_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


class Meter:
    """Processor seconds by step, of this process and of the children that ended in it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def step(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            began = _processor_seconds()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[function.__name__] = _processor_seconds() - began

        return run


def quick_night(settings: Settings) -> dict[str, float]:
    """Landed, read, listed and packed; processor seconds by step."""
    meter = Meter()
    reference = load_office(settings)
    exports = meter.step(land)(settings)
    _, transient = meter.step(read)(settings, reference, exports, Watcher())
    manifest = meter.step(list_exports)(settings, reference, exports, transient)
    meter.step(pack)(reference, manifest)
    return meter.seconds


def whole_night(folder: Path, night: datetime) -> dict[str, float]:
    """A night in a process of its own; processor seconds by step, and of all its processes from start to end as `whole`."""
    taken = measure([sys.executable, "-m", "bench.year", "--night", f"{night:%Y-%m-%dT%H:%M}", "--folder", str(folder)])
    steps: dict[str, float] = json.loads(taken.output.strip().splitlines()[-1])
    return steps | {"whole": taken.cpu}


@dataclass
class Year:
    """What was measured: per night the seconds and the bytes staged after it; 1 is the first."""

    seconds: dict[int, dict[str, float]]
    staged: dict[int, int]
    repeated: list[int]
    alone: dict[int, int]

    def whole(self, number: int) -> float:
        """Processor seconds of a whole night, the median of it and its measured neighbours within two."""
        near = [taken["whole"] for n, taken in self.seconds.items() if abs(n - number) <= 2 and "whole" in taken]
        return statistics.median(near)


def live_through(folder: Path, nights: int, size: int, changes: int, *, is_whole: bool = False) -> Year:
    """The year, in `folder`/office, and beside it the changes alone in `folder`/alone; `is_whole` publishes every night, so that the history grows too."""
    office, alone = make_office(folder / "office"), make_office(folder / "alone")
    portal = Portal(1, size)
    year = Year({}, {}, [], {})
    measured = {n for middle in (30, nights) for n in range(middle - 2, middle + 3) if n <= nights}
    measured |= set(range(1, nights + 1)) if is_whole else set()
    before = 0
    for number in range(1, nights + _REPEATED + 1):
        night = FIRST + timedelta(days=number - 1)
        if number <= nights:
            changed = portal.work(night, changes) if number > 1 else list(portal.rows.values())
            write_list(alone.raw, night, changed)
        write_list(office.raw, night, portal.rows.values())
        settings = settings_at(folder / "office", night)
        year.seconds[number] = whole_night(folder / "office", night) if number in measured else quick_night(settings)
        staged = staged_bytes(settings)
        if number <= nights:
            year.staged[number] = staged
            beside = settings_at(folder / "alone", night)
            read(beside, load_office(beside), land(beside), Watcher())
            year.alone[number] = staged_bytes(beside)
        else:
            year.repeated.append(staged - before)
        before = staged
        if number % 10 == 0 or number in measured:
            taken = ", ".join(f"{name} {seconds:.2f}" for name, seconds in year.seconds[number].items())
            print(f"  night {number}: {staged / 1e6:.2f} MB staged; {taken}", flush=True)
    return year


def report(year: Year, nights: int, size: int, changes: int, *, is_whole: bool = False) -> str:
    """The section of docs/benchmarks.md, in Markdown."""

    def sign(value: float, aim: float) -> str:
        return f"{'✓' if value <= aim else '✗'} {value:.2f}"

    first, early, last = year.staged[1], min(30, nights), nights
    grown = statistics.median(year.repeated) / first
    told = (
        f"Nights around {early} and {last} are whole nights in a process of their own; the others are landed, read, listed and packed only."
    )
    if is_whole:
        told = "Every night is a whole night in a process of its own."
    steps = list(dict.fromkeys(name for taken in year.seconds.values() for name in taken if name != "whole"))
    lines = [
        f"## A year: {nights} nightly full lists of {size:,} dossiers, {changes} changes a night",
        "",
        f"{date.today():%Y-%m-%d}; `make bench-year`. {told}",
        "Seconds are processor seconds, children included; bytes are those of files. The changes alone: an office that was given the",
        "first list and then every night only the rows that say something new.",
        "",
        "| | Reached | Aim |",
        "|---|---|---|",
        f"| staged after night {last} ÷ the changes alone | {sign(year.staged[last] / year.alone[last], 2)} × | ≤ 2 |",
        f"| night {last} ÷ night {early}, whole nights, medians of their neighbours | {sign(year.whole(last) / year.whole(early), 1.2)} × | ≤ 1.2 |",
        f"| growth by a list that repeats the last ÷ first list | {'✓' if grown < 0.01 else '✗'} {grown:.2%} | < 1 % |",
        "",
        f"Staged: {first / 1e6:.2f} MB after the first night, {year.staged[last] / 1e6:.2f} MB after night {last}; the changes alone "
        f"{year.alone[last] / 1e6:.2f} MB.",
        "",
        f"| Night | staged | {' | '.join(steps)} | whole night |",
        "|---" * (len(steps) + 3) + "|",
    ]
    for number in sorted({*range(early - 2, early + 3), *range(last - 2, last + 1), *range(60, last, 60)} & year.staged.keys()):
        taken = year.seconds[number]
        cells = [f"{taken[name]:.2f}" if name in taken else "" for name in (*steps, "whole")]
        lines.append(f"| {number} | {year.staged[number] / 1e6:.2f} MB | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument("--whole", action="store_true", help="every night whole, as the schedule runs it; hours")
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "bench", help="the year is lived in FOLDER/year")
    parser.add_argument("--night", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.night:
        meter = Meter()
        if not run_night(settings_at(options.folder, options.night), step=meter.step).is_published:
            raise SystemExit("the night was held back")
        print(json.dumps(meter.seconds))
        return
    year = live_through(options.folder / "year", options.nights, options.cases, options.changes, is_whole=options.whole)
    page = report(year, options.nights, options.cases, options.changes, is_whole=options.whole)
    (options.folder / "year.md").write_text(page, encoding="utf-8")
    shutil.rmtree(options.folder / "year")
    print(page)


if __name__ == "__main__":
    main()
