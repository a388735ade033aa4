"""Problems of 100 to 2,000 columns, made so that the rounding errors of many sums add up, and not cancel.

One pass of each is held against a solution that is refined in extended precision, with nothing of the library's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np
from findings import Finding, check
from numpy.random import Generator
from numpy.typing import NDArray

import gramian as gm

Array = NDArray[np.float64]
SEED, COUNT = 30_260, 500
NARROWEST, WIDEST, MIN_VALUES = 100, 2_000, 1_000_000
STEPS = 4  # of the refinement that gives the truth; one gains eight digits and more
TOLERANCE = 1e-3  # digits: standard errors, by which small coefficients are measured, are right to four digits and more


@dataclass(frozen=True, slots=True)
class Held:
    """A problem and its worst coefficient: right minus certified digits, below zero where too much is certified."""

    number: int
    family: str
    rows: int
    columns: int
    certified: float
    slack: float
    worst: float


def normal(rng: Generator, m: int, p: int) -> Array:
    """Independent normal columns, of any condition up to 1e4."""
    scale = np.geomspace(1.0, 10.0 ** -rng.uniform(0, 4), p)
    X = rng.standard_normal((m, p))
    return X if rng.random() < 0.5 else (X * scale) @ np.linalg.qr(rng.standard_normal((p, p)))[0]


def two_valued(rng: Generator, m: int, p: int) -> Array:
    """Zero and one number that is no dyadic fraction: all sums run through the same values, and round alike."""
    value = float(rng.choice([0.1, 0.7, 0.3, 1.1, 1.0 / 3.0]))
    return np.where(rng.random((m, p)) < rng.uniform(0.2, 0.95), value, 0.0)


def few_valued(rng: Generator, m: int, p: int) -> Array:
    """Three to six values, the same in all columns."""
    values = rng.choice([0.1, 0.2, 0.3, 0.7, 0.9, 1.1, 1.3], int(rng.integers(3, 7)), replace=False)
    return np.asarray(rng.choice(values, (m, p)))


def integers(rng: Generator, m: int, p: int) -> Array:
    """Positive whole numbers, large enough that their sums of squares round."""
    return np.floor(rng.random((m, p)) * 10.0 ** rng.uniform(1, 9)) + 1.0


def alike(rng: Generator, m: int, p: int) -> Array:
    """Columns that are one column but for a part of 1 to 1e-3."""
    return rng.standard_normal((m, 1)) + 10.0 ** -rng.uniform(0, 3) * rng.standard_normal((m, p))


def huge_beside_tiny(rng: Generator, m: int, p: int) -> Array:
    """Columns in units from 1e-8 to 1e8, some rows much larger than the others."""
    X = rng.standard_normal((m, p)) * 10.0 ** rng.uniform(-8, 8, p)
    X[rng.integers(0, m, 5)] *= 10.0 ** rng.uniform(0, 4)
    return X


def ordered(rng: Generator, m: int, p: int) -> Array:
    """Every column sorted, with a little noise: sums grow steadily, and all columns are alike."""
    return np.sort(rng.random((m, p)), axis=0) + 10.0 ** -rng.uniform(0, 2) * rng.random((m, p))


def one_sign(rng: Generator, m: int, p: int) -> Array:
    """Positive columns far from zero beside their spread."""
    return 1.0 + 10.0 ** -rng.uniform(0, 2) * rng.random((m, p))


FAMILIES: tuple[Callable[[Generator, int, int], Array], ...] = (
    normal, two_valued, few_valued, integers, alike, huge_beside_tiny, ordered, one_sign,
)  # fmt: skip


def held(number: int, widest: int = WIDEST) -> Held:
    """The problem of that number, one pass, and how far its certificate is from the truth."""
    rng = np.random.default_rng([SEED, number])
    family = FAMILIES[number % len(FAMILIES)]
    p = int(np.exp(rng.uniform(np.log(NARROWEST), np.log(widest))))
    m = int(max(MIN_VALUES // p + 1, p * rng.uniform(1.2, 4.0)))
    X = family(rng, m, p)
    lengths = np.sqrt((X * X).mean(axis=0))
    slopes = (np.ones(p) if rng.random() < 0.6 else rng.standard_normal(p)) / lengths
    y = X @ slopes + 10.0 ** -rng.uniform(0, 8) * rng.standard_normal(m) * np.sqrt(p)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = gm.ols("y ~ X", iter([{"X": X, "y": y}]), digits=1)  # can be read once only, so there is one pass
    if fit.aliased:  # a rank in doubt is another trial's matter
        return Held(number, family.__name__, m, p, 0.0, 0.0, np.nan)
    truth = refined(X, y, fit.coefficients)
    error = np.abs(fit.coefficients.astype(np.longdouble) - truth)
    right = -np.log10(np.maximum(error / np.maximum(np.abs(truth), fit.std_errors), np.longdouble(2.0) ** -60))
    slack = np.asarray(np.maximum(right, 0.0) - fit.digits, np.float64)
    return Held(number, family.__name__, m, p, float(fit.digits.min()), float(slack.min()), float(right.min()))


def refined(X: Array, y: Array, start: Array) -> NDArray[np.longdouble]:
    """The least-squares coefficients, the intercept first, from the given ones: residuals in extended precision."""
    shift = X.mean(axis=0)
    Z = X - shift
    scale = 1.0 / np.sqrt((Z * Z).sum(axis=0))
    factor = np.linalg.cholesky((Z * scale).T @ (Z * scale))
    wide, b = X.astype(np.longdouble), start.astype(np.longdouble)
    mean = wide.mean(axis=0)
    for _ in range(STEPS):
        r = y - b[0] - wide @ b[1:]
        g = np.asarray((r @ wide - mean * r.sum()) * scale, np.float64)
        d = np.linalg.solve(factor.T, np.linalg.solve(factor, g)) * scale
        b[1:] += d
        b[0] += r.mean() - mean @ d
    return b


def finding(numbers: Iterable[int], seen: Callable[[Held], None] = lambda one: None, widest: int = WIDEST) -> Finding:
    """The table by family, and whether no certificate is above the truth."""
    found = []
    for number in numbers:
        found.append(held(number, widest))
        seen(found[-1])
    scored = [one for one in found if not np.isnan(one.worst)]
    above = [one for one in scored if one.slack < -TOLERANCE]
    rows = [_row(family.__name__, [one for one in scored if one.family == family.__name__]) for family in FAMILIES]
    names = ", ".join(f"{one.number} ({one.family}, {one.rows} x {one.columns}, {one.slack:.2f})" for one in above)
    return Finding(
        f"{len(found)} problems of {NARROWEST} to {widest:,} columns, one pass",
        ("family", "scored", "certified digits, median", "right digits, median", "least slack of any coefficient"),
        [*rows, _row("all", scored)],
        [check("problems of which more digits are certified than are right", names or 0, "none", not above)],
        f"Not scored: {len(found) - len(scored)}, of which the rank is in doubt.",
    )


def _row(name: str, some: list[Held]) -> tuple[str, ...]:
    if not some:
        return name, "0", "", "", ""
    return (
        name,
        str(len(some)),
        f"{median(one.certified for one in some):.1f}",
        f"{median(one.worst for one in some):.1f}",
        f"{min(one.slack for one in some):.2f}",
    )
