"""CrossValidation: errors of penalised fits on folds that were left out in turn; frozen, without data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import pyarrow as pa

from gramian.fit.penalized.cross_validation import SolvedCrossValidation, cross_validate
from gramian.fit.penalized.options import path_options
from gramian.fit.penalized.result import PenalizedFit
from gramian.fit.penalized.result_path import Path
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.keywords import PathKeywords
from gramian.linalg.moments import Moments
from gramian.results.estimates import read_only
from gramian.results.tables import finite
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "gramian.cross_validation/1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CrossValidation:
    """Mean squared errors of a path on folds that were left out in turn, from `Gram.cross_validate`.

    `best_alpha` has the least mean error; `one_se_alpha` is the largest penalty whose mean error is within one standard
    error of that. `fit` and `one_se_fit` are the fits to all rows at these penalties.

    Attributes
    ----------
    solved : SolvedCrossValidation
        The errors, and the path of all rows.

    Notes
    -----
    Training sets are sums of the moments of folds, so that no row is read again. The one-standard-error rule is that of
    L. Breiman, J. Friedman, R. Olshen and C. Stone, Classification and Regression Trees, Wadsworth 1984.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"x": [1, 2, 3, 4, 5, 6, 7, 8], "y": [1.1, 2.0, 2.8, 4.2, 5.1, 5.8, 7.1, 8.2]}
    >>> validation = gm.gram("y ~ x", data, folds=4).cross_validate(alphas=[0.01, 100.0])
    >>> validation.best_alpha
    0.01
    """

    solved: SolvedCrossValidation

    @property
    def path(self) -> Path:
        """The fits to all rows, at the same penalties."""
        return Path(self.solved.path)

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self.path.formula

    @property
    def l1_ratio(self) -> float:
        """Share of the L1 penalty: 0 for ridge, 1 for the lasso."""
        return self.path.l1_ratio

    @property
    def alphas(self) -> Vector:
        """Penalties, (n,), falling."""
        return self.path.alphas

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds."""
        return self.solved.folds

    @property
    def errors(self) -> Matrix:
        """Mean squared errors, (folds, n), on the rows of each fold."""
        return read_only(self.solved.errors)

    @property
    def mean_error(self) -> Vector:
        """Mean of the errors over the folds, (n,)."""
        return read_only(self.solved.mean_error)

    @property
    def std_error(self) -> Vector:
        """Standard error of the mean error, (n,): standard deviation over the folds / sqrt(folds)."""
        return read_only(self.solved.std_error)

    @property
    def best_alpha(self) -> float:
        """The penalty with the least mean error."""
        return float(self.alphas[self.solved.best])

    @property
    def one_se_alpha(self) -> float:
        """The largest penalty whose mean error is at most the least one plus its standard error."""
        return float(self.alphas[self.solved.one_se])

    @property
    def fit(self) -> PenalizedFit:
        """The fit to all rows at `best_alpha`."""
        return self.path[self.solved.best]

    @property
    def one_se_fit(self) -> PenalizedFit:
        """The fit to all rows at `one_se_alpha`."""
        return self.path[self.solved.one_se]

    def tidy(self) -> pa.Table:
        """Table of the errors.

        Returns
        -------
        pyarrow.Table
            One row for each penalty: alpha, mean_error, std_error, df, nonzero.
        """
        path_table = self.path.glance()
        columns = {"alpha": path_table["alpha"], "mean_error": self.mean_error, "std_error": self.std_error}
        return pa.table({**columns, "df": path_table["df"], "nonzero": path_table["nonzero"]})

    def to_dict(self) -> dict[str, Any]:
        """The cross-validation as a dict that JSON can represent.

        Returns
        -------
        dict
            Schema `gramian.cross_validation/1`. Numbers that are not finite are None.
        """
        # JSON has neither NaN nor infinity
        rows = [{k: finite(v) for k, v in row.items()} for row in self.tidy().to_pylist()]
        chosen = {"best": self.fit, "one_se": self.one_se_fit}
        return {
            "schema": SCHEMA,
            "formula": self.formula,
            "l1_ratio": self.l1_ratio,
            "rows": self.path.rows,
            "dropped_rows": dict(self.path.dropped_rows),
            "folds": list(self.folds),
            "best_alpha": self.best_alpha,
            "one_se_alpha": self.one_se_alpha,
            "table": rows,
            **{k: dict(zip(fit.names, fit.coefficients.tolist(), strict=True)) for k, fit in chosen.items()},
        }

    def summary(self) -> str:
        """The cross-validation as plain text.

        Returns
        -------
        str
            Several lines, without a newline at the end.
        """
        from gramian.results.report import to_text  # rich takes a while to import

        return to_text(self.render())

    def render(self) -> list[RenderableType]:
        """Parts of the summary that rich's console can print."""
        from gramian.fit.penalized.report import validation_parts

        return validation_parts(self)

    def plot(self) -> Any:
        """Draw the mean errors against alpha, with the two choices marked.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.fit.penalized.plot import cross_validation

        return cross_validation(self)

    def __repr__(self) -> str:
        return (
            f"CrossValidation({self.formula!r}, l1_ratio={self.l1_ratio:g}, {len(self.folds)} folds, "
            f"{len(self.alphas)} alphas, best_alpha={self.best_alpha:.6g}, one_se_alpha={self.one_se_alpha:.6g})"
        )

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html  # rich takes a while to import

        return to_html(self.render())


def cross_validation_of(
    design: Design,
    folds: Sequence[Moments],
    dropped_rows: DroppedRows | None = None,
    names: Sequence[object] | None = None,
    *,
    l1_ratio: float = 0.0,
    **penalty: Unpack[PathKeywords],
) -> CrossValidation:
    """Cross-validation of a design from the moments of its folds; no row is read.

    Parameters
    ----------
    design : Design
        Design with its coordinates.
    folds : sequence of Moments
        Moments of one design whose sum is that of all rows: numbered folds, or any groups to leave out in turn.
    l1_ratio, alphas, penalties, standardize, drop_first
        As in `path_of`.
    dropped_rows : DroppedRows, optional
        Rows that entered no fold.
    names : sequence, optional
        Names of the folds; by default their numbers.

    Raises
    ------
    OptionError, NumericalError, ConvergenceError
        As `cross_validate`.
    """
    options = path_options(l1_ratio, **penalty)
    return CrossValidation(cross_validate(design, folds, options, dropped_rows, names))
