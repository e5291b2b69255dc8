"""Alarms as mails: one an alarm code, addressee and day, whatever happens in between, and never a second one.

They have a ledger and a lock of their own, so that an alarm can go out while a night holds the warehouse's lock, hangs, or has broken its
ledger. An alarm that could not be sent is tried again by the next check of the same day while it lasts; on another day a new one takes its place.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from flows.mail.compose import compose
from flows.mail.content import Content
from flows.mail.delivery import Outcome, send_mails
from flows.mail.ledger import Ledger, Mail
from flows.mail.recipients import Recipient, find_alarm_recipients
from flows.mail.server import MailServer
from flows.settings import Settings
from flows.watching import Alarm
from transforms.wording import moment_vi

FOLDER = "bao-dong"
_WAIT_SECONDS = 60.0  # for another check that is just sending


@dataclass
class AlarmPost:
    """What became of the alarms' mails: files prepared now, and the outcome of sending; None where sending is off."""

    prepared: list[Path] = field(default_factory=list)
    recipients: int = 0
    outcome: Outcome | None = None


def alarm_ledger_path(settings: Settings) -> Path:
    """Where the ledger of the alarms of a warehouse stands."""
    return settings.staged / "alarms.sqlite"


def post_alarms(settings: Settings, alarms: Sequence[Alarm], server: MailServer | None, now: datetime, *, is_sent: bool) -> AlarmPost:
    """Every alarm has a mail of this day to everybody who is told of alarms, in the outbox and, where sending is on, sent once.

    Args:
        settings: reference folder (recipients.csv), outbox and warehouse.
        alarms: as flows.watching.find_alarms.
        server: the mail server; None where none is named.
        now: Vietnamese civil time.
        is_sent: sending is on.

    Raises:
        Timeout: another check has been sending for a minute.
        OSError: outbox or ledger cannot be written.
    """
    post = AlarmPost()
    recipients = find_alarm_recipients(settings.reference / "recipients.csv")
    post.recipients = len(recipients)
    if not alarms or not recipients:
        return post
    settings.staged.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.warehouse.with_suffix(".watch.lock"), timeout=_WAIT_SECONDS):
        ledger = Ledger(alarm_ledger_path(settings))
        ledger.settle_interrupted()
        for alarm in alarms:
            for recipient in recipients:
                path = _prepare(settings, ledger, alarm, recipient, now, is_sent=is_sent)
                if path:
                    post.prepared.append(path)
        if is_sent and server:
            due = ledger.rows("state = 'prepared' AND NOT is_correction AND summary_date = ?", (now.date().isoformat(),))
            raised = {f"alarm:{alarm.code}" for alarm in alarms}  # one that ended before it could be sent would only mislead
            post.outcome = send_mails(ledger, [row for row in due if row.kind in raised], server, settings.outbox)
    return post


def _prepare(settings: Settings, ledger: Ledger, alarm: Alarm, recipient: Recipient, now: datetime, *, is_sent: bool) -> Path | None:
    """The mail's file and its row; None where this day's mail of this alarm stands already, in whatever state."""
    kind, day = f"alarm:{alarm.code}", now.date()
    if ledger.rows("summary_date = ? AND kind = ? AND addressee = ?", (day.isoformat(), kind, recipient.email)):
        return None
    made = compose(
        describe_alarm(alarm, now, settings.warehouse),
        [],
        as_of=now,
        name=recipient.name,
        addressee=recipient.email,
        max_bytes=MailServer.max_bytes,
    )
    stem = "-".join(re.sub(r"[^a-z0-9.]+", "-", word.lower())[:60] for word in (alarm.code, recipient.email))
    name = f"{FOLDER}/{day:%Y-%m-%d}/{stem}-{made.content_hash[:8]}.eml"
    path = settings.outbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        stream.write(made.data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    mail = Mail(day, kind, recipient.email, made.content_hash, made.message_id, name, sha256(made.data).hexdigest())
    ledger.prepare(mail, is_wanted=is_sent)
    return path


def describe_alarm(alarm: Alarm, now: datetime, warehouse: Path) -> Content:
    """What the mail of an alarm says."""
    head, _, rest = alarm.text_vi.partition("; ")
    lines = [("Báo động", head), ("Việc cần làm", rest[:1].upper() + rest[1:])] if rest else [("Báo động", head)]
    # The whole path tells which of two offices on one machine it is; without it one Message-ID came from both, and mailboxes take it once.
    lines.append(("Phát hiện", f"{moment_vi(now)}, tthc watch, kho dữ liệu {warehouse}"))
    lines.append(("Nhắc lại", "mỗi ngày một thư cho đến khi hết báo động; số liệu đã công bố vẫn dùng được"))
    return Content("alarm", f"[TTHC] BÁO ĐỘNG {now:%d/%m/%Y}: {head[:110]}", "Hệ thống cần người xem", lines)
