"""The moments of a generalized linear fit with absorbed factors, made again at its solution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.moments import combined_weight
from gramian.typing import Mask, Vector


@dataclass(frozen=True, slots=True)
class WorkingMoments:
    """The pass that sums products of the stored columns with the working weights of a fit.

    Attributes
    ----------
    fitted_model : FittedModel
        The fit.
    """

    fitted_model: FittedModel

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.fitted_model.design.columns

    @property
    def long_runs(self) -> bool:
        """Whether rows are accumulated in long runs: always, for sums are over many levels."""
        return True

    @property
    def empty(self) -> Accumulated:
        """The sums of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Accumulated:
        """The sums of one unit."""
        accumulator = _WorkingAccumulator(self.fitted_model)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.finish()


class _WorkingAccumulator(ScoreAccumulator):
    """Adds the rows of a block with their working weights."""

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the products of a block."""
        return self.sums.add(columns, combined_weight(scores.w, count), count, self.reader.sizes)
