"""Until when the certificates of the servers we talk to are valid: the mail server and every source that is reached by TLS.

Only dates are looked at; whether a certificate can be trusted is decided where it is used. A server that cannot be reached is passed over
here: that it cannot is told where it is asked for something.
"""

import imaplib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from flows.mail.server import load_server
from flows.mail.session import Session
from flows.settings import LOCAL_TIME, Settings
from flows.sources import Source, load_sources

_SECONDS = 5.0


@dataclass(frozen=True)
class Endpoint:
    """A server reached by TLS, and how: `tls` from the first byte, or after STARTTLS of `smtp` or `imap`."""

    subject_vi: str
    host: str
    port: int
    way: str = "tls"


@dataclass(frozen=True)
class Validity:
    """The last moment, in Vietnamese civil time, at which a server's certificate is valid."""

    endpoint: Endpoint
    valid_to: datetime


def find_endpoints(settings: Settings) -> list[Endpoint]:
    """Every server of mail.toml and sources.toml that shows a certificate, once.

    Raises:
        ConfigurationError: one of the two files cannot be used.
    """
    found: dict[tuple[str, int], Endpoint] = {}
    server = load_server(settings.reference)
    if server and server.security != "none":
        found[server.host, server.port] = Endpoint("máy chủ thư", server.host, server.port, "tls" if server.security == "ssl" else "smtp")
    for source in load_sources(settings.reference, settings.raw):
        for host, port, way in _of_source(source):
            found.setdefault((host, port), Endpoint(f"nguồn “{source.name}”", host, port, way))
    return list(found.values())


def _of_source(source: Source) -> Iterator[tuple[str, int, str]]:
    urls = {"http": [*source.addresses, source["login_url"]], "s3": [source["endpoint"]], "imap": source.addresses}.get(source.kind, ())
    for url in filter(None, urls):
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname and not source["proxy"]:  # behind a proxy only the proxy can reach it
            yield parts.hostname, parts.port or 443, "tls"
        elif source.kind == "imap" and parts.hostname:
            yield parts.hostname, parts.port or (993 if parts.scheme == "imaps" else 143), "tls" if parts.scheme == "imaps" else "imap"


def look_at_certificates(settings: Settings) -> list[Validity]:
    """The validity of every certificate that could be looked at within some seconds.

    A socket's timeout holds for one operation: a server that sends a byte now and then would hold up the watch for ever, and with it every alarm.

    Raises:
        ConfigurationError: mail.toml or sources.toml cannot be used.
    """
    ends: dict[Endpoint, datetime | None] = {}

    def read(endpoint: Endpoint) -> None:
        ends[endpoint] = read_end(endpoint)

    endpoints = find_endpoints(settings)
    threads = [threading.Thread(target=read, args=(endpoint,), daemon=True) for endpoint in endpoints]
    for thread in threads:
        thread.start()
    over = time.monotonic() + 2 * _SECONDS
    for thread in threads:
        thread.join(max(over - time.monotonic(), 0))
    return [Validity(endpoint, end) for endpoint in endpoints if (end := ends.get(endpoint))]


def read_end(endpoint: Endpoint) -> datetime | None:
    """When the certificate that this server shows now ends; None when it shows none."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only the date is asked for, nothing is sent
    try:
        data = _handshake(endpoint, context)
        if not data:
            return None
        ends = x509.load_der_x509_certificate(data).not_valid_after_utc
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, ValueError):
        return None
    return ends.astimezone(LOCAL_TIME).replace(tzinfo=None)


def _handshake(endpoint: Endpoint, context: ssl.SSLContext) -> bytes | None:
    place = (endpoint.host, endpoint.port)
    if endpoint.way == "smtp":
        with Session(*place, timeout=_SECONDS) as smtp:
            smtp.starttls(context=context)
            return smtp.sock.getpeercert(True) if isinstance(smtp.sock, ssl.SSLSocket) else None
    if endpoint.way == "imap":
        imap = imaplib.IMAP4(*place, timeout=_SECONDS)
        try:
            imap.starttls(context)
            return imap.sock.getpeercert(True) if isinstance(imap.sock, ssl.SSLSocket) else None
        finally:
            imap.shutdown()
    with socket.create_connection(place, _SECONDS) as plain, context.wrap_socket(plain, server_hostname=endpoint.host) as encrypted:
        return encrypted.getpeercert(True)
