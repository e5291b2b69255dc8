"""Lines that drop in the middle of a file, or are silent: nothing lands, the source fails in time, and the next try takes all of it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch.conftest import Fetcher
from fetch.servers import LOOPBACK, Mailbox, bad_line, mail
from fetch.test_s3 import Bucket

SILENT = {
    "http": 'kind = "http"\naddress = "http://{at}/x.xlsx"',
    "sftp": 'kind = "sftp"\naddress = "sftp://{at}/x"\nusername = "u"\npassword_env = "TTHC_TEST_SECRET"',
    "imap": 'kind = "imap"\naddress = "imap://{at}/INBOX"\nusername = "u"\npassword_env = "TTHC_TEST_SECRET"\nsenders = ["*"]',
    "s3": 'kind = "s3"\naddress = "s3://kho/x"\nendpoint = "http://{at}"\naccess_key = "k"\nsecret_key_env = "TTHC_TEST_SECRET"',
}


@pytest.mark.parametrize("kind", ["http", "sftp", "imap", pytest.param("s3", marks=pytest.mark.slow)])
def test_a_silent_server_does_not_hold_the_night(fetcher: Fetcher, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_SECRET", "x")
    (fetcher.settings.reference / "known_hosts").write_text("x ssh-ed25519 AAAA\n", encoding="utf-8")
    with bad_line(0, 0) as line:
        source = SILENT[kind].format(at=f"{LOOPBACK}:{line.port}")
        fetcher.write(f'name = "nguon"\n{source}\ntimeout_seconds = 0.3\nmax_minutes = 0.2')
        began = time.monotonic()
        outcome = fetcher.fetch()
    assert outcome.error and outcome.landed == []
    assert time.monotonic() - began < 13


@pytest.mark.slow
def test_a_mailbox_whose_line_drops_gives_its_attachment_once(fetcher: Fetcher, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_IMAP", mailbox.password)
    content = os.urandom(600_000)
    mailbox.put(mail("duong-day@tinh.gov.vn", "Tệp xuất", {"lớn.xlsx": content}))
    with bad_line(mailbox.port, 200_000) as line:
        _drops_then_lands(
            fetcher,
            f'name = "nguon"\nkind = "imap"\naddress = "imap://{LOOPBACK}:{line.port}/INBOX"\nusername = "{mailbox.user}"\n'
            f'password_env = "TTHC_TEST_IMAP"\nca_file = "{mailbox.certificate.chain}"\nsenders = ["duong-day@tinh.gov.vn"]',
            lambda: setattr(line, "cuts", 1),
        )
    assert fetcher.files() == {"nguon/lớn.xlsx": content}


@pytest.mark.slow
def test_a_storage_whose_line_drops_gives_its_object_once(fetcher: Fetcher, storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_S3", "s")
    content = os.urandom(3_000_000)
    bucket = Bucket(storage, "kho-duong-day")
    bucket.put("xuat/lớn.xlsx", content)
    with bad_line(int(storage.rpartition(":")[2]), 500_000) as line:
        source = bucket.source(url=f"http://{LOOPBACK}:{line.port}")
        _drops_then_lands(fetcher, source, lambda: setattr(line, "cuts", 0))
    assert fetcher.files() == {"nguon/lớn.xlsx": content}


def _drops_then_lands(fetcher: Fetcher, source: str, mend: Callable[[], None]) -> None:
    fetcher.write(source)
    assert "mất kết nối" in str(fetcher.fetch().error)
    assert fetcher.files() == {}
    assert list(Path(fetcher.settings.raw).rglob("*.part")) == []
    mend()
    fetcher.write(source + "\nretries = 1")
    assert fetcher.fetch().error is None
    assert len(fetcher.files()) == 1
