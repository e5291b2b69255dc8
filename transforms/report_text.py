"""The report of a month, quarter, half-year or year in the words of an office, written from its numbers. Pure: numbers in, blocks out.

A block is a heading, a paragraph, a table or the place of a picture; flows/document.py sets them as Word, flows/period_report.py as a page.
Every rate stands beside its numerator and denominator.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from transforms.period_result import MeasureResult, PeriodResult, UnitResult
from transforms.wording import (
    STATUS_VI,
    count_vi,
    counted_vi,
    day_vi,
    hours_vi,
    listed_vi,
    moment_vi,
    percent_vi,
    period_vi,
    points_vi,
    target_vi,
)

SHOWN_UNITS, SHOWN_PROCEDURES = 8, 3
_MISS_VI = {
    "finished_late": "{} giải quyết xong sau hạn",
    "open_overdue": "{} đã quá hạn chưa giải quyết xong",
    "waiting": "{} đến nay vẫn chờ tiếp nhận quá 8 giờ làm việc",
    "received_late": "{} được tiếp nhận sau 8 giờ làm việc",
    "never_received": "{} đã kết thúc mà không ghi tiếp nhận",
    "input": "{} chưa số hóa thành phần hồ sơ",
    "result": "{} đã số hóa thành phần nhưng chưa số hóa kết quả",
}
_MISSED_VI = {
    "online_partial": "{} của dịch vụ công một phần không nộp trực tuyến",
    "online_full": "{} của dịch vụ công toàn trình không nộp trực tuyến",
    "payment_cases": "{} có phí, lệ phí chưa thanh toán trực tuyến",
    "payment_procedures": "{} có phí, lệ phí chưa phát sinh thanh toán trực tuyến",
}
_DEED_VI = {
    "on_time": "rà soát, giải quyết dứt điểm hồ sơ quá hạn; thực hiện xin lỗi và hẹn lại theo quy định; giải quyết hồ sơ mới đúng hạn",
    "received_within_8h": "phân công người trực tiếp nhận hồ sơ trực tuyến trong giờ làm việc, không để hồ sơ chờ quá 8 giờ",
    "online_partial": "tuyên truyền, hướng dẫn người dân nộp hồ sơ trực tuyến tại nơi tiếp nhận",
    "online_full": "tuyên truyền, hướng dẫn người dân nộp hồ sơ trực tuyến tại nơi tiếp nhận",
    "payment_cases": "hướng dẫn người nộp thanh toán phí, lệ phí trực tuyến ngay khi nộp hồ sơ",
    "payment_procedures": "rà soát các thủ tục có phí, lệ phí và bảo đảm thủ tục nào cũng thanh toán được trực tuyến",
    "digitized": "số hóa thành phần hồ sơ ngay khi tiếp nhận và kết quả trước khi trả",
}


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is I., 2 is 1."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Picture:
    """Where a chart goes: its name and what it shows."""

    name: str
    title: str


@dataclass(frozen=True)
class Table:
    """A table: cells are text as shown; columns whose heading is in `numeric` stand right."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    numeric: tuple[str, ...] = ()
    widths: tuple[float, ...] = ()


Block = Heading | Paragraph | Picture | Table


# Points (điểm) of an administrative text go by the Vietnamese alphabet.
_POINTS = "abcdđeghiklmnopqrstuvxy"


def title_vi(result: PeriodResult) -> str:
    """What the report is about (trích yếu)."""
    so_far = "" if result.is_over else f" (tính đến {day_vi(result.as_of.date())})"
    return f"Kết quả giải quyết thủ tục hành chính của {result.subject_of} {result.period}{so_far}"


