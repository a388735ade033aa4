"""Predictions of a mixed model for new rows, with or without the random effects of their groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Source
from gramian.errors import DataError, did_you_mean
from gramian.fit.leastsquares.predict import Predictor, collect_predictions
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.vcov.clusters import Clusters, clusters_of
from gramian.formula.known_levels import NULL, with_unseen
from gramian.formula.row_reader import Reader
from gramian.linalg import maps
from gramian.linalg.blocks import BlockWriter
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.subspace import dense
from gramian.results.fitted_rows import FittedRows, rows_or_fitted
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """What is predicted.

    Attributes
    ----------
    interval : str or None
        "confidence", "prediction" or None.
    level : float
        Coverage of the interval.
    random : bool
        Whether random effects enter.
    unseen : str
        What a group or a level is that the fit has not seen: "error" or "null".
    sums : object
        The rows of the fit, or a Gram, for intervals with random effects; None for the rows that it was made of.
    """

    interval: str | None = None
    level: float = 0.95
    random: bool = True
    unseen: str = "error"
    sums: object = None


def predict(mixed: MixedSolved, fitted: FittedRows, data: object, request: PredictionRequest) -> Vector | pa.Table:
    """Predictions (n,), or a table with an interval; parameters and errors as of `MixedFit.predict`."""
    source = known_rows(mixed, fitted, data, random=request.random, unseen=request.unseen)
    return collect_predictions(any_predictions(mixed, fitted, source, request), request.interval is not None)


def any_predictions(
    mixed: MixedSolved, fitted: FittedRows, source: Source, request: PredictionRequest
) -> Iterator[Matrix]:
    """Predictions batch by batch, (1, n), or (3, n) with low and high."""
    if request.interval is None:
        return predictions(mixed, source, random=request.random, unseen=request.unseen)
    from gramian.fit.mixed.intervals import intervals

    return intervals(mixed, fitted, source, request)


def known_rows(mixed: MixedSolved, fitted: FittedRows, data: object, *, random: bool, unseen: str) -> Source:
    """The rows to predict; with unseen="null", levels of factors that the fit has not seen are null."""
    source = with_unseen(rows_or_fitted(data, fitted), mixed.structural.design, unseen)
    for term in mixed.random if random else ():
        source = with_unseen(source, term.columns.design, unseen)
    return source


def predictions(mixed: MixedSolved, source: Source, *, random: bool = True, unseen: str = "error") -> Iterator[Matrix]:
    """Predictions batch by batch, (1, n)."""
    predictor = MixedPredictor(mixed, random=random, null_unseen=unseen == NULL)
    for name in predictor.columns:
        source.schema[name]  # raises where a column is missing, or has other types in other files
    for unit in source.units:
        for batch in unit.batches(predictor.columns):
            yield predictor.batch(batch)


@dataclass(frozen=True)
class MixedPredictor:
    """Predicts batches of rows; what does not depend on the rows is computed once.

    Attributes
    ----------
    mixed : MixedSolved
        The fit.
    random : bool
        Whether random effects enter.
    null_unseen : bool
        Whether rows of groups that the fit has not seen have no prediction; else they are an error.
    """

    mixed: MixedSolved
    random: bool = True
    null_unseen: bool = False

    @cached_property
    def fixed(self) -> Predictor:
        """Predicts the fixed part."""
        return Predictor(self.mixed.structural)

    @cached_property
    def terms(self) -> Sequence[TermPredictor]:
        """Predict the random parts."""
        if not self.random:
            return ()
        ends = np.cumsum([len(term.names) for term in self.mixed.random])
        parts = np.split(self.mixed.effects, ends[:-1], axis=1)
        pairs = zip(self.mixed.random, parts, strict=True)
        return [TermPredictor(term.columns, effects) for term, effects in pairs]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        parts = [self.fixed.design.columns, *(t.predictor.design.columns for t in self.terms)]
        return tuple(dict.fromkeys(c for part in (*parts, self.mixed.by if self.random else ()) for c in part))

    @cached_property
    def groups(self) -> Clusters:
        """The groups of the fit."""
        return Clusters(self.mixed.groups, np.column_stack([np.arange(len(self.mixed.counts))] * len(self.mixed.by)))

    def batch(self, batch: Batch) -> Matrix:
        """Predictions (1, n) of one batch, NaN in incomplete rows."""
        out = self.fixed.batch(batch)
        if not self.random:
            return out
        group = self.groups_of(batch)
        for term in self.terms:
            out[0] += term.values(batch, group)
        return out

    def groups_of(self, batch: Batch) -> Codes:
        """Number of each row's group, (n,), -1 where it is null. Raises DataError for an unknown one."""
        clusters, codes = clusters_of(batch, self.mixed.by)
        positions = _positions(self.mixed.groups, clusters)
        found = np.append(positions, -1)[codes]
        missing = (found < 0) & (codes >= 0)
        if missing.any() and not self.null_unseen:
            cell = clusters.cells[codes[np.argmax(missing)]]
            value = ", ".join(str(v[int(c)].as_py()) for v, c in zip(clusters.names, cell, strict=True))
            known = [str(v) for v in self.mixed.groups[0][:1000].to_pylist()]
            raise DataError(
                f"the fit has no group {value} of '{':'.join(self.mixed.by)}'{did_you_mean(value, known)}; "
                'random=False predicts without random effects, unseen="null" leaves such rows out',
                batch.where,
            )
        return found


