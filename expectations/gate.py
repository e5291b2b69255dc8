"""The gate: every contract and rule, run on the warehouse that was just built and not yet published."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import yaml

from expectations.contracts import contract_checks


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome; `found` counts violations."""

    name: str
    severity: str
    found: int
    message_vi: str

    @property
    def is_passed(self) -> bool:
        """No violation."""
        return self.found == 0


def run_checks(count: Callable[[str], int]) -> list[CheckResult]:
    """All checks, in the order of the rule file, then the contracts'.

    Args:
        count: runs a query that yields one number on the new warehouse.
    """
    rules = yaml.safe_load(files("expectations").joinpath("rules.yml").read_text(encoding="utf-8"))
    results = [CheckResult(rule["name"], rule["severity"], count(rule["sql"]), rule["message_vi"]) for rule in rules]
    results += [CheckResult(name, "critical", count(sql), message) for name, message, sql in contract_checks()]
    return results


def failed_critically(results: list[CheckResult]) -> list[CheckResult]:
    """The checks that hold the result back."""
    return [result for result in results if result.severity == "critical" and not result.is_passed]
