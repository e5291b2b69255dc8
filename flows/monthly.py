"""The report of a month that is over: written, and mailed to whoever asks for it. Run by the schedule on day 1, and by `tthc report --mail`."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from flows.figures import Period
from flows.mail.dispatch import Post
from flows.mail.monthly import mail_month
from flows.night import check_sending, hold_lock, load_office
from flows.period_report import FORMATS, name_of, parse_report_period, write_period_report
from flows.settings import Settings

# A night of a large district with many new exports; the report waits for it rather than be lost.
LOCK_SECONDS = 3 * 3600.0


@dataclass
class MonthlyReport:
    """Files of the report, and what became of its mails."""

    files: list[Path]
    post: Post = field(default_factory=Post)


def month_before(day: date) -> Period:
    """The month that was over last on this day."""
    return parse_report_period("month", f"{day.replace(day=1) - timedelta(days=1):%Y-%m}")


def report_month(settings: Settings, period: Period) -> MonthlyReport:
    """The report of the month stands in the outbox in every format, and its mails in the ledger; sent where sending is on.

    Waits for a night that is under way: the report is of one published warehouse, and the ledger has one writer.

    Raises:
        AlreadyRunning: a night was still under way after LOCK_SECONDS.
        QueryError: the warehouse has no figures of the month.
        ConfigurationError: there is no warehouse, or a reference table or mail.toml cannot be used.
    """
    with hold_lock(settings, LOCK_SECONDS):
        settings, server = check_sending(settings)
        recipients = load_office(settings).recipients
        folder = settings.outbox / "bao-cao" / name_of(period)
        files = write_period_report(settings.warehouse, settings.reference, period, FORMATS, folder)
        return MonthlyReport(files, mail_month(settings, period, files, recipients, server))
