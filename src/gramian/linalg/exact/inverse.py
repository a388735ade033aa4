"""Approximate inverses of any precision, as digits whose products BLAS forms exactly.

R is improved as in Rump, "Inversion of extremely ill-conditioned matrices in floating-point arithmetic" (2009): with X
the float64 inverse of R S (rounded), X R is a better R, by about sixteen digits a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ldexp

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.exact.digits import BASE, DIGIT, ROWS, carry
from gramian.linalg.exact.planes import Integers
from gramian.typing import Codes, Matrix

MATRIX_DIGITS = 6  # digits of S that are used: 132 bits
FLOAT_DIGITS = 4  # digits of a float64 matrix: its largest elements in full, and 35 bits below
MAX_DIGITS = 20  # digits of an inverse: 440 bits
HALF = 1 << (DIGIT - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Sliced:
    """A matrix as digits: row i is the sum over s of digits[s, i] 2^(exponents[i] - 22 (s + 1)).

    Attributes
    ----------
    digits : (count, k, l)
        Integers as float64, the highest digit first.
    exponents : (k,) int
        Exponent of each row.
    """

    digits: Matrix
    exponents: Codes

    @property
    def value(self) -> Matrix:
        """The matrix rounded to float64."""
        return np.ldexp(_sum(self.digits), self.exponents[:, None])

    def fixed(self, bits: int) -> Integers:
        """The matrix times 2^bits, rounded down to integers."""
        out = np.zeros(self.digits.shape[1:], object)
        for digit in self.digits:
            out = (out << DIGIT) + digit.astype(np.int64).astype(object)
        shift = (self.exponents - DIGIT * len(self.digits) + bits)[:, None]
        left, right = (np.maximum(s, 0).astype(object) for s in (shift, -shift))
        return np.asarray((out << left) >> right)

    @property
    def remainder(self) -> Matrix:
        """The matrix minus `value`, rounded to float64."""
        digits = self.digits - _slice(self.value, self.exponents, len(self.digits))
        carry(digits[::-1])
        return np.ldexp(_sum(digits), self.exponents[:, None])


def sliced(values: Matrix, count: int = FLOAT_DIGITS) -> Sliced:
    """The highest digits of a float64 matrix, with an exponent for each row."""
    largest = np.abs(values).max(axis=1, initial=0.0)
    exponents = np.maximum(np.frexp(largest)[1].astype(np.int64), 0) + 2
    return Sliced(_slice(values, exponents, count), exponents)


def _slice(values: Matrix, exponents: Codes, count: int) -> Matrix:
    """Digits of values / 2^exponents, the highest first."""
    out, rest = np.empty((count, *values.shape)), np.ldexp(values, -exponents[:, None])
    for digit in out:
        rest = rest * BASE
        np.rint(rest, out=digit)
        rest = rest - digit
    return out


def _sum(digits: Matrix) -> Matrix:
    """The value of digits relative to their exponents, rounded."""
    out = np.zeros(digits.shape[1:])
    for s in range(len(digits) - 1, -1, -1):
        out += digits[s] * ldexp(1.0, -DIGIT * (s + 1))
    return out


def integer_digits(C: Integers, exponents: Codes) -> Matrix:
    """Digits of S_ij = C_ij / 2^(e_i + e_j), the highest first; bits below 2^-132 are cut off.

    |S_ij| is below 1/4, so that the highest digit can take a carry: it lies between -1/2 and 1/2.
    """
    shift = DIGIT * MATRIX_DIGITS - exponents[:, None] - exponents
    left, right = (np.maximum(s, 0).astype(object) for s in (shift, -shift))
    rest, out = (C << left) >> right, np.empty((MATRIX_DIGITS, *C.shape))
    for digit in out[::-1]:
        low = ((rest + HALF) & ((1 << DIGIT) - 1)) - HALF
        digit[:] = low
        rest = (rest - low) >> DIGIT
    return out


def inverse(S: Matrix, tolerance: float) -> tuple[Sliced, Matrix, float]:
    """An approximate inverse R of S with a proved bound of the row sums of |I - R S|.

    Parameters
    ----------
    S : (MATRIX_DIGITS, k, k)
        Digits of a symmetric positive definite matrix, the highest first.
    tolerance : float
        Bound to reach, below one.

    Returns
    -------
    R : Sliced (k, k)
        The approximate inverse.
    E : (k, k)
        I - R S in float64.
    bound : float
        Bound of the largest row sum of |I - R S|, truncation of S included.

    Raises
    ------
    NumericalError
        Where S is too near to singular.
    """
    R = sliced(_inverse(_sum(S)))
    while len(R.digits) <= MAX_DIGITS:
        # Cutting S off at 2^-132 changes R S by no more than that times the row sums of |R|; the factor two covers the
        # rounding of R to float64.
        E, truncation = _defect(*_product(R, S)), 2.0**-131 * np.abs(R.value).sum(axis=1).max(initial=0.0)
        bound = float(np.abs(E).sum(axis=1).max(initial=0.0) * (1.0 + 1e-9) + truncation)
        if bound < tolerance:
            return R, E, bound
        X = _inverse(np.eye(len(E)) - E)
        R = _carried(*_product(sliced(np.ldexp(X, R.exponents)), R.digits))
    raise NumericalError("the products are too near to singular for a verified solution")


def _inverse(S: Matrix) -> Matrix:
    """float64 inverse; of a slightly shifted matrix where LAPACK finds it singular."""
    try:
        return np.asarray(np.linalg.inv(S))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.inv(S + 2.0**-50 * np.eye(len(S))))


def _product(A: Sliced, B: Matrix) -> tuple[Codes, Codes]:
    """Digits of A B before carries, as int64 planes with two more digits on top. B : digits of a matrix below one."""
    count, width = len(A.digits) + len(B) - 1, A.digits.shape[2]
    planes = np.zeros((count + 2, A.digits.shape[1], B.shape[2]), np.int64)
    for s, a in enumerate(A.digits):
        for u, b in enumerate(B):
            for start in range(0, width, ROWS):
                planes[s + u + 2] += (a[:, start : start + ROWS] @ b[start : start + ROWS]).astype(np.int64)
    return planes, A.exponents + DIGIT


def _carried(planes: Codes, exponents: Codes) -> Sliced:
    """Carried digits of int64 planes, which are overwritten."""
    for s in range(len(planes) - 1, 0, -1):
        over = (planes[s] + HALF) >> DIGIT
        planes[s] -= over << DIGIT
        planes[s - 1] += over
    return Sliced(planes.astype(np.float64), exponents)


def _defect(planes: Codes, exponents: Codes) -> Matrix:
    """I minus a product, with the difference formed in integers before it is rounded."""
    place = -(-exponents // DIGIT) - 1
    if (place >= len(planes)).any():
        raise NumericalError("the products are too near to singular for a verified solution")
    rows = np.arange(len(place))
    # R S is nearly I: rounded before the subtraction, the difference would be lost.
    planes[place, rows, rows] -= 1 << (DIGIT * (place + 1) - exponents)
    return -_carried(planes, exponents).value


def series(E: Matrix) -> Matrix:
    """E + E^2 + E^3 + ... for row sums well below one (Neumann series of (I - E)^-1 - I)."""
    total, power = E, E
    for _ in range(60):
        power = power @ E
        if not np.abs(power).max(initial=0.0) > 2.0**-60 * np.abs(total).max(initial=0.0):
            break
        total = total + power
    return total
