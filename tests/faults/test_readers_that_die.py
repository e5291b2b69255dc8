"""A reader that is killed (memory taken by others, a shutdown) must not cost a good file for ever; one that really kills readers is given up."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import HEADINGS, case_row, write_workbook

from flows import reading
from flows.night import run_night
from flows.reading import ATTEMPTS, ReaderProcess
from flows.settings import Settings

pytestmark = pytest.mark.usefixtures("new_readers", "figures_only")
DIES = "import os, signal; input(); os.kill(os.getpid(), signal.SIGKILL)"


def kill_readers(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """The next `times` readers die when they are given a file; the others work."""
    started = [0]

    class Dying(ReaderProcess):
        def __init__(self, seconds: float, command: Sequence[str]) -> None:
            started[0] += 1
            super().__init__(seconds, [command[0], "-c", DIES] if started[0] <= times else command)

    monkeypatch.setattr(reading, "ReaderProcess", Dying)
    return started


@pytest.mark.slow
def test_a_killed_reader_costs_a_good_file_one_night(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    kill_readers(monkeypatch, 1)
    first = run_night(office)
    assert not first.is_published  # nothing else is there
    assert [file["error"] for file in first.files] == [
        "tiến trình đọc bị dừng vì tệp hỏng hoặc quá lớn so với bộ nhớ; lần chạy sau sẽ thử lại"
    ]
    second = run_night(office)
    assert second.is_published and [file["status"] for file in second.files] == ["loaded"]


@pytest.mark.slow
def test_a_file_that_kills_every_reader_is_given_up(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    started = kill_readers(monkeypatch, 100)
    errors = [run_night(office).files[0]["error"] for _ in range(ATTEMPTS + 2)]
    assert started == [ATTEMPTS]
    assert errors[-1] == errors[ATTEMPTS - 1] and "đã thử 3 lần; hãy xuất lại" in errors[-1]


@pytest.mark.slow
def test_what_a_killed_reader_left_is_removed(office: Settings) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    left = office.staged / "read" / "r2" / ".abc.123"
    left.mkdir(parents=True)
    (left / "01.rows.parquet").write_bytes(b"half")
    run_night(office)
    assert not left.exists()
    assert not list(Path(office.staged).rglob(".*"))
