"""Approximate inverses of any precision, as digits whose products BLAS forms exactly.

R is improved as in Rump, "Inversion of extremely ill-conditioned matrices in floating-point" (2009): the float64
inverse X of R S, as rounded, makes X R a better R, sixteen digits at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ldexp

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.exact.digits import BASE, DIGIT, ROWS, carry
from gramian.linalg.exact.planes import Integers
from gramian.typing import Codes, Matrix

MATRIX_DIGITS = 6  # digits that are kept of S: 132 bits
FLOAT_DIGITS = 4  # digits of a float64 matrix: its largest elements in full, and 35 bits below
MAX_DIGITS = 20  # digits of an inverse
HALF = 1 << (DIGIT - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Sliced:
    """A matrix: row i is the sum of digits[s][i] 2^(exponents[i] - 22 (s + 1)), the highest digit first."""

    digits: Matrix
    exponents: Codes

    @property
    def value(self) -> Matrix:
        """Rounded to float64."""
        return np.ldexp(_sum(self.digits), self.exponents[:, None])

    def fixed(self, bits: int) -> Integers:
        """Times 2^bits, rounded down to whole numbers."""
        out = np.zeros(self.digits.shape[1:], object)
        for digit in self.digits:
            out = (out << DIGIT) + digit.astype(np.int64).astype(object)
        shift = (self.exponents - DIGIT * len(self.digits) + bits)[:, None]
        left, right = (np.maximum(s, 0).astype(object) for s in (shift, -shift))
        return np.asarray((out << left) >> right)

    @property
    def remainder(self) -> Matrix:
        """What `value` lacks."""
        digits = self.digits - _slice(self.value, self.exponents, len(self.digits))
        carry(digits[::-1])
        return np.ldexp(_sum(digits), self.exponents[:, None])


def sliced(values: Matrix, count: int = FLOAT_DIGITS) -> Sliced:
    """The highest digits of a float64 matrix, row by row."""
    largest = np.abs(values).max(axis=1, initial=0.0)
    exponents = np.maximum(np.frexp(largest)[1].astype(np.int64), 0) + 2
    return Sliced(_slice(values, exponents, count), exponents)


def _slice(values: Matrix, exponents: Codes, count: int) -> Matrix:
    out, rest = np.empty((count, *values.shape)), np.ldexp(values, -exponents[:, None])
    for digit in out:
        rest = rest * BASE
        np.rint(rest, out=digit)
        rest = rest - digit
    return out


def _sum(digits: Matrix) -> Matrix:
    out = np.zeros(digits.shape[1:])
    for s in range(len(digits) - 1, -1, -1):
        out += digits[s] * ldexp(1.0, -DIGIT * (s + 1))
    return out


def integer_digits(C: Integers, exponents: Codes) -> Matrix:
    """Digits of S_ij = C_ij / 2^(e_i + e_j), the highest first; what is below 2^-132 is cut off.

    S is below a quarter, so that the highest digit has room for what is carried to it: it lies between -1/2 and 1/2.
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
    """R with |I - R S| below `enough`, and I - R S itself with a bound of its largest row sum. S : its digits.

    Raises NumericalError where S is too near to singular.
    """
    R = sliced(_inverse(_sum(S)))
    while len(R.digits) <= MAX_DIGITS:
        E, truncation = _defect(*_product(R, S)), 2.0**-131 * np.abs(R.value).sum(axis=1).max(initial=0.0)
        bound = float(np.abs(E).sum(axis=1).max(initial=0.0) * (1.0 + 1e-9) + truncation)
        if bound < tolerance:
            return R, E, bound
        X = _inverse(np.eye(len(E)) - E)
        R = _carried(*_product(sliced(np.ldexp(X, R.exponents)), R.digits))
    raise NumericalError("the products are too near to singular for a verified solution")


def _inverse(S: Matrix) -> Matrix:
    try:
        return np.asarray(np.linalg.inv(S))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.inv(S + 2.0**-50 * np.eye(len(S))))


def _product(A: Sliced, B: Matrix) -> tuple[Codes, Codes]:
    """A B for digits B of a matrix below one: whole numbers, not yet carried, with two digits of room."""
    count, width = len(A.digits) + len(B) - 1, A.digits.shape[2]
    planes = np.zeros((count + 2, A.digits.shape[1], B.shape[2]), np.int64)
    for s, a in enumerate(A.digits):
        for u, b in enumerate(B):
            for start in range(0, width, ROWS):
                planes[s + u + 2] += (a[:, start : start + ROWS] @ b[start : start + ROWS]).astype(np.int64)
    return planes, A.exponents + DIGIT


def _carried(planes: Codes, exponents: Codes) -> Sliced:
    """Digits of planes of whole numbers, which are overwritten."""
    for s in range(len(planes) - 1, 0, -1):
        over = (planes[s] + HALF) >> DIGIT
        planes[s] -= over << DIGIT
        planes[s - 1] += over
    return Sliced(planes.astype(np.float64), exponents)


def _defect(planes: Codes, exponents: Codes) -> Matrix:
    """I minus a product, the difference formed in whole numbers and then rounded."""
    place = -(-exponents // DIGIT) - 1
    if (place >= len(planes)).any():
        raise NumericalError("the products are too near to singular for a verified solution")
    rows = np.arange(len(place))
    planes[place, rows, rows] -= 1 << (DIGIT * (place + 1) - exponents)
    return -_carried(planes, exponents).value


def series(E: Matrix) -> Matrix:
    """E + E^2 + E^3 + ... for row sums well below one."""
    total, power = E, E
    for _ in range(60):
        power = power @ E
        if not np.abs(power).max(initial=0.0) > 2.0**-60 * np.abs(total).max(initial=0.0):
            break
        total = total + power
    return total
