"""Which kind a list is of, and which of its rows are data, as an official would say it at a glance."""

import csv
import io
from collections.abc import Sequence

import pytest

from transforms.exports import NormalisedExport, normalise_export
from transforms.layouts import load_lists
from transforms.readers import read_sheets
from transforms.sheets import UnreadableExport
from transforms.troubles import SLIPPED

CODE = "000.22.58.H48-240215-0007"
DIGITIZATION = ["Mã hồ sơ", "Đơn vị", "Số hóa thành phần hồ sơ", "Số hóa kết quả", "Cấp kết quả điện tử"]
CASES = (
    "STT|Mã hồ sơ|Mã TTHC|Mức độ|Đơn vị giải quyết|Hình thức tiếp nhận|Ngày nộp hồ sơ|Ngày tiếp nhận|Ngày hẹn trả|Ngày kết thúc xử lý|Ngày trả kết quả|Trạng thái"
).split("|")
SUMMARY = [
    ["Đơn vị", "Số hồ sơ nhận giải quyết", "", "", "", "Số hồ sơ đã giải quyết", "", "", "", "Số lượng hồ sơ đang giải quyết", "", ""],
    ["", "Tổng số", "Trong đó", "", "Từ kỳ trước", "Tổng số", "Trước hạn", "Đúng hạn", "Quá hạn", "Tổng số", "Trong hạn", "Quá hạn"],
    ["", "", "Trực tuyến", "Trực tiếp, dịch vụ bưu chính", "", "", "", "", "", "", "", ""],
]


def read(*rows: list[str]) -> NormalisedExport:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return normalise_export(read_sheets(text.getvalue().encode()), load_lists())


def rows_of(*rows: list[str]) -> tuple[int, list[str]]:
    """How many rows are data, and why those of them that are rejected are."""
    [sheet] = read(*rows).sheets
    return sheet.rows.num_rows, sheet.troubles["reason"].to_pylist()


@pytest.mark.parametrize(
    ("headings", "kind"),
    [
        (["Mã hồ sơ", "Mã TTHC", "Mức độ", "Đơn vị", "Ngày nộp", "Trạng thái"], "waiting"),
        (["Mã hồ sơ", "Mã TTHC", "Mức độ", "Đơn vị", "Ngày nộp", "Trạng thái", *DIGITIZATION[2:]], "digitization"),
        (["STT", "Mã hồ sơ", "Mã TTHC", "Tên thủ tục", "Lĩnh vực", "Mức độ", "Đơn vị", *DIGITIZATION[2:]], "digitization"),
        (["Mã hồ sơ", "Đơn vị", "Hình thức tiếp nhận", "Ngày tiếp nhận", "Trạng thái", *DIGITIZATION[2:]], "digitization"),
        (
            ["Mã hồ sơ", "Mã TTHC", "Lĩnh vực", "Mức độ", "Đơn vị", "Ngày nộp", "Trạng thái", "Số tiền", "Hình thức thu", "Hình thức thanh toán", "Trạng thái thanh toán"],
            "payments",
        ),
        ([*CASES, *DIGITIZATION[2:]], "cases"),
        (["Mã hồ sơ", "Mã TTHC", "Mức độ", "Đơn vị", "Ngày nộp", "Trạng thái", "Số hóa kết quả"], "waiting"),  # one column more than it needs
    ],
)  # fmt: skip
def test_a_list_is_of_the_kind_that_it_can_be_read_as(headings: list[str], kind: str) -> None:
    filled = {"Mã hồ sơ": CODE, "Mã TTHC": "1.001193", "Đơn vị": "UBND xã Sơn Hạ"}
    [sheet] = read(headings, [filled.get(heading, "") for heading in headings]).sheets
    assert sheet.layout.kind.name == kind


