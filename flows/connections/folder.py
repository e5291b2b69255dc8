"""A local folder or a mounted network share."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Self

from flows.connections.remote import Receive, RemoteFile, SourceFailure, StillGrowing
from flows.sources import Source
from transforms.text import shown_name

_CHUNK = 1 << 20


class FolderConnection:
    """Files below a folder; links that lead out of it are no part of it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root = Path(source.addresses[0]).expanduser()

    def __enter__(self) -> Self:
        if not self.root.is_dir():
            raise SourceFailure(f"không thấy thư mục “{self.root}”; ổ mạng đã được gắn chưa, có quyền đọc không?", may_pass=True)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def list(self) -> list[RemoteFile]:
        """See Connection."""

        def fail(error: OSError) -> None:
            raise error

        try:
            return sorted(self._walk(fail), key=lambda file: file.path)
        except OSError as error:
            raise SourceFailure(f"không liệt kê được thư mục “{self.root}” ({error.strerror})", may_pass=True) from None

    def _walk(self, fail: object) -> Iterator[RemoteFile]:
        inside = self.root.resolve()
        for folder, folders, names in os.walk(self.root, onerror=fail):  # type: ignore[arg-type]
            folders[:] = sorted(f for f in folders if not f.startswith(".")) if self.source["recursive"] else []
            for name in names:
                path = Path(folder, name)
                if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):  # unlike resolve, ends in a circle
                    continue
                file = self._look(path.relative_to(self.root).as_posix())
                if file:
                    yield file

    def _look(self, path: str) -> RemoteFile | None:
        try:
            facts = (self.root / path).stat()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP):  # gone, or a link in a circle, which is no file
                return None
            raise
        return RemoteFile(path, shown_name(path), facts.st_size, facts.st_mtime) if S_ISREG(facts.st_mode) else None

    def look_again(self, file: RemoteFile) -> RemoteFile | None:
        """See Connection."""
        return self._look(file.origin)

    def download(self, file: RemoteFile, receive: Receive) -> None:
        """See Connection."""
        with receive(file.path) as incoming:
            try:
                with (self.root / file.origin).open("rb") as stream:
                    while chunk := stream.read(_CHUNK):
                        incoming.write(chunk)
                seen = self._look(file.origin)
            except OSError as error:
                raise SourceFailure(f"không đọc được “{file.path}” ({error.strerror})", is_one_file=True) from None
            if seen != file or incoming.size != file.size:
                raise StillGrowing
            incoming.modified_at = file.modified_at
