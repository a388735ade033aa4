"""A model from a Gram is the model from the data."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.fold import one_thread
from gramian.engines.local import Local
from gramian.errors import AccuracyWarning, ColumnError, OptionError, SchemaError
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options

WHOLE = "y ~ poly(x, 3)*f + z + g"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    d = pd.DataFrame(
        {
            "x": rng.uniform(5, 9, n),
            "z": rng.normal(1e6, 2, n),
            "f": rng.choice(list("abc"), n),
            "g": rng.choice(list("uvw"), n),
            "k": rng.integers(1, 5, n),
            "w": rng.uniform(0.5, 2, n),
            "n": rng.integers(1, 4, n),
        }
    )
    d["y"] = 3 + 2 * d.x + 0.1 * (d.z - 1e6) + (d.f == "b") * 1.5 * d.x + rng.normal(size=n)
    return d


@pytest.fixture(scope="module")
def gram(frame: pd.DataFrame) -> object:
    return gm.gram(WHOLE, frame)


def same(a, b, exactly: bool = False) -> None:  # type: ignore[no-untyped-def]
    """The same answer: to the bit, or up to what the conditions of two ways to the same sums can make of rounding.

    Both solve the same normal equations from sums with errors of at most n u, so the coefficients differ by at most
    n u condition^2 relative to the size of the fit in standard errors, which is below sqrt(rows) r / sqrt(1 - r^2).
    """
    assert a.names == b.names
    assert (a.rows, a.rank, dict(a.aliased)) == (b.rows, b.rank, dict(b.aliased))
    if exactly:
        for one, other in ((a.coefficients, b.coefficients), (a.vcov, b.vcov)):
            np.testing.assert_array_equal(one, other)
        assert (a.deviance, a.loglik) == (b.deviance, b.loglik)
        return
    unit = 2.0**-53 * a.rows * max(a.condition, b.condition) ** 2
    scale = np.sqrt(a.rows / max(1 - b.r_squared, 1e-3))
    assert np.nanmax(np.abs(a.coefficients - b.coefficients) / b.std_errors) < 10 * unit * scale
    np.testing.assert_allclose(a.std_errors, b.std_errors, rtol=100 * unit)
    np.testing.assert_allclose([a.sigma, a.loglik], [b.sigma, b.loglik], rtol=100 * unit)


def one_pass(formula, frame, **options):
    """What a direct fit finds in its first pass, before it climbs for more digits."""
    design, source = prepare(formula, source_of(frame), Options())
    done = Local(1).fold(source, Accumulate(design))
    with one_thread():  # as a fit does: BLAS on several threads rounds otherwise
        return LinearFit(solve_linear(design, done, Options(**options)))


def test_the_whole_model_has_the_same_bits(frame, gram):
    same(gram.ols(), one_pass(WHOLE, frame), exactly=True)
    same(gram.ols(WHOLE), one_pass(WHOLE, frame), exactly=True)
    same(gram.ridge(2.0), one_pass(WHOLE, frame, alpha=2.0), exactly=True)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x",
        "y ~ 1",
        "y ~ 0 + x + z",
        "y ~ poly(x, 2) + f",
        "y ~ poly(x, 3, raw=TRUE)",
        "y ~ x + I(x^2) + g",
        "y ~ scale(x) + center(z)",
        'y ~ C(f, ref="b")*x + z',
        "y ~ factor(g) + f",
        "y ~ f:x + g",
        "z ~ x + f",
        "x ~ y + z + g",
        "x ~ I(x^2)",
        "y ~ .",
    ],
)
def test_sub_models(frame, gram, formula):
    whole = gm.ols(formula, frame[["x", "z", "f", "g", "y"]])
    part = gram.ols(formula)
    same(part, whole)
    assert part.formula == formula
    np.testing.assert_allclose(part.predict(frame), whole.predict(frame), rtol=1e-9)
    same(gram.ridge(3.0, formula), gm.ridge(formula, frame[["x", "z", "f", "g", "y"]], 3.0))


@pytest.mark.parametrize("options", [{"weights": "w"}, {"counts": "n"}])
def test_weights_and_counts_are_kept(frame, options):
    gram = gm.gram("y ~ x*f + z + poly(x, 2)", frame, **options)
    same(gram.ols("y ~ x + f"), gm.ols("y ~ x + f", frame, **options))
    same(gram.ols("y ~ poly(x, 2)"), gm.ols("y ~ poly(x, 2)", frame, **options))
    same(gram.ols("z ~ x"), gm.ols("z ~ x", frame, **options))


def test_power_sums_of_weighted_rows_have_to_be_stored(frame):
    gram = gm.gram("y ~ x + I(x^2)", frame, weights="w")
    with pytest.raises(SchemaError, match=r"does not store scale\(x\)"):
        gram.ols("y ~ scale(x)")
    counted = gm.gram("y ~ x + I(x^2)", frame, counts="n")
    same(counted.ols("y ~ scale(x)"), gm.ols("y ~ scale(x)", frame, counts="n"))
    same(counted.ols("y ~ poly(x, 2)"), gm.ols("y ~ poly(x, 2)", frame, counts="n"))


def test_matrices(frame):
    X = frame[["x", "z", "w"]].to_numpy()
    data = {"X": X, "y": frame["y"].to_numpy()}
    gram = gm.gram("y ~ X", data)
    same(gram.ols("y ~ X"), gm.ols("y ~ X", data))
    same(gram.ols("y ~ X[0] + X[2]"), gm.ols("y ~ X[0] + X[2]", data))


def test_offsets(frame):
    gram = gm.gram("y ~ x + f + offset(w)", frame)
    same(gram.ols("y ~ x + offset(w)"), gm.ols("y ~ x + offset(w)", frame))
    same(gram.ols("x ~ f"), gm.ols("x ~ f", frame))
    with pytest.raises(SchemaError, match=r"the outcome is stored with offset\(w\); a formula for it needs the same"):
        gram.ols("y ~ x")
    with pytest.raises(SchemaError, match=r"offset\(w\) is stored for 'y' only"):
        gram.ols("x ~ f + offset(w)")
    with pytest.raises(SchemaError, match=r"'y' is stored less offset\(w\), so it cannot stand right of '~'"):
        gram.ols("x ~ y")


def test_dropping(frame, gram):
    part = gram.ols(drop=["z", "g"])
    same(part, gm.ols("y ~ poly(x, 3)*f", frame))
    assert part.formula == f"{WHOLE} - z - g"
    same(gram.ols("y ~ f*x", drop="x:f"), gm.ols("y ~ f + x", frame))
    same(gram.ols("y ~ f*x", drop="f*x"), gm.ols("y ~ 1", frame))
    with pytest.raises(ColumnError, match="no column 'zz'; did you mean 'z'"):
        gram.ols(drop="zz")
    with pytest.raises(OptionError, match=r"drop: no term 'x'.*terms: f, z"):
        gram.ols("y ~ f + z", drop="x")


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("y ~ q", ColumnError, r"this Gram: no column 'q' \(5 columns: x, z, f, g, y\)"),
        ("y ~ I(z^2) + x", SchemaError, r"does not store I\(z\^2\); it stores y ~ .*\n.*\+ g \+ I\(z\^2\)\", data\)"),
        ("y ~ f:g", SchemaError, "does not store f:g"),
        ("y ~ f:z", SchemaError, "does not store f:z"),
        ("y ~ poly(x, 4)", SchemaError, r"does not store poly\(x, 4\)"),
        ("y ~ log(x)", SchemaError, r"does not store log\(x\)"),
        ("log(y) ~ x", SchemaError, r"cannot have the outcome 'log\(y\)'.*only its outcome and numeric terms"),
        ("f ~ x", SchemaError, "the outcome 'f' is text"),
    ],
)
def test_what_is_not_stored_is_named(gram, formula, error, message):
    with pytest.raises(error, match=message):
        gram.ols(formula)


def test_rows_left_out_because_of_columns_that_are_not_used(frame):
    holes = frame.copy()
    holes.loc[:9, "x"] = np.nan
    holes.loc[5:29, "z"] = np.nan
    holes.loc[50:52, "g"] = None
    gram = gm.gram("y ~ x + z + g + f", holes)
    assert gram.rows == 400 - 33
    assert dict(gram.missing) == {"x": 10, "z": 25, "g": 3}
    said = gram.ols("y ~ x + f").summary()
    assert "23 of them only because of columns that this model does not use: z 25, g 3" in said
    said = gram.ols("y ~ x + g").summary()
    assert "20 to 23 of them only because of columns that this model does not use: z 25" in said
    assert "only because" not in gram.ols().summary()
    said = gram.ols("y ~ f").summary()
    assert "33 of them only because of columns that this model does not use: z 25, x 10, g 3" in said
    assert 'C(g, ref="v")' in gram.ols('y ~ C(g, ref="v") + x').missing


def test_what_it_tells(frame, gram):
    assert gram.formula == WHOLE
    assert gram.rows == 400
    assert gram.columns == ("x", "z", "f", "g", "y")
    assert gram.digest is None
    assert gram.condition == gram.ols().condition
    assert [read.name for read in gram.inputs] == ["pandas.DataFrame"]
    assert repr(gram) == f"Gram('{WHOLE}', rows=400)"


def test_an_inner_table_serves_the_outer_ones(frame):
    gram = gm.gram("y ~ f:g:x", frame)
    same(gram.ols("y ~ x"), gm.ols("y ~ x", frame))
    same(gram.ols("y ~ f + x"), gm.ols("y ~ f + x", frame))


def test_nothing_is_changed(frame, gram):
    before = replace(gram.gram_data.moments, dense=gram.gram_data.moments.dense.copy())
    fit = gram.ols("y ~ x + f")
    fit.predict(frame)
    np.testing.assert_array_equal(before.dense, gram.gram_data.moments.dense)


@pytest.mark.parametrize("seed", [7, 33, 75])
def test_a_rank_is_no_larger_than_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(2, 6))
    data = {k: rng.standard_normal(rows) * 10.0 ** rng.uniform(0, 6) + 10.0 ** rng.uniform(0, 6) for k in "abcdy"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        fit = gm.gram("y ~ a + b + c + d", data).ols()
    assert fit.rank <= rows
    assert len(fit.aliased) == 5 - fit.rank
