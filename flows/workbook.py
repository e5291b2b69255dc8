"""The night's workbook: the guide, the scorecard, and the lists of flows/workbook_lists.py and flows/workbook_honesty.py, one sheet each."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl.chart import BarChart, Reference
from openpyxl.utils import get_column_letter

from flows.figures import Figures, Rate
from flows.office_files import write_whole
from flows.spreadsheets import (
    Column,
    Styles,
    book_bytes,
    height,
    lines,
    new_book,
    put,
    set_page,
    set_wide_page,
    set_widths,
    write_note,
    write_table,
    write_title,
)
from flows.workbook_honesty import questions_sheet, restated_sheet
from flows.workbook_lists import BAD, colour, late_sheet, missed_sheet, quality_sheet, reconciliation_sheet, typed_rate, worklist_sheet
from transforms.wording import (
    LEVELS_VI,
    moment_vi,
    names_in_time,
    period_vi,
)

SIGNS = {"met": "✓", "missed": "✗", "no_data": "–", "no_target": ""}
STALE_SIGN = "▲"  # met, but by old data: nothing to conclude from
_MEASURES_A_PAGE = 5


def write_workbook(figures: Figures, folder: Path) -> Path:
    """The workbook of these figures in `folder`, whole or not at all; returns its path. The same figures give the same bytes."""
    book = new_book(f"Tỷ lệ giải quyết thủ tục hành chính, {moment_vi(figures.as_of)}", figures.as_of)
    _guide(book.create_sheet("Đọc trước"), figures)
    _scorecard(book.create_sheet("Bảng điểm"), figures)
    missed_sheet(book.create_sheet("Chỉ tiêu không đạt"), figures)
    late_sheet(book.create_sheet("Chậm tiếp nhận"), figures)
    worklist_sheet(book.create_sheet("Việc cần làm"), figures)
    reconciliation_sheet(book.create_sheet("Đối chiếu"), figures)
    questions_sheet(book.create_sheet("Cần hỏi"), figures)
    restated_sheet(book.create_sheet("Số đã thay đổi"), figures)
    quality_sheet(book.create_sheet("Chất lượng dữ liệu"), figures)
    return write_whole(folder / f"tthc-{figures.as_of:%Y-%m-%d}.xlsx", book_bytes(book, figures.as_of))


def _guide(sheet: Any, figures: Figures) -> None:
    widths = (58, 12, 14, 16, 30)
    set_widths(sheet, widths)
    write_title(sheet, 1, "TỶ LỆ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH THEO ĐƠN VỊ")
    write_note(sheet, 2, f"Số liệu chốt lúc {moment_vi(figures.as_of)}. Không có thông tin cá nhân của công dân.")
    row = 4
    for text in (
        "Bảng điểm: mọi đơn vị trong năm, quý, tháng hiện tại; lọc cột Kỳ để xem một kỳ. KQ: ✓ đạt, ✗ không đạt, – không phát sinh, ▲ đạt theo số liệu cũ, chưa kết luận được; trống là cấp đó không có chỉ tiêu.",
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
        old = sum(r.is_stale for r in judged if r.measure == measure.name)
        if found:
            rows.append([measure.label_vi, found.count("met"), found.count("missed"), found.count("no_data"), ""])
            none = f"{STALE_SIGN} {old} đơn vị theo số liệu cũ" if old else "✓ Không có đơn vị nào không đạt"
            rows[-1][4] = "✗ Có đơn vị không đạt" if found.count("missed") else none
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
    for late in figures.late:
        found = counts.setdefault(late.unit.called, [0, 0])
        found[0] += late.is_waiting
        found[1] += not late.is_waiting
    worst = sorted(counts.items(), key=lambda item: (-sum(item[1]), -item[1][0], item[0]))[:15]
    write_title(sheet, row, "Hồ sơ trực tuyến chậm tiếp nhận quá 8 giờ làm việc, nhiều nhất trước", size=12)
    if not worst:
        write_note(sheet, row + 1, "Không có hồ sơ nào.")
        return
    columns = [Column("Đơn vị", 58), Column("Đang chờ", 12, "count"), Column("Không còn chờ", 14, "count"), Column("Cộng", 16, "count")]
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
        f"Số liệu chốt lúc {moment_vi(figures.as_of)}. KQ: ✓ đạt, ✗ không đạt, – không phát sinh, ▲ đạt theo số liệu cũ, chưa kết luận được, trống: cấp này không có chỉ tiêu.",
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
            styles.put(last, number, value, column.kind)
        tall = lines(str(values[2]), 0.9 * fixed[2].width)  # room for letters wider than the average
        if tall > 1:
            sheet.row_dimensions[last].height = height(tall)
    for number in range(len(measures)):
        left, sign = (get_column_letter(len(fixed) + place + 4 * number) for place in (1, 4))
        if last > 5:
            colour(sheet, f"{left}6:{sign}{last}", f'${sign}6="✗"', BAD)
    sheet.auto_filter.ref = f"A5:{get_column_letter(len(columns))}{last}"
    sheet.freeze_panes = "D6"
    cuts = range(len(fixed) + 4 * _MEASURES_A_PAGE, len(columns), 4 * _MEASURES_A_PAGE)
    set_wide_page(sheet, heading_rows="4:5", heading_columns="A:C", break_after=cuts, scale=54)


def _scores(figures: Figures, measures: Sequence[str]) -> Iterable[list[object]]:
    for period in figures.current:
        rows: dict[Any, dict[str, Rate]] = {}
        for rate in (*figures.rates, *figures.groups):
            if rate.period == period:
                rows.setdefault(rate.unit or rate.group, {})[rate.measure] = rate
        called = names_in_time((who.code, who.valid_from, who.name) for who in rows if not isinstance(who, str))
        for who, rates in rows.items():
            is_unit = not isinstance(who, str)
            name = called[who.key] if is_unit else "Toàn bộ" if who == "all" else f"Cộng {LEVELS_VI[who].lower()}"
            missed = sum(rates[m].status == "missed" for m in measures if m in rates)
            row: list[object] = [period_vi(period.kind, period.start), who.code if is_unit else None, name, missed if is_unit else None]
            for measure in measures:
                rate = rates[measure]
                sign = STALE_SIGN if rate.is_stale and rate.status == "met" else SIGNS[rate.status]
                row += [typed_rate(rate), rate.numerator, rate.denominator, sign or None]
            yield row
