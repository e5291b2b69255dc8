"""The report of a month that is over: written, and mailed to whoever asks for it. Run by the schedule on day 1, and by `tthc report --mail`.

Where the published figures do not reach the month's end then (its last night was held back, or the machine was off), no mail is made: an
unfinished report would be the one that arrives, and the finished one nobody's business. The mail goes out after the night that reaches it.
So does one over which the program failed or died: a month that is over is on record as waiting until its mails are in the ledger. And so do
the months that ended while nothing ran: once the schedule has made a report, it owes every month after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from flows.figures import Period
from flows.landing import save_record
from flows.logs import note_error
from flows.mail.dispatch import Post
from flows.mail.monthly import mail_month
from flows.night import check_sending, hold_lock, load_office
from flows.period_report import FORMATS, name_of, parse_report_period, write_period_report
from flows.querying import open_warehouse
from flows.runs import owed_months
from flows.settings import QueryError, Settings, local_now
from transforms.wording import moment_vi

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


def report_month(settings: Settings, period: Period, today: date | None = None, *, is_scheduled: bool = False) -> MonthlyReport:
    """The report of the month stands in the outbox in every format, and its mails in the ledger; sent where sending is on.

    The mails of a month that is over wait for figures that reach its end, and for a run that gets through (see report_waiting_months).
    Waits for a night that is under way: the report is of one published warehouse, and the ledger has one writer.

    Args:
        settings: as of a night.
        period: a month.
        today: which months are over; the present day where it is left out.
        is_scheduled: it is made because its day has come, so the months to come are expected too.

    Raises:
        AlreadyRunning: a night was still under way after LOCK_SECONDS.
        QueryError: the warehouse has no figures of the month.
        ConfigurationError: there is no warehouse, or a reference table or mail.toml cannot be used.
    """
    name = name_of(period)
    with hold_lock(settings, LOCK_SECONDS):
        is_over = period.end <= (today or local_now().date())
        if is_over:  # first: nobody else would remember what a failure or a kill stops from here on
            _keep_waiting(settings, add=name, through=name if is_scheduled else None)
        settings, server = check_sending(settings)
        recipients = load_office(settings).recipients
        reached = _figures_as_of(settings)
        is_early = is_over and reached is not None and reached.date() < period.end
        try:
            files = write_period_report(settings.warehouse, settings.reference, period, FORMATS, settings.outbox / "bao-cao" / name)
        except QueryError:
            if not is_early:  # figures to come will not have it either
                _keep_waiting(settings, drop=name)
            raise
        if is_early:
            text = f"số liệu đang công bố mới chốt {moment_vi(reached)}, chưa hết kỳ báo cáo; thư báo cáo tự đi sau lần công bố đủ kỳ"
            return MonthlyReport(files, Post(notes=[text]))
        report = MonthlyReport(files, mail_month(settings, period, files, recipients, server))
        _keep_waiting(settings, drop=name)  # last: whatever stopped it before, it goes on waiting
        return report


def report_waiting_months(settings: Settings) -> Iterator[MonthlyReport]:
    """After nights: the reports that are owed and whose month the figures reach the end of now; whatever stops one, it goes on waiting."""
    for name in owed_months(settings.months_waiting, local_now()).months:
        period = parse_report_period("month", name)
        try:
            reached = _figures_as_of(settings)
            if reached is not None and reached.date() >= period.end:
                yield report_month(settings, period)
        except Exception as error:  # the night is published, whatever becomes of a report
            note_error(f"chưa gửi được báo cáo tháng {name}; sau lần công bố tới thử lại", error)


def _figures_as_of(settings: Settings) -> datetime | None:
    with open_warehouse(settings.warehouse) as connection:
        found = connection.execute("SELECT max(as_of) FROM mart.unit_rates").fetchone()
    return found[0] if found else None


def _keep_waiting(settings: Settings, *, add: str | None = None, drop: str | None = None, through: str | None = None) -> None:
    """The record says what is owed now, with a month more or less."""
    owed = owed_months(settings.months_waiting, local_now())
    months = sorted({*owed.months, *([add] if add else [])} - {drop})
    through = max(owed.through or "", through or "")
    if months or through:
        save_record(settings.months_waiting, {"months": months, "through": through or None})
    else:
        settings.months_waiting.unlink(missing_ok=True)
