"""The cells of plain worksheet XML made into columns at once, without a parser.

Plain are rows and cells as Excel, LibreOffice and the usual libraries write them, byte for byte (`_SHAPES`). That every tag of a block is one of
theirs is counted, so nothing else can hide in a text. What a cell says that is more than its bytes - numbers, dates, entities, spaces at the
ends - is asked of fastexcel, once for every different one. So both ways give the same cells (tests/unit/test_plain_cells.py).
Measured on 100,000 rows of 28 columns, unpacking included: a third of the CPU time of handing the slices to fastexcel where texts stand in their
cells, half of that of reading whole where they are shared, two thirds where five columns are dates.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.readers.spans import Block, Scratch, Text, between, mask

_BLANK, _TEXT, _TRIMMED, _SHARED, _NUMBER, _OTHER = range(6)


class _Shape(NamedTuple):
    """How a cell may be written: from the end of its reference or style to its content, and from there to its end."""

    head: Text
    tail: Text
    kind: int
    tags: int


_SHAPES = [
    _Shape(Text(head), Text(tail), kind, (head + tail).count(b"<") + 1)
    for head, tail, kind in (
        (b'" t="inlineStr"><is><t>', b"</t></is></c>", _TRIMMED),
        (b'" t="s"><v>', b"</v></c>", _SHARED),
        (b'"><v>', b"</v></c>", _NUMBER),
        (b'"/>', b"", _BLANK),
        (b'"></c>', b"", _BLANK),
        (b'" t="str"><v>', b"</v></c>", _TEXT),
        (b'" t="n"><v>', b"</v></c>", _NUMBER),
        (b'" t="inlineStr"><is><t xml:space="preserve">', b"</t></is></c>", _TEXT),
        (b'" t="b"><v>', b"</v></c>", _OTHER),
    )
]
_CELL, _ROW, _ROW_END, _STYLE = Text(b'<c r="'), Text(b'<row r="'), Text(b"</row>"), Text(b'" s="')
# A further r would be another number; an entity would have to be one that XML knows.
_ATTRIBUTES = r'"(?: (?:[a-qs-zA-Z][\w:]*|r\w[\w:]*)="[^"<&]*")*[ ]?'
_ROW_WITH_CELLS = rf"^{_ATTRIBUTES}>\s*$"
_ROW_WITHOUT = rf"^{_ATTRIBUTES}(?:/>|>\s*</row>)\s*$"
# What a number says of itself where its style is none of a date; fastexcel rounds fractions.
_INTEGER = "^(?:0|-?[1-9][0-9]{0,14})$"
_MOST_COLUMNS = 26 * 27
_MOST_DIGITS = 7
_MASKS = np.array([mask(digits + 1) for digits in range(_MOST_DIGITS + 1)], np.uint64)
_LAST_ASCII = 0x7F


class NotPlainCells(Exception):
    """Something here is written in another way."""


@dataclass
class Part:
    """The cells of some rows.

    Attributes:
        first, last: the rows that the first and last of them have, filled or not.
        row: of the first filled cell.
        columns: from column A on, from that row on; none where no cell is filled.
        reach: the last column with a cell, filled or not.
    """

    first: int
    last: int
    row: int
    columns: list[pa.Array]
    reach: int


@dataclass
class _Cells:
    """Some cells, one element each: positions in the block and in the sheet."""

    reference_end: np.ndarray
    style_end: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    whole_end: np.ndarray
    kind: np.ndarray
    row: np.ndarray
    column: np.ndarray


@dataclass
class CellReader:
    """Reads the blocks of one sheet.

    Attributes:
        ask: gives the texts of some cells, each written from the end of its reference on; null where fastexcel sees none.
        shared: the workbook's shared texts.
    """

    ask: Callable[[pa.Array], pa.Array]
    shared: pa.Array
    _scratch: Scratch = field(default_factory=Scratch)
    _styles: dict[bytes, bool] = field(default_factory=dict)  # whether a number of this style is a number

    def read(self, xml: bytes, most_rows: int) -> Part:
        """The cells of whole rows.

        Raises:
            NotPlainCells: something is not plain, or the rows span more than so many.
        ValueError, IndexError: damaged, or no UTF-8.
        """
        block = Block(xml, self._scratch)
        cells, numbers = _find_cells(block, most_rows)
        filled = (cells.kind != _BLANK).nonzero()[0]
        reach = int(cells.column.max(initial=0))
        first, last = int(numbers[0]), int(numbers[-1])
        if not len(filled):
            return Part(first, last, first, [], reach)
        top = int(cells.row[filled[0]])
        height, width = int(cells.row[filled[-1]]) - top + 1, int(cells.column[filled].max())
        spots = (cells.column - 1) * height + (cells.row - top)
        columns: list[pa.Array] = [None] * width
        is_foreign = block.raw.max() > _LAST_ASCII
        for texts, which, elements in self._texts(block, cells):
            spread = np.full(width * height, -1, np.int32)
            spread[spots[which]] = elements
            taken = texts.take(pa.array(spread, mask=spread < 0))
            if is_foreign:
                taken.validate(full=True)
            for at in range(width):
                part = taken.slice(at * height, height)
                columns[at] = part if columns[at] is None else _merge(columns[at], part)
        return Part(first, last, top, columns, reach)

    def _texts(self, block: Block, cells: _Cells) -> list[tuple[pa.Array, np.ndarray, np.ndarray]]:
        """Where the texts of filled cells stand: arrays, which cells have theirs in each, and as which elements."""
        own = between(block.data, cells.begin, cells.end)
        is_asked = cells.kind == _OTHER
        self._mark_numbers(block, cells, own, is_asked)
        _mark_encoded(block, cells, is_asked)
        sources = []
        which = (((cells.kind == _TEXT) | (cells.kind == _TRIMMED) | (cells.kind == _NUMBER)) & ~is_asked).nonzero()[0]
        if len(which):
            sources.append((own, which, which * 2))
        which = (cells.kind == _SHARED).nonzero()[0]
        if len(which):
            digits = own.take(pa.array(which * 2))
            if not pc.all(pc.ascii_is_decimal(digits)).as_py():
                raise NotPlainCells
            sources.append((self.shared, which, digits.cast(pa.int32()).to_numpy()))
        which = is_asked.nonzero()[0]
        if len(which):
            every = block.texts(cells.reference_end[which], cells.whole_end[which])
            different = every.dictionary_encode()
            answers = self.ask(different.dictionary)
            if answers.null_count:
                raise NotPlainCells
            sources.append((answers, which, different.indices.to_numpy()))
        return sources

    def _mark_numbers(self, block: Block, cells: _Cells, own: pa.Array, is_asked: np.ndarray) -> None:
        which = (cells.kind == _NUMBER).nonzero()[0]
        if not len(which):
            return
        is_integer = pc.match_substring_regex(own.take(pa.array(which * 2)), _INTEGER).to_numpy(zero_copy_only=False)
        styles = block.texts(cells.reference_end[which], cells.style_end[which]).cast(pa.binary()).dictionary_encode()
        different = styles.dictionary.to_pylist()
        for style in different:
            if style not in self._styles:
                self._styles[style] = self.ask(pa.array([style + b'"><v>1</v></c>'], pa.binary())).to_pylist() == ["1"]
        is_number = np.array([self._styles[style] for style in different])
        is_asked[which] = ~(is_integer & is_number[styles.indices.to_numpy()])


def _merge(column: pa.Array, other: pa.Array) -> pa.Array:
    """What either has."""
    if column.null_count == len(column):
        return other
    return column if other.null_count == len(other) else pc.coalesce(column, other)


def _mark_encoded(block: Block, cells: _Cells, is_asked: np.ndarray) -> None:
    """Texts that are not what they seem: entities, line ends of two bytes, _x000D_, spaces at the ends where they do not count."""
    trimmed = (cells.kind == _TRIMMED).nonzero()[0]
    if len(trimmed):
        is_asked[trimmed] = block.has_spaces(cells.begin[trimmed], cells.end[trimmed])
    touched = block.encoded(cells.begin)
    is_asked[touched] |= np.isin(cells.kind[touched], (_TEXT, _TRIMMED))


def _find_cells(block: Block, most_rows: int) -> tuple[_Cells, np.ndarray]:
    """All cells, and the numbers of all rows."""
    places = block.places
    is_cell = block.raw[places + 1] == ord("c")
    rows = (~is_cell).nonzero()[0]
    begins = places[rows]
    if not len(rows) or rows[0] or block.data[: begins[0]].strip() or not block.has(begins, _ROW).all():
        raise NotPlainCells
    digits, sizes, numbers = _row_numbers(block, begins + _ROW.size)
    if (np.diff(numbers) <= 0).any() or numbers[0] < 1 or numbers[-1] - numbers[0] >= most_rows:
        raise NotPlainCells
    counts = np.diff(rows, append=len(places)) - 1
    row_ends, tags = _row_ends(block, begins, begins + _ROW.size + sizes, counts, places, rows)
    cells, cell_tags = _split_cells(block, places, is_cell, rows, counts, row_ends, digits, sizes, numbers)
    if tags + cell_tags != block.tags:
        raise NotPlainCells
    return cells, numbers


def _row_numbers(block: Block, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the rows whose numbers begin at these places: the eight bytes there, how many of them are digits, the numbers."""
    words = block.words(places)
    letters = words.astype("<u8").view(np.uint8).reshape(-1, 8)
    sizes = (letters == ord('"')).argmax(axis=1)
    if not (sizes > 0).all():
        raise NotPlainCells
    numbers = np.zeros(len(places), np.int64)
    for at in range(int(sizes.max())):
        is_digit = sizes > at
        digit = letters[:, at] - np.uint8(ord("0"))  # what is less becomes very much
        if (is_digit & (digit > 9)).any():
            raise NotPlainCells
        numbers[is_digit] = numbers[is_digit] * 10 + digit[is_digit]
    return words, sizes, numbers


