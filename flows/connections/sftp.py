"""SFTP, with the server's key checked against a known_hosts file, always."""

import asyncio
import contextlib
import posixpath
from collections.abc import AsyncIterator, Coroutine
from stat import S_IFDIR, S_IFLNK, S_IFREG, S_ISDIR, S_ISREG
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh

from flows.connections.remote import Incoming, Receive, RemoteFile, SourceFailure, StillGrowing
from flows.sources import Source
from transforms.text import shown_name

_CHUNK = 1 << 18
_DEEPEST = 12
T = TypeVar("T")


class SftpConnection:
    """Regular files below a folder of an SFTP server; links are not followed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        parts = urlsplit(source.addresses[0])
        self.host, self.port, self.root = parts.hostname or "", parts.port or 22, unquote(parts.path) or "."
        self.seconds = float(source["timeout_seconds"])
        self.loop: asyncio.AbstractEventLoop | None = None
        self.client: asyncssh.SSHClientConnection | None = None

    def _wait(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        if self.loop is None:
            raise RuntimeError("not connected")
        return self.loop.run_until_complete(asyncio.wait_for(work, seconds or self.seconds))

    def __enter__(self) -> Self:
        known, password = self.source.file("known_hosts"), self.source.secret("password")
        key_file = self.source.file("key_file")
        if known is None or not known.is_file():
            raise SourceFailure(
                f"không thấy tệp known_hosts để kiểm tra máy chủ {self.host}; hãy tạo bằng ssh-keyscan, so dấu vân tay với người quản trị "
                "rồi đặt cạnh sources.toml"
            )
        if key_file is not None and not key_file.is_file():
            raise SourceFailure(f"không thấy tệp khóa key_file “{key_file.name}”; hãy đặt nó cạnh sources.toml")
        try:
            asyncssh.read_known_hosts(str(known))
        except (ValueError, OSError):
            raise SourceFailure(
                f"không đọc được tệp “{known.name}”: mỗi dòng phải như ssh-keyscan -p {self.port} {self.host} viết ra"
            ) from None
        self.loop = asyncio.new_event_loop()
        try:
            self._open(str(known), password, str(key_file) if key_file else None)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open(self, known: str, password: str | None, key_file: str | None) -> None:
        try:
            self._wait(self._connect(known, password, key_file))
        except asyncssh.HostKeyNotVerifiable:
            raise SourceFailure(
                f"khóa của máy chủ {self.host} không có trong known_hosts hoặc đã đổi; không đăng nhập. Hãy hỏi người quản trị trước khi sửa known_hosts"
            ) from None
        except asyncssh.PermissionDenied:
            raise SourceFailure(f"máy chủ {self.host} từ chối đăng nhập: sai tên, mật khẩu hoặc khóa") from None
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise SourceFailure("không mở được key_file: sai định dạng, hoặc thiếu hay sai passphrase") from None
        except (OSError, TimeoutError, asyncssh.Error) as error:
            raise SourceFailure(f"không kết nối được {self.host}:{self.port} ({_short(error)})", may_pass=True) from None

    async def _connect(self, known: str, password: str | None, key_file: str | None) -> None:
        self.client = await asyncssh.connect(
            self.host,
            self.port,
            username=self.source["username"],
            password=password,
            client_keys=[key_file] if key_file else [],
            passphrase=self.source.secret("passphrase"),
            known_hosts=known,
            agent_path=None,
            config=None,
            connect_timeout=self.seconds,
            login_timeout=self.seconds,
            keepalive_interval=self.seconds,
        )
        self.sftp = await self.client.start_sftp_client(path_errors="surrogateescape")  # one odd name must not hide the others

    def __exit__(self, *error: object) -> None:
        if self.loop is None:
            return
        try:
            if self.client is not None:
                self.client.close()
                self._wait(self.client.wait_closed(), 5)
        except (OSError, TimeoutError, asyncssh.Error):
            pass  # the server is gone; there is nothing left to close
        finally:
            self.loop.close()
            self.loop = self.client = None

    def list(self) -> list[RemoteFile]:
        """See Connection."""

        async def collect() -> list[RemoteFile]:
            return [file async for file in self._walk(self.root, "", 0)]

        try:
            return sorted(self._wait(collect(), float(self.source["max_minutes"]) * 60), key=lambda file: file.path)
        except asyncssh.SFTPError as error:
            raise SourceFailure(f"không liệt kê được “{self.root}” ({error.reason})") from None
        except (OSError, TimeoutError, asyncssh.Error) as error:
            raise SourceFailure(f"mất kết nối với {self.host} khi liệt kê ({_short(error)})", may_pass=True) from None

    async def _walk(self, folder: str, prefix: str, depth: int) -> AsyncIterator[RemoteFile]:
        for entry in await asyncio.wait_for(self.sftp.readdir(folder), self.seconds):
            name, mode = str(entry.filename), entry.attrs.permissions
            if name in (".", "..") or "/" in name:  # a name with a slash is no name of a file in this folder
                continue
            if mode is None:
                mode = await self._mode(posixpath.join(folder, name), str(entry.longname or ""))
            if S_ISDIR(mode) and self.source["recursive"] and depth < _DEEPEST and not name.startswith("."):
                async for file in self._walk(posixpath.join(folder, name), f"{prefix}{name}/", depth + 1):
                    yield file
            elif S_ISREG(mode):
                yield RemoteFile(prefix + name, shown_name(prefix + name), entry.attrs.size, _float(entry.attrs.mtime))

    async def _mode(self, path: str, line: str) -> int:
        """The mode of what is listed without one, as servers that are no Unix may do (draft-ietf-secsh-filexfer-02, 5).

        Asked for, else read off its line as `ls -l` has it; what neither tells is a file, because one that is passed over is missed by nobody.
        """
        told: int | None = None
        with contextlib.suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied):
            told = (await asyncio.wait_for(self.sftp.lstat(path), self.seconds)).permissions
        return told if told is not None else {"d": S_IFDIR, "l": S_IFLNK}.get(line[:1], S_IFREG)

    async def _read(self, path: str, incoming: Incoming) -> None:
        async with self.sftp.open(path, "rb") as stream:
            while chunk := await asyncio.wait_for(stream.read(_CHUNK), self.seconds):
                incoming.write(chunk if isinstance(chunk, bytes) else chunk.encode())

    def _full(self, file: RemoteFile) -> str:
        return posixpath.join(self.root, file.origin)

    def look_again(self, file: RemoteFile) -> RemoteFile | None:
        """See Connection."""
        try:
            facts = self._wait(self.sftp.lstat(self._full(file)))
        except asyncssh.SFTPNoSuchFile:
            return None
        except (OSError, TimeoutError, asyncssh.Error) as error:
            raise SourceFailure(f"mất kết nối với {self.host} ({_short(error)})", may_pass=True) from None
        return RemoteFile(file.origin, file.path, facts.size, _float(facts.mtime))

    def download(self, file: RemoteFile, receive: Receive) -> None:
        """See Connection."""
        with receive(file.path) as incoming:
            try:
                self._wait(self._read(self._full(file), incoming), float(self.source["max_minutes"]) * 60)
            except asyncssh.SFTPConnectionLost as error:
                raise SourceFailure(f"mất kết nối với {self.host} khi tải “{file.path}” ({error.reason})", may_pass=True) from None
            except asyncssh.SFTPError as error:
                raise SourceFailure(f"không đọc được “{file.path}” ({error.reason})", is_one_file=True) from None
            except (TimeoutError, asyncssh.Error, ConnectionError) as error:
                raise SourceFailure(f"mất kết nối với {self.host} khi tải “{file.path}” ({_short(error)})", may_pass=True) from None
            seen = self.look_again(file)
            if seen != file:
                raise StillGrowing
            if incoming.size != file.size:
                raise SourceFailure(f"tải “{file.path}” chỉ được {incoming.size} trên {file.size} byte", may_pass=True)
            incoming.modified_at = file.modified_at


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _short(error: BaseException) -> str:
    return (
        "quá thời gian chờ" if isinstance(error, TimeoutError) else str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    )
