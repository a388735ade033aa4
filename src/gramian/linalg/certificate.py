"""The certificate: bounds of what rounding can have done to a solution, from the same sums.

Products S_ij were summed with errors of at most g R_i R_j, where R_i^2 is the sum of squares ever added for column i
(before centring, elimination or subtraction) and g the rounding unit of a sum. To first order every bound has the form
reach_i times one number: with S b = c, |error of b| <= |S^-1| R g (R_y + sum R_k |b_k|) / (1 - rho) and
|error of (S^-1)_ii| <= g (|S^-1| R)_i^2 / (1 - rho), where rho = g max_i R_i (|S^-1| R)_i (Higham, "Accuracy and
Stability of Numerical Algorithms", chapter 7, with componentwise perturbations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Matrix, Vector

EPS = 2.0**-53
MAX_DIGITS = 53 * float(np.log10(2.0))  # digits of a correctly rounded float64
MAX_RHO = 0.5  # from this rho on the sums decide nothing
MAX_REFINABLE_RHO = 0.1  # below this rho every step of refinement gains a digit


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the errors of a solution are made of, in the columns that were solved for.

    reach : (p,) of a coefficient, what one unit of error in the outcome's scale can move it by. sizes : (p,) roots of
    the squares ever summed of the columns that were eliminated last, zero for the others. lengths : (p,) roots of what
    centring left of them. response : the same as sizes for the outcome. unit : g. rho : below one half where the sums
    decide. penalised : whether the inverse is that of a penalised fit.
    """

    sensitivity: Vector
    summed_norms: Vector
    centred_norms: Vector
    response_norm: float
    rounding_error: float
    rho: float
    penalised: bool = False

    @property
    def amplification(self) -> float:
        """1 / (1 - rho), infinite where the sums decide nothing."""
        return 1.0 / (1.0 - self.rho) if self.rho < MAX_RHO else float("inf")

    def product_error(self, b: Vector) -> float:
        """g sum R_k |b_k|: the error, in the outcome's scale, of products with a vector of coefficients."""
        return self.rounding_error * float(self.summed_norms @ np.abs(b))

    def error(self, b: Vector) -> float:
        """What, times reach, bounds the errors of the coefficients b : (p,) of one pass."""
        return (self.rounding_error * self.response_norm + self.product_error(b)) * self.amplification

    def coefficients(self, b: Vector) -> Vector:
        """Bounds of the errors of b, (p,)."""
        return scaled_bounds(self.sensitivity, self.error(b)) + EPS * np.abs(b)

    def inverse(self, sensitivity: Vector) -> Vector:
        """Bounds of the errors of the inverse's diagonal, for its own reach or one told in other columns."""
        return scaled_bounds(
            sensitivity * sensitivity, (3.0 if self.penalised else 1.0) * self.rounding_error * self.amplification
        )

    def rss(self, b: Vector, gradient: Vector | float = 0.0) -> float:
        """Bound of the error of the residual sum of squares; gradient : (p,) of half of it, zero without a penalty."""
        total_norm = self.response_norm + float(self.summed_norms @ np.abs(b))
        errors = self.coefficients(b)
        gradient_term = 2.0 * float(errors @ np.abs(gradient * np.ones(len(b))))
        return (
            self.rounding_error * total_norm**2 * self.amplification
            + float(self.centred_norms @ errors) ** 2
            + gradient_term
        )


def bounds(
    inverse: Matrix,
    summed_norms: Vector,
    centred_norms: Vector,
    response_norm: float,
    rounding_error: float,
    *,
    penalised: bool,
) -> Bounds:
    """Of a centred system. inverse : (q, q). sizes, lengths : (q,). All in the same scale."""
    sensitivity = np.abs(inverse) @ summed_norms
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


def scaled_bounds(values: Vector, factor: float) -> Vector:
    """values : (n,) >= 0 times a factor that may be infinite; zero stays zero."""
    with np.errstate(invalid="ignore"):
        return np.where(values > 0.0, values * factor, 0.0)


def digits(error: Vector, size: Vector) -> Vector:
    """Decimal digits that are right where errors are at most so large, (n,), between 0 and those of a float64."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative_error = np.where(error > 0.0, error / size, 0.0)
        correct_digits = -np.log10(np.maximum(relative_error, EPS))
    return np.where(
        np.isnan(error) | np.isnan(size), np.nan, np.clip(np.nan_to_num(correct_digits, nan=0.0), 0.0, MAX_DIGITS)
    )
