"""A mailbox whose attachments are exports. It is opened read-only and read with BODY.PEEK: no mail is changed, marked or deleted."""

import base64
import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Self
from urllib.parse import unquote, urlsplit

from flows.connections.remote import Receive, RemoteFile, SourceFailure, decode_words
from flows.settings import LOCAL_TIME
from flows.sources import Source, fits_pattern
from transforms.wording import moment_vi

_BATCH = 200
_FACTS = re.compile(rb"UID (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
# What a part without a name ends in, by what it says it is.
_ENDINGS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "text/csv": ".csv",
}
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_TNEF_ATTACHMENT = b"\x02\x02\x90\x06\x00"  # attAttachRenddata, with which every attachment begins (MS-OXTNEF, 2.1.3.1)


class ImapConnection:
    """Mails of one folder from allowed senders; each is a RemoteFile, its attachments are what is received."""

    def __init__(self, source: Source) -> None:
        self.source = source
        parts = urlsplit(source.addresses[0])
        self.host, self.is_tls = parts.hostname or "", parts.scheme == "imaps"
        self.port = parts.port or (993 if self.is_tls else 143)
        self.folder = unquote(parts.path.strip("/")) or "INBOX"

    def __enter__(self) -> Self:
        ca_file, password = self.source.file("ca_file"), self.source.secret("password") or ""
        seconds = float(self.source["timeout_seconds"])
        try:
            trusted = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        except (OSError, ssl.SSLError):
            raise SourceFailure(f"không đọc được tệp chứng thư ca_file “{ca_file and ca_file.name}”") from None
        try:
            if self.is_tls:
                self.client: imaplib.IMAP4 = imaplib.IMAP4_SSL(self.host, self.port, ssl_context=trusted, timeout=seconds)
            else:
                self.client = imaplib.IMAP4(self.host, self.port, timeout=seconds)
                self.client.starttls(trusted)
        except ssl.SSLCertVerificationError:
            raise SourceFailure(f"không tin được chứng thư của {self.host}; nếu cơ quan tự cấp chứng thư, hãy chỉ ca_file") from None
        except (OSError, imaplib.IMAP4.error) as error:
            raise SourceFailure(f"không kết nối được hộp thư {self.host}:{self.port} ({_short(error)})", may_pass=True) from None
        try:
            self._log_in(password)
            self._select()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _log_in(self, password: str) -> None:
        user = self.source["username"]
        try:
            if "AUTH=PLAIN" in self.client.capabilities:
                self.client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            else:
                self.client.login(user, password)
        except imaplib.IMAP4.abort as error:
            raise SourceFailure(f"mất kết nối với hộp thư {self.host} ({_short(error)})", may_pass=True) from None
        except (imaplib.IMAP4.error, UnicodeEncodeError):
            raise SourceFailure(f"hộp thư {self.host} từ chối đăng nhập: sai tên hoặc mật khẩu (có thể cần mật khẩu ứng dụng)") from None
        except OSError as error:
            raise SourceFailure(f"mất kết nối với hộp thư {self.host} ({_short(error)})", may_pass=True) from None

    def _select(self) -> None:
        with self._talking():
            answer, _ = self.client.select(mailbox_name(self.folder), readonly=True)
            if answer != "OK":
                raise SourceFailure(f"hộp thư không có thư mục “{self.folder}”")
            validity = self.client.response("UIDVALIDITY")[1]
        self.validity = validity[0].decode() if validity and validity[0] else "0"

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (OSError, imaplib.IMAP4.error) as error:
            raise SourceFailure(f"mất kết nối với hộp thư {self.host} ({_short(error)})", may_pass=True) from None

    def __exit__(self, *error: object) -> None:
        try:
            self.client.logout()
        except (OSError, imaplib.IMAP4.error):
            self.client.shutdown()

    def list(self) -> list[RemoteFile]:
        """See Connection: the mails from allowed senders under a wanted subject."""
        with self._talking():
            answer, found = self.client.uid("SEARCH", "UNDELETED")
            if answer != "OK":
                raise SourceFailure(f"hộp thư {self.host} không cho liệt kê thư", may_pass=True)
            uids = (found[0] or b"").split()
            files: list[RemoteFile] = []
            for start in range(0, len(uids), _BATCH):
                files += self._headers(uids[start : start + _BATCH])
        return files

    def _headers(self, uids: Sequence[bytes]) -> Iterator[RemoteFile]:
        asked = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])"
        answer_is, answer = self.client.uid("FETCH", b",".join(uids).decode(), asked)
        if answer_is != "OK":  # no mails told would be no mails there
            raise SourceFailure(f"hộp thư {self.host} không cho đọc danh sách thư", may_pass=True)
        for part in answer:
            if not isinstance(part, tuple):
                continue
            uid, size = _FACTS.search(part[0]), _SIZE.search(part[0])
            head = _parse(part[1])
            if uid and self._wants(head):
                number = uid[1].decode()
                origin = f"{self.folder};uidvalidity={self.validity};uid={number}"
                yield RemoteFile(origin, f"thu-{number}.eml", int(size[1]) if size else None, _sent(head))

    def _wants(self, head: EmailMessage) -> bool:
        senders = [address for _, address in getaddresses(_raw(head, "from"))]
        subject = " ".join(str(head.get("subject", "")).split())
        is_allowed = any(fits_pattern(one, pattern) for one in senders for pattern in self.source["senders"])
        return is_allowed and fits_pattern(subject, self.source["subject"])

    def look_again(self, file: RemoteFile) -> RemoteFile | None:
        """See Connection: a mail in a mailbox never changes."""
        return file

    def download(self, file: RemoteFile, receive: Receive) -> None:
        """See Connection: every wanted attachment; a mail without any is done, too."""
        most = min(int(float(self.source["max_mb"]) * 1.4 * 1e6), 2**32 - 2)  # IMAP counts in 32 bits
        too_large = SourceFailure(f"thư {file.path} lớn hơn max_mb = {self.source['max_mb']:g}", is_one_file=True)
        if file.size is not None and file.size > most:
            raise too_large
        with self._talking():  # one byte more than is allowed, because RFC822.SIZE is a guess by default where Exchange tells it
            _, answer = self.client.uid("FETCH", file.origin.rpartition("=")[2], f"(BODY.PEEK[]<0.{most + 1}>)")
        body = next((part[1] for part in answer if isinstance(part, tuple)), None)
        if body is None:
            raise SourceFailure(f"thư {file.path} không còn trong hộp thư", is_one_file=True)
        if len(body) > most:
            raise too_large
        # The literal says itself how long it is, and one cut short ends the session.
        try:
            parts = list(_parts(message_from_bytes(body)))
        except RecursionError:
            raise SourceFailure(f"{_told(file)} lồng quá nhiều lớp, không đọc được; hãy xóa thư này", is_one_file=True) from None
        for part in parts:
            name = attachment_name(part, file.path)
            if not name or not self.source.wants(name.replace("\\", "/").rpartition("/")[2]):
                continue
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and content:
                with receive(name) as incoming:
                    incoming.write(content)
                    incoming.modified_at = file.modified_at
        if any(_hides_attachments(part) for part in parts):
            raise SourceFailure(
                f"{_told(file)} giấu tệp đính kèm trong winmail.dat, dạng riêng của Outlook, không đọc được; hãy nhờ người gửi gửi lại "
                "ở dạng HTML hoặc văn bản thường (không phải Rich Text), rồi xóa thư này khỏi hộp thư",
                is_one_file=True,
            )


