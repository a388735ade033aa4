"""Standard errors by cluster: races against the plain fit and against pyfixest, each with its bar.

python benchmarks/clustered.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command import Program, main
from problems import NUMERIC, WIDTH, Sizes, clustered
from runner import Answer, Bar, Contender, Race

import gramian as gm

ROWS_OF_ONE = 100  # rows of a cluster, on average
FIRM = {"cluster": "firm"}
PLAIN, CR1, PYFIXEST = "gramian, equal variances", "gramian, CR1", "pyfixest, CRV1"


def by_cluster(sizes: Sizes) -> Race:
    file, work = _data(sizes)
    return Race(
        "clustered",
        work,
        [
            Contender(PLAIN, lambda: fitted(file, "iid")),
            Contender(CR1, lambda: fitted(file, FIRM)),
            Contender(PYFIXEST, pyfixest(file)),
        ],
        [Bar(CR1, PLAIN, 3.0), Bar(CR1, PYFIXEST, 1 / 5)],
        alike=frozenset({CR1, PYFIXEST}),
    )


def other_recipes(sizes: Sizes) -> Race:
    """How much the others cost, beside the plain fit; no bar was set for them."""
    file, work = _data(sizes)
    recipes: dict[str, Any] = {"HC1": "HC1", "HC3": "HC3", "CR3": {**FIRM, "type": "CR3"}}
    return Race(
        "recipes",
        work,
        [
            Contender(PLAIN, lambda: fitted(file, "iid")),
            *(Contender(f"gramian, {name}", lambda vcov=vcov: fitted(file, vcov)) for name, vcov in recipes.items()),
        ],
        [],
    )


def _data(sizes: Sizes) -> tuple[Path, str]:
    clusters = sizes.array // ROWS_OF_ONE
    work = f"{sizes.array:,} rows x {WIDTH} doubles in {clusters:,} clusters, Parquet"
    return clustered(sizes.array, clusters), work


RACES: dict[str, Callable[[Sizes], Race]] = {"clustered": by_cluster, "recipes": other_recipes}


def fitted(file: Path, vcov: Any) -> Answer:
    fit = gm.ols(NUMERIC, str(file), vcov=vcov)
    return Answer(fit.coefficients, fit.std_errors)


def pyfixest(file: Path) -> Callable[[], Answer]:
    """Numbers of double precision throughout; the columns that it needs are read."""
    import pandas as pd
    from pyfixest import feols

    def work() -> Answer:
        fit = feols(NUMERIC, pd.read_parquet(file), vcov={"CRV1": "firm"})
        return Answer(fit.coef().to_numpy(), fit.se().to_numpy())

    return work


PROGRAM = Program("clustered", "Standard errors by cluster: ratios of times, each measured in one run.", RACES, {})

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
