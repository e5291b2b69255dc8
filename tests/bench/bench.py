"""`make bench`: the whole pipeline and its peers on the same files in the same run, as medians of ratios; writes docs/benchmarks.md.

Every repetition runs each program once, one after the other, so that whatever else the machine does touches all alike. A peer whose rates
differ from ours is no peer: the run ends with 1.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import duckdb

from bench import analysts
from bench.measuring import Measured, measure
from bench.samples import AS_OF, NEW_ROWS, Sample, make_sample

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).with_name("peers.py")
# What a night imports in its three processes, here in one: with `tthc --version` that is start-up.
_IMPORTS = (
    "import flows.night, flows.terminal, flows.report, flows.site.pages; from flows.gate_process import FrameValidator; FrameValidator()"
)
_GIB = 1024**3
Ratio = tuple[str, str, Callable[[dict[str, Measured]], float | None], str, str]


class Bench:
    """The programs of one size, each run in a folder of its own."""

    def __init__(self, sample: Sample, work: Path, python: Path | None) -> None:
        self.sample, self.work, self.peers_python = sample, work, python
        self.tthc = Path(sys.executable).with_name("tthc")
        self.steps: dict[str, dict[str, float]] = {}
        self.asked = ""

    def run(self, skip: set[str]) -> dict[str, Measured]:
        """Each program once; name -> what it took."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        found = {"help": measure([str(self.tthc), "--help"]), "version": measure([str(self.tthc), "--version"])}
        found["imports"] = measure([sys.executable, "-c", _IMPORTS])
        rates = None
        for kind in ("xlsx", "csv", "html", "xls"):
            if kind in skip or not self.sample.raw.get(kind, self.work / "none").is_dir():
                continue
            if kind in ("xlsx", "csv"):
                self._peer(found, "floor" if kind == "xlsx" else "csv-floor", kind)
            began = time.time()
            night = found[f"first {kind}"] = self._night(kind)
            found[f"figures {kind}"] = replace(night, wall=self._figures_stood(kind) - began)
            ours = read_rates(self._warehouse(kind))
            if rates is not None and ours != rates:
                raise SystemExit(f"the rates from .{kind} are others than those before")
            rates = ours
            if kind not in ("xlsx", "csv"):
                continue
            answers = analysts.ask(self._warehouse(kind))
            self.asked = analysts.report(answers)
            if answers.errors:
                raise SystemExit(f"twenty readers at once: {answers.errors[0]}")
        if "first xlsx" in found:
            found["again"] = self._night("xlsx", "nothing new", nights_on=1)
            for path in self.sample.new["xlsx"].iterdir():
                shutil.copy(path, self._raw("xlsx"))
            found["more"] = self._night("xlsx", f"{NEW_ROWS:,} rows more", nights_on=2)
            for name in ("pandas-openpyxl", "pandas-calamine", "dlt", "dlt-tuned"):
                if name not in skip:
                    output = self._peer(found, name, "xlsx")
                    if output is not None and output["rates"] != rates:
                        raise SystemExit(f"{name} gives other rates than tthc: it is no peer")
        return found

    def _raw(self, kind: str) -> Path:
        return self.work / f"raw-{kind}"

    def _warehouse(self, kind: str) -> Path:
        return self.work / kind / "tthc.duckdb"

    def _figures_stood(self, kind: str) -> float:
        """When the first night's last CSV summary was written, in seconds of the epoch: the warehouse was published by then."""
        return max(path.stat().st_mtime for path in (self.work / kind / "outbox" / f"{AS_OF:%Y-%m-%d}").glob("*.csv"))

    def _night(self, kind: str, name: str = "", nights_on: int = 0) -> Measured:
        """One night; the first on the sample's exports, a later one on what stands there by then, at that night's moment."""
        if not nights_on:
            shutil.copytree(self.sample.raw[kind], self._raw(kind))
        places = ["--raw", self._raw(kind), "--reference", self.sample.reference, "--warehouse", self._warehouse(kind)]
        places += ["--outbox", self.work / kind / "outbox"]
        as_of = AS_OF + timedelta(days=nights_on)
        taken = measure([str(self.tthc), "run", *map(str, places), "--as-of", f"{as_of:%Y-%m-%dT%H:%M}", "--no-fetch"])
        name = name or f"first load from .{kind}"
        self.steps[name] = read_steps(self._warehouse(kind).with_suffix(".logs") / "tthc.jsonl")
        print(f"  tthc, {name}: {taken.wall:.1f} s", flush=True)
        return taken

    def _peer(self, found: dict[str, Measured], name: str, kind: str) -> dict[str, object] | None:
        python = self.peers_python or Path(sys.executable)
        if subprocess.run([python, "-c", _NEEDS[name]], capture_output=True, check=False).returncode:
            print(f"  {name}: not installed, left out", flush=True)
            return None
        database = self.work / f"{name}.duckdb"
        found[name] = measure(
            [str(python), str(PEERS), name, str(self.sample.raw[kind]), str(database)], {"RUNTIME__DLTHUB_TELEMETRY": "false"}
        )
        print(f"  {name}: {found[name].wall:.1f} s", flush=True)
        output: dict[str, object] = json.loads(found[name].output.strip().splitlines()[-1])
        if output.get("rows", self.sample.cases) != self.sample.cases:
            raise SystemExit(f"{name} read {output['rows']} rows of {self.sample.cases}: it is no peer")
        return output


