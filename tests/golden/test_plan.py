"""The year plan and the tasks given from above, as an official could check them: small exports in, one line each out."""

import csv
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest
from conftest import HEADINGS, TARGETS, case_row, settings_in, write_reference, write_workbook

from flows import cli
from flows.night import NightResult, run_night
from flows.plan_template import ANSWERS, HEADING_ROW, SENT_CELL, write_template
from flows.reference import load_reference
from flows.settings import ConfigurationError, Settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]

SHIPPED = Path(__file__).parents[2] / "data" / "reference"
CALENDAR = (SHIPPED / "calendar.csv").read_text(encoding="utf-8")
PLAN_HEAD = "criterion,name_vi,lead_unit,partner_units,deadline,target,source,measure\n"
PLAN = (
    PLAN_HEAD
    + """1.7,Nhiệm vụ được giao,Văn phòng HĐND và UBND,,2024-12-31,100% nhiệm vụ đúng hạn,tasks,tasks_on_time
2,Cải cách thể chế,Phòng Tư pháp,UBND cấp xã,2024-12-31,Hoàn thành kế hoạch,plan_progress,
3.4.2,Hồ sơ cấp xã đúng hạn,"UBND các xã, phường và đặc khu",,2024-12-31,97%,exports,on_time
7.3.5,Trực tuyến toàn trình,các phòng chuyên môn; UBND cấp xã,,2024-12-31,100%; chờ không quá 8 giờ,exports,online_full
III.2,Kế hoạch của đơn vị,"các cơ quan đơn vị; UBND các xã, phường, thị trấn",Phòng Nội vụ,2024-09-30,Đã gửi,plan_progress,
"""
)
TASK_HEADINGS = (
    "STT|Số nhiệm vụ|Nội dung nhiệm vụ|Đơn vị chủ trì|Ngày giao|Hạn hoàn thành|Gia hạn đến|Ngày xin gia hạn|Ngày hoàn thành|Trạng thái|Ghi chú"
).split("|")
REPORT_HEADINGS = "Mã tiêu chí|Đơn vị báo cáo|Ngày báo cáo|Kết quả thực hiện|Tỷ lệ hoàn thành (%)|Trạng thái|Ghi chú".split("|")


