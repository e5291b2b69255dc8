"""A published rate, explained down to the row it was read from: found, counted again from the dossiers, and shown."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations import load_contracts
from flows.csv_files import write_csv
from flows.querying import open_warehouse, print_table, wide_console
from flows.reasons import why_missed
from flows.reference import follow_successors
from flows.settings import QueryError
from transforms.explaining import (
    Period,
    level_condition,
    parse_period,
    render_counts,
    render_dossiers,
    render_missed,
    units_condition,
)
from transforms.measures import RECEIVED_OR_ENDED, Measure
from transforms.text import clean, key
from transforms.wording import LEVELS_VI, STATUS_VI, moment_vi, percent_vi, period_vi, target_vi

LIMIT = 50
_MEASURE = "measure, criterion, label_vi, legal_basis, denominator_sql, numerator_sql, period_column, zero_policy, family, differs_vi, decimals, distinct_key"


@dataclass(frozen=True)
class Explanation:
    """One published rate and the query that accounts for it.

    Attributes:
        published: its row in mart.unit_rates, mart.unit_rates_today or mart.group_rates; a group has no target.
        subject_vi: the unit or group that was meant.
        members: in today's view, the units whose dossiers count here.
        query: `render_dossiers`, complete.
    """

    measure: Measure
    period: Period
    published: Mapping[str, Any]
    subject_vi: str
    members: list[str]
    query: str

    @property
    def cutoff(self) -> date | None:
        """The day a dossier's state is judged on, where the measure judges as of the period's end."""
        judged = self.measure.denominator + self.measure.numerator
        return self.period.cutoff(self.published["as_of"]) if "{cutoff}" in judged or "{period_end}" in judged else None


def find_rate(connection: duckdb.DuckDBPyConnection, unit: str, measure: str, period: str, *, today: bool = False) -> Explanation:
    """The rate a user means, with its query.

    Args:
        connection: the warehouse.
        unit: a code, a code and its first day (000.22.58.H48@2003-01-01), a name or an unmistakable part of it, a level, or "all".
        measure: its name.
        period: 2024-05, 2024-Q2 or 2024.
        today: units as they are today, not as they were.

    Raises:
        QueryError: there is no such measure, period or unit, or several units; the text lists what there is.
    """
    chosen, when = _find_measure(connection, measure), _find_period(connection, period)
    group = _find_group(unit)
    if group and today:
        raise QueryError("--today chỉ dùng cho một đơn vị, không dùng cho nhóm đơn vị")
    table = "mart.group_rates" if group else "mart.unit_rates_today" if today else "mart.unit_rates"
    rates = _rows(
        connection,
        f"SELECT * FROM {table} WHERE measure = ? AND period_kind = ? AND period_start = ?",
        [chosen.name, when.kind, when.start],
    )
    members: list[str] = []
    condition: str | None
    if group:
        rates = [rate for rate in rates if rate["group_code"] == group]
        if not rates:
            raise QueryError(f"không có đơn vị nào thuộc “{LEVELS_VI[group]}” trong kỳ {when}")
        published = rates[0]
        subject, condition = f"{LEVELS_VI[group]} ({group})", None if group == "all" else level_condition(group)
    else:
        published = _find_unit(connection, unit, rates, when)
        code, first = published["unit_code"], published["unit_valid_from"]
        subject = f"{published['unit_name']} ({code}, hiệu lực từ {first:%d/%m/%Y}; {LEVELS_VI[published['level']].lower()})"
        whose = [(code, first)]
        if today:
            whose = _predecessors(connection, published)
            members = [f"{name} ({other}, từ {start:%d/%m/%Y})" for other, start, name in _named(connection, whose)]
        condition = units_condition(whose)
    return Explanation(chosen, when, published, subject, members, render_dossiers(chosen, published["as_of"], when, condition))


def count_again(connection: duckdb.DuckDBPyConnection, found: Explanation) -> tuple[int, int]:
    """Numerator and denominator, counted from core.cases."""
    numerator, denominator = connection.execute(render_counts(found.measure, found.query)).fetchall()[0]
    return int(numerator), int(denominator)


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
    done = connection.execute(query, values or [])
    names = [column[0] for column in done.description]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def _find_measure(connection: duckdb.DuckDBPyConnection, name: str) -> Measure:
    """As it was declared when the rates were published, whatever the program declares now."""
    known = {row[0]: row for row in connection.execute(f"SELECT {_MEASURE} FROM mart.measures ORDER BY rowid").fetchall()}
    if name not in known:
        listed = "\n".join(f"  {row[0]}: {row[2]}" for row in known.values())
        raise QueryError(f"không có chỉ số “{clean(name)}”; có:\n{listed}")
    return Measure(*known[name])


def _find_period(connection: duckdb.DuckDBPyConnection, text: str) -> Period:
    period = parse_period(text)
    known = [
        Period(kind, start)
        for kind, start in connection.execute("SELECT DISTINCT period_kind, period_start FROM mart.unit_rates ORDER BY ALL").fetchall()
    ]
    if period is None or period not in known:
        wrong = "không phải kỳ dạng 2024-05, 2024-Q2 hoặc 2024" if period is None else "không có số liệu"
        raise QueryError(f"kỳ “{clean(text)}” {wrong}; có: {', '.join(map(str, known))}")
    return period


def _find_group(text: str) -> str | None:
    names = {key(name): code for code, label in LEVELS_VI.items() for name in (code, label)}
    return names.get(key(text))


def _find_unit(connection: duckdb.DuckDBPyConnection, text: str, rates: list[dict[str, Any]], period: Period) -> dict[str, Any]:
    """The one row whose unit has this code, else this name, else a name that holds these words."""
    code, _, first = clean(text).partition("@")
    wanted = key(text)
    tests: tuple[Callable[[dict[str, Any]], bool], ...] = (
        lambda rate: rate["unit_code"] == code.upper() and first in ("", str(rate["unit_valid_from"])),
        lambda rate: key(rate["unit_name"]) == wanted,
        lambda rate: len(wanted) > 1 and wanted in key(rate["unit_name"]),
    )
    for test in tests:
        matching = [rate for rate in rates if test(rate)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise QueryError(f"“{clean(text)}” có thể là nhiều đơn vị trong kỳ {period}; hãy chọn một:\n{_listed(matching)}")
    known = connection.execute("SELECT unit_code, unit_name, valid_from, valid_to FROM core.units ORDER BY ALL").fetchall()
    other = [f"{c} {n}: {a:%d/%m/%Y} – {z:%d/%m/%Y}" for c, n, a, z in known if c == code.upper() or key(n) == wanted]
    when = f" (đơn vị này có hiệu lực: {'; '.join(other)})" if other else ""
    raise QueryError(
        f"không có đơn vị “{clean(text)}” trong kỳ {period}{when}; có:\n{_listed(rates)}\n  hoặc một nhóm: {', '.join(LEVELS_VI)}"
    )


def _listed(rates: Iterable[Mapping[str, Any]]) -> str:
    ordered = sorted(rates, key=lambda rate: (rate["unit_code"], rate["unit_valid_from"]))
    return "\n".join(f"  {rate['unit_code']}@{rate['unit_valid_from']}  {rate['unit_name']}" for rate in ordered)


def _predecessors(connection: duckdb.DuckDBPyConnection, published: Mapping[str, Any]) -> list[tuple[str, date]]:
    """Every unit that is this one today, itself among them: code and first day."""
    units = pa.Table.from_pylist(_rows(connection, "SELECT unit_code, valid_from, valid_to, successor_code FROM core.units"))
    target = (published["unit_code"], published["unit_valid_from"])
    rows = follow_successors(units, published["as_of"].date()).to_pylist()
    return sorted((row["unit_code"], row["valid_from"]) for row in rows if (row["today_code"], row["today_valid_from"]) == target)


def _named(connection: duckdb.DuckDBPyConnection, units: list[tuple[str, date]]) -> list[tuple[str, date, str]]:
    """Code, first day and name of some units."""
    names = {
        (code, first): name
        for code, first, name in connection.execute("SELECT unit_code, valid_from, unit_name FROM core.units").fetchall()
    }
    return [(code, first, names[code, first]) for code, first in units]


def explain(
    warehouse: Path, unit: str, measure: str, period: str, *, today: bool, only_sql: bool, limit: int = LIMIT, out: Path | None = None
) -> bool:
    """Print why a rate is what it is; True when the dossiers give the figures that were published.

    Raises:
        QueryError: unit, measure or period is unknown.
        ConfigurationError: there is no warehouse, or `out` cannot be written.
    """
    with open_warehouse(warehouse) as connection:
        try:
            found = find_rate(connection, unit, measure, period, today=today)
        except duckdb.CatalogException:
            raise QueryError(f"kho dữ liệu “{warehouse}” do phiên bản khác của chương trình tạo; hãy chạy lại `tthc run`") from None
        if only_sql:
            _show_query(found)
            return True
        counted = count_again(connection, found)
        _show_rate(found, counted)
        _show_missed(connection, found, limit)
        if out:
            _write_dossiers(connection, found, out)
            print(f"Đã ghi mọi hồ sơ của mẫu số vào {out}")
        print("\nTruy vấn liệt kê mọi hồ sơ của mẫu số, chạy được ngay trong DuckDB:\n")
        _show_query(found)
        return counted == (found.published["numerator"], found.published["denominator"])


def _show_query(found: Explanation) -> None:
    print(f"{found.query};")


def _show_rate(found: Explanation, counted: tuple[int, int]) -> None:
    measure, period, published = found.measure, found.period, found.published
    console = wide_console()
    denominator, numerator = measure.predicates(published["as_of"], f"DATE '{period.end}'", f"DATE '{period.cutoff(published['as_of'])}'")
    placed = "ngày tiếp nhận hoặc ngày kết thúc" if measure.period == RECEIVED_OR_ENDED else _column_vi(measure.period)
    numbers = published["numerator"], published["denominator"]
    target = published.get("target")
    rate = percent_vi(*numbers, target) or "không có tỷ lệ (mẫu số bằng 0)"
    lines = [
        ("Chỉ số", f"{measure.label_vi} ({measure.name}; tiêu chí {published['criterion']})"),
        ("Căn cứ", measure.legal_basis),
        ("Cách tính", measure.differs_vi),
        ("Mẫu số", denominator),
        ("Tử số", f"trong mẫu số, {numerator}"),
        *([("Đếm", f"{_column_vi(measure.distinct)} khác nhau, không đếm hồ sơ")] if measure.distinct else []),
        ("Xếp kỳ theo", placed),
        ("Đơn vị", found.subject_vi),
        *([("Gồm hồ sơ của", "; ".join(found.members))] if found.members else []),
        ("Kỳ", f"{period_vi(period.kind, period.start)}; số liệu chốt {moment_vi(published['as_of'])}"),
        ("Đã công bố", f"{numbers[0]} / {numbers[1]} = {rate}"),
    ]
    if "unit_code" in published:  # totals have no target
        wanted = f"chỉ tiêu {target_vi(target)}" if target is not None else "cấp này không có chỉ tiêu"
        short = f"; còn thiếu {published['shortfall']}" if published["shortfall"] else ""
        lines.append(("Kết quả", f"{STATUS_VI[published['status']]} ({wanted}){short}"))
    same = "khớp" if counted == numbers else "KHÔNG KHỚP VỚI SỐ ĐÃ CÔNG BỐ"
    lines.append(("Đếm lại", f"{counted[0]} / {counted[1]} từ core.cases: {same}"))
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        console.print(f"{name + ':':<{width + 1}} {text}", soft_wrap=True)
    if counted != numbers:
        console.print("!!! Hồ sơ trong kho không cho ra số đã công bố: đừng dùng số này, hãy chạy lại `tthc run`. !!!", soft_wrap=True)


def _column_vi(column: str) -> str:
    return load_contracts()["core.cases"].columns[column].vi


def _show_missed(connection: duckdb.DuckDBPyConnection, found: Explanation, limit: int) -> None:
    query = render_missed(found.measure, found.query)
    total, items = connection.execute(
        f"SELECT count(*), count(DISTINCT {found.measure.distinct or 'case_code'}) FROM ({query}) AS missed"
    ).fetchall()[0]
    print()
    if not total:
        print("Không có hồ sơ nào của mẫu số nằm ngoài tử số." if found.published["denominator"] else "Không có hồ sơ nào trong mẫu số.")
        return
    rows = _rows(connection, f"{query} LIMIT {limit}" if limit else query)
    if found.measure.distinct == "procedure_code":
        print(f"{items} thủ tục không đạt, với {total} hồ sơ:")
        print_table(
            ["Mã TTHC", "Tên thủ tục", "Số hồ sơ"],
            connection.execute(
                f"SELECT m.procedure_code, p.procedure_name, count(*) FROM ({query}) AS m LEFT JOIN core.procedures AS p USING (procedure_code) "
                f"GROUP BY m.procedure_code, p.procedure_name ORDER BY m.procedure_code{f' LIMIT {limit}' if limit else ''}"
            ).fetchall(),
        )
    else:
        print(f"{total} hồ sơ của mẫu số không đạt:")
    headings = ["Mã hồ sơ", "Đơn vị", "Mã TTHC", "Vì sao", "Tệp", "Trong gói nén", "Trang", "Dòng"]
    cells = [
        [r["case_code"], r["unit_code"], r["procedure_code"], _why(found, r), r["file_name"], r["member"], r["sheet"], r["row_number"]]
        for r in rows
    ]
    shown = [n for n in range(len(headings)) if any(row[n] is not None for row in cells)]
    print_table([headings[n] for n in shown], [[row[n] for n in shown] for row in cells])
    if total > len(rows):
        print(f"… còn {total - len(rows)} hồ sơ; thêm --limit 0 để hiện tất cả, hoặc --csv TỆP để ghi ra tệp.")


def _why(found: Explanation, dossier: Mapping[str, Any]) -> str:
    return why_missed(dossier, found.period.end, found.cutoff)


def _write_dossiers(connection: duckdb.DuckDBPyConnection, found: Explanation, out: Path) -> None:
    headings = ["Mã hồ sơ", "Mã đơn vị", "Mã TTHC", "Đạt", "Vì sao không đạt"]
    lineage = ["Tệp", "Trong gói nén", "Trang", "Dòng"]
    rows = _rows(connection, found.query)
    fixed = ("case_code", "unit_code", "procedure_code", "is_numerator", "missed", "file_name", "member", "sheet", "row_number", "file_id")
    facts = [name for name in rows[0] if name not in fixed] if rows else []
    try:
        write_csv(
            out,
            [*headings, *map(_column_vi, facts), *lineage],
            (
                [r["case_code"], r["unit_code"], r["procedure_code"], _cell(r["is_numerator"]), _why(found, r)]
                + [_cell(r[name]) for name in facts]
                + [r["file_name"], r["member"], r["sheet"], r["row_number"]]
                for r in rows
            ),
        )
    except OSError as error:
        raise QueryError(f"không ghi được “{out}”: {error.strerror}") from None


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "Có" if value else "Không"
    return moment_vi(value) if isinstance(value, datetime) else value
