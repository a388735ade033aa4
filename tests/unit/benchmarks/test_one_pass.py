"""The benchmarks run, at small sizes; their figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).parents[3] / "benchmarks" / "one_pass.py"


def one_pass(*arguments):
    return subprocess.run([sys.executable, COMMAND, *arguments], capture_output=True, text=True, check=False)


def test_a_quick_race_writes_its_rounds_with_the_machine_and_judges_nothing(tmp_path):
    file = tmp_path / "found.json"
    done = one_pass("--quick", "--rounds", "2", "--only", "array", "--json", str(file))
    assert done.returncode == 0, done.stderr
    assert "not judged" in done.stdout
    found = json.loads(file.read_text())
    assert {"date", "machine", "packages", "threads", "races"} <= found.keys()
    (race,) = found["races"]
    assert all(len(contender["seconds"]) == 2 for contender in race["contenders"].values())
    (comparison,) = race["comparisons"]
    assert comparison["at_most"] == 1.3
    assert found["memory"] is None


def test_an_unknown_name_is_refused_with_the_known_ones():
    done = one_pass("--only", "nothing")
    assert done.returncode == 2
    assert "averages" in done.stderr
