"""Mailbox and ledger agree, whatever the server does and wherever the program dies."""

import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import rounds
from post_office import PASSWORD, PostOffice, make_certificate, serve, talk_without_end

from expectations import CheckResult
from flows.backup import restore_backup, write_backup
from flows.cli import main
from flows.doctor import examine, look_at_ledgers
from flows.mail import delivery, dispatch
from flows.mail.dispatch import prepare_held, send_night, send_waiting
from flows.mail.ledger import Delivery, Ledger, ledger_path
from flows.mail.recipients import Recipient
from flows.mail.server import MailServer
from flows.settings import ConfigurationError, QueryError, Settings
from flows.status import read_status

AS_OF = datetime(2024, 6, 30, 23)
CHECKS = [CheckResult("cases_present", "critical", 1, "Không có hồ sơ nào được nạp")]
PEOPLE = [Recipient(f"Người {n}", f"{n}@sonha.test", (), frozenset({"alarm"}), "daily", n + 1) for n in (1, 2, 3)]


def settings_of(folder: Path) -> Settings:
    return Settings(folder, folder, folder / "w.duckdb", folder / "outbox", AS_OF, send=True)


def prepare(settings: Settings, text: str = "Không có hồ sơ nào được nạp") -> dispatch.Post:
    return prepare_held(settings, PEOPLE, None, [replace(CHECKS[0], message_vi=text)], [])


def ledger_of(settings: Settings) -> Ledger:
    return Ledger(ledger_path(settings.staged))


def states(settings: Settings) -> dict[str, str]:
    return {d.addressee: d.state for d in ledger_of(settings).rows()}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def running(certificate: Path) -> Iterator[tuple[PostOffice, MailServer]]:
    post = PostOffice()
    with serve(post, certificate) as server:
        yield post, server


@pytest.fixture
def post(running: tuple[PostOffice, MailServer]) -> PostOffice:
    running[0].__init__()  # type: ignore[misc]
    return running[0]


@pytest.fixture
def server(running: tuple[PostOffice, MailServer]) -> MailServer:
    return running[1]


def test_every_mail_arrives_once_over_tls_with_login(tmp_path: Path, post: PostOffice, server: MailServer) -> None:
    settings = settings_of(tmp_path)
    sent = send_night(settings, server, prepare(settings))
    assert sent.outcome
    assert (sent.outcome.sent, sent.outcome.is_complete) == (3, True)
    assert post.counts() == {p.email: 1 for p in PEOPLE}
    message = post.accepted[0][1]
    assert message["From"] == "tthc@sonha.test"
    assert message["Message-ID"] == ledger_of(settings).rows()[0].message_id
    assert "KHÔNG CÔNG BỐ" in message["Subject"]
    again = send_night(settings, server, prepare(settings))
    assert again.outcome
    assert again.outcome.sent == 0
    assert len(post.accepted) == 3


@pytest.mark.parametrize("step", ["prepare", "_remove", "fsync"])
def test_a_mail_whose_night_died_before_its_row_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Found by make faults: the next night's mail reads otherwise, stands under another name, and nobody knew of the first file."""
    settings = settings_of(tmp_path)
    if step == "_remove":
        prepare(settings, "Kho dữ liệu cũ")

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr({"prepare": Ledger, "_remove": dispatch, "fsync": os}[step], step, fail)
        with pytest.raises(OSError, match="Input/output"):
            prepare(settings, "Lần chạy trước lỗi")
    prepare(settings, "Không có hồ sơ nào được nạp")
    files = {path.relative_to(settings.outbox).as_posix() for path in settings.outbox.rglob("*") if path.is_file()}
    assert files == {row.eml for row in ledger_of(settings).rows()}
    assert len(files) == len(PEOPLE)


@pytest.mark.parametrize(
    ("acts", "state", "arrived"),
    [
        (["refuse"], "refused", 0),
        (["refuse_text"], "refused", 0),
        (["grey"], "prepared", 0),
        (["grey_text"], "prepared", 0),
        (["busy"], "prepared", 0),
        (["hang_up"], "prepared", 0),
        (["stall"], "prepared", 0),
        (["drop"], "unknown", 0),
        (["take_and_drop"], "unknown", 1),
        (["take_and_stall"], "unknown", 1),
    ],
)
def test_one_addressee_s_trouble_is_his_alone(
    tmp_path: Path, post: PostOffice, server: MailServer, acts: list[str], state: str, arrived: int
) -> None:
    settings = settings_of(tmp_path)
    post.script = {"2@sonha.test": list(acts)}
    outcome = send_night(settings, server, prepare(settings)).outcome
    assert outcome
    assert states(settings) == {"1@sonha.test": "sent", "2@sonha.test": state, "3@sonha.test": "sent"}
    assert post.counts()["2@sonha.test"] == arrived
    assert not any("@sonha.test" in reason for reason in outcome.reasons)
    later = send_waiting(settings, server, None, again=False)
    assert later.sent == (state == "prepared"), "what was not accepted is tried again, and nothing else"
    assert states(settings)["2@sonha.test"] == ("sent" if state == "prepared" else state)
    assert post.counts()["2@sonha.test"] == (1 if state == "prepared" else arrived)
    assert post.counts()["1@sonha.test"] == post.counts()["3@sonha.test"] == 1


