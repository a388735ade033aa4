"""Sums of squares in the outcome's own units; outcomes and columns whose squares float64 cannot hold are refused.

Shifts and scales keep the sums of a pass near one whatever the magnitude of the data. Residual sums of squares,
covariances and likelihoods are in squared units of the outcome, and outside float64's range they would lose their
digits without a trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite, log10, nan

from gramian.errors import NumericalError
from gramian.formula.coordinates import Parametrization
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate
from gramian.typing import Vector

# Outside, a square that is 1e-18 of the largest may be subnormal, or a sum of a thousand squares overflow.
SMALLEST_SQUARE, LARGEST_SQUARE = Fraction(2) ** -960, Fraction(2) ** 960
LARGEST_FACTOR = Fraction(2) ** 480


def outcome_sums(moments: Moments, response: str, coordinate: Coordinate) -> tuple[float, Fraction, Fraction]:
    """Weighted mean of the outcome, its sum of squares about the mean, and about zero.

    coordinate : shift and scale of the outcome. In fractions, because the shift makes the sum about zero cancel.
    """
    # column 0 of the dense products is the constant
    at, dense = moments.layout.rows.index(((response, 1),)), moments.dense
    sums = (float(dense[0, 0]), float(dense[0, at]), float(dense[at, at]))
    # integers over one power of two D, and the scale as u / v: a fraction reduced once is quicker than one at each step
    (weight, first, second, shift), D = _over_one_power(*sums, coordinate.shift)
    u, v = 1 << max(coordinate.exponent, 0), 1 << max(-coordinate.exponent, 0)
    mean = (u * first * D + v * shift * weight) / (v * weight * D)
    centred = Fraction(max(second * weight - first * first, 0) * u * u, D * weight * v * v)
    total = second * D * D * u * u + 2 * shift * first * D * u * v + shift * shift * weight * v * v
    return mean, centred, Fraction(total, D**3 * v * v)


def _over_one_power(*values: float) -> tuple[list[int], int]:
    """Numbers as integers over the same power of two."""
    ratios = [value.as_integer_ratio() for value in values]
    power = max(denominator for _, denominator in ratios)
    return [numerator * (power // denominator) for numerator, denominator in ratios], power


def total_square(square: Fraction, response: str) -> float:
    """A sum of squares of the outcome as float64.

    Raises NumericalError where it is so small or large that those of the residuals may have no digits.
    """
    if square and not SMALLEST_SQUARE <= square <= LARGEST_SQUARE:
        raise NumericalError(_out_of_range(response, _exponent(square)))
    return float(square)


def check_combinations(parametrization: Parametrization, names: Sequence[str], response: str) -> None:
    """Raise NumericalError where columns are formed with factors whose squares leave the range of float64."""
    for name, combination in zip((*names, response), parametrization.subspace or (), strict=False):
        for factor in map(abs, combination.values()):
            if factor and not 1 / LARGEST_FACTOR <= factor <= LARGEST_FACTOR:
                raise NumericalError(_out_of_range(name, 2 * _exponent(factor)))


def check_lengths(lengths: Vector, names: Sequence[str]) -> None:
    """Raise NumericalError where a column's squares leave the range of float64. lengths : (p,) zero without values."""
    for name, length in zip(names, lengths.tolist(), strict=True):
        if length and not 1 / LARGEST_FACTOR <= length <= LARGEST_FACTOR:
            raise NumericalError(_out_of_range(name, 2 * log10(length) if length > 0 else nan))


def _exponent(value: Fraction) -> float:
    """Decimal logarithm of a positive fraction of any size."""
    return log10(value.numerator) - log10(value.denominator)


def _out_of_range(name: str, exponent: float) -> str:
    """The message for a column or outcome. exponent : decimal logarithm of its squares, perhaps not finite."""
    name, within = name.lstrip("~"), "sums of squares keep their digits between 1e-289 and 1e289 only"
    quoted = name if " " in name else f"'{name}'"
    if not isfinite(exponent):
        return f"squares of {quoted} overflow, and {within}; divide it by a power of ten"
    return f"squares of {quoted} are about 1e{exponent:.0f}, and {within}; multiply it by 1e{-exponent / 2:.0f}"
