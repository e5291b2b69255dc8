"""Arrivals: fetched bytes become files of the raw folder, each whole, once, unchanged and with a record of where it came from.

<raw>/<source>/…                                   the files; while one is written it is hidden and ends in .part
<warehouse>.staged/fetched/<source>/files/<sha256>.json   its sidecar: name, origin, size, SHA-256, times, etag; outside raw, so never taken for an export
<warehouse>.staged/fetched/<source>/origins.jsonl         what was looked at and is done with; appended after the files stand
"""

import errno
import hashlib
import os
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from flows.connections.remote import RemoteFile, SourceFailure
from flows.landing import save_record, time_in_name
from flows.quarantine import append_line, read_lines
from flows.settings import local_now
from flows.sources import Source
from flows.staging import load_record

_MOST_NAME_BYTES = 180
# Devices of Windows, whatever ending stands behind them.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_EARLIEST = 946_684_800.0  # the year 2000: systems without a clock give 1970


@dataclass
class IncomingFile:
    """A file being received; see connections.remote.Incoming."""

    path: Path
    most: int
    ends_at: float
    given_up: threading.Event
    size: int = 0
    modified_at: float | None = None
    etag: str | None = None
    digest: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self.stream = self.path.open("xb")

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            SourceFailure: the file is too large, the time is over, or the disk is full.
        """
        if self.given_up.is_set() or time.monotonic() > self.ends_at:
            raise SourceFailure("quá thời gian cho phép (max_minutes); sẽ thử lại ở lần sau")
        self.size += len(chunk)
        if self.size > self.most:
            raise SourceFailure(f"tệp lớn hơn max_mb = {self.most / 1e6:g}", is_one_file=True)
        self.digest.update(chunk)
        try:
            self.stream.write(chunk)
        except OSError as error:
            raise local_failure(error) from None

    def start(self, most: int) -> bytes:
        """The first bytes written so far; all of them are in the file afterwards."""
        try:
            self.stream.flush()
            with self.path.open("rb") as stream:
                return stream.read(most)
        except OSError as error:
            raise local_failure(error) from None


class Arrivals:
    """The raw folder and the records of one source."""

    def __init__(self, raw: Path, staged: Path, source: Source, given_up: threading.Event) -> None:
        self.source, self.given_up = source, given_up
        self.folder = raw / source.name
        self.records = staged / "fetched" / source.name
        self.ends_at = time.monotonic() + float(source["max_minutes"]) * 60
        self.landed: list[str] = []
        self._contents = {path.stem for path in (self.records / "files").glob("*.json")}
        self._done: set[tuple[Any, ...]] = set()
        self.etags: dict[str, str] = {}
        self.looks_before = self.load("looks.json")  # of the fetch before this one, however often this one has to begin again
        for line in read_lines(self.records / "origins.jsonl"):  # of a torn one the file is looked at again, and known by its bytes
            self._done.add((line["origin"], line["size"], line["modified_at"], line["etag"]))
            if line.get("answered_etag"):
                self.etags[line["origin"]] = line["answered_etag"]
        self._remove_leftovers()

    @property
    def count(self) -> int:
        """Files landed from this source so far, in all runs."""
        return len(self._contents)

    def _remove_leftovers(self) -> None:
        for part in self.folder.rglob(".*.part") if self.folder.is_dir() else ():
            part.unlink(missing_ok=True)

    def is_done(self, file: RemoteFile) -> bool:
        """Whether this very file was fetched before; never for one that tells neither time nor mark, such as a page made anew each time."""
        return (file.modified_at is not None or file.etag is not None or file.size is not None) and file.look in self._done

    def finish(self, file: RemoteFile, digests: list[str], answered_etag: str | None = None) -> None:
        """Note that everything in the file stands in the raw folder."""
        line = dict(zip(("origin", "size", "modified_at", "etag"), file.look, strict=True))
        append_line(self.records / "origins.jsonl", line | {"sha256": digests, "answered_etag": answered_etag, "at": local_now()})
        self._done.add(file.look)

    @contextmanager
    def receive(self, file: RemoteFile, name: str, digests: list[str], marks: list[str]) -> Iterator[IncomingFile]:
        """A file to write to; on leaving without an error it stands in the raw folder, else nothing of it remains.

        Args:
            file: where it comes from.
            name: what the source calls it.
            digests, marks: its SHA-256 and the server's mark are appended.

        Raises:
            SourceFailure: it cannot be written here.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / f".{secrets.token_hex(8)}.part"
            incoming = IncomingFile(part, int(float(self.source["max_mb"]) * 1e6), self.ends_at, self.given_up)
        except OSError as error:
            raise local_failure(error) from None
        try:
            with incoming.stream:
                yield incoming
                incoming.write(b"")  # not after the time is over, when nobody waits for it any more
                incoming.stream.flush()
                os.fsync(incoming.stream.fileno())
            digest = incoming.digest.hexdigest()
            if digest not in self._contents:
                self._land(incoming, file, name, digest)
            digests.append(digest)
            marks += [incoming.etag] if incoming.etag else []
        except OSError as error:
            raise local_failure(error) from None
        finally:
            part.unlink(missing_ok=True)

    def _land(self, incoming: IncomingFile, file: RemoteFile, name: str, digest: str) -> None:
        fetched_at, now = local_now(), time.time()
        if incoming.modified_at and _EARLIEST < incoming.modified_at <= now:
            os.utime(incoming.path, (now, incoming.modified_at))  # the age of an export that does not tell its own
        landed, is_new = put_in_place(incoming.path, self.folder, safe_path(name), digest)
        save_record(
            self.records / "files" / f"{digest}.json",
            {
                "file_name": f"{self.source.name}/{landed}",
                "sha256": digest,
                "size": incoming.size,
                "source": self.source.name,
                "address": self.source.shown_address,
                "origin": file.origin,
                "remote_name": name,
                "modified_at": incoming.modified_at,
                "etag": incoming.etag,
                "fetched_at": fetched_at,
            },
        )
        self._contents.add(digest)
        if is_new:
            self.landed.append(f"{self.source.name}/{landed}")

    def load(self, name: str) -> dict[str, Any]:
        """A record of this source, empty where there is none or a power cut tore it."""
        try:
            return load_record(self.records / name) or {}
        except ValueError:
            return {}

    def save(self, name: str, record: dict[str, Any]) -> None:
        """Keep a record of this source."""
        save_record(self.records / name, record)


