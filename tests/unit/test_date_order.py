"""Columns of dates in which days and months may have changed places: read day first all the same, and told."""

from collections.abc import Sequence

import pytest
from conftest import HEADINGS, case_row

from transforms.exports import normalise_export
from transforms.layouts import load_lists
from transforms.sheets import sheet_from_rows

LISTS = load_lists()


def told_of(dates: Sequence[str]) -> list[str]:
    """The warnings of a list with these due dates."""
    rows = [
        [None if cell is None else str(cell) for cell in case_row(f"000.22.58.H48-240215-{number:04d}", **{"Ngày hẹn trả": day})]
        for number, day in enumerate(dates, 1)
    ]
    return normalise_export([sheet_from_rows("s", [list(HEADINGS), *rows])], LISTS).warnings


@pytest.mark.parametrize("form", ["{m:02d}/{d:02d}/2024", "{m}-{d}-2024 08:30", "08:30 {m}/{d}/2024", "{m}.{d}.2024"])
def test_dates_written_month_first_are_told_where_some_could_be_read_either_way(form: str) -> None:
    [told] = told_of([form.format(d=day, m=8) for day in (2, 7, 8, 15, 28)])
    assert told.startswith("cột “Ngày hẹn trả” có lẽ ghi tháng trước ngày: 2 ô")
    assert "2 ô còn lại" in told  # 08/08 is the same both ways


@pytest.mark.parametrize(
    "dates",
    [
        ["08/02/2024", "15/02/2024", "02/13/2024"],  # a slip among dates that can only be read day first
        ["02/13/2024", "02/14/2024"],  # all refused
        ["08/02/2024", "07/02/2024", "chưa có"],
        ["", ""],
    ],
)
def test_a_slip_and_what_is_refused_anyway_are_not_told(dates: list[str]) -> None:
    assert told_of(dates) == []


CELLS = [f"2024-{month:02d}-{day:02d} 17:00:00" for month, day in ((2, 1), (3, 2), (12, 3), (7, 4), (5, 12))]
TEXTS = [f"{day}/02/2024 17:00" for day in (13, 14, 20, 25, 29)]


def test_dates_that_a_spreadsheet_turned_round_are_told() -> None:
    [told] = told_of(CELLS + TEXTS)
    assert told.startswith("cột “Ngày hẹn trả”: cả 5 ô kiểu ngày đều rơi vào ngày 1–12, cả 5 ô chữ đều sau ngày 12")
    assert told_of([*("45323.5", "45324", "45325", "45326", "45327"), *TEXTS])  # 01 to 05/02/2024


@pytest.mark.parametrize(
    "dates", [CELLS, TEXTS, CELLS[:4] + TEXTS, [*CELLS, "2024-02-13 17:00:00", *TEXTS], [*CELLS, *TEXTS, "05/02/2024"]]
)
def test_date_cells_and_texts_that_no_spreadsheet_turned_round_are_not_told(dates: list[str]) -> None:
    assert told_of(dates) == []
