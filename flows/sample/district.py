"""The made-up year of a real district: its units, its procedures, and how well each unit works.

Unit codes and names are public (huyện Sơn Hà, tỉnh Quảng Ngãi, until the two-tier reform of 1 July 2025);
everything that happens in them here is invented.
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


@dataclass(frozen=True)
class Unit:
    """One row of units.csv, as far as the sample needs it."""

    code: str
    name: str
    level: str
    aliases: tuple[str, ...]


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


def read_units() -> list[Unit]:
    """Returns the units in the order of units.csv; arrays of the sample hold positions in this list."""
    rows = read_reference("units.csv")
    return [Unit(r["unit_code"], r["name_vi"], r["level"], tuple(r["aliases"].split(";"))) for r in rows]


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
    two units receive online dossiers slowly.
    """

    def __init__(self, seed: int) -> None:
        """Reads the tables and draws the odds of every unit."""
        rng = np.random.default_rng([seed, 1])
        self.units = read_units()
        self.procedures = read_procedures()
        n = len(self.units)
        communes = [i for i, u in enumerate(self.units) if u.level == "commune"]
        others = [i for i, u in enumerate(self.units) if u.level != "commune" and u.code != SILENT_UNIT]
        weights = np.zeros(n)
        weights[communes] = rng.uniform(4.5, 6.5, len(communes))
        weights[others] = rng.uniform(1.5, 2.5, len(others))
        self.weights: Floats = weights / weights.sum()

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

        self.days: Ints = np.array([p.days for p in self.procedures], dtype=np.int64)
        self.fees: Ints = np.array([p.fee for p in self.procedures], dtype=np.int64)
        self.has_result = np.array([p.has_result for p in self.procedures], dtype=bool)
        self.is_listed = np.array([p.is_listed for p in self.procedures], dtype=bool)
        self._handled = [self._procedures_of(u) for u in self.units]

    def _procedures_of(self, unit: Unit) -> tuple[Ints, Floats]:
        handler = "commune" if unit.level == "commune" else unit.code
        own = [i for i, p in enumerate(self.procedures) if handler in p.handlers]
        odds = np.array([self.procedures[i].weight for i in own])
        return np.array(own, dtype=np.int64), odds / odds.sum() if own else odds

    def draw_procedures(self, unit: Ints, rng: np.random.Generator) -> Ints:
        """Returns for every dossier's unit one of the procedures that this unit handles."""
        drawn = np.zeros(len(unit), dtype=np.int64)
        for u in np.unique(unit):
            own, odds = self._handled[u]
            where = np.flatnonzero(unit == u)
            drawn[where] = rng.choice(own, len(where), p=odds)
        return drawn
