"""Best subsets: against all subsets, and how the search grows with the number of columns.

python benchmarks/selection.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import combinations, islice
from statistics import median
from time import perf_counter

import numpy as np
from command import Program, main
from findings import Finding, check
from problems import QUICK, Array, Sizes

from gramian.data.source import source_of
from gramian.engines.fold import one_thread
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.fit.selection.fit import Selected, select
from gramian.formula.design import Design

COLUMNS, ROWS, SAMPLE = 20, 2_000, 2_000
SPEEDUP = 100.0
AGREE = 1e-9  # relative; both solve products of columns that are correlated up to 0.9 with their neighbours
KINDS = {"independent columns": (0.0, 8), "neighbours correlated by 0.9": (0.9, 8), "nothing to find": (0.5, 0)}
WIDTHS = (10, 20, 25, 30)


def best_subset(sizes: Sizes, rounds: int) -> Finding:
    """Seconds of the search beside those of all subsets, each refitted by lstsq on the same products."""
    width = 10 if sizes == QUICK else COLUMNS
    rows, checks = [], []
    for kind, (rho, signal) in KINDS.items():
        design, done, S = _problem(width, rho, signal)
        with one_thread():
            seconds = median(_seconds(design, done) for _ in range(rounds))
            each = _seconds_of_lstsq(S)
            selected = select(design, done, "bic")
            apart = _apart(selected, S)
        ratio = each * 2**width / seconds
        rows.append((kind, f"{seconds:.4f}", f"{each * 1e6:.1f}", f"{each * 2**width:.1f}", f"{ratio:,.0f}"))
        checks.append(check(f"{kind}: times faster", f"{ratio:,.0f}", f"at least {SPEEDUP:g}", ratio >= SPEEDUP))
        checks.append(
            check(
                f"{kind}: RSS of every size, apart from exhaustive search", f"{apart:.1e}", f"{AGREE:g}", apart <= AGREE
            )
        )
    return Finding(
        f"Best subsets of {width} columns",
        ("columns", "seconds", "lstsq: microseconds each", f"lstsq: seconds of 2^{width}", "ratio"),
        rows,
        checks,
        f"seconds: from the moments to the table, the winner refitted. lstsq: on {SAMPLE:,} subsets, scaled to all.",
    )


def growth(sizes: Sizes, rounds: int) -> Finding:
    """Seconds of the search by the number of columns."""
    widths = WIDTHS[:1] if sizes == QUICK else WIDTHS
    rows = []
    for width in widths:
        times = []
        for rho, signal in KINDS.values():
            design, done, _ = _problem(width, rho, min(signal, width))
            with one_thread():
                times.append(median(_seconds(design, done) for _ in range(rounds)))
        rows.append((str(width), *(f"{t:.4f}" for t in times)))
    return Finding("Best subsets of more columns, in seconds", ("columns", *KINDS), rows)


def _problem(width: int, rho: float, signal: int) -> tuple[Design, Accumulated, Array]:
    """Moments of normal columns whose correlation is rho^distance, and the same as products about the mean."""
    rng = np.random.default_rng(5)
    distance = np.abs(np.subtract.outer(np.arange(width), np.arange(width)))
    X = rng.standard_normal((ROWS, width)) @ np.linalg.cholesky(rho**distance).T
    beta = np.zeros(width)
    beta[rng.permutation(width)[:signal]] = rng.uniform(0.02, 0.4, signal)
    y = X @ beta + rng.standard_normal(ROWS)
    data = {f"x{i}": X[:, i] for i in range(width)} | {"y": y}
    design, source = prepare("y ~ " + " + ".join(f"x{i}" for i in range(width)), source_of(data), Options())
    Z = np.column_stack([X, y])
    Z -= Z.mean(axis=0)
    return design, Local(1).fold(source, Accumulate(design)), Z.T @ Z


def _seconds(design: Design, done: Accumulated) -> float:
    start = perf_counter()
    select(design, done, "bic")
    return perf_counter() - start


def _subsets(width: int) -> Iterator[list[int]]:
    """All subsets in an order without a pattern of size."""
    order = np.random.default_rng(0).permutation(2**width) if width <= COLUMNS else range(2**width)
    return ([i for i in range(width) if int(mask) >> i & 1] for mask in order)


def _seconds_of_lstsq(S: Array) -> float:
    """For one subset: coefficients by lstsq on the products of its columns, and its RSS."""
    subsets = list(islice(_subsets(len(S) - 1), SAMPLE))
    start = perf_counter()
    for at in subsets:
        c = S[at, -1]
        b = np.linalg.lstsq(S[np.ix_(at, at)], c, rcond=None)[0]
        S[-1, -1] - b @ c
    return (perf_counter() - start) / len(subsets)


def _apart(selected: Selected, S: Array) -> float:
    """The largest relative difference between the RSS of a size and the least of all subsets of that size."""
    found = {c.columns - 1: c.rss for c in selected.candidates}
    return max(abs(found[k] / least - 1.0) for k, least in enumerate(_exhaustive(S)))


def _exhaustive(S: Array, together: int = 20_000) -> list[float]:
    """The least RSS of every size."""
    width = len(S) - 1
    out = [float(S[-1, -1])]
    for k in range(1, width + 1):
        subsets, least = combinations(range(width), k), np.inf
        while chunk := list(islice(subsets, together)):
            at = np.array(chunk)
            c = S[at, -1]
            b = np.linalg.solve(S[at[:, :, None], at[:, None, :]], c[:, :, None])[:, :, 0]
            least = min(least, float((S[-1, -1] - (b * c).sum(axis=1)).min()))
        out.append(least)
    return out


PROGRAM = Program("selection", "Best subsets against all subsets.", {}, {"best-subset": best_subset, "growth": growth})

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
