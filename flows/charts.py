"""Charts as pictures, drawn on this machine by the fonts it has; nothing is fetched."""

from typing import Any

import vl_convert as vlc


def to_svg(chart: Any) -> str:
    """An Altair chart as one SVG document."""
    svg: str = vlc.vegalite_to_svg(chart.to_json(), allowed_base_urls=[])
    return svg


def to_png(chart: Any, scale: float = 2) -> bytes:
    """An Altair chart as PNG; scale 2 is sharp on paper."""
    png: bytes = vlc.vegalite_to_png(chart.to_json(), scale=scale, allowed_base_urls=[])
    return png
