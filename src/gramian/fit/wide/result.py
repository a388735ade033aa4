"""WideFit: the answer of a linear regression with very many columns; frozen, computes nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa

from gramian.data.source import source_of
from gramian.errors import OptionError
from gramian.fit.leastsquares.predict import collect_predictions
from gramian.fit.wide.predict import predictions
from gramian.fit.wide.save import wide_to_json
from gramian.fit.wide.solution import WideSolved
from gramian.inference import goodness, normal
from gramian.inference.tests import Test
from gramian.results import tables
from gramian.results.estimates import Estimates, read_only
from gramian.serialize import file as store
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

KIND = "wide-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WideFit(Estimates):
    """A linear regression by iteration or in the dual form, from `ols` or `ridge`.

    There is no covariance matrix; standard errors are there for ridge in the dual form, and NaN otherwise. Digits are
    an estimate, not certified: they rest on a bound of the smallest eigenvalue that fails with a probability of 1e-6.
    """

    solved: WideSolved

    @property
    def _facts(self) -> WideSolved:
        return self.solved

    @property
    def solver(self) -> str:
        """Which solver it was: "iterative" or "dual"."""
        return self.solved.accuracy.solver

    @property
    def tier(self) -> str:
        """How the digits were had, the name of the solver."""
        return self.solver

    @property
    def steps(self) -> int:
        """Steps of the iteration, 0 without one."""
        return self.solved.accuracy.steps

    @property
    def intercept(self) -> bool:
        """Whether there is a constant."""
        return self.solved.intercept

    @property
    def alpha(self) -> float | None:
        """The ridge penalty, None without one."""
        return self.solved.alpha

    @property
    def digits(self) -> Vector:
        """Estimated digits of each coefficient, (p,).

        Relative to the larger of it and sigma / length of its centred column, what its standard error would be if the
        column were orthogonal to all others; without a penalty a standard error is never below that.
        """
        return read_only(self.solved.accuracy.digits)

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,), where the solver knows them."""
        return read_only(self.solved.std_errors)

    @property
    def statistic(self) -> str:
        """What `statistics` are."""
        return "t"

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values, (p,), where there are standard errors."""
        return normal.probability(self.statistics, self.df_residual)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Intervals, (p, 2), where there are standard errors."""
        return normal.interval(self.coefficients, self.std_errors, level, self.df_residual)

    @property
    def vcov(self) -> Matrix:
        """Refused: it would be as large as the products that this fit does without."""
        return self._no_covariance()

    def test(self, text: str) -> Test:
        """Refused, for want of a covariance."""
        return self._no_covariance()

    def _no_covariance(self) -> NoReturn:
        raise OptionError(f'a fit by solver="{self.solver}" has no covariance matrix; use solver="gram" if it fits')

    @property
    def deviance(self) -> float:
        """Weighted residual sum of squares."""
        return self.solved.rss

    @property
    def sigma(self) -> float:
        """Residual standard deviation, NaN where the degrees of freedom are not known."""
        return goodness.residual_sigma(self.deviance, self.df_residual) if self.df_residual > 0 else float("nan")

    @property
    def r_squared(self) -> float:
        """Share of the sum of squares that is explained; about zero when there is no constant."""
        return goodness.r_squared(self.deviance, self.solved.tss)

    def predict(self, data: object) -> Vector:
        """One value for each row of the data, NaN where a predictor is missing."""
        values: Vector = collect_predictions(predictions(self.solved, source_of(data)), interval=False)
        return values

    def glance(self) -> pa.Table:
        """The fit in one row."""
        return tables.one_row(self._fit_statistics())

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON, schema `gramian.fit/1`; what is not known is None."""
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
        return {
            "r_squared": self.r_squared,
            "sigma": self.sigma,
            "deviance": self.deviance,
            "df_residual": self.df_residual,
            "rows": self.rows,
        }

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary, for a console that draws them."""
        from gramian.fit.wide.report import render  # rich takes a while to import

        return render(self, level)

    def plot(self, data: object | None = None, kind: str | None = None) -> NoReturn:
        """Refused: the pictures of a linear fit need its standard errors."""
        raise OptionError(f'there are no pictures of a fit by solver="{self.solver}"')

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *wide_to_json(self.solved))

    def __repr__(self) -> str:
        penalty = "" if self.alpha is None else f", alpha={self.alpha:g}"
        size = f"rows={self.rows}, columns={len(self.names)}"
        return f"WideFit({self.formula!r}, {size}, solver={self.solver!r}{penalty})"
