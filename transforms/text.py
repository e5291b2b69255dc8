"""Vietnamese text as exports spell it, evened out so that equal meanings compare equal.

Three strengths, each for one use: `clean` for what is stored, `key` for what is matched (headings, units, words), `mask` for what
may be shown of a cell that was refused. Accents are never removed: Sơn Hà and Sơn Hạ are two communes.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_TONES = "\u0300\u0301\u0303\u0309\u0323"
# Old spelling puts the tone on the first vowel of an open oa, oe, uy (hòa, thủy), new spelling on the second (hoà, thuỷ).
_OLD_TONE = re.compile(f"(?:(o)([{_TONES}])([ae])|(u)([{_TONES}])(y))(?![{_TONES}\u0302\u0306])")
_HEADING_MARKS = re.compile(r"(?<=[\w)])(?:\s*(?:\(\s*(?:\d{1,2}|\*+)\s*\)|\*+|:))+$")
# Hyphens and spaces without width, directions of writing and what holds them apart, marks that only choose a letter's form.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]")
# RE2 (Arrow) knows \s as ASCII only, so the Unicode spaces are named.
_INVISIBLE_RE2 = "[\\x{00AD}\\x{034F}\\x{061C}\\x{180E}\\x{200B}-\\x{200F}\\x{202A}-\\x{202E}\\x{2060}-\\x{2064}\\x{2066}-\\x{206F}\\x{FE00}-\\x{FE0F}\\x{FEFF}\\x{FFF9}-\\x{FFFB}]"
_SPACES_RE2 = "[\\s\\x{0085}\\x{00A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}]+"

# TCVN 5712 (VN3, the "ABC" fonts) from 0xA0 up; text in those fonts is stored as the Latin-1 characters of its bytes.
_TCVN3_LETTERS = (
    "\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
_TCVN3 = {0xA0 + i: letter for i, letter in enumerate(_TCVN3_LETTERS)}
# What no TCVN3 font can show: text typed or exported as Unicode into a cell that was set in one, as in old templates.
_NOT_TCVN3 = re.compile("[ĂăĐđĨĩŨũƠơƯư\u0300-\u0323\u1ea0-\u1ef9]")
# Letters and signs of Latin-1 that no Vietnamese text in Unicode has: what letters of TCVN3 are taken for.
_ONLY_TCVN3 = re.compile("[¡-¦¨-¯±-¿Ä-ÇËÎ-ÑÖ-ØÛÜÞßä-çëîïñö-øûüþÿ]")
# "VNI-Times" and its like show another encoding.
_TCVN3_FONT = re.compile(r"^\.?vn(?!i[ -])", re.IGNORECASE)


def clean(text: str) -> str:
    """The text in NFC, without invisible characters, with single ordinary spaces and none at the ends."""
    # What stands unseen between a letter and its tone goes first.
    return " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).split())


@lru_cache(maxsize=100_000)
def key(text: str) -> str:
    """What two spellings of one name share: NFC, lower case, no spaces, tones in the new placement (hòa = hoà)."""
    folded = unicodedata.normalize("NFD", clean(text).casefold().replace(" ", ""))
    moved = _OLD_TONE.sub(lambda m: (m[1] or m[4]) + (m[3] or m[6]) + (m[2] or m[5]), folded)
    return unicodedata.normalize("NFC", moved)


def shown_name(name: str) -> str:
    """A file's name as it can be written anywhere: "?" for what is no UTF-8, as names of old code pages are."""
    return name.encode(errors="replace").decode()


@lru_cache(maxsize=10_000)
def heading_key(heading: str) -> str:
    """The key of a heading without what forms put behind it: the number of a note, "(4)", a star, a colon."""
    return key(_HEADING_MARKS.sub("", clean(heading)))


