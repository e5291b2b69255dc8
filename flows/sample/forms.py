"""What every container is asked to write: a form with titles and headings, rows as they come, footers at the end."""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

Cell = str | float
"""Text, or a number; in a ``date`` column a number is an Excel serial."""

Row = Sequence[Cell]
"""As long as the header; a row of one cell stands across the sheet."""

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Archive members carry a fixed time, so that the same arguments give the same bytes."""

_EPOCH = datetime(1899, 12, 30)


@dataclass(frozen=True)
class Form:
    """What stands around the rows.

    Attributes:
        name: Of the sheet.
        titles: Rows above the header, one cell each; an empty one is a blank row.
        header: One to three rows of headings; cells covered by a span are empty.
        spans: (row, column, rows, columns) of merged header cells, row 0 being the first header row.
        kinds: Per column ``text``, ``number`` or ``date``.
    """

    name: str
    titles: tuple[str, ...]
    header: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[int, int, int, int], ...]
    kinds: tuple[str, ...]


class Container(Protocol):
    """A file being written; complete on disk after ``close``."""

    def add(self, rows: Iterable[Row]) -> None:
        """Writes rows below what is there."""

    def close(self, footers: Iterable[Row] = ()) -> None:
        """Writes the rows below the data and finishes the file."""


def plain_number(value: float) -> str:
    """Returns a number as a text file shows it: no trailing zeros, which is how 1.000010 becomes 1.00001."""
    return f"{value:.10g}"


def serial_moment(serial: float) -> datetime:
    """Returns the moment, to the minute, that an Excel serial stands for."""
    return _EPOCH + timedelta(minutes=round(serial * 1440))


def member(name: str) -> zipfile.ZipInfo:
    """Returns the entry of an archive member with a fixed time and mode."""
    info = zipfile.ZipInfo(name, ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def pack(source: Path, archive: Path, name: str) -> None:
    """Moves a finished file into a new archive, as its only member."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(member(name), source.read_bytes())
    source.unlink()
