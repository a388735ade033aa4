"""Correlations of all stored columns and the outcome, from moments."""

from __future__ import annotations

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.linear import in_frame, squares_in
from gramian.formula.coding import ModelColumn, levels_of, model_columns
from gramian.formula.coordinates import written_frame
from gramian.formula.design import Design
from gramian.linalg.gather import BLOCK
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, ONE
from gramian.linalg.products import gram
from gramian.linalg.solve import SAFETY, centre, error_unit
from gramian.typing import Matrix


def correlations(design: Design, moments: Moments) -> tuple[tuple[str, ...], Matrix]:
    """Names and correlations, every level of every factor, the outcome last; NaN for a column that does not vary.

    Weighted where the design has weights; about the means also where the formula has no intercept.
    """
    if not moments.rows:
        raise NumericalError(f"no rows are left to correlate the columns of '{design.formula}'")
    levels = levels_of(moments, design.terms)
    found = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=True)
    columns = [c for c in found if c.stored != ((), CONSTANT)]
    constant = ModelColumn("Intercept", -1, (), CONSTANT, {CONSTANT: ONE})
    (response,) = design.outcome
    frame = written_frame([constant, *columns], response, design.coordinates)
    stored = gram(moments, frame.groups)
    centred = centre(in_frame(stored, frame), frame.constant, squares_in(stored, frame))
    S = centred.products
    unit = error_unit(moments.rows, len(S), BLOCK + moments.rows // BLOCK)
    noise = SAFETY * unit * np.append(centred.raw, centred.y_raw)
    scale = np.where(noise < S.diagonal(), np.sqrt(S.diagonal()), np.nan)
    R = np.clip(S / scale[:, None] / scale, -1.0, 1.0)
    R[np.diag_indices(len(R))] = np.where(np.isnan(scale), np.nan, 1.0)
    return (*(c.name for c in columns), response.removeprefix("~")), R
