"""Aggregated exports as an official could check them: a dossier a row, and the figures that count it. The period is February 2024."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from spec.cases import AS_OF, CALENDAR, CATALOGUE, DEFAULTS
from spec.staged import build_staged, staged_row
from spec.tables import stage_row, table_rows

from expectations import CheckResult
from flows.figures import Difference
from flows.reconciliation import load_figures_declared
from flows.warehouse_figures import load_figures
from transforms.layouts import load_lists

FEBRUARY = (date(2024, 2, 1), date(2024, 2, 29))
ITS_FIRST_HALF = (date(2024, 2, 1), date(2024, 2, 15))
TABLES = {
    "summary06": """
channel | received    | due         | finished    | returned    | status | figures                        | because
online  | 01/02 07:00 | 10/02 17:00 | 09/02 17:00 |             | 10     | total online done early        | the first day of the period
counter | 29/02 23:59 | 05/03 17:00 |             |             | 4      | total direct open open_in      | the last day of the period
counter | 01/03 00:00 | 05/03 17:00 |             |             | 4      |                                | the day after it
postal  | 15/02 08:00 | 20/02 17:00 | 20/02 23:00 |             | 9      | total direct done on_day       | after the hour, on the day
online  | 15/02 08:00 |             | 20/02 08:00 |             | 9      | total online done on_day       | without a due date it is on the day
online  | 15/02 08:00 | 19/02 17:00 | 20/02 00:00 |             | 9      | total online done late         | the day after
counter | 15/02 08:00 | 29/02 17:00 |             |             | 4      | total direct open open_over    | due on the last day
counter | 15/02 08:00 | 01/03 07:30 |             |             | 4      | total direct open open_in      | due on the day after it
counter | 15/02 08:00 |             |             |             | 5      | total direct open open_in      | open without a due date
counter | 31/01 16:00 | 05/02 17:00 | 01/02 00:00 |             | 10     | total carried done early       | carried over, finished on the first day
counter | 31/01 16:00 | 05/02 17:00 | 31/01 23:59 |             | 10     |                                | finished before the period
counter | 31/01 16:00 | 05/03 17:00 | 01/03 00:00 |             | 10     | total carried open open_in     | finished after the period: open at its end
counter | 31/01 16:00 | 20/02 17:00 |             |             | 4      | total carried open open_over   | carried over and overdue
counter | 15/02 08:00 | 20/02 17:00 | 16/02 08:00 |             | 7      | total direct done early        | withdrawn counts as done
counter | 15/02 08:00 | 20/02 17:00 |             |             | 8      | total direct open open_over    | stopped, but nobody knows when
counter | 15/02 08:00 | 20/02 17:00 | 16/02 08:00 |             | 4      | total direct open open_over    | an end date without the status
counter | 15/02 08:00 | 20/02 17:00 |             | 19/02 08:00 | 10     | total direct done early        | the return stands for the end
counter | 15/02 08:00 | 20/02 17:00 | 21/02 08:00 | 19/02 08:00 | 10     | total direct done late         | unless the end is known
online  | 15/02 08:00 | 20/02 17:00 |             |             | 3      |                                | refused, with a reception date
online  |             |             |             |             | 1      |                                | still waiting
""",
    "receptions_summary": """
channel | submitted   | received    | due         | finished    | status | supplements | figures                               | because
online  | 05/02 07:00 | 06/02 07:00 | 15/02 17:00 | 15/02 23:00 | 10     |             | handled on_time                       | waited exactly 8 hours
online  | 05/02 07:00 | 06/02 07:01 | 15/02 17:00 | 16/02 00:00 | 10     |             | handled late_received                 | a minute more, and late
counter | 05/02 07:00 | 06/02 07:01 | 15/02 17:00 |             | 4      |             |                                       | not online
online  | 31/01 16:00 | 31/01 16:30 | 05/02 17:00 | 01/02 08:00 | 10     |             | handled on_time                       | received before, ended in the period
online  | 31/01 16:00 | 31/01 16:30 | 05/02 17:00 |             | 4      |             | overdue_carried                       | received before, still open
online  | 20/02 08:00 | 20/02 08:30 | 28/02 17:00 |             | 4      |             | handled overdue_open overdue_carried  | due before the last day
online  | 20/02 08:00 | 20/02 08:30 | 29/02 07:30 |             | 4      |             | handled on_time                       | due on the last day is not overdue
online  | 20/02 08:00 | 20/02 08:30 |             |             | 4      |             | handled on_time                       | no due date
online  | 20/02 08:00 | 20/02 08:30 | 28/02 17:00 |             | 5      |             | handled                               | waits for a supplement
online  | 20/02 08:00 | 20/02 08:30 | 28/02 17:00 | 01/03 08:00 | 10     |             | handled overdue_open overdue_carried  | ended after the period
online  | 20/02 08:00 | 20/02 08:30 | 28/02 17:00 | 26/02 08:00 | 10     | 2           | handled                               | asked for supplements twice
online  | 01/03 08:00 | 01/03 08:30 | 05/03 17:00 |             | 4      |             |                                       | received after the period
""",
    "payments_summary": """
