"""CurveFit: the result of a nonlinear regression; frozen, without data, its numbers come from `CurveSolved`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from gramian.engines.choice import Engine, engine_of
from gramian.fit.curve.fit import CurveSolved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.fit import covariance
from gramian.inference import goodness, likelihood
from gramian.inference.covariance import Covariance, iid
from gramian.inference.estimators import IID
from gramian.inference.vcov_spec import Vcov
from gramian.results.estimates import Estimates, read_only
from gramian.results.fitted_rows import UNKNOWN, FittedRows, rows_or_fitted
from gramian.typing import Mask, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.serialize.codec import Arrays

KIND = "curve-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CurveFit(Estimates):
    """A nonlinear regression, the result of `curve`.

    Arrays are read-only and in the order of `names`. A parameter at one of its bounds has no standard error (NaN, null
    in tables); the standard errors of the others hold with it fixed there.

    Attributes
    ----------
    solved : CurveSolved
        The solution that the solver made.
    covariance : Covariance
        Covariance matrix of the parameters, sigma^2 (J'WJ)^-1 with J the derivatives of the curve at the estimates, or
        a robust one.
    noun : str
        What an estimate is called in messages.

    References
    ----------
    D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, Wiley 1988.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"x": [0, 1, 2, 3, 4], "y": [1.0, 0.61, 0.35, 0.24, 0.13]}
    >>> fit = gm.curve("y ~ a * exp(-k * x)", data, start={"a": 1, "k": 1})
    >>> fit.coefficients.round(3)
    array([1.   , 0.502])
    """

    noun: ClassVar[str] = "parameter"

    solved: CurveSolved
    covariance: Covariance = field(init=False)
    fitted_rows: FittedRows = UNKNOWN

    def __post_init__(self) -> None:
        robust = self.solved.robust
        own = iid(self.solved.inverse, self.deviance, self.df_residual) if robust is None else covariance(robust)
        object.__setattr__(self, "covariance", own)

    @property
    def _facts(self) -> CurveSolved:
        return self.solved

    @property
    def equation(self) -> str:
        """The right side of the formula, written out for a ready-made curve."""
        return self.solved.curve.equation

    @property
    def start(self) -> Mapping[str, float]:
        """Start of the search, parameter -> value; parameters in which the curve is linear need none."""
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
        """Residual standard deviation, sqrt(deviance / df_residual)."""
        return goodness.residual_sigma(self.deviance, self.df_residual)

    @property
    def loglik(self) -> float:
        """Gaussian log-likelihood, with the maximum likelihood estimate of sigma."""
        return likelihood.log_likelihood(self.deviance, self.rows, self.solved.log_weight)

    @property
    def aic(self) -> float:
        """Akaike's information criterion; sigma counts as a parameter."""
        return likelihood.aic(self.loglik, self.effective)

    @property
    def bic(self) -> float:
        """Schwarz's information criterion; sigma counts as a parameter."""
        return likelihood.bic(self.loglik, self.effective, self.rows)

    @property
    def converged(self) -> bool:
        """Whether the search converged; False only for the `last` fit of a ConvergenceError."""
        return not self.solved.failure

    def predict(self, data: object = None, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
        """Values of the curve for new rows.

        Parameters
        ----------
        data : object, optional
            Rows with the inputs of the curve, in any form that `curve` accepts; without it the rows of the fit, where
            they can be read again.
        interval : {"confidence", "prediction"}, optional
            Add an interval by the delta method.
        level : float, default 0.95
            Level of the interval.

        Returns
        -------
        ndarray, (n,), or pyarrow.Table
            One value for each row, NaN where an input is missing. With an interval a table with the columns fit, low
            and high, null where an input is missing.

        Raises
        ------
        OptionError
            For an unknown interval, or a level that does not lie between 0 and 1.
        ColumnError
            Where an input is not in the data.

        Notes
        -----
        The half-width is t sqrt(g'Vg), g the derivatives of the curve by the free parameters and V their covariance;
        for a prediction interval sigma^2 is added under the root.
        """
        from gramian.fit.curve.predict import predict

        return predict(self.solved, rows_or_fitted(data, self.fitted_rows), interval, level)

    def with_vcov(self, vcov: Vcov, data: object = None, *, engine: Engine | str | None = None) -> CurveFit:
        """The same fit with another covariance of the parameters.

        Parameters
        ----------
        vcov : str, dict or VcovSpec
            The covariance, as in `gramian.curve`.
        data : object, optional
            The rows of the fit, read in one pass; without them those that the fit can read again. "iid" needs none.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        CurveFit
            Equal parameters, new covariance.
        """
        if vcov == IID:
            return CurveFit(replace(self.solved, robust=None), self.fitted_rows)
        from gramian.fit.curve.robust import with_vcov  # most curves have none

        source = rows_or_fitted(data, self.fitted_rows)
        runner = PassRunner(source, engine_of(engine, source if data is None else data))
        return CurveFit(with_vcov(self.solved, vcov, runner), self.fitted_rows)

    def augment(self, data: object = None) -> pa.Table:
        """Fitted values, residuals and leverages of the rows, with the column names of R's broom.

        Parameters
        ----------
        data : object, optional
            Rows of the fit by default. Others need the inputs of the curve; without the outcome there are no residuals.

        Returns
        -------
        pyarrow.Table
            The columns of the formula, then .fitted, .resid, .hat (leverage) and .std_resid (standardised residual);
            one row for each row of the data, null where something is missing.
        """
        from gramian.fit.curve.plot import curve_rows
        from gramian.results.augment import augmented

        return augmented(curve_rows(self), rows_or_fitted(data, self.fitted_rows))

    def glance(self) -> pa.Table:
        """Statistics of the fit.

        Returns
        -------
        pyarrow.Table
            One row: sigma, loglik, aic, bic, deviance, df_residual, rows, passes.
        """
        from gramian.fit.curve.tables import glance

        return glance(self)

    def _as_dict(self, level: float) -> dict[str, Any]:
        from gramian.fit.curve.tables import to_dict

        return to_dict(self, level)

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.curve.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """Draw the fit.

        Parameters
        ----------
        data : object, optional
            Rows with the outcome and the inputs. Without them the parameters are drawn.
        kind : str, optional
            Kind of picture; by default what the curve and the data allow: the curve, or residuals.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.fit.curve.plot import curve

        return curve(self, data, kind)

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.curve.save import CURVE_SOLVED  # most fits are not saved

        return KIND, *CURVE_SOLVED.dump(self.solved)

    def __repr__(self) -> str:
        return f"CurveFit({self.formula!r}, rows={self.rows}, sigma={self.sigma:.4g}, passes={self.passes})"
