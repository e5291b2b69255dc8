"""The dead-man check: what nobody would notice because nothing happens. Run by a timer of its own, independent of Prefect and of the nights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.backup import check_restored
from flows.certificates import look_at_certificates
from flows.doctor import look_at_clock, look_at_disk
from flows.fetching import REPEATED, first_asked_at, source_rows
from flows.runs import load_runs
from flows.settings import ConfigurationError, Settings
from transforms.wording import moment_vi

# A night a day, and two hours of grace.
LONGEST_SILENCE = timedelta(hours=26)
# Over a weekend nobody exports anything; after this a source that fails or gives nothing new is looked into.
SOURCE_SILENCE = timedelta(days=3)
CERTIFICATE_NOTICE = timedelta(days=14)


@dataclass(frozen=True)
class Alarm:
    """One reason to wake somebody; `code` tells alarms apart over days, `text_vi` says what is wrong and what to do."""

    code: str
    text_vi: str


Finder = Callable[[Settings, datetime], Iterator[Alarm]]


def find_alarms(settings: Settings, now: datetime) -> list[Alarm]:
    """Everything somebody must know at `now`; empty when all is well. Takes no lock: a night may be under way."""
    alarms: list[Alarm] = []
    for find in (_find_silence, _find_wrong_clock, _find_full_disk, _find_failing_sources, _find_ending_certificates):
        try:
            alarms += find(settings, now)
        except ConfigurationError as error:
            alarms.append(Alarm("configuration", f"Cấu hình sai nên các đêm sẽ không chạy: {error}"))
        except Exception as error:  # the watch itself must not fall silent; the kind is enough to look into it
            alarms.append(Alarm(f"watch-{find.__name__.strip('_')}", f"Không kiểm tra được ({type(error).__name__}); hãy chạy tthc doctor"))
    return list({alarm.code: alarm for alarm in alarms}.values())


def _find_silence(settings: Settings, now: datetime) -> Iterator[Alarm]:
    check_restored(settings)  # no night runs until then, and the history that would tell of it may be set aside
    yield from _silence(load_runs(settings.staged), now)


def _find_wrong_clock(settings: Settings, now: datetime) -> Iterator[Alarm]:
    """By a clock that is behind no night is ever due and no silence is ever long."""
    for finding in look_at_clock(settings):
        if finding.light == "red":
            yield Alarm("clock", f"Đồng hồ: {finding.text_vi}")


def _find_full_disk(settings: Settings, now: datetime) -> Iterator[Alarm]:
    for finding in look_at_disk(settings):
        if finding.light == "red":
            yield Alarm("disk", f"Đĩa: {finding.text_vi}")


def _find_failing_sources(settings: Settings, now: datetime) -> Iterator[Alarm]:
    """Sources that failed repeatedly or for days, or give nothing new for days; nothing about one that was never asked."""
    for row in source_rows(settings, now):
        success, newest, asked = row["last_success_at"], row["last_new_file_at"], first_asked_at(settings, row["source"])
        if row["failures"] >= REPEATED or (row["failures"] and success and now - success > SOURCE_SILENCE):
            yield Alarm(f"source-{row['source']}", f"{row['message_vi']}; các nguồn khác vẫn lấy. Hãy chạy tthc doctor")
        elif not row["failures"] and newest and now - newest > SOURCE_SILENCE:
            days = (now - newest).days
            yield Alarm(
                f"source-{row['source']}",
                f"Nguồn “{row['source']}”: lấy được nhưng đã {days} ngày không có tệp mới (từ {moment_vi(newest)}); hãy hỏi bên gửi",
            )
        elif not row["failures"] and not newest and asked and now - asked > SOURCE_SILENCE:
            yield Alarm(
                f"source-{row['source']}",
                f"Nguồn “{row['source']}”: trả lời nhưng chưa có tệp nào từ khi khai báo ({moment_vi(asked)}); "
                "hãy xem lại address, include, senders, subject trong sources.toml, rồi hỏi bên gửi",
            )


def _find_ending_certificates(settings: Settings, now: datetime) -> Iterator[Alarm]:
    for found in look_at_certificates(settings):
        left = found.valid_to - now
        if left <= CERTIFICATE_NOTICE:
            where = f"{found.endpoint.subject_vi} ({found.endpoint.host}:{found.endpoint.port})"
            word = "đã hết hạn" if left <= timedelta(0) else f"còn {left.days} ngày, hết hạn"
            yield Alarm(
                f"certificate-{found.endpoint.host}-{found.endpoint.port}",
                f"Chứng thư của {where} {word} {moment_vi(found.valid_to)}; hãy báo đơn vị quản trị máy chủ đó gia hạn",
            )


def _silence(runs: Sequence[dict[str, Any]], now: datetime) -> list[Alarm]:
    """No success for too long, and how the last night ended; nothing before the first run, when nobody waits for anything yet."""
    nights = [run for run in runs if run["outcome"] in ("published", "held", "failed", "interrupted", "started")]
    if not nights:
        return []
    alarms = []
    published = [run for run in nights if run["outcome"] == "published" and run["finished_at"] <= now]
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
