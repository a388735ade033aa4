"""Fits of every kind, solver, source and engine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from case import Case, case
from formulas import CURVES, FORMULAS, GLMS, LIKE, ONE, TWO, VCOV
from tables import FILES, LARGE, Data

import gramian as gm


def linear(data: Data) -> Iterator[Case]:
    rows = data.rows
    for formula in FORMULAS:
        yield case(gm.ols, formula, rows)
    for formula in ("y ~ 1", "y ~ x + z + f", "y ~ 0 + x + f"):
        yield case(gm.ols, formula, rows, weights="w")
        yield case(gm.ols, formula, rows, counts="n")
    for vcov in VCOV:
        yield case(gm.ols, "y ~ x + z + f", rows, vcov=vcov)
    for like in LIKE:
        yield case(gm.ols, "y ~ x + f", rows, vcov="HC1", like=like)
        yield case(gm.ols, "y ~ x + f", rows, vcov=ONE, like=like, weights="w")
        yield case(gm.ols, "y ~ x + z | firm", rows, vcov=ONE, like=like)
    yield case(gm.ols, "y ~ x | firm + year", rows, vcov=TWO, weights="w")
    for collinear in ("min-norm", "raise"):
        yield case(gm.ols, "y ~ x + I(2 * x) + f", rows, collinear=collinear)
    yield "one row", partial(gm.ols, "y ~ x", rows.slice(0, 1))
    for formula in ("y ~ x + z + f", "y ~ 0 + x", "y ~ 1"):
        yield case(gm.ridge, formula, rows, 1.5)
    yield case(gm.ridge, "y ~ x + f", rows, 1.5, drop_first=True, weights="w")


def precise(data: Data) -> Iterator[Case]:
    rows = data.rows
    for formula in ("y ~ 1", "y ~ x + z + f", "y ~ poly(z, 3) + x", "y ~ f * x"):
        yield case(gm.ols, formula, rows, digits=13)
        yield case(gm.ols, formula, rows, exact=True)
        yield case(gm.ols, formula, "rows.csv", decimal="exact")
    yield case(gm.ols, "y ~ z + I(z^2) + I(z^3) + I(z^4)", rows, digits=10)
    yield case(gm.ols, "y ~ x + f", rows, exact=True, weights="w")
    yield case(gm.ols, "y ~ x + f", rows, exact=True, counts="n", vcov="HC2")
    yield case(gm.ridge, "y ~ x + z", rows, 0.1, digits=12)


def grouped(data: Data) -> Iterator[Case]:
    for formula in ("y ~ 1", "y ~ x + z", "y ~ f + x", "c(y, y2) ~ x", "c(y, y2) ~ 1", "c(log(size), y) ~ x + f"):
        yield case(gm.ols, formula, data.rows, by="g")
    yield case(gm.ols, "y ~ x", data.rows, by=["g", "year"], weights="w")
    yield case(gm.ols, "y ~ x", data.rows, by="firm", digits=12)
    yield case(gm.ols, "c(y, y2) ~ x + f", data.rows)
    yield case(gm.ridge, "y ~ x + f", data.rows, 1.0, by="g")


def general(data: Data) -> Iterator[Case]:
    for formula, options in GLMS:
        yield case(gm.glm, formula, data.rows, **options)


def curves(data: Data) -> Iterator[Case]:
    for formula, options in CURVES:
        yield case(gm.curve, formula, data.growth, **options)


def wide(data: Data) -> Iterator[Case]:
    from scipy.sparse import csr_array

    few = {"X": data.wide["X"], "y": data.wide["y"]}
    tall = {"X": csr_array(data.wide["tall"]), "y": data.wide["target"]}
    yield case(gm.ols, "y ~ X", tall, solver="iterative")
    yield case(gm.ols, "y ~ X", tall)
    yield case(gm.ridge, "y ~ X", tall, 0.5, solver="iterative")
    yield case(gm.ridge, "y ~ X", few, 0.5, solver="dual")
    yield case(gm.ols, "y ~ X", few, solver="dual", collinear="min-norm")
    yield case(gm.ols, "y ~ X", few, collinear="min-norm")


def sources(data: Data) -> Iterator[Case]:
    import pandas  # noqa: F401  # Arrow's to_pandas needs it
    import polars

    for file in FILES:
        yield case(gm.ols, "y ~ x + z + f", file)
    for threads in (1, 2):
        run = gm.Local(threads=threads)
        yield case(gm.ols, "y ~ a + b + c + f", LARGE, engine=run)
        yield case(gm.ols, "y ~ 1", LARGE, engine=run, by="f")
        yield case(gm.ols, "y ~ a + f", LARGE, engine=run, vcov="HC3")
        yield case(gm.ols, "y ~ a + c", LARGE, engine=run, exact=True)
        yield case(gm.glm, "hit ~ a + c + f", LARGE, engine=run)
    yield case(gm.ols, "y ~ a + b", LARGE, checkpoint="run.checkpoint")
    made = {"dict": data.rows.to_pydict(), "pandas": data.rows.to_pandas(), "polars": polars.from_arrow(data.rows)}
    made |= {"lazy": polars.from_arrow(data.rows).lazy(), "batches": data.rows.to_batches(max_chunksize=100)}
    for name, source in made.items():
        yield f"ols of {name}", partial(gm.ols, "y ~ x + f + g:x", source)
    yield "ols of a matrix", partial(gm.ols, "target ~ tall", {k: data.wide[k] for k in ("tall", "target")})


def dask(data: Data) -> Iterator[Case]:
    if find_spec("distributed") is None:
        return
    from distributed import Client

    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        for formula, options in (("y ~ a + b + c + f", {}), ("y ~ 1", {}), ("y ~ a + f", {"vcov": "HC1"})):
            yield (
                case(gm.ols, formula, LARGE, **options)[0],
                partial(gm.ols, formula, LARGE, engine=client, **options),
            )
        yield "glm", partial(gm.glm, "hit ~ a + f", LARGE, engine=client)
