"""Whether this machine can do tonight's work: one finding a thing looked at, with what to do where something is wrong. Nothing is changed."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from flows.backup import check_restored
from flows.runs import load_runs
from flows.settings import ConfigurationError, Settings, local_now
from transforms.text import key
from transforms.wording import moment_vi

# A night writes a new warehouse beside the old one and stages what came; less than this and it may not finish.
LEAST_FREE_BYTES = 1024**3
_UNFINISHED = {"held": "bị giữ lại", "failed": "bị lỗi", "interrupted": "bị ngắt giữa chừng"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `light` is green, yellow (works, but look at it) or red (the night will fail or mislead)."""

    light: str
    subject_vi: str
    text_vi: str


Probe = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, probes: tuple[Probe, ...] | None = None) -> list[Finding]:
    """Every finding, in the order of the probes; a probe that fails itself is a red finding, never a missing one."""
    findings: list[Finding] = []
    if probes is None:
        from flows.reaching import look_at_mail_server, look_at_secrets, look_at_sources

        probes = (*PROBES, look_at_secrets, look_at_mail_server, look_at_sources)
    for probe in probes:
        try:
            findings.extend(probe(settings))
        except ConfigurationError as error:
            findings.append(Finding("red", "Cấu hình", str(error)))
        except Exception as error:  # whatever it was, the officer must see that this was not looked at
            findings.append(Finding("red", probe.__name__, f"không kiểm tra được: {type(error).__name__}: {error}"))
    return findings


def look_at_versions(settings: Settings) -> Iterator[Finding]:
    """Python and every package this program asks for, against the versions it is known to work with."""
    wrong = []
    for text in requires("tthc") or ():
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            have = version(need.name)
        except PackageNotFoundError:
            wrong.append(f"{need.name} (chưa cài)")
            continue
        if not need.specifier.contains(have, prereleases=True):
            wrong.append(f"{need.name} {have} (cần {need.specifier})")
    if wrong:
        yield Finding("red", "Phiên bản", f"{', '.join(wrong)}; chạy lại make setup")
    else:
        yield Finding("green", "Phiên bản", f"tthc {version('tthc')}, Python {sys.version.split()[0]}, DuckDB {version('duckdb')}")


def look_at_reference(settings: Settings) -> Iterator[Finding]:
    """The office's tables, read as a run reads them."""
    from flows.night import load_office

    try:
        office = load_office(settings)
    except ConfigurationError as error:
        yield Finding("red", "Bảng tham chiếu", str(error))
        return
    yield Finding(
        "green", "Bảng tham chiếu", f"{office.units.num_rows} đơn vị, {office.targets.num_rows} chỉ tiêu trong {settings.reference}"
    )


def look_at_letterhead(settings: Settings) -> Iterator[Finding]:
    """office.toml, which no night reads: what is wrong in it would show on day 1, and one that came with the program signs as Sơn Hà."""
    from flows.office import load_office
    from flows.reference import load_units_with_problems

    above = load_office(settings.reference, []).superior
    if not above:
        return
    today = local_now().date()
    units = load_units_with_problems(settings.reference, []).to_pylist()
    named = [unit for unit in units if key(unit["unit_name"]) == key(above)]
    if not any(unit["valid_from"] <= today <= unit["valid_to"] for unit in named):
        why = "đã hết hiệu lực" if named else "không có"
        yield Finding(
            "yellow",
            "Báo cáo",
            f"office.toml ghi cơ quan chủ quản “{above}”, {why} trong units.csv; mọi báo cáo mang tên này, nếu không đúng hãy sửa office.toml",
        )


def look_at_folders(settings: Settings) -> Iterator[Finding]:
    """Reading raw exports, writing the warehouse and the outbox."""
    unreadable = [p for p in settings.raw.rglob("*") if not os.access(p, os.R_OK)]
    if unreadable:
        yield Finding(
            "red", "Thư mục tệp xuất", f"không đọc được {len(unreadable)} tệp, ví dụ “{unreadable[0].name}”; hãy sửa quyền truy cập"
        )
    else:
        yield Finding("green", "Thư mục tệp xuất", f"đọc được {settings.raw}")
    for subject, folder in (("Thư mục kho dữ liệu", settings.warehouse.parent), ("Thư mục báo cáo", settings.outbox)):
        place = next(p for p in (folder, *folder.parents) if p.exists())
        is_open = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
        yield Finding("green" if is_open else "red", subject, f"{'ghi được' if is_open else 'không ghi được vào'} {place}")
    closed = [path for path in _written_again(settings) if not os.access(path, os.W_OK)]
    if closed:
        yield Finding(
            "red",
            "Quyền ghi",
            f"không ghi được vào {len(closed)} tệp, thư mục của các lần chạy trước, ví dụ {closed[0]}; "
            "thường do đã chạy một lần bằng tài khoản khác, hãy trả chúng về tài khoản chạy hằng đêm",
        )


def _written_again(settings: Settings) -> Iterator[Path]:
    """What runs before left and the next will write into: folders, and files that are added to."""
    for top in (settings.staged, settings.kept, settings.outbox):
        yield from (path for path in (top, *top.rglob("*")) if path.is_dir() or path.suffix in (".jsonl", ".sqlite"))
    yield from (path for path in (settings.lock,) if path.exists())