def put_in_place(part: Path, folder: Path, name: str, digest: str) -> tuple[str, bool]:
    """The part stands under its name, whole and on disk; where another content has that name, under the name with eight digits of its hash.

    Nothing is ever replaced. A file that stood there already with the same bytes (from a run that was killed before noting it) is kept.

    Returns:
        The name below `folder`, and whether the file is new there.

    Raises:
        SourceFailure: both names are taken.
        OSError: it cannot be written.
    """
    path = PurePosixPath(name)
    for candidate in (name, str(path.with_name(f"{path.stem}.{digest[:8]}{path.suffix}"))):
        target = folder / candidate
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise SourceFailure(
                f"“{candidate}”: trên đường dẫn đã có một tệp cũ mang tên của thư mục; hãy đổi tên thư mục ở nơi gửi", is_one_file=True
            ) from None
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise SourceFailure(f"“{candidate}” nằm ngoài thư mục của nguồn; không ghi", is_one_file=True)
        if not os.path.lexists(target):
            try:
                os.link(part, target)  # unlike a rename, never replaces what somebody put there meanwhile
            except FileExistsError:
                pass
            except OSError:  # file systems without hard links
                part.rename(target)
            if not part.exists() or part.samefile(target):
                _sync_folder(target.parent)
                return candidate, True
        if target.is_dir():  # what is a file there now was a folder before
            continue
        with target.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() == digest:
                return candidate, False
    raise SourceFailure(f"đã có tệp khác mang tên “{name}”", is_one_file=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # Windows cannot open folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def safe_path(name: str) -> str:
    """A path below the source's folder, whatever the source says: no way up, nothing hidden, temporary or impossible on Windows."""
    parts = [part for part in (_safe_part(part) for part in re.split(r"[/\\]+", unicodedata.normalize("NFC", name))) if part]
    return "/".join(parts[-8:]) or "tep-xuat"


def _safe_part(part: str) -> str:
    part = re.sub(r"[.\s]+$", "", re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", part).strip())
    if set(part) <= {"."}:
        return ""
    if part.startswith((".", "~$")):
        part = f"_{part.lstrip('.~$')}"
    if re.search(r"\.(part|tmp|crdownload)$", part, re.IGNORECASE):
        part += "_"
    if _DEVICE.match(part):
        part = f"_{part}"
    stem, dot, suffix = part.rpartition(".")
    if dot and len(suffix) <= 10:
        return _shorten(stem, _MOST_NAME_BYTES - len(suffix.encode()) - 1) + dot + suffix
    return _shorten(part, _MOST_NAME_BYTES)


def _shorten(stem: str, most: int) -> str:
    """The beginning of a name; the time of export in it stays, at the end, because it is the export's age."""
    short, made = _cut(stem, most), time_in_name(stem)
    if short == stem or made is None or time_in_name(short) == made:
        return short
    mark = f"_{made:%Y%m%d%H%M%S}"
    return _cut(stem, most - len(mark)) + mark


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")


def local_failure(error: OSError) -> SourceFailure:
    """What is wrong on this machine, told as the reason why the source could not be fetched."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SourceFailure("đĩa của máy này đã đầy; không ghi được tệp xuất")
    return SourceFailure(f"không ghi được vào thư mục tệp xuất trên máy này ({error.strerror or type(error).__name__})")
