"""Decimals and times that float64 would round: exact, or refused."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from gramian.batch import Batch
from gramian.errors import AccuracyWarning, DataError

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


SPANS = (10**3, 10**6, 10**8, 10**11)  # microseconds, beside 1.7e15 since 1970


def timed(span: int) -> tuple[dict[str, object], list[Fraction]]:
    rng = np.random.default_rng(span)
    ticks = (1_700_000_000_000_000 + np.sort(rng.integers(0, span, ROWS))).tolist()
    return {"y": Y, "t": pa.array(ticks, pa.timestamp("us"))}, [Fraction(tick, 10**6) for tick in ticks]


def right_digits(found: float, truth: float, std_error: float) -> float:
    return -math.log10(max(abs(found - truth) / max(abs(truth), std_error), 1e-16))


@pytest.mark.parametrize("span", SPANS)
def test_digits_of_times_count_their_rounding(span):
    data, seconds = timed(span)
    fit = gm.ols("y ~ as_number(t)", data)
    truth = exact_slope(seconds)
    assert right_digits(fit.coefficients[1], truth, fit.std_errors[1]) >= fit.digits[1] >= 8
    assert fit.tier == ("exact" if span < 10**8 else "refined")  # exact sums take times as they are stored
    iid = gm.ols("y ~ as_number(t)", data, exact=True).std_errors
    assert (-np.log10(np.abs(fit.std_errors / iid - 1.0) + 1e-16) >= fit.std_error_digits).all()


def test_expressions_of_times_are_warned_of():
    data, seconds = timed(10**6)
    with pytest.warns(AccuracyWarning, match=r"float64 rounds the times in I\(as_number\(t\)/60\): subtract"):
        fit = gm.ols("y ~ I(as_number(t) / 60)", data)
    truth = 60 * exact_slope(seconds)
    assert right_digits(fit.coefficients[1], truth, fit.std_errors[1]) >= fit.digits[1]
    assert fit.digits[1] < 8
    # as the message says
    started = [tick - data["t"].cast(pa.int64())[0].as_py() for tick in data["t"].cast(pa.int64()).to_pylist()]
    duration = gm.ols("y ~ I(as_number(t) / 60)", {"y": Y, "t": pa.array(started, pa.duration("us"))})
    assert right_digits(duration.coefficients[1], truth, duration.std_errors[1]) >= duration.digits[1] >= 8


def test_a_gram_of_times_warns_too(tmp_path):
    data, _ = timed(10**6)
    gm.gram("y ~ as_number(t)", data).save(tmp_path / "t.gram")
    with pytest.warns(AccuracyWarning, match="of the 8 digits wanted"):
        gm.load(tmp_path / "t.gram").ols()
