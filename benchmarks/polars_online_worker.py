"""Fits by polars-online in an interpreter of its own: a line of input is a fit, a line of output its coefficients.

It needs Python 3.12 and nothing of this repository; `peers_in_memory.py:polars_online` starts it:

python3.12 -m venv ENVIRONMENT && ENVIRONMENT/bin/pip install polars-online numpy
POLARS_ONLINE_PYTHON=ENVIRONMENT/bin/python python benchmarks/range.py
"""

from __future__ import annotations

import json
import sys
from math import inf

import polars as pl
import polars_online as po

RARELY = 1e9  # rows from one solve to the next: the sums are solved once, at the end
BLOCK_ROWS = 256  # rows that are added by one product of matrices


def main() -> None:
    """Read the columns x0, x1, ... and y of an Arrow file, then fit as often as a line arrives."""
    frame = pl.read_ipc(sys.argv[1]).rechunk()
    features = [name for name in frame.columns if name != "y"]
    for _ in sys.stdin:
        spec = po.spec.ewridge(
            "ols", targets=["y"], features=features, half_life=inf, ridge=0.0, solve_every=RARELY,
            gram_block_rows=BLOCK_ROWS, gram_threads="auto",
        )  # fmt: skip
        bank = po.ModelBank([spec])
        bank.fit(frame)
        print(json.dumps(list(po.gram.solve(bank.gram("ols")[0]))), flush=True)


if __name__ == "__main__":
    main()
