"""Derivation of the normal equation for small data, with every matrix and all of its numbers."""

from __future__ import annotations

from typing import Any

from gramian.data.source import source_of
from gramian.derivation.columns import CONSTANT_PLACES, model_table
from gramian.derivation.derivation import Derivation
from gramian.derivation.polynomial import with_powers
from gramian.derivation.solution import solve
from gramian.errors import one_of

__all__ = ["Derivation", "derive"]


def derive(formula: str, data: Any, *, constant: str = "last", polynomial: int | None = None) -> Derivation:
    """Least squares with every step written out: X, X'X, its inverse, (X'X)^-1 X', w, and why it is the minimum.

    Parameters
    ----------
    formula : str
        Formula of the linear model.
    data : object
        Rows, in any form that `gramian.ols` accepts; at most 200 rows and 12 model columns. Rows with a missing value
        are dropped and counted.
    constant : {"last", "first"}
        Position of the column of ones.
    polynomial : int, optional
        Use x, x^2, ... up to this power of the single predictor of the formula.

    Returns
    -------
    Derivation

    Raises
    ------
    OptionError
        Where there are too many rows or columns, or an option has a value without meaning.
    FormulaError, DataError, NumericalError
        As `gramian.ols`.

    Notes
    -----
    The cost is J(w) = ||Xw - y||^2, the plain sum of squared residuals, and its gradient 2X'(Xw - y). Where X'X has no
    inverse, the reason is shown, and w is the solution of minimum norm, pinv(X) y.

    All arithmetic is in fractions. A stored number counts as the shortest decimal that reads back as it, so 2.33 is
    233/100. Results are rounded once.

    Examples
    --------
    >>> import gramian as gm
    >>> steps = gm.derive("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    >>> steps.XtX.tolist(), steps.w.tolist()
    ([[30.0, 10.0], [10.0, 4.0]], [1.9, 0.0])
    """
    one_of("constant", constant, CONSTANT_PLACES)
    source = source_of(data)
    if polynomial is not None:
        formula = with_powers(formula, source.schema, polynomial)
    table = model_table(formula, source, constant)
    return Derivation(table, solve(table.X, table.y, table.constant))
