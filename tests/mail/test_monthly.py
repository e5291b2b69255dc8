"""The report of a month is mailed to whoever asks for it, with the Word document, once."""

import io
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import docx
import duckdb
import pytest
from filelock import FileLock
from post_office import PostOffice, serve

from flows import monthly
from flows.alarming import post_alarms
from flows.cli import main
from flows.mail.ledger import Ledger, ledger_path
from flows.mail.monthly import describe_month
from flows.mail.server import MailServer
from flows.monthly import month_before, report_month, report_waiting_months
from flows.night import NightResult
from flows.runs import OwedMonths, owed_months
from flows.settings import AlreadyRunning, QueryError, Settings
from flows.status import read_status
from flows.warehouse_figures import load_figures
from flows.watching import Alarm

PEOPLE = """name,email,scope,summaries,frequency,language
Văn phòng,vanphong@sonha.test,all,,daily,vi
Lãnh đạo,lanhdao@sonha.test,all,monthly_report,weekly,vi
Chỉ bảng điểm,khac@sonha.test,all,digest,daily,vi
"""
MAY = month_before(date(2024, 6, 1))


@pytest.fixture
def served(night: tuple[Settings, NightResult], tmp_path: Path) -> Iterator[tuple[Settings, PostOffice, MailServer]]:
    """An office with a published half-year, people to write to, and a mail server that is used."""
    old, _ = night
    reference = shutil.copytree(old.reference, tmp_path / "reference")
    (reference / "recipients.csv").write_text(PEOPLE, encoding="utf-8")
    settings = replace(
        old, reference=reference, warehouse=Path(shutil.copy(old.warehouse, tmp_path / "w.duckdb")), outbox=tmp_path / "outbox"
    )
    post = PostOffice()
    with serve(post) as server:
        (reference / "mail.toml").write_text(
            f'host = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nfrom = "tthc@sonha.test"\nretry_seconds = []\nsend = true\n',
            encoding="utf-8",
        )
        yield settings, post, server


def rows(settings: Settings) -> list[tuple[str, str, str, str]]:
    return [(row.summary_date, row.kind, row.addressee, row.state) for row in Ledger(ledger_path(settings.staged)).rows()]


def test_the_month_before() -> None:
    assert (MAY.start, MAY.end) == (date(2024, 5, 1), date(2024, 6, 1))
    assert month_before(date(2024, 1, 31)).start == date(2023, 12, 1)


def test_whose_figures_are_old_is_told_of_the_month_itself(night: tuple[Settings, NightResult]) -> None:
    figures = load_figures(night[0].warehouse)
    fresh = replace(figures, rates=[replace(rate, is_stale=False) for rate in figures.rates])
    assert dict(describe_month(fresh, MAY).lines).get("Số liệu cũ") is None
    [first, second] = figures.units[:2]
    june = replace(MAY, start=date(2024, 6, 1), end=date(2024, 7, 1))
    old = {(first.key, MAY), (second.key, june)}
    stale = replace(
        fresh, rates=[replace(rate, is_stale=rate.unit is not None and (rate.unit.key, rate.period) in old) for rate in fresh.rates]
    )
    told = dict(describe_month(stale, MAY).lines)["Số liệu cũ"]
    assert told == f"của 1 đơn vị, có thể chưa phản ánh đúng tháng này: {first.called}."


@pytest.mark.slow
def test_the_report_goes_to_whoever_asks_with_the_document_once(served: tuple[Settings, PostOffice, MailServer]) -> None:
    settings, post, _ = served
    made = report_month(settings, MAY)
    assert made.post.outcome and made.post.outcome.sent == 2
    assert post.counts() == {"vanphong@sonha.test": 1, "lanhdao@sonha.test": 1}
    message = post.accepted[0][1]
    assert "Báo cáo tháng 5/2024" in message["Subject"]
    attached = {part.get_filename(): part for part in message.iter_attachments()}
    assert set(attached) == {"bao-cao-2024-05.docx", "bieu-06-2024-05.xlsx"}
    document = attached["bao-cao-2024-05.docx"]
    assert document.get_content_type() == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    data = document.get_payload(decode=True)
    assert data == (settings.outbox / "bao-cao" / "2024-05" / "bao-cao-2024-05.docx").read_bytes()
    assert any("tháng 5" in paragraph.text.lower() for paragraph in docx.Document(io.BytesIO(data)).paragraphs)
    again = report_month(settings, MAY)
    assert again.post.outcome and (again.post.prepared, again.post.corrections, again.post.outcome.sent) == (0, 0, 0)
    assert len(post.accepted) == 2
    assert rows(settings) == [
        ("2024-05-31", "monthly_report", "vanphong@sonha.test", "sent"),
        ("2024-05-31", "monthly_report", "lanhdao@sonha.test", "sent"),
    ]


