"""`tthc report`: the report of a month, quarter, half-year or year as Word document, page and tables, with Biểu số 06 beside it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from expectations import load_contracts
from flows.bieu06 import Bieu06, count_bieu06, write_bieu06
from flows.csv_files import write_csv
from flows.document import write_document
from flows.figures import Figures, Period, Rate, Unit
from flows.office import Office, load_office
from flows.office_files import write_whole
from flows.querying import open_warehouse
from flows.report_charts import draw_pictures
from flows.settings import ConfigurationError, QueryError
from flows.warehouse_figures import load_figures
from transforms.measures import load_measures
from transforms.period_counts import Span, render_misses, render_range_rates
from transforms.period_result import MeasureResult, PeriodResult, UnitResult
from transforms.report_text import Block, result_vi, title_vi, write_text
from transforms.wording import LEVELS_VI, REASONS_VI, count_vi, distinct_names, finalize, moment_vi, percent_vi, period_vi, target_vi

FORMATS = ("docx", "xlsx", "csv", "html")
_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}


def parse_report_period(kind: str, text: str) -> Period:
    """The period of --month 2024-06, --quarter 2024-Q2, --half 2024-H1 or --year 2024.

    Raises:
        QueryError: the text is no period of this kind.
    """
    forms = {"month": "2024-06", "quarter": "2024-Q2", "half": "2024-H1", "year": "2024"}
    year, _, part = text.strip().upper().partition("-")
    number = {"month": part, "quarter": part.removeprefix("Q"), "half": part.removeprefix("H"), "year": "1"}[kind]
    marked = {"month": len(part) == 2, "quarter": part.startswith("Q"), "half": part.startswith("H"), "year": not part}[kind]
    counted = 12 // _MONTHS[kind]
    if not (
        marked
        and year.isascii()
        and year.isdigit()
        and len(year) == 4
        and "1900" <= year < "9999"
        and number.isascii()
        and number.isdigit()
    ):
        raise QueryError(f"“{text}” không phải kỳ dạng {forms[kind]}")
    if not 1 <= int(number) <= counted:
        raise QueryError(f"“{text}” không phải kỳ dạng {forms[kind]}")
    start = date(int(year), (int(number) - 1) * _MONTHS[kind] + 1, 1)
    return Period(kind, start, _months_later(start, _MONTHS[kind]))


def name_of(period: Period) -> str:
    """The period in file names: 2024-06, 2024-Q2, 2024-H1, 2024."""
    year, month = period.start.year, period.start.month
    return {
        "month": f"{period.start:%Y-%m}",
        "quarter": f"{year}-Q{(month + 2) // 3}",
        "half": f"{year}-H{(month + 5) // 6}",
        "year": f"{year}",
    }[period.kind]


def _months_later(day: date, months: int) -> date:
    counted = day.year * 12 + day.month - 1 + months
    return date(counted // 12, counted % 12 + 1, 1)


def write_period_report(warehouse: Path, reference: Path, period: Period, formats: Sequence[str], out: Path) -> list[Path]:
    """The report's files in `out`, each whole or not at all; returns them.

    Raises:
        QueryError: the warehouse has no figures of the period.
        ConfigurationError: there is no warehouse, a format is unknown, or office.toml is wrong.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ConfigurationError(f"không có dạng tệp “{', '.join(unknown)}”; chỉ có {', '.join(FORMATS)}")
    with open_warehouse(warehouse):  # says in an official's words that there is none
        pass
    opened = warehouse.resolve()  # the link may move on before it is opened again, and rates and Biểu số 06 would be of two publications
    try:
        figures = load_figures(opened)
    except duckdb.CatalogException:
        raise ConfigurationError(f"kho dữ liệu “{warehouse}” do phiên bản khác của chương trình tạo; hãy chạy lại `tthc run`") from None
    with open_warehouse(opened) as connection:
        rates, groups = _rates_of(connection, figures, period)
        if not rates:
            raise QueryError(f"kho dữ liệu không có số liệu của kỳ {name_of(period)}; có: {_periods_vi(figures)}")
        office = load_office(reference, _in_force(connection, figures.as_of.date()) or list(dict.fromkeys(r.unit for r in rates if r.unit)))
        reached = min(period.end, figures.as_of.date() + timedelta(days=1))
        form = count_bieu06(connection, Span(period.start, reached, figures.as_of))
        result = _gather(connection, figures, period, rates, groups, office, form)
    out.mkdir(parents=True, exist_ok=True)
    blocks, title, name = write_text(result), title_vi(result), name_of(period)
    written = []
    pictures: dict[str, bytes] = {}
    drawings: dict[str, str] = {}
    if {"docx", "html"} & set(formats):
        pictures, drawings = draw_pictures(result)
    if "docx" in formats:
        data = write_document(office, title, figures.as_of, blocks, pictures, form, figures.as_of.year)
        written.append(write_whole(out / f"bao-cao-{name}.docx", data))
    if "xlsx" in formats:
        written.append(write_bieu06(form, office, out / f"bieu-06-{name}.xlsx"))
    if "csv" in formats:
        written.append(_write_table(out / f"bao-cao-{name}.csv", period, result))
    if "html" in formats:
        page = render_page(title, blocks, drawings, form, figures.as_of, office)
        written.append(write_whole(out / f"bao-cao-{name}.html", page.encode()))
    return written


