"""Every page of the site, drawn from the figures; nothing is written here."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from flows.figures import Figures
from flows.site.frame import PAGES, Frame
from flows.site.honesty import HISTORIES, histories_page, questions_page, restatements_page
from flows.site.knowledge import data_page, dictionary_page, plan_page
from flows.site.overview import overview
from flows.site.receptions import receptions_page
from flows.site.tables import draw_rows
from flows.site.units import unit_page
from transforms.wording import finalize, moment_vi


def draw_pages(figures: Figures) -> Iterator[tuple[str, str]]:
    """(path below the site's folder, page in HTML) for every page."""
    frame = Frame(figures)
    environment = make_environment()
    style, script = _safe_asset("site.css"), Markup("{}\n{}").format(_safe_asset("tablesort.min.js"), _safe_asset("site.js"))
    shared: dict[str, Any] = {
        "as_of": moment_vi(figures.as_of),
        "freshness": frame.freshness_line,
        "nav": PAGES,
        "style": style,
        "script": script,
    }
    shared["policy"] = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'"
    )
    views = {
        "index.html": overview(frame),
        "cham-tiep-nhan.html": receptions_page(frame),
        "ke-hoach.html": plan_page(frame),
        "can-hoi.html": questions_page(frame),
        "so-da-thay-doi.html": restatements_page(frame),
        HISTORIES: histories_page(frame),
        "du-lieu.html": data_page(frame),
        "tu-dien.html": dictionary_page(frame),
    }
    for name, view in views.items():
        yield name, environment.get_template(name).render(shared, up="", page=name, **view)
    template = environment.get_template("don-vi.html")
    for unit in figures.units:
        yield frame.pages[unit.key], template.render(shared, up="../", page="", **unit_page(frame, unit))


def make_environment() -> Environment:
    """Templates in which every value is escaped, and one that is missing is an error."""
    folder = files("flows.site").joinpath("templates")
    loader = FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8"))
    environment = Environment(
        loader=loader, autoescape=True, finalize=finalize, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawn"] = Markup  # SVG of flows/charts.py, whose texts are escaped by the renderer
    environment.filters["drawn_rows"] = draw_rows
    return environment


@cache
def _safe_asset(name: str) -> Markup:
    """A file of ours as it stands, to be written into a page."""
    return Markup(files("flows.site").joinpath("assets", name).read_text(encoding="utf-8"))


def _digest(inline: str) -> str:
    """What a Content-Security-Policy calls an inline script or style."""
    return base64.b64encode(hashlib.sha256(inline.encode("utf-8")).digest()).decode("ascii")
