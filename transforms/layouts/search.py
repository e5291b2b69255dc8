"""The search for a table in a sheet: which rows are its headings, what kind it is, which column is which."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.layouts.lists import PATH_SEPARATOR, Kind, LayoutLists
from transforms.sheets import Sheet
from transforms.text import clean, heading_key, key

# Titles, notes and letterheads above a table; measured layouts have at most 15 rows of them.
SEARCH_ROWS = 60
HEADER_ROWS = 3
# A date in two columns: "Ngày" and "Giờ" below its heading, or "Giờ tiếp nhận" beside "Ngày tiếp nhận".
_DAY, _HOUR = key("Ngày"), key("Giờ")
_PARTS = {key(part) for part in ("Ngày", "Giờ", "Giờ phút", "Giờ, phút")}
_HOURS_OF = re.compile(rf"{_HOUR}(?:,?{key('phút')})?(.+)")


@dataclass(frozen=True)
class Layout:
    """Where a table stands in its sheet.

    Attributes:
        kind: the export kind.
        first, last: first and last heading row, counted from 0 within the sheet's rows; -1 where a sheet goes on with the table of another.
        columns: canonical column -> position of the sheet's column.
        headings: canonical column -> heading as found (grouped headings joined by " > ").
        personal: headings of columns that hold personal data and are never read.
        unknown: headings nobody has declared; they load without their column and are warned of.
        ordinals: positions of columns that only number the rows.
        unheaded: positions of columns without any heading; what stands there is not read.
        hours: canonical column of dates -> position of the column that has their hours.
    """

    kind: Kind
    first: int
    last: int
    columns: Mapping[str, int]
    headings: Mapping[str, str]
    personal: Sequence[str] = ()
    unknown: Sequence[str] = ()
    ordinals: Sequence[int] = ()
    unheaded: Sequence[int] = ()
    hours: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LayoutProblem:
    """A table that looks like one of some kind but cannot be read as one.

    Attributes:
        text: why, and what to do, in Vietnamese.
        kind: the kind that it is of; None where several of its headings are known but too few of any kind.
        first, last: first and last heading row, counted from 0 within the sheet's rows.
        columns: canonical column -> position, of the headings that are known.
    """

    text: str
    kind: str | None = None
    first: int = 0
    last: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Candidate:
    first: int
    last: int
    paths: list[list[str]]
    matches: dict[str, dict[int, str]]  # kind -> position -> column
    hours: dict[str, dict[int, str]]  # kind -> position -> column of dates whose hours stand there


def _paths(rows: Sequence[Sequence[str | None]]) -> list[list[str]]:
    """Heading path of every column; a group's text stands in its first column only and counts for the blank ones right of it."""
    filled = [list(row) for row in rows]
    for level in range(len(filled) - 1):
        group: str | None = None
        last = 0  # of the group's columns so far
        for position, text in enumerate(filled[level]):
            below = any(row[position] for row in rows[level + 1 :])
            if text:
                group, last = (text if below else None), position
            elif below and group:
                if level and filled[level - 1][position] != filled[level - 1][last]:
                    group = None  # the group above ends here, and so does this one
                else:
                    filled[level][position], last = group, position
            elif below:
                group = None
            # a column without any text belongs to a heading that is merged over it: the group goes on beyond it
    paths = []
    for column in zip(*filled, strict=True):
        path: list[str] = []
        for text in column:
            if text and (not path or heading_key(path[-1]) != heading_key(text)):
                path.append(clean(text))
        paths.append(path)
    return paths


def _match(path: Sequence[str], headings: Mapping[str, str]) -> str | None:
    return _match_keys([heading_key(part) for part in path], headings)


def _match_keys(keys: Sequence[str], headings: Mapping[str, str]) -> str | None:
    for start in range(len(keys)):
        column = headings.get(PATH_SEPARATOR.join(keys[start:]))
        if column:
            return column
    return headings.get(f"*{PATH_SEPARATOR}{keys[-1]}") if len(keys) > 1 else None


def _match_parts(path: Sequence[str], kind: Kind, headings: Mapping[str, str]) -> tuple[str | None, bool]:
    """The column of dates of which a heading says that only the day or only the hour stands there, and whether it is the hour.

    "Ngày" and "Giờ" below one heading of a date, or "Giờ tiếp nhận", the hour of what "Ngày tiếp nhận" would be.
    """
    *groups, leaf = [heading_key(part) for part in path]
    said: list[str | None] = []
    if leaf in _PARTS and groups:  # the pair is a group of its own, so that a heading for any group is known below none, too
        said = [_match_keys(groups, headings) or headings.get(f"*{PATH_SEPARATOR}{groups[-1]}")]
    elif leaf not in _PARTS:
        said = [_match_keys([*groups, day], headings) for day in day_endings(leaf)]
    column = next((name for name in said if name and name in kind.columns and kind.columns[name].type == "date"), None)
    return column, leaf != _DAY


