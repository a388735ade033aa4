"""Groups have certified digits as single fits have; what one pass lacks is read again, from the group's rows alone."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import AccuracyWarning, OptionError


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(6)
    rows = 600
    x, group = rng.normal(size=rows), rng.choice(["a", "b"], rows)
    near = x + np.where(group == "b", 1e-5, 1.0) * rng.normal(size=rows)  # in b it is nearly x
    return pa.table(
        {
            "x": x,
            "near": near,
            "y": x - near + rng.normal(size=rows),
            "z": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "group": pa.array(group, mask=np.arange(rows) % 50 == 3),
        }
    )


def test_a_group_with_too_few_digits_is_refined_with_its_own_rows(table):
    fits = gm.ols("y ~ x + near", table, by="group", digits=10)
    assert fits["a"].passes == 1
    for key, fit in fits.items():
        rows = table.filter(pa.array([g == key for g in table["group"].to_pylist()]))
        direct = gm.ols("y ~ x + near", rows, digits=10)
        assert np.nanmin(fit.digits) >= 10
        assert fit.rows == direct.rows
        assert fit.coefficients == pytest.approx(direct.coefficients, rel=1e-9)  # ten digits of the larger of b and s
        assert fit.passes == (1 if key == "a" else direct.passes)


def test_outcomes_are_refined_with_the_rows_that_have_them(table):
    fits = gm.ols("c(y, z) ~ x + near", table, digits=14)
    for outcome, fit in fits.items():
        direct = gm.ols(f"{outcome} ~ x + near", table, digits=14)
        assert fit.rows == direct.rows
        assert fit.passes == direct.passes == 2
        assert fit.coefficients == pytest.approx(direct.coefficients, rel=1e-14)


def test_what_cannot_be_certified_is_told_once_for_all_groups(table):
    batches = iter(table.to_batches(max_chunksize=100))
    with pytest.warns(
        AccuracyWarning, match=r"^group = b: certified digits: .* the data can be read once only"
    ) as caught:
        gm.ols("y ~ x + near", batches, by="group", digits=10)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gm.ols("y ~ x + near", table, by="group", digits=10)


def test_exact_sums_are_for_one_fit(table):
    for refused in (
        lambda: gm.ols("y ~ x", table, by="group", exact=True),
        lambda: gm.ols("c(y, z) ~ x", table, decimal="exact"),
    ):
        with pytest.raises(OptionError, match="exact sums are for one fit at a time"):
            refused()
