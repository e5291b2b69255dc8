"""Summaries for people who live in Excel: CSV with a byte order mark, Vietnamese headings, counts and codes only.

Excel turns what looks like a number or a date into one, by the rules of the machine's country: "12,5" becomes 125 and 05/01 the first of May
where the country is set to the United States. So percentages and hours carry their unit behind a non-breaking space and moments their
word, which every Excel leaves alone; counts are plain digits.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows.csv_files import write_csv
from flows.summaries_honesty import tell_questions, tell_restated
from flows.summaries_plan import tell_plan, tell_tasks
from flows.summaries_work import LEVEL_ORDER, tell_outlook, tell_worklist
from flows.warehouse_figures import read_differences, read_units
from transforms.layouts import load_lists
from transforms.wording import (
    FILE_STATUS_VI,
    FRESHNESS_VI,
    LEVELS_VI,
    LIGHTS_VI,
    REASONS_VI,
    STALE_VI,
    STATUS_VI,
    candidates_vi,
    day_vi,
    hours_vi,
    moment_vi,
    names_in_time,
    percent_vi,
    period_vi,
    reception_vi,
    reconciled_vi,
    target_vi,
)

# Period -> unit's code and first day -> what the unit is called.
Called = Mapping[tuple[str, date], Mapping[tuple[str, date], str]]

_CURRENT = "period_start <= CAST(as_of AS DATE) AND period_end > CAST(as_of AS DATE)"
_KINDS = "CASE period_kind WHEN 'year' THEN 0 WHEN 'quarter' THEN 1 ELSE 2 END"


def write_summaries(warehouse: Path, outbox: Path, as_of: datetime) -> list[Path]:
    """All CSV summaries of a published warehouse, in `outbox/<date of as_of>/`.

    Returns:
        The files written: scorecard, rates, missed targets, late receptions, flags, freshness, work list, outlook, files, rejected rows, questions, restated
        rates, plan, tasks, reconciliation.
    """
    folder = outbox / f"{as_of:%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []

    def save(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        write_csv(folder / name, headings, rows)
        written.append(folder / name)

    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def query(sql: str) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return rows

        labels: dict[str, str] = dict(query("SELECT measure, label_vi FROM mart.measures ORDER BY rowid"))
        kinds = load_lists().kinds
        plan = dict(query("SELECT measure, label_vi FROM mart.measures WHERE family = 'plan' ORDER BY rowid"))
        called = _called(query)
        ever = _ever(query)
        headings, scores = _scorecard(query, plan, called)
        save("bang-diem.csv", headings, [*scores, *_notes(query)])
        save("so-sanh-dung-han.csv", *_comparison(query, called))
        save(
            "ty-le-theo-ky.csv",
            [
                "Kỳ",
                "Mã đơn vị",
                "Đơn vị",
                "Cấp",
                "Chỉ số",
                "Đạt",
                "Tổng",
                "Tỷ lệ",
                "Chỉ tiêu",
                "Kết quả",
                "Còn thiếu",
                "Dữ liệu đến",
                "Lưu ý",
            ],
            (
                [
                    period_vi(kind, start),
                    code,
                    called[kind, start][code, first],
                    LEVELS_VI[level],
                    labels[m],
                    n,
                    d,
                    percent_vi(n, d, t),
                    target_vi(t),
                    STATUS_VI[status],
                    short,
                    *_age(fresh, stale),
                ]
                for kind, start, code, first, level, m, n, d, t, status, short, fresh, stale in query(
                    "SELECT period_kind, period_start, unit_code, unit_valid_from, level, measure, numerator, denominator, target, status, shortfall, data_as_of, is_stale "
                    f"FROM mart.unit_rates ORDER BY {_KINDS}, period_start, {LEVEL_ORDER.format('level')}, unit_code, unit_valid_from, measure"
                )
            ),
        )
        save(
            "chi-tieu-khong-dat.csv",
            [
                "Kỳ",
                "Tiêu chí",
                "Chỉ số",
                "Mã đơn vị",
                "Đơn vị",
                "Cấp",
                "Đạt",
                "Tổng",
                "Tỷ lệ",
                "Chỉ tiêu",
                "Còn thiếu",
                "Dữ liệu đến",
                "Lưu ý",
            ],
            (
                [
                    period_vi(kind, start),
                    f"Tiêu chí {c}",
                    labels[m],
                    code,
                    called[kind, start][code, first],
                    LEVELS_VI[level],
                    n,
                    d,
                    percent_vi(n, d, t),
                    target_vi(t),
                    short,
                    *_age(fresh, stale),
                ]
                for kind, start, c, m, code, first, level, n, d, t, short, fresh, stale in query(
                    "SELECT period_kind, period_start, criterion, measure, unit_code, unit_valid_from, level, numerator, denominator, target, shortfall, data_as_of, is_stale "
                    f"FROM mart.unit_rates WHERE status = 'missed' AND {_CURRENT} ORDER BY {_KINDS}, measure, shortfall DESC, unit_code, unit_valid_from"
                )
            ),
        )
        save(
            "cham-tiep-nhan.csv",
            ["Mã hồ sơ", "Mã đơn vị", "Đơn vị", "Nộp lúc", "Tiếp nhận lúc", "Đã chờ (giờ làm việc)", "Tình trạng"],
            (
                [
                    case,
                    code,
                    ever[code, first],
                    moment_vi(submitted),
                    moment_vi(received),
                    hours_vi(hours),
                    reception_vi(received, is_waiting=waiting),
                ]
                for case, code, first, submitted, received, hours, waiting in query(
                    "SELECT case_code, unit_code, unit_valid_from, submitted_at, received_at, waiting_hours, is_waiting FROM mart.late_receptions "
                    "ORDER BY is_waiting DESC, waiting_hours DESC, case_code"
                )
            ),
        )
        save(
            "canh-bao.csv",
            ["Thứ tự", "Mã đơn vị", "Đơn vị", "Cấp", "Nội dung", "Lưu ý"],
            (
                [rank, code, called.get(("year", start), {}).get((code, first), name), LEVELS_VI[level], message, STALE_VI if stale else ""]
                for rank, code, first, name, start, level, message, stale in query(
                    "SELECT f.rank, f.unit_code, f.unit_valid_from, f.unit_name, f.period_start, f.level, f.message_vi, EXISTS (SELECT 1 FROM mart.unit_rates AS r "
                    "WHERE r.is_stale AND r.period_kind = 'year' AND r.period_start = f.period_start AND r.unit_code = f.unit_code AND r.unit_valid_from = f.unit_valid_from) "
                    "FROM mart.flags AS f ORDER BY f.rank"
                )
            ),
        )
        save("do-moi-du-lieu.csv", *_freshness(query))
        save("viec-can-lam.csv", *tell_worklist(query, ever))
        save("du-bao.csv", *tell_outlook(query, labels, called))
        save(
            "tep-xuat.csv",
            ["Tệp", "Trong gói nén", "Loại", "Kết quả", "Xuất lúc", "Số dòng", "Đã nạp", "Bị từ chối", "Lý do từ chối", "Lưu ý"],
            (
                [
                    name,
                    member,
                    ", ".join(kinds[k].label_vi for k in (kind or "").split(",") if k),
                    "Đã rút lại" if (error or "").startswith("đã rút lại") else FILE_STATUS_VI[status],
                    moment_vi(exported),
                    data,
                    loaded,
                    rejected,
                    error,
                    notes,
                ]
                for name, member, kind, status, exported, data, loaded, rejected, error, notes in query(
                    "SELECT f.file_name, f.member, f.kind, f.status, f.exported_at, f.rows_data, f.rows_loaded, f.rows_rejected, f.error, "
                    "CASE WHEN f.status <> 'duplicate' THEN (SELECT string_agg(w.warning_vi, '; ' ORDER BY w.number) FROM ops.warnings w WHERE w.file_id = f.file_id) END "
                    "FROM ops.files f ORDER BY f.file_name, f.member NULLS FIRST, f.file_id"
                )
            ),
        )
        save(
            "dong-bi-tu-choi.csv",
            ["Tệp", "Trang", "Dòng", "Lý do", "Cột", "Giá trị (đã che)"],
            (
                [name, sheet, row, REASONS_VI[reason], "Đơn vị" if column == "unit" else column, masked]
                for name, sheet, row, reason, column, masked in query(
                    "SELECT file_name, sheet, row_number, reason, column_name, masked_value FROM ops.rejects ORDER BY file_name, file_id, sheet_number, row_number"
                )
            ),
        )
        save("can-hoi.csv", *tell_questions(query, ever))
        save("so-da-thay-doi.csv", *tell_restated(query, called))
        save("ke-hoach.csv", *tell_plan(query))
        save("nhiem-vu.csv", *tell_tasks(query))
        save("doi-chieu.csv", *_reconciliation(query, {name: kind.label_vi for name, kind in kinds.items()}))
    return written


def _age(data_as_of: datetime | None, is_stale: bool) -> list[object]:
    return [moment_vi(data_as_of), STALE_VI if is_stale else ""]


def _freshness(query: Any) -> tuple[list[str], list[list[object]]]:
    """One row an export kind, and one a kind, unit and problem; what needs attention first."""
    headings = ["Đèn", "Loại tệp xuất", "Mã đơn vị", "Đơn vị", "Vấn đề", "Dữ liệu đến", "Số hồ sơ", "Số hồ sơ trước đó", "Nội dung"]
    rows: list[list[object]] = []
    for light, kind, code, name, problem, fresh, newest, before, message in query(
        "SELECT f.light, f.kind_vi, f.unit_code, u.unit_name, f.problem, f.data_as_of, f.rows_newest, f.rows_before, f.message_vi FROM ops.freshness AS f "
        "LEFT JOIN core.units AS u ON u.unit_code = f.unit_code AND u.valid_from = f.unit_valid_from "
        "ORDER BY list_position(['red', 'yellow', 'green'], f.light), f.rowid"
    ):
        rows.append([LIGHTS_VI[light], kind, code, name, FRESHNESS_VI.get(problem or "", ""), moment_vi(fresh), newest, before, message])
    return headings, rows


def _called(query: Any) -> Called:
    """Period -> (unit code, first day) -> the unit's name among those of the period."""
    periods: dict[tuple[str, date], list[tuple[str, date, str]]] = defaultdict(list)
    asked = "SELECT DISTINCT period_kind, period_start, unit_code, unit_valid_from, unit_name FROM mart.unit_rates"
    for kind, start, code, first, name in query(asked):
        periods[kind, start].append((code, first, name))
    return {period: names_in_time(units) for period, units in periods.items()}


