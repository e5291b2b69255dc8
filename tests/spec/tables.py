"""The tables of cases.py as a warehouse: every case in a unit of its own, all in one build, counted by the same SQL as the published figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from spec.cases import AS_OF, CALENDAR, CATALOGUE, DEFAULT_HOURS, DEFAULTS, Reform, Spec
from spec.staged import build_staged, staged_row

_BOXES = {"true": True, "false": False, "": None}


@dataclass(frozen=True)
class Period:
    kind: str
    start: date


def period_of(text: str) -> Period:
    """2024, 2024-Q1 or 2024-02."""
    year, _, part = text.partition("-")
    if not part:
        return Period("year", date(int(year), 1, 1))
    if part.startswith("Q"):
        return Period("quarter", date(int(year), int(part[1:]) * 3 - 2, 1))
    return Period("month", date(int(year), int(part), 1))


def table_rows(table: str) -> list[dict[str, str]]:
    """The cells of a table by heading, as written."""
    lines = [line for line in table.splitlines() if line.strip()]
    names = [name.strip() for name in lines[0].split("|")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines[1:]]
    return [dict(zip(names, row, strict=True)) for row in rows]


def moment(text: str) -> datetime | None:
    """05/02 08:00 or 05/02 08:00:30, of 2024 unless it names a year."""
    if not text:
        return None
    day, _, hour = text.partition(" ")
    seconds = ":%S" if hour.count(":") == 2 else ""
    return datetime.strptime(f"{day if day.count('/') == 2 else day + '/2024'} {hour}", f"%d/%m/%Y %H:%M{seconds}")


def unit_code(number: int) -> str:
    """The unit of a case."""
    return f"000.{number:03d}.58.H48"


def build_specs(
    folder: Path, specs: Sequence[Spec], reforms: Sequence[Reform] = (), *, restart_at_payment: bool = False
) -> duckdb.DuckDBPyConnection:
    """The warehouse of some cases, open for reading; case n has the unit `unit_code(n)`, a reform case the units it names."""
    staged: dict[str, list[dict[str, Any]]] = {"cases": [], "payments": [], "digitization": [], "procedures": []}
    for number, spec in enumerate(specs):
        for row in table_rows(spec.table):
            stage_row(staged, DEFAULTS | {"unit": f"Đơn vị số {number}"} | row)
    for reform in reforms:
        for row in table_rows(reform.table):
            stage_row(staged, DEFAULTS | row)
    for number, (code, level, fee, has_result) in enumerate(CATALOGUE, 1):
        staged["procedures"].append(staged_row(number, procedure_code=code, service_level=level, fee_amount=fee, has_result=has_result))
    reference = folder / "reference"
    reference.mkdir(parents=True, exist_ok=True)
    (reference / "clock.yml").write_text(f"restart_at_payment: {str(restart_at_payment).lower()}\n", encoding="utf-8")
    sessions = [f",{opens},{closes}" for opens, closes in DEFAULT_HOURS]
    sessions += [f"{unit_code(n)},{opens},{closes}" for n, spec in enumerate(specs) for opens, closes in spec.hours]
    (reference / "working_hours.csv").write_text("\n".join(["unit_code,from_time,to_time", *sessions]) + "\n", encoding="utf-8")
    units = [f"{unit_code(n)},Đơn vị số {n},commune,,," for n in range(len(specs))]
    units += dict.fromkeys(line for reform in reforms for line in reform.units.strip().splitlines())
    heading = "unit_code,name_vi,level,valid_from,valid_to,successor_code"
    connection, _ = build_staged(folder, staged, AS_OF, units="\n".join([heading, *units]) + "\n", targets=_NO_TARGETS, calendar=CALENDAR)
    return connection


_NO_TARGETS = "criterion,measure,level,target\n"


def stage_row(staged: dict[str, list[dict[str, Any]]], row: dict[str, str]) -> None:
    """Add a dossier with its fee lines and its digitization to staged rows."""
    code = f"000.00.58.H48-240101-{len(staged['cases']) + 1:04d}"
    unit = {"unit_ref": row["unit"], "unit_shown": None} if row["unit"].startswith("#") else {"unit": row["unit"]}
    dates = {f"{name}_at": moment(row[name]) for name in ("submitted", "received", "due", "finished", "returned")}
    facts = {
        "procedure_code": row["procedure"] or None,
        "service_level": row["level"],
        "channel": row["channel"] or "counter",  # what reading makes of a blank cell
        "status_code": int(row["status"]),
        "supplement_count": int(row["supplements"]) if row["supplements"] else None,
    }
    staged["cases"].append(staged_row(len(staged["cases"]) + 1, case_code=code, **unit, **dates, **facts))
    amounts = [cell.strip() for cell in row["amount"].split(";") if cell.strip()]
    for place, amount in enumerate(amounts):
        collection, method, state, paid = (_nth(row[name], place) for name in ("collection", "method", "state", "paid"))
        fee = {"amount": int(amount), "collection": collection, "method": method or None, "payment_state": state, "paid_at": moment(paid)}
        staged["payments"].append(staged_row(len(staged["payments"]) + 1, case_code=code, **fee))
    if row["input"] or row["result"] or row["e_result"]:
        states = {"is_result_digitized": _BOXES[row["result"]], "is_e_result": _BOXES[row["e_result"]]}
        components = int(row["input"]) if row["input"] else None
        staged["digitization"].append(
            staged_row(len(staged["digitization"]) + 1, case_code=code, digitized_input_code=components, **states)
        )


def _nth(cell: str, place: int) -> str:
    """The n-th of several values in a cell; the last one stands for those after it."""
    values = [value.strip() for value in cell.split(";")]
    return values[min(place, len(values) - 1)]
