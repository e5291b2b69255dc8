"""The part of the build that is rendered from transforms/reconciliation.yml: what aggregated exports state, and our own counts of the same."""

import duckdb
import pyarrow as pa

from expectations import load_contracts
from transforms.layouts import LayoutLists
from transforms.reconciliation import Reconciliation, load_reconciliation, render_candidates, render_counts, render_stated


def load_figures_declared(lists: LayoutLists) -> Reconciliation:
    """The figures of every export kind that names a period, each column of it but the unit."""
    kinds = {
        name: [column.staged_as for column in kind.columns.values() if column.type != "unit"]
        for name, kind in lists.kinds.items()
        if kind.has_period
    }
    return load_reconciliation(kinds, list(load_contracts()["core.cases"].columns))


def list_stated(connection: duckdb.DuckDBPyConnection, declared: Reconciliation) -> None:
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
        connection.register("incoming", pa.Table.from_pylist(rows))
        connection.execute(f"CREATE TABLE work.{name} AS SELECT * FROM incoming")
        connection.unregister("incoming")
    connection.execute(f"CREATE TABLE work.stated AS\n{render_stated(declared.figures)}")


def count_figures(connection: duckdb.DuckDBPyConnection, declared: Reconciliation) -> None:
    """work.counted holds our count of every figure that an export states, for transforms/sql/88_reconciliation.sql."""
    connection.execute(f"CREATE TABLE work.counted AS\n{render_counts(declared.figures)}")


def find_candidates(connection: duckdb.DuckDBPyConnection, declared: Reconciliation) -> None:
    """work.candidates holds the dossiers that may explain a difference, for transforms/sql/89_reconciliation_cases.sql."""
    ((days,),) = connection.execute("SELECT reconciliation_boundary_days FROM work.thresholds").fetchall()
    connection.execute(f"CREATE TABLE work.candidates AS\n{render_candidates(declared, int(days))}")
