"""`tthc headings add`: one more line in the office's own headings.csv, checked before it is written."""

import csv
import io
from pathlib import Path

from flows.office_lines import read_text
from flows.reference import load_own_lists
from flows.settings import ConfigurationError
from transforms.layouts import ListError, load_lists
from transforms.office_rows import find_delimiter
from transforms.text import clean

_HEADER = "kind,column,heading"


def check_line(folder: Path, kind: str, column: str, heading: str) -> str:
    """The CSV line for a heading, with the delimiter of the table, if the lists stay sound with it.

    Raises:
        ConfigurationError: the kind or column is unknown, the heading is declared already, or the present list cannot be used.
    """
    text = io.StringIO()
    csv.writer(text, delimiter=find_delimiter(_text(folder)), lineterminator="").writerow([kind, column, clean(heading)])
    line = text.getvalue()
    before = load_own_lists(folder)
    try:
        after = load_lists(f"{_text(folder)}{line}\n")
    except ListError as error:
        raise ConfigurationError(str(error)) from None
    if before.headings == after.headings:
        raise ConfigurationError(f"tiêu đề “{clean(heading)}” đã có trong danh sách cho cột “{column}”")
    return line


def add_line(folder: Path, line: str) -> None:
    """Write headings.csv with one line more; it is there whole or as before."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ".headings.csv.new"
    part.write_text(f"{_text(folder)}{line}\n", encoding="utf-8")
    part.replace(folder / "headings.csv")


def _text(folder: Path) -> str:
    path = folder / "headings.csv"
    text = read_text(path) if path.is_file() else _HEADER
    return text if text.endswith("\n") else text + "\n"
