"""`tthc check`: an export read and normalised as the night would, without staging or loading anything."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.landing import time_in_name
from flows.report import REASONS_VI, moment_vi
from flows.settings import ConfigurationError
from transforms.layouts import LayoutLists, ListError, load_lists
from transforms.normalise import normalise_export
from transforms.readers import is_archive, list_members, read_member, read_sheets
from transforms.sheets import UnreadableExport


@dataclass(frozen=True)
class CheckedExport:
    """What one export would give, as lines for a person; clean when it reads and no row has trouble."""

    is_clean: bool
    lines: list[str]


def check_file(path: Path, reference: Path) -> Iterator[CheckedExport]:
    """Check one file, every member where it is an archive.

    Raises:
        ConfigurationError: the office's heading or word list cannot be used.
    """
    try:
        lists = load_lists(
            *((reference / n).read_text("utf-8-sig") if (reference / n).is_file() else "" for n in ("headings.csv", "words.csv"))
        )
    except ListError as error:
        raise ConfigurationError(str(error)) from None
    data = path.read_bytes()
    if not is_archive(data):
        yield _check(path.name, data, lists)
        return
    try:
        for member in list_members(data):
            yield _check(f"{path.name} › {member}", read_member(data, member), lists)
    except UnreadableExport as error:
        yield CheckedExport(False, [f"{path.name}: TỪ CHỐI — {error}"])


def _check(name: str, data: bytes, lists: LayoutLists) -> CheckedExport:
    try:
        export = normalise_export(read_sheets(data), lists)
    except UnreadableExport as error:
        return CheckedExport(False, [f"{name}: TỪ CHỐI — {error}"])
    lines = []
    clean = True
    exported = export.exported_at or time_in_name(name)
    for sheet in export.sheets:
        layout = sheet.layout
        troubled = len(set(sheet.troubles["row_number"].to_pylist()))
        clean &= not troubled
        title = f"{name}, trang “{sheet.name}”" if sheet.name else name
        lines.append(
            f"{title}: {layout.kind.label_vi} ({layout.kind.name}), xuất lúc {moment_vi(exported) or 'không rõ (sẽ lấy lúc tệp đến)'}"
        )
        rows = f"{layout.first + 1}" if layout.first == layout.last else f"{layout.first + 1}–{layout.last + 1}"
        lines.append(f"  tiêu đề ở dòng {rows} của bảng; {sheet.rows.num_rows} dòng dữ liệu, {troubled} dòng có thể bị từ chối")
        lines.append("  cột đã nhận: " + ", ".join(f"“{heading}” → {column}" for column, heading in layout.headings.items()))
        if layout.personal:
            lines.append(f"  cột cá nhân, không bao giờ lưu: {', '.join(f'“{heading}”' for heading in layout.personal)}")
        for reason, count in Counter(sheet.troubles["reason"].to_pylist()).most_common():
            lines.append(f"  ✗ {REASONS_VI[reason]}: {count}")
        for trouble in sheet.troubles.slice(0, 20).to_pylist():
            shown = f" “{trouble['masked_value']}”" if trouble["masked_value"] else ""
            lines.append(f"      dòng {trouble['row_number']}, cột “{trouble['column_name']}”: {REASONS_VI[trouble['reason']]}{shown}")
    lines.extend(f"  ! {warning}" for warning in export.warnings)
    return CheckedExport(clean, lines)
