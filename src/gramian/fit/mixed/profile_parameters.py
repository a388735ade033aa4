"""The parameters of a mixed model, each with the deviance as it is given: standard deviations, correlations, effects.

Lambda is linear in the free parameters for each of them: a standard deviation is the first entry of a Cholesky factor
in which its effect comes first, and a correlation of the first two is the angle of the second row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from gramian.errors import ConvergenceError
from gramian.fit.mixed.component_tables import RESIDUAL
from gramian.fit.mixed.fit import criterion_of
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.mixed.system import MixedSystem
from gramian.fit.panel.system import shift_of, to_model_of
from gramian.linalg.mixed.criterion import Criterion, Evaluated
from gramian.linalg.mixed.profile import Affine, GivenDeviance, Parameter
from gramian.linalg.mixed.search import Minimum, minimum
from gramian.linalg.mixed.stacked import cholesky
from gramian.typing import Mask, Matrix, Vector

LEAST = 1e-2  # standard deviation in whose unit one of zero is searched, relative to that of residuals
STEP = 0.25  # first step to an end of an interval, relative to the estimate
RANK = 1e-12  # pivot of a covariance, relative to its variance, below which it is singular
Row = tuple[str | None, str | None, str | None, float, float, float]


def profiles_of(mixed: MixedSolved, system: MixedSystem, found: Minimum[Evaluated]) -> Profiles:
    """The maximum of the likelihood. found : that of the fit, restricted or not."""
    criterion = criterion_of(system, reml=False)
    best = minimum(criterion) if mixed.reml else found
    if not best.converged:
        raise ConvergenceError("the likelihood of this model has no maximum that a search finds; take Wald intervals")
    return Profiles(mixed, system, criterion, best)


@dataclass(frozen=True)
class Profiles:
    """Profiles of the parameters of a model about the maximum of its likelihood.

    Attributes
    ----------
    mixed : MixedSolved
        The fit.
    system : MixedSystem
        Its products.
    criterion : Criterion
        The deviance.
    best : Minimum
        Its minimum.
    """

    mixed: MixedSolved
    system: MixedSystem
    criterion: Criterion
    best: Minimum[Evaluated]

    @cached_property
    def deviance(self) -> float:
        """The deviance at its minimum."""
        return self.criterion.value(self.best.sums)

    @cached_property
    def sigma(self) -> float:
        """The standard deviation of the residuals there, in the unit of the products."""
        return math.sqrt(self.best.sums.solved()[1] / self.criterion.rows)

    @cached_property
    def factor(self) -> Matrix:
        """Lambda there."""
        return np.asarray(self.criterion.factor.matrix(self.best.theta))

    def random(self, z: float) -> Iterator[Row]:
        """Intervals of standard deviations and correlations, term after term."""
        group, start, unit = ":".join(self.mixed.by), 0, self.system.unit
        for term, columns in zip(self.mixed.random, self.system.random, strict=True):
            of_term = TermProfiles(self, start, columns.to_model())
            start += len(term.names)
            sd = np.sqrt(term.covariance.diagonal())
            for i, name in enumerate(term.names):
                low, high = of_term.deviation(i).interval(self.deviance, z)
                yield group, name, None, float(sd[i]), low * unit, high * unit
            for j in range(len(sd)):
                for i in range(j + 1, len(sd)):
                    r, low, high = math.nan, math.nan, math.nan
                    if np.isfinite(term.log_errors[[j, i]]).all():  # neither variance is zero
                        r = float(term.covariance[i, j] / sd[i] / sd[j])
                        low, high = map(math.sin, of_term.correlation(j, i).interval(self.deviance, z))
                    yield group, term.names[j], term.names[i], r, low, high

    def residual(self, z: float) -> Row:
        """Interval of the standard deviation of the residuals."""
        affine = self.plain()

        def given(log_sigma: float) -> GivenDeviance:
            none, precision = np.zeros(len(affine.precision) - 1), math.exp(-log_sigma)
            return self.given(
                Affine(affine.factor[1:], none, precision), Affine(0.0 * affine.factor[1:], none, -precision)
            )

        step = 1.0 / math.sqrt(2.0 * self.criterion.rows)
        parameter = Parameter(math.log(self.sigma), step, self.best.theta, given)
        low, high = (math.exp(v) * self.system.unit for v in parameter.interval(self.deviance, z))
        return RESIDUAL, None, None, self.mixed.sigma, low, high

    def fixed(self, z: float) -> Iterator[Row]:
        """Intervals of the fixed effects."""
        system, affine = self.system, self.plain()
        none = Affine(0.0 * affine.factor, 0.0 * affine.precision)
        T = to_model_of(system.ols, system.kept) * (system.scale[:-1] / system.scale[-1])
        T = np.nan_to_num(T) * system.ols.parametrization.scale
        b = self.best.sums.solved()[0]
        half = np.linalg.solve(self.best.sums.A[:-1, :-1], T.T)
        steps = self.sigma * np.sqrt(np.einsum("ji,ij->j", T, half))
        start = np.append(1.0 / self.sigma, self.best.theta)
        shift = shift_of(system.ols)
        solved = self.mixed.structural
        for j, (name, known) in enumerate(zip(solved.names, solved.identified, strict=True)):
            low = high = estimate = math.nan
            if known:
                estimate, at = float(solved.coefficients[j]), float(T[j] @ b)
                given = partial(self.given, affine, none, T[j])
                low, high = Parameter(at, steps[j], start, given).interval(self.deviance, z)
            yield None, name, None, estimate, low + shift[j], high + shift[j]

    def plain(self) -> Affine:
        """1 / sigma and the entries of Lambda as free parameters."""
        factor = self.criterion.factor
        out = np.zeros((1 + len(factor.rows), factor.size, factor.size))
        out[1 + np.arange(len(factor.rows)), factor.rows, factor.columns] = 1.0
        return Affine(out, np.eye(len(out))[0])

    def given(
        self, affine: Affine, change: Affine, contrast: Vector | None = None, amount: float = 0.0
    ) -> GivenDeviance:
        """The deviance with a parameter given, as of `GivenDeviance`."""
        return GivenDeviance(self.criterion.products, self.criterion.rows, affine, change, contrast, amount)


@dataclass(frozen=True, slots=True)
class Root:
    """A Cholesky factor of the covariance of a term's effects in some order, in units near their standard deviations.

    Attributes
    ----------
    scale : ndarray of shape (q,)
        The units, relative to the standard deviation of the residuals.
    lower : ndarray of shape (q, q)
        The factor.
    columns : ndarray of shape (q, q)
        Scaled effects from those in this order and unit.
    start : int
        Place of the first of the effects among all.
    size : int
        Number of all effects.
    """

    scale: Vector
    lower: Matrix
    columns: Matrix
    start: int
    size: int

    def entry(self, a: int, b: int) -> Matrix:
        """What an entry of the factor adds to Lambda, (size, size)."""
        out = np.zeros((self.size, self.size))
        out[self.start : self.start + len(self.scale), self.start + b] = self.columns[:, a]
        return out


@dataclass(frozen=True, slots=True)
class TermProfiles:
    """Profiles of the covariance of one term.

    Attributes
    ----------
    model : Profiles
        Those of the model.
    start : int
        Place of the first of its q effects among all.
    to_model : ndarray of shape (q, q)
        Effects of the model's columns from those of the scaled ones.
    """

    model: Profiles
    start: int
    to_model: Matrix

    def deviation(self, i: int) -> Parameter:
        """The standard deviation of an effect: the first entry of a factor in which it comes first."""
        root = self._root([i])
        first = root.entry(0, 0) / root.scale[0]
        places = [(a, b) for a, b in self._places() if a > 0]
        own = [root.entry(a, b) for a, b in places]

        def given(sd: float) -> GivenDeviance:
            affine = self._affine([sd * first, *own])
            return self.model.given(affine, _change(affine, 0, first))

        unit = root.scale[0] * self.model.sigma
        estimate = float(root.lower[0, 0]) * unit
        return Parameter(estimate, STEP * max(estimate, unit), self._start(root, places), given, low=0.0)

    def correlation(self, j: int, i: int) -> Parameter:
        """The arc sine of a correlation: an angle of the second row of a factor in which these effects come first."""
        root = self._root([j, i])
        along, beside = root.entry(1, 0), root.entry(1, 1)
        places = [(a, b) for a, b in self._places() if a != 1]
        own = [root.entry(a, b) for a, b in places]

        def given(angle: float) -> GivenDeviance:
            sine, cosine = math.sin(angle), math.cos(angle)
            affine = self._affine([0.0 * along, sine * along + cosine * beside, *own])
            return self.model.given(affine, _change(affine, 1, cosine * along - sine * beside))

        row = root.lower[1, :2]
        start = np.insert(self._start(root, places), 1, np.hypot(*row))
        right = math.pi / 2.0
        return Parameter(math.atan2(*row), STEP, start, given, -right, right)

    def _root(self, first: list[int]) -> Root:
        """The factor at the estimates, some effects first."""
        q = len(self.to_model)
        order = [*first, *(k for k in range(q) if k not in first)]
        at, M = slice(self.start, self.start + q), self.to_model[order]
        half = M @ self.model.factor[at, at]
        covariance = half @ half.T
        scale = np.maximum(np.sqrt(covariance.diagonal()), LEAST * np.linalg.norm(M, axis=1))
        lower = cholesky((covariance / scale / scale[:, None])[:, :, None], RANK)[:, :, 0]
        return Root(scale, lower, np.linalg.inv(M) * scale, self.start, len(self.model.factor))

    def _places(self) -> list[tuple[int, int]]:
        """Places of the entries of a lower triangle."""
        return [(a, b) for a in range(len(self.to_model)) for b in range(a + 1)]

    @property
    def _others(self) -> Mask:
        """Which parameters are those of other terms."""
        rows = self.model.criterion.factor.rows
        return np.asarray((rows < self.start) | (rows >= self.start + len(self.to_model)))

    def _affine(self, own: list[Matrix]) -> Affine:
        """Lambda by 1 / sigma, further parameters of the term, and those of others. own : (q, q) for each of these."""
        factor = np.array([*own, *self.model.plain().factor[1:][self._others]])
        return Affine(factor, np.eye(len(factor))[0])

    def _start(self, root: Root, places: list[tuple[int, int]]) -> Vector:
        """The parameters at the estimates."""
        own = [root.lower[place] for place in places]
        return np.array([1.0 / self.model.sigma, *own, *self.model.best.theta[self._others]])


def _change(affine: Affine, at: int, by: Matrix) -> Affine:
    """The derivative where only one of the matrices depends on what is given."""
    factor = np.zeros_like(affine.factor)
    factor[at] = by
    return Affine(factor, np.zeros(len(factor)))
