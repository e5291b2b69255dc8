"""The made-up year of a real district: its units, its procedures, and how well each unit works.

Unit names are public: huyện Sơn Hà, tỉnh Quảng Ngãi, with its departments and 14 communes until the two-tier reform of
1 July 2025, and the five communes that took over from these. The codes ``H48.901`` to ``H48.905`` of the new communes are
placeholders, their real ones are not public. Everything that happens in them here is invented.
"""

import csv
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from flows.sample.worktime import Ints

Floats = NDArray[np.float64]

SILENT_UNIT = "000.10.58.H48"
"""A unit that never gets a dossier: every measure must show it without data. Its prefix is free for rows to reject."""

DISTRICT_UNIT = "000.00.58.H48"
PORTAL_PREFIX = "H48.529"
ODD_PREFIX = "HSLT"
"""Dossier codes of linked procedures do not follow the form; they are kept with a warning."""

PROVINCE, MERGED_PROVINCE = "H48", "H34"
"""Quảng Ngãi, and Kon Tum that it was merged with on the day of the reform: a few dossier codes still carry its mark."""

REFORM = date(2025, 7, 1)
"""The first day without districts, and of the communes made from the old ones."""


@dataclass(frozen=True)
class Unit:
    """One row of units.csv, as far as the sample needs it; codes are reused, so only code and validity name a unit."""

    code: str
    name: str
    level: str
    aliases: tuple[str, ...]
    valid_from: date
    successor: str

    @property
    def is_new(self) -> bool:
        """Whether the reform made it."""
        return self.valid_from >= REFORM


@dataclass(frozen=True)
class Procedure:
    """One row of procedures.csv; ``is_listed`` is False for the one that the catalogue does not hold."""

    code: str
    name: str
    field: str
    level: str
    fee: int
    has_result: bool
    days: int
    tier: str
    handlers: tuple[str, ...]
    weight: float
    is_listed: bool


