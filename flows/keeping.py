"""Publishing, and the last published warehouses, each a file of its own that is never changed.

`tthc.duckdb` is a link to the newest of `tthc.kept/`, and publishing moves the link. A file put in place of another would not do: DuckDB opens a
database by its name twice, once for the header and once for the rest (measured with 2.0.0: 2 of 3,000 openings failed while files were
swapped 40 times a second), so a reader could meet the old header and the new rest. A link it follows once, and what it leads to stays.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.settings import ConfigurationError, Settings
from flows.warehouse import building_path, remove_database


@dataclass(frozen=True)
class KeptWarehouse:
    """One published warehouse still at hand; `is_current` when it is the one readers see now."""

    path: Path
    as_of: datetime
    published_at: datetime
    is_current: bool

    @property
    def name(self) -> str:
        """What `tthc rollback` takes."""
        return self.path.stem


def publish_warehouse(settings: Settings) -> None:
    """The checked warehouse that was built is the one readers open from now on; those who have an older one open keep it until they close it.

    A crash between the two steps leaves one kept warehouse more that nobody saw; it was checked, and goes with its age.

    Raises:
        RuntimeError: the built warehouse was not closed cleanly.
    """
    built = building_path(settings.warehouse)
    if built.with_name(built.name + ".wal").exists():
        raise RuntimeError("the new warehouse was not closed cleanly: its write-ahead log is still there")
    with built.open("rb+") as stream:
        os.fsync(stream.fileno())
    remove_old(settings)
    as_of, run_id = _identity(built)
    target = settings.kept / f"{as_of:%Y%m%d}-{run_id}.duckdb"
    target.parent.mkdir(parents=True, exist_ok=True)
    built.replace(target)
    _lead_to(target, settings.warehouse)


def remove_old(settings: Settings) -> None:
    """Of the warehouses published before, as many are left as may stand beside the next one.

    The newest always is, however few are asked for: a reader may just be opening it.
    """
    if not settings.warehouse.is_file():
        return
    if not settings.warehouse.is_symlink() and not any(kept.is_current for kept in list_kept(settings)):
        as_of, run_id = _identity(settings.warehouse)
        settings.kept.mkdir(parents=True, exist_ok=True)
        _give_name(settings.warehouse, settings.kept / f"{as_of:%Y%m%d}-{run_id}.duckdb")
    for path in _newest_first(settings)[max(settings.keep_warehouses - 1, 1) :]:
        if not path.samefile(settings.warehouse):
            remove_database(path)


def _lead_to(kept: Path, warehouse: Path) -> None:
    """`warehouse` is the kept file: by a link, or where the system makes none (Windows without the right to, exFAT), as the file itself.

    A write-ahead log beside an old file would be replayed into the new one and make it unopenable, so it is moved aside first.
    """
    stale = warehouse.with_name(warehouse.name + ".wal")
    if stale.exists():
        stale.replace(stale.with_name(stale.name + ".stale"))
    part = warehouse.with_name(f".{warehouse.name}.new")
    part.unlink(missing_ok=True)
    try:
        part.symlink_to(Path(kept.parent.name) / kept.name)
    except OSError:
        _give_name(kept, warehouse)
    else:
        part.replace(warehouse)


def _give_name(file: Path, name: Path) -> None:
    """The file has this name too, in one step; a copy has it where there are no hard links."""
    part = name.with_name(f".{name.name}.new")
    part.unlink(missing_ok=True)
    try:
        os.link(file, part)
    except OSError:
        shutil.copyfile(file, part)
    part.replace(name)


def _newest_first(settings: Settings) -> list[Path]:
    """The files of the kept warehouses, newest publication first, by their names alone: to open each costs every night some 40 ms."""
    found = []
    for path in settings.kept.glob("*.duckdb"):
        with suppress(ValueError):  # somebody else's file
            found.append((_published_at(path.stem.partition("-")[2]), path))
    return [path for _, path in sorted(found, reverse=True)]


def _published_at(run_id: str) -> datetime:
    return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")


def list_kept(settings: Settings) -> list[KeptWarehouse]:
    """The kept warehouses, newest publication first."""
    found = []
    for path in settings.kept.glob("*.duckdb"):
        try:
            as_of, run_id = _identity(path)
        except duckdb.Error:
            continue
        current = settings.warehouse.is_file() and path.samefile(settings.warehouse)
        found.append(KeptWarehouse(path, as_of, _published_at(run_id), current))
    return sorted(found, key=lambda kept: (kept.published_at, kept.path.name), reverse=True)


def find_kept(settings: Settings, name: str) -> KeptWarehouse:
    """The kept warehouse of this name.

    Raises:
        ConfigurationError: there is none, or it cannot be opened.
    """
    kept = list_kept(settings)
    chosen = next((k for k in kept if k.name == name), None)
    if chosen is None:
        names = "; ".join(k.name for k in kept) or "chưa giữ bản nào"
        raise ConfigurationError(f"không có bản công bố nào tên “{name}”; các bản đang giữ: {names}")
    return chosen


def roll_back(settings: Settings, kept: KeptWarehouse) -> None:
    """A kept warehouse is the published one; the one published before stays among the kept."""
    _lead_to(kept.path, settings.warehouse)


def find_published_run(warehouse: Path) -> str | None:
    """The run whose warehouse readers see now; None where there is none that this version can read."""
    if not warehouse.is_file():
        return None
    try:
        return _identity(warehouse)[1]
    except (duckdb.Error, IndexError):
        return None


def _identity(warehouse: Path) -> tuple[datetime, str]:
    """as_of and the run that built a warehouse: the one it lists as under way, whatever the clock said when others began."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        as_of, run_id = connection.execute("SELECT as_of, run_id FROM ops.runs WHERE outcome = 'started'").fetchall()[0]
    return as_of, run_id