@pytest.mark.parametrize(("act", "tried"), [("stall", {"prepared": 3}), ("hang_up", {"prepared": 3}), ("take_and_drop", {"unknown": 3})])
def test_a_server_that_lets_one_mail_after_the_other_go_is_left_alone(
    tmp_path: Path, post: PostOffice, server: MailServer, act: str, tried: dict[str, int]
) -> None:
    """Every mail had its minutes under the night's lock, and each that was swallowed was left to a person's decision."""
    settings = settings_of(tmp_path)
    people = [replace(PEOPLE[0], email=f"{n}@sonha.test") for n in range(10)]
    prepare_held(settings, people, None, CHECKS, [])
    post.script = {person.email: [act] for person in people}
    once = replace(server, waits=())
    outcome = send_waiting(settings, once, None, again=False)
    asked = [person for person in people if not post.script[person.email]]
    assert len(asked) == 3
    assert Counter(states(settings).values()) == Counter(tried) + Counter({"prepared": 7})
    assert any("bỏ dở 3 thư liền" in reason for reason in outcome.reasons)
    post.script = {}
    assert send_waiting(settings, server, None, again=False).waiting == 0


def test_those_that_had_no_turn_come_first(tmp_path: Path, post: PostOffice, server: MailServer) -> None:
    """Three mails over which the server hangs up each time cost nobody else his mail."""
    settings = settings_of(tmp_path)
    prepare_held(settings, [replace(PEOPLE[0], email=f"{n}@sonha.test") for n in range(6)], None, CHECKS, [])
    post.script = {f"{n}@sonha.test": ["hang_up"] * 9 for n in range(3)}
    outcome = send_waiting(settings, replace(server, waits=(0.01,)), None, again=False)
    assert (outcome.sent, outcome.waiting) == (3, 3)


def test_greylisting_is_waited_out_within_the_night(tmp_path: Path, post: PostOffice, server: MailServer) -> None:
    settings = settings_of(tmp_path)
    prepare(settings)
    post.script = {"1@sonha.test": ["grey", "grey"]}
    waited: list[float] = []
    outcome = delivery.send_mails(
        ledger_of(settings), ledger_of(settings).rows(), replace(server, waits=(5.0, 60.0)), settings.outbox, waited.append
    )
    assert (outcome.sent, outcome.waiting, waited) == (3, 0, [5.0, 60.0])
    assert [d.attempts for d in ledger_of(settings).rows()] == [3, 1, 1]


def test_too_large_is_refused_before_it_is_sent(tmp_path: Path, certificate: Path) -> None:
    settings, post = settings_of(tmp_path), PostOffice()
    with serve(post, certificate, data_size_limit=1000) as small:
        outcome = send_night(settings, small, prepare(settings)).outcome
    assert outcome
    assert (outcome.refused, post.accepted, set(states(settings).values())) == (3, [], {"refused"})
    assert "lớn hơn máy chủ nhận" in outcome.reasons[0]


