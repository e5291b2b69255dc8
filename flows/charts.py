"""Charts drawn at build time: Vega-Lite specifications, rendered by vl-convert to SVG or PNG, no browser and no network needed.

Generic font families only, so that Vietnamese renders wherever the chart is shown; every number also stands in a table beside the chart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import vl_convert

from transforms.wording import target_vi

NAVY, TEAL, GREY, RED, GRID = "#1f4e79", "#2a7f86", "#5b6570", "#b3261e", "#d9dee3"
_SERIES = [NAVY, TEAL, "#8a6d1d", "#6a4c93", GREY]
_FONT = "sans-serif"
_PANEL_WIDTH, _PANEL_HEIGHT, _PLOT = 300, 104, 64
_LEFT, _RIGHT, _TOP = 40, 48, 10


# A Vega-Lite specification. Libraries that write one take as long to import as a district's site takes to draw.
Chart = dict[str, Any]


def start_drawing() -> None:
    """The renderer is ready: its first drawing takes half a second longer than all others."""
    to_svg({"data": {"values": [{"x": 0}]}, "mark": "point", "encoding": {"x": {"field": "x", "type": "quantitative"}}})


def to_svg(chart: Chart) -> str:
    """The chart as one <svg> element: nothing in it refers to anything outside it, and it says nothing of its own to screen readers."""
    return _lean(vl_convert.vegalite_to_svg(chart))


def to_png(chart: Chart, scale: float = 2) -> bytes:
    """The chart as a PNG picture, `scale` pixels a point."""
    return vl_convert.vegalite_to_png(chart, scale=scale)


def _lean(svg: str) -> str:
    """Without what only a live Vega view needs: roles inside a picture, unit opacities, the xlink namespace, digits beyond a tenth of a point."""
    svg = re.sub(r' (?:role|aria-[a-z]+|class|pointer-events|xmlns:xlink)="[^"]*"| (?:opacity|fill-opacity|stroke-opacity)="1"', "", svg)
    svg = re.sub(r'<path[^>]* d=""[^>]*/>|<path d="M0,0h0v0h0Z"/>|<text[^>]* opacity="0"[^>]*>[^<]*</text>', "", svg)
    while (shorter := re.sub(r"<g(?: [^>]*)?></g>", "", svg)) != svg:
        svg = shorter
    # only inside tags: a text between them may hold a unit's code (H48.903) or thousands with points
    return re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d+\.\d)\d+", r"\1", tag[0]), svg)


@dataclass(frozen=True)
class Bar:
    """One bar: what is counted, of which series, and the target it is held against."""

    label: str
    series: str
    rate: float | None
    target: float | None
    text: str


def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """A channel of a chart: what it shows, how that is measured (nominal or quantitative), and more of Vega-Lite's properties."""
    return {"field": name, "type": kind, **more}


def bars_against_target(bars: Sequence[Bar], *, width: int = 460) -> Chart:
    """Horizontal bars below each label, one a series, with a black tick at its target; bars without a rate stay empty.

    Labels stand above their bars, not beside them, so that the chart is still legible on a telephone.
    """
    series = list(dict.fromkeys(bar.series for bar in bars))
    labels = list(dict.fromkeys(bar.label for bar in bars))
    step = 15
    above = {"labelAlign": "left", "labelLimit": width + 40, "labelPadding": 0, "labelOffset": -(len(series) * step / 2 + 8)}
    space = {"paddingInner": 24 / (len(series) * step + 24), "paddingOuter": 0.4}
    place = {
        "y": field("label", "nominal", sort=labels, title=None, axis=above | {"domain": False, "ticks": False}, scale=space),
        "yOffset": field("series", "nominal", sort=series),
    }
    colours = [_SERIES[number % len(_SERIES)] for number in range(len(series))]
    legend = {"orient": "top", "labelLimit": 300, "columnPadding": 28} if len(series) > 1 else None
    colour = field("series", "nominal", sort=series, title=None, scale={"domain": series, "range": colours}, legend=legend)
    share = field("rate", "quantitative", title=None, scale={"domain": [0, 1.14]}, axis=_PERCENT_AXIS)
    beside = "datum.target && datum.rate > datum.target - 0.14 ? max(datum.rate, datum.target) : (datum.rate || 0)"
    layers = [
        {"mark": {"type": "bar", "height": 10}, "encoding": {**place, "x": share, "color": colour}},
        _ticks(place, 13),
        _texts(place, beside),
    ]
    return _dressed([vars(bar) for bar in bars], layers, width, {"step": step, "for": "offset"})


