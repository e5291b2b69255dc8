"""What the history is asked about: one table a rule, one line a dossier, both sides of every boundary.

A line holds what nightly lists said of one dossier: each list is `day hour: due/finished/status` in the columns of the table. Lists are made at 23:00; the
district has ordinary dossiers beside, so that its lists are full ones.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from spec.audit_page import PAGE, render_page
from spec.staged import build_staged, staged_row
from spec.tables import moment, table_rows

from expectations import load_contracts
from transforms.audit import AuditError, parse_audit
from transforms.measures import load_measures

UNITS = """unit_code,name_vi,level,valid_from,valid_to,successor_code
000.22.58.H48,UBND xã Sơn Hạ,commune,2003-01-01,,
000.23.58.H48,UBND xã Sơn Thành,commune,2003-01-01,,
"""
MEASURES = [m.name for m in load_measures(list(load_contracts()["core.cases"].columns))]
TEXT = (Path(__file__).parents[2] / "transforms" / "audit.yml").read_text(encoding="utf-8")
BASE = {"unit": "UBND xã Sơn Hạ", "procedure_code": "1.001193", "service_level": "full", "channel": "counter"}

# Two lists of a dossier received on 04/03 at 08:00: `first` and `second` are export times, then due, finished and status before and after.
CHANGES = """
expected            | first       | second      | due         | finished    | status | due_after   | finished_after | status_after | why
                    | 07/03 23:00 | 08/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | gia hạn ba ngày trước hạn: việc thường
due_moved_near      | 10/03 23:00 | 11/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | lùi trong chính ngày hẹn
                    | 09/03 23:00 | 10/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | lùi từ hôm trước ngày hẹn
                    | 10/03 23:00 | 13/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | hai danh sách cách nhau quá hai ngày: không biết lùi lúc nào
due_moved_after     | 12/03 23:00 | 13/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | đã quá hạn hôm trước, rồi lùi
due_moved_after     | 12/03 00:00 | 12/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | danh sách lúc 0 giờ còn ghi hẹn cũ
due_moved_near      | 11/03 23:59 | 12/03 23:00 | 11/03 17:00 |             | 4      | 15/03 17:00 |                | 4            | danh sách cuối trong ngày hẹn: không rõ trước hay sau
due_moved_after     | 20/03 23:00 | 21/03 23:00 | 11/03 17:00 | 14/03 10:00 | 9      | 15/03 17:00 | 14/03 10:00    | 9            | xong trễ, rồi lùi hẹn cho thành đúng hạn
                    | 20/03 23:00 | 21/03 23:00 | 11/03 17:00 | 08/03 10:00 | 9      | 15/03 17:00 | 08/03 10:00    | 9            | đã xong đúng hạn: lùi cũng không được gì
                    | 12/03 23:00 | 13/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:30 |                | 4            | đổi giờ trong ngày
                    | 12/03 23:00 | 13/03 23:00 | 11/03 17:00 |             | 4      | 08/03 17:00 |                | 4            | hẹn sớm lên
                    | 05/03 23:00 | 06/03 23:00 | 01/03 17:00 |             | 4      | 11/03 17:00 |                | 4            | hẹn cũ trước cả ngày tiếp nhận: gõ nhầm
                    | 09/03 23:00 | 13/03 23:00 | 11/03 17:00 |             | 5      | 15/03 17:00 |                | 4            | chờ bổ sung giấy tờ từ trước hạn: hạn tính lại
finish_backdated    | 11/03 23:00 | 12/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 11/03 16:30    | 9            | ghi xong trong hạn, danh sách 23 giờ còn ghi chưa xong
                    | 07/03 23:00 | 08/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 07/03 16:30    | 9            | nhập bù hôm sau, còn trong hạn
