"""A Word document in the form of Vietnamese administrative documents (Nghị định 30/2020/NĐ-CP): letterhead, body, signature, recipients, annex."""

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from flows.bieu06 import FORM_NUMBER, HEADINGS, ISSUED_BY, TITLE, Bieu06
from flows.office import Office
from flows.office_files import plain_text, settle
from transforms.report_text import Block, Heading, Paragraph, Picture, Table
from transforms.wording import count_vi, unbroken

_FONT = "Times New Roman"
_BODY, _SMALL, _TABLE = 14, 11, 11
_CENTRE, _LEFT, _RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.RIGHT


def write_document(
    office: Office, title: str, as_of: datetime, blocks: Sequence[Block], pictures: Mapping[str, bytes], form: Bieu06, year: int
) -> bytes:
    """The report as a .docx; the same content gives the same bytes.

    Args:
        office: what stands in letterhead and signature.
        title: what the report is about, below BÁO CÁO.
        as_of: the document's date of creation; the date of issue stays to be filled in.
        blocks: the body.
        pictures: name -> PNG; a picture without one is left out.
        form: Biểu số 06, the annex.
        year: of the date of issue left to fill in.
    """
    document = Document()
    _set_up(document, title, as_of)
    _letterhead(document, office, year)
    _line(document, "BÁO CÁO", size=14, bold=True, before=12)
    _line(document, title, size=14, bold=True)
    _rule(document.paragraphs[-1], 6.5)
    for block in blocks:
        _block(document, block, pictures)
    _signature(document, office)
    _annex(document, form, office)
    out = io.BytesIO()
    document.save(out)
    return settle(out.getvalue(), as_of)


def _set_up(document: Any, title: str, as_of: datetime) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2)
    section.left_margin, section.right_margin = Cm(3), Cm(1.5)
    section.header_distance = Cm(1)
    section.different_first_page_header_footer = True
    _page_number(section.header.paragraphs[0])
    style = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, Pt(_BODY)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)
    for level in (1, 2, 3):
        heading = document.styles[f"Heading {level}"]
        heading.font.name, heading.font.size, heading.font.bold, heading.font.italic = _FONT, Pt(_BODY), True, level == 3
        heading.font.color.rgb = None
        fonts = heading.element.rPr.rFonts
        for name in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(name), None)
        fonts.set(qn("w:eastAsia"), _FONT)
        color = heading.element.rPr.find(qn("w:color"))
        if color is not None:
            heading.element.rPr.remove(color)
    properties = document.core_properties
    properties.title, properties.author, properties.language = plain_text(title)[:255], "tthc", "vi-VN"
    properties.created = properties.modified = as_of
    properties.last_modified_by, properties.comments = "tthc", ""


def _page_number(paragraph: Any) -> None:
    """The page's number, centred; the first page has none."""
    paragraph.alignment = _CENTRE
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        run.font.size, run.font.name = Pt(13), _FONT
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = text
        run._r.append(mark)


def _write(paragraph: Any, text: str, *, size: float = _BODY, bold: bool = False, italic: bool = False) -> Any:
    run = paragraph.add_run(unbroken(plain_text(text)))
    run.font.name, run.font.size, run.bold, run.italic = _FONT, Pt(size), bold, italic
    return paragraph


def _line(
    holder: Any, text: str, *, size: float = _BODY, bold: bool = False, italic: bool = False, align: Any = _CENTRE, before: float = 0
) -> Any:
    """A paragraph of one look."""
    paragraph = holder.add_paragraph()
    paragraph.alignment, paragraph.paragraph_format.space_before = align, Pt(before)
    return _write(paragraph, text, size=size, bold=bold, italic=italic)


