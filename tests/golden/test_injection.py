"""Text from outside is only ever text: payloads planted wherever a text is kept, then a whole night, and every file that leaves it is looked through."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import docx
import lxml.etree
import lxml.html
import openpyxl
import pytest
from conftest import AS_OF, HEADINGS, case_row, settings_in
from markupsafe import Markup

from flows import csv_files
from flows import night as nights
from flows.night import NightResult, run_night
from flows.period_report import FORMATS, parse_report_period, write_period_report
from flows.settings import Settings
from flows.site import pages, tables
from flows.site.pages import draw_pages
from flows.site.writing import write_site
from flows.summaries import write_summaries
from flows.validation import Validation
from flows.warehouse_figures import load_figures

pytestmark = pytest.mark.slow

FORMULAS = ["=cmd|' /C calc'!A0", "+1+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "-1+cmd|' /C calc'!A0"]
MARKUP = ["<script>alert('song')</script>", "\"><img src=x onerror=alert('song')>", "{{ 7*7 }}<a href=javascript:alert('song')>"]
PAYLOADS = FORMULAS + MARKUP
ALIVE = re.compile(r"alert\(|cmd\|")
OURS = ("script", "img", "iframe", "object", "embed", "form", "base")


def plain_cell(value: object) -> object:
    return "" if value is None else value


def write_export(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """A CSV as an export system writes it, with whatever is in its cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([plain_cell(cell) for cell in row] for row in rows)


