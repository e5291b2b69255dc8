"""Rows of the CSV tables that the office edits: whole, or the line that swallowed others is named; and what is wrong with them, all at once."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager


class TableError(Exception):
    """Tables of the office cannot be used; each argument is one fault, told in full."""

    def __str__(self) -> str:
        return "\n".join(self.args)


class Faults(list[str]):
    """What is wrong with tables of the office, line by line, so that one run tells all of it: nobody should have to run once for every wrong line."""

    @contextmanager
    def gather(self, kind: type[Exception]) -> Iterator[None]:
        """Keep what an error of this kind says, and go on behind the block."""
        try:
            yield
        except kind as error:
            self.extend(error.args)


class SwallowedRows(ValueError):
    """A quotation mark makes one cell of several lines; the text says which line opens it."""


def find_delimiter(text: str) -> str:
    """What parts the cells of a table of the office, "," or ";", as its heading tells."""
    heading = re.split("[\r\n]", text, maxsplit=1)[0]
    return ";" if heading.count(";") > heading.count(",") else ","


def cut_blank_end(row: list[str], width: int) -> list[str]:
    """The row without the blank cells beyond a width: Excel saves them where a column was once filled or coloured, and nobody sees them."""
    filled = max((number for number, cell in enumerate(row, 1) if cell.strip()), default=0)
    return row[: max(width, filled)]


def read_office_rows(text: str) -> list[tuple[int, list[str]]]:
    """Every row of a CSV text, and the line it begins on; saved with "," or ";", lines ended as any system ends them.

    A mark that somebody typed before a word opens a cell that takes in all lines up to the next mark: holidays or units would be gone without
    a word. So a mark must be closed where its cell ends, and no line inside a cell may look like a row of the table; in prose a space follows the comma.
    Blank cells beyond the heading are none.

    Raises:
        SwallowedRows: one cell holds what are rows.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    heading, delimiter = text.partition("\n")[0], find_delimiter(text)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for row in reader:
            below = (line for cell in row for line in cell.split("\n")[1:])
            if any(line.count(delimiter) - line.count(delimiter + " ") >= max(1, heading.count(delimiter)) for line in below):
                raise csv.Error
            rows.append((begins, cut_blank_end(row, len(rows[0][1]) if rows else len(row))))
            begins = reader.line_num + 1
    except csv.Error:
        raise SwallowedRows(
            f"dòng {begins}: dấu nháy kép không được đóng ở cuối ô nên các dòng sau bị nuốt vào một ô; hãy sửa dấu nháy đó"
        ) from None
    return rows