finish_backdated    | 10/03 23:00 | 11/03 12:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 07/03 16:30    | 9            | ghi lùi hơn ba ngày
                    | 11/03 23:00 | 12/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 11/03 22:30    | 9            | chênh nửa giờ: đồng bộ chậm
                    | 11/03 23:00 | 13/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 12/03 16:30    | 9            | xong trễ và ghi đúng như thế
                    | 11/03 10:00 | 12/03 10:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 11/03 00:00    | 9            | ghi ngày không ghi giờ: có thể xong chiều hôm ấy, sau danh sách 10 giờ
finish_backdated    | 11/03 23:00 | 12/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 11/03 00:00    | 9            | ghi ngày không ghi giờ, nhưng hết giờ làm việc ngày ấy danh sách còn ghi chưa xong
reopened            | 07/03 23:00 | 08/03 23:00 | 11/03 17:00 | 07/03 10:00 | 9      | 11/03 17:00 |                | 4            | đã xong, đêm sau lại đang xử lý
                    | 07/03 11:00 | 07/03 23:00 | 11/03 17:00 | 07/03 10:00 | 9      | 11/03 17:00 |                | 4            | bấm nhầm, sửa trong ngày
status_backward     | 20/03 23:00 | 21/03 23:00 | 11/03 17:00 | 14/03 10:00 | 9      | 11/03 17:00 | 14/03 10:00    | 8            | xong trễ, rồi thành dừng: ra khỏi tỷ lệ
                    | 07/03 23:00 | 08/03 23:00 | 11/03 17:00 |             | 5      | 11/03 17:00 |                | 4            | bổ sung xong, xử lý tiếp
withdrawn_near_due  | 10/03 23:00 | 11/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 11/03 16:00    | 7            | rút trong chính ngày hẹn
                    | 09/03 23:00 | 10/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 10/03 16:00    | 7            | rút hôm trước ngày hẹn
withdrawn_near_due  | 13/03 23:00 | 14/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 14/03 16:00    | 8            | dừng ba ngày sau hạn
                    | 14/03 23:00 | 15/03 23:00 | 11/03 17:00 |             | 4      | 11/03 17:00 | 15/03 16:00    | 8            | dừng bốn ngày sau hạn
                    | 10/03 23:00 | 11/03 23:00 | 11/03 17:00 |             | 5      | 11/03 17:00 | 11/03 16:00    | 8            | người dân không bổ sung: dừng lúc nào cũng được
"""

# The same with a list between them, in which something else is otherwise: how long a dossier was finished, stood or waited does not begin anew with it.
CHANGES_BETWEEN = """
expected        | first       | between     | second      | due         | status | finished    | status_between | channel_between | due_after   | status_after | why
reopened        | 06/03 11:00 | 07/03 23:00 | 08/03 11:00 | 11/03 17:00 | 9      | 06/03 10:00 | 10             | counter         | 11/03 17:00 | 4            | xong từ hai hôm trước, vừa ghi trả kết quả, rồi mở lại
                | 07/03 11:00 | 07/03 17:00 | 07/03 23:00 | 11/03 17:00 | 9      | 07/03 10:00 | 10             | counter         | 11/03 17:00 | 4            | bấm nhầm, sửa trong ngày
status_backward | 06/03 11:00 | 07/03 23:00 | 08/03 11:00 | 11/03 17:00 | 4      |             | 4              | online          | 11/03 17:00 | 2            | đang xử lý từ hai hôm trước, chỉ kênh nộp được sửa
                | 06/03 11:00 | 07/03 23:00 | 08/03 11:00 | 11/03 17:00 | 2      |             | 4              | counter         | 11/03 17:00 | 2            | chọn nhầm, sửa hôm sau
                | 09/03 23:00 | 12/03 23:00 | 13/03 23:00 | 11/03 17:00 | 5      |             | 5              | online          | 15/03 17:00 | 4            | chờ bổ sung từ trước hạn, chỉ kênh nộp được sửa: hạn tính lại
