"""Panels whose absorbed factors make easy and hard graphs: random ones, low mobility, paths, regions, Zipf's law."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FREE = 1e9
Codes = NDArray[np.int64]
Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Network:
    """A panel.

    Attributes
    ----------
    name : str
        Its name.
    factors : callable
        Generator and scale -> for each factor its codes, one a row.
    columns : int
        Number of numeric columns.
    bars : mapping
        Peer -> at most so many times its time.
    """

    name: str
    factors: Callable[[Generator, float], Mapping[str, Codes]]
    columns: int
    bars: Mapping[str, float]

    @property
    def formula(self) -> str:
        """The regression of all columns with the factors absorbed."""
        names = self.factors(np.random.default_rng(0), 1e-3)
        return f"y ~ {' + '.join(f'x{i}' for i in range(self.columns))} | {' + '.join(names)}"

    def data(self, scale: float = 1.0) -> dict[str, Any]:
        """Columns, factors and an outcome with every slope one. scale : share of the rows and levels."""
        rng = np.random.default_rng(5)
        codes = self.factors(rng, scale)
        rows = len(next(iter(codes.values())))
        columns = {f"x{i}": rng.standard_normal(rows) for i in range(self.columns)}
        y = sum(columns.values()) + rng.standard_normal(rows)
        for code in codes.values():
            y = y + rng.standard_normal(int(code.max()) + 1)[code]
        return {**columns, **codes, "y": y}


def _random(**levels: int) -> Callable[[Generator, float], Mapping[str, Codes]]:
    """Two million rows with independent levels."""

    def made(rng: Generator, scale: float) -> Mapping[str, Codes]:
        rows = int(2_000_000 * scale)
        return {name: rng.integers(0, max(int(n * scale), 20), rows) for name, n in levels.items()}

    return made


def _three(rng: Generator, scale: float) -> Mapping[str, Codes]:
    rows = int(200_000 * scale)
    return {f"f{n}": rng.integers(0, max(int(n * scale), 5), rows) for n in (20_000, 3_000, 500)}


def _low_mobility(rng: Generator, scale: float) -> Mapping[str, Codes]:
    rows = int(1_000_000 * scale) // 5 * 5
    worker = np.repeat(np.arange(rows // 5), 5)
    moves = rng.integers(0, 3, rows) * (rng.random(rows) < 0.1)
    return {"worker": worker, "firm": (worker // 20 + moves) % max(int(10_000 * scale), 10)}


def _path(rng: Generator, scale: float) -> Mapping[str, Codes]:
    workers, firms = int(200_000 * scale), max(int(50_000 * scale), 10)
    worker = np.repeat(np.arange(workers), 5)
    moved = (np.arange(len(worker)) % 5 == 4) & (worker % 4 == 3)
    return {"worker": worker, "firm": np.minimum(worker // 4 + moved, firms - 1)}


def _regions(rng: Generator, scale: float) -> Mapping[str, Codes]:
    workers, firms = int(200_000 * scale), max(int(20_000 * scale), 400)
    worker, each = np.repeat(np.arange(workers), 5), firms // 200
    firm = worker % 200 * each + rng.integers(0, each, len(worker))
    return {
        "worker": worker,
        "firm": np.where(rng.random(len(worker)) < 0.002, rng.integers(0, firms, len(worker)), firm),
    }


def _zipf(rng: Generator, scale: float) -> Mapping[str, Codes]:
    workers, firms = int(300_000 * scale), max(int(60_000 * scale), 20)
    share = np.arange(1.0, firms + 1.0) ** -0.9
    share /= share.sum()
    worker = np.repeat(np.arange(workers), 4)
    home = rng.choice(firms, workers, p=share)[worker]
    moved = rng.random(len(worker)) < 0.06
    return {"worker": worker, "firm": np.where(moved, rng.choice(firms, len(worker), p=share), home)}


def _sparse(rng: Generator, scale: float) -> Mapping[str, Codes]:
    workers, firms = int(400_000 * scale), max(int(100_000 * scale), 20)
    worker = np.repeat(np.arange(workers), 3)
    home, mover = rng.integers(0, firms, workers), rng.random(workers) < 0.15
    moved = (np.arange(len(worker)) % 3 == 2) & mover[worker]
    return {"worker": worker, "firm": np.where(moved, rng.integers(0, firms, len(worker)), home[worker])}


def _bars(fereg: float, pyfixest: float = FREE) -> dict[str, float]:
    return {"fereg": fereg, "pyfixest": pyfixest}


def _levels(count: int) -> Callable[[Generator, float], Mapping[str, Codes]]:
    """Two million rows with one factor of so many levels."""

    def made(rng: Generator, scale: float) -> Mapping[str, Codes]:
        rows = int(2_000_000 * scale)
        return {"f": rng.integers(0, min(count, max(rows // 2, 2)), rows)}

    return made


LEVELS = tuple(Network(f"levels-{10**k}", _levels(10**k), 5, _bars(FREE)) for k in range(1, 7))
NETWORKS = (
    Network("firm", _random(firm=200_000), 10, _bars(1.3)),
    Network("firm+year", _random(firm=200_000, year=20), 10, _bars(1.8)),
    Network("firm+worker", _random(firm=200_000, worker=400_000), 10, _bars(1.5)),
    Network("three", _three, 3, _bars(FREE, 1.5)),
    Network("low-mobility", _low_mobility, 5, {"fereg": 6.0}),
    Network("path", _path, 3, {"fereg": FREE}),
    Network("regions", _regions, 3, {"fereg": FREE}),
    Network("zipf", _zipf, 3, {"fereg": FREE}),
    Network("sparse", _sparse, 3, {"fereg": FREE}),
)
