"""Clock arithmetic for made-up dossiers: minutes since an origin, and the working minutes among them.

Every moment of the sample is a whole minute, because half of the date forms met in the wild carry no seconds.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import holidays
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY = 1440
NONE = -1
"""Stands for "no moment" in arrays of minutes."""

# 07:00-11:30 and 13:30-17:00
SHIFTS = ((420, 690), (810, 1020))
END_OF_DAY = 1020
# Procedures of 45 working days that run late must still end inside the table.
_DAYS_BEFORE = 31
_DAYS_AFTER = 240


class Worktime:
    """Minutes of one year and some months around it, counted from an origin, with the working ones known.

    Attributes:
        origin: The moment of minute 0: 1 December of the year before, so that shifting to UTC stays in the table.
        days: How many days the table covers.
        is_working_day: One flag a day.
        elapsed: Working minutes passed before each minute; ``elapsed[b] - elapsed[a]`` is the working time from a to b.
        starts: The minute at which the k-th working minute begins.
        working_days: The day numbers of all working days, ascending.
    """

    def __init__(self, year: int, overrides: Mapping[date, bool]) -> None:
        """Builds the table.

        Args:
            year: The year of the sample.
            overrides: Days that are, or are not, worked whatever the library says.
        """
        first = date(year, 1, 1) - timedelta(days=_DAYS_BEFORE)
        self.origin = datetime(first.year, first.month, first.day)
        self.days = (date(year, 12, 31) - first).days + 1 + _DAYS_AFTER
        public = holidays.country_holidays("VN", years=[year - 1, year, year + 1])
        dates = [first + timedelta(days=i) for i in range(self.days)]
        self.is_working_day = np.array([overrides.get(d, public.is_working_day(d)) for d in dates], dtype=bool)
        in_shift = np.zeros(DAY, dtype=bool)
        for begin, end in SHIFTS:
            in_shift[begin:end] = True
        is_working = (self.is_working_day[:, None] & in_shift[None, :]).ravel()
        self.elapsed: Ints = np.concatenate([[0], np.cumsum(is_working)]).astype(np.int64)
        self.starts: Ints = np.flatnonzero(is_working).astype(np.int64)
        self.working_days: Ints = np.flatnonzero(self.is_working_day).astype(np.int64)

    def minute(self, moment: datetime) -> int:
        """Returns the whole minute that holds a moment."""
        return int((moment - self.origin).total_seconds() // 60)

    def moment(self, minute: int) -> datetime:
        """Returns the moment at which a minute begins."""
        return self.origin + timedelta(minutes=int(minute))

    def after(self, begin: Ints, working_minutes: Ints) -> Ints:
        """Returns the moments at which so many working minutes have passed since ``begin``."""
        reached: Ints = self.starts[np.minimum(self.elapsed[begin] + working_minutes, len(self.starts) - 1)]
        return reached

    def days_after(self, day: Ints, working_days: Ints) -> Ints:
        """Returns the day that lies so many working days after ``day``."""
        rank = np.searchsorted(self.working_days, day, side="right") - 1 + working_days
        reached: Ints = self.working_days[np.minimum(rank, len(self.working_days) - 1)]
        return reached

    def waiting_minutes(self, begin: Ints, end: Ints) -> Ints:
        """Returns the working minutes between two arrays of moments, never negative."""
        minutes: Ints = np.maximum(self.elapsed[end] - self.elapsed[begin], 0)
        return minutes
