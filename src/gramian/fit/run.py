"""A linear fit from a source: prepare, one pass, solve, and climb as far as the digits that are wanted need."""

from __future__ import annotations

from contextlib import nullcontext

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress
from gramian.fit.engine import Engine
from gramian.fit.exact_tier import run_exact
from gramian.fit.ladder import climb
from gramian.fit.limits import check_width, width, width_limit
from gramian.fit.linear import first_rung
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate
from gramian.fit.prepare import prepare
from gramian.fit.solved import Solved

WIDE = 2000  # columns from which on a solve is quicker on several threads


def run_linear(formula: str, source: Source, options: Options, engine: Engine, progress: Progress | None) -> Solved:
    """Fit a linear model to a source.

    Warns with AccuracyWarning where fewer digits are certified than are wanted.
    """
    design, source = prepare(formula, source, options, absorbing=not options.exact)
    if options.exact:
        return run_exact(design, options, source, engine, progress)
    done = engine.fold(source, Accumulate(design, options.drop), progress=progress)
    sizes = {name: len(done.moments.levels[name]) for name in design.terms.told}
    check_width(design.terms, sizes, width_limit())
    with one_thread() if width(design.terms, sizes) < WIDE else nullcontext():
        system, first = first_rung(design, done, options, 1 + any(s.found for s in design.terms.splines.values()))
        return climb(first, design, done, options, system, source, engine, progress)