due_moved_after | 09/03 23:00 | 12/03 23:00 | 13/03 23:00 | 11/03 17:00 | 4      |             | 5              | counter         | 15/03 17:00 | 4            | quá hạn rồi mới chờ bổ sung
"""


class Lists:
    """Lists of dossiers, and the rows in them."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []

    def show(self, exported: datetime, code: str, name: str = "", **cells: Any) -> None:
        """A list made at a moment shows a dossier so."""
        file_id = f"{exported:%m%d%H%M}{name}"
        self.files[file_id] = {"file_id": file_id, "kind": "cases", "exported_at": exported}
        self.rows.append(staged_row(len(self.rows) + 5, file_id=file_id, case_code=code, **(BASE | cells)))

    def build(self, folder: Path, as_of: datetime, units: str = UNITS) -> duckdb.DuckDBPyConnection:
        connection, checks = build_staged(folder, {"cases": self.rows}, as_of, units=units, files=list(self.files.values()))
        assert [c.name for c in checks if c.severity == "critical" and not c.is_passed] == []
        return connection


def found(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None]]:
    rows = connection.execute("SELECT rule, case_code FROM mart.audit ORDER BY case_code, rule").fetchall()
    connection.close()
    return rows


@pytest.mark.slow
def test_two_lists_of_a_dossier_and_what_is_asked(tmp_path: Path) -> None:
    lists, expected, received = Lists(), [], datetime(2024, 3, 4, 8)
    for number, row in enumerate(table_rows(CHANGES)):
        code = f"000.22.58.H48-240304-{number:04d}"
        whole = {"submitted_at": received, "received_at": received}
        before = {"due_at": moment(row["due"]), "finished_at": moment(row["finished"]), "status_code": int(row["status"])}
        after = {"due_at": moment(row["due_after"]), "finished_at": moment(row["finished_after"]), "status_code": int(row["status_after"])}
        for at, state in ((row["first"], before), (row["second"], after)):
            exported = moment(at)
            assert exported
            lists.show(exported, code, f"-{number}", **whole, **state)  # a list of its own, so that dossiers do not matter to each other
        if row["expected"]:
            expected.append((row["expected"], code))
    for number, row in enumerate(table_rows(CHANGES_BETWEEN), 100):
        code, finished = f"000.22.58.H48-240304-{number:04d}", moment(row["finished"])
        state = {"submitted_at": received, "received_at": received, "due_at": moment(row["due"]), "finished_at": finished}
        between = {"status_code": int(row["status_between"]), "channel": row["channel_between"]}
        after = between | {"status_code": int(row["status_after"]), "due_at": moment(row["due_after"]), "finished_at": None}
        for at, other in ((row["first"], {"status_code": int(row["status"])}), (row["between"], between), (row["second"], after)):
            exported = moment(at)
            assert exported
            lists.show(exported, code, f"-{number}", **(state | other))
        if row["expected"]:
            expected.append((row["expected"], code))
    assert found(lists.build(tmp_path, datetime(2024, 3, 25))) == expected


@pytest.mark.slow
def test_reception_before_a_list_that_shows_it_waiting(tmp_path: Path) -> None:
    lists, submitted = Lists(), datetime(2024, 3, 4, 8)
    for number, received in enumerate((datetime(2024, 3, 4, 21, 59), datetime(2024, 3, 4, 22, 1), datetime(2024, 3, 5, 8))):
        code = f"000.22.58.H48-240304-{number:04d}"
        lists.show(datetime(2024, 3, 4, 23), code, submitted_at=submitted, status_code=1, channel="online")
        lists.show(datetime(2024, 3, 5, 23), code, submitted_at=submitted, received_at=received, status_code=4, channel="online")
    assert found(lists.build(tmp_path, datetime(2024, 3, 6))) == [("reception_backdated", "000.22.58.H48-240304-0000")]


