"""The year plan (plan.csv): every line checked, and who leads it made plain, before anything is measured against it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from flows.settings import ConfigurationError
from transforms.office_rows import Faults
from transforms.text import clean, key, unit_reference

if TYPE_CHECKING:
    from flows.office_lines import Line

PLAN_COLUMNS = ["criterion", "name_vi", "lead_unit", "partner_units", "deadline", "target", "source", "measure"]
SOURCES = ("exports", "tasks", "plan_progress")
TASK_MEASURES = ("tasks_on_time",)
# How plans name all units of a level; matched as headings are, by `text.key`, without commas and "và". Districts are gone since 01/07/2025, townships (thị
# trấn) too; there are special zones (đặc khu) instead.
GROUPS = {
    "các phòng chuyên môn": "district_department",
    "các cơ quan chuyên môn": "district_department",
    "các cơ quan đơn vị": "district_department",
    "các cơ quan, đơn vị": "district_department",
    "các phòng, ban": "district_department",
    "UBND cấp xã": "commune",
    "UBND các xã": "commune",
    "UBND các xã, thị trấn": "commune",
    "UBND các xã, phường": "commune",
    "UBND các phường, xã": "commune",
    "UBND các xã, phường, thị trấn": "commune",
    "UBND các xã, phường, đặc khu": "commune",
    "các xã, phường": "commune",
    "các xã, phường, thị trấn": "commune",
    "các xã, phường, đặc khu": "commune",
    "UBND cấp huyện": "district",
    "UBND các huyện, thị xã, thành phố": "district",
    "các sở, ban, ngành": "province_department",
    "các sở, ban, ngành tỉnh": "province_department",
    "các sở, ban, ngành cấp tỉnh": "province_department",
    "các sở, ngành": "province_department",
}
_JOINING = re.compile(r",|\bvà\b")
_SHARE = re.compile(r"^[≥>]?\s*(\d{1,3}(?:[.,]\d+)?)\s*%")
_LINES = pa.schema(
    [("line_number", pa.int32())]
    + [(name, pa.string()) for name in ("criterion", "name_vi", "lead_unit", "partner_units")]
    + [("deadline", pa.date32()), ("target_text", pa.string()), ("target", pa.float64()), ("source", pa.string()), ("measure", pa.string())]
)
_LEADS = pa.schema([(name, pa.string()) for name in ("criterion", "level", "unit_code")] + [("unit_valid_from", pa.date32())])


def _group_key(name: str) -> str:
    return key(_JOINING.sub(" ", clean(name)))


_GROUP_KEYS = {_group_key(name): level for name, level in GROUPS.items()}


@dataclass(frozen=True)
class Plan:
    """The year plan.

    Attributes:
        lines: one row a line of plan.csv, in its order.
        leads: criterion with a level, for "UBND cấp xã" and the like, or with a unit: its code and the day that begins with it, for codes are used again;
            nothing for a lead that units.csv does not know.
    """

    lines: pa.Table
    leads: pa.Table


def parse_plan(lines: Sequence["Line"], unit_names: pa.Table | None, measures: Sequence[str], faults: Faults) -> Plan:
    """The plan, typed; no lines give an empty plan.

    Args:
        lines: of plan.csv.
        unit_names: what units are called and when, as Reference.unit_names; None where units.csv is wrong itself, and then no lead is looked up.
        measures: measures a line may be measured by.
        faults: where lines that cannot be used are told, with file, line, column, found and expected.
    """
    rows: list[dict[str, object]] = []
    leads: list[dict[str, object]] = []
    seen: dict[str, int] = {}
    known = unit_names.to_pylist() if unit_names else None
    for number, line in enumerate(lines, 1):
        with faults.gather(ConfigurationError):
            criterion = line.criterion().replace(" ", "")
            if criterion in seen:
                raise line.fail("criterion", f"một tiêu chí chưa có (đã có ở dòng {seen[criterion]})")
            seen[criterion] = line.number
            line.required("deadline")
            deadline = line.day("deadline", date.max)
            source = line.one_of("source", SOURCES)
            measure = None
            if source == "plan_progress":
                if line.text("measure"):
                    raise line.fail("measure", "để trống, vì tiêu chí này do đơn vị tự báo cáo")
            else:
                measure = line.one_of("measure", measures if source == "exports" else TASK_MEASURES)
            target_text = line.text("target")
            share = _SHARE.match(target_text or "") if measure else None
            if measure and (share is None or float(share[1].replace(",", ".")) > 100):
                raise line.fail("target", "một chỉ tiêu bắt đầu bằng tỷ lệ từ 0 đến 100 %, ví dụ 97%")
            lead_unit = line.required("lead_unit")
            found = _find_leads(lead_unit, deadline, known) if known is not None else []
            if source == "exports" and known is not None and (not found or any(lead is None for lead in found)):
                raise line.fail("lead_unit", f"đơn vị có trong units.csv, hoặc: {'; '.join(GROUPS)}")
            leads += [{"criterion": criterion, **lead} for lead in found if lead]
            rows.append(
                {
                    "line_number": number,
                    "criterion": criterion,
                    "name_vi": line.required("name_vi"),
                    "lead_unit": lead_unit,
                    "partner_units": line.text("partner_units"),
                    "deadline": deadline,
                    "target_text": target_text,
                    "target": round(float(share[1].replace(",", ".")) / 100, 6) if share else None,
                    "source": source,
                    "measure": measure,
                }
            )
    return Plan(pa.Table.from_pylist(rows, schema=_LINES), pa.Table.from_pylist(leads, schema=_LEADS))


def _find_leads(lead_unit: str, deadline: date, names: Sequence[dict[str, object]]) -> list[dict[str, object] | None]:
    """Levels and units that a lead names, each once; None for a part that nobody knows."""
    found: dict[tuple[object, object], dict[str, object] | None] = {}
    for part in (clean(text) for text in lead_unit.split(";")):
        if not part:
            continue
        level = _GROUP_KEYS.get(_group_key(part))
        code = first = None
        if level is None:
            reference = unit_reference(key(part))
            units = [(n["unit_code"], n["valid_from"]) for n in names if n["unit_ref"] == reference and _covers(n, deadline)]
            code, first = units[0] if units else (None, None)
        unknown = level is None and code is None
        found[(level, code or (part if unknown else None))] = (
            None if unknown else {"level": level, "unit_code": code, "unit_valid_from": first}
        )
    return list(found.values())


def _covers(name: dict[str, object], day: date) -> bool:
    first, last = name["valid_from"], name["valid_to"]
    return isinstance(first, date) and isinstance(last, date) and first <= day <= last
