"""What the algebra of the lesson's page has to give, computed by gramian: cases for the tests that Node runs."""

from __future__ import annotations

from typing import Any

import numpy as np

import gramian as gm
from gramian.lessons.examples import MAGNET, MONTHS, TEN, THROWS

EPS = 2.0**-53
DIGITS = (2.0, 4.0, 8.0)
METHODS = {"gd": "gradient-descent", "best": "best-rate", "momentum": "nesterov", "cg": "conjugate-gradient"}
RNG = np.random.default_rng(4)
YEARS = tuple(
    (float(year), round(float(v), 2)) for year, v in zip(range(2000, 2021), RNG.normal(30, 4, 21), strict=True)
)
SPREAD = tuple((round(float(x), 2), round(float(y), 2)) for x, y in RNG.normal(size=(50, 2)) * [3, 10])
SETS = {"months": MONTHS.points, "ten": TEN.points, "years": YEARS, "spread": SPREAD}

Point = tuple[float, float]


def columns(points: tuple[Point, ...]) -> dict[str, list[float]]:
    return {"x": [x for x, _ in points], "y": [y for _, y in points]}


def line(points: tuple[Point, ...]) -> dict[str, Any]:
    """The derivation of a line, from fractions."""
    steps = gm.derive("y ~ x", columns(points))
    condition = steps.eigenvalues[0] / steps.eigenvalues[-1] if steps.rank == 2 else 1.0
    return {
        "points": points,
        "XtX": steps.XtX.tolist(),
        "Xty": steps.Xty.tolist(),
        "determinant": steps.determinant,
        "inverse": None if steps.inverse is None else steps.inverse.tolist(),
        "w": steps.w.tolist(),
        "cost": steps.cost_after,
        "eigenvalues": steps.eigenvalues[::-1].tolist(),
        # Centred sums lose the ratio of mean to deviation, which is about the root of the condition of X'X.
        "tolerance": max(1e-12, 16 * EPS * float(np.sqrt(condition))),
    }


def descents(name: str, scaled: bool) -> dict[str, Any]:
    """Steps of every method, counted and predicted, and the rate of the one that is chosen by pointer."""
    points = np.array(SETS[name])
    X = np.column_stack([points[:, 0], np.ones(len(points))])
    if scaled:
        X[:, 0] = (X[:, 0] - X[:, 0].mean()) / X[:, 0].std()
    best = 1 / np.linalg.eigvalsh(X.T @ X).sum()
    rate = 0.4 / 0.7 * best  # of the gradient 2X'(Xw - y)
    done = gm.compare(
        "y ~ x", columns(SETS[name]), methods=METHODS.values(), digits=DIGITS, scale_features=scaled,
        rate=2 * len(points) * rate,
    )  # fmt: skip
    counted = {
        key: [[e.iterations, e.predicted_iterations] for e in done.entries if e.method == method]
        for key, method in METHODS.items()
    }
    return {"points": SETS[name], "scaled": scaled, "rate": rate, "steps": counted}


def polynomial(name: str, degree: int) -> dict[str, Any]:
    """A polynomial of exact fractions: its values at the points, its cost, the condition of X'X."""
    steps = gm.derive("y ~ x", columns(SETS[name]), polynomial=degree)
    values, X = steps.eigenvalues, steps.X
    return {
        "points": SETS[name], "degree": degree, "predictions": steps.predictions.tolist(), "cost": steps.cost_after,
        "condition": values[0] / values[-1],
        # One-sided Jacobi keeps what the condition of columns of length one leaves (Demmel and Veselic 1992).
        "tolerance": max(1e-12, 4 * EPS * float(np.linalg.cond(X / np.linalg.norm(X, axis=0)))),
    }  # fmt: skip


def ridge_polynomial(points: tuple[Point, ...], degree: int, alpha: float) -> dict[str, Any]:
    """Ridge in powers of x brought to -1 ... 1; without it, of minimum norm."""
    x, y = np.array(points).T
    t = (x - (x.max() + x.min()) / 2) / ((x.max() - x.min()) / 2)
    if alpha:
        formula = "y ~ t" + "".join(f" + I(t^{k})" for k in range(2, degree + 1))
        w = gm.ridge(formula, {"t": t, "y": y}, alpha).coefficients[1:]
    else:
        powers = np.vander(t, degree + 1, increasing=True)[:, 1:]
        w = np.linalg.pinv(powers - powers.mean(0)) @ (y - y.mean())
    return {"points": points, "degree": degree, "ridge": alpha, "coefficients": w.tolist()}


def twice(name: str, alpha: float) -> dict[str, Any]:
    """The column of x twice, with ridge on both."""
    data = columns(SETS[name])
    data["again"] = data["x"]
    w = gm.ridge("y ~ x + again", data, alpha).coefficients[1:] if alpha else gm.derive("y ~ x + again", data).w[:2]
    return {"points": SETS[name], "ridge": alpha, "w": w.tolist()}


def one_row(point: Point, alpha: float) -> dict[str, Any]:
    """One row for two coefficients, with ridge on both."""
    data = {"x": [point[0]], "one": [1.0], "y": [point[1]]}
    fit = gm.ridge("y ~ x + one - 1", data, alpha) if alpha else gm.derive("y ~ x + one - 1", data)
    w = fit.coefficients if alpha else fit.w
    return {"point": point, "ridge": alpha, "w": np.asarray(w).tolist()}


def sigmoid(alpha: float) -> dict[str, Any]:
    """Logistic regression, with ridge on the slope."""
    fit = gm.glm("y ~ x", columns(THROWS.points), family="binomial", ridge=alpha or None, tolerance=1e-14)
    return {"points": THROWS.points, "ridge": alpha, "w": fit.coefficients[::-1].tolist(), "deviance": fit.deviance}


def curve(name: str) -> dict[str, Any]:
    """A curve by Gauss-Newton."""
    function = {"tanh": "tanh", "arctan": "arctan"}[name]
    fit = gm.curve(f"y ~ a * {function}(b * x)", columns(MAGNET.points), start={"a": 1.0, "b": 0.3}, tolerance=1e-14)
    return {"points": MAGNET.points, "curve": name, "w": fit.coefficients.tolist(), "cost": fit.deviance}


def cases() -> dict[str, Any]:
    few = MONTHS.points[::4]
    return {
        "lines": [line(points) for points in SETS.values()],
        "singular": line(((3.0, 1.0), (3.0, 2.0), (3.0, 5.0))),
        "descents": [descents(name, scaled) for name in ("months", "ten") for scaled in (False, True)],
        "polynomials": [polynomial(name, d) for name, d in (("months", 3), ("months", 7), ("months", 11), ("ten", 5))],
        "ridges": [
            ridge_polynomial(*given)
            for given in ((MONTHS.points, 7, 0.01), (SPREAD, 5, 1.0), (few, 7, 0.0), (few, 7, 0.1))
        ],
        "twice": [twice("months", alpha) for alpha in (0.0, 5.0)],
        "rows": [one_row((4.0, 2.3), alpha) for alpha in (0.0, 2.0)],
        "sigmoids": [sigmoid(alpha) for alpha in (0.0, 3.0)],
        "curves": [curve(name) for name in ("tanh", "arctan")],
    }
