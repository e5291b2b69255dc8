"""The part of the build that is rendered from transforms/reconciliation.yml: what aggregated exports state, and our own counts of the same."""

import pyarrow as pa

from expectations import load_contracts
from flows.engine import Engine
from transforms.layouts import LayoutLists
from transforms.reconciliation import Reconciliation, load_reconciliation, render_candidates, render_counts, render_stated

_CANDIDATES = pa.schema([("aggregate_id", pa.int64()), ("figure", pa.string()), ("case_code", pa.string()), ("reason_number", pa.int32())])


def load_figures_declared(lists: LayoutLists) -> Reconciliation:
    """The figures of every export kind that names a period, each column of it but the unit."""
    kinds = {
        name: [column.staged_as for column in kind.columns.values() if column.type != "unit"]
        for name, kind in lists.kinds.items()
        if kind.has_period
    }
    return load_reconciliation(kinds, list(load_contracts()["core.cases"].columns))


def list_stated(engine: Engine, declared: Reconciliation) -> None:
    """work.stated, work.figures and work.reasons are there for transforms/sql/87_stated.sql and what follows it."""
    tables = {
        "figures": [
            {
                "source_kind": f.source_kind,
                "figure": f.name,
                "figure_number": f.number,
                "label_vi": f.label_vi,
                "rule_vi": f.rule_vi,
                "is_certain": f.is_certain,
            }
            for f in declared.figures
        ],
        "reasons": [{"reason_number": number, "reason_vi": reason.reason_vi} for number, reason in enumerate(declared.reasons, 1)],
    }
    for name, rows in tables.items():
        engine.load(f"work.{name}", pa.Table.from_pylist(rows))
    engine.run(f"CREATE TABLE work.stated AS\n{render_stated(declared.figures)}", "reconciliation.yml")


def count_figures(engine: Engine, declared: Reconciliation) -> None:
    """work.counted holds our count of every figure that an export states, for transforms/sql/88_reconciliation.sql."""
    engine.run(f"CREATE TABLE work.counted AS\n{render_counts(declared.figures)}", "reconciliation.yml")


def find_candidates(engine: Engine, declared: Reconciliation) -> None:
    """work.candidates holds the dossiers that may explain a difference, for transforms/sql/89_reconciliation_cases.sql."""
    ((days,),) = engine.fetch("SELECT reconciliation_boundary_days FROM work.thresholds")
    differing = set(engine.fetch("SELECT DISTINCT source_kind, figure FROM work.differing"))
    figures = [f for f in declared.figures if (f.source_kind, f.name) in differing and not f.of_procedures]
    if figures:
        engine.run(f"CREATE TABLE work.candidates AS\n{render_candidates(figures, declared.reasons, int(days))}", "reconciliation.yml")
    else:
        engine.load("work.candidates", _CANDIDATES.empty_table())