def write_book(path: Path, sheet: str, rows: Iterable[Iterable[object]]) -> None:
    """A workbook whose every cell is text, also where it looks like a formula."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row, 1):
            if value is not None:
                cell = page.cell(number, place, str(value))
                cell.data_type = "s"
    book.save(path)


def plant(folder: Path) -> Settings:
    """An office whose every word is hostile: its tables, its exports, their names, sheets and headings."""
    raw, reference = folder / "raw", folder / "reference"
    reference.mkdir(parents=True)
    units = [["unit_code", "name_vi", "level", "parent_code", "gso_code", "aliases", "valid_from", "valid_to", "successor_code", "email"]]
    codes = ["=1+1", "000.22.58.H48", "<b>3", *(f"000.3{n}.58.H48" for n in range(4))]
    names = [f"{payload} xã {n}" for n, payload in enumerate(PAYLOADS)]
    units += [
        [code, name, "commune", "", "", f"biệt danh {name}", "2003-01-01", "", "", ""] for code, name in zip(codes, names, strict=True)
    ]
    write_export(reference / "units.csv", units)
    targets = [["criterion", "measure", "level", "target", "valid_from", "valid_to"]]
    for payload, measure in zip(PAYLOADS, ("on_time", "received_within_8h", "online_full", "digitized", "payment_cases"), strict=False):
        targets.append([payload, measure, "commune", "1.0", "2024-01-01", "2024-12-31"])
    write_export(reference / "targets.csv", targets)
    plan = [["criterion", "name_vi", "lead_unit", "partner_units", "deadline", "target", "source", "measure"]]
    plan += [[f"{p} {n}", p, p, p, "2024-12-31", p, "plan_progress", ""] for n, p in enumerate(PAYLOADS)]
    write_export(reference / "plan.csv", plan)
    write_export(reference / "calendar.csv", [["date", "is_working", "note"], ["2024-02-08", "false", MARKUP[0]]])
    people = [["name", "email", "scope", "summaries", "frequency", "language"], [PAYLOADS[0], "vp@sonha.test", "all", "", "", ""]]
    people += [[payload, f"xa{n}@sonha.test", codes[n], "", "", ""] for n, payload in enumerate(PAYLOADS) if n in (1, 4, 5)]
    write_export(reference / "recipients.csv", people)
    text = '"' + MARKUP[1].replace('"', '\\"') + FORMULAS[0] + '"'
    keys = ("superior", "name", "symbol", "place", "subject_of", "signer")
    (reference / "office.toml").write_text("\n".join(f"{key} = {text}" for key in keys) + f"\nrecipients = [{text}]\n", encoding="utf-8")
    (reference / "sources.toml").write_text(
        f'[[source]]\nname = "nguon"\nkind = "folder"\naddress = "{folder / "khong-co<img src=x onerror=alert(1)>"}"\n', encoding="utf-8"
    )

    heads = [*HEADINGS, "Lĩnh vực", "Số lần bổ sung", MARKUP[0], FORMULAS[0]]
    rows: list[list[object]] = []
    for n, name in enumerate(names * 2):
        p = PAYLOADS[n % len(PAYLOADS)]
        changes = {"Đơn vị giải quyết": name, "Tên TTHC": p, "Mã TTHC": "2.000815" if n % 2 else p}
        if n >= len(names):
            changes |= {"Ngày kết thúc xử lý": None, "Ngày trả kết quả": None, "Trạng thái": "Đang xử lý"}
        rows.append([*case_row(f"{p}-{n}", **changes), p, "0", p, p])
    rows.append([*case_row("000.22.58.H48-240215-0001", **{"Đơn vị giải quyết": MARKUP[1]}), "", "0", "", ""])
    for column in ("Trạng thái", "Hình thức tiếp nhận", "Mức độ", "Ngày tiếp nhận"):
        for p in PAYLOADS:
            rows.append([*case_row(f"{p}-{column}", **{column: p, "Đơn vị giải quyết": names[1], "Mã TTHC": "9.999999"}), p, "0", p, p])
    write_export(raw / f"{FORMULAS[0].replace('/', '')}_20240630210000.csv", [heads, *rows])
    late = [[*case_row(f"{p}-z{n}", **{"Đơn vị giải quyết": names[n]}), p, "0", p, p] for n, p in enumerate(PAYLOADS)]
    write_book(raw / '"><img src=x onerror=alert(1)>_20240630210001.xlsx', "=cmd'!A0<img onerror=alert(1)>", [heads, *late])
    waiting = [["Mã hồ sơ", "Mã TTHC", "Tên TTHC", "Lĩnh vực", "Mức độ", "Đơn vị", "Ngày nộp hồ sơ", "Trạng thái"]]
    waiting += [[f"{p}-w{n}", p, p, p, "Toàn trình", names[n], "03/06/2024 08:00", "Mới đăng ký"] for n, p in enumerate(PAYLOADS)]
    write_export(raw / "<script>alert(1)<_script>_20240630210002.csv", waiting)
    fees = [
        [
            "Mã hồ sơ",
            "Mã TTHC",
            "Loại phí, lệ phí",
            "Số tiền",
            "Hình thức thu",
            "Hình thức thanh toán",
            "Trạng thái thanh toán",
            "Ngày thanh toán",
        ]
    ]
    fees += [[f"{p}-{n}", p, p, "10000", p, p, p, p] for n, p in enumerate(PAYLOADS)]
    write_export(raw / "@SUM(1)_20240630210003.csv", fees)
    tasks = [["Số nhiệm vụ", "Nội dung nhiệm vụ", "Đơn vị chủ trì", "Ngày giao", "Hạn hoàn thành", "Ngày hoàn thành", "Trạng thái"]]
    tasks += [[f"{p}{n}", p, names[n], "01/06/2024", "10/06/2024", "", "Đang thực hiện"] for n, p in enumerate(PAYLOADS)]
    write_export(raw / "+1_20240630210004.csv", tasks)
    told = [["Mã tiêu chí", "Đơn vị báo cáo", "Ngày báo cáo", "Kết quả thực hiện", "Tỷ lệ hoàn thành (%)", "Trạng thái"]]
    told += [[f"{p} {n}", names[n], "20/06/2024", p, "50", "Đang thực hiện"] for n, p in enumerate(PAYLOADS)]
    write_export(raw / "-1_20240630210005.csv", told)
    listed = [["Mã TTHC", "Tên TTHC", "Lĩnh vực", "Mức độ", "Phí, lệ phí", "Có kết quả", "Thời hạn giải quyết", "Phạm vi"]]
    listed += [[f"2.00081{n}", p, p, "Toàn trình", "0", "Có", p, p] for n, p in enumerate(PAYLOADS)]
    write_export(raw / "{{ 7*7 }}_20240630210006.csv", listed)
    write_export(raw / "<svg onload=alert(1)>_20240630210007.csv", [[MARKUP[1], FORMULAS[0]], [MARKUP[0], FORMULAS[1]]])
    form = [["(Từ ngày 01/04/2024 đến ngày 30/06/2024)"], ["STT", "Đơn vị", *FORM]]
    form += [[1, name, 10, 5, 3, 2, 8, 4, 3, 1, 2, 1, 1] for name in names]
    write_export(raw / "=bieu06_20240630210008.csv", form)
    return settings_in(folder)


FORM = [
    "Số hồ sơ nhận giải quyết > Tổng số",
    "Số hồ sơ nhận giải quyết > Trực tuyến",
    "Số hồ sơ nhận giải quyết > Trực tiếp, dịch vụ bưu chính",
    "Số hồ sơ nhận giải quyết > Từ kỳ trước",
    "Số hồ sơ đã giải quyết > Tổng số",
    "Số hồ sơ đã giải quyết > Trước hạn",
    "Số hồ sơ đã giải quyết > Đúng hạn",
    "Số hồ sơ đã giải quyết > Quá hạn",
    "Số lượng hồ sơ đang giải quyết > Tổng số",
    "Số lượng hồ sơ đang giải quyết > Trong hạn",
    "Số lượng hồ sơ đang giải quyết > Quá hạn",
]


@dataclass
class Found:
    """What a file says as text, and what of it is alive."""

    text: str
    alive: list[str]


def look_at_csv(data: bytes) -> Found:
    cells = [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) for cell in row]
    alive = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not re.fullmatch(r"-?\d+", cell)]
    return Found("\n".join(cells), alive)


def look_at_package(data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The XML parts of a Word or Excel file, and what in them leads outside."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist() if name.endswith((".xml", ".rels"))}
    alive = [name for name in parts if "externalLink" in name or "vbaProject" in name]
    for name, part in parts.items():
        tree = lxml.etree.fromstring(part)
        alive += [f"{name}: {e.get('Target')}" for e in tree.iter() if e.get("TargetMode") == "External"]
        alive += [f"{name}: {lxml.etree.QName(e).localname}" for e in tree.iter("{*}ddeLink", "{*}oleLink", "{*}altChunk", "{*}object")]
    return parts, alive


def look_at_xlsx(data: bytes) -> Found:
    parts, alive = look_at_package(data)
    for name, part in parts.items():
        if name.startswith("xl/worksheets/"):
            alive += [f"{name}: {e.text}" for e in lxml.etree.fromstring(part).iter("{*}f")]
    texts = []
    for sheet in openpyxl.load_workbook(io.BytesIO(data)):
        for row in sheet.iter_rows():
            for cell in row:
                alive += [f"{sheet.title}!{cell.coordinate}"] if cell.data_type == "f" or cell.hyperlink else []
                texts.append(str(cell.value))
    return Found("\n".join(texts), alive)


def look_at_docx(data: bytes) -> Found:
    parts, alive = look_at_package(data)
    for name, part in parts.items():
        fields = lxml.etree.fromstring(part).iter("{*}instrText", "{*}fldSimple")
        alive += [f"{name}: {e.text}" for e in fields if (e.text or "").strip() != "PAGE"]
    document = docx.Document(io.BytesIO(data))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return Found("\n".join([*(p.text for p in document.paragraphs), *cells]), alive)


def look_at_html(data: bytes, scripts: frozenset[str] | None) -> Found:
    """A page; scripts are those a page of ours may have, None for Great Expectations' own pages, which have more of them."""
    tree = lxml.html.fromstring(data.decode("utf-8"))
    alive = []
    for element in (e for e in tree.iter() if isinstance(e.tag, str)):
        script = (element.text or "") if element.tag == "script" else ""
        if ALIVE.search(script) or (scripts is not None and element.tag in OURS and script not in scripts):
            alive.append(f"<{element.tag}> {script[:80]}")
        for name, value in element.attrib.items():
            if str(name).startswith("on") and (scripts is not None or ALIVE.search(value)):
                alive.append(f"<{element.tag} {name}={value}>")
            if name in ("href", "src", "action", "xlink:href") and re.match(r"\s*(javascript|vbscript|data:text)", value, re.I):
                alive.append(f"<{element.tag} {name}={value}>")
            if str(name).lower() in ("src", "background", "srcset") and scripts is not None:
                alive.append(f"<{element.tag} {name}={value}>")
    for element in tree.xpath("//script | //style"):
        element.drop_tree()
    return Found(tree.text_content(), alive)