@pytest.mark.parametrize("written", ["({})", "-{}", "[{}]", "[-{}]", "{}", "Cột {}", "cột ({})", "CỘT {}:"])
@pytest.mark.parametrize("headings", [CASES, DIGITIZATION])
def test_the_numbers_of_columns_are_no_dossier(written: str, headings: list[str]) -> None:
    # Excel takes "(3)" for -3, as accountants write it.
    assert rows_of(headings, [written.format(number) for number in range(1, len(headings) + 1)]) == (0, [])


def test_the_day_of_a_signature_is_none_of_a_dossier() -> None:
    signed = ["", "NGƯỜI LẬP BIỂU", "", "", "KIỂM SOÁT", "", "", "Ngày 30 tháng 6 năm 2024", "", "", "CHỦ TỊCH", ""]
    assert rows_of(CASES, signed, [text.replace(" tháng 6 năm ", "/6/") for text in signed]) == (0, [])


def test_a_row_of_formulas_that_nobody_calculated_is_told() -> None:
    assert rows_of(CASES, ["#?"] * len(CASES)) == (
        1,
        ["missing_case_code", "unknown_level", "unknown_channel", *["bad_date"] * 5, "unknown_status"],
    )
    assert rows_of(CASES, ["#?"]) == (0, [])


def test_a_dossier_list_that_lacks_a_heading_is_refused_whatever_else_it_has() -> None:
    headings = ["Hẹn" if heading == "Ngày hẹn trả" else heading for heading in [*CASES, *DIGITIZATION[2:]]]
    with pytest.raises(UnreadableExport, match="Ngày hẹn trả"):
        read(headings, [CODE] * len(headings))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["H48.21292-240215-0001", "", "Được số hóa", "", ""]], (1, [])),
        ([["H48.21292-240215-0001", "", "1", "1", "1"]], (1, [])),
        ([["SBN/2024/000123", "", "1", "1", "1"]], (1, [])),  # an odd code
        ([["", "UBND xã Sơn Hạ", "1", "1", "1"]], (1, ["missing_case_code"])),
        ([["Người lập", "", "Thủ trưởng", "", ""]], (0, [])),
        ([["Tổng cộng", "", "1", "1", "1"]], (0, [])),
        ([["Tổng cộng toàn huyện", "", "1", "1", "1"]], (0, [])),
        ([["UBND xã Sơn Hạ", "", "25 hồ sơ", "", ""]], (0, [])),
        ([["Nguyễn A", CODE, "UBND xã Sơn Hạ", "1", "1"]], (1, ["missing_case_code"])),  # cells slipped sideways
    ],
)
def test_of_digitized_dossiers(rows: list[list[str]], expected: tuple[int, list[str]]) -> None:
    count, reasons = rows_of(DIGITIZATION, [CODE, "UBND xã Sơn Hạ", "1", "1", "1"], *rows)
    assert (count - 1, sorted(set(reasons) & {"missing_case_code"})) == expected


@pytest.mark.parametrize(
    "row",
    [
        {"STT": "1", "Mã hồ sơ": "UBND xã Sơn Hạ", "Mã TTHC": "25 hồ sơ"},
        {"Mã hồ sơ": "Người lập", "Đơn vị giải quyết": "Nguyễn A", "Ngày tiếp nhận": "30/06/2024"},
        {"STT": "II", "Mã hồ sơ": "Lĩnh vực đất đai", "Trạng thái": "25 TTHC"},
        {"STT": "Cộng (I)", "Mã TTHC": "25"},
    ],
)
def test_titles_totals_and_signatures_of_a_dossier_list_are_no_data(row: dict[str, str]) -> None:
    good = dict.fromkeys(CASES, "") | {"STT": "1", "Mã hồ sơ": CODE, "Mã TTHC": "1.001193", "Đơn vị giải quyết": "UBND xã Sơn Hạ"}
    good |= {"Ngày nộp hồ sơ": "15/02/2024 08:00", "Trạng thái": "Mới đăng ký", "Mức độ": "Toàn trình"}
    assert rows_of(CASES, list(good.values()), [row.get(heading, "") for heading in CASES]) == (1, [])


