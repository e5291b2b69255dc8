"""What lies in the raw folder is read once, and again whenever anybody touched it."""

import errno
import hashlib
import os
import shutil
import unicodedata
import zipfile
from pathlib import Path

import pytest
from conftest import HEADINGS, case_row, write_workbook

from flows import landing
from flows.checking import check_file
from flows.landing import find_exports
from flows.night import run_night
from flows.settings import Settings, local_now
from transforms.readers import Limits, read_member


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A raw folder with a list and an archive of two, touched a minute ago."""
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.csv").write_text("Mã hồ sơ\n1\n", encoding="utf-8")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("x.csv", "một")
        archive.writestr("y.csv", "hai")
    now = landing.time.time_ns()
    monkeypatch.setattr(landing.time, "time_ns", lambda: now + 60_000_000_000)
    return folder


@pytest.mark.slow
def test_a_name_of_an_old_code_page_costs_its_file_and_is_told(office: Settings) -> None:
    """As unzip and wrongly mounted shares leave them; one of them stopped the whole night."""
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    for name in (b"h\xf4 s\xf3.xlsx", b"th\xe1ng 6/b.xlsx"):
        path = Path(os.fsdecode(os.fsencode(office.raw) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        shutil.copy(office.raw / "a.xlsx", path)
    found = {file["file_name"]: (file["status"], file["error"]) for file in run_night(office).files}
    assert found["a.xlsx"] == ("loaded", None)
    for name in ("h? s?.xlsx", "th?ng 6/b.xlsx"):
        status, error = found[name]
        assert status == "rejected" and "hãy đổi tên" in str(error)


def test_what_cannot_be_looked_into_is_told_and_costs_nothing_else(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead network share, a folder of another account, a linked folder: their exports were missing and nobody knew."""
    (tmp_path / "elsewhere").mkdir()
    (raw / "linked").symlink_to(tmp_path / "elsewhere")
    (raw / "nowhere.csv").symlink_to(tmp_path / "gone.csv")
    (raw / "closed").mkdir()
    scan = os.scandir

    def refuse(folder: str) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = {export.file_name: export.error for export in find_exports(raw) if not export.is_readable}
    assert list(found) == ["closed/", "linked/", "nowhere.csv"]
    assert "quyền truy cập" in str(found["closed/"]) and "liên kết" in str(found["linked/"])
    assert [e.file_name for e in find_exports(raw) if e.is_readable] == ["a.csv", "b.zip", "b.zip"]


def test_untouched_files_are_not_read_again(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen.json"
    first = find_exports(raw, seen=seen)
    assert [(e.file_name, e.member) for e in first] == [("a.csv", None), ("b.zip", "x.csv"), ("b.zip", "y.csv")]
    monkeypatch.setattr(landing, "exports_of", None)  # reading would fail
    assert find_exports(raw, seen=seen) == first


def test_new_bytes_of_the_same_size_and_time_under_an_old_name_are_noticed(raw: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    before = find_exports(raw, seen=seen)[0]
    stat = (raw / "a.csv").stat()
    shutil.copy(raw / "a.csv", tmp_path / "new")
    (tmp_path / "new").write_bytes((tmp_path / "new").read_bytes().replace(b"1", b"2"))
    shutil.copy(tmp_path / "new", raw / "a.csv")
    os.utime(raw / "a.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = find_exports(raw, seen=seen)[0]
    assert after.arrived_at == before.arrived_at
    assert after.file_id == hashlib.sha256((raw / "a.csv").read_bytes()).hexdigest() != before.file_id


def test_what_lies_here_has_arrived_whatever_the_clock_that_wrote_it_says(raw: Path) -> None:
    """A list dated next year waited until then as one exported after the moment of the figures."""
    os.utime(raw / "a.csv", (4_000_000_000, 4_000_000_000))
    assert find_exports(raw)[0].arrived_at <= local_now()


def test_a_file_touched_a_moment_ago_is_looked_at_again(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (raw / "a.csv").touch()
    find_exports(raw, seen=tmp_path / "seen.json")
    read = []
    exports_of = landing.exports_of
    monkeypatch.setattr(landing, "exports_of", lambda path, name, limits: read.append(name) or exports_of(path, name, limits))
    find_exports(raw, seen=tmp_path / "seen.json")
    assert "a.csv" in read


@pytest.mark.parametrize("damage", ["", "{", '{"made_for": "an older program", "files": {"a.csv": {}}}'])
def test_a_memory_that_cannot_be_used_is_made_anew(raw: Path, tmp_path: Path, damage: str) -> None:
    seen = tmp_path / "seen.json"
    wanted = find_exports(raw)
    seen.write_text(damage, encoding="utf-8")
    assert find_exports(raw, seen=seen) == wanted
    assert find_exports(raw, seen=seen) == wanted


def test_other_limits_are_asked_anew(raw: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    assert all(e.error is None for e in find_exports(raw, seen=seen))
    assert [e.error is None for e in find_exports(raw, Limits(entries=1), seen)] == [True, False]


def test_temporary_members_are_told_by_their_last_part_whatever_separates_it(raw: Path) -> None:
    """Programs on Windows may write "\\" into archives."""
    with zipfile.ZipFile(raw / "c.zip", "w") as archive:
        for member in (
            "thang6\\~$ds.xlsx",
            "thang6/~$ds.xlsx",
            "thang6\\Thumbs.db",
            "thang6\\.ds.csv",
            "__MACOSX\\ds.csv",
            "thang6\\ds.csv",
        ):
            archive.writestr(member, member)
    assert [e.member for e in find_exports(raw) if e.file_name == "c.zip"] == ["thang6\\ds.csv"]


LEFT_BY_DESKTOPS = ["__MACOSX/._x.csv", "sub/.DS_Store", "Thumbs.db", "~$x.xlsx", "y.xlsx.part"]


def test_what_desktops_leave_in_an_archive_is_neither_landed_nor_checked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in (*LEFT_BY_DESKTOPS, "x.csv"):
            archive.writestr(name, name)
    assert [export.member for export in find_exports(tmp_path, Limits())] == ["x.csv"]
    assert [record["member"] for record in check_file(tmp_path / "b.zip", tmp_path)] == ["x.csv"]


def test_an_archive_of_nothing_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in LEFT_BY_DESKTOPS:
            archive.writestr(name, name)
    [export] = find_exports(tmp_path, Limits())
    [record] = check_file(tmp_path / "b.zip", tmp_path)
    assert (export.member, record["member"]) == (None, None)
    assert "không có tệp xuất nào" in (export.error or "")
    assert record["error"] == export.error


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Hồ sơ tháng 6.csv".encode(), "Hồ sơ tháng 6.csv"),
        (unicodedata.normalize("NFD", "sub/Số hóa.csv").encode(), unicodedata.normalize("NFD", "sub/Số hóa.csv")),
        ("Café.csv".encode("cp437"), "Café.csv"),
        ("Danh sách.csv".encode("cp1258"), "Danh sách.csv".encode("cp1258").decode("cp437")),  # which code page it was cannot be known
        (b"ho-so.csv", "ho-so.csv"),
    ],
)
def test_names_in_an_archive_are_read_as_macs_write_them(tmp_path: Path, written: bytes, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("X" * len(written), "Mã hồ sơ")
        archive.writestr("other.csv", "x")
    data = (tmp_path / "b.zip").read_bytes().replace(b"X" * len(written), written)
    (tmp_path / "b.zip").write_bytes(data)
    assert [export.member for export in find_exports(tmp_path, Limits())] == sorted([name, "other.csv"])
    assert read_member(data, name) == "Mã hồ sơ".encode()
