from datetime import date
from pathlib import Path

import pytest
from conftest import TARGETS, UNITS, write_reference

from flows.headings import add_line, check_line
from flows.reference import load_own_lists, load_reference
from flows.settings import ConfigurationError
from transforms.text import key

MEASURES = ["on_time", "received_within_8h"]


@pytest.mark.parametrize(
    ("units", "says"),
    [
        (UNITS.replace("commune", "xã", 1), "dòng 4, cột level"),
        (UNITS.replace("2025-06-30", "30-06-2025", 1), "dòng 2, cột valid_to"),
        (UNITS + "000.22.58.H48,UBND xã Sơn Hạ mới,commune,,,,2024-01-01,,,\n", "không trùng thời gian hiệu lực với dòng 4"),
        (UNITS + "000.99.58.H48,UBND xã Sơn Lạ,commune,,,Sơn Hạ,2003-01-01,,,\n", "cũng là tên của đơn vị 000.22.58.H48"),
        (UNITS.replace("unit_code,", "ma,", 1), "thiếu cột unit_code"),
        (UNITS.splitlines()[0], "không có đơn vị nào"),
    ],
)
def test_a_wrong_unit_table_says_where_and_what(tmp_path: Path, units: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_reference(write_reference(tmp_path, units), MEASURES)


WRONG_TABLES = {
    "targets.csv": TARGETS.replace("0.97", "97") + "7.3.4,online,commune,0.8,,\n3.4.1,on_time,commune,0.9,31/02/2024,\n1,2,3,4,5,6,7\n",
    "calendar.csv": "date,is_working\n30-04-2024,false\n2024-05-01,nghỉ\n2024-05-02,false\n2024-05-02,true\n",
    "working_hours.csv": "from_time,to_time,unit_code\n7h00,11:30,\n07:00,11:30,000.99.58.H48\n",
    "recipients.csv": "name,email,scope\nA,a@coquan,tất cả\nB,b@coquan.gov.vn,000.99.58.H48\n",
    "plan.csv": "criterion,name_vi,lead_unit,deadline,source\n1.1,Việc,UBND xã Sơn Hạ,31-12-2024,plan_progress\n1.2,Việc,,2024-12-31,plan_progress\n",
    "headings.csv": "kind,column,heading\ncase,received,Ngày đến\ncases,arrived,Ngày đến\n",
    "words.csv": "domain;value;word\nstatus;11;Đang xem\nchannel;online\n",
    "corrections.yml": "- id: một\n- match: {case_code: x}\n  vì: y\n",
    "thresholds.yml": "reconciliation:\n  summary06: {absolute: -1}\n  biểu: {absolute: 1}\n",
    "clock.yml": "restart: true\n",
}
WRONG_LINES = [
    *(f"targets.csv, dòng {line}" for line in (2, 4, 5, 6)),
    *(f"calendar.csv, dòng {line}" for line in (2, 3, 5)),
    *(f"{name}, dòng {line}" for name in ("working_hours.csv", "recipients.csv", "plan.csv") for line in (2, 3)),
    *(f"reference/{name}, dòng {line}" for name in ("headings.csv", "words.csv") for line in (2, 3)),
    "corrections.yml, một: thiếu action, expect, match, reason;",
    "corrections.yml, mục thứ 2: thiếu action, expect, id, reason; không có trường vì;",
    "thresholds.yml, summary06.absolute",
    "thresholds.yml, biểu",
    "clock.yml",
]


def test_every_wrong_line_of_every_table_is_told_at_once(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    for name, text in WRONG_TABLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "corrections.yml").unlink()  # its words cannot be known while words.csv is wrong
    with pytest.raises(ConfigurationError) as first:
        load_reference(folder, MEASURES)
    for name in ("headings.csv", "words.csv"):
        (folder / name).unlink()
    (folder / "corrections.yml").write_text(WRONG_TABLES["corrections.yml"], encoding="utf-8")
    with pytest.raises(ConfigurationError) as second:
        load_reference(folder, MEASURES)
    told = f"{first.value}\n{second.value}"
    assert [line for line in WRONG_LINES if line not in told] == []
    assert str(first.value).count("\n") == len([line for line in WRONG_LINES if "corrections" not in line])
    assert "coquan" not in told, "an address of a recipient is never shown"


def test_a_unit_that_only_a_wrong_units_table_lacks_is_nobody_else_s_fault(tmp_path: Path) -> None:
    folder = write_reference(tmp_path, UNITS.replace("commune", "xã"))
    (folder / "recipients.csv").write_text("name,email,scope\nA,a@coquan.gov.vn,000.22.58.H48\n", encoding="utf-8")
    (folder / "plan.csv").write_text(
        "criterion,name_vi,lead_unit,deadline,source,measure,target\n1.1,Việc,UBND xã Sơn Hạ,2024-12-31,exports,on_time,97%\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as wrong:
        load_reference(folder, MEASURES)
    assert str(wrong.value).splitlines()[0] == "có 2 chỗ phải sửa trong các bảng tham chiếu:"
    assert [line[4:22] for line in str(wrong.value).splitlines()[1:]] == ["units.csv, dòng 4,", "units.csv, dòng 5,"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("criterion\tmeasure\tlevel\ttarget\n", r"dòng 1: thiếu cột criterion.*“criterion measure.*cách nhau bằng dấu"),
        ("sep=;\ncriterion;measure;level;target\n", r"dòng 1: thiếu cột criterion.*“sep= \| ”"),
        ("\ncriterion,measure,level,target\n", r"dòng 1: thiếu cột criterion.*đang trống"),
        ("criterion;measure;level;target\n3.4.2,on_time,commune,0.97\n", r"dòng 2: cả dòng nằm trong một ô; hãy tách các ô bằng dấu ;"),
        ('criterion,measure,level,target\n"3.4.2,on_time,commune,0.97"\n', r"dòng 2: cả dòng nằm trong một ô; hãy tách các ô bằng dấu ,"),
    ],
)
def test_cells_parted_otherwise_than_they_should_are_told_as_that(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"targets.csv, {says}"):
        load_reference(write_reference(tmp_path, targets=text), MEASURES)


def test_a_recipient_s_address_in_place_of_the_headings_is_not_shown(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "recipients.csv").write_text("Văn phòng,vanphong@coquan.gov.vn,all,,daily,vi\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"dòng 1: thiếu cột name.*đang là “Văn phòng \| [^@]*all") as wrong:
        load_reference(folder, MEASURES)
    assert "coquan" not in str(wrong.value)


@pytest.mark.parametrize(
    ("written", "is_time"), [("7:00", True), ("7:00:00", True), ("07:00:00", True), ("07:00+07:00", False), ("07:00Z", False)]
)
def test_a_time_is_read_as_excel_saves_it_and_has_no_zone(tmp_path: Path, written: str, is_time: bool) -> None:
    folder = write_reference(tmp_path)
    (folder / "working_hours.csv").write_text(f"from_time,to_time\n{written},11:30\n13:30,17:00\n", encoding="utf-8")
    if is_time:
        assert load_reference(folder, MEASURES).hours.on(date(2024, 3, 1)) == (25200, 41400, 48600, 61200)
    else:
        with pytest.raises(ConfigurationError, match="dòng 2, cột from_time"):
            load_reference(folder, MEASURES)


def test_a_code_may_be_used_again_later(tmp_path: Path) -> None:
    again = UNITS + "000.22.58.H48,UBND xã Sơn Linh,commune,,,,2025-07-01,,,\n"
    assert load_reference(write_reference(tmp_path, again), MEASURES).units.num_rows == 5


@pytest.mark.parametrize(
    ("target", "says"), [("97", "từ 0 đến 1"), ("cao", "từ 0 đến 1"), ("0.97%", "ví dụ 97%"), ('"0,97 %"', "ví dụ 97%")]
)
def test_a_target_is_a_share(tmp_path: Path, target: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_reference(write_reference(tmp_path, targets=TARGETS.replace("0.97", target)), MEASURES)


@pytest.mark.parametrize(
    "made_of_it", ["03/04/2001", "3/4/2001", "3-Apr-01", "03-Thg4-01", "2001-04-03", "03-04-2001", "03.04.2001", "3/4/01"]
)
@pytest.mark.parametrize("table", ["targets.csv", "plan.csv"])
def test_a_criterion_that_excel_turned_into_a_date_is_refused(tmp_path: Path, table: str, made_of_it: str) -> None:
    """3.4.1 is the third of April 2001 to it; every mail and report would name that day as the criterion."""
    folder = write_reference(tmp_path)
    plan = (
        "criterion,name_vi,lead_unit,partner_units,deadline,target,source,measure\n3.4.2,Báo cáo,Phòng Nội vụ,,2024-12-31,,plan_progress,\n"
    )
    (folder / "plan.csv").write_text(plan, encoding="utf-8")
    (folder / table).write_text((folder / table).read_text(encoding="utf-8").replace("\n3.4.2,", f"\n{made_of_it},", 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{table}, dòng 2, cột criterion: có “{made_of_it}”, cần mã tiêu chí như 3\.4\.1.*Text"):
        load_reference(folder, MEASURES)


@pytest.mark.parametrize("criterion", ["3.4.10", "7.3.3.2", "12.10", "II.3", "TC-01", "7.3.4a", "1.2-3", "7-3-10"])
def test_an_office_s_own_criteria_are_read_as_they_are(tmp_path: Path, criterion: str) -> None:
    targets = TARGETS.replace("\n3.4.2,", f"\n{criterion},", 1)
    assert criterion in load_reference(write_reference(tmp_path, targets=targets), MEASURES).targets["criterion"].to_pylist()


def test_a_target_for_an_unknown_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cột measure"):
        load_reference(write_reference(tmp_path, targets=TARGETS.replace("on_time", "ontime")), MEASURES)


def test_tables_saved_by_excel_with_semicolons_are_read(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "calendar.csv").write_text("\ufeffdate;is_working;note\n30/04/2024;false;nghỉ lễ\n", encoding="utf-8")
    (folder / "working_hours.csv").write_text("from_time,to_time\n7:30,11:30\n13:00,17:00\n", encoding="utf-8")
    reference = load_reference(folder, MEASURES)
    assert [working for working, _ in reference.overrides.values()] == [False]
    assert reference.hours.on(date(2024, 3, 1)) == (27000, 41400, 46800, 61200)


def test_a_note_of_the_calendar_names_nobody_where_it_is_published(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    note = "theo đơn của bà Đinh Thị Bịa, ĐT 0912345678"
    (folder / "calendar.csv").write_text(f'date,is_working,note\n30/04/2024,false,"{note}"\n', encoding="utf-8")
    shown = "theo đơn của bà Đ… T… B…, ĐT ***"
    assert load_reference(folder, MEASURES).overrides == {date(2024, 4, 30): (False, shown)}


@pytest.mark.parametrize(
    ("lines", "opened"),
    [
        ('2024-02-08,false,"Tết\n2024-02-09,false,nghỉ\n2024-02-12,false,nghỉ\n', 2),
        ('2024-02-08,false,nghỉ\n2024-02-09,false,"Tết\n2024-04-30,false,"Lễ\n', 3),
        ('2024-02-08,false,"Tết\n2024-02-09,false,nghỉ\n2024-04-30,false,Lễ"\n', 2),
    ],
)
def test_a_quotation_mark_that_swallows_days_is_refused(tmp_path: Path, lines: str, opened: int) -> None:
    folder = write_reference(tmp_path)
    (folder / "calendar.csv").write_text(f"date,is_working,note\n{lines}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"calendar.csv, dòng {opened}: dấu nháy kép"):
        load_reference(folder, MEASURES)


@pytest.mark.parametrize("ends", ["\r", "\r\n"])
def test_lines_may_end_as_any_system_ends_them(tmp_path: Path, ends: str) -> None:
    folder = write_reference(tmp_path)
    (folder / "calendar.csv").write_bytes(ends.join(["date,is_working,note", "2024-02-08,false,Tết", "2024-02-09,false,"]).encode())
    assert len(load_reference(folder, MEASURES).overrides) == 2


def test_hours_of_a_unit_that_is_not_there_are_refused(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "working_hours.csv").write_text("unit_code,from_time,to_time\n000.99.58.H48,7:30,11:30\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"working_hours.csv.*dòng 2.*cột unit_code"):
        load_reference(folder, MEASURES)


@pytest.mark.parametrize("weekday", ["12345", "67", "8"])
def test_hours_of_a_weekday_that_is_none_are_refused(tmp_path: Path, weekday: str) -> None:
    folder = write_reference(tmp_path)
    (folder / "working_hours.csv").write_text(f"from_time,to_time,weekday\n7:30,11:30,{weekday}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"working_hours\.csv, dòng 2, cột weekday: có “{weekday}”, cần .* mỗi ngày một dòng"):
        load_reference(folder, MEASURES)


@pytest.mark.parametrize(
    ("table", "lines", "says"),
    [
        ("calendar.csv", "date,is_working\n2024-05-06,true\n2024-05-06,false\n", r"calendar\.csv, dòng 3, cột is_working.*dòng 2"),
        ("targets.csv", TARGETS + "3.4.2,on_time,commune,0.9,2024-01-01,\n", r"targets\.csv, dòng 4, cột measure.*dòng 2"),
        ("working_hours.csv", "from_time,to_time\n07:00,11:30\n11:00,17:00\n", r"working_hours\.csv, dòng 3, cột from_time.*buổi sau"),
        ("working_hours.csv", "from_time,to_time\n07:00,11:30\n17:00,13:30\n", r"working_hours\.csv, dòng 3, cột from_time: có “17:00”"),
    ],
)
def test_lines_that_contradict_each_other_are_named(tmp_path: Path, table: str, lines: str, says: str) -> None:
    folder = write_reference(tmp_path)
    (folder / table).write_text(lines, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=says):
        load_reference(folder, MEASURES)


def test_a_day_told_twice_alike_is_no_contradiction(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "calendar.csv").write_text("date,is_working\n2024-05-06,true\n2024-05-06,true\n", encoding="utf-8")
    assert load_reference(folder, MEASURES).overrides == {date(2024, 5, 6): (True, "")}


def test_blank_cells_beyond_the_heading_are_none(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "calendar.csv").write_text("date,is_working\n2024-05-06,true,,\n , ,\n", encoding="utf-8")
    (folder / "words.csv").write_text("domain;value;word;;\nchannel;online;Qua mạng;;\n ;;;;\n", encoding="utf-8")
    reference = load_reference(folder, MEASURES)
    assert reference.overrides == {date(2024, 5, 6): (True, "")}
    assert reference.lists.words["channel"]["quamạng"] == "online"
    (folder / "calendar.csv").write_text("date,is_working\n2024-05-06,true,,nghỉ\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"calendar\.csv, dòng 2: có 4 ô, nhiều hơn 2 cột"):
        load_reference(folder, MEASURES)


def test_a_heading_is_added_to_a_table_that_excel_saved_with_semicolons(tmp_path: Path) -> None:
    (tmp_path / "headings.csv").write_bytes("\ufeffkind;column;heading\r\ncases;received;Ngày đến\r\n".encode())
    add_line(tmp_path, check_line(tmp_path, "cases", "finished", "Xong việc"))
    assert load_own_lists(tmp_path).headings["cases"].items() >= {("ngàyđến", "received"), ("xongviệc", "finished")}


def test_a_heading_is_not_added_to_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "headings.csv").write_bytes("kind,column,heading\ncases,received,Ngày đến\n".encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"headings\.csv: phải lưu dạng UTF-8"):
        check_line(tmp_path, "cases", "finished", "Xong việc")


def test_a_word_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "words.csv").write_text("domain,value,word\nstatus,4,\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"words\.csv, dòng 2, cột word: thiếu từ"):
        load_reference(folder, MEASURES)


def test_the_shipped_reference_tables_load() -> None:
    shipped = Path(__file__).parents[2] / "data" / "reference"
    reference = load_reference(shipped, [*MEASURES, "digitized", "online_partial", "online_full", "payment_procedures", "payment_cases"])
    assert reference.units.num_rows == 30  # 25 until the reform of 1 July 2025, the five new communes since


@pytest.mark.parametrize(("table", "day"), [("units", "01/01/03"), ("units", "1/1/203"), ("targets", "01/01/24"), ("calendar", "30/04/24")])
def test_a_year_without_its_century_is_refused(tmp_path: Path, table: str, day: str) -> None:
    folder = write_reference(
        tmp_path,
        UNITS.replace("2003-01-01", day, 1) if table == "units" else UNITS,
        targets=TARGETS.replace("2024-01-01", day, 1) if table == "targets" else TARGETS,
    )
    if table == "calendar":
        (folder / "calendar.csv").write_text(f"date,is_working\n{day},false\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{table}.csv, dòng 2, .*“{day}”.*bốn chữ số"):
        load_reference(folder, MEASURES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("units.csv", UNITS.replace("2025-06-30,,\n", '2025-06-30,,"\n', 1)),
        ("calendar.csv", 'date,is_working,note\n2024-04-29,false,"nghỉ bù\n2024-04-30,false,nghỉ lễ\n2024-05-01,false,nghỉ lễ\n'),
        ("calendar.csv", 'date;is_working;note\n2024-04-29;false;nghỉ\n2024-04-30;false;"\n2024-05-01;false;"\n2024-05-04;true;bù\n'),
        ("headings.csv", 'kind,column,heading\ncases,received,"Ngày đến\ncases,due,Ngày xong\ncases,status,Tình hình\n'),
    ],
)
def test_a_quotation_mark_left_open_does_not_swallow_the_lines_below(tmp_path: Path, name: str, text: str) -> None:
    folder = write_reference(tmp_path)
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{name}.*dấu nháy kép"):
        load_reference(folder, MEASURES)


def test_a_note_of_several_lines_is_a_note(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "calendar.csv").write_text('date,is_working,note\n2024-04-29,false,"hoán đổi,\ntheo công văn 1, 2, 3"\n', encoding="utf-8")
    assert load_reference(folder, MEASURES).overrides[date(2024, 4, 29)][0] is False


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("units.csv", UNITS.replace("valid_to", "valid_until", 1), "“valid_until”; nếu đó là valid_to"),
        ("units.csv", UNITS.replace("aliases", "Alias", 1), "“Alias”; nếu đó là aliases"),
        ("targets.csv", TARGETS.replace("valid_to", "valid_til", 1), "“valid_til”; nếu đó là valid_to"),
        ("calendar.csv", "date,is_working,date\n2024-04-29,false,2024-04-30\n", "cột date có hai lần"),
    ],
)
def test_a_misspelt_column_or_one_that_stands_twice_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    folder = write_reference(tmp_path)
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{name}, dòng 1: .*{says}"):
        load_reference(folder, MEASURES)


def test_a_column_of_the_offices_own_is_left_alone(tmp_path: Path) -> None:
    units = "\n".join(f"{line},{'ghi_chu' if number == 0 else 'x'}" for number, line in enumerate(UNITS.splitlines()))
    assert load_reference(write_reference(tmp_path, units), MEASURES).units.num_rows == 4


@pytest.mark.parametrize(("written", "meant"), [("TRUE", True), ("true", True), ("FALSE", False)])
def test_yes_and_no_of_own_words_are_what_excel_saves_them_as(tmp_path: Path, written: str, meant: bool) -> None:
    folder = write_reference(tmp_path)
    (folder / "words.csv").write_text(f"domain,value,word\nyes_no,{written},Đã cấp\n", encoding="utf-8")
    assert load_reference(folder, MEASURES).lists.words["yes_no"][key("Đã cấp")] is meant


@pytest.mark.parametrize("line", ["yes_no,Có,Đã cấp", "status,xong,Đã trả", "status,9.0,Đã trả", "component,,Số hóa"])
def test_a_word_of_a_value_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    folder = write_reference(tmp_path)
    (folder / "words.csv").write_text(f"domain,value,word\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"dòng 2, cột value: nhóm .* không có giá trị .*; có: "):
        load_reference(folder, MEASURES)


def test_a_successor_is_found_whatever_the_case_of_its_code(tmp_path: Path) -> None:
    units = load_reference(
        write_reference(tmp_path, UNITS + "000.98.58.H48,UBND xã A,commune,000.00.58.h48,,,2003-01-01,2025-06-30,h48.001,\n"), MEASURES
    ).units.to_pylist()
    assert (units[-1]["parent_code"], units[-1]["successor_code"]) == ("000.00.58.H48", "H48.001")
