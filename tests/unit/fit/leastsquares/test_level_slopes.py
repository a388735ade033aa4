"""Slopes by the levels of absorbed factors, `firm[x]`: as dummies and their products with x give them."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.exact import least_squares, rational

import gramian as gm
from gramian.errors import AccuracyWarning, FormulaError, NumericalError, OptionError, SchemaError
from gramian.linalg.absorb import partial_out

ROWS = 240
Data = dict[str, np.ndarray]


def table(seed: int = 0, offset: float = 0.0, scale: float = 1.0) -> Data:
    rng = np.random.default_rng(seed)
    firm, year = rng.integers(0, 8, ROWS), rng.integers(0, 5, ROWS)
    x, z, w = rng.standard_normal((3, ROWS)) + 0.3 * firm
    w = w + 0.4 * x
    y = 2 * w + firm + x * (firm % 3) + 0.5 * year + rng.standard_normal(ROWS)
    return {"y": y, "w": w, "x": offset + scale * x, "z": z, "firm": firm, "year": year, "v": rng.uniform(0.5, 2, ROWS)}


def indicators(codes: np.ndarray) -> np.ndarray:
    return (codes[:, None] == np.unique(codes)).astype(float)


def columns(data: Data, absorbed: str) -> np.ndarray:
    """The columns of what is absorbed, x and z about their means."""
    out = []
    for part in absorbed.split(" + "):
        name, _, inside = part.partition("[")
        levels = indicators(np.unique([data[n] for n in name.split("^")], axis=1, return_inverse=True)[1].ravel())
        out += [] if inside.startswith("[") else [levels]
        for variable in inside.strip("[]").split(", ") if inside else ():
            u = data[variable] - (0.0 if inside.startswith("[") else data[variable].mean())
            out.append(levels * (u / np.abs(u).max())[:, None])
    return np.hstack(out)


def dense(data: Data, absorbed: str, weights: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Influence of each row on the coefficient of w, (n,), the residuals' sum of squares, and the rank."""
    A = np.column_stack([data["w"], columns(data, absorbed)]) * np.sqrt(weights)[:, None]
    target = data["y"] * np.sqrt(weights)
    b = np.linalg.lstsq(A, target, rcond=1e-11)[0]
    return np.append(b[0], target - A @ b), float(np.square(target - A @ b).sum()), int(np.linalg.matrix_rank(A, 1e-10))


FORMULAS = (
    "firm[x]",
    "firm[x, z]",
    "firm[x] + year",
    "year + firm[[x]]",
    "firm[x] + year[z]",
    "firm^year[x]",
    "firm[year] + year",
)


@pytest.mark.parametrize("direct", [1000, 0])
@pytest.mark.parametrize("weights", [None, "v"])
@pytest.mark.parametrize("absorbed", FORMULAS)
def test_slopes_are_those_of_dummies(
    monkeypatch: pytest.MonkeyPatch, absorbed: str, weights: str | None, direct: int
) -> None:
    monkeypatch.setattr(partial_out, "MAX_DIRECT_LEVELS", direct)
    data = table()
    fit = gm.ols(f"y ~ w | {absorbed}", data, weights=weights)
    found, rss, rank = dense(data, absorbed, np.ones(ROWS) if weights is None else data["v"])
    assert fit.coefficients[0] == pytest.approx(found[0], rel=1e-11)
    assert fit.deviance == pytest.approx(rss, rel=1e-11)
    assert fit.absorbed is not None
    if fit.absorbed.exact:
        assert fit.rank + fit.absorbed.rank == rank
    else:
        assert fit.rank + fit.absorbed.rank >= rank


