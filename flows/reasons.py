"""Why a dossier missed a numerator, in an official's words: what the conditions it does not meet look at."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from expectations import load_contracts
from transforms.measures import columns_in
from transforms.pending import OPEN
from transforms.wording import hours_vi

CASE_STATUS_VI = {
    1: "Mới đăng ký",
    2: "Được tiếp nhận",
    3: "Không được tiếp nhận",
    4: "Đang xử lý",
    5: "Yêu cầu bổ sung giấy tờ",
    6: "Yêu cầu thực hiện nghĩa vụ tài chính",
    7: "Công dân yêu cầu rút hồ sơ",
    8: "Dừng xử lý",
    9: "Đã xử lý xong",
    10: "Đã trả kết quả",
}
_CHANNELS_VI = {"online": "nộp trực tuyến", "counter": "nộp trực tiếp", "postal": "nộp qua bưu chính"}
_ENDS = ("is_finished", "is_ended", "ended_at", "due_at")
_INPUT_VI = {None: "không rõ thành phần đã số hóa chưa", 0: "thành phần chưa số hóa"}
_YES_NO_VI = {
    "is_paid_online": ("đã thanh toán trực tuyến", "chưa thanh toán trực tuyến khoản nào", ""),
    "has_online_line": ("đã thanh toán trực tuyến", "chưa thanh toán trực tuyến khoản nào", ""),
    "is_result_digitized": ("kết quả đã số hóa", "kết quả chưa số hóa", "không rõ kết quả đã số hóa chưa"),
    "is_e_result": ("đã cấp kết quả điện tử", "chưa cấp kết quả điện tử", "không rõ đã cấp kết quả điện tử chưa"),
    "has_result": ("", "thủ tục không có kết quả", ""),
}


def why_missed(dossier: Mapping[str, Any], period_end: date, cutoff: date | None) -> str:
    """Why a dossier is not in the numerator; empty for one that is.

    Args:
        dossier: one row of `render_dossiers`.
        period_end: day after the period's last one.
        cutoff: last day reached in the period, for measures that look at dossiers as they were then; None for those that look at them now.
    """
    columns = columns_in(dossier["missed"] or "")
    supplements = dossier.get("supplement_count")
    if "supplement_count" in columns and supplements is not None and supplements > 1:
        return f"yêu cầu bổ sung {supplements} lần"
    phrases = []
    if any(column in columns for column in _ENDS):
        phrases.append(_end_vi(dossier, columns, period_end, cutoff))
    for column in columns:
        value = dossier.get(column)
        if column in (*_ENDS, "supplement_count"):
            continue
        if column in _YES_NO_VI:
            phrases.append(_YES_NO_VI[column][2 if value is None else int(not value)])
        elif column == "channel":
            phrases.append(_CHANNELS_VI.get(str(value), str(value)))
        elif column == "digitized_input_code":
            phrases.append(_INPUT_VI.get(value, "thành phần đã số hóa"))
        elif column == "waiting_hours":
            is_open = dossier["status_code"] in OPEN
            still = "" if dossier.get("received_at") else ", còn đang chờ" if is_open else ", đã kết thúc mà không ghi tiếp nhận"
            phrases.append("không rõ giờ chờ tiếp nhận" if value is None else f"chờ tiếp nhận {hours_vi(value)} làm việc{still}")
        else:
            phrases.append(f"{_label(column)}: {_shown(value)}")
    return "; ".join(phrase for phrase in phrases if phrase)


def _end_vi(dossier: Mapping[str, Any], columns: list[str], period_end: date, cutoff: date | None) -> str:
    ended, due = dossier.get("ended_at"), dossier.get("due_at")
    flags = [dossier[flag] for flag in ("is_finished", "is_ended") if flag in dossier]
    is_done = all(flags) if flags else ended is not None
    deadline = "" if "due_at" not in columns and due is None else f", hạn {due:%d/%m/%Y}" if due else ", không có hạn"
    if cutoff and not (is_done and ended and ended.date() < period_end):
        return f"đến {cutoff:%d/%m/%Y} chưa kết thúc{deadline}"
    if is_done:
        return f"kết thúc {ended:%d/%m/%Y}{deadline}" if ended else f"đã kết thúc{deadline}"
    status = CASE_STATUS_VI.get(dossier["status_code"], "")
    if ended:
        return f"có ngày kết thúc {ended:%d/%m/%Y} nhưng trạng thái “{status}”{deadline}"
    return f"chưa kết thúc (“{status}”){deadline}"


def _label(column: str) -> str:
    known = load_contracts()["core.cases"].columns
    return known[column].vi if column in known else column


def _shown(value: object) -> str:
    if value is None:
        return "(trống)"
    if isinstance(value, bool):
        return "có" if value else "không"
    return f"{value:%d/%m/%Y}" if isinstance(value, datetime) else str(value)
