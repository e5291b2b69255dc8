"""What lies among good exports: copies, broken files, pages that are no exports, files still being written."""

import hashlib
import shutil
from pathlib import Path

from flows.sample.exports import Receipt

_LOGIN_PAGE = "<html><body><form>Đăng nhập hệ thống<input name='u'><input type='password' name='p'></form></body></html>"
_PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"


def write_refused(raw: Path, workbook: Path) -> list[Receipt]:
    """Writes files that no reader may take for an export, one of them half of a good workbook."""
    contents = {
        "rong.xlsx": b"",
        "bi_cat.xlsx": workbook.read_bytes()[: workbook.stat().st_size * 3 // 5],
        "dang_nhap.xls": _LOGIN_PAGE.encode(),
        "xuat ra/bao_cao.xlsx": _PDF,
    }
    for path, data in contents.items():
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        (raw / path).write_bytes(data)
    return [Receipt(path, None, "rejected") for path in contents]


def write_ignored(raw: Path, workbook: Path) -> None:
    """Writes temporary files, which must leave no trace at all."""
    (raw / f"~${workbook.name}").write_bytes(b"\x05admin".ljust(165))
    (raw / "dang_tai.xlsx.part").write_bytes(workbook.read_bytes()[:2000])
    (raw / "xuat ra").mkdir(exist_ok=True)
    (raw / "xuat ra" / "ho_so.xlsx.crdownload").write_bytes(workbook.read_bytes()[:1500])


def copy_twice(raw: Path, workbook: str, text: str) -> list[Receipt]:
    """Copies one export under a later name, and one into a folder that comes earlier: there the copy is the first.

    Args:
        raw: The folder of exports.
        workbook: Path below it of an export that carries its time inside.
        text: Path of one that carries its time in its name, which the copy therefore keeps.
    """
    copies = {f"zz copy of {Path(workbook).name}": workbook, f"0 sao lưu/{Path(text).name}": text}
    for copy, source in copies.items():
        (raw / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(raw / source, raw / copy)
    return [Receipt(copy, None, "duplicate") for copy in copies]


def settle_duplicates(raw: Path, receipts: list[Receipt]) -> None:
    """Gives each set of files with the same bytes its one loaded file: the first path by code point."""
    by_path = {r.path: r for r in receipts}
    copies = [r for r in receipts if r.status == "duplicate"]
    for copy in copies:
        digest = _digest(raw / copy.path)
        size = (raw / copy.path).stat().st_size
        same = [p for p in by_path if (raw / p).stat().st_size == size and _digest(raw / p) == digest]
        original = next(by_path[p] for p in same if by_path[p].status == "loaded")
        facts = (original.kind, original.exported_at, original.rows_loaded, original.reject_reasons)
        first = min(same)
        for path in same:
            receipt = by_path[path]
            receipt.kind, receipt.status = original.kind, "duplicate"
            receipt.exported_at, receipt.rows_loaded, receipt.reject_reasons = None, 0, []
        keeper = by_path[first]
        keeper.status = "loaded"
        keeper.kind, keeper.exported_at, keeper.rows_loaded, keeper.reject_reasons = facts


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