def clean_column(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """`clean` for a whole column at once, blank cells as null.

    Returns a dictionary array whose dictionary may repeat values: parsing works on the dictionary, so that a word that stands in
    100,000 rows is parsed once.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = column.dictionary_encode() if not isinstance(column, pa.DictionaryArray) else column
    words = encoded.dictionary.cast(pa.string())
    if _are_clean(words):
        return pa.DictionaryArray.from_arrays(encoded.indices, words)
    words = pc.replace_substring_regex(words, pattern=_INVISIBLE_RE2, replacement="")
    words = pc.utf8_normalize(words, form="NFC")
    words = pc.utf8_trim_whitespace(pc.replace_substring_regex(words, pattern=_SPACES_RE2, replacement=" "))
    words = pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)
    if words.null_count:  # a dictionary may not hold nulls that count as values
        plain = words.take(encoded.indices)
        return plain.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, words)


def _are_clean(words: pa.StringArray) -> bool:
    """True only where `clean` leaves every word as it is: printable ASCII, single spaces, none at the ends; blanks and nulls are not."""
    starts, raw = text_bytes(words)
    if words.null_count or not len(raw) or (starts[1:] == starts[:-1]).any() or raw.min() < 32 or raw.max() > 126:
        return False
    space = raw == 32
    return not ((space[1:] & space[:-1]).any() or space[starts[:-1]].any() or space[starts[1:] - 1].any())


def text_bytes(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 bytes of all texts in a row, and where each begins and the last ends, without a copy."""
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1] if offsets else np.zeros(1, np.int32)
    raw = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    return starts - starts[0], raw[starts[0] : starts[-1]]


def is_tcvn3_font(font: str | None) -> bool:
    """True for the fonts (.VnTime, VnArial, …) whose text is TCVN3 and not Unicode."""
    return bool(font and _TCVN3_FONT.match(font.strip()))


def decode_tcvn3(text: str, font: str = ".VnTime") -> str:
    """The Unicode text that a TCVN3 font shows for Latin-1 characters; fonts named …H show capitals. Text that is Unicode stays as it is."""
    if _NOT_TCVN3.search(text):
        return text
    decoded = unicodedata.normalize("NFC", text.translate(_TCVN3))
    return decoded.upper() if font.rstrip().endswith("H") else decoded


def decode_tcvn3_cells(cells: Sequence[tuple[str, str]]) -> list[str]:
    """The texts of a sheet's cells set in TCVN3 fonts, given with their fonts.

    "Mã", "Có" and "Không" may be either encoding: they are what most of the other cells are, so that a template in .VnTime that was filled in Unicode stays as it is.
    """
    unicode = sum(bool(_NOT_TCVN3.search(text)) for text, _ in cells)
    tcvn3 = sum(bool(_ONLY_TCVN3.search(text)) for text, _ in cells)
    return [decode_tcvn3(text, font) if unicode <= tcvn3 or _ONLY_TCVN3.search(text) else text for text, font in cells]


