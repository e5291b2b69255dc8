"""Good rows cost no Python: how many calls it takes to stage an export does not grow with its rows."""

import hashlib
import sys
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import xlsxwriter
from conftest import HEADINGS, case_row

from flows.staging import stage_export
from transforms.limits import Limits

ROWS = 20_000
# Recorded 2026-11-27: 65,500 for a workbook of 20,000 rows, of which the search for the headings takes 62,000 and every slice some 50.
MOST_CALLS = 70_000


def write_export(path: Path, rows: int) -> None:
    """A list of dossiers, each with its own code and moments."""
    cells = [[str(cell) for cell in HEADINGS]]
    at = [str(cell) for cell in HEADINGS].index("Mã hồ sơ")
    for number in range(rows):
        row = ["" if cell is None else str(cell) for cell in case_row()]
        row[at] = f"H48.529-240215-{number:05d}"
        cells.append([text.replace(":00", f":{number % 60:02d}") for text in row])
    if path.suffix == ".csv":
        path.write_text("\r\n".join(",".join(f'"{cell}"' for cell in row) for row in cells), encoding="utf-8-sig")
        return
    if path.suffix == ".xls":
        lines = "\n".join("<tr>" + "".join(f"<td>{cell or '&nbsp;'}</td>" for cell in row) + "</tr>" for row in cells)
        path.write_text(f"<html><body><table>\n{lines}\n</table></body></html>", encoding="utf-8")
        return
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(cells):
            sheet.write_row(number, 0, row)


def count_calls(folder: Path, name: str, rows: int) -> int:
    """Calls of Python and C functions while the export is staged."""
    path = folder / name
    write_export(path, rows)
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    task = {"raw": str(folder), "file_name": name, "member": None, "file_id": hashlib.sha256(path.read_bytes()).hexdigest()}
    lists = {"extra_headings": "", "extra_words": "", "limits": asdict(Limits())}
    stage_export(**task, folder=str(folder / f"warm_{rows}"), **lists)  # lists, patterns and codecs are loaded once a process
    sys.setprofile(count)
    try:
        answer = stage_export(**task, folder=str(folder / f"staged_{rows}"), **lists)
    finally:
        sys.setprofile(None)
    assert answer == {"status": "read", "error": None}
    return calls


@pytest.mark.parametrize("name", [pytest.param("ho_so.xlsx", marks=pytest.mark.slow), "ho_so.csv", "ho_so.xls"])
def test_staging_20_000_rows_takes_hardly_more_calls_than_200(tmp_path: Path, name: str) -> None:
    few, many = count_calls(tmp_path, name, 200), count_calls(tmp_path, name, ROWS)
    assert many < MOST_CALLS, f"{many} calls for {ROWS} rows"
    assert many < few + ROWS / 5, f"{few} calls for 200 rows, {many} for {ROWS}"
