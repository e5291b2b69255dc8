"""The build's SQL stays in the subset that DuckDB and Spark read alike; tests/parity proves it by running, this names the usual slips without Java."""

import re
from datetime import datetime

import pytest

from expectations import load_contracts
from flows.build_sql import sql_files, wording_functions
from flows.reconciliation import load_figures_declared
from transforms.corrections import render_units
from transforms.layouts import load_lists
from transforms.measures import load_measures, render_months, render_periods
from transforms.pending import is_foreseen, render_pending, render_unpaid
from transforms.reconciliation import render_candidates, render_counts, render_stated
from transforms.restatements import render_compared, render_counted, render_newest

# pattern -> why; what to write instead.
NOT_PORTABLE = {
    r"\bVARCHAR\b": "Spark wants a length; STRING",
    r"::": "CAST(x AS type)",
    r"\bGROUP BY ALL\b|\bORDER BY ALL\b": "name the columns",
    r"\bQUALIFY\b": "row_number() in a query around it",
    r"\bFILTER\s*\(": "CASE inside the aggregate",
    r"\bcount_if\b|\bcountif\b": "count(CASE WHEN … THEN 1 END): of no row it is NULL in one and 0 in the other",
    r"\b(?:date_diff|datediff|dayofweek|strptime|strftime|to_date|epoch)\b": "arguments differ; extract(… FROM …), or a join with the calendar",
    r"\b(?:list|array_agg|unnest|struct_pack|string_agg|listagg)\s*\(": "one row a value",
    r"\bconcat(?:_ws)?\s*\(": "||; concat takes NULL otherwise",
    r"\b[lr]?trim\s*\([^()]*,": "the arguments are the other way round; regexp_replace",
    r"//": "CAST(floor(x / y) AS BIGINT)",
    r"\bEXCLUDE\b|\bREPLACE\s*\(\s*\w+ AS|\bBY NAME\b": "name the columns",
    r"\b(?:UPDATE|DELETE|MERGE|ALTER)\b": "make the table as it is to be",
    r"\bINSERT INTO work\.": "one CREATE TABLE work.x AS",
    r"\bILIKE\b|\bSIMILAR TO\b|\bGLOB\b": "lower(x) LIKE, regexp_replace",
}


def texts() -> dict[str, str]:
    """Every SQL text of the build: the files, and what is rendered from declarations."""
    columns, as_of = list(load_contracts()["core.cases"].columns), datetime(2025, 7, 1)
    found = dict(sql_files())
    measures = load_measures(columns)
    found["months"] = render_months([m for m in measures if not m.is_per_period], as_of)
    found["pending"] = render_pending([m for m in measures if is_foreseen(m) and m.period != "ended_at"], as_of, columns)
    found["unpaid"] = render_unpaid([m for m in measures if is_foreseen(m)], as_of, columns)
    found |= {f"periods of {m.name}": render_periods(m, as_of) for m in measures}
    found["counted"] = render_counted(measures, as_of, "work.cases_before")
    found["compared"] = render_compared(measures)
    found["corrected"] = render_units(
        "work.corrected_cases", [("case_code", "STRING"), ("on_date", "DATE"), ("unit_code", "STRING")], ["'a'"]
    )
    found["newest"] = render_newest("work.case_records", ["case_code"], "unit_code", as_of.date())
    declared = load_figures_declared(load_lists())
    figures = {
        "stated": render_stated(declared.figures),
        "counts": render_counts(declared.figures),
        "candidates": render_candidates([f for f in declared.figures if not f.of_procedures], declared.reasons, 3),
    }
    return found | figures | {function.name: function.sql for function in wording_functions()}


TEXTS = texts()


def bare(text: str) -> str:
    """The text without comments and quoted words."""
    return re.sub(r"'[^']*'", "''", re.sub(r"--[^\n]*", "", text))


@pytest.mark.parametrize("pattern", NOT_PORTABLE)
def test_no_statement_uses(pattern: str) -> None:
    slips = {name: found[0] for name, text in TEXTS.items() if (found := re.search(pattern, bare(text), re.IGNORECASE))}
    assert slips == {}, NOT_PORTABLE[pattern]


@pytest.mark.parametrize(
    "slip",
    [
        "CAST(a AS VARCHAR)",
        "a::INT",
        "SELECT a GROUP BY ALL",
        "count_if(a)",
        "date_diff('day', a, b)",
        "rtrim(a, '0')",
        "a // b",
        "UPDATE work.x SET a = 1",
    ],
)
def test_a_slip_is_noticed(slip: str) -> None:
    assert any(re.search(pattern, bare(slip), re.IGNORECASE) for pattern in NOT_PORTABLE)


def test_a_corrected_dossier_finds_its_unit_as_every_row_does() -> None:
    """The order in which units of a name are preferred stands in SQL and in what corrections render."""

    def order(text: str) -> str:
        found = re.search(r"ORDER BY (CASE WHEN \w\.\w+ >= \w\.valid_from.*?)\) AS place", " ".join(text.split()))
        assert found
        return re.sub(r"\b\w\.", "", found[1]).replace("new_date", "on_date").strip()

    assert order(TEXTS["corrected"]) == order(TEXTS["30_unit_refs.sql"])
