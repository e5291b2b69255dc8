"""A shared folder: what is taken, when, under which name; and that nothing lands twice or outside."""

import os
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.conftest import Fetcher
from flows.arrivals import safe_path
from flows.connections.folder import FolderConnection
from flows.connections.remote import Receive, RemoteFile, SourceFailure
from flows.landing import find_exports, is_export, time_in_name
from flows.staging import load_record


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


def folder_source(share: Path, more: str = "", name: str = "nguon") -> str:
    return f'name = "{name}"\nkind = "folder"\naddress = "{share}"\n{more}'


def test_files_are_copied_once_with_a_record_of_where_they_came_from(fetcher: Fetcher, share: Path) -> None:
    (share / "xã Sơn Hạ").mkdir()
    (share / "xã Sơn Hạ" / "hồ sơ 30.06.xlsx").write_bytes(b"one")
    os.utime(share / "xã Sơn Hạ" / "hồ sơ 30.06.xlsx", (1_719_700_000, 1_719_700_000))
    fetcher.write(folder_source(share))

    assert fetcher.fetch().landed == ["nguon/xã Sơn Hạ/hồ sơ 30.06.xlsx"]
    assert fetcher.fetch().landed == []
    assert fetcher.files() == {"nguon/xã Sơn Hạ/hồ sơ 30.06.xlsx": b"one"}
    (sidecar,) = (fetcher.records() / "files").glob("*.json")
    record = load_record(sidecar)
    assert record is not None
    assert (record["origin"], record["size"], record["sha256"]) == ("xã Sơn Hạ/hồ sơ 30.06.xlsx", 3, sidecar.stem)
    assert record["modified_at"] == 1_719_700_000 and record["fetched_at"]
    assert [e.arrived_at.isoformat() for e in find_exports(fetcher.settings.raw)] == ["2024-06-30T05:26:40"]
    assert (share / "xã Sơn Hạ" / "hồ sơ 30.06.xlsx").read_bytes() == b"one"


def test_a_name_of_an_old_code_page_hides_neither_its_file_nor_the_others(fetcher: Fetcher, share: Path) -> None:
    (share / "a.xlsx").write_bytes(b"one")
    Path(os.fsdecode(os.fsencode(share) + b"/h\xf4 s\xf3.xlsx")).write_bytes(b"two")
    fetcher.write(folder_source(share))
    assert fetcher.fetch().error is None
    assert fetcher.fetch().landed == []
    assert fetcher.files() == {"nguon/a.xlsx": b"one", "nguon/h_ s_.xlsx": b"two"}


def test_the_same_bytes_under_another_name_do_not_land_again(fetcher: Fetcher, share: Path) -> None:
    (share / "a.xlsx").write_bytes(b"same")
    fetcher.write(folder_source(share))
    fetcher.fetch()
    (share / "b.xlsx").write_bytes(b"same")
    os.utime(share / "a.xlsx", (1_719_700_000, 1_719_700_000))
    assert fetcher.fetch().error is None
    assert list(fetcher.files()) == ["nguon/a.xlsx"]


def test_new_bytes_under_an_old_name_land_beside_it_and_no_age_is_made_up(fetcher: Fetcher, share: Path) -> None:
    name = "hoso_20240630225959.csv"
    (share / name).write_bytes(b"old")
    fetcher.write(folder_source(share))
    fetcher.fetch()
    (share / name).write_bytes(b"newer")
    (new,) = fetcher.fetch().landed
    assert fetcher.files() == {f"nguon/{name}": b"old", new: b"newer"}
    assert new.startswith("nguon/hoso_20240630225959.") and new.endswith(".csv")
    assert time_in_name(new) == time_in_name(name)


def test_what_is_unfinished_hidden_or_unwanted_is_never_taken(fetcher: Fetcher, share: Path) -> None:
    for name in ("~$a.xlsx", "a.xlsx.part", "B.TMP", "c.crdownload", ".hidden.xlsx", "d.docx", "nháp.xlsx", "good.xlsx"):
        (share / name).write_bytes(name.encode())
    (share / ".snapshot").mkdir()
    (share / ".snapshot" / "x.xlsx").write_bytes(b"x")
    fetcher.write(folder_source(share, 'include = ["*.xlsx", "*.csv"]\nexclude = ["nháp*"]'))
    assert fetcher.fetch().landed == ["nguon/good.xlsx"]


