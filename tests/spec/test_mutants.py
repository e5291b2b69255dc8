"""A sample of `make mutate`: the spec cases notice a change of any predicate."""

import random

import pytest
from mutate import EQUIVALENT, SpecCounts, all_mutants, stale_equivalents


@pytest.mark.slow
def test_a_sample_of_mutants_is_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    counts = SpecCounts(tmp_path_factory.mktemp("mutants"))
    sample = random.Random(4).sample(all_mutants(), 15)
    survivors = [f"{m.measure.name}, {m.name}" for m in sample if counts.outcome(m) == "survived"]
    counts.connection.close()
    assert survivors == []


def test_equivalent_mutants_are_mutants_and_few() -> None:
    assert stale_equivalents() == []
    assert len(EQUIVALENT) < len(all_mutants()) / 40