@pytest.mark.slow
def test_a_reception_without_a_time_may_be_of_the_end_of_its_day(tmp_path: Path) -> None:
    lists, submitted = Lists(), datetime(2024, 3, 4, 8)
    for number, listed_at in enumerate((10, 18, 19)):
        code = f"000.22.58.H48-240304-{number:04d}"
        lists.show(datetime(2024, 3, 4, listed_at), code, submitted_at=submitted, status_code=1, channel="online")
        lists.show(
            datetime(2024, 3, 5, 23), code, submitted_at=submitted, received_at=datetime(2024, 3, 4), status_code=4, channel="online"
        )
    assert found(lists.build(tmp_path, datetime(2024, 3, 6))) == [("reception_backdated", "000.22.58.H48-240304-0002")]


@pytest.mark.slow
def test_a_finish_before_the_reception_and_a_date_without_a_time(tmp_path: Path) -> None:
    lists, received = Lists(), datetime(2024, 3, 4, 8)
    for number, finished in enumerate((received - timedelta(minutes=1), received, datetime(2024, 3, 4), datetime(2024, 3, 3))):
        state = {
            "submitted_at": received,
            "received_at": received,
            "due_at": datetime(2024, 3, 8),
            "finished_at": finished,
            "status_code": 9,
        }
        lists.show(datetime(2024, 3, 6, 23), f"000.22.58.H48-240304-{number:04d}", **state)
        handed_out = {"status_code": 10, "returned_at": datetime(2024, 3, 7, 9)}
        lists.show(datetime(2024, 3, 7, 23), f"000.22.58.H48-240304-{number:04d}", **(state | handed_out))
    connection = lists.build(tmp_path, datetime(2024, 3, 8))
    told = connection.execute("SELECT finding_id, found_at, file_id FROM mart.audit ORDER BY case_code").fetchall()
    connection.close()
    first_told = (datetime(2024, 3, 6, 23), "03062300")  # what became of it afterwards makes no new question
    assert told == [
        (f"finished_before_received:000.22.58.H48-240304-{number}:2024-03-06 23:00", *first_told) for number in ("0000", "0003")
    ]


@pytest.mark.slow
def test_the_words_are_a_question_with_both_states_and_the_effect_on_the_rate(tmp_path: Path) -> None:
    lists, received = Lists(), datetime(2024, 3, 4, 8)
    whole = {"submitted_at": received, "received_at": received}
    for number in range(4):
        done = {"due_at": datetime(2024, 3, 11, 17), "finished_at": datetime(2024, 3, 12 if number == 0 else 8, 9), "status_code": 9}
        lists.show(datetime(2024, 3, 20, 23), f"000.22.58.H48-240304-{number:04d}", **whole, **done)
    code = "000.22.58.H48-240304-0009"
    lists.show(datetime(2024, 3, 12, 23), code, **whole, due_at=datetime(2024, 3, 11, 17), status_code=4)
    lists.show(
        datetime(2024, 3, 20, 23), code, **whole, due_at=datetime(2024, 3, 15, 17), finished_at=datetime(2024, 3, 14, 9), status_code=9
    )
    connection = lists.build(tmp_path, datetime(2024, 3, 21))
    question, before, after, effect, first, second = connection.execute(
        "SELECT question_vi, before_vi, after_vi, effect_vi, before_file_id, file_id FROM mart.audit WHERE rule = 'due_moved_after'"
    ).fetchall()[0]
    counts = connection.execute(
        "SELECT findings, cases, numerator, denominator, numerator_without, denominator_without FROM mart.audit_units WHERE rule = 'due_moved_after'"
    ).fetchall()
    connection.close()
    assert question.startswith("Đề nghị UBND xã Sơn Hạ giải trình: hồ sơ 000.22.58.H48-240304-0009 ")
    assert question.endswith("Thấy từ lần xuất 23:00 ngày 20/03/2024.")
    assert before == "hẹn trả 11/03/2024 17:00; trạng thái Đang xử lý"
    assert after == "hẹn trả 15/03/2024 17:00; trạng thái Đã xử lý xong"
    assert (first, second) == ("03122300", "03202300")
    assert counts == [(1, 1, 4, 5, 3, 4)]
    assert effect == "Hồ sơ giải quyết trước hạn, đúng hạn: 80 % (4 trên 5) → 75 % (3 trên 4) nếu không tính các hồ sơ này"


