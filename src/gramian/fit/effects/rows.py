"""Complete rows of batches, group by group, as a setting takes them to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.fit.effects.derivative import derivative, spline_derivatives
from gramian.fit.effects.settings import Setting, changed
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.formula.syntax import Name, Node, names
from gramian.typing import Codes, Level, Mask, Vector


@dataclass(frozen=True, slots=True)
class EffectRows:
    """Complete rows of a batch.

    Attributes
    ----------
    batch : Batch
        All rows, under the setting.
    reader : Reader
        Reads the predictors.
    kept : Codes
        (n,) positions of the complete rows of the group.
    values : mapping
        Variable -> (n,).
    codes : mapping
        Factor -> (n,) codes of levels.
    offset : Vector or None
        (n,), None without offsets.
    frequency : Vector or None
        (n,) how many rows a row stands for; None for one each.
    outcome : Vector or None
        (n,) the outcome; None where the rows do not have it.
    weight : Vector or None
        (n,) weights; None for one each.
    """

    batch: Batch
    reader: Reader
    kept: Codes
    values: Mapping[str, Vector]
    codes: Mapping[str, Codes]
    offset: Vector | None
    frequency: Vector | None
    outcome: Vector | None = None
    weight: Vector | None = None

    @property
    def count(self) -> int:
        """Number n of rows."""
        return len(self.kept)

    @property
    def total(self) -> int:
        """Number of rows that these stand for."""
        return self.count if self.frequency is None else int(self.frequency.sum())

    def weights(self, at: slice) -> Vector:
        """How often each row of a block counts."""
        return np.ones(at.stop - at.start) if self.frequency is None else self.frequency[at]

    def under(self, setting: Setting) -> EffectRows:
        """The same rows under a setting; only what depends on its columns is evaluated again."""
        if not setting:
            return self
        batch, columns = changed(self.batch, setting), dict(setting).keys()
        design = self.reader.design
        terms = design.terms
        splines = {k: s for k, s in terms.splines.items() if columns & set(names(s.node))}
        variables = {v: node for v, node in terms.variables.items() if columns & set(names(node))}
        factors = {f: factor for f, factor in terms.factors.items() if columns & set(factor.columns)}
        offsets = design.offsets if columns & set(names(*design.offsets)) else ()
        touched = replace(
            terms, terms=(), variables=variables, factors=factors, absorbed=(), splines=splines, slopes={}
        )
        observed = Reader(replace(design, terms=touched, offsets=offsets), response=False).read(batch)
        at = positions_within(observed, self.kept)
        return replace(
            self,
            batch=batch,
            values={**self.values, **{v: x[at] for v, x in observed.values.items()}},
            codes={**self.codes, **{f: c[at] for f, c in observed.codes.items()}},
            offset=self.offset if observed.offset is None else observed.offset[at],
        )

    def derivative(self, node: Node, column: str) -> Vector | None:
        """Derivative (n,) of an expression by a column; None where it is 1 in every row."""
        return None if node == Name(column) else derivative(node, column, self.batch)[self.kept]

    def spline_derivative(self, label: str, index: int, column: str) -> Vector:
        """Derivative (n,) of one column of a spline by a column."""
        spline = self.reader.design.terms.splines[label]
        return np.asarray(spline_derivatives(spline, column, self.batch)[index][self.kept])


class RowsReader:
    """Reads the complete rows of batches: those that have all predictors, and the outcome where it is there.

    Parameters
    ----------
    design : Design
        The predictors.
    outcome : Design
        Outcome, weights and frequencies.
    by : str or None
        Column whose values make the groups.
    """

    def __init__(self, design: Design, outcome: Design, by: str | None) -> None:
        self.predictors, self.outcome, self.by = Reader(design, response=False), Reader(outcome), by

    @property
    def sizes(self) -> dict[str, int]:
        """Factor -> number of levels."""
        return self.predictors.sizes

    def read(self, batch: Batch) -> Iterator[tuple[Level | None, EffectRows]]:
        """The rows of each group; of the one group None where there is no grouping column."""
        observed, outcome = self.predictors.read(batch), self.outcome.read(batch)
        complete = _mask(observed, batch.rows) & _mask(outcome, batch.rows)
        for part in (observed, outcome):
            vectors = [*part.values.values(), *([] if part.offset is None else [part.offset])]
            complete &= _scattered(_finite(vectors, part.rows), part, batch.rows)
        for name, rows in self._groups(batch, complete):
            kept, at = np.flatnonzero(rows), positions_within(observed, np.flatnonzero(rows))
            of_outcome = positions_within(outcome, kept)
            frequency = None if outcome.count is None else outcome.count[of_outcome]
            y = next(iter(outcome.values.values()), None)
            yield (
                name,
                EffectRows(
                    batch,
                    self.predictors,
                    kept,
                    {v: x[at] for v, x in observed.values.items()},
                    {f: c[at] for f, c in observed.codes.items()},
                    None if observed.offset is None else observed.offset[at],
                    frequency,
                    None if y is None else y[of_outcome],
                    None if outcome.weight is None else outcome.weight[of_outcome],
                ),
            )

    def _groups(self, batch: Batch, complete: Mask) -> Iterator[tuple[Level | None, Mask]]:
        """Each group with the mask of its complete rows."""
        if self.by is None:
            yield None, complete
            return
        codes, levels = batch.factor(self.by)
        for code in np.unique(codes[complete]).tolist():
            if code >= 0:
                yield levels[code], complete & (codes == code)


def positions_within(observed: Observed, kept: Codes) -> Codes | slice:
    """Where rows of a batch stand among its complete ones; a slice where these are all."""
    if observed.row_mask is None:
        return slice(None) if len(kept) == observed.rows else kept
    return np.asarray(np.cumsum(observed.row_mask)[kept] - 1)


def _mask(observed: Observed, rows: int) -> Mask:
    """Which rows of a batch are complete."""
    return np.ones(rows, np.bool_) if observed.row_mask is None else observed.row_mask.copy()


def _scattered(mask: Mask, observed: Observed, rows: int) -> Mask:
    """A mask of the complete rows of a batch as one of all its rows."""
    if observed.row_mask is None:
        return mask
    out = np.ones(rows, np.bool_)
    out[observed.row_mask] = mask
    return out


def _finite(vectors: list[Vector], rows: int) -> Mask:
    """The rows (n,) in which every vector is finite."""
    out = np.ones(rows, np.bool_)
    for vector in vectors:
        if not np.isfinite(vector.sum()):  # a finite sum proves that all values are finite
            out &= np.isfinite(vector)
    return out
