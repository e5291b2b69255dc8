import re
from pathlib import Path

import pytest

from expectations import load_contracts
from transforms.measures import MeasureError, load_measures, parse_measures

COLUMNS = list(load_contracts()["core.cases"].columns)
GOOD = """
a_rate:
  criterion: "1"
  label_vi: Tỷ lệ
  legal_basis: Căn cứ
  family: plan
  differs_vi: Không khác
  decimals: 2
  denominator: is_received
  numerator: channel = 'online'
  period: received_at
  zero: "null"
"""


def test_the_measures_of_the_plan_of_qd_766_and_of_bieu_06_are_declared() -> None:
    names = [measure.name for measure in load_measures(COLUMNS)]
    assert (
        names
        == (
            "on_time online_partial online_full received_within_8h payment_procedures payment_cases digitized_input digitized_result e_result digitized "
            "on_time_766 on_time_resolved online_submission_766 payment_766 digitized_766"
        ).split()
    )


def test_what_every_office_reads_names_no_office() -> None:
    """A commune of another province looks up what a rate or a column means, and is told of its own plan."""
    root = Path(__file__).parents[2]
    told = [path for folder in ("transforms", "expectations") for path in (root / folder).glob("*.yml")]
    texts = [line for path in told for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert [line for line in texts if re.search(r"Sơn Hà|Quảng Ngãi|của huyện\b|Kế hoạch CCHC năm 20", line)] == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("is_received", "is_recieved", "không phải cột"),
        ("channel = 'online'", "1; DROP TABLE core.cases", "chỉ được là một điều kiện"),
        ("period: received_at", "period: due_at", "period phải là"),
        ('zero: "null"', 'zero: "100"', "zero phải là"),
        ("  label_vi: Tỷ lệ\n", "", "thiếu"),
        ("a_rate", "Tỷ lệ", "tên chỉ số"),
        ('zero: "null"', 'zero: "null"\n  distinct: citizen', "distinct"),
        ('zero: "null"', 'zero: "null"\n  colour: red', "không có trường"),
    ],
)
def test_a_wrong_measure_is_refused(before: str, after: str, says: str) -> None:
    parse_measures(GOOD, COLUMNS)
    with pytest.raises(MeasureError, match=says):
        parse_measures(GOOD.replace(before, after), COLUMNS)
