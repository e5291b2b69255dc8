"""Figures and codes in the words and signs a Vietnamese office writes: 97,5 %, dd/mm/yyyy, Quý II/2024, "Đạt". Pure; every output uses these."""

import math
from datetime import date, datetime

LEVELS_VI = {
    "province": "Cấp tỉnh",
    "province_department": "Sở, ban, ngành",
    "district": "Cấp huyện",
    "district_department": "Phòng chuyên môn",
    "commune": "Cấp xã",
    "all": "Toàn bộ",
}
STATUS_VI = {"met": "Đạt", "missed": "Không đạt", "no_data": "Không phát sinh", "no_target": "Không có chỉ tiêu"}
FILE_STATUS_VI = {"loaded": "Đã nạp", "later": "Xuất sau thời điểm chốt", "duplicate": "Trùng tệp khác", "rejected": "Bị từ chối"}
PROBLEMS_VI = {
    "reception_over_8h": "Chờ tiếp nhận quá 8 giờ",
    "reception_due": "Sắp quá 8 giờ chờ tiếp nhận",
    "overdue": "Quá hạn",
    "due_soon": "Sắp đến hạn",
}
REASONS_VI = {
    "missing_case_code": "Thiếu mã",
    "unknown_unit": "Không rõ đơn vị",
    "bad_date": "Ngày không hợp lệ",
    "unknown_status": "Không rõ trạng thái",
    "unknown_channel": "Không rõ kênh nộp",
    "unknown_level": "Không rõ mức độ dịch vụ công",
    "bad_number": "Số không hợp lệ",
    "unknown_word": "Từ không có trong danh sách",
}
LIGHTS_VI = {"green": "Tốt", "yellow": "Cần xem", "red": "Không dùng được để kết luận"}
FRESHNESS_VI = {
    "never": "Chưa có dữ liệu",
    "stale": "Dữ liệu cũ",
    "vanished": "Đơn vị biến mất",
    "rows_off": "Số hồ sơ bất thường",
    "frozen": "Nội dung không đổi",
    "shrunk": "Hồ sơ biến mất",
    "unknown_status": "Trạng thái lạ",
    "unknown_unit": "Tên đơn vị lạ",
}
STALE_VI = "Dữ liệu cũ"
_NBSP = "\u00a0"


def percent_vi(numerator: int, denominator: int, target: float | None = None) -> str:
    """A rate as an office writes it: 97,5 %, two decimals at the most, empty without denominator.

    Rounded half up as QĐ 766 does, except that rounding never lifts a rate onto its target or onto 100 %.
    """
    if not denominator:
        return ""
    scaled = (2 * numerator * 10_000 + denominator) // (2 * denominator)
    for limit in (10_000, None if target is None else round(target * 10_000)):
        if limit is not None and scaled >= limit and numerator * 10_000 < limit * denominator:
            scaled = limit - 1
    text = f"{scaled // 100},{scaled % 100:02d}".rstrip("0").rstrip(",")
    return f"{text}{_NBSP}%"


def hours_vi(hours: float) -> str:
    """Hours with one decimal, rounded up so that a breach never shows as exactly the limit."""
    tenths = -int(-hours * 10 // 1)
    return f"{tenths // 10},{tenths % 10}{_NBSP}giờ"


def hours_left_vi(hours: float) -> str:
    """Working hours left with one decimal, rounded down: còn 5,4 giờ; quá 2,0 giờ, so that no office believes it has more time than it has."""
    tenths = math.floor(round(hours * 3600) / 360)
    return f"{'còn' if tenths >= 0 else 'quá'} {abs(tenths) // 10},{abs(tenths) % 10}{_NBSP}giờ"


def moment_vi(moment: datetime | None) -> str:
    """07:30 ngày 05/01/2024."""
    return f"{moment:%H:%M} ngày {moment:%d/%m/%Y}" if moment else ""


def day_vi(day: date | None) -> str:
    """ngày 05/01/2024."""
    return f"ngày {day:%d/%m/%Y}" if day else ""


def period_vi(kind: str, start: date) -> str:
    """Tháng 6/2024, Quý II/2024, Năm 2024."""
    if kind == "month":
        return f"Tháng {start.month}/{start.year}"
    if kind == "quarter":
        return f"Quý {('I', 'II', 'III', 'IV')[(start.month - 1) // 3]}/{start.year}"
    return f"Năm {start.year}"
