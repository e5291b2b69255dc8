"""Headings and words as reviewed data, the search for a table's headings in a sheet, and for the tables below it.

`kinds.yml` says what export kinds exist, `headings.csv` which headings name which column, `words.csv` which words mean which value. A new
layout is a new line there, or in a headings.csv or words.csv of the office's own reference folder, not new code.
"""

from transforms.layouts.lists import Kind, LayoutLists, ListError, load_lists
from transforms.layouts.search import Layout, LayoutProblem, day_endings, find_layout, heading_ending
from transforms.layouts.tables import begins_with_table, cut, find_next_table, holds_rows, key_headings, table_start

__all__ = [
    "Kind",
    "Layout",
    "LayoutLists",
    "LayoutProblem",
    "ListError",
    "begins_with_table",
    "cut",
    "day_endings",
    "find_layout",
    "find_next_table",
    "heading_ending",
    "holds_rows",
    "key_headings",
    "load_lists",
    "table_start",
]
