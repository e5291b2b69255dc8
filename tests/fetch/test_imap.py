"""A mailbox against pymap's server: attachments of allowed senders, and no mail touched."""

import base64
import imaplib
import io
import re
import time
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from fetch.conftest import Fetcher
from fetch.servers import LOOPBACK, Mailbox, free_port, mail, make_certificate
from flows.connections.imap import _parse, _sent, attachment_name, mailbox_name
from flows.landing import find_exports


def imap_source(box: Mailbox, more: str = "", folder: str = "INBOX") -> str:
    return (
        f'name = "nguon"\nkind = "imap"\naddress = "imap://{LOOPBACK}:{box.port}/{folder}"\nusername = "{box.user}"\n'
        f'password_env = "TTHC_TEST_IMAP"\nca_file = "{box.certificate.chain}"\n'
        + (more or 'senders = ["baocao@tinh.gov.vn"]\nsubject = "*tệp xuất*"')
    )


@pytest.fixture
def box(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    monkeypatch.setenv("TTHC_TEST_IMAP", mailbox.password)
    client = mailbox.client()
    client.select("INBOX")
    client.uid("STORE", "1:*", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.logout()
    yield mailbox


def archive(**members: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.csv", content)
    return body.getvalue()


@pytest.mark.slow
def test_attachments_of_allowed_senders_are_taken_once_and_no_mail_is_touched(fetcher: Fetcher, box: Mailbox) -> None:
    sent = {"hồ sơ tháng 6.xlsx": b"export", "chữ ký.png": b"logo", "../../evil.xlsx": b"evil", "gói.zip": archive(a=b"x,y\n1,2\n")}
    box.put(mail("Báo cáo <BaoCao@tinh.gov.vn>", "Gửi tệp xuất ngày 30/06", sent))
    box.put(mail("baocao@tinh.gov.vn", "Gửi tệp xuất, quên đính kèm", {}))
    box.put(mail("baocao@tinh.gov.vn", "Mời họp", {"mời.xlsx": b"no export"}))
    box.put(mail("ai-do@gmail.com", "Gửi tệp xuất", {"gia.xlsx": b"forged"}))
    before = box.flags()
    fetcher.write(imap_source(box) + '\ninclude = ["*.xlsx", "*.zip"]')
    outcome = fetcher.fetch()
    assert outcome.error is None
    assert sorted(outcome.landed) == ["nguon/evil.xlsx", "nguon/gói.zip", "nguon/hồ sơ tháng 6.xlsx"]
    assert fetcher.files()["nguon/hồ sơ tháng 6.xlsx"] == b"export"
    members = [(e.file_name, e.member, f"{e.arrived_at:%d/%m/%Y %H:%M}") for e in find_exports(fetcher.settings.raw) if e.member]
    assert members == [("nguon/gói.zip", "a.csv", "30/06/2024 22:05")]
    assert box.flags() == before and b"Seen" not in b"".join(before)
    assert fetcher.fetch().landed == []
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"hồ sơ tháng 6.xlsx": b"export 2"}))
    (new,) = fetcher.fetch().landed
    assert fetcher.files()[new] == b"export 2" and len(fetcher.files()) == 4


