"""What is planted in simulated nights is found, and what was corrected in good faith is not."""

import json
import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from bench.audit import STATISTICAL, score_nights

from flows.sample import write_nights


@pytest.mark.slow
def test_ten_nights_are_found_out(tmp_path: Path) -> None:
    made = write_nights(tmp_path, nights=10, cases=500, seed=3, tamper=True)
    truth = json.loads((made.truth / "tampering.json").read_text(encoding="utf-8"))
    assert len({p["rule"] for p in truth["planted"]}) >= 9
    assert len({p["rule"] for p in truth["honest"]}) >= 4
    half, whole = score_nights(made, tmp_path / "w" / "t.duckdb", [made.as_of - timedelta(days=4), made.as_of])
    assert {f for f in whole.planted - whole.found if f[0] not in STATISTICAL} == set()
    assert whole.found - whole.planted == set()
    assert half.found - half.planted == set()
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    [queries] = re.findall(r"^```sql\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    asked = next(p for p in truth["planted"] if p["rule"] == "due_moved_after")
    for example, found in (("000.22.58.H48-240215-0007", asked["case_code"]), ("'000.22.58.H48'", f"'{asked['unit_code']}'")):
        assert example in queries
        queries = queries.replace(example, found)
    with duckdb.connect(str(tmp_path / "w" / "t.duckdb"), read_only=True) as connection:
        answers = [connection.execute(statement).fetchall() for statement in connection.extract_statements(queries)]
    assert [bool(rows) for rows in answers] == [True, True, True]
    assert any(before and after for _, before, _, _, after, *_ in answers[1]), "evidence names the files before and after"


@pytest.mark.slow
def test_nights_without_tampering_raise_nothing(tmp_path: Path) -> None:
    made = write_nights(tmp_path, nights=10, cases=500, seed=4)
    [score] = score_nights(made, tmp_path / "w" / "t.duckdb", [made.as_of])
    assert score.found == set()


@pytest.mark.parametrize("wrong", [{"nights": 7}, {"cases": 100}, {"year": 2025}])
def test_nights_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="8 đến 300 đêm"):
        write_nights(tmp_path, **({"nights": 10} | wrong))  # type: ignore[arg-type]
