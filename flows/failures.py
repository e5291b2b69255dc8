"""What the command line says of a failure that nobody reckoned with, and that it can be said at all; imports nothing that could fail again."""

import errno
import io
import os
import traceback
from pathlib import Path
from typing import TextIO

# What a machine's disks and rights do to any command, in the words of whoever has to mend it.
_TROUBLES_OF_A_DISK = {
    errno.ENOSPC: "ổ đĩa đã đầy",
    errno.EDQUOT: "đã hết hạn mức ổ đĩa",
    errno.EFBIG: "tệp vượt cỡ lớn nhất được phép",
    errno.EROFS: "ổ đĩa chỉ cho đọc",
    errno.EACCES: "tài khoản đang chạy không có quyền",
    errno.EPERM: "tài khoản đang chạy không có quyền",
    errno.ENOTDIR: "trên đường dẫn có một tệp ở chỗ của thư mục",
    errno.EEXIST: "đã có tệp ở chỗ của thư mục",
    errno.EMFILE: "đã mở hết số tệp được phép (ulimit -n)",
    errno.EIO: "ổ đĩa báo lỗi đọc ghi",
    errno.EXDEV: "hai thư mục này phải nằm trên cùng một ổ đĩa",
}
# They speak of files, locks, memory and packages, never of a cell; the last two are DuckDB's.
_SAYING_NO_CELL = ("OSError", "ImportError", "IOException", "OutOfMemoryException")
# What SQLite says of them (https://www.sqlite.org/rescode.html), by its primary code.
_TROUBLES_OF_SQLITE = {8: errno.EACCES, 10: errno.EIO, 13: errno.ENOSPC, 14: errno.EACCES}


def describe_failure(error: Exception) -> str:
    """The failure for whoever runs the machine; what a disk refuses is told in words.

    What is said here stands in the system's journal too: of an error that may quote a cell of an export its kind and place are told, as in the logs.
    """
    code = _code_of(error)
    if code in _TROUBLES_OF_A_DISK:
        paths = [error.filename, error.filename2] if isinstance(error, OSError) else []
        where = f" ({' → '.join(str(path) for path in paths if path)})" if any(paths) else ""
        return (
            f"Không đọc, ghi được tệp: {_TROUBLES_OF_A_DISK[code]}{where}.\nKho dữ liệu đang công bố vẫn nguyên vẹn; sửa xong hãy chạy lại."
        )
    is_harmless = any(kind.__name__ in _SAYING_NO_CELL for kind in type(error).__mro__)
    told = str(error) if is_harmless else f"ở {place_of(error) or 'chỗ không rõ'}"
    return f"Lỗi bất ngờ: {type(error).__name__}: {told}\nKho dữ liệu đang công bố vẫn nguyên vẹn. Đặt TTHC_DEBUG=1 để xem chi tiết."


def place_of(error: BaseException) -> str:
    """Where in the program an error came from, innermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))


def write_vietnamese(stream: TextIO) -> None:
    """From now on the stream takes every text: UTF-8 where its own encoding has not all letters (a file or a pipe on Windows), names in no encoding in escapes."""
    if not isinstance(stream, io.TextIOWrapper):
        return
    try:
        "Đủ chữ: ệ, ợ, ữ, ✓".encode(stream.encoding)
    except UnicodeEncodeError:
        stream.reconfigure(encoding="utf-8")
    stream.reconfigure(errors="backslashreplace")


def _code_of(error: Exception) -> int | None:
    """What the operating system said; SQLite has codes of its own, DuckDB tells it only in the text of its own errors, also of a commit, Arrow in that of an OSError without a code."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, OSError) or type(error).__module__ in ("duckdb", "_duckdb"):
        return next((code for code in _TROUBLES_OF_A_DISK if os.strerror(code) in str(error)), None)
    return _TROUBLES_OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
