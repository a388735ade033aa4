from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from unit.plots.pictured import lines, png, straight, texts

from gramian.comparison import Sweep, compare
from gramian.derivation import derive
from gramian.plots.contours import curvature_from
from gramian.plots.overlap import curves_above
from gramian.plots.style import LINES, TIMES

TITLE = "gradient descent, best rate"


def test_errors_against_iterations_and_passes_raw_and_scaled():
    data = straight()
    result = compare("y ~ x + z", data, methods=["normal-equation", "best-rate", "line-search"])
    figure = result.plot()
    assert len(figure.axes) == 4
    assert [ax.get_xlabel() for ax in figure.axes].count("iterations") == 2
    assert {"normal equation", TITLE, "gradient descent, line search"} <= texts(figure)
    history = result.history["line-search", False]
    iterations, passes = (figure.axes[k].get_lines()[2] for k in (0, 1))
    assert iterations.get_xdata() == pytest.approx(history.iterations)
    assert passes.get_xdata() == pytest.approx(2 * history.iterations)
    assert iterations.get_ydata() == pytest.approx(np.maximum(history.errors, 1e-17))
    png(figure)


def test_methods_that_diverge_leave_through_the_top():
    figure = compare("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}, rate=5.0).plot()
    assert "leaves the picture: diverges" in texts(figure)
    marks = [line for line in figure.axes[0].get_lines() if line.get_markersize() == 8 and len(line.get_xdata())]
    assert marks
    assert all(line.get_ydata()[0] == figure.axes[0].get_ylim()[1] for line in marks)
    png(figure)


@pytest.mark.parametrize("methods", [["best-rate"], ["nesterov"], ["conjugate-gradient"], ["line-search"]])
def test_two_coefficients_have_contours_around_their_minimum(methods):
    data = straight()
    result = compare("y ~ x", data, methods=["normal-equation", *methods], scale_features=False)
    figure = result.plot()
    (ax,) = (ax for ax in figure.axes if ax.get_ylabel() == "coefficient of x")
    star = next(line for line in ax.get_lines() if line.get_marker() == "*")
    X = np.column_stack([np.ones(60), data["x"]])
    minimum = np.linalg.lstsq(X, data["y"], rcond=None)[0]
    assert [star.get_xdata()[0], star.get_ydata()[0]] == pytest.approx(minimum)
    outline = np.concatenate([path.vertices for path in ax.collections[0].get_paths()[8:9]])
    cost = np.sum((X @ (outline - minimum).T) ** 2, axis=0)
    assert cost == pytest.approx(np.full(len(cost), cost[0]), rel=0.05)
    png(figure)


def test_at_condition_one_contours_are_circles_and_coincident_paths_are_seen():
    methods = ["normal-equation", "best-rate", "conjugate-gradient"]
    figure = compare("y ~ x", straight(), methods=methods).plot()
    raw, scaled = (ax for ax in figure.axes if ax.get_ylabel() == "coefficient of x")
    assert raw.get_aspect() == "auto"
    assert scaled.get_aspect() == 1.0
    outline = np.concatenate([path.vertices for path in scaled.collections[0].get_paths()[6:7]])
    star = next(line for line in scaled.get_lines() if line.get_marker() == "*")
    radius = np.linalg.norm(outline - [star.get_xdata()[0], star.get_ydata()[0]], axis=1)
    assert radius == pytest.approx(np.full(len(radius), radius[0]), rel=0.02)
    _, iterations = (ax for ax in figure.axes if ax.get_xlabel() == "iterations")
    for ax in (scaled, iterations):  # all three take one straight step to the minimum
        widths = [line.get_linewidth() for line in ax.get_lines()[:3]]
        assert widths == sorted(widths, reverse=True)
        assert widths[0] > widths[1] > widths[2]
    png(figure)


def test_curves_that_lie_on_each_other_are_counted():
    x = np.linspace(0, 1, 30)
    line, near, half = (np.column_stack([x * end, x * end + height]) for end, height in ((1, 0), (1, 0.005), (0.5, 0)))
    assert curves_above([half, line, near, np.column_stack([x, 1 - x])]) == [2, 1, 0, 0]


def test_the_curvature_is_found_from_a_first_step():
    A, minimum = np.array([[1.0, 30.0], [30.0, 1000.0]]), np.array([3.0, -0.2])
    c = A @ minimum
    best = curvature_from(minimum, c * 2 / np.trace(A), 2.0)
    exact = curvature_from(minimum, c * (c @ c) / (c @ A @ c), None)
    for found in (best, exact):
        assert found / found[0, 0] == pytest.approx(A, rel=1e-6)
    assert curvature_from(np.zeros(2), np.zeros(2), 2.0) is None


def test_sweeps_are_drawn_below():
    n = np.array([10.0, 100.0, 1000.0])
    swept = Sweep((10, 100, 1000), n**2 * 1e-3, n**3 * 1e-10, n**2 * 1e-9, 1e-9, 1e-10, 1e-9)
    figure = replace(compare("y ~ x + z", straight(), methods=["best-rate"]), sweep=swept).plot()
    ax = figure.axes[-1]
    assert lines(ax)["one solve (Cholesky)"].get_ydata() == pytest.approx(swept.solve)
    assert lines(ax)["10 steps: cheaper from 600 on"].get_ydata() == pytest.approx(10 * swept.step)
    assert not {color for color, _, _ in LINES} & {color for color, _, _ in TIMES}
    assert {line.get_color() for line in ax.get_lines()} <= {color for color, _, _ in TIMES}
    png(figure)


def test_a_derivation_shows_points_line_and_residuals():
    told = derive("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    figure = told.plot()
    line = lines(figure.axes[0])["fitted line"]
    assert line.get_ydata()[[0, -1]] == pytest.approx(told.predictions[[0, -1]])
    assert {"x", "y", "4 rows", "residuals"} <= texts(figure)
    png(figure)


def test_powers_of_one_predictor_are_a_curve():
    told = derive("y ~ x", {"x": [1, 2, 3, 4, 6], "y": [2, 4, 5, 8, 3]}, polynomial=2, constant="first")
    line = lines(told.plot().axes[0])["fitted curve"]
    assert line.get_ydata()[[0, -1]] == pytest.approx(told.predictions[[0, -1]])


def test_several_predictors_are_drawn_against_predictions():
    told = derive("y ~ x + z", {"x": [1, 2, 3, 4], "z": [1, 0, 1, 5], "y": [2, 4, 5, 8]})
    ax = told.plot().axes[0]
    assert ax.collections[0].get_offsets().data == pytest.approx(np.column_stack([told.predictions, told.y]))
