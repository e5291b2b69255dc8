"""Every file of the corpus, read alone, and all of them in one night."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from flows.night import run_night
from flows.settings import Settings, make_settings
from transforms.exports import NormalisedExport, normalise_export
from transforms.layouts import LayoutLists, load_lists
from transforms.normalise import NormalisedSheet
from transforms.readers import is_archive, list_members, read_member, read_sheets
from transforms.sheets import UnreadableExport
from transforms.text import key, unit_reference
from transforms.troubles import REASONS

from .book import ANY, Book, Page
from .specimens import ARCHIVES, SPECIMENS, Specimen
from .truth import PERSONAL_VALUES, UNITS_CSV

READABLE = [pytest.param(s, marks=[pytest.mark.slow] * s.slow) for s in SPECIMENS if not s.members and not s.only_in_night]
UNITS = [line.split(",")[1] for line in UNITS_CSV.splitlines()[1:]]


@pytest.fixture(scope="module")
def lists() -> LayoutLists:
    return load_lists()


def true_rows(page: Page, names: list[str]) -> dict[int, dict[str, object]]:
    """Row number as Excel counts -> canonical values."""
    rows = {}
    for number, row in enumerate(page.rows, 1):
        if row.truth is not None:
            truth: dict[str, object] = {"is_odd_code": False} | dict(row.truth)
            if row.truth.get("case_code") and not str(row.truth["case_code"]).startswith(("000.", "H48.")):
                truth["is_odd_code"] = True
            unit = truth.pop("unit", None)
            code = str(truth.get("case_code") or "")
            if unit is ANY:
                truth |= {"unit_ref": ANY, "unit_shown": ANY}
                rows[number] = {name: truth.get(name) for name in names}
                continue
            truth["unit_ref"] = (
                unit_reference(key(str(unit))) if unit else f"#{code.split('-')[0]}" if page.kind in ("cases", "waiting") and code else None
            )
            truth["unit_shown"] = key(str(unit)) if unit else None
            if any(reason == "unknown_channel" for reason, _ in row.troubles):
                truth["channel"] = "counter"  # a rejected row's blank; it counts nowhere
            rows[number] = {name: truth.get(name) for name in names} if "shifted" not in truth else {"shifted": True}
    return rows


def read_rows(sheet: NormalisedSheet) -> dict[int, dict[str, object]]:
    """The same of what was read."""
    rows = {}
    for row in sheet.rows.to_pylist():
        number = row.pop("row_number")
        assert number not in rows, f"row {number} twice"
        rows[number] = row | ({"unit_shown": row["unit_shown"] and key(row["unit_shown"])} if "unit_shown" in row else {})
    return rows


# Of a row that will be rejected nothing but its place and its trouble is needed, so its texts may be left out.
_MAY_BE_LEFT_OUT = {"case_code", "procedure_code", "procedure_name", "field_vi", "fee_kind", "unit_ref", "unit_shown"}


def differences(
    found: Mapping[int, Mapping[str, object]], expected: Mapping[int, Mapping[str, object]], in_trouble: Set[int] = frozenset()
) -> list[str]:
    """What was read otherwise than it was written, one line a cell."""
    lines = [f"row {number} is missing" for number in expected if number not in found]
    lines += [f"row {number} is no data: {dict(row)}" for number, row in found.items() if number not in expected]
    for number in [n for n in expected if n in found]:
        for name, value in expected[number].items():
            if value is ANY or (number in in_trouble and name in _MAY_BE_LEFT_OUT and found[number][name] is None):
                continue
            if found[number][name] != value or type(found[number][name]) is not type(value):
                lines.append(f"row {number}, {name}: read {found[number][name]!r}, written {value!r}")
    return lines


def compare_sheet(sheet: NormalisedSheet, page: Page, *, cut: bool = False) -> None:
    """The sheet gives the page's true rows, all of them and nothing else, with the troubles that are in them."""
    assert sheet.layout.kind.name == page.kind
    names = [name for name in sheet.rows.column_names if name != "row_number"]
    expected, found = true_rows(page, names), read_rows(sheet)
    troubles = {(t["row_number"], t["reason"], t["column_name"]) for t in sheet.troubles.to_pylist()}
    shifted = {number for number, row in expected.items() if "shifted" in row}
    assert shifted <= {number for number, *_ in troubles}, "a row under the wrong headings must be in trouble"
    in_trouble = {number for number, *_ in troubles}
    if cut:  # rows may be missing from the end, and what is there is true or in trouble
        assert list(found) == list(expected)[: len(found)]
        assert (
            differences({n: row for n, row in found.items() if n not in in_trouble}, {n: expected[n] for n in found if n not in in_trouble})
            == []
        )
        assert len(in_trouble) <= 1
        return
    assert set(found) >= shifted
    others = {number: row for number, row in found.items() if number not in shifted}
    assert differences(others, {number: row for number, row in expected.items() if number not in shifted}, in_trouble) == []
    wanted = {
        (number, reason, " ".join(unicodedata.normalize("NFC", heading).split()))
        for number, row in enumerate(page.rows, 1)
        for reason, heading in row.troubles
        if reason != "shifted"
    }
    codes = {t for t in wanted if t[1] == "missing_case_code"}
    wanted = {t for t in wanted if t not in codes} | {(number, reason, "") for number, reason, _ in codes}
    assert {(n, r, "" if r == "missing_case_code" else c) for n, r, c in troubles if n not in shifted} == wanted


