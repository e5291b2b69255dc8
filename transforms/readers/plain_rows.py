"""The plain rows of an HTML page, cut out of it and made into columns at once; what is left of the page is small and is parsed.

A row is plain when it is a tr with nothing but td and th in it, these with nothing but text, line breaks and words set off by inline elements
(see `_ROW`), none of them hidden or with a number of its own, and no spans. Where plain rows stood a mark is left, a row of two cells. That the parser gives each mark back, as a row of its own
and in order, proves that the rows stood where rows of a table stand, and not in a comment, a script, another cell or below a merged one. What
an entity means, and whether attributes name a font, is asked of the parser too, once for every different one. So both ways give the same
cells (tests/unit/test_html_columns.py).
"""

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.readers.spans import between
from transforms.sheets import Sheet
from transforms.text import text_bytes

Rows = list[list[str | None]]
# (column, first row, last row), as in `sheets.Sheet`.
Merged = list[tuple[int, int, int]]

# Measured: half of it costs a fifth more time, twice as much 10 MB more memory.
_BLOCK = 2 << 20
# Of a page of which more is left, the parser may as well have all.
MOST_LEFT = 0.5
# TCVN3 fonts show this letter as another one, so that a mark in such a font is not found again.
MARK = "µ:tthc:"
_MOST_TAGS = 500

_SPACE = r"[ \t\r\n]*"
_VALUE = r"""(?:"[^"<>\x00]*"|'[^'<>\x00]*'|[^\x00-\x20"'<>=`/]+)"""
# No name begins with c or r but these, so that colspan and rowspan are none of them.
_NAME = r"(?:[abd-qs-z_][-\w:.]*|class|role|rel)"
_ATTRIBUTES = rf"""(?:[ \t\r\n]+(?:{_NAME}(?:{_SPACE}={_SPACE}{_VALUE})?|(?:col|row)span{_SPACE}={_SPACE}(?:"1"|'1'|1)))*{_SPACE}"""
# Elements inside a line end with their cell, whether they are closed or not.
_INLINE = ("a", "b", "i", "u", "em", "strong", "span", "font")
_TAG = f"<(?:{'|'.join(_INLINE)}){_ATTRIBUTES}>|</(?:{'|'.join(_INLINE)}){_SPACE}>"
_TEXT = rf"(?:[^<\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|<br{_SPACE}/?>|{_TAG})*"
_CELL = "|".join(rf"<{name}{_ATTRIBUTES}>{_TEXT}</{name}{_SPACE}>" for name in ("td", "th"))
_ROW = rf"(?i)^<tr{_ATTRIBUTES}>{_SPACE}(?:(?:{_CELL}){_SPACE})*</tr{_SPACE}>{_SPACE}$"
# Within a line, what is not shown is none of the cell's text; on a row or a cell it hides a line or a column of the table, which is data all the same.
_HIDING = re.compile(rb"hidden|display\s*:\s*none", re.IGNORECASE)
_HIDES = rf"(?i)<(?:{'|'.join(_INLINE)})[ \t\r\n][^>]*(?:hidden|display[ \t\r\n]*:[ \t\r\n]*none)"
# A number beside what a cell shows, see `html`.
_NUMBERED = re.compile(rb"x:num\s*=", re.IGNORECASE)
_IS_NUMBERED = r"(?i)[ \t\r\n]x:num[ \t\r\n]*="
_ROWSPAN = re.compile(rb"rowspan\s*=\s*[\"']?\s*\+?(\d+)", re.IGNORECASE)
_FURTHEST = 1_000
_TELLING = r"(?i)[\s\"'](?:style|class|face)"
_STYLES = re.compile(rf"<style[^>]*>(?:(?!</style>).)*{MARK}", re.DOTALL | re.IGNORECASE)
_BR = re.compile(r"<br[^>]*>", re.IGNORECASE)
# They stand for br elements and other tags until all is decoded, because a tag ends an entity; no plain text holds them.
_BREAK, _NOTHING = "\v", "\f"
_MEANT = re.compile(rf"&[#0-9A-Za-z]*;?|\r\n?|{_BREAK}|{_NOTHING}")


