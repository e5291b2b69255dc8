"""The night's workbook: scorecard, missed targets, late receptions, work list, reconciliation and data quality, one sheet each."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from openpyxl.chart import BarChart, Reference
from openpyxl.formatting.rule import DataBarRule, FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from flows.figures import Difference, Figures, Rate
from flows.office_files import write_whole
from flows.spreadsheets import (
    Column,
    Styles,
    book_bytes,
    height,
    new_book,
    put,
    set_page,
    set_wide_page,
    set_widths,
    typed,
    write_note,
    write_table,
    write_title,
)
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
    distinct_names,
    moment_vi,
    period_vi,
    reconciled_vi,
)

SIGNS = {"met": "✓", "missed": "✗", "no_data": "–", "no_target": ""}
_LIGHT_SIGNS = {"green": "✓", "yellow": "▲", "red": "✗"}
_MEASURES_A_PAGE = 5
_MOST_ROWS = 5_000  # beyond it a sheet helps nobody and takes longer than the build; the CSV beside has every row
_BAD = PatternFill("solid", bgColor="F4B6B0", fgColor="F4B6B0")
_SOON = PatternFill("solid", bgColor="FFF0C2", fgColor="FFF0C2")


def write_workbook(figures: Figures, folder: Path) -> Path:
    """The workbook of these figures in `folder`, whole or not at all; returns its path. The same figures give the same bytes."""
    book = new_book(f"Tỷ lệ giải quyết thủ tục hành chính, {moment_vi(figures.as_of)}", figures.as_of)
    _guide(book.create_sheet("Đọc trước"), figures)
    _scorecard(book.create_sheet("Bảng điểm"), figures)
    _missed(book.create_sheet("Chỉ tiêu không đạt"), figures)
    _late(book.create_sheet("Chậm tiếp nhận"), figures)
    _worklist(book.create_sheet("Việc cần làm"), figures)
    _reconciliation(book.create_sheet("Đối chiếu"), figures)
    _quality(book.create_sheet("Chất lượng dữ liệu"), figures)
    return write_whole(folder / f"tthc-{figures.as_of:%Y-%m-%d}.xlsx", book_bytes(book, figures.as_of))


def _rate(rate: Rate) -> float | None:
    """The rate as a number; one below its target, or below 100 %, that two decimals would show as reaching it is cut to them instead."""
    if not rate.denominator:
        return None
    value = rate.numerator / rate.denominator
    shown = (2 * rate.numerator * 10_000 + rate.denominator) // (2 * rate.denominator)
    for limit in (10_000, None if rate.target is None else round(rate.target * 10_000)):
        if limit is not None and shown >= limit and rate.numerator * 10_000 < limit * rate.denominator:
            return (limit - 1) / 10_000
    return value


def _list(sheet: Any, title: str, note: str, columns: Sequence[Column], rows: Sequence[Sequence[object]], csv_name: str) -> int:
    """A sheet of one long table with filter; returns the row after it."""
    write_title(sheet, 1, title)
    if len(rows) > _MOST_ROWS:
        note = f"{note} Chỉ hiện {_MOST_ROWS} dòng đầu trong {len(rows)} dòng; đủ mọi dòng: {csv_name}."
    write_note(sheet, 2, note if rows else f"{note} Không có dòng nào.")
    set_widths(sheet, [column.width for column in columns])
    end = write_table(sheet, 4, columns, rows[:_MOST_ROWS])
    sheet.auto_filter.ref = f"A4:{get_column_letter(len(columns))}{max(end - 1, 4)}"
    sheet.freeze_panes = "A5"
    set_page(sheet, heading_rows="4:4")
    return end


def _colour(sheet: Any, cells: str, formula: str, fill: PatternFill) -> None:
    """Cells filled and bold where the formula holds; a sign or word in the row says the same without colour."""
    rule = FormulaRule(formula=[formula], fill=fill, font=Font(bold=True))  # type: ignore[no-untyped-call]
    sheet.conditional_formatting.add(cells, rule)


def _guide(sheet: Any, figures: Figures) -> None:
    widths = (58, 12, 14, 16, 30)
    set_widths(sheet, widths)
    write_title(sheet, 1, "TỶ LỆ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH THEO ĐƠN VỊ")
    write_note(sheet, 2, f"Số liệu chốt lúc {moment_vi(figures.as_of)}. Không có thông tin cá nhân của công dân.")
    row = 4
    for text in (
        "Bảng điểm: mọi đơn vị trong năm, quý, tháng hiện tại; lọc cột Kỳ để xem một kỳ. KQ: ✓ đạt, ✗ không đạt, – không phát sinh; trống là cấp đó không có chỉ tiêu.",
        "Không phát sinh nghĩa là không có hồ sơ nào để tính: không phải 0 %, cũng không phải 100 %.",
        "Tỷ lệ cộng của nhiều đơn vị là tổng chia tổng, không phải trung bình các tỷ lệ.",
        "Còn thiếu: số hồ sơ (thủ tục) cần thêm để đạt chỉ tiêu trong kỳ.",
        "Màu luôn đi kèm dấu hoặc chữ, nên bản in đen trắng vẫn đọc được.",
    ):
        put(sheet, row, 1, f"• {text}")
        row += 1
    row = _guide_measures(sheet, row + 1, figures)
    _guide_late(sheet, row + 1, figures)
    set_page(sheet)


def _guide_measures(sheet: Any, row: int, figures: Figures) -> int:
    """How many units meet each target this year, with a chart of those that do not; returns the row after."""
    judged = [r for r in figures.now("year") if r.target is not None]
    rows = []
    for measure in figures.measures:
        found = [r.status for r in judged if r.measure == measure.name]
        if found:
            rows.append([measure.label_vi, found.count("met"), found.count("missed"), found.count("no_data"), ""])
            rows[-1][4] = "✗ Có đơn vị không đạt" if found.count("missed") else "✓ Không có đơn vị nào không đạt"
    year = next((p for p in figures.current if p.kind == "year"), None)
    write_title(
        sheet,
        row,
        f"Số đơn vị theo từng chỉ tiêu, {period_vi('year', year.start).lower()}" if year else "Số đơn vị theo từng chỉ tiêu",
        size=12,
    )
    columns = [Column("Chỉ số", 58), Column("Đạt", 12, "count"), Column("Không đạt", 14, "count")]
    columns += [Column("Không phát sinh", 16, "count"), Column("Nhận xét", 30)]
    end = write_table(sheet, row + 1, columns, rows)
    if rows:
        _bars(sheet, f"G{row}", "Số đơn vị không đạt chỉ tiêu", row + 1, end - 1, 3)
    return max(end, row + 18)


def _guide_late(sheet: Any, row: int, figures: Figures) -> None:
    counts: dict[str, list[int]] = {}
    called = distinct_names((late.unit.code, late.unit.valid_from, late.unit.name) for late in figures.late)
    for late in figures.late:
        found = counts.setdefault(called[late.unit.key], [0, 0])
        found[0] += late.is_waiting
        found[1] += not late.is_waiting
    worst = sorted(counts.items(), key=lambda item: (-sum(item[1]), -item[1][0], item[0]))[:15]
    write_title(sheet, row, "Hồ sơ trực tuyến chậm tiếp nhận quá 8 giờ làm việc, nhiều nhất trước", size=12)
    if not worst:
        write_note(sheet, row + 1, "Không có hồ sơ nào.")
        return
    columns = [Column("Đơn vị", 58), Column("Đang chờ", 12, "count"), Column("Đã tiếp nhận", 14, "count"), Column("Cộng", 16, "count")]
    end = write_table(sheet, row + 1, columns, [[name, *counted, sum(counted)] for name, counted in worst])
    _bars(sheet, f"G{row}", "Hồ sơ chậm tiếp nhận", row + 1, end - 1, 4)


def _bars(sheet: Any, at: str, title: str, first: int, last: int, column: int) -> None:
    chart = BarChart()
    chart.type, chart.style, chart.title, chart.legend = "bar", 10, title, None
    chart.add_data(Reference(sheet, min_col=column, min_row=first, max_row=last), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=first + 1, max_row=last))
    chart.series[0].graphicalProperties.solidFill = "7F3B36"
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.majorUnit, chart.y_axis.number_format = None, "0"
    chart.gapWidth = 60
    chart.height, chart.width = 9, 20
    sheet.add_chart(chart, at)


def _scorecard(sheet: Any, figures: Figures) -> None:
    """One row a unit and current period, then its groups; two rows of headings, the measure above its four columns."""
    measures = [m for m in figures.measures if m.family == "plan"]
    fixed = [Column("Kỳ", 11), Column("Mã đơn vị", 15, "code"), Column("Đơn vị", 30), Column("Không đạt", 7, "count")]
    each = [Column("Tỷ lệ", 9, "percent"), Column("Đạt", 7, "count"), Column("Tổng", 7, "count"), Column("KQ", 5, "sign")]
    columns = fixed + each * len(measures)
    set_widths(sheet, [column.width for column in columns])
    write_title(sheet, 1, "BẢNG ĐIỂM")
    write_note(
        sheet,
        2,
        f"Số liệu chốt lúc {moment_vi(figures.as_of)}. KQ: ✓ đạt, ✗ không đạt, – không phát sinh, trống: cấp này không có chỉ tiêu.",
    )
    styles = Styles(sheet)
    for number, column in enumerate(columns, 1):
        styles.apply(put(sheet, 5, number, column.heading), "heading")
        styles.apply(put(sheet, 4, number, None), "heading")
    for number, measure in enumerate(measures):
        first = len(fixed) + 1 + 4 * number
        put(sheet, 4, first, f"{measure.label_vi} ({measure.criterion})")
        sheet.merge_cells(start_row=4, start_column=first, end_row=4, end_column=first + 3)
    sheet.row_dimensions[4].height = height(4)
    sheet.row_dimensions[5].height = height(2)
    last = 5
    for last, values in enumerate(_scores(figures, [m.name for m in measures]), 6):
        for number, (column, value) in enumerate(zip(columns, values, strict=True), 1):
            styles.apply(put(sheet, last, number, value), column.kind)
        if isinstance(values[2], str) and len(values[2]) > 28:
            sheet.row_dimensions[last].height = height(2)
    for number in range(len(measures)):
        left, sign = (get_column_letter(len(fixed) + place + 4 * number) for place in (1, 4))
        if last > 5:
            _colour(sheet, f"{left}6:{sign}{last}", f'${sign}6="✗"', _BAD)
    sheet.auto_filter.ref = f"A5:{get_column_letter(len(columns))}{last}"
    sheet.freeze_panes = "D6"
    cuts = range(len(fixed) + 4 * _MEASURES_A_PAGE, len(columns), 4 * _MEASURES_A_PAGE)
    set_wide_page(sheet, heading_rows="4:5", heading_columns="A:C", break_after=cuts, scale=57)


def _scores(figures: Figures, measures: Sequence[str]) -> Iterable[list[object]]:
    for period in figures.current:
        rows: dict[Any, dict[str, Rate]] = {}
        for rate in (*figures.rates, *figures.groups):
            if rate.period == period:
                rows.setdefault(rate.unit or rate.group, {})[rate.measure] = rate
        for who, rates in rows.items():
            is_unit = not isinstance(who, str)
            name = who.name if is_unit else "Toàn bộ" if who == "all" else f"Cộng {LEVELS_VI[who].lower()}"
            missed = sum(rates[m].status == "missed" for m in measures if m in rates)
            row: list[object] = [period_vi(period.kind, period.start), who.code if is_unit else None, name, missed if is_unit else None]
            for measure in measures:
                rate = rates[measure]
                row += [_rate(rate), rate.numerator, rate.denominator, SIGNS[rate.status] or None]
            yield row


def _missed(sheet: Any, figures: Figures) -> None:
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
    for rate in found:
        if rate.unit is None:
            continue
        row: list[object] = [
            period_vi(rate.period.kind, rate.period.start),
            rate.criterion,
            labels[rate.measure],
            rate.unit.code,
            rate.unit.name,
        ]
        row += [LEVELS_VI[rate.unit.level], rate.numerator, rate.denominator, _rate(rate), rate.target, rate.shortfall]
        rows.append([*row, f"✗ {STATUS_VI['missed']}", f"▲ {STALE_VI}" if rate.is_stale else None])
    end = _list(
        sheet,
        "CHỈ TIÊU KHÔNG ĐẠT",
        "Các kỳ hiện tại; trong mỗi chỉ số, đơn vị còn thiếu nhiều nhất trước.",
        columns,
        rows,
        "chi-tieu-khong-dat.csv",
    )
    if rows:
        sheet.conditional_formatting.add(f"K5:K{end - 1}", DataBarRule("num", 0, "max", None, color="C9746B"))  # type: ignore[no-untyped-call]


def _late(sheet: Any, figures: Figures) -> None:
    columns = [Column("Mã hồ sơ", 28, "code"), Column("Mã đơn vị", 16, "code"), Column("Đơn vị", 36), Column("Nộp lúc", 17, "moment")]
    columns += [Column("Tiếp nhận lúc", 17, "moment"), Column("Đã chờ (giờ làm việc)", 12, "hours"), Column("Tình trạng", 16)]
    rows = [
        [
            late.case_code,
            late.unit.code,
            late.unit.name,
            typed(late.submitted_at),
            typed(late.received_at),
            late.waiting_hours,
            "▲ Đang chờ" if late.is_waiting else "Đã tiếp nhận",
        ]
        for late in figures.late
    ]
    note = "Hồ sơ trực tuyến chờ tiếp nhận quá 8 giờ làm việc; hồ sơ đang chờ trước, lâu nhất trước."
    end = _list(sheet, "HỒ SƠ CHẬM TIẾP NHẬN", note, columns, rows, "cham-tiep-nhan.csv")
    if rows:
        _colour(sheet, f"A5:G{end - 1}", '$G5="▲ Đang chờ"', _BAD)


def _worklist(sheet: Any, figures: Figures) -> None:
    columns = [Column("Thứ tự", 7, "count"), Column("Mã hồ sơ", 27, "code"), Column("Mã đơn vị", 15, "code"), Column("Đơn vị", 26)]
    columns += [Column("Mã TTHC", 11, "code"), Column("Lĩnh vực", 16), Column("Việc", 20), Column("Phải xong trước", 16, "moment")]
    columns += [Column("Giờ làm việc còn lại", 10, "hours"), Column("Nộp lúc", 16, "moment"), Column("Tiếp nhận lúc", 16, "moment")]
    columns += [Column("Nội dung", 38)]
    late = ("reception_over_8h", "overdue")
    rows = [
        [
            w.rank,
            w.case_code,
            w.unit.code,
            w.unit.name,
            w.procedure_code,
            w.field_vi,
            f"{'✗' if w.problem in late else '▲'} {PROBLEMS_VI[w.problem]}",
            typed(w.due_at),
            w.hours_left,
            typed(w.submitted_at),
            typed(w.received_at),
            w.message_vi,
        ]
        for w in figures.worklist
    ]
    note = "Hồ sơ quá hạn, sắp đến hạn, sắp quá 8 giờ chờ tiếp nhận; gấp nhất trước. Số giờ âm là đã quá."
    end = _list(sheet, "VIỆC CẦN LÀM", note, columns, rows, "viec-can-lam.csv")
    if rows:
        _colour(sheet, f"G5:I{end - 1}", 'LEFT($G5,1)="✗"', _BAD)
        _colour(sheet, f"G5:I{end - 1}", 'LEFT($G5,1)="▲"', _SOON)


def _reconciliation(sheet: Any, figures: Figures) -> None:
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
            d.unit.name,
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
    end = _list(sheet, "ĐỐI CHIẾU", note, columns, rows, "kho dữ liệu, bảng mart.reconciliation")
    if rows:
        _colour(sheet, f"G5:J{end - 1}", 'LEFT($J5,1)="✗"', _BAD)


def _sign(difference: Difference) -> str:
    return "✓ " if not difference.difference else "✗ " if difference.is_certain and not difference.is_tolerated else "▲ "


def _quality(sheet: Any, figures: Figures) -> None:
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
                f.unit.name if f.unit else "Toàn bộ",
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
        _colour(sheet, f"A{first + 1}:I{end}", f'LEFT($D{first + 1},1)="✗"', _BAD)
    sheet.freeze_panes = "A4"
    set_page(sheet, heading_rows="1:2")