@pytest.mark.parametrize("trouble", ["password", "challenge", "no_tls", "no_trust", "nobody", "sender"])
def test_a_server_that_cannot_be_used_costs_nothing(tmp_path: Path, post: PostOffice, server: MailServer, trouble: str) -> None:
    settings = settings_of(tmp_path)
    prepare(settings)
    asked: list[float] = []
    post.trouble = trouble
    wrong = {
        "password": replace(server, password="sai", waits=(1.0,), timeout=10),
        "challenge": replace(server, timeout=10, waits=(1.0,)),
        "no_tls": server,
        "sender": replace(server, waits=(1.0,)),
        "no_trust": replace(server, ca_file=None),
        "nobody": replace(server, port=1),
    }[trouble]
    if trouble == "no_tls":
        with serve(post) as plain:
            wrong = replace(plain, security="starttls")
            outcome = delivery.send_mails(ledger_of(settings), ledger_of(settings).rows(), wrong, settings.outbox, asked.append)
    else:
        outcome = delivery.send_mails(ledger_of(settings), ledger_of(settings).rows(), wrong, settings.outbox, asked.append)
    expected = {
        "password": "mật khẩu",
        "challenge": "hỏi đăng nhập không đúng cách",
        "no_tls": "STARTTLS",
        "no_trust": "chứng thư",
        "nobody": "không kết nối được",
        "sender": "550 5.7.1 sender rejected",
    }[trouble]
    assert len(outcome.reasons) == 1
    assert expected in outcome.reasons[0]
    assert (outcome.waiting, post.accepted, set(states(settings).values())) == (3, [], {"prepared"})
    assert post.logins == {"password": ["wrong"], "sender": ["right"]}.get(trouble, []), "a wrong password is not tried twice"
    assert PASSWORD not in repr(wrong)
    post.trouble = ""
    assert send_waiting(settings, server, None, again=False).sent == 3


def test_what_only_the_server_s_own_people_can_mend_is_told_so(tmp_path: Path, post: PostOffice) -> None:
    """The office was sent to ca_file over a certificate that had ended, and to leave out a login that the server asks for."""
    settings = settings_of(tmp_path)
    prepare(settings)
    with serve(post, make_certificate(tmp_path, hours=-1)) as server:
        (reason,) = send_waiting(settings, server, None, again=False).reasons
    assert "đã hết hạn" in reason and "ca_file" not in reason
    with talk_without_end(b"2", (b"220 here\r\n", b"250-here\r\n250 AUTH NTLM XOAUTH2\r\n")) as server:
        (reason,) = send_waiting(settings, replace(server, user="vp", password="x"), None, again=False).reasons
    assert "chỉ nhận cách đăng nhập NTLM XOAUTH2" in reason and "bỏ mục user" not in reason


def test_a_changed_mail_is_sent_only_when_asked(tmp_path: Path, post: PostOffice, server: MailServer) -> None:
    settings = settings_of(tmp_path)
    prepare(settings, "thứ nhất")
    prepare(settings, "thứ hai")  # nothing was sent: the newer one takes its place
    assert len(ledger_of(settings).rows()) == len(list(settings.outbox.rglob("*.eml"))) == 3
    assert send_waiting(settings, server, None, again=False).sent == 3
    assert prepare(settings, "thứ ba").corrections == 3
    assert send_waiting(settings, server, None, again=False).sent == 0
    assert prepare(settings, "thứ hai").corrections == 0, "back to what was sent: nothing to correct"
    assert prepare(settings, "thứ ba").corrections == 3
    assert send_waiting(settings, server, None, again=True).sent == 3
    assert send_waiting(settings, server, None, again=True).sent == 0
    assert post.counts() == {p.email: 2 for p in PEOPLE}
    assert ["Đính chính" in message["Subject"] for _, message in post.accepted] == [False] * 3 + [True] * 3


def test_a_person_decides_about_unknown_and_refused_mails(tmp_path: Path, post: PostOffice, server: MailServer) -> None:
    settings = settings_of(tmp_path)
    post.script = {"1@sonha.test": ["take_and_drop"], "2@sonha.test": ["drop"], "3@sonha.test": ["refuse"]}
    send_night(settings, server, prepare(settings))
    ledger = ledger_of(settings)
    assert told(settings) == ["2 thư không rõ đã đến hay chưa, 1 thư bị từ chối; xem và quyết định: `tthc deliveries`"]
    for number, state, why in ((1, "sent", " "), (9, "sent", "x")):
        with pytest.raises(QueryError):
            ledger.decide(number, state, why)
    ledger.decide(1, "sent", "đã hỏi người nhận")
    with pytest.raises(QueryError, match="trạng thái sent"):
        ledger.decide(1, "prepared", "nhầm")
    ledger.decide(2, "prepared", "người nhận chưa có")
    ledger.decide(3, "prepared", "đã sửa hộp thư")
    assert send_waiting(settings, server, None, again=False).sent == 2
    assert post.counts() == {p.email: 1 for p in PEOPLE}
    assert told(settings) == []


def test_a_mail_over_which_the_program_died_or_that_waits_is_told_by_the_status(
    tmp_path: Path, post: PostOffice, server: MailServer
) -> None:
    settings = settings_of(tmp_path)
    assert told(settings) == []
    post.script = {p.email: ["grey"] * 9 for p in PEOPLE}
    send_night(settings, server, prepare(settings))
    assert told(settings) == ["3 thư chưa gửi được, đêm sau thử lại; lý do: `tthc deliveries --state prepared`"]
    ledger = ledger_of(settings)
    ledger.mark_sending(ledger.rows()[0])  # and the machine lost its power
    assert [text.partition(" ")[0] for text in told(settings)] == ["1", "2"]


