"""The corpus: every file, how it is made, and what must become of it. The list is data; test_corpus.py only compares.

A file must give exactly the true rows (`loads`), or be refused with an explanation that holds the given words (`refused`), or may do
either where both are honest (`may_be_refused`: what it loads must then be true and complete).
"""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from . import forms, troubles
from .book import ANY, Book, Cell, ErrorCell, FormulaCell, Page, Row, Value, text_row
from .troubles import Trouble, chain
from .truth import AGGREGATED, CASES, CLERK, PEOPLE, WORDS, column_position, make_book, make_page


@dataclass(frozen=True)
class Specimen:
    """One file of the corpus.

    Attributes:
        name: what it is, for people.
        suffix: its file name's ending.
        make: its bytes.
        book: what is in it; None where nothing may be read from it.
        refused: words of the explanation, where it must be refused.
        may_be_refused: refusing it is as good as reading it whole.
        members: an archive's members in the order they must be listed, each with its book (None: refused).
        only_in_night: reading it may take the reading process down, so only the night reads it, in a process of its own.
        cut: only the first rows are there; every one of them that loads must be true, later rows may be missing.
        slow: reading it takes seconds.
    """

    name: str
    suffix: str
    make: Callable[[], bytes]
    book: Book | None = None
    refused: tuple[str, ...] = ()
    may_be_refused: bool = False
    members: tuple[tuple[str, Book | None], ...] = ()
    only_in_night: bool = False
    cut: bool = False
    slow: bool = False

    @cached_property
    def data(self) -> bytes:
        """The file's bytes, made once."""
        return self.make()

    @property
    def file_name(self) -> str:
        """A name that people and every file system can read."""
        return "".join(c if c.isalnum() or c in "-+()=%" else "_" for c in self.name) + self.suffix


def loads(name: str, suffix: str, writer: forms.Writer, book: Book, *changes: Trouble) -> Specimen:
    """A file that must give exactly its book's rows."""
    changed = chain(*changes)(book)
    return Specimen(name, suffix, lambda: writer(changed), changed)


def refused(name: str, suffix: str, make: Callable[[], bytes], *words: str) -> Specimen:
    """A file that must be refused, with these words in the explanation."""
    return Specimen(name, suffix, make, refused=words or ("",))


XLSX, XLSXW, STREAMED, XLS, ODS = forms.xlsx_openpyxl, forms.xlsx_xlsxwriter, forms.xlsx_streamed, forms.xls_xlwt, forms.ods
HAND = forms.xlsx_by_hand
HTML, CSV = forms.html_file, forms.csv_file
PLAIN = make_book()
DATES = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")


def dates_as(spell: Callable[[datetime], Value]) -> Book:
    """The dossier list with its dates written otherwise."""
    return make_book(spell=dict.fromkeys(DATES, spell))


def only_days() -> Book:
    """The dossier list with days instead of moments, and so with midnights as its truth."""
    edits = {}
    for row, case in enumerate(CASES):
        for column in DATES:
            moment = case[column]
            if isinstance(moment, datetime):
                edits[row, column] = (f"{moment:%d/%m/%Y}", datetime(moment.year, moment.month, moment.day), None)
    return make_book(edits=edits)


def _iso(moment: datetime, hours: int, ending: str) -> str:
    return f"{moment - timedelta(hours=7 - hours):%Y-%m-%dT%H:%M:%S}{ending}"


def forms06() -> Book:
    return troubles.form06_header(make_book("summary06"))


def dotted(count: object) -> Value:
    """A count with thousands dots."""
    return f"{count:,}".replace(",", ".")


def composite(between: str) -> Callable[[object], Value]:
    """A count as the screens of QĐ 766 show it, with a percentage and a score beside it."""
    return lambda count: f"Số lượng: {dotted(count)}{between}Tỷ lệ: 34.5%{between}Điểm số: 1.2"


def aggregated(kind: str, spell: Callable[[object], Value] | None = None) -> Book:
    """An aggregated export of the second quarter of 2024, its figures written in some way."""
    return make_book(kind, spell=dict.fromkeys(AGGREGATED[kind], spell) if spell else {})


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


# What Excel writes into the head of a page it saves.
_MSO = """<!--[if gte mso 9]><xml><x:ExcelWorkbook><x:ExcelWorksheets><x:ExcelWorksheet><x:Name>Danh sách hồ sơ</x:Name>
<x:WorksheetOptions><x:Panes></x:Panes></x:WorksheetOptions></x:ExcelWorksheet></x:ExcelWorksheets></x:ExcelWorkbook></xml><![endif]-->"""

# Sound exports in every container ----------------------------------------------------------------------------------------------------

