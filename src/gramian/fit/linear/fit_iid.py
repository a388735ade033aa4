"""A linear fit from a source: prepare, one pass, solve, and climb as far as the digits that are wanted need."""

from __future__ import annotations

from contextlib import nullcontext

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.fit.leastsquares.escalate import escalate
from gramian.fit.leastsquares.exact import run_exact
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.limits import check_width, width, width_limit
from gramian.fit.passes.options import Options
from gramian.fit.passes.prepare import prepare

THREADED_WIDTH = 2000  # columns from which on a solve is quicker on several threads


def run_linear(formula: str, source: Source, options: Options, engine: Engine, progress: Progress | None) -> Solved:
    """Fit a linear model to a source.

    Warns with AccuracyWarning where fewer digits are certified than are wanted.
    """
    design, source = prepare(formula, source, options, absorbing=not options.exact)
    if options.exact:
        return run_exact(design, options, source, engine, progress)
    accumulated = engine.fold(source, Accumulate(design, options.drop), progress=progress)
    sizes = {name: len(accumulated.moments.levels[name]) for name in design.terms.coefficient_factors}
    check_width(design.terms, sizes, width_limit())
    with one_thread() if width(design.terms, sizes) < THREADED_WIDTH else nullcontext():
        system, first = first_solution(
            design, accumulated, options, 1 + any(s.from_data for s in design.terms.splines.values())
        )
        return escalate(first, design, accumulated, options, system, source, engine, progress)
