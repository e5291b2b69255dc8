"""The pages about what was published otherwise before, what the history of the exports should be asked about, and the histories themselves."""

from collections.abc import Sequence
from typing import Any

from flows.case_history import tell_states
from flows.figures import Finding, Restatement, Unit
from flows.honest_figures import MOST_HISTORIES
from flows.site.frame import Frame
from flows.site.tables import Cell, Column, Table, moment, number, text
from transforms.wording import CAUSES_VI, COUNTED_VI, MEASURES_SHORT_VI, QUESTION_NOTE_VI, QUESTIONS_VI, count_vi, period_vi, share_vi

HISTORIES = "lich-su-ho-so.html"
_MOST_ROWS = 2_000
_MOST_CASES = 3


def questions_page(frame: Frame) -> dict[str, Any]:
    """What templates/can-hoi.html shows."""
    figures = frame.figures
    columns = [Column("Đơn vị"), Column("Điều", is_wide=True), Column("Mức"), Column("Số điều", "number"), Column("Số hồ sơ", "number")]
    columns += [Column("Ảnh hưởng đến tỷ lệ năm nay", "long")]
    rows = [
        [
            text(e.unit.called, href=frame.link(e.unit)),
            text(e.label_vi),
            _severity(e.severity),
            number(e.findings),
            number(e.cases),
            text(e.effect_vi),
        ]
        for e in figures.effects[:_MOST_ROWS]
    ]
    return {
        "note": QUESTION_NOTE_VI,
        "asked": sum(f.severity == "ask" for f in figures.findings),
        "looked": sum(f.severity == "look" for f in figures.findings),
        "effects": Table(
            "theo-don-vi", "Theo đơn vị, nặng nhất ở trên", columns, rows, is_searchable=True, empty="Không có điều gì cần hỏi."
        ),
        "questions": questions_table(frame, figures.findings, "", with_unit=True),
    }


def questions_table(frame: Frame, findings: Sequence[Finding], up: str, *, with_unit: bool) -> Table:
    """Every question, which tells both states, where each stands, and the way to the dossier's history."""
    columns = [Column("Mức"), *([Column("Đơn vị")] if with_unit else []), Column("Hồ sơ", "code"), Column("Thấy từ lần xuất", "date")]
    columns += [Column("Câu hỏi", "long", is_wide=True), Column("Nơi ghi trước, sau", "long")]
    rows = [
        [
            _severity(f.severity),
            *([text(f.unit.called, href=frame.link(f.unit, up))] if with_unit else []),
            _case(frame, f, up),
            moment(f.found_at),
            text(f.question_vi, sub=f.label_vi),
            text(f"Trước: {f.before_place}" if f.before_place else "", sub=f"Sau: {f.place}" if f.place else ""),
        ]
        for f in findings[:_MOST_ROWS]
    ]
    cut = (
        f" Ở đây có {count_vi(_MOST_ROWS)} điều đầu trong {count_vi(len(findings))}; đủ danh sách ở tệp can-hoi.csv."
        if len(findings) > _MOST_ROWS
        else ""
    )
    return Table(
        "cau-hoi",
        f"Từng điều cần hỏi ({count_vi(len(findings))})",
        columns,
        rows,
        note=f"{QUESTION_NOTE_VI}. Bấm mã hồ sơ để xem mọi trạng thái từng thấy.{cut}",
        is_searchable=True,
        is_wide=True,
        empty="Không có điều gì cần hỏi.",
        search_label="Tìm hồ sơ hoặc đơn vị" if with_unit else "Tìm hồ sơ",
    )


def restatements_page(frame: Frame) -> dict[str, Any]:
    """What templates/so-da-thay-doi.html shows."""
    figures = frame.figures
    return {
        "today": sum(r.restated_on == figures.as_of.date() for r in figures.restatements),
        "ordinary": figures.ordinary_restatements,
        "restatements": restatements_table(frame, figures.restatements, "", with_unit=True),
    }


