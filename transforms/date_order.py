"""Whether the dates of a column were written month first, or turned round by a spreadsheet: they are read day first all the same, and it is told.

An export that writes the 2nd of August as 08/02/2025 is read as of the 8th of February: only its dates behind the 12th of a month are refused, the others are
other dates without a word. A spreadsheet set to American dates that opens and saves a list turns round those that it can, which become date cells within
the first twelve days of a month, and leaves those behind the 12th as texts.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.columns import ParsedColumn
from transforms.wording import count_vi

_DATE = r"(?:^|[ ,])(?P<first>\d{1,2})[/.-](?P<second>\d{1,2})[/.-]\d{4}(?:$|[ T,])"
_DATE_CELL = r"^(?:\d{4}-\d{1,2}-\d|\d{5}(?:[.,]\d+)?$)"
_LAST_MONTH = 12
# So many days of either sort fall on their side of the 12th by chance in less than one column of a thousand.
_FEWEST_OF_EACH = 5
# Of longer lists some cells show whether a column has both date cells and texts.
_SAMPLE = 1000


def doubt_day_order(column: ParsedColumn, rows: np.ndarray, heading: str) -> str | None:
    """What is told of a column of dates in which days and months may have changed places; mostly nothing.

    Args:
        column: the dates below the headings.
        rows: which of them are data, counted from 0.
        heading: of the column.
    """
    refused = rows[column.bad[rows]]
    month_first = _count_sides(column.text_of(refused))[1] if len(refused) else 0
    if month_first:
        day_first, _, either = _count_sides(column.text_of(rows))
        if not day_first and either:
            return (
                f"cột “{heading}” có lẽ ghi tháng trước ngày: {count_vi(month_first)} ô chỉ đúng khi đọc tháng trước, không ô nào chỉ đúng khi đọc ngày trước; "
                f"{count_vi(either)} ô còn lại vẫn được đọc ngày trước nên có thể sai; hãy xuất lại theo dạng ngày/tháng/năm"
            )
        return None
    if not _has_both(column.text_of(rows[:: max(1, len(rows) // _SAMPLE)])):
        return None
    texts = column.text_of(rows)
    is_cell = _are_date_cells(texts)
    days = column.values.take(pa.array(rows[is_cell]))
    day_first, _, either = _count_sides(texts.filter(pa.array(~is_cell)))
    if min(day_first, len(days)) < _FEWEST_OF_EACH or either or pc.max(pc.day(days)).as_py() > _LAST_MONTH:
        return None
    return (
        f"cột “{heading}”: cả {count_vi(len(days))} ô kiểu ngày đều rơi vào ngày 1–12, cả {count_vi(day_first)} ô chữ đều sau ngày 12; có lẽ tệp đã được mở và lưu lại "
        "trên máy đặt ngày kiểu Mỹ nên ngày và tháng của các ô kiểu ngày bị đổi chỗ; hãy xuất lại và gửi tệp gốc"
    )


def _count_sides(texts: pa.Array) -> tuple[int, int, int]:
    """How many dates can only be read day first, how many only month first, and how many either way."""
    found = pc.extract_regex(texts, pattern=_DATE).drop_null()
    first, second = (pc.cast(pc.struct_field(found, side), pa.int32()).to_numpy(zero_copy_only=False) for side in ("first", "second"))
    counts = [
        (first > _LAST_MONTH) & (second <= _LAST_MONTH),
        (first <= _LAST_MONTH) & (second > _LAST_MONTH),
        (first <= _LAST_MONTH) & (second <= _LAST_MONTH) & (first != second),
    ]
    day_first, month_first, either = (int(side.sum()) for side in counts)
    return day_first, month_first, either


def _are_date_cells(texts: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.match_substring_regex(texts, _DATE_CELL), False).to_numpy(zero_copy_only=False), dtype=bool)


def _has_both(texts: pa.Array) -> bool:
    is_cell = _are_date_cells(texts)
    return bool(is_cell.any()) and _count_sides(texts.filter(pa.array(~is_cell)))[0] > 0
