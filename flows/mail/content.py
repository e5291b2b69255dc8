"""What a mail says, from the figures and what changed: sentences, a table and lists, ready for the templates. Nothing is sent or written here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from expectations import CheckResult
from flows.changes import Changes, of_units
from flows.figures import Figures, LateReception, Period, Rate, Unit, WorkItem
from flows.mail.honesty import honest_lines, honest_sections
from flows.mail.phrases import count_or_none, cut_list, fitted_subject, lower_first
from flows.mail.recipients import Recipient
from flows.mail.supply import freshness_line, gate_sections, quality_line, supply_sections
from transforms.wording import (
    LEVELS_VI,
    MEASURES_SHORT_VI,
    PROBLEMS_VI,
    STALE_VI,
    count_vi,
    day_vi,
    hours_left_vi,
    hours_vi,
    moment_vi,
    percent_vi,
    period_vi,
    target_vi,
    unjudged_vi,
)

BAR_WIDTH = 48
_MARKS = {"met": ("✓", "đạt"), "missed": ("✗", "không đạt"), "no_data": ("–", "không phát sinh"), "no_target": ("", "")}
_OLD_MARK = ("⏱", "đạt theo số liệu cũ, chưa kết luận được")


@dataclass(frozen=True)
class Cell:
    """A rate in a table: words, a bar's width in pixels of BAR_WIDTH, and its result as sign and word, so that colour only repeats it."""

    percent: str
    counts: str
    width: int
    mark: str
    word: str
    is_missed: bool


@dataclass(frozen=True)
class Row:
    """One row of the table: a unit with its measures, or a measure with its periods."""

    name: str
    cells: list[list[Cell]]
    heading: str | None = None
    note: str = ""


@dataclass
class Content:
    """Everything a template shows.

    Attributes:
        lines: (label, text) — the first lines, the essential ones.
        columns: headings of the table; rows: its rows, each cell for the periods named in `periods`.
        sections: (heading, lines): lists below the table.
    """

    kind: str
    subject: str
    title: str
    lines: list[tuple[str, str]]
    periods: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    first_column: str = "Đơn vị"
    rows: list[Row] = field(default_factory=list)
    sections: list[tuple[str, list[str]]] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def describe_office(figures: Figures, changes: Changes | None, wants: Recipient) -> Content:
    """The mail to whoever sees all units."""
    waiting, missed = [i for i in figures.late if i.is_waiting], _missed(figures, "year")
    lines = [
        ("Thay đổi", _changes(figures, changes)),
        ("Đang chờ quá 8 giờ", _waiting(waiting)),
        ("Không đạt chỉ tiêu", _missed_line(figures, missed)),
        ("Số liệu", freshness_line(figures)),
        ("Chất lượng số liệu", quality_line(figures)),
        *honest_lines(figures, changes.asked_before if changes else None),
    ]
    content = Content(
        "digest",
        f"{_subject(figures.as_of)}: {_news(changes)}{count_or_none(len({i.unit.key for i in waiting}), 'đơn vị chờ quá 8 giờ')}, {_judged(figures, missed)}",
        f"Tình hình giải quyết TTHC, số liệu chốt {moment_vi(figures.as_of)}",
        lines,
    )
    if "digest" in wants.summaries:
        content.periods = [period_vi(p.kind, p.start) for p in _shown(figures)]
        measures = [m for m in figures.measures if m.family == "plan"]
        content.columns = [MEASURES_SHORT_VI.get(m.name, m.label_vi) for m in measures]
        content.rows = _unit_rows(figures, [m.name for m in measures])
    if "missed" in wants.summaries:
        for period in _shown(figures):
            content.sections.append(
                (f"Chỉ tiêu không đạt, {lower_first(period_vi(period.kind, period.start))}", missed_list(figures, period.kind))
            )
    if "late" in wants.summaries:
        content.sections.append(("Hồ sơ trực tuyến đang chờ tiếp nhận quá 8 giờ làm việc", _late_list(waiting)))
    if "worklist" in wants.summaries:
        content.sections.append(("Hồ sơ cần xử lý ngay", _work_list(figures.worklist)))
    content.sections += [*honest_sections(figures), *supply_sections(figures), *gate_sections(figures)]
    return content