@pytest.mark.slow
def test_a_report_that_may_have_arrived_is_not_sent_again_and_other_figures_wait_as_a_correction(
    served: tuple[Settings, PostOffice, MailServer],
) -> None:
    settings, post, _ = served
    post.script["vanphong@sonha.test"] = ["take_and_drop"]
    report_month(settings, MAY)
    report_month(settings, MAY)
    assert post.counts() == {"vanphong@sonha.test": 1, "lanhdao@sonha.test": 1}
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("UPDATE mart.unit_rates SET status = 'met' WHERE status = 'missed' AND period_start = '2024-05-01'")
    changed = report_month(settings, MAY)
    assert changed.post.corrections == 2 and len(post.accepted) == 2
    places = [f"--{name}={getattr(settings, name)}" for name in ("reference", "warehouse", "outbox")]
    with pytest.raises(SystemExit) as ended:
        main(["send", "--again", *places])
    assert ended.value.code == 0 and post.counts() == {"vanphong@sonha.test": 2, "lanhdao@sonha.test": 2}
    assert "Đính chính" in post.accepted[-1][1]["Subject"]


@pytest.mark.slow
def test_the_deployment_of_day_1_mails_the_month_before_or_else_the_next_night_does(
    served: tuple[Settings, PostOffice, MailServer], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, post, _ = served
    monkeypatch.setattr("flows.settings.local_now", lambda: datetime(2024, 6, 1, 6))
    from flows import nightly  # Prefect takes seconds to import

    office = [str(getattr(settings, name)) for name in ("raw", "reference", "warehouse", "outbox")]
    with monkeypatch.context() as broken:  # the disk is full, or the machine is switched off
        broken.setattr(monthly, "write_period_report", lambda *_: 1 / 0)
        with pytest.raises(nightly.WithheldError, match="ZeroDivisionError"):
            nightly.monthly_report.fn(*office)
    ended_nights: list[tuple[datetime, NightResult]] = []
    monkeypatch.setattr(nightly, "run_missed_nights", lambda *_: ended_nights)
    assert nightly.nights.fn(*office) == [] and not post.accepted
    ended_nights.append((datetime(2024, 6, 2, 0, 30), NightResult(True, [], 0, [])))
    night, *files = nightly.nights.fn(*office)
    assert night == "2024-06-02: published" and post.counts() == {"vanphong@sonha.test": 1, "lanhdao@sonha.test": 1}
    files = nightly.monthly_report.fn(*office)
    assert sorted(Path(file).name for file in files) == [f"bao-cao-2024-05.{kind}" for kind in ("csv", "docx", "html")] + [
        "bieu-06-2024-05.xlsx"
    ]
    assert post.counts() == {"vanphong@sonha.test": 1, "lanhdao@sonha.test": 1}
    places = [f"--{name}={getattr(settings, name)}" for name in ("reference", "warehouse", "outbox")]
    with pytest.raises(SystemExit) as ended:
        main(["report", "--month", "2024-05", "--mail", *places])
    assert ended.value.code == 0 and len(post.accepted) == 2
    assert "bao-cao-2024-05.docx" in capsys.readouterr().out


@pytest.mark.slow
def test_a_month_that_the_figures_do_not_reach_the_end_of_waits_for_them(
    served: tuple[Settings, PostOffice, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, post, _ = served
    june = month_before(date(2024, 7, 1))
    report_month(settings, june, today=date(2024, 6, 30))  # somebody asked for it by hand
    assert "chưa đủ" in post.accepted[0][1].get_body(("plain",)).get_content() and len(post.accepted) == 2
    early = report_month(settings, june, today=date(2024, 7, 1))  # and the night of the 1st was held back
    assert all(path.is_file() for path in early.files) and "chưa hết kỳ" in early.post.notes[0]
    assert not list(report_waiting_months(settings)) and len(post.accepted) == 2
    assert "báo cáo tháng 2024-06 chưa gửi" in " ".join(line.text for line in read_status(settings, datetime(2024, 7, 1, 7)).lines)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("UPDATE mart.unit_rates SET as_of = TIMESTAMP '2024-07-02 00:40'")
    with monkeypatch.context() as broken:  # the disk is full, or office.toml is wrong
        broken.setattr(monthly, "mail_month", lambda *_: 1 / 0)
        assert not list(report_waiting_months(settings))
    (made,) = report_waiting_months(settings)
    assert made.post.corrections == 0 and post.counts() == {"vanphong@sonha.test": 2, "lanhdao@sonha.test": 2}
    assert "chưa đủ" not in post.accepted[-1][1].get_body(("plain",)).get_content()
    with pytest.raises(QueryError):
        report_month(settings, month_before(date(1999, 1, 1)))
    assert not list(report_waiting_months(settings)) and not settings.months_waiting.exists()  # nobody asked for months to come
    assert "Thư" not in {line.topic for line in read_status(settings, datetime(2024, 7, 1, 7)).lines}
    assert [row[0] for row in rows(settings)] == ["2024-06-29"] * 2 + ["2024-06-30"] * 2


@pytest.mark.slow
def test_after_a_long_outage_every_month_since_the_schedule_last_ran_is_mailed(
    served: tuple[Settings, PostOffice, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, post, _ = served

    def now(moment: datetime) -> None:
        monkeypatch.setattr(monthly, "local_now", lambda: moment)

    now(datetime(2024, 4, 1, 6))
    report_month(settings, month_before(date(2024, 4, 1)), is_scheduled=True)
    now(datetime(2024, 4, 30, 1))
    assert not list(report_waiting_months(settings)) and len(post.accepted) == 2
    now(datetime(2024, 6, 5, 9))  # switched off over the 1st of May, killed on the 1st of June before anything was written down
    assert "2024-04, 2024-05 chưa gửi" in " ".join(line.text for line in read_status(settings, datetime(2024, 6, 5, 9)).lines)
    assert len(list(report_waiting_months(settings))) == 2
    assert [row[0] for row in rows(settings)] == ["2024-03-31"] * 2 + ["2024-04-30"] * 2 + ["2024-05-31"] * 2
    assert not list(report_waiting_months(settings)) and len(post.accepted) == 6


@pytest.mark.parametrize(
    ("record", "now", "owed", "through"),
    [
        ({}, datetime(2024, 7, 2), [], None),
        ({"months": ["2024-05"]}, datetime(2024, 7, 2), ["2024-05"], None),
        ({"months": [], "through": "2024-05"}, datetime(2024, 7, 1, 5, 59), [], "2024-05"),
        ({"months": [], "through": "2024-05"}, datetime(2024, 7, 1, 6), ["2024-06"], "2024-06"),
        ({"months": ["2023-11"], "through": "2023-12"}, datetime(2024, 3, 9), ["2023-11", "2024-01", "2024-02"], "2024-02"),
        ({"months": ["2029-12"], "through": "2029-12"}, datetime(2024, 7, 2), ["2024-06"], "2024-06"),  # the clock was ahead
        (
            {"months": [], "through": "2020-01"},
            datetime(2024, 7, 2),
            [f"2023-{m:02d}" for m in range(7, 13)] + [f"2024-{m:02d}" for m in range(1, 7)],
            "2024-06",
        ),
    ],
)
def test_the_months_owed(tmp_path: Path, record: dict[str, object], now: datetime, owed: list[str], through: str | None) -> None:
    (tmp_path / "months.json").write_text(json.dumps(record), encoding="utf-8")
    assert owed_months(tmp_path / "months.json", now) == OwedMonths(owed, through)


@pytest.mark.slow
def test_a_report_waits_for_the_night_that_is_under_way(
    served: tuple[Settings, PostOffice, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, post, _ = served
    lock = FileLock(settings.lock, thread_local=False)
    lock.acquire()
    threading.Timer(1, lock.release).start()
    report_month(settings, MAY)
    assert len(post.accepted) == 2
    monkeypatch.setattr(monthly, "LOCK_SECONDS", 0.1)
    with FileLock(settings.lock), pytest.raises(AlreadyRunning):
        report_month(settings, MAY)


@pytest.mark.slow
def test_without_anybody_to_write_to_the_report_is_written_all_the_same(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    old, _ = night
    reference = shutil.copytree(old.reference, tmp_path / "reference")
    settings = replace(
        old, reference=reference, warehouse=Path(shutil.copy(old.warehouse, tmp_path / "w.duckdb")), outbox=tmp_path / "outbox"
    )
    (reference / "recipients.csv").unlink(missing_ok=True)
    made = report_month(settings, MAY)
    assert all(path.is_file() for path in made.files) and "recipients.csv" in made.post.notes[0]
    (reference / "recipients.csv").write_text("\n".join(PEOPLE.splitlines()[::3]), encoding="utf-8")
    assert "monthly_report" in report_month(settings, MAY).post.notes[0]
    assert not ledger_path(settings.staged).exists()


def test_deliveries_lists_every_kind_with_its_state(
    office: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alarms have a ledger of their own; whoever asks what became of mails sees them among the others."""
    (office.reference / "recipients.csv").write_text(PEOPLE, encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "200")

    def told(*options: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["deliveries", f"--warehouse={office.warehouse}", *options])
        assert ended.value.code == 0
        return capsys.readouterr().out

    post, now = PostOffice(), datetime(2024, 6, 30, 9)
    post.script["vanphong@sonha.test"] = ["refuse"]
    with serve(post) as server:
        post_alarms(office, [Alarm("silence", "Đã 30 giờ không công bố số liệu")], server, now, is_sent=True)
    said = told()
    assert "alarm:silence" in said and "bị từ chối" in said and "550" in said
    assert "alarm:silence" in told("--state=refused", "--date=2024-06-30")
    assert told("--state=sent") == told("--date=2024-07-01") == "Không có thư nào.\n"
