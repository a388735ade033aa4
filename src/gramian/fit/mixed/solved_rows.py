"""Rows as the columns of a solution, for variances of predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.predict import Predictor
from gramian.fit.leastsquares.solution import Solved
from gramian.formula.row_reader import Reader
from gramian.linalg import maps
from gramian.linalg.blocks import BlockWriter
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.products import ColumnGroup, without_last
from gramian.linalg.subspace import dense
from gramian.typing import Matrix


@dataclass(frozen=True)
class SolvedRows:
    """Rows in the columns that a solution is of, whatever combinations of levels they have.

    Attributes
    ----------
    columns : Solved
        The solution, of k columns.
    """

    columns: Solved

    @cached_property
    def predictor(self) -> Predictor:
        """Knows the stored columns."""
        return Predictor(self.columns)

    @cached_property
    def reader(self) -> Reader:
        """Reads predictors, without the outcome."""
        return Reader(replace(self.predictor.design, offsets=()), response=False)

    @cached_property
    def groups(self) -> list[ColumnGroup]:
        """The stored columns."""
        parametrization = self.columns.parametrization
        return without_last((parametrization.as_written or parametrization).groups)

    @cached_property
    def basis(self) -> Matrix | None:
        """The solved columns in the stored ones; None where they are the same."""
        own = self.columns.parametrization
        subspace = (own.as_written or own).subspace
        if subspace is None:
            return None
        out = dense([maps.sparse(c) for c in subspace[:-1]], sum(len(g.positions) for g in self.groups))
        if own.as_written is None or own.to_model is None:
            return out
        return np.asarray(out @ maps.multiply(maps.map_of(own.to_model), np.eye(out.shape[1])))

    def of(self, batch: Batch) -> Matrix:
        """The rows of a batch, (n, k), NaN where a column is missing."""
        predictor, k = self.predictor, len(self.columns.names)
        with np.errstate(all="ignore"):
            observed = self.reader.read(batch)
            complete = np.empty((observed.rows, k))
            writer = BlockWriter(predictor.layout, predictor.design.coordinates)
            for rows, columns in writer.blocks(observed.rows, observed.values, observed.codes, None):
                Z = stored_rows(columns, predictor.layout, self.groups, self.reader.sizes)
                complete[rows] = Z if self.basis is None else Z @ self.basis
        out = np.full((batch.rows, k), np.nan)
        out[slice(None) if observed.row_mask is None else observed.row_mask] = complete
        return out
