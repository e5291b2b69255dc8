"""Three more tables that systems hand out per unit: receptions, payments and digitization of a quarter, each counted by its own rules."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from flows.sample.district import District
from flows.sample.dossiers import ONLINE, Batch
from flows.sample.exports import Receipt
from flows.sample.fees import PAID, FeeLines, Scans
from flows.sample.forms import Container, Form
from flows.sample.markup import HtmlFile
from flows.sample.spelling import to_nfd
from flows.sample.summary06 import SECTIONS, unit_keys, units_shown
from flows.sample.workbooks import XlsxFile
from flows.sample.worktime import DAY, NONE, Bools, Ints, Worktime

RECEPTIONS = ("handled", "on_time", "late_received", "overdue_open", "overdue_carried")
PAYMENTS = ("fee_procedures", "fee_procedures_used", "paid_procedures", "online_paid_procedures", "fee_cases", "online_paid_cases")
DIGITIZATION = (
    "received",
    "input_none",
    "input_digitized",
    "input_reused",
    "input_reused_portal",
    "done",
    "result_none",
    "result_digitized",
)
_PROCEDURES = PAYMENTS[1:4]
_LIMIT_MINUTES = 480
_TIERS = {"commune": "Cấp xã", "district": "Cấp huyện", "district_department": "Cấp huyện"}
_OVERDUE = "Tổng số hồ sơ giải quyết quá hạn đang xử lý"
_RECEPTIONS_HEADER = (
    "STT|Đơn vị|Tổng số hồ sơ tiếp nhận, giải quyết|Tổng số hồ sơ xử lý đúng hạn|Tổng số hồ sơ chậm được tiếp nhận|"
    f"{_OVERDUE}|{_OVERDUE} (Tính lũy kế từ kỳ trước)"
).split("|")
_FEES = "Số lượng thủ tục có phí, lệ phí"
_PAYMENTS_HEADER = (
    f"STT|Đơn vị|{_FEES}|{_FEES} phát sinh hồ sơ|Số lượng thủ tục có phát sinh thanh toán|"
    "Số lượng thủ tục có phát sinh thanh toán\ntrực tuyến|Tổng số hồ sơ thuộc các thủ tục có phí, lệ phí|"
    "Số hồ sơ được thanh toán trực tuyến thuộc các thủ tục có phí, lệ phí"
).split("|")
_DIGITIZATION_HEADER = tuple(
    tuple(row.split("|"))
    for row in (
        "STT|Đơn vị|Tiếp nhận|Số hóa hồ sơ TTHC khi tiếp nhận||||Đã giải quyết|Số hóa kết quả giải quyết|",
        "|||Chưa số hóa TPHS|Có số hóa TPHS|Có tái sử dụng thành phần|Có tái sử dụng thành phần từ cổng DVC quốc gia||Chưa số hóa|Đã số hóa",
    )
)
_DIGITIZATION_SPANS = (*((0, c, 2, 1) for c in (0, 1, 2, 7)), (0, 3, 1, 4), (0, 8, 1, 2))


class Aggregates:
    """Counts dossiers batch by batch and writes the three tables."""

    def __init__(self, district: District, quarter: tuple[datetime, datetime], clock: Worktime) -> None:
        """Starts all counts at zero for a quarter ``[begin, end)``."""
        self._district, self._quarter, self._clock = district, quarter, clock
        self._begin, self._end = (clock.minute(q) for q in quarter)
        units, procedures = len(district.units), len(district.procedures)
        self.counts: dict[str, dict[str, Ints]] = {
            kind: {name: np.zeros(units, dtype=np.int64) for name in names}
            for kind, names in (("receptions_summary", RECEPTIONS), ("payments_summary", PAYMENTS), ("digitization_summary", DIGITIZATION))
        }
        self._seen: dict[str, Bools] = {name: np.zeros((units, procedures), dtype=bool) for name in _PROCEDURES}
        for i, unit in enumerate(district.units):
            listed = [p for p in district.procedures if p.is_listed and p.fee > 0 and p.tier == _TIERS[unit.level]]
            self.counts["payments_summary"]["fee_procedures"][i] = len(listed)

    def add(self, batch: Batch, fees: FeeLines, scans: Scans) -> None:
        """Counts the dossiers of a batch."""
        new = batch.is_received & self._inside(batch.received)
        self._add_receptions(batch, new)
        self._add_payments(batch, new, fees)
        self._add_digitization(batch, new, scans)

    def _inside(self, moments: Ints) -> Bools:
        flags: Bools = (moments != NONE) & (moments >= self._begin) & (moments < self._end)
        return flags

    def _count(self, kind: str, batch: Batch, **wheres: Bools) -> None:
        for name, where in wheres.items():
            self.counts[kind][name] += np.bincount(batch.unit[where], minlength=len(self._district.units))

    def _add_receptions(self, batch: Batch, new: Bools) -> None:
        online = batch.is_received & (batch.channel == ONLINE)
        ended = np.where(batch.status >= 7, batch.ended, NONE)
        over = (ended != NONE) & (ended < self._end)
        last_day = self._end // DAY - 1
        handled = online & (new | self._inside(ended))
        in_time = np.where(over, ended // DAY <= batch.due // DAY, batch.due // DAY >= last_day)
        on_time = handled & (batch.supplements <= 1) & ((batch.due == NONE) | in_time)
        late = self._clock.waiting_minutes(batch.submitted, np.where(new, batch.received, batch.submitted)) > _LIMIT_MINUTES
        in_hand = np.isin(batch.status, (2, 4)) | (ended != NONE)
        overdue = online & in_hand & ~over & (batch.due != NONE) & (batch.due // DAY < last_day) & (batch.received < self._end)
        self._count(
            "receptions_summary",
            batch,
            handled=handled,
            on_time=on_time,
            late_received=online & new & late,
            overdue_open=overdue & new,
            overdue_carried=overdue,
        )

    def _add_payments(self, batch: Batch, new: Bools, fees: FeeLines) -> None:
        size = len(batch)
        bearing = np.bincount(fees.row[fees.counts], minlength=size) > 0
        paid = np.bincount(fees.row[fees.counts & (fees.state == PAID)], minlength=size) > 0
        online = np.bincount(fees.row[fees.is_paid_online], minlength=size) > 0
        listed = self._district.is_listed[batch.procedure]
        owing = new & np.where(listed, self._district.fees[batch.procedure] > 0, bearing)
        for name, where in zip(_PROCEDURES, (owing, owing & paid, owing & online), strict=True):
            self._seen[name][batch.unit[where], batch.procedure[where]] = True
            self.counts["payments_summary"][name] = self._seen[name].sum(axis=1)
        self._count("payments_summary", batch, fee_cases=owing, online_paid_cases=owing & online)

    def _add_digitization(self, batch: Batch, new: Bools, scans: Scans) -> None:
        components, result = (np.full(len(batch), NONE) for _ in range(2))
        components[scans.row], result[scans.row] = scans.components, scans.result
        done = batch.is_received & batch.is_finished & self._inside(batch.ended)
        digitized = ~self._district.has_result[batch.procedure] | (result == 1)
        self._count(
            "digitization_summary",
            batch,
            received=new,
            input_none=new & (components <= 0),
            input_digitized=new & (components > 0),
            input_reused=new & (components >= 2),
            input_reused_portal=new & (components == 3),
            done=done,
            result_none=done & ~digitized,
            result_digitized=done & digitized,
        )

    def write(self, raw: Path, folder: str, exported_at: datetime) -> list[Receipt]:
        """Writes the three tables, each in another form and with another way to say the period, and returns their receipts."""
        begin, end = self._quarter
        last_day = datetime.fromordinal(end.toordinal() - 1)
        range_vi = f"(Từ ngày {begin:%d/%m/%Y} đến ngày {last_day:%d/%m/%Y})"
        quarter_vi = f"Quý {('I', 'II', 'III', 'IV')[begin.month // 3]} năm {begin.year}"
        made = f"Thời điểm xuất: {exported_at:%d/%m/%Y %H:%M}"
        (raw / folder).mkdir(parents=True, exist_ok=True)
        book = (
            "DANH SÁCH TỔNG HỢP KẾT QUẢ TIẾP NHẬN, GIẢI QUYẾT HỒ SƠ THỦ TỤC HÀNH CHÍNH TRỰC TUYẾN NỘP TỪ CỔNG DỊCH VỤ CÔNG TỈNH",
            "THEO DÕI CHỈ TIÊU THANH TOÁN TRỰC TUYẾN CÁC ĐƠN VỊ - THEO QUYẾT ĐỊNH SỐ 766/QĐ-TTG NGÀY 23/06/2022",
            "THEO DÕI MỨC ĐỘ SỐ HÓA CÁC ĐƠN VỊ - THEO QUYẾT ĐỊNH SỐ 766/QĐ-TTg ngày 23/06/2022",
        )
        receptions = Form("Sheet", (book[0], range_vi, made), (tuple(_RECEPTIONS_HEADER),), (), ("text",) * 7)
        payments = Form("Thanh toán", (book[1], quarter_vi, made, ""), (tuple(_PAYMENTS_HEADER),), (), ("text",) * 8)
        often = "(Thống kê hàng tháng, quý, 6 tháng, 9 tháng, năm, hàng năm)"
        digitization = Form("Sheet", (book[2], often, range_vi, made), _DIGITIZATION_HEADER, _DIGITIZATION_SPANS, ("text",) * 10)
        return [
            self._fill(
                HtmlFile(raw / folder / "TiepNhan_TongHop.xls", receptions),
                "receptions_summary",
                f"{folder}/TiepNhan_TongHop.xls",
                exported_at,
            ),
            self._fill(
                XlsxFile(raw / folder / "ThanhToan_TongHop.xlsx", payments),
                "payments_summary",
                f"{folder}/ThanhToan_TongHop.xlsx",
                exported_at,
            ),
            self._fill(
                HtmlFile(raw / folder / "SoHoa_TongHop.xls", _decomposed(digitization)),
                "digitization_summary",
                f"{folder}/SoHoa_TongHop.xls",
                exported_at,
                to_nfd,
            ),
        ]

    def _fill(self, page: Container, kind: str, path: str, exported_at: datetime, spell: Callable[[str], str] = str) -> Receipt:
        table = np.stack(list(self.counts[kind].values()), axis=1)
        shown = self._shown(kind)
        write = _composite_cells if kind == "payments_summary" else _plain_cells
        for level, section in SECTIONS.items():
            page.add([(spell(section),)])
            units = [i for i, u in enumerate(self._district.units) if u.level == level and i in shown]
            page.add([(str(n), spell(self._district.units[i].name), *write(table[i].tolist())) for n, i in enumerate(units, 1)])
        page.add([("", spell("Tổng số"), *write(table.sum(axis=0).tolist()))])
        page.close()
        return Receipt(path, kind, "loaded", exported_at, rows_loaded=len(shown))

    def as_dict(self) -> dict[str, dict[str, dict[str, int]]]:
        """Returns by kind the table by unit code; ``code@valid_from`` for a unit that has the code of an earlier one."""
        tables: dict[str, dict[str, dict[str, int]]] = {}
        keys = unit_keys(self._district)
        for kind, columns in self.counts.items():
            tables[kind] = {keys[i]: {name: int(column[i]) for name, column in columns.items()} for i in self._shown(kind)}
        return tables

    def _shown(self, kind: str) -> list[int]:
        # What stands in the catalogue keeps no ended unit in the table.
        counts = [column for name, column in self.counts[kind].items() if name != "fee_procedures"]
        return units_shown(self._district, self._quarter, np.stack(counts).sum(axis=0))


def _decomposed(form: Form) -> Form:
    header = tuple(tuple(to_nfd(h) for h in row) for row in form.header)
    return replace(form, titles=tuple(to_nfd(t) for t in form.titles), header=header)


def _plain_cells(counts: Sequence[int]) -> list[str]:
    return [f"{n:,}".replace(",", ".") for n in counts]


def _composite_cells(counts: Sequence[int]) -> list[str]:
    """Returns cells that also show a percentage and a score; like the screen they come from, the last one divides by procedures."""
    procedures = max(counts[0], 1)
    texts = zip(_plain_cells(counts), counts, strict=True)
    return [f"Số lượng: {text}\nTỷ lệ: {100 * n / procedures:.1f}%\nĐiểm số: {min(n / procedures, 1) * 2:.1f}" for text, n in texts]
