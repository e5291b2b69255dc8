"""The workbook's lists: missed targets, late receptions, work list, reconciliation and data quality, one sheet each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from openpyxl.formatting.rule import DataBarRule, FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from flows.figures import Difference, Figures, Rate
from flows.spreadsheets import Column, set_page, set_widths, typed, write_note, write_table, write_title
from transforms.layouts import load_lists
from transforms.wording import (
    FILE_STATUS_VI,
    LEVELS_VI,
    LIGHTS_VI,
    PROBLEMS_VI,
    REASONS_VI,
    SEVERITIES_VI,
    SOURCE_LIGHTS_VI,
    STALE_VI,
    STATUS_VI,
    candidates_vi,
    count_vi,
    hours_left_shown,
    hours_shown,
    hundredths_shown,
    moment_vi,
    names_in_time,
    period_vi,
    reception_vi,
    reconciled_vi,
)

_LIGHT_SIGNS = {"green": "✓", "yellow": "▲", "red": "✗"}
_MOST_ROWS = 5_000  # beyond it a sheet helps nobody and takes longer than the build; the CSV beside has every row
BAD = PatternFill("solid", bgColor="F4B6B0", fgColor="F4B6B0")
SOON = PatternFill("solid", bgColor="FFF0C2", fgColor="FFF0C2")


def typed_rate(rate: Rate) -> float | None:
    """The rate as a number, as `typed_share` says."""
    return typed_share(rate.numerator, rate.denominator, rate.target)


def typed_share(numerator: int, denominator: int, target: float | None) -> float | None:
    """A rate as a number; one that a spreadsheet would round onto a whole percent or its target is cut to what all other outputs show."""
    if not denominator:
        return None
    half_up = (2 * numerator * 10_000 + denominator) // (2 * denominator)
    shown = hundredths_shown(numerator, denominator, target)
    return numerator / denominator if shown == half_up else shown / 10_000


def list_sheet(sheet: Any, title: str, note: str, columns: Sequence[Column], rows: Sequence[Sequence[object]], csv_name: str) -> int:
    """A sheet of one long table with filter; returns the row after it."""
    write_title(sheet, 1, title)
    if len(rows) > _MOST_ROWS:
        note = f"{note} Chỉ hiện {count_vi(_MOST_ROWS)} dòng đầu trong {count_vi(len(rows))} dòng; đủ mọi dòng: {csv_name}."
    write_note(sheet, 2, note if rows else f"{note} Không có dòng nào.")
    set_widths(sheet, [column.width for column in columns])
    end = write_table(sheet, 4, columns, rows[:_MOST_ROWS])
    sheet.auto_filter.ref = f"A4:{get_column_letter(len(columns))}{max(end - 1, 4)}"
    sheet.freeze_panes = "A5"
    set_page(sheet, heading_rows="4:4")
    return end


def colour(sheet: Any, cells: str, formula: str, fill: PatternFill) -> None:
    """Cells filled and bold where the formula holds; a sign or word in the row says the same without colour."""
    rule = FormulaRule(formula=[formula], fill=fill, font=Font(bold=True))  # type: ignore[no-untyped-call]
    sheet.conditional_formatting.add(cells, rule)


def missed_sheet(sheet: Any, figures: Figures) -> None:
    """One row a missed target of the current periods, the largest shortfall of each measure first."""
    labels = figures.labels
    found = [r for p in figures.current for r in figures.rates if r.period == p and r.status == "missed"]
    order = {m.name: n for n, m in enumerate(figures.measures)}
    when = {p: n for n, p in enumerate(figures.current)}
    found.sort(key=lambda r: (when[r.period], order[r.measure], -(r.shortfall or 0), r.unit.code if r.unit else ""))
    columns = [
        Column("Kỳ", 11),
        Column("Tiêu chí", 11, "code"),
        Column("Chỉ số", 36),
        Column("Mã đơn vị", 15, "code"),
        Column("Đơn vị", 32),
    ]
    columns += [Column("Cấp", 15), Column("Đạt", 8, "count"), Column("Tổng", 8, "count"), Column("Tỷ lệ", 10, "percent")]
    columns += [Column("Chỉ tiêu", 10, "percent"), Column("Còn thiếu", 8, "count"), Column("Kết quả", 13), Column("Số liệu", 11)]
    rows: list[list[object]] = []
    called = {
        p: names_in_time((r.unit.code, r.unit.valid_from, r.unit.name) for r in figures.rates if r.period == p and r.unit)
        for p in figures.current
    }
    for rate in found:
        if rate.unit is None:
            continue
        row: list[object] = [
            period_vi(rate.period.kind, rate.period.start),
            rate.criterion,
            labels[rate.measure],
            rate.unit.code,
            called[rate.period][rate.unit.key],
        ]
        row += [LEVELS_VI[rate.unit.level], rate.numerator, rate.denominator, typed_rate(rate), rate.target, rate.shortfall]
        rows.append([*row, f"✗ {STATUS_VI['missed']}", f"▲ {STALE_VI}" if rate.is_stale else None])
    end = list_sheet(
        sheet,
        "CHỈ TIÊU KHÔNG ĐẠT",
        "Các kỳ hiện tại; trong mỗi chỉ số, đơn vị còn thiếu nhiều nhất trước.",
        columns,
        rows,
        "chi-tieu-khong-dat.csv",
    )
    if rows:
        sheet.conditional_formatting.add(f"K5:K{end - 1}", DataBarRule("num", 0, "max", None, color="C9746B"))  # type: ignore[no-untyped-call]


def late_sheet(sheet: Any, figures: Figures) -> None:
    """One row a dossier that waited too long for reception, those still waiting first."""
    columns = [Column("Mã hồ sơ", 28, "code"), Column("Mã đơn vị", 16, "code"), Column("Đơn vị", 36), Column("Nộp lúc", 17, "moment")]
    columns += [Column("Tiếp nhận lúc", 17, "moment"), Column("Đã chờ (giờ làm việc)", 12, "hours"), Column("Tình trạng", 16)]
    rows = [
        [
            late.case_code,
            late.unit.code,
            late.unit.called,
            typed(late.submitted_at),
            typed(late.received_at),
            hours_shown(late.waiting_hours),
            ("▲ " if late.is_waiting else "") + reception_vi(late.received_at, is_waiting=late.is_waiting),
        ]
        for late in figures.late
    ]
    note = "Hồ sơ trực tuyến chờ tiếp nhận quá 8 giờ làm việc; hồ sơ đang chờ trước, lâu nhất trước."
    end = list_sheet(sheet, "HỒ SƠ CHẬM TIẾP NHẬN", note, columns, rows, "cham-tiep-nhan.csv")
    if rows:
        colour(sheet, f"A5:G{end - 1}", '$G5="▲ Đang chờ"', BAD)


def worklist_sheet(sheet: Any, figures: Figures) -> None:
    """One row an open dossier to be taken up next, the most urgent first."""
    columns = [Column("Thứ tự", 7, "count"), Column("Mã hồ sơ", 27, "code"), Column("Mã đơn vị", 15, "code"), Column("Đơn vị", 26)]
    columns += [Column("Mã TTHC", 11, "code"), Column("Lĩnh vực", 16), Column("Việc", 20), Column("Phải xong trước", 16, "moment")]
    columns += [Column("Giờ làm việc còn lại", 10, "hours"), Column("Nộp lúc", 16, "moment"), Column("Tiếp nhận lúc", 16, "moment")]
    columns += [Column("Nội dung", 38)]
    rows = [
        [
            w.rank,
            w.case_code,
            w.unit.code,
            w.unit.called,
            w.procedure_code,
            w.field_vi,
            f"{'✗' if w.is_over else '▲'} {PROBLEMS_VI[w.problem]}",
            typed(w.due_at),
            None if w.hours_left is None else hours_left_shown(w.hours_left),
            typed(w.submitted_at),
            typed(w.received_at),
            w.message_vi,
        ]
        for w in figures.worklist
    ]
    note = "Hồ sơ quá hạn, sắp đến hạn, sắp quá 8 giờ chờ tiếp nhận; gấp nhất trước. Số giờ âm là đã quá."
    end = list_sheet(sheet, "VIỆC CẦN LÀM", note, columns, rows, "viec-can-lam.csv")
    if rows:
        colour(sheet, f"G5:I{end - 1}", 'LEFT($G5,1)="✗"', BAD)
        colour(sheet, f"G5:I{end - 1}", 'LEFT($G5,1)="▲"', SOON)


def reconciliation_sheet(sheet: Any, figures: Figures) -> None:
    """One row a figure of an aggregated export beside our own count, differences first."""
    kinds = load_lists().kinds
    columns = [Column("Biểu", 30), Column("Từ ngày", 12, "date"), Column("Đến hết ngày", 12, "date"), Column("Mã đơn vị", 15, "code")]
    columns += [
        Column("Đơn vị", 32),
        Column("Chỉ tiêu trong biểu", 32),
        Column("Số trong biểu", 10, "count"),
        Column("Số tự đếm", 10, "count"),
    ]
    columns += [Column("Chênh lệch", 10, "count"), Column("Nhận xét", 20), Column("Hồ sơ có thể liên quan", 50), Column("Lưu ý", 40)]
    rows = [
        [
            kinds[d.source_kind].label_vi if d.source_kind in kinds else d.source_kind,
            d.period.start,
            d.period.end - timedelta(days=1),
            d.unit.code,
            d.unit.called,
            d.label_vi,
            d.theirs,
            d.ours,
            d.difference,
            f"{_sign(d)}{reconciled_vi(d.difference, d.is_tolerated, d.is_certain)}",
            candidates_vi(d.cases),
            d.note_vi,
        ]
        for d in figures.reconciliation
    ]
    note = "Số trong các biểu tổng hợp do hệ thống xuất, đặt cạnh số tự đếm từ danh sách hồ sơ."
    end = list_sheet(sheet, "ĐỐI CHIẾU", note, columns, rows, "kho dữ liệu, bảng mart.reconciliation")
    if rows:
        colour(sheet, f"G5:J{end - 1}", 'LEFT($J5,1)="✗"', BAD)


def _sign(difference: Difference) -> str:
    return "✓ " if not difference.difference else "✗ " if difference.is_certain and not difference.is_tolerated else "▲ "


def quality_sheet(sheet: Any, figures: Figures) -> None:
    """Freshness, checks, refused rows by reason, and every file; the filter stands on the files."""
    kinds = load_lists().kinds
    widths = (60, 26, 24, 22, 17, 9, 9, 10, 50)
    set_widths(sheet, widths)
    write_title(sheet, 1, "CHẤT LƯỢNG DỮ LIỆU")
    write_note(sheet, 2, f"Số liệu chốt lúc {moment_vi(figures.as_of)}.")
    row = 4

    def section(title: str, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> tuple[int, int]:
        nonlocal row
        write_title(sheet, row, title, size=12)
        first = row + 1
        row = write_table(sheet, first, columns, rows)
        if not rows:
            write_note(sheet, row, "Không có dòng nào.")
            row += 1
        end, row = row - 1, row + 1
        return first, end

    section(
        "Độ mới và độ đầy đủ của số liệu",
        [
            Column("Nội dung", 60),
            Column("Loại tệp xuất", 26),
            Column("Đơn vị", 24),
            Column("Đánh giá", 22),
            Column("Số liệu đến", 17, "moment"),
        ],
        [
            [
                f.message_vi,
                f.kind_vi,
                f.unit.called if f.unit else "Toàn bộ",
                f"{_LIGHT_SIGNS[f.light]} {LIGHTS_VI[f.light]}",
                typed(f.data_as_of),
            ]
            for f in figures.freshness
            if f.unit is None or f.light != "green"
        ],
    )
    section(
        "Nguồn tệp xuất",
        [Column("Nội dung", 60), Column("Nguồn", 26), Column("Tình trạng", 24), Column("Lấy được gần nhất", 22, "moment")],
        [[s.message_vi, s.name, f"{_LIGHT_SIGNS[s.light]} {SOURCE_LIGHTS_VI[s.light]}", typed(s.last_success_at)] for s in figures.sources],
    )
    passed = sum(check.is_passed for check in figures.checks)
    section(
        f"Kiểm tra trước khi công bố: {passed} nội dung không phát hiện gì; còn lại",
        [Column("Nội dung", 60), Column("Mức", 26), Column("Số phát hiện", 24, "count"), Column("Kết quả", 22)],
        [
            [
                c.message_vi,
                SEVERITIES_VI.get(c.severity, c.severity),
                c.found,
                f"Đã chấp nhận: {c.accepted_why}" if c.accepted_why else "✗ Có",
            ]
            for c in figures.checks
            if not c.is_passed
        ],
    )
    section(
        "Dòng bị từ chối, theo lý do",
        [Column("Tệp", 60), Column("Lý do", 26), Column("Cột", 24), Column("Số dòng", 22, "count")],
        [
            [name, REASONS_VI.get(reason, reason), "Đơn vị" if column == "unit" else column, count]
            for reason, column, name, count in figures.rejects
        ],
    )
    first, end = section(
        "Tệp xuất",
        [
            Column("Tệp", 60),
            Column("Trong gói nén", 26),
            Column("Loại", 24),
            Column("Kết quả", 22),
            Column("Xuất lúc", 17, "moment"),
            Column("Số dòng", 9, "count"),
            Column("Đã nạp", 9, "count"),
            Column("Bị từ chối", 10, "count"),
            Column("Lý do, lưu ý", 50),
        ],
        [
            [
                f.name,
                f.member,
                ", ".join(kinds[k].label_vi for k in (f.kind or "").split(",") if k in kinds),
                ("✗ " if f.status == "rejected" else "") + FILE_STATUS_VI[f.status],
                typed(f.exported_at),
                f.rows_data,
                f.rows_loaded,
                f.rows_rejected,
                "; ".join(text for text in (f.error, f.warnings) if text),
            ]
            for f in figures.files
        ],
    )
    sheet.auto_filter.ref = f"A{first}:I{end}"
    if figures.files:
        colour(sheet, f"A{first + 1}:I{end}", f'LEFT($D{first + 1},1)="✗"', BAD)
    sheet.freeze_panes = "A4"
    set_page(sheet, heading_rows="1:2")
