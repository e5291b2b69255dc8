"""Ten nights of an office that exports its whole list every evening, from files to alarms, and what `tthc status` says of them."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import HEADINGS, case_row, settings_in, write_reference, write_workbook
from typer.testing import CliRunner

from flows.cli import app
from flows.doctor import examine, look_at_runs
from flows.keeping import list_kept, roll_back
from flows.night import NightResult, hold_lock, run_night
from flows.runs import RunLog, load_runs
from flows.sample import SampleSummary, write_sample
from flows.settings import Settings, make_settings
from flows.status import read_status
from transforms.wording import moment_vi

pytestmark = pytest.mark.usefixtures("figures_only")

UNITS = "unit_code,name_vi,level\n" + "".join(
    f"000.{22 + n}.58.H48,UBND xã {name},commune\n" for n, name in enumerate(("Sơn Hạ", "Sơn Thành", "Sơn Nham", "Sơn Bao", "Sơn Linh"))
)
NAMES = [line.split(",")[1] for line in UNITS.splitlines()[1:]]
NIGHTS = [datetime(2024, 6, day, 22) for day in (3, 4, 5, 6, 7, 10, 11, 12, 13, 14)]
FAULT = NIGHTS[6]


def dossiers(at: datetime, seed: int = 5) -> list[list[Any]]:
    """Every dossier since 1 April as it stood at a moment; numbers differ from day to day."""
    chance, rows, begin = random.Random(seed), [], datetime(2024, 4, 1)
    while begin < at:
        for unit, name in enumerate(NAMES):
            for number in range(chance.randint(0, 5) if begin.weekday() < 5 else 0):
                received, ended = begin + timedelta(hours=8, minutes=number), begin + timedelta(days=chance.randint(1, 9), hours=10)
                cells = {"Đơn vị giải quyết": name, "Ngày nộp hồ sơ": received, "Ngày tiếp nhận": received}
                cells |= {
                    "Ngày hẹn trả": begin + timedelta(days=7, hours=17),
                    "Ngày kết thúc xử lý": None,
                    "Ngày trả kết quả": None,
                    "Trạng thái": "Đang xử lý",
                }
                cells |= {"Ngày kết thúc xử lý": ended, "Trạng thái": "Đã xử lý xong"} if ended < at else {}
                shown = {k: f"{v:%d/%m/%Y %H:%M}" if isinstance(v, datetime) else v for k, v in cells.items()}
                if received < at:
                    rows.append(case_row(f"000.{22 + unit}.58.H48-{begin:%y%m%d}-{number:04d}", **shown))
        begin += timedelta(days=1)
    return rows


def spoil(rows: list[list[Any]], fault: str) -> list[list[Any]]:
    unit, code = HEADINGS.index("Đơn vị giải quyết"), HEADINGS.index("Mã hồ sơ")
    if fault == "vanished":
        return [row for row in rows if row[unit] != NAMES[2]]
    if fault == "shrunk":
        gone = [row[code] for row in rows if row[unit] == NAMES[1]][5:8]
        return [row for row in rows if row[code] not in gone]
    if fault == "rows_off":
        return rows[: len(rows) // 2]
    if fault == "frozen":
        return dossiers(FAULT - timedelta(days=1))
    return [[*row[:-1], "Đang suy nghĩ"] if n == 7 else row for n, row in enumerate(rows)]


ALARMS = {
    "vanished": [("vanished", NAMES[2])],
    "shrunk": [("shrunk", NAMES[1])],
    "rows_off": [("rows_off", None)],
    "frozen": [("frozen", None)],
    "unknown_status": [("unknown_status", None)],
}


def alarms(settings: Settings) -> list[tuple[str, str | None]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(
            "SELECT f.problem, u.unit_name FROM ops.freshness AS f LEFT JOIN core.units AS u USING (unit_code) "
            "WHERE f.problem IS NOT NULL AND f.problem <> 'never' ORDER BY 1, 2"
        ).fetchall()


@pytest.fixture(scope="module")
def good_nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("nights")
    write_reference(folder / "reference", UNITS)
    for at in NIGHTS:
        title = (f"Thời điểm xuất: {at:%d/%m/%Y %H:%M}",)
        write_workbook(folder / "raw" / f"ds_{at:%m%d}.xlsx", [HEADINGS, *dossiers(at)], titles=title)
    yield folder


@pytest.mark.slow
def test_ten_good_nights_raise_no_alarm_on_any_of_them(good_nights: Path) -> None:
    for at in (NIGHTS[0], NIGHTS[4], NIGHTS[6], NIGHTS[9]):
        settings = settings_in(good_nights, at + timedelta(minutes=30))
        assert run_night(settings).is_published
        assert alarms(settings) == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", ALARMS)
def test_one_bad_night_raises_exactly_its_alarm_and_is_published(good_nights: Path, tmp_path: Path, fault: str) -> None:
    write_reference(tmp_path / "reference", UNITS)
    (tmp_path / "raw").mkdir()
    for at in NIGHTS[:6]:
        (tmp_path / "raw" / f"ds_{at:%m%d}.xlsx").symlink_to(good_nights / "raw" / f"ds_{at:%m%d}.xlsx")
    title = (f"Thời điểm xuất: {FAULT:%d/%m/%Y %H:%M}",)
    write_workbook(tmp_path / "raw" / "ds_fault.xlsx", [HEADINGS, *spoil(dossiers(FAULT), fault)], titles=title)
    settings = settings_in(tmp_path, FAULT + timedelta(minutes=30))
    result = run_night(settings)
    assert result.is_published, "old or strange data are said, not withheld"
    assert alarms(settings) == ALARMS[fault]
    rule = {"vanished": "units_vanished", "shrunk": "dossiers_shrunk", "frozen": "source_frozen", "unknown_status": "unknown_status_words"}
    assert [check.found for check in result.checks if check.name == rule.get(fault, fault)] == [1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_a_sample_raises_no_alarm_but_the_unknown_words_it_holds(tmp_path: Path, seed: int) -> None:
    made = write_sample(tmp_path, seed=seed, cases=1200)
    settings = make_settings(made.raw, made.reference, tmp_path / "w.duckdb", tmp_path / "outbox", made.as_of)
    run_night(settings)
    assert {problem for problem, _ in alarms(settings)} <= {"unknown_status", "unknown_unit"}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM mart.unit_rates WHERE is_stale").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM mart.unit_rates_today WHERE is_stale").fetchall() == [(0,)]


def ask(warehouse: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["status", "--warehouse", str(warehouse), *options])
    return result.exit_code, result.output


def test_status_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    code, text = ask(tmp_path / "none" / "w.duckdb")
    assert code == 1
    assert "chưa công bố lần nào" in text
    assert "tthc run" in text
    assert not (tmp_path / "none").exists(), "asking leaves nothing behind"


def test_status_of_a_published_warehouse(night: tuple[Settings, NightResult], sample: SampleSummary) -> None:
    settings = night[0]
    status = read_status(settings, sample.as_of + timedelta(hours=8))
    assert status.light == "yellow", "the sample holds words nobody knows"
    assert status.as_of == sample.as_of
    topics = [line.topic for line in status.lines]
    assert list(dict.fromkeys(topics)) == ["Lần chạy", "Kho dữ liệu", "Dữ liệu", "Kiểm tra", "Ổ đĩa"]
    assert [line.light for line in status.lines if line.topic in ("Lần chạy", "Kho dữ liệu")] == ["green", "green"]
    assert any("Danh sách hồ sơ: dữ liệu mới nhất ngày 30/06/2024 (đúng ngày chốt)" in line.text for line in status.lines)
    code, text = ask(settings.warehouse, "--json")
    record = json.loads(text)
    assert code == 1, "by the clock of today the figures of 2024 are long out of date"
    assert record["light"] == "red"
    assert record["runs"][-1]["outcome"] == "published"


def test_status_while_a_run_holds_the_lock(night: tuple[Settings, NightResult]) -> None:
    settings = night[0]
    with hold_lock(settings):
        status = read_status(settings, settings.as_of)
    assert status.is_running
    assert "đang chạy" in status.lines[0].text
    assert status.as_of == settings.as_of, "the figures of the run before are there all the time"
    assert not read_status(settings, settings.as_of).is_running


def test_status_tells_a_failed_run_from_a_published_one(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, tmp_path / "w.duckdb", tmp_path, datetime(2024, 6, 30))
    settings.staged.mkdir()
    run = {"run_id": "1", "outcome": "started", "started_at": "2024-06-30 23:00:00", "as_of": "2024-06-30 23:00:00"}
    held = {"run_id": "1", "outcome": "held", "finished_at": "2024-06-30 23:05:00", "detail": "groups_add_up"}
    (settings.staged / "runs.jsonl").write_text(json.dumps(run) + "\n" + json.dumps(held) + '\n{"run_id": "2", "ou', encoding="utf-8")
    line = read_status(settings, datetime(2024, 7, 1)).lines[0]
    assert line.light == "red"
    assert "giữ lại, không công bố (groups_add_up)" in line.text


@pytest.mark.slow
def test_status_names_the_run_whose_figures_are_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that fails over its reports has published already; the figures were said to be those of the night before."""
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    settings = settings_in(tmp_path)
    write_workbook(settings.raw / "ds.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0007")])
    run_night(settings)
    for step in ("report", "publish"):
        with monkeypatch.context() as patch:
            patch.setattr(f"flows.night.{step}", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run_night(replace(settings, as_of=settings.as_of + timedelta(hours=1)))
        failed = load_runs(settings.staged)[1]
        line = read_status(settings, settings.as_of).lines[0]
        assert f"Số liệu đang dùng là của lần chạy lúc {moment_vi(failed['started_at'])}, đã vào kho dữ liệu nhưng" in line.text
    assert any(f.light == "red" and "sau đó 2 lần không trọn vẹn" in f.text_vi for f in examine(settings, (look_at_runs,)))
    roll_back(settings, list_kept(settings)[-1])
    line = read_status(settings, settings.as_of).lines[0]
    assert f"Số liệu đang dùng là của lần chạy lúc {moment_vi(load_runs(settings.staged)[0]['started_at'])}; hãy" in line.text


def test_the_doctor_tells_of_a_night_that_was_cut_off(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, tmp_path / "w.duckdb", tmp_path, datetime(2024, 6, 30))
    run = RunLog(settings)
    run.start()
    run.finish("published", 0)
    RunLog(settings).start()
    RunLog(settings).start()
    (finding,) = examine(settings, (look_at_runs,))
    assert finding.light == "red" and "bị ngắt giữa chừng" in finding.text_vi


def test_status_of_a_broken_warehouse_is_red(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_bytes(b"no database")
    code, text = ask(tmp_path / "w.duckdb")
    assert code == 1
    assert "không đọc được" in text
