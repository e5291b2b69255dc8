"""From files to differences: whole samples agree with their own tables per unit, and one changed count is one difference."""

import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from flows.figures import Difference
from flows.night import run_night
from flows.sample import SampleSummary, write_sample
from flows.settings import Settings, make_settings
from flows.warehouse_figures import load_figures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]
KINDS = {"summary06": 11, "receptions_summary": 5, "payments_summary": 6, "digitization_summary": 8}
AS_OF = datetime(2024, 6, 30, 23)


def night_of(folder: Path, raw: Path, reference: Path, as_of: datetime) -> Settings:
    settings = make_settings(raw, reference, folder / "w.duckdb", folder / "outbox", as_of)
    result = run_night(settings)
    assert result.is_published, [c for c in result.checks if not c.is_passed]
    return settings


def differences(settings: Settings) -> list[Difference]:
    return load_figures(settings.warehouse).reconciliation


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleSummary, Settings]:
    folder = tmp_path_factory.mktemp("district")
    made = write_sample(folder, seed=5, cases=800, as_of=AS_OF)
    return made, night_of(folder, made.raw, made.reference, AS_OF)


@pytest.mark.parametrize(
    ("seed", "year", "as_of"),
    [
        (2, 2024, datetime(2024, 5, 15, 10)),  # the quarter ended long before the export was made
        (3, 2025, datetime(2025, 9, 30, 23)),  # the first quarter after the reform: two units of one name
        (11, 2025, datetime(2025, 7, 12, 10)),
        (4, 2025, datetime(2025, 12, 31, 23)),
    ],
)
def test_a_sample_agrees_with_its_own_tables(tmp_path: Path, seed: int, year: int, as_of: datetime) -> None:
    made = write_sample(tmp_path / "s", seed=seed, cases=700, year=year, as_of=as_of)
    found = differences(night_of(tmp_path, made.raw, made.reference, as_of))
    assert {d.source_kind for d in found} == set(KINDS)
    assert [(d.source_kind, d.unit.name, d.figure, d.theirs, d.ours) for d in found if d.difference] == []


def test_every_figure_of_every_unit_is_compared(district: tuple[SampleSummary, Settings]) -> None:
    made, settings = district
    theirs: dict[str, dict[str, dict[str, int]]] = {}
    for d in differences(settings):
        theirs.setdefault(d.source_kind, {}).setdefault(d.unit.code, {})[d.figure] = d.theirs
    written = json.loads((made.truth / "aggregates.json").read_text(encoding="utf-8"))
    written["summary06"] = json.loads((made.truth / "summary06.json").read_text(encoding="utf-8"))
    assert theirs == written


@pytest.mark.parametrize(
    ("name", "kind", "unit", "number", "figure"),
    [
        ("BieuSo06_Quy.xls", "summary06", "UBND xã Sơn Hạ", 8, "open"),
        ("TiepNhan_TongHop.xls", "receptions_summary", "UBND xã Sơn Hạ", 0, "handled"),
    ],
)
def test_one_changed_count_is_one_difference(
    tmp_path: Path, district: tuple[SampleSummary, Settings], name: str, kind: str, unit: str, number: int, figure: str
) -> None:
    made = district[0]
    raw = shutil.copytree(made.raw, tmp_path / "raw")
    path = raw / "bao cao" / name
    text = path.read_text(encoding="utf-8")
    row = re.search(rf"<tr>(?:(?!</tr>).)*{unit}.*?</tr>", text)
    assert row
    cells = list(re.finditer(r"<td>([\d.]+)</td>", row[0][row[0].index(unit) :]))
    changed = int(cells[number][1].replace(".", "")) + 1
    at = row.start() + row[0].index(unit) + cells[number].start(1)
    path.write_text(text[:at] + str(changed) + text[at + len(cells[number][1]) :], encoding="utf-8")
    settings = night_of(tmp_path, raw, made.reference, AS_OF)
    found = [d for d in differences(settings) if d.difference]
    assert [(d.source_kind, d.unit.name, d.figure, d.difference) for d in found] == [(kind, unit, figure, 1)]
    table = (settings.outbox / "2024-06-30" / "doi-chieu.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0].startswith("Lệch") for line in table[1:3]] == [True, False], "the difference stands first"


def test_a_newer_export_of_the_same_period_wins(tmp_path: Path, district: tuple[SampleSummary, Settings]) -> None:
    """An older one with other figures is loaded, and compared no more."""
    made = district[0]
    raw = shutil.copytree(made.raw, tmp_path / "raw")
    text = (raw / "bao cao" / "BieuSo06_Quy.xls").read_text(encoding="utf-8")
    older = text.replace("Thời điểm xuất: 30/06/2024 23:00", "Thời điểm xuất: 29/06/2024 23:00")
    assert older != text
    (raw / "cu.xls").write_text(re.sub(r"<td>(\d+)</td>", r"<td>9\1</td>", older), encoding="utf-8")
    assert [d for d in differences(night_of(tmp_path, raw, made.reference, AS_OF)) if d.difference] == []


def test_without_a_period_nothing_is_compared_and_both_file_and_night_say_so(
    tmp_path: Path, district: tuple[SampleSummary, Settings]
) -> None:
    made = district[0]
    raw = shutil.copytree(made.raw, tmp_path / "raw")
    path = raw / "bao cao" / "BieuSo06_Quy.xls"
    path.write_text(re.sub(r"\(Từ ngày[^)]*\)", "(số tạm tính)", path.read_text(encoding="utf-8")), encoding="utf-8")
    settings = night_of(tmp_path, raw, made.reference, AS_OF)
    assert "summary06" not in {d.source_kind for d in differences(settings)}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        checks = dict(connection.execute("SELECT check_name, found FROM ops.checks WHERE check_name LIKE 'reconciliation%'").fetchall())
        warned = connection.execute("SELECT file_name FROM ops.warnings WHERE warning_vi LIKE '%không ghi kỳ%'").fetchall()
        files = connection.execute("SELECT rows_data, rows_loaded FROM ops.files WHERE file_name = 'bao cao/BieuSo06_Quy.xls'").fetchall()
    assert checks["reconciliation_period_missing"] == 1
    assert warned == [("bao cao/BieuSo06_Quy.xls",)]
    assert files == [(25, 25)]


def test_the_office_may_allow_a_difference(tmp_path: Path, district: tuple[SampleSummary, Settings]) -> None:
    made = district[0]
    raw, reference = shutil.copytree(made.raw, tmp_path / "raw"), shutil.copytree(made.reference, tmp_path / "reference")
    path = raw / "bao cao" / "BieuSo06_Quy.xls"
    text = path.read_text(encoding="utf-8")
    row = re.search(r"UBND xã Sơn Hạ</td><td>(\d+)</td>", text)
    assert row
    path.write_text(text[: row.start(1)] + str(int(row[1]) + 2) + text[row.end(1) :], encoding="utf-8")
    (reference / "thresholds.yml").write_text("reconciliation:\n  summary06: {absolute: 2}\n", encoding="utf-8")
    found = [d for d in differences(night_of(tmp_path, raw, reference, AS_OF)) if d.difference]
    assert [(d.difference, d.is_tolerated, d.cases) for d in found] == [(2, True, ())]
