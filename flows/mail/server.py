"""How to reach the mail server: mail.toml and TTHC_SMTP_* variables, checked before the night begins. The password comes from elsewhere."""

import ipaddress
import os
import ssl
import stat
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from flows.mail.recipients import is_address
from flows.office_lines import parse_toml, read_text
from flows.settings import ConfigurationError

SECURITIES = {"starttls": 587, "ssl": 465, "none": 25}


@dataclass(frozen=True)
class MailServer:
    """The mail server, and how patiently it is asked.

    Attributes:
        security: `starttls`, `ssl` or `none`.
        waits: seconds before each further round for mails that were not accepted; after the last they wait for the next `tthc send`.
        max_bytes: larger mails leave attachments out.
        is_on: mails are sent at the end of the night without being asked to.
    """

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    reply_to: str | None = None
    timeout: float = 60.0
    max_bytes: int = 20 * 1024**2
    ca_file: str | None = None
    waits: tuple[float, ...] = (5.0, 60.0)
    is_on: bool = False


_KEYS = {"host", "port", "security", "user", "password_file", "from", "reply_to", "timeout_seconds", "max_mb", "ca_file", "allow_plain"}
_KEYS |= {"send", "retry_seconds"}
_VARIABLES = {
    "TTHC_SMTP_HOST": "host",
    "TTHC_SMTP_PORT": "port",
    "TTHC_SMTP_SECURITY": "security",
    "TTHC_SMTP_USER": "user",
    "TTHC_SMTP_PASSWORD_FILE": "password_file",
    "TTHC_SMTP_FROM": "from",
    "TTHC_SMTP_REPLY_TO": "reply_to",
    "TTHC_SMTP_TIMEOUT": "timeout_seconds",
    "TTHC_SMTP_MAX_MB": "max_mb",
    "TTHC_SMTP_CA_FILE": "ca_file",
}


def load_server(reference: Path) -> MailServer | None:
    """The mail server of this office; None where none is named, and then mails are only written to the outbox.

    A variable counts before the line of mail.toml.

    Raises:
        ConfigurationError: a setting cannot be used; the text names it and never shows a password.
    """
    path = reference / "mail.toml"
    declared = parse_toml(path.name, read_text(path)) if path.is_file() else {}
    if "password" in declared:
        text = "không ghi mật khẩu vào mail.toml; đặt biến TTHC_SMTP_PASSWORD, hoặc ghi vào một tệp riêng (chmod 600) và khai báo password_file"
        raise ConfigurationError(f"mail.toml: {text}")
    unknown = sorted(declared.keys() - _KEYS)
    if unknown:
        raise ConfigurationError(f"mail.toml: không có mục {', '.join(unknown)}; các mục dùng được: {', '.join(sorted(_KEYS))}")
    for variable, name in _VARIABLES.items():
        if os.environ.get(variable):
            declared[name] = os.environ[variable]
    if not declared.get("host"):
        if declared.get("send"):
            raise ConfigurationError("mail.toml: send = true nhưng chưa có host (máy chủ thư)")
        return None
    return _make(declared, reference)


def require_server(reference: Path) -> MailServer:
    """The mail server, because mails are to be sent.

    Raises:
        ConfigurationError: none is named, or a setting cannot be used.
    """
    server = load_server(reference)
    if server is None:
        raise ConfigurationError("gửi thư: chưa khai báo máy chủ thư; viết mail.toml (mục host) hoặc đặt biến TTHC_SMTP_HOST")
    return server


