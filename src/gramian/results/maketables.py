"""The plug-in protocol of the package maketables, which writes tables for Word and Typst from any fit.

That package looks for attributes of these names; it is never imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gramian.errors import MissingExtraError

if TYPE_CHECKING:
    from gramian.results.estimates import Estimates

STATISTICS = {
    "N": "rows",
    "r2": "r_squared",
    "adj_r2": "adj_r_squared",
    "r2_within": "within_r_squared",
    "pseudo_r2": "pseudo_r_squared",
    "rmse": "sigma",
    "deviance": "deviance",
    "ll": "loglik",
    "aic": "aic",
    "bic": "bic",
}
DEFAULT = ("N", "r2", "adj_r2", "pseudo_r2")


class ForMaketables:
    """Attributes by which maketables reads a fit."""

    __slots__ = ()

    @property
    def __maketables_coef_table__(self) -> Any:
        """A pandas DataFrame with the columns b, se, t, p, ci95l and ci95u, indexed by the names of coefficients."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtraError("pandas", "pandas") from None
        fit = cast("Estimates", self)
        low, high = fit.conf_int(0.95).T
        columns = {"b": fit.coefficients, "se": fit.std_errors, "t": fit.statistics, "p": fit.p_values}
        index = pd.Index(fit.names, name="Coefficient")
        return pd.DataFrame({**columns, "ci95l": low, "ci95u": high}, index=index)

    def __maketables_stat__(self, key: str) -> Any:
        """A statistic by its name there; None where the fit does not have it."""
        fit = cast("Estimates", self)
        if key == "se_type":
            return fit.covariance.name
        value = getattr(fit, STATISTICS[key], None) if key in STATISTICS else None
        return None if value is None or np.isnan(value) else value

    @property
    def __maketables_depvar__(self) -> str:
        """The outcome."""
        return cast("Estimates", self).formula.partition("~")[0].strip()

    @property
    def __maketables_fixef_string__(self) -> str | None:
        """The absorbed factors, joined by plus signs; None without any."""
        absorbed = getattr(self, "absorbed", None)
        return None if absorbed is None else "+".join(absorbed.levels)

    @property
    def __maketables_vcov_info__(self) -> dict[str, str]:
        """The kind of standard errors."""
        return {"vcov_type": cast("Estimates", self).covariance.name}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        """The statistics that are shown unasked."""
        return [key for key in DEFAULT if self.__maketables_stat__(key) is not None]
