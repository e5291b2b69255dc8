"""Reports of a real night: figures as published, Biểu số 06 read back by our own reader, files that office programs open."""

import csv
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import docx
import duckdb
import openpyxl
import pytest

from flows import cli
from flows.checking import check_file
from flows.figures import Period
from flows.night import NightResult
from flows.period_report import _rates_of, parse_report_period, write_period_report
from flows.settings import QueryError, Settings
from flows.warehouse_figures import load_figures
from transforms.exports import normalise_export
from transforms.layouts import load_lists
from transforms.period_counts import BIEU06_COLUMNS, Span, render_bieu06
from transforms.readers import read_sheets
from transforms.wording import percent_vi

Q2 = Period("quarter", date(2024, 4, 1), date(2024, 7, 1))
needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")


@pytest.fixture(scope="module")
def quarter(night: tuple[Settings, NightResult], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the second quarter by suffix."""
    settings, _ = night
    out = tmp_path_factory.mktemp("report")
    written = write_period_report(settings.warehouse, settings.reference, Q2, ("docx", "xlsx", "csv", "html"), out)
    return {path.suffix: path for path in written}


def text_of(path: Path) -> str:
    document = docx.Document(str(path))
    return "\n".join(p.text for p in document.paragraphs).replace("\u00a0", " ")


def test_the_files_are_named_for_the_period(quarter: dict[str, Path]) -> None:
    assert sorted(path.name for path in quarter.values()) == [
        "bao-cao-2024-Q2.csv",
        "bao-cao-2024-Q2.docx",
        "bao-cao-2024-Q2.html",
        "bieu-06-2024-Q2.xlsx",
    ]


def test_word_says_what_was_published(night: tuple[Settings, NightResult], quarter: dict[str, Path]) -> None:
    said = text_of(quarter[".docx"])
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        totals = connection.execute(
            "SELECT numerator, denominator FROM mart.group_rates WHERE group_kind = 'all' AND period_kind = 'quarter' AND period_start = DATE '2024-04-01' "
            "AND measure IN (SELECT measure FROM mart.unit_rates WHERE target IS NOT NULL) AND denominator > 0"
        ).fetchall()
        missed = connection.execute(
            "SELECT unit_name, numerator, denominator, target FROM mart.unit_rates WHERE period_kind = 'quarter' AND period_start = DATE '2024-04-01' "
            "AND status = 'missed' AND measure = 'online_partial'"
        ).fetchall()
        published = connection.execute(
            "SELECT unit_name, numerator, denominator, target, shortfall FROM mart.unit_rates WHERE period_kind = 'quarter' "
            "AND period_start = DATE '2024-04-01' AND target IS NOT NULL AND measure = 'on_time'"
        ).fetchall()
    assert totals
    assert missed
    for numerator, denominator in totals:
        assert f"{percent_vi(numerator, denominator)} ({numerator:,}/{denominator:,} ".replace(",", ".").replace(
            "\u00a0", " "
        ) in said.replace(",", ".")
    for name, numerator, denominator, target in missed[:8]:
        assert f"{name}: {percent_vi(numerator, denominator, target)} ({numerator}/{denominator})".replace("\u00a0", " ") in said
    table = next(t for t in docx.Document(str(quarter[".docx"])).tables if t.cell(0, 0).text == "TT")
    shown = {(r[1], r[2], r[3], r[7]) for r in ([c.text for c in row.cells] for row in table.rows[1:])}
    assert shown == {(name, str(n), str(d), str(short) if short else "") for name, n, d, _, short in published}


def test_no_number_is_parted_from_its_unit_at_the_end_of_a_line(night: tuple[Settings, NightResult], quarter: dict[str, Path]) -> None:
    document = docx.Document(str(quarter[".docx"]))
    texts = [p.text for p in document.paragraphs] + [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    pages = [quarter[".html"], *(night[0].outbox / "trang").rglob("*.html")]
    texts += [
        re.sub(r"(?s)<(svg|script|style)\b.*?</\1>", "", page.read_text(encoding="utf-8")) for page in pages
    ]  # lines of a drawing are not laid out
    assert [found for text in texts for found in re.findall(r".{0,30}\d (?:%|giờ\b|điểm phần trăm).{0,10}", text)] == []


def test_word_has_the_form_of_an_administrative_document(quarter: dict[str, Path]) -> None:
    document = docx.Document(str(quarter[".docx"]))
    first, annex = document.sections
    assert (round(first.page_width.cm, 1), round(first.page_height.cm, 1)) == (21.0, 29.7)
    assert (first.left_margin.cm, first.right_margin.cm, first.top_margin.cm) == pytest.approx((3.0, 1.5, 2.0), abs=0.01)
    assert annex.page_width > annex.page_height
    assert first.different_first_page_header_footer
    left, right = (cell.text for cell in document.tables[0].rows[0].cells)
    assert re.search(r"UBND HUYỆN SƠN HÀ\n.+\n.*\nSố: +/BC-", left)
    assert right.startswith("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc")
    assert re.search(r"Sơn Hà, ngày +tháng +năm 2024", right)
    assert document.styles["Normal"].font.name == "Times New Roman"
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert [h.split(".")[0] for h in headings] == ["I", "II", "III"]
    assert any("Nơi nhận:" in cell.text for table in document.tables for row in table.rows for cell in row.cells[:1])


def test_bieu_06_reads_back_to_the_same_counts(night: tuple[Settings, NightResult], quarter: dict[str, Path]) -> None:
    record = next(check_file(quarter[".xlsx"], night[0].reference))
    assert record["error"] is None
    assert [(sheet["kind"], sheet["rejects"]) for sheet in record["sheets"]] == [("summary06", {})]
    export = normalise_export(read_sheets(quarter[".xlsx"].read_bytes()), load_lists())
    rows = export.sheets[0].rows.to_pylist()
    assert {(row["period_first"], row["period_last"]) for row in rows} == {(date(2024, 4, 1), date(2024, 6, 30))}
    assert export.exported_at == night[0].as_of
    read = {row["unit_shown"]: tuple(row[name] for name in BIEU06_COLUMNS) for row in rows}
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        counted = connection.execute(
            f"SELECT u.unit_name, c.* EXCLUDE (unit_code, unit_valid_from) FROM ({render_bieu06(Span(Q2.start, Q2.end, night[0].as_of))}) AS c "
            "JOIN core.units AS u ON u.unit_code = c.unit_code AND u.valid_from = c.unit_valid_from"
        ).fetchall()
    assert counted
    assert {name: read[name] for name, *_ in counted} == {name: tuple(counts) for name, *counts in counted}
    assert all(set(counts) == {0} for name, counts in read.items() if name not in {name for name, *_ in counted})


def test_bieu_06_of_a_running_period_is_that_of_its_days_so_far(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    """On the 30th of June the form of the year is the form of the half-year: it says so, and no dossier is overdue by a day that is to come."""
    settings, _ = night
    read = []
    for kind, text in (("year", "2024"), ("half", "2024-H1")):
        [path] = write_period_report(settings.warehouse, settings.reference, parse_report_period(kind, text), ("xlsx",), tmp_path)
        export = normalise_export(read_sheets(path.read_bytes()), load_lists())
        read.append(export.sheets[0].rows.to_pylist())
    assert {(row["period_first"], row["period_last"]) for row in read[0]} == {(date(2024, 1, 1), date(2024, 6, 30))}
    assert read[0] == read[1]


def test_bieu_06_adds_up(quarter: dict[str, Path]) -> None:
    sheet = openpyxl.load_workbook(quarter[".xlsx"]).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=11)]
    units = [row for row in rows if isinstance(row[0], int)]
    total = next(row for row in rows if row[1] == "Tổng số")
    for row in [*units, total]:
        _, _, all_, online, direct, carried, done, early, on_day, late, still, inside, over = row
        assert all_ == online + direct + carried
        assert done == early + on_day + late
        assert still == all_ - done == inside + over
    assert total[2:] == [sum(column) for column in zip(*(row[2:] for row in units), strict=True)]
    assert total[2] > 0


def test_the_table_has_every_unit_with_a_target(night: tuple[Settings, NightResult], quarter: dict[str, Path]) -> None:
    with quarter[".csv"].open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        published = connection.execute(
            "SELECT m.label_vi, r.unit_name, r.numerator, r.denominator FROM mart.unit_rates AS r JOIN mart.measures AS m USING (measure) "
            "WHERE r.period_kind = 'quarter' AND r.period_start = DATE '2024-04-01' AND r.target IS NOT NULL AND m.family = 'plan'"
        ).fetchall()
    shown = {(r["Chỉ số"], r["Đơn vị"], int(r["Đạt"]), int(r["Tổng"])) for r in rows if r["Đơn vị"] != "Toàn bộ"}
    assert shown == set(published)


def test_the_page_needs_nothing_but_itself(quarter: dict[str, Path]) -> None:
    page = quarter[".html"].read_text(encoding="utf-8")
    assert "<svg" in page
    assert not re.search(r"<(script|link|img|iframe)\b|\b(src|href)=[\"'](?!#)", page)


def test_a_half_year_counts_what_its_months_and_quarters_count(night: tuple[Settings, NightResult]) -> None:
    figures = load_figures(night[0].warehouse)
    half = parse_report_period("half", "2024-H1")
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        rates, groups = _rates_of(connection, figures, half)
        for name in ("on_time", "online_full", "received_within_8h", "digitized"):
            months = [
                r for r in figures.rates if r.measure == name and r.period.kind == "month" and half.start <= r.period.start < half.end
            ]
            for rate in (r for r in rates if r.measure == name):
                own = [m for m in months if m.unit == rate.unit]
                assert (rate.numerator, rate.denominator) == (sum(m.numerator for m in own), sum(m.denominator for m in own))
        # all of the sample is of its first half, so the half-year is the year, distinct counts and targets too
        year = {(r.measure, r.unit): r for r in figures.rates if r.period.kind == "year" and r.period.start == half.start}
        plan = {m.name for m in figures.measures if m.family == "plan"}
        for rate in (r for r in rates if r.measure in plan):
            same = year[rate.measure, rate.unit]
            assert (rate.numerator, rate.denominator, rate.target, rate.status, rate.shortfall) == (
                same.numerator,
                same.denominator,
                same.target,
                same.status,
                same.shortfall,
            )
        assert {k: v for k, v in groups.items() if k in plan} == {
            r.measure: (r.numerator, r.denominator)
            for r in figures.groups
            if r.period.kind == "year" and r.period.start == half.start and r.group == "all" and r.measure in plan
        }


def test_a_period_without_data_is_an_answer_not_a_document(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    for kind, text in (("month", "2019-01"), ("half", "2019-H1")):
        with pytest.raises(QueryError, match=r"không có số liệu của kỳ 2019.*có: "):
            write_period_report(night[0].warehouse, night[0].reference, parse_report_period(kind, text), ("docx",), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_command_wants_exactly_one_period(
    night: tuple[Settings, NightResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--warehouse", str(night[0].warehouse), "--reference", str(night[0].reference), "--out", str(tmp_path)]
    for wrong in ([], ["--month", "2024-06", "--year", "2024"], ["--month", "06/2024"], ["--month", "2024-06", "--format", "pdf"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["report", *wrong, *where])
        assert stopped.value.code == cli.EXIT_USAGE
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        cli.main(["report", "--month", "2024-06", "--format", "csv,xlsx", *where])
    assert not stopped.value.code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bao-cao-2024-06.csv", "bieu-06-2024-06.xlsx"]


def convert(path: Path, out: Path) -> int:
    """How many pages LibreOffice makes of a file."""
    done = subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{out}/profile", "--headless", "--convert-to", "pdf", "--outdir", str(out), str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Error" not in done.stderr
    return len(re.findall(rb"/Type\s*/Page\b", (out / f"{path.stem}.pdf").read_bytes()))


@pytest.mark.slow
@needs_office
def test_libreoffice_prints_workbook_report_and_form(night: tuple[Settings, NightResult], quarter: dict[str, Path], tmp_path: Path) -> None:
    workbook = next(path for path in night[1].summaries if path.suffix == ".xlsx")
    assert convert(workbook, tmp_path) >= 7, "a page for each sheet at least"
    assert convert(quarter[".docx"], tmp_path) >= 8
    assert convert(quarter[".xlsx"], tmp_path) >= 1


@pytest.mark.slow
@needs_office
def test_libreoffice_keeps_codes_and_accents_of_the_workbook(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    workbook = next(path for path in night[1].summaries if path.suffix == ".xlsx")
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(tmp_path),
            str(workbook),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    ours, theirs = openpyxl.load_workbook(workbook), openpyxl.load_workbook(tmp_path / workbook.name)
    assert ours.sheetnames == theirs.sheetnames
    for sheet in ours:
        for row in sheet.iter_rows():
            for cell in row:
                other = theirs[sheet.title].cell(cell.row, cell.column).value
                same = abs(cell.value - other) < 1e-9 if isinstance(cell.value, float) and other is not None else cell.value == other
                assert same, f"{sheet.title}!{cell.coordinate}: {cell.value!r} became {other!r}"
