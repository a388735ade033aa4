"""WideFit: the result of a linear regression with very many columns; frozen, without data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError, not_offered
from gramian.fit.wide.solution import WideSolved
from gramian.inference import goodness, normal
from gramian.inference.tests import Test
from gramian.results import tables
from gramian.results.estimates import Estimates, read_only
from gramian.results.fitted_rows import UNKNOWN, FittedRows, rows_or_fitted
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.serialize.codec import Arrays

KIND = "wide-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WideFit(Estimates):
    """A linear regression by an iterative or a dual solver, the result of `ols` or `ridge` for very many columns.

    There is no covariance matrix, because it would be as large as the products that these solvers avoid. Standard
    errors exist for ridge in the dual form, and are NaN otherwise.

    Attributes
    ----------
    solved : WideSolved
        The solution that the solver made.

    Notes
    -----
    The digits are an estimate, not certified: they rest on a lower bound of the smallest eigenvalue that fails with a
    probability of at most 1e-6.

    Examples
    --------
    >>> import numpy as np, gramian as gm
    >>> X = np.random.default_rng(0).standard_normal((4, 10))
    >>> fit = gm.ridge("y ~ X", {"X": X, "y": [1.0, 2.0, 3.0, 4.0]}, alpha=1.0, solver="dual")
    >>> fit.solver, len(fit.names)
    ('dual', 11)
    """

    solved: WideSolved
    fitted_rows: FittedRows = UNKNOWN

    wild_bootstrap = bootstrap = jackknife = randomization = not_offered(
        "draws", "they need products of all pairs of columns, which this solver does not make; take fewer columns"
    )

    @property
    def coefficient_df(self) -> None:
        """None: one number holds for all coefficients."""
        return

    @property
    def _facts(self) -> WideSolved:
        return self.solved

    @property
    def solver(self) -> str:
        """The solver: "iterative" or "dual"."""
        return self.solved.accuracy.solver

    @property
    def tier(self) -> str:
        """The name of the solver, where other linear fits name the precision of their sums."""
        return self.solver

    @property
    def steps(self) -> int:
        """Steps of the iteration, 0 for the dual solver."""
        return self.solved.accuracy.steps

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.solved.intercept

    @property
    def alpha(self) -> float | None:
        """The ridge penalty; None without one."""
        return self.solved.alpha

    @property
    def digits(self) -> Vector:
        """Estimated number of right digits of each coefficient, (p,).

        Relative to the larger of the coefficient and sigma / length of its centred column. The latter is its standard
        error where the column is orthogonal to all others; without a penalty no standard error is smaller.
        """
        return read_only(self.solved.accuracy.digits)

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,); NaN where the solver does not compute them."""
        return read_only(self.solved.std_errors)

    @property
    def statistic(self) -> str:
        """Name of the test statistic, "t"."""
        return "t"

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values of the hypotheses that a coefficient is 0, (p,); NaN without standard errors."""
        return normal.probability(self.statistics, self.df_residual)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Wald confidence intervals, estimate ± quantile × standard error.

        Parameters
        ----------
        level : float, default 0.95
            Confidence level, between 0 and 1.

        Returns
        -------
        ndarray, (p, 2)
            Lower and upper ends; NaN without standard errors.
        """
        return normal.interval(self.coefficients, self.std_errors, level, self.df_residual)

    @property
    def vcov(self) -> Matrix:
        """Not available: raises OptionError, since the matrix would be as large as the products that are avoided."""
        return self._no_covariance()

    def test(self, text: str | Sequence[str]) -> Test:
        """Not available: raises OptionError, since a Wald test needs the covariance matrix."""
        return self._no_covariance()

    def _no_covariance(self) -> NoReturn:
        raise OptionError(f'a fit by solver="{self.solver}" has no covariance matrix; use solver="gram" if it fits')

    @property
    def deviance(self) -> float:
        """Weighted residual sum of squares."""
        return self.solved.rss

    @property
    def sigma(self) -> float:
        """Residual standard deviation; NaN where the degrees of freedom are unknown."""
        return goodness.residual_sigma(self.deviance, self.df_residual) if self.df_residual > 0 else float("nan")

    @property
    def r_squared(self) -> float:
        """Share of the sum of squares that is explained; about zero where the model has no intercept."""
        return goodness.r_squared(self.deviance, self.solved.tss)

    def predict(self, data: object = None) -> Vector:
        """Predictions for new rows.

        Parameters
        ----------
        data : object, optional
            Rows with the predictors, in any form that `ols` accepts; without it the rows of the fit, where they can be
            read again.

        Returns
        -------
        ndarray, (n,)
            One value for each row, NaN where a predictor is missing.

        Raises
        ------
        ColumnError
            Where a predictor is not in the data.
        SchemaError
            Where a matrix has fewer columns than the fit used.
        """
        from gramian.fit.leastsquares.predict import collect_predictions
        from gramian.fit.wide.predict import predictions

        values: Vector = collect_predictions(
            predictions(self.solved, rows_or_fitted(data, self.fitted_rows)), interval=False
        )
        return values

    def glance(self) -> pa.Table:
        """Statistics of the fit.

        Returns
        -------
        pyarrow.Table
            One row: r_squared, sigma, deviance, df_residual, rows.
        """
        return tables.one_row(self._fit_statistics())

    def _as_dict(self, level: float) -> dict[str, Any]:
        accuracy = self.solved.accuracy
        return {
            "schema": tables.SCHEMA,
            "formula": self.formula,
            "family": "gaussian",
            "dropped_rows": dict(self.dropped_rows),
            "missing": dict(self.missing),
            "level": level,
            "coefficients": tables.coefficients(self, level),
            **{name: tables.finite(v) for name, v in self._fit_statistics().items()},
            "rows": self.rows,
            "rank": self.rank,
            "aliased": dict(self.aliased),
            "alpha": self.alpha,
            "accuracy": {
                "tier": accuracy.solver,
                "digits": tables.finite(float(np.nanmin(accuracy.digits, initial=16.0))),
                "reached": accuracy.reached,
                "passes": self.passes,
                "steps": accuracy.steps,
                "condition": tables.finite(self.condition),
            },
        }

    def _fit_statistics(self) -> dict[str, float | None]:
        """The statistics of the fit, by name."""
        return {
            "r_squared": self.r_squared,
            "sigma": self.sigma,
            "deviance": self.deviance,
            "df_residual": self.df_residual,
            "rows": self.rows,
        }

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.wide.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> NoReturn:
        """Not available: raises OptionError, since the pictures of a linear fit need its standard errors."""
        raise OptionError(f'there are no pictures of a fit by solver="{self.solver}"')

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.wide.save import WIDE_SOLVED  # most fits are not saved

        return KIND, *WIDE_SOLVED.dump(self.solved)

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        size = f"rows={self.rows}, columns={len(self.names)}"
        return f"WideFit({self.formula!r}, {size}, solver={self.solver!r}{penalty})"
