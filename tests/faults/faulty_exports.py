"""Exports that have gone wrong, one fault each: what puts it among the raw files, and what the night must make of it.

`FAULTS` is read by test_faulty_exports.py, which lets all of them happen to one office in one night, and by write_reliability.py, which
lists them in docs/reliability.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from conftest import HEADINGS, case_row, write_workbook
from test_hostile import HOSTILE

NEW, OLD, LATE = ((f"Thời điểm xuất: {when}",) for when in ("30/06/2024 22:00", "01/03/2024 08:00", "05/07/2024 08:00"))
LOGIN_PAGE = "<html><head><title>Đăng nhập</title></head><body><form>Tên đăng nhập <input name='u'></form></body></html>"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name_vi: as docs/reliability.md names it.
        put: writes it into the raw folder; gets the folder and the fault's own stem for file names and a number for dossiers.
        status: of its file (the last one it wrote) in ops.files; None where the fault is not about a file.
        told: what the reason must say, where it is refused.
        loaded, rejects: rows of the file that load, and reasons of those that do not.
        question, answer: SQL about the warehouse, with {stem} and {code}, and the only value it must give.
    """

    name_vi: str
    put: Callable[[Path, str, int], None]
    status: str | None = "loaded"
    told: str = ""
    loaded: int | None = None
    rejects: tuple[str, ...] = ()
    question: str = ""
    answer: object = None


def code(number: int, which: int = 1) -> str:
    """A dossier of the fault with this number."""
    return f"000.22.58.H48-2402{number:02}-{which:04}"


def rows(*changes: dict[str, object]) -> Callable[[Path, str, int], None]:
    """A good workbook whose rows have these cells changed; every row is a dossier of its own unless it says otherwise."""

    def put(raw: Path, stem: str, number: int) -> None:
        made = [case_row(code(number, which), **change) for which, change in enumerate(changes, start=1)]
        write_workbook(raw / f"{stem}.xlsx", [HEADINGS, *made], titles=NEW)

    return put


def content(suffix: str, make: Callable[[], bytes]) -> Callable[[Path, str, int], None]:
    """A file of these bytes."""
    return lambda raw, stem, number: (raw / f"{stem}{suffix}").write_bytes(make()) and None


def edited(change: Callable[[openpyxl.Workbook], None], count: int = 2) -> Callable[[Path, str, int], None]:
    """A good workbook of some dossiers, opened again and changed."""

    def put(raw: Path, stem: str, number: int) -> None:
        path = write_workbook(raw / f"{stem}.xlsx", [HEADINGS, *(case_row(code(number, n + 1)) for n in range(count))], titles=NEW)
        book = openpyxl.load_workbook(path)
        change(book)
        book.save(path)

    return put


def headings(change: Callable[[list[str]], list[str]]) -> Callable[[Path, str, int], None]:
    """A workbook whose headings are other ones over the same cells."""
    return lambda raw, stem, number: (
        write_workbook(raw / f"{stem}.xlsx", [change(list(HEADINGS)), case_row(code(number))], titles=NEW) and None
    )


def _truncated(raw: Path, stem: str, number: int) -> None:
    path = write_workbook(raw / f"{stem}.xlsx", [HEADINGS, case_row(code(number))], titles=NEW)
    path.write_bytes(path.read_bytes()[:3000])


def _wrong_extension(raw: Path, stem: str, number: int) -> None:
    write_workbook(raw / f"{stem}.xlsx", [HEADINGS, case_row(code(number))], titles=NEW).rename(raw / f"{stem}.csv")


def _same_bytes(raw: Path, stem: str, number: int) -> None:
    first = write_workbook(raw / f"{stem}.a.xlsx", [HEADINGS, case_row(code(number))], titles=NEW)
    (raw / f"{stem}.xlsx").write_bytes(first.read_bytes())


def _new_bytes(raw: Path, stem: str, number: int) -> None:
    write_workbook(raw / "base.xlsx", [HEADINGS, case_row(code(number))], titles=NEW)  # night 1 published another dossier under this name


def _late(raw: Path, stem: str, number: int) -> None:
    write_workbook(raw / f"{stem}.xlsx", [HEADINGS, case_row(code(number))], titles=LATE)


def _reordered_files(raw: Path, stem: str, number: int) -> None:
    write_workbook(raw / f"{stem}.a.xlsx", [HEADINGS, case_row(code(number), **{"Trạng thái": "Đã trả kết quả"})], titles=NEW)
    write_workbook(raw / f"{stem}.xlsx", [HEADINGS, case_row(code(number), **{"Trạng thái": "Đang xử lý"})], titles=OLD)


def _reordered_columns(raw: Path, stem: str, number: int) -> None:
    write_workbook(raw / f"{stem}.xlsx", [list(reversed(HEADINGS)), list(reversed(case_row(code(number))))], titles=NEW)


def _merge_units(book: openpyxl.Workbook) -> None:
    column = HEADINGS.index("Đơn vị giải quyết") + 1
    book.worksheets[0].merge_cells(start_row=4, end_row=5, start_column=column, end_column=column)


def _add_totals(book: openpyxl.Workbook) -> None:
    sheet = book.worksheets[0]
    sheet.append([None, "Tổng cộng", None, None, None, 2])
    sheet.append([])
    sheet.append([None, None, None, "NGƯỜI LẬP BIỂU"])


