"""Files made to hurt: each is refused quickly and cheaply, with a reason, and the good file beside it loads."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pytest
from conftest import HEADINGS, case_row, write_workbook

from flows.night import run_night
from flows.reading import ReaderProcess
from flows.settings import Settings

pytestmark = pytest.mark.usefixtures("figures_only")

_OLE_WITH_ENCRYPTED_PACKAGE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 2000


def _edit_sheet(edit: Callable[[bytes], bytes]) -> bytes:
    """A small workbook whose first sheet's XML was edited."""
    book = openpyxl.Workbook()
    book.worksheets[0].append([str(h) for h in HEADINGS])
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            content = source.read(info)
            target.writestr(info.filename, edit(content) if info.filename == "xl/worksheets/sheet1.xml" else content)
    return out.getvalue()


def far_cell() -> bytes:
    cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return _edit_sheet(lambda xml: xml.replace(b"</sheetData>", cell))


def zip_bomb() -> bytes:
    """1 GiB of blanks inside a sheet, a megabyte packed."""
    return _edit_sheet(lambda xml: xml.replace(b"</sheetData>", b" " * 1024**3 + b"</sheetData>"))


def billion_laughs() -> bytes:
    entities = b"<!ENTITY a0 'ha'>" + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 11))
    return _edit_sheet(lambda xml: b"<!DOCTYPE x [" + entities + b"]>" + xml.replace(b"STT", b"&a10;"))


HOSTILE = {
    "far_cell.xlsx": (far_cell, "ô"),
    "zip_bomb.xlsx": (zip_bomb, "bom nén"),
    "billion_laughs.xlsx": (billion_laughs, "thực thể"),
    "encrypted.xlsx": (lambda: _OLE_WITH_ENCRYPTED_PACKAGE, "mật khẩu"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_2_seconds_and_300_mb(office: Settings, name: str) -> None:
    make, reason = HOSTILE[name]
    (office.raw / name).write_bytes(make())
    write_workbook(office.raw / "good.xlsx", [HEADINGS, case_row()])
    # Measured in a process of its own, as the largest of all it started: interpreter, imports and readers included. The readers alone are
    # started there, because Great Expectations' process is larger.
    probe = (
        "import json, resource, sys, time; from pathlib import Path; from flows.night import Watcher, land, load_office, read\n"
        "from flows.settings import make_settings; settings = make_settings(*map(Path, json.loads(sys.argv[1])))\n"
        "started = time.monotonic()\n"
        "read(settings, load_office(settings), land(settings), Watcher())\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(json.dumps({'seconds': time.monotonic() - started, 'reader_kib': peak}))"
    )
    arguments = json.dumps([str(folder) for folder in (office.raw, office.reference, office.warehouse, office.outbox)])
    environment = os.environ | {"TTHC_WORKERS": "1"}
    done = subprocess.run([sys.executable, "-c", probe, arguments], capture_output=True, text=True, env=environment, check=True)
    cost = json.loads(done.stdout.splitlines()[-1])
    assert cost["reader_kib"] < 300 * 1024
    assert run_night(office).files_read == 0
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        states = {
            n: (status, error) for n, status, error in connection.execute("SELECT file_name, status, error FROM ops.files").fetchall()
        }
    assert states["good.xlsx"][0] == "loaded"
    assert states[name][0] == "rejected"
    assert reason in states[name][1]
    # the refusal itself, once a reader is warm
    from transforms.readers import read_sheets
    from transforms.sheets import UnreadableExport

    data = (office.raw / name).read_bytes()
    started = time.monotonic()
    with pytest.raises(UnreadableExport):
        read_sheets(data)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import time; time.sleep(60)", "hung"),
        ("import os; os.abort()", "died"),
        ("import sys; print('{\"status\"', end=''); sys.exit(0)", "died"),
        ("import resource; resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28)); b = bytearray(2**30)", "died"),
    ],
)
def test_a_reader_that_hangs_or_dies_is_replaced(code: str, status: str) -> None:
    reader = ReaderProcess(0.7, [sys.executable, "-c", code])
    assert reader.ask({})["status"] == status
    reader.command = [sys.executable, "-c", 'import sys; sys.stdin.readline(); print(\'{"status": "read"}\', flush=True); sys.stdin.read()']
    reader.seconds = 10
    assert reader.ask({})["status"] == "read"
    reader.close()


@pytest.mark.slow
def test_members_with_paths_in_their_names_lead_nowhere(office: Settings, tmp_path: Path) -> None:
    good = write_workbook(tmp_path / "good.xlsx", [HEADINGS, case_row()])
    with zipfile.ZipFile(office.raw / "paths.zip", "w") as archive:
        archive.write(good, "../../escaped.xlsx")
        archive.writestr("/etc/absolute.xlsx", b"")
    before = {p for p in tmp_path.rglob("*") if "warehouse" not in p.parts and "outbox" not in p.parts}
    run_night(office)
    assert {p for p in tmp_path.rglob("*") if "warehouse" not in p.parts and "outbox" not in p.parts} == before
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        states = dict(connection.execute("SELECT member, status FROM ops.files").fetchall())
    assert states == {"../../escaped.xlsx": "loaded", "/etc/absolute.xlsx": "rejected"}


@pytest.mark.slow
def test_limits_are_configurable(office: Settings) -> None:
    from transforms.limits import Limits

    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    write_workbook(office.raw / "b.xlsx", [HEADINGS, *(case_row(f"000.22.58.H48-240215-{n:04d}") for n in range(200))])
    run_night(Settings(office.raw, office.reference, office.warehouse, office.outbox, office.as_of, limits=Limits(rows=100)))
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        states = dict(connection.execute("SELECT file_name, status FROM ops.files").fetchall())
    assert states == {"a.xlsx": "loaded", "b.xlsx": "rejected"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_two_files_of_one_name_is_refused_and_does_not_hold_the_night_back(office: Settings, tmp_path: Path) -> None:
    write_workbook(office.raw / "good.xlsx", [HEADINGS, case_row()])
    with zipfile.ZipFile(office.raw / "twice.zip", "w") as archive:
        archive.write(office.raw / "good.xlsx", "a.xlsx")
        archive.write(office.raw / "good.xlsx", "a.xlsx")
    assert run_night(office).is_published
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        states = connection.execute("SELECT file_name, member, status, error FROM ops.files ORDER BY 1").fetchall()
    assert [row[:3] for row in states] == [("good.xlsx", None, "loaded"), ("twice.zip", None, "rejected")]
    assert "cùng tên" in states[1][3]
