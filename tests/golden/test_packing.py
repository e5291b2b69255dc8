"""Nightly lists that repeat each other are kept as what changed, and no figure notices."""

import csv
import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import HEADINGS, UNITS, case_row, rounds, settings_in, write_reference, write_workbook

from flows import packing
from flows.manifest import Manifest
from flows.night import Watcher, land, list_exports, load_office, read, run_night
from flows.packing import pack_exports
from flows.quarantine import withdraw
from flows.reference import Reference
from flows.settings import Settings
from flows.warehouse import build_warehouse, checksum_connection
from transforms.troubles import TROUBLES

pytestmark = pytest.mark.usefixtures("figures_only")

FIRST_NIGHT = datetime(2024, 3, 1, 23)
_PAYMENTS = ("Mã hồ sơ", "Số tiền", "Hình thức thu", "Hình thức thanh toán", "Trạng thái thanh toán", "Ngày thanh toán")
_DIGITIZATION = ("Mã hồ sơ", "Số hóa thành phần hồ sơ", "Số hóa kết quả", "Kết quả điện tử")


class Portal:
    """A one-stop system whose lists are exported every night: most dossiers stay as they are, some change, come, or vanish."""

    def __init__(self, seed: int, dossiers: int = 40) -> None:
        self.chance = random.Random(seed)
        self.rows: list[list[object]] = []
        self.paid: dict[str, list[list[object]]] = {}
        for _ in range(dossiers):
            self.receive()

    def receive(self) -> None:
        code = f"000.22.58.H48-2402{self.chance.randrange(10, 29)}-{len(self.rows):04d}"
        row = case_row(code, **{"Trạng thái": "Đang xử lý", "Ngày kết thúc xử lý": None, "Ngày trả kết quả": None})
        oddity = self.chance.random()
        if oddity < 0.1:
            row[HEADINGS.index("Đơn vị giải quyết")] = "UBND xã Không Ai Biết"
        elif oddity < 0.2:
            row[HEADINGS.index("Ngày hẹn trả")] = "31/02/2024"
        elif oddity < 0.3:
            row[HEADINGS.index("Trạng thái")] = "Xong hẳn"
        elif oddity < 0.4:
            for heading in ("Ngày nộp hồ sơ", "Ngày tiếp nhận", "Ngày hẹn trả"):
                row[HEADINGS.index(heading)] = None
        self.rows.insert(self.chance.randrange(len(self.rows) + 1), row)
        self.paid[code] = [[code, 20000, "Thu trước", "Trực tuyến", "Chưa thanh toán", None] for _ in range(self.chance.randrange(3))]

    def work(self) -> None:
        for _ in range(3):
            row = self.chance.choice(self.rows)
            row[HEADINGS.index("Trạng thái")] = "Đã xử lý xong"
            row[HEADINGS.index("Ngày kết thúc xử lý")] = f"{self.chance.randrange(16, 29)}/02/2024 10:00"
        if self.chance.random() < 0.5:
            self.rows.pop(self.chance.randrange(len(self.rows)))
        if self.chance.random() < 0.5:
            self.rows.append(list(self.chance.choice(self.rows)))  # a row listed twice
        if self.chance.random() < 0.2:
            self.chance.shuffle(self.rows)
        lines = [line for lines in self.paid.values() for line in lines]
        if lines:
            self.chance.choice(lines)[4:] = ["Đã thanh toán", "20/02/2024 09:00"]
        self.receive()

    def export(self, raw: Path, at: datetime) -> None:
        stamp = f"{at:%Y%m%d%H%M%S}"
        codes = {str(row[HEADINGS.index("Mã hồ sơ")]) for row in self.rows}
        fees = [line for code, lines in self.paid.items() if code in codes for line in lines]
        scans = [[code, ("Được số hóa", "Chưa số hóa")[int(code[-1]) % 2], "Có", "Không"] for code in sorted(codes)]
        for name, table in (
            ("ho_so", [HEADINGS, *self.rows]),
            ("phi", [_PAYMENTS, *fees]),
            ("so_hoa", [_DIGITIZATION, *scans]),
        ):
            text = io.StringIO()
            csv.writer(text).writerows(table)
            (raw / f"{name}_{stamp}.csv").write_text(text.getvalue(), encoding="utf-8")


