import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.text import clean, clean_column, decode_tcvn3, is_tcvn3_font, key, mask

VIETNAMESE = st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ HÀĐẠ", max_size=40)


@given(VIETNAMESE)
def test_key_is_the_same_for_composed_and_decomposed_text(text: str) -> None:
    assert key(unicodedata.normalize("NFD", text)) == key(unicodedata.normalize("NFC", text)) == key(key(text))


@given(VIETNAMESE)
def test_clean_leaves_no_odd_spaces(text: str) -> None:
    noisy = "\u200b" + text.replace(" ", " \u00a0\n ") + "\ufeff"
    assert clean(noisy) == clean(text)


@given(st.lists(st.one_of(st.none(), VIETNAMESE), max_size=20))
def test_clean_column_cleans_each_cell(cells: list[str | None]) -> None:
    cleaned = clean_column(pa.array(cells, pa.string())).cast(pa.string()).to_pylist()
    assert cleaned == [(clean(cell) or None) if cell is not None else None for cell in cells]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Thủy", "Thuỷ"), ("hòa giải", "HOÀ GIẢI"), ("Số hóa", "số hoá"), ("khỏe", "khoẻ"), ("Mã  hồ\nsơ", "mã hồ sơ"), ("TN & MT", "TN&MT")],
)
def test_spellings_of_one_name_match(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), [("Sơn Hà", "Sơn Hạ"), ("Sơn Hà", "Son Ha"), ("Quý", "Quỳ"), ("mùa", "mủa")])
def test_accents_are_never_lost(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_tcvn3_is_decoded_by_font() -> None:
    assert is_tcvn3_font(".VnTime")
    assert is_tcvn3_font("VnArialH")
    assert not is_tcvn3_font("Times New Roman")
    assert decode_tcvn3("UBND x· S¬n Thñy") == "UBND xã Sơn Thủy"
    assert decode_tcvn3("Toµn tr×nh", ".VnTimeH") == "TOÀN TRÌNH"


@given(st.from_regex(r"[A-Z][a-z]{2,8} [A-Z][a-z]{2,8} [A-Z][a-z]{2,8}", fullmatch=True))
def test_mask_hides_names(name: str) -> None:
    assert not any(word in mask(name) for word in name.split())


@given(st.from_regex(r"0[0-9]{8,11}", fullmatch=True), st.sampled_from(["", " ", "."]))
def test_mask_hides_numbers_of_people(number: str, gap: str) -> None:
    assert mask(gap.join([number[:4], number[4:7], number[7:]])) == "***"


@pytest.mark.parametrize(
    "text", ["31/02/2024 08:00", "Phòng Du lịch", "24:00 01/01/2024", "99", "Phòng Tài chính - Kế hoạch", "UBND xã Sơn Lạ"]
)
def test_mask_shows_what_helps_to_repair(text: str) -> None:
    assert mask(text, is_moment=True) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12/03/1980", "**/**/****"),  # somebody's birthday in a column of words
        ("UBND xã Sơn Hạ - Nguyễn Văn Bịa", "UBND xã Sơn Hạ - N… V… B…"),
        ("Phòng Tư pháp (Trần Thị Bịa)", "Phòng Tư pháp (T… T… B…)"),
        ("UBND XÃ SƠN HẠ, NGUYỄN VĂN BỊA", "UBND XÃ SƠN HẠ, N… V… B…"),
    ],
)
def test_mask_hides_people_beside_offices_and_dates_among_words(text: str, shown: str) -> None:
    assert mask(text) == shown
