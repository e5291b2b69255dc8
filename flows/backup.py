"""Everything that cannot be rebuilt, in one archive: staged exports with every decision and delivery kept beside them, and the reference tables.

The warehouse, the summaries and the page are not in it: one run makes them again. Raw exports are not in it either: they hold citizens' data,
and what was read of them is staged.
"""

import errno
import glob
import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from flows.mail.ledger import check_ledger, ledger_path, take_over
from flows.runs import load_runs
from flows.settings import ConfigurationError, Settings, local_now

_MANIFEST = "tthc-backup.json"
_ASIDE = ".truoc-khi-khoi-phuc-"
_KNOWN = "known"  # beside what was unpacked: the ledger that stood in place knows which mails went out since the backup


def write_backup(settings: Settings, target: Path) -> int:
    """An archive of staged files and reference tables stands at `target`, whole, each file with its SHA-256; hold the run lock meanwhile.

    Returns:
        How many files are in it.

    Raises:
        ConfigurationError: the target exists already, there is nothing to keep, or somebody changes a table meanwhile.
    """
    if target.exists():
        raise ConfigurationError(f"“{target}” đã có; hãy chọn tên khác để không ghi đè bản sao lưu cũ")
    files = dict(_files(settings))
    if not files:
        raise ConfigurationError(f"chưa có gì để sao lưu: không có tệp nào trong {settings.staged} và {settings.reference}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.new")
    digests: dict[str, str] = {}
    try:
        with part.open("wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            # no second compression: Parquet is compressed already
            with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1, dereference=True) as archive:
                for name, path in files.items():
                    digests[name] = _add(archive, name, path)
                facts = {"version": version("tthc"), "made_at": str(local_now()), "warehouse": settings.warehouse.name, "files": digests}
                text = json.dumps(facts, ensure_ascii=False, indent=1).encode()
                member = tarfile.TarInfo(_MANIFEST)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)  # half an archive helps nobody and fills a full disk
    return len(files)


def _add(archive: tarfile.TarFile, name: str, path: Path) -> str:
    """The file is in the archive as it is at one moment; returns the SHA-256 of what went in.

    The lock keeps neither the office from its tables nor `tthc watch` from its ledger, and half of one and half of another state would show
    only when somebody needs the archive.
    """
    try:
        with path.open("rb") as stream:
            member = archive.gettarinfo(arcname=name, fileobj=stream)
            before = os.fstat(stream.fileno())
            ledger = _snapshot(path) if path.suffix == ".sqlite" else None
            content = _Hashed(stream if ledger is None else io.BytesIO(ledger))
            member.size = member.size if ledger is None else len(ledger)
            archive.addfile(member, content)
            after = os.fstat(stream.fileno())
    except FileNotFoundError:
        raise _changing(path) from None
    if ledger is None and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changing(path)
    return content.digest.hexdigest()


def _changing(path: Path) -> ConfigurationError:
    return ConfigurationError(f"tệp “{path}” đang được sửa nên chưa sao lưu được; hãy lưu và đóng tệp rồi chạy lại")


