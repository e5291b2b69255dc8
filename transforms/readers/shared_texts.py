"""The shared texts of a workbook as one array: plain ones are cut out of the XML, of the others fastexcel is asked what they say."""

import re
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.readers.sheet_xml import unpack
from transforms.readers.spans import Block, Scratch, Text

BLOCK_BYTES = 2 << 20
_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml[^<>]*\?>)?\s*<sst\b[^<>]*(?<!/)>\s*")
_CLOSING = b"</sst>"
_HEAD, _HEAD_KEPT, _TAIL = Text(b"<si><t>"), Text(b'<si><t xml:space="preserve">'), Text(b"</t></si>")
_ITEM, _ITEM_END = Text(b"<si"), b"</si>"


class NotPlainTexts(Exception):
    """The shared texts are written in another way."""


def read_shared_texts(data: bytes, archive: zipfile.ZipFile, part: str, ask: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """All of them, in order.

    Args:
        data, archive: the workbook, and the same opened.
        part: where they stand in it.
        ask: gives the meanings of some items, each a whole <si> element; null where fastexcel sees none.

    Raises:
        NotPlainTexts: not plain.
        ValueError, zipfile.BadZipFile, zlib.error: damaged, or no UTF-8.
    """
    scratch = Scratch()
    parts = [_read_items(Block(items, scratch), ask) for items in _cut(unpack(data, archive, part))]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Some whole items, until there are none left."""
    waiting: list[bytes] = []
    size = 0
    is_open = False
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size < BLOCK_BYTES:
            continue
        block = b"".join(waiting)
        begin = 0 if is_open else _skip_opening(block)
        end = block.rfind(_ITEM_END) + len(_ITEM_END)
        if end <= begin:
            raise NotPlainTexts
        yield block[begin:end]
        waiting, size, is_open = [block[end:]], len(block) - end, True
    block = b"".join(waiting)
    begin = 0 if is_open else _skip_opening(block)
    end = block.rfind(_CLOSING)
    if end < begin or block[end + len(_CLOSING) :].strip():
        raise NotPlainTexts
    if items := block[begin:end].strip():
        yield items


def _skip_opening(block: bytes) -> int:
    found = _OPENING.match(block)
    if found is None:
        raise NotPlainTexts
    return found.end()


def _read_items(block: Block, ask: Callable[[pa.Array], pa.Array]) -> pa.Array:
    begins = block.places[block.raw[block.places + 1] == ord("s")]
    if not len(begins) or block.data[: begins[0]].strip() or len(block.data) < begins[-1] + _ITEM.size + len(_ITEM_END):
        raise NotPlainTexts
    begins = begins[block.has(begins, _ITEM)]  # properties of fonts begin with s, too
    ends = np.append(begins[1:], len(block.data))
    is_kept = block.has(begins, _HEAD_KEPT)
    text_begins = begins + np.where(is_kept, _HEAD_KEPT.size, _HEAD.size)
    text_ends = ends - _TAIL.size
    is_plain = (is_kept | block.has(begins, _HEAD)) & block.has(text_ends, _TAIL) & (text_begins <= text_ends)
    is_plain &= is_kept | ~block.has_spaces(text_begins, text_ends)
    is_plain[block.encoded(begins)] = False
    texts = block.texts(np.where(is_plain, text_begins, begins), np.where(is_plain, text_ends, ends))
    texts.validate(full=True)
    others = texts.filter(pa.array(~is_plain)).dictionary_encode()
    # Whatever else were a tag inside a plain text is counted.
    other_tags = pc.sum(pc.count_substring(others.dictionary, "<").take(others.indices)).as_py() or 0
    if block.tags != 4 * int(is_plain.sum()) + other_tags:
        raise NotPlainTexts
    if not len(others):
        return texts
    if not pc.all(pc.match_substring_regex(others.dictionary, r"(?s)^<si>.*</si>\s*$")).as_py() or b"<!" in block.data:
        raise NotPlainTexts
    answers = ask(others.dictionary)
    if answers.null_count:
        raise NotPlainTexts
    return pc.replace_with_mask(texts, pa.array(~is_plain), answers.take(others.indices))
