"""What a file may ask of the machine. A module of its own, because settings know it long before any reader is needed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a file may ask of the machine; beyond it the file is refused before it is unpacked.

    Attributes:
        unpacked_bytes: all parts of a workbook or archive together.
        ratio: unpacked to packed size of a part larger than `ratio_from_bytes`; honest sheets stay below about 60.
        entries: parts in a workbook or members in an archive.
        rows, columns: of one sheet.
    """

    unpacked_bytes: int = 3 * 1024**3
    ratio: int = 150
    ratio_from_bytes: int = 50 * 1024**2
    entries: int = 5_000
    rows: int = 1_048_576
    columns: int = 1_000
