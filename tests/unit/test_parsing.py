from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.case_codes import parse_case_codes, parse_code_cells
from transforms.columns import parse_years
from transforms.parsing import (
    parse_date_cells,
    parse_dates,
    parse_figures,
    parse_levels,
    parse_numbers,
    parse_procedure_codes,
    parse_whole_number,
    procedure_key,
)
from transforms.text import clean_column

MOMENTS = st.datetimes(datetime(1990, 1, 3), datetime(2099, 12, 29)).map(lambda m: m.replace(microsecond=0))


def half(moment: datetime) -> str:
    """Sáng or chiều, as Windows set to Vietnamese writes it behind a time of twelve hours."""
    return "SA" if moment.hour < 12 else "CH"


FORMS = {
    "day first": lambda m: f"{m:%d/%m/%Y %H:%M:%S}",
    "day first, unpadded": lambda m: f"{m.day}/{m.month}/{m.year} {m.hour}:{m:%M:%S}",
    "time first": lambda m: f"{m:%H:%M:%S %d/%m/%Y}",
    "year first": lambda m: f"{m:%Y-%m-%d %H:%M:%S}",
    "ISO": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}",
    "UTC": lambda m: f"{m - timedelta(hours=7):%Y-%m-%dT%H:%M:%S}.000+0000",
    "UTC, Z": lambda m: f"{m - timedelta(hours=7):%Y-%m-%dT%H:%M:%SZ}",
    "offset": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+07:00",
    "other offset": lambda m: f"{m - timedelta(hours=8, minutes=30):%Y-%m-%dT%H:%M:%S}-01:30",
    "offset in hours": lambda m: f"{m:%Y-%m-%d %H:%M:%S}+07",
    "offset in hours, unpadded": lambda m: f"{m:%Y-%m-%d %H:%M:%S} +7",
    "halves of the day": lambda m: f"{m:%d/%m/%Y %I:%M:%S} {half(m)}",
    "halves of the day, time first": lambda m: f"{(m.hour + 11) % 12 + 1}:{m:%M:%S} {half(m)} {m:%d/%m/%Y}",
    "in words": lambda m: f"hồi {m.hour} giờ {m.minute} phút {m.second} giây, ngày {m.day} tháng {m.month} năm {m.year}",
    "hours in words": lambda m: f"{m:%d/%m/%Y} lúc {m.hour}h{m:%M}'{m:%S}s",
    "day in words": lambda m: f"Thứ ba, ngày {m:%d/%m/%Y} - {m:%H:%M:%S}",
    "dots in the hour": lambda m: f"{m:%d.%m.%Y %H.%M.%S}",
    "dots in the hour, time first": lambda m: f"{m:%H.%M.%S} ngày {m:%d/%m/%Y}",
    "in brackets": lambda m: f"{m:%d/%m/%Y} ({m:%H:%M:%S})",
    "kept as text": lambda m: f"'{m:%d/%m/%Y %H:%M:%S}",
    "in spaces": lambda m: f"{m.day} / {m.month} / {m.year} {m:%H:%M:%S}",
    "serial": lambda m: str((m - datetime(1899, 12, 30)) / timedelta(days=1)),
}


def dates(*texts: str | None, date1904: bool = False) -> tuple[list[datetime | None], list[bool]]:
    values, bad = parse_dates(pa.array(texts, pa.string()), date1904=date1904)
    return values.cast(pa.timestamp("us")).to_pylist(), list(bad)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=25)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_every_form_reads_the_same(form: str, moments: list[datetime]) -> None:
    if form == "serial":  # below five digits is no serial of our time
        moments = [moment if moment.year >= 1999 else moment.replace(year=2024, day=min(moment.day, 28)) for moment in moments]
    texts = [FORMS[form](moment) for moment in moments]
    assert dates(*texts) == (moments, [False] * len(moments))
    cells, bad = parse_date_cells(pa.array(texts))
    assert (cells.cast(pa.timestamp("us")).to_pylist(), list(bad)) == (moments, [False] * len(moments))


