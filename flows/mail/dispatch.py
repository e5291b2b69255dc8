"""The night's mail: prepared as files and ledger rows, then, where sending is on, handed over. Also what `tthc send` does by day.

A mail's file is written before its ledger row, and its row before anything is sent: whatever dies in between, the same night run again
finds or makes both, under the same Message-ID.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from expectations import CheckResult
from flows.changes import find_changes
from flows.history import published_days
from flows.mail.compose import Attachment, Composed, compose, find_attachments
from flows.mail.content import Content, describe_held, describe_office, describe_units
from flows.mail.delivery import Outcome, send_mails
from flows.mail.ledger import Delivery, Ledger, Mail, ledger_path
from flows.mail.recipients import OWN_MAILS, Recipient, is_due
from flows.mail.server import MailServer
from flows.settings import Settings
from flows.warehouse_figures import load_figures

FOLDER = "thu"
_MAX_BYTES = MailServer.max_bytes


@dataclass
class Post:
    """What a night's mail came to.

    Attributes:
        prepared: mails of this night that are to be sent; corrections: those that wait for `tthc send --again`.
        outcome: of sending; None where sending is off.
        notes: what an operator should know, without addresses.
    """

    prepared: int = 0
    corrections: int = 0
    outcome: Outcome | None = None
    notes: list[str] = field(default_factory=list)


def prepare_published(settings: Settings, recipients: Sequence[Recipient] | None, server: MailServer | None) -> Post:
    """Every mail of this published night stands in the outbox and in the ledger; none was sent yet."""
    if recipients is None:
        return Post(notes=["chưa có tệp recipients.csv nên không soạn thư cho ai"])
    ledger = Ledger(ledger_path(settings.staged))
    ledger.settle_interrupted()
    _remove(settings.outbox, ledger.withdraw(settings.as_of.date(), "alarm"))
    if not recipients:
        return Post()
    figures = load_figures(settings.warehouse)
    figures = replace(figures, as_of=figures.as_of or settings.as_of)
    changes, days = find_changes(settings.staged, figures), published_days(settings.staged)
    post = Post()
    folder = settings.outbox / f"{settings.as_of:%Y-%m-%d}"
    for recipient in recipients:
        if recipient.summaries <= OWN_MAILS:
            continue
        if not is_due(recipient.frequency, settings.as_of.date(), days, is_working=figures.is_working_day):
            continue
        content = describe_office(figures, changes, recipient) if recipient.is_office else describe_units(figures, changes, recipient)
        if content is None:
            post.notes.append(f"recipients.csv, dòng {recipient.line}: không đơn vị nào của phạm vi còn hiệu lực, không soạn thư")
            continue
        units = None if recipient.is_office else [unit for unit in figures.units if unit.code in recipient.units]
        left = [item.unit for item in figures.handed_over(units or ())]
        attachments = find_attachments(folder, settings.as_of, recipient.summaries, units, left)
        prepare_one(settings, ledger, server, recipient, content, attachments, post)
    return post


def prepare_held(
    settings: Settings,
    recipients: Sequence[Recipient] | None,
    server: MailServer | None,
    checks: Sequence[CheckResult],
    files: Sequence[dict[str, Any]],
) -> Post:
    """The mail that tells the office of a night that published nothing stands in the outbox and in the ledger."""
    if recipients is None:
        return Post(notes=["chưa có tệp recipients.csv nên không soạn thư cho ai"])
    ledger = Ledger(ledger_path(settings.staged))
    ledger.settle_interrupted()
    refused = [
        f"{file['file_name']}{' › ' + file['member'] if file['member'] else ''}: {file['error']}"
        for file in files
        if file["status"] == "rejected"
    ]
    days = published_days(settings.staged)
    post = Post()
    for recipient in recipients:
        if "alarm" in recipient.summaries:
            content = describe_held(settings.as_of, checks, refused, len(files), days[-1] if days else None)
            prepare_one(settings, ledger, server, recipient, content, [], post)
    return post


def prepare_one(
    settings: Settings,
    ledger: Ledger,
    server: MailServer | None,
    recipient: Recipient,
    content: Content,
    attachments: Sequence[Attachment],
    post: Post,
    folder: str | None = None,
) -> None:
    """One mail stands in the outbox and in the ledger, and is counted in `post`.

    Args:
        settings: its as_of is the day by which the mail is known.
        folder: where below the outbox; the day's folder where it is left out.
    """
    day = settings.as_of.date()

    def make(is_correction: bool) -> Composed:
        room = server.max_bytes if server else _MAX_BYTES
        return compose(
            content,
            attachments,
            as_of=settings.as_of,
            name=recipient.name,
            addressee=recipient.email,
            max_bytes=room,
            is_correction=is_correction,
        )

    made = make(is_correction=False)
    if ledger.would_correct(day, content.kind, recipient.email, made.content_hash):
        made = make(is_correction=True)
    name = f"{folder or f'{day:%Y-%m-%d}/{FOLDER}'}/{_file_name(content.kind, recipient.email, made.content_hash)}"
    if not ledger.is_settled(made.message_id):
        _write(settings.outbox / name, made.data)
    mail = Mail(day, content.kind, recipient.email, made.content_hash, made.message_id, name, sha256(made.data).hexdigest())
    state, replaced = ledger.prepare(mail, is_wanted=settings.send)
    _remove(settings.outbox, [*replaced, *_strays(settings.outbox, name, ledger, day)])
    post.prepared += state == "prepared"
    post.corrections += state == "correction"


def send_night(settings: Settings, server: MailServer | None, post: Post) -> Post:
    """The night's mails, and earlier ones that were to be sent and were not accepted, were tried; nothing where sending is off."""
    if not settings.send or server is None or not ledger_path(settings.staged).is_file():
        return post
    ledger = Ledger(ledger_path(settings.staged))
    due = ledger.rows("state = 'prepared' AND NOT is_correction AND (is_wanted OR summary_date = ?)", (settings.as_of.date().isoformat(),))
    ledger.want(due)
    post.outcome = send_mails(ledger, due, server, settings.outbox)
    return post


def send_waiting(settings: Settings, server: MailServer, day: date | None, *, again: bool) -> Outcome:
    """What is prepared and not sent was tried, of one day or of all; corrections too where `again` says so. The caller holds the lock."""
    ledger = Ledger(ledger_path(settings.staged))
    ledger.settle_interrupted()
    due: list[Delivery] = ledger.rows(
        "state = 'prepared' AND (? OR NOT is_correction) AND summary_date = coalesce(?, summary_date)",
        (again, day.isoformat() if day else None),
    )
    ledger.want(due)
    return send_mails(ledger, due, server, settings.outbox)


def _file_name(kind: str, addressee: str, content_hash: str) -> str:
    """An ASCII name that tells whose mail it is."""
    return f"{kind}-{re.sub(r'[^a-z0-9.]+', '-', addressee)[:60]}-{content_hash[:8]}.eml"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _strays(outbox: Path, name: str, ledger: Ledger, day: date) -> list[str]:
    """Files of this kind and addressee, whole or half written, that no row knows: a night died over them, and what they would say is said otherwise now."""
    known = {row.eml for row in ledger.rows("summary_date = ?", (day.isoformat(),))}
    folder, alike = (outbox / name).parent, f"{Path(name).stem[:-8]}{'?' * 8}.eml"
    found = [*folder.glob(alike), *folder.glob(f".{alike}.new")]
    return sorted({path.relative_to(outbox).as_posix() for path in found} - known)


def _remove(outbox: Path, names: Sequence[str]) -> None:
    for name in names:
        (outbox / name).unlink(missing_ok=True)
