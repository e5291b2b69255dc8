"""The first page: each measure against its target, the units ranked, the trend, who waits over 8 hours now and who misses which target."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from flows.charts import Bar, Trend, bars_against_target, ranking, to_svg, trend_panels
from flows.figures import Measure, Period, Rate, Unit
from flows.site.frame import Frame
from flows.site.tables import SIGNS, Cell, Column, Table, number, rate, text, tone_of
from transforms.wording import LEVELS_VI, count_vi, hours_vi, percent_vi, period_vi, target_vi, unjudged_vi

_RANKED = "on_time"
_MOST_BARS = 30


def overview(frame: Frame) -> dict[str, Any]:
    """What templates/index.html shows."""
    year = frame.period.get("year")
    if year is None:
        return {"year": "", "figures_tiles": [], "has_figures": False}
    measures = [m for m in frame.figures.measures if m.family == "plan"]
    current = [r for r in frame.figures.rates if r.period == year and r.unit]
    by_level: dict[tuple[str, str], list[Rate]] = defaultdict(list)
    for found in current:
        if found.unit:
            by_level[found.measure, found.unit.level].append(found)
    levels = [level for level in LEVELS_VI if any(unit.level == level for unit in frame.figures.units)]
    return {
        "has_figures": True,
        "year": period_vi("year", year.start),
        "figures_tiles": _tiles(frame, current, {m.name for m in measures}),
        "measures": _measures_table(frame, measures, levels, by_level, year),
        "measures_svg": _measures_svg(frame, measures, levels, by_level, year),
        "units": _units_table(frame, measures, year),
        "rankings": _rankings(frame, levels, year),
        "ranked_vi": frame.figures.labels.get(_RANKED, ""),
        "trends": trends(frame, measures, frame.groups.get("all", {})),
        "trend_table": trend_table(frame, measures, frame.groups.get("all", {}), "xu-huong-bang"),
        "waiting": _waiting_table(frame),
        "missed": _missed_table(frame, measures, year),
    }


def _tiles(frame: Frame, current: Sequence[Rate], plan: set[str]) -> list[dict[str, str]]:
    states = Counter(r.status for r in current if r.measure in plan)
    missing = {r.unit.key for r in current if r.measure in plan and r.status == "missed" and r.unit}
    waiting = sum(row.is_waiting for row in frame.figures.late)
    overdue = sum(item.problem == "overdue" for item in frame.figures.worklist)
    judged = states["met"] + states["missed"]
    good = "✓" if judged else "–"  # nothing counted yet, as on the first of January, is no success
    return [
        {
            "value": f"{count_vi(states['missed'])}/{count_vi(judged)}",
            "label": "lượt chỉ tiêu của đơn vị không đạt",
            "sign": "✗" if states["missed"] else good,
            "href": "#khong-dat",
        },
        {
            "value": f"{len(missing)}/{len(frame.figures.units)}",
            "label": "đơn vị có chỉ tiêu không đạt",
            "sign": "✗" if missing else good,
            "href": "#don-vi",
        },
        {
            "value": count_vi(waiting),
            "label": "hồ sơ đang chờ tiếp nhận quá 8 giờ làm việc",
            "sign": "!" if waiting else "✓",
            "href": "#dang-cho",
        },
        {"value": count_vi(overdue), "label": "hồ sơ đang quá hạn giải quyết", "sign": "!" if overdue else "✓", "href": "#don-vi"},
    ]


def _target(rates: Sequence[Rate]) -> float | None:
    return next((r.target for r in rates if r.target is not None), None)


def _measures_table(
    frame: Frame, measures: Sequence[Measure], levels: Sequence[str], by_level: dict[tuple[str, str], list[Rate]], year: Period
) -> Table:
    columns = [Column("Chỉ số"), *(Column(LEVELS_VI[level], "number") for level in levels), Column("Toàn bộ", "number")]
    columns += [Column("Đơn vị đạt", "number"), Column("Đơn vị không đạt", "number"), Column("Không phát sinh", "number")]
    rows = []
    for m in measures:
        row = [text(m.label_vi, sub=f"Tiêu chí {m.criterion}", href=f"tu-dien.html#{m.name}")]
        for level in levels:
            found, target = frame.groups.get(level, {}).get((m.name, year)), _target(by_level[m.name, level])
            tone = ""
            if found and found.denominator and target is not None:
                tone = "below" if found.numerator / found.denominator < target else "above"
            row.append(rate(found, tone=tone, sub=f"chỉ tiêu {target_vi(target)}" if target is not None else ""))
        row.append(rate(frame.groups.get("all", {}).get((m.name, year)), tone=""))
        states = Counter(r.status for level in levels for r in by_level[m.name, level])
        rows.append([*row, number(states["met"]), number(states["missed"]), number(states["no_data"])])
    return Table(
        "chi-so",
        f"Từng chỉ số so với chỉ tiêu, {period_vi('year', year.start).lower()}",
        columns,
        rows,
        note="Tỷ lệ của một cấp là tổng chia tổng các đơn vị cấp đó. ▲ từ chỉ tiêu trở lên, ▼ dưới chỉ tiêu của cấp; đạt hay không đạt chỉ xét từng đơn vị.",
        is_wide=True,
    )


def _measures_svg(
    frame: Frame, measures: Sequence[Measure], levels: Sequence[str], by_level: dict[tuple[str, str], list[Rate]], year: Period
) -> str:
    targeted = [level for level in levels if any(_target(by_level[m.name, level]) is not None for m in measures)]
    bars = []
    for m in measures:
        for level in targeted:
            found, target = frame.groups.get(level, {}).get((m.name, year)), _target(by_level[m.name, level])
            if target is None:
                continue
            share = found.numerator / found.denominator if found and found.denominator else None
            shown = percent_vi(found.numerator, found.denominator, target) if found else ""
            bars.append(Bar(m.label_vi, LEVELS_VI[level], share, target, shown or "không phát sinh"))
    return to_svg(bars_against_target(bars)) if bars else ""


def _units_table(frame: Frame, measures: Sequence[Measure], year: Period) -> Table:
    columns = [Column("Đơn vị"), Column("Cấp"), Column("Chỉ tiêu không đạt", "number"), Column("Hồ sơ còn thiếu", "number")]
    columns += [Column(m.label_vi, "number", is_wide=True) for m in measures]
    ranked = []
    for unit in frame.figures.units:
        found = [frame.rates[unit.key].get((m.name, year)) for m in measures]
        missed = sum(r is not None and r.status == "missed" for r in found)
        judged = sum(r is not None and r.status in ("met", "missed") for r in found)
        short = sum(
            r.shortfall or 0 for m, r in zip(measures, found, strict=True) if r and r.status == "missed" and not m.counts_procedures
        )
        stale = "⏱ số liệu cũ" if unit.key in frame.stale else ""
        count = Cell(f"{missed}/{judged}" if judged else "–", sort=missed if judged else None, is_empty=not judged)
        row = [text(unit.called, href=frame.link(unit), sub=stale), text(LEVELS_VI[unit.level]), count, number(short if judged else None)]
        ranked.append(((-missed, -short), [*row, *(rate(r) for r in found)]))
    ranked.sort(key=lambda pair: pair[0])  # stable: equals stay by level and code
    return Table(
        "don-vi",
        f"Các đơn vị, {period_vi('year', year.start).lower()}: nhiều chỉ tiêu không đạt nhất ở trên",
        columns,
        [row for _, row in ranked],
        note="✓ đạt, ✗ không đạt, ⏱ đạt theo số liệu cũ, chưa kết luận được, không dấu: cấp đó không được giao chỉ tiêu, –: không phát sinh. Bấm tiêu đề cột để xếp theo cột đó.",
        is_searchable=True,
        is_wide=True,
        search_label="Tìm đơn vị",
    )


def _rankings(frame: Frame, levels: Sequence[str], year: Period) -> list[dict[str, str]]:
    drawn = []
    for level in levels:
        units = [u for u in frame.figures.units if u.level == level]
        rows = [(unit, frame.rates[unit.key].get((_RANKED, year))) for unit in units]
        known = sorted(
            ((unit, r) for unit, r in rows if r and r.denominator), key=lambda pair: (pair[1].numerator / pair[1].denominator, pair[0].code)
        )
        if len(known) < 2:
            continue
        bars = [_bar(unit, r) for unit, r in known[:_MOST_BARS]]
        title = LEVELS_VI[level] if len(known) <= _MOST_BARS else f"{LEVELS_VI[level]}: {_MOST_BARS} đơn vị thấp nhất trong {len(known)}"
        drawn.append({"title": title, "svg": to_svg(ranking(bars))})
    return drawn


def _bar(unit: Unit, found: Rate) -> Bar:
    shown = percent_vi(found.numerator, found.denominator, found.target)
    sign = SIGNS[tone_of(found)]
    return Bar(unit.called, "", found.numerator / found.denominator, found.target, f"{sign} {shown}".strip())


def trends(frame: Frame, measures: Sequence[Measure], rates: dict[tuple[str, Period], Rate]) -> list[dict[str, str]]:
    """The small multiples of one unit or group, month by month, with the words that go with each."""
    months = frame.months
    if not months:
        return []
    found = [[rates.get((m.name, month)) for month in months] for m in measures]
    sheets = trend_panels(
        [Trend([(r.numerator, r.denominator) if r else None for r in row], [r.target if r else None for r in row]) for row in found],
        [f"{month.start:%m/%Y}" for month in months],
    )
    panels = []
    for m, row, svg in zip(measures, found, sheets, strict=True):
        last = next((r for r in reversed(row) if r and r.denominator), None)
        words = "không phát sinh"
        if last:
            words = f"{period_vi('month', last.period.start).lower()}: {percent_vi(last.numerator, last.denominator, last.target)}"
            words += f" ({count_vi(last.numerator)}/{count_vi(last.denominator)})"
        panels.append({"title": m.label_vi, "words": words, "svg": svg})
    return panels


def trend_table(frame: Frame, measures: Sequence[Measure], rates: dict[tuple[str, Period], Rate], name: str) -> Table:
    """The numbers of the small multiples: a row a month, a column a measure."""
    columns = [Column("Tháng", "date"), *(Column(m.label_vi, "number", is_wide=True) for m in measures)]
    rows = []
    for month in reversed(frame.months):
        first = Cell(period_vi("month", month.start), sort=f"{month.start:%Y%m%d}0000")
        rows.append([first, *(rate(rates.get((m.name, month))) for m in measures)])
    return Table(name, "Số liệu của biểu đồ xu hướng theo tháng", columns, rows, is_wide=True)


def _waiting_table(frame: Frame) -> Table:
    waits: dict[tuple[str, date], list[float]] = defaultdict(list)
    units: dict[tuple[str, date], Unit] = {}
    for row in frame.figures.late:
        if row.is_waiting:
            waits[row.unit.key].append(row.waiting_hours)
            units[row.unit.key] = row.unit
    rows = [
        [text(units[key].called, href=frame.link(units[key])), number(len(hours)), number(max(hours), hours_vi(max(hours)))]
        for key, hours in sorted(waits.items(), key=lambda item: (-len(item[1]), -max(item[1]), item[0]))
    ]
    columns = [Column("Đơn vị"), Column("Hồ sơ đang chờ", "number"), Column("Lâu nhất (giờ làm việc)", "number")]
    return Table("dang-cho", "Đang để hồ sơ trực tuyến chờ tiếp nhận quá 8 giờ làm việc", columns, rows, empty="Không đơn vị nào.")


def _missed_table(frame: Frame, measures: Sequence[Measure], year: Period) -> Table:
    order = {m.name: place for place, m in enumerate(measures)}
    labels = frame.figures.labels
    missed = [r for r in frame.figures.rates if r.period == year and r.status == "missed" and r.unit and r.measure in order]
    missed.sort(key=lambda r: (-(r.shortfall or 0), r.unit.key if r.unit else (), order[r.measure]))
    columns = [Column("Đơn vị"), Column("Chỉ số"), Column("Tỷ lệ", "number"), Column("Đạt/Tổng", "number")]
    columns += [Column("Chỉ tiêu", "number"), Column("Còn thiếu", "number")]
    rows = [
        [
            text(r.unit.called, href=frame.link(r.unit), sub="⏱ số liệu cũ" if r.is_stale else ""),
            text(labels[r.measure]),
            rate(r, with_counts=False),
            Cell(f"{count_vi(r.numerator)}/{count_vi(r.denominator)}", sort=r.denominator),
            number(r.target, target_vi(r.target)),
            number(r.shortfall),
        ]
        for r in missed
        if r.unit
    ]
    why = unjudged_vi((r.status, r.target) for r in frame.figures.rates if r.unit and r.period == year and r.measure in order)
    return Table(
        "khong-dat",
        f"Chỉ tiêu không đạt, {period_vi('year', year.start).lower()}: thiếu nhiều nhất ở trên",
        columns,
        rows,
        note="Còn thiếu: số hồ sơ (thủ tục) phải đạt thêm trong số đã có để tỷ lệ bằng chỉ tiêu.",
        is_searchable=True,
        empty=f"{why[:1].upper()}{why[1:]}." if why else "Mọi đơn vị đều đạt các chỉ tiêu có số liệu.",
        search_label="Tìm đơn vị hoặc chỉ số",
    )
