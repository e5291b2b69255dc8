"""`make fuzz`: thousands of damaged exports through the real reader processes; every one must end as loaded or rejected with a reason.

Seeds are a sample's own workbooks, pages and text files; mutations are bit flips, truncations, swapped or doubled zip entries, edits of the
XML and markup, and splices of two files. Bounded in number and time; deterministic for a seed.

    .venv/bin/python tests/fuzz.py [--files 2400] [--seed 1]
"""

import argparse
import io
import random
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from flows.night import Watcher, run_night
from flows.sample import write_sample
from flows.settings import Settings

_LARGEST_SEED = 150_000


def flip_bits(data: bytes, chance: random.Random) -> bytes:
    """A few bytes changed anywhere."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 3, 20, 200))):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def truncate(data: bytes, chance: random.Random) -> bytes:
    """Only the beginning, or the beginning and the end."""
    cut = chance.randrange(1, len(data))
    return data[:cut] if chance.random() < 0.7 else data[: cut // 2] + data[-cut // 4 :]


def edit_text(data: bytes, chance: random.Random) -> bytes:
    """Pieces of text or markup taken out, doubled or replaced by what parsers fear."""
    for _ in range(chance.choice((1, 2, 8))):
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.choice((1, 10, 200)))
        piece = data[start:end]
        fears = (
            b"",
            piece * 3,
            b'"',
            b"<",
            b"</row>",
            b"<table><tr><td colspan='99999999'>",
            b"\x00" * 5,
            b"\xff\xfe",
            b"]]>",
            b'r="XFD1048576"',
            b"<!ENTITY x 'y'>",
        )
        data = data[:start] + chance.choice(fears) + data[end:]
        if not data:
            return b"x"
    return data


def rebuild_zip(data: bytes, chance: random.Random) -> bytes:
    """A workbook whose entries were swapped, dropped, doubled or edited; not a zip: edited as text."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except zipfile.BadZipFile:
        return edit_text(data, chance)
    action = chance.choice(("swap", "drop", "double", "edit", "edit", "edit"))
    chosen = chance.randrange(len(entries))
    name, content = entries[chosen]
    if action == "swap":
        other = chance.randrange(len(entries))
        entries[chosen], entries[other] = (name, entries[other][1]), (entries[other][0], content)
    elif action == "drop":
        del entries[chosen]
    elif action == "double":
        entries.append((name, edit_text(content or b"x", chance)))
    else:
        largest = max(range(len(entries)), key=lambda i: len(entries[i][1]))
        entries[largest] = (entries[largest][0], edit_text(entries[largest][1] or b"x", chance))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(zipfile.ZipInfo(entry), content)
    return out.getvalue()


MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "bit flips": flip_bits,
    "truncation": truncate,
    "text edits": edit_text,
    "zip entries": rebuild_zip,
}


def write_corpus(folder: Path, count: int, seed: int) -> int:
    """Damaged files in `folder`; returns how many differ from each other."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as made:
        sample = write_sample(Path(made) / "s", seed=seed, cases=150)
        seeds = [(p.name, p.read_bytes()) for p in sorted(sample.raw.rglob("*")) if p.is_file() and 0 < p.stat().st_size < _LARGEST_SEED]
    seen: set[bytes] = set()
    while len(seen) < count:
        name, data = chance.choice(seeds)
        kind = chance.choice(list(MUTATIONS))
        damaged = MUTATIONS[kind](data, chance)
        if chance.random() < 0.05:
            damaged = damaged[: len(damaged) // 2] + chance.choice(seeds)[1][-len(damaged) // 2 :]
        if damaged not in seen:
            seen.add(damaged)
            (folder / f"{len(seen):05d} {kind} {Path(name).stem[:20]}.xlsx").write_bytes(damaged)
    return len(seen)


warnings.filterwarnings("ignore", "Duplicate name", UserWarning)


def main() -> int:
    """Run the fuzz and print its figures; 0 when every file ended as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "raw").mkdir()
        reference = write_sample(base / "sample", seed=options.seed, cases=100).reference
        count = write_corpus(base / "raw", options.files, options.seed)
        started = time.monotonic()
        settings = Settings(
            base / "raw", reference, base / "w.duckdb", base / "outbox", datetime(2024, 6, 30, 23), workers=2, read_seconds=30
        )
        result = run_night(settings, Watcher())
        seconds = time.monotonic() - started
        states = Counter(file["status"] for file in result.files)
        uncaught = [f for f in result.files if f["error"] and "lỗi chương trình" in f["error"]]
        hung = [f for f in result.files if f["error"] and "giây không xong" in f["error"]]
        died = [f for f in result.files if f["error"] and "tiến trình đọc bị dừng" in f["error"]]
        silent = [f for f in result.files if f["status"] == "rejected" and not f["error"]]
        unaccounted = 0
        if result.is_published:
            with duckdb.connect(str(settings.warehouse), read_only=True) as db:
                unaccounted = db.execute("SELECT count(*) FROM ops.files WHERE rows_data <> rows_loaded + rows_rejected").fetchall()[0][0]
    print(
        f"{count} damaged files in {seconds:.0f} s ({1000 * seconds * settings.workers / count:.0f} ms each on one of {settings.workers} readers): {dict(states)}"
    )
    print(
        f"uncaught {len(uncaught)}, hung {len(hung)}, readers that died {len(died)}, rejected without a reason {len(silent)}, unaccounted {unaccounted}"
    )
    for check in result.checks:
        if check.severity == "critical" and not check.is_passed:
            print("   held back by", check.name, check.found)
    for file in (uncaught + hung + silent)[:20]:
        print("  ", file["file_name"], file["error"])
    return bool(uncaught or hung or silent or unaccounted or not result.is_published)


if __name__ == "__main__":
    sys.exit(main())