def table(text: str) -> list[list[str]]:
    """A pipe-table's rows as cells."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def show(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return rows


def task_row(number: str, **changes: str) -> list[object]:
    row = dict.fromkeys(TASK_HEADINGS, "")
    row |= {"Số nhiệm vụ": number, "Nội dung nhiệm vụ": "Rà soát thủ tục", "Đơn vị chủ trì": "Phòng Tư pháp", "Ngày giao": "05/01/2024"}
    row |= {"Hạn hoàn thành": "28/06/2024", "Trạng thái": "Đang thực hiện"}
    return [cell or None for cell in (row | changes).values()]


def write_tasks(settings: Settings, rows: list[list[object]], name: str = "nhiem_vu.xlsx", at: str = "28/06/2024 08:00") -> Path:
    return write_workbook(settings.raw / name, [list(TASK_HEADINGS), *rows], titles=(f"Thời điểm xuất: {at}",))


def write_reports(settings: Settings, text: str, name: str = "bao_cao.xlsx", at: str = "20/06/2024 08:00") -> Path:
    rows: list[list[object]] = [[cell or None for cell in row] for row in table(text)]
    return write_workbook(settings.raw / name, [list(REPORT_HEADINGS), *rows], titles=(f"Thời điểm xuất: {at}",))


@pytest.fixture
def planned(tmp_path: Path) -> Settings:
    """An office with a plan, a calendar and one dossier of Sơn Hạ, finished on time; the date is Friday 28/06/2024, 10:00."""
    (tmp_path / "raw").mkdir()
    folder = write_reference(tmp_path / "reference")
    (folder / "plan.csv").write_text(PLAN, encoding="utf-8")
    (folder / "calendar.csv").write_text(CALENDAR, encoding="utf-8")
    settings = settings_in(tmp_path, datetime(2024, 6, 28, 10))
    write_workbook(settings.raw / "ho_so.xlsx", [HEADINGS, case_row()], titles=("Thời điểm xuất: 28/06/2024 07:00",))
    return settings


def run_at(settings: Settings, as_of: datetime) -> NightResult:
    result = run_night(replace(settings, as_of=as_of))
    assert result.is_published, [check for check in result.checks if not check.is_passed]
    return result


def statuses(settings: Settings) -> dict[object, object]:
    return dict(show(settings, "SELECT criterion, status FROM mart.plan"))  # type: ignore[arg-type]


# Each case: cells of the task, its state, the deadline in force, how the extension was asked, working days left.
TASKS = """
finished on the day                  | 28/06/2024 |            |            | 28/06/2024 | Đã hoàn thành  | on_time   | 2024-06-28 | none    |
finished the day after               | 28/06/2024 |            |            | 29/06/2024 | Đã hoàn thành  | late      | 2024-06-28 | none    |
due today                            | 28/06/2024 |            |            |            | Đang thực hiện | due_soon  | 2024-06-28 | none    | 0
due yesterday                        | 27/06/2024 |            |            |            | Đang thực hiện | overdue   | 2024-06-27 | none    |
not begun, due yesterday             | 27/06/2024 |            |            |            | Chưa thực hiện | overdue   | 2024-06-27 | none    |
five working days over a weekend     | 05/07/2024 |            |            |            | Đang thực hiện | due_soon  | 2024-07-05 | none    | 5
Sunday after five working days       | 07/07/2024 |            |            |            | Đang thực hiện | due_soon  | 2024-07-07 | none    | 5
six working days                     | 08/07/2024 |            |            |            | Đang thực hiện | open      | 2024-07-08 | none    | 6
asked on the day of the old deadline | 20/06/2024 | 31/07/2024 | 20/06/2024 |            | Đang thực hiện | open      | 2024-07-31 | before  | 23
asked the day after                  | 20/06/2024 | 31/07/2024 | 21/06/2024 |            | Đang thực hiện | overdue   | 2024-06-20 | after   |
asked in time, finished by the new   | 20/05/2024 | 20/06/2024 | 15/05/2024 | 20/06/2024 | Đã hoàn thành  | on_time   | 2024-06-20 | before  |
asked too late, finished by the new  | 20/05/2024 | 20/06/2024 | 21/05/2024 | 20/06/2024 | Đã hoàn thành  | late      | 2024-05-20 | after   |
extended, request without a date     | 20/06/2024 | 31/07/2024 |            |            | Đang thực hiện | overdue   | 2024-06-20 | undated |
asked, not granted                   | 20/06/2024 |            | 15/06/2024 |            | Đang thực hiện | overdue   | 2024-06-20 | before  |
an extension shortens nothing        | 20/06/2024 | 10/06/2024 | 01/06/2024 | 18/06/2024 | Đã hoàn thành  | on_time   | 2024-06-20 | before  |
done without a date                  | 20/06/2024 |            |            |            | Đã hoàn thành  | undated   | 2024-06-20 | none    |
a date, but not said to be done      | 20/06/2024 |            |            | 18/06/2024 | Đang thực hiện | overdue   | 2024-06-20 | none    |
no state, but a date                 | 20/06/2024 |            |            | 18/06/2024 |                | on_time   | 2024-06-20 | none    |
cancelled                            | 20/06/2024 |            |            |            | Hủy            | cancelled | 2024-06-20 | none    |
no deadline                          |            |            |            |            | Đang thực hiện | open      |            | none    |
"""
_COUNTED = 18  # all but the one cancelled and the one without deadline
_ON_TIME = 9


def test_every_state_of_a_task(planned: Settings) -> None:
    cases = table(TASKS)
    rows = []
    for number, (shows, due, extended, asked, finished, state, *_) in enumerate(cases, 1):
        changes = {"Hạn hoàn thành": due, "Gia hạn đến": extended, "Ngày xin gia hạn": asked, "Ngày hoàn thành": finished}
        rows.append(task_row(f"{number}/NV-UBND", **changes, **{"Trạng thái": state, "Nội dung nhiệm vụ": shows}))
    write_tasks(planned, rows)
    run_at(planned, planned.as_of)
    found = {
        row[0]: [*row[1:]]
        for row in show(
            planned,
            "SELECT content_vi, state, coalesce(CAST(due_in_force_on AS VARCHAR), ''), extension_asked, coalesce(CAST(working_days_left AS VARCHAR), '') "
            "FROM mart.task_status",
        )
    }
    assert found == {case[0]: case[6:] for case in cases}
    assert show(planned, "SELECT numerator, denominator, actual, status FROM mart.plan WHERE criterion = '1.7'") == [
        (_ON_TIME, _COUNTED, "50 % (9 trên 18)", "at_risk")
    ]


def test_a_task_of_which_only_the_extension_is_dated_counts_in_the_year_of_its_deadline(planned: Settings) -> None:
    extended = {"Ngày giao": "", "Hạn hoàn thành": "", "Ngày xin gia hạn": "10/05/2024"}
    write_tasks(
        planned,
        [task_row(f"{number}/NV-UBND", **extended, **{"Gia hạn đến": day}) for number, day in enumerate(("20/06/2024", "31/07/2024"), 1)],
    )
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT state, is_counted, task_year FROM mart.task_status ORDER BY task_no") == [
        ("overdue", True, 2024),
        ("open", True, 2024),
    ]
    assert show(planned, "SELECT numerator, denominator FROM mart.plan WHERE criterion = '1.7'") == [(1, 2)]


@pytest.mark.parametrize(
    ("as_of", "due", "state", "left"),
    [
        # from Monday 05/02: 6, 7, Tết from the 8th to the 14th, 15, 16, the weekend, 19
        (datetime(2024, 2, 5, 16), "14/02/2024", "due_soon", 2),
        (datetime(2024, 2, 5, 16), "19/02/2024", "due_soon", 5),
        (datetime(2024, 2, 5, 16), "20/02/2024", "open", 6),
        # from Friday 27/12: 30, 31, New Year, 2, 3, the weekend, 6
        (datetime(2024, 12, 27, 9), "06/01/2025", "due_soon", 5),
        (datetime(2024, 12, 27, 9), "07/01/2025", "open", 6),
    ],
)
def test_holidays_are_no_working_days(planned: Settings, as_of: datetime, due: str, state: str, left: int) -> None:
    at = as_of.strftime("%d/%m/%Y 08:00")
    write_tasks(planned, [task_row("1/NV", **{"Hạn hoàn thành": due})], at=at)
    write_workbook(planned.raw / "ho_so.xlsx", [HEADINGS, case_row()], titles=(f"Thời điểm xuất: {at}",))
    run_at(planned, as_of)
    assert show(planned, "SELECT state, working_days_left FROM mart.task_status") == [(state, left)]


def test_the_newest_export_of_a_number_wins_whole_and_one_number_may_bind_several_units_and_tasks(planned: Settings) -> None:
    """Sơn Hạ has two tasks under one number, the first of them overdue, and the list shows the second twice."""
    old = [task_row("1/NV"), task_row("1/NV", **{"Đơn vị chủ trì": "UBND xã Sơn Hạ"}), task_row("2/NV")]
    write_tasks(planned, old, "cu.xlsx", "01/06/2024 08:00")
    overdue = {"Đơn vị chủ trì": "xã Sơn Hạ", "Nội dung nhiệm vụ": "Báo cáo kết quả rà soát", "Hạn hoàn thành": "14/06/2024"}
    new = [task_row("1/NV", **{"Đơn vị chủ trì": unit}) for unit in ("UBND xã Sơn Thuỷ", "xã Sơn Hạ", "xã Sơn Hạ")]
    new.insert(1, task_row("1/NV", **overdue))
    write_tasks(planned, new, "moi.xlsx", "20/06/2024 08:00")
    write_tasks(
        planned, [task_row("1/NV", **{"Ngày giao": "06/01/2023", "Hạn hoàn thành": "30/06/2023"})], "nam_truoc.xlsx", "01/07/2023 08:00"
    )
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT task_year, task_no, unit_name, state FROM mart.task_status ORDER BY ALL") == [
        (2023, "1/NV", "Phòng Tư pháp huyện Sơn Hà", "overdue"),
        (2024, "1/NV", "UBND xã Sơn Hạ", "due_soon"),
        (2024, "1/NV", "UBND xã Sơn Hạ", "overdue"),
        (2024, "1/NV", "UBND xã Sơn Thủy", "due_soon"),
        (2024, "2/NV", "Phòng Tư pháp huyện Sơn Hà", "due_soon"),
    ]
    assert show(planned, "SELECT numerator, denominator FROM mart.plan WHERE criterion = '1.7'") == [(3, 4)]


def test_a_number_merged_over_several_units_binds_each_of_them(planned: Settings) -> None:
    """Number, content and day are merged over three rows; the fourth row is the second line of the third unit, without a unit of its own."""
    rows = [
        task_row("1/NV"),
        *(task_row("", **{"Đơn vị chủ trì": unit}) for unit in ("xã Sơn Hạ", "xã Sơn Thủy")),
        [None] * 11,
        task_row("2/NV"),
    ]
    for row in rows[1:3]:
        row[2] = row[4] = None
    book = openpyxl.load_workbook(write_tasks(planned, rows))
    sheet = book.worksheets[0]
    for cells in ("B4:B7", "C4:C7", "E4:E7", "D6:D7"):
        sheet.merge_cells(cells)
    book.save(planned.raw / "nhiem_vu.xlsx")
    write_reports(
        planned, "III.2 | xã Sơn Hạ | 10/06/2024 | Gửi | | Đã hoàn thành | \n | xã Sơn Thủy | 10/06/2024 | Gửi | | Đã hoàn thành | "
    )
    book = openpyxl.load_workbook(planned.raw / "bao_cao.xlsx")
    book.worksheets[0].merge_cells("A4:A5")
    book.save(planned.raw / "bao_cao.xlsx")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT reason FROM ops.rejects") == []
    assert show(planned, "SELECT task_no, unit_name, content_vi, CAST(assigned_on AS VARCHAR) FROM mart.task_status ORDER BY ALL") == [
        ("1/NV", "Phòng Tư pháp huyện Sơn Hà", "Rà soát thủ tục", "2024-01-05"),
        ("1/NV", "UBND xã Sơn Hạ", "Rà soát thủ tục", "2024-01-05"),
        ("1/NV", "UBND xã Sơn Thủy", "Rà soát thủ tục", "2024-01-05"),
        ("2/NV", "Phòng Tư pháp huyện Sơn Hà", "Rà soát thủ tục", "2024-01-05"),
    ]
    assert show(planned, "SELECT numerator FROM mart.plan WHERE criterion = 'III.2'") == [(2,)]


def test_rows_that_cannot_be_used_are_refused_with_a_reason_and_nothing_vanishes(planned: Settings) -> None:
    wrong = [
        task_row(""),
        task_row("2/NV", **{"Đơn vị chủ trì": "Phòng Lạ"}),
        task_row("3/NV", **{"Đơn vị chủ trì": ""}),
        task_row("4/NV", **{"Hạn hoàn thành": "31/06/2024"}),
        task_row("5/NV", **{"Trạng thái": "Xong rồi"}),
        task_row("6/NV"),
    ]
    write_tasks(planned, wrong)
    write_reports(
        planned,
        """
           |               | 19/06/2024 | Đang làm | 10    | Đang thực hiện |
        2  | Phòng Lạ      | 19/06/2024 | Đang làm | 10    | Đang thực hiện |
        2  | Phòng Tư pháp | 31/06/2024 | Đang làm | 10    | Đang thực hiện |
        2  | Phòng Tư pháp | 19/06/2024 | Đang làm | 0.975 | Đang thực hiện |
        2  | Phòng Tư pháp | 19/06/2024 | Đang làm | nửa   | Đang thực hiện |
        2  | Phòng Tư pháp | 19/06/2024 | Đang làm | 10    | Gần xong       |
        """,
    )
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT file_name, reason FROM ops.rejects ORDER BY file_name, row_number") == [
        *(("bao_cao.xlsx", r) for r in ("missing_case_code", "unknown_unit", "bad_date", "bad_number", "bad_number", "unknown_status")),
        *(("nhiem_vu.xlsx", r) for r in ("missing_case_code", "unknown_unit", "unknown_unit", "bad_date", "unknown_status")),
    ]
    assert show(planned, "SELECT file_name, kind, rows_data, rows_loaded FROM ops.files WHERE kind <> 'cases' ORDER BY 1") == [
        ("bao_cao.xlsx", "plan_progress", 6, 0),
        ("nhiem_vu.xlsx", "tasks", 6, 1),
    ]


# Without reports and tasks; the office's four units: one department, two communes, the district.
def test_every_line_of_the_shipped_plan_once_and_nothing_reported_is_never_done(planned: Settings) -> None:
    shipped = (SHIPPED / "plan.csv").read_text(encoding="utf-8")
    (planned.reference / "plan.csv").write_text(shipped, encoding="utf-8")
    lines = list(csv.DictReader(shipped.splitlines()))
    for as_of in (planned.as_of, datetime(2024, 12, 31, 23), datetime(2025, 2, 1, 8)):
        run_at(planned, as_of)
        found = show(planned, "SELECT criterion, source, status, status_vi, actual FROM mart.plan ORDER BY line_number")
        assert [row[0] for row in found] == [line["criterion"] for line in lines]
        reported = [row[2:] for row in found if row[1] == "plan_progress"]
        assert len(reported) == sum(line["source"] == "plan_progress" for line in lines) == 14
        assert set(reported) == {("no_report", "Chưa có báo cáo", None)}


def test_measured_lines_before_and_after_the_deadline(planned: Settings) -> None:
    late = case_row("000.22.58.H48-240215-0008", **{"Ngày kết thúc xử lý": "21/02/2024 10:00", "Hình thức tiếp nhận": "Trực tiếp"})
    rows = [HEADINGS, case_row(), late]
    write_workbook(planned.raw / "ho_so.xlsx", rows, titles=("Thời điểm xuất: 28/06/2024 07:00",))
    # beside the communes' own target of the year, one of another level and an older one, both in force at the deadline
    others = "7.3.5,received_within_8h,district_department,0.5,2024-01-01,\n7.3.5,received_within_8h,commune,0.4,2023-01-01,\n"
    write_reference(planned.reference, targets=TARGETS + others)
    sql = "SELECT criterion, numerator, denominator, actual, status, units_measured, units_missed, worst_unit_name FROM mart.plan WHERE source = 'exports'"
    for as_of, on_time, online in (
        (planned.as_of, "at_risk", "at_risk"),
        (datetime(2024, 12, 31, 23), "at_risk", "at_risk"),  # the deadline's own day is not past it
        (datetime(2025, 1, 1, 0), "missed", "missed"),
    ):
        run_at(planned, as_of)
        assert show(planned, sql) == [
            ("3.4.2", 1, 2, "50 % (1 trên 2)", on_time, 1, 1, "UBND xã Sơn Hạ"),
            ("7.3.5", 1, 2, "50 % (1 trên 2)", online, 1, 1, "UBND xã Sơn Hạ"),
        ]
    write_workbook(planned.raw / "ho_so.xlsx", [HEADINGS, case_row()], titles=("Thời điểm xuất: 29/06/2024 07:00",))
    (planned.raw / "ho_so.xlsx").rename(planned.raw / "chi_mot.xlsx")
    fresh = replace(planned, warehouse=planned.warehouse.with_name("fresh.duckdb"))
    run_at(fresh, datetime(2024, 12, 31, 23))
    assert show(fresh, "SELECT actual, status FROM mart.plan WHERE criterion = '3.4.2'") == [("100 % (1 trên 1)", "on_track")]
    departments = '8.{},Của sở,"các sở, ban, ngành",,2024-12-31,97%,{}\n'
    plan = PLAN + departments.format(1, "exports,on_time") + departments.format(2, "plan_progress,")
    (planned.reference / "plan.csv").write_text(plan, encoding="utf-8")
    run_at(fresh, datetime(2025, 1, 1, 0))
    assert show(fresh, "SELECT actual, status, status_vi FROM mart.plan WHERE criterion = '3.4.2'") == [
        ("100 % (1 trên 1)", "done", "Hoàn thành")
    ]
    assert statuses(fresh)["1.7"] == "no_report"
    [(old,)] = show(
        fresh,
        "SELECT count(*) FROM mart.unit_rates WHERE is_stale AND measure = 'on_time' AND level = 'commune' AND period_kind = 'year' AND period_start = DATE '2024-01-01'",
    )
    assert old
    vacant = show(
        fresh, "SELECT criterion, status FROM mart.plan WHERE note_vi LIKE 'Không đơn vị nào trong units.csv thuộc cấp chủ trì%' ORDER BY 1"
    )
    assert vacant == [("8.1", "no_report"), ("8.2", "no_report")], "there is no department of the province in units.csv"
    assert show(fresh, "SELECT note_vi FROM mart.plan WHERE criterion = '3.4.2'") == [
        (f"Số liệu của {old} đơn vị đã cũ, chưa đủ để kết luận",)
    ], "done by a list of June"
    [(told,)] = show(fresh, "SELECT note_vi FROM mart.plan WHERE criterion = '7.3.5'")
    assert str(told).endswith("; Hồ sơ trực tuyến được tiếp nhận trong 8 giờ làm việc: 1 trên 1, đạt chỉ tiêu 100 %")


# Criterion 2, led by Phòng Tư pháp, deadline 31/12/2024: reports, the date, what the plan says.
REPORTS = """
Phòng Tư pháp  | 19/06/2024 | Đã ban hành 2 văn bản | 34.5%  | Đang thực hiện | 2024-06-28 | on_track  | Đã ban hành 2 văn bản
Phòng Tư pháp  | 19/06/2024 |                       | 97,5 % | Chưa thực hiện | 2024-06-28 | on_track  | Chưa thực hiện
               | 19/06/2024 | Xong                  | 100    | Đã hoàn thành  | 2024-06-28 | done      | Xong
