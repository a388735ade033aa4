"""scikit-learn's own tests of its linear models, from the installed package, with our estimators in their place.

Prints a table of what passes, what differs on purpose and why; exits with 1 where a test fails for no such reason.

    python benchmarks/attack/scikit_learn_tests.py [MODULE ...]     # by default all of MODULES
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from importlib import import_module
from typing import Any

import pytest

import gramian.sklearn as ours

MODULES = ("base", "ridge", "coordinate_descent", "sparse_coordinate_descent", "logistic", "common")
REPLACED = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "ElasticNet",
    "LassoCV",
    "LogisticRegression",
    "PoissonRegressor",
)
OURS = re.compile("|".join(REPLACED))

# Why a test differs on purpose: the first pattern that is found in the test's name or in its error.
REASONS: tuple[tuple[str, str], ...] = ()


def replace_estimators() -> None:
    """Put our estimators where scikit-learn's tests import theirs from, before they do."""
    package = import_module("sklearn.linear_model")
    for module in [package, *(m for name, m in sys.modules.items() if name.startswith("sklearn.linear_model._"))]:
        for name in REPLACED:
            if hasattr(module, name):
                setattr(module, name, getattr(ours, name))


class Outcomes:
    """Collects the outcome of every test."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: dict[str, str] = {}
        self.skipped = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)
        elif report.failed:
            self.failed[report.nodeid] = str(report.longrepr)
        elif report.skipped:
            self.skipped += 1


def reason_of(name: str, error: str) -> str | None:
    """Why this failure is on purpose, if it is."""
    last = "\n".join(line for line in error.splitlines() if line.startswith("E ")) or error[-2000:]
    return next((why for pattern, why in REASONS if re.search(pattern, f"{name}\n{last}")), None)


def main(modules: list[str]) -> int:
    replace_estimators()
    folder = import_module("sklearn.linear_model").__path__[0] + "/tests"
    outcomes = Outcomes()
    with warnings.catch_warnings():
        arguments = ["-q", "-p", "no:cacheprovider", "--no-header", "-c", "/dev/null", "--rootdir", folder]
        paths = [f"{folder}/test_{m}.py" for m in modules]
        pytest.main([*arguments, "--tb=short", "--show-capture=no", "-rN", *paths], plugins=[outcomes])
    return report(outcomes)


def report(outcomes: Outcomes) -> int:
    """Print the table; 1 where a failure has no reason."""
    reasons = {name: reason_of(name, error) for name, error in outcomes.failed.items()}
    counts = Counter(why for why in reasons.values() if why)
    open_ones = [name for name, why in reasons.items() if why is None]
    print(f"\n| outcome | tests |\n|---|--:|\n| passed | {len(outcomes.passed):,} |")
    for why, count in counts.most_common():
        print(f"| {why} | {count} |")
    print(f"| skipped by scikit-learn | {outcomes.skipped} |\n| not explained | {len(open_ones)} |")
    for name in open_ones:
        print(f"\n{name}\n{outcomes.failed[name][-1500:]}")
    return int(bool(open_ones))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(MODULES)))
