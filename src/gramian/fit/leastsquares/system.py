"""Linear fits from moments: form the normal equations of a design, solve them, map the solution to the model's columns.

Stored columns are what a pass sums; solved columns are combinations of them that span the model (`Parametrization`);
model columns have the coefficients that the user sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import NumericalError
from gramian.fit.leastsquares.absorbed import Absorbed, PartialledOut, partial_out
from gramian.fit.leastsquares.absorbed_effects import absorbed_estimates, constant_beside
from gramian.fit.leastsquares.accuracy import (
    Accuracy,
    BoundedSolution,
    ColumnErrors,
    certify,
    column_errors_of,
    one_pass_errors,
)
from gramian.fit.leastsquares.model_columns import ModelColumns, doubtful, to_model_columns
from gramian.fit.leastsquares.outcome import check_combinations, outcome_sums, total_square
from gramian.fit.leastsquares.rounded_times import RoundedTimes, rounded_times
from gramian.fit.leastsquares.solution import Solved, stored_coefficients
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.formula.coding import Levels, ModelColumn, highest_degree
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import CodedDesign, Design, coded
from gramian.formula.dropped_rows import NO_ROWS
from gramian.linalg import maps
from gramian.linalg.absorb.eliminate import solve_eliminating
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import EPS, sum_rounding_error, underflow_error
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.moments import Moments, first_moments
from gramian.linalg.products import gram_matrix, largest_diagonal
from gramian.linalg.solve import Solution, solve
from gramian.linalg.subspace import dense, sandwich
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class System:
    """The normal equations of a design with p columns, from q stored columns.

    Attributes
    ----------
    coded : CodedDesign
        The design with its levels: columns of the model, and those that are solved for.
    stored : ndarray of shape (q, q)
        Products of the stored columns, the response last.
    products : Pair of shape (p + 1, p + 1)
        Products of the solved columns, the response last, in double-double.
    squares : ndarray of shape (p + 1,)
        Largest magnitude that each diagonal sum reached, for rounding bounds.
    rounding_error : float
        Relative rounding error of a sum, and of the solve.
    sum_error : float
        The part of the sum.
    column_errors : ColumnErrors
        Errors of columns that are computed from power sums.
    partialled_out : PartialledOut or None
        The normal equations within the levels of absorbed factors; None without any.
    penalty : ndarray of shape (p, p) or None
        Ridge penalty in the solved columns; None for least squares.
    rows : int or None
        Number of rows, which the rank cannot exceed.
    """

    coded: CodedDesign
    stored: Matrix
    products: Pair
    squares: Vector
    rounding_error: float
    sum_error: float
    column_errors: ColumnErrors
    rounded_times: RoundedTimes | None
    partialled_out: PartialledOut | None = None
    penalty: Matrix | None = None
    rows: int | None = None

    @property
    def columns(self) -> tuple[ModelColumn, ...]:
        """The model's columns."""
        return self.coded.columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the model's columns."""
        return self.coded.names

    @property
    def levels(self) -> Levels:
        """Levels of the factors, and combinations of levels that have rows."""
        return self.coded.levels

    @property
    def response(self) -> str:
        """Name of the outcome."""
        return self.coded.response

    @property
    def parametrization(self) -> Parametrization:
        """The columns that are solved for, and their maps to stored and model columns."""
        return self.coded.parametrization


def solve_linear(design: Design, accumulated: Accumulated, options: Options, passes: int = 1) -> Solved:
    """Fit a design from its moments. passes : number of passes so far.

    Raises NumericalError without rows, NotIdentifiedError for dependent columns under collinear="raise".
    """
    return first_solution(design, accumulated, options, passes)[1]


def first_solution(
    design: Design, accumulated: Accumulated, options: Options, passes: int = 1, like: CodedDesign | None = None
) -> tuple[System, Solved]:
    """The normal equations of a design, and the fit in float64; parameters and errors as of `solve_linear`.

    like : the coded design of another fit, which is shared where it is the same.
    """
    # for speed, and because the bits of BLAS differ by its number of threads
    with threads_for(design.terms.width({name: len(levels) for name, levels in accumulated.moments.levels.items()})):
        system = system_of(design, accumulated, options, like)
        solution = solve_system(system)
        gradient = 0.0 if system.penalty is None else system.penalty @ solution.coefficients  # half that of the penalty
        bounded = BoundedSolution(solution, one_pass_errors(solution, gradient), passes)
        return system, assemble(design, accumulated, options, system, bounded)


