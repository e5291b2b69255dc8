from dataclasses import replace
from datetime import date, datetime

import pytest

from transforms.period_result import MeasureResult, PeriodResult, UnitResult
from transforms.report_text import Heading, Paragraph, Table, title_vi, write_text
from transforms.wording import counted_vi, distinct_names, listed_vi, period_vi, points_vi

NOTHING = dict.fromkeys(("total", "online", "direct", "carried", "done", "early", "on_day", "late", "open", "open_in", "open_over"), 0)
MET = UnitResult("UBND xã Sơn Hạ", 98, 100, 0.97, "met", 0)
MISSED = UnitResult(
    "UBND xã Sơn Ba",
    8,
    10,
    0.97,
    "missed",
    2,
    (9, 10, 0.97),
    {"finished_late": 1, "open_overdue": 1},
    [("1.001193", "Đăng ký khai sinh", 2)],
)
SILENT = UnitResult("UBND xã Sơn Kỳ", 0, 0, 0.97, "no_data", 0)


def result(*units: UnitResult, **changes: object) -> PeriodResult:
    """June 2024 with one measure and these units."""
    total = sum(u.numerator for u in units), sum(u.denominator for u in units)
    measure = MeasureResult("on_time", "Hồ sơ đúng hạn", "3.4.2", False, total, (90, 100), list(units))
    made = PeriodResult(
        "month",
        date(2024, 6, 1),
        date(2024, 7, 1),
        datetime(2024, 6, 30, 23),
        date(2024, 5, 1),
        [measure],
        NOTHING,
        {},
        0.0,
        [],
        "các đơn vị thuộc UBND huyện Sơn Hà",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def text(made: PeriodResult) -> str:
    return "\n".join(block.text for block in write_text(made) if isinstance(block, Paragraph | Heading)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "không có đơn vị nào"), (1, "1 đơn vị"), (12, "12 đơn vị"), (12_345, "12.345 đơn vị"), (1_234_567, "1.234.567 đơn vị")],
)
def test_counts_as_an_office_says_them(count: int, said: str) -> None:
    assert counted_vi(count, "đơn vị") == said


@pytest.mark.parametrize(
    ("names", "limit", "said"),
    [
        ([], 0, ""),
        (["A"], 0, "A"),
        (["A", "B"], 0, "A và B"),
        (["A", "B", "C"], 0, "A; B và C"),
        (["A", "B", "C"], 2, "A; B và C"),  # never "và 1 đơn vị khác" where the name is as short
        (["A", "B", "C", "D"], 2, "A; B và 2 đơn vị khác"),
    ],
)
def test_lists_of_names(names: list[str], limit: int, said: str) -> None:
    assert listed_vi(names, limit) == said


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ((9, 10), (8, 10), "tăng 10 điểm phần trăm"),
        ((8, 10), (9, 10), "giảm 10 điểm phần trăm"),
        ((1, 2), (50, 100), "không thay đổi"),
        ((2, 3), (1, 3), "tăng 33,33 điểm phần trăm"),
        ((100_001, 200_000), (1, 2), "tăng dưới 0,01 điểm phần trăm"),
        ((0, 0), (1, 2), ""),
        ((1, 2), (0, 0), ""),
    ],
)
def test_change_between_periods(now: tuple[int, int], before: tuple[int, int], said: str) -> None:
    assert points_vi(now, before) == said


def test_half_years_have_a_name() -> None:
    assert [period_vi("half", date(2024, m, 1)) for m in (1, 7)] == ["6 tháng đầu năm 2024", "6 tháng cuối năm 2024"]


def test_one_unit_misses_and_why() -> None:
    said = text(result(MET, MISSED, SILENT))
    assert "3 đơn vị có chỉ tiêu: 1 đơn vị đạt, 1 đơn vị không đạt, 1 đơn vị không phát sinh" in said
    assert "Không đạt: UBND xã Sơn Ba: 80 % (8/10)." in said
    assert "96,36 % (106/110 hồ sơ), tăng 6,36 điểm phần trăm so với tháng 5/2024 (90 % (90/100 hồ sơ))" in said
    assert "1 đơn vị không đạt, cộng lại còn thiếu 2 hồ sơ để đạt chỉ tiêu" in said
    assert "1 hồ sơ giải quyết xong sau hạn và 1 hồ sơ đã quá hạn chưa giải quyết xong" in said
    assert "Đăng ký khai sinh (1.001193, 2 hồ sơ)" in said
    assert "UBND xã Sơn Ba: giải quyết dứt điểm 1 hồ sơ đã quá hạn chưa giải quyết xong" in said
    assert "trước ngày 07/07/2024" in said
    assert "1 đơn vị đạt mọi chỉ tiêu có phát sinh: UBND xã Sơn Hạ (1 chỉ tiêu)" in said


