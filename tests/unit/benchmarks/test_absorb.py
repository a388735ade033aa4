"""The benchmark of absorbed factors runs, at small sizes; its figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[3] / "benchmarks" / "absorb.py"


def test_a_quick_run_agrees_with_pyfixest_and_judges_nothing(tmp_path):
    pytest.importorskip("pyfixest")
    file = tmp_path / "found.json"
    command = [
        sys.executable,
        COMMAND,
        "--quick",
        "--rounds",
        "1",
        "--json",
        str(file),
        "--only",
        "firm",
        "--only",
        "clustered",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    assert len(found["races"]) == 2
    for race in found["races"]:
        assert {"gramian", "pyfixest"} <= race["contenders"].keys()
