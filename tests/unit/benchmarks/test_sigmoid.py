"""The benchmarks of sigmoids run, at small sizes; their figures are not looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[3] / "benchmarks" / "sigmoid.py"


def sigmoid(file, *arguments, **environment):
    command = [sys.executable, COMMAND, "--quick", "--rounds", "1", "--json", str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def test_findings_are_shown_and_written_and_nothing_is_judged(tmp_path):
    file = tmp_path / "found.json"
    done = sigmoid(file, "--only", "rare")
    assert done.returncode == 0, done.stderr
    assert "not judged" in done.stdout
    found = json.loads(file.read_text())
    assert found["rare"]["checks"]
    assert found["parquet"] is None
    assert found["races"] == []


def test_a_race_tells_how_far_every_contender_is_from_the_optimum(tmp_path):
    pytest.importorskip("glum")
    file = tmp_path / "found.json"
    done = sigmoid(file, "--only", "logistic")
    assert done.returncode == 0, done.stderr
    (race,) = json.loads(file.read_text())["races"]
    assert race["distances"].keys() == race["contenders"].keys()
    assert race["comparisons"][-1]["at_most"] == 0.1


def test_without_nists_files_their_row_is_skipped_visibly(tmp_path):
    file = tmp_path / "found.json"
    done = sigmoid(file, "--only", "nist", GRAMIAN_NIST=str(tmp_path / "nowhere"))
    assert done.returncode == 0, done.stderr
    assert "skipped" in done.stdout
    assert "GRAMIAN_NIST" in json.loads(file.read_text())["nist"]["skipped"]
