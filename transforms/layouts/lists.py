"""The lists behind reading: kinds, headings and words, loaded and checked before any export is opened."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from transforms.declarations import load_declared
from transforms.office_rows import Faults, SwallowedRows, TableError, cut_blank_end, read_office_rows
from transforms.text import heading_key, key

PATH_SEPARATOR = ">"
_ANY_GROUP = "*"
_NO_COLUMN = ("personal", "ignored")
COLUMN_TYPES = [
    "case_code",
    "procedure_code",
    "text",
    "unit",
    "date",
    "year",
    "status",
    "level",
    "channel",
    "amount",
    "fee",
    "duration",
    "count",
    "figure",
    "collection",
    "method",
    "payment_state",
    "component",
    "yes_no",
    "code",
    "progress",
    "percent",
]


class ListError(TableError):
    """A heading, word or kind list cannot be used; the text names file and line."""


@dataclass(frozen=True)
class Column:
    """What one canonical column of a kind means."""

    name: str
    type: str
    required: bool = False
    fill_down: bool = False
    from_section: bool = False
    staged_as: str = ""
    blank_is_no: bool = False
    merged_over: str | None = None


@dataclass(frozen=True)
class Kind:
    """One export kind: how it is recognised and which columns it has."""

    name: str
    label_vi: str
    columns: Mapping[str, Column]
    key_column: str
    marks: frozenset[str]
    at_least: int
    none_of: frozenset[str]
    yields_to: frozenset[str] = frozenset()
    has_period: bool = False

    @property
    def required(self) -> list[str]:
        """Names of the columns without which a file is rejected."""
        return [c.name for c in self.columns.values() if c.required]


@dataclass(frozen=True)
class LayoutLists:
    """All lists, ready for matching, and the version that staged files carry."""

    kinds: Mapping[str, Kind]
    headings: Mapping[str, Mapping[str, str]]
    """kind -> heading key ("a>b" for grouped headings, "*>b" for any group) -> column, "personal" or "ignored"."""
    spellings: Mapping[str, Mapping[str, Sequence[str]]]
    """kind -> column -> headings as written, the first one being the one to show."""
    words: Mapping[str, Mapping[str, Any]]
    """domain -> word key -> canonical value."""
    version: str


def _heading_key(heading: str) -> str:
    return PATH_SEPARATOR.join(
        part if part == _ANY_GROUP else heading_key(part) for part in (p.strip() for p in heading.split(PATH_SEPARATOR))
    )


def _read_csv(text: str, fields: Sequence[str], source: str) -> list[tuple[int, list[str]]]:
    try:
        rows = read_office_rows(text)
    except SwallowedRows as error:
        raise ListError(f"{source}, {error}") from None
    rows = [(number, cut_blank_end(row, len(fields))) for number, row in rows if any(cell.strip() for cell in row)]
    if not rows or [cell.strip() for cell in rows[0][1]] != list(fields):
        raise ListError(f"{source}: dòng 1 phải là “{','.join(fields)}”")
    return [(number, [cell.strip() for cell in row]) for number, row in rows[1:]]


def _load_kinds(text: str) -> dict[str, Kind]:
    kinds = {}
    for name, body in load_declared(text).items():
        columns = {}
        key_column = "case_code"
        for column, facts in body["columns"].items():
            if facts["type"] not in COLUMN_TYPES:
                raise ListError(f"kinds.yml: {name}.{column}: loại “{facts['type']}” không có")
            if facts.get("key"):
                key_column = column
            columns[column] = Column(
                column,
                facts["type"],
                facts.get("required", False),
                facts.get("fill") == "down",
                facts.get("section", False),
                facts.get("as", column),
                facts.get("blank") == "no",
                facts.get("merged_over"),
            )
        kinds[name] = Kind(
            name,
            body["label_vi"],
            columns,
            key_column,
            frozenset(body["marks"]),
            body["at_least"],
            frozenset(body.get("none_of", ())),
            frozenset(body.get("yields_to", ())),
            body.get("period", False),
        )
    return kinds


def _word_value(domain: str, value: str) -> Any:
    """The canonical value that is written; None where the domain can have none such. Excel saves true as TRUE."""
    if domain == "yes_no":
        return {"true": True, "false": False}.get(value.casefold())
    if domain in ("status", "component"):
        return int(value) if value.isdecimal() else None
    return value


def _cells(row: Sequence[str], fields: Sequence[str], place: str) -> Sequence[str]:
    if len(row) != len(fields):
        raise ListError(f"{place}: có {len(row)} ô, cần đúng {len(fields)} ô ({','.join(fields)})")
    return row


def _add_heading(
    row: Sequence[str],
    place: str,
    kinds: Mapping[str, Kind],
    headings: dict[str, dict[str, str]],
    spellings: dict[str, dict[str, list[str]]],
) -> None:
    kind, column, heading = _cells(row, ("kind", "column", "heading"), place)
    if kind != "*" and kind not in kinds:
        raise ListError(f"{place}, cột kind: không có loại tệp “{kind}”; có: {', '.join(kinds)}")
    if not heading:
        raise ListError(f"{place}, cột heading: thiếu tiêu đề")
    for name in kinds if kind == "*" else [kind]:
        known = set(kinds[name].columns) | kinds[name].marks | kinds[name].none_of | set(_NO_COLUMN)
        if column not in known:
            allowed = ", ".join((*kinds[name].columns, *_NO_COLUMN))
            raise ListError(f"{place}, cột column: loại “{name}” không có cột “{column}”; có: {allowed}")
        before = headings[name].setdefault(_heading_key(heading), column)
        if before != column:
            raise ListError(f"{place}, cột heading: tiêu đề “{heading}” đã dùng cho cột “{before}” của loại “{name}”")
        spellings[name].setdefault(column, []).append(heading)


def _add_word(row: Sequence[str], place: str, words: dict[str, dict[str, Any]], *, is_own: bool) -> None:
    domain, value, word = _cells(row, ("domain", "value", "word"), place)
    if is_own and domain not in words:
        raise ListError(f"{place}, cột domain: không có nhóm từ “{domain}”; có: {', '.join(words)}")
    if not word:
        raise ListError(f"{place}, cột word: thiếu từ")
    canonical = _word_value(domain, value)
    if is_own and canonical not in words[domain].values():
        allowed = ", ".join(str(one).lower() if domain == "yes_no" else str(one) for one in dict.fromkeys(words[domain].values()))
        raise ListError(f"{place}, cột value: nhóm “{domain}” không có giá trị “{value}”; có: {allowed}")
    before = words.setdefault(domain, {}).setdefault(key(word), canonical)
    if before != canonical:
        raise ListError(f"{place}, cột word: từ “{word}” đã có nghĩa “{before}” trong nhóm “{domain}”")


def load_lists(extra_headings: str = "", extra_words: str = "") -> LayoutLists:
    """The lists that ship with the program plus the office's own lines.

    Args:
        extra_headings, extra_words: text of CSV files of the same form as headings.csv and words.csv; "" for none.

    Raises:
        ListError: a list is malformed, names an unknown kind or column, or gives one heading or word two meanings.
    """
    folder = files("transforms.layouts")
    shipped = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in ("kinds.yml", "headings.csv", "words.csv")}
    kinds = _load_kinds(shipped["kinds.yml"])
    headings: dict[str, dict[str, str]] = {name: {} for name in kinds}
    spellings: dict[str, dict[str, list[str]]] = {name: {} for name in kinds}
    faults = Faults()
    for source, text in (("headings.csv", shipped["headings.csv"]), ("reference/headings.csv", extra_headings)):
        with faults.gather(ListError):
            for line, row in _read_csv(text, ("kind", "column", "heading"), source) if text.strip() else []:
                with faults.gather(ListError):
                    _add_heading(row, f"{source}, dòng {line}", kinds, headings, spellings)
    words: dict[str, dict[str, Any]] = {}
    for source, text in (("words.csv", shipped["words.csv"]), ("reference/words.csv", extra_words)):
        with faults.gather(ListError):
            for line, row in _read_csv(text, ("domain", "value", "word"), source) if text.strip() else []:
                with faults.gather(ListError):
                    _add_word(row, f"{source}, dòng {line}", words, is_own=source != "words.csv")
    if faults:
        raise ListError(*faults)
    content = "\0".join((*shipped.values(), extra_headings, extra_words))
    return LayoutLists(kinds, headings, spellings, words, hashlib.sha256(content.encode()).hexdigest()[:12])