def system_of(design: Design, accumulated: Accumulated, options: Options, like: CodedDesign | None = None) -> System:
    """Form the normal equations of a design from its moments. Raises NumericalError without rows."""
    moments = accumulated.moments
    if not moments.rows:
        raise NumericalError(f"no rows are left to fit '{design.formula}'{_drop_causes(accumulated)}")
    penalized = options.alpha is not None
    code = coded(design, moments, every_level=options.every_level, as_written=penalized, like=like)
    columns, parametrization = code.columns, code.parametrization
    check_combinations(parametrization, code.names, code.response)
    stored = gram_matrix(moments, parametrization.groups)
    highest = highest_degree(columns)
    entered, sum_error = rows_entered(moments), error_of_sums(moments, 0, highest)
    products, squares = (
        products_in(stored, parametrization),
        squares_in(_products_ever_summed(stored, moments, parametrization), parametrization),
    )
    sum_error += underflow_error(entered, squares)
    rounding_error = sum_error + len(columns) * EPS
    partialled_out = (
        partial_out(moments, design, parametrization, squares, rounding_error) if design.terms.absorbed else None
    )
    column_errors = column_errors_of(
        design.terms, columns, moments.powers, entered // ROWS_PER_BLOCK, parametrization.constant
    )
    P = None if not options.alpha else penalty_matrix(options.alpha, parametrization, len(columns))
    return System(
        code,
        stored,
        products,
        squares,
        rounding_error,
        sum_error,
        column_errors,
        rounded_times(design.terms, columns, design.coordinates, moments.rows) if design.terms.rounded_times else None,
        partialled_out,
        P,
        moments.rows,
    )


def rows_entered(moments: Moments) -> int:
    """Rows whose rounding errors are in the sums: those subtracted from a Gram when added, and when taken away."""
    return moments.rows if moments.removed is None else moments.rows + 2 * moments.removed.rows