def _row_ends(
    block: Block, begins: np.ndarray, heads: np.ndarray, counts: np.ndarray, places: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, int]:
    """Where the last cell of each row that has cells ends, and how many tags the rows themselves have."""
    ends = np.append(begins[1:], len(block.data))
    has_cells = counts > 0
    head_ends = ends.copy()
    head_ends[has_cells] = places[rows[has_cells] + 1]
    texts = block.texts(heads, head_ends)
    for pattern, which in ((_ROW_WITH_CELLS, has_cells), (_ROW_WITHOUT, ~has_cells)):
        if which.any() and not pc.all(pc.match_substring_regex(texts.filter(pa.array(which)).unique(), pattern)).as_py():
            raise NotPlainCells
    closed = pc.sum(pc.match_substring(texts, "/>")).as_py()
    ends = ends[has_cells]
    while len(blank := (block.raw[ends - 1] <= 32).nonzero()[0]):
        ends[blank] -= 1
    ends -= _ROW_END.size
    if len(ends) and not ((block.words(ends - 2) >> np.uint64(16)) == _ROW_END.word).all():
        raise NotPlainCells
    return ends, 2 * len(begins) - closed


def _split_cells(
    block: Block,
    places: np.ndarray,
    is_cell: np.ndarray,
    rows: np.ndarray,
    counts: np.ndarray,
    row_ends: np.ndarray,
    digits: np.ndarray,
    sizes: np.ndarray,
    numbers: np.ndarray,
) -> tuple[_Cells, int]:
    """All cells, and how many tags they have."""
    ends = np.append(places[1:], len(block.data))
    ends[np.append(rows[1:], len(places))[counts > 0] - 1] = row_ends
    places, ends = places[is_cell], ends[is_cell]
    words = block.words(places)
    first, second = (words >> np.uint64(48)) & np.uint64(0xFF), words >> np.uint64(56)
    is_double = second >= ord("A")
    columns = np.where(is_double, (first - np.uint64(64)) * np.uint64(26) + second - np.uint64(64), first - np.uint64(64)).astype(np.int64)
    digit_places = places + (_CELL.size + 1) + is_double
    different = (block.words(digit_places) ^ np.repeat(digits, counts)) & np.repeat(_masks(sizes), counts)
    row = np.repeat(numbers, counts)
    if (
        ((words & _CELL.mask) != _CELL.word).any()
        or different.any()
        or not ((first >= 65) & (first <= 90) & (second <= 90)).all()
        or (np.diff(row * _MOST_COLUMNS + columns) <= 0).any()
    ):
        raise NotPlainCells
    reference_ends = digit_places + np.repeat(sizes, counts)
    style_ends = _skip_styles(block, reference_ends)
    cells = _Cells(reference_ends, style_ends, np.zeros_like(ends), np.zeros_like(ends), ends, np.zeros(len(ends), np.int8), row, columns)
    return cells, _fit_shapes(block, cells)


