"""After an accident or a regret: kept warehouses, backups, past dates rebuilt, and what the doctor and the logs say."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO

import duckdb
import pytest
from conftest import AS_OF, HEADINGS, SqlOnly, case_row, settings_in, write_reference, write_workbook
from filelock import FileLock

from flows import keeping, period_report
from flows.backfill import days_between, rebuild_days
from flows.backup import restore_backup, write_backup
from flows.cli import main
from flows.doctor import LEAST_FREE_BYTES, examine, look_at_letterhead
from flows.figures import Figures
from flows.keeping import find_kept, list_kept, roll_back
from flows.logs import logging_to, note, note_error
from flows.mail.ledger import Ledger, ledger_path
from flows.night import hold_lock, run_night
from flows.runs import RunLog, load_runs
from flows.settings import ConfigurationError, Settings, local_now, warehouse_path
from flows.status import read_status
from flows.warehouse import checksum_tables
from flows.watching import find_alarms


def cases(path: Path) -> list[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [code for (code,) in connection.execute("SELECT case_code FROM core.cases ORDER BY 1").fetchall()]


@pytest.fixture(scope="module")
def lived_through(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office that has lived through a night with one dossier on 29/06, and one with two on 30/06."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "raw").mkdir()
    write_reference(folder / "reference")
    settings = settings_in(folder)
    write_workbook(settings.raw / "a.xlsx", [HEADINGS, case_row()], titles=("Thời điểm xuất: 29/06/2024 22:00",))
    run_night(replace(settings, as_of=datetime(2024, 6, 29, 23)))
    write_workbook(settings.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    run_night(settings)
    return folder


@pytest.fixture
def two_nights(lived_through: Path, tmp_path: Path) -> Settings:
    """That office, moved: a copy of its own for every test."""
    shutil.copytree(lived_through, tmp_path, symlinks=True, dirs_exist_ok=True)
    return settings_in(tmp_path)


@pytest.mark.slow
def test_a_published_warehouse_can_be_returned_to(two_nights: Settings) -> None:
    newest, older = list_kept(two_nights)
    assert (newest.is_current, older.is_current) == (True, False)
    assert (newest.as_of, older.as_of) == (AS_OF, datetime(2024, 6, 29, 23))
    roll_back(two_nights, older)
    assert cases(two_nights.warehouse) == ["000.22.58.H48-240215-0007"]
    assert [(kept.name, kept.is_current) for kept in list_kept(two_nights)] == [(newest.name, False), (older.name, True)]
    roll_back(two_nights, newest)
    assert len(cases(two_nights.warehouse)) == 2
    with pytest.raises(ConfigurationError, match="không có bản công bố nào tên"):
        find_kept(two_nights, "20240101-x")


@pytest.mark.slow
def test_nothing_is_returned_to_without_its_reason_on_record(
    two_nights: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a full disk readers saw the older figures, while the command said that nothing had changed and no record told who wanted it."""
    newest, older = list_kept(two_nights)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for is_full in (True, False):
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
            if is_full:
                patch.setattr("flows.runs.append_line", full)
            main(["rollback", older.name, "--why", "Danh sách sai", f"--warehouse={two_nights.warehouse}"])
        assert bool(ended.value.code) == is_full and ("đã đầy" in capsys.readouterr().err) == is_full
        assert [kept.name for kept in list_kept(two_nights) if kept.is_current] == [newest.name if is_full else older.name]
    assert load_runs(two_nights.staged)[-1]["detail"] == f"{older.name}: Danh sách sai"


@pytest.mark.slow
def test_publishing_moves_a_link_and_changes_no_file_that_was_published(two_nights: Settings) -> None:
    """DuckDB opens a file by its name twice, so a file under a name that readers open must never be swapped for another."""
    first = {kept.path: kept.path.stat() for kept in list_kept(two_nights)}
    was = two_nights.warehouse.resolve()
    run_night(replace(two_nights, as_of=datetime(2024, 7, 1, 23)))
    assert two_nights.warehouse.is_symlink() and two_nights.warehouse.resolve() != was
    for path, before in first.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    # a folder that is copied or moved keeps its published warehouse
    assert not two_nights.warehouse.readlink().is_absolute()


