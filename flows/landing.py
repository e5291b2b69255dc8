"""Landing: which exports there are, known by the SHA-256 of their bytes; the files themselves are only ever read."""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import Any

from flows.settings import LOCAL_TIME, local_now
from transforms.readers import Limits, is_archive, list_members, read_member
from transforms.sheets import UnreadableExport
from transforms.text import shown_name

_TEMPORARY = re.compile(r"^~\$|\.(part|tmp|crdownload)$", re.IGNORECASE)
_TIMESTAMP = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?!\d)")


@dataclass(frozen=True)
class Export:
    """One export as it lies in the raw folder, or in an archive there.

    Attributes:
        file_id: SHA-256 of the export's bytes, of the member's for one inside an archive.
        file_name: path below the raw folder, with "/".
        member: name inside the archive, None outside.
        arrived_at: when its bytes were first seen to have arrived (the file's modification time then, never later than now), Vietnamese civil time.
        error: why the archive was refused, None for everything that can be tried.
        is_readable: False when not even its bytes can be read, so that its SHA-256 is not known.
    """

    file_id: str
    file_name: str
    member: str | None
    arrived_at: datetime
    error: str | None = None
    is_readable: bool = True

    @property
    def order(self) -> tuple[str, str]:
        """Code-point order of paths; of files with the same bytes the first is the one that counts."""
        return (self.file_name, self.member or "")


