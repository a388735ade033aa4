from __future__ import annotations

import numpy as np
import pytest
from unit.fit.selection.stored import stored, table
from unit.plots.pictured import PNG, lines, png, texts

from gramian.fit.selection.result import selection
from gramian.plots.selection import Candidates
from gramian.plots.selection import selection as drawn


@pytest.mark.parametrize(("criterion", "label"), [("bic", "BIC above the best"), ("adj_r2", "adjusted R squared")])
def test_the_criterion_is_drawn_against_the_columns_and_the_best_is_marked(criterion, label):
    found = selection(*stored("y ~ x*f + z + g + v0 + v2", table()), criterion, count=2)
    figure = found.plot()
    assert png(figure).startswith(PNG)
    top, bottom = figure.axes
    assert top.get_ylabel().startswith(label)
    rows = found.table.to_pylist()
    (best,) = (r for r in rows if r["best"])
    ring = lines(top)[f"best: {best['columns']} columns"]
    assert ring.get_xdata()[0] == best["columns"]
    front = lines(top)["best of its size"]
    assert sorted({r["columns"] for r in rows}) == front.get_xdata().tolist()
    marked = [line for line in bottom.get_lines() if line.get_markersize() > 6 and len(line.get_xdata())]
    names = [t.get_text() for t in bottom.get_yticklabels()]
    assert {names[int(line.get_ydata()[0])] for line in marked} == set(best["terms"])
    assert "other subsets" in texts(figure)


def test_steps_and_many_terms_are_drawn():
    rng = np.random.default_rng(0)
    data = {f"x{i}": rng.normal(size=200) for i in range(70)} | {"y": rng.normal(size=200)}
    figure = selection(*stored("y ~ .", data), "cp", "forward").plot()
    assert "columns (60 of 70 terms are shown)" in texts(figure)
    png(figure)


def test_a_selection_of_nothing_is_drawn():
    png(selection(*stored("y ~ 1", table(20)), "aic").plot())
    png(selection(*stored("y ~ x", {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}), "aic").plot())


def test_every_size_has_a_tick_and_small_differences_keep_their_height():
    rng = np.random.default_rng(5)
    data = {f"x{i}": rng.normal(size=3000) for i in range(6)}
    data["y"] = 1e4 * data["x0"] + data["x1"] + 1e-3 * rng.normal(size=3000)
    top, bottom = selection(*stored("y ~ .", data), "aic").plot().axes
    assert bottom.get_xticks().tolist() == [1, 2, 3, 4, 5, 6, 7]
    heights = top.transAxes.inverted().transform(top.transData.transform([(1, 0.0), (1, 2.0), (1, 5.0), (1, 10.0)]))
    assert (np.diff(heights[:, 1]) > 0.04).all()


def test_a_fit_without_any_residual_is_drawn_beside_the_others():
    has_term = np.array([[False, True, True], [False, False, True]])
    values = np.array([40.0, -np.inf, 3.0])
    top, _ = drawn(Candidates(np.array([1, 2, 3]), values, 1, ("x", "z"), has_term, "AIC")).axes
    assert lines(top)["best: 2 columns"].get_ydata().tolist() == [0.0]
    assert lines(top)["best of its size"].get_ydata().tolist() == [37.0, 0.0, 0.0]
    alone = Candidates(np.array([2]), np.array([-np.inf]), 0, ("x",), np.array([[True]]), "AIC")
    png(drawn(alone))
