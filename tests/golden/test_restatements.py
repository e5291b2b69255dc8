"""What was published stays known, and a closed period's rate that is published otherwise later says what changed, why, and by which dossiers."""

import re
import shutil
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from conftest import HEADINGS, TARGETS, case_row, settings_in, write_reference, write_workbook

from flows.building import build_on_duckdb
from flows.history import files_on, late_on, load_days, published_days, published_folder, questions_on, record_published
from flows.landing import find_exports
from flows.manifest import make_manifest
from flows.night import list_exports, load_office
from flows.packing import pack_exports
from flows.quarantine import withdraw
from flows.reading import find_unread, read_exports
from flows.sample import write_nights
from flows.settings import ConfigurationError, Settings
from flows.staging import record_landing
from flows.warehouse import build_warehouse, checksum_tables

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]  # each publishes nights of its own

MAY = {
    "Ngày nộp hồ sơ": "15/05/2024 08:00",
    "Ngày tiếp nhận": "15/05/2024 09:00",
    "Ngày hẹn trả": "20/05/2024 17:00",
    "Ngày kết thúc xử lý": "19/05/2024 10:00",
    "Ngày trả kết quả": "20/05/2024 08:00",
}
OPEN = {"Ngày kết thúc xử lý": None, "Ngày trả kết quả": None, "Trạng thái": "Đang xử lý"}


def dossier(number: int, **changes: object) -> list[object]:
    """A dossier of Sơn Hạ in May 2024, finished in time."""
    return case_row(f"000.22.58.H48-240515-{number:04d}", **(MAY | changes))


def night_of(day: int, hour: int = 23) -> datetime:
    return datetime(2024, 6, day, hour)


def export(folder: Path, day: int, rows: list[list[object]], hour: int = 22) -> None:
    write_workbook(folder / "raw" / f"{day:02d}-{hour}.xlsx", [HEADINGS, *rows], titles=(f"Thời điểm xuất: {day:02d}/06/2024 {hour}:00",))


def build(folder: Path, as_of: datetime) -> Settings:
    """The warehouse of one moment, staged and built as a night does, neither gated nor reported."""
    settings = settings_in(folder, as_of)
    reference, exports = load_office(settings), find_exports(settings.raw, settings.limits)
    record_landing(settings.staged, exports)
    read_exports(settings, reference, find_unread(settings, reference, exports), lambda read: None)
    build_warehouse(settings.warehouse, make_manifest(settings.staged, exports, {}, as_of), reference, as_of)
    return settings


def publish(folder: Path, day: int, hour: int = 23) -> Settings:
    """As `build`, and remembered as published."""
    settings = build(folder, night_of(day, hour))
    record_published(settings.staged, settings.warehouse)
    return settings


