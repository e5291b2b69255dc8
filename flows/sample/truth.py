"""What is true of the sample: every dossier in its final state, its facts, and what each file must yield."""

import csv
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from flows.sample import people
from flows.sample.cells import Moments
from flows.sample.district import District
from flows.sample.dossiers import ONLINE, Batch
from flows.sample.exports import Receipt
from flows.sample.fees import COLLECTIONS, KINDS, METHODS, STATES, FeeLines, Scans
from flows.sample.worktime import NONE, Worktime

CHANNEL_WORDS = np.array(["online", "counter", "postal"], dtype=object)
_PEOPLE_ROWS = 2000
_CASE_COLUMNS = [
    "case_code",
    "unit_code",
    "unit_valid_from",
    "procedure_code",
    "field_vi",
    "service_level",
    "channel",
    "submitted_at",
    "received_at",
    "due_at",
    "finished_at",
    "returned_at",
    "status_code",
    "is_fee_bearing",
    "fee_amount",
    "is_paid_online",
    "paid_at",
    "digitized_input_code",
    "is_result_digitized",
    "is_e_result",
    "has_result",
    "waiting_hours",
    "waiting_clock_hours",
    "supplements",
]
_PAYMENT_COLUMNS = ["case_code", "unit_code", "procedure_code", "kind", "amount", "collection", "method", "state", "paid_at"]
_DIGITIZATION_COLUMNS = ["case_code", "unit_code", "digitized_input_code", "is_result_digitized", "is_e_result"]