def test_an_empty_file_is_one_its_sender_has_not_written_yet(fetcher: Fetcher, share: Path) -> None:
    (share / "a.xlsx").write_bytes(b"")
    fetcher.write(folder_source(share))
    assert (fetcher.fetch().waiting, fetcher.files()) == (1, {})


def test_links_out_of_the_folder_are_no_part_of_it(fetcher: Fetcher, share: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.xlsx").write_bytes(b"secret")
    (share / "link.xlsx").symlink_to(tmp_path / "secret.xlsx")
    (share / "up").symlink_to(tmp_path)
    fetcher.write(folder_source(share))
    assert fetcher.fetch().landed == []


def test_a_growing_file_waits_until_it_is_whole(fetcher: Fetcher, share: Path) -> None:
    path = share / "big.xlsx"
    path.write_bytes(b"0")
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.02):
            with path.open("ab") as stream:
                stream.write(b"0" * 100)

    writer = threading.Thread(target=grow)
    writer.start()
    fetcher.write(folder_source(share, "settle_seconds = 0.2"))
    outcome = fetcher.fetch()
    stop.set()
    writer.join()
    assert (outcome.landed, outcome.waiting, outcome.error) == ([], 1, None)
    assert fetcher.files() == {}
    assert fetcher.fetch().landed == ["nguon/big.xlsx"]
    assert fetcher.files() == {"nguon/big.xlsx": path.read_bytes()}