def read_reference(name: str) -> list[dict[str, str]]:
    """Returns the rows of one of the CSV files that travel with this package."""
    text = files("flows.sample").joinpath("reference", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def calendar_overrides(year: int) -> list[dict[str, str]]:
    """Returns the calendar rows known for certain of a year; none for years nobody has looked up."""
    name = f"calendar-{year}.csv"
    return read_reference(name) if files("flows.sample").joinpath("reference", name).is_file() else []


def overrides_by_date(year: int) -> dict[date, bool]:
    """Returns the calendar overrides of a year as ``{date: is it worked}``."""
    return {date.fromisoformat(r["date"]): r["is_working"] == "true" for r in calendar_overrides(year)}


def unit_rows(year: int) -> list[dict[str, str]]:
    """Returns the rows of units.csv as they stood in a year: before that of the reform nobody knew of successors."""
    rows = read_reference("units.csv")
    if year < REFORM.year:
        rows = [r | {"successor_code": ""} for r in rows if date.fromisoformat(r["valid_from"]) < REFORM]
    return rows


def read_units(year: int) -> list[Unit]:
    """Returns the units in the order of units.csv; arrays of the sample hold positions in this list."""
    return [
        Unit(
            code=r["unit_code"],
            name=r["name_vi"],
            level=r["level"],
            aliases=tuple(r["aliases"].split(";")),
            valid_from=date.fromisoformat(r["valid_from"]),
            successor=r["successor_code"],
        )
        for r in unit_rows(year)
    ]


def read_procedures() -> list[Procedure]:
    """Returns the procedures in the order of procedures.csv; arrays of the sample hold positions in this list."""
    return [
        Procedure(
            code=r["procedure_code"],
            name=r["name_vi"],
            field=r["field_vi"],
            level=r["service_level"],
            fee=int(r["fee"]),
            has_result=r["has_result"] == "true",
            days=int(r["days"]),
            tier=r["tier"],
            handlers=tuple(r["handlers"].split(";")),
            weight=float(r["weight"]),
            is_listed=r["is_listed"] == "true",
        )
        for r in read_reference("procedures.csv")
    ]


class District:
    """Units, procedures and, by unit, the odds that shape its dossiers.

    The odds are drawn once from the seed: most units are 95.5-99.5 % on time, one commune and one department are bad;
    two units receive online dossiers slowly. After the reform one of the new communes is bad, and one slow.
    """

    def __init__(self, seed: int, year: int) -> None:
        """Reads the tables and draws the odds of every unit."""
        rng = np.random.default_rng([seed, 1])
        self.units = read_units(year)
        self.procedures = read_procedures()
        n = len(self.units)
        self.is_new = np.array([u.is_new for u in self.units], dtype=bool)
        communes = [i for i, u in enumerate(self.units) if u.level == "commune" and not u.is_new]
        others = [i for i, u in enumerate(self.units) if u.level != "commune" and u.code != SILENT_UNIT]
        self._weights: Floats = np.zeros(n)
        self._weights[communes] = rng.uniform(4.5, 6.5, len(communes))
        self._weights[others] = rng.uniform(1.5, 2.5, len(others))

        self.online: Floats = rng.uniform(0.62, 0.95, n)
        self.on_time: Floats = rng.uniform(0.955, 0.995, n)
        bad = [rng.choice(communes), rng.choice(others)]
        self.on_time[bad] = rng.uniform(0.78, 0.86, 2)
        self.stuck: Floats = np.full(n, 0.003)
        self.stuck[bad] = 0.02
        self.breach: Floats = rng.uniform(0.03, 0.06, n)
        self.breach[[rng.choice(communes), rng.choice(others)]] = 0.16
        self.paid_online: Floats = rng.uniform(0.75, 0.99, n)
        self.scanned: Floats = rng.uniform(0.55, 0.92, n)
        new = np.flatnonzero(self.is_new)
        if len(new):
            self._weights[new] = rng.uniform(15, 25, len(new))
            self.on_time[rng.choice(new)] = 0.83
            self.breach[rng.choice(new)] = 0.16
        self._heirs, self._forebears = self._successions()

        self.days: Ints = np.array([p.days for p in self.procedures], dtype=np.int64)
        self.fees: Ints = np.array([p.fee for p in self.procedures], dtype=np.int64)
        self.has_result = np.array([p.has_result for p in self.procedures], dtype=bool)
        self.is_listed = np.array([p.is_listed for p in self.procedures], dtype=bool)
        self._handled = [self._procedures_of(u) for u in self.units]

    def _procedures_of(self, unit: Unit) -> tuple[Ints, Floats]:
        # The new communes also do what the district and its departments did.
        handler = "commune" if unit.level == "commune" else unit.code
        own = [i for i, p in enumerate(self.procedures) if unit.is_new or handler in p.handlers]
        odds = np.array([self.procedures[i].weight for i in own])
        return np.array(own, dtype=np.int64), odds / odds.sum() if own else odds

    def _successions(self) -> tuple[list[Ints], dict[int, list[str]]]:
        """Returns by unit those that may take over its dossiers, and by new unit the codes of those it came from."""
        new = [i for i, u in enumerate(self.units) if u.is_new]
        heirs, forebears = [], dict[int, list[str]]((i, []) for i in new)
        for i, unit in enumerate(self.units):
            named = [j for j in new if i not in new and self.units[j].code == unit.successor]
            # What the district left behind went to any of the communes.
            heirs.append(np.array([i] if i in new else named or new or [i], dtype=np.int64))
            for j in named:
                forebears[j].append(unit.code)
        return heirs, forebears

    def draw_units(self, size: int, day: date, rng: np.random.Generator) -> Ints:
        """Returns the units that dossiers of some time are filed with; ``day`` tells whether it lies after the reform."""
        weights = np.where(self.is_new == (day >= REFORM), self._weights, 0) if self.is_new.any() else self._weights
        units: Ints = rng.choice(len(self.units), size, p=weights / weights.sum())
        return units

    def draw_heirs(self, unit: Ints, rng: np.random.Generator) -> Ints:
        """Returns for units of before the reform the one that went on with a dossier, and new ones as they are."""
        chance = rng.random(len(unit))
        pairs = zip(unit.tolist(), chance.tolist(), strict=True)
        return np.array([self._heirs[u][int(c * len(self._heirs[u]))] for u, c in pairs], dtype=np.int64)

    def old_codes(self, unit: Ints, rng: np.random.Generator) -> list[str]:
        """Returns for new units the code of one of the units they came from: their counters still number by it."""
        chance = rng.random(len(unit)).tolist()
        codes = (self._forebears[u] for u in unit.tolist())
        return [c[int(x * len(c))] for c, x in zip(codes, chance, strict=True)]

    def draw_procedures(self, unit: Ints, rng: np.random.Generator) -> Ints:
        """Returns for every dossier's unit one of the procedures that this unit handles."""
        drawn = np.zeros(len(unit), dtype=np.int64)
        for u in np.unique(unit):
            own, odds = self._handled[u]
            where = np.flatnonzero(unit == u)
            drawn[where] = rng.choice(own, len(where), p=odds)
        return drawn
