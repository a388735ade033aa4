"""Certificate: bounds of the effect of rounding errors in the sums on a solution, computed from the same sums.

Products S_ij were summed with errors of at most g R_i R_j, where R_i^2 is the sum of squares ever added for column i
(before centring, elimination or subtraction) and g the relative rounding error of a sum. To first order every bound has
the form sensitivity_i times one number: with S b = c,

    |error of b_i|         <= (|S^-1| R)_i g (R_y + sum_k R_k |b_k|) / (1 - rho)
    |error of (S^-1)_ii|   <= g (|S^-1| R)_i^2 / (1 - rho)
    rho                     = g max_i R_i (|S^-1| R)_i

These are componentwise perturbation bounds of a linear system (Higham, "Accuracy and Stability of Numerical
Algorithms", 2002, chapter 7). They are first-order, and probabilistic where g is (`sum_rounding_error`).

In the bound of b, what the solve rounds is not bounded but seen in the residual of the system (`backward_error`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Codes, Matrix, NotNegative, Vector

EPS = 2.0**-53  # unit roundoff of float64, round to nearest
SUBNORMAL = 2.0**-1074  # spacing of numbers below the smallest normal float64
MAX_DIGITS = 53 * float(np.log10(2.0))  # digits of a correctly rounded float64
MAX_RHO = 0.5  # from this rho on the sums determine nothing: bounds are infinite
ROWS_AT_ONCE = 64  # rows of a square matrix of which absolute values are made together
MAX_REFINABLE_RHO = 0.1  # below this rho every step of iterative refinement gains at least one digit


@dataclass(frozen=True, slots=True)
class Bounds:
    """The quantities of which the error bounds of a solution are made, by column.

    Attributes
    ----------
    sensitivity : (p,)
        (|S^-1| R)_i: the change of coefficient i for an error of one in the scale of the outcome.
    summed_norms : (p,)
        R, square roots of the squares ever summed; zero for columns that were eliminated before.
    centred_norms : (p,)
        Square roots of what centring left of the squares.
    response_norm : float
        R_y, as summed_norms for the outcome.
    rounding_error : float
        g, relative rounding error of a sum.
    rho : float
        Below one half where the sums determine the solution.
    penalised : bool
        Whether the covariance is that of a penalised fit, V S V with V = (S + P)^-1.
    refined_error : float or None
        The number that, times the sensitivities, bounds the errors of refined coefficients; None for those of one pass.
    backward_error : float or None
        As rounding_error, for the coefficients of one pass: that of a sum, and what the solve left. None where that was
        not measured.
    """

    sensitivity: Vector
    summed_norms: Vector
    centred_norms: Vector
    response_norm: NotNegative
    rounding_error: NotNegative
    rho: NotNegative
    penalised: bool = False
    refined_error: NotNegative | None = None
    backward_error: NotNegative | None = None

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite; infinite ones say nothing."""
        numbers = [self.response_norm, self.rounding_error, self.rho]
        numbers += [self.refined_error or 0.0, self.backward_error or 0.0]
        return bool(
            np.isfinite(np.concatenate([self.sensitivity, self.summed_norms, self.centred_norms, numbers])).all()
        )

    def with_norms(
        self, sensitivity: Vector, summed_norms: Vector, centred_norms: Vector, response_norm: float
    ) -> Bounds:
        """The same bounds in other columns, or in another scale."""
        return Bounds(  # `replace` would take as long as a small solve
            sensitivity,
            summed_norms,
            centred_norms,
            response_norm,
            self.rounding_error,
            self.rho,
            self.penalised,
            self.refined_error,
            self.backward_error,
        )

    @property
    def amplification(self) -> float:
        """1 / (1 - rho), infinite where rho is a half or more."""
        return 1.0 / (1.0 - self.rho) if self.rho < MAX_RHO else float("inf")

    def product_error(self, b: Vector) -> float:
        """g sum_k R_k |b_k|: bound of the error of S b, in the scale of the outcome (that is, divided by R_i)."""
        return self.rounding_error * float(self.summed_norms @ np.abs(b))

    def error(self, b: Vector) -> float:
        """The number that, times the sensitivities, bounds the errors of coefficients b : (p,) from one pass."""
        g = self.rounding_error if self.backward_error is None else self.backward_error
        return g * (self.response_norm + float(self.summed_norms @ np.abs(b))) * self.amplification

    def coefficients(self, b: Vector) -> Vector:
        """Bounds of the absolute errors of b, (p,), its own rounding to float64 included."""
        return scaled_bounds(self.sensitivity, self.error(b)) + EPS * np.abs(b)

    def inverse(self, sensitivity: Vector) -> Vector:
        """Bounds of the errors of the inverse's diagonal, for its own sensitivities or those of a linear map of it."""
        return scaled_bounds(
            # Of V S V with a penalty, each of the three factors is perturbed by the same errors of S.
            sensitivity * sensitivity,
            (3.0 if self.penalised else 1.0) * self.rounding_error * self.amplification,
        )

    def rss(self, b: Vector, gradient: Vector | float = 0.0) -> float:
        """Bound of the error of the residual sum of squares.

        b : (p,). gradient : (p,), half the gradient of the sum of squares at b, which is zero at a minimum without a
        penalty. The three summands are the errors of the sums themselves, g (R_y + sum R_k |b_k|)^2, the second-order
        effect e'|S|e of the errors e of b, and their first-order effect.
        """
        total_norm = self.response_norm + float(self.summed_norms @ np.abs(b))
        errors = self.coefficients(b)
        gradient_term = 2.0 * float(errors @ np.abs(gradient * np.ones(len(b))))
        return (
            self.rounding_error * total_norm**2 * self.amplification
            + float(self.centred_norms @ errors) ** 2
            + gradient_term
        )


