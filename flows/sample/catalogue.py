"""The catalogue of procedures as the system exports it: the field stands in section rows."""

from datetime import datetime
from itertools import groupby
from pathlib import Path

from flows.sample.district import District, Procedure
from flows.sample.exports import Receipt
from flows.sample.forms import Form, Row
from flows.sample.words import LEVELS, ROMAN
from flows.sample.workbooks import XlsxFile

_HEADER = (
    "STT",
    "Mã TTHC",
    "Tên thủ tục hành chính",
    "Mức độ DVC",
    "Phí, lệ phí (đồng)",
    "Có kết quả giải quyết",
    "Thời hạn giải quyết (ngày làm việc)",
    "Cấp thực hiện",
)


def write_catalogue(raw: Path, path: str, district: District, exported_at: datetime) -> Receipt:
    """Writes the catalogue of all listed procedures and returns its receipt."""
    listed = [p for p in district.procedures if p.is_listed]
    titles = ("DANH MỤC THỦ TỤC HÀNH CHÍNH", f"Thời điểm xuất: {exported_at:%d/%m/%Y %H:%M}", "")
    kinds = ("number", *["text"] * 5, "number", "text")
    (raw / path).parent.mkdir(parents=True, exist_ok=True)
    book = XlsxFile(raw / path, Form("Danh mục", titles, (_HEADER,), (), kinds))
    number = 0
    for i, (field, group) in enumerate(groupby(listed, key=lambda p: p.field)):
        book.add([(f"{ROMAN[i]}. LĨNH VỰC {field.upper()}",)])
        for procedure in group:
            number += 1
            book.add([_row(number, procedure)])
    book.close()
    return Receipt(path, "procedures", "loaded", exported_at, rows_loaded=len(listed))


def _row(number: int, procedure: Procedure) -> Row:
    return (
        float(number),
        f"{procedure.code}.000.00.00.H48",
        procedure.name,
        LEVELS[procedure.level][0],
        f"{procedure.fee:,}".replace(",", ".") if procedure.fee else "Không",
        "Có" if procedure.has_result else "Không",
        float(procedure.days),
        procedure.tier,
    )
