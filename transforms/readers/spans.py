"""Many places of a block of XML compared with a text at once: eight bytes from any place on are one number.

Also texts between places, without a copy. None of this knows what the bytes mean.
"""

import numpy as np
import pyarrow as pa

_WORD = 8
_SPACE = ord(" ")


class Block:
    """Some XML, to be looked at in many places.

    Attributes:
        data: the bytes.
        raw: the same as numbers.
        tags: how many < there are.
        places: where tags begin whose names begin with b, c, r or s.
    """

    def __init__(self, data: bytes, scratch: "Scratch") -> None:
        self.data = data
        self.raw = np.frombuffer(data, np.uint8)
        self._words = np.ndarray(max(len(data) - _WORD + 1, 0), "<u8", data, strides=(1,))
        is_tag, letter, is_named = scratch.rows(len(data))
        np.equal(self.raw, ord("<"), out=is_tag)
        self.tags = int(np.count_nonzero(is_tag))
        # Of all bytes only these four are s with the bits of 0x11 set.
        np.bitwise_or(self.raw, 0x11, out=letter)
        np.equal(letter, ord("s"), out=is_named.view(bool))
        np.logical_and(is_tag[:-1], is_named.view(bool)[1:], out=is_tag[:-1])
        self.places = is_tag[:-1].nonzero()[0]

    def words(self, places: np.ndarray) -> np.ndarray:
        """Eight bytes from each place on, the first one as the lowest.

        Raises:
            IndexError: there are fewer.
        """
        words: np.ndarray = self._words[places]
        return words

    def has(self, places: np.ndarray, text: "Text") -> np.ndarray:
        """Which of the places this text stands at.

        Raises:
            IndexError: eight bytes from one of the places on are more than there are.
        """
        words = self._words[places]
        found: np.ndarray = (words if text.mask is None else words & text.mask) == text.word
        if not text.more or not found.any():
            return found
        is_everywhere = found.all()
        rest = places if is_everywhere else places[found]
        more = np.ones(len(rest), dtype=bool)
        for at, word in text.more:
            more &= self._words[rest + at] == word
        if is_everywhere:
            return more
        found[found] = more
        return found

    def has_spaces(self, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Which of these texts begin or end with a space or a line break; there may be one too many."""
        last = len(self.raw) - 1
        found: np.ndarray = (self.raw[np.minimum(begins, last)] <= _SPACE) | (self.raw[ends - 1] <= _SPACE)
        return found

    def encoded(self, begins: np.ndarray) -> np.ndarray:
        """Which of the texts from these places on hold entities, line ends of two bytes or _x000D_, numbers as often as they do."""
        found = []
        for sign in b"&\r_":
            if sign in self.data:
                places = (self.raw == sign).nonzero()[0]
                if sign == ord("_"):
                    places = places[(self.raw[places + 1] | 32) == ord("x")]
                found.append(np.searchsorted(begins, places, side="right") - 1)
        numbers = np.concatenate(found) if found else np.zeros(0, np.int64)
        return numbers[numbers >= 0]

    def texts(self, begins: np.ndarray, ends: np.ndarray) -> pa.StringArray:
        """Copies of the texts between these places."""
        return between(self.data, begins, ends).take(pa.array(np.arange(0, 2 * len(begins), 2)))


class Scratch:
    """Memory for looking through blocks, used again: fetching it anew from the machine costs more than the look."""

    def __init__(self) -> None:
        self._memory = np.empty((3, 0), np.uint8)

    def rows(self, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Three arrays of this many bytes; the first one of truths."""
        if self._memory.shape[1] < size:
            self._memory = np.empty((3, size), np.uint8)
        first, second, third = self._memory[:, :size]
        return first.view(bool), second, third


class Text:
    """A text to be looked for, as words.

    Attributes:
        size: how many bytes it has.
        word: the first eight of them, or fewer.
        mask: the bytes of a word that they take, None for all.
        more: further words that cover the rest, and where in the text they begin.
    """

    def __init__(self, text: bytes) -> None:
        self.size = len(text)
        self.word = _word(text)
        self.mask = mask(len(text)) if len(text) < _WORD else None
        starts = [*range(_WORD, len(text) - _WORD, _WORD), len(text) - _WORD] if len(text) > _WORD else []
        self.more = [(at, _word(text[at:])) for at in starts]


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text[:_WORD], "little"))


def mask(size: int) -> np.uint64:
    """The first bytes of a word."""
    return np.uint64((1 << 8 * size) - 1)


def between(data: bytes, begins: np.ndarray, ends: np.ndarray) -> pa.StringArray:
    """The texts between these places, each with what stands between it and the next one as a text of its own; nothing is copied."""
    offsets = np.empty(2 * len(begins) + 1, np.int32)
    offsets[:-1:2], offsets[1::2], offsets[-1] = begins, ends, ends[-1] if len(ends) else 0
    return pa.StringArray.from_buffers(2 * len(begins), pa.py_buffer(offsets), pa.py_buffer(data))
