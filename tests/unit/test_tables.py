"""Several tables one below the other on one sheet: each is read by its own headings and its own titles."""

from datetime import date, datetime
from typing import Any

import pytest

from transforms.exports import NormalisedExport, normalise_export
from transforms.layouts import load_lists
from transforms.normalise import NormalisedSheet, normalise_sheet
from transforms.sheets import Sheet, UnreadableExport, sheet_from_rows

LISTS = load_lists()
CASES = "STT|Mã hồ sơ|Mã TTHC|Đơn vị|Hình thức tiếp nhận|Ngày nộp|Ngày tiếp nhận|Ngày hẹn trả|Ngày kết thúc xử lý|Trạng thái".split("|")
SWAPPED = [CASES[at] for at in (0, 1, 2, 3, 4, 6, 5, 8, 7, 9)]
FEES = "STT|Mã hồ sơ|Số tiền|Hình thức thu|Hình thức thanh toán|Trạng thái thanh toán".split("|")
DIGITIZED = "Mã hồ sơ|Đơn vị|Số hóa thành phần hồ sơ|Số hóa kết quả|Cấp kết quả điện tử".split("|")
FORM = [
    "STT|Đơn vị|Số hồ sơ nhận giải quyết||||Số hồ sơ đã giải quyết||||Số lượng hồ sơ đang giải quyết||".split("|"),
    "||Tổng số|Trong đó||Từ kỳ trước|Tổng số|Trước hạn|Đúng hạn|Quá hạn|Tổng số|Trong hạn|Quá hạn".split("|"),
    "|||Trực tuyến|Trực tiếp, dịch vụ bưu chính||||||||".split("|"),
]
MOMENTS = {"Ngày nộp": "01/03/2024", "Ngày tiếp nhận": "02/03/2024", "Ngày hẹn trả": "20/03/2024", "Ngày kết thúc xử lý": "15/03/2024"}
END = [["", "Tổng cộng", "1"], [], ["", "Người lập biểu", "", "Thủ trưởng đơn vị"]]


def code(number: int) -> str:
    return f"000.22.58.H48-240301-{number:04d}"


def case(number: int, headings: list[str]) -> list[str]:
    words = {"Mã hồ sơ": code(number), "Mã TTHC": "1.001193", "Đơn vị": "UBND xã Sơn Hạ", "Trạng thái": "Đã trả kết quả", **MOMENTS}
    return [words.get(heading, "1" if heading == "STT" else "") for heading in headings]


def fee(number: int) -> list[str]:
    return ["1", code(number), "8.000", "Thu trước", "Trực tuyến", "Đã thanh toán"]


def digitized(number: int) -> list[str]:
    return [code(number), "UBND xã Sơn Hạ", "Được số hóa", "Có", "Không"]


def read(*rows: list[str]) -> NormalisedExport:
    return normalise_export([sheet_from_rows("s", [[cell or None for cell in row] for row in rows])], LISTS)


def found(export: NormalisedExport) -> list[tuple[str, int, str]]:
    """Kind, row number and code of every row."""
    return [(sheet.layout.kind.name, row["row_number"], row["case_code"]) for sheet in export.sheets for row in sheet.rows.to_pylist()]


def test_dates_of_a_second_table_with_its_columns_in_another_order_are_not_swapped() -> None:
    export = read(["DANH SÁCH"], CASES, case(1, CASES), *END, ["UBND xã Sơn Hạ"], SWAPPED, case(2, SWAPPED))
    assert found(export) == [("cases", 3, code(1)), ("cases", 9, code(2))]
    for sheet in export.sheets:
        [row] = sheet.rows.to_pylist()
        assert (row["submitted_at"], row["received_at"]) == (datetime(2024, 3, 1), datetime(2024, 3, 2))
        assert (row["due_at"], row["finished_at"]) == (datetime(2024, 3, 20), datetime(2024, 3, 15))
    assert [sheet.heading_rows for sheet in export.sheets] == [(2, 2), (8, 8)]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
def test_lists_of_different_kinds_below_each_other_are_all_read(order: tuple[int, ...]) -> None:
    lists = [
        ("cases", CASES, [case(1, CASES), case(2, CASES)]),
        ("payments", FEES, [fee(1), fee(2)]),
        ("digitization", DIGITIZED, [digitized(1), digitized(2)]),
    ]
    rows: list[list[str]] = []
    expected = []
    for kind, headings, data in (lists[at] for at in order):
        rows += [["Biểu"], headings]
        expected += [(kind, len(rows) + number, code(number)) for number in (1, 2)]
        rows += [*data, *END]
    export = read(*rows)
    assert found(export) == expected
    assert not any(sheet.troubles.num_rows for sheet in export.sheets)