def write_text(result: PeriodResult) -> list[Block]:
    """The body of the report."""
    blocks: list[Block] = [Paragraph(_opening(result)), Heading(1, "I. KẾT QUẢ THỰC HIỆN")]
    blocks += [Heading(2, "1. Kết quả chung"), *_overall(result)]
    blocks.append(Heading(2, "2. Kết quả theo từng tiêu chí"))
    judged = [measure for measure in result.measures if measure.units]
    for letter, measure in zip(_POINTS, judged, strict=False):
        blocks += _criterion(letter, measure, result)
    if not judged:
        blocks.append(Paragraph("Trong kỳ không có tiêu chí nào được giao chỉ tiêu cho đơn vị."))
    blocks += [Heading(2, "3. Đơn vị thực hiện tốt"), Paragraph(_well(judged))]
    blocks += [Heading(2, "4. Tiếp nhận hồ sơ trực tuyến"), Paragraph(_waiting(result))]
    blocks += [Heading(2, "5. Độ mới và chất lượng số liệu"), *(Paragraph(text) for text in _trust(result))]
    blocks += [Heading(1, "II. TỒN TẠI, HẠN CHẾ VÀ NGUYÊN NHÂN"), *(Paragraph(text) for text in _shortcomings(judged, result))]
    blocks += [Heading(1, "III. ĐỀ XUẤT, KIẾN NGHỊ"), *(Paragraph(text) for text in _proposals(judged, result))]
    return [*blocks, Paragraph(f"Trên đây là báo cáo {title_vi(result)[0].lower()}{title_vi(result)[1:]}./.")]


def _rate(counts: tuple[int, int], noun: str, target: float | None = None) -> str:
    """97,5 % (39/40 hồ sơ); "không phát sinh" without denominator."""
    if not counts[1]:
        return f"không phát sinh {noun} nào"
    return f"{percent_vi(*counts, target)} ({count_vi(counts[0])}/{count_vi(counts[1])} {noun})"


def _opening(result: PeriodResult) -> str:
    last = result.end - timedelta(days=1)
    span = (
        f"từ {day_vi(result.start)} đến {day_vi(last)}"
        if result.is_over
        else f"từ {day_vi(result.start)} tính đến {day_vi(result.as_of.date())}"
    )
    return (
        f"Căn cứ số liệu của hệ thống thông tin giải quyết thủ tục hành chính, chốt lúc {moment_vi(result.as_of)}, kết quả giải quyết thủ tục "
        f"hành chính của {result.subject_of} {result.period} ({span}) như sau:"
    )


def _overall(result: PeriodResult) -> list[Block]:
    c = result.bieu06
    if c["total"]:
        opened = f"{_capital(f'{result.since_counted} đang'.strip())} giải quyết {counted_vi(c['open'], 'hồ sơ')}, trong đó {counted_vi(c['open_over'], 'hồ sơ')} quá hạn"
        text = (
            f"Số hồ sơ nhận giải quyết là {count_vi(c['total'])} hồ sơ: tiếp nhận mới {count_vi(c['online'] + c['direct'])} hồ sơ (trực tuyến "
            f"{count_vi(c['online'])}; trực tiếp, dịch vụ bưu chính {count_vi(c['direct'])}), {counted_vi(c['carried'], 'hồ sơ')} từ kỳ trước chuyển sang. "
            f"Đã giải quyết {count_vi(c['done'])} hồ sơ: trước hạn {count_vi(c['early'])}, đúng hạn {count_vi(c['on_day'])}, quá hạn {count_vi(c['late'])}. "
            f"{opened if c['open'] else 'Không còn hồ sơ nào đang giải quyết'} (đếm theo Biểu số 06, phụ lục kèm theo)."
        )
    else:
        text = "Trong kỳ không có hồ sơ nào phải giải quyết."
    before = period_vi(result.kind, result.previous_start) if result.previous_start else "Kỳ trước"
    rows: list[tuple[str, ...]] = []
    for m in result.measures:
        previous = percent_vi(*m.previous) if m.previous else ""
        change = points_vi(m.total, m.previous).removesuffix(" điểm phần trăm") if m.previous else ""
        rows.append(
            (
                m.criterion,
                m.label_vi,
                count_vi(m.total[0]),
                count_vi(m.total[1]),
                percent_vi(*m.total) or "–",
                previous or "–",
                change or "–",
            )
        )
    headings = ("Tiêu chí", "Chỉ số", "Đạt", "Tổng số", "Tỷ lệ", before, "So với kỳ trước (điểm %)")
    table = Table("Kết quả chung theo các chỉ số của kế hoạch", headings, rows, headings[2:6], (2.0, 5.2, 1.5, 1.7, 1.9, 2.0, 2.3))
    return [Paragraph(text), table, Picture("overall", "Kết quả chung theo các chỉ số của kế hoạch")]


