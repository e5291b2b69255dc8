"""What the titles above a table say: the period, and the moment of the export."""

from datetime import date, datetime

import pytest
from conftest import HEADINGS, case_row
from hypothesis import given
from hypothesis import strategies as st

from transforms.exports import normalise_export
from transforms.layouts import load_lists
from transforms.sheets import Sheet, sheet_from_rows
from transforms.titles import find_export_time, find_period


@pytest.mark.parametrize(
    ("title", "first", "last"),
    [
        ("(Từ ngày 01/04/2024 đến ngày 30/06/2024)", date(2024, 4, 1), date(2024, 6, 30)),
        ("TÌNH HÌNH GIẢI QUYẾT\nTừ ngày: 1/2/2024 - 29/2/2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("(Từ ngày 01/04/2024 đến hết ngày 30/06/2024)", date(2024, 4, 1), date(2024, 6, 30)),
        ("Từ 01/04/2024 đến 30/06/2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("từ ngày 01/04/2024 – 30/06/2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Từ ngày 01-04-2024 tới ngày 30.06.2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Từ ngày 01/04/2024 00:00 đến ngày 30/06/2024 23:59", date(2024, 4, 1), date(2024, 6, 30)),
        ("Từ ngày 01 tháng 4 năm 2024 đến ngày 30 tháng 6 năm 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Kỳ báo cáo quý II/2024 (từ ngày 15/3 đến ngày 14/6/2024)", date(2024, 3, 15), date(2024, 6, 14)),
        ("THÁNG 6 NĂM 2024 (Từ ngày 15 tháng 5 đến ngày 14 tháng 6 năm 2024)", date(2024, 5, 15), date(2024, 6, 14)),
        ("Tháng 6/2024, từ 00:00 ngày 15/05/2024 đến 23:59 ngày 14/06/2024", date(2024, 5, 15), date(2024, 6, 14)),
        ("Tháng 6/2024, từ 0 giờ 00 ngày 15/05/2024 đến 24h ngày 14/06/2024", date(2024, 5, 15), date(2024, 6, 14)),
        ("Tháng 6/2024 (15/05/2024 - 14/06/2024)", date(2024, 5, 15), date(2024, 6, 14)),
        ("Thời gian: ngày 01/04/2024 đến ngày 30/06/2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Tháng 6 năm 2024", date(2024, 6, 1), date(2024, 6, 30)),
        ("THÁNG 06-2024", date(2024, 6, 1), date(2024, 6, 30)),
        ("Qúy II năm 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("QUÍ 02/2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Quý II - 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Báo cáo 06 tháng đầu năm 2024", date(2024, 1, 1), date(2024, 6, 30)),
        ("Quý II/2024 (6 tháng đầu năm: xem biểu sau)", date(2024, 4, 1), date(2024, 6, 30)),
        ("KẾT QUẢ SỐ HÓA THÁNG 02/2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("Quý II năm 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("BÁO CÁO QUÝ 4/2024", date(2024, 10, 1), date(2024, 12, 31)),
        ("Quý II, năm 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("Tháng: 6 Năm: 2024", date(2024, 6, 1), date(2024, 6, 30)),
        ("Kỳ báo cáo: Tháng 6 – Năm 2024", date(2024, 6, 1), date(2024, 6, 30)),
        ("Từ tháng 4 đến tháng 6 năm 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("(Từ tháng 12/2023 đến hết tháng 02/2024)", date(2023, 12, 1), date(2024, 2, 29)),
        ("KẾT QUẢ THÁNG 1 - 6/2024", date(2024, 1, 1), date(2024, 6, 30)),
        ("Từ quý I đến quý III năm 2024", date(2024, 1, 1), date(2024, 9, 30)),
        ("6 tháng đầu năm 2024", date(2024, 1, 1), date(2024, 6, 30)),
        ("6 THÁNG CUỐI NĂM 2024", date(2024, 7, 1), date(2024, 12, 31)),
        ("9 tháng năm 2024", date(2024, 1, 1), date(2024, 9, 30)),
        ("Từ ngày 15.03 - 14.06.2024", date(2024, 3, 15), date(2024, 6, 14)),
        ("Năm 2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("(Kỳ báo cáo: Năm 2024)", date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_period_is_found(title: str, first: date, last: date) -> None:
    assert find_period([["UBND TỈNH"], [None, title]]) == (first, last)


@pytest.mark.parametrize(
    "title",
    [
        "Sơn Hà, ngày 30 tháng 6 năm 2024",
        "Sơn Hà, ngày … tháng 6 năm 2024",
        "Sơn Hà, ngày 30 tháng 6, năm 2024",
        "KẾ HOẠCH CẢI CÁCH HÀNH CHÍNH NĂM 2024",
        "THEO QUYẾT ĐỊNH SỐ 766/QĐ-TTg NGÀY 23/06/2022",
        "(Thống kê hàng tháng, quý, 6 tháng, 9 tháng, năm, hàng năm)",
        "So sánh tháng 5 năm 2024 với tháng 6 năm 2024",
        "So sánh tháng 5 với tháng 6 năm 2024",
        "Quý I và Quý II năm 2024",
        "Tháng 4, 5, 6 năm 2024",
        "BÁO CÁO QUÝ II VÀ 6 THÁNG ĐẦU NĂM 2024",
        "Tháng 6, lũy kế 06 tháng năm 2024",
        "Quý II/2024 và Quý II/2023 (từ ngày 15/12 đến ngày 14/3/2024)",
        "Tháng 62024",
        "Từ tháng 11 đến tháng 2 năm 2024",
        "Từ tháng 0 đến tháng 6 năm 2024",
        "Tháng 13 năm 2024",
        "Năm 0206",
        "(Từ ngày 30/06/2024 đến ngày 01/04/2024)",
        "(Từ ngày 31/02/2024 đến ngày 30/06/2024)",
        "Từ ngày 01/04/2024",
        "Có hiệu lực từ 01/04/2024, thay bản đến 30/06/2024",
    ],
)
def test_what_is_no_period(title: str) -> None:
    assert find_period([[title]]) is None


def test_a_day_in_one_title_and_one_in_the_next_are_no_period() -> None:
    assert find_period([["Thông tư số 01/2020/TT-VPCP ngày 21/10/2020"], ["Đến ngày 30/06/2024"]]) is None


def test_from_and_to_win_over_words() -> None:
    assert find_period([["Quý II năm 2024"], ["(Từ ngày 01/05/2024 đến ngày 31/05/2024)"]]) == (date(2024, 5, 1), date(2024, 5, 31))


@pytest.mark.parametrize(
    "rows",
    [
        [["Từ ngày", "01/04/2024", "đến ngày", "30/06/2024"]],
        [[None, "Từ ngày:", None, "2024-04-01 00:00:00", "Đến ngày:", None, "2024-06-30 00:00:00"]],
        [["Từ ngày", "Từ ngày", "2024-04-01", "2024-04-01", "đến hết ngày", "đến hết ngày", "2024-06-30"]],
        [["Từ ngày", "01/04/2024"], ["Đến ngày", "30/06/2024"]],
        [["Kỳ báo cáo", "Từ ngày 01/04/2024", "đến ngày 30/06/2024"]],
    ],
    ids=["text", "date cells", "merged cells", "two rows", "half a cell each"],
)
def test_a_period_may_stand_in_cells_of_its_own(rows: list[list[str | None]]) -> None:
    assert find_period([["BIỂU SỐ 06"], *rows]) == (date(2024, 4, 1), date(2024, 6, 30))


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    found = find_period([[text]])
    assert found is None or found[0] <= found[1]


@pytest.mark.parametrize(
    ("said", "hour", "minute"),
    [
        ("30/06/2024 23:05", 23, 5),
        ("23:05 30/06/2024", 23, 5),
        ("30/06/2024 lúc 23:05", 23, 5),
        ("lúc 23:05, ngày 30/06/2024", 23, 5),
        ("ngày 30/06/2024, 23:05", 23, 5),
        ("23 giờ 05 ngày 30/06/2024", 23, 5),
        ("23 giờ 5 phút, ngày 30/06/2024", 23, 5),
        ("23h05 ngày 30/06/2024", 23, 5),
        ("8 giờ ngày 30/06/2024", 8, 0),
        ("8 giờ 30/06/2024", 8, 0),
        ("25 giờ 30/06/2024", 0, 0),
        ("ngày 30/06/2024 lúc 8g", 8, 0),
        ("30/06/2024", 0, 0),
        ("30.06.2024 23.05", 23, 5),
        ("30.06.2024, 23.05.00", 23, 5),
        ("ngày 30/06/2024 (23.05)", 23, 5),
        ("23.05 ngày 30.06.2024", 23, 5),
        ("30.06.2024 11.05 CH", 23, 5),
        ("30.06.2024 1.234 hồ sơ", 0, 0),
        ("30.06.2024 (12.50 %)", 0, 0),
        ("30.06.2024 (8.30 giờ làm việc)", 0, 0),
        ("30/06/2024 - 23:05", 23, 5),
        ("ngày 30/06/2024 (23:05)", 23, 5),
        ("23h05' ngày 30/06/2024", 23, 5),
        ("23 giờ 05 phút, ngày 30 tháng 6 năm 2024", 23, 5),
        ("23 giờ 05 phút 00 giây ngày 30/06/2024", 23, 5),
        ("23:05 giờ ngày 30/06/2024", 23, 5),
        ("23:05h, ngày 30/06/2024", 23, 5),
        ("23h05-30/06/2024", 23, 5),
        ("ngày 30/06/2024 giờ 23:05", 23, 5),
        ("11 giờ 05 phút sáng ngày 30/06/2024", 11, 5),
        ("Chủ nhật, ngày 30/06/2024 lúc 23h05.", 23, 5),
        ("30/06/2024 11:05:00 CH", 23, 5),
        ("11:05:00 SA 30/06/2024", 11, 5),
        ("30-06-2024 23:05", 23, 5),
        ("2024/06/30 23:05", 23, 5),
        ("23:05 2024-06-30", 23, 5),
        ("2024-06-30 23:04:59.9997", 23, 5),
        ("2024-06-30T16:05:00.000+0000", 23, 5),
        ("2024-06-30T16:05:00Z", 23, 5),
        ("30/06/2024 23:05 +07:00", 23, 5),
        ("45473,9618055556", 23, 5),
        ("45473.9618055556", 23, 5),
        ("45473", 0, 0),
        ("ngày 30/06/2024 (8 giờ làm việc)", 0, 0),
        ("ngày 30/06/2024 (25 giờ làm việc)", 0, 0),
    ],
)
def test_the_moment_of_an_export_may_be_said_in_words(said: str, hour: int, minute: int) -> None:
    """Without its time a list of the evening would give way to one of the morning."""
    for row in ([f"Thời điểm xuất: {said}"], ["Thời điểm xuất dữ liệu", None, said]):
        assert find_export_time([row]) == datetime(2024, 6, 30, hour, minute)


@pytest.mark.parametrize(
    "label",
    [
        "Thời điểm xuất",
        "THỜI ĐIỂM XUẤT:",
        "Thời điểm xuất dữ liệu là",
        "Thời điểm xuất tệp:",
        "Thời điểm xuất ra file Excel:",
        "Thời điểm xuất báo cáo tháng 6/2024:",
        "Thời điểm xuất danh sách hồ sơ quá hạn:",
        "Thời điểm xuất biểu số 06a/VPCP:",
        "Thời điểm xuất dữ liệu từ hệ thống:",
        "Thời điểm xuất (giờ Việt Nam):",
        "Dữ liệu xuất từ ngày 01/06/2024 đến ngày 30/06/2024. Thời điểm xuất:",
        "(Số liệu tính đến thời điểm xuất). Thời điểm xuất:",
    ],
)
def test_the_words_may_name_what_was_exported(label: str) -> None:
    for row in ([f"{label} 30/06/2024 23:05"], [label, None, "", "30/06/2024 23:05"], [label, label, "2024-06-30 23:05:00"]):
        assert find_export_time([["UBND HUYỆN"], row]) == datetime(2024, 6, 30, 23, 5)


@pytest.mark.parametrize(
    "row",
    [
        ["Thời điểm xuất:", "30/06/2024", "23:05"],
        ["Thời điểm xuất:", "23:05", None, "ngày 30/06/2024"],
        ["Thời điểm xuất:", "23 giờ 05 phút", "30 tháng 6 năm 2024"],
        ["Thời điểm xuất: 30/06/2024", "(23:05)"],
        ["Thời điểm xuất:", "30.06.2024", "23.05"],
        ["Thời điểm xuất: 23h05", "30/06/2024"],
        ["Thời điểm xuất", "2024-06-30 00:00:00", "23:05:00"],
        ["Thời điểm xuất: 30/06/2024", "lúc 11:05:00 CH", "Người xuất"],
    ],
)
def test_day_and_time_of_an_export_may_stand_in_cells_of_their_own(row: list[str | None]) -> None:
    assert find_export_time([row]) == datetime(2024, 6, 30, 23, 5)


@pytest.mark.parametrize(
    "row",
    [
        ["Xác nhận thời điểm xuất cảnh 05/03/2019"],
        ["Cấp giấy chứng nhận tại thời điểm xuất khẩu", "03/05/2024 08:15"],
        ["Thời điểm xuất nhập cảnh: 05/03/2019"],
        ["Thời điểm xuất:", None, "Từ ngày", "01/06/2024"],
        ["Thời điểm xuất:", "Người xuất", "30/06/2024 23:05"],
        ["Thời điểm xuất báo cáo từ ngày", "01/06/2024"],
        ["Thời điểm xuất báo cáo từ ngày: 01/06/2024"],
        ["Thời điểm xuất ghi theo dạng dd/mm/yyyy HH:MM, ví dụ 01/01/2024 08:00"],
        ["Thời điểm xuất: ghi ngày gửi báo cáo (ví dụ 30/06/2024)."],
        ["(Số liệu tính đến thời điểm xuất)", "01/06/2024"],
        ["Thời điểm xuất: 31/02/2024"],
        ["Thời điểm xuất: 05/06/2024 11:05:00 PM"],
        ["Thời điểm xuất: 123456"],
    ],
)
def test_what_is_no_export_time(row: list[str | None]) -> None:
    assert find_export_time([row]) is None


def test_serials_in_titles_count_from_1904_where_the_workbook_does() -> None:
    assert find_export_time([["Thời điểm xuất", "44011.9618055556"]], date1904=True) == datetime(2024, 6, 30, 23, 5)


DATES_IN_TITLES = {
    "day first": lambda m: f"{m:%d/%m/%Y}",
    "with dashes": lambda m: f"{m:%d-%m-%Y}",
    "with dots": lambda m: f"{m.day}.{m.month}.{m.year}",
    "year first": lambda m: f"{m:%Y-%m-%d}",
    "year first, slashes": lambda m: f"{m:%Y/%m/%d}",
    "in words": lambda m: f"{m.day} tháng {m.month} năm {m.year}",
}
TIMES_IN_TITLES = {
    "seconds": lambda m: f"{m:%H:%M:%S}",
    "halves of the day": lambda m: f"{m:%I:%M:%S} {'SA' if m.hour < 12 else 'CH'}",
    "in words": lambda m: f"{m.hour} giờ {m.minute} phút {m.second} giây",
    "short words": lambda m: f"{m.hour}h{m:%M}'{m:%S}s",
}
JOINED = [
    "{date} {time}",
    "{date}, {time}",
    "{date} - {time}",
    "ngày {date} ({time})",
    "ngày {date} lúc {time}",
    "{time} {date}",
    "{time}, ngày {date}",
    "{time} – {date}",
    "vào lúc {time} ngày {date}.",
]


@given(
    st.datetimes(datetime(1990, 1, 3), datetime(2099, 12, 29)).map(lambda m: m.replace(microsecond=0)),
    st.sampled_from(sorted(DATES_IN_TITLES)),
    st.sampled_from(sorted(TIMES_IN_TITLES)),
    st.sampled_from(JOINED),
    st.booleans(),
)
def test_any_moment_reads_back(moment: datetime, day: str, time: str, joined: str, apart: bool) -> None:
    said = joined.format(date=DATES_IN_TITLES[day](moment), time=TIMES_IN_TITLES[time](moment))
    assert find_export_time([["Thời điểm xuất:", None, said] if apart else [f"Thời điểm xuất: {said}"]]) == moment


@given(st.text(), st.text())
def test_no_title_breaks_it(text: str, after: str) -> None:
    find_export_time([[f"Thời điểm xuất {text}", after]])


TITLE = ["Thời điểm xuất: 30/06/2024 23:05"]
EXAMPLE = ["Thời điểm xuất: 01/01/2024 08:00"]
NOTED = [*HEADINGS, "Nội dung hồ sơ"]


def page(*rows: list[object], date1904: bool = False) -> Sheet:
    return sheet_from_rows("s", [[None if cell is None else str(cell) for cell in row] for row in rows], date1904=date1904)


def note(text: str) -> list[object]:
    return [*case_row(), text]


LIST = (list(HEADINGS), case_row())
SIGNED = ["", "", "", "", "Sơn Hà, ngày 30 tháng 6 năm 2024"]


@pytest.mark.parametrize(
    ("sheets", "found"),
    [
        ([page(TITLE, *LIST)], True),
        ([page(*LIST, [], SIGNED, TITLE)], True),
        ([page(*LIST, *[[]] * 20, TITLE)], True),
        ([page(["Thời điểm xuất", "44011.9618055556"], *LIST, date1904=True)], True),
        ([page(NOTED, note("Thời điểm xuất: 05/03/2019"))], False),
        ([page(NOTED, note("Thời điểm xuất: 05/03/2019"), [], TITLE)], True),
        ([page(NOTED, note(""), note("Thời điểm xuất: 05/03/2019"), TITLE)], True),
        ([page(HEADINGS, case_row(**{"Tên TTHC": "Xác nhận tại thời điểm xuất", "Mức độ": "05/03/2019"}))], False),
        ([page(EXAMPLE), page(TITLE, *LIST)], True),
        ([page(EXAMPLE), page(*LIST, TITLE)], True),
        ([page(EXAMPLE, HEADINGS), page(TITLE, *LIST)], True),
        ([page(TITLE), page(*LIST)], True),
        ([page(*LIST), page(TITLE)], True),
        ([page(TITLE, *LIST), page(EXAMPLE, *LIST)], True),
    ],
    ids=[
        "title",
        "footer",
        "footer far below",
        "serial of a 1904 workbook",
        "note of a dossier",
        "footer below notes",
        "footer right below a note",
        "cells of a dossier",
        "guide first",
        "guide first, footer",
        "empty form first",
        "cover only",
        "cover behind",
        "two lists",
    ],
)
def test_titles_and_footers_of_the_data_say_when_the_export_was_made(sheets: list[Sheet], found: bool) -> None:
    """Never a data row; another sheet only where no sheet of data says anything."""
    assert normalise_export(sheets, load_lists()).exported_at == (datetime(2024, 6, 30, 23, 5) if found else None)
