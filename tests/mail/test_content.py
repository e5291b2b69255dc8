"""What mails say and how they are built: the night's figures, each unit's own only, nothing alive from an export's text."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from conftest import settings_in
from hypothesis import given
from hypothesis import strategies as st

from expectations import CheckResult
from flows.changes import Changes, find_changes
from flows.figures import Check, Difference, Figures, Freshness, Period, SourceState
from flows.history import published_days, record_published
from flows.mail.compose import TABLES, compose, find_attachments
from flows.mail.content import Content, _missed_line, describe_held, describe_office, describe_units
from flows.mail.delivery import _stamped
from flows.mail.dispatch import prepare_held, prepare_published
from flows.mail.ledger import Ledger, ledger_path
from flows.mail.phrases import cut_list
from flows.mail.recipients import SUMMARIES, Recipient
from flows.mail.server import MailServer
from flows.mail.supply import gate_sections, quality_line, supply_sections
from flows.night import NightResult, run_night
from flows.settings import Settings
from flows.warehouse_figures import load_figures

WORDS = "[TTHC] 30/09/2025, UBND thị trấn Di Lăng và 1 đơn vị khác: không có hồ sơ chờ quá 8 giờ; <b> =?utf-8?q?x?= HĐND".split()
OFFICE = Recipient("Văn phòng", "vanphong@sonha.test", (), frozenset(SUMMARIES), "daily", 2)
PAYLOADS = ['<script>alert(1)</script>"><img src=x onerror=alert(2)>', "=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "{{ 7*7 }}"]


def unit_of(*codes: str) -> Recipient:
    return Recipient("Xã", "xa@sonha.test", codes, frozenset({"digest", "missed", "late", "worklist"}), "daily", 3)


@pytest.fixture
def settings(night: tuple[Settings, NightResult], tmp_path: Path) -> Settings:
    """The sample's night with a warehouse folder and an outbox of its own."""
    (tmp_path / "w").mkdir()
    shutil.copy(night[0].warehouse, tmp_path / "w" / "w.duckdb")
    shutil.copytree(night[0].outbox, tmp_path / "outbox")
    return replace(night[0], warehouse=tmp_path / "w" / "w.duckdb", outbox=tmp_path / "outbox")


@pytest.fixture(scope="module")
def figures(night: tuple[Settings, NightResult]) -> Figures:
    return load_figures(night[0].warehouse)


