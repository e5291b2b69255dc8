"""The night as a Prefect flow: the steps of flows/night.py as thin tasks, tracked when a Prefect server is there to track them.

`tthc run` does not need one: without PREFECT_API_URL it runs the same steps in the same order by plain calls, because Prefect's
temporary server costs some ten seconds and a second process. With PREFECT_API_URL set, or with --prefect, this flow runs.
"""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from flows.failures import place_of
from flows.settings import TELEMETRY_OFF, AlreadyRunning, ConfigurationError, QueryError, Settings, local_now, make_settings

os.environ.update({name: os.environ.get(name, value) for name, value in TELEMETRY_OFF.items()})

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.night import NightResult, Step, Watcher, run_night
from flows.runs import owed_months
from flows.schedule import run_missed_nights

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class WithheldError(Exception):
    """What Prefect is told of an error: kind and place, as in our own logs; the message only where it is one of our own texts.

    Prefect prints every error with all that led to it, keeps its message for ever and shows it on its page; a message of a library may quote a cell.
    """

    def __init__(self, error: Exception) -> None:
        ours = isinstance(error, (ConfigurationError, QueryError, AlreadyRunning))
        super().__init__(f"{type(error).__name__}: {error}" if ours else f"{type(error).__name__} ({place_of(error)})")
        self.error = error


def _withholding(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function as Prefect may run it: its errors are WithheldErrors."""

    @functools.wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise WithheldError(error) from None

    return run


def _telling(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """What Prefect runs, for a caller of ours: its errors are what they were."""

    @functools.wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except WithheldError as withheld:
            raise withheld.error from None

    return run


def as_task(step: Step) -> Step:
    """A step as a Prefect task; nothing is cached or retried, because every step is itself repeatable and keeps what it has done."""
    return _telling(task(name=step.__name__, cache_policy=NO_CACHE, retries=0, persist_result=False)(_withholding(step)))


@_telling
@flow(name="tthc-nightly", validate_parameters=False, persist_result=False, log_prints=False)
@_withholding
def nightly(settings: Settings, watcher: Watcher | None = None, accept: Sequence[str] = (), why: str | None = None) -> NightResult:
    """The whole job, once, under Prefect."""
    return run_night(settings, watcher or Watcher(), as_task, accept, why)


@flow(name="tthc-nights", persist_result=False, log_prints=False)
@_withholding
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
@_withholding
def monthly_report(raw: str, reference: str, warehouse: str, outbox: str) -> list[str]:
    """The report of the month before this one, in every format, mailed to whoever asks for it; returns the files written."""
    from flows.monthly import month_before, report_month

    settings = make_settings(Path(raw), Path(reference), Path(warehouse), Path(outbox))
    return [str(path) for path in report_month(settings, month_before(settings.as_of.date()), is_scheduled=True).files]
