"""docs/reliability.md: every promise with the tests that hold it to account, and the figures of the last `make faults` (docs/faults.json).

python tests/faults/write_reliability.py
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE, FIGURES = ROOT / "docs" / "reliability.md", ROOT / "docs" / "faults.json"
HARNESS = "tests/faults/test_harness.py::test_a_slice_of_all_faults_violates_nothing"
_P, _A, _D = "tests/faults/test_promises.py::", "tests/mail/test_alarms.py::", "tests/mail/test_delivery.py::"
_R, _S = "tests/golden/test_recovery.py::", "tests/unit/test_schedule.py::"
PROMISES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Lỗi, kill -9 hay đầy đĩa ở bất kỳ bước nào: chạy lại thì ra đúng các bảng của một đêm không lỗi", (HARNESS,)),
    (
        "Người đang mở kho dữ liệu không bị ảnh hưởng khi công bố bản mới",
        (HARNESS, _P + "test_twenty_readers_read_on_while_thirty_warehouses_are_published"),
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
        (_P + "test_schedule_run_and_status_need_no_network",),
    ),
    (
        "Đêm bị lỡ được chạy bù theo thứ tự, mỗi đêm theo thời điểm của nó",
        (_S + "test_missed_nights", _S + "test_a_failing_night_ends_the_run_and_is_tried_again"),
    ),
    (
        "Lịch cron chạy thật; lần chạy bị kill không còn treo ở trạng thái đang chạy",
        ("tests/faults/test_serving.py::test_a_cron_schedule_really_fires_and_a_killed_run_is_cleaned",),
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


def render(figures: dict[str, Any]) -> str:
    """The page as text."""
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
    lines += ["## Lời hứa và kiểm tra", "", "| Lời hứa | Kiểm tra |", "|---|---|"]
    lines += [f"| {promise} | {', '.join(f'`{name}`' for name in names)} |" for promise, names in PROMISES]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
