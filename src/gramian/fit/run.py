"""A linear fit from a source: prepare, one pass, solve."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Protocol

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress
from gramian.fit.limits import check_width, width, width_limit
from gramian.fit.linear import solve_linear
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate
from gramian.fit.prepare import prepare
from gramian.fit.solved import Solved
from gramian.typing import M, Pass

WIDE = 2000  # columns from which on a solve is quicker on several threads


class Engine(Protocol):
    """How a pass is run; the whole engine contract is one method."""

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """Lift every unit, add the partials by the fixed tree."""
        ...


def run_linear(formula: str, source: Source, options: Options, engine: Engine, progress: Progress | None) -> Solved:
    """Fit a linear model to a source."""
    design, source = prepare(formula, source, options)
    done = engine.fold(source, Accumulate(design, options.drop), progress=progress)
    sizes = {name: len(known) for name, known in done.moments.levels.items()}
    check_width(design.terms, sizes, width_limit())
    with one_thread() if width(design.terms, sizes) < WIDE else nullcontext():
        return solve_linear(design, done, options)
