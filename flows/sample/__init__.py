"""Synthetic exports: realistic, deterministic, of any size, with the truth about them beside them.

No person in them exists. ``write_sample`` is the one entry.
"""

from flows.sample.writer import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_sample"]