# Identity numbers (12 digits, 9 on old cards) and telephone numbers, wherever they stand in a text and however they are parted. Amounts of
# money, dates and dossier codes are parted too, so only what begins and is parted as such a number is taken: 051…, 09…, +84….
_SPACE = " \u00a0\u2009\u202f"  # names of sheets come with the spaces they were typed with
_GAP = f"[{_SPACE}.-]"
_PERSONAL_FORMS = "|".join(
    (
        rf"\d{{12}}|\d{{9}}|0\d{{2}}(?:{_GAP}\d{{3}}){{3}}|0\d{{5}}[{_SPACE}]\d{{6}}",
        r"0\d{9}|02\d{9}|\+84\d{9,10}|84[35789]\d{8}",
        rf"0\d{{3}}{_GAP}\d{{3}}{_GAP}?\d{{3}}|0\d{{2}}{_GAP}\d{{3}}{_GAP}?\d{{4}}|0\d{{2}}{_GAP}\d{{3}}(?:{_GAP}\d{{2}}){{2}}",
        # dates are parted into twos and fours as well: these forms must begin as a mobile number and keep to one sign
        *(rf"0[35789]\d{{2}}(?:{sign}\d{{2}}){{3}}|0[35789]\d{{2}}{sign}\d{{3}}{sign}\d{{3}}" for sign in (" ", r"\.", "-", "/", "_", ",")),
        rf"0[35789]\d{{3}}[{_SPACE}.]\d{{5}}|0[35789]\d{{4}}[{_SPACE}]\d{{4}}|\(0[35789]\d{{2}}\){_GAP}?\d{{3}}{_GAP}?\d{{3}}",
        *(rf"0\d{{3}}(?:{sign}\d{{4}}){{2}}" for sign in (" ", r"\.", "-")),
        *(rf"0[35789](?:{sign}\d{{4}}){{2}}|0[35789](?:{sign}\d{{2}}){{4}}" for sign in (" ", r"\.")),
        rf"(?:(?:\+|00)84|\(\+?84\)){_GAP}?(?:\(0\))?{_GAP}?\d{{2,3}}{_GAP}?\d{{3}}{_GAP}?\d{{3,4}}",
        rf"\(?02\d{{2}}\)?{_GAP}\d{{3,4}}{_GAP}?\d{{3,4}}",
    )
)
_EMAIL = r"[0-9A-Za-z][0-9A-Za-z.+_-]*@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+"
_PERSONAL = rf"(?:^|\D)(?:{_PERSONAL_FORMS})(?:\D|$)|{_EMAIL}"
_PERSONAL_PYTHON = re.compile(rf"(?<!\d)(?:{_PERSONAL_FORMS})(?!\d)|{_EMAIL}")
# Keyboards of other languages write full-width signs (０９１２…), word processors longer dashes; each is one character, so that places stay the same.
_ORDINARY = {0xFEE0 + sign: sign for sign in range(0x21, 0x7F)} | dict.fromkeys((*range(0x2010, 0x2016), 0x2212), 0x2D)
_NOT_ORDINARY_RE2 = "[\\x{2010}-\\x{2015}\\x{2212}\\x{FF01}-\\x{FF5E}]"


def has_personal_number(column: pa.Array) -> pa.Array:
    """Mask of the cells that hold what looks like an identity number, a telephone number or an e-mail address."""
    odd = pc.fill_null(pc.match_substring_regex(column, _NOT_ORDINARY_RE2), False)
    if pc.any(odd).as_py():
        column = pa.array([text and text.translate(_ORDINARY) for text in column.to_pylist()], pa.string())
    return pc.fill_null(pc.match_substring_regex(column, _PERSONAL), False)


def hide_numbers(text: str) -> str:
    """The text with every identity number, telephone number and e-mail address replaced by ***."""
    shown, end = "", 0
    for found in _PERSONAL_PYTHON.finditer(text.translate(_ORDINARY)):
        shown, end = f"{shown}{text[end : found.start()]}***", found.end()
    return shown + text[end:]


def unit_reference(unit_key: str) -> str:
    """What staged rows hold of a unit's evened-out name: a digest, so that a person's name in the wrong column is not kept in clear."""
    return hashlib.sha256(unit_key.encode()).hexdigest()[:16]


def heading_reference(ending: str) -> str:
    """What is kept of the last part of a heading's key, or of any text that could be a heading: a digest, for a title may name a person."""
    return hashlib.sha256(ending.encode()).hexdigest()[:16]


# Words that open the name of an office, never of a person: such a name may be shown, so that it can be added to units.csv.
_OFFICES = re.compile(
    r"^(UBND|Ủy ban|Uỷ ban|HĐND|Phòng|Sở|Chi nhánh|Chi cục|Trung tâm|Văn phòng|Công an|Bộ phận|Thanh tra|Tòa án|Toà án|Ban Quản lý) ",
    re.IGNORECASE,
)
_DATE_LIKE = re.compile(r"(?<!\d)(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}-\d{1,2}-\d{1,2})(?!\d)")
_TIME_LIKE = re.compile(r"(?<!\d)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,6})?)?(?:Z| ?[+-]\d{2}:?\d{2})?(?!\d)")


