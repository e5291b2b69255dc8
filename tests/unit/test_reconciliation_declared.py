"""Figures of aggregated exports are declared strictly, and so is how far they may differ."""

import pytest

from flows.reconciliation import load_figures_declared
from transforms.layouts import load_lists
from transforms.reconciliation import ReconciliationError, parse_reconciliation
from transforms.thresholds import ThresholdError, load_tolerances

KINDS = {"summary06": ["total"]}
COLUMNS = ["received_at", "is_received", "channel"]
DECLARED = """
terms:
  new: is_received AND received_at >= {start}
summary06:
  total: {label_vi: Tổng số, rule_vi: Tiếp nhận, counts: "({new}) AND channel = 'online'"}
reasons:
  - {when: "received_at > {exported_at}", reason_vi: Có thể tiếp nhận sau}
"""


def test_terms_are_written_out() -> None:
    (figure,) = parse_reconciliation(DECLARED, KINDS, COLUMNS).figures
    assert figure.counts == "(is_received AND received_at >= {start}) AND channel = 'online'"
    assert (figure.number, figure.is_certain, figure.distinct) == (1, True, None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{new}", "{nev}", "nev"),
        ("channel =", "chanel =", "chanel"),
        ("  total:", "  totals:", "cần đúng các cột"),
        ("summary06:", "summary07:", "cần đúng các loại"),
        ("rule_vi: Tiếp nhận, ", "", "cần label_vi, rule_vi"),
        ("'online'", "'online'; DROP TABLE x", "điều kiện"),
        ("reason_vi: Có thể", "of: [totals], reason_vi: Có thể", "tên chỉ tiêu có thật"),
    ],
)
def test_a_wrong_declaration_is_named(old: str, new: str, says: str) -> None:
    assert old in DECLARED
    with pytest.raises(ReconciliationError, match=says):
        parse_reconciliation(DECLARED.replace(old, new), KINDS, COLUMNS)


def test_what_ships_says_what_nobody_can_know() -> None:
    declared = load_figures_declared(load_lists())
    assert len(declared.figures) == 30
    unsure = [f for f in declared.figures if not f.is_certain]
    assert {f.name for f in unsure} == {"fee_procedures", "input_reused_portal"}
    assert all("chỉ để tham khảo" in f.rule_vi for f in unsure)
    assert all("có thể" in reason.reason_vi for reason in declared.reasons)


def test_the_office_s_tolerances_replace_those_that_ship() -> None:
    shipped = {row["source_kind"]: row for row in load_tolerances().to_pylist()}
    assert shipped["summary06"] == {"source_kind": "summary06", "absolute": 0, "relative": 0.0}
    own = {row["source_kind"]: row for row in load_tolerances("reconciliation:\n  summary06: {absolute: 3}\n").to_pylist()}
    assert own == shipped | {"summary06": {"source_kind": "summary06", "absolute": 3, "relative": 0.0}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("reconciliation: {biểu06: {absolute: 1}}", "cần một trong các loại"),
        ("reconciliation: {summary06: {absolut: 1}}", "cần một trong các loại"),
        ("reconciliation: {summary06: {absolute: -1}}", "số nguyên từ 0"),
        ("reconciliation: {summary06: {absolute: 0.5}}", "số nguyên từ 0"),
        ("reconciliation: {summary06: {relative: 2}}", "từ 0 đến 1"),
        ("due_soon_working_days: 5", "chỉ được có khối"),
        ("- a", "chỉ được có khối"),
        ("reconciliation: [", "không phải YAML"),
    ],
)
def test_a_wrong_tolerance_is_refused(text: str, says: str) -> None:
    with pytest.raises(ThresholdError, match=says):
        load_tolerances(text)