def describe_units(figures: Figures, changes: Changes | None, wants: Recipient) -> Content | None:
    """The mail to somebody who sees some units: those alone. None where none of them is in force on this day."""
    mine = [unit for unit in figures.units if unit.code in wants.units]
    if not mine:
        return None
    keys = [unit.key for unit in mine]
    late = [i for i in figures.late if i.unit.key in keys]
    waiting, missed = [i for i in late if i.is_waiting], [r for r in _missed(figures, "year") if r.unit in mine]
    others = f" và {count_vi(len(mine) - 1)} đơn vị khác" if len(mine) > 1 else ""
    own = of_units(changes, keys) if changes else None
    alone = len(mine) == 1
    lines = [
        ("Thay đổi", _changes(figures, own, alone)),
        ("Đang chờ quá 8 giờ", _waiting(waiting, alone)),
        ("Không đạt chỉ tiêu", _missed_line(figures, missed, alone, mine)),
        ("Số liệu", freshness_line(figures, keys)),
        *honest_lines(figures, changes.asked_before if changes else None, mine),
    ]
    news = f": {_news(changes)}{count_or_none(len(waiting), 'hồ sơ chờ quá 8 giờ')}, {_judged(figures, missed, mine)}"
    content = Content(
        "digest",
        fitted_subject(f"{_subject(figures.as_of)}, ", mine[0].name, others, news),
        f"{mine[0].name}{others}: số liệu chốt {moment_vi(figures.as_of)}",
        lines,
    )
    if "digest" in wants.summaries:
        content.first_column, content.columns = "Chỉ số", [period_vi(p.kind, p.start) for p in _shown(figures)]
        content.periods = [""]
        content.rows = [row for unit in mine for row in _measure_rows(figures, unit, len(mine) > 1)]
        texts = _needed_list(figures, mine, missed)
        content.sections.append(
            (
                f"Cần gì để đạt chỉ tiêu năm {figures.as_of.year}",
                texts or [_sentence(_why(figures, "year", mine)) or "Không chỉ tiêu nào còn thiếu."],
            )
        )
    if "missed" in wants.summaries:
        for period in _shown(figures):
            heading = f"Chỉ tiêu không đạt, {lower_first(period_vi(period.kind, period.start))}"
            content.sections.append((heading, missed_list(figures, period.kind, mine)))
    if "late" in wants.summaries:
        content.sections.append(("Hồ sơ trực tuyến tiếp nhận chậm quá 8 giờ làm việc, hồ sơ đang chờ xếp trước", _late_list(late)))
    if "worklist" in wants.summaries:
        content.sections.append(("Hồ sơ cần xử lý ngay", _work_list([i for i in figures.worklist if i.unit.key in keys])))
        if handed := figures.handed_over(mine):
            content.sections.append(("Hồ sơ do đơn vị cũ để lại, cần xử lý ngay", _work_list(handed)))
    content.sections += honest_sections(figures, mine)
    return content


def describe_held(as_of: datetime, checks: Sequence[CheckResult], refused: Sequence[str], files: int, last: date | None) -> Content:
    """The mail of a night that published nothing: which checks held it back, what to do, what stays.

    Args:
        as_of: the moment the figures would have been for.
        checks: every check of the gate.
        refused: exports that were refused, with the reason.
        files: exports in the raw folder.
        last: the newest published day.
    """
    failed = [c for c in checks if not c.is_passed and c.severity == "critical"]
    kept = f"số liệu đã công bố {day_vi(last)} giữ nguyên" if last else "chưa có số liệu nào được công bố"
    causes = " / ".join(f"{c.message_vi} (phát hiện {count_vi(c.found)})" for c in failed)
    lines = [
        ("Kết quả", f"Đêm nay KHÔNG CÔNG BỐ số liệu; {kept}."),
        ("Lý do", causes),
        ("Việc cần làm", "Sửa theo lý do trên (thường là xuất lại tệp hoặc sửa bảng tham chiếu), rồi chạy lại `tthc run` cho ngày này."),
        ("Tệp xuất", f"{count_vi(files)} tệp, {count_vi(len(refused))} bị từ chối." if files else "không có tệp xuất nào trong thư mục."),
    ]
    return Content(
        "alarm",
        f"{_subject(as_of)}: KHÔNG CÔNG BỐ, {kept}",
        f"Không công bố số liệu chốt {moment_vi(as_of)}",
        lines,
        sections=[("Tệp bị từ chối", cut_list(refused, "tệp", "màn hình khi chạy lại"))] if refused else [],
    )


