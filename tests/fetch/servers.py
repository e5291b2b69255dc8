"""Servers the tests start on the loopback: SFTP (asyncssh), HTTP(S), S3 (moto), IMAP (pymap), and the certificates they show."""

import asyncio
import contextlib
import datetime as dt
import imaplib
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once: {process.stderr.read() if process.stderr else b''!r}")
        time.sleep(0.05)
    raise RuntimeError("the server does not listen")


@dataclass(frozen=True)
class Certificate:
    """A certificate for the loopback, its key, and a file of the authority that vouches for it (itself)."""

    chain: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK)), x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return Certificate(chain, secret)


# ---- HTTP ------------------------------------------------------------------------------------------------------------------------------

LOGIN_PAGE = (
    "<!doctype html><html><head><meta charset='utf-8'><title>Đăng nhập</title></head><body><form method='post' action='/login'>"
    "<input type='hidden' name='_csrf' value='k1'><input name='tk'><input type='password' name='mk'><button>Vào</button></form></body></html>"
).encode()


@dataclass
class Office:
    """A one-stop system's web server: what it gives, whom it lets in, and how it misbehaves.

    Attributes:
        exports: path -> body of an export.
        headers: path -> further headers.
        password, token: what it asks for; None asks for nothing.
        cut_at: after so many bytes of a body the line is dropped, at each of the next `cuts` downloads.
        session_lasts: downloads that a session is good for.
        page: path -> (status, body) given whatever is asked.
        asked: paths asked for, in order, with their queries.
    """

    exports: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    password: str | None = None
    token: str | None = None
    cut_at: int | None = None
    cuts: int = 0
    session_lasts: int = 1_000_000
    page: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens_seen: list[str | None] = field(default_factory=list)
    is_close_delimited: bool = False
    sessions: dict[str, int] = field(default_factory=dict)
    url: str = ""


@contextlib.contextmanager
def http_server(office: Office, certificate: Certificate | None = None) -> Iterator[Office]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if not office.is_close_delimited:
                self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            if office.is_close_delimited:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def cookie(self) -> str:
            return (self.headers.get("Cookie") or "").partition("sid=")[2].partition(";")[0]

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if sent.get("mk") == [office.password] and sent.get("tk") == ["canbo"] and sent.get("_csrf") == ["k1"]:
                sid = f"s{len(office.sessions)}"
                office.sessions[sid] = office.session_lasts
                self.answer(302, b"", "text/plain", {"Set-Cookie": f"sid={sid}; Path=/", "Location": "/home"})
            else:
                self.answer(200, LOGIN_PAGE, "text/html; charset=utf-8", {})

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            office.asked.append(self.path)
            office.tokens_seen.append(self.headers.get("Authorization"))
            if path in office.redirects:
                self.answer(302, b"", "text/plain", {"Location": office.redirects[path]})
            elif path in office.page:
                status, body = office.page[path]
                self.answer(status, body, "text/html", office.headers.get(path, {}))
            elif path == "/login":
                self.answer(200, LOGIN_PAGE, "text/html; charset=utf-8", {})
            elif path == "/home":
                self.answer(200, b"<html><body><p>Xin chao</p></body></html>", "text/html", {})
            elif office.token and self.headers.get("Authorization") != f"Bearer {office.token}":
                self.answer(401, b"", "text/plain", {})
            elif office.password and office.sessions.get(self.cookie(), 0) <= 0:
                self.answer(200, LOGIN_PAGE, "text/html; charset=utf-8", {})
            elif path not in office.exports:
                self.answer(404, b"<html>404</html>", "text/html", {})
            else:
                self.give(path)

        def give(self, path: str) -> None:
            body, headers = office.exports[path], office.headers.get(path, {})
            if office.password:
                office.sessions[self.cookie()] -= 1
            if "ETag" in headers and self.headers.get("If-None-Match") == headers["ETag"]:
                self.send_response(304)
                self.end_headers()
            elif office.cuts:
                office.cuts -= 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: office.cut_at])
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.answer(200, body, "application/octet-stream", headers)

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    office.url = f"{scheme}://{LOOPBACK}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()


# ---- SFTP ------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Ssh:
    """An SFTP server over a folder.

    Attributes:
        root: what it shows as /.
        known_hosts: a line that a careful client has.
        cut_after: bytes of one file after which the line is dropped, at each of the next `cuts` reads.
        names: further names a hostile server lists.
        tells_modes: whether it says what is a file and what a folder otherwise than in the line of each name; not all do.
    """

    root: Path
    port: int = 0
    known_hosts: str = ""
    password: str = "mật khẩu"
    cut_after: int | None = None
    cuts: int = 0
    names: list[str] = field(default_factory=list)
    tells_modes: bool = True


