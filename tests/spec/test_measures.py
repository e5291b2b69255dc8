"""The measures as an official could check them: a few dossiers, and the fraction they must give.

Each case is a table; columns left out take the values of an ordinary dossier (received on 05/02/2024, due on 12/02/2024, status 4).
All cases go through one build, each in a unit of its own, so the figures come from the same SQL as the published ones.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import write_reference

from flows.manifest import Manifest
from flows.reference import load_reference
from flows.warehouse import build_warehouse
from transforms.layouts import load_lists
from transforms.normalise import staged_schema
from transforms.text import key, unit_reference

AS_OF = datetime(2024, 3, 15, 10)
# Tết 2024 and the worked Saturday of 4 May, as the office's calendar has them.
CALENDAR = """date,is_working,note
2024-02-08,false,Tết
2024-02-09,false,Tết
2024-02-12,false,Tết
2024-02-13,false,Tết
2024-02-14,false,Tết
2024-01-06,true,làm bù
"""
DEFAULTS = {
    "channel": "counter", "level": "full", "submitted": "05/02 07:30", "received": "05/02 08:00", "due": "12/02 17:00",
    "finished": "", "returned": "", "status": "4", "procedure": "1.000001",
    "amount": "", "collection": "before", "method": "", "state": "", "input": "", "result": "", "e_result": "",
}  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """A measure, what the case shows, the dossiers, and numerator and denominator in the month (or year) of 2024."""

    measure: str
    shows: str
    table: str
    expected: tuple[int, int]
    period: str = "year"


SPECS = [
    Spec("on_time", "the day counts, not the hour: finished at 18:00 on the due date is on time", """
        due         | finished    | status
        12/02 11:30 | 12/02 18:00 | 10
        12/02 11:30 | 13/02 07:00 | 10
        """, (1, 2)),
    Spec("on_time", "without a due date a dossier is not counted", """
        due | finished    | status
            | 06/02 08:00 | 10
        """, (0, 0)),
    Spec("on_time", "the end is the finish, else the return", """
        finished    | returned    | status
                    | 12/02 09:00 | 10
        12/02 09:00 | 20/02 09:00 | 10
        """, (2, 2)),
    Spec("on_time", "finished, but the status says otherwise: counted only once overdue, and then as late", """
        finished    | due         | status
        06/02 09:00 | 12/02 17:00 | 4
        06/02 09:00 | 20/03 17:00 | 4
        """, (0, 1)),
    Spec("on_time", "open dossiers count from the day after their due date; due today is not late", """
        due         | status
        14/03 17:00 | 4
        15/03 07:00 | 4
        14/03 17:00 | 2
        """, (0, 2)),
    Spec("on_time", "paused, withdrawn, stopped and refused dossiers are not counted while open", """
        due         | status
        12/02 17:00 | 5
        12/02 17:00 | 6
        12/02 17:00 | 7
        12/02 17:00 | 8
        12/02 17:00 | 3
        """, (0, 0)),
    Spec("online_full", "postal and blank channels are not online", """
        channel | level
        online  | full
        counter | full
        postal  | full
        online  | partial
        online  | info
        """, (1, 3)),
    Spec("online_partial", "only procedures offered in part, only dossiers received", """
        channel | level   | received    | status
        online  | partial | 05/02 08:00 | 4
        counter | partial | 05/02 08:00 | 4
        online  | partial |             | 1
        online  | partial | 05/02 08:00 | 3
        """, (1, 2)),
    Spec("received_within_8h", "exactly 8 working hours are not a breach, a minute more is", """
        channel | submitted   | received
        online  | 05/02 07:00 | 05/02 17:00
        online  | 05/02 07:00 | 06/02 07:01
        online  | 05/02 10:00 | 06/02 10:00
        """, (2, 3)),
    Spec("received_within_8h", "Friday 16:59 to Monday 16:59 is 8 hours; the weekend does not run, nor does the lunch break", """
        channel | submitted   | received
        online  | 02/02 16:59 | 05/02 16:59
        online  | 02/02 16:59 | 05/02 17:00
        online  | 02/02 11:45 | 05/02 13:30
        """, (2, 3)),
    Spec("received_within_8h", "Tết does not run: submitted on the eve at 16:00, received on the second morning after", """
        channel | submitted   | received
        online  | 07/02 16:00 | 15/02 16:00
        online  | 07/02 16:00 | 15/02 16:01
        online  | 10/02 09:00 | 15/02 17:00
        """, (2, 3)),
    Spec("received_within_8h", "a worked Saturday runs", """
        channel | submitted   | received
        online  | 05/01 16:00 | 06/01 16:00
        online  | 05/01 16:00 | 08/01 07:00
        """, (1, 2)),
    Spec("received_within_8h", "still waiting counts up to now; refused, counter and postal dossiers have no clock", """
        channel | submitted   | received | status
        online  | 15/03 07:00 |          | 1
        online  | 13/03 07:00 |          | 1
        online  | 13/03 07:00 |          | 3
        counter | 13/03 07:00 |          | 1
        """, (1, 2)),
    Spec("received_within_8h", "the month is that of submission", """
        channel | submitted   | received
        online  | 31/01 16:30 | 01/02 08:00
        """, (1, 1), "2024-01-01"),
    Spec("payment_cases", "zero, exempt, free, refunded and cancelled lines bear no fee; only a paid online line pays online", """
        amount | collection | method   | state
        0      | before     | online   | paid
        5000   | exempt     | online   | paid
        5000   | no_fee     | online   | paid
        5000   | before     | online   | refunded
        5000   | before     | online   | cancelled
        5000   | before     | cash     | paid
        5000   | before     | online   | pending
        5000   | after      | online   | paid
        """, (1, 3)),
    Spec("payment_procedures", "procedures are counted once, paid online when any dossier is", """
        procedure | amount | method | state
        1.000001  | 5000   | online | paid
        1.000001  | 5000   | cash   | paid
        1.000002  | 5000   | cash   | paid
        1.000003  | 0      | online | paid
        """, (1, 2)),
    Spec("digitized_input", "digitized, reused and reused from another dossier count; a blank does not", """
        input
        0
        1
        2
        3

        """, (3, 5)),
    Spec("digitized_result", "finished dossiers whose procedure has a result; 9.000002 has none", """
        procedure | status | finished    | result
        1.000001  | 10     | 06/02 08:00 | true
        1.000001  | 9      | 06/02 08:00 | false
        1.000001  | 9      | 06/02 08:00 |
        1.000001  | 4      |             | true
        9.000002  | 10     | 06/02 08:00 | true
        """, (1, 3)),
    Spec("e_result", "an electronic result issued", """
        status | finished    | e_result
        10     | 06/02 08:00 | true
        10     | 06/02 08:00 | false
        """, (1, 2)),
    Spec("digitized", "components, and the result where there is one", """
        procedure | status | finished    | input | result
        1.000001  | 10     | 06/02 08:00 | 1     | true
        1.000001  | 10     | 06/02 08:00 | 1     | false
        1.000001  | 10     | 06/02 08:00 | 0     | true
        9.000002  | 10     | 06/02 08:00 | 2     |
        1.000001  | 4      |             | 1     | true
        """, (2, 4)),
    Spec("on_time", "a period is half-open: 31/01 23:59 belongs to January, 01/02 00:00 to February", """
        received    | finished    | status
        31/01 23:59 | 12/02 08:00 | 10
        01/02 00:00 | 12/02 08:00 | 10
        29/02 23:59 | 12/02 08:00 | 10
        """, (2, 2), "2024-02-01"),
]  # fmt: skip


def rows_of(table: str) -> list[dict[str, str]]:
    lines = [line.strip(" ") for line in table.strip("\n").split("\n")][:-1]
    names = [name.strip() for name in lines[0].split("|")]
    return [DEFAULTS | dict(zip(names, (cell.strip() for cell in line.split("|")), strict=False)) for line in lines[1:]]


def moment(text: str) -> datetime | None:
    return datetime.strptime(f"2024 {text}", "%Y %d/%m %H:%M") if text else None


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """One warehouse with every case in a unit of its own."""
    folder = tmp_path_factory.mktemp("spec")
    units = ["unit_code,name_vi,level"] + [f"000.{n:02d}.58.H48,Đơn vị số {n},commune" for n in range(len(SPECS))]
    reference_folder = write_reference(folder / "reference", "\n".join(units) + "\n")
    (reference_folder / "calendar.csv").write_text(CALENDAR, encoding="utf-8")
    cases, payments, digitization = [], [], []
    for number, spec in enumerate(SPECS):
        for line, row in enumerate(rows_of(spec.table), 1):
            code = f"000.{number:02d}.58.H48-240101-{line:04d}"
            at = {"row_number": len(cases) + 1, "case_code": code, "file_id": "f", "sheet": "s", "sheet_number": 1, "is_odd_code": False}
            unit = {"unit_ref": unit_reference(key(f"Đơn vị số {number}")), "unit_shown": None}
            dates = {f"{name}_at": moment(row[name]) for name in ("submitted", "received", "due", "finished", "returned")}
            cases.append(
                {
                    **at,
                    **unit,
                    **dates,
                    "procedure_code": row["procedure"],
                    "service_level": row["level"],
                    "channel": row["channel"],
                    "status_code": int(row["status"]),
                }
            )
            if row["amount"]:
                fee = {
                    "amount": int(row["amount"]),
                    "collection": row["collection"],
                    "method": row["method"] or None,
                    "payment_state": row["state"],
                }
                payments.append({**at, **fee})
            boxes = {"true": True, "false": False, "": None}
            if row["input"] or row["result"] or row["e_result"]:
                states = {"is_result_digitized": boxes[row["result"]], "is_e_result": boxes[row["e_result"]]}
                digitization.append({**at, **states, "digitized_input_code": int(row["input"]) if row["input"] else None})
    catalogue = [
        {
            "row_number": 1,
            "procedure_code": "9.000002",
            "service_level": "full",
            "has_result": False,
            "file_id": "f",
            "sheet": "s",
            "sheet_number": 1,
        }
    ]
    manifest = Manifest()
    manifest.files.append(
        {
            "file_id": "f",
            "file_name": "spec",
            "status": "loaded",
            "kind": "cases",
            "exported_at": AS_OF,
            "is_age_guessed": False,
            "is_present": True,
        }
    )
    for kind, rows in {"cases": cases, "payments": payments, "digitization": digitization, "procedures": catalogue}.items():
        schema = staged_schema(load_lists().kinds[kind])
        for name, arrow in (("file_id", pa.string()), ("sheet", pa.string()), ("sheet_number", pa.int32())):
            schema = schema.append(pa.field(name, arrow))
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{kind}.parquet")
        manifest.parts[kind] = [folder / f"{kind}.parquet"]
    reference = load_reference(reference_folder, [spec.measure for spec in SPECS])
    build_warehouse(folder / "w.duckdb", manifest, reference, AS_OF)
    return duckdb.connect(str(folder / "w.duckdb"), read_only=True)


@pytest.mark.parametrize("number", range(len(SPECS)), ids=[f"{spec.measure}: {spec.shows}" for spec in SPECS])
def test_measure(number: int, rates: duckdb.DuckDBPyConnection) -> None:
    spec = SPECS[number]
    kind, start = ("year", "2024-01-01") if spec.period == "year" else ("month", spec.period)
    found = rates.execute(
        "SELECT numerator, denominator, rate, status FROM mart.unit_rates WHERE measure = ? AND unit_code = ? AND period_kind = ? AND period_start = ?",
        [spec.measure, f"000.{number:02d}.58.H48", kind, start],
    ).fetchall()
    assert [row[:2] for row in found] == [spec.expected]
    numerator, denominator = spec.expected
    assert found[0][2] == (numerator / denominator if denominator else None)
    assert (found[0][3] == "no_data") == (denominator == 0)
