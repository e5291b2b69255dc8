"""Nightly lists of one district in which known manipulations are planted among honest corrections, with the truth about both beside them.

Every night a full list of dossiers is written as it stands then. Most dossiers only go on; some are corrected in good faith (a typing error the same day, an
extension granted in time, a dossier handed to another unit, late entry of a finish); and, with ``tamper``, some are repaired the way that rates invite.
"""

import csv
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from flows.sample.district import calendar_overrides, read_reference, unit_rows
from flows.sample.night_office import NEVER, Dossier, Office, State
from flows.sample.words import CASE_HEADINGS, CHANNELS, LEVELS, STATUSES
from flows.sample.writer import SampleSummary

_COLUMNS = (
    "code",
    "procedure_code",
    "procedure_name",
    "level",
    "unit",
    "channel",
    "submitted",
    "received",
    "due",
    "finished",
    "returned",
    "status",
)


def write_nights(
    out: Path,
    *,
    nights: int,
    seed: int = 1,
    cases: int = 3000,
    year: int = 2024,
    tamper: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> SampleSummary:
    """Fills ``out`` with ``raw`` (one list a night), ``reference`` and ``truth/tampering.json``; the same arguments give the same bytes.

    Args:
        out: The folder; its three sub-folders must be missing or empty.
        nights: How many, 8 to 300; the first is 1 March.
        seed: Of everything drawn.
        cases: Dossiers of the whole time, 300 to 50,000.
        year: In which they are filed; before the reform of 2025.
        tamper: Whether manipulations are planted; corrections in good faith always are.
        on_progress: Called with the number of dossiers after each night.

    Raises:
        ValueError: For a number out of range.
        FileExistsError: When a sub-folder holds something already.
    """
    if not 8 <= nights <= 300 or not 300 <= cases <= 50_000 or year > 2024:
        raise ValueError(
            f"danh sách từng đêm cần 8 đến 300 đêm, 300 đến 50.000 hồ sơ, năm trước 2025; không phải {nights} đêm, {cases} hồ sơ, năm {year}"
        )
    for name in ("raw", "reference", "truth"):
        if (out / name).is_dir() and any((out / name).iterdir()):
            raise FileExistsError(f"{out / name} is not empty; a sample needs a folder of its own")
        (out / name).mkdir(parents=True, exist_ok=True)
    office = Office(random.Random(seed), year, nights)
    office.fill(cases)
    office.correct()
    if tamper:
        office.tamper()
    _write_reference(out / "reference", year)
    for night in office.nights:
        _export(office, out / "raw", night)
        if on_progress:
            on_progress(len(office.dossiers))
    truth = {"seed": seed, "nights": nights, "cases": cases, "year": year, "planted": office.planted, "honest": office.honest}
    (out / "truth" / "tampering.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    as_of = office.nights[-1] + timedelta(minutes=30)
    return SampleSummary(out / "raw", out / "reference", out / "truth", as_of, len(office.dossiers), nights)


def _export(office: Office, raw: Path, night: datetime) -> None:
    """The full list of one night is written."""
    with (raw / f"DanhSachHoSo_{night:%Y%m%d%H%M%S}.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
        writer.writerow([CASE_HEADINGS[column][0] for column in _COLUMNS])
        for dossier in office.dossiers:
            shown = [dossier.at(night), *(s for begun, s in dossier.others if begun <= night)]
            writer.writerows(_cells(office, dossier, state) for state in shown if state)


def _cells(office: Office, dossier: Dossier, state: State) -> list[str]:
    procedure = office.procedures[dossier.procedure]
    moments = (state.submitted, state.received, state.due, state.finished, state.returned)
    return [
        dossier.code,
        procedure.code,
        procedure.name,
        LEVELS[procedure.level][0],
        office.units[state.unit].name,
        CHANNELS[dossier.channel][0],
        *(f"{moment:%d/%m/%Y %H:%M:%S}" if moment != NEVER else "" for moment in moments),
        STATUSES[state.status],
    ]


def _write_reference(folder: Path, year: int) -> None:
    validity = {"valid_from": f"{year}-01-01", "valid_to": f"{year}-12-31"}
    tables = {
        "units.csv": unit_rows(year),
        "targets.csv": [t | validity for t in read_reference("targets.csv")],
        "calendar.csv": calendar_overrides(year),
    }
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]) if rows else ["date", "is_working", "note"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