def look_at_mail(data: bytes) -> Found:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    told = {"subject", "from", "to", "date", "message-id", "auto-submitted", "content-language", "mime-version", "content-type"}
    found = Found(f"{message['Subject']} {message['To']}", [f"header {name}" for name in message if name.lower() not in told])
    for part in message.walk():
        kind, payload = part.get_content_type(), part.get_payload(decode=True)
        name = part.get_filename() or ""
        if not isinstance(payload, bytes):
            continue
        if kind == "text/html":
            part_found = look_at_html(payload, frozenset())
        elif name:
            part_found = look_at_csv(payload) if name.endswith(".csv") else look_at_xlsx(payload)
        else:
            part_found = Found(payload.decode("utf-8"), [])
        found.text += part_found.text
        found.alive += part_found.alive
    return found


def look_at(path: Path, scripts: frozenset[str] | None) -> Found:
    data = path.read_bytes()
    if path.suffix == ".html":
        return look_at_html(data, scripts)
    return {".csv": look_at_csv, ".xlsx": look_at_xlsx, ".docx": look_at_docx, ".eml": look_at_mail}[path.suffix](data)


@pytest.fixture(scope="module")
def scripts(night: tuple[Settings, NightResult]) -> frozenset[str]:
    """The scripts of a night without any payload: what our pages may have."""
    pages = list(night[0].outbox.rglob("*.html"))
    found = {e.text or "" for page in pages for e in lxml.html.fromstring(page.read_text(encoding="utf-8")).iter("script")}
    assert 1 <= len(found) <= 3
    return frozenset(found)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A night with the real gate on the hostile office, and its reports in every format."""
    settings = replace(plant(tmp_path_factory.mktemp("hostile")), as_of=AS_OF, fetches=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nights, "Validation", Validation)  # the real one: it writes the pages that are looked at
        result = run_night(settings)
    assert result.is_published, [check for check in result.checks if not check.is_passed]
    kinds = {file["kind"] for file in result.files if file["status"] == "loaded"}
    assert kinds == {"cases", "waiting", "payments", "tasks", "plan_progress", "procedures", "summary06"}, "every planted export is read"
    month = parse_report_period("month", "2024-02")
    for name in (month, parse_report_period("year", "2024")):
        write_period_report(settings.warehouse, settings.reference, name, FORMATS, settings.outbox / "bao-cao" / name.kind)
    return settings


def leaving(settings: Settings) -> Iterator[Path]:
    """Every file an official may open."""
    yield from (path for path in sorted(settings.outbox.rglob("*")) if path.is_file())


def test_nothing_that_was_planted_is_alive_in_any_output(hostile: Settings, scripts: frozenset[str]) -> None:
    texts: dict[str, str] = {}
    for path in leaving(hostile):
        found = look_at(path, scripts)
        assert found.alive == [], path.relative_to(hostile.outbox)
        kind = "site" if "trang" in path.parts else path.suffix
        texts[kind] = texts.get(kind, "") + found.text
    assert set(texts) == {".csv", ".xlsx", ".docx", ".eml", ".html", "site"}
    for kind, text in texts.items():
        assert [p for p in PAYLOADS if p not in text] == [], f"{kind}: every payload arrived, as the text it is"
    docs = list(hostile.docs.rglob("*.html"))
    assert len(docs) > 5
    for path in docs:
        assert look_at(path, None).alive == [], path.name


def test_each_kind_of_look_notices_what_is_not_made_harmless(
    hostile: Settings, scripts: frozenset[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = pages.make_environment

    def unsafe() -> object:
        environment = safe()
        environment.autoescape = False
        return environment

    monkeypatch.setattr(pages, "make_environment", unsafe)
    monkeypatch.setattr(tables, "escape", lambda text: Markup(str(text)))
    monkeypatch.setattr(csv_files, "harmless", lambda cell: "" if cell is None else cell)
    site = write_site(draw_pages(load_figures(hostile.warehouse)), tmp_path / "trang")
    page = look_at(site / "du-lieu.html", scripts).alive
    assert any("onerror" in thing for thing in page)
    assert any("alert" in thing and thing.startswith("<script>") for thing in page)
    for table in write_summaries(hostile.warehouse, tmp_path, AS_OF):
        if table.name == "bang-diem.csv":
            assert [p for p in FORMULAS if not any(cell.startswith(p) for cell in look_at(table, scripts).alive)] == []
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = FORMULAS[0]
    book.save(tmp_path / "a.xlsx")
    assert look_at(tmp_path / "a.xlsx", scripts).alive
