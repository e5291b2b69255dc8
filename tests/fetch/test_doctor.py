"""`tthc doctor` asks the real servers what they hold, says in an officer's words what is wrong, and fetches nothing."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch.conftest import Fetcher
from fetch.servers import Certificate, Mailbox, Office, Ssh, free_port, http_server, mail, sftp_server
from fetch.test_imap import imap_source
from fetch.test_s3 import Bucket
from fetch.test_sftp import sftp_source
from flows.doctor import Finding
from flows.reaching import look_at_secrets, look_at_sources


@pytest.fixture
def ssh(tmp_path: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ssh]:
    (tmp_path / "sftp" / "xuất").mkdir(parents=True)
    with sftp_server(Ssh(tmp_path / "sftp")) as server:
        (fetcher.settings.reference / "known_hosts").write_text(server.known_hosts + "\n", encoding="utf-8")
        monkeypatch.setenv("TTHC_TEST_SFTP", server.password)
        yield server


def examine(fetcher: Fetcher, source: str) -> Finding:
    """What the doctor finds about the only source; raw folder and records stay as they were."""
    fetcher.write(source)
    (found,) = look_at_sources(fetcher.settings)
    assert fetcher.files() == {} and not fetcher.records().exists()
    return found


def test_an_sftp_server_is_asked_and_nothing_is_fetched(fetcher: Fetcher, ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        (ssh.root / "xuất" / name).write_bytes(b"x")
    found = examine(fetcher, sftp_source(ssh))
    assert found.light == "green" and "sftp trả lời, có 2 tệp" in found.text_vi
    found = examine(fetcher, sftp_source(ssh, path="/khong-co"))
    assert found.light == "red" and "không liệt kê được “/khong-co”" in found.text_vi
    monkeypatch.setenv("TTHC_TEST_SFTP", "sai")
    found = examine(fetcher, sftp_source(ssh))
    assert found.light == "red" and "từ chối đăng nhập" in found.text_vi
    (fetcher.settings.reference / "known_hosts").write_text("", encoding="utf-8")
    found = examine(fetcher, sftp_source(ssh))
    assert found.light == "red" and "known_hosts" in found.text_vi
    monkeypatch.delenv("TTHC_TEST_SFTP")
    assert [finding.light for finding in look_at_secrets(fetcher.settings)] == ["red"]


def test_a_certificate_that_the_night_will_not_believe_is_red(fetcher: Fetcher, certificate: Certificate) -> None:
    with http_server(Office(), certificate) as web:
        source = f'name = "nguon"\nkind = "http"\naddress = "{web.url}/x.xlsx"\n'
        found = examine(fetcher, source)
        assert found.light == "red" and "không tin được chứng thư" in found.text_vi
        assert examine(fetcher, source + f'ca_file = "{certificate.chain}"').light == "green"
        assert web.asked == []


@pytest.mark.slow
def test_a_mailbox_is_asked_and_no_mail_is_touched(fetcher: Fetcher, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_IMAP", mailbox.password)
    mailbox.put(mail("baocao@tinh.gov.vn", "Gửi tệp xuất", {"a.xlsx": b"export"}))
    before = mailbox.flags()
    found = examine(fetcher, imap_source(mailbox))
    assert found.light == "green" and "imap trả lời, có" in found.text_vi
    assert mailbox.flags() == before and b"Seen" not in b"".join(before)
    found = examine(fetcher, imap_source(mailbox, folder="Khong-co"))
    assert found.light == "red" and "không có thư mục “Khong-co”" in found.text_vi
    monkeypatch.setenv("TTHC_TEST_IMAP", "sai")
    found = examine(fetcher, imap_source(mailbox))
    assert found.light == "red" and "sai tên hoặc mật khẩu" in found.text_vi


@pytest.mark.slow
def test_a_storage_is_asked_and_nothing_is_fetched(fetcher: Fetcher, storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_S3", "s")
    bucket = Bucket(storage, "kho-doctor")
    bucket.put("xuat/a.xlsx", b"a")
    found = examine(fetcher, bucket.source())
    assert found.light == "green" and "s3 trả lời, có 1 tệp" in found.text_vi
    found = examine(fetcher, bucket.source().replace(bucket.name, "khong-co-kho"))
    assert found.light == "red" and "không có “khong-co-kho/xuat”" in found.text_vi


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sftp", "imap", "s3"])
def test_a_server_that_is_down_or_silent_is_red(
    fetcher: Fetcher, ssh: Ssh, mailbox: Mailbox, storage: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Nobody listens at the port; then somebody takes the connection and never says a word."""
    monkeypatch.setenv("TTHC_TEST_IMAP", mailbox.password)
    monkeypatch.setenv("TTHC_TEST_S3", "s")
    monkeypatch.setattr("flows.reaching.SECONDS", 1.0)
    sources = {"sftp": sftp_source(ssh), "imap": imap_source(mailbox), "s3": Bucket(storage, "kho-tat").source()}
    port = {"sftp": ssh.port, "imap": mailbox.port, "s3": int(storage.rpartition(":")[2])}[kind]
    found = examine(fetcher, sources[kind].replace(f":{port}", f":{free_port()}"))
    assert found.light == "red" and "kết nối" in found.text_vi
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = examine(fetcher, sources[kind].replace(f":{port}", f":{silent.getsockname()[1]}"))
    assert found.light == "red" and found.text_vi
