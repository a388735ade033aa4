"""Absorbed factors: the fit with dummies, without the dummies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.leastsquares.absorbed_tables import table

import gramian as gm
from gramian.errors import ConvergenceError, DataError, FormulaError, NotIdentifiedError, OptionError
from gramian.fit.leastsquares import absorbed as glue
from gramian.linalg.absorb import level_graph, projection
from gramian.linalg.absorb import partial_out as absorb
from gramian.linalg.absorb.rank import nested

# elimination leaves at least 1e-3 of the squares of every column here, so that both ways lose three of the 13 or 14
# digits that sums of 400 rows have
CLOSE = 1e-10
SAME = ("df_residual", "deviance", "sigma", "r_squared", "adj_r_squared", "loglik", "aic", "bic", "rows")


def same(fit: gm.ols, dummies: gm.ols, rtol: float = CLOSE) -> None:
    """Shared coefficients, their errors, and everything that is told of the whole."""
    for name in fit.names:
        assert fit[name] == pytest.approx(dummies[name], rel=rtol, abs=rtol)
        i, j = fit.names.index(name), dummies.names.index(name)
        assert fit.std_errors[i] == pytest.approx(dummies.std_errors[j], rel=rtol)
    for fact in SAME:
        assert getattr(fit, fact) == pytest.approx(getattr(dummies, fact), rel=rtol), fact


CASES = [
    ("x + z", "firm", {}),
    ("x + z", "name", {}),
    ("x + z + g", "firm", {"weights": "w"}),
    ("x * g", "firm", {"counts": "k"}),
    ("poly(x, 2) * g", "firm", {}),
    ("I(x^2)", "firm", {}),
    ("x:g", "firm", {"weights": "w", "counts": "k"}),
    ("g:x + z + offset(w)", "year", {}),
    ("x + z", "firm + year", {}),
    ("x + g * z", "firm + year", {"weights": "w"}),
    ("x + z + g", "firm + year + place", {"counts": "k"}),
]


@pytest.mark.parametrize(("terms", "absorbed", "options"), CASES)
def test_as_with_dummies(terms: str, absorbed: str, options: dict[str, str]) -> None:
    data = table()
    dummies = " + ".join(f"factor({f})" for f in absorbed.split(" + "))
    fit = gm.ols(f"y ~ {terms} | {absorbed}", data, **options)
    full = gm.ols(f"y ~ {terms} + {dummies}", data, **options)
    assert set(fit.names) <= set(full.names)
    assert not any("firm" in name or name == "Intercept" for name in fit.names)
    same(fit, full)
    seen = {c: v[data["k"] > 0] for c, v in data.items()}
    np.testing.assert_allclose(fit.predict(seen), full.predict(seen), rtol=CLOSE)


@pytest.mark.parametrize("direct", [0, 1000])
@pytest.mark.parametrize("absorbed", ["firm + year", "year + firm", "firm + year + place"])
def test_iteration_and_elimination_agree(absorbed: str, direct: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table()
    dummies = gm.ols(f"y ~ x + z + g + {' + '.join(f'factor({f})' for f in absorbed.split(' + '))}", data, weights="w")
    monkeypatch.setattr(absorb, "MAX_DIRECT_LEVELS", direct)
    fit = gm.ols(f"y ~ x + z + g | {absorbed}", data, weights="w")
    same(fit, dummies)
    assert fit.absorbed.exact == (direct > 0 or "place" not in absorbed)
    if fit.absorbed.connected:
        np.testing.assert_allclose(fit.predict(data), dummies.predict(data), rtol=1e-9)  # effects: ENOUGH = 1e-10


def within(columns: list[list[Fraction]], firm: list[int]) -> list[list[Fraction]]:
    out = []
    for column in columns:
        means = {f: Fraction(sum(v for v, g in zip(column, firm, strict=True) if g == f), firm.count(f)) for f in firm}
        out.append([v - means[f] for v, f in zip(column, firm, strict=True)])
    return out


@pytest.mark.parametrize("offset", [0, 10**6])
def test_exact_fractions(offset: int) -> None:
    rng = np.random.default_rng(2)
    firm = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
    x, z, y = ([int(v) for v in rng.integers(-9, 9, 10)] for _ in range(3))
    x = [v + offset for v in x]
    a, b, c = within([[Fraction(v) for v in column] for column in (x, z, y)], firm)
    saa, sab, sbb = (sum(p * q for p, q in zip(u, v, strict=True)) for u, v in ((a, a), (a, b), (b, b)))
    sac, sbc = (sum(p * q for p, q in zip(u, c, strict=True)) for u in (a, b))
    d = saa * sbb - sab * sab
    fit = gm.ols("y ~ x + z | firm", {"x": x, "z": z, "y": y, "firm": firm})
    # the shift is taken out exactly; ten rows and a condition below 10 leave 15 digits
    assert fit["x"] == pytest.approx(float((sac * sbb - sbc * sab) / d), rel=1e-14)
    assert fit["z"] == pytest.approx(float((sbc * saa - sac * sab) / d), rel=1e-14)
    assert fit.absorbed.singletons == {"firm": 1}


def test_within_r_squared_and_f_test_are_of_what_is_left() -> None:
    data = table()
    fit = gm.ols("y ~ x + z | firm", data)
    small, full = gm.ols("y ~ factor(firm)", data), gm.ols("y ~ x + z + factor(firm)", data)
    assert fit.within_r_squared == pytest.approx(1 - full.deviance / small.deviance, rel=CLOSE)
    f = (small.deviance - full.deviance) / 2 / full.sigma**2
    assert fit.f_test.statistic == pytest.approx(f, rel=CLOSE)
    assert fit.f_test.df == (2, full.df_residual)
    assert full.within_r_squared == full.r_squared


def test_ridge_penalises_the_slopes_within() -> None:
    data = table()
    fit = gm.ridge("y ~ x + z | firm", data, alpha=7.0)
    means = {c: np.array([data[c][data["firm"] == f].mean() for f in data["firm"]]) for c in "xzy"}
    X, y = np.column_stack([data[c] - means[c] for c in "xz"]), data["y"] - means["y"]
    np.testing.assert_allclose(fit.coefficients, np.linalg.solve(X.T @ X + 7.0 * np.eye(2), X.T @ y), rtol=CLOSE)


def test_columns_that_the_levels_explain_are_named() -> None:
    data = table()
    data["shifted"] = 3.0 * data["x"] + data["size"]
    fit = gm.ols("y ~ x + size + z + shifted | firm", data)
    assert fit.aliased == {
        "size": "a combination of the levels of firm",
        "shifted": "3*x, but for the levels of firm",
    }
    same(gm.ols("y ~ x + z | firm", data), gm.ols("y ~ x + z + factor(firm)", data))
    np.testing.assert_allclose(fit.predict(data), gm.ols("y ~ x + z | firm", data).predict(data), rtol=CLOSE)
    with pytest.raises(NotIdentifiedError, match="size = a combination of the levels of firm"):
        gm.ols("y ~ x + size | firm", data, collinear="raise")


def test_a_factor_within_which_another_is_nested_leaves_it_nothing() -> None:
    fit = gm.ols("y ~ x + factor(country) | firm", table())
    assert len(fit.aliased) == 3
    assert fit.rank == 1


def test_components_cost_a_degree_less_each() -> None:
    data = table()
    data["half"] = data["firm"] % 2
    data["year"] = data["year"] + 100 * data["half"]
    fit = gm.ols("y ~ x | firm + year", data)
    full = gm.ols("y ~ x + factor(firm) + factor(year)", data)
    assert fit.absorbed.rank == sum(fit.absorbed.levels.values()) - 2
    same(fit, full)
    with pytest.raises(OptionError, match="only for combinations that occur together"):
        fit.predict(data)


def test_nested_is_seen_in_the_cells() -> None:
    from gramian.data.source import source_of
    from gramian.fit.passes.accumulate import Accumulate
    from gramian.fit.passes.job import prepare
    from gramian.fit.passes.options import Options

    source = source_of(table())
    design, source = prepare("y ~ x | firm + country + year", source, Options(), absorbing=True)
    moments = gm.Local().fold(source, Accumulate(design)).moments
    assert nested(moments, "firm", "country")
    assert nested(moments, "firm", "firm")
    assert not nested(moments, "country", "firm")
    assert not nested(moments, "firm", "year")


def test_many_levels_do_not_depend_on_cuts_or_threads() -> None:
    rng = np.random.default_rng(5)
    n = 9000
    firm = np.minimum(rng.integers(0, 3000, n), np.arange(n) // 2)  # levels grow
    x = rng.normal(size=n) + firm * 1e-3
    data = pa.table({"x": x, "y": x + rng.normal(size=n), "firm": firm, "name": [f"f{f * 7919}" for f in firm]})
    wide = data.set_column(2, "firm", pa.array(firm * 10**12))  # far apart: found by hashing
    whole = gm.ols("y ~ x | firm", data)
    means = {c: np.bincount(firm, data[c].to_numpy()) / np.maximum(np.bincount(firm), 1) for c in "xy"}
    a, b = (data[c].to_numpy() - means[c][firm] for c in "xy")
    assert whole["x"] == pytest.approx(a @ b / (a @ a), rel=1e-12)
    cut = [data.slice(0, 100), data.slice(100, 4000), data.slice(4100, 0), data.slice(4100)]
    for other, formula in ((cut, "y ~ x | firm"), (wide, "y ~ x | firm"), (cut, "y ~ x | name")):
        fit = gm.ols(formula, other, engine=gm.Local(threads=3))
        np.testing.assert_allclose(fit.coefficients, whole.coefficients, rtol=1e-12)
        np.testing.assert_allclose(fit.std_errors, whole.std_errors, rtol=1e-12)
        assert list(fit.absorbed.levels.values()) == list(whole.absorbed.levels.values())
        assert list(fit.absorbed.singletons.values()) == list(whole.absorbed.singletons.values())
        rows = pa.concat_tables(other) if isinstance(other, list) else other
        np.testing.assert_allclose(fit.predict(rows), whole.predict(data), rtol=1e-10, atol=1e-10)


def test_missing_levels_leave_rows_out() -> None:
    firm = pa.array([1, None, 1, 2, 2, 2], pa.int64())
    fit = gm.ols("y ~ x | firm", pa.table({"x": [1.0, 9, 2, 1, 2, 4], "y": [1.0, 9, 3, 0, 2, 5], "firm": firm}))
    assert fit.rows == 5
    assert fit.dropped_rows == {"null": 1}


def test_it_is_told() -> None:
    fit = gm.ols("y ~ x + z | firm + year", table())
    text = fit.summary()
    levels, alone = fit.absorbed.levels["firm"], fit.absorbed.singletons["firm"]
    assert f"absorbed: firm ({levels} levels), year (7 levels), which cost {levels + 6} degrees of freedom" in text
    assert f"levels of a single row, which they fit perfectly: {alone} of firm" in text
    assert "within R squared" in text
    told = fit.to_dict()["absorbed"]
    assert told["levels"] == dict(fit.absorbed.levels)
    assert (told["rank"], told["rank_is_exact"]) == (levels + 6, True)
    assert gm.ols("y ~ x", table()).to_dict()["absorbed"] is None


def test_saved_fits_keep_the_effects(tmp_path) -> None:
    data = table()
    fit = gm.ols("y ~ x + g | name + year", data)
    fit.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert again.to_dict() == fit.to_dict()
    np.testing.assert_array_equal(again.predict(data), fit.predict(data))


def test_what_cannot_be_predicted() -> None:
    data = table()
    fit = gm.ols("y ~ x | firm", data)
    with pytest.raises(OptionError, match="covariance of the levels of firm"):
        fit.predict(data, interval="confidence")
    with pytest.raises(OptionError, match="intervals and leverages need"):
        fit.plot(data, kind="residuals")
    with pytest.raises(DataError, match="factor 'firm' has the level '99999'"):
        fit.predict({"x": [1.0], "firm": [99999]})


@pytest.mark.parametrize("call", [gm.compare, gm.derive])
def test_only_linear_fits_absorb(call) -> None:
    with pytest.raises(FormulaError, match="only linear and generalized linear fits"):
        call("y ~ x | firm", {"y": [1, 2, 3], "x": [1, 2, 4], "firm": [1, 1, 2]})


def test_limits_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    data = table()
    monkeypatch.setattr(glue, "memory_limit", lambda: 1000)
    with pytest.raises(DataError, match="absorbing 'firm' needs sums of 2 columns over"):
        gm.ols("y ~ x | firm", data)
    monkeypatch.undo()
    monkeypatch.setattr(absorb, "MAX_DIRECT_LEVELS", 0)
    monkeypatch.setattr(level_graph, "MAX_LINKS", 0)
    monkeypatch.setattr(projection, "MAX_STEPS", 1)
    with pytest.raises(ConvergenceError, match="did not converge in 1 steps"):
        gm.ols("y ~ x | firm + year", data)


def test_everything_can_be_absorbed() -> None:
    data = table()
    fit = gm.ols("y ~ 1 | firm", data)
    assert fit.names == ()
    assert fit.deviance == pytest.approx(gm.ols("y ~ factor(firm)", data).deviance, rel=CLOSE)
    data["y"] = data["firm"] * 1.5
    fit = gm.ols("y ~ x | firm", data)
    assert (fit["x"], fit.deviance) == (0.0, 0.0)
    assert fit.digits.min() > 15


@pytest.mark.parametrize("absorbed", ["f", "f + g", "f[z]"])
def test_levels_far_apart_cost_no_digits(absorbed: str) -> None:
    """Levels 1e8 times the spread within them: as without these levels, for numbers that hold both exactly."""
    rng = np.random.default_rng(1)
    x, z, e = np.round(rng.normal(size=(3, 200)) * 2**20) / 2**20
    f, g = rng.integers(0, 6, 200), rng.integers(0, 4, 200)
    plain = {"x": x, "z": z, "y": 0.5 * x + e, "f": f, "g": g, "h": rng.integers(0, 2, 200)}
    far = np.round(1e8 * rng.normal(size=(2, 6)))[:, f]
    raised = plain | {"x": x + far[0], "y": plain["y"] + far[1]}
    formula = f"y ~ x | {absorbed}"
    weights = {"w": np.round(rng.uniform(0.5, 2.0, 200), 3)}
    for own in ({}, {"vcov": "HC1", "weights": "w"}):
        one, two = gm.ols(formula, plain | weights, **own), gm.ols(formula, raised | weights, **own)
        assert two.passes == one.passes + 1
        assert two.digits.min() > 12
        np.testing.assert_allclose(two.coefficients, one.coefficients, rtol=1e-13)
        np.testing.assert_allclose(two.std_errors, one.std_errors, rtol=1e-7 if "vcov" in own else 1e-13)
        np.testing.assert_allclose(two.predict(raised) - far[1], one.predict(plain), atol=1e-6)
    for key, fit in gm.ols(formula, raised, by="h").items():
        rows = plain["h"] == key
        own_fit = gm.ols(formula, {name: v[rows] for name, v in plain.items()})
        np.testing.assert_allclose(fit.coefficients, own_fit.coefficients, rtol=1e-12)


def test_a_second_pass_tells_levels_from_rounding() -> None:
    """What varies within levels by the rounding of its own values depends on them; what varies by more does not."""
    rng = np.random.default_rng(2)
    f, x = rng.integers(0, 6, 100), rng.normal(size=100)
    level = rng.normal(size=6)[f]
    columns = {"x": x, "v": level * 1e8 + x**2, "u": 0.1 * level + 0.3, "f": f}
    fit = gm.ols("y ~ x + v + u | f", columns | {"y": x + rng.normal(size=100)})
    assert set(fit.aliased) == {"u"}


def test_digits_are_certified_against_the_fit_with_dummies() -> None:
    """The numerator of a column's amplification is what was summed, so elimination costs digits that are counted."""
    data = table()
    truth = gm.ols("y ~ x + z + factor(firm)", data)
    for offset, least in ((0.0, 10.0), (1e4, 3.0)):
        data["x"] = table()["x"] + offset * data["firm"]
        fit = gm.ols("y ~ x + z | firm", data, digits=3)
        with np.errstate(divide="ignore"):  # where both are the same number, all digits are right
            right = -np.log10(np.abs(fit.coefficients - [truth["x"], truth["z"]]) / fit.std_errors)
        assert (fit.digits >= least).all()
        assert (right >= np.minimum(fit.digits, 12.0) - 0.1).all()  # the dummies' own digits, as read, end near 13


