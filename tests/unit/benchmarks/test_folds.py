"""The benchmark of keyed passes runs, at small sizes; its figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).parents[3] / "benchmarks" / "folds.py"


def test_a_quick_race_of_folds_and_groups(tmp_path):
    file = tmp_path / "found.json"
    arguments = ["--quick", "--rounds", "1", "--json", str(file)]
    done = subprocess.run([sys.executable, COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    races = json.loads(file.read_text())["races"]
    assert [race["name"] for race in races] == ["folds", "few groups", "many groups"]
    assert [race["comparisons"][0]["at_most"] for race in races[1:]] == [2.0, 8.0]
