"""What people receive, written from the published warehouse into `outbox/<date of as_of>/`; each kind of output has a module of its own."""

from dataclasses import replace
from pathlib import Path

from flows.charts import start_drawing
from flows.dictionary import write_dictionary
from flows.settings import Settings
from flows.site import SITE_FOLDER
from flows.site.writing import write_site
from flows.summaries import write_summaries
from flows.warehouse_figures import load_figures
from flows.workbook import write_workbook


def get_ready() -> None:
    """What takes a second before the first report is written has happened: imports, and the start of the engine that draws charts."""
    start_drawing()


def write_reports(settings: Settings, *, is_latest: bool = True) -> list[Path]:
    """Every output of this as_of; returns the files written, and the folder of the site. Each is there whole or not at all.

    Args:
        settings: which warehouse, and where to.
        is_latest: False for a date that is rebuilt: the site shows only what is published.
    """
    summaries = write_summaries(settings.warehouse, settings.outbox, settings.as_of)
    folder = settings.outbox / f"{settings.as_of:%Y-%m-%d}"
    figures = load_figures(settings.warehouse)
    if not figures.rates:  # then no rate says the moment either
        figures = replace(figures, as_of=settings.as_of)
    written = [*summaries, write_workbook(figures, folder), write_dictionary(folder)]
    return [*written, write_site(figures, settings.outbox / SITE_FOLDER)] if is_latest else written
