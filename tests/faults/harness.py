"""make faults: a whole night made to fail at every door and killed at random moments; then it runs again and must equal a clean night.

Each round starts from an office that has published one night and has received new exports since. A second night is run with a fault, looked
at, and run once more without: fetch from a folder source, land, read, build, gate, publish, remember, report, mail. Counted as violations:
- the warehouse readers held open, or the published file, was harmed by the failing run (it must be the old night's or the new one's, whole);
- the failing run ended with 0 though the night it published is not the clean one and it did not say so, or showed a Python traceback, or
  said nothing;
- the run after it did not end with 0, or gave other core and mart tables than a clean run, or left the run history without an ending;
- something half-made was left behind: a file under a working name, a staged export without its record, a mail's file that no ledger row knows;
- a mail lost or doubled: after the second run each addressee has accepted exactly one, except where the ledger says that it is unknown; a mail
  that the ledger calls sent was accepted once, one that it calls prepared or refused never.

    python tests/faults/harness.py [--every N] [--doors PATTERN] [--kills N] [--cases N] [--shards N] [--minutes M] [--out FIGURES]
"""

import argparse
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from doors import WRITING, Doors  # noqa: E402
from forked_office import SECOND, Checker, Office, warm_up  # noqa: E402

MODES = ("error", "full", "kill")
HALF_MADE = (".new", ".building", ".scratch", ".wal", ".part", "-journal")
ALARM_OR_DIGEST = "SELECT addressee, kind, message_id, state, is_correction, eml FROM deliveries WHERE summary_date = ?"


