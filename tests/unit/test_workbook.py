"""The workbook and the report from figures built by hand: what looks like a formula or markup is only ever text."""

import io
import re
import time
import zipfile
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import docx
import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from flows import report_charts
from flows.bieu06 import Bieu06, write_bieu06
from flows.document import write_document
from flows.figures import (
    Check,
    Difference,
    Figures,
    File,
    Finding,
    Freshness,
    LateReception,
    Measure,
    Period,
    Rate,
    Restatement,
    RuleEffect,
    SourceState,
    Unit,
    WorkItem,
)
from flows.office import Office, bare_name, load_office
from flows.period_report import name_of, parse_report_period, render_page
from flows.report_charts import draw_pictures
from flows.settings import ConfigurationError, QueryError
from flows.sheet_writing import write_package
from flows.spreadsheets import FORMATS, Column, new_book, put, write_table, write_title
from flows.workbook import write_workbook
from transforms.period_counts import BIEU06_COLUMNS, Span
from transforms.period_result import MeasureResult, PeriodResult, UnitResult
from transforms.report_text import title_vi, write_text
from transforms.wording import hours_left_vi, hours_vi

AS_OF = datetime(2024, 6, 30, 23)
PAYLOADS = [
    "=cmd|' /C calc'!A0",
    "+1",
    "@SUM(A1)",
    "-1+1",
    "\t=1",
    "\r=1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\x00b\x0bc",
    "&#61;1",
]


def figures(text: str, units: int = 1) -> Figures:
    """A night's figures with one text wherever text can stand."""
    month = Period("month", date(2024, 6, 1), date(2024, 7, 1))
    year = Period("year", date(2024, 1, 1), date(2025, 1, 1))
    all_units = [Unit(f"000.{n}.58.H48", date(2003, 1, 1), text, "commune") for n in range(units)]
    measures = [Measure(f"m{n}", text, text, text, "plan", False, text) for n in range(10)]
    rates = [
        Rate(m.name, m.criterion, p, u, None, 39, 40, 0.99, "missed", 1, AS_OF, True)
        for p in (year, month)
        for u in all_units
        for m in measures
    ]
    groups = [Rate(m.name, m.criterion, p, None, "all", 39, 40, None, "no_target", None) for p in (year, month) for m in measures]
    unit = all_units[0]
    return Figures(
        AS_OF,
        measures,
        [year, month],
        all_units,
        rates,
        groups,
        [LateReception(text, unit, AS_OF, None, 9.5, True)],
        [WorkItem(1, text, unit, "1.000010", text, "overdue", AS_OF, -2.5, AS_OF, AS_OF, text)],
        [],
        [(1, unit, text)],
        [Freshness("cases", text, None, AS_OF, "red", text, text)],
        [Difference("summary06", unit, month, "total", text, 5, 3, 2, False, note_vi=text, cases=((text, text),))],
        [Check("x", "warning", 3, False, text, text)],
        [File(text, text, "cases", "rejected", AS_OF, 3, 2, 1, text, text)],
        [("bad_date", text, text, 4)],
        [],
        sources=[SourceState(text, "yellow", None, text)],
        restatements=[
            Restatement(
                date(2024, 6, 30),
                date(2024, 6, 29),
                text,
                month,
                unit,
                (39, 40, "met"),
                (38, 40, "missed"),
                "changed",
                text,
                1,
                text,
                ((text, "numerator", "denominator", "changed", text),),
            )
        ],
        findings=[Finding("reopened:1", "reopened", "ask", text, unit, text, 1, AS_OF, text, text, text, text, text, text, 0.1)],
        effects=[RuleEffect("reopened", "ask", text, unit, 1, 1, text, 0.1)],
    )


def report(text: str) -> PeriodResult:
    """A period's result with one text wherever text can stand."""
    unit = UnitResult(text, 8, 10, 0.97, "missed", 2, (9, 10, 0.97), {"open_overdue": 2}, [(text, text, 2)], True)
    measure = MeasureResult("on_time", text, text, False, (8, 10), (9, 10), [unit])
    counts = dict.fromkeys(BIEU06_COLUMNS, 1)
    return PeriodResult(
        "month", date(2024, 6, 1), date(2024, 7, 1), AS_OF, date(2024, 5, 1), [measure], counts, {text: (1, 1)}, 9.0, [text], text
    )