@pytest.mark.parametrize(
    "total",
    ["TỔNG CỘNG TOÀN HUYỆN", "Tổng cộng (I+II)", "Tổng toàn huyện", "Tổng các đơn vị", "Cộng (I)", "Toàn huyện", "TỔNG SỐ", "Cộng:"],
)
def test_totals_of_a_form_are_no_units(total: str) -> None:
    counts = ["9", "5", "3", "1", "8", "6", "1", "1", "1", "1", "0"]
    assert rows_of(*SUMMARY, ["UBND xã Sơn Hạ", *counts], [total, *counts])[0] == 1


TASKS = ["Nội dung nhiệm vụ", "Số, ký hiệu", "Đơn vị chủ trì", "Ngày giao", "Hạn hoàn thành", "Ngày hoàn thành", "Trạng thái"]


@pytest.mark.parametrize(
    ("row", "count"),
    [
        (["Tổng kết công tác cải cách hành chính", "15/NV-UBND", "Phòng Nội vụ", "01/02/2024", "01/03/2024", "", "Đang thực hiện"], 1),
        (["Cộng tác viên: tập huấn", "3", "Phòng Nội vụ", "01/02/2024", "01/03/2024", "", ""], 1),
        (["Tổng rà soát thủ tục", "4", "Phòng Nội vụ", "", "01/03/2024", "", "Hoàn thành"], 1),
        (["Rà soát thủ tục", "5", "Phòng Nội vụ", "", "", "", ""], 1),  # neither dates nor a state yet
        (["", "II.1", "CẢI CÁCH THỂ CHẾ", "", "", "", ""], 0),
        (["Người lập biểu", "Thẩm định", "Phòng Nội vụ", "", "", "Chủ tịch", ""], 0),
        (["Tổng số", "25", "12", "25", "25", "20", ""], 0),
        (["Tổng số", "", "", "45123", "45123", "44980", ""], 0),  # a count of the cells above, not a serial date
        (["Tổng cộng", "25", "", "", "", "", "Hoàn thành"], 0),
    ],
)
def test_a_task_may_begin_like_a_total(row: list[str], count: int) -> None:
    good = ["Báo cáo quý I", "1", "Phòng Nội vụ", "01/02/2024", "01/03/2024", "", "Đang thực hiện"]
    assert rows_of(TASKS, good, row) == (1 + count, [])


@pytest.mark.parametrize(
    ("row", "count"),
    [
        (["3.4.2", "UBND xã Sơn Hạ", "", "Đã ban hành kế hoạch", "", ""], 1),
        (["3.4.2", "", "", "Cải cách thủ tục", "", ""], 0),
        (["3.4.2", "UBND xã Sơn Hạ", "", "", "", ""], 0),  # nobody has filled it
        (["3.4", "CẢI CÁCH THỦ TỤC", "", "", "", ""], 0),
    ],
)
def test_a_report_of_words_alone_is_one(row: list[str], count: int) -> None:
    headings = ["Mã tiêu chí", "Đơn vị báo cáo", "Ngày báo cáo", "Kết quả thực hiện", "Tỷ lệ hoàn thành (%)", "Trạng thái"]
    assert rows_of(headings, ["3.4.1", "Phòng Nội vụ", "01/02/2024", "", "50", ""], row) == (1 + count, [])


@pytest.mark.parametrize(
    ("cells", "count"),
    [
        (["9 (34,5%)", "5 hồ sơ", "3/9", "1.5", *["8 (1%)"] * 7], 1),
        (["Tỷ lệ: 34.5%"] * 11, 1),
        (["34,5%"] * 11, 0),  # shares below the totals
        (["Sơn Hà, ngày 30 tháng 6 năm 2024", "Kế toán", "Thủ trưởng"], 0),
        (["9=10+11", *["(2) = (3) + (4)"] * 10], 0),
    ],
)
def test_a_unit_whose_counts_cannot_be_read_is_told(cells: list[str], count: int) -> None:
    good = ["UBND xã Sơn Hạ", "9", "5", "3", "1", "8", "6", "1", "1", "1", "1", "0"]
    assert rows_of(*SUMMARY, good, ["B" if "=" in cells[0] else "UBND xã Sơn Bao", *cells]) == (1 + count, ["bad_number"] * 11 * count)


