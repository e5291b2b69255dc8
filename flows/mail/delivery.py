"""Handing mails to the server: one transaction an addressee, each step known to the ledger before the next, nothing sent twice.

Up to the server's "354, send the text" a failure means that nothing was accepted: the mail stays prepared and is tried again, unless the
server will never take this addressee or this mail; what it says of the sender, or of the login, is said of every mail. From
the first byte of the text on only the server's answer counts; without one the mail is unknown and nobody but a person sends it again.
"""

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path

from flows.mail.ledger import Delivery, Ledger
from flows.mail.server import MailServer
from flows.mail.session import SecureSession, Session
from flows.settings import LOCAL_TIME

_LOG_IN_FIRST, _TOO_LARGE = 530, 552  # RFC 4954, 6; RFC 1870, 6.1: the one 5xx to MAIL that is about this mail
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_WAYS = {"PLAIN": "auth_plain", "LOGIN": "auth_login", "CRAM-MD5": "auth_cram_md5"}
_TOGETHER = 3  # conversations in a row that the server let go after which it is held to fail, not the mails


@dataclass
class Outcome:
    """What one sending did: numbers of mails by state afterwards, and why mails wait, without addresses."""

    sent: int = 0
    refused: int = 0
    unknown: int = 0
    waiting: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Every mail was accepted."""
        return not (self.refused or self.unknown or self.waiting)


class _Unreachable(Exception):
    """The server cannot be used at all, so the other mails need not be tried now; `is_final` when trying again soon cannot help."""

    def __init__(self, text: str, *, is_final: bool) -> None:
        super().__init__(text)
        self.is_final = is_final


class _BrokenOff(Exception):
    """The server let the conversation go over a mail; `is_settled` when its text was out already."""

    def __init__(self, *, is_settled: bool) -> None:
        super().__init__()
        self.is_settled = is_settled


def send_mails(
    ledger: Ledger, deliveries: Sequence[Delivery], server: MailServer, outbox: Path, sleep: Callable[[float], object] = time.sleep
) -> Outcome:
    """Every given mail was tried until accepted, refused, unknown or out of rounds; the ledger knows which.

    The caller holds the warehouse's lock and has called `ledger.settle_interrupted`.
    """
    outcome = Outcome()
    left = [delivery for delivery in deliveries if delivery.state == "prepared"]
    for wait in (0.0, *server.waits):
        if left and wait:
            sleep(wait)
        left, is_final = _round(ledger, left, server, outbox, outcome)
        if not left or is_final:
            break
    outcome.waiting += len(left)
    outcome.reasons = list(dict.fromkeys(outcome.reasons))
    return outcome


def _round(
    ledger: Ledger, deliveries: Sequence[Delivery], server: MailServer, outbox: Path, outcome: Outcome
) -> tuple[list[Delivery], bool]:
    """Each mail tried once; those not accepted, and whether trying again soon is pointless.

    A server that swallows one text after the other takes its time over each, under the warehouse's lock, and leaves each to a person's decision.
    """
    left: list[Delivery] = []
    in_a_row, is_done = 0, False
    smtp: Session | None = None
    try:
        for place, delivery in enumerate(deliveries):
            data = read_mail(delivery, outbox)
            if data is None:
                _wait(ledger, delivery, outcome, "tệp thư trong thư mục báo cáo không còn hoặc đã bị sửa; chạy lại `tthc run` cho ngày đó")
                outcome.waiting += 1
                continue
            try:
                if in_a_row == _TOGETHER:
                    text = f"máy chủ thư {server.host} bỏ dở {_TOGETHER} thư liền, chưa thử thư này"
                    raise _Unreachable(text, is_final=is_done)  # with a text out, each more is one more that nobody knows of
                smtp = smtp or _connect(server)
                is_done, is_usable = _hand_over(ledger, delivery, smtp, server, _stamped(data, server), outcome)
                in_a_row = 0
            except _BrokenOff as broken:
                is_done, is_usable = broken.is_settled, False
                in_a_row += 1
            except _Unreachable as error:
                for other in deliveries[place:]:
                    _wait(ledger, other, outcome, str(error))
                return [*deliveries[place:], *left], error.is_final  # first those that had no turn: the fault may be of the others
            if not is_done:
                left.append(delivery)
            if not is_usable:
                _close(smtp)
                smtp = None
    finally:
        if smtp:
            _leave(smtp)
    return left, False


def _wait(ledger: Ledger, delivery: Delivery, outcome: Outcome, reason: str) -> None:
    ledger.note_attempt(delivery, reason)
    outcome.reasons.append(hide_addresses(reason))


def read_mail(delivery: Delivery, outbox: Path) -> bytes | None:
    """The mail's bytes as they were prepared; None where the file is gone or another."""
    try:
        data = (outbox / delivery.eml).read_bytes()
    except OSError:
        return None
    return data if sha256(data).hexdigest() == delivery.eml_hash else None


