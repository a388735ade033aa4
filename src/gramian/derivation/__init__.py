"""Every matrix of the derivation of the normal equation, with the numbers of small data in it."""

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

    The cost is J(w) = ||Xw - y||^2, the plain sum of squared residuals, its gradient 2X'(Xw - y). Where X'X has no
    inverse, it is told why, and w is the shortest solution, pinv(X) y.

    formula, data : as for `ols`; at most 200 rows, 12 columns. constant : where the column of ones stands, "last" or
    "first". polynomial : use x, x^2, ... up to this power of the one predictor of the formula.
    Rows in which something is missing are left out and counted. All arithmetic is in fractions: a stored number counts
    as the shortest decimal that reads back as it, so 2.33 is 233/100; results are rounded once.
    Raises OptionError where there is too much to write out, otherwise what `ols` raises.

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
