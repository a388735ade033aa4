"""Text that becomes a factor although it hardly can be meant: a warning with the reason."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import DataError, DataWarning, SchemaError

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


TEXTS = {
    "thousands": ["47,386.0", "1,250.5", "2,001.0"],
    "comma": ["3,5", "4,25", "17,0"],
    "percent": ["12 %", "7.5 %", "3%"],
}
CALLS = {
    "outcome": lambda path: gm.ols("v ~ x", path),
    "function": lambda path: gm.ols("x ~ log(v)", path),
    "offset": lambda path: gm.ols("x ~ 1 + offset(v)", path),
    "weights": lambda path: gm.ols("x ~ 1", path, weights="v"),
    "counts": lambda path: gm.ols("x ~ 1", path, counts="v"),
    "two levels": lambda path: gm.glm("v ~ x", path, family="binomial"),
    "curve": lambda path: gm.curve("v ~ a * x", path),
    "curve's weights": lambda path: gm.curve("x ~ a * z", path, weights="v"),
}


@pytest.mark.parametrize("use", CALLS)
@pytest.mark.parametrize("kind", TEXTS)
def test_text_in_the_place_of_a_number_says_how_it_is_read(kind, use, tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f'"{TEXTS[kind][i % 3]}",{i},{i * i}\n' for i in range(30))
    path.write_text("v,x,z\n" + rows.replace(TEXTS[kind][0], "NA", 1), encoding="utf-8")
    reason = COLUMNS[kind][1].partition(":")[0].replace("they are", "its values are")
    with pytest.raises(DataError, match=f"'v'.*; {reason}"):
        CALLS[use](path)


def test_other_text_in_the_place_of_a_number_has_no_such_hint(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("v,x\nlow,1\nhigh,2\n3 or 4,3\n", encoding="utf-8")
    with pytest.raises(SchemaError, match=r"the outcome 'v' is text; this model needs numbers$"):
        gm.ols("v ~ x", path)


@pytest.mark.parametrize("table", [dict, pa.table, pd.DataFrame])
def test_text_of_a_frame_says_so_as_well(table):
    data = table({"v": ["3,5", None, "4,25", "17,0"], "x": [1, 2, 3, 4]})
    with pytest.raises(SchemaError, match=r"the outcome 'v' is text.*; its values are numbers with decimal commas"):
        gm.ols("v ~ x", data)
