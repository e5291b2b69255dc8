"""An office that fetches: settings with quick sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch.servers import Certificate, Mailbox, imap_server, make_certificate, s3_server
from flows.fetching import SourceOutcome, fetch
from flows.settings import Settings

QUICK = {"settle_seconds": "0", "retries": "0", "retry_seconds": "0", "timeout_seconds": "5"}


class Fetcher:
    """Writes sources.toml and fetches."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def write(self, *sources: str) -> None:
        """Sources as TOML; what makes a test quick is filled in where it is allowed and missing."""
        text = ""
        for source in sources:
            kind = next(line.split('"')[1] for line in source.splitlines() if line.strip().startswith("kind"))
            lines = [line.strip() for line in source.strip().splitlines()]
            has = {line.partition("=")[0].strip() for line in lines}
            lines += [f"{k} = {v}" for k, v in QUICK.items() if k not in has and (k != "settle_seconds" or kind in ("folder", "sftp"))]
            text += "[[source]]\n" + "\n".join(lines) + "\n\n"
        (self.settings.reference / "sources.toml").write_text(text, encoding="utf-8")

    def fetch(self) -> SourceOutcome:
        """The outcome of the only source."""
        (outcome,) = fetch(self.settings)
        return outcome

    def files(self) -> dict[str, bytes]:
        """Everything in the raw folder, hidden files too."""
        raw = self.settings.raw
        return {p.relative_to(raw).as_posix(): p.read_bytes() for p in sorted(raw.rglob("*")) if p.is_file()}

    def records(self, source: str = "nguon") -> Path:
        """Where the source's records stand."""
        return self.settings.staged / "fetched" / source


@pytest.fixture
def fetcher(office: Settings) -> Fetcher:
    return Fetcher(office)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with imap_server(tmp_path_factory.mktemp("imap")) as box:
        yield box