def _ever(query: Any) -> dict[tuple[str, date], str]:
    """(Unit code, first day) -> the unit's name in lists of dossiers, which know no period; a unit's mail finds its own rows by these names.

    As `read_units` calls them: those in force in the year of as_of are told apart where both are, any other also beside these.
    """
    units = query(
        "SELECT u.unit_code, u.valid_from, u.unit_name, u.valid_from <= m.as_of AND u.valid_to >= date_trunc('year', m.as_of) "
        "FROM core.units AS u, (SELECT max(as_of) AS as_of FROM mart.unit_rates) AS m"
    )
    return names_in_time(unit[:3] for unit in units) | names_in_time(unit[:3] for unit in units if unit[3])


def _comparison(query: Any, called: Called) -> tuple[list[str], list[list[object]]]:
    """The three definitions of "on time" side by side, current periods."""
    headings = ["Kỳ", "Mã đơn vị", "Đơn vị", "Cấp"]
    for name in ("Kế hoạch", "Cổng quốc gia (QĐ 766)", "Biểu số 06"):
        headings += [f"{name}: tỷ lệ đúng hạn", f"{name}: số đạt", f"{name}: tổng số"]
    rows: list[list[object]] = []
    sisters = ("on_time", "on_time_766", "on_time_resolved")
    targets = {
        tuple(rate): target
        for *rate, target in query(
            f"SELECT measure, period_kind, period_start, unit_code, unit_valid_from, target FROM mart.unit_rates WHERE measure IN {sisters} AND target IS NOT NULL"
        )
    }
    for kind, start, code, first, level, *figures in query(
        "SELECT period_kind, period_start, unit_code, unit_valid_from, level, plan_numerator, plan_denominator, qd766_numerator, qd766_denominator, "
        f"bieu06_numerator, bieu06_denominator FROM mart.on_time_comparison WHERE {_CURRENT} "
        f"ORDER BY {_KINDS}, {LEVEL_ORDER.format('level')}, unit_code, unit_valid_from"
    ):
        row: list[object] = [period_vi(kind, start), code, called[kind, start][code, first], LEVELS_VI[level]]
        for measure, numerator, denominator in zip(sisters, figures[::2], figures[1::2], strict=True):
            row += [percent_vi(numerator, denominator, targets.get((measure, kind, start, code, first))), numerator, denominator]
        rows.append(row)
    return headings, rows


