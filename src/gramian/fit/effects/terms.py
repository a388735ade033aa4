"""Predictions term by term: how much each term of a formula adds to the linear predictor of a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Source
from gramian.fit.effects.averages import RowsToAverage, averages
from gramian.fit.effects.effects import on_scale, refuse_absorbed
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.settings import Quantity
from gramian.formula.row_reader import Reader
from gramian.linalg import maps
from gramian.linalg.blocks import BlockWriter
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.subspace import dense
from gramian.typing import Matrix, Vector


def predict_terms(model: EffectModel, source: Source, over: RowsToAverage, vcov: Matrix, *, se: bool) -> pa.Table:
    """What each term adds, about its mean over the rows of the fit, as R's `predict(type="terms")`.

    Parameters
    ----------
    model : EffectModel
        The fit.
    source : Source
        Rows to predict.
    over : RowsToAverage
        The rows of the fit, whose means of columns are subtracted where there is an intercept.
    vcov : Matrix
        (p, p) covariance of the coefficients.
    se : bool
        Whether there are standard errors, too.

    Returns
    -------
    pyarrow.Table
        A column for each term but the intercept, and `constant`, which with the terms adds up to the linear predictor
        without offsets; with `se` a column `TERM std_error` for each. Null where a predictor is missing.
    """
    refuse_absorbed(model)
    solved, b = model.solved, np.nan_to_num(model.solved.coefficients)
    mean = np.zeros(len(b))
    if solved.intercept:
        # the gradient of the average linear predictor is the average row
        mean = _model_rows(model, averages(on_scale(model, "link"), [Quantity()], over).gradients)[0]
    batches = (batch for unit in source.units for batch in unit.batches(model.design.columns))
    X = np.concatenate([np.zeros((0, len(b))), *(_rows(model, batch) for batch in batches)])
    terms, out = np.array(solved.terms), {}
    for number, term in enumerate(model.design.terms.terms):
        at = np.flatnonzero(terms == number)
        if not term.atoms or not len(at):
            continue
        centred = X[:, at] - mean[at]
        out[term.label] = _column(centred @ b[at])
        if se:
            V = np.nan_to_num(vcov[np.ix_(at, at)])
            squares = np.einsum("ij,jk,ik->i", centred, V, centred)
            out[f"{term.label} std_error"] = _column(np.sqrt(np.maximum(squares, 0.0)))
    constant = float(mean @ b)
    out["constant"] = _column(np.where(np.isnan(X).any(axis=1), np.nan, constant))
    return pa.table(out)


def _rows(model: EffectModel, batch: Batch) -> Matrix:
    """Rows (n, p) of the model's columns, NaN where a predictor is missing."""
    reader = Reader(model.design, response=False)
    with np.errstate(all="ignore"):
        observed = reader.read(batch)
        writer = BlockWriter(model.layout, model.design.coordinates)
        blocks = writer.blocks(observed.rows, observed.values, observed.codes, None)
        parts = [stored_rows(columns, model.layout, model.groups, reader.sizes) for _, columns in blocks]
    X = _model_rows(model, np.concatenate([np.zeros((0, model.width)), *parts]))
    if observed.row_mask is None:
        return X
    out = np.full((batch.rows, X.shape[1]), np.nan)
    out[observed.row_mask] = X
    return out


def _model_rows(model: EffectModel, Z: Matrix) -> Matrix:
    """Rows (n, q) of stored columns as rows (n, p) of the model's columns."""
    X, to_solved = model.solved_gradients(Z), model.solved.parametrization.to_solved
    return X if to_solved is None else X @ dense([maps.sparse(c) for c in to_solved], X.shape[1])


def _column(values: Vector) -> pa.Array:
    """Numbers, null for NaN."""
    return pa.array(values, mask=np.isnan(values))