def ordinary(lists: Lists, exported: datetime, first: date, last: date, keep: Any = lambda code, is_open: True) -> None:
    """A list of two dossiers a day of a unit, each finished after three days."""
    day = first
    while day <= min(last, exported.date()):
        for number in range(2):
            received = datetime(day.year, day.month, day.day, 8 + number, 7)
            ended = received + timedelta(days=3, minutes=day.day)
            is_open = ended > exported
            code = f"000.22.58.H48-{day:%y%m%d}-{number:04d}"
            if keep(code, is_open):
                state = {"finished_at": None, "status_code": 4} if is_open else {"finished_at": ended, "status_code": 9}
                lists.show(exported, code, submitted_at=received, received_at=received, due_at=received + timedelta(days=9), **state)
        day += timedelta(days=1)


NIGHTS = [datetime(2024, 3, 20, 23) + timedelta(days=n) for n in range(8)]
GONE = "000.22.58.H48-240310-0001"


def vanishing(style: str) -> Lists:
    lists = Lists()
    for night in NIGHTS:
        first, last, keep = date(2024, 3, 1), night.date(), lambda code, is_open: True
        if (
            (style == "gone" and night >= NIGHTS[3])
            or (style == "missed once" and night == NIGHTS[3])
            or (style == "missed in the last" and night == NIGHTS[-1])
        ):
            keep = lambda code, is_open: code != GONE  # noqa: E731
        elif style == "open ones only" and night >= NIGHTS[3]:
            keep = lambda code, is_open: is_open  # noqa: E731
        elif style == "half of the procedures" and night >= NIGHTS[3]:
            keep = lambda code, is_open: code.endswith("0")  # noqa: E731
        elif style == "last two weeks":
            first = last - timedelta(days=14)
        elif style == "a new month" and night >= NIGHTS[3]:
            first = date(2024, 3, 15)
        elif style == "window and what is open" and night >= NIGHTS[3]:
            keep = lambda code, is_open: is_open or code > "000.22.58.H48-240315"  # noqa: E731
        ordinary(lists, night, first, last, keep)
    return lists


@pytest.mark.slow
@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("gone", [("vanished", GONE)]),
        ("missed once", []),
        ("missed in the last", []),
        ("open ones only", []),
        ("half of the procedures", []),
        ("last two weeks", []),
        ("a new month", []),
        ("window and what is open", []),
    ],
)
def test_only_a_dossier_that_full_lists_lost_has_vanished(tmp_path: Path, style: str, expected: list[tuple[str, str]]) -> None:
    connection = vanishing(style).build(tmp_path, NIGHTS[-1] + timedelta(hours=1))
    assert found(connection) == expected


def two_units(times: int, units: str, other: str = "UBND xã Sơn Thành") -> Lists:
    lists, received = Lists(), datetime(2024, 3, 4, 8)
    for night in NIGHTS[:3]:
        lists.show(night, "000.22.58.H48-240304-0001", submitted_at=received, received_at=received, status_code=4)
        if night < NIGHTS[times]:
            lists.show(night, "000.22.58.H48-240304-0001", unit=other, submitted_at=received, received_at=received, status_code=4)
    return lists


@pytest.mark.slow
@pytest.mark.parametrize(("times", "expected"), [(1, 0), (2, 1)])
def test_one_code_in_two_units_twice(tmp_path: Path, times: int, expected: int) -> None:
    assert len(found(two_units(times, UNITS).build(tmp_path, datetime(2024, 3, 25)))) == expected


