"""The office's own tables, read as text and checked line by line before anything is built on them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from flows.mail.recipients import RECIPIENT_COLUMNS, Recipient, parse_recipients
from flows.office_lines import FIRST_DAY, LAST_DAY, Line, read_lines, read_text, stop_at
from flows.settings import ConfigurationError
from flows.year_plan import PLAN_COLUMNS, Plan, parse_plan
from transforms.corrections import Correction, parse_corrections
from transforms.declarations import load_office_yaml
from transforms.layouts import LayoutLists, ListError, load_lists
from transforms.normalise import PREFIX_MARK
from transforms.office_rows import Faults, TableError
from transforms.text import clean, hide_personal, key, unit_reference
from transforms.thresholds import load_tolerances
from transforms.wording import names_told_apart
from transforms.workdays import WEEKDAYS, Session, WorkingHours

LEVELS = ("province", "province_department", "district", "district_department", "commune")


@dataclass(frozen=True)
class Reference:
    """Reference tables, typed.

    Attributes:
        units: as core.units.
        unit_names: unit_ref, unit_code, valid_from, valid_to, nearest_from, nearest_to, rank: what staged rows may call a unit, when, and between which
            days this is the nearest in time of those that bear the name; a lower rank is the surer name.
        targets: as core.targets.
        overrides: day -> (is working, note).
        hours: working hours of all offices.
        restart_at_payment: paying a fee due in advance restarts the reception clock.
        lists: headings and words, the office's own lines included.
        corrections: known errors of the source.
        plan: the year plan.
        tolerances: how far figures of aggregated exports may differ from ours, by kind of export.
        recipients: who gets mail; None where there is no such table.
    """

    units: pa.Table
    unit_names: pa.Table
    targets: pa.Table
    overrides: dict[date, tuple[bool, str]]
    hours: WorkingHours
    restart_at_payment: bool
    lists: LayoutLists
    corrections: list[Correction]
    plan: Plan
    tolerances: pa.Table
    recipients: list[Recipient] | None = None


def _table(rows: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)


_DATES = [("valid_from", pa.date32()), ("valid_to", pa.date32())]
_UNITS = pa.schema(
    [(n, pa.string()) for n in ("unit_code", "unit_name", "level", "parent_code", "gso_code")]
    + _DATES
    + [("successor_code", pa.string()), ("email", pa.string())]
)
_NEAREST = [("nearest_from", pa.date32()), ("nearest_to", pa.date32())]
_NAMES = pa.schema([("unit_ref", pa.string()), ("unit_code", pa.string()), *_DATES, *_NEAREST, ("rank", pa.int32())])
_TARGETS = pa.schema([(n, pa.string()) for n in ("criterion", "measure", "level")] + [("target", pa.float64()), *_DATES])
UNIT_COLUMNS = ["unit_code", "name_vi", "level", "parent_code", "gso_code", "aliases", "valid_from", "valid_to", "successor_code", "email"]


def _load_units(folder: Path, faults: Faults) -> tuple[pa.Table, pa.Table]:
    """Units and the names they go by; a wrong line is told in `faults` and passed over."""
    units: list[dict[str, Any]] = []
    names: dict[tuple[str, str, date], dict[str, Any]] = {}
    seen: list[tuple[str, date, date, Line]] = []
    claims: dict[str, list[tuple[str, date, date, Line, str]]] = {}
    for line in read_lines(folder, "units.csv", UNIT_COLUMNS, faults, optional=UNIT_COLUMNS[3:]):
        try:
            code = line.required("unit_code").upper()
            first, last = line.validity()
            name, level = line.required("name_vi"), line.one_of("level", LEVELS)
        except ConfigurationError as error:
            faults.append(str(error))
            continue
        for other, start, end, before in seen:
            if other == code and first <= end and start <= last:
                faults.append(str(line.fail("unit_code", f"mã không trùng thời gian hiệu lực với dòng {before.number}")))
        seen.append((code, first, last, line))
        known_as: dict[str, Any] = {"unit_code": code, "valid_from": first, "valid_to": last}
        units.append(
            {
                "unit_code": code,
                "unit_name": name,
                "level": level,
                "parent_code": line.code("parent_code"),
                "gso_code": line.text("gso_code"),
                "valid_from": first,
                "valid_to": last,
                "successor_code": line.code("successor_code"),
                "email": line.text("email"),
            }
        )
        for alias in (name, *(line.cells.get("aliases") or "").split(";")):
            alias_key = key(alias)
            if not alias_key:
                continue
            for other, start, end, before, spelled in claims.get(alias_key, ()):
                if other != code and first <= end and start <= last:
                    text = f"tên “{clean(alias)}” cũng là tên của đơn vị {other} (dòng {before.number}, “{spelled}”) trong cùng thời gian"
                    faults.append(f"units.csv, dòng {line.number}: {text}; hãy viết đầy đủ tên để phân biệt")
            claims.setdefault(alias_key, []).append((code, first, last, line, clean(alias)))
            names[alias_key, code, first] = {"unit_ref": unit_reference(alias_key), **known_as, "rank": 0}
        # what a dossier code's prefix says where the unit cell is blank: the full unit code, else Hnn.<gso code>
        names["#" + code, code, first] = {"unit_ref": PREFIX_MARK + code, **known_as, "rank": 0}
        province = re.search(r"(?:^|\.)([A-Z]\d{2})(?:\.|$)", code)
        if line.text("gso_code") and province:
            names["#gso" + code, code, first] = {"unit_ref": f"{PREFIX_MARK}{province[1]}.{line.text('gso_code')}", **known_as, "rank": 1}
    # What our own forms call units of one name (Biểu số 06 of a year with a reform in it), so that each row is read back as its own unit's.
    bearers = Counter(str(unit["unit_name"]) for unit in units)
    for unit in units:
        code, first, last, name = str(unit["unit_code"]), unit["valid_from"], unit["valid_to"], str(unit["unit_name"])
        if bearers[name] > 1:
            for told in names_told_apart(code, first, name):
                names.setdefault(
                    (key(told), code, first),
                    {"unit_ref": unit_reference(key(told)), "unit_code": code, "valid_from": first, "valid_to": last, "rank": 0},
                )
    if not units:
        faults.append("units.csv: không có đơn vị nào")
    return _table(units, _UNITS), _table(_share_gaps(list(names.values())), _NAMES)


def _share_gaps(names: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The names, each with the days between which no other unit that bears it is nearer in time; the middle of a gap is the earlier unit's."""
    alike: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for name in names:
        alike.setdefault((name["unit_ref"], name["rank"]), []).append(name)
    shared = []
    for name in names:
        others = alike[name["unit_ref"], name["rank"]]
        ended = max((other["valid_to"] for other in others if other["valid_to"] < name["valid_from"]), default=None)
        begun = min((other["valid_from"] for other in others if other["valid_from"] > name["valid_to"]), default=None)
        nearest_from = ended + (name["valid_from"] - ended) // 2 + timedelta(days=1) if ended else FIRST_DAY
        nearest_to = name["valid_to"] + (begun - name["valid_to"]) // 2 if begun else LAST_DAY
        shared.append(name | {"nearest_from": nearest_from, "nearest_to": nearest_to})
    return shared


