"""SFTP against asyncssh's server."""

import os
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from fetch.conftest import Fetcher
from fetch.servers import LOOPBACK, Ssh, sftp_server


@pytest.fixture
def ssh(tmp_path: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ssh]:
    (tmp_path / "sftp" / "xuất").mkdir(parents=True)
    with sftp_server(Ssh(tmp_path / "sftp")) as server:
        (fetcher.settings.reference / "known_hosts").write_text(server.known_hosts + "\n", encoding="utf-8")
        monkeypatch.setenv("TTHC_TEST_SFTP", server.password)
        fetcher.write(sftp_source(server))
        yield server


def sftp_source(ssh: Ssh, more: str = "", path: str = "/xuất") -> str:
    return (
        f'name = "nguon"\nkind = "sftp"\naddress = "sftp://{LOOPBACK}:{ssh.port}{path}"\nusername = "tthc"\n'
        f'password_env = "TTHC_TEST_SFTP"\n{more}'
    )


def test_files_are_fetched_once_with_the_servers_time(fetcher: Fetcher, ssh: Ssh) -> None:
    (ssh.root / "xuất" / "xã Sơn Hạ").mkdir()
    path = ssh.root / "xuất" / "xã Sơn Hạ" / "hồ sơ.xlsx"
    path.write_bytes(b"x" * 700_000)
    os.utime(path, (1_719_700_000, 1_719_700_000))
    (ssh.root / "xuất" / "b.xlsx.part").write_bytes(b"unfinished")
    assert fetcher.fetch().landed == ["nguon/xã Sơn Hạ/hồ sơ.xlsx"]
    assert fetcher.files() == {"nguon/xã Sơn Hạ/hồ sơ.xlsx": b"x" * 700_000}
    assert (fetcher.settings.raw / "nguon" / "xã Sơn Hạ" / "hồ sơ.xlsx").stat().st_mtime == 1_719_700_000
    assert fetcher.fetch().landed == []
    path.write_bytes(b"new")
    assert len(fetcher.fetch().landed) == 1 and len(fetcher.files()) == 2


def test_a_name_of_an_old_code_page_hides_neither_its_file_nor_the_others(fetcher: Fetcher, ssh: Ssh) -> None:
    (ssh.root / "xuất" / "a.xlsx").write_bytes(b"one")
    Path(os.fsdecode(os.fsencode(ssh.root / "xuất") + b"/h\xf4 s\xf3.xlsx")).write_bytes(b"two")
    assert fetcher.fetch().error is None
    assert fetcher.fetch().landed == []
    assert fetcher.files() == {"nguon/a.xlsx": b"one", "nguon/h_ s_.xlsx": b"two"}


def test_a_server_that_tells_no_modes_hides_no_file(fetcher: Fetcher, ssh: Ssh) -> None:
    ssh.tells_modes = False
    (ssh.root / "xuất" / "xã").mkdir()
    (ssh.root / "xuất" / "a.xlsx").write_bytes(b"one")
    (ssh.root / "xuất" / "xã" / "b.xlsx").write_bytes(b"two")
    (ssh.root / "xuất" / "c.xlsx").symlink_to("a.xlsx")
    assert fetcher.fetch().error is None
    assert fetcher.files() == {"nguon/a.xlsx": b"one", "nguon/xã/b.xlsx": b"two"}


def test_a_line_dropped_in_the_middle_lands_nothing_and_is_tried_again(fetcher: Fetcher, ssh: Ssh) -> None:
    (ssh.root / "xuất" / "a.xlsx").write_bytes(b"a" * 3_000_000)
    ssh.cut_after, ssh.cuts = 1_000_000, 1
    assert "mất kết nối" in str(fetcher.fetch().error)
    assert fetcher.files() == {}
    ssh.cuts = 1
    fetcher.write(sftp_source(ssh, "retries = 1"))
    assert fetcher.fetch().landed == ["nguon/a.xlsx"]
    assert fetcher.files() == {"nguon/a.xlsx": b"a" * 3_000_000}


def test_an_unknown_host_key_is_not_logged_in_to(fetcher: Fetcher, ssh: Ssh) -> None:
    (ssh.root / "xuất" / "a.xlsx").write_bytes(b"a")
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    known = fetcher.settings.reference / "known_hosts"
    for text in (f"[{LOOPBACK}]:{ssh.port} {other}", ""):
        known.write_text(text, encoding="utf-8")
        assert "không có trong known_hosts hoặc đã đổi" in str(fetcher.fetch().error)
    known.unlink()
    assert "không thấy tệp known_hosts" in str(fetcher.fetch().error)
    assert fetcher.files() == {}


def test_a_wrong_password_is_told_and_not_repeated(fetcher: Fetcher, ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_SFTP", "sai")
    fetcher.write(sftp_source(ssh, "retries = 3\nretry_seconds = 60"))
    assert "từ chối đăng nhập" in str(fetcher.fetch().error)


def test_a_missing_folder_is_told(fetcher: Fetcher, ssh: Ssh) -> None:
    fetcher.write(sftp_source(ssh, path="/khong-co"))
    assert "không liệt kê được “/khong-co”" in str(fetcher.fetch().error)


def test_a_server_that_is_down_is_told(fetcher: Fetcher, ssh: Ssh) -> None:
    with sftp_server(Ssh(ssh.root)) as gone:
        pass
    fetcher.write(sftp_source(gone))
    assert "không kết nối được" in str(fetcher.fetch().error)


def test_hostile_names_and_links_lead_nowhere(fetcher: Fetcher, ssh: Ssh, tmp_path: Path) -> None:
    (tmp_path / "secret.xlsx").write_bytes(b"secret")
    (ssh.root / "xuất" / "link.xlsx").symlink_to(tmp_path / "secret.xlsx")
    (ssh.root / "xuất" / "tốt.xlsx").write_bytes(b"good")
    ssh.names = ["../../evil.xlsx", "/etc/evil.xlsx", ".."]
    outcome = fetcher.fetch()
    assert outcome.landed == ["nguon/tốt.xlsx"]
    assert list(fetcher.files()) == ["nguon/tốt.xlsx"]


def test_keys_that_cannot_be_read_are_told_as_what_they_are(fetcher: Fetcher, ssh: Ssh) -> None:
    (fetcher.settings.reference / "known_hosts").write_text("khoa\n", encoding="utf-8")
    assert "không đọc được tệp “known_hosts”: mỗi dòng phải như ssh-keyscan" in str(fetcher.fetch().error)
    fetcher.write(sftp_source(ssh, 'key_file = "khoa-rieng"'))
    assert "không thấy tệp khóa key_file “khoa-rieng”" in str(fetcher.fetch().error)
