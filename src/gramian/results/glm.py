"""GlmFit: the answer of a generalized linear model; frozen, holds no data, computes nothing itself."""

from __future__ import annotations

import html
import math
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
from gramian.fit.glm_predict import predict
from gramian.fit.glm_solved import GlmSolved
from gramian.inference import normal, tests
from gramian.inference.covariance import Covariance
from gramian.inference.hypothesis import hypotheses
from gramian.inference.tests import Test
from gramian.results import glm_tables, pictures
from gramian.results.plain_glm import from_glm
from gramian.typing import Mask, Matrix, Vector

KIND = "glm-fit"
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GlmFit:
    """A generalized linear model, from `glm`.

    Arrays are in the order of `names`, on the scale of the link; what the data do not determine is NaN in them and
    null in tables. Tests and intervals are by z where the dispersion is known, by t where it is estimated.
    """

    solved: GlmSolved
    covariance: Covariance = field(init=False)

    def __post_init__(self) -> None:
        df = math.inf if self.known_dispersion else self.df_residual
        matrix = self.solved.robust_told
        if matrix is None:
            matrix = self.solved.linear.inverse * self.dispersion
        object.__setattr__(self, "covariance", Covariance(self.solved.vcov, matrix, df))

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.solved.linear.formula

    @property
    def family(self) -> str:
        """The distribution of the outcome, or "quasi..."."""
        return self.solved.model.family.name

    @property
    def link(self) -> str:
        """What makes the mean linear."""
        return self.solved.model.link.name

    @property
    def theta(self) -> float | None:
        """Of a negative binomial, V = mu + mu^2 / theta; None for others."""
        return self.solved.model.family.theta

    @property
    def outcomes(self) -> tuple[str, str] | None:
        """Failure and success of a text outcome."""
        binary = self.solved.binary
        return None if binary is None else (str(binary[0]), str(binary[1]))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.solved.linear.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,)."""
        return _read_only(self.solved.linear.coefficients)

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,)."""
        return self.covariance.std_errors

    @property
    def statistic(self) -> str:
        """What `statistics` are: "z", or "t" where the dispersion is estimated."""
        return "z" if self.known_dispersion else "t"

    @property
    def statistics(self) -> Vector:
        """Estimates divided by their standard errors, (p,)."""
        return tests.ratios(self.coefficients, self.std_errors)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values, (p,)."""
        return normal.probability(self.statistics, self.covariance.df)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Wald's confidence intervals, (p, 2)."""
        return normal.interval(self.coefficients, self.std_errors, level, self.covariance.df)

    @property
    def vcov(self) -> Matrix:
        """Covariance of the coefficients, (p, p)."""
        return _read_only(self.covariance.matrix)

    @property
    def rows(self) -> int:
        """Rows that entered, those of weight zero not counted."""
        return self.solved.linear.rows

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return self.solved.linear.weight

    @property
    def dropped_rows(self) -> Mapping[str, int]:
        """Rows left out by cause, each row once."""
        return {cause: n for cause, n in self.solved.linear.tally.causes.items() if n}

    @property
    def missing(self) -> Mapping[str, int]:
        """Rows left out because of a column; a row may count for several."""
        return {column: n for column, n in self.solved.linear.tally.columns.items() if n}

    @property
    def rank(self) -> int:
        """Columns that were used."""
        return self.solved.linear.rank

    @property
    def effective(self) -> float:
        """Effective number of columns: the rank, less under a penalty."""
        return self.rank if self.alpha is None else self.solved.linear.leverage

    @property
    def df_residual(self) -> float:
        """Rows minus the effective number of columns."""
        return self.rows - self.effective

    @property
    def df_null(self) -> int:
        """Rows, minus one where there is a constant."""
        return self.rows - self.intercept

    @property
    def aliased(self) -> Mapping[str, str]:
        """Columns that are combinations of others, and the combination."""
        return dict(self.solved.linear.aliased)

    @property
    def identified(self) -> Mask:
        """Which coefficients the data determine, (p,)."""
        return _read_only(self.solved.linear.identified)

    @property
    def intercept(self) -> bool:
        """Whether there is a constant."""
        return self.solved.linear.intercept

    @property
    def alpha(self) -> float | None:
        """The ridge penalty, None without one."""
        return self.solved.linear.alpha

    @property
    def passes(self) -> int:
        """Trips over the data."""
        return self.solved.linear.passes

    @property
    def converged(self) -> bool:
        """True: a fit that does not converge is an error."""
        return True

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled, weighted columns that were solved for."""
        return self.solved.linear.condition

    @property
    def deviance(self) -> float:
        """Residual deviance."""
        return self.solved.deviance

    @property
    def null_deviance(self) -> float:
        """Deviance of the model with nothing but the intercept (and the offset)."""
        return self.solved.null_deviance

    @property
    def pearson(self) -> float:
        """Pearson's chi-square."""
        return self.solved.linear.rss

    @property
    def known_dispersion(self) -> bool:
        """Whether theory fixes the dispersion."""
        return self.solved.model.family.known_dispersion is not None

    @property
    def dispersion(self) -> float:
        """1 where theory fixes it, else Pearson's estimate; NaN when no degree of freedom is left."""
        if self.known_dispersion:
            return 1.0
        return self.pearson / self.df_residual if self.df_residual > 0 else math.nan

    @property
    def loglik(self) -> float | None:
        """Log-likelihood as R's logLik; None for a quasi family."""
        law = self.solved.model.family.likelihood
        return None if law is None else glm_tables.loglik(self.solved, law, known=self.known_dispersion)

    @property
    def parameters(self) -> float:
        """What AIC counts: effective columns, and an estimated dispersion or theta."""
        return self.effective + (not self.known_dispersion or self.solved.estimated_theta)

    @property
    def aic(self) -> float | None:
        """Akaike's criterion; None for a quasi family."""
        return None if self.loglik is None else -2.0 * self.loglik + 2.0 * self.parameters

    @property
    def bic(self) -> float | None:
        """Schwarz's criterion; None for a quasi family."""
        return None if self.loglik is None else -2.0 * self.loglik + math.log(self.rows) * self.parameters

    def __getitem__(self, name: str) -> float:
        """The coefficient of that name."""
        if name not in self.names:
            raise OptionError(f"no coefficient '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def test(self, text: str) -> Test:
        """Wald's test of linear hypotheses such as "x1 = x2, 2*x3 = 1"; a comma tests jointly.

        The statistic is F; where the dispersion is known its second df is infinite, and k F is a chi-square.
        """
        unknown = {
            n: self.aliased.get(n, "") for n, known in zip(self.names, self.identified, strict=True) if not known
        }
        R, q = hypotheses(text, self.names, unknown)
        return normal.wald(R, self.coefficients, q, self.vcov, self.covariance.df)

    def predict(
        self, data: object, scale: str = "response", interval: str | None = None, level: float = 0.95
    ) -> Vector | pa.Table:
        """One value for each row of the data, NaN where a predictor is missing: the mean, or with scale="link" eta.

        With interval="confidence" an Arrow table with the columns fit, low, high: an interval for eta, mapped.
        """
        return predict(self.solved, source_of(data), scale, interval, level)

    def tidy(self, level: float = 0.95) -> pa.Table:
        """One row for each coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""
        return glm_tables.tidy(self, level)

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return glm_tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not a finite number is None."""
        return glm_tables.to_dict(self, level)

    def summary(self, level: float = 0.95) -> str:
        """All of it as plain text."""
        from gramian.results.glm_report import text  # rich takes a while to import

        return text(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure: coefficients, or with data curve, calibration or residuals; `kind` names others."""
        return pictures.general(self, data, kind)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *from_glm(self.solved))

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        return f"GlmFit({self.formula!r}, {self.family}, rows={self.rows}, deviance={self.deviance:.6g}{penalty})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def _read_only(array: NDArray[T]) -> NDArray[T]:
    view = array.view()
    view.flags.writeable = False
    return view