def _rule(paragraph: Any, indent: float) -> None:
    """A short line below a centred paragraph: an empty paragraph with a border above, indented on both sides (in cm)."""
    element = OxmlElement("w:p")
    paragraph._p.addnext(element)
    line = type(paragraph)(element, paragraph._parent)
    layout = line.paragraph_format
    layout.left_indent = layout.right_indent = Cm(indent)
    layout.space_before, layout.line_spacing = Pt(2), Pt(6)
    borders = OxmlElement("w:pBdr")
    top = OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        top.set(qn(f"w:{name}"), value)
    borders.append(top)
    line._p.get_or_add_pPr().insert(0, borders)  # the schema wants it before spacing and indent


def _bare_table(document: Any, widths: Sequence[float]) -> Any:
    """A table of one row without borders."""
    table = document.add_table(rows=1, cols=len(widths))
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for cell, column, width in zip(table.rows[0].cells, table.columns, widths, strict=True):
        cell.width = column.width = Cm(width)
    return table


def _letterhead(document: Any, office: Office, year: int) -> None:
    left, right = _bare_table(document, (7.0, 9.8)).rows[0].cells
    lines = [(office.superior, 12, False), (office.name, 12, True)] if office.superior else [(office.name, 12, True)]
    for number, (text, size, bold) in enumerate(lines):
        paragraph = left.paragraphs[0] if not number else left.add_paragraph()
        paragraph.alignment = _CENTRE
        _write(paragraph, text, size=size, bold=bold)
    _rule(left.paragraphs[-1], 2.2)
    _line(left, f"Số:        /{office.symbol}", size=13, before=4)
    motto = right.paragraphs[0]
    motto.alignment = _CENTRE
    _write(motto, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", size=12, bold=True)
    _line(right, "Độc lập - Tự do - Hạnh phúc", size=13, bold=True)
    _rule(right.paragraphs[-1], 1.9)
    _line(right, f"{office.place}, ngày      tháng      năm {year}", size=13, italic=True, before=4)


def _block(document: Any, block: Block, pictures: Mapping[str, bytes]) -> None:
    if isinstance(block, Heading):
        heading = document.add_heading(level=block.level)
        heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(6), Pt(3)
        heading.paragraph_format.first_line_indent, heading.paragraph_format.keep_with_next = Cm(1.27), True
        _write(heading, block.text, bold=True, italic=block.level == 3)
    elif isinstance(block, Paragraph):
        paragraph = document.add_paragraph()
        layout = paragraph.paragraph_format
        paragraph.alignment, layout.first_line_indent = WD_ALIGN_PARAGRAPH.JUSTIFY, Cm(1.27)
        layout.space_before = layout.space_after = Pt(3)
        layout.line_spacing = 1.1
        _write(paragraph, block.text)
    elif isinstance(block, Picture):
        if block.name in pictures:
            _picture(document, block, pictures[block.name])
    else:
        _table(document, block)


def _picture(document: Any, block: Picture, png: bytes) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment, paragraph.paragraph_format.keep_with_next = _CENTRE, True
    paragraph.paragraph_format.space_before = Pt(6)
    shape = paragraph.add_run().add_picture(io.BytesIO(png), width=Cm(16))
    if shape.height > Cm(20):
        shape.width, shape.height = int(shape.width * Cm(20) / shape.height), Cm(20)
    shape._inline.docPr.set("descr", plain_text(block.title))
    _line(document, f"Hình: {block.title}", size=12, italic=True).paragraph_format.space_after = Pt(6)


def _table(document: Any, block: Table) -> None:
    title = _line(document, block.title, size=12, italic=True, before=6)
    title.paragraph_format.keep_with_next = True
    table = document.add_table(rows=1 + len(block.rows), cols=len(block.headings), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = block.widths or (16.5 / len(block.headings),) * len(block.headings)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
    _row(table.rows[0], block.headings, widths, [_CENTRE] * len(widths), bold=True)
    _repeat(table.rows[0])
    sides = [_RIGHT if heading in block.numeric else _CENTRE if heading == "TT" else _LEFT for heading in block.headings]
    for row, cells in zip(list(table.rows)[1:], block.rows, strict=True):
        _row(row, cells, widths, sides)
    document.add_paragraph().paragraph_format.line_spacing = Pt(6)


def _row(
    row: Any, texts: Sequence[str], widths: Sequence[float], sides: Sequence[Any], *, bold: bool = False, size: float = _TABLE
) -> None:
    for cell, text, width, side in zip(row.cells, texts, widths, sides, strict=True):
        cell.width = Cm(width)
        cell.paragraphs[0].alignment = side
        _write(cell.paragraphs[0], text, size=size, bold=bold)
    _whole(row)


def _repeat(row: Any) -> None:
    """The row stands again at the top of every page."""
    mark = OxmlElement("w:tblHeader")
    row._tr.get_or_add_trPr().append(mark)


def _whole(row: Any) -> None:
    """The row is not torn between pages."""
    row._tr.get_or_add_trPr().insert(0, OxmlElement("w:cantSplit"))


def _signature(document: Any, office: Office) -> None:
    document.add_paragraph()
    table = _bare_table(document, (8.2, 8.3))
    left, right = table.rows[0].cells
    _whole(table.rows[0])
    _write(left.paragraphs[0], "Nơi nhận:", size=12, bold=True, italic=True)
    for recipient in office.recipients:
        _line(left, f"- {recipient}", size=_SMALL, align=_LEFT)
    right.paragraphs[0].alignment = _CENTRE
    _write(right.paragraphs[0], office.signer, size=14, bold=True)
    _line(right, "(Ký, ghi rõ họ tên)", size=13, italic=True)
    for _ in range(4):
        _line(right, "")


def _annex(document: Any, form: Bieu06, office: Office) -> None:
    section = document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21)
    section.different_first_page_header_footer = False
    section.left_margin, section.right_margin = Cm(2), Cm(1.5)
    left, right = _bare_table(document, (13.1, 13.1)).rows[0].cells
    _write(left.paragraphs[0], FORM_NUMBER, size=12, bold=True)
    _line(left, ISSUED_BY, size=11, italic=True, align=_LEFT)
    right.paragraphs[0].alignment = _RIGHT
    _write(right.paragraphs[0], f"Đơn vị báo cáo: {office.name}", size=12)
    _line(right, "Đơn vị tính: Số hồ sơ TTHC", size=11, italic=True, align=_RIGHT)
    _line(document, "PHỤ LỤC", size=13, bold=True, before=6)
    _line(document, TITLE, size=13, bold=True)
    _line(
        document, f"(Từ ngày {_day(form.span.start)} đến ngày {_day(form.last_day)})", size=12, italic=True
    ).paragraph_format.space_after = Pt(6)
    widths = (1.1, 6.5, *(1.7,) * 11)
    sections = form.sections()
    table = document.add_table(rows=3 + sum(1 + len(units) for _, units in sections) + 1, cols=13, style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
    rows = list(table.rows)
    grid = [list(row.cells) for row in rows[:3]]
    for row, column, height, width, text in HEADINGS:
        cell = grid[row][column]
        if height * width > 1:
            cell = cell.merge(grid[row + height - 1][column + width - 1])
        cell.paragraphs[0].alignment = _CENTRE
        _write(cell.paragraphs[0], text, size=10, bold=True)
    for row in rows[:3]:
        _whole(row)
        _repeat(row)
    at, sides = 3, [_CENTRE, _LEFT, *[_RIGHT] * 11]
    for title, units in sections:
        cells = rows[at].cells
        merged = cells[0].merge(cells[12])
        _write(merged.paragraphs[0], title, size=_TABLE, bold=True)
        for number, (unit, counts) in enumerate(units, 1):
            _row(rows[at + number], [str(number), unit.called, *map(count_vi, counts)], widths, sides)
        at += 1 + len(units)
    _row(rows[at], ["", "Tổng số", *map(count_vi, form.totals.values())], widths, sides, bold=True)


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