def compare_book(export: NormalisedExport, book: Book, *, cut: bool = False) -> None:
    """Every sheet, the export's age and its warnings."""
    pages = [page for page in book.pages if page.kind]
    assert [sheet.layout.kind.name for sheet in export.sheets] == [page.kind for page in pages]
    for sheet, page in zip(export.sheets, pages, strict=True):
        compare_sheet(sheet, page, cut=cut)
    assert export.exported_at == book.exported_at
    for text in book.warnings:
        assert any(text in warning for warning in export.warnings), f"no warning says: {text}"
    assert [warning for warning in export.warnings if not any(text in warning for text in book.warnings)] == []


def test_corpus_is_large_and_its_names_differ() -> None:
    assert len(SPECIMENS) >= 80
    assert [name for name, count in Counter(s.file_name for s in SPECIMENS).items() if count > 1] == []


@pytest.mark.parametrize("specimen", READABLE, ids=lambda s: s.name)
def test_file(specimen: Specimen, lists: LayoutLists) -> None:
    data = specimen.data
    if is_archive(data):
        with pytest.raises(UnreadableExport) as caught:
            list_members(data)
        refusal: UnreadableExport | None = caught.value
    else:
        try:
            export = normalise_export(read_sheets(data), lists)
            refusal = None
        except UnreadableExport as error:
            refusal = error
    if specimen.refused:
        assert refusal is not None, "must be refused"
        for words in specimen.refused:
            assert words in str(refusal)
        assert len(str(refusal)) > 20
    elif refusal is not None:
        assert specimen.may_be_refused, f"refused: {refusal}"
    else:
        assert specimen.book is not None
        compare_book(export, specimen.book, cut=specimen.cut)