def _stamped(data: bytes, server: MailServer) -> bytes:
    """The mail as it goes out: sender of the office, date of the sending; every attempt has the same Message-ID."""
    message = message_from_bytes(data, policy=policy.SMTP.clone(refold_source="none"))  # the subject stays as it was composed
    for name, value in (("From", server.sender), ("Reply-To", server.reply_to), ("Date", format_datetime(datetime.now(LOCAL_TIME)))):
        del message[name]
        if value:
            message[name] = value
    return message.as_bytes()


def _connect(server: MailServer) -> Session:
    """A session that may send, or _Unreachable with the reason."""
    smtp: Session | None = None
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
        if server.security == "ssl":
            smtp = SecureSession(server.host, server.port, server.timeout, context=context)
        else:
            smtp = Session(server.host, server.port, server.timeout)
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            if not smtp.has_extn("starttls"):
                raise _Unreachable(f"máy chủ thư {server.host} không nhận STARTTLS; không gửi khi chưa mã hóa", is_final=True)
            smtp.starttls(context=context)
            smtp.ehlo()
        if server.user:
            _log_in(smtp, server.user, server.password or "")
    except _Unreachable:
        _close(smtp)
        raise
    except ssl.SSLCertVerificationError as error:
        _close(smtp)
        why = f"không tin được ({error.verify_message}); kiểm tra host, hoặc khai báo ca_file"
        if error.verify_code == _EXPIRED:
            why = "đã hết hạn (hoặc giờ máy này sai); hãy báo đơn vị quản trị máy chủ thư gia hạn"
        raise _Unreachable(f"chứng thư của máy chủ thư {server.host} {why}", is_final=True) from None
    except smtplib.SMTPAuthenticationError as error:
        _close(smtp)
        # a wrong password tried again and again locks the office's account; a busy server (4xx) is another matter
        text = f"máy chủ thư không nhận tên đăng nhập hoặc mật khẩu ({_reply(error.smtp_code, error.smtp_error)})"
        raise _Unreachable(text, is_final=error.smtp_code >= 500) from None
    except smtplib.SMTPNotSupportedError:
        offered = smtp.esmtp_features.get("auth", "").strip() if smtp else ""
        _close(smtp)
        why = "không nhận đăng nhập; bỏ mục user nếu không cần"
        if offered:  # leaving `user` out would not help
            why = f"chỉ nhận cách đăng nhập {offered}, chương trình dùng {', '.join(_WAYS)}; hãy hỏi đơn vị quản trị máy chủ thư"
        raise _Unreachable(f"máy chủ thư {server.host} {why}", is_final=True) from None
    except (OSError, smtplib.SMTPException) as error:
        _close(smtp)
        text = f"không kết nối được máy chủ thư {server.host}:{server.port} ({_failure(error)})"
        raise _Unreachable(text, is_final=isinstance(error, FileNotFoundError)) from None
    except ValueError:  # a challenge that is no Base64, which smtplib decodes unlooked at; the password may have gone out already
        _close(smtp)
        raise _Unreachable(
            f"máy chủ thư {server.host} hỏi đăng nhập không đúng cách; hãy báo đơn vị quản trị máy chủ thư", is_final=True
        ) from None
    return smtp


def probe_server(server: MailServer) -> str | None:
    """Connect, encrypt and log in as for sending, without a mail; None when the server would take one, otherwise the reason."""
    try:
        smtp = _connect(server)
    except _Unreachable as error:
        return hide_addresses(str(error))
    _leave(smtp)
    return None


def _log_in(smtp: Session, user: str, password: str) -> None:
    """Logged in by one mechanism alone: smtplib's `login` tries a wrong password with each, and that locks accounts."""
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    smtp.user, smtp.password = user, password
    mechanism = next((name for name in _WAYS if name in offered), None)
    if mechanism is None:
        raise smtplib.SMTPNotSupportedError("AUTH")
    smtp.auth(mechanism, getattr(smtp, _WAYS[mechanism]))


def _close(smtp: Session | None) -> None:
    if smtp:
        smtp.close()


