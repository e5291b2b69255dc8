"""A worksheet read in slices of some thousand rows: each is unpacked, and its cells are cut out of the XML by columns (`plain_cells`).

A slice that is not plain enough for that is handed to fastexcel as a small workbook of its own. Either is faster than handing over the whole
file, because the XML is unpacked once and stays in the processor's cache, and a workbook of a million rows costs no more memory than its
cells. Whatever else a sheet may be, it is read whole (`xlsx.read`); all ways give the same cells (tests/unit/test_slices.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pyarrow as pa

from transforms.readers.plain_cells import CellReader, NotPlainCells
from transforms.readers.sheet_xml import (
    ANY_REF,
    DEFAULT_STYLE,
    FILLED_CELL,
    FILLED_ROW,
    FREE_RECTANGLE,
    MIN_FILL,
    NOT_ONLY_CELLS,
    CellStyles,
    column_number,
    has_far_numbers,
    is_odd,
    is_suspicious,
    merged_down,
    special_cells,
    unpack,
)
from transforms.readers.small_books import CLOSING, NotPlain, SmallBooks

# Measured on inline text: 1 to 4 MB are equally fast, 64 MB cost a quarter more.
SLICE_BYTES = 2 << 20
# fastexcel allocates the rectangle around a slice's cells; its columns are known to stand before AAA.
_MOST_ROWS = 30_000
_TOO_ODD = re.compile(rb"r=[\"'][A-Z]{3}\d|" + NOT_ONLY_CELLS.encode())
# A row or cell whose quotes do not close before its tag does: to fastexcel the tag goes on, maybe beyond the slice.
_TORN_TAG = re.compile(rb"""<(?:row|c)\b(?!(?:[^"'<>]|"[^"<>]*"|'[^'<>]*')*>)""")
_OPENING = re.compile(rb"<worksheet\b.*?<sheetData\s*>", re.DOTALL)
_ROW = re.compile(rb"\s*<row\b[^>]*?\br=[\"'](\d{1,7})[\"']")
_END = b"</sheetData>"
_PROBE = b'" t="str"><v>.</v></c>'


@dataclass
class Cells:
    """The cells of a sheet.

    Attributes:
        first_row: row of the first filled cell.
        columns: from column A on, blank cells as null.
        refs: cells to be looked at again, see `sheet_xml.special_cells`.
        merged: see `sheets.Sheet`.
    """

    first_row: int
    columns: list[pa.Array]
    refs: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass
class _Slice:
    first: int  # the rows of its first and last cell, filled or not
    last: int
    row: int  # of its first filled cell
    left: int  # columns to the left of the first one
    columns: list[pa.Array]
    reach: int  # the last column with a cell

    @property
    def height(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def read_slices(books: SmallBooks, part: str, sheet_name: str, styles: CellStyles, max_rows: int) -> Cells:
    """All cells of one worksheet.

    Args:
        books: the workbook.
        part: path of the worksheet inside it.
        sheet_name: its name in the workbook.
        styles: what its styles tell.
        max_rows: the last row there may be.

    Raises:
        NotPlain: the sheet must be read whole; that also tells what is wrong with a damaged one.
    """
    try:
        return _SliceReader(books, part, sheet_name, styles, max_rows).read()
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib and fastexcel each raise their own for what is damaged
        raise NotPlain from error


class _SliceReader:
    """Reads one worksheet."""

    def __init__(self, books: SmallBooks, part: str, sheet_name: str, styles: CellStyles, max_rows: int) -> None:
        self._books, self._part, self._name, self._max_rows = books, part, sheet_name, max_rows
        self._styles = styles
        self._plain: CellReader | None = None
        self._slices: list[_Slice] = []
        self._refs: dict[tuple[int, int], str] = {}

    def read(self) -> Cells:
        last_row = 0
        below: list[bytes] = []
        for opening, rows in _cut(unpack(self._books.data, self._books.archive, self._part), below):
            if not self._slices:
                self._start(opening)
            piece = self._read_plain(rows) or self._read_any(opening, rows)
            if not last_row < piece.first <= piece.last <= self._max_rows:
                raise NotPlain
            if not (self._slices or piece.height):  # the sheet begins at its first filled cell, a later slice at its first row
                raise NotPlain
            last_row = piece.last
            self._slices.append(piece)
        slices = self._slices
        reach = max((piece.reach for piece in slices), default=0)
        slices = [piece for piece in slices if piece.height]  # rows may be without filled cells
        self._slices.clear()
        if not slices:
            raise NotPlain
        filled = sum(len(column) - column.null_count for piece in slices for column in piece.columns)
        rectangle = (last_row - slices[0].row + 1) * reach
        if rectangle > FREE_RECTANGLE and rectangle > MIN_FILL * filled:
            raise NotPlain
        return Cells(slices[0].row, _join(slices), self._refs, merged_down(b"".join(below)))

    def _start(self, opening: bytes) -> None:
        """What stands above the rows is for fastexcel to accept."""
        ask = self._books.ask_cells(self._name, self._part, opening)
        if ask(pa.array([_PROBE], pa.binary())).to_pylist() != ["."]:
            raise NotPlain
        if self._books.shared is not None:
            self._plain = CellReader(ask, self._books.shared)

    def _read_plain(self, rows: bytes) -> _Slice | None:
        """The cells by columns, None where that cannot be; fonts that tell are told cell by cell."""
        if self._plain is None or any(style == DEFAULT_STYLE or b's="%b"' % style in rows for style in self._styles.tcvn3):
            return None
        try:
            part = self._plain.read(rows, _MOST_ROWS)
        except (NotPlainCells, ValueError, IndexError):
            return None
        return _Slice(part.first, part.last, part.row, 0, part.columns, part.reach)

    def _read_any(self, opening: bytes, rows: bytes) -> _Slice:
        if not self._books.carries_all:
            raise NotPlain
        odd = is_odd(rows)
        if (odd and _TOO_ODD.search(rows)) or _TORN_TAG.search(rows):
            raise NotPlain
        at = rows.rfind(b"<row ")
        first_match, last_match = _ROW.match(rows), _ROW.match(rows, max(at, 0))
        if first_match is None or last_match is None:
            raise NotPlain
        first, last = int(first_match[1]), int(last_match[1])
        numbers = [int(number) for number in FILLED_ROW.findall(rows)]
        if first > last or last - first >= _MOST_ROWS or any(above >= below for above, below in pairwise(numbers)):
            raise NotPlain
        # Above all slices but the first stands a cell in A, so that fastexcel counts rows and columns from there, whatever a slice begins with.
        guide = b'<row r="%d"><c r="A%d" t="str"><v>.</v></c></row>' % (first - 1, first - 1) if self._slices else b""
        batch, left = self._books.read_rows(self._name, self._part, b"".join([opening, guide, rows, CLOSING]))
        row = first
        if self._slices:
            batch = batch.slice(1)
        else:
            found = FILLED_CELL.search(rows)
            if found is None or not batch.num_columns:
                raise NotPlain
            row = int(found[2])
        if row + batch.num_rows > last + 1:  # a cell says that it stands in another row
            raise NotPlain
        reach = max(left + batch.num_columns, *(column_number(ref[1]) for ref in ANY_REF.finditer(rows, max(at, 0))), 0)
        if self._styles.tcvn3 or (odd and is_suspicious(rows)) or (self._styles.dates and has_far_numbers(rows)):
            self._refs |= special_cells(rows, self._styles)
        return _Slice(first, last, row, left, batch.columns, reach)


def _cut(pieces: Iterator[bytes], below: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """What stands before the rows, and some whole rows, until there are none left; what stands below them is put into `below`."""
    opening = b""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size < SLICE_BYTES:
            continue
        block = b"".join(waiting)
        opening, begin = (opening, 0) if opening else _opening(block)
        end = block.rfind(b"</row>") + len(b"</row>")
        if end <= begin:
            raise NotPlain
        rest = block[end:]
        if _END in rest:
            waiting = [block[begin:] if begin else block]
            break
        yield opening, block[begin:end]
        waiting, size = [rest], len(rest)
    for piece in pieces:  # what follows the rows: unpacked, because only its end tells that nothing is damaged
        waiting.append(piece)
    block = b"".join(waiting)
    opening, begin = (opening, 0) if opening else _opening(block)
    end = block.find(_END, max(block.rfind(b"</row>"), begin))
    if end < 0:
        raise NotPlain
    below.append(block[end:])
    if block[begin:end].strip():
        yield opening, block[begin:end]


def _opening(block: bytes) -> tuple[bytes, int]:
    found = _OPENING.search(block)
    if found is None or b"<!" in block[: found.end()]:
        raise NotPlain
    return block[: found.end()], found.end()


def _join(slices: list[_Slice]) -> list[pa.Array]:
    """One array a column, with blanks for the rows and columns that slices do not reach; takes the slices' own arrays away from them."""
    width = max(piece.left + len(piece.columns) for piece in slices)
    height = max(piece.row + piece.height for piece in slices) - slices[0].row
    pieces = [(piece.row - slices[0].row, piece.left, piece.columns) for piece in slices]
    slices.clear()
    columns = []
    for position in range(width):
        parts: list[pa.Array] = []
        below = 0
        for row, left, arrays in pieces:
            if not left <= position < left + len(arrays):
                continue
            part = arrays[position - left]
            if row > below:
                parts.append(pa.nulls(row - below, pa.string()))
            parts.append(part)
            below = row + len(part)
            arrays[position - left] = None
        parts.append(pa.nulls(height - below, pa.string()))
        columns.append(pa.concat_arrays(parts))
    return columns
