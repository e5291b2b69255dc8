"""The pages about the figures rather than of them: the year plan, how fresh and whole the data are, and what each measure means."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from flows.dictionary import DictionaryTable, dictionary_tables
from flows.figures import Difference, File
from flows.site.frame import Frame
from flows.site.tables import Cell, Column, Table, moment, number, text
from transforms.layouts.lists import load_lists
from transforms.wording import (
    FILE_STATUS_VI,
    LEVELS_VI,
    LIGHTS_VI,
    REASONS_VI,
    SEVERITIES_VI,
    SOURCE_LIGHTS_VI,
    candidates_vi,
    count_vi,
    difference_vi,
    period_vi,
    reconciled_vi,
    target_vi,
)

_PLAN_TONES = {"done": "met", "on_track": "met", "at_risk": "warn", "overdue": "missed", "missed": "missed", "no_report": "no_data"}
_TONES = {"green": "met", "yellow": "warn", "red": "missed"}
_FAMILIES = {"plan": "Kế hoạch năm", "qd766": "Cổng Dịch vụ công quốc gia (QĐ 766)", "bieu06": "Biểu số 06"}
_MOST_ROWS = 2_000
_MOST_CASES = 10


def plan_page(frame: Frame) -> dict[str, Any]:
    """What templates/ke-hoach.html shows."""
    columns = [
        Column("Tiêu chí", "code"),
        Column("Nội dung", is_wide=True),
        Column("Chủ trì"),
        Column("Thời hạn", "date"),
        Column("Chỉ tiêu"),
    ]
    columns += [Column("Kết quả"), Column("Tình trạng"), Column("Đơn vị chưa đạt", "number"), Column("Thấp nhất dưới chỉ tiêu")]
    columns += [Column("Báo cáo gần nhất", "date")]
    rows = []
    for line in frame.figures.plan:
        rows.append(
            [
                text(line["criterion"]),
                text(line["name_vi"], sub=line["note_vi"] or ""),
                text(line["lead_unit"], sub=f"phối hợp: {line['partner_units']}" if line["partner_units"] else ""),
                moment(line["deadline"]),
                text(line["target_text"]),
                text(line["actual"]),
                Cell(line["status_vi"], tone=_PLAN_TONES[line["status"]]),
                number(line["units_missed"]),
                text(line["worst_unit_name"]),
                moment(line["last_report_on"]),
            ]
        )
    counts = Counter(line["status_vi"] for line in frame.figures.plan)
    table = Table(
        "ke-hoach",
        "Các tiêu chí của kế hoạch năm",
        columns,
        rows,
        is_searchable=True,
        is_wide=True,
        empty="Chưa khai báo kế hoạch năm (plan.csv).",
        search_label="Tìm tiêu chí",
    )
    return {"counts": sorted(counts.items(), key=lambda item: (-item[1], item[0])), "criteria": table}


def data_page(frame: Frame) -> dict[str, Any]:
    """What templates/du-lieu.html shows."""
    return {
        "sources": _sources_table(frame),
        "freshness_table": _freshness_table(frame),
        "files": _files_table(frame),
        "rejects": _rejects_table(frame),
        "checks": _checks_table(frame),
        "reconciliation": _reconciliation_table(frame),
    }


def _freshness_table(frame: Frame) -> Table:
    rows = [
        [
            text(row.kind_vi),
            text("Toàn bộ") if row.unit is None else text(row.unit.called, href=frame.link(row.unit)),
            Cell(LIGHTS_VI[row.light], tone=_TONES[row.light]),
            moment(row.data_as_of),
            text(row.message_vi),
        ]
        for row in frame.figures.freshness
        if row.unit is None or row.light != "green"
    ]
    columns = [Column("Loại tệp xuất"), Column("Đơn vị"), Column("Tình trạng"), Column("Số liệu đến", "date"), Column("Nội dung", "long")]
    return Table("do-moi", "Độ mới và độ đầy đủ của dữ liệu", columns, rows, is_searchable=True, empty="Chưa có đánh giá độ mới.")


def _sources_table(frame: Frame) -> Table:
    columns = [Column("Nguồn"), Column("Tình trạng"), Column("Lấy được gần nhất", "date"), Column("Nội dung", "long")]
    rows = [
        [text(s.name), Cell(SOURCE_LIGHTS_VI[s.light], tone=_TONES[s.light]), moment(s.last_success_at), text(s.message_vi)]
        for s in frame.figures.sources
    ]
    empty = "Chưa khai báo nguồn nào (sources.toml); tệp xuất được chép tay vào thư mục."
    return Table("nguon", "Nguồn tệp xuất", columns, rows, empty=empty)


@cache
def _kind_labels() -> dict[str, str]:
    """Kind of export -> its name; the lists cost a third of a second to read."""
    return {name: kind.label_vi for name, kind in load_lists().kinds.items()}


def _file_kinds(file: File) -> str:
    return ", ".join(_kind_labels().get(kind, kind) for kind in (file.kind or "").split(",") if kind)


def _files_table(frame: Frame) -> Table:
    tones = {"loaded": "met", "later": "no_data", "duplicate": "no_data", "rejected": "missed"}
    columns = [Column("Tệp"), Column("Loại"), Column("Kết quả"), Column("Xuất lúc", "date"), Column("Số dòng", "number")]
    columns += [Column("Đã nạp", "number"), Column("Bị từ chối", "number"), Column("Lý do, lưu ý", "long")]
    files = sorted(frame.figures.files, key=lambda file: file.status != "rejected")  # what is to be mended first; stable
    rows = [
        [
            text(file.name, sub=f"trong gói: {file.member}" if file.member else ""),
            text(_file_kinds(file)),
            Cell(FILE_STATUS_VI[file.status], tone=tones[file.status]),
            moment(file.exported_at),
            number(file.rows_data),
            number(file.rows_loaded),
            number(file.rows_rejected),
            text("; ".join(part for part in (file.error, file.warnings) if part)),
        ]
        for file in files[:_MOST_ROWS]
    ]
    cut = (
        f"Ở đây có {count_vi(_MOST_ROWS)} tệp trong {count_vi(len(files))}; đủ danh sách ở tệp tep-xuat.csv."
        if len(files) > _MOST_ROWS
        else ""
    )
    return Table(
        "tep", f"Tệp xuất ({count_vi(len(files))})", columns, rows, note=cut, is_searchable=True, is_wide=True, search_label="Tìm tệp"
    )


def _rejects_table(frame: Frame) -> Table:
    rows = [
        [text(REASONS_VI[reason]), text("Đơn vị" if column == "unit" else column), text(name), number(count)]
        for reason, column, name, count in frame.figures.rejects[:_MOST_ROWS]
    ]
    total = sum(count for *_, count in frame.figures.rejects)
    columns = [Column("Lý do"), Column("Cột"), Column("Tệp"), Column("Số dòng", "number")]
    note = "Dòng bị từ chối không được tính vào tỷ lệ nào; từng dòng ở tệp dong-bi-tu-choi.csv."
    return Table("dong-bi-tu-choi", f"Dòng bị từ chối ({count_vi(total)})", columns, rows, note=note, is_searchable=True)


def _checks_table(frame: Frame) -> Table:
    failed = [check for check in frame.figures.checks if not check.is_passed]
    columns = [Column("Mức"), Column("Nội dung", "long"), Column("Số trường hợp", "number"), Column("Chấp nhận vì")]
    rows = [
        [
            Cell(SEVERITIES_VI[check.severity], tone="missed" if check.severity == "critical" else "warn"),
            text(check.message_vi),
            number(check.found),
            text(check.accepted_why),
        ]
        for check in failed
    ]
    passed = len(frame.figures.checks) - len(failed)
    note = f"{passed} trong {len(frame.figures.checks)} kiểm tra trước khi công bố không thấy gì sai; dưới đây là các kiểm tra còn lại."
    return Table("kiem-tra", "Kiểm tra trước khi công bố", columns, rows, note=note, empty="Mọi kiểm tra đều đạt.")


def _reconciliation_table(frame: Frame) -> Table:
    different = [row for row in frame.figures.reconciliation if row.difference]
    columns = [Column("Biểu"), Column("Đơn vị"), Column("Từ ngày", "date"), Column("Đến hết ngày", "date"), Column("Chỉ tiêu")]
    columns += [
        Column("Trong biểu", "number"),
        Column("Tự đếm", "number"),
        Column("Chênh lệch", "number"),
        Column("Kết quả"),
        Column("Hồ sơ có thể liên quan", "long"),
    ]
    columns += [Column("Lưu ý", "long")]
    rows = [
        [
            text(_kind_labels().get(row.source_kind, row.source_kind)),
            text(row.unit.called, href=frame.link(row.unit)),
            moment(row.period.start),
            moment(date.fromordinal(row.period.end.toordinal() - 1)),
            text(row.label_vi),
            number(row.theirs),
            number(row.ours),
            number(row.difference, difference_vi(row.difference)),
            _reconciled(row),
            text(_shortened(row.cases)),
            text(row.note_vi),
        ]
        for row in different[:_MOST_ROWS]
    ]
    note = f"{count_vi(len(different))} trong {count_vi(len(frame.figures.reconciliation))} con số của các biểu tổng hợp khác số tự đếm từ hồ sơ."
    if len(different) > _MOST_ROWS:
        note += f" Ở đây có {count_vi(_MOST_ROWS)} con số đầu."
    empty = "Mọi con số đều khớp." if frame.figures.reconciliation else "Chưa có biểu tổng hợp nào để đối chiếu."
    return Table("doi-chieu", "Đối chiếu với biểu tổng hợp", columns, rows, note=note, is_searchable=True, is_wide=True, empty=empty)


def _reconciled(row: Difference) -> Cell:
    tone = "warn" if row.is_certain and not row.is_tolerated else "no_data"
    return Cell(reconciled_vi(row.difference, row.is_tolerated, row.is_certain), tone=tone)


def _shortened(cases: Sequence[tuple[str, str]]) -> str:
    """The first dossiers that may be a difference; the CSV and the workbook have all."""
    more = f"; và {count_vi(len(cases) - _MOST_CASES)} hồ sơ nữa ở tệp doi-chieu.csv" if len(cases) > _MOST_CASES else ""
    return candidates_vi(cases[:_MOST_CASES]) + more


def dictionary_page(frame: Frame) -> dict[str, Any]:
    """What templates/tu-dien.html shows: every measure with its targets, and every table of the warehouse with its columns."""
    targets: dict[str, dict[str, str]] = {}
    for found in frame.figures.rates:
        if found.unit and found.target is not None and found.period in frame.figures.current:
            targets.setdefault(found.measure, {})[LEVELS_VI[found.unit.level]] = target_vi(found.target)
    return {
        "measures": frame.figures.measures,
        "families": _FAMILIES,
        "targets": targets,
        "periods": ", ".join(period_vi(period.kind, period.start) for period in frame.figures.current),
        "tables": _warehouse(),
    }


@cache
def _warehouse() -> list[DictionaryTable]:
    """The contracts' tables; they do not change while a program runs."""
    return dictionary_tables()
