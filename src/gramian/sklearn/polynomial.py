"""PolynomialRegression: all products of powers up to a degree, summed where numbers are small, told in powers of X."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, combinations_with_replacement
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gramian.engines.local import Local
from gramian.errors import OptionError
from gramian.fit.leastsquares.escalate import escalate
from gramian.fit.leastsquares.predict import predict
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate import Accumulate, Accumulated, coordinates_from_first_rows
from gramian.fit.passes.options import Options, with_accuracy
from gramian.formula.design import Design
from gramian.formula.syntax import Binary, Call, Name, Node, Number
from gramian.sklearn.base import check_columns, checked_weight, column_names
from gramian.sklearn.inference import design_for
from gramian.sklearn.partial_fit_warning import warn_of_few_digits
from gramian.sklearn.rows import ROWS_PER_UNIT, Rows, outcome_names, rows_of, weight_name
from gramian.typing import Vector


class PolynomialRegression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares on every product of powers of the columns up to a degree, interactions included.

    The sums are of powers of shifted and scaled columns, in which coefficients are solved for; they are told exactly
    in powers of X, and predictions never form those. So x = 2015, 2016, ... to the 10th power loses no digits.
    degree : 1 or more. Dependent columns after the first have coefficient 0.
    Attributes: coef_ (m,), powers_ (m, p) exponents in the order of `PolynomialFeatures`, intercept_, n_features_in_,
    feature_names_in_, inference_ (a `LinearFit`).

    >>> from gramian.sklearn import PolynomialRegression
    >>> model = PolynomialRegression(degree=2).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 5.0, 10.0])
    >>> round(model.intercept_, 9), model.coef_.round(9).tolist()
    (1.0, [0.0, 1.0])
    """

    def __init__(self, degree: int = 2, *, fit_intercept: bool = True, digits: float = 8) -> None:
        self.degree = degree
        self.fit_intercept = fit_intercept
        self.digits = digits

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,); a weight counts as so many rows."""
        rows = self._checked(X, y, sample_weight)
        self._choose_terms(rows)
        self._accumulated = self._fold(rows)
        return self._refit(rows)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to those that have been seen; the result is that of all of them together."""
        if not hasattr(self, "_accumulated"):
            rows = self._checked(X, y, sample_weight)
            self._choose_terms(rows)
            self._accumulated = self._fold(rows)
        else:
            self._accumulated = self._accumulated + self._fold(self._checked(X, y, sample_weight, reset=False))
        self._refit(None)
        warn_of_few_digits(self._solved, float(self.digits))
        return self

    def predict(self, X: Any) -> Vector:
        """The polynomial at the rows of X, (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return np.asarray(predict(self._solved, Rows(X, column_names(self), {})))

    @property
    def inference_(self) -> LinearFit:
        """The regression with standard errors, tests, intervals and certified digits."""
        check_is_fitted(self)
        return LinearFit(self._solved)

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, reset: bool = True) -> Rows:
        if isinstance(self.degree, bool) or not isinstance(self.degree, int | np.integer) or self.degree < 1:
            raise OptionError(f"degree must be a whole number above 0, found {self.degree!r}")
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, reset=reset)
        weight = checked_weight(sample_weight, X)
        return rows_of(X, np.asarray(y, np.float64)[:, None], weight, column_names(self))

    def _choose_terms(self, rows: Rows) -> None:
        """Choose the terms, and shift and scale from the first rows."""
        names = rows.columns
        exponents = list(_monomials(len(names), self.degree))
        check_columns(len(exponents))
        self.powers_: NDArray[np.int64] = np.array([[m[j] for j in range(len(names))] for m in exponents], np.int64)
        terms = tuple(tuple(_power(names[j], e) for j, e in m.items()) for m in exponents)
        (outcome,) = outcome_names(names, 1)
        design = design_for(terms, names, outcome, (weight_name(names),), self.fit_intercept)
        batches = (batch for unit in rows.units for batch in unit.batches(design.columns))
        self._design = coordinates_from_first_rows(design, batches)

    def _with_weights(self, rows: Rows) -> Design:
        name = weight_name(rows.columns)
        if name not in rows.vectors:
            return self._design
        w = rows.vectors[name]
        return replace(self._design, count=name) if (w == np.floor(w)).all() else replace(self._design, weight=name)

    def _fold(self, rows: Rows) -> Accumulated:
        engine = Local(1) if rows.rows <= ROWS_PER_UNIT else Local()
        return engine.fold(rows, Accumulate(self._with_weights(rows)))

    def _refit(self, rows: Rows | None) -> Self:
        options = with_accuracy(Options(), self.digits)
        system, first = first_solution(self._design, self._accumulated, options)
        if rows is None or rows.rows <= len(first.names):  # so many coefficients have many answers: take this one
            self._solved: Solved = first
        else:
            self._solved = escalate(
                first, self._with_weights(rows), self._accumulated, options, system, rows, Local(), None
            )
        b = np.nan_to_num(self._solved.coefficients)
        self.coef_ = b[1:] if self.fit_intercept else b
        self.intercept_ = float(b[0]) if self.fit_intercept else 0.0
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _monomials(columns: int, degree: int) -> Iterator[Counter[int]]:
    """Columns and their powers, by degree, in the order of scikit-learn's PolynomialFeatures."""
    each = (combinations_with_replacement(range(columns), d) for d in range(1, degree + 1))
    return (Counter(choice) for choice in chain.from_iterable(each))


def _power(name: str, exponent: int) -> Node:
    return Name(name) if exponent == 1 else Call("I", (Binary("^", Name(name), Number(float(exponent))),))
