"""What `tthc doctor` asks of other machines: whether the mail server and every source would answer tonight, in seconds, changing nothing.

No mail is sent and no export is fetched; a password is tried once.
"""

import os
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows.connections import open_connection
from flows.connections.remote import SourceFailure
from flows.doctor import Finding
from flows.mail.delivery import probe_server
from flows.mail.server import load_server
from flows.settings import ConfigurationError, Settings, local_now
from flows.sources import SECRETS, SecretUnavailable, Source, load_sources

SECONDS = 5.0


def look_at_secrets(settings: Settings) -> Iterator[Finding]:
    """Every password, token and key of sources.toml and mail.toml: there, and readable by its owner alone."""
    sources, count = load_sources(settings.reference, settings.raw), 0
    wrong: list[str] = []
    for source in sources:
        try:
            source.check_secrets()
        except SecretUnavailable as error:
            wrong.append(str(error))
        key_file = source.file("key_file")
        if key_file and _is_open(key_file):
            wrong.append(f"tệp khóa “{key_file.name}” của nguồn “{source.name}” người khác đọc được; hãy chạy: chmod 600 {key_file.name}")
        count += sum(bool(source[f"{key}_env"] or source[f"{key}_file"]) for key in SECRETS) + bool(key_file)
    try:
        server = load_server(settings.reference)
        count += bool(server and server.password)
    except ConfigurationError as error:
        wrong.append(str(error))
    for text in dict.fromkeys(wrong):
        yield Finding("red", "Mật khẩu và khóa", text)
    if count and not wrong:
        yield Finding("green", "Mật khẩu và khóa", f"{count} mục, chỉ người chạy chương trình đọc được")


def _is_open(path: Path) -> bool:
    return os.name == "posix" and path.is_file() and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def look_at_mail_server(settings: Settings) -> Iterator[Finding]:
    """Connecting, encrypting and logging in to the mail server, without a mail."""
    server = load_server(settings.reference)
    if server is None:
        light = "yellow" if (settings.reference / "recipients.csv").is_file() else "green"  # without recipients nobody misses a mail
        yield Finding(light, "Gửi thư", "chưa khai báo máy chủ thư (mail.toml); thư và báo động chỉ được viết vào thư mục báo cáo")
        return
    place = f"{server.host}:{server.port} ({server.security})"
    trouble = _within(SECONDS * 2, lambda: probe_server(replace(server, timeout=SECONDS)), f"{place} không trả lời")
    if trouble:
        yield Finding("red", "Gửi thư", f"{trouble}; hãy kiểm tra mạng và mail.toml")
    else:
        sends = "gửi sau mỗi đêm" if server.is_on else "chỉ gửi khi có --send, hoặc đặt send = true"
        yield Finding("green", "Gửi thư", f"{place} trả lời{', đã thử đăng nhập' if server.user else ''}; {sends}")


def look_at_sources(settings: Settings) -> Iterator[Finding]:
    """Every source asked side by side what it holds; nothing is fetched."""
    sources = load_sources(settings.reference, settings.raw)
    answers: dict[str, str | int] = {}

    def ask(source: Source) -> None:
        answers[source.name] = probe_source(source)

    threads = [threading.Thread(target=ask, args=(source,), daemon=True) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS * 2)
    for source in sources:
        answer = answers.get(source.name, f"không trả lời trong {SECONDS * 2:g} giây")
        if isinstance(answer, str):
            yield Finding("red", f"Nguồn “{source.name}”", answer)
        else:
            yield Finding("green", f"Nguồn “{source.name}”", f"{source.kind} trả lời, có {answer} tệp hoặc thư")


def probe_source(source: Source) -> str | int:
    """How many files or mails the source lists; a text where it does not answer, with what to do."""
    hurried: dict[str, Any] = dict(source.settings) | {"timeout_seconds": SECONDS, "max_minutes": SECONDS / 60, "retries": 0}
    try:
        if source.kind == "http" and not source["login_url"] and not source["proxy"]:
            _reach(source)  # without a login nothing is sent before the export itself is asked for
        with open_connection(replace(source, settings=hurried), local_now().date(), {}) as connection:
            return len(connection.list())
    except (SourceFailure, SecretUnavailable) as error:
        return str(error)
    except OSError as error:
        return f"không kết nối được ({error.strerror or type(error).__name__}); hãy kiểm tra mạng"
    except Exception as error:  # a client library's own trouble must be seen as this source's
        return f"lỗi bất ngờ ({type(error).__name__})"


def _reach(source: Source) -> None:
    from flows.connections.http import trusted_by, untrusted

    trusted = trusted_by(source)
    for address in source.addresses:
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), SECONDS) as plain:
            if parts.scheme != "https":
                continue
            try:
                trusted.wrap_socket(plain, server_hostname=parts.hostname).close()
            except ssl.SSLCertVerificationError:
                raise untrusted(parts.hostname) from None


def _within(seconds: float, ask: Callable[[], str | None], late: str) -> str | None:
    """The answer, or `late` when there is none in time."""
    answers: list[str | None] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else f"{late} trong {seconds:g} giây"
