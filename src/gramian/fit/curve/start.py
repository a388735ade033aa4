"""Where a ready-made curve starts: candidates tried on a sample, the best of them fitted to it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.curve.loop import Search, minimise
from gramian.fit.curve.sample import Sample
from gramian.fit.curve.step import Point, point_of
from gramian.formula.curve import Curve
from gramian.models.curve import triangular_factor
from gramian.models.curves import NamedCurve
from gramian.typing import Vector

MAX_REFINED = 4  # candidates that are fitted to the sample
MAX_PASSES = 40  # over the sample, which costs nothing


def start_from(
    curve: Curve, ready: NamedCurve, sample: Sample, start_values: Mapping[str, float], search: Search
) -> Vector:
    """Parameters (p,) that fit the sample, those that are given as they are.

    Raises NumericalError where the curve is not defined for the sample at any candidate.
    """
    order = np.argsort(sample.x, kind="stable")
    x, y, weight = sample.x[order], sample.y[order], sample.counts[order]

    def evaluate(beta: Vector) -> Point | None:
        R, bad = triangular_factor(curve.shape, [x], y, weight, beta)
        return point_of(curve.shape, beta, R) if bad is None else None

    trials = (evaluate(beta) for beta in _candidates(curve, ready, x, y, start_values, search))
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
    searches = [minimise(evaluate, curve.shape, p, fixed) for p in best]
    return min(searches, key=lambda f: f.point.loss).point.beta


def _candidates(
    curve: Curve, ready: NamedCurve, x: Vector, y: Vector, start_values: Mapping[str, float], search: Search
) -> list[Vector]:
    """Every combination of the candidates, within the bounds; parameters without candidates are at their best."""
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