class _Hashed(io.RawIOBase):
    """Reads a stream once, for the archive and for the SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.digest.update(data)
        return data


def _snapshot(path: Path) -> bytes | None:
    """A ledger between two of its transactions; None where it is damaged, which is no reason to keep nothing."""
    try:
        with closing(sqlite3.connect(path, timeout=30)) as ledger, closing(sqlite3.connect(":memory:")) as copy:
            ledger.backup(copy)
            return copy.serialize()
    except sqlite3.DatabaseError:
        return None


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Name inside the archive -> file, also where it is a link to one elsewhere; what is only half written (hidden, journals of ledgers) is left out."""
    for root, folder in (("staged", settings.staged), ("reference", settings.reference)):
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and path.suffix != ".sqlite-journal" and not any(part.startswith(".") for part in inside.parts):
                yield f"{root}/{inside.as_posix()}", path


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        count: files restored.
        aside: folders that were set aside.
        knows_later_mails: the ledger that stood in place told which mails went out since the backup.
    """

    count: int
    aside: list[Path]
    knows_later_mails: bool


def restore_backup(settings: Settings, source: Path) -> Restored:
    """Staged files and reference tables are those of the archive; hold the run lock meanwhile. The next run builds the warehouse from them.

    Everything is unpacked and compared with its SHA-256 before anything is put in place, and what stood there is set aside, not deleted. Only what
    its ledgers know of mails that went out since the backup stays known: the nights since then are run again, and would send them again.

    Raises:
        ConfigurationError: the archive is damaged or none of ours.
    """
    unpacked, checked = _unpacked_beside(settings), _checked_beside(settings)
    places = (("staged", settings.staged), ("reference", settings.reference))
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    try:
        count = _unpack(source, unpacked)
        if (unpacked / "staged").is_dir():
            _keep_what_was_sent(settings, unpacked / "staged")
        # From here on nothing runs until all of it is in place; the folder stands already where another restore was cut off, and what that one
        # found in place is known by it alone.
        if not checked.exists():
            is_known = _goes_on_from(settings.staged, unpacked / "staged")
            checked.mkdir()
            if is_known:
                (checked / _KNOWN).touch()
        for root, _ in places:
            shutil.rmtree(checked / root, ignore_errors=True)
            if (unpacked / root).is_dir():
                (unpacked / root).replace(checked / root)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    aside: list[Path] = []
    for root, folder in places:
        if (checked / root).is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            if folder.exists() and any(folder.iterdir()):
                old = folder.with_name(f"{folder.name}{_ASIDE}{local_now():%Y%m%d-%H%M%S}")
                while old.exists():  # tried again within a second, or the clock went back
                    old = old.with_name(f"{old.name}+")
                _set_aside(folder, old)
                aside.append(old)
            _fill(folder, checked / root)
    is_known = (checked / _KNOWN).exists()
    shutil.rmtree(checked)
    return Restored(count, aside, is_known)


def _keep_what_was_sent(settings: Settings, restored: Path) -> None:
    """The ledgers to be put in place know of every mail that those in place, or set aside by an interrupted restore, know as having left."""
    for folder in (*_folders_aside(settings), settings.staged):
        for later in sorted(folder.glob("*.sqlite")):
            with suppress(ConfigurationError):  # damaged, which is what backups are for; the command says so
                take_over(restored / later.name, later)


def _goes_on_from(staged: Path, restored: Path) -> bool:
    """Whether the ledger in place is sound and that of a later day than the backup's: every run in the backup is one that it has seen.

    A ledger set aside by a restore of long ago, or that came with an older backup, knows nothing of the mails since.
    """
    if not ledger_path(staged).is_file():
        return False
    try:
        check_ledger(ledger_path(staged))
    except ConfigurationError:
        return False
    seen = {run["run_id"] for run in load_runs(staged)}
    return seen.issuperset(run["run_id"] for run in load_runs(restored))


def _folders_aside(settings: Settings) -> list[Path]:
    return sorted(settings.staged.parent.glob(f"{glob.escape(settings.staged.name)}{_ASIDE}*"))


def _set_aside(folder: Path, old: Path) -> None:
    """What was in the folder stands under the other name: by one step, or, where the folder is a disk of its own, piece by piece."""
    try:
        folder.replace(old)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        old.mkdir()
        _fill(old, folder)


def _fill(folder: Path, source: Path) -> None:
    if not folder.exists():
        shutil.move(source, folder)
        return
    for path in sorted(source.iterdir()):
        shutil.move(path, folder / path.name)


def check_restored(settings: Settings) -> None:
    """Nothing is half restored: a run on an empty folder in place of the staged one would send its mails again and forget what was published.

    Raises:
        ConfigurationError: a restore was interrupted while it put things in place.
    """
    if _checked_beside(settings).exists():
        raise ConfigurationError("lần khôi phục trước bị ngắt giữa chừng; hãy chạy lại `tthc restore` với bản sao lưu đó rồi mới chạy tiếp")


def _unpacked_beside(settings: Settings) -> Path:
    return settings.staged.with_name(f".{settings.staged.name}.restoring")


def _checked_beside(settings: Settings) -> Path:
    return settings.staged.with_name(f".{settings.staged.name}.restored")


def _unpack(source: Path, folder: Path) -> int:
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(folder, filter="data")
        digests: dict[str, str] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["files"]
        for name, digest in digests.items():
            with (folder / name).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != digest:
                    raise ConfigurationError(f"bản sao lưu {source} bị hỏng ở tệp {name}; hãy dùng bản khác")
    except (gzip.BadGzipFile, zlib.error, FileNotFoundError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"không đọc được bản sao lưu {source} ({type(error).__name__}); tệp hỏng hoặc không phải bản sao lưu của tthc"
        ) from None
    return len(digests)