# The code of an office is nobody's number, though it may have as many digits; systems write it in place of the office's name, or before it.
_OFFICE_CODE = re.compile(r"^(?:[0-9A-Z]{3}\.[0-9A-Z]{2}\.[0-9A-Z]{2}\.[A-Z]\d{2}|[A-Z]\d{2}\.\d{2,3})(?![\w.])[\s:–-]*", re.IGNORECASE)

_MOST_SHOWN, _MOST_LOOKED_AT = 60, 500
# What is written behind an office's name like a person's: each word with a capital letter ("Phòng Tài chính - Kế hoạch" is not).
# Where one word ends and the next begins is told by the space between them, or, in words written as one, by the second capital letter: were both
# open, a long word in capitals could be parted in more ways than there are seconds.
_REST = r"[^\s\d,;()/\\|\[\]{}<>+_•·*”\"'-]*"
# Vietnamese capitals with two marks stand in Unicode each before its small letter.
_CAPITAL = f"[A-ZĐÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝĂĨŨƠƯ{''.join(map(chr, range(0x1EA0, 0x1EFA, 2)))}]"
_PERSON_BEHIND = re.compile(
    rf"(?:(?<=[-–—−,;:(/\\|\[{{<>+_•·*“\"'])|(?<=[^A-ZĐ]\.))\s*(?:{_CAPITAL}{_REST}(?:\s+{_CAPITAL}{_REST})+|{_CAPITAL}{_REST}{_CAPITAL}{_REST})"
    r"(?=\s*(?:[-–—−,;:)/\\|\]}<>+_•·*”\"'.\d]|$))"
)
# A person is also told by the word before a name ("bà Nguyễn Thị Bịa", "cán bộ: Bịa Văn"), or by a family name that opens two words more, where no street or
# commune is named so ("phường Lê Hồng Phong"). Family names that are ordinary words of offices too (Quản Lý Đô Thị) count only before Văn and Thị.
_NAME_WORD = rf"(?-i:{_CAPITAL})[^\W\d_]*"
_FAMILY = "Nguyễn|Trần|Lê|(?<!vi )Phạm|Hoàng|Huỳnh|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Ngô|Đinh|Trương|Trịnh"
_FAMILY_TOO = f"{_FAMILY}|Hồ|Lý|Dương|Mai|Hà|Đoàn|Lương|Cao|Tạ|Châu|Tô|Đào|Lâm|Phùng|Thái|Quách"
_NO_PLACE = "".join(
    rf"(?<!\b{place} )"
    for place in ("phường", "xã", "phố", "đường", "trấn", "quận", "huyện", "tỉnh", "trường", "P.", "TP", "TP.", "TT", "TT.", "Q.")
)
# "chuyên viên Sở Nội vụ", "cán bộ Hội Phụ nữ": where somebody works, not who it is.
_NO_OFFICE = r"(?!(?:Sở|Phòng|Ban|Bộ|Cục|Chi|Hội|Đoàn|Đảng|Đội|Ủy|Uỷ|Văn phòng|Trung tâm|Trường|Trạm|Tổ|Mặt|Liên|UBND|HĐND|Một|Nhà|Công|Thanh tra|Kho|Tòa|Viện|Quỹ|Khối)\b)"
_PERSON = re.compile(
    rf"(?P<title>(?-i:\b(?:[Ôô]ng|[Bb]à|anh|chị|đ/c))\.?\s*:?\s+)(?P<named>(?!Mẹ\b){_NO_OFFICE}{_NAME_WORD}(?:\s+{_NAME_WORD})+)"
    rf"|(?P<role>\b(?:đồng chí|cán bộ|công chức|chuyên viên|nhân viên|người (?:nộp|nhận|xử lý|thụ lý|yêu cầu|phụ trách|đại diện|liên hệ)|chủ hồ sơ|họ tên|họ và tên)\s*:?\s+)(?P<held>{_NO_OFFICE}{_NAME_WORD}(?:\s+{_NAME_WORD})+)"
    rf"|{_NO_PLACE}(?P<whole>\b(?:(?:{_FAMILY})(?:\s+{_NAME_WORD}){{2,}}|(?:{_FAMILY_TOO})\s+(?:Văn|Thị)\s+[^\W\d_]+(?:\s+{_NAME_WORD})*))",
    re.IGNORECASE,
)


