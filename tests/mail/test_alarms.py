"""Alarms reach people: once a code and day, while a night holds the lock, and however broken the office's tables are."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from post_office import PASSWORD, PostOffice, make_certificate, serve, talk_without_end

from flows.alarming import alarm_ledger_path, post_alarms
from flows.certificates import Endpoint, read_end
from flows.cli import main
from flows.doctor import examine
from flows.mail.ledger import Ledger
from flows.mail.server import MailServer
from flows.reaching import look_at_mail_server, look_at_secrets, look_at_sources
from flows.runs import RunLog
from flows.settings import Settings, local_now
from flows.watching import Alarm, find_alarms

ALARM = Alarm("silence", "Đã 30 giờ không công bố số liệu; hãy chạy tthc doctor")
PEOPLE = """name,email,scope,summaries,frequency,language
Văn phòng,vanphong@sonha.test,all,digest;alarm,daily,vi
Xã Sơn Hạ,sonha@sonha.test,000.22.58.H48,,daily,vi
Hỏng,khong-phai-thu,all,,daily,vi
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def people(office: Settings) -> Settings:
    (office.reference / "recipients.csv").write_text(PEOPLE, encoding="utf-8")
    return office


def write_mail_toml(office: Settings, server: MailServer, *extra: str) -> None:
    lines = [
        f'host = "127.0.0.1"\nport = {server.port}\nsecurity = "{server.security}"\nfrom = "tthc@sonha.test"\nretry_seconds = []',
        *extra,
    ]
    (office.reference / "mail.toml").write_text("\n".join(lines), encoding="utf-8")


def states(office: Settings) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in Ledger(alarm_ledger_path(office)).rows()]


def test_an_alarm_is_mailed_once_a_day(people: Settings) -> None:
    post, now = PostOffice(), local_now()
    with serve(post) as server:
        for hour in range(3):  # its text changes by the hour; it is the same alarm
            alarm = replace(ALARM, text_vi=f"Đã {30 + hour} giờ không công bố số liệu; hãy chạy tthc doctor")
            post_alarms(people, [alarm], server, now.replace(hour=hour), is_sent=True)
        assert post.counts() == {"vanphong@sonha.test": 1}
        post_alarms(people, [ALARM, Alarm("disk", "Đĩa: còn 0,1 GiB")], server, now, is_sent=True)
        assert post.counts() == {"vanphong@sonha.test": 2}
        post_alarms(people, [ALARM], server, now + timedelta(days=1), is_sent=True)
    subjects = [str(message["Subject"]) for _, message in post.accepted]
    assert len(subjects) == 3 and all("BÁO ĐỘNG" in subject for subject in subjects)
    body = post.accepted[0][1].get_body(("plain",))
    assert body is not None and "Hãy chạy tthc doctor" in body.get_content()


def test_an_alarm_without_a_server_waits_in_the_outbox_and_goes_out_by_the_next_check(people: Settings) -> None:
    now = local_now()
    made = post_alarms(people, [ALARM], None, now, is_sent=False)
    (path,) = made.prepared
    assert path.is_file() and path.is_relative_to(people.outbox) and states(people) == [("alarm:silence", "prepared")]
    post = PostOffice()
    with serve(post) as server:
        post_alarms(people, [Alarm("disk", "Đĩa: còn 0,1 GiB")], server, now, is_sent=True)
        assert states(people) == [("alarm:silence", "prepared"), ("alarm:disk", "sent")]  # the silence is over
        post_alarms(people, [ALARM], server, now, is_sent=True)
    assert post.counts() == {"vanphong@sonha.test": 2}


def test_the_same_alarm_of_two_offices_on_one_machine_is_two_mails(people: Settings, tmp_path: Path) -> None:
    other, now = replace(people, warehouse=tmp_path / "khac" / people.warehouse.name), local_now()
    for office in (people, other):
        post_alarms(office, [ALARM], None, now, is_sent=False)
    (one,), (two,) = (Ledger(alarm_ledger_path(office)).rows() for office in (people, other))
    assert one.message_id != two.message_id


