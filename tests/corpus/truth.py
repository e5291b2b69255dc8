"""The truth: what the made-up exports say, as tables that can be read without a program.

Nobody in them exists: names, numbers and addresses are made up so that they can be searched for afterwards and found nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from .book import Book, Cell, Page, Row, Value

Edits = Mapping[tuple[int, str], tuple[Value, object, str | None]]
"""(data row from 0, column) -> (what the cell holds, what it must be read as, the reject reason or None)."""


def _read_table(text: str) -> list[dict[str, object]]:
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    names = lines[0]
    return [{name: _typed(name, cell) for name, cell in zip(names, line, strict=True)} for line in lines[1:]]


def _typed(name: str, cell: str) -> object:
    if cell == "":
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(cell)
    if name.startswith("is_") or name == "has_result":
        return cell == "có"
    if name in _WHOLE_NUMBERS:
        return int(cell)
    return cell


_COUNTS = ("total", "online", "direct", "carried", "done", "early", "on_day", "late", "open", "open_in", "open_over")
_OVERDUE = "Tổng số hồ sơ giải quyết quá hạn đang xử lý"
_FEES = "Số lượng thủ tục có phí, lệ phí"
_TPHS, _RESULT = "Số hóa hồ sơ TTHC khi tiếp nhận", "Số hóa kết quả giải quyết"
AGGREGATED = {
    "receptions_summary": {
        "handled": "Tổng số hồ sơ tiếp nhận, giải quyết", "on_time": "Tổng số hồ sơ xử lý đúng hạn",
        "late_received": "Tổng số hồ sơ chậm được tiếp nhận", "overdue_open": _OVERDUE,
        "overdue_carried": f"{_OVERDUE} (Tính lũy kế từ kỳ trước)",
    },
    "payments_summary": {
        "fee_procedures": _FEES, "fee_procedures_used": f"{_FEES} phát sinh hồ sơ",
        "paid_procedures": "Số lượng thủ tục có phát sinh thanh toán",
        "online_paid_procedures": "Số lượng thủ tục có phát sinh thanh toán trực tuyến",
        "fee_cases": "Tổng số hồ sơ thuộc các thủ tục có phí, lệ phí",
        "online_paid_cases": "Số hồ sơ được thanh toán trực tuyến thuộc các thủ tục có phí, lệ phí",
    },
    "digitization_summary": {
        "received": "Tiếp nhận", "input_none": f"{_TPHS} > Chưa số hóa TPHS", "input_digitized": f"{_TPHS} > Có số hóa TPHS",
        "input_reused": f"{_TPHS} > Có tái sử dụng thành phần",
        "input_reused_portal": f"{_TPHS} > Có tái sử dụng thành phần từ cổng DVC quốc gia", "done": "Đã giải quyết",
        "result_none": f"{_RESULT} > Chưa số hóa", "result_digitized": f"{_RESULT} > Đã số hóa",
    },
}  # fmt: skip
_FIGURES = [figure for headings in AGGREGATED.values() for figure in headings]
_WHOLE_NUMBERS = {"status_code", "digitized_input_code", "amount", "fee_amount", "duration_days", *_COUNTS, *_FIGURES}

# units.csv of the corpus: Sơn Hà and Sơn Hạ are two communes; hòa and hoà, thủy and thuỷ are spellings of one.
UNITS_CSV = """unit_code,name_vi,level,parent_code,gso_code,aliases,valid_from,valid_to,successor_code,email
000.00.58.H48,UBND huyện Thử Nghiệm,district,,529,,2003-01-01,,,
000.02.58.H48,Phòng Tư pháp huyện Thử Nghiệm,district_department,000.00.58.H48,,,2003-01-01,,,
000.21.58.H48,UBND xã Sơn Hà,commune,000.00.58.H48,21001,,2003-01-01,,,
000.22.58.H48,UBND xã Sơn Hạ,commune,000.00.58.H48,21002,,2003-01-01,,,
000.23.58.H48,UBND xã Hòa Thủy,commune,000.00.58.H48,21003,,2003-01-01,,,
"""

CASES = _read_table("""
case_code                | procedure_code | procedure_name                     | field_vi         | service_level | unit                           | channel | submitted_at        | received_at         | due_at              | finished_at         | returned_at         | status_code
000.21.58.H48-240502-0001 | 1.000010      | Đăng ký khai sinh                  | Hộ tịch          | full          | UBND xã Sơn Hà                 | online  | 2024-05-02 07:15:00 | 2024-05-02 08:05:30 | 2024-05-07 17:00:00 | 2024-05-06 09:30:00 | 2024-05-06 10:00:00 | 10
000.22.58.H48-240503-0002 | 1.001193      | Đăng ký kết hôn                    | Hộ tịch          | partial       | UBND xã Sơn Hạ                 | counter | 2024-05-03 14:00:00 | 2024-05-03 14:00:00 | 2024-05-08 17:00:00 | 2024-05-09 16:45:10 | 2024-05-10 07:59:59 | 10
000.23.58.H48-240506-0003 | 2.000930      | Chứng thực bản sao từ bản chính    | Chứng thực       | info          | UBND xã Hòa Thủy               | postal  | 2024-05-06 08:20:00 | 2024-05-06 09:10:00 | 2024-05-10 11:30:00 | 2024-05-10 11:30:00 |                     | 9
000.02.58.H48-240507-0004 | 1.002755      | Thay đổi, cải chính hộ tịch        | Hộ tịch          | full          | Phòng Tư pháp huyện Thử Nghiệm | online  | 2024-05-07 23:45:00 | 2024-05-08 07:30:00 | 2024-05-13 17:00:00 |                     |                     | 4
000.21.58.H48-240601-0005 | 1.004194      | Đăng ký tạm trú                    | Đăng ký cư trú   | partial       | UBND xã Sơn Hà                 | counter | 2024-06-01 08:00:00 | 2024-06-01 08:00:00 | 2024-06-05 17:00:00 |                     |                     | 5
H48.529-240612-0006       | 1.012784      | Cấp giấy chứng nhận quyền sử dụng đất | Đất đai       | partial       | UBND xã Hòa Thủy               | online  | 2024-06-12 12:12:12 |                     |                     |                     |                     | 3
""")  # fmt: skip

WAITING = _read_table("""
case_code                 | procedure_code | procedure_name    | field_vi | service_level | unit             | submitted_at        | status_code
000.21.58.H48-240628-0011 | 1.000010       | Đăng ký khai sinh | Hộ tịch  | full          | UBND xã Sơn Hà   | 2024-06-28 16:59:00 | 1
000.22.58.H48-240629-0012 | 1.001193       | Đăng ký kết hôn   | Hộ tịch  | partial       | UBND xã Sơn Hạ   | 2024-06-29 06:30:00 | 1
000.23.58.H48-240630-0013 | 1.001193       | Đăng ký kết hôn   | Hộ tịch  | partial       | UBND xã Hòa Thủy | 2024-06-30 21:05:09 | 1
""")

PAYMENTS = _read_table("""
case_code                 | procedure_code | unit             | fee_kind | amount  | collection | method   | payment_state | paid_at
000.21.58.H48-240502-0001 | 1.000010       | UBND xã Sơn Hà   | Lệ phí   | 8000    | before     | online   | paid          | 2024-05-02 07:16:00
000.22.58.H48-240503-0002 | 1.001193       | UBND xã Sơn Hạ   | Lệ phí   | 1000000 | after      | cash     | paid          | 2024-05-10 08:00:00
000.23.58.H48-240506-0003 | 2.000930       | UBND xã Hòa Thủy | Phí      | 12500   | before     |          | pending       |
000.21.58.H48-240601-0005 | 1.004194       | UBND xã Sơn Hà   | Lệ phí   | 0       | exempt     |          | unpaid        |
000.21.58.H48-240601-0005 | 1.004194       | UBND xã Sơn Hà   | Phí      | 50000   | before     | transfer | refunded      | 2024-06-02 09:00:00
""")

DIGITIZATION = _read_table("""
case_code                 | unit                           | digitized_input_code | is_result_digitized | is_e_result
000.21.58.H48-240502-0001 | UBND xã Sơn Hà                 | 1                    | có                  | có
000.22.58.H48-240503-0002 | UBND xã Sơn Hạ                 | 0                    | không               | không
000.23.58.H48-240506-0003 | UBND xã Hòa Thủy               | 2                    | có                  | không
000.02.58.H48-240507-0004 | Phòng Tư pháp huyện Thử Nghiệm | 3                    |                     |
""")

PROCEDURES = _read_table("""
procedure_code | procedure_name                        | field_vi       | service_level | fee_amount | has_result | duration_days | scope
1.000010       | Đăng ký khai sinh                     | Hộ tịch        | full          | 8000       | có         | 1             | Cấp xã
1.001193       | Đăng ký kết hôn                       | Hộ tịch        | partial       | 0          | có         | 3             | Cấp xã
2.000930       | Chứng thực bản sao từ bản chính       | Chứng thực     | info          | 2000       | có         |               | Cấp xã
1.004194       | Đăng ký tạm trú                       | Đăng ký cư trú | partial       | 10000      | không      | 3             | Cấp xã
1.012784       | Cấp giấy chứng nhận quyền sử dụng đất | Đất đai        | partial       | 1000000    | có         | 30            | Cấp huyện
""")

SUMMARY06 = _read_table("""
unit                           | total | online | direct | carried | done | early | on_day | late | open | open_in | open_over
UBND xã Sơn Hà                 | 1205  | 1000   | 200    | 5       | 1200 | 1100  | 60     | 40   | 5    | 5       | 0
UBND xã Sơn Hạ                 | 37    | 20     | 10     | 7       | 30   | 30    | 0      | 0    | 7    | 6       | 1
UBND xã Hòa Thủy               | 0     | 0      | 0      | 0       | 0    | 0     | 0      | 0    | 0    | 0       | 0
Phòng Tư pháp huyện Thử Nghiệm | 12    | 4      | 8      | 0       | 11   | 11    | 0      | 0    | 1    | 1       | 0
""")
SUMMARY06_PERIOD = {"period_first": date(2024, 4, 1), "period_last": date(2024, 6, 30)}

RECEPTIONS = _read_table("""
unit                           | handled | on_time | late_received | overdue_open | overdue_carried
UBND xã Sơn Hà                 | 1205    | 1190    | 12            | 3            | 4
UBND xã Sơn Hạ                 | 37      | 30      | 0             | 7            | 9
UBND xã Hòa Thủy               | 0       | 0       | 0             | 0            | 0
Phòng Tư pháp huyện Thử Nghiệm | 12      | 11      | 1             | 1            | 1
""")

FEES = _read_table("""
unit                           | fee_procedures | fee_procedures_used | paid_procedures | online_paid_procedures | fee_cases | online_paid_cases
UBND xã Sơn Hà                 | 40             | 12                  | 11              | 9                      | 1034      | 1001
UBND xã Sơn Hạ                 | 40             | 7                   | 3               | 0                      | 20        | 0
UBND xã Hòa Thủy               | 40             | 0                   | 0               | 0                      | 0         | 0
""")

SCANS = _read_table("""
unit                           | received | input_none | input_digitized | input_reused | input_reused_portal | done | result_none | result_digitized
UBND xã Sơn Hà                 | 1205     | 5          | 1200            | 30           | 2                   | 1100 | 1           | 1099
UBND xã Sơn Hạ                 | 37       | 37         | 0               | 0            | 0                   | 30   | 30          | 0
""")

# Made-up people; every value here must be found nowhere outside the exports themselves.
PEOPLE = [
    {"person": "Đinh Quỳnh Zơrêm", "citizen_id": "051909990117", "phone": "0911000117", "address": "Xóm Bịa Đặt 17, thôn Hư Cấu", "email": "zorem17@vi-du.invalid"},
    {"person": "Hồ Thị Xalêng Mơr", "citizen_id": "051909990228", "phone": "0911.000.228", "address": "Số 28 ngõ Tưởng Tượng", "email": "xaleng28@vi-du.invalid"},
    {"person": "Phạm Krông Wơnđa", "citizen_id": "051909990339", "phone": "+84911000339", "address": "Tổ 39, phố Không Có Thật", "email": "wonda39@vi-du.invalid"},
    {"person": "Bùi Jrai Yũnhàm", "citizen_id": "051909990440", "phone": "0911 000 440", "address": "Nhà 40; hẻm Giả Định", "email": "yunham40@vi-du.invalid"},
]  # fmt: skip
CLERK = "Lò Phjắc Vỡnghê"
PERSONAL_VALUES = [value for person in PEOPLE for value in person.values()] + [CLERK]

# (canonical column, heading) from left to right, as the systems of the corpus write them.
COLUMNS: dict[str, list[tuple[str, str]]] = {
    "cases": [
        ("stt", "STT"), ("case_code", "Mã hồ sơ"), ("person", "Chủ hồ sơ"), ("citizen_id", "Số CCCD/CMND"), ("phone", "Số điện thoại"),
        ("address", "Địa chỉ"), ("procedure_code", "Mã TTHC"), ("procedure_name", "Tên thủ tục hành chính"), ("field_vi", "Lĩnh vực"),
        ("service_level", "Mức độ"), ("unit", "Đơn vị giải quyết"), ("channel", "Hình thức tiếp nhận"), ("submitted_at", "Ngày nộp hồ sơ"),
        ("received_at", "Ngày tiếp nhận"), ("due_at", "Ngày hẹn trả"), ("finished_at", "Ngày kết thúc xử lý"),
        ("returned_at", "Ngày trả kết quả"), ("status_code", "Trạng thái"), ("clerk", "Cán bộ xử lý"),
    ],
    "waiting": [
        ("stt", "TT"), ("case_code", "Số hồ sơ"), ("procedure_code", "Mã thủ tục"), ("procedure_name", "Thủ tục"), ("field_vi", "Lĩnh vực TTHC"),
        ("service_level", "Mức độ DVC"), ("unit", "Cơ quan thực hiện"), ("submitted_at", "Ngày nộp"), ("status_code", "Tình trạng"),
        ("person", "Họ tên"), ("phone", "SĐT"), ("email", "Email"),
    ],
    "payments": [
        ("stt", "STT"), ("case_code", "Mã số hồ sơ"), ("procedure_code", "Mã TTHC"), ("unit", "Đơn vị"), ("person", "Tên chủ hồ sơ"),
        ("fee_kind", "Loại phí"), ("amount", "Số tiền (đồng)"), ("collection", "Hình thức thu"), ("method", "Hình thức thanh toán"),
        ("payment_state", "Trạng thái thanh toán"), ("paid_at", "Thời điểm thanh toán"),
    ],
    "digitization": [
        ("stt", "STT"), ("case_code", "Mã hồ sơ"), ("unit", "Đơn vị giải quyết"), ("digitized_input_code", "Số hóa thành phần hồ sơ"),
        ("is_result_digitized", "Số hóa kết quả"), ("is_e_result", "Cấp kết quả điện tử"), ("citizen_id", "Số định danh"),
    ],
    "procedures": [
        ("stt", "STT"), ("procedure_code", "Mã TTHC"), ("procedure_name", "Tên thủ tục hành chính"), ("field_vi", "Lĩnh vực"),
        ("service_level", "Mức độ DVC"), ("fee_amount", "Phí, lệ phí (đồng)"), ("has_result", "Có kết quả giải quyết"),
        ("duration_days", "Thời hạn giải quyết (ngày làm việc)"), ("scope", "Cấp thực hiện"),
    ],
    "summary06": [("stt", "STT"), ("unit", "Đơn vị")] + [(name, name) for name in _COUNTS],
    **{kind: [("stt", "STT"), ("unit", "Đơn vị"), *headings.items()] for kind, headings in AGGREGATED.items()},
}  # fmt: skip
TRUTH = {
    "cases": CASES,
    "waiting": WAITING,
    "payments": PAYMENTS,
    "digitization": DIGITIZATION,
    "procedures": PROCEDURES,
    "summary06": SUMMARY06,
    "receptions_summary": RECEPTIONS,
    "payments_summary": FEES,
    "digitization_summary": SCANS,
}
_PERSONAL = ("person", "citizen_id", "phone", "address", "email")

WORDS: dict[str, dict[object, Value]] = {
    "service_level": {"full": "Toàn trình", "partial": "Một phần", "info": "Cung cấp thông tin trực tuyến"},
    "channel": {"online": "Trực tuyến", "counter": "Trực tiếp", "postal": "Qua bưu chính công ích"},
    "status_code": {
        1: "Mới đăng ký", 2: "Được tiếp nhận", 3: "Không được tiếp nhận", 4: "Đang xử lý", 5: "Yêu cầu bổ sung giấy tờ",
        6: "Yêu cầu thực hiện nghĩa vụ tài chính", 7: "Công dân yêu cầu rút hồ sơ", 8: "Dừng xử lý", 9: "Đã xử lý xong", 10: "Đã trả kết quả",
    },
    "digitized_input_code": {0: "Chưa số hóa", 1: "Được số hóa", 2: "Tái sử dụng", 3: "Tái sử dụng từ kết quả hồ sơ khác"},
    "is_result_digitized": {True: "Có", False: "Không"},
    "is_e_result": {True: "x", False: "0"},
    "has_result": {True: "Có", False: "Không"},
    "collection": {"before": "Thu trước", "after": "Thu sau", "exempt": "Đối tượng miễn phí", "no_fee": "Không thu phí"},
    "method": {"online": "Trực tuyến", "cash": "Tiền mặt", "transfer": "Chuyển khoản"},
    "payment_state": {
        "paid": "Đã thanh toán", "pending": "Chờ thanh toán", "unpaid": "Chưa thanh toán", "refunded": "Hoàn phí", "cancelled": "Hủy thanh toán",
    },
    "fee_amount": {0: "Không"},
}  # fmt: skip


def make_page(
    kind: str,
    *,
    name: str = "Sheet1",
    rename: Mapping[str, str] | None = None,
    leave_out: Sequence[str] = (),
    spell: Mapping[str, Callable[[object], Value]] | None = None,
    edits: Edits | None = None,
    rows: int | None = None,
) -> Page:
    """One sheet of a kind with its headings in the first row and its truth.

    Args:
        kind: export kind.
        name: the sheet's name.
        rename: column -> heading to write instead of the usual one.
        leave_out: columns the sheet does not have.
        spell: column -> how its true value is written, where not as a word, a number or a date cell.
        edits: cells that hold something else.
        rows: only so many data rows.
    """
    columns = [(column, (rename or {}).get(column, heading)) for column, heading in COLUMNS[kind] if column not in leave_out]
    made = [Row(tuple(Cell(heading) for _, heading in columns))]
    for number, fact in enumerate(TRUTH[kind][:rows]):
        truth = {column: value for column, value in fact.items() if column not in leave_out}
        if kind == "cases" and "channel" in leave_out:
            truth["channel"] = "counter"
        if kind == "waiting":
            truth["channel"] = "online"
        if kind == "summary06" or kind in AGGREGATED:
            truth |= SUMMARY06_PERIOD
        troubles = set()
        cells = []
        for column, heading in columns:
            if edits and (number, column) in edits:
                value, truth[column], reason = edits[number, column]
                if reason:
                    troubles.add((reason, heading))
            else:
                value = _written(column, number, fact, (spell or {}).get(column))
            cells.append(Cell(value))
        made.append(Row(tuple(cells), truth, frozenset(troubles)))
    return Page(name, kind, tuple(made))


def _written(column: str, number: int, fact: Mapping[str, object], spell: Callable[[object], Value] | None) -> Value:
    if column == "stt":
        return number + 1
    if column in _PERSONAL:
        return PEOPLE[number % len(PEOPLE)][column]
    if column == "clerk":
        return CLERK
    value = fact[column]
    if value is None:
        return None
    if spell:
        return spell(value)
    if column in WORDS and value in WORDS[column]:
        return WORDS[column][value]
    assert isinstance(value, str | int | float | bool | datetime)
    return value


def make_book(kind: str = "cases", **options: object) -> Book:
    """A book of one plain sheet (see `make_page`)."""
    return Book((make_page(kind, **options),))  # type: ignore[arg-type]


def column_position(kind: str, column: str, leave_out: Sequence[str] = ()) -> int:
    """Where a column stands in a plain sheet, from 0."""
    return [name for name, _ in COLUMNS[kind] if name not in leave_out].index(column)
