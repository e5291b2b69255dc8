"""The workbook's sheets about what the history of the exports should be asked about, and what was published otherwise before."""

from typing import Any

from flows.figures import Figures
from flows.spreadsheets import Column, typed
from flows.workbook_lists import SOON, colour, list_sheet
from transforms.wording import CAUSES_VI, COUNTED_VI, QUESTION_NOTE_VI, QUESTIONS_VI, STATUS_VI, period_vi


def questions_sheet(sheet: Any, figures: Figures) -> None:
    """One row a question, the weightiest first, with both states, where each stands and the effect on the unit's rate."""
    columns = [Column("Mức", 20), Column("Điều", 26), Column("Mã đơn vị", 15, "code"), Column("Đơn vị", 26), Column("Mã hồ sơ", 27, "code")]
    columns += [
        Column("Số hồ sơ", 8, "count"),
        Column("Thấy từ lần xuất", 16, "moment"),
        Column("Câu hỏi", 60),
        Column("Trước", 34),
        Column("Nơi ghi trước", 30),
    ]
    columns += [Column("Sau", 34), Column("Nơi ghi sau", 30), Column("Ảnh hưởng đến tỷ lệ năm nay", 44)]
    rows = [
        [
            f"{'▲ ' if f.severity == 'ask' else ''}{QUESTIONS_VI[f.severity]}",
            f.label_vi,
            f.unit.code,
            f.unit.name,
            f.case_code,
            f.cases,
            typed(f.found_at),
            f.question_vi,
            f.before_vi,
            f.before_place,
            f.after_vi,
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
        Column("Mã đơn vị", 15, "code"),
        Column("Đơn vị", 28),
        Column("Kỳ", 12),
        Column("Chỉ số", 32),
    ]
    columns += [
        Column("Đã công bố ngày", 12, "date"),
        Column("Tỷ lệ cũ", 9, "percent"),
        Column("Đạt cũ", 8, "count"),
        Column("Tổng cũ", 8, "count"),
    ]
    columns += [Column("Tỷ lệ nay", 9, "percent"), Column("Đạt nay", 8, "count"), Column("Tổng nay", 8, "count"), Column("Kết quả", 24)]
    columns += [Column("Nguyên nhân", 26), Column("Cụ thể", 36), Column("Hồ sơ", 50), Column("Tệp mới", 30)]
    rows = []
    for r in figures.restatements:
        n, d, status = r.now or (None, None, None)
        was, became = STATUS_VI[r.before[2]], STATUS_VI.get(status or "", "Không còn tính")
        rows.append(
            [
                r.restated_on,
                r.unit.code,
                r.unit.name,
                period_vi(r.period.kind, r.period.start),
                figures.labels.get(r.measure, r.measure),
                r.published_on,
                r.before[0] / r.before[1] if r.before[1] else None,
                *r.before[:2],
                n / d if n is not None and d else None,
                n,
                d,
                became if was == became else f"▲ {was} → {became}",
                CAUSES_VI[r.cause],
                r.reason_vi,
                "; ".join(
                    f"{case} ({COUNTED_VI[before]} → {COUNTED_VI[now]}{f'; {place}' if place else ''})"
                    for case, before, now, _, place in r.dossiers
                ),
                r.exports_vi,
            ]
        )
    note = "Tỷ lệ của kỳ đã qua mà ngày công bố sau ghi khác ngày trước, mới nhất trước; không kể tỷ lệ chỉ đổi vì hồ sơ được giải quyết tiếp hoặc đến hạn."
    end = list_sheet(sheet, "SỐ ĐÃ CÔNG BỐ, NAY THAY ĐỔI", note, columns, rows, "so-da-thay-doi.csv")
    if rows:
        colour(sheet, f"J5:M{end - 1}", 'LEFT($M5,1)="▲"', SOON)