def _leave(smtp: Session) -> None:
    """Say goodbye; how it is answered changes nothing, every mail is settled by now."""
    try:
        smtp.quit()
    except (OSError, smtplib.SMTPException):
        smtp.close()


def _hand_over(ledger: Ledger, delivery: Delivery, smtp: Session, server: MailServer, data: bytes, outcome: Outcome) -> tuple[bool, bool]:
    """One mail to one addressee: whether it is settled, and whether the session can be used on.

    Raises:
        _BrokenOff: the server hung up or stopped answering.
        _Unreachable: it takes no mail of this office's at all.
    """
    limit = smtp.esmtp_features.get("size", "")
    if limit.isdigit() and 0 < int(limit) < len(data):
        text = f"thư {_megabytes(len(data))} lớn hơn máy chủ nhận ({_megabytes(int(limit))}); đặt max_mb nhỏ hơn rồi chạy lại ngày đó"
        _refuse(ledger, delivery, outcome, text)
        return True, True
    smtp.begin()
    try:
        code, reply = _ask(smtp, server.sender, delivery.addressee, len(data))
    except (OSError, smtplib.SMTPException) as error:
        _wait(ledger, delivery, outcome, f"mất kết nối trước khi truyền thư ({_failure(error)})")
        raise _BrokenOff(is_settled=False) from None
    if code != 354:
        is_done = 500 <= code < 600
        (_refuse if is_done else _wait)(ledger, delivery, outcome, _reply(code, reply))
        return is_done, code not in (-1, 421) and _is_reset(smtp)
    ledger.mark_sending(delivery)
    try:
        code, reply = _transmit(smtp, data)
    except (OSError, smtplib.SMTPException) as error:
        ledger.mark_unknown(delivery, f"đã truyền thư nhưng không có trả lời ({_failure(error)})")
        outcome.unknown += 1
        raise _BrokenOff(is_settled=True) from None
    text = _reply(code, reply)
    if code == 250:
        ledger.mark_sent(delivery, text)
        outcome.sent += 1
        return True, True
    if 500 <= code < 600:
        _refuse(ledger, delivery, outcome, text)
        return True, True
    if 400 <= code < 500:
        ledger.mark_not_accepted(delivery, text)
        outcome.reasons.append(hide_addresses(text))
        return False, code != 421
    ledger.mark_unknown(delivery, f"máy chủ trả lời không rõ: {text}")
    outcome.unknown += 1
    return True, False


def _ask(smtp: Session, sender: str, addressee: str, size: int) -> tuple[int, bytes]:
    """The server's reply to MAIL, RCPT and DATA: the first that says no, or 354 when it waits for the text.

    Raises:
        _Unreachable: it takes no mail of this office's at all, whoever the addressee is.
    """
    code, reply = smtp.mail(sender, [f"SIZE={size}"] if smtp.has_extn("size") else [])
    is_sender = 500 <= code < 600 and code != _TOO_LARGE
    if code == 250:
        code, reply = smtp.rcpt(addressee)
    if is_sender or code == _LOG_IN_FIRST:
        text = f"máy chủ thư không nhận thư gửi từ địa chỉ ở mục from ({_reply(code, reply)}); hãy xem lại from, user và mật khẩu"
        raise _Unreachable(text, is_final=True)
    return smtp.docmd("DATA") if code in (250, 251) else (code, reply)


def _transmit(smtp: Session, data: bytes) -> tuple[int, bytes]:
    """The text with its end went out; the server's answer."""
    quoted = re.sub(rb"(?m)^\.", b"..", data)
    smtp.send(quoted + (b"" if quoted.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    return smtp.getreply()


def _is_reset(smtp: Session) -> bool:
    """Whether the session is ready for the next mail after a no."""
    try:
        return smtp.rset()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _refuse(ledger: Ledger, delivery: Delivery, outcome: Outcome, text: str) -> None:
    ledger.mark_refused(delivery, text)
    outcome.refused += 1
    outcome.reasons.append(hide_addresses(text))


def _reply(code: int, reply: bytes | str) -> str:
    told = reply if isinstance(reply, str) else reply.decode("utf-8", "replace")
    return f"{code} {told}".replace("\n", " ")[:300]


def _failure(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib tells it as a lost connection
        return "quá thời gian chờ"
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200]


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MB".replace(".", ",")


def hide_addresses(text: str) -> str:
    """The text without mail addresses, for terminal and logs."""
    return re.sub(r"[^\s<>@:;,]+@[^\s<>@:;,]+", "•••", text)