@contextlib.contextmanager
def sftp_server(ssh: Ssh) -> Iterator[Ssh]:
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return username == "tthc" and password == ssh.password

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(ssh.root))
            self.line = channel.get_connection()

        async def read(self, file_obj: Any, offset: int, size: int) -> Any:
            if ssh.cuts and ssh.cut_after is not None and offset + size > ssh.cut_after:
                ssh.cuts -= 1
                self.line.abort()
            answer = super().read(file_obj, offset, size)
            return await answer if asyncio.iscoroutine(answer) else answer

        async def scandir(self, path: bytes) -> Any:
            async for entry in super().scandir(path):
                if not ssh.tells_modes:
                    self.format_longname(entry)
                    entry.attrs.permissions = None
                yield entry
            for name in ssh.names:
                yield asyncssh.SFTPName(name.encode(), attrs=asyncssh.SFTPAttrs(permissions=0o100644, size=4, mtime=1_700_000_000))

        def lstat(self, path: bytes) -> Any:
            facts = asyncssh.SFTPAttrs.from_local(super().lstat(path))
            if not ssh.tells_modes:
                facts.permissions = None
            return facts

    loop = asyncio.new_event_loop()

    async def listen() -> Any:
        return await asyncssh.create_server(Server, LOOPBACK, 0, server_host_keys=[key], sftp_factory=Files)

    listener = loop.run_until_complete(listen())
    ssh.port = listener.get_port()
    ssh.known_hosts = f"[{LOOPBACK}]:{ssh.port} {key.export_public_key().decode()}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield ssh
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


# ---- S3 --------------------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """An empty S3 server, in this process; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(LOOPBACK, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


# ---- IMAP ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mailbox:
    """An IMAP server with one account, which asks for TLS."""

    port: int
    certificate: Certificate
    user: str = "tthc"
    password: str = "hop-thu"

    def client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(LOOPBACK, self.port, timeout=10)
        client.starttls(ssl.create_default_context(cafile=str(self.certificate.chain)))
        client.login(self.user, self.password)
        return client

    def put(self, mail: EmailMessage) -> None:
        self.put_bytes(mail.as_bytes())

    def put_bytes(self, mail: bytes) -> None:
        client = self.client()
        answer, told = client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), mail)
        client.logout()
        if answer != "OK":
            raise RuntimeError(f"mail refused: {told}")

    def flags(self) -> list[bytes]:
        client = self.client()
        client.select("INBOX", readonly=True)
        found = client.uid("FETCH", "1:*", "(FLAGS)")[1]
        client.logout()
        return [line for line in found if line]


@contextlib.contextmanager
def imap_server(folder: Path) -> Iterator[Mailbox]:
    certificate, port = make_certificate(folder), free_port()
    mailbox = Mailbox(port, certificate)
    command = [sys.executable, "-c", "import sys; from pymap.main import main; sys.exit(main())", "--host", LOOPBACK, "--port", str(port)]
    command += ["--cert", str(certificate.chain), "--key", str(certificate.key), "dict", "--demo-user", mailbox.user]
    command += ["--demo-password", mailbox.password]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder)
    try:
        wait_for_port(port, process)
        yield mailbox
    finally:
        process.kill()
        process.wait()


def mail(sender: str, subject: str, attachments: dict[str, bytes]) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "tthc@huyen.gov.vn", subject
    message["Date"] = "Sun, 30 Jun 2024 22:05:00 +0700"
    message.set_content("Gửi tệp xuất.")
    for name, content in attachments.items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


# ---- bad lines -------------------------------------------------------------------------------------------------------------------------


@dataclass
class Line:
    """A line to a server that drops after so many bytes of answers while `cuts` lasts; `cut_after` 0 answers nothing and stays silent."""

    port: int
    cut_after: int
    cuts: int = 1_000


@contextlib.contextmanager
def bad_line(target: int, cut_after: int) -> Iterator[Line]:
    listener = socket.create_server((LOOPBACK, 0))
    line = Line(listener.getsockname()[1], cut_after)

    def pump(source: socket.socket, sink: socket.socket, left: float) -> None:
        with contextlib.suppress(OSError):
            while left > 0 and (chunk := source.recv(16_384)):
                sink.sendall(chunk[: int(min(left, 16_384))])
                left -= len(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        kept = []
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                kept.append(client)
                if not line.cut_after:
                    continue
                server = socket.create_connection((LOOPBACK, target))
                left = float(line.cut_after) if line.cuts > 0 else float("inf")
                line.cuts -= 1
                threading.Thread(target=pump, args=(client, server, float("inf")), daemon=True).start()
                threading.Thread(target=pump, args=(server, client, left), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield line
    finally:
        listener.close()
