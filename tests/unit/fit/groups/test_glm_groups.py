"""Generalized linear models by group: each is the fit of the group's rows alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import gramian as gm
from gramian.errors import DataError, NumericalError, OptionError, SeparationError


def table(rows: int = 400) -> pa.Table:
    """Rows of three groups, some without one; no z in group c."""
    rng = np.random.default_rng(5)
    group, x = rng.choice(["b", "a", "c"], rows), rng.normal(size=rows)
    success = rng.random(rows) < 1.0 / (1.0 + np.exp(-x))
    columns = {
        "group": [None if i % 50 == 0 else name for i, name in enumerate(group)],
        "half": rng.integers(0, 2, rows),
        "x": x,
        "z": [None if name == "c" else value for name, value in zip(group, rng.normal(size=rows), strict=True)],
        "n": rng.poisson(np.exp(0.3 + 0.4 * x)),
        "text": np.where(success, "no", "yes"),
        "firm": rng.integers(0, 5, rows),
        "k": rng.integers(1, 3, rows),
    }
    return pa.table(columns)


ROWS = table()


def of_group(name: str) -> pa.Table:
    return ROWS.filter(pc.equal(ROWS["group"], name))


def same(a: gm.GlmFit, b: gm.GlmFit) -> None:
    assert (a.names, a.rows, a.outcomes) == (b.names, b.rows, b.outcomes)
    # a fit ends within 1e-8 standard errors of the answer, from another start
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-9, atol=1e-8 * b.std_errors.min())
    np.testing.assert_allclose(a.std_errors, b.std_errors, rtol=1e-6)
    assert a.loglik == pytest.approx(b.loglik, rel=1e-10)


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("n ~ x", "poisson", {"counts": "k", "vcov": {"cluster": "firm"}}),
        ("text ~ x", "binomial", {"vcov": "HC1"}),
        ("n ~ x | firm", "poisson", {}),
        ("n ~ x", "negative_binomial", {"theta": 2.0}),
    ],
)
def test_each_group_has_the_fit_of_its_rows(formula, family, options):
    fits = gm.glm(formula, ROWS, family, by="group", **options)
    assert list(fits) == ["a", "b", "c"]
    for name, fit in fits.items():
        same(fit, gm.glm(formula, of_group(name), family, **options))


def test_rows_are_counted_as_by_least_squares():
    for formula in ("n ~ x", "n ~ x + z"):
        fits, linear = gm.glm(formula, ROWS, "poisson", by="group"), gm.ols(formula, ROWS, by="group")
        assert list(fits) == list(linear)
        assert fits.without_rows == linear.without_rows
        assert (fits.rows, dict(fits.dropped_rows)) == (linear.rows, dict(linear.dropped_rows))


def test_models_and_groups_and_the_full_sample():
    fits = gm.glm("n ~ csw(x, half)", ROWS, "poisson", fsplit="group")
    assert fits.key_names == ("right_side", "group")
    assert list(fits)[:4] == [("x", "Full sample"), ("x", "a"), ("x", "b"), ("x", "c")]
    same(fits["x", "Full sample"], gm.glm("n ~ x", ROWS.filter(pc.is_valid(ROWS["group"])), "poisson"))
    assert next(iter(gm.glm("n ~ x", ROWS, "poisson", by=["half", "group"]))) == (0, "a")
    assert len(fits["x", "a"].predict()) == fits["x", "a"].rows
    assert gm.glm("n ~ .", ROWS.select(["n", "x", "group"]), "poisson", by="group")["a"].names == ("Intercept", "x")


def test_knots_are_those_of_all_rows():
    fits = gm.glm("n ~ bs(x, df=4)", ROWS, "poisson", by="group")
    linear = gm.ols("n ~ bs(x, df=4)", ROWS, by="group")
    assert fits["a"].names == linear["a"].names
    knots = [fit.solved.design.terms.splines for fit in linear.values()]
    assert [fit.solved.linear.design.terms.splines for fit in fits.values()] == knots


def test_the_group_is_named_in_its_error():
    constant = ROWS.set_column(4, "n", pc.if_else(pc.equal(ROWS["group"], "b"), 0, ROWS["n"]))
    with pytest.raises(SeparationError, match="group = b: the outcome does not vary"):
        gm.glm("n ~ x", constant, "poisson", by="group")
    with pytest.raises(DataError, match="'group' is null"):
        gm.glm("n ~ x", ROWS, "poisson", by="group", na="raise")
    with pytest.raises(OptionError, match="go with one fit, not with by"):
        gm.glm("n ~ x", ROWS, "poisson", by="group", skip_bad=True)
    with pytest.raises(NumericalError, match="no rows are left"):
        gm.glm("n ~ x", ROWS.filter(pc.is_null(ROWS["group"])), "poisson", by="group")


def test_the_plan_says_what_groups_cost():
    plan = gm.plan("n ~ x", ROWS, family="poisson", by="group")
    assert "for each value of group, which a pass finds" in plan.expected
    assert set(plan.columns) == {"n", "x", "group"}


def test_rows_that_one_model_leaves_out_enter_the_others():
    rng = np.random.default_rng(2)
    firm, x = np.repeat(np.arange(6), 10), rng.normal(size=60)
    data = {"firm": firm, "x": x, "none": rng.poisson(2.0, 60) * (firm != 3), "all": rng.poisson(2.0, 60) + (firm == 3)}
    fits = gm.glm("c(none, all) ~ x | firm", data, "poisson")
    assert fits["none"].dropped_rows == {"separated": 10}
    assert (fits["none"].rows, fits["all"].rows) == (50, 60)
    data["s"] = (data["none"] == 0) * (firm != 3) * 1.0
    for fit in gm.glm("none ~ sw(x, x + s, s) | firm", data, "poisson", separation="drop").values():
        alone = gm.glm(fit.formula, data, "poisson", separation="drop")
        assert (fit.rows, fit.dropped_rows) == (alone.rows, alone.dropped_rows)
