"""What people receive of a tampered, partly late sample: every question and every restated rate, in page, workbook, CSV and mail, to whom it concerns."""

import csv
import json
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import Any

import openpyxl
import pytest

from flows.figures import Figures
from flows.night import run_night
from flows.sample import write_nights
from flows.settings import Settings, make_settings
from flows.warehouse_figures import load_figures
from transforms.wording import unbroken

pytestmark = pytest.mark.slow
LATE_UNIT, LATE_CODE = "UBND xã Sơn Thủy", "000.32.58.H48"


@dataclass(frozen=True)
class Outputs:
    settings: Settings
    figures: Figures
    planted: list[dict[str, Any]]
    mails: dict[str, str]

    def page(self, name: str) -> str:
        return unescape((self.settings.outbox / "trang" / name).read_text(encoding="utf-8"))

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.settings.outbox / f"{self.settings.as_of:%Y-%m-%d}" / name).open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    def sheet(self, name: str) -> list[list[Any]]:
        book = openpyxl.load_workbook(
            self.settings.outbox / f"{self.settings.as_of:%Y-%m-%d}" / f"tthc-{self.settings.as_of:%Y-%m-%d}.xlsx"
        )
        return [[cell.value for cell in row] for row in book[name].iter_rows(min_row=5)]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Ten tampered nights of which the ninth and the tenth were published; one commune's dossiers of February come with the tenth."""
    folder = tmp_path_factory.mktemp("honest")
    made = write_nights(folder / "made", nights=10, cases=500, seed=3, tamper=True)
    lists = sorted(made.raw.glob("*.csv"))
    for path in lists[:-1]:
        rows = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        kept = [row for row in rows if not (LATE_UNIT in row and "/02/2024" in row.split(";")[7])]
        path.write_text("".join(kept), encoding="utf-8-sig")
    shutil.copytree(made.reference, folder / "reference")
    asked = [
        p["unit_code"]
        for p in json.loads((made.truth / "tampering.json").read_text(encoding="utf-8"))["planted"]
        if p["rule"] == "reopened"
    ]
    (folder / "reference" / "recipients.csv").write_text(
        "name,email,scope,summaries,frequency,language\nVăn phòng,vp@a.vn,all,,daily,vi\n"
        f"Xã hỏi,hoi@a.vn,{asked[0]},,daily,vi\nXã muộn,muon@a.vn,{LATE_CODE},,daily,vi\nHuyện,huyen@a.vn,000.00.58.H48,,daily,vi\n",
        encoding="utf-8",
    )
    for as_of in (made.as_of - timedelta(days=1), made.as_of):
        settings = make_settings(made.raw, folder / "reference", folder / "w" / "t.duckdb", folder / "outbox", as_of)
        assert run_night(settings).is_published
    mails = {}
    for path in (folder / "outbox" / f"{made.as_of:%Y-%m-%d}" / "thu").glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain",))
        assert isinstance(body, EmailMessage)
        mails[message["To"].addresses[0].addr_spec] = body.get_content().replace("\r\n", "\n")
    planted = json.loads((made.truth / "tampering.json").read_text(encoding="utf-8"))["planted"]
    return Outputs(settings, load_figures(settings.warehouse), planted, mails)


def test_every_planted_manipulation_reaches_page_workbook_and_csv(outputs: Outputs) -> None:
    found = {f.case_code for f in outputs.figures.findings if f.case_code}
    rules = ("due_moved_after", "reopened", "finish_backdated")  # the others need lists of later nights, or are about a unit
    ripe = {p["case_code"] for p in outputs.planted if p["case_code"] and p["rule"] in rules and p["unit_code"] != LATE_CODE}
    assert len(ripe) > 8
    assert ripe <= found
    page, questions = outputs.page("can-hoi.html"), outputs.page("lich-su-ho-so.html")
    for case in found:
        anchors = re.findall(rf'href="lich-su-ho-so\.html#([^"]+)">{re.escape(case)}<', page)
        assert anchors, case
        assert f'id="{anchors[0]}"' in questions
    listed = [row[4] for row in outputs.sheet("Cần hỏi")]
    assert found <= set(listed)
    assert len(listed) == len(outputs.table("can-hoi.csv")) == len(outputs.figures.findings)
    assert {row["Mã hồ sơ"] for row in outputs.table("can-hoi.csv")} >= found


