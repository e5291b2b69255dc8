"""The exports that are timed: the dossiers of `tthc sample`, written again as lists of 28 columns: 100,000 rows each as .xlsx, .csv and HTML, 50,000 as .xls.

`python -m bench.samples 10000000` (with PYTHONPATH=tests) makes the lists of ten million dossiers in data/bench.
"""

import argparse
import html
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import xlsxwriter
import xlwt

from flows.sample import people, write_sample

ROOT = Path(__file__).resolve().parents[2]
ROWS_A_FILE = 100_000
ROWS_AN_XLS = 50_000
"""An .xls sheet ends at 65,536 rows."""
AS_OF = datetime(2024, 6, 30, 23, 0)
NEW_ROWS = 20_000
DRAWN = 1_000_000
"""So many dossiers are drawn one by one; beyond that they come again under other codes, some seconds later."""
_SECONDS_LATER = 5
_STATUSES = {
    str(number): text
    for number, text in enumerate(
        "Mới đăng ký|Được tiếp nhận|Không được tiếp nhận|Đang xử lý|Yêu cầu bổ sung giấy tờ|Yêu cầu thực hiện nghĩa vụ tài chính|"
        "Công dân yêu cầu rút hồ sơ|Dừng xử lý|Đã xử lý xong|Đã trả kết quả".split("|"),
        1,
    )
}
_LEVELS = {"full": "Toàn trình", "partial": "Một phần", "info": "Cung cấp thông tin trực tuyến", "": ""}
_CHANNELS = {"online": "Trực tuyến", "counter": "Trực tiếp", "postal": "Bưu chính công ích", "": ""}
HEADINGS = (
    "STT|Mã hồ sơ|Mã TTHC|Tên thủ tục hành chính|Lĩnh vực|Mức độ|Đơn vị giải quyết|Hình thức tiếp nhận|Chủ hồ sơ|Số giấy tờ|Số điện thoại|"
    "Địa chỉ|Email|Ngày sinh|Ngày nộp hồ sơ|Ngày tiếp nhận|Ngày hẹn trả|Ngày kết thúc xử lý|Ngày trả kết quả|Trạng thái|Cán bộ xử lý|Ghi chú|"
    "Số lần yêu cầu bổ sung|Mã bưu gửi|Nơi tiếp nhận|Nguồn tiếp nhận|Số bộ hồ sơ|Nhóm hồ sơ"
).split("|")


@dataclass(frozen=True)
class Sample:
    """Folders of one size: `raw[kind]` holds the lists and the catalogue, `new[kind]` one export more."""

    cases: int
    reference: Path
    raw: dict[str, Path]
    new: dict[str, Path]

    def lists(self, kind: str) -> list[Path]:
        return sorted(self.raw[kind].glob(f"danh_sach_*.{kind}"))


def make_sample(folder: Path, cases: int) -> Sample:
    """The sample of this size, made once: what stands there whole is used again. Above a million dossiers only as .csv.

    Raises:
        ValueError: more than a million dossiers, and no whole number of millions, or more than ten.
    """
    if cases > DRAWN and (cases % DRAWN or cases > 10 * DRAWN):
        raise ValueError(f"above {DRAWN:,} dossiers only whole multiples of it up to {10 * DRAWN:,}, not {cases:,}")
    base = folder / f"{cases}"
    kinds = ("csv", "xlsx", "html", "xls")[: 1 if cases > DRAWN else 4]
    made = Sample(cases, base / "reference", {k: base / f"raw-{k}" for k in kinds}, {k: base / f"new-{k}" for k in kinds})
    done = base / "done.json"
    if done.is_file():
        return made
    shutil.rmtree(base, ignore_errors=True)
    drawn = write_sample(base / "drawn", cases=min(cases, DRAWN), as_of=AS_OF)
    shutil.copytree(drawn.reference, made.reference)
    for place in (*made.raw.values(), *made.new.values()):
        place.mkdir(parents=True)
    for place in made.raw.values():
        shutil.copy(drawn.raw / "DanhMucTTHC.xlsx", place)
    with duckdb.connect() as connection:
        _load(connection, made.reference, drawn.truth)
        for kind in kinds:
            size = ROWS_AN_XLS if kind == "xls" else ROWS_A_FILE
            for number, first in enumerate(range(0, cases, size), 1):
                _write(connection, made.raw[kind] / f"danh_sach_{number:03d}_20240630220000.{kind}", first, size)
        # One export more, an hour younger: dossiers that are there already, one note changed in each.
        for kind in kinds:
            _write(connection, made.new[kind] / f"danh_sach_moi_20240630223000.{kind}", 0, NEW_ROWS, "Cổng dịch vụ công")
    shutil.rmtree(base / "drawn")
    done.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    return made


