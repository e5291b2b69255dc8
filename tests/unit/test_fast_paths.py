"""Every short way of reading gives what the long way gives: cell by cell, for whatever a cell may hold."""

import numpy as np
import pyarrow as pa
import pytest
from conftest import rounds
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.case_codes import parse_case_codes, parse_code_cells
from transforms.parsing import parse_date_cells, parse_dates
from transforms.readers import delimited
from transforms.sheets import Sheet, UnreadableExport
from transforms.text import clean, clean_column

NUMBER = st.integers(0, 99).map("{:02d}".format)
YEAR = st.one_of(st.integers(1988, 2101), st.integers(0, 9999)).map("{:04d}".format)
MOMENT = st.builds(
    lambda form, d, m, y, h, i, s: form.format(d=d, m=m, y=y, h=h, i=i, s=s),
    st.sampled_from(
        [
            "{d}/{m}/{y} {h}:{i}:{s}",
            "{y}-{m}-{d} {h}:{i}:{s}",
            "{h}:{i}:{s} {d}/{m}/{y}",
            "{d}/{m}/{y} {h}:{i}",
            "{h}:{i} {d}/{m}/{y}",
            "{d}/{m}/{y}",
            "{y}-{m}-{d}",
            "{d}-{m}-{y} {h}:{i}",
            "{y}-{m}-{d}T{h}:{i}:{s}.600+0000",
            " {d}/{m}/{y}\u00a0{h}:{i} ",
            "4{y}.{h}",
        ]
    ),
    st.one_of(st.integers(0, 32).map("{:02d}".format), NUMBER),
    st.one_of(st.integers(0, 13).map("{:02d}".format), NUMBER),
    YEAR,
    st.one_of(st.integers(0, 25).map("{:02d}".format), NUMBER),
    NUMBER,
    NUMBER,
)


def spoil(text: str, at: int, piece: str) -> str:
    """The text with one character replaced."""
    at %= max(len(text), 1)
    return text[:at] + piece + text[at + 1 :]


PIECES = st.sampled_from(["", " ", "/", ":", "0", "9", "x", "\u0661", "\ufeff", "\t", "\u2013", "ố"])
DATES = st.lists(
    st.one_of(MOMENT, st.builds(spoil, MOMENT, st.integers(0, 30), PIECES), st.sampled_from([None, "", " ", "#N/A"])), max_size=20
)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(100, 300))
@given(DATES)
def test_dates_by_their_bytes_are_the_dates_that_expressions_find(cells: list[str | None]) -> None:
    column = pa.array(["cut off", *cells], pa.string()).slice(1)
    text = clean_column(column)
    slow, wrong = parse_dates(text.cast(pa.string()))
    fast, bad = parse_date_cells(column)
    assert fast.to_pylist() == slow.to_pylist()
    assert bad.tolist() == wrong.tolist()


CODE = st.builds(
    "{}-{}-{}".format,
    st.sampled_from(["000.22.58.H48", "H48.529", "H48", "000.22.58", "h48.15", "H48.5294"]),
    st.integers(0, 999_999).map("{:06d}".format),
    st.integers(0, 99_999).map("{:04d}".format),
)
CODES = st.lists(
    st.one_of(
        CODE, st.builds(spoil, CODE, st.integers(0, 30), PIECES), st.sampled_from([None, "", "#N/A", "Tổng", "0912345678", "079123456789"])
    ),
    max_size=20,
)


@pytest.mark.slow
@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(100, 300))
@given(CODES)
def test_codes_in_their_proper_form_are_what_cleaning_and_parsing_gives(cells: list[str | None]) -> None:
    column = pa.array(["cut off", *cells], pa.string()).slice(1)
    slow, known = parse_case_codes(clean_column(column).cast(pa.string()))
    fast, also_known = parse_code_cells(column)
    assert fast.to_pylist() == slow.to_pylist()
    assert np.asarray(also_known).tolist() == known.tolist()


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(100, 300))
@given(st.lists(st.one_of(st.none(), st.text(st.sampled_from("aB1 .\t\u00a0\u200bé\u0301\x7f"), max_size=6)), max_size=12))
def test_a_column_is_cleaned_as_its_cells_are(cells: list[str | None]) -> None:
    column = pa.array(["cut off", *cells], pa.string()).slice(1)
    assert clean_column(column).cast(pa.string()).to_pylist() == [clean(cell) or None if cell else None for cell in cells]


FIELD = st.one_of(
    st.text(st.sampled_from("abố 1,;|\t\"\n\r='\ufeff"), max_size=6),
    st.sampled_from(
        ["", "05/01/2024 07:30", '"a, b"', '"a ""b"" c"', '""', '="1.000010"', '"a\nb"', 'a"b', '"a"b', ' "a"', '"', "NA", "null", "1.10"]
    ),
)
TEXT = st.builds(
    lambda rows, delimiter, ending, last: ending.join(delimiter.join(row) for row in rows) + (ending if last else ""),
    st.one_of(
        st.lists(st.lists(FIELD, max_size=4), max_size=12),
        st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(FIELD, min_size=width, max_size=width), min_size=1, max_size=20)),
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


def read_text(text: str, *, fast: bool) -> Sheet | str:
    """The sheet of a text, by columns as soon as there is a row, or by Python's own reader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "FEWEST_BYTES", 0 if fast else 1 << 40)
        try:
            return delimited.read(text, 50)[0]
        except UnreadableExport as error:
            return str(error)


@pytest.mark.campaign
@settings(deadline=None, max_examples=rounds(150, 500))
@given(TEXT)
def test_a_text_read_by_columns_is_the_text_that_python_reads(text: str) -> None:
    assert read_text(text, fast=True) == read_text(text, fast=False)


def test_a_plain_text_with_titles_and_totals_is_read_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\r\n".join(f'{number},"hồ sơ, số {number}",x' for number in range(300))
    text = f"Danh sách\r\n\r\nSTT,Mã,Ghi chú\r\n{rows}\r\nTổng,300\r\n"
    monkeypatch.setattr(delimited, "FEWEST_BYTES", 0)
    seen = []
    rows_of = delimited._records
    monkeypatch.setattr(delimited, "_records", lambda *args: seen.append(len(args[0])) or rows_of(*args))
    sheet = delimited.read(text, 50)[0]
    assert max(seen[4:]) < 100  # the first four look for the delimiter
    assert sheet.height == 304
    assert [column[3].as_py() for column in sheet.columns] == ["0", "hồ sơ, số 0", "x"]
    assert [column[303].as_py() for column in sheet.columns] == ["Tổng", "300", None]
