"""Linear fits from moments: code the columns, solve, tell the answer in the model's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.absorbed import Within, within
from gramian.fit.absorbed import told as absorbed_told
from gramian.fit.accuracy import FAST, Accuracy, Errors, certify, one_pass
from gramian.fit.basis import Basis, basis_of
from gramian.fit.options import Options
from gramian.fit.passes import Accumulated
from gramian.fit.solved import Solved, stored_coefficients
from gramian.fit.told import Told, doubtful, tell
from gramian.formula.coding import Levels, ModelColumn, empty_cells, highest_degree, levels_of, model_columns
from gramian.formula.coordinates import Frame, frame_of
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.eliminate import largest_diagonal, solve_eliminating
from gramian.linalg.gather import BLOCK
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate
from gramian.linalg.products import gram
from gramian.linalg.solve import Solution, error_unit, solve
from gramian.linalg.subspace import dense, sandwich
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class System:
    """The normal equations of a design: its columns, the frame they are solved in, and their products.

    stored : (q, q) products of stored columns, products : (p + 1, p + 1) of solved ones, the response last. squares :
    (p + 1,) the largest that the sums behind a product's diagonal ever were. unit : relative rounding error of a sum.
    basis : errors of columns made of power sums. within : what absorbed factors leave of the products, None without
    any. penalty : (p, p) of a ridge fit, in the solved columns, None of any other.
    """

    columns: tuple[ModelColumn, ...]
    levels: Levels
    response: str
    frame: Frame
    stored: Matrix
    products: Pair
    squares: Vector
    unit: float
    basis: Basis
    within: Within | None = None
    penalty: Matrix | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the model's columns."""
        return tuple(c.name for c in self.columns)


def solve_linear(design: Design, done: Accumulated, options: Options, passes: int = 1) -> Solved:
    """Coefficients of a design from its moments.

    Raises NumericalError where there are no rows, NotIdentifiedError for dependent columns under collinear="raise".
    """
    return first_rung(design, done, options, passes)[1]


def first_rung(design: Design, done: Accumulated, options: Options, passes: int = 1) -> tuple[System, Solved]:
    """The normal equations of a design, and their solution as one pass gives it."""
    system = system_of(design, done, options)
    solution = solve_system(system)
    gradient = 0.0 if system.penalty is None else system.penalty @ solution.coefficients  # half that of the penalty
    return system, assembled(design, done, options, system, solution, one_pass(solution, gradient), passes)


