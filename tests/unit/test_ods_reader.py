"""What OpenDocument cells hold besides plain text."""

import pytest

from tests.corpus import forms
from tests.corpus.truth import make_book
from transforms.readers import read_sheets
from transforms.readers.ods import _NS


def read_cell(cell: str, styles: str = "", named: str = "") -> str | None:
    """The text of the one cell of a sheet; `named` are styles of the document's own, as people make them."""
    parts = forms.ods_parts(make_book())
    content = str(parts["content.xml"])
    before = content[: content.index("<table:table ")].replace("</office:automatic-styles>", f"{styles}</office:automatic-styles>")
    after = content[content.rindex("</table:table>") + len("</table:table>") :]
    table = f'<table:table table:name="S"><table:table-row>{cell}</table:table-row></table:table>'
    parts["content.xml"] = before + table + after
    if named:
        spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in _NS.items())
        parts["styles.xml"] = f"<office:document-styles {spaces}><office:styles>{named}</office:styles></office:document-styles>"
    [sheet] = read_sheets(forms.make_zip(parts))
    text: str | None = sheet.columns[0][0].as_py()
    return text


@pytest.mark.parametrize(
    ("paragraph", "text"),
    [
        ("03/05/2024<text:s/>08:15", "03/05/2024 08:15"),
        ('a<text:s text:c="3"/>b', "a   b"),
        ("a<text:tab/>b", "a\tb"),
        ("a<text:line-break/>b", "a\nb"),
        ("<text:span>a<text:s/></text:span>b<text:span>c</text:span>", "a bc"),
    ],
)
def test_spaces_and_breaks_that_are_elements_are_kept(paragraph: str, text: str) -> None:
    assert read_cell(f'<table:table-cell office:value-type="string"><text:p>{paragraph}</text:p></table:table-cell>') == text


def test_a_text_may_stand_in_an_attribute() -> None:
    assert read_cell('<table:table-cell office:value-type="string" office:string-value="Sơn Hạ"/>') == "Sơn Hạ"


@pytest.mark.parametrize(
    ("value", "text"), [("PT1088096H15M00S", "45337.34375"), ("PT08H15M00S", "08:15"), ("PT400H15M00S", "08:15"), ("x", "08:15")]
)
def test_a_moment_that_shows_only_its_time_is_one(value: str, text: str) -> None:
    assert (
        read_cell(f'<table:table-cell office:value-type="time" office:time-value="{value}"><text:p>08:15</text:p></table:table-cell>')
        == text
    )


@pytest.mark.parametrize(("first_day", "date1904"), [("1904-01-01", True), ("1899-12-30", False), ("", False)])
def test_numbers_of_days_count_from_the_day_that_the_document_says(first_day: str, date1904: bool) -> None:
    said = (
        f'<table:calculation-settings><table:null-date table:date-value="{first_day}"/></table:calculation-settings>' if first_day else ""
    )
    parts = forms.ods_parts(make_book())
    parts["content.xml"] = str(parts["content.xml"]).replace("<table:table ", f"{said}<table:table ", 1)
    assert [sheet.date1904 for sheet in read_sheets(forms.make_zip(parts))] == [date1904]


def test_no_number_of_spaces_exhausts_the_reader() -> None:
    text = read_cell('<table:table-cell office:value-type="string"><text:p>a<text:s text:c="999999999"/>b</text:p></table:table-cell>')
    assert text is not None
    assert len(text) < 10_000


@pytest.mark.parametrize("family", ["&apos;.VnTime&apos;", "&quot;.VnTime&quot;", ".VnTime"])
def test_a_tcvn3_font_may_be_named_in_quotation_marks(family: str) -> None:
    style = f'<style:style style:name="v" style:family="table-cell"><style:text-properties fo:font-family="{family}"/></style:style>'
    assert (
        read_cell('<table:table-cell table:style-name="v" office:value-type="string"><text:p>hå s¬</text:p></table:table-cell>', style)
        == "hồ sơ"
    )


