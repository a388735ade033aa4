"""The result of `gramian.between`, `gramian.random_effects` and `gramian.mundlak`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError, not_offered
from gramian.fit.panel.solution import BETWEEN, MUNDLAK, PanelSolved
from gramian.formula.known_levels import with_unseen
from gramian.inference.covariance import Covariance
from gramian.keywords import Unseen
from gramian.results.estimates import Estimates
from gramian.results.fitted_rows import UNKNOWN, FittedRows, rows_or_fitted
from gramian.typing import Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.serialize.codec import Arrays

KIND = "panel-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PanelFit(Estimates):
    """A fit to a panel: the result of `gm.between`, `gm.random_effects` and `gm.mundlak`.

    Immutable; of its data it knows only where they are. Arrays are in the order of `names`.

    Attributes
    ----------
    panel_solved : PanelSolved
        The numbers of the solution.
    solved : PanelSolved
        The same.
    covariance : Covariance
        The covariance of the coefficients.
    fitted_rows : FittedRows
        Where the rows of the fit are, which `predict` reads without data.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [0.0, 1, 2, 1, 1, 4, 2, 1, 6],
    ...         "y": [1.0, 2.1, 2.9, 3.0, 3.2, 5.1, 2.1, 1.0, 4.8]}
    >>> fit = gm.random_effects("y ~ x", rows, panel="g")
    >>> fit.names, fit.groups
    (('Intercept', 'x'), 3)
    """

    panel_solved: PanelSolved
    solved: PanelSolved = field(init=False)
    covariance: Covariance = field(init=False)
    fitted_rows: FittedRows = UNKNOWN

    wild_bootstrap = bootstrap = jackknife = randomization = not_offered(
        "draws", "take standard errors by cluster (vcov={'cluster': panel}), or draws of a linear model (gm.ols)"
    )  # fmt: skip

    def __post_init__(self) -> None:
        own = self.panel_solved
        object.__setattr__(self, "solved", own)  # derived, yet fields: several properties use them
        object.__setattr__(self, "covariance", Covariance(own.kind, own.covariance, own.df, own.description))

    @property
    def _facts(self) -> PanelSolved:
        return self.panel_solved

    @property
    def estimator(self) -> str:
        """The estimator: "between", "random" or "mundlak"."""
        return self.panel_solved.estimator

    @property
    def panel(self) -> str:
        """The column that makes the groups."""
        return self.panel_solved.panel

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self.panel_solved.groups

    @property
    def sigma(self) -> float:
        """Standard deviation of the residuals of the regression: of group means, or of quasi-demeaned rows."""
        return self.panel_solved.sigma

    @property
    def sigma_residual(self) -> float:
        """Standard deviation of the residuals of rows; NaN for the between estimator."""
        return self.panel_solved.sigma_residual

    @property
    def sigma_group(self) -> float:
        """Standard deviation of the effects of groups; NaN for the between estimator."""
        return self.panel_solved.sigma_group

    @property
    def r_squared(self) -> float:
        """Share of the square of the outcome about its mean that the regression explains, as it is transformed."""
        return self.panel_solved.r_squared

    @property
    def df_residual(self) -> float:
        """Residual degrees of freedom: rows, or groups for the between estimator, minus the coefficients."""
        return (self.groups if self.estimator == BETWEEN else self.rows) - self.rank

    def predict(self, data: object = None, *, unseen: Unseen = "error") -> Vector:
        """Predictions x'b for the rows of data, without the effects of groups.

        Parameters
        ----------
        data : data frame, Arrow table, mapping of arrays, or path, optional
            Rows; without it the rows of the fit, where they can be read again.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        ndarray of shape (n,)
            NaN where a column is missing.

        Raises
        ------
        OptionError
            Beside group means, which a row does not have.
        """
        from gramian.fit.leastsquares.predict import predict

        if self.estimator == MUNDLAK:
            raise OptionError("a row has no group means: predict with gm.random_effects, or with gm.ols")
        structural = self.panel_solved.structural
        source = with_unseen(rows_or_fitted(data, self.fitted_rows), structural.design, unseen)
        return np.asarray(predict(structural, source))

    def glance(self) -> pa.Table:
        """Statistics of the fit in one row, with the names of R's broom."""
        from gramian.fit.panel.tables import glance

        return glance(self)

    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure of the coefficients.

        data : no rows are needed. kind : "coefficients".
        """
        from gramian.fit.panel.plot import draw_fit

        return draw_fit(self, data, kind)

    def _as_dict(self, level: float) -> dict[str, Any]:
        from gramian.fit.panel.tables import to_dict

        return to_dict(self, level)

    def _parts(self, level: float) -> list[RenderableType]:
        from gramian.fit.panel.report import render  # rich takes a while to import

        return render(self, level)

    def _content(self) -> tuple[str, Any, Arrays]:
        from gramian.fit.panel.save import PANEL_SOLVED  # most fits are not saved

        return KIND, *PANEL_SOLVED.dump(self.panel_solved)

    def __repr__(self) -> str:
        return f"PanelFit({self.formula!r}, rows={self.rows}, groups={self.groups}, estimator={self.estimator!r})"