@pytest.mark.parametrize(
    ("absorbed", "kind"),
    [
        ("firm[x]", "HC3"),
        *((a, k) for a in ("firm[x]", "firm[x, z] + year", "firm[[x]] + year") for k in ("HC1", "CR1")),
    ],
)
def test_robust_errors_are_those_of_dummies(absorbed: str, kind: str) -> None:
    data = table(1)
    fit = gm.ols(f"y ~ w | {absorbed}", data, vcov={"cluster": "firm"} if kind == "CR1" else kind)
    A = np.column_stack([data["w"], columns(data, absorbed)])
    inverse, rank = np.linalg.pinv(A, rcond=1e-11), int(np.linalg.matrix_rank(A, 1e-10))
    e, influence = data["y"] - A @ (inverse @ data["y"]), inverse[0]
    if kind == "CR1":
        # intercepts that are nested in clusters do not count, but for one; slopes do, as in fixest
        q = rank if "[[" in absorbed else rank - 8 + 1
        sums = np.bincount(data["firm"], influence * e)
        variance = np.square(sums).sum() * 8 / 7 * (ROWS - 1) / (ROWS - q)
    else:
        h = np.einsum("ij,ji->i", A, inverse)
        factor = ROWS / (ROWS - rank) if kind == "HC1" else 1 / (1 - h) ** 2
        variance = (np.square(influence * e) * factor).sum()
    assert fit.std_errors[0] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_like_fixest_counts_every_slope() -> None:
    data = table(2)
    data["x"] = np.where(data["firm"] == 0, 1.0, data["x"])  # no slope there, which fixest counts all the same
    ours, theirs = (gm.ols("y ~ w | firm[x]", data, vcov="HC1", like=like) for like in (None, "fixest"))
    assert ours.absorbed is not None
    assert ours.absorbed.rank == 15
    assert theirs.std_errors[0] ** 2 * (ROWS - 17) == pytest.approx(ours.std_errors[0] ** 2 * (ROWS - 16), rel=1e-12)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(FORMULAS), st.integers(2, 5))
def test_neither_the_cuts_nor_the_order_of_rows_matter(seed: int, absorbed: str, cuts: int) -> None:
    data, rng = table(seed), np.random.default_rng(seed)
    one = gm.ols(f"y ~ w | {absorbed}", data)
    order = rng.permutation(ROWS)
    parts = [{k: v[i] for k, v in data.items()} for i in np.array_split(order, cuts)]
    other = gm.ols(f"y ~ w | {absorbed}", parts)
    assert other.coefficients == pytest.approx(one.coefficients, rel=1e-10)
    assert other.std_errors == pytest.approx(one.std_errors, rel=1e-10)
    merged = sum((gm.gram(f"y ~ w | {absorbed}", part) for part in parts[1:]), gm.gram(f"y ~ w | {absorbed}", parts[0]))
    assert merged.ols().coefficients == pytest.approx(one.coefficients, rel=1e-10)


@pytest.mark.parametrize(
    ("offset", "scale"), [(1e8, 1.0), (0.0, 1e-150), (0.0, 1e150), (-3e8, 1e3), (1e12, 1e6)], ids=str
)
def test_digits_do_not_depend_on_the_shift_and_scale_of_a_variable(offset: float, scale: float) -> None:
    plain, moved = (gm.ols("y ~ w | firm[x] + year", table(3, *at)) for at in ((0.0, 1.0), (offset, scale)))
    rounding = max(1e-11, 1e-15 * abs(offset) / scale)  # of the data themselves
    assert moved.coefficients == pytest.approx(plain.coefficients, rel=rounding)
    assert moved.std_errors == pytest.approx(plain.std_errors, rel=rounding)
    assert moved.digits[0] > 8


