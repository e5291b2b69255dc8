"""What the terminal shows: a progress bar while reading, a short table at the end, one line for each file in trouble."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from filelock import Timeout
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from expectations import failed_critically
from flows.alarming import FOLDER as ALARMS
from flows.alarming import post_alarms
from flows.checking import check_file, describe, is_clean
from flows.fetching import REPEATED, SourceOutcome
from flows.landing import Export
from flows.mail.delivery import Outcome
from flows.mail.dispatch import FOLDER, Post
from flows.mail.ledger import Delivery
from flows.mail.server import load_server, require_server
from flows.night import NightResult, Watcher
from flows.settings import ConfigurationError, Settings
from flows.site import SITE_FOLDER
from flows.watching import Alarm
from transforms.wording import DELIVERY_STATES_VI, count_vi, moment_vi

if TYPE_CHECKING:  # Word, workbook and charts take a second to import, and few commands write a report
    from flows.monthly import MonthlyReport


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
    show_sources(result.sources)
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
            console.print(f"  ! {check.message_vi}: {count_vi(check.found)}", markup=False)
    if not result.is_published:
        _show_post(console, settings, result)
        _show_held(console, result)
        return
    for check in result.checks:
        if check.accepted_why:
            console.print(
                f"  ✗ {check.name}: {check.message_vi}: {count_vi(check.found)} — vẫn công bố, lý do: {check.accepted_why}", markup=False
            )
    for name in result.deleted:
        console.print(f"  – đã xóa tệp gốc quá {settings.keep_raw_days} ngày: {name}", markup=False)
    console.print(
        f"Kho dữ liệu: {settings.warehouse}\nBáo cáo:     {result.summaries[0].parent} ({sum(p.suffix == '.csv' for p in result.summaries)} tệp CSV)\n"
        f"Trang xem:   {settings.outbox / SITE_FOLDER / 'index.html'}",
        markup=False,
    )
    _show_post(console, settings, result)


def show_month(report: "MonthlyReport") -> None:
    """Print the files of a monthly report, and what became of its mails."""
    console = Console(soft_wrap=True, highlight=False)
    for path in report.files:
        console.print(f"Đã viết {path}", markup=False)
    for note in report.post.notes:
        console.print(f"Thư: {note}", markup=False)
    if report.post.prepared:
        sending = "" if report.post.outcome else "; chưa gửi (gửi: `tthc send`)"
        console.print(f"Thư:         {report.files[0].parent / FOLDER} ({report.post.prepared} thư{sending})", markup=False)
    _show_sending(console, report.post)


def _show_post(console: Console, settings: Settings, result: NightResult) -> None:
    post = result.post
    for note in post.notes:
        console.print(f"Thư: {note}", markup=False)
    if post.prepared:
        folder = settings.outbox / f"{settings.as_of:%Y-%m-%d}" / FOLDER
        sending = "" if post.outcome else "; chưa gửi (gửi: `tthc send`, hoặc chạy với --send)"
        console.print(f"Thư:         {folder} ({post.prepared} thư{sending})", markup=False)
    _show_sending(console, post)


def _show_sending(console: Console, post: Post) -> None:
    if post.corrections:
        console.print(f"  ! {post.corrections} thư khác với thư đã gửi của ngày đó; gửi đính chính: `tthc send --again`", markup=False)
    if post.outcome:
        show_outcome(post.outcome)


def show_outcome(outcome: Outcome) -> None:
    """Print what sending did; no address is shown."""
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"Đã gửi {outcome.sent} thư; bị từ chối {outcome.refused}, không rõ {outcome.unknown}, chờ gửi lại {outcome.waiting}.", markup=False
    )
    for reason in outcome.reasons:
        console.print(f"  ! thư chưa gửi được: {reason}", markup=False)
    if outcome.refused or outcome.unknown:
        console.print("  ! xem và quyết định: `tthc deliveries`", markup=False)
    if outcome.waiting:
        console.print("  ! gửi lại: `tthc send`, hoặc đợi đêm sau", markup=False)


def show_alarms(settings: Settings, alarms: Sequence[Alarm], now: datetime) -> None:
    """Print the alarms, mail them, and print what became of the mails; a trouble with mailing hides no alarm."""
    console = Console(soft_wrap=True, highlight=False)
    for alarm in alarms:
        console.print(f"✗ {alarm.text_vi}", markup=False)
    if not alarms:
        console.print("Không có gì phải báo động.")
        return
    server = None
    try:
        server = require_server(settings.reference) if settings.send else load_server(settings.reference)
    except ConfigurationError as error:
        console.print(f"  ! không gửi được thư báo động: {error}", markup=False)
    try:
        post = post_alarms(settings, alarms, server, now, is_sent=server is not None and (settings.send or server.is_on))
    except ConfigurationError as error:
        console.print(f"  ! không viết được thư báo động: {error}", markup=False)
        return
    except (OSError, sqlite3.Error, Timeout) as error:
        console.print(f"  ! không viết được thư báo động ({type(error).__name__})", markup=False)
        return
    if not post.recipients:
        console.print("  ! không có ai nhận thư báo động: recipients.csv cần một dòng phạm vi all, có alarm", markup=False)
    if post.prepared:
        console.print(f"Thư báo động: {len(post.prepared)} thư mới trong {settings.outbox / ALARMS}", markup=False)
    if post.outcome and (post.outcome.sent or not post.outcome.is_complete):
        show_outcome(post.outcome)


def show_deliveries(deliveries: Sequence[Delivery], alarms: Sequence[Delivery] = ()) -> None:
    """Print the ledger's rows and those of alarms, addresses included: whoever decides must know whose mail it is.

    Alarms have no number: there is nothing to decide about them, the next day of the same trouble has a mail of its own.
    """
    console = Console(soft_wrap=True, highlight=False)
    if not deliveries and not alarms:
        console.print("Không có thư nào.")
        return
    headings = ("Số", "Ngày", "Loại", "Người nhận", "Trạng thái", "Lần thử", "Lúc", "Trả lời của máy chủ")
    table = Table(*(Column(heading, overflow="fold") for heading in headings))  # a narrow screen breaks what is long and cuts nothing off
    unnumbered = set(alarms)
    for d in sorted([*deliveries, *alarms], key=lambda d: d.summary_date):
        state = DELIVERY_STATES_VI[d.state] + (" (đính chính, chờ --again)" if d.is_correction and d.state == "prepared" else "")
        day = date.fromisoformat(d.summary_date)
        cells = (
            "–" if d in unnumbered else str(d.id),
            f"{day:%d/%m/%Y}",
            d.kind,
            d.addressee,
            state,
            str(d.attempts),
            f"{datetime.fromisoformat(d.settled_at or d.tried_at or d.prepared_at):%H:%M %d/%m/%Y}",
            d.reply or "",
        )
        table.add_row(*(escape(cell) for cell in cells))
    console.print(table)


def show_sources(sources: Sequence[SourceOutcome]) -> None:
    """Print what was fetched, one line a source; nothing where there is none."""
    console = Console(soft_wrap=True, highlight=False)
    for source in sources:
        waiting = f", {source.waiting} tệp bên gửi chưa ghi xong" if source.waiting else ""
        new = f"{len(source.landed)} tệp mới{waiting}"
        if source.error is None:
            console.print(f"Nguồn {source.name} ({source.kind}): {new}", markup=False)
            continue
        last = f"lần lấy được gần nhất {source.last_success_at:%H:%M ngày %d/%m/%Y}" if source.last_success_at else "chưa lần nào lấy được"
        again = f" HỎNG {source.failures} LẦN LIỀN," if source.failures >= REPEATED else ""
        console.print(f"  ✗ Nguồn {source.name} ({source.kind}): {source.error} —{again} {last}; {new}", markup=False)


def _show_held(console: Console, result: NightResult) -> None:
    held = failed_critically(result.checks)
    for check in held:
        where = f" (ví dụ {'; '.join(check.examples[:3])})" if check.examples else ""
        console.print(f"  ✗ {check.name}: {check.message_vi}: {count_vi(check.found)}{where}", markup=False)
    names = ", ".join(check.name for check in held[:3]) + (f" và {len(held) - 3} kiểm tra khác" if len(held) > 3 else "")
    seen = f"; từng dòng ở {result.docs}" if result.docs else ""
    # As pasted it publishes: a check left out would hold the next run back again. What breaks more than three wants mending, not a line to paste.
    accepted = " ".join(f"--accept {check.name}" for check in held) if len(held) <= 3 else "--accept … (mỗi dòng ✗ một lần)"
    console.print(
        f"KHÔNG CÔNG BỐ vì {names}: số liệu đang dùng giữ nguyên như lần công bố trước{seen}. Hãy sửa như dòng ✗ rồi chạy lại; "
        f'nếu đã xem và vẫn muốn công bố lần này: tthc run {accepted} --why "lý do"',
        markup=False,
    )


def _show_published(console: Console, settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        loaded, rejected = connection.execute("SELECT sum(rows_loaded), sum(rows_rejected) FROM ops.files").fetchall()[0]
        cases, late, waiting = connection.execute(
            "SELECT (SELECT count(*) FROM core.cases), (SELECT count(*) FROM mart.late_receptions), (SELECT count(*) FROM mart.late_receptions WHERE is_waiting)"
        ).fetchall()[0]
        compared, equal, differing = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE difference = 0), count(*) FILTER (WHERE NOT is_tolerated) FROM mart.reconciliation"
        ).fetchall()[0]
        rows = connection.execute(
            "SELECT m.label_vi, count(*) FILTER (WHERE status = 'met'), count(*) FILTER (WHERE status = 'missed'), count(*) FILTER (WHERE status = 'no_data'), "
            "count(*) FILTER (WHERE status = 'no_target') FROM mart.measures m JOIN mart.unit_rates r USING (measure) "
            "WHERE m.family = 'plan' AND r.period_kind = 'year' AND r.period_start <= CAST(r.as_of AS DATE) AND r.period_end > CAST(r.as_of AS DATE) GROUP BY m.rowid, m.label_vi ORDER BY m.rowid"
        ).fetchall()
        stale = connection.execute(
            "SELECT unit_name, max(data_as_of) FROM mart.unit_rates WHERE is_stale AND period_kind = 'year' AND period_start <= CAST(as_of AS DATE) "
            "AND period_end > CAST(as_of AS DATE) GROUP BY unit_code, unit_valid_from, unit_name ORDER BY unit_code"
        ).fetchall()
    console.print(
        f"Dòng dữ liệu: nạp {loaded}, từ chối {rejected}. Hồ sơ: {cases}. Chậm tiếp nhận quá 8 giờ: {late} (đang chờ {waiting}).",
        markup=False,
    )
    if compared:
        console.print(
            f"Đối chiếu biểu tổng hợp: {compared} số, khớp {equal}, lệch quá ngưỡng {differing}{' (xem doi-chieu.csv)' if differing else ''}.",
            markup=False,
        )
    table = Table(title=f"Năm {settings.as_of.year}, chốt {settings.as_of:%H:%M ngày %d/%m/%Y}: số đơn vị", title_justify="left")
    table.add_column("Chỉ số")
    for heading in ("Đạt", "Không đạt", "Không phát sinh", "Không có chỉ tiêu"):
        table.add_column(heading, justify="right")
    for label, *counts in rows:
        table.add_row(label, *map(str, counts))
    if rows:  # none where no unit is in force any more, which a warning tells
        console.print(table)
    if stale:
        shown = ", ".join(f"{name} ({moment_vi(fresh) or 'chưa có'})" for name, fresh in stale[:5])
        more = f" và {len(stale) - 5} đơn vị khác" if len(stale) > 5 else ""
        console.print(f"  ! Dữ liệu cũ, chưa đủ để kết luận là đạt: {len(stale)} đơn vị — {shown}{more}", markup=False)


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