class Rounds:
    """Faults tried and what was violated."""

    def __init__(self, office: Office) -> None:
        self.office, self.checker = office, Checker()
        self.violations: list[str] = []
        self.rounds: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        office.prepare()
        office.reset()
        self.old = self.checker.ask("sums", office.warehouse)
        counting = Doors(str(office.work), str(office.folder / "counter"), 0, "error")
        began = time.monotonic()
        code, output = office.run(SECOND, counting)
        self.seconds = time.monotonic() - began
        if code:
            raise RuntimeError(f"the clean night failed: {output}")
        self.clean = self.checker.ask("sums", office.warehouse)
        self.doors = Path(f"{counting.state}.trace").read_text(encoding="utf-8").splitlines()
        self.addressees = {addressee for addressee, _ in office.postbox.accepted()}
        self._look_at_leavings("a clean night")
        self._look_at_mail("a clean night", "")
        if self.old == self.clean or not self.addressees or self.violations:
            raise RuntimeError(f"the clean night proves nothing: {self.violations}")

    def fail_at(self, number: int, mode: str) -> None:
        """A night whose `number`-th side effect fails."""
        state = self.office.folder / "state"
        for path in (state, Path(f"{state}.trace")):
            path.unlink(missing_ok=True)
        self._round(mode, f"{mode} at {self.doors[number - 1]}", Doors(str(self.office.work), str(state), number, mode))

    def kill_after(self, seconds: float) -> None:
        """A night killed with all its processes after so many seconds; one that had ended by then is counted as such."""
        self._round("random kill", f"killed after {seconds:.3f} s", None, seconds)

    def choose_moment(self, chance: random.Random) -> float:
        """A moment of a night, in seconds from its start: nights are as long as they lately were, whatever else the machine does."""
        return chance.uniform(0, self.seconds)

    def _round(self, kind: str, what: str, doors: Doors | None, kill_after: float | None = None) -> None:
        office = self.office
        office.reset()
        self.checker.ask("hold", office.warehouse)
        code, output = office.run(SECOND, doors, kill_after)
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
        began = time.monotonic()
        again, second_output = office.run(SECOND, None)
        self.seconds = 0.8 * self.seconds + 0.2 * (time.monotonic() - began)
        if again != 0:
            self._violated(what, f"the run after it ended with {again}", f"{output}\n-- again --\n{second_output}")
        after = self.checker.ask("sums", office.warehouse)
        if after != self.clean:
            self._violated(what, f"the run after it gave other tables: {_differing(after, self.clean)}", second_output)
        self._look_at_leavings(what)
        self._look_at_mail(what, second_output)
        self.rounds["ended before the kill" if kill_after is not None and code >= 0 else kind] += 1
        self.endings[str(code)] += 1

    def _look_at_leavings(self, what: str) -> None:
        from flows.runs import load_runs

        staged = self.office.warehouse.with_suffix(".staged")
        outcomes = [run["outcome"] for run in load_runs(staged)]
        if outcomes[-1] != "published" or "started" in outcomes:
            self._violated(what, f"the run history says {outcomes}", "")
        left = [p.name for p in self.office.work.rglob("*") if p.name.endswith(HALF_MADE)]
        left += [p.name for p in (staged / "read").rglob(".*")]
        left += [p.name for p in (staged / "read").glob("*/*") if p.is_dir() and not (p / "export.json").is_file()]
        if left:
            self._violated(what, f"left behind: {left}", "")

    def _look_at_mail(self, what: str, output: str) -> None:
        accepted = self.office.postbox.accepted()
        day = SECOND[:10]
        with sqlite3.connect(self.office.warehouse.with_suffix(".staged") / "deliveries.sqlite") as ledger:
            rows = ledger.execute(ALARM_OR_DIGEST, (day,)).fetchall()
            unknown_ids = {row[0] for row in ledger.execute("SELECT message_id FROM deliveries")}
        for (addressee, message_id), count in accepted.items():
            if count > 1 or message_id not in unknown_ids:
                self._violated(what, f"a mail to {addressee} was accepted {count} times, known: {message_id in unknown_ids}", output)
        for addressee, kind, message_id, state, is_correction, _ in rows:
            count = accepted[addressee, message_id]
            if (state == "sent" and count != 1) or (state in ("prepared", "refused") and count) or state == "sending":
                self._violated(what, f"the ledger calls a mail of kind {kind} {state}, accepted {count}", output)
            if (state == "prepared" and not is_correction) or state == "refused":
                self._violated(what, f"a mail of kind {kind} is {state} after the run that followed", output)
        for addressee in self.addressees:
            digests = [row for row in rows if row[0] == addressee and row[1] == "digest" and row[3] in ("sent", "unknown")]
            if len(digests) != 1:
                self._violated(what, f"{addressee} has {len(digests)} digests of the day: {[row[3] for row in rows]}", output)
        files = {str(p.relative_to(self.office.work / "outbox")) for p in (self.office.work / "outbox" / day).rglob("*.eml")}
        if strays := files - {row[5] for row in rows}:
            self._violated(what, f"mails in the outbox that the ledger does not know: {sorted(strays)}", output)

    def _violated(self, what: str, why: str, output: str) -> None:
        self.violations.append(f"{what}: {why}")
        print(f"VIOLATION {what}: {why}\n    {output.strip()[-1500:]}", flush=True)


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
    parser.add_argument("--doors", default="", metavar="PATTERN", help="only doors whose name matches, as 'sqlite|smtp'")
    parser.add_argument("--kills", type=int, default=500, help="random kill -9 rounds")
    parser.add_argument("--cases", type=int, default=100, help="dossiers of the office")
    parser.add_argument("--shards", type=int, default=1, help="processes side by side")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="begin no round so long after the first")
    parser.add_argument("--real-gate", action="store_true", help="with Great Expectations itself; seconds more a night")
    parser.add_argument("--shard", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=None, help="figures as JSON")
    options = parser.parse_args()
    os.environ["TTHC_WORKERS"] = "1"  # so that passages come in the same order every time
    if options.shard is None and options.shards > 1:
        return _start_shards(options)
    with tempfile.TemporaryDirectory() as folder:
        return _run_shard(options, Path(folder))


