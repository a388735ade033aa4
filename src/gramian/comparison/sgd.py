"""Stochastic gradient descent on the rows themselves, which are read in their order in every pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.fit.passes.accumulate import linear_residual
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.linalg import maps
from gramian.linalg.blocks import BlockWriter
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.factors.levels import positions
from gramian.linalg.products import without_last
from gramian.linalg.subspace import dense
from gramian.typing import Codes, Level, Matrix, Vector

Part = tuple[Matrix, Vector, Vector | None]  # model columns (n, q), outcome (n,), weights (n,) or None


@dataclass(frozen=True, slots=True)
class ModelRows:
    """Reads complete rows in model columns, (x - mean) / std; the outcome keeps its units.

    Attributes
    ----------
    design : Design
        The design.
    parametrization : Parametrization
        Model columns in terms of stored columns.
    levels : mapping of str to sequence
        Levels of each factor, in the order of the moments' codes.
    drop : bool
        Whether rows with missing values are dropped; otherwise they are an error.
    mean, stds : ndarray, (q,)
        Zeros and ones for columns as they are.
    """

    design: Design
    parametrization: Parametrization
    levels: Mapping[str, Sequence[Level]]
    drop: bool
    mean: Vector
    stds: Vector

    def parts(self, source: Source) -> Iterator[Part]:
        """Model columns (n, q), outcomes (n,) and weights (n,) of blocks of rows, in the order of the source."""
        design = replace(self.design, matrix=None, levels=None)
        block_writer, groups = BlockWriter(design.layout, design.coordinates), without_last(self.parametrization.groups)
        combinations = self._combination_matrix(sum(len(g.positions) for g in groups))
        (response,) = design.outcome
        for unit in source.units:
            reader = Reader(design, drop=self.drop)
            for batch in unit.batches(design.columns):
                with np.errstate(all="ignore"):
                    observed = reader.read(batch)
                    codes, sizes = self._codes(observed, reader), {f: len(names) for f, names in self.levels.items()}
                    outcome = linear_residual(observed.values[response], observed.offset)
                    values = {**observed.values, response: outcome}
                    for rows, columns in block_writer.blocks(observed.rows, values, codes, None):
                        Z = stored_rows(columns, design.layout, groups, sizes)
                        X = ((Z if combinations is None else Z @ combinations) - self.mean) / self.stds
                        yield _finite(X, outcome[rows], _weights(observed, rows))

    def _combination_matrix(self, height: int) -> Matrix | None:
        """Model columns as combinations of `height` stored columns, (height, q); None where they are the same."""
        combinations = (
            self.parametrization.to_solved
            if self.parametrization.subspace is None
            else self.parametrization.subspace[:-1]
        )
        return None if combinations is None else dense([maps.sparse(c) for c in combinations], height)

    def _codes(self, observed: Observed, reader: Reader) -> dict[str, Codes]:
        """Codes of the levels in the order of the moments. All levels of complete rows are among those."""
        places = {name: positions(index.levels, self.levels[name]) for name, index in reader.levels.items()}
        return {name: places[name][codes] for name, codes in observed.codes.items()}


def _weights(observed: Observed, rows: slice) -> Vector | None:
    """Weights times frequencies, (n,); None where there are neither."""
    factors = [v[rows] for v in (observed.weight, observed.count) if v is not None]
    return np.asarray(np.prod(factors, axis=0)) if factors else None


def _finite(X: Matrix, y: Vector, w: Vector | None) -> Part:
    """The rows whose values are all finite."""
    good = np.isfinite(X).all(axis=1) & np.isfinite(y)
    return (X, y, w) if good.all() else (X[good], y[good], None if w is None else w[good])


@dataclass(frozen=True, slots=True)
class SgdSchedule:
    """Parameters of stochastic gradient descent.

    Attributes
    ----------
    rate, decay : float
        The rate of step t is rate / (1 + decay t).
    batch : int
        Rows of one step.
    passes : int
        Largest number of passes.
    """

    rate: float
    decay: float = 1e-3
    batch: int = 64
    passes: int = 10

    def __str__(self) -> str:
        return f"rate {self.rate:g}/(1 + {self.decay:g} t), {self.batch} rows a step, order of the rows"


@dataclass(frozen=True, slots=True)
class SgdState:
    """State of the descent after a pass.

    Attributes
    ----------
    b : ndarray, (q,)
        Coefficients after the last step.
    average : ndarray, (q,)
        Mean of the coefficients after each step of the pass.
    steps, rows : int
        Numbers of steps and rows since the start.
    """

    b: Vector
    average: Vector
    steps: int = 0
    rows: int = 0


def descend(rows: ModelRows, source: Source, schedule: SgdSchedule, mean_weight: float = 1.0) -> Iterator[SgdState]:
    """States after each pass, starting from zero, without end.

    Parameters
    ----------
    rows : ModelRows
        Reads rows in model columns.
    source : Source
        Read once in each pass.
    schedule : SgdSchedule
        Rates and rows of a step.
    mean_weight : float
        Mean weight of a row, so that rates do not depend on the unit of the weights.

    Notes
    -----
    A step is b - rate X'W(Xb - y)/n over a few rows (Robbins and Monro). The estimate after a pass is the average of
    the coefficients over the pass (Polyak and Juditsky).

    References
    ----------
    Robbins, H. and Monro, S. (1951). A stochastic approximation method. Annals of Mathematical Statistics 22, 400-407.

    Polyak, B. T. and Juditsky, A. B. (1992). Acceleration of stochastic approximation by averaging. SIAM Journal on
    Control and Optimization 30, 838-855.
    """
    zero = np.zeros(len(rows.mean))
    state = SgdState(zero, zero)
    while True:
        state = one_pass(state, cut(rows.parts(source), schedule.batch), schedule, mean_weight)
        yield state


def one_pass(state: SgdState, parts: Iterable[Part], schedule: SgdSchedule, mean_weight: float) -> SgdState:
    """State after a pass over all rows, each of which is used once."""
    b, total, steps, rows = state.b, np.zeros_like(state.b), state.steps, state.rows
    with np.errstate(all="ignore"):
        # A rate that is too large makes b overflow; that is a result of the comparison, not an error.
        for X, y, w in parts:
            r = X @ b - y if w is None else (X @ b - y) * (w / mean_weight)
            b = b - schedule.rate / (1.0 + schedule.decay * steps) / len(y) * (r @ X)
            total, steps, rows = total + b, steps + 1, rows + len(y)
    return SgdState(b, total / max(steps - state.steps, 1), steps, rows)


def cut(parts: Iterable[Part], size: int) -> Iterator[Part]:
    """The same rows in parts of `size`, the last one shorter.

    So steps do not depend on the batches in which the source delivers rows.
    """
    remainder: Part | None = None
    for part in parts:
        X, y, w = part if remainder is None else _joined(remainder, part)
        complete = len(y) - len(y) % size
        for at in range(0, complete, size):
            piece = slice(at, at + size)
            yield X[piece], y[piece], None if w is None else w[piece]
        remainder = X[complete:], y[complete:], None if w is None else w[complete:]
    if remainder is not None and len(remainder[1]):
        yield remainder


def _joined(a: Part, b: Part) -> Part:
    """Two parts as one."""
    w = None if a[2] is None or b[2] is None else np.concatenate([a[2], b[2]])
    return np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]), w
