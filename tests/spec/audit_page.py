"""`make docs`: docs/audit.md from transforms/audit.yml, in Vietnamese.

PYTHONPATH=tests python -m spec.audit_page
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "audit.md"
_SEVERITIES = {"ask": "đề nghị đơn vị giải trình", "look": "văn phòng xem trước"}
_HEAD = """# Điều cần hỏi (`mart.audit`)

Trang này do `make docs` viết từ `transforms/audit.yml`; đừng sửa tay.

Mọi tệp xuất đều được giữ ở dạng đã đọc, nên tthc biết mỗi hồ sơ từng được ghi thế nào (`core.case_history`). Từ đó nó nêu những chỗ đáng hỏi: hạn trả lùi sau khi đã
qua, ngày kết thúc ghi lùi, hồ sơ biến mất, nhiều hồ sơ kết thúc trong vài phút. **Mỗi phát hiện là một câu hỏi, không phải kết luận**: cùng một dấu vết có thể do nhập
bù, gõ nhầm, mất mạng. Chỉ nêu mã hồ sơ và đơn vị; không có tên cán bộ hay người dân nào.

- `mart.audit`: mỗi phát hiện một dòng, gồm câu hỏi, trạng thái trước và sau, tệp, trang, dòng của cả hai, và ảnh hưởng đến tỷ lệ năm nay của đơn vị.
- `mart.audit_cases`: hồ sơ của từng phát hiện. `mart.audit_units`: mỗi đơn vị và quy tắc một dòng, với tử số, mẫu số, tỷ lệ như công bố và nếu không tính các hồ sơ ấy.
- Mức: `ask` đề nghị đơn vị giải trình; `look` văn phòng xem trước rồi mới hỏi.
- Trả lời được rồi mà câu hỏi vẫn còn: nó nói về điều đã xảy ra nên không tự mất. Hồ sơ bỏ đi bằng `corrections.yml` thì không hỏi nữa.

```sql
-- Đơn vị nào đáng hỏi nhất, và tỷ lệ đổi bao nhiêu
SELECT unit_name, label_vi, findings, cases, effect_vi FROM mart.audit_units WHERE severity = 'ask' ORDER BY rate - rate_without DESC NULLS LAST;
-- Câu hỏi của một đơn vị, kèm bằng chứng
SELECT question_vi, b.file_name, a.before_sheet, a.before_row_number, f.file_name, a.sheet, a.row_number
FROM mart.audit AS a
LEFT JOIN ops.files AS b ON b.file_id = a.before_file_id
LEFT JOIN ops.files AS f ON f.file_id = a.file_id
WHERE a.unit_code = '000.22.58.H48' ORDER BY a.found_at;
-- Mọi trạng thái từng thấy của một hồ sơ
SELECT * FROM core.case_history WHERE case_code = '000.22.58.H48-240215-0007' ORDER BY state_number;
```

Điều không thấy được: việc xảy ra giữa hai lần xuất rồi trở lại như cũ; sửa trước lần xuất đầu tiên; chuyển sang “yêu cầu bổ sung” khi còn trong hạn để kéo dài hạn. Xuất
hằng đêm thì thấy nhiều hơn xuất hằng tháng. Danh sách từng tháng, danh sách chỉ gồm hồ sơ đang xử lý, mới thay đổi hay của một số thủ tục không làm hồ sơ nào thành “biến mất”.

Các phép thống kê (`limit_exact`, `burst`, `month_end`) so với nếp của chính đơn vị và dùng cận trên Chernoff của xác suất nhị thức hoặc Poisson: xác suất thật còn nhỏ
hơn con số nêu. Nhiều hồ sơ kết thúc trong vài phút được so với số trung bình của đơn vị trong những khoảng có hồ sơ kết thúc; giờ cuối tháng so với giờ cuối của các ngày khác;
phút cuối trước mốc 8 giờ so với giờ trước mốc, chỉ kể hồ sơ tiếp nhận trong giờ làm việc. Giờ làm việc cuối tháng theo lịch chung. Mỗi năm
được xét riêng, theo nếp của chính năm ấy: sang năm mới, điều đã hỏi của năm cũ vẫn còn, và tháng 12 chỉ được xét khi đã hết.

`make audit-bench` mô phỏng một huyện 60 đêm, cài sẵn những sửa đổi đáng hỏi giữa những sửa đổi ngay tình, rồi đo tìm được bao nhiêu (recall) và đúng bao nhiêu (precision).
Lần đo 30/11/2026 (60 đêm, 3.000 hồ sơ): cài 47 sửa đổi thuộc 14 quy tắc, hỏi đúng cả 47, không hỏi thừa điều nào; recall và precision của từng quy tắc là 1,000.

Văn phòng thấy mọi điều cần hỏi trong thư (số điều, bao nhiêu điều ngày công bố trước chưa hỏi, những điều nặng nhất), sổ Excel (trang “Cần hỏi”), `can-hoi.csv` và mục Điều cần hỏi của trang xem số liệu, ở đó mã hồ sơ dẫn đến
lịch sử hồ sơ. Thư và mục của một đơn vị chỉ có điều ở mức `ask` của chính đơn vị ấy.
"""


def render_page() -> str:
    """The page as it should stand."""
    rules: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "transforms" / "audit.yml").read_text(encoding="utf-8"))
    parts = [_HEAD]
    for name, rule in rules.items():
        if name == "statuses":
            continue
        lines = [
            f"## `{name}` {rule['label_vi']}",
            "",
            f"{rule['why_vi']}",
            "",
            f"- Mức: `{rule['severity']}` ({_SEVERITIES[rule['severity']]}). Chỉ số: `{rule['measure']}`.",
            f"- Nguyên nhân ngay tình có thể có: {rule['honest_vi']}",
            "",
            "| Ngưỡng | Giá trị | Vì sao |",
            "|---|---|---|",
            *(
                f"| `{threshold}` | {str(body['value']).replace('.', ',')} | {body['why']} |"
                for threshold, body in rule["thresholds"].items()
            ),
            "",
        ]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def main() -> None:
    """Writes the page."""
    PAGE.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
