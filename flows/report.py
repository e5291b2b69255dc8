"""What people receive, written from the published warehouse into `outbox/<date of as_of>/`; each kind of output has a module of its own."""

from collections.abc import Callable, Iterable
from pathlib import Path

from flows.dictionary import write_dictionary
from flows.settings import Settings
from flows.site import SITE_FOLDER
from flows.site.writing import write_site
from flows.summaries import write_summaries
from flows.warehouse_figures import load_figures_for
from flows.workbook import write_workbook

Pages = Callable[[], Iterable[tuple[str, str]]]


def write_reports(settings: Settings, pages: Pages | None = None) -> list[Path]:
    """Every output of this as_of; returns the files written, and the folder of the site. Each is there whole or not at all.

    Args:
        settings: which warehouse, and where to.
        pages: gives the site's pages, which another process draws meanwhile; None for a date that is rebuilt: the site shows only what is published.
    """
    summaries = write_summaries(settings.warehouse, settings.outbox, settings.as_of)
    folder = settings.outbox / f"{settings.as_of:%Y-%m-%d}"
    figures = load_figures_for(settings.warehouse, settings.as_of)
    written = [*summaries, write_workbook(figures, folder), write_dictionary(folder)]
    return [*written, write_site(pages(), settings.outbox / SITE_FOLDER)] if pages else written