def day_endings(ending: str) -> list[str]:
    """The heading keys of the days whose hours a heading names ("giờtiếpnhận"); none where it names no hours."""
    named = _HOURS_OF.match(ending)
    return [_DAY + named[1], named[1]] if named else []


@lru_cache(maxsize=10_000)
def heading_ending(text: str) -> str:
    """The part of a heading's key that no group can change."""
    return heading_key(text).rpartition(PATH_SEPARATOR)[2]


def _is_lone_group(rows: Sequence[Sequence[str | None]], row: int) -> bool:
    """Whether the one text of a row can be a group's: a title stands over the first heading, too."""
    at = next(position for position, text in enumerate(rows[row]) if text)
    return row + 1 < len(rows) and any(rows[row + 1][:at])


def _candidates(rows: Sequence[Sequence[str | None]], lists: LayoutLists, *, with_lone_groups: bool) -> list[_Candidate]:
    found = []
    # Most rows are data, whose texts end no heading of any kind.
    endings = {heading.rpartition(PATH_SEPARATOR)[2] for headings in lists.headings.values() for heading in headings}
    ends = [{heading_ending(text) for text in row if text} for row in rows]
    likely = [not row.isdisjoint(endings) for row in ends]
    parted = [not row.isdisjoint(_PARTS) or _HOUR in {end[: len(_HOUR)] for end in row} for row in ends]
    for first in range(len(rows)):
        texts = sum(1 for text in rows[first] if text)
        if texts < 2 and not (with_lone_groups and texts and _is_lone_group(rows, first)):
            continue
        for depth in range(1, HEADER_ROWS + 1):
            if first + depth > len(rows):
                break
            if not any(likely[first : first + depth]):
                continue
            paths = _paths(rows[first : first + depth])
            known = [(position, path) for position, path in enumerate(paths) if path and heading_ending(path[-1]) in endings]
            parts = [(position, path) for position, path in enumerate(paths) if path] if any(parted[first : first + depth]) else []
            matches: dict[str, dict[int, str]] = {}
            hours: dict[str, dict[int, str]] = {}
            for kind, headings in lists.headings.items():
                by_position = {position: column for position, path in known if (column := _match(path, headings))}
                for position, path in parts:
                    column, is_hour = _match_parts(path, lists.kinds[kind], headings)
                    if column and position not in by_position:
                        (hours.setdefault(kind, {}) if is_hour else by_position)[position] = column
                if by_position:
                    matches[kind] = by_position
            if matches:
                found.append(_Candidate(first, first + depth - 1, paths, matches, hours))
    return found


def _is_kind(kind: Kind, columns: set[str]) -> bool:
    return len(kind.marks & columns) >= kind.at_least and not kind.none_of & columns


def find_layout(sheet: Sheet, lists: LayoutLists, among: int | None = None) -> Layout | LayoutProblem | None:
    """The table of a sheet.

    Args:
        sheet: the sheet.
        lists: headings of all kinds.
        among: a row that must be one of the headings, counted from 0; None for any.

    Returns:
        Its layout; a problem when it looks like a known table but a required heading is missing or two headings claim one column; None when
        no row looks like headings of any kind (a guide, a cover page).
    """
    rows = [[clean(text) or None if text else None for text in row] for row in sheet.head(SEARCH_ROWS)]
    found = _find_best(rows, lists, among, sheet.first_row, with_lone_groups=False)
    if isinstance(found, LayoutProblem):
        # The only group may stand alone in its row; what is known without it needs no such guess.
        grouped = _find_best(rows, lists, among, sheet.first_row, with_lone_groups=True)
        found = grouped if isinstance(grouped, Layout) else found
    return found


def _find_best(
    rows: Sequence[Sequence[str | None]], lists: LayoutLists, among: int | None, first_row: int, *, with_lone_groups: bool
) -> Layout | LayoutProblem | None:
    """The table of which most headings are known, see `find_layout`."""
    candidates = [c for c in _candidates(rows, lists, with_lone_groups=with_lone_groups) if among is None or c.first <= among <= c.last]
    best: tuple[tuple[int, bool, int, int, int], _Candidate, Kind] | None = None
    for candidate in candidates:
        columns = {name: {c for c in matches.values() if c not in ("personal", "ignored")} for name, matches in candidate.matches.items()}
        of_kind = [name for name, found in columns.items() if _is_kind(lists.kinds[name], found)]
        readable = {name for name in of_kind if columns[name].issuperset(lists.kinds[name].required)}
        for name in of_kind:
            kind = lists.kinds[name]
            if kind.yields_to & readable:
                continue
            # where two kinds know as many headings, the one that can be read; of the headings of a pair, those that part the hour from its day
            hours = len(candidate.hours.get(name, ()))
            score = (len(columns[name]), name in readable, hours, len(candidate.matches[name]), candidate.first - candidate.last)
            if best is None or score > best[0]:
                best = (score, candidate, kind)
    if best is None:
        return _nearest_problem(candidates, lists, first_row)
    return _checked(best[1], best[2], lists, first_row)