def mails(settings: Settings) -> dict[str, EmailMessage]:
    found = {}
    for path in sorted((settings.outbox / f"{settings.as_of:%Y-%m-%d}" / "thu").glob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(message, EmailMessage)
        found[message["To"].addresses[0].addr_spec] = message
        assert path.name.isascii()
    return found


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    assert part.get_content_charset() == "utf-8"
    return str(part.get_content())


def busy_unit(figures: Figures) -> str:
    return next(i.unit.code for i in figures.late if i.is_waiting)


def test_the_office_s_mail_says_the_essential_in_its_first_five_lines(settings: Settings, figures: Figures) -> None:
    prepare_published(settings, [OFFICE], None)
    message = mails(settings)[OFFICE.email]
    first = body(message, "plain").splitlines()[:5]
    assert [line.partition(":")[0] for line in first] == [
        "Thay đổi",
        "Đang chờ quá 8\u00a0giờ",
        "Không đạt chỉ tiêu",
        "Số liệu",
        "Chất lượng số liệu",
    ]
    waiting = [i for i in figures.late if i.is_waiting]
    missed = [r for r in figures.now("year") if r.status == "missed"]
    units = len({i.unit.key for i in waiting})
    assert first[1].startswith(f"Đang chờ quá 8\u00a0giờ: {units} đơn vị, {len(waiting)} hồ sơ: ")
    assert f"{len(missed)} chỉ tiêu ở {len({r.unit for r in missed})} đơn vị" in first[2]
    assert message["Subject"] == f"[TTHC] 30/06/2024: {units} đơn vị chờ quá 8 giờ, {len(missed)} chỉ tiêu không đạt"
    html = body(message, "html")
    for rate in missed:
        assert rate.unit
        assert f"thiếu {rate.shortfall}" in html
        assert f"{rate.numerator}/{rate.denominator}" in html
    assert len(html) < 102_000, "larger mails are cut by some clients"


def test_thousands_have_points_between_them(settings: Settings, figures: Figures) -> None:
    rates = [
        replace(
            r, numerator=r.numerator * 1000, denominator=r.denominator * 1000, shortfall=None if r.shortfall is None else r.shortfall * 1000
        )
        for r in figures.rates
    ]
    text = _missed_line(figures, [r for r in rates if r.status == "missed"])
    assert re.search(r"thiếu \d{1,3}\.\d{3}", text)
    assert not re.search(r"\d{4}", text.removeprefix("năm 2024"))


def test_thousands_have_points_also_where_the_data_are_doubted(figures: Figures) -> None:
    warned = replace(figures.checks[0], is_passed=False, severity="warning", accepted_why=None, found=12345)
    differ = [
        replace(d, theirs=23456, ours=21111, difference=2345, is_certain=True, is_tolerated=False) for d in figures.reconciliation[:1]
    ]
    doubted = replace(figures, rejects=[(*row[:-1], 34567) for row in figures.rejects[:1]], checks=[warned], reconciliation=differ)
    told = quality_line(doubted) + str(supply_sections(doubted)) + str(gate_sections(doubted))
    assert "34.567 dòng" in told
    assert f"{warned.message_vi}: 12.345" in told
    assert "trong biểu 23.456, tự đếm 21.111 (+2.345)" in told or not differ
    assert cut_list(["x"] * 1300, "tệp", "đó")[-1] == "… và 1.270 tệp nữa, xem đó"


def test_no_number_is_parted_from_its_unit_at_the_end_of_a_line(settings: Settings, figures: Figures) -> None:
    prepare_published(settings, [OFFICE, unit_of(busy_unit(figures))], None)
    said = [body(message, kind) for message in mails(settings).values() for kind in ("plain", "html")]
    assert any("%" in text for text in said)
    assert [found for text in said for found in re.findall(r"\d (?:%|giờ\b)", text)] == []


def test_the_mail_is_well_formed_and_the_same_every_time(settings: Settings) -> None:
    prepare_published(settings, [OFFICE], None)
    before = {path: path.read_bytes() for path in settings.outbox.rglob("*.eml")}
    prepare_published(settings, [OFFICE], None)
    assert {path: path.read_bytes() for path in settings.outbox.rglob("*.eml")} == before
    assert len(Ledger(ledger_path(settings.staged)).rows()) == 1
    message = mails(settings)[OFFICE.email]
    assert not message.defects
    assert parsedate_to_datetime(message["Date"]).replace(tzinfo=None) == settings.as_of
    attached = list(message.iter_attachments())
    assert [a.get_filename() for a in attached] == [*TABLES.values(), "tthc-2024-06-30.xlsx"]
    folder = settings.outbox / f"{settings.as_of:%Y-%m-%d}"
    for part in attached:
        data = part.get_payload(decode=True)
        assert data == (folder / str(part.get_filename())).read_bytes()
        assert isinstance(data, bytes)
        assert data.startswith(b"PK" if str(part.get_filename()).endswith(".xlsx") else b"\xef\xbb\xbf")


def test_the_workbook_goes_with_it_and_its_moment_of_writing_changes_nothing(settings: Settings) -> None:
    import openpyxl

    path = settings.outbox / f"{settings.as_of:%Y-%m-%d}" / f"tthc-{settings.as_of:%Y-%m-%d}.xlsx"
    hashes = set()
    for year in (2024, 2025):
        book = openpyxl.Workbook()
        book.properties.created = book.properties.modified = datetime(year, 1, 1)
        book.save(path)
        (*_, last) = find_attachments(path.parent, settings.as_of, OFFICE.summaries, None)
        assert last.name == path.name
        hashes.add(last.fingerprint)
    assert len(hashes) == 1


def test_attachments_that_do_not_fit_are_named(settings: Settings, figures: Figures) -> None:
    found = find_attachments(settings.outbox / f"{settings.as_of:%Y-%m-%d}", settings.as_of, OFFICE.summaries, None)
    content = describe_office(figures, None, OFFICE)
    made = compose(content, found, as_of=settings.as_of, name="A", addressee="a@b.vn", max_bytes=410_000)
    assert len(made.data) < 410_000
    assert content.left_out
    message = message_from_bytes(made.data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert "Không đính kèm vì thư sẽ quá lớn: " + content.left_out[0] in body(message, "plain")


def test_a_mail_of_many_units_stays_below_what_the_server_takes(settings: Settings, figures: Figures) -> None:
    """The text of 300 units is 2 MB on its way: beside attachments that filled the rest, the server refused the whole mail."""
    found = find_attachments(settings.outbox / f"{settings.as_of:%Y-%m-%d}", settings.as_of, OFFICE.summaries, None)
    content = describe_office(figures, None, OFFICE)
    content.sections.append(("Chỉ tiêu không đạt", ["UBND xã Sơn Hà: 80 % (8/10), thiếu 2"] * 9_000))
    bare = len(compose(content, [], as_of=settings.as_of, name="A", addressee="a@b.vn", max_bytes=20_000_000).data)
    for more in (20_000, len(found[0].data) * 3 // 2 + 20_000, sum(len(attachment.data) for attachment in found)):
        room = bare + more
        made = compose(content, found, as_of=settings.as_of, name="A", addressee="a@b.vn", max_bytes=room)
        assert len(made.data) <= room
        assert sorted(content.attached + content.left_out) == sorted(a.name for a in found)


def test_a_unit_reads_nothing_of_others(settings: Settings, figures: Figures) -> None:
    code = busy_unit(figures)
    prepare_published(settings, [unit_of(code)], None)
    message = mails(settings)["xa@sonha.test"]
    own = next(u.name for u in figures.units if u.code == code)
    text = body(message, "plain") + body(message, "html") + str(message["Subject"])
    text += "".join(a.get_payload(decode=True).decode("utf-8-sig") for a in message.iter_attachments())  # type: ignore[union-attr]
    for unit in figures.units:
        if unit.code != code:
            assert unit.code not in text
            assert unit.name not in text.replace(own, "")
    others = [i.case_code for i in [*figures.late, *figures.worklist] if i.unit.code != code]
    assert [case for case in others if case in text] == []
    mine = [i for i in figures.late if i.unit.code == code]
    assert all(i.case_code in text for i in mine)
    assert "Cần gì để đạt chỉ tiêu năm 2024" in body(message, "html")


def test_no_count_runs_into_a_name_that_ends_in_a_number(settings: Settings, figures: Figures) -> None:
    """“UBND phường 1 2” was two dossiers of the first ward, and read like the twelfth."""
    called = {unit: replace(unit, name=f"UBND phường {n}", called=f"UBND phường {n}") for n, unit in enumerate(figures.units, 1)}
    wards = replace(
        figures,
        units=list(called.values()),
        rates=[replace(r, unit=called.get(r.unit, r.unit)) for r in figures.rates if r.unit],
        late=[replace(i, unit=called.get(i.unit, i.unit)) for i in figures.late],
    )
    changes = Changes(figures.as_of.date(), [(i.case_code, i.unit) for i in wards.late], [], [], [], [], 1)
    content = describe_office(wards, changes, OFFICE)
    said = "\n".join([*(text for _, text in content.lines), *(text for _, texts in content.sections for text in texts)])
    assert re.search(r"phường \d+ \(\d+ hồ sơ, lâu nhất", said) and re.search(r"phường \d+: [\d,]+\s%", said)
    assert not re.search(r"phường \d+ \d", said)


def test_a_target_met_by_old_data_is_not_said_to_be_met(settings: Settings, figures: Figures) -> None:
    """The workbook and the report of the same night say that nothing can be concluded."""
    old = replace(figures, rates=[replace(rate, is_stale=True) for rate in figures.rates])
    assert any(rate.status == "met" for rate in figures.now("year"))
    for content in (describe_office(old, None, OFFICE), describe_units(old, None, unit_of(*(unit.code for unit in figures.units)))):
        assert content
        said = {(cell.mark, cell.word) for row in content.rows for each in row.cells for cell in each}
        assert ("✓", "đạt") not in said and ("⏱", "đạt theo số liệu cũ, chưa kết luận được") in said


def test_a_long_name_leaves_room_for_the_figures_in_the_subject(settings: Settings, figures: Figures) -> None:
    """It pushed them out, or cut a number in two: the subject ended "…: 1" of 12 dossiers."""
    unit = next(u for u in figures.units if u.code == busy_unit(figures))
    news = prepared_subject(settings, figures, unit.code).partition(unit.name)[2]
    assert re.fullmatch(r": \d+ hồ sơ chờ quá 8 giờ, \d+ chỉ tiêu không đạt", news)
    for length in range(100, 240, 7):
        long = replace(unit, name=("Ban Quản lý khu kinh tế và các khu công nghiệp " * 6)[:length].strip())
        others = replace(figures, units=[long if u == unit else u for u in figures.units])
        others = replace(others, rates=[replace(r, unit=long) if r.unit == unit else r for r in figures.rates])
        shown = prepared_subject(settings, others, unit.code)
        assert shown.startswith("[TTHC] 30/06/2024, Ban Quản lý khu kinh tế") and shown.endswith(news)
        assert (long.name in shown) or "…:" in shown


def prepared_subject(settings: Settings, figures: Figures, code: str) -> str:
    content = describe_units(figures, None, unit_of(code))
    assert content
    made = compose(content, [], as_of=settings.as_of, name="A", addressee="a@b.vn", max_bytes=20_000_000, is_correction=True)
    return str(message_from_bytes(made.data, policy=policy.default)["Subject"]).replace("[TTHC] Đính chính", "[TTHC]")


def test_a_unit_that_misses_a_target_reads_what_is_missing_where_nothing_can_be_foreseen(figures: Figures) -> None:
    """In the first month of the data or of a unit nothing is foreseen; that is no reason to say that nothing is missing."""
    missed = next(r for r in figures.now("year") if r.unit and r.status == "missed" and not r.measure.startswith("payment"))
    assert missed.unit
    mine = [n for n in figures.needed if n.unit == missed.unit]
    unforeseen = [
        replace(n, needed=None, is_possible=None, message_vi="Chưa có tháng trọn nào")
        if n.measure == missed.measure
        else replace(n, needed=0)
        for n in mine
    ]
    content = describe_units(replace(figures, needed=unforeseen), None, unit_of(missed.unit.code))
    assert content
    told = dict(content.sections)["Cần gì để đạt chỉ tiêu năm 2024"]
    assert len(told) == 1
    assert told[0].endswith(f": hiện còn thiếu {missed.shortfall} hồ sơ. Chưa có tháng trọn nào")
    met = [replace(r, status="met") if r.unit == missed.unit else r for r in figures.rates]
    content = describe_units(replace(figures, rates=met, needed=unforeseen), None, unit_of(missed.unit.code))
    assert content
    assert dict(content.sections)["Cần gì để đạt chỉ tiêu năm 2024"] == ["Không chỉ tiêu nào còn thiếu."]


def test_a_unit_that_is_no_longer_there_gets_no_mail_and_the_operator_is_told(settings: Settings, figures: Figures) -> None:
    post = prepare_published(settings, [unit_of("000.98.58.H48")], None)
    assert (post.prepared, mails(settings)) == (0, {})
    assert post.notes == ["recipients.csv, dòng 3: không đơn vị nào của phạm vi còn hiệu lực, không soạn thư"]
    assert prepare_published(settings, None, None).notes == ["chưa có tệp recipients.csv nên không soạn thư cho ai"]
    assert describe_units(figures, None, unit_of("000.98.58.H48")) is None


def publish_earlier(settings: Settings, days: int, *edits: str) -> None:
    """The history holds what this warehouse would have said some days before, after these edits."""
    earlier = settings.warehouse.with_name("earlier.duckdb")
    shutil.copy(settings.warehouse, earlier)
    with duckdb.connect(str(earlier)) as connection:
        connection.execute(f"UPDATE mart.unit_rates SET as_of = as_of - INTERVAL {days} DAY")
        connection.execute(f"UPDATE mart.rates_published SET published_from = published_from - INTERVAL {days} DAY")
        for edit in edits:
            connection.execute(edit)
    record_published(settings.staged, earlier)


def test_what_changed_since_the_last_published_day(settings: Settings, figures: Figures) -> None:
    first = next(i for i in figures.late if i.is_waiting)
    rate = next(r for r in figures.now("year") if r.status == "missed")
    old, *new = (finding.finding_id for finding in figures.findings)
    told = dict(describe_office(figures, find_changes(settings.staged, figures), OFFICE).lines)["Điều cần hỏi"]
    assert "điều mới" not in told, "nothing was published before"
    publish_earlier(
        settings,
        2,
        f"DELETE FROM mart.audit WHERE finding_id <> '{old}'",
        f"DELETE FROM mart.late_receptions WHERE case_code = '{first.case_code}'",
        f"DELETE FROM ops.files WHERE file_id = '{figures.loaded_files[0]}'",
    )
    record_published(settings.staged, settings.warehouse)
    assert published_days(settings.staged) == [date(2024, 6, 28), date(2024, 6, 30)]
    before = {r.key: (r.numerator, r.denominator, r.status) for r in figures.rates if r.unit}
    before[rate.key] = (rate.numerator + 1, rate.denominator, "met")
    changes = find_changes(settings.staged, replace(figures, rates_before=before))
    assert changes
    assert (changes.since, changes.newly_late, changes.new_files) == (date(2024, 6, 28), [(first.case_code, first.unit)], 1)
    assert changes.newly_missed == [rate]
    assert changes.moved == [(rate, rate.numerator + 1, rate.denominator)]
    line = describe_office(figures, changes, OFFICE).lines[0][1]
    assert line.startswith("So với ngày 28/06/2024: thêm 1 hồ sơ chậm tiếp nhận quá 8 giờ (")
    assert "1 chỉ tiêu chuyển sang không đạt" in line
    told = dict(describe_office(figures, changes, OFFICE).lines)["Điều cần hỏi"]
    assert f", {len(new)} điều mới; là câu hỏi" in told, "the one of that day is old, whatever list showed the others"


def test_the_office_is_told_what_did_not_arrive_what_is_old_what_was_refused_and_what_differs(figures: Figures) -> None:
    unit = figures.units[-1]
    spring = Period("range", date(2024, 4, 1), date(2024, 7, 1))
    differing = Difference("summary06", unit, spring, "total", "Tổng số", 46, 44, 2, False, is_certain=True)
    troubled = replace(
        figures,
        sources=[SourceState("o-chung", "red", None, "Nguồn “o-chung”: không thấy thư mục")],
        rates=[replace(r, is_stale=r.unit == unit) for r in figures.rates],
        freshness=[Freshness("cases", "Danh sách hồ sơ", unit, None, "red", "vanished", "Danh sách hồ sơ của xã: không có hồ sơ nào")],
        reconciliation=[differing, replace(differing, figure="x", is_tolerated=True), replace(differing, figure="y", is_certain=False)],
        checks=[Check("key:core.cases", "critical", 2, False, "Hồ sơ hai lần", "đã gọi tỉnh")],
    )
    content = describe_office(troubled, None, OFFICE)
    lines, sections = dict(content.lines), dict(content.sections)
    assert "nguồn “o-chung” không lấy được" in lines["Số liệu"]
    assert f"1 đơn vị có số liệu cũ: {unit.name}" in lines["Số liệu"]
    refused = [file for file in figures.files if file.status == "rejected"]
    assert lines["Chất lượng số liệu"].startswith(f"{len(refused)} tệp ({refused[0].name}, ")
    assert "1 con số của biểu tổng hợp lệch với số tự đếm, ở 1 đơn vị" in lines["Chất lượng số liệu"]
    assert "vẫn công bố dù 1 kiểm tra không đạt, đã được chấp nhận, không có cảnh báo" in lines["Chất lượng số liệu"]
    assert sections["Nguồn tệp xuất cần xem"] == ["Nguồn “o-chung”: không lấy được, hoặc đã lâu không có tệp mới"]
    assert len(sections["Tệp bị từ chối"]) == len(refused)
    assert sections["Biểu tổng hợp lệch với số tự đếm từ hồ sơ"] == [f"{unit.name}, tổng số: trong biểu 46, tự đếm 44 (+2)"]
    assert sections["Công bố dù kiểm tra không đạt, vì đã được chấp nhận"] == ["Hồ sơ hai lần: 2. Chấp nhận vì: đã gọi tỉnh"]
    html = body_of(content, figures)
    assert html.count("dữ liệu cũ") == 1, "beside the one unit"
    assert len(html.encode()) < 100_000


def test_where_nothing_came_in_the_text_says_so(figures: Figures) -> None:
    silent = figures.units[0]
    rates = [replace(r, numerator=0, denominator=0, status="no_data", shortfall=None) if r.unit == silent else r for r in figures.rates]
    quiet = replace(figures, rates=rates, current=figures.current)
    office = body_of(describe_office(quiet, None, OFFICE), quiet, "plain")
    assert f"\n{silent.called}\n  - không phát sinh\n" in office
    content = describe_units(quiet, None, unit_of(silent.code))
    assert content
    label = next(m.label_vi for m in figures.measures if m.name == "on_time")
    assert f"\n{label}\n  - không phát sinh\n" in body_of(content, quiet, "plain")


@pytest.mark.parametrize(("target", "why"), [(None, "không có chỉ tiêu nào áp dụng"), (0.9, "chưa có số liệu của chỉ tiêu nào")])
def test_where_nobody_is_judged_no_mail_says_that_no_target_is_missed(figures: Figures, target: float | None, why: str) -> None:
    """After the last day of the targets that ship, every subject said so, as if all were well."""
    status, denominator = ("no_target", 5) if target is None else ("no_data", 0)
    rates = [replace(r, numerator=0, denominator=denominator, target=target, status=status, shortfall=None) for r in figures.rates]
    unjudged = replace(figures, rates=rates, needed=[])
    for content in (describe_office(unjudged, None, OFFICE), describe_units(unjudged, None, unit_of(figures.units[0].code))):
        assert content
        assert content.subject.endswith(f", {why}")
        assert dict(content.lines)["Không đạt chỉ tiêu"] == f"năm 2024 {why}."
        told = [texts for heading, texts in content.sections if "chỉ tiêu" in heading.lower()]
        assert len(told) >= 2
        assert {text.lower() for texts in told for text in texts} == {f"{why}."}


def body_of(content: Content, figures: Figures, kind: str = "html") -> str:
    made = compose(content, [], as_of=figures.as_of, name="A", addressee="a@b.vn", max_bytes=20_000_000)
    message = message_from_bytes(made.data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return body(message, kind).replace("\r\n", "\n")


@pytest.mark.slow
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40), st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_subject_and_name_arrive_as_they_were_written(subject: list[str], name: list[str]) -> None:
    content = Content("digest", " ".join(subject)[:180].strip(), "Số liệu", [])
    made = compose(content, [], as_of=datetime(2024, 6, 30), name=" ".join(name), addressee="a@b.vn", max_bytes=20_000_000)
    server = MailServer("localhost", 25, "none", "gui@b.vn")
    for data in (made.data, _stamped(made.data, server)):
        message = message_from_bytes(data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert not message.defects
        plain = message_from_bytes(data)  # the newer parser itself adds a blank where a long name goes on
        shown, _, address = plain["To"].rpartition(" <")
        assert (message["Subject"], str(make_header(decode_header(shown)))) == (content.subject, " ".join(name))
        assert (address, message["To"].addresses[0].addr_spec) == ("a@b.vn>", "a@b.vn")
        assert max(len(line) for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")) <= 78


def test_a_night_without_anything_new_says_so(settings: Settings, figures: Figures) -> None:
    publish_earlier(settings, 1)
    content = describe_office(figures, find_changes(settings.staged, figures), OFFICE)
    assert "điều mới" not in dict(content.lines)["Điều cần hỏi"]
    assert content.subject.startswith("[TTHC] 30/06/2024: không có tệp xuất mới; ")
    assert content.lines[0][1] == "So với ngày 29/06/2024: không có gì thay đổi (không có tệp xuất mới)."


def test_a_night_held_back_is_told_and_forgotten_once_published(settings: Settings, figures: Figures) -> None:
    publish_earlier(settings, 1)
    checks = [CheckResult("a", "critical", 3, "Có hồ sơ hai lần; hãy xuất lại"), CheckResult("b", "warning", 1, "Khác")]
    refused = {"file_name": "a<b>.xlsx", "member": None, "status": "rejected", "error": "tệp rỗng"}
    assert prepare_held(settings, [OFFICE, unit_of(busy_unit(figures))], None, checks, [refused]).prepared == 1
    message = mails(settings)[OFFICE.email]
    assert message["Subject"] == "[TTHC] 30/06/2024: KHÔNG CÔNG BỐ, số liệu đã công bố ngày 29/06/2024 giữ nguyên"
    assert "Có hồ sơ hai lần; hãy xuất lại (phát hiện 3)" in body(message, "plain")
    assert "a&lt;b&gt;.xlsx: tệp rỗng" in body(message, "html")
    prepare_published(settings, [OFFICE], None)
    assert [row.kind for row in Ledger(ledger_path(settings.staged)).rows()] == ["digest"]
    assert "chờ quá 8 giờ" in mails(settings)[OFFICE.email]["Subject"]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_an_export_is_alive_in_a_mail(settings: Settings, figures: Figures, payload: str) -> None:
    renamed = {u: replace(u, name=payload + "\r\nBcc: ai@khac.vn") for u in figures.units}
    hostile = replace(
        figures,
        units=[renamed[u] for u in figures.units],
        rates=[replace(r, unit=renamed.get(r.unit, r.unit)) if r.unit else r for r in figures.rates],
        late=[replace(i, unit=renamed.get(i.unit, i.unit)) for i in figures.late],
        worklist=[replace(i, unit=renamed.get(i.unit, i.unit)) for i in figures.worklist],
        checks=[replace(c, message_vi=payload, is_passed=False) for c in figures.checks],
    )
    unit = describe_units(hostile, None, unit_of(busy_unit(figures)))
    held = describe_held(hostile.as_of, [CheckResult("a", "critical", 1, payload)], [payload], 1, None)
    for content in (describe_office(hostile, None, OFFICE), unit, held):
        assert content
        made = compose(content, [], as_of=hostile.as_of, name=payload + "\r\nBcc: x", addressee="a@b.vn", max_bytes=20_000_000)
        message = message_from_bytes(made.data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert message["Bcc"] is None
        if payload == "{{ 7*7 }}":
            assert payload in body(message, "html")
        tags = Tags()
        tags.feed(body(message, "html"))
        assert tags.found <= set("html head meta title body table tr td th h1 h2 p b br div ul li".split())
        assert not {a for a in tags.attributes if a.startswith("on") or a in ("src", "href", "background")}


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [800, 375])
def test_the_mail_fits_its_window_and_asks_the_network_for_nothing(
    settings: Settings, figures: Figures, browser: object, width: int
) -> None:
    prepare_published(settings, [OFFICE, unit_of(busy_unit(figures))], None)
    for message in mails(settings).values():
        page = browser.new_page(viewport={"width": width, "height": 900})  # type: ignore[attr-defined]
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.set_content(body(message, "html"))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelectorAll('h1').length") == 1
        bars = page.evaluate("[...document.querySelectorAll('table table table')].map(t => [t.offsetWidth, t.offsetHeight])")
        assert bars
        assert all(w == 48 and h <= 8 for w, h in bars)
        assert asked == []
        page.close()


@pytest.mark.slow
def test_a_word_wider_than_a_telephone_is_broken(figures: Figures, browser: object) -> None:
    """Names of exports and of units may be longer than a line without a blank to break at."""
    name = "DanhSachHoSo_TrungTamPhucVuHanhChinhCong_va_KiemSoatThuTucHanhChinh_20240630230000_ban_cuoi.xlsx"
    content = Content("digest", name, name, [("Số liệu", f"{name}.")], sections=[(name, [f"{name}: bị từ chối"])])
    page = browser.new_page(viewport={"width": 360, "height": 740})  # type: ignore[attr-defined]
    page.set_content(body_of(content, figures))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


@pytest.mark.slow
def test_a_night_that_cannot_send_is_published_all_the_same(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from conftest import HEADINGS, case_row, write_workbook

    from flows import cli

    (office.reference / "recipients.csv").write_text(
        "name,email,scope,summaries,frequency,language\nVăn phòng,vanphong@sonha.test,all,,,\n", encoding="utf-8"
    )
    (office.reference / "mail.toml").write_text(
        'host = "127.0.0.1"\nport = 1\nsecurity = "none"\nfrom = "t@sonha.test"\nsend = true\nretry_seconds = []\n', encoding="utf-8"
    )
    held = run_night(office)
    assert not held.is_published
    assert (held.post.prepared, held.post.outcome is not None) == (1, True)
    write_workbook(office.raw / "ho-so.xlsx", [HEADINGS, case_row()])
    arguments = ["--reference", str(office.reference), "--warehouse", str(office.warehouse), "--outbox", str(office.outbox)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--raw", str(office.raw), *arguments, "--as-of", "2024-06-30T23:00"])
    assert ended.value.code == 0
    (row,) = Ledger(ledger_path(office.staged)).rows()
    assert (row.kind, row.state, row.attempts) == ("digest", "prepared", 1)
    with pytest.raises(SystemExit) as ended:
        cli.main(["send", *arguments])
    assert ended.value.code == cli.EXIT_FAILED
    again = run_night(settings_in(office.warehouse.parents[1]))
    assert again.post.prepared == 1
    (row,) = Ledger(ledger_path(office.staged)).rows()
    assert row.state == "prepared"
    with pytest.raises(SystemExit) as ended:
        cli.main(["deliveries", "--warehouse", str(office.warehouse), "--mark-sent", str(row.id), "--why", "đã gửi tay"])
    assert ended.value.code == 0
    assert Ledger(ledger_path(office.staged)).rows()[0].state == "sent"
