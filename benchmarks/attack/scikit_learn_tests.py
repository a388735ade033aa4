"""scikit-learn's own tests of its linear models, from the installed package, with our estimators in their place.

Prints a table of what passes, what differs on purpose and why; exits with 1 where a test fails for no such reason.

    python benchmarks/attack/scikit_learn_tests.py [MODULE ...]     # by default all of MODULES
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
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

# Why a test differs on purpose: the first pattern that is found in the test's name or in its error.
REASONS: tuple[tuple[str, str], ...] = (
    (r"Only binary classification|type of the target is multiclass", "LogisticRegression has two classes"),
    (r"penalty of squares, or none", "LogisticRegression has no penalty of absolute values"),
    (r"SeparationError", "coefficients without end are refused, not stopped somewhere"),
    (r"gramian.errors.ConvergenceError", "too few passes are an error, not a warning"),
    (
        r"ConvergenceWarning|_warm_start|max_iter|test_n_iter",
        "there is no iteration that could stop early or start elsewhere",
    ),
    (r"dual_gap_", "no dual gap: the optimality conditions hold"),
    (r"set_callbacks|_callback_", "no callbacks"),
    (r"check_input", "no private argument check_input"),
    (
        r"has no attribute 'solver_'|liblinear|_solver|precompute|overridden_gram|incorrect_gram|gcv_mode",
        "one way to solve",
    ),
    (r"Regex pattern did not match", "an error with other words"),
    (r"FutureWarning", "no deprecated values"),
    (r"test_ridgecv_sample_weight", "weights count in scores with cv, too"),
    (r"test_inplace_data_preprocessing", "X and y are never overwritten"),
    (r"products of columns overflow float64", "numbers whose squares overflow are refused"),
    (r"test_lasso_alpha_warning", "alpha=0 is solved as any other penalty: nothing to warn of"),
    (
        r"if_positive_and_sparse|large_sparse_matrix|sparse_error|sparse_sag|positive_error",
        "works where theirs refuses",
    ),
)
NUMBERS_DIFFER = "Mismatched elements|Not equal to tolerance|not almost equal"


def lasso_of_several_outcomes_stops() -> bool:
    """Whether scikit-learn's multi-task lasso comes to our lasso as its tolerance goes to 0, on the test's data."""
    dataset = import_module("sklearn.linear_model.tests.test_coordinate_descent").build_dataset(n_features=10)
    X, y = dataset[:2]
    mine = ours.LassoCV(alphas=5, eps=2e-3).fit(X, y)
    theirs = import_module("sklearn.linear_model").MultiTaskLassoCV(alphas=5, eps=2e-3, tol=1e-12, max_iter=10**6)
    return bool(np.allclose(mine.coef_, theirs.fit(X, y[:, None]).coef_[0], rtol=0.0, atol=1e-8))


def logistic_of_cross_validation_stops() -> bool:
    """Whether scikit-learn's logistic regression comes to ours as its tolerance goes to 0, on data like the test's."""
    random = np.random.RandomState(42)
    X = random.randn(50, 5)
    y = np.sign(X.dot(5 * random.randn(5)))
    X = (X - X.mean()) / (X - X.mean()).std()
    mine = ours.LogisticRegression(C=1.0, fit_intercept=False).fit(X, y)
    package = import_module("sklearn.linear_model._logistic")
    theirs = package.LogisticRegression(C=1.0, fit_intercept=False, solver="newton-cholesky", tol=1e-12)
    return bool(np.allclose(mine.coef_, theirs.fit(X, y).coef_, rtol=0.0, atol=1e-8))


# tests of numbers that differ because scikit-learn's own estimator stops at its tolerance: shown each time anew
STOPS_EARLY: dict[str, Callable[[], bool]] = {
    "test_1d_multioutput_lasso_and_multitask_lasso_cv": lasso_of_several_outcomes_stops,
    "test_logistic_cv": logistic_of_cross_validation_stops,
}


def replace_estimators() -> None:
    """Put our estimators where scikit-learn's tests import theirs from, before they do; its own modules keep theirs."""
    package = import_module("sklearn.linear_model")
    for name in REPLACED:
        setattr(package, name, getattr(ours, name))


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
    if re.search(NUMBERS_DIFFER, last) and "test_n_iter" not in name:
        stops = next((check for test, check in STOPS_EARLY.items() if f"::{test}" in name), None)
        if stops and stops():
            return "theirs stops at its tolerance, and comes to these numbers as that goes to 0 (computed)"
        return None  # whatever the test is called
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