Phòng Tư pháp  | 19/06/2024 | Xong                  | 60     | Đã hoàn thành  | 2025-02-01 | done      | Xong
UBND xã Sơn Hạ | 19/06/2024 | Xong phần xã          | 100    | Đã hoàn thành  | 2024-06-28 | no_report |
Phòng Tư pháp  | 19/06/2024 | Đang làm              | 97,5   | Đang thực hiện | 2024-08-18 | on_track  | Đang làm
Phòng Tư pháp  | 19/06/2024 | Đang làm              | 97,5   | Đang thực hiện | 2024-08-19 | at_risk   | Đang làm
Phòng Tư pháp  | 25/11/2024 | Đang làm              | 79,99  | Đang thực hiện | 2024-11-30 | on_track  | Đang làm
Phòng Tư pháp  | 25/11/2024 | Đang làm              | 79,99  | Đang thực hiện | 2024-12-01 | at_risk   | Đang làm
Phòng Tư pháp  | 25/11/2024 | Đang làm              | 80     | Đang thực hiện | 2024-12-01 | on_track  | Đang làm
Phòng Tư pháp  | 25/11/2024 | Đang làm              |        | Đang thực hiện | 2024-12-31 | at_risk   | Đang làm
Phòng Tư pháp  | 25/11/2024 | Đang làm              | 99     | Đang thực hiện | 2025-01-01 | overdue   | Đang làm
"""


@pytest.mark.parametrize("case", table(REPORTS), ids=lambda case: f"{case[5]} {case[3]} {case[6]}")
def test_a_reported_line(planned: Settings, case: list[str]) -> None:
    unit, reported, result, percent, state, as_of, status, actual = case
    write_reports(planned, f"2 | {unit} | {reported} | {result} | {percent} | {state} | ", at=f"{reported} 08:00")
    write_workbook(planned.raw / "ho_so.xlsx", [HEADINGS, case_row()], titles=("Thời điểm xuất: 18/06/2024 07:00",))
    run_at(planned, datetime.fromisoformat(as_of) + timedelta(hours=10))
    assert show(planned, "SELECT status, actual FROM mart.plan WHERE criterion = '2'") == [(status, actual or None)]


def test_a_newer_report_replaces_an_older_one_and_an_empty_line_replaces_nothing(planned: Settings) -> None:
    write_reports(planned, "2 | Phòng Tư pháp | 01/06/2024 | Xong | 100 | Đã hoàn thành | ", "1.xlsx", "02/06/2024 08:00")
    write_reports(planned, "2 | Phòng Tư pháp | | | | | \n III.2 | xã Sơn Hạ | 10/06/2024 | Gửi | | Đã hoàn thành | ", "2.xlsx")
    run_at(planned, planned.as_of)
    assert statuses(planned)["2"] == "done"
    write_reports(planned, "2 | Phòng Tư pháp | 21/06/2024 | Làm lại | 40 | Đang thực hiện | ", "3.xlsx", "22/06/2024 08:00")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT status, actual, actual_rate, CAST(last_report_on AS VARCHAR) FROM mart.plan WHERE criterion = '2'") == [
        ("on_track", "Làm lại", 0.4, "2024-06-21")
    ]


def test_a_report_of_an_earlier_year_does_not_answer_this_years_line(planned: Settings) -> None:
    """Criteria keep their codes from year to year. A report that comes after New Year still speaks for the year before, as long as its plan stands."""
    done = "2 | Phòng Tư pháp | {day} | {result} | 100 | Đã hoàn thành | \n III.2 | xã Sơn Hạ | {day} | {result} | | Đã hoàn thành | "
    write_reports(planned, done.format(day="20/12/2024", result="Xong năm 2024"), "2024.xlsx", "20/12/2024 08:00")
    write_reports(planned, done.format(day="31/12/2024", result="Gửi muộn"), "muon.xlsx", "05/01/2025 08:00")
    sql = "SELECT criterion, status, actual, units_measured FROM mart.plan WHERE source = 'plan_progress' ORDER BY line_number"
    run_at(planned, datetime(2025, 1, 15, 10))
    assert show(planned, sql) == [("2", "done", "Gửi muộn", None), ("III.2", "overdue", "1 trên 3 đơn vị báo cáo đã hoàn thành", 1)]
    (planned.reference / "plan.csv").write_text(PLAN.replace("2024-", "2025-"), encoding="utf-8")
    result = run_at(planned, datetime(2025, 1, 15, 10))
    assert show(planned, sql) == [("2", "no_report", None, None), ("III.2", "no_report", None, 0)]
    found = {check.name: check.found for check in result.checks}
    assert found["plan_report_of_earlier_year"] == 2, "sent this year, dated in the year before: told, for its date may be a slip"
    write_reports(planned, "2 | Phòng Tư pháp | 01/01/2025 | Mới bắt đầu | 5 | Đang thực hiện | ", "2025.xlsx", "04/01/2025 08:00")
    run_at(planned, datetime(2025, 1, 15, 10))
    assert show(planned, sql)[0] == ("2", "on_track", "Mới bắt đầu", None), (
        "a report of the year stands, whatever is sent in later of the year before"
    )


def test_a_report_answers_the_plan_whose_deadline_it_names(planned: Settings) -> None:
    """A form of last year's plan, filled and dated after New Year, is no report on this year's; nor is one of next year's plan on this year's."""
    headings = [*REPORT_HEADINGS, "Thời hạn"]

    def write(name: str, at: str, *row: object) -> None:
        write_workbook(planned.raw / name, [headings, list(row)], titles=(f"Thời điểm xuất: {at}",))

    sql = "SELECT status, actual FROM mart.plan WHERE criterion = '2'"
    late: tuple[object, ...] = ("2", "Phòng Tư pháp", "10/01/2025", "Xong năm 2024", 100, "Đã hoàn thành", None)
    assert len(late) == len(REPORT_HEADINGS)
    write("muon.xlsx", "10/01/2025 08:00", *late, "31/12/2024")
    run_at(planned, datetime(2025, 1, 15, 10))
    assert show(planned, sql) == [("done", "Xong năm 2024")], "last year's plan still stands"
    (planned.reference / "plan.csv").write_text(PLAN.replace("2024-", "2025-"), encoding="utf-8")
    result = run_at(planned, datetime(2025, 1, 15, 10))
    assert show(planned, sql) == [("no_report", None)]
    assert {check.name: check.found for check in result.checks}["plan_report_of_earlier_year"] == 1
    write("som.xlsx", "20/01/2025 08:00", "2", "Phòng Tư pháp", "28/12/2024", "Đã lập kế hoạch", 5, "Đang thực hiện", None, "cuối năm 2025")
    write("sau.xlsx", "21/01/2025 08:00", "2", "Phòng Tư pháp", "21/01/2025", "Chưa đến", 0, "Chưa thực hiện", None, "Quý I năm 2026")
    run_at(planned, datetime(2025, 1, 22, 10))
    assert show(planned, sql) == [("on_track", "Đã lập kế hoạch")]


def test_days_after_the_date_are_kept_and_told_of(planned: Settings) -> None:
    """The date is 28/06/2024: a report of the 29th or of next year, a task finished, given or asked to be extended later. That day itself is none of them."""
    days = ("28/06/2024", "29/06/2024", "20/06/2025")
    write_reports(
        planned,
        "\n".join(
            f"{c} | {u} | {day} | Xong | 100 | Đã hoàn thành | "
            for c, u, day in zip(("2", "III.2", "III.2"), ("Phòng Tư pháp", "xã Sơn Hạ", "xã Sơn Thủy"), days, strict=True)
        ),
    )
    done = {"Trạng thái": "Đã hoàn thành"}
    dated = [
        (f"{name} {day}", {"Ngày hoàn thành": "28/06/2024"} | done | {name: day})
        for name in ("Ngày giao", "Ngày xin gia hạn", "Ngày hoàn thành")
        for day in days[:2]
    ]
    write_tasks(planned, [task_row(number, **changes) for number, changes in dated])
    result = run_at(planned, planned.as_of)
    found = {check.name: check.found for check in result.checks}
    assert found["plan_report_after_as_of"] == 2
    assert found["task_dates_after_as_of"] == 3
    assert show(planned, "SELECT count(*) FROM core.plan_progress UNION ALL SELECT count(*) FROM core.tasks") == [(3,), (6,)], "kept"


def test_an_answer_of_a_few_cells_is_no_title(planned: Settings) -> None:
    """A criterion's code is as short as a section's number; "3 | Cải cách TTHC" is a title, a state or a day beside the code is an answer."""
    rows = "3 | | | Cải cách TTHC | | | \n 2 | | | | | Đã hoàn thành | \n III.2 | xã Sơn Hạ | 19/06/2024 | | | | \n | | | Người lập biểu | | | "
    write_reports(planned, rows)
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT rows_data, rows_loaded FROM ops.files WHERE kind = 'plan_progress'") == [(2, 2)]
    assert show(planned, "SELECT criterion, state FROM core.plan_progress ORDER BY 1") == [("2", "done"), ("III.2", "in_progress")]


def test_a_line_led_by_a_group_is_done_when_every_unit_of_it_is(planned: Settings) -> None:
    """Three units: Phòng Tư pháp, Sơn Hạ, Sơn Thủy. A report without a unit speaks for none of them."""
    sql = "SELECT status, actual, numerator, denominator, units_measured, units_missed FROM mart.plan WHERE criterion = 'III.2'"
    write_reports(planned, "III.2 | | 10/06/2024 | Tất cả đã gửi | 100 | Đã hoàn thành | ", "0.xlsx")
    run_at(planned, planned.as_of)
    assert show(planned, sql) == [("no_report", None, 0, 3, 0, 3)]
    write_reports(
        planned, "III.2 | xã Sơn Hạ | 10/06/2024 | Gửi | | Đã hoàn thành | \n III.2 | Phòng Tư pháp | 11/06/2024 | Gửi | | Hoàn thành | "
    )
    run_at(planned, planned.as_of)
    assert show(planned, sql) == [("on_track", "2 trên 3 đơn vị báo cáo đã hoàn thành", 2, 3, 2, 1)]
    run_at(planned, datetime(2024, 10, 1, 8))
    assert statuses(planned)["III.2"] == "overdue"
    write_reports(planned, "III.2 | UBND xã Sơn Thuỷ | 12/06/2024 | Gửi | | Đã hoàn thành | ", "2.xlsx")
    run_at(planned, planned.as_of)
    assert show(planned, sql) == [("done", "3 trên 3 đơn vị báo cáo đã hoàn thành", 3, 3, 3, 0)]


def test_a_filled_form_reads_back(planned: Settings, tmp_path: Path) -> None:
    out = tmp_path / "bieu.xlsx"
    assert write_template(out, planned.reference) == 2
    book = openpyxl.load_workbook(out)
    form = book["Bao cao"]
    headings = [cell.value for cell in form[HEADING_ROW]]
    column = {heading: number for number, heading in enumerate(headings, 1)}
    assert form.protection.sheet
    assert form.freeze_panes == f"D{HEADING_ROW + 1}"
    unlocked = {cell.coordinate for row in form.iter_rows() for cell in row if not cell.protection.locked}
    lines = (HEADING_ROW + 1, HEADING_ROW + 2)
    assert unlocked == {SENT_CELL, *(form.cell(row, column[heading]).coordinate for row in lines for heading in ANSWERS)}
    assert {rule.type for rule in form.data_validations.dataValidation} == {"list", "date", "custom"}
    assert (form.page_setup.orientation, form.page_setup.paperSize) == ("landscape", 9)
    form[SENT_CELL] = datetime(2024, 6, 21, 9, 30)
    answers = {"Ngày báo cáo": datetime(2024, 6, 20), "Kết quả thực hiện": "Đã ban hành 3 văn bản", "Trạng thái": "Đang thực hiện"}
    for heading, value in (answers | {"Tỷ lệ hoàn thành (%)": 97.5, "Ghi chú": "Trần Văn Bịa, 0912345678"}).items():
        form.cell(HEADING_ROW + 1, column[heading]).value = value  # type: ignore[union-attr]
    book.save(planned.raw / "tu phap.xlsx")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT status, actual, actual_rate, CAST(last_report_on AS VARCHAR) FROM mart.plan WHERE criterion = '2'") == [
        ("on_track", "Đã ban hành 3 văn bản", 0.975, "2024-06-20")
    ]
    assert statuses(planned)["III.2"] == "no_report"
    assert show(
        planned, "SELECT rows_data, rows_loaded, is_age_guessed, CAST(exported_at AS VARCHAR) FROM ops.files WHERE kind = 'plan_progress'"
    ) == [(2, 2, False, "2024-06-21 09:30:00")]


def test_the_form_of_one_unit_has_its_lines_and_its_name(planned: Settings, tmp_path: Path) -> None:
    assert write_template(tmp_path / "xa.xlsx", planned.reference, "000.22.58.h48") == 1
    form = openpyxl.load_workbook(tmp_path / "xa.xlsx")["Bao cao"]
    cells = {form.cell(HEADING_ROW, c).value: form.cell(HEADING_ROW + 1, c) for c in range(1, form.max_column + 1)}
    assert (cells["Mã tiêu chí"].value, cells["Đơn vị báo cáo"].value) == ("III.2", "UBND xã Sơn Hạ")
    assert cells["Đơn vị báo cáo"].protection.locked
    for wrong in ("xa.xlsx", "xa.xls", "khong/co.xlsx"):
        with pytest.raises(ConfigurationError):
            write_template(tmp_path / wrong, planned.reference)
    with pytest.raises(ConfigurationError, match="không có đơn vị"):
        write_template(tmp_path / "b.xlsx", planned.reference, "000.99.58.H48")


def test_the_form_from_the_command_line(planned: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["plan", "template", str(tmp_path / "b.xlsx"), "--reference", str(planned.reference)])
    assert ended.value.code == 0
    assert "2 tiêu chí" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cli.main(["plan", "template", str(tmp_path / "b.xlsx"), "--reference", str(planned.reference)])
    assert ended.value.code == cli.EXIT_USAGE


def test_no_name_of_a_note_is_kept_and_numbers_are_hidden(planned: Settings, papers: None) -> None:
    note = {"Ghi chú": "Nguyễn Thị Bịa Đặt nộp", "Nội dung nhiệm vụ": "Trả lời đơn, số 0912345678"}
    write_tasks(planned, [task_row("1/NV", **note), task_row("0912345678"), task_row("Nguyễn Thị Bịa Đặt")])
    write_reports(planned, "2 | Phòng Tư pháp | 19/06/2024 | Gọi 0987 654 321 | 10 | Đang thực hiện | Nguyễn Thị Bịa Đặt")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT task_no, content_vi FROM core.tasks") == [("1/NV", "Trả lời đơn, số ***")]
    assert show(planned, "SELECT reason FROM ops.rejects") == [("missing_case_code",)] * 2
    everything = b"".join(p.read_bytes() for p in (planned.warehouse.parent, planned.outbox) for p in p.rglob("*") if p.is_file())
    for secret in ("Bịa", "0912345678", "654 321"):
        assert secret.encode() not in everything
    with duckdb.connect(str(planned.warehouse), read_only=True) as connection:
        tables = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        told = " ".join(str(connection.execute(f"SELECT * FROM {name}").fetchall()) for (name,) in tables)
    for secret in ("Bịa", "0912345678", "654 321"):
        assert secret not in told


def test_the_outbox_has_the_plan_and_the_tasks_where_there_are_any(planned: Settings) -> None:
    names = {path.name for path in run_at(planned, planned.as_of).summaries}
    assert "ke-hoach.csv" in names
    assert "nhiem-vu.csv" in names
    write_tasks(planned, [task_row("1/NV", **{"Gia hạn đến": "05/07/2024", "Ngày xin gia hạn": "27/06/2024"})])
    folder = {path.name: path for path in run_at(planned, planned.as_of).summaries}
    [task] = csv.DictReader(folder["nhiem-vu.csv"].read_text(encoding="utf-8-sig").splitlines())
    assert (task["Số nhiệm vụ"], task["Hạn áp dụng"], task["Xin gia hạn"]) == ("Số 1/NV", "ngày 05/07/2024", "Trước hạn")
    assert (task["Tình trạng"], task["Ngày làm việc còn lại"]) == ("Còn không quá 5 ngày làm việc", "5")
    lines = {row["Tiêu chí"]: row for row in csv.DictReader(folder["ke-hoach.csv"].read_text(encoding="utf-8-sig").splitlines())}
    assert len(lines) == 5
    assert lines["Tiêu chí 2"]["Tình trạng"] == "Chưa có báo cáo"
    assert lines["Tiêu chí 3.4.2"]["Kết quả"] == "100 % (1 trên 1)"
    (planned.reference / "plan.csv").unlink()
    empty = {path.name: path for path in run_at(planned, planned.as_of).summaries}
    assert len(empty["ke-hoach.csv"].read_text(encoding="utf-8-sig").splitlines()) == 1
    assert show(planned, "SELECT count(*) FROM mart.plan") == [(0,)]


LINE = "3.4.2,Hồ sơ đúng hạn,UBND cấp xã,,2024-12-31,97%,exports,on_time\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LINE + LINE, "dòng 3, cột criterion: có “3.4.2”, cần một tiêu chí chưa có"),
        (LINE.replace("2024-12-31", "31-12-2024"), "dòng 2, cột deadline"),
        (LINE.replace("2024-12-31", ""), "dòng 2, cột deadline"),
        (LINE.replace("exports", "export"), "dòng 2, cột source"),
        (LINE.replace("on_time", "ontime"), "dòng 2, cột measure"),
        (LINE.replace("exports", "plan_progress"), "dòng 2, cột measure: có “on_time”, cần để trống"),
        (LINE.replace("97%", "cao"), "dòng 2, cột target"),
        (LINE.replace("97%", "970%"), "dòng 2, cột target"),
        (LINE.replace("UBND cấp xã", "UBND nơi nào"), "dòng 2, cột lead_unit"),
        (LINE.replace("UBND cấp xã", ""), "dòng 2, cột lead_unit"),
    ],
)
def test_a_wrong_line_of_the_plan_says_where_and_what(planned: Settings, text: str, says: str) -> None:
    (planned.reference / "plan.csv").write_text(PLAN_HEAD + text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"plan.csv, {says}"):
        load_reference(planned.reference, ["on_time", "received_within_8h"])


def test_a_line_may_be_led_by_one_unit(planned: Settings) -> None:
    (planned.reference / "plan.csv").write_text(PLAN_HEAD + LINE.replace("UBND cấp xã", "UBND xã Sơn Thuỷ"), encoding="utf-8")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT denominator, status, status_vi FROM mart.plan") == [(0, "no_report", "Chưa phát sinh số liệu")]
    (planned.reference / "plan.csv").write_text(PLAN_HEAD + LINE.replace("UBND cấp xã", "Sơn Hạ"), encoding="utf-8")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT numerator, denominator, status FROM mart.plan") == [(1, 1, "on_track")]


def test_nobody_answers_for_a_lead_that_the_list_of_units_does_not_know(planned: Settings) -> None:
    (planned.reference / "plan.csv").write_text(
        PLAN_HEAD + "1.4.2,Tuyên truyền,Phòng Văn hóa,UBND cấp xã,2024-12-31,1 cuộc,plan_progress,\n", encoding="utf-8"
    )
    write_reports(planned, "1.4.2 | xã Sơn Hạ | 19/06/2024 | Xong phần xã | 100 | Đã hoàn thành | ", "1.xlsx")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT status, actual FROM mart.plan") == [("no_report", None)], "a partner's report"
    write_reports(planned, "1.4.2 | | 18/06/2024 | Đang làm | 40 | Đang thực hiện | ", "2.xlsx", "19/06/2024 08:00")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT status, actual FROM mart.plan") == [("on_track", "Đang làm")]


def test_a_code_used_again_is_another_unit(planned: Settings) -> None:
    """Sơn Hạ ended in April and Sơn Mới bears its code: neither its reports nor its dossiers are those of Sơn Mới."""
    units = (planned.reference / "units.csv").read_text(encoding="utf-8")
    units = units.replace("xã Sơn Hạ;Sơn Hạ,2003-01-01,2025-06-30", "xã Sơn Hạ;Sơn Hạ,2003-01-01,2024-04-30")
    units += "000.22.58.H48,UBND xã Sơn Mới,commune,000.00.58.H48,21292,xã Sơn Mới,2024-05-01,2025-06-30,,\n"
    (planned.reference / "units.csv").write_text(units, encoding="utf-8")
    lines = "2,Cải cách thể chế,xã Sơn Mới,,2024-12-31,Hoàn thành,plan_progress,\n4,Tổ chức bộ máy,UBND cấp xã,,2024-12-31,Hoàn thành,plan_progress,\n"
    (planned.reference / "plan.csv").write_text(PLAN_HEAD + lines + LINE.replace("UBND cấp xã", "xã Sơn Mới"), encoding="utf-8")
    may = {"Ngày nộp hồ sơ": "06/05/2024 08:00", "Ngày tiếp nhận": "06/05/2024 09:00", "Ngày hẹn trả": "10/05/2024 17:00"}
    may |= {"Ngày kết thúc xử lý": "13/05/2024 10:00", "Ngày trả kết quả": "13/05/2024 15:00", "Đơn vị giải quyết": "xã Sơn Mới"}
    late = case_row("000.22.58.H48-240506-0008", **may)
    write_workbook(planned.raw / "ho_so.xlsx", [HEADINGS, case_row(), late], titles=("Thời điểm xuất: 28/06/2024 07:00",))
    done = " | xã Sơn Hạ | 20/04/2024 | Xong | 100 | Đã hoàn thành | "
    write_reports(planned, f"2{done}\n4{done}")
    run_at(planned, planned.as_of)
    sql = "SELECT criterion, status, numerator, denominator, units_measured FROM mart.plan ORDER BY line_number"
    assert show(planned, sql) == [("2", "no_report", None, None, None), ("4", "no_report", 0, 2, 0), ("3.4.2", "at_risk", 0, 1, 1)]


def test_a_unit_named_beside_its_own_level_counts_once(planned: Settings) -> None:
    lead = "UBND cấp xã; UBND xã Sơn Hạ; Phòng Tư pháp"
    (planned.reference / "plan.csv").write_text(PLAN_HEAD + LINE.replace("UBND cấp xã", lead), encoding="utf-8")
    run_at(planned, planned.as_of)
    assert show(planned, "SELECT numerator, denominator, units_measured FROM mart.plan") == [(1, 1, 1)]


def test_a_reported_line_says_that_the_units_of_its_level_have_ended(planned: Settings) -> None:
    """Both communes reported and ended on 30/06/2025; units.csv has no commune after it, so the day after nobody can have reported."""
    (planned.reference / "plan.csv").write_text(
        PLAN_HEAD + "III.2,Kế hoạch,UBND cấp xã,,2025-12-31,Đã gửi,plan_progress,\n", encoding="utf-8"
    )
    write_reports(planned, "III.2 | xã Sơn Hạ | 10/06/2025 | Gửi | | Đã hoàn thành | ", at="20/06/2025 08:00")
    sql = "SELECT status, numerator, denominator, note_vi FROM mart.plan"
    run_at(planned, datetime(2025, 6, 30, 10))
    assert show(planned, sql) == [("on_track", 1, 2, None)]
    run_at(planned, datetime(2025, 7, 1, 10))
    [(status, *_, note)] = show(planned, sql)
    assert status == "no_report"
    assert str(note).startswith("Không đơn vị nào trong units.csv thuộc cấp chủ trì vào ngày 01/07/2025; hãy xem lại")