def _hide_a_copy(book: openpyxl.Workbook) -> None:
    book.copy_worksheet(book.worksheets[0]).sheet_state = "hidden"
    book.worksheets[1]["B4"] = code(99)


def _cell(heading: str, value: object) -> Callable[[openpyxl.Workbook], None]:
    def change(book: openpyxl.Workbook) -> None:
        book.worksheets[0].cell(4, HEADINGS.index(heading) + 1).value = value

    return change


FAULTS = {
    "truncated": Fault("tệp bị cắt giữa chừng", _truncated, "rejected", "hỏng"),
    "encrypted": Fault("tệp có mật khẩu", content(".xlsx", HOSTILE["encrypted.xlsx"][0]), "rejected", "mật khẩu"),
    "empty": Fault("tệp trống", content(".xlsx", bytes), "rejected", "rỗng"),
    "wrong_extension": Fault("sai đuôi tệp", _wrong_extension, loaded=1),
    "login_page": Fault("trang đăng nhập thay cho tệp xuất", content(".xls", LOGIN_PAGE.encode), "rejected", "đăng nhập"),
    "bomb": Fault("bom nén", content(".xlsx", HOSTILE["zip_bomb.xlsx"][0]), "rejected", "bom nén"),
    "far_cell": Fault("một ô ở XFD1048576", content(".xlsx", HOSTILE["far_cell.xlsx"][0]), "rejected", "ô"),
    "entities": Fault("thực thể XML lồng nhau", content(".xlsx", HOSTILE["billion_laughs.xlsx"][0]), "rejected", "thực thể"),
    "same_bytes": Fault("cùng nội dung dưới hai tên", _same_bytes, "duplicate"),
    "new_bytes": Fault(
        "nội dung mới dưới tên cũ",
        _new_bytes,
        None,
        question="SELECT count(*) FROM core.cases WHERE case_code IN ('{code}', '000.22.58.H48-240215-0007')",
        answer=2,
    ),
    "late": Fault("tệp xuất sau thời điểm chốt", _late, "later"),
    "reordered_files": Fault(
        "tệp cũ đến sau tệp mới",
        _reordered_files,
        loaded=1,
        question="SELECT status_code FROM core.cases WHERE case_code = '{code}'",
        answer=10,
    ),
    "missing_heading": Fault(
        "thiếu tiêu đề", headings(lambda names: ["" if name == "Mã hồ sơ" else name for name in names]), "rejected", "Mã hồ sơ"
    ),
    "renamed_heading": Fault(
        "tiêu đề đổi tên",
        headings(lambda names: ["Mã của hồ sơ này" if name == "Mã hồ sơ" else name for name in names]),
        "rejected",
        "Mã của hồ sơ này",
    ),
    "reordered_headings": Fault("tiêu đề đổi thứ tự", _reordered_columns, loaded=1),
    "duplicate_headings": Fault(
        "tiêu đề trùng nhau",
        headings(lambda names: ["Ngày tiếp nhận" if name == "Ngày hẹn trả" else name for name in names]),
        "rejected",
        "Ngày tiếp nhận",
    ),
    "merged_cells": Fault("ô gộp", edited(_merge_units), loaded=2),
    "totals": Fault("dòng tổng cộng và chữ ký", edited(_add_totals), loaded=2),
    "hidden_sheet": Fault(
        "trang ẩn", edited(_hide_a_copy), loaded=2, question=f"SELECT count(*) FROM core.cases WHERE case_code = '{code(99)}'", answer=0
    ),
    "error_cell": Fault("ô lỗi #N/A", edited(_cell("Đơn vị giải quyết", "#N/A")), loaded=1, rejects=("unknown_unit",)),
    "formula_without_value": Fault(
        "công thức chưa có giá trị", edited(_cell("Ngày kết thúc xử lý", "=NOW()")), loaded=1, rejects=("bad_date",)
    ),
    "impossible_date": Fault("ngày 31/02", rows({"Ngày tiếp nhận": "31/02/2024 09:00"}, {}), loaded=1, rejects=("bad_date",)),
    "hour_24": Fault("giờ 24:00", rows({"Ngày tiếp nhận": "15/02/2024 24:00"}, {}), loaded=1, rejects=("bad_date",)),
    "year_0206": Fault("năm 0206", rows({"Ngày tiếp nhận": "15/02/0206 09:00"}, {}), loaded=1, rejects=("bad_date",)),
    "duplicate_dossiers": Fault(
        "một hồ sơ hai dòng",
        lambda raw, stem, number: rows({}, {"Mã hồ sơ": code(number), "Trạng thái": "Đang xử lý"})(raw, stem, number),
        loaded=2,
        question="SELECT status_code FROM core.cases WHERE case_code = '{code}'",
        answer=4,
    ),
    "end_before_start": Fault("kết thúc trước khi tiếp nhận", rows({"Ngày kết thúc xử lý": "01/02/2024 09:00"}), loaded=1),
    "no_due_date": Fault(
        "không có ngày hẹn trả",
        rows({"Ngày hẹn trả": None}),
        loaded=1,
        question="SELECT due_at IS NULL FROM core.cases WHERE case_code = '{code}'",
        answer=True,
    ),
    "unknown_unit": Fault("đơn vị không ai biết", rows({"Đơn vị giải quyết": "UBND xã Không Có"}, {}), loaded=1, rejects=("unknown_unit",)),
}
