"""`tthc build`: the tables of core and mart (and what of ops the build fills) from staged files alone, into a new folder, on DuckDB or on Spark.

Nothing is gated, published or mailed: that is the night's (flows/night.py). With `read`, exports that are not staged yet are staged first; on
Spark its executors do it.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from flows.landing import find_exports
from flows.manifest import make_manifest
from flows.night import hold_lock, load_office
from flows.reading import Spread, find_unread, read_exports
from flows.reference import Reference
from flows.settings import ConfigurationError, Settings
from flows.staging import record_landing
from flows.warehouse import build_warehouse, fill_warehouse

_STAGED = ".staged"


def settings_for(staged: str, settings: Settings) -> Settings:
    """The settings with the warehouse that a folder of staged files belongs to, so that the two share a lock.

    Raises:
        ConfigurationError: the folder is none that a night keeps.
    """
    folder = Path(staged).resolve()
    if folder.suffix != _STAGED:
        raise ConfigurationError(
            f"“{staged}” không phải thư mục tệp đã đọc; thư mục ấy nằm cạnh kho dữ liệu và có tên kết thúc bằng {_STAGED}"
        )
    return replace(settings, warehouse=folder.with_suffix(".duckdb"))


def build_on_duckdb(settings: Settings, staged: str, out: str, *, read: bool = False) -> None:
    """`<out>/tthc.duckdb` is complete and closed.

    Args:
        settings: reference tables and as_of; with `read` also the raw folder.
        staged: folder of staged files, `<warehouse>.staged`.
        out: folder, new or empty.
        read: exports of the raw folder that are not staged yet are read first.

    Raises:
        ConfigurationError: a folder cannot be used.
    """
    settings, reference = settings_for(staged, settings), load_office(settings)
    if Path(out).exists() and any(Path(out).iterdir()):
        raise ConfigurationError(f"“{out}” không trống; mỗi lần dựng cần một thư mục mới để không trộn hai lần")
    with hold_lock(settings):
        if read:
            _read(settings, reference)
        manifest = make_manifest(_existing(settings), [], {}, settings.as_of)
        build_warehouse(Path(out) / "tthc.duckdb", manifest, reference, settings.as_of)


def build_on_spark(
    settings: Settings, staged: str, out: str, *, read: bool = False, master: str | None = None, conf: Mapping[str, str] | None = None
) -> None:
    """`<out>/<schema>/<table>/` holds the Parquet files of every table; `<out>/built` is written last.

    Args:
        settings: as for `build_on_duckdb`.
        staged: a folder, or its address in any storage that Hadoop reaches.
        out: folder or address, new or empty.
        read: as for `build_on_duckdb`; raw and staged folder must then be shared by all machines under the same path.
        master: where Spark runs; None leaves it to Spark's own configuration.
        conf: further settings of Spark.

    Raises:
        ConfigurationError: Spark is missing or does not start, or a folder cannot be used.
    """
    from flows.spark import SparkEngine, copy_down, read_on_executors, spark_session

    is_remote = "://" in staged
    if read and is_remote:
        raise ConfigurationError("--read cần --staged là thư mục dùng chung của mọi máy, không phải địa chỉ lưu trữ")
    with spark_session(master, conf) as session, tempfile.TemporaryDirectory() as folder:
        where: Callable[[Path], str] = "file://{}".format
        if is_remote:
            mirror = Path(folder).resolve() / staged.rstrip("/").rpartition("/")[2]
            copy_down(session, staged, mirror, "*.json")
            where = partial(_remote, staged.rstrip("/"), mirror)
        settings = settings_for(str(mirror) if is_remote else staged, settings)
        reference = load_office(settings)
        with hold_lock(settings):
            if read:
                _read(settings, reference, partial(read_on_executors, session))
            manifest = make_manifest(_existing(settings), [], {}, settings.as_of)
            for chained in {sheet.folder for sheet in manifest.chained()} if is_remote else ():
                copy_down(session, where(chained), chained, "*.parquet")
            engine = SparkEngine(session, out, where)
            fill_warehouse(engine, manifest, reference, settings.as_of)
            engine.finish(settings.as_of)


def _read(settings: Settings, reference: Reference, spread: Spread | None = None) -> None:
    exports = find_exports(settings.raw, settings.limits)
    record_landing(settings.staged, exports)
    read_exports(settings, reference, find_unread(settings, reference, exports), lambda export: None, spread)


def _existing(settings: Settings) -> Path:
    if not (settings.staged / "landed").is_dir():
        raise ConfigurationError(f"“{settings.staged}” không có tệp xuất nào đã đọc; hãy chạy tthc run trước, hoặc thêm --read")
    return settings.staged


def _remote(staged: str, mirror: Path, path: Path) -> str:
    return f"{staged}/{path.relative_to(mirror).as_posix()}"
