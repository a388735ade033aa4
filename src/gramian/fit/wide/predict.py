"""Predictions of a wide fit, X b batch by batch; sparse matrices stay sparse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.sparse import issparse

from gramian.batch import Batch, Source
from gramian.data.sparse import floats
from gramian.errors import SchemaError
from gramian.fit.wide.design import WideDesign
from gramian.fit.wide.solution import WideSolved
from gramian.formula.row_reader import Reader
from gramian.typing import Matrix, Vector


def predictions(solved: WideSolved, source: Source) -> Iterator[Matrix]:
    """Predictions (1, n) batch by batch, NaN where a predictor is missing.

    Raises
    ------
    ColumnError
        Where a predictor is not in the data.
    SchemaError
        Where a matrix has fewer columns than the fit used.
    """
    design = replace(solved.design, narrow=replace(solved.design.narrow, outcome={}, weight=None, count=None))
    # all errors before the first batch, not in the middle of the rows
    for name in design.narrow.columns:
        source.schema[name]
    for m in design.matrices:
        check_matrix(m.name, _needed(design, m.name), source)
    # dropped columns are multiples of the constant, whose effect the constant holds
    b = np.nan_to_num(solved.coefficients[int(solved.intercept) :])
    reader = Reader(design.narrow, response=False)
    for unit in source.units:
        for batch in unit.batches(design.columns):
            yield _batch(solved, design, reader, batch, b)[None, :]


def check_matrix(name: str, width: int, source: Source) -> None:
    """Raise SchemaError unless the data have a matrix of this name with enough columns."""
    columns = source.schema.matrices.get(name)
    if columns is None:
        raise SchemaError(f"no matrix '{name}' with {width:,} columns is in the data")
    if columns < width:
        raise SchemaError(f"the matrix '{name}' has {columns:,} columns, the fit has used {width:,}")


def _needed(design: WideDesign, name: str) -> int:
    """Number of columns that the matrix with this name must have."""
    (m,) = (m for m in design.matrices if m.name == name)
    return m.width if m.places is None else int(m.places.max(initial=-1)) + 1


def _batch(solved: WideSolved, design: WideDesign, reader: Reader, batch: Batch, b: Vector) -> Vector:
    """Predictions of a batch, (n,); b : (p,) slopes."""
    with np.errstate(all="ignore"):
        observed = reader.read(batch)
        at, fit = 0, np.full(batch.rows, solved.level)
        if design.variables:
            at = len(design.variables)
            complete = np.full((batch.rows, at), np.nan)
            rows = slice(None) if observed.row_mask is None else observed.row_mask
            for k, v in enumerate(design.variables):
                complete[rows, k] = observed.values[v]
            # columns relative to their shifts, where the level holds: large means would cancel against the constant at
            # zero
            fit += (complete - solved.origin[:at]) @ b[:at]
        for m in design.matrices:
            part = batch.matrices[m.name]
            part = part[:, : m.width] if m.places is None else part[:, m.places]
            beta, origin = b[at : at + m.width], solved.origin[at : at + m.width]
            at += m.width
            if issparse(part):
                fit += floats(part) @ beta
            else:
                fit += (part - origin) @ beta if origin.any() else part.astype(np.float64, copy=False) @ beta
        if observed.offset is not None:
            rows = slice(None) if observed.row_mask is None else observed.row_mask
            added = np.full(batch.rows, np.nan)
            added[rows] = observed.offset
            fit += added
    return np.where(np.isfinite(fit), fit, np.nan)
