"""The dead-man check: what nobody would notice because nothing happens. Run by a timer of its own, independent of Prefect and of the nights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.doctor import look_at_disk
from flows.runs import load_runs
from flows.settings import Settings
from transforms.wording import moment_vi

# A night a day, and two hours of grace.
LONGEST_SILENCE = timedelta(hours=26)


@dataclass(frozen=True)
class Alarm:
    """One reason to wake somebody; `code` tells alarms apart over days, `text_vi` says what is wrong and what to do."""

    code: str
    text_vi: str


def find_alarms(settings: Settings, now: datetime) -> list[Alarm]:
    """Everything somebody must know at `now`; empty when all is well."""
    alarms = _silence(load_runs(settings.staged), now)
    alarms += [Alarm("disk", f"Đĩa: {finding.text_vi}") for finding in look_at_disk(settings) if finding.light == "red"]
    return alarms


def _silence(runs: Sequence[dict[str, Any]], now: datetime) -> list[Alarm]:
    """No success for too long, and how the last night ended; nothing before the first run, when nobody waits for anything yet."""
    nights = [run for run in runs if run["outcome"] in ("published", "held", "failed", "interrupted", "started")]
    if not nights:
        return []
    alarms = []
    published = [run for run in nights if run["outcome"] == "published"]
    since = published[-1]["finished_at"] if published else nights[0]["started_at"]
    if now - since > LONGEST_SILENCE:
        hours = int((now - since).total_seconds() // 3600)
        last = f"công bố gần nhất {moment_vi(since)}" if published else f"chưa lần nào công bố từ {moment_vi(since)}"
        alarms.append(Alarm("silence", f"Đã {hours} giờ không công bố số liệu ({last}); hãy chạy tthc doctor rồi tthc run --catch-up"))
    last_run = nights[-1]
    if last_run["outcome"] == "held":
        alarms.append(
            Alarm(
                "held",
                f"Lần chạy {moment_vi(last_run['started_at'])} bị giữ lại vì {last_run['detail']}; số liệu cũ vẫn dùng. Xem tthc status",
            )
        )
    elif last_run["outcome"] in ("failed", "interrupted"):
        word = "bị lỗi" if last_run["outcome"] == "failed" else "bị ngắt giữa chừng"
        alarms.append(
            Alarm(
                "failed",
                f"Lần chạy {moment_vi(last_run['started_at'])} {word} ({last_run['detail'] or 'mất điện hoặc dừng máy'}); hãy chạy tthc doctor",
            )
        )
    return alarms