def _mark(name: object) -> str:
    """The cells of a mark: two, which in another cell would be one text; a td and a th, of which a style sheet may give one a font."""
    return f"<td>{MARK}{name}</td><th>{MARK}{name}</th>"


class NotPlain(Exception):
    """The page must be parsed whole."""


@dataclass
class _Block:
    """Columns of some plain rows, as many as the widest of them has; not yet decoded."""

    height: int
    columns: list[pa.Array]


@dataclass
class Cut:
    """A page without its plain rows.

    Attributes:
        rest: the page, with one mark in the place of a plain row and two in the place of several.
        names_tcvn3: whether the whole page may name a TCVN3 font anywhere.
        runs: how many plain rows stood in each place.
        blocks: their cells.
        tags: different tags among them that may name a font.
    """

    rest: str = ""
    names_tcvn3: bool = False
    runs: list[int] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def join(self, rows: Rows, merged: Merged, parse: Callable[[str], Rows]) -> Sheet:
        """The sheet of the whole page.

        Args:
            rows: what the rest parses to.
            merged: cells merged downwards in these rows.
            parse: gives the rows of another page, with the fonts of this one's style sheet.

        Raises:
            NotPlain: a mark does not come back as it must, or plain rows have a TCVN3 font.
        """
        order, others, numbers = self._order(rows)
        if self.names_tcvn3:
            self._refuse_tcvn3(parse)
        meanings = _Meanings(parse)
        width = max(*(len(block.columns) for block in self.blocks), *map(len, others), 0)
        columns = []
        for at in range(width):
            parts = [block.columns[at] if at < len(block.columns) else pa.nulls(block.height, pa.string()) for block in self.blocks]
            for block in self.blocks:
                if at < len(block.columns):
                    block.columns[at] = None
            plain = meanings.decode(pa.concat_arrays(parts))
            around = pa.array([row[at] if at < len(row) else None for row in others], pa.string())
            columns.append(pa.concat_arrays([plain, around]).take(order))
        return Sheet("", columns, merged=[(column, numbers[first - 1], numbers[last - 1]) for column, first, last in merged])

    def _order(self, rows: Rows) -> tuple[pa.Array, Rows, list[int]]:
        """Where each row of the sheet stands among the plain rows with the others below them, these others, and the number in the sheet that each row has."""
        marks = iter([number for number, height in enumerate(self.runs) for _ in range(min(height, 2))])
        height = sum(self.runs)
        order: list[np.ndarray] = []
        others: Rows = []
        numbers: list[int] = []
        wanted = next(marks, None)
        place = 0
        is_inside = False
        for row in rows:
            numbers.append(place + len(others) + 1)
            if wanted is not None and row == [f"{MARK}{wanted}"] * 2:
                if not is_inside:
                    order.append(np.arange(place, place + self.runs[wanted]))
                    place += self.runs[wanted]
                following = next(marks, None)
                wanted, is_inside = following, following == wanted
                continue
            if is_inside or any(cell and MARK in cell for cell in row):
                raise NotPlain
            order.append(np.array([height + len(others)]))
            others.append(row)
        if wanted is not None:
            raise NotPlain
        return pa.array(np.concatenate(order)), others, numbers

    def _refuse_tcvn3(self, parse: Callable[[str], Rows]) -> None:
        """One specimen of every tag; a style sheet may give elements a font, too."""
        tags = sorted(self.tags | {f"<{name}>" for name in ("th", "br", *_INLINE)})
        page = []
        for tag in tags:
            kind = tag[1:3].lower()
            before, cells = {"tr": ("", _mark("")), "td": ("<tr>", MARK), "th": ("<tr>", MARK)}.get(kind, ("<tr><td>", MARK))
            page.append(f"{before}{tag}{cells}</tr>")
        rows = parse(f"<table>{''.join(page)}</table>")
        if len(rows) != len(tags) or any((cell or "").strip() != MARK for row in rows for cell in row):
            raise NotPlain


