"""Who gets mail: recipients.csv, every line checked, and on which days whom a night writes to."""

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.settings import ConfigurationError
from transforms.office_rows import Faults

if TYPE_CHECKING:
    from flows.office_lines import Line

RECIPIENT_COLUMNS = ["name", "email", "scope", "summaries", "frequency", "language"]
MONTHLY = "monthly_report"
# What a mail may hold, in its order there. The last two are mails of their own: nights that publish nothing are told to the office at once,
# and a month's report goes out when the month is over.
SUMMARIES = ("digest", "missed", "late", "worklist", "report", "alarm", MONTHLY)
OWN_MAILS = frozenset({"alarm", MONTHLY})
# They hold figures of every unit.
OFFICE_ONLY = ("report", "alarm", MONTHLY)
FREQUENCIES = ("daily", "workdays", "weekly", "monthly")
LANGUAGES = ("vi",)
# Plain ASCII, because a mail server that cannot take other addresses (SMTPUTF8) would refuse them only at night; and what is no address by
# RFC 5322 (a dot at an end, two in a row) or is read as an encoded word breaks off the writing of all mails.
_ADDRESS = re.compile(
    r"(?=[^@]{1,64}@)(?!.*=\?)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{2,63}",
    re.ASCII,
)


@dataclass(frozen=True)
class Recipient:
    """One line of recipients.csv.

    Attributes:
        units: unit codes of the scope; empty for all.
        summaries: of SUMMARIES.
    """

    name: str
    email: str
    units: tuple[str, ...]
    summaries: frozenset[str]
    frequency: str
    line: int

    @property
    def is_office(self) -> bool:
        """Sees every unit."""
        return not self.units


def is_address(text: str) -> bool:
    """Whether every mail server takes it as an address."""
    return bool(_ADDRESS.fullmatch(text))


def parse_recipients(lines: Sequence["Line"], unit_codes: Collection[str], faults: Faults) -> list[Recipient]:
    """The recipients, typed; errors name line and column but never show an address.

    Args:
        lines: of recipients.csv.
        unit_codes: every code of units.csv.
        faults: where lines that cannot be used are told.
    """
    found: list[Recipient] = []
    seen: dict[str, int] = {}
    for line in lines:
        with faults.gather(ConfigurationError):
            name, email = line.required("name"), line.required("email").lower()
            if not _ADDRESS.fullmatch(email):
                raise _hidden(line, "một địa chỉ thư dạng ten@coquan.gov.vn, mỗi dòng một địa chỉ, không dấu")
            if email in seen:
                raise _hidden(line, f"một địa chỉ chưa có ở dòng khác (đã có ở dòng {seen[email]}); hãy gộp phạm vi vào một dòng")
            seen[email] = line.number
            units = _scope(line, unit_codes)
            allowed = [word for word in SUMMARIES if not units or word not in OFFICE_ONLY]
            chosen = _list(line.text("summaries") or "") or allowed
            for word in chosen:
                if word not in allowed:
                    why = f" ({word} chỉ dành cho phạm vi all)" if word in OFFICE_ONLY else ""
                    raise line.fail("summaries", f"các từ trong: {', '.join(allowed)}, cách nhau bằng dấu ;{why}")
            frequency = line.one_of("frequency", FREQUENCIES) if line.text("frequency") else "daily"
            if (line.text("language") or "vi") not in LANGUAGES:
                raise line.fail("language", "vi (hiện chỉ có tiếng Việt)")
            found.append(Recipient(name, email, units, frozenset(chosen), frequency, line.number))
    return found


def find_alarm_recipients(path: Path) -> list[Recipient]:
    """Who is told of alarms: every usable line of recipients.csv whose scope is all and whose summaries hold `alarm` or are left out.

    Lines that a night would refuse are passed over: an alarm about a broken table must still reach somebody, also where it was saved in another
    encoding, which spoils names but no address. Empty where there is no table.
    """
    try:
        raw = path.read_bytes()
    except OSError:
        return []
    # Excel's "Unicode Text" is UTF-16 with tabs; without the mark that tells it, every other byte is 0.
    text = raw.decode("utf-16" if raw[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig", "replace").replace("\0", "")
    lines = re.split("\r\n|\r|\n", text)
    found: dict[str, Recipient] = {}
    reader = csv.DictReader(lines, delimiter=max(",;\t", key=lines[0].count))
    for cells in reader:
        name, email, scope, summaries = ((cells.get(column) or "").strip() for column in RECIPIENT_COLUMNS[:4])
        chosen = _list(summaries)
        if scope.lower() == "all" and (not chosen or "alarm" in chosen) and _ADDRESS.fullmatch(email):
            found.setdefault(email.lower(), Recipient(name or email, email.lower(), (), frozenset({"alarm"}), "daily", reader.line_num))
    return list(found.values())


def _hidden(line: "Line", expected: str) -> Exception:
    shown = line.cells.get("email", "")
    line.cells["email"] = "•••" if shown else ""
    try:
        return line.fail("email", expected)
    finally:
        line.cells["email"] = shown


def _list(text: str) -> list[str]:
    return [word.strip() for word in text.split(";") if word.strip()]


def _scope(line: "Line", unit_codes: Collection[str]) -> tuple[str, ...]:
    words = _list(line.required("scope"))
    if [word.lower() for word in words] == ["all"]:
        return ()
    codes = tuple(dict.fromkeys(word.upper() for word in words))
    unknown = [code for code in codes if code not in unit_codes]
    if unknown or not codes:
        raise line.fail("scope", f"all, hoặc các mã đơn vị có trong units.csv cách nhau bằng dấu ; (không có mã {', '.join(unknown)})")
    return codes


def is_due(frequency: str, on: date, published: Iterable[date], *, is_working: bool) -> bool:
    """Whether a recipient gets the mail of this day.

    Weekly mail goes out on Monday and monthly mail on day 1. Where nothing was published on that day the next published day takes its
    place, so that a held-back Monday costs nobody the week. Only days published before count, so a day run again decides the same.

    Args:
        frequency: of FREQUENCIES.
        on: the day of the figures.
        published: the days published so far.
        is_working: whether the day is a working day.
    """
    if frequency == "daily":
        return True
    if frequency == "workdays":
        return is_working
    turn = on - timedelta(days=on.weekday()) if frequency == "weekly" else on.replace(day=1)
    earlier = [day for day in published if day < on]
    return on == turn or (bool(earlier) and max(earlier) < turn)
