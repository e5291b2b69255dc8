"""The CSV summaries of the year plan and of the tasks given from above."""

from datetime import date
from typing import Any

from transforms.wording import day_vi


def tell_plan(query: Any) -> tuple[list[str], list[list[object]]]:
    """One row a line of the year plan; without plan.csv the headings alone."""
    headings = ["Tiêu chí", "Nội dung", "Chủ trì", "Phối hợp", "Thời hạn", "Chỉ tiêu", "Kết quả", "Tình trạng", "Số đơn vị chưa đạt"]
    headings += ["Đơn vị thấp nhất dưới chỉ tiêu", "Lưu ý", "Báo cáo gần nhất"]
    found = query(
        "SELECT 'Tiêu chí ' || criterion, name_vi, lead_unit, partner_units, deadline, target_text, actual, status_vi, units_missed, worst_unit_name, "
        "note_vi, last_report_on FROM mart.plan ORDER BY line_number"
    )
    return headings, [[day_vi(cell) if isinstance(cell, date) else cell for cell in row] for row in found]


def tell_tasks(query: Any) -> tuple[list[str], list[list[object]]]:
    """One row a task given from above, overdue first; none where no export lists any."""
    headings = ["Số nhiệm vụ", "Nội dung", "Mã đơn vị", "Đơn vị", "Ngày giao", "Hạn ban đầu", "Gia hạn đến", "Xin gia hạn", "Hạn áp dụng"]
    headings += ["Ngày hoàn thành", "Tình trạng", "Ngày làm việc còn lại"]
    found = query(
        "SELECT 'Số ' || task_no, content_vi, unit_code, unit_name, assigned_on, due_on, extended_to, CASE extension_asked WHEN 'before' THEN 'Trước hạn' "
        "WHEN 'after' THEN 'Sau hạn' WHEN 'undated' THEN 'Không ghi ngày xin' ELSE 'Không' END, due_in_force_on, finished_on, state_vi, "
        "working_days_left FROM mart.task_status ORDER BY rowid"
    )
    return headings, [[day_vi(cell) if isinstance(cell, date) else cell for cell in row] for row in found]
