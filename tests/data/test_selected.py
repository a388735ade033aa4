"""Rows of which a condition is true: the fit of the same rows chosen before, and row groups that are not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import DataError, NumericalError

RNG = np.random.default_rng(1)
N = 1000
D = pd.DataFrame({"x": np.arange(N) - 500.0, "c": RNG.choice(list("abc"), N), "k": np.arange(N)})
D["y"], D["n"], D["late"] = 2 * D.x + RNG.normal(size=N), RNG.integers(1, 4, N), RNG.integers(0, 2, N)
D["day"] = pd.date_range("2013-01-01", periods=N).date
WHERE = "x > -100 & c != 'b'"
CHOSEN = D[(D.x > -100) & (D.c != "b")]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sorted rows in ten row groups."""
    path = tmp_path_factory.mktemp("selected") / "d.parquet"
    pq.write_table(pa.Table.from_pandas(D), path, row_group_size=100)
    return path


def numbers(data: Any, where: str) -> list[int]:
    """The numbers of the rows that are selected."""
    return [int(i) for u in source_of(data, where).units for b in u.batches(["k"]) for i in b.numbers("k").values]


FITS: dict[str, Any] = {
    "ols": lambda data, **o: gm.ols("y ~ x + c", data, **o),
    "robust": lambda data, **o: gm.ols("y ~ x + c", data, vcov="HC1", **o),
    "counts": lambda data, **o: gm.ols("y ~ x", data, counts="n", **o),
    "ridge": lambda data, **o: gm.ridge("y ~ x", data, alpha=2.0, **o),
    "absorbed": lambda data, **o: gm.ols("y ~ x | c", data, **o),
    "glm": lambda data, **o: gm.glm("late ~ x", data, **o),
    "curve": lambda data, **o: gm.curve("y ~ a + b*x", data, **o),
    "gram": lambda data, **o: gm.gram("y ~ x + c", data, **o).ols(),
    "exact": lambda data, **o: gm.ols("y ~ x", data, exact=True, **o),
    "groups": lambda data, **o: gm.ols("y ~ x", data, by="c", **o)["a"],
}


@pytest.mark.parametrize("kind", FITS)
def test_a_fit_is_that_of_the_rows_chosen_before(kind: str, path: Path) -> None:
    expected = FITS[kind](CHOSEN)
    for data in (path, D, pa.Table.from_pandas(D)):
        fit = FITS[kind](data, where=WHERE)
        assert fit.rows == expected.rows
        assert_allclose(fit.coefficients, expected.coefficients, rtol=1e-9)
        assert_allclose(fit.std_errors, expected.std_errors, rtol=1e-7)
    assert_allclose(FITS[kind](gm.rows(path, WHERE)).coefficients, expected.coefficients, rtol=1e-9)


@pytest.mark.parametrize(
    ("where", "groups"),
    [
        ("x > 0", 5), ("k == 7", 1), ("k in (5, 950)", 2), ("k < 0", 0), ("-3 < x <= 12", 2), ("300 <= k & k < 400", 1),
        ("k < 50 | k > 949", 2), ("!(k < 50)", 10), ("day < '2013-03-01'", 1), ("c == 'z'", 0), ("1000 < k", 0),
        ("k > 2.5e300", 0), ("k != 7", 10),
    ],
)  # fmt: skip
def test_row_groups_that_hold_no_such_row_are_not_read(path: Path, where: str, groups: int) -> None:
    assert len(tuple(source_of(path, where).units)) == groups
    assert numbers(path, where) == numbers(D, where)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-600, 600), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.booleans())
def test_bounds_never_hide_a_row(path: Path, value: int, comparison: str, mirrored: bool) -> None:
    where = f"{value} {comparison} x" if mirrored else f"x {comparison} {value}"
    assert numbers(path, where) == D.k[D.eval(where)].tolist()


def test_missing_values_and_nan_in_a_row_group(tmp_path: Path) -> None:
    values = [1.0, float("nan"), None, 4.0, None, None]
    pq.write_table(pa.table({"x": values, "k": range(6)}), tmp_path / "d.parquet", row_group_size=2)
    for where, expected in (("x > 0", [0, 3]), ("x == 4", [3]), ("is_null(x)", [1, 2, 4, 5])):
        assert numbers(tmp_path / "d.parquet", where) == expected


def test_columns_of_folder_names(tmp_path: Path) -> None:
    for year in (2013, 2014):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.5]}), tmp_path / f"year={year}" / "d.parquet")
    assert len(tuple(source_of(tmp_path, "year == 2014").units)) == 1
    assert gm.ols("y ~ x", tmp_path, where="year == 2014").rows == 3


def test_a_fit_knows_its_rows_again(path: Path, tmp_path: Path) -> None:
    fit = gm.ols("y ~ x", path, where=WHERE)
    assert f"{len(CHOSEN):,} rows used of {len(CHOSEN):,} where {WHERE}" in str(fit.summary())
    fit.save(tmp_path / "y.fit")
    again = gm.load(tmp_path / "y.fit")
    assert_array_equal(again.predict(), fit.predict(CHOSEN))
    assert fit.with_vcov("HC1", gm.rows(path, WHERE)).rows == len(CHOSEN)
    with pytest.raises(DataError, match="not the rows of the fit"):
        fit.with_vcov("HC1", path)
    assert f"where {WHERE}" in str(gm.plan("y ~ x", path, where=WHERE))


def test_folds_are_of_the_numbers_that_rows_have(path: Path) -> None:
    from_file = gm.gram("y ~ x", path, where=WHERE, folds=5).cross_validate(l1_ratio=0.0)
    from_frame = gm.gram("y ~ x", D, where=WHERE, folds=5).cross_validate(l1_ratio=0.0)
    assert_allclose(from_file.errors, from_frame.errors, rtol=1e-9)


def test_no_row_is_left(path: Path) -> None:
    for where in ("k < 0", "k == 5.5"):
        with pytest.raises(NumericalError, match="there are none, or none meets the condition"):
            gm.ols("y ~ x", path, where=where)
