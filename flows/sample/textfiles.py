"""Text exports: CSV and its relatives in the code pages met in the wild."""

import csv
from collections.abc import Iterable
from pathlib import Path

from flows.sample.forms import Form, Row


class TextFile:
    """A delimited text file; a form's titles stand above the header when it has any."""

    def __init__(self, path: Path, form: Form, encoding: str, delimiter: str) -> None:
        """Opens the file and writes titles and header."""
        self._file = path.open("w", encoding=encoding, newline="")
        self._writer = csv.writer(self._file, delimiter=delimiter, lineterminator="\r\n")
        self._writer.writerows([[t] for t in form.titles])
        self._writer.writerows(form.header)

    def add(self, rows: Iterable[Row]) -> None:
        """Writes rows as they are: cells are texts already."""
        self._writer.writerows(rows)

    def close(self, footers: Iterable[Row] = ()) -> None:
        """Writes the footers and closes the file."""
        self._writer.writerows(footers)
        self._file.close()
