"""What the titles above a table say: the period, and the moment of the export."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.titles import find_export_time, find_period


@pytest.mark.parametrize(
    ("title", "first", "last"),
    [
        ("(Từ ngày 01/04/2024 đến ngày 30/06/2024)", date(2024, 4, 1), date(2024, 6, 30)),
        ("TÌNH HÌNH GIẢI QUYẾT\nTừ ngày: 1/2/2024 - 29/2/2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("Tháng 6 năm 2024", date(2024, 6, 1), date(2024, 6, 30)),
        ("KẾT QUẢ SỐ HÓA THÁNG 02/2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("Quý II năm 2024", date(2024, 4, 1), date(2024, 6, 30)),
        ("BÁO CÁO QUÝ 4/2024", date(2024, 10, 1), date(2024, 12, 31)),
        ("6 tháng đầu năm 2024", date(2024, 1, 1), date(2024, 6, 30)),
        ("6 THÁNG CUỐI NĂM 2024", date(2024, 7, 1), date(2024, 12, 31)),
        ("9 tháng năm 2024", date(2024, 1, 1), date(2024, 9, 30)),
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
        "KẾ HOẠCH CẢI CÁCH HÀNH CHÍNH NĂM 2024",
        "THEO QUYẾT ĐỊNH SỐ 766/QĐ-TTg NGÀY 23/06/2022",
        "(Thống kê hàng tháng, quý, 6 tháng, 9 tháng, năm, hàng năm)",
        "So sánh tháng 5 năm 2024 với tháng 6 năm 2024",
        "Tháng 13 năm 2024",
        "Năm 0206",
        "(Từ ngày 30/06/2024 đến ngày 01/04/2024)",
        "(Từ ngày 31/02/2024 đến ngày 30/06/2024)",
    ],
)
def test_what_is_no_period(title: str) -> None:
    assert find_period([[title]]) is None


def test_from_and_to_win_over_words() -> None:
    assert find_period([["Quý II năm 2024"], ["(Từ ngày 01/05/2024 đến ngày 31/05/2024)"]]) == (date(2024, 5, 1), date(2024, 5, 31))


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
        ("ngày 30/06/2024 (25 giờ làm việc)", 0, 0),
    ],
)
def test_the_moment_of_an_export_may_be_said_in_words(said: str, hour: int, minute: int) -> None:
    """Without its time a list of the evening would give way to one of the morning."""
    for row in ([f"Thời điểm xuất: {said}"], ["Thời điểm xuất dữ liệu", None, said]):
        assert find_export_time([row]) == datetime(2024, 6, 30, hour, minute)
