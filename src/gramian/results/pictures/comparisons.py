"""Comparisons as curves of convergence, ways over the cost, and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from gramian.comparison.entry import History
    from gramian.comparison.result import Comparison
    from gramian.plots.convergence import Course, Times, Way

TITLES = {"raw": "columns as they are", "scaled": "standardised columns"}
NORMAL, STOCHASTIC = "normal-equation", "sgd"
STEEPEST = ("best-rate", "nesterov", "conjugate-gradient", "line-search")  # their first steps tell the curvature


class Steps(Protocol):
    """What a step of a method costs in passes."""

    @property
    def products(self) -> int: ...

    @property
    def before(self) -> int: ...


def comparison(result: Comparison, steps: Mapping[str, Steps], titles: Mapping[str, str]) -> Any:
    """A picture of a comparison. steps : of the iterative methods. titles : of all methods, in their order."""
    from gramian.plots.convergence import convergence

    told = {name for name, _ in result.history}
    courses = [_course(result, scaling, steps, titles) for scaling in result.condition]
    methods = [title for name, title in titles.items() if name in told]
    return convergence(courses, methods, _times(result), f"Ways to the least squares solution of {result.formula}")


def _course(result: Comparison, scaling: str, steps: Mapping[str, Steps], titles: Mapping[str, str]) -> Course:
    from gramian.plots.convergence import Course

    scaled = scaling == "scaled"
    found = {name: history for (name, is_scaled), history in result.history.items() if is_scaled == scaled}
    ways = [_way(titles[name], history, _passes(name, history, steps)) for name, history in found.items()]
    title = f"{TITLES[scaling]}, condition {result.condition[scaling]:.3g}"
    return Course(title, ways, result.names, _cost(found, result.condition[scaling]))


def _way(title: str, history: History, passes: Vector) -> Way:
    from gramian.plots.convergence import Way

    return Way(title, history.iterations.astype(float), passes, history.errors, history.path)


def _passes(name: str, history: History, steps: Mapping[str, Steps]) -> Vector:
    """Trips over the rows, one for each product with X'X."""
    if name in (NORMAL, STOCHASTIC):
        return np.arange(len(history.iterations), dtype=float)
    method, taken = steps[name], history.iterations.astype(float)
    return np.where(taken > 0, taken * method.products + method.before, 0.0)


def _cost(found: Mapping[str, History], condition: float) -> tuple[Matrix, Vector] | None:
    """Curvature and minimum of two coefficients, from the end of one way and the first step of another."""
    from gramian.plots.bowl import curvature_from

    paths = {name: h.path for name, h in found.items() if h.path is not None and len(h.path) > 1}
    best = min(paths, key=lambda name: float(np.nanmin(found[name].errors)), default=None)
    if best is None:
        return None
    minimum = paths[best][int(np.nanargmin(found[best].errors))]
    traces = {"best-rate": 2.0, "nesterov": 1.0 + 1.0 / condition}
    for name in (m for m in STEEPEST if m in paths):
        curvature = curvature_from(minimum, paths[name][1], traces.get(name))
        if curvature is not None:
            return curvature, minimum
    return None


def _times(result: Comparison) -> Times | None:
    from gramian.plots.convergence import Times

    swept = result.swept
    if swept is None:
        return None
    return Times(np.array(swept.features, float), swept.solve, swept.step, swept.product, result.crossover or {})
