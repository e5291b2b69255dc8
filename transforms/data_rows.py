"""Which rows below the headings are data, and which are titles of sections, column numbers, totals and signatures.

A row with a well-formed code is data. A row without one is data all the same when enough of it makes sense, and is then loaded with a
warning or rejected with a reason: nothing that an office would count may vanish here.
"""

import re
from collections.abc import Sequence, Set

import numpy as np
import pyarrow as pa

from transforms.case_codes import CASE_CODE
from transforms.layouts.tables import may_be_headings
from transforms.sheets import UNCALCULATED
from transforms.text import clean, heading_key, key

# "Tổng cộng toàn huyện", "Cộng (I)", "Toàn tỉnh"; but Tổng cục, Tổng công ty and the like are offices.
_TOTAL = re.compile(
    r"^(tổng(?!cục|côngty|cty|đài|kho|độicông)|cộng(?!đồng|hòa|hoà|tác)|toàn(huyện|tỉnh|thànhphố|thịxã|xã|phường|quận|đặckhu|ngành|địabàn|bộ)(:|\(|\d|$))"
)
# Excel takes a "(3)" that somebody types for -3, as accountants write it.
_INDEX = re.compile(r"^(?:cột\s*)?[(\[]?\s*(-?\d{1,3}|[a-zđ]{1,2}|[ivx]+)\s*[)\]]?:?(\s*=.*)?$", re.IGNORECASE)
_SECTION = re.compile(
    r"^(?:(?:[ivxlcdm]+|\d+|[a-zđ])(?:\.\d+)*)?\s*[.)/-]*\s*lĩnh vực\s*[:.]?\s*(.+?)(?:\s*\(.*\d.*\))?[\s:.]*$", re.IGNORECASE
)
# What may stand beside a section's title: its number, or how many procedures or dossiers it has.
_COUNT = re.compile(r"^\(?\s*\d+(?:\s*(?:tthc|thủ tục|hồ sơ|hs))?\s*\)?$", re.IGNORECASE)
_WELL_FORMED = re.compile(CASE_CODE, re.IGNORECASE)
# "Ví dụ" in the cell of the order number, "VD: 000.22.58.H48-240215-0001" in that of the code.
_EXAMPLE = re.compile(r"^\W*(?:(?:ví|thí) dụ|vd|(?:dòng )?mẫu)(?:\W*$|\s*[:.(–-])", re.IGNORECASE)
_EXAMPLES_WITHIN = 10  # rows below the headings
# One word with a digit that is no date: a code of some form, however odd.
_CODE_LIKE = re.compile(r"^(?=\S*\d)(?!\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$)\S{6,}$")
# So many formulas that nobody has calculated, and nothing else, are a row of which nothing can be said; it may be a dossier.
_FEWEST_UNCALCULATED = 3
# A row of subtotals may name what it sums up ("Cộng | Trực tuyến"), in one cell.
_FEWEST_SPOKEN = 2
# The same of a criterion or a task, whose codes are as short as "2" or "III.2".
_SHORT_CODE = re.compile(r"^(?=\S*\d)(?!\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$)\S+$")


