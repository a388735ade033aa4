"""How the columns of a model depend on each other, as tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError, did_you_mean
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.collinearity import dependence, variance_inflation
from gramian.fit.linear.correlation import correlations
from gramian.formula.design import Design
from gramian.linalg.moments import Moments
from gramian.typing import Matrix, Vector

LARGE_SHARE = 0.5  # share of a coefficient's variance from which on its column is behind an index, as Belsley has it


@dataclass(frozen=True, slots=True, eq=False)
class Collinearity:
    """Condition indexes of the columns scaled to unit length, after the intercept has been swept out.

    names : columns. indexes : (p,), the largest first; above 30 they tell of a dependence that matters. proportions :
    (p, p), for each index its share in the variance of each coefficient.
    """

    names: tuple[str, ...]
    indexes: Vector
    proportions: Matrix

    @property
    def condition(self) -> float:
        """The condition number, which is the largest index."""
        return float(self.indexes[0]) if len(self.indexes) else 1.0

    def behind(self, number: int = 0) -> tuple[str, ...]:
        """The columns behind an index: those half of whose variance is due to it."""
        return tuple(name for name, p in zip(self.names, self.proportions[number], strict=True) if p > LARGE_SHARE)

    @property
    def table(self) -> pa.Table:
        """One row for each index: condition_index, columns (those behind it), then the proportions by name."""
        return pa.table(
            {
                "condition_index": pa.array(self.indexes),
                "columns": pa.array([list(self.behind(i)) for i in range(len(self.indexes))], pa.list_(pa.string())),
                **{name: pa.array(self.proportions[:, i]) for i, name in enumerate(self.names)},
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """Correlations of columns.

    names : every level of every factor, the outcome last. matrix : (p, p), NaN for what does not vary.
    """

    names: tuple[str, ...]
    matrix: Matrix

    def __getitem__(self, pair: tuple[str, str]) -> float:
        """The correlation of two columns."""
        for name in pair:
            if name not in self.names:
                raise OptionError(f"no column '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.matrix[self.names.index(pair[0]), self.names.index(pair[1])])

    @property
    def table(self) -> pa.Table:
        """One row for each column: name, then its correlations by name, null where there is none."""
        numbers = {n: pa.array(v, mask=np.isnan(v)) for n, v in zip(self.names, self.matrix, strict=True)}
        return pa.table({"name": pa.array(self.names, pa.string()), **numbers})


def vif(solved: Solved) -> pa.Table:
    """Variance inflation of terms: term, df, vif, scaled."""
    inflation = variance_inflation(solved)
    return pa.table(
        {
            "term": pa.array(inflation.terms, pa.string()),
            "df": pa.array(inflation.df, pa.int64()),
            "vif": pa.array(inflation.values, pa.float64()),
            "scaled": pa.array(inflation.values ** (0.5 / inflation.df), pa.float64()),
        }
    )


def collinearity(solved: Solved) -> Collinearity:
    """Condition indexes of a fit."""
    names, decomposition = dependence(solved)
    return Collinearity(names, decomposition.indexes, decomposition.proportions)


def correlation(design: Design, moments: Moments) -> Correlation:
    """Correlations of all that the moments of a design hold."""
    return Correlation(*correlations(design, moments))
