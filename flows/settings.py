"""One frozen set of settings, built once by the command line from options, TTHC_* variables and defaults."""

import math
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from transforms.limits import Limits

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")

# How a command ends when it is not all well; 0 is.
EXIT_FAILED, EXIT_USAGE, EXIT_HELD, EXIT_LOCKED = 1, 2, 3, 4

# Nothing this program uses may phone home, whoever imports it first.
TELEMETRY_OFF = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}


class ConfigurationError(Exception):
    """The configuration or the reference tables cannot be used; the text says where and what to do. Exit code 2."""


class QueryError(Exception):
    """A question that cannot be answered as it was asked; the text says what to ask instead. Exit code 2."""


class AlreadyRunning(Exception):
    """Another run holds the lock of this warehouse. Exit code 4."""


def keep_private() -> None:
    """What this process writes from now on is for the office, not for every user of the machine; where fewer may read it, that stays so."""
    os.umask(os.umask(0o077) | 0o027)


def local_now() -> datetime:
    """The civil time in Vietnam, without a zone, to the second."""
    return datetime.now(LOCAL_TIME).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True)
class Settings:
    """Where things are and what the run may use.

    Attributes:
        raw: exports, searched recursively, never changed.
        reference: units.csv, targets.csv and the other tables the office edits.
        warehouse: the published DuckDB file; staged files, lock and run log stand beside it.
        outbox: summaries, one folder a day.
        as_of: the moment the figures are for, Vietnamese civil time.
        as_of_follows_fetch: once the sources were asked, as_of is that moment where it is still the same day. What a web system exports at
            being asked is younger than the run's beginning, and would count only a day later.
        workers: reader processes.
        read_seconds, read_bytes: time and memory one file may take before it is given up.
        limits: what a file may ask for before it is refused unopened.
        keep_raw_days: raw files are deleted this many days after they were staged; None keeps them.
        keep_warehouses: how many published warehouses stay at hand for `tthc rollback`; never fewer than two, see flows/keeping.py.
        fetches: a run begins by fetching from the sources of sources.toml.
        send: mails are handed to the mail server at the end; otherwise they are only written to the outbox.
    """

    raw: Path
    reference: Path
    warehouse: Path
    outbox: Path
    as_of: datetime
    workers: int = field(default_factory=lambda: max(1, min(os.cpu_count() or 1, 8)))
    read_seconds: float = 600.0
    read_bytes: int = 3 * 1024**3
    limits: Limits = field(default_factory=Limits)
    keep_raw_days: int | None = None
    keep_warehouses: int = 7
    fetches: bool = True
    send: bool = False
    as_of_follows_fetch: bool = False

    @property
    def staged(self) -> Path:
        """Folder of the staged Parquet files of this warehouse."""
        return self.warehouse.with_suffix(".staged")

    @property
    def kept(self) -> Path:
        """Folder of the last published warehouses."""
        return self.warehouse.with_suffix(".kept")

    @property
    def logs(self) -> Path:
        """Folder of the logs, for people and for programs."""
        return self.warehouse.with_suffix(".logs")

    @property
    def docs(self) -> Path:
        """Folder of the latest gate's Data Docs; `index.html` is the first page."""
        return self.warehouse.with_suffix(".docs")

    @property
    def prefect(self) -> Path:
        """Prefect's home, with the schedule and its runs: this warehouse's own, because deployments of one name take each other's place in it."""
        return self.warehouse.with_suffix(".prefect")

    @property
    def months_waiting(self) -> Path:
        """Record of the monthly reports that are still to be mailed, and of the month up to which the schedule has seen to all."""
        return self.staged / "months-waiting.json"

    @property
    def lock(self) -> Path:
        """File whose lock only one run can hold."""
        return self.warehouse.with_suffix(".lock")


def _number(name: str, default: float, least: float = 1e-6) -> float:
    text = os.environ.get(name)
    try:
        value = float(text) if text else default
    except ValueError:
        raise ConfigurationError(f"biến môi trường {name} phải là một số, không phải “{text}”") from None
    if not least <= value < math.inf:  # nor is "nan" a number of anything
        needed = f"từ {least:g} trở lên" if least >= 1 else "dương"
        raise ConfigurationError(f"biến môi trường {name} phải là số {needed}, không phải “{text}”")
    return value


def warehouse_path(path: Path) -> Path:
    """The warehouse's own name, absolute: the link that publishing moves (see flows/keeping.py) is not followed, one that somebody else laid is."""
    for _ in range(40):  # as many links as Linux follows
        path = path.parent.resolve() / path.name
        target = path.parent / path.readlink() if path.is_symlink() else None
        if target is None or target.parent == path.with_suffix(".kept"):
            break
        path = target
    return path


def make_place(warehouse: Path) -> Settings:
    """Settings for commands that only look at, or decide about, what stands beside a warehouse."""
    return Settings(
        Path(), Path(), warehouse_path(warehouse), Path(), local_now(), keep_warehouses=int(_number("TTHC_KEEP_WAREHOUSES", 7, least=1))
    )


def make_settings(
    raw: Path = Path("data/raw"),
    reference: Path = Path("data/reference"),
    warehouse: Path = Path("data/warehouse/tthc.duckdb"),
    outbox: Path = Path("data/outbox"),
    as_of: datetime | None = None,
) -> Settings:
    """Settings for one run.

    Raises:
        ConfigurationError: a folder is missing or a variable is malformed.
    """
    if not raw.is_dir():
        raise ConfigurationError(f"không có thư mục tệp xuất “{raw}”; hãy tạo thư mục hoặc chỉ rõ bằng --raw")
    if not (reference / "units.csv").is_file():
        raise ConfigurationError(
            f"không có tệp “{reference / 'units.csv'}” (danh sách đơn vị); hãy tạo tệp hoặc chỉ rõ thư mục bằng --reference"
        )
    if warehouse.is_dir():
        raise ConfigurationError(f"“{warehouse}” là thư mục; --warehouse phải là tên tệp, ví dụ data/warehouse/tthc.duckdb")
    above = next((folder for folder in (outbox, *outbox.parents) if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise ConfigurationError(f"“{above}” là tệp; --outbox phải là thư mục báo cáo, ví dụ data/outbox")
    workers = int(_number("TTHC_WORKERS", max(1, min(os.cpu_count() or 1, 8)), least=1))
    return Settings(
        raw.resolve(),
        reference.resolve(),
        warehouse_path(warehouse),
        outbox.resolve(),
        (as_of or local_now()).replace(tzinfo=None),
        workers,
        _number("TTHC_READ_SECONDS", 600),
        int(_number("TTHC_READ_GIB", 3) * 1024**3),
        Limits(
            unpacked_bytes=int(_number("TTHC_MAX_UNPACKED_GIB", 3) * 1024**3),
            entries=int(_number("TTHC_MAX_ENTRIES", Limits.entries, least=1)),
            rows=int(_number("TTHC_MAX_ROWS", Limits.rows, least=1)),
            columns=int(_number("TTHC_MAX_COLUMNS", Limits.columns, least=1)),
        ),
        int(_number("TTHC_KEEP_RAW_DAYS", 0, least=0)) or None,
        int(_number("TTHC_KEEP_WAREHOUSES", 7, least=1)),
        as_of_follows_fetch=as_of is None,
    )
