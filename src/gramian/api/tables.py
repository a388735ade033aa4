"""Tables of several fits: `gramian.table`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gramian.errors import OptionError
from gramian.results.estimates import Estimates
from gramian.results.regression_table import (
    DEFAULT_STATISTICS,
    STARS,
    Column,
    RegressionTable,
    TableOptions,
    regression_table,
)

if TYPE_CHECKING:
    from gramian.inference.vcov_spec import Vcov

Below: TypeAlias = Literal["std_error", "conf_int", "statistic", "p_value"]


def table(
    fits: Any,
    *,
    rows: Sequence[str] | Mapping[str, str] | None = None,
    errors: Below | Sequence[Below] = "std_error",
    vcov: Sequence[Vcov] = (),
    stars: bool | Sequence[float] = True,
    digits: int = 4,
    statistics: Sequence[str] = DEFAULT_STATISTICS,
    level: float = 0.95,
    exponentiate: bool = False,
) -> RegressionTable:
    """Fits side by side, as text, Markdown, LaTeX and HTML.

    Parameters
    ----------
    fits : sequence or mapping of fits
        A mapping gives them headings; otherwise they are numbered. `Fits` is one, too.
    rows : sequence of str or mapping, optional
        Coefficients in their order, in which `*` stands for any text; a mapping gives them labels. By default all, the
        intercept last.
    errors : str or sequence of str, default "std_error"
        What stands below a coefficient: "std_error", "conf_int", "statistic", "p_value", or several of them.
    vcov : sequence of covariances, optional
        Covariances, as in `gm.ols`, whose errors stand below each other; the rows of the fits are read again for all
        but "iid". By default those in force.
    stars : bool or sequence of three numbers, default True
        Whether there are stars, or the p-values below which there are three, two and one: by default 0.001, 0.01, 0.05.
        They are of the covariance in force.
    digits : int, default 4
        Significant digits.
    statistics : sequence of str
        Properties of the fits below the coefficients, as far as any of them has them.
    level : float, default 0.95
        Level of confidence intervals.
    exponentiate : bool, default False
        Whether coefficients and intervals are exponentiated, as for odds ratios.

    Returns
    -------
    RegressionTable
        Prints as text; `.markdown()`, `.latex()`, `.html()`, `.save("table.tex")`.

    Raises
    ------
    OptionError
        For rows that no fit has, and for options that do not exist.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"x": [1.0, 2, 3, 4, 5], "z": [1.0, 0, 1, 0, 0], "y": [1.1, 2.0, 3.2, 4.1, 4.8]}
    >>> one, two = gm.ols("y ~ x", data), gm.ols("y ~ x + z", data)
    >>> gm.table([one, two], stars=False).coefficients[0]
    Line(label='x', cells=('0.9500', '0.9800'))
    """
    named = dict(fits) if isinstance(fits, Mapping) else {f"({i})": fit for i, fit in enumerate(_listed(fits), 1)}
    columns = [Column(_heading(name), _checked(fit), _with_vcovs(fit, vcov)) for name, fit in named.items()]
    limits = (STARS if stars else ()) if isinstance(stars, bool) else tuple(stars)
    below = (errors,) if isinstance(errors, str) else tuple(errors)
    return regression_table(columns, TableOptions(rows, below, limits, digits, statistics, level, exponentiate))


def _listed(fits: Any) -> Iterable[Any]:
    """Several fits, or one."""
    return (fits,) if isinstance(fits, Estimates) else fits


def _heading(name: object) -> str:
    """Heading of a fit; the keys of grouped fits may be several values."""
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _checked(fit: Any) -> Estimates:
    """The fit. Raises OptionError for anything else."""
    if not isinstance(fit, Estimates):
        raise OptionError(f"a table takes fits, found {type(fit).__name__}; a list of them, or names with fits")
    return fit


def _with_vcovs(fit: Any, vcov: Sequence[Vcov]) -> tuple[Estimates, ...]:
    """The fit with each covariance."""
    needs = [v for v in vcov if v != "iid"]
    if not needs:
        return tuple(fit.with_vcov(v) for v in vcov)
    rows = fit.fitted_rows.read_again()
    return tuple(fit.with_vcov(v, None if v == "iid" else rows) for v in vcov)