def office(text: str) -> Office:
    return Office(text, text, text, text, text, text, (text,))


def form(text: str) -> Bieu06:
    return Bieu06(
        Span(date(2024, 6, 1), date(2024, 7, 1), AS_OF), [(Unit("000.22.58.H48", date(2003, 1, 1), text, "commune"), tuple(range(11)))]
    )


def parts(path: Path) -> dict[str, str]:
    """The XML of a package by name."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name).decode() for name in package.namelist() if name.endswith((".xml", ".rels"))}


def is_harmless(path: Path) -> bool:
    """No formula, no link to the outside and no data exchange in a workbook."""
    found = parts(path)
    sheets = [xml for name, xml in found.items() if name.startswith("xl/worksheets/")]
    return (
        bool(sheets)
        and not any(re.search(r"<f[ >/]", xml) for xml in sheets)
        and not any("externalLink" in name or "ddeLink" in xml for name, xml in found.items())
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_planted_in_any_text_comes_alive(tmp_path: Path, payload: str) -> None:
    path = write_workbook(figures(payload), tmp_path)
    assert is_harmless(path)
    every = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    cells = [cell for cell in every if isinstance(cell.value, str)]
    shown = payload.replace("\x00", "").replace("\x0b", "").replace("\r", "\n")  # XML knows one kind of line end
    assert sum(cell.value.replace("\r", "\n") == shown for cell in cells) >= 20, "shown as it is, not lost"
    assert not any(cell.data_type == "f" for cell in every)
    assert is_harmless(write_bieu06(form(payload), office(payload), tmp_path / "b.xlsx"))

    made = report(payload)
    blocks = write_text(made)
    page = render_page(title_vi(made), blocks, {}, form(payload), AS_OF, office(payload))
    assert "<script" not in page
    assert "<img" not in page
    data = write_document(office(payload), title_vi(made), AS_OF, blocks, {}, form(payload), 2024)
    (tmp_path / "a.docx").write_bytes(data)
    paragraphs = "\n".join(p.text for p in docx.Document(str(tmp_path / "a.docx")).paragraphs)
    if payload.isprintable():
        assert payload in paragraphs
    fields = re.findall(r"<w:instrText[^>]*>([^<]*)<", "".join(parts(tmp_path / "a.docx").values()))
    assert set(fields) == {"PAGE"}


def test_what_looks_like_a_formula_is_marked_as_text(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(write_workbook(figures("=1+1"), tmp_path))["Chậm tiếp nhận"]
    cell = sheet["A5"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1", "s", True)


def test_a_planted_text_in_a_chart_is_only_drawn() -> None:
    _, drawings = draw_pictures(report('"><img src=x onerror=alert(1)>'))
    assert drawings
    assert not any("<img" in svg or "<script" in svg for svg in drawings.values())


def test_totals_have_no_target_and_are_drawn_without_one() -> None:
    """8 of 10 misses the unit's 97 %: the unit's bar says so, the total's is neither marked nor red and has no line of a target."""
    _, drawings = draw_pictures(report("Đơn vị"))
    missed = {name: ("×" in svg, "#8C3B34" in svg, "chỉ tiêu" in svg) for name, svg in drawings.items()}
    assert missed == {"overall": (False, False, False), "on_time": (True, True, True)}
    assert all("80,0" in svg or "80 %" in svg or "80\u00a0%" in svg for svg in drawings.values())


def test_pictures_have_words_whatever_fonts_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    made = report("Đơn vị Ệ")
    pictures, _ = draw_pictures(made)
    monkeypatch.setattr(report_charts, "_FONT", "A family that no machine has")
    without_words, _ = draw_pictures(made)
    assert pictures.keys() == without_words.keys()
    assert all(len(pictures[name]) > 1.5 * len(without_words[name]) for name in pictures), "no fonts of this machine are named"


