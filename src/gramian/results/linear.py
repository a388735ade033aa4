"""LinearFit: the answer of a linear regression; frozen, holds no data, computes nothing itself."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian import store
from gramian.data.source import source_of
from gramian.errors import OptionError, did_you_mean
from gramian.fit.anova import anova
from gramian.fit.predict import predict
from gramian.fit.solved import Solved
from gramian.inference import goodness, likelihood, tests
from gramian.inference.covariance import Covariance, iid
from gramian.inference.hypothesis import hypotheses
from gramian.inference.intervals import interval
from gramian.inference.tests import Test
from gramian.results import collinearity, pictures, tables
from gramian.results.plain_solved import from_solved
from gramian.typing import Mask, Matrix, Vector

KIND = "linear-fit"
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearFit:
    """A linear regression, from `ols`, `ridge` or a `Gram`.

    Arrays are in the order of `names`; what the data do not determine is NaN in them and null in tables.
    """

    solved: Solved
    covariance: Covariance = field(init=False)

    def __post_init__(self) -> None:
        covariance = iid(self.solved.inverse, self.sigma, self.df_residual)
        object.__setattr__(self, "covariance", covariance)

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.solved.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.solved.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,)."""
        return _read_only(self.solved.coefficients)

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,)."""
        return self.covariance.std_errors

    @property
    def statistics(self) -> Vector:
        """t statistics, (p,)."""
        return tests.ratios(self.coefficients, self.std_errors)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values, (p,)."""
        return tests.t_probability(self.statistics, self.covariance.df)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Confidence intervals, (p, 2)."""
        return interval(self.coefficients, self.std_errors, level, self.covariance.df)

    @property
    def vcov(self) -> Matrix:
        """Covariance of the coefficients, (p, p)."""
        return _read_only(self.covariance.matrix)

    @property
    def rows(self) -> int:
        """Rows that entered (the sum of counts)."""
        return self.solved.rows

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return self.solved.weight

    @property
    def dropped_rows(self) -> Mapping[str, int]:
        """Rows left out by cause, each row once."""
        return {cause: n for cause, n in self.solved.tally.causes.items() if n}

    @property
    def missing(self) -> Mapping[str, int]:
        """Rows left out because of a column; a row may count for several."""
        return {column: n for column, n in self.solved.tally.columns.items() if n}

    @property
    def rank(self) -> int:
        """Columns that were used."""
        return self.solved.rank

    @property
    def effective(self) -> float:
        """Effective number of columns: the rank, less under a penalty."""
        return self.rank if self.alpha is None else self.solved.leverage

    @property
    def df_residual(self) -> float:
        """Rows minus the effective number of columns."""
        return self.rows - self.effective

    @property
    def aliased(self) -> Mapping[str, str]:
        """Columns that are combinations of others, and the combination."""
        return dict(self.solved.aliased)

    @property
    def identified(self) -> Mask:
        """Which coefficients the data determine, (p,)."""
        return _read_only(self.solved.identified)

    @property
    def intercept(self) -> bool:
        """Whether there is a constant."""
        return self.solved.intercept

    @property
    def alpha(self) -> float | None:
        """The ridge penalty, None without one."""
        return self.solved.alpha

    @property
    def passes(self) -> int:
        """Trips over the data."""
        return self.solved.passes

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled columns that were solved for."""
        return self.solved.condition

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
    def adj_r_squared(self) -> float:
        """R squared, adjusted for the number of columns."""
        return goodness.adjusted(self.r_squared, self.rows, self.df_residual, intercept=self.intercept)

    @property
    def f_test(self) -> Test | None:
        """Test that all coefficients but the constant are zero; None when there is nothing to test, or a penalty."""
        df = (self.rank - self.intercept, self.df_residual)
        if self.alpha is not None or min(df) <= 0:
            return None
        slopes = np.array([b for i, b in enumerate(self.coefficients) if i != self.solved.frame.constant])
        return tests.overall(self.deviance, self.solved.tss, df, tuple(slopes[np.isfinite(slopes)].tolist()))

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

    def __getitem__(self, name: str) -> float:
        """The coefficient of that name."""
        if name not in self.names:
            raise OptionError(f"no coefficient '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def test(self, text: str) -> Test:
        """F test of linear hypotheses such as "x1 = x2, 2*x3 = 1"; a comma tests jointly."""
        unknown = {
            n: self.aliased.get(n, "") for n, known in zip(self.names, self.identified, strict=True) if not known
        }
        R, q = hypotheses(text, self.names, unknown)
        return tests.wald(R, self.coefficients, q, self.vcov, self.covariance.df)

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

    def tidy(self, level: float = 0.95) -> pa.Table:
        """One row for each coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""
        return tables.tidy(self, level)

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not a finite number is None."""
        return tables.to_dict(self, level)

    def summary(self, level: float = 0.95) -> str:
        """All of it as plain text."""
        from gramian.results.report import text  # rich takes a while to import

        return text(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure: coefficients, or with data the line or residuals; `kind` names others."""
        return pictures.linear(self, data, kind)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *from_solved(self.solved))

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        return f"LinearFit({self.formula!r}, rows={self.rows}, r_squared={self.r_squared:.4g}{penalty})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def _read_only(array: NDArray[T]) -> NDArray[T]:
    view = array.view()
    view.flags.writeable = False
    return view
