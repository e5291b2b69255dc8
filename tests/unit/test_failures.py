"""What the command line says of failures that nobody reckoned with."""

import errno
import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from flows.cli import main
from flows.failures import describe_failure, write_vietnamese


def test_what_a_disk_refuses_is_told_in_words_whoever_met_it(tmp_path: Path) -> None:
    (tmp_path / "tep").touch()
    for open_it in (lambda path: path.open("wb"), lambda path: duckdb.connect(str(path))):
        with pytest.raises((OSError, duckdb.Error)) as refused:
            open_it(tmp_path / "tep" / "w.duckdb")
        assert "trên đường dẫn có một tệp ở chỗ của thư mục" in describe_failure(refused.value)
    full = duckdb.IOException(f'IO Error: Could not write file "w.duckdb": {os.strerror(errno.ENOSPC)}')
    assert describe_failure(full).startswith("Không đọc, ghi được tệp: ổ đĩa đã đầy.")
    commit = duckdb.TransactionException(f'Failed to commit: Could not write file "w.duckdb.wal": {os.strerror(errno.ENOSPC)}')
    assert describe_failure(commit).startswith("Không đọc, ghi được tệp: ổ đĩa đã đầy.")
    with closing(sqlite3.connect(tmp_path / "so.sqlite")) as ledger, pytest.raises(sqlite3.OperationalError) as refused:
        ledger.execute("PRAGMA max_page_count = 1")
        ledger.execute("CREATE TABLE t (x)")
    assert describe_failure(refused.value).startswith("Không đọc, ghi được tệp: ổ đĩa đã đầy.")


def test_a_folder_moved_to_another_disk_is_told_with_the_one_it_belongs_to() -> None:
    """An office short of room moves its kept warehouses, and every night after it ends so."""
    moved = OSError(errno.EXDEV, "Invalid cross-device link", "w.duckdb.building", None, "w.kept/1.duckdb")
    assert "phải nằm trên cùng một ổ đĩa (w.duckdb.building → w.kept/1.duckdb)" in describe_failure(moved)


def test_anything_else_stays_an_unexpected_error() -> None:
    assert describe_failure(ValueError(os.strerror(errno.ENOSPC))).startswith("Lỗi bất ngờ: ValueError")
    for harmless in (ModuleNotFoundError("No module named 'prefect'"), duckdb.IOException("Conflicting lock is held in dbeaver (PID 7)")):
        assert str(harmless) in describe_failure(harmless), "what it says helps, and quotes no cell"
    assert "số tệp được phép" in describe_failure(duckdb.IOException(f'Cannot open file "w.duckdb": {os.strerror(errno.EMFILE)}'))


@pytest.mark.parametrize("read", [int, lambda cell: duckdb.sql(f"SELECT CAST('{cell}' AS DATE)").fetchall()])
def test_an_unexpected_error_tells_its_place_and_not_the_cell_it_quotes(read: Callable[[str], object]) -> None:
    """What a command says is kept in the system's journal, which is no place for a citizen's name."""
    with pytest.raises((ValueError, duckdb.Error)) as met:
        read("Nguyễn Văn Bình 079088001234")
    assert "Bình" in str(met.value)
    said = describe_failure(met.value)
    assert "Bình" not in said and "079088001234" not in said
    assert type(met.value).__name__ in said and "test_failures.py:" in said


@pytest.mark.parametrize(("encoding", "then"), [("ascii", "utf-8"), ("cp1252", "utf-8"), ("utf-8", "utf-8"), ("utf-16", "utf-16")])
def test_every_output_takes_vietnamese_and_names_in_no_encoding(encoding: str, then: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    write_vietnamese(stream)
    stream.write("Tệp xuất: đã nạp ✓ h\udce1")
    stream.flush()
    assert written.getvalue().decode(then) == "Tệp xuất: đã nạp ✓ h\\udce1"


def test_a_command_whose_output_goes_to_a_file_in_an_old_encoding_ends_well() -> None:
    asked = [sys.executable, "-m", "flows.cli", "run", "--raw", "không-có"]
    ended = subprocess.run(asked, env=os.environ | {"PYTHONIOENCODING": "cp1252"}, capture_output=True, check=False)
    assert ended.returncode == 2
    assert "Cấu hình sai: không có thư mục tệp xuất" in ended.stderr.decode("utf-8")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("check .", "files: “.” là thư mục, ở đây cần tệp (Các tệp cần xem thử, ví dụ data/raw/*)"),
        ("check không-có.xlsx", "không có “không-có.xlsx”"),
        ("check", "thiếu files (Các tệp cần xem thử"),
        ("forget x", "thiếu --why (Lý do, được lưu lại)"),
        ("run --nosuch", "không có tùy chọn --nosuch; có lẽ là --no-fetch"),
        ("statsu", "không có lệnh “statsu”; có lẽ là status"),
        ("run hai tệp", "phần thừa “hai tệp”"),
        ("run --raw", "sau --raw cần một giá trị"),
        ("run --send=yes", "--send không kèm giá trị"),
        ("run --as-of 30/06", "--as-of: “30/06” không phải thời điểm dạng 2024-06-30T23:00"),
        ("run --catch-up --as-of 2024-06-30", "--catch-up tự lấy thời điểm"),
        ("send --date 30/06/2024", "--date: “30/06/2024” không đúng dạng (2024-06-30: "),
        ("serve --port 80", "--port: cần số từ 1024 trở lên"),
        ("serve --port x", "--port: cần một số"),
        ("sample x --year 3000", "--year: cần số từ 2099 trở xuống"),
        ("build --out x --engine y", "--engine: có “y”, cần một trong: duckdb, spark"),
    ],
)
def test_a_command_that_is_typed_wrongly_is_told_in_vietnamese(typed: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    said, where = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert said.startswith("Lệnh viết sai: ") and told in said
    assert where.startswith("Cách dùng: ") and where.endswith(" --help")
    assert not any(word in said for word in ("Error", "Invalid", "should", "Missing", "Usage"))
