"""Rows that a direction separates, which `separation="drop"` leaves out: they say nothing about what is identified.

Along a separating direction d the means of the rows with x'd other than zero go to their outcomes, and their part of
the likelihood to a constant. The maximum over all other coefficients is that of the rows with x'd = 0. A direction that
is exact but for rounding names its rows. One that Newton's steps only approach is first made exact, by the iterated
rectifier: the least-squares fit of the part of X d that goes the right way, again and again, with large weights on rows
that must not move. It is a projection on the columns after one on the directions that are allowed, whose limit is a
separating direction.

References
----------
Correia, S., Guimaraes, P. and Zylkin, T. (2019). Verifying the existence of maximum likelihood estimates for
generalized linear models. arXiv:1903.01633.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from gramian.batch import Batch
from gramian.fit.glm.accumulate import Linearize
from gramian.fit.glm.separation import CandidateDirections, SeparationFoundError
from gramian.fit.passes.accumulate import UnitAccumulator
from gramian.fit.passes.keys import RowKeys
from gramian.fit.passes.row_filter import Subset
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed
from gramian.linalg.blocks import Predictor
from gramian.linalg.columns import Columns
from gramian.linalg.keyed.moments import Key
from gramian.models.families import Family
from gramian.models.glm import GLM, WorkingRows
from gramian.typing import Codes, Mask, Vector

if TYPE_CHECKING:
    from gramian.fit.glm.loop import Run

KEPT: Key = ("kept",)
CLEAN = 1e-9  # largest wrong move, as a share of the largest right one, of a direction that names rows
MOVED = 1e-6  # share of the largest right move from which on a row is separated
MAX_STEPS = 300  # of the rectifier
INTERIOR_WEIGHT = 1e6  # of rows that must not move: it hastens the limit, and leaves ten digits of the products


@dataclass(frozen=True, slots=True)
class Rectifier:
    """Stands for a family and link in a pass of the rectifier.

    Attributes
    ----------
    family : Family
        That of the fit, for the range of its outcomes.
    top : float
        Upper end of the range.
    """

    family: Family
    top: float

    def linearize(self, y: Vector, eta: Vector, prior: Vector | None, *, observed: bool = False) -> WorkingRows:
        """Rows whose least-squares step leads from eta (n,) to the fit of its part that goes the right way."""
        target = np.where(y <= 0.0, np.minimum(eta, 0.0), np.where(y >= self.top, np.maximum(eta, 0.0), 0.0))
        w = np.where((y > 0.0) & (y < self.top), INTERIOR_WEIGHT, 1.0)
        w = w if prior is None else w * prior
        r = target - eta
        return WorkingRows(r, w, w * r, float(w @ (r * r)))


def exact_direction(run: Run, found: SeparationFoundError) -> tuple[Vector, float] | None:
    """A direction of which all but rounding goes the right way, and its largest move; None where none is reached."""
    if found.ratio <= CLEAN:
        return found.direction, found.largest
    setting, model = found.setting, run.options.model
    top = model.family.separable_end
    assert top is not None
    # a direction moves rows whatever their offsets, which only have to be there
    design = replace(setting.design, offsets=(), present=(*setting.design.present, *setting.design.offsets))
    d = found.direction / found.largest
    rectifier = cast(GLM, Rectifier(model.family, top))
    for _ in range(MAX_STEPS):
        predictor = setting.predictor(d)
        task = Linearize(
            design,
            rectifier,
            predictor=predictor,
            candidates=CandidateDirections((predictor,), top),
            drop=run.options.common.drop,
        )
        linearized = run.runner.fold(task)
        (move,) = linearized.moves
        if move.ratio <= CLEAN:
            return d, move.right
        d = (d + run.step(setting, linearized, d, model).move) / max(move.right, np.finfo(float).tiny)
    return None


def without_separated_rows(run: Run, found: SeparationFoundError) -> DroppedRows | None:
    """Leave the rows of a direction out of the source of a fit, and count them; None where there is no exact one."""
    exact = exact_direction(run, found)
    if exact is None:
        return None
    direction, largest = exact
    top = run.options.model.family.separable_end
    assert top is not None
    rows = NotMoved(found.setting.design, found.setting.predictor(direction), MOVED * largest, top)
    counted = run.runner.fold(CountMoved(rows))
    if not 0 < counted.moved < counted.complete:
        return None
    run.runner.source = Subset(run.runner.source, rows, KEPT)
    return DroppedRows({found.cause: counted.moved})


@dataclass(frozen=True, slots=True)
class MovedRows:
    """Numbers of rows that a direction moves, and of complete rows; `+` adds them."""

    moved: int = 0
    complete: int = 0

    def __add__(self, other: MovedRows, /) -> MovedRows:
        return MovedRows(self.moved + other.moved, self.complete + other.complete)


@dataclass(frozen=True, slots=True)
class CountMoved:
    """The pass that counts them."""

    rows: NotMoved

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.rows.columns

    @property
    def empty(self) -> MovedRows:
        """No rows."""
        return MovedRows()

    def accumulate(self, batches: Iterable[Batch], /) -> MovedRows:
        """The numbers of one unit."""
        projections, total = _Projections(self.rows), MovedRows()
        for batch in batches:
            observed = projections.reader.read(batch)
            moved = projections.moved(observed)
            count = np.ones(observed.rows) if observed.count is None else observed.count
            total += MovedRows(int(count[moved].sum()), int(count.sum()))
        return total


@dataclass(frozen=True, slots=True, eq=False)
class NotMoved:
    """Groups rows into those that a direction does not move, and the others.

    Attributes
    ----------
    design : Design
        Of the fit, with its levels.
    predictor : Predictor
        X d.
    limit : float
        The largest |x'd| of rows to keep.
    top : float
        Upper end of the outcome's range; rows within it are kept, whatever rounding says.
    """

    design: Design
    predictor: Predictor
    limit: float
    top: float

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that decide."""
        return self.design.columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts of a key."""
        return ("rows",)

    def start(self) -> RowKeys:
        """Begin a unit."""
        return _Rows(_Projections(self))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Code 0 for rows to keep, -1 for others; incomplete rows are kept, for the fit to count. projections : x'd."""

    projections: _Projections
    size: int = 1
    keys: Sequence[Key] = field(default=(KEPT,))

    def parts(self, batch: Batch) -> Mapping[str, Codes]:
        """No column has codes of its own."""
        return {}

    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes:
        """Codes (n,) of the rows of a batch."""
        observed = self.projections.reader.read(batch)
        moved = self.projections.moved(observed)
        out = np.zeros(batch.rows, np.int64)
        places = np.arange(batch.rows) if observed.row_mask is None else np.flatnonzero(observed.row_mask)
        out[places[moved]] = -1
        return out


class _Projections(UnitAccumulator):
    """Evaluates a direction on the rows of a unit. task : the direction."""

    def __init__(self, task: NotMoved) -> None:
        super().__init__(replace(task.design, matrix=None), drop=True)
        self.task, self.project = task, task.predictor.prepare()
        (self.response,) = self.responses
        self.values_of_rows = np.zeros(0)

    def moved(self, observed: Observed) -> Mask:
        """Which complete rows (n,) the direction moves towards the end of the range at which they lie."""
        self.values_of_rows = np.zeros(observed.rows)
        with np.errstate(all="ignore"):
            self.add(observed)
        y = observed.values[self.response]
        at_end = (y <= 0.0) | (y >= self.task.top)
        return np.asarray(at_end & (np.abs(self.values_of_rows) > self.task.limit))

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Keep x'd of the rows of a block; False where a value is not finite, for these rows do not enter."""
        if not (columns.surely_finite() or columns.finite().all()):
            return False
        self.values_of_rows[rows] = self.project(columns, self.reader.sizes)
        return True
