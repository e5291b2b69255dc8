"""When the job runs: which nights there are, which of them were missed, and running those in order, each with its own as_of.

A night is a moment of the schedule (00:30); the latest one, where sources are asked, the moment when they had answered. It is done when a run for it, or for a later moment that has come, was published or held back:
figures never go back in time. A night that failed or was cut off is not done and is tried again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from flows.night import NightResult, hold_lock, run_night
from flows.runs import load_runs
from flows.settings import Settings, local_now

NIGHT_AT = time(0, 30)
# After a longer break the older nights are left to `tthc backfill`: nobody waits for their mails.
MOST_NIGHTS = 31
LOCK_SECONDS = 1800.0


def missed_nights(runs: Sequence[dict[str, Any]], now: datetime, at: time = NIGHT_AT, most: int = MOST_NIGHTS) -> list[datetime]:
    """The moments of nights that are due by now and not done, oldest first; before any run only the latest.

    Figures for a moment still to come, by a clock that was ahead or by hand, do no night before it. Where all there are lie ahead and were made
    then, it is the clock now that is behind, and no night is due.

    Args:
        runs: as flows.runs.load_runs.
        now: Vietnamese civil time.
        at: when a night is due.
        most: how many of the latest ones count.
    """
    latest = datetime.combine(now.date(), at)
    if latest > now:
        latest -= timedelta(days=1)
    ended = [run for run in runs if run["outcome"] in ("published", "held")]
    done = max((run["as_of"] for run in ended if run["as_of"] <= now), default=None)
    if done is None:
        return [] if ended and ended[-1]["started_at"] > now else [latest]
    nights: list[datetime] = []
    while latest > done and len(nights) < most:
        nights.append(latest)
        latest -= timedelta(days=1)
    return nights[::-1]


def run_missed_nights(settings: Settings, run: Callable[[Settings], NightResult] = run_night) -> Iterator[tuple[datetime, NightResult]]:
    """Each missed night run in order, with what came of it; one that fails unexpectedly ends it, and is the first to be tried the next time.

    Args:
        settings: as for a night; its as_of is not used.
        run: runs one night.

    A report or a backup that is under way is waited for: a machine switched on again on day 1 starts the month's report and the night at once,
    and a night that gave way would be tried no earlier than the next one. What another run did meanwhile is not done again.

    Raises:
        AlreadyRunning: another run held the lock for LOCK_SECONDS, or took it between two nights.
    """
    with hold_lock(settings, LOCK_SECONDS):
        nights = missed_nights(load_runs(settings.staged), local_now())
    for moment in nights:
        yield moment, run(replace(settings, as_of=moment, as_of_follows_fetch=moment == nights[-1]))
