"""The problems by number: 2,000, forty in a cycle, so that every stretch of forty has every family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from trial import plain, shaped
from trial.adversarial import adversarial
from trial.problem import Problem

SEED = 20_260
COUNT = 2_000
SHARES: dict[str, tuple[Callable[[Generator], Problem], int]] = {
    "condition": (plain.condition, 4),
    "offsets": (plain.offsets, 3),
    "scales": (plain.scales, 3),
    "dependent": (plain.dependent, 2),
    "near": (plain.near, 3),
    "ordered": (plain.ordered, 2),
    "unshifted": (plain.unshifted, 1),
    "subtracted": (plain.subtracted, 2),
    "polynomials": (shaped.polynomials, 3),
    "no intercept": (shaped.no_intercept, 1),
    "unclosed": (shaped.unclosed, 2),
    "factors": (shaped.factors, 2),
    "weights": (shaped.weights, 2),
    "counts": (shaped.counts, 1),
    "exact fits": (shaped.exact_fits, 2),
    "degenerate": (plain.degenerate, 1),
    "wide": (plain.wide, 1),
    "many": (plain.many, 1),
    "adversarial": (adversarial, 4),
}
CYCLE = tuple(name for name, (_, share) in SHARES.items() for _ in range(share))


def problem(number: int) -> Problem:
    """The problem of that number, the same whenever it is asked for."""
    family = CYCLE[number % len(CYCLE)]
    drawn = SHARES[family][0](np.random.default_rng([SEED, number]))
    return replace(drawn, family=family, number=number)
