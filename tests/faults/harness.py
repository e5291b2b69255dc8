"""make faults: a whole night made to fail at every door and killed at random moments; then it runs again and must equal a clean night.

Each round starts from an office that has published one night and has received new exports since. A second night is run with a fault, looked
at, and run once more without. Counted as violations:
- the warehouse readers held open, or the published file, was harmed by the failing run (it must be the old night's or the new one's, whole);
- the failing run ended with 0 though the night it published is not the clean one, or showed a Python traceback, or said nothing;
- the run after it did not end with 0, or gave other core and mart tables than a clean run, or left the run history without an ending;
- a mail lost or doubled (flows with mail).

    python tests/faults/harness.py [--every N] [--kills N] [--cases N] [--shards N]
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from doors import WRITING, Doors, environment, install  # noqa: E402

MODES = ("error", "full", "kill")
SECONDS = 120.0  # a night of this size takes a few; one that hangs is a violation


class Checker:
    """A process of its own that reads warehouses as an analyst does, so that the one that forks nights never starts DuckDB's threads."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("checker.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, command: str, path: Path) -> Any:
        """The answer to "hold" (open and keep), "held" (read again what is kept open, then close) or "sums" (checksums of the file)."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("checker without pipes")
        self.process.stdin.write(json.dumps([command, str(path)]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()


class Office:
    """One office in a folder, its night as arguments of the command line, and the rounds on copies of it."""

    def __init__(self, folder: Path, cases: int) -> None:
        self.folder, self.base, self.work = folder, folder / "base", folder / "work"
        from flows.sample import write_sample

        made = write_sample(folder / "sample", seed=11, cases=cases)
        shutil.copytree(made.reference, self.base / "reference")
        self._arrive([p for p in sorted(made.raw.rglob("*")) if p.is_file()])

    def _arrive(self, files: list[Path]) -> None:
        """The first half of the files for the first night; the rest is put in when it was published."""
        self.first, self.rest = files[::2], files[1::2]
        self.root = self.folder / "sample" / "raw"
        self._copy(self.first, self.base)

    def _copy(self, files: list[Path], office: Path) -> None:
        for path in files:
            target = office / "raw" / path.relative_to(self.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)

    def prepare(self) -> None:
        """The first night published, the second one's exports there."""
        self.reset(self.base)
        code, output = self.run("2024-06-29T23:00", None)
        if code:
            raise RuntimeError(f"the first night failed: {output}")
        self._copy(self.rest, self.work)
        shutil.rmtree(self.base)
        self.work.replace(self.base)

    def reset(self, source: Path | None = None) -> None:
        """The office as it was before the second night."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(source or self.base, self.work, symlinks=True)

    @property
    def warehouse(self) -> Path:
        """The published file."""
        return self.work / "w.duckdb"

    def run(self, as_of: str, doors: Doors | None, kill_after: float | None = None) -> tuple[int, str]:
        """One night in a forked process: (exit code, negative for a signal; what it printed)."""
        printed = self.folder / "printed"
        child = os.fork()
        if child == 0:
            self._child(as_of, doors, printed)
        began = time.monotonic()
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            passed = time.monotonic() - began
            if passed > (SECONDS if kill_after is None else kill_after):
                os.killpg(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
                if kill_after is None:
                    return -99, "hung"
                break
            time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # readers that outlived a killed night
        return os.waitstatus_to_exitcode(status), printed.read_text(encoding="utf-8", errors="replace")

    def _child(self, as_of: str, doors: Doors | None, printed: Path) -> None:
        code = 70
        try:
            os.setsid()
            out = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            if doors:
                os.environ.update(environment(doors))
                install(doors)
            from flows.cli import main

            places = {
                "raw": self.work / "raw",
                "reference": self.work / "reference",
                "warehouse": self.warehouse,
                "outbox": self.work / "outbox",
            }
            try:
                main(["run", "--as-of", as_of, *(word for name, path in places.items() for word in (f"--{name}", str(path)))])
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        finally:
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except Exception:
                    code = code or 1
            os._exit(code)


class Rounds:
    """Faults tried and what was violated."""

    def __init__(self, office: Office) -> None:
        self.office, self.checker = office, Checker()
        self.violations: list[str] = []
        self.rounds: Counter[str] = Counter()
        office.prepare()
        office.reset()
        self.old = self.checker.ask("sums", office.warehouse)
        counting = Doors(str(office.work), str(office.folder / "counter"), 0, "error")
        began = time.monotonic()
        code, output = office.run("2024-06-30T23:00", counting)
        self.seconds = time.monotonic() - began
        if code:
            raise RuntimeError(f"the clean night failed: {output}")
        self.clean = self.checker.ask("sums", office.warehouse)
        self.doors = Path(f"{counting.state}.trace").read_text(encoding="utf-8").splitlines()

    def fail_at(self, number: int, mode: str) -> None:
        """A night whose `number`-th side effect fails."""
        state = self.office.folder / "state"
        for path in (state, Path(f"{state}.trace")):
            path.unlink(missing_ok=True)
        self._round(mode, f"{mode} at {self.doors[number - 1]}", Doors(str(self.office.work), str(state), number, mode))

    def kill_after(self, seconds: float) -> None:
        """A night killed with all its processes after so many seconds."""
        self._round("random kill", f"killed after {seconds:.3f} s", None, seconds)

    def _round(self, kind: str, what: str, doors: Doors | None, kill_after: float | None = None) -> None:
        office = self.office
        office.reset()
        self.checker.ask("hold", office.warehouse)
        code, output = office.run("2024-06-30T23:00", doors, kill_after)
        held = self.checker.ask("held", office.warehouse)
        if held != self.old:
            self._violated(what, "a reader of the old warehouse was harmed", output)
        published = self.checker.ask("sums", office.warehouse)
        if published not in (self.old, self.clean) and code != 0:
            self._violated(what, f"the published warehouse is neither night's (exit {code}): {_differing(published, self.clean)}", output)
        if code == 0 and published != self.clean and not _is_told(output):
            self._violated(what, f"ended with 0, and what it published is not the clean night: {_differing(published, self.clean)}", output)
        if "Traceback" in output:
            self._violated(what, "a traceback", output)
        if code > 0 and not output.strip():
            self._violated(what, f"exit {code} without a word", output)
        again, output = office.run("2024-06-30T23:00", None)
        if again != 0:
            self._violated(what, f"the run after it ended with {again}", output)
        after = self.checker.ask("sums", office.warehouse)
        if after != self.clean:
            self._violated(what, f"the run after it gave other tables: {_differing(after, self.clean)}", output)
        self._look_at_leavings(what)
        self.rounds[kind] += 1

    def _look_at_leavings(self, what: str) -> None:
        from flows.runs import load_runs

        outcomes = [run["outcome"] for run in load_runs(self.office.warehouse.with_suffix(".staged"))]
        if outcomes[-1] != "published" or "started" in outcomes:
            self._violated(what, f"the run history says {outcomes}", "")
        left = [
            p
            for p in self.office.work.rglob("*")
            if "raw" not in p.parts and p.name.endswith((".new", ".building", ".scratch", ".wal", ".part"))
        ]
        if left:
            self._violated(what, f"left behind: {[p.name for p in left]}", "")

    def _violated(self, what: str, why: str, output: str) -> None:
        self.violations.append(f"{what}: {why}")
        print(f"VIOLATION {what}: {why}\n    {output.strip()[-600:]}", flush=True)


def _differing(one: Any, other: Any) -> list[str]:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return [str(one)[:200]]
    return [name for name in {**one, **other} if one.get(name) != other.get(name)][:6]


def _is_told(output: str) -> bool:
    """Whether a run that published without some file said so."""
    return "✗" in output


def main() -> int:
    """Run the rounds of one shard, or start all shards; prints figures, returns 1 when anything was violated."""
    parser = argparse.ArgumentParser(description="Fault injection over a whole night.")
    parser.add_argument("--every", type=int, default=1, help="only every N-th door")
    parser.add_argument("--kills", type=int, default=500, help="random kill -9 rounds")
    parser.add_argument("--cases", type=int, default=300, help="dossiers of the office")
    parser.add_argument("--shards", type=int, default=1, help="processes side by side")
    parser.add_argument("--shard", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=None, help="figures as JSON")
    options = parser.parse_args()
    os.environ["TTHC_WORKERS"] = "1"  # so that passages come in the same order every time
    if options.shard is None and options.shards > 1:
        return _start_shards(options)
    with tempfile.TemporaryDirectory() as folder:
        return _run_shard(options, Path(folder))


def _run_shard(options: argparse.Namespace, folder: Path) -> int:
    import flows.cli
    import flows.night
    import flows.terminal  # noqa: F401  imported before forking, so that every night starts warm

    shard = options.shard or 0
    rounds = Rounds(Office(folder, options.cases))
    numbers = range(1, len(rounds.doors) + 1, options.every)
    chance = random.Random(shard)
    for place, number in enumerate(numbers):
        if place % options.shards == shard:
            for mode in MODES:
                if mode != "full" or rounds.doors[number - 1].split()[1] in WRITING:  # elsewhere the same as at the next door that writes
                    rounds.fail_at(number, mode)
    for _ in range(options.kills // options.shards + (shard < options.kills % options.shards)):
        rounds.kill_after(chance.uniform(0, rounds.seconds))
    rounds.checker.close()
    figures = {
        "doors": len(rounds.doors),
        "doors_by_kind": Counter(line.split()[1] for line in rounds.doors),
        "rounds": rounds.rounds,
        "violations": rounds.violations,
    }
    print(json.dumps(figures if options.out is None else {k: figures[k] for k in ("doors", "rounds")}, ensure_ascii=False), flush=True)
    if options.out:
        options.out.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    return 1 if rounds.violations else 0


def _start_shards(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        outs = [Path(folder, f"{number}.json") for number in range(options.shards)]
        same = [
            "--every",
            str(options.every),
            "--kills",
            str(options.kills),
            "--cases",
            str(options.cases),
            "--shards",
            str(options.shards),
        ]
        running = [subprocess.Popen([sys.executable, __file__, *same, "--shard", str(n), "--out", str(out)]) for n, out in enumerate(outs)]
        codes = [process.wait() for process in running]
        parts = [json.loads(out.read_text(encoding="utf-8")) for out in outs if out.is_file()]
    total = {
        "doors": parts[0]["doors"] if parts else 0,
        "doors_by_kind": parts[0]["doors_by_kind"] if parts else {},
        "rounds": dict(sum((Counter(part["rounds"]) for part in parts), Counter())),
        "violations": [violation for part in parts for violation in part["violations"]],
    }
    if options.out:
        options.out.write_text(json.dumps(total, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{total['doors']} injection points, rounds {total['rounds']}, {len(total['violations'])} violations")
    return 1 if total["violations"] or any(code not in (0, 1) for code in codes) or len(parts) != options.shards else 0


if __name__ == "__main__":
    sys.exit(main())
