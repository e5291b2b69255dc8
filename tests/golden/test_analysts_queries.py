"""The queries of docs/sql.md answer what their titles ask, on nights made for it by hand."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bench.analysts import load_queries
from conftest import HEADINGS, case_row, write_reference, write_workbook

from flows.night import run_night
from flows.querying import open_warehouse
from flows.settings import Settings, make_settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]

# One name and one code before and after the reform, as 000.22.58.H48 really is.
REFORMED = """unit_code,name_vi,level,valid_from,valid_to,successor_code
000.22.58.H48,UBND xã Sơn Hạ,commune,2003-01-01,2025-06-30,000.22.58.H48
000.22.58.H48,UBND xã Sơn Hạ,commune,2025-07-01,,
"""
FEES = "Mã hồ sơ|Mã TTHC|Đơn vị|Loại|Số tiền (đồng)|Hình thức thu|Hình thức thanh toán|Trạng thái thanh toán|Thời điểm thanh toán".split(
    "|"
)


def answer(settings: Settings, number: int) -> list[dict[str, Any]]:
    query = load_queries()[number - 1]
    assert query.title.startswith(f"{number}. ")
    with open_warehouse(settings.warehouse) as connection:
        return [dict(zip(query.columns, row, strict=True)) for row in connection.execute(query.sql).fetchall()]


def test_units_of_one_code_and_name_are_two_units(tmp_path: Path) -> None:
    """The first was submitted before the reform and received after it: the new unit let it wait."""
    raw, waiting = tmp_path / "raw", {"Trạng thái": "Đang xử lý", "Ngày kết thúc xử lý": None, "Ngày trả kết quả": None}
    rows = [
        case_row("000.22.58.H48-250630-0001", **{"Ngày nộp hồ sơ": "30/06/2025 08:00", "Ngày tiếp nhận": "03/07/2025 08:00", "Ngày hẹn trả": "10/07/2025"} | waiting),
        case_row("000.22.58.H48-250602-0002", **{"Ngày nộp hồ sơ": "02/06/2025 08:00", "Ngày tiếp nhận": "04/06/2025 08:00", "Ngày hẹn trả": "10/06/2025"} | waiting),
    ]  # fmt: skip
    write_workbook(raw / "a.xlsx", [HEADINGS, *rows], titles=("Thời điểm xuất: 15/07/2025 18:00",))
    reference = write_reference(tmp_path / "reference", REFORMED)
    settings = make_settings(raw, reference, tmp_path / "w.duckdb", tmp_path / "outbox", datetime(2025, 7, 15, 23))
    assert run_night(settings).is_published
    assert [(row["unit_code"], row["problem"], row["cases"]) for row in answer(settings, 4)] == [("000.22.58.H48", "overdue", 1)] * 2
    assert [(row["unit_name"], row["late_cases"], row["longest_hours"]) for row in answer(settings, 5)] == [
        ("UBND xã Sơn Hạ", 1, 16.0),
        ("UBND xã Sơn Hạ", 1, 24.0),
    ]


def test_only_what_was_paid_is_money_collected(office: Settings) -> None:
    def fee(state: str, method: str | None, paid_at: str | None) -> list[object]:
        return ["000.22.58.H48-240215-0007", "1.001193", "UBND xã Sơn Hạ", "Phí", "10000", "Thu trước", method, state, paid_at]

    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    write_workbook(
        office.raw / "b.xlsx",
        [
            FEES,
            fee("Đã thanh toán", "Trực tuyến", "16/02/2024 08:00"),
            fee("Đã thanh toán", "Tiền mặt", None),
            fee("Chờ thanh toán", "Trực tuyến", "16/02/2024 09:00"),
            fee("Hoàn phí", "Trực tuyến", "16/02/2024 10:00"),
        ],
    )
    assert run_night(office).is_published
    assert [(row["month"], row["lines"], row["amount"], row["amount_online"]) for row in answer(office, 11)] == [
        (datetime(2024, 2, 1), 1, 10000, 10000),
        (None, 1, 10000, 0),
    ]


@pytest.mark.parametrize(
    ("seen_on", "due", "moved", "finished", "later", "overdue"),
    [
        (("14/02", "16/02"), "20/02/2024", "27/02/2024", None, 1, 0),
        (("14/02", "20/02"), "20/02/2024", "27/02/2024", None, 1, 0),  # on the day itself, whose date bears no time
        (("14/02", "20/03"), "20/02/2024", "27/02/2024", None, 1, 0),  # nobody saw it overdue: it may have been moved in time
        (("21/02", "22/02"), "20/02/2024", "27/02/2024", None, 1, 1),
        (("21/02", "22/02"), "20/02/2024", "27/02/2024", "19/02/2024 10:00", 1, 0),  # it had ended in time
        (("21/02", "22/02"), "20/02/2024", "20/02/2024 17:00", None, 0, 0),
    ],
)
def test_a_due_date_is_moved_when_overdue_where_a_list_showed_it_overdue(
    office: Settings, seen_on: tuple[str, str], due: str, moved: str, finished: str | None, later: int, overdue: int
) -> None:
    for day, due_at in zip(seen_on, (due, moved), strict=True):
        row = case_row(
            **{
                "Ngày tiếp nhận": "12/02/2024 09:00",
                "Ngày nộp hồ sơ": "12/02/2024 08:00",
                "Ngày hẹn trả": due_at,
                "Ngày kết thúc xử lý": finished,
            }
            | {"Ngày trả kết quả": None, "Trạng thái": "Đã xử lý xong" if finished else "Đang xử lý"}
        )
        write_workbook(office.raw / f"{day[:2]}{day[3:]}.xlsx", [HEADINGS, row], titles=(f"Thời điểm xuất: {day}/2024 20:00",))
    assert run_night(office).is_published
    [row] = answer(office, 12)
    assert (row["changes"], row["moved_later"], row["moved_when_overdue"]) == (1, later, overdue)
