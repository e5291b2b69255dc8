"""The made-up exports: the same every time, of any size, readable by other people's readers, true to their truth."""

import csv
import hashlib
import io
import json
import re
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlrd
from lxml import etree, html

from flows.sample import SampleSummary, write_sample
from flows.sample.spelling import retone, to_cp1258, to_tcvn3

sys.path.insert(0, str(Path(__file__).parents[1]))
import oracle

CODE = re.compile(r"^(\d{3}\.\d\d\.\d\d\.H48|H48\.529|HSLT)-\d{6}-\d{4,}$")
CALENDAR = {date(2024, 2, d): False for d in (8, 9, 12, 13, 14)} | {date(2024, 5, 4): True, date(2024, 4, 29): False}
Cells = list[object]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("small"), seed=7, cases=100)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("sample"), seed=1, cases=2000)


@pytest.fixture(scope="module")
def truth(sample: SampleSummary) -> oracle.Truth:
    return oracle.load_truth(sample.truth, sample.reference)


def files_of(summary: SampleSummary) -> dict[str, dict[str, Any]]:
    files: dict[str, dict[str, Any]] = json.loads((summary.truth / "files.json").read_text(encoding="utf-8"))
    return files


def digests(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows_of(path: Path) -> list[Cells]:
    """Reads one export with a library that the product need not use the same way; hidden sheets are left out."""
    data = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            (name,) = archive.namelist()
            data = archive.read(name)
    if data[:4] == b"PK\x03\x04" and b"opendocument.spreadsheet" in data[:100]:
        return list(ods_rows(data))
    if data[:4] == b"PK\x03\x04":
        book = openpyxl.load_workbook(io.BytesIO(data))
        return [list(r) for s in book if s.sheet_state == "visible" for r in s.iter_rows(values_only=True)]
    if data[:4] == b"\xd0\xcf\x11\xe0":
        sheet = xlrd.open_workbook(file_contents=data).sheet_by_index(0)
        return [sheet.row_values(i) for i in range(sheet.nrows)]
    if data[:5] == b"<html":
        page = html.fromstring(data.decode("utf-8"))
        return [[c.text_content().strip() for c in row.iter("td", "th")] for row in page.iter("tr")]
    encoding = "utf-16" if data[:2] == b"\xff\xfe" else "cp1258" if "b_2" in path.name else "utf-8-sig"
    text = unicodedata.normalize("NFC", data.decode(encoding))
    delimiter = max(";\t|,", key=text.count)
    return [list(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter)]


def ods_rows(data: bytes) -> Iterator[Cells]:
    names = {p: f"urn:oasis:names:tc:opendocument:xmlns:{p}:1.0" for p in ("table", "text", "office")}
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        tree = etree.fromstring(book.read("content.xml"))
    for row in tree.iterfind(".//table:table-row", names):
        cells: Cells = []
        for cell in row.iterfind("table:table-cell", names):
            times = int(cell.get(f"{{{names['table']}}}number-columns-repeated", "1"))
            moment = cell.get(f"{{{names['office']}}}date-value")
            cells += [datetime.fromisoformat(moment) if moment else "".join(cell.itertext())] * times
        yield cells


def codes_in(rows: list[Cells]) -> list[str]:
    return [str(c) for row in rows for c in row if isinstance(c, str) and CODE.match(c)]


# --- the generator -------------------------------------------------------------------------------------------------


def test_same_arguments_give_the_same_bytes(small: SampleSummary, tmp_path: Path) -> None:
    again = write_sample(tmp_path / "again", seed=7, cases=100)
    assert digests(tmp_path / "again") == digests(small.raw.parent)
    assert again.files == small.files


def test_another_seed_gives_other_dossiers(small: SampleSummary, tmp_path: Path) -> None:
    other = write_sample(tmp_path, seed=8, cases=100)
    assert (other.truth / "dossiers.csv").read_bytes() != (small.truth / "dossiers.csv").read_bytes()


def test_progress_counts_up_to_the_number_asked_for(tmp_path: Path) -> None:
    seen: list[int] = []
    summary = write_sample(tmp_path, cases=150, on_progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 150 == summary.dossiers


@pytest.mark.parametrize(
    "arguments",
    [
        {"cases": 99},
        {"cases": 5_000_001},
        {"as_of": datetime(2024, 1, 7)},
        {"as_of": datetime(2025, 1, 1)},
    ],
)
def test_out_of_range_is_refused_before_anything_is_written(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        write_sample(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "real.xlsx").write_bytes(b"x")
    with pytest.raises(FileExistsError, match="raw is not empty"):
        write_sample(tmp_path)
    assert [p.name for p in tmp_path.rglob("*")] == ["raw", "real.xlsx"]


@pytest.mark.parametrize(
    ("year", "as_of"),
    [(2023, datetime(2023, 1, 8)), (2024, datetime(2024, 2, 1)), (2026, datetime(2026, 12, 31, 23, 59))],
)
def test_any_year_and_moment(tmp_path: Path, year: int, as_of: datetime) -> None:
    summary = write_sample(tmp_path, cases=100, year=year, as_of=as_of)
    facts = oracle.load_truth(summary.truth, summary.reference)
    assert len(facts.dossiers) == 100
    assert all(d.submitted and datetime(year, 1, 1) <= d.submitted <= as_of for d in facts.dossiers)
    calendar = (summary.reference / "calendar.csv").read_text(encoding="utf-8")
    assert calendar.startswith("date,is_working,note\n") and (calendar.count("\n") > 1) == (year == 2024)
    assert f"{year}-01-01,{year}-12-31" in (summary.reference / "targets.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["small", "sample"])
def test_every_file_holds_the_rows_its_receipt_tells(which: str, request: pytest.FixtureRequest) -> None:
    summary = request.getfixturevalue(which)
    checked = 0
    for path, facts in files_of(summary).items():
        if facts["status"] in ("rejected", "duplicate"):
            assert facts["rows_loaded"] == facts["rows_rejected"] == 0
        assert facts["rows_rejected"] == len(facts["reject_reasons"])
        if facts["status"] in ("loaded", "later") and facts["kind"] not in ("procedures", "summary06"):
            found = len(codes_in(rows_of(summary.raw / path)))
            without_code = facts["reject_reasons"].count("missing_case_code")
            assert found == facts["rows_loaded"] + facts["rows_rejected"] - without_code, path
            checked += 1
    assert checked >= 15


@pytest.mark.parametrize("which", ["small", "sample"])
def test_files_on_disk_are_those_accounted_for(which: str, request: pytest.FixtureRequest) -> None:
    summary = request.getfixturevalue(which)
    on_disk = digests(summary.raw)
    assert len(on_disk) == summary.files
    ignored = {p for p in on_disk if Path(p).name.startswith("~$") or p.endswith((".part", ".crdownload"))}
    files = files_of(summary)
    assert set(on_disk) - ignored == set(files) and len(ignored) == 3
    by_bytes: dict[str, list[str]] = {}
    for path in sorted(files):
        by_bytes.setdefault(on_disk[path], []).append(path)
    for first, *copies in by_bytes.values():
        assert files[first]["status"] != "duplicate"
        assert all(files[c]["status"] == "duplicate" for c in copies)
    assert sum(f["status"] == "duplicate" for f in files.values()) == 2
    assert sum(f["status"] == "rejected" for f in files.values()) == 5
    assert sum(f["status"] == "later" for f in files.values()) == 1


def test_every_reason_and_kind_occurs(sample: SampleSummary) -> None:
    files = files_of(sample).values()
    assert {r for f in files for r in f["reject_reasons"]} == {
        "missing_case_code", "unknown_unit", "bad_date", "unknown_status", "unknown_channel", "unknown_level",
        "bad_number", "unknown_word",
    }  # fmt: skip
    kinds = {f["kind"] for f in files if f["status"] == "loaded"}
    assert kinds == {"cases", "waiting", "payments", "digitization", "procedures", "summary06"}


def test_current_exports_hold_every_dossier_and_older_ones_no_other(sample: SampleSummary, truth: oracle.Truth) -> None:
    true_codes = {d.code for d in truth.dossiers}
    assert len(true_codes) == len(truth.dossiers) == 2000
    current: set[str] = set()
    for path, facts in files_of(sample).items():
        if facts["status"] == "loaded" and facts["kind"] in ("cases", "waiting"):
            codes = {c for c in codes_in(rows_of(sample.raw / path)) if not c.startswith("000.10.")}
            assert codes <= true_codes
            if facts["exported_at"] == str(sample.as_of):
                current |= codes
    assert current == true_codes


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("DSHS thang *.xls", lambda c: datetime(1899, 12, 30) + timedelta(minutes=round(float(c) * 1440))),
        ("DSHS_*b.xlsx", lambda c: datetime(1899, 12, 30) + timedelta(minutes=round(float(c) * 1440))),
        ("xuat ra/DanhSach_*.csv", lambda c: datetime.fromisoformat(c[:19]) + timedelta(hours=7)),
        ("thang*b.ods", lambda c: c),
        ("xuat ra/export *.xls", lambda c: datetime.strptime(c, "%H:%M %d/%m/%Y")),
    ],
)
def test_moments_read_back_as_they_were(sample: SampleSummary, truth: oracle.Truth, pattern: str, read: Callable[[Any], datetime]) -> None:
    (path,) = sample.raw.glob(pattern)
    rows = rows_of(path)
    (header,) = [r for r in rows if {"Ngày nộp hồ sơ", "Ngày nộp", "Thời điểm nộp"} & {str(c) for c in r}]
    names = [str(c) for c in header]
    at = next(i for i, n in enumerate(names) if n in ("Ngày nộp hồ sơ", "Ngày nộp", "Thời điểm nộp"))
    submitted = {d.code: d.submitted for d in truth.dossiers}
    found = [(codes_in([r])[0], r[at]) for r in rows if codes_in([r])]
    assert found and all(read(cell) == submitted[code] for code, cell in found)


def test_summary06_agrees_with_the_dossiers(sample: SampleSummary, truth: oracle.Truth) -> None:
    table = json.loads((sample.truth / "summary06.json").read_text(encoding="utf-8"))
    assert table == oracle.summary06(truth, date(2024, 4, 1), date(2024, 7, 1))
    rows = rows_of(sample.raw / "bao cao" / "BieuSo06_Quy.xls")
    shown = {str(r[1]): [int(str(c).replace(".", "")) for c in r[2:]] for r in rows if len(r) == 13 and r[0] != "STT"}
    assert shown["UBND xã Sơn Hạ"] == list(table["000.22.58.H48"].values())
    assert shown["Tổng số"][0] == sum(row["total"] for row in table.values())


def test_people_are_listed_and_stand_in_the_exports(sample: SampleSummary) -> None:
    people = (sample.truth / "people.txt").read_text(encoding="utf-8").splitlines()
    assert len(people) == len(set(people))
    (path,) = sample.raw.glob("DSHS thang *.xls")
    cells = {str(c) for row in rows_of(path) for c in row}
    assert len(cells & set(people)) > 100


def test_spellings() -> None:
    assert retone("Hòa Thủy toàn quý hóa, xã Sơn Thủy") == "Hoà Thuỷ toàn quý hoá, xã Sơn Thuỷ"
    assert to_tcvn3("Nguyễn Thanh Hà, bưu chính") == "NguyÔn Thanh Hµ, b\xadu chÝnh"
    text = "Đăng ký tạm trú, Ấn phẩm, Sơn Hạ, ữ ợ ặ"
    assert unicodedata.normalize("NFC", to_cp1258(text).encode("cp1258").decode("cp1258")) == text


# --- the oracle ----------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M")


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("01/03/2024 16:59", "04/03/2024 07:01", 2 / 60),  # Friday's last minute, Monday's first
        ("04/03/2024 07:00", "04/03/2024 17:00", 8.0),  # a whole day is exactly eight hours
        ("04/03/2024 07:00", "05/03/2024 07:01", 8 + 1 / 60),
        ("04/03/2024 11:00", "04/03/2024 14:00", 1.0),  # lunch does not count
        ("04/03/2024 11:30", "04/03/2024 13:30", 0.0),
        ("04/03/2024 22:00", "05/03/2024 06:00", 0.0),  # nor does the night
        ("07/02/2024 16:00", "15/02/2024 08:00", 2.0),  # Tết: 8 to 14 February
        ("03/05/2024 16:00", "06/05/2024 08:00", 10.0),  # Saturday 4 May was worked for 29 April
        ("04/03/2024 09:00", "04/03/2024 08:00", 0.0),  # never negative
    ],
)
def test_working_hours(begin: str, end: str, hours: float) -> None:
    assert oracle.working_hours(at(begin), at(end), CALENDAR) == pytest.approx(hours, abs=1e-9)


