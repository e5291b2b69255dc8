"""Figures and codes in the words and signs a Vietnamese office writes: 97,5 %, dd/mm/yyyy, Quý II/2024, "Đạt". Pure; every output uses these."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
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
DELIVERY_STATES_VI = {
    "prepared": "chờ gửi",
    "sending": "đang gửi hoặc bị ngắt",
    "sent": "đã gửi",
    "refused": "bị từ chối",
    "unknown": "không rõ",
}
# Measures in the two or three words a narrow column holds.
MEASURES_SHORT_VI = {
    "on_time": "Đúng hạn",
    "online_partial": "Trực tuyến một phần",
    "online_full": "Trực tuyến toàn trình",
    "received_within_8h": "Tiếp nhận trong 8 giờ",
    "payment_procedures": "Thủ tục nộp phí trực tuyến",
    "payment_cases": "Hồ sơ nộp phí trực tuyến",
    "digitized_input": "Số hóa thành phần",
    "digitized_result": "Số hóa kết quả",
    "e_result": "Kết quả điện tử",
    "digitized": "Số hóa hồ sơ, kết quả",
}
LIGHTS_VI = {"green": "Tốt", "yellow": "Cần xem", "red": "Không dùng được để kết luận"}
SOURCE_LIGHTS_VI = {"green": "Bình thường", "yellow": "Cần xem", "red": "Không lấy được"}
SEVERITIES_VI = {"critical": "Chặn công bố", "warning": "Cảnh báo"}
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
QUESTIONS_VI = {"ask": "Đề nghị giải trình", "look": "Văn phòng xem trước"}
QUESTION_NOTE_VI = "Mỗi điều là một câu hỏi, không phải kết luận: cùng một dấu vết có thể do nhập bù, gõ nhầm, mất mạng"
COUNTED_VI = {"none": "không tính", "denominator": "không đạt", "numerator": "đạt"}
CAUSES_VI = {
    "late_arrival": "Hồ sơ đến muộn",
    "changed": "Hồ sơ được sửa",
    "removed": "Hồ sơ không còn, hay không còn dữ kiện, trong các tệp",
    "restored": "Hồ sơ được tính lại theo tệp dùng lại",
    "tables": "Bảng tham chiếu, đính chính hoặc chỉ tiêu",
    "progress": "Hồ sơ được giải quyết, cập nhật tiếp",
    "time": "Đến hạn theo thời gian",
    "unknown": "Chưa rõ",
}
STALE_VI = "Dữ liệu cũ"
_NBSP = "\u00a0"
# Words that the warehouse made, and sentences of people, have a plain blank there.
_BEFORE_UNIT = re.compile(r" (?<=\d )(?=%|(?:giờ|điểm phần trăm)\b)")


def percent_vi(numerator: int, denominator: int, target: float | None = None) -> str:
    """A rate as an office writes it: 97,5 %, two decimals at the most, empty without denominator; rounded as `hundredths_shown` says."""
    if not denominator:
        return ""
    shown = hundredths_shown(numerator, denominator, target)
    text = f"{shown // 100},{shown % 100:02d}".rstrip("0").rstrip(",")
    return f"{text}{_NBSP}%"


def unbroken(text: str) -> str:
    """The text with every number and its unit on one line wherever it is laid out: 97,5 %, 8 giờ, 1,25 điểm phần trăm."""
    return _BEFORE_UNIT.sub(_NBSP, text)


def finalize(value: object) -> object:
    """What a template shows (`finalize` of jinja2): words as `unbroken` says; markup, which is no plain text any more, as it is."""
    return unbroken(value) if type(value) is str else value


def target_vi(target: float | None) -> str:
    """A target as an office writes it: 97 %, 97,5 %; empty without target."""
    return "" if target is None else percent_vi(round(target * 1_000_000), 1_000_000)


def hundredths_shown(numerator: int, denominator: int, target: float | None = None) -> int:
    """A rate in hundredths of a percent: half up as QĐ 766 does, except that rounding never lifts it onto a whole percent or onto its target.

    Targets are whole percents almost always, and not every place that shows a rate knows its target: one rate reads the same everywhere.
    The warehouse's own words follow the same rule (vi_rate in transforms/sql_wording.yml).
    """
    shown = (2 * numerator * 10_000 + denominator) // (2 * denominator)
    is_limit = shown % 100 == 0 or (target is not None and shown == round(target * 10_000))
    return shown - 1 if is_limit and numerator * 10_000 < shown * denominator else shown


def hours_shown(hours: float) -> float:
    """Hours waited to one decimal, rounded up so that a breach never shows as exactly the limit."""
    return -int(-hours * 10 // 1) / 10


def reception_vi(received_at: datetime | None, *, is_waiting: bool) -> str:
    """Where the reception of a late dossier stands: what is neither taken in nor waiting was withdrawn, stopped or finished without a reception."""
    if is_waiting:
        return "Đang chờ"
    return "Đã tiếp nhận" if received_at else "Đã kết thúc, không ghi tiếp nhận"


def hours_left_shown(hours: float) -> float:
    """Working hours left to one decimal, rounded down, so that no office believes it has more time than it has."""
    return math.floor(round(hours * 3600) / 360) / 10


def hours_vi(hours: float) -> str:
    """Hours waited as a text shows them: 8,1 giờ; rounded as `hours_shown` says."""
    return f"{_tenths_vi(hours_shown(hours))}{_NBSP}giờ"


def hours_left_vi(hours: float, *, is_over: bool = False) -> str:
    """Working hours left as a text shows them: còn 5,4 giờ; quá 2,0 giờ; rounded as `hours_left_shown` says.

    What became overdue since the last working hour is over by 0,0.
    """
    shown = hours_left_shown(hours)
    return f"{'quá' if is_over or shown < 0 else 'còn'} {_tenths_vi(abs(shown))}{_NBSP}giờ"


def _tenths_vi(hours: float) -> str:
    return f"{hours:,.1f}".translate({ord(","): ".", ord("."): ","})


def moment_vi(moment: datetime | None) -> str:
    """07:30 ngày 05/01/2024."""
    if moment is None:
        return ""
    # long lists have some hundred thousand of them, and strftime takes four times as long
    return f"{moment.hour:02}:{moment.minute:02} ngày {moment.day:02}/{moment.month:02}/{moment.year:04}"


def day_vi(day: date | None) -> str:
    """ngày 05/01/2024."""
    return f"ngày {day:%d/%m/%Y}" if day else ""


def period_vi(kind: str, start: date) -> str:
    """Tháng 6/2024, Quý II/2024, 6 tháng đầu năm 2024, Năm 2024."""
    if kind == "half":
        return f"6 tháng {'đầu' if start.month == 1 else 'cuối'} năm {start.year}"
    if kind == "month":
        return f"Tháng {start.month}/{start.year}"
    if kind == "quarter":
        return f"Quý {('I', 'II', 'III', 'IV')[(start.month - 1) // 3]}/{start.year}"
    return f"Năm {start.year}"


def reconciled_vi(difference: int, is_tolerated: bool, is_certain: bool) -> str:
    """How a figure of an aggregated export compares with our own count: Khớp, Lệch, Lệch trong ngưỡng, Lệch (chỉ để tham khảo)."""
    if not difference:
        return "Khớp"
    if not is_certain:
        return "Lệch (chỉ để tham khảo)"
    return "Lệch trong ngưỡng" if is_tolerated else "Lệch"


def count_vi(count: int) -> str:
    """A count with points between the thousands: 12.345."""
    return f"{count:,}".replace(",", ".")


def difference_vi(difference: int) -> str:
    """How two counts differ: +1.250, -3, 0."""
    return f"{'+' if difference > 0 else '-' if difference < 0 else ''}{count_vi(abs(difference))}"


def counted_vi(count: int, noun: str) -> str:
    """A count with its noun: "không có đơn vị nào", "1 đơn vị", "1.250 hồ sơ"."""
    return f"{count_vi(count)} {noun}" if count else f"không có {noun} nào"


def listed_vi(names: Sequence[str], limit: int = 0, noun: str = "đơn vị") -> str:
    """Names as a sentence lists them: "A", "A và B", "A; B và 3 đơn vị khác" beyond the limit (0: all)."""
    shown = list(names[:limit]) if limit and len(names) > limit + 1 else list(names)
    if len(shown) < len(names):
        shown.append(f"{count_vi(len(names) - len(shown))} {noun} khác")
    return shown[0] if len(shown) == 1 else f"{'; '.join(shown[:-1])} và {shown[-1]}" if shown else ""


def points_vi(now: tuple[int, int], before: tuple[int, int]) -> str:
    """How a rate moved, in points rounded half up to two decimals: "tăng 1,25 điểm phần trăm", "không thay đổi"; empty where either has no rate."""
    if not now[1] or not before[1]:
        return ""
    over = now[1] * before[1]
    change = now[0] * before[1] - before[0] * now[1]
    hundredths = (2 * abs(change) * 10_000 + over) // (2 * over)
    if not change:
        return "không thay đổi"
    direction = "tăng" if change > 0 else "giảm"
    if not hundredths:
        return f"{direction} dưới 0,01 điểm phần trăm"
    text = f"{hundredths // 100},{hundredths % 100:02d}".rstrip("0").rstrip(",")
    return f"{direction} {text} điểm phần trăm"


def share_vi(numerator: int, denominator: int, target: float | None = None) -> str:
    """A rate with what it is made of: 97,44 % (38/39); "không phát sinh" without denominator."""
    return (
        f"{percent_vi(numerator, denominator, target)} ({count_vi(numerator)}/{count_vi(denominator)})"
        if denominator
        else "không phát sinh"
    )


def candidates_vi(cases: Iterable[tuple[str, str]]) -> str:
    """(dossier code, why it may be a difference) by reason, as one phrase: "Chờ bổ sung: A, B; Trả trễ: C"; empty where there are none."""
    grouped: dict[str, list[str]] = {}
    for case, reason in cases:
        grouped.setdefault(reason, []).append(case)
    return "; ".join(f"{reason}: {', '.join(codes)}" for reason, codes in grouped.items())


def names_in_time(units: Iterable[tuple[str, date, str]]) -> dict[tuple[str, date], str]:
    """(code, first day) -> name for (code, first day, name), for lists that show the code; with its first day where a unit of another time has both."""
    listed = {(code, first): name for code, first, name in units}
    codes = Counter((code, name) for (code, _), name in listed.items())
    return {(code, first): name_since(name, first) if codes[code, name] > 1 else name for (code, first), name in listed.items()}


def name_since(name: str, first: date) -> str:
    """UBND xã Sơn Hạ (từ ngày 01/07/2025)."""
    return f"{name} (từ {day_vi(first)})"


def distinct_names(units: Iterable[tuple[str, date, str]]) -> dict[tuple[str, date], str]:
    """(code, first day) -> name for (code, first day, name); with the code behind it where another has the same name, as after a reform."""
    listed = {(code, first): name for code, first, name in units}
    names, codes = Counter(listed.values()), Counter((code, name) for (code, _), name in listed.items())
    told = {}
    for (code, first), name in listed.items():
        with_code, with_day = names_told_apart(code, first, name)
        told[code, first] = name if names[name] == 1 else with_code if codes[code, name] == 1 else with_day
    return told


def names_told_apart(code: str, first: date, name: str) -> tuple[str, str]:
    """What `distinct_names` calls a unit beside another of its name: with its code, and with its first day where that has the same code, too."""
    return f"{name} (mã {code})", f"{name} (mã {code}, từ {day_vi(first)})"


def unjudged_vi(rates: Iterable[tuple[str, float | None]]) -> str:
    """Why nobody met or missed a target; empty where somebody did. That no target is missed would then be no good news.

    Args:
        rates: status and target of units' rates.
    """
    shown = list(rates)
    if any(status in ("met", "missed") for status, _ in shown):
        return ""
    return "chưa có số liệu của chỉ tiêu nào" if any(target is not None for _, target in shown) else "không có chỉ tiêu nào áp dụng"
