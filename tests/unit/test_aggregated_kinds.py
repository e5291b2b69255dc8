"""Aggregated exports D, E, F are recognised from their headings in any form, and taken for nothing else."""

import unicodedata
from collections.abc import Callable, Sequence
from datetime import date

import pytest

from transforms.exports import normalise_export
from transforms.layouts import Layout, LayoutProblem, find_layout, load_lists
from transforms.layouts.lists import PATH_SEPARATOR
from transforms.normalise import NormalisedSheet
from transforms.sheets import sheet_from_rows

LISTS = load_lists()
OVERDUE = "Tổng số hồ sơ giải quyết quá hạn đang xử lý"
D = [
    "Tổng số hồ sơ tiếp nhận, giải quyết", "Tổng số hồ sơ xử lý đúng hạn", "Tổng số hồ sơ chậm được tiếp nhận", OVERDUE,
    f"{OVERDUE} (Tính lũy kế từ kỳ trước)",
]  # fmt: skip
E = [
    "Số lượng thủ tục có phí, lệ phí", "Số lượng thủ tục có phí, lệ phí phát sinh hồ sơ", "Số lượng thủ tục có phát sinh thanh toán",
    "Số lượng thủ tục có phát sinh thanh toán trực tuyến", "Tổng số hồ sơ thuộc các thủ tục có phí, lệ phí",
    "Số hồ sơ được thanh toán trực tuyến thuộc các thủ tục có phí, lệ phí",
]  # fmt: skip
LEAVES = ["Chưa số hóa TPHS", "Có số hóa TPHS", "Có tái sử dụng thành phần", "Có tái sử dụng thành phần từ cổng DVC quốc gia"]
F_TOP = ["Tiếp nhận", "Số hóa hồ sơ TTHC khi tiếp nhận", None, None, None, "Đã giải quyết", "Số hóa kết quả giải quyết", None]
F_LEAVES = [None, *LEAVES, None, "Chưa số hóa", "Đã số hóa"]
F_JOINED = ["Tiếp nhận", *(f"Số hóa hồ sơ TTHC khi tiếp nhận > {leaf}" for leaf in LEAVES), "Đã giải quyết", "Chưa số hóa", "Đã số hóa"]
COLUMNS = {
    "receptions_summary": ["handled", "on_time", "late_received", "overdue_open", "overdue_carried"],
    "payments_summary": [
        "fee_procedures", "fee_procedures_used", "paid_procedures", "online_paid_procedures", "fee_cases", "online_paid_cases",
    ],
    "digitization_summary": [
        "received", "input_none", "input_digitized", "input_reused", "input_reused_portal", "done", "result_none", "result_digitized",
    ],
}  # fmt: skip
Rows = list[list[str | None]]
WAYS: dict[str, Callable[[str], str]] = {
    "as printed": str,
    "capitals": str.upper,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "line breaks": lambda text: text.replace(" ", "\n"),
    "hard spaces": lambda text: text.replace(" ", "\u00a0 "),
    "other tone placement": lambda text: text.replace("lũy", "luỹ").replace("hóa", "hoá"),
}


def table(*headings: Sequence[str | None], cells: Sequence[str] = ()) -> Rows:
    """Titles, headings and two units, an order number first."""
    heads: Rows = [["STT" if n == 0 else None, "Đơn vị" if n == 0 else None, *row] for n, row in enumerate(headings)]
    counts = list(cells) or [str(n) for n in range(1, len(headings[0]) + 1)]
    return [["UBND TỈNH"], ["Quý II năm 2024"], *heads, ["1", "UBND xã Sơn Hà", *counts], ["", "Tổng số", *counts]]


def read(rows: Rows) -> NormalisedSheet:
    (sheet,) = normalise_export([sheet_from_rows("s", rows)], LISTS).sheets
    return sheet


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        ("receptions_summary", [D]),
        ("payments_summary", [E]),
        ("digitization_summary", [F_TOP, F_LEAVES]),
        ("digitization_summary", [F_JOINED]),
        ("digitization_summary", [["Tiếp nhận", *LEAVES, "Đã giải quyết", "Chưa số hóa", "Đã số hóa"]]),
    ],
    ids=["D", "E", "F", "F joined", "F without groups"],
)
def test_headings_are_recognised_however_they_are_written(kind: str, headings: list[list[str | None]], way: str) -> None:
    sheet = read(table(*[[WAYS[way](h) if h else None for h in row] for row in headings]))
    assert sheet.layout.kind.name == kind
    assert sheet.layout.unknown == []
    (row,) = sheet.rows.to_pylist()
    assert [row[name] for name in COLUMNS[kind]] == list(range(1, len(COLUMNS[kind]) + 1))
    assert (row["period_first"], row["period_last"]) == (date(2024, 4, 1), date(2024, 6, 30))


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [3, 4, 0, 1, 2]])
def test_the_two_overdue_figures_are_told_apart_in_any_order(order: list[int]) -> None:
    (row,) = read(table([D[n] for n in order], cells=[str(n + 1) for n in order])).rows.to_pylist()
    assert [row[name] for name in COLUMNS["receptions_summary"]] == [1, 2, 3, 4, 5]


