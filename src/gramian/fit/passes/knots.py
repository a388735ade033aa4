"""The pass for the knots of splines that are quantiles of the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch, Source
from gramian.engines.local import Local
from gramian.errors import DataError
from gramian.formula.design import Design
from gramian.formula.evaluate import evaluate
from gramian.formula.splines import Spline
from gramian.formula.syntax import names
from gramian.linalg.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Sketches:
    """Partial result of the pass for knots: label of a spline -> sketch of the distribution of its variable."""

    of: Mapping[str, Sketch]

    def __add__(self, other: Sketches, /) -> Sketches:
        return Sketches({label: sketch + other.of[label] for label, sketch in self.of.items()})


@dataclass(frozen=True, slots=True)
class SketchSplines:
    """The task of a pass that sketches the distribution of the variable of each spline, over its finite values.

    Attributes
    ----------
    splines : tuple of Spline
        Splines whose knots are not declared in the formula.
    count : str or None
        Column of frequency weights.
    """

    splines: tuple[Spline, ...]
    count: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        used = names(*(spline.node for spline in self.splines))
        return tuple(dict.fromkeys([*used, *([self.count] if self.count else [])]))

    @property
    def empty(self) -> Sketches:
        """The sketches of no rows."""
        return Sketches({spline.label: Sketch.of(np.zeros(0)) for spline in self.splines})

    def accumulate(self, batches: Iterable[Batch], /) -> Sketches:
        """The sketches of one unit."""
        total = self.empty
        for batch in batches:
            total = total + Sketches({spline.label: self._sketch(spline, batch) for spline in self.splines})
        return total

    def _sketch(self, spline: Spline, batch: Batch) -> Sketch:
        """The sketch of one spline's variable over a batch, by frequency weights where there are any."""
        values, defined = evaluate({spline.label: spline.node}, batch)[spline.label]
        good = np.isfinite(values) if defined is None else np.isfinite(values) & defined
        if self.count is None:
            return Sketch.of(values[good])
        counts, present = batch.numbers(self.count)
        good &= (counts > 0) if present is None else (counts > 0) & present
        return Sketch.of(values[good], counts[good].astype(np.int64))


def settle_knots(design: Design, source: Source) -> Design:
    """The design with the knots of its open splines, from a pass over their columns.

    Raises DataError for data that can be read only once, or with too few different values.
    """
    unsettled = design.open_splines
    if not source.rereadable:
        raise DataError(
            f"the knots of {unsettled[0].label} are found in a pass of their own, and these data can be read once "
            "only; declare knots=c(...) and boundary=c(...)"
        )
    # in this process whatever the engine: knots decide the columns, and few columns are read
    sketches = Local().fold(source, SketchSplines(unsettled, design.count))
    for label, sketch in sketches.of.items():
        if not sketch.rows:
            raise DataError(f"no row has a value for {label}, so it has no knots")
    settled = {spline.label: spline.with_knots(sketches.of[spline.label]) for spline in unsettled}
    return replace(design, terms=replace(design.terms, splines={**design.terms.splines, **settled}))
