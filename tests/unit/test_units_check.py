from datetime import date
from pathlib import Path

from conftest import UNITS, write_reference

from flows.reference import follow_successors, load_reference
from flows.units_check import check_units

TODAY = date(2025, 8, 1)
REFORM = """unit_code,name_vi,level,parent_code,gso_code,aliases,valid_from,valid_to,successor_code,email
000.22.58.H48,UBND xã Sơn Hạ,commune,,21292,,2003-01-01,2025-06-30,000.22.58.H48,
000.23.58.H48,UBND xã Sơn Thành,commune,,21295,,2003-01-01,2025-06-30,000.22.58.H48,
000.22.58.H48,UBND xã Sơn Hạ,commune,,21292,,2025-07-01,,,
000.26.58.H48,UBND xã Sơn Linh,commune,,21304,,2003-01-01,2025-06-30,H48.999,
000.27.58.H48,UBND xã Sơn Giang,commune,,21307,,2003-01-01,2025-05-31,H48.903,
H48.903,UBND xã Sơn Linh,commune,000.99.99.H48,21307,,2025-07-01,,,
000.01.58.H48,Phòng Nội vụ,district_department,,,,2003-01-01,2025-06-30,,
H48.905,UBND xã Sơn Kỳ,commune,,21307,,2025-07-01,,H48.903,
"""


def test_what_is_doubtful_is_told_with_names_and_days(tmp_path: Path) -> None:
    errors, doubts = check_units(write_reference(tmp_path, REFORM), TODAY)
    assert errors == []
    text = "\n".join(doubts)
    assert "“H48.999” không có trong units.csv" in text
    assert (
        "Sơn Giang (000.27.58.H48, từ 01/01/2003): hết hiệu lực ngày 31/05/2025 nhưng đơn vị kế thừa “H48.903” chỉ bắt đầu ngày 01/07/2025"
        in text
    )
    assert "Phòng Nội vụ (000.01.58.H48, từ 01/01/2003): đã hết hiệu lực ngày 30/06/2025 mà không có đơn vị kế thừa" in text
    assert "đơn vị cấp trên “000.99.99.H48”" in text
    assert "Sơn Thành" not in text
    assert "Sơn Kỳ (H48.905, từ 01/07/2025): có đơn vị kế thừa “H48.903” mà không có ngày hết hiệu lực" in text
    same = [doubt for doubt in doubts if "gso_code" in doubt]
    assert len(same) == 1 and "Sơn Kỳ (H48.905" in same[0] and "21307 cũng là của UBND xã Sơn Linh (H48.903" in same[0], (
        "not of the one that ended before"
    )


def test_every_error_is_told_not_only_the_first(tmp_path: Path) -> None:
    wrong = UNITS.replace("commune", "xã", 1) + "000.32.58.H48,UBND xã Sơn Thủy,commune,,,,2020-01-01,,,\n,x,commune,,,,,,,\n"
    errors, _ = check_units(write_reference(tmp_path, wrong), TODAY)
    assert len(errors) == 3
    assert [part in errors[i] for i, part in enumerate(("cột level", "trùng thời gian", "cột unit_code"))] == [True] * 3


def test_predecessors_are_what_their_successors_are_today(tmp_path: Path) -> None:
    units = load_reference(write_reference(tmp_path, REFORM), ["on_time", "received_within_8h"]).units
    today = {
        (r["unit_code"], r["valid_from"].year): (r["today_code"], r["today_valid_from"])
        for r in follow_successors(units, TODAY).to_pylist()
    }
    new = ("000.22.58.H48", date(2025, 7, 1))
    assert today["000.22.58.H48", 2003] == today["000.23.58.H48", 2003] == today["000.22.58.H48", 2025] == new
    assert today["000.01.58.H48", 2003] == ("000.01.58.H48", date(2003, 1, 1))
    before = {r["unit_code"]: r["today_code"] for r in follow_successors(units, date(2025, 6, 1)).to_pylist()}
    assert before["000.23.58.H48"] == "000.23.58.H48"