def ask(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return rows


def on_time_of_may(settings: Settings) -> list[tuple[object, ...]]:
    return ask(
        settings,
        "SELECT restated_on, published_on, numerator_before, denominator_before, numerator, denominator, status_before, status, cause, reason_vi, cases, "
        "new_exports FROM mart.restatements WHERE measure = 'on_time' AND period_kind = 'month' AND unit_code = '000.22.58.H48'",
    )


def receptions_of_may(settings: Settings, day: int) -> list[tuple[object, ...]]:
    """(numerator, denominator before and now, cause, reason) of what that day restated, of the 8 hours in May."""
    return ask(
        settings,
        "SELECT numerator_before, denominator_before, numerator, denominator, cause, reason_vi FROM mart.restatements WHERE measure = 'received_within_8h' "
        f"AND period_kind = 'month' AND period_start = DATE '2024-05-01' AND unit_code = '000.22.58.H48' AND restated_on = DATE '2024-06-{day:02d}'",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An office of which the fourth of June was published: five dossiers of May, all in time, one still open and due on the sixth of June."""
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    export(tmp_path, 3, [*(dossier(n) for n in range(1, 6)), dossier(6, **OPEN, **{"Ngày hẹn trả": "06/06/2024 17:00"})])
    publish(tmp_path, 4)
    return tmp_path


BEFORE = (date(2024, 6, 5), date(2024, 6, 4), 5, 5)


def test_a_late_arrival_says_what_was_what_is_and_which_dossier(folder: Path) -> None:
    export(folder, 5, [dossier(7, **{"Ngày kết thúc xử lý": "25/05/2024 10:00", "Ngày trả kết quả": None, "Trạng thái": "Đã xử lý xong"})])
    settings = publish(folder, 5)
    assert on_time_of_may(settings) == [(*BEFORE, 5, 6, "met", "missed", "late_arrival", "do 1 hồ sơ đến muộn", 1, 1)]
    assert ask(
        settings,
        "SELECT case_code, counted_before, counted_now, c.cause, f.file_name, c.row_number FROM mart.restatement_cases AS c JOIN ops.files AS f USING (file_id) "
        "WHERE measure = 'on_time' AND period_kind = 'month'",
    ) == [("000.22.58.H48-240515-0007", "none", "denominator", "late_arrival", "05-22.xlsx", 4)]
    assert ask(settings, "SELECT DISTINCT exports_vi FROM mart.restatements") == [("05-22.xlsx",)]
    assert ask(settings, "SELECT count(*) FROM mart.restatements WHERE period_end > DATE '2024-06-04'") == [(0,)], "June runs on"


@pytest.mark.parametrize(
    ("rows", "now", "cause", "reason"),
    [
        ([dossier(1, **{"Ngày hẹn trả": "18/05/2024 17:00"})], (4, 5), "changed", "do 1 hồ sơ được sửa"),
        (
            [dossier(6, **{"Ngày hẹn trả": "06/06/2024 17:00", "Ngày kết thúc xử lý": "05/06/2024 10:00", "Ngày trả kết quả": None})],
            (6, 6),
            "progress",
            "do 1 hồ sơ được giải quyết, cập nhật tiếp",
        ),
        (
            [dossier(6, **{"Ngày hẹn trả": "06/06/2024 17:00", "Ngày kết thúc xử lý": "30/05/2024 10:00", "Ngày trả kết quả": None})],
            (6, 6),
            "changed",
            "do 1 hồ sơ được sửa",
        ),
        ([dossier(1, **{"Trạng thái": "Không được tiếp nhận"})], (4, 4), "changed", "do 1 hồ sơ được sửa"),
        ([dossier(1, **{"Đơn vị giải quyết": "UBND xã Sơn Thủy"})], (4, 4), "changed", "do 1 hồ sơ được sửa"),
    ],
)
def test_what_became_of_a_dossier_is_told_apart(
    folder: Path, rows: list[list[object]], now: tuple[int, int], cause: str, reason: str
) -> None:
    export(folder, 5, rows)
    [found] = on_time_of_may(publish(folder, 5))
    assert (found[:4], found[4:6], found[8:10]) == (BEFORE, now, (cause, reason))


def test_a_deadline_that_passes_is_told_as_time(folder: Path) -> None:
    publish(folder, 5)
    settings = publish(folder, 7)
    assert [row[2:6] + row[8:] for row in on_time_of_may(settings)] == [(5, 5, 5, 6, "time", "do 1 hồ sơ đến hạn theo thời gian", 1, 0)]


def test_an_alias_or_a_correction_is_told_as_tables(folder: Path) -> None:
    (folder / "reference" / "corrections.yml").write_text(
        "- {id: c, match: {case_code: 000.22.58.H48-240515-0001}, expect: {status_code: 10}, action: override, set: {due_at: 18/05/2024}, reason: nhầm}\n",
        encoding="utf-8",
    )
    [found] = on_time_of_may(publish(folder, 5))
    assert found[4:6] + found[8:] == (4, 5, "tables", "do 1 hồ sơ tính khác theo bảng tham chiếu hoặc đính chính", 1, 0)


def test_a_target_that_changes_is_told_without_dossiers(folder: Path) -> None:
    (folder / "reference" / "targets.csv").write_text(
        TARGETS.replace("on_time,commune,0.97,2024-01-01", "on_time,commune,0.97,2024-06-01"), encoding="utf-8"
    )
    found = on_time_of_may(publish(folder, 5))
    assert [row[2:] for row in found] == [(5, 5, 5, 5, "met", "no_target", "tables", "do chỉ tiêu thay đổi", 0, 0)]


def test_a_withdrawn_export_is_told_as_removed(folder: Path) -> None:
    export(folder, 5, [dossier(7)])
    settings = publish(folder, 5)
    [(file_id,)] = ask(settings, "SELECT file_id FROM ops.files WHERE file_name = '05-22.xlsx'")
    withdraw(settings.staged, str(file_id)[:12], "nạp nhầm")
    rows = on_time_of_may(publish(folder, 6))
    assert [row[2:6] + row[8:11] for row in rows if row[0] == date(2024, 6, 6)] == [
        (6, 6, 5, 5, "removed", "do 1 hồ sơ không còn, hay không còn dữ kiện, trong các tệp", 1)
    ]


def test_an_export_that_counts_again_brings_no_late_arrivals(folder: Path) -> None:
    late = {"Ngày kết thúc xử lý": "25/05/2024 10:00", "Ngày trả kết quả": None, "Trạng thái": "Đã xử lý xong"}
    export(folder, 5, [dossier(1, **{"Ngày hẹn trả": "18/05/2024 17:00"}), dossier(7, **late)])
    staged = publish(folder, 5).staged
    withdraw(staged, "05-22.xlsx", "nạp nhầm")
    publish(folder, 6)
    withdraw(staged, "05-22.xlsx", "rút nhầm", undo=True)
    export(folder, 6, [dossier(8, **late)], hour=23)
    settings = publish(folder, 7)
    told = ask(
        settings,
        "SELECT case_code, cause FROM mart.restatement_cases WHERE restated_on = DATE '2024-06-07' AND measure = 'on_time' AND period_kind = 'month'",
    )
    assert {str(code)[-4:]: cause for code, cause in told} == {
        "0001": "restored",
        "0007": "restored",
        "0008": "late_arrival",
        "0006": "time",
    }
    assert "2 hồ sơ được tính lại theo tệp dùng lại" in str([row[9] for row in on_time_of_may(settings) if row[0] == date(2024, 6, 7)])


def test_a_dossier_that_falls_back_to_an_older_export_is_told_as_removed(folder: Path) -> None:
    export(folder, 5, [dossier(1, **{"Ngày hẹn trả": "18/05/2024 17:00"})])
    settings = publish(folder, 5)
    [(file_id,)] = ask(settings, "SELECT file_id FROM ops.files WHERE file_name = '05-22.xlsx'")
    withdraw(settings.staged, str(file_id)[:12], "nạp nhầm")
    rows = on_time_of_may(publish(folder, 6))
    assert [row[2:6] + row[8:10] for row in rows if row[0] == date(2024, 6, 6)] == [
        (4, 5, 5, 5, "removed", "do 1 hồ sơ không còn, hay không còn dữ kiện, trong các tệp")
    ]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("calendar.csv", "date,is_working,note\n2024-05-20,false,nghỉ bù\n"),
        ("working_hours.csv", "from_time,to_time\n08:00,11:00\n"),
    ],
)
def test_hours_that_are_no_longer_worked_are_told_as_tables(folder: Path, table: str, text: str) -> None:
    slow = {"Ngày nộp hồ sơ": "17/05/2024 15:00", "Ngày tiếp nhận": "20/05/2024 16:00", "Ngày hẹn trả": "27/05/2024 17:00"}
    export(folder, 5, [dossier(8, **slow)])
    publish(folder, 5)
    (folder / "reference" / table).write_text(text, encoding="utf-8")
    assert receptions_of_may(publish(folder, 6), 6) == [(6, 7, 7, 7, "tables", "do 1 hồ sơ tính khác theo bảng tham chiếu hoặc đính chính")]


def test_a_list_that_comes_late_and_shows_what_was_known_changes_no_cause(folder: Path) -> None:
    """The list of the second comes on the fifth, or counts again; the same state was known from that of the third."""
    due = {"Ngày hẹn trả": "06/06/2024 17:00"}
    export(folder, 2, [dossier(1), dossier(6, **OPEN, **due)])
    export(folder, 5, [dossier(6, **due, **{"Ngày kết thúc xử lý": "05/06/2024 10:00", "Ngày trả kết quả": None})])
    (folder / "reference" / "corrections.yml").write_text(
        "- {id: c, match: {case_code: 000.22.58.H48-240515-0001}, expect: {status_code: 10}, action: override, set: {due_at: 18/05/2024}, reason: nhầm}\n",
        encoding="utf-8",
    )
    settings = publish(folder, 5)
    assert ask(
        settings,
        "SELECT case_code, cause FROM mart.restatement_cases WHERE measure = 'on_time' AND period_kind = 'month' ORDER BY case_code",
    ) == [("000.22.58.H48-240515-0001", "tables"), ("000.22.58.H48-240515-0006", "progress")]


@pytest.mark.parametrize(("listed", "cause"), [(10, "progress"), (22, "changed")])
def test_an_end_without_a_time_may_be_of_the_end_of_its_day(folder: Path, listed: int, cause: str) -> None:
    due = {"Ngày hẹn trả": "06/06/2024 17:00"}
    export(folder, 4, [dossier(6, **OPEN, **due)], hour=listed)
    export(folder, 5, [dossier(6, **due, **{"Ngày kết thúc xử lý": "04/06/2024", "Ngày trả kết quả": None})])
    [found] = on_time_of_may(publish(folder, 5))
    assert found[4:6] + found[8:9] == (6, 6, cause)


def test_a_mistyped_year_that_is_mended_takes_its_empty_periods_along(tmp_path: Path) -> None:
    """Of the months in which nobody filed anything, and which are counted no more, nothing was published that is otherwise now."""
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    export(tmp_path, 3, [dossier(1), dossier(2, **{"Ngày nộp hồ sơ": "15/05/2023 08:00"})])
    publish(tmp_path, 4)
    export(tmp_path, 5, [dossier(2)])
    settings = publish(tmp_path, 5)
    assert ask(settings, "SELECT DISTINCT unit_code, cause, reason_vi FROM mart.restatements") == [
        ("000.22.58.H48", "changed", "do 1 hồ sơ được sửa")
    ]
    assert ask(
        settings,
        "SELECT denominator_before, denominator FROM mart.restatements WHERE measure = 'received_within_8h' AND period_kind = 'year'",
    ) == [(1, None)]


def test_a_dossier_that_a_list_showed_under_an_unknown_unit_is_not_late(folder: Path) -> None:
    """The source mends the name. A row without a code is no dossier yet."""
    export(folder, 4, [dossier(8, **{"Đơn vị giải quyết": "UBND xã Bịa"}), dossier(9, **{"Mã hồ sơ": None})])
    publish(folder, 4)
    export(folder, 5, [dossier(8), dossier(9)])
    settings = publish(folder, 5)
    assert ask(settings, "SELECT DISTINCT right(case_code, 4), cause FROM mart.restatement_cases ORDER BY 1") == [
        ("0008", "changed"),
        ("0009", "late_arrival"),
    ]


def test_a_target_that_was_raised_is_told_though_a_dossier_went_on_too(folder: Path) -> None:
    """Four of five in time were enough; five of six are more, and are not enough for the target of the day after."""
    targets = folder / "reference" / "targets.csv"
    targets.write_text(TARGETS.replace("on_time,commune,0.97", "on_time,commune,0.8"), encoding="utf-8")
    export(folder, 5, [dossier(1, **{"Ngày hẹn trả": "18/05/2024 17:00"})])
    publish(folder, 5)
    targets.write_text(TARGETS, encoding="utf-8")
    export(
        folder, 6, [dossier(6, **{"Ngày hẹn trả": "06/06/2024 17:00", "Ngày kết thúc xử lý": "06/06/2024 10:00", "Ngày trả kết quả": None})]
    )
    assert [row[2:10] for row in on_time_of_may(publish(folder, 6)) if row[0] == date(2024, 6, 6)] == [
        (4, 5, 5, 6, "met", "missed", "tables", "do 1 hồ sơ được giải quyết, cập nhật tiếp, chỉ tiêu thay đổi")
    ]


WAITING = OPEN | {"Ngày tiếp nhận": None, "Ngày hẹn trả": None, "Trạng thái": "Mới đăng ký"}


@pytest.mark.parametrize(
    ("received", "now", "cause", "reason"),
    [
        ("05/06/2024 10:00", (6, 7), "progress", "do 1 hồ sơ được giải quyết, cập nhật tiếp"),
        ("04/06/2024 16:00", (6, 7), "changed", "do 1 hồ sơ được sửa"),  # after it was listed as waiting, at 17:00 of that day
    ],
)
def test_a_reception_after_the_last_list_goes_on_and_one_before_it_is_dated_back(
    tmp_path: Path, received: str, now: tuple[int, int], cause: str, reason: str
) -> None:
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    slow = {"Ngày nộp hồ sơ": "31/05/2024 16:00"}
    export(tmp_path, 3, [*(dossier(n) for n in range(1, 7)), dossier(9, **(WAITING | slow))], hour=8)
    publish(tmp_path, 3, hour=9)
    export(tmp_path, 4, [dossier(9, **(WAITING | slow))], hour=17)
    export(tmp_path, 5, [dossier(9, **(OPEN | slow | {"Ngày tiếp nhận": received, "Ngày hẹn trả": "12/06/2024 17:00"}))])
    assert receptions_of_may(publish(tmp_path, 5), 5) == [(7, 7, *now, cause, reason)]


def export_payment(folder: Path, day: int, state: str = "Đã thanh toán", number: int = 1) -> None:
    headings = (
        "Mã hồ sơ|Mã TTHC|Đơn vị|Loại phí|Số tiền|Hình thức thu|Hình thức thanh toán|Trạng thái thanh toán|Thời điểm thanh toán".split("|")
    )
    line = [
        f"000.22.58.H48-240515-{number:04d}",
        "1.001193",
        "UBND xã Sơn Hạ",
        "Lệ phí",
        "8000",
        "Thu trước",
        "Trực tuyến",
        state,
        "15/05/2024 08:30",
    ]
    write_workbook(folder / "raw" / f"phi-{day:02d}-{number}.xlsx", [headings, line], titles=(f"Thời điểm xuất: {day:02d}/06/2024 21:00",))


def causes(settings: Settings, day: int) -> set[tuple[object, ...]]:
    """(cause, reason) of what that day restated, of payments in May."""
    asked = (
        f"measure = 'payment_cases' AND period_kind = 'month' AND unit_code = '000.22.58.H48' AND restated_on = DATE '2024-06-{day:02d}'"
    )
    return set(ask(settings, f"SELECT cause, reason_vi FROM mart.restatements WHERE {asked}"))


def test_a_fee_that_is_gone_with_its_export_or_paid_back_is_no_progress(folder: Path) -> None:
    export_payment(folder, 5)
    settings = publish(folder, 5)
    assert causes(settings, 5) == {("progress", "do 1 hồ sơ được giải quyết, cập nhật tiếp")}, "it was paid"
    export_payment(folder, 6, "Hoàn phí")
    settings = publish(folder, 6)
    assert causes(settings, 6) == {("changed", "do 1 hồ sơ được sửa")}
    export_payment(folder, 7)
    settings = publish(folder, 7)
    for file_id in ask(settings, "SELECT file_id FROM ops.files WHERE file_name LIKE 'phi-%'"):
        withdraw(settings.staged, str(file_id[0])[:12], "nhầm kỳ")
    assert causes(publish(folder, 8), 8) == {("removed", "do 1 hồ sơ không còn, hay không còn dữ kiện, trong các tệp")}


def test_a_fee_that_counts_again_because_a_newer_list_was_withdrawn_is_no_progress(folder: Path) -> None:
    export_payment(folder, 5)
    publish(folder, 5)
    export_payment(folder, 6, "Hoàn phí")
    settings = publish(folder, 6)
    withdraw(settings.staged, "phi-06-1.xlsx", "nhầm kỳ")
    assert causes(publish(folder, 7), 7) == {("removed", "do 1 hồ sơ không còn, hay không còn dữ kiện, trong các tệp")}


def export_digitization(folder: Path, day: int, result: str) -> None:
    headings = "Mã hồ sơ|Số hóa thành phần hồ sơ|Số hóa kết quả|Kết quả điện tử".split("|")
    line = ["000.22.58.H48-240515-0001", "Chưa số hóa", result, "Không"]
    write_workbook(folder / "raw" / f"so-hoa-{day:02d}.xlsx", [headings, line], titles=(f"Thời điểm xuất: {day:02d}/06/2024 21:00",))


@pytest.mark.parametrize("state", ["Đã thanh toán", "Hoàn phí"])
def test_fees_and_digitization_of_an_export_that_counts_again_are_told_as_that(folder: Path, state: str) -> None:
    restored = {("restored", "do 1 hồ sơ được tính lại theo tệp dùng lại")}
    export_payment(folder, 4, "Chưa thanh toán" if state == "Đã thanh toán" else "Đã thanh toán")
    publish(folder, 4)
    export_payment(folder, 5, state)
    export_digitization(folder, 5, "Có")
    staged = publish(folder, 5).staged
    for name in ("phi-05-1.xlsx", "so-hoa-05.xlsx"):
        withdraw(staged, name, "nạp nhầm")
    publish(folder, 6)
    for name in ("phi-05-1.xlsx", "so-hoa-05.xlsx"):
        withdraw(staged, name, "rút nhầm", undo=True)
    settings = publish(folder, 7)
    assert causes(settings, 7) == restored
    digitized = "measure = 'digitized_result' AND period_kind = 'month' AND restated_on = DATE '2024-06-07'"
    assert set(ask(settings, f"SELECT cause, reason_vi FROM mart.restatements WHERE {digitized}")) == restored


def test_a_dossier_of_a_unit_that_is_gone_is_told_as_tables_though_an_export_was_withdrawn(folder: Path) -> None:
    export(folder, 5, [dossier(7)])
    staged = publish(folder, 5).staged
    withdraw(staged, "05-22.xlsx", "nạp nhầm")
    units = folder / "reference" / "units.csv"
    units.write_text("".join(line for line in units.read_text(encoding="utf-8").splitlines(True) if "Sơn Hạ" not in line), encoding="utf-8")
    told = ask(
        publish(folder, 6),
        "SELECT case_code, cause FROM mart.restatement_cases WHERE restated_on = DATE '2024-06-06' AND measure = 'on_time' AND period_kind = 'month'",
    )
    assert {str(code)[-4:]: cause for code, cause in told} == {**{f"000{n}": "tables" for n in range(1, 6)}, "0007": "removed"}


def test_a_dossier_that_a_correction_drops_is_told_as_tables(folder: Path) -> None:
    (folder / "reference" / "corrections.yml").write_text(
        "- {id: c, match: {case_code: 000.22.58.H48-240515-0001}, expect: {status_code: 10}, action: drop, reason: nhập hai lần}\n",
        encoding="utf-8",
    )
    [found] = on_time_of_may(publish(folder, 5))
    assert found[4:6] + found[8:] == (4, 4, "tables", "do 1 hồ sơ tính khác theo bảng tham chiếu hoặc đính chính", 1, 0)


def test_earlier_restatements_stay_listed_and_every_build_says_the_same(folder: Path, tmp_path: Path) -> None:
    export(folder, 5, [dossier(7)])
    publish(folder, 5)
    export(folder, 6, [dossier(8)])
    settings = publish(folder, 6)
    assert [(row[0], row[1], *row[2:6]) for row in on_time_of_may(settings)] == [
        (date(2024, 6, 6), date(2024, 6, 5), 6, 6, 7, 7),
        (*BEFORE, 6, 6),
    ]
    assert ask(
        settings, "SELECT restated_on, case_code FROM mart.restatement_cases WHERE measure = 'on_time' AND period_kind = 'month' ORDER BY 1"
    ) == [
        (date(2024, 6, 5), "000.22.58.H48-240515-0007"),
        (date(2024, 6, 6), "000.22.58.H48-240515-0008"),
    ]
    sums = checksum_tables(settings.warehouse)
    for _ in range(2):
        assert checksum_tables(publish(folder, 6).warehouse) == sums, "the day run again"
    build_on_duckdb(settings, str(settings.staged), str(tmp_path / "out"))
    assert checksum_tables(tmp_path / "out" / "tthc.duckdb") == sums, "built from staged files alone"
    assert on_time_of_may(build(folder, night_of(4))) == [], "the past knows nothing of it"


def test_what_a_day_published_can_be_asked_for(folder: Path) -> None:
    export(folder, 5, [dossier(7)])
    publish(folder, 5)
    settings = publish(folder, 6)
    asked = "SELECT denominator FROM mart.rates_published WHERE measure = 'on_time' AND period_kind = 'month' AND period_start = DATE '2024-05-01' AND unit_code = '000.22.58.H48' AND published_from <= DATE '{0}' AND coalesce(published_to > DATE '{0}', TRUE)"
    assert [ask(settings, asked.format(f"2024-06-0{day}")) for day in (4, 5, 6)] == [[(5,)], [(6,)], [(6,)]]


def test_a_lost_file_of_the_history_is_named_with_what_to_do(folder: Path) -> None:
    settings = settings_in(folder, night_of(5))
    [lost] = published_folder(settings.staged).glob("*.rates.parquet")
    lost.unlink()
    with pytest.raises(
        ConfigurationError, match=rf"ngày 04/06/2024 thiếu tệp {re.escape(lost.name)} .* 2024-06-04\.json và của mọi ngày sau"
    ):
        list_exports(settings, load_office(settings), [], {})
    (published_folder(settings.staged) / "2024-06-04.json").unlink()
    assert list_exports(settings, load_office(settings), [], {}).published == []


def test_a_day_of_which_the_next_tells_only_the_changes_is_missed(folder: Path) -> None:
    """Without the fifth nobody knows what the sixth published: it would be told as the fourth said it."""
    for day in (5, 6):
        export(folder, day, [dossier(day + 5)])
        publish(folder, day)
    settings = settings_in(folder, night_of(7))
    records = published_folder(settings.staged)
    (records / "2024-06-05.json").unlink()
    with pytest.raises(
        ConfigurationError, match=r"ngày 06/06/2024 .* tiếp ngày 05/06/2024, .* xóa bản ghi 2024-06-06\.json và của mọi ngày sau"
    ):
        list_exports(settings, load_office(settings), [], {})
    (records / "2024-06-06.json").unlink()
    assert [day.day for day in list_exports(settings, load_office(settings), [], {}).published] == [date(2024, 6, 4)]


def test_an_earlier_day_published_again_changes_no_later_one(folder: Path) -> None:
    """The fifth is published again with an export that came late; the sixth had known it, so what the sixth said stays said."""
    publish(folder, 5)
    export(folder, 6, [dossier(7)])
    publish(folder, 6)
    staged = settings_in(folder).staged
    before, days = published_state(folder, 6), load_days(staged)
    late, files, asked = late_on(staged, days), files_on(days), questions_on(days)
    assert len(files) == 2
    export(folder, 5, [dossier(8), dossier(9, **OPEN)], hour=21)
    publish(folder, 5)
    days = load_days(staged)
    assert (late_on(staged, days), files_on(days), questions_on(days)) == (late, files, asked)
    assert len(files_on(days[:-1])) == 2, "the fifth counts its own export"
    assert published_days(staged) == [date(2024, 6, day) for day in (4, 5, 6)]
    assert published_state(folder, 6) == before
    assert published_state(folder, 5) != before
    later = build(folder, night_of(7))
    assert [(row[0], *row[2:6]) for row in on_time_of_may(later)] == [
        (date(2024, 6, 7), 6, 6, 7, 9),
        (date(2024, 6, 6), 6, 7, 6, 6),
        (date(2024, 6, 5), 5, 5, 6, 7),
    ]
    assert ask(
        later,
        "SELECT case_code, cause FROM mart.restatement_cases WHERE restated_on = DATE '2024-06-07' AND measure = 'on_time' AND period_kind = 'month' ORDER BY 1",
    ) == [(f"000.22.58.H48-240515-000{number}", cause) for number, cause in ((6, "time"), (8, "late_arrival"), (9, "late_arrival"))]


def test_dossiers_found_against_a_figure_that_was_published_otherwise_afterwards_explain_nothing(folder: Path) -> None:
    """On the sixth 5 of 5 became 6 of 6 by a late dossier; the fifth is published again as 6 of 7, from which that dossier makes no 6 of 6."""
    publish(folder, 5)
    export(folder, 6, [dossier(7)])
    publish(folder, 6)
    export(folder, 5, [dossier(8), dossier(9, **OPEN)], hour=21)
    publish(folder, 5)
    later = publish(folder, 7)
    assert [row[2:6] + row[8:11] for row in on_time_of_may(later) if row[0] == date(2024, 6, 6)] == [
        (6, 7, 6, 6, "unknown", "ngày công bố ngay trước được chạy sau ngày này, nên không rõ do hồ sơ nào", 0)
    ]
    kept = "SELECT count(*) FROM mart.restatement_cases WHERE restated_on = DATE '2024-06-06' AND measure = 'on_time'"
    assert ask(later, kept) == [(0,)]


def test_dossiers_behind_a_figure_stay_known_where_the_day_before_says_the_same_again(folder: Path) -> None:
    publish(folder, 5)
    export(folder, 6, [dossier(7)])
    told = on_time_of_may(publish(folder, 6))
    publish(folder, 5)
    assert on_time_of_may(publish(folder, 7))[1:] == told


def test_a_day_published_for_the_first_time_before_one_that_stands_changes_no_later_one(folder: Path) -> None:
    """The fifth was missed and is published after the sixth, with an export that came late and is then withdrawn: what the sixth said stays said."""
    export(folder, 6, [dossier(7)])
    publish(folder, 6)
    staged = settings_in(folder).staged
    before, days = published_state(folder, 6), load_days(staged)
    late, files, asked = late_on(staged, days), files_on(days), questions_on(days)
    export(folder, 5, [dossier(8), dossier(9, **OPEN)], hour=21)
    publish(folder, 5)
    days = load_days(staged)
    assert published_days(staged) == [date(2024, 6, day) for day in (4, 5, 6)]
    assert (late_on(staged, days), files_on(days), questions_on(days)) == (late, files, asked)
    assert published_state(folder, 6) == before
    assert published_state(folder, 5) != before
    withdraw(staged, "05-21.xlsx", "gửi nhầm")
    later = {row[0]: row[1:6] for row in on_time_of_may(build(folder, night_of(7)))}
    assert later[date(2024, 6, 7)] == (date(2024, 6, 6), 6, 6, 6, 7), "from what the sixth said to the dossier due on it"


def test_what_was_gone_on_a_later_day_stays_gone_when_an_earlier_one_is_published_again(folder: Path) -> None:
    """On the sixth Sơn Thủy began only later, so that it had no rate of May; the fifth, on which nothing had changed, is published again."""
    publish(folder, 5)
    units = folder / "reference" / "units.csv"
    text = units.read_text(encoding="utf-8")
    units.write_text(text.replace("xã Sơn Thủy,2003-01-01", "xã Sơn Thủy,2024-06-02"), encoding="utf-8")
    publish(folder, 6)
    units.write_text(text, encoding="utf-8")
    before, told = published_state(folder, 6), gone_on_the_sixth(folder)
    assert told
    publish(folder, 5)
    assert published_state(folder, 6) == before
    assert gone_on_the_sixth(folder) == told


def gone_on_the_sixth(folder: Path) -> list[tuple[object, ...]]:
    """Rates that the sixth no longer had."""
    sql = "SELECT measure, unit_code, period_start FROM mart.restatements WHERE restated_on = DATE '2024-06-06' AND numerator IS NULL ORDER BY ALL"
    return ask(build(folder, night_of(7)), sql)


def published_state(folder: Path, day: int) -> list[tuple[object, ...]]:
    """What the history says a day published."""
    settings = build(folder, night_of(day) + timedelta(days=1))
    when = f"DATE '2024-06-{day:02d}'"
    return ask(
        settings,
        "SELECT measure, period_kind, period_start, unit_code, numerator, denominator, status FROM mart.rates_published "
        f"WHERE published_from <= {when} AND coalesce(published_to > {when}, TRUE) ORDER BY ALL",
    )


def test_what_the_past_says_now_differs_from_what_it_published_by_the_restatements(tmp_path: Path) -> None:
    """Over a weekend, when nothing happens, one commune's list arrives a day late: the day before, built again, differs by what is restated and nothing else."""
    nights = write_nights(tmp_path / "made", nights=38, cases=400, seed=5)
    saturday, sunday = datetime(2024, 4, 6, 23, 30), datetime(2024, 4, 7, 23, 30)
    heading, *rows = (nights.raw / "DanhSachHoSo_20240406230000.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    commune = "UBND xã Sơn Thủy"
    shutil.copytree(nights.reference, tmp_path / "reference")
    raw = tmp_path / "raw"
    raw.mkdir()
    late, known = ([heading, *(row for row in rows if (commune in row) is is_late)] for is_late in (True, False))
    assert len(late) > 10
    (raw / "A_20240406230000.csv").write_text("".join(known), encoding="utf-8-sig")
    then = build(tmp_path, saturday)
    record_published(then.staged, then.warehouse)
    published = rates_of(then)
    (raw / "B_20240406230000.csv").write_text("".join(late), encoding="utf-8-sig")
    restated = ask(
        build(tmp_path, sunday),
        "SELECT measure, period_kind, period_start, unit_code, numerator_before, denominator_before, status_before, numerator, denominator, status, cause "
        "FROM mart.restatements",
    )
    again = rates_of(build(tmp_path, saturday))
    assert again.keys() == published.keys()
    differing = {
        (*key[:4], *published[key], *again[key]) for key in again if again[key] != published[key] and str(key[4]) <= f"{saturday:%Y-%m-%d}"
    }
    assert len(differing) > 8
    assert {row[3] for row in differing} == {"000.32.58.H48"}
    assert {row[:-1] for row in restated} == differing
    assert {row[-1] for row in restated} == {"late_arrival"}


def rates_of(settings: Settings) -> dict[tuple[object, ...], tuple[object, ...]]:
    found = ask(
        settings, "SELECT measure, period_kind, period_start, unit_code, period_end, numerator, denominator, status FROM mart.unit_rates"
    )
    return {row[:5]: row[5:] for row in found}


@pytest.mark.slow
def test_a_night_on_which_nothing_happened_costs_less_than_a_hundredth_of_the_first(tmp_path: Path) -> None:
    """Everything a night leaves beside the warehouse: what is staged, packed and remembered as published."""
    nights = write_nights(tmp_path / "made", nights=8, cases=20_000, seed=6)
    shutil.copytree(nights.reference, tmp_path / "reference")
    (tmp_path / "raw").mkdir()
    sizes = [0]
    for day in range(8, 11):  # Friday's list, made again over the weekend
        shutil.copy(nights.raw / "DanhSachHoSo_20240308230000.csv", tmp_path / "raw" / f"DanhSachHoSo_202403{day:02d}230000.csv")
        with (tmp_path / "raw" / f"DanhSachHoSo_202403{day:02d}230000.csv").open("ab") as stream:
            stream.write(b"\r\n" * (day - 8))  # the same rows in other bytes
        settings = build(tmp_path, datetime(2024, 3, day, 23, 30))
        record_published(settings.staged, settings.warehouse)
        reference = load_office(settings)
        pack_exports(make_manifest(settings.staged, find_exports(settings.raw, settings.limits), {}, settings.as_of), reference.lists.kinds)
        sizes.append(sum(path.stat().st_size for path in settings.staged.rglob("*") if path.is_file()))
    first, *others = (after - before for before, after in pairwise(sizes))
    print(f"first night {first} bytes, then {others}")
    assert all(grown < first / 100 for grown in others)


TABLES = {("tables", "do 1 hồ sơ tính khác theo bảng tham chiếu hoặc đính chính")}


def test_a_fee_that_a_correction_changes_is_told_as_tables_though_a_list_came_too(folder: Path) -> None:
    export_payment(folder, 5)
    publish(folder, 5)
    (folder / "reference" / "corrections.yml").write_text(
        "- {id: c, table: payments, match: {case_code: 000.22.58.H48-240515-0001}, expect: {amount: 8000}, action: override, set: {amount: 0}, reason: nhầm}\n",
        encoding="utf-8",
    )
    export_payment(folder, 6)
    assert causes(publish(folder, 6), 6) == TABLES


def test_a_fee_of_a_word_that_is_learned_and_forgotten_is_told_as_tables(folder: Path) -> None:
    export_payment(folder, 5, "Trả rồi")
    publish(folder, 5)
    words = folder / "reference" / "words.csv"
    words.write_text("domain,value,word\npayment_state,paid,Trả rồi\n", encoding="utf-8")
    assert causes(publish(folder, 6), 6) == TABLES
    words.unlink()
    export_payment(folder, 7, "Trả rồi")
    assert causes(publish(folder, 7), 7) == TABLES


def test_a_dossier_of_a_name_that_units_no_longer_bear_is_told_as_tables(folder: Path) -> None:
    export(folder, 5, [dossier(7, **{"Đơn vị giải quyết": "xã Sơn Hạ"})])
    publish(folder, 5)
    units = folder / "reference" / "units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("xã Sơn Hạ;", ""), encoding="utf-8")
    rows = on_time_of_may(publish(folder, 6))
    assert [row[2:6] + row[8:10] for row in rows if row[0] == date(2024, 6, 6)] == [
        (6, 6, 5, 5, "tables", "do 1 hồ sơ tính khác theo bảng tham chiếu hoặc đính chính")
    ]


def test_a_dossier_that_counts_for_another_procedure_is_found_behind_the_rate(folder: Path) -> None:
    export_payment(folder, 5)
    export_payment(folder, 5, number=2)
    publish(folder, 5)
    export(folder, 6, [dossier(1, **{"Mã TTHC": "1.009999"})])
    settings = publish(folder, 6)
    asked = "measure = 'payment_procedures' AND period_kind = 'month' AND restated_on = DATE '2024-06-06'"
    assert ask(settings, f"SELECT case_code, counted_before, counted_now FROM mart.restatement_cases WHERE {asked}") == [
        ("000.22.58.H48-240515-0001", "numerator", "numerator")
    ]
    assert ask(settings, f"SELECT denominator_before, denominator, cause FROM mart.restatements WHERE {asked}") == [(1, 2, "changed")]