procedure | received    | amount | collection | method | state    | paid        | figures                                                                                           | because
2.000001  | 01/02 08:00 | 5000   | before     | online | paid     | 01/02 08:00 | fee_procedures_used paid_procedures online_paid_procedures fee_cases online_paid_cases            | paid online
2.000001  | 29/02 08:00 | 5000   | before     | cash   | paid     | 01/02 08:00 | fee_procedures_used paid_procedures fee_cases                                                     | paid, but in cash
2.000004  | 15/02 08:00 |        |            |        |          |             | fee_procedures_used fee_cases                                                                     | a fee in the catalogue, no line
2.000004  | 15/02 08:00 | 1      | exempt     | online | paid     | 15/02 08:00 | fee_procedures_used fee_cases                                                                     | exempt
2.000004  | 15/02 08:00 | 1      | before     | online | refunded | 15/02 08:00 | fee_procedures_used fee_cases                                                                     | refunded
2.000002  | 15/02 08:00 |        |            |        |          |             |                                                                                                   | free of charge
1.000001  | 15/02 08:00 | 7000   | after      | online | paid     | 15/03 08:00 | fee_procedures_used paid_procedures online_paid_procedures fee_cases online_paid_cases            | unlisted, known by its line
1.000002  | 15/02 08:00 |        |            |        |          |             |                                                                                                   | unlisted, without a line
2.000001  | 31/01 08:00 | 5000   | before     | online | paid     | 01/02 08:00 |                                                                                                   | received before
""",
    "digitization_summary": """
