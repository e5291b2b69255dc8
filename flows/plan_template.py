"""`tthc plan template`: the workbook in which units report on the plan's lines that no export measures.

Its headings are those of the export kind plan_progress, so a filled form goes into the folder of exports like any other file.
"""

import io
import math
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from expectations import load_contracts
from flows.office_files import write_whole
from flows.reference import Reference, load_reference
from flows.settings import ConfigurationError
from transforms.measures import load_measures

HEADINGS = {
    "STT": 5,
    "Mã tiêu chí": 9,
    "Nội dung tiêu chí": 38,
    "Cơ quan chủ trì": 18,
    "Chỉ tiêu": 18,
    "Thời hạn": 11,
    "Đơn vị báo cáo": 20,
    "Ngày báo cáo": 11,
    "Kết quả thực hiện": 30,
    "Tỷ lệ hoàn thành (%)": 9,
    "Trạng thái": 13,
    "Ghi chú": 12,
}
ANSWERS = ("Đơn vị báo cáo", "Ngày báo cáo", "Kết quả thực hiện", "Tỷ lệ hoàn thành (%)", "Trạng thái", "Ghi chú")
STATES = ("Chưa thực hiện", "Đang thực hiện", "Đã hoàn thành")
FORM_SHEET, GUIDE_SHEET = "Bao cao", "Huong dan"
HEADING_ROW = 5
SENT_CELL = "C3"
_GUIDE = (
    "HƯỚNG DẪN GHI BÁO CÁO THỰC HIỆN KẾ HOẠCH",
    "Chỉ ghi vào ô màu vàng; các ô khác đã khóa. Không thêm, xóa hoặc đổi tên cột.",
    "Thời điểm xuất: ghi ngày gửi báo cáo (ví dụ 30/06/2024). Bản gửi sau thay bản gửi trước của cùng đơn vị và tiêu chí; dòng để trống không thay gì.",
    "Đơn vị báo cáo: chọn trong danh sách. Tiêu chí chung của nhiều đơn vị: mỗi đơn vị báo cáo cho mình và phải ghi tên đơn vị.",
    "Ngày báo cáo: ngày của số liệu, dạng ngày/tháng/năm.",
    "Kết quả thực hiện: số liệu, số và ngày văn bản. Không ghi tên, số định danh, số điện thoại của người dân.",
    "Tỷ lệ hoàn thành (%): số từ 0 đến 100, không gõ dấu %; ví dụ 97,5. Từ 0 đến 1 chỉ nhận số 0.",
    "Trạng thái: Chưa thực hiện, Đang thực hiện hoặc Đã hoàn thành. Chỉ chọn “Đã hoàn thành” khi đã đạt chỉ tiêu.",
    "Ghi chú: cho người gửi và người nhận; không được đọc vào kho dữ liệu.",
    "Lưu dạng .xlsx và gửi về đầu mối; đầu mối chép tệp vào thư mục tệp xuất.",
    "Danh sách đơn vị:",
)
_LINE = Side(style="thin", color="BFBFBF")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_ANSWER, _HEAD = PatternFill("solid", fgColor="FFF9DB"), PatternFill("solid", fgColor="DDE6F0")


