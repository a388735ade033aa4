"""Intervals of predictions of a mixed model, by the normal distribution, its covariance parameters taken as known.

With A = X'V^-1 X the error of x'b + z'u of a group g has the variance a'A^-1 a + z'C_g z, where C_g is the covariance
of u given the outcome, a = x - F_g'z, and F_g = G Z_g'V_g^-1 X_g: that of Henderson's equations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gramian.batch import Source
from gramian.errors import OptionError, one_of
from gramian.fit.leastsquares.identified import prediction_covariance
from gramian.fit.leastsquares.predict import INTERVALS
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.mixed.again import system_again
from gramian.fit.mixed.fit import criterion_of
from gramian.fit.mixed.predict import MixedPredictor, PredictionRequest
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.mixed.solved_rows import SolvedRows
from gramian.fit.mixed.system import MixedSystem
from gramian.formula.known_levels import NULL
from gramian.inference.normal import critical
from gramian.linalg import maps
from gramian.linalg.mixed.criterion import Evaluated
from gramian.linalg.mixed.effects import conditional, influences
from gramian.linalg.mixed.search import Minimum
from gramian.results.fitted_rows import FittedRows
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Population:
    """Variances of predictions without the random effects of a group.

    Attributes
    ----------
    columns : tuple of Solved
        The columns of the fixed effects, then those of each term of random effects.
    fixed : ndarray of shape (p, p)
        Covariance of the fixed effects of the solved columns.
    random : ndarray of shape (q, q)
        Covariance of the random effects of the solved columns.
    residual : float
        Variance of the residuals.
    """

    columns: tuple[Solved, ...]
    fixed: Matrix
    random: Matrix
    residual: float

    def variances(self, x: Matrix, z: Matrix, group: Codes) -> Vector:
        """Of the errors of expected values, (n,). x : (n, p), z : (n, q)."""
        return np.asarray(np.einsum("ij,jk,ik->i", x, self.fixed, x))

    def new_outcome(self, z: Matrix) -> Vector:
        """What an outcome of a new group adds, (n,)."""
        return np.asarray(np.einsum("ij,jk,ik->i", z, self.random, z) + self.residual)


def population(mixed: MixedSolved) -> Population:
    """The variances from the covariances of a fit."""
    parts = []
    for term in mixed.random:
        T, own = term.columns.parametrization.to_solved, term.covariance
        parts.append(own if T is None else maps.congruence(maps.map_of(T), own))
    sizes = np.cumsum([0, *map(len, parts)])
    random = np.zeros((sizes[-1], sizes[-1]))
    for start, part in zip(sizes[:-1], parts, strict=True):
        random[start : start + len(part), start : start + len(part)] = part
    columns = (mixed.structural, *(term.columns for term in mixed.random))
    fixed = prediction_covariance(mixed.structural, mixed.sigma**2 * mixed.structural.solution.inverse)
    return Population(columns, fixed, random, mixed.sigma**2)


@dataclass(frozen=True, slots=True)
class WithinGroups:
    """Variances of predictions with the random effects of g groups, in the scaled columns.

    Attributes
    ----------
    columns : tuple of Solved
        The columns of the fixed effects, then those of each term of random effects.
    kept : ndarray of int, shape (r,)
        Columns of the fixed effects that do not depend on others.
    fixed_scale, random_scale : ndarray of shapes (r,) and (q,)
        What the solved columns are multiplied by.
    fixed : ndarray of shape (r, r)
        Covariance of the fixed effects.
    random : ndarray of shape (g, q, q)
        C_g.
    influences : ndarray of shape (g, q, r)
        F_g.
    unit : float
        Variance that a variance of one has in units of the outcome.
    residual : float
        Variance of the residuals, in these.
    """

    columns: tuple[Solved, ...]
    kept: Codes
    fixed_scale: Vector
    random_scale: Vector
    fixed: Matrix
    random: Matrix
    influences: Matrix
    unit: float
    residual: float

    def variances(self, x: Matrix, z: Matrix, group: Codes) -> Vector:
        """Of the errors of expected values, (n,). x : (n, p), z : (n, q), group : (n,), -1 for unknown ones."""
        z = np.where((group < 0)[:, None], np.nan, z * self.random_scale)
        a = x[:, self.kept] * self.fixed_scale
        for j in range(z.shape[1]):
            a = a - z[:, j, None] * self.influences[group, j]
        of_groups = np.einsum("ij,ijk,ik->i", z, self.random[group], z)
        return np.asarray(self.unit * (np.einsum("ij,jk,ik->i", a, self.fixed, a) + of_groups))

    def new_outcome(self, z: Matrix) -> Vector:
        """What an outcome adds, (n,)."""
        return np.full(len(z), self.residual)


def within_groups(mixed: MixedSolved, system: MixedSystem, found: Minimum[Evaluated]) -> WithinGroups:
    """The variances from the sums of a fit, whose groups are in the order of the fit. found : its minimum."""
    criterion = criterion_of(system, reml=mixed.reml)
    b, square = found.sums.solved()
    variance = float(square / criterion.df)
    factor = criterion.factor.matrix(found.theta)
    _, covariances = conditional(system.products, factor, b, variance)
    return WithinGroups(
        columns=(system.ols, *(r.solved for r in system.random)),
        kept=system.kept,
        fixed_scale=system.scale[:-1],
        random_scale=np.concatenate([r.scale for r in system.random]),
        fixed=variance * np.linalg.inv(found.sums.A[:-1, :-1]),
        random=np.ascontiguousarray(covariances.transpose(2, 0, 1)),
        influences=np.ascontiguousarray(influences(system.products, factor).transpose(2, 0, 1)),
        unit=system.unit**2,
        residual=variance * system.unit**2,
    )


def intervals(mixed: MixedSolved, fitted: FittedRows, source: Source, request: PredictionRequest) -> Iterator[Matrix]:
    """Predictions batch by batch, (3, n) with low and high, NaN in incomplete rows. Raises as `MixedFit.predict`."""
    one_of("interval", str(request.interval), INTERVALS)
    if not 0.0 < request.level < 1.0:
        raise OptionError(f"level must lie between 0 and 1, found {request.level!r}")
    predictor = MixedPredictor(mixed, random=request.random, null_unseen=request.unseen == NULL)
    return _intervals(predictor, source, request, _errors(mixed, fitted, request))


def _errors(mixed: MixedSolved, fitted: FittedRows, request: PredictionRequest) -> Population | WithinGroups:
    """The variances of predictions; those within groups need the sums of the fit again."""
    if not request.random:
        return population(mixed)
    try:
        with system_again(mixed, fitted, request.sums, None) as (system, found):
            return within_groups(mixed, system, found)
    except OptionError as error:
        if request.sums is not None:
            raise
        raise OptionError(
            f"intervals with random effects need the sums by group of the fit ({error}, or its Gram, as sums=); "
            "random=False has intervals without them"
        ) from None


def _intervals(
    predictor: MixedPredictor, source: Source, request: PredictionRequest, errors: Population | WithinGroups
) -> Iterator[Matrix]:
    """Predictions batch by batch."""
    x_rows, *z_rows = map(SolvedRows, errors.columns)
    needs_z = predictor.random or request.interval == "prediction"
    designs = [x_rows.predictor.design, *(z.predictor.design for z in z_rows if needs_z)]
    columns = tuple(dict.fromkeys((*predictor.columns, *(c for d in designs for c in d.columns))))
    for name in columns:
        source.schema[name]  # raises where a column is missing, or has other types in other files
    width = critical(request.level, math.inf)
    for unit in source.units:
        for batch in unit.batches(columns):
            fit = predictor.batch(batch)[0]
            z = np.concatenate([r.of(batch) for r in z_rows], axis=1) if needs_z else np.zeros((len(fit), 0))
            group = predictor.groups_of(batch) if predictor.random else np.zeros(len(fit), np.int64)
            variances = errors.variances(x_rows.of(batch), z, group)
            if request.interval == "prediction":
                variances = variances + errors.new_outcome(z)
            half = width * np.sqrt(np.maximum(variances, 0.0))
            yield np.array([np.where(np.isnan(half), np.nan, fit), fit - half, fit + half])
