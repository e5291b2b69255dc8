"""`make docs`: docs/measures.md from measures.yml and the spec cases, in Vietnamese and English.

PYTHONPATH=tests python -m spec.write_docs
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from spec.cases import AS_OF, CALENDAR, CATALOGUE, DEFAULT_HOURS, DEFAULTS, REFORMS, SPECS, Reform, Spec
from spec.tables import table_rows

from expectations import load_contracts
from transforms.measures import Measure, load_measures

PAGE = Path(__file__).parents[2] / "docs" / "measures.md"
_FAMILIES = {
    "plan": "Kế hoạch của huyện · the district's plan",
    "qd766": "Quyết định 766/QĐ-TTg · Decision 766/QĐ-TTg",
    "bieu06": "Biểu số 06 (Thông tư 01/2020/TT-VPCP) · form 06",
}
_PERIODS = {
    "received_at": "ngày tiếp nhận · day of reception (`received_at`)",
    "submitted_at": "ngày nộp · day of submission (`submitted_at`)",
    "ended_at": "ngày kết thúc · day of the end (`ended_at`)",
    "received_or_ended": "mọi kỳ mà hồ sơ được tiếp nhận hoặc kết thúc, mỗi kỳ một lần · every period in which the dossier was received or ended, once in each "
    "(`received_or_ended`)",
}
# label and difference, in English; measures.yml holds the Vietnamese
_ENGLISH = {
    "on_time": (
        "dossiers finished before or on the due date",
        "dossiers received in the period that are finished or already overdue; those still within their deadline wait. on_time_766 counts them as on time, "
        "on_time_resolved goes by the day of the end",
    ),
    "online_partial": ("online dossiers of procedures offered in part", "partial procedures only; online_submission_766 takes all"),
    "online_full": ("online dossiers of procedures offered in full", "full procedures only; online_submission_766 takes all"),
    "received_within_8h": (
        "online dossiers received within 8 working hours",
        "by the day of submission, in working hours; a dossier still waiting counts up to the moment of the figures",
    ),
    "payment_procedures": ("fee-bearing procedures with an online payment", "counts procedures; payment_cases counts dossiers"),
    "payment_cases": (
        "fee-bearing dossiers paid online",
        "dossiers that really bear a fee; payment_766 takes every dossier of a procedure with a fee",
    ),
    "digitized_input": (
        "dossiers with digitized or reused components",
        "components only, every dossier received; digitized looks at the result too",
    ),
    "digitized_result": ("dossiers with a digitized result", "results of finished dossiers only; digitized looks at components too"),
    "e_result": ("dossiers with an electronic result", "an electronic result issued, not a scan of the paper one (digitized_result)"),
    "digitized": (
        "digitized dossiers and results",
        "finished dossiers need components and result; digitized_766 takes every dossier received",
    ),
    "on_time_766": (
        "on time by the national portal",
        "every dossier received or ended in the period; open within its deadline, or without one, is on time; more than one supplement request is late",
    ),
    "on_time_resolved": (
        "on time by form 06",
        "by the day of the end, ended dossiers only, withdrawn and stopped ones too; no due date is on time; overdue open ones do not count",
    ),
    "online_submission_766": (
        "online submission by the national portal",
        "every dossier received, full and partial together, without the synchronisation ratio",
    ),
    "payment_766": (
        "online payment by the national portal",
        "every dossier of a procedure with a fee in the catalogue, less those whose every line is 0; payment_cases takes those that really bear a fee",
    ),
    "digitized_766": ("digitization by the national portal", "every dossier received; unfinished ones need their components only"),
}
_HEADINGS = {
    "unit": "đơn vị · unit", "channel": "hình thức · channel", "level": "mức độ · level", "submitted": "nộp · submitted",
    "received": "tiếp nhận · received", "due": "hẹn trả · due", "finished": "kết thúc · finished", "returned": "trả · returned",
    "status": "trạng thái · status", "procedure": "thủ tục · procedure", "supplements": "lần bổ sung · supplements", "amount": "số tiền · amount",
    "collection": "thu · collection", "method": "cách trả · method", "state": "thanh toán · state", "paid": "ngày trả phí · paid",
    "input": "thành phần · components", "result": "kết quả số hóa · result", "e_result": "kết quả điện tử · e-result",
}  # fmt: skip


def render_page() -> str:
    """The whole page."""
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield from _opening()
    for measure in load_measures(list(load_contracts()["core.cases"].columns)):
        yield from _measure(measure)
    yield "## Đơn vị qua thời gian · Units through time"
    yield ""
    yield "Cột “lúc đó” là `mart.unit_rates`, “hiện nay” là `mart.unit_rates_today`. · “Was” is `mart.unit_rates`, “today” is `mart.unit_rates_today`."
    yield ""
    for reform in REFORMS:
        yield from _reform(reform)


def _opening() -> Iterator[str]:
    yield "<!-- Made by `make docs` from transforms/measures.yml and tests/spec/cases.py; changes here are lost. -->"
    yield "# Các chỉ số · The measures"
    yield ""
    yield (
        "Mỗi chỉ số là một phân số: tử số đếm trong mẫu số, trên `core.cases`. Mỗi bảng dưới đây là một phép thử chạy thật (`make test`): vài hồ sơ, và phân số phải ra. "
        f"Cột không ghi lấy giá trị của một hồ sơ bình thường; ngày không ghi năm là năm 2024; số liệu chốt lúc {AS_OF:%H:%M ngày %d/%m/%Y}. "
        "Không có chữ trong ô nghĩa là trống. Kỳ gồm tháng, quý, năm và tính nửa mở: từ 00:00 ngày đầu đến trước 00:00 ngày sau ngày cuối."
    )
    yield ""
    yield (
        "Each measure is a fraction, its numerator counted inside its denominator, on `core.cases`. Every table below is a test that is run (`make test`): a few "
        f"dossiers, and the fraction they must give. Columns left out take an ordinary dossier's values; dates are of 2024; the figures are for {AS_OF:%Y-%m-%d %H:%M}. "
        "An empty cell is a blank. Periods are months, quarters and years, half-open: from 00:00 of the first day to before 00:00 of the day after the last."
    )
    yield ""
    ordinary = ", ".join(f"{_HEADINGS[name]} {value}" for name, value in DEFAULTS.items() if value and name != "collection")
    yield f"- Hồ sơ bình thường · an ordinary dossier: {ordinary}."
    hours = ", ".join(f"{opens}–{closes}" for opens, closes in DEFAULT_HOURS)
    days = ", ".join(line.replace(",", " ") for line in CALENDAR.strip().splitlines()[1:])
    yield f"- Giờ làm việc · working hours: {hours}; lịch · calendar: {days}."
    yield "- Trạng thái · status: 1 chờ tiếp nhận, 2 và 4 đang xử lý, 3 từ chối, 5 yêu cầu bổ sung, 6 yêu cầu thực hiện nghĩa vụ tài chính, 7 rút, 8 dừng, 9 xử lý xong, 10 đã trả kết quả."
    yield (
        "- Trong công thức · in the definitions: `{as_of}` thời điểm chốt · the moment of the figures; `{period_end}` ngày sau ngày cuối kỳ · the day after the "
        "period's last; `{cutoff}` ngày cuối kỳ, hoặc ngày chốt nếu kỳ chưa hết · the period's last day, or the day of the figures while it runs."
    )
    yield (
        "- Nhiều khoản của một hồ sơ cách nhau bằng dấu chấm phẩy · several lines of one dossier are parted by semicolons; "
        "`#` và mã đơn vị: ô đơn vị trống, đơn vị lấy từ mã hồ sơ · `#` and a unit code: a blank unit, known by the dossier code's prefix."
    )
    yield "- Danh mục · catalogue (thủ tục 1.… không có trong danh mục · 1.… are in none):"
    yield ""
    yield "| thủ tục · procedure | mức độ · level | phí · fee | có kết quả · has a result |"
    yield "|---|---|---|---|"
    for code, level, fee, has_result in CATALOGUE:
        yield f"| {code} | {level} | {'' if fee is None else fee} | {'có · yes' if has_result else 'không · no'} |"
    yield ""


def _measure(measure: Measure) -> Iterator[str]:
    label, differs = _ENGLISH[measure.name]
    yield f"## {measure.label_vi} · `{measure.name}`"
    yield ""
    yield f"{label[0].upper()}{label[1:]}."
    yield ""
    yield f"- Tiêu chí · criterion: {measure.criterion}"
    yield f"- Căn cứ · legal basis: {measure.legal_basis}"
    yield f"- Nhóm · family: {_FAMILIES[measure.family]}"
    yield f"- Khác các chỉ số gần nó: {measure.differs_vi}"
    yield f"- How it differs from its sisters: {differs}."
    yield f"- Kỳ · period: {_PERIODS[measure.period]}"
    if measure.distinct:
        yield f"- Đếm · counts: giá trị khác nhau của · distinct values of `{measure.distinct}`, đếm lại ở mỗi kỳ và nhóm · counted again in every period and group"
    yield "- Mẫu số 0 · denominator 0: không có tỷ lệ, không phải 0 hay 100 % · no rate, neither 0 nor 100 %"
    yield f"- Làm tròn · rounding: {measure.decimals} chữ số thập phân của phần trăm, nửa thì lên · decimals of the percentage, half up"
    yield ""
    yield "```sql"
    yield f"-- mẫu số · denominator\n{measure.denominator}\n-- tử số · numerator\n{measure.numerator}"
    yield "```"
    yield ""
    for table, specs in groupby((s for s in SPECS if s.measure == measure.name), key=lambda s: s.table):
        yield from _cases(table, list(specs))


def _cases(table: str, specs: list[Spec]) -> Iterator[str]:
    """Cases that follow each other on one table show it once."""
    for spec in specs:
        sentence = spec.shows_vi[0].upper() + spec.shows_vi[1:]
        yield f"**{sentence}** · {spec.shows_en}"
        yield ""
        if spec is specs[0]:
            yield from _table(table)
        yield f"→ {_period(spec.period)}: **{_fraction(spec.expected)}**"
        yield ""


def _reform(reform: Reform) -> Iterator[str]:
    yield f"**`{reform.measure}`: {reform.shows_vi}** · {reform.shows_en}"
    yield ""
    yield "| mã · code | tên · name | từ · from | đến · to | kế thừa · successor |"
    yield "|---|---|---|---|---|"
    for line in reform.units.strip().splitlines():
        code, name, _, first, last, successor = line.split(",")
        yield f"| {code} | {name} | {first} | {last} | {successor} |"
    yield ""
    yield from _table(reform.table)
    yield "| mã, từ · code, from | lúc đó · was | hiện nay · today |"
    yield "|---|---|---|"
    for unit in {**reform.was, **reform.today}:
        shown = [_fraction(view[unit]) if unit in view else "0/0" for view in (reform.was, reform.today)]
        yield f"| {unit[0]}, {unit[1]} | {shown[0]} | {shown[1]} |"
    yield ""


def _table(table: str) -> Iterator[str]:
    rows = table_rows(table)
    yield "| " + " | ".join(_HEADINGS[name] for name in rows[0]) + " |"
    yield "|" + "---|" * len(rows[0])
    for row in rows:
        yield "| " + " | ".join(row.values()) + " |"
    yield ""


def _fraction(counts: tuple[int, int]) -> str:
    return f"{counts[0]}/{counts[1]}" + ("" if counts[1] else " (không có tỷ lệ · no rate)")


def _period(text: str) -> str:
    year, _, part = text.partition("-")
    if not part:
        return f"năm {year}"
    return f"quý {part[1:]}/{year}" if part.startswith("Q") else f"tháng {part}/{year}"


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
    print(f"docs/{PAGE.name}: {len(SPECS)} cases")
