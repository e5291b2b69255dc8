"""What the terminal shows: a progress bar while reading, a short table at the end, one line for each file in trouble."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from expectations import failed_critically
from flows.checking import check_file, describe, is_clean
from flows.landing import Export
from flows.night import NightResult, Watcher
from flows.settings import Settings


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def progress() -> Iterator[Watcher]:
    """A watcher that draws a bar while exports are read; nothing where the output is no terminal."""
    with _bar(Console(stderr=True)) as bar:
        task = bar.add_task("Đọc tệp xuất", total=None, visible=False)

        def on_reading(total: int) -> None:
            bar.update(task, total=total, visible=total > 0)

        def on_read(export: Export) -> None:
            bar.advance(task)

        yield Watcher(on_reading, on_read)


@contextmanager
def counter(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar for anything that is counted; the function it gives takes the number done so far."""
    with _bar(Console(stderr=True)) as bar:
        task = bar.add_task(text, total=total)
        yield lambda done: bar.update(task, completed=done)


def show_result(settings: Settings, result: NightResult) -> None:
    """Print the outcome of a run."""
    console = Console(soft_wrap=True, highlight=False)
    states = Counter(file["status"] for file in result.files)
    console.print(
        f"Tệp xuất: {len(result.files)} ({result.files_read} đọc mới) — đã nạp {states['loaded']}, trùng {states['duplicate']}, "
        f"xuất sau thời điểm chốt {states['later']}, bị từ chối {states['rejected']}",
        markup=False,
    )
    for file in result.files:
        if file["status"] == "rejected":
            name = f"{file['file_name']} › {file['member']}" if file["member"] else file["file_name"]
            console.print(f"  ✗ {name}: {file['error']}", markup=False)
    if result.is_published:
        _show_published(console, settings)
    for check in result.checks:
        if not check.is_passed and check.severity == "warning":
            console.print(f"  ! {check.message_vi}: {check.found}", markup=False)
    if not result.is_published:
        _show_held(console, result)
        return
    for check in result.checks:
        if check.accepted_why:
            console.print(f"  ✗ {check.name}: {check.message_vi}: {check.found} — vẫn công bố, lý do: {check.accepted_why}", markup=False)
    for name in result.deleted:
        console.print(f"  – đã xóa tệp gốc quá {settings.keep_raw_days} ngày: {name}", markup=False)
    console.print(
        f"Kho dữ liệu: {settings.warehouse}\nBáo cáo:     {result.summaries[0].parent} ({len(result.summaries)} tệp CSV)", markup=False
    )


def _show_held(console: Console, result: NightResult) -> None:
    held = failed_critically(result.checks)
    for check in held:
        where = f" (ví dụ {'; '.join(check.examples[:3])})" if check.examples else ""
        console.print(f"  ✗ {check.name}: {check.message_vi}: {check.found}{where}", markup=False)
    names = ", ".join(check.name for check in held[:3]) + (f" và {len(held) - 3} kiểm tra khác" if len(held) > 3 else "")
    seen = f"; từng dòng ở {result.docs}" if result.docs else ""
    console.print(
        f"KHÔNG CÔNG BỐ vì {names}: số liệu đang dùng giữ nguyên như lần công bố trước{seen}. Hãy sửa như dòng ✗ rồi chạy lại; "
        f'nếu đã xem và vẫn muốn công bố lần này: tthc run --accept {held[0].name} --why "lý do"',
        markup=False,
    )


def _show_published(console: Console, settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        loaded, rejected = connection.execute("SELECT sum(rows_loaded), sum(rows_rejected) FROM ops.files").fetchall()[0]
        cases, late, waiting = connection.execute(
            "SELECT (SELECT count(*) FROM core.cases), (SELECT count(*) FROM mart.late_receptions), (SELECT count(*) FROM mart.late_receptions WHERE is_waiting)"
        ).fetchall()[0]
        rows = connection.execute(
            "SELECT m.label_vi, count(*) FILTER (WHERE status = 'met'), count(*) FILTER (WHERE status = 'missed'), count(*) FILTER (WHERE status = 'no_data'), "
            "count(*) FILTER (WHERE status = 'no_target') FROM mart.measures m JOIN mart.unit_rates r USING (measure) "
            "WHERE m.family = 'plan' AND r.period_kind = 'year' AND r.period_start <= CAST(r.as_of AS DATE) AND r.period_end > CAST(r.as_of AS DATE) GROUP BY m.rowid, m.label_vi ORDER BY m.rowid"
        ).fetchall()
    console.print(
        f"Dòng dữ liệu: nạp {loaded}, từ chối {rejected}. Hồ sơ: {cases}. Chậm tiếp nhận quá 8 giờ: {late} (đang chờ {waiting}).",
        markup=False,
    )
    table = Table(title=f"Năm {settings.as_of.year}, chốt {settings.as_of:%H:%M ngày %d/%m/%Y}: số đơn vị", title_justify="left")
    table.add_column("Chỉ số")
    for heading in ("Đạt", "Không đạt", "Không phát sinh", "Không có chỉ tiêu"):
        table.add_column(heading, justify="right")
    for label, *counts in rows:
        table.add_row(label, *map(str, counts))
    console.print(table)


def show_checked(files: Sequence[Path], reference: Path, *, as_json: bool) -> bool:
    """Print what each file would give; True when every one reads without a row in trouble."""
    console = Console(soft_wrap=True, highlight=False)
    records = [record for path in files for record in check_file(path, reference)]
    if as_json:
        print(json.dumps(records, ensure_ascii=False, indent=1))
    else:
        for record in records:
            for line in describe(record):
                console.print(line, markup=False)
    return all(is_clean(record) for record in records)
