"""Figures made by hand, with the same text in every field that comes from exports or reference tables."""

from datetime import date, datetime

from flows.figures import (
    Check,
    Difference,
    Figures,
    File,
    Finding,
    Freshness,
    LateReception,
    Measure,
    Needed,
    Period,
    Rank,
    Rate,
    Restatement,
    RuleEffect,
    SourceState,
    Unit,
    WorkItem,
)

AS_OF = datetime(2024, 6, 30, 23)
YEAR, QUARTER = Period("year", date(2024, 1, 1), date(2025, 1, 1)), Period("quarter", date(2024, 4, 1), date(2024, 7, 1))


def make_figures(text: str, *, units: int = 2, measures: int = 2, months: int = 3) -> Figures:
    """A small office, or a large one, whose every word is `text`; units differ by code and by the day they began."""
    level = ("district_department", "commune")
    listed = [
        Unit(f"{text}{number // 2}", date(2003 + number % 2, 1, 1), f"{text}{number:03d}", level[number % 2]) for number in range(units)
    ]
    names = ["on_time", *(f"measure_{number}" for number in range(1, measures))]
    starts = [date(2024 - (months - 1 - number + 6) // 12, (5 - (months - 1 - number)) % 12 + 1, 1) for number in range(months)]
    periods = [YEAR, QUARTER]
    for start in starts:
        periods.append(Period("month", start, date(start.year + start.month // 12, start.month % 12 + 1, 1)))
    rates, groups = [], []
    for place, period in enumerate(periods):
        for row, name in enumerate(names):
            for number, unit in enumerate(listed):
                found = (7 * number + 13 * row + 5 * place) % 41
                target = 0.75 if row % 3 else 0.97
                status = "no_data" if found == 40 else "met" if found >= target * 40 else "missed"
                counts = (0, 0) if found == 40 else (found, 40)
                short = max(0, round(target * 40) - found) if status == "missed" else None
                rates.append(Rate(name, text, period, unit, None, *counts, target, status, short, AS_OF, number == 0))
            groups += [Rate(name, text, period, None, group, 30, 40, None, "no_target", None) for group in (*level, "all")]
    first, case = listed[0], text
    return Figures(
        as_of=AS_OF,
        measures=[Measure(name, text, f"{text} {name}", text, "plan", False, text) for name in names],
        current=[YEAR, QUARTER, periods[-1]],
        units=listed,
        rates=rates,
        groups=groups,
        late=[LateReception(case, unit, AS_OF, None, 12.5, True) for unit in listed],
        worklist=[WorkItem(1, case, first, text, text, "overdue", AS_OF, -3.5, AS_OF, AS_OF, text)],
        needed=[Needed("on_time", first, 20, 40, 0.97, 10, 12, False, text, 0.6, False)],
        flags=[(1, first, text)],
        freshness=[
            Freshness("cases", text, None, AS_OF, "red", "stale", text),
            Freshness("cases", text, first, AS_OF, "yellow", "stale", text),
        ],
        reconciliation=[
            Difference(
                "summary06",
                first,
                Period("range", date(2024, 1, 1), date(2024, 7, 1)),
                "total",
                text,
                5,
                4,
                1,
                False,
                note_vi=text,
                cases=((text, text),) * 12,
            )
        ],
        sources=[SourceState(text, "red", AS_OF, text)],
        checks=[Check(text, "warning", 3, False, text, text)],
        files=[
            File(text, text, text, "rejected", AS_OF, 1, 0, 1, text, text),
            File("a.xlsx", None, "cases", "loaded", AS_OF, 1, 1, 0, None, None),
        ],
        rejects=[("bad_date", text, text, 2)],
        plan=[
            dict.fromkeys(("criterion", "name_vi", "lead_unit", "partner_units", "target_text", "actual", "note_vi", "status_vi"), text)
            | {"worst_unit_name": text, "deadline": date(2024, 12, 31), "units_missed": 1, "status": "missed", "last_report_on": None}
        ],
        ranks=[Rank("on_time", YEAR, first, 1, units)],
        restatements=[
            Restatement(
                date(2024, 6, 30),
                date(2024, 6, 29),
                "on_time",
                QUARTER,
                first,
                (39, 40, "met"),
                (38, 40, "missed"),
                "changed",
                text,
                1,
                text,
                ((case, "numerator", "denominator", "changed", text),),
            )
        ],
        ordinary_restatements=2,
        findings=[Finding("reopened:1", "reopened", "ask", text, first, case, 1, AS_OF, text, text, text, text, text, text, 0.1)],
        effects=[RuleEffect("reopened", "ask", text, first, 1, 1, text, 0.1)],
        histories={
            case: [
                dict.fromkeys(
                    (
                        "unit_name",
                        "unit_code",
                        "procedure_code",
                        "channel",
                        "file_name",
                        "member",
                        "sheet",
                        "last_file_name",
                        "last_member",
                        "last_sheet",
                    ),
                    text,
                )
                | dict.fromkeys(
                    ("submitted_at", "received_at", "due_at", "finished_at", "returned_at", "valid_from", "last_seen_at"), AS_OF
                )
                | {"state_number": 1, "valid_to": None, "changed_columns": None, "status_code": 4, "row_number": 1, "last_row_number": 1}
            ]
        },
    )
