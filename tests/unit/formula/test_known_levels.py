"""Rows with levels that a fit has not seen: an error, or no prediction."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import DataError, OptionError

RNG = np.random.default_rng(8)
ROWS = 60
DATA = {
    "f": np.array(list("abc") * 20),
    "k": np.repeat(np.arange(3000, 3010), 6),
    "x": RNG.normal(size=ROWS),
    "y": RNG.normal(size=ROWS),
    "hit": RNG.integers(0, 2, ROWS).astype(float),
}
NEW = pa.table({"f": ["a", "d", None, "c"], "k": [3000, 3001, 3002, 1], "x": [0.5, 1.0, 1.5, 2.0]})
KNOWN = pa.table({"f": ["a"], "k": [3000], "x": [0.5]})
FITS = {
    "factor": (lambda: gm.ols("y ~ f + x", DATA), [True, False, False, True]),
    "interaction": (lambda: gm.ols("y ~ f * x", DATA), [True, False, False, True]),
    "integers": (lambda: gm.ols("y ~ factor(k)", DATA), [True, True, True, False]),
    "absorbed": (lambda: gm.ols("y ~ x | k", DATA), [True, True, True, False]),
    "no factor": (lambda: gm.ols("y ~ x", DATA), [True] * 4),
    "glm": (lambda: gm.glm("hit ~ f + x", DATA), [True, False, False, True]),
    "penalized": (lambda: gm.gram("y ~ f + x", DATA).path()[3], [True, False, False, True]),
}


@pytest.mark.parametrize("name", FITS)
def test_other_levels_have_no_prediction(name):
    make, there = FITS[name]
    fit = make()
    found = fit.predict(NEW, unseen="null")
    assert np.isfinite(found).tolist() == there
    assert found[0] == fit.predict(KNOWN)[0]
    assert fit.predict(DATA, unseen="null").tolist() == fit.predict(DATA).tolist()
    if not all(there):
        with pytest.raises(DataError, match="which the fit has not seen"):
            fit.predict(NEW)


def test_many_integers_and_texts_far_apart():
    k, (x, y) = np.arange(4000) * 7, np.random.default_rng(2).normal(size=(2, 8000))
    for keys in (k, k.astype(str)):
        fit = gm.ols("y ~ x | k", {"k": np.repeat(keys, 2), "x": x, "y": y})
        other = np.array([k[5], 3]).astype(keys.dtype)
        assert np.isfinite(fit.predict({"k": other, "x": [1.0, 1.0]}, unseen="null")).tolist() == [True, False]


def test_intervals_and_augment():
    fit = gm.ols("y ~ f + x", DATA)
    table = fit.predict(NEW, "prediction", unseen="null")
    assert [table[name].null_count for name in ("fit", "low", "high")] == [2, 2, 2]
    augmented = fit.augment(NEW, unseen="null")
    assert augmented["f"].to_pylist() == ["a", "d", None, "c"]
    assert [value is None for value in augmented[".fitted"].to_pylist()] == [False, True, True, False]
    with pytest.raises(DataError, match="level 'd', which the fit has not seen"):
        fit.augment(NEW)
    assert gm.glm("hit ~ f", DATA).augment(NEW, unseen="null")[".hat"].null_count == 2


def test_options():
    with pytest.raises(OptionError, match="unseen must be one of 'error', 'null', found 'mean'"):
        gm.ols("y ~ x", DATA).predict(NEW, unseen="mean")