@pytest.mark.parametrize(("code", "reasons"), [("G22.99.0115-1", []), ("", ["missing_case_code"])])
def test_a_dossier_whose_procedure_begins_like_a_total_does_not_vanish(code: str, reasons: list[str]) -> None:
    headings = ["Tên thủ tục", *CASES[1:]]
    row = [code, "1.001193", "Toàn trình", "UBND xã Sơn Hạ", "", "15/02/2024", "15/02/2024", "20/02/2024", "", "", "Đang xử lý"]
    assert rows_of(headings, ["Khai sinh", CODE, *row[1:]], ["Tổng hợp hồ sơ đất đai", *row]) == (2, reasons)


def test_an_office_whose_name_begins_like_a_total_is_one() -> None:
    counts = ["9", "5", "3", "1", "8", "6", "1", "1", "1", "1", "0"]
    assert rows_of(*SUMMARY, ["Tổng cục Thuế", *counts], ["Cộng đồng Sơn Hà", *counts])[0] == 2


@pytest.mark.parametrize(
    "title",
    [
        ["II. LĨNH VỰC ĐẤT ĐAI", "", "", "12"],
        ["II. LĨNH VỰC ĐẤT ĐAI (12 TTHC)", "", "", ""],
        ["I.2. LĨNH VỰC ĐẤT ĐAI:", "", "", ""],
        ["II", "LĨNH VỰC ĐẤT ĐAI", "", "12 TTHC"],
    ],
)
def test_a_section_gives_the_field_of_the_procedures_below_it(title: list[str]) -> None:
    headings = ["Mã TTHC", "Tên thủ tục hành chính", "Mức độ DVC", "Thời hạn giải quyết (ngày làm việc)"]
    first, second = ["1.001193", "Khai sinh", "Toàn trình", "1"], ["1.001194", "Chuyển quyền", "Một phần", "10"]
    [sheet] = read(headings, ["I. LĨNH VỰC HỘ TỊCH", "", "", ""], first, title, second).sheets
    assert sheet.rows["field_vi"].to_pylist() == ["Hộ tịch", "Đất đai"]


def test_a_field_merged_down_ends_with_its_section() -> None:
    headings = ["Mã TTHC", "Tên thủ tục hành chính", "Lĩnh vực", "Mức độ DVC", "Phí, lệ phí (đồng)"]
    fields = [
        ("Hộ tịch", "Hộ tịch"),
        ("", "Hộ tịch"),
        ("II. LĨNH VỰC ĐẤT ĐAI", None),
        ("", "Đất đai"),
        ("Địa chính", "Địa chính"),
        ("", "Địa chính"),
    ]
    rows = [
        [f"1.00119{n}", "Đăng ký", cell, "Toàn trình", "0"] if field else [cell, "", "", "", ""] for n, (cell, field) in enumerate(fields)
    ]
    [sheet] = read(headings, ["I. LĨNH VỰC CƯ TRÚ", "", "", "", ""], ["1.001199", "Đăng ký", "", "Toàn trình", "0"], *rows).sheets
    assert sheet.rows["field_vi"].to_pylist() == ["Cư trú", *(field for _, field in fields if field)]


@pytest.mark.parametrize("heading", ["Trạng thái", "Tình trạng", "Căn cứ pháp lý"])
def test_what_else_a_catalogue_says_of_its_procedures_is_warned_of(heading: str) -> None:
    headings = ["STT", "Mã TTHC", "Tên thủ tục hành chính", "Mức độ DVC", "Phí, lệ phí (đồng)", "Có kết quả giải quyết", heading]
    export = read(headings, ["1", "1.001193", "Đăng ký khai sinh", "Toàn trình", "Không", "Có", "Công khai"])
    [sheet] = export.sheets
    assert (sheet.layout.kind.name, sheet.rows["procedure_code"].to_pylist()) == ("procedures", ["1.001193"])
    assert any(f"“{heading}”" in warning for warning in export.warnings)


