"""A worksheet read in slices of some thousand rows: each is unpacked, looked through, and handed to fastexcel as a small workbook of its own.

That is faster than handing over the whole file, because the XML is unpacked once and stays in the processor's cache, and a workbook of a
million rows costs no more memory than its cells. It is for the sheets that one-stop systems export: text inside the cells, rows in order.
Whatever else a sheet may be, it is read whole (`xlsx.read`); both ways give the same cells (tests/unit/test_slices.py).
"""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fastexcel
import pyarrow as pa

from transforms.readers.sheet_xml import (
    ANY_REF,
    FILLED_CELL,
    FREE_RECTANGLE,
    MIN_FILL,
    column_number,
    is_odd,
    is_suspicious,
    special_cells,
    unpack,
)

# Measured on inline text: 1 to 4 MB are equally fast, 64 MB cost a quarter more.
SLICE_BYTES = 2 << 20
# Every slice carries the styles and shared texts anew; a workbook with more of them is read whole.
_MOST_BAGGAGE = 1 << 18
_BAGGAGE = ("[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/sharedstrings.xml")
# fastexcel allocates the rectangle around a slice's cells; its columns are known to stand before AAA.
_MOST_ROWS = 30_000
_TOO_ODD = re.compile(rb"<!|r=[\"'][A-Z]{3}\d")
_OPENING = re.compile(rb"<worksheet\b.*?<sheetData\s*>", re.DOTALL)
_ROW = re.compile(rb"\s*<row\b[^>]*?\br=[\"'](\d{1,7})[\"']")
_END = b"</sheetData>"
_CLOSING = _END + b"</worksheet>"


class NotPlain(Exception):
    """The sheet has something that slices cannot tell as a whole does; it must be read whole."""


@dataclass
class Cells:
    """The cells of a sheet.

    Attributes:
        first_row: row of the first filled cell.
        columns: from column A on, blank cells as null.
        refs: cells to be looked at again, see `sheet_xml.special_cells`.
    """

    first_row: int
    columns: list[pa.Array]
    refs: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass
class _Slice:
    row: int
    left: int  # columns to the left of the first one
    batch: pa.RecordBatch


class _Packer:
    """Makes small workbooks of some rows of a sheet and the parts that every sheet needs."""

    def __init__(self, archive: zipfile.ZipFile, part: str) -> None:
        infos = {info.filename.lower(): info for info in archive.infolist()}
        kept = [infos[name] for name in _BAGGAGE if name in infos]
        if sum(info.file_size for info in kept) > _MOST_BAGGAGE or len(infos) < len(archive.infolist()):
            raise NotPlain
        baggage = io.BytesIO()
        with zipfile.ZipFile(baggage, "w", zipfile.ZIP_STORED) as book:
            for info in kept:
                book.writestr(zipfile.ZipInfo(info.filename), archive.read(info))
        self._part, self._baggage = part, baggage.getvalue()

    def pack(self, *xml: bytes) -> bytes:
        out = io.BytesIO(self._baggage)
        with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as book:
            book.writestr(zipfile.ZipInfo(self._part), b"".join(xml))
        return out.getvalue()


def load_cells(book: Any, sheet_name: str) -> tuple[pa.RecordBatch, int]:
    """The cells of a sheet as fastexcel gives them, from the first filled row and column on, and how many columns stand left of them."""
    positions: list[int] = []

    def note(column: Any) -> bool:
        positions.append(column.absolute_index)
        return True

    batch = book.load_sheet_eager(sheet_name, header_row=None, dtypes="string", use_columns=note)
    return batch, min(positions, default=0)


def read_slices(data: bytes, archive: zipfile.ZipFile, part: str, sheet_name: str, tcvn3: dict[bytes, str], max_rows: int) -> Cells:
    """All cells of one worksheet.

    Args:
        data, archive: the workbook, and the same opened.
        part: path of the worksheet inside it.
        sheet_name: its name in the workbook.
        tcvn3: style numbers with a TCVN3 font, and its name.
        max_rows: the last row there may be.

    Raises:
        NotPlain: the sheet must be read whole; that also tells what is wrong with a damaged one.
    """
    try:
        return _read(data, archive, part, sheet_name, tcvn3, max_rows)
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib and fastexcel each raise their own for what is damaged
        raise NotPlain from error


def _read(data: bytes, archive: zipfile.ZipFile, part: str, sheet_name: str, tcvn3: dict[bytes, str], max_rows: int) -> Cells:
    packer = _Packer(archive, part)
    slices: list[_Slice] = []
    refs: dict[tuple[int, int], str] = {}
    last_row = far_column = 0
    for opening, rows in _cut(unpack(data, archive, part)):
        odd = is_odd(rows)
        if odd and _TOO_ODD.search(rows):
            raise NotPlain
        at = rows.rfind(b"<row ")
        first_match, last_match = _ROW.match(rows), _ROW.match(rows, max(at, 0))
        if first_match is None or last_match is None:
            raise NotPlain
        first, last = int(first_match[1]), int(last_match[1])
        if not last_row < first <= last <= max_rows or last - first >= _MOST_ROWS:
            raise NotPlain
        # Above all slices but the first stands a cell in A, so that fastexcel counts rows and columns from there, whatever a slice begins with.
        guide = b'<row r="%d"><c r="A%d" t="str"><v>.</v></c></row>' % (first - 1, first - 1) if slices else b""
        batch, left = load_cells(fastexcel.read_excel(packer.pack(opening, guide, rows, _CLOSING)), sheet_name)
        if slices:
            batch = batch.slice(1)
        else:
            found = FILLED_CELL.search(rows)
            if found is None or not batch.num_columns:
                raise NotPlain
            first = int(found[2])
        slices.append(_Slice(first, left, batch))
        last_row = last
        far_column = max(far_column, left + batch.num_columns, *(column_number(ref[1]) for ref in ANY_REF.finditer(rows, max(at, 0))), 0)
        if tcvn3 or (odd and is_suspicious(rows)):
            refs |= special_cells(rows, tcvn3)
    if not slices:
        raise NotPlain
    filled = sum(len(column) - column.null_count for piece in slices for column in piece.batch.columns)
    rectangle = (last_row - slices[0].row + 1) * far_column
    if rectangle > FREE_RECTANGLE and rectangle > MIN_FILL * filled:
        raise NotPlain
    return Cells(slices[0].row, _join(slices), refs)


def _cut(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """What stands before the rows, and some whole rows, until there are none left."""
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
    if block[begin:end].strip():
        yield opening, block[begin:end]


def _opening(block: bytes) -> tuple[bytes, int]:
    found = _OPENING.search(block)
    if found is None or b"<!" in block[: found.end()]:
        raise NotPlain
    return block[: found.end()], found.end()


def _join(slices: list[_Slice]) -> list[pa.Array]:
    """One array a column, with blanks for the rows and columns that slices do not reach; takes the slices' own arrays away from them."""
    width = max(piece.left + piece.batch.num_columns for piece in slices)
    height = max(piece.row + piece.batch.num_rows for piece in slices) - slices[0].row
    pieces = [(piece.row - slices[0].row, piece.left, piece.batch.columns) for piece in slices]
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