CONTAINERS = [
    loads("xlsx openpyxl", ".xlsx", XLSX, PLAIN),
    loads("xlsx xlsxwriter", ".xlsx", XLSXW, PLAIN),
    loads("xlsx xlsxwriter streamed", ".xlsx", STREAMED, PLAIN),
    loads("xlsx by hand, shared strings", ".xlsx", HAND(), PLAIN),
    loads("xlsx by hand, inline strings", ".xlsx", HAND(strings="inline"), PLAIN),
    loads("xlsx by hand, formula strings", ".xlsx", HAND(strings="str"), PLAIN),
    loads("xlsx by hand, prefix x", ".xlsx", HAND(prefix="x:"), PLAIN, troubles.titles(15)),
    loads("xlsx by hand, prefix x, error cell", ".xlsx", HAND(prefix="x:"), make_book(edits={(2, "due_at"): (ErrorCell(), None, "bad_date")}).warned("1 ô báo lỗi")),
    loads("xlsx by hand, no references", ".xlsx", HAND(refs=False), PLAIN),
    loads("xlsx by hand, no references, titles", ".xlsx", HAND(refs=False), PLAIN, troubles.titles(15)),
    loads("xlsx by hand, no references, first rows blank", ".xlsx", HAND(refs=False), PLAIN, troubles.blank_rows(3)),
    loads("xlsx by hand, no references, error cell", ".xlsx", HAND(refs=False), make_book(edits={(2, "due_at"): (ErrorCell(), None, "bad_date")}).warned("1 ô báo lỗi")),
    loads("xlsx by hand, dimension A1", ".xlsx", HAND(dimension="A1"), PLAIN),
    loads("xlsx by hand, dimension too small", ".xlsx", HAND(dimension="A1:C2"), PLAIN),
    loads("xlsx by hand, dimension to the far corner", ".xlsx", HAND(dimension="A1:XFD1048576"), PLAIN),
    loads("xlsx by hand, pretty printed", ".xlsx", HAND(pretty=True), PLAIN, troubles.blank_rows(2)),
    loads("xlsx by hand, single quotes", ".xlsx", HAND(quote="'", strings="inline"), PLAIN, troubles.blank_rows(2)),
    loads("xlsx by hand, absolute targets", ".xlsx", HAND(absolute=True), PLAIN),
    loads("xlsx by hand, type before place", ".xlsx", HAND(reverse_attributes=True), PLAIN, troubles.blank_rows(2)),
    loads("xlsx by hand, blank strings above", ".xlsx", HAND(blank_strings=True), PLAIN, troubles.column_d,
          lambda book: book.with_page(book.page.with_rows([text_row("", "", ""), text_row("", ""), *book.page.rows]))),
    loads("xlsx by hand, inline blank strings above", ".xlsx", HAND(blank_strings=True, strings="inline"), PLAIN,
          lambda book: book.with_page(book.page.with_rows([text_row("", "", ""), text_row("", ""), *book.page.rows]))),
    loads("xls xlwt", ".xls", XLS, PLAIN),
    loads("xls named xlsx", ".xlsx", XLS, PLAIN),
    loads("xlsx named xls", ".xls", XLSXW, PLAIN),
    loads("xlsx named csv", ".csv", XLSX, PLAIN),
    loads("ods", ".ods", ODS, PLAIN),
    loads("html utf-8", ".xls", HTML(), PLAIN),
    loads("html utf-8 with mark", ".xls", HTML("utf-8-bom"), PLAIN),
    loads("html utf-16", ".xls", HTML("utf-16-le-bom"), PLAIN),
    loads("html utf-16 without mark", ".xls", HTML("utf-16-le"), PLAIN),
    loads("html windows-1258", ".xls", HTML("cp1258"), PLAIN),
    loads("html thead and th", ".xls", HTML(thead=True), PLAIN),
    loads("html titles in a table of their own", ".xls", HTML(titles="table"), PLAIN, troubles.titles(15)),
    loads("html titles in p", ".xls", HTML(titles="p"), PLAIN, troubles.titles(15)),
    loads("html titles in h3", ".html", HTML(titles="h3"), PLAIN, troubles.titles(14)),
    loads("html titles in rows", ".xls", HTML(), PLAIN, troubles.titles(15)),
    loads("html two heading rows with spans", ".xls", HTML(), PLAIN, troubles.grouped_dates, troubles.column_numbers),
    loads("html merged cells in the data", ".xls", HTML(), make_book("procedures"), troubles.merged_column(3)),
    *(loads(f"csv {label} {encoding}", suffix, CSV(delimiter, encoding), PLAIN)
      for delimiter, label, encoding, suffix in (
          (",", "comma", "utf-8", ".csv"), (";", "semicolon", "utf-8-bom", ".csv"), ("\t", "tab", "utf-16-le-bom", ".txt"),
          ("|", "bar", "utf-16-be-bom", ".txt"), (";", "semicolon", "utf-16-le", ".csv"), ("\t", "tab", "utf-16-be", ".tsv"),
          (",", "comma", "cp1258", ".csv"), ("\t", "tab", "cp1258", ".tsv"),
      )),
    loads("csv all cells quoted, line feeds", ".csv", CSV(newline="\n", quote_all=True), PLAIN),
    loads("csv old Macintosh line ends", ".csv", CSV(newline="\r"), PLAIN),
    loads("csv titles above", ".csv", CSV(";", "utf-8-bom"), PLAIN, troubles.titles(15), troubles.totals),
    loads("csv line breaks inside cells", ".csv", CSV(), make_book(edits={
        (1, "procedure_name"): ("Đăng ký\nkết hôn", "Đăng ký kết hôn", None),
        (1, "address"): ("Số 28 ngõ Tưởng Tượng\r\n\"phía sau chợ\"", None, None)})),
    loads("xlsx strict namespaces", ".xlsx", HAND(strict=True), PLAIN),
    loads("xlsx date cells as ISO text", ".xlsx", HAND(iso_dates=True), PLAIN),
    loads("xlsx headings with escaped carriage returns", ".xlsx", HAND(), make_book(rename={
        "due_at": "Ngày_x000D_\nhẹn trả", "status_code": "Trạng_x000D_\nthái"})),
    loads("html as Excel saves it", ".xls", lambda book: HTML()(book).replace(b"<style>", _MSO.encode() + b"<style>"), PLAIN),
    loads("html filter table above", ".xls", lambda book: HTML()(book).replace(b"</tr>", b"</tr></tbody></table><table><tbody>", 1), PLAIN,
          lambda book: book.with_page(book.page.with_rows([text_row("Từ ngày", "01/04/2024", "Đến ngày", "30/06/2024", "Trạng thái", "Tất cả"), *book.page.rows]))),
    loads("csv with Excel's sep line, which Excel does not count", ".csv", lambda book: b"sep=;\r\n" + CSV(";")(book), PLAIN),
    loads("csv codes as formulas of text", ".csv", CSV(";"), make_book(spell={
        "case_code": lambda code: f'="{code}"', "procedure_code": lambda code: f'="{code}"'})),
    loads("csv an only row without line end", ".csv", lambda book: CSV()(book).rstrip(b"\r\n"), make_book(rows=1)),
]  # fmt: skip

# Where the table stands and what stands around it ------------------------------------------------------------------------------------