_NEEDS = {
    "floor": "import fastexcel, pyarrow",
    "csv-floor": "import duckdb",
    "pandas-openpyxl": "import pandas, openpyxl",
    "pandas-calamine": "import pandas, python_calamine",
    "dlt": "import dlt, duckdb, pandas, openpyxl",
    "dlt-tuned": "import dlt, duckdb, pandas, python_calamine",
}


def read_rates(warehouse: Path) -> dict[str, list[int]]:
    """unit -> on_time numerator and denominator, online and received dossiers of the year, as `peers.py` gives them."""
    rates: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "SELECT unit_name, measure, numerator, denominator FROM mart.unit_rates WHERE period_kind = 'year' AND period_start = DATE '2024-01-01' "
            "AND measure IN ('on_time', 'online_submission_766')"
        ).fetchall()
    for unit, measure_name, numerator, denominator in found:
        place = 0 if measure_name == "on_time" else 2
        rates[unit][place : place + 2] = [numerator, denominator]
    return {unit: row for unit, row in rates.items() if row[3]}


def read_steps(log: Path) -> dict[str, float]:
    """step -> seconds of the last run in the log."""
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    last = records[-1]["run_id"]
    return {
        r["event"].split()[1]: r["seconds"] for r in records if r["run_id"] == last and "seconds" in r and r["event"].startswith("bước ")
    }


def startup(found: dict[str, Measured]) -> float:
    """Seconds of `tthc --version` and of importing what a night needs, Great Expectations included."""
    return found["version"].wall + found["imports"].wall


def _ratio(above: str, below: str) -> Callable[[dict[str, Measured]], float | None]:
    return lambda found: found[above].wall / found[below].wall if above in found and below in found else None


def _peak(found: dict[str, Measured]) -> float | None:
    return found["first xlsx"].peak / _GIB if "first xlsx" in found else None


def _peak_csv(found: dict[str, Measured]) -> float | None:
    return found["first csv"].peak / _GIB if "first csv" in found else None


# What the aims for a first load are about; the workbook, the pages, the mails and packing come after, and are in the whole night.
_FIGURES = ", to the published warehouse and the CSV summaries,"
RATIOS: list[Ratio] = [
    (f"first load from .xlsx{_FIGURES} ÷ bare fastexcel, serial", "≤ 1.0", _ratio("figures xlsx", "floor"), "×", "most"),
    ("the whole of that night ÷ bare fastexcel, serial", "", _ratio("first xlsx", "floor"), "×", ""),
    ("pandas + openpyxl ÷ first load", "≥ 18", _ratio("pandas-openpyxl", "first xlsx"), "×", "least"),
    ("pandas + calamine ÷ first load", "", _ratio("pandas-calamine", "first xlsx"), "×", ""),
    ("dlt merged into DuckDB ÷ first load", "≥ 10", _ratio("dlt", "first xlsx"), "×", "least"),
    ("dlt tuned, with calamine and 8 columns ÷ first load", "", _ratio("dlt-tuned", "first xlsx"), "×", ""),
    (f"first load from .csv{_FIGURES} ÷ bare DuckDB read_csv", "≤ 3", _ratio("figures csv", "csv-floor"), "×", "most"),
    ("the whole of that night ÷ bare DuckDB read_csv", "", _ratio("first csv", "csv-floor"), "×", ""),
    ("nothing new ÷ start-up", "≤ 2", lambda f: f["again"].wall / startup(f) if "again" in f else None, "×", "most"),
    (f"{NEW_ROWS:,} rows more, less start-up", "≤ 5 s", lambda f: f["more"].wall - startup(f) if "more" in f else None, " s", "most"),
    ("tthc --help", "< 0.5 s", lambda f: f["help"].wall, " s", "most"),
    ("peak memory of the first load from .xlsx", "≤ 1.5 GiB", _peak, " GiB", "most"),
    ("peak memory of the first load from .csv", "≤ 1.5 GiB", _peak_csv, " GiB", "most"),
]
NAMES = {
    "floor": "(a) fastexcel → Arrow, serial",
    "first xlsx": "**tthc, first load from .xlsx**",
    "again": "**tthc, nothing new**",
    "more": f"**tthc, {NEW_ROWS:,} rows more**",
    "pandas-openpyxl": "(b) pandas + openpyxl + groupby",
    "pandas-calamine": "(c) pandas + calamine + groupby",
    "dlt": "(d) dlt, pandas resource (openpyxl), merged into DuckDB",
    "dlt-tuned": "(d) tuned: the resource with calamine, 8 of 28 columns",
    "csv-floor": "(e) DuckDB read_csv, all_varchar",
    "first csv": "**tthc, first load from .csv**",
    "first html": "**tthc, first load from HTML**",
    "first xls": "**tthc, first load from .xls, parts of 50,000 rows**",
}


