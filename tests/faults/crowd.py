"""Twenty readers that query the published warehouse without a pause while thirty nights publish it; what they saw, counted.

Each night is `tthc run` with a moment of its own, in a forked process (see forked_office.py); each reader is a process that opens the file
read-only, asks the same question three times, closes it, and begins again. An answer is a digest over several tables, so one that mixes two
publications, or changes while the file is open, is none of those that the nights published.

    python tests/faults/crowd.py [--nights N] [--readers N] [--pause SECONDS] [--out FIGURES]

In the test suite the readers rest a moment between two openings, else twenty of them take both cores for minutes; `make faults` gives them no rest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

QUESTION = """SELECT CAST((SELECT max(as_of) FROM mart.unit_rates) AS VARCHAR) || ' ' || (SELECT sum(hash(r) % 1000003) FROM mart.unit_rates r)
|| ' ' || (SELECT sum(hash(c) % 1000003) FROM core.cases c) || ' ' || (SELECT count(*) FROM ops.files)"""
READER = """
import os, sys, time, pathlib, duckdb
os.nice(19)  # with a core each they would not be in the way; here they share two with the nights
path, stop, question, pause, answers, asked = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]), set(), 0
while not stop.exists():
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
        told = {connection.execute(question).fetchall()[0][0] for _ in range(3)}
        assert len(told) == 1, told
        answers |= told
        asked += 3
    time.sleep(pause)
print(asked, *sorted(answers), sep="\\n")
"""


@dataclass
class Crowd:
    """What came of it: queries by all readers, readers that ended with an error, nights that did not end with 0, answers nobody published."""

    nights: int
    readers: int
    queries: int
    publications_seen: int
    reader_errors: list[str]
    failed_nights: list[str]
    strange_answers: list[str]
    longest_night_seconds: float


def publish_before_readers(folder: Path, nights: int = 30, readers: int = 20, pause: float = 0) -> Crowd:
    """The nights run one after the other while the readers read. Call it in a process without threads: nights are forked."""
    from forked_office import FIRST, Checker, Office, warm_up

    warm_up()
    office, stop, checker = Office(folder, 100, seconds=900), folder / "stop", Checker()
    office.prepare()
    office.reset()
    command = [sys.executable, "-c", READER, str(office.warehouse), str(stop), QUESTION, str(pause)]
    crowd = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(readers)]
    published, failed, longest = {checker.ask("answer", office.warehouse)}, [], 0.0
    try:
        for number in range(1, nights + 1):
            began = time.monotonic()
            code, said = office.run((datetime.fromisoformat(FIRST) + timedelta(hours=number)).isoformat(), None)
            longest = max(longest, time.monotonic() - began)
            failed += [f"night {number} ended with {code}: {said[-300:]}"] if code else []
            published.add(checker.ask("answer", office.warehouse))
    finally:
        stop.touch()
        told = [reader.communicate(timeout=120) for reader in crowd]
        checker.close()
        office.postbox.close()
    errors = [error[:2000] for reader, (_, error) in zip(crowd, told, strict=True) if reader.returncode]
    lines = [text.splitlines() for text, _ in told]
    seen = {answer for each in lines for answer in each[1:]}
    strange = sorted(seen - published)
    return Crowd(nights, readers, sum(int(each[0]) for each in lines if each), len(seen), errors, failed, strange, round(longest, 1))


def main() -> None:
    """Run it and say what came of it; ends with 1 where a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nights", type=int, default=30)
    options.add_argument("--readers", type=int, default=20)
    options.add_argument("--pause", type=float, default=0)
    options.add_argument("--out", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = publish_before_readers(Path(folder), asked.nights, asked.readers, asked.pause)
    text = json.dumps(asdict(found), ensure_ascii=False, indent=1) + "\n"
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    print(text, end="", flush=True)
    os._exit(bool(found.reader_errors or found.failed_nights or found.strange_answers))


if __name__ == "__main__":
    main()
