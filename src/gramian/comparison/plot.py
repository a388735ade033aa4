"""Picture of a comparison: convergence curves, paths over the cost, and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from gramian.comparison.history import History
    from gramian.comparison.result import Comparison
    from gramian.plots.convergence import MethodHistory, ProblemPanel, Timings

TITLES = {"raw": "columns as they are", "scaled": "standardised columns"}
NORMAL, STOCHASTIC = "normal-equation", "sgd"
STEEPEST = ("best-rate", "nesterov", "conjugate-gradient", "line-search")  # their first steps follow the gradient


class Steps(Protocol):
    """Costs of a step of a method in products with X'X."""

    @property
    def products(self) -> int: ...

    @property
    def setup_products(self) -> int: ...


def comparison(result: Comparison, steps: Mapping[str, Steps], titles: Mapping[str, str]) -> Any:
    """Picture of a comparison.

    Parameters
    ----------
    result : Comparison
        The comparison.
    steps : mapping of str to Steps
        Costs of the iterative methods by name.
    titles : mapping of str to str
        Titles of all methods by name, in their order.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from gramian.plots.convergence import convergence

    recorded = {name for name, _ in result.history}
    panels = [_panel(result, scaling, steps, titles) for scaling in result.condition]
    methods = [title for name, title in titles.items() if name in recorded]
    return convergence(panels, methods, _times(result), f"Ways to the least squares solution of {result.formula}")


def _panel(result: Comparison, scaling: str, steps: Mapping[str, Steps], titles: Mapping[str, str]) -> ProblemPanel:
    """Histories of all methods on one problem. scaling : "raw" or "scaled"."""
    from gramian.plots.convergence import ProblemPanel

    scaled = scaling == "scaled"
    histories = {name: history for (name, is_scaled), history in result.history.items() if is_scaled == scaled}
    method_histories = [
        _method_history(titles[name], history, _passes(name, history, steps)) for name, history in histories.items()
    ]
    title = f"{TITLES[scaling]}, condition {result.condition[scaling]:.3g}"
    return ProblemPanel(title, method_histories, result.names, _cost(histories, result.condition[scaling]))


def _method_history(title: str, history: History, passes: Vector) -> MethodHistory:
    """History of one method under its title."""
    from gramian.plots.convergence import MethodHistory

    return MethodHistory(title, history.iterations.astype(float), passes, history.errors, history.path)


def _passes(name: str, history: History, steps: Mapping[str, Steps]) -> Vector:
    """Passes over the rows after each point of a history, one for each product with X'X, (k,)."""
    if name in (NORMAL, STOCHASTIC):
        return np.arange(len(history.iterations), dtype=float)
    method, taken = steps[name], history.iterations.astype(float)
    return np.where(taken > 0, taken * method.products + method.setup_products, 0.0)


def _cost(histories: Mapping[str, History], condition: float) -> tuple[Matrix, Vector] | None:
    """Curvature and minimum of the cost of two coefficients; None where they cannot be derived.

    A comparison holds no data, so the minimum is the last point of the best path, and the curvature follows from the
    first step of a method along the gradient.
    """
    from gramian.plots.contours import curvature_from

    paths = {name: h.path for name, h in histories.items() if h.path is not None and len(h.path) > 1}
    best = min(paths, key=lambda name: float(np.nanmin(histories[name].errors)), default=None)
    if best is None:
        return None
    minimum = paths[best][int(np.nanargmin(histories[best].errors))]
    # Trace of the matrix rate * A: the best rate is 2 / (l_min + l_max), Nesterov's is 1 / l_max.
    traces = {"best-rate": 2.0, "nesterov": 1.0 + 1.0 / condition}
    for name in (m for m in STEEPEST if m in paths):
        curvature = curvature_from(minimum, paths[name][1], traces.get(name))
        if curvature is not None:
            return curvature, minimum
    return None


def _times(result: Comparison) -> Timings | None:
    """Measured times against the number of features, None where they were not measured."""
    from gramian.plots.convergence import Timings

    timings = result.sweep
    if timings is None:
        return None
    return Timings(
        np.array(timings.features, float), timings.solve, timings.step, timings.product, result.crossover or {}
    )
