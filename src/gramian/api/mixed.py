"""Linear mixed models: `gramian.mixed`."""

from __future__ import annotations

from typing import Any, Unpack

from gramian.api.settings import options_of, runner_of
from gramian.fit.mixed.designs import mixed_designs
from gramian.fit.mixed.fit import fit_mixed
from gramian.fit.mixed.options import MixedOptions
from gramian.fit.mixed.result import MixedFit
from gramian.fit.passes.job import Job
from gramian.formula.grammar import parse
from gramian.keywords import MixedKeywords, completed, takes
from gramian.results.fitted_rows import FittedRows


@takes(MixedKeywords)
def mixed(formula: str, data: Any, *, reml: bool = True, **options: Unpack[MixedKeywords]) -> MixedFit:
    """Linear mixed model with random intercepts and slopes of one grouping, from one pass.

    Parameters
    ----------
    formula : str
        Random effects stand in parentheses, as in lme4: "y ~ x + (1 | firm)" for an intercept of each firm, "y ~ x +
        (1 + x | firm)" for an intercept and a slope that may be correlated, "y ~ x + (1 + x || firm)" or "y ~ x +
        (1 | firm) + (0 + x | firm)" for uncorrelated ones. The groups are those of one column, or of the combinations
        of several, "(1 | firm:year)".
    data : object
        Rows in any order, as in `gramian.ols`. A row without a group is incomplete.
    reml : bool, default True
        Whether the restricted likelihood is maximised; False for the likelihood.
    weights : str, optional
        Column of weights: the residual variance of a row is sigma^2 / w, as in lme4.
    counts, na, where, panel_id, engine, progress
        As in `gramian.ols`.
    collinear : {"drop", "raise"}, default "drop"
        What happens to fixed effects whose columns depend on others.

    Returns
    -------
    MixedFit
        Fixed effects with Satterthwaite's degrees of freedom, variance components, random effects.

    Raises
    ------
    FormulaError
        Where the formula cannot be parsed, has no random effects, or has those of several groupings.
    OptionError, DataError
        As in `gramian.ols`.
    NumericalError
        For one group, as many random effects as rows, dependent columns of random effects, or a search that does not
        converge.

    Notes
    -----
    One pass leaves, for each group, the products of the random effects' columns with all others. The search over the
    covariance of the random effects needs no rows: Newton's method on the profiled deviance of Bates, Maechler, Bolker
    and Walker (2015), with exact derivatives. Digits are not certified.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [0.0, 1, 2, 0, 1, 2, 0, 1, 2],
    ...         "y": [1.0, 2.1, 2.9, 3.0, 4.2, 5.1, 0.1, 1.0, 1.8]}
    >>> fit = gm.mixed("y ~ x + (1 | g)", rows)
    >>> fit.variance_components().select(["group", "sdcor"]).to_pylist()[0]["group"]
    'g'
    >>> fit.random_effects["estimate"].to_numpy().round(2).tolist()
    [-0.35, 1.74, -1.39]
    """
    given = completed(mixed, {"reml": reml, **options})
    runner, settings, likelihood = runner_of(data, given), options_of(given), MixedOptions(reml)
    rows = FittedRows(runner.source)
    designs = mixed_designs(parse(formula), runner.source.schema, settings)
    return MixedFit(fit_mixed(Job(designs.joint, settings, runner), designs, likelihood), rows)
