"""GlmFit: the answer of a generalized linear model; frozen, holds no data, computes nothing itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.data.source import source_of
from gramian.engines.choice import Engine
from gramian.fit.glm import plot
from gramian.fit.glm import tables as glm_tables
from gramian.fit.glm.predict import predict
from gramian.fit.glm.save import glm_to_json
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.result import covariance, with_vcov
from gramian.inference.covariance import Covariance
from gramian.inference.recipes import IID, Vcov
from gramian.results.augment import augmented
from gramian.results.estimates import Estimates
from gramian.serialize import file as store
from gramian.typing import Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

KIND = "glm-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GlmFit(Estimates):
    """A generalized linear model, from `glm`.

    Arrays are in the order of `names`, on the scale of the link; what the data do not determine is NaN in them and
    null in tables. Tests and intervals are by z where the dispersion is known, by t where it is estimated.
    """

    solved: GlmSolved
    covariance: Covariance = field(init=False)

    def __post_init__(self) -> None:
        df, robust = math.inf if self.known_dispersion else self.df_residual, self.solved.linear.robust
        model_based = Covariance(IID, self.solved.linear.inverse * self.dispersion, df)
        object.__setattr__(self, "covariance", model_based if robust is None else covariance(robust))

    @property
    def _facts(self) -> Solved:
        return self.solved.linear

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
    def df_null(self) -> int:
        """Rows, minus one where there is a constant."""
        return self.rows - self.intercept

    @property
    def intercept(self) -> bool:
        """Whether there is a constant."""
        return self.solved.linear.intercept

    @property
    def alpha(self) -> float | None:
        """The ridge penalty, None without one."""
        return self.solved.linear.alpha

    @property
    def converged(self) -> bool:
        """True: a fit that does not converge is an error."""
        return True

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
        likelihood = self.solved.model.family.likelihood
        return (
            None
            if likelihood is None
            else glm_tables.loglik(self.solved, likelihood, known_dispersion=self.known_dispersion)
        )

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

    def predict(
        self, data: object, scale: str = "response", interval: str | None = None, level: float = 0.95
    ) -> Vector | pa.Table:
        """One value for each row of the data, NaN where a predictor is missing: the mean, or with scale="link" eta.

        With interval="confidence" an Arrow table with the columns fit, low, high: an interval for eta, mapped.
        """
        return predict(self.solved, source_of(data), scale, interval, level)

    def augment(self, data: object) -> pa.Table:
        """Every row of the data with what the fit says of it: .fitted, .resid, .hat, .std_resid (broom's names).

        An Arrow table: the formula's columns first, null where something is missing.
        .fitted is the mean, .std_resid that of the deviance.
        """
        return augmented(plot.general_rows(self), source_of(data))

    def with_vcov(
        self, vcov: Vcov, data: object = None, *, like: str | None = None, engine: Engine | str | None = None
    ) -> GlmFit:
        """The same fit with another covariance, at the cost of one more pass over its data: options as in `glm`."""
        linear = with_vcov(self.solved.linear, self.solved.model, self.deviance, vcov, data, like, engine)
        return GlmFit(replace(self.solved, linear=linear))

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return glm_tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not a finite number is None."""
        return glm_tables.to_dict(self, level)

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary, for a console that draws them."""
        from gramian.fit.glm.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure: coefficients, or with data curve, calibration or residuals; `kind` names others."""
        return plot.general(self, data, kind)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *glm_to_json(self.solved))

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        return f"GlmFit({self.formula!r}, {self.family}, rows={self.rows}, deviance={self.deviance:.6g}{penalty})"
