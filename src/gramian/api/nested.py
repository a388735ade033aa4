"""Tests of nested fits: `gramian.anova`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import pyarrow as pa

from gramian.errors import OptionError, listing, one_of
from gramian.fit.glm.result import GlmFit
from gramian.fit.linear.result import LinearFit
from gramian.inference.nested import LIKELIHOOD_RATIO, F, NestedModel, steps
from gramian.results.tables import null_if_nan

AnyFit: TypeAlias = LinearFit | GlmFit
ROUNDING = 1e-9  # relative difference that sums of the same rows in two fits may have


def anova(*fits: AnyFit, test: Literal["F", "LR"] | None = None) -> pa.Table:
    """Tests of nested models of the same rows, from the smallest to the largest.

    Parameters
    ----------
    *fits : LinearFit or GlmFit
        Two or more fits, each of which contains those with fewer columns. That they are nested is not checked beyond
        their deviances.
    test : {"F", "LR"}, optional
        F tests, with the dispersion of the largest model, or likelihood-ratio tests. By default F where the dispersion
        is estimated, as R's `anova`, else LR.

    Returns
    -------
    pyarrow.Table
        One row for each fit: formula, df_residual, deviance, loglik, then df, explained (deviance), statistic and
        p_value beside the row before.

    Raises
    ------
    OptionError
        For fits of other rows, outcomes, weights or families, with penalties or robust covariances, or that are not
        nested.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"x": [1.0, 2, 3, 4, 5, 6], "z": [1.0, 0, 1, 0, 0, 1], "y": [1.1, 2.0, 3.2, 4.1, 4.8, 6.3]}
    >>> table = gm.anova(gm.ols("y ~ 1", data), gm.ols("y ~ x", data), gm.ols("y ~ x + z", data))
    >>> table.column("df").to_pylist()
    [None, 1.0, 1.0]
    """
    models = sorted(fits, key=lambda fit: -fit.df_residual)
    _check(models)
    estimated = [not isinstance(fit, GlmFit) or not fit.known_dispersion for fit in models]
    chosen = F if estimated[-1] else LIKELIHOOD_RATIO
    if test is not None:
        chosen = one_of("test", test, (F, LIKELIHOOD_RATIO))
    if chosen == LIKELIHOOD_RATIO and any(fit.loglik is None for fit in models):
        raise OptionError("a quasi family has no likelihood; test='F' compares deviances")
    largest = models[-1]
    dispersion = largest.dispersion if isinstance(largest, GlmFit) else largest.sigma**2
    nested = [NestedModel(fit.df_residual, fit.deviance, fit.loglik) for fit in models]
    added = steps(nested, chosen, dispersion)
    numbers = {
        "df_residual": [m.df_residual for m in nested],
        "deviance": [m.deviance for m in nested],
        "loglik": [math.nan if m.loglik is None else m.loglik for m in nested],
        **{name: [getattr(step, name) for step in added] for name in ("df", "explained", "statistic", "p_value")},
    }
    columns = {name: pa.array([null_if_nan(v) for v in values], pa.float64()) for name, values in numbers.items()}
    return pa.table({"formula": pa.array([fit.formula for fit in models], pa.string()), **columns})


def _check(fits: Sequence[AnyFit]) -> None:
    """Raise OptionError for fits that cannot be compared."""
    if len(fits) < 2:
        raise OptionError("anova compares two fits or more, as in gm.anova(fit1, fit2); fit.anova() is of one fit")
    for fit in fits:
        if not isinstance(fit, LinearFit | GlmFit):
            raise OptionError(f"anova compares linear and generalized linear fits, found {type(fit).__name__}")
        if fit.alpha is not None:
            raise OptionError(f"'{fit.formula}' has a penalty, whose degrees of freedom make no test")
    first, *others = fits
    for fit in others:
        if different := list(_differences(first, fit)):
            raise OptionError(f"'{first.formula}' and '{fit.formula}' cannot be compared: {listing(different)}")
    for small, large in pairwise(fits):
        if small.deviance < large.deviance * (1.0 - ROUNDING):
            raise OptionError(
                f"'{small.formula}' is not nested in '{large.formula}': it fits better with fewer columns"
            )


def _differences(a: AnyFit, b: AnyFit) -> Iterator[str]:
    """What two fits do not have in common, in words."""
    if type(a) is not type(b) or (isinstance(a, GlmFit) and isinstance(b, GlmFit) and _family(a) != _family(b)):
        yield "their families or links differ"
        return
    outcomes = [fit.formula.partition("~")[0].strip() for fit in (a, b)]
    if outcomes[0] != outcomes[1]:
        yield f"their outcomes are {' and '.join(outcomes)}"
    if a.rows != b.rows:
        yield f"they have {a.rows:,} and {b.rows:,} rows (rows without some column of one of them are left out)"
    elif not _same(a.weight, b.weight) or not _same(_mean(a), _mean(b)):
        yield "they are of other rows, or have other weights"
    if a.covariance.name != "iid" or b.covariance.name != "iid":
        yield "their covariances are robust, for which fit.test(...) tests the coefficients"


def _family(fit: GlmFit) -> tuple[str, str, float | None]:
    """Family, link and theta."""
    return fit.family, fit.link, fit.theta


def _mean(fit: AnyFit) -> float:
    """Weighted mean of the outcome."""
    return fit.solved.mean if isinstance(fit, LinearFit) else fit.solved.linear.mean


def _same(a: float, b: float) -> bool:
    """Whether two sums of the same rows agree up to rounding."""
    return math.isclose(a, b, rel_tol=ROUNDING, abs_tol=ROUNDING)
