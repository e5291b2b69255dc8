"""What the command line says of a failure that nobody reckoned with; imports nothing that could fail again."""

import errno

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
    errno.EIO: "ổ đĩa báo lỗi đọc ghi",
}


def describe_failure(error: Exception) -> str:
    """The failure for whoever runs the machine; what a disk refuses is told in words."""
    if isinstance(error, OSError) and error.errno in _TROUBLES_OF_A_DISK:
        where = f" ({error.filename})" if error.filename else ""
        return f"Không đọc, ghi được tệp: {_TROUBLES_OF_A_DISK[error.errno]}{where}.\nKho dữ liệu đang công bố vẫn nguyên vẹn; sửa xong hãy chạy lại."
    return f"Lỗi bất ngờ: {type(error).__name__}: {error}\nKho dữ liệu đang công bố vẫn nguyên vẹn. Đặt TTHC_DEBUG=1 để xem chi tiết."
