"""The files that are timed: as many dossiers as were asked for, each under a code of its own, the same in both kinds of file."""

import csv
from datetime import datetime
from pathlib import Path

import fastexcel
import pytest
from bench import samples


def rows_of(folder: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted(folder.glob("danh_sach_*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows += csv.DictReader(stream)
    return rows


@pytest.mark.slow
def test_beyond_what_is_drawn_dossiers_come_again_under_other_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "DRAWN", 400)
    monkeypatch.setattr(samples, "ROWS_A_FILE", 100)
    made = samples.make_sample(tmp_path, 1200)
    rows = rows_of(made.raw["csv"])
    assert len(made.lists("csv")) == 12
    assert len({row["Mã hồ sơ"] for row in rows}) == len(rows) == 1200
    assert [row["STT"] for row in rows] == [str(number) for number in range(1, 1201)]
    for first, again in zip(rows, rows[800:], strict=False):
        assert first["Đơn vị giải quyết"] == again["Đơn vị giải quyết"] != ""
        filed, later = (datetime.strptime(row["Ngày nộp hồ sơ"], "%d/%m/%Y %H:%M:%S") for row in (first, again))
        assert (later - filed).total_seconds() == 10
    with pytest.raises(ValueError, match="whole multiples"):
        samples.make_sample(tmp_path, 1300)


@pytest.mark.slow
def test_workbooks_say_what_the_text_says(tmp_path: Path) -> None:
    made = samples.make_sample(tmp_path, 150)
    [workbook] = made.lists("xlsx")
    sheet = fastexcel.read_excel(str(workbook)).load_sheet(0, dtypes="string").to_arrow().to_pylist()
    assert [{name: value or "" for name, value in row.items()} for row in sheet] == rows_of(made.raw["csv"])
    assert len(rows_of(made.new["csv"])) == 150
