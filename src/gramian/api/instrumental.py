"""Linear models with instruments: `gramian.iv`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack, overload

from gramian.api.settings import RunPolicy, Split, options_of, runner_of, split_of, vcov_of
from gramian.errors import OptionError
from gramian.fit.iv.designs import iv_designs
from gramian.fit.iv.fit import fit_iv
from gramian.fit.iv.options import IvOptions, iv_options
from gramian.fit.iv.result import IvFit
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.options import Options
from gramian.formula.grammar import Formula, parse
from gramian.inference.vcov_spec import VcovSpec, vcov_spec
from gramian.keywords import Columns, IvFitKeywords, IvKeywords, completed, takes
from gramian.results.fitted_rows import FittedRows

if TYPE_CHECKING:
    from gramian.fit.groups.result import Fits


@overload
def iv(formula: str, data: Any, **options: Unpack[IvFitKeywords]) -> IvFit: ...
@overload
def iv(formula: str, data: Any, *, by: Columns, **options: Unpack[IvFitKeywords]) -> Fits: ...
@overload
def iv(formula: str, data: Any, **options: Unpack[IvKeywords]) -> IvFit | Fits: ...
@takes(IvKeywords)
def iv(formula: str, data: Any, **options: Unpack[IvKeywords]) -> IvFit | Fits:
    """Linear regression with instrumental variables, in one pass.

    Parameters
    ----------
    formula : str
        Endogenous columns and their instruments stand in brackets, as in "y ~ w + [x ~ z1 + z2]", or at the end, as in
        "y ~ w | x ~ z1 + z2" and, with an absorbed factor, "y ~ w | firm | x ~ z1". Several endogenous columns:
        "y ~ w + [x1 + x2 ~ z1 + z2]". The other terms are instruments of themselves. A formula may stand for several
        models with the same instruments, as in "c(y1, y2) ~ csw(a, b) | sw(f, g) | x ~ z".
    data : object
        Rows, as in `gramian.ols`.
    estimator : {"2sls", "liml", "fuller", "gmm"}, default "2sls"
        Two-stage least squares; limited information maximum likelihood; Fuller's correction of it; two-step GMM, whose
        weights are the inverse covariance of the moments by `vcov`, without its small-sample factor.
    fuller : float, default 1.0
        Fuller's constant.
    vcov : str or mapping, default "iid"
        Covariance of the coefficients and of all tests: "iid", "HC0" to "HC4", {"cluster": "firm"} or {"cluster":
        ["firm", "year"], "type": "CR1"} with the types CR0, CR1, and CR2 or CR3 for one column; {"hac": 4, "time": "t"}
        and {"driscoll_kraay": "t", "lags": 4} as in `gramian.ols`. HC2 to HC4, CR2 and CR3 have the leverages of the
        second stage, with projected regressors, and are for "2sls". All but "iid" take further passes: one for the
        model, and one for each first stage.
    by, split, fsplit, weights, na, counts, like, digits, checkpoint, where, panel_id, engine, progress, skip_bad
        As in `gramian.ols`.
    collinear : {"drop", "raise"}, default "drop"
        As in `gramian.ols`. Excluded instruments that depend on others are left out, and named.

    Returns
    -------
    IvFit or Fits
        The fit, with its first stages. With `by`, and for several models, `Fits`: a mapping from key to IvFit, each of
        its own rows, from shared passes as in `gramian.ols`.

    Raises
    ------
    FormulaError
        Where the formula cannot be parsed, names no instruments, or has a term in two places.
    OptionError, DataError
        As in `gramian.ols`.
    NotIdentifiedError
        Where there are fewer instruments than endogenous columns, or these do not determine a coefficient.

    Warns
    -----
    AccuracyWarning
        Where the digits cannot be certified.

    Notes
    -----
    The digits of two-stage least squares are certified as those of least squares, by bounds of the effect of all
    rounding errors of the sums of both stages. Where they are fewer than `digits`, further passes refine the solution
    by residuals of both stages in twofold precision, but beside absorbed factors. Those of LIML, Fuller and GMM are
    not certified, for their weights are solutions themselves.

    Robust covariances of the k-class are (X'(1 - k M)X)^-1 S (X'(1 - k M)X)^-1 with S of the scores of projected
    regressors, M = 1 - P, as in linearmodels.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"y": [1.0, 3.0, 4.0, 8.0], "x": [0.0, 1.0, 2.0, 4.0], "z": [0.0, 1.0, 1.0, 2.0]}
    >>> round(gm.iv("y ~ [x ~ z]", rows)["x"], 12)
    1.75
    """
    given = completed(iv, options)
    runner, policy = runner_of(data, given), RunPolicy(given["checkpoint"], given["skip_bad"])
    parsed, rows = parse(formula), FittedRows(runner.source)
    vcov = vcov_spec(vcov_of(given, parsed, runner.source.schema), given["like"])
    estimator = iv_options(given["estimator"], given["fuller"])
    return run_iv(parsed, options_of(given), runner, policy, rows, vcov, estimator, split_of(given))


def run_iv(
    formula: Formula,
    options: Options,
    runner: PassRunner,
    policy: RunPolicy,
    rows: FittedRows,
    vcov: VcovSpec | None,
    estimator: IvOptions,
    split: Split,
) -> IvFit | Fits:
    """A fit with instruments of a parsed formula, or several."""
    if split.by is not None or formula.stands_for_several:
        if policy != RunPolicy():
            raise OptionError("checkpoint and skip_bad go with one fit, not with by or several models")
        from gramian.api.instrumental_groups import fit_several_iv  # most calls are for one fit

        return fit_several_iv(formula, options, estimator, runner, split, rows, vcov)
    designs = iv_designs(formula, runner.source.schema, options)
    solved, skipped = policy.run(
        lambda passes: fit_iv(Job(designs.joint, options, passes), designs, estimator, vcov),
        runner,
        "iv",
        formula.text,
        options,
        estimator,
        vcov,
    )
    structural = replace(solved.structural, dropped_rows=solved.structural.dropped_rows + skipped)
    return IvFit(replace(solved, structural=structural), rows)
