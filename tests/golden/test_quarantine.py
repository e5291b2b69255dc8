"""Repairing what went wrong: exports withdrawn, source errors corrected, rows that come back after a fix, personal data kept out."""

import json
import stat
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from unicodedata import normalize

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import AS_OF, HEADINGS, case_row, write_workbook
from test_cli import tthc

from flows.acceptances import name_checks
from flows.landing import find_exports
from flows.night import NightResult, run_night
from flows.quarantine import delete_old_raw, load_withdrawn, withdraw
from flows.runs import RunLog, load_runs
from flows.settings import ConfigurationError, Settings, local_now
from flows.warehouse import checksum_tables
from transforms.corrections import CorrectionError, parse_corrections
from transforms.layouts import load_lists

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]

WRONG_DUE = """
- id: don-vi-bao-sai-han
  match: {case_code: 000.22.58.H48-240215-0007}
  expect: {due_at: 20/02/2024 17:00}
  action: override
  set: {due_at: 2024-02-16T17:00, unit_code: 000.32.58.H48}
  reason: Văn bản số 12/UBND ngày 21/02/2024
"""


def query(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return rows


def run(settings: Settings) -> NightResult:
    result = run_night(settings)
    assert result.is_published
    assert query(settings, "SELECT count(*) FROM ops.files WHERE rows_data <> rows_loaded + rows_rejected") == [(0,)]
    return result


def test_a_withdrawn_export_leaves_no_trace_in_the_numbers_and_can_come_back(office: Settings) -> None:
    write_workbook(office.raw / "good.xlsx", [HEADINGS, case_row()])
    run(office)
    before = checksum_tables(office.warehouse)
    late = case_row("000.22.58.H48-240215-0099", **{"Ngày kết thúc xử lý": "01/03/2024 10:00"})
    write_workbook(
        office.raw / "khac" / "wrong.xlsx",
        [HEADINGS, late, case_row(**{"Trạng thái": "Dừng xử lý"})],
        titles=("Thời điểm xuất: 30/06/2024 22:30",),
    )
    run(office)
    with_wrong = checksum_tables(office.warehouse)
    assert with_wrong != before
    done = tthc("forget", "khac/wrong.xlsx", "--why", "xuất nhầm huyện khác", "--warehouse", office.warehouse)
    assert done.returncode == 0, done.stderr
    assert run(office).files_read == 0
    assert checksum_tables(office.warehouse) == before
    [(status, error)] = query(office, "SELECT status, error FROM ops.files WHERE file_name = 'khac/wrong.xlsx'")
    assert status == "rejected"
    assert "xuất nhầm huyện khác" in str(error)
    withdraw(office.staged, "wrong.xlsx", "rút nhầm", undo=True)
    run(office)
    assert checksum_tables(office.warehouse) == with_wrong


def test_forget_takes_a_name_as_it_is_typed_whatever_form_the_file_s_has(office: Settings) -> None:
    """A Mac writes names decomposed; nobody can type them so."""
    write_workbook(office.raw / normalize("NFD", "Hồ sơ ấy.xlsx"), [HEADINGS, case_row()])
    run(office)
    assert len(withdraw(office.staged, "Hồ sơ ấy.xlsx", "sai kỳ")) == 1


def test_forget_wants_a_known_export_and_a_reason(published: Settings) -> None:
    for target, why in (("b.xlsx", "lý do"), ("a.xlsx", " ")):
        with pytest.raises(ConfigurationError):
            withdraw(published.staged, target, why)
    write_workbook(published.raw / "a.xlsx", [HEADINGS, case_row(), case_row("000.22.58.H48-240215-0008")])
    run(published)
    with pytest.raises(ConfigurationError, match="nội dung khác nhau"):
        withdraw(published.staged, "a.xlsx", "lý do")


def test_a_declared_correction_holds_while_the_source_is_wrong_and_tells_when_it_is_spent(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    (office.reference / "corrections.yml").write_text(WRONG_DUE, encoding="utf-8")
    run(office)
    assert query(office, "SELECT due_at, unit_code FROM core.cases") == [(datetime(2024, 2, 16, 17), "000.32.58.H48")]
    assert query(office, "SELECT rows_applied, is_spent FROM ops.corrections") == [(1, False)]
    repaired = case_row(**{"Ngày hẹn trả": "16/02/2024 17:00"})
    write_workbook(office.raw / "b.xlsx", [HEADINGS, repaired], titles=("Thời điểm xuất: 30/06/2024 22:45",))
    result = run(office)
    assert query(office, "SELECT unit_code FROM core.cases") == [("000.22.58.H48",)]
    assert query(office, "SELECT rows_applied, is_spent FROM ops.corrections") == [(0, True)]
    assert {check.name for check in result.checks if not check.is_passed} >= {"correction_spent"}


REFORMED = """unit_code,name_vi,level,parent_code,gso_code,aliases,valid_from,valid_to,successor_code,email
000.22.58.H48,UBND xã Sơn Hạ,commune,,,,2003-01-01,2025-06-30,000.22.58.H48,
000.22.58.H48,UBND xã Sơn Hạ,commune,,,,2025-07-01,,,
000.32.58.H48,UBND xã Sơn Thủy,commune,,,,2003-01-01,2025-06-30,000.22.58.H48,
"""
JULY = {"Ngày nộp hồ sơ": "04/06/2025 08:00", "Ngày tiếp nhận": "04/07/2025 09:00", "Ngày hẹn trả": "10/06/2025 17:00"}
JULY |= {"Ngày kết thúc xử lý": "09/07/2025 10:00", "Ngày trả kết quả": "10/07/2025 08:00"}


@pytest.mark.parametrize(
    ("declared", "code", "valid_from"),
    [
        ("{received_at: 04/06/2025 09:00}", "000.22.58.H48", 2003),
        ("{received_at: 04/06/2025 09:00, unit_code: 000.22.58.H48}", "000.22.58.H48", 2003),
        ("{received_at: 04/06/2025 09:00, unit_code: 000.32.58.H48}", "000.32.58.H48", 2003),
        ("{received_at: null}", "000.22.58.H48", 2003),  # then it counts by the day of its submission
        ("{unit_code: 000.32.58.H48}", "000.32.58.H48", 2003),
        ("{due_at: 10/07/2025 17:00}", "000.22.58.H48", 2025),
    ],
)
def test_a_corrected_date_gives_the_dossier_to_the_unit_in_force_on_it(office: Settings, declared: str, code: str, valid_from: int) -> None:
    """The reception of June was typed as July, when a merged commune has the same name and code."""
    (office.reference / "units.csv").write_text(REFORMED, encoding="utf-8")
    expect = "{received_at: 04/07/2025 09:00}"
    text = f"- {{id: thang, match: {{case_code: 000.22.58.H48-240215-0007}}, expect: {expect}, action: override, set: {declared}, reason: gõ nhầm tháng}}\n"
    (office.reference / "corrections.yml").write_text(text, encoding="utf-8")
    rows = [case_row(**JULY), case_row("000.22.58.H48-240215-0008", **JULY)]
    write_workbook(office.raw / "a.xlsx", [HEADINGS, *rows], titles=("Thời điểm xuất: 20/07/2025 22:00",))
    run(replace(office, as_of=datetime(2025, 7, 20, 23)))
    assert query(office, "SELECT unit_code, year(unit_valid_from) FROM core.cases ORDER BY case_code") == [
        (code, valid_from),
        ("000.22.58.H48", 2025),
    ]


def test_a_correction_into_a_year_of_no_export_counts_its_hours_and_periods(office: Settings) -> None:
    (office.reference / "corrections.yml").write_text(
        "- {id: nam, match: {case_code: 000.22.58.H48-240215-0007}, expect: {submitted_at: 15/02/2024 08:00}, action: override, "
        "set: {submitted_at: 29/12/2023 16:00, received_at: 02/01/2024 08:00}, reason: gõ nhầm năm}\n",
        encoding="utf-8",
    )
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row(), case_row("000.22.58.H48-240215-0008")])
    run(office)
    assert query(office, "SELECT waiting_hours FROM core.cases ORDER BY case_code") == [(2.0,), (1.0,)], (
        "an hour of Friday, one after New Year"
    )
    assert query(office, "SELECT min(period_start) FROM mart.unit_rates WHERE period_kind = 'month'") == [(date(2023, 12, 1),)]


