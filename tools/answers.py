"""What fits and Grams answer, how they are saved, and what is built on them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from case import Case, case, saved
from formulas import COMMANDS, ONE
from tables import Data

import gramian as gm


def stored(data: Data) -> Iterator[Case]:
    rows, formula = data.rows, "y ~ x + poly(z, 2) + f + u + b"
    gram = gm.gram(formula, rows)
    yield "gram", lambda: gram
    for formula in (
        "y ~ 1",
        "y ~ x + f",
        "x ~ y + z",
        'y ~ C(f, ref="c") + poly(z, 2)',
        "c(y, u) ~ x + z",
        "y ~ 0 + x",
    ):
        yield case(gram.ols, formula)
    yield case(gram.ols, drop=["f", "u"])
    yield case(gram.ridge, 2.0, "y ~ x + f")
    for ratio in (0.0, 0.5, 1.0):
        yield case(gram.path, ratio, standardize=ratio == 1.0)
    yield case(gram.path, 1.0, alphas=[0.5, 0.1, 0.01], penalties={"x": 0.0}, drop_first=True)
    yield "path's best", lambda: gram.path().best()
    for criterion, method in (("aic", "best"), ("bic", "forward"), ("adj_r2", "backward"), ("cp", "best")):
        yield case(gram.select, criterion, method)
    yield case(gram.vif)
    yield case(gram.correlation)
    first, second = (gm.gram("y ~ x * f", rows.slice(start, 300)) for start in (0, 300))
    both = first + second
    for name, made in (("sum", both), ("difference", both - first), ("exact", gm.gram("y ~ x + f", rows, exact=True))):
        yield name, lambda made=made: made
        yield f"{name} fit", made.ols
        yield f"{name} saved", partial(saved, made)
    yield "difference, intercept", partial((both - first).ols, "y ~ 1")
    folds = gm.gram("y ~ x + z + f", rows, folds=5)
    for ratio in (0.0, 1.0):
        yield case(folds.cross_validate, ratio)
    yield "folds saved", partial(saved, folds)
    groups = gm.gram("y ~ x + z + f", rows, by="g", weights="w")
    yield case(groups.ols, "y ~ x", each=True)
    yield case(groups.ols, "y ~ 1", each=True)
    yield case(groups.ols, where="two")
    yield "groups saved", partial(saved, groups)
    clusters = gm.gram("y ~ x + z + f", rows, cluster=["firm"])
    for vcov in (ONE, {**ONE, "type": "CR0"}, {**ONE, "type": "CR3"}):
        yield case(clusters.ols, "y ~ x + f", vcov=vcov)
    yield "clusters saved", partial(saved, clusters)


def asked(data: Data) -> Iterator[Case]:
    """What fits answer: tests, tables of variance, predictions, files."""
    linear, absorbed = gm.ols("y ~ x + z + f", data.rows), gm.ols("y ~ x + z | firm", data.rows, vcov=ONE)
    for kind in (1, 2, 3):
        yield case(linear.anova, kind)
    yield case(linear.vif)
    yield case(linear.collinearity)
    yield case(linear.with_vcov, "HC2", data.rows)
    yield "test", partial(linear.test, "f[b] = f[c], 2*x = 1")
    for name, fit in (
        ("linear", linear),
        ("absorbed", absorbed),
        ("weighted", gm.ols("y ~ bs(z, 5)", data.rows, weights="w")),
    ):
        yield from results(fit, data.rows, name)
    for scale in ("response", "link"):
        yield case(gm.glm("hit ~ x + f", data.rows).predict, data.rows, scale=scale, interval="confidence")
    yield from results(gm.glm("count ~ x + f", data.rows, "poisson"), data.rows, "general")
    yield from results(gm.curve("y ~ logistic(x)", data.growth), data.growth, "curve")


def results(fit: Any, rows: Any, name: str) -> Iterator[Case]:
    """What every kind of fit answers about rows."""
    yield f"{name} predict", partial(fit.predict, rows)
    yield f"{name} confidence", partial(fit.predict, rows, interval="confidence", level=0.9)
    yield f"{name} augment", partial(fit.augment, rows)
    yield f"{name} saved", partial(saved, fit)


def lessons(data: Data) -> Iterator[Case]:
    yield case(gm.compare, "y ~ x + z", data.rows, max_iterations=20_000, passes=3)
    yield case(gm.compare, "y ~ x + f", data.rows, methods=["conjugate-gradient"], scale_features=True, weights="w")
    for name, steps in (
        ("line", gm.derive("y ~ x", data.small)),
        ("parabola", gm.derive("y ~ x", data.small, polynomial=2, constant="first")),
    ):
        for told in (steps.text, steps.markdown, steps.html, steps.to_dict):
            yield f"{name} {told.__name__}", told
    run = gm.Local(threads=2)
    yield "plan", lambda: str(gm.plan("y ~ x + f", "rows.parquet", engine=run))
    yield "plan of glm", lambda: str(gm.plan("hit ~ x", "rows.csv", family="binomial", engine=run))


def estimators(data: Data) -> Iterator[Case]:
    from gramian import sklearn

    X, y = data.wide["tall"], data.wide["target"]
    weights = np.linspace(1, 2, len(y))
    models = [sklearn.LinearRegression(), sklearn.LinearRegression(positive=True), sklearn.PolynomialRegression()]
    models += [sklearn.Ridge(alpha=0.5), sklearn.Lasso(alpha=0.02), sklearn.ElasticNet(alpha=0.02)]
    models += [sklearn.LassoCV(cv=4), sklearn.RidgeCV(), sklearn.RidgeCV(cv=4)]
    for model in models:
        yield repr(model), partial(model.fit, X, y)
        yield f"{model!r} predict", lambda model=model: model.predict(X)
    yield "LinearRegression weighted", partial(sklearn.LinearRegression().fit, X, y, weights)
    yield "LogisticRegression", partial(sklearn.LogisticRegression().fit, X, y > np.median(y))
    yield "PoissonRegressor", partial(sklearn.PoissonRegressor().fit, X, np.floor(y))
    yield "inference", lambda: sklearn.LinearRegression().fit(X, y).inference_


def commands(data: Data) -> Iterator[Case]:
    from pyarrow.csv import write_csv

    for name in ("small", "growth"):
        write_csv(getattr(data, name), f"{name}.csv")
    for command in COMMANDS:
        yield command, partial(command_line, command)


def command_line(command: str) -> tuple[int, str]:
    """Exit code and output of a command of this very library."""
    own = os.environ | {"PYTHONPATH": str(Path(gm.__file__).parents[1])}
    words = [sys.executable, "-m", "gramian", *shlex.split(command)]
    done = subprocess.run(words, env=own, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