def write_template(out: Path, folder: Path, unit_code: str | None = None) -> int:
    """The form at `out`, whole or not at all; how many lines it has.

    Args:
        out: the .xlsx file to make; an existing one is not overwritten.
        folder: the reference tables.
        unit_code: only the lines this unit reports on, with its name filled in; None for all lines.

    Raises:
        ConfigurationError: the plan has no such lines, the unit is unknown, or the file exists.
    """
    if out.suffix.lower() != ".xlsx":
        raise ConfigurationError(f"“{out}” phải là tên tệp .xlsx")
    if out.exists():
        raise ConfigurationError(f"đã có tệp “{out}”; hãy chọn tên khác để không ghi đè")
    if not out.parent.is_dir():
        raise ConfigurationError(f"không có thư mục “{out.parent}”")
    if not (folder / "units.csv").is_file():
        raise ConfigurationError(f"không có tệp “{folder / 'units.csv'}” (danh sách đơn vị)")
    reference = load_reference(folder, [m.name for m in load_measures(list(load_contracts()["core.cases"].columns))])
    lines = [line for line in reference.plan.lines.to_pylist() if line["source"] == "plan_progress"]
    if not lines:
        raise ConfigurationError(f"“{folder / 'plan.csv'}” không có tiêu chí nào do đơn vị tự báo cáo (source là plan_progress)")
    last = max(line["deadline"] for line in lines)
    units = [u for u in reference.units.to_pylist() if u["valid_from"] <= last <= u["valid_to"]]
    reporter = None
    if unit_code:
        reporter = next((u for u in units if u["unit_code"] == unit_code.upper()), None)
        if reporter is None:
            raise ConfigurationError(f"không có đơn vị “{unit_code}” trong units.csv còn hiệu lực ngày {last:%d/%m/%Y}")
        lines = [line for line in lines if _reports(reporter, line["criterion"], reference)]
        if not lines:
            raise ConfigurationError(f"đơn vị “{unit_code}” không phải báo cáo tiêu chí nào")
    book = openpyxl.Workbook()
    form = book.worksheets[0]
    form.title = FORM_SHEET
    _write_form(form, lines, reporter["unit_name"] if reporter else None, reference)
    _write_guide(book, [unit["unit_name"] for unit in units])
    data = io.BytesIO()
    book.save(data)
    write_whole(out, data.getvalue())
    return len(lines)


def _reports(unit: dict[str, Any], criterion: str, reference: Reference) -> bool:
    return any(
        lead["criterion"] == criterion and (_is_of(unit, lead) or lead["level"] == unit["level"])
        for lead in reference.plan.leads.to_pylist()
    )


def _lead_name(criterion: str, reference: Reference) -> str | None:
    """The official name of the one unit that leads a line."""
    leads = [lead for lead in reference.plan.leads.to_pylist() if lead["criterion"] == criterion]
    if len(leads) != 1 or not leads[0]["unit_code"]:
        return None
    names: list[str] = [u["unit_name"] for u in reference.units.to_pylist() if _is_of(u, leads[0])]
    return names[-1]


def _is_of(unit: dict[str, Any], lead: dict[str, Any]) -> bool:
    """Whether the unit is the one that leads the line; its code alone may be an earlier or a later unit's, too."""
    return bool(unit["unit_code"] == lead["unit_code"] and unit["valid_from"] == lead["unit_valid_from"])


