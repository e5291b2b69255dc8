"""docs/reliability.md: every promise and every injected fault with the tests that hold us to account, and the figures of the last runs.

Figures: docs/faults.json (harness.py) and docs/readers.json (crowd.py).

python tests/faults/write_reliability.py
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "faults")]

from faulty_exports import FAULTS  # noqa: E402

PAGE, FIGURES, READERS = (ROOT / "docs" / name for name in ("reliability.md", "faults.json", "readers.json"))
HARNESS = "tests/faults/test_harness.py::test_a_slice_of_all_faults_violates_nothing"
_P, _A, _D = "tests/faults/test_promises.py::", "tests/mail/test_alarms.py::", "tests/mail/test_delivery.py::"
_V, _M, _DOCTOR = "tests/faults/test_serving.py::", "tests/mail/test_monthly.py::", "tests/fetch/test_doctor.py::"
_CROWD = _P + "test_eight_readers_read_on_while_four_nights_publish"
_X, _F = "tests/faults/test_faulty_exports.py::", "tests/fetch/test_folder.py::"
_R, _S = "tests/golden/test_recovery.py::", "tests/unit/test_schedule.py::"
PROMISES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Lỗi, kill -9 hay đầy đĩa ở bất kỳ bước nào: chạy lại thì ra đúng các bảng của một đêm không lỗi", (HARNESS,)),
    (
        "Người đang mở kho dữ liệu, kể cả mở đúng lúc công bố, không bị ảnh hưởng khi công bố bản mới",
        (HARNESS, _CROWD, _R + "test_a_reader_that_opens_while_the_link_moves_reads_one_publication_whole"),
    ),
    (
        "Đĩa đầy, kể cả trong lúc DuckDB hay Parquet tự ghi: bản đã công bố còn nguyên",
        (_P + "test_a_disk_that_is_full_at_any_size_leaves_the_published_warehouse",),
    ),
    (
        "Hai lần chạy cùng lúc: một lần chạy, lần kia thoát mã 4 và nói lần nào đang giữ khóa",
        (
            _P + "test_of_two_nights_started_at_once_one_runs_and_the_other_says_which",
            _P + "test_a_refused_run_names_the_run_that_holds_the_lock",
        ),
    ),
    (
        "Mỗi thư đến đúng một lần; không rõ thì nói là không rõ và không tự gửi lại",
        (HARNESS, _D + "test_every_mail_arrives_once_over_tls_with_login"),
    ),
    (
        "Một nguồn hỏng, một tệp bị cắt, một người nhận bị từ chối: phần còn lại vẫn công bố và gửi, thư nói thiếu gì",
        (_P + "test_one_source_down_one_export_cut_one_recipient_refused",),
    ),
    (
        "Qua nửa đêm, qua năm: mọi thứ một đêm viết ra là của thời điểm chốt của đêm đó",
        (_P + "test_a_night_across_midnight_and_year_end_counts_its_own_moment",),
    ),
    (
        "Không có mạng vẫn lập lịch, chạy, xem trạng thái; không có kết nối nào ra khỏi máy",
        (
            _V + "test_the_schedule_fires_and_publishes_without_a_network",
            _V + "test_the_page_asks_nobody_but_its_own_server",
            _P + "test_fetch_run_status_watch_and_doctor_need_no_network",
        ),
    ),
    (
        "Đêm bị lỡ được chạy bù theo thứ tự, mỗi đêm theo thời điểm của nó",
        (_S + "test_missed_nights", _S + "test_a_failing_night_ends_the_run_and_is_tried_again"),
    ),
    (
        "Lịch cron chạy thật; lần chạy bị kill không còn treo ở trạng thái đang chạy",
        (_V + "test_the_schedule_fires_and_publishes_without_a_network", _V + "test_runs_that_a_kill_left_running_are_cleaned"),
    ),
    (
        "Báo động mỗi mã mỗi ngày một thư, cả khi một đêm đang giữ khóa và bảng tham chiếu hỏng",
        (_A + "test_an_alarm_is_mailed_once_a_day", _A + "test_watch_mails_while_a_night_holds_the_lock_and_the_tables_are_broken"),
    ),
    (
        "Nguồn hỏng hay im lặng, chứng thư sắp hết hạn đều được báo",
        (_A + "test_a_source_that_fails_or_is_silent_is_an_alarm", _A + "test_a_certificate_that_ends_soon_is_an_alarm"),
    ),
    (
        "Báo cáo tháng đến đúng người có mục monthly_report, đúng một lần, kèm bản Word",
        (
            _M + "test_the_report_goes_to_whoever_asks_with_the_document_once",
            _M + "test_a_report_that_may_have_arrived_is_not_sent_again_and_other_figures_wait_as_a_correction",
        ),
    ),
    (
        "`tthc doctor` hỏi máy chủ thư và từng nguồn mà không gửi, không tải gì",
        (
            _A + "test_the_doctor_asks_the_mail_server_without_a_mail",
            _A + "test_the_doctor_lists_every_source_and_fetches_nothing",
            _DOCTOR + "test_an_sftp_server_is_asked_and_nothing_is_fetched",
            _DOCTOR + "test_a_mailbox_is_asked_and_no_mail_is_touched",
            _DOCTOR + "test_a_storage_is_asked_and_nothing_is_fetched",
            _DOCTOR + "test_a_server_that_is_down_or_silent_is_red",
        ),
    ),
    (
        "Sao lưu khôi phục ra cùng các bảng; bản hỏng không làm thay đổi gì",
        (_R + "test_a_backup_brings_back_the_same_tables_without_the_raw_files", _R + "test_a_damaged_backup_changes_nothing"),
    ),
    ("Quay lại được bản đã công bố trước đây", (_R + "test_a_published_warehouse_can_be_returned_to",)),
    ("Tính lại ngày đã qua không đụng đến bản đang công bố", (_R + "test_past_dates_are_rebuilt_without_touching_what_is_published",)),
    (
        "Tiến trình đọc bị kill không làm mất tệp tốt; tệp luôn làm chết tiến trình thì bị bỏ",
        ("tests/faults/test_readers_that_die.py::test_a_killed_reader_costs_a_good_file_one_night",),
    ),
    ("Nhật ký không chứa nội dung ô hay dữ liệu cá nhân", (_R + "test_logs_carry_the_run_and_no_message_of_an_error",)),
)
# What was done to the night, and the tests that did it. Faults of exports come from faulty_exports.py, one line each.
INJECTED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "kill -9 và lỗi vào ra ở từng bước",
        (
            HARNESS,
            _D + "test_a_kill_at_any_moment_neither_loses_nor_doubles",
            _F + "test_killed_at_any_step_and_run_again_there_is_exactly_one_file",
        ),
    ),
    ("hai lần chạy cùng lúc", (_P + "test_of_two_nights_started_at_once_one_runs_and_the_other_says_which",)),
    (
        "đĩa đầy ở từng lần ghi",
        (
            HARNESS,
            _P + "test_a_disk_that_is_full_at_any_size_leaves_the_published_warehouse",
            _F + "test_a_full_disk_leaves_nothing_and_is_told",
        ),
    ),
    (
        "tiến trình đọc treo, chết hoặc hết bộ nhớ",
        (
            "tests/faults/test_hostile.py::test_a_reader_that_hangs_or_dies_is_replaced",
            "tests/faults/test_readers_that_die.py::test_a_file_that_kills_every_reader_is_given_up",
        ),
    ),
    *((fault.name_vi, (f"{_X}test_a_faulty_export_costs_what_it_must_and_says_so[{name}]",)) for name, fault in FAULTS.items()),
    (
        "tệp còn đang được ghi ở nơi gửi",
        (_F + "test_a_growing_file_waits_until_it_is_whole", _F + "test_a_file_that_grows_while_it_is_copied_does_not_land"),
    ),
    ("tệp đến theo thứ tự bất kỳ", ("tests/golden/test_night.py::test_the_order_of_arrival_changes_nothing",)),
    (
        "đơn vị sáp nhập",
        (
            "tests/golden/test_reform.py::test_no_dossier_is_lost_or_counted_twice",
            "tests/spec/test_freshness.py::test_a_merged_unit_is_no_alarm_and_as_fresh_as_its_least_fresh_predecessor",
        ),
    ),
    ("đồng hồ qua nửa đêm, qua năm", (_P + "test_a_night_across_midnight_and_year_end_counts_its_own_moment",)),
    (
        "máy chủ thư từ chối một người, danh sách xám, mất kết nối sau DATA",
        (_D + "test_one_addressee_s_trouble_is_his_alone", _D + "test_greylisting_is_waited_out_within_the_night"),
    ),
    ("thư quá lớn", (_D + "test_too_large_is_refused_before_it_is_sent",)),
    ("người đọc đang mở kho dữ liệu", (HARNESS, _CROWD, _X + "test_the_night_is_published_and_whoever_held_the_old_warehouse_reads_on")),
    (
        "mọi lỗi của tệp xuất cùng một đêm, rồi chạy lại và chạy mới từ đầu",
        (_X + "test_run_again_and_run_clean_give_the_same_tables", _X + "test_the_mail_of_the_night_is_known_and_names_what_was_refused"),
    ),
)


def render(figures: dict[str, Any], readers: dict[str, Any] | None) -> str:
    """The page as text; without figures of readers it says that there are none yet."""
    rounds, violations = figures["rounds"], figures["violations"]
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(figures["doors_by_kind"].items(), key=lambda item: -item[1]))
    done = sum(rounds.values())
    lines = [
        "# Độ tin cậy: lời hứa và bằng chứng",
        "",
        "Trang này do `tests/faults/write_reliability.py` viết ra; một kiểm tra bảo đảm mọi tên dưới đây đều có thật. Vận hành: [operations.md](operations.md).",
        "",
        "## Lần chạy `make faults` gần nhất",
        "",
        f"Một đêm đầy đủ (lấy tệp từ nguồn thư mục, đọc, dựng, kiểm tra, công bố, báo cáo, gửi thư) trên {figures['cases']} hồ sơ mẫu có "
        f"**{figures['doors']} điểm tiêm lỗi** ({kinds}). Great Expectations được thay bằng một tiến trình trả lời ngay; hình vẽ được bỏ qua.",
        "",
        "| Cách làm hỏng | Số vòng |",
        "|---|---:|",
        f"| kill -9 ở một thời điểm ngẫu nhiên | {rounds.get('random kill', 0)} |",
        f"| kill -9 đúng ở một điểm | {rounds.get('kill', 0)} |",
        f"| lỗi vào ra (EIO) ở một điểm | {rounds.get('error', 0)} |",
        f"| đĩa đầy (ENOSPC) từ một điểm trở đi | {rounds.get('full', 0)} |",
        f"| định kill nhưng đêm đã xong trước | {rounds.get('ended before the kill', 0)} |",
        f"| **cộng** | **{done}** |",
        f"| **vi phạm** | **{len(violations)}** |",
        "",
        "Sau mỗi vòng, đêm được chạy lại và so với một đêm không lỗi: cùng tổng kiểm của mọi bảng core và mart, kho cũ vẫn đọc được suốt, sổ gửi thư "
        "khớp với hộp thư, không sót tệp dở dang, lịch sử chạy có kết thúc, thông báo rõ ràng.",
        "",
    ]
    if done < figures["planned"]:
        lines += [
            f"**Chưa đủ:** lần này được {done} trên {figures['planned']} vòng đã định thì hết giờ; mục tiêu là ít nhất 500 vòng kill -9 ngẫu nhiên và mọi điểm "
            "với mọi cách (`make faults`, vài giờ trên máy rảnh).",
            "",
        ]
    lines += [f"- vi phạm: {text}" for text in violations] + ([""] if violations else [])
    lines += _describe_mending(figures)
    lines += [_describe_readers(readers), ""]
    lines += [*_table("Lời hứa và kiểm tra", "Lời hứa", PROMISES), "", *_table("Lỗi đã tiêm", "Lỗi", INJECTED)]
    return "\n".join(lines) + "\n"


def _describe_mending(figures: dict[str, Any]) -> list[str]:
    """What was done about violations (`mended`, written by hand into the figures) and the run that followed it (`after`, its figures)."""
    if "mended" not in figures:
        return []
    after = figures["after"]
    counts = ", ".join(f"{name} {count}" for name, count in after["rounds"].items())
    return [
        f"**Đã sửa:** {figures['mended']} Sau khi sửa, {sum(after['rounds'].values())} vòng nữa ({after['doors']} điểm; {counts}; {after['what']})"
        f": **{len(after['violations'])}** vi phạm.",
        "",
        *(f"- vi phạm sau khi sửa: {text}" for text in after["violations"]),
    ]


def _describe_readers(readers: dict[str, Any] | None) -> str:
    if readers is None:
        return "**Người đọc:** chưa có số đo được giữ lại (`tests/faults/crowd.py`, `make faults`); kiểm tra bên dưới chạy cùng việc đó."
    broken = [*readers["reader_errors"], *readers["failed_nights"], *readers["strange_answers"]]
    return (
        f"**Người đọc:** {readers['readers']} tiến trình hỏi liên tục ({readers['queries']} câu hỏi, thấy {readers['publications_seen']} bản) trong khi "
        f"{readers['nights']} lần `tthc run` công bố; lỗi của người đọc, lần chạy không xong và câu trả lời lẫn lộn: **{len(broken)}** (`tests/faults/crowd.py`)."
    )


def _table(title: str, first: str, rows: tuple[tuple[str, tuple[str, ...]], ...]) -> list[str]:
    told = [f"| {text} | {', '.join(f'`{name}`' for name in names)} |" for text, names in rows]
    return [f"## {title}", "", f"| {first} | Kiểm tra |", "|---|---|", *told]


def render_latest() -> str:
    """The page from the figures that stand in docs/."""
    readers = json.loads(READERS.read_text(encoding="utf-8")) if READERS.is_file() else None
    return render(json.loads(FIGURES.read_text(encoding="utf-8")), readers)


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_latest(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
