"""Generalized linear models: `gramian.glm`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack, overload

from gramian.api.settings import RunPolicy, iterated_of, options_of, runner_of, split_of, vcov_of
from gramian.errors import OptionError
from gramian.fit.glm.fit import fit_glm
from gramian.fit.glm.options import glm_options
from gramian.fit.glm.result import GlmFit
from gramian.formula.grammar import parse
from gramian.keywords import Columns, GlmFitKeywords, GlmKeywords, completed, takes
from gramian.results.fitted_rows import FittedRows

if TYPE_CHECKING:
    from gramian.fit.groups.result import Fits


@overload
def glm(
    formula: str, data: Any, family: str = "binomial", link: str | None = None, **options: Unpack[GlmFitKeywords]
) -> GlmFit: ...
@overload
def glm(
    formula: str,
    data: Any,
    family: str = "binomial",
    link: str | None = None,
    *,
    by: Columns,
    **options: Unpack[GlmFitKeywords],
) -> Fits: ...
@overload
def glm(
    formula: str,
    data: Any,
    family: str = "binomial",
    link: str | None = None,
    **options: Unpack[GlmKeywords],
) -> GlmFit | Fits: ...
@takes(GlmKeywords)
def glm(
    formula: str, data: Any, family: str = "binomial", link: str | None = None, **options: Unpack[GlmKeywords]
) -> GlmFit | Fits:
    """Generalized linear model by iteratively reweighted least squares, in two to four passes.

    Parameters
    ----------
    formula : str
        Such as "y ~ x + factor(month)". Factors after "|" are absorbed, as in "y ~ x | firm + year" or, for the
        combinations of both, "y ~ x | firm^year": their levels have effects, but no reported coefficients; rows of
        levels whose outcomes all lie at an end of the family's range are left out and counted as "separated". A
        binomial outcome is 0 and 1, booleans, two texts (the second in their order is the success), or proportions.
    data : object
        Rows, as in `gramian.ols`; they are read several times.
    family : str, default "binomial"
        "binomial", "poisson", "gamma", "inverse_gaussian", "gaussian", "negative_binomial", "quasibinomial",
        "quasipoisson" or "quasi".
    link : str, optional
        By default R's for the family.
    by : str or sequence of str, optional
        Columns whose every value has a fit of its own, from passes over its own rows.
    split, fsplit : str, optional
        As in `gramian.ols`.
    theta : float, optional
        Parameter of the negative binomial; estimated by default.
    variance : str, optional
        Variance function of "quasi", such as "mu^2".
    offset : str, optional
        Column that is added to the linear predictor.
    tolerance : float, default 1e-8
        Error predicted for the coefficients, in standard errors, at which the iteration ends.
    max_passes : int, default 25
        Largest number of passes over the data.
    weights : str, optional
        Column of prior weights; the number of trials where a binomial outcome is a proportion.
    counts, na, vcov, like
        As in `gramian.ols`. `like="stata"` takes the observed information, of theta, too.
    separation : {"error", "drop"}, default "error"
        What happens where columns separate the outcome, so that no finite coefficients are best: a SeparationError, or
        the rows that a separating direction moves are left out, again and again, as by Stata's ppmlhdfe, and counted
        under the names of its columns. The other coefficients are those of the rows that are left; a column that only
        served to separate is then dependent.
    information : {"expected", "observed"}, optional
        What standard errors are made of where the link is not canonical (with a canonical one both are the same), or
        theta is estimated: expected by default, which takes theta as known, as R does.
    drop_first : bool, default False
        As in `gramian.ridge`.
    collinear, checkpoint, where, panel_id, engine, progress, skip_bad
        As in `gramian.ols`.
    ridge : float, optional
        Penalty on the squared slopes that is added to the deviance; 1 / C of scikit-learn's `LogisticRegression`.

    Returns
    -------
    GlmFit or Fits
        With `by`, and for several outcomes or right sides, as in "c(y1, y2) ~ csw(a, b)", `Fits`: a mapping from key to
        GlmFit, each of its own rows.

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As in `gramian.ols`.
    SeparationError
        Where a binomial outcome is separated, so that estimates are infinite.
    ConvergenceError
        Where the iteration does not converge.

    Examples
    --------
    >>> import gramian as gm
    >>> fit = gm.glm("y ~ x", {"x": [1, 2, 3, 4, 5, 6], "y": ["no", "no", "yes", "no", "yes", "yes"]})
    >>> round(fit["x"], 6)
    1.214028
    """
    given = completed(glm, options)
    policy, runner = RunPolicy(given["checkpoint"], given["skip_bad"]), runner_of(data, given)
    parsed = parse(formula)
    settings = glm_options(
        family,
        link,
        common=options_of(given, given["ridge"]),
        vcov=vcov_of(given, parsed, runner.source.schema),
        like=given["like"],
        **iterated_of(given),
    )
    rows = FittedRows(runner.source)  # before the fit keeps rows in the place of the source
    split = split_of(given)
    if split.by is not None or parsed.stands_for_several:
        if policy != RunPolicy():
            raise OptionError("checkpoint and skip_bad go with one fit, not with by or several models")
        from gramian.api.generalized_groups import fit_several  # most calls are for one fit

        return fit_several(parsed, settings, runner, split, rows)
    solved, skipped = policy.run(lambda passes: fit_glm(parsed, settings, passes), runner, "glm", formula, settings)
    linear = replace(solved.linear, dropped_rows=solved.linear.dropped_rows + skipped)
    return GlmFit(replace(solved, linear=linear), rows)