def _subject(as_of: datetime) -> str:
    return f"[TTHC] {as_of:%d/%m/%Y}"


def _news(changes: Changes | None) -> str:
    return "không có tệp xuất mới; " if changes and not changes.new_files else ""


def _shown(figures: Figures) -> list[Period]:
    """The current year and month."""
    return [p for p in figures.current if p.kind in ("year", "month")]


def _missed(figures: Figures, kind: str) -> list[Rate]:
    return [rate for rate in figures.now(kind) if rate.status == "missed"]


def _things(figures: Figures, measure: str) -> str:
    return "thủ tục" if any(m.name == measure and m.counts_procedures for m in figures.measures) else "hồ sơ"


def _changes(figures: Figures, changes: Changes | None, alone: bool = False) -> str:
    if changes is None:
        return "đây là lần công bố đầu tiên; từ lần sau thư ghi những gì khác với lần trước."
    since = f"So với {day_vi(changes.since)}: "
    files = count_or_none(changes.new_files, "tệp xuất mới")
    if changes.is_nothing:
        return f"{since}không có gì thay đổi ({files})."
    told = []
    if changes.newly_late:
        told.append(
            f"thêm {count_vi(len(changes.newly_late))} hồ sơ chậm tiếp nhận quá 8 giờ"
            + ("" if alone else f" ({_units_of(unit for _, unit in changes.newly_late)})")
        )
    if changes.taken_in:
        told.append(f"{count_vi(len(changes.taken_in))} hồ sơ chờ quá 8 giờ đã được tiếp nhận")
    for rates, words in ((changes.newly_missed, "chuyển sang không đạt"), (changes.newly_met, "chuyển sang đạt")):
        shown = [rate for rate in rates if rate.period.kind in ("year", "month")]
        if shown:
            told.append(f"{count_vi(len(shown))} chỉ tiêu {words} ({_turned(figures, shown, alone)})")
    if changes.moved:
        told.append(f"{count_vi(len(changes.moved))} tỷ lệ có thêm hoặc bớt hồ sơ")
    return f"{since}{'; '.join([*told, files])}."


def _units_of(units: Iterable[Unit]) -> str:
    counted = Counter(unit.called for unit in units).most_common()
    shown = [f"{name}: {count_vi(number)}" for name, number in counted[:4]]
    return ", ".join(shown) + (f" và {len(counted) - 4} đơn vị khác" if len(counted) > 4 else "")


def _turned(figures: Figures, rates: Sequence[Rate], alone: bool) -> str:
    shown = [
        ("" if alone else f"{r.unit.called}: ")
        + f"{MEASURES_SHORT_VI.get(r.measure, figures.labels[r.measure]).lower()}, {lower_first(period_vi(r.period.kind, r.period.start))}"
        for r in rates[:3]
        if r.unit
    ]
    return "; ".join(shown) + (f" và {count_vi(len(rates) - 3)} chỉ tiêu khác" if len(rates) > 3 else "")


