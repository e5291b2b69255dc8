import pytest

from expectations import load_contracts
from transforms.measures import MeasureError, load_measures, parse_measures

COLUMNS = list(load_contracts()["core.cases"].columns)
GOOD = """
a_rate:
  criterion: "1"
  label_vi: Tỷ lệ
  legal_basis: Căn cứ
  denominator: is_received
  numerator: channel = 'online'
  period: received_at
  zero: "null"
"""


def test_the_ten_measures_of_the_plan_are_declared() -> None:
    names = [measure.name for measure in load_measures(COLUMNS)]
    assert (
        names
        == (
            "on_time online_partial online_full received_within_8h payment_procedures payment_cases digitized_input digitized_result e_result digitized"
        ).split()
    )


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
