"""RollingFits: linear fits in windows of time, a read-only mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gramian.fit.groups.result import Fits
from gramian.linalg.keyed.moments import Key
from gramian.typing import Level


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RollingFits(Fits):
    """Linear fits in windows: the result of `gm.rolling`.

    A read-only mapping, as `Fits`. A key is when the last period of the window begins: a number, or the ISO text of a
    date or time. With `by` it comes after the group's levels, with several outcomes the outcome is first.

    Attributes
    ----------
    window_rows : int
        Rows that are complete; each is in several windows.
    short : int
        Windows without a fit, because they have too few rows.

    Notes
    -----
    One pass leaves sums by period. The sums of a window are added by a balanced tree over the periods; nothing is
    subtracted, so no digits are lost to rows that have left the window.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"t": [1, 2, 3, 4, 5, 6], "x": [0.0, 1, 3, 2, 4, 6], "y": [1.0, 3, 6, 8, 12, 19]}
    >>> fits = gm.rolling("y ~ x", data, 4, on="t")
    >>> {end: round(fit["x"], 3) for end, fit in fits.items()}
    {4: 2.0, 5: 2.5, 6: 3.114}
    """

    window_rows: int = 0
    short: int = 0

    @property
    def rows(self) -> int:
        """Number of rows that entered; each is in several windows."""
        return self.window_rows

    def plot(
        self, terms: str | Sequence[str] | None = None, *, where: Level | Key | None = None, level: float = 0.95
    ) -> Any:
        """Draw coefficients over time with their confidence intervals.

        Parameters
        ----------
        terms : str or sequence of str, optional
            Names of coefficients; by default the first four, without the intercept if there are others.
        where : level or tuple of levels, optional
            The group, or outcome, that is drawn; by default the first.
        level : float
            Level of the intervals.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        OptionError
            For a coefficient or a group that is not there.
        """
        from gramian.fit.rolling.plot import draw

        return draw(self, terms, where, level)

    def __repr__(self) -> str:
        return f"RollingFits({self.formula!r}, along {self.key_names[-1]}: {len(self)} windows, rows={self.rows})"