def _waiting(waiting: Sequence[LateReception], alone: bool = False) -> str:
    if not waiting:
        return "không có hồ sơ nào."
    if alone:
        return f"{count_vi(len(waiting))} hồ sơ, lâu nhất {hours_vi(max(i.waiting_hours for i in waiting))} làm việc."
    by_unit: dict[tuple[str, date], list[LateReception]] = {}
    for item in waiting:
        by_unit.setdefault(item.unit.key, []).append(item)
    ordered = sorted(by_unit.values(), key=lambda items: (-len(items), items[0].unit.code))
    shown = [
        f"{items[0].unit.called} ({count_vi(len(items))} hồ sơ, lâu nhất {hours_vi(max(i.waiting_hours for i in items))})"
        for items in ordered[:8]
    ]
    more = f" và {len(ordered) - 8} đơn vị khác" if len(ordered) > 8 else ""
    return f"{count_vi(len(ordered))} đơn vị, {count_vi(len(waiting))} hồ sơ: {', '.join(shown)}{more}."


def _why(figures: Figures, kind: str, mine: Sequence[Unit] | None) -> str:
    return unjudged_vi((rate.status, rate.target) for rate in figures.now(kind) if rate.unit and (mine is None or rate.unit in mine))


def _judged(figures: Figures, missed: Sequence[Rate], mine: Sequence[Unit] | None = None) -> str:
    return _why(figures, "year", mine) or count_or_none(len(missed), "chỉ tiêu không đạt")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _missed_line(figures: Figures, missed: Sequence[Rate], alone: bool = False, mine: Sequence[Unit] | None = None) -> str:
    if not missed:
        return f"năm {figures.as_of.year} {_why(figures, 'year', mine) or 'không có chỉ tiêu nào không đạt'}."
    told = []
    for measure in figures.measures:
        rates = sorted((r for r in missed if r.measure == measure.name), key=lambda r: -(r.shortfall or 0))
        if rates and alone:
            told.append(
                f"{MEASURES_SHORT_VI.get(measure.name, measure.label_vi)} thiếu {count_vi(rates[0].shortfall or 0)} {_things(figures, measure.name)}"
            )
        elif rates:
            worst = [f"{r.unit.called} thiếu {count_vi(r.shortfall or 0)}" for r in rates[:2] if r.unit]
            more = f" và {len(rates) - 2} đơn vị khác" if len(rates) > 2 else ""
            total = "" if measure.counts_procedures or len(rates) == 1 else f" thiếu {count_vi(sum(r.shortfall or 0 for r in rates))} hồ sơ"
            told.append(f"{MEASURES_SHORT_VI.get(measure.name, measure.label_vi)}{total} ({', '.join(worst)}{more})")
    units = len({r.unit.key for r in missed if r.unit})
    where = "" if alone else f" ở {units} đơn vị"
    return f"năm {figures.as_of.year}, {count_vi(len(missed))} chỉ tiêu{where} — {'; '.join(told)}."


