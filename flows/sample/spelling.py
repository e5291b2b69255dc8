"""The ways one Vietnamese text is written in exports: tone placement, Unicode form, old code pages, stray spaces."""

import re
import unicodedata
from collections.abc import Callable

import numpy as np

_OLD = ["òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy"]
_NEW = ["oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ"]
_TONES = dict(zip(_OLD, _NEW, strict=True))
_TONES |= {old.capitalize(): new.capitalize() for old, new in _TONES.items()}
# Only at the end of a syllable: "toàn" has one spelling, "hòa" has two.
_OPEN_SYLLABLE = re.compile(f"({'|'.join(_TONES)})(?!\\w)")

# TCVN 5712:1993 (TCVN3, "ABC" fonts) shares its code points with Latin-1; the font alone tells them apart. Letters of
# the second row exist in small only: capitals with a tone mark are written small and shown capital by another font.
_TCVN3 = str.maketrans(
    "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
    "¡¢£¤¥¦§¨©ª«¬\xad®µ¶·¸¹»¼½¾ÆÇÈÉÊËÌÎÏÐÑÒÓÔÕÖ×ØÜÝÞßáâãäåæçèéêëìíîïñòóôõö÷øùúûüýþ",
)
_TONE_MARKS = set("\u0300\u0301\u0303\u0309\u0323")


def retone(text: str) -> str:
    """Returns the text with the new tone placement: hoà and thuỷ for hòa and thủy."""
    return _OPEN_SYLLABLE.sub(lambda found: _TONES[found[0]], text)


def to_nfd(text: str) -> str:
    """Returns the text with every mark as a character of its own."""
    return unicodedata.normalize("NFD", text)


def to_tcvn3(text: str) -> str:
    """Returns the text as a cell in the font ``.VnTime`` holds it."""
    small = "".join(c.lower() if c not in "ĂÂÊÔƠƯĐ" and ord(c) > 127 else c for c in text)
    return small.translate(_TCVN3)


def to_cp1258(text: str) -> str:
    """Returns the text split the way Windows-1258 has it: letters with their hat or horn, tone marks apart."""
    out = []
    for char in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", char)
        tone = "".join(p for p in parts if p in _TONE_MARKS)
        out.append(unicodedata.normalize("NFC", "".join(p for p in parts if p not in _TONE_MARKS)) + tone)
    return "".join(out)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "nfd": to_nfd,
    "tcvn3": to_tcvn3,
    "cp1258": to_cp1258,
}


def add_noise(text: str, rng: np.random.Generator) -> str:
    """Returns the text with a space doubled, hardened or joined by an invisible one, now and then."""
    if " " not in text or rng.random() > 0.3:
        return text
    return str(
        rng.choice(
            [
                text.replace(" ", "\xa0", 1),
                text.replace(" ", "  ", 1),
                text.replace(" ", " \u200b", 1),
                text + "\xa0",
                text + " ",
            ]
        )
    )
