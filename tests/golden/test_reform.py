"""The year of the two-tier reform, from files to numbers: units as they were and as they are, nothing lost and nothing counted twice."""

import csv
import re
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import duckdb
import openpyxl
import oracle
import pytest
from conftest import HEADINGS, case_row, write_reference, write_workbook
from truth import compare

from flows.figures import Period, Unit
from flows.mail.compose import find_attachments
from flows.mail.content import describe_office
from flows.mail.recipients import SUMMARIES, Recipient
from flows.night import NightResult, run_night
from flows.period_report import write_period_report
from flows.sample import SampleSummary, write_sample
from flows.settings import Settings, make_settings
from flows.warehouse_figures import load_figures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("figures_only")]

Night = tuple[SampleSummary, Settings, NightResult]


def night_of(tmp_path_factory: pytest.TempPathFactory, seed: int, cases: int, as_of: datetime) -> Night:
    folder = tmp_path_factory.mktemp("reform")
    made = write_sample(folder, seed=seed, cases=cases, year=2025, as_of=as_of)
    settings = make_settings(made.raw, made.reference, folder / "w.duckdb", folder / "outbox", made.as_of)
    return made, settings, run_night(settings)


@pytest.fixture(scope="module")
def reform(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A whole year with the reform in its middle."""
    return night_of(tmp_path_factory, 3, 2000, datetime(2025, 12, 31, 23))


def query(night: Night, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(night[1].warehouse), read_only=True) as connection:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return rows


def test_a_year_across_the_reform_equals_the_truth(reform: Night) -> None:
    assert reform[2].is_published
    assert compare(reform[0].raw.parent, reform[1].warehouse) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "as_of", [datetime(2025, 6, 30, 23), datetime(2025, 7, 1, 8), datetime(2025, 7, 12, 10), datetime(2025, 9, 30, 23)]
)
def test_any_day_around_the_reform_equals_the_truth(tmp_path_factory: pytest.TempPathFactory, as_of: datetime) -> None:
    made, settings, _ = night_of(tmp_path_factory, 11, 900, as_of)
    assert compare(made.raw.parent, settings.warehouse) == []


def test_totals_agree_as_was_and_as_is(reform: Night) -> None:
    def totals(table: str) -> list[tuple[object, ...]]:
        return query(
            reform,
            f"SELECT measure, period_kind, period_start, sum(numerator), sum(denominator) FROM mart.{table} "
            "WHERE measure <> 'payment_procedures' GROUP BY ALL ORDER BY ALL",  # distinct procedures are counted again
        )

    as_was = totals("unit_rates")
    assert as_was == totals("unit_rates_today")
    groups = query(
        reform,
        "SELECT measure, period_kind, period_start, numerator, denominator FROM mart.group_rates "
        "WHERE group_kind = 'all' AND measure <> 'payment_procedures' ORDER BY ALL",
    )
    assert as_was == groups


def test_no_dossier_is_lost_or_counted_twice(reform: Night) -> None:
    truth = oracle.load_truth(reform[0].truth, reform[0].reference)
    received = sum(d.is_received for d in truth.dossiers)
    assert query(reform, "SELECT count(*), count(DISTINCT case_code) FROM core.cases") == [(2000, 2000)]
    for table in ("unit_rates", "unit_rates_today"):
        counted = query(
            reform,
            f"SELECT period_kind, sum(denominator) FROM mart.{table} WHERE measure = 'online_submission_766' GROUP BY ALL ORDER BY ALL",
        )
        assert counted == [(kind, received) for kind in ("month", "quarter", "year")]


def test_every_dossier_belongs_to_the_unit_valid_on_its_day(reform: Night) -> None:
    belongs = "SELECT count(*), count(u.unit_code) FROM core.cases AS c LEFT JOIN core.units AS u"
    on = "ON u.unit_code = c.unit_code AND u.valid_from = c.unit_valid_from"
    day = "CAST(coalesce(c.received_at, c.submitted_at) AS DATE)"
    assert query(reform, f"{belongs} {on} AND {day} BETWEEN u.valid_from AND u.valid_to") == [(2000, 2000)]


def test_a_reused_code_is_two_units(reform: Night) -> None:
    rows = query(
        reform,
        "SELECT unit_valid_from, sum(denominator) > 0 FROM mart.unit_rates "
        "WHERE unit_code = '000.22.58.H48' AND measure = 'online_submission_766' AND period_kind = 'year' GROUP BY ALL ORDER BY ALL",
    )
    assert [(str(first), has_dossiers) for first, has_dossiers in rows] == [("2003-01-01", True), ("2025-07-01", True)]
    today = query(
        reform, "SELECT DISTINCT unit_valid_from FROM mart.unit_rates_today WHERE unit_code = '000.22.58.H48' AND denominator > 0"
    )
    assert [str(first) for (first,) in today] == ["2025-07-01"]


COMING = """unit_code,name_vi,level,valid_from,valid_to,successor_code
000.22.58.H48,UBND xã Sơn Hạ,commune,2003-01-01,2025-06-30,H48.902
000.32.58.H48,UBND xã Sơn Thủy,commune,2003-01-01,2025-06-30,H48.902
H48.902,UBND xã Sơn Hạ mới,commune,2025-07-01,,
"""


@pytest.mark.parametrize("as_of", [datetime(2025, 1, 1), datetime(2025, 6, 30, 23), datetime(2025, 7, 1, 12)])
def test_a_unit_that_has_not_begun_has_no_old_data(tmp_path: Path, as_of: datetime) -> None:
    day = {"Ngày nộp hồ sơ": "02/12/2024 08:00", "Ngày tiếp nhận": "02/12/2024 09:00", "Ngày hẹn trả": "09/12/2024"}
    row = case_row("000.22.58.H48-241202-0001", **day | {"Ngày kết thúc xử lý": "05/12/2024 10:00", "Ngày trả kết quả": None})
    write_workbook(tmp_path / "raw" / "a.xlsx", [HEADINGS, row], titles=(f"Thời điểm xuất: {as_of:%d/%m/%Y %H:%M}",))
    reference = write_reference(tmp_path / "reference", COMING)
    settings = make_settings(tmp_path / "raw", reference, tmp_path / "w.duckdb", tmp_path / "outbox", as_of)
    assert run_night(settings).is_published
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        stale = connection.execute(
            "SELECT DISTINCT unit_code FROM mart.unit_rates WHERE period_kind = 'year' AND period_start = DATE '2025-01-01' AND is_stale"
        ).fetchall()
        told = connection.execute("SELECT unit_code FROM ops.freshness WHERE problem = 'never' AND unit_code IS NOT NULL").fetchall()
    assert stale == [("000.32.58.H48",)]
    assert ("H48.902",) not in told


ENDED = """unit_code,name_vi,level,valid_from,valid_to
000.00.58.H48,UBND huyện Sơn Hà,district,2003-01-01,2024-03-15
000.22.58.H48,UBND xã Sơn Hạ,commune,2003-01-01,2024-03-15
"""


@pytest.mark.parametrize(
    ("later", "months"),
    [
        ("", ["2024-02-01", "2024-03-01"]),  # nobody took over
        ("26.001.H48,UBND xã Sơn Hạ mới,commune,2024-06-10,\n", ["2024-02-01", "2024-03-01", "2024-06-01"]),  # two months without anybody
        ("26.001.H48,UBND xã Sơn Hạ mới,commune,2024-05-10,2024-05-20\n", ["2024-02-01", "2024-03-01", "2024-05-01"]),  # and nobody today
    ],
)
def test_months_without_any_unit_have_no_rates_and_hold_nothing_back(office: Settings, later: str, months: list[str]) -> None:
    """An office that has not written its new units down yet still sees its figures, and is told what to do; the reform ends all units of a district at once."""
    write_reference(office.raw.parent / "reference", ENDED + later)
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    result = run_night(office)
    assert [check.name for check in result.checks if check.severity == "critical" and not check.is_passed] == []
    told = [check.message_vi for check in result.checks if check.name == "units_current" and not check.is_passed]
    assert [("units.csv" in message) for message in told] == ([True] if later.rstrip("\n")[-1:] != "," else [])
    with duckdb.connect(str(office.warehouse), read_only=True) as connection:
        found = connection.execute(
            "SELECT DISTINCT CAST(period_start AS VARCHAR) FROM mart.unit_rates WHERE period_kind = 'month' ORDER BY 1"
        ).fetchall()
    assert [month for (month,) in found] == months


SAME_CODE = """unit_code,name_vi,level,parent_code,gso_code,aliases,valid_from,valid_to,successor_code,email
000.22.58.H48,UBND xã Sơn Hạ,commune,,,,2003-01-01,2025-06-30,000.22.58.H48,
000.22.58.H48,UBND xã Sơn Hạ,commune,,,,2025-07-01,,,
"""


def test_two_units_of_one_code_and_name_each_have_their_row(office: Settings, papers: None) -> None:
    """Sơn Hạ before the reform: one dossier, late. Sơn Hạ since, with the same name and code: two, in time. The year has a row of each, with its own numbers,
    beside the target that communes were given while it was in force."""
    targets = "criterion,measure,level,target,valid_from,valid_to\n"
    targets += "3.4.2,on_time,commune,0.97,2024-01-01,2025-06-30\n2.1,on_time,commune,0.99,2025-07-01,2025-12-31\n"
    targets += "3.4.2,payment_cases,commune,1,2024-01-01,2025-06-30\n2.2,payment_procedures,commune,0.6,2025-07-01,2025-12-31\n"
    write_reference(office.raw.parent / "reference", SAME_CODE, targets)
    plan = "criterion,name_vi,lead_unit,partner_units,deadline,target,source,measure\n2.1,Đúng hạn,UBND cấp xã,,2025-12-31,99%,exports,on_time\n"
    (office.raw.parent / "reference" / "plan.csv").write_text(plan, encoding="utf-8")
    rows = []
    for number, month, ended in ((1, "06", "18/06/2025 10:00"), (2, "07", "09/07/2025 10:00"), (3, "07", "10/07/2025 10:00")):
        dates = {
            "Ngày nộp hồ sơ": f"02/{month}/2025 08:00",
            "Ngày tiếp nhận": f"04/{month}/2025 09:00",  # later than 8 hours
            "Ngày hẹn trả": f"16/{month}/2025 17:00",
        }
        rows.append(
            case_row(f"000.22.58.H48-25{month}02-{number:04d}", **dates, **{"Ngày kết thúc xử lý": ended, "Ngày trả kết quả": ended})
        )
    write_workbook(office.raw / "a.xlsx", [HEADINGS, *rows], titles=("Thời điểm xuất: 20/07/2025 22:00",))
    settings = replace(office, as_of=datetime(2025, 7, 20, 23))
    assert run_night(settings).is_published
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        given = connection.execute(
            "SELECT measure, extract(year FROM unit_valid_from), criterion, target FROM mart.unit_rates WHERE target IS NOT NULL AND period_kind = 'year' ORDER BY 1, 2"
        ).fetchall()
        today = connection.execute(
            "SELECT measure, criterion, target FROM mart.unit_rates_today WHERE target IS NOT NULL AND period_kind = 'year' ORDER BY 1"
        ).fetchall()
    new = ("payment_procedures", 2025, "2.2", 0.6)
    assert given == [("on_time", 2003, "3.4.2", 0.97), ("on_time", 2025, "2.1", 0.99), ("payment_cases", 2003, "3.4.2", 1.0), new]
    assert today == [("on_time", "2.1", 0.99), ("payment_cases", "3.4.2", 1.0), ("payment_procedures", "2.2", 0.6)], "of the whole year"
    folder = settings.outbox / "2025-07-20"
    expected = {("UBND xã Sơn Hạ (từ ngày 01/01/2003)", "0", "1"), ("UBND xã Sơn Hạ (từ ngày 01/07/2025)", "2", "2")}
    on_time = "Hồ sơ giải quyết trước hạn, đúng hạn"
    for name in ("bang-diem.csv", "ty-le-theo-ky.csv"):
        with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
            table = [
                row
                for row in csv.DictReader(stream)
                if row["Kỳ"] == "Năm 2025" and row.get("Chỉ số", on_time) == on_time and row["Mã đơn vị"]
            ]
        met, of = (f"{on_time}: số đạt", f"{on_time}: tổng số") if name == "bang-diem.csv" else ("Đạt", "Tổng")
        assert {(row["Đơn vị"], row[met], row[of]) for row in table} == expected, name
        assert len(table) == 2
    with (folder / "chi-tieu-khong-dat.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["Đơn vị"] for row in csv.DictReader(stream) if row["Kỳ"] == "Năm 2025" and row["Chỉ số"] == on_time] == [
            "UBND xã Sơn Hạ (từ ngày 01/01/2003)"
        ]
    book = openpyxl.load_workbook(folder / "tthc-2025-07-20.xlsx")
    for sheet in ("Bảng điểm", "Chỉ tiêu không đạt"):
        names = {
            cell
            for row in book[sheet].iter_rows(values_only=True)
            for cell in row
            if isinstance(cell, str) and cell.startswith("UBND xã Sơn Hạ (")
        }
        assert names == {name for name, met, _ in expected if sheet == "Bảng điểm" or met == "0"}, sheet
    units = [Unit("000.22.58.H48", datetime(year, month, 1).date(), "UBND xã Sơn Hạ", "commune") for year, month in ((2003, 1), (2025, 7))]
    [own] = find_attachments(folder, settings.as_of, frozenset({"missed"}), units)
    assert own.data.decode("utf-8-sig").count("Năm 2025") == 1, "the unit's mail has its rows under either name"
    [late] = find_attachments(folder, settings.as_of, frozenset({"late"}), units[1:])
    assert re.findall(r"000\.22\.58\.H48-\d{6}-\d{4}", late.data.decode("utf-8-sig")) == [
        f"000.22.58.H48-250702-000{number}" for number in (2, 3)
    ], "the later unit's mail has none of the earlier one's"
    told = {"canh-bao.csv": {"UBND xã Sơn Hạ (từ ngày 01/01/2003)"}}
    told |= {key: {name for name, *_ in expected} for key in ("du-bao.csv", "cham-tiep-nhan.csv")}
    for table_name, names in told.items():
        with (folder / table_name).open(encoding="utf-8-sig", newline="") as stream:
            assert {row["Đơn vị"] for row in csv.DictReader(stream) if "Sơn Hạ" in row["Đơn vị"]} == names, table_name
    figures = load_figures(settings.warehouse)
    assert [unit.key for _, unit, message in figures.flags if on_time in message] == [units[0].key], "the one that was late"
    called = [f"UBND xã Sơn Hạ (mã 000.22.58.H48, từ ngày 01/{month})" for month in ("01/2003", "07/2025")]
    wants = Recipient("Văn phòng", "v@sonha.test", (), frozenset(SUMMARIES), "daily", 2)
    content = describe_office(figures, None, wants)
    assert [row.name for row in content.rows if "Sơn Hạ" in row.name] == called
    everything = "\n".join(
        text for _, texts in [*content.lines, *((head, " ".join(lines)) for head, lines in content.sections)] for text in [texts]
    )
    assert everything.count("UBND xã Sơn Hạ") == everything.count("UBND xã Sơn Hạ (mã 000.22.58.H48, từ ngày 01/01/2003)") > 0
    page = (settings.outbox / "trang" / "index.html").read_text(encoding="utf-8")
    assert all(name in page for name in called) and not re.search(r"UBND xã Sơn Hạ\s*<", page)
    assert [line["worst_unit_name"] for line in figures.plan] == called[:1], "the one that was late"
    year = Period("year", datetime(2025, 1, 1).date(), datetime(2026, 1, 1).date())
    [report] = write_period_report(settings.warehouse, settings.reference, year, ("html",), folder)
    text, _, form = report.read_text(encoding="utf-8").partition("PHỤ LỤC")
    assert "<strong>UBND XÃ SƠN HẠ</strong>" in text and "thủ tục hành chính của UBND xã Sơn Hạ năm 2025" in text, "the one office there is"
    assert [name for name in re.findall(r"<td>(UBND [^<]*)</td>", form) if "Sơn Hạ" in name] == called


MERGED = """unit_code,name_vi,level,parent_code,gso_code,aliases,valid_from,valid_to,successor_code,email
000.22.58.H48,UBND xã Sơn Hạ,commune,,,,2003-01-01,2025-06-30,26.001.H48,
000.32.58.H48,UBND xã Sơn Thủy,commune,,,,2003-01-01,2025-06-30,26.001.H48,
26.001.H48,UBND xã Sơn Hà,commune,,,,2025-07-01,,,
26.002.H48,UBND xã Sơn Kỳ,commune,,,,2025-07-01,,,
"""


def test_what_units_left_open_is_told_to_the_unit_that_goes_on_with_it(office: Settings, papers: None) -> None:
    """Two communes became one on 1 July and left an overdue dossier each; the new one has one of its own, its neighbour none of these."""
    write_reference(office.raw.parent / "reference", MERGED)
    (office.raw.parent / "reference" / "recipients.csv").write_text(
        "name,email,scope,summaries,frequency,language\nXã Sơn Hà,sonha@xa.test,26.001.H48,worklist,daily,vi\nXã Sơn Kỳ,sonky@xa.test,26.002.H48,worklist,daily,vi\n"
    )
    rows = []
    for number, (month, unit) in enumerate((("06", "UBND xã Sơn Hạ"), ("06", "UBND xã Sơn Thủy"), ("07", "UBND xã Sơn Hà")), 1):
        dates = {"Ngày nộp hồ sơ": f"02/{month}/2025 08:00", "Ngày tiếp nhận": f"02/{month}/2025 09:00", "Ngày hẹn trả": "10/07/2025 17:00"}
        still = {"Ngày kết thúc xử lý": None, "Ngày trả kết quả": None, "Trạng thái": "Đang xử lý", "Đơn vị giải quyết": unit}
        rows.append(case_row(f"000.22.58.H48-25{month}02-{number:04d}", **dates, **still))
    write_workbook(office.raw / "a.xlsx", [HEADINGS, *rows], titles=("Thời điểm xuất: 20/07/2025 22:00",))
    settings = replace(office, as_of=datetime(2025, 7, 20, 23))
    assert run_night(settings).is_published
    folder = settings.outbox / "2025-07-20"
    left = ["000.22.58.H48-250602-0001", "000.22.58.H48-250602-0002"]
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in (folder / "thu").glob("*.eml")]
    by_unit = {str(mail["To"]).partition("@")[0].rpartition("<")[2]: mail for mail in mails}
    body = by_unit["sonha"].get_body(("plain",)).get_content()
    own, _, handed = body.partition("HỒ SƠ DO ĐƠN VỊ CŨ ĐỂ LẠI, CẦN XỬ LÝ NGAY")
    assert [code in own for code in left] == [False, False]
    assert all(f"{code}, UBND xã Sơn {name}: quá hạn" in handed for code, name in zip(left, ("Hạ", "Thủy"), strict=True))
    [attached] = by_unit["sonha"].iter_attachments()
    assert all(code in attached.get_content() for code in (*left, "000.22.58.H48-250702-0003"))
    assert "ĐƠN VỊ CŨ" not in by_unit["sonky"].get_body(("plain",)).get_content()
    page = (settings.outbox / "trang" / "don-vi" / "26.001.H48-2025-07-01.html").read_text(encoding="utf-8")
    assert "Việc do đơn vị cũ để lại (2): UBND xã Sơn Hạ, UBND xã Sơn Thủy" in page
    assert "việc do đơn vị cũ để lại" in page, "a tile leads there"
    assert all(code in page for code in left)


def test_a_form_with_units_of_one_name_tells_them_apart_and_is_read_back_unit_by_unit(office: Settings, tmp_path: Path) -> None:
    """The year's Biểu số 06 had two lines “UBND xã Sơn Hạ”; read back, their figures were added up."""
    others = (
        SAME_CODE
        + "000.33.58.H48,UBND xã Sơn Kỳ,commune,,,,2003-01-01,2025-06-30,H48.901,\nH48.901,UBND xã Sơn Kỳ,commune,,,,2025-07-01,,,\n"
    )
    write_reference(office.raw.parent / "reference", others)
    rows = []
    for number, (month, name) in enumerate((("06", "Hạ"), ("07", "Hạ"), ("07", "Hạ"), ("06", "Kỳ"), ("06", "Kỳ"), ("07", "Kỳ")), 1):
        dates = {
            "Ngày nộp hồ sơ": f"02/{month}/2025 08:00",
            "Ngày tiếp nhận": f"02/{month}/2025 09:00",
            "Ngày hẹn trả": f"16/{month}/2025 17:00",
        }
        code = f"000.22.58.H48-25{month}02-{number:04d}"
        rows.append(
            case_row(code, **dates, **{"Đơn vị giải quyết": f"UBND xã Sơn {name}", "Ngày kết thúc xử lý": f"09/{month}/2025 10:00"})
        )
    write_workbook(office.raw / "a.xlsx", [HEADINGS, *rows], titles=("Thời điểm xuất: 20/07/2025 22:00",))
    settings = replace(office, as_of=datetime(2025, 7, 20, 23))
    assert run_night(settings).is_published
    year = Period("year", datetime(2025, 1, 1).date(), datetime(2026, 1, 1).date())
    [form] = write_period_report(settings.warehouse, settings.reference, year, ("xlsx",), tmp_path / "form")
    lines = {str(row[1]): row[2] for row in openpyxl.load_workbook(form).active.iter_rows(values_only=True) if isinstance(row[0], int)}
    assert lines == {
        "UBND xã Sơn Hạ (mã 000.22.58.H48, từ ngày 01/01/2003)": 1,
        "UBND xã Sơn Hạ (mã 000.22.58.H48, từ ngày 01/07/2025)": 2,
        "UBND xã Sơn Kỳ (mã 000.33.58.H48)": 2,
        "UBND xã Sơn Kỳ (mã H48.901)": 1,
    }
    (office.raw / "form.xlsx").write_bytes(form.read_bytes())
    assert run_night(settings).is_published
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        compared = connection.execute(
            "SELECT unit_code, CAST(unit_valid_from AS VARCHAR), theirs, ours FROM mart.reconciliation WHERE figure = 'total' ORDER BY ALL"
        ).fetchall()
        assert connection.execute("SELECT count(*) FROM mart.reconciliation WHERE difference <> 0").fetchall() == [(0,)]
    assert compared == [
        ("000.22.58.H48", "2003-01-01", 1, 1),
        ("000.22.58.H48", "2025-07-01", 2, 2),
        ("000.33.58.H48", "2003-01-01", 2, 2),
        ("H48.901", "2025-07-01", 1, 1),
    ]
