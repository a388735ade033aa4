"""Linear fits as Arrow tables with broom's column names, and as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from gramian.inference.anova import AnovaRow
from gramian.inference.estimators import BiasReduced
from gramian.inference.tests import Test
from gramian.results.tables import SCHEMA, coefficients, finite, null_if_nan, one_row
from gramian.typing import Vector

if TYPE_CHECKING:
    from gramian.fit.leastsquares.absorbed import Absorbed
    from gramian.fit.leastsquares.solution import Solved
    from gramian.fit.linear.result import LinearFit


class CertifiedFit(Protocol):
    """A fit whose digits are certified."""

    @property
    def solved(self) -> Solved: ...
    @property
    def std_error_digits(self) -> Vector: ...
    @property
    def passes(self) -> int: ...
    @property
    def condition(self) -> float: ...


class AbsorbedFit(Protocol):
    """A fit that may have absorbed factors."""

    @property
    def absorbed(self) -> Absorbed | None: ...
    @property
    def within_r_squared(self) -> float: ...


def glance(fit: LinearFit) -> pa.Table:
    """Statistics of the fit in one row, null where they are not defined."""
    return one_row(fit_statistics(fit))


def fit_statistics(fit: LinearFit) -> dict[str, float | None]:
    """Statistics of the fit by name, as broom's glance.lm; `df` is that of the numerator of the F test."""
    f = fit.f_test
    return {
        "r_squared": fit.r_squared,
        "adj_r_squared": fit.adj_r_squared,
        "sigma": fit.sigma,
        "statistic": None if f is None else f.statistic,
        "p_value": None if f is None else f.p_value,
        "df": None if f is None else f.df[0],
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
        "rows": fit.rows,
    }


def to_dict(fit: LinearFit, level: float) -> dict[str, Any]:
    """The JSON object of `--format json`, with the version of its schema."""
    # the F test is an object of its own below, rows stand at the top
    numbers = {
        name: finite(v) for name, v in fit_statistics(fit).items() if name not in ("statistic", "p_value", "df", "rows")
    }
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "family": "gaussian",
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": coefficients(fit, level),
        **numbers,
        "f_test": test_to_dict(fit.f_test),
        "absorbed": absorbed_to_dict(fit),
        "rank": fit.rank,
        "aliased": dict(fit.aliased),
        "alpha": fit.alpha,
        "vcov": fit.covariance.name,
        "recipe": fit.covariance.description,
        "accuracy": accuracy(fit),
    }


def accuracy(fit: CertifiedFit) -> dict[str, Any]:
    """Precision, passes and condition of a fit, and the fewest certified digits of any coefficient."""
    certified = fit.solved.accuracy
    common = {"passes": fit.passes, "condition": finite(fit.condition)}
    if certified is None:
        return common
    return {
        "tier": certified.precision,
        "digits": finite(certified.fewest_digits),
        "std_error_digits": _fewest_std_error_digits(fit),
        "rss_digits": finite(certified.rss_digits),
        "reached": certified.reached,
        "not_certified": not_certified(fit.solved),
        **common,
    }


def not_certified(solved: Solved) -> str | None:
    """That robust standard errors have no certified digits, and why; None where they have, or are not robust."""
    if solved.robust is None or solved.robust.std_error_digits is not None:
        return None
    if solved.absorbed is not None:
        reason = "what absorbed factors cost robust ones has no bound"
    elif solved.robust.negative:
        reason = "negative eigenvalues of their covariance were raised"
    elif isinstance(solved.robust.vcov.estimator, BiasReduced):
        reason = f"the adjustment of {solved.robust.vcov.kind} has no bound of its rounding errors"
    else:
        reason = "the fit has no bounds of its rounding errors"
    return f"standard errors not certified: {reason}"


def _fewest_std_error_digits(fit: CertifiedFit) -> float | None:
    """The fewest certified digits of any standard error, None where they are not certified."""
    certified = fit.std_error_digits[~np.isnan(fit.std_error_digits)]
    return float(certified.min()) if len(certified) else None


def absorbed_to_dict(fit: AbsorbedFit) -> dict[str, Any] | None:
    """Levels and degrees of freedom of absorbed factors, None without any."""
    absorbed = fit.absorbed
    if absorbed is None:
        return None
    return {**absorbed.to_dict(), "within_r_squared": finite(fit.within_r_squared)}


def test_to_dict(test: Test | None) -> dict[str, Any] | None:
    """A test as a JSON object."""
    if test is None:
        return None
    return {"statistic": finite(test.statistic), "df": list(test.df), "p_value": finite(test.p_value)}


def anova(lines: list[AnovaRow]) -> pa.Table:
    """An analysis of variance as a table: one row for each term, the residuals last, null where not defined."""
    numbers = ("df", "sum_sq", "mean_sq", "statistic", "p_value")
    values = {name: pa.array([null_if_nan(getattr(line, name)) for line in lines], pa.float64()) for name in numbers}
    return pa.table({"term": pa.array([line.term for line in lines], pa.string()), **values})
