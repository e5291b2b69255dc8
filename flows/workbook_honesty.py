"""The workbook's sheets about what the history of the exports should be asked about, and what was published otherwise before."""

from typing import Any

from flows.figures import Figures, Restatement
from flows.spreadsheets import Column, typed
from flows.workbook_lists import SOON, colour, list_sheet, typed_share
from transforms.wording import COUNTED_VI, QUESTION_NOTE_VI, QUESTIONS_VI, STATUS_VI, period_vi

_MOST_CASES = 5


def questions_sheet(sheet: Any, figures: Figures) -> None:
    """One row a question, the weightiest first; it tells both states, the columns beside it where each stands."""
    columns = [Column("Mức", 19), Column("Điều", 22), Column("Mã đơn vị", 14, "code"), Column("Đơn vị", 22), Column("Mã hồ sơ", 26, "code")]
    columns += [Column("Thấy từ lần xuất", 16, "moment"), Column("Câu hỏi", 58), Column("Nơi ghi trước", 26), Column("Nơi ghi sau", 26)]
    columns += [Column("Ảnh hưởng đến tỷ lệ năm nay", 36)]
    rows = [
        [
            f"{'▲ ' if f.severity == 'ask' else ''}{QUESTIONS_VI[f.severity]}",
            f.label_vi,
            f.unit.code,
            f.unit.called,
            f.case_code or f"{f.cases} hồ sơ",
            typed(f.found_at),
            f.question_vi,
            f.before_place,
            f.place,
            f.effect_vi,
        ]
        for f in figures.findings
    ]
    note = f"{QUESTION_NOTE_VI}. Điều đề nghị giải trình trước, ảnh hưởng nhiều nhất trước. Lịch sử hồ sơ: trang Điều cần hỏi."
    end = list_sheet(sheet, "ĐIỀU CẦN HỎI", note, columns, rows, "can-hoi.csv")
    if rows:
        colour(sheet, f"A5:B{end - 1}", 'LEFT($A5,1)="▲"', SOON)


def restated_sheet(sheet: Any, figures: Figures) -> None:
    """One row a restated rate, newest day first, with the dossiers behind it."""
    columns = [
        Column("Công bố lại", 12, "date"),
        Column("Mã đơn vị", 14, "code"),
        Column("Đơn vị", 22),
        Column("Kỳ", 11),
        Column("Chỉ số", 26),
    ]
    columns += [Column("Đã công bố ngày", 12, "date"), Column("Tỷ lệ cũ", 9, "percent"), Column("Đạt cũ", 7, "count")]
    columns += [
        Column("Tổng cũ", 7, "count"),
        Column("Tỷ lệ nay", 9, "percent"),
        Column("Đạt nay", 7, "count"),
        Column("Tổng nay", 7, "count"),
    ]
    columns += [Column("Kết quả", 20), Column("Nguyên nhân", 30), Column("Hồ sơ", 46), Column("Tệp mới", 22)]
    rows: list[list[object]] = []
    for r in figures.restatements:
        numerator, denominator, status = r.now or (None, None, None)
        was, became = STATUS_VI[r.before[2]], STATUS_VI.get(status or "", "Không còn tính")
        row: list[object] = [r.restated_on, r.unit.code, r.unit.called, period_vi(r.period.kind, r.period.start)]
        row += [figures.labels.get(r.measure, r.measure), r.published_on, typed_share(*r.before[:2], r.target), *r.before[:2]]
        row += [typed_share(*r.now[:2], r.target) if r.now else None, numerator, denominator]
        rows.append([*row, became if was == became else f"▲ {was} → {became}", r.reason_vi, _dossiers(r), r.exports_vi])
    note = (
        "Tỷ lệ của kỳ đã qua mà ngày công bố sau ghi khác ngày trước, mới nhất trước; không kể tỷ lệ chỉ đổi vì hồ sơ được giải quyết tiếp "
        "hoặc đến hạn."
    )
    end = list_sheet(sheet, "SỐ ĐÃ CÔNG BỐ, NAY THAY ĐỔI", note, columns, rows, "so-da-thay-doi.csv")
    if rows:
        colour(sheet, f"J5:M{end - 1}", 'LEFT($M5,1)="▲"', SOON)


def _dossiers(restated: Restatement) -> str:
    told = [
        f"{case} ({COUNTED_VI[before]} → {COUNTED_VI[now]}{f'; {place}' if place else ''})"
        for case, before, now, _, place in restated.dossiers
    ]
    return "; ".join(told[:_MOST_CASES]) + ("; các hồ sơ khác ở tệp so-da-thay-doi.csv" if len(told) > _MOST_CASES else "")
