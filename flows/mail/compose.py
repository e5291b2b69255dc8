"""From what is to be said to the bytes of a mail: plain text and HTML twins, attachments, and names that only the content decides.

The same content gives the same bytes: nothing in a mail comes from chance or the clock, so its hash tells whether anything changed.
"""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from flows.csv_files import harmless
from flows.figures import Unit
from flows.mail.content import BAR_WIDTH, Content
from flows.settings import LOCAL_TIME
from transforms.wording import finalize, name_since

# Which file of the outbox belongs to which summary of recipients.csv.
TABLES = {"digest": "bang-diem.csv", "missed": "chi-tieu-khong-dat.csv", "late": "cham-tiep-nhan.csv", "worklist": "viec-can-lam.csv"}
_NO_SENDER = "tthc@localhost"  # until mail.toml names the office's address; set when the mail goes out
_OFFICE_FILES = {
    ".xlsx": "vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def workbook_name(as_of: datetime) -> str:
    """The workbook of a day in the outbox."""
    return f"tthc-{as_of:%Y-%m-%d}.xlsx"


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail; its name is ASCII."""

    name: str
    data: bytes

    @property
    def fingerprint(self) -> str:
        """Hash of what it says: an office file's moment of writing does not count."""
        if not self.name.endswith(tuple(_OFFICE_FILES)):
            return sha256(self.data).hexdigest()
        with zipfile.ZipFile(io.BytesIO(self.data)) as book:
            members = sorted((m.filename, m.CRC) for m in book.infolist() if m.filename != "docProps/core.xml")
        return sha256(repr(members).encode()).hexdigest()


def find_attachments(
    folder: Path, as_of: datetime, summaries: frozenset[str], units: Sequence[Unit] | None, ended: Sequence[Unit] = ()
) -> list[Attachment]:
    """The day's files for these summaries, those that exist; for some units only with their own rows, and only where there are any.

    Args:
        folder: of the day.
        as_of: the moment of its figures.
        summaries: of recipients.csv.
        units: None for all.
        ended: units whose open dossiers these go on with; they are in the work list, too.
    """
    found = []
    for summary, name in TABLES.items():
        if summary in summaries and (folder / name).is_file():
            data = (folder / name).read_bytes()
            own = data if units is None else _own_rows(data, [*units, *ended] if summary == "worklist" else units)
            if own:
                found.append(Attachment(name, own))
    book = folder / workbook_name(as_of)
    if units is None and "report" in summaries and book.is_file():
        found.append(Attachment(book.name, book.read_bytes()))
    return found


def _own_rows(data: bytes, units: Sequence[Unit]) -> bytes | None:
    """A table with the rows of these units alone; None where it has none. Codes are reused, so the name must be theirs too."""
    headings, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    code, name = headings.index("Mã đơn vị"), headings.index("Đơn vị")
    mine = {(harmless(unit.code), harmless(name)) for unit in units for name in (unit.name, name_since(unit.name, unit.valid_from))}
    own = [row for row in rows if len(row) == len(headings) and (row[code], row[name]) in mine]  # the scorecard has notes below its rows
    if not own:
        return None
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([headings, *own])  # the cells are harmless already
    return b"\xef\xbb\xbf" + text.getvalue().encode()


@dataclass(frozen=True)
class Composed:
    """A mail ready to be written: identity and bytes."""

    content_hash: str
    message_id: str
    data: bytes


def compose(
    content: Content,
    attachments: Sequence[Attachment],
    *,
    as_of: datetime,
    name: str,
    addressee: str,
    max_bytes: int,
    is_correction: bool = False,
) -> Composed:
    """The mail to one addressee.

    Attachments that would make it larger than `max_bytes` are left out and named in it. A correction says so in its subject only, so that
    it has the hash of what it says.
    """
    kept: list[Attachment] = []
    # of the text as it is without any attachment, which names each of them; the rest is for headers and the parts' own heads
    content.attached, content.left_out = [], [a.name for a in attachments]
    room = max_bytes - sum(_sent_size(part.encode()) for part in _render(content)) - 10_000
    for attachment in attachments:
        size = _sent_size(attachment.data)
        if size <= room:
            kept.append(attachment)
            room -= size
    content.attached = [a.name for a in kept]
    content.left_out = [a.name for a in attachments if a not in kept]
    text, html = _render(content)
    day = f"{as_of:%Y-%m-%d}"
    parts = [content.subject, text, html, *(f"{a.name} {a.fingerprint}" for a in kept)]
    content_hash = sha256("\0".join(parts).encode()).hexdigest()
    message_id = f"<{sha256(chr(0).join((day, content.kind, addressee, content_hash)).encode()).hexdigest()[:40]}@tthc.local>"
    message = EmailMessage(policy=SMTP)
    subject = content.subject.replace("[TTHC]", "[TTHC] Đính chính", 1) if is_correction else content.subject
    heads = _encoded("Subject", subject) + _encoded("To", name, Address(addr_spec=addressee).addr_spec)
    message["From"] = _NO_SENDER
    message["Date"] = format_datetime(as_of.replace(tzinfo=LOCAL_TIME))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "vi"
    message.set_content(text, charset="utf-8", cte="base64")
    message.add_alternative(html, subtype="html", charset="utf-8", cte="base64")
    for attachment in kept:
        subtype = _OFFICE_FILES.get(Path(attachment.name).suffix)
        if subtype:
            message.add_attachment(attachment.data, maintype="application", subtype=subtype, filename=attachment.name)
        else:
            message.add_attachment(attachment.data, maintype="text", subtype="csv", filename=attachment.name, params={"charset": "utf-8"})
    for number, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=_{content_hash[:32]}_{number}")
    return Composed(content_hash, message_id, heads + message.as_bytes())


def _encoded(field: str, text: str, address: str | None = None) -> bytes:
    """A header field of any text, on lines of at most 76 signs, followed by an address where it names a person.

    email.message folds long Vietnamese text itself, but loses or adds blanks where it does (Python 3.11: in 602 of 3,000 subjects made of our words).
    """
    line = _one_line(text)
    words = [Header(line, "utf-8", header_name=field).encode(linesep="\r\n")] if line else []
    return (f"{field}: " + "\r\n ".join([*words, *([f"<{address}>"] if address else [])]) + "\r\n").encode("ascii")


def _sent_size(data: bytes) -> int:
    return len(data) * 139 // 100  # base64 with its line ends


def _render(content: Content) -> tuple[str, str]:
    """The text of a mail and its HTML."""
    templates = _templates()
    return templates.get_template("mail.txt.j2").render(content=content), templates.get_template("mail.html.j2").render(
        content=content, bar_width=BAR_WIDTH
    )


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("flows.mail"),
        autoescape=lambda name: bool(name) and ".html" in str(name),
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )


def _one_line(text: str) -> str:
    """Without line ends and other control signs: a header is one line."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:180].strip()