def test_library_calendar_without_overrides() -> None:
    assert not oracle.is_working_day(date(2025, 1, 29), {})  # the first day of Tết 2025
    assert oracle.is_working_day(date(2025, 4, 26), {})  # a Saturday worked for 2 May 2025
    assert oracle.is_working_day(date(2026, 1, 10), {date(2026, 1, 10): True})


def test_oracle_agrees_with_the_generator_about_derived_facts(sample: SampleSummary, truth: oracle.Truth) -> None:
    by_code = {d.code: d for d in truth.dossiers}
    with (sample.truth / "dossiers.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            dossier = by_code[row["case_code"]]
            hours = truth.waiting_hours(dossier)
            assert row["waiting_hours"] == "" if hours is None else float(row["waiting_hours"]) == pytest.approx(hours, abs=1e-3)
            assert (row["is_fee_bearing"] == "true") == dossier.is_fee_bearing
            assert (row["is_paid_online"] == "true") == dossier.is_paid_online
            assert row["service_level"] == dossier.level
            assert (row["has_result"] == "true") == dossier.has_result


def test_rates_are_possible_and_realistic(truth: oracle.Truth) -> None:
    rates = oracle.unit_rates(truth)
    assert all(0 <= hits <= total and total > 0 for hits, total in rates.values())
    assert {key[0] for key in rates} == {
        "on_time", "online_partial", "online_full", "received_within_8h", "payment_procedures", "payment_cases",
        "digitized_input", "digitized_result", "e_result", "digitized",
    }  # fmt: skip
    year = {k[0]: n / d for k, (n, d) in rates.items() if k[1:] == ("year", "2024-01-01", "all", "all")}
    assert 0.93 < year["on_time"] < 0.99
    assert 0.9 < year["received_within_8h"] < 0.97
    assert 0.6 < year["online_full"] < 0.95
    assert {(k[1], k[2]) for k in rates} <= oracle.periods(truth)
    assert not any(k[4] == "000.10.58.H48" for k in rates), "one unit must stay silent"


def test_units_add_up_to_all_but_distinct_procedures_do_not(truth: oracle.Truth) -> None:
    rates = oracle.unit_rates(truth)
    for (measure, kind, start, group, _), (hits, total) in rates.items():
        if group == "all":
            units = [v for k, v in rates.items() if k[:4] == (measure, kind, start, "unit")]
            sums = tuple(map(sum, zip(*units, strict=True)))
            assert sums >= (hits, total) if measure == "payment_procedures" else sums == (hits, total)


def test_late_receptions_are_the_breaches(truth: oracle.Truth) -> None:
    late = oracle.late_receptions(truth)
    rates = oracle.unit_rates(truth)
    hits, total = rates["received_within_8h", "year", "2024-01-01", "all", "all"]
    assert len(late) == total - hits
    assert all(hours > 8 for *_, hours, _ in late.values())
    assert any(is_waiting for *_, is_waiting in late.values())
    assert any(truth.waiting_hours(d) == 8.0 for d in truth.dossiers), "the border must occur"
