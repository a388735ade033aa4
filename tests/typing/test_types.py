"""What a type checker says of programs that use gramian."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXPECTED = re.compile(r"# ([a-z-]+)$")
FOUND = re.compile(r":(\d+): error: .*\[([a-z-]+)\]$")


@pytest.fixture(scope="module")
def errors():
    """Errors of both files, (line, code) by name of the file; one run, for mypy reads all of gramian."""
    pytest.importorskip("mypy", reason="mypy checks the types")
    command = [sys.executable, "-m", "mypy", "--no-pretty", "--config-file", str(ROOT / "pyproject.toml")]
    files = [str(HERE / "right.py"), str(HERE / "wrong.py")]
    done = subprocess.run([*command, *files], capture_output=True, encoding="utf-8", cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    return {
        Path(file).name: {(int(m[1]), m[2]) for line in lines if Path(file).name in line and (m := FOUND.search(line))}
        for file in files
    } | {"all": done.stdout}


def test_right_uses_have_the_types_that_are_asserted(errors):
    assert errors["right.py"] == set(), errors["all"]


def test_every_wrong_use_is_an_error_and_nothing_else_is(errors):
    lines = (HERE / "wrong.py").read_text("utf-8").splitlines()
    expected = {(number, m[1]) for number, line in enumerate(lines, 1) if (m := EXPECTED.search(line))}
    assert len(expected) > 20
    assert errors["wrong.py"] == expected, errors["all"]