def _in_force(connection: duckdb.DuckDBPyConnection, day: date) -> list[Unit]:
    """The units of a day: a body that was dissolved since the period signs nothing."""
    rows = connection.execute(
        "SELECT unit_code, valid_from, unit_name, level FROM core.units WHERE valid_from <= $day AND valid_to >= $day ORDER BY unit_code",
        {"day": day},
    ).fetchall()
    return [Unit(*row) for row in rows]


def _periods_vi(figures: Figures) -> str:
    known = list(dict.fromkeys(name_of(rate.period) for rate in figures.rates))
    return ", ".join(known) or "chưa có kỳ nào"


def _rates_of(connection: duckdb.DuckDBPyConnection, figures: Figures, period: Period) -> tuple[list[Rate], dict[str, tuple[int, int]]]:
    """The published rates of a period and measure -> counts of all units; of a half-year, which is not published, the same predicates counted."""
    if period.kind == "half":
        return _count_range(connection, figures, period)
    rates = [rate for rate in figures.rates if rate.period == period]
    return rates, {r.measure: (r.numerator, r.denominator) for r in figures.groups if r.period == period and r.group == "all"}


def _count_range(connection: duckdb.DuckDBPyConnection, figures: Figures, period: Period) -> tuple[list[Rate], dict[str, tuple[int, int]]]:
    months = {rate.period.start for rate in figures.rates if rate.period.kind == "month"}
    if not any(period.start <= month < period.end for month in months):
        return [], {}
    span = Span(period.start, period.end, figures.as_of)
    listed = {r.unit for r in figures.rates if r.unit and r.period.kind == "month" and period.start <= r.period.start < period.end}
    freshest = {(r.unit, r.measure): r for r in figures.rates if r.period.kind == "month" and period.start <= r.period.start < period.end}
    targets = _targets(connection, period)
    rates: list[Rate] = []
    totals = {}
    for measure in load_measures(list(load_contracts()["core.cases"].columns)):
        counts: dict[tuple[str, date], list[int]] = {}
        met: set[str] = set()
        items: set[str] = set()
        for code, first, item, numerator, denominator in connection.execute(render_range_rates(measure, span)).fetchall():
            found = counts.setdefault((code, first), [0, 0])
            found[0] += min(numerator, 1) if item is not None else numerator
            found[1] += min(denominator, 1) if item is not None else denominator
            if item is not None:
                items.add(item)
                met |= {item} if numerator else set()
        summed = (sum(n for n, _ in counts.values()), sum(d for _, d in counts.values()))
        totals[measure.name] = (len(met), len(items)) if measure.distinct else summed
        for unit in sorted((u for u in listed if u), key=lambda u: (list(LEVELS_VI).index(u.level), u.code, u.valid_from)):
            numerator, denominator = counts.get(unit.key, (0, 0))
            criterion, target = targets.get((measure.name, *unit.key), (measure.criterion, None))
            needed = 0 if target is None else max(ceil(Decimal(str(target)) * denominator) - numerator, 0)
            status = "no_data" if not denominator else "no_target" if target is None else "missed" if needed else "met"
            seen = freshest.get((unit, measure.name))
            shortfall = needed if denominator and target is not None else None
            fresh = (seen.data_as_of, seen.is_stale) if seen else (None, False)
            rates.append(Rate(measure.name, criterion, period, unit, None, numerator, denominator, target, status, shortfall, *fresh))
    return rates, totals


