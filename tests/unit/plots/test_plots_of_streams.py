from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from unit.plots.pictured import png, straight, texts

import gramian as gm
from gramian.plots.bins import CELLS, Bins
from gramian.plots.sample import MAX_POINTS, Extremes, Sample


def batches(count, rows=20_000):
    for seed in range(count):
        yield straight(rows, seed)


def test_a_sample_is_even_and_does_not_depend_on_how_rows_come():
    whole, parts = Sample(500), Sample(500)
    numbers = np.arange(100_000, dtype=float)
    whole.add(numbers)
    for cut in np.split(numbers, [1, 70, 4_000, 50_000]):
        parts.add(cut)
    assert np.array_equal(whole[0], parts[0])
    gaps = np.diff(whole[0])
    assert len(whole) == 500
    assert len(np.unique(gaps)) <= 3  # multiples of the golden ratio leave gaps of three lengths
    assert gaps.max() < 700
    assert whole.description == "500 of 100,000 rows, drawn evenly"


def test_a_short_stream_is_kept_whole():
    sample = Sample()
    sample.add(np.arange(7.0))
    assert sample.is_complete
    assert sample.description == "7 rows"


def test_extremes_are_the_largest_of_all():
    rng = np.random.default_rng(0)
    keys, found = rng.normal(size=1000), Extremes(3)
    keys[5] = np.nan
    for start in range(0, 1000, 90):
        rows = np.arange(start, min(start + 90, 1000))
        found.add(keys[rows], rows, -keys[rows])
    order = np.argsort(-np.nan_to_num(keys, nan=-9))[:3]
    assert found.numbers.tolist() == order.tolist()
    assert found[0] == pytest.approx(-keys[order])


def test_groups_hold_all_rows_whatever_their_order():
    rng = np.random.default_rng(0)
    x = np.concatenate([[0.0], rng.normal(size=3000), rng.uniform(-1e6, 1e6, 50)])
    y, w = 2 * x + rng.normal(size=len(x)), rng.uniform(1, 2, len(x))
    bins = Bins()
    for i in range(0, len(x), 100):
        bins.add(x[i : i + 100], y[i : i + 100], 2 * x[i : i + 100], w[i : i + 100])
    groups = bins.groups()
    assert bins.sums.shape == (6, CELLS)
    assert groups.rows.sum() == len(x)
    assert groups.rows.min() >= 20
    assert (groups.x * groups.weight).sum() == pytest.approx((w * x).sum(), rel=1e-9, abs=1e-3)
    assert (groups.y * groups.weight).sum() == pytest.approx((w * y).sum(), rel=1e-9, abs=1e-3)
    assert (np.diff(groups.x) > 0).all()
    assert bins.counts(10)[1].sum() == len(x)


def test_errors_of_groups_are_those_of_means():
    rng = np.random.default_rng(4)
    bins, y = Bins(), rng.normal(size=400)
    bins.add(np.full(400, 5.0), y)
    groups = bins.groups()
    assert groups.y == pytest.approx([y.mean()])
    assert groups.error == pytest.approx([y.std(ddof=1) / 20])


def test_large_data_are_sampled_and_said_to_be():
    data = list(batches(2))
    fit = gm.ols("y ~ x", data)
    for kind in ("line", "residuals"):
        figure = fit.plot(data, kind=kind)
        assert f"{MAX_POINTS:,} of 40,000 rows, drawn evenly" in texts(figure)
        assert "means of groups of all rows, with 95 % intervals" in texts(figure)
        assert len(figure.axes[0].collections[0].get_offsets()) == MAX_POINTS
        png(figure)


def test_a_stream_is_read_once():
    fit = gm.ols("y ~ x + z", straight())
    figure = fit.plot(iter(batches(2)))
    assert f"{MAX_POINTS:,} of 40,000 rows, drawn evenly" in texts(figure)


def test_memory_does_not_grow_with_the_rows():
    fit = gm.ols("y ~ x + z + group", straight())
    fit.plot(batches(1))
    peaks = []
    for count in (4, 24):
        tracemalloc.start()
        fit.plot(batches(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]
