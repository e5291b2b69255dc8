"""Dossiers that waited more than 8 working hours for reception: on a page of their own, and on each unit's page."""

from collections.abc import Sequence
from typing import Any

from flows.figures import LateReception
from flows.site.frame import Frame
from flows.site.tables import Cell, Column, Table, moment, number, text
from transforms.wording import count_vi, hours_vi, reception_vi

_MOST_ROWS = 2_000


def receptions_page(frame: Frame) -> dict[str, Any]:
    """What templates/cham-tiep-nhan.html shows."""
    late = frame.figures.late
    return {
        "waiting": sum(row.is_waiting for row in late),
        "received": sum(row.received_at is not None for row in late),
        "closed": sum(row.received_at is None and not row.is_waiting for row in late),
        "receptions": receptions_table(frame, late, "cham-tiep-nhan", "", with_unit=True, most=_MOST_ROWS),
    }


def receptions_table(frame: Frame, late: Sequence[LateReception], name: str, up: str, *, with_unit: bool, most: int) -> Table:
    """Late receptions in the order of the figures: those still waiting first, then the longest; beyond `most` the note says where the rest is."""
    columns = [Column("Mã hồ sơ", "code")] + ([Column("Đơn vị")] if with_unit else [])
    columns += [Column("Tình trạng"), Column("Đã chờ (giờ làm việc)", "number"), Column("Nộp lúc", "date"), Column("Tiếp nhận lúc", "date")]
    rows = [
        [
            text(row.case_code),
            *([text(row.unit.called, href=frame.link(row.unit, up))] if with_unit else []),
            Cell(reception_vi(row.received_at, is_waiting=row.is_waiting), tone="missed" if row.is_waiting else ""),
            number(row.waiting_hours, hours_vi(row.waiting_hours)),
            moment(row.submitted_at),
            moment(row.received_at),
        ]
        for row in late[:most]
    ]
    cut = (
        f" Ở đây có {count_vi(most)} hồ sơ đầu trong {count_vi(len(late))}; đủ danh sách ở tệp cham-tiep-nhan.csv."
        if len(late) > most
        else ""
    )
    return Table(
        name,
        f"Hồ sơ trực tuyến chờ tiếp nhận quá 8 giờ làm việc ({count_vi(len(late))})",
        columns,
        rows,
        note=f"Hồ sơ còn đang chờ ở trên, rồi đến hồ sơ đã chờ lâu nhất.{cut}",
        is_searchable=True,
        empty="Không có hồ sơ nào.",
        search_label="Tìm hồ sơ hoặc đơn vị" if with_unit else "Tìm hồ sơ",
    )