def look_at_disk(settings: Settings) -> Iterator[Finding]:
    """Free space beside the warehouse, against three times what a night writes."""
    place = next(p for p in (settings.warehouse.parent, *settings.warehouse.parents) if p.exists())
    free = shutil.disk_usage(place).free
    size = settings.warehouse.stat().st_size if settings.warehouse.is_file() else 0
    need = max(LEAST_FREE_BYTES, 3 * size)
    text = f"còn {free / 1024**3:.1f} GiB".replace(".", ",")
    if free < need:
        yield Finding(
            "red", "Đĩa", f"{text}, cần ít nhất {need / 1024**3:.1f} GiB; hãy dọn bớt, hoặc giảm TTHC_KEEP_WAREHOUSES".replace(".", ",")
        )
    else:
        yield Finding("green" if free >= 3 * need else "yellow", "Đĩa", text)


def look_at_clock(settings: Settings) -> Iterator[Finding]:
    """The machine's clock against what is known to have happened: a clock that went back makes figures for the wrong day."""
    now = local_now()
    runs = load_runs(settings.staged)
    latest = runs[-1]["started_at"] if runs else None  # the last one, not the latest: a run since tells that the clock is right again
    if latest and latest > now + timedelta(minutes=5):
        yield Finding(
            "red",
            "Đồng hồ",
            f"máy đang chỉ {moment_vi(now)}, trước lần chạy gần nhất ({moment_vi(latest)}); hãy chỉnh giờ máy, giờ đang đúng thì chạy `tthc run`",
        )
    elif now.year < 2024:
        yield Finding("red", "Đồng hồ", f"máy đang chỉ {moment_vi(now)}; hãy chỉnh giờ máy")
    else:
        yield Finding("green", "Đồng hồ", f"{moment_vi(now)} giờ Việt Nam")


def look_at_leftovers(settings: Settings) -> Iterator[Finding]:
    """A restore that was cut off; lock, write-ahead log and half-built files of runs that were killed."""
    try:
        check_restored(settings)
    except ConfigurationError as error:
        yield Finding("red", "Khôi phục", str(error))
    lock = FileLock(settings.lock, timeout=0)
    if settings.lock.exists():
        try:
            with lock:
                pass
            yield Finding("green", "Khóa", "không có lần chạy nào đang giữ")
        except Timeout:
            yield Finding("yellow", "Khóa", "một lần chạy đang diễn ra")
    log = "nhật ký ghi dở của một chương trình khác bên cạnh kho dữ liệu; bản công bố sau không dùng đến"
    published = settings.warehouse.resolve()  # the log of a client that writes stands where the link leads
    for beside, suffix, text in (
        *((path, ".wal", log) for path in dict.fromkeys((settings.warehouse, published))),
        (settings.warehouse, ".building", "kho dữ liệu dựng dở của một lần chạy bị ngắt; lần chạy sau sẽ dựng lại"),
    ):
        path = beside.with_name(beside.name + suffix)
        if path.exists():
            yield Finding("yellow", "Tệp dở dang", f"{path.name}: {text}")


def look_at_runs(settings: Settings) -> Iterator[Finding]:
    """How the last night ended."""
    runs = load_runs(settings.staged)
    published = [run for run in runs if run["outcome"] == "published"]
    if not published:
        yield Finding("yellow", "Lần chạy", "chưa công bố lần nào; đặt tệp xuất vào thư mục rồi chạy tthc run")
        return
    last = published[-1]
    text = f"công bố trọn vẹn gần nhất {moment_vi(last['started_at'])}, số liệu chốt {moment_vi(last['as_of'])}"
    since = [run for run in runs[runs.index(last) :] if run["outcome"] in _UNFINISHED]
    if since:
        outcome, detail = _UNFINISHED[since[-1]["outcome"]], since[-1]["detail"]
        why = f" ({detail})" if detail else ""
        yield Finding("red", "Lần chạy", f"{text}; sau đó {len(since)} lần không trọn vẹn, lần cuối {outcome}{why}; hãy xem tthc status")
    else:
        yield Finding("green", "Lần chạy", text)


def look_at_ledgers(settings: Settings) -> Iterator[Finding]:
    """What became of every mail is on record, where there were any; no night ends without."""
    from flows.alarming import alarm_ledger_path
    from flows.mail.ledger import check_ledger, ledger_path

    paths = [path for path in (ledger_path(settings.staged), alarm_ledger_path(settings)) if path.is_file()]
    for path in paths:
        try:
            check_ledger(path)
        except ConfigurationError as error:
            yield Finding("red", "Sổ gửi thư", str(error))
        else:
            yield Finding("green", "Sổ gửi thư", f"đọc được {path}")


PROBES: tuple[Probe, ...] = (
    look_at_versions,
    look_at_reference,
    look_at_letterhead,
    look_at_folders,
    look_at_disk,
    look_at_clock,
    look_at_leftovers,
    look_at_runs,
    look_at_ledgers,
)
