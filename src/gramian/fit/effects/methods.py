"""Base of linear and generalized linear fits: what can be asked of them after the fit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gramian.results.estimates import Estimates

if TYPE_CHECKING:
    import pyarrow as pa

    from gramian.engines.choice import Engine
    from gramian.fit.effects.averages import RowsToAverage
    from gramian.fit.effects.model import EffectModel
    from gramian.results.effects import Effects
    from gramian.typing import Level

Scale: TypeAlias = Literal["response", "link"]
Pairs: TypeAlias = Literal["reference", "pairwise", "sequential"]
EventsBy: TypeAlias = Literal["period", "cohort", "att"]
Compared: TypeAlias = Literal["difference", "ratio", "odds_ratio"]


class WithEffects(Estimates):
    """Predictions, comparisons, slopes and marginal means, with standard errors by the delta method.

    Averages are over rows, each counted once (or as often as `counts` says). Those of a linear fit come from the sums
    of its columns where they can; others read the rows of the fit again, or those of `data`, in one pass.
    """

    __slots__ = ()

    @abstractmethod
    def _effect_model(self) -> EffectModel:
        """The fit as effects need it."""

    def _over(self, data: object, engine: Engine | str | None, by: str | None) -> RowsToAverage:
        """The rows to average over."""
        from gramian.engines.choice import engine_of
        from gramian.fit.effects.averages import RowsToAverage

        rows = self.fitted_rows.source if data is None else data
        return RowsToAverage(data, self.fitted_rows, engine_of(engine, rows), by)

    def fixed_effects(self) -> dict[str, dict[Level, float]]:
        """Effects of the levels of absorbed factors, and slopes by level.

        Returns
        -------
        dict
            By name, a number for each level: `firm` for its effects, `firm[[x]]` for the slopes of `firm[x]`, NaN where
            the rows of a level do not determine one. Effects are those where the variables with slopes are zero; of
            several factors only differences within each are determined.

        Raises
        ------
        OptionError
            Without absorbed factors.

        Examples
        --------
        >>> import gramian as gm
        >>> rows = {"firm": ["a", "a", "a", "b", "b", "b"], "x": [1.0, 2, 3, 1, 2, 4], "y": [3.0, 5, 7, 2, 1, -1]}
        >>> gm.ols("y ~ 1 | firm[x]", rows).fixed_effects()["firm[[x]]"]["b"]
        -1.0
        """
        from gramian.fit.leastsquares.level_slopes import fixed_effects

        return fixed_effects(self._effect_model().solved)

    def predictions(
        self,
        at: Mapping[str, Any] | None = None,
        data: object = None,
        *,
        scale: Scale = "response",
        by: str | None = None,
        engine: Engine | str | None = None,
    ) -> Effects:
        """Average predictions, with columns set to given values in every row.

        Parameters
        ----------
        at : mapping, optional
            Column -> a value or several; there is an estimate for each combination. Other columns are as in the rows.
        data : object, optional
            Rows to average over, in any form that a fit accepts; by default those of the fit.
        scale : {"response", "link"}, default "response"
            Means, or values of the linear predictor.
        by : str, optional
            Column in whose every value there are averages of their own.
        engine : Engine or str, optional
            What reads the rows.

        Returns
        -------
        Effects
            A table of estimates with standard errors, tests and intervals.

        Raises
        ------
        OptionError
            For what is no predictor or level of the fit, and where rows are needed that cannot be read again.

        Examples
        --------
        >>> import gramian as gm
        >>> fit = gm.ols("y ~ x + g", {"x": [1.0, 2, 3, 4], "g": ["a", "b", "a", "b"], "y": [1.0, 3, 4, 6]})
        >>> fit.predictions(at={"g": ["a", "b"]}).estimates.round(3).tolist()
        [3.25, 3.75]
        """
        from gramian.fit.effects.effects import predictions

        return predictions(self._effect_model(), self._over(data, engine, by), at, scale)

    def comparisons(
        self,
        variables: str | Sequence[str] | Mapping[str, Any] | None = None,
        data: object = None,
        *,
        at: Mapping[str, Any] | None = None,
        pairs: Pairs = "reference",
        compare: Compared = "difference",
        scale: Scale = "response",
        by: str | None = None,
        engine: Engine | str | None = None,
    ) -> Effects:
        """Average differences, or ratios, of predictions between values of a column.

        Parameters
        ----------
        variables : str, sequence of str or mapping, optional
            Columns to compare values of; by default all predictors. A mapping says which values: a step of a column of
            numbers, or two or more values of any column. Without values it is a step of 1, or all levels.
        data : object, optional
            Rows to average over; by default those of the fit.
        at : mapping, optional
            Other columns -> values that they are set to, as in `predictions`.
        pairs : {"reference", "pairwise", "sequential"}, default "reference"
            Each value against the first, all pairs, or each against the one before.
        compare : {"difference", "ratio", "odds_ratio"}, default "difference"
            How two average predictions are compared. Ratios are tested, and have intervals, on the log scale.
        scale, by, engine
            As in `predictions`.

        Returns
        -------
        Effects
            A table of estimates with standard errors, tests and intervals.

        Raises
        ------
        OptionError
            For what is no predictor or level of the fit, and where rows are needed that cannot be read again.

        Examples
        --------
        >>> import gramian as gm
        >>> data = {"dose": [1.0, 2, 3, 4, 5, 6], "hit": [0, 0, 1, 0, 1, 1]}
        >>> fit = gm.glm("hit ~ dose", data, family="binomial")
        >>> fit.comparisons({"dose": (2, 5)}).estimates.round(3).tolist()
        [0.721]
        """
        from gramian.fit.effects.effects import comparisons

        over = self._over(data, engine, by)
        return comparisons(self._effect_model(), over, variables, at, scale, pairs, compare)

    def slopes(
        self,
        variables: str | Sequence[str] | None = None,
        data: object = None,
        *,
        at: Mapping[str, Any] | None = None,
        scale: Scale = "response",
        by: str | None = None,
        engine: Engine | str | None = None,
    ) -> Effects:
        """Average derivatives of predictions by columns of numbers (average marginal effects).

        Parameters
        ----------
        variables : str or sequence of str, optional
            Columns of numbers; by default all that are predictors.
        data : object, optional
            Rows to average over; by default those of the fit.
        at : mapping, optional
            Other columns -> values that they are set to, as in `predictions`.
        scale, by, engine
            As in `predictions`.

        Returns
        -------
        Effects
            A table of estimates with standard errors, tests and intervals.

        Raises
        ------
        OptionError
            For a factor, or what is no predictor of the fit, and where rows are needed that cannot be read again.

        Notes
        -----
        Derivatives are exact, through powers, logarithms, splines and interactions; none is a finite difference.

        Examples
        --------
        >>> import gramian as gm
        >>> fit = gm.ols("y ~ x + I(x^2)", {"x": [0.0, 1, 2, 3], "y": [0.0, 1, 4, 9]})
        >>> fit.slopes("x").estimates.round(6).tolist()
        [3.0]
        """
        from gramian.fit.effects.effects import slopes

        return slopes(self._effect_model(), self._over(data, engine, by), variables, at, scale)

    def means(
        self,
        factors: str | Sequence[str],
        data: object = None,
        *,
        at: Mapping[str, Any] | None = None,
        scale: Scale = "link",
        engine: Engine | str | None = None,
    ) -> Effects:
        """Estimated marginal means of the levels of factors, as R's emmeans; `.pairs()` compares them.

        Parameters
        ----------
        factors : str or sequence of str
            Columns that are factors of the fit; there is a mean for each combination of their levels.
        data : object, optional
            Rows at whose means columns of numbers stand, by default those of the fit.
        at : mapping, optional
            Column -> a value or several, in place of its mean or of the average over its levels.
        scale : {"link", "response"}, default "link"
            Where means and intervals are shown. They are averages on the scale of the link in both cases.
        engine : Engine or str, optional
            What reads the rows, where the sums of the fit do not have the means.

        Returns
        -------
        Effects
            A table of estimates with standard errors, tests and intervals; null where a combination of levels that the
            mean needs has no rows.

        Notes
        -----
        Predictions with columns (not terms) of numbers at their means, averaged with equal weights over the levels of
        all other factors.

        References
        ----------
        S. R. Searle, F. M. Speed and G. A. Milliken, Population marginal means in the linear model, The American
        Statistician 34 (1980).

        Examples
        --------
        >>> import gramian as gm
        >>> fit = gm.ols("y ~ x + g", {"x": [1.0, 2, 3, 4], "g": ["a", "b", "a", "b"], "y": [1.0, 3, 4, 6]})
        >>> means = fit.means("g")
        >>> means.estimates.round(3).tolist(), means.pairs().estimates.round(3).tolist()
        ([3.25, 3.75], [-0.5])
        """
        from gramian.fit.effects.means import means

        return means(self._effect_model(), self._over(data, engine, None), factors, at, scale)

    def simultaneous(self, names: Sequence[str] | None = None) -> Effects:
        """Coefficients with intervals and p-values that hold together (sup-t), from their covariance.

        Parameters
        ----------
        names : sequence of str, optional
            Of the coefficients; by default all that the data determine but the intercept.

        Returns
        -------
        Effects
            With `conf_int(level)`, `tidy(level)`, `plot()`: with probability `level` all intervals hold at once. They
            are never wider than Bonferroni's, and narrower where coefficients are correlated.

        Raises
        ------
        OptionError
            For a coefficient that is not there, or that the data do not determine.

        Notes
        -----
        The half-width is the quantile of the largest absolute t of normal estimates with this covariance: J. L. Montiel
        Olea, M. Plagborg-Moller, "Simultaneous confidence bands", Journal of Applied Econometrics 34 (2019).
        """
        from gramian.fit.effects.simultaneous import simultaneous

        return simultaneous(self, names)

    def predict_terms(self, data: object = None, *, se: bool = False) -> pa.Table:
        """What each term of the formula adds to the linear predictor of a row, about its mean over the rows of the fit.

        Parameters
        ----------
        data : object, optional
            Rows with the predictors; by default those of the fit.
        se : bool, default False
            Whether there are standard errors, too.

        Returns
        -------
        pyarrow.Table
            A column for each term, and `constant`; they add up to the linear predictor without offsets, as in R's
            `predict(type="terms")`. With `se` also a column `TERM std_error` for each. Null where a predictor is
            missing.

        Raises
        ------
        OptionError
            Beside absorbed factors, and where rows are needed that cannot be read again.
        """
        from gramian.fit.effects.terms import predict_terms
        from gramian.results.fitted_rows import rows_or_fitted

        over = self._over(None, None, None)
        return predict_terms(self._effect_model(), rows_or_fitted(data, self.fitted_rows), over, self.vcov, se=se)

    def event_study(
        self, by: EventsBy = "period", data: object = None, *, engine: Engine | str | None = None
    ) -> Effects:
        """Effects of `sunab(cohort, period)`, averaged over cohorts by their rows, or by the weights of these.

        Parameters
        ----------
        by : {"period", "cohort", "att"}, default "period"
            Averages for each period since the treatment; for each cohort over its periods since then; or one over all.
        data : data frame, Arrow table, mapping of arrays, or path, optional
            The rows of the fit, by default those that it was made of. They are read for a generalized linear fit only,
            whose sums have other weights.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        Effects
            Their errors are those of a linear combination of coefficients: shares of cohorts count as known.

        Raises
        ------
        OptionError
            Where the formula has no such term, or the rows cannot be read again.
        DataError
            Where the rows are not those of the fit.
        """
        from gramian.fit.effects.cohorts import cohort_effects

        return cohort_effects(self, self._effect_model(), by, self._over(data, engine, None))

    def iplot(self, term: str | None = None, level: float = 0.95, data: object = None) -> Any:
        """Draw an event study: the estimates of `i(t, ref=-1)` or `i(t, treated, ref=-1)` by the levels of `t`;
        of `sunab(cohort, t)` those of `event_study()`.

        Parameters
        ----------
        term : str, optional
            Which term, as `fit.anova()` names it; by default the first one with i().
        level : float, default 0.95
            Level of the intervals.
        data : data frame, Arrow table, mapping of arrays, or path, optional
            As of `event_study`.

        Returns
        -------
        matplotlib.figure.Figure
            Dots with intervals; reference levels are hollow and zero.

        Raises
        ------
        OptionError
            Where the formula has no such term.
        """
        from gramian.fit.effects.events import drawn

        return drawn(self, self._effect_model(), term, level, self._over(data, None, None))