def test_cells_keep_their_types_and_codes(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write_workbook(figures("UBND xã Sơn Hạ"), tmp_path))
    assert book.sheetnames == [
        "Đọc trước",
        "Bảng điểm",
        "Chỉ tiêu không đạt",
        "Chậm tiếp nhận",
        "Việc cần làm",
        "Đối chiếu",
        "Cần hỏi",
        "Số đã thay đổi",
        "Chất lượng dữ liệu",
    ]
    score = book["Bảng điểm"]
    assert [cell.value for cell in score[6]][:8] == ["Năm 2024", "000.0.58.H48", "UBND xã Sơn Hạ", 10, 0.975, 39, 40, "✗"]
    assert score["E6"].number_format == "0.00%"
    assert (score.freeze_panes, score.print_title_rows) == ("D6", "$4:$5")
    work = book["Việc cần làm"]
    assert (work["E5"].value, work["E5"].data_type) == ("1.000010", "s")
    assert (work["H5"].value, work["H5"].number_format) == (AS_OF, "dd/mm/yyyy hh:mm")
    assert work["I5"].value == -2.5
    for sheet in book:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert "&P" in sheet.oddFooter.right.text
    assert book["Chậm tiếp nhận"].auto_filter.ref == "A4:G5"
    assert book["Đọc trước"]._charts


def test_a_measure_of_the_scorecard_stands_on_one_sheet_of_paper(tmp_path: Path) -> None:
    """A machine without the workbook's font takes a wider one: LibreOffice with DejaVu gives a character 9 pixels, Excel 7."""
    made = figures("UBND xã Sơn Hạ")
    measure, rates = made.measures[0], [rate for rate in made.rates if rate.measure == made.measures[0].name]
    names = [f"measure_{number}" for number in range(10)]
    made = replace(
        made,
        measures=[replace(measure, name=name) for name in names],
        rates=[replace(r, measure=n) for n in names for r in rates],
        groups=[],
    )
    score = openpyxl.load_workbook(write_workbook(made, tmp_path))["Bảng điểm"]
    widths = {number: score.column_dimensions[get_column_letter(number)].width * 9 + 5 for number in range(1, score.max_column + 1)}
    cuts = [0, *(mark.id for mark in score.col_breaks.brk), score.max_column]
    assert all((cut - 4) % 4 == 0 for cut in cuts[1:])
    paper = 297 / 25.4 - score.page_margins.left - score.page_margins.right
    for first, last in pairwise(cuts):
        printed = sum(width for number, width in widths.items() if number <= 3 or first < number <= last)
        assert printed / 96 * score.page_setup.scale / 100 <= paper


@pytest.mark.parametrize("length", [30, 61, 130])
def test_a_long_name_is_whole_in_every_row_of_the_scorecard(tmp_path: Path, length: int) -> None:
    """Only the first two lines were shown; bold or wider letters leave less room than the width says."""
    name = ("Trung tâm Phục vụ hành chính công và Kiểm soát thủ tục hành chính " * 2)[:length]
    score = openpyxl.load_workbook(write_workbook(figures(name), tmp_path))["Bảng điểm"]
    assert score["C6"].value == name
    assert score.row_dimensions[6].height >= 15.5 * length / score.column_dimensions["C"].width


def test_a_target_met_by_old_data_is_not_shown_as_met(tmp_path: Path) -> None:
    made = figures("A")
    old = replace(made, rates=[replace(rate, status="met", shortfall=0) for rate in made.rates])
    fresh = replace(old, rates=[replace(rate, is_stale=False) for rate in old.rates])
    for shown, sign, remark in ((old, "▲", "▲ 1 đơn vị theo số liệu cũ"), (fresh, "✓", "✓ Không có đơn vị nào không đạt")):
        book = openpyxl.load_workbook(write_workbook(shown, tmp_path))
        assert book["Bảng điểm"]["H6"].value == sign
        assert remark in {row[4] for row in book["Đọc trước"].iter_rows(values_only=True)}


