"""Linear models: `gramian.ols`, `gramian.ridge` and `gramian.fits`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, overload

from gramian.api.settings import RunPolicy, Split, options_of, runner_of, split_of, vcov_of
from gramian.errors import OptionError
from gramian.fit.linear.fit import fit_linear
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.job import PassRunner, job_of
from gramian.fit.passes.options import Options
from gramian.fit.wide.solver import fit_wide
from gramian.formula.grammar import Formula, parse
from gramian.inference.vcov_spec import VcovSpec, vcov_spec
from gramian.keywords import (
    Columns,
    FitsKeywords,
    GramSolver,
    LinearKeywords,
    OlsKeywords,
    PenalizedKeywords,
    RidgeKeywords,
    WideSolver,
    completed,
    takes,
)
from gramian.results.fitted_rows import FittedRows

if TYPE_CHECKING:
    from gramian.fit.groups.result import Fits
    from gramian.fit.iv.result import IvFit
    from gramian.fit.leastsquares.solution import Solved
    from gramian.fit.wide.result import WideFit

AnyFit: TypeAlias = "LinearFit | IvFit | WideFit | Fits"


@overload
def ols(
    formula: str, data: Any, *, by: None = None, solver: GramSolver = "auto", **options: Unpack[LinearKeywords]
) -> LinearFit: ...
@overload
def ols(
    formula: str, data: Any, *, by: None = None, solver: WideSolver, **options: Unpack[LinearKeywords]
) -> WideFit: ...
@overload
def ols(
    formula: str, data: Any, *, by: Columns, solver: GramSolver = "auto", **options: Unpack[LinearKeywords]
) -> Fits: ...
@overload
def ols(formula: str, data: Any, *, split: str, **options: Unpack[LinearKeywords]) -> Fits: ...
@overload
def ols(formula: str, data: Any, *, fsplit: str, **options: Unpack[LinearKeywords]) -> Fits: ...
@takes(OlsKeywords)
def ols(formula: str, data: Any, **options: Unpack[OlsKeywords]) -> AnyFit:
    """Ordinary (or weighted) least squares in one pass.

    Parameters
    ----------
    formula : str
        Such as "y ~ x + factor(month)".
    data : object
        Paths, a frame, a dict of arrays, a relation, or an iterable of batches.
    by : str or sequence of str, optional
        Columns whose every value has a fit of its own, all from the same pass.
    split, fsplit : str, optional
        As in fixest: `split` is `by` of one column; with `fsplit` there is also the fit to all rows, under "Full
        sample".
    solver : {"auto", "gram", "iterative", "dual"}, default "auto"
        "gram" sums products of columns. "iterative" and "dual" are for columns too many for that. "auto" chooses by
        memory and sparsity, and `gramian.plan` says why.
    weights : str, optional
        Column of analytic weights, as in R's `lm`.
    na : {"drop", "raise"}, default "drop"
        Whether incomplete rows are left out and counted, or refused.
    counts : str, optional
        Column that says how many rows a row stands for.
    vcov : str or mapping, default "iid"
        Covariance of the coefficients: "iid", "HC0" to "HC4", {"cluster": "firm"} or {"cluster": ["firm", "year"],
        "type": "CR1"} with the types CR0, CR1, and CR2 or CR3 for one column; {"hac": 4} by Newey and West for rows in
        the order of time, {"hac": 4, "time": "t"}, {"hac": 4, "time": "t", "panel": "firm"}, {"driscoll_kraay": "t",
        "lags": 4}, with "auto" or "andrews" for lags that the data choose; {"conley": 100, "lat": "lat", "lon": "lon"}
        for places within 100 km, "kernel" uniform or "bartlett", "distance" spherical or "triangular". "cluster" and
        "twoway" are clusters by the first absorbed factors. All but "iid" take one more pass.
        With CR2 the t test of each coefficient has Satterthwaite's degrees of freedom, and joint tests are those by
        Hotelling's T squared (HTZ), as in clubSandwich; predictions and effects have the degrees of freedom of CR1.
    like : {"R", "statsmodels", "stata", "fixest"}, optional
        Package whose conventions a robust covariance follows.
    digits : float, default 8
        Certified digits wanted of every coefficient, from 0 to 15. Further passes are made where one is not enough.
    exact : bool, default False
        Whether sums are made without rounding: the same bits in any order, and correctly rounded coefficients.
    decimal : {"float64", "exact"}, optional
        "exact" takes DECIMAL columns and the numbers of text files as what they say, with exact sums. By default they
        are the nearest float64.
    collinear : {"drop", "min-norm", "raise"}, default "drop"
        Whether later columns that depend on earlier ones are left out, the minimum-norm solution is taken, or they are
        refused.
    checkpoint : str or path-like, optional
        File in which the sums are kept every two seconds; after an interrupt the same call goes on from it.
    where : str, optional
        Condition on the rows that enter, such as "x > 0 & carrier == 'AA'" (see `gramian.rows`).
    panel_id : tuple of str and str, optional
        Columns of panels and times, by which the rows are in order; then formulas may have lags `l(x, 1)`, leads
        `f(x, 1)` and differences `d(x)` (see `gramian.rows`).
    engine : Engine or str, optional
        "local", "dask", "spark", a `distributed.Client`, a `pyspark.sql.SparkSession`, or an object such as
        `gramian.Local(threads=2)`. By default threads of this process, or the workers that have a frame.
    progress : bool or Progress, optional
        True for a bar (in a notebook of tqdm, else of rich); or an object that is informed of rows and bytes read.
    skip_bad : bool, default False
        Whether files and row groups that cannot be read are left out, and listed in `dropped_rows`.

    Returns
    -------
    LinearFit, IvFit, Fits or WideFit
        A LinearFit. Where the formula has instruments, as in "y ~ w + [x ~ z]", the IvFit of
        `gramian.iv`. With `by`, or with several outcomes as in "c(y1, y2) ~ x", `Fits`: a mapping from key to
        LinearFit. So does a formula with `sw`, `csw`, `sw0`, `csw0` or `mvsw`, as in "y ~ csw(a, b) | sw(f, f + g)":
        every model has the rows that have all of its columns, and all share one pass for each set of absorbed factors.
        Of very many columns, or with the solvers "iterative" and "dual", a WideFit. A type checker does not read
        formulas: `gramian.fits` is `Fits` to it.

    Raises
    ------
    FormulaError
        Where the formula cannot be parsed.
    OptionError
        Where an option has a value without meaning, or does not go with another.
    DataError
        Where the data cannot be read, or lack a column.
    NumericalError
        Where the data do not determine a coefficient that must be determined.

    Warns
    -----
    AccuracyWarning
        Where the digits cannot be certified.

    Examples
    --------
    >>> import gramian as gm
    >>> fit = gm.ols("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    >>> round(fit["x"], 12)
    1.9
    """
    given = completed(ols, options)
    runner, policy = runner_of(data, given), RunPolicy(given["checkpoint"], given["skip_bad"])
    parsed, rows = parse(formula), FittedRows(runner.source)
    vcov = vcov_spec(vcov_of(given, parsed, runner.source.schema), given["like"])
    return _fit(parsed, options_of(given), runner, policy, rows, vcov, split_of(given))


@overload
def ridge(
    formula: str,
    data: Any,
    alpha: float,
    *,
    by: None = None,
    solver: GramSolver = "auto",
    **options: Unpack[PenalizedKeywords],
) -> LinearFit: ...
@overload
def ridge(
    formula: str, data: Any, alpha: float, *, by: None = None, solver: WideSolver, **options: Unpack[PenalizedKeywords]
) -> WideFit: ...
@overload
def ridge(
    formula: str,
    data: Any,
    alpha: float,
    *,
    by: Columns,
    solver: GramSolver = "auto",
    **options: Unpack[PenalizedKeywords],
) -> Fits: ...
@overload
def ridge(formula: str, data: Any, alpha: float, *, split: str, **options: Unpack[PenalizedKeywords]) -> Fits: ...
@overload
def ridge(formula: str, data: Any, alpha: float, *, fsplit: str, **options: Unpack[PenalizedKeywords]) -> Fits: ...
@takes(RidgeKeywords)
def ridge(formula: str, data: Any, alpha: float, **options: Unpack[RidgeKeywords]) -> AnyFit:
    """Ridge regression: alpha times the sum of the squared slopes is added to the weighted sum of squares.

    Parameters
    ----------
    formula : str
        Such as "y ~ x + factor(month)".
    data : object
        Rows, as in `gramian.ols`.
    alpha : float
        Penalty, as in scikit-learn's `Ridge`; the intercept is not penalized.
    by, split, fsplit, solver, weights, na, counts
        As in `gramian.ols`.
    drop_first : bool, default False
        Whether factors leave out their reference level. By default they enter with all levels, so that the result does
        not depend on a reference.
    digits, checkpoint, where, panel_id, engine, progress, skip_bad
        As in `gramian.ols`.

    Returns
    -------
    LinearFit, Fits or WideFit
        As in `gramian.ols`.

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As in `gramian.ols`.

    Examples
    --------
    >>> import gramian as gm
    >>> fit = gm.ridge("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}, alpha=5)
    >>> round(fit["x"], 12)
    0.95
    """
    given = completed(ridge, options)
    runner, policy = runner_of(data, given), RunPolicy(given["checkpoint"], given["skip_bad"])
    rows = FittedRows(runner.source)
    return _fit(parse(formula), options_of(given, alpha), runner, policy, rows, None, split_of(given))


@takes(FitsKeywords)
def fits(formula: str, data: Any, **options: Unpack[FitsKeywords]) -> Fits:
    """Least squares as in `gramian.ols`, as a mapping from key to LinearFit whatever the number of fits.

    For several outcomes, as in "c(y1, y2) ~ x", for several right sides, as in "y ~ csw(a, b)", and for programs that
    treat one fit as many. A key begins with the name of the outcome; with `by` and one outcome it is the group alone.

    Parameters
    ----------
    formula : str
        Such as "c(y1, y2) ~ x".
    data : object
        Rows, as in `gramian.ols`.
    **options
        As in `gramian.ols`; `solver` is "auto" or "gram".

    Returns
    -------
    Fits
        One fit of every outcome and group.

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As in `gramian.ols`.

    Examples
    --------
    >>> import gramian as gm
    >>> fits = gm.fits("c(y, z) ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8], "z": [1, 0, 1, 2]})
    >>> list(fits)
    ['y', 'z']
    >>> list(gm.fits("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}))
    ['y']
    """
    given = completed(fits, options)
    runner, policy = runner_of(data, given), RunPolicy(given["checkpoint"], given["skip_bad"])
    model, parsed = options_of(given), parse(formula)
    vcov = vcov_spec(vcov_of(given, parsed, runner.source.schema), given["like"])
    if model.solver not in ("auto", "gram"):
        raise OptionError(f'solver="{model.solver}" makes one fit of another kind: use ols for it')
    split = split_of(given)
    if split.by is None and not parsed.stands_for_several:
        from gramian.fit.groups.fit import single
        from gramian.fit.groups.result import Fits

        return Fits(single(_linear(parsed, model, runner, policy, vcov)), FittedRows(runner.source))
    if parsed.instruments is not None:
        from gramian.api.instrumental_groups import fit_several_iv
        from gramian.fit.iv.options import IvOptions

        return fit_several_iv(parsed, model, IvOptions(), runner, split, FittedRows(runner.source), vcov)
    return _grouped(parsed, model, runner, policy, vcov, split)


def _fit(
    parsed: Formula,
    options: Options,
    runner: PassRunner,
    policy: RunPolicy,
    rows: FittedRows,
    vcov: VcovSpec | None,
    split: Split,
) -> AnyFit:
    """A fit, or several."""
    if parsed.instruments is not None and options.alpha is None:
        from gramian.api.instrumental import run_iv  # most formulas have no instruments
        from gramian.fit.iv.options import IvOptions

        return run_iv(parsed, options, runner, policy, rows, vcov, IvOptions(), split)
    if split.by is not None or parsed.stands_for_several:
        return _grouped(parsed, options, runner, policy, vcov, split)
    if (wide := fit_wide(parsed, options, runner, iid=vcov is None)) is None:
        return LinearFit(_linear(parsed, options, runner, policy, vcov), rows)
    if policy != RunPolicy():
        raise OptionError('checkpoint and skip_bad go with solver="gram"; this fit has another')
    from gramian.fit.wide.result import WideFit

    return WideFit(wide, rows)


def _linear(formula: Formula, options: Options, runner: PassRunner, policy: RunPolicy, vcov: VcovSpec | None) -> Solved:
    """One fit by products of columns."""
    solved, skipped = policy.run(
        lambda passes: fit_linear(job_of(formula, options, passes, absorbing=not options.exact), vcov).solved,
        runner,
        "ols",
        formula.text,
        options,
        vcov,
    )
    return replace(solved, dropped_rows=solved.dropped_rows + skipped)


def _grouped(
    formula: Formula,
    options: Options,
    runner: PassRunner,
    policy: RunPolicy,
    vcov: VcovSpec | None,
    split: Split,
) -> Fits:
    """A fit of every model and group."""
    if policy != RunPolicy():
        raise OptionError("checkpoint and skip_bad go with one fit, not with by or several outcomes")
    from gramian.fit.groups.fit import fit_grouped
    from gramian.fit.groups.result import Fits
    from gramian.fit.passes.keys import by_columns

    columns, rows = None if split.by is None else by_columns(split.by), FittedRows(runner.source)
    return Fits(fit_grouped(formula, options, runner, columns, vcov, full=split.full), rows, columns)
