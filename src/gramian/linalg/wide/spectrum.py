"""A lower bound of the smallest eigenvalue by Lanczos from a random start, wrong with a small probability.

After k steps from a unit vector v, an eigenvalue mu below all Ritz values t_j with eigenvector q has |q'v| prod |t_j -
mu| / (b_1 ... b_k) = |q'v_k| <= 1 (C. Lanczos, Journal of Research of the National Bureau of Standards 45 (1950),
255-282; C. C. Paige's thesis, 1971). For v of random direction in n dimensions, |q'v| <= x has at most the probability
x sqrt(2 n / pi); J. Kuczynski and H. Wozniakowski, Estimating the largest eigenvalue by the power and Lanczos
algorithms with a random start, SIAM Journal on Matrix Analysis and Applications 13 (1992), 1094-1122, use the same law.
So mu is ruled out, but for that probability, once the product is large enough. Nothing is assumed about gaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, pi

import numpy as np
from scipy.linalg import eigh_tridiagonal

from gramian.linalg.certificate import EPS
from gramian.typing import Vector

SEED = 20_260_101  # the start is random, but the same in every run
DOUBT = 1e-6  # probability of an eigenvalue below the bound
SHARES = np.array([0.8, 0.6, 0.4, 0.25])  # of the smallest Ritz value, tried as bounds: less loses more than steps gain
MIN_STEPS = 16  # least number of steps: the condition number is estimated from them
LOOKS = 16  # eigenvalue computations while the steps grow by a factor e, as each costs steps^2


@dataclass(slots=True)
class Lanczos:
    """A Lanczos run: the next vector to multiply, and the three-term recurrence so far.

    Attributes
    ----------
    v : ndarray
        (n,) next vector.
    noise : float
        Relative rounding error of a product with the matrix.
    floor : float
        Lower bound of the eigenvalues that is known from the penalty; a run that could tell little more ends with it.
    previous : ndarray
        (n,) vector before v.
    diagonal, off_diagonal : list of float
        The tridiagonal matrix of the recurrence.
    bound : float
        Lower bound of the smallest eigenvalue, 0 while none is known.
    least, greatest : float
        Extreme Ritz values.
    """

    v: Vector
    noise: float
    floor: float = 0.0
    previous: Vector = field(default_factory=lambda: np.zeros(0))
    diagonal: list[float] = field(default_factory=list)
    off_diagonal: list[float] = field(default_factory=list)
    bound: float = 0.0
    least: float = np.inf
    greatest: float = 0.0

    @property
    def finished(self) -> bool:
        """Whether further steps would tell nothing more."""
        ended = bool(self.off_diagonal) and not self.off_diagonal[-1] > 0.0
        return ended or not self.v.any() or self.bound > 0.0 or self.singular

    @property
    def singular(self) -> bool:
        """Whether the smallest eigenvalue cannot be told from zero."""
        return bool(self.greatest) and not self.least > self.cutoff

    @property
    def cutoff(self) -> float:
        """Eigenvalues below it cannot be told from zero. The largest is at least 1, the mean of all eigenvalues."""
        return 2.0 * self.noise * max(self.greatest, 1.0)

    def advance(self, product: Vector) -> None:
        """One step of the recurrence. product : (n,) the matrix times `v`."""
        if self.off_diagonal:
            product = product - self.off_diagonal[-1] * self.previous
        share = float(self.v @ product)
        product = product - share * self.v
        length = float(np.linalg.norm(product))
        self.diagonal.append(share)
        self.off_diagonal.append(length)
        self.previous = self.v
        if length > 0.0:
            self.v = product / length
        if len(self.diagonal) % max(1, len(self.diagonal) // LOOKS) == 0 or not length > 0.0:
            self._update_bound()

    def _update_bound(self) -> None:
        """Compute the Ritz values, and from them the bound where its probability allows it."""
        ritz = eigh_tridiagonal(np.array(self.diagonal), np.array(self.off_diagonal[:-1]), eigvals_only=True)
        self.least, self.greatest = float(ritz[0]), float(ritz[-1])
        if len(self.diagonal) >= MIN_STEPS and self.floor >= SHARES[-1] * self.least:
            self.bound = self.floor
        if self.bound or self.singular:
            return
        tried = self.least * SHARES
        with np.errstate(divide="ignore"):
            shrunk = float(np.log(np.array(self.off_diagonal)).sum())
            # logarithms, because the product over many steps would overflow
            growth = np.log(ritz[:, None] - tried).sum(axis=0) - shrunk
        # the law of the module's docstring in logarithms, solved for the product
        sure = tried[growth >= 0.5 * log(2.0 * len(self.v) / pi) - log(DOUBT)]
        if len(sure):
            # rounding of the products moves every eigenvalue by at most noise * greatest
            self.bound = max(float(sure[0]) - self.noise * self.greatest, 0.0)


def start(columns: int, noise: float, floor: float = 0.0) -> Lanczos:
    """A run from a random direction. columns : n. noise : relative rounding error of a product with the matrix."""
    v = np.random.default_rng(SEED).standard_normal(columns)
    length = float(np.linalg.norm(v))
    return Lanczos(v / length if length else v, max(noise, 4.0 * EPS), floor)
