"""Exports about dossiers rather than of them: fee lines and digitization, in files that roll over when full."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from flows.sample.cells import Columns, Moments, Scribe
from flows.sample.district import District
from flows.sample.dossiers import Batch, units_at
from flows.sample.exports import Export, Heading, Receipt
from flows.sample.fees import FeeLines, Scans, rewind_fees
from flows.sample.layouts import PLAIN, Layout
from flows.sample.words import BAD_DIGITIZATION, BAD_PAYMENTS, CASE_HEADINGS, DIGITIZATION_HEADINGS, PAYMENT_HEADINGS
from flows.sample.worktime import NONE

_BOOK_ROWS = 20_000
_TEXT_ROWS = 500_000
_PAST_ROWS = 1500

_BOOK = replace(PLAIN, has_signature=False)
_TEXT = Layout("", "text", dates="dmy_hms", has_stt=True)
_TABBED = Layout("", "text", "utf-16", "\t", dates="iso", spelling="nfd", codes="short", has_stt=False)

_PAYMENT_COLUMNS = {c: CASE_HEADINGS[c] for c in ("code", "procedure_code", "procedure_name", "unit")} | PAYMENT_HEADINGS
_DIGITIZATION_COLUMNS = {c: CASE_HEADINGS[c] for c in ("code", "unit")} | DIGITIZATION_HEADINGS
_Bad = Sequence[tuple[str, dict[str, str]]]


class _Roll:
    """Exports of one kind and shape, a new file whenever one is full."""

    def __init__(
        self,
        raw: Path,
        paths: Iterator[str],
        layout: Layout,
        heading: Heading,
        headings: Mapping[str, Sequence[str]],
        rng: np.random.Generator,
        limit: int,
        bad: _Bad = (),
    ) -> None:
        self._raw, self._paths, self._layout, self._heading = raw, paths, layout, heading
        self._headings, self._rng, self._limit, self._bad = headings, rng, limit, bad
        self._export: Export | None = None
        self._receipts: list[Receipt] = []

    def room(self) -> int:
        """Returns how many rows the open file still takes."""
        return self._limit - (self._export.receipt.rows_loaded if self._export else 0)

    def add(self, columns: Columns) -> None:
        """Writes rows into the open file, or opens the next one when they do not fit."""
        size = len(columns["code"])
        if not size:
            return
        if self._export and size > self.room():
            self._finish()
        if not self._export:
            path = next(self._paths)
            self._export = Export(self._raw, path, self._layout, self._heading, self._headings, self._rng, size=max(size, self._limit))
        self._export.add(columns, self._bad)
        self._bad = ()

    def _finish(self) -> None:
        if self._export:
            self._receipts.append(self._export.close())
        self._export = None

    def close(self) -> list[Receipt]:
        """Closes the last file and returns the receipts of all."""
        self._finish()
        return self._receipts


class FactLists:
    """The payments and digitization exports of a sample."""

    def __init__(
        self,
        raw: Path,
        district: District,
        moments: Moments,
        span: tuple[datetime, datetime],
        past: datetime,
        as_of: datetime,
        seed: int,
    ) -> None:
        """Prepares the files; none is opened before it has a row."""
        self._raw, self._past, self._rng = raw, past, np.random.default_rng([seed, 5])
        self._district, self._moments, self._span = district, moments, span
        self._book, self._text, self._tabbed = (self._scribe(x) for x in (_BOOK, _TEXT, _TABBED))
        stamp = f"{as_of:%Y%m%d%H%M%S}"
        pay, scan = Heading("payments", span, as_of), Heading("digitization", span, as_of)
        self._payment_book = self._roll("thanh toan/ThanhToan{n}.xlsx", _BOOK, pay, _BOOK_ROWS, BAD_PAYMENTS)
        self._payment_text = self._roll(f"thanh toan/thanh_toan{{n}}_{stamp}.csv", _TABBED, pay, _TEXT_ROWS, BAD_PAYMENTS)
        self._scan_text = self._roll(f"so_hoa{{n}}_{stamp}.csv", _TEXT, scan, _TEXT_ROWS, BAD_DIGITIZATION)
        self._scan_book = self._roll("Số hóa{n}.xlsx", _BOOK, scan, _BOOK_ROWS, BAD_DIGITIZATION)
        self._past_lists: list[Receipt] = []

    def _scribe(self, layout: Layout) -> Scribe:
        return Scribe(layout, self._district, self._moments, self._rng)

    def _roll(self, path: str, layout: Layout, heading: Heading, limit: int, bad: _Bad = ()) -> _Roll:
        columns = _PAYMENT_COLUMNS if heading.kind == "payments" else _DIGITIZATION_COLUMNS
        paths = (path.format(n="" if n == 1 else f"_{n}") for n in range(1, 10**6))
        return _Roll(self._raw, paths, layout, heading, columns, self._rng, limit, bad)

    def add(self, number: int, batch: Batch, fees: FeeLines, scans: Scans) -> None:
        """Writes the facts of a batch, into workbooks and text by turns as long as the workbooks have room."""
        if number % 2 and len(fees.row) <= self._payment_book.room():
            self._payment_book.add(self._book.payments(batch, fees))
        else:
            self._payment_text.add(self._tabbed.payments(batch, fees))
        if number % 2 == 0 and len(scans.row) <= self._scan_book.room():
            self._scan_book.add(self._book.digitization(batch, scans))
        else:
            self._scan_text.add(self._text.digitization(batch, scans))

    def write_past(self, batch: Batch, fees: FeeLines, scans: Scans, minute: int) -> None:
        """Writes the same facts as they were at an earlier minute; the newer exports must win."""
        batch = replace(batch, unit=units_at(batch, minute))
        early = (batch.submitted <= minute) & (np.arange(len(batch)) < _PAST_ROWS)
        pay, scan = Heading("payments", self._span, self._past), Heading("digitization", self._span, self._past)
        stamp = f"{self._past:%Y%m%d%H%M%S}"
        payments = self._roll("thanh toan/ThanhToan_cu.xlsx", _BOOK, pay, _BOOK_ROWS)
        payments.add(self._book.payments(batch, rewind_fees(fees, early, minute)))
        digitization = self._roll(f"cu/so_hoa_{stamp}.csv", _TEXT, scan, _TEXT_ROWS)
        keep = scans.row[early[scans.row]]
        nothing = np.full(len(keep), NONE)
        digitization.add(self._text.digitization(batch, Scans(keep, np.zeros(len(keep), dtype=np.int64), nothing, nothing)))
        self._past_lists += payments.close() + digitization.close()

    def close(self) -> list[Receipt]:
        """Closes all files and returns their receipts."""
        rolls = (self._payment_book, self._payment_text, self._scan_text, self._scan_book)
        return [r for roll in rolls for r in roll.close()] + self._past_lists
