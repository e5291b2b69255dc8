"""Publishing past a named critical check: who decides says why, it counts for one run, and it is kept for ever in accepted.jsonl."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import pyarrow as pa

from expectations import CheckResult
from flows.quarantine import append_line, read_lines
from flows.settings import ConfigurationError, local_now
from flows.staging import parse_moment
from transforms.text import hide_personal

ACCEPTANCES = pa.schema(
    [
        ("run_id", pa.string()),
        ("check_name", pa.string()),
        ("accepted_at", pa.timestamp("us")),
        ("as_of", pa.timestamp("us")),
        ("found", pa.int64()),
        ("why", pa.string()),
    ]
)


class Acceptance(TypedDict):
    """One row of ops.acceptances; `found` is None when the check passed, so that nothing had to be accepted."""

    run_id: str
    check_name: str
    accepted_at: datetime | None
    as_of: datetime | None
    found: int | None
    why: str


def _path(staged: Path) -> Path:
    return staged / "accepted.jsonl"


def name_checks(names: Iterable[str], why: str | None, known: Sequence[str]) -> dict[str, str]:
    """Check name -> why, without anybody's name or number, for the checks named after --accept.

    Raises:
        ConfigurationError: no reason, a reason without a name, or a name that no check has; then the closest names are listed.
    """
    named = list(dict.fromkeys(names))
    if named and not (why or "").strip():
        raise ConfigurationError("--accept cần lý do: --why “…”")
    if why is not None and not named:
        raise ConfigurationError("--why chỉ dùng cùng --accept TÊN_KIỂM_TRA")
    for name in named:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=5, cutoff=0.5) or [rule for rule in known if ":" not in rule]
            raise ConfigurationError(f"không có kiểm tra nào tên “{name}”; gần nhất là: {', '.join(close)}")
    return {name: hide_personal((why or "").strip()) for name in named}


def record_acceptances(staged: Path, run_id: str, as_of: datetime, accepted: Mapping[str, str], results: Iterable[CheckResult]) -> None:
    """Keep what was accepted in this run, on disk when this returns."""
    found = {r.name: r.found for r in results if not r.is_passed}
    for name, why in accepted.items():
        line = {"run_id": run_id, "check_name": name, "accepted_at": local_now(), "as_of": as_of, "found": found.get(name), "why": why}
        append_line(_path(staged), line)


def load_acceptances(staged: Path) -> list[Acceptance]:
    """Every acceptance ever given, oldest first."""
    return [
        Acceptance(
            run_id=record["run_id"],
            check_name=record["check_name"],
            accepted_at=parse_moment(record["accepted_at"]),
            as_of=parse_moment(record["as_of"]),
            found=record["found"],
            why=record["why"],
        )
        for record in read_lines(_path(staged))
    ]
