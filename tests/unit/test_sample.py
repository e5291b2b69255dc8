"""The made-up exports: the same every time, of any size, readable by other people's readers, true to their truth."""

import csv
import hashlib
import io
import itertools
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
from flows.sample.district import read_procedures
from flows.sample.spelling import retone, to_cp1258, to_tcvn3

sys.path.insert(0, str(Path(__file__).parents[1]))
import oracle

CODE = re.compile(r"^(\d{3}\.\d\d\.\d\d\.H(48|34)|H(48|34)\.\d{3}|HSLT)-\d{6}-\d{4,}$")
CALENDAR = {date(2024, 2, d): False for d in (8, 9, 12, 13, 14)} | {date(2024, 5, 4): True, date(2024, 4, 29): False}
AGGREGATES = ("receptions_summary", "payments_summary", "digitization_summary")
Cells = list[object]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("small"), seed=7, cases=100)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("sample"), seed=1, cases=2000)


@pytest.fixture(scope="module")
def reform(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    """The year in which the district and its 14 communes gave way to five communes."""
    return write_sample(tmp_path_factory.mktemp("reform"), seed=3, cases=2000, year=2025, as_of=datetime(2025, 12, 31, 23))


@pytest.fixture(scope="module")
def reform_truth(reform: SampleSummary) -> oracle.Truth:
    return oracle.load_truth(reform.truth, reform.reference)


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


@pytest.mark.slow
def test_same_arguments_give_the_same_bytes(small: SampleSummary, tmp_path: Path) -> None:
    again = write_sample(tmp_path / "again", seed=7, cases=100)
    assert digests(tmp_path / "again") == digests(small.raw.parent)
    assert again.files == small.files


@pytest.mark.slow
def test_the_reform_year_is_the_same_every_time_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_sample(tmp_path / name, cases=300, year=2025, as_of=datetime(2025, 8, 1))
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_another_seed_gives_other_dossiers(small: SampleSummary, tmp_path: Path) -> None:
    other = write_sample(tmp_path, seed=8, cases=100)
    assert (other.truth / "dossiers.csv").read_bytes() != (small.truth / "dossiers.csv").read_bytes()


@pytest.mark.slow
def test_many_dossiers_that_wait_fill_several_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write_sample(tmp_path / "whole", seed=5, cases=600)
    monkeypatch.setattr("flows.sample.writer._WAITING_ROWS", 7)
    parts = write_sample(tmp_path / "parts", seed=5, cases=600)
    lists = [codes_in(rows_of(path)) for path in sorted(parts.raw.glob("HoSoChoTiepNhan*.xlsx"))]
    assert len(lists) > 2
    assert sorted(itertools.chain(*lists)) == sorted(codes_in(rows_of(whole.raw / "HoSoChoTiepNhan.xlsx")))
    assert (parts.truth / "dossiers.csv").read_bytes() == (whole.truth / "dossiers.csv").read_bytes()
    assert {name for name in files_of(parts) if name.startswith("HoSoCho")} == {path.name for path in parts.raw.glob("HoSoCho*")}


def test_progress_counts_up_to_the_number_asked_for(tmp_path: Path) -> None:
    seen: list[int] = []
    summary = write_sample(tmp_path, cases=150, on_progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 150 == summary.dossiers


@pytest.mark.parametrize(
    "arguments",
    [
        {"cases": 99},
        {"cases": 10_000_001},
        {"as_of": datetime(2024, 1, 7)},
        {"as_of": datetime(2025, 1, 1)},
    ],
)
def test_out_of_range_is_refused_before_anything_is_written(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="phải từ"):
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


@pytest.mark.parametrize("which", ["small", "sample", "reform"])
def test_every_file_holds_the_rows_its_receipt_tells(which: str, request: pytest.FixtureRequest) -> None:
    summary = request.getfixturevalue(which)
    checked = 0
    for path, facts in files_of(summary).items():
        if facts["status"] in ("rejected", "duplicate"):
            assert facts["rows_loaded"] == facts["rows_rejected"] == 0
        assert facts["rows_rejected"] == len(facts["reject_reasons"])
        if facts["status"] in ("loaded", "later") and facts["kind"] not in ("procedures", "summary06", *AGGREGATES):
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
    assert kinds == {"cases", "waiting", "payments", "digitization", "procedures", "summary06", *AGGREGATES}


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


def aggregates(truth: oracle.Truth, begin: date, end: date) -> dict[str, dict[oracle.UnitKey, dict[str, int]]]:
    """The three tables per unit, counted again; the tier of a procedure is a fact of the catalogue."""
    tiers = {p.code: (p.fee, p.tier) for p in read_procedures() if p.is_listed}
    return {
        "receptions_summary": oracle.receptions_summary(truth, begin, end),
        "payments_summary": oracle.payments_summary(truth, begin, end, tiers),
        "digitization_summary": oracle.digitization_summary(truth, begin, end),
    }


def test_the_tables_per_unit_agree_with_the_dossiers(sample: SampleSummary, truth: oracle.Truth) -> None:
    written = json.loads((sample.truth / "aggregates.json").read_text(encoding="utf-8"))
    counted = aggregates(truth, date(2024, 4, 1), date(2024, 7, 1))
    assert written == {kind: {code: row for (code, _), row in table.items()} for kind, table in counted.items()}
    assert all(sum(row[name] for row in table.values()) > 0 for table in counted.values() for name in next(iter(table.values())))


def test_summary06_agrees_with_the_dossiers(sample: SampleSummary, truth: oracle.Truth) -> None:
    table = json.loads((sample.truth / "summary06.json").read_text(encoding="utf-8"))
    assert table == {code: row for (code, _), row in oracle.summary06(truth, date(2024, 4, 1), date(2024, 7, 1)).items()}
    assert len(table) == 25
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
            hours = truth.waiting_clock_hours(dossier)
            assert (
                row["waiting_clock_hours"] == "" if hours is None else float(row["waiting_clock_hours"]) == pytest.approx(hours, abs=1e-3)
            )


def test_rates_are_possible_and_realistic(truth: oracle.Truth) -> None:
    rates = oracle.unit_rates(truth)
    assert all(0 <= hits <= total and total > 0 for hits, total in rates.values())
    assert {key[0] for key in rates} == {
        "on_time", "online_partial", "online_full", "received_within_8h", "payment_procedures", "payment_cases",
        "digitized_input", "digitized_result", "e_result", "digitized",
        "on_time_766", "online_submission_766", "payment_766", "digitized_766", "on_time_resolved",
    }  # fmt: skip
    year = {k[0]: n / d for k, (n, d) in rates.items() if k[1:] == ("year", "2024-01-01", "all", "all")}
    assert 0.93 < year["on_time"] < 0.99
    assert 0.9 < year["received_within_8h"] < 0.97
    assert 0.6 < year["online_full"] < 0.95
    assert {(k[1], k[2]) for k in rates} <= oracle.periods(truth)
    assert not any(k[4].startswith("000.10.58.H48@") for k in rates), "one unit must stay silent"


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


# --- the measures that other offices count ---------------------------------------------------------------------------


def dossier(**facts: Any) -> oracle.Dossier:
    """A dossier of a commune, received on 10 May 2024, due on the 20th, in hand."""
    unit = oracle.Unit("000.22.58.H48", "UBND xã Sơn Hạ", "commune", date(2003, 1, 1), date(2025, 6, 30))
    plain: dict[str, Any] = {
        "code": "1", "unit": unit, "procedure": "1.001193", "level": "full", "channel": "online", "status": 4, "has_result": True,
        "submitted": at("10/05/2024 08:00"), "received": at("10/05/2024 09:00"), "due": at("20/05/2024 17:00"),
        "finished": None, "returned": None,
    }  # fmt: skip
    return oracle.Dossier(**(plain | facts))


def rate(measure: str, period: str, *dossiers: oracle.Dossier, as_of: str = "30/06/2024 23:00") -> tuple[int, int] | None:
    facts = oracle.Truth(at(as_of), {}, list(dossiers), {})
    kind = {4: "year", 7: "month"}[len(period)] if "Q" not in period else "quarter"
    begin = {"year": f"{period}-01-01", "month": f"{period}-01", "quarter": f"{period[:4]}-{int(period[-1]) * 3 - 2:02d}-01"}[kind]
    return oracle.unit_rates(facts).get((measure, kind, begin, "all", "all"))


def test_on_time_766_counts_a_dossier_once_in_every_period_it_touches() -> None:
    done = dossier(received=at("10/05/2024 09:00"), due=at("05/06/2024 17:00"), finished=at("05/06/2024 22:00"), status=10)
    assert rate("on_time_766", "2024-05", done) == (1, 1), "open at the end of May, and not yet due"
    assert rate("on_time_766", "2024-06", done) == (1, 1)
    assert rate("on_time_766", "2024Q2", done) == (1, 1), "once in the quarter, though in two of its months"
    late = dossier(due=at("31/05/2024 17:00"), finished=at("03/06/2024 08:00"), status=9)
    assert rate("on_time_766", "2024-05", late) == (1, 1), "due on the month's last day and still open then: within the deadline"
    assert rate("on_time_766", "2024-06", late) == (0, 1)
    assert rate("on_time_766", "2024Q2", late) == (0, 1)
    assert rate("on_time_766", "2024-04", late) is None


@pytest.mark.parametrize(
    ("facts", "hit"),
    [
        ({"due": at("30/06/2024 07:00")}, 1),  # due on the day of as_of
        ({"due": at("29/06/2024 17:00")}, 0),
        ({"due": None}, 1),
        ({"due": None, "supplements": 1}, 1),
        ({"due": None, "supplements": 2}, 0),  # asked for supplements more than once: late, whatever else
        ({"status": 10, "finished": at("20/05/2024 23:00"), "supplements": 2}, 0),
        ({"status": 10, "finished": at("20/05/2024 23:00")}, 1),
        ({"status": 10, "returned": at("21/05/2024 00:00")}, 0),
        ({"status": 8, "finished": at("12/05/2024 08:00")}, 1),  # stopped: ended
        ({"status": 4, "finished": at("12/05/2024 08:00")}, 0),  # an end without an end's status is none
        ({"status": 7}, 0),  # withdrawn, no end: as if open
        ({"status": 3}, None),
        ({"received": None, "status": 1}, None),
    ],
)
def test_on_time_766_of_one_dossier(facts: dict[str, Any], hit: int | None) -> None:
    assert rate("on_time_766", "2024", dossier(**facts)) == (None if hit is None else (hit, 1))


def test_on_time_resolved_goes_by_the_end() -> None:
    done = {"status": 9, "received": at("10/05/2024 09:00"), "finished": at("03/06/2024 08:00")}
    assert rate("on_time_resolved", "2024-05", dossier(**done)) is None
    assert rate("on_time_resolved", "2024-06", dossier(**done)) == (0, 1)
    assert rate("on_time_resolved", "2024-06", dossier(**done, due=None)) == (1, 1)
    assert rate("on_time_resolved", "2024-06", dossier(**done, due=at("03/06/2024 07:00"))) == (1, 1)
    assert rate("on_time_resolved", "2024", dossier(status=4)) is None


def test_payment_766_looks_at_procedures_with_a_fee() -> None:
    def line(amount: int = 8000, collection: str = "Thu trước", method: str = "Trực tuyến", state: str = "Đã thanh toán") -> oracle.FeeLine:
        return oracle.FeeLine(amount, collection, method, state)

    def counted(fees: list[oracle.FeeLine], fee: int | None) -> tuple[int, int] | None:
        return rate("payment_766", "2024", dossier(fees=fees, catalogue_fee=fee))

    assert counted([], 8000) == (0, 1)
    assert counted([line()], 8000) == (1, 1)
    assert counted([line(0), line(0)], 8000) is None
    assert counted([line(0), line(method="Tiền mặt")], 8000) == (0, 1)
    assert counted([line(0), line()], 8000) == (1, 1)
    assert counted([line(collection="Đối tượng miễn phí")], 8000) == (1, 1)
    assert counted([line(state="Hoàn phí")], 8000) == (0, 1)
    assert counted([line()], 0) is None
    assert counted([line()], None) == (1, 1)
    assert counted([line(collection="Không thu phí")], None) is None


@pytest.mark.parametrize(
    ("facts", "hit"),
    [
        ({"components": 1}, 1),
        ({"components": 0}, 0),
        ({"components": None}, 0),
        ({"components": 2, "status": 9, "finished": at("15/05/2024 08:00")}, 0),
        ({"components": 2, "status": 9, "finished": at("15/05/2024 08:00"), "result_digitized": True}, 1),
        ({"components": 3, "status": 9, "finished": at("15/05/2024 08:00"), "has_result": False}, 1),
        ({"components": 3, "status": 8, "finished": at("15/05/2024 08:00")}, 1),
    ],
)
def test_digitized_766_of_one_dossier(facts: dict[str, Any], hit: int) -> None:
    assert rate("digitized_766", "2024", dossier(**facts)) == (hit, 1)


def test_plain_hours_of_waiting() -> None:
    facts = oracle.Truth(at("13/05/2024 20:00"), {}, [], {})
    assert facts.waiting_clock_hours(dossier(submitted=at("10/05/2024 16:00"), received=at("13/05/2024 08:30"))) == 64.5
    assert facts.waiting_clock_hours(dossier(submitted=at("10/05/2024 16:00"), received=None, status=1)) == 76
    assert facts.waiting_clock_hours(dossier(channel="counter")) is None
    assert facts.waiting_clock_hours(dossier(status=3)) is None


# --- across the reform -----------------------------------------------------------------------------------------------

REFORM = datetime(2025, 7, 1)


def test_units_of_the_reform_year(reform: SampleSummary, reform_truth: oracle.Truth) -> None:
    old = {k: u for k, u in reform_truth.units.items() if k[1] == "2003-01-01"}
    new = {k: u for k, u in reform_truth.units.items() if k[1] == "2025-07-01"}
    assert len(old) == 25 and len(new) == 5
    assert all(u.valid_to == date(2025, 6, 30) for u in old.values())
    assert {u.name for u in new.values()} == {"UBND xã Sơn Hà", "UBND xã Sơn Hạ", "UBND xã Sơn Linh", "UBND xã Sơn Thủy", "UBND xã Sơn Kỳ"}
    assert {k[0] for k in old} & {k[0] for k in new} == {"000.22.58.H48"}, "one code is used again"
    came_from = {u.name: {o.name.split()[-1] for o in old.values() if reform_truth.unit_today(o) is u} for u in new.values()}
    assert came_from == {
        "UBND xã Sơn Hà": {"Lăng", "Bao", "Thượng"},
        "UBND xã Sơn Hạ": {"Hạ", "Thành", "Nham"},
        "UBND xã Sơn Linh": {"Linh", "Giang", "Cao"},
        "UBND xã Sơn Thủy": {"Trung", "Hải", "Thủy"},
        "UBND xã Sơn Kỳ": {"Kỳ", "Ba"},
    }
    assert sum(reform_truth.unit_today(o) is o for o in old.values()) == 11, "the district and its departments have no heir"
    shipped = Path(__file__).parents[2] / "data" / "reference" / "units.csv"
    assert oracle.load_units(shipped) == reform_truth.units == oracle.load_units(reform.reference / "units.csv")


def test_a_successor_is_looked_for_to_the_end_of_its_line() -> None:
    def unit(code: str, first: int, last: int, successor: str = "") -> oracle.Unit:
        return oracle.Unit(code, code, "commune", date(first, 1, 1), date(last, 12, 31), successor)

    a, b, c = unit("A", 2000, 2010, "B"), unit("B", 2011, 2015, "B"), unit("B", 2016, 2099)
    lost, gone = unit("L", 2000, 2010, "G"), unit("G", 2011, 2012)
    units = {(u.code, u.valid_from.isoformat()): u for u in (a, b, c, lost, gone)}
    facts = oracle.Truth(datetime(2024, 1, 1), units, [], {})
    assert [facts.unit_today(u) for u in (a, b, c, lost, gone)] == [c, c, c, lost, gone]


def test_a_dossier_belongs_to_the_unit_of_its_day(reform_truth: oracle.Truth) -> None:
    for d in reform_truth.dossiers:
        moment = d.received or d.submitted
        assert moment and d.unit.is_valid(moment.date())
    old = [d for d in reform_truth.dossiers if d.unit.valid_to < REFORM.date()]
    new = [d for d in reform_truth.dossiers if d.unit.valid_from >= REFORM.date()]
    assert len(old) > 700 and len(new) > 700 and len(old) + len(new) == 2000
    assert sum(d.end is not None and d.end >= REFORM for d in old) > 30, "some of the old units' dossiers ended after the reform"
    on_their_way = [d for d in new if d.submitted and d.submitted < REFORM]
    assert len(on_their_way) > 5
    prefixes = [d.code.split("-")[0] for d in new if d not in on_their_way]
    assert {"H48.901", "H48.903", "H48.904", "H48.905", "000.22.58.H48"} <= set(prefixes)
    assert sum(p.startswith("H34.") or p.endswith(".H34") for p in prefixes) > 3
    assert (
        sum(p != d.unit.code and p.startswith("000.") for p, d in zip(prefixes, (d for d in new if d not in on_their_way), strict=True))
        > 30
    )
    assert not any(d.code.startswith(("H34", "H48.9")) or ".H34-" in d.code for d in old)


@pytest.mark.slow
def test_nothing_is_lost_or_counted_twice_across_the_reform(reform_truth: oracle.Truth) -> None:
    as_was, as_is = oracle.unit_rates(reform_truth), oracle.unit_rates_as_is(reform_truth)
    received = sum(d.is_received for d in reform_truth.dossiers)
    for rates in (as_was, as_is):
        units = {k: v for k, v in rates.items() if k[:4] == ("online_submission_766", "year", "2025-01-01", "unit")}
        assert sum(total for _, total in units.values()) == received
    assert {k: v for k, v in as_was.items() if k[3] == "all"} == {k: v for k, v in as_is.items() if k[3] == "all"}
    son_ha = ["000.21.58.H48@2003-01-01", "000.25.58.H48@2003-01-01", "000.29.58.H48@2003-01-01", "H48.901@2025-07-01"]
    parts = [as_was["on_time_766", "year", "2025-01-01", "unit", code] for code in son_ha]
    rolled = tuple(map(sum, zip(*parts, strict=True)))
    assert as_is["on_time_766", "year", "2025-01-01", "unit", son_ha[-1]] == rolled
    assert not any(code in (k[4] for k in as_is) for code in son_ha[:-1])


def test_summary06_across_the_reform_names_old_units_only_while_they_have_dossiers(
    reform: SampleSummary, reform_truth: oracle.Truth
) -> None:
    table = json.loads((reform.truth / "summary06.json").read_text(encoding="utf-8"))
    wanted = oracle.summary06(reform_truth, date(2025, 10, 1), date(2026, 1, 1))
    names = {key: key[0] for key in wanted} | {key: "@".join(key) for key in wanted if key == ("000.22.58.H48", "2025-07-01")}
    assert table == {names[key]: row for key, row in wanted.items()}
    assert 5 <= len(table) < 30


def test_the_tables_per_unit_across_the_reform(reform: SampleSummary, reform_truth: oracle.Truth) -> None:
    written = json.loads((reform.truth / "aggregates.json").read_text(encoding="utf-8"))
    counted = aggregates(reform_truth, date(2025, 10, 1), date(2026, 1, 1))
    reused = ("000.22.58.H48", "2025-07-01")
    names = {kind: {key: "@".join(key) if key == reused else key[0] for key in table} for kind, table in counted.items()}
    assert written == {kind: {names[kind][key]: row for key, row in table.items()} for kind, table in counted.items()}


@pytest.mark.slow
def test_supplements_are_told_by_some_exports_only(sample: SampleSummary, truth: oracle.Truth) -> None:
    told = [d.supplements for d in truth.dossiers if d.supplements is not None]
    assert 300 < len(told) < 1500
    assert {0, 1, 2} <= set(told)
    showing = dict[str, dict[str, str]]()
    for path, facts in files_of(sample).items():
        if facts["kind"] == "cases" and facts["status"] == "loaded" and facts["exported_at"] == str(sample.as_of):
            rows = [[re.sub("[\\s\u200b]+", " ", str("" if c is None else c)).strip() for c in row] for row in rows_of(sample.raw / path)]
            header = next((r for r in rows if {"Số lần yêu cầu bổ sung", "Số lần bổ sung"} & set(r)), None)
            if header:
                column = next(i for i, heading in enumerate(header) if heading.startswith("Số lần"))
                showing[path] = {codes_in([list(r)])[0]: r[column] for r in rows if codes_in([list(r)])}
    assert len(showing) >= 5
    shown = {code: cell.removesuffix(".0") for cells in showing.values() for code, cell in cells.items()}
    for d in truth.dossiers:
        if d.supplements is not None:
            assert shown[d.code] == str(d.supplements)
        else:
            assert shown.get(d.code, "") == ""
