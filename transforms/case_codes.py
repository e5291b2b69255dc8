"""Codes of dossiers: the forms that systems write, odd ones, and what people write beside or in place of them.

A code identifies a dossier in every export, so that the same one must be read the same everywhere; and it goes everywhere, so that no citizen may be in it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.text import clean_column, has_personal_number, names_person

# A dossier's code as the systems write it: 000.22.58.H48-240215-0007, H48.529-240215-0007.
_OFFICE = r"(?:[0-9A-Z]{3}\.[0-9A-Z]{2}\.[0-9A-Z]{2}\.[A-Z]\d{2}|[A-Z]\d{2}(?:\.[0-9A-Z]{2,3}){0,3})"
CASE_CODE = rf"^{_OFFICE}-\d{{6}}-\d{{3,}}$"
_WORDS = r"\pL{2,}[ ,.:;-]+\pL{2,}"
_CODE_AND_MORE = rf"^(?P<before>(?:.*[ ,;:)|/_-])?)(?P<code>{_OFFICE} ?- ?\d{{6}} ?- ?\d{{3,}})(?P<more>(?:[ ,;:(|/_-].*)?)$"

# Signs around a code: the apostrophe with which spreadsheets keep a text, brackets, the full stop of a sentence, a star.
_IN_SIGNS = rf"^[^\pL\d]*(?P<code>{_OFFICE} ?- ?\d{{6}} ?- ?\d{{3,}})[^\pL\d]*$"


def parse_code_cells(cells: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """`parse_case_codes` for cells as they were read, not yet cleaned: a code in its proper form is what the cell says.

    Returns:
        As `parse_case_codes`.
    """
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    proper = pc.fill_null(pc.match_substring_regex(cells, CASE_CODE), False)
    known = proper.to_numpy(zero_copy_only=False).astype(bool)
    if known.all():
        return cells, known
    text = clean_column(cells.filter(pc.invert(proper)))
    codes, also_known = parse_case_codes(text.dictionary)
    known[~known] = pc.fill_null(pa.array(also_known).take(text.indices), False).to_numpy(zero_copy_only=False)
    return pc.replace_with_mask(cells, pc.invert(proper), codes.take(text.indices)), known


def parse_case_codes(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Dossier codes in capitals without spaces, and a mask of those of the two known forms.

    An odd code is kept; an error value (#N/A) is none, nor are words without a number, a bare identity or telephone number, or words with one
    ("Nguyễn Thị Hoa, ĐT 0912345678") or that name a person: the code of no system, but a citizen in the wrong column. Words and such numbers before or
    behind a code of a known form are no part of it ("H48.529-240215-0007 Nguyễn Thị Hoa"): kept, they would make another dossier of it, and carry a
    citizen's name everywhere.
    """
    column = _without_what_is_beside(pc.replace_substring_regex(column, pattern="[\\x{2010}-\\x{2015}\\x{2212}]", replacement="-"))
    in_words = pc.fill_null(pc.match_substring_regex(column, _WORDS), False)
    told = pc.and_(in_words, has_personal_number(column))
    if pc.any(in_words).as_py():
        told = pc.or_(told, pc.and_(in_words, pa.array([names_person(text or "") for text in column.to_pylist()], pa.bool_())))
    codes = pc.utf8_upper(pc.replace_substring_regex(column, pattern=" ", replacement=""))
    bare = pc.replace_substring_regex(codes, pattern=r"[.,/()_-]", replacement="")
    none = pc.or_(
        pc.match_substring_regex(bare, r"^(?:\d{9}|\d{12}|0\d{9}|02\d{9}|\+?84[35789]\d{8})$"),
        pc.match_substring_regex(codes, r"^(?:#.*|\D*|[^@]+@[^@]+\.[^@]+)$"),
    )
    none = pc.fill_null(pc.or_(none, told), False)
    codes = pc.if_else(none, pa.scalar(None, pa.string()), codes)
    known = pc.fill_null(pc.match_substring_regex(codes, CASE_CODE), False)
    return codes, known.to_numpy(zero_copy_only=False).astype(bool)


def _without_what_is_beside(column: pa.Array) -> pa.Array:
    """The cells, of those with a code of a known form this alone where signs, two words, or somebody's number stand beside it; one word may be a mark ("BS")."""
    bare = pc.struct_field(pc.extract_regex(pc.utf8_upper(column), pattern=_IN_SIGNS), "code")
    column = pc.coalesce(bare, column)
    parts = pc.extract_regex(pc.utf8_upper(column), pattern=_CODE_AND_MORE)
    if parts.null_count == len(column):
        return column
    beside = [pc.struct_field(parts, side) for side in ("before", "more")]
    told = [pc.fill_null(pc.or_(pc.match_substring_regex(text, _WORDS), has_personal_number(text)), False) for text in beside]
    return pc.if_else(pc.or_(*told), pc.struct_field(parts, "code"), column)
