"""A linear fit from its parts: solution, model's columns, digits, and the sums of squares of the outcome."""

from __future__ import annotations

from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.accuracy import Accuracy, BoundedSolution
from gramian.fit.leastsquares.coded import CodedDesign
from gramian.fit.leastsquares.model_columns import ModelColumns
from gramian.fit.leastsquares.outcome import outcome_sums, total_square
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.linalg.moments import first_moments


def fit_of(
    code: CodedDesign,
    accumulated: Accumulated,
    options: Options,
    bounded: BoundedSolution,
    model_columns: ModelColumns,
    accuracy: Accuracy,
    absorbed: Absorbed | None = None,
) -> Solved:
    """A fit from its parts; parameters as of `assemble`, with the solution in the model's columns, and its digits."""
    solution, design, parametrization, moments = (
        bounded.solution,
        code.design,
        code.parametrization,
        accumulated.moments,
    )
    rank, levels = int(solution.independent.sum()), absorbed.rank if absorbed else 0
    intercept = parametrization.constant is not None or bool(design.terms.absorbed_intercepts)
    mean, centred, square = outcome_sums(moments, code.response, design.coordinates[code.response])
    rss = solution.rss * parametrization.scale * parametrization.scale
    total = total_square(centred if intercept else square, code.response)
    return Solved(
        formula=design.formula,
        design=design,
        levels=code.levels,
        parametrization=parametrization,
        solution=solution,
        names=code.names,
        terms=code.terms,
        coefficients=model_columns.coefficients,
        inverse=model_columns.inverse,
        identified=model_columns.identified,
        aliased=model_columns.aliased,
        empty_cells=code.empty_cells,
        intercept=intercept,
        rows=moments.rows,
        weight=moments.weight,
        log_weight=moments.log_weight,
        rss=rss,
        tss=rss if intercept and rank + levels == 1 else total,  # an intercept alone explains nothing
        mean=mean,
        rank=rank,
        leverage=solution.leverage + levels,
        condition=solution.condition,
        passes=bounded.passes,
        dropped_rows=accumulated.dropped_rows,
        alpha=options.alpha,
        accuracy=accuracy,
        absorbed=absorbed,
        inverse_roots=model_columns.inverse_roots,
        first_moments=None if design.weight else first_moments(moments, design.terms.coefficient_blocks),
    )
