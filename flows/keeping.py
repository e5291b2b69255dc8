"""The last published warehouses, kept beside the published one as hard links, and the way back to one of them.

A hard link costs nothing: the kept file is the published one until the next night puts another in its place.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.settings import ConfigurationError, Settings
from flows.warehouse import building_path, publish_warehouse, remove_database


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


def keep_current(settings: Settings) -> None:
    """The published warehouse stands among the kept ones, and no more than `settings.keep_warehouses` do. Nothing happens where none is published.

    Called before and after publishing: what a crash left out is made up for by the next run.
    """
    if settings.warehouse.is_file():
        folder = settings.kept
        folder.mkdir(parents=True, exist_ok=True)
        if not any(path.samefile(settings.warehouse) for path in folder.glob("*.duckdb")):
            as_of, run_id = _identity(settings.warehouse)
            target = folder / f"{as_of:%Y%m%d}-{run_id}.duckdb"
            part = folder / f".{target.name}.new"
            part.unlink(missing_ok=True)
            try:
                os.link(settings.warehouse, part)
            except OSError:  # a file system without hard links (exFAT, some network shares)
                shutil.copyfile(settings.warehouse, part)
            part.replace(target)
    for kept in list_kept(settings)[settings.keep_warehouses :]:
        if not kept.is_current:
            kept.path.unlink()


def list_kept(settings: Settings) -> list[KeptWarehouse]:
    """The kept warehouses, newest publication first."""
    found = []
    for path in settings.kept.glob("*.duckdb"):
        try:
            as_of, run_id = _identity(path)
        except duckdb.Error:
            continue
        current = settings.warehouse.is_file() and path.samefile(settings.warehouse)
        found.append(KeptWarehouse(path, as_of, datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S"), current))
    return sorted(found, key=lambda kept: (kept.published_at, kept.path.name), reverse=True)


def roll_back(settings: Settings, name: str) -> KeptWarehouse:
    """The kept warehouse of this name is the published one; the one published before stays among the kept.

    Raises:
        ConfigurationError: no kept warehouse has this name, or it cannot be opened.
    """
    kept = list_kept(settings)
    chosen = next((k for k in kept if k.name == name), None)
    if chosen is None:
        names = "; ".join(k.name for k in kept) or "chưa giữ bản nào"
        raise ConfigurationError(f"không có bản công bố nào tên “{name}”; các bản đang giữ: {names}")
    keep_current(settings)
    building = building_path(settings.warehouse)
    remove_database(building)
    shutil.copyfile(chosen.path, building)
    publish_warehouse(building, settings.warehouse)
    keep_current(settings)  # the copy takes the place of the kept file of the same name, as a link
    return chosen


def _identity(warehouse: Path) -> tuple[datetime, str]:
    """as_of and the run that built a warehouse: the newest one it lists."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        as_of, run_id = connection.execute("SELECT as_of, run_id FROM ops.runs ORDER BY started_at DESC, run_id DESC LIMIT 1").fetchall()[0]
    return as_of, run_id
