"""What every page of the site shares: where it leads, what it says about the age of its data, and the figures by unit, found once."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

from flows.figures import Figures, LateReception, Needed, Period, Rate, Unit, WorkItem
from transforms.wording import moment_vi

PAGES = {
    "index.html": "Tổng quan",
    "cham-tiep-nhan.html": "Chậm tiếp nhận",
    "ke-hoach.html": "Kế hoạch năm",
    "can-hoi.html": "Điều cần hỏi",
    "so-da-thay-doi.html": "Số đã thay đổi",
    "du-lieu.html": "Dữ liệu",
    "tu-dien.html": "Từ điển chỉ số",
}
UNITS_FOLDER = "don-vi"
_MOST_MONTHS = 24
_GROUP = "all"


def page_name(unit: Unit) -> str:
    """A file name of the unit in ASCII, its own for every code and validity: any other sign becomes _ and its number."""
    code = re.sub(r"[^A-Za-z0-9.-]", lambda found: f"_{ord(found[0]):x}", unit.code)
    return f"{code}-{unit.valid_from.isoformat()}.html"


@dataclass(frozen=True)
class Frame:
    """The figures, arranged for pages."""

    figures: Figures

    @cached_property
    def pages(self) -> dict[tuple[str, date], str]:
        """Unit -> its page below the site's folder, for the units of the current periods."""
        return {unit.key: f"{UNITS_FOLDER}/{page_name(unit)}" for unit in self.figures.units}

    def link(self, unit: Unit, up: str = "") -> str | None:
        """The way to a unit's page from a page whose way up is `up`; None for a unit of earlier times."""
        page = self.pages.get(unit.key)
        return None if page is None else up + page

    @cached_property
    def period(self) -> dict[str, Period]:
        """Kind -> the period that holds as_of."""
        return {period.kind: period for period in self.figures.current}

    @cached_property
    def months(self) -> list[Period]:
        """The months up to as_of, the last twenty-four of them."""
        found = {rate.period for rate in self.figures.rates if rate.period.kind == "month"}
        return sorted(found, key=lambda period: period.start)[-_MOST_MONTHS:]

    @cached_property
    def rates(self) -> dict[tuple[str, date], dict[tuple[str, Period], Rate]]:
        """Unit -> (measure, period) -> rate."""
        found: dict[tuple[str, date], dict[tuple[str, Period], Rate]] = defaultdict(dict)
        for rate in self.figures.rates:
            if rate.unit:
                found[rate.unit.key][rate.measure, rate.period] = rate
        return found

    @cached_property
    def groups(self) -> dict[str, dict[tuple[str, Period], Rate]]:
        """Level, or "all" -> (measure, period) -> rate."""
        found: dict[str, dict[tuple[str, Period], Rate]] = defaultdict(dict)
        for rate in self.figures.groups:
            found[rate.group or _GROUP][rate.measure, rate.period] = rate
        return found

    @cached_property
    def late(self) -> dict[tuple[str, date], list[LateReception]]:
        """Unit -> its late receptions."""
        return _by_unit(self.figures.late)

    @cached_property
    def worklist(self) -> dict[tuple[str, date], list[WorkItem]]:
        """Unit -> what it has to do next."""
        return _by_unit(self.figures.worklist)

    @cached_property
    def needed(self) -> dict[tuple[str, date], list[Needed]]:
        """Unit -> what it needs to reach its targets."""
        return _by_unit(self.figures.needed)

    @cached_property
    def ranks(self) -> dict[tuple[str, date], dict[tuple[str, Period], tuple[int, int]]]:
        """Unit -> (measure, period) -> (place, of how many)."""
        found: dict[tuple[str, date], dict[tuple[str, Period], tuple[int, int]]] = defaultdict(dict)
        for rank in self.figures.ranks:
            found[rank.unit.key][rank.measure, rank.period] = (rank.rank, rank.of_units)
        return found

    @cached_property
    def stale(self) -> set[tuple[str, date]]:
        """Units whose current figures rest on old data."""
        return {rate.unit.key for rate in self.figures.rates if rate.unit and rate.is_stale and rate.period in self.figures.current}

    def data_moment(self, unit: Unit) -> str:
        """When a unit's data are from, in words; empty where that is not known."""
        known = [rate.data_as_of for rate in self.rates[unit.key].values() if rate.data_as_of and rate.period in self.figures.current]
        return moment_vi(max(known)) if known else ""

    @cached_property
    def freshness_line(self) -> str:
        """How fresh the data as a whole are, in one sentence; stands on every page."""
        exported = [file.exported_at for file in self.figures.files if file.status == "loaded" and file.exported_at]
        parts = [f"Tệp xuất mới nhất: {moment_vi(max(exported))}" if exported else "Chưa nạp được tệp xuất nào"]
        lights = [row.light for row in self.figures.freshness if row.unit is None]
        if count := lights.count("red"):
            parts.append(f"✗ {count} loại tệp quá cũ hoặc thiếu")
        if count := lights.count("yellow"):
            parts.append(f"! {count} loại tệp cần xem lại")
        if self.stale:
            parts.append(f"⏱ {len(self.stale)} đơn vị có số liệu cũ")
        if lights and len(parts) == 1:
            parts.append("✓ các loại tệp đều mới")
        return " · ".join(parts)


_Row = TypeVar("_Row", LateReception, Needed, WorkItem)


def _by_unit(rows: list[_Row]) -> dict[tuple[str, date], list[_Row]]:
    found: dict[tuple[str, date], list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.unit.key].append(row)
    return found
