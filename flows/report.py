"""What people receive, written from the published warehouse into `outbox/<date of as_of>/`; each kind of output has a module of its own."""

from dataclasses import replace
from pathlib import Path

from flows.dictionary import write_dictionary
from flows.figures import load_figures
from flows.settings import Settings
from flows.summaries import write_summaries
from flows.workbook import write_workbook


def write_reports(settings: Settings) -> list[Path]:
    """Every output of this as_of; returns the files written. Each file is there whole or not at all."""
    summaries = write_summaries(settings.warehouse, settings.outbox, settings.as_of)
    folder = settings.outbox / f"{settings.as_of:%Y-%m-%d}"
    figures = load_figures(settings.warehouse)
    if not figures.rates:  # then no rate says the moment either
        figures = replace(figures, as_of=settings.as_of)
    return [*summaries, write_workbook(figures, folder), write_dictionary(folder)]
