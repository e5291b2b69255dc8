"""How well the audit finds what is planted: a simulated district's nights, staged, packed and built, with precision and recall per rule.

    python tests/bench/audit.py --nights 60 --cases 3000

Ends with 1 when a deterministic rule misses a planted manipulation, or when fewer than 95 of 100 findings were planted.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from flows.night import Watcher, land, list_exports, load_office, read
from flows.packing import pack_exports
from flows.sample import SampleSummary, write_nights
from flows.settings import make_settings
from flows.warehouse import build_warehouse

STATISTICAL = ("limit_exact", "burst", "month_end")
PRECISION = 0.95
Finding = tuple[str, str | None, str]


@dataclass(frozen=True)
class Score:
    """What was planted and what was found, as (rule, dossier or None, unit) each, up to one night."""

    planted: frozenset[Finding]
    found: frozenset[Finding]

    def of(self, rule: str) -> "Score":
        """The same of one rule."""
        return Score(frozenset(f for f in self.planted if f[0] == rule), frozenset(f for f in self.found if f[0] == rule))

    @property
    def right(self) -> frozenset[Finding]:
        return self.planted & self.found

    @property
    def precision(self) -> float:
        return len(self.right) / len(self.found) if self.found else 1.0

    @property
    def recall(self) -> float:
        return len(self.right) / len(self.planted) if self.planted else 1.0

    @property
    def is_good(self) -> bool:
        """No deterministic rule missed anything, and the findings are precise."""
        return self.precision >= PRECISION and not {f for f in self.planted - self.found if f[0] not in STATISTICAL}


def score_nights(made: SampleSummary, warehouse: Path, ends: Sequence[datetime]) -> list[Score]:
    """The scores of builds at some moments, after all nights were staged and packed.

    Args:
        made: the simulated nights.
        warehouse: where to build; its folder holds what is staged.
        ends: as_of of each build.
    """
    scores = []
    settings = make_settings(made.raw, made.reference, warehouse, warehouse.parent / "outbox", made.as_of)
    reference = load_office(settings)
    exports = land(settings)
    _, transient = read(settings, reference, exports, Watcher())
    pack_exports(list_exports(settings, reference, exports, transient), reference.lists.kinds)
    truth = json.loads((made.truth / "tampering.json").read_text(encoding="utf-8"))["planted"]
    for end in ends:
        moment = make_settings(made.raw, made.reference, warehouse, warehouse.parent / "outbox", end)
        build_warehouse(warehouse, list_exports(moment, reference, exports, transient), reference, end)
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            found = connection.execute("SELECT rule, case_code, unit_code FROM mart.audit").fetchall()
        planted = [p for p in truth if datetime.fromisoformat(p["night"]) + _delay(p["rule"]) <= end]
        known = {(p["rule"], p["case_code"], p["unit_code"]) for p in planted}
        unripe = {(p["rule"], p["case_code"], p["unit_code"]) for p in truth} - known
        scores.append(Score(frozenset(known), frozenset((r, c, u) for r, c, u in found) - frozenset(unripe)))
    return scores


def _delay(rule: str) -> timedelta:
    """Some manipulations need later lists to show: two without the dossier and some received after it, a second list with both units, a month that is over."""
    return {"vanished": timedelta(days=4), "two_units": timedelta(days=1), "month_end": timedelta(days=31)}.get(rule, timedelta())


def table(score: Score) -> str:
    """Planted, found, precision and recall per rule, as text."""
    lines = [f"{'rule':26}{'planted':>8}{'found':>7}{'right':>7}{'precision':>11}{'recall':>8}"]
    rules = Counter(f[0] for f in [*score.planted, *score.found])
    for name, one in [*((rule, score.of(rule)) for rule in sorted(rules)), ("all", score)]:
        lines.append(f"{name:26}{len(one.planted):8}{len(one.found):7}{len(one.right):7}{one.precision:11.3f}{one.recall:8.3f}")
    return "\n".join(lines)


def main() -> int:
    """Prints the table of the last night and the totals of some nights before it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = write_nights(Path(folder), nights=arguments.nights, cases=arguments.cases, seed=arguments.seed, tamper=True)
        ends = [made.as_of - timedelta(days=arguments.nights * part // 4) for part in (2, 1)] + [made.as_of]
        scores = score_nights(made, Path(folder) / "w" / "t.duckdb", ends)
    for end, score in zip(ends[:-1], scores, strict=False):
        print(f"{end:%d/%m/%Y}: precision {score.precision:.3f}, recall {score.recall:.3f}, {len(score.found)} findings")
    print(table(scores[-1]))
    for finding in sorted(map(str, scores[-1].planted ^ scores[-1].found)):
        print("missed or too much:", finding)
    return 0 if scores[-1].is_good else 1


if __name__ == "__main__":
    sys.exit(main())