def stage(settings: Settings) -> tuple[Manifest, Reference]:
    reference = load_office(settings)
    exports = land(settings)
    _, transient = read(settings, reference, exports, Watcher())
    return list_exports(settings, reference, exports, transient), reference


def figures(folder: Path, as_of: datetime, staged: Path | None = None) -> dict[str, str]:
    """Checksums of all tables that people rely on, built from what is staged."""
    settings = settings_in(folder, as_of)
    if staged:
        shutil.copytree(staged, settings.staged, dirs_exist_ok=True)
    manifest, reference = stage(settings)
    target = folder / "figures.duckdb"
    build_warehouse(target, manifest, reference, as_of)
    with duckdb.connect(str(target), read_only=True) as connection:
        sums = checksum_connection(connection, ("core", "mart", "ops"))
    return {name: value for name, value in sums.items() if name not in ("ops.warnings",)}


def nights(folder: Path, seed: int, count: int) -> tuple[Settings, list[datetime]]:
    """An office with so many nights of lists, staged and not packed."""
    (folder / "raw").mkdir(parents=True)
    write_reference(folder / "reference")
    portal, moments = Portal(seed), []
    for night in range(count):
        moments.append(FIRST_NIGHT + timedelta(days=night))
        portal.export(folder / "raw", moments[-1])
        portal.work()
    settings = settings_in(folder, moments[-1] + timedelta(minutes=1))
    stage(settings)
    return settings, moments


def pack(settings: Settings) -> int:
    manifest, reference = stage(settings)
    return pack_exports(manifest, reference.lists.kinds)


