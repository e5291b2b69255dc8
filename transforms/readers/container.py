"""What kind of container the bytes are, and whether it is safe to unpack, before any parser sees them."""

import hashlib
import io
import itertools
import re
import zipfile

from transforms.limits import Limits
from transforms.readers import delimited, html, ods, xls, xlsx
from transforms.sheets import Sheet, UnreadableExport

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# BIFF without the OLE file around it, as Excel before 5.0 and report writers that need no library leave it.
_BARE_BIFF = re.compile(rb"\x09(?:\x00\x04|[\x02\x04]\x06|\x08[\x06\x08\x10])\x00", re.DOTALL)
_FOREIGN = {
    b"%PDF": "tệp PDF",
    b"Rar!": "tệp nén RAR",
    b"7z\xbc\xaf": "tệp nén 7z",
    b"\x1f\x8b": "tệp nén gzip",
    b"\x89PNG": "tệp ảnh PNG",
    b"\xff\xd8\xff": "tệp ảnh JPEG",
    b"GIF8": "tệp ảnh GIF",
    b"{\\rtf": "tệp văn bản RTF",
    b"PAR1": "tệp Parquet",
    b"MIME-Version:": "trang web lưu thành một tệp (.mht)",
    b"From: <Saved by": "trang web lưu thành một tệp (.mht)",
}
_IS_UTF8 = 1 << 11  # of a member's flags
_NOTHING = b"\x00 \t\r\n"
_START = 1 << 10
_BEFORE_PAGE = _NOTHING + "\ufeff".encode()
_AGAIN = "hãy xuất lại từ hệ thống một cửa dạng .xlsx hoặc .csv"


def _open_zip(data: bytes, limits: Limits) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise UnreadableExport(f"tệp bị cắt cụt hoặc hỏng (không mở được gói nén bên trong); {_AGAIN}") from error
    if len(infos) > limits.entries:
        raise UnreadableExport(f"gói nén có {len(infos)} thành phần, quá {limits.entries}; không mở vì lý do an toàn")
    if sum(info.file_size for info in infos) > limits.unpacked_bytes:
        raise UnreadableExport("nội dung bung ra quá lớn (nghi là bom nén); không mở vì lý do an toàn")
    for info in infos:
        if info.file_size > limits.ratio_from_bytes and info.file_size > limits.ratio * max(info.compress_size, 1):
            raise UnreadableExport("tỷ lệ nén bất thường (nghi là bom nén); không mở vì lý do an toàn")
        if info.flag_bits & 0x1:
            raise UnreadableExport("gói nén đặt mật khẩu; hãy gửi lại tệp không đặt mật khẩu")
    return archive


def _is_workbook(archive: zipfile.ZipFile) -> str | None:
    names = {info.filename for info in archive.infolist()}
    if "mimetype" in names and "content.xml" in names:
        return "ods"
    if any(re.fullmatch(r"(xl/)?workbook\.bin", name) for name in names):
        return "xlsb"
    if "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names):
        return "xlsx"
    return None


def is_archive(data: bytes) -> bool:
    """True for a .zip of exports, not for workbooks, which are zips too. A damaged zip is no archive: reading it says what is wrong."""
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _is_workbook(archive) is None
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return False


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: Macs and others write UTF-8 without the flag that says so, and it is taken for the code page of DOS."""
    if info.flag_bits & _IS_UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def list_members(data: bytes, limits: Limits = Limits()) -> list[tuple[str, str]]:
    """(name, SHA-256) of every file of an archive, in the code-point order of the names; nothing is held in memory or unpacked to disk.

    Raises:
        UnreadableExport: the archive is unsafe, damaged, locked with a password, empty, or holds two files of one name.
    """
    with _open_zip(data, limits) as archive:
        infos = sorted(((_member_name(info), info) for info in archive.infolist() if not info.is_dir()), key=lambda named: named[0])
        if not infos:
            raise UnreadableExport("gói nén không có tệp nào")
        twice = next((name for (name, _), (after, _) in itertools.pairwise(infos) if name == after), None)
        if twice:  # only one of them could be reached by its name, and the other would be lost
            raise UnreadableExport(f"gói nén có hai tệp cùng tên {twice}; hãy nén lại và gửi lại")
        members = []
        for name, info in infos:
            try:
                with archive.open(info) as part:
                    members.append((name, hashlib.file_digest(part, "sha256").hexdigest()))  # type: ignore[arg-type]
            except Exception as error:  # zlib, lzma and zipfile raise types of their own for damaged members
                raise UnreadableExport(f"tệp {name} trong gói nén bị hỏng; hãy nén lại và gửi lại") from error
        return members


def read_member(data: bytes, member: str, limits: Limits = Limits()) -> bytes:
    """The bytes of one file of an archive; nothing is ever unpacked to disk, so a member's name cannot lead anywhere.

    Raises:
        UnreadableExport: the archive or the member is damaged or unsafe.
    """
    with _open_zip(data, limits) as archive:
        try:
            return archive.read(next(info for info in archive.infolist() if _member_name(info) == member))
        except Exception as error:  # zlib, lzma and zipfile raise types of their own for damaged members
            raise UnreadableExport(f"tệp {member} trong gói nén bị hỏng; hãy nén lại và gửi lại") from error


def read_sheets(data: bytes, limits: Limits = Limits()) -> list[Sheet]:
    """The sheets of one export, hidden ones included and marked.

    Args:
        data: the whole file (a single export, not an archive of several).
        limits: what the file may ask of the machine.

    Raises:
        UnreadableExport: these bytes are no table this program reads, or are damaged or unsafe.
    """
    if not data[:_START].strip(_NOTHING) and not data.strip(_NOTHING):
        raise UnreadableExport(f"tệp rỗng (0 dòng); {_AGAIN}")
    for magic, what in _FOREIGN.items():
        if data.startswith(magic):
            raise UnreadableExport(f"đây là {what}, không phải bảng tính hay CSV; {_AGAIN}")
    if data.startswith(b"PK"):
        with _open_zip(data, limits) as archive:
            kind = _is_workbook(archive)
            if kind == "ods":
                return ods.read(archive, limits.rows, limits.columns)
            if kind == "xlsx":
                return xlsx.read(data, archive, limits.rows, limits.columns)
            if kind == "xlsb":
                raise UnreadableExport("đây là sổ tính nhị phân .xlsb; hãy mở bằng Excel và lưu lại dạng .xlsx")
            raise UnreadableExport("đây là gói nén nằm trong gói nén khác; hãy bung ra và gửi lại từng tệp")
    if data.startswith(_OLE) or _BARE_BIFF.match(data):
        return xls.read(data)
    text = html.decode(data) if data[:_START].lstrip(_BEFORE_PAGE).startswith(b"<") else delimited.decode(data)
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return html.read(text)
    return delimited.read(text, limits.columns)
