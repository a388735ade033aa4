"""The result of `gramian.mixed`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.fit.leastsquares.solution import Solved
from gramian.fit.mixed.solution import MixedSolved
from gramian.inference import likelihood
from gramian.inference.covariance import Covariance
from gramian.inference.intervals import critical
from gramian.inference.satterthwaite import VariableCovariance
from gramian.inference.tests import Test, t_probability
from gramian.keywords import Unseen
from gramian.results.estimates import Estimates
from gramian.results.fitted_rows import UNKNOWN, FittedRows
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from gramian.engines.choice import Engine
    from gramian.serialize.codec import Arrays

KIND = "mixed-fit"
DESCRIPTION = "t with Satterthwaite's degrees of freedom"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MixedFit(Estimates):
    """A linear mixed model: the result of `gm.mixed`.

    Immutable; of its data it knows only where they are. Arrays are those of the fixed effects, in the order of `names`.

    Attributes
    ----------
    mixed : MixedSolved
        The numbers of the solution.
    solved : Solved
        Those of the fixed effects.
    covariance : Covariance
        The covariance of the fixed effects; its degrees of freedom are in `df`, one for each.
    fitted_rows : FittedRows
        Where the rows of the fit are, which `predict` reads without data.

    Notes
    -----
    The model is y = X b + Z u + e, with u of a group normal with covariance G and e with sigma^2 / w. The fixed
    effects are b = (X'V^-1 X)^-1 X'V^-1 y for V the covariance of y; G and sigma^2 maximise the restricted likelihood,
    or the likelihood. Both are functions of products within groups, which one pass leaves.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [0.0, 1, 2, 0, 1, 2, 0, 1, 2],
    ...         "y": [1.0, 2.1, 2.9, 3.0, 4.2, 5.1, 0.1, 1.0, 1.8]}
    >>> fit = gm.mixed("y ~ x + (1 | g)", rows)
    >>> fit.names, fit.coefficients.round(3).tolist()
    (('Intercept', 'x'), [1.406, 0.95])
    >>> round(fit.sigma, 4), fit.df.round(2).tolist()
    (0.1197, [2.01, 5.0])
    """

    mixed: MixedSolved
    solved: Solved = field(init=False)
    covariance: Covariance = field(init=False)
    fitted_rows: FittedRows = UNKNOWN

    def __post_init__(self) -> None:
        structural, sigma = self.mixed.structural, self.mixed.sigma
        roots = structural.inverse_roots
        estimated = Covariance(
            "REML" if self.mixed.reml else "ML",
            sigma**2 * structural.inverse,
            float("nan"),
            DESCRIPTION,
            None if roots is None else np.where(structural.identified, sigma * roots, np.nan),
        )
        object.__setattr__(self, "solved", structural)  # derived, yet fields: several properties use them
        object.__setattr__(self, "covariance", estimated)

    @property
    def _facts(self) -> Solved:
        return self.solved

    @property
    def _varying(self) -> VariableCovariance:
        return VariableCovariance(self.covariance.matrix, self.mixed.derivatives, self.mixed.parameters)

    @property
    def by(self) -> tuple[str, ...]:
        """Columns that make the groups."""
        return self.mixed.by

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.mixed.counts)

    @property
    def reml(self) -> bool:
        """Whether the restricted likelihood was maximised; else the likelihood."""
        return self.mixed.reml

    @property
    def singular(self) -> bool:
        """Whether some combination of random effects has no variance: fewer random effects would fit as well."""
        return self.mixed.singular

    @property
    def sigma(self) -> float:
        """Standard deviation of the residuals."""
        return self.mixed.sigma

    @property
    def df(self) -> Vector:
        """Satterthwaite's degrees of freedom of each fixed effect, (p,)."""
        varying, identity = self._varying, np.eye(len(self.names))
        pairs = zip(identity, self.identified, strict=True)
        return np.array([varying.df(c) if known else np.nan for c, known in pairs])

    @property
    def coefficient_df(self) -> Vector:
        """Satterthwaite's degrees of freedom of each fixed effect, (p,), as `df`."""
        return self.df

    @property
    def statistic(self) -> str:
        """Name of the test statistic, "t"."""
        return "t"

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values of the hypotheses that a fixed effect is 0, (p,), by t with `df`."""
        return np.array([float(t_probability(np.array(t), df)) for t, df in zip(self.statistics, self.df, strict=True)])

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Confidence intervals of the fixed effects, (p, 2), by t with `df`.

        level : confidence level, between 0 and 1.
        """
        margin = np.array([critical(level, df) if df > 0.0 else np.nan for df in self.df]) * self.std_errors
        return np.column_stack([self.coefficients - margin, self.coefficients + margin])

    def test(self, text: str | Sequence[str]) -> Test:
        """F test of hypotheses about the fixed effects, with Satterthwaite's degrees of freedom.

        Parameters
        ----------
        text : str or list of str
            Hypotheses, as of `LinearFit.test`; they are linear.

        Returns
        -------
        Test
            Statistic, degrees of freedom and p-value.

        Raises
        ------
        OptionError, NumericalError
            As `LinearFit.test`.
        """
        from gramian.inference.hypothesis import hypotheses

        pairs = zip(self.names, self.identified, strict=True)
        unknown = {n: self.aliased.get(n, "") for n, is_identified in pairs if not is_identified}
        R, q = hypotheses(text, self.names, unknown)
        return self._varying.test(R, np.nan_to_num(self.coefficients), q)

    @property
    def parameters(self) -> int:
        """Number of parameters: fixed effects, covariances of random effects, and the residual variance."""
        return self.rank + len(self.mixed.parameters)

    @property
    def df_residual(self) -> float:
        """Rows minus the number of parameters."""
        return self.rows - self.parameters

    @property
    def deviance(self) -> float:
        """-2 times the logarithm of the restricted likelihood, or of the likelihood (`reml`)."""
        return self.mixed.deviance

    @property
    def loglik(self) -> float:
        """Logarithm of the restricted likelihood, or of the likelihood (`reml`)."""
        return -0.5 * self.mixed.deviance

    @property
    def aic(self) -> float:
        """Akaike's criterion. Under REML it compares models of the same fixed effects only."""
        return likelihood.aic(self.loglik, self.parameters - 1)

    @property
    def bic(self) -> float:
        """Schwarz's criterion. Under REML it compares models of the same fixed effects only."""
        return likelihood.bic(self.loglik, self.parameters - 1, self.rows)

    def variance_components(self, level: float = 0.95) -> pa.Table:
        """Variances and correlations of the random effects, and the variance of the residuals.

        Parameters
        ----------
        level : float, default 0.95
            Level of the intervals.

        Returns
        -------
        pyarrow.Table
            Columns group, term, with, vcov, sdcor, conf_low and conf_high, as lme4's `VarCorr`: for a variance sdcor is
            its root, for a covariance with another term the correlation. Intervals are of sdcor, null at a bound.

        Notes
        -----
        Wald intervals, on the scale of the logarithm of a standard deviation and of the inverse hyperbolic tangent of
        a correlation, from the second derivatives of the deviance.
        """
        from gramian.fit.mixed.component_tables import variance_components

        return variance_components(self.mixed, level)

    def profile(
        self,
        data: object = None,
        *,
        level: float = 0.95,
        fixed: bool = True,
        engine: Engine | str | None = None,
    ) -> pa.Table:
        """Profile-likelihood intervals of all parameters, as lme4's `confint(fit, method="profile")`.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            The rows of the fit, read in one pass, or the `Gram` that it is of, from which no rows are read. By default
            the rows that the fit was made of.
        level : float, default 0.95
            Level of the intervals.
        fixed : bool, default True
            Whether the fixed effects have intervals, too.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        pyarrow.Table
            Columns group, term, with, estimate, conf_low and conf_high: standard deviations of the random effects, with
            another term correlations, that of the residuals, and last the fixed effects, whose group is null. Null for
            a correlation with an effect without variance.

        Raises
        ------
        DataError
            Where the rows are not those of the fit.
        OptionError
            Without data, where the rows of the fit cannot be read again.
        ConvergenceError
            Where a search does not converge, as may happen for a singular fit.

        Notes
        -----
        An interval has the values that a test by the ratio of likelihoods does not reject. The likelihood is that of
        `reml=False`, for a fit by REML too, as in lme4; estimates are those of the fit. An end may be a bound: 0 for a
        standard deviation, 1 or -1 for a correlation.
        """
        from gramian.fit.mixed.profile import profile

        return profile(self.mixed, self.fitted_rows, data, level=level, fixed=fixed, engine=engine)

    @property
    def random_effects(self) -> pa.Table:
        """Conditional means of the random effects (best linear unbiased predictions), as a table.

        A row for each group and term: the columns of the grouping, term, estimate and std_error, which is the
        conditional standard deviation given the parameters.
        """
        from gramian.fit.mixed.component_tables import random_effects

        return random_effects(self.mixed)

    def predict(
        self,
        data: object = None,
        interval: str | None = None,
        level: float = 0.95,
        *,
        random: bool = True,
        unseen: Unseen = "error",
        sums: object = None,
    ) -> Vector | pa.Table:
        """Predictions for the rows of data.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows, as the data of `gm.mixed`; without it the rows of the fit, where they can be read again.
        interval : {"confidence", "prediction"}, optional
            Interval for the expected value, or for a new outcome: of the row's group, or with random=False of a new
            one.
        level : float, default 0.95
            Coverage of the interval.
        random : bool, default True
            Whether the random effects of a row's group enter. False gives the mean over all groups, x'b, for which the
            columns of the groups are not needed.
        unseen : {"error", "null"}, default "error"
            What a group, or a level of a factor, is that the fit has not seen: an error, or a row without a prediction.
        sums : object, optional
            For intervals with random effects: the rows of the fit, read in one pass, or the `Gram` that it is of. By
            default the rows that the fit was made of.

        Returns
        -------
        ndarray of shape (n,) or pyarrow.Table
            NaN where a column is missing; with an interval a table with the columns fit, low and high, null there.

        Raises
        ------
        ColumnError
            Where a column is missing.
        DataError
            For a group or a level that the fit has not seen.
        OptionError
            For an unknown interval or level, and where the rows of the fit are needed and cannot be read again.

        Notes
        -----
        Intervals are those of the normal distribution with the covariance parameters taken as known. The variance of
        x'b + z'u is the prediction error variance of Henderson's equations; without random effects it is that of x'b,
        and a new outcome has those of u and of a residual of weight one beside it.
        """
        from gramian.fit.mixed.predict import PredictionRequest, predict

        request = PredictionRequest(interval, level, random, unseen, sums)
        return predict(self.mixed, self.fitted_rows, data, request)

    def augment(self, data: object = None, *, unseen: Unseen = "error") -> pa.Table:
        """Rows of data with their fitted values and residuals, under broom's names; leverages are null.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows as in `predict`; without the outcome there are no residuals. Without data the rows of the fit.
        unseen : {"error", "null"}, default "error"
            As of `predict`.
        """
        from gramian.fit.mixed.plot import rows_of
        from gramian.fit.mixed.predict import known_rows
        from gramian.results.augment import augmented

        return augmented(rows_of(self), known_rows(self.mixed, self.fitted_rows, data, random=True, unseen=unseen))

    def glance(self) -> pa.Table:
        """Statistics of the fit in one row, with the names of R's broom."""
        from gramian.fit.mixed.tables import glance

        return glance(self)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure of the fixed effects or the random effects; with data, of the residuals.

        kind : "coefficients", "random", or with data "diagnostics" and its parts, as of `LinearFit.plot`.
        """
        from gramian.fit.mixed.plot import draw_fit

        return draw_fit(self, data, kind)

    def _as_dict(self, level: float) -> dict[str, Any]:
        from gramian.fit.mixed.tables import to_dict

        return to_dict(self, level)

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.mixed.report import render  # rich takes a while to import

        return render(self, level)

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.mixed.save import MIXED_SOLVED  # most fits are not saved

        return KIND, *MIXED_SOLVED.dump(self.mixed)

    def __repr__(self) -> str:
        return f"MixedFit({self.formula!r}, rows={self.rows}, groups={self.groups})"
