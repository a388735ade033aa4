"""LinearFit: the answer of a linear regression; frozen, holds no data, computes nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.data.source import source_of
from gramian.engines.choice import Engine
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.predict import predict
from gramian.fit.leastsquares.save import solved_to_json
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear import plot, tables
from gramian.fit.linear import result_collinearity as collinearity
from gramian.fit.linear.anova import anova
from gramian.fit.vcov.result import covariance, with_vcov
from gramian.inference import goodness, likelihood, normal, tests
from gramian.inference.covariance import Covariance, iid
from gramian.inference.recipes import Vcov
from gramian.inference.tests import Test
from gramian.results.augment import augmented
from gramian.results.estimates import Estimates, read_only
from gramian.serialize import file as store
from gramian.typing import Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

KIND = "linear-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearFit(Estimates):
    """A linear regression, from `ols`, `ridge` or a `Gram`.

    Arrays are in the order of `names`; what the data do not determine is NaN in them and null in tables.
    """

    solved: Solved
    covariance: Covariance = field(init=False)

    def __post_init__(self) -> None:
        solved = self.solved
        if solved.robust is not None:
            estimated = covariance(solved.robust)
        else:
            estimated = iid(solved.inverse, self.sigma, self.df_residual, solved.inverse_roots)
        object.__setattr__(self, "covariance", estimated)

    @property
    def _facts(self) -> Solved:
        return self.solved

    @property
    def intercept(self) -> bool:
        """Whether there is a constant."""
        return self.solved.intercept

    @property
    def absorbed(self) -> Absorbed | None:
        """What is told of absorbed factors, None without any."""
        return self.solved.absorbed

    @property
    def alpha(self) -> float | None:
        """The ridge penalty, None without one."""
        return self.solved.alpha

    @property
    def digits(self) -> Vector:
        """Certified digits of each coefficient, (p,), relative to the larger of it and its standard error."""
        return read_only(
            np.full(len(self.names), np.nan) if (accuracy := self.solved.accuracy) is None else accuracy.digits
        )

    @property
    def std_error_digits(self) -> Vector:
        """Certified digits of each (iid) standard error, (p,)."""
        accuracy = self.solved.accuracy
        return read_only(np.full(len(self.names), np.nan) if accuracy is None else accuracy.std_error_digits)

    @property
    def rss_digits(self) -> float:
        """Certified digits of the residual sum of squares."""
        return np.nan if self.solved.accuracy is None else self.solved.accuracy.rss_digits

    @property
    def tier(self) -> str | None:
        """How the digits were had: "fast", "refined" or "exact"."""
        return None if self.solved.accuracy is None else self.solved.accuracy.precision

    @property
    def deviance(self) -> float:
        """Weighted residual sum of squares."""
        return self.solved.rss

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return goodness.residual_sigma(self.deviance, self.df_residual)

    @property
    def r_squared(self) -> float:
        """Share of the sum of squares that is explained; about zero when there is no constant, as in R."""
        return goodness.r_squared(self.deviance, self.solved.tss)

    @property
    def within_r_squared(self) -> float:
        """Share of the sum of squares within the levels of absorbed factors; without any, R squared."""
        return goodness.r_squared(self.deviance, self.absorbed.tss) if self.absorbed else self.r_squared

    @property
    def adj_r_squared(self) -> float:
        """R squared, adjusted for the number of columns."""
        return goodness.adjusted(self.r_squared, self.rows, self.df_residual, intercept=self.intercept)

    @property
    def f_test(self) -> Test | None:
        """Test that all coefficients but the constant are zero, by the covariance in force.

        None when there is nothing to test, under a penalty, and where a robust covariance has fewer dimensions.
        """
        absorbed = self.absorbed
        df = (self.rank if absorbed else self.rank - self.intercept, self.df_residual)
        if self.alpha is not None or min(df) <= 0:
            return None
        positions = np.arange(len(self.names))
        slopes = positions[np.isfinite(self.coefficients) & (positions != self.solved.parametrization.constant)]
        if self.solved.robust is not None:
            tested = positions[self.identified & (positions != self.solved.parametrization.constant)]
            return (
                normal.zero_test(self.coefficients, self.vcov, tested, self.covariance.df)
                if len(tested) == df[0]
                else None
            )
        tss = absorbed.tss if absorbed else self.solved.tss
        return tests.overall_f_test(self.deviance, tss, df, tuple(self.coefficients[slopes].tolist()))

    @property
    def loglik(self) -> float:
        """Gaussian log-likelihood at its maximum."""
        return likelihood.log_likelihood(self.deviance, self.rows, self.solved.log_weight)

    @property
    def aic(self) -> float:
        """Akaike's criterion, counting sigma."""
        return likelihood.aic(self.loglik, self.effective)

    @property
    def bic(self) -> float:
        """Schwarz's criterion, counting sigma."""
        return likelihood.bic(self.loglik, self.effective, self.rows)

    def anova(self, type: int | str = 1) -> pa.Table:
        """Analysis of variance: term, df, sum_sq, mean_sq, statistic (F), p_value; the last row is "Residuals".

        type : 1 is sequential, in the order of the formula, as R's `anova`; 2 is each term after all that do not
        contain it, 3 after all others with sum-to-zero contrasts, as `Anova` of R's `car`. Needs no data.
        """
        return tables.anova(anova(self.solved, self.covariance, self.df_residual, type))

    def vif(self) -> pa.Table:
        """Variance inflation: term, df, vif, scaled (vif^(1/(2 df))), as `vif` of R's `car`. Needs no data."""
        return collinearity.vif(self.solved)

    def collinearity(self) -> collinearity.Collinearity:
        """Condition indexes, and the columns behind them, after Belsley, Kuh and Welsch. Needs no data."""
        return collinearity.collinearity(self.solved)

    def predict(self, data: object, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
        """One value for each row of the data, NaN where a predictor is missing.

        With interval="confidence" or "prediction" an Arrow table with the columns fit, low, high.
        """
        return predict(self.solved, source_of(data), interval, level)

    def augment(self, data: object) -> pa.Table:
        """Every row of the data with what the fit says of it: .fitted, .resid, .hat, .std_resid (broom's names).

        An Arrow table: the formula's columns first, null where something is missing.
        Beside absorbed factors .hat and .std_resid are not known.
        """
        return augmented(plot.absorbed_rows(self) if self.solved.absorbed else plot.linear_rows(self), source_of(data))

    def with_vcov(
        self, vcov: Vcov, data: object = None, *, like: str | None = None, engine: Engine | str | None = None
    ) -> LinearFit:
        """The same fit with another covariance, at the cost of one more pass over its data: options as in `ols`."""
        return LinearFit(with_vcov(self.solved, None, self.deviance, vcov, data, like, engine))

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not a finite number is None."""
        return tables.to_dict(self, level)

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary, for a console that draws them."""
        from gramian.fit.linear.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure: coefficients, or with data the line or residuals; `kind` names others."""
        return plot.linear(self, data, kind)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *solved_to_json(self.solved))

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        return f"LinearFit({self.formula!r}, rows={self.rows}, r_squared={self.r_squared:.4g}{penalty})"