def test_levels_without_a_slope(tmp_path: Path) -> None:
    data = table(4)
    firm, x = data["firm"], data["x"]
    firm[:4] = [20, 21, 21, 22]  # one row; two with one x; one row
    x[1:3], x[firm == 5] = 0.7, -1.25
    fit = gm.ols("y ~ w | firm[x]", data)
    found, rss, rank = dense(data, "firm[x]", np.ones(ROWS))
    assert fit.coefficients[0] == pytest.approx(found[0], rel=1e-11)
    assert fit.absorbed is not None
    assert fit.absorbed.rank == rank - 1
    slopes = fit.absorbed.slopes["firm"]["x"]
    assert np.flatnonzero(np.isnan(slopes)).tolist() == [5, 8, 9, 10]
    assert "slopes that the rows of a level do not determine: 4 of x by firm" in str(fit.summary())
    # predictions of the rows of the fit are determined, and with another x only where there is a slope
    predicted = np.asarray(fit.predict(data))
    assert np.square(data["y"] - predicted).sum() == pytest.approx(rss, rel=1e-10)
    fit.save(tmp_path / "a.fit")
    moved = {**data, "x": x + 1.0}
    for one in (fit, gm.load(tmp_path / "a.fit")):
        away = np.asarray(one.predict(moved))
        assert np.isnan(away).tolist() == np.isin(firm, [5, 20, 21, 22]).tolist()
        has = ~np.isnan(away)
        code = np.searchsorted(np.unique(firm), firm[has])
        assert away[has] - predicted[has] == pytest.approx(slopes[code], rel=1e-9)


def test_a_variable_of_slopes_is_absorbed_itself() -> None:
    data = table(5)
    fit = gm.ols("y ~ w + x | firm[x]", data)
    assert fit.aliased == {"x": "a combination of the levels of firm[x]"}
    assert gm.ols("y ~ w | firm + firm[[x]]", data).coefficients == pytest.approx(fit.coefficients[:1])
    assert gm.ols("y ~ . | firm[x] + year", {k: data[k] for k in ("y", "w", "x", "firm", "year")}).names == ("w",)


def test_slopes_alone_leave_an_intercept() -> None:
    data = table(6)
    fit = gm.ols("y ~ w | firm[[x]]", data)
    A = np.column_stack([np.ones(ROWS), data["w"], indicators(data["firm"]) * data["x"][:, None]])
    b = np.linalg.lstsq(A, data["y"], rcond=None)[0]
    assert fit.names == ("Intercept", "w")
    assert fit.coefficients == pytest.approx(b[:2], rel=1e-11)
    assert np.asarray(fit.predict(data)) == pytest.approx(A @ b, rel=1e-10)
    assert fit.f_test is not None
    assert fit.f_test.statistic == pytest.approx(float((fit.coefficients[1] / fit.std_errors[1]) ** 2), rel=1e-9)