def test_a_question_tells_both_states_their_rows_and_the_effect(outputs: Outputs) -> None:
    finding = next(f for f in outputs.figures.findings if f.rule == "due_moved_after")
    page = outputs.page("can-hoi.html")
    for told in (finding.question_vi, finding.before_place, finding.place, finding.effect_vi):
        assert unbroken(told) in page
    assert finding.before_vi in finding.question_vi
    assert finding.after_vi in finding.question_vi
    assert re.search(r"tệp \S+\.csv, dòng \d+$", finding.before_place)
    row = next(row for row in outputs.sheet("Cần hỏi") if row[4] == finding.case_code and row[1] == finding.label_vi)
    assert row[6:10] == [finding.question_vi, finding.before_place, finding.place, finding.effect_vi]


def test_the_office_is_told_how_many_and_the_weightiest(outputs: Outputs) -> None:
    mail, findings = outputs.mails["vp@a.vn"], outputs.figures.findings
    ask = [f for f in findings if f.severity == "ask"]
    assert (
        f"Điều cần hỏi: {len(ask)} điều đề nghị giải trình ở {len({f.unit.key for f in ask})} đơn vị, {len(findings) - len(ask)} điều văn phòng xem trước"
        in mail
    )
    assert "là câu hỏi, không phải kết luận" in mail
    assert unbroken(outputs.figures.effects[0].effect_vi) in mail
    section = mail[mail.index("ĐIỀU CẦN HỎI, NẶNG NHẤT TRƯỚC") :]
    assert section[: section.index("\n\n")].count("\n- ") <= 12


def test_a_unit_is_told_its_own_questions_and_none_that_the_office_looks_at_first(outputs: Outputs) -> None:
    mail = outputs.mails["hoi@a.vn"]
    own = {f.question_vi for f in outputs.figures.findings if f.severity == "ask" and f"{f.unit.name}:" in mail}
    assert own
    for finding in outputs.figures.findings:
        assert (finding.question_vi in mail) is (finding.question_vi in own), finding.rule
    assert "Điều cần hỏi" not in outputs.mails["huyen@a.vn"], "nothing is asked of it"


def test_a_restated_rate_is_shown_plainly_everywhere(outputs: Outputs) -> None:
    restated = next(r for r in outputs.figures.restatements if (r.measure, r.period.kind, r.cause) == ("on_time", "month", "late_arrival"))
    assert (restated.unit.name, restated.restated_on, restated.published_on) == (
        LATE_UNIT,
        outputs.settings.as_of.date(),
        outputs.settings.as_of.date() - timedelta(days=1),
    )
    assert restated.now
    (n, d, _), (m, e, _) = restated.before, restated.now
    assert e > d
    told = "háng 2/2024, đúng hạn: "
    for mail in (outputs.mails["vp@a.vn"], outputs.mails["muon@a.vn"]):
        line = next(line for line in mail.splitlines() if line.startswith("- ") and told in line)
        assert f"({n}/{d}) → " in line or "không phát sinh → " in line
        assert f"({m}/{e})" in line
        assert f"do {e - d} hồ sơ đến muộn" in line
    assert "Số đã công bố thay đổi" not in outputs.mails["huyen@a.vn"]
    page = outputs.page("so-da-thay-doi.html")
    assert f"({m}/{e})" in page
    assert restated.reason_vi in page
    rows = [row for row in outputs.sheet("Số đã thay đổi") if row[2] == LATE_UNIT and row[3] == "Tháng 2/2024"]
    assert [m, e] in [row[10:12] for row in rows]
    csv_row = next(
        row
        for row in outputs.table("so-da-thay-doi.csv")
        if row["Đơn vị"] == LATE_UNIT and row["Kỳ"] == "Tháng 2/2024" and "đúng hạn" in row["Chỉ số"]
    )
    assert (csv_row["Đạt nay"], csv_row["Tổng nay"], csv_row["Nguyên nhân"]) == (str(m), str(e), "Hồ sơ đến muộn")
    assert re.search(rf"{LATE_CODE}-\d+-\d+ \(không tính → đạt; tệp \S+, dòng \d+\)", csv_row["Hồ sơ"])