def _positions(groups: tuple[Any, ...], clusters: Clusters) -> Codes:
    """Position of each cluster among the groups of a fit, -1 where it is none of them."""
    own = [values.take(pa.array(codes)) for values, codes in zip(clusters.names, clusters.cells.T, strict=True)]
    names = [f"k{i}" for i in range(len(own))]
    theirs = pa.table([*groups, pa.array(np.arange(len(groups[0])))], [*names, "at"])
    mine = pa.table(
        [
            *(values.cast(known.type) for values, known in zip(own, groups, strict=True)),
            pa.array(np.arange(len(own[0]))),
        ],
        [*names, "row"],
    )
    joined = mine.join(theirs, names, join_type="left outer").sort_by("row")
    return np.asarray(joined["at"].fill_null(-1).to_numpy(), np.int64)


@dataclass(frozen=True)
class TermPredictor:
    """Predicts the part of one term of random effects.

    Attributes
    ----------
    columns : Solved
        Its q columns.
    effects : ndarray of shape (c, q)
        Random effects of each group.
    """

    columns: Solved
    effects: Matrix

    @cached_property
    def predictor(self) -> Predictor:
        """Reads the columns."""
        return Predictor(self.columns)

    @cached_property
    def reader(self) -> Reader:
        """Reads predictors, without the outcome."""
        return Reader(replace(self.predictor.design, offsets=()), response=False)

    @cached_property
    def stored(self) -> Matrix:
        """Effects (c, q') of the stored columns."""
        parametrization, B = self.columns.parametrization, self.effects.T
        if parametrization.to_solved is not None:
            B = maps.multiply(maps.map_of(parametrization.to_solved), B)
        if parametrization.subspace is not None:
            B = dense([maps.sparse(c) for c in parametrization.subspace[:-1]], self.predictor.width) @ B
        return np.ascontiguousarray(B.T)

    def values(self, batch: Batch, group: Codes) -> Vector:
        """The random part of each row, (n,), NaN where a column or the group is missing."""
        with np.errstate(all="ignore"):
            observed = self.reader.read(batch)
            own = np.full(observed.rows, np.nan)
            complete = slice(None) if observed.row_mask is None else observed.row_mask
            rows_group = group[complete]
            writer = BlockWriter(self.predictor.layout, self.predictor.design.coordinates)
            for rows, columns in writer.blocks(observed.rows, observed.values, observed.codes, None):
                Z = stored_rows(columns, self.predictor.layout, self.predictor.groups, self.reader.sizes)
                own[rows] = np.einsum("ij,ij->i", Z, self.stored[rows_group[rows]])
        own[rows_group < 0] = np.nan
        out = np.full(batch.rows, np.nan)
        out[complete] = own
        return out
