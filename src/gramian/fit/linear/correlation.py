"""Means, products about the means and correlations of all stored columns and the outcome, from moments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.leastsquares.system import error_of_sums, products_in, squares_in
from gramian.fit.passes.memory import checked_width
from gramian.formula.coding import ModelColumn, levels_of, model_columns
from gramian.formula.coordinates import parametrize_as_written
from gramian.formula.design import Design
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, ONE
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import SAFETY, centre
from gramian.typing import Matrix, Vector


class CentredColumns(NamedTuple):
    """Columns of a design about their means: numeric columns, every level of every factor, the outcome last.

    Attributes
    ----------
    names : tuple of str
        Names of the p columns.
    means : (p,)
        Their weighted means.
    products : (p, p)
        Their weighted products about the means.
    noise : (p,)
        Rounding errors of the squares, the diagonal of the products.
    """

    names: tuple[str, ...]
    means: Vector
    products: Matrix
    noise: Vector


def centred_columns(design: Design, moments: Moments) -> CentredColumns:
    """The columns of a design with one outcome. Weighted if the design has weights; without the constant.

    Raises NumericalError without rows, DataError where the columns are too many for memory.
    """
    if not moments.rows:
        raise NumericalError(f"no rows are left to correlate or to sum the columns of '{design.formula}'")
    checked_width(design.terms, {name: len(levels) for name, levels in moments.levels.items()})
    levels = levels_of(moments, design.terms)
    # every level: products have no reference level, and need no full rank
    all_columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=True)
    columns = [c for c in all_columns if c.stored != ((), CONSTANT)]
    # one constant in front, whether or not the formula has one, to centre the others by
    constant = ModelColumn("Intercept", -1, (), CONSTANT, {CONSTANT: ONE})
    (response,) = design.outcome
    parametrization = parametrize_as_written([constant, *columns], response, design.coordinates)
    stored = gram_matrix(moments, parametrization.groups)
    centred = centre(
        products_in(stored, parametrization), parametrization.constant, squares_in(stored, parametrization)
    )
    # out of the powers of two that `centre` scales by, and the outcome into its own units
    units = np.append(1.0 / centred.scale, parametrization.scale / centred.y_scale)
    noise = SAFETY * error_of_sums(moments, len(units)) * np.append(centred.summed_squares, centred.y_summed_square)
    return CentredColumns(
        (*(c.name for c in columns), response.removeprefix("~")),
        np.append(centred.mean, centred.y_mean * parametrization.scale),
        centred.products * units[:, None] * units,
        noise * units * units,
    )


def correlations(design: Design, moments: Moments) -> tuple[tuple[str, ...], Matrix]:
    """Names of columns and their correlation matrix (p, p): every level of every factor, the outcome last.

    Weighted if the design has weights; about the means even if the formula has no intercept. A column whose variance is
    below the rounding error of its sums has NaN. Raises as `centred_columns`.
    """
    names, _, S, noise = centred_columns(design, moments)
    # a variance below its rounding error is that of a constant: its correlations are noise
    scale = np.where(noise < S.diagonal(), np.sqrt(S.diagonal()), np.nan)
    R = S / scale[:, None] / scale
    R = np.clip((R + R.T) / 2.0, -1.0, 1.0)  # symmetric: two divisions round differently in the other order
    # exactly 1: x / sqrt(x) / sqrt(x) may be one rounding away from it
    R[np.diag_indices(len(R))] = np.where(np.isnan(scale), np.nan, 1.0)
    return names, R
