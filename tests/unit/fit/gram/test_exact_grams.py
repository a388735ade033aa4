"""Exact sums in a Gram: the same digest whatever was added and taken away, on the way to a file and back."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from math import prod

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import ArtifactError, NumericalError, SchemaError
from gramian.fit.gram.result import Gram
from gramian.fit.gram.submodel import design_and_moments
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.exact.to_float64 import to_float64
from gramian.linalg.monomials import Coordinate
from gramian.serialize import file as store

RNG = np.random.default_rng(7)
ROWS = 90
TABLE = pa.table(
    {
        "x": RNG.normal(1e5, 1.0, ROWS),
        "z": RNG.normal(size=ROWS) * 10.0 ** RNG.integers(-9, 9, ROWS),
        "w": RNG.uniform(0.5, 2, ROWS),
        "f": np.sort(RNG.choice(list("abc"), ROWS)),
        "g": RNG.choice(list("uv"), ROWS),
        "y": np.where(np.arange(ROWS) == 3, np.inf, RNG.normal(size=ROWS)),
    }
)


def exact(formula: str, table: pa.Table, **options: str) -> Gram:
    return gm.gram(formula, table, exact=True, engine=gm.Local(1), **options)


FORMULAS = ("y ~ x*f + z", "y ~ f:g:x + scale(z)", "y ~ poly(x, 2) + g")


@pytest.mark.parametrize("options", [{}, {"weights": "w"}])
@pytest.mark.parametrize("formula", FORMULAS)
def test_what_is_added_can_be_taken_away_without_a_trace(formula, options):
    a, b, c = (exact(formula, TABLE.slice(*part), **options) for part in ((0, 30), (30, 25), (55, 35)))
    whole = exact(formula, TABLE, **options)
    assert (a + b + c).digest == (c + (a + b)).digest == whole.digest
    assert (whole.digest, a.rows) != (a.digest, 30)
    assert ((a + b + c) - b).digest == (a + c).digest
    assert gm.subtract(whole, c, force=True).digest == (a + b).digest
    assert ((a + b) - b).inputs == a.inputs
    assert a.inputs[0].sha256 == a.digest


def test_rows_that_are_not_there():
    a, b = exact("y ~ x + f", TABLE.slice(10, 20)), exact("y ~ x + f", TABLE.slice(60, 30))
    with pytest.raises(NumericalError, match="more rows with f = c would be subtracted than there are"):
        gm.subtract(a, b, force=True)
    few, many = exact("y ~ x", TABLE.slice(10, 5)), exact("y ~ x", TABLE.slice(20, 9))
    with pytest.raises(NumericalError, match="4 more rows would be subtracted than there are"):
        gm.subtract(few, many, force=True)


def test_exact_and_other_sums_do_not_mix():
    with pytest.raises(SchemaError, match="one of the Grams is exact and the other is not"):
        exact("y ~ x", TABLE.slice(0, 20)) + gm.gram("y ~ x", TABLE.slice(20))


@pytest.mark.parametrize(
    ("formula", "submodels"),
    [
        ("y ~ x*f + z + g", ("y ~ x", "y ~ f + z", "y ~ z + g", "y ~ f*x + g")),
        ("y ~ f:g:x", ("y ~ x", "y ~ f", "y ~ g:f")),
        ("y ~ poly(x, 2) + scale(z) + f", ("y ~ poly(x, 2)", "y ~ scale(z) + f", "y ~ x + I(x^2)")),
        ("y ~ x + I(x^2) + z", ("y ~ poly(x, 2)", "y ~ scale(x)")),
    ],
)
def test_sums_of_fewer_columns_are_those_of_their_own_pass(formula, submodels):
    rows = TABLE.filter(pa.array(np.isfinite(TABLE["y"].to_numpy())))
    whole = exact(formula, rows)
    for text in submodels:
        _, done = design_and_moments(whole.gram_data, text, None)
        assert isinstance(done.moments, ExactMoments)
        assert done.moments.digest == exact(text, rows).digest


def test_the_order_of_terms_does_not_matter():
    total = exact("y ~ x*f + z", TABLE.slice(0, 40)) + exact("y ~ z + f*x", TABLE.slice(40))
    assert total.digest == exact("y ~ x*f + z", TABLE).digest


@pytest.mark.parametrize("options", [{}, {"weights": "w"}])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_file_keeps_every_bit(formula, options, tmp_path):
    gram = exact(formula, TABLE, **options)
    gram.save(tmp_path / "a.gram")
    again = gm.load(tmp_path / "a.gram")
    assert again.digest == gram.digest
    assert again.inputs == gram.inputs
    again.save(tmp_path / "b.gram")
    assert (tmp_path / "a.gram").read_bytes() == (tmp_path / "b.gram").read_bytes()
    assert gm.subtract(again, exact(formula, TABLE.slice(0, 9), **options), force=True).rows == gram.rows - 8


def test_nothing_is_saved_and_read_too(tmp_path):
    gram = exact("y ~ x + f", TABLE.slice(10, 5))
    nothing = gram - gram
    nothing.save(tmp_path / "a.gram")
    assert gm.load(tmp_path / "a.gram").digest == nothing.digest
    assert (gm.load(tmp_path / "a.gram") + gram).digest == gram.digest


def test_files_that_make_no_sense(tmp_path):
    exact("y ~ x + f + scale(z)", TABLE).save(tmp_path / "a.gram")
    kind, content, members = store.load(tmp_path / "a.gram")
    dense = members["dense"].copy()
    dense[0, 0, 1] += 1
    huge = members["dense"].copy()
    huge[0, 0, 0] = 2**40
    changes = [
        ({}, {"dense": dense}),
        ({}, {"dense": huge}),
        ({}, {"dense": members["dense"][:, :-1]}),
        ({}, {"dense": np.concatenate([members["dense"], np.zeros_like(members["dense"][:1])])}),
        ({}, {"plain": members["plain"][:, :-1]}),
        ({}, {"table/0/rows": members["table/0/rows"] + 1}),
        ({}, {"table/0/cells": members["table/0/cells"][::-1]}),
        ({}, {"foreign": np.zeros(2)}),
        ({"rows": 5}, {}),
        ({"rows": -5}, {}),
        ({"left_out": -1}, {}),
        ({"scale": {"x": -1}}, {}),
        ({"scale": {"q": 1}}, {}),
        ({"not_finite": {"q": [0, 0, 1]}}, {}),
        ({"not_finite": {"x": [0, 1]}}, {}),
        ({"singles": [[["q", 1]]]}, {}),
        ({"low": {**content["moments"]["low"], "dense": 10**6}}, {}),
        ({"low": {}}, {}),
    ]
    for sums, arrays in changes:
        edited = json.loads(json.dumps(content))
        edited["moments"].update(sums)
        store.save(tmp_path / "d.gram", kind, edited, {**members, **arrays})
        with pytest.raises(ArtifactError, match=r"d\.gram: its content makes no sense"):
            gm.load(tmp_path / "d.gram")


FITS = ("y ~ x*f + z", "y ~ x", 'y ~ C(f, ref="b") + x', "z ~ x + f", "y ~ 0 + f", 'y ~ C(f, contrast="sum")*x')


@pytest.mark.parametrize("formula", FITS)
def test_fits_are_those_of_the_data_to_the_bit(formula):
    rows = TABLE.filter(pa.array(np.isfinite(TABLE["y"].to_numpy())))
    parts = exact("y ~ x*f + z", rows.slice(0, 33)) + exact("y ~ x*f + z", rows.slice(33))
    fit, direct = parts.ols(formula), gm.ols(formula, rows, exact=True)
    np.testing.assert_array_equal(fit.coefficients, direct.coefficients)
    assert fit.deviance == direct.deviance
    # exact sums, but a float64 inverse, of columns in the shifts of the first rows: these differ
    np.testing.assert_allclose(fit.std_errors, direct.std_errors, rtol=1e-12)
    assert (fit.tier, fit.names) == ("exact", direct.names)
    np.testing.assert_allclose(fit.predict(rows), direct.predict(rows), rtol=1e-12)


def test_decimals_as_they_say():
    told = {"x": ["0.1", "0.2", "0.3", "0.7"], "y": ["1.3", "1.6", "1.9", "3.1"]}
    table = pa.table({name: pa.array([Decimal(v) for v in values]) for name, values in told.items()})
    gram = gm.gram("y ~ x", table, decimal="exact")
    assert gram.ols().coefficients.tolist() == [1.0, 3.0]
    assert gram.digest is not None


def test_what_is_not_least_squares_takes_sums_that_are_rounded_once():
    rows, formula = TABLE.slice(10), "y ~ x*f + poly(x, 2) + g"
    gram, float64 = exact(formula, rows, weights="w"), gm.gram(formula, rows, weights="w", engine=gm.Local(1))
    alphas = [3.0, 0.1, 0.001]
    for ratio in (0.0, 0.5, 1.0):
        found, expected = (g.path(ratio, "y ~ x + f + g", alphas=alphas) for g in (gram, float64))
        np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-10)
    assert gram.path(1.0, "y ~ x + f").method == "homotopy, every knot"
    ridge, usual = gram.ridge(1.0, "y ~ x + f"), float64.ridge(1.0, "y ~ x + f")
    np.testing.assert_allclose(ridge.coefficients, usual.coefficients, rtol=1e-8)
    assert ridge.tier == "fast"
    norm = gram.ols("y ~ x*f", collinear="min-norm").coefficients
    np.testing.assert_allclose(norm, float64.ols("y ~ x*f", collinear="min-norm").coefficients, rtol=1e-6)
    assert gram.select("bic").terms == float64.select("bic").terms
    np.testing.assert_allclose(gram.correlation().matrix, float64.correlation().matrix, atol=1e-9)


def test_every_rounded_sum_is_the_float64_number_nearest_to_it():
    rows = TABLE.slice(10)
    gram = exact("y ~ x:f + poly(x, 2)", rows, weights="w")
    known, levels = gram.gram_data.design.coordinates, gram.gram_data.moments.levels["f"]
    sums = to_float64(gram.gram_data.moments, known)
    columns = {"x": rows["x"].to_pylist(), "~y": rows["y"].to_pylist()}
    u = {
        v: [(Fraction(x) - Fraction(known[v].shift)) / Fraction(2) ** known[v].exponent for x in columns[v]]
        for v in columns
    }
    weight, factor = [Fraction(w) for w in rows["w"].to_pylist()], rows["f"].to_pylist()

    def values(m):
        return [prod((u[v][i] ** p for v, p in m), start=Fraction(1)) for i in range(rows.num_rows)]

    for i, a in enumerate(sums.layout.rows):
        for j, b in enumerate(sums.layout.rows):
            exact_sum = sum(w * s * t for w, s, t in zip(weight, values(a), values(b), strict=True))
            assert sums.dense[i, j] == float(exact_sum)
    (((names, monomials),), table) = sums.layout.tables, sums.tables[("f",)]
    assert names == ("f",)
    for (cell,), row in zip(table.cells, table.sums, strict=True):
        for m, found in zip(monomials, row, strict=True):
            parts = zip(weight, values(m), factor, strict=True)
            assert found == float(sum(w * v for w, v, level in parts if level == levels[cell]))
    for k, found in enumerate(sums.powers["x"]):
        assert found == float(sum(v**k for v in u["x"]))


def test_a_sum_beyond_float64_is_named():
    gram = exact("y ~ x", pa.table({"x": [1e200, 2e200, 4e200], "y": [1.0, 2.0, 4.0]}))
    assert gram.ols()["x"] == 1e-200
    design = gram.gram_data.design
    with pytest.raises(NumericalError, match="a sum is beyond the largest float64; divide the columns"):
        to_float64(gram.gram_data.moments, dict.fromkeys(design.coordinates, Coordinate()))
