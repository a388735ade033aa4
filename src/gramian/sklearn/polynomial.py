"""PolynomialRegression: least squares on all products of powers of the columns up to a degree."""

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
from gramian.fit.leastsquares.escalate import escalate, escalation_of
from gramian.fit.leastsquares.predict import predict
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate import Accumulate, Accumulated, coordinates_from_first_rows
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.options import Options, with_accuracy
from gramian.formula.design import Design
from gramian.formula.syntax import Binary, Call, Name, Node, Number
from gramian.sklearn.base import check_columns, checked_weight, column_names
from gramian.sklearn.inference import design_for
from gramian.sklearn.partial_fit_warning import warn_of_few_digits
from gramian.sklearn.rows import ROWS_PER_UNIT, Rows, outcome_names, rows_of, weight_name
from gramian.typing import Vector


class PolynomialRegression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Polynomial regression in all columns, interactions included, accurate also for high degrees.

    Parameters
    ----------
    degree : int, default 2
        Largest total degree of a term, 1 or more.
    fit_intercept : bool, default True
        Whether the model has an intercept.
    digits : float, default 8
        Decimal digits that each coefficient is to have; where one pass certifies fewer, `fit` makes further passes.

    Attributes
    ----------
    powers_ : ndarray of int, (m, p)
        Exponents of the columns in each term, in the order of scikit-learn's `PolynomialFeatures`.
    coef_ : ndarray, (m,)
        Coefficients of the terms in powers of X. A term that depends linearly on earlier ones has coefficient 0.
    intercept_ : float
        Intercept, 0.0 without one.
    n_features_in_ : int
        Number of columns, p.
    feature_names_in_ : ndarray of str, (p,)
        Names of the columns, where X has names.
    inference_ : LinearFit
        The regression with standard errors, tests and intervals.

    Notes
    -----
    Sums and solution are in powers of (x - shift) / scale, with shift and scale chosen from the first rows.
    Coefficients are converted exactly to powers of x; predictions stay in shifted powers. So x = 2015, 2016, ... to the
    10th power loses no digits.

    Examples
    --------
    >>> from gramian.sklearn import PolynomialRegression
    >>> model = PolynomialRegression(degree=2).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 5.0, 10.0])
    >>> round(float(model.intercept_), 9), model.coef_.round(9).tolist()
    (1.0, [0.0, 1.0])
    """

    def __init__(self, degree: int = 2, *, fit_intercept: bool = True, digits: float = 8) -> None:
        self.degree = degree
        self.fit_intercept = fit_intercept
        self.digits = digits

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to the rows of X and y.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Columns whose powers are the terms.
        y : array, (n,)
            The outcome.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a value is not finite, or no row has a positive weight.
        NumericalError
            Where products of the terms do not fit into memory.
        OptionError
            Where a parameter has a value without meaning.

        Warns
        -----
        AccuracyWarning
            Where not even further passes certify `digits` digits.
        """
        rows = self._checked(X, y, sample_weight)
        self._choose_terms(rows)
        self._accumulated = self._fold(rows)
        return self._refit(rows)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to those of earlier calls; shifts and scales are those of the first call.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Further rows; the same columns in every call.
        y : array, (n,)
            Their outcomes.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows.

        Returns
        -------
        self

        Warns
        -----
        AccuracyWarning
            Where the sums certify fewer than `digits` digits.
        """
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
        """Values of the polynomial.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n,)
            Computed in shifted powers, not from `coef_`, whose terms may be huge and cancel.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return np.asarray(predict(self._solved, Rows(X, column_names(self), {})))

    @property
    def inference_(self) -> LinearFit:
        """The regression with standard errors, tests, intervals and certified digits.

        Returns
        -------
        LinearFit
            Its coefficients are those in powers of X.
        """
        check_is_fitted(self)
        return LinearFit(self._solved)

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, reset: bool = True) -> Rows:
        """Validated rows with the outcome and the weights."""
        if isinstance(self.degree, bool) or not isinstance(self.degree, int | np.integer) or self.degree < 1:
            raise OptionError(f"degree must be a whole number above 0, found {self.degree!r}")
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, reset=reset)
        weight = checked_weight(sample_weight, X)
        return rows_of(X, np.asarray(y, np.float64)[:, None], weight, column_names(self))

    def _choose_terms(self, rows: Rows) -> None:
        """Set the terms, and the shifts and scales from the first rows."""
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
        """The design with the weights of the rows: frequencies where all are integers, else analytic weights."""
        name = weight_name(rows.columns)
        if name not in rows.vectors:
            return self._design
        w = rows.vectors[name]
        return replace(self._design, count=name) if (w == np.floor(w)).all() else replace(self._design, weight=name)

    def _fold(self, rows: Rows) -> Accumulated:
        """Moments of the rows, by one thread where they are few."""
        engine = Local(1) if rows.rows <= ROWS_PER_UNIT else Local()
        return engine.fold(rows, Accumulate(self._with_weights(rows)))

    def _refit(self, rows: Rows | None) -> Self:
        """Solve for the coefficients; rows : None where the rows cannot be read again."""
        options = with_accuracy(Options(), self.digits)
        system, first = first_solution(self._design, self._accumulated, options)
        # With no more rows than coefficients there is no unique solution: further passes would not change that.
        if rows is None or rows.rows <= len(first.names):
            self._solved: Solved = first
        else:
            job = Job(self._with_weights(rows), options, PassRunner(rows, Local()))
            self._solved = escalate(first, job, self._accumulated, system, escalation_of(job))
        # Aliased terms have NaN, which stands for "not in the model": 0 gives the same predictions.
        b = np.nan_to_num(self._solved.coefficients)
        self.coef_ = b[1:] if self.fit_intercept else b
        self.intercept_ = b[0] if self.fit_intercept else 0.0
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _monomials(columns: int, degree: int) -> Iterator[Counter[int]]:
    """Exponents of the columns in each term, by degree, in the order of scikit-learn's PolynomialFeatures."""
    each = (combinations_with_replacement(range(columns), d) for d in range(1, degree + 1))
    return (Counter(choice) for choice in chain.from_iterable(each))


def _power(name: str, exponent: int) -> Node:
    """Syntax of a column to a power: I(name^exponent), or the name alone."""
    return Name(name) if exponent == 1 else Call("I", (Binary("^", Name(name), Number(float(exponent))),))