def test_a_dropped_row_does_not_count(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row(), case_row("000.22.58.H48-240215-0008")])
    drop = "- {id: thu, match: {case_code: 000.22.58.H48-240215-0008}, expect: {status_code: 10}, action: drop, reason: hồ sơ thử}\n"
    (office.reference / "corrections.yml").write_text(drop, encoding="utf-8")
    run(office)
    assert query(office, "SELECT case_code FROM core.cases") == [("000.22.58.H48-240215-0007",)]
    assert query(office, "SELECT rows_data, rows_loaded FROM ops.files") == [(2, 2)]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("action: override", "action: change", "drop"),
        ("expect: {due_at: 20/02/2024 17:00}", "expect: {}", "thiếu"),
        ("due_at: 20/02/2024 17:00", "due_on: 20/02/2024", "không có cột"),
        ("20/02/2024 17:00", "31/02/2024 17:00", "không nhận giá trị"),
        ("match: {case_code: 000.22.58.H48-240215-0007}", "match: {status_code: 10}", "match phải có case_code"),
        ("- id", "id", "danh sách"),
        ("unit_code: 000.32.58.H48", "unit_code: 000.99.58.H48", "mã đơn vị có trong units.csv"),
        ("unit_code: 000.32.58.H48", "unit_code: null", "không được để trống cột unit_code"),
        ("unit_code: 000.32.58.H48", "channel: quầy", "cần một trong: online, counter, postal"),
        ("unit_code: 000.32.58.H48", "status_code: 99", "cần một trong: 1, 2"),
        ("unit_code: 000.32.58.H48", "due_at: 2024-02-17", "dòng 6: “due_at” có hai lần"),
        ("\n  reason", "\n  id: khac\n  reason", "dòng 7: “id” có hai lần"),
    ],
)
def test_a_wrong_correction_is_refused(before: str, after: str, says: str) -> None:
    words, units = load_lists().words, {"000.22.58.H48", "000.32.58.H48"}
    parse_corrections(WRONG_DUE, words, units)
    with pytest.raises(CorrectionError, match=says):
        parse_corrections(WRONG_DUE.replace(before, after).replace("\n  ", "\n  " if before != "- id" else "\n"), words, units)


