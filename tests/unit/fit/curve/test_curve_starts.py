"""Which parameters need a start, and how near to the minimum a search ends."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gramian import curve, load
from gramian.errors import ConvergenceError, OptionError
from gramian.fit.curve.start import _nearest

X = np.linspace(0, 4, 60)
DATA = {"x": X, "y": 2 + 3 * np.exp(-1.3 * X) + 0.05 * np.cos(40 * X)}
DECAY = "y ~ a + b * exp(-k * x)"
# a problem of J. S. Kowalik and M. R. Osborne (1968); NIST's MGH09 certifies the solution to eleven digits
ENZYME = {
    "x": [4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
    "y": [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
}
RATIONAL = "y ~ b1 * (x^2 + x*b2) / (x^2 + x*b3 + b4)"
VALUES = [0.19280693458, 0.19128232873, 0.12305650693, 0.13606233068]
ERRORS = [0.011435312227, 0.19633220911, 0.080842031232, 0.090025542308]


def test_a_straight_line_needs_no_start():
    fit = curve("y ~ a + b * x", DATA)
    assert fit.names == ("a", "b")
    assert fit.start == {}
    assert fit.coefficients == pytest.approx(np.polyfit(X, DATA["y"], 1)[::-1], rel=1e-12)


def test_linear_parameters_need_no_start():
    fit, full = curve(DECAY, DATA, {"k": 1}), curve(DECAY, DATA, {"a": 1, "b": 1, "k": 1})
    assert fit.names == full.names == ("a", "b", "k")
    assert fit.start == {"k": 1}
    np.testing.assert_array_equal(fit.coefficients, full.coefficients)
    np.testing.assert_array_equal(fit.vcov, full.vcov)


def test_of_a_product_the_one_without_a_start_is_solved_for(tmp_path):
    fits = [curve("y ~ a * (1 + c * x)", DATA, start) for start in ({"a": 1}, {"c": -0.1})]
    assert [dict(fit.start) for fit in fits] == [{"a": 1}, {"c": -0.1}]
    assert fits[0].names == fits[1].names == ("a", "c")
    assert fits[0].coefficients == pytest.approx(fits[1].coefficients, rel=1e-8)
    fits[0].save(tmp_path / "fit")
    np.testing.assert_array_equal(load(tmp_path / "fit").predict(DATA), fits[0].predict(DATA))


def test_a_search_that_does_not_converge_gives_the_point_where_it_stopped(tmp_path):
    with pytest.raises(ConvergenceError, match="after 2 passes") as caught:
        curve(DECAY, DATA, {"k": 30}, max_passes=2)
    fit = pickle.loads(pickle.dumps(caught.value)).last
    assert not fit.converged
    assert str(caught.value) in fit.summary().replace("\n", " ")
    fit.save(tmp_path / "fit")
    assert not load(tmp_path / "fit").converged
    assert fit.predict(DATA) == pytest.approx(fit["a"] + fit["b"] * np.exp(-fit["k"] * X), rel=1e-12)


def test_short_names_resemble_columns_by_chance_but_long_ones_do_not():
    assert curve("y ~ y0 + x1 * x", DATA).names == ("y0", "x1")
    with pytest.raises(OptionError, match="'length': did you mean 'lengths'"):
        curve("y ~ a + b * length", {"lengths": X, "y": X})


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize("start", [(0.415, 0.39, 0.39), (41.5, 39, 39)])
def test_the_tolerance_is_kept_where_steps_shrink_slowly(tolerance, start):
    b3, b4, b2 = start
    fit = curve(RATIONAL, ENZYME, {"b2": b2, "b3": b3, "b4": b4}, tolerance=tolerance)
    assert (np.abs(fit.coefficients - VALUES) <= (tolerance + 1e-10) * np.array(ERRORS)).all()
    assert fit.std_errors == pytest.approx(ERRORS, rel=2 * tolerance + 1e-10)
    assert fit.passes <= (20 if start[0] < 1 else 60)  # twice as many without combined steps


def test_rounding_does_not_choose_among_starts_that_are_as_good() -> None:
    def search(loss: float, distance: float) -> Any:
        return SimpleNamespace(point=SimpleNamespace(loss=loss, rounding_error=1e-14), distance=distance)

    near = search(1.0 + 1e-14, 1e-8)
    assert _nearest([search(1.0, 1e-6), near, search(1.1, 0.0)]) is near
    assert _nearest([search(1.0 + 1.5e-14, 1e-6), near]) is near
    lower = search(1.0 - 1e-10, 1e-4)
    assert _nearest([near, lower]) is lower
