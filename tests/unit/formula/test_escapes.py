import subprocess
import sys
from pathlib import Path


def test_no_formula_reaches_python():
    script = Path(__file__).with_name("escapes.py")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    assert run.stderr == ""
    assert run.returncode == 0
    assert run.stdout.endswith("3 warm\n")
    assert len(run.stdout.splitlines()) == 1, run.stdout