def _make(declared: dict[str, Any], reference: Path) -> MailServer:
    host = _text(declared, "host") or ""
    if not _is_host(host):
        raise _wrong("host", host, "tên máy chủ thư, dạng smtp.coquan.gov.vn; cổng ghi ở mục port")
    security = _text(declared, "security") or "starttls"
    if security not in SECURITIES:
        raise _wrong("security", security, f"một trong: {', '.join(SECURITIES)}")
    if security == "none" and not _is_loopback(host) and declared.get("allow_plain") is not True:
        text = "starttls hoặc ssl; không mã hóa chỉ dùng cho máy chủ trên chính máy này, trừ khi ghi rõ allow_plain = true"
        raise _wrong("security", security, text)
    sender = _text(declared, "from")
    if not sender or not is_address(sender):
        raise _wrong("from", sender or "", "địa chỉ thư của cơ quan dùng để gửi, dạng ten@coquan.gov.vn, không dấu")
    reply_to = _text(declared, "reply_to")
    if reply_to and not _is_answerable(reply_to):
        raise _wrong("reply_to", reply_to, "địa chỉ thư nhận trả lời, dạng ten@coquan.gov.vn, trên một dòng")
    for name in ("send", "allow_plain"):
        if not isinstance(declared.get(name, False), bool):
            raise _wrong(name, declared[name], "true hoặc false")
    waits = declared.get("retry_seconds", [5.0, 60.0])
    if not isinstance(waits, list) or not all(isinstance(w, (int, float)) and 0 <= w <= 3600 for w in waits):
        raise _wrong("retry_seconds", waits, "các số giây, ví dụ [5, 60]")
    user = _text(declared, "user")
    password = _password(declared, reference)
    if user and password is None:
        raise ConfigurationError("gửi thư: có user nhưng chưa có mật khẩu; đặt biến TTHC_SMTP_PASSWORD hoặc khai báo password_file")
    if not (user or "").isascii() or not (password or "").isascii():
        raise ConfigurationError("gửi thư: tên đăng nhập và mật khẩu phải không dấu; đổi mật khẩu của hộp thư này")
    return MailServer(
        host,
        int(_number(declared, "port", SECURITIES[security], 1, 65535)),
        security,
        sender,
        user,
        password,
        reply_to,
        _number(declared, "timeout_seconds", 60, 0.1, 3600),
        int(_number(declared, "max_mb", 20, 0.01, 1000) * 1024**2),
        _authority(declared, reference),
        tuple(float(w) for w in waits),
        bool(declared.get("send", False)),
    )


def _is_answerable(reply_to: str) -> bool:
    """Whether it can stand in a mail and leads to somebody; the parser of structured headers breaks on much that holds an @ (Python 3.11)."""
    header = EmailMessage(policy=SMTP)
    try:
        header["Reply-To"] = reply_to
        found = [address.addr_spec for address in header["Reply-To"].addresses]
    except Exception:  # IndexError, AttributeError, TypeError …: within the sending it would end the night
        return False
    return reply_to.isprintable() and any(is_address(address) for address in found)


def _wrong(name: str, found: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"gửi thư (mail.toml hoặc TTHC_SMTP_*), mục {name}: có “{found}”, cần {expected}")


def _text(declared: dict[str, Any], name: str) -> str | None:
    value = declared.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, value, "một đoạn chữ trong dấu ngoặc kép")
    return (value or "").strip() or None


def _number(declared: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = declared.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not least <= number <= most:
        raise _wrong(name, value, f"một số từ {least:g} đến {most:g}")
    return number


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    """Whether it can be asked for at all; one with a sign or a label that no name has fails within the sending, in no words."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            return bool(host.encode("idna")) and not any(sign in host for sign in ":/@ ")
        except UnicodeError:
            return False
    return True


def _authority(declared: dict[str, Any], reference: Path) -> str | None:
    """The file of ca_file, seen from mail.toml's folder as every file there; from the working folder where it stood so far."""
    named = _text(declared, "ca_file")
    if named is None:
        return None
    path = next((path for path in (reference / named, Path(named)) if path.is_file()), reference / named)
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:  # also what is no certificate
        why = "không phải tệp chứng thư PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(f"gửi thư: ca_file “{path}”: không đọc được ({why})") from None
    return str(path)


def _password(declared: dict[str, Any], reference: Path) -> str | None:
    """From TTHC_SMTP_PASSWORD, else from a file that nobody but its owner can read."""
    if os.environ.get("TTHC_SMTP_PASSWORD"):
        return os.environ["TTHC_SMTP_PASSWORD"]
    named = _text(declared, "password_file")
    if named is None:
        return None
    path = reference / named
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            text = stream.read().decode("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "phải lưu dạng UTF-8"
        raise ConfigurationError(f"password_file “{path}”: không đọc được ({why})") from None
    if os.name == "posix" and mode & 0o077:
        raise ConfigurationError(f"password_file “{path}”: người khác đọc được (quyền {mode:o}); chạy: chmod 600 “{path}”")
    if not text:
        raise ConfigurationError(f"password_file “{path}”: tệp trống, cần mật khẩu ở dòng đầu")
    return text