@pytest.mark.slow
def test_the_rows_under_two_units_are_those_of_the_list_that_first_showed_both(tmp_path: Path) -> None:
    connection = two_units(2, UNITS).build(tmp_path, datetime(2024, 3, 25))
    told = connection.execute("SELECT found_at, before_file_id, file_id FROM mart.audit").fetchall()
    connection.close()
    assert told == [(NIGHTS[0], f"{NIGHTS[0]:%m%d%H%M}", f"{NIGHTS[0]:%m%d%H%M}")]


@pytest.mark.slow
@pytest.mark.parametrize(("minute", "expected"), [(0, 1), (1, 0)])
def test_one_content_under_two_codes(tmp_path: Path, minute: int, expected: int) -> None:
    lists, received = Lists(), datetime(2024, 3, 4, 8)
    for code, unit, later in (
        ("000.22.58.H48-240304-0001", "UBND xã Sơn Hạ", 0),
        ("000.23.58.H48-240304-0001", "UBND xã Sơn Thành", minute),
    ):
        state = {"submitted_at": received, "received_at": received, "due_at": datetime(2024, 3, 11, 17), "status_code": 10}
        ended = datetime(2024, 3, 6, 9, 13 + later)
        state |= {"finished_at": ended, "returned_at": datetime(2024, 3, 7, 10, 2)}
        lists.show(NIGHTS[0], code, unit=unit, **(state | {"status_code": 9}))
        lists.show(NIGHTS[1], code, unit=unit, **state)
    connection = lists.build(tmp_path, datetime(2024, 3, 25))
    told = connection.execute("SELECT found_at, file_id FROM mart.audit").fetchall()
    connection.close()
    assert told == [(NIGHTS[0], f"{NIGHTS[0]:%m%d%H%M}")] * expected


def finished_at(ends: Sequence[datetime], listed: datetime = datetime(2024, 4, 5, 23)) -> Lists:
    lists = Lists()
    for number, ended in enumerate(ends):
        received = ended - timedelta(days=2)
        state = {"due_at": ended + timedelta(days=2), "finished_at": ended, "status_code": 9}
        lists.show(listed, f"000.22.58.H48-240301-{number:04d}", submitted_at=received, received_at=received, **state)
    return lists


USUAL = [datetime(2024, 3, day, hour, 11 * hour % 60) for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15) for hour in (8, 9, 10, 14, 15)]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([*USUAL, *(datetime(2024, 3, 20, 10, 1, n) for n in range(12))], [("burst", None)]),
        ([*USUAL, *(datetime(2024, 3, 20, 10, 1, n) for n in range(9))], []),
        ([datetime(2024, 3, day, 10, 1, n) for day in (4, 6, 11, 13, 20) for n in range(12)], []),
        ([*USUAL, *(datetime(2024, 3, 29, 16, 5 * n) for n in range(12))], [("month_end", None)]),
        ([*USUAL, *(datetime(2024, 3, 29, 16, 5 * n) for n in range(7))], []),
        ([*USUAL, *(datetime(2024, 3, 28, 16, 5 * n) for n in range(12))], []),
    ],
    ids=["burst", "fewer than ten", "the unit's habit", "month's last hour", "fewer than eight", "a day before"],
)
@pytest.mark.slow
def test_many_endings_at_once_against_the_unit_s_own_habit(
    tmp_path: Path, ends: Sequence[datetime], expected: list[tuple[str, str | None]]
) -> None:
    assert found(finished_at(ends).build(tmp_path, datetime(2024, 4, 6))) == expected


