"""Headings and words that provincial systems use for one and the same thing: data, no code."""

# Column -> headings, any of which a file may carry.
CASE_HEADINGS = {
    "code": ("Mã hồ sơ", "Mã số hồ sơ", "Số hồ sơ", "Số biên nhận"),
    "procedure_code": ("Mã TTHC", "Mã thủ tục", "Ký hiệu thủ tục", "Mã thủ tục hành chính"),
    "procedure_name": ("Tên thủ tục hành chính", "Tên TTHC", "Tên thủ tục", "Thủ tục"),
    "field": ("Lĩnh vực", "Lĩnh vực TTHC"),
    "level": ("Mức độ", "Mức độ DVC", "Mức độ dịch vụ công"),
    "unit": ("Đơn vị giải quyết", "Cơ quan thực hiện", "Đơn vị", "Cơ quan giải quyết"),
    "channel": ("Hình thức tiếp nhận", "Kênh thực hiện", "Loại tiếp nhận", "Hình thức nộp"),
    "owner": ("Chủ hồ sơ", "Tên chủ hồ sơ", "Họ tên chủ hồ sơ", "Họ tên"),
    "identity": ("Số giấy tờ", "Số CCCD/CMND", "Số định danh"),
    "phone": ("Số điện thoại", "SĐT", "Điện thoại"),
    "address": ("Địa chỉ", "Địa chỉ chủ hồ sơ"),
    "email": ("Email",),
    "birthday": ("Ngày sinh",),
    "submitted": ("Ngày nộp hồ sơ", "Ngày nộp", "Thời điểm nộp"),
    "received": ("Ngày tiếp nhận", "Ngày nhận", "Thời điểm tiếp nhận", "Ngày nhận hồ sơ", "Tiếp nhận ngày"),
    "due": ("Ngày hẹn trả", "Hẹn trả kết quả", "Hạn trả kết quả", "Hẹn trả ngày", "Hạn xử lý"),
    "finished": ("Ngày kết thúc xử lý", "Ngày hoàn thành", "Ngày có kết quả"),
    "returned": ("Ngày trả kết quả", "Ngày trả", "Ngày nhận kết quả"),
    "status": ("Trạng thái", "Tình trạng", "Trạng thái hồ sơ"),
    "officer": ("Cán bộ xử lý", "Người thụ lý", "Cán bộ thụ lý"),
    "note": ("Ghi chú", "Nội dung hồ sơ"),
    "supplements": ("Số lần yêu cầu bổ sung", "Số lần bổ sung"),
    "unheard": ("Mã bưu gửi",),
}
DATE_COLUMNS = ("submitted", "received", "due", "finished", "returned")
DATE_GROUP = "Ngày, tháng, năm"
GROUPED_HEADINGS = {
    "submitted": ("Nộp hồ sơ",),
    "received": ("Tiếp nhận", "Nhận hồ sơ"),
    "due": ("Hẹn trả kết quả",),
    "finished": ("Kết thúc xử lý",),
    "returned": ("Trả kết quả",),
}
PAYMENT_HEADINGS = {
    "kind": ("Loại", "Loại phí"),
    "amount": ("Số tiền (đồng)", "Số tiền"),
    "collection": ("Hình thức thu", "Hình thức thu phí"),
    "method": ("Hình thức thanh toán", "Phương thức thanh toán"),
    "state": ("Trạng thái thanh toán", "Tình trạng thanh toán"),
    "paid": ("Thời điểm thanh toán", "Ngày thanh toán"),
}
DIGITIZATION_HEADINGS = {
    "components": ("Số hóa thành phần hồ sơ", "Tình trạng số hóa TPHS"),
    "result": ("Số hóa kết quả", "Số hóa kết quả giải quyết"),
    "e_result": ("Cấp kết quả điện tử", "Kết quả điện tử"),
}
UNKNOWN_CODE_HEADING = "Mã vụ việc"
"""Nobody's word for a dossier code: a file with it must be refused."""

UNKNOWN_LEVEL = "Mức độ 9"
"""Nobody's level: no harm where the catalogue knows the procedure, a reason to refuse the row where it does not."""

