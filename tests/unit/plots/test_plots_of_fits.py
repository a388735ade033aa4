from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from unit.plots.pictured import PNG, lines, png, straight, texts

import gramian as gm
from gramian import curve, glm
from gramian.errors import ColumnError, ConvergenceError, NumericalError, OptionError


def test_without_data_it_draws_coefficients_with_intervals():
    data = straight()
    fit = gm.ols("y ~ x + z + group", data)
    figure = fit.plot()
    assert png(figure).startswith(PNG)
    drawn = {t.get_text() for ax in figure.axes for t in ax.get_yticklabels()}
    assert drawn == set(fit.names)
    ends = np.concatenate([np.array(c.get_segments())[:, :, 0] for ax in figure.axes for c in ax.collections])
    assert np.sort(ends, axis=0) == pytest.approx(np.sort(fit.conf_int(), axis=0))


def test_one_number_gives_points_line_and_band():
    data = straight()
    fit = gm.ols("y ~ x", data)
    figure = fit.plot(data)
    (ax,) = figure.axes
    line = lines(ax)["fitted line"]
    told = fit.predict({"x": line.get_xdata()}, interval="confidence")
    assert line.get_ydata() == pytest.approx(told["fit"].to_numpy())
    points, band = ax.collections
    assert points.get_offsets().data == pytest.approx(np.column_stack([data["x"], data["y"]]))
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(told["high"].to_numpy().max())
    assert {"x", "y", "60 rows", "95 % band of the mean"} <= texts(figure)
    assert png(figure).startswith(PNG)


def test_a_transformed_number_gives_a_curve():
    data = straight()
    figure = gm.ols("log(y + 10) ~ poly(x, 3) + sqrt(x)", data).plot(data)
    assert "fitted curve" in texts(figure)
    assert "log(y + 10)" in texts(figure)
    png(figure)


def test_several_predictors_give_four_panels():
    data = straight()
    fit = gm.ols("y ~ x + z + group", data)
    figure = fit.plot(data)
    assert len(figure.axes) == 4
    residuals = figure.axes[0].collections[0].get_offsets().data
    assert residuals[:, 0] == pytest.approx(fit.predict(data))
    assert residuals[:, 1] == pytest.approx(data["y"] - fit.predict(data))
    png(figure)


def test_leverage_and_standardised_residuals_are_those_of_the_hat_matrix():
    rng = np.random.default_rng(8)
    data = straight(40) | {"w": rng.uniform(0.5, 3, 40)}
    fit = gm.ols("y ~ x + z", data, weights="w")
    ax = fit.plot(data, kind="leverage").axes[0]
    X = np.column_stack([np.ones(40), data["x"], data["z"]])
    h = data["w"] * np.einsum("ij,jk,ik->i", X, np.linalg.inv(X.T * data["w"] @ X), X)
    r = np.sqrt(data["w"]) * (data["y"] - fit.predict(data)) / (fit.sigma * np.sqrt(1 - h))
    assert ax.collections[0].get_offsets().data == pytest.approx(np.column_stack([h, r]))
    worst = np.argsort(-(r**2) * h / (1 - h))[:3]
    assert {t.get_text() for t in ax.texts} == {f"row {1 + i}" for i in worst}


def test_rows_that_decide_their_own_fit_are_told():
    data = straight(20) | {"single": (np.arange(20) == 4).astype(float)}
    figure = gm.ols("y ~ x + single", data).plot(data)
    assert "1 row of leverage 1 without a standardised residual" in texts(figure)
    assert len(figure.axes[0].collections[0].get_offsets()) == 20
    png(figure)


@pytest.mark.parametrize("kind", ["residuals", "qq", "scale", "leverage"])
def test_panels_come_one_by_one(kind):
    data = straight()
    figure = gm.ols("y ~ 1", data).plot(data, kind=kind)
    assert len(figure.axes) == 1
    png(figure)


def test_rows_with_something_missing_are_not_drawn():
    data = straight()
    table = pa.table(data | {"x": pa.array(data["x"], mask=np.arange(60) < 9)})
    figure = gm.ols("y ~ x", table).plot(table)
    assert "51 rows" in texts(figure)


def test_a_curve_is_drawn_with_its_band_and_its_residuals():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, 80)
    data = {"x": x, "y": 5 / (1 + np.exp(4 - x)) + rng.normal(size=80) / 5}
    fit = curve("y ~ logistic(x)", data)
    figure = fit.plot(data)
    line = lines(figure.axes[0])["fitted curve"]
    assert line.get_ydata() == pytest.approx(fit.predict({"x": line.get_xdata()}))
    equation, estimates = figure.axes[0].get_title(loc="left").splitlines()
    assert equation == "logistic: y = top/(1 + exp(-rate * (x - mid)))"
    assert estimates.startswith("top = ")
    for kind in ("coefficients", "diagnostics"):
        png(fit.plot(data, kind=kind))


