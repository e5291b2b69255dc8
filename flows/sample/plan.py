"""How many dossiers are made when, and which files hold them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from flows.sample.layouts import BULK, SMALL, SMALL_ROWS, Layout
from flows.sample.worktime import DAY, Worktime

PART_ROWS = 100_000
"""Dossiers held in memory at once; also the most that one workbook gets."""


@dataclass(frozen=True)
class Part:
    """Dossiers of one month that are made together.

    Attributes:
        number: Running number from 1.
        month: 1-12.
        is_first: Whether it is the month's first part.
        window: First minute and the minute after the last in which its dossiers are filed.
        size: How many.
        shares: Layouts with the number of dossiers each gets; they add up to ``size``.
    """

    number: int
    month: int
    is_first: bool
    window: tuple[int, int]
    size: int
    shares: tuple[tuple[Layout, int], ...]


def plan_parts(cases: int, as_of: datetime, clock: Worktime) -> list[Part]:
    """Returns the parts of a year up to ``as_of``, months in order, busy by their working days."""
    last = as_of - timedelta(minutes=1)
    windows = [_month_window(as_of, m, clock) for m in range(1, last.month + 1)]
    busy = [0.2 + clock.is_working_day[begin // DAY : -(-end // DAY)].sum() for begin, end in windows]
    edges = np.rint(np.concatenate([[0], np.cumsum(busy) / sum(busy)]) * cases).astype(int)
    sizes = np.diff(edges).tolist()
    # The odd shapes go to full months, so that a month just begun does not get files of one row.
    full = [m for m, size in enumerate(sizes) if size * 3 >= max(sizes)]
    parts: list[Part] = []
    for m, size in enumerate(sizes):
        small = [s for i, s in enumerate(SMALL) if full[i * len(full) // len(SMALL)] == m]
        for begin in range(0, size, PART_ROWS):
            number = len(parts) + 1
            rows = min(PART_ROWS, size - begin)
            shares = _share(rows, small if begin == 0 else [], BULK[number % len(BULK)])
            parts.append(Part(number, m + 1, begin == 0, windows[m], rows, shares))
    return parts


def _month_window(as_of: datetime, month: int, clock: Worktime) -> tuple[int, int]:
    first = datetime(as_of.year, month, 1)
    following = datetime(as_of.year + month // 12, month % 12 + 1, 1)
    return clock.minute(first), clock.minute(min(following, as_of))


def _share(rows: int, small: list[Layout], bulk: Layout) -> tuple[tuple[Layout, int], ...]:
    each = min(SMALL_ROWS, -(-rows // len(small))) if small else 0
    shares = []
    for layout in small:
        shares.append((layout, min(each, rows)))
        rows -= shares[-1][1]
    return tuple((layout, n) for layout, n in (*shares, (bulk, rows)) if n)