def time_in_name(name: str) -> datetime | None:
    """The yyyymmddHHMMSS timestamp in a file's name, the last one where there are several."""
    for found in reversed(list(_TIMESTAMP.finditer(name))):
        try:
            return datetime(*map(int, found.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
    return None


def find_exports(raw: Path, limits: Limits = Limits(), seen: Path | None = None) -> list[Export]:
    """Every export below `raw`, archives opened, in the order of their paths. Temporary files are no exports.

    A folder in which nothing can be looked for stands among them, as one that cannot be read.

    Args:
        raw: the raw folder.
        limits: what archives may ask of the machine.
        seen: where to remember what lies there, so that the next night does not read again what nobody has touched; None reads everything.
    """
    index = _Seen(seen, limits)
    exports: list[Export] = []
    for path in sorted(_files(raw, exports), key=lambda p: p.relative_to(raw).as_posix()):
        name = path.relative_to(raw).as_posix()
        exports.extend(index.look_up(path, name, limits))
    index.save()
    return sorted(exports, key=lambda export: export.order)


# Raised when `exports_of` gives other exports for the same bytes than before.
_SEEN_VERSION = 3
# A file may change once more within the resolution of its file system's clock; one touched so lately is looked at again.
_SETTLED_NS = 3_000_000_000


class _Seen:
    """Which exports a file held when it was last read; as good as reading it again while its size, times and inode are the same.

    The time of the last change of the inode cannot be set back, so that also a file copied over with its old time is noticed (not on Windows).
    """

    def __init__(self, path: Path | None, limits: Limits) -> None:
        self.path, self.made_for = path, f"{_SEEN_VERSION} {limits}"
        self.now_ns = time.time_ns()
        self.before = self._load()
        self.after: dict[str, Any] = {}

    def _load(self) -> dict[str, Any]:
        try:
            record = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
        except (FileNotFoundError, ValueError):
            return {}
        return dict(record["files"]) if record.get("made_for") == self.made_for else {}

    def look_up(self, path: Path, name: str, limits: Limits) -> list[Export]:
        try:
            stat = path.stat()
        except OSError:
            return list(exports_of(path, name, limits))
        marks = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self.before.get(name)
        if known and known["marks"] == marks:
            self.after[name] = known
            return [Export(file_id, name, member, datetime.fromisoformat(at), error) for file_id, member, at, error in known["exports"]]
        exports = list(exports_of(path, name, limits))
        if all(e.is_readable for e in exports) and max(stat.st_mtime_ns, stat.st_ctime_ns) < self.now_ns - _SETTLED_NS:
            self.after[name] = {"marks": marks, "exports": [[e.file_id, e.member, str(e.arrived_at), e.error] for e in exports]}
        return exports

    def save(self) -> None:
        if self.path and self.after != self.before:
            save_record(self.path, {"made_for": self.made_for, "files": self.after})


def is_export(name: str) -> bool:
    """False for what is still being written and for what desktops leave in folders and archives (hidden files, __MACOSX)."""
    name = name.replace("\\", "/")  # archives made on Windows may hold either
    last = name.rpartition("/")[2]
    return not (
        _TEMPORARY.search(last) or last.startswith(".") or name.startswith("__MACOSX/") or last.lower() in ("thumbs.db", "desktop.ini")
    )


def _files(raw: Path, closed: list[Export]) -> Iterator[Path]:
    """The files that may be exports; folders that were not looked into are appended to `closed`."""

    def tell(folder: Path, reason: str) -> None:
        name = folder.relative_to(raw).as_posix() + "/"
        closed.append(_unreadable(name, f"{reason}; các tệp trong đó chưa được đọc"))

    def fail(error: OSError) -> None:
        tell(Path(error.filename or raw), f"không mở được thư mục ({error.strerror}); hãy kiểm tra quyền truy cập, ổ mạng")

    for folder, folders, names in os.walk(raw, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for link in (Path(folder, name) for name in folders if Path(folder, name).is_symlink()):
            tell(link, "thư mục là liên kết; hãy chép tệp vào đây, hoặc khai báo nơi đó trong sources.toml")
        for name in names:
            path = Path(folder, name)
            if is_export(name) and _is_file(path):
                yield path


def _is_file(path: Path) -> bool:
    """True also for what cannot even be looked at, such as a link that leads nowhere, so that it is told; not for what is gone meanwhile."""
    try:
        return S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return path.is_symlink()
    except OSError:
        return True


def _unreadable(name: str, reason: str) -> Export:
    file_id = hashlib.sha256(b"unreadable:" + os.fsencode(name)).hexdigest()
    return Export(file_id, shown_name(name), None, datetime(1970, 1, 1), reason, False)


def exports_of(path: Path, name: str, limits: Limits) -> Iterator[Export]:
    """The exports of one file: itself, or its members where it is an archive."""
    if shown_name(name) != name:  # no table, page or mail could carry it
        yield _unreadable(name, "tên tệp hoặc thư mục không phải Unicode (UTF-8); hãy đổi tên, chỗ “?” là chữ không đọc được")
        return
    try:
        modified = datetime.fromtimestamp(path.stat().st_mtime, LOCAL_TIME).replace(tzinfo=None, microsecond=0)
        arrived = min(modified, local_now())  # what lies here has arrived, whatever the clock that wrote it says
        with path.open("rb") as stream:
            start = stream.read(4)
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        data = path.read_bytes() if start.startswith(b"PK") else b""
    except OSError as error:
        yield _unreadable(name, f"không đọc được tệp ({error.strerror}); hãy kiểm tra quyền truy cập")
        return
    if not is_archive(data):
        yield Export(digest, name, None, arrived)
        return
    try:
        for member, member_digest in list_exports(data, limits):
            yield Export(member_digest, name, member, arrived)
    except UnreadableExport as error:
        yield Export(digest, name, None, arrived, str(error))


def list_exports(archive: bytes, limits: Limits = Limits()) -> list[tuple[str, str]]:
    """(name, SHA-256) of every member of an archive that is an export, in the code-point order of the names.

    Raises:
        UnreadableExport: the archive cannot be used, or holds nothing but temporary and hidden files.
    """
    members = [(member, digest) for member, digest in list_members(archive, limits) if is_export(member)]
    if not members:
        raise UnreadableExport("gói nén chỉ có tệp tạm hoặc tệp ẩn, không có tệp xuất nào; hãy nén lại tệp xuất đã tải xong")
    return members


def read_bytes(raw: Path, file_name: str, member: str | None, limits: Limits = Limits()) -> bytes:
    """The bytes of one export.

    Raises:
        UnreadableExport: its archive is damaged.
        OSError: the file is gone or cannot be read.
    """
    data = (raw / file_name).read_bytes()
    return data if member is None else read_member(data, member, limits)


def save_record(path: Path, record: dict[str, object]) -> None:
    """Write a JSON record so that it is there whole or not at all; bytes of a name that are no UTF-8 stand there as JSON writes them."""
    part = path.with_name(path.name + ".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        json.dump(record, stream, ensure_ascii=False, indent=1, sort_keys=True, default=str)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
