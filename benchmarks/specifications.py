"""Many specifications from one pass, beside one fit of all their columns, and beside pyfixest's on fewer rows.

python benchmarks/specifications.py [--rows N] [--rounds K] [--missing SHARE] [--peer ROWS]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import gramian as gm

COLUMNS, OUTCOMES = 13, 5
ROW_GROUP = 200_000


def formula(outcomes: str) -> str:
    """5 outcomes x 5 first regressors x 8 sets of controls: 200 models."""
    controls = ", ".join(f"x{i}" for i in range(5, COLUMNS - 1))
    return f"{outcomes} ~ sw(x0, x1, x2, x3, x4) + csw0({controls})"


def table(rows: int, missing: float) -> pa.Table:
    """Columns of which the last outcome and three regressors have missing values."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, COLUMNS))
    data = {f"x{i}": X[:, i] for i in range(COLUMNS)}
    data |= {f"y{j}": X @ rng.normal(size=COLUMNS) + rng.normal(size=rows) for j in range(OUTCOMES)}
    gaps = ("x3", "x7", "x9", "y4") if missing else ()
    return pa.table({n: pa.array(v, mask=rng.random(rows) < missing) if n in gaps else v for n, v in data.items()})


def seconds(call: Callable[[], object]) -> float:
    """CPU time of all threads."""
    begin = process_time()
    call()
    return process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--peer", type=int, default=0)
    given = parser.parse_args()
    outcomes = "c(" + ", ".join(f"y{j}" for j in range(OUTCOMES)) + ")"
    many, one = formula(outcomes), "y0 ~ " + " + ".join(f"x{i}" for i in range(COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(table(given.rows, given.missing), path, row_group_size=ROW_GROUP)
        count = len(gm.ols(many, path))  # once before, so that both find the file in memory
        pairs = [(seconds(lambda: gm.ols(one, path)), seconds(lambda: gm.ols(many, path))) for _ in range(given.rounds)]
    ratio = statistics.median(b / a for a, b in pairs)
    own, all_of_them = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{given.rows:,} rows, {given.missing:.0%} missing in four columns, CPU time, {given.rounds} rounds")
    print(f"one fit of {COLUMNS} columns {own:.2f} s, {count} specifications {all_of_them:.2f} s: {ratio:.1f} times")
    if given.peer:
        beside(given.peer, given.missing, many)


def beside(rows: int, missing: float, many: str) -> None:
    """The same in memory, and pyfixest's."""
    import pyfixest as pf

    data = table(rows, missing)
    frame = data.to_pandas()
    theirs = " + ".join(f"y{j}" for j in range(OUTCOMES)) + " ~" + many.partition("~")[2]
    ours, peer = seconds(lambda: gm.ols(many, data)), seconds(lambda: pf.feols(theirs, frame, vcov="iid"))
    print(f"{rows:,} rows in memory: {ours:.2f} s, pyfixest {peer:.2f} s: {peer / ours:.0f} times")


if __name__ == "__main__":
    main()
