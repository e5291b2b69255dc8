"""The CSV summaries of what to do next: the dossiers to take up, and what is needed to end the year at the targets."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.figures import OVER
from transforms.wording import LEVELS_VI, PROBLEMS_VI, hours_left_vi, moment_vi, percent_vi, target_vi

LEVEL_ORDER = f"list_position({list(LEVELS_VI)}, {{}})"  # in SQL, of a column of levels; the totals last


def tell_worklist(query: Any, ever: dict[tuple[str, date], str]) -> tuple[list[str], list[list[object]]]:
    """One row an open dossier to be taken up next, most urgent first."""
    headings = (
        "Thứ tự|Mã hồ sơ|Mã đơn vị|Đơn vị|Cấp|Mã TTHC|Lĩnh vực|Việc|Phải xong trước|Giờ làm việc|Nộp lúc|Tiếp nhận lúc|Nội dung".split("|")
    )
    rows: list[list[object]] = []
    for rank, case, code, first, level, procedure, field, problem, due, hours, submitted, received, message in query(
        "SELECT rank, case_code, unit_code, unit_valid_from, level, procedure_code, field_vi, problem, due_at, hours_left, submitted_at, received_at, "
        "message_vi FROM mart.worklist ORDER BY rank"
    ):
        row = [rank, case, code, ever[code, first], LEVELS_VI[level], procedure, field, PROBLEMS_VI[problem], moment_vi(due)]
        rows.append([*row, hours_left_vi(hours, is_over=problem in OVER), moment_vi(submitted), moment_vi(received), message])
    return headings, rows


def tell_outlook(
    query: Any, labels: dict[str, str], called: Mapping[tuple[str, date], Mapping[tuple[str, date], str]]
) -> tuple[list[str], list[list[object]]]:
    """One row a unit and measure with a target: what is still needed this year, and where it is heading; the impossible first."""
    headings = "Năm|Mã đơn vị|Đơn vị|Cấp|Chỉ số|Đạt|Tổng|Tỷ lệ|Chỉ tiêu|Còn lại (dự kiến)|Cần đạt thêm|Còn kịp|Ước tính".split("|")
    headings += "Dự báo cuối năm|Từ|Đến|Tin cậy|Cách tính".split("|")
    possible = {True: "Còn kịp", False: "Không còn kịp", None: ""}
    rows: list[list[object]] = []
    for start, code, first, level, m, n, d, t, remaining, needed, kept, message, rate, low, high, reliable, method in query(
        "SELECT n.period_start, n.unit_code, n.unit_valid_from, n.level, n.measure, n.numerator, n.denominator, n.target, n.remaining, n.needed, "
        "n.is_possible, n.message_vi, f.rate, f.low, f.high, f.is_reliable, f.method_vi FROM mart.needed AS n "
        "JOIN mart.forecast AS f USING (measure, unit_code, unit_valid_from) "
        f"ORDER BY coalesce(n.is_possible, TRUE), {LEVEL_ORDER.format('n.level')}, n.unit_code, n.unit_valid_from, n.measure"
    ):
        row = [
            start.year,
            code,
            called["year", start][code, first],
            LEVELS_VI[level],
            labels[m],
            n,
            d,
            percent_vi(n, d, t),
            target_vi(t),
            remaining,
            needed,
            possible[kept],
        ]
        trust = "" if rate is None else "Đủ căn cứ" if reliable else "Ít dữ liệu"
        rows.append([*row, message, *(_forecast(r) for r in (rate, low, high)), trust, method])
    return headings, rows


def _forecast(rate: float | None) -> str:
    return "" if rate is None else percent_vi(math.floor(rate * 1000 + 1e-9), 1000)