def test_every_unit_meets_its_target() -> None:
    said = text(result(MET))
    assert "1 đơn vị đạt, không có đơn vị nào không đạt" in said
    assert "Mọi đơn vị có phát sinh đều đạt chỉ tiêu" in said
    assert "Trong kỳ không có đơn vị nào không đạt chỉ tiêu được giao." in said
    assert "tiếp tục duy trì kết quả" in said
    assert "không có hồ sơ nào chờ tiếp nhận quá 8 giờ" in said


def test_nothing_happened_is_neither_good_nor_bad() -> None:
    said = text(result(SILENT, measures=result(SILENT).measures))
    assert "Trong kỳ không phát sinh hồ sơ nào. 1 đơn vị có chỉ tiêu: đều không phát sinh." in said
    assert "Trong kỳ không có hồ sơ nào phải giải quyết." in said
    assert "không có đơn vị nào đạt mọi chỉ tiêu" in said
    assert "Mọi đơn vị có phát sinh đều đạt" not in said
    assert "100 %" not in said


BEHIND = NOTHING | {"total": 90, "open": 60, "open_over": 49}


def test_what_is_overdue_by_the_form_is_to_be_done_also_beside_other_proposals() -> None:
    """Dossiers of earlier periods, or that wait for papers, are behind no rate of the period; those of units without a target neither."""
    missed = replace(MISSED, misses={"finished_late": 2})
    said = text(result(MET, missed, bieu06=BEHIND, waits={"UBND huyện": (1, 1)}))
    assert "Đề nghị các đơn vị giải quyết dứt điểm 49 hồ sơ đang quá hạn và tiếp nhận ngay 1 hồ sơ trực tuyến" in said
    assert "báo cáo kết quả khắc phục trước ngày 07/07/2024" in said
    beside = text(result(MET, MISSED, bieu06=BEHIND))
    assert "Sơn Ba: giải quyết dứt điểm 1 hồ sơ" in beside and "Đề nghị các đơn vị giải quyết dứt điểm 48 hồ sơ khác đang quá hạn" in beside
    assert "đang quá hạn trước" not in text(result(MET, MISSED, bieu06=BEHIND | {"open_over": 1})), "the unit is named already"


def test_who_waits_at_units_without_a_target_is_asked_for_beside_the_units_named() -> None:
    waiting = replace(MISSED, misses={"waiting": 2})
    said = text(result(MET, waiting, waits={"UBND xã Sơn Ba": (2, 2), "UBND huyện": (9, 7)}))
    assert "Đề nghị các đơn vị tiếp nhận ngay 7 hồ sơ trực tuyến khác đang chờ quá 8 giờ làm việc trước" in said
    assert "trực tuyến khác" not in text(result(MET, waiting, waits={"UBND xã Sơn Ba": (2, 2)}))


def test_a_unit_that_has_ended_is_told_of_but_asked_for_nothing() -> None:
    """Its successor goes on with its dossiers; nobody is left to do better."""
    ended = replace(MISSED, has_ended=True, successor="UBND xã Sơn Kỳ")
    said = text(result(MET, ended))
    assert "+ UBND xã Sơn Ba: đạt 80 % (8/10 hồ sơ)" in said
    assert "+ UBND xã Sơn Kỳ, hồ sơ do UBND xã Sơn Ba để lại: giải quyết dứt điểm 1 hồ sơ" in said
    assert "đề nghị UBND xã Sơn Ba" not in said
    assert "+ UBND xã Sơn Ba (không còn hoạt động): giải quyết" in text(result(MET, replace(ended, successor=None)))
    done = replace(ended, misses={"finished_late": 2})
    assert "Không có kiến nghị: các đơn vị không đạt chỉ tiêu không còn hoạt động." in text(result(MET, done))


def test_what_was_overdue_at_the_end_of_a_period_long_over_may_be_done_by_now() -> None:
    later = result(bieu06=BEHIND | {"late": 7}, as_of=datetime(2024, 9, 30, 23))
    said = text(later)
    assert "Đến hết ngày 30/06/2024 đang giải quyết 60 hồ sơ, trong đó 49 hồ sơ quá hạn" in said
    assert "49 hồ sơ đang giải quyết quá hạn (đếm theo Biểu số 06, đến hết ngày 30/06/2024)" in said
    assert "giải quyết dứt điểm những hồ sơ còn lại trong 49 hồ sơ quá hạn đến hết ngày 30/06/2024 trước ngày 07/10/2024" in said
    beside = text(result(MISSED, bieu06=BEHIND, as_of=datetime(2024, 9, 30, 23)))
    assert "những hồ sơ còn lại trong 49 hồ sơ quá hạn đến hết ngày 30/06/2024, kể cả số nêu trên, trước ngày 07/10/2024" in beside
    assert "đang quá hạn" not in said