def ranking(bars: Sequence[Bar], *, width: int = 250) -> Chart:
    """Units in the order given, one bar each; those below their target are red and carry a sign in their text, so that grey print shows them too."""
    values = [vars(bar) | {"below": bar.rate is not None and bar.target is not None and bar.rate < bar.target} for bar in bars]
    beside = {"labelLimit": 420, "domain": False, "ticks": False, "labelPadding": 8}
    place = {"y": field("label", "nominal", sort=[bar.label for bar in bars], title=None, axis=beside)}
    share = field("rate", "quantitative", title=None, scale={"domain": [0, 1.3]}, axis=_PERCENT_AXIS)
    colour = {"condition": {"test": "datum.below", "value": RED}, "value": NAVY}
    layers = [
        {"mark": {"type": "bar", "height": 11}, "encoding": {**place, "x": share, "color": colour}},
        _ticks(place, 15),
        _texts(place, "max(datum.rate || 0, datum.target || 0)"),
    ]
    return _dressed(values, layers, width, {"step": 18})


_PERCENT_AXIS = {
    "values": [0, 0.25, 0.5, 0.75, 1],
    "labelExpr": "format(datum.value * 100, 'd') + ' %'",
    "gridColor": GRID,
    "domain": False,
    "ticks": False,
    "labelColor": GREY,
}


def _ticks(place: dict[str, Any], size: int) -> dict[str, Any]:
    return {
        "transform": [{"filter": "isValid(datum.target)"}],
        "mark": {"type": "tick", "color": "#111111", "thickness": 2, "size": size},
        "encoding": {**place, "x": field("target", "quantitative")},
    }


def _texts(place: dict[str, Any], beside: str) -> dict[str, Any]:
    return {
        "transform": [{"calculate": beside, "as": "place"}],
        "mark": {"type": "text", "align": "left", "dx": 6, "color": "#1c2126", "fontSize": 11},
        "encoding": {**place, "x": field("place", "quantitative"), "text": field("text", "nominal")},
    }


def _dressed(values: Sequence[dict[str, Any]], layers: Sequence[dict[str, Any]], width: int, height: dict[str, Any]) -> Chart:
    config = {
        "font": _FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": {"labelFontSize": 12, "labelColor": "#1c2126"},
        "legend": {"labelFontSize": 12, "symbolType": "square"},
    }
    return {"data": {"values": values}, "width": width, "height": height, "layer": layers, "config": config}


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
    x = field("x", "quantitative", axis=None, scale={"domain": [0, _PANEL_WIDTH], "nice": False, "zero": False})
    y = field("y", "quantitative", axis=None, scale={"domain": [height, 0], "nice": False, "zero": False})

    def layer(name: str, mark: dict[str, Any], **channels: dict[str, Any]) -> dict[str, Any]:
        return {"data": {"name": name}, "mark": mark, "encoding": {"x": x, "y": y, **channels}}

    def below(looks: list[str]) -> dict[str, Any]:
        return field("below", "nominal", scale={"domain": [False, True], "range": looks}, legend=None)

    words = {"type": "text", "baseline": "middle", "fontSize": 10.5, "color": "#3c454d"}
    layers = [
        layer("grid", {"type": "rule", "color": GRID}, x2={"field": "x2"}),
        layer("targets", {"type": "rule", "color": "#111111", "strokeDash": [4, 3]}, x2={"field": "x2"}),
        layer(
            "lines",
            {"type": "line", "color": NAVY, "strokeWidth": 1.8},
            detail=field("run", "nominal"),
            order=field("x", "quantitative"),
        ),
        layer(
            "points",
            {"type": "point", "filled": True, "size": 34, "opacity": 1},
            shape=below(["circle", "triangle-down"]),
            color=below([NAVY, RED]),
        ),
    ]
    for align in ("left", "right", "center"):
        placed = layer("texts", words | {"align": align}, text=field("text", "nominal"))
        layers.append(placed | {"transform": [{"filter": f"datum.align == '{align}'"}]})
    config = {"font": _FONT, "background": "transparent", "padding": 0, "autosize": "none", "view": {"stroke": None}}
    vega: dict[str, Any] = vl_convert.vegalite_to_vega({"layer": layers, "width": _PANEL_WIDTH, "height": height, "config": config})
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
            data["texts"].append({"x": right + 6, "y": y, "align": "left", "text": target_vi(target)})
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