def test_a_correction_may_say_the_words_of_the_exports_and_codes_as_they_are_typed() -> None:
    text = WRONG_DUE.replace("000.32.58.H48", "000.32.58.h48, channel: Trực tiếp, status_code: Đang xử lý").replace(
        "20/02/2024 17:00", "2024-02-20T10:00:00Z"
    )
    (one,) = parse_corrections(text, load_lists().words, {"000.32.58.H48"})
    assert one.changes == {
        "due_at": "TIMESTAMP '2024-02-16 17:00:00'",
        "unit_code": "'000.32.58.H48'",
        "channel": "'counter'",
        "status_code": "4",
    }
    assert one.expect == {"due_at": "TIMESTAMP '2024-02-20 17:00:00'"}, "a moment of UTC is a local one, as in exports"


def test_headings_add_repairs_a_renamed_heading(office: Settings) -> None:
    renamed = ["Ngày đón nhận" if heading == "Ngày tiếp nhận" else heading for heading in HEADINGS]
    path = write_workbook(office.raw / "a.xlsx", [renamed, case_row()])
    write_workbook(office.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    run(office)
    done = tthc("check", path, "--json", "--reference", office.reference)
    assert done.returncode == 1
    assert "cases,received,Ngày đón nhận" in json.loads(done.stdout)[0]["error"]
    add = ["headings", "add", "cases", "received", "Ngày đón nhận", "--reference", office.reference]
    assert tthc(*add).returncode != 0  # nobody confirmed
    assert tthc(*add, "--yes").returncode == 0
    assert tthc(*add, "--yes").returncode == 2  # it is there already
    assert tthc("headings", "add", "cases", "arrived", "Ngày đến", "--yes", "--reference", office.reference).returncode == 2
    assert run(office).files_read == 1
    assert query(office, "SELECT count(*) FROM core.cases") == [(2,)]


FEES = "STT|Mã hồ sơ|Mã TTHC|Loại phí|Tiền nộp|Cách thu|Cách trả|Đã nộp chưa|Ngày thanh toán".split("|")
FEE = "1|000.22.58.H48-240215-0007|1.001193|Lệ phí|8.000|Thu trước|Trực tuyến|Đã thanh toán|15/02/2024".split("|")


@pytest.mark.parametrize(
    ("rows", "learned", "asked"),
    [
        (
            [[*HEADINGS, "Bổ sung", None], [*[None] * len(HEADINGS), "Mấy lần", "Ai ghi"], [*case_row(), 2, "x"]],
            "cases,supplements,* > Mấy lần",
            "SELECT supplement_count = 2 FROM core.cases",
        ),
        (
            [HEADINGS, case_row(), [], FEES, FEE],
            "payments,amount,Tiền nộp\npayments,collection,Cách thu\npayments,method,Cách trả\npayments,payment_state,Đã nộp chưa",
            "SELECT is_paid_online FROM core.cases",
        ),
    ],
    ids=["below a group nobody knew", "of another table on the sheet"],
)
def test_a_heading_learned_later_reads_again_the_files_that_have_it_wherever_it_stands(
    office: Settings, rows: list[list[object]], learned: str, asked: str
) -> None:
    write_workbook(office.raw / "a.xlsx", rows)
    write_workbook(office.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    run(office)
    before = checksum_tables(office.warehouse)
    (office.reference / "headings.csv").write_text(f"kind,column,heading\n{learned}\n", encoding="utf-8")
    assert run(office).files_read == 1
    assert (True,) in query(office, asked)
    (office.reference / "headings.csv").unlink()
    assert run(office).files_read == 1
    assert checksum_tables(office.warehouse) == before, "nothing is left of it"


def test_a_new_word_reads_again_only_the_files_that_had_rows_in_trouble(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    write_workbook(office.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008", **{"Trạng thái": "Hoàn tất"})])
    run(office)
    assert query(office, "SELECT reason FROM ops.rejects") == [("unknown_status",)]
    (office.reference / "words.csv").write_text("domain,value,word\nstatus,10,Hoàn tất\n", encoding="utf-8")
    assert run(office).files_read == 1
    assert query(office, "SELECT count(*) FROM ops.rejects") == [(0,)]
    assert query(office, "SELECT count(*) FROM core.cases WHERE status_code = 10") == [(2,)]


def test_numbers_of_people_in_allowed_columns_are_masked_and_told(office: Settings) -> None:
    name = "Đăng ký khai sinh cho CCCD 079123456789, ĐT 0912345678"
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row(**{"Tên TTHC": name}), case_row("079123456789")])
    run(office)
    staged = "".join(str(pq.read_table(p).to_pylist()) for p in office.staged.rglob("*.parquet"))
    texts = staged + "".join(p.read_text(encoding="utf-8-sig") for p in office.outbox.rglob("*.csv"))
    assert "079123456789" not in texts
    assert "0912345678" not in texts
    assert "khai sinh cho CCCD ***" in staged
    assert query(office, "SELECT reason FROM ops.rejects") == [("missing_case_code",)]
    assert any("đã che 1 ô" in str(warning) for (warning,) in query(office, "SELECT warning_vi FROM ops.warnings"))


def test_a_name_in_the_unit_column_is_kept_nowhere(office: Settings) -> None:
    write_workbook(
        office.raw / "a.xlsx", [HEADINGS, case_row(), case_row("000.22.58.H48-240215-0008", **{"Đơn vị giải quyết": "Trần Thị Lạc Cột"})]
    )
    run(office)
    everything = "".join(str(pq.read_table(p).to_pylist()) for p in office.staged.rglob("*.parquet"))
    everything += "".join(p.read_text(encoding="utf-8-sig") for p in [*office.outbox.rglob("*.csv"), *office.staged.rglob("*.json*")])
    everything += str(query(office, "SELECT * FROM ops.rejects"))
    assert "lạccột" not in everything.casefold().replace(" ", "")


def test_what_is_staged_and_published_is_for_owner_and_group_only(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    folders = ["--raw", office.raw, "--reference", office.reference, "--warehouse", office.warehouse, "--outbox", office.outbox]
    assert tthc("run", *folders, "--as-of", "2024-06-30T23:00").returncode == 0
    made = [office.warehouse, *office.staged.rglob("*"), *office.outbox.rglob("*")]
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o007] == []


def test_raw_files_are_deleted_only_when_asked_and_old_enough_and_their_rows_stay(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    (office.raw / "broken.xlsx").write_bytes(b"PK\x03\x04 cut")
    run(office)
    assert (office.raw / "a.xlsx").exists()
    keeping = Settings(office.raw, office.reference, office.warehouse, office.outbox, AS_OF, keep_raw_days=30)
    assert run(keeping).deleted == []
    [record_path] = [p for p in office.staged.rglob("export.json") if '"read"' in p.read_text(encoding="utf-8")]
    record = json.loads(record_path.read_text(encoding="utf-8"))
    record["staged_at"] = str(local_now() - timedelta(days=31))
    record_path.write_text(json.dumps(record), encoding="utf-8")
    assert run(keeping).deleted == ["a.xlsx"]
    assert not (office.raw / "a.xlsx").exists()
    assert (office.raw / "broken.xlsx").exists()  # a rejected file keeps its second chance
    assert '"a.xlsx"' in (office.staged / "deleted.jsonl").read_text(encoding="utf-8")
    (office.raw / "broken.xlsx").unlink()
    run(keeping)
    assert query(office, "SELECT count(*) FROM core.cases") == [(1,)]
    assert Path(str(query(office, "SELECT file_name FROM ops.files")[0][0])).name == "a.xlsx"


def test_an_export_staged_by_an_older_reader_still_counts_when_its_raw_file_is_gone(published: Settings) -> None:
    path = published.raw / "a.xlsx"
    [rows] = published.staged.rglob("01.rows.parquet")
    pq.write_table(pq.read_table(rows).drop_columns(["supplement_count"]), rows)  # a column that reader did not know
    newest = rows.parents[1]
    newest.rename(newest.with_name("r0"))
    path.unlink()
    write_workbook(published.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    assert run(published).files_read == 1
    assert query(published, "SELECT count(*) FROM core.cases") == [(2,)]


def test_a_raw_file_replaced_while_the_night_ran_is_not_deleted(published: Settings) -> None:
    path = published.raw / "a.xlsx"
    seen = find_exports(published.raw)
    [record_path] = published.staged.rglob("export.json")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    record_path.write_text(json.dumps(record | {"staged_at": str(local_now() - timedelta(days=31))}), encoding="utf-8")
    keeping = Settings(published.raw, published.reference, published.warehouse, published.outbox, AS_OF, keep_raw_days=30)
    write_workbook(path, [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    assert delete_old_raw(keeping, seen) == []
    assert path.exists()


def test_a_decision_torn_by_a_power_cut_neither_stops_the_night_nor_swallows_the_next(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    write_workbook(office.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    run(office)
    (office.staged / "withdrawn.jsonl").write_text('{"file_id": "12', encoding="utf-8")
    with (office.staged / "runs.jsonl").open("ab") as stream:
        stream.write('{"run_id": "1", "detail": "lý do bị'.encode()[:-1])  # within a letter
    withdraw(office.staged, "b.xlsx", "xuất nhầm")
    run(office)
    assert query(office, "SELECT case_code FROM core.cases") == [("000.22.58.H48-240215-0007",)]


NAMED = "nhầm hồ sơ của bà Nguyễn Thị Bịa, CCCD 051190001234"


def test_a_reason_keeps_nobody_s_name_or_number(office: Settings) -> None:
    """Reasons stand in ops.files, ops.runs, ops.acceptances and ops.corrections, in mails and in every backup."""
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    run(office)
    withdraw(office.staged, "a.xlsx", NAMED)
    RunLog(office).note("rolled_back", NAMED)
    (correction,) = parse_corrections(WRONG_DUE.replace("reason: ", f"reason: {NAMED} "), load_lists().words, {"000.32.58.H48"})
    kept = [
        *load_withdrawn(office.staged).values(),
        str(load_runs(office.staged)[-1]["detail"]),
        *name_checks(["fees_agree"], NAMED, ["fees_agree"]).values(),
        correction.reason,
    ]
    assert all("nhầm hồ sơ của bà N… T… B…, CCCD ***" in text for text in kept), kept


def test_a_reason_holds_whatever_breaks_a_line_elsewhere(office: Settings) -> None:
    """Pasted from Word or a web page; such a decision was confirmed and then passed over, so that the export went on counting."""
    write_workbook(office.raw / "l\x85.xlsx", [HEADINGS, case_row()])
    run(office)
    for character in "\u2028\u2029\x85\x0b\x1e":
        withdraw(office.staged, "l\x85.xlsx", f"xuất nhầm kỳ{character}công văn 12")
        assert [why.endswith(f"kỳ{character}công văn 12") for why in load_withdrawn(office.staged).values()] == [True]
        withdraw(office.staged, "l\x85.xlsx", "nhầm", undo=True)
        assert load_withdrawn(office.staged) == {}
