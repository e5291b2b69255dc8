"""What OpenDocument cells hold besides plain text."""

import pytest

from tests.corpus import forms
from tests.corpus.truth import make_book
from transforms.readers import read_sheets


def read_cell(cell: str, styles: str = "") -> str | None:
    """The text of the one cell of a sheet."""
    parts = forms.ods_parts(make_book())
    content = str(parts["content.xml"])
    before = content[: content.index("<table:table ")].replace("</office:automatic-styles>", f"{styles}</office:automatic-styles>")
    after = content[content.rindex("</table:table>") + len("</table:table>") :]
    table = f'<table:table table:name="S"><table:table-row>{cell}</table:table-row></table:table>'
    [sheet] = read_sheets(forms.make_zip({**parts, "content.xml": before + table + after}))
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
