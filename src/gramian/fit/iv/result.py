"""The result of `gramian.iv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.errors import not_offered
from gramian.fit.effects.methods import WithEffects
from gramian.fit.iv.solution import IvSolved
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.result import LinearFit
from gramian.fit.vcov.fit import covariance
from gramian.formula.known_levels import with_unseen
from gramian.inference import goodness, normal
from gramian.inference.covariance import Covariance, iid
from gramian.inference.tests import Test
from gramian.keywords import Unseen
from gramian.results.estimates import read_only
from gramian.results.fitted_rows import UNKNOWN, FittedRows, rows_or_fitted
from gramian.typing import Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.engines.choice import Engine
    from gramian.fit.effects.model import EffectModel
    from gramian.fit.iv.diagnostics import AndersonRubin, Values, WeakInstruments
    from gramian.inference.vcov_spec import Vcov
    from gramian.serialize.codec import Arrays

KIND = "iv-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IvFit(WithEffects):
    """A linear regression with instruments: the result of `gm.iv`, and of `gm.ols` where a formula has instruments.

    Immutable; of its data it knows only where they are. Arrays are in the order of `names`.

    Attributes
    ----------
    iv : IvSolved
        The numbers of the solution, and what its tests need.
    solved : Solved
        Those of the model.
    covariance : Covariance
        The covariance of the coefficients in force, with its name, standard errors and degrees of freedom.
    fitted_rows : FittedRows
        Where the rows of the fit are, which `predict` reads without data.

    Notes
    -----
    With X the regressors, Z the exogenous ones among them and the excluded instruments, and P the projection on Z,
    two-stage least squares is b = (X'PX)^-1 X'Py. Its covariance under iid errors is s^2 (X'PX)^-1 with s^2 =
    ``|y - X b|^2 / (n - p)``.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"y": [1.0, 3.0, 4.0, 8.0], "x": [0.0, 1.0, 2.0, 4.0], "z": [0.0, 1.0, 1.0, 2.0]}
    >>> fit = gm.iv("y ~ [x ~ z]", rows)
    >>> fit.names, fit.coefficients.round(3).tolist()
    (('Intercept', 'x'), [0.938, 1.75])
    """

    iv: IvSolved
    solved: Solved = field(init=False)
    covariance: Covariance = field(init=False)
    fitted_rows: FittedRows = UNKNOWN

    wild_bootstrap = bootstrap = jackknife = randomization = not_offered(
        "draws", "those of instruments draw both stages (WRE); test with fit.anderson_rubin(), which holds for weak "
        "instruments, or take draws of a reduced form (gm.ols of the outcome on the instruments)"
    )  # fmt: skip

    def __post_init__(self) -> None:
        solved = self.iv.structural
        object.__setattr__(self, "solved", solved)  # derived, yet fields: several properties use them
        if solved.robust is not None:
            estimated = covariance(solved.robust)
        else:
            estimated = iid(solved.inverse, solved.rss, solved.rows - solved.effective, solved.inverse_roots)
        object.__setattr__(self, "covariance", estimated)

    @property
    def _facts(self) -> Solved:
        return self.solved

    @property
    def estimator(self) -> str:
        """The estimator: "2sls", "liml", "fuller" or "gmm"."""
        return self.iv.estimator

    @property
    def kappa(self) -> float:
        """k of the k-class: 1 for two-stage least squares."""
        return self.iv.kappa

    @property
    def endogenous(self) -> tuple[str, ...]:
        """Names of the endogenous columns."""
        return self.iv.endogenous

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the excluded instruments, without those that depend on others."""
        return self.iv.excluded

    @property
    def unused_instruments(self) -> tuple[str, ...]:
        """Names of instruments that depend on other instruments, and are not used."""
        return self.iv.unused

    @property
    def first_stage(self) -> Mapping[str, LinearFit]:
        """Endogenous variable -> its regression on all instruments, a fit of its own.

        Powers, products and factors have none; their tests need none.
        """
        fits = (LinearFit(first, self.fitted_rows) for first in self.iv.first)
        return {next(iter(fit.solved.design.outcome)).removeprefix("~"): fit for fit in fits}

    @property
    def intercept(self) -> bool:
        """Whether the columns span a constant: an intercept, or absorbed factors."""
        return self.solved.intercept

    @property
    def absorbed(self) -> Absorbed | None:
        """Number of levels, degrees of freedom and effects of absorbed factors; None without any."""
        return self.solved.absorbed

    @property
    def digits(self) -> Vector:
        """Certified decimal digits of each coefficient, (p,), relative to the larger of it and its standard error.

        NaN where not identified, and for LIML, Fuller and GMM, whose weights have rounding errors without a bound.
        """
        accuracy = self.solved.accuracy
        return read_only(np.full(len(self.names), np.nan) if accuracy is None else accuracy.digits)

    @property
    def std_error_digits(self) -> Vector:
        """Certified decimal digits of each iid standard error, (p,); NaN where they are not certified."""
        accuracy = self.solved.accuracy if self.solved.robust is None else None
        return read_only(np.full(len(self.names), np.nan) if accuracy is None else accuracy.std_error_digits)

    @property
    def deviance(self) -> float:
        """Residual sum of squares, sum_i w_i (y_i - x_i'b)^2, with the regressors and not their projections."""
        return self.solved.rss

    @property
    def sigma(self) -> float:
        """Residual standard deviation, sqrt(deviance / df_residual), in units of the outcome."""
        return goodness.residual_sigma(self.deviance, self.df_residual)

    @property
    def r_squared(self) -> float:
        """1 - deviance / tss, which may be negative; tss is about the mean, or about zero without an intercept."""
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
        """Wald test that all coefficients but the intercept are zero, by the covariance in force; None if singular."""
        positions = np.arange(len(self.names))
        tested = positions[self.identified & (positions != self.solved.parametrization.constant)]
        if not len(tested) or self.df_residual <= 0:
            return None
        return normal.zero_test(self.coefficients, self.vcov, tested, self.covariance.df)

    def weak_instruments(self) -> WeakInstruments:
        """How strong the instruments are, by the covariance in force, without data.

        Returns
        -------
        WeakInstruments
            First-stage F and partial R squared, Sanderson and Windmeijer's F, Cragg and Donald's, Kleibergen and
            Paap's, and for one endogenous column the effective F of Montiel Olea and Pflueger with critical values.

        Examples
        --------
        >>> import gramian as gm
        >>> rows = {"y": [1.0, 3.0, 4.0, 8.0, 7.0], "x": [0.0, 1.0, 2.0, 4.0, 4.0], "z": [0.0, 1.0, 1.0, 2.0, 3.0]}
        >>> round(gm.iv("y ~ [x ~ z]", rows).weak_instruments().first_stage["x"].statistic, 3)
        19.691
        """
        from gramian.fit.iv.diagnostics import weak_instruments

        return weak_instruments(self.iv)

    def sargan(self) -> Test | None:
        """Sargan's test of overidentification for iid errors, without data.

        Returns
        -------
        Test or None
            Chi-square with as many degrees of freedom as there are instruments to spare; None without any.
        """
        from gramian.fit.iv.diagnostics import sargan

        return sargan(self.iv)

    def hansen(self) -> Test | None:
        """Hansen's J, the test of overidentification by the robust covariance in force, without data.

        Its weights are the inverse covariance of the moments at the solution by two-stage least squares, its
        coefficients those of the second step of GMM.

        Returns
        -------
        Test or None
            Chi-square with as many degrees of freedom as there are instruments to spare; None without any.

        Raises
        ------
        OptionError
            With iid errors, for which there is `sargan`.
        """
        from gramian.fit.iv.diagnostics import hansen

        return hansen(self.iv)

    def wu_hausman(self) -> Test:
        """F test that the endogenous columns are exogenous, by the covariance in force, without data.

        It adds the residuals of the first stages to the model and tests that they have no effect.
        """
        from gramian.fit.iv.diagnostics import wu_hausman

        return wu_hausman(self.iv)

    def anderson_rubin(self, values: Values = 0.0, level: float = 0.95) -> AndersonRubin:
        """Test of Anderson and Rubin, and its confidence set, by the covariance in force, without data.

        Both hold whatever the strength of the instruments.

        Parameters
        ----------
        values : float, sequence or mapping, default 0.0
            Coefficients of the endogenous columns that are tested.
        level : float, default 0.95
            Coverage of the confidence set, which there is for one endogenous column.

        Raises
        ------
        OptionError
            For a column that is not endogenous, or another level.
        """
        from gramian.fit.iv.diagnostics import anderson_rubin

        return anderson_rubin(self.iv, values, level)

    def with_vcov(
        self, vcov: Vcov, data: object = None, *, like: str | None = None, engine: Engine | str | None = None
    ) -> IvFit:
        """The same fit with another covariance of the coefficients and of the tests.

        Parameters
        ----------
        vcov : str, dict or VcovSpec
            The covariance, as in `gm.iv`.
        data : optional
            The rows of the fit, which are read again; not needed for "iid".
        like : str, optional
            Software whose small-sample conventions are used, as in `gm.iv`.
        engine : Engine or str, optional
            What reads the data.
        """
        from gramian.fit.iv.again import with_vcov

        return IvFit(with_vcov(self.iv, vcov, data, like, engine), self.fitted_rows)

    def predict(
        self, data: object = None, interval: str | None = None, level: float = 0.95, *, unseen: Unseen = "error"
    ) -> Vector | pa.Table:
        """Predictions x'b for the rows of data, from the endogenous columns themselves.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows with the regressors, as the data of `gm.iv`; without it the rows of the fit, where they can be read
            again. Instruments are not needed.
        interval : {"confidence", "prediction"}, optional
            Interval for x'b, or for a new outcome.
        level : float
            Coverage of the interval.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        ndarray of shape (n,) or pyarrow.Table
            As `LinearFit.predict`.

        Raises
        ------
        ColumnError, DataError, OptionError
            As `LinearFit.predict`.
        """
        from gramian.fit.leastsquares.predict import predict

        source = with_unseen(rows_or_fitted(data, self.fitted_rows), self.solved.design, unseen)
        return predict(self.solved, source, interval, level)

    def augment(self, data: object = None, *, unseen: Unseen = "error") -> pa.Table:
        """Rows of data with their fitted values and residuals, under broom's names; leverages are null.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows with the regressors; without the outcome there are no residuals. Without data the rows of the fit.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.
        """
        from gramian.fit.iv.plot import rows_of
        from gramian.results.augment import augmented

        source = with_unseen(rows_or_fitted(data, self.fitted_rows), self.solved.design, unseen)
        return augmented(rows_of(self), source)

    def glance(self) -> pa.Table:
        """Statistics of the fit in a table of one row, with broom's column names."""
        from gramian.fit.iv.tables import glance

        return glance(self)

    def _as_dict(self, level: float) -> dict[str, Any]:
        from gramian.fit.iv.tables import to_dict

        return to_dict(self, level)

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.iv.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure of the coefficients; with data, of the fitted line or the residuals.

        kind : name of another plot. Raises OptionError for an unknown one.
        """
        from gramian.fit.iv.plot import draw_fit

        return draw_fit(self, data, kind)

    def _effect_model(self) -> EffectModel:
        from gramian.fit.effects.model import EffectModel

        return EffectModel(self.solved, self.covariance.df, dispersion=self.sigma**2)

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.iv.save import IV_SOLVED  # most fits are not saved

        return KIND, *IV_SOLVED.dump(self.iv)

    def __repr__(self) -> str:
        return f"IvFit({self.formula!r}, rows={self.rows}, estimator={self.estimator!r})"
