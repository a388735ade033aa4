"""Small data with something of everything, the same on every run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.feather as pf
import pyarrow.parquet as pq
from numpy.typing import NDArray

SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Data:
    """rows : 600 rows of all kinds of columns, some of them missing. small : 12 rows. growth : of a curve.

    wide : 40 rows of a matrix of 60 columns. FILES and LARGE stand in the folder.
    """

    rows: pa.Table
    small: pa.Table
    growth: pa.Table
    wide: dict[str, NDArray[np.float64]]


FILES = ("rows.parquet", "rows.csv", "rows.csv.gz", "rows.arrow", "parts")
LARGE = "large.parquet"


def write(folder: Path) -> Data:
    """Make the data, and write files of them into the folder."""
    rows = mixed(np.random.default_rng(SEED), 600)
    pq.write_table(rows, folder / "rows.parquet", row_group_size=150)
    pq.write_table(large(np.random.default_rng(SEED + 1), 250_000), folder / "large.parquet", row_group_size=60_000)
    pc.write_csv(rows, folder / "rows.csv")
    with pa.CompressedOutputStream(str(folder / "rows.csv.gz"), "gzip") as stream:
        pc.write_csv(rows, stream)
    pf.write_feather(rows, str(folder / "rows.arrow"), compression="uncompressed", chunksize=200)
    for part in range(3):
        (folder / "parts" / f"part={part}").mkdir(parents=True)
        pq.write_table(rows.slice(200 * part, 200), folder / "parts" / f"part={part}" / "rows.parquet")
    return Data(
        rows, rows.slice(20, 12), growth(np.random.default_rng(SEED + 2), 80), wide(np.random.default_rng(SEED + 3))
    )


def mixed(rng: np.random.Generator, n: int) -> pa.Table:
    """Numbers, factors, weights, groups, and outcomes of every family."""
    x, z, noise = rng.random(n) * 4 - 2, rng.random(n) * 30 + 1000, rng.random((5, n)) - 0.5
    f, g, firm, year = rng.integers(0, 4, n), rng.integers(0, 3, n), rng.integers(0, 30, n), rng.integers(2015, 2020, n)
    eta = 0.4 * x + 0.05 * (z - 1015) + 0.3 * (f == 1) - 0.2
    mu = np.exp(eta / 2)
    trials = rng.integers(2, 9, n)
    return pa.table(
        {
            "x": x,
            "z": pa.array(z, mask=rng.random(n) < 0.02),
            "u": rng.integers(1, 100, n),
            "f": np.array(["a", "b", "c", "d"])[f],
            "g": np.array(["one", "two", "three"])[g],
            "b": rng.random(n) < 0.4,
            "firm": firm,
            "year": year,
            "day": np.array([dt.date(2024, 1, 1) + dt.timedelta(days=int(k)) for k in rng.integers(0, 90, n)]),
            "w": rng.random(n) + 0.25,
            "n": rng.integers(1, 5, n),
            "o": noise[0] / 4,
            "trials": trials,
            "y": eta + noise[1] + 0.1 * (firm % 7),
            "y2": 3 - x + 0.5 * (f == 2) + noise[2],
            "hit": rng.random(n) < 1 / (1 + np.exp(-eta)),
            "text": np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no"),
            "share": rng.binomial(trials, 1 / (1 + np.exp(-eta))) / trials,
            "count": rng.poisson(3 * mu),
            "size": mu * (noise[3] + 1),
        }
    )


def large(rng: np.random.Generator, n: int) -> pa.Table:
    """So many rows that one pass is all that is made."""
    x = rng.random((3, n))
    f = rng.integers(0, 5, n)
    y = x[0] - 2 * x[1] + 0.1 * f + rng.random(n)
    return pa.table({"a": x[0], "b": x[1], "c": x[2] + 100, "f": np.array(list("pqrst"))[f], "y": y, "hit": y > 0})


def growth(rng: np.random.Generator, n: int) -> pa.Table:
    """A sigmoid, and a decay."""
    x = np.linspace(-4, 6, n)
    noise = 0.05 * (rng.random((2, n)) - 0.5)
    top, decay = 3 / (1 + np.exp(-1.3 * (x - 0.8))), 2 * np.exp(-0.4 * (x + 4)) + 0.1
    return pa.table({"x": x, "y": top + noise[0], "decay": decay + noise[1], "w": rng.random(n) + 0.5})


def wide(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """A matrix with more columns than rows, and one with fewer."""
    X = rng.random((40, 60)) - 0.5
    tall = rng.random((300, 12)) * (rng.random((300, 12)) < 0.4)
    return {
        "X": X,
        "y": X[:, 0] - X[:, 1] + 0.1 * rng.random(40),
        "tall": tall,
        "target": tall @ np.arange(12.0) + rng.random(300),
    }
