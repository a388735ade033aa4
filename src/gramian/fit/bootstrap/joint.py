"""Several hypotheses tested at once by the wild cluster bootstrap."""

from __future__ import annotations

import math

import numpy as np

from gramian.errors import NumericalError, OptionError
from gramian.fit.bootstrap.cluster_sums import cr1_factor
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.fit.bootstrap.sums import BootstrapSums
from gramian.fit.bootstrap.wild import WildOptions, equations, solved_row
from gramian.fit.leastsquares.solution import Solved
from gramian.inference.draws.joint import JointSums, joint_draws
from gramian.inference.draws.sign_weights import drawn
from gramian.inference.draws.wild import TIE
from gramian.inference.restrictions import independent
from gramian.typing import Matrix, Vector


def _in_own_units(solved: Solved, R: Matrix, right: Vector) -> tuple[Matrix, Vector]:
    """Equivalent hypotheses, each divided by the root of its iid variance, but for the variance of the errors.

    Raises OptionError for hypotheses that repeat or contradict each other.
    """
    own = independent(R, right, np.sqrt(solved.inverse.diagonal()))
    rows = np.array([solved_row(solved, row) for row in own.R])
    variances = np.einsum("ij,ij->i", rows @ solved.solution.inverse, rows)
    exponents = np.frexp(np.sqrt(variances))[1]
    return np.ldexp(own.R, -exponents[:, None]), np.ldexp(own.q, -exponents)


def joint_test(solved: Solved, sums: BootstrapSums, hypothesis: str, options: WildOptions) -> BootstrapTest:
    """Test m hypotheses at once; the statistic is F = W / m.

    Raises
    ------
    OptionError
        For one-sided alternatives, and hypotheses that repeat or contradict each other.
    NumericalError
        With one cluster, and with m clusters or fewer, of which no covariance of m hypotheses is had.
    """
    if options.alternative != "two-sided":
        raise OptionError(f"several hypotheses at once have no side: leave alternative={options.alternative!r} out")
    own = sums.ordered
    R, right = _in_own_units(solved, *equations(solved, hypothesis))
    count, m = len(own.scores), len(R)
    if count <= m:
        raise NumericalError(
            f"{m} hypotheses at once need more than {m} clusters, and there are {count}: test fewer of them"
        )
    rows, inverse = np.array([solved_row(solved, row) for row in R]), solved.solution.inverse
    H = inverse @ rows.T
    distance = R @ np.nan_to_num(solved.coefficients) - right
    joint = JointSums(own.scores, own.products, H, inverse, distance)
    statistic = joint.statistic()
    if not math.isfinite(statistic):
        raise NumericalError(
            f"{hypothesis}: their covariance by {count} clusters is singular, so they cannot be tested at once; test "
            "fewer of them"
        )
    weights = drawn(options.weights, count, options.draws, options.seed)
    draws = joint_draws(joint, weights, rows @ H, restricted=options.restricted)
    scale = 1.0 / (m * cr1_factor(solved, sums.spec, own))
    p_value = float(np.mean(draws > statistic * (1.0 + TIE)))
    return BootstrapTest(
        hypothesis, math.nan, statistic * scale, p_value, math.nan, math.nan, options.level, len(draws), count,
        options.weights, options.restricted, draws * scale, m,
    )  # fmt: skip
