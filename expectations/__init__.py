"""Contracts and rules: what published tables hold and mean, and what stops a publication."""

from expectations.contracts import Contract, ContractBroken, ContractColumn, check_columns, check_tables, create_tables_sql, load_contracts
from expectations.gate import CheckResult, failed_critically, run_checks

__all__ = [
    "CheckResult",
    "Contract",
    "ContractBroken",
    "ContractColumn",
    "check_columns",
    "check_tables",
    "create_tables_sql",
    "failed_critically",
    "load_contracts",
    "run_checks",
]