class _Meanings:
    """What entities, line ends and br elements stand for, as the parser says."""

    def __init__(self, parse: Callable[[str], Rows]) -> None:
        self._parse = parse
        self._known = {_NOTHING: ""}

    def decode(self, column: pa.Array) -> pa.Array:
        """The column with everything in its cells decoded; cells that are then empty are null."""
        starts, raw = text_bytes(column)
        places = np.flatnonzero((raw == ord("&")) | (raw == ord("<")) | (raw == ord("\r")))
        if not len(places):
            return column
        mask = np.zeros(len(column), dtype=bool)
        mask[np.searchsorted(starts, places, side="right") - 1] = True
        encoded = column.filter(pa.array(mask)).dictionary_encode()
        text = "\0".join(encoded.dictionary.to_pylist())
        text = re.sub(r"<[^>]*>", _NOTHING, _BR.sub(_BREAK, text))
        self._learn(set(_MEANT.findall(text)) - self._known.keys())
        meant = [cell or None for cell in _MEANT.sub(lambda found: self._known[found[0]], text).split("\0")]
        return pc.replace_with_mask(column, pa.array(mask), pa.array(meant, pa.string()).take(encoded.indices))

    def _learn(self, tokens: Iterable[str]) -> None:
        asked = sorted(tokens)
        if not asked:
            return
        page = "".join(f"<tr><td>|{token.replace(_BREAK, '<br>')}|</td></tr>" for token in asked)
        answers = [row[0] or "" for row in self._parse(f"<table>{page}</table>")]
        if len(answers) != len(asked) or any("\0" in answer for answer in answers):
            raise NotPlain
        self._known |= {token: answer[1:-1] for token, answer in zip(asked, answers, strict=True)}


def cut_out(text: str) -> Cut:
    """The page with marks in the place of its plain rows, and these as columns.

    Raises:
        NotPlain: not even half of the page is plain rows.
    """
    if MARK in text:
        raise NotPlain
    cut = _Cutter(text).run()
    if (
        not cut.runs
        or len(cut.rest) > len(text) * MOST_LEFT
        or (cut.names_tcvn3 and (len(cut.tags) > _MOST_TAGS or _STYLES.search(cut.rest)))
    ):
        raise NotPlain
    return cut


