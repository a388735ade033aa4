"""Counts of `gm.compare` against plain loops: the tests that show it, run."""

from __future__ import annotations

import re
import subprocess
import sys

from findings import Finding, check
from machine import ROOT
from problems import Sizes

FILE = "tests/unit/comparison/test_compare_counts.py"
TESTS = {
    "test_counts_are_those_of_a_plain_loop": "steps taken one by one on the same products",
    "test_counts_are_those_of_a_plain_loop_from_the_rows": "the same with products as NumPy sums them",
    "test_the_closed_form_counts_as_a_loop_does": "counts of long ways, which are not walked",
}


def loops(sizes: Sizes, rounds: int) -> Finding:
    """Every case of each of the tests."""
    counts = {name: _run(name) for name in TESTS}
    passed, other = (sum(c[i] for c in counts.values()) for i in (0, 1))
    return Finding(
        "gm.compare: iterations against plain loops",
        (f"test in {FILE}", "what it compares", "cases that agree", "others"),
        [(name, TESTS[name], str(good), str(bad)) for name, (good, bad) in counts.items()],
        [check("cases with equal counts", f"{passed} of {passed + other}", "all", passed > 0 and other == 0)],
    )


def _run(test: str) -> tuple[int, int]:
    """Cases that pass, and all others."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{FILE}::{test}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (passed|failed|error|skipped)", last)}
    if not counts:
        raise RuntimeError(f"{test} did not run: {last}")
    return counts.pop("passed", 0), sum(counts.values())