@pytest.mark.parametrize(
    "damage", [lambda data: b"x" * len(data), lambda data: data[: len(data) // 2], lambda data: data[:4096] + bytes(len(data) - 4096)]
)
def test_a_damaged_ledger_is_told_with_the_way_out(
    tmp_path: Path, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """It was an unexpected failure at the end of every night, and the status sent to a command that failed alike."""
    settings = settings_of(tmp_path)
    prepare(settings)
    path = ledger_path(settings.staged)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigurationError, match="tthc restore"):
        prepare(settings, "Hai hồ sơ được nạp")
    assert "đổi tên tệp này" in told(settings)[0]
    assert [(finding.light, "bị hỏng" in finding.text_vi) for finding in examine(settings, (look_at_ledgers,))] == [("red", True)]
    with pytest.raises(SystemExit) as ended:
        main(["deliveries", f"--warehouse={settings.warehouse}"])
    assert ended.value.code == 2 and "bị hỏng" in capsys.readouterr().err


def told(settings: Settings) -> list[str]:
    return [line.text for line in read_status(settings, AS_OF).lines if line.topic == "Thư"]


def test_a_mail_whose_file_is_gone_or_edited_waits(tmp_path: Path, post: PostOffice, server: MailServer) -> None:
    settings = settings_of(tmp_path)
    prepare(settings)
    files = sorted(settings.outbox.rglob("*.eml"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes() + b"\r\n")
    outcome = send_waiting(settings, server, None, again=False)
    assert (outcome.sent, outcome.waiting, len(post.accepted)) == (1, 2, 1)
    prepare(settings)
    assert send_waiting(settings, server, None, again=False).sent == 2
    assert post.counts() == {p.email: 1 for p in PEOPLE}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: the rounds end processes, not machines, so nothing hangs on a disk's speed."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as folder:
        yield Path(folder)


DOORS: list[tuple[Any, str]] = [
    *((Ledger, name) for name in ("prepare", "settle_interrupted", "want", "mark_sending", "mark_sent", "mark_refused")),
    *((Ledger, name) for name in ("mark_unknown", "mark_not_accepted", "note_attempt")),
    *((delivery, name) for name in ("_connect", "_ask", "_transmit", "_leave", "read_mail")),
    (dispatch, "_write"),
]
ACTS = ["refuse", "refuse_text", "grey", "grey_text", "busy", "hang_up", "drop", "take_and_drop", ""]


def run_and_die(work: Callable[[], object], at: int) -> bool:
    """`work` in a child that dies, as by a power cut, at the door of this number; whether it lived to the end."""
    child = os.fork()
    if child == 0:
        passed = 0

        def watched(function: Callable[..., Any]) -> Callable[..., Any]:
            def through(*args: Any, **kwargs: Any) -> Any:
                nonlocal passed
                passed += 1
                if passed == at:
                    os._exit(9)
                result = function(*args, **kwargs)
                passed += 1
                if passed == at:
                    os._exit(9)
                return result

            return through

        try:
            for owner, name in DOORS:
                setattr(owner, name, watched(getattr(owner, name)))
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 9), "the child failed instead of dying or finishing"
    return os.waitstatus_to_exitcode(status) == 0


def agree(post: PostOffice, deliveries: list[Delivery]) -> None:
    """Each mail is in the mailbox once if sent, never if refused, at most once if unknown; none is left over."""
    arrived = post.counts()
    for row in deliveries:
        allowed = {"sent": {1}, "refused": {0}, "unknown": {0, 1}}[row.state]
        assert arrived[row.addressee] in allowed, (row.state, row.reply)
    assert len(deliveries) == len(PEOPLE)
    ids = [message["Message-ID"] for _, message in post.accepted]
    assert len(ids) == len(set(ids))


@pytest.mark.slow
@pytest.mark.campaign
def test_no_mail_is_lost_or_doubled_in_crash_and_rerun_rounds(memory: Path) -> None:
    chance = random.Random(20240630)
    count, crashes, outcomes = rounds(40, 200), 0, set()
    post = PostOffice()
    with serve(post) as server:
        for number in range(count):
            post.__init__()  # type: ignore[misc]
            post.script = {p.email: [chance.choice(ACTS) for _ in range(chance.randint(0, 3))] for p in PEOPLE}
            settings = settings_of(memory / str(number))

            def night(settings: Settings = settings) -> None:
                send_night(settings, server, prepare(settings))

            for _ in range(chance.randint(1, 3)):
                crashes += not run_and_die(night, chance.randint(1, 45))
            post.script = {email: [a for a in acts if a] for email, acts in post.script.items()}
            night()
            while "prepared" in states(settings).values():
                night()  # each rerun uses up at least one act of the script
            rows = ledger_of(settings).rows()
            agree(post, rows)
            outcomes |= {row.state for row in rows}
    assert crashes > 0.6 * count
    assert outcomes == {"sent", "refused", "unknown"}


def test_what_was_sent_since_a_backup_stays_known_when_it_is_restored(
    tmp_path: Path, post: PostOffice, server: MailServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ledger in the backup is as old as the backup, and the nights since then are run again."""
    settings = replace(settings_of(tmp_path / "w"), reference=tmp_path / "r")
    later = replace(settings, as_of=datetime(2024, 7, 1, 23))
    prepare(settings)
    prepare(settings, "Danh sách cũ")
    write_backup(settings, tmp_path / "b.tar.gz")
    post.script = {"1@sonha.test": ["refuse"], "2@sonha.test": ["take_and_drop"]}
    send_night(settings, server, prepare(settings, "Không đọc được tệp nào"))
    send_night(later, server, prepare(later))
    known = {(row.message_id, row.state) for row in ledger_of(settings).rows()}
    with monkeypatch.context() as patch:
        patch.setattr("flows.backup.shutil.move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore_backup(settings, tmp_path / "b.tar.gz")
    restore_backup(settings, tmp_path / "b.tar.gz")
    assert {(row.message_id, row.state) for row in ledger_of(settings).rows()} == known
    before = post.counts()
    send_night(settings, server, prepare(settings, "Không đọc được tệp nào"))
    send_night(later, server, prepare(later, "Chạy lại thì khác"))
    assert post.counts() == before and {row.state for row in ledger_of(settings).rows("NOT is_correction")} == {
        "sent",
        "refused",
        "unknown",
    }
    for known_mails, said in ((b"", False), (b"no ledger at all", True)):
        for folder in tmp_path.glob("w/*truoc-khi-khoi-phuc*"):
            shutil.rmtree(folder)
        ledger_path(settings.staged).write_bytes(known_mails or ledger_path(settings.staged).read_bytes())
        with pytest.raises(SystemExit) as ended:
            main(["restore", str(tmp_path / "b.tar.gz"), f"--warehouse={settings.warehouse}", f"--reference={tmp_path / 'r'}"])
        assert ended.value.code == 0 and ("đến người nhận lần nữa" in capsys.readouterr().out) == said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "answers", "state", "why"),
    [
        (b"2", (), "prepared", "quá thời gian chờ"),
        (b"250-more\r\n", (b"220 here\r\n",), "prepared", "quá thời gian chờ"),
        (b"250-more\r\n" * 1000, (b"220 here\r\n",), "prepared", "không dứt"),
        (b"250-taken\r\n", (b"220 here\r\n", *[b"250 yes\r\n"] * 3, b"354 go on\r\n"), "unknown", "quá thời gian chờ"),
    ],
)
def test_a_server_that_talks_without_end_holds_up_nobody(
    tmp_path: Path, words: bytes, answers: tuple[bytes, ...], state: str, why: str
) -> None:
    """Every piece came in time, so that no timeout ended it, and with it the night that held the lock."""
    settings = settings_of(tmp_path)
    prepare(settings)
    with talk_without_end(words, answers) as server:
        send_waiting(settings, server, None, again=False)
    assert [(row.state, why in (row.reply or "")) for row in ledger_of(settings).rows()] == [(state, True)] * 3


@pytest.mark.slow
@pytest.mark.campaign
def test_a_kill_at_any_moment_neither_loses_nor_doubles(memory: Path) -> None:
    chance = random.Random(7)
    post, count, killed = PostOffice(), rounds(16, 40), 0
    with serve(post) as server:
        for number in range(count):
            post.__init__()  # type: ignore[misc]
            settings = settings_of(memory / str(number))
            child = os.fork()
            if child == 0:
                try:
                    send_night(settings, server, prepare(settings))
                finally:
                    os._exit(0)
            time.sleep(chance.uniform(0, 0.12))
            os.kill(child, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
            time.sleep(0.05)  # the server may still be taking what the dead program had sent
            send_night(settings, server, prepare(settings))
            agree(post, ledger_of(settings).rows())
    assert killed > count // 4
