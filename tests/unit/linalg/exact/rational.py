"""Sums of products as fractions, one row at a time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from gramian.linalg.columns import Layout, layout
from gramian.linalg.exact.accumulator import ExactAccumulator
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.exact.planes import Planes
from gramian.linalg.monomials import CONSTANT, Monomial, monomial

X, Z, Y = monomial({"x": 1}), monomial({"z": 1}), "~y"
VARIABLES = ("x", "z", Y)
PLAIN = layout({(): [CONSTANT, X, Z]}, (Y,))
POWERS = layout({(): [CONSTANT, X, Z, monomial({"x": 2}), monomial({"x": 1, "z": 1}), monomial({"x": 3})]}, (Y,))
CELLS = layout({(): [CONSTANT, X, Z], ("f",): [CONSTANT, X], ("f", "g"): [CONSTANT]}, (Y,))
LARGEST = float(np.finfo(float).max)
EDGES = (0.0, -0.0, 5e-324, -5e-324, 2.2e-310, LARGEST, -LARGEST, 2.0**53, 2.0**53 - 1, 0.1, 1e300, 1e-300, 1 / 3)

floats = st.one_of(
    st.sampled_from(EDGES),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53).map(float),
    st.floats(-4, 4, width=32),
)


@st.composite
def columns(draw: st.DrawFn, most: int = 40) -> dict[str, np.ndarray]:
    """Adversarial values of x, z and the response, each column of its own type."""
    rows = draw(st.integers(1, most))
    kinds = {
        "float": lambda: np.array(draw(st.lists(floats, min_size=rows, max_size=rows))),
        "float32": lambda: np.array(draw(st.lists(st.floats(-1e9, 1e9, width=32), min_size=rows, max_size=rows)), "f4"),
        "bool": lambda: np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows))),
        "int8": lambda: np.array(draw(st.lists(st.integers(-128, 127), min_size=rows, max_size=rows)), np.int8),
        "int64": lambda: np.array(
            draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=rows, max_size=rows)), np.int64
        ),
    }
    return {v: kinds[draw(st.sampled_from(sorted(kinds)))]() for v in VARIABLES}


def exactly(values: np.ndarray) -> list[Fraction]:
    return [Fraction(v) for v in values.tolist()]


def value(m: Monomial, data: dict[str, list[Fraction]], row: int) -> Fraction:
    out = Fraction(1)
    for variable, power in m:
        out *= data[variable][row] ** power
    return out


def products(sums: Layout, data: dict[str, np.ndarray], times: list[Fraction] | None = None) -> list[list[Fraction]]:
    exact = {v: exactly(x) for v, x in data.items()}
    rows = len(data["x"])
    weights = times or [Fraction(1)] * rows
    written = [[value(m, exact, i) for m in sums.rows] for i in range(rows)]
    width = range(len(sums.rows))
    pairs = list(zip(written, weights, strict=True))
    return [[sum((w * r[i] * r[j] for r, w in pairs), Fraction(0)) for j in width] for i in width]


def told(planes: Planes) -> list[list[Fraction]]:
    rows, width = planes.shape
    return [[planes.fraction(i, j) for j in range(width)] for i in range(rows)]


def sums_of(sums: Layout, data: dict[str, np.ndarray], **options: np.ndarray) -> ExactMoments:
    weighted, counted = "weight" in options, "count" in options
    accumulator = ExactAccumulator(sums, weighted=weighted, counted=counted)
    accumulator.add(data, {}, {}, **options)
    return accumulator.finish({})
