"""The functions that people call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.engines.progress import Progress
from gramian.errors import OptionError, one_of
from gramian.fit.glm.fit import fit_glm
from gramian.fit.glm.options import glm_options
from gramian.fit.glm.plan import plan_glm
from gramian.fit.glm.result import GlmFit
from gramian.fit.gram.fit import fit_gram, gram_data_of
from gramian.fit.gram.fit_groups import extra_sums_of, fit_gram_with
from gramian.fit.gram.result import Gram
from gramian.fit.groups.fit import fit_grouped, has_multiple_outcomes
from gramian.fit.groups.plan import plan_grouped
from gramian.fit.groups.result import Fits
from gramian.fit.linear.fit import fit_linear
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.job import job_of
from gramian.fit.passes.keys import by_columns
from gramian.fit.passes.options import COLLINEAR, NA, SOLVERS, Options, penalty, with_accuracy
from gramian.fit.passes.plan import Plan
from gramian.fit.passes.runner import PassRunner
from gramian.fit.resume.run import RunPolicy
from gramian.fit.wide.result import WideFit
from gramian.fit.wide.solver import fit_wide, plan_any_solver
from gramian.formula.grammar import parse
from gramian.inference.recipes import Vcov, VcovSpec, vcov_spec

if TYPE_CHECKING:
    from gramian.saved import Saved

Fitted: TypeAlias = Any  # LinearFit, or Fits: overloads would say every option three times


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
    by: str | Sequence[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    skip_bad: bool = False,
    solver: str = "auto",
    engine: Engine | str | None = None,
    progress: Progress | None = None,
) -> Fitted:
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
    by : column, or columns, whose every value gets a fit of its own, all from the same pass.
    Returns a LinearFit (a WideFit of very many columns); with `by`, or several outcomes as in "c(y1, y2) ~ x", `Fits`,
    a mapping from key to LinearFit.
    checkpoint : a file in which the sums are kept every two seconds; after an interrupt the same call goes on from it.
    skip_bad : leave out files and row groups that cannot be read, and list them in `dropped_rows`.
    engine : "local", "dask", a `distributed.Client`, or an object such as `gm.Local(threads=2)`.
    solver : "gram" sums products of columns, "iterative" and "dual" are for columns too many for that, and give
    a WideFit. "auto" chooses by memory and sparsity, and `plan` says why.
    Raises FormulaError, DataError, NumericalError, all of them GramianError.

    >>> import gramian as gm
    >>> fit = gm.ols("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    >>> round(fit["x"], 12)
    1.9
    """
    options = _options(weights, counts, na, collinear, solver=solver)
    options = with_accuracy(options, digits, exact=exact, decimal=decimal)
    runner = _runner(data, engine, progress)
    return _fit(formula, options, runner, RunPolicy(checkpoint, skip_bad), vcov_spec(vcov, like), by)


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
    by: str | Sequence[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    skip_bad: bool = False,
    solver: str = "auto",
    engine: Engine | str | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Ridge regression: alpha times the squared slopes is added to the weighted sum of squares.

    alpha means what it means in scikit-learn's `Ridge`; the intercept is not penalised. Factors enter with all their
    levels, so that the answer does not depend on a reference level, unless `drop_first`. Other options as `ols`.
    """
    options = with_accuracy(_options(weights, counts, na, "drop", penalty(alpha), drop_first, solver), digits)
    runner = _runner(data, engine, progress)
    return _fit(formula, options, runner, RunPolicy(checkpoint, skip_bad), None, by)


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
    checkpoint: str | PathLike[str] | None = None,
    skip_bad: bool = False,
    engine: Engine | str | None = None,
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
        theta=theta,
        variance=variance,
        common=_options(weights, None, na, collinear, alpha, drop_first),
        offset=offset,
        vcov=vcov,
        like=like,
        tolerance=tolerance,
        max_passes=max_passes,
    )
    policy, runner = RunPolicy(checkpoint, skip_bad), _runner(data, engine, progress)
    parsed = parse(formula)
    solved, skipped = policy.run(lambda passes: fit_glm(parsed, options, passes), runner, "glm", formula, options)
    return GlmFit(replace(solved, linear=replace(solved.linear, dropped_rows=solved.linear.dropped_rows + skipped)))


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
    by: str | Sequence[str] | None = None,
    solver: str = "auto",
    engine: Engine | str | None = None,
    progress: Progress | None = None,
    **iterated: Any,
) -> Plan:
    """What the fit with these options will read, how often, by which solver, and why; reads no rows itself.

    With a family the options of `glm`: link, theta, variance, offset, tolerance, max_passes.
    """
    options = _options(weights, counts, na, collinear, None if alpha is None else penalty(alpha), drop_first, solver)
    if family is not None and by is not None:
        raise OptionError("by does not go with a family; fit one group after another")
    if family is not None:
        glm_settings = glm_options(family, common=options, vcov=vcov, like=like, **iterated)
        return plan_glm(parse(formula), glm_settings, _runner(data, engine, progress))
    if iterated:
        raise OptionError(f"{next(iter(iterated))} goes with a family; without one the model is linear")
    options = with_accuracy(options, digits, exact=exact, decimal=decimal)
    runner, parsed = _runner(data, engine, progress), parse(formula)
    if by is not None or has_multiple_outcomes(parsed):
        return plan_grouped(parsed, options, runner, None if by is None else by_columns(by))
    return plan_any_solver(parsed, options, runner, vcov_spec(vcov, like))


def gram(
    formula: str,
    data: Any,
    *,
    weights: str | None = None,
    counts: str | None = None,
    folds: int | None = None,
    by: str | Sequence[str] | None = None,
    cluster: str | Sequence[str] | None = None,
    exact: bool = False,
    decimal: str | None = None,
    na: str = "drop",
    checkpoint: str | PathLike[str] | None = None,
    engine: Engine | str | None = None,
    progress: Progress | None = None,
) -> Gram:
    """The sums of one pass, from which every linear model of the formula's columns comes without the data.

    A row enters when all columns of the formula are present. folds : keep the sums of so many folds apart, for
    `cross_validate`; a row's fold is its number in its file, modulo their number. by : keep those of every group apart.
    cluster : keep the products of every cluster, for `vcov={"cluster": ...}`; memory is clusters x columns^2.
    exact : sums without any rounding, from which rows can be taken away again without a trace; `digest` is then the
    same however they came about. Other options as `ols`.

    >>> import gramian as gm
    >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
    >>> gram.ols("y ~ b").names
    ('Intercept', 'b')
    """
    options = with_accuracy(_options(weights, counts, na, "drop"), 8, exact=exact, decimal=decimal)
    runner = _runner(data, engine, progress)
    extra = extra_sums_of(folds, by, cluster, exact=options.exact, checkpoint=checkpoint is not None)
    parsed = parse(formula)
    if extra is not None:
        return Gram(fit_gram_with(parsed, options, runner, extra))
    policy = RunPolicy(checkpoint)
    gram_data, _ = policy.run(lambda passes: fit_gram(parsed, options, passes), runner, "gram", formula, options)
    return Gram(gram_data)


def load(path: str | PathLike[str]) -> Saved:
    """A fit or a Gram that was saved. Raises ArtifactError where the file is damaged, foreign or too new."""
    from gramian.saved import load as load_saved  # it knows every kind of fit, and how each is written

    return load_saved(path)


def fit_and_gram(
    formula: str,
    data: Any,
    *,
    alpha: float | None = None,
    drop_first: bool = False,
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
    engine: Engine | str | None = None,
    progress: Progress | None = None,
) -> tuple[LinearFit, Gram]:
    """A linear fit, and the sums of its first pass: what `gramian fit --gram` saves. Options as `ols` and `ridge`."""
    options = _options(weights, counts, na, collinear, None if alpha is None else penalty(alpha), drop_first, solver)
    options, runner = with_accuracy(options, digits, exact=exact, decimal=decimal), _runner(data, engine, progress)
    parsed, spec = parse(formula), vcov_spec(vcov, like)
    if fit_wide(parsed, options, runner, iid=spec is None) is not None:
        raise OptionError('the sums of a Gram go with solver="gram"; this fit has another')
    job = job_of(parsed, options, runner, absorbing=not options.exact)
    run = fit_linear(job, spec)
    return LinearFit(run.solved), Gram(gram_data_of(job.design, job.source, run.sums))


def _runner(data: Any, engine: Engine | str | None, progress: Progress | None) -> PassRunner:
    """The rows, and what reads them."""
    return PassRunner(engine=engine_of(engine, data), source=source_of(data), progress=progress)


def _fit(
    formula: str,
    options: Options,
    runner: PassRunner,
    policy: RunPolicy,
    vcov: VcovSpec | None,
    by: str | Sequence[str] | None,
) -> Fitted:
    parsed = parse(formula)
    if by is None and not has_multiple_outcomes(parsed):
        if (wide := fit_wide(parsed, options, runner, iid=vcov is None)) is not None:
            if policy != RunPolicy():
                raise OptionError('checkpoint and skip_bad go with solver="gram"; this fit has another')
            return WideFit(wide)
        solved, skipped = policy.run(
            lambda passes: fit_linear(job_of(parsed, options, passes, absorbing=not options.exact), vcov).solved,
            runner,
            "ols",
            formula,
            options,
            vcov,
        )
        return LinearFit(replace(solved, dropped_rows=solved.dropped_rows + skipped))
    if vcov is not None:
        raise OptionError("vcov goes with one fit; with by, or several outcomes, take fits[key].with_vcov() afterwards")
    if policy != RunPolicy():
        raise OptionError("checkpoint and skip_bad go with one fit, not with by or several outcomes")
    return Fits(fit_grouped(parsed, options, runner, None if by is None else by_columns(by)))


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
    options = Options(weights, counts, drop, one_of("collinear", collinear, COLLINEAR), alpha, drop_first)
    return replace(options, solver=one_of("solver", solver, SOLVERS))
