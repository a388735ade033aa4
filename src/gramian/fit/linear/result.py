"""LinearFit: the result of a linear regression; frozen, without data, its methods call functions elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.engines.choice import Engine
from gramian.errors import NumericalError
from gramian.fit.bootstrap.methods import WithBootstrap
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.checks import LinearChecks
from gramian.fit.vcov.fit import covariance
from gramian.formula.known_levels import with_unseen
from gramian.inference import goodness, likelihood, normal, tests
from gramian.inference.covariance import Covariance, iid
from gramian.inference.tests import Test
from gramian.inference.vcov_spec import Vcov, vcov_spec
from gramian.keywords import Unseen
from gramian.results.estimates import read_only
from gramian.results.fitted_rows import UNKNOWN, FittedRows, rows_or_fitted
from gramian.typing import Codes, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.fit.effects.model import EffectModel
    from gramian.serialize.codec import Arrays

KIND = "linear-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearFit(LinearChecks, WithBootstrap):
    """A linear regression: the result of `gm.ols`, `gm.ridge` and of the models of a `Gram`.

    Immutable; of its data it knows only where they are. Arrays are in the order of `names`; coefficients that the data
    do not determine are NaN in arrays and null in tables.

    Attributes
    ----------
    solved : Solved
        The numbers of the solution, in the model's columns.
    covariance : Covariance
        The covariance of the coefficients in force, with its name, standard errors and degrees of freedom.
    fitted_rows : FittedRows
        Where the rows of the fit are, which `predict` reads without data.

    Notes
    -----
    The estimate minimises ``sum_i w_i (y_i - x_i'b)^2``, plus ``alpha |b|^2`` over the slopes for a ridge regression.
    It is computed from sums of products of shifted columns, and refined by further passes while too few digits of a
    coefficient are certified.

    Examples
    --------
    >>> import gramian as gm
    >>> fit = gm.ols("y ~ x", {"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 5.0, 8.0]})
    >>> fit.names, fit.coefficients.round(3).tolist()
    (('Intercept', 'x'), [0.8, 2.3])
    >>> round(fit.r_squared, 4), fit.df_residual
    (0.9888, 2)
    """

    solved: Solved
    covariance: Covariance = field(init=False)
    fitted_rows: FittedRows = UNKNOWN

    def __post_init__(self) -> None:
        solved = self.solved
        if solved.robust is not None:
            estimated = covariance(solved.robust)
        else:
            estimated = iid(solved.inverse, solved.rss, solved.rows - solved.effective, solved.inverse_roots)
        object.__setattr__(self, "covariance", estimated)  # derived, yet a field: several properties use it

    @property
    def _facts(self) -> Solved:
        return self.solved

    @property
    def intercept(self) -> bool:
        """Whether the columns span a constant: an intercept, or absorbed factors."""
        return self.solved.intercept

    @property
    def absorbed(self) -> Absorbed | None:
        """Number of levels, degrees of freedom and effects of absorbed factors; None without any."""
        return self.solved.absorbed

    @property
    def alpha(self) -> float | None:
        """The ridge penalty; None for least squares."""
        return self.solved.alpha

    @property
    def digits(self) -> Vector:
        """Certified decimal digits of each coefficient, (p,), relative to the larger of it and its standard error.

        From bounds of all rounding errors; NaN where not identified, and for a fit that was saved without them.
        """
        return read_only(
            np.full(len(self.names), np.nan) if (accuracy := self.solved.accuracy) is None else accuracy.digits
        )

    @property
    def std_error_digits(self) -> Vector:
        """Certified decimal digits of each standard error, (p,), of robust ones where they are in force.

        NaN where not identified and where they are not certified: robust ones beside absorbed factors, those by several
        columns of clusters whose covariance has been repaired, and all of a fit that was saved without them.
        """
        certified = self.solved.accuracy if self.solved.robust is None else self.solved.robust
        digits = None if certified is None else certified.std_error_digits
        return read_only(np.full(len(self.names), np.nan) if digits is None else digits)

    @property
    def rss_digits(self) -> float:
        """Certified decimal digits of the residual sum of squares."""
        return np.nan if self.solved.accuracy is None else self.solved.accuracy.rss_digits

    @property
    def tier(self) -> str | None:
        """The precision that was used: "fast" (one pass), "refined" (more passes) or "exact" (exact sums)."""
        return None if self.solved.accuracy is None else self.solved.accuracy.precision

    @property
    def deviance(self) -> float:
        """Residual sum of squares, sum_i w_i (y_i - x_i'b)^2."""
        return self.solved.rss

    @property
    def sigma(self) -> float:
        """Residual standard deviation, sqrt(deviance / df_residual), in units of the outcome."""
        return goodness.residual_sigma(self.deviance, self.df_residual)

    @property
    def r_squared(self) -> float:
        """R squared, 1 - deviance / tss; tss is about the mean, or about zero without an intercept, as in R."""
        return goodness.r_squared(self.deviance, self.solved.tss)

    @property
    def within_r_squared(self) -> float:
        """R squared within the levels of absorbed factors; `r_squared` without any."""
        return goodness.r_squared(self.deviance, self.absorbed.tss) if self.absorbed else self.r_squared

    @property
    def adj_r_squared(self) -> float:
        """R squared adjusted for the number of columns, 1 - (1 - R^2) (n - 1) / df_residual (n without intercept)."""
        return goodness.adjusted(self.r_squared, self.rows, self.df_residual, intercept=self.intercept)

    @property
    def f_test(self) -> Test | None:
        """F test that all coefficients except the intercept are zero, with the covariance in force.

        None if there is no such coefficient, for a fit with a penalty, without residual degrees of freedom, and if a
        robust covariance would test fewer coefficients than the model has.
        """
        absorbed = self.absorbed
        df = (self.rank - (self.solved.parametrization.constant is not None), self.df_residual)
        if self.alpha is not None or min(df) <= 0:
            return None
        positions = np.arange(len(self.names))
        slopes = positions[np.isfinite(self.coefficients) & (positions != self.solved.parametrization.constant)]
        # a sum of squares says nothing about a robust covariance: test the coefficients themselves
        if self.solved.robust is not None:
            tested = positions[self.identified & (positions != self.solved.parametrization.constant)]
            return self._zero_test(tested) if len(tested) == df[0] else None
        tss = absorbed.tss if absorbed else self.solved.tss
        return tests.overall_f_test(self.deviance, tss, df, tuple(self.coefficients[slopes].tolist()))

    def _zero_test(self, tested: Codes) -> Test | None:
        """The test that the coefficients at these positions are zero; None where clusters are too few for it."""
        try:
            degrees = self.covariance.joint_df(np.eye(len(self.names))[tested])
        except NumericalError:
            return None
        return normal.zero_test(self.coefficients, self.vcov, tested, *degrees)

    @property
    def loglik(self) -> float:
        """Gaussian log-likelihood at its maximum."""
        return likelihood.log_likelihood(self.deviance, self.rows, self.solved.log_weight)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, with sigma as one more parameter."""
        return likelihood.aic(self.loglik, self.effective)

    @property
    def bic(self) -> float:
        """Bayesian information criterion of Schwarz, with sigma as one more parameter."""
        return likelihood.bic(self.loglik, self.effective, self.rows)

    def predict(
        self,
        data: object = None,
        interval: str | None = None,
        level: float = 0.95,
        *,
        se: bool = False,
        coefficients: Vector | None = None,
        unseen: Unseen = "error",
    ) -> Vector | pa.Table:
        """Predictions for the rows of data.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows with the predictors of the formula, as the data of `gm.ols`; without it the rows of the fit, where they
            can be read again.
        interval : {"confidence", "prediction"}, optional
            Interval for the expected value, or for a new outcome.
        level : float
            Coverage of the interval.
        se : bool
            Whether the standard errors of the expected values are wanted, in place of an interval.
        coefficients : ndarray of shape (p,), optional
            Others to predict with, in the order of `names`, as for derivatives by them; without interval and errors.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        ndarray of shape (n,) or pyarrow.Table
            One value for each row, NaN where a predictor is missing. With an interval a table with the columns fit, low
            and high, with `se` fit and std_error, null where a predictor is missing.

        Raises
        ------
        ColumnError, DataError
            If a predictor has no column, or a level that the fit has not seen.
        OptionError
            For an unknown interval, level or `unseen`, and where absorbed factors do not allow the prediction.
        """
        from gramian.fit.leastsquares.predict import error_table, predict, predictions, with_coefficients

        source = with_unseen(rows_or_fitted(data, self.fitted_rows), self.solved.design, unseen)
        if coefficients is not None:
            return predict(with_coefficients(self.solved, coefficients), source)
        if se:
            parts = predictions(self.solved, source, "confidence", level)
            return error_table(parts, normal.critical(level, self.covariance.df))
        return predict(self.solved, source, interval, level)

    def augment(self, data: object = None, *, unseen: Unseen = "error") -> pa.Table:
        """Rows of data with their fitted values, residuals and leverages, under broom's names.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows with the predictors; without the outcome there are no residuals. Without data the rows of the fit.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        pyarrow.Table
            The formula's columns, then .fitted, .resid, .hat (leverage), .std_resid, .cooksd (Cook's distance), .dffits
            and .rstudent; null where a value is missing. With absorbed factors .hat and .std_resid are null, and those
            after it not there, nor under a penalty.
        """
        from gramian.fit.linear.plot import absorbed_rows, linear_rows
        from gramian.results.augment import augmented

        rowwise = absorbed_rows(self) if self.solved.absorbed else linear_rows(self)
        return augmented(rowwise, with_unseen(rows_or_fitted(data, self.fitted_rows), self.solved.design, unseen))

    def with_vcov(
        self, vcov: Vcov, data: object = None, *, like: str | None = None, engine: Engine | str | None = None
    ) -> LinearFit:
        """The same fit with another covariance of the coefficients.

        Parameters
        ----------
        vcov : str, dict or VcovSpec
            The covariance, as in `gm.ols`.
        data : optional
            The rows of the fit, read in one pass; not needed for "iid".
        like : str, optional
            Software whose small-sample conventions are used, as in `gm.ols`.
        engine : Engine or str, optional
            What reads the data.
        """
        from gramian.fit.vcov.fit import named, with_vcov
        from gramian.fit.vcov.scores import FittedModel

        vcov, rows = named(vcov, self.solved.design, data)
        spec = vcov_spec(vcov, like)
        return LinearFit(with_vcov(FittedModel(self.solved), self.deviance, spec, rows, engine), self.fitted_rows)

    def glance(self) -> pa.Table:
        """Statistics of the fit in a table of one row, with broom's column names."""
        from gramian.fit.linear.tables import glance

        return glance(self)

    def _as_dict(self, level: float) -> dict[str, Any]:
        from gramian.fit.linear.tables import to_dict

        return to_dict(self, level)

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.linear.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure of the coefficients; with data, of the fitted line or the residuals.

        kind : "coefficients", "event" (`iplot`, the default of formulas with i()), "line" (of a single numeric
        predictor), "diagnostics" (four panels), "residuals", "qq", "scale", "leverage" or "binned" (mean residuals of
        groups). Raises OptionError for another one. Of effects see `fit.predictions(at=...).plot()`, of several fits
        `gm.table(fits).plot()`.
        """
        from gramian.fit.linear.plot import linear

        return linear(self, data, kind)

    def _effect_model(self) -> EffectModel:
        from gramian.fit.effects.model import EffectModel

        return EffectModel(self.solved, self.covariance.df, dispersion=self.sigma**2)

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.leastsquares.save import SOLVED  # most fits are not saved

        return KIND, *SOLVED.dump(self.solved)

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        return f"LinearFit({self.formula!r}, rows={self.rows}, r_squared={self.r_squared:.4g}{penalty})"
