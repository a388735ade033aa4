"""`gm.rows`: some of the rows of any data."""

from __future__ import annotations

from gramian.data.condition import Condition
from gramian.data.selected import Rows


def rows(data: object, where: str | None = None, panel_id: tuple[str, str] | None = None) -> Rows:
    """The rows of data of which a condition is true, as data for any function; or rows of panels, with lags.

    `where=` and `panel_id=` of `gramian.ols` and others do the same; this is for functions without them, and for the
    rows of a fit that are handed over again, as to `fit.with_vcov`.

    Parameters
    ----------
    data : object
        Paths, a frame, a dict of arrays, a relation, or an iterable of batches.
    where : str, optional
        Comparisons (``== != < <= > >= in``) of columns, numbers, texts in quotes and dates as texts, joined by ``&``,
        ``|`` and ``!``; arithmetic, and functions such as ``abs``, ``log``, ``year``, ``month`` and ``is_null``. Names
        that are no words stand in backticks. A comparison with a missing value is not true.
    panel_id : tuple of str and str, optional
        Columns of panels and of times (whole numbers), by which the rows are in order. Then formulas may have lags:
        `l(x, 1)` is x one step of time before, missing where the panel has no row of that time; they are made before
        rows are chosen.

    Returns
    -------
    Rows
        What every function takes as data. Row groups of Parquet files that cannot hold such a row are not read.

    Raises
    ------
    OptionError
        For what is no condition.

    Examples
    --------
    >>> import gramian as gm
    >>> late = gm.rows({"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}, where="x > 1 & y < 8")
    >>> gm.ols("y ~ x", late).rows
    2
    """
    return Rows(data, None if where is None else Condition(where), panel_id)