# No office is given so little; 0.97% is 97 % with a sign too many, and every unit would reach it.
_LEAST_TARGET = 0.01


def _load_targets(folder: Path, measures: Sequence[str], faults: Faults) -> pa.Table:
    rows: list[dict[str, object]] = []
    lines: dict[tuple[object, ...], int] = {}
    required, optional = ("criterion", "measure", "level", "target"), ("valid_from", "valid_to")
    for line in read_lines(folder, "targets.csv", required, faults, optional) if (folder / "targets.csv").is_file() else []:
        with faults.gather(ConfigurationError):
            text = line.required("target").replace(",", ".")
            try:
                target = float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
            except ValueError:
                raise line.fail("target", "một số từ 0 đến 1, ví dụ 0.97") from None
            if not 0 <= target <= 1:
                raise line.fail("target", "một số từ 0 đến 1, ví dụ 0.97")
            if 0 < target < _LEAST_TARGET:
                raise line.fail("target", "một số từ 0 đến 1, ví dụ 0.97, hoặc một tỷ lệ từ 1 %, ví dụ 97%")
            first, last = line.validity()
            measure, level = line.one_of("measure", measures), line.one_of("level", LEVELS)
            before = lines.setdefault((measure, level, first), line.number)
            if before != line.number:  # either would judge the units
                raise line.fail("measure", f"mỗi chỉ số của một cấp chỉ một chỉ tiêu từ một ngày; dòng {before} đã có")
            rows.append(
                {
                    "criterion": line.criterion(),
                    "measure": measure,
                    "level": level,
                    "target": target,
                    "valid_from": first,
                    "valid_to": last,
                }
            )
    return _table(rows, _TARGETS)


_TRUE, _FALSE = ("true", "1", "x", "có"), ("false", "0", "không")


