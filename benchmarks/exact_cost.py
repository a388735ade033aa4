"""What exact sums cost where a fit climbs to them unasked: seconds of one core by columns, and who is left out.

python benchmarks/exact_cost.py [--columns 50 100 150 250] [--rows N] [--rounds N]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from statistics import median
from time import process_time

import numpy as np
from machine import as_shipped
from rich.console import Console
from rich.table import Table

import gramian as gm
from gramian.errors import AccuracyWarning
from gramian.fit.leastsquares.escalate import MAX_EXACT_COLUMNS

NEAR = (1e-5, 1e-6, 1e-15)  # how far columns are from each other: one pass decides, doubts, and has to leave out


def main() -> int:
    as_shipped()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, nargs="+", default=[50, 100, 150, 250])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    table = Table(title=f"{options.rows:,} rows; unasked up to {MAX_EXACT_COLUMNS} columns with the intercept")
    for heading in ("columns", "apart", "seconds", "tier", "rank"):
        table.add_column(heading, justify="right")
    for columns in options.columns:
        for near in NEAR:
            table.add_row(f"{columns:,}", f"{near:g}", *_told(columns, near, options.rows, options.rounds))
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    return 0


def _told(columns: int, near: float, rows: int, rounds: int) -> tuple[str, str, str]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, 1)) + near * rng.standard_normal((rows, columns))
    data = {"X": X, "y": X.sum(axis=1) + rng.standard_normal(rows)}
    took = []
    for _ in range(rounds):
        start = process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AccuracyWarning)
            fit = gm.ols("y ~ X", data)
        took.append(process_time() - start)
    return f"{median(took):.2f}", fit.tier, f"{fit.rank}"


if __name__ == "__main__":
    sys.exit(main())
