"""CurveFit: the answer of a nonlinear regression; frozen, holds no data, computes nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from gramian.data.source import source_of
from gramian.fit.curve import plot
from gramian.fit.curve import tables as curve_tables
from gramian.fit.curve.fit import CurveSolved
from gramian.fit.curve.predict import predict
from gramian.fit.curve.save import curve_to_json
from gramian.inference import goodness, likelihood
from gramian.inference.covariance import Covariance, iid
from gramian.results.augment import augmented
from gramian.results.estimates import Estimates, read_only
from gramian.serialize import file as store
from gramian.typing import Mask, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

KIND = "curve-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CurveFit(Estimates):
    """A nonlinear regression, from `curve`.

    Arrays are in the order of `names`. A parameter at one of its bounds has no standard error (NaN, null in tables);
    those of the others hold with it fixed there.
    """

    noun: ClassVar[str] = "parameter"

    solved: CurveSolved
    covariance: Covariance = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", iid(self.solved.inverse, self.sigma, self.df_residual))

    @property
    def _facts(self) -> CurveSolved:
        return self.solved

    @property
    def equation(self) -> str:
        """The curve, written out."""
        return self.solved.curve.equation

    @property
    def start(self) -> Mapping[str, float]:
        """Where the search began; what the curve is linear in had no start."""
        positions = self.solved.curve.shape.nonlinear
        return {self.names[at]: float(self.solved.start[at]) for at in positions}

    @property
    def at_bound(self) -> Mask:
        """Which parameters lie on one of their bounds, (p,)."""
        return read_only(self.solved.at_bound)

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
        return likelihood.aic(self.loglik, self.effective)

    @property
    def bic(self) -> float:
        """Schwarz's criterion, counting sigma."""
        return likelihood.bic(self.loglik, self.effective, self.rows)

    @property
    def converged(self) -> bool:
        """True: a search that does not arrive is an error."""
        return True

    def predict(self, data: object, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
        """The curve for each row of the data, NaN where a predictor is missing.

        With interval="confidence" or "prediction" an Arrow table with the columns fit, low, high (delta method).
        """
        return predict(self.solved, source_of(data), interval, level)

    def augment(self, data: object) -> pa.Table:
        """Every row of the data with what the fit says of it: .fitted, .resid, .hat, .std_resid (broom's names).

        An Arrow table: the formula's columns first, null where something is missing.
        """
        return augmented(plot.curve_rows(self), source_of(data))

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return curve_tables.glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not a finite number is None."""
        return curve_tables.to_dict(self, level)

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary, for a console that draws them."""
        from gramian.fit.curve.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure: parameters, or with data the curve or residuals; `kind` names others."""
        return plot.curve(self, data, kind)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *curve_to_json(self.solved))

    def __repr__(self) -> str:
        return f"CurveFit({self.formula!r}, rows={self.rows}, sigma={self.sigma:.4g}, passes={self.passes})"
