"""What paths, their fits and cross-validations say, as objects, tables, text and pictures."""

from __future__ import annotations

import numpy as np
import pytest
from unit.fit.penalized.systems import folded, houses, whole
from unit.plots.pictured import lines, png, texts

from gramian.errors import NumericalError, OptionError
from gramian.fit.penalized.result_cv import CrossValidation, cross_validation_of
from gramian.fit.penalized.result_path import Path, path_of
from gramian.inference import likelihood

FORMULA = "y ~ f + x + z + u"


def path(l1_ratio: float = 1.0, **options: object) -> Path:
    return path_of(*whole(FORMULA, houses()), l1_ratio=l1_ratio, **options)  # type: ignore[arg-type]


def validation(l1_ratio: float = 1.0) -> CrossValidation:
    design, parts = folded(FORMULA, houses(), 5)
    return cross_validation_of(design, [p.moments for p in parts], l1_ratio=l1_ratio)


def test_criteria_are_those_of_fits_with_that_many_degrees_of_freedom() -> None:
    found = path()
    for i, (rss, df) in enumerate(zip(found.rss, found.df, strict=True)):
        loglik = likelihood.log_likelihood(rss, 240)
        assert found.criterion("aic")[i] == pytest.approx(likelihood.aic(loglik, df))
        assert found.criterion("bic")[i] == pytest.approx(likelihood.bic(loglik, df, 240))
        assert found.criterion("gcv")[i] == pytest.approx(240 * rss / (240 - df) ** 2)
    for name in ("aic", "bic", "gcv"):
        assert found.best(name).alpha == found.alphas[np.argmin(found.criterion(name))]
    with pytest.raises(OptionError, match="criterion must be one of 'aic', 'bic', 'gcv', found 'bci'; did you mean"):
        found.best("bci")


def test_a_fit_without_freedom_is_never_best() -> None:
    data = {"y": [1.0, 3.0, 2.0], "x": [1.0, 2.0, 4.0], "z": [0.0, 1.0, 0.7]}
    found = path_of(*whole("y ~ x + z", data))
    assert found.criterion("aic")[-1] == np.inf
    assert found.best("aic").alpha > 0
    with pytest.raises(NumericalError, match="bic needs more rows than degrees of freedom"):
        path_of(*whole("y ~ x + z", data), alphas=[0.0]).best("bic")


def test_a_fit_of_a_path() -> None:
    found = path()
    fit = found[2]
    assert fit.names == ("Intercept", *found.names)
    assert fit["x"] == found.coefficients[2, found.names.index("x")]
    assert fit["Intercept"] == found.intercepts[2]
    assert fit.df == found.df[2]
    assert fit.chosen == tuple(name for name, b in zip(fit.names, fit.coefficients, strict=True) if b)
    assert fit.tidy()["estimate"].to_pylist() == fit.coefficients.tolist()
    assert repr(fit).startswith(f"PenalizedFit('{FORMULA}', l1_ratio=1, alpha=")
    with pytest.raises(OptionError, match="no coefficient 'xx'; did you mean 'x'"):
        fit["xx"]
    with pytest.raises(ValueError, match="read-only"):
        fit.coefficients[0] = 1.0
    assert found[-1].alpha == 0.0
    with pytest.raises(IndexError):
        found[len(found)]


def test_tables() -> None:
    found = path()
    tidy, glance = found.tidy(), found.glance()
    assert tidy.column_names == ["step", "alpha", "term", "estimate"]
    assert tidy.num_rows == len(found) * 8
    last = tidy.slice(tidy.num_rows - 8)
    assert last["term"].to_pylist() == ["Intercept", *found.names]
    assert last["estimate"].to_pylist() == [found.intercepts[-1], *found.coefficients[-1]]
    assert glance.column_names == ["alpha", "df", "nonzero", "rss", "r_squared", "aic", "bic", "gcv"]
    assert glance["r_squared"].to_pylist() == pytest.approx(1 - found.rss / found.rss[0], abs=1e-12)
    without = path_of(*whole("y ~ 0 + x + u", houses()))
    assert without.tidy()["term"].to_pylist()[:2] == ["x", "u"]
    cv = validation()
    assert cv.tidy().column_names == ["alpha", "mean_error", "std_error", "df", "nonzero"]
    assert cv.tidy()["mean_error"].to_pylist() == cv.mean_error.tolist()


def test_reports() -> None:
    found = path(standardize=True)
    text = found.summary()
    assert text.startswith(f"Lasso, path, columns standardised\n{FORMULA}\n240 rows used of 240\n")
    assert f"{len(found)} knots, found by homotopy, every knot" in text
    assert "largest violation of the optimality conditions, relative: " in text
    assert f"never in, being combinations of columns that are: {', '.join(found.passed)}" in text
    assert repr(found) == f"Path('{FORMULA}', l1_ratio=1, {len(found)} knots, 7 columns)"
    ridge = path(0.0)
    assert "100 alphas, found by one decomposition for the whole grid" in ridge.summary()
    assert " of 100 rows; tidy() has all of them" in ridge.summary()
    assert "largest duality gap, relative: " in path(0.5).summary()
    cv = validation()
    assert "5 folds of 48 to 48 rows; mean squared errors on the rows left out" in cv.summary()
    assert f"best alpha {cv.best_alpha:.6g}, within one standard error {cv.one_se_alpha:.6g}" in cv.summary()
    assert cv.fit.summary().startswith(f"Lasso, alpha = {cv.best_alpha:.6g}\n{FORMULA}\n")
    assert repr(cv).startswith(
        f"CrossValidation('{FORMULA}', l1_ratio=1, 5 folds, {len(cv.alphas)} alphas, best_alpha="
    )
    for shown in (found, cv, cv.fit):
        assert "<table>" in shown._repr_html_()


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_a_picture_of_a_path(l1_ratio: float) -> None:
    found = path(l1_ratio)
    figure = found.plot()
    upper, lower = figure.axes
    assert {"coefficient", "alpha (the penalty grows to the right)", *(n for n in found.names if n == "x")} <= texts(
        figure
    )
    told = lines(upper)
    assert any(text.startswith("least BIC: ") for text in texts(figure))
    assert upper.get_xscale() == "log"
    curves = [
        line for line in told.values() if len(line.get_xdata()) == len(max(told.values(), key=_points).get_xdata())
    ]
    ends = sorted(float(line.get_ydata()[0]) for line in curves)
    assert max(map(abs, ends)) == pytest.approx(np.abs(found.coefficients[0]).max(), abs=1e-12)
    assert lower.get_lines()[0].get_ydata() == pytest.approx(found.df)
    png(figure)


def _points(line: object) -> int:
    return len(line.get_xdata())  # type: ignore[attr-defined]


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_picture_of_a_cross_validation(l1_ratio: float) -> None:
    found = validation(l1_ratio)
    figure = found.plot()
    (ax,) = figure.axes
    told = texts(figure)
    assert {"mean of 5 folds", "± one standard error", "least error + its standard error"} <= told
    assert {f"best alpha: {found.best_alpha:.3g}", f"one standard error: {found.one_se_alpha:.3g}"} <= told
    assert any(np.array_equal(line.get_ydata(), found.mean_error) for line in ax.get_lines())
    png(figure)


def test_a_short_path_and_many_columns_are_drawn() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 12))
    data = {f"x{j}": X[:, j] for j in range(12)} | {"y": X.sum(axis=1) + rng.normal(size=80)}
    found = path_of(*whole("y ~ .", data), alphas=[0.5, 0.2, 0.1])
    figure = found.plot()
    assert "4 more" in texts(figure)
    png(figure)
