"""Correlation matrix of all stored columns and the outcome, from moments."""

from __future__ import annotations

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.leastsquares.system import products_in, squares_in
from gramian.formula.coding import ModelColumn, levels_of, model_columns
from gramian.formula.coordinates import parametrize_as_written
from gramian.formula.design import Design
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, ONE
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import SAFETY, centre
from gramian.typing import Matrix


def correlations(design: Design, moments: Moments) -> tuple[tuple[str, ...], Matrix]:
    """Names of columns and their correlation matrix (p, p): every level of every factor, the outcome last.

    Weighted if the design has weights; about the means even if the formula has no intercept. A column whose variance is
    below the rounding error of its sums has NaN. Raises NumericalError without rows.
    """
    if not moments.rows:
        raise NumericalError(f"no rows are left to correlate the columns of '{design.formula}'")
    levels = levels_of(moments, design.terms)
    # every level: correlations have no reference level, and need no full rank
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
    S = centred.products
    rounding_error = sum_rounding_error(moments.rows, len(S), ROWS_PER_BLOCK + moments.rows // ROWS_PER_BLOCK)
    noise = SAFETY * rounding_error * np.append(centred.summed_squares, centred.y_summed_square)
    # a variance below its rounding error is that of a constant: its correlations are noise
    scale = np.where(noise < S.diagonal(), np.sqrt(S.diagonal()), np.nan)
    R = np.clip(S / scale[:, None] / scale, -1.0, 1.0)
    # exactly 1: x / sqrt(x) / sqrt(x) may be one rounding away from it
    R[np.diag_indices(len(R))] = np.where(np.isnan(scale), np.nan, 1.0)
    return (*(c.name for c in columns), response.removeprefix("~")), R
