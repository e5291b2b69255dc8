"""Past dates as they would have been published: the same build and gate with each date's own as_of, summaries into each date's own folder.

The published warehouse is not touched. What a later export says of an older date counts from that export's own time on, as always.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from expectations import CheckResult, failed_critically
from flows.gate import run_gate
from flows.night import Watcher, build, hold_lock, land, list_exports, load_office, read
from flows.report import write_reports
from flows.runs import RunLog
from flows.settings import ConfigurationError, Settings
from flows.validation import Validation
from flows.warehouse import building_path, remove_database


@dataclass(frozen=True)
class PastDay:
    """One date that was rebuilt.

    Attributes:
        as_of: the moment its figures are for.
        held: critical checks that held it back; empty when its summaries were written.
        summaries: the files written.
    """

    as_of: datetime
    held: list[CheckResult]
    summaries: list[Path]


def days_between(first: date, last: date, at: time) -> list[datetime]:
    """The moment `at` of every day from first to last, both included, in order.

    Raises:
        ConfigurationError: last is before first.
    """
    if last < first:
        raise ConfigurationError(f"ngày cuối {last:%d/%m/%Y} trước ngày đầu {first:%d/%m/%Y}")
    return [datetime.combine(first + timedelta(days=number), at) for number in range((last - first).days + 1)]


def rebuild_days(settings: Settings, moments: list[datetime], watcher: Watcher = Watcher()) -> Iterator[PastDay]:
    """Each past date built, checked and its summaries written, in order, under the run lock; one that is held back does not stop the others.

    Args:
        settings: as for a night; its as_of is not used.
        moments: as_of of each date.
        watcher: told of exports read first.
    """
    with hold_lock(settings), closing(Validation()) as validation:
        reference = load_office(settings)
        exports = land(settings)
        files_read, transient = read(settings, reference, exports, watcher)
        building = building_path(settings.warehouse)
        for moment in moments:
            day = replace(settings, as_of=moment)
            log = RunLog(day)
            log.start()
            outcome, why_held = "failed", None
            try:
                manifest = list_exports(day, reference, exports, transient)
                build(day, reference, manifest, log.history(files_read))
                checks = run_gate(building, manifest, reference, moment, validation.ask, {})
                held = failed_critically(checks)
                summaries = [] if held else write_reports(replace(day, warehouse=building))
                # also where a check holds it back: `held` is a night's, which catching up takes for done and the watch for the state of affairs
                outcome, why_held = "backfilled", "không viết báo cáo: " + "; ".join(check.name for check in held) if held else None
                yield PastDay(moment, held, summaries)
            finally:
                remove_database(building)
                log.finish(outcome, files_read, why_held)
                files_read = 0