def test_a_heading_merged_over_two_columns_ends_no_group() -> None:
    upper = ["Mã hồ sơ", "Mã TTHC", "Đơn vị", "Hình thức tiếp nhận", "Ngày, tháng, năm", "", "", "", "", "", "Trạng thái"]
    lower = ["", "", "", "", "Nộp hồ sơ", "Tiếp nhận", "Hẹn trả kết quả", "Kết thúc xử lý", "", "Trả kết quả", ""]
    row = [
        CODE,
        "1.001193",
        "UBND xã Sơn Hạ",
        "",
        "15/02/2024",
        "15/02/2024",
        "20/02/2024",
        "19/02/2024",
        "",
        "20/02/2024",
        "Đã trả kết quả",
    ]
    [sheet] = read(upper, lower, row).sheets
    assert str(sheet.rows["returned_at"].to_pylist()[0]) == "2024-02-20 00:00:00"


@pytest.mark.parametrize(
    ("marks", "examples"),
    [
        ([("Ví dụ", CODE)], [2]),
        ([("VD:", CODE), ("(Mẫu)", CODE)], [2, 3]),
        ([("", f"Ví dụ: {CODE}")], [2]),
        ([("VD", "")], [2]),
        ([("1", CODE)], []),
    ],
)
def test_an_example_below_the_headings_is_no_dossier_and_is_told(marks: list[tuple[str, str]], examples: list[int]) -> None:
    row = ["1.001193", "Toàn trình", "UBND xã Sơn Hạ", "", "15/02/2024", "15/02/2024", "20/02/2024", "", "", "Đang xử lý"]
    export = read(CASES, *([mark, code, *row] for mark, code in marks), ["1", CODE, *row], ["VD", CODE, *row])
    told = [f"dòng {', '.join(map(str, examples))} ghi là ví dụ (mẫu), không tính"] if examples else []
    assert (export.sheets[0].rows.num_rows, export.warnings) == (2 + len(marks) - len(examples), told)


# "Thiếu giấy," written without quotation marks parts a cell more, a blank one, before the dates: each of them slips below its neighbour's heading.
NOTED = [
    "Mã hồ sơ",
    "Mã TTHC",
    "Đơn vị",
    "Hình thức nộp",
    "Trạng thái",
    "Ghi chú",
    "Ngày nộp",
    "Ngày tiếp nhận",
    "Hạn xử lý",
    "Ngày hoàn thành",
]


def noted(number: int, *note: str, finished: str = "19/02/2024 10:00", end: Sequence[str] = ()) -> list[str]:
    dates = ["15/02/2024 08:00", "15/02/2024 09:00", "18/02/2024 17:00", finished]
    return [f"000.22.58.H48-240215-{number:04d}", "1.001193", "UBND xã Sơn Hạ", "Trực tuyến", "Đã xử lý xong", *note, *dates, *end]


@pytest.mark.parametrize(
    ("rows", "slipped"),
    [
        ([noted(1, ""), noted(2, "Thiếu giấy", ""), noted(3, "")], [3]),
        ([noted(1, ""), noted(2, "Thiếu giấy", "", finished=""), noted(3, "")], [3]),
        ([noted(1, "Thiếu giấy", "")], [2]),
        ([noted(1, "", end=[""]), noted(2, "", end=[""])], []),  # a sign at the end of every row moves nothing
        ([noted(1, "", end=[""]), noted(2, "Thiếu giấy", "", finished="", end=[""]), noted(3, "", end=[""])], [3]),
        ([noted(1, ""), noted(2, "")[:9]], []),
        ([noted(number, "") for number in range(900)] + [noted(900, "Thiếu giấy", "")], [902]),  # a long list is read by columns
        ([noted(1, ""), ["Người lập", *[""] * 10, "Chủ tịch"]], []),
    ],
)  # fmt: skip
def test_a_row_whose_dates_slipped_below_their_neighbours_headings_is_told(rows: list[list[str]], slipped: list[int]) -> None:
    [sheet] = read(NOTED, *rows).sheets
    troubles = sheet.troubles.to_pylist()
    assert [(row["row_number"], row["reason"], row["column_name"]) for row in troubles] == [(row, "bad_date", SLIPPED) for row in slipped]


