"""How many digits of a linear fit are certified, and by what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.basis import Basis
from gramian.fit.told import Told
from gramian.formula.coordinates import Frame
from gramian.linalg import maps
from gramian.linalg.certificate import MOST, UNIT, Bounds, digits, times
from gramian.linalg.maps import spread
from gramian.linalg.solve import Solution
from gramian.typing import Vector

NEGLIGIBLE = 1e-8  # of a coefficient: a smaller standard error is rounding, or matters to nobody
SMALLEST, LARGEST = 1e-290, 1e290  # beyond, a standard error or its parts may leave the range of float64
TIERS = FAST, REFINED, EXACT = "fast", "refined", "exact"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Certified digits, counted relative to the larger of a coefficient and its standard error.

    tier : "fast" (one pass), "refined" (more passes for the residual) or "exact". wanted : digits that were asked for.
    digits, std_error_digits : (p,), NaN where not identified (a column of zeros has all digits of its zero in the
    minimum-norm solution). rss_digits : of the residual sum of squares.
    low : (p,) what float64 leaves of the coefficients. reached : whether every coefficient has the digits wanted, and
    every standard error that matters half of them. doubtful : columns called dependent that may not quite be so.
    """

    tier: str
    wanted: float
    digits: Vector
    std_error_digits: Vector
    rss_digits: float
    low: Vector
    reached: bool
    doubtful: tuple[str, ...] = ()

    @property
    def least(self) -> float:
        """The fewest digits of any coefficient."""
        return 0.0 if self.doubtful else float(np.nanmin(self.digits, initial=16.0))


def enough(wanted: float) -> float:
    """Digits that a standard error has to have."""
    return min(wanted, 8.0) / 2.0


@dataclass(frozen=True, slots=True)
class Errors:
    """Bounds for what was solved: errors of the coefficients (p,), and of the residual sum of squares."""

    coefficients: Vector
    rss: float


def one_pass(solution: Solution, gradient: Vector | float = 0.0) -> Errors:
    """Of a fit from one pass; gradient : that of half a ridge penalty."""
    found = _bounds(solution)
    b = solution.coefficients
    with np.errstate(all="ignore"):
        return Errors(times(found.reach, found.error(b)), found.rss(b, gradient))


@np.errstate(all="ignore")  # what leaves the range of float64 is certified so
def certify(
    tier: str,
    wanted: float,
    frame: Frame,
    solution: Solution,
    errors: Errors,
    told: Told,
    rss: float,
    spare: float,
    basis: Basis,
) -> Accuracy:
    """Digits of a told solution. rss : in the outcome's units. spare : residual degrees of freedom."""
    found, known = _bounds(solution), told.identified
    reach = _aliased(spread(told.map, found.reach), told)
    error = _coefficient_errors(frame, errors.coefficients * frame.scale, found, told)
    error = error + np.where(known, UNIT * np.abs(told.coefficients), 0.0) + basis.moved(told.coefficients)
    off = errors.rss * frame.scale**2
    root = told.roots
    lengths = _aliased(spread(told.map, np.sqrt(np.maximum(solution.inverse.diagonal(), 0.0))), told)
    share = found.inverse(reach / root) + 4.0 * UNIT * (lengths / root) ** 2 + 2.0 * basis.moved(root) / root
    share = np.where((root > SMALLEST) & (root < LARGEST), share, np.inf)
    least = np.sqrt(np.maximum(rss - off, 0.0) / max(spare, 1.0)) * root * np.sqrt(np.maximum(1.0 - share, 0.0))
    most = np.sqrt((rss + off) / max(spare, 1.0)) * root * np.sqrt(1.0 + share)
    relative = 0.5 * share + 0.5 * np.float64(off) / rss + 4.0 * UNIT
    size = np.fmax(np.abs(told.coefficients), least if spare > 0 else 0.0)
    negligible = most <= NEGLIGIBLE * np.abs(told.coefficients)
    std_error = digits(np.where(np.isnan(relative), np.inf, relative), np.ones(len(root)))
    right = digits(error, size)
    return Accuracy(
        tier,
        wanted,
        np.where(known, right, np.where(told.empty & told.shortest, MOST, np.nan)),
        np.where(known, std_error, np.nan),
        float(digits(np.array([off]), np.array([rss]))[0]),
        told.low,
        bool(((right >= wanted) & (negligible | (std_error >= enough(wanted)) | (spare <= 0)))[known].all()),
    )


def _bounds(solution: Solution) -> Bounds:
    assert solution.bounds is not None  # only a fit that was loaded has none
    return solution.bounds


def _aliased(values: Vector, told: Told) -> Vector:
    """Bounds of told numbers, for the solution in which the aliased columns have no part."""
    if not len(told.positions):
        return values
    return np.asarray(values + np.abs(told.null) @ values[told.positions])


def _coefficient_errors(frame: Frame, solved: Vector, found: Bounds, told: Told) -> Vector:
    """Bounds of the told coefficients, from those of the solved ones."""
    error = spread(told.map, solved)
    if not len(told.positions):
        return error
    N = told.null
    at = N if frame.made is None else maps.multiply(maps.map_of(frame.made), N)
    if not told.shortest and not told.before.any():
        return _aliased(error, told)
    reach = spread(told.map, found.reach)
    E = np.column_stack([times(reach, found.moved(n) * found.room) for n in at.T])
    E = E + np.abs(N) @ E[told.positions]
    b = np.nan_to_num(told.coefficients)
    if not told.shortest:
        return np.asarray(_aliased(error, told) + E @ np.abs(told.before))
    inverse = np.linalg.pinv(N)
    rest = np.eye(len(N)) - N @ inverse
    turned = np.abs(rest) @ (E @ np.abs(inverse @ b)) + np.abs(inverse.T) @ (E.T @ np.abs(rest @ b))
    return np.asarray(np.abs(rest) @ error + turned)