@given(st.text(max_size=20))
def test_no_text_crashes_and_what_is_filled_is_a_date_or_bad(text: str) -> None:
    values, bad = dates(text)
    assert (values[0] is None) == bad[0]


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2024",
        "30/02/2024 08:00",
        "24:00 01/01/2024",
        "01/01/2024 24:00",
        "05/01/0206",
        "chưa có",
        "#N/A",
        "13/13/2024",
        "-",
        "0",
        "29/02/2023",
        "123456",
        "03/05/2024 13:05 SA",
        "03/05/2024 00:05 CH",
        "03/05/2024 11:05 PM",
        "2024-05-03 08:15-17",
        "2024-05-03 08:15:00+24:00",
        "2024-05-03 08:15:00+07:60",
        "25 giờ ngày 03/05/2024",
        "8h30 - 9h30 ngày 03/05/2024",
        "03/05/2024 - 04/05/2024",
        "03/05/2024 (8 giờ làm việc)",
        "ngày 31 tháng 2 năm 2024",
        "ngày 3 tháng 5",
        "Sơn Hạ, ngày 03/05/2024",
        "2024-05-03 08:15 - 17:00",
        "03/05/2024 8.300",
        "03/05/2024 25.30",
    ],
)
def test_what_is_no_date_is_bad(text: str) -> None:
    assert dates(text) == ([None], [True])


def test_day_stands_before_month() -> None:
    assert dates("05/01/2026", "03.02.2024 7:05", None) == ([datetime(2026, 1, 5), datetime(2024, 2, 3, 7, 5), None], [False, False, False])


def test_noon_is_in_the_afternoon_and_midnight_in_the_morning() -> None:
    assert dates(
        "03/05/2024 12:05:00 CH", "03/05/2024 12:05:00 SA", "03/05/2024 11:05 ch", "03/05/2024 23:05 CH", "00:05SA 03/05/2024"
    ) == (
        [datetime(2024, 5, 3, hour, 5) for hour in (12, 0, 23, 23, 0)],
        [False] * 5,
    )


def test_serials_saved_as_text_may_have_a_decimal_comma() -> None:
    assert dates("45296,3125", "45296,3124999999", "45296,") == ([datetime(2024, 1, 5, 7, 30)] * 2 + [None], [False, False, True])


def test_serials_of_1904_workbooks_start_four_years_later() -> None:
    assert dates("43859.5", date1904=True) == ([datetime(2024, 1, 30, 12)], [False])


def test_fractions_of_spreadsheet_time_are_rounded() -> None:
    assert dates("2024-01-05 07:29:59.9997", "45296.3124999999") == ([datetime(2024, 1, 5, 7, 30)] * 2, [False, False])


@given(st.integers(0, 10**12))
def test_counts_read_with_and_without_grouping(number: int) -> None:
    forms = [
        str(number),
        f"{number:,}".replace(",", "."),
        f"{number:,}",
        f"{number}.0",
        f"{number} đ",
        f"{number:,}".replace(",", ".") + " VNĐ",
    ]
    assert {parse_whole_number(form) for form in forms} == {number}


