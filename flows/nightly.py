"""The night as a Prefect flow: the steps of flows/night.py as thin tasks, tracked when a Prefect server is there to track them.

`tthc run` does not need one: without PREFECT_API_URL it runs the same steps in the same order by plain calls, because Prefect's
temporary server costs some ten seconds and a second process. With PREFECT_API_URL set, or with --prefect, this flow runs.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from flows.settings import TELEMETRY_OFF, Settings, local_now, make_settings

os.environ.update({name: os.environ.get(name, value) for name, value in TELEMETRY_OFF.items()})

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.night import NightResult, Step, Watcher, run_night
from flows.runs import owed_months
from flows.schedule import run_missed_nights


def as_task(step: Step) -> Step:
    """A step as a Prefect task; nothing is cached or retried, because every step is itself repeatable and keeps what it has done."""
    made: Step = task(name=step.__name__, cache_policy=NO_CACHE, retries=0, persist_result=False)(step)
    return made


@flow(name="tthc-nightly", validate_parameters=False, persist_result=False, log_prints=False)
def nightly(settings: Settings, watcher: Watcher | None = None, accept: Sequence[str] = (), why: str | None = None) -> NightResult:
    """The whole job, once, under Prefect."""
    return run_night(settings, watcher or Watcher(), as_task, accept, why)


@flow(name="tthc-nights", persist_result=False, log_prints=False)
def nights(raw: str, reference: str, warehouse: str, outbox: str) -> list[str]:
    """Every night that is due and not done, in order; what the deployments run. Returns one line a night and a report that waited for it."""
    settings = make_settings(Path(raw), Path(reference), Path(warehouse), Path(outbox))
    done = list(run_missed_nights(settings, lambda night: nightly(night)))
    told = [f"{moment:%Y-%m-%d}: {'published' if result.is_published else 'held'}" for moment, result in done]
    if any(result.is_published for _, result in done) and owed_months(settings.months_waiting, local_now()).months:
        from flows.monthly import report_waiting_months

        told += [str(path) for report in report_waiting_months(settings) for path in report.files]
    return told


@flow(name="tthc-monthly-report", persist_result=False, log_prints=False)
def monthly_report(raw: str, reference: str, warehouse: str, outbox: str) -> list[str]:
    """The report of the month before this one, in every format, mailed to whoever asks for it; returns the files written."""
    from flows.monthly import month_before, report_month

    settings = make_settings(Path(raw), Path(reference), Path(warehouse), Path(outbox))
    return [str(path) for path in report_month(settings, month_before(settings.as_of.date()), is_scheduled=True).files]
