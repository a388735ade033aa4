"""How small the smallest eigenvalue can be: Lanczos from a random start, with a probability that it is wrong.

After k steps from a unit vector v, whatever eigenvalue mu lies below all Ritz values t_j has an eigenvector q with
|q'v| prod |t_j - mu| / (b_1 ... b_k) = |q'v_k| <= 1 (Lanczos 1950; Paige 1971). For v of random direction in n
dimensions, |q'v| <= x has at most the probability x sqrt(2 n / pi) (Kuczynski and Wozniakowski 1992 use the same law).
So mu is ruled out, but for that probability, once the product has grown enough. Nothing is assumed of gaps.
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
MIN_STEPS = 16  # steps that are always taken: the condition number comes from them
LOOKS = 16  # while the steps grow by a factor e: looking takes time that grows with their square


@dataclass(slots=True)
class Lanczos:
    """A run under way: the next vector to multiply, and the three-term recurrence so far.

    floor : what no eigenvalue is below for other reasons; a run that could tell little more ends with it.
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
        """Whether nothing more is to be learnt."""
        ended = bool(self.off_diagonal) and not self.off_diagonal[-1] > 0.0
        return ended or not self.v.any() or self.bound > 0.0 or self.singular

    @property
    def singular(self) -> bool:
        """Whether the smallest eigenvalue cannot be told from zero."""
        return bool(self.greatest) and not self.least > self.cutoff

    @property
    def cutoff(self) -> float:
        """Eigenvalues below it cannot be told from zero. The greatest is 1 or more, which is the mean of all."""
        return 2.0 * self.noise * max(self.greatest, 1.0)

    def advance(self, product: Vector) -> None:
        """Go on with what the matrix made of `v`."""
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
        ritz = eigh_tridiagonal(np.array(self.diagonal), np.array(self.off_diagonal[:-1]), eigvals_only=True)
        self.least, self.greatest = float(ritz[0]), float(ritz[-1])
        if len(self.diagonal) >= MIN_STEPS and self.floor >= SHARES[-1] * self.least:
            self.bound = self.floor
        if self.bound or self.singular:
            return
        tried = self.least * SHARES
        with np.errstate(divide="ignore"):
            shrunk = float(np.log(np.array(self.off_diagonal)).sum())
            growth = np.log(ritz[:, None] - tried).sum(axis=0) - shrunk
        sure = tried[growth >= 0.5 * log(2.0 * len(self.v) / pi) - log(DOUBT)]
        if len(sure):
            self.bound = max(float(sure[0]) - self.noise * self.greatest, 0.0)


def start(columns: int, noise: float, floor: float = 0.0) -> Lanczos:
    """A run from a random direction. noise : relative error of a product with the matrix."""
    v = np.random.default_rng(SEED).standard_normal(columns)
    length = float(np.linalg.norm(v))
    return Lanczos(v / length if length else v, max(noise, 4.0 * EPS), floor)
