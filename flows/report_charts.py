"""The pictures of the report: what all units reached together by each measure, and each unit's share of dossiers on time against its target."""

from flows.charts import Chart, field, to_png, to_svg
from flows.office_files import plain_text
from transforms.period_result import MeasureResult, PeriodResult
from transforms.wording import percent_vi

_MET, _MISSED, _RULE = "#5B7FA6", "#8C3B34", "#1A1A1A"
# The letters of Times New Roman, else what the machine has: a server may have no font at all, and words in a family that is missing are left out
# of a PNG. The last one is the Liberation Sans inside vl-convert.
_FONT = "Liberation Serif, Times New Roman, DejaVu Serif, serif, sans-serif"
_MISSED_SIGN = "×"  # not ✗, which few fonts have
_Bar = tuple[str, float, float | None, str]  # name, rate, target or None, the rate as shown
_MOST_UNITS = 60  # more bars than that are no picture; the furthest from the target are shown


def draw_pictures(result: PeriodResult) -> tuple[dict[str, bytes], dict[str, str]]:
    """Every chart of the report by name, as PNG for Word and as SVG for the page; one without figures is left out."""
    charts = {"overall": _overall(result), "on_time": _units(next((m for m in result.measures if m.name == "on_time"), None))}
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    return {name: to_png(chart) for name, chart in drawn.items()}, {name: to_svg(chart) for name, chart in drawn.items()}


def _overall(result: PeriodResult) -> Chart | None:
    """Totals have no target (a target belongs to the level it is written for), so none is drawn and none is called missed."""
    rows: list[_Bar] = [
        (plain_text(m.label_vi), m.total[0] / m.total[1], None, percent_vi(*m.total)) for m in result.measures if m.units and m.total[1]
    ]
    return _bars(rows, "Kết quả chung của các đơn vị") if rows else None


def _units(measure: MeasureResult | None) -> Chart | None:
    if measure is None:
        return None
    rows: list[_Bar] = [
        (plain_text(u.unit_name), u.numerator / u.denominator, u.target, percent_vi(u.numerator, u.denominator, u.target))
        for u in measure.units
        if u.denominator
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    return _bars(rows[:_MOST_UNITS], "Đơn vị, thấp nhất trước; vạch đứng là chỉ tiêu") if rows else None


def _bars(rows: list[_Bar], title: str) -> Chart:
    values = [
        {
            "name": name,
            "rate": rate,
            "target": target,
            "label": shown if target is None or rate >= target else f"{shown} {_MISSED_SIGN}",
            "beyond": rate if target is None else max(rate, target),  # the words never lie on the target's mark
            "met": target is None or rate >= target,
        }
        for name, rate, target, shown in rows
    ]
    targets = [value for value in values if value["target"] is not None]
    place = {"y": field("name", "nominal", sort=None, title=None, axis={"labelLimit": 400, "labelFontSize": 13})}
    axis = {"values": [0, 0.25, 0.5, 0.75, 1], "labelExpr": "datum.value * 100 + ' %'"}
    share = field("rate", "quantitative", title=None, scale={"domain": [0, 1]}, axis=axis)
    colour = field("met", "nominal", scale={"domain": [True, False], "range": [_MET, _MISSED]}, legend=None)
    tick = {"type": "tick", "color": _RULE, "thickness": 2.5, "height": {"band": 0.95}}
    words = {"x": field("beyond", "quantitative"), "text": field("label", "nominal")}
    return {
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "bar", "height": {"band": 0.7}}, "encoding": {**place, "x": share, "color": colour}},
            *(
                [{"data": {"values": targets}, "mark": tick, "encoding": {**place, "x": field("target", "quantitative")}}]
                if targets
                else []
            ),
            {"mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 13}, "encoding": {**place, **words}},
        ],
        "width": 420,
        "height": {"step": 24},
        "title": {"text": title, "fontSize": 13, "fontWeight": "normal", "anchor": "start"},
        "padding": {"right": 70, "left": 5, "top": 5, "bottom": 5},
        "config": {"font": _FONT, "background": "white", "view": {"stroke": None, "clip": False}},
    }