def _masks(sizes: np.ndarray) -> np.ndarray:
    """For a number of digits, the bytes of a word that they and the quotation mark behind them take."""
    masks: np.ndarray = _MASKS[sizes]
    return masks


def _skip_styles(block: Block, places: np.ndarray) -> np.ndarray:
    """Where styles end, which some cells have."""
    styled = (block.has(places, _STYLE)).nonzero()[0]
    if not len(styled):
        return places
    ends = places[styled] + _STYLE.size
    letters = block.words(ends).astype("<u8").view(np.uint8).reshape(-1, 8)
    sizes = (letters == ord('"')).argmax(axis=1)
    for at in range(int(sizes.max(initial=0))):
        if ((letters[:, at] < ord("0")) | (letters[:, at] > ord("9")))[sizes > at].any():
            raise NotPlainCells
    if not (sizes > 0).all():
        raise NotPlainCells
    places = places.copy()
    places[styled] = ends + sizes
    return places


def _fit_shapes(block: Block, cells: _Cells) -> int:
    """Find the shape of every cell, and so its kind and content; gives how many tags they have."""
    left = np.arange(len(cells.kind))
    tags = 0
    for shape in _SHAPES:
        if not len(left):
            break
        is_all = len(left) == len(cells.kind)
        heads = cells.style_end if is_all else cells.style_end[left]
        fits = block.has(heads, shape.head)
        if not fits.any():
            continue
        which: np.ndarray | slice = slice(None) if is_all and fits.all() else left[fits]
        begins = cells.style_end[which] + shape.head.size
        ends = cells.whole_end[which] - shape.tail.size
        if (begins > ends).any() or not (block.has(ends, shape.tail).all() if shape.tail.size else (begins == ends).all()):
            raise NotPlainCells
        cells.kind[which], cells.begin[which], cells.end[which] = shape.kind, begins, ends
        tags += shape.tags * len(begins)
        left = left[~fits]
    if len(left):
        raise NotPlainCells
    return tags