def test_hours_read_as_in_every_other_output(tmp_path: Path) -> None:
    made = figures("A")
    late, work = replace(made.late[0], waiting_hours=8.0028), replace(made.worklist[0], hours_left=-2.51)
    book = openpyxl.load_workbook(write_workbook(replace(made, late=[late], worklist=[work]), tmp_path))
    cells = [book["Chậm tiếp nhận"]["F5"], book["Việc cần làm"]["I5"]]
    assert [(cell.value, cell.number_format) for cell in cells] == [(8.1, "#,##0.0"), (-2.6, "#,##0.0")]
    assert [hours_vi(8.0028), hours_left_vi(-2.51)] == ["8,1\N{NO-BREAK SPACE}giờ", "quá 2,6\N{NO-BREAK SPACE}giờ"]


def test_a_rate_without_denominator_is_an_empty_cell(tmp_path: Path) -> None:
    made = figures("A")
    made = replace(made, rates=[replace(rate, numerator=0, denominator=0, status="no_data", shortfall=None) for rate in made.rates])
    score = openpyxl.load_workbook(write_workbook(made, tmp_path))["Bảng điểm"]
    assert [cell.value for cell in score[6]][3:8] == [0, None, 0, 0, "–"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "shown"),
    [(99_999, 100_000, 1.0, 0.9999), (969_999, 1_000_000, 0.97, 0.9699), (2, 3, 0.97, 2 / 3)],
)
def test_rounding_never_lifts_a_rate_onto_its_target(tmp_path: Path, numerator: int, denominator: int, target: float, shown: float) -> None:
    made = figures("A")
    made = replace(made, rates=[replace(rate, numerator=numerator, denominator=denominator, target=target) for rate in made.rates])
    counts = (numerator, denominator, "missed")
    made = replace(made, restatements=[replace(restated, before=counts, now=counts, target=target) for restated in made.restatements])
    book = openpyxl.load_workbook(write_workbook(made, tmp_path))
    cells = [book["Bảng điểm"]["E6"], book["Số đã thay đổi"]["G5"], book["Số đã thay đổi"]["J5"]]
    assert [cell.value for cell in cells] == pytest.approx([shown] * 3, abs=1e-12)


def test_empty_figures_make_a_workbook_that_says_so(tmp_path: Path) -> None:
    made = replace(
        figures("A"),
        rates=[],
        groups=[],
        late=[],
        worklist=[],
        reconciliation=[],
        checks=[],
        files=[],
        rejects=[],
        freshness=[],
        current=[],
    )
    book = openpyxl.load_workbook(write_workbook(made, tmp_path))
    assert "Không có dòng nào" in book["Việc cần làm"]["A2"].value


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_workbook(figures("A"), tmp_path).read_bytes()
    made = report("A")
    document = write_document(office("A"), "A", AS_OF, write_text(made), {}, form("A"), 2024)
    time.sleep(1.1)  # the modified time is written to the second
    assert write_workbook(figures("A"), tmp_path).read_bytes() == first
    assert write_document(office("A"), "A", AS_OF, write_text(made), {}, form("A"), 2024) == document


@pytest.mark.slow
def test_a_province_s_workbook_is_quick(tmp_path: Path) -> None:
    made = figures("UBND xã Sơn Hạ", units=300)
    began = time.process_time()
    write_workbook(made, tmp_path)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("kind", "text", "start", "end"),
    [
        ("month", "2024-06", date(2024, 6, 1), date(2024, 7, 1)),
        ("month", "2024-12", date(2024, 12, 1), date(2025, 1, 1)),
        ("quarter", "2024-q2", date(2024, 4, 1), date(2024, 7, 1)),
        ("half", "2024-H2", date(2024, 7, 1), date(2025, 1, 1)),
        ("year", "2024", date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_periods_are_read_and_named(kind: str, text: str, start: date, end: date) -> None:
    period = parse_report_period(kind, text)
    assert (period.start, period.end) == (start, end)
    assert name_of(period) == text.upper()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("month", "2024-13"),
        ("month", "2024-6"),
        ("month", "2024"),
        ("quarter", "2024-Q5"),
        ("quarter", "2024-02"),
        ("half", "2024-H3"),
        ("year", "2024-01"),
        ("year", "x"),
    ],
)
def test_what_is_no_period_is_refused(kind: str, text: str) -> None:
    with pytest.raises(QueryError, match="không phải kỳ dạng"):
        parse_report_period(kind, text)