def _cell(rate: Rate | None) -> Cell:
    if rate is None:
        return Cell("", "", 0, "", "", False)
    mark, word = _OLD_MARK if rate.is_stale and rate.status == "met" else _MARKS[rate.status]
    width = min(BAR_WIDTH, rate.numerator * BAR_WIDTH // rate.denominator) if rate.denominator else 0
    counts = f"{count_vi(rate.numerator)}/{count_vi(rate.denominator)}" if rate.denominator else ""
    return Cell(percent_vi(rate.numerator, rate.denominator, rate.target), counts, width, mark, word, rate.status == "missed")


def _unit_rows(figures: Figures, measures: Sequence[str]) -> list[Row]:
    periods = _shown(figures)
    found = {(r.unit, r.measure, r.period): r for r in figures.rates if r.period in periods and r.unit}
    rows: list[Row] = []
    level = None
    for unit in figures.units:
        heading = LEVELS_VI[unit.level] if unit.level != level else None
        level = unit.level
        rates = [[found.get((unit, m, p)) for p in periods] for m in measures]
        rows.append(Row(unit.called, [[_cell(rate) for rate in each] for each in rates], heading, _age(rates)))
    total = {(r.measure, r.period): r for r in figures.groups if r.group == "all" and r.period in periods}
    if total and rows:
        rows.append(Row(LEVELS_VI["all"], [[_cell(total.get((m, p))) for p in periods] for m in measures], LEVELS_VI["all"]))
    return rows


def _measure_rows(figures: Figures, unit: Unit, with_heading: bool) -> list[Row]:
    periods = _shown(figures)
    found = {(r.measure, r.period): r for r in figures.rates if r.unit == unit and r.period in periods}
    rows: list[Row] = []
    for measure in (m for m in figures.measures if m.family == "plan"):
        rates = [[found.get((measure.name, p))] for p in periods]
        heading = unit.called if with_heading and not rows else None
        rows.append(Row(measure.label_vi, [[_cell(rate) for rate in each] for each in rates], heading, _age(rates)))
    return rows


def _age(rates: Sequence[Sequence[Rate | None]]) -> str:
    return STALE_VI.lower() if any(rate and rate.is_stale for each in rates for rate in each) else ""


def _needed_list(figures: Figures, mine: Sequence[Unit], missed: Sequence[Rate]) -> list[str]:
    """A line a target that is not reached by itself; where nothing can be foreseen, one a target missed so far."""
    short = {(r.measure, r.unit): r.shortfall or 0 for r in missed}
    texts = []
    for n in figures.needed:
        now = short.get((n.measure, n.unit), 0) if n.needed is None else 0
        if n.unit in mine and (n.needed or now):
            missing = f"hiện còn thiếu {count_vi(now)} {_things(figures, n.measure)}. " if now else ""
            texts.append(f"{_of(n.unit, mine)}{MEASURES_SHORT_VI.get(n.measure, figures.labels[n.measure])}: {missing}{n.message_vi}")
    return texts


def _of(unit: Unit, mine: Sequence[Unit]) -> str:
    return f"{unit.called} — " if len(mine) > 1 else ""


def missed_list(figures: Figures, kind: str, mine: Sequence[Unit] | None = None) -> list[str]:
    """A line a measure: the units that missed its target in the current period of a kind, the largest shortfall first."""
    missed = [r for r in _missed(figures, kind) if mine is None or r.unit in mine]
    told = []
    for measure in figures.measures:
        rates = sorted((r for r in missed if r.measure == measure.name), key=lambda r: -(r.shortfall or 0))
        entries = [
            f"{r.unit.called}: {percent_vi(r.numerator, r.denominator, r.target)} ({count_vi(r.numerator)}/{count_vi(r.denominator)}), thiếu {count_vi(r.shortfall or 0)}"
            for r in rates
            if r.unit
        ]
        if entries:
            targets = sorted({target_vi(r.target) for r in rates if r.target is not None})
            told.append(
                f"{measure.label_vi} (chỉ tiêu {', '.join(targets)}; thiếu tính bằng {_things(figures, measure.name)}): {'; '.join(entries)}"
            )
    return told or [_sentence(_why(figures, kind, mine)) or "Không có."]


def _late_list(late: Sequence[LateReception]) -> list[str]:
    texts = [
        f"{i.case_code}, {i.unit.called}: nộp {moment_vi(i.submitted_at)}, {_reception(i)} {hours_vi(i.waiting_hours)} làm việc"
        for i in late
    ]
    return cut_list(texts, "hồ sơ", "tệp cham-tiep-nhan.csv") or ["Không có."]


def _reception(late: LateReception) -> str:
    if late.is_waiting:
        return "đang chờ, đã"
    return f"tiếp nhận {moment_vi(late.received_at)}, sau" if late.received_at else "đã kết thúc, không ghi tiếp nhận; tính chờ"


def _work_list(items: Sequence[WorkItem]) -> list[str]:
    texts = []
    for i in items:
        left = f" ({hours_left_vi(i.hours_left, is_over=i.is_over)} làm việc)" if i.hours_left is not None else ""
        due = f", phải xong trước {moment_vi(i.due_at)}{left}" if i.due_at else ""
        texts.append(f"{i.case_code}, {i.unit.called}: {lower_first(PROBLEMS_VI.get(i.problem, i.problem))}{due}")
    return cut_list(texts, "hồ sơ", "tệp viec-can-lam.csv") or ["Không có."]
