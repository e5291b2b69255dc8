"""The command line: `tthc`. Heavy libraries are imported by the command that needs them, so that help is instant."""

import os
import sys
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.settings import TELEMETRY_OFF, AlreadyRunning, ConfigurationError, QueryError, Settings, make_place, make_settings

if TYPE_CHECKING:
    from flows.night import NightResult

app = typer.Typer(
    name="tthc",
    help="Tỷ lệ giải quyết thủ tục hành chính theo đơn vị, từ tệp xuất của hệ thống một cửa.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
headings = typer.Typer(help="Danh sách tiêu đề của cơ quan.", no_args_is_help=True)
app.add_typer(headings, name="headings")
units = typer.Typer(help="Danh sách đơn vị của cơ quan.", no_args_is_help=True)
app.add_typer(units, name="units")
plan = typer.Typer(help="Kế hoạch năm.", no_args_is_help=True)
app.add_typer(plan, name="plan")


class Engines(StrEnum):
    """What `tthc build` can build with."""

    duckdb = "duckdb"
    spark = "spark"


EXIT_FAILED, EXIT_USAGE, EXIT_HELD, EXIT_LOCKED = 1, 2, 3, 4


def _parse_moment(text: str) -> datetime:
    """A moment of --as-of; a day alone means its end, so that the exports of that day count."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}” không phải thời điểm dạng 2024-06-30T23:00") from None
    if moment.tzinfo:
        raise typer.BadParameter("viết giờ Việt Nam, không kèm múi giờ")
    return moment.replace(hour=23, minute=59, second=59) if len(text) == 10 else moment.replace(microsecond=0)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tthc {version('tthc')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="In phiên bản rồi thoát.")] = False,
) -> None:
    """Options of every command."""
    os.umask(0o027)  # what is written here is for the office, not for every user of the machine


@app.command()
def run(
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất, tìm cả trong thư mục con.")] = Path("data/raw"),
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu (units.csv và các bảng khác của cơ quan).")] = Path(
        "data/reference"
    ),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB được công bố.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
    as_of: Annotated[
        datetime | None,
        typer.Option(parser=_parse_moment, metavar="2024-06-30T23:00", help="Thời điểm chốt số liệu (giờ Việt Nam); mặc định là bây giờ."),
    ] = None,
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up", help="Chạy lần lượt mọi đêm (00:30) đã đến mà chưa xong, mỗi đêm theo thời điểm của nó; dùng cho lịch chạy."
        ),
    ] = False,
    no_fetch: Annotated[bool, typer.Option("--no-fetch", help="Không lấy tệp mới từ các nguồn trong sources.toml trước khi chạy.")] = False,
    prefect: Annotated[bool, typer.Option("--prefect", help="Chạy có theo dõi bằng Prefect (tự bật khi có PREFECT_API_URL).")] = False,
    send: Annotated[bool, typer.Option("--send", help="Gửi thư sau khi chạy; không có thì thư chỉ được viết vào thư mục báo cáo.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="KIỂM_TRA", help="Vẫn công bố lần này dù kiểm tra này không đạt; dùng lại được nhiều lần."),
    ] = None,
    why: Annotated[str | None, typer.Option(help="Lý do của --accept, được lưu mãi.")] = None,
) -> None:
    """Chạy toàn bộ công việc một lần: đọc tệp xuất, tính tỷ lệ, kiểm tra, công bố, viết báo cáo."""
    os.environ.update({name: os.environ.get(name, value) for name, value in TELEMETRY_OFF.items()})
    if catch_up and as_of:
        raise typer.BadParameter("--catch-up tự lấy thời điểm của từng đêm; bỏ --as-of")
    if catch_up and accept:
        raise typer.BadParameter("--accept là quyết định cho một lần chạy; bỏ --catch-up")
    settings = replace(make_settings(raw, reference, warehouse, outbox, as_of), fetches=not no_fetch, send=send)
    tracked = prefect or bool(os.environ.get("PREFECT_API_URL"))
    if not catch_up:
        nights = iter([(settings.as_of, _run(settings, accept or [], why, tracked=tracked))])
    else:
        from flows.schedule import run_missed_nights

        nights = run_missed_nights(settings, lambda night: _run(night, [], None, tracked=tracked))
    from flows.terminal import show_result

    held, moment = False, None
    for moment, result in nights:
        if catch_up:
            typer.echo(f"Đêm {moment:%d/%m/%Y}, chốt {moment:%H:%M}:")
        show_result(replace(settings, as_of=moment), result)
        held = held or not result.is_published
    if moment is None:
        typer.echo("Không có đêm nào bị lỡ.")
    if held:
        raise typer.Exit(EXIT_HELD)


def _run(settings: Settings, accept: list[str], why: str | None, *, tracked: bool) -> "NightResult":
    from flows.validation import Validation

    validation = None if tracked else Validation()  # before the imports below, which take a second in which it gets ready
    from flows.terminal import progress

    with progress() as watcher:
        if tracked:
            home = settings.warehouse.parent / "prefect"
            home.mkdir(parents=True, exist_ok=True)
            os.environ.setdefault("PREFECT_HOME", str(home))
            os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
            from flows.nightly import nightly

            return nightly(settings, watcher, accept, why)
        from flows.night import run_night

        return run_night(settings, watcher, accept=accept, why=why, validation=validation)


@app.command("fetch")
def fetch_exports(
    source: Annotated[str | None, typer.Option(metavar="TÊN", help="Chỉ lấy từ nguồn này.")] = None,
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất.")] = Path("data/raw"),
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu, có sources.toml.")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB; nhật ký lấy tệp nằm cạnh đó.")] = Path(
        "data/warehouse/tthc.duckdb"
    ),
) -> None:
    """Lấy tệp xuất mới từ các nguồn trong sources.toml (thư mục mạng, SFTP, HTTP, S3, hộp thư); không tính toán gì."""
    os.umask(0o027)
    from flows.fetching import check_secrets, fetch
    from flows.night import hold_lock
    from flows.terminal import show_sources

    settings = make_settings(raw, reference, warehouse)
    check_secrets(settings)
    with hold_lock(settings):
        outcomes = fetch(settings, source)
    show_sources(outcomes)
    if not outcomes:
        typer.echo("Không có nguồn nào trong sources.toml; tệp xuất được chép tay vào thư mục tệp xuất.")
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def build(
    out: Annotated[str, typer.Option(metavar="THƯ MỤC", help="Thư mục mới cho kết quả; với Spark có thể là địa chỉ hdfs://, s3a://.")],
    staged: Annotated[
        str, typer.Option(metavar="THƯ MỤC", help="Thư mục tệp đã đọc, nằm cạnh kho dữ liệu; với Spark có thể là địa chỉ.")
    ] = ("data/warehouse/tthc.staged"),
    engine: Annotated[Engines, typer.Option(help="duckdb: một tệp tthc.duckdb; spark: các thư mục Parquet.")] = Engines.duckdb,
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    as_of: Annotated[
        datetime | None,
        typer.Option(parser=_parse_moment, metavar="2024-06-30T23:00", help="Thời điểm chốt số liệu (giờ Việt Nam); mặc định là bây giờ."),
    ] = None,
    read: Annotated[
        bool, typer.Option("--read", help="Đọc trước các tệp xuất chưa đọc trong --raw; với Spark các máy của cụm cùng đọc.")
    ] = False,
    raw: Annotated[Path, typer.Option(help="Thư mục tệp xuất, dùng với --read.")] = Path("data/raw"),
    master: Annotated[str | None, typer.Option(help="Cụm Spark, như --master của spark-submit; mặc định theo cấu hình của Spark.")] = None,
    conf: Annotated[
        list[str] | None, typer.Option("--conf", metavar="TÊN=GIÁ_TRỊ", help="Cấu hình Spark, như --conf của spark-submit; dùng lại được.")
    ] = None,
) -> None:
    """Dựng lại các bảng core và mart từ tệp đã đọc vào một thư mục mới, bằng DuckDB hoặc Spark; không kiểm tra, không công bố."""
    settings = make_settings(raw if read else reference, reference, as_of=as_of)
    if engine is Engines.duckdb:
        if master or conf:
            raise typer.BadParameter("--master và --conf chỉ dùng với --engine spark")
        from flows.building import build_on_duckdb

        build_on_duckdb(settings, staged, out, read=read)
    else:
        pairs = [text.partition("=") for text in conf or []]
        if not all(name and equals for name, equals, _ in pairs):
            raise typer.BadParameter("viết --conf tên=giá_trị, ví dụ --conf spark.executor.memory=4g")
        from flows.building import build_on_spark

        build_on_spark(settings, staged, out, read=read, master=master, conf={name: value for name, _, value in pairs})
    typer.echo(f"Đã dựng {out}, chốt {settings.as_of:%H:%M %d/%m/%Y}")


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(help="Thư mục sẽ chứa raw/, reference/ và truth/.")],
    seed: Annotated[int, typer.Option(help="Số gieo: cùng số, cùng dữ liệu.")] = 1,
    cases: Annotated[int, typer.Option(min=100, max=5_000_000, help="Số hồ sơ.")] = 4_000,
    year: Annotated[int, typer.Option(min=2015, max=2099, help="Năm của dữ liệu.")] = 2024,
    as_of: Annotated[
        datetime | None, typer.Option(parser=_parse_moment, metavar="2024-06-30T23:00", help="Thời điểm chốt; mặc định 23:00 ngày 30/06.")
    ] = None,
) -> None:
    """Viết bộ tệp xuất giả như thật (không có người thật) để dùng thử."""
    from flows.sample import write_sample
    from flows.terminal import counter

    with counter("Viết hồ sơ mẫu", cases) as advance:
        try:
            made = write_sample(out, seed=seed, cases=cases, year=year, as_of=as_of, on_progress=advance)
        except FileExistsError:
            raise ConfigurationError(f"thư mục “{out}” đã có dữ liệu; hãy chọn thư mục trống để không ghi đè") from None
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
    typer.echo(
        f"Đã viết {cases} hồ sơ mẫu. Chạy thử:\n  tthc run --raw {made.raw} --reference {made.reference} "
        f"--warehouse {out / 'tthc.duckdb'} --outbox {out / 'outbox'} --as-of {made.as_of:%Y-%m-%dT%H:%M}"
    )


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Các tệp cần xem thử.", exists=True, dir_okay=False)],
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    as_json: Annotated[bool, typer.Option("--json", help="In dạng JSON cho chương trình khác.")] = False,
) -> None:
    """Đọc thử tệp xuất mà không nạp: loại tệp, tiêu đề đã nhận, dòng sẽ bị từ chối và vì sao."""
    from flows.terminal import show_checked

    if not reference.is_dir() and reference != Path("data/reference"):
        raise ConfigurationError(f"không có thư mục bảng tham chiếu “{reference}”")
    if not show_checked(files, reference, as_json=as_json):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def status(
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    as_json: Annotated[bool, typer.Option("--json", help="In dạng JSON cho chương trình khác.")] = False,
) -> None:
    """Xem số liệu đang dùng có tin cậy được không: lần chạy, độ mới của dữ liệu, kiểm tra, ổ đĩa. Mã kết thúc 1 khi đèn đỏ."""
    from flows.settings import local_now
    from flows.status import show_status

    if not show_status(Settings(Path(), Path(), warehouse.resolve(), Path(), datetime.min), local_now(), as_json=as_json):
        raise typer.Exit(EXIT_FAILED)


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
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="Ngày đầu.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Ngày cuối, tính cả ngày này.")],
    at: Annotated[datetime, typer.Option(formats=["%H:%M"], help="Giờ chốt số liệu mỗi ngày.")] = datetime(1900, 1, 1, 23, 59),
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
    from flows.keeping import list_kept, roll_back
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
        kept = roll_back(settings, name)
        RunLog(replace(settings, as_of=kept.as_of)).note("rolled_back", f"{kept.name}: {why.strip()}")
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
    with hold_lock(settings):
        count, aside = restore_backup(settings, source)
    for folder in aside:
        typer.echo(f"Bộ cũ được giữ ở {folder}")
    typer.echo(f"Đã khôi phục {count} tệp. Chạy `tthc run` để tính lại.")


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

    settings = Settings(Path(), reference.resolve(), warehouse.resolve(), outbox.resolve(), datetime.min, send=True)
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
    """Xem từng thư đã đi đến đâu, và quyết định về thư không rõ hoặc bị từ chối."""
    from flows.mail.ledger import STATES, Ledger, ledger_path
    from flows.night import hold_lock
    from flows.terminal import show_deliveries

    settings = Settings(Path(), Path(), warehouse.resolve(), Path(), datetime.min)
    if state is not None and state not in STATES:
        raise ConfigurationError(f"--state: có “{state}”, cần một trong: {', '.join(STATES)}")
    if not ledger_path(settings.staged).is_file():
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
    show_deliveries(ledger.rows("summary_date = coalesce(?, summary_date) AND state = coalesce(?, state)", values))


@app.command()
def explain(
    unit: Annotated[str, typer.Option(help="Mã, tên hoặc một phần tên đơn vị; hoặc một cấp (commune, …), hoặc all.")],
    measure: Annotated[str, typer.Option(help="Tên chỉ số, ví dụ on_time.")],
    period: Annotated[str, typer.Option(metavar="2024-05", help="Kỳ: 2024-05, 2024-Q2 hoặc 2024.")],
    today: Annotated[bool, typer.Option("--today", help="Theo đơn vị hiện nay: đơn vị cũ cộng vào đơn vị kế thừa.")] = False,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    sql: Annotated[bool, typer.Option("--sql", help="Chỉ in câu truy vấn liệt kê hồ sơ, chạy được ngay trong DuckDB.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Số hồ sơ hiện nhiều nhất; 0 là tất cả.")] = 50,
    out: Annotated[Path | None, typer.Option("--csv", metavar="TỆP", help="Ghi mọi hồ sơ của mẫu số ra tệp CSV.", dir_okay=False)] = None,
) -> None:
    """Giải thích một tỷ lệ đã công bố: định nghĩa, đếm lại, từng hồ sơ không đạt và vì sao, đọc từ tệp, trang, dòng nào."""
    from flows.explaining import explain as show

    if not show(warehouse, unit, measure, period, today=today, only_sql=sql, limit=limit, out=out):
        raise typer.Exit(EXIT_FAILED)


@app.command("sql")
def ask(
    query: Annotated[str, typer.Argument(help="Câu lệnh SQL chỉ đọc; “-” là đọc câu lệnh từ đầu vào chuẩn.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="In CSV (UTF-8) đủ mọi dòng, thay cho bảng.")] = False,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Hỏi kho dữ liệu bằng SQL: chỉ đọc, không sửa được gì và không chạm được tệp nào khác."""
    from flows.querying import run_query

    run_query(warehouse, sys.stdin.read() if query == "-" else query, as_csv=as_csv)


@app.command()
def report(
    month: Annotated[str | None, typer.Option(metavar="2024-06", help="Báo cáo của một tháng.")] = None,
    quarter: Annotated[str | None, typer.Option(metavar="2024-Q2", help="… của một quý.")] = None,
    half: Annotated[str | None, typer.Option(metavar="2024-H1", help="… của 6 tháng đầu (H1) hoặc cuối năm (H2).")] = None,
    year: Annotated[str | None, typer.Option(metavar="2024", help="… của một năm.")] = None,
    formats: Annotated[
        str,
        typer.Option("--format", help="Dạng tệp, cách nhau bằng dấu phẩy: docx báo cáo Word, xlsx Biểu số 06, csv bảng số, html trang."),
    ] = "docx,xlsx,csv,html",
    out: Annotated[Path | None, typer.Option(metavar="THƯ MỤC", help="Nơi ghi; mặc định data/outbox/bao-cao/<kỳ>.")] = None,
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu (office.toml: phần đầu, phần ký).")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Viết báo cáo tháng, quý, 6 tháng hoặc năm theo thể thức Nghị định 30/2020/NĐ-CP, kèm Biểu số 06."""
    from flows.period_report import name_of, parse_report_period, write_period_report

    asked = [(k, t) for k, t in (("month", month), ("quarter", quarter), ("half", half), ("year", year)) if t is not None]
    if len(asked) != 1:
        raise QueryError("hãy chọn đúng một kỳ: --month 2024-06, --quarter 2024-Q2, --half 2024-H1 hoặc --year 2024")
    period = parse_report_period(*asked[0])
    folder = out or Path("data/outbox/bao-cao") / name_of(period)
    wanted = list(dict.fromkeys(name for name in formats.lower().replace(" ", "").split(",") if name))
    for path in write_period_report(warehouse, reference, period, wanted, folder):
        typer.echo(f"Đã viết {path}")


@app.command("site")
def show_site(
    serve: Annotated[bool, typer.Option("--serve", help="Cho xem bằng trình duyệt, chỉ trên máy này, đến khi bấm Ctrl+C.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Cổng khi xem; 0 là cổng trống bất kỳ.")] = 8000,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
) -> None:
    """Viết lại trang xem số liệu (thư mục trang/) từ kho dữ liệu đang công bố; --serve để xem ngay."""
    from flows.figures import load_figures
    from flows.site import SITE_FOLDER, write_site
    from flows.site.serving import make_server

    if not warehouse.is_file():
        raise ConfigurationError(f"chưa có kho dữ liệu “{warehouse}”; hãy chạy `tthc run` trước, hoặc chỉ rõ bằng --warehouse")
    folder = write_site(load_figures(warehouse), outbox.resolve() / SITE_FOLDER)
    typer.echo(f"Đã viết {folder / 'index.html'}")
    if serve:
        try:
            server = make_server(folder, port)
        except OSError as error:
            raise ConfigurationError(f"không mở được cổng {port} ({error.strerror}); hãy chọn cổng khác bằng --port") from None
        with server:
            typer.echo(f"Xem tại http://127.0.0.1:{server.server_port}/ (chỉ trên máy này). Bấm Ctrl+C để dừng.")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                typer.echo("Đã dừng.")


@headings.command("add")
def add_heading(
    kind: Annotated[str, typer.Argument(help="Loại tệp, ví dụ cases.")],
    column: Annotated[str, typer.Argument(help="Cột, ví dụ received; hoặc personal, ignored.")],
    heading: Annotated[str, typer.Argument(help="Tiêu đề như trong tệp; tiêu đề nhóm viết “Nhóm > Tiêu đề”.")],
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại.")] = False,
) -> None:
    """Thêm một tiêu đề vào headings.csv của cơ quan, sau khi hỏi lại."""
    from flows.headings import add_line, check_line

    line = check_line(reference, kind, column, heading)
    typer.echo(f"Thêm vào {reference / 'headings.csv'}: {line}")
    if not yes:
        typer.confirm("Đồng ý?", abort=True)
    add_line(reference, line)
    typer.echo("Đã thêm. Lần chạy sau sẽ đọc lại các tệp có tiêu đề này.")


@units.command("check")
def check_units_table(
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
) -> None:
    """Kiểm tra units.csv: trùng, hở thời gian, đơn vị kế thừa không có, tên chỉ hai đơn vị."""
    from flows.settings import local_now
    from flows.units_check import check_units

    errors, doubts = check_units(reference, local_now().date())
    for text in errors:
        typer.echo(f"✗ {text}")
    for text in doubts:
        typer.echo(f"! {text}")
    if errors:
        raise typer.Exit(EXIT_FAILED)
    typer.echo(f"units.csv dùng được ({len(doubts)} điều nên xem lại).")


@plan.command("template")
def write_plan_template(
    out: Annotated[Path, typer.Argument(help="Tệp .xlsx sẽ viết.")],
    unit: Annotated[str | None, typer.Option(help="Mã đơn vị: chỉ các tiêu chí đơn vị đó báo cáo.")] = None,
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
) -> None:
    """Viết biểu để các đơn vị báo cáo những tiêu chí không đo được từ tệp xuất; biểu đã ghi được đọc như tệp xuất."""
    from flows.plan_template import write_template

    lines = write_template(out, reference, unit)
    typer.echo(f"Đã viết {out}: {lines} tiêu chí. Đơn vị ghi xong, chép vào thư mục tệp xuất rồi chạy `tthc run`.")


def main(arguments: list[str] | None = None) -> Any:
    """Entry point; turns known errors into a line of text and an exit code."""
    try:
        app(arguments)
    except ConfigurationError as error:
        typer.echo(f"Cấu hình sai: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except QueryError as error:
        typer.echo(f"Không trả lời được: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except AlreadyRunning as error:
        typer.echo(f"Không chạy: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except Exception as error:
        if os.environ.get("TTHC_DEBUG"):
            raise
        typer.echo(
            f"Lỗi bất ngờ: {type(error).__name__}: {error}\nKho dữ liệu đang công bố vẫn nguyên vẹn. Đặt TTHC_DEBUG=1 để xem chi tiết.",
            err=True,
        )
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
