"""One column of a table, below its headings: cells as values of the column's type, and which of them are filled but not understood."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import parsing
from transforms.case_codes import parse_code_cells
from transforms.layouts import LayoutLists
from transforms.layouts.lists import Column
from transforms.sheets import Sheet
from transforms.text import clean_column, hide_people, key, unit_reference

ARROW_TYPES = {
    "date": pa.timestamp("us"),
    "status": pa.int32(),
    "component": pa.int32(),
    "amount": pa.int64(),
    "fee": pa.int64(),
    "count": pa.int64(),
    "figure": pa.int64(),
    "duration": pa.int64(),
    "year": pa.int64(),
    "yes_no": pa.bool_(),
    "percent": pa.float64(),
}


@dataclass
class ParsedColumn:
    """One column of a sheet, below the headings: its values, and where a cell is filled but not understood.

    Attributes:
        cells: the cells, cleaned where their type needs it, which is then told by being a dictionary array; as they were read otherwise.
    """

    cells: pa.Array
    values: pa.Array
    bad: np.ndarray

    def text_of(self, rows: np.ndarray) -> pa.StringArray:
        """Cleaned text of some rows."""
        some = self.cells.take(pa.array(rows))
        return (some if isinstance(some, pa.DictionaryArray) else clean_column(some)).cast(pa.string())


def parse_cells(column: Column, cells: pa.Array, sheet: Sheet, lists: LayoutLists) -> ParsedColumn:
    """Dates and dossier codes differ from row to row and mostly stand in one exact form; all other cells are parsed once a distinct text."""
    match column.type:
        case "date":
            values, bad = parsing.parse_date_cells(cells, date1904=sheet.date1904)
            return ParsedColumn(cells, values.cast(pa.timestamp("us")), bad)
        case "year":
            return ParsedColumn(cells, parse_years(cells, date1904=sheet.date1904), np.zeros(len(cells), dtype=bool))
        case "case_code":
            values, known = parse_code_cells(cells)
            return ParsedColumn(cells, values, ~known)
        case _:
            return _parse(column, clean_column(cells), lists)


def parse_years(cells: pa.Array, *, date1904: bool = False) -> pa.Array:
    """Years (int64) of dates, and of words that name one ("cuối năm 2024"); null where a cell says none or several."""
    moments, _ = parsing.parse_date_cells(cells, date1904=date1904)
    named = pc.extract_regex(clean_column(cells).cast(pa.string()), r"^(?:\D|\d{1,3}\D)*(?P<year>20\d{2})(?:\D+\d{1,3})*\D*$")
    return pc.coalesce(pc.year(moments), pc.cast(pc.struct_field(named, "year"), pa.int64()))


def _parse(column: Column, text: pa.DictionaryArray, lists: LayoutLists) -> ParsedColumn:
    words = text.dictionary
    none_bad = np.zeros(len(words), dtype=bool)
    match column.type:
        case "code":
            values, bad = parsing.parse_codes(words), none_bad
        case "percent":
            values, bad = parsing.parse_percentages(words)
        case "procedure_code":
            values = parsing.parse_procedure_codes(words)
            bad = ~pc.match_substring_regex(values, r"^\d\.\d{6}$").to_numpy(zero_copy_only=False).astype(bool)
        case "unit":
            values, bad = pa.array([unit_reference(key(word)) for word in words.to_pylist()], pa.string()), none_bad
        case "level":
            values, bad = parsing.parse_levels(words, lists.words["level"])
        case "amount":
            values, bad = parsing.parse_numbers(words)
        case "count":
            values, bad = parsing.parse_numbers(words, is_count=True)
        case "figure":
            values, bad = parsing.parse_figures(words)
        case "fee":
            values, bad = parsing.parse_numbers(words, no_fee_words=True)
        case "duration":
            values, bad = parsing.parse_numbers(words, is_count=True)
            bad = none_bad  # a deadline in words ("trong ngày") is no reason to lose the procedure
        case "text":
            values, hidden = hide_people(words)
            values = pc.if_else(
                pc.match_substring_regex(values, r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|\?)$"),
                pa.scalar(None, pa.string()),
                values,
            )
            bad = np.asarray(hidden.to_numpy(zero_copy_only=False), dtype=bool)
        case _:
            values, bad = parsing.parse_words(words, lists.words[column.type], ARROW_TYPES.get(column.type, pa.string()))
    return ParsedColumn(text, values.take(text.indices), _spread(bad, text.indices))


def _spread(of_words: np.ndarray, indices: pa.Array) -> np.ndarray:
    """What is true of a row's word is true of the row; of blank cells it is not."""
    if not of_words.any():
        return np.zeros(len(indices), dtype=bool)
    return np.asarray(pc.fill_null(pa.array(of_words).take(indices), False).to_numpy(zero_copy_only=False), dtype=bool)


def find_filled(column: pa.Array) -> np.ndarray:
    """A mask of the cells that are not blank."""
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=bool)
