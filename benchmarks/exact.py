"""What exact sums cost: the exact pass against the fast float64 pass, on columns in memory; and the exact solve.

python benchmarks/exact.py [--rows N] [--columns N] [--rounds N] [--profile KIND]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any

import machine
import numpy as np
from rich.console import Console
from rich.table import Table

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.exact_pass import AccumulateExact
from gramian.fit.exact_system import exact_linear
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate
from gramian.fit.prepare import prepare

KINDS: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float | None]] = {
    "integers below 1,000, as float64": (lambda rng, n: rng.integers(0, 1000, n).astype(float), 5.0),
    "integers below 10^6, as int64": (lambda rng, n: rng.integers(0, 10**6, n), 5.0),
    "indicators, as bool": (lambda rng, n: rng.integers(0, 2, n).astype(np.int8), 5.0),
    "standard normal float64": (lambda rng, n: rng.standard_normal(n), 25.0),
    "standard normal float32": (lambda rng, n: rng.standard_normal(n, np.float32), None),
    "prices with two decimals": (lambda rng, n: np.round(np.exp(rng.normal(3.0, 1.2, n)), 2), None),
    "Cauchy": (lambda rng, n: rng.standard_cauchy(n), None),
}


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(title=f"{options.rows:,} rows x {options.columns} columns and an outcome, {options.threads} threads")
    for heading in ("columns", "fast [s]", "exact [s]", "ratio", "of processor time", "bar"):
        table.add_column(heading, justify="left" if heading == "columns" else "right")
    before, failed = machine.Usage.now(), False
    for kind, (draw, bar) in KINDS.items():
        if options.profile and not kind.startswith(options.profile):
            continue
        fast, exact = _measure(draw, options)
        ratio, busy = (median(b[i] for b in exact) / median(a[i] for a in fast) for i in (0, 1))
        ratio = median(b[0] / a[0] for a, b in zip(fast, exact, strict=True))
        failed |= bar is not None and ratio > bar
        seconds = [f"{median(t[0] for t in side):.3f}" for side in (fast, exact)]
        table.add_row(kind, *seconds, f"{ratio:.1f}", f"{busy:.1f}", "" if bar is None else f"<= {bar:g}")
    console.print(table)
    console.print(f"taken by others meanwhile: {machine.Usage.now().taken_by_others(before):.0%}", highlight=False)
    return int(failed)


def _measure(draw: Callable[[np.random.Generator, int], np.ndarray], options: Any) -> tuple[list[Any], list[Any]]:
    """Rounds of both passes in turn: seconds on the clock and of the processor."""
    rng = np.random.default_rng(1)
    data = {f"x{i}": draw(rng, options.rows) for i in range(options.columns)} | {"y": draw(rng, options.rows)}
    formula, source = "y ~ " + " + ".join(f"x{i}" for i in range(options.columns)), source_of(data)
    design, _ = prepare(formula, source, Options())
    engine = Local(options.threads)
    tasks = (Accumulate(design), AccumulateExact(design))
    times: tuple[list[Any], list[Any]] = ([], [])
    for task in tasks:
        engine.fold(source, task)  # type: ignore[misc]
    for _ in range(options.rounds):
        for task, out in zip(tasks, times, strict=True):
            start, busy = perf_counter(), process_time()
            engine.fold(source, task)  # type: ignore[misc]
            out.append((perf_counter() - start, process_time() - busy))
    if options.profile:
        _profile(source, tasks[1])
    return times


def _profile(source: Any, task: Any) -> None:
    profile = cProfile.Profile()
    profile.enable()
    done = Local(1).fold(source, task)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(20)
    start = perf_counter()
    exact_linear(task.design, done.moments)
    print(f"exact solve: {perf_counter() - start:.3f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Exit code 1 where a bar fails.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--profile", help="profile the columns whose name begins so")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
