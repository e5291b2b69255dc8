"""What goes wrong with exports, as changes to a book; each keeps the truth of the rows it moves."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from .book import Book, Cell, Page, Row, text_row

Trouble = Callable[[Book], Book]

LETTERHEAD = [
    "UBND HUYỆN THỬ NGHIỆM",
    "VĂN PHÒNG HĐND VÀ UBND",
    "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "Độc lập - Tự do - Hạnh phúc",
    "Số: 17/BC-VP",
    "DANH SÁCH HỒ SƠ TIẾP NHẬN VÀ TRẢ KẾT QUẢ",
    "Kính gửi: Chủ tịch UBND huyện",
    "Lĩnh vực: Tất cả",
    "Đơn vị: Tất cả",
    "Trạng thái: Tất cả",
    "Kỳ báo cáo: Quý II năm 2024",
    "Người xuất: quản trị hệ thống",
    "Thời điểm xuất: 08:30 01/07/2024",
    "(Số liệu tính đến thời điểm xuất)",
    "Ghi chú: ngày ghi theo dạng ngày/tháng/năm",
]
EXPORTED_AT = datetime(2024, 7, 1, 8, 30)


def _on_page(change: Callable[[Page], Page]) -> Trouble:
    return lambda book: book.with_page(change(book.page))


def _first_data(page: Page) -> int:
    return next(number for number, row in enumerate(page.rows) if row.truth is not None)


def _width(page: Page) -> int:
    return max(len(row.cells) for row in page.rows)


def titles(count: int = 15) -> Trouble:
    """Rows of letterhead above the headings; with 13 or more of them the export says when it was made."""

    def change(book: Book) -> Book:
        page = book.page
        rows = [text_row(text, right=6) for text in LETTERHEAD[:count]]
        made = book.with_page(page.with_rows([*rows, *page.rows]))
        return replace(made, exported_at=EXPORTED_AT) if count >= 13 else made

    return change


def blank_rows(count: int) -> Trouble:
    """The first rows are blank."""
    return _on_page(lambda page: page.with_rows([Row()] * count + list(page.rows)))


def header_at_row(number: int) -> Trouble:
    """The headings stand in that row, under letterhead and blank rows."""

    def change(book: Book) -> Book:
        made = titles(15)(book)
        page = made.page
        return made.with_page(page.with_rows([*page.rows[:15], *[Row()] * (number - 16), *page.rows[15:]]))

    return change


def column_d(book: Book) -> Book:
    """The table begins in column D."""
    page = book.page
    return book.with_page(page.with_rows([replace(row, cells=(Cell(), Cell(), Cell(), *row.cells)) for row in page.rows]))


def grouped_dates(book: Book) -> Book:
    """Two rows of headings, the dates under "Ngày, tháng, năm"."""
    below = {
        "Ngày nộp hồ sơ": "Nộp hồ sơ",
        "Ngày tiếp nhận": "Tiếp nhận",
        "Ngày hẹn trả": "Hẹn trả kết quả",
        "Ngày kết thúc xử lý": "Kết thúc xử lý",
        "Ngày trả kết quả": "Trả kết quả",
    }
    page = book.page
    top, *rest = page.rows
    dates = [column for column, cell in enumerate(top.cells) if cell.value in below]
    upper = []
    lower = []
    for column, cell in enumerate(top.cells):
        if column in dates:
            upper.append(Cell("Ngày, tháng, năm", right=len(dates)) if column == dates[0] else Cell())
            lower.append(Cell(below[str(cell.value)]))
        else:
            upper.append(replace(cell, down=2))
            lower.append(Cell())

    def renamed(row: Row) -> Row:
        names = {heading: f"Ngày, tháng, năm > {leaf}" for heading, leaf in below.items()}
        return replace(row, troubles=frozenset((reason, names.get(heading, heading)) for reason, heading in row.troubles))

    return book.with_page(page.with_rows([Row(tuple(upper)), Row(tuple(lower)), *map(renamed, rest)]))


def form06_header(book: Book) -> Book:
    """The three rows of headings of Biểu số 06, where "Tổng số" and "Quá hạn" stand several times."""
    n, c = None, Cell
    top = (
        c("STT", down=3), c("Đơn vị", down=3), c("Số hồ sơ nhận giải quyết", right=4), c(n), c(n), c(n),
        c("Số hồ sơ đã giải quyết", right=4), c(n), c(n), c(n), c("Số lượng hồ sơ đang giải quyết", right=3), c(n), c(n),
    )  # fmt: skip
    middle = (
        c(n), c(n), c("Tổng số", down=2), c("Trong đó", right=2), c(n), c("Từ kỳ trước", down=2), c("Tổng số", down=2), c("Trước hạn", down=2),
        c("Đúng hạn", down=2), c("Quá hạn", down=2), c("Tổng số", down=2), c("Trong hạn", down=2), c("Quá hạn", down=2),
    )  # fmt: skip
    leaves = (c(n), c(n), c(n), c("Trực tuyến"), c("Trực tiếp, dịch vụ bưu chính"), *[c(n)] * 8)
    page = book.page
    heads = [text_row("Biểu số 06/VPCP/KSTT", right=5), text_row("(Từ ngày 01/04/2024 đến ngày 30/06/2024)", right=5)]
    return book.with_page(page.with_rows([*heads, Row(top), Row(middle), Row(leaves), *page.rows[1:]]))


def period_title(title: str) -> Trouble:
    """A title that names the second quarter of 2024 in some way."""

    def change(book: Book) -> Book:
        page = book.page
        return book.with_page(page.with_rows([text_row("UBND TỈNH THỬ NGHIỆM", right=4), text_row(title, right=4), *page.rows]))

    return change


def grouped_header(book: Book) -> Book:
    """Two rows of headings from those that name their group, "group > heading"; the others are merged over both."""
    page = book.page
    paths = [str(cell.value).split(" > ") for cell in page.rows[0].cells]
    top: list[Cell] = []
    for at, path in enumerate(paths):
        if len(path) == 1:
            top.append(Cell(path[0], down=2))
        elif at and paths[at - 1][0] == path[0]:
            top.append(Cell())
        else:
            top.append(Cell(path[0], right=sum(p[0] == path[0] and len(p) > 1 for p in paths)))
    leaves = tuple(Cell(path[1] if len(path) > 1 else None) for path in paths)
    return book.with_page(page.with_rows([Row(tuple(top)), Row(leaves), *page.rows[1:]]))


def column_numbers(book: Book) -> Book:
    """A row "(1) (2) (3)" under the headings, with a formula of columns as national forms have it."""
    page = book.page
    at = _first_data(page)
    numbers = [f"({number})" for number in range(1, _width(page) + 1)]
    numbers[2] = "(3)=(4)+(5)+(6)"
    return book.with_page(page.with_rows([*page.rows[:at], text_row(*numbers), *page.rows[at:]]))


def column_letters(book: Book) -> Book:
    """A row "A B 1 2 3" under the headings."""
    page = book.page
    at = _first_data(page)
    row = text_row("A", "B", *range(1, _width(page) - 1))
    return book.with_page(page.with_rows([*page.rows[:at], row, *page.rows[at:]]))


def field_sections(column: int | None) -> Trouble:
    """Rows "I. LĨNH VỰC HỘ TỊCH" wherever the field changes; the field's own column, if any, is taken out."""
    numerals = ["I", "II", "III", "IV", "V", "VI"]

    def change(page: Page) -> Page:
        rows: list[Row] = []
        before: object = None
        found = 0
        for row in page.rows:
            if row.truth is not None and row.truth["field_vi"] != before:
                before = row.truth["field_vi"]
                rows.append(text_row(f"{numerals[found]}. LĨNH VỰC {str(before).upper()}", right=_width(page) - 1))
                found += 1
            cells = row.cells if column is None else row.cells[:column] + row.cells[column + 1 :]
            rows.append(replace(row, cells=cells))
        return page.with_rows(rows)

    return _on_page(change)


