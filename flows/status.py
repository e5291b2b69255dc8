"""`tthc status`: whether the figures in use can be relied on, in plain words, read from what runs left behind; changes nothing and waits for nobody."""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout
from rich.console import Console

from flows.backup import check_restored
from flows.figures import Check, Freshness
from flows.keeping import find_published_run
from flows.mail.ledger import count_unsettled, ledger_path
from flows.runs import load_runs, owed_months
from flows.settings import ConfigurationError, Settings
from transforms.wording import count_vi, moment_vi

# A build needs the new warehouse beside the old one and room to sort.
_SPARE_TIMES = 3
_SPARE_LEAST = 1024**3
_SIGNS = {"green": "✓", "yellow": "!", "red": "✗"}
_WORDS = {"green": "TỐT", "yellow": "CẦN XEM", "red": "CẦN XỬ LÝ NGAY"}
# What is no night of its own (past dates rebuilt, a return to an older warehouse) says nothing of how the nights go.
_NO_NIGHT = ("backfilled", "rolled_back")
_OUTCOMES = {
    "published": "đã công bố",
    "held": "giữ lại, không công bố",
    "failed": "lỗi",
    "started": "không chạy hết (bị ngắt)",
    "interrupted": "bị ngắt giữa chừng",
}
_ORDER = ("green", "yellow", "red")


@dataclass(frozen=True)
class Line:
    """One thing to know: what it is about, its light and what it says."""

    topic: str
    light: str
    text: str


@dataclass(frozen=True)
class Status:
    """Everything `tthc status` shows; `light` is the worst of its lines."""

    as_of: datetime | None
    is_running: bool
    runs: list[dict[str, Any]]
    free_bytes: int
    lines: list[Line]

    @property
    def light(self) -> str:
        """The worst light of all lines."""
        return max((line.light for line in self.lines), key=_ORDER.index, default="green")


def read_status(settings: Settings, now: datetime) -> Status:
    """The state of a warehouse, of its runs and of its data at `now`, whether or not a run is at work.

    Args:
        settings: where the warehouse is; raw and reference folders are not looked at.
        now: local civil time.
    """
    is_running = _is_locked(settings.lock)
    runs = [run for run in load_runs(settings.staged) if run["outcome"] not in _NO_NIGHT]
    lines = [_run_line(runs, is_running, find_published_run(settings.warehouse))]
    try:
        check_restored(settings)
    except ConfigurationError as error:
        lines = [Line("Khôi phục", "red", str(error))]  # the runs stand in what was set aside
    as_of: datetime | None = None
    freshness: list[Freshness] = []
    checks: list[Check] = []
    if settings.warehouse.is_file():
        try:
            as_of, freshness, checks = _read_warehouse(settings.warehouse)
            lines.append(_as_of_line(as_of, now))
        except duckdb.Error:
            lines.append(
                Line(
                    "Kho dữ liệu", "red", f"không đọc được {settings.warehouse.name}, hoặc kho của phiên bản khác; hãy chạy lại `tthc run`"
                )
            )
    else:
        lines.append(
            Line(
                "Kho dữ liệu",
                "red",
                "chưa công bố lần nào; hãy đặt tệp xuất vào thư mục rồi chạy `tthc run` (chưa có tệp: thử `tthc sample`)",
            )
        )
    lines += [Line("Dữ liệu", f.light, f.message_vi) for f in freshness]
    told = {"data_stale", "units_vanished", "rows_off", "source_frozen", "dossiers_shrunk", "unknown_status_words", "unknown_unit_names"}
    lines += [
        Line("Kiểm tra", "red" if c.severity == "critical" and not c.accepted_why else "yellow", f"{c.message_vi}: {count_vi(c.found)}")
        for c in checks
        if not c.is_passed and c.name not in told  # what the freshness lines above say in more words
    ]
    lines += _mail_lines(settings, now, is_running)
    free = _free_bytes(settings.warehouse)
    lines.append(_disk_line(free, settings.warehouse))
    return Status(as_of, is_running, runs[-5:], free, lines)


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # a reader who may not write there cannot ask; runs say themselves when they are locked out
        return False
    lock.release()
    return False


def _run_line(runs: Sequence[dict[str, Any]], is_running: bool, in_use: str | None) -> Line:
    if is_running:
        began = f" (bắt đầu {moment_vi(runs[-1]['started_at'])})" if runs and runs[-1]["outcome"] == "started" else ""
        return Line("Lần chạy", "green", f"đang chạy{began}; số liệu dưới đây là của {_run_in_use_vi(runs, in_use)}")
    if not runs:
        return Line("Lần chạy", "yellow", "chưa chạy lần nào; hãy chạy `tthc run`")
    last = runs[-1]
    text = f"lần gần nhất lúc {moment_vi(last['started_at'])}: {_OUTCOMES[last['outcome']]}"
    if last["outcome"] == "published":
        return Line("Lần chạy", "green", text)
    text += f" ({last['detail']})" if last["detail"] else ""
    published = next((run for run in reversed(runs) if run["outcome"] == "published"), None)
    text += f"; lần công bố trọn vẹn gần nhất lúc {moment_vi(published['started_at'])}" if published else "; chưa công bố trọn vẹn lần nào"
    if in_use:
        text += f". Số liệu đang dùng là của {_run_in_use_vi(runs, in_use)}; hãy xem thông báo rồi chạy lại `tthc run`"
    return Line("Lần chạy", "red", text)


