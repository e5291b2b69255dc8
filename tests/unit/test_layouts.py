import pytest

from transforms.exports import normalise_export
from transforms.layouts import Layout, LayoutProblem, ListError, find_layout, load_lists
from transforms.sheets import UnreadableExport, sheet_from_rows

LISTS = load_lists()
FLAT = [
    "STT|Mã hồ sơ|Mã TTHC|Đơn vị|Hình thức nộp|Ngày nộp|Ngày nhận|Ngày hẹn trả|Ngày hoàn thành|Trạng thái|Họ tên".split("|"),
    ["1", "000.22.58.H48-240215-0007"] + ["x"] * 9,
]


def layout_of(rows: list[list[str | None]]) -> Layout | LayoutProblem | None:
    return find_layout(sheet_from_rows("s", rows), LISTS)


def test_flat_headings_below_titles() -> None:
    layout = layout_of([["UBND TỈNH"], ["Mã hồ sơ: mã do hệ thống cấp"], [], *FLAT])
    assert isinstance(layout, Layout)
    assert (layout.kind.name, layout.first, layout.last) == ("cases", 3, 3)
    assert layout.columns["case_code"] == 1
    assert layout.personal == ["Họ tên"]
    assert list(layout.ordinals) == [0]


def test_grouped_headings_over_two_rows() -> None:
    layout = layout_of(
        [
            ["STT", "Mã hồ sơ", "Mã TTHC", "Đơn vị", "Kênh thực hiện", "Ngày, tháng, năm", None, None, None, None, "Trạng thái"],
            [None, None, None, None, None, "Nộp hồ sơ", "Tiếp nhận", "Hẹn trả kết quả", "Kết thúc xử lý", "Trả kết quả", None],
            ["1", "000.22.58.H48-240215-0007"] + ["x"] * 9,
        ]
    )
    assert isinstance(layout, Layout)
    assert (layout.first, layout.last) == (0, 1)
    assert [layout.columns[c] for c in ("submitted", "received", "due", "finished", "returned", "status")] == [5, 6, 7, 8, 9, 10]


def test_the_only_group_may_stand_alone_in_its_row() -> None:
    # no other heading is merged up into the row of the group
    leaves = "STT|Mã hồ sơ|Mã TTHC|Đơn vị|Kênh thực hiện|Nộp hồ sơ|Tiếp nhận|Hẹn trả kết quả|Kết thúc xử lý|Trả kết quả|Trạng thái".split(
        "|"
    )
    layout = layout_of([["DANH SÁCH HỒ SƠ"], [None] * 5 + ["Ngày, tháng, năm"], [*leaves], ["1", "000.22.58.H48-240215-0007"]])
    assert isinstance(layout, Layout)
    assert (layout.first, layout.last) == (1, 2)
    assert [layout.columns[name] for name in ("case_code", "submitted", "received", "due", "finished", "returned")] == [1, 5, 6, 7, 8, 9]


def test_a_title_is_no_group_where_the_headings_are_known_without_it() -> None:
    # "Trả kết quả" is a date below a group only
    layout = layout_of([["DANH SÁCH HỒ SƠ"], [*FLAT[0], "Trả kết quả"], FLAT[1]])
    assert isinstance(layout, Layout)
    assert (layout.first, layout.last, layout.unknown) == (1, 1, ["Trả kết quả"])


@pytest.mark.parametrize("note", ["", " (4)"])
def test_three_rows_with_repeated_leaves(note: str) -> None:
    """The groups of Biểu số 06, bare and with the numbers of notes that the official form has behind them."""
    layout = layout_of(
        [
            [
                "STT",
                "Đơn vị",
                "Số hồ sơ nhận giải quyết" + note,
                None,
                None,
                None,
                "Số hồ sơ đã giải quyết" + note,
                None,
                None,
                None,
                "Số lượng hồ sơ đang giải quyết" + note,
                None,
                None,
            ],
            [
                None,
                None,
                "Tổng số",
                "Trong đó",
                None,
                "Từ kỳ trước",
                "Tổng số",
                "Trước hạn",
                "Đúng hạn",
                "Quá hạn",
                "Tổng số",
                "Trong hạn",
                "Quá hạn",
            ],
            [None, None, None, "Trực tuyến", "Trực tiếp, dịch vụ bưu chính"] + [None] * 8,
            ["1", "UBND xã Sơn Hạ"] + ["1"] * 11,
        ]
    )
    assert isinstance(layout, Layout)
    assert layout.kind.name == "summary06"
    assert list(layout.columns.values()) == list(range(1, 13))


