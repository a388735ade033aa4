"""Pictures of effects, of several fits, of binned residuals, and for dark pages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.plots.matplotlib import to_rgba

RNG = np.random.default_rng(4)
DATA: dict[str, Any] = {"x": RNG.normal(size=300), "z": RNG.normal(size=300), "g": RNG.choice(list("abc"), 300)}
DATA["y"] = DATA["x"] + (DATA["g"] == "b") * DATA["x"] + RNG.normal(size=300)
DATA["hit"] = (DATA["y"] > 0) * 1.0


@pytest.fixture(scope="module")
def fit() -> Any:
    return gm.ols("y ~ x*g + z", DATA)


def test_lines_over_a_column_of_numbers(fit: Any) -> None:
    found = fit.predictions({"x": [0.0, 2.0, 1.0], "g": ["a", "b"]})
    ax = found.plot().axes[0]
    assert ax.get_xlabel() == "x"
    drawn = {line.get_label(): line for line in ax.lines if str(line.get_label()).startswith("g")}
    assert list(drawn) == ["g = a", "g = b"]
    assert_allclose(drawn["g = b"].get_xdata(), [0.0, 1.0, 2.0])
    assert_allclose(drawn["g = b"].get_ydata(), found.estimates[[1, 5, 3]])


def test_dots_where_there_are_no_numbers(fit: Any) -> None:
    found = fit.comparisons()
    ax = found.plot().axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["x +1", "z +1", "g b - a", "g c - a"]
    assert_allclose(ax.lines[1].get_xdata(), found.estimates)
    ratios = gm.glm("hit ~ x", DATA, "binomial").comparisons(compare="odds_ratio").plot().axes[0]
    assert ratios.get_xlabel() == "ratio"
    assert_allclose(ratios.lines[0].get_xdata(), [1.0, 1.0])


def test_what_cannot_be_drawn(fit: Any) -> None:
    with pytest.raises(OptionError, match=r"x='g' is no column of numbers of these effects \(those are x\)"):
        fit.predictions({"x": [1, 2], "g": ["a", "b"]}).plot(x="g")
    aliased = gm.ols("y ~ x + w", {**DATA, "w": 2 * DATA["x"]})
    with pytest.raises(NumericalError, match="nothing to draw"):
        aliased.slopes("x").plot()


def test_coefficients_of_several_fits(fit: Any) -> None:
    other = gm.ols("y ~ x", DATA)
    ax = gm.table({"all": fit, "one": other}, rows=["x", "z"]).plot().axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["x", "z"]
    assert_allclose(ax.lines[1].get_xdata(), [fit["x"], fit["z"]])
    assert_allclose(ax.lines[2].get_xdata(), [other["x"]])
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["all", "one"]


def test_binned_residuals() -> None:
    fit = gm.glm("hit ~ x", DATA, "binomial")
    ax = fit.plot(DATA, kind="binned").axes[0]
    means = np.concatenate([line.get_ydata() for line in ax.lines[1:]])
    assert len(means) == len(np.unique(means)) > 10
    assert np.abs(means).max() < 0.5


def test_dark_pages(fit: Any) -> None:
    light, dark = fit.plot(DATA), fit.plot(DATA).dark()
    assert light.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert max(dark.get_facecolor()[:3]) < 0.2
    for ax in dark.axes:
        assert max(ax.get_facecolor()[:3]) < 0.2
        assert min(to_rgba(ax.xaxis.label.get_color())[:3]) > 0.8
    assert dark._repr_png_().startswith(b"\x89PNG")