def find_data_rows(
    doubtful: np.ndarray,
    columns: Sequence[pa.Array],
    codes: pa.Array,
    evidence: np.ndarray,
    spoken: np.ndarray,
    code_headings: Set[str],
    any_headings: Set[str],
    *,
    has_short_codes: bool = False,
) -> tuple[np.ndarray, list[tuple[int, str]], list[int]]:
    """Which of the rows without a well-formed code are data, the titles of sections ("I. LĨNH VỰC …") among the others, and headings.

    Args:
        doubtful: the rows below the headings whose code has no known form; the others are data without a further look.
        columns: every column of the sheet below the headings.
        codes: of the doubtful rows, the cleaned text of the column that identifies a row.
        evidence: of the doubtful rows, how many cells mean something in their column (a date, a known word, an ordinal number, words beside a short code).
        spoken: of the doubtful rows, how many of these cells are dates and words, which no row of totals has.
        code_headings: keys of the code column's own headings, which a table repeats on each page.
        any_headings: keys of the headings of such a column in tables of any kind.
        has_short_codes: codes may be as short as "2": beside one, a single cell that means something is an answer.

    Returns:
        A mask of the doubtful rows that are data, (row, title) of the sections, and the rows that can be headings, of this table or another.
    """
    keep = np.zeros(len(doubtful), dtype=bool)
    sections: list[tuple[int, str]] = []
    headings: list[int] = []
    at = pa.array(doubtful)
    cells = [column.take(at).to_pylist() for column in columns]
    for number, code, *row in zip(range(len(doubtful)), codes.to_pylist(), *cells, strict=True):
        texts = [text for cell in row if cell and (text := clean(cell))]
        # a merged title may stand in every cell, with its number or a count in cells of their own
        titles = [text for text in dict.fromkeys(texts) if not _INDEX.match(text) and not _COUNT.match(text)]
        section = _SECTION.match(titles[0]) if len(titles) == 1 else None
        if section:
            sections.append((int(doubtful[number]), section[1].strip().capitalize()))
        if may_be_headings(texts, any_headings):
            headings.append(int(doubtful[number]))
        keep[number] = not section and _is_data(
            texts, code, int(evidence[number]), code_headings, is_told=spoken[number] >= _FEWEST_SPOKEN, has_short_codes=has_short_codes
        )
    return keep, sections, headings


def _is_data(texts: list[str], code: str | None, evidence: int, code_headings: Set[str], *, is_told: bool, has_short_codes: bool) -> bool:
    """Whether a row without a well-formed code is data all the same, and so must be loaded or rejected, not passed over."""
    if len(texts) >= _FEWEST_UNCALCULATED and set(texts) == {UNCALCULATED}:
        return True
    if not texts or (code and (_TOTAL.match(key(code)) or heading_key(code) in code_headings)):
        return False
    if _TOTAL.match(key(texts[0])) and not is_told:  # "Tổng kết công tác năm" is a task, "Tổng hợp hồ sơ đất đai" a procedure
        return False
    if len(texts) >= 3 and any(_WELL_FORMED.match(text) for text in texts):
        return True  # its cells slipped sideways
    # A title stands alone in its row or once in every merged cell; several meaningful cells are data even when all say "0".
    named = texts[1:] if _INDEX.match(texts[0]) else texts
    # an order number before the code is no answer: "1 | 3.1 | Cải cách thủ tục" is a title
    is_numbered = texts[0] != code and bool(_INDEX.match(texts[0]))
    is_answer = bool(has_short_codes and code and _SHORT_CODE.match(code) and evidence > is_numbered)
    is_title = len(set(named)) <= 1 and not is_answer
    if not is_answer and not (code and _CODE_LIKE.match(code)):  # names and dates of signatures, a unit with a count
        is_title = is_title or len(texts) <= 2 or (len(texts) == 3 and evidence <= 1)
    if (is_title and evidence < 3) or all(_INDEX.match(text) for text in texts):
        return False
    return evidence >= 1 or (bool(code) and any(c.isdigit() for c in code or "") and len(texts) >= 4)


def find_examples(keep: np.ndarray, columns: Sequence[pa.Array], codes: pa.Array) -> list[int]:
    """The data rows right below the headings that only show how to fill in the others; below a dossier there are none.

    Args:
        keep: a mask of the rows that are data.
        columns: every column of the sheet below the headings.
        codes: the cells of the column that identifies a row.
    """
    examples: list[int] = []
    for row in np.flatnonzero(keep[:_EXAMPLES_WITHIN]).tolist():
        first = next((text for column in columns if (text := clean(column[row].as_py() or ""))), "")
        if not any(_EXAMPLE.match(text) for text in (first, clean(codes[row].as_py() or ""))):
            break
        examples.append(row)
    return examples


def section_of(rows: pa.Array, sections: list[tuple[int, str]]) -> pa.Array:
    """The section title that stands above each of the rows, null before the first."""
    if not sections:
        return pa.nulls(len(rows), pa.string())
    at = np.searchsorted([number for number, _ in sections], rows.to_numpy(), side="right") - 1
    names = pa.array([name for _, name in sections], pa.string())
    return names.take(pa.array(np.where(at < 0, 0, at), mask=at < 0))