@pytest.mark.parametrize("equation", ["a * exp(-k * x)", "a * exp(-k * x) + b * z", "a * exp(-(k + b) * x)"])
def test_a_curve_that_does_not_converge_is_drawn_where_it_stopped(equation):
    x = np.linspace(0, 4, 50)
    data = {"x": x, "z": np.cos(9 * x), "y": 3 * np.exp(-1.3 * x) + 0.1 * np.cos(40 * x)}
    with pytest.raises(ConvergenceError) as caught:
        curve(f"y ~ {equation}", data, {"k": 30, "b": 1} if "k + b" in equation else {"k": 30}, max_passes=2)
    figure = caught.value.last.plot(data)
    if "z" not in equation:
        line = lines(figure.axes[0])["where the search stopped"]
        assert line.get_ydata() == pytest.approx(caught.value.last.predict({"x": line.get_xdata()}))
        assert "no convergence after 2 passes" in figure.axes[0].get_title(loc="left")
        assert len(figure.axes[0].collections) == 1  # the points, and no band
    png(figure)


def test_calibration_compares_observed_shares_with_predictions():
    rng = np.random.default_rng(2)
    x, z = rng.normal(size=(2, 2000))
    data = {"x": x, "z": z, "y": np.where(rng.uniform(size=2000) < 1 / (1 + np.exp(-x - z)), "yes", "no")}
    fit = glm("y ~ x + z", data)
    figure = fit.plot(data)
    dots = next(line for line in figure.axes[0].get_lines() if line.get_marker() == "o")
    assert 5 < len(dots.get_xdata()) <= 20
    assert dots.get_ydata() == pytest.approx(dots.get_xdata(), abs=0.2)
    assert "observed share of y is yes" in texts(figure)
    for kind in (None, "coefficients", "diagnostics"):
        png(fit.plot(data, kind=kind))


def test_a_generalized_line_is_the_mean():
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    data = {"x": x, "y": rng.poisson(np.exp(x))}
    fit = glm("y ~ x", data, "poisson")
    line = lines(fit.plot(data).axes[0])["fitted curve"]
    assert line.get_ydata() == pytest.approx(fit.predict({"x": line.get_xdata()}))
    png(fit.plot(data, kind="diagnostics"))


def test_what_cannot_be_drawn_is_said():
    data = straight()
    fit = gm.ols("y ~ x + z", data)
    with pytest.raises(OptionError, match=r"kind must be one of .*found 'line2'; did you mean 'line'"):
        fit.plot(data, kind="line2")
    with pytest.raises(OptionError, match="kind='qq' needs the rows, as in plot"):
        fit.plot(kind="qq")
    with pytest.raises(OptionError, match="kind='line' needs one predictor that is a number, found x, z"):
        fit.plot(data, kind="line")
    with pytest.raises(ColumnError, match="no column 'z'"):
        fit.plot({"x": data["x"], "y": data["y"]})
    few = {"x": [1.0, 2.0], "y": [1.0, 3.0]}
    with pytest.raises(NumericalError, match="no residuals are left"):
        gm.ols("y ~ x", few).plot(few, kind="qq")
    png(gm.ols("y ~ x", few).plot(few))
    exact = {"x": [-1.0, 0.0, 1.0], "y": [0.0, 0.0, 0.0]}
    with pytest.raises(NumericalError, match="the residuals are all zero"):
        gm.ols("y ~ x", exact).plot(exact, kind="diagnostics")
    with pytest.raises(NumericalError, match="no complete rows"):
        fit.plot({"x": [np.nan], "z": [1.0], "y": [1.0]})


def test_names_are_no_mathematics_and_stay_apart():
    rng = np.random.default_rng(0)
    long = {f"price_in_$_of_the_component_number_{i:02d}_in_the_$_area": rng.normal(size=99) for i in range(30)}
    fit = gm.ols("y ~ " + " + ".join(f"`{name}`" for name in long), long | {"y": rng.normal(size=99)})
    figure = fit.plot()
    png(figure)
    told = [t.get_text() for ax in figure.axes for t in ax.get_yticklabels()]
    assert len(set(told)) == 31
    assert max(map(len, told)) < 45


def test_the_look_of_others_is_left_alone():
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"text.usetex": True, "axes.facecolor": "black"}):
        data = straight()
        figure = gm.ols("y ~ x", data).plot(data)
        assert matplotlib.rcParams["axes.facecolor"] == "black"
        assert figure.axes[0].get_facecolor() == (1.0, 1.0, 1.0, 1.0)
        assert figure._repr_png_().startswith(PNG)