PLACES = [
    *(loads(f"{form}, 15 titles", suffix, writer, PLAIN, troubles.titles(15))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("streamed", ".xlsx", STREAMED))),
    *(loads(f"{form}, headings in row 40", suffix, writer, PLAIN, troubles.header_at_row(40))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSXW), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("csv", ".csv", CSV()))),
    *(loads(f"{form}, first rows blank", suffix, writer, PLAIN, troubles.blank_rows(7))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("csv", ".csv", CSV()), ("html", ".xls", HTML()))),
    *(loads(f"{form}, table from column D", suffix, writer, PLAIN, troubles.column_d, troubles.blank_rows(2))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("csv", ".csv", CSV("\t")), ("html", ".xls", HTML()))),
    loads("xlsx, dates grouped under one heading", ".xlsx", XLSX, PLAIN, troubles.grouped_dates, troubles.titles(15)),
    loads("ods, dates grouped, column numbers", ".ods", ODS, PLAIN, troubles.grouped_dates, troubles.column_numbers, troubles.titles(5)),
    loads("xls, dates grouped, headings repeated", ".xls", XLS, PLAIN, troubles.grouped_dates, troubles.repeated_header),
    loads("csv, dates grouped", ".csv", CSV(), PLAIN, troubles.grouped_dates),
    *(loads(f"Biểu số 06 {form}", suffix, writer, forms06(), troubles.column_numbers, troubles.totals)
      for form, suffix, writer in (("xlsx", ".xlsx", XLSXW), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("html", ".xls", HTML()), ("csv", ".csv", CSV(";")))),
    *(loads(f"tổng hợp tiếp nhận {form}", suffix, writer, aggregated("receptions_summary", dotted), troubles.period_title("(Từ ngày 01/04/2024 đến ngày 30/06/2024)"), troubles.totals)
      for form, suffix, writer in (("xlsx", ".xlsx", XLSXW), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("html", ".xls", HTML()), ("csv", ".csv", CSV(";")))),
    *(loads(f"tổng hợp thanh toán {form}", suffix, writer, aggregated("payments_summary", composite(between)), troubles.period_title("Quý II năm 2024"), troubles.column_numbers)
      for form, suffix, writer, between in (("xlsx", ".xlsx", XLSX, "\n"), ("html", ".xls", HTML(), "\n"), ("csv", ".csv", CSV(), "; "), ("ods", ".ods", ODS, " "))),
    *(loads(f"tổng hợp số hóa {form}", suffix, writer, aggregated("digitization_summary"), troubles.grouped_header, troubles.period_title("QUÝ 2/2024"), troubles.rewritten(troubles.nfd))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("html", ".xls", HTML()), ("csv", ".csv", CSV()))),
    loads("tổng hợp số hóa, một dòng tiêu đề, ô gộp số liệu", ".xlsx", XLSX, aggregated("digitization_summary", composite("\n")), troubles.titles(15)),
    loads("tổng hợp tiếp nhận, tiêu đề ngắt dòng", ".xlsx", XLSX, aggregated("receptions_summary"), troubles.rewritten(troubles.broken_lines), troubles.titles(15), troubles.signatures(3)),
    loads("Biểu số 06 column letters and signatures", ".xlsx", XLSX, forms06(), troubles.column_letters, troubles.signatures(3)),
    loads("xlsx, column numbers", ".xlsx", XLSX, PLAIN, troubles.column_numbers),
    loads("xlsx, section rows, no field column", ".xlsx", XLSX, PLAIN, troubles.field_sections(column_position("cases", "field_vi"))),
    loads("xls, section rows beside a field column", ".xls", XLS, PLAIN, troubles.field_sections(None)),
    loads("html, catalogue in sections", ".xls", HTML(), make_book("procedures"), troubles.field_sections(column_position("procedures", "field_vi"))),
    loads("csv, catalogue in sections", ".csv", CSV(), make_book("procedures"), troubles.field_sections(column_position("procedures", "field_vi"))),
    loads("xlsx, unit names across the row", ".xlsx", XLSX, PLAIN, troubles.unit_rows),
    loads("html, unit names across the row", ".xls", HTML(), PLAIN, troubles.unit_rows, troubles.titles(3)),
    *(loads(f"{form}, totals and signatures in {count}", suffix, writer, PLAIN, troubles.totals, troubles.signatures(count))
      for count, form, suffix, writer in ((1, "xlsx", ".xlsx", XLSX), (2, "xls", ".xls", XLS), (3, "ods", ".ods", ODS), (3, "html", ".xls", HTML()))),
    loads("payments, totals and signatures", ".xlsx", XLSXW, make_book("payments"), troubles.totals, troubles.signatures(3)),
    loads("digitization, totals and signatures", ".xlsx", XLSXW, make_book("digitization"), troubles.totals, troubles.signatures(2)),
    loads("catalogue, totals and signatures", ".xlsx", XLSXW, make_book("procedures"), troubles.totals, troubles.signatures(3)),
    loads("xlsx, headings repeated in the middle", ".xlsx", XLSX, PLAIN, troubles.repeated_header),
    loads("xlsx, blank rows between", ".xlsx", XLSX, PLAIN, troubles.blank_between),
    *(loads(f"{form}, guide sheet first", suffix, writer, PLAIN, troubles.guide_first)
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS))),
    loads("xlsx, data on the second sheet", ".xlsx", XLSX, PLAIN, troubles.empty_first),
    loads("ods, data on the second sheet", ".ods", ODS, PLAIN, troubles.empty_first),
    *(loads(f"{form}, {state} sheet", suffix, writer, PLAIN, troubles.hidden_copy(state))
      for form, suffix, writer, state in (
          ("xlsx", ".xlsx", XLSX, "hidden"), ("xlsx", ".xlsx", XLSXW, "veryHidden"), ("xls", ".xls", XLS, "hidden"),
          ("xls", ".xls", XLS, "veryHidden"), ("ods", ".ods", ODS, "hidden"))),
    loads("xlsx, two sheets of one kind", ".xlsx", XLSX, PLAIN, troubles.beside(make_page("cases", name="Tháng 6", rows=2))),
    loads("xlsx, sheets of five kinds", ".xlsx", XLSXW, PLAIN, troubles.beside(*(make_page(kind, name=kind) for kind in ("waiting", "payments", "digitization", "procedures")))),
    loads("ods, sheets of two kinds", ".ods", ODS, make_book("payments"), troubles.beside(make_page("digitization", name="Số hóa"))),
]  # fmt: skip

# Words, dates and numbers ------------------------------------------------------------------------------------------------------------

