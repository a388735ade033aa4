"""The lesson: the normal equation on a page to play with."""

from __future__ import annotations

from typing import Any

from gramian.errors import OptionError
from gramian.lessons.points import points_of
from gramian.lessons.result import Lesson

__all__ = ["Lesson", "lesson"]


def lesson(formula: str | None = None, data: Any = None) -> Lesson:
    """A page about the normal equation to play with: drag a point, and every matrix changes.

    Parameters
    ----------
    formula : str, optional
        Formula with one predictor and a constant, such as "y ~ x" or "log(y) ~ x". Without it the page shows two worked
        examples.
    data : object, optional
        Rows, in any form that `gramian.ols` accepts; at most 200. Rows with a missing value are dropped.

    Returns
    -------
    Lesson
        With `save(path)` for a file of its own, and `html()`; a notebook shows it.

    Raises
    ------
    OptionError
        Where there are more than 200 rows, or data without a formula.
    FormulaError, DataError, NumericalError
        As `gramian.ols`; for more than one predictor; for fewer than two points.

    Notes
    -----
    Outcomes of zeros and ones are those of the page's logistic regression, too. The page computes in JavaScript; its
    numbers agree with those of `gramian` to at least nine digits, which the tests check.

    Examples
    --------
    >>> import gramian as gm
    >>> page = gm.lesson("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    >>> page.own.points
    ((1.0, 2.0), (2.0, 4.0), (3.0, 5.0), (4.0, 8.0))
    >>> page.html()[:15]
    '<!doctype html>'
    """
    if formula is None:
        if data is not None:
            raise OptionError('data need a formula that says what is drawn, as in gm.lesson("y ~ x", data)')
        return Lesson()
    if data is None:
        raise OptionError(f"'{formula}' needs data; without both, gm.lesson() shows two worked examples")
    return Lesson(points_of(formula, data))