@pytest.mark.parametrize("specimen", ARCHIVES, ids=lambda s: s.name)
def test_archive(specimen: Specimen, lists: LayoutLists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "a" / "b" / "c"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert is_archive(specimen.data)
    assert [name for name, _ in list_members(specimen.data)] == [name for name, _ in specimen.members]
    for name, book in specimen.members:
        data = read_member(specimen.data, name)
        if book is None:
            with pytest.raises(UnreadableExport):
                read_sheets(data)
        else:
            compare_book(normalise_export(read_sheets(data), lists), book)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_units_that_differ_only_by_a_tone_stay_two() -> None:
    assert key("UBND xã Sơn Hà") != key("UBND xã Sơn Hạ")
    assert key("UBND xã Hòa Thủy") == key("ubnd  XÃ hoà thuỷ")
    assert len({unit_reference(key(unit)) for unit in UNITS}) == len(UNITS)


# --- the whole corpus in one night ---------------------------------------------------------------------------------------------------

AS_OF = datetime(2030, 1, 1, 23)
OUTSIDE = (Path("/tmp/tthc-corpus-tuyet-doi.csv"), Path("/tmp/tthc-corpus-ngoai.csv"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One run over a folder that holds every file of the corpus, the bad beside the good; test processes side by side share it."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = tmp_path_factory.mktemp("corpus") if alone else tmp_path_factory.getbasetemp().parent / "corpus"
    base.mkdir(exist_ok=True)
    with FileLock(base.with_name("corpus.lock")):
        is_made = (base / "raw").is_dir()
        if not is_made:
            (base / "reference").mkdir()
            (base / "reference" / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
            (base / "raw").mkdir()
            for specimen in SPECIMENS:
                (base / "raw" / specimen.file_name).write_bytes(specimen.data)
        settings = make_settings(base / "raw", base / "reference", base / "tthc.duckdb", base / "outbox", AS_OF)
        settings = replace(settings, read_bytes=2 * 1024**3)
        if not is_made:
            result = run_night(settings)
            assert result.is_published, [check for check in result.checks if not check.is_passed]
        return settings


@pytest.fixture(scope="module")
def files(night: Settings) -> dict[tuple[str, str | None], dict[str, Any]]:
    """ops.files by name and member."""
    with duckdb.connect(str(night.warehouse), read_only=True) as connection:
        table = connection.sql("SELECT * FROM ops.files").to_arrow_table()
    return {(row["file_name"], row["member"]): row for row in table.to_pylist()}


def expected_counts(book: Book) -> tuple[int, int]:
    """Rows of data and rows that must be rejected in a book, unknown units included."""
    rows = [row for page in book.pages if page.kind for row in page.rows if row.truth is not None]
    known = {key(unit) for unit in UNITS}
    bad = [row for row in rows if row.troubles or (row.truth and row.truth.get("unit") and key(str(row.truth["unit"])) not in known)]
    return len(rows), len(bad)


def named_books() -> Iterator[tuple[Specimen, str | None, Book | None]]:
    """Every export of the corpus: its file, its member in an archive, what is in it."""
    for specimen in SPECIMENS:
        if specimen.members:
            for member, book in specimen.members:
                yield specimen, member, book
        else:
            yield specimen, None, specimen.book


@pytest.mark.slow
def test_the_night_publishes(night: Settings) -> None:
    assert night.warehouse.is_file()


@pytest.mark.slow
def test_every_file_has_an_end(files: Mapping[tuple[str, str | None], Mapping[str, Any]]) -> None:
    assert set(files) == {(specimen.file_name, member) for specimen, member, _ in named_books()}
    for row in files.values():
        assert row["status"] in ("loaded", "later", "duplicate", "rejected")
        assert bool(row["error"]) == (row["status"] == "rejected"), row
        assert row["rows_data"] == row["rows_loaded"] + row["rows_rejected"], row


@pytest.mark.slow
def test_good_files_load_beside_bad_ones(files: Mapping[tuple[str, str | None], Mapping[str, Any]]) -> None:
    wrong = []
    for specimen, member, book in named_books():
        row = files[specimen.file_name, member]
        found = (row["status"], row["rows_data"], row["rows_rejected"])
        if book is None or specimen.refused:
            fits = row["status"] == "rejected"
        elif specimen.may_be_refused:
            fits = True
        elif row["status"] == "duplicate":
            fits = row["rows_data"] == 0
        else:
            status = "later" if book.exported_at and book.exported_at > AS_OF else "loaded"
            fits = found == (status, *expected_counts(book))
        if not fits:
            wanted = expected_counts(book) if book else "rejected"
            wrong.append(f"{specimen.name} {member or ''}: {found} {row['error'] or ''}, wanted {wanted}")
    assert "\n".join(wrong) == ""


@pytest.mark.slow
def test_every_bad_row_has_its_reason(night: Settings, files: Mapping[tuple[str, str | None], Mapping[str, Any]]) -> None:
    """ops.rejects names file, row and the first reason that applies (no row of an unknown level is of a listed procedure here)."""
    known = {key(unit) for unit in UNITS}
    wanted = set()
    checked = set()
    for specimen, member, book in named_books():
        row = files[specimen.file_name, member]
        if book is None or specimen.may_be_refused or row["status"] not in ("loaded", "later"):
            continue
        checked.add(row["file_id"])
        for page in book.pages:
            for number, made in enumerate(page.rows if page.kind else (), 1):
                reasons = {reason for reason, _ in made.troubles}
                if made.truth and made.truth.get("unit") and key(str(made.truth["unit"])) not in known:
                    reasons.add("unknown_unit")
                if reasons and "shifted" not in reasons:
                    wanted.add((specimen.name, number, min(reasons, key=REASONS.index)))
    names = {files[s.file_name, m]["file_id"]: s for s, m, _ in named_books() if files[s.file_name, m]["status"] in ("loaded", "later")}
    with duckdb.connect(str(night.warehouse), read_only=True) as connection:
        rejects = connection.execute("SELECT file_id, row_number, reason FROM ops.rejects").fetchall()
    found = {
        (names[i].name, number, reason) for i, number, reason in rejects if i in checked and not names[i].name.startswith("cells moved")
    }
    assert found == wanted
    assert {reason for *_, reason in found} == set(REASONS)


@pytest.mark.slow
def test_the_night_writes_nothing_outside_its_folder(night: Settings) -> None:
    base = night.raw.parent
    assert {path.name for path in base.iterdir()} <= {
        "raw",
        "reference",
        "outbox",
        "tthc.duckdb",
        "tthc.lock",
        "tthc.staged",
        "tthc.docs",
        "tthc.kept",
        "tthc.logs",
    }
    assert len(list(night.raw.rglob("*"))) == len(SPECIMENS)
    assert [path for path in (*OUTSIDE, base.parent / "ngoai.csv") if path.exists()] == []


# --- nobody's name anywhere ----------------------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """A text so that the same words compare equal: NFC, small letters, no spaces, dots or other signs."""
    return "".join(c for c in unicodedata.normalize("NFC", text).casefold() if c.isalnum())


PERSONAL = {folded(value): value for value in PERSONAL_VALUES}


def personal_in(text: str) -> list[str]:
    """Which personal values stand in a text."""
    plain = folded(text)
    return [value for sought, value in PERSONAL.items() if sought in plain]


def strings_of(table: pa.Table) -> Iterator[tuple[str, str]]:
    """(column, value) of every different text in a table, lists and structures as text."""
    for name in table.column_names:
        for value in set(map(str, table.column(name).unique().drop_null().to_pylist())):
            yield name, value


def test_search_would_find_personal_data() -> None:
    """The search itself is tested on a text that holds some."""
    assert personal_in("Ông ĐINH  QUỲNH ZƠRÊM, đt. 0911-000-117") == ["Đinh Quỳnh Zơrêm", "0911000117"]


@pytest.mark.slow
def test_no_personal_value_in_the_warehouse(night: Settings) -> None:
    found: list[str] = []
    with duckdb.connect(str(night.warehouse), read_only=True) as connection:
        tables = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        assert {"ops.files", "ops.rejects", "core.cases"} <= {name for (name,) in tables}
        for (table,) in tables:
            for column, text in strings_of(connection.sql(f"SELECT * FROM {table}").to_arrow_table()):
                found += [f"{table}.{column}: {value}" for value in personal_in(text)]
    assert "\n".join(found) == ""


@pytest.mark.slow
def test_no_personal_value_in_staged_files(night: Settings) -> None:
    found: list[str] = []
    parquet = sorted(night.staged.rglob("*.parquet"))
    assert len(parquet) > 80
    for path in parquet:
        for column, text in strings_of(pq.read_table(path)):
            found += [f"{path.relative_to(night.staged)} {column}: {value}" for value in personal_in(text)]
    for path in sorted(night.staged.rglob("*.json*")):
        found += [f"{path.name}: {value}" for value in personal_in(path.read_text(encoding="utf-8").replace("\n", " "))]
    assert "\n".join(found) == ""


@pytest.mark.slow
def test_no_personal_value_in_the_outbox(night: Settings) -> None:
    found: list[str] = []
    paths = [path for path in night.outbox.rglob("*") if path.is_file()]
    assert paths
    for path in paths:
        found += [f"{path.name}: {value}" for value in personal_in(path.read_bytes().decode("utf-8", errors="replace"))]
    assert "\n".join(found) == ""