CELLS = [
    loads("dates, unformatted serials xlsx", ".xlsx", XLSX, dates_as(forms.serial_of)),
    loads("dates, unformatted serials xls", ".xls", XLS, dates_as(forms.serial_of)),
    loads("dates, unformatted serials ods", ".ods", ODS, dates_as(forms.serial_of)),
    loads("dates, unformatted serials csv", ".csv", CSV(), dates_as(forms.serial_of)),
    loads("dates, serials as text", ".xlsx", XLSX, dates_as(lambda moment: f"{forms.serial_of(moment):.10f}")),
    *(loads(f"dates, 1904 date cells {form}", suffix, writer, PLAIN, troubles.in_1904)
      for form, suffix, writer in (("openpyxl", ".xlsx", XLSX), ("xlsxwriter", ".xlsx", XLSXW), ("by hand", ".xlsx", HAND()), ("xls", ".xls", XLS))),
    *(loads(f"dates, 1904 serials {form}", suffix, writer, dates_as(lambda moment: forms.serial_of(moment, date1904=True)), troubles.in_1904)
      for form, suffix, writer in (("openpyxl", ".xlsx", XLSX), ("xls", ".xls", XLS))),
    loads("dates, time before day", ".xlsx", XLSX, dates_as(lambda moment: f"{moment:%H:%M:%S %d/%m/%Y}")),
    loads("dates, day before time with comma", ".csv", CSV(";"), dates_as(lambda moment: f"{moment:%d/%m/%Y, %H:%M:%S}")),
    loads("dates, year first", ".xls", XLS, dates_as(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}")),
    loads("dates, ISO +0000", ".xlsx", XLSX, dates_as(lambda moment: _iso(moment, 0, ".000+0000"))),
    loads("dates, ISO Z", ".csv", CSV(), dates_as(lambda moment: _iso(moment, 0, "Z"))),
    loads("dates, ISO +07:00", ".xls", HTML(), dates_as(lambda moment: _iso(moment, 7, "+07:00"))),
    loads("dates, ISO -05:30 with fraction", ".xlsx", XLSX, dates_as(lambda moment: f"{moment - timedelta(hours=12, minutes=30):%Y-%m-%dT%H:%M:%S}.123-05:30")),
    loads("dates, fractions of a second down", ".xlsx", XLSX, dates_as(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}.400")),
    loads("dates, fractions of a second up", ".csv", CSV(), dates_as(lambda moment: f"{moment - timedelta(seconds=1):%d/%m/%Y %H:%M:%S}.999")),
    loads("dates, cells a breath before the second", ".xlsx", XLSX, dates_as(lambda moment: moment - timedelta(milliseconds=3))),
    loads("dates, xls cells a breath before the second", ".xls", XLS, dates_as(lambda moment: forms.serial_of(moment) - 2e-8)),
    loads("dates, ods cells with fractions", ".ods", ODS, dates_as(lambda moment: moment + timedelta(microseconds=300))),
    loads("dates, days only", ".xlsx", XLSX, only_days()),
    loads("dates, days only csv", ".csv", CSV(), only_days()),
    loads("dates, one digit for day and month", ".csv", CSV(), dates_as(lambda moment: f"{moment.day}/{moment.month}/{moment.year} {moment.hour}:{moment:%M:%S}")),
    *(loads(f"codes as numbers {form}", suffix, writer, make_book("procedures", spell={"procedure_code": lambda code: float(str(code))}))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("streamed", ".xlsx", STREAMED), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("csv", ".csv", CSV()), ("html", ".xls", HTML()))),
    loads("codes as numbers in the dossier list", ".xlsx", XLSX, make_book(spell={"procedure_code": lambda code: float(str(code))})),
    loads("codes with long suffix", ".xlsx", XLSX, make_book(spell={"procedure_code": lambda code: f"{code}.000.00.00.H48"})),
    loads("codes with short suffix", ".csv", CSV(), make_book(spell={"procedure_code": lambda code: f" {code}.H48 "})),
    loads("codes in small letters with spaces", ".csv", CSV(), make_book(spell={"case_code": lambda code: f" {str(code).lower().replace('-', ' - ')}"})),
    loads("codes with en dashes", ".xlsx", XLSX, make_book(spell={"case_code": lambda code: str(code).replace("-", "–")})),
    loads("counts with thousands dots", ".xls", HTML(), troubles.form06_header(make_book("summary06", spell={"total": lambda n: f"{n:,}".replace(",", "."), "online": lambda n: f"{n:,}".replace(",", ".")}))),
    loads("counts as float cells", ".xlsx", XLSX, troubles.form06_header(make_book("summary06", spell=dict.fromkeys(("total", "online", "done"), float)))),  # type: ignore[dict-item]
    *(loads(f"amounts as float cells {form}", suffix, writer, make_book("payments", spell={"amount": float}))  # type: ignore[dict-item]
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("csv", ".csv", CSV()))),
    loads("amounts with dots and đ", ".csv", CSV(";"), make_book("payments", spell={"amount": lambda n: f"{n:,} đ".replace(",", ".")})),
    loads("amounts with commas and decimals", ".xlsx", XLSX, make_book("payments", spell={"amount": lambda n: f"{n:,}.00 VNĐ"})),
    loads("text decomposed", ".xlsx", XLSX, PLAIN, troubles.rewritten(troubles.nfd)),
    loads("text decomposed csv", ".csv", CSV(), PLAIN, troubles.rewritten(troubles.nfd)),
    loads("text with new tone placement", ".xlsx", XLSX, make_book(rename={"received_at": "Ngày nhận hồ sơ"}), troubles.rewritten(troubles.new_tones)),
    loads("digitization with new tone placement", ".csv", CSV(), make_book("digitization"), troubles.rewritten(troubles.new_tones)),
    loads("payments cancelled with new tone placement", ".csv", CSV(), make_book("payments", edits={(3, "payment_state"): ("Huỷ thanh toán", "cancelled", None)})),
    loads("text with nbsp and zero width", ".xlsx", XLSX, PLAIN, troubles.rewritten(troubles.invisible)),
    loads("text with nbsp and zero width html", ".xls", HTML(), PLAIN, troubles.rewritten(troubles.invisible)),
    loads("headings in capitals", ".xlsx", XLSX, PLAIN, troubles.rewritten(str.upper, cells=False)),
    loads("headings in small letters", ".xls", XLS, PLAIN, troubles.rewritten(str.lower, cells=False)),
    loads("headings with line breaks", ".xlsx", XLSX, PLAIN, troubles.rewritten(troubles.broken_lines, cells=False)),
    loads("headings with line breaks html", ".xls", HTML(), PLAIN, troubles.rewritten(troubles.broken_lines, cells=False)),
    loads("headings with line breaks ods", ".ods", ODS, PLAIN, troubles.rewritten(troubles.broken_lines, cells=False)),
    loads("headings with line breaks csv", ".csv", CSV(), PLAIN, troubles.rewritten(troubles.broken_lines, cells=False)),
    loads("words in capitals and odd spaces", ".xlsx", XLSX, make_book(spell={
        column: lambda value, column=column: "  " + str(WORDS[column][value]).upper().replace(" ", "  ")
        for column in ("service_level", "channel", "status_code")})),
    loads("words of older systems", ".xlsx", XLSX, make_book(spell={
        "service_level": {"full": "Mức độ 4", "partial": "Mức độ 3", "info": "Mức độ 2"}.get,
        "channel": {"online": "Nộp trực tuyến", "counter": None, "postal": "BCCI"}.get})),
    *(loads(f"TCVN3 {form} {font}", suffix, writer, PLAIN, troubles.in_tcvn3(font, heading))
      for form, suffix, writer, font, heading in (
          ("openpyxl", ".xlsx", XLSX, ".VnTime", ".VnTimeH"), ("by hand", ".xlsx", HAND(strings="inline"), "VnTime", ".VnArialH"),
          ("prefix x", ".xlsx", HAND(prefix="x:"), ".VnTime", ".VnTimeH"), ("no references", ".xlsx", HAND(refs=False), ".VnTime", ".VnTimeH"),
          ("xls", ".xls", XLS, ".VnTime", ".VnTimeH"), ("html", ".xls", HTML(), ".VnTime", ".VnTimeH"), ("ods", ".ods", ODS, ".VnTime", ".VnTimeH"))),
    loads("TCVN3 html by classes", ".xls", HTML(fonts="class"), PLAIN, troubles.in_tcvn3()),
    loads("TCVN3 html by font elements", ".xls", HTML(fonts="font"), PLAIN, troubles.in_tcvn3()),
    loads("TCVN3 html by the table", ".xls", HTML(fonts="table"), PLAIN, troubles.in_tcvn3(".VnTime", ".VnTime")),
    loads("TCVN3 ods by columns", ".ods", forms.ods_with_column_styles, PLAIN, troubles.in_tcvn3(".VnTime", ".VnTime")),
    loads("catalogue, merged field cells xlsx", ".xlsx", XLSX, make_book("procedures"), troubles.merged_column(3)),
    loads("catalogue, merged field cells xls", ".xls", XLS, make_book("procedures"), troubles.merged_column(3)),
    loads("catalogue, merged field cells ods", ".ods", ODS, make_book("procedures"), troubles.merged_column(3)),
    *(loads(f"dossier list, merged unit cells {form}", suffix, writer,
            make_book(edits={(1, "unit"): ("UBND xã Sơn Hà", "UBND xã Sơn Hà", None)}),
            troubles.merged_column(column_position("cases", "unit")))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("html", ".xls", HTML()))),
    *(loads(f"booleans {form}", suffix, writer, make_book("digitization", spell={"is_result_digitized": bool, "is_e_result": bool}))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("by hand", ".xlsx", HAND()), ("xls", ".xls", XLS), ("ods", ".ods", ODS), ("csv", ".csv", CSV()))),
    loads("digits for yes, no and components", ".xlsx", XLSX, make_book("digitization", spell={
        "digitized_input_code": int, "is_result_digitized": int, "is_e_result": lambda yes: "v" if yes else "0"})),  # type: ignore[dict-item,call-overload]
    loads("waiting xlsx", ".xlsx", XLSX, make_book("waiting"), troubles.titles(15)),
    loads("waiting xls", ".xls", XLS, make_book("waiting")),
    loads("waiting csv", ".csv", CSV("|", "utf-16-le-bom"), make_book("waiting"), troubles.titles(15)),
    loads("digitization html", ".xls", HTML("cp1258"), make_book("digitization")),
    loads("catalogue csv", ".csv", CSV("\t"), make_book("procedures")),
    loads("headings of other provinces", ".xlsx", XLSX, make_book(rename={
        "case_code": "Số biên nhận", "procedure_code": "Ký hiệu thủ tục", "procedure_name": "Tên TTHC", "unit": "Cơ quan giải quyết", "channel": "Kênh thực hiện",
        "submitted_at": "Thời điểm nộp", "received_at": "Tiếp nhận ngày", "due_at": "Hạn xử lý", "finished_at": "Ngày hoàn thành", "returned_at": "Ngày nhận kết quả",
        "status_code": "Tình trạng", "person": "Họ tên chủ hồ sơ", "citizen_id": "Số giấy tờ", "address": "Địa chỉ chủ hồ sơ", "clerk": "Người thụ lý"})),
    loads("no optional columns", ".csv", CSV(), make_book(leave_out=("stt", "person", "citizen_id", "phone", "address", "procedure_name", "field_vi", "service_level", "returned_at", "clerk"))),
    loads("unknown heading", ".xlsx", XLSX, make_book(rename={"procedure_name": "Tên dịch vụ"}, edits={
        (row, "procedure_name"): ("Khai sinh", None, None) for row in range(len(CASES))}).warned("“Tên dịch vụ”")),
    loads("unknown heading over personal data", ".xlsx", XLSX, make_book(rename={"person": "Người nộp", "phone": "Liên hệ"}).warned("“Người nộp”, “Liên hệ”")),
]  # fmt: skip

