"""A sample office with what samples lack: a plan, tasks and reports, a form that differs, and older lists that newer ones repeat.

What is added lies in `raw/them` and changes nothing of the truth, so that the plain-Python oracle still knows every dossier and rate.
"""

import re
from datetime import datetime
from pathlib import Path

from conftest import write_workbook
from test_plan import PLAN_HEAD, REPORT_HEADINGS, TASK_HEADINGS, task_row

from flows.sample import SampleSummary, write_sample

ADDED = "them"
AS_OF = datetime(2025, 12, 31, 23)
_PLAN = """1.7,Nhiệm vụ được giao,UBND cấp xã,,2025-12-31,100% nhiệm vụ đúng hạn,tasks,tasks_on_time
2,Cải cách thể chế,UBND cấp xã,,2025-12-31,Hoàn thành kế hoạch,plan_progress,
3.4.2,Hồ sơ cấp xã đúng hạn,UBND cấp xã,,2025-12-31,97%,exports,on_time
7.3.5,Trực tuyến toàn trình,UBND cấp xã,,2025-12-31,100%; chờ không quá 8 giờ,exports,online_full
"""
_TITLES = ("Thời điểm xuất: 30/12/2025 08:00",)


def write_office(folder: Path, cases: int) -> SampleSummary:
    """The year 2025, with the reform of 1 July in its middle."""
    made = write_sample(folder, seed=3, cases=cases, year=2025, as_of=AS_OF)
    added = made.raw / ADDED
    (made.reference / "plan.csv").write_text(PLAN_HEAD + _PLAN, encoding="utf-8")
    units = ("UBND xã Sơn Hà", "UBND xã Sơn Hạ", "UBND xã Sơn Linh")
    tasks = [
        task_row("1/NV", **{"Đơn vị chủ trì": units[0], "Ngày giao": "05/08/2025", "Hạn hoàn thành": "30/12/2025"}),
        task_row(
            "2/NV",
            **{"Đơn vị chủ trì": units[1], "Ngày giao": "05/08/2025", "Hạn hoàn thành": "15/10/2025", "Ngày hoàn thành": "14/10/2025"},
        ),
        task_row("3/NV", **{"Đơn vị chủ trì": units[2], "Ngày giao": "05/08/2025", "Hạn hoàn thành": "07/01/2026"}),
    ]
    write_workbook(added / "nhiem_vu.xlsx", [list(TASK_HEADINGS), *tasks], titles=_TITLES)
    reports: list[list[object]] = [
        ["2", unit, "20/12/2025", "Đang làm", share, state]
        for unit, share, state in zip(units, ("50", "100", "10"), ("Đang thực hiện", "Đã hoàn thành", "Đang thực hiện"), strict=True)
    ]
    write_workbook(added / "bao_cao.xlsx", [list(REPORT_HEADINGS), *([*row, None] for row in reports)], titles=_TITLES)
    _make_form_differ(made.raw / "bao cao" / "TiepNhan_TongHop.xls")
    for path in sorted(made.raw.rglob("*_20251231230000.*")):
        if path.suffix in (".csv", ".txt", ".tsv"):
            data = path.read_bytes()
            more = "\r\n".encode("utf-16-le" if data[:2] == b"\xff\xfe" else "ascii")
            (added / path.name.replace("20251231", "20251230")).write_bytes(data + more)
    return made


def _make_form_differ(form: Path) -> None:
    """One count of one unit is less than what the dossiers say."""
    text = form.read_text(encoding="utf-8")
    changed = re.sub(r"(UBND xã Sơn Hạ</td><td>)[\d.]+(</td>)", r"\g<1>1\2", text)
    if changed == text:
        raise AssertionError("the form states nothing of Sơn Hạ")
    form.write_text(changed, encoding="utf-8")
