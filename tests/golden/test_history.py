"""What every dossier was seen as, and when: told again by plain Python from the lists themselves."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import HEADINGS, case_row, rounds, settings_in, write_reference, write_workbook
from test_cli import tthc
from test_packing import FIRST_NIGHT, Portal, figures, nights, pack, stage

from flows.settings import Settings
from flows.warehouse import build_warehouse

pytestmark = pytest.mark.usefixtures("figures_only")

History = list[tuple[str, int, datetime, datetime | None, str | None, str, datetime | None, int]]
_STATUS = {"Đang xử lý": 4, "Đã xử lý xong": 9, "Đã trả kết quả": 10}


def told_again(settings: Settings, moments: list[datetime]) -> History:
    """Every dossier's states by reading list after list, a dossier's last good row of each."""
    seen: dict[str, list[tuple[datetime, tuple[object, ...]]]] = {}
    for moment in moments:
        [path] = settings.raw.glob(f"ho_so_{moment:%Y%m%d%H%M%S}.csv")
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if (
                    row["Trạng thái"] not in _STATUS
                    or row["Ngày hẹn trả"].startswith("31/02")
                    or "Không Ai Biết" in row["Đơn vị giải quyết"]
                ):
                    continue
                state = (row["Ngày kết thúc xử lý"], row["Trạng thái"])
                states = seen.setdefault(row["Mã hồ sơ"], [])
                if states and states[-1][0] == moment:
                    states.pop()
                states.append((moment, state))
    history: History = []
    for code, states in seen.items():
        changed = [pair for before, pair in zip([None, *states], states, strict=False) if before is None or before[1] != pair[1]]
        for number, (at, (finished, status)) in enumerate(changed, 1):
            before = changed[number - 2][1] if number > 1 else None
            columns = (
                None
                if before is None
                else ",".join(name for name, a, b in zip(("finished_at", "status_code"), before, (finished, status), strict=True) if a != b)
            )
            until = changed[number][0] if number < len(changed) else None
            ended = datetime.strptime(str(finished), "%d/%m/%Y %H:%M") if finished else None
            history.append((code, number, at, until, columns, "000.22.58.H48", ended, _STATUS[str(status)]))
    return sorted(history, key=lambda row: row[:2])


def history_of(settings: Settings) -> History:
    """core.case_history of a build."""
    manifest, reference = stage(settings)
    target = settings.warehouse.with_name("history.duckdb")
    build_warehouse(target, manifest, reference, settings.as_of)
    with duckdb.connect(str(target), read_only=True) as connection:
        return connection.execute(
            "SELECT case_code, state_number, valid_from, valid_to, changed_columns, unit_code, finished_at, status_code FROM core.case_history ORDER BY 1, 2"
        ).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_history_is_what_the_lists_said_one_after_the_other(tmp_path: Path, seed: int) -> None:
    settings, moments = nights(tmp_path, seed, 7)
    expected = told_again(settings, moments)
    assert any(row[1] > 2 for row in expected)
    assert history_of(settings) == expected
    pack(settings)
    assert history_of(settings) == expected
    earlier = settings_in(tmp_path, moments[3])
    assert history_of(earlier) == told_again(settings, moments[:4])


@pytest.mark.slow
@pytest.mark.campaign
def test_the_past_is_what_was_published_then(tmp_path: Path) -> None:
    """Every fifth of many nights built when nothing later was known; then those again, from all lists and packed."""
    count = rounds(20, 60)
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    portal = Portal(21, dossiers=12)
    published = {}
    for night in range(count):
        moment = FIRST_NIGHT + timedelta(days=night)
        portal.export(tmp_path / "raw", moment)
        portal.work()
        as_of = moment + timedelta(minutes=1)
        if night % 5 == 2:
            published[as_of] = figures(tmp_path, as_of)
        if night % 5 == 4:
            pack(settings_in(tmp_path, as_of))
    assert len({sums["core.case_history"] for sums in published.values()}) == count // 5
    for as_of, sums in published.items():
        again = figures(tmp_path, as_of)
        assert {name: again[name] for name in sums if not name.startswith("ops.")} == {
            name: sums[name] for name in sums if not name.startswith("ops.")
        }, f"{as_of:%d/%m/%Y}"


@pytest.mark.slow
def test_a_state_shown_again_is_a_state_of_its_own_and_names_its_rows(office: Settings, tmp_path: Path) -> None:
    settings = office
    for hour, due in ((20, "20/02/2024 17:00"), (21, "28/02/2024 17:00"), (22, "20/02/2024 17:00")):
        write_workbook(
            settings.raw / f"{hour}.xlsx", [HEADINGS, case_row(**{"Ngày hẹn trả": due})], titles=(f"Thời điểm xuất: 30/06/2024 {hour}:00",)
        )
    manifest, reference = stage(settings)
    target = tmp_path / "w.duckdb"
    build_warehouse(target, manifest, reference, settings.as_of)
    told = tthc("explain", "--history", " 000.22.58.h48-240215-0007", "--warehouse", target)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0] == "Hồ sơ 000.22.58.H48-240215-0007: 3 trạng thái đã thấy, theo thứ tự các lần xuất danh sách"
    second = told.stdout[told.stdout.index("2. Từ") : told.stdout.index("3. Từ")].split("\n   ")
    assert second[0] == "2. Từ 21:00 ngày 30/06/2024 đến 22:00 ngày 30/06/2024"
    assert second[1].endswith("20/02/2024 17:00 → 28/02/2024 17:00")
    assert second[2].strip() == "Thấy lần đầu: tệp 21.xlsx, trang “Danh sách”, dòng 4"
    assert "Bịa Đặt" not in told.stdout
    unknown = tthc("explain", "--history", "000.22.58.H48-240215-9999", "--warehouse", target)
    assert (unknown.returncode, "000.22.58.H48-240215-9999" in unknown.stderr) == (2, True)
    with duckdb.connect(str(target), read_only=True) as connection:
        rows = connection.execute(
            "SELECT state_number, hour(valid_from), hour(valid_to), changed_columns, day(due_at), f.file_name, row_number"
            " FROM core.case_history JOIN ops.files AS f USING (file_id) ORDER BY 1"
        ).fetchall()
    assert rows == [
        (1, 20, 21, None, 20, "20.xlsx", 4),
        (2, 21, 22, "due_at", 28, "21.xlsx", 4),
        (3, 22, None, "due_at", 20, "22.xlsx", 4),
    ]