def test_a_wrong_password_is_told_and_not_repeated(fetcher: Fetcher, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_IMAP", "sai")
    fetcher.write(imap_source(box) + "\nretries = 3\nretry_seconds = 60")
    assert "sai tên hoặc mật khẩu" in str(fetcher.fetch().error)


def test_certificates_are_checked_before_the_password_is_sent(fetcher: Fetcher, box: Mailbox, tmp_path: Path) -> None:
    other = make_certificate(tmp_path)
    fetcher.write(imap_source(box).replace(str(box.certificate.chain), str(other.chain)))
    assert "không tin được chứng thư" in str(fetcher.fetch().error)


def test_a_missing_folder_and_a_server_that_is_down_are_told(fetcher: Fetcher, box: Mailbox) -> None:
    fetcher.write(imap_source(box, folder="Khong-co"))
    assert "không có thư mục “Khong-co”" in str(fetcher.fetch().error)
    fetcher.write(imap_source(box).replace(f":{box.port}", f":{free_port()}"))
    assert "không kết nối được" in str(fetcher.fetch().error)


@pytest.mark.parametrize(("folder", "written"), [("INBOX", '"INBOX"'), ("Báo cáo & số", '"B&AOE-o c&AOE-o &- s&HtE-"'), ('a"b', '"a\\"b"')])
def test_folder_names_are_written_as_imap_wants(folder: str, written: str) -> None:
    assert mailbox_name(folder) == written


@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", "UTC"])
@pytest.mark.parametrize("date", ["Sun, 30 Jun 2024 15:00:00 -0000", "Sun, 30 Jun 2024 15:00:00 GMT", "Sun, 30 Jun 2024 22:00:00 +0700"])
def test_when_a_mail_was_sent_does_not_depend_on_this_machines_zone(zone: str, date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert _sent(_parse(f"Date: {date}\r\n\r\n".encode())) == 1_719_759_600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_strangers_malformed_mail_hides_no_export(fetcher: Fetcher, box: Mailbox) -> None:
    for sender in (b".@", b"ai-do :;", b"<"):
        box.put_bytes(b"From: " + sender + b"\r\nSubject: [\r\nDate: ?\r\n\r\n.\r\n")
    box.put(mail("Báo cáo <baocao@tinh.gov.vn>", "Tệp xuất", {"a.xlsx": b"export"}))
    box.put(mail('"baocao@tinh.gov.vn," <ai-do@gmail.com>', "Tệp xuất", {"b.xlsx": b"forged"}))
    fetcher.write(imap_source(box))
    outcome = fetcher.fetch()
    assert (outcome.error, outcome.landed) == (None, ["nguon/a.xlsx"])


def test_an_export_of_a_forwarded_mail_is_taken_however_the_mail_was_attached(fetcher: Fetcher, box: Mailbox) -> None:
    head, _, text = mail("baocao@tinh.gov.vn", "Chuyển tiếp: tệp xuất", {}).as_bytes().partition(b"\nContent-Type: text/plain")
    for name, encoding in (("a.xlsx", b"7bit"), ("b.xlsx", b"Base64")):
        inner = mail("xa@sonha.gov.vn", "Tệp", {name: name.encode()}).as_bytes()
        forwarded = base64.encodebytes(inner) if encoding == b"Base64" else inner
        attached = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: " + encoding + b"\n\n" + forwarded
        body = b"\n--x\nContent-Type: text/plain" + text + b"\n--x\n" + attached + b"\n--x--\n"
        box.put_bytes(head + b"\nContent-Type: multipart/mixed; boundary=x\n" + body)
    fetcher.write(imap_source(box))
    outcome = fetcher.fetch()
    assert (outcome.error, outcome.landed) == (None, ["nguon/a.xlsx", "nguon/b.xlsx"])
    assert fetcher.files()["nguon/b.xlsx"] == b"b.xlsx"


SHEET = b"Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (
            b'Content-Disposition: attachment; filename="=?UTF-8?B?aOG7kyBzxqEg?=\r\n =?UTF-8?B?dGjDoW5nIDYueGxzeA==?="',
            "hồ sơ tháng 6.xlsx",
        ),
        (b"Content-Disposition: attachment; filename==?UTF-8?B?aOG7kyBzxqEg?=\r\n =?UTF-8?B?dGjDoW5nIDYueGxzeA==?=", "hồ sơ tháng 6.xlsx"),
        (b"Content-Disposition: attachment; filename*0*=utf-8''h%E1%BB%93%20; filename*1*=s%C6%A1.xlsx", "hồ sơ.xlsx"),
        (b"Content-Disposition: attachment; filename=ho so 6.xlsx", "ho so 6.xlsx"),
        ("Content-Disposition: attachment; filename=hồ sơ.xlsx".encode(), "hồ sơ.xlsx"),
        (SHEET + b'; name="=?UTF-8?Q?h=E1=BB=93_s=C6=A1.xlsx?="', "hồ sơ.xlsx"),
        (SHEET, "thu-7.xlsx"),
        (SHEET + b"\r\nContent-Disposition: attachment; filename*1*", "thu-7.xlsx"),
        (b"Content-Type: text/plain", None),
        (b"Content-Type: image/png; name*", None),
    ],
)
def test_an_attachment_has_its_name_however_it_is_written(head: bytes, name: str | None) -> None:
    assert attachment_name(message_from_bytes(head + b"\r\n\r\nAAAA\r\n"), "thu-7.eml") == name


