"""Things that are kept with a warning: ended before it was received, a date that lies after the export."""

import numpy as np

from flows.sample.dossiers import Batch
from flows.sample.worktime import DAY, NONE, Bools, Ints

_ONE_IN = 1500


def plant_oddities(batch: Batch, as_of: int, rng: np.random.Generator) -> None:
    """Changes a few finished dossiers in place: one in 1,500, at least one of each kind where a batch has any."""
    rows = _some((batch.status >= 9) & (batch.finished != NONE), rng)
    # Stays on the day of reception, so that no period and no due date sees a difference of days.
    batch.finished[rows] = batch.received[rows] - rng.integers(5, 90, len(rows))
    rows = _some((batch.status == 10) & (batch.finished != NONE), rng)
    batch.returned[rows] = as_of + rng.integers(1, 3 * DAY, len(rows))


def _some(where: Bools, rng: np.random.Generator) -> Ints:
    rows = np.flatnonzero(where)
    return rng.choice(rows, min(len(rows), 1 + len(rows) // _ONE_IN), replace=False) if len(rows) else rows
