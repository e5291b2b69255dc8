"""What people receive, written from the published warehouse into `outbox/<date of as_of>/`; each kind of output has a module of its own."""

from pathlib import Path

from flows.figures import load_figures
from flows.settings import Settings
from flows.site import SITE_FOLDER, write_site
from flows.summaries import write_summaries


def write_reports(settings: Settings) -> list[Path]:
    """Every output of this as_of; returns the files written, and the folder of the site. Each is there whole or not at all."""
    written = write_summaries(settings.warehouse, settings.outbox, settings.as_of)
    figures = load_figures(settings.warehouse)
    return [*written, write_site(figures, settings.outbox / SITE_FOLDER)]