def test_an_alarm_that_may_have_arrived_is_not_sent_again(people: Settings) -> None:
    post = PostOffice()
    post.script["vanphong@sonha.test"] = ["take_and_drop"]
    with serve(post) as server:
        for _ in range(2):
            post_alarms(people, [ALARM], server, local_now(), is_sent=True)
    assert post.counts() == {"vanphong@sonha.test": 1} and states(people) == [("alarm:silence", "unknown")]


def test_watch_mails_while_a_night_holds_the_lock_and_the_tables_are_broken(people: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunLog(people)
    run.start()
    run.finish("failed", 0, "OSError")
    (people.reference / "units.csv").write_text("broken", encoding="utf-8")
    post = PostOffice()
    places = [f"--{name}={getattr(people, name)}" for name in ("raw", "reference", "warehouse", "outbox")]
    with serve(post) as server, FileLock(people.lock):
        write_mail_toml(people, server, "send = true")
        for _ in range(2):
            with pytest.raises(SystemExit) as end:
                main(["watch", *places])
            assert end.value.code == 1
    assert post.counts() == {"vanphong@sonha.test": 1}
    said = capsys.readouterr().out
    assert "bị lỗi (OSError)" in said and "Đã gửi 1 thư" in said and "@" not in said


@contextmanager
def tls_server(certificate: Path) -> Iterator[int]:
    """Shakes hands with whoever comes, as a web server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        threading.Thread(target=answer, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def test_a_certificate_that_ends_soon_is_an_alarm(people: Settings, certificate: Path) -> None:
    post = PostOffice()
    with serve(post, certificate) as server, tls_server(certificate) as port:
        write_mail_toml(people, server)
        address = f'[[source]]\nname = "tinh"\nkind = "http"\naddress = "https://127.0.0.1:{port}/x.xlsx"\n'
        (people.reference / "sources.toml").write_text(address, encoding="utf-8")
        # the certificate was made for two days, some time ago: asked an hour back it has them still, however slow the machine
        found = {alarm.code: alarm.text_vi for alarm in find_alarms(people, local_now() - timedelta(hours=1))}
        assert set(found) == {f"certificate-127.0.0.1-{server.port}", f"certificate-127.0.0.1-{port}"}
        assert "máy chủ thư" in found[f"certificate-127.0.0.1-{server.port}"] and "còn 2 ngày" in found[f"certificate-127.0.0.1-{port}"]
        assert "đã hết hạn" in "".join(alarm.text_vi for alarm in find_alarms(people, local_now() + timedelta(days=3)))
        assert find_alarms(people, local_now() - timedelta(days=20)) == []  # then it has three weeks left
    assert read_end(Endpoint("x", "127.0.0.1", port)) is None  # nobody there: no certificate, no alarm about one


def test_a_server_that_talks_without_end_holds_up_no_alarm(people: Settings, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch never came to its end, so that its timer never began another, and nobody was told of anything any more."""
    monkeypatch.setattr("flows.certificates._SECONDS", 0.4)
    found: list[str] = []
    with talk_without_end(b"*") as endless, tls_server(certificate) as port:
        (people.reference / "sources.toml").write_text(
            f'[[source]]\nname = "hop-thu"\nkind = "imap"\naddress = "imap://127.0.0.1:{endless.port}/INBOX"\nusername = "a"\npassword_env = "X"\nsenders = ["a@b.vn"]\n'
            f'[[source]]\nname = "tinh"\nkind = "http"\naddress = "https://127.0.0.1:{port}/x.xlsx"\n',
            encoding="utf-8",
        )
        watch = threading.Thread(target=lambda: found.extend(alarm.code for alarm in find_alarms(people, local_now())), daemon=True)
        watch.start()
        watch.join(10)
        assert found == [f"certificate-127.0.0.1-{port}"]


def test_a_source_that_fails_or_is_silent_is_an_alarm(people: Settings) -> None:
    now = local_now()
    (people.reference / "sources.toml").write_text(
        '[[source]]\nname = "chia-se"\nkind = "folder"\naddress = "/khong/co"\n', encoding="utf-8"
    )
    state = people.staged / "fetched" / "chia-se" / "state.json"
    state.parent.mkdir(parents=True)

    def found(**facts: object) -> list[str]:
        known = {"first_tried_at": now - timedelta(days=9), "failures": 0, "is_failing": False, "last_error": None}
        state.write_text(json.dumps(known | facts, default=str), encoding="utf-8")
        return [alarm.text_vi for alarm in find_alarms(people, now)]

    fresh = {"last_success_at": now, "last_new_file_at": now}
    assert found(**fresh) == []
    assert found(**fresh | {"failures": 1, "is_failing": True, "last_error": "không thấy thư mục"}) == []  # the next night may do better
    (failing,) = found(**fresh | {"failures": 3, "is_failing": True, "last_error": "không thấy thư mục"})
    assert "3 lần liền" in failing and "không thấy thư mục" in failing
    (silent,) = found(last_success_at=now, last_new_file_at=now - timedelta(days=4))
    assert "4 ngày không có tệp mới" in silent
    (empty,) = found(last_success_at=now, last_new_file_at=None)  # a pattern or a folder that nothing is of
    assert "chưa có tệp nào" in empty and "sources.toml" in empty
    assert found(last_success_at=now, last_new_file_at=None, first_tried_at=now - timedelta(days=2)) == []
    (people.reference / "sources.toml").write_text("[[sources]]\n", encoding="utf-8")
    (wrong,) = find_alarms(people, now)
    assert wrong.code == "configuration"


def test_the_doctor_asks_the_mail_server_without_a_mail(people: Settings, certificate: Path) -> None:
    post = PostOffice()
    with serve(post, certificate) as server:
        secret = people.reference / "thu.matkhau"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o600)
        write_mail_toml(people, server, f'user = "{server.user}"\npassword_file = "thu.matkhau"\nca_file = "{certificate}"')
        (finding,) = look_at_mail_server(people)
        assert finding.light == "green" and post.logins == ["right"] and not post.accepted
        (keys,) = look_at_secrets(people)
        assert keys.light == "green"
        secret.write_text("sai", encoding="utf-8")
        (finding,) = look_at_mail_server(people)
        assert finding.light == "red" and "tên đăng nhập hoặc mật khẩu" in finding.text_vi
        secret.chmod(0o644)
        (keys,) = look_at_secrets(people)
        assert keys.light == "red" and "chmod 600" in keys.text_vi
        secret.chmod(0o600)
    (finding,) = look_at_mail_server(people)
    assert finding.light == "red" and "không kết nối được" in finding.text_vi


