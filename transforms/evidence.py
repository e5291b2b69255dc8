"""How much the cells of a row say that is meant as data: it tells rows without a usable code from titles, totals and signatures (transforms/data_rows.py)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.columns import ParsedColumn, find_filled
from transforms.layouts import Layout
from transforms.text import clean_column

# Types whose valid value proves that a row without a usable code is data and not a signature or a total.
_EVIDENCE = frozenset(
    (
        "date",
        "status",
        "channel",
        "level",
        "procedure_code",
        "collection",
        "method",
        "payment_state",
        "component",
        "count",
        "figure",
        "progress",
        "percent",
    )
)
# Of these what no sum can be mistaken for: a row that says so much of one dossier is none of totals, however it begins.
_SPOKEN = _EVIDENCE - {"procedure_code", "count", "figure", "percent"} | {"yes_no"}
# A cell of counts that cannot be read, but is meant as one: "12 (34,5%)", "5 hồ sơ", "Tỷ lệ: 12%"; a dash is how forms print none. Shares below the totals
# and dates are none.
_MEANT_AS_COUNT = r"^(?:[-–—]|\d.*|(?i:số lượng|sl|tỷ lệ|điểm số)\W.*\d.*)$"
# Where and when a list was signed, in the columns of dates: "Ngày 30 tháng 6 năm 2024".
_SIGNED_ON = r"^\W*(?i:ngày)\W*\d"
_NO_COUNT = r"^(?:\d+(?:[.,]\d+)?\s*%|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*)$"


def count_evidence(
    layout: Layout, parsed: Mapping[str, ParsedColumn], below: Sequence[pa.Array], doubtful: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Per doubtful row, how many cells mean something, and how many of them no sum could say.

    Valid words and dates mean something, an ordinal number in the STT column, and what is meant as a count though it cannot be read; a bare number may be
    a sum, or a count of the cells above.
    """
    evidence, spoken = np.zeros(len(doubtful), dtype=int), np.zeros(len(doubtful), dtype=int)
    at = pa.array(doubtful)
    for name, column in parsed.items():
        kind = layout.kind.columns[name].type
        if kind not in _EVIDENCE | _SPOKEN:
            continue
        is_valid = find_filled(column.values.take(at)) & ~column.bad[doubtful]
        if kind == "date":
            is_valid &= ~_matches(column.text_of(doubtful), _SIGNED_ON)
        if kind in _SPOKEN:
            is_spoken = is_valid & _matches(column.text_of(doubtful), r"\pL|\d[/:-]|\.\d+\.")
            spoken += is_spoken
        # a bare 1 or 0 may stand in a row of totals too
        evidence += is_spoken if kind == "yes_no" else is_valid
        if kind in ("count", "figure"):
            texts = column.text_of(doubtful)
            evidence += column.bad[doubtful] & _matches(texts, _MEANT_AS_COUNT) & ~_matches(texts, _NO_COUNT)
    for position in layout.ordinals:
        evidence += _matches(below[position].take(at), r"^\s*\d{1,7}(?:\.0)?\s*$")
    if layout.kind.columns[layout.kind.key_column].type == "code":
        evidence += _count_answers(layout, parsed, below, doubtful)
    return evidence, spoken


def _count_answers(layout: Layout, parsed: Mapping[str, ParsedColumn], below: Sequence[pa.Array], doubtful: np.ndarray) -> np.ndarray:
    """Per doubtful row, how many words answer the code of a task or a criterion: a task may have no dates yet, a report be words alone.

    One of the texts may be its title ("3.1 | Cải cách thủ tục"): what stands right beside the code, also where that is merged over the row, else any.
    """
    position, at = layout.columns[layout.kind.key_column], pa.array(doubtful)
    beside = below[position + 1].take(at) if position + 1 < len(below) else pa.nulls(len(doubtful), pa.string())
    title = pc.fill_null(clean_column(beside).cast(pa.string()), "")
    answers = np.zeros(len(doubtful), dtype=int) - _matches(title, "^$")
    for name, column in parsed.items():
        if layout.kind.columns[name].type in ("text", "unit") and layout.columns[name] != position + 1:
            is_other = pc.fill_null(pc.not_equal(column.text_of(doubtful), title), False)
            answers += np.asarray(is_other.to_numpy(zero_copy_only=False), dtype=bool)
    is_coded = _matches(parsed[layout.kind.key_column].text_of(doubtful), r"^\S*\d\S*$")
    return np.where(is_coded, np.maximum(answers, 0), 0)


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    """Which of the texts a pattern is found in; in a blank cell none is."""
    return np.asarray(pc.fill_null(pc.match_substring_regex(texts, pattern), False).to_numpy(zero_copy_only=False), dtype=bool)
