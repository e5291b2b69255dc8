"""The command line: `tthc`. Heavy libraries are imported by the command that needs them, so that help is instant."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.settings import TELEMETRY_OFF, AlreadyRunning, ConfigurationError, QueryError, Settings, make_settings

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
    prefect: Annotated[bool, typer.Option("--prefect", help="Chạy có theo dõi bằng Prefect (tự bật khi có PREFECT_API_URL).")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="KIỂM_TRA", help="Vẫn công bố lần này dù kiểm tra này không đạt; dùng lại được nhiều lần."),
    ] = None,
    why: Annotated[str | None, typer.Option(help="Lý do của --accept, được lưu mãi.")] = None,
) -> None:
    """Chạy toàn bộ công việc một lần: đọc tệp xuất, tính tỷ lệ, kiểm tra, công bố, viết báo cáo."""
    os.umask(0o027)
    os.environ.update({name: os.environ.get(name, value) for name, value in TELEMETRY_OFF.items()})
    settings = make_settings(raw, reference, warehouse, outbox, as_of)
    result = _run(settings, accept or [], why, tracked=prefect or bool(os.environ.get("PREFECT_API_URL")))
    from flows.terminal import show_result

    show_result(settings, result)
    if not result.is_published:
        raise typer.Exit(EXIT_HELD)


def _run(settings: Settings, accept: list[str], why: str | None, *, tracked: bool) -> "NightResult":
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

        return run_night(settings, watcher, accept=accept, why=why)


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
def forget(
    target: Annotated[str, typer.Argument(help="Tên tệp (đường dẫn dưới thư mục tệp xuất) hoặc ít nhất 8 ký tự đầu của mã SHA-256.")],
    why: Annotated[str, typer.Option(help="Lý do, được lưu lại.")],
    undo: Annotated[bool, typer.Option("--undo", help="Lấy lại tệp đã rút.")] = False,
    warehouse: Annotated[Path, typer.Option(help="Tệp kho dữ liệu DuckDB.")] = Path("data/warehouse/tthc.duckdb"),
) -> None:
    """Rút lại một tệp xuất đã nạp nhầm: từ lần chạy sau số liệu như chưa từng có tệp đó."""
    from flows.night import hold_lock
    from flows.quarantine import withdraw

    settings = Settings(Path(), Path(), warehouse.resolve(), Path(), datetime.min)
    with hold_lock(settings):
        found = withdraw(settings.staged, target, why, undo=undo)
    for file_id, names in found.items():
        typer.echo(f"{'Đã lấy lại' if undo else 'Đã rút lại'}: {', '.join(names)} ({file_id[:12]})")
    typer.echo("Chạy `tthc run` để tính lại.")


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
