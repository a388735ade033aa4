"""PenalizedFit: the fit at one penalty of a path; frozen, without data."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import pyarrow as pa

from gramian.errors import OptionError, did_you_mean
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.penalized.options import PathOptions
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.known_levels import with_unseen
from gramian.inference import goodness
from gramian.keywords import Unseen
from gramian.results.dropped_rows import HasDroppedRows
from gramian.results.fitted_rows import UNKNOWN, rows_or_fitted
from gramian.typing import Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

KIND = "penalized-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PenalizedFit(HasDroppedRows):
    """A ridge, lasso or elastic-net fit at one penalty, from a `Path` or a `CrossValidation`.

    It has no standard errors: those of least squares would ignore that the data have chosen the columns.

    Attributes
    ----------
    solved : Solved
        The solution, without inverse and standard errors.
    options : PathOptions
        How the coefficients are penalised.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"a": [1, 2, 3, 4, 5], "b": [1, -1, 0, 2, -2], "y": [1, 2, 3, 4, 4.5]}
    >>> fit = gm.gram("y ~ a + b", data).path()[1]
    >>> fit.coefficients.round(3)
    array([0.362, 0.846, 0.   ])
    """

    solved: Solved
    options: PathOptions

    @property
    def _dropped(self) -> DroppedRows:
        return self.solved.dropped_rows

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self.solved.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients, (p,), the intercept first."""
        return self.solved.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,); zero for columns that do not enter."""
        # a view that cannot be written to: the fit is frozen, its arrays would not be
        view = self.solved.coefficients.view()
        view.flags.writeable = False
        return view

    @property
    def alpha(self) -> float:
        """The penalty, as scikit-learn defines it."""
        return float(self.solved.alpha or 0.0)

    @property
    def l1_ratio(self) -> float:
        """Share of the L1 penalty: 0 for ridge, 1 for the lasso."""
        return self.options.l1_ratio

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the coefficients that are not zero."""
        return tuple(name for name, b in zip(self.names, self.coefficients, strict=True) if b)

    @property
    def rows(self) -> int:
        """Number of rows that entered; with frequency weights their sum."""
        return self.solved.rows

    @property
    def df(self) -> float:
        """Effective degrees of freedom of the fit, the intercept's included."""
        return self.solved.leverage

    @property
    def deviance(self) -> float:
        """Weighted residual sum of squares, without the penalty."""
        return self.solved.rss

    @property
    def r_squared(self) -> float:
        """Share of the sum of squares that is explained."""
        return goodness.r_squared(self.deviance, self.solved.tss)

    def __getitem__(self, name: str) -> float:
        """The coefficient with this name. Raises OptionError where there is none."""
        if name not in self.names:
            raise OptionError(f"no coefficient '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def predict(self, data: object = None, *, unseen: Unseen = "error") -> Vector:
        """Predictions for new rows.

        Parameters
        ----------
        data : object
            Rows with the predictors, in any form that a fit accepts. They must be given: sums do not know their rows.
        unseen : {"error", "null"}, default "error"
            What a level of a factor is that the fit has not seen: an error, or a row without a prediction.

        Returns
        -------
        ndarray, (n,)
            One value for each row, NaN where a predictor is missing.

        Raises
        ------
        DataError
            For a level of a factor that the fit has not seen.
        ColumnError
            Where a predictor is not in the data.
        """
        from gramian.fit.leastsquares.predict import predict

        return predict(self.solved, with_unseen(rows_or_fitted(data, UNKNOWN), self.solved.design, unseen))

    def tidy(self) -> pa.Table:
        """Table of the coefficients.

        Returns
        -------
        pyarrow.Table
            One row for each coefficient: term, estimate.
        """
        return pa.table({"term": pa.array(self.names, pa.string()), "estimate": self.coefficients})

    def summary(self) -> str:
        """The fit as plain text.

        Returns
        -------
        str
            Several lines, without a newline at the end.
        """
        from gramian.results.report import to_text  # rich takes a while to import

        return to_text(self.render())

    def render(self) -> list[RenderableType]:
        """Parts of the summary that rich's console can print."""
        from gramian.fit.penalized.report import fit_parts

        return fit_parts(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fit to a file that `gramian.load` reads.

        Parameters
        ----------
        path : str or path-like
            File to write; an existing one is replaced.

        Raises
        ------
        ArtifactError
            Where the file cannot be written.
        """
        from gramian.fit.penalized.save import penalized_fits  # most fits are not saved
        from gramian.serialize import file as store

        store.save(path, KIND, *penalized_fits(PenalizedFit).dump(self))

    def __repr__(self) -> str:
        chosen = sum(name != "Intercept" for name in self.chosen)
        return (
            f"PenalizedFit({self.formula!r}, l1_ratio={self.l1_ratio:g}, alpha={self.alpha:.6g}, "
            f"{chosen} of {len(self.names) - self.solved.intercept} columns, r_squared={self.r_squared:.4g})"
        )

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html  # rich takes a while to import

        return to_html(self.render())
