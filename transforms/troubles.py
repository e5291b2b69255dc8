"""Why rows that are data cannot be used: one reason a row, with the heading of its column and the masked cell."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.columns import ParsedColumn, find_filled
from transforms.layouts import Kind, Layout
from transforms.sheets import Sheet
from transforms.text import clean, mask

# One reason a row, the first that applies (design, "Reject reasons"); unknown_unit is found in the build.
REASONS = (
    "missing_case_code",
    "unknown_unit",
    "bad_date",
    "unknown_status",
    "unknown_channel",
    "unknown_level",
    "bad_number",
    "unknown_word",
)
_REASON_OF_TYPE = {
    "date": "bad_date",
    "status": "unknown_status",
    "channel": "unknown_channel",
    "level": "unknown_level",
    "amount": "bad_number",
    "fee": "bad_number",
    "count": "bad_number",
    "figure": "bad_number",
    "collection": "unknown_word",
    "method": "unknown_word",
    "payment_state": "unknown_word",
    "component": "unknown_word",
    "yes_no": "unknown_word",
    "progress": "unknown_status",
    "percent": "bad_number",
}
TROUBLES = pa.schema(
    [("row_number", pa.int32()), ("rank", pa.int32()), ("reason", pa.string()), ("column_name", pa.string()), ("masked_value", pa.string())]
)
# Stands in place of the column's heading where the row's cells slipped sideways.
SLIPPED = "thừa ô: các ô của dòng bị lệch cột"

# One word with a digit in it.
_BEGINNING = re.compile(r"^(?=\S*\d)\S+$")


def find_slipped(sheet: Sheet, layout: Layout, below: Sequence[pa.Array], keep: np.ndarray) -> dict[int, str | None]:
    """The data rows of a text file that have more cells than the headings, each with what stands beyond them.

    A sign that parts cells stood in a text without quotation marks, so that the cells behind it slipped into the columns of their neighbours: where the
    cell that slipped in is blank, every date may be a date still, but of another column. A sign too many at the end of every row moves nothing.
    """
    if not len(sheet.widths) or layout.first < 0 or not keep.any():
        return {}
    widths = np.asarray(sheet.widths)[sheet.first_row - 1 :][: sheet.height]
    headed, widths = int(widths[layout.first : layout.last + 1].max()), widths[layout.last + 1 :]
    usual = max(headed, int(np.bincount(widths[keep]).argmax()))
    slipped: dict[int, str | None] = {}
    for row in np.flatnonzero(keep & (widths > headed)).tolist():
        beyond = next((text for column in below[headed:] if (text := clean(column[row].as_py() or ""))), None)
        if beyond or widths[row] > usual:
            slipped[row] = beyond
    return slipped


def tell_cut(sheet: Sheet, layout: Layout, numbers: np.ndarray) -> tuple[str, bool] | None:
    """What to tell of a file that ends within its table, as a download does that broke off, and whether there is no doubt of it; None of all others.

    Whole text files may lack the last line end, too, and their rows blank cells at the end: where other rows lack cells, the last one may be whole.

    Args:
        sheet: the table, which ends with the file or above its end.
        layout: its headings.
        numbers: of its data rows, as Excel counts.
    """
    if not sheet.ends_open:
        return None
    if not len(sheet.widths):
        return "bảng của trang không có chỗ kết thúc (</table>)", True
    last = sheet.first_row + sheet.height - 1
    if layout.first < 0 or last != len(sheet.widths):
        return None
    widths = np.asarray(sheet.widths)
    headed = int(widths[sheet.first_row - 1 :][layout.first : layout.last + 1].max())
    others = widths[numbers[numbers < last] - 1]
    if widths[-1] >= min(headed, others.min(initial=headed)):
        return None
    # What is left of a row's beginning, an order number or a part of a code, makes no data row; nor does a signature.
    beginning = next((text for column in sheet.columns if (text := clean(column[-1].as_py() or ""))), "")
    if last not in numbers and not _BEGINNING.match(beginning):
        return None
    text = f"dòng cuối (dòng {last}) chỉ có {widths[-1]} trên {headed} ô và không có dấu xuống dòng"
    return text, bool((others >= headed).all())


def find_troubles(
    kind: Kind, layout: Layout, parsed: Mapping[str, ParsedColumn], keep: np.ndarray, first_row: int, slipped: dict[int, str | None]
) -> pa.Table:
    """What is wrong with data rows, at most one line a row and column; which reason counts is left to whoever has all of a row's.

    Args:
        kind: of the table.
        layout: its columns and their headings.
        parsed: column's name -> its cells.
        keep: which rows below the headings are data.
        first_row: number of the first row below the headings, as Excel counts.
        slipped: as `find_slipped`.

    Returns:
        Rows of TROUBLES.
    """
    parts = []

    def add(rows: np.ndarray, reason: str, column: str, shown: pa.Array | None) -> None:
        if len(rows):
            count = len(rows)
            parts.append(
                pa.table(
                    [
                        pa.array(rows + first_row, pa.int32()),
                        pa.array([REASONS.index(reason) + 1] * count, pa.int32()),
                        pa.array([reason] * count, pa.string()),
                        pa.array([layout.headings.get(column, column)] * count, pa.string()),
                        pa.nulls(count, pa.string()) if shown is None else masked(shown, is_moment=reason == "bad_date"),
                    ],
                    schema=TROUBLES,
                )
            )

    if kind.key_column != "unit":
        add(np.flatnonzero(keep & ~find_filled(parsed[kind.key_column].values)), "missing_case_code", kind.key_column, None)
    for name, column in parsed.items():
        reason = _REASON_OF_TYPE.get(kind.columns[name].type)
        if reason is None:
            continue
        wrong = column.bad & keep
        if kind.columns[name].type == "status":
            wrong |= keep & ~find_filled(column.cells)  # a dossier without a state cannot be counted anywhere
        rows = np.flatnonzero(wrong)
        add(rows, reason, name, column.text_of(rows))
    if slipped:  # what stands in their last column is none of its words, dates or numbers, whatever it looks like
        reasons = [
            reason for name in sorted(parsed, key=layout.columns.__getitem__) if (reason := _REASON_OF_TYPE.get(kind.columns[name].type))
        ]
        add(np.array(list(slipped)), reasons[-1], SLIPPED, pa.array(slipped.values(), pa.string()))
    return pa.concat_tables(parts) if parts else TROUBLES.empty_table()


def masked(shown: pa.Array, *, is_moment: bool = False) -> pa.Array:
    """Cells as they may be shown: of each no more than `transforms.text.mask` lets through."""
    encoded = shown if isinstance(shown, pa.DictionaryArray) else shown.dictionary_encode()
    return pa.array([mask(text, is_moment=is_moment) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)
