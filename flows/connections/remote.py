"""What every kind of source has in common: files seen from afar, how one is received, and how it fails."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from pathlib import Path
from typing import Protocol, Self


class SourceFailure(Exception):
    """A source, or one file of it, cannot be fetched; the text says why and what to do, without secrets.

    Attributes:
        may_pass: trying again soon may help (a broken line, not a wrong password).
        is_one_file: the other files of the source can still be fetched.
        wait: seconds before which the source asks not to be tried again.
    """

    def __init__(self, text: str, *, may_pass: bool = False, is_one_file: bool = False, wait: float = 0.0) -> None:
        super().__init__(text)
        self.may_pass, self.is_one_file, self.wait = may_pass, is_one_file, wait


def decode_words(name: str) -> str:
    """A name as it is meant where encoded words stand in it (RFC 2047), as mails and many web systems write them; else as it is.

    Raises:
        ValueError: they cannot be read.
    """
    try:
        return str(make_header(decode_header(name))) if "=?" in name else name
    except (LookupError, HeaderParseError) as error:  # an alphabet nobody knows
        raise ValueError(name) from error


class StillGrowing(Exception):
    """The sender had not finished the file; it is taken at a later fetch."""


class NothingNew(Exception):
    """The server says that the file is the one fetched before."""


@dataclass(frozen=True)
class RemoteFile:
    """A file, a page or a message as the source lists it.

    Attributes:
        origin: what names it for good within its source.
        path: its name below the address, with "/"; decides whether it is taken and how it is called in the raw folder.
        size: bytes, None where unknown beforehand.
        modified_at: seconds since 1970, None where unknown.
        etag: the server's mark of this content, None where it gives none.
    """

    origin: str
    path: str
    size: int | None = None
    modified_at: float | None = None
    etag: str | None = None

    @property
    def look(self) -> tuple[str, int | None, float | None, str | None]:
        """What must be unchanged for the file to be the same."""
        return (self.origin, self.size, None if self.modified_at is None else round(self.modified_at, 3), self.etag)


class Incoming(Protocol):
    """A file on its way into the raw folder."""

    size: int
    modified_at: float | None
    etag: str | None
    path: Path

    def write(self, chunk: bytes) -> None:
        """Append bytes."""

    def start(self, most: int) -> bytes:
        """The first bytes written so far; all of them are in the file afterwards."""


Receive = Callable[[str], AbstractContextManager[Incoming]]


class Connection(Protocol):
    """An open source; everything it does there is reading."""

    def __enter__(self) -> Self:
        """Connect and log in."""

    def __exit__(self, *error: object) -> None:
        """Disconnect."""

    def list(self) -> list[RemoteFile]:
        """What the source holds now.

        Raises:
            SourceFailure: it cannot be asked.
        """

    def look_again(self, file: RemoteFile) -> RemoteFile | None:
        """The file as it is now, None when it is gone."""

    def download(self, file: RemoteFile, receive: Receive) -> None:
        """Every export in the file handed to `receive`, whole; on any error the one under way is dropped.

        Raises:
            SourceFailure, StillGrowing, NothingNew
        """