class _Cutter:
    """Goes through a page block by block."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rest: list[bytes] = []
        self._running = 0  # plain rows since the last other row
        self._covered = 0  # rows below that a merged cell may reach
        self._cut = Cut()

    def run(self) -> Cut:
        begin = 0
        tail = b""
        while begin < len(self._text):
            end = min(begin + _BLOCK, len(self._text))
            if end < len(self._text):
                row = max(self._text.rfind("<tr", begin + 1, end), self._text.rfind("<TR", begin + 1, end))
                end = row if row > begin else end
            block = self._text[begin:end].encode()
            self._cut.names_tcvn3 = self._cut.names_tcvn3 or _names_tcvn3(tail + block)
            self._read_block(block)
            begin, tail = end, block[-len("vntime") :]
        self._end_run()
        self._cut.rest = b"".join(self._rest).decode()
        return self._cut

    def _read_block(self, block: bytes) -> None:
        raw = np.frombuffer(block + b"\0\0\0\0", np.uint8)
        tags = np.flatnonzero(raw == ord("<"))
        first, second = raw[tags + 1] | 32, raw[tags + 2] | 32
        starts = tags[(first == ord("t")) & (second == ord("r"))]
        if not len(starts) or starts[0]:
            starts = np.append(0, starts)
        ends = np.append(starts[1:], len(block))
        plain = self._find_plain(block, starts, ends)
        edges = [0, *(np.flatnonzero(plain[1:] != plain[:-1]) + 1).tolist(), len(plain)]
        for begin, end in itertools.pairwise(edges):
            if plain[begin]:
                self._running += end - begin
            else:
                self._end_run()
                self._rest.append(block[starts[begin] : ends[end - 1]])
        if not plain.any():
            return
        kept = plain[np.searchsorted(starts, tags, side="right") - 1]
        tags, first, second = tags[kept], first[kept], second[kept]
        self._collect_tags(block, raw, tags[first != ord("/")])
        is_edge = (first == ord("t")) | ((first == ord("/")) & (second == ord("t")))
        tags, first, second = tags[is_edge], first[is_edge], second[is_edge]
        cells = np.flatnonzero((first == ord("t")) & (second != ord("r")))
        begins, ends = _tag_ends(raw, tags[cells]), tags[cells + 1]
        self._cut.blocks.append(_make_columns(block, begins, ends, starts[plain]))

    def _find_plain(self, block: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        offsets = pa.py_buffer(np.append(starts, ends[-1]).astype(np.int32))
        pieces = pa.BinaryArray.from_buffers(pa.binary(), len(starts), [None, offsets, pa.py_buffer(block)])
        plain: np.ndarray = pc.match_substring_regex(pieces, _ROW).to_numpy(zero_copy_only=False).copy()
        if _HIDING.search(block):
            plain &= ~pc.match_substring_regex(pieces, _HIDES).to_numpy(zero_copy_only=False)
        if _NUMBERED.search(block):
            plain &= ~pc.match_substring_regex(pieces, _IS_NUMBERED).to_numpy(zero_copy_only=False)
        plain[: self._covered] = False
        self._covered = max(self._covered - len(plain), 0)
        for odd in np.flatnonzero(~plain).tolist():
            reach = max(
                [1, *(min(int(rows) or _FURTHEST, _FURTHEST) for rows in _ROWSPAN.findall(block, int(starts[odd]), int(ends[odd])))]
            )
            plain[odd + 1 : odd + reach] = False
            self._covered = max(self._covered, odd + reach - len(plain))
        return plain

    def _collect_tags(self, block: bytes, raw: np.ndarray, tags: np.ndarray) -> None:
        """Note every different tag that may name a font; there may be one too many, but not many more."""
        longer = tags[raw[tags + len("<td>") - 1] != ord(">")]
        if len(longer) and len(self._cut.tags) <= _MOST_TAGS:
            every = between(block, longer, _tag_ends(raw, longer)).take(pa.array(np.arange(0, 2 * len(longer), 2))).unique()
            telling = every.filter(pc.match_substring_regex(every, _TELLING))
            self._cut.tags |= set(telling.slice(0, _MOST_TAGS + 1).to_pylist())

    def _end_run(self) -> None:
        if self._running:
            mark = f"<tr>{_mark(len(self._cut.runs))}</tr>".encode()
            self._rest.append(mark * min(self._running, 2))
            self._cut.runs.append(self._running)
            self._running = 0


def _names_tcvn3(block: bytes) -> bool:
    """Whether anything in the block may be the name of a TCVN3 font."""
    return bool(pc.match_substring_regex(pa.array([block], pa.binary()), r"(?i)\.vn|vntime")[0].as_py())


def _tag_ends(raw: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Where the text behind each tag begins."""
    ends = tags + len("<td>")
    longer = np.flatnonzero(raw[ends - 1] != ord(">"))
    if len(longer):
        closing = np.flatnonzero(raw == ord(">"))
        ends[longer] = closing[np.searchsorted(closing, tags[longer])] + 1
    return ends


def _make_columns(block: bytes, begins: np.ndarray, ends: np.ndarray, rows: np.ndarray) -> _Block:
    """The columns of the rows that start at these places; rows may differ in width."""
    texts = between(block, begins, ends)
    first = np.searchsorted(begins, rows)
    widths = np.diff(np.append(first, len(begins)))
    blank = np.append(begins == ends, True)
    columns = []
    for at in range(int(widths.max(initial=0))):
        cells = np.where(widths > at, first + at, len(begins))
        columns.append(texts.take(pa.array(cells * 2, mask=blank[cells])))
    return _Block(len(rows), columns)
