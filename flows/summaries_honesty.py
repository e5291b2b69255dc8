"""Summaries of what the history of the exports should be asked about, and of what was published otherwise before."""

from collections.abc import Mapping
from datetime import date

from flows.honest_figures import Query
from transforms.wording import CAUSES_VI, COUNTED_VI, QUESTIONS_VI, STATUS_VI, day_vi, moment_vi, percent_vi, period_vi

Sheet = tuple[list[str], list[list[object]]]
_NAME = "{0}.file_name || coalesce(' › ' || {0}.member, '')"


def tell_questions(query: Query, ever: Mapping[tuple[str, date], str]) -> Sheet:
    """One row a question; those to the units first, in each those that weigh most on a rate.

    Args:
        query: of the warehouse.
        ever: unit's code and first day -> its name, told apart from every other of that code.
    """
    headings = "Mức|Điều|Mã đơn vị|Đơn vị|Mã hồ sơ|Số hồ sơ|Thấy từ lần xuất|Câu hỏi".split("|")
    headings += "Trước|Tệp trước|Trang trước|Dòng trước|Sau|Tệp sau|Trang sau|Dòng sau|Ảnh hưởng".split("|")
    found = query(
        "SELECT a.severity, a.label_vi, a.unit_code, a.unit_valid_from, a.case_code, a.cases, a.found_at, a.question_vi, "
        f"a.before_vi, {_NAME.format('b')}, a.before_sheet, a.before_row_number, a.after_vi, {_NAME.format('f')}, a.sheet, a.row_number, a.effect_vi "
        "FROM mart.audit AS a LEFT JOIN ops.files AS b ON b.file_id = a.before_file_id AND b.status = 'loaded' "
        "LEFT JOIN ops.files AS f ON f.file_id = a.file_id AND f.status = 'loaded' "
        "ORDER BY a.severity, coalesce(a.rate - a.rate_without, 0) DESC, a.found_at DESC, a.finding_id"
    )
    return headings, [
        [QUESTIONS_VI[severity], label, code, ever[code, first], case, cases, moment_vi(at), *rest]
        for severity, label, code, first, case, cases, at, *rest in found
    ]


def tell_restated(query: Query, called: Mapping[tuple[str, date], Mapping[tuple[str, date], str]]) -> Sheet:
    """One row a rate of a period that was over and a day that published it otherwise, newest first; all measures, every dossier with the row that shows it.

    Of earlier days those are left out that moved only because dossiers went on or time passed: they are many, and mart.restatements has them.

    Args:
        query: of the warehouse.
        called: period -> unit's code and first day -> its name among those of the period.
    """
    headings = (
        "Công bố lại|Đã công bố|Mã đơn vị|Đơn vị|Kỳ|Chỉ số|Tỷ lệ cũ|Đạt cũ|Tổng cũ|Kết quả cũ|Tỷ lệ nay|Đạt nay|Tổng nay|Kết quả nay".split(
            "|"
        )
    )
    headings += "Nguyên nhân|Cụ thể|Hồ sơ|Tệp mới".split("|")
    key = "restated_on, measure, period_kind, period_start, unit_code, unit_valid_from"
    told_here = "(r.cause NOT IN ('progress', 'time') OR r.restated_on = CAST(r.as_of AS DATE))"
    dossiers: dict[tuple[object, ...], list[str]] = {}
    for *restated, case, before, now, name, row_number in query(
        f"SELECT {', '.join(f'c.{column}' for column in key.split(', '))}, c.case_code, c.counted_before, c.counted_now, {_NAME.format('f')}, c.row_number "
        f"FROM mart.restatement_cases AS c JOIN mart.restatements AS r USING ({key}) "
        f"LEFT JOIN ops.files AS f ON f.file_id = c.file_id AND f.status = 'loaded' WHERE {told_here} ORDER BY c.case_code"
    ):
        place = f"; tệp {name}, dòng {row_number}" if name else ""
        dossiers.setdefault(tuple(restated), []).append(f"{case} ({COUNTED_VI[before]} → {COUNTED_VI[now]}{place})")
    rows: list[list[object]] = []
    for (
        on,
        measure,
        kind,
        start,
        code,
        first,
        published,
        name,
        label,
        n_before,
        d_before,
        s_before,
        n,
        d,
        status,
        cause,
        reason,
        exports,
        target,
    ) in query(
        "SELECT r.restated_on, r.measure, r.period_kind, r.period_start, r.unit_code, r.unit_valid_from, r.published_on, r.unit_name, m.label_vi, "
        "r.numerator_before, r.denominator_before, r.status_before, r.numerator, r.denominator, r.status, r.cause, r.reason_vi, r.exports_vi, t.target "
        "FROM mart.restatements AS r JOIN mart.measures AS m ON m.measure = r.measure LEFT JOIN mart.unit_rates AS t ON t.measure = r.measure "
        "AND t.period_kind = r.period_kind AND t.period_start = r.period_start AND t.unit_code = r.unit_code AND t.unit_valid_from = r.unit_valid_from "
        f"WHERE {told_here} "
        "ORDER BY r.restated_on DESC, r.cause IN ('progress', 'time'), r.unit_code, r.unit_valid_from, m.rowid, r.period_start DESC, r.period_kind"
    ):
        row: list[object] = [
            day_vi(on),
            day_vi(published),
            code,
            called.get((kind, start), {}).get((code, first), name),
            period_vi(kind, start),
            label,
        ]
        row += [percent_vi(n_before, d_before, target), n_before, d_before, STATUS_VI[s_before]]
        row += ["", n, d, "Không còn tính"] if n is None else [percent_vi(n, d, target), n, d, STATUS_VI[status]]
        told = "; ".join(dossiers.get((on, measure, kind, start, code, first), ()))
        rows.append([*row, CAUSES_VI[cause], reason, told, exports])
    return headings, rows
