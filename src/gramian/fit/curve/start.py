"""Start of a ready-made curve: candidates on a grid, the best of them fitted to a sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.batch import Batch
from gramian.errors import NumericalError
from gramian.fit.curve.accumulate import complete_rows
from gramian.fit.curve.loop import Search, SearchResult, minimise
from gramian.fit.curve.step import Point, point_of
from gramian.formula.curves.curve import Curve
from gramian.formula.row_reader import Reader
from gramian.models.curve import triangular_factor
from gramian.models.curves import NamedCurve
from gramian.typing import Vector

MAX_REFINED = 4  # candidates that are fitted to the sample
MAX_PASSES = 40  # evaluations on the sample


def start_from(
    curve: Curve, ready: NamedCurve, sample: Sample, start_values: Mapping[str, float], search: Search
) -> Vector:
    """Parameters (p,) that fit a sample of the rows best; values that were given stay fixed.

    Parameters
    ----------
    curve : Curve
        The curve.
    ready : NamedCurve
        The ready-made curve, which proposes candidates.
    sample : Sample
        Distinct points with counts.
    start_values : mapping
        Parameter -> start that was given.
    search : Search
        Bounds.

    Raises
    ------
    NumericalError
        Where the curve is not finite, or flat, in the sample at every candidate.
    """
    order = np.argsort(sample.x, kind="stable")
    x, y, weight = sample.x[order], sample.y[order], sample.counts[order]

    def evaluate(beta: Vector) -> Point | None:
        R, bad = triangular_factor(curve.shape, [x], y, weight, beta)
        return point_of(curve.shape, beta, R) if bad is None else None

    trials = (evaluate(beta) for beta in _candidates(curve, ready, x, y, start_values, search))
    # a derivative of zero in every row gives no direction to search in
    points = [p for p in trials if p is not None and np.linalg.norm(p.J, axis=0).all()]
    if not points:
        raise NumericalError(
            f"{ready.name}: {ready.equation} is not defined for these data, or flat, at every start that was tried "
            f"({next(iter(curve.variables))} from {x[0]:g} to {x[-1]:g}); give one (start=)"
        )
    low, high = search.low.copy(), search.high.copy()
    for at in curve.shape.nonlinear:
        if curve.names[at] in start_values:
            low[at] = high[at] = start_values[curve.names[at]]
    fixed = Search(low, high, max(int(weight.sum()), 1), MAX_PASSES, 1e-4)
    best = sorted(points, key=lambda p: p.loss)[:MAX_REFINED]
    return _nearest([minimise(evaluate, curve.shape, p, fixed) for p in best]).point.beta


def _nearest(searches: list[SearchResult]) -> SearchResult:
    """The search with the lowest loss; of those whose losses rounding does not tell apart, that with the shortest step.

    Otherwise the last bits of sums, which differ between processors, would choose the start, and the number of passes.
    """
    lowest = min(f.point.loss for f in searches)
    return min((f for f in searches if f.point.loss <= lowest + 2.0 * f.point.rounding_error), key=lambda f: f.distance)


def _candidates(
    curve: Curve, ready: NamedCurve, x: Vector, y: Vector, start_values: Mapping[str, float], search: Search
) -> list[Vector]:
    """All combinations of the candidates of each parameter, (p,) each, within the bounds.

    Linear parameters have one candidate, zero, because their best value follows from those of the others.
    """
    lists = []
    for at, name in enumerate(curve.names):
        if at in curve.shape.linear:
            values = np.zeros(1)
        elif name in start_values:
            values = np.array([start_values[name]])
        elif name in ready.candidates:
            values = ready.candidates[name](x, y)
        else:  # linear, but searched because of its bounds
            values = np.quantile(y, [0.0, 0.1, 0.5, 0.9, 1.0])
        lists.append(np.unique(np.clip(values, search.low[at], search.high[at])))
    return [np.array(combination) for combination in product(*lists)]


SIZE = 2048  # points of a sample


Hashes = NDArray[np.uint64]


FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # multipliers of splitmix64


GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # its increment, 2^64 / golden ratio


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The distinct points (x, y) with the smallest hashes, at most `SIZE`.

    Addition is associative and commutative to the bit, so that the sample does not depend on how the rows are cut into
    units (bottom-k sampling).

    Attributes
    ----------
    hashes : ndarray of uint64
        (k,) in rising order.
    x, y : ndarray
        (k,) input and outcome.
    counts : ndarray
        (k,) number of rows with these values.

    References
    ----------
    E. Cohen and H. Kaplan, Summarizing data using bottom-k sketches, PODC 2007.
    """

    hashes: Hashes
    x: Vector
    y: Vector
    counts: Vector

    def __add__(self, other: Sample, /) -> Sample:
        """The sample of both sets of rows."""
        if not (len(self.x) and len(other.x)):
            return self if len(self.x) else other
        pairs = zip(self.arrays, other.arrays, strict=True)
        return smallest(*(np.concatenate(pair) for pair in pairs))

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Hashes, x, y and counts, (k,) each."""
        return self.hashes, self.x, self.y, self.counts


def smallest(hashes: Hashes, x: Vector, y: Vector, counts: Vector) -> Sample:
    """The distinct points with the smallest hashes, at most `SIZE`; equal points are counted together. All (k,)."""
    order = np.lexsort((y, x, hashes))
    hashes, x, y, counts = hashes[order], x[order], y[order], counts[order]
    new = np.ones(len(x), bool)
    # different points may share a hash, so the points themselves are compared
    new[1:] = (x[1:] != x[:-1]) | (y[1:] != y[:-1])
    starts = np.flatnonzero(new)
    summed = np.add.reduceat(counts, starts) if len(starts) else counts
    return Sample(hashes[starts][:SIZE], x[starts][:SIZE], y[starts][:SIZE], summed[:SIZE])


@dataclass(frozen=True, slots=True)
class SamplePass:
    """The pass that draws the sample of a ready-made curve.

    Attributes
    ----------
    curve : Curve
        The curve, of one input.
    """

    curve: Curve

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        return self.curve.design.columns

    @property
    def empty(self) -> Sample:
        """The sample of no rows."""
        return Sample(np.zeros(0, np.uint64), np.zeros(0), np.zeros(0), np.zeros(0))

    def accumulate(self, batches: Iterable[Batch], /) -> Sample:
        """The sample of one unit."""
        reader, sample = Reader(self.curve.design), self.empty
        (variable,), (response,) = self.curve.variables, self.curve.design.outcome
        for batch in batches:
            with np.errstate(all="ignore"):
                observed, _ = complete_rows(self.curve, reader.read(batch))
            x, y = (
                observed.values[variable] + 0.0,
                observed.values[response] + 0.0,
            )  # adding 0.0 turns -0.0 into 0.0, which has other bits
            hashes = hashed(x, y)
            if len(sample.x) == SIZE:
                may_enter = hashes <= sample.hashes[-1]  # no other can enter
                hashes, x, y = hashes[may_enter], x[may_enter], y[may_enter]
            sample += smallest(hashes, x, y, np.ones(len(x)))
        return sample


def hashed(x: Vector, y: Vector) -> Hashes:
    """Hash of the bits of each pair (x, y), (k,): the finalizer of splitmix64.

    References
    ----------
    G. L. Steele, D. Lea and C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        hashed_x = _mixed(np.ascontiguousarray(x).view(np.uint64) + GOLDEN)
        return _mixed(hashed_x ^ (np.ascontiguousarray(y).view(np.uint64) * GOLDEN + GOLDEN))


def _mixed(z: Hashes) -> Hashes:
    """The finalizer of splitmix64, (k,)."""
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))
