"""The wild cluster bootstrap of a linear fit: one hypothesis, and the draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gramian.errors import NumericalError, OptionError, one_of
from gramian.fit.bootstrap.cluster_sums import OrderedSums, cr1_factor
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.fit.leastsquares.solution import Solved
from gramian.inference.draws.sign_weights import check_seed, drawn
from gramian.inference.draws.wild import ALTERNATIVES, ClusterSums, Draws, draws_of
from gramian.inference.hypothesis import hypotheses
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg import maps
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class WildOptions:
    """How a bootstrap is made.

    Attributes
    ----------
    draws : int
        Number of draws.
    weights : str
        Distribution of the weights.
    seed : int or None
        Of the random numbers.
    restricted : bool
        Whether residuals are those under the hypothesis.
    alternative : str
        Side on which a statistic is further out.
    level : float
        Of the interval.
    """

    draws: int = 9999
    weights: str = "rademacher"
    seed: int | None = None
    restricted: bool = True
    alternative: str = "two-sided"
    level: float = 0.95

    def __post_init__(self) -> None:
        one_of("alternative", self.alternative, ALTERNATIVES)
        check_seed(self.seed)
        if not 0.0 < self.level < 1.0:
            raise OptionError(f"level must lie between 0 and 1, found {self.level!r}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A hypothesis about one fit, and what its draws are made of.

    Attributes
    ----------
    sums : ClusterSums
        Of the clusters in the order of their values.
    clusters : Arrow array
        These values.
    estimate, right : float
        The combination of coefficients, and what it is under the hypothesis.
    root : float
        Root of the small-sample factor. t and t* have the same, so no p-value of one fit depends on it.
    """

    sums: ClusterSums
    clusters: Any
    estimate: float
    right: float
    root: float

    @property
    def x(self) -> float:
        """How far the estimate is from the hypothesis, in the scale of the draws."""
        return (self.estimate - self.right) / self.sums.scale

    def statistics(self, draws: Draws) -> tuple[float, Vector]:
        """t, and those of the draws."""
        return self.x / draws.width / self.root, draws.t(self.x) / self.root


def prepared(solved: Solved, spec: VcovSpec, own: OrderedSums, hypothesis: Equation) -> Prepared:
    """What the draws of a hypothesis need. Raises NumericalError where it has no standard error."""
    h = solved.solution.inverse @ (row := solved_row(solved, hypothesis.row))
    sums = ClusterSums(own.scores, own.products @ h, h, solved.solution.inverse, float(row @ h))
    if not (sums.scale > 0.0 and sums.std_error > 0.0):
        raise NumericalError(f"{hypothesis.text}: it has no standard error by cluster, so nothing can be tested")
    root = math.sqrt(cr1_factor(solved, spec, own))
    estimate = float(hypothesis.row @ np.nan_to_num(solved.coefficients))
    return Prepared(sums, own.values, estimate, hypothesis.right, root)


class Equation(NamedTuple):
    """One equation about coefficients: its text, the factors of the coefficients (p,), and its right side."""

    text: str
    row: Vector
    right: float


def equations(solved: Solved, hypothesis: str) -> tuple[Matrix, Vector]:
    """The factors of the coefficients and the right sides of equations. Raises OptionError for unknown coefficients."""
    is_not = {n: solved.aliased.get(n, "") for n, i in zip(solved.names, solved.identified, strict=True) if not i}
    return hypotheses(hypothesis, solved.names, is_not)


def one_equation(solved: Solved, hypothesis: str) -> Equation:
    """The equation. Raises OptionError for several."""
    R, (right, *more) = equations(solved, hypothesis)
    if more:
        raise OptionError(f"this tests one equation at a time, found {len(R)}: call it for each")
    return Equation(hypothesis, R[0], float(right))


def wild_test(
    solved: Solved, spec: VcovSpec, own: OrderedSums, hypothesis: Equation, options: WildOptions
) -> BootstrapTest:
    """Test a hypothesis; raises as `prepared`."""
    ready, count = prepared(solved, spec, own, hypothesis), len(own.scores)
    weights = drawn(options.weights, count, options.draws, options.seed)
    draws, scale = draws_of(ready.sums, weights, restricted=options.restricted), ready.sums.scale
    low, high = draws.interval(1.0 - options.level)
    statistic, statistics = ready.statistics(draws)
    return BootstrapTest(
        hypothesis.text, ready.estimate, statistic, draws.p_value(ready.x, options.alternative),
        ready.estimate - high * scale, ready.estimate - low * scale, options.level, len(statistics), count,
        options.weights, options.restricted, statistics,
    )  # fmt: skip


def solved_row(solved: Solved, row: Vector) -> Vector:
    """A linear function of the model's coefficients, (p,), as one of the columns that were solved for."""
    null = solved.solution.null
    T = solved.parametrization.model_map
    if null.shape[1]:  # columns that the solve left out may not be those that the model leaves out
        null = null if T is None else maps.multiply(T, null)
        at = np.array([solved.names.index(name) for name in solved.aliased], np.int64)
        row = row.copy()
        row[at] -= (null @ np.linalg.inv(null[at])).T @ row
    return row if T is None else np.asarray(maps.multiply(T, np.eye(len(T))).T @ row)