# Rows that must be refused, each with its reason -------------------------------------------------------------------------------------

_BAD_DATES: list[tuple[int, str, Value]] = [
    (0, "due_at", "31/02/2024 10:00"), (1, "received_at", "24:00 05/05/2024"), (2, "submitted_at", "06/05/0206"), (3, "due_at", "chưa hẹn"),
    (4, "due_at", "05/13/2024"), (5, "submitted_at", "12/06/24"),
]  # fmt: skip
_ERRORS: list[tuple[int, str, str]] = [
    (0, "due_at", "bad_date"), (1, "status_code", "unknown_status"), (2, "channel", "unknown_channel"), (3, "service_level", "unknown_level"),
    (4, "submitted_at", "bad_date"),
]  # fmt: skip
_ERROR_EDITS = {(row, column): (ErrorCell(), None, reason) for row, column, reason in _ERRORS}
_FORMULA_EDITS = {(row, column): (FormulaCell("=A1"), None, reason) for row, column, reason in _ERRORS}


def _shifted(columns: int) -> Trouble:
    """In one row all cells stand too far right (or, below zero, left), so that names and numbers fall under other headings."""

    def change(book: Book) -> Book:
        page = book.page
        rows = list(page.rows)
        row = rows[2]
        truth = dict.fromkeys(row.truth or {}) | {"shifted": True}
        cells = (*[Cell()] * columns, *row.cells[:-columns]) if columns > 0 else (*row.cells[-columns:], *[Cell()] * -columns)
        rows[2] = Row(cells, truth, frozenset({("shifted", "")}))
        return book.with_page(page.with_rows(rows))

    return change


def _retitled(page: Page) -> Page:
    """The page with an export time of 2031 in its titles."""
    return page.with_rows(
        [
            text_row("Thời điểm xuất: 08:30 01/07/2031") if row.cells and "Thời điểm xuất: " in str(row.cells[0].value) else row
            for row in page.rows
        ]
    )


