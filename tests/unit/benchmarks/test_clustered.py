"""The benchmark of standard errors by cluster runs, at small sizes; its figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).parents[3] / "benchmarks" / "clustered.py"


def test_a_race_is_run_and_nothing_is_judged(tmp_path):
    file = tmp_path / "found.json"
    command = [sys.executable, COMMAND, "--quick", "--rounds", "1", "--json", str(file), "--only", "recipes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (race,) = json.loads(file.read_text())["races"]
    assert len(race["contenders"]) == 4
