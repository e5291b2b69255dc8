"""Small workbooks with the styles of a large one, made for fastexcel: some rows of a sheet, or a few cells to ask it what they say."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.readers.shared_texts import NotPlainTexts, read_shared_texts

# Every small workbook carries the styles and shared texts anew; one with more styles is read whole, one with more shared texts where they are not plain.
MOST_BAGGAGE = 1 << 18
_PARTS = ("[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml")
_SHARED = "xl/sharedstrings.xml"
_OPENING = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CLOSING = b"</sheetData></worksheet>"
_GUIDE = b'<row r="1"><c r="A1" t="str"><v>.</v></c></row>'


class NotPlain(Exception):
    """The workbook or sheet has something that parts of it cannot tell as the whole does; it must be read whole."""


class SmallBooks:
    """Makes small workbooks of a large one.

    Attributes:
        data, archive: the large workbook, and the same opened.
        sheet_names: as fastexcel reads them.
        shared: the shared texts, None where they are not plain.
    """

    def __init__(self, data: bytes, archive: zipfile.ZipFile, some_sheet: tuple[str, str]) -> None:
        """`some_sheet` is the name and part of any worksheet.

        Raises:
            NotPlain: there is too much that every workbook would carry, or it is damaged.
        """
        self.data, self.archive = data, archive
        infos = {info.filename.lower(): info for info in archive.infolist()}
        kept = [infos[name] for name in _PARTS if name in infos]
        if sum(info.file_size for info in kept) > MOST_BAGGAGE or len(infos) < len(archive.infolist()):
            raise NotPlain
        self._baggage = _pack(b"", {info.filename: archive.read(info) for info in kept})
        shared = infos.get(_SHARED)
        self._shared_part = shared.filename if shared else _SHARED
        try:
            self.sheet_names: list[str] = fastexcel.read_excel(self._baggage).sheet_names
            self.shared = self._read_shared(shared, *some_sheet) if shared else pa.array([], pa.string())
        except MemoryError:
            raise
        except Exception as error:  # fastexcel and zlib raise their own for what is damaged
            raise NotPlain from error
        self._shared_xml = archive.read(shared) if shared and shared.file_size <= MOST_BAGGAGE else None
        self.carries_all = shared is None or self._shared_xml is not None
        if self.shared is None and not self.carries_all:
            raise NotPlain

    def read_rows(self, name: str, part: str, xml: bytes) -> tuple[pa.RecordBatch, int]:
        """The cells of a worksheet's XML, as `load_cells` gives them; shared texts only where they are carried."""
        parts = {part: xml}
        if self._shared_xml is not None:
            parts[self._shared_part] = self._shared_xml
        return load_cells(fastexcel.read_excel(_pack(self._baggage, parts)), name)

    def ask_cells(self, name: str, part: str, opening: bytes) -> Callable[[pa.Array], pa.Array]:
        """A function that says what cells hold, each written from the end of its reference on: `" s="2"><v>5</v></c>`; null where nothing."""

        def ask(cells: pa.Array) -> pa.Array:
            rows = _number(b'<row r="', b'"><c r="A', cells.cast(pa.binary()), b"</row>")
            book = _pack(self._baggage, {part: b"".join([opening, _GUIDE, rows, CLOSING])})
            return _answers(fastexcel.read_excel(book), name, len(cells))

        return ask

    def _read_shared(self, info: zipfile.ZipInfo, name: str, part: str) -> pa.Array | None:
        def ask(items: pa.Array) -> pa.Array:
            shared = b"".join([b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">', _join(items), b"</sst>"])
            cells = pa.array(np.arange(len(items))).cast(pa.string()).cast(pa.binary())
            cells = pc.binary_join_element_wise(pa.scalar(b'" t="s"><v>'), cells, pa.scalar(b"</v></c>"), pa.scalar(b""))
            rows = _number(b'<row r="', b'"><c r="A', cells, b"</row>")
            book = _pack(self._baggage, {self._shared_part: shared, part: b"".join([_OPENING, _GUIDE, rows, CLOSING])})
            return _answers(fastexcel.read_excel(book), name, len(items))

        try:
            return read_shared_texts(self.data, self.archive, info.filename, ask)
        except NotPlainTexts:
            return None


def load_cells(book: Any, sheet_name: str) -> tuple[pa.RecordBatch, int]:
    """The cells of a sheet as fastexcel gives them, from the first filled row and column on, and how many columns stand left of them."""
    positions: list[int] = []

    def note(column: Any) -> bool:
        positions.append(column.absolute_index)
        return True

    batch = book.load_sheet_eager(sheet_name, header_row=None, dtypes="string", use_columns=note)
    return batch, min(positions, default=0)


def _pack(start: bytes, parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO(start)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as book:
        for name, content in parts.items():
            book.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _number(before: bytes, between: bytes, texts: pa.Array, after: bytes) -> bytes:
    """One row for each text, numbered from 2 on."""
    numbers = pa.array(np.arange(2, len(texts) + 2)).cast(pa.string()).cast(pa.binary())
    constants = [pa.scalar(text, pa.binary()) for text in (before, between, after, b"")]
    return _join(pc.binary_join_element_wise(constants[0], numbers, constants[1], numbers, texts, constants[2], constants[3]))


def _join(texts: pa.Array) -> bytes:
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32)
    return bytes(memoryview(data)[places[texts.offset] : places[texts.offset + len(texts)]])


def _answers(book: Any, name: str, count: int) -> pa.Array:
    column = load_cells(book, name)[0].column(0).slice(1)
    return pa.concat_arrays([column, pa.nulls(count - len(column), pa.string())])
