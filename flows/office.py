"""How the office that issues the report signs: data/reference/office.toml, and what units.csv tells where it is silent."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from flows.figures import Unit
from flows.office_lines import parse_toml, read_text
from flows.settings import ConfigurationError

_HEADS = ("province", "district", "commune")
_RECIPIENTS = ("Như trên;", "Lưu: VT.")
_OFFICES = {"province": "VĂN PHÒNG UBND", "district": "VĂN PHÒNG HĐND VÀ UBND", "commune": ""}
_SIGNERS = {"province": "CHÁNH VĂN PHÒNG", "district": "CHÁNH VĂN PHÒNG", "commune": "CHỦ TỊCH"}
_KINDS = (
    "ubnd",
    "ủy ban nhân dân",
    "uỷ ban nhân dân",
    "tỉnh",
    "thành phố",
    "huyện",
    "quận",
    "thị xã",
    "thị trấn",
    "xã",
    "phường",
    "đặc khu",
)


@dataclass(frozen=True)
class Office:
    """What stands around a report.

    Attributes:
        superior: body above the issuing one; empty when there is none.
        name: issuing body.
        symbol: what follows the number, "BC-VP".
        place: place before the date.
        subject_of: whom the report is about, "các đơn vị thuộc …".
        signer: title of who signs.
        recipients: lines below "Nơi nhận:".
    """

    superior: str
    name: str
    symbol: str
    place: str
    subject_of: str
    signer: str
    recipients: tuple[str, ...]


def load_office(folder: Path, units: Sequence[Unit]) -> Office:
    """The office of a reference folder.

    Args:
        folder: where office.toml may stand.
        units: each unit once, those in force when the report is written; the highest of them names what the file leaves out.

    Raises:
        ConfigurationError: the file is no TOML, or has an unknown or wrongly typed line.
    """
    given = _read(folder / "office.toml")
    heads = [unit for level in _HEADS for unit in units if unit.level == level]
    # a list of communes alone (no district in units.csv) names no single office: the place is then left to fill in
    head = heads[0] if heads and (heads[0].level != "commune" or len(heads) == 1) else None
    level = head.level if head else "district"
    name = head.name if head else ""
    office = _OFFICES[level] or name.upper()
    derived: dict[str, Any] = {
        "superior": name.upper() if _OFFICES[level] else "",
        "name": office,
        "symbol": "BC-VP" if _OFFICES[level] else "BC-UBND",
        "place": bare_name(name) or "……",
        "subject_of": f"các đơn vị thuộc {name}" if len(units) > 1 and name else name or "các đơn vị",
        "signer": _SIGNERS[level],
        "recipients": _RECIPIENTS,
    }
    return Office(**(derived | given))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    given = parse_toml(path.name, read_text(path))
    known = {field.name for field in fields(Office)}
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(f"“{path}”: không có mục “{name}”; chỉ nhận {', '.join(sorted(known))}")
        if name == "recipients":
            if not (isinstance(value, list) and all(isinstance(line, str) for line in value)):
                raise ConfigurationError(f'“{path}”, recipients: phải là danh sách các dòng chữ, ví dụ ["Lưu: VT."]')
            given[name] = tuple(value)
        elif not isinstance(value, str):
            raise ConfigurationError(f"“{path}”, {name}: phải là chữ trong dấu nháy, không phải {value!r}")
    return given


def bare_name(name: str) -> str:
    """The place in a unit's name: Sơn Hà in UBND huyện Sơn Hà."""
    found = True
    while found:
        found = False
        for kind in _KINDS:
            if name.casefold().startswith(f"{kind} "):
                name, found = name[len(kind) + 1 :].strip(), True
    return name