def sum_rounding_error(rows: int, columns: int, longest: int, degree: int = 1) -> float:
    """Relative rounding error g of a sum of products, probabilistic: (2 sqrt(m') + n + 2 d + 6) u.

    The square root is that of independent rounding errors (Higham and Mary, 2019); the worst case has m' in its place.

    Parameters
    ----------
    rows : int
        Rows that were summed.
    columns : int
        Columns n of the system, for the rounding of the solve.
    longest : int
        Additions on the longest path of the sum; m' is the smaller of it and rows, plus one.
    degree : int
        Factors d of a monomial, each rounded by its shift and its product. Six more roundings are those of a root of a
        weight and of centring.
    """
    return (2.0 * float(np.sqrt(min(rows, longest) + 1)) + columns + 2 * degree + 6) * EPS


def bounds(
    inverse: Matrix,
    summed_norms: Vector,
    centred_norms: Vector,
    response_norm: float,
    rounding_error: float,
    *,
    penalised: bool,
) -> Bounds:
    """Bounds for a solution of a centred system, all arguments in the same scale.

    Parameters
    ----------
    inverse : (q, q)
        Inverse of the centred products, penalty included.
    summed_norms : (q,)
        Square roots of the squares ever summed.
    centred_norms : (q,)
        Square roots of the diagonal of the system.
    response_norm : float
        As summed_norms for the outcome.
    rounding_error : float
        Relative rounding error of a sum.
    penalised : bool
        Whether the inverse is of products plus a penalty.
    """
    sensitivity = absolute_times(inverse, summed_norms)
    rho = rounding_error * float((summed_norms * sensitivity).max(initial=0.0))
    return Bounds(
        sensitivity,
        summed_norms,
        centred_norms,
        response_norm,
        rounding_error,
        rho if np.isfinite(rho) else np.inf,
        penalised,
    )


def absolute_times(A: Matrix, v: Vector) -> Vector:
    """|A| v, (n,), of a square matrix (n, n), of which the absolute values are never all in memory."""
    out, memory = np.empty(len(A)), np.empty((min(ROWS_AT_ONCE, len(A)), len(A)))
    for at in range(0, len(A), ROWS_AT_ONCE):
        rows = A[at : at + ROWS_AT_ONCE]
        out[at : at + len(rows)] = np.abs(rows, out=memory[: len(rows)]) @ v
    return out


