"""Base of LinearFit: analysis of variance, collinearity, effect sizes and tests of the assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from gramian.fit.effects.methods import WithEffects
from gramian.fit.leastsquares.solution import Solved
from gramian.results.fitted_rows import rows_or_fitted

if TYPE_CHECKING:
    from gramian.fit.linear.result_collinearity import Collinearity


class LinearChecks(WithEffects):
    """What can be asked of a linear fit beside its coefficients; `solved` is its solution."""

    __slots__ = ()

    solved: Solved

    def anova(self, type: int | str = 1) -> pa.Table:
        """Analysis of variance, without data.

        Parameters
        ----------
        type : {1, 2, 3, "I", "II", "III"}
            1: sequential, in the order of the formula, as R's `anova`. 2: each term after all that do not contain it.
            3: each term after all others, with sum-to-zero contrasts. 2 and 3 are as `Anova` of R's `car`; with a
            robust covariance they are Wald tests.

        Returns
        -------
        pyarrow.Table
            Columns term, df, sum_sq, mean_sq, statistic (F) and p_value; one row for each term, then "Residuals".

        Raises
        ------
        OptionError
            For another type, a fit with a penalty, or type 1 with a robust covariance.
        NotIdentifiedError
            For type 3 if columns are aliased or cells of an interaction have no rows.

        References
        ----------
        Fox, J. and Weisberg, S. (2019). An R Companion to Applied Regression, 3rd edition, section 5.3.
        """
        from gramian.fit.linear.anova import anova
        from gramian.fit.linear.tables import anova as table

        return table(anova(self.solved, self.covariance, self.df_residual, type))

    def effect_sizes(self) -> pa.Table:
        """Standardized coefficients with partial and semi-partial R squared, without data.

        Returns
        -------
        pyarrow.Table
            Columns term, estimate and std_error (in standard deviations of the outcome for one of the column),
            partial_r_squared, semipartial_r_squared (what R squared loses without the column); under iid errors.

        Raises
        ------
        OptionError
            For a fit with a penalty or absorbed factors, or without an intercept.
        """
        from gramian.fit.linear.effect_sizes import effect_sizes

        return effect_sizes(self.solved)

    def diagnostics(self, data: object = None) -> pa.Table:
        """Tests of the assumptions, in one pass: Breusch-Pagan, White, RESET, Durbin-Watson and Jarque-Bera.

        Parameters
        ----------
        data : object, optional
            The rows of the fit in their order; by default where they can be read again.

        Returns
        -------
        pyarrow.Table
            Columns test, hypothesis, statistic, df, df_residual (of F tests), p_value; null where not defined.

        Raises
        ------
        OptionError
            For a fit with weights, a penalty or absorbed factors.
        """
        from gramian.fit.linear.diagnostics import diagnose

        return diagnose(self._effect_model(), rows_or_fitted(data, self.fitted_rows))

    def vif(self) -> pa.Table:
        """Generalised variance inflation factors, as `vif` of R's `car`, without data.

        Returns
        -------
        pyarrow.Table
            Columns term, df, vif and scaled, which is vif^(1 / (2 df)); infinite for a term with an aliased column.

        Raises
        ------
        OptionError
            For a fit with a penalty.

        References
        ----------
        Fox, J. and Monette, G. (1992). Generalized collinearity diagnostics. JASA 87, 178-183.
        """
        from gramian.fit.linear.result_collinearity import vif

        return vif(self.solved)

    def collinearity(self) -> Collinearity:
        """Condition indexes and variance proportions of the columns, without data.

        Raises
        ------
        OptionError
            For a fit with a penalty.

        References
        ----------
        Belsley, D. A., Kuh, E. and Welsch, R. E. (1980). Regression Diagnostics. Wiley, chapter 3.
        """
        from gramian.fit.linear.result_collinearity import collinearity

        return collinearity(self.solved)