def _reconciliation(query: Any, kinds: dict[str, str]) -> tuple[list[str], list[list[object]]]:
    """One row a figure of an aggregated export beside our own count; differences first, with the dossiers that may explain them."""
    headings = [
        "Kết quả",
        "Biểu",
        "Từ ngày",
        "Đến hết ngày",
        "Mã đơn vị",
        "Đơn vị",
        "Chỉ tiêu",
        "Số trong biểu",
        "Số tự đếm",
        "Chênh lệch",
        "Cách tự đếm",
    ]
    headings += ["Lưu ý", "Hồ sơ có thể liên quan", "Biểu xuất lúc", "Danh sách hồ sơ xuất lúc", "Tệp", "Trang", "Dòng"]
    rows: list[list[object]] = []
    for d in read_differences(query, read_units(query)):
        last = d.period.end - timedelta(days=1)
        result = reconciled_vi(d.difference, d.is_tolerated, d.is_certain)
        row: list[object] = [result, kinds[d.source_kind], day_vi(d.period.start), day_vi(last), d.unit.code, d.unit.name]
        row += [
            d.label_vi,
            d.theirs,
            d.ours,
            d.difference,
            d.rule_vi,
            d.note_vi,
            candidates_vi(d.cases),
            moment_vi(d.exported_at),
            moment_vi(d.listed_at),
        ]
        rows.append([*row, d.file_name, d.sheet, d.row_number])
    return headings, rows


