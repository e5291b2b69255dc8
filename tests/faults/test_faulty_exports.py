"""Everything that goes wrong with exports happens to one office in one night: each fault costs what it must and nothing more."""

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import HEADINGS, case_row, settings_in, write_reference, write_workbook
from faulty_exports import FAULTS, NEW, code

from flows.mail.ledger import Ledger, ledger_path
from flows.night import NightResult, run_night
from flows.settings import Settings
from flows.warehouse import checksum_connection, checksum_tables

pytestmark = pytest.mark.slow
BASE = "base-of-the-night-before.xlsx"
NUMBERS = {name: number for number, name in enumerate(FAULTS, start=1)}


def stem(name: str) -> str:
    return f"loi-{NUMBERS[name]:02}-{name}"


@dataclass
class Night:
    """The night of faults and what it did to the night before."""

    settings: Settings
    result: NightResult
    held_before: dict[str, Any]
    held_after: dict[str, Any]

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(question).fetchall()


def office_in(folder: Path) -> Settings:
    (folder / "raw").mkdir(parents=True)
    write_reference(folder / "reference")
    lines = "name,email,scope,summaries,frequency,language\nVăn phòng,vanphong@sonha.test,all,,daily,vi\n"
    (folder / "reference" / "recipients.csv").write_text(lines, encoding="utf-8")
    return settings_in(folder)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A good night is published and a reader holds it open; then every fault is there at once."""
    settings = office_in(tmp_path_factory.mktemp("faulty"))
    base = write_workbook(settings.raw / "base.xlsx", [HEADINGS, case_row()], titles=NEW)
    (settings.raw.parent / BASE).write_bytes(base.read_bytes())
    assert run_night(replace(settings, as_of=settings.as_of - timedelta(minutes=30))).is_published
    reader = duckdb.connect(str(settings.warehouse), read_only=True)
    before = checksum_connection(reader)
    for name, fault in FAULTS.items():
        fault.put(settings.raw, stem(name), NUMBERS[name])
    result = run_night(settings)
    after = checksum_connection(reader)
    reader.close()
    return Night(settings, result, before, after)


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_export_costs_what_it_must_and_says_so(faulty: Night, name: str) -> None:
    fault, chosen = FAULTS[name], f"file_name LIKE '{stem(name)}.%' AND file_name NOT LIKE '%.a.%'"
    if fault.status:
        ((status, error, loaded),) = faulty.ask(f"SELECT status, error, rows_loaded FROM ops.files WHERE {chosen}")
        assert status == fault.status, error
        assert (fault.told.lower() in (error or "").lower()) and (status != "rejected" or error), error
        assert fault.loaded is None or loaded == fault.loaded, faulty.ask(f"SELECT * FROM ops.rejects WHERE {chosen}")
        reasons = faulty.ask(f"SELECT reason FROM ops.rejects WHERE {chosen}")
        assert tuple(sorted(reason for (reason,) in reasons)) == tuple(sorted(fault.rejects))
    if fault.question:
        assert faulty.ask(fault.question.format(code=code(NUMBERS[name]))) == [(fault.answer,)]
    if fault.status == "rejected":
        assert any(file["file_name"].startswith(stem(name)) and file["error"] for file in faulty.result.files)


def test_the_night_is_published_and_whoever_held_the_old_warehouse_reads_on(faulty: Night) -> None:
    assert faulty.result.is_published
    assert faulty.held_after == faulty.held_before != checksum_tables(faulty.settings.warehouse)


def test_run_again_and_run_clean_give_the_same_tables(faulty: Night, tmp_path: Path) -> None:
    """Again on the same office, and by an office that meets all files at once, in one run."""
    tables = checksum_tables(faulty.settings.warehouse)
    assert run_night(faulty.settings).files_read == 0
    assert checksum_tables(faulty.settings.warehouse) == tables
    clean = office_in(tmp_path / "clean")
    shutil.copytree(faulty.settings.raw, clean.raw, dirs_exist_ok=True)
    shutil.copy(faulty.settings.raw.parent / BASE, clean.raw)  # the export whose name another one has taken
    assert run_night(clean).is_published
    assert checksum_tables(clean.warehouse) == tables


def test_the_mail_of_the_night_is_known_and_names_what_was_refused(faulty: Night) -> None:
    (row,) = Ledger(ledger_path(faulty.settings.staged)).rows()
    assert row.state == "prepared"
    message = message_from_bytes((faulty.settings.outbox / row.eml).read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))  # type: ignore[attr-defined]
    refused = [file["file_name"] for file in faulty.result.files if file["status"] == "rejected"]
    assert refused and all(name in body.get_content() for name in refused)
