"""Every way to spoil a night is held back or reported by the check that it names; the untouched night passes without a false alarm."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from faults.defects import DEFECTS, TRIPPED_BY_FILES, TRIPPED_BY_THE_SAMPLE, Defect

from expectations import CheckResult
from expectations.checks import load_rules
from expectations.suites import Frame
from flows import night as nights
from flows.night import NightResult, Step, run_night
from flows.sample import write_sample
from flows.settings import Settings, make_settings
from flows.site.drawing import Drawing
from flows.validation import Validation

RATES = ("mart.unit_rates", "mart.unit_rates_today", "mart.group_rates")


def statements(defect: Defect) -> list[str]:
    """A defect of {t} spoils all tables of rates alike."""
    return [defect.sql.format(t=table) for table in RATES] if "{t}" in defect.sql else [defect.sql] if defect.sql else []


class Warm:
    """One process with Great Expectations for all nights here, asked about the tables that a defect touches."""

    def __init__(self) -> None:
        self.process = Validation()
        self.tables: set[str] | None = None

    def ask(self, built: Path, frames: Sequence[Frame], meanwhile: Callable[[], list[CheckResult]]) -> list[CheckResult]:
        return self.process.ask(built, [f for f in frames if self.tables is None or f.name in self.tables], meanwhile)

    def start_docs(self, *job: Any) -> None:
        pass

    def finish(self) -> bool:
        return False

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    made = Warm()
    yield made
    made.process.close()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> tuple[Settings, NightResult, Path]:
    """A night on a sample of 800 dossiers, and a copy of what it built."""
    folder = tmp_path_factory.mktemp("good")
    made = write_sample(folder, seed=7, cases=800)
    settings = make_settings(made.raw, made.reference, folder / "w.duckdb", folder / "outbox", made.as_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nights, "Validation", lambda: warm)
        result = run_night(settings)
    shutil.copy(settings.warehouse, folder / "good.duckdb")
    return settings, result, folder / "good.duckdb"


@pytest.mark.slow
def test_the_untouched_night_passes_without_a_false_alarm(good: tuple[Settings, NightResult, Path]) -> None:
    result = good[1]
    assert result.is_published
    failed = {check.name for check in result.checks if not check.is_passed}
    assert failed <= {
        "rows_rejected",
        "files_rejected",
        "finished_before_received",
        "dates_after_as_of",
        "odd_case_code",
        "procedure_unlisted",
        "unknown_status_words",
        "unknown_unit_names",
    }
    assert len(result.checks) > 400


def spoil(good_file: Path, settings: Settings, defect: Defect) -> Callable[[Step], Step]:
    """Steps of a night whose build is the good one, spoiled."""

    def build(*_: Any) -> None:
        built = settings.warehouse.with_name(f"{settings.warehouse.name}.building")
        shutil.copy(good_file, built)
        with duckdb.connect(str(built)) as connection:
            for sql in statements(defect):
                connection.execute(sql)

    def list_all_rejected(*arguments: Any) -> Any:
        manifest = nights.list_exports(*arguments)
        for file in manifest.files:
            file["status"] = "rejected"
        return manifest

    replaced: dict[str, Step] = {"build": build} | ({"list_exports": list_all_rejected} if defect.rejects_all else {})
    return lambda step: replaced.get(step.__name__, step)


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name)
def test_a_spoiled_night_is_noticed_by_name(
    defect: Defect, good: tuple[Settings, NightResult, Path], warm: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, clean, good_file = good
    monkeypatch.setattr(nights, "Validation", lambda: warm)
    monkeypatch.setattr(nights, "report", report_nothing)
    shutil.copy(good_file, settings.warehouse)
    before = settings.warehouse.read_bytes()
    warm.tables = set(re.findall(r"\b(?:core|mart|ops)\.\w+", " ".join(statements(defect))))
    try:
        result = run_night(settings, step=spoil(good_file, settings, defect))
    finally:
        warm.tables = None
    usual = {check.name: check.found for check in clean.checks}
    found = {check.name: check for check in result.checks}
    quiet = [name for name in defect.trips if found[name].found <= usual.get(name, 0)]
    assert quiet == [], {name: check.found for name, check in found.items() if check.found}
    held = [check for check in result.checks if check.severity == "critical" and not check.is_passed]
    assert result.is_published == (not held)
    if any(found[name].severity == "critical" for name in defect.trips):
        assert not result.is_published
    if held:
        assert settings.warehouse.read_bytes() == before
        assert not settings.warehouse.with_name(f"{settings.warehouse.name}.building").exists()


def report_nothing(settings: Settings, drawing: Drawing) -> list[Path]:
    return []


@pytest.mark.slow
def test_every_rule_has_a_defect_that_trips_it(good: tuple[Settings, NightResult, Path]) -> None:
    tripped = {name for defect in DEFECTS for name in defect.trips}
    elsewhere = (*TRIPPED_BY_THE_SAMPLE, *TRIPPED_BY_FILES)
    by_sample = {check.name for check in good[1].checks if not check.is_passed}
    assert [rule.name for rule in load_rules() if rule.name not in tripped and rule.name not in elsewhere] == []
    assert set(TRIPPED_BY_THE_SAMPLE) <= by_sample
    assert len(DEFECTS) >= 40
