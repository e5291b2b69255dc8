"""What people receive, written from the published warehouse into `outbox/<date of as_of>/`; each kind of output has a module of its own."""

from pathlib import Path

from flows.dictionary import write_dictionary
from flows.settings import Settings
from flows.summaries import write_summaries


def write_reports(settings: Settings) -> list[Path]:
    """Every output of this as_of; returns the files written. Each file is there whole or not at all."""
    written = write_summaries(settings.warehouse, settings.outbox, settings.as_of)
    return [*written, write_dictionary(written[0].parent)]
