"""What a mail says of figures published otherwise before, and of what the history of the exports should be asked about."""

from collections.abc import Sequence

from flows.figures import Figures, Finding, Restatement, Unit
from flows.mail.phrases import cut_list, lower_first
from transforms.wording import (
    COUNTED_VI,
    MEASURES_SHORT_VI,
    QUESTION_NOTE_VI,
    QUESTIONS_VI,
    count_vi,
    counted_vi,
    period_vi,
    share_vi,
)

_LISTED = 10
_CASES = 3
_WHERE = "trang “Cần hỏi” của sổ Excel hoặc mục Điều cần hỏi của trang xem số liệu"
_RESTATED_WHERE = "trang “Số đã thay đổi” của sổ Excel hoặc mục cùng tên của trang xem số liệu"
_UNIT_WHERE = "mục của đơn vị ở trang xem số liệu"


def restated_today(figures: Figures, mine: Sequence[Unit] | None = None) -> list[Restatement]:
    """The rates of periods that were over that this day publishes otherwise, those that turned first, then those that moved most; of some units where named."""
    found = [r for r in figures.restatements if r.restated_on == figures.as_of.date() and (mine is None or r.unit in mine)]
    return sorted(
        found, key=lambda r: (r.now is not None and r.now[2] == r.before[2], -_moved(r))
    )  # stable: else as they stand in the figures


def honest_lines(figures: Figures, asked_before: frozenset[str] | None, mine: Sequence[Unit] | None = None) -> list[tuple[str, str]]:
    """(label, text) of what a reader must know first; nothing where there is nothing.

    Args:
        figures: the night's.
        asked_before: the questions of the published day before, to tell new ones from old ones: when a list showed it does not tell, because a night after
            midnight reads the lists of the evening before, and some are asked only after a second list. None where they are not known.
        mine: the units of a reader who sees only some.
    """
    lines = []
    restated = restated_today(figures, mine)
    if restated:
        units = len({r.unit.key for r in restated})
        where = f" ở {units} đơn vị" if mine is None else ""
        more = (
            f"; {count_vi(figures.ordinary_restatements)} tỷ lệ khác đổi vì hồ sơ được giải quyết tiếp hoặc đến hạn"
            if mine is None and figures.ordinary_restatements
            else ""
        )
        lines.append(
            (
                "Số đã công bố thay đổi",
                f"{count_vi(len(restated))} tỷ lệ của kỳ đã qua{where} khác với ngày {restated[0].published_on:%d/%m/%Y}; rõ nhất: {restated_vi(figures, restated[0], mine)}{more} (cuối thư).",
            )
        )
    asked = questions_of(figures, mine)
    if asked:
        new = 0 if asked_before is None else sum(f.finding_id not in asked_before for f in asked)
        lines.append(
            (
                "Điều cần hỏi",
                f"{_questions_vi(figures, asked, mine)}{f', {count_vi(new)} điều mới' if new else ''}; là câu hỏi, không phải kết luận (cuối thư).",
            )
        )
    return lines


def honest_sections(figures: Figures, mine: Sequence[Unit] | None = None) -> list[tuple[str, list[str]]]:
    """(heading, lines) with the rates and the dossiers behind them, and the questions: the office's by unit, a unit's own in full."""
    sections = []
    restated = restated_today(figures, mine)
    if restated:
        where = _RESTATED_WHERE if mine is None else _UNIT_WHERE
        sections.append(
            ("Số đã công bố của kỳ đã qua, nay thay đổi", cut_list(_told_once(figures, restated, mine), "tỷ lệ", where, _LISTED))
        )
    asked = questions_of(figures, mine)
    if asked and mine is None:
        told = [
            f"{e.unit.called}: {lower_first(e.label_vi)}, {counted_vi(e.cases, 'hồ sơ')} ({lower_first(QUESTIONS_VI[e.severity])}). {e.effect_vi}."
            for e in figures.effects
        ]
        sections.append(("Điều cần hỏi, nặng nhất trước", [f"{QUESTION_NOTE_VI}.", *cut_list(told, "dòng", _WHERE, _LISTED)]))
    elif asked:
        sections.append(
            (
                "Điều đề nghị đơn vị giải trình",
                [f"{QUESTION_NOTE_VI}.", *cut_list([f"{f.question_vi} {f.effect_vi}." for f in asked], "điều", _UNIT_WHERE, _LISTED)],
            )
        )
    return sections


def questions_of(figures: Figures, mine: Sequence[Unit] | None) -> list[Finding]:
    """The questions a reader is told: the office all, a unit those it is asked itself; what the office looks at first does not go out to it."""
    return [f for f in figures.findings if mine is None or (f.unit in mine and f.severity == "ask")]


def restated_vi(figures: Figures, restated: Restatement, mine: Sequence[Unit] | None = None) -> str:
    """One restated rate: UBND xã Sơn Hạ, tháng 5/2024, đúng hạn: 97,44 % (38/39) → 95 % (38/40), do 1 hồ sơ đến muộn."""
    who = "" if mine is not None and len(mine) == 1 else f"{restated.unit.called}, "
    measure = lower_first(MEASURES_SHORT_VI.get(restated.measure, figures.labels.get(restated.measure, restated.measure)))
    now = share_vi(*restated.now[:2], restated.target) if restated.now else "không còn tính"
    period = lower_first(period_vi(restated.period.kind, restated.period.start))
    turned = ""
    if restated.now and restated.now[2] != restated.before[2] and restated.now[2] in ("met", "missed"):
        turned = f" (chuyển thành {'đạt' if restated.now[2] == 'met' else 'không đạt'} chỉ tiêu)"
    return f"{who}{period}, {measure}: {share_vi(*restated.before[:2], restated.target)} → {now}{turned}, {restated.reason_vi}"


def _moved(restated: Restatement) -> float:
    now, before = restated.now or (0, 0, ""), restated.before
    return abs(now[0] / now[1] - before[0] / before[1]) if now[1] and before[1] else 1.0


def _told_once(figures: Figures, restated: Sequence[Restatement], mine: Sequence[Unit] | None) -> list[str]:
    """Each restated rate; dossiers that stand behind several are named with the first."""
    told, named = [], set()
    for r in restated:
        codes = (r.unit.key, tuple(case for case, *_ in r.dossiers))
        text = restated_vi(figures, r, mine)
        told.append(text[:1].upper() + text[1:] + ("" if codes in named else _dossiers_vi(r)))
        named.add(codes)
    return told


def _dossiers_vi(restated: Restatement) -> str:
    told = [f"{case} ({COUNTED_VI[before]} → {COUNTED_VI[now]})" for case, before, now, _, _ in restated.dossiers[:_CASES]]
    more = "…" if len(restated.dossiers) > _CASES else ""
    return f": {', '.join(told)}{more}" if told else ""


def _questions_vi(figures: Figures, asked: Sequence[Finding], mine: Sequence[Unit] | None) -> str:
    if mine is not None:
        return f"{count_vi(len(asked))} điều đề nghị đơn vị giải trình"
    counts = {severity: [f for f in asked if f.severity == severity] for severity in QUESTIONS_VI}
    told = []
    if counts["ask"]:
        told.append(f"{count_vi(len(counts['ask']))} điều đề nghị giải trình ở {len({f.unit.key for f in counts['ask']})} đơn vị")
    if counts["look"]:
        told.append(f"{count_vi(len(counts['look']))} điều văn phòng xem trước")
    worst = figures.effects[0]
    return f"{', '.join(told)}; nặng nhất: {worst.unit.called}, {lower_first(worst.label_vi)} ({counted_vi(worst.cases, 'hồ sơ')})"