def absolute_sums(A: Matrix) -> Vector:
    """Sums (n,) of the absolute values of the columns of a square matrix, added row by row."""
    out, memory = np.zeros(len(A)), np.empty((min(ROWS_AT_ONCE, len(A)) + 1, len(A)))
    for at in range(0, len(A), ROWS_AT_ONCE):
        rows = A[at : at + ROWS_AT_ONCE]
        memory[0] = out
        np.abs(rows, out=memory[1 : len(rows) + 1])
        out = np.add.reduce(memory[: len(rows) + 1], axis=0)
    return out


def backward_error(S: Matrix, b: Vector, c: Vector, summed_norms: Vector, response_norm: float) -> float:
    """The smallest g for which b solves a system with errors of at most g R_i R_k in S_ik, and g R_i R_y in c_i.

    S : (q, q). b, c, summed_norms : (q,). The residual has rounding errors of its own, of at most n u |S| |b| for sums
    of n terms (Higham 2002, section 3.1 and theorem 7.3).
    """
    if not len(b):
        return 0.0
    residual = np.abs(c - S @ b) + (len(b) + 2) * EPS * (absolute_times(S, np.abs(b)) + np.abs(c))
    allowed = summed_norms * (response_norm + float(summed_norms @ np.abs(b)))
    return float(np.divide(residual, allowed, out=np.zeros(len(b)), where=residual > 0.0).max())


def with_constant(inner: Bounds, others: Codes, constant: int, mean: Vector, weight: float, cross: Vector) -> Bounds:
    """Bounds with the intercept y_mean - mean'b: errors of the slopes times the means, and errors of the means.

    Parameters
    ----------
    inner : Bounds
        Those of the q slopes.
    others : (q,) int
        Positions of the slopes.
    constant : int
        Position of the intercept.
    mean : (q,)
        Means of the columns.
    weight : float
        Square of the constant column.
    cross : (q,)
        V mean, of a penalised fit too.

    Notes
    -----
    Errors E of the products change the slopes by V E b and the intercept by mean'V E b, so |V mean|'R bounds that to
    first order. It is smaller than |mean|'|V| R, which bounds the rest: second order, and rounding of V mean.
    """
    p = len(others) + 1
    sensitivity, summed_norms, centred_norms = np.zeros(p), np.zeros(p), np.zeros(p)
    sensitivity[others], summed_norms[others], centred_norms[others] = (
        inner.sensitivity,
        inner.summed_norms,
        inner.centred_norms,
    )
    through_slopes = float(np.abs(mean) @ inner.sensitivity)
    if not inner.penalised:
        first_order = float(np.abs(cross) @ inner.summed_norms)
        through_slopes = min(through_slopes, first_order + (inner.rho + p * EPS) * through_slopes)
    sensitivity[constant] = through_slopes + weight**-0.5
    return inner.with_norms(sensitivity, summed_norms, centred_norms, inner.response_norm)


def underflow_error(rows: int, squares: Vector) -> float:
    """What products that end below the smallest normal float64 add to the relative error of a sum.

    squares : (p,) sums of squares, of which the smallest above zero is hit hardest.
    """
    smallest = float(squares.min(initial=np.inf, where=squares > 0.0))
    return min(rows * SUBNORMAL / smallest, 1.0)


def scaled_bounds(values: Vector, factor: float) -> Vector:
    """values : (n,) >= 0 times a factor that may be infinite; zero times infinity is zero here, not NaN."""
    with np.errstate(invalid="ignore"):
        return np.where(values > 0.0, values * factor, 0.0)


def digits(error: Vector, size: Vector) -> Vector:
    """Correct decimal digits, (n,), of numbers of these sizes with errors of at most these bounds.

    Between 0 and those of a correctly rounded float64 (15.95); NaN where an error or a size is NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative_error = np.where(error > 0.0, error / size, 0.0)
        correct_digits = -np.log10(np.maximum(relative_error, EPS))
    # an infinite error of an infinite size leaves none: fmax takes the number
    correct_digits = np.minimum(np.fmax(correct_digits, 0.0), MAX_DIGITS)
    return np.where(np.isnan(error) | np.isnan(size), np.nan, correct_digits)


def required_std_error_digits(requested: float) -> float:
    """Digits that a standard error should have: half of those of coefficients, at most four."""
    return min(requested, 8.0) / 2.0