@pytest.mark.parametrize("received", ["Số hồ sơ nhận giải quyết", "Số lượng hồ sơ tiếp nhận"])
@pytest.mark.parametrize("done", ["Số hồ sơ đã giải quyết", "Số lượng hồ sơ đã giải quyết"])
@pytest.mark.parametrize("open_now", ["Số lượng hồ sơ đang giải quyết", "Số hồ sơ đang giải quyết"])
@pytest.mark.parametrize("second", ["Tổng số|Trong đó||Từ kỳ trước", "Tổng số|Trong kỳ||Từ kỳ trước", "Tổng số|Trong đó||"])
@pytest.mark.parametrize("rest", ["Tổng số|Trước hạn|Đúng hạn|Quá hạn|Tổng số|Trong hạn|Quá hạn", "Tổng số|Trong đó|||Tổng số|Trong đó|"])
def test_groups_of_bieu_06_are_known_as_systems_write_them(received: str, done: str, open_now: str, second: str, rest: str) -> None:
    third = "|||Trực tuyến|Trực tiếp, dịch vụ bưu chính|" + ("" if "Từ" in second else "Từ kỳ trước")
    third += "|||||||" if "Trước" in rest else "||Trước hạn|Đúng hạn|Quá hạn||Trong hạn|Quá hạn"
    rows = [f"STT|Đơn vị|{received}||||{done}||||{open_now}||", f"||{second}|{rest}", third]
    layout = layout_of([[text or None for text in row.split("|")] for row in rows] + [["1", "UBND xã Sơn Hạ"] + ["1"] * 11])
    assert isinstance(layout, Layout)
    assert (layout.kind.name, list(layout.columns.values())) == ("summary06", list(range(1, 13)))
    assert list(layout.columns) == "unit total online direct carried done early on_day late open open_in open_over".split()


@pytest.mark.parametrize("mark", [" (4)", "(12)", ":", " :", "*", " (*)", " (1) *"])
def test_a_note_a_star_or_a_colon_behind_a_heading_changes_nothing(mark: str) -> None:
    rows = [[heading + mark for heading in FLAT[0]], FLAT[1], [heading + mark for heading in FLAT[0]], FLAT[1]]
    layout = layout_of(rows)
    assert isinstance(layout, Layout)
    assert (layout.kind.name, sorted(layout.columns.values()), layout.personal) == ("cases", list(range(1, 10)), ["Họ tên" + mark])
    [sheet] = normalise_export([sheet_from_rows("s", rows)], LISTS).sheets
    assert sheet.rows["row_number"].to_pylist() == [2, 4], "a repeated heading is no data"


def test_a_list_of_waiting_dossiers_has_no_reception_columns() -> None:
    layout = layout_of(["Mã hồ sơ|Mã TTHC|Mức độ|Đơn vị|Ngày nộp|Trạng thái".split("|")])
    assert isinstance(layout, Layout)
    assert layout.kind.name == "waiting"


def test_a_missing_heading_is_named_with_the_nearest_one_and_the_line_to_add() -> None:
    problem = layout_of([["Ngày đón nhận" if heading == "Ngày nhận" else heading for heading in FLAT[0]], FLAT[1]])
    assert isinstance(problem, LayoutProblem)
    assert "Ngày tiếp nhận" in problem.text
    assert "cases,received,Ngày đón nhận" in problem.text