procedure | received    | finished    | status | input | result | figures                                              | because
2.000001  | 01/02 08:00 |             | 4      | 0     |        | received input_none                                  | nothing digitized
2.000001  | 29/02 08:00 |             | 4      |       |        | received input_none                                  | in no list
2.000001  | 15/02 08:00 | 20/02 08:00 | 10     | 1     | true   | received input_digitized done result_digitized       | both
2.000001  | 15/02 08:00 | 20/02 08:00 | 9      | 2     | false  | received input_digitized input_reused done result_none | components reused
2.000001  | 15/02 08:00 | 20/02 08:00 | 9      | 3     |        | received input_digitized input_reused input_reused_portal done result_none | from another dossier
9.000002  | 15/02 08:00 | 20/02 08:00 | 9      | 0     |        | received input_none done result_digitized            | a procedure without result
2.000001  | 15/02 08:00 | 20/02 08:00 | 7      | 1     |        | received input_digitized                             | withdrawn
2.000001  | 31/01 08:00 | 01/02 08:00 | 10     | 1     | true   | done result_digitized                                | received before, done in the period
2.000001  | 15/02 08:00 | 01/03 08:00 | 10     | 1     | true   | received input_digitized                             | done after the period
""",
}
_OF_PROCEDURES = ("fee_procedures_used", "paid_procedures", "online_paid_procedures")
FIGURES = {
    kind: [f for f in load_figures_declared(load_lists()).figures if f.source_kind == kind]
    for kind in ("summary06", "receptions_summary", "payments_summary", "digitization_summary")
}
# A unit of its own for every change of one figure by one, and one for none.
CHANGES = [
    (kind, name, change)
    for kind, figures in FIGURES.items()
    for name, change in [("", 0), *((f.name, step) for f in figures for step in (1, -1))]
]


def expected(kind: str) -> dict[str, int]:
    """The figures that a table of dossiers gives."""
    rows = [(row.get("procedure", ""), row["figures"].split()) for row in table_rows(TABLES[kind])]
    counts = {f.name: sum(f.name in named for _, named in rows) for f in FIGURES[kind]}
    for name in _OF_PROCEDURES:
        if name in counts:
            counts[name] = len({procedure for procedure, named in rows if name in named})
    if kind == "payments_summary":
        counts["fee_procedures"] = sum(bool(fee) for _, _, fee, _ in CATALOGUE)
    return counts


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[CheckResult], list[Difference]]]:
    folder: Path = tmp_path_factory.mktemp("reconciliation")
    staged: dict[str, list[dict[str, Any]]] = {"cases": [], "payments": [], "digitization": [], "procedures": []} | {k: [] for k in FIGURES}
    for number, (kind, name, change) in enumerate(CHANGES):
        unit = f"Đơn vị số {number}"
        for row in table_rows(TABLES[kind]):
            stage_row(staged, DEFAULTS | {"unit": unit} | row)
        stated = expected(kind)
        if name:
            stated[name] += change
        period = {"period_first": FEBRUARY[0], "period_last": FEBRUARY[1]}
        staged[kind].append(staged_row(len(staged[kind]) + 1, unit=unit, **period, **stated))
    # one more unit, whose two forms of periods that begin on one day stand on one sheet; its dossier was received after the shorter one
    stage_row(staged, DEFAULTS | {"unit": f"Đơn vị số {len(CHANGES)}", "received": "20/02 08:00", "due": "05/03 17:00"})
    counted = ("total", "direct", "open", "open_in")
    for (first, last), count in ((FEBRUARY, 1), (ITS_FIRST_HALF, 0)):
        stated = {f.name: count if f.name in counted else 0 for f in FIGURES["summary06"]}
        row = {"unit": f"Đơn vị số {len(CHANGES)}", "period_first": first, "period_last": last} | stated
        staged["summary06"].append(staged_row(len(staged["summary06"]) + 1, **row))
    for number, (code, level, fee, has_result) in enumerate(CATALOGUE, 1):
        staged["procedures"].append(staged_row(number, procedure_code=code, service_level=level, fee_amount=fee, has_result=has_result))
    units = [f"{unit_of(n)},Đơn vị số {n},commune" for n in range(len(CHANGES) + 1)]
    connection, checks = build_staged(folder, staged, AS_OF, units="\n".join(["unit_code,name_vi,level", *units]) + "\n", calendar=CALENDAR)
    yield connection, checks, load_figures(folder / "w.duckdb").reconciliation
    connection.close()


def unit_of(number: int) -> str:
    return f"000.{number:03d}.58.H48"


Built = tuple[duckdb.DuckDBPyConnection, list[CheckResult], list[Difference]]


@pytest.mark.parametrize("kind", list(FIGURES))
def test_the_figures_are_those_of_the_table(kind: str, built: Built) -> None:
    unit = unit_of(CHANGES.index((kind, "", 0)))
    ours = {d.figure: d.ours for d in built[2] if d.unit.code == unit}
    assert ours == expected(kind)
    assert all(count > 0 for count in ours.values()), "a figure that counts nothing shows nothing"


def test_every_change_by_one_is_one_difference_of_that_figure(built: Built) -> None:
    found = {(d.unit.code, d.source_kind, d.figure): d.difference for d in built[2] if d.difference}
    assert found == {(unit_of(n), kind, name): change for n, (kind, name, change) in enumerate(CHANGES) if change}
    assert len(built[2]) == sum(len(FIGURES[kind]) for kind, *_ in CHANGES) + 2 * len(FIGURES["summary06"])


def test_forms_of_one_sheet_whose_periods_begin_on_one_day_are_not_added_up(built: Built) -> None:
    rows = [d for d in built[2] if d.unit.code == unit_of(len(CHANGES)) and d.figure == "total"]
    assert [(d.theirs, d.ours) for d in sorted(rows, key=lambda d: d.period.end)] == [(0, 0), (1, 1)]


def test_a_difference_warns_unless_nobody_knows_what_the_form_counts(built: Built) -> None:
    told = {(d.source_kind, d.figure) for d in built[2] if not d.is_tolerated}
    certain = {(f.source_kind, f.name) for figures in FIGURES.values() for f in figures if f.is_certain}
    assert told == certain
    checks = {check.name: check for check in built[1]}
    assert checks["reconciliation_differs"].found == 2 * len(certain)
    assert checks["reconciliation_differs"].severity == "warning"
    assert [name for name, check in checks.items() if name.startswith("reconciliation") and not check.is_passed] == [
        "reconciliation_differs"
    ]


def test_dossiers_that_may_explain_a_difference_are_on_the_right_side(built: Built) -> None:
    """Where the export states less they are among those we count, where it states more among those we do not."""
    counted: dict[str, set[str]] = {}
    for number, (kind, *_) in enumerate(CHANGES):
        rows = built[0].execute("SELECT case_code FROM core.cases WHERE unit_code = ? ORDER BY row_number", [unit_of(number)]).fetchall()
        for (code,), row in zip(rows, table_rows(TABLES[kind]), strict=True):
            counted[code] = set(row["figures"].split())
    explained = [d for d in built[2] if d.cases]
    assert {d.source_kind for d in explained} == set(FIGURES)
    for d in explained:
        assert not d.is_tolerated
        assert {d.figure in counted[code] for code, _ in d.cases} == {d.difference < 0}, (d.source_kind, d.figure, d.difference)
        assert all("có thể" in reason for _, reason in d.cases)
    early = next(d for d in explained if d.figure == "online" and d.difference < 0)
    assert "Tiếp nhận đúng ngày đầu" in early.cases[0][1]


def test_a_form_whose_columns_do_not_add_up_is_told_of(built: Built) -> None:
    notes = {d.figure: d.note_vi or "" for d in built[2] if d.source_kind == "summary06" and d.difference}
    assert all("không cộng đúng" in note for note in notes.values())
    assert {d.note_vi for d in built[2] if not d.difference} == {None}
