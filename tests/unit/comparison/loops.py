"""The methods once more, as plain loops over the rows' matrix: what the counts have to equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from reference.exact import rational, solve_exact

from gramian.comparison import problem
from gramian.comparison.problem import products_of
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options

Steps = dict[float, int]
MOST = 50_000


def table(seed: int, rows: int = 400, offset: float = 2.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x, z, v = rng.normal(offset, 1, rows), rng.normal(0, 2, rows), rng.uniform(0, 1, rows)
    return {"x": x, "z": z + 0.5 * x, "v": v, "y": 1 + 2 * x - z + 3 * v + rng.normal(size=rows)}


def system(data: dict[str, Any], scaled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, c and the minimum, from the rows."""
    columns = [np.asarray(data[k], float) for k in ("x", "z", "v")]
    if scaled:
        columns = [(c - c.mean()) / c.std() for c in columns]
    X = np.column_stack([np.ones(len(columns[0])), *columns])
    A, c = X.T @ X / len(X), X.T @ data["y"] / len(X)
    return A, c, np.linalg.lstsq(X, data["y"], rcond=None)[0]


def posed(formula: str, data: dict[str, Any], scaled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A and c as the methods get them, and the minimum of this very system in rational arithmetic."""
    options = Options(collinear="min-norm")
    design, source = prepare(formula, source_of(data), options)
    done = Local().fold(source, Accumulate(design))
    solved = solve_linear(design, done, options)
    products = products_of(done.moments, solved.parametrization, len(solved.names))
    f = (problem.scaled if scaled else problem.raw)(solved, products).quadratic
    return f.A, f.c, np.array([float(v) for v in solve_exact(rational(f.A), rational(f.c[None])[0])])


def counted(step: Callable[[], np.ndarray], minimum: np.ndarray, digits: tuple[float, ...]) -> Steps:
    """Steps until each number of digits; `step` returns the next iterate."""
    out: Steps = {}
    b = np.zeros_like(minimum)
    for k in range(MOST):
        with np.errstate(divide="ignore"):  # where the iterate is the minimum to the last bit, all digits are reached
            reached = -np.log10(np.linalg.norm(b - minimum) / np.linalg.norm(minimum))
        out |= {d: k for d in digits if reached >= d and d not in out}
        if len(out) == len(digits):
            break
        b = step()
    return out


def gradient(A: np.ndarray, c: np.ndarray, rate: float) -> Callable[[], np.ndarray]:
    b = np.zeros_like(c)

    def step() -> np.ndarray:
        nonlocal b
        b = b - rate * (A @ b - c)
        return b

    return step


def fixed(A: np.ndarray, c: np.ndarray) -> Callable[[], np.ndarray]:
    return gradient(A, c, 0.01)


def best(A: np.ndarray, c: np.ndarray) -> Callable[[], np.ndarray]:
    values = np.linalg.eigvalsh(A)
    return gradient(A, c, 2 / (values[0] + values[-1]))


def line(A: np.ndarray, c: np.ndarray) -> Callable[[], np.ndarray]:
    b = np.zeros_like(c)

    def step() -> np.ndarray:
        nonlocal b
        g = A @ b - c
        b = b - (g @ g) / (g @ (A @ g)) * g
        return b

    return step


def accelerated(A: np.ndarray, c: np.ndarray) -> Callable[[], np.ndarray]:
    values = np.linalg.eigvalsh(A)
    root = np.sqrt(values[-1] / values[0])
    b, y = np.zeros_like(c), np.zeros_like(c)

    def step() -> np.ndarray:
        nonlocal b, y
        new = y - (A @ y - c) / values[-1]
        y = new + (root - 1) / (root + 1) * (new - b)
        b = new
        return b

    return step


def conjugate(A: np.ndarray, c: np.ndarray) -> Callable[[], np.ndarray]:
    b, r, p = np.zeros_like(c), c.copy(), c.copy()

    def step() -> np.ndarray:
        nonlocal b, r, p
        rate = r @ r / (p @ A @ p)
        b = b + rate * p
        new = r - rate * (A @ p)
        p = new + (new @ new) / (r @ r) * p
        r = new
        return b

    return step


def quasi_newton(A: np.ndarray, c: np.ndarray) -> Callable[[], np.ndarray]:
    """The approximation of the inverse written out as a matrix, from the last ten corrections."""
    b, pairs = np.zeros_like(c), list[tuple[np.ndarray, np.ndarray]]()

    def step() -> np.ndarray:
        nonlocal b
        g, H = A @ b - c, np.eye(len(c))
        for i, (s, y) in enumerate(pairs[-10:]):
            if i == 0:
                last = pairs[-1]
                H = H * (last[0] @ last[1]) / (last[1] @ last[1])
            V = np.eye(len(c)) - np.outer(y, s) / (y @ s)
            H = V.T @ H @ V + np.outer(s, s) / (y @ s)
        d = -H @ g
        rate = -(g @ d) / (d @ A @ d)
        b = b + rate * d
        pairs.append((rate * d, rate * (A @ d)))
        return b

    return step


LOOPS = {
    "gradient-descent": fixed,
    "best-rate": best,
    "line-search": line,
    "nesterov": accelerated,
    "conjugate-gradient": conjugate,
    "l-bfgs": quasi_newton,
}
