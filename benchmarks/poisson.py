"""Poisson regression of a Parquet file with two absorbed factors: a race, and its peak memory.

python benchmarks/poisson.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from command import Program, main
from findings import Finding, check
from memory import COLUMNS, IMPORTS, INTERPRETER, NOTE, peaks
from problems import Sizes, written
from runner import Answer, Bar, Contender, Race

import gramian as gm

FORMULA = "c ~ x1 + x2 | firm + year"
ROWS_A_FIRM, YEARS = 10, 20
CEILING = 700.0  # MB
GROWTH = 1.1  # from twenty to forty rows a firm
FIT = """
import sys
import gramian as gm
fit = gm.glm(sys.argv[1], sys.argv[2], "poisson")
print(fit.rows, fit.passes, fit.coefficients.sum(), fit.std_errors.sum())
"""
READ_BEFORE = "pyfixest, read before"


def counts(rows: int, firms: int) -> Path:
    """Counts of firms in years, with two regressors."""
    return written(f"counts-{firms}-of-{rows}.parquet", lambda: _counts(rows, firms))


def _counts(rows: int, firms: int) -> pa.Table:
    rng = np.random.default_rng(4)
    firm, year = rng.integers(0, firms, rows), rng.integers(0, YEARS, rows)
    x1, x2 = rng.normal(size=(2, rows))
    effect = 0.5 * rng.normal(size=firms)
    mean = np.exp(0.5 + 0.3 * x1 - 0.2 * x2 + effect[firm] + 0.02 * year)
    return pa.table({"c": rng.poisson(mean), "x1": x1, "x2": x2, "firm": firm, "year": year})


def race(sizes: Sizes) -> Race:
    """From the file to coefficients and errors, against pyfixest on a frame that is there."""
    rows = sizes.parquet // 2
    file = counts(rows, rows // ROWS_A_FIRM)
    return Race(
        "poisson",
        f"{rows:,} rows, {rows // ROWS_A_FIRM:,} firms, {YEARS} years, Poisson, Parquet",
        [Contender("gramian", lambda: fitted(file)), Contender(READ_BEFORE, in_memory(file))],
        [Bar("gramian", READ_BEFORE, 1.0)],
        alike=frozenset({"gramian", READ_BEFORE}),
    )


def fitted(file: Path) -> Answer:
    """From the file."""
    fit = gm.glm(FORMULA, str(file), "poisson")
    return Answer(fit.coefficients, fit.std_errors)


def in_memory(file: Path) -> Callable[[], Answer]:
    """pyfixest on a frame."""
    import pandas as pd
    from pyfixest import fepois, ssc

    frame = pd.read_parquet(file)

    def work() -> Answer:
        # the inverse of the information, as R's glm has it: without a factor for small samples
        plain = ssc(k_adj=False, G_adj=False)
        fit = fepois(FORMULA, frame, vcov="iid", ssc=plain, separation_check=["fe"], fixef_rm="none")
        return Answer(fit.coef().to_numpy(), fit.se().to_numpy())

    return work


def memory(sizes: Sizes, rounds: int) -> Finding:
    """Peaks for ten rows a firm, twenty and forty: with forty nearly all combinations of firm and year have rows."""
    rows = sizes.parquet // 2
    firms = rows // ROWS_A_FIRM
    work = {INTERPRETER: (IMPORTS,)}
    work |= {f"{n:,} rows": (FIT, FORMULA, str(counts(n, firms))) for n in (rows, 2 * rows, 4 * rows)}
    found = peaks(work, rounds)
    highest, growth = max(peak.highest for peak in found), found[3].highest / found[2].highest
    return Finding(
        f"memory: Poisson, {firms:,} firms and {YEARS} years absorbed",
        COLUMNS,
        [peak.row for peak in found],
        [
            check("peak private memory", f"{highest:.0f} MB", f"below {CEILING:g} MB", highest < CEILING),
            check("twice as many rows", f"{growth:.2f} times the memory", f"at most {GROWTH:g}", growth <= GROWTH),
        ],
        NOTE,
        details={"measure": "peak RssAnon", "peaks": [asdict(p) for p in found]},
    )


PROGRAM = Program(
    "poisson", "Poisson with absorbed factors: times, peak memory.", {"poisson": race}, {"memory": memory}
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
