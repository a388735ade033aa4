"""A regression with an absorbed factor of many levels: a race, and its peak memory, each with its bar.

python benchmarks/absorb.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from command import Program, main
from contenders import fitted
from findings import Finding, check
from memory import COLUMNS, FIT, IMPORTS, INTERPRETER, NOTE, peaks
from problems import Sizes, written
from runner import FREE, Answer, Bar, Contender, Race

import gramian as gm

WIDTH = 10
TERMS = " + ".join(f"x{i}" for i in range(1, WIDTH + 1))
FIRM, NAME, TWO = (f"y ~ {TERMS} | {absorbed}" for absorbed in ("firm", "name", "firm + year"))
ROWS_A_LEVEL = 10
CEILING = 600.0  # MB
PLAIN = "gramian, equal variances"
READ_BEFORE = "pyfixest, read before"


def firms(rows: int, levels: int) -> Path:
    """`rows` x 10 doubles that firms shift, firms as numbers and as texts, 20 years, and an outcome."""
    return written(f"firms-{levels}-of-{rows}.parquet", lambda: _firms(rows, levels))


def _firms(rows: int, levels: int) -> pa.Table:
    rng = np.random.default_rng(7)
    firm = rng.integers(0, levels, rows)
    columns = {f"x{i}": rng.standard_normal(rows) for i in range(1, WIDTH + 1)}
    effect, year = rng.standard_normal(levels), rng.integers(0, 20, rows)
    y = rng.standard_normal(rows) + effect[firm] + 0.1 * year
    for x, slope in zip(columns.values(), np.linspace(-1.0, 1.0, WIDTH), strict=True):
        x += effect[firm]
        y += slope * x
    names = pa.array([f"firm {i:07}" for i in range(levels)]).take(pa.array(firm))
    return pa.table({**columns, "y": y, "firm": firm, "name": names, "year": year})


def race(formula: str, absorbed: str) -> Callable[[Sizes], Race]:
    """Against pyfixest, from the file to the coefficients; the bar is for one factor of whole numbers."""

    def made(sizes: Sizes) -> Race:
        rows = sizes.parquet // 2
        levels = rows // ROWS_A_LEVEL
        file = firms(rows, levels)
        return Race(
            absorbed,
            f"{rows:,} rows x {WIDTH} doubles, {levels:,} firms, | {absorbed}, Parquet",
            [
                Contender("gramian", lambda: fitted(formula, str(file))),
                Contender("pyfixest", lambda: pyfixest(formula, file)),
                Contender(READ_BEFORE, in_memory(formula, file)),
            ],
            [Bar("gramian", "pyfixest", 1 / 3 if absorbed == "firm" else FREE), Bar("gramian", READ_BEFORE, FREE)],
            alike=frozenset({"gramian", "pyfixest", READ_BEFORE}),
        )

    return made


def clustered(sizes: Sizes) -> Race:
    """Clustered by the absorbed factor, as pyfixest counts parameters; what clusters cost beside the plain fit."""
    rows = sizes.parquet // 2
    levels = rows // ROWS_A_LEVEL
    file = firms(rows, levels)
    by_firm = {"vcov": {"cluster": "firm"}, "like": "fixest"}
    crv = {"CRV1": "firm"}
    return Race(
        "clustered",
        f"{rows:,} rows x {WIDTH} doubles, {levels:,} firms, | firm, clustered by firm, Parquet",
        [
            Contender(PLAIN, lambda: fitted(FIRM, str(file))),
            Contender("gramian", lambda: told(gm.ols(FIRM, str(file), **by_firm))),
            Contender("pyfixest", lambda: pyfixest(FIRM, file, crv)),
            Contender(READ_BEFORE, in_memory(FIRM, file, crv)),
        ],
        [Bar("gramian", PLAIN, 3.0), Bar("gramian", "pyfixest", FREE), Bar("gramian", READ_BEFORE, FREE)],
        alike=frozenset({"gramian", "pyfixest", READ_BEFORE}),
    )


def told(fit: Any) -> Answer:
    return Answer(fit.coefficients, fit.std_errors)


def pyfixest(formula: str, file: Path, vcov: Any = "iid") -> Answer:
    """Reading what the formula names, as a careful user does."""
    return in_memory(formula, file, vcov)()


def in_memory(formula: str, file: Path, vcov: Any = "iid") -> Callable[[], Answer]:
    """A frame that is there already. Levels of one row are kept, as here."""
    import pandas as pd
    from pyfixest import feols

    columns = [*formula.replace("~", "+").replace("|", "+").replace(" ", "").split("+")]
    frame = pd.read_parquet(file, columns=columns)

    def work() -> Answer:
        fit = feols(formula, frame, vcov=vcov, fixef_rm="none")
        return Answer(fit.coef().to_numpy(), fit.se().to_numpy())

    return work


def memory(sizes: Sizes, rounds: int) -> Finding:
    """Peaks for ten rows a level, and for a million levels (half as many as rows)."""
    rows = sizes.parquet // 2
    few, many = rows // ROWS_A_LEVEL, rows // 2
    work = {
        INTERPRETER: (IMPORTS,),
        f"{few:,} firms": (FIT, FIRM, str(firms(rows, few))),
        f"{few:,} firms, text": (FIT, NAME, str(firms(rows, few))),
        f"{many:,} firms": (FIT, FIRM, str(firms(rows, many))),
    }
    found = peaks(work, rounds)
    highest = found[1].highest
    return Finding(
        f"memory: {rows:,} rows, one absorbed factor",
        COLUMNS,
        [peak.row for peak in found],
        [check(f"{few:,} firms", f"{highest:.0f} MB", f"below {CEILING:g} MB", highest < CEILING)],
        NOTE,
        details={"measure": "peak RssAnon", "peaks": [asdict(p) for p in found]},
    )


PROGRAM = Program(
    "absorb",
    "Absorbed factors: ratios of times, peak memory.",
    {"firm": race(FIRM, "firm"), "name": race(NAME, "name"), "two": race(TWO, "firm + year"), "clustered": clustered},
    {"memory": memory},
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
