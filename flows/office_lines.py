"""Lines of the CSV tables that the office edits, by the names of their columns; what cannot be meant is told with file, line and column."""

import difflib
import re
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from flows.settings import ConfigurationError
from transforms.office_rows import Faults, SwallowedRows, find_delimiter, read_office_rows
from transforms.text import clean, hide_personal

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9999, 12, 31)
# What Excel makes of 3.4.1 when it opens or saves a CSV: 03/04/2001, 3-Apr-01, 2001-04-03, by the country of its machine.
_AS_DATE = re.compile(r"\d{1,2}([./ -])(\d{1,2}\1\d{4}|[^\W\d]\w*\1\d{2,4})|\d{1,2}/\d{1,2}/\d{2}|\d{4}([./-])\d{1,2}\3\d{1,2}")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*/\s*(\d{1,2})\s*/\s*(\d{4})")
# So alike, a column nobody knows and one that is not there are the same, misspelt: valid_until and valid_to, alias and aliases.
_MISSPELT = 0.7


class Line:
    """One line of a reference table; its accessors raise ConfigurationError with file, line, column, found and expected."""

    def __init__(self, file: str, number: int, cells: dict[str, str]) -> None:
        self.file, self.number, self.cells = file, number, cells

    def fail(self, column: str, expected: str) -> ConfigurationError:
        """The error of a cell, to raise: what it says, and what was expected."""
        return ConfigurationError(f"{self.file}, dòng {self.number}, cột {column}: có “{self.cells.get(column, '')}”, cần {expected}")

    def text(self, column: str) -> str | None:
        """What a cell says; None where it is blank or the column is not there."""
        return clean(self.cells.get(column) or "") or None

    def code(self, column: str) -> str | None:
        """A code as codes are compared: in capitals."""
        value = self.text(column)
        return value.upper() if value else None

    def required(self, column: str) -> str:
        """What a cell says; a blank one is an error."""
        value = self.text(column)
        if value is None:
            raise self.fail(column, "một giá trị, không được để trống")
        return value

    def criterion(self) -> str:
        """The criterion of the year plan, such as 7.3.3.2; one that a spreadsheet turned into a date is an error."""
        value = self.required("criterion")
        if _AS_DATE.fullmatch(value):
            raise self.fail(
                "criterion",
                "mã tiêu chí như 3.4.1, không phải ngày: Excel đã đổi mã thành ngày; hãy định dạng cột này là Text (Văn bản), gõ lại mã rồi lưu",
            )
        return value

    def day(self, column: str, default: date) -> date:
        """A day as 2024-06-30 or 30/06/2024; the default where it is blank."""
        value = self.text(column)
        if value is None:
            return default
        written = _DAY_FIRST.fullmatch(value)
        try:
            day = date(int(written[3]), int(written[2]), int(written[1])) if written else date.fromisoformat(value)
        except ValueError:
            day = date.min
        if day < FIRST_DAY:  # 01/07/25 would be a day of the year 25, on which no unit, target or holiday ever counts
            raise self.fail(column, "một ngày dạng 2024-06-30 hoặc 30/06/2024, năm đủ bốn chữ số")
        return day

    def one_of(self, column: str, values: Sequence[str]) -> str:
        """One of some words; anything else is an error."""
        value = self.required(column)
        if value not in values:
            raise self.fail(column, f"một trong: {', '.join(values)}")
        return value

    def validity(self) -> tuple[date, date]:
        """First and last day of valid_from and valid_to; blank is open."""
        first, last = self.day("valid_from", FIRST_DAY), self.day("valid_to", LAST_DAY)
        if last < first:
            raise self.fail("valid_to", f"một ngày không trước valid_from ({first})")
        return first, last


_MOST_FAULTS = 50


def stop_at(faults: Faults, where: str = "các bảng tham chiếu") -> None:
    """Nothing, where nothing is wrong.

    Raises:
        ConfigurationError: every fault, one a line.
    """
    if len(faults) > 1:
        more = [f"… và {len(faults) - _MOST_FAULTS} chỗ khác"] if len(faults) > _MOST_FAULTS else []
        raise ConfigurationError("\n  - ".join([f"có {len(faults)} chỗ phải sửa trong {where}:", *faults[:_MOST_FAULTS], *more]))
    if faults:
        raise ConfigurationError(faults[0])


def read_text(path: Path) -> str:
    """The text of a table or a settings file of the office, which must be UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        how = " (trong Excel: “CSV UTF-8”)" if path.suffix == ".csv" else ""
        raise ConfigurationError(f"{path.name}: phải lưu dạng UTF-8{how}") from None
    except OSError as error:
        raise ConfigurationError(f"{path.name}: không đọc được ({error.strerror})") from None


def parse_toml(name: str, text: str) -> dict[str, Any]:
    """What the text of a settings file says.

    Raises:
        ConfigurationError: it is no TOML; file and line, and never what stands there.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        where = f"dòng {at[1]}" if at else "cuối tệp"
        raise ConfigurationError(
            f"{name}, {where}: không đúng cú pháp TOML; chữ phải để trong dấu nháy, mỗi dòng một khóa = giá trị, mỗi khóa một lần"
        ) from None


def read_lines(folder: Path, name: str, columns: Sequence[str], faults: Faults, optional: Sequence[str] = ()) -> list[Line]:
    """The filled lines of a table; those whose cells are not parted as the headings are stand in `faults` instead.

    Raises:
        ConfigurationError: a column is missing, doubled or misspelt, or a quotation mark swallows lines.
    """
    text = read_text(folder / name)
    try:
        rows = read_office_rows(text)
    except SwallowedRows as error:
        raise ConfigurationError(f"{name}, {error}") from None
    header = [clean(cell) for cell in rows[0][1]] if rows else []
    missing = [column for column in columns if column not in header and column not in optional]
    if missing:
        shown = f"; dòng này đang là “{hide_personal(' | '.join(header))[:80]}”" if any(header) else "; dòng này đang trống"
        raise ConfigurationError(
            f"{name}, dòng 1: thiếu cột {', '.join(missing)}{shown}; dòng 1 phải là tên các cột, cách nhau bằng dấu , hoặc ;"
        )
    _check_header(name, header, {*columns, *optional})
    lines = []
    for number, row in rows[1:]:
        if any(cell.strip() for cell in row):
            if len(row) > len(header):
                faults.append(f"{name}, dòng {number}: có {len(row)} ô, nhiều hơn {len(header)} cột")
                continue
            if len(columns) > 1 and row[0].strip() and not any(cell.strip() for cell in row[1:]) and re.search("[,;\t]", row[0]):
                faults.append(f"{name}, dòng {number}: cả dòng nằm trong một ô; hãy tách các ô bằng dấu {find_delimiter(text)} như dòng 1")
                continue
            lines.append(Line(name, number, dict(zip(header, row, strict=False))))
    return lines


def _check_header(name: str, header: Sequence[str], known: set[str]) -> None:
    """Refuse a column that stands twice, and one that is another's name misspelt; what an office adds for itself is left alone."""
    twice = next((column for column in header if column and header.count(column) > 1), None)
    if twice:
        raise ConfigurationError(f"{name}, dòng 1: cột {twice} có hai lần; hãy xóa một")
    absent = sorted(known.difference(header))
    for column in header:
        meant = [] if column in known else difflib.get_close_matches(column.casefold(), absent, 1, _MISSPELT)
        if meant:  # what it says would count for nothing, and nobody would know
            raise ConfigurationError(f"{name}, dòng 1: không có cột “{column}”; nếu đó là {meant[0]}, hãy viết đúng tên này")
