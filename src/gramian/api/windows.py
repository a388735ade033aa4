"""Linear fits in windows of time: `gramian.rolling`."""

from __future__ import annotations

from typing import Any, Unpack

from gramian.api.settings import options_of, runner_of
from gramian.fit.passes.keys import by_columns
from gramian.fit.rolling.fit import fit_windows
from gramian.fit.rolling.options import windows_of
from gramian.fit.rolling.result import RollingFits
from gramian.formula.grammar import parse
from gramian.keywords import Columns, RollingKeywords, completed, takes


@takes(RollingKeywords)
def rolling(
    formula: str,
    data: Any,
    window: str | float | None = None,
    *,
    on: str,
    by: Columns | None = None,
    every: str | float | None = None,
    half_life: str | float | None = None,
    min_rows: int | None = None,
    **options: Unpack[RollingKeywords],
) -> RollingFits:
    """Least squares in windows of time, from one pass: rolling, expanding, or with weights that decay.

    Parameters
    ----------
    formula : str
        Such as "y ~ x".
    data : object
        Rows in any order, as in `gramian.ols`.
    window : str or number, optional
        Length of a window: "30d", "12mo" or "6h" of a date or time (units s, m or min, h, d, w, mo, q, y), a number for
        a number. Windows begin when the first is complete. None: every window begins with the first period.
    on : str
        Column of dates, times or numbers, along which the windows go; rows without it are dropped. Days of times with a
        zone are those of UTC.
    by : str or sequence of str, optional
        Columns whose every value has windows of its own.
    every : str or number, optional
        Length of a period, by default the unit of the window, such as a day. A window ends with every period that has
        rows, and consists of whole periods; weeks begin on Mondays.
    half_life : str or number, optional
        Length after which a row has half its weight, in place of `window`: a row whose period lies k periods back has
        the weight 2^(-k every / half_life), relative to others (analytic weights).
    min_rows : int, optional
        Rows that a window must have; by default one more than columns.
    weights, counts, na, digits, collinear, engine, progress
        As in `gramian.ols`. Digits are those of one pass.

    Returns
    -------
    RollingFits
        One fit of every window, by the beginning of its last period.

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As in `gramian.ols`.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"t": [1, 2, 3, 4, 5, 6], "x": [0.0, 1, 3, 2, 4, 6], "y": [1.0, 3, 6, 8, 12, 19]}
    >>> gm.rolling("y ~ x", data, 4, on="t")[6].rows
    4
    >>> list(gm.rolling("y ~ x", data, on="t", every=1))
    [3, 4, 5, 6]
    """
    given = completed(rolling, {"on": on, "window": window, **options})
    runner, settings = runner_of(data, given), options_of(given)
    windows = windows_of(on, window, every, half_life, min_rows)
    fitted = fit_windows(parse(formula), settings, runner, windows, () if by is None else by_columns(by).names)
    return RollingFits(fitted.grouped, window_rows=fitted.rows, short=fitted.short)