def _scorecard(query: Any, labels: dict[str, str], called: Called) -> tuple[list[str], list[list[object]]]:
    """One row a unit and current period (year, quarter, month), then the groups; every rate with its numerator and denominator."""
    headings = ["Kỳ", "Mã đơn vị", "Đơn vị", "Cấp"]
    for label in labels.values():
        headings += [f"{label}: tỷ lệ", f"{label}: số đạt", f"{label}: tổng số", f"{label}: kết quả"]
    headings += ["Số chỉ tiêu không đạt", "Dữ liệu đến", "Lưu ý"]
    cells: dict[tuple[object, ...], dict[str, tuple[Any, ...]]] = {}
    ages: dict[tuple[object, ...], list[object]] = {}
    for kind, start, code, first, level, measure, fresh, stale, *figures in query(
        "SELECT period_kind, period_start, unit_code, unit_valid_from, level, measure, data_as_of, is_stale, numerator, denominator, target, status FROM mart.unit_rates "
        f"WHERE {_CURRENT} ORDER BY {_KINDS}, {LEVEL_ORDER.format('level')}, unit_code, unit_valid_from"
    ):
        key = (kind, start, code, called[kind, start][code, first], level)  # no two units of a period are called the same under one code
        cells.setdefault(key, {})[measure] = tuple(figures)
        ages[key] = _age(fresh, stale)
    for kind, start, group_kind, group, measure, *figures in query(
        "SELECT period_kind, period_start, group_kind, group_code, measure, numerator, denominator FROM mart.group_rates "
        f"WHERE {_CURRENT} ORDER BY {_KINDS}, group_kind DESC, {LEVEL_ORDER.format('group_code')}"
    ):
        name = "Toàn bộ" if group_kind == "all" else f"Cộng {LEVELS_VI[group].lower()}"
        cells.setdefault((kind, start, "", name, group), {})[measure] = (*figures, None, "")
    rows = []
    for shown, measured in cells.items():
        kind, start, code, who, level = shown
        row: list[object] = [period_vi(str(kind), start), code, who, LEVELS_VI[str(level)]]  # type: ignore[arg-type]
        missed = 0
        for measure in labels:
            numerator, denominator, target, status = measured[measure]
            row += [percent_vi(numerator, denominator, target), numerator, denominator, STATUS_VI.get(status, "")]
            missed += status == "missed"
        rows.append([*row, missed if code else "", *ages.get(shown, ["", ""])])
    order = {"year": 0, "quarter": 1, "month": 2}
    keyed = sorted(zip(cells, rows, strict=True), key=lambda pair: order[str(pair[0][0])])
    return headings, [row for _, row in keyed]


def _notes(query: Any) -> list[list[object]]:
    """The scorecard's footer after a blank row: what the gate warned of, and past which checks the result was published."""
    notes: list[list[object]] = [
        [f"Lưu ý: {message}: {found}" + (f" (vẫn công bố, lý do: {why})" if why else "")]
        for message, found, why in query(
            "SELECT message_vi, found, accepted_why FROM ops.checks WHERE NOT is_passed ORDER BY accepted_why IS NULL, rowid"
        )
    ]
    return [[], *notes] if notes else []