@pytest.mark.slow
def test_the_last_day_of_a_year_is_asked_about_in_the_next_which_takes_no_question_away(tmp_path: Path) -> None:
    """The nightly list of 31/12 is read in the first night of the year; the year before last had its own habit, endings in the last hour, which says nothing of this one."""
    before = [datetime(2023, 11, day, 16, 3 * n) for day in (1, 2, 3, 6, 7, 8, 9, 10) for n in range(16)]
    december = [end.replace(month=12, day=end.day + 1) for end in USUAL]
    last_day = [*(datetime(2024, 12, 31, 16, 5 * n) for n in range(12)), *(datetime(2024, 12, 31, 10, 1, n) for n in range(12))]
    lists = finished_at([*before, *december, *last_day], datetime(2024, 12, 31, 23))
    for number, as_of in enumerate((datetime(2025, 1, 1, 0, 30), datetime(2026, 2, 1, 0, 30))):
        if number:  # a finished dossier is handed out: no new question
            handed_out = {"status_code": 10, "returned_at": datetime(2025, 1, 2, 9)}
            for row in lists.rows[-len(last_day) :]:
                known = ("submitted_at", "received_at", "due_at", "finished_at")
                lists.show(datetime(2025, 1, 2, 23), row["case_code"], **{name: row[name] for name in known}, **handed_out)
        connection = lists.build(tmp_path / str(number), as_of)
        found_at = connection.execute("SELECT rule, cases, found_at FROM mart.audit ORDER BY rule").fetchall()
        connection.close()
        assert found_at == [("burst", 12, datetime(2024, 12, 31, 23)), ("month_end", 12, datetime(2024, 12, 31, 23))]


@pytest.mark.slow
@pytest.mark.parametrize(("exact", "expected"), [(8, [("limit_exact", None)]), (4, [])])
def test_receptions_stamped_at_the_limit(tmp_path: Path, exact: int, expected: list[tuple[str, str | None]]) -> None:
    """A day has eight working hours: what was submitted on Monday at 08:10 and received on Tuesday at 08:10 waited exactly eight. The next year still asks."""
    lists = Lists()
    for number in range(100, 112):  # of Sunday night, taken in after hours on Monday evening: eight hours too, and nobody chose them
        evening = datetime(2024, 3, 4, 19, number - 100)
        state = {"submitted_at": evening - timedelta(days=1), "received_at": evening, "channel": "online", "status_code": 4}
        lists.show(NIGHTS[0], f"000.23.58.H48-240304-{number:04d}", unit="UBND xã Sơn Thành", **state)
    for number in range(24):
        submitted = datetime(2024, 3, 4, 8, 10) + timedelta(seconds=number)
        received = submitted + timedelta(days=1) - timedelta(minutes=0 if number < exact else 2 + number)
        state = {"submitted_at": submitted, "received_at": received, "channel": "online", "status_code": 4}
        lists.show(NIGHTS[0], f"000.22.58.H48-240304-{number:04d}", **state)
    assert found(lists.build(tmp_path, datetime(2025, 1, 1, 0, 30))) == expected


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("severity: ask\n", "severity: guilty\n", "severity"),
        ("measure: on_time", "measure: nothing", "measure"),
        ("Đề nghị {unit} giải trình: hồ sơ", "{unit} đã gian lận: hồ sơ", "Đề nghị"),
        ("{found}.", "{officer}.", "chỉ có các chỗ"),
        ("hours: {value: 24", "hours: {value: 0", "số nguyên lớn hơn 0"),
        ("seen_share: {value: 0.9", "seen_share: {value: 1.1", "tỷ lệ"),
        ("least_lists:", "lists:", "least_lists"),
        ("reopened:", "opened_again:", "reopened"),
        ("  10: {rank", "  11: {rank", "mười trạng thái"),
    ],
)
def test_a_wrong_declaration_is_refused(before: str, after: str, says: str) -> None:
    assert parse_audit(TEXT, MEASURES).rules.num_rows == 14
    with pytest.raises(AuditError, match=says):
        parse_audit(TEXT.replace(before, after, 1), MEASURES)


def test_the_page_of_the_rules_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page(), "docs/audit.md is stale: run `make docs`"