def test_forms_of_two_periods_below_each_other_are_each_of_their_own() -> None:
    counts = [str(number) for number in range(1, 12)]
    row = ["1", "UBND xã Sơn Hạ", *counts]
    export = read(["Quý I năm 2024"], *FORM, row, *END, ["Quý II năm 2024"], *FORM, row)
    assert [(r["row_number"], r["period_first"]) for sheet in export.sheets for r in sheet.rows.to_pylist()] == [
        (5, date(2024, 1, 1)),
        (13, date(2024, 4, 1)),
    ]


def test_headings_repeated_on_every_page_go_on_with_the_table() -> None:
    counts = [str(number) for number in range(1, 12)]
    export = read(["Quý I năm 2024"], *FORM, ["1", "UBND xã Sơn Hạ", *counts], *FORM, ["2", "UBND xã Sơn Ba", *counts])
    [sheet] = export.sheets
    assert [(row["row_number"], row["period_first"]) for row in sheet.rows.to_pylist()] == [(5, date(2024, 1, 1)), (9, date(2024, 1, 1))]
    [sheet] = read(CASES, case(1, CASES), CASES, case(2, CASES)).sheets
    assert sheet.rows["row_number"].to_pylist() == [2, 4]


def test_a_second_table_that_lacks_a_heading_refuses_the_file_and_is_named() -> None:
    headings = ["Số tiền thu" if heading == "Số tiền" else heading for heading in FEES]
    with pytest.raises(UnreadableExport, match=r"dòng tiêu đề 4: thiếu cột bắt buộc “Số tiền"):
        read(CASES, case(1, CASES), ["Thu phí"], headings, fee(1))


def test_counts_and_headings_that_make_no_table_change_nothing() -> None:
    filters = ["Đơn vị", "UBND xã Sơn Hạ", "Trạng thái", "Tất cả"]
    counts = [["Đơn vị", "Tiếp nhận", "Đã giải quyết", "Quá hạn"], ["UBND xã Sơn Hạ", "1", "1", "0"]]
    legend = [["Mã hồ sơ", "Mã TTHC", "Đơn vị", "Trạng thái"], ["mã do hệ thống cấp", "mã thủ tục", "nơi giải quyết", "từ danh mục"]]
    export = read(filters, CASES, case(1, CASES), *END, *counts, *legend)
    assert found(export)[:1] == [("cases", 3, code(1))]
    assert {sheet.layout.kind.name for sheet in export.sheets} == {"cases"}


def read_sheets(*sheets: list[list[str]]) -> NormalisedExport:
    pages = [[[cell or None for cell in row] for row in rows] for rows in sheets]
    return normalise_export([sheet_from_rows(f"Trang {number}", rows) for number, rows in enumerate(pages, 1)], LISTS)


def test_a_sheet_without_headings_goes_on_with_the_list_of_the_sheet_before() -> None:
    waiting = [*case(4, CASES)[:-2], "", "Đang xử lý"]
    guide = [["Hướng dẫn"], ["Mã hồ sơ", "ví dụ", code(9), "mã do hệ thống cấp"]]
    export = read_sheets([CASES, case(1, CASES)], [case(2, CASES), case(3, CASES)], [waiting], guide)
    assert [(sheet.name, row["row_number"], row["case_code"]) for sheet in export.sheets for row in sheet.rows.to_pylist()] == [
        ("Trang 1", 2, code(1)),
        ("Trang 2", 1, code(2)),
        ("Trang 2", 2, code(3)),
        ("Trang 3", 1, code(4)),
    ]
    assert {row["received_at"] for sheet in export.sheets for row in sheet.rows.to_pylist()} == {datetime(2024, 3, 2)}
    assert "trang “Trang 2”: không có dòng tiêu đề, đọc theo tiêu đề của trang trước" in export.warnings


@pytest.mark.parametrize("rows", [[case(2, CASES)[1:]], [fee(2)], [case(2, CASES)[:2] + case(2, CASES)[5:]]])
def test_dossiers_below_no_headings_that_fit_none_refuse_the_file(rows: list[list[str]]) -> None:
    with pytest.raises(UnreadableExport, match="trang “Trang 2”: có dòng hồ sơ nhưng không có dòng tiêu đề"):
        read_sheets([CASES, case(1, CASES)], rows)
    with pytest.raises(UnreadableExport, match="trang “Trang 1”: có dòng hồ sơ nhưng không có dòng tiêu đề"):
        read_sheets(rows, [CASES, case(1, CASES)])


