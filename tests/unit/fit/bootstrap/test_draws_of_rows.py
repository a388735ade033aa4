"""The bootstrap of rows in one pass: against regressions on the rows, and for any cuts of the same rows."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import poisson

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.fold import accumulate_unit
from gramian.errors import DataError, OptionError
from gramian.fit.bootstrap.numbered_units import SPACING, CountRows, with_starts
from gramian.inference.draws.row_weights import row_weights

N = 400
RNG = np.random.default_rng(0)
X, F, W = RNG.normal(size=N) + 1e4, RNG.choice(list("abc"), N), RNG.uniform(0.5, 2.0, N)
Y = 1 + 0.2 * (X - 1e4) + RNG.normal(size=N)
DATA = pd.DataFrame({"y": Y, "x": X, "f": F, "w": W, "g": RNG.integers(0, 9, N)})
COLUMNS = np.column_stack([np.ones(N), X - 1e4, F == "b", F == "c"]).astype(float)


@pytest.mark.parametrize("kind", ["poisson", "exponential"])
def test_draws_equal_regressions_on_the_rows_with_the_same_weights(kind: str) -> None:
    found = gm.ols("y ~ I(x - 10000) + f", DATA, weights="w").bootstrap(draws=30, weights=kind, seed=7)
    expected = []
    for v in row_weights(kind, 7, 0, N, 30):
        root = np.sqrt(v * W)
        expected.append(np.linalg.lstsq(COLUMNS * root[:, None], Y * root, rcond=None)[0])
    assert_allclose(found.coefficients, expected, rtol=1e-10, atol=1e-12)
    with pytest.raises(OptionError, match="take 'percentile' or 'basic'"):
        found.conf_int(kind="t")


def test_weights_depend_on_the_number_of_the_row_alone() -> None:
    all_rows = row_weights("poisson", 3, 0, 20_000, 20)
    assert_array_equal(row_weights("poisson", 3, 137, 50, 9), all_rows[:9, 137:187])
    assert not (all_rows[:, :100] == row_weights("poisson", 4, 0, 100, 20)).all()
    values, counts = np.unique(all_rows, return_counts=True)
    expected = poisson.pmf(values, 1.0) * all_rows.size
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected) + 5).all()
    close = np.corrcoef(np.vstack([all_rows, np.roll(all_rows[0], 1)])) - np.eye(21)
    assert np.abs(close).max() < 5 / np.sqrt(20_000)
    assert_allclose(row_weights("exponential", 3, 0, 20_000, 8).mean(), 1.0, atol=0.02)


def test_neither_cuts_nor_formats_nor_threads_matter(tmp_path: Path) -> None:
    missing = DATA.assign(x=DATA.x.where(np.arange(N) % 11 != 3))
    fit = gm.ols("y ~ x + f", missing)
    expected = fit.bootstrap(draws=20, seed=5).coefficients
    files = [str(tmp_path / f"{i}.parquet") for i in range(3)]
    for path, rows in zip(files, np.split(np.arange(N), [57, 300]), strict=True):
        pq.write_table(pa.Table.from_pandas(missing.iloc[rows]), path, row_group_size=31)
    missing.to_csv(tmp_path / "all.csv", index=False)
    parts = [missing.iloc[:13], missing.iloc[13:]]
    for data in (files, str(tmp_path / "all.csv"), parts):
        for engine in (gm.Local(threads=1), gm.Local(threads=3)):
            found = fit.bootstrap(data, draws=20, seed=5, engine=engine).coefficients
            assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    # rows that a condition leaves out have no number
    some = gm.ols("y ~ x + f", missing, where="g > 2")
    again = gm.ols("y ~ x + f", missing[missing.g > 2])
    assert_allclose(
        some.bootstrap(draws=8, seed=5).coefficients, again.bootstrap(draws=8, seed=5).coefficients, rtol=1e-9
    )


def test_units_are_counted_where_they_do_not_know_their_rows() -> None:
    units = [DATA.iloc[:5], DATA.iloc[5:5], DATA.iloc[5:]]
    spaced = with_starts(source_of(units), [0, SPACING, 2 * SPACING])
    task = CountRows(("y",))
    counted = sum((accumulate_unit(task, unit) for unit in spaced.units), task.empty)
    assert {i: n for i, n in counted.rows.items() if n} == {0: 5, 2: N - 5}
    assert pickle.loads(pickle.dumps(task)) == task


@pytest.mark.parametrize(
    ("fit", "options", "message"),
    [
        ({"formula": "y ~ x | f"}, {}, "absorbed levels of f"),
        ({"formula": "y ~ x", "counts": "g"}, {}, "not drawn one by one"),
        ({"formula": "y ~ x"}, {"weights": "multinomial"}, "weights"),
        ({"formula": "y ~ x"}, {"by": "row", "cluster": "g"}, "leave cluster= out"),
        ({"formula": "y ~ x"}, {"data": gm.gram("y ~ x", DATA, cluster="g"), "by": "row"}, "a Gram has no rows"),
    ],
)
def test_what_is_refused(fit: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.ols(data=DATA, **fit).bootstrap(**options)


def test_other_rows_and_too_many_draws() -> None:
    fit = gm.ols("y ~ x", DATA)
    with pytest.raises(DataError, match="not the rows of the fit"):
        fit.bootstrap(DATA.head(200), draws=2)
    with pytest.raises(DataError, match=r"more than the .* that they may: take draws="):
        fit.bootstrap(draws=2**40)
    assert fit.bootstrap(draws=3).seed is not None
