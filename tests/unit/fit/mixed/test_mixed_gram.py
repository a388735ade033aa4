"""Mixed models and panels of a Gram are those of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.errors import ColumnError, OptionError, SchemaError

SLOPES = "y ~ x + f + (1 + x | firm)"


def rows(n=240):
    rng = np.random.default_rng(1)
    firm, x, f = rng.integers(0, 20, n), rng.normal(size=n), rng.integers(0, 3, n)
    y = 1 + 2 * x + f + rng.normal(size=20)[firm] * (1 + 0.5 * x) + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "f": np.array(list("abc"))[f], "firm": firm, "w": rng.uniform(1, 2, n)})


@pytest.mark.parametrize("weights", [None, "w"])
def test_a_mixed_model_is_that_of_the_rows(weights):
    data = rows()
    parts = [gm.gram("y ~ x + f", part, cluster="firm", weights=weights) for part in (data[:99], data[99:])]
    fit, known = (parts[0] + parts[1]).mixed(SLOPES), gm.mixed(SLOPES, data, weights=weights)
    np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.mixed.random[0].covariance, known.mixed.random[0].covariance, rtol=1e-7)
    np.testing.assert_allclose([fit.deviance, fit.sigma], [known.deviance, known.sigma], rtol=1e-9)
    np.testing.assert_allclose(fit.predict(data), known.predict(data), rtol=1e-7)


def test_panels_are_those_of_the_rows():
    data = rows()
    gram = gm.gram("y ~ x + f + w", data, cluster="firm")
    for name in ("random_effects", "mundlak", "between"):
        fit, known = getattr(gram, name)("y ~ x + f"), getattr(gm, name)("y ~ x + f", data, panel="firm")
        np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-9)
        np.testing.assert_allclose(fit.std_errors, known.std_errors, rtol=1e-9)


def test_messages():
    gram = gm.gram("y ~ x + f", rows(), cluster="firm")
    with pytest.raises(OptionError, match=r"stores sums by firm; make it with gm\.gram\(\.\.\., cluster='year'\)"):
        gram.mixed("y ~ x + (1 | year)")
    with pytest.raises(ColumnError, match="this Gram: no column 'z'"):
        gram.mixed("y ~ z + (1 | firm)")
    with pytest.raises(OptionError, match="no sums within groups"):
        gm.gram("y ~ x", rows()).random_effects("y ~ x")
    with pytest.raises(OptionError, match="take no weights"):
        gm.gram("y ~ x", rows(), cluster="firm", weights="w").between("y ~ x")
    with pytest.raises(SchemaError, match=r"I\(x\^2\)|x\^2"):
        gram.mixed("y ~ I(x^2) + (1 | firm)")