CATALOGUE = "STT|Mã TTHC|Tên thủ tục hành chính|Mức độ DVC|Phí, lệ phí (đồng)".split("|")


def listed(number: int) -> list[str]:
    return ["1", f"1.{number:06d}.000.00.00.H48", "Khai sinh", "Toàn trình", "8.000"]


def test_a_catalogue_goes_on_on_a_sheet_without_headings_too() -> None:
    upper, lower = [CATALOGUE, ["I. LĨNH VỰC HỘ TỊCH"], listed(1)], [["II. LĨNH VỰC ĐẤT ĐAI"], listed(2), listed(3), ["Tổng số: 3"]]
    tables = read_sheets(upper, lower).sheets
    assert [(t.name, row["row_number"], row["field_vi"]) for t in tables for row in t.rows.to_pylist()] == [
        ("Trang 1", 3, "Hộ tịch"),
        ("Trang 2", 2, "Đất đai"),
        ("Trang 2", 3, "Đất đai"),
    ]
    with pytest.raises(UnreadableExport, match="trang “Trang 2”: có dòng thủ tục nhưng không có dòng tiêu đề"):
        read_sheets(upper, [listed(2)[1:], listed(3)[1:]])
    with pytest.raises(UnreadableExport, match="trang “Trang 2”: có dòng hồ sơ nhưng không có dòng tiêu đề"):
        read_sheets(upper, [case(2, CASES)])
    assert len(read_sheets(upper, [["Quý", "1.5", "2.5", "3.5"], ["II", "1.25", "2.5", "3.5"]]).sheets) == 1, "figures are no codes"


WAITING = "STT|Mã hồ sơ|Mã TTHC|Mức độ|Đơn vị|Ngày nộp|Hạn xử lý|Trạng thái".split("|")  # a due date makes it no list of those waiting
EXTRACT = "STT|Mã hồ sơ|Mã TTHC|Đơn vị|Số ngày chậm".split("|")


def read_sheets_of(*sheets: list[list[str]]) -> NormalisedExport:
    return normalise_export(
        [sheet_from_rows(f"s{at}", [[cell or None for cell in row] for row in rows]) for at, rows in enumerate(sheets)], LISTS
    )


@pytest.mark.parametrize(
    ("headings", "number"),
    [
        (WAITING, 2),
        (EXTRACT, 2),
        ([*EXTRACT, "Số tiền"], 1),  # a fee that nothing else tells
    ],
)
def test_dossiers_on_a_sheet_of_no_kind_refuse_the_file_where_they_would_vanish(headings: list[str], number: int) -> None:
    with pytest.raises(UnreadableExport, match=r"trang “s1”: không nhận ra loại tệp"):
        read_sheets_of([CASES, case(1, CASES)], [headings, case(number, headings)])


@pytest.mark.parametrize("rows", [[case(1, EXTRACT)], [["1", "Cột mã của hệ thống", "Mã của danh mục", "Tên", ""]], []])
def test_an_extract_of_a_list_and_a_legend_on_sheets_of_their_own_lose_nothing(rows: list[list[str]]) -> None:
    export = read_sheets_of([CASES, [*case(1, CASES)[:-1], "Lạ"], case(2, CASES)], [EXTRACT, *rows])  # the first one is rejected
    assert found(export) == [("cases", 2, None), ("cases", 3, code(2))]
    assert any("bỏ qua trang này" in warning for warning in export.warnings)


def test_a_bare_list_of_codes_is_no_table() -> None:
    export = read_sheets([CASES, case(1, CASES)], [[code(1)], [code(2)]])
    assert found(export) == [("cases", 2, code(1))]


GROUPED = [
    "STT|Mã hồ sơ|Mã TTHC|Đơn vị|Hình thức tiếp nhận|Ngày, tháng, năm||||Trạng thái".split("|"),
    "|||||Nộp hồ sơ|Tiếp nhận|Hẹn trả kết quả|Kết thúc xử lý|".split("|"),
]
ORDER = [0, 1, 2, 3, 4, 6, 5, 8, 7, 9]
MOMENTS_READ = (datetime(2024, 3, 1), datetime(2024, 3, 2), datetime(2024, 3, 20), datetime(2024, 3, 15))


def moments(export: NormalisedExport) -> dict[str, tuple[datetime, ...]]:
    names = ("submitted_at", "received_at", "due_at", "finished_at")
    return {row["case_code"]: tuple(row[name] for name in names) for sheet in export.sheets for row in sheet.rows.to_pylist()}