def _criterion(letter: str, m: MeasureResult, result: PeriodResult) -> list[Block]:
    met, missed, silent = (m.with_status(status) for status in ("met", "missed", "no_data"))
    change = points_vi(m.total, m.previous) if m.previous else ""
    if m.total[1]:
        text = f"Kết quả chung {_rate(m.total, m.noun)}"
        if change and m.previous and result.previous_start:
            text += f", {change} so với {_lower(period_vi(result.kind, result.previous_start))} ({_rate(m.previous, m.noun)})"
        text += ". "
    else:
        text = f"Trong kỳ không phát sinh {m.noun} nào. "
    text += _capital(f"{counted_vi(len(m.units), 'đơn vị')} có chỉ tiêu: ")
    if met or missed:
        old = sum(unit.is_stale for unit in met)
        unsure = f" ({counted_vi(old, 'đơn vị')} theo số liệu cũ, chưa kết luận được)" if old else ""
        text += f"{counted_vi(len(met), 'đơn vị')} đạt{unsure}, {counted_vi(len(missed), 'đơn vị')} không đạt"
        text += f", {counted_vi(len(silent), 'đơn vị')} không phát sinh. " if silent else ". "
    else:
        text += "đều không phát sinh. "
    if missed:
        names = [
            f"{u.unit_name}: {percent_vi(u.numerator, u.denominator, u.target)} ({count_vi(u.numerator)}/{count_vi(u.denominator)})"
            for u in missed
        ]
        text += f"Không đạt: {listed_vi(names, SHOWN_UNITS)}."
    elif met and not any(unit.is_stale for unit in (*met, *silent)):
        text += "Mọi đơn vị có phát sinh đều đạt chỉ tiêu."
    rows = [_unit_row(number, unit) for number, unit in enumerate(m.units, 1)]
    headings = ("TT", "Đơn vị", "Đạt", "Tổng số", "Tỷ lệ", "Chỉ tiêu", "Kết quả", "Còn thiếu", "Kỳ trước")
    numeric = ("Đạt", "Tổng số", "Tỷ lệ", "Chỉ tiêu", "Còn thiếu", "Kỳ trước")
    title = f"{m.label_vi} theo đơn vị"
    blocks: list[Block] = [Heading(3, f"{letter}) {m.label_vi} (tiêu chí {m.criterion})"), Paragraph(text.strip())]
    if m.name == "on_time":
        blocks.append(Picture("on_time", "Tỷ lệ giải quyết trước hạn, đúng hạn theo đơn vị, so với chỉ tiêu"))
    return [*blocks, Table(title, headings, rows, numeric, (0.9, 4.4, 1.2, 1.4, 1.7, 1.6, 2.1, 1.4, 1.7))]


def result_vi(unit: UnitResult) -> str:
    """Đạt, Không đạt (số liệu cũ)."""
    return STATUS_VI[unit.status] + (" (số liệu cũ)" if unit.is_stale else "")


def _unit_row(number: int, unit: UnitResult) -> tuple[str, ...]:
    target = target_vi(unit.target)
    previous = percent_vi(*unit.previous) if unit.previous else ""
    rate = percent_vi(unit.numerator, unit.denominator, unit.target) or "–"
    status = result_vi(unit)
    short = count_vi(unit.shortfall) if unit.shortfall else ""
    return (str(number), unit.unit_name, count_vi(unit.numerator), count_vi(unit.denominator), rate, target, status, short, previous or "–")


_NO_TARGETS = "Trong kỳ không có chỉ tiêu nào được giao nên không xét đơn vị đạt, không đạt."