@pytest.mark.parametrize(
    "text", ["mười nghìn", "97,5", "34.5%", "1.23.456", "", "12a", "1e5", "8.0000", "80,0000", "1.000.00", "1,000,0", "1 000 00"]
)
def test_what_is_no_count_is_bad(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_whole_number(text)


@pytest.mark.parametrize(
    "number", ["051204001234", "0912345678", "051204001234.0", "0912345678 đ", "051.204.001.234", "０９１２３４５６７８", "02553864123"]
)
def test_somebody_s_number_is_neither_an_amount_nor_a_count(number: str) -> None:
    cells = pa.array([number])
    for values, bad in (
        parse_numbers(cells),
        parse_numbers(cells, no_fee_words=True),
        parse_numbers(cells, is_count=True),
        parse_figures(cells),
    ):
        assert (values.to_pylist(), list(bad)) == ([None], [True])
    assert list(parse_figures(pa.array([f"Số lượng: {number}; Tỷ lệ: 5%"]))[1]) == [True]


def test_a_telephone_number_that_lost_its_zero_is_no_count_but_may_be_an_amount() -> None:
    assert list(parse_numbers(pa.array(["912345678"]), is_count=True)[1]) == [True]
    assert list(parse_figures(pa.array(["912345678"]))[1]) == [True]
    assert parse_numbers(pa.array(["912345678", "007", "000000000", "1.000.000.000"]))[0].to_pylist() == [912345678, 7, 0, 1_000_000_000]


@pytest.mark.parametrize(
    ("text", "number"), [("8000.0000", 8000), ("0.0000", 0), ("1.000,00", 1000), ("1,000.0", 1000), ("1 000.00", 1000), ("80.00", 80)]
)
def test_decimals_that_no_grouping_can_be_taken_for_are_none(text: str, number: int) -> None:
    assert parse_whole_number(text) == number


@pytest.mark.parametrize(
    "fee",
    [
        "8.000 đồng/lần",
        "8.000đ/ bản",
        "8.000 đồng / 01 hồ sơ",
        "8.000 VNĐ/trường hợp.",
        "8.000 đồng mỗi lần",
        "8000/lần",
        "8.000 đồng/thẻ căn cước",
    ],
)
def test_a_fee_may_be_one_of_a_copy_or_a_case_in_the_catalogue(fee: str) -> None:
    values, bad = parse_numbers(pa.array([fee]), no_fee_words=True)
    assert (values.to_pylist(), list(bad)) == ([8000], [False])
    assert list(parse_numbers(pa.array([fee]))[1]) == [True]


@pytest.mark.parametrize("fee", ["8.000/5.000", "8.000 đồng/lần; 5.000 đồng/bản", "8.000 đồng/5.000 đồng", "/lần"])
def test_several_fees_are_none(fee: str) -> None:
    assert list(parse_numbers(pa.array([fee]), no_fee_words=True)[1]) == [True]


def test_no_fee_in_words_is_zero_only_in_the_catalogue() -> None:
    values, bad = parse_numbers(pa.array(["Không", "8.000", None]), no_fee_words=True)
    assert (values.to_pylist(), list(bad)) == ([0, 8000, None], [False, False, False])
    assert list(parse_numbers(pa.array(["Không"]))[1]) == [True]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.001193.000.00.00.H48", "1.001193"),
        ("1.001193.H48", "1.001193"),
        ("1.001193", "1.001193"),
        ("1.00001", "1.000010"),
        ("2.0009299999999999", "2.000930"),
        ("1.1", "1.100000"),
        ("'1.001193", "1.001193"),  # the apostrophe that keeps a text from becoming a number, where a system exports it
        ("’1.001193.000.00.00.H48", "1.001193"),
        ('"1.00001"', "1.000010"),
        ("(1.001193)", "1.001193"),
        ("1.001193.", "1.001193"),
        ("BTP-1.001193", "1.001193"),
        ("BGTVT - 1.001193.000.00.00.H48", "1.001193"),
        ("BGDĐT-1.001193", "1.001193"),
        ("1.001193-H48", "1.001193"),
        ("1.001193.000.00.00-H48", "1.001193"),
        ("-1.001193", None),
        ("B-1.001193", None),
        ("BTP-1.001193-2", None),
        ("Hộ tịch", None),
    ],
)
def test_procedure_key(text: str, code: str | None) -> None:
    assert procedure_key(text) == code


