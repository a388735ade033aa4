"""The whole range of sizes: rows, columns, levels, absorbed factors of every kind, careful passes, exact sums.

python benchmarks/range.py [--only NAME]... [--rounds N] [--quick] [--json FILE]

`python benchmarks/range_picture.py FILE.json PICTURE` draws the ratios.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from threading import Thread
from unittest.mock import patch

import numpy as np
import pandas as pd
from command import Program, main
from networks import LEVELS, NETWORKS, Network
from peers_in_memory import Array, duckdb_averages, fereg, glum, intelex, polars_online, pyfixest
from problems import Sizes
from runner import FREE, Answer, Bar, Contender, Race

import gramian as gm
from gramian.fit.leastsquares import escalate
from gramian.kernels.library import library

NORMAL, READ, PRODUCT = "numpy normal equation", "one read", "X @ b"
INTELEX, GLUM, AVERAGES, ONLINE = "scikit-learn-intelex", "glum", "DuckDB avg()", "polars-online"
# rows and columns in memory, with the bars against the normal equation and against one read of X on two threads
SHAPES: dict[tuple[int, int], tuple[float, float]] = {
    (4_000_000, 5): (FREE, FREE),
    (2_000_000, 10): (1.0, 4.0),
    (500_000, 20): (1.0, 4.0),
    (1_000_000, 50): (1.0, 4.0),
    (500_000, 100): (1.0, 5.5),
    (100_000, 300): (1.6, FREE),
    (50_000, 1000): (1.6, FREE),
    (20_000, 2000): (1.6, FREE),
    (20_000, 5000): (2.0, FREE),
}
ROWS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 40_000_000)  # of ten columns
CAREFUL = ((1_000_000, 50), (100_000, 300), (50_000, 1000))
EXACT = {(500_000, 10): FREE, (500_000, 50): 9.0}  # bars against the normal equation
CAREFUL_BAR, COMPILED_BAR = 10.0, 3.0
GLUM_COLUMNS = 100  # most columns of a race with glum
ONLINE_ROWS = 1_000_000  # most rows of a race with polars-online
SECONDS = 20.0  # for the rounds of one race, of which there are 35, or three rounds where these take longer
SCALED_DOWN = 20  # of rows, and at most 300 columns, with --quick


def shape_of(shape: tuple[int, int], sizes: Sizes) -> tuple[int, int]:
    """The rows and columns of a race, fewer with --quick."""
    rows, columns = shape
    return shape if sizes.array >= 1_000_000 else (max(rows // SCALED_DOWN, 1000), min(columns, 300))


def problem(rows: int, columns: int) -> tuple[Array, Array]:
    """Independent normal columns, every slope one."""
    rng = np.random.default_rng(rows + columns)
    X = rng.standard_normal((rows, columns))
    return X, X.sum(axis=1) + rng.standard_normal(rows)


def own(X: Array, y: Array) -> Contender:
    """The fit that is measured, standard errors included."""

    def fit() -> Answer:
        found = gm.ols("y ~ X", {"X": X, "y": y}, digits=8)
        _ = found.std_errors
        return Answer(found.coefficients, np.zeros(0))

    return Contender("gramian", fit)


def limits(X: Array, y: Array) -> list[Contender]:
    """What every race of an array is held against."""
    return [
        Contender(NORMAL, lambda: np.linalg.solve(X.T @ X, X.T @ y)),
        Contender(READ, lambda: read_by_two(X)),
    ]


def in_memory(shape: tuple[int, int], sizes: Sizes) -> Race:
    """A matrix in memory, `digits=8`, against the normal equation, one read, and packages that fit it."""
    rows, columns = shape_of(shape, sizes)
    X, y = problem(rows, columns)
    normal, read = SHAPES[shape]
    contenders = [own(X, y), *limits(X, y)]
    bars = [Bar("gramian", NORMAL, normal), Bar("gramian", READ, read)]
    for name, made, bar, widest in ((INTELEX, intelex, 1.0, 2_000), (GLUM, glum, FREE, GLUM_COLUMNS)):
        if columns <= widest and (fit := made(X, y)) is not None:
            contenders.append(Contender(name, fit))
            bars.append(Bar("gramian", name, bar if shape == (20_000, 2000) else FREE))
    return Race(name_of(shape), f"{rows:,} x {columns:,} array in memory", contenders, bars, _alike(contenders))


def of_rows(rows: int, sizes: Sizes) -> Race:
    """Ten columns of so many rows in memory, beside the averages of the same columns by DuckDB."""
    name, rows = f"rows-{rows}", rows if sizes.array >= 1_000_000 else min(rows, 200_000)
    X, y = problem(rows, 10)
    contenders = [own(X, y), *limits(X, y)]
    if (averages := duckdb_averages(X, y) if rows <= 10_000_000 else None) is not None:
        contenders.append(Contender(AVERAGES, averages))
    if rows <= ONLINE_ROWS and (online := polars_online(X, y)) is not None:
        contenders.append(Contender(ONLINE, online))
    bars = [Bar("gramian", c.name, FREE) for c in contenders[1:]]
    alike = frozenset(c.name for c in contenders) & {"gramian", ONLINE}
    # small fits are timed more often
    return Race(name, f"{rows:,} x 10 array in memory", contenders, bars, alike, times=5 if rows < 100_000 else 1)


def careful(shape: tuple[int, int], sizes: Sizes) -> Race:
    """The pass for a residual in higher precision alone, with the correction, beside one product X b."""
    rows, columns = shape_of(shape, sizes)
    X, y = problem(rows, columns)
    b = np.ones(columns)
    return Race(
        f"careful-{name_of(shape)}",
        f"{rows:,} x {columns:,}: one residual pass",
        [Contender("careful pass", careful_pass(X, y)), Contender(PRODUCT, lambda: X @ b)],
        [Bar("careful pass", PRODUCT, CAREFUL_BAR if library() is None else COMPILED_BAR)],
    )


def careful_pass(X: Array, y: Array) -> Callable[[], object]:
    """The refinement of a fit of 12 digits, which takes one pass; what comes before is done once."""
    calls: list[Callable[[], object]] = []
    refine = escalate.refine

    def kept(*given: object, **options: object) -> object:
        calls.append(partial(refine, *given, **options))  # type: ignore[arg-type]
        return calls[-1]()

    with patch.object(escalate, "refine", kept):
        gm.ols("y ~ X", {"X": X, "y": y}, digits=12)
    return calls[0]


def exact(shape: tuple[int, int], sizes: Sizes) -> Race:
    """Sums without rounding, beside the plain fit and the normal equation."""
    rows, columns = shape_of(shape, sizes)
    X, y = problem(rows, columns)
    contenders = [
        Contender("exact", lambda: gm.ols("y ~ X", {"X": X, "y": y}, exact=True).std_errors),
        own(X, y),
        *limits(X, y)[:1],
    ]
    bars = [Bar("exact", NORMAL, EXACT[shape]), Bar("exact", "gramian", FREE)]
    return Race(f"exact-{name_of(shape)}", f"{rows:,} x {columns:,}: exact sums", contenders, bars)


def absorbed(network: Network, sizes: Sizes) -> Race:
    """Absorbed factors of a frame in memory, against fereg and pyfixest where these are installed."""
    data = network.data(1.0 if sizes.array >= 1_000_000 else 1 / SCALED_DOWN)
    frame = pd.DataFrame(data)
    contenders = [Contender("gramian", lambda: slopes(gm.ols(network.formula, frame)))]
    bars = []
    for name, bar in network.bars.items():
        if (peer := PEERS[name](network.formula, frame)) is not None:
            contenders.append(Contender(name, peer))
            bars.append(Bar("gramian", name, bar))
    what = network.formula.partition("|")[2].strip()
    return Race(network.name, f"{len(frame):,} rows, {network.name}: {what}", contenders, bars, _alike(contenders))


def _alike(contenders: list[Contender]) -> frozenset[str]:
    """The contenders whose coefficients are compared."""
    return frozenset(c.name for c in contenders) - {NORMAL, READ}


def read_by_two(X: Array) -> float:
    """The sum of all values, each half of the rows on a thread of its own."""
    half, out = len(X) // 2, [0.0, 0.0]

    def add(i: int, part: Array) -> None:
        out[i] = float(part.sum())

    threads = [Thread(target=add, args=(i, part)) for i, part in enumerate((X[:half], X[half:]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(out)


def slopes(fit: gm.LinearFit) -> Answer:
    """Slopes, which have to be alike; packages count the degrees of freedom of several factors differently."""
    _ = fit.std_errors
    return Answer(fit.coefficients, np.zeros(0))


PEERS = {"fereg": fereg, "pyfixest": pyfixest}


def name_of(shape: tuple[int, int]) -> str:
    """Rows x columns."""
    return f"{shape[0]}x{shape[1]}"


def _races() -> Iterator[tuple[str, Callable[[Sizes], Race]]]:
    """All races by name, the small ones of each kind first."""
    kinds: tuple[tuple[str, Callable[..., Race], Iterable[tuple[int, int]]], ...] = (
        ("", in_memory, SHAPES),
        ("careful-", careful, CAREFUL),
        ("exact-", exact, EXACT),
    )
    yield from ((f"rows-{rows}", partial(_timely, of_rows, rows)) for rows in ROWS)
    for prefix, made, shapes in kinds:
        yield from ((f"{prefix}{name_of(shape)}", partial(_timely, made, shape)) for shape in shapes)
    yield from ((network.name, partial(_timely, absorbed, network)) for network in (*LEVELS, *NETWORKS))


def _timely(made: Callable[..., Race], what: object, sizes: Sizes) -> Race:
    """A race that ends in time."""
    return replace(made(what, sizes), seconds=SECONDS)


PROGRAM = Program(
    "range",
    "The whole range of sizes, as ratios to others and to one read of the data.",
    dict(_races()),
    {},
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
