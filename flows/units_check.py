"""`tthc units check`: everything that is wrong or doubtful in units.csv at once, in words the office can act on."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flows.office_lines import LAST_DAY
from flows.reference import follow_successors, load_units_with_problems


def check_units(folder: Path, on: date) -> tuple[list[str], list[str]]:
    """Errors, which stop every run, and doubts, which do not.

    Errors: malformed lines, a code twice at the same time, a name that means two units at the same time. Doubts: a successor nobody knows or that
    begins after a gap or stands at a unit without an end, a unit that ended without successor, a parent nobody knows, one administrative code on two
    units of a level at the same time, no unit valid on the day.

    Args:
        folder: where units.csv stands.
        on: today.

    Raises:
        ConfigurationError: the file is missing or no table at all.
    """
    errors: list[str] = []
    table = load_units_with_problems(folder, errors)
    units = table.to_pylist()
    codes = {unit["unit_code"] for unit in units}
    doubts: list[str] = []
    for unit in units:
        doubts.extend(_doubts_of(unit, units, codes, on))
        doubts.extend(_same_place(unit, units))
    today = {(row["unit_code"], row["valid_from"]): row for row in follow_successors(table, on).to_pylist()}
    for unit in units:
        end = today[unit["unit_code"], unit["valid_from"]]
        last = next(u for u in units if (u["unit_code"], u["valid_from"]) == (end["today_code"], end["today_valid_from"]))
        if unit["successor_code"] in codes and last["valid_to"] < on:
            doubts.append(f"{_named(unit)}: chuỗi kế thừa dừng ở {_named(last)}, hết hiệu lực ngày {last['valid_to']:%d/%m/%Y}")
    if units and not any(unit["valid_from"] <= on <= unit["valid_to"] for unit in units):
        doubts.append(f"không có đơn vị nào còn hiệu lực vào ngày {on:%d/%m/%Y}")
    return errors, doubts


def _named(unit: dict[str, Any]) -> str:
    return f"{unit['unit_name']} ({unit['unit_code']}, từ {unit['valid_from']:%d/%m/%Y})"


def _same_place(unit: dict[str, Any], units: list[dict[str, Any]]) -> list[str]:
    """Of two communes with one administrative code, dossiers whose unit cell is blank (H48.21292-…) would all go to one, and nothing else would tell."""
    return [
        f"{_named(unit)}: mã hành chính (gso_code) {unit['gso_code']} cũng là của {_named(other)} trong cùng thời gian; "
        "hồ sơ để trống ô đơn vị có thể bị tính nhầm"
        for other in units[: units.index(unit)]
        if unit["gso_code"]
        and (other["gso_code"], other["level"]) == (unit["gso_code"], unit["level"])
        and other["unit_code"] != unit["unit_code"]
        and other["valid_from"] <= unit["valid_to"]
        and unit["valid_from"] <= other["valid_to"]
    ]


def _doubts_of(unit: dict[str, Any], units: list[dict[str, Any]], codes: set[str], on: date) -> list[str]:
    doubts = []
    successor = unit["successor_code"]
    if successor and successor not in codes:
        doubts.append(f"{_named(unit)}: đơn vị kế thừa “{successor}” không có trong units.csv")
    elif successor and unit["valid_to"] == LAST_DAY:
        doubts.append(f"{_named(unit)}: có đơn vị kế thừa “{successor}” mà không có ngày hết hiệu lực (valid_to), nên chưa được cộng dồn")
    elif successor:
        starts = sorted(u["valid_from"] for u in units if u["unit_code"] == successor and u["valid_to"] > unit["valid_to"])
        if not starts:
            doubts.append(f"{_named(unit)}: đơn vị kế thừa “{successor}” không còn hiệu lực sau ngày {unit['valid_to']:%d/%m/%Y}")
        elif starts[0] > unit["valid_to"] + timedelta(days=1):
            doubts.append(
                f"{_named(unit)}: hết hiệu lực ngày {unit['valid_to']:%d/%m/%Y} nhưng đơn vị kế thừa “{successor}” chỉ bắt đầu ngày {starts[0]:%d/%m/%Y}"
            )
    elif unit["valid_to"] < on:
        doubts.append(f"{_named(unit)}: đã hết hiệu lực ngày {unit['valid_to']:%d/%m/%Y} mà không có đơn vị kế thừa (successor_code)")
    parent = unit["parent_code"]
    if parent and "." in parent and parent not in codes:  # a province's own code, H48, is no unit
        doubts.append(f"{_named(unit)}: đơn vị cấp trên “{parent}” không có trong units.csv")
    return doubts
