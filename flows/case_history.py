"""What one dossier was seen as, list after list, as an official would tell it: `tthc explain --history`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations import load_contracts
from flows.querying import open_warehouse, wide_console
from flows.reasons import CASE_STATUS_VI
from flows.settings import QueryError
from transforms.wording import moment_vi

_TOLD = ("unit_code", "procedure_code", "channel", "submitted_at", "received_at", "due_at", "finished_at", "returned_at", "status_code")
_LABELS_VI = {
    "unit_code": "Đơn vị giải quyết",
    "procedure_code": "Mã TTHC",
    "channel": "Kênh nộp",
    "status_code": "Trạng thái",
}  # shorter than the dictionary's
_CHANNELS_VI = {"online": "trực tuyến", "counter": "trực tiếp", "postal": "bưu chính"}
STATES = """
SELECT h.*, u.unit_name, a.file_name, a.member, b.file_name AS last_file_name, b.member AS last_member
FROM core.case_history AS h
JOIN core.units AS u ON u.unit_code = h.unit_code AND u.valid_from = h.unit_valid_from
JOIN ops.files AS a ON a.file_id = h.file_id AND a.status = 'loaded'
JOIN ops.files AS b ON b.file_id = h.last_file_id AND b.status = 'loaded'
"""


def show_history(warehouse: Path, case_code: str) -> None:
    """Print every state a dossier was seen in: what changed, when it was first and last seen, and in which rows of which files.

    Raises:
        QueryError: no loaded list shows such a dossier.
        ConfigurationError: there is no warehouse.
    """
    code = "".join(case_code.split()).upper()
    with open_warehouse(warehouse) as connection:
        try:
            states = _rows(connection, f"{STATES} WHERE h.case_code = ? ORDER BY h.state_number", code)
        except duckdb.CatalogException:
            raise QueryError(f"kho dữ liệu “{warehouse}” do phiên bản khác của chương trình tạo; hãy chạy lại `tthc run`") from None
    if not states:
        raise QueryError(f"không danh sách nào đã nạp có hồ sơ “{code}”; mã hồ sơ có dạng 000.22.58.H48-240215-0007")
    console = wide_console()
    console.print(f"Hồ sơ {code}: {len(states)} trạng thái đã thấy, theo thứ tự các lần xuất danh sách", soft_wrap=True)
    for state in tell_states(states):
        console.print("\n" + "\n   ".join(state), soft_wrap=True)


def tell_states(states: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Each state of one dossier as lines: when it was shown, what changed, and the rows that show it.

    Args:
        states: rows of STATES, in their order.
    """
    return [_tell(state, states[number - 1] if number else None) for number, state in enumerate(states)]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, code: str) -> list[dict[str, Any]]:
    result = connection.execute(query, [code])
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _tell(state: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    until = f"đến {moment_vi(state['valid_to'])}" if state["valid_to"] else "đến nay"
    lines = [f"{state['state_number']}. Từ {moment_vi(state['valid_from'])} {until}"]
    for column in _TOLD:
        now, label = _shown(state, column), _LABELS_VI.get(column) or load_contracts()["core.case_history"].columns[column].vi
        if before is None:
            if now:
                lines.append(f"{label}: {now}")
        elif column in (state["changed_columns"] or "").split(","):
            lines.append(f"{label}: {_shown(before, column) or 'trống'} → {now or 'trống'}")
    lines.append(f"Thấy lần đầu: {_place(state, '')}")
    if state["last_seen_at"] != state["valid_from"]:
        lines.append(f"Thấy lần cuối {moment_vi(state['last_seen_at'])}: {_place(state, 'last_')}")
    return lines


def _shown(state: Mapping[str, Any], column: str) -> str:
    value = state[column]
    if column == "unit_code":
        return f"{state['unit_name']} ({value})"
    if column == "status_code":
        return f"{value} {CASE_STATUS_VI.get(value, '')}".strip() if value is not None else ""
    if column == "channel":
        return _CHANNELS_VI.get(value, str(value))
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M}"
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value or "")


def _place(state: Mapping[str, Any], which: str) -> str:
    name = state[f"{which}file_name"]
    member = f" › {state[f'{which}member']}" if state[f"{which}member"] else ""
    sheet = f", trang “{state[f'{which}sheet']}”" if state[f"{which}sheet"] else ""
    return f"tệp {name}{member}{sheet}, dòng {state[f'{which}row_number']}"