def _well(measures: Sequence[MeasureResult]) -> str:
    if not measures:
        return _NO_TARGETS
    states: dict[str, list[str]] = {}
    old = {unit.unit_name for measure in measures for unit in measure.units if unit.is_stale}
    for measure in measures:
        for unit in measure.units:
            states.setdefault(unit.unit_name, []).append(unit.status)
    reached = {name: found.count("met") for name, found in states.items() if "missed" not in found and "met" in found}
    good = {name: count for name, count in reached.items() if name not in old}
    unsure = sorted(old & reached.keys())
    more = f" Chưa kết luận được về {listed_vi(unsure, SHOWN_UNITS)} vì số liệu đã cũ." if unsure else ""
    if not good:
        return f"Trong kỳ không có đơn vị nào đạt mọi chỉ tiêu có phát sinh.{more}"
    names = [f"{name} ({count} chỉ tiêu)" for name, count in sorted(good.items(), key=lambda item: (-item[1], item[0]))]
    return f"{_capital(counted_vi(len(good), 'đơn vị'))} đạt mọi chỉ tiêu có phát sinh: {listed_vi(names, 20)}.{more}"


def _waiting(result: PeriodResult) -> str:
    late, waiting = (sum(counts[n] for counts in result.waits.values()) for n in (0, 1))
    if not late:
        return "Trong số hồ sơ nộp trực tuyến trong kỳ, không có hồ sơ nào chờ tiếp nhận quá 8 giờ làm việc."
    worst = sorted(result.waits.items(), key=lambda item: (-item[1][0], item[0]))
    names = [f"{name} ({counted_vi(counts[0], 'hồ sơ')})" for name, counts in worst if counts[0]]
    text = f"Trong số hồ sơ nộp trực tuyến trong kỳ, {counted_vi(late, 'hồ sơ')} chờ tiếp nhận quá 8 giờ làm việc; lâu nhất {hours_vi(result.longest_wait)}. "
    now = (
        f"đến {moment_vi(result.as_of)} còn {counted_vi(waiting, 'hồ sơ')} đang chờ" if waiting else "đến nay không còn hồ sơ nào đang chờ"
    )
    return f"{text}Trong đó {now}. Nhiều nhất: {listed_vi(names, SHOWN_UNITS)}."


def _trust(result: PeriodResult) -> list[str]:
    stale = sorted({unit.unit_name for measure in result.measures for unit in measure.units if unit.is_stale})
    texts = []
    if stale:
        texts.append(
            f"Số liệu của {counted_vi(len(stale), 'đơn vị')} đã cũ, có thể chưa phản ánh đúng hiện trạng: {listed_vi(stale, SHOWN_UNITS)}."
        )
    texts += result.concerns
    return texts or ["Không phát hiện vấn đề nào về độ mới và chất lượng của số liệu."]


def _shortcomings(measures: Sequence[MeasureResult], result: PeriodResult) -> list[str]:
    texts = []
    for measure in measures:
        missed = measure.with_status("missed")
        if not missed:
            continue
        shortfall = sum(unit.shortfall for unit in missed)
        opening = f"{measure.label_vi}: {counted_vi(len(missed), 'đơn vị')} không đạt, cộng lại còn thiếu {counted_vi(shortfall, measure.noun)} để đạt chỉ tiêu."
        texts.append(f"- {opening}")
        texts += [f"+ {unit.unit_name}: {_why(measure, unit)}." for unit in missed[:SHOWN_UNITS]]
        if len(missed) > SHOWN_UNITS:
            texts.append(f"+ Các đơn vị khác: {listed_vi([unit.unit_name for unit in missed[SHOWN_UNITS:]])}.")
    if texts:
        return texts
    late, over = result.bieu06["late"], result.bieu06["open_over"]
    counts = f"{counted_vi(late, 'hồ sơ')} giải quyết quá hạn, {counted_vi(over, 'hồ sơ')} đang giải quyết quá hạn"
    form = ", ".join(part for part in ("đếm theo Biểu số 06", result.since_counted) if part)
    overdue = [f"Trong kỳ {counts if not late else 'có ' + counts} ({form})."] if late or over else []
    return ["Trong kỳ không có đơn vị nào không đạt chỉ tiêu được giao." if measures else _NO_TARGETS, *overdue]


