"""CSV for people who live in Excel: a byte order mark, cells that are only text, there whole or not at all."""

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

# What a spreadsheet takes for a formula, or for a number; few cells are either, and a night writes hundreds of thousands.
_MISTAKEN = re.compile(r"([=+\-@\t\r])|\d\.\d{6}$")


def harmless(cell: object) -> object:
    """The cell so that no spreadsheet takes its text for a formula or a procedure's code for a number (1.000010 for 1.00001)."""
    if isinstance(cell, str):
        mistaken = _MISTAKEN.match(cell)
        return cell if mistaken is None else f"'{cell}" if mistaken[1] else f"TTHC {cell}"
    return "" if cell is None else cell


def write_csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV that Excel opens with its accents, there whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        stream.write(b"\xef\xbb\xbf" + text.getvalue().encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