def names_person(text: str) -> bool:
    """True where words tell that a person is named: bà Nguyễn Thị Bịa, cán bộ Bịa Văn Ba, Trần Văn Bịa; never by the name of an office or a place alone."""
    return bool(_PERSON.search(text))


# What a cell must hold before it is looked at one by one: most never name anybody.
_MAY_NAME_RE2 = rf"(?i)(?:^|[^\pL])(?:ông|bà|anh|chị|đ/c|đồng chí|cán bộ|công chức|chuyên viên|nhân viên|người|chủ hồ sơ|họ tên|họ và tên)[\s:.]|^(?:{_FAMILY_TOO}) ".replace(
    "(?<!vi )", ""
)


def hide_people(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The cells without citizens' numbers and, of the names that words tell (bà Nguyễn Thị Bịa), only first letters; and a mask of those that are otherwise now.

    A family name alone tells a person only where the cell says no more: streets, schools and prizes bear such names too.
    """
    may = pc.or_(has_personal_number(column), pc.fill_null(pc.match_substring_regex(column, _MAY_NAME_RE2), False))
    if not pc.any(may).as_py():
        return column, may
    shown = [hide_personal(text) if told and text else text for text, told in zip(column.to_pylist(), may.to_pylist(), strict=True)]
    values = pa.array(shown, pa.string())
    return values, pc.fill_null(pc.not_equal(values, column), False)


def hide_personal(text: str) -> str:
    """One text as `hide_people` shows it."""
    text = hide_numbers(text)
    # In "ĐÀO TẠO CÁN BỘ CÔNG CHỨC" every word begins like a name, so that none is told by the word before it.
    is_all_capitals = text.isupper()
    return _PERSON.sub(lambda m: m[0] if (m[0] != text if m["whole"] else is_all_capitals) else _hide_person(m), text)


def _hide_person(found: re.Match[str]) -> str:
    name = found["named"] or found["held"] or found["whole"]
    return found[0].removesuffix(name) + _initials(name)


def mask(text: str, *, is_moment: bool = False) -> str:
    """What may be shown of a refused cell: short numbers, an office's name and code; of other words only the first letters.

    Args:
        text: the cell.
        is_moment: the cell's column is for dates, which are shown then; elsewhere a date may be somebody's birthday.
    """
    text = clean(text)[:_MOST_LOOKED_AT]
    code = _OFFICE_CODE.match(text)
    if code:
        return (code[0] + mask(text[code.end() :], is_moment=is_moment))[:_MOST_SHOWN]
    digits = sum(c.isdigit() for c in text)
    beside = sum(c.isdigit() for c in _TIME_LIKE.sub(" ", _DATE_LIKE.sub(" ", text)))  # a number beside a date is a number all the same
    if re.search(r"\d{9,}", text) or beside >= 9 or hide_numbers(text) != text:
        return "***"
    if not is_moment:
        text = _DATE_LIKE.sub(lambda m: re.sub(r"\d", "*", m[0]), text)
    if not any(c.isalpha() for c in text):
        return text[:_MOST_SHOWN]
    if _OFFICES.match(text) and digits < 9:
        return _PERSON.sub(_hide_person, _PERSON_BEHIND.sub(lambda m: _initials(m[0]), text))[:_MOST_SHOWN]
    return _initials(text)[:_MOST_SHOWN]


def _initials(text: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda m: m[0] if len(m[0]) == 1 else m[0][0] + "…", text)