def test_case_codes_of_both_forms_are_known_and_odd_ones_kept() -> None:
    codes, known = parse_case_codes(
        pa.array(["000.22.58.h48-240215-0007", "H48.529-240215-0007", "000.A0.01.H26-210212-9090", "HSLT-77", None])
    )
    assert codes.to_pylist() == ["000.22.58.H48-240215-0007", "H48.529-240215-0007", "000.A0.01.H26-210212-9090", "HSLT-77", None]
    assert list(known) == [True, True, True, False, False]


@pytest.mark.parametrize(
    "cell",
    [
        "Nguyễn Thị Hoa - 0912345678",
        "Hộ ông Đinh Văn Ba, ĐT 0912 345 678",
        "0912.345.678",
        "051 204 001 234",
        "(84)912345678",
        "0912_345_678",
        "(0255) 3864 123",
        "hoa@thudientu.vn",
    ],
)
def test_a_citizen_in_the_column_of_codes_is_no_code(cell: str) -> None:
    assert parse_case_codes(pa.array([cell]))[0].to_pylist() == [None]
    assert parse_procedure_codes(pa.array([cell])).to_pylist() == ["***"]


@pytest.mark.parametrize("cell", ["HS số 12 bà Đinh Thị Bịa", "15/2024 Trần Văn Bịa", "Trần Thị Bịa 1980"])
def test_a_citizen_s_name_with_a_number_is_no_code(cell: str) -> None:
    assert parse_case_codes(pa.array([cell]))[0].to_pylist() == [None]
    assert "Bịa" not in str(parse_procedure_codes(pa.array([cell])))


@pytest.mark.parametrize("signs", ["'{}", "‘{}’", "({})", "[{}]", "{}.", "{} ;", "*{}", "“{}”,", "- {}"])
def test_signs_around_a_code_make_no_other_dossier_of_it(signs: str) -> None:
    for code in ("000.22.58.H48-240215-0007", "H48.529-240215-0007"):
        codes, known = parse_code_cells(pa.array([signs.format(code), code]))
        assert (codes.to_pylist(), list(known)) == ([code, code], [True, True])


@pytest.mark.parametrize("cell", ["HSLT-77", "BN 240215001", "Biên nhận số 15", "H48-0912345678"])
def test_an_odd_code_stays_a_code(cell: str) -> None:
    assert parse_case_codes(pa.array([cell]))[0].to_pylist() == [cell.upper().replace(" ", "")]


@pytest.mark.parametrize(
    "behind",
    [
        " Đinh Thị Bịa",
        " - ĐINH VĂN BA",
        " (Đinh Thị Bịa, 0912 345 678)",
        " 0912345678",
        "; 051 204 001 234",
        " hoa@thudientu.vn",
        " (bổ sung lần 2)",
        "-0912345678",
        "/051204001234",
    ],
)
@pytest.mark.parametrize("code", ["000.22.58.H48-240215-0007", "H48.529-240215-0007", "h48.529 - 240215 - 0007", "H48.529–240215–0007"])
def test_words_and_numbers_behind_a_code_are_no_part_of_it(code: str, behind: str) -> None:
    codes, known = parse_code_cells(pa.array([code + behind]))
    assert codes.to_pylist() == [code.upper().replace(" ", "").replace("–", "-")]
    assert list(known) == [True]


@pytest.mark.parametrize("before", ["Đinh Thị Bịa - ", "ĐINH VĂN BA, ", "0912345678 ", "Mã hồ sơ: ", "(Đinh Thị Bịa) "])
@pytest.mark.parametrize("code", ["000.22.58.H48-240215-0007", "H48.529-240215-0007", "h48.529 - 240215 - 0007"])
def test_words_and_numbers_before_a_code_are_no_part_of_it(before: str, code: str) -> None:
    codes, known = parse_code_cells(pa.array([before + code, f"{before}{code} (Đinh Thị Bịa)"]))
    assert codes.to_pylist() == [code.upper().replace(" ", "")] * 2
    assert list(known) == [True, True]


