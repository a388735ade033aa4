"""Base of the generalized linear estimators: iteratively reweighted least squares in a few passes over X."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from gramian.errors import OptionError
from gramian.fit.glm.fit import fit_glm
from gramian.fit.glm.options import glm_options
from gramian.fit.glm.result import GlmFit
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.options import Options
from gramian.formula.grammar import parse
from gramian.formula.syntax import Name, label
from gramian.sklearn.base import check_width, column_names
from gramian.sklearn.compatible import Compatible, result_type
from gramian.sklearn.rows import Rows, outcome_names, rows_of, weight_name
from gramian.sklearn.threads import local
from gramian.typing import Vector


class GlmEstimator(Compatible, BaseEstimator):  # type: ignore[misc]
    """Base of generalized linear models of one outcome.

    Attributes
    ----------
    fit_intercept : bool
        Whether the model has an intercept, which is not penalised.
    max_iter : int
        Largest number of passes over X.
    n_jobs : int or None
        Threads that read rows; None for one a core.
    """

    fit_intercept: bool
    max_iter: int
    n_jobs: int | None = None

    def _eta(self, X: Any) -> Vector:
        """Linear predictor X b + intercept, (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)
        return np.asarray(
            safe_sparse_dot(X, np.ravel(self.coef_), dense_output=True)
            + np.ravel(self.intercept_).astype(self.coef_.dtype)
        )

    def _fitted(self, family: str, X: Any, y: Vector, weight: Vector | None, alpha: float) -> tuple[Any, Any]:
        """Slopes (p,) and intercept that minimize deviance + alpha |b|^2.

        family : name of the family, with its canonical link. y : (n,). weight : (n,) frequencies, or None.
        """
        check_width(X)
        names = column_names(self)
        rows = rows_of(X, y[:, None], weight, names)
        weight_column = None if weight is None else weight_name(names)
        # With a penalty no column is aliased; without one dependent columns share their effect, as in scikit-learn.
        common = Options(weights=weight_column, alpha=alpha or None, collinear="drop" if alpha else "min-norm")
        formula = _formula(rows, names, weight_column, intercept=self.fit_intercept)
        options = glm_options(family, common=common, max_passes=_checked_max_iter(self.max_iter))
        runner = PassRunner(rows, local(rows.rows, self.n_jobs))
        self._solved: GlmSolved = fit_glm(parse(formula), options, runner)
        self.n_iter_: Any = self._solved.linear.passes
        b = self._solved.linear.coefficients.astype(result_type(X))
        return (b[1:], b[0]) if self.fit_intercept else (b, 0.0)

    @property
    def inference_(self) -> GlmFit:
        """The fit with standard errors, tests, intervals and deviances.

        Returns
        -------
        GlmFit
            As `gramian.glm` returns it for a formula with the same columns.
        """
        check_is_fitted(self)
        return GlmFit(self._solved)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _formula(rows: Rows, names: tuple[str, ...], weight: str | None, *, intercept: bool) -> str:
    """Formula of all columns as terms; "." stands for every column but the outcome, so weights are subtracted."""
    (outcome,) = outcome_names(names, 1)
    without = "" if weight is None else f" - {label(Name(weight))}"
    return f"{label(Name(outcome))} ~ .{without}{'' if intercept else ' - 1'}"


def _checked_max_iter(max_iter: Any) -> int:
    """max_iter as an int. Raises OptionError unless it is an integer above 0."""
    if isinstance(max_iter, bool) or not isinstance(max_iter, int | np.integer) or max_iter < 1:
        raise OptionError(f"max_iter must be a whole number above 0, found {max_iter!r}")
    return int(max_iter)
