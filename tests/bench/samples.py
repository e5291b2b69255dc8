"""The exports that are timed: the dossiers of `tthc sample`, written again as lists of 100,000 rows and 28 columns, as .xlsx and as .csv."""

import csv
import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import xlsxwriter

from flows.sample import people, write_sample

ROWS_A_FILE = 100_000
AS_OF = datetime(2024, 6, 30, 23, 0)
NEW_ROWS = 20_000
_STATUS = (
    "Mới đăng ký|Được tiếp nhận|Không được tiếp nhận|Đang xử lý|Yêu cầu bổ sung giấy tờ|Yêu cầu thực hiện nghĩa vụ tài chính|"
    "Công dân yêu cầu rút hồ sơ|Dừng xử lý|Đã xử lý xong|Đã trả kết quả"
).split("|")
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
    """The sample of this size, made once: what stands there whole is used again."""
    base = folder / f"{cases}"
    kinds = ("xlsx", "csv")
    made = Sample(cases, base / "reference", {k: base / f"raw-{k}" for k in kinds}, {k: base / f"new-{k}" for k in kinds})
    done = base / "done.json"
    if done.is_file():
        return made
    shutil.rmtree(base, ignore_errors=True)
    drawn = write_sample(base / "drawn", cases=cases, as_of=AS_OF)
    shutil.copytree(drawn.reference, made.reference)
    units = {row["unit_code"]: row["name_vi"] for row in _read(made.reference / "units.csv") if row["valid_to"] >= f"{AS_OF:%Y-%m-%d}"}
    names = {row["procedure_code"]: row["name_vi"] for row in _read(drawn.truth / "procedures.csv")}
    for place in (*made.raw.values(), *made.new.values()):
        place.mkdir(parents=True)
    for place in made.raw.values():
        shutil.copy(drawn.raw / "DanhMucTTHC.xlsx", place)
    rows = (_row(number, case, units, names) for number, case in enumerate(_read(drawn.truth / "dossiers.csv"), 1))
    first: list[list[str]] = []
    for number in itertools.count(1):
        part = list(itertools.islice(rows, ROWS_A_FILE))
        if not part:
            break
        first = first or part[:NEW_ROWS]
        for kind in kinds:
            _write(made.raw[kind] / f"danh_sach_{number:03d}_20240630220000.{kind}", part)
    # One export more, an hour younger: dossiers that are there already, one note changed in each.
    for kind in kinds:
        _write(made.new[kind] / f"danh_sach_moi_20240630223000.{kind}", [[*row[:25], "Cổng dịch vụ công", *row[26:]] for row in first])
    shutil.rmtree(base / "drawn")
    done.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    return made


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def _row(number: int, case: dict[str, str], units: dict[str, str], names: dict[str, str]) -> list[str]:
    def moment(column: str) -> str:
        text = case[column]
        return f"{text[8:10]}/{text[5:7]}/{text[:4]} {text[11:19]}" if text else ""

    def drawn(texts: object, step: int) -> str:
        return str(texts[number * step % len(texts)])  # type: ignore[index, arg-type]

    dates = [moment(c) for c in ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")]
    code, procedure = case["case_code"], case["procedure_code"]
    return [
        str(number), code, procedure, names.get(procedure, "Thủ tục ngoài danh mục"), case["field_vi"], _LEVELS[case["service_level"]],
        units[case["unit_code"]], _CHANNELS[case["channel"]], drawn(people.NAMES, 7), f"{number * 7919 % 10**12:012d}",
        f"09{number * 104729 % 10**8:08d}", drawn(people.ADDRESSES, 5), drawn(people.EMAILS, 3), drawn(people.BIRTHDAYS, 11), *dates,
        _STATUS[int(case["status_code"]) - 1], drawn(people.OFFICERS, 1), drawn(people.NOTES, 13), case["supplements"], f"VN{number:09d}",
        "Bộ phận một cửa", "Trực tiếp tại quầy", "1", f"Nhóm {number % 9}",
    ]  # fmt: skip


def _write(path: Path, rows: list[list[str]]) -> None:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerows([HEADINGS, *rows])
        return
    # inline strings, as the streaming writers of Java and .NET systems leave them
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
    sheet = book.add_worksheet("Danh sách hồ sơ")
    for place, row in enumerate([HEADINGS, *rows]):
        for column, cell in enumerate(row):
            if cell:
                sheet.write_string(place, column, cell)
    book.close()
