"""The commands that try things out and change nothing of the office's: made-up exports, and a look at what an export would give."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.settings import EXIT_FAILED, ConfigurationError
from flows.usage import parse_moment

app = typer.Typer()


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(help="Thư mục sẽ chứa raw/, reference/ và truth/.")],
    seed: Annotated[int, typer.Option(help="Số gieo: cùng số, cùng dữ liệu.")] = 1,
    cases: Annotated[int, typer.Option(min=100, max=10_000_000, help="Số hồ sơ.")] = 4_000,
    year: Annotated[int, typer.Option(min=2015, max=2099, help="Năm của dữ liệu.")] = 2024,
    as_of: Annotated[
        datetime | None, typer.Option(parser=parse_moment, metavar="2024-06-30T23:00", help="Thời điểm chốt; mặc định 23:00 ngày 30/06.")
    ] = None,
    nights: Annotated[
        int, typer.Option(min=0, max=300, help="Viết danh sách đầy đủ từng đêm, bấy nhiêu đêm, thay cho bộ tệp đủ loại.")
    ] = 0,
    tamper: Annotated[
        bool, typer.Option("--tamper", help="Cài cả những sửa đổi đáng hỏi vào các đêm; truth/tampering.json ghi lại.")
    ] = False,
) -> None:
    """Viết bộ tệp xuất giả như thật (không có người thật) để dùng thử."""
    if tamper and not nights:
        raise typer.BadParameter("--tamper cài sửa đổi vào các đêm: cần thêm --nights, ví dụ --nights 30 --tamper")
    from flows.sample import write_nights, write_sample
    from flows.terminal import counter

    with counter("Viết hồ sơ mẫu", cases) as advance:
        try:
            if nights:
                made = write_nights(out, nights=nights, seed=seed, cases=cases, year=year, tamper=tamper, on_progress=advance)
            else:
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
    files: Annotated[list[Path], typer.Argument(help="Các tệp cần xem thử, ví dụ data/raw/*", exists=True, dir_okay=False)],
    reference: Annotated[Path, typer.Option(help="Thư mục bảng tham chiếu.")] = Path("data/reference"),
    as_json: Annotated[bool, typer.Option("--json", help="In dạng JSON cho chương trình khác.")] = False,
) -> None:
    """Đọc thử tệp xuất mà không nạp: loại tệp, tiêu đề đã nhận, dòng sẽ bị từ chối và vì sao."""
    from flows.terminal import show_checked

    if not reference.is_dir() and reference != Path("data/reference"):
        raise ConfigurationError(f"không có thư mục bảng tham chiếu “{reference}”")
    if not show_checked(files, reference, as_json=as_json):
        raise typer.Exit(EXIT_FAILED)
