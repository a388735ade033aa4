"""The benchmarks of models from moments run, at small sizes; their figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).parents[3] / "benchmarks" / "one_gram.py"


def test_penalised_paths_are_raced_and_compared(tmp_path):
    file = tmp_path / "found.json"
    wanted = [part for name in ("lasso-path", "cross-validation", "lasso-digits") for part in ("--only", name)]
    command = [sys.executable, COMMAND, "--quick", "--rounds", "1", *wanted, "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    assert [race["name"] for race in found["races"]] == ["lasso-path", "cross-validation"]
    (agreement,) = found["lasso-digits"]["checks"]
    assert agreement["verdict"] == "pass"  # right answers do not depend on the machine


def test_what_grams_keep_is_raced_and_agrees(tmp_path):
    file = tmp_path / "found.json"
    command = [sys.executable, COMMAND, "--quick", "--rounds", "1", "--only", "keyed", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (race,) = json.loads(file.read_text())["races"]
    assert race["name"] == "keyed"
