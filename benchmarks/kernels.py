"""What compiled kernels bring: products and careful residuals by NumPy and by the kernel, beside one read of X."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from unittest.mock import patch

import numpy as np
from machine import as_shipped
from threadpoolctl import threadpool_info, threadpool_limits

from gramian.kernels.library import available, best, load
from gramian.kernels.residuals import twofold_products, twofold_times
from gramian.linalg import self_products as products
from gramian.linalg.blocks import ROWS_PER_BLOCK

SIZES = ((2_000_000, 10), (1_000_000, 20), (1_000_000, 50), (500_000, 100), (250_000, 200), (100_000, 300))


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be timed; the base of the ratios is the first."""

    name: str
    run: Callable[[], object]


def blockwise(X: np.ndarray) -> None:
    """X'X as a fit of a matrix forms it: block by block, added up."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), ROWS_PER_BLOCK):
        total += products.self_products(X[start : start + ROWS_PER_BLOCK])


def by(name: str | None, X: np.ndarray) -> None:
    """The same by one of the libraries, or by NumPy."""
    with patch.object(products, "library", lambda: None if name is None else load(name)):
        blockwise(X)


def of_products(X: np.ndarray) -> list[Work]:
    """One read, NumPy, and every library that this processor runs (but the portable one, where it is not the best)."""
    names = [name for name in available() if name != "portable" or best() == "portable"]
    return [
        Work("one read", lambda: X.sum()),
        Work("NumPy", lambda: by(None, X)),
        *(Work(name, lambda name=name: by(name, X)) for name in names),  # type: ignore[misc]
    ]


def of_residuals(X: np.ndarray) -> list[Work]:
    """X b by BLAS, and X b and X'r in twice the precision."""
    b, r, library = np.ones(X.shape[1]), np.ones(len(X)), load(best() or "")
    if library is None:
        return []
    return [
        Work("X b by BLAS", lambda: np.dot(X, b)),
        Work("X b twofold", lambda: twofold_times(library, X, None, b, b * 1e-17)),
        Work("X'r twofold", lambda: twofold_products(library, X, None, r, r * 1e-17)),
    ]


def interleaved(works: list[Work], rounds: int) -> dict[str, float]:
    """Medians of processor time on one thread, in rounds that every work takes part in."""
    seconds: dict[str, list[float]] = {work.name: [] for work in works}
    for work in works:
        work.run()
    for _ in range(rounds):
        for work in works:
            start = process_time()
            work.run()
            seconds[work.name].append(process_time() - start)
    return {name: median(taken) for name, taken in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="share of the rows, for a quick look")
    arguments = parser.parse_args()
    blas = " and ".join(sorted({str(pool.get("architecture")) for pool in threadpool_info()}))
    print(f"kernel {best()}; OpenBLAS {blas}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; one thread")
    with threadpool_limits(1, user_api="blas"):
        for rows, columns in SIZES:
            X = np.random.default_rng(columns).standard_normal((int(rows * arguments.share), columns))
            for works in (of_products(X), of_residuals(X)):
                taken = interleaved(works, arguments.rounds) if works else {}
                base = next(iter(taken.values()), 0.0)
                parts = (f"{name} {s * 1e3:.1f} ms ({s / base:.2f})" for name, s in taken.items())
                print(f"{len(X):>9,} x {columns:<4}", "  ".join(parts), flush=True)


if __name__ == "__main__":
    as_shipped()
    main()
