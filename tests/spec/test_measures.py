"""The measures as an official could check them; the cases stand in cases.py, how they become a warehouse in tables.py."""

from collections.abc import Iterator

import duckdb
import pytest
from spec.cases import REFORMS, SPECS, Reform, Spec
from spec.tables import build_specs, period_of, unit_code
from spec.write_docs import PAGE, render_page

from expectations import load_contracts
from transforms.measures import load_measures

_SWITCHES = (False, True)
_CASES = {switch: [spec for spec in SPECS if spec.restart_at_payment is switch] for switch in _SWITCHES}
_NUMBERED = [(switch, number) for switch in _SWITCHES for number in range(len(_CASES[switch]))]


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, duckdb.DuckDBPyConnection]]:
    """One warehouse with every case in a unit of its own, and one of an office that switched restart_at_payment on."""
    folder = tmp_path_factory.mktemp("spec")
    built = {s: build_specs(folder / str(s), _CASES[s], () if s else REFORMS, restart_at_payment=s) for s in _SWITCHES}
    yield built
    for connection in built.values():
        connection.close()


def _label(spec: Spec | Reform) -> str:
    return f"{spec.measure}: {spec.shows_en} ({spec.period})"


@pytest.mark.parametrize(("switch", "number"), _NUMBERED, ids=[_label(_CASES[s][n]) for s, n in _NUMBERED])
def test_measure(switch: bool, number: int, rates: dict[bool, duckdb.DuckDBPyConnection]) -> None:
    spec = _CASES[switch][number]
    period = period_of(spec.period)
    found = (
        rates[switch]
        .execute(
            "SELECT numerator, denominator, rate, status FROM mart.unit_rates WHERE measure = ? AND unit_code = ? AND period_kind = ? AND period_start = ?",
            [spec.measure, unit_code(number), period.kind, period.start],
        )
        .fetchall()
    )
    assert [row[:2] for row in found] == [spec.expected]
    numerator, denominator = spec.expected
    assert found[0][2] == (numerator / denominator if denominator else None)
    assert (found[0][3] == "no_data") == (denominator == 0)


@pytest.mark.parametrize("reform", REFORMS, ids=_label)
def test_units_over_time(reform: Reform, rates: dict[bool, duckdb.DuckDBPyConnection]) -> None:
    period = period_of(reform.period)
    codes = [line.split(",")[0] for line in reform.units.split()]
    # Other reform cases share the units, so a case is told apart by its measure.
    assert len({r.measure for r in REFORMS}) == len(REFORMS)
    for table, expected in (("unit_rates", reform.was), ("unit_rates_today", reform.today)):
        found = (
            rates[False]
            .execute(
                f"SELECT unit_code, CAST(unit_valid_from AS VARCHAR), numerator, denominator FROM mart.{table} "
                "WHERE measure = ? AND period_kind = ? AND period_start = ? AND unit_code IN (SELECT unnest(?))",
                [reform.measure, period.kind, period.start, codes],
            )
            .fetchall()
        )
        counted = {(code, first): (numerator, denominator) for code, first, numerator, denominator in found}
        assert {unit: counts for unit, counts in counted.items() if counts != (0, 0)} == expected, table


def test_every_measure_has_cases_with_and_without_a_rate() -> None:
    for measure in load_measures(list(load_contracts()["core.cases"].columns)):
        cases = [spec for spec in SPECS if spec.measure == measure.name]
        assert len(cases) >= 2, measure.name
        assert any(0 < spec.expected[0] < spec.expected[1] for spec in cases), measure.name


def test_docs_measures_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page(), "docs/measures.md is stale: run `make docs`"