def test_no_target_was_given() -> None:
    """Nobody is praised or blamed by targets that do not exist; what is overdue is still to be done."""
    said = text(result(measures=[]))
    assert "không có tiêu chí nào được giao chỉ tiêu" in said
    assert "Trong kỳ không có chỉ tiêu nào được giao nên không xét đơn vị đạt, không đạt." in said
    assert "không có đơn vị nào" not in said and "duy trì kết quả" not in said
    behind = text(
        result(measures=[], bieu06=NOTHING | {"total": 90, "late": 7, "open": 60, "open_over": 49}, waits={"UBND xã Sơn Ba": (3, 2)})
    )
    assert "Trong kỳ có 7 hồ sơ giải quyết quá hạn, 49 hồ sơ đang giải quyết quá hạn (đếm theo Biểu số 06)." in behind
    assert (
        "giải quyết dứt điểm 49 hồ sơ đang quá hạn và tiếp nhận ngay 2 hồ sơ trực tuyến đang chờ quá 8 giờ làm việc trước ngày 07/07/2024."
        in behind
    )


def test_units_that_reach_their_targets_are_still_asked_for_what_is_overdue() -> None:
    said = text(result(MET, bieu06=NOTHING | {"total": 100, "open": 4, "open_over": 1}))
    assert "giải quyết dứt điểm 1 hồ sơ đang quá hạn trước ngày 07/07/2024." in said and "duy trì kết quả" not in said


def test_many_units_are_named_up_to_a_limit_but_all_stand_in_the_table() -> None:
    units = [replace(MISSED, unit_name=f"UBND xã Số {n:02d}") for n in range(30)]
    blocks = write_text(result(*units))
    assert "và 22 đơn vị khác" in text(result(*units))
    tables = [block for block in blocks if isinstance(block, Table)]
    assert [row[1] for row in tables[-1].rows] == [unit.unit_name for unit in units]
    assert tables[-1].rows[0][2:8] == ("8", "10", "80\u00a0%", "97\u00a0%", "Không đạt", "2")


@pytest.mark.parametrize(
    ("as_of", "over"),
    [
        (datetime(2024, 6, 15, 23), False),
        (datetime(2024, 6, 30, 23), True),
        (datetime(2024, 6, 30, 10), False),
        (datetime(2024, 9, 1), True),
    ],
)
def test_a_period_that_is_not_over_says_so(as_of: datetime, over: bool) -> None:
    made = result(MET, as_of=as_of)
    assert ("tính đến ngày" in title_vi(made)) is not over
    assert (f"tính đến ngày {as_of:%d/%m/%Y}" in text(made)) is not over


def test_waiting_dossiers_and_the_age_of_data_are_told() -> None:
    made = result(
        replace(MET, is_stale=True),
        waits={"UBND xã Sơn Hạ": (3, 1), "UBND xã Sơn Ba": (5, 0)},
        longest_wait=20.5,
        concerns=["Có 1 tệp hỏng."],
    )
    said = text(made)
    assert "8 hồ sơ chờ tiếp nhận quá 8 giờ làm việc; lâu nhất 20,5 giờ" in said
    assert "còn 1 hồ sơ đang chờ" in said
    assert "Nhiều nhất: UBND xã Sơn Ba (5 hồ sơ) và UBND xã Sơn Hạ (3 hồ sơ)." in said
    assert "Số liệu của 1 đơn vị đã cũ" in said
    assert "Có 1 tệp hỏng." in said


def test_old_data_never_make_a_unit_good() -> None:
    """Lists that were exported before the period was over may lack its late dossiers: nothing is concluded from them, and nobody praised."""
    old = replace(MET, is_stale=True)
    said = text(result(old))
    assert "1 đơn vị đạt (1 đơn vị theo số liệu cũ, chưa kết luận được), không có đơn vị nào không đạt" in said
    assert "Mọi đơn vị có phát sinh đều đạt chỉ tiêu" not in said
    assert "Trong kỳ không có đơn vị nào đạt mọi chỉ tiêu có phát sinh. Chưa kết luận được về UBND xã Sơn Hạ vì số liệu đã cũ." in said
    fresh = replace(MET, unit_name="UBND xã Sơn Kỳ")
    assert "1 đơn vị đạt mọi chỉ tiêu có phát sinh: UBND xã Sơn Kỳ (1 chỉ tiêu). Chưa kết luận được về UBND xã Sơn Hạ vì" in text(
        result(old, fresh)
    )


def test_two_units_of_one_name_are_never_one_unit() -> None:
    old, new = date(2003, 1, 1), date(2025, 7, 1)
    called = distinct_names(
        [
            ("1", old, "UBND xã A"),
            ("2", new, "UBND xã A"),
            ("3", old, "UBND xã B"),
            ("4", old, "C"),
            ("4", new, "C"),
            ("1", old, "UBND xã A"),
        ]
    )
    assert called == {
        ("1", old): "UBND xã A (mã 1)",
        ("2", new): "UBND xã A (mã 2)",
        ("3", old): "UBND xã B",
        ("4", old): "C (mã 4, từ ngày 01/01/2003)",
        ("4", new): "C (mã 4, từ ngày 01/07/2025)",
    }
    assert len(set(called.values())) == 5
