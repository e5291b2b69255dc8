"""The commands by which the office looks after the nights: how they went, who is told, what became of mails, and the way back after an accident."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.settings import EXIT_FAILED, EXIT_HELD, ConfigurationError, QueryError, Settings, make_place, make_settings, warehouse_path

app = typer.Typer()


@app.command()
def status(
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    as_json: Annotated[bool, typer.Option("--json", help="In dạng JSON cho chương trình khác.")] = False,
) -> None:
    """Xem số liệu đang dùng có tin cậy được không: lần chạy, độ mới của dữ liệu, kiểm tra, ổ đĩa. Mã kết thúc 1 khi đèn đỏ."""
    from flows.settings import local_now
    from flows.status import show_status

    if not show_status(Settings(Path(), Path(), warehouse_path(warehouse), Path(), datetime.min), local_now(), as_json=as_json):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def watch(
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất.")] = Path("data/raw"),
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu (recipients.csv, mail.toml, sources.toml).")] = Path(
        "data/reference"
    ),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo; thư báo động viết vào bao-dong/.")] = Path("data/outbox"),
    send: Annotated[bool, typer.Option("--send", help="Gửi thư báo động; tự bật khi mail.toml có send = true.")] = False,
) -> None:
    """Báo động khi quá 26 giờ không công bố, bị giữ lại, đĩa sắp đầy, nguồn hỏng, chứng thư sắp hết hạn; chạy mỗi giờ. Mã thoát 1: có báo động."""
    from flows.settings import local_now
    from flows.terminal import show_alarms
    from flows.watching import find_alarms

    settings = replace(make_place(warehouse), raw=raw.resolve(), reference=reference.resolve(), outbox=outbox.resolve(), send=send)
    alarms = find_alarms(settings, local_now())
    show_alarms(settings, alarms, local_now())
    if alarms:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def serve(
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất.")] = Path("data/raw"),
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Cổng của trang theo dõi, chỉ mở trên máy này.")] = 4200,
    every: Annotated[str | None, typer.Option("--cron", help="Thay mọi lịch bằng một lịch cron, để thử.")] = None,
) -> None:
    """Chạy theo lịch bằng Prefect (00:30 mỗi đêm, báo cáo ngày 01, chạy bù), có trang theo dõi trên máy này; dừng bằng Ctrl-C."""
    from flows.deployments import serve_schedule

    settings = make_settings(raw, reference, warehouse, outbox)
    typer.echo(f"Theo dõi tại http://127.0.0.1:{port}. Dừng bằng Ctrl-C.")
    serve_schedule(settings, port, every)


@app.command()
def doctor(
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất.")] = Path("data/raw"),
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
) -> None:
    """Khám máy: cấu hình, quyền, đĩa, đồng hồ, phiên bản, khóa, tệp dở dang, nguồn và thư; nói rõ phải làm gì."""
    from flows.doctor import examine

    signs = {"green": "✓", "yellow": "!", "red": "✗"}
    findings = examine(make_settings(raw, reference, warehouse, outbox))
    for finding in findings:
        typer.echo(f"{signs[finding.light]} {finding.subject_vi}: {finding.text_vi}")
    if any(finding.light == "red" for finding in findings):
        raise typer.Exit(EXIT_FAILED)
    typer.echo("Máy sẵn sàng.")


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="2024-06-01", help="Ngày đầu.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="2024-06-30", help="Ngày cuối, tính cả ngày này.")],
    at: Annotated[
        datetime, typer.Option(formats=["%H:%M"], metavar="23:59", show_default="23:59", help="Giờ chốt số liệu mỗi ngày.")
    ] = datetime(1900, 1, 1, 23, 59),
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất.")] = Path("data/raw"),
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
) -> None:
    """Tính lại các ngày đã qua như lúc đó: viết báo cáo từng ngày, không đổi kho dữ liệu đang công bố, không gửi thư."""
    from flows.backfill import days_between, rebuild_days
    from flows.terminal import progress

    moments = days_between(first.date(), last.date(), at.time())
    held = 0
    with progress() as watcher:
        for day in rebuild_days(make_settings(raw, reference, warehouse, outbox, moments[-1]), moments, watcher):
            held += bool(day.held)
            if day.held:
                typer.echo(f"✗ {day.as_of:%d/%m/%Y}: không viết báo cáo; {'; '.join(f'{c.name}: {c.message_vi}' for c in day.held)}")
            else:
                typer.echo(f"✓ {day.as_of:%d/%m/%Y}: {len(day.summaries)} tệp trong {day.summaries[0].parent}")
    if held:
        raise typer.Exit(EXIT_HELD)


@app.command()
def rollback(
    name: Annotated[str | None, typer.Argument(help="Tên bản công bố muốn quay lại; bỏ trống để xem các bản đang giữ.")] = None,
    why: Annotated[str, typer.Option(help="Lý do, được lưu lại.")] = "",
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Quay lại một bản kho dữ liệu đã công bố trước đây; lần chạy sau công bố bản mới như thường."""
    from flows.keeping import find_kept, list_kept, roll_back
    from flows.night import hold_lock
    from flows.runs import RunLog

    settings = make_place(warehouse)
    if name is None:
        for kept in list_kept(settings):
            typer.echo(
                f"{'→' if kept.is_current else ' '} {kept.name}  chốt {kept.as_of:%H:%M ngày %d/%m/%Y}, chạy {kept.published_at:%H:%M ngày %d/%m/%Y}"
            )
        typer.echo("Quay lại một bản: tthc rollback TÊN --why “…”")
        return
    if not why.strip():
        raise ConfigurationError("cần lý do: --why “…”")
    with hold_lock(settings):
        kept = find_kept(settings, name)
        # The reason first: where it cannot be kept (a full disk), nothing changes either.
        RunLog(replace(settings, as_of=kept.as_of)).note("rolled_back", f"{kept.name}: {why.strip()}")
        roll_back(settings, kept)
    typer.echo(f"Đã quay lại bản chốt {kept.as_of:%H:%M ngày %d/%m/%Y}.")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Tệp .tar.gz sẽ viết, nên ở ổ đĩa khác.")],
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Sao lưu những gì không tính lại được: tệp đã đọc, quyết định, sổ gửi thư, bảng tham chiếu. Không có dữ liệu cá nhân của người dân."""
    from flows.backup import write_backup
    from flows.night import hold_lock

    settings = replace(make_place(warehouse), reference=reference.resolve())
    with hold_lock(settings):
        count = write_backup(settings, target)
    typer.echo(f"Đã sao lưu {count} tệp vào {target}.")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Tệp .tar.gz do tthc backup viết.", exists=True, dir_okay=False)],
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Khôi phục từ bản sao lưu; bộ dữ liệu đang có được dời sang bên, không xóa. Sau đó chạy `tthc run`."""
    from flows.backup import restore_backup
    from flows.night import hold_lock

    settings = replace(make_place(warehouse), reference=reference.resolve())
    with hold_lock(settings, restores=True):
        restored = restore_backup(settings, source)
    for folder in restored.aside:
        typer.echo(f"Bộ cũ được giữ ở {folder}")
    if not restored.knows_later_mails:
        typer.echo(
            "  ! Không có sổ gửi thư nào của thời gian sau bản sao lưu: chạy lại các đêm từ đó thì thư đã gửi có thể đến người nhận lần nữa. Để tránh, "
            "đặt send = false trong mail.toml, chạy bù, rồi với thư đã đến dùng `tthc deliveries --mark-sent SỐ`"
        )
    typer.echo(f"Đã khôi phục {restored.count} tệp. Chạy `tthc run` để tính lại.")


