"""The commands about the tables that the office itself fills in: its headings, its units, its year plan."""

from pathlib import Path
from typing import Annotated

import typer

from flows.settings import EXIT_FAILED

app = typer.Typer()
headings = typer.Typer(help="Danh sách tiêu đề của cơ quan.", no_args_is_help=True)
app.add_typer(headings, name="headings")
units = typer.Typer(help="Danh sách đơn vị của cơ quan.", no_args_is_help=True)
app.add_typer(units, name="units")
plan = typer.Typer(help="Kế hoạch năm.", no_args_is_help=True)
app.add_typer(plan, name="plan")


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