def _run_in_use_vi(runs: Sequence[dict[str, Any]], in_use: str | None) -> str:
    """The run whose warehouse readers see, which need not be the last that ended well: it may have failed after it published, or have been returned to."""
    run = next((run for run in runs if run["run_id"] == in_use), None)
    if run is None:
        return "lần công bố trước"
    began = f"lần chạy lúc {moment_vi(run['started_at'])}"
    if run["outcome"] == "published":
        return began
    return f"{began}, đã vào kho dữ liệu nhưng báo cáo, trang xem, thư của lần đó chưa chắc đủ"


def _as_of_line(as_of: datetime | None, now: datetime) -> Line:
    if as_of is None:
        return Line("Kho dữ liệu", "yellow", "không có kỳ nào để tính; hãy xem lại units.csv rồi chạy `tthc run`")
    days = (now.date() - as_of.date()).days
    text = f"số liệu đang công bố chốt lúc {moment_vi(as_of)}"
    if days < 0:
        return Line("Kho dữ liệu", "yellow", f"{text}, ngày chưa đến; hãy xem lại giờ máy rồi chạy lại `tthc run`")
    if days > 3:
        return Line(
            "Kho dữ liệu", "yellow" if days <= 10 else "red", f"{text}, {days} ngày trước; hãy xem lịch chạy hằng đêm hoặc chạy `tthc run`"
        )
    return Line("Kho dữ liệu", "green", text)


def _read_warehouse(path: Path) -> tuple[datetime | None, list[Freshness], list[Check]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        ((as_of,),) = connection.execute(
            "SELECT coalesce(max(as_of), (SELECT max(as_of) FROM ops.freshness)) FROM mart.unit_rates"
        ).fetchall()
        freshness = [
            Freshness(kind, kind_vi, None, fresh, light, problem, message)
            for kind, kind_vi, fresh, light, problem, message in connection.execute(
                "SELECT kind, kind_vi, data_as_of, light, problem, message_vi FROM ops.freshness ORDER BY rowid"
            ).fetchall()
        ]
        checks = [
            Check(*row)
            for row in connection.execute(
                "SELECT check_name, severity, found, is_passed, message_vi, accepted_why FROM ops.checks ORDER BY rowid"
            ).fetchall()
        ]
    return as_of, freshness, checks


def _mail_lines(settings: Settings, now: datetime, is_running: bool) -> list[Line]:
    """Mails that nobody would miss otherwise: a run by schedule tells of them on no screen."""
    try:
        left = count_unsettled(ledger_path(settings.staged), is_sending=is_running)
    except ConfigurationError as error:
        return [Line("Thư", "red", str(error))]
    except sqlite3.Error as error:
        return (
            [] if is_running else [Line("Thư", "yellow", f"không đọc được sổ gửi thư ({type(error).__name__}); hãy xem `tthc deliveries`")]
        )
    lines = []
    if left.unknown or left.refused:
        text = f"{left.unknown} thư không rõ đã đến hay chưa, {left.refused} thư bị từ chối; xem và quyết định: `tthc deliveries`"
        lines.append(Line("Thư", "yellow", text))
    if left.waiting:
        lines.append(Line("Thư", "yellow", f"{left.waiting} thư chưa gửi được, đêm sau thử lại; lý do: `tthc deliveries --state prepared`"))
    months = [] if is_running else owed_months(settings.months_waiting, now).months
    if months:
        text = f"báo cáo tháng {', '.join(months)} chưa gửi; tự đi sau lần công bố đủ tháng, lần nào lỗi thì tthc.log nói lý do"
        lines.append(Line("Thư", "yellow", text))
    return lines


def _free_bytes(warehouse: Path) -> int:
    folder = next(p for p in warehouse.parents if p.is_dir())
    return shutil.disk_usage(folder).free


def _disk_line(free: int, warehouse: Path) -> Line:
    size = warehouse.stat().st_size if warehouse.is_file() else 0
    needed = max(_SPARE_TIMES * size, _SPARE_LEAST)
    gigabytes = f"{free / 1024**3:.1f}".replace(".", ",")
    if free < needed:
        light = "red" if free < needed / 2 else "yellow"
        return Line("Ổ đĩa", light, f"còn trống {gigabytes} GB, lần chạy sau có thể thiếu chỗ; hãy dọn bớt")
    return Line("Ổ đĩa", "green", f"còn trống {gigabytes} GB")


def show_status(settings: Settings, now: datetime, *, as_json: bool) -> bool:
    """Print the status, for people or as JSON; False when the light is red."""
    status = read_status(settings, now)
    if as_json:
        record = {
            "light": status.light,
            "as_of": status.as_of,
            "is_running": status.is_running,
            "free_bytes": status.free_bytes,
            "lines": [vars(line) for line in status.lines],
            "runs": status.runs,
        }
        print(json.dumps(record, ensure_ascii=False, indent=1, default=lambda value: value.isoformat()))
        return status.light != "red"
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{_SIGNS[status.light]} {_WORDS[status.light]} — {settings.warehouse}", style=f"bold {status.light}", markup=False)
    topic = None
    for line in status.lines:
        if line.topic != topic:
            topic = line.topic
            console.print(f"{topic}:", markup=False)
        console.print(f"  {_SIGNS[line.light]} {line.text}", style=None if line.light == "green" else line.light, markup=False)
    if len(status.runs) > 1:
        console.print("Các lần chạy gần đây:", markup=False)
        for run in reversed(status.runs):
            console.print(f"  – {moment_vi(run['started_at'])}: {_OUTCOMES[run['outcome']]}", markup=False)
    return status.light != "red"
