"""The command line as its users meet it: exit codes, messages, what a crash of a reader costs."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HEADINGS, case_row, write_workbook

from flows.cli import main
from flows.night import run_night
from flows.settings import Settings
from flows.usage import parse_moment


def tthc(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from flows.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=120, check=False)


def run_in(settings: Settings, *more: str) -> subprocess.CompletedProcess[str]:
    folders = ["--raw", settings.raw, "--reference", settings.reference, "--warehouse", settings.warehouse, "--outbox", settings.outbox]
    return tthc("run", *folders, "--as-of", "2024-06-30T23:00", *more)


@pytest.mark.slow
def test_a_published_run_exits_0_and_says_where_the_results_are(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    done = run_in(office)
    assert done.returncode == 0, done.stderr
    assert str(office.warehouse) in done.stdout
    assert "đã nạp 1" in done.stdout
    assert (office.outbox / "2024-06-30" / "bang-diem.csv").is_file()
    assert office.warehouse.stat().st_mode & 0o007 == 0  # nothing for others to read


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "mode"), [(0o022, 0o640), (0o077, 0o600), (0o007, 0o640)])
def test_files_are_for_the_office_or_for_fewer_where_that_is_asked(asked: int, mode: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "sample", str(tmp_path / "mau"), "--cases", "100"]
    subprocess.run(command, umask=asked, check=True, stdout=subprocess.DEVNULL)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "mau").rglob("*") if path.is_file()} == {mode}


@pytest.mark.slow
def test_a_held_back_run_exits_3_and_names_each_file_s_trouble_in_one_line(office: Settings) -> None:
    (office.raw / "rong.xlsx").write_bytes(b"")
    (office.raw / "bao_cao.xlsx").write_bytes(b"%PDF-1.4")
    done = run_in(office)
    assert done.returncode == 3
    lines = [line for line in done.stdout.splitlines() if "rong.xlsx" in line or "bao_cao.xlsx" in line]
    assert len(lines) == 2
    assert not office.warehouse.exists()


@pytest.mark.slow
def test_wrong_configuration_exits_2(office: Settings, tmp_path: Path) -> None:
    assert tthc("run", "--raw", tmp_path / "nowhere").returncode == 2
    assert tthc("run", "--as-of", "hôm qua").returncode == 2
    assert tthc("chạy").returncode == 2
    (office.reference / "units.csv").write_text("unit_code,name_vi\n", encoding="utf-8")
    done = run_in(office)
    assert done.returncode == 2
    assert "units.csv" in done.stderr


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-06-30", "2024-06-30 23:59:59"),
        ("20240630", "2024-06-30 23:59:59"),
        ("2024-W26-7", "2024-06-30 23:59:59"),
        ("2024-06-30T23:00", "2024-06-30 23:00:00"),
        ("2024-06-30 00:00", "2024-06-30 00:00:00"),
        ("20240630T230015", "2024-06-30 23:00:15"),
    ],
)
def test_a_day_alone_however_written_is_as_of_its_end(text: str, moment: str) -> None:
    assert str(parse_moment(text)) == moment


def test_a_file_in_place_of_the_outbox_is_told_before_anything_is_done(office: Settings) -> None:
    office.outbox.write_text("a file", encoding="utf-8")
    done = tthc(
        "run", "--raw", office.raw, "--reference", office.reference, "--warehouse", office.warehouse, "--outbox", office.outbox / "thư mục"
    )
    assert (done.returncode, office.warehouse.parent.exists()) == (2, False)
    assert f"“{office.outbox}” là tệp" in done.stderr


@pytest.mark.parametrize("number", ["0.5", "nan", "inf", "nhiều"])
def test_a_variable_that_is_no_usable_number_exits_2(office: Settings, number: str) -> None:
    folders = ["--raw", office.raw, "--reference", office.reference, "--warehouse", office.warehouse]
    done = tthc("run", *folders, TTHC_WORKERS=number)
    assert done.returncode == 2
    assert f"TTHC_WORKERS phải là {'một ' if number == 'nhiều' else ''}số" in done.stderr


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_closed_disk_is_told_in_words(
    trouble: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(trouble, "system's words", str(tmp_path / "t.xlsx"))

    monkeypatch.setattr("flows.sample.write_sample", fail)
    with pytest.raises(SystemExit) as end:
        main(["sample", str(tmp_path / "mau")])
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert f"({tmp_path / 't.xlsx'})" in said
    assert "Lỗi bất ngờ" not in said
    assert "system's words" not in said


@pytest.mark.slow
def test_a_run_beside_another_exits_4(office: Settings) -> None:
    from filelock import FileLock

    office.warehouse.parent.mkdir()
    with FileLock(office.lock):
        assert run_in(office).returncode == 4


@pytest.mark.slow
def test_an_unexpected_failure_exits_1_and_keeps_the_published_warehouse(published: Settings) -> None:
    before = published.warehouse.read_bytes()
    (published.outbox / "2024-06-30" / "bang-diem.csv").unlink()
    published.warehouse.with_name("w.duckdb.building").mkdir()  # a folder where the new warehouse must be built
    done = run_in(published)
    assert done.returncode == 1
    assert "vẫn nguyên vẹn" in done.stderr
    assert published.warehouse.read_bytes() == before


def test_help_comes_without_the_heavy_libraries() -> None:
    probe = "import sys, flows.cli; print(sorted({'prefect', 'duckdb', 'pyarrow', 'pandas', 'great_expectations'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_night_is_ready_before_what_only_its_end_needs_is_imported() -> None:
    heavy = {"prefect", "pandas", "great_expectations", "vl_convert", "openpyxl", "docx"}
    probe = f"import sys, flows.night, flows.terminal; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_check_shows_kind_headings_and_rejects(office: Settings) -> None:
    path = write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row(), case_row(**{"Trạng thái": "Đang bay"})])
    done = tthc("check", path, "--reference", office.reference)
    assert done.returncode == 1
    assert "Danh sách hồ sơ (cases)" in done.stdout
    assert "“Mã hồ sơ” → case_code" in done.stdout
    assert "Không rõ trạng thái: 1" in done.stdout
    assert "Bịa Đặt" not in done.stdout
    assert "0987654321" not in done.stdout


@pytest.mark.slow
def test_check_passes_over_what_a_run_passes_over(office: Settings) -> None:
    good = write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    passed_over = [office.raw / name for name in ("~$a.xlsx", "b.xlsx.part", "c.xlsx.crdownload", ".d.csv", "Thumbs.db")]
    for path in passed_over:
        path.write_bytes(b"half")
    done = tthc("check", good, *passed_over, "--reference", office.reference)
    assert done.returncode == 0, done.stdout
    for path in passed_over:
        assert f"{path.name}: BỎ QUA — tệp tạm hoặc tệp ẩn, không phải tệp xuất; lần chạy cũng bỏ qua" in done.stdout.splitlines()
    assert "TỪ CHỐI" not in done.stdout
    listed = json.loads(tthc("check", passed_over[0], "--json", "--reference", office.reference).stdout)
    assert [(record["file"], record["error"], record["passed_over"]) for record in listed] == [("~$a.xlsx", None, True)]


@pytest.mark.slow
def test_sample_never_overwrites(tmp_path: Path) -> None:
    assert tthc("sample", tmp_path / "s", "--cases", "100").returncode == 0
    done = tthc("sample", tmp_path / "s", "--cases", "100")
    assert done.returncode == 2
    assert "trống" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tamper",), "--nights"),
        (("--as-of", "2023-06-30T23:00"), "thời điểm chốt phải từ 08/01/2024"),
        (("--nights", "3"), "8 đến 300 đêm"),
    ],
)
def test_sample_says_what_it_cannot_write(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = tthc("sample", tmp_path / "s", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_a_file_too_big_for_its_memory_costs_only_itself(office: Settings) -> None:
    import duckdb

    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    with (office.raw / "big.csv").open("w", encoding="utf-8") as stream:
        stream.write(";".join(str(h) for h in HEADINGS) + "\n")
        line = ";".join(str(cell or "") for cell in case_row()) + "\n"
        for _ in range(60):
            stream.write(line * 10_000)
    run_night(Settings(office.raw, office.reference, office.warehouse, office.outbox, office.as_of, workers=2, read_bytes=250 * 1024**2))
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        states = dict(connection.execute("SELECT file_name, status FROM ops.files").fetchall())
        errors = [error for (error,) in connection.execute("SELECT error FROM ops.files WHERE status = 'rejected'").fetchall()]
    assert states == {"a.xlsx": "loaded", "big.csv": "rejected"}
    assert "bộ nhớ" in errors[0]
