"""One list told by another: which rows of an export stand unchanged in an earlier one.

A nightly export repeats nearly everything the last one said. A row is told by its place in the earlier list, in runs of neighbours; only rows that
say something new are kept as rows. Equal means equal in every cell: columns are compared by value, never by a fingerprint that could collide.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# base_start: place in the earlier list, -1 for rows that are new; row_start: row number of the run's first row, as Excel counts; length: rows.
RUNS = pa.schema([("base_start", pa.int32()), ("row_start", pa.int32()), ("length", pa.int32())])
_ROOM = 2**62


def number_rows(tables: Sequence[pa.Table]) -> list[np.ndarray]:
    """Per table one int64 a row: two rows have the same number exactly where all their cells are equal; blank equals blank.

    Args:
        tables: tables with the same columns.
    """
    lengths = [table.num_rows for table in tables]
    numbers, many = np.zeros(sum(lengths), dtype=np.int64), 1
    for name in tables[0].column_names:
        column = pa.chunked_array([chunk for table in tables for chunk in table[name].chunks], tables[0].schema.field(name).type)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        encoded = column.combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices.cast(pa.int64()), len(encoded.dictionary)).to_numpy()
        values = len(encoded.dictionary) + 1
        if many > _ROOM // values:
            distinct, numbers = np.unique(numbers, return_inverse=True)
            many = len(distinct)
        numbers, many = numbers * values + codes, many * values
    return list(np.split(numbers, np.cumsum(lengths)[:-1]))


def find_runs(base: pa.Table, new: pa.Table, row_numbers: np.ndarray) -> tuple[pa.Table, np.ndarray]:
    """The new list told by the base; every row of the base stands for at most one row of the new list.

    Args:
        base, new: what the rows say, without where they stand; the same columns.
        row_numbers: row numbers of the new list's rows, as Excel counts.

    Returns:
        The runs (see RUNS) in the new list's order, and a mask of its rows that the base does not have.
    """
    base_keys, new_keys = _with_occurrence(*number_rows([base, new]))
    order = np.argsort(base_keys, kind="stable")
    at = np.searchsorted(base_keys, new_keys, sorter=order)
    found = np.full(len(new_keys), -1, dtype=np.int64)
    if len(order):
        candidates = order[np.minimum(at, len(order) - 1)]
        hit = base_keys[candidates] == new_keys
        found[hit] = candidates[hit]
    if not len(found):
        return RUNS.empty_table(), found == -1
    is_new = found == -1
    goes_on = np.where(is_new[1:], is_new[:-1], ~is_new[:-1] & (found[1:] == found[:-1] + 1)) & (row_numbers[1:] == row_numbers[:-1] + 1)
    starts = np.flatnonzero(np.r_[True, ~goes_on])
    lengths = np.diff(np.r_[starts, len(found)])
    runs = {"base_start": found[starts], "row_start": row_numbers[starts], "length": lengths}
    return pa.table({name: pa.array(values.astype(np.int32)) for name, values in runs.items()}, schema=RUNS), is_new


def _with_occurrence(base: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that also tell the first of several equal rows from the second."""
    _, numbers = np.unique(np.r_[base, new], return_inverse=True)
    parts = []
    for part in (numbers[: len(base)], numbers[len(base) :]):
        order = np.argsort(part, kind="stable")
        ordered = part[order]
        first = np.r_[True, ordered[1:] != ordered[:-1]] if len(part) else np.zeros(0, dtype=bool)
        place = np.arange(len(part)) - np.maximum.accumulate(np.where(first, np.arange(len(part)), 0))
        occurrence = np.empty(len(part), dtype=np.int64)
        occurrence[order] = place
        parts.append(part.astype(np.int64) * (max(len(base), len(new)) + 1) + occurrence)
    return parts[0], parts[1]


def follow_runs(runs: pa.Table, base_states: np.ndarray, first_new: int) -> tuple[np.ndarray, np.ndarray]:
    """A list's states and row numbers, from its runs.

    Args:
        runs: see RUNS.
        base_states: the state of every row of the base, in its order.
        first_new: the state of the first new row; those after it count on.

    Returns:
        (states, row numbers), one a row.
    """
    start, row, length = (runs[name].to_numpy().astype(np.int64) for name in RUNS.names)
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    places = np.repeat(start, length)
    is_new = places == -1
    states = np.empty(len(places), dtype=np.int64)
    states[is_new] = first_new + np.arange(int(is_new.sum()))
    states[~is_new] = base_states[(places + within)[~is_new]]
    return states, np.repeat(row, length) + within
