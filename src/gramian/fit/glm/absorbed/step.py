"""A Newton step in which the levels of absorbed factors are eliminated from the working normal equations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import block_diag, csr_array, diags_array

from gramian.fit.glm.absorbed.setting import AbsorbedSetting
from gramian.fit.glm.accumulate import Linearized
from gramian.fit.glm.step import Step, minus_gradient, pearson
from gramian.fit.leastsquares.absorbed import PartialledOut, partial_out
from gramian.fit.leastsquares.system import penalty_matrix, products_in, squares_in
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Monomial, times
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import solve
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class AbsorbedStep(Step):
    """A step whose move is that of the p coefficients, followed by those of the effects of all levels.

    Attributes
    ----------
    partialled_out : PartialledOut or None
        The elimination of the levels; the step's products and solution are within them. None once it is released.
    level_weights : ndarray
        (levels,) sums of working weights, the diagonal of the information of the effects; for slopes times squares.
    """

    partialled_out: PartialledOut | None
    level_weights: Vector

    @property
    def metric(self) -> csr_array:
        """The information (p + levels, p + levels), but for products of different levels, and of levels and columns."""
        return csr_array(block_diag((self.products.hi[:-1, :-1], diags_array(self.level_weights))))


def absorbed_step(
    setting: AbsorbedSetting,
    linearized: Linearized,
    b: Vector | None,
    alpha: float | None,
    known_dispersion: float | None,
) -> AbsorbedStep:
    """Solve the working normal equations of all coefficients and levels. Parameters as of `newton`."""
    moments, parametrization, p = linearized.moments, setting.parametrization, len(setting.columns)
    stored = gram_matrix(moments, parametrization.groups)
    products, squares = products_in(stored, parametrization), squares_in(stored, parametrization)
    rounding_error = sum_rounding_error(moments.rows, p, ROWS_PER_BLOCK + moments.rows // ROWS_PER_BLOCK)
    within = partial_out(moments, setting.design, parametrization, squares, rounding_error)
    current = np.zeros(p) if b is None else b[:p]
    P = None if alpha is None else penalty_matrix(alpha, parametrization, p)
    system = within.products if P is None else minus_gradient(within.products, P @ current)
    free = moments.rows - within.absorption.rank
    solution = solve(system, None, rounding_error, P, within.squares, None if P is not None else max(free, 0))
    move = solution.coefficients
    effects = within.absorption.monomial_effects(np.append(-setting.stored(move), 1.0), careful=False)
    (response,) = setting.design.outcome
    # the loss falls by g'd + d'P(b + d) to second order, with the gradient g of all coefficients and levels
    along = float(products.hi[:-1, -1] @ move) + sum(
        float(_level_sums(moments, factor, times(m, ((response, 1),))) @ own)
        for factor in effects
        for m, own in zip(setting.monomials(factor), effects[factor], strict=True)
    )
    shrinkage = 0.0 if P is None else float(move @ (P @ current))
    dispersion = known_dispersion
    if dispersion is None:
        dispersion = pearson(within.products, free - solution.leverage)
    gain = along if P is None else along + shrinkage + float(move @ P @ move)
    return AbsorbedStep(
        setting.joined(move, effects),
        math.sqrt(max(along - shrinkage, 0.0) / dispersion),
        0.0 if P is None else float(current @ P @ current),
        dispersion,
        max(linearized.totals.deviance - gain, 0.0),
        solution.inverse.diagonal(),
        solution,
        within.products,
        within,
        np.concatenate([_level_sums(moments, f, times(m, m)) for f in setting.sizes for m in setting.monomials(f)]),
    )


def _level_sums(moments: Moments, factor: str, monomial: Monomial) -> Vector:
    """Sums (levels,) of a monomial over the levels of a factor."""
    place = dict(moments.layout.tables)[(factor,)].index(monomial)
    return np.asarray(moments.tables[(factor,)].sums[:, place])