def test_the_office_is_derived_where_no_file_says_it(tmp_path: Path) -> None:
    district = Unit("1", date(2003, 1, 1), "UBND huyện Sơn Hà", "district")
    commune = Unit("2", date(2003, 1, 1), "UBND xã Sơn Hạ", "commune")
    made = load_office(tmp_path, [commune, district])
    assert (made.superior, made.place, made.signer) == ("UBND HUYỆN SƠN HÀ", "Sơn Hà", "CHÁNH VĂN PHÒNG")
    alone = load_office(tmp_path, [commune])
    assert (alone.superior, alone.name, alone.symbol, alone.signer) == ("", "UBND XÃ SƠN HẠ", "BC-UBND", "CHỦ TỊCH")
    (tmp_path / "office.toml").write_text('place = "Di Lăng"\nrecipients = ["Lưu: VT."]', encoding="utf-8")
    told = load_office(tmp_path, [district])
    assert (told.place, told.recipients, told.superior) == ("Di Lăng", ("Lưu: VT.",), "UBND HUYỆN SƠN HÀ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plac = 'x'", "không có mục “plac”"),
        ("place = 3", "phải là chữ"),
        ("place\n", r"office\.toml, dòng 1: không đúng cú pháp TOML"),
        ('place = "a"\nplace = "b"\n', "dòng 2: .* mỗi khóa một lần"),
        ("recipients = 'x'", "danh sách"),
    ],
)
def test_a_wrong_office_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "office.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        load_office(tmp_path, [])


def test_an_office_file_in_another_encoding_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_bytes('name = "VĂN PHÒNG"'.encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"office\.toml: phải lưu dạng UTF-8$"):
        load_office(tmp_path, [])


@pytest.mark.parametrize(
    ("name", "bare"),
    [("UBND huyện Sơn Hà", "Sơn Hà"), ("UBND thị trấn Di Lăng", "Di Lăng"), ("Ủy ban nhân dân tỉnh Quảng Ngãi", "Quảng Ngãi"), ("", "")],
)
def test_the_place_in_a_unit_s_name(name: str, bare: str) -> None:
    assert bare_name(name) == bare


def test_cells_are_written_as_openpyxl_writes_them(tmp_path: Path) -> None:
    """Byte for byte, whatever a cell holds."""
    book = new_book("A", AS_OF)
    sheet = book.create_sheet("Ô & <ô>")
    kept = ["", " a", "a\n", "a\rb\tc", "&<>\"'", "Sơn Hạ 𠀀", "a\x00b", "=1+1", *PAYLOADS, "x" * 40_000]
    values = [*kept, 0, -1, 10**17, 0.1, 1 / 3, 1e-7, float("nan"), True, False, AS_OF, AS_OF.date(), datetime(1900, 1, 1), None]
    columns = [Column(f"Cột {kind}", 9, kind) for kind in FORMATS]
    write_title(sheet, 1, "Tên")
    write_table(sheet, 3, columns, [[value] * len(columns) for value in values])
    put(sheet, 99, 30, "xa")
    put(sheet, 98, 1, None)
    ours, theirs = tmp_path / "ours.xlsx", io.BytesIO()
    ours.write_bytes(write_package(book))
    book.save(theirs)
    assert parts(ours)["xl/worksheets/sheet1.xml"] == zipfile.ZipFile(theirs).read("xl/worksheets/sheet1.xml").decode("utf-8")


def test_a_formula_is_not_written_at_all() -> None:
    book = new_book("A", AS_OF)
    book.create_sheet("A")["A1"] = "=1+1"
    with pytest.raises(ValueError, match="kind f"):
        write_package(book)
