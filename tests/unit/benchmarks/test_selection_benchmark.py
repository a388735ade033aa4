"""The benchmark of best subsets runs, at small sizes; its figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).parents[3] / "benchmarks" / "selection.py"


def test_the_search_is_compared_with_all_subsets(tmp_path):
    file = tmp_path / "found.json"
    command = [sys.executable, COMMAND, "--quick", "--rounds", "1", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not judged" in done.stdout
    found = json.loads(file.read_text())
    equal = [c for c in found["best-subset"]["checks"] if "exhaustive" in c["what"]]
    assert len(equal) == 3
    assert all(c["verdict"] == "pass" for c in equal)
    assert found["growth"]["rows"]
