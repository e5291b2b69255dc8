"""Canonical columns of numbers to cells: dates in every form, words in every spelling."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

import numpy as np

from flows.sample import people
from flows.sample.district import District
from flows.sample.dossiers import Batch
from flows.sample.fees import COLLECTIONS, KINDS, METHODS, STATES, FeeLines, Scans
from flows.sample.forms import Cell, plain_number
from flows.sample.layouts import Layout
from flows.sample.people import Texts
from flows.sample.spelling import SPELLINGS, retone
from flows.sample.words import CHANNELS, COMPONENTS, LEVELS, NO, STATUSES, UNKNOWN_LEVEL, YES
from flows.sample.worktime import DAY, NONE, Ints, Worktime

Columns = dict[str, list[Cell]]

_UTC_OFFSET = 7 * 60
_BINARY = ("xlsx", "xls", "ods")


def texts(values: Iterable[str]) -> Texts:
    """Returns texts as an array to pick from."""
    return np.array(list(values), dtype=object)


class Moments:
    """Moments as cells, by looking up days and times of day."""

    def __init__(self, clock: Worktime) -> None:
        """Prepares the texts of all days and all minutes of a day."""
        days = [clock.moment(d * DAY) for d in range(clock.days)]
        times = [f"{m // 60:02d}:{m % 60:02d}" for m in range(DAY)]
        self._dmy = texts(f"{d:%d/%m/%Y}" for d in days)
        self._iso = texts(f"{d:%Y-%m-%d}" for d in days)
        self._times = {
            "dmy_hm": texts(f" {t}" for t in times),
            "dmy_hms": texts(f" {t}:00" for t in times),
            "hm_dmy": texts(f"{t} " for t in times),
            "iso": texts(f" {t}:00" for t in times),
            "utc": texts(f"T{t}:00.000+0000" for t in times),
            "truth": texts(f"T{t}:00" for t in times),
        }
        self._first_serial = (clock.origin.date() - date(1899, 12, 30)).days

    def write(self, minutes: Ints, form: str, is_day: bool = False) -> list[Cell]:
        """Returns one cell a moment in a form of ``Layout.dates`` (or ``truth``); blank where there is none."""
        blank = minutes == NONE
        known = np.where(blank, _UTC_OFFSET, minutes) - (_UTC_OFFSET if form == "utc" else 0)
        if form in ("cell", "serial"):
            serials = self._first_serial + (known // DAY if is_day else known / DAY)
            cells = serials.astype(float).astype(object)
        elif is_day:
            cells = (self._iso if form in ("iso", "utc") else self._dmy)[known // DAY]
        elif form == "hm_dmy":
            cells = self._times[form][known % DAY] + self._dmy[known // DAY]
        else:
            days = self._dmy if form.startswith("dmy") else self._iso
            cells = days[known // DAY] + self._times[form][known % DAY]
        cells[blank] = ""
        result: list[Cell] = cells.tolist()
        return result


class Scribe:
    """Writes dossiers, fee lines and digitization rows the way one layout does."""

    def __init__(self, layout: Layout, district: District, moments: Moments, rng: np.random.Generator) -> None:
        """Spells all words once, so that rows only pick from them."""
        self._layout, self._district, self._moments, self._rng = layout, district, moments, rng
        self._is_binary = layout.container in _BINARY
        spell = SPELLINGS[layout.spelling]
        self._spell: Callable[[str], str] = (lambda t: spell(retone(t))) if layout.is_retoned else spell
        units, procedures = district.units, district.procedures
        self._units = self._variants([self._unit_names(u.name, u.aliases) for u in units])
        self._names = self._pool(p.name for p in procedures)
        self._fields = self._pool(p.field for p in procedures)
        self._levels = self._variants([self._chosen(LEVELS[k]) for k in LEVELS])
        self._level = np.array([list(LEVELS).index(p.level) for p in procedures])
        self._channels = self._variants([self._chosen(c) for c in CHANNELS])
        self._statuses = self._pool(STATUSES)
        self._codes = self._procedure_codes()

    def _pool(self, values: Iterable[str]) -> Texts:
        return texts(self._spell(v) for v in values)

    def _variants(self, words: Sequence[Sequence[str]]) -> Texts:
        width = max(len(w) for w in words)
        return texts(self._spell(w[i % len(w)]) for w in words for i in range(width)).reshape(len(words), width)

    def _pick(self, variants: Texts, index: Ints) -> list[Cell]:
        cells: list[Cell] = variants[index, self._rng.integers(0, variants.shape[1], len(index))].tolist()
        return cells

    def _unit_names(self, name: str, aliases: tuple[str, ...]) -> list[str]:
        if self._layout.units == "name":
            return [name]
        return [name, name, name.upper(), retone(name), *filter(None, aliases)]

    def _chosen(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return {"first": words[:1], "old": words[-1:], "any": words}[self._layout.words]

    def _procedure_codes(self) -> Texts:
        codes = [p.code for p in self._district.procedures]
        if self._layout.codes == "number":
            numbers = [float(c) for c in codes]
            return np.array(numbers if self._is_binary else [plain_number(n) for n in numbers], dtype=object)
        suffix = {"long": ".000.00.00.H48", "short": ".H48", "bare": ""}[self._layout.codes]
        return texts(c + suffix for c in codes)

    def moments(self, minutes: Ints, is_day: bool = False) -> list[Cell]:
        """Returns moments in the layout's form."""
        return self._moments.write(minutes, self._layout.dates, is_day)

    def section(self, batch: Batch, row: int) -> str:
        """Returns the text of the section that a dossier belongs to: its unit or its field, in capitals."""
        if self._layout.sections == "unit":
            return self._spell(self._district.units[batch.unit[row]].name.upper())
        return self._spell(self._district.procedures[batch.procedure[row]].field.upper())

    def _level_words(self, batch: Batch) -> list[Cell]:
        level = self._level[batch.procedure].copy()
        # Rows that contradict the catalogue: it wins, so they may say anything where it knows the procedure.
        wrong = self._district.is_listed[batch.procedure] & (self._rng.random(len(batch)) < 0.02)
        level[wrong] = self._rng.integers(0, len(LEVELS), int(wrong.sum()))
        cells = self._pick(self._levels, level)
        listed = np.flatnonzero(self._district.is_listed[batch.procedure])
        if self._layout.has_bad_rows and len(listed):
            cells[int(listed[0])] = UNKNOWN_LEVEL
        return cells

    def _unit_words(self, batch: Batch) -> list[Cell]:
        cells = self._pick(self._units, batch.unit)
        if self._layout.leaves_units_blank:
            for row in np.flatnonzero(batch.is_own_prefix & (self._rng.random(len(batch)) < 0.04)).tolist():
                cells[row] = ""
        return cells

    def _counts(self, numbers: Ints) -> list[Cell]:
        """Returns whole numbers as cells, blank where there is none."""
        return ["" if n == NONE else float(n) if self._is_binary else str(n) for n in numbers.tolist()]

    def cases(self, batch: Batch) -> Columns:
        """Returns the columns of a list of dossiers."""
        return {
            "code": batch.code.tolist(),
            "procedure_code": self._codes[batch.procedure].tolist(),
            "procedure_name": self._names[batch.procedure].tolist(),
            "field": self._fields[batch.procedure].tolist(),
            "level": self._level_words(batch),
            "unit": self._unit_words(batch),
            "channel": self._pick(self._channels, batch.channel),
            "owner": self._pool(people.NAMES)[batch.owner].tolist(),
            "identity": list(people.identity_numbers(batch.identity)),
            "phone": list(people.phone_numbers(batch.phone)),
            "address": self._pool(people.ADDRESSES)[batch.hamlet].tolist(),
            "email": people.EMAILS[batch.owner % len(people.EMAILS)].tolist(),
            "birthday": people.BIRTHDAYS[batch.owner % len(people.BIRTHDAYS)].tolist(),
            "submitted": self.moments(batch.submitted),
            "received": self.moments(batch.received),
            "due": self.moments(batch.due, self._layout.due_is_day),
            "finished": self.moments(batch.finished),
            "returned": self.moments(batch.returned),
            "status": self._statuses[batch.status].tolist(),
            "supplements": self._counts(batch.supplements),
            "officer": self._pool(people.OFFICERS)[batch.officer].tolist(),
            "note": self._pool(people.NOTES)[batch.identity % len(people.NOTES)].tolist(),
            "unheard": [""] * len(batch),
        }

    def payments(self, batch: Batch, lines: FeeLines) -> Columns:
        """Returns the columns of a list of fee lines."""
        batch = batch.take(lines.row)
        forms: tuple[Callable[[int], Cell], ...] = (lambda a: f"{a:,}".replace(",", "."), str)
        if self._is_binary:
            forms = (*forms, float)
        form = self._rng.integers(0, len(forms), len(lines.row)).tolist()
        return {
            "code": batch.code.tolist(),
            "procedure_code": self._codes[batch.procedure].tolist(),
            "procedure_name": self._names[batch.procedure].tolist(),
            "unit": self._unit_words(batch),
            "kind": self._pool(KINDS)[lines.kind].tolist(),
            "amount": [forms[f](a) for f, a in zip(form, lines.amount.tolist(), strict=True)],
            "collection": self._pool(COLLECTIONS)[lines.collection].tolist(),
            "method": self._pool(METHODS)[lines.method].tolist(),
            "state": self._pool(STATES)[lines.state].tolist(),
            "paid": self.moments(lines.paid),
        }

    def digitization(self, batch: Batch, scans: Scans) -> Columns:
        """Returns the columns of a digitization list."""
        batch = batch.take(scans.row)
        # Row 2 is "does not apply", which -1 picks.
        answers = self._variants([NO, YES, ("",)])
        return {
            "code": batch.code.tolist(),
            "unit": self._unit_words(batch),
            "components": self._pool(COMPONENTS)[scans.components].tolist(),
            "result": self._pick(answers, scans.result),
            "e_result": self._pick(answers, scans.e_result),
        }
