"""The page of one unit: its rates, their trend, what it has to do next, whom it kept waiting, and what it needs to reach its targets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flows.figures import Measure, Unit, WorkItem
from flows.site.frame import Frame
from flows.site.honesty import of_unit
from flows.site.overview import trend_table, trends
from flows.site.receptions import receptions_table
from flows.site.tables import Cell, Column, Table, moment, number, rate, text, tone_of
from transforms.wording import LEVELS_VI, PROBLEMS_VI, STATUS_VI, count_vi, hours_left_vi, percent_vi, period_vi, target_vi

_MOST_ROWS = 1_000
_HANDED = "viec-don-vi-cu"


def unit_page(frame: Frame, unit: Unit) -> dict[str, Any]:
    """What templates/don-vi.html shows."""
    plan = [m for m in frame.figures.measures if m.family == "plan"]
    others = [m for m in frame.figures.measures if m.family != "plan"]
    late = frame.late.get(unit.key, [])
    restated, asked = of_unit(frame, unit)
    return {
        "unit": unit,
        "level": LEVELS_VI[unit.level],
        "since": f"{unit.valid_from:%d/%m/%Y}",
        "is_stale": unit.key in frame.stale,
        "data_moment": frame.data_moment(unit),
        "problems": [row for row in frame.figures.freshness if row.unit == unit and row.light != "green"],
        "flags": [message for _, flagged, message in frame.figures.flags if flagged == unit],
        "figures_tiles": _tiles(frame, unit, plan),
        "rates": _rates_table(frame, unit, plan, "ty-le", "Các chỉ số của kế hoạch năm"),
        "others": _rates_table(frame, unit, others, "ty-le-khac", "Cách tính của Cổng Dịch vụ công quốc gia (QĐ 766) và Biểu số 06"),
        "needed": _needed_table(frame, unit),
        "trends": trends(frame, plan, frame.rates[unit.key]),
        "trend_table": trend_table(frame, plan, frame.rates[unit.key], "xu-huong-bang"),
        "worklist": _worklist_table(frame.worklist.get(unit.key, [])),
        "handed": _handed_table(frame, unit),
        "late": receptions_table(frame, late, "cham-tiep-nhan", "../", with_unit=False, most=_MOST_ROWS),
        "honest": [table for table in (restated, asked) if table],
    }


def _tiles(frame: Frame, unit: Unit, plan: Sequence[Measure]) -> list[dict[str, str]]:
    year = frame.period.get("year")
    found = [frame.rates[unit.key].get((m.name, year)) for m in plan] if year else []
    missed = sum(r is not None and r.status == "missed" for r in found)
    judged = sum(r is not None and r.status in ("met", "missed") for r in found)
    waiting = sum(row.is_waiting for row in frame.late.get(unit.key, []))
    items = frame.worklist.get(unit.key, [])
    overdue, soon = (sum(item.problem == problem for item in items) for problem in ("overdue", "due_soon"))
    sign = "–" if not judged else "✗" if missed else "✓"
    handed = len(frame.figures.handed_over([unit]))
    left = {"value": count_vi(handed), "label": "việc do đơn vị cũ để lại", "sign": "!", "href": f"#{_HANDED}"}
    return [
        {"value": f"{missed}/{judged}", "label": "chỉ tiêu không đạt", "sign": sign, "href": "#ty-le"},
        {
            "value": count_vi(waiting),
            "label": "hồ sơ đang chờ tiếp nhận quá 8 giờ",
            "sign": "!" if waiting else "✓",
            "href": "#cham-tiep-nhan",
        },
        {"value": count_vi(overdue), "label": "hồ sơ đang quá hạn", "sign": "!" if overdue else "✓", "href": "#viec-can-lam"},
        {"value": count_vi(soon), "label": "hồ sơ sắp đến hạn", "sign": "!" if soon else "✓", "href": "#viec-can-lam"},
        *([left] if handed else []),
    ]


def _rates_table(frame: Frame, unit: Unit, measures: Sequence[Measure], name: str, caption: str) -> Table:
    found, ranks = frame.rates[unit.key], frame.ranks.get(unit.key, {})
    periods = [frame.period[kind] for kind in ("year", "quarter", "month") if kind in frame.period]
    is_plan = any(m.family == "plan" for m in measures)
    columns = [Column("Chỉ số"), *(Column(period_vi(p.kind, p.start), "number") for p in periods)]
    if is_plan:
        columns += [Column("Chỉ tiêu", "number"), Column("Kết quả năm"), Column("Còn thiếu", "number"), Column("Hạng trong cấp", "number")]
    rows = []
    for m in measures:
        cells = [found.get((m.name, period)) for period in periods]
        row = [text(m.label_vi, sub=f"Tiêu chí {m.criterion}" if is_plan else m.criterion, href=f"../tu-dien.html#{m.name}")]
        row += [rate(cell) for cell in cells]
        if is_plan:
            year = cells[0] if cells else None
            status = year.status if year else "no_data"
            place = ranks.get((m.name, periods[0])) if periods else None
            target = year.target if year else None
            row += [
                number(target, target_vi(target)),
                Cell(STATUS_VI[status], tone=tone_of(year) if year else status, sub="⏱ theo số liệu cũ" if year and year.is_stale else ""),
                number(year.shortfall if year and year.status == "missed" else None),
                Cell(f"{place[0]}/{place[1]}", sort=place[0]) if place else Cell("", is_empty=True),
            ]
        rows.append(row)
    return Table(name, caption, columns, rows, is_wide=is_plan)


def _needed_table(frame: Frame, unit: Unit) -> Table:
    columns = [Column("Chỉ số"), Column("Đến nay", "number"), Column("Chỉ tiêu", "number"), Column("Còn lại trong năm (dự kiến)", "number")]
    columns += [Column("Phải đạt thêm", "number"), Column("Còn kịp"), Column("Dự báo cuối năm", "number"), Column("Nội dung")]
    rows = []
    for n in frame.needed.get(unit.key, []):
        possible = {True: Cell("Còn kịp", tone="met"), False: Cell("Không còn kịp", tone="missed")}.get(bool(n.is_possible))
        share = n.numerator / n.denominator if n.denominator else None
        now = number(share, percent_vi(n.numerator, n.denominator, n.target))
        forecast = number(n.forecast, None if n.forecast is None else percent_vi(int(n.forecast * 1000 + 1e-9), 1000))
        if n.forecast is not None and not n.is_reliable:
            forecast = Cell(forecast.text, sort=forecast.sort, sub="ít dữ liệu")
        rows.append(
            [
                text(frame.figures.labels[n.measure]),
                now,
                number(n.target, target_vi(n.target)),
                number(n.remaining),
                number(n.needed),
                possible if n.is_possible is not None and possible else Cell("–", is_empty=True),
                forecast,
                text(n.message_vi),
            ]
        )
    return Table(
        "can-dat", "Cần gì để cuối năm đạt chỉ tiêu", columns, rows, empty="Đơn vị không được giao chỉ tiêu nào tính được.", is_wide=True
    )


def _hours_left(item: WorkItem) -> Cell:
    """The working hours left."""
    return number(item.hours_left, None if item.hours_left is None else hours_left_vi(item.hours_left, is_over=item.is_over))


def _handed_table(frame: Frame, unit: Unit) -> Table | None:
    """What units that have ended left open; None where they left nothing."""
    items = frame.figures.handed_over([unit])
    if not items:
        return None
    names = ", ".join(dict.fromkeys(item.unit.called for item in items))
    return replace(_worklist_table(items), id=_HANDED, caption=f"Việc do đơn vị cũ để lại ({count_vi(len(items))}): {names}")


def _worklist_table(items: Sequence[WorkItem]) -> Table:
    columns = [Column("Thứ tự", "number"), Column("Mã hồ sơ", "code"), Column("Việc"), Column("Phải xong trước", "date")]
    columns += [Column("Giờ làm việc", "number"), Column("Thủ tục", "code"), Column("Lĩnh vực"), Column("Nội dung")]
    rows = [
        [
            number(place),
            text(item.case_code),
            Cell(PROBLEMS_VI[item.problem], tone="missed" if item.is_over else "warn"),
            moment(item.due_at),
            _hours_left(item),
            text(item.procedure_code),
            text(item.field_vi),
            text(item.message_vi),
        ]
        for place, item in enumerate(items[:_MOST_ROWS], 1)
    ]
    cut = (
        f" Ở đây có {count_vi(_MOST_ROWS)} việc gấp nhất trong {count_vi(len(items))}; đủ danh sách ở tệp viec-can-lam.csv."
        if len(items) > _MOST_ROWS
        else ""
    )
    return Table(
        "viec-can-lam",
        f"Việc cần làm ({count_vi(len(items))}), gấp nhất ở trên",
        columns,
        rows,
        note=f"Hồ sơ quá hạn, sắp đến hạn, hoặc chờ tiếp nhận sắp quá hay đã quá 8 giờ làm việc.{cut}",
        is_searchable=True,
        is_wide=True,
        empty="Không có hồ sơ nào quá hạn, sắp đến hạn hay chờ tiếp nhận lâu.",
        search_label="Tìm hồ sơ",
    )
