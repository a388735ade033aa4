"""The benchmark of exit codes counts every run; which of its commands end well is not looked at here."""

import json
import subprocess
import sys
from pathlib import Path

from forked import forks, loaded_modules

COMMAND = Path(__file__).parents[3] / "benchmarks" / "exits.py"


def test_every_run_is_counted(tmp_path):
    file = tmp_path / "found.json"
    command = [sys.executable, COMMAND, "--runs", "2", "--only", "derive", "--only", "first rows", "--no-load"]
    done = subprocess.run([*command, "--json", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(file.read_text())["exits"] == {"derive": {"0": 2}, "first rows": {"0": 2}}
    assert done.stdout == "derive: 2 with 0\nfirst rows: 2 with 0\n"


def test_a_run_that_does_not_end_well_is_told(tmp_path):
    script = "import sys, exits; exits.COMMANDS['inspect'] = 'inspect nothing.csv'; sys.exit(exits.main())"
    command = [sys.executable, "-c", script, "--runs", "1", "--only", "inspect", "--no-load"]
    done = subprocess.run(command, cwd=COMMAND.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "inspect: 1 with 3\n")


def test_a_forked_run_ends_as_one_that_was_started(tmp_path):
    modules = loaded_modules("import decimal, sys; sys.exit(3)", ["-c"], str(tmp_path))
    assert "decimal" in modules
    programs = {
        "import sys; assert 'decimal' in sys.modules and sys.argv == ['x', 'y']": 0,
        "import sys; sys.exit(3)": 3,
        "1 / 0": 1,
        "import atexit, os; atexit.register(os.abort)": -6,
    }
    with forks(modules, str(tmp_path)) as made:
        assert [made.code(program, ["x", "y"]) for program in programs] == list(programs.values())
