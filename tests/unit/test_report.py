import re
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from site_figures import make_figures

from flows.csv_files import write_csv
from flows.figures import Period, Restatement, Unit
from flows.mail.honesty import restated_vi
from flows.summaries import _comparison
from flows.summaries_honesty import tell_restated
from flows.warehouse_figures import read_units
from transforms.period_result import UnitResult
from transforms.report_text import _unit_row
from transforms.wording import hours_vi, moment_vi, names_in_time, percent_vi, period_vi, unbroken

CODE = "000.22.58.H48"


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "shown"),
    [
        (39, 40, None, "97,5 %"),
        (2, 3, None, "66,67 %"),
        (0, 5, None, "0 %"),
        (5, 5, 1.0, "100 %"),
        (99_999, 100_000, 1.0, "99,99 %"),  # never rounded up to 100 %
        (969_999, 1_000_000, 0.97, "96,99 %"),  # never rounded up to its target
        (969_999, 1_000_000, None, "96,99 %"),  # nor onto any whole percent: most targets are one, and not every place knows its target
        (9_749_999, 10_000_000, 0.975, "97,49 %"),
        (9_749_999, 10_000_000, None, "97,5 %"),
        (97, 100, 0.97, "97 %"),
        (0, 0, 0.97, ""),
    ],
)
def test_percent_as_an_office_writes_it(numerator: int, denominator: int, target: float | None, shown: str) -> None:
    assert percent_vi(numerator, denominator, target).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("text", "laid_out"),
    [
        ("đạt 66,67 %, chỉ tiêu 97 %", "đạt 66,67~%, chỉ tiêu 97~%"),
        ("quá 632,0 giờ làm việc, tăng 1,25 điểm phần trăm", "quá 632,0~giờ làm việc, tăng 1,25~điểm phần trăm"),
        ("thủ tục 1.000656 giờ", "thủ tục 1.000656~giờ"),
        ("3 hồ sơ, 12 giờn, dưới % và 5% là như cũ", "3 hồ sơ, 12 giờn, dưới % và 5% là như cũ"),
    ],
)
def test_a_number_and_its_unit_stay_on_one_line(text: str, laid_out: str) -> None:
    assert unbroken(text) == laid_out.replace("~", "\u00a0")


@given(st.integers(0, 5000), st.integers(1, 5000))
@example(491, 1292)
def test_percent_never_overstates_by_more_than_rounding(numerator: int, denominator: int) -> None:
    numerator = min(numerator, denominator)
    shown = float(percent_vi(numerator, denominator).removesuffix("\u00a0%").replace(",", "."))
    assert abs(shown - 100 * numerator / denominator) <= 0.01
    assert shown % 1 or shown * denominator <= 100 * numerator  # rounded down onto a whole percent (491 of 1292), never up


def test_units_of_one_name_are_told_apart_where_both_are_shown() -> None:
    """In 2027 the commune is called by its name alone; what is still listed of the one before the reform is not."""
    old, new = ("000.22.58.H48", date(2003, 1, 1)), ("000.22.58.H48", date(2025, 7, 1))
    apart = [f"UBND xã Sơn Hạ (mã 000.22.58.H48, từ ngày 01/{month})" for month in ("01/2003", "07/2025")]
    for old_is_current, expected in ((True, apart), (False, [apart[0], "UBND xã Sơn Hạ"])):
        rows = [(*old, "UBND xã Sơn Hạ", "commune", old_is_current), (*new, "UBND xã Sơn Hạ", "commune", True)]
        units = read_units(lambda sql, rows=rows: rows)  # type: ignore[misc]
        assert [units[old].called, units[new].called] == expected


def test_restated_rates_of_two_units_of_one_code_and_name_are_told_apart() -> None:
    """Sơn Hạ before the reform and since: the year 2025 has a rate of each."""
    starts, night, before = (date(2003, 1, 1), date(2025, 7, 1)), date(2026, 1, 6), date(2026, 1, 5)
    rates = [
        (
            night,
            "on_time",
            "year",
            date(2025, 1, 1),
            CODE,
            first,
            before,
            "UBND xã Sơn Hạ",
            "Đúng hạn",
            8,
            10,
            "missed",
            9,
            10,
            "missed",
            "changed",
            "",
            "",
            None,
        )
        for first in starts
    ]
    called = {("year", date(2025, 1, 1)): names_in_time((CODE, first, "UBND xã Sơn Hạ") for first in starts)}
    _, rows = tell_restated(lambda sql: rates if "ORDER BY r.restated_on" in sql else [], called)
    assert [row[3] for row in rows] == [f"UBND xã Sơn Hạ (từ ngày 01/{month})" for month in ("01/2003", "07/2025")]


def test_a_rate_just_below_its_target_reads_the_same_in_every_output() -> None:
    """97,496 % of a target of 97,5 % is 97,49 % in the scorecard; the lists beside it rounded it onto the target."""
    counts, target, start, first = (97_496, 100_000), 0.975, date(2025, 1, 1), date(2003, 1, 1)
    month, unit = Period("month", start, date(2025, 2, 1)), Unit(CODE, first, "UBND xã Sơn Hạ", "commune")
    key, called = ("month", start, CODE, first), {("month", start): {(CODE, first): "UBND xã Sơn Hạ"}}
    restated = (
        date(2025, 3, 2),
        "on_time",
        *key,
        date(2025, 3, 1),
        "UBND xã Sơn Hạ",
        "Đúng hạn",
        *counts,
        "missed",
        *counts,
        "missed",
        "changed",
        "",
        "",
    )
    _, [row] = tell_restated(lambda sql: [(*restated, target)] if "ORDER BY r.restated_on" in sql else [], called)
    told = [row[6], row[10]]
    _, [row] = _comparison(
        lambda sql: [("on_time", *key, target)] if "mart.unit_rates" in sql else [(*key, "commune", *counts * 3)], called
    )
    told.append(row[4])
    one = Restatement(
        date(2025, 3, 2), date(2025, 3, 1), "on_time", month, unit, (*counts, "missed"), (*counts, "missed"), "changed", "", target=target
    )
    told += re.findall(r"[\d,]+\u00a0%", restated_vi(make_figures("Sơn Hạ"), one))
    result = UnitResult("UBND xã Sơn Hạ", *counts, target, "missed", 4, (*counts, target))
    told += [_unit_row(1, result)[4], _unit_row(1, result)[8]]
    assert told == ["97,49\u00a0%"] * 7
    assert [row[7], row[10]] == ["97,5\u00a0%"] * 2, "the portal's and the form's have no target"


def test_words_for_hours_moments_and_periods() -> None:
    assert hours_vi(8.0001).replace("\u00a0", " ") == "8,1 giờ"
    assert hours_vi(8.0).replace("\u00a0", " ") == "8,0 giờ"
    assert moment_vi(datetime(2024, 1, 5, 7, 30)) == "07:30 ngày 05/01/2024"
    assert [period_vi(k, date(2024, 4, 1)) for k in ("month", "quarter", "year")] == ["Tháng 4/2024", "Quý II/2024", "Năm 2024"]


@pytest.mark.parametrize("payload", ["=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_becomes_a_formula(tmp_path: Path, payload: str) -> None:
    write_csv(tmp_path / "a.csv", ["Tên"], [[payload], [-5], [None], ["1.000010"]])
    data = (tmp_path / "a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    lines = data.decode("utf-8-sig").split("\r\n")
    assert lines[1].lstrip('"').startswith("'")
    assert lines[2] == "-5"
    assert lines[4] == "TTHC 1.000010"