def count_packed(settings: Settings) -> int:
    return sum('"base"' in path.read_text(encoding="utf-8") for path in settings.staged.glob("read/*/*/export.json"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_packing_changes_no_figure_now_or_in_the_past(tmp_path: Path, seed: int) -> None:
    settings, moments = nights(tmp_path, seed, 9)
    asked = [moments[0], moments[4] - timedelta(hours=1), settings.as_of]
    before = [figures(tmp_path, at) for at in asked]
    assert before[0] != before[1] != before[2]
    assert pack(settings) == 3 * 8  # of three lists a night all but the first are told by an earlier one
    assert [figures(tmp_path, at) for at in asked] == before
    assert pack(settings) == 0


@pytest.mark.slow
def test_lists_of_one_moment_are_shown_by_the_same_rows_packed_or_not(tmp_path: Path) -> None:
    settings, [moment] = nights(tmp_path, 1, 1)
    [listed] = settings.raw.glob("ho_so_*.csv")
    heading, *rows = listed.read_text(encoding="utf-8").splitlines()
    for place in range(1, 4):  # the same rows, in another order
        again = "\n".join([heading, *rows[place:], *rows[:place]])
        listed.with_name(listed.name.replace("ho_so", f"ho_so_{place}")).write_text(again, encoding="utf-8")
    before = figures(tmp_path, moment)
    assert pack(settings) == 3
    assert figures(tmp_path, moment) == before


@pytest.mark.slow
def test_a_dossier_without_any_date_has_the_unit_of_each_list_s_own_day_packed_or_not(tmp_path: Path) -> None:
    """Its lists of the last day of the old Sơn Hạ and the first of the new one say the same."""
    (tmp_path / "raw").mkdir()
    since = "000.22.58.H48,UBND xã Sơn Hạ,commune,H48,21292,xã Sơn Hạ,2025-07-01,,,\n"
    write_reference(tmp_path / "reference", UNITS + since)
    undated = case_row("000.22.58.H48-250602-0001", **{h: None for h in HEADINGS if h.startswith("Ngày")}, **{"Trạng thái": "Đang xử lý"})
    for day, finished in (("20250630", 19), ("20250701", 20), ("20250702", 21)):
        other = case_row("000.22.58.H48-250602-0002", **{"Ngày kết thúc xử lý": f"{finished}/02/2024 10:00"})
        text = io.StringIO()
        csv.writer(text).writerows([HEADINGS, undated, case_row("000.22.58.H48-250602-0003"), other])
        (tmp_path / "raw" / f"ho_so_{day}220000.csv").write_text(text.getvalue(), encoding="utf-8")
    settings = settings_in(tmp_path, datetime(2025, 7, 2, 23))
    before = figures(tmp_path, settings.as_of)
    assert pack(settings) == 2
    assert figures(tmp_path, settings.as_of) == before
    with duckdb.connect(str(tmp_path / "figures.duckdb"), read_only=True) as connection:
        asked = "SELECT unit_valid_from, valid_from, last_row_number FROM core.case_history WHERE case_code = '000.22.58.H48-250602-0001' ORDER BY state_number"
        assert connection.execute(asked).fetchall() == [
            (date(2003, 1, 1), datetime(2025, 6, 30, 22), 2),
            (date(2025, 7, 1), datetime(2025, 7, 1, 22), 2),
        ]


@pytest.mark.slow
def test_packing_night_after_night_ends_where_packing_at_once_does(tmp_path: Path) -> None:
    settings, moments = nights(tmp_path / "at-once", 3, 6)
    plain = figures(tmp_path / "at-once", settings.as_of)
    nightly = tmp_path / "nightly"
    (nightly / "raw").mkdir(parents=True)
    write_reference(nightly / "reference")
    for moment in moments:
        for path in settings.raw.glob(f"*{moment:%Y%m%d}*"):
            shutil.copy(path, nightly / "raw")
        pack(settings_in(nightly, moment + timedelta(minutes=1)))
    assert count_packed(settings_in(nightly)) == 3 * 5
    assert figures(nightly, settings.as_of) == plain


def test_what_is_kept_of_a_night_is_what_changed(tmp_path: Path) -> None:
    settings, _ = nights(tmp_path, 4, 4)
    pack(settings)
    kept = list(settings.staged.rglob("*.new.parquet"))
    assert kept
    for path in kept:
        assert pq.read_metadata(path).num_rows <= 8
    assert len(list(settings.staged.rglob("*.rows.parquet"))) == 3


@pytest.mark.slow
def test_each_unit_s_list_is_told_by_its_own_of_the_night_before(tmp_path: Path) -> None:
    """Also where more units export in a night than earlier lists are tried."""
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    units, kept = 7, 3
    assert units > packing._CANDIDATES
    for night in range(kept):
        at = FIRST_NIGHT + timedelta(days=night)
        for unit in range(units):
            codes = [f"000.22.58.H48-24{unit + 1:02d}{day:02d}-{number:04d}" for day in range(1, 11) for number in range(5)]
            rows = [
                case_row(code, **{"Ngày kết thúc xử lý": "21/02/2024 10:00"} if place == night else {})
                for place, code in enumerate(codes[night:])
            ]
            text = io.StringIO()
            csv.writer(text).writerows([HEADINGS, *rows])
            (tmp_path / "raw" / f"xa_{unit}_{at:%Y%m%d%H%M%S}.csv").write_text(text.getvalue(), encoding="utf-8")
    settings = settings_in(tmp_path, at + timedelta(minutes=1))
    plain = figures(tmp_path, settings.as_of)
    assert pack(settings) == count_packed(settings) == units * (kept - 1)
    assert pack(settings) == 0
    assert figures(tmp_path, settings.as_of) == plain
    bases = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")).get("base") for path in settings.staged.glob("read/*/*/export.json")
    }
    told_by_whole = [base for base in bases.values() if base is not None and bases[base["file_id"]] is None]
    assert len(told_by_whole) == units, "those of the second night; those of the third stand on them"


@pytest.mark.slow
def test_a_withdrawn_list_still_tells_the_later_ones(tmp_path: Path) -> None:
    settings, moments = nights(tmp_path, 5, 5)
    withdraw(settings.staged, f"ho_so_{moments[1]:%Y%m%d%H%M%S}.csv", "xuất nhầm")
    before = figures(tmp_path, settings.as_of)
    pack(settings)
    assert figures(tmp_path, settings.as_of) == before
    withdraw(settings.staged, f"ho_so_{moments[0]:%Y%m%d%H%M%S}.csv", "xuất nhầm")
    without = figures(tmp_path, settings.as_of)
    shutil.rmtree(tmp_path / "warehouse" / "w.staged" / "read")
    assert figures(tmp_path, settings.as_of) == without  # read again, not packed


def test_a_list_read_again_with_another_word_does_not_change_those_it_told(tmp_path: Path) -> None:
    settings, _ = nights(tmp_path, 6, 4)
    pack(settings)
    first, *later = sorted(settings.raw.glob("ho_so_*"))
    for path in later:
        path.unlink()  # only the first list can be read again
    first_id = hashlib.sha256(first.read_bytes()).hexdigest()
    before = staged_rows(settings)
    (settings.reference / "words.csv").write_text("domain,value,word\nstatus,9,Xong hẳn\n", encoding="utf-8")
    after = staged_rows(settings)
    changed = set(before) ^ set(after)
    assert changed
    assert {row.split()[0] for row in changed} == {first_id}
    assert len(list(settings.staged.glob("read/*/*~*"))) == 1
    pack(settings)
    assert staged_rows(settings) == after
    assert len(list(settings.staged.glob("read/*/*~*"))) == 1  # the later lists still need it


@pytest.mark.slow
def test_a_night_that_cannot_pack_is_published_and_says_so_in_the_log(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("flows.night.pack_exports", fail)
        assert run_night(office).is_published
    logged = "".join(path.read_text(encoding="utf-8") for path in office.logs.rglob("*") if path.is_file())
    assert "chưa gói được các danh sách lặp lại" in logged
    assert "OSError" in logged
    assert run_night(office).is_published


def staged_rows(settings: Settings) -> list[str]:
    """Every row of every list as it was read, with what is wrong with it."""
    manifest, reference = stage(settings)
    chains = manifest.chains(reference.lists.kinds)
    chained = {(sheet.folder, sheet.number) for sheet in manifest.chained()}
    rows = []
    for sheet in manifest.sheets:
        if (sheet.folder, sheet.number) in chained:
            content, troubles = chains.expand(sheet)
            places = troubles["place"].to_pylist()
        else:
            content = pq.read_table(sheet.part("rows"))
            troubles = pq.read_table(sheet.part("troubles")) if sheet.has_troubles else TROUBLES.empty_table()
            places = [content["row_number"].to_pylist().index(number) for number in troubles["row_number"].to_pylist()]
        names = [name for name in content.column_names if name not in ("row_number", "file_id", "sheet", "sheet_number")]
        told: dict[int, list[object]] = {}
        for place, trouble in zip(places, troubles.select(["reason", "column_name", "masked_value"]).to_pylist(), strict=True):
            told.setdefault(place, []).append(trouble)
        for place, row in enumerate(content.select(names).to_pylist()):
            rows.append(f"{sheet.file_id} {sheet.number} {place} {row} {told.get(place)}")
    return sorted(rows)


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.mark.slow
@pytest.mark.campaign
def test_killed_at_a_step_packing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every fourth step, in the campaign at each, until one comes after the last."""
    stride = rounds(4, 1)
    settings, _ = nights(tmp_path, 7, 3)
    for path in settings.raw.iterdir():
        path.unlink()  # what is staged is all there is
    wanted = staged_rows(settings)
    whole = shutil.copytree(settings.staged, tmp_path / "whole")
    steps = 0
    for number in count(1, stride):
        shutil.rmtree(settings.staged)
        shutil.copytree(whole, settings.staged)
        with monkeypatch.context() as patch:
            passed = _fail_at(patch, number)
            try:
                pack(settings)
            except Killed:
                steps += 1
            else:
                assert passed() < number
                break
        assert staged_rows(settings) == wanted, f"killed at step {number}"
        pack(settings)
        assert staged_rows(settings) == wanted, f"killed at step {number}, then packed"
        assert count_packed(settings) == 3 * 2
        assert len(list(settings.staged.rglob("*.rows.parquet"))) == 3
    assert steps > 30 // stride


def _fail_at(patch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """The `number`-th writing, syncing, renaming or removing is the last thing that happens."""
    count = 0

    def guard(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def guarded(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return real(*args, **kwargs)

        patch.setattr(owner, name, guarded)

    guard(packing.pq, "write_table")
    guard(packing, "_sync")
    for name in ("replace", "unlink"):
        guard(os, name)
    return lambda: count