@pytest.mark.parametrize(
    ("absorbed", "error", "message"),
    [
        ("firm[x", FormulaError, "this '\\[' is not closed"),
        ("firm[[x]", FormulaError, "this '\\[' is not closed"),
        ("firm[]", FormulaError, "a slope is that of a column, as in firm\\[x\\]"),
        ("firm[2 + 1]", FormulaError, "a slope is that of a column"),
        ("firm[poly(x, 2)]", FormulaError, "has no single slope; name variables, as in firm\\[x, x\\^2\\]"),
        ("firm[g]", SchemaError, "'g' is a factor, of type string, .* combinations of levels are firm\\^g"),
    ],
)
def test_what_is_no_slope(absorbed: str, error: type[Exception], message: str) -> None:
    data = {**table(7), "g": np.array(["a", "b"] * (ROWS // 2))}
    with pytest.raises(error, match=message):
        gm.ols(f"y ~ w | {absorbed}", data)


def test_exact_sums_have_no_absorbed_slopes() -> None:
    with pytest.raises(FormulaError, match=r"as in \+ factor\(firm\)\*x"):
        gm.ols("y ~ w | firm[x]", table(8), exact=True)


@pytest.mark.parametrize("absorbed", ["firm[x]", "firm[x] + year", "firm[[x]] + year", "firm[[x]]"])
@pytest.mark.parametrize("family", ["poisson", "gaussian"])
def test_slopes_of_generalized_linear_fits_are_those_of_dummies(absorbed: str, family: str, tmp_path: Path) -> None:
    data = table(9)
    rng = np.random.default_rng(9)
    data["y"] = (
        rng.poisson(np.exp(0.3 * data["w"] + 0.2 * (data["firm"] % 3) * data["x"])) + (family == "gaussian") * 0.5
    )
    data["firm"][:2], data["y"][:2] = 30, 2  # a level of two rows
    fit = gm.glm(f"y ~ w | {absorbed}", data, family=family, vcov={"cluster": "year"})
    A = np.column_stack([data["w"], columns(data, absorbed)])
    dummies = {f"a{i}": column for i, column in enumerate(A.T)}
    full = gm.glm(f"y ~ {' + '.join(dummies)}", {"y": data["y"], **dummies}, family=family)
    at = fit.names.index("w")
    assert fit.coefficients[at] == pytest.approx(full.coefficients[1], rel=1e-8)
    assert fit.deviance == pytest.approx(full.deviance, rel=1e-10)
    assert fit.df_residual == full.df_residual
    predicted = np.asarray(fit.predict(data))
    assert predicted == pytest.approx(np.asarray(full.predict(dummies)), rel=1e-7)
    fit.save(tmp_path / "a.fit")
    assert np.array_equal(np.asarray(gm.load(tmp_path / "a.fit").predict(data)), predicted)


@pytest.mark.parametrize("absorbed", ["firm[x]", "firm[x] + year", "firm[[x]]"])
def test_slopes_beside_instruments_are_those_of_dummies(absorbed: str) -> None:
    data = table(10)
    rng = np.random.default_rng(10)
    data["q"], error = rng.standard_normal((2, ROWS))
    data["p"] = data["q"] + 0.5 * error + rng.standard_normal(ROWS)
    data["y"] = data["y"] + 1.5 * data["p"] + error
    fit = gm.iv(f"y ~ w + [p ~ q] | {absorbed}", data)
    A = (
        columns(data, absorbed)
        if absorbed != "firm[[x]]"
        else np.column_stack([columns(data, absorbed), np.ones(ROWS)])
    )
    dummies = {f"a{i}": column for i, column in enumerate(A.T)}
    full = gm.iv(f"y ~ w + {' + '.join(dummies)} + [p ~ q]", {**data, **dummies})
    for name in ("w", "p"):
        i, j = fit.names.index(name), full.names.index(name)
        assert fit.coefficients[i] == pytest.approx(full.coefficients[j], rel=1e-9)
        assert fit.std_errors[i] == pytest.approx(full.std_errors[j], rel=1e-9)


@pytest.mark.parametrize("absorbed", ["firm[x]", "firm[x, z] + year", "firm + year", "firm[[x]]"])
@pytest.mark.parametrize("terms", ["w", "factor(k)*w", "poly(w, 2)", "0 + I(w^2) + factor(k):z"])
def test_fixed_effects_and_coefficients_add_up_to_predictions(absorbed: str, terms: str, tmp_path: Path) -> None:
    data = table(11, offset=20.0)
    data["w"], data["k"] = data["w"] + 50.0, np.arange(ROWS) % 3
    fit = gm.ols(f"y ~ {terms} | {absorbed}", data)
    effects = fit.fixed_effects()
    total = np.zeros(ROWS)
    for name, by_level in effects.items():
        factor, _, variable = name.partition("[[")
        own = np.array([by_level[level] for level in data[factor].tolist()])
        total += own * data[variable.removesuffix("]]")] if variable else own
    # with the effects of the absorbed taken away, what is left is the model of the terms alone
    rest = gm.ols(f"rest ~ {terms}", {**data, "rest": np.asarray(fit.predict(data)) - total})
    for name, b in zip(rest.names, rest.coefficients, strict=True):
        expected = np.nan_to_num(fit.coefficients[fit.names.index(name)]) if name in fit.names else 0.0  # NaN: aliased
        assert b == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(total).max())
    fit.save(tmp_path / "a.fit")
    assert gm.load(tmp_path / "a.fit").fixed_effects() == effects


def test_a_fit_that_absorbs_nothing_has_no_fixed_effects() -> None:
    with pytest.raises(OptionError, match="this fit has none"):
        gm.ols("y ~ w", table(12)).fixed_effects()


def test_slopes_that_rounding_hides_are_an_error() -> None:
    data = table(13)
    moved = {**data, "x": data["x"] + 1e8 * (data["firm"] == 3)}
    with pytest.raises(NumericalError, match=r"in 1 of 8 levels of firm, such as 3: .* subtract from x its mean"):
        gm.ols("y ~ w | firm[x]", moved)
    means = np.bincount(data["firm"], moved["x"]) / np.bincount(data["firm"])
    centred = gm.ols("y ~ w | firm[x]", {**data, "x": moved["x"] - means[data["firm"]]})
    assert centred.coefficients == pytest.approx(gm.ols("y ~ w | firm[x]", data).coefficients, rel=1e-7)
    with pytest.raises(NumericalError, match=r"in 8 of 8 levels of firm, such as 0: .* absorb firm without x"):
        gm.ols("y ~ w | firm[x]", {**data, "x": data["firm"] / 7.0})
    with pytest.raises(NumericalError, match=r"2 \* x varies by less than a millionth of its size beside x"):
        gm.ols("y ~ w | firm[x, 2 * x]", data)


def test_average_slopes_leave_out_what_differs_by_absorbed_levels() -> None:
    fit = gm.ols("y ~ w*z | firm[x]", table(14))
    assert fit.slopes().tidy()["term"].to_pylist() == ["w", "z"]
    for ask in (fit.slopes, fit.comparisons):
        with pytest.raises(OptionError, match=r"'x' has a slope for each level of firm.*fit.fixed_effects\(\)"):
            ask("x")
    assert fit.to_dict()["absorbed"]["slopes"] == {"firm": ["x"]}


@pytest.mark.parametrize("seed", range(6))
def test_certified_digits_are_right_against_exact_rationals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    firm = np.arange(24) % 3
    x = rng.standard_normal(24) + 10.0 ** rng.uniform(0, 8) + 10.0 ** rng.uniform(0, 4.5) * rng.standard_normal(3)[firm]
    w = rng.standard_normal(24) + 0.1 * x
    y = w + firm * (x - x.mean()) + rng.standard_normal(24)
    levels = indicators(firm)
    A = rational(np.column_stack([w, levels, levels * x[:, None]]))
    exact = least_squares(A, [Fraction(v) for v in y.tolist()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # fewer digits than wanted are certified here, and that counts
        fit = gm.ols("y ~ w | firm[x]", {"y": y, "w": w, "x": x, "firm": firm})
    error = abs(fit.coefficients[0] - float(exact[0])) / max(abs(float(exact[0])), fit.std_errors[0])
    assert error < 10.0 ** -fit.digits[0]
    assert fit.digits[0] > 3


def test_a_gram_says_which_slopes_it_does_not_store() -> None:
    data = table(15)
    gram = gm.gram("y ~ w | firm[x]", data)
    assert gram.ols("y ~ w | firm[[x]]").coefficients == pytest.approx(gm.ols("y ~ w | firm[[x]]", data).coefficients)
    with pytest.raises(SchemaError, match=r"within the levels of firm\[w\]; .*\n.*gm.gram\(\"y ~ w \| firm\[w\]\""):
        gram.ols("y ~ 1 | firm[w]")
    with pytest.raises(SchemaError, match=r"does not store I\(w\^2\); .*\n.*\"y ~ w \+ I\(w\^2\) \| firm\[x\]\", data"):
        gram.ols("y ~ I(w^2) | firm[x]")
