"""Right uses of the public functions, and the types that a checker gives their results."""

from __future__ import annotations

from typing import assert_type

import gramian as gm
from gramian.fit.curve.result import CurveFit
from gramian.fit.glm.result import GlmFit
from gramian.fit.gram.result import Gram
from gramian.fit.groups.result import Fits
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.plan import Plan
from gramian.fit.wide.result import WideFit
from gramian.keywords import LinearKeywords
from gramian.lessons import Lesson
from gramian.saved import Saved

rows = {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}

assert_type(gm.ols("y ~ x", rows), LinearFit)
assert_type(gm.ols("y ~ x", rows, vcov={"cluster": ["a", "b"]}, digits=10, na="raise", solver="gram"), LinearFit)
assert_type(gm.ols("y ~ x", rows, by="g"), Fits)
assert_type(gm.ols("y ~ x", rows, by=["g", "h"], weights="w")["a", 1], LinearFit)
assert_type(gm.ols("y ~ x", rows, solver="iterative"), WideFit)
assert_type(gm.ols("y ~ x", rows, solver="dual", collinear="min-norm"), WideFit)
assert_type(gm.fits("c(y, z) ~ x", rows), Fits)
assert_type(gm.fits("y ~ x", rows, by="g", engine="dask")["a"].r_squared, float)

assert_type(gm.ridge("y ~ x", rows, 2.0), LinearFit)
assert_type(gm.ridge("y ~ x", rows, alpha=2, by="g", drop_first=True), Fits)
assert_type(gm.glm("y ~ x", rows, "poisson", by="g", counts="n"), Fits)
assert_type(gm.ridge("y ~ x", rows, 2, solver="dual"), WideFit)

assert_type(gm.glm("y ~ x", rows, "poisson", link="log", offset="x", ridge=1), GlmFit)
assert_type(gm.curve("y ~ logistic(x)", rows, bounds={"rate": (0, None)}, max_passes=9), CurveFit)
assert_type(gm.plan("y ~ x", rows, family="binomial", tolerance=1e-6), Plan)
assert_type(gm.load("y.fit"), Saved)
assert_type(gm.lesson("y ~ x", rows), Lesson)

gram = gm.gram("y ~ x", rows, by="g", exact=False, engine=gm.Local(threads=2))
assert_type(gram, Gram)
assert_type(gram + gram, Gram)
assert_type(gram.ols("y ~ x", drop="x", where="a"), LinearFit)
assert_type(gram.ols("y ~ x", each=True, digits=6), Fits)
assert_type(gram.ridge(2, "y ~ x", drop_first=True), LinearFit)
assert_type(gram.ridge(2, each=True), Fits)


def residual_deviation(**options: LinearKeywords) -> None:
    """The keyword arguments of a function can be collected."""
    settings: LinearKeywords = {"weights": "w", "vcov": "HC1"}
    assert_type(gm.ols("y ~ x", rows, **settings).sigma, float)


def maybe_grouped(by: str | None) -> None:
    """What is known only at run time gives a union."""
    assert_type(gm.ols("y ~ x", rows, by=by), LinearFit | Fits)
