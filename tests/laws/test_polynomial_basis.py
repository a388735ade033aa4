"""Orthogonal polynomials of values in groups that are far apart: rounding of the basis is no part of the answer."""

from __future__ import annotations

import numpy as np
import pytest

import gramian as gm
from gramian.errors import NumericalError


def groups(seed: int, apart: float) -> dict[str, np.ndarray]:
    """Two groups of values of width 1, this far apart, in random order."""
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.choice([0.0, apart], 500), 1.0)
    return {"x": x, "y": rng.normal(size=500)}


@pytest.mark.parametrize("apart", [1e3, 1e6, 1e8])
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_no_certified_digit(seed, apart):
    data = groups(seed, apart)
    order = np.random.default_rng(seed + 10).permutation(500)
    fit = gm.ols("y ~ poly(x, 3)", data)
    other = gm.ols("y ~ poly(x, 3)", {name: values[order] for name, values in data.items()})
    allowed = 2.0 * 10.0 ** -np.minimum(fit.digits, other.digits)
    assert (np.abs(fit.coefficients - other.coefficients) <= allowed * np.abs(fit.coefficients)).all()


def test_many_values_in_two_groups_are_not_taken_for_two_values(tmp_path):
    data = groups(0, 1e8)
    fit = gm.ols("y ~ poly(x, 3)", data)
    assert fit.rank == 4
    # the columns span what they span: predictions are those of the raw powers in exact sums
    raw = gm.ols("y ~ poly(x, 3, raw=True)", data, exact=True)
    np.testing.assert_allclose(fit.predict(data), raw.predict(data), rtol=1e-9, atol=1e-9)
    fit.save(tmp_path / "f.fit")
    assert gm.load(tmp_path / "f.fit").predict(data).tolist() == fit.predict(data).tolist()


@pytest.mark.parametrize("exact", [False, True])
def test_three_values_have_no_polynomial_of_degree_three(exact):
    data = {"x": np.tile([0.1, 1e6, 3e6], 20), "y": np.arange(60.0)}
    with pytest.raises(NumericalError, match=r"poly\(x, 3\): degree must be less than the number of distinct values"):
        gm.ols("y ~ poly(x, 3)", data, exact=exact)