def unit_rows(book: Book) -> Book:
    """The unit's name across the row above its dossiers, in capitals and repeated in two cells by one system."""
    page = book.page
    at = _first_data(page)
    rows = list(page.rows)
    rows.insert(at + 2, Row((Cell(), Cell("UBND xã Sơn Hạ"), Cell("UBND xã Sơn Hạ"))))
    rows.insert(at, text_row("UBND XÃ SƠN HÀ", right=_width(page)))
    return book.with_page(page.with_rows(rows))


def totals(book: Book) -> Book:
    """Rows of totals between and below the data."""
    page = book.page
    at = _first_data(page)
    counts = [Cell(number) for number in range(_width(page) - 2)]
    rows = list(page.rows)
    rows.insert(at + 1, text_row(None, "Cộng: 1 hồ sơ"))
    return book.with_page(
        page.with_rows(
            [*rows, Row((Cell(), Cell("Tổng cộng"), *counts)), Row((Cell("Tổng số"), Cell(), *counts)), text_row("Tổng số hồ sơ: 6")]
        )
    )


def signatures(columns: int) -> Trouble:
    """The place, the date and who signs below the table, in one, two or three columns."""
    blocks = [
        ["NGƯỜI LẬP BIỂU", "(Ký, ghi rõ họ tên)", "Tô Bịa Đặt"],
        ["NGƯỜI KIỂM TRA", "(Ký, ghi rõ họ tên)", "Mai Hư Cấu"],
        ["TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH", "(Ký tên, đóng dấu)", "Vũ Tưởng Tượng"],
    ]

    def change(page: Page) -> Page:
        places = {1: [8], 2: [1, 8], 3: [1, 5, 9]}[columns]
        last = places[-1]
        rows = [Row(), Row((*[Cell()] * last, Cell("Thử Nghiệm, ngày 30 tháng 6 năm 2024", right=3)))]
        for line in range(3):
            cells = [Cell()] * (last + 1)
            for place, block in zip(places, blocks[-columns:], strict=True):
                cells[place] = Cell(block[line])
            rows.append(Row(tuple(cells)))
        return page.with_rows([*page.rows, *rows])

    return _on_page(change)


