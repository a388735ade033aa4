"""Randomization inference: how a treatment might have been assigned, and the coefficient that each assignment has.

Of u units that were assigned (rows, or clusters of them), with weights n, sums S of an orthonormal basis of all columns
and sums e of residuals: a treatment t_u of the units has with the other columns the products of t'S, so the coefficient
of each assignment comes from these sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy.special import gammaln

from gramian.inference.draws.wild import TIE
from gramian.typing import Codes, Mask, Matrix, Vector

NUMBERS_AT_A_TIME = 1 << 22  # of the assignments that are held at once
MIN_VARIATION = 1e-10  # of a treatment that the other columns do not explain, in units of its sum of squares
SAME_VALUE = 1e-9  # relative to the range of the treatment: values closer than that differ by rounding


@dataclass(frozen=True, slots=True)
class Assigned:
    """The units of assignment, in an order that the data fix.

    Attributes
    ----------
    treatment, weights, residuals : Vector
        (u,) of each unit: its treatment, sum of weights, and sum of weights times residuals.
    sums : Matrix
        (u, k) of weights times rows of an orthonormal basis of all columns.
    direction : Vector
        (k,) of the basis: the residual of the treatment on the other columns, of length 1.
    length : float
        Length of this residual.
    strata : Codes
        (u,) within which treatments change places.
    """

    treatment: Vector
    weights: Vector
    residuals: Vector
    sums: Matrix
    direction: Vector
    length: float
    strata: Codes

    def coefficients(self, T: Matrix) -> tuple[Vector, Vector, Mask]:
        """Coefficients of assignments T (d, u): for outcomes without effect u + x q at an estimate x from the null.

        Returns u (d,), q (d,), and which assignments have one.
        """
        own = T @ self.sums
        along = own @ self.direction
        total = np.square(T) @ self.weights
        variation = total - np.square(own).sum(axis=1) + np.square(along)
        has_one = variation > MIN_VARIATION * total
        safe = np.where(has_one, variation, 1.0)
        return T @ self.residuals / safe, self.length * along / safe, np.asarray(has_one)


def distinct(values: Vector) -> Vector:
    """The values (u,), those that differ by rounding made the same."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    steps = np.diff(ordered) > SAME_VALUE * (ordered[-1] - ordered[0])
    group = np.concatenate([[0], np.cumsum(steps)])
    first = np.concatenate([[0], np.flatnonzero(steps) + 1])
    out = np.empty_like(values)
    out[order] = ordered[first][group]
    return out


def count_assignments(treatment: Vector, strata: Codes) -> float:
    """Number of distinct assignments within strata; infinite beyond float64."""
    values, code = np.unique(treatment, return_inverse=True)
    _, own = np.unique(strata.astype(np.int64) * len(values) + code, return_counts=True)
    logs = float(gammaln(np.bincount(strata) + 1.0).sum() - gammaln(own + 1.0).sum())
    return math.inf if logs > 700.0 else round(math.exp(logs)) if logs < 30.0 else math.exp(logs)


def all_assignments(treatment: Vector, strata: Codes) -> Matrix:
    """All distinct assignments (d, u), the present one among them."""
    places = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    choices = [list(_arrangements(treatment[at])) for at in places]
    out = np.empty((math.prod(map(len, choices)), len(treatment)))
    for row, chosen in zip(out, product(*choices), strict=True):
        for at, values in zip(places, chosen, strict=True):
            row[at] = values
    return out


def _arrangements(values: Vector) -> Iterator[Vector]:
    """The distinct orders of some values."""
    kinds, counts = np.unique(values, return_counts=True)
    for places in _places(range(len(values)), counts.tolist()):
        out = np.empty(len(values))
        for kind, at in zip(kinds, places, strict=True):
            out[list(at)] = kind
        yield out


def _places(free: Sequence[int], counts: Sequence[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Ways to share places among kinds of values that need so many."""
    if len(counts) == 1:
        yield (tuple(free),)
        return
    for taken in combinations(free, counts[0]):
        rest = [place for place in free if place not in taken]
        for others in _places(rest, counts[1:]):
            yield (taken, *others)


def random_assignments(treatment: Vector, strata: Codes, draws: int, seed: int) -> Iterator[Matrix]:
    """Random assignments within strata, (d, u) in parts, the same whatever the parts."""
    generator = np.random.default_rng(seed)
    if len(strata) and strata.max() < 1 << 16:
        strata = strata.astype(np.uint16)  # sorted by counting digits, which is several times faster
    base, one_stratum = np.argsort(strata, kind="stable"), not len(strata) or bool((strata == strata[0]).all())
    size = max(1, NUMBERS_AT_A_TIME // max(1, len(treatment)))
    for start in range(0, draws, size):
        T = np.empty((min(size, draws - start), len(treatment)))
        for row in T:
            # within strata: a random order of all, sorted by stratum
            order = generator.permutation(len(treatment))
            row[base] = treatment[order if one_stratum else order[np.argsort(strata[order], kind="stable")]]
        yield T


@dataclass(frozen=True, slots=True)
class Extremes:
    """How many statistics (d,) are at least as far out as the estimate, and how many of them tie with it."""

    count: int
    ties: int


def extremes(statistics: Vector, own: float, alternative: str) -> Extremes:
    """Those at least as far out, ties by a tolerance included."""
    sign = {"two-sided": 0.0, "greater": 1.0, "less": -1.0}[alternative]
    far, mine = (np.abs(statistics), abs(own)) if sign == 0.0 else (sign * statistics, sign * own)
    tie = np.abs(far - mine) <= TIE * abs(own)
    return Extremes(int(((far > mine) | tie).sum()), int(tie.sum()))
