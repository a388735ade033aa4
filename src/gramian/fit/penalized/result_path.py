"""Path: the penalised fits of a design for a sequence of penalties; frozen, without data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pyarrow as pa

from gramian.errors import NumericalError, one_of
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.penalized.options import path_options
from gramian.fit.penalized.path import SolvedPath, solve_path, solved_at_alpha
from gramian.fit.penalized.result import PenalizedFit
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference import goodness
from gramian.inference.tuning import CRITERIA
from gramian.keywords import PathKeywords
from gramian.results.dropped_rows import HasDroppedRows
from gramian.results.estimates import read_only
from gramian.results.tables import finite
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "gramian.path/1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Path(HasDroppedRows):
    """A ridge, lasso or elastic-net path: fits for a falling sequence of penalties, from `Gram.path`.

    `path[i]` is the fit at the i-th penalty; the first is the largest. A lasso path has its knots as penalties: between
    two knots the coefficients are linear in alpha.

    Attributes
    ----------
    solved : SolvedPath
        The solutions, with the names of their columns.

    Notes
    -----
    For ridge the coefficients minimise r'Wr + alpha b'b, for the lasso and the elastic net r'Wr / (2 sum(W)) + alpha
    ``(l1_ratio |b|_1 + (1 - l1_ratio) b'b / 2)``, as in scikit-learn.

    References
    ----------
    B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least angle regression, Annals of Statistics 32 (2004),
    407-499. J. Friedman, T. Hastie and R. Tibshirani, Regularization paths for generalized linear models via coordinate
    descent, Journal of Statistical Software 33 (2010), 1-22.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"a": [1, 2, 3, 4, 5], "b": [1, -1, 0, 2, -2], "y": [1, 2, 3, 4, 4.5]}
    >>> path = gm.gram("y ~ a + b", data).path()
    >>> path.alphas.round(3)
    array([1.8  , 0.108, 0.   ])
    """

    solved: SolvedPath

    @property
    def _dropped(self) -> DroppedRows:
        return self.solved.dropped_rows

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self.solved.problem.design.formula

    @property
    def l1_ratio(self) -> float:
        """Share of the L1 penalty: 0 for ridge, 1 for the lasso."""
        return self.solved.options.l1_ratio

    @property
    def alphas(self) -> Vector:
        """Penalties, (n,), falling, as scikit-learn defines them."""
        return read_only(self.solved.solutions.alphas)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slopes, (q,)."""
        return self.solved.names

    @property
    def coefficients(self) -> Matrix:
        """Slopes, (n, q), one row for each penalty."""
        return read_only(self.solved.solutions.coefficients)

    @property
    def intercepts(self) -> Vector:
        """Intercepts, (n,); zero where the model has none."""
        return read_only(self.solved.intercepts)

    @property
    def df(self) -> Vector:
        """Effective degrees of freedom, (n,), the intercept's included."""
        return read_only(self.solved.solutions.df)

    @property
    def rss(self) -> Vector:
        """Weighted residual sums of squares, (n,), without the penalty."""
        return read_only(self.solved.solutions.rss)

    @property
    def r_squared(self) -> Vector:
        """Shares of the sum of squares that are explained, (n,)."""
        return np.array([goodness.r_squared(rss, self.solved.tss) for rss in self.rss.tolist()])

    @property
    def rows(self) -> int:
        """Number of rows that entered; with frequency weights their sum."""
        return self.solved.rows

    @property
    def passed(self) -> tuple[str, ...]:
        """Names of columns that never enter, because they are linear combinations of columns that do."""
        return self.solved.passed

    @property
    def certificate(self) -> Vector:
        """Distance of each fit from the optimum, (n,), relative.

        The largest violation of the optimality conditions as a correlation (homotopy, ridge), or the duality gap as a
        share of the outcome's sum of squares (coordinate descent).
        """
        return read_only(self.solved.solutions.certificate)

    @property
    def method(self) -> str:
        """How the path was computed: homotopy, coordinate descent, or one eigendecomposition for ridge."""
        solutions = self.solved.solutions
        if self.l1_ratio == 0:
            return "one decomposition for the whole grid"
        if solutions.exact == len(solutions.alphas):
            return "homotopy, every knot" if solutions.knots else "homotopy"
        if solutions.exact == 0:
            return "coordinate descent"
        return f"homotopy down to alpha = {solutions.alphas[solutions.exact - 1]:.6g}, then coordinate descent"

    def criterion(self, name: str) -> Vector:
        """A model selection criterion for every fit.

        Parameters
        ----------
        name : {"aic", "bic", "gcv"}
            Akaike's or Schwarz's criterion, or generalized cross-validation.

        Returns
        -------
        ndarray, (n,)
            The smaller the better; infinite where no degrees of freedom are left.

        Raises
        ------
        OptionError
            For another name.
        """
        function = CRITERIA[one_of("criterion", name, CRITERIA)]
        return function(self.rss, self.df, self.rows, self.solved.log_weight)

    def best(self, criterion: str = "bic") -> PenalizedFit:
        """The fit with the least value of a criterion.

        Parameters
        ----------
        criterion : {"aic", "bic", "gcv"}, default "bic"
            The criterion.

        Returns
        -------
        PenalizedFit

        Raises
        ------
        NumericalError
            Where every fit uses all degrees of freedom.
        """
        values = self.criterion(criterion)
        # argmin would return the first fit although no value can be compared
        if np.isposinf(values).all():
            raise NumericalError(
                f"{criterion} needs more rows than degrees of freedom; cross-validate, or take `path[i]`"
            )
        return self[int(np.argmin(values))]

    def __getitem__(self, index: int) -> PenalizedFit:
        """The fit at the index-th penalty. Raises IndexError where there is none."""
        return PenalizedFit(solved_at_alpha(self.solved, range(len(self))[index]), self.solved.options)

    def __len__(self) -> int:
        """The number of penalties."""
        return len(self.solved.solutions.alphas)

    def tidy(self) -> pa.Table:
        """Table of the coefficients.

        Returns
        -------
        pyarrow.Table
            One row for each penalty and coefficient: step, alpha, term, estimate.
        """
        estimates = (
            np.column_stack([self.intercepts, self.coefficients]) if self.solved.intercept else self.coefficients
        )
        names = ("Intercept", *self.names) if self.solved.intercept else self.names
        n, p = estimates.shape
        return pa.table(
            {
                "step": pa.array(np.repeat(np.arange(n), p)),
                "alpha": pa.array(np.repeat(self.alphas, p)),
                "term": pa.array(names * n, pa.string()),
                "estimate": pa.array(estimates.ravel()),
            }
        )

    def glance(self) -> pa.Table:
        """Table of the fits.

        Returns
        -------
        pyarrow.Table
            One row for each penalty: alpha, df, nonzero, rss, r_squared, aic, bic, gcv.
        """
        nonzero = np.count_nonzero(self.coefficients, axis=1)
        columns = {
            "alpha": self.alphas,
            "df": self.df,
            "nonzero": nonzero,
            "rss": self.rss,
            "r_squared": self.r_squared,
        }
        return pa.table(
            {k: pa.array(v) for k, v in (columns | {name: self.criterion(name) for name in CRITERIA}).items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """The path as a dict that JSON can represent.

        Returns
        -------
        dict
            Schema `gramian.path/1`, one step for each penalty. Numbers that are not finite are None.
        """
        steps = [{k: finite(v) for k, v in row.items()} for row in self.glance().to_pylist()]
        slopes = [dict(zip(self.names, row, strict=True)) for row in self.coefficients.tolist()]
        pairs = zip(steps, self.intercepts.tolist(), slopes, strict=True)
        return {
            "schema": SCHEMA,
            "formula": self.formula,
            "l1_ratio": self.l1_ratio,
            "rows": self.rows,
            "dropped_rows": dict(self.dropped_rows),
            "method": self.method,
            "passed": list(self.passed),
            "steps": [{**row, "intercept": b0, "coefficients": b} for row, b0, b in pairs],
        }

    def summary(self) -> str:
        """The path as plain text.

        Returns
        -------
        str
            Several lines, without a newline at the end.
        """
        from gramian.results.report import to_text  # rich takes a while to import

        return to_text(self.render())

    def render(self) -> list[RenderableType]:
        """Parts of the summary that rich's console can print."""
        from gramian.fit.penalized.report import path_parts

        return path_parts(self)

    def plot(self) -> Any:
        """Draw the coefficients against alpha.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.fit.penalized.plot import path

        return path(self)

    def __repr__(self) -> str:
        alphas = f"{len(self)} {'knots' if self.solved.solutions.knots else 'alphas'}"
        return f"Path({self.formula!r}, l1_ratio={self.l1_ratio:g}, {alphas}, {len(self.names)} columns)"

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html  # rich takes a while to import

        return to_html(self.render())


def path_of(design: Design, accumulated: Accumulated, l1_ratio: float = 1.0, **penalty: Unpack[PathKeywords]) -> Path:
    """The path of a design from its moments; no row is read.

    Parameters
    ----------
    design : Design
        Design with its coordinates.
    accumulated : Accumulated
        Its moments, and the counts of dropped rows.
    l1_ratio, alphas, penalties, standardize, drop_first
        As in `Gram.path`; alphas for l1_ratio 0 are those of scikit-learn's `Ridge`.

    Raises
    ------
    OptionError, NumericalError, ConvergenceError
        As `solve_path`.
    """
    return Path(solve_path(design, accumulated, path_options(l1_ratio, **penalty)))