def repeated_header(book: Book) -> Book:
    """The headings again in the middle, as on each printed page."""
    page = book.page
    at = _first_data(page)
    heading_rows = [row for row in page.rows[:at] if sum(cell.value is not None for cell in row.cells) > 2]
    return book.with_page(page.with_rows([*page.rows[: at + 3], *heading_rows, *page.rows[at + 3 :]]))


def blank_between(book: Book) -> Book:
    """Blank rows between the data rows."""
    page = book.page
    rows: list[Row] = []
    for row in page.rows:
        rows += [row, Row()] if row.truth is not None else [row]
    return book.with_page(page.with_rows(rows))


def rewritten(change: Callable[[str], str], *, headings: bool = True, cells: bool = True) -> Trouble:
    """Every text changed, in the headings, in the data, or in both; headings named in troubles change with them."""

    def on_row(row: Row, above: bool) -> Row:
        if not (headings if above else cells):
            return row
        changed = tuple(replace(cell, value=change(cell.value) if isinstance(cell.value, str) else cell.value) for cell in row.cells)
        return replace(row, cells=changed)

    return _on_page(lambda page: page.with_rows([on_row(row, row.truth is None) for row in page.rows]))


def nfd(text: str) -> str:
    """Every accent as a character of its own."""
    return unicodedata.normalize("NFD", text)


def invisible(text: str) -> str:
    """Non-breaking and zero-width spaces where people do not see them."""
    return "\u200b" + text.replace(" ", "\u00a0") + "\u00a0\ufeff"


def broken_lines(text: str) -> str:
    """A line break instead of every second space, as in narrow headings."""
    words = text.split(" ")
    return "".join(word + ("" if number == len(words) - 1 else "\n" if number % 2 == 0 else "  ") for number, word in enumerate(words))


_NEW_TONES = {"òa": "oà", "óa": "oá", "ủy": "uỷ", "Ủy": "Uỷ", "úy": "uý", "Hủy": "Huỷ"}


def new_tones(text: str) -> str:
    """hòa as hoà, thủy as thuỷ."""
    for old, new in _NEW_TONES.items():
        text = text.replace(old, new)
    return text