def _why(measure: MeasureResult, unit: UnitResult) -> str:
    reasons = [miss_vi(measure, kind, count) for kind, count in sorted(unit.misses.items(), key=lambda item: (-item[1], item[0]))]
    text = f"đạt {_rate((unit.numerator, unit.denominator), measure.noun, unit.target)}"
    if reasons:
        text += f"; {listed_vi(reasons)}"
    worst = unit.procedures[:SHOWN_PROCEDURES]
    if worst:
        shown = [f"{name or 'thủ tục'} ({code}, {counted_vi(count, 'hồ sơ')})" for code, name, count in worst]
        text += f". Tập trung ở: {listed_vi(shown)}"
    return text


def miss_vi(measure: MeasureResult, kind: str, count: int) -> str:
    """How an office says that so many dossiers (procedures) are outside the numerator, and why."""
    pattern = _MISSED_VI.get(measure.name, "{} chưa đạt") if kind == "missed" else _MISS_VI[kind]
    return pattern.format(counted_vi(count, measure.noun))


def _proposals(measures: Sequence[MeasureResult], result: PeriodResult) -> list[str]:
    by = day_vi(result.as_of.date() + timedelta(days=7))
    texts = []
    urgent: dict[str, list[str]] = {}
    named: Counter[str] = Counter()
    for measure in measures:
        for unit in measure.units:
            for kind in ("open_overdue", "waiting"):
                if unit.misses.get(kind):
                    named[kind] += unit.misses[kind]
                    deed = "giải quyết dứt điểm" if kind == "open_overdue" else "tiếp nhận ngay"
                    urgent.setdefault(unit.answered_by, []).append(f"{deed} {miss_vi(measure, kind, unit.misses[kind])}")
    if urgent:
        texts.append(f"- Xử lý trước {by}:")
        texts += [f"+ {name}: {listed_vi(deeds)}." for name, deeds in sorted(urgent.items())]
    for measure in measures:
        missed = [unit for unit in measure.with_status("missed") if not unit.has_ended]
        if missed:
            names = [f"{unit.unit_name} (còn thiếu {counted_vi(unit.shortfall, measure.noun)})" for unit in missed]
            deed = _DEED_VI.get(measure.name, "rà soát, khắc phục")
            texts.append(f"- {measure.label_vi}: đề nghị {listed_vi(names)} {deed}; báo cáo kết quả khắc phục trước {by}.")
    if deeds := _other_deeds(result, named):
        texts.append(f"{'- ' if texts else ''}Đề nghị các đơn vị {listed_vi(deeds)} trước {by}.")
    if texts:
        return texts
    if not measures:
        return ["Không có kiến nghị: không có hồ sơ quá hạn hay chờ tiếp nhận quá 8 giờ."]
    if any(measure.with_status("missed") for measure in measures):
        return ["Không có kiến nghị: các đơn vị không đạt chỉ tiêu không còn hoạt động."]
    return ["Đề nghị các đơn vị tiếp tục duy trì kết quả; không có kiến nghị nào về chỉ tiêu không đạt."]


def _other_deeds(result: PeriodResult, named: Mapping[str, int]) -> list[str]:
    """What is overdue by the form or waits beside the dossiers for which units were named: older ones, and those of units without a target.

    Of a period that was over before the day of the figures, what is overdue now is not part of what the form counts: nothing is subtracted.
    """
    over, waiting = result.bieu06["open_over"], sum(counts[1] for counts in result.waits.values()) - named.get("waiting", 0)
    overdue, online = counted_vi(over, "hồ sơ"), counted_vi(waiting, "hồ sơ")
    if result.since_counted:
        then = f"những hồ sơ còn lại trong {overdue} quá hạn {result.since_counted}"
        then += ", kể cả số nêu trên," if named.get("open_overdue") else ""
    else:
        over -= named.get("open_overdue", 0)
        then = f"{counted_vi(over, 'hồ sơ')}{' khác' if named.get('open_overdue') else ''} đang quá hạn"
    deeds = [f"giải quyết dứt điểm {then}"] if over > 0 else []
    others = " khác" if named.get("waiting") else ""
    return deeds + ([f"tiếp nhận ngay {online} trực tuyến{others} đang chờ quá 8 giờ làm việc"] if waiting > 0 else [])


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
