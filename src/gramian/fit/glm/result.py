"""GlmFit: the result of a generalized linear model; frozen, without data, its numbers come from `GlmSolved`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.errors import not_offered
from gramian.fit.effects.methods import WithEffects
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.fit import covariance
from gramian.formula.known_levels import with_unseen
from gramian.inference import goodness
from gramian.inference.covariance import Covariance, scaled_inverse
from gramian.inference.vcov_spec import EXPECTED, Vcov, glm_vcov_spec
from gramian.keywords import Unseen
from gramian.results.fitted_rows import UNKNOWN, FittedRows, rows_or_fitted
from gramian.typing import Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.fit.effects.model import EffectModel
    from gramian.serialize.codec import Arrays

KIND = "glm-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GlmFit(WithEffects):
    """A generalized linear model, the result of `glm`.

    Arrays are read-only and in the order of `names`, on the scale of the link. What the data do not determine is NaN in
    arrays and null in tables. Tests and intervals use the normal distribution where the dispersion is known, and the t
    distribution where it is estimated.

    Attributes
    ----------
    solved : GlmSolved
        The solution that the solver made.
    covariance : Covariance
        Covariance matrix of the coefficients, with its degrees of freedom and its description.

    Notes
    -----
    The maximum of the likelihood is found by Newton's method or Fisher scoring. The model-based covariance matrix is
    dispersion * (X'WX)^-1 with the weights W of the expected information, or, with information="observed", the inverse
    of minus the second derivatives of the log-likelihood; for canonical links these are the same.

    References
    ----------
    P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed., Chapman and Hall 1989.

    Examples
    --------
    >>> import gramian as gm
    >>> fit = gm.glm("hit ~ dose", {"dose": [1, 2, 3, 4, 5, 6], "hit": [0, 0, 1, 0, 1, 1]}, family="binomial")
    >>> fit.coefficients.round(3)
    array([-4.249,  1.214])
    >>> round(fit.deviance, 3)
    4.956
    """

    solved: GlmSolved
    covariance: Covariance = field(init=False)
    fitted_rows: FittedRows = UNKNOWN

    wild_bootstrap = bootstrap = jackknife = randomization = not_offered(
        "draws", "each would iterate over the rows; take vcov={'cluster': 'firm'}, or draws of a linear model (gm.ols)"
    )

    def __post_init__(self) -> None:
        df, robust = math.inf if self.known_dispersion else self.df_residual, self.solved.linear.robust
        linear = self.solved.linear
        model_based = scaled_inverse(linear.inverse, self.dispersion, df, linear.inverse_roots)
        object.__setattr__(self, "covariance", model_based if robust is None else covariance(robust))

    @property
    def _facts(self) -> Solved:
        return self.solved.linear

    @property
    def family(self) -> str:
        """Name of the distribution of the outcome, or of the quasi family."""
        return self.solved.model.family.name

    @property
    def link(self) -> str:
        """Name of the link function g, with g(mean) = X b."""
        return self.solved.model.link.name

    @property
    def theta(self) -> float | None:
        """Theta of a negative binomial, with variance mu + mu^2 / theta; None for other families."""
        return self.solved.model.family.theta

    @property
    def information(self) -> str:
        """Which information standard errors are made of: "expected" or "observed"."""
        robust = self.solved.linear.robust
        return EXPECTED if robust is None else robust.vcov.information

    @property
    def outcomes(self) -> tuple[str, str] | None:
        """Failure and success, as text, of a text outcome; None for a numeric one."""
        binary = self.solved.binary
        return None if binary is None else (str(binary[0]), str(binary[1]))

    @property
    def df_null(self) -> int:
        """Degrees of freedom of the null deviance: rows, minus one where the model has an intercept."""
        return self.rows - self.intercept

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.solved.linear.intercept

    @property
    def absorbed(self) -> Absorbed | None:
        """Number of levels, degrees of freedom and effects, on the scale of the link, of absorbed factors."""
        return self.solved.linear.absorbed

    @property
    def alpha(self) -> float | None:
        """The ridge penalty; None without one."""
        return self.solved.linear.alpha

    @property
    def converged(self) -> bool:
        """Always True: a fit that does not converge raises ConvergenceError."""
        return True

    @property
    def deviance(self) -> float:
        """Residual deviance: twice the log-likelihood ratio to the saturated model, at dispersion 1."""
        return self.solved.deviance

    @property
    def null_deviance(self) -> float:
        """Deviance of the model with an intercept (and the offset) only."""
        return self.solved.null_deviance

    @property
    def pearson(self) -> float:
        """Pearson's chi-square statistic, sum of w (y - mu)^2 / V(mu)."""
        return self.solved.linear.rss

    @property
    def known_dispersion(self) -> bool:
        """Whether the family fixes the dispersion."""
        return self.solved.model.family.known_dispersion is not None

    @property
    def dispersion(self) -> float:
        """1 where the family fixes it, else pearson / df_residual; NaN where no degrees of freedom are left."""
        if self.known_dispersion:
            return 1.0
        return self.pearson / self.df_residual if self.df_residual > 0 else math.nan

    @property
    def loglik(self) -> float | None:
        """Log-likelihood, as R's `logLik`; None for a quasi family."""
        likelihood = self.solved.model.family.likelihood
        if likelihood is None:
            return None
        from gramian.fit.glm.tables import loglik

        return loglik(self.solved, likelihood, known_dispersion=self.known_dispersion)

    @property
    def pseudo_r_squared(self) -> float:
        """McFadden's pseudo R squared; without a likelihood, and with an estimated dispersion, that of the deviance."""
        both = self.pseudo_r_squareds()
        return both["deviance" if math.isnan(both["mcfadden"]) else "mcfadden"]

    def pseudo_r_squareds(self) -> dict[str, float]:
        """Pseudo R squared by name: mcfadden, cox_snell, nagelkerke, deviance; the likelihood's NaN without one."""
        known = self.loglik if self.known_dispersion else None
        return goodness.pseudo_r_squared(self.deviance, self.null_deviance, known, self.rows)

    @property
    def parameters(self) -> float:
        """Number of parameters that AIC counts: effective columns, and an estimated dispersion or theta."""
        return self.effective + (not self.known_dispersion or self.solved.estimated_theta)

    @property
    def aic(self) -> float | None:
        """Akaike's information criterion, 2 parameters - 2 loglik; None for a quasi family."""
        return None if self.loglik is None else -2.0 * self.loglik + 2.0 * self.parameters

    @property
    def bic(self) -> float | None:
        """Schwarz's information criterion, log(rows) parameters - 2 loglik; None for a quasi family."""
        return None if self.loglik is None else -2.0 * self.loglik + math.log(self.rows) * self.parameters

    def predict(
        self,
        data: object = None,
        scale: str = "response",
        interval: str | None = None,
        level: float = 0.95,
        *,
        se: bool = False,
        coefficients: Vector | None = None,
        unseen: Unseen = "error",
    ) -> Vector | pa.Table:
        """Predictions for new rows.

        Parameters
        ----------
        data : object, optional
            Rows with the predictors, in any form that `glm` accepts; without it the rows of the fit, where they can be
            read again.
        scale : {"response", "link"}, default "response"
            Means, or values of the linear predictor.
        interval : {"confidence"}, optional
            Add an interval: computed for the linear predictor, then mapped to the scale.
        level : float, default 0.95
            Level of the interval.
        se : bool, default False
            Whether standard errors are wanted, in place of an interval; those of means by the delta method.
        coefficients : ndarray of shape (p,), optional
            Others to predict with, in the order of `names`, as for derivatives by them; without interval and errors.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        ndarray, (n,), or pyarrow.Table
            One value for each row, NaN where a predictor is missing. With an interval a table with the columns fit, low
            and high, with `se` fit and std_error, null where a predictor is missing.

        Raises
        ------
        OptionError
            For an unknown scale, interval or `unseen`; there are no prediction intervals.
        DataError
            For a level of a factor that the fit has not seen.
        ColumnError
            Where a predictor is not in the data.

        Examples
        --------
        >>> import gramian as gm
        >>> fit = gm.glm("hit ~ dose", {"dose": [1, 2, 3, 4, 5, 6], "hit": [0, 0, 1, 0, 1, 1]}, family="binomial")
        >>> fit.predict({"dose": [3.5]}).round(3)
        array([0.5])
        """
        from gramian.fit.glm.predict import predict, predict_with_errors
        from gramian.fit.leastsquares.predict import with_coefficients

        source = self._rows(data, unseen)
        if coefficients is not None:
            other = with_coefficients(self.solved.linear, coefficients)
            return predict(replace(self.solved, linear=other), source, scale)
        if se:
            return predict_with_errors(self.solved, source, scale, self.covariance.df)
        return predict(self.solved, source, scale, interval, level)

    def augment(self, data: object = None, *, unseen: Unseen = "error") -> pa.Table:
        """Fitted values, residuals and leverages of the rows, with the column names of R's broom.

        Parameters
        ----------
        data : object, optional
            Rows with the predictors, in any form that `glm` accepts; without the outcome there are no residuals.
            Without data the rows of the fit.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        pyarrow.Table
            The columns of the formula, then .fitted (the mean), .resid, .hat (leverage), .std_resid (standardised
            deviance residual), .cooksd, .dffits and .rstudent (of one step, as in R); one row for each row of the data,
            null where something is missing.
        """
        from gramian.fit.glm.plot import general_rows
        from gramian.results.augment import augmented

        source = self._rows(data, unseen)
        return augmented(general_rows(self), source)

    def with_vcov(
        self,
        vcov: Vcov,
        data: object = None,
        *,
        like: str | None = None,
        engine: Engine | str | None = None,
        information: str | None = None,
    ) -> GlmFit:
        """The same fit with another covariance matrix, at the cost of one pass over its data.

        Parameters
        ----------
        vcov : str or mapping
            Covariance, as in `glm`.
        data : object, optional
            The rows of the fit; not needed for "iid".
        like : str, optional
            Convention of another program, as in `glm`.
        engine : Engine or str, optional
            Where the pass runs; by default in threads of this process.
        information : {"expected", "observed"}, optional
            As in `glm`.

        Returns
        -------
        GlmFit
            Equal coefficients, new covariance.

        Raises
        ------
        OptionError
            For an unknown covariance, or one that does not go with a penalty.
        DataError
            Where the rows are not those of the fit.
        """
        from gramian.fit.vcov.fit import named, with_vcov
        from gramian.fit.vcov.scores import FittedModel

        vcov, rows = named(vcov, self.solved.linear.design, data)
        theta, spec = self.theta if self.solved.estimated_theta else None, glm_vcov_spec(vcov, like, information)
        fitted_model = FittedModel(self.solved.linear, self.solved.model, estimated_theta=theta)
        linear = with_vcov(fitted_model, self.deviance, spec, rows, engine)
        return GlmFit(replace(self.solved, linear=linear), self.fitted_rows)

    def glance(self) -> pa.Table:
        """Statistics of the fit.

        Returns
        -------
        pyarrow.Table
            One row: null_deviance, df_null, loglik, aic, bic, deviance, df_residual, rows, dispersion, pearson, theta;
            null where the family has none.
        """
        from gramian.fit.glm.tables import glance

        return glance(self)

    def _as_dict(self, level: float) -> dict[str, Any]:
        from gramian.fit.glm.tables import to_dict

        return to_dict(self, level)

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.glm.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """Draw the fit.

        Parameters
        ----------
        data : object, optional
            Rows with outcome and predictors. Without them the coefficients are drawn.
        kind : str, optional
            "coefficients", "event" (as `iplot`), "line" (of a single numeric predictor), "calibration" (of shares),
            "diagnostics" (four panels), "residuals", "qq", "scale", "leverage" or "binned" (mean residuals of groups);
            by default what the model and the data allow. Of effects see `fit.predictions(at=...).plot()`.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.fit.glm.plot import general

        return general(self, data, kind)

    def _rows(self, data: object, unseen: Unseen) -> Source:
        """The rows that `predict` and `augment` read."""
        if data is None and self.absorbed is not None:
            unseen = "null"  # the rows of levels without a finite effect were left out of the fit
        return with_unseen(rows_or_fitted(data, self.fitted_rows), self.solved.linear.design, unseen)

    def _effect_model(self) -> EffectModel:
        from gramian.fit.effects.model import EffectModel

        return EffectModel(self.solved.linear, self.covariance.df, self.solved.model, self.dispersion)

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.glm.save import GLM_SOLVED  # most fits are not saved

        return KIND, *GLM_SOLVED.dump(self.solved)

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        return f"GlmFit({self.formula!r}, {self.family}, rows={self.rows}, deviance={self.deviance:.6g}{penalty})"