def report(
    results: dict[int, list[dict[str, Measured]]],
    steps: dict[int, dict[str, dict[str, float]]],
    asked: dict[int, str],
    others: Sequence[str],
) -> str:
    """The page, in Markdown; `others` are sections that were measured by themselves (`make bench-year`)."""
    memory = next((line.split()[1] for line in Path("/proc/meminfo").read_text("ascii").splitlines() if line.startswith("MemTotal")), "0")
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "fastexcel", "pyarrow", "pandas", "great-expectations"))
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; whole processes, on the same files, one after the other. Times are medians of wall time; ratios are medians of the",
        "ratios within a repetition. CPU counts all processes of a program, peak memory their resident pages at the same moment.",
        "The rates per unit of every peer that gives some equal ours; the bare readers read every row.",
        "",
        f"{date.today():%Y-%m-%d} · {os.cpu_count()} processors ({_processor()}) · {int(memory) / 1024**2:.0f} GiB · {platform.system()} "
        f"{platform.release()} · Python {platform.python_version()} · {versions}",
    ]
    for cases, runs in results.items():
        files = -(-cases // 100_000)
        lines += ["", f"## {cases:,} dossiers, {files} × {min(cases, 100_000):,} rows × 28 columns, {len(runs)} repetition(s)", ""]
        lines += ["| Ratio | Reached | Aim |", "|---|---|---|"]
        for title, aim, value, unit, kind in RATIOS:
            reached = [v for v in (value(run) for run in runs) if v is not None]
            if reached:
                middle = statistics.median(reached)
                aim = "≤ 4 GiB" if unit == " GiB" and cases > 1_000_000 else aim
                bound = float("".join(c for c in aim if c.isdigit() or c == ".") or 0)
                sign = "" if not kind else "✓ " if (middle <= bound if kind == "most" else middle >= bound) else "✗ "
                lines.append(f"| {title} | {sign}{middle:.2f}{unit} | {aim} |")
        lines += ["", "| Program | Wall | CPU | Peak memory |", "|---|---|---|---|"]
        lines.append(f"| start-up: `tthc --version` and the imports of a night | {statistics.median(startup(r) for r in runs):.2f} s | | |")
        for name, title in NAMES.items():
            taken = [run[name] for run in runs if name in run]
            if taken:
                wall, cpu, peak = (statistics.median(getattr(t, field) for t in taken) for field in ("wall", "cpu", "peak"))
                lines.append(f"| {title} | {wall:.2f} s | {cpu:.2f} s | {peak / _GIB:.2f} GiB |")
        lines += ["", "Where the time goes, seconds of wall time by step (last repetition):", ""]
        named = {name: taken for name, taken in steps[cases].items() if taken}
        columns = list(dict.fromkeys(step for taken in named.values() for step, seconds in taken.items() if seconds >= 0.05))
        lines += [f"| Run | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        for name, taken in named.items():
            lines.append(f"| tthc, {name} | " + " | ".join(f"{taken.get(step, 0):.2f}" for step in columns) + " |")
        lines += ["", asked[cases].rstrip()]
    return "\n\n".join(["\n".join(lines), *(section.rstrip() for section in others)]) + "\n"


def _processor() -> str:
    found = [
        line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if line.startswith("model name")
    ]
    return found[0] if found else platform.machine()


def peers_python(folder: Path) -> Path | None:
    """The interpreter of the peers' own environment, made once; None where it cannot be made (no package index)."""
    python = folder / "peers" / "bin" / "python"
    ready = folder / "peers" / "ready"
    if not ready.is_file():
        shutil.rmtree(folder / "peers", ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "peers")], check=True)
        wanted = str(Path(__file__).with_name("peers.txt"))
        if subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", wanted], check=False).returncode:
            print("the peers' programs could not be installed: those that this environment lacks are left out", flush=True)
            return None
        ready.touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--repeat", type=int, default=3, help="repetitions of the sizes up to 100,000; larger ones take fewer, at least one"
    )
    parser.add_argument(
        "--skip", nargs="*", default=[], choices=["xlsx", "csv", "html", "xls", "pandas-openpyxl", "pandas-calamine", "dlt", "dlt-tuned"]
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "bench", help="samples are kept here")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    python = peers_python(options.folder)
    results: dict[int, list[dict[str, Measured]]] = {}
    steps: dict[int, dict[str, dict[str, float]]] = {}
    asked: dict[int, str] = {}
    for cases in options.cases:
        print(f"{cases:,} dossiers: making the sample", flush=True)
        bench = Bench(make_sample(options.folder, cases), options.folder / "work", python)
        for _ in range(max(1, options.repeat * 100_000 // max(cases, 100_000))):
            results.setdefault(cases, []).append(bench.run(set(options.skip)))
            steps[cases], asked[cases] = bench.steps, bench.asked
    shutil.rmtree(options.folder / "work", ignore_errors=True)
    page = report(results, steps, asked, [path.read_text(encoding="utf-8") for path in sorted(options.folder.glob("*.md"))])
    options.out.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