def test_what_only_outlook_can_open_is_told_until_it_is_sent_otherwise(fetcher: Fetcher, box: Mailbox) -> None:
    looks, hidden = b"\x78\x9f\x3e\x22\x00\x00", b"\x78\x9f\x3e\x22\x00\x00\x02\x02\x90\x06\x00\x0e\x00"
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"winmail.dat": looks}))
    fetcher.write(imap_source(box) + '\ninclude = ["*.xlsx"]')
    assert fetcher.fetch().error is None
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"winmail.dat": hidden, "a.xlsx": b"export"}))
    for landed in (["nguon/a.xlsx"], []):
        outcome = fetcher.fetch()
        assert "22:05 ngày 30/06/2024" in str(outcome.error) and "winmail.dat" in str(outcome.error) and outcome.landed == landed


def test_a_mailbox_that_refuses_to_list_its_mails_has_failed_and_is_not_empty(
    fetcher: Fetcher, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"a.xlsx": b"export"}))
    uid = imaplib.IMAP4.uid
    busy = ("NO", [b"[UNAVAILABLE] later"])
    monkeypatch.setattr(imaplib.IMAP4, "uid", lambda self, command, *more: busy if command == "FETCH" else uid(self, command, *more))
    fetcher.write(imap_source(box))
    assert "không cho đọc danh sách thư" in str(fetcher.fetch().error)
    monkeypatch.undo()
    monkeypatch.setenv("TTHC_TEST_IMAP", box.password)
    assert fetcher.fetch().landed == ["nguon/a.xlsx"]


def test_a_mail_larger_than_its_server_says_is_not_read_whole(fetcher: Fetcher, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"lon.xlsx": bytes(200_000)}))
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"a.xlsx": b"export"}))
    monkeypatch.setattr("flows.connections.imap._SIZE", re.compile(rb"never (\d+)"))
    read, lengths = imaplib.IMAP4.read, []

    def note(self: imaplib.IMAP4, size: int) -> bytes:
        lengths.append(size)
        return read(self, size)

    monkeypatch.setattr(imaplib.IMAP4, "read", note)
    fetcher.write(imap_source(box) + "\nmax_mb = 0.05")
    outcome = fetcher.fetch()
    assert "lớn hơn max_mb" in str(outcome.error) and outcome.landed == ["nguon/a.xlsx"]
    assert max(lengths) <= 70_001


@pytest.mark.slow
def test_a_server_that_only_guesses_the_size_of_a_mail_is_believed_in_the_mail_itself(
    fetcher: Fetcher, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.put(mail("baocao@tinh.gov.vn", "Tệp xuất", {"a.xlsx": b"export"}))
    uid = imaplib.IMAP4.uid

    def guess(self: imaplib.IMAP4, command: str, *more: str) -> tuple[str, list[object]]:
        told, answer = uid(self, command, *more)
        sized = [(re.sub(rb"(RFC822.SIZE )\d+", rb"\g<1>4096", part[0]), *part[1:]) if isinstance(part, tuple) else part for part in answer]
        return told, sized

    monkeypatch.setattr(imaplib.IMAP4, "uid", guess)
    fetcher.write(imap_source(box))
    outcome = fetcher.fetch()
    assert (outcome.error, outcome.landed) == (None, ["nguon/a.xlsx"])
    assert fetcher.fetch().landed == []