def attachment_name(part: Message, mail: str) -> str | None:
    """What a part calls its file, None where it is none.

    Read as mail programs do, because what is not read here is lost without a word: also with blanks or as encoded words (RFC 2047) without
    quotes, of which Python's parser of structured headers keeps the first word or nothing. An export without a name is called after its mail.
    """
    plain = Message()
    for header in ("Content-Disposition", "Content-Type"):
        for value in _raw(part, header)[:1]:
            plain[header] = value
    try:
        name = decode_words(plain.get_filename() or "").strip(" \"'")  # of an unbalanced pair
    except (ValueError, LookupError):  # an unknown alphabet, or numbers of pieces that are none
        name = None
    return name or (mail.removesuffix(".eml") + ending if (ending := _ENDINGS.get(part.get_content_type())) else None)


def _parts(mail: Message) -> Iterator[Message]:
    """Every part that holds no others, also those of a mail that was attached in Base64: RFC 2046 (5.2.1) forbids it, gateways do it, Python takes it for text."""
    for part in mail.walk():
        if not part.is_multipart():
            yield part
        elif part.get_content_type() == "message/rfc822" and str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
            inner = part.get_payload(0)
            if isinstance(inner, Message) and not inner.keys():
                coded = Message()
                coded["Content-Transfer-Encoding"] = "base64"
                coded.set_payload(inner.get_payload())
                content = coded.get_payload(decode=True)
                yield from _parts(message_from_bytes(content)) if isinstance(content, bytes) else ()


def _hides_attachments(part: Message) -> bool:
    """Whether there are files in a part that only Outlook can open; often it holds nothing but how the text looks."""
    content = part.get_payload(decode=True) if part.get_content_type() in _TNEF or attachment_name(part, "") == "winmail.dat" else None
    return isinstance(content, bytes) and _TNEF_ATTACHMENT in content


def _raw(message: Message, header: str) -> list[str]:
    """A header's values as they were sent, on one line: what strangers write there breaks the parser of structured headers (Python 3.11)."""
    found = [value for name, value in message.raw_items() if name.lower() == header.lower()]
    return [re.sub(r"[\r\n]+", "", str(value)).encode("utf-8", "surrogateescape").decode("utf-8", "replace") for value in found]


def _told(file: RemoteFile) -> str:
    sent = (
        "" if file.modified_at is None else f" gửi {moment_vi(datetime.fromtimestamp(file.modified_at, LOCAL_TIME).replace(tzinfo=None))}"
    )
    return f"thư {file.path.removeprefix('thu-').removesuffix('.eml')}{sent}"


def mailbox_name(folder: str) -> str:
    """The name as IMAP writes it: modified UTF-7 in quotes (RFC 3501, 5.1.3)."""

    def encode(found: re.Match[str]) -> str:
        if found[0] == "&":
            return "&-"
        return "&" + base64.b64encode(found[0].encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",") + "-"

    escaped = re.sub(r"&|[^\x20-\x7e]+", encode, folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parse(body: bytes) -> EmailMessage:
    message = message_from_bytes(body, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise SourceFailure("thư không đọc được", is_one_file=True)
    return message


def _sent(head: EmailMessage) -> float | None:
    try:
        moment = parsedate_to_datetime(str(head["date"])) if head["date"] else None
    except (TypeError, ValueError):
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()  # "-0000", as many programs write, is UTC (RFC 5322, 3.3)


def _short(error: BaseException) -> str:
    return "quá thời gian chờ" if isinstance(error, TimeoutError) else type(error).__name__
