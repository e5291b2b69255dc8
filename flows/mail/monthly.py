"""The monthly report as mail: the Word document and Biểu số 06 of a month, to whoever asks for them, by the same ledger as the night's mail.

A month's mail is known by the month's last day, whenever it is made: the same report made again is the same mail, a report with other
figures is a correction that only `tthc send --again` sends. One that somebody asks for before the month is over is known by the last whole
day of its figures, so that the whole month's is no correction of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

from flows.figures import Figures, Period
from flows.mail.compose import Attachment
from flows.mail.content import Content, missed_list
from flows.mail.dispatch import FOLDER, Post, prepare_one, send_night
from flows.mail.ledger import Ledger, ledger_path
from flows.mail.recipients import MONTHLY, Recipient
from flows.mail.server import MailServer
from flows.settings import Settings
from flows.warehouse_figures import load_figures
from transforms.report_text import SHOWN_UNITS
from transforms.wording import count_vi, counted_vi, listed_vi, moment_vi, period_vi

_ATTACHED = (".docx", ".xlsx")


def mail_month(
    settings: Settings, period: Period, report: Sequence[Path], recipients: Sequence[Recipient] | None, server: MailServer | None
) -> Post:
    """The month's mail stands in the outbox and in the ledger, once an addressee, and was handed over where sending is on.

    Args:
        settings: as of a night, with mail.toml's `send` in it. The caller holds the warehouse's lock.
        period: a month.
        report: the report's files, as flows.period_report.write_period_report gives them; they stand in one folder.
        recipients: of recipients.csv; None where there is none.
        server: the mail server; None where none is named.
    """
    if recipients is None:
        return Post(notes=["chưa có tệp recipients.csv nên không soạn thư cho ai"])
    chosen = [recipient for recipient in recipients if MONTHLY in recipient.summaries]
    if not chosen:
        return Post(notes=[f"không ai trong recipients.csv có mục {MONTHLY}, không soạn thư báo cáo tháng"])
    ledger = Ledger(ledger_path(settings.staged))
    ledger.settle_interrupted()
    attached = [Attachment(path.name, path.read_bytes()) for path in report if path.suffix in _ATTACHED]
    figures, last = load_figures(settings.warehouse), period.end - timedelta(days=1)
    day = max(period.start, min(last, figures.as_of.date() - timedelta(days=1)))
    month = replace(settings, as_of=datetime.combine(day, time(23, 59)))
    folder = f"{report[0].parent.relative_to(settings.outbox).as_posix()}/{FOLDER}"
    if figures.as_of.date() < period.end:  # a folder of its own, because the whole month's mails know nothing of these
        folder += f"/{day:%Y-%m-%d}-chua-het-thang"
    content, post = describe_month(figures, period), Post()
    for recipient in chosen:
        prepare_one(month, ledger, server, recipient, content, attached, post, folder)
    return send_night(month, server, post)


def describe_month(figures: Figures, period: Period) -> Content:
    """What the mail of a monthly report says; the report itself goes with it."""
    name = period_vi(period.kind, period.start)
    of_month = replace(figures, current=[period])
    judged = [rate for rate in of_month.now(period.kind) if rate.status in ("met", "missed")]
    missed = [rate for rate in judged if rate.status == "missed"]
    units = len({rate.unit.key for rate in missed if rate.unit})
    lines = [
        ("Báo cáo", f"{name}, bản Word theo thể thức Nghị định 30/2020/NĐ-CP và Biểu số 06 kèm thư; cần người soát trước khi ký."),
        (
            "Không đạt chỉ tiêu",
            f"{count_vi(len(missed))} trên {count_vi(len(judged))} kết quả có chỉ tiêu, ở {units} đơn vị."
            if judged
            else "tháng này không có kết quả nào có chỉ tiêu.",
        ),
        ("Số liệu", f"chốt {moment_vi(figures.as_of)}{_unfinished(figures, period)}."),
    ]
    behind = list(dict.fromkeys(rate.unit.called for rate in of_month.now(period.kind) if rate.is_stale and rate.unit))
    if behind:
        text = f"của {counted_vi(len(behind), 'đơn vị')}, có thể chưa phản ánh đúng tháng này: {listed_vi(behind, SHOWN_UNITS)}."
        lines.append(("Số liệu cũ", text))
    return Content(
        MONTHLY,
        f"[TTHC] Báo cáo {name.lower()}: {count_vi(len(missed))} kết quả không đạt chỉ tiêu",
        f"Báo cáo giải quyết TTHC {name.lower()}",
        lines,
        sections=[(f"Chỉ tiêu không đạt, {name.lower()}", missed_list(of_month, period.kind))],
    )


def _unfinished(figures: Figures, period: Period) -> str:
    return ", KHI THÁNG CHƯA HẾT: báo cáo chưa đủ" if figures.as_of.date() < period.end else ""
