"""Estimators against scikit-learn's and those of scikit-learn-intelex, each with its bar.

python benchmarks/estimators.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from command import Program, main
from problems import Sizes, array
from runner import Bar, Contender, Race
from sklearn import linear_model as theirs

from gramian import sklearn as ours

INTEL = "scikit-learn-intelex"


def least_squares(sizes: Sizes) -> Race:
    X, y = array(sizes.array)
    contenders = [
        Contender("gramian", lambda: ours.LinearRegression().fit(X, y).coef_),
        Contender("scikit-learn", lambda: theirs.LinearRegression().fit(X, y).coef_),
    ]
    bars = [Bar("gramian", "scikit-learn", 1 / 10)]
    work = f"LinearRegression().fit, {sizes.array:,} x {X.shape[1]}"
    if find_spec("sklearnex") is None:
        return Race("least-squares", f"{work} ({INTEL} cannot be had here)", contenders, bars)
    from sklearnex import linear_model as intel

    contenders.append(Contender(INTEL, lambda: intel.LinearRegression().fit(X, y).coef_))
    return Race("least-squares", work, contenders, [*bars, Bar("gramian", INTEL, 1 / 1.3)])


PROGRAM = Program(
    "estimators", "Estimators against others: ratios of times, each measured in one run.",
    {"least-squares": least_squares}, {},
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