@app.command()
def forget(
    target: Annotated[str, typer.Argument(help="Tên tệp (đường dẫn dưới thư mục tệp xuất) hoặc ít nhất 8 ký tự đầu của mã SHA-256.")],
    why: Annotated[str, typer.Option(help="Lý do, được lưu lại.")],
    undo: Annotated[bool, typer.Option("--undo", help="Lấy lại tệp đã rút.")] = False,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Rút lại một tệp xuất đã nạp nhầm: từ lần chạy sau số liệu như chưa từng có tệp đó."""
    from flows.night import hold_lock
    from flows.quarantine import withdraw

    settings = make_place(warehouse)
    with hold_lock(settings):
        found = withdraw(settings.staged, target, why, undo=undo)
    for file_id, names in found.items():
        typer.echo(f"{'Đã lấy lại' if undo else 'Đã rút lại'}: {', '.join(names)} ({file_id[:12]})")
    typer.echo("Chạy `tthc run` để tính lại.")


@app.command()
def send(
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], metavar="2024-06-30", help="Chỉ thư của ngày này; mặc định mọi ngày.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Gửi cả thư đính chính: số liệu chạy lại khác với thư đã gửi.")] = False,
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu (mail.toml).")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
) -> None:
    """Gửi các thư đã soạn mà chưa gửi; thư không rõ đã đến hay chưa thì không tự gửi lại."""
    from flows.mail.dispatch import send_waiting
    from flows.mail.server import require_server
    from flows.night import hold_lock
    from flows.terminal import show_outcome

    settings = Settings(Path(), reference.resolve(), warehouse_path(warehouse), outbox.resolve(), datetime.min, send=True)
    server = require_server(settings.reference)
    with hold_lock(settings):
        outcome = send_waiting(settings, server, day.date() if day else None, again=again)
    show_outcome(outcome)
    if not outcome.is_complete:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def deliveries(
    resend: Annotated[int | None, typer.Option(metavar="SỐ", help="Cho gửi lại thư số này (không rõ hoặc bị từ chối).")] = None,
    mark_sent: Annotated[int | None, typer.Option("--mark-sent", metavar="SỐ", help="Coi thư số này là đã đến.")] = None,
    why: Annotated[str, typer.Option(help="Lý do của quyết định, được lưu lại.")] = "",
    state: Annotated[str | None, typer.Option(help="Chỉ thư ở trạng thái này: prepared, sending, sent, refused, unknown.")] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], metavar="2024-06-30", help="Chỉ thư của ngày này.")
    ] = None,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Xem từng thư (số liệu, báo cáo tháng, báo động) đã đi đến đâu, và quyết định về thư không rõ hoặc bị từ chối."""
    from flows.alarming import alarm_ledger_path
    from flows.mail.ledger import STATES, Ledger, ledger_path
    from flows.night import hold_lock
    from flows.terminal import show_deliveries

    settings = Settings(Path(), Path(), warehouse_path(warehouse), Path(), datetime.min)
    if state is not None and state not in STATES:
        raise ConfigurationError(f"--state: có “{state}”, cần một trong: {', '.join(STATES)}")
    alarms = alarm_ledger_path(settings)
    if not ledger_path(settings.staged).is_file() and not alarms.is_file():
        raise QueryError(f"chưa có thư nào được soạn cho kho dữ liệu “{warehouse}”")
    if resend is not None and mark_sent is not None:
        raise QueryError("chỉ một quyết định mỗi lần: --resend hoặc --mark-sent")
    ledger = Ledger(ledger_path(settings.staged))
    number = mark_sent if resend is None else resend
    if number is not None:
        with hold_lock(settings):
            ledger.settle_interrupted()
            show_deliveries([ledger.decide(number, "sent" if resend is None else "prepared", why)])
        if resend is not None:
            typer.echo("Gửi: `tthc send`.")
        return
    values = (day.date().isoformat() if day else None, state)
    chosen = "summary_date = coalesce(?, summary_date) AND state = coalesce(?, state)"
    show_deliveries(ledger.rows(chosen, values), Ledger(alarms).rows(chosen, values) if alarms.is_file() else [])