# TCVN 5712:1993 VN3, the code of the fonts named .Vn…: letter -> byte, which Windows stores as the Latin-1 character of that byte.
_TCVN3 = dict(
    zip(
        "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
        bytes.fromhex(
            "a1a2a3a4a5a6a7 a8a9aaabacadae b5b6b7b8b9 bbbcbdbec6 c7c8c9cacb cccecfd0d1 d2d3d4d5d6 d7d8dcddde dfe1e2e3e4 e5e6e7e8e9"
            "eaebecedee eff1f2f3f4 f5f6f7f8f9 fafbfcfdfe"
        ).decode("latin-1"),
        strict=True,
    )
)


def tcvn3(text: str) -> str:
    """Text in the TCVN3 code; capitals with tones have no place in it and are written small, in a font of capitals."""
    return "".join(
        _TCVN3.get(letter, letter if ord(letter) < 128 else _TCVN3[letter.lower()]) for letter in unicodedata.normalize("NFC", text)
    )


def in_tcvn3(font: str = ".VnTime", heading_font: str = ".VnTimeH") -> Trouble:
    """Every text in TCVN3 fonts, the headings in the one that shows small letters as capitals."""

    def on_cell(cell: Cell, above: bool) -> Cell:
        if not isinstance(cell.value, str):
            return cell
        if above:
            return replace(cell, value=tcvn3(cell.value.lower()), font=heading_font)
        return replace(cell, value=tcvn3(cell.value), font=font)

    return _on_page(
        lambda page: page.with_rows(
            [replace(row, cells=tuple(on_cell(cell, row.truth is None) for cell in row.cells)) for row in page.rows]
        )
    )


def merged_column(column: int) -> Trouble:
    """Equal neighbours in a column merged into one cell, which says the same as they did."""

    def change(page: Page) -> Page:
        rows = list(page.rows)
        at = _first_data(page)
        start = at
        for number in range(at, len(rows) + 1):
            same = (
                number < len(rows)
                and rows[number].truth is not None
                and rows[number].cells[column].value == rows[start].cells[column].value
            )
            if same:
                continue
            if number - start > 1:
                for inner in range(start, number):
                    cells = list(rows[inner].cells)
                    cells[column] = Cell(cells[column].value, down=number - start) if inner == start else Cell()
                    rows[inner] = replace(rows[inner], cells=tuple(cells))
            start = number
        return page.with_rows(rows)

    return _on_page(change)


def guide_first(book: Book) -> Book:
    """A guide sheet before the data."""
    guide = Page(
        "Hướng dẫn",
        None,
        (
            text_row("HƯỚNG DẪN SỬ DỤNG"),
            text_row("1.", "Cột Mã hồ sơ: mã do hệ thống cấp"),
            text_row("2.", "Cột Trạng thái: theo danh mục"),
            Row(),
            text_row("Liên hệ:", "Bộ phận hỗ trợ"),
        ),
    )
    return replace(book, pages=(guide, *book.pages)).warned("“Hướng dẫn”: không có dòng tiêu đề nào")


def empty_first(book: Book) -> Book:
    """An empty sheet before the data."""
    return replace(book, pages=(Page("Trang1", None, ()), *book.pages))


def hidden_copy(state: str) -> Trouble:
    """A hidden sheet with an old copy of the same list, which is no data."""

    def change(book: Book) -> Book:
        copy = Page("Sao lưu", None, tuple(replace(row, truth=None) for row in book.page.rows), state)
        return replace(book, pages=(copy, *book.pages)).warned("trang ẩn: Sao lưu")

    return change


def beside(*others: Page) -> Trouble:
    """More sheets behind the first."""
    return lambda book: replace(book, pages=book.pages + others)


def in_1904(book: Book) -> Book:
    """Days count from 1904."""
    return replace(book, date1904=True)


def chain(*troubles: Trouble) -> Trouble:
    """Several troubles, one after the other."""

    def change(book: Book) -> Book:
        for trouble in troubles:
            book = trouble(book)
        return book

    return change
