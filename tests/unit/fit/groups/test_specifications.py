"""Several models in one formula: every fit is the fit of its own formula, on its own rows, whatever shares the pass."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import gramian as gm
from gramian.engines.local import Local
from gramian.errors import DataError, FormulaError, GramianError, OptionError

N = 400


def table() -> pa.Table:
    """Columns with nulls, NaN and infinities in different rows."""
    rng = np.random.default_rng(8)

    def gaps(values: object, share: float) -> pa.Array:
        return pa.array(values, mask=rng.random(N) < share)

    a, b, c = rng.normal(size=(3, N))
    c[rng.random(N) < 0.03], c[rng.random(N) < 0.03] = np.nan, np.inf
    return pa.table(
        {
            "y1": gaps(a + b + rng.normal(size=N), 0.1),
            "y2": gaps(a - b + rng.normal(size=N), 0.1),
            "a": gaps(a, 0.05),
            "b": gaps(b + 1e3, 0.2),
            "c": c,
            "firm": gaps(rng.integers(0, 12, N), 0.05),
            "year": rng.integers(0, 4, N),
            "kind": gaps(rng.choice(list("pqr"), N), 0.1),
            "w": np.where(rng.random(N) < 0.1, 0.0, rng.uniform(0.5, 2, N)),
            "n": rng.integers(1, 4, N).astype(float),
            "row": np.arange(N),
        }
    )


ROWS = table()


def rows_of(level: object, column: str) -> pa.Table:
    """The rows of a group."""
    return ROWS.filter(pc.is_valid(ROWS[column]) if level == "Full sample" else pc.equal(ROWS[column], level))


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("c(y1, y2) ~ csw(a, b, c)", {}),
        ("y1 ~ sw(a, b:c) + kind", {"counts": "n"}),
        ("c(y1, y2) ~ csw(a, log(b), c) | sw0(firm, firm + year)", {}),
        ("y1 ~ mvsw(a, b, c)", {"weights": "w"}),
        ("y2 ~ sw(poly(a, 2), scale(b)) + c", {"counts": "n"}),
        ("c(y1, y2) ~ offset(b) + sw0(a, c)", {"vcov": "HC3"}),
        ("y1 ~ csw(a, b) | firm", {"vcov": {"cluster": "year"}}),
        ("y1 ~ sw(a, poly(b, 2))", {"by": "kind"}),
        ("y1 ~ csw(a, b) | firm", {"split": "kind", "vcov": "HC1"}),
        ("y2 ~ a + b", {"fsplit": "kind", "vcov": "HC1"}),
        ("c(y1, y2) ~ sw(a, b)", {"fsplit": "kind", "weights": "w"}),
    ],
)
def test_every_fit_is_that_of_its_own_formula(formula, options):
    data = [ROWS.slice(0, 150), ROWS.slice(150)]
    fits = gm.ols(formula, data, **options)
    own = {name: value for name, value in options.items() if name not in ("by", "split", "fsplit")}
    column = next((options[name] for name in ("by", "split", "fsplit") if name in options), None)
    for key, fit in fits.items():
        level = key[-1] if isinstance(key, tuple) else key
        direct = gm.ols(fit.formula, ROWS if column is None else rows_of(level, column), **own)
        assert (fit.rows, fit.names) == (direct.rows, direct.names)
        if level == "Full sample":  # without the rows that have no group, as in fixest
            assert fit.dropped_rows["null"] >= direct.dropped_rows["null"]
        else:
            assert (fit.dropped_rows, fit.missing) == (direct.dropped_rows, direct.missing)
        # one pass and a refined one: ten digits of the larger of coefficient and error, of which 8 are certified
        scale = np.maximum(np.abs(direct.coefficients), direct.std_errors)
        assert np.abs(fit.coefficients - direct.coefficients) / scale == pytest.approx(0, abs=1e-8)
        assert fit.std_errors == pytest.approx(direct.std_errors, rel=1e-7)
    counts = ROWS["n"].to_numpy() if "counts" in options else np.ones(N)
    assert fits.rows == counts[list({*_entered(fits)})].sum()


def _entered(fits: gm.Fits) -> list[int]:
    """Numbers of the rows that some fit of all its formulas has."""
    out: list[int] = []
    for key, fit in fits.items():
        level = key[-1] if isinstance(key, tuple) else key
        part = ROWS if fits.by is None else rows_of(level, fits.by.names[0])
        design = fit.solved.design
        there = np.ones(part.num_rows, bool)
        for column in design.columns:
            values = part[column]
            there &= values.is_valid().to_numpy()
            if pa.types.is_floating(values.type):
                there &= np.isfinite(values.to_numpy())
            if column == design.weight:
                there &= values.to_numpy() > 0
        out += part["row"].to_numpy()[there].tolist()
    return out


def test_keys_are_readable_and_in_the_order_of_the_formula():
    fits = gm.ols("c(y1, y2) ~ a + csw0(b, c) | sw0(firm, firm + year)", ROWS)
    assert fits.key_names == ("outcome", "right_side", "absorbed")
    assert list(fits)[:4] == [
        ("y1", "a", "none"),
        ("y1", "a", "firm"),
        ("y1", "a", "firm + year"),
        ("y1", "a + b", "none"),
    ]
    assert len(fits) == 18
    assert fits.tidy().column_names[:4] == ["outcome", "right_side", "absorbed", "term"]
    assert fits["y2", "a + b + c", "firm"].formula == "y2 ~ a + b + c | firm"
    assert list(gm.ols("y1 ~ mvsw(a, b)", ROWS)) == ["1", "a", "b", "a + b"]
    assert list(gm.ols("y1 ~ sw(a, a, b) - 1", ROWS)) == ["a - 1", "b - 1"]
    assert "each with those that have its columns" in fits.summary()
    assert len(gm.table(fits, statistics=("rows",)).headings) == 18


def test_generalized_linear_models_are_fits_of_their_own_formulas():
    rows = ROWS.append_column("count", pa.array(np.random.default_rng(1).poisson(2.0, N)))
    fits = gm.glm("count ~ year + csw(a, b) | sw0(firm)", rows, "poisson", vcov="HC1")
    assert (len(fits), fits.key_names) == (4, ("right_side", "absorbed"))
    for fit in fits.values():
        direct = gm.glm(fit.formula, rows, "poisson", vcov="HC1")
        assert fit.tidy() == direct.tidy()
        assert (fit.rows, fit.dropped_rows) == (direct.rows, direct.dropped_rows)
    assert fits.summary().startswith("Generalized linear models, poisson, by right_side, absorbed")
    assert fits.to_dict()["family"] == "poisson"
    adjusted = fits.adjust("b", "bonferroni")
    assert adjusted.adjusted_p_values[0] == pytest.approx(min(1, 2 * fits["year + a + b", "none"].p_values[-1]))
    with pytest.raises(OptionError, match="a wild bootstrap is of linear fits"):
        fits.adjust("b", "romano-wolf")
    told = str(gm.plan("c(count, year) ~ sw(a, b)", rows, family="poisson"))
    assert "for each of 4 models: " in told


def test_one_model_in_sw_is_that_model():
    assert gm.ols("y1 ~ sw(a) | sw(firm)", ROWS)["a"] == gm.ols("y1 ~ a | firm", ROWS)["a"]


def test_sums_of_one_pass_do_not_depend_on_units_or_threads():
    cuts = [ROWS.slice(i, 40) for i in range(0, N, 40)]
    one = gm.ols("c(y1, y2) ~ csw(a, b, c) + kind", cuts, engine=Local(threads=1), digits=4)
    many = gm.ols("c(y1, y2) ~ csw(a, b, c) + kind", iter(cuts), engine=Local(threads=3), digits=4)
    assert all(fit.passes == 1 for fit in many.values())
    for key, fit in one.items():
        assert fit.coefficients.tobytes() == many[key].coefficients.tobytes()


def test_a_column_without_values_at_the_beginning_has_a_shift_of_its_own():
    late = pa.table(
        {
            "y": np.arange(60.0) % 7,
            "x": pa.array(np.r_[np.zeros(30), 1e9 + np.arange(30.0) ** 1.5], mask=np.arange(60) < 30),
            "z": pa.array(np.arange(60.0) ** 2, mask=np.arange(60) >= 30),
            "f": pa.array(["p", "q", "r"] * 20, mask=np.arange(60) < 30),
        }
    )
    units = [late.slice(0, 30), late.slice(30)]
    fits = gm.ols("y ~ sw(x, z, x + f)", units, digits=6)
    for right, fit in fits.items():
        direct = gm.ols(f"y ~ {right}", late, digits=6)
        assert fit.rows == direct.rows == 30
        assert fit.tidy()["term"] == direct.tidy()["term"]
        assert fit.coefficients == pytest.approx(direct.coefficients, rel=1e-6)


def test_arrays_in_place_and_values_that_are_not_finite():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(300, 3)), rng.normal(size=(300, 2))
    data = {"X": X.copy(), "y": y[:, 0].copy(), "z": y[:, 1].copy()}
    data["X"][[5, 9], 1], data["y"][[9, 20]], data["z"][3] = np.nan, np.inf, np.nan
    fits = gm.ols("c(y, z) ~ X", data)
    assert {key: dict(fit.dropped_rows) for key, fit in fits.items()} == {
        "y": {"nan": 2, "infinite": 1},
        "z": {"nan": 3},
    }
    for key, fit in fits.items():
        assert fit.coefficients == pytest.approx(gm.ols(f"{key} ~ X", data).coefficients, rel=1e-9)


def test_what_several_models_cannot_have_is_refused():
    with pytest.raises(DataError, match=r"row \d+: 'b' is null"):
        gm.ols("a ~ year + b", ROWS.filter(pc.is_valid(ROWS["a"])), na="raise", fsplit="year")
    with pytest.raises(OptionError, match="by and split both make groups: take one of them"):
        gm.ols("y1 ~ a", ROWS, by="kind", split="year")
    with pytest.raises(OptionError, match="fsplit must be the name of a column"):
        gm.ols("y1 ~ a", ROWS, fsplit=["kind"])
    with pytest.raises(OptionError, match="by='right_side': with several right sides this names that of a fit"):
        gm.ols("y1 ~ sw(a, b)", ROWS.rename_columns({"kind": "right_side"}), by="right_side")
    with pytest.raises(DataError, match="read once only, and 2 sets of absorbed factors take as many passes"):
        gm.ols("y1 ~ a | sw(firm, year)", iter([ROWS]))
    with pytest.raises(DataError, match="read once only, and HC1 takes one more pass for every fit"):
        gm.ols("y1 ~ sw(a, b)", iter([ROWS]), vcov="HC1")
    with pytest.raises(FormulaError, match="an offset stands in all right sides or in none"):
        gm.ols("y1 ~ a + sw(b, offset(b))", ROWS)
    for refused in (lambda f: gm.compare(f, ROWS), lambda f: gm.derive(f, ROWS)):
        with pytest.raises(FormulaError, match="stands for several models; only ols, ridge, glm and gram take them"):
            refused("y1 ~ sw(a, b)")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ a:sw(b, c)", r"sw\(\) stands alone between '\+' signs, as in y ~ a \+ sw\(b, c\)"),
        ("y ~ a - csw(b, c)", r"csw\(\) stands alone"),
        ("sw(y, z) ~ x", r"sw\(\) stands right of '~'; several outcomes are c\(y1, y2\)"),
        ("y ~ sw(a, csw(b, c))", r"csw\(\) cannot stand inside sw\(\)"),
        ("y ~ sw(a, )", r"an argument of sw\(\) is empty"),
        ("y ~ sw(a, b", r"this '\(' is not closed"),
        ("y ~ sw(a, b) + [y1 ~ sw(c, w)]", "all models share the instruments"),
        ("y ~ sw(a, b) | f | g", r"'\|' stands once"),
        ("y ~ sw(a, b) |", r"nothing stands right of '\|'"),
        ("y ~ mvsw(" + ", ".join(f"x{i}" for i in range(20)) + ")", "the formula stands for 1,048,576 right sides"),
    ],
)
def test_mistakes_are_shown_where_they_are(formula, words):
    with pytest.raises(FormulaError, match=words):
        gm.ols(formula, ROWS)


def test_a_gram_keeps_the_columns_of_all_models():
    gram = gm.gram("c(y1, y2) ~ csw(a, b) + sw0(kind)", ROWS)
    complete = ROWS.select(["y1", "y2", "a", "b", "kind"]).drop_null()
    assert gram.ols("y2 ~ a + kind").rows == gram.rows == complete.num_rows
    fits = gram.ols("c(y1, b) ~ csw(a, kind)")
    assert list(fits) == [("y1", "a"), ("y1", "a + kind"), ("b", "a"), ("b", "a + kind")]
    direct = gm.ols("b ~ a + kind", complete)
    assert fits["b", "a + kind"].coefficients == pytest.approx(direct.coefficients, rel=1e-10)
    assert (fits.key_names, fits.rows) == (("outcome", "right_side"), gram.rows)
    with pytest.raises(OptionError, match=r"takes one model, and 'y1 ~ sw\(a, b\)' stands for 2: write one of them"):
        gram.path(formula="y1 ~ sw(a, b)")


def test_the_plan_says_passes_and_rows():
    told = str(gm.plan("c(y1, y2) ~ csw(a, b) | sw0(firm)", ROWS, vcov="HC1", fsplit="year"))
    assert "8 models share the sums of a pass; each has the rows that have all of its columns" in told
    assert (
        "2, one for each set of absorbed factors; a second where groups lie far from each other; then one for" in told
    )
    assert "y1, y2, firm, year" in told.replace("a, b, ", "")
    assert "the sums of all groups together are those of the full sample" in told


@pytest.mark.parametrize(
    ("fitted", "formula", "options"),
    [
        (gm.ols, "y1 ~ csw(a, b)", {"fsplit": "year"}),
        (gm.ols, "c(y1, y2) ~ a | sw(firm, firm + year)", {"weights": "w"}),
        (gm.ols, "c(y1, y2) ~ a + [b ~ c]", {}),
        (gm.glm, "n ~ sw(a, b)", {"family": "poisson"}),
    ],
)
def test_another_covariance_of_all_fits(fitted, formula, options):
    data = table()
    vcov = {"cluster": "firm"}
    if "|" not in formula:  # rows without a cluster have no covariance by cluster
        data = data.filter(pc.is_valid(data["firm"]))
    fits, expected = fitted(formula, data, **options), fitted(formula, data, vcov=vcov, **options)
    for changed in (fits.with_vcov(vcov), fits.with_vcov(vcov, data)):
        assert list(changed) == list(expected)
        for key, fit in changed.items():
            # with instruments both stages are made again from the sums of one fit, not of all
            np.testing.assert_allclose(fit.std_errors, expected[key].std_errors, rtol=1e-12)
            np.testing.assert_array_equal(fits.with_vcov("iid")[key].std_errors, fits[key].std_errors)


def test_another_covariance_needs_the_rows():
    fits = gm.ols("y1 ~ sw(a, b)", iter(table().to_batches()))
    with pytest.raises(OptionError, match="give the data"):
        fits.with_vcov("HC1")
    data = table().filter(pc.equal(table()["firm"], 3))
    with pytest.raises(GramianError, match="year = 0: all rows are in one cluster"):
        gm.ols("y1 ~ a", data, by="year").with_vcov({"cluster": "firm"})
