"""Hours in a column of their own, beside the column of their day: the two are one moment."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import parsing
from transforms.columns import ParsedColumn, find_filled
from transforms.moment_words import in_figures
from transforms.text import clean_column

# The day 0 that spreadsheets give an hour without a day.
_NO_DAY = re.compile(r"^(?:1899-12-3[01]|1900-01-0[01]|1904-01-0[12])[ T]")
_DOTTED = re.compile(r"^(?!0\.)(\d{1,2})\.(\d{2})(?:\.(\d{2}))?$")
# A number cell's part of a day; "0.30" may be half past midnight or 7:12.
_PART_OF_DAY = re.compile(r"^0[.,](?:\d|75|\d{3,})$")
_DAY_FOR_PARSING = "2000-01-01"
_SECONDS = 86400


def join_hours(day: ParsedColumn, hours: pa.Array) -> ParsedColumn:
    """The moments that days and their hours make; where no hour is written, the day as it is.

    Not understood is a cell that is no hour, an hour without a day, one on another day than its day, and another than the hour that the day already has.

    Args:
        day: dates, mostly without a time.
        hours: the cells beside them, as they were read: "08:30", "8h30", part of a day (0.354166…), or a moment of which only the hour is shown.
    """
    text = clean_column(hours)
    at = text.indices
    words = _parse(text.dictionary.to_pylist())
    filled = find_filled(at)
    moments = pa.array(words, pa.timestamp("s")).take(at).to_numpy(zero_copy_only=False).astype("datetime64[s]")
    days = moments.astype("datetime64[D]")
    seconds = (moments - days).astype(np.int64)
    given = day.values.to_numpy(zero_copy_only=False).astype("datetime64[s]")
    is_blank = np.isnat(given) & ~day.bad
    midnight = given.astype("datetime64[D]")
    ok = ~np.isnat(moments) & ((days == np.datetime64(_DAY_FOR_PARSING)) | (days == midnight))
    own = np.where(np.isnat(given), 0, (given - midnight).astype(np.int64))
    ok &= (own == 0) | (own // 60 == seconds // 60)
    ok = np.where(is_blank, ~np.isnat(moments) & (seconds == 0), ok)
    wrong = filled & ~ok & ~day.bad
    joined = filled & ok & ~is_blank & ~day.bad & (own == 0)
    values = np.where(joined, midnight + seconds.astype("timedelta64[s]"), given)
    values[wrong] = np.datetime64("NaT")
    cells = day.cells
    if wrong.any():  # shown with both
        plain = clean_column(cells).cast(pa.string())
        rows = pa.array(np.flatnonzero(wrong))
        both = pc.binary_join_element_wise(plain.take(rows), text.take(rows).cast(pa.string()), " ", null_handling="skip")
        cells = pc.replace_with_mask(plain, pa.array(wrong), both).dictionary_encode()
    return ParsedColumn(cells, pa.array(values, pa.timestamp("s")).cast(day.values.type), day.bad | wrong)


def _parse(words: list[str]) -> list[object]:
    """What each text says: an hour as a moment of one day, the same for all; a whole moment as itself; None for anything else."""
    bare = [
        _DOTTED.sub(lambda said: ":".join(filter(None, said.groups())), in_figures(_NO_DAY.sub("", word))).strip(" '’") for word in words
    ]
    whole = [f"{_DAY_FOR_PARSING} {text}" if re.match(r"\d{1,2}:", text) and not re.search(r"\d[/-]", text) else text for text in bare]
    moments, _ = parsing.parse_dates(pa.array([None if re.fullmatch(r"[\d.,]+", text) else text for text in whole], pa.string()))
    found = moments.to_numpy(zero_copy_only=False).astype("datetime64[s]")
    for number, text in enumerate(bare):
        if _PART_OF_DAY.match(text):
            part = round(float(text.replace(",", ".")) * _SECONDS)
            found[number] = np.datetime64(_DAY_FOR_PARSING, "s") + np.timedelta64(part, "s")
    return list(found.tolist())