def _load_overrides(folder: Path, faults: Faults) -> dict[date, tuple[bool, str]]:
    overrides: dict[date, tuple[bool, str]] = {}
    lines: dict[date, int] = {}
    is_there = (folder / "calendar.csv").is_file()
    for line in read_lines(folder, "calendar.csv", ("date", "is_working"), faults, optional=("note",)) if is_there else []:
        with faults.gather(ConfigurationError):
            word = line.required("is_working").lower()
            if word not in _TRUE + _FALSE:
                raise line.fail("is_working", "true hoặc false")
            line.required("date")
            day, is_working = line.day("date", FIRST_DAY), word in _TRUE
            before = lines.setdefault(day, line.number)
            if overrides.get(day, (is_working, ""))[0] != is_working:
                raise line.fail("is_working", f"cùng một giá trị với dòng {before}, vì cùng một ngày; hãy bỏ dòng sai")
            overrides[day] = (is_working, hide_personal(line.text("note") or ""))  # published as core.calendar.note
    return overrides


_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?", re.ASCII)


def _load_hours(folder: Path, unit_codes: Collection[str], faults: Faults) -> WorkingHours:
    if not (folder / "working_hours.csv").is_file():
        return WorkingHours()
    sessions: list[Session] = []
    optional = ("unit_code", "weekday", "valid_from", "valid_to")
    for line in read_lines(folder, "working_hours.csv", ("from_time", "to_time", *optional), faults, optional):
        with faults.gather(ConfigurationError):
            session = _parse_session(line, unit_codes)
            try:
                WorkingHours((*sessions, session))
            except ValueError as error:
                raise line.fail("from_time", str(error)) from None
            sessions.append(session)
    return WorkingHours(tuple(sessions))


def _parse_session(line: Line, unit_codes: Collection[str]) -> Session:
    moments = []
    for column in ("from_time", "to_time"):
        written = line.required(column)
        try:
            if not _TIME.fullmatch(written):
                raise ValueError
            moments.append(time.fromisoformat(written if written[2] == ":" else f"0{written}"))
        except ValueError:
            raise line.fail(column, "giờ dạng 07:00") from None
    weekday = line.text("weekday")
    if weekday is not None and weekday not in [str(day) for day in WEEKDAYS]:
        raise line.fail("weekday", "một ngày từ 1 (thứ hai) đến 7 (chủ nhật), mỗi ngày một dòng, hoặc để trống cho thứ hai đến thứ sáu")
    first, last = line.validity()
    office = line.code("unit_code")
    if office and office not in unit_codes:  # its hours would count for nobody, and nobody would know
        raise line.fail("unit_code", "mã đơn vị có trong units.csv, hoặc để trống cho mọi đơn vị")
    return Session(moments[0], moments[1], int(weekday) if weekday else None, office, first, last)


def _load_restart(folder: Path) -> bool:
    """clock.yml: restart_at_payment — whether paying a fee that is due in advance restarts the reception clock; off by default."""
    if not (folder / "clock.yml").is_file():
        return False
    try:
        declared = load_office_yaml(read_text(folder / "clock.yml")) or {}
    except yaml.YAMLError as error:
        raise ConfigurationError(f"clock.yml: không phải YAML hợp lệ ({str(error).splitlines()[0]})") from None
    if (
        not isinstance(declared, dict)
        or declared.keys() - {"restart_at_payment"}
        or not isinstance(declared.get("restart_at_payment", False), bool)
    ):
        raise ConfigurationError("clock.yml: chỉ có một dòng “restart_at_payment: true” hoặc “restart_at_payment: false”")
    return bool(declared.get("restart_at_payment", False))


def load_units_with_problems(folder: Path, problems: list[str]) -> pa.Table:
    """The units of units.csv as core.units; wrong lines are told in `problems` and passed over.

    Raises:
        ConfigurationError: the file is missing or is no such table.
    """
    if not (folder / "units.csv").is_file():
        raise ConfigurationError(f"không có tệp “{folder / 'units.csv'}”")
    faults = Faults()
    units, _ = _load_units(folder, faults)
    problems.extend(faults)
    return units


def _load_plan(folder: Path, names: pa.Table | None, measures: Sequence[str], faults: Faults) -> Plan:
    optional = ("partner_units", "target", "measure")
    lines = read_lines(folder, "plan.csv", PLAN_COLUMNS, faults, optional) if (folder / "plan.csv").is_file() else []
    return parse_plan(lines, names, measures, faults)


def _load_tolerances(folder: Path) -> pa.Table:
    return load_tolerances(read_text(folder / "thresholds.yml") if (folder / "thresholds.yml").is_file() else "")


