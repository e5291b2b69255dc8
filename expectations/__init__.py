"""Contracts and rules: what published tables hold and mean, and what stops a publication."""

from expectations.checks import CheckResult, failed_critically
from expectations.contracts import Contract, ContractBroken, ContractColumn, check_columns, check_tables, create_tables_sql, load_contracts

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
]