def test_rounding_of_what_the_levels_explain_is_counted_too() -> None:
    """Products within levels are differences of two rounded sums: where little is left, both round alike."""
    squares, within = np.array([4.0, 4.0, 0.0, 1.0]), np.array([0.0, 4.0, 0.0, 0.75])
    assert glue._with_explained(squares, within).tolist() == [16.0, 4.0, 0.0, 2.25]


def test_exact_sums_do_not_absorb() -> None:
    with pytest.raises(FormulaError, match="not exact=True"):
        gm.ols("y ~ x | firm", table(), exact=True)


def test_levels_of_rows_of_weight_zero_are_no_news_to_a_second_pass() -> None:
    data = {"x": [1.0, 2, 4, 3, 9], "y": [1.0, 3, 3, 5, 0], "f": [0, 0, 1, 1, 2], "w": [1.0, 1, 1, 1, 0]}
    fit = gm.ols("y ~ x + factor(f)", data, weights="w")
    assert fit.names == ("Intercept", "x", "factor(f)[1]")


@pytest.mark.parametrize("many", [True, False])
def test_a_small_third_factor_beside_a_sparse_graph(many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers who move between neighbouring firms only, in seven years."""
    rng = np.random.default_rng(8)
    worker = np.repeat(np.arange(120), 5)
    n = len(worker)
    firm = np.minimum(worker // 2 + ((np.arange(n) % 5 == 4) & (worker % 3 == 0)), 55)
    data = {
        "x": rng.normal(size=n) + 0.01 * worker,
        "z": rng.normal(size=n),
        "y": rng.normal(size=n) + firm,
        "worker": worker,
        "firm": firm,
        "year": rng.integers(0, 7, n),
        "w": rng.uniform(0.5, 2.0, n),
    }
    dummies = gm.ols("y ~ x + z + factor(worker) + factor(firm) + factor(year)", data, weights="w")
    monkeypatch.setattr(absorb, "MAX_DIRECT_LEVELS", 0)
    monkeypatch.setattr(absorb, "MAX_COLUMN_LEVELS", 200 if many else 0)
    fit = gm.ols("y ~ x + z | worker + firm + year", data, weights="w")
    np.testing.assert_allclose(fit.coefficients, [dummies["x"], dummies["z"]], rtol=CLOSE)
    assert fit.deviance == pytest.approx(dummies.deviance, rel=1e-10)
    effects = fit.solved.absorbed.effects
    levels = {f: np.unique(data[f], return_inverse=True)[1] for f in ("worker", "firm", "year")}
    found = fit["x"] * data["x"] + fit["z"] * data["z"] + sum(effects[f][codes] for f, codes in levels.items())
    assert np.ptp(found - dummies.predict(data)) < 1e-7  # effects are relative to the shift of the outcome


@pytest.mark.parametrize("absorbed", ["worker + firm", "worker + firm + kind"])
@pytest.mark.parametrize("way", ["core", "iterated"])
def test_effects_are_exact_where_products_need_less(monkeypatch, way: str, absorbed: str) -> None:
    monkeypatch.setattr(absorb, "MAX_DIRECT_LEVELS", 10)
    monkeypatch.setattr(level_graph, "MAX_ENVELOPE", -1)
    if way == "iterated":
        monkeypatch.setattr(level_graph, "MAX_LINKS", 0)
        monkeypatch.setattr(level_graph, "MAX_FILL", 0)
    rng = np.random.default_rng(8)
    worker, firm, kind = (rng.permutation(1500) % n for n in (200, 60, 4))
    x = rng.standard_normal(1500) + 0.1 * (firm % 7)
    y = x + rng.standard_normal(200)[worker] + rng.standard_normal(60)[firm] + rng.standard_normal(1500)
    data = {"y": y, "x": x, "worker": worker, "firm": firm, "kind": kind}
    fit = gm.ols(f"y ~ x | {absorbed}", data)
    full = gm.ols("y ~ x + " + " + ".join(f"factor({f})" for f in absorbed.split(" + ")), data)
    effects = sum(fit.absorbed.effects[f][data[f]] for f in absorbed.split(" + "))
    # iterations end at 1e-8; sums of some thousand rows have 13 digits
    np.testing.assert_allclose(fit["x"] * x + effects, full.predict(data), atol=1e-12)
