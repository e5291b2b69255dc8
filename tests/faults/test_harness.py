"""A slice of `make faults` in every test run, and the page that tells of the whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_exports import FAULTS
from write_reliability import INJECTED, PAGE, PROMISES, ROOT, render_latest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_a_slice_of_all_faults_violates_nothing(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, str(HERE / "harness.py"), "--every=150", "--kills=4", "--minutes=0.4", f"--out={out}"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    figures = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    assert said.returncode == 0 and figures["violations"] == [], said.stdout + said.stderr
    assert figures["doors"] > 800 and sum(figures["rounds"].values()) >= 1
    assert {"smtp-send", "sqlite", "duckdb", "rename", "fsync", "spawn"} <= figures["doors_by_kind"].keys()


def test_the_page_says_what_the_last_run_found() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_latest()


def test_every_test_that_the_page_names_exists() -> None:
    for _, names in (*PROMISES, *INJECTED):
        for name in names:
            file, _, test = name.partition("::")
            test, _, case = test.partition("[")
            assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), name
            assert not case or case.removesuffix("]") in FAULTS, name
