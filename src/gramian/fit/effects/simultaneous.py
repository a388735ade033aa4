"""Coefficients with intervals that hold together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.errors import OptionError, did_you_mean
from gramian.inference.draws.sup_t import sup_t
from gramian.results.effects import Effects
from gramian.results.estimates import Estimates


def simultaneous(fit: Estimates, names: Sequence[str] | None) -> Effects:
    """The coefficients of these names; of None all but the intercept. Raises OptionError for others."""
    if isinstance(names, str):
        raise OptionError(f"names must be a list of coefficients, found the text {names!r}: write [{names!r}]")
    has_error = np.isfinite(fit.std_errors) & (fit.std_errors > 0.0)
    if names is None:
        names = [name for name, has in zip(fit.names, has_error, strict=True) if has and name != "Intercept"]
    for name in names:
        if name not in fit.names:
            raise OptionError(f"no coefficient '{name}'{did_you_mean(name, fit.names)}")
        if not has_error[fit.names.index(name)]:
            raise OptionError(f"'{name}' has no standard error, so it has no interval: leave it out")
    if not names:
        raise OptionError("there is no coefficient with a standard error but the intercept: give names=['Intercept']")
    at = [fit.names.index(name) for name in names]
    covariance = fit.vcov[np.ix_(at, at)]
    return Effects(
        "coefficients",
        {"term": tuple(names)},
        fit.coefficients[at],
        covariance,
        fit.covariance.df,
        adjustment=sup_t(covariance),
    )
