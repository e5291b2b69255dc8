"""Made-up fee lines and digitization rows of a batch of dossiers, as columns of numbers."""

from dataclasses import dataclass

import numpy as np

from flows.sample.district import District
from flows.sample.dossiers import ONLINE, Batch
from flows.sample.worktime import NONE, Bools, Ints

KINDS = ("Lệ phí", "Phí")
COLLECTIONS = ("Thu trước", "Thu sau", "Đối tượng miễn phí", "Không thu phí")
METHODS = ("Trực tuyến", "Tiền mặt", "Chuyển khoản", "")
STATES = ("Đã thanh toán", "Chờ thanh toán", "Chưa thanh toán", "Hoàn phí", "Hủy thanh toán")
BY_NET, BY_CASH, BY_TRANSFER, NOT_YET = 0, 1, 2, 3
PAID, PENDING, UNPAID, REFUNDED, CANCELLED = 0, 1, 2, 3, 4
EXEMPT, FREE = 2, 3


@dataclass
class FeeLines:
    """Fee lines; ``row`` is the dossier's position in its batch, the words are positions in the tuples above."""

    row: Ints
    kind: Ints
    amount: Ints
    collection: Ints
    method: Ints
    state: Ints
    paid: Ints

    @property
    def counts(self) -> Bools:
        """Whether a line makes its dossier fee-bearing."""
        flags: Bools = (self.amount > 0) & (self.collection < EXEMPT) & (self.state < REFUNDED)
        return flags

    @property
    def is_paid_online(self) -> Bools:
        """Whether a line that counts was paid online."""
        flags: Bools = self.counts & (self.state == PAID) & (self.method == BY_NET)
        return flags


@dataclass
class Scans:
    """One digitization row a dossier; 1 yes, 0 no, -1 where the question does not apply."""

    row: Ints
    components: Ints
    result: Ints
    e_result: Ints


def draw_fees(batch: Batch, district: District, as_of: int, rng: np.random.Generator) -> FeeLines:
    """Returns the fee lines of all dossiers whose procedure has a fee, those of one dossier together."""
    bearing = np.flatnonzero((district.fees[batch.procedure] > 0) & (batch.status != 3) & (rng.random(len(batch)) < 0.97))
    first = _draw_lines(bearing, batch, district, as_of, rng)
    # Dropped payments are tried again; some procedures also have a second, fixed fee.
    again = bearing[(first.state == CANCELLED) & (rng.random(len(bearing)) < 0.7)]
    retry = _draw_lines(again, batch, district, as_of, rng)
    extra = bearing[rng.random(len(bearing)) < 0.12]
    second = _draw_lines(extra, batch, district, as_of, rng)
    second.kind[:] = 1
    second.amount[second.amount > 0] = 5000
    parts = (first, retry, second)
    row = np.concatenate([p.row for p in parts])
    order = np.argsort(row, kind="stable")
    columns = ("kind", "amount", "collection", "method", "state", "paid")
    return FeeLines(row[order], *(np.concatenate([getattr(p, c) for p in parts])[order] for c in columns))


def _draw_lines(row: Ints, batch: Batch, district: District, as_of: int, rng: np.random.Generator) -> FeeLines:
    size = len(row)
    chance = rng.random(size)
    collection = np.where(chance < 0.06, EXEMPT, np.where(chance < 0.08, FREE, rng.integers(0, 2, size)))
    amount = district.fees[batch.procedure[row]].copy()
    amount[(chance > 0.985)] = 0
    by_net = rng.random(size) < district.paid_online[batch.unit[row]] - 0.15 * (batch.channel[row] != ONLINE)
    method = np.where(by_net, BY_NET, rng.integers(BY_CASH, BY_TRANSFER + 1, size))
    chance = rng.random(size)
    waits = np.where(rng.random(size) < 0.5, PENDING, UNPAID)
    waits = np.where((chance < 0.05) | (batch.status[row] == 1) & (chance < 0.6), waits, PAID)
    state = np.where(chance > 0.985, CANCELLED, np.where(chance > 0.97, REFUNDED, waits))
    state[(collection >= EXEMPT) & (chance < 0.8)] = UNPAID
    paid = np.minimum(batch.submitted[row] + rng.integers(0, 240, size), as_of)
    has_paid = (state == PAID) | (state == REFUNDED)
    return FeeLines(
        row=row,
        kind=np.zeros(size, dtype=np.int64),
        amount=amount,
        collection=collection.astype(np.int64),
        method=np.where(has_paid | (state == CANCELLED), method, NOT_YET).astype(np.int64),
        state=state.astype(np.int64),
        paid=np.where(has_paid, paid, NONE),
    )


def draw_scans(batch: Batch, district: District, rng: np.random.Generator) -> Scans:
    """Returns the digitization rows; some dossiers, and nearly all that were never received, have none."""
    seen = np.where(batch.is_received, 0.96, 0.1)
    row = np.flatnonzero(rng.random(len(batch)) < seen)
    size = len(row)
    scanned = district.scanned[batch.unit[row]]
    components = np.where(rng.random(size) < scanned, rng.choice([1, 1, 2, 3], size), 0)
    applies = (batch.is_finished & district.has_result[batch.procedure])[row]
    result = np.where(applies, rng.random(size) < scanned + 0.05, NONE)
    e_result = np.where(applies, (result == 1) & (rng.random(size) < 0.88), NONE)
    return Scans(row, components.astype(np.int64), result.astype(np.int64), e_result.astype(np.int64))


def rewind_fees(lines: FeeLines, past_rows: Bools, minute: int) -> FeeLines:
    """Returns the lines of some dossiers as an earlier export showed them: what was paid later is still awaited."""
    keep = past_rows[lines.row]
    later = lines.paid[keep] > minute
    return FeeLines(
        row=lines.row[keep],
        kind=lines.kind[keep],
        amount=lines.amount[keep],
        collection=lines.collection[keep],
        method=np.where(later, NOT_YET, lines.method[keep]),
        state=np.where(later, PENDING, lines.state[keep]),
        paid=np.where(later, NONE, lines.paid[keep]),
    )
