"""A real SMTP server on this machine, with TLS, passwords and a script of misbehaviour for each addressee; and what it accepted."""

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flows.mail.server import MailServer

USER, PASSWORD = "vanphong", "dung-mat-khau"


class PostOffice:
    """Handler of the server: `script` holds what happens to the next mails of an addressee; after it, all is accepted.

    refuse, grey: at RCPT. refuse_text, grey_text, busy: as answer to the text. drop: hangs up after the text without taking it.
    take_and_drop: takes it and hangs up without an answer. take_and_stall: takes it and does not answer in time. stall: does not answer RCPT.
    `trouble` is the server's own, with every mail. sender: refuses MAIL. challenge: asks for the password in no Base64.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.script: dict[str, list[str]] = {}
        self.accepted: list[tuple[str, EmailMessage]] = []
        self.logins: list[str] = []

    def next(self, addressee: str, at: tuple[str, ...]) -> str:
        acts = self.script.get(addressee, [])
        return acts.pop(0) if acts and acts[0] in at else ""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.trouble == "sender":
            return f"550 5.7.1 sender rejected: <{address}>"
        envelope.mail_from = address
        return "250 OK"

    async def auth_PLAIN(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802
        if self.trouble == "challenge":
            await server.push("334 abc")
            return AuthResult(success=False, handled=True)
        return await server.auth_PLAIN(server, args)  # type: ignore[no-any-return]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        act = self.next(address, ("refuse", "grey", "stall", "hang_up"))
        if act == "refuse":
            return f"550 5.1.1 <{address}>: no such user"
        if act == "grey":
            return "450 4.2.0 greylisted, try again later"
        if act == "stall":
            await asyncio.sleep(1.5)
            return "250 late"
        if act == "hang_up":
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        act = self.next(address, ("refuse_text", "grey_text", "busy", "drop", "take_and_drop", "take_and_stall"))
        if act in ("refuse_text", "grey_text", "busy"):
            return {"refuse_text": "554 5.7.1 spam", "grey_text": "451 4.7.1 later", "busy": "421 4.3.2 shutting down"}[act]
        if act == "drop":
            server.transport.abort()
            return "250 never heard"
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.accepted.append((address, message))
        if act == "take_and_drop":
            server.transport.abort()
        if act == "take_and_stall":
            await asyncio.sleep(1.5)
        return "250 OK queued"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append("right" if is_right else "wrong")
        return AuthResult(success=is_right, handled=False)

    def counts(self) -> Counter[str]:
        """How many mails each addressee has."""
        return Counter(address for address, _ in self.accepted)


def make_certificate(folder: Path, hours: int = 48) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file, valid for some hours more."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "thu.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(hours=hours))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def serve(post: PostOffice, certificate: Path | None = None, **options: Any) -> Iterator[MailServer]:
    """The server runs; yields how to reach it. With a certificate it wants STARTTLS and the password."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings: dict[str, Any] = {}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        settings = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": post.authenticate}
    controller = Controller(post, hostname="127.0.0.1", port=port, **(settings | options))
    controller.start()
    try:
        if certificate:
            yield MailServer(
                "127.0.0.1", port, "starttls", "tthc@sonha.test", USER, PASSWORD, timeout=0.8, ca_file=str(certificate), waits=()
            )
        else:
            yield MailServer("127.0.0.1", port, "none", "tthc@sonha.test", timeout=0.8, waits=())
    finally:
        controller.stop()


@contextmanager
def talk_without_end(words: bytes, answers: Sequence[bytes] = ()) -> Iterator[MailServer]:
    """A server that answers as told and then says the words again and again, a piece every fifth of a second, as long as anybody listens."""

    def talk(caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError):
            for answer in answers:
                caller.sendall(answer)
                caller.recv(100_000)
            while True:
                caller.sendall(words)
                time.sleep(0.2 if len(words) < 100 else 0)

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, daemon=True).start()
        yield MailServer("127.0.0.1", listener.getsockname()[1], "none", "tthc@sonha.test", timeout=0.4, waits=())
        listener.shutdown(socket.SHUT_RDWR)