def plan_rounds(doors: list[str], every: int, kills: int, shard: int, shards: int, pattern: str = "") -> list[tuple[str, int]]:
    """(mode, door) of every round of a shard, ("random kill", 0) for a kill at a random moment; mixed, so that a run cut short tried some of all."""
    planned = []
    chosen = [number for number, door in enumerate(doors, 1) if re.search(pattern, door)]
    for place, number in enumerate(chosen[::every]):
        if place % shards == shard:
            # elsewhere a full disk is the same as at the next door that writes
            planned += [(mode, number) for mode in MODES if mode != "full" or doors[number - 1].split()[1] in WRITING]
    planned += [("random kill", 0)] * (kills // shards + (shard < kills % shards))
    random.Random(shard).shuffle(planned)
    return planned


def _run_shard(options: argparse.Namespace, folder: Path) -> int:
    warm_up()
    shard = options.shard or 0
    office = Office(folder, options.cases, real_gate=options.real_gate)
    chance = random.Random(shard)
    try:
        rounds = Rounds(office)
        planned = plan_rounds(rounds.doors, options.every, options.kills, shard, options.shards, options.doors)
        began = time.monotonic()
        for done, (mode, number) in enumerate(planned):
            if time.monotonic() - began > options.minutes * 60:
                break
            if mode == "random kill":
                rounds.kill_after(rounds.choose_moment(chance))
            else:
                rounds.fail_at(number, mode)
            if options.out and done % 10 == 0:
                _write(options.out, _figures(rounds, len(planned), options))
        figures = _figures(rounds, len(planned), options)
        rounds.checker.close()
    finally:
        office.postbox.close()
    if options.out:
        _write(options.out, figures)
    if options.shard is None:
        _show(figures)
    return 1 if rounds.violations else 0


def _figures(rounds: Rounds, planned: int, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "doors": len(rounds.doors),
        "doors_by_kind": dict(Counter(line.split()[1] for line in rounds.doors)),
        "cases": options.cases,
        "planned": planned,
        "rounds": dict(rounds.rounds),
        "endings": dict(rounds.endings),
        "violations": rounds.violations,
    }


def _write(path: Path, figures: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.new")
    part.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _show(figures: dict[str, Any]) -> None:
    print(f"{figures['doors']} injection points, rounds {figures['rounds']}, {len(figures['violations'])} violations", flush=True)


def _sums(parts: list[dict[str, Any]], name: str) -> dict[str, int]:
    return dict(sum((Counter(part[name]) for part in parts), Counter()))


def _start_shards(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        outs = [Path(folder, f"{number}.json") for number in range(options.shards)]
        same = [f"--{name}={getattr(options, name)}" for name in ("every", "doors", "kills", "cases", "shards", "minutes")]
        same += ["--real-gate"] if options.real_gate else []
        running = [subprocess.Popen([sys.executable, __file__, *same, f"--shard={n}", f"--out={out}"]) for n, out in enumerate(outs)]
        while any(process.poll() is None for process in running):
            time.sleep(5)
            _gather(outs, options.out)
        total = _gather(outs, options.out)
    if total is None:
        return 1
    _show(total)
    codes = [process.returncode for process in running]
    return 1 if total["violations"] or any(code not in (0, 1) for code in codes) else 0


def _gather(outs: list[Path], target: Path | None) -> dict[str, Any] | None:
    """The figures of all shards so far, also written to the target, so that a run cut short leaves what it found."""
    parts = [json.loads(out.read_text(encoding="utf-8")) for out in outs if out.is_file()]
    if not parts:
        return None
    total = parts[0] | {name: _sums(parts, name) for name in ("rounds", "endings")}
    total |= {"planned": sum(part["planned"] for part in parts), "violations": [text for part in parts for text in part["violations"]]}
    if target:
        _write(target, total)
    return total


if __name__ == "__main__":
    sys.exit(main())
