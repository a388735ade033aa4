"""Times against the number of features on this machine: direct solution, gradient steps, and products of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from gramian.errors import OptionError
from gramian.linalg.iterative.descent import gradient_descent
from gramian.typing import Matrix, Vector

FEATURES = (10, 20, 50, 100, 200, 500, 1000, 2000)
ROWS = 4096  # rows of the block whose products are timed
STEPS = (10, 100, 1000)  # gradient steps that are compared with a direct solution
REPEATS = 3  # measurements after the first, which warms the caches


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Seconds on one thread, and the constants of the cost models that fit the larger sizes.

    Attributes
    ----------
    features : tuple of int, (s,)
        Numbers of features, n.
    product : ndarray, (s,)
        Seconds for X'X of one million rows.
    solve : ndarray, (s,)
        Seconds for Cholesky's factorization and two substitutions.
    step : ndarray, (s,)
        Seconds of one gradient step on the moments.
    product_rate, solve_rate, step_rate : float
        Seconds per floating-point operation, with m n^2 operations for the products of m rows (symmetric half), n^3/3
        for a solution and 2 n^2 for a step.
    """

    features: tuple[int, ...]
    product: Vector
    solve: Vector
    step: Vector
    product_rate: float
    solve_rate: float
    step_rate: float

    def crossover(self, iterations: int) -> float:
        """Number of features from which on `iterations` steps are cheaper than one solution.

        Solves n^3/3 solve_rate = iterations 2 n^2 step_rate for n.
        """
        return 6.0 * iterations * self.step_rate / self.solve_rate

    def rows_for(self, features: int) -> float:
        """Number of rows from which on the products take longer than the solution with n = `features`.

        Solves m n^2 product_rate = n^3/3 solve_rate for m.
        """
        return features * self.solve_rate / self.product_rate / 3.0

    def to_dict(self) -> dict[str, Any]:
        """The numbers as a dict that JSON can represent."""
        return {
            "features": list(self.features),
            "product_seconds_per_million_rows": self.product.tolist(),
            "solve_seconds": self.solve.tolist(),
            "step_seconds": self.step.tolist(),
            "seconds_per_flop": {"product": self.product_rate, "solve": self.solve_rate, "step": self.step_rate},
            "crossover": {str(k): self.crossover(k) for k in STEPS},
        }

    def __str__(self) -> str:
        head = ("features", "X'X, million rows", "solve", "one step", "steps = solve")
        lines = ["seconds on this machine, one thread, by number of features", ""]
        lines.append("{:>8}  {:>17}  {:>9}  {:>9}  {:>13}".format(*head))
        for n, p, s, g in zip(self.features, self.product, self.solve, self.step, strict=True):
            lines.append(f"{n:>8,}  {p:>17.3g}  {s:>9.2g}  {g:>9.2g}  {s / g:>13,.0f}")
        lines.append("")
        for k in STEPS:
            lines.append(f"{k:,} gradient steps on the moments cost less than the solve {_from(self.crossover(k))}")
        n = self.features[-1]
        lines.append(
            f"with {n:,} features the products of more than {self.rows_for(n):,.0f} rows take longer than the solve; "
            "every method on the moments needs them"
        )
        return "\n".join(lines)


def _from(features: float) -> str:
    """A number of features in words."""
    return f"from about {features:,.0f} features on, by the fitted laws"


def sweep(features: Sequence[int] = FEATURES, *, seconds: float = 10.0) -> Sweep:
    """Measure times from small to large numbers of features.

    Parameters
    ----------
    features : sequence of int
        Increasing numbers of features.
    seconds : float
        Sizes that would exceed this time in total are left out.

    Returns
    -------
    Sweep

    Raises
    ------
    OptionError
        Where features are not increasing positive numbers.
    """
    sizes = tuple(features)
    if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
        raise OptionError(f"features must be increasing positive numbers, found {list(features)!r}")
    began, measured = perf_counter(), list[tuple[int, float, float, float]]()
    with threadpool_limits(limits=1, user_api="blas"):
        for n in sizes:
            if measured and perf_counter() - began + _next(measured[-1], n) > seconds:
                break
            measured.append((n, *_measure(n)))
    return _fitted(tuple(row[0] for row in measured), np.array([row[1:] for row in measured]).T)


def _fitted(sizes: tuple[int, ...], measured: Matrix) -> Sweep:
    """Constants of the cost models from the seconds of product, solution and step, (3, s)."""
    n, (product, solve, step) = np.array(sizes, float), measured
    rates = _rate(product, ROWS * n**2), _rate(solve, n**3 / 3), _rate(step, 2 * n**2)
    return Sweep(sizes, product * 1e6 / ROWS, solve, step, *rates)


def _next(last: tuple[int, float, float, float], n: int) -> float:
    """Predicted seconds for n features, from the last size: all grow at most with n^3."""
    return (REPEATS + 1) * (last[1] + last[2] + last[3]) * (n / last[0]) ** 3


def _rate(seconds: Vector, flops: Vector) -> float:
    """Seconds per operation, median over the larger half of the sizes, where the cost of a call no longer counts."""
    half = len(seconds) // 2
    return float(np.median(seconds[half:] / flops[half:]))


def _measure(n: int) -> tuple[float, float, float]:
    """Seconds of a product of `ROWS` rows, of a solution and of a step, with n features."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, n))
    # Well conditioned, so that the steps converge and no number overflows.
    A: Matrix = X.T @ X / ROWS + np.eye(n)
    c: Vector = rng.standard_normal(n)
    steps = max(1, 2000 // n)
    step = _fastest(lambda: list(islice(gradient_descent(A, c, 0.01), steps))) / steps
    return _fastest(lambda: X.T @ X), _fastest(lambda: cho_solve(cho_factor(A), c)), step


def _fastest(call: Callable[[], object]) -> float:
    """The shortest of a few measurements: other processes only add time."""
    best = np.inf
    for _ in range(REPEATS + 1):
        began = perf_counter()
        call()
        best = min(best, perf_counter() - began)
    return float(best)
