"""Synthetic exports: realistic, deterministic, of any size, with the truth about them beside them.

No person in them exists. ``write_sample`` writes everything once, ``write_nights`` one list a night.
"""

from flows.sample.nights import write_nights
from flows.sample.writer import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_nights", "write_sample"]
