"""What a linear fit leaves: numbers and facts, no methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.accuracy import Accuracy
from gramian.formula.coding import Levels
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference.recipes import VcovSpec
from gramian.linalg import maps
from gramian.linalg.solve import Solution
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class RobustCovariance:
    """A robust covariance.

    inner : (p, p) of the columns that were solved for, times their outcome's scale. told : (p, p) of the model's
    columns, NaN where not identified. factor : the small-sample factor (of the first column of clusters). df : of t,
    infinite for z. groups : clusters, by column. negative : eigenvalues below zero that were set to zero.
    """

    vcov: VcovSpec
    solved_covariance: Matrix
    covariance: Matrix
    factor: float
    df: float
    groups: tuple[int, ...] = ()
    negative: int = 0


@dataclass(frozen=True, slots=True)
class Solved:
    """A linear fit.

    names, coefficients : (p,), NaN where aliased. inverse : (p, p), (X'WX)^-1 told in the model's columns, NaN where
    not identified. terms : (p,) number of the term of each column. aliased : name -> the combination it equals.
    rows : how many entered (sum of counts); weight, log_weight : sums of weights and of their logarithms.
    rss, tss : sums of squares, tss about the mean when there is an intercept. mean : weighted mean of the outcome.
    rank : columns used. leverage : effective number of columns (the rank unless penalised), those that absorbed factors
    stand for included. tally : rows left out. accuracy : how many digits are certified, None where nothing says so.
    robust : the covariance in force, None for that of equal variances. absorbed : what is told of absorbed factors,
    None without any. roots : (p,) of the inverse's diagonal, where float64 may not hold that.
    """

    formula: str
    design: Design
    levels: Levels
    parametrization: Parametrization
    solution: Solution
    names: tuple[str, ...]
    terms: tuple[int, ...]
    coefficients: Vector
    inverse: Matrix
    identified: Mask
    aliased: Mapping[str, str]
    empty_cells: Mapping[str, int]
    intercept: bool
    rows: int
    weight: float
    log_weight: float
    rss: float
    tss: float
    mean: float
    rank: int
    leverage: float
    condition: float
    passes: int
    dropped_rows: DroppedRows
    alpha: float | None = None
    accuracy: Accuracy | None = None
    robust: RobustCovariance | None = None

    @property
    def effective(self) -> float:
        """Effective number of columns: the rank, less under a penalty, and what absorbed factors cost."""
        if self.alpha is not None:
            return self.leverage
        return self.rank + (self.absorbed.rank if self.absorbed else 0)

    absorbed: Absorbed | None = None
    inverse_roots: Vector | None = None


def stored_coefficients(
    parametrization: Parametrization, solution: Solution, coefficients: Vector, aliased: Mapping[str, str]
) -> Vector:
    """Coefficients (q - 1,) of the stored columns but the response, in units of the outcome.

    coefficients, aliased : those of the model's columns, which say what is left out.
    """
    b = solution.coefficients
    if aliased:
        model = np.nan_to_num(coefficients)
        for i, c in parametrization.response_shift.items():
            model[i] -= float(c)
        b = (
            model if parametrization.to_solved is None else maps.apply(parametrization.to_solved, model)
        ) / parametrization.scale
    if parametrization.subspace is not None:
        return maps.apply(parametrization.subspace[:-1], b, sum(len(g.positions) for g in parametrization.groups) - 1)
    return b * parametrization.scale