LEVELS = {
    "full": ("Toàn trình", "DVCTT toàn trình", "Dịch vụ công trực tuyến toàn trình", "Mức độ 4"),
    "partial": ("Một phần", "DVCTT một phần", "Mức độ 3"),
    "info": ("Cung cấp thông tin trực tuyến", "DVC cung cấp thông tin", "Mức độ 2"),
}
# By channel number: online, counter, postal.
CHANNELS = (
    ("Trực tuyến", "Nộp trực tuyến"),
    ("Trực tiếp", ""),
    ("Qua bưu chính công ích", "Bưu chính công ích", "BCCI", "Dịch vụ bưu chính"),
)
STATUSES = (
    "",
    "Mới đăng ký",
    "Được tiếp nhận",
    "Không được tiếp nhận",
    "Đang xử lý",
    "Yêu cầu bổ sung giấy tờ",
    "Yêu cầu thực hiện nghĩa vụ tài chính",
    "Công dân yêu cầu rút hồ sơ",
    "Dừng xử lý",
    "Đã xử lý xong",
    "Đã trả kết quả",
)
COMPONENTS = ("Chưa số hóa", "Được số hóa", "Tái sử dụng", "Tái sử dụng từ kết quả hồ sơ khác")
YES = ("Có", "x", "v", "1", "true")
NO = ("Không", "0", "false")

PROVINCE_TITLE = "UBND TỈNH QUẢNG NGÃI"
SYSTEM_TITLE = "HỆ THỐNG THÔNG TIN GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH"
TITLES = {
    "cases": "DANH SÁCH HỒ SƠ THỦ TỤC HÀNH CHÍNH",
    "waiting": "HỒ SƠ CHỜ TIẾP NHẬN",
    "payments": "BÁO CÁO CHI TIẾT THANH TOÁN PHÍ, LỆ PHÍ",
    "digitization": "BÁO CÁO SỐ HÓA HỒ SƠ",
}
SIGNATURES = ("NGƯỜI LẬP BIỂU", "TM. ỦY BAN NHÂN DÂN", "(Ký, ghi rõ họ tên)")
GUIDE = ("Mã hồ sơ: mã do hệ thống cấp khi nộp", "Liên hệ tổng đài để được hỗ trợ")
ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI", "XVII", "XVIII", "XIX", "XX"]

# Rows that must be refused: the reason, and the cells that differ from a good row.
BAD_CASES: tuple[tuple[str, dict[str, str]], ...] = (
    ("missing_case_code", {"code": ""}),
    ("unknown_unit", {"unit": "UBND xã Không Có Thật"}),
    ("unknown_unit", {"unit": "Trạm Y tế Vô Danh", "due": "chưa rõ"}),
    ("bad_date", {"submitted": "31/02/{year} 08:00"}),
    ("bad_date", {"due": "chưa có"}),
    ("bad_date", {"received": "15/01/{year} 24:00"}),
    ("bad_date", {"finished": "30/02/{year}", "status": "Không rõ", "channel": "Thư tay"}),
    ("unknown_status", {"status": "Đang bay"}),
    ("unknown_status", {"status": "Không rõ", "channel": "Thư tay"}),
    ("unknown_channel", {"channel": "Máy fax"}),
    ("unknown_level", {"procedure_code": "9.999999", "level": UNKNOWN_LEVEL}),
)
BAD_WAITING: tuple[tuple[str, dict[str, str]], ...] = (
    ("missing_case_code", {"code": ""}),
    ("unknown_unit", {"unit": "UBND xã Không Có Thật"}),
    ("bad_date", {"submitted": "chưa có"}),
)
BAD_PAYMENTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("missing_case_code", {"code": ""}),
    ("unknown_unit", {"unit": "UBND xã Không Có Thật"}),
    ("bad_date", {"paid": "31/02/{year} 08:00"}),
    ("bad_number", {"amount": "mười nghìn"}),
    ("unknown_word", {"state": "Treo"}),
)
BAD_DIGITIZATION: tuple[tuple[str, dict[str, str]], ...] = (
    ("missing_case_code", {"code": ""}),
    ("unknown_unit", {"unit": "UBND xã Không Có Thật"}),
    ("unknown_word", {"components": "Hỏng"}),
    ("unknown_word", {"e_result": "Có lẽ"}),
)
