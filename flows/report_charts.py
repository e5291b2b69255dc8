"""The pictures of the report: all units against each target, and each unit's share of dossiers on time."""

import altair as alt
import pandas as pd

from flows.charts import to_png, to_svg
from flows.office_files import plain_text
from transforms.report_text import MeasureResult, PeriodResult
from transforms.wording import percent_vi

_MET, _MISSED, _RULE = "#5B7FA6", "#8C3B34", "#1A1A1A"
_FONT = "Liberation Serif"  # the letters of Times New Roman; the Liberation Sans inside vl-convert has none for ạ or ệ
_MOST_UNITS = 60  # more bars than that are no picture; the furthest from the target are shown


def draw_pictures(result: PeriodResult) -> tuple[dict[str, bytes], dict[str, str]]:
    """Every chart of the report by name, as PNG for Word and as SVG for the page; one without figures is left out."""
    charts = {"overall": _overall(result), "on_time": _units(next((m for m in result.measures if m.name == "on_time"), None))}
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    return {name: to_png(chart) for name, chart in drawn.items()}, {name: to_svg(chart) for name, chart in drawn.items()}


def _overall(result: PeriodResult) -> alt.LayerChart | None:
    rows = [
        (plain_text(m.label_vi), m.total[0] / m.total[1], min(u.target for u in m.units), percent_vi(*m.total))
        for m in result.measures
        if m.units and m.total[1]
    ]
    return _bars(rows, "Kết quả chung; vạch đứng là chỉ tiêu") if rows else None


def _units(measure: MeasureResult | None) -> alt.LayerChart | None:
    if measure is None:
        return None
    rows = [
        (plain_text(u.unit_name), u.numerator / u.denominator, u.target, percent_vi(u.numerator, u.denominator, u.target))
        for u in measure.units
        if u.denominator
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    return _bars(rows[:_MOST_UNITS], "Đơn vị, thấp nhất trước; vạch đứng là chỉ tiêu") if rows else None


def _bars(rows: list[tuple[str, float, float, str]], title: str) -> alt.LayerChart:
    frame = pd.DataFrame(rows, columns=["name", "rate", "target", "shown"])
    frame["label"] = [
        shown + ("" if rate >= target else " ✗") for rate, target, shown in zip(frame.rate, frame.target, frame.shown, strict=True)
    ]
    frame["beyond"] = frame[["rate", "target"]].max(axis=1)  # the words never lie on the target's mark
    frame["met"] = frame.rate >= frame.target
    base = alt.Chart(frame).encode(y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=400, labelFontSize=13)))
    bars = base.mark_bar(height={"band": 0.7}).encode(
        x=alt.X(
            "rate:Q",
            title=None,
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], labelExpr="datum.value * 100 + ' %'"),
        ),
        color=alt.Color("met:N", scale=alt.Scale(domain=[True, False], range=[_MET, _MISSED]), legend=None),
    )
    ticks = base.mark_tick(color=_RULE, thickness=2.5, height={"band": 0.95}).encode(x="target:Q")
    words = base.mark_text(align="left", dx=6, fontSize=13).encode(x="beyond:Q", text="label:N")
    chart = alt.layer(bars, ticks, words).properties(
        width=420,
        height={"step": 24},
        title=alt.Title(title, fontSize=13, fontWeight="normal", anchor="start"),
        padding={"right": 70, "left": 5, "top": 5, "bottom": 5},
    )
    configured: alt.LayerChart = chart.configure(font=_FONT, background="white").configure_view(stroke=None, clip=False)
    return configured
