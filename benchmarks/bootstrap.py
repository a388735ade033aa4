"""Draws from sums beside draws on rows: the wild cluster bootstrap (pyfixest's wildboottest), pairs, and rows.

python benchmarks/bootstrap.py [--rows N] [--clusters G] [--draws B] [--columns P] [--loops L]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

import gramian as gm
from gramian.inference.draws.cluster_weights import cluster_draws
from gramian.inference.draws.row_weights import row_weights
from gramian.inference.draws.sign_weights import drawn

SEED = 1
ROW_DRAWS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    sizes = (("rows", 1_000_000), ("clusters", 500), ("draws", 9_999), ("columns", 5), ("loops", 5))
    for name, default in sizes:
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    data = made(given.rows, given.clusters, given.columns)
    names = [f"x{i}" for i in range(given.columns)]
    formula = f"y ~ {' + '.join(names)}"
    fit = gm.ols(formula, data, vcov={"cluster": "firm"})
    rows = Rows(data, names)

    wild, ours = timed(lambda: fit.wild_bootstrap("x0 = 0", draws=given.draws, seed=SEED))
    print(f"wild, {given.draws:,} draws: {ours:.2f} s of processor time, t {wild.statistic:.6g}, p {wild.p_value:.4g}")
    signs = next(iter(drawn("rademacher", given.clusters, given.draws, SEED)))[:, : given.loops]
    expected, one = timed(lambda: [rows.wild(v) for v in signs.T])
    compare("the same draws on rows", wild.statistics[: given.loops], expected, one * given.draws / given.loops, ours)
    pyfixest(formula, data, given.draws, ours)

    pairs, ours = timed(lambda: fit.bootstrap(draws=given.draws, seed=SEED))
    print(f"pairs, {given.draws:,} draws: {ours:.2f} s")
    taken = next(iter(cluster_draws("multinomial", given.clusters, given.draws, SEED)))[:, : given.loops]
    expected, one = timed(lambda: [rows.weighted(v[rows.firm]) for v in taken.T])
    compare(
        "the same draws on rows", pairs.coefficients[: given.loops], expected, one * given.draws / given.loops, ours
    )

    single, ours = timed(lambda: fit.bootstrap(by="row", draws=ROW_DRAWS, seed=SEED))
    print(f"rows, {ROW_DRAWS:,} draws in one pass: {ours:.2f} s")
    weights = row_weights("poisson", SEED, 0, given.rows, given.loops)
    expected, one = timed(lambda: [rows.weighted(v) for v in weights])
    compare("the same draws on rows", single.coefficients[: given.loops], expected, one * ROW_DRAWS / given.loops, ours)


def made(rows: int, clusters: int, columns: int) -> pd.DataFrame:
    """Rows with regressors and errors that clusters share in part, in any order."""
    rng = np.random.default_rng(SEED)
    firm = rng.integers(0, clusters, rows)
    X = rng.standard_normal((rows, columns)) + 0.5 * rng.standard_normal((clusters, columns))[firm]
    y = 1 + X @ np.linspace(0.0, 0.02, columns) + rng.standard_normal(clusters)[firm] + rng.standard_normal(rows)
    return pd.DataFrame({"y": y, "firm": firm} | {f"x{i}": X[:, i] for i in range(columns)})


class Rows:
    """Draws that compute with all rows."""

    def __init__(self, data: pd.DataFrame, names: list[str]) -> None:
        self.X = np.column_stack([np.ones(len(data)), data[names].to_numpy()])
        self.y, self.firm = data["y"].to_numpy(), data["firm"].to_numpy()
        self.inverse = np.linalg.inv(self.X.T @ self.X)
        self.count = int(self.firm.max()) + 1

    def wild(self, v: np.ndarray) -> float:
        """t* of the coefficient x0 under x0 = 0."""
        b, h = self.inverse @ (self.X.T @ self.y), self.inverse[1]
        under = b - h * b[1] / h[1]
        fitted = self.X @ under
        y = fitted + v[self.firm] * (self.y - fitted)
        drawn_b = self.inverse @ (self.X.T @ y)
        scores = (y - self.X @ drawn_b) * (self.X @ h)
        sums = np.bincount(self.firm, scores, self.count)
        n, p, g = len(y), len(b), self.count
        return float((drawn_b - under)[1] / np.sqrt(sums @ sums * g / (g - 1) * (n - 1) / (n - p)))

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Coefficients with these weights of the rows."""
        W = self.X * weights[:, None]
        return np.asarray(np.linalg.solve(W.T @ self.X, W.T @ self.y))


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and its processor time."""
    begin = process_time()
    found = call()
    return found, process_time() - begin


def compare(name: str, found: Any, expected: Any, theirs: float, ours: float) -> None:
    """Print a ratio of times, and the largest difference."""
    off = np.abs(np.asarray(found) - np.array(expected)).max()
    print(f"  {name}: {theirs:.1f} s, {theirs / ours:.0f} x; largest difference {off:.0e}")


def pyfixest(formula: str, data: pd.DataFrame, draws: int, ours: float) -> None:
    """The same test by pyfixest, without the time in which it is compiled."""
    try:
        import pyfixest as pf
        import wildboottest  # noqa: F401  without it there is no such method
    except ImportError:
        print("  pyfixest with wildboottest: not there")
        return
    fit = pf.feols(formula, data, vcov={"CRV1": "firm"})
    fit.wildboottest(param="x0", reps=9, cluster="firm", seed=SEED)
    found, theirs = timed(lambda: fit.wildboottest(param="x0", reps=draws, cluster="firm", seed=SEED))
    t, p = found["t value"], found["Pr(>|t|)"]
    print(f"  pyfixest's wildboottest: {theirs:.1f} s, {theirs / ours:.0f} x; t {float(t):.6g}, p {float(p):.4g}")


if __name__ == "__main__":
    main()
