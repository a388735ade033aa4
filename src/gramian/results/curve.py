"""CurveFit: the answer of a nonlinear regression; frozen, holds no data, computes nothing itself."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.data.source import source_of
from gramian.errors import OptionError, did_you_mean
from gramian.fit.curve import CurveSolved
from gramian.fit.curve_predict import predict
from gramian.inference import goodness, likelihood, tests
from gramian.inference.covariance import Covariance, iid
from gramian.inference.hypothesis import hypotheses
from gramian.inference.intervals import interval
from gramian.inference.tests import Test
from gramian.results import curve_tables, pictures
from gramian.typing import Mask, Matrix, Vector

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CurveFit:
    """A nonlinear regression, from `curve`.

    Arrays are in the order of `names`. A parameter at one of its bounds has no standard error (NaN, null in tables);
    those of the others hold with it fixed there.
    """

    solved: CurveSolved
    covariance: Covariance = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", iid(self.solved.inverse, self.sigma, self.df_residual))

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.solved.curve.formula

    @property
    def equation(self) -> str:
        """The curve, written out."""
        return self.solved.curve.equation

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the start."""
        return self.solved.curve.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,)."""
        return _read_only(self.solved.coefficients)

    @property
    def start(self) -> Mapping[str, float]:
        """Where the search began; what the curve is linear in had no start."""
        places = self.solved.curve.shape.nonlinear
        return {self.names[at]: float(self.solved.start[at]) for at in places}

    @property
    def at_bound(self) -> Mask:
        """Which parameters lie on one of their bounds, (p,)."""
        return _read_only(self.solved.at_bound)

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
        """Confidence intervals, (p, 2), from the curve's tangent at the solution."""
        return interval(self.coefficients, self.std_errors, level, self.covariance.df)

    @property
    def vcov(self) -> Matrix:
        """Covariance of the parameters, (p, p)."""
        return _read_only(self.covariance.matrix)

    @property
    def rows(self) -> int:
        """Rows that entered."""
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
    def df_residual(self) -> float:
        """Rows minus parameters."""
        return float(self.rows - len(self.names))

    @property
    def deviance(self) -> float:
        """Weighted residual sum of squares."""
        return self.solved.rss

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return goodness.residual_sigma(self.deviance, self.df_residual)

    @property
    def loglik(self) -> float:
        """Gaussian log-likelihood at its maximum."""
        return likelihood.log_likelihood(self.deviance, self.rows, self.solved.log_weight)

    @property
    def aic(self) -> float:
        """Akaike's criterion, counting sigma."""
        return likelihood.aic(self.loglik, len(self.names))

    @property
    def bic(self) -> float:
        """Schwarz's criterion, counting sigma."""
        return likelihood.bic(self.loglik, len(self.names), self.rows)

    @property
    def passes(self) -> int:
        """Trips over the data, the light one that finds a start included."""
        return self.solved.passes

    @property
    def converged(self) -> bool:
        """True: a search that does not arrive is an error."""
        return True

    @property
    def condition(self) -> float:
        """Condition number of the derivatives by the free parameters, columns of length one."""
        return self.solved.condition

    def __getitem__(self, name: str) -> float:
        """The parameter of that name."""
        if name not in self.names:
            raise OptionError(f"no parameter '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def test(self, text: str) -> Test:
        """F test of linear hypotheses such as "rate = 1, mid = 0" (Wald); a comma tests jointly."""
        unknown = {n: "" for n, held in zip(self.names, self.at_bound, strict=True) if held}
        R, q = hypotheses(text, self.names, unknown)
        return tests.wald(R, self.coefficients, q, self.vcov, self.covariance.df)

    def predict(self, data: object, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
        """The curve for each row of the data, NaN where a predictor is missing.

        With interval="confidence" or "prediction" an Arrow table with the columns fit, low, high (delta method).
        """
        return predict(self.solved, source_of(data), interval, level)

    def tidy(self, level: float = 0.95) -> pa.Table:
        """One row for each parameter: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""
        return curve_tables.tidy(self, level)

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return curve_tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not a finite number is None."""
        return curve_tables.to_dict(self, level)

    def summary(self, level: float = 0.95) -> str:
        """All of it as plain text."""
        from gramian.results.curve_report import text  # rich takes a while to import

        return text(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure: parameters, or with data the curve or residuals; `kind` names others."""
        return pictures.curve(self, data, kind)

    def __repr__(self) -> str:
        return f"CurveFit({self.formula!r}, rows={self.rows}, sigma={self.sigma:.4g}, passes={self.passes})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def _read_only(array: NDArray[T]) -> NDArray[T]:
    view = array.view()
    view.flags.writeable = False
    return view
