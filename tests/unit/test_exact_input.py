"""Decimals and times that float64 would round: exact, or refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from gramian.batch import Batch
from gramian.errors import DataError

ROWS = 20
Y = np.random.default_rng(0).normal(size=ROWS)
MICROSECONDS = [1_700_000_000_000_000 + 7 * i + i * i % 5 for i in range(ROWS)]
IDENTIFIERS = pa.array([Decimal(10**17 + i // 2) for i in range(ROWS)], pa.decimal128(18, 0))


def exact_slope(x: list[Fraction]) -> float:
    y = [Fraction(value) for value in Y.tolist()]
    x_mean, y_mean = sum(x) / ROWS, sum(y) / ROWS
    products = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True))
    return float(products / sum((a - x_mean) ** 2 for a in x))


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.duration("us"), pa.timestamp("ns"), pa.time64("ns")], ids=str)
def test_exact_sums_take_times_as_they_are_stored(kind):
    ticks = [us % 86_400_000_000 if pa.types.is_time(kind) else us for us in MICROSECONDS]
    places = 10**6 if kind.unit == "us" else 10**9
    # nanoseconds that are not whole microseconds have no place in float64, but in the integers
    ticks = ticks if kind.unit == "us" else [1000 * us for us in ticks]
    fit = gm.ols("y ~ as_number(t)", {"y": Y, "t": pa.array(ticks, kind)}, exact=True)
    assert fit.coefficients[1] == exact_slope([Fraction(tick, places) for tick in ticks])


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_are_rounded_once(unit):
    per_second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ticks = [us * per_second // 10**6 for us in MICROSECONDS]
    found = Batch(ROWS, {"t": pa.array(ticks, pa.timestamp(unit))}).numbers("t").values
    assert found.tolist() == [tick / per_second for tick in ticks]


def test_times_that_float64_would_make_equal_are_refused():
    times = pa.array([1000 * us + 1 for us in MICROSECONDS], pa.timestamp("ns"))
    with pytest.raises(DataError, match="column 't' holds timestamp\\[ns\\] with more digits than float64 has"):
        gm.ols("y ~ as_number(t)", {"y": Y, "t": times})


@pytest.mark.parametrize("formula", ["y ~ d", "y ~ factor(d)", "y ~ 1 | d"])
def test_decimals_beyond_2_to_53_are_refused(formula):
    with pytest.raises(DataError, match="column 'd' holds the decimal 100000000000000009, beyond 2\\^53"):
        gm.ols(formula, {"y": Y, "d": IDENTIFIERS})


def test_decimals_as_clusters_are_not_merged():
    with pytest.raises(DataError, match="column 'd' holds the decimal 100000000000000009, beyond 2\\^53"):
        gm.ols("y ~ 1", {"y": Y, "d": IDENTIFIERS}, vcov={"cluster": "d"})


def test_decimals_of_many_places_are_numbers():
    values = [Decimal(i * i) / 7 for i in range(ROWS)]
    table = {"y": Y, "d": pa.array([round(v, 18) for v in values], pa.decimal128(38, 18))}
    assert gm.ols("y ~ d", table).coefficients[1] == pytest.approx(
        exact_slope([Fraction(v) for v in values]), rel=1e-12
    )
