"""One export file: titles and headings, rows with all the dirt its layout asks for, footers, and its receipt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from flows.sample import people, words
from flows.sample.cells import Columns
from flows.sample.district import SILENT_UNIT
from flows.sample.forms import Cell, Container, Form, Row, pack
from flows.sample.layouts import Layout
from flows.sample.markup import HtmlFile, OdsFile
from flows.sample.spelling import SPELLINGS, add_noise, retone
from flows.sample.textfiles import TextFile
from flows.sample.workbooks import XlsFile, XlsxFile, spoil_dimension

_STT = "STT"
_NUMBER_COLUMNS = ("amount", "procedure_code", "supplements")
_STREAMED_ABOVE = 5000


@dataclass
class Receipt:
    """What a correct reader must say of one file; ``exported_at`` only of files that are read."""

    path: str
    kind: str | None
    status: str
    exported_at: datetime | None = None
    rows_loaded: int = 0
    reject_reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Heading:
    """Where an export stands in time, for its titles and its name."""

    kind: str
    period: tuple[datetime, datetime]
    exported_at: datetime


class Export:
    """A file being written; ``add`` columns as often as needed, then ``close``."""

    def __init__(
        self,
        root: Path,
        path: str,
        layout: Layout,
        heading: Heading,
        headings: Mapping[str, Sequence[str]],
        rng: np.random.Generator,
        *,
        size: int = 0,
    ) -> None:
        """Opens the file.

        Args:
            root: The folder of raw exports.
            path: Below it, with ``/``.
            layout: The file's shape.
            heading: Kind, period and export time.
            headings: Columns to write and the words each may have as heading.
            rng: Source of chance.
            size: Rows to expect; large workbooks are streamed.
        """
        self._layout, self._rng = layout, rng
        self.receipt = Receipt(path, heading.kind, "loaded", heading.exported_at)
        self._path = root / path
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._columns = self._order(list(headings))
        self._form = self._make_form(heading, headings)
        self._container = self._open(size)
        self._count = 0
        self._section = ""
        self._sections = 0
        self._first_rows: list[list[Cell]] = []

    def _order(self, columns: list[str]) -> list[str]:
        if self._layout.is_shuffled:
            columns = [str(c) for c in self._rng.permutation(columns)]
        return [_STT, *columns] if self._layout.has_stt else columns

    def _spelled(self, text: str) -> str:
        layout = self._layout
        # Only the rows were typed in the old font; titles and headings come from the system.
        text = text if layout.spelling == "tcvn3" else SPELLINGS[layout.spelling](text)
        text = retone(text) if layout.is_retoned else text
        return add_noise(text, self._rng) if layout.is_noisy else text

    def _make_form(self, heading: Heading, headings: Mapping[str, Sequence[str]]) -> Form:
        titles: list[str] = []
        if self._layout.has_titles:
            period = "(Từ ngày {:%d/%m/%Y} đến ngày {:%d/%m/%Y})".format(*heading.period)
            made = f"Thời điểm xuất: {heading.exported_at:%d/%m/%Y %H:%M}"
            titles = [words.PROVINCE_TITLE, words.SYSTEM_TITLE, words.TITLES[heading.kind], period, made, ""]
        names = [_STT if c == _STT else str(self._rng.choice(headings[c])) for c in self._columns]
        header, spans = [names], list[tuple[int, int, int, int]]()
        if self._layout.is_grouped:
            dates = [i for i, c in enumerate(self._columns) if c in words.DATE_COLUMNS]
            header.append([""] * len(names))
            for i in dates:
                header[1][i] = str(self._rng.choice(words.GROUPED_HEADINGS[self._columns[i]]))
                names[i] = ""
            names[dates[0]] = words.DATE_GROUP
            spans = [(0, i, 2, 1) for i in range(len(names)) if i not in dates]
            spans.append((0, dates[0], 1, len(dates)))
        kinds = ["number" if c in (_STT, *_NUMBER_COLUMNS) else "text" for c in self._columns]
        if self._layout.dates == "cell":
            kinds = ["date" if c in (*words.DATE_COLUMNS, "paid") else k for c, k in zip(self._columns, kinds, strict=True)]
        return Form(
            name="Danh sách hồ sơ" if heading.kind == "cases" else "Sheet",
            titles=tuple(self._spelled(t) for t in titles),
            header=tuple(tuple(self._spelled(h) for h in row) for row in header),
            spans=tuple(spans),
            kinds=tuple(kinds),
        )

    def _open(self, size: int) -> Container:
        layout, form = self._layout, self._form
        path = self._path
        if layout.is_zipped:
            path = path.with_name(f"danh_sach.{'csv' if layout.container == 'text' else layout.container}")
        self._inner = path
        if layout.container == "text":
            return TextFile(path, form, layout.encoding, layout.delimiter)
        if layout.container == "html":
            return HtmlFile(path, form)
        if layout.container == "ods":
            return OdsFile(path, form)
        if layout.container == "xls":
            return XlsFile(path, form)
        font = ".VnTime" if layout.spelling == "tcvn3" else ""
        guide = words.GUIDE if layout.has_other_sheets else ()
        return XlsxFile(path, form, is_streamed=size > _STREAMED_ABOVE, font=font, guide=guide)

    def add(
        self,
        columns: Columns,
        bad: Sequence[tuple[str, dict[str, str]]] = (),
        sections: Sequence[str] = (),
    ) -> None:
        """Writes rows, and among them the bad ones: copies of good rows with some cells changed.

        Args:
            columns: Cells by column; those the file does not show are left out.
            bad: Reasons to refuse a row, with the cells that give it.
            sections: For each row the section it stands in, when the file has sections.
        """
        size = len(columns["code"])
        first = self._count + 1
        if self._layout.has_stt:
            is_text = self._layout.container == "text"
            numbers = range(first, first + size)
            columns = {**columns, _STT: [str(n) if is_text else float(n) for n in numbers]}
        self._count += size
        self.receipt.rows_loaded += size
        shown = [columns[c] for c in self._columns]
        layout = self._layout
        is_plain = not (layout.is_noisy or layout.repeats_header or layout.has_numbers_row or layout.has_other_sheets)
        if is_plain and not bad and not sections:
            self._container.add(zip(*shown, strict=True))
            return
        rows: list[list[Cell]] = [list(r) for r in zip(*shown, strict=True)]
        self._first_rows = rows[:3]
        self._container.add(self._with_dirt(rows, bad, sections))

    def _with_dirt(self, rows: list[list[Cell]], bad: Sequence[tuple[str, dict[str, str]]], sections: Sequence[str]) -> list[Row]:
        written: list[Row] = []
        if self._layout.has_numbers_row:
            written.append([f"({i + 1})" for i in range(len(self._columns))])
        places = sorted(self._rng.integers(0, len(rows), len(bad)).tolist()) if rows else []
        faults = list(bad)
        for i, row in enumerate(rows):
            if sections and sections[i] != self._section:
                self._section = sections[i]
                written.append((self._across(self._section),))
            if self._layout.repeats_header and i == len(rows) // 2:
                written.extend(self._form.header)
            while faults and places[len(bad) - len(faults)] == i:
                written.append(self._refused(row, *faults.pop(0)))
            written.append(row)
        if self._layout.is_noisy:
            return [[add_noise(c, self._rng) if isinstance(c, str) else c for c in row] for row in written]
        return written

    def _across(self, section: str) -> str:
        if self._layout.sections == "unit":
            return section
        roman = words.ROMAN[self._sections % len(words.ROMAN)]
        self._sections += 1
        return f"{roman}. LĨNH VỰC {section}"

    def _refused(self, row: list[Cell], reason: str, cells: dict[str, str]) -> list[Cell]:
        self.receipt.reject_reasons.append(reason)
        code = f"{SILENT_UNIT}-{self._stamp()}-{len(self.receipt.reject_reasons):04d}"
        cells = {"code": code, **cells}
        changed = list(row)
        for column, cell in cells.items():
            changed[self._columns.index(column)] = cell.format(year=self._year())
        return changed

    def _year(self) -> int:
        return self.receipt.exported_at.year if self.receipt.exported_at else 0

    def _stamp(self) -> str:
        return f"{self._year() % 100:02d}0115"

    def close(self) -> Receipt:
        """Writes total and signatures, finishes the file and returns its receipt."""
        hidden: list[list[Cell]] = []
        if self._layout.has_other_sheets:
            at = self._columns.index("code")
            hidden = [[*r[:at], f"{SILENT_UNIT}-{self._stamp()}-99{i:02d}", *r[at + 1 :]] for i, r in enumerate(self._first_rows)]
        if isinstance(self._container, XlsxFile):
            self._container.close(self._footers(), hidden)
        else:
            self._container.close(self._footers())
        if self._layout.has_wrong_dimension:
            spoil_dimension(self._inner)
        if self._layout.is_zipped:
            pack(self._inner, self._path, self._inner.name)
        self.receipt.reject_reasons.sort()
        return self.receipt

    def _footers(self) -> list[Row]:
        rows: list[Row] = []
        if self._layout.has_total:
            total = f"Tổng cộng: {self._count:,} hồ sơ".replace(",", ".")
            rows.append(["", total] if self._rng.random() < 0.5 else [total])
        if self._layout.has_signature:
            at = int(self._rng.choice([1, len(self._columns) - 4]))
            rows += [[""], *([*[""] * at, line] for line in (*words.SIGNATURES, "", people.SIGNER))]
        return [[self._spelled(str(c)) for c in row] for row in rows]