def _load_corrections(folder: Path, lists: LayoutLists, unit_codes: Collection[str]) -> list[Correction]:
    declared = read_text(folder / "corrections.yml") if (folder / "corrections.yml").is_file() else ""
    return parse_corrections(declared, lists.words, unit_codes)


def _load_recipients(folder: Path, unit_codes: Collection[str], faults: Faults) -> list[Recipient] | None:
    if not (folder / "recipients.csv").is_file():
        return None
    return parse_recipients(read_lines(folder, "recipients.csv", RECIPIENT_COLUMNS[:3], faults, RECIPIENT_COLUMNS[3:]), unit_codes, faults)


class _AnyCode(frozenset[str]):
    """The codes of a units.csv that is wrong itself: nothing is called wrong for a unit that may be right as soon as that table is."""

    def __contains__(self, code: object) -> bool:
        return True


def load_unit_refs(folder: Path) -> set[str] | None:
    """Everything staged rows may call a unit of units.csv; None where the folder has no such table."""
    if not (folder / "units.csv").is_file():
        return None
    faults = Faults()
    _, names = _load_units(folder, faults)
    stop_at(faults)
    return set(names["unit_ref"].to_pylist())


def load_own_lists(folder: Path) -> LayoutLists:
    """The heading and word lists with the office's own lines in headings.csv and words.csv of a folder, which may be missing.

    Raises:
        ConfigurationError: a list cannot be used.
    """
    own = [read_text(folder / name) if (folder / name).is_file() else "" for name in ("headings.csv", "words.csv")]
    try:
        return load_lists(*own)
    except ListError as error:
        raise ConfigurationError(str(error)) from None


def load_reference(folder: Path, measures: Sequence[str]) -> Reference:
    """All reference tables of a folder.

    Args:
        folder: where units.csv stands; the other tables may be absent.
        measures: names a target may be for.

    Raises:
        ConfigurationError: a table cannot be used; the text names file, line, column, found and expected of every wrong line.
    """
    faults = Faults()

    def told(load: Callable[[], Any]) -> Any:
        """What a table says; None where it is wrong, which is told at the end with what is wrong in the others."""
        with faults.gather(ConfigurationError), faults.gather(TableError):
            return load()

    lists = told(lambda: load_own_lists(folder))
    before = len(faults)
    units: Any
    names: Any
    units, names = told(lambda: _load_units(folder, faults)) or (None, None)
    is_known = len(faults) == before
    codes = set(units["unit_code"].to_pylist()) if is_known else _AnyCode()
    targets, overrides = told(lambda: _load_targets(folder, measures, faults)), told(lambda: _load_overrides(folder, faults))
    hours, restart = told(lambda: _load_hours(folder, codes, faults)), told(lambda: _load_restart(folder))
    corrections: Any = told(lambda: _load_corrections(folder, lists, codes)) if lists else None
    plan, tolerances = (
        told(lambda: _load_plan(folder, names if is_known else None, measures, faults)),
        told(lambda: _load_tolerances(folder)),
    )
    recipients = told(lambda: _load_recipients(folder, codes, faults))
    stop_at(faults)
    return Reference(units, names, targets, overrides, hours, restart, lists, corrections, plan, tolerances, recipients)


def follow_successors(units: pa.Table, on: date) -> pa.Table:
    """For every unit the one it is today: unit_code, valid_from, today_code, today_valid_from.

    A unit that is valid on the day is itself. One that has ended is what its successor is, by successor_code: the unit of that code whose
    validity goes on from the end. A unit without a successor stays itself.
    """
    by_code: dict[str, list[tuple[date, date, str | None]]] = {}
    for unit in units.to_pylist():
        by_code.setdefault(unit["unit_code"], []).append((unit["valid_from"], unit["valid_to"], unit["successor_code"]))
    rows = []
    for code, versions in by_code.items():
        for first, last, successor in versions:
            today, today_from, ends, following = code, first, last, successor
            seen = {(code, first)}
            while ends < on and following:
                after = sorted(v for v in by_code.get(following, ()) if v[1] > ends)
                if not after or (following, after[0][0]) in seen:
                    break
                today, (today_from, ends, next_successor) = following, after[0]
                seen.add((today, today_from))
                following = next_successor
            rows.append({"unit_code": code, "valid_from": first, "today_code": today, "today_valid_from": today_from})
    schema = pa.schema(
        [("unit_code", pa.string()), ("valid_from", pa.date32()), ("today_code", pa.string()), ("today_valid_from", pa.date32())]
    )
    return pa.Table.from_pylist(rows, schema=schema)