def cell_style(name: str, font: str = "", parent: str = "") -> str:
    """A style of cells that sets a font or leaves it to its parent."""
    text = f'<style:text-properties style:font-name="{font}"/>' if font else ""
    above = f' style:parent-style-name="{parent}"' if parent else ""
    return f'<style:style style:name="{name}" style:family="table-cell"{above}>{text}</style:style>'


@pytest.mark.parametrize(
    ("style", "styles", "named", "text"),
    [
        ("", "", cell_style("Default", ".VnTime"), "hồ sơ"),
        ("Heading", "", cell_style("Heading", "", "Default") + cell_style("Default", ".VnTime"), "hồ sơ"),
        ("ce1", cell_style("ce1", "", "Default"), cell_style("Default", ".VnTime"), "hồ sơ"),
        ("ce1", cell_style("ce1", "Arial", "Default"), cell_style("Default", ".VnTime"), "hå s¬"),
        ("Mine", "", cell_style("Mine", "Arial", "Default") + cell_style("Default", ".VnTime"), "hå s¬"),
        ("ce1", cell_style("ce1", "", "A"), cell_style("A", "", "B") + cell_style("B", "", "A"), "hå s¬"),
    ],
)
def test_a_cell_has_the_font_of_the_styles_that_its_own_is_made_from(style: str, styles: str, named: str, text: str) -> None:
    cell = f'<table:table-cell table:style-name="{style}" office:value-type="string"><text:p>hå s¬</text:p></table:table-cell>'
    assert read_cell(cell, styles, named) == text


NO_VALUE = '<table:table-cell table:formula="of:=[Goc.A2]"{}'


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (NO_VALUE.format("/>"), "#?"),  # as a program writes it
        (NO_VALUE.format(' office:value-type="string"/>'), "#?"),
        (NO_VALUE.format(' office:value-type="date"/>'), "#?"),
        (NO_VALUE.format(' office:value-type="float"><text:p/></table:table-cell>'), "#?"),
        (NO_VALUE.format(' office:value-type="string" office:string-value=""/>'), None),
        (NO_VALUE.format(' office:value-type="string"><text:p/></table:table-cell>'), None),
        (NO_VALUE.format(' office:value-type="string"><text:p>Trực tuyến</text:p></table:table-cell>'), "Trực tuyến"),
        (NO_VALUE.format(' office:value-type="float" office:value="0"><text:p>Err:502</text:p></table:table-cell>'), "#N/A"),
        (NO_VALUE.format(' office:value-type="float" office:value="0"><text:p>#DIV/0!</text:p></table:table-cell>'), "#N/A"),
        (NO_VALUE.format(' office:value-type="string" office:string-value="" calcext:value-type="error"/>'), "#N/A"),
        (NO_VALUE.format(' office:value-type="string"><text:p>#NUM!</text:p></table:table-cell>'), "#N/A"),
    ],
)
def test_a_formula_without_a_result_is_told_and_not_blank(cell: str, text: str | None) -> None:
    assert read_cell(cell + '<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>') == text


@pytest.mark.parametrize(
    ("kind", "value", "shown", "text"),
    [
        ("date", "", "19/02/2024", "19/02/2024"),
        ("date", ' office:date-value="2024-02-19T10:00:00"', "19/02/24", "2024-02-19 10:00:00"),
        ("float", "", "8.000", "8.000"),
        ("float", ' office:value="8000.0"', "8.000", "8000"),
        ("currency", "", "8.000 đ", "8.000 đ"),
        ("boolean", "", "Có", "Có"),
        ("boolean", ' office:boolean-value="true"', "ĐÚNG", "true"),
        ("percentage", ' office:value="0.975"', "97,5%", "97,5%"),
    ],
)
def test_a_cell_without_its_value_holds_what_it_shows(kind: str, value: str, shown: str, text: str) -> None:
    assert read_cell(f'<table:table-cell office:value-type="{kind}"{value}><text:p>{shown}</text:p></table:table-cell>') == text
