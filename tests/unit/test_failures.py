"""What the command line says of failures that nobody reckoned with."""

import errno
import io
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from flows.failures import describe_failure, write_vietnamese


def test_what_a_disk_refuses_is_told_in_words_whoever_met_it(tmp_path: Path) -> None:
    (tmp_path / "tep").touch()
    for open_it in (lambda path: path.open("wb"), lambda path: duckdb.connect(str(path))):
        with pytest.raises((OSError, duckdb.Error)) as refused:
            open_it(tmp_path / "tep" / "w.duckdb")
        assert "trên đường dẫn có một tệp ở chỗ của thư mục" in describe_failure(refused.value)
    full = duckdb.IOException(f'IO Error: Could not write file "w.duckdb": {os.strerror(errno.ENOSPC)}')
    assert describe_failure(full).startswith("Không đọc, ghi được tệp: ổ đĩa đã đầy.")
    with closing(sqlite3.connect(tmp_path / "so.sqlite")) as ledger, pytest.raises(sqlite3.OperationalError) as refused:
        ledger.execute("PRAGMA max_page_count = 1")
        ledger.execute("CREATE TABLE t (x)")
    assert describe_failure(refused.value).startswith("Không đọc, ghi được tệp: ổ đĩa đã đầy.")


def test_anything_else_stays_an_unexpected_error() -> None:
    assert describe_failure(ValueError(os.strerror(errno.ENOSPC))).startswith("Lỗi bất ngờ: ValueError")


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