def test_the_carried_figure_may_stand_under_the_other_one() -> None:
    rows = table([*D[:4], D[3]], [None, None, None, None, "(Tính lũy kế từ kỳ trước)"])
    (row,) = read(rows).rows.to_pylist()
    assert (row["overdue_open"], row["overdue_carried"]) == (4, 5)


def test_composite_cells_give_their_counts_and_bad_ones_a_reason() -> None:
    cells = ["Số lượng: 1.234\nTỷ lệ: 34.5%\nĐiểm số: 1.2", "SỐ LƯỢNG: 7; Tỷ lệ: 5%", "3", "Số lượng: 0", "Tỷ lệ: 12%", "1.000"]
    sheet = read(table(E, cells=cells))
    (row,) = sheet.rows.to_pylist()
    assert [row[name] for name in COLUMNS["payments_summary"]] == [1234, 7, 3, 0, None, 1000]
    assert [(t["reason"], t["column_name"]) for t in sheet.troubles.to_pylist()] == [("bad_number", E[4])]


def test_a_unit_without_anything_is_a_row_also_without_order_numbers() -> None:
    rows: Rows = [
        ["Đơn vị", *D],
        ["UBND xã Sơn Hà", *["0"] * 5],
        ["CẤP XÃ", *[None] * 5],
        ["CẤP XÃ"] * 6,
        ["UBND xã Sơn Hạ", "1", *["0"] * 4],
    ]
    assert [row["row_number"] for row in read(rows).rows.to_pylist()] == [2, 5]


def test_a_period_that_stands_between_the_units_is_that_of_those_below_it() -> None:
    def unit(count: str) -> list[str | None]:
        return ["1", "UBND xã Sơn Hà", *[count] * 5]

    sections: list[list[str | None]] = [
        ["I", "Tháng 5:"],
        unit("2"),
        ["", "Cộng", *["2"] * 5],
        ["II. Tháng 6/2024 (số liệu tạm tính)"] * 7,
        unit("3"),
    ]
    sheet = read([["NĂM 2024"], ["STT", "Đơn vị", *D], unit("9"), *sections, ["", "Sơn Hà, ngày 05 tháng 7 năm 2024"]])
    assert [(row["handled"], row["period_first"], row["period_last"]) for row in sheet.rows.to_pylist()] == [
        (9, date(2024, 1, 1), date(2024, 12, 31)),
        (2, date(2024, 5, 1), date(2024, 5, 31)),
        (3, date(2024, 6, 1), date(2024, 6, 30)),
    ]


def test_a_missing_period_is_told_of() -> None:
    export = normalise_export([sheet_from_rows("s", table(D)[2:])], LISTS)
    assert any("không ghi kỳ" in warning for warning in export.warnings)


def flat(kind: str, choice: int) -> list[str]:
    """The headings of a kind in one row, each column by one of its spellings."""
    headings = []
    for column in LISTS.kinds[kind].columns:
        spellings = [s for s in LISTS.spellings[kind].get(column, []) if not s.startswith("*")]
        if spellings:
            headings.append(spellings[choice % len(spellings)].replace(" > ", PATH_SEPARATOR))
    return headings


@pytest.mark.parametrize("choice", range(6))
@pytest.mark.parametrize("kind", list(LISTS.kinds))
def test_no_kind_is_taken_for_another(kind: str, choice: int) -> None:
    layout = find_layout(sheet_from_rows("s", [list(flat(kind, choice)), ["x"] * 20]), LISTS)
    assert isinstance(layout, Layout | LayoutProblem)
    assert (layout.kind.name if isinstance(layout, Layout) else layout.kind) == kind


def test_a_unit_whose_counts_are_dashes_is_refused_and_told() -> None:
    sheet = read([["Đơn vị", *D], ["UBND xã Sơn Hà", *["-"] * 5], ["Người lập", None, "–", "Thủ trưởng", None, None]])
    assert sheet.rows["row_number"].to_pylist() == [2]
    assert set(sheet.troubles["reason"].to_pylist()) == {"bad_number"}
