"""Biểu số 06: what a system's own quarterly table says of every unit, counted by that table's rules."""

from datetime import date, datetime
from pathlib import Path

import numpy as np

from flows.sample.district import REFORM, District
from flows.sample.dossiers import ONLINE, Batch
from flows.sample.exports import Receipt
from flows.sample.forms import Form, Row
from flows.sample.markup import HtmlFile
from flows.sample.worktime import DAY, NONE, Bools, Worktime

SECTIONS = {"district": "Cấp huyện", "district_department": "Phòng, ban cấp huyện", "commune": "Cấp xã"}
_TITLES = (
    "Biểu số II.06a/VPCP/KSTT",
    "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT TTHC TẠI CƠ QUAN, ĐƠN VỊ TRỰC TIẾP GIẢI QUYẾT TTHC",
)
# Three rows of headings, "|" between cells; a cell covered by a span is empty.
_HEADER = tuple(
    tuple(row.split("|"))
    for row in (
        "STT|Đơn vị|Số hồ sơ nhận giải quyết||||Số hồ sơ đã giải quyết||||Số lượng hồ sơ đang giải quyết||",
        "||Tổng số|Trong đó||Từ kỳ trước|Tổng số|Trước hạn|Đúng hạn|Quá hạn|Tổng số|Trong hạn|Quá hạn",
        "|||Trực tuyến|Trực tiếp, dịch vụ bưu chính||||||||",
    )
)
_SPANS = (
    *((0, c, 3, 1) for c in (0, 1)),
    (0, 2, 1, 4),
    (0, 6, 1, 4),
    (0, 10, 1, 3),
    (1, 3, 1, 2),
    *((1, c, 2, 1) for c in (2, 5, 6, 7, 8, 9, 10, 11, 12)),
)


def last_full_quarter(as_of: datetime) -> tuple[datetime, datetime] | None:
    """Returns the bounds of the year's last quarter that is over at the end of as_of's day; None in the first one."""
    months = as_of.month - 1
    if datetime(as_of.year, as_of.month, as_of.day).toordinal() + 1 == _month(as_of.year, as_of.month).toordinal():
        months += 1
    last = months // 3 * 3
    return (_month(as_of.year, last - 3), _month(as_of.year, last)) if last else None


def _month(year: int, months_passed: int) -> datetime:
    return datetime(year + months_passed // 12, months_passed % 12 + 1, 1)


def units_shown(district: District, quarter: tuple[datetime, datetime], totals: np.ndarray) -> list[int]:
    """Returns the units of a quarter: those valid in it, and those of before that still have something to show in ``totals``."""
    begin, end = (q.date() for q in quarter)

    def exists(first: date, is_new: bool) -> bool:
        return first < end if is_new or not district.is_new.any() else begin < REFORM

    return [i for i, u in enumerate(district.units) if exists(u.valid_from, u.is_new) or totals[i] > 0]


def unit_keys(district: District) -> list[str]:
    """Returns the code of every unit; ``code@valid_from`` for one that has the code of an earlier one."""
    codes = [u.code for u in district.units]
    return [u.code if u.code not in codes[:i] else f"{u.code}@{u.valid_from}" for i, u in enumerate(district.units)]


class Summary06:
    """Counts dossiers batch by batch and writes the table."""

    def __init__(self, district: District, quarter: tuple[datetime, datetime], clock: Worktime) -> None:
        """Starts all counts at zero for a quarter ``[begin, end)``."""
        self._district = district
        self._quarter = quarter
        self._begin, self._end = (clock.minute(q) for q in quarter)
        names = ("online", "direct", "carried", "early", "on_day", "late", "open_in", "open_over")
        self.counts = {name: np.zeros(len(district.units), dtype=np.int64) for name in names}

    def add(self, batch: Batch) -> None:
        """Counts the dossiers of a batch."""
        ended = np.where(batch.status >= 7, batch.ended, NONE)
        end_day, due_day = ended // DAY, batch.due // DAY
        has_due = batch.due != NONE
        new = batch.is_received & (batch.received >= self._begin) & (batch.received < self._end)
        ended_before = (ended != NONE) & (ended < self._begin)
        carried = batch.is_received & (batch.received < self._begin) & ~ended_before
        at_hand = new | carried
        done = at_hand & (ended != NONE) & (ended >= self._begin) & (ended < self._end)
        over = has_due & (due_day < self._end // DAY)
        self._count("online", new & (batch.channel == ONLINE), batch)
        self._count("direct", new & (batch.channel != ONLINE), batch)
        self._count("carried", carried, batch)
        self._count("early", done & has_due & (end_day < due_day), batch)
        self._count("on_day", done & (~has_due | (end_day == due_day)), batch)
        self._count("late", done & has_due & (end_day > due_day), batch)
        self._count("open_over", at_hand & ~done & over, batch)
        self._count("open_in", at_hand & ~done & ~over, batch)

    def _count(self, name: str, where: Bools, batch: Batch) -> None:
        self.counts[name] += np.bincount(batch.unit[where], minlength=len(self._district.units))

    def write(self, raw: Path, path: str, exported_at: datetime) -> Receipt:
        """Writes the table as a page named .xls and returns its receipt."""
        begin, end = self._quarter
        last_day = datetime.fromordinal(end.toordinal() - 1)
        titles = (
            *_TITLES,
            f"(Từ ngày {begin:%d/%m/%Y} đến ngày {last_day:%d/%m/%Y})",
            "Đơn vị tính: Số hồ sơ TTHC",
            f"Thời điểm xuất: {exported_at:%d/%m/%Y %H:%M}",
        )
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        page = HtmlFile(raw / path, Form("Sheet", titles, _HEADER, _SPANS, ("text",) * 13))
        table, shown = self.table(), self._shown()
        for level, section in SECTIONS.items():
            page.add([(section,)])
            units = [i for i, u in enumerate(self._district.units) if u.level == level and i in shown]
            page.add([self._row(str(n), self._district.units[i].name, table[i]) for n, i in enumerate(units, start=1)])
        page.add([self._row("", "Tổng số", table.sum(axis=0))])
        page.close()
        return Receipt(path, "summary06", "loaded", exported_at, rows_loaded=len(shown))

    def _shown(self) -> list[int]:
        return units_shown(self._district, self._quarter, self.table()[:, 0])

    def table(self) -> np.ndarray:
        """Returns one row a unit: total, online, direct, carried, done, early, on day, late, open, in time, over."""
        c = self.counts
        total = c["online"] + c["direct"] + c["carried"]
        done = c["early"] + c["on_day"] + c["late"]
        columns = [total, c["online"], c["direct"], c["carried"], done, c["early"], c["on_day"], c["late"]]
        return np.stack([*columns, c["open_in"] + c["open_over"], c["open_in"], c["open_over"]], axis=1)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Returns the table by unit code; ``code@valid_from`` for a unit that has the code of an earlier one."""
        names = (
            "total",
            "online",
            "direct",
            "carried",
            "done",
            "early",
            "on_day",
            "late",
            "open",
            "open_in",
            "open_over",
        )
        table: dict[str, dict[str, int]] = {}
        rows, keys = self.table().tolist(), unit_keys(self._district)
        for i in self._shown():
            table[keys[i]] = dict(zip(names, rows[i], strict=True))
        return table

    def _row(self, number: str, name: str, counts: np.ndarray) -> Row:
        return [number, name, *(f"{n:,}".replace(",", ".") for n in counts.tolist())]
