"""What a model from a Gram costs: against a bare SciPy Cholesky solve and inverse of as many columns.

python benchmarks/gram_solve.py [--columns N] [--rounds N] [--profile MODEL]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import machine
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.linalg import cho_factor, cho_solve

import gramian as gm
from gramian.engines.fold import one_thread

BAR = 5.0
ROWS = 5_000


def main() -> int:
    machine.as_shipped()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--profile", choices=("whole", "formula", "drop", "ridge"))
    options = parser.parse_args()
    gram = _gram(options.columns)
    models = _models(gram, options.columns)
    if options.profile:
        _profile(models[options.profile], options.rounds)
        return 0
    before = machine.Usage.now()
    bare, times = _measure(gram, models, options.rounds)
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table(title=f"{options.columns} columns; bare solve and inverse {1e3 * median(bare):.2f} ms, one thread")
    for heading in ("model", "ms", "ratio", "bar"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    ratios = {name: median(t / b for t, b in zip(took, bare, strict=True)) for name, took in times.items()}
    for name, took in times.items():
        table.add_row(name, f"{1e3 * median(took):.2f}", f"{ratios[name]:.1f}", f"<= {BAR:g}")
    console.print(table)
    console.print(f"taken by others meanwhile: {machine.Usage.now().taken_by_others(before):.0%}", highlight=False)
    return int(max(ratios.values()) > BAR)


def _gram(columns: int) -> Any:
    """Columns some of which are far from zero, so that their shifts matter."""
    rng = np.random.default_rng(1)
    data = {f"x{i}": rng.normal(3.0 * (i % 3), 1.0, ROWS) for i in range(columns)}
    data["y"] = sum(data[f"x{i}"] for i in range(5)) + rng.normal(size=ROWS)
    return gm.gram("y ~ " + " + ".join(f"x{i}" for i in range(columns)), data)


def _models(gram: Any, columns: int) -> dict[str, Callable[[int], object]]:
    """Name -> a fit; the number of the round makes every formula another one."""
    names = [f"x{i}" for i in range(columns)]

    def formula(round: int) -> object:
        return gram.ols("y ~ " + " + ".join(n for i, n in enumerate(names) if i != round % columns))

    return {
        "whole": lambda round: gram.ols(),
        "formula": formula,
        "drop": lambda round: gram.ols(drop=names[round % columns]),
        "ridge": lambda round: gram.ridge(1.0 + round),
    }


def _measure(
    gram: Any, models: dict[str, Callable[[int], object]], rounds: int
) -> tuple[list[float], dict[str, list[float]]]:
    dense = gram.gram_data.moments.dense
    bare: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in models}
    for round in range(rounds + 3):
        with one_thread():
            took = _timed(lambda: _bare(dense))
        found = {name: _timed(lambda fit=fit, round=round: fit(round)) for name, fit in models.items()}
        if round >= 3:  # the first ones warm up
            bare.append(took)
            for name, seconds in found.items():
                times[name].append(seconds)
    return bare, times


def _bare(dense: np.ndarray) -> np.ndarray:
    """Coefficients and inverse of the products as they are: no shift, no scale, no rank, no inference."""
    factor = cho_factor(dense[:-1, :-1])
    cho_solve(factor, dense[:-1, -1])
    return np.asarray(cho_solve(factor, np.eye(len(dense) - 1)))


def _timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _profile(fit: Callable[[int], object], rounds: int) -> None:
    profile = cProfile.Profile()
    profile.enable()
    for round in range(rounds):
        fit(round)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    sys.exit(main())
