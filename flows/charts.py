"""Charts drawn at build time: Altair builds them, vl-convert renders them to SVG or PNG, no browser and no network needed.

Generic font families only, so that Vietnamese renders wherever the chart is shown; every number also stands in a table beside the chart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert

from transforms.wording import percent_vi

NAVY, TEAL, GREY, RED, GRID = "#1f4e79", "#2a7f86", "#5b6570", "#b3261e", "#d9dee3"
_SERIES = [NAVY, TEAL, "#8a6d1d", "#6a4c93", GREY]
_FONT = "sans-serif"
_PANEL_WIDTH, _PANEL_HEIGHT, _PLOT = 300, 104, 64
_LEFT, _RIGHT, _TOP = 40, 48, 10


def start_drawing() -> None:
    """The renderer is ready: its first drawing takes half a second longer than all others."""
    to_svg(alt.Chart(alt.InlineData([{"x": 0}])).mark_point().encode(x="x:Q"))


def to_svg(chart: alt.TopLevelMixin) -> str:
    """The chart as one <svg> element: nothing in it refers to anything outside it, and it says nothing of its own to screen readers."""
    return _lean(vl_convert.vegalite_to_svg(chart.to_dict()))


def to_png(chart: alt.TopLevelMixin, scale: float = 2) -> bytes:
    """The chart as a PNG picture, `scale` pixels a point."""
    return vl_convert.vegalite_to_png(chart.to_dict(), scale=scale)


def _lean(svg: str) -> str:
    """Without what only a live Vega view needs: roles inside a picture, unit opacities, the xlink namespace, digits beyond a tenth of a point."""
    svg = re.sub(r' (?:role|aria-[a-z]+|class|pointer-events|xmlns:xlink)="[^"]*"| (?:opacity|fill-opacity|stroke-opacity)="1"', "", svg)
    svg = re.sub(r'<path[^>]* d=""[^>]*/>|<path d="M0,0h0v0h0Z"/>|<text[^>]* opacity="0"[^>]*>[^<]*</text>', "", svg)
    while (shorter := re.sub(r"<g(?: [^>]*)?></g>", "", svg)) != svg:
        svg = shorter
    return re.sub(r"(\d+\.\d)\d+", r"\1", svg)


@dataclass(frozen=True)
class Bar:
    """One bar: what is counted, of which series, and the target it is held against."""

    label: str
    series: str
    rate: float | None
    target: float | None
    text: str


def bars_against_target(bars: Sequence[Bar], *, width: int = 460) -> alt.TopLevelMixin:
    """Horizontal bars below each label, one a series, with a black tick at its target; bars without a rate stay empty.

    Labels stand above their bars, not beside them, so that the chart is still legible on a telephone.
    """
    values = [vars(bar) for bar in bars]
    series = list(dict.fromkeys(bar.series for bar in bars))
    labels = list(dict.fromkeys(bar.label for bar in bars))
    step = 15
    above = alt.Axis(
        labelAlign="left", labelLimit=width + 40, labelPadding=0, labelOffset=-(len(series) * step / 2 + 8), domain=False, ticks=False
    )
    base = alt.Chart(alt.InlineData(values), width=width, height=alt.Step(step, **{"for": "offset"})).encode(
        y=alt.Y(
            "label:N", sort=labels, title=None, axis=above, scale=alt.Scale(paddingInner=24 / (len(series) * step + 24), paddingOuter=0.4)
        ),
        yOffset=alt.YOffset("series:N", sort=series),
    )
    drawn = base.mark_bar(height=10).encode(
        x=alt.X("rate:Q", title=None, scale=alt.Scale(domain=[0, 1.14]), axis=_percent_axis()),
        color=alt.Color(
            "series:N",
            sort=series,
            title=None,
            scale=alt.Scale(domain=series, range=[_SERIES[number % len(_SERIES)] for number in range(len(series))]),
            legend=alt.Legend(orient="top", labelLimit=300, columnPadding=28) if len(series) > 1 else None,
        ),
    )
    ticks = base.transform_filter("isValid(datum.target)").mark_tick(color="#111111", thickness=2, size=13).encode(x="target:Q")
    texts = base.mark_text(align="left", dx=6, color="#1c2126", fontSize=11).encode(x=alt.X("place:Q"), text="text:N")
    texts = texts.transform_calculate(
        place="datum.target && datum.rate > datum.target - 0.14 ? max(datum.rate, datum.target) : (datum.rate || 0)"
    )
    return _dressed(drawn + ticks + texts)


def ranking(bars: Sequence[Bar], *, width: int = 250) -> alt.TopLevelMixin:
    """Units in the order given, one bar each; those below their target are red and carry a sign in their text, so that grey print shows them too."""
    values = [vars(bar) | {"below": bar.rate is not None and bar.target is not None and bar.rate < bar.target} for bar in bars]
    base = alt.Chart(alt.InlineData(values), width=width, height=alt.Step(18)).encode(
        y=alt.Y(
            "label:N",
            sort=[bar.label for bar in bars],
            title=None,
            axis=alt.Axis(labelLimit=420, domain=False, ticks=False, labelPadding=8),
        )
    )
    drawn = base.mark_bar(height=11).encode(
        x=alt.X("rate:Q", title=None, scale=alt.Scale(domain=[0, 1.3]), axis=_percent_axis()),
        color=alt.condition("datum.below", alt.value(RED), alt.value(NAVY)),
    )
    ticks = base.transform_filter("isValid(datum.target)").mark_tick(color="#111111", thickness=2, size=15).encode(x="target:Q")
    texts = base.transform_calculate(place="max(datum.rate || 0, datum.target || 0)").mark_text(
        align="left", dx=6, color="#1c2126", fontSize=11
    )
    return _dressed(drawn + ticks + texts.encode(x="place:Q", text="text:N"))


def _percent_axis() -> alt.Axis:
    label = "format(datum.value * 100, 'd') + ' %'"
    return alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], labelExpr=label, gridColor=GRID, domain=False, ticks=False, labelColor=GREY)


def _dressed(chart: Any) -> alt.TopLevelMixin:
    dressed: alt.TopLevelMixin = chart.configure(font=_FONT, background="transparent").configure_view(stroke=None)
    finished: alt.TopLevelMixin = dressed.configure_axis(labelFontSize=12, labelColor="#1c2126").configure_legend(
        labelFontSize=12, symbolType="square"
    )
    return finished


@dataclass(frozen=True)
class Trend:
    """One measure through the periods: (numerator, denominator), None where the unit did not exist, and the target of the last period."""

    counts: Sequence[tuple[int, int] | None]
    targets: Sequence[float | None]


def trend_panels(trends: Sequence[Trend], periods: Sequence[str]) -> list[str]:
    """Small multiples, one <svg> a measure: a line from 0 to 100 %, dashed at the target, red triangles below it.

    The drawing is one sheet with the panels one below the other; the first panel carries it, each panel shows its part. A gap in a line is a period
    in which nothing was to be counted.
    """
    sheet = _trend_axes(tuple(trend.targets[-1] if trend.targets else None for trend in trends), tuple(periods))
    sheet += _draw_sheet(len(trends), _trend_lines(trends, len(periods)))
    window = '<svg viewBox="0 {} {} {}" xmlns="http://www.w3.org/2000/svg">{}</svg>'
    parts = []
    for number in range(len(trends)):
        content = f'<g id="xu-huong">{sheet}</g>' if not number else '<use href="#xu-huong"/>'
        parts.append(window.format(number * _PANEL_HEIGHT, _PANEL_WIDTH, _PANEL_HEIGHT, content))
    return parts


_LAYERS = ("grid", "targets", "lines", "points", "texts")


@lru_cache(maxsize=8)
def _trend_sheet(panels: int) -> dict[str, Any]:
    """The compiled Vega specification of a sheet of so many panels; only its data differ from unit to unit, and compiling costs more than drawing."""
    height = panels * _PANEL_HEIGHT
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, _PANEL_WIDTH], nice=False, zero=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False, zero=False))

    def layer(name: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(name=name), width=_PANEL_WIDTH, height=height)

    rules = layer("grid").mark_rule(color=GRID).encode(x=x, x2="x2:Q", y=y)
    targets = layer("targets").mark_rule(color="#111111", strokeDash=[4, 3]).encode(x=x, x2="x2:Q", y=y)
    lines = layer("lines").mark_line(color=NAVY, strokeWidth=1.8).encode(x=x, y=y, detail="run:N", order="x:Q")
    points = (
        layer("points")
        .mark_point(filled=True, size=34, opacity=1)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("below:N", scale=alt.Scale(domain=[False, True], range=["circle", "triangle-down"]), legend=None),
            color=alt.Color("below:N", scale=alt.Scale(domain=[False, True], range=[NAVY, RED]), legend=None),
        )
    )
    texts = layer("texts").encode(x=x, y=y, text="text:N")
    placed = [
        texts.transform_filter(f"datum.align == '{align}'").mark_text(align=align, baseline="middle", fontSize=10.5, color="#3c454d")
        for align in ("left", "right", "center")
    ]
    chart = alt.layer(rules, targets, lines, points, *placed).configure(font=_FONT, background="transparent", padding=0, autosize="none")
    chart = chart.configure_view(stroke=None)
    vega: dict[str, Any] = vl_convert.vegalite_to_vega(chart.to_dict())
    return vega


def _draw_sheet(panels: int, data: dict[str, list[dict[str, Any]]]) -> str:
    vega = _trend_sheet(panels)
    values = dict.fromkeys(_LAYERS, ()) | data
    filled = [entry | {"values": list(values[entry["name"]])} if entry["name"] in values else entry for entry in vega["data"]]
    return re.sub(r"^<svg[^>]*>|</svg>$", "", _lean(vl_convert.vega_to_svg(vega | {"data": filled})).strip())


def _place(position: int, periods: int) -> float:
    return _LEFT + position * (_PANEL_WIDTH - _RIGHT - _LEFT) / max(1, periods - 1)


def _height(panel: int, rate: float) -> float:
    return panel * _PANEL_HEIGHT + _TOP + _PLOT * (1 - rate)


@lru_cache(maxsize=32)
def _trend_axes(targets: tuple[float | None, ...], periods: tuple[str, ...]) -> str:
    """What the sheets of all units of a level share, drawn once: grid, targets and their texts, whose measuring costs more than all lines."""
    data: dict[str, list[dict[str, Any]]] = {"grid": [], "targets": [], "texts": []}
    right = _PANEL_WIDTH - _RIGHT
    for panel, target in enumerate(targets):
        for level in (0.0, 0.5, 1.0):
            y = _height(panel, level)
            data["grid"].append({"x": _LEFT, "x2": right, "y": y})
            data["texts"].append({"x": _LEFT - 6, "y": y, "align": "right", "text": f"{level * 100:.0f} %"})
        if target is not None:
            y = _height(panel, target)
            data["targets"].append({"x": _LEFT, "x2": right, "y": y})
            data["texts"].append({"x": right + 6, "y": y, "align": "left", "text": percent_vi(round(target * 1_000_000), 1_000_000)})
        for position in sorted({0, len(periods) - 1} if periods else set()):
            x, y = _place(position, len(periods)), _height(panel, 0) + 16
            data["texts"].append({"x": x, "y": y, "align": "center", "text": periods[position]})
    return _draw_sheet(len(targets), data)


def _trend_lines(trends: Sequence[Trend], periods: int) -> dict[str, list[dict[str, Any]]]:
    """Lines in runs without gaps; points where a rate is below its target, stands alone, or is the last."""
    data: dict[str, list[dict[str, Any]]] = {"lines": [], "points": []}
    for panel, trend in enumerate(trends):
        run = 0
        shown = [None if count is None or not count[1] else count[0] / count[1] for count in trend.counts]
        for position, (rate, target) in enumerate(zip(shown, trend.targets, strict=True)):
            if rate is None:
                run += 1
                continue
            x, y = _place(position, periods), _height(panel, rate)
            data["lines"].append({"x": x, "y": y, "run": f"{panel}-{run}"})
            below = target is not None and rate < target
            alone = all(not 0 <= near < len(shown) or shown[near] is None for near in (position - 1, position + 1))
            if below or alone or position == len(shown) - 1:
                data["points"].append({"x": x, "y": y, "below": below})
    return data
