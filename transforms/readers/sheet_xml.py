"""The raw XML of a worksheet: what fastexcel cannot tell of it, and how far it reaches, looked up before any parser sees it.

Blocks are unpacked a few hundred kilobytes at a time and looked through while they are in the processor's cache: one automaton (RE2) finds
whatever asks for a closer look, and only such blocks meet the slower patterns. A pass costs little more than unpacking alone.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from transforms.sheets import UNCALCULATED, UnreadableExport

_REF = rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']"
_FORMULA = rb"(?:<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*)?"
# Some writers give blank cells an empty value; fastexcel takes such a cell for filled only where it is said to be a text.
_BLANK = rb"(?![^>]*\bt=[\"']str[\"'])[^>]*>\s*" + _FORMULA + rb"<(?:\w+:)?v(?:\s[^>]*)?(?:/>|></)"
FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b(?!" + _BLANK + rb")[^>]*?" + _REF + rb"[^>]*>\s*" + _FORMULA + rb"<(?:\w+:)?(?:v|is)\b")
ANY_REF = re.compile(rb"<(?:\w+:)?c\b[^>]*?" + _REF)
FILLED_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=[\"'](\d{1,7})[\"'][^>]*(?<!/)>")
_ANY_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_FAR_COLUMN = re.compile(rb"\br=[\"']([A-Z]{3})\d{1,7}[\"']")
_ERROR = re.compile(rb"\bt=[\"']e[\"']")
# A number so far from every calendar that fastexcel gives nothing for it where its cell is styled as a date; some of these are not so far.
_FAR = r"v>-?(?:[0-9]{8}|[0-9.]+[eE])"
_FAR_NUMBER = re.compile(rb"<(?:\w+:)?v>(-?(?:[0-9]{8,}[0-9.]*|[0-9.]+[eE]\+?[0-9]+))<")
# The value of a formula of texts; empty, it is what the formula gives (IF(A1="","",A1)), where other formulas have none until somebody calculates them.
_TEXT_VALUE = re.compile(rb"\bt=[\"']str[\"']")
_TYPED = re.compile(rb"\bt=[\"'](?!n[\"'])")
# Legal, but not as fastexcel reads cells: comments and CDATA, within which it looks for no value; a value in place of an inline text or beside it, which it
# takes for a blank; extensions of a cell, for which it gives up the workbook. (Those of a sheet stand below its rows.)
NOT_ONLY_CELLS = (
    r"<!|\bt=[\"']inlineStr[\"'][^>]*>\s*" + _FORMULA.decode() + r"<(?:\w+:)?v\b|</(?:\w+:)?is>\s*<(?:\w+:)?v\b|"
    r"(?:</(?:\w+:)?(?:v|is|f)>|<(?:\w+:)?c\b[^>]*>)\s*<(?:\w+:)?extLst\b"
)
_NOT_ONLY_CELLS = re.compile(NOT_ONLY_CELLS.encode())
# Formulas, error cells, columns from AAA on, and what is not only cells. It may be found in a text, too: the closer look then finds nothing.
_ODD = rf"<f|:f>|t=[\"']e[\"']|r=[\"'][A-Z]{{3}}\d|{NOT_ONLY_CELLS}"
_PACKED_PIECE = 1 << 15
_BLOCK = 1 << 20
_OVERLAP = 1 << 12
# calamine allocates the rectangle around all filled cells; an honest sheet fills a good part of it
FREE_RECTANGLE = 2_000_000
MIN_FILL = 50


class NotOnlyCells(Exception):
    """The sheet has what fastexcel cannot read, see `NOT_ONLY_CELLS`."""


DEFAULT_STYLE = b"0"  # of a cell that names none


@dataclass(frozen=True)
class CellStyles:
    """What styles of a workbook tell about their cells; style numbers as they stand in cells.

    Attributes:
        tcvn3: those with a TCVN3 font, and its name.
        dates: those that may be of dates.
    """

    tcvn3: dict[bytes, str] = field(default_factory=dict)
    dates: frozenset[bytes] = frozenset()


@dataclass
class Scan:
    """What one pass over a sheet's XML found.

    Attributes:
        first_row: the row of the first filled cell, from which fastexcel counts.
        refs: (row, column), both from 1, of cells to be looked at again: see `special_cells`.
    """

    first_row: int = 1
    last_row: int = 1
    is_suspicious: bool = False  # error cells, formulas or numbers in no calendar: look closer
    far_column: int = 0
    refs: dict[tuple[int, int], str] = field(default_factory=dict)


def column_number(letters: bytes) -> int:
    """A -> 1, XFD -> 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def unpack(data: bytes, archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part's XML in pieces as it unpacks; faster than through zipfile, which copies every piece several times.

    Raises:
        zipfile.BadZipFile, zlib.error: the part is damaged.
    """
    info = archive.getinfo(part)
    with archive.open(info) as stream:  # compares the part's own header with the archive's directory
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            while piece := stream.read(_BLOCK):
                yield piece
            return
    name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    begin = info.header_offset + 30 + name + extra
    packed = memoryview(data)[begin : begin + info.compress_size]
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if info.compress_type == zipfile.ZIP_DEFLATED else None
    size = checksum = 0
    for at in range(0, len(packed), _PACKED_PIECE):
        part_of = packed[at : at + _PACKED_PIECE]
        whole = inflate.decompress(part_of) if inflate else bytes(part_of)
        size, checksum = size + len(whole), zlib.crc32(whole, checksum)
        if size > info.file_size:
            break
        yield whole
    if size != info.file_size or checksum != info.CRC:
        raise zipfile.BadZipFile(part)


def is_odd(block: bytes | memoryview) -> bool:
    """Whether anything in a block of XML asks for a closer look: formulas, error cells, columns from AAA on, what is not only cells."""
    return _has(block, _ODD)


def has_far_numbers(block: bytes | memoryview) -> bool:
    """Whether a block of XML may hold numbers that are in no calendar."""
    return _has(block, _FAR)


def _has(block: bytes | memoryview, pattern: str) -> bool:
    ends = pa.py_buffer(struct.pack("<qq", 0, len(block)))
    text = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(block)])
    return bool(pc.match_substring_regex(text, pattern)[0].as_py())


def is_suspicious(block: bytes | memoryview) -> bool:
    """Whether a block of XML holds error cells or formulas."""
    return bool(_ERROR.search(block) or re.search(rb"<f|:f>", block))


def scan_sheet(data: bytes, archive: zipfile.ZipFile, part: str, styles: CellStyles, max_rows: int, max_columns: int) -> Scan:
    """Look through a whole sheet.

    Raises:
        UnreadableExport: it reaches farther than the limits, or far beyond what it fills.
        NotOnlyCells: it must be written anew first.
    """
    scan = Scan()
    tail = b""
    found_first, in_order = False, True
    numbers: set[int] = set()
    width = last = 0
    for piece in _blocks(unpack(data, archive, part)):
        block = tail + piece
        for match in FILLED_ROW.finditer(block):
            if match.end() <= len(tail):
                continue  # seen with the block before
            number = int(match[1])
            if number in numbers:  # fastexcel lets the cells of the second overwrite those of the first
                raise UnreadableExport(
                    f"trang có hai dòng cùng mang số {number}, dòng sau sẽ đè mất dòng trước; hãy xuất lại, hoặc mở bằng Excel, kiểm tra rồi lưu lại"
                )
            in_order = in_order and number > last
            last = number
            numbers.add(number)
        if not found_first and (first := FILLED_CELL.search(block)):
            found_first, scan.first_row = True, int(first[2])
        if is_odd(block):
            if _NOT_ONLY_CELLS.search(block):
                raise NotOnlyCells
            scan.is_suspicious = scan.is_suspicious or is_suspicious(block)
            for match in _FAR_COLUMN.finditer(block):
                scan.far_column = max(scan.far_column, column_number(match[1]))
        scan.is_suspicious = scan.is_suspicious or bool(styles.dates and has_far_numbers(block))
        # Rows stand in order, so the last cell of the block is the lowest; the widest row shows in a sample of its cells.
        lowest = block.rfind(b"<row ")
        for match in ANY_REF.finditer(block, max(lowest, 0)):
            scan.last_row = max(scan.last_row, int(match[2]))
            width = max(width, column_number(match[1]))
        tail = block[-_OVERLAP:]
    if not in_order:  # fastexcel counts from the lowest row that is filled, wherever it stands
        scan.first_row = min((int(found[2]) for found in FILLED_CELL.finditer(archive.read(part))), default=1)
        scan.last_row = max(numbers)
    scan.far_column = max(scan.far_column, width)
    if scan.far_column > max_columns:
        raise UnreadableExport(f"có ô ở cột thứ {scan.far_column}, xa quá cột {max_columns}; hãy xóa các ô thừa rồi lưu lại")
    if scan.last_row > max_rows:
        raise UnreadableExport(f"có ô ở dòng {scan.last_row}, quá {max_rows} dòng; hãy tách nhỏ khi xuất")
    rectangle = (scan.last_row - scan.first_row + 1) * max(scan.far_column, 1)
    if rectangle > FREE_RECTANGLE and not _has_cells(unpack(data, archive, part), -(-rectangle // MIN_FILL)):
        raise UnreadableExport(
            f"có ô ở rất xa bảng dữ liệu (dòng {scan.last_row}, cột thứ {scan.far_column}); hãy xóa các ô thừa rồi lưu lại"
        )
    if scan.is_suspicious or styles.tcvn3:
        scan.refs = special_cells(archive.read(part), styles)
    return scan


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _has_cells(pieces: Iterator[bytes], enough: int) -> bool:
    """Whether the XML has this many cells; an honest sheet shows it in its first pieces, and the rest is not unpacked again."""
    found, tail = 0, b""
    for piece in pieces:
        block = tail + piece
        found += block.count(b"<c ") + block.count(b":c ")
        if found >= enough:
            return True
        tail = block[-2:]  # shorter than what is counted, so nothing counts twice
    return False


def special_cells(xml: bytes | memoryview, styles: CellStyles) -> dict[tuple[int, int], str]:
    """What stands in cells to be looked at again, by (row, column).

    Returns:
        "#N/A" of error cells, "#?" of uncalculated formulas, "=" and the number of dates in no calendar, "=" alone of formulas that give an empty text, the font's name of texts in a TCVN3 font.
    """
    found: dict[tuple[int, int], str] = {}
    for match in _ANY_CELL.finditer(xml):
        attributes, body = match[1], match[2] or b""
        style = re.search(rb"\bs=[\"'](\d+)[\"']", attributes)
        font = styles.tcvn3.get(style[1] if style else DEFAULT_STYLE)
        error = _ERROR.search(attributes) is not None
        empty_formula = (b"<f" in body or b":f" in body) and not re.search(rb"<(?:\w+:)?v(?:\s[^>]*)?>[^<]", body)
        empty_text = empty_formula and _TEXT_VALUE.search(attributes) and re.search(rb"<(?:\w+:)?v\b", body)
        far = _FAR_NUMBER.search(body) if style and style[1] in styles.dates and not _TYPED.search(attributes) else None
        if not (font or error or empty_formula or far):
            continue
        ref = re.search(_REF, attributes)
        if ref:
            what = (
                "#N/A" if error else "=" if empty_text else UNCALCULATED if empty_formula else f"={far[1].decode()}" if far else str(font)
            )
            found[int(ref[2]), column_number(ref[1])] = what
    return found


ROWS_END = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})[\"']")


def below_rows(pieces: Iterator[bytes]) -> bytes:
    """What stands below the rows of a sheet's XML, given in pieces."""
    seen = b""
    for piece in pieces:
        seen += piece
        end = ROWS_END.search(seen)
        if end:
            return seen[end.end() :] + b"".join(pieces)
        seen = seen[-64:]
    return b""


def merged_down(below: bytes) -> list[tuple[int, int, int]]:
    """(column, first row, last row) of cells merged over rows of one column, see `Sheet.merged`; of what stands below the rows of a sheet's XML."""
    found = (match.groups() for match in _MERGED.finditer(below))
    return [
        (column_number(left) - 1, int(first), int(last)) for left, first, right, last in found if left == right and int(first) < int(last)
    ]
