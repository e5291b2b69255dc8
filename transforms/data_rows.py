"""Which rows below the headings are data, and which are titles of sections, column numbers, totals and signatures.

A row with a well-formed code is data. A row without one is data all the same when enough of it makes sense, and is then loaded with a
warning or rejected with a reason: nothing that an office would count may vanish here.
"""

import re
from collections.abc import Sequence, Set

import numpy as np
import pyarrow as pa

from transforms.text import clean, heading_key, key

_TOTAL = re.compile(r"^(tổng(cộng|số|hồsơ)?|cộng)(:|\d|$|hồsơ|sốhồsơ)")
_INDEX = re.compile(r"^\(?\s*(\d{1,3}|[a-zđ]{1,2}|[ivx]+)\s*\)?(\s*=.*)?$", re.IGNORECASE)
_SECTION = re.compile(r"^(?:[ivxlcdm]+|\d+|[a-zđ])?\s*[.)/-]*\s*lĩnh vực\s*[:.]?\s*(.+)$", re.IGNORECASE)


def find_data_rows(
    doubtful: np.ndarray, columns: Sequence[pa.Array], codes: pa.Array, evidence: np.ndarray, code_headings: Set[str]
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Which of the rows without a well-formed code are data, and the titles of sections ("I. LĨNH VỰC …") among the others.

    Args:
        doubtful: the rows below the headings whose code has no known form; the others are data without a further look.
        columns: every column of the sheet below the headings.
        codes: of the doubtful rows, the cleaned text of the column that identifies a row.
        evidence: of the doubtful rows, how many cells mean something in their column (a date, a known word, an ordinal number).
        code_headings: keys of the code column's own headings, which a table repeats on each page.

    Returns:
        A mask of the doubtful rows that are data, and (row, title) of the sections.
    """
    keep = np.zeros(len(doubtful), dtype=bool)
    sections: list[tuple[int, str]] = []
    at = pa.array(doubtful)
    cells = [column.take(at).to_pylist() for column in columns]
    for number, code, *row in zip(range(len(doubtful)), codes.to_pylist(), *cells, strict=True):
        texts = [text for cell in row if cell and (text := clean(cell))]
        apart = list(dict.fromkeys(texts))  # a merged title may stand in every cell, and its number in a cell of its own
        section = _SECTION.match(apart[-1]) if len(apart) == 1 or (len(apart) == 2 and _INDEX.match(apart[0])) else None
        if section:
            sections.append((int(doubtful[number]), section[1].strip().capitalize()))
        keep[number] = _is_data(texts, code, int(evidence[number]), code_headings)
    return keep, sections


def _is_data(texts: list[str], code: str | None, evidence: int, code_headings: Set[str]) -> bool:
    """Whether a row without a well-formed code is data all the same, and so must be loaded or rejected, not passed over."""
    # A section's title stands alone in its row, or once in every merged cell; several meaningful cells are data even when all say "0".
    if (
        (len(set(texts)) <= 2 and evidence < 3)
        or _TOTAL.match(key(texts[0]))
        or (code and (_TOTAL.match(key(code)) or heading_key(code) in code_headings))
    ):
        return False
    if all(_INDEX.match(text) for text in texts):
        return False
    return evidence >= 1 or (bool(code) and any(c.isdigit() for c in code or "") and len(texts) >= 4)


def section_of(rows: pa.Array, sections: list[tuple[int, str]]) -> pa.Array:
    """The section title that stands above each of the rows, null before the first."""
    if not sections:
        return pa.nulls(len(rows), pa.string())
    at = np.searchsorted([number for number, _ in sections], rows.to_numpy(), side="right") - 1
    names = pa.array([name for _, name in sections], pa.string())
    return names.take(pa.array(np.where(at < 0, 0, at), mask=at < 0))