def _load(connection: duckdb.DuckDBPyConnection, reference: Path, truth: Path) -> None:
    """The drawn dossiers with their places from 0, and the words that lists say of them."""
    for table, path in (("drawn", truth / "dossiers.csv"), ("units", reference / "units.csv"), ("procedures", truth / "procedures.csv")):
        connection.execute(
            f"CREATE TABLE {table} AS SELECT row_number() OVER () - 1 AS place, * FROM read_csv(?, all_varchar = true, header = true)",
            [str(path)],
        )
    for table, words in (("levels", _LEVELS), ("channels", _CHANNELS), ("statuses", _STATUSES)):
        connection.execute(f"CREATE TABLE {table} (word VARCHAR, shown VARCHAR)")
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", list(words.items()))
    moments = ", ".join(
        f"strftime(CAST({name} AS TIMESTAMP) + copy * INTERVAL {_SECONDS_LATER} SECOND, '%d/%m/%Y %H:%M:%S') AS {name}"
        for name in ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")
    )
    connection.execute(f"""
        CREATE MACRO list_rows(first, size, source) AS TABLE
        WITH
            numbered AS (SELECT *, first // {DRAWN} AS copy, first // {DRAWN} * {DRAWN} + place + 1 AS number FROM drawn
                         WHERE place >= first % {DRAWN} AND place < first % {DRAWN} + size),
            coded AS (SELECT * REPLACE ({moments}), CASE WHEN copy = 0 THEN case_code ELSE
                      regexp_replace(case_code, '-(\\d+)$', '-' || copy || lpad(regexp_extract(case_code, '-(\\d+)$', 1), 5, '0')) END AS code
                      FROM numbered)
        SELECT
            number, code, c.procedure_code, coalesce(p.name_vi, 'Thủ tục ngoài danh mục'), c.field_vi, l.shown, u.name_vi, h.shown,
            {_in_turn(people.NAMES, 7)}, lpad(CAST(number * 7919 % 1000000000000 AS VARCHAR), 12, '0'),
            '09' || lpad(CAST(number * 104729 % 100000000 AS VARCHAR), 8, '0'), {_in_turn(people.ADDRESSES, 5)}, {_in_turn(people.EMAILS, 3)},
            {_in_turn(people.BIRTHDAYS, 11)}, submitted_at, received_at, due_at, finished_at, returned_at, s.shown, {_in_turn(people.OFFICERS, 1)},
            {_in_turn(people.NOTES, 13)}, supplements, 'VN' || lpad(CAST(number AS VARCHAR), 9, '0'), 'Bộ phận một cửa', source, '1',
            'Nhóm ' || CAST(number % 9 AS VARCHAR)
        FROM coded AS c
        LEFT JOIN procedures AS p USING (procedure_code)
        LEFT JOIN levels AS l ON l.word = coalesce(c.service_level, '')
        LEFT JOIN channels AS h ON h.word = coalesce(c.channel, '')
        LEFT JOIN statuses AS s ON s.word = c.status_code
        JOIN units AS u ON u.unit_code = c.unit_code AND u.valid_to >= '{AS_OF:%Y-%m-%d}'
        ORDER BY number""")


def _in_turn(texts: Sequence[str], step: int) -> str:
    """The SQL of one of some texts, another for every row."""
    quoted = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"[{quoted}][number * {step} % {len(texts)} + 1]"


def _write(connection: duckdb.DuckDBPyConnection, path: Path, first: int, size: int, source: str = "Trực tiếp tại quầy") -> None:
    """One list: so many dossiers from this place on."""
    names = ", ".join(f'"{heading}"' for heading in HEADINGS)
    rows = f"SELECT * FROM list_rows({first}, {size}, '{source}') AS list({names})"
    if path.suffix == ".csv":
        connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT csv, HEADER, DELIMITER ',')")
        return
    table = [HEADINGS, *([None if cell is None else str(cell) for cell in row] for row in connection.execute(rows).fetchall())]
    if path.suffix == ".html":
        lines = ("<tr>" + "".join(f"<td>{html.escape(cell or '')}</td>" for cell in row) + "</tr>" for row in table)
        path.write_text("<html><body><table border='1'>\n" + "\n".join(lines) + "\n</table></body></html>", encoding="utf-8")
        return
    if path.suffix == ".xls":
        old = xlwt.Workbook()
        page = old.add_sheet("Danh sách hồ sơ")
        for place, row in enumerate(table):
            for column, cell in enumerate(row):
                if cell:
                    page.write(place, column, cell)
        old.save(str(path))
        return
    # inline strings, as the streaming writers of Java and .NET systems leave them
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
    sheet = book.add_worksheet("Danh sách hồ sơ")
    for place, row in enumerate(table):
        for column, cell in enumerate(row):
            if cell:
                sheet.write_string(place, column, cell)
    book.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "bench")
    options = parser.parse_args()
    for cases in options.cases:
        began, spent = time.monotonic(), time.process_time()
        made = make_sample(options.folder, cases)
        print(f"{made.reference.parent}: {time.monotonic() - began:.0f} s, {time.process_time() - spent:.0f} s of processor time")


if __name__ == "__main__":
    main()
