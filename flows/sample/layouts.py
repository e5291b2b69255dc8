"""The shapes in which dossier lists come: one line an export, a new shape is a new line."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Layout:
    """How one export file looks.

    Attributes:
        path: Below raw/; ``{mm}`` is the month, ``{part}`` a running number, ``{stamp}`` the export time in the name.
        container: What the file is; its name may say otherwise.
        encoding: Of text files.
        delimiter: Of text files.
        is_zipped: Whether the file travels in an archive, which then carries the path.
        dates: How moments are written; ``cell`` real date cells, ``serial`` numbers in unformatted cells.
        due_is_day: Whether the due date has no time.
        codes: Form of procedure codes: with the long suffix, the short one, none, or turned into numbers.
        spelling: Key of ``spelling.SPELLINGS``.
        is_retoned: New tone placement (hoà, thuỷ).
        units: Full names only, or also aliases and capitals.
        words: Which of the words for levels and channels: only the first, any, or the old "Mức độ 3/4".
        has_titles: Title rows above, with the export time.
        is_grouped: Two header rows, the dates under one heading.
        has_numbers_row: A row "(1) (2) (3)" under the header.
        has_stt: A first column of row numbers.
        sections: Rows across the sheet before each group of rows.
        has_total: A total row below.
        has_signature: Signature rows below.
        repeats_header: The header stands again in the middle.
        is_noisy: Stray spaces of all kinds.
        is_shuffled: Columns in any order.
        has_bad_rows: One row of each reason to refuse it.
        repeats_cases: Some dossiers stand twice, first in an earlier state.
        has_other_sheets: A guide sheet first and a hidden sheet last.
        has_wrong_dimension: The sheet declares fewer cells than it has.
        leaves_units_blank: Some unit cells are blank where the dossier code tells the unit.
        extra: Further columns.
    """

    path: str
    container: Literal["xlsx", "xls", "ods", "html", "text"]
    encoding: str = "utf-8-sig"
    delimiter: str = ";"
    is_zipped: bool = False
    dates: Literal["dmy_hm", "dmy_hms", "hm_dmy", "iso", "utc", "cell", "serial"] = "dmy_hm"
    due_is_day: bool = False
    codes: Literal["long", "short", "bare", "number"] = "long"
    spelling: Literal["plain", "nfd", "tcvn3", "cp1258"] = "plain"
    is_retoned: bool = False
    units: Literal["name", "alias"] = "name"
    words: Literal["first", "any", "old"] = "first"
    has_titles: bool = False
    is_grouped: bool = False
    has_numbers_row: bool = False
    has_stt: bool = True
    sections: Literal["", "unit", "field"] = ""
    has_total: bool = False
    has_signature: bool = False
    repeats_header: bool = False
    is_noisy: bool = False
    is_shuffled: bool = False
    has_bad_rows: bool = False
    repeats_cases: bool = False
    has_other_sheets: bool = False
    has_wrong_dimension: bool = False
    leaves_units_blank: bool = False
    extra: tuple[str, ...] = ()


SMALL_ROWS = 2500
"""Files of the shapes below hold at most so many dossiers; the rest of a month goes to the bulk shapes."""

SMALL: tuple[Layout, ...] = (
    Layout(
        "DanhSachHoSo_T{mm}.xlsx",
        "xlsx",
        has_titles=True,
        is_grouped=True,
        has_numbers_row=True,
        sections="field",
        has_total=True,
        has_signature=True,
        is_noisy=True,
        has_bad_rows=True,
        words="any",
    ),
    Layout(
        "ds_ho_so_{yyyy}{mm}_{stamp}.csv",
        "text",
        dates="dmy_hms",
        units="alias",
        words="any",
        has_stt=False,
        is_shuffled=True,
        has_bad_rows=True,
        leaves_units_blank=True,
        extra=("supplements",),
    ),
    Layout("ds_ho_so_{yyyy}{mm}b_{stamp}.csv", "text", "cp1258", "\t", spelling="cp1258", units="alias", has_stt=False),
    Layout(
        "DSHS thang {mm}.xls",
        "xls",
        dates="cell",
        codes="short",
        has_titles=True,
        has_total=True,
        repeats_cases=True,
        leaves_units_blank=True,
        extra=("supplements",),
    ),
    Layout(
        "xuat ra/export ({mm}).xls",
        "html",
        dates="hm_dmy",
        has_titles=True,
        sections="unit",
        has_total=True,
        words="any",
        is_retoned=True,
    ),
    Layout(
        "DSHS_{mm}b.xlsx",
        "xlsx",
        dates="serial",
        codes="number",
        spelling="tcvn3",
        has_titles=True,
        has_total=True,
        has_signature=True,
    ),
    Layout("xuat ra/DanhSach_{mm}_{stamp}.csv", "text", "utf-16", "\t", dates="utc", words="old", has_stt=False),
    Layout("T{mm}b.zip", "xlsx", is_zipped=True, dates="dmy_hms", due_is_day=True, has_titles=True, words="any"),
    Layout(
        "Tháng {mm} - danh sách hồ sơ.xlsx",
        "xlsx",
        dates="cell",
        units="alias",
        has_titles=True,
        has_signature=True,
        is_shuffled=True,
        has_other_sheets=True,
        extra=("supplements", "email", "birthday"),
    ),
    Layout("thang{mm}b.ods", "ods", dates="cell", has_titles=True, has_total=True, has_signature=True, words="any", extra=("supplements",)),
    Layout(
        "Hồ sơ tháng {mm} (mở bằng Excel).xlsx",
        "xlsx",
        codes="bare",
        has_titles=True,
        has_wrong_dimension=True,
        leaves_units_blank=True,
        extra=("unheard",),
    ),
    Layout(
        "xuat ra/hoso_{mm}_{stamp}.txt",
        "text",
        "utf-8",
        "|",
        dates="hm_dmy",
        spelling="nfd",
        has_titles=True,
        has_total=True,
        repeats_header=True,
        is_retoned=True,
        units="alias",
        is_shuffled=True,
    ),
    Layout(
        "kho/hoso_{mm}_{stamp}.zip", "text", "utf-8", ",", is_zipped=True, dates="iso", codes="short", is_noisy=True, extra=("supplements",)
    ),
    Layout("kho/hoso_{mm}_{stamp}.tsv", "text", "utf-16", "\t", codes="number", due_is_day=True, words="old"),
)

BULK: tuple[Layout, ...] = (
    Layout("{yyyy}-{mm}/hoso_{part}_{stamp}.csv", "text", units="alias", words="any", leaves_units_blank=True, extra=("supplements",)),
    Layout("{yyyy}-{mm}/hoso_{part}_{stamp}.csv", "text", "utf-8", ",", dates="iso", codes="bare", spelling="nfd"),
    Layout("{yyyy}-{mm}/hoso_{part}.xlsx", "xlsx", dates="cell", has_titles=True, has_total=True, is_shuffled=True, extra=("supplements",)),
    Layout("{yyyy}-{mm}/hoso_{part}_{stamp}.txt", "text", "utf-8-sig", "|", dates="utc", codes="short", is_retoned=True),
    Layout("{yyyy}-{mm}/hoso_{part}_{stamp}.csv", "text", "utf-16", "\t", dates="dmy_hms", is_shuffled=True),
)

PLAIN = Layout("", "xlsx", has_titles=True, has_total=True, has_signature=True)
"""The shape of files that stand out by something else: an old age, a later one, a wrong heading."""