def _targets(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[tuple[str, str, date], tuple[str, float]]:
    """(measure, code and first day of a unit) -> criterion and target; of several the one that counts in 70_rates.sql."""
    rows = connection.execute(
        "SELECT t.measure, u.unit_code, u.valid_from, t.criterion, t.target FROM core.targets AS t JOIN core.units AS u ON u.level = t.level"
        " WHERE t.valid_from < $last AND t.valid_to >= $first AND (u.valid_from >= $last OR u.valid_to < $first"
        " OR (t.valid_from <= u.valid_to AND t.valid_to >= u.valid_from)) ORDER BY t.valid_from, t.criterion DESC",
        {"first": period.start, "last": period.end},
    ).fetchall()
    return {(measure, code, first): (criterion, target) for measure, code, first, criterion, target in rows}


def _gather(
    connection: duckdb.DuckDBPyConnection,
    figures: Figures,
    period: Period,
    rates: Sequence[Rate],
    groups: dict[str, tuple[int, int]],
    office: Office,
    form: Bieu06,
) -> PeriodResult:
    before = Period(period.kind, _months_later(period.start, -_MONTHS[period.kind]), period.start)
    earlier, earlier_groups = _rates_of(connection, figures, before)
    was = {(r.measure, r.unit): (r.numerator, r.denominator, r.target) for r in earlier}
    span = Span(period.start, period.end, figures.as_of)
    declared = {m.name: m for m in load_measures(list(load_contracts()["core.cases"].columns))}
    names = dict(connection.execute("SELECT procedure_code, procedure_name FROM core.procedures").fetchall())
    in_force = {unit.key: unit for unit in _in_force(connection, figures.as_of.date())}
    heirs = {unit: in_force[heir] for unit, heir in figures.successors.items() if heir in in_force}
    named = [*(r.unit for r in rates if r.unit), *(x.unit for x in figures.late), *heirs.values()]
    called = distinct_names((unit.code, unit.valid_from, unit.name) for unit in named)
    measures = []
    for measure in (m for m in figures.measures if m.family == "plan"):
        judged = [r for r in rates if r.measure == measure.name and r.target is not None]
        misses = _misses(connection, declared[measure.name].name, span) if any(r.status == "missed" for r in judged) else {}
        results = [
            UnitResult(
                called[rate.unit.key],
                rate.numerator,
                rate.denominator,
                rate.target or 0.0,
                rate.status,
                rate.shortfall or 0,
                was.get((rate.measure, rate.unit)),
                *_explained(misses.get(rate.unit.key, []), names, measure.counts_procedures),
                rate.is_stale,
                rate.unit.key not in in_force and rate.unit.valid_from <= figures.as_of.date(),
                called[heirs[rate.unit.key].key] if rate.unit.key in heirs else None,
            )
            for rate in judged
            if rate.unit
        ]
        criteria = "; ".join(dict.fromkeys(r.criterion for r in judged)) or measure.criterion
        total, previous = groups.get(measure.name, (0, 0)), earlier_groups.get(measure.name)
        measures.append(MeasureResult(measure.name, measure.label_vi, criteria, measure.counts_procedures, total, previous, results))
    late = [x for x in figures.late if period.start <= x.submitted_at.date() < period.end]
    waits: dict[str, tuple[int, int]] = {}
    for x in late:
        count, waiting = waits.get(called[x.unit.key], (0, 0))
        waits[called[x.unit.key]] = (count + 1, waiting + x.is_waiting)
    return PeriodResult(
        period.kind,
        period.start,
        period.end,
        figures.as_of,
        before.start if earlier else None,
        measures,
        form.totals,
        waits,
        max((x.waiting_hours for x in late), default=0.0),
        _concerns(figures),
        office.subject_of,
    )


_Miss = tuple[str | None, str, int]


def _misses(connection: duckdb.DuckDBPyConnection, measure: str, span: Span) -> dict[tuple[str, date], list[_Miss]]:
    """Unit -> (procedure, kind of miss, dossiers)."""
    declared = next(m for m in load_measures(list(load_contracts()["core.cases"].columns)) if m.name == measure)
    found: dict[tuple[str, date], list[_Miss]] = {}
    for code, first, procedure, kind, dossiers in connection.execute(render_misses(declared, span)).fetchall():
        found.setdefault((code, first), []).append((procedure, kind, dossiers))
    return found


def _explained(
    misses: Iterable[_Miss], names: dict[str, str | None], counts_procedures: bool
) -> tuple[dict[str, int], list[tuple[str, str | None, int]]]:
    kinds: Counter[str] = Counter()
    worst: Counter[str] = Counter()
    for procedure, kind, dossiers in misses:
        kinds[kind] += 1 if counts_procedures else dossiers
        if procedure:
            worst[procedure] += dossiers
    ordered = sorted(worst.items(), key=lambda item: (-item[1], item[0]))
    return dict(kinds), [(code, names.get(code), dossiers) for code, dossiers in ordered]


def _concerns(figures: Figures) -> list[str]:
    """What about the data a reader has to know, as sentences."""
    texts = [f"{f.message_vi.rstrip('.')}." for f in figures.freshness if f.unit is None and f.light != "green"]
    texts += [f"{s.message_vi.rstrip('.')}." for s in figures.sources if s.light != "green"]
    refused = [f for f in figures.files if f.status == "rejected"]
    if refused:
        texts.append(f"Có {count_vi(len(refused))} tệp xuất không đọc được hoặc bị từ chối; số liệu của các tệp đó chưa được tính.")
    rows = Counter({REASONS_VI.get(reason, reason): 0 for reason, *_ in figures.rejects})
    for reason, _, _, count in figures.rejects:
        rows[REASONS_VI.get(reason, reason)] += count
    if rows:
        shown = "; ".join(f"{reason.lower()} {count_vi(count)} dòng" for reason, count in sorted(rows.items(), key=lambda i: (-i[1], i[0])))
        texts.append(f"Có {count_vi(sum(rows.values()))} dòng dữ liệu bị từ chối, không tính vào tỷ lệ nào ({shown}).")
    warned = [
        c
        for c in figures.checks
        if not c.is_passed and not c.accepted_why and c.severity == "warning" and c.name not in ("rows_rejected", "files_rejected")
    ]
    texts += [f"{c.message_vi}: {count_vi(c.found)}." for c in warned]
    accepted = [c for c in figures.checks if not c.is_passed and c.accepted_why]
    texts += [f"Vẫn công bố dù kiểm tra không đạt: {c.message_vi} ({count_vi(c.found)}); lý do: {c.accepted_why}." for c in accepted]
    return texts


def _write_table(path: Path, period: Period, result: PeriodResult) -> Path:
    """All rates of units with a target, one a line."""
    headings = ["Kỳ", "Tiêu chí", "Chỉ số", "Đơn vị", "Đạt", "Tổng", "Tỷ lệ", "Chỉ tiêu", "Kết quả", "Còn thiếu", "Kỳ trước"]
    rows: list[list[object]] = []
    shown = period_vi(period.kind, period.start)
    for m in result.measures:
        common = [shown, f"Tiêu chí {m.criterion}", m.label_vi]
        for u in m.units:
            target = target_vi(u.target)
            figures = [
                u.numerator,
                u.denominator,
                percent_vi(u.numerator, u.denominator, u.target),
                target,
                result_vi(u),
                u.shortfall,
            ]
            rows.append([*common, u.unit_name, *figures, percent_vi(*u.previous) if u.previous else ""])
        previous = percent_vi(*m.previous) if m.previous else ""
        rows.append([*common, LEVELS_VI["all"], *m.total, percent_vi(*m.total), "", "", "", previous])
    write_csv(path, headings, rows)
    return path


def render_page(title: str, blocks: Sequence[Block], drawings: dict[str, str], form: Bieu06, as_of: datetime, office: Office) -> str:
    """The report as one self-contained page: no script, nothing fetched; text from exports is only ever text."""
    environment = jinja2.Environment(
        autoescape=True, finalize=finalize, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = count_vi
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    template = environment.from_string(files("flows").joinpath("templates/period_report.html").read_text(encoding="utf-8"))
    shown: dict[str, Any] = {
        "title": title,
        "blocks": blocks,
        "drawings": drawings,
        "form": form,
        "office": office,
        "as_of": moment_vi(as_of),
    }
    return template.render(**shown)
