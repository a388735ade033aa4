"""The whole range of sizes: columns from 5 to 5,000, absorbed factors of every kind, careful passes.

python benchmarks/range.py [--only NAME]... [--rounds N] [--quick] [--json FILE]

`python benchmarks/range_picture.py FILE.json PICTURE` draws the ratios.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from threading import Thread

import numpy as np
import pandas as pd
from command import Program, main
from networks import NETWORKS, Network
from numpy.typing import NDArray
from problems import Sizes
from runner import FREE, Answer, Bar, Contender, Race

import gramian as gm

Array = NDArray[np.float64]
NORMAL, READ, INTELEX, FEREG, PYFIXEST = (
    "numpy normal equation",
    "one read",
    "scikit-learn-intelex",
    "fereg",
    "pyfixest",
)
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
CAREFUL = {(1_000_000, 50): 10.0, (100_000, 300): 10.0}
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


def in_memory(shape: tuple[int, int], sizes: Sizes) -> Race:
    """A matrix in memory, `digits=8`, against the normal equation and one read."""
    rows, columns = shape_of(shape, sizes)
    X, y = problem(rows, columns)
    normal, read = SHAPES[shape]
    contenders = [
        Contender("gramian", lambda: gm.ols("y ~ X", {"X": X, "y": y}, digits=8).std_errors),
        Contender(NORMAL, lambda: np.linalg.solve(X.T @ X, X.T @ y)),
        Contender(READ, lambda: read_by_two(X)),
    ]
    bars = [Bar("gramian", NORMAL, normal), Bar("gramian", READ, read)]
    if shape == (20_000, 2000) and (fit := intelex(X, y)):
        contenders.append(Contender(INTELEX, fit))
        bars.append(Bar("gramian", INTELEX, 1.0))
    return Race(name_of(shape), f"{rows:,} x {columns:,} array in memory", contenders, bars)


def careful(shape: tuple[int, int], sizes: Sizes) -> Race:
    """A fit with a pass for the residual in higher precision, beside one without it and one product X b."""
    rows, columns = shape_of(shape, sizes)
    X, y = problem(rows, columns)
    b = np.ones(columns)
    return Race(
        f"careful-{name_of(shape)}",
        f"{rows:,} x {columns:,}: what a residual pass adds to a fit",
        [
            Contender("two passes", lambda: gm.ols("y ~ X", {"X": X, "y": y}, digits=12)),
            Contender("one pass", lambda: gm.ols("y ~ X", {"X": X, "y": y}, digits=4)),
            Contender("X @ b", lambda: X @ b),
        ],
        [Bar("two passes", "one pass", FREE), Bar("two passes", "X @ b", FREE)],
    )


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
    alike = frozenset({"gramian", *(c.name for c in contenders[1:])})
    return Race(
        network.name, f"{len(frame):,} rows, {network.formula.partition('|')[2].strip()}", contenders, bars, alike
    )


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


def intelex(X: Array, y: Array) -> Callable[[], object] | None:
    """LinearRegression of scikit-learn-intelex; None where it is not installed."""
    try:
        from sklearnex.linear_model import LinearRegression
    except ImportError:
        return None
    return lambda: LinearRegression().fit(X, y).coef_


def fereg(formula: str, frame: pd.DataFrame) -> Callable[[], Answer] | None:
    """`fereg.feols`, or None where it is not installed."""
    try:
        from fereg import feols
    except ImportError:
        return None
    return partial(_answer, feols, formula, frame)


def pyfixest(formula: str, frame: pd.DataFrame) -> Callable[[], Answer] | None:
    """`pyfixest.feols`, or None where it is not installed."""
    try:
        from pyfixest import feols
    except ImportError:
        return None
    return partial(_answer, feols, formula, frame)


def _answer(feols: Callable[..., object], formula: str, frame: pd.DataFrame) -> Answer:
    fit = feols(formula, frame, vcov="iid", fixef_rm="none")
    fit.se()  # type: ignore[attr-defined]
    return Answer(np.asarray(fit.coef()), np.zeros(0))  # type: ignore[attr-defined]


def slopes(fit: gm.LinearFit) -> Answer:
    """Slopes, which have to be alike; packages count the degrees of freedom of several factors differently."""
    _ = fit.std_errors
    return Answer(fit.coefficients, np.zeros(0))


PEERS = {"fereg": fereg, "pyfixest": pyfixest}


def name_of(shape: tuple[int, int]) -> str:
    """Rows x columns."""
    return f"{shape[0]}x{shape[1]}"


PROGRAM = Program(
    "range",
    "The whole range of sizes, as ratios to others and to one read of the data.",
    {name_of(shape): partial(in_memory, shape) for shape in SHAPES}
    | {f"careful-{name_of(shape)}": partial(careful, shape) for shape in CAREFUL}
    | {network.name: partial(absorbed, network) for network in NETWORKS},
    {},
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