def _write_form(form: Any, lines: list[dict[str, Any]], reporter: str | None, reference: Reference) -> None:
    years = sorted({line["deadline"].year for line in lines})
    form["A1"], form["A1"].font = f"BÁO CÁO THỰC HIỆN KẾ HOẠCH NĂM {', '.join(map(str, years))}", Font(bold=True, size=14)
    form["A2"], form["A2"].font = f"Chỉ ghi vào ô màu vàng. Hướng dẫn ở trang “{GUIDE_SHEET}”.", Font(italic=True)
    form["A3"] = "Thời điểm xuất:"
    _answer(form[SENT_CELL], "dd/mm/yyyy hh:mm")
    letters = {}
    for position, (heading, width) in enumerate(HEADINGS.items(), 1):
        letters[heading] = get_column_letter(position)
        form.column_dimensions[letters[heading]].width = width
        cell = form.cell(HEADING_ROW, position, heading)
        cell.font, cell.fill, cell.border = Font(bold=True), _HEAD, _BOX
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    for number, line in enumerate(lines, 1):
        shown: dict[str, object] = {
            "STT": number,
            "Mã tiêu chí": line["criterion"],
            "Nội dung tiêu chí": line["name_vi"],
            "Cơ quan chủ trì": line["lead_unit"],
            "Chỉ tiêu": line["target_text"],
            "Thời hạn": line["deadline"],
            "Đơn vị báo cáo": reporter or _lead_name(line["criterion"], reference),
        }
        for heading, letter in letters.items():
            cell = form[f"{letter}{HEADING_ROW + number}"]
            cell.value = shown.get(heading)
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a text that starts with = is no formula here
            cell.border, cell.alignment = _BOX, Alignment(wrap_text=True, vertical="top")
            if isinstance(shown.get(heading), date):
                cell.number_format = "dd/mm/yyyy"
            if heading in ANSWERS and not (heading == "Đơn vị báo cáo" and reporter):
                _answer(cell, {"Ngày báo cáo": "dd/mm/yyyy", "Tỷ lệ hoàn thành (%)": "0.##"}.get(heading, "@"))
        form.row_dimensions[HEADING_ROW + number].height = _height(max(_lines(shown.get(h), width) for h, width in HEADINGS.items()))
    form.row_dimensions[HEADING_ROW].height = _height(3)
    first, end = HEADING_ROW + 1, HEADING_ROW + len(lines)
    share = f"{letters['Tỷ lệ hoàn thành (%)']}{first}"
    for heading, rule in {
        "Đơn vị báo cáo": _validation("list", "=UNIT_NAMES", "Chọn đơn vị trong danh sách."),
        "Ngày báo cáo": _validation("date", "DATE(2015,1,1)", "Ghi ngày dạng ngày/tháng/năm.", "DATE(2099,12,31)"),
        "Tỷ lệ hoàn thành (%)": _validation(
            "custom", f"AND(ISNUMBER({share}),{share}>=0,{share}<=100,OR({share}=0,{share}>1))", "Ghi số từ 0 đến 100, không gõ dấu %."
        ),
        "Trạng thái": _validation("list", f'"{",".join(STATES)}"', "Chọn trạng thái trong danh sách."),
    }.items():
        rule.add(f"{letters[heading]}{first}:{letters[heading]}{end}")
        form.add_data_validation(rule)
    sent = _validation("date", "DATE(2015,1,1)", "Ghi ngày gửi dạng ngày/tháng/năm.", "DATE(2099,12,31)")
    sent.add(SENT_CELL)
    form.add_data_validation(sent)
    form.freeze_panes = f"D{first}"
    form.protection.sheet = True
    form.protection.formatColumns = form.protection.formatRows = False
    _set_page(form)
    form.print_title_rows = f"{HEADING_ROW}:{HEADING_ROW}"


def _lines(value: object, width: int) -> int:
    """How many lines a wrapped text takes; spreadsheets do not work it out for a file they did not write themselves."""
    return math.ceil(len(value) / (width * 0.8)) if isinstance(value, str) and value else 1


def _height(lines: int) -> float:
    return 15.5 * lines + 2


def _answer(cell: Any, number_format: str) -> None:
    cell.fill, cell.border, cell.protection, cell.number_format = _ANSWER, _BOX, Protection(locked=False), number_format


def _validation(kind: Any, first: str, message: str, second: str | None = None) -> DataValidation:
    rule = DataValidation(
        type=kind, formula1=first, formula2=second, operator="between" if second else None, allow_blank=True, showErrorMessage=True
    )
    rule.error, rule.errorTitle, rule.prompt, rule.promptTitle, rule.showInputMessage = message, "Chưa đúng", message, "Cách ghi", True
    return rule


def _write_guide(book: openpyxl.Workbook, unit_names: list[str]) -> None:
    guide = book.create_sheet(GUIDE_SHEET)
    guide.column_dimensions["A"].width = 120
    for text in (*_GUIDE, *unit_names):
        guide.append([text])
    for row in guide.iter_rows():
        row[0].alignment = Alignment(wrap_text=True, vertical="top")
        guide.row_dimensions[row[0].row].height = _height(_lines(row[0].value, 120))
    guide["A1"].font = Font(bold=True, size=14)
    first = len(_GUIDE) + 1
    book.defined_names["UNIT_NAMES"] = DefinedName("UNIT_NAMES", attr_text=f"'{GUIDE_SHEET}'!$A${first}:$A${first + len(unit_names) - 1}")
    guide.protection.sheet = True
    _set_page(guide)


def _set_page(sheet: Any) -> None:
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
