"""Which reading of an export counts where its raw file is gone."""

from pathlib import Path

import pytest

from flows import staging
from flows.landing import save_record
from flows.staging import find_staged


@pytest.mark.parametrize(
    ("readers", "found"), [(["8", "9", "10"], "r10"), (["9", "10", "11", "12"], "r12"), (["2", "13"], "r13"), (["2"], "r2")]
)
def test_the_newest_of_the_older_readings_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readers: list[str], found: str) -> None:
    monkeypatch.setattr(staging, "READER_VERSION", "13")
    for reader in readers:
        save_record(tmp_path / "read" / f"r{reader}" / "a" / "export.json", {"status": "read"})
    assert found == (find_staged(tmp_path, "a") or (tmp_path,))[0].parent.name
