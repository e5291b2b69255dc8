"""Made-up people: names, numbers and places that fill the columns no table may ever keep."""

import itertools

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.object_]

_SURNAMES = ["Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đỗ", "Bùi", "Hồ", "Đinh", "Phan", "Đặng"]
_MIDDLES = ["Văn", "Thị", "Minh", "Ngọc", "Đức", "Thanh", "Xuân", "Hoàng", "Hữu", "Kim"]
_GIVENS = ["Hạnh", "Thủy", "Hòa", "Khánh", "Lượm", "Nga", "Quý", "Thảo", "Tuyết", "Vượng", "Dũng", "Ý", "Phúc", "Liên", "Sáu", "Bảy"]
_HAMLETS = ["Thôn", "Đội", "Xóm"]

NAMES: Texts = np.array([" ".join(n) for n in itertools.product(_SURNAMES, _MIDDLES, _GIVENS)], dtype=object)
# Every 31st name: officers come from all surnames.
OFFICERS: Texts = NAMES[::31]
ADDRESSES: Texts = np.array(
    [f"{h} {i}, khu dân cư số {i + j}, huyện Sơn Hà" for j, h in enumerate(_HAMLETS) for i in range(1, 13)],
    dtype=object,
)
EMAILS: Texts = np.array([f"congdan{i:03d}@thu-mau.example" for i in range(300)], dtype=object)
BIRTHDAYS: Texts = np.array([f"{1 + i % 28:02d}/{1 + i % 12:02d}/{1948 + i % 57}" for i in range(240)], dtype=object)
NOTES: Texts = np.array(
    [""] * 36 + [f"Liên hệ {NAMES[i * 97]}, điện thoại 0987{i:03d}{i * 7 % 1000:03d}" for i in range(1, 5)],
    dtype=object,
)
SIGNER: str = str(NAMES[123])


def identity_numbers(numbers: NDArray[np.int64]) -> list[str]:
    """Returns twelve-digit identity numbers, as citizens have them."""
    return [f"{n:012d}" for n in numbers.tolist()]


def phone_numbers(numbers: NDArray[np.int64]) -> list[str]:
    """Returns ten-digit mobile numbers."""
    return [f"09{n:08d}" for n in numbers.tolist()]


def known_values() -> list[str]:
    """Returns every made-up name, address, e-mail, birthday and note that may stand in an export, once each."""
    return sorted({*NAMES, *ADDRESSES, *EMAILS, *BIRTHDAYS, *(n for n in NOTES if n)})