def test_a_refusal_names_sheet_and_heading_row_as_excel_counts() -> None:
    headings: list[str | None] = ["Ngày đón nhận" if heading == "Ngày nhận" else heading for heading in FLAT[0]]
    sheet = sheet_from_rows("Tháng 1", [["DANH SÁCH HỒ SƠ"], headings, [*FLAT[1]]], first_row=3)
    with pytest.raises(UnreadableExport, match=r"trang “Tháng 1”: Danh sách hồ sơ, dòng tiêu đề 4: thiếu cột bắt buộc “Ngày tiếp nhận”"):
        normalise_export([sheet], LISTS)
    sheet = sheet_from_rows("Tháng 1", [[*FLAT[0], "Mã số hồ sơ"], [*FLAT[1], "y"]], first_row=3)
    with pytest.raises(UnreadableExport, match="trang “Tháng 1”: dòng tiêu đề 3: hai tiêu đề"):
        normalise_export([sheet], LISTS)


def test_two_headings_for_one_column_are_a_problem() -> None:
    problem = layout_of([[*FLAT[0], "Mã số hồ sơ"], [*FLAT[1], "y"]])
    assert isinstance(problem, LayoutProblem)
    assert "hai tiêu đề" in problem.text


def test_an_unknown_heading_is_listed() -> None:
    layout = layout_of([[*FLAT[0], "Mã bưu gửi"], [*FLAT[1], "y"]])
    assert isinstance(layout, Layout)
    assert layout.unknown == ["Mã bưu gửi"]


def test_a_guide_is_no_table() -> None:
    assert layout_of([["Hướng dẫn"], ["Mã hồ sơ: mã do hệ thống cấp khi nộp"], ["Liên hệ tổng đài"]]) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("casez,received,Ngày đến", "không có loại tệp"),
        ("cases,arrived,Ngày đến", "không có cột"),
        ("cases,received,Ngày nộp", "đã dùng cho cột"),
        ("cases,received", "cần đúng 3 ô"),
        ('cases,received,"Ngày đến\ncases,due,Ngày hẹn', "dòng 2: dấu nháy kép"),
    ],
)
def test_a_wrong_line_in_the_office_s_headings_is_refused(line: str, says: str) -> None:
    with pytest.raises(ListError, match=says):
        load_lists(f"kind,column,heading\n{line}\n")


def test_the_office_s_own_heading_is_understood_and_changes_the_version() -> None:
    lists = load_lists("kind,column,heading\ncases,received,Ngày đến\n")
    assert lists.version != LISTS.version
    layout = find_layout(sheet_from_rows("s", [["Ngày đến" if h == "Ngày nhận" else h for h in FLAT[0]], FLAT[1]]), lists)
    assert isinstance(layout, Layout)
    assert layout.headings["received"] == "Ngày đến"


def test_a_pivot_beside_the_list_is_told_of_and_does_not_cost_the_list() -> None:
    pivot = sheet_from_rows(
        "Tổng hợp", [["Đơn vị", "Lĩnh vực", "Trạng thái", "Số lượng"], ["UBND xã Sơn Hạ", "Hộ tịch", "Đang xử lý", "3"]]
    )
    listed = sheet_from_rows("Danh sách", [FLAT[0], FLAT[1]])
    export = normalise_export([pivot, listed], LISTS)
    assert [sheet.name for sheet in export.sheets] == ["Danh sách"]
    assert any("Tổng hợp" in warning and "bỏ qua" in warning for warning in export.warnings)
    with pytest.raises(UnreadableExport, match="không nhận ra loại tệp"):
        normalise_export([pivot], LISTS)


@pytest.mark.parametrize(
    "title", [["IV. LĨNH VỰC HỘ TỊCH"], ["IV", "LĨNH VỰC HỘ TỊCH"], [None, "IV. Lĩnh vực Hộ tịch"], ["2", "Lĩnh vực: hộ tịch"]]
)
def test_a_section_s_field_is_read_also_where_its_number_has_a_cell_of_its_own(title: list[str | None]) -> None:
    headings: list[str | None] = ["STT", "Mã TTHC", "Tên thủ tục hành chính", "Mức độ DVC", "Phí, lệ phí (đồng)", "Có kết quả giải quyết"]
    procedure: list[str | None] = ["1", "1.001193.000.00.00.H48", "Đăng ký khai sinh", "Toàn trình", "Không", "Có"]
    rows = [headings, title + [None] * (6 - len(title)), procedure]
    [sheet] = normalise_export([sheet_from_rows("s", rows)], LISTS).sheets
    assert sheet.rows["field_vi"].to_pylist() == ["Hộ tịch"]