def test_a_file_that_grows_while_it_is_copied_does_not_land(fetcher: Fetcher, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.arrivals import IncomingFile

    path, write = share / "big.xlsx", IncomingFile.write
    path.write_bytes(b"start")

    def write_while_growing(self: IncomingFile, chunk: bytes) -> None:
        with path.open("ab") as stream:
            stream.write(b"more")
        write(self, chunk)
        path.open("ab").close()

    fetcher.write(folder_source(share))
    monkeypatch.setattr("flows.connections.folder._CHUNK", 5)
    calls = iter(range(3))
    monkeypatch.setattr(IncomingFile, "write", lambda self, chunk: (write_while_growing if next(calls, 9) < 2 else write)(self, chunk))
    outcome = fetcher.fetch()
    assert (outcome.landed, outcome.waiting) == ([], 1)
    assert fetcher.files() == {}


def test_a_marker_or_a_second_night_can_say_that_a_file_is_whole(fetcher: Fetcher, share: Path) -> None:
    (share / "a.xlsx").write_bytes(b"a")
    (share / "b.xlsx").write_bytes(b"b")
    (share / "b.xlsx.xong").write_bytes(b"")
    fetcher.write(folder_source(share, 'settle = "marker"\nmarker = ".xong"'))
    assert fetcher.fetch().landed == ["nguon/b.xlsx"]
    (share / "b.xlsx.xong").unlink()
    fetcher.write(folder_source(share, 'settle = "next_fetch"'))
    assert fetcher.fetch().landed == []
    (share / "a.xlsx").write_bytes(b"a2")
    assert fetcher.fetch().landed == []
    assert fetcher.fetch().landed == ["nguon/a.xlsx"]


def test_a_folder_that_was_a_file_costs_its_own_files_and_no_others(fetcher: Fetcher, share: Path) -> None:
    fetcher.write(folder_source(share))
    (share / "a").write_bytes(b"a")
    (share / "b").mkdir()
    (share / "b" / "x.xlsx").write_bytes(b"x")
    assert fetcher.fetch().landed == ["nguon/a", "nguon/b/x.xlsx"]
    (share / "a").unlink()
    (share / "a").mkdir()
    (share / "a" / "y.xlsx").write_bytes(b"y")
    (share / "b" / "x.xlsx").unlink()
    (share / "b").rmdir()
    (share / "b").write_bytes(b"b")
    (share / "c.xlsx").write_bytes(b"c")
    outcome = fetcher.fetch()
    assert outcome.landed == [f"nguon/b.{sha256(b'b').hexdigest()[:8]}", "nguon/c.xlsx"]
    assert "“a/y.xlsx”" in str(outcome.error) and "đổi tên thư mục" in str(outcome.error)


def test_a_link_in_a_circle_does_not_hide_the_files_beside_it(fetcher: Fetcher, share: Path) -> None:
    (share / "a.xlsx").symlink_to(share / "a.xlsx")
    (share / "b.xlsx").write_bytes(b"b")
    fetcher.write(folder_source(share, ""))
    outcome = fetcher.fetch()
    assert (outcome.error, outcome.landed) == (None, ["nguon/b.xlsx"])


def test_a_second_try_is_not_a_second_night(fetcher: Fetcher, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by a review: a file that was growing while the line broke was held to be the same as at the fetch before."""
    fetcher.write(folder_source(share, 'settle = "next_fetch"\nretries = 1'))
    (share / "a.xlsx").write_bytes(b"a")
    assert fetcher.fetch().landed == []
    (share / "b.xlsx").write_bytes(b"half")
    download, broken = FolderConnection.download, iter([True])

    def break_once(self: FolderConnection, file: RemoteFile, receive: Receive) -> None:
        if next(broken, False):
            raise SourceFailure("mất kết nối", may_pass=True)
        download(self, file, receive)

    monkeypatch.setattr(FolderConnection, "download", break_once)
    assert fetcher.fetch().landed == ["nguon/a.xlsx"]
    assert fetcher.fetch().landed == ["nguon/b.xlsx"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("..\\..\\x.xlsx", "x.xlsx"),
        ("/etc/x.xlsx", "etc/x.xlsx"),
        ("C:\\x.xlsx", "C_/x.xlsx"),
        ("a/./b/../c.xlsx", "a/b/c.xlsx"),
        (".hidden.xlsx", "_hidden.xlsx"),
        ("~$x.xlsx", "_x.xlsx"),
        ("x.xlsx.part", "x.xlsx.part_"),
        ("tên\x00dài\n.xlsx", "tên_dài_.xlsx"),
        ("…", "…"),
        ("", "tep-xuat"),
        ("../..", "tep-xuat"),
        ("ồ" * 200 + ".xlsx", "ồ" * 58 + ".xlsx"),
        ("ồ" * 200 + " 20240630220000.xlsx", "ồ" * 53 + "_20240630220000.xlsx"),  # the export's age
        ("20240101080000 " + "a" * 200 + "-20240630220000.csv", "20240101080000 " + "a" * 146 + "_20240630220000.csv"),
        ("20240630220000 " + "a" * 200 + ".csv", "20240630220000 " + "a" * 161 + ".csv"),
        ("con.xlsx", "_con.xlsx"),
        ("AUX/lpt1 .tar.gz", "_AUX/_lpt1 .tar.gz"),
        ("contact.xlsx", "contact.xlsx"),
        ("bao cao\u00a0. /a.xlsx", "bao cao/a.xlsx"),
    ],
)
def test_no_name_leads_out_of_the_folder(told: str, kept: str) -> None:
    assert safe_path(told) == kept


@pytest.mark.slow
@settings(deadline=None)
@given(st.text())
def test_whatever_a_source_says_the_name_stays_inside_and_is_an_export(told: str) -> None:
    kept = PurePosixPath(safe_path(told))
    assert not kept.is_absolute() and ".." not in kept.parts
    assert all(
        len(part.encode()) <= 200 and not part.startswith((".", "~$")) and "\\" not in part and "\0" not in part for part in kept.parts
    )
    assert is_export(str(kept)) and safe_path(str(kept)) == str(kept)


def test_a_link_planted_in_the_raw_folder_is_not_followed(fetcher: Fetcher, share: Path, tmp_path: Path) -> None:
    (share / "sub").mkdir()
    (share / "sub" / "a.xlsx").write_bytes(b"a")
    (tmp_path / "elsewhere").mkdir()
    (fetcher.settings.raw / "nguon").mkdir()
    (fetcher.settings.raw / "nguon" / "sub").symlink_to(tmp_path / "elsewhere")
    fetcher.write(folder_source(share))
    assert "nằm ngoài thư mục" in str(fetcher.fetch().error)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_one_unreadable_or_oversized_file_costs_only_itself(fetcher: Fetcher, share: Path) -> None:
    (share / "a.xlsx").write_bytes(b"a" * 3000)
    (share / "b.xlsx").write_bytes(b"b")
    fetcher.write(folder_source(share, "max_mb = 0.002"))
    outcome = fetcher.fetch()
    assert "lớn hơn max_mb" in str(outcome.error)
    assert list(fetcher.files()) == ["nguon/b.xlsx"]


def test_a_missing_share_is_told_and_the_others_are_fetched(fetcher: Fetcher, share: Path, tmp_path: Path) -> None:
    from flows.fetching import fetch

    (share / "a.xlsx").write_bytes(b"a")
    fetcher.write(folder_source(tmp_path / "gone", name="mat"), folder_source(share))
    gone, good = fetch(fetcher.settings)
    assert "không thấy thư mục" in str(gone.error) and gone.failures == 1
    assert good.landed == ["nguon/a.xlsx"]
    assert [outcome.failures for outcome in fetch(fetcher.settings)] == [2, 0]


def test_a_share_that_hangs_is_left_behind(fetcher: Fetcher, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.connections.folder import FolderConnection

    (share / "a.xlsx").write_bytes(b"a")
    over = threading.Event()
    walk = FolderConnection.list
    monkeypatch.setattr(FolderConnection, "list", lambda self: (over.wait(5), walk(self))[1])
    fetcher.write(folder_source(share, "max_minutes = 0.01\ntimeout_seconds = 0.1"))
    began = time.monotonic()
    outcome = fetcher.fetch()
    assert time.monotonic() - began < 3 and "không trả lời" in str(outcome.error)
    over.set()
    time.sleep(0.2)
    assert fetcher.files() == {}  # what hung and woke later lands nothing behind the run's back


def test_a_full_disk_leaves_nothing_and_is_told(fetcher: Fetcher, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (share / "a.xlsx").write_bytes(b"a")
    fetcher.write(folder_source(share))
    with monkeypatch.context() as patched:
        patched.setattr("flows.arrivals.os.fsync", full)
        outcome = fetcher.fetch()
    assert "đĩa của máy này đã đầy" in str(outcome.error)
    assert fetcher.files() == {}
    assert fetcher.fetch().landed == ["nguon/a.xlsx"]


KILLED = """
import os, signal, sys
from pathlib import Path, PurePosixPath
import flows.arrivals as arrivals
from flows.fetching import fetch
from flows.settings import make_settings
folder, at = Path(sys.argv[1]), int(sys.argv[2])
seen = 0
def door(function):
    def call(*arguments, **named):
        global seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return call
os.fsync, os.link, os.utime = door(os.fsync), door(os.link), door(os.utime)
arrivals.save_record, arrivals.append_line = door(arrivals.save_record), door(arrivals.append_line)
Path.unlink = door(Path.unlink)
fetch(make_settings(folder / "raw", folder / "reference", folder / "warehouse" / "w.duckdb", folder / "outbox"))
print(seen)
"""


@pytest.mark.slow
def test_killed_at_any_step_and_run_again_there_is_exactly_one_file(fetcher: Fetcher, share: Path, tmp_path: Path) -> None:
    import shutil

    (share / "a.xlsx").write_bytes(b"a" * 5000)
    fetcher.write(folder_source(share))
    killed = 0
    for at in range(1, 30):
        shutil.rmtree(fetcher.settings.raw)
        fetcher.settings.raw.mkdir()
        shutil.rmtree(fetcher.settings.staged, ignore_errors=True)
        done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(at)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed += 1
        assert [e.file_name for e in find_exports(fetcher.settings.raw)] in ([], ["nguon/a.xlsx"])
        assert fetcher.fetch().error is None
        assert fetcher.files() == {"nguon/a.xlsx": b"a" * 5000}
        assert len(list((fetcher.records() / "files").glob("*.json"))) == 1
        assert fetcher.fetch().landed == []
    assert killed >= 8


@pytest.mark.slow
def test_a_huge_listing_is_gone_through_and_many_new_files_taken_in_one_go(fetcher: Fetcher, share: Path) -> None:
    for number in range(6000):
        (share / f"{number:05d}.csv").write_text(str(number))
    fetcher.write(folder_source(share, 'settle_seconds = 0.1\ninclude = ["001*.csv"]'))
    assert len(fetcher.fetch().landed) == 100
    began = time.monotonic()
    assert fetcher.fetch().landed == []
    assert time.monotonic() - began < 10