@pytest.mark.parametrize(
    "cell",
    [
        "BS H48.529-240215-0007",
        "H48.529-240215-0007-1",
        "H48.529-240215-0007 A",
        "H48.529-240215-0007BS",
        "H48.529-240215-0007-BS",
        "H48.529-240215-0007 BS",
        "H48.529-240215-0007/2024",
    ],
)
def test_a_mark_behind_a_code_makes_it_another(cell: str) -> None:
    assert parse_case_codes(pa.array([cell]))[0].to_pylist() == [cell.replace(" ", "")]


def test_a_procedure_offered_at_both_levels_is_full() -> None:
    words = {"toàntrình": "full", "mộtphần": "partial"}
    values, bad = parse_levels(pa.array(["Toàn trình", "Một phần, toàn trình", "Mức độ 9"]), words)
    assert (values.to_pylist(), list(bad)) == (["full", "full", None], [False, False, True])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Số lượng: 12 Tỷ lệ: 34.5% Điểm số: 1.2", 12),
        ("SỐ LƯỢNG : 1.234; Tỷ lệ: 34,5 %; Điểm số: 1,2", 1234),
        ("Số lượng: 12Tỷ lệ: 34.5%", 12),
        ("Tỷ lệ: 34.5% Số lượng: 7", 7),
        ("Số lượng:0", 0),
        ("Số lượng: 12.0 Tỷ lệ: 1%", 12),
        ("1.234", 1234),
        ("12", 12),
    ],
)
def test_the_count_of_a_composite_cell(text: str, count: int) -> None:
    values, bad = parse_figures(pa.array([text]))
    assert (values.to_pylist(), list(bad)) == ([count], [False])


@pytest.mark.parametrize(
    "text",
    [
        "Tỷ lệ: 34.5%",
        "Số lượng: 12%",
        "Số lượng: 12,5",
        "Số lượng: 43.1",
        "Số lượng: 1.2345",
        "Số lượng: 1 Số lượng: 2",
        "34.5%",
        "-1",
        "#N/A",
    ],
)
def test_a_cell_without_a_count_is_not_understood(text: str) -> None:
    values, bad = parse_figures(pa.array([text]))
    assert (values.to_pylist(), list(bad)) == ([None], [True])


@given(
    st.integers(0, 99_999_999),
    st.decimals(0, 100, places=1),
    st.sampled_from([" ", "; ", "\n", ", ", ""]),
    st.sampled_from(["Số lượng: ", "số lượng:", "SỐ  LƯỢNG: ", "So\u0302\u0301 lu\u031bo\u031b\u0323ng: "]),
    st.booleans(),
)
def test_any_composite_cell_gives_its_count(count: int, share: Decimal, between: str, word: str, grouped: bool) -> None:
    written = f"{count:,}".replace(",", ".") if grouped else str(count)
    cell = f"{word}{written}{between}Tỷ lệ: {share}%{between}Điểm số: {share / 5}"
    values, bad = parse_figures(clean_column(pa.array([cell])).cast(pa.string()))
    assert (values.to_pylist(), list(bad)) == ([count], [False])


@given(st.text())
def test_no_figure_is_negative(text: str) -> None:
    values, bad = parse_figures(pa.array([text]))
    assert bad[0] == (values[0].as_py() is None)
    assert bad[0] or values[0].as_py() >= 0


@pytest.mark.parametrize(
    ("cell", "year"),
    [
        ("31/12/2024", 2024),
        ("2024-12-31 00:00:00", 2024),
        ("45657", 2024),  # the day as a spreadsheet counts
        ("cuối năm 2025", 2025),
        ("Quý I/2026 (tháng 3)", 2026),
        ("2024–2025", None),
        ("thường xuyên", None),
        (None, None),
    ],
)
def test_the_year_of_a_deadline(cell: str | None, year: int | None) -> None:
    assert parse_years(pa.array([cell], pa.string())).to_pylist() == [year]
