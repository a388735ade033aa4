"""Grams that keep folds and clusters, against the plain one-pass fit and scikit-learn's Ridge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from problems import NUMERIC, WIDTH, Sizes, array, clustered, wide
from runner import Answer, Bar, Contender, Race
from sklearn.linear_model import Ridge

import gramian as gm

WIDE = "y ~ " + " + ".join(f"x{i}" for i in range(50))
FOLDS, ALPHAS = 10, 100
TIMED = 5  # of the fits that a search by refitting makes
ROWS_OF_ONE = 100  # rows of a cluster, on average
FIRM = {"cluster": "firm"}
PLAIN, VALIDATED, REFITTED = "plain fit", "Gram with folds, cross-validated", f"{TIMED} of the 1,000 fits of Ridge"
KEPT, DIRECT = "Gram with clusters, CR1", "direct fit, CR1"


def cross_validated(sizes: Sizes) -> Race:
    """From the file to the chosen penalty."""
    file, (X, y) = wide(sizes.array), array(sizes.array)
    train, outcome = X[len(X) // FOLDS :], y[len(X) // FOLDS :]
    timed, grid = np.logspace(-3, 4, TIMED), np.logspace(-3, 4, ALPHAS)
    return Race(
        "cross-validated",
        f"{FOLDS}-fold cross-validation over {ALPHAS} ridge penalties, {sizes.array:,} rows x 50 doubles, Parquet",
        [
            Contender(PLAIN, lambda: gm.ols(WIDE, str(file))),
            Contender(VALIDATED, lambda: gm.gram(WIDE, str(file), folds=FOLDS).cross_validate(alphas=grid)),
            Contender(REFITTED, lambda: [Ridge(a).fit(train, outcome) for a in timed]),
        ],
        # 50 times faster than all 1,000 fits, which take 200 times as long as those that are timed
        [Bar(VALIDATED, PLAIN, 1.3), Bar(VALIDATED, REFITTED, FOLDS * ALPHAS / TIMED / 50)],
    )


def keyed(sizes: Sizes) -> Race:
    """From the file to the standard errors."""
    clusters = sizes.array // ROWS_OF_ONE
    file = clustered(sizes.array, clusters)
    return Race(
        "keyed",
        f"{sizes.array:,} rows x {WIDTH} doubles in {clusters:,} clusters, Parquet; products by cluster in a Gram",
        [
            Contender(PLAIN, lambda: gm.ols(NUMERIC, str(file))),
            Contender(KEPT, lambda: _answer(gm.gram(NUMERIC, str(file), cluster="firm").ols(vcov=FIRM))),
            Contender(DIRECT, lambda: _answer(gm.ols(NUMERIC, str(file), vcov=FIRM))),
        ],
        [Bar(KEPT, PLAIN, 8.0)],
        alike=frozenset({KEPT, DIRECT}),
    )


def _answer(fit: gm.LinearFit) -> Answer:
    return Answer(fit.coefficients, fit.std_errors)


RACES: dict[str, Callable[[Sizes], Race]] = {"cross-validated": cross_validated, "keyed": keyed}
