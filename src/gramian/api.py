"""The functions that people call."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import Any

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.engines.progress import Progress
from gramian.errors import OptionError
from gramian.fit.engine import Engine
from gramian.fit.glm import run_glm
from gramian.fit.glm_options import glm_options
from gramian.fit.glm_plan import plan_glm
from gramian.fit.options import COLLINEAR, NA, SOLVERS, Options, accurate, one_of, penalty
from gramian.fit.plan import Plan
from gramian.inference.recipes import Recipe, Vcov, recipe
from gramian.results.glm import GlmFit
from gramian.results.linear import LinearFit
from gramian.results.saved import Fit
from gramian.results.saved import load as load_saved
from gramian.results.wide import WideFit
from gramian.results.wide_api import fit_linear, plan_with


def ols(
    formula: str,
    data: Any,
    *,
    weights: str | None = None,
    counts: str | None = None,
    vcov: Vcov = "iid",
    like: str | None = None,
    digits: float = 8,
    exact: bool = False,
    decimal: str | None = None,
    na: str = "drop",
    collinear: str = "drop",
    solver: str = "auto",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> LinearFit | WideFit:
    """Ordinary (or weighted) least squares in one pass.

    formula : such as "y ~ x + factor(month)". data : paths, a frame, arrays, batches; see the README.
    weights : column of analytic weights, as R's `lm`. counts : column that says how many rows a row stands for.
    vcov : "iid"; "HC0" to "HC3", {"cluster": "firm"} or {"cluster": ["firm", "year"], "type": "CR1"} (CR0, CR1; CR3 for
    one column) in one more pass. like : "R", "statsmodels", "stata" or "fixest", to do it as they do.
    digits : certified digits wanted of every coefficient. Further passes are made where one is not enough, and an
    AccuracyWarning says so where they cannot be had. exact : sums without any rounding, the same bits in whatever
    order; coefficients correctly rounded. decimal : "exact" reads DECIMAL columns and the numbers of text files as what
    they say, with exact sums. na : "drop" leaves incomplete rows out and counts them, "raise" refuses them.
    collinear : "drop" leaves out later dependent columns, "min-norm" takes the pseudo-inverse, "raise" refuses.
    solver : "gram" sums products of columns, "iterative" and "dual" are for columns too many for that, and give
    a WideFit. "auto" chooses by memory and sparsity, and `plan` says why.
    Raises FormulaError, DataError, NumericalError, all of them GramianError.

    >>> import gramian as gm
    >>> fit = gm.ols("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    >>> round(fit["x"], 12)
    1.9
    """
    options = accurate(_options(weights, counts, na, collinear, solver=solver), digits, exact=exact, decimal=decimal)
    return _fit(formula, data, options, engine, progress, recipe(vcov, like))


def ridge(
    formula: str,
    data: Any,
    alpha: float,
    *,
    drop_first: bool = False,
    weights: str | None = None,
    counts: str | None = None,
    digits: float = 8,
    na: str = "drop",
    solver: str = "auto",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> LinearFit | WideFit:
    """Ridge regression: alpha times the squared slopes is added to the weighted sum of squares.

    alpha means what it means in scikit-learn's `Ridge`; the intercept is not penalised. Factors enter with all their
    levels, so that the answer does not depend on a reference level, unless `drop_first`. Other options as `ols`.
    """
    options = accurate(_options(weights, counts, na, "drop", penalty(alpha), drop_first, solver), digits)
    return _fit(formula, data, options, engine, progress)


def glm(
    formula: str,
    data: Any,
    family: str = "binomial",
    link: str | None = None,
    *,
    theta: float | None = None,
    variance: str | None = None,
    weights: str | None = None,
    offset: str | None = None,
    vcov: Vcov = "iid",
    like: str | None = None,
    ridge: float | None = None,
    drop_first: bool = False,
    tolerance: float = 1e-8,
    max_passes: int = 25,
    na: str = "drop",
    collinear: str = "drop",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> GlmFit:
    """Generalized linear model by iteratively reweighted least squares, in two to four passes.

    family : "binomial", "poisson", "gamma", "inverse_gaussian", "gaussian", "negative_binomial", "quasibinomial",
    "quasipoisson" or "quasi". link : by default R's for the family.
    theta : of the negative binomial, estimated if None. variance : of "quasi", such as "mu^2".
    weights : column of prior weights; trials where a binomial outcome is a proportion. offset : column added to X b.
    vcov, like : as in `ols`, at the cost of one more pass. ridge : penalty alpha on the squared slopes, added to
    the deviance (scikit-learn's `LogisticRegression` calls 1 / alpha C). drop_first : as in `ridge`.
    tolerance : of the error predicted for the coefficients, in standard errors. Other options as `ols`.
    A binomial outcome is 0 and 1, booleans, two texts (the second in their order is the success), or proportions.
    Raises what `ols` raises, SeparationError, ConvergenceError.

    >>> import gramian as gm
    >>> fit = gm.glm("y ~ x", {"x": [1, 2, 3, 4, 5, 6], "y": ["no", "no", "yes", "no", "yes", "yes"]})
    >>> round(fit["x"], 6)
    1.214028
    """
    alpha = None if ridge is None else penalty(ridge)
    options = glm_options(
        family,
        link,
        theta,
        variance,
        common=_options(weights, None, na, collinear, alpha, drop_first),
        offset=offset,
        vcov=vcov,
        like=like,
        tolerance=tolerance,
        max_passes=max_passes,
    )
    return GlmFit(run_glm(formula, source_of(data), options, _engine(engine), progress))


def plan(
    formula: str,
    data: Any,
    *,
    family: str | None = None,
    alpha: float | None = None,
    drop_first: bool = False,
    weights: str | None = None,
    counts: str | None = None,
    vcov: Vcov = "iid",
    like: str | None = None,
    na: str = "drop",
    collinear: str = "drop",
    digits: float = 8,
    exact: bool = False,
    decimal: str | None = None,
    solver: str = "auto",
    engine: Engine | None = None,
    progress: Progress | None = None,
    **iterated: Any,
) -> Plan:
    """What the fit with these options will read, how often, by which solver, and why; reads no rows itself.

    With a family the options of `glm`: link, theta, variance, offset, tolerance, max_passes.
    """
    options = _options(weights, counts, na, collinear, None if alpha is None else penalty(alpha), drop_first, solver)
    threads = getattr(_engine(engine), "workers", 1)
    if family is not None:
        given = glm_options(family, common=options, vcov=vcov, like=like, **iterated)
        return plan_glm(formula, source_of(data), given, threads)
    if iterated:
        raise OptionError(f"{next(iter(iterated))} goes with a family; without one the model is linear")
    options = accurate(options, digits, exact=exact, decimal=decimal)
    return plan_with(formula, source_of(data), options, recipe(vcov, like), threads)


def load(path: str | PathLike[str]) -> Fit:
    """A fit that was saved. Raises ArtifactError where the file is damaged, foreign or too new."""
    return load_saved(path)


def _fit(
    formula: str,
    data: Any,
    options: Options,
    engine: Engine | None,
    progress: Progress | None,
    recipe: Recipe | None = None,
) -> LinearFit | WideFit:
    return fit_linear(formula, source_of(data), options, recipe, _engine(engine), progress)


def _engine(engine: Engine | None) -> Engine:
    if engine is None:
        return Local()
    if not callable(getattr(engine, "fold", None)):
        raise OptionError(f"engine must have a method 'fold', such as gm.Local(threads=2); found {engine!r}")
    return engine


def _options(
    weights: str | None,
    counts: str | None,
    na: str,
    collinear: str,
    alpha: float | None = None,
    drop_first: bool = False,
    solver: str = "auto",
) -> Options:
    for name, value in (("weights", weights), ("counts", counts)):
        if value is not None and not isinstance(value, str):
            raise OptionError(f"{name} must be the name of a column, found {type(value).__name__}")
    drop = one_of("na", na, NA) == "drop"
    found = Options(weights, counts, drop, one_of("collinear", collinear, COLLINEAR), alpha, drop_first)
    return replace(found, solver=one_of("solver", solver, SOLVERS))
