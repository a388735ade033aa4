"""Text that becomes a factor although it hardly can be meant: a warning with the reason."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gramian as gm
from gramian.errors import DataError, DataWarning

ROWS = 200
Y = np.random.default_rng(0).normal(size=ROWS)
NUMBERS = np.random.default_rng(1).integers(1000, 90_000, ROWS)
COLUMNS = {
    "thousands": (
        [f"{n:,}.0" for n in NUMBERS],
        'they are numbers with thousands: gm.csv.path, thousands=","',
    ),
    "german": (
        [f"{n:,}".replace(",", ".") for n in NUMBERS],
        'they are numbers: gm.csv.path, thousands=".", decimal=","',
    ),
    "comma": ([f"{n // 10},{n % 10}" for n in NUMBERS], "they are numbers with decimal commas"),
    "percent": ([f"{n / 1000} %" for n in NUMBERS], "they are numbers with a percent sign"),
    "currency": ([f"${n}" for n in NUMBERS], "they are amounts with a sign of currency"),
    "date": ([f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.{1900 + n % 119}" for n in NUMBERS], "they are dates"),
    "text": ([str(n) for n in NUMBERS], "they are numbers that are stored as text"),
    "names": ([f"name {i}" for i in range(ROWS)], "so it is a factor with a coefficient for each; factor.x. says"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_text_that_is_hardly_a_factor(kind):
    texts, reason = COLUMNS[kind]
    with pytest.warns(
        DataWarning, match=f"column 'x' is text with .* different values in the first 200 rows.*{reason}"
    ):
        gm.ols("y ~ x", {"y": Y, "x": texts})
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        gm.ols("y ~ factor(x)", {"y": Y, "x": texts})


def test_few_rows_and_few_levels_are_ordinary_factors():
    groups = {"y": Y, "x": [f"{n % 9},{n % 2}" for n in NUMBERS], "g": [f"{n % 5}0%" for n in NUMBERS]}
    gm.ols("y ~ g", groups)
    gm.ols("y ~ x", {"y": Y[:12], "x": [f"name {i}" for i in range(12)]}, collinear="drop")
    gm.ols("y ~ 1 | x", {"y": Y, "x": [f"name {i}" for i in range(ROWS)]})


def test_integers_beyond_every_type_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,x\n" + "".join(f"{y},{10**20 + i}\n" for i, y in enumerate(Y)), encoding="utf-8")
    with pytest.raises(DataError, match=r"column 'x' holds integers such as 1000000000000000000\d\d, beyond 2\^63"):
        gm.ols("y ~ x", path)
    assert gm.ols("y ~ factor(x)", path).rows == ROWS
