"""Summaries for people who live in Excel: CSV with a byte order mark, Vietnamese headings, counts and codes only.

Excel turns what looks like a number or a date into one, by the rules of the machine's country: "12,5" becomes 125 and 05/01 the first of May
where the country is set to the United States. So percentages and hours carry their unit behind a non-breaking space and moments their
word, which every Excel leaves alone; counts are plain digits.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from transforms.layouts import load_lists

LEVELS_VI = {
    "province": "Cấp tỉnh",
    "province_department": "Sở, ban, ngành",
    "district": "Cấp huyện",
    "district_department": "Phòng chuyên môn",
    "commune": "Cấp xã",
    "all": "Toàn bộ",
}
STATUS_VI = {"met": "Đạt", "missed": "Không đạt", "no_data": "Không phát sinh", "no_target": "Không có chỉ tiêu"}
FILE_STATUS_VI = {"loaded": "Đã nạp", "later": "Xuất sau thời điểm chốt", "duplicate": "Trùng tệp khác", "rejected": "Bị từ chối"}
REASONS_VI = {
    "missing_case_code": "Thiếu mã",
    "unknown_unit": "Không rõ đơn vị",
    "bad_date": "Ngày không hợp lệ",
    "unknown_status": "Không rõ trạng thái",
    "unknown_channel": "Không rõ kênh nộp",
    "unknown_level": "Không rõ mức độ dịch vụ công",
    "bad_number": "Số không hợp lệ",
    "unknown_word": "Từ không có trong danh sách",
}
_NBSP = "\u00a0"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def percent_vi(numerator: int, denominator: int, target: float | None = None) -> str:
    """A rate as an office writes it: 97,5 %, two decimals at the most, empty without denominator.

    Rounded half up as QĐ 766 does, except that rounding never lifts a rate onto its target or onto 100 %.
    """
    if not denominator:
        return ""
    scaled = (2 * numerator * 10_000 + denominator) // (2 * denominator)
    for limit in (10_000, None if target is None else round(target * 10_000)):
        if limit is not None and scaled >= limit and numerator * 10_000 < limit * denominator:
            scaled = limit - 1
    text = f"{scaled // 100},{scaled % 100:02d}".rstrip("0").rstrip(",")
    return f"{text}{_NBSP}%"


def hours_vi(hours: float) -> str:
    """Hours with one decimal, rounded up so that a breach never shows as exactly the limit."""
    tenths = -int(-hours * 10 // 1)
    return f"{tenths // 10},{tenths % 10}{_NBSP}giờ"


def moment_vi(moment: datetime | None) -> str:
    """07:30 ngày 05/01/2024."""
    return f"{moment:%H:%M} ngày {moment:%d/%m/%Y}" if moment else ""


def period_vi(kind: str, start: date) -> str:
    """Tháng 6/2024, Quý II/2024, Năm 2024."""
    if kind == "month":
        return f"Tháng {start.month}/{start.year}"
    if kind == "quarter":
        return f"Quý {('I', 'II', 'III', 'IV')[(start.month - 1) // 3]}/{start.year}"
    return f"Năm {start.year}"


def harmless(cell: object) -> object:
    """The cell so that no spreadsheet takes its text for a formula; numbers stay numbers."""
    if isinstance(cell, str) and cell.startswith(_DANGEROUS):
        return f"'{cell}"
    return "" if cell is None else cell


def write_csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV that Excel opens with its accents, there whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        stream.write(b"\xef\xbb\xbf" + text.getvalue().encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


_CURRENT = "period_start <= CAST(as_of AS DATE) AND period_end > CAST(as_of AS DATE)"
_KINDS = "CASE period_kind WHEN 'year' THEN 0 WHEN 'quarter' THEN 1 ELSE 2 END"
_LEVEL_ORDER = "list_position(['province', 'province_department', 'district', 'district_department', 'commune', 'all'], {})"


def write_summaries(warehouse: Path, outbox: Path, as_of: datetime) -> list[Path]:
    """All CSV summaries of a published warehouse, in `outbox/<date of as_of>/`.

    Returns:
        The files written: scorecard, rates, missed targets, late receptions, flags, files, rejected rows.
    """
    folder = outbox / f"{as_of:%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []

    def save(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        write_csv(folder / name, headings, rows)
        written.append(folder / name)

    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def query(sql: str) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return rows

        labels: dict[str, str] = dict(query("SELECT measure, label_vi FROM mart.measures ORDER BY rowid"))
        kinds = load_lists().kinds
        save("bang-diem.csv", *_scorecard(query, labels))
        save(
            "ty-le-theo-ky.csv",
            ["Kỳ", "Mã đơn vị", "Đơn vị", "Cấp", "Chỉ số", "Đạt", "Tổng", "Tỷ lệ", "Chỉ tiêu", "Kết quả", "Còn thiếu"],
            (
                [
                    period_vi(kind, start),
                    code,
                    name,
                    LEVELS_VI[level],
                    labels[m],
                    n,
                    d,
                    percent_vi(n, d, t),
                    _target(t),
                    STATUS_VI[status],
                    short,
                ]
                for kind, start, code, name, level, m, n, d, t, status, short in query(
                    "SELECT period_kind, period_start, unit_code, unit_name, level, measure, numerator, denominator, target, status, shortfall "
                    f"FROM mart.unit_rates ORDER BY {_KINDS}, period_start, {_LEVEL_ORDER.format('level')}, unit_code, unit_valid_from, measure"
                )
            ),
        )
        save(
            "chi-tieu-khong-dat.csv",
            ["Kỳ", "Tiêu chí", "Chỉ số", "Mã đơn vị", "Đơn vị", "Cấp", "Đạt", "Tổng", "Tỷ lệ", "Chỉ tiêu", "Còn thiếu"],
            (
                [
                    period_vi(kind, start),
                    f"Tiêu chí {c}",
                    labels[m],
                    code,
                    name,
                    LEVELS_VI[level],
                    n,
                    d,
                    percent_vi(n, d, t),
                    _target(t),
                    short,
                ]
                for kind, start, c, m, code, name, level, n, d, t, short in query(
                    "SELECT period_kind, period_start, criterion, measure, unit_code, unit_name, level, numerator, denominator, target, shortfall "
                    f"FROM mart.unit_rates WHERE status = 'missed' AND {_CURRENT} ORDER BY {_KINDS}, measure, shortfall DESC, unit_code"
                )
            ),
        )
        save(
            "cham-tiep-nhan.csv",
            ["Mã hồ sơ", "Mã đơn vị", "Đơn vị", "Nộp lúc", "Tiếp nhận lúc", "Đã chờ (giờ làm việc)", "Tình trạng"],
            (
                [case, code, name, moment_vi(submitted), moment_vi(received), hours_vi(hours), "Đang chờ" if waiting else "Đã tiếp nhận"]
                for case, code, name, submitted, received, hours, waiting in query(
                    "SELECT l.case_code, l.unit_code, u.unit_name, l.submitted_at, l.received_at, l.waiting_hours, l.is_waiting FROM mart.late_receptions l "
                    "JOIN core.cases c USING (case_code) JOIN core.units u ON u.unit_code = c.unit_code AND u.valid_from = c.unit_valid_from "
                    "ORDER BY l.is_waiting DESC, l.waiting_hours DESC, l.case_code"
                )
            ),
        )
        save(
            "canh-bao.csv",
            ["Thứ tự", "Mã đơn vị", "Đơn vị", "Cấp", "Nội dung"],
            (
                [rank, code, name, LEVELS_VI[level], message]
                for rank, code, name, level, message in query(
                    "SELECT rank, unit_code, unit_name, level, message_vi FROM mart.flags ORDER BY rank"
                )
            ),
        )
        save(
            "tep-xuat.csv",
            ["Tệp", "Trong gói nén", "Loại", "Kết quả", "Xuất lúc", "Số dòng", "Đã nạp", "Bị từ chối", "Lý do từ chối", "Lưu ý"],
            (
                [
                    name,
                    member,
                    ", ".join(kinds[k].label_vi for k in (kind or "").split(",") if k),
                    "Đã rút lại" if (error or "").startswith("đã rút lại") else FILE_STATUS_VI[status],
                    moment_vi(exported),
                    data,
                    loaded,
                    rejected,
                    error,
                    notes,
                ]
                for name, member, kind, status, exported, data, loaded, rejected, error, notes in query(
                    "SELECT f.file_name, f.member, f.kind, f.status, f.exported_at, f.rows_data, f.rows_loaded, f.rows_rejected, f.error, "
                    "CASE WHEN f.status <> 'duplicate' THEN (SELECT string_agg(w.warning_vi, '; ' ORDER BY w.number) FROM ops.warnings w WHERE w.file_id = f.file_id) END "
                    "FROM ops.files f ORDER BY f.file_name, f.member NULLS FIRST, f.file_id"
                )
            ),
        )
        save(
            "dong-bi-tu-choi.csv",
            ["Tệp", "Trang", "Dòng", "Lý do", "Cột", "Giá trị (đã che)"],
            (
                [name, sheet, row, REASONS_VI[reason], "Đơn vị" if column == "unit" else column, masked]
                for name, sheet, row, reason, column, masked in query(
                    "SELECT file_name, sheet, row_number, reason, column_name, masked_value FROM ops.rejects ORDER BY file_name, file_id, sheet_number, row_number"
                )
            ),
        )
    return written


def _target(target: float | None) -> str:
    return "" if target is None else percent_vi(round(target * 1_000_000), 1_000_000)


def _scorecard(query: Any, labels: dict[str, str]) -> tuple[list[str], list[list[object]]]:
    """One row a unit and current period (year, quarter, month), then the groups; every rate with its numerator and denominator."""
    headings = ["Kỳ", "Mã đơn vị", "Đơn vị", "Cấp"]
    for label in labels.values():
        headings += [f"{label}: tỷ lệ", f"{label}: số đạt", f"{label}: tổng số", f"{label}: kết quả"]
    headings.append("Số chỉ tiêu không đạt")
    cells: dict[tuple[object, ...], dict[str, tuple[Any, ...]]] = {}
    for kind, start, code, name, level, measure, *figures in query(
        "SELECT period_kind, period_start, unit_code, unit_name, level, measure, numerator, denominator, target, status FROM mart.unit_rates "
        f"WHERE {_CURRENT} ORDER BY {_KINDS}, {_LEVEL_ORDER.format('level')}, unit_code, unit_valid_from"
    ):
        cells.setdefault((kind, start, code, name, level), {})[measure] = tuple(figures)
    for kind, start, group_kind, group, measure, *figures in query(
        "SELECT period_kind, period_start, group_kind, group_code, measure, numerator, denominator FROM mart.group_rates "
        f"WHERE {_CURRENT} ORDER BY {_KINDS}, group_kind DESC, {_LEVEL_ORDER.format('group_code')}"
    ):
        name = "Toàn bộ" if group_kind == "all" else f"Cộng {LEVELS_VI[group].lower()}"
        cells.setdefault((kind, start, "", name, group), {})[measure] = (*figures, None, "")
    rows = []
    for (kind, start, code, name, level), measured in cells.items():
        row: list[object] = [period_vi(str(kind), start), code, name, LEVELS_VI[str(level)]]  # type: ignore[arg-type]
        missed = 0
        for measure in labels:
            numerator, denominator, target, status = measured[measure]
            row += [percent_vi(numerator, denominator, target), numerator, denominator, STATUS_VI.get(status, "")]
            missed += status == "missed"
        rows.append([*row, missed if code else ""])
    order = {"year": 0, "quarter": 1, "month": 2}
    keyed = sorted(zip(cells, rows, strict=True), key=lambda pair: order[str(pair[0][0])])
    return headings, [row for _, row in keyed]
