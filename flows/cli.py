"""The command line: `tthc`. Heavy libraries are imported by the command that needs them, so that help is instant."""

import os
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from flows import office_tables, operating, trials
from flows.failures import describe_failure, write_vietnamese
from flows.settings import (
    EXIT_FAILED,
    EXIT_HELD,
    EXIT_LOCKED,
    EXIT_USAGE,
    TELEMETRY_OFF,
    AlreadyRunning,
    ConfigurationError,
    QueryError,
    Settings,
    keep_private,
    local_now,
    make_place,
    make_settings,
)
from flows.usage import describe_misuse, parse_moment

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
app.add_typer(operating.app)
app.add_typer(trials.app)
app.add_typer(office_tables.app)


class Engines(StrEnum):
    """What `tthc build` can build with."""

    duckdb = "duckdb"
    spark = "spark"


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
    keep_private()


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
        typer.Option(parser=parse_moment, metavar="2024-06-30T23:00", help="Thời điểm chốt số liệu (giờ Việt Nam); mặc định là bây giờ."),
    ] = None,
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up",
            help="Chạy lần lượt mọi đêm (00:30) đã đến mà chưa xong, mỗi đêm theo thời điểm của nó (đêm mới nhất: lúc hỏi xong các nguồn); dùng cho lịch chạy.",
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
    from flows.runs import owed_months
    from flows.terminal import show_month, show_result

    held, published, moment = False, False, None
    for moment, result in nights:
        moment = result.as_of or moment
        if catch_up:
            typer.echo(f"Đêm {moment:%d/%m/%Y}, chốt {moment:%H:%M}:")
        show_result(replace(settings, as_of=moment), result)
        held, published = held or not result.is_published, published or result.is_published
    if published and owed_months(settings.months_waiting, local_now()).months:
        from flows.monthly import report_waiting_months

        for report in report_waiting_months(settings):
            show_month(report)
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
            settings.prefect.mkdir(parents=True, exist_ok=True)
            os.environ.setdefault("PREFECT_HOME", str(settings.prefect))
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
        typer.Option(parser=parse_moment, metavar="2024-06-30T23:00", help="Thời điểm chốt số liệu (giờ Việt Nam); mặc định là bây giờ."),
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
def explain(
    unit: Annotated[str | None, typer.Option(help="Mã, tên hoặc một phần tên đơn vị; hoặc một cấp (commune, …), hoặc all.")] = None,
    measure: Annotated[str | None, typer.Option(help="Tên chỉ số, ví dụ on_time.")] = None,
    period: Annotated[str | None, typer.Option(metavar="2024-05", help="Kỳ: 2024-05, 2024-Q2 hoặc 2024.")] = None,
    today: Annotated[bool, typer.Option("--today", help="Theo đơn vị hiện nay: đơn vị cũ cộng vào đơn vị kế thừa.")] = False,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    sql: Annotated[bool, typer.Option("--sql", help="Chỉ in câu truy vấn liệt kê hồ sơ, chạy được ngay trong DuckDB.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Số hồ sơ hiện nhiều nhất; 0 là tất cả.")] = 50,
    out: Annotated[Path | None, typer.Option("--csv", metavar="TỆP", help="Ghi mọi hồ sơ của mẫu số ra tệp CSV.", dir_okay=False)] = None,
    history: Annotated[
        str | None, typer.Option("--history", metavar="MÃ HỒ SƠ", help="Một hồ sơ qua từng lần xuất: đổi gì, từ lúc nào, tệp và dòng nào.")
    ] = None,
) -> None:
    """Giải thích một tỷ lệ đã công bố: định nghĩa, đếm lại, từng hồ sơ không đạt và vì sao, đọc từ tệp, trang, dòng nào; hoặc một hồ sơ qua các lần xuất."""
    if history is not None:
        from flows.case_history import show_history

        if any(option is not None for option in (unit, measure, period, out)) or sql or today:
            raise QueryError("--history nói về một hồ sơ: chỉ dùng kèm --warehouse")
        show_history(warehouse, history)
        return
    if unit is None or measure is None or period is None:
        raise QueryError("hãy cho đủ --unit, --measure và --period; hoặc --history MÃ_HỒ_SƠ để xem một hồ sơ qua các lần xuất")
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
    month: Annotated[str | None, typer.Option(metavar="2024-06", help="Báo cáo của một tháng; last là tháng trước.")] = None,
    quarter: Annotated[str | None, typer.Option(metavar="2024-Q2", help="… của một quý.")] = None,
    half: Annotated[str | None, typer.Option(metavar="2024-H1", help="… của 6 tháng đầu (H1) hoặc cuối năm (H2).")] = None,
    year: Annotated[str | None, typer.Option(metavar="2024", help="… của một năm.")] = None,
    formats: Annotated[
        str,
        typer.Option("--format", help="Dạng tệp, cách nhau bằng dấu phẩy: docx báo cáo Word, xlsx Biểu số 06, csv bảng số, html trang."),
    ] = "docx,xlsx,csv,html",
    out: Annotated[Path | None, typer.Option(metavar="THƯ MỤC", help="Nơi ghi; mặc định bao-cao/<kỳ> trong thư mục báo cáo.")] = None,
    mail: Annotated[
        bool,
        typer.Option("--mail", help="Báo cáo tháng: soạn cả thư cho người nhận có mục monthly_report; gửi khi mail.toml có send = true."),
    ] = False,
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu (office.toml: phần đầu, phần ký).")] = Path("data/reference"),
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
    outbox: Annotated[Path, typer.Option(help="Thư mục báo cáo.")] = Path("data/outbox"),
) -> None:
    """Viết báo cáo tháng, quý, 6 tháng hoặc năm theo thể thức Nghị định 30/2020/NĐ-CP, kèm Biểu số 06."""
    from flows.period_report import FORMATS, name_of, parse_report_period, write_period_report

    is_scheduled = month == "last"
    if is_scheduled:
        from flows.monthly import month_before

        month = name_of(month_before(local_now().date()))
    asked = [(k, t) for k, t in (("month", month), ("quarter", quarter), ("half", half), ("year", year)) if t is not None]
    if len(asked) != 1:
        raise QueryError("hãy chọn đúng một kỳ: --month 2024-06, --quarter 2024-Q2, --half 2024-H1 hoặc --year 2024")
    period = parse_report_period(*asked[0])
    wanted = list(dict.fromkeys(name for name in formats.lower().replace(" ", "").split(",") if name))
    if mail:
        if month is None or out or set(wanted) != set(FORMATS):
            raise QueryError("--mail gửi báo cáo tháng đầy đủ: dùng với --month, không kèm --out hay --format")
        from flows.monthly import report_month
        from flows.terminal import show_month

        settings = replace(make_place(warehouse), reference=reference.resolve(), outbox=outbox.resolve())
        show_month(report_month(settings, period, is_scheduled=is_scheduled))
        return
    folder = out or outbox / "bao-cao" / name_of(period)
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
    from flows.night import hold_lock
    from flows.site import SITE_FOLDER
    from flows.site.pages import draw_pages
    from flows.site.serving import make_server
    from flows.site.writing import write_site
    from flows.warehouse_figures import load_figures

    if not warehouse.is_file():
        raise ConfigurationError(f"chưa có kho dữ liệu “{warehouse}”; hãy chạy `tthc run` trước, hoặc chỉ rõ bằng --warehouse")
    with ExitStack() as stack:
        with suppress(OSError):  # who may not write there draws a site of his own, which no night writes
            stack.enter_context(hold_lock(make_place(warehouse)))
        folder = write_site(draw_pages(load_figures(warehouse)), outbox.resolve() / SITE_FOLDER)
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


def main(arguments: list[str] | None = None) -> Any:
    """Entry point; turns known errors into a line of text and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        write_vietnamese(stream)
    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except TyperException as error:
        typer.echo(describe_misuse(error), err=True)
        sys.exit(EXIT_USAGE)
    except typer.Abort:
        typer.echo("Đã dừng theo trả lời.", err=True)
        sys.exit(EXIT_FAILED)
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
        typer.echo(describe_failure(error), err=True)
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