@pytest.mark.slow
def test_a_clock_that_was_ahead_once_leaves_every_publication_its_own_file(two_nights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr("flows.runs.local_now", lambda: local_now() + timedelta(days=365))
        run_night(replace(two_nights, as_of=datetime(2025, 6, 30, 23)))
    published = two_nights.warehouse.resolve().stat()
    run_night(replace(two_nights, as_of=datetime(2024, 7, 1, 23)))
    found = {kept.as_of: kept for kept in list_kept(two_nights)}
    assert found[datetime(2024, 7, 1, 23)].is_current and len(found) == 4
    after = found[datetime(2025, 6, 30, 23)].path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (published.st_ino, published.st_mtime_ns)


@pytest.mark.slow
def test_a_reader_that_opens_while_the_link_moves_reads_one_publication_whole(tmp_path: Path) -> None:
    """Two warehouses of different size take turns as fast as they can; opening and reading never fails and never mixes them.

    With os.replace of the file itself, a few of a thousand openings failed (DuckDB 2.0.0).
    """
    settings = Settings(tmp_path, tmp_path, tmp_path / "w.duckdb", tmp_path, AS_OF)
    settings.kept.mkdir()
    sizes = {"one": 10, "two": 300_000}
    for name, rows in sizes.items():
        with duckdb.connect(str(settings.kept / f"{name}.duckdb")) as connection:
            connection.execute(f"CREATE TABLE t AS SELECT hash(i) AS n FROM range({rows}) AS r(i)")
    reader = "import sys, duckdb\nfor _ in range(150):\n with duckdb.connect(sys.argv[1], read_only=True) as c: print(c.execute('SELECT count(*) FROM t').fetchall()[0][0])"
    keeping._lead_to(settings.kept / "one.duckdb", settings.warehouse)
    readers = [
        subprocess.Popen([sys.executable, "-c", reader, str(settings.warehouse)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    while any(process.poll() is None for process in readers):
        for name in sizes:
            keeping._lead_to(settings.kept / f"{name}.duckdb", settings.warehouse)
    for process in readers:
        told, error = process.communicate()
        assert (process.returncode, error) == (0, "")
        assert set(told.split()) <= {"10", "300000"}


@pytest.mark.slow
def test_what_is_written_by_hand_beside_a_night_is_of_one_publication(
    two_nights: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, older = list_kept(two_nights)
    roll_back(two_nights, older)
    year, load = period_report.parse_report_period("year", "2024"), period_report.load_figures

    def write(folder: str) -> bytes:
        (page,) = period_report.write_period_report(two_nights.warehouse, two_nights.reference, year, ["html"], tmp_path / folder)
        return page.read_bytes()

    def load_while_a_night_publishes(path: Path) -> Figures:
        figures = load(path)
        roll_back(two_nights, newest)
        return figures

    alone = write("alone")
    monkeypatch.setattr(period_report, "load_figures", load_while_a_night_publishes)
    assert write("beside") == alone and write("after") != alone
    site = two_nights.outbox / "trang" / "index.html"
    was = site.stat()
    with FileLock(two_nights.lock), pytest.raises(SystemExit) as ended:
        main(["site", f"--warehouse={two_nights.warehouse}", f"--outbox={two_nights.outbox}"])
    assert ended.value.code == 4 and "đang giữ khóa" in capsys.readouterr().err
    assert site.stat().st_ino == was.st_ino and site.stat().st_mtime_ns == was.st_mtime_ns


@pytest.mark.slow
def test_where_the_system_makes_no_links_the_file_itself_is_published(two_nights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("không có quyền tạo liên kết")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    for day, links in ((1, os.link), (2, refuse)):  # Windows without the right to; exFAT has no hard links either
        monkeypatch.setattr(os, "link", links)
        run_night(replace(two_nights, as_of=datetime(2024, 7, day, 23)))
        assert not two_nights.warehouse.is_symlink() and len(cases(two_nights.warehouse)) == 2
    monkeypatch.undo()
    older = next(kept for kept in list_kept(two_nights) if kept.as_of == datetime(2024, 6, 29, 23))
    roll_back(two_nights, older)
    assert cases(two_nights.warehouse) == ["000.22.58.H48-240215-0007"]


@pytest.mark.slow
def test_a_warehouse_of_the_days_before_links_is_kept_too(two_nights: Settings) -> None:
    published = two_nights.warehouse.read_bytes()
    shutil.rmtree(two_nights.kept)
    two_nights.warehouse.unlink()
    two_nights.warehouse.write_bytes(published)
    run_night(replace(two_nights, as_of=datetime(2024, 7, 1, 23)))
    assert [kept.as_of.day for kept in list_kept(two_nights)] == [1, 30]


@pytest.mark.slow
def test_a_link_of_the_office_s_own_is_followed_the_published_one_is_not(two_nights: Settings, tmp_path: Path) -> None:
    assert warehouse_path(two_nights.warehouse) == two_nights.warehouse
    shortcut = tmp_path / "kho.duckdb"
    shortcut.symlink_to(two_nights.warehouse)
    assert warehouse_path(shortcut) == two_nights.warehouse


@pytest.mark.slow
def test_only_the_last_warehouses_are_kept(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    for day in range(1, 4):
        run_night(replace(office, as_of=datetime(2024, 7, day), keep_warehouses=2))
    assert [kept.as_of.day for kept in list_kept(office)] == [3, 2]


@pytest.mark.slow
def test_a_backup_brings_back_the_same_tables_without_the_raw_files(two_nights: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "sao-luu.tar.gz"
    count = write_backup(two_nights, archive)
    elsewhere = tmp_path / "new"
    (elsewhere / "raw").mkdir(parents=True)
    (elsewhere / "reference").mkdir()
    (elsewhere / "reference" / "units.csv").write_text("as shipped", encoding="utf-8")
    settings = replace(settings_in(tmp_path), raw=elsewhere / "raw", reference=elsewhere / "reference", warehouse=elsewhere / "w.duckdb")
    done = restore_backup(settings, archive)
    assert done.count == count > 5
    assert [(folder / "units.csv").read_text(encoding="utf-8") for folder in done.aside] == ["as shipped"]
    run_night(settings)
    assert checksum_tables(settings.warehouse) == checksum_tables(two_nights.warehouse)
    with pytest.raises(ConfigurationError, match="đã có"):
        write_backup(two_nights, archive)


def test_tables_that_are_links_to_a_shared_folder_are_in_the_backup(office: Settings, tmp_path: Path) -> None:
    """Without its working hours an office restored elsewhere would count other hours, and nobody would be told."""
    shared = tmp_path / "chung" / "working_hours.csv"
    shared.parent.mkdir()
    shared.write_text("office,weekday,from,to\n", encoding="utf-8")
    (office.reference / "working_hours.csv").symlink_to(shared)
    (office.reference / "hong.csv").symlink_to(tmp_path / "khong-co")
    archive = tmp_path / "sao-luu.tar.gz"
    write_backup(office, archive)
    (tmp_path / "may-khac" / "raw").mkdir(parents=True)
    write_reference(tmp_path / "may-khac" / "reference")
    settings = settings_in(tmp_path / "may-khac")
    shared.unlink()
    restore_backup(settings, archive)
    kept = settings.reference / "working_hours.csv"
    assert kept.read_text(encoding="utf-8") == "office,weekday,from,to\n" and not kept.is_symlink()


def test_what_changes_during_a_backup_is_told_then_and_not_when_it_is_needed(
    office: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tthc watch` and the office's own editors heed no lock; the archive was refused as damaged at its restore."""
    Ledger(office.staged / "alarms.sqlite")
    journal, edited, add = office.staged / "alarms.sqlite-journal", office.reference / "units.csv", tarfile.TarFile.addfile
    journal.touch()

    def add_beside_others(self: tarfile.TarFile, member: tarfile.TarInfo, content: IO[bytes] | None = None) -> None:
        journal.unlink(missing_ok=True)
        if member.name == "reference/units.csv" and edited.read_bytes() != b"x":
            edited.write_bytes(edited.read_bytes()[::-1])
            os.utime(edited, (1, 1))
        add(self, member, content)

    monkeypatch.setattr(tarfile.TarFile, "addfile", add_beside_others)
    with pytest.raises(ConfigurationError, match=r"units\.csv” đang được sửa"):
        write_backup(office, tmp_path / "b.tar.gz")
    assert not list(tmp_path.glob("*.tar.gz*"))
    edited.write_bytes(b"x")
    assert write_backup(office, tmp_path / "b.tar.gz") == restore_backup(office, tmp_path / "b.tar.gz").count
    assert Ledger(office.staged / "alarms.sqlite").rows() == []


@pytest.mark.slow
def test_a_damaged_backup_changes_nothing(two_nights: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    write_backup(two_nights, archive)
    whole = archive.read_bytes()
    before = sorted(p.name for p in two_nights.staged.rglob("*"))
    for damaged in (whole[: len(whole) // 2], b"no archive", whole[:-3000] + bytes(3000)):
        archive.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match="bản sao lưu"):
            restore_backup(two_nights, archive)
    assert sorted(p.name for p in two_nights.staged.rglob("*")) == before


@pytest.mark.slow
def test_after_an_interrupted_restore_nothing_runs_until_it_is_whole(
    two_nights: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "b.tar.gz"
    write_backup(two_nights, archive)
    before = checksum_tables(two_nights.warehouse)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("flows.backup.shutil.move", killed)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(two_nights, archive)
    assert not two_nights.staged.exists(), "set aside, and nothing yet in its place"
    (tmp_path / "bad.tar.gz").write_bytes(archive.read_bytes()[:-3000])
    with pytest.raises(ConfigurationError, match="bản sao lưu"):
        restore_backup(two_nights, tmp_path / "bad.tar.gz")
    with pytest.raises(ConfigurationError, match="tthc restore"):
        run_night(two_nights)
    told = (
        [alarm.text_vi for alarm in find_alarms(two_nights, local_now())],
        [finding.text_vi for finding in examine(two_nights) if finding.light == "red"],
        [line.text for line in read_status(two_nights, local_now()).lines if line.light == "red"],
    )
    assert all(any("chạy lại `tthc restore`" in text for text in texts) for texts in told), told
    with hold_lock(two_nights, restores=True):
        restore_backup(two_nights, archive)
    run_night(two_nights)
    assert checksum_tables(two_nights.warehouse) == before


def test_only_a_ledger_of_the_days_since_the_backup_knows_the_mails_of_those_days(office: Settings, tmp_path: Path) -> None:
    """One set aside by a trial of years ago, or that came with an older backup, silenced the warning that mails may go out twice."""

    def night(settings: Settings) -> None:
        Ledger(ledger_path(settings.staged))
        run = RunLog(settings)
        run.start()
        run.finish("published", 0)

    night(office)
    write_backup(office, tmp_path / "1.tar.gz")
    night(office)
    write_backup(office, tmp_path / "2.tar.gz")
    night(office)
    assert restore_backup(office, tmp_path / "2.tar.gz").knows_later_mails, "the nights since are in the ledger in place"
    assert restore_backup(office, tmp_path / "1.tar.gz").knows_later_mails
    assert not restore_backup(office, tmp_path / "2.tar.gz").knows_later_mails, "in place is what the first backup knew"
    shutil.rmtree(office.staged)
    assert not restore_backup(office, tmp_path / "2.tar.gz").knows_later_mails, "what trials set aside is older"


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_restore_that_was_interrupted_tells_what_the_first_attempt_found(
    office: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_lost: bool
) -> None:
    Ledger(ledger_path(office.staged))
    write_backup(office, tmp_path / "b.tar.gz")
    if is_lost:
        shutil.rmtree(office.staged)
    with monkeypatch.context() as patch:
        patch.setattr("flows.backup.shutil.rmtree", lambda folder, **_: 1 / 0 if folder.name.endswith(".restored") else None)
        with pytest.raises(ZeroDivisionError):
            restore_backup(office, tmp_path / "b.tar.gz")
    assert ledger_path(office.staged).is_file(), "in place already, from the backup"
    assert restore_backup(office, tmp_path / "b.tar.gz").knows_later_mails != is_lost


@pytest.mark.slow
def test_a_folder_that_is_a_disk_of_its_own_is_restored_too(two_nights: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "b.tar.gz"
    write_backup(two_nights, archive)
    (two_nights.reference / "units.csv").write_text("spoiled", encoding="utf-8")
    replace_path = Path.replace

    def mounted(path: Path, target: Path) -> Path:
        if path == two_nights.reference:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return replace_path(path, target)

    monkeypatch.setattr(Path, "replace", mounted)
    aside = restore_backup(two_nights, archive).aside
    assert [(folder / "units.csv").read_text(encoding="utf-8") for folder in aside if (folder / "units.csv").exists()] == ["spoiled"]
    assert "Sơn Hạ" in (two_nights.reference / "units.csv").read_text(encoding="utf-8")
    run_night(two_nights)


@pytest.mark.slow
def test_a_full_disk_is_not_the_backup_s_fault_and_keeps_no_half_archive(
    two_nights: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = tmp_path / "b.tar.gz"
    write_backup(two_nights, archive)
    monkeypatch.setattr("flows.backup.tarfile.TarFile.extractall", full)
    with pytest.raises(OSError, match="No space"):
        restore_backup(two_nights, archive)
    monkeypatch.setattr("flows.backup.tarfile.TarFile.addfile", full)
    with pytest.raises(OSError, match="No space"):
        write_backup(two_nights, tmp_path / "usb" / "c.tar.gz")
    assert list((tmp_path / "usb").iterdir()) == []


@pytest.mark.slow
def test_past_dates_are_rebuilt_without_touching_what_is_published(two_nights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.backfill.Validation", SqlOnly)  # the next test asks Great Expectations too
    published = two_nights.warehouse.read_bytes()
    site = two_nights.outbox / "trang" / "index.html"
    page = site.read_bytes()
    days = list(rebuild_days(two_nights, days_between(date(2024, 6, 28), date(2024, 6, 30), time(23, 0))))
    assert [bool(day.held) for day in days] == [True, False, False]  # on the 28th no export had been made yet
    assert two_nights.warehouse.read_bytes() == published
    assert site.read_bytes() == page  # the page on the screen shows what is published
    cards = {folder.name: (folder / "bang-diem.csv").is_file() for folder in two_nights.outbox.iterdir() if folder.name != "trang"}
    assert cards == {"2024-06-29": True, "2024-06-30": True}
    assert [run["outcome"] for run in load_runs(two_nights.staged)] == [
        "published",
        "published",
        *["backfilled"] * 3,
    ]  # no nights held back


@pytest.mark.slow
def test_a_rebuilt_date_says_what_its_own_night_said(two_nights: Settings) -> None:
    night = (two_nights.outbox / "2024-06-29" / "bang-diem.csv").read_bytes()
    shutil.rmtree(two_nights.outbox)
    list(rebuild_days(two_nights, [datetime(2024, 6, 29, 23)]))
    assert (two_nights.outbox / "2024-06-29" / "bang-diem.csv").read_bytes() == night


@pytest.mark.slow
def test_the_doctor_finds_a_healthy_office_healthy(two_nights: Settings) -> None:
    assert {finding.light for finding in examine(two_nights)} <= {"green"}, examine(two_nights)
    letterhead = two_nights.reference / "office.toml"  # no night reads it: what is wrong in it would show when the month's report is due
    for text, light, said in (
        ('superior = "UBND TỈNH LÀO CAI"', "yellow", "“UBND TỈNH LÀO CAI”, không có trong units.csv"),
        ('superior = "UBND HUYỆN SƠN HÀ"', "yellow", "“UBND HUYỆN SƠN HÀ”, đã hết hiệu lực trong units.csv"),
        ('plac = "Sơn Hà"', "red", "không có mục “plac”"),
    ):
        letterhead.write_text(text, encoding="utf-8")
        assert [said in f.text_vi for f in examine(two_nights, (look_at_letterhead,)) if f.light == light] == [True], text
    letterhead.unlink()


@pytest.mark.slow
def test_the_doctor_names_what_is_wrong(two_nights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunLog(two_nights)
    run.started_at = local_now() + timedelta(days=1)
    run.start()
    run.finish("held", 0, "cases_present")
    (two_nights.reference / "units.csv").write_text("unit_code\nx\n", encoding="utf-8")
    two_nights.warehouse.with_name(two_nights.warehouse.name + ".wal").write_bytes(b"left")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, LEAST_FREE_BYTES - 1))  # type: ignore[attr-defined]
    with FileLock(two_nights.lock):
        found = {(finding.subject_vi, finding.light): finding.text_vi for finding in examine(two_nights)}
    assert "units.csv, dòng 1: thiếu cột" in found["Bảng tham chiếu", "red"]
    assert "trước lần chạy gần nhất" in found["Đồng hồ", "red"]
    assert "cần ít nhất 1,0 GiB" in found["Đĩa", "red"]
    assert "bị giữ lại (cases_present)" in found["Lần chạy", "red"]
    assert found["Khóa", "yellow"]
    assert "w.duckdb.wal" in found["Tệp dở dang", "yellow"]


@pytest.mark.slow
def test_the_doctor_names_what_another_account_left(two_nights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody ran it once as administrator: the next night cannot write, and the doctor said the machine was ready."""
    theirs = two_nights.staged / "runs.jsonl"
    monkeypatch.setattr(os, "access", lambda path, mode: path != theirs)
    (found,) = (finding for finding in examine(two_nights) if finding.light == "red")
    assert str(theirs) in found.text_vi and "tài khoản khác" in found.text_vi


def test_a_probe_that_fails_is_a_finding(office: Settings) -> None:
    def look_badly(settings: Settings) -> list[object]:
        raise ValueError("x")

    (finding,) = examine(office, (look_badly,))  # type: ignore[arg-type]
    assert (finding.light, finding.subject_vi) == ("red", "look_badly")


@pytest.mark.slow
def test_logs_carry_the_run_and_no_message_of_an_error(two_nights: Settings) -> None:
    events = [json.loads(line) for line in (two_nights.logs / "tthc.jsonl").read_text(encoding="utf-8").splitlines()]
    runs = [run["run_id"] for run in load_runs(two_nights.staged)]
    assert list(dict.fromkeys(event["run_id"] for event in events)) == runs
    assert {"bắt đầu", "bước build xong", "đã công bố"} <= {event["event"] for event in events}
    with logging_to(two_nights, "run-x"):
        try:
            raise ValueError("Nguyễn Thị Bịa Đặt 0987654321")
        except ValueError as error:
            note_error("lỗi thử", error)
    for name in ("tthc.log", "tthc.jsonl"):
        text = (two_nights.logs / name).read_text(encoding="utf-8")
        assert "lỗi thử" in text and "ValueError" in text and "run-x" in text
        assert "Bịa Đặt" not in text


@pytest.mark.slow
def test_a_log_that_cannot_be_written_stops_nothing(office: Settings) -> None:
    office.logs.parent.mkdir(parents=True)
    office.logs.write_text("a file where the folder should be", encoding="utf-8")
    with logging_to(office, "r"):
        note("x")
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    assert run_night(office).is_published