def restatements_table(frame: Frame, restatements: Sequence[Restatement], up: str, *, with_unit: bool) -> Table:
    """Old and new figure of every restated rate, why, and the dossiers behind it."""
    columns = [*([Column("Đơn vị")] if with_unit else []), Column("Kỳ"), Column("Chỉ số")]
    columns += [
        Column("Đã công bố", "number"),
        Column("Nay", "number"),
        Column("Nguyên nhân", "long"),
        Column("Hồ sơ", "long"),
    ]
    rows = [
        [
            *([text(r.unit.called, href=frame.link(r.unit, up))] if with_unit else []),
            text(period_vi(r.period.kind, r.period.start)),
            text(MEASURES_SHORT_VI.get(r.measure, frame.figures.labels.get(r.measure, r.measure))),
            _share(r.before, r.target, f"ngày {r.published_on:%d/%m/%Y}"),
            _share(r.now, r.target, f"ngày {r.restated_on:%d/%m/%Y}"),
            text(CAUSES_VI[r.cause], sub=r.reason_vi),
            text(_dossiers(r), sub=f"tệp mới: {r.exports_vi}" if r.exports_vi else ""),
        ]
        for r in restatements[:_MOST_ROWS]
    ]
    cut = (
        f" Ở đây có {count_vi(_MOST_ROWS)} dòng đầu trong {count_vi(len(restatements))}; đủ danh sách ở tệp so-da-thay-doi.csv."
        if len(restatements) > _MOST_ROWS
        else ""
    )
    return Table(
        "so-da-thay-doi",
        f"Tỷ lệ của kỳ đã qua được công bố lại ({count_vi(len(restatements))})",
        columns,
        rows,
        note="Mới nhất ở trên. Không kể tỷ lệ đổi chỉ vì hồ sơ được giải quyết tiếp hoặc đến hạn; của lần công bố này đủ cả, kèm mọi hồ sơ với tệp và dòng, "
        f"ở tệp so-da-thay-doi.csv.{cut}",
        is_searchable=True,
        is_wide=True,
        empty="Chưa có số đã công bố nào của kỳ đã qua bị thay đổi.",
        search_label="Tìm đơn vị, kỳ hoặc hồ sơ" if with_unit else "Tìm kỳ hoặc hồ sơ",
    )


def histories_page(frame: Frame) -> dict[str, Any]:
    """What templates/lich-su-ho-so.html shows: the states of the dossiers that are asked about."""
    asked = {f.case_code: f.unit for f in reversed(frame.figures.findings) if f.case_code}
    histories = [
        {"id": _anchor(case), "case": case, "unit": asked[case].called, "states": tell_states(states)}
        for case, states in frame.figures.histories.items()
        if case in asked
    ]
    return {
        "histories": histories,
        "most": MOST_HISTORIES,
        "is_cut": len({f.case_code for f in frame.figures.findings if f.case_code}) > len(histories),
    }


def of_unit(frame: Frame, unit: Unit) -> tuple[Table | None, Table | None]:
    """A unit's own restated rates and questions; None where there are none. What the office looks at first is not among them."""
    restated = [r for r in frame.figures.restatements if r.unit == unit]
    asked = [f for f in frame.figures.findings if f.unit == unit and f.severity == "ask"]
    return (
        restatements_table(frame, restated, "../", with_unit=False) if restated else None,
        questions_table(frame, asked, "../", with_unit=False) if asked else None,
    )


def _severity(severity: str) -> Cell:
    return Cell(QUESTIONS_VI[severity], tone="warn" if severity == "ask" else "no_data")


def _case(frame: Frame, finding: Finding, up: str) -> Cell:
    if finding.case_code is None:
        return text(f"{finding.cases} hồ sơ")
    return text(
        finding.case_code, href=f"{up}{HISTORIES}#{_anchor(finding.case_code)}" if finding.case_code in frame.figures.histories else None
    )


def _anchor(case_code: str) -> str:
    """An identifier of the dossier in a page: letters, figures, points and hyphens as they are, any other sign by its number."""
    return "hs-" + "".join(sign if sign.isascii() and (sign.isalnum() or sign in ".-") else f"_{ord(sign):x}" for sign in case_code)


def _share(counts: tuple[int, int, str] | None, target: float | None, sub: str) -> Cell:
    if counts is None:
        return Cell("không còn tính", is_empty=True, sub=sub)
    numerator, denominator, status = counts
    share = numerator / denominator if denominator else None
    return Cell(share_vi(numerator, denominator, target), sort=share, tone=status if denominator else "", sub=sub, is_empty=share is None)


def _dossiers(restated: Restatement) -> str:
    told = [f"{case} ({COUNTED_VI[before]} → {COUNTED_VI[now]})" for case, before, now, _, _ in restated.dossiers]
    more = "…" if len(told) > _MOST_CASES else ""
    return "; ".join(told[:_MOST_CASES]) + more
