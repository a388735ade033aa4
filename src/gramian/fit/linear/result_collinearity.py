"""Collinearity of a model's columns as results and tables: condition indexes, correlations, variance inflation."""

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

LARGE_SHARE = 0.5  # variance proportion above which a column takes part in a dependence (Belsley, Kuh and Welsch)


@dataclass(frozen=True, slots=True, eq=False)
class Collinearity:
    """Condition indexes of the columns, centred (if there is an intercept) and scaled to unit length.

    Attributes
    ----------
    names : tuple of str
        The p columns that are neither aliased nor the intercept.
    indexes : ndarray of shape (p,)
        Condition indexes, the largest first; above 30 they show a strong dependence.
    proportions : ndarray of shape (p, p)
        Row k: proportion of the variance of each coefficient that is due to index k. Columns sum to 1.

    References
    ----------
    Belsley, D. A., Kuh, E. and Welsch, R. E. (1980). Regression Diagnostics. Wiley, chapter 3.
    """

    names: tuple[str, ...]
    indexes: Vector
    proportions: Matrix

    @property
    def condition(self) -> float:
        """Condition number of the scaled columns: the largest index, 1 without columns."""
        return float(self.indexes[0]) if len(self.indexes) else 1.0

    def behind(self, number: int = 0) -> tuple[str, ...]:
        """Columns that take part in a dependence: more than half of their variance is due to this index.

        number : position of the index, 0 for the largest.
        """
        return tuple(name for name, p in zip(self.names, self.proportions[number], strict=True) if p > LARGE_SHARE)

    @property
    def table(self) -> pa.Table:
        """One row for each index: condition_index, columns (those that take part), then the proportions by name."""
        return pa.table(
            {
                "condition_index": pa.array(self.indexes),
                "columns": pa.array([list(self.behind(i)) for i in range(len(self.indexes))], pa.list_(pa.string())),
                **{name: pa.array(self.proportions[:, i]) for i, name in enumerate(self.names)},
            }
        )

    def _repr_html_(self) -> str:
        from gramian.results.html import arrow_html  # rich takes a while to import

        return arrow_html("condition indexes and variance proportions", self.table)


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """Correlations of the columns of a Gram.

    Attributes
    ----------
    names : tuple of str
        The p columns: numeric columns, every level of every factor, the outcome last.
    matrix : ndarray of shape (p, p)
        Pearson correlations, weighted if the Gram has weights; NaN for a column that does not vary.
    """

    names: tuple[str, ...]
    matrix: Matrix

    def __getitem__(self, pair: tuple[str, str]) -> float:
        """The correlation of two columns. Raises OptionError for an unknown name."""
        for name in pair:
            if name not in self.names:
                raise OptionError(f"no column '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.matrix[self.names.index(pair[0]), self.names.index(pair[1])])

    @property
    def table(self) -> pa.Table:
        """One row for each column: name, then its correlations by name, null where a column does not vary."""
        numbers = {n: pa.array(v, mask=np.isnan(v)) for n, v in zip(self.names, self.matrix, strict=True)}
        return pa.table({"name": pa.array(self.names, pa.string()), **numbers})

    def _repr_html_(self) -> str:
        from gramian.results.html import arrow_html  # rich takes a while to import

        return arrow_html("correlations", self.table)


def vif(solved: Solved) -> pa.Table:
    """Generalised variance inflation factors as a table: term, df, vif, scaled = vif^(1 / (2 df))."""
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
    """Condition indexes and variance proportions of a fit."""
    names, decomposition = dependence(solved)
    return Collinearity(names, decomposition.indexes, decomposition.proportions)


def correlation(design: Design, moments: Moments) -> Correlation:
    """Correlations of all columns of a design, from its moments."""
    return Correlation(*correlations(design, moments))
