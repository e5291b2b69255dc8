"""Hours in a column of their own: read with their day where the headings say so, told where they do not."""

import csv
import io
from datetime import date, datetime, time

import openpyxl
import pytest

from transforms.exports import NormalisedExport, normalise_export
from transforms.layouts import load_lists
from transforms.readers import read_sheets
from transforms.text import mask

BEFORE = ["STT", "Mã hồ sơ", "Mã TTHC", "Đơn vị", "Hình thức nộp", "Ngày nộp"]
BEHIND = ["Ngày hẹn trả", "Ngày hoàn thành", "Trạng thái"]
ROW = ["1", "000.22.58.H48-240215-0007", "1.001193", "UBND xã Sơn Hà", "Trực tuyến", "15/02/2024 08:00"]
REST = ["20/02/2024", "19/02/2024", "Đã trả kết quả"]


def read(*rows: list[str]) -> NormalisedExport:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return normalise_export(read_sheets(text.getvalue().encode()), load_lists())


def received(*rows: list[str]) -> list[datetime | None]:
    [sheet] = read(*rows).sheets
    moments: list[datetime | None] = sheet.rows["received_at"].to_pylist()
    return moments


def one(*pair: str, headings: tuple[str, str] = ("Ngày tiếp nhận", "Giờ tiếp nhận")) -> tuple[datetime | None, list[str]]:
    [sheet] = read([*BEFORE, *headings, *BEHIND], [*ROW, *pair, *REST]).sheets
    return sheet.rows["received_at"][0].as_py(), sheet.troubles["masked_value"].to_pylist()


@pytest.mark.parametrize(
    "headings",
    [
        ("Ngày tiếp nhận", "Giờ tiếp nhận"),
        ("Ngày nhận", "GIỜ TIẾP NHẬN:"),
        ("Tiếp nhận ngày", "Giờ nhận hồ sơ"),
        ("Ngày tiếp nhận", "Giờ, phút tiếp nhận"),
    ],
)
def test_neighbours_are_one_moment(headings: tuple[str, str]) -> None:
    assert one("15/02/2024", "09:30", headings=headings) == (datetime(2024, 2, 15, 9, 30), [])
    assert one("09:30", "15/02/2024", headings=(headings[1], headings[0])) == (datetime(2024, 2, 15, 9, 30), [])


@pytest.mark.parametrize("group", [["Ngày tiếp nhận", ""], ["Tiếp nhận", ""], ["Ngày tiếp nhận", "Ngày tiếp nhận"]])
@pytest.mark.parametrize("first", ["Ngày", "Giờ"])
def test_a_pair_below_one_heading_is_one_moment(group: list[str], first: str) -> None:
    second, cells = ("Giờ", ["15/02/2024", "09:30"]) if first == "Ngày" else ("Ngày", ["09:30", "15/02/2024"])
    rows = [[*BEFORE, *group, *BEHIND], ["", "", "", "", "", "", first, second, "", "", ""], [*ROW, *cells, *REST]]
    assert received(*rows) == [datetime(2024, 2, 15, 9, 30)]
    assert read(*rows).warnings == []


def test_a_pair_may_stand_below_two_groups() -> None:
    groups = [*BEFORE[:-1], "Ngày, tháng, năm", "", "", "", "", "", "Trạng thái"]
    names = ["", "", "", "", "", "Nộp hồ sơ", "", "Tiếp nhận", "", "Hẹn trả kết quả", "Kết thúc xử lý", ""]
    pairs = ["", "", "", "", "", "Ngày", "Giờ", "Ngày", "Giờ", "", "", ""]
    data = [*ROW[:-1], "15/02/2024", "08:00", "15/02/2024", "09:30", *REST]
    [sheet] = read(groups, names, pairs, data).sheets
    found = [sheet.rows[name][0].as_py() for name in ("submitted_at", "received_at", "due_at")]
    assert found == [datetime(2024, 2, 15, 8), datetime(2024, 2, 15, 9, 30), datetime(2024, 2, 20)]


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        ("9h30", time(9, 30)),
        ("9 giờ 30 phút", time(9, 30)),
        ("09:30:15", time(9, 30, 15)),
        ("02:30 CH", time(14, 30)),
        ("09.30", time(9, 30)),
        ("0.395833333333333", time(9, 30)),
        ("0,5", time(12)),
        ("1899-12-31 09:30:00", time(9, 30)),
        ("15/02/2024 09:30", time(9, 30)),
        ("", time()),
    ],
)
def test_hours_as_people_and_spreadsheets_write_them(hour: str, expected: time) -> None:
    assert one("15/02/2024", hour) == (datetime.combine(date(2024, 2, 15), expected), [])


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        ("15/02/2024", "25:30"),
        ("15/02/2024", "9"),
        ("15/02/2024", "0.30"),
        ("15/02/2024", "16/02/2024 09:30"),
        ("15/02/2024 08:00", "09:30"),
        ("", "09:30"),
    ],
)
def test_what_makes_no_moment_is_refused(day: str, hour: str) -> None:
    [sheet] = read([*BEFORE, "Ngày tiếp nhận", "Giờ tiếp nhận", *BEHIND], [*ROW, day, hour, *REST]).sheets
    assert sheet.rows["received_at"].to_pylist() == [None]
    [trouble] = sheet.troubles.to_pylist()
    shown = (trouble["reason"], trouble["column_name"], trouble["masked_value"])
    assert shown == ("bad_date", "Ngày tiếp nhận và Giờ tiếp nhận", mask(f"{day} {hour}".strip(), is_moment=True))


def test_a_day_that_says_the_same_hour_is_no_contradiction() -> None:
    assert one("15/02/2024 09:30:15", "09:30") == (datetime(2024, 2, 15, 9, 30, 15), [])


def test_no_day_at_no_hour_is_none() -> None:
    assert one("", "00:00") == (None, [])


def test_hours_of_a_workbook_are_those_of_its_cells() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*BEFORE, "Ngày tiếp nhận", "Giờ tiếp nhận", *BEHIND])
    sheet.append([*ROW, date(2024, 2, 15), time(9, 30), *REST])
    sheet.append([*ROW, datetime(2024, 2, 15, 9, 30), datetime(2024, 2, 15, 9, 30), *REST])
    out = io.BytesIO()
    book.save(out)
    [read_sheet] = normalise_export(read_sheets(out.getvalue()), load_lists()).sheets
    assert read_sheet.rows["received_at"].to_pylist() == [datetime(2024, 2, 15, 9, 30)] * 2


def test_hours_without_their_day_are_an_unknown_heading() -> None:
    [sheet] = read([*BEFORE, "Ngày tiếp nhận", "Giờ trả", *BEHIND], [*ROW, "15/02/2024", "09:30", *REST]).sheets
    assert sheet.rows["received_at"].to_pylist() == [datetime(2024, 2, 15)]
    assert sheet.layout.unknown == ["Giờ trả"]


def test_hours_below_no_heading_are_told_as_such() -> None:
    [warning] = read([*BEFORE, "Ngày tiếp nhận", "", *BEHIND], [*ROW, "15/02/2024", "09:30", *REST]).warnings
    assert "cột thứ 8 (1 ô)" in warning
    assert "“Giờ …”" in warning