def test_the_doctor_lists_every_source_and_fetches_nothing(people: Settings, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (share / "a.xlsx").write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        port = silent.getsockname()[1]
        (people.reference / "sources.toml").write_text(
            f'[[source]]\nname = "o-chung"\nkind = "folder"\naddress = "{share}"\n'
            f'[[source]]\nname = "mat"\nkind = "folder"\naddress = "{tmp_path}/khong-co"\n'
            f'[[source]]\nname = "trang"\nkind = "http"\naddress = "http://127.0.0.1:{port}/a.xlsx"\n'
            '[[source]]\nname = "tat"\nkind = "http"\naddress = "http://127.0.0.1:9/a.xlsx"\n',
            encoding="utf-8",
        )
        found = {finding.subject_vi: finding for finding in look_at_sources(people)}
    assert (found["Nguồn “o-chung”"].light, found["Nguồn “trang”"].light) == ("green", "green")
    assert "1 tệp" in found["Nguồn “o-chung”"].text_vi
    assert found["Nguồn “mat”"].light == "red" and "không thấy thư mục" in found["Nguồn “mat”"].text_vi
    assert found["Nguồn “tat”"].light == "red" and "không kết nối được" in found["Nguồn “tat”"].text_vi
    assert not list(people.raw.iterdir()) and not (people.staged / "fetched").exists()
    (people.reference / "sources.toml").write_text("x", encoding="utf-8")
    assert any("sources.toml" in finding.text_vi for finding in examine(people) if finding.light == "red")
