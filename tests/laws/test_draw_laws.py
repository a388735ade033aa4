"""The published laws on the passes of draws: any cuts of the rows give the same sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from laws.test_passes import batches

import gramian as gm
from gramian.fit.bootstrap.assignment_sums import UnitPass, UnitSums
from gramian.fit.bootstrap.numbered_units import CountRows
from gramian.fit.bootstrap.rows import DrawPass, RowDraws
from gramian.fit.vcov.basis import basis_of, first_combinations
from gramian.fit.vcov.scores import FittedModel
from gramian.testing import check_pass

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"x": RNG.normal(size=50), "f": RNG.choice(list("abc"), 50), "g": RNG.integers(0, 6, 50)})
ROWS["y"] = ROWS.x + RNG.normal(size=50)
ROWS.loc[7, "x"] = np.nan


def passes() -> dict[str, Any]:
    fitted = FittedModel(gm.ols("y ~ x + f", ROWS).solved)
    basis = basis_of(fitted, first_combinations(fitted.solved))
    treatment = np.linalg.inv(basis.model)[:, 1]
    return {
        "rows": DrawPass(fitted, basis, RowDraws(11, "poisson", 3)),
        "assigned rows": UnitPass(fitted, basis, treatment, ("f",), True, 1 << 30),
        "assigned clusters": UnitPass(fitted, basis, treatment, ("g", "f"), False, 1 << 30),
        "counted rows": CountRows(("x",)),
    }


def viewed(sums: Any) -> Any:
    """Sums of units in an order of their own: clusters by value, rows added up."""
    if not isinstance(sums, UnitSums):
        return sums
    if sums.by_row:
        return sums.sums.sum(axis=0), sums.low.sum(), sums.gram, sums.rows
    clusters = sums.clusters
    values = [[clusters.names[i][code].as_py() for i, code in enumerate(cell)] for cell in clusters.cells.tolist()]
    order = sorted(range(len(values)), key=values.__getitem__)
    return [values[i] for i in order], sums.sums[order], sums.low[order], sums.high[order], sums.gram, sums.rows


@pytest.mark.parametrize("name", passes())
def test_the_passes_of_draws(name: str) -> None:
    task = passes()[name]
    check_pass(task, batches(pa.Table.from_pandas(ROWS, preserve_index=False), task.columns), view=viewed)