def error_of_sums(moments: Moments, columns: int, degree: int = 1) -> float:
    """Relative rounding error of products in moments, as of `sum_rounding_error`, or of the sums they were made of."""
    entered = rows_entered(moments)
    # longest chain of additions: the rows of a block, then the blocks
    own = sum_rounding_error(entered, columns, ROWS_PER_BLOCK + entered // ROWS_PER_BLOCK, degree)
    return max(own, moments.stated_error + sum_rounding_error(0, columns, 0)) if moments.stated_error else own


def solve_system(system: System) -> Solution:
    """Solve the normal equations, with or without absorbed factors and a ridge penalty."""
    P, within = system.penalty, system.partialled_out
    if within is not None:
        most = None if P is not None or system.rows is None else max(system.rows - within.absorption.rank, 0)
        return solve(within.products, None, system.rounding_error, P, within.squares, most)
    if P is not None:
        return solve(
            system.products,
            system.parametrization.constant,
            system.rounding_error,
            P,
            system.squares,
            sum_error=system.sum_error,
        )
    return solve_products(
        system.products, system.parametrization, system.rounding_error, system.squares, system.rows, system.sum_error
    )


def assemble(
    design: Design, accumulated: Accumulated, options: Options, system: System, bounded: BoundedSolution
) -> Solved:
    """Make a fit from a solution: model coefficients, sums of squares, certified digits.

    Parameters
    ----------
    design : Design
        The design.
    accumulated : Accumulated
        Moments and dropped rows.
    options : Options
        `collinear`, `alpha` and `digits` are used.
    system : System
        The normal equations.
    bounded : BoundedSolution
        Their solution, with error bounds.

    Raises
    ------
    NotIdentifiedError
        For dependent columns under collinear="raise".
    """
    solution = bounded.solution
    moments, parametrization = accumulated.moments, system.parametrization
    absorbed_factors = design.terms.absorbed and design.terms.absorbed_texts
    model_columns = to_model_columns(
        parametrization, solution, system.products, system.names, options.collinear, bounded.low, absorbed_factors
    )
    absorbed = None
    if system.partialled_out is not None:
        b = stored_coefficients(parametrization, solution, model_columns.coefficients, model_columns.aliased)
        absorbed = absorbed_estimates(moments, design, parametrization, system.partialled_out, b)
        constant = constant_beside(system.columns, system.levels, parametrization, b, model_columns.coefficients)
        absorbed = replace(absorbed, constant=constant)
    leverage = solution.leverage + (absorbed.rank if absorbed else 0)
    accuracy = _accuracy(system, bounded, model_columns, moments.rows - leverage, options.digits)
    return fit_of(system.coded, accumulated, options, bounded, model_columns, accuracy, absorbed)


def _accuracy(
    system: System, bounded: BoundedSolution, model_columns: ModelColumns, df_residual: float, digits: float
) -> Accuracy:
    """Certified digits of a fit, and the columns of which it is doubtful whether they are dependent."""
    parametrization = system.parametrization
    accuracy = certify(
        bounded, digits, parametrization, model_columns, system.column_errors, df_residual, system.rounded_times
    )
    # no proof is possible with absorbed factors, whose products within levels are no plain sums; none is needed with as
    # many independent columns as rows, for then every other column must be dependent
    doubtful_columns = (
        ()
        if system.partialled_out or df_residual == 0
        else doubtful(model_columns, system.parametrization, system.stored, system.names)
    )
    return replace(accuracy, doubtful=doubtful_columns, reached=False) if doubtful_columns else accuracy


def solved_products(moments: Moments, parametrization: Parametrization) -> Pair:
    """Products (p + 1, p + 1) of the columns that are solved for and the response, from moments."""
    return products_in(gram_matrix(moments, parametrization.groups), parametrization)


def products_in(stored: Matrix, parametrization: Parametrization) -> Pair:
    """Products K'SK (p + 1, p + 1) of the solved columns from those of the stored ones, S (q, q), in double-double."""
    if parametrization.subspace is None:
        return pair(stored)
    with np.errstate(all="ignore"):
        products = sandwich([maps.sparse(c) for c in parametrization.subspace], stored)
    if not np.isfinite(products.hi).all():
        raise NumericalError("squares of a column or of the outcome overflow: divide them by a power of ten")
    return products


def _products_ever_summed(stored: Matrix, moments: Moments, parametrization: Parametrization) -> Matrix:
    """Products (q, q) whose diagonal bounds every sum that occurred, of subtracted rows too."""
    return stored if moments.removed is None else stored + 2 * gram_matrix(moments.removed, parametrization.groups)


def squares_in(stored: Matrix, parametrization: Parametrization) -> Vector:
    """Bounds (p + 1,) of the sums behind the squares of the solved columns: (sum_i sqrt(S_ii) |K_ij|)^2."""
    if parametrization.subspace is None:
        return np.asarray(stored.diagonal())
    K = dense([maps.sparse(c) for c in parametrization.subspace], len(stored))
    return np.asarray((np.sqrt(stored.diagonal()) @ np.abs(K)) ** 2)


def solve_products(
    products: Pair,
    parametrization: Parametrization,
    rounding_error: float,
    squares: Vector | None = None,
    rows: int | None = None,
    sum_error: float | None = None,
) -> Solution:
    """Solve the normal equations without a penalty, the largest factor, whose block is diagonal, eliminated first.

    rows : number of rows, which the rank cannot exceed. sum_error : as of `solve`; not used where a factor is
    eliminated, for its sums over levels are bounded as part of the solve.
    """
    constant = parametrization.constant
    block = largest_diagonal(parametrization.groups if parametrization.subspace is None else [])
    if not len(block):
        return solve(products, constant, rounding_error, summed_squares=squares, max_rank=rows, sum_error=sum_error)
    return solve_eliminating(products, constant, rounding_error, block, squares, rows)


def _drop_causes(accumulated: Accumulated) -> str:
    """Why no rows are left, for an error message."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in accumulated.dropped_rows.causes.items())
    return f": {accumulated.dropped_rows.total:,} left out ({causes})" if causes else NO_ROWS


def penalty_matrix(alpha: float, parametrization: Parametrization, width: int) -> Matrix:
    """alpha T'T (p, p), without the intercept: the penalty on the model's slopes, in the solved columns.

    width : number of columns p.
    """
    shares = np.full(width, alpha)
    if parametrization.constant is not None:
        shares[parametrization.constant] = 0.0
    if parametrization.to_model is None:
        return np.diag(shares)
    with np.errstate(over="ignore", invalid="ignore"):
        penalty = maps.weighted_gram(maps.map_of(parametrization.to_model), shares)
    if not np.isfinite(penalty).all():
        raise NumericalError(
            f"a penalty of {alpha:g} is beyond float64 beside columns as small as these; multiply the columns"
        )
    return penalty


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
        first_moments=first_moments(moments, design.terms.coefficient_blocks),
    )
