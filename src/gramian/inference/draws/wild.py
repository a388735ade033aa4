"""The wild cluster bootstrap of one linear hypothesis, from sums by cluster: no row is needed.

With A_g = X_g'X_g, A their sum, s_g = X_g'u_g at the estimate b, and h = A^-1 R': a draw multiplies the residuals of
cluster g by v_g. Under R b = r the estimate is b + d, d = -h (R b - r) / (R h), and its scores are s_g - A_g d. So the
numerator of t* is linear in x = (R b - r) / (R h), the square of its denominator quadratic, for each draw; p-values of
all r, and with them the interval, come from these five numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gramian.typing import Mask, Matrix, Vector

TIE = 1e-9  # relative difference of |t*| and |t| that is rounding: the draws of all +1 and all -1 give t itself
ROUNDING = 1e-12  # relative: of one minus a level
STEPS = 200  # of bisection, more than float64 has bits


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """What a hypothesis R b = r needs of c clusters and p columns.

    Attributes
    ----------
    scores : Matrix
        (c, p) s_g = X_g'u_g at the estimate.
    pull : Matrix
        (c, p) A_g h.
    h : Vector
        (p,) A^-1 R'.
    inverse : Matrix
        (p, p) A^-1.
    scale : float
        R A^-1 R'.
    """

    scores: Matrix
    pull: Matrix
    h: Vector
    inverse: Matrix
    scale: float

    @property
    def std_error(self) -> float:
        """Of R b, without a small-sample factor."""
        return float(np.sqrt(np.sum(np.square(self.scores @ self.h))))


@dataclass(frozen=True, slots=True)
class Draws:
    """Of each draw t*(x) = (n0 + n1 x) / sqrt(q0 + 2 q1 x + q2 x^2), where t(x) = x / width.

    Attributes
    ----------
    numerator : Matrix
        (2, d).
    square : Matrix
        (3, d).
    width : float
        The x of t = 1.
    counts_ties : bool
        Whether draws that tie with t are as far out.
    """

    numerator: Matrix
    square: Matrix
    width: float
    counts_ties: bool = False

    def t(self, x: float) -> Vector:
        """Statistics t* of all draws, (d,), under the hypothesis at x."""
        n, q = self.numerator, self.square
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (n[0] + n[1] * x) / np.sqrt(np.maximum(q[0] + 2.0 * q[1] * x + q[2] * x * x, 0.0))
        return np.where(np.isnan(t), 0.0, t)  # no change and no error: the draw says nothing

    def p_value(self, x: float, alternative: str = "two-sided") -> float:
        """Share of draws that are further out than t, up to rounding."""
        t, own = self.t(x), x / self.width
        tie = TIE * abs(own)
        beyond = _BEYOND[alternative](t, own, -tie if self.counts_ties else tie)
        return float(np.mean(beyond))

    def interval(self, alpha: float) -> tuple[float, float]:
        """The x below and above 0 where the two-sided p-value falls below alpha; infinite where it never does."""
        # 1 - 0.95 is above 0.05, which a share of draws may be
        lowest = alpha * (1.0 - ROUNDING)
        return -self._edge(lowest, -1.0), self._edge(lowest, 1.0)

    def _edge(self, alpha: float, sign: float) -> float:
        """Distance from 0 in one direction at which the p-value falls below alpha."""
        inside, outside = 0.0, self.width
        while self.p_value(sign * outside) >= alpha:
            inside, outside = outside, 2.0 * outside
            if outside > 1e6 * self.width:
                return math.inf
        for _ in range(STEPS):
            middle = 0.5 * (inside + outside)
            if middle in (inside, outside):
                break
            if self.p_value(sign * middle) >= alpha:
                inside = middle
            else:
                outside = middle
        return 0.5 * (inside + outside)


_BEYOND: dict[str, Callable[[Vector, float, float], Mask]] = {
    "two-sided": lambda t, own, tie: np.abs(t) > abs(own) + tie,
    "greater": lambda t, own, tie: t > own + tie,
    "less": lambda t, own, tie: t < own - tie,
}
ALTERNATIVES = tuple(_BEYOND)


def draws_of(sums: ClusterSums, weights: Iterable[Matrix], *, restricted: bool = True) -> Draws:
    """The draws of all weights (c, d); restricted: residuals are those under the hypothesis."""
    parts = [_draw(sums, v, restricted=restricted) for v in weights]
    numerator, square = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
    return Draws(numerator, square, sums.std_error / sums.scale)


def _draw(sums: ClusterSums, v: Matrix, *, restricted: bool) -> tuple[Matrix, Matrix]:
    """Numerators (2, d) and squared denominators (3, d) of some draws."""
    n0, d0 = _changes(sums, sums.scores, v)
    if not restricted:
        zero = np.zeros_like(n0)
        return np.stack([n0, zero]), np.stack([np.einsum("cd,cd->d", d0, d0), zero, zero])
    n1, d1 = _changes(sums, sums.pull, v)
    return np.stack([n0, n1]), np.stack([np.einsum("cd,cd->d", a, b) for a, b in ((d0, d0), (d0, d1), (d1, d1))])


def _changes(sums: ClusterSums, scores: Matrix, v: Matrix) -> tuple[Vector, Matrix]:
    """R A^-1 of the summed scores of a draw, (d,), and of the scores by cluster at its estimate, (c, d)."""
    own = (scores @ sums.h)[:, None] * v
    moved = sums.inverse @ (scores.T @ v)
    return own.sum(axis=0), own - sums.pull @ moved