def _checked(candidate: _Candidate, kind: Kind, lists: LayoutLists, first_row: int) -> Layout | LayoutProblem:
    row = first_row + candidate.first  # as Excel counts
    matches = candidate.matches[kind.name]
    columns: dict[str, int] = {}
    headings: dict[str, str] = {}
    hours: dict[str, int] = {}
    personal, unknown, ordinals, unheaded = [], [], [], []
    for position, path in enumerate(candidate.paths):
        if not path:
            unheaded.append(position)
            continue
        heading = f" {PATH_SEPARATOR} ".join(path)
        column = matches.get(position)
        hour_of = candidate.hours.get(kind.name, {}).get(position)
        if hour_of and hour_of not in hours and hour_of in matches.values():
            hours[hour_of] = position
        elif column is None:
            unknown.append(heading)
        elif column == "personal":
            personal.append(heading)
        elif column == "ignored":
            ordinals.append(position)
        elif column in columns:
            # Of two lists beside each other, the second would vanish unseen with its heading.
            mend = "nếu là hai bảng đặt cạnh nhau, hãy chuyển bảng sau xuống dưới bảng trước; " if column == kind.key_column else ""
            return LayoutProblem(
                f"dòng tiêu đề {row}: hai tiêu đề “{headings[column]}” và “{heading}” cùng chỉ cột “{column}”; {mend}"
                f"{'nếu không, ' if mend else ''}hãy xóa một trong hai",
                kind.name,
                candidate.first,
                candidate.last,
                columns,
            )
        elif column in kind.columns:
            columns[column], headings[column] = position, heading
    missing = [name for name in kind.required if name not in columns]
    if missing:
        text = f"{kind.label_vi}, dòng tiêu đề {row}: {_missing_text(missing, unknown, kind, lists)}"
        return LayoutProblem(text, kind.name, candidate.first, candidate.last, columns)
    for name, position in hours.items():
        headings[name] += f" và {f' {PATH_SEPARATOR} '.join(candidate.paths[position])}"
    return Layout(kind, candidate.first, candidate.last, columns, headings, personal, unknown, ordinals, unheaded, hours)


def _missing_text(missing: Sequence[str], unknown: Sequence[str], kind: Kind, lists: LayoutLists) -> str:
    parts = []
    for name in missing:
        spellings = lists.spellings[kind.name].get(name, [name])
        shown = re.sub(r"^\* > ", "", spellings[0])
        nearest = max(
            (
                (difflib.SequenceMatcher(None, key(s.rpartition(">")[2]), key(u.rpartition(">")[2])).ratio(), u)
                for s in spellings
                for u in unknown
            ),
            default=(0.0, ""),
        )
        if nearest[0] >= 0.4:
            parts.append(
                f"thiếu cột bắt buộc “{shown}”; tiêu đề gần nhất là “{nearest[1]}” — nếu đúng là cột này, "
                f'chạy: tthc headings add {kind.name} {name} "{nearest[1]}" (thêm vào headings.csv dòng {kind.name},{name},{nearest[1]})'
            )
        else:
            parts.append(f"thiếu cột bắt buộc “{shown}” (không có tiêu đề nào gần giống)")
    return "; ".join(parts)


def _nearest_problem(candidates: Sequence[_Candidate], lists: LayoutLists, first_row: int) -> LayoutProblem | None:
    """For a sheet of no kind: None for a guide page, a problem when several headings are known all the same."""
    best: tuple[tuple[int, int], str, _Candidate] | None = None
    for candidate in candidates:
        for name, matches in candidate.matches.items():
            known = len({c for c in matches.values() if c not in ("personal", "ignored")})
            score = (known, candidate.first - candidate.last)  # a row above, which may be of data, adds nothing and is not to be shown
            if known >= 3 and (best is None or score > best[0]):
                best = (score, name, candidate)
    if best is None:
        return None
    _, name, candidate = best
    found = [f" {PATH_SEPARATOR} ".join(candidate.paths[p]) for p in sorted(candidate.matches[name])][:8]
    return LayoutProblem(
        f"không nhận ra loại tệp: dòng tiêu đề {first_row + candidate.first} có {', '.join(f'“{h}”' for h in found)}, "
        f"nhưng chưa đủ cột của loại nào (gần nhất: {lists.kinds[name].label_vi}); hãy xuất lại đủ cột hoặc thêm tiêu đề vào headings.csv",
        first=candidate.first,
        last=candidate.last,
        columns={column: position for position, column in candidate.matches[name].items()},
    )