def test_what_stands_below_no_heading_is_told() -> None:
    # the heading is merged over a date and its hour
    headings = [*NOTED[:8], "", *NOTED[8:]]
    row = noted(1, "")
    warnings = read(headings, [*row[:7], "15/02/2024", "09:00", *row[8:]], [*row[:8], " ", *row[8:]]).warnings
    [warning] = warnings
    assert warning.startswith("có dữ liệu dưới chỗ không có tiêu đề, không đọc: cột thứ 9 (1 ô)")


def test_a_list_beside_another_is_not_to_lose_its_heading() -> None:
    with pytest.raises(
        UnreadableExport, match="“case_code”; nếu là hai bảng đặt cạnh nhau, hãy chuyển bảng sau xuống dưới bảng trước; nếu không, hãy xóa"
    ):
        read([*NOTED, "", *NOTED], [*noted(1, ""), "", *noted(2, "")])


# --- files that end within their table ------------------------------------------------------------------------------------------------


def write(*rows: list[str], quoting: int = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().removesuffix("\n")


def read_text(text: str) -> NormalisedExport:
    return normalise_export(read_sheets(text.encode()), load_lists())


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("count", [1, 2, 900])  # a long list is read by columns
def test_a_text_cut_anywhere_within_its_last_row_is_refused(count: int, quoting: int) -> None:
    text = write(NOTED, *(noted(number, "") for number in range(count)), quoting=quoting)
    begin = text.rindex("\n") + 1
    last_cell = text.rindex(",") + 1
    for end in (begin + 9, text.index(",", begin), text.rindex("Trực"), last_cell - 1, *((last_cell + 4,) if quoting else ())):
        with pytest.raises(UnreadableExport, match=rf"tệp bị cắt cụt: dòng cuối \(dòng {count + 1}\) chỉ có \d trên 10 ô"):
            read_text(text[:end])
    for whole in (text, text + "\n", text[: begin - 1]):
        assert read_text(whole).warnings == []


def test_texts_without_a_last_line_end_are_read_whatever_stands_below_their_rows() -> None:
    rows = [NOTED, noted(1, ""), noted(2, "")]
    for below in (["Người lập biểu"], ["Tổng cộng", "2"], ["Tổng số hồ sơ: 2"], ["", "", "Quảng Ngãi, ngày 30/06/2024"]):
        export = read_text(write(*rows, below))
        assert (export.sheets[0].rows.num_rows, export.warnings) == (2, [])


def test_where_rows_lack_their_blank_cells_at_the_end_the_last_one_may_be_whole() -> None:
    rows = [NOTED, noted(1, ""), noted(2, "", finished="")[:9]]
    assert read_text(write(*rows, noted(3, "")[:9])).warnings == []
    assert read_text(write(*rows, noted(3, "")[:8])).warnings == [
        "tệp có thể bị cắt cụt: dòng cuối (dòng 4) chỉ có 8 trên 10 ô và không có dấu xuống dòng"
    ]


def test_a_page_cut_within_its_table_is_refused() -> None:
    table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (NOTED, noted(1, ""), noted(2, "")))
    page = f"<html><body><table>{table}</table></body></html>"
    assert read_text(page).sheets[0].rows.num_rows == 2
    with pytest.raises(UnreadableExport, match="tệp bị cắt cụt: bảng của trang không có chỗ kết thúc"):
        read_text(page[: page.rindex("<tr>")])