class Truth:
    """Writes the folder ``truth`` as the sample grows; complete after ``close``."""

    def __init__(self, folder: Path, district: District, clock: Worktime, moments: Moments, as_of: int) -> None:
        """Opens the files and writes their headings."""
        self._folder, self._district, self._clock, self._moments, self._as_of = folder, district, clock, moments, as_of
        folder.mkdir(parents=True)
        self._files: list[IO[str]] = []
        self._cases = self._open("dossiers.csv", _CASE_COLUMNS)
        self._payments = self._open("payments.csv", _PAYMENT_COLUMNS)
        self._digitization = self._open("digitization.csv", _DIGITIZATION_COLUMNS)
        units, procedures = district.units, district.procedures
        self._unit_codes = np.array([u.code for u in units], dtype=object)
        self._unit_begins = np.array([u.valid_from.isoformat() for u in units], dtype=object)
        self._procedure_codes = np.array([p.code for p in procedures], dtype=object)
        self._fields = np.array([p.field for p in procedures], dtype=object)
        self._levels = np.array([p.level for p in procedures], dtype=object)
        self._people: set[str] = set(people.known_values())
        self._people_left = _PEOPLE_ROWS
        self.dossiers = 0

    def _open(self, name: str, columns: Iterable[str]) -> Any:
        file = (self._folder / name).open("w", encoding="utf-8", newline="")
        self._files.append(file)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        return writer

    def add(self, batch: Batch, fees: FeeLines, scans: Scans) -> None:
        """Writes a batch of dossiers with their fee lines and digitization rows."""
        self.dossiers += len(batch)
        unit_codes = self._unit_codes[batch.unit]
        procedure_codes = self._procedure_codes[batch.procedure]
        columns = [
            batch.code.tolist(),
            unit_codes.tolist(),
            self._unit_begins[batch.unit].tolist(),
            procedure_codes.tolist(),
            self._fields[batch.procedure].tolist(),
            self._levels[batch.procedure].tolist(),
            CHANNEL_WORDS[batch.channel].tolist(),
            *(self._at(m) for m in (batch.submitted, batch.received, batch.due, batch.finished, batch.returned)),
            batch.status.tolist(),
            *self._fee_facts(batch, fees),
            *self._scan_facts(batch, scans),
            _flags(self._district.has_result[batch.procedure]),
            *self._waiting(batch),
            ["" if n == NONE else n for n in batch.supplements.tolist()],
        ]
        self._cases.writerows(zip(*columns, strict=True))
        lines = [
            batch.code[fees.row].tolist(),
            unit_codes[fees.row].tolist(),
            procedure_codes[fees.row].tolist(),
            _words(KINDS, fees.kind),
            fees.amount.tolist(),
            _words(COLLECTIONS, fees.collection),
            _words(METHODS, fees.method),
            _words(STATES, fees.state),
            self._at(fees.paid),
        ]
        self._payments.writerows(zip(*lines, strict=True))
        rows = [
            batch.code[scans.row].tolist(),
            unit_codes[scans.row].tolist(),
            scans.components.tolist(),
            _flags(scans.result),
            _flags(scans.e_result),
        ]
        self._digitization.writerows(zip(*rows, strict=True))
        seen = batch.take(np.arange(min(self._people_left, len(batch))))
        self._people_left -= len(seen)
        self._people.update(people.identity_numbers(seen.identity), people.phone_numbers(seen.phone))

    def _at(self, minutes: np.ndarray) -> list[Any]:
        return self._moments.write(minutes, "truth")

    def _fee_facts(self, batch: Batch, fees: FeeLines) -> list[list[Any]]:
        size = len(batch)
        counts, online = fees.counts, fees.is_paid_online
        bearing = np.bincount(fees.row[counts], minlength=size) > 0
        amount = np.bincount(fees.row[counts], weights=fees.amount[counts], minlength=size).astype(np.int64)
        is_online = np.bincount(fees.row[online], minlength=size) > 0
        never = np.iinfo(np.int64).max
        paid = np.full(size, never)
        np.minimum.at(paid, fees.row[online], fees.paid[online])
        amounts = np.where(bearing, amount.astype(object), "")
        return [_flags(bearing), amounts.tolist(), _flags(is_online), self._at(np.where(paid == never, NONE, paid))]

    def _scan_facts(self, batch: Batch, scans: Scans) -> list[list[Any]]:
        facts = []
        for values in (scans.components, scans.result, scans.e_result):
            column = np.full(len(batch), NONE)
            column[scans.row] = values
            facts.append(column)
        components: list[Any] = ["" if c == NONE else c for c in facts[0].tolist()]
        return [components, _flags(facts[1]), _flags(facts[2])]

    def _waiting(self, batch: Batch) -> list[list[Any]]:
        """Returns the working hours and the plain hours of waiting, blank where the clock does not run."""
        end = np.where(batch.received == NONE, self._as_of, batch.received)
        working = self._clock.waiting_minutes(batch.submitted, end).tolist()
        plain = np.maximum(end - batch.submitted, 0).tolist()
        runs = ((batch.channel == ONLINE) & (batch.status != 3)).tolist()
        return [[round(m / 60, 4) if r else "" for m, r in zip(minutes, runs, strict=True)] for minutes in (working, plain)]

    def close(
        self,
        receipts: list[Receipt],
        summary06: dict[str, dict[str, int]],
        aggregates: dict[str, dict[str, dict[str, int]]],
        facts: dict[str, Any],
    ) -> None:
        """Writes what is known only at the end, and closes all files.

        Args:
            receipts: One a file below raw that must be noticed.
            summary06: The numbers of Biểu 06 by unit.
            aggregates: Those of the other tables per unit, by kind and unit.
            facts: The arguments the sample was made with.
        """
        for file in self._files:
            file.close()
        catalogue = self._open("procedures.csv", ["procedure_code", "name_vi", "field_vi", "service_level", "fee", "has_result"])
        listed = [p for p in self._district.procedures if p.is_listed]
        catalogue.writerows([p.code, p.name, p.field, p.level, p.fee, "true" if p.has_result else "false"] for p in listed)
        self._files[-1].close()
        people_text = "".join(f"{p}\n" for p in sorted(self._people))
        (self._folder / "people.txt").write_text(people_text, encoding="utf-8", newline="\n")
        self._dump("files.json", {r.path: _receipt_facts(r) for r in sorted(receipts, key=lambda r: r.path)})
        self._dump("summary06.json", summary06)
        self._dump("aggregates.json", aggregates)
        self._dump("sample.json", facts)

    def _dump(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (self._folder / name).write_text(text, encoding="utf-8", newline="\n")


def iso(moment: datetime) -> str:
    """Returns a moment as the truth writes it."""
    return moment.isoformat(sep="T", timespec="seconds")


def _words(words: tuple[str, ...], index: np.ndarray) -> list[str]:
    return [words[i] for i in index.tolist()]


def _flags(values: np.ndarray) -> list[str]:
    return [("false", "true", "")[i] for i in values.astype(np.int64).tolist()]


def _receipt_facts(receipt: Receipt) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": receipt.kind, "status": receipt.status}
    if receipt.exported_at:
        facts["exported_at"] = str(receipt.exported_at)
    reasons = receipt.reject_reasons
    return facts | {"rows_loaded": receipt.rows_loaded, "rows_rejected": len(reasons), "reject_reasons": reasons}