def system_of(design: Design, done: Accumulated, options: Options) -> System:
    """The normal equations of a design from its moments."""
    moments = done.moments
    if not moments.rows:
        raise NumericalError(f"no rows are left to fit '{design.formula}'{_why(done)}")
    levels = levels_of(moments, design.terms)
    sums = moments.powers
    columns = model_columns(design.terms, levels, design.coordinates, sums, every_level=options.every_level)
    (response,) = design.outcome
    swept, penalized = design.terms.absorbed, options.alpha is not None
    frame = frame_of(columns, levels, response, design.coordinates, told_as_written=penalized, absorbed=swept)
    stored = gram(moments, frame.groups)
    highest = highest_degree(columns)
    entered = moments.rows if moments.removed is None else moments.rows + 2 * moments.removed.rows
    unit = error_unit(entered, len(columns), BLOCK + entered // BLOCK, highest)
    products, squares = in_frame(stored, frame), squares_in(_ever(stored, moments, frame), frame)
    left = within(moments, design, frame, squares, unit) if swept else None
    basis = basis_of(design.terms, columns, sums, entered // BLOCK, frame.constant)
    P = None if options.alpha is None else penalty_matrix(options.alpha, frame, len(columns))
    return System(columns, levels, response, frame, stored, products, squares, unit, basis, left, P)


def solve_system(system: System) -> Solution:
    """Solve the normal equations, with a ridge penalty or without."""
    P = system.penalty
    if system.within is not None:
        return solve(system.within.products, None, system.unit, P, system.squares)
    if P is not None:
        return solve(system.products, system.frame.constant, system.unit, P, system.squares)
    return solved_system(system.products, system.frame, system.unit, system.squares)


def assembled(
    design: Design,
    done: Accumulated,
    options: Options,
    system: System,
    solution: Solution,
    errors: Errors,
    passes: int,
    tier: str = FAST,
    low: Vector | None = None,
) -> Solved:
    """Everything that is told of a solution; low : (p,) what float64 left of its coefficients."""
    moments, frame = done.moments, system.frame
    swept = design.terms.absorbed
    told = tell(frame, solution, system.products, system.names, options.collinear, low, swept)
    absorbed = None
    if system.within is not None:
        b = stored_coefficients(frame, solution, told.coefficients, told.aliased)
        absorbed = absorbed_told(moments, design, frame, system.within, b)
    rank, levels = int(solution.kept.sum()), absorbed.rank if absorbed else 0
    leverage = solution.leverage + levels
    intercept = frame.constant is not None or absorbed is not None
    mean, centred, square = outcome_sums(moments, system.response, design.coordinates[system.response])
    rss = solution.rss * frame.scale**2
    return Solved(
        formula=design.formula,
        design=replace(design, levels={name: moments.levels[name] for name in design.terms.factors}),
        levels=system.levels,
        frame=frame,
        solution=solution,
        names=system.names,
        terms=tuple(c.term for c in system.columns),
        coefficients=told.coefficients,
        inverse=told.inverse,
        identified=told.identified,
        aliased=told.aliased,
        empty_cells=empty_cells(design.terms, system.levels),
        intercept=intercept,
        rows=moments.rows,
        weight=moments.weight,
        log_weight=moments.log_weight,
        rss=rss,
        tss=square if not intercept else rss if rank + levels == 1 else centred,  # an intercept alone explains nothing
        mean=mean,
        rank=rank,
        leverage=leverage,
        condition=solution.condition,
        passes=passes,
        tally=done.tally,
        alpha=options.alpha,
        accuracy=_accuracy(system, solution, errors, told, rss, moments.rows - leverage, options, tier),
        absorbed=absorbed,
        roots=told.roots,
    )


def _accuracy(
    system: System,
    solution: Solution,
    errors: Errors,
    told: Told,
    rss: float,
    spare: float,
    options: Options,
    tier: str,
) -> Accuracy:
    found = certify(tier, options.digits, system.frame, solution, errors, told, rss, spare, system.basis)
    # what depends on absorbed levels is found by rounding alone: products within them are no sums to prove it from;
    # as many independent columns as rows determine every other column; more than rows cannot be independent
    doubts = () if system.within or spare == 0 else doubtful(told, system.frame, system.stored, system.names)
    return replace(found, doubtful=doubts, reached=found.reached and not doubts)


def solved_products(moments: Moments, frame: Frame) -> Pair:
    """Products of the columns that are solved for and the response."""
    return in_frame(gram(moments, frame.groups), frame)


def in_frame(stored: Matrix, frame: Frame) -> Pair:
    """Products of the columns that are solved for from those of the stored ones."""
    if frame.subspace is None:
        return pair(stored)
    return sandwich([maps.sparse(c) for c in frame.subspace], stored)


def _ever(stored: Matrix, moments: Moments, frame: Frame) -> Matrix:
    """Products whose diagonal counts all that ever entered, what was taken away again included."""
    return stored if moments.removed is None else stored + 2 * gram(moments.removed, frame.groups)


def squares_in(stored: Matrix, frame: Frame) -> Vector:
    """Squares of the solved columns, with every sum behind them counted as positive."""
    if frame.subspace is None:
        return np.asarray(stored.diagonal())
    K = dense([maps.sparse(c) for c in frame.subspace], len(stored))
    return np.asarray((np.sqrt(stored.diagonal()) @ np.abs(K)) ** 2)


def solved_system(products: Pair, frame: Frame, unit: float, squares: Vector | None = None) -> Solution:
    """Solve without a penalty, the largest factor eliminated first."""
    block = largest_diagonal(frame.groups) if frame.subspace is None else largest_diagonal([])
    return solve_eliminating(products, frame.constant, unit, block, squares)


def outcome_sums(moments: Moments, response: str, coordinate: Coordinate) -> tuple[float, float, float]:
    """Mean of the outcome, its sum of squares about the mean, and about zero; rounded once."""
    at = moments.layout.rows.index(((response, 1),))
    weight, first, second = (Fraction(float(moments.dense[i, j])) for i, j in ((0, 0), (0, at), (at, at)))
    shift, scale = Fraction(coordinate.shift), Fraction(2) ** coordinate.exponent
    centred = max(second - first * first / weight, Fraction(0)) * scale**2
    square = second * scale**2 + 2 * shift * scale * first + shift**2 * weight
    return float(scale * first / weight + shift), float(centred), float(square)


def _why(done: Accumulated) -> str:
    causes = ", ".join(f"{n:,} {cause}" for cause, n in done.tally.causes.items())
    return f": {done.tally.total:,} left out ({causes})" if causes else ": the data are empty"


def penalty_matrix(alpha: float, frame: Frame, width: int) -> Matrix:
    """alpha T'PT: the penalty on the told slopes, in the columns that are solved for."""
    shares = np.full(width, alpha)
    if frame.constant is not None:
        shares[frame.constant] = 0.0
    return np.diag(shares) if frame.told is None else maps.weighted(maps.map_of(frame.told), shares)