ROWS = [
    *(loads(f"bad dates {form}", suffix, writer, make_book(edits={(row, column): (value, None, "bad_date") for row, column, value in _BAD_DATES}))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("csv", ".csv", CSV()), ("html", ".xls", HTML()))),
    loads("date cells of impossible years", ".xlsx", XLSX, make_book(edits={
        (0, "due_at"): (datetime(1924, 5, 1), None, "bad_date"), (1, "due_at"): (45, None, "bad_date"), (2, "due_at"): (-3.5, None, "bad_date")})),
    loads("missing case codes", ".xlsx", XLSX, make_book(edits={(1, "case_code"): (None, None, "missing_case_code"), (4, "case_code"): (" \u200b ", None, "missing_case_code")})),
    loads("missing case codes csv", ".csv", CSV(), make_book(edits={(0, "case_code"): (None, None, "missing_case_code")})),
    loads("unknown words", ".xlsx", XLSX, make_book(edits={
        (0, "status_code"): ("Đã hoàn tất", None, "unknown_status"), (1, "status_code"): (None, None, "unknown_status"),
        (2, "channel"): ("Qua điện thoại", None, "unknown_channel"), (3, "service_level"): ("Mức độ 5", None, "unknown_level")})),
    loads("blank channel is the counter", ".csv", CSV(), make_book(edits={(1, "channel"): (None, "counter", None)})),
    loads("unknown words of payments", ".xlsx", XLSX, make_book("payments", edits={
        (0, "amount"): ("tám nghìn", None, "bad_number"), (1, "collection"): ("Thu giữa", None, "unknown_word"), (2, "method"): ("Vàng", None, "unknown_word"),
        (3, "payment_state"): ("Nợ", None, "unknown_word"), (4, "paid_at"): ("hôm qua", None, "bad_date")})),
    loads("bad numbers", ".xls", XLS, make_book("payments", edits={
        (0, "amount"): ("12,5", None, "bad_number"), (1, "amount"): ("1.00.000", None, "bad_number"), (2, "amount"): (12500.5, None, "bad_number")})),
    loads("bad numbers ods", ".ods", ODS, make_book("payments", edits={(2, "amount"): (12500.5, None, "bad_number"), (1, "amount"): (ErrorCell(), None, "bad_number")}).warned("1 ô báo lỗi")),
    loads("unknown words of digitization", ".csv", CSV(), make_book("digitization", edits={
        (0, "digitized_input_code"): ("Đang số hóa", None, "unknown_word"), (1, "is_result_digitized"): ("có lẽ", None, "unknown_word"), (2, "is_e_result"): ("2", None, "unknown_word")})),
    loads("bad figures of composite cells", ".xlsx", XLSX, make_book("payments_summary", edits={
        (0, "fee_cases"): ("Tỷ lệ: 34.5%", None, "bad_number"), (1, "online_paid_cases"): ("Số lượng: 1,5", None, "bad_number")}), troubles.titles(15)),
    loads("bad counts of Biểu số 06", ".xlsx", XLSX, troubles.form06_header(make_book("summary06", edits={(1, "carried"): ("bảy", None, None)})),
          lambda book: book.with_page(book.page.with_rows([
              Row(row.cells, row.truth, frozenset({("bad_number", "Số hồ sơ nhận giải quyết > Từ kỳ trước")})) if row.truth and row.truth["unit"] == "UBND xã Sơn Hạ" else row
              for row in book.page.rows]))),
    *(loads(f"error cells {form}", suffix, writer, make_book(edits=_ERROR_EDITS).warned("5 ô báo lỗi"))
      for form, suffix, writer in (("openpyxl", ".xlsx", XLSX), ("xlsxwriter", ".xlsx", XLSXW), ("by hand", ".xlsx", HAND()), ("xls", ".xls", XLS), ("ods", ".ods", ODS))),
    *(loads(f"error cells as text {form}", suffix, writer, make_book(edits=_ERROR_EDITS))
      for form, suffix, writer in (("html", ".xls", HTML()), ("csv", ".csv", CSV()))),
    *(loads(f"formulas nobody calculated {form}", suffix, writer, make_book(edits=_FORMULA_EDITS).warned("5 ô báo lỗi"))
      for form, suffix, writer in (("openpyxl", ".xlsx", XLSX), ("by hand", ".xlsx", HAND()), ("prefix x", ".xlsx", HAND(prefix="x:")), ("ods", ".ods", ODS))),
    *(loads(f"error in the unit cell {form}", suffix, writer, make_book(edits={(1, "unit"): (ErrorCell(), "#N/A", None)}).warned("1 ô báo lỗi"))
      for form, suffix, writer in (("xlsx", ".xlsx", XLSX), ("xls", ".xls", XLS), ("ods", ".ods", ODS))),
    loads("error in the code cell", ".xlsx", XLSX, make_book(edits={
        (1, "case_code"): (ErrorCell(), None, "missing_case_code"), (2, "case_code"): (ErrorCell("#REF!"), None, "missing_case_code")}).warned("2 ô báo lỗi")),
    loads("error in the last cell of the last row", ".xlsx", XLSX, make_book(leave_out=("clerk",), edits={(5, "status_code"): (ErrorCell(), None, "unknown_status")}).warned("1 ô báo lỗi")),
    loads("error cells in a column of nothing else", ".xlsx", XLSX, make_book(edits={(row, "returned_at"): (ErrorCell(), None, "bad_date") for row in range(6)}).warned("6 ô báo lỗi")),
    loads("odd dossier codes are kept", ".xlsx", XLSX, make_book(edits={(0, "case_code"): ("HS 2024/17", "HS2024/17", None), (1, "case_code"): (20240017, "20240017", None)})),
    *(loads(f"cells moved by {columns}", ".xlsx", XLSX, PLAIN, _shifted(columns)) for columns in (1, 2, -1, -2)),
    loads("cells moved by 4", ".xlsx", XLSX, PLAIN.warned("đã che 2 ô"), _shifted(4)),
    loads("a name in the code column", ".xlsx", XLSX, make_book(edits={(2, "case_code"): (PEOPLE[1]["person"], None, "missing_case_code")})),
    loads("an identity number in the code column", ".csv", CSV(), make_book(edits={(2, "case_code"): (PEOPLE[1]["citizen_id"], None, "missing_case_code")})),
    loads("a telephone number in the code column", ".xls", XLS, make_book(edits={(2, "case_code"): (PEOPLE[1]["phone"], None, "missing_case_code")})),
    loads("personal data in the procedure code", ".xlsx", XLSX, make_book(edits={
        (0, "procedure_code"): (PEOPLE[0]["citizen_id"], ANY, None), (1, "procedure_code"): (PEOPLE[1]["person"], ANY, None), (2, "procedure_code"): (PEOPLE[2]["phone"], ANY, None)})),
    loads("personal data in the unit cell", ".xlsx", XLSX, make_book(edits={
        (0, "unit"): (PEOPLE[0]["person"], ANY, None), (1, "unit"): (PEOPLE[1]["citizen_id"], ANY, None), (2, "unit"): (PEOPLE[2]["address"], ANY, None)})),
    loads("numbers of people in the procedure's name", ".xlsx", XLSX, make_book(edits={
        (0, "procedure_name"): (f"Đăng ký khai sinh, CCCD {PEOPLE[0]['citizen_id']}", ANY, None), (1, "procedure_name"): (f"Kết hôn (đt: {PEOPLE[3]['phone']})", ANY, None),
        (2, "field_vi"): (f"Chứng thực {PEOPLE[2]['phone']}", ANY, None), (3, "procedure_name"): (f"Cải chính {PEOPLE[1]['phone']}", ANY, None)}).warned("đã che 4 ô")),
    loads("personal data in the other kinds", ".xlsx", XLSX, make_book("payments", edits={
        (0, "fee_kind"): (f"Lệ phí {PEOPLE[0]['phone']}", ANY, None), (1, "amount"): (PEOPLE[1]["citizen_id"] + "x", None, "bad_number"),
        (2, "payment_state"): (PEOPLE[2]["person"], None, "unknown_word")}).warned("đã che 1 ô")),
    loads("a unit nobody knows", ".xlsx", XLSX, make_book(edits={(0, "unit"): ("UBND xã Không Ai Biết", "UBND xã Không Ai Biết", None)})),
    loads("a unit cell that differs by one tone", ".csv", CSV(), make_book(edits={(0, "unit"): ("UBND xã Sơn Há", "UBND xã Sơn Há", None)})),
    loads("an export from the future", ".xlsx", XLSX, make_book(), lambda book: replace(
        troubles.titles(14)(book).with_page(_retitled(troubles.titles(14)(book).page)), exported_at=datetime(2031, 7, 1, 8, 30))),
    loads("a copy of csv comma utf-8", ".csv", CSV(), PLAIN),
    loads("personal data in the wrong columns", ".csv", CSV(";"), make_book(edits={
        (0, "status_code"): (PEOPLE[0]["person"], None, "unknown_status"), (1, "due_at"): (PEOPLE[1]["phone"], None, "bad_date"),
        (2, "channel"): (PEOPLE[2]["citizen_id"], None, "unknown_channel"), (3, "service_level"): (PEOPLE[3]["address"], None, "unknown_level"),
        (4, "status_code"): (PEOPLE[0]["email"], None, "unknown_status")})),
]  # fmt: skip


# Files that must be refused ----------------------------------------------------------------------------------------------------------