def test_dates_below_the_same_groups_in_another_order_are_not_swapped() -> None:
    reordered = [GROUPED[0], [GROUPED[1][at] for at in ORDER]]
    export = read(*GROUPED, case(1, CASES), ["Trang 2"], *GROUPED, case(2, CASES), ["Trang 3"], *reordered, case(3, SWAPPED))
    assert moments(export) == dict.fromkeys(map(code, (1, 2, 3)), MOMENTS_READ)
    assert [sheet.heading_rows for sheet in export.sheets] == [(1, 2), (9, 10)]


@pytest.mark.parametrize("between", [[], [["UBND xã Sơn Ba"]], [["UBND xã Sơn Ba"], []]])
def test_dates_below_the_list_of_a_unit_without_dossiers_are_not_swapped(between: list[list[str]]) -> None:
    export = read(CASES, case(1, CASES), CASES, *between, SWAPPED, case(2, SWAPPED), CASES, *between, CASES, case(3, CASES))
    assert moments(export) == dict.fromkeys(map(code, (1, 2, 3)), MOMENTS_READ)


def test_dates_of_a_single_dossier_between_two_longer_lists_are_not_swapped() -> None:
    longer = [*CASES, "Mức độ", "Lĩnh vực"]
    level = ["Toàn trình", "Hộ tịch"]
    export = read(longer, [*case(1, CASES), *level], SWAPPED, case(2, SWAPPED), longer, [*case(3, CASES), *level])
    assert moments(export) == dict.fromkeys(map(code, (1, 2, 3)), MOMENTS_READ)


SHORTENED = ["Hạn trả KQ" if heading == "Ngày hẹn trả" else heading for heading in CASES]
OF_NO_KIND = [
    {"Ngày nộp": "Nộp lúc", "Ngày hẹn trả": "Hạn KQ", "Ngày kết thúc xử lý": "Ngày HT", "Hình thức tiếp nhận": "Kênh"}.get(h, h)
    for h in CASES
]


@pytest.mark.parametrize("headings", [SHORTENED, OF_NO_KIND])
@pytest.mark.parametrize("above", [[], [CASES, case(4, CASES)]])
def test_a_table_that_cannot_be_read_above_one_that_can_refuses_the_file(headings: list[str], above: list[list[str]]) -> None:
    moved = [headings[at] for at in ORDER]
    with pytest.raises(UnreadableExport, match=rf"dòng tiêu đề {len(above) + 2}"):
        read(*above, ["UBND xã Sơn Ba"], moved, case(1, SWAPPED), ["UBND xã Sơn Hạ"], CASES, case(2, CASES))
    export = read(*above, ["UBND xã Sơn Ba"], moved, ["Không có hồ sơ"], ["UBND xã Sơn Hạ"], CASES, case(2, CASES))
    assert code(2) in moments(export)


def test_headings_of_no_kind_are_a_page_of_the_table_above_where_they_fit_it_and_else_refuse_the_file() -> None:
    assert moments(read(CASES, case(1, CASES), OF_NO_KIND, case(2, CASES))) == dict.fromkeys(map(code, (1, 2)), MOMENTS_READ)
    with pytest.raises(UnreadableExport, match="dòng tiêu đề 3") as refusal:
        read(CASES, case(1, CASES), [OF_NO_KIND[at] for at in ORDER], case(2, SWAPPED))
    assert code(1) not in str(refusal.value)


@pytest.mark.slow
def test_many_tables_on_a_sheet_are_each_read_as_if_they_were_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next table is looked for in a part of the rows; where it begins does not depend on how large that part is."""
    rows: list[list[str]] = []
    for number in range(13):
        headings = (CASES, SWAPPED, FEES)[number % 3]
        rows += [[f"Biểu {number}"], headings]
        rows += [fee(number) if headings is FEES else case(100 * number + row, headings) for row in range(number % 13)]
        rows += END[: number % 4]
    expected = found(read(*rows))
    assert len(expected) == sum(number % 13 for number in range(13))
    for height in (1, 7, 10_000):
        monkeypatch.setattr("transforms.exports._NEXT_WITHIN", height)
        assert found(read(*rows)) == expected


def test_the_cost_of_many_tables_is_that_of_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    read_rows = 0

    def count(sheet: Sheet, *args: Any) -> NormalisedSheet:
        nonlocal read_rows
        read_rows += sheet.height
        return normalise_sheet(sheet, *args)

    monkeypatch.setattr("transforms.exports.normalise_sheet", count)
    tables = [[["Biểu"], headings, *(case(number, headings) for number in range(60))] for headings in (CASES, SWAPPED) * 12]
    rows = [row for table in tables for row in table]
    assert len(found(read(*rows))) == 1_440
    assert read_rows < 8 * len(rows)
