"""What the titles around a table say: when the export was made, and for which period."""

import re
from collections.abc import Sequence
from datetime import date, datetime

import pyarrow as pa

from transforms import parsing
from transforms.text import clean, key

_PERIOD = re.compile(r"từ ngày:?\s*(\d{1,2}/\d{1,2}/\d{4})\s*(?:đến|-)\s*(?:ngày:?\s*)?(\d{1,2}/\d{1,2}/\d{4})", re.IGNORECASE)
_EXPORTED = "thời điểm xuất"


def find_export_time(rows: Sequence[Sequence[str | None]]) -> datetime | None:
    """The moment after "Thời điểm xuất" in the titles of a sheet, in the same cell or in the next filled one."""
    for row in rows:
        for position, text in enumerate(row):
            if not text:
                continue
            plain = clean(text)
            at = key(plain).find(key(_EXPORTED))
            if at < 0:
                continue
            after = plain[plain.casefold().find("xuất") :]
            for candidate in (after, *(clean(t) for t in row[position + 1 :] if t)):
                found = parsing.DATE_IN_TEXT.search(candidate)
                if found:
                    values, bad = parsing.parse_dates(pa.array([found[0]]))
                    if not bad[0]:
                        moment: datetime = values.cast(pa.timestamp("us"))[0].as_py()
                        return moment
    return None


def find_period(rows: Sequence[Sequence[str | None]]) -> tuple[date, date] | None:
    """The period "(Từ ngày … đến ngày …)" in the titles, both days included."""
    for row in rows:
        for text in row:
            found = _PERIOD.search(clean(text)) if text else None
            if found:
                values, bad = parsing.parse_dates(pa.array([found[1], found[2]]))
                if not bad.any():
                    first, last = values.cast(pa.timestamp("us")).to_pylist()
                    return first.date(), last.date()
    return None