_LOGIN = """<!DOCTYPE html><html><head><title>Đăng nhập</title></head><body><form action="/login"><h3>Đăng nhập hệ thống một cửa</h3>
<input name="user"><input type="password" name="pass"><button>Đăng nhập</button></form></body></html>"""
_LAUGHS = "<!DOCTYPE lolz [<!ENTITY lol0 'lol'>" + "".join(f"<!ENTITY lol{n} '{f'&lol{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"


def _with_laughs(part: str, where: str) -> bytes:
    parts = forms.xlsx_parts(PLAIN)
    head, rest = parts[part].split("?>", 1)
    rest = (
        rest.replace("Đã trả kết quả", "&lol9;")
        if part.endswith("sharedStrings.xml")
        else rest.replace("</sheetData>", '<row r="9"><c r="A9" t="str"><v>&lol9;</v></c></row></sheetData>')
    )
    between = "<!-- " + "x" * 6000 + " -->" if where == "late" else ""
    return forms.make_zip(parts | {part: f"{head}?>{between}{_LAUGHS}{rest}"})


def _far(column: str, row: int, *, first: bool = False, refs: bool = True) -> bytes:
    xml = f'<row r="{row}"><c r="{column}{row}"><v>1</v></c></row>' if refs else f'<row r="{row}"><c><v>1</v></c></row>'
    options = {"extra_first": xml} if first else {"extra_rows": xml}
    return forms.make_zip(forms.xlsx_parts(PLAIN, **options))  # type: ignore[arg-type]


def _xlsb() -> bytes:
    parts: dict[str, bytes | str] = {name: text for name, text in forms.xlsx_parts(PLAIN).items() if not name.startswith("xl/work")}
    return forms.make_zip(parts | {"xl/workbook.bin": struct.pack("<BB", 0x83, 1) + bytes(40), "xl/worksheets/sheet1.bin": bytes(64)})


def _flipped(data: bytes, part: bytes) -> bytes:
    """The archive with some bytes of one part's packed content changed."""
    out = bytearray(data)
    at = out.find(part) + len(part) + 60
    for place in range(at, at + 40):
        out[place] ^= 0x5A
    return bytes(out)


def _with_another_text(data: bytes) -> bytes:
    """The workbook with shared texts that are not those it was made with, so that only their checksum tells."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        made = archive.getinfo("xl/sharedStrings.xml").CRC
    return data.replace(made.to_bytes(4, "little"), (made ^ 1).to_bytes(4, "little"))


FILES = [
    refused("missing heading with a near one", ".xlsx", lambda: XLSX(make_book(rename={"due_at": "Ngày hẹn trả dự kiến"})),
            "“Ngày hẹn trả”", "“Ngày hẹn trả dự kiến”", "cases,due,Ngày hẹn trả dự kiến"),
    refused("missing heading with none near", ".csv", lambda: CSV()(make_book(leave_out=("status_code",))), "“Trạng thái”"),
    refused("missing heading of payments", ".xls", lambda: XLS(make_book("payments", rename={"amount": "Số tiền phải nộp"})),
            "“Số tiền phải nộp”", "payments,amount,Số tiền phải nộp"),
    refused("missing group of Biểu số 06", ".xlsx", lambda: XLSX(troubles.rewritten(
        lambda text: "Đã xong" if text == "Số hồ sơ đã giải quyết" else text, cells=False)(forms06())), "Số hồ sơ đã giải quyết > Tổng số"),
    refused("missing heading on the second sheet", ".xlsx", lambda: XLSX(troubles.beside(make_page("cases", name="Tháng 6", rename={"channel": "Cách nộp"}))(PLAIN)),
            "Tháng 6", "“Hình thức tiếp nhận”"),
    refused("two headings for one column", ".xlsx", lambda: XLSX(make_book(rename={"received_at": "Ngày tiếp nhận", "returned_at": "Ngày nhận"})),
            "“Ngày tiếp nhận”", "“Ngày nhận”"),
    refused("one heading twice", ".csv", lambda: CSV()(make_book(rename={"returned_at": "Ngày hẹn trả"})), "hai tiêu đề", "“Ngày hẹn trả”"),
    refused("no known heading", ".xlsx", lambda: XLSX(Book((Page("S", None, (text_row("Tên", "Tuổi"), text_row("Mèo", 3))),))), "tiêu đề"),
    refused("only a guide sheet", ".xlsx", lambda: XLSX(Book(troubles.guide_first(PLAIN).pages[:1])), "tiêu đề"),
    refused("data only on a hidden sheet", ".xlsx", lambda: XLSX(Book(tuple(
        Page(page.name, None, page.rows, state) for page, state in zip(troubles.guide_first(PLAIN).pages, ("visible", "hidden"), strict=True)))), "tiêu đề"),
    refused("empty file", ".xlsx", lambda: b"", "rỗng"),
    refused("empty file csv", ".csv", lambda: b"", "rỗng"),
    refused("only spaces", ".csv", lambda: b" \r\n\t\r\n  ", "rỗng"),
    refused("only zeros", ".xls", lambda: bytes(4096), "rỗng"),
    refused("only a byte order mark", ".csv", lambda: b"\xef\xbb\xbf\r\n", ""),
    refused("truncated xlsx", ".xlsx", lambda: cut_in_half(XLSX(PLAIN)), "cắt cụt"),
    refused("xlsx without its last bytes", ".xlsx", lambda: XLSX(PLAIN)[:-30], "cắt cụt"),
    refused("xlsx of four bytes", ".xlsx", lambda: b"PK\x03\x04", "cắt cụt"),
    refused("xlsx with a damaged sheet", ".xlsx", lambda: _flipped(XLSX(PLAIN), b"xl/worksheets/sheet1.xml"), "hỏng"),
    refused("xlsx with a damaged text", ".xlsx", lambda: _with_another_text(HAND()(PLAIN)), "hỏng"),
    refused("xlsx whose sheet XML ends early", ".xlsx", lambda: forms.make_zip({n: (t[: len(t) * 2 // 3] if "sheet1" in n else t) for n, t in forms.xlsx_parts(PLAIN).items()}), "hỏng"),
    refused("xlsx without its sheet", ".xlsx", lambda: forms.make_zip({n: t for n, t in forms.xlsx_parts(PLAIN).items() if "sheet1" not in n}), "hỏng"),
    refused("xlsx without relations", ".xlsx", lambda: forms.make_zip({n: t for n, t in forms.xlsx_parts(PLAIN).items() if "workbook.xml.rels" not in n}), "hỏng"),
    refused("truncated xls", ".xls", lambda: cut_in_half(XLS(PLAIN)), "hỏng"),
    refused("xls header only", ".xls", lambda: XLS(PLAIN)[:512], "hỏng"),
    refused("truncated ods", ".ods", lambda: cut_in_half(ODS(PLAIN)), "cắt cụt"),
    refused("ods whose XML ends early", ".ods", lambda: forms.make_zip({n: t[: len(t) * 2 // 3] for n, t in forms.ods_parts(PLAIN).items()}), ""),
    refused("pdf named xlsx", ".xlsx", forms.pdf, "PDF"),
    refused("png named xls", ".xls", forms.png, "PNG"),
    refused("login page", ".xls", lambda: _LOGIN.encode(), "trang đăng nhập"),
    refused("login page with a layout table", ".xls", lambda: _LOGIN.replace("<form", "<table><tr><td><form").replace("</form>", "</form></td></tr></table>").encode(), "đăng nhập"),
    refused("html without table", ".xls", lambda: b"<html><body><p>500 Internal Server Error</p></body></html>", "không có bảng"),
    refused("xml spreadsheet 2003", ".xls", lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>', "XML Spreadsheet 2003"),
    refused("web archive named xls", ".xls", lambda: b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"--x\"\r\n\r\n----x\r\nContent-Type: text/html\r\n\r\n" + HTML()(PLAIN), ".mht"),
    refused("xlsx with password", ".xlsx", forms.encrypted_ooxml, "mật khẩu"),
    refused("xls with password", ".xls", lambda: forms.xls_with_password(PLAIN), "mật khẩu"),
    refused("xlsb", ".xlsb", _xlsb, "xlsb"),
    refused("far cell XFD1048576", ".xlsx", lambda: _far("XFD", 1048576), "xa"),
    Specimen("far cell in row 1048576", ".xlsx", lambda: _far("A", 1048576), PLAIN, may_be_refused=True, slow=True),
    refused("far cell AAA2", ".xlsx", lambda: forms.make_zip(forms.xlsx_parts(PLAIN, extra_rows='<row r="9"><c r="BBB9"><v>1</v></c></row>')), "cột"),
    Specimen("far cell in the first written row", ".xlsx", lambda: _far("ZZ", 1048576, first=True), refused=("",), only_in_night=True),
    Specimen("far row without references", ".xlsx", lambda: _far("A", 1048576, refs=False), PLAIN, may_be_refused=True, only_in_night=True),
    refused("bomb of spaces in the sheet", ".xlsx", lambda: forms.zip_with_spaces(forms.xlsx_parts(PLAIN), "xl/worksheets/sheet1.xml", 300), "bom"),
    refused("bomb in an ods", ".ods", lambda: forms.zip_with_spaces(forms.ods_parts(PLAIN), "content.xml", 100), "bom"),
    refused("bomb in an archive", ".zip", lambda: forms.zip_with_spaces({"a.csv": CSV()(PLAIN)}, "a.csv", 100), "bom"),
    refused("too many parts", ".zip", lambda: forms.make_zip({f"{number}.csv": "" for number in range(6000)}, 1), "6000"),
    refused("billion laughs in the sheet", ".xlsx", lambda: _with_laughs("xl/worksheets/sheet1.xml", "early"), "thực thể"),
    refused("billion laughs in the strings", ".xlsx", lambda: _with_laughs("xl/sharedStrings.xml", "early"), "thực thể"),
    refused("billion laughs behind a long comment", ".xlsx", lambda: _with_laughs("xl/sharedStrings.xml", "late"), ""),
    refused("billion laughs in an ods", ".ods", lambda: forms.make_zip(forms.ods_parts(PLAIN, doctype=_LAUGHS)), "thực thể"),
    refused("100,001 columns csv", ".csv", lambda: b"," * 100_000 + b"\r\n" + CSV()(PLAIN), "100001"),
    refused("1,500 columns ods", ".ods", lambda: ODS(Book((Page("S", None, (text_row(*(str(n) for n in range(1500))),)),))), "1000"),
    refused("binary with NUL bytes", ".csv", lambda: bytes((n * 37) % 256 if n % 3 else 0 for n in range(9000)), ""),
    refused("password zip", ".zip", lambda: forms.lock_zip(forms.make_zip({"a.csv": CSV()(PLAIN)})), "mật khẩu"),
    refused("empty zip", ".zip", lambda: forms.make_zip({}), "không có tệp"),
    refused("truncated zip", ".zip", lambda: cut_in_half(forms.make_zip({"a.csv": CSV()(PLAIN)})), "cắt cụt"),
]  # fmt: skip


# Files of which a part is lost, or that people spoil; what they give must be true --------------------------------------------------

HALF = [
    Specimen("truncated html", ".xls", lambda: HTML()(PLAIN)[:-900], PLAIN, may_be_refused=True, cut=True),
    Specimen("truncated html inside a word", ".xls", lambda: HTML()(PLAIN).rpartition("Không được".encode())[0] + "Không đượ".encode()[:-1], PLAIN, may_be_refused=True, cut=True),
    Specimen("truncated csv", ".csv", lambda: CSV()(PLAIN)[:-90], PLAIN, may_be_refused=True, cut=True),
    Specimen("truncated utf-16 csv", ".csv", lambda: CSV("\t", "utf-16-le-bom")(PLAIN)[:-331], PLAIN, may_be_refused=True, cut=True),
    Specimen("csv with a NUL byte in a cell", ".csv", lambda: CSV()(PLAIN).replace("Đăng ký kết hôn".encode(), "Đăng ký\x00 kết hôn".encode()), PLAIN, may_be_refused=True),
    Specimen("csv with a NUL byte far below", ".csv", lambda: CSV()(PLAIN) + b"\r\n" * 3000 + b"\x00\r\n", PLAIN, may_be_refused=True),
    Specimen("csv with a quotation mark left open", ".csv", lambda: CSV()(PLAIN).replace("Số 28 ngõ Tưởng Tượng".encode(), "\"Số 28 ngõ Tưởng Tượng".encode()), PLAIN, may_be_refused=True),
    Specimen("csv with a quotation mark left open in the last column", ".csv", lambda: CSV()(PLAIN).replace(CLERK.encode(), f'"{CLERK}'.encode(), 1), PLAIN, may_be_refused=True),
    Specimen("html of 3,000 nested elements", ".xls", lambda: HTML()(PLAIN).replace(b"<body>", b"<body>" + b"<div>" * 3000), PLAIN, may_be_refused=True),
    Specimen("html whose rows are not closed", ".xls", lambda: HTML()(PLAIN).replace(b"</td>", b"").replace(b"</tr>", b""), PLAIN),
    Specimen("html with a table in a table", ".xls", lambda: HTML()(PLAIN).replace(b"<body>", b"<body><table><tr><td>").replace(b"</body>", b"</td></tr></table></body>"), PLAIN, may_be_refused=True),
]  # fmt: skip

# Archives ----------------------------------------------------------------------------------------------------------------------------


def archive(name: str, *members: tuple[str, Callable[[Book], bytes], Book]) -> Specimen:
    """A zip of sound exports, which are listed by the code points of their names."""
    return Specimen(
        name,
        ".zip",
        lambda: forms.make_zip({member: writer(book) for member, writer, book in members}),
        members=tuple(sorted((member, book) for member, _, book in members)),
    )


ARCHIVES = [
    archive("zip of one workbook", ("ho-so.xlsx", XLSX, PLAIN)),
    archive("zip of two members in folders", ("tháng 5/hồ sơ.csv", CSV(";", "cp1258"), PLAIN), ("tháng 6/chờ tiếp nhận.xls", HTML(), make_book("waiting"))),
    archive("zip of Vietnamese names", ("Danh sách hồ sơ Sơn Hạ.xlsx", STREAMED, PLAIN), ("Danh sách hồ sơ Sơn Hà.xls", XLS, make_book(rows=3)), ("Đã số hóa.ods", ODS, make_book("digitization"))),
    archive("zip with a way out", ("../../ngoai.csv", CSV(), PLAIN), ("../../../tmp/tthc-corpus-ngoai.csv", CSV("|"), make_book(rows=2))),
    archive("zip with absolute names", ("/tmp/tthc-corpus-tuyet-doi.csv", CSV(), make_book(rows=4)), ("C:\\tthc-corpus.csv", CSV(";"), make_book(rows=5))),
    archive("zip named xlsx", ("payments.xlsx", XLSXW, make_book("payments"))),
    Specimen("zip in zip", ".zip", lambda: forms.make_zip({"trong.zip": forms.make_zip({"a.csv": CSV()(PLAIN)})}), members=(("trong.zip", None),)),
    Specimen("zip of a good and a bad member", ".zip", lambda: forms.make_zip({"a tốt.csv": CSV()(make_book("payments")), "b hỏng.xlsx": cut_in_half(XLSX(PLAIN)), "c ảnh.png": forms.png()}),
             members=(("a tốt.csv", make_book("payments")), ("b hỏng.xlsx", None), ("c ảnh.png", None))),
]  # fmt: skip

SPECIMENS: list[Specimen] = [*CONTAINERS, *PLACES, *CELLS, *ROWS, *FILES, *HALF, *ARCHIVES]
