"""A table of several fits side by side: which rows it has, and what stands in its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing, one_of
from gramian.inference.covariance import Covariance
from gramian.results.estimates import Estimates
from gramian.results.format_numbers import number, p_value, significant
from gramian.typing import Matrix

Cells: TypeAlias = tuple[str, ...]
STARS = (0.001, 0.01, 0.05)
MARKS = ("***", "**", "*")
BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
STATISTICS = {
    "rows": "rows",
    "r_squared": "R squared",
    "adj_r_squared": "adjusted R squared",
    "within_r_squared": "R squared within",
    "pseudo_r_squared": "pseudo R squared",
    "sigma": "residual std. deviation",
    "deviance": "deviance",
    "dispersion": "dispersion",
    "loglik": "log-likelihood",
    "aic": "AIC",
    "bic": "BIC",
    "df_residual": "residual df",
}
DEFAULT_STATISTICS = ("rows", "r_squared", "adj_r_squared", "within_r_squared", "pseudo_r_squared", "aic", "bic")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table.

    Attributes
    ----------
    label : str
        What it is of; empty for what stands below a coefficient.
    cells : tuple of str
        A text for each fit.
    """

    label: str
    cells: Cells


@dataclass(frozen=True, slots=True)
class RegressionTable:
    """Fits side by side: coefficients with what stands below them, then statistics; the result of `gm.table`.

    Prints as text, shows as HTML in notebooks, and is written by `save` in the format of the file's name.

    Attributes
    ----------
    headings : tuple of str
        Name of each fit.
    outcomes : tuple of str
        Outcome of each fit.
    coefficients : tuple of Line
        The rows of coefficients.
    statistics : tuple of Line
        The rows below them.
    notes : tuple of str
        What is said below the table.
    estimates : ndarray, (fits, 3, coefficients)
        Estimates and ends of the intervals, for pictures; NaN where a fit does not have a coefficient.
    level : float
        Level of the intervals.
    """

    headings: Cells
    outcomes: Cells
    coefficients: tuple[Line, ...]
    statistics: tuple[Line, ...]
    notes: tuple[str, ...]
    estimates: Matrix
    level: float

    def text(self) -> str:
        """The table as plain text."""
        from gramian.results.regression_formats import text

        return text(self)

    def markdown(self) -> str:
        """The table in GitHub's Markdown."""
        from gramian.results.regression_formats import markdown

        return markdown(self)

    def latex(self) -> str:
        """The table as a LaTeX `tabular` with the rules of the package booktabs."""
        from gramian.results.regression_formats import latex

        return latex(self)

    def html(self) -> str:
        """The table as one HTML element, in the colours of the page."""
        from gramian.results.regression_formats import html

        return html(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the table to a file: .txt, .md, .tex or .html.

        Raises OptionError for another ending.
        """
        formats = {".txt": self.text, ".md": self.markdown, ".tex": self.latex, ".html": self.html}
        suffix = Path(path).suffix
        if suffix not in formats:
            raise OptionError(f"no format for '{suffix}': the name of the file ends in {listing(formats)}")
        Path(path).write_text(formats[suffix]() + "\n", encoding="utf-8")

    def plot(self) -> Any:
        """A picture: the coefficients of all fits with their intervals, below each other.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.plots.effects import Series, dots

        names = [line.label for line in self.coefficients if line.label]
        rows = np.arange(len(names), dtype=np.float64)
        pairs = zip(self.headings, self.estimates, strict=True)
        series = [Series(name, rows, e[0], e[1:].T) for name, e in pairs]
        title = f"Coefficients with {100 * self.level:g} % intervals"
        return dots(names, series, title=title, x_label="estimate", level=self.level)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"RegressionTable({len(self.headings)} fits, {len(self.coefficients)} rows)"

    def _repr_html_(self) -> str:
        return self.html()


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a table shows.

    Attributes
    ----------
    rows : sequence of str, mapping or None
        Coefficients in their order, `*` standing for any text; a mapping gives them labels. None for all.
    below : tuple of str
        What stands below a coefficient: keys of `BELOW`.
    stars : tuple of float
        Limits of p-values below which there are three, two or one star; empty for none.
    digits : int
        Significant digits.
    statistics : sequence of str
        Keys of `STATISTICS`.
    level : float
        Level of confidence intervals.
    exponentiate : bool
        Whether coefficients are exponentiated, as odds ratios are.
    """

    rows: Sequence[str] | Mapping[str, str] | None = None
    below: tuple[str, ...] = ("std_error",)
    stars: tuple[float, ...] = STARS
    digits: int = 4
    statistics: Sequence[str] = DEFAULT_STATISTICS
    level: float = 0.95
    exponentiate: bool = False

    def __post_init__(self) -> None:
        for kind in self.below:
            one_of("errors", kind, BELOW)
        for name in self.statistics:
            one_of("statistics", name, STATISTICS)
        if list(self.stars) != sorted(self.stars) or not all(0 < limit < 1 for limit in self.stars):
            raise OptionError(f"stars takes rising limits of p-values, as in (0.001, 0.01, 0.05), found {self.stars}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: a fit, with the covariances whose errors stand below its coefficients.

    Attributes
    ----------
    name : str
        Its heading.
    fit : Estimates
        The fit.
    others : tuple of Estimates
        The same fit with other covariances; empty where only the one in force is shown.
    """

    name: str
    fit: Estimates
    others: tuple[Estimates, ...] = ()

    @property
    def fits(self) -> tuple[Estimates, ...]:
        """The fit with each covariance that is shown."""
        return self.others or (self.fit,)

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.fit.formula.partition("~")[0].strip()


def regression_table(columns: Sequence[Column], options: TableOptions) -> RegressionTable:
    """The table of several fits."""
    if not columns:
        raise OptionError("there are no fits to show")
    labels = _rows([c.fit.names for c in columns], options.rows)
    lines = [line for name, label in labels.items() for line in _coefficient(columns, name, label, options)]
    return RegressionTable(
        tuple(c.name for c in columns),
        tuple(c.outcome for c in columns),
        tuple(lines),
        tuple(_statistics(columns, options)),
        tuple(_notes(columns, options)),
        np.array([_estimates(c.fit, list(labels), options) for c in columns]),
        options.level,
    )


def _estimates(fit: Estimates, names: Sequence[str], options: TableOptions) -> Matrix:
    """Estimates and ends of the intervals of these coefficients, (3, k); NaN where the fit does not have one."""
    values = np.column_stack([fit.coefficients, fit.conf_int(options.level), np.full(len(fit.names), np.nan)])
    at = [fit.names.index(name) if name in fit.names else -1 for name in names]
    out = np.array([values[i, :3] if i >= 0 else values[0, [3, 3, 3]] for i in at]).T
    return np.exp(out) if options.exponentiate else out


def _rows(names: Sequence[Sequence[str]], wanted: Sequence[str] | Mapping[str, str] | None) -> dict[str, str]:
    """Coefficients in the order of the table, with their labels."""
    every = list(dict.fromkeys(name for own in names for name in own))
    if wanted is None:
        # the intercept last, as in most printed tables
        return {name: name for name in sorted(every, key=lambda name: name == "Intercept")}
    labels = dict(wanted) if isinstance(wanted, Mapping) else dict.fromkeys(wanted, "")
    out: dict[str, str] = {}
    for pattern, label in labels.items():
        found = [name for name in every if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name)]
        if not found:
            raise OptionError(f"rows: no fit has a coefficient '{pattern}'{did_you_mean(pattern, every)}")
        out |= {name: label if label and len(found) == 1 else name for name in found if name not in out}
    return out


def _coefficient(columns: Sequence[Column], name: str, label: str, options: TableOptions) -> Iterable[Line]:
    """The lines of one coefficient: estimates, then what stands below them for each covariance."""
    yield Line(label, tuple(_cell(c.fit, name, _estimate, options) for c in columns))
    depth = max(len(c.fits) for c in columns)
    kinds = [(at, kind) for at in range(depth) for kind in options.below]
    for i, (at, kind) in enumerate(kinds):
        opening, closing = BRACKETS[min(i, len(BRACKETS) - 1)]
        cells = (_cell(c.fits[at], name, BELOW[kind], options) if at < len(c.fits) else "" for c in columns)
        yield Line("", tuple(f"{opening}{cell}{closing}" if cell else "" for cell in cells))


def _cell(
    fit: Estimates, name: str, write: Callable[[Estimates, int, TableOptions], str], options: TableOptions
) -> str:
    """A cell; empty where the fit does not have the coefficient, or the data do not determine it."""
    if name not in fit.names:
        return ""
    at = fit.names.index(name)
    return "" if np.isnan(fit.coefficients[at]) else write(fit, at, options)


def _estimate(fit: Estimates, at: int, options: TableOptions) -> str:
    """An estimate with its stars."""
    value, p = float(fit.coefficients[at]), float(fit.p_values[at])
    marks = MARKS[len(MARKS) - len(options.stars) :]
    mark = next((m for limit, m in zip(options.stars, marks, strict=True) if p < limit), "")
    return significant(float(np.exp(value)) if options.exponentiate else value, options.digits) + mark


def _std_error(fit: Estimates, at: int, options: TableOptions) -> str:
    """A standard error; of an exponentiated coefficient by the delta method."""
    scale = float(np.exp(fit.coefficients[at])) if options.exponentiate else 1.0
    return significant(scale * float(fit.std_errors[at]), options.digits)


def _interval(fit: Estimates, at: int, options: TableOptions) -> str:
    """A confidence interval."""
    ends = fit.conf_int(options.level)[at]
    ends = np.exp(ends) if options.exponentiate else ends
    return ", ".join(significant(float(end), options.digits) for end in ends)


BELOW: dict[str, Callable[[Estimates, int, TableOptions], str]] = {
    "std_error": _std_error,
    "conf_int": _interval,
    "statistic": lambda fit, at, options: significant(float(fit.statistics[at]), options.digits),
    "p_value": lambda fit, at, options: p_value(float(fit.p_values[at])),
}
BELOW_TEXTS = {
    "std_error": "standard errors",
    "conf_int": "confidence intervals",
    "statistic": "test statistics",
    "p_value": "p-values",
}


def _statistics(columns: Sequence[Column], options: TableOptions) -> Iterable[Line]:
    """The lines below the coefficients: absorbed factors, then statistics that any of the fits has."""
    absorbed = [getattr(c.fit, "absorbed", None) for c in columns]
    for factor in dict.fromkeys(f for one in absorbed if one is not None for f in one.levels):
        counts = (None if one is None else one.levels.get(factor) for one in absorbed)
        yield Line(f"{factor} (levels)", tuple("" if n is None else f"{n:,}" for n in counts))
    for name in options.statistics:
        cells = tuple(_statistic(c.fit, name, options.digits) for c in columns)
        if any(cells):
            yield Line(STATISTICS[name], cells)


def _statistic(fit: Estimates, name: str, digits: int) -> str:
    """A statistic as text; empty where the fit does not have it."""
    value: Any = getattr(fit, name, None)
    if name == "within_r_squared" and getattr(fit, "absorbed", None) is None:
        return ""  # it is R squared itself
    if value is None or np.isnan(value):
        return ""
    return f"{value:,}" if isinstance(value, int) else number(float(value), max(digits, 4))


def _notes(columns: Sequence[Column], options: TableOptions) -> Iterable[str]:
    """What brackets and stars mean."""
    depth = max(len(c.fits) for c in columns)
    kinds = [(at, kind) for at in range(depth) for kind in options.below]
    parts = []
    for i, (at, kind) in enumerate(kinds):
        names = dict.fromkeys(_covariance_name(c.fits[at].covariance) for c in columns if at < len(c.fits))
        bracket = " ".join(BRACKETS[min(i, len(BRACKETS) - 1)])
        interval = f"{100 * options.level:g} % " if kind == "conf_int" else ""
        parts.append(f"{bracket}: {interval}{BELOW_TEXTS[kind]}, {' / '.join(names)}")
    yield from parts
    if options.exponentiate:
        yield "coefficients and intervals are exponentiated"
    if options.stars:
        marks = MARKS[len(MARKS) - len(options.stars) :]
        yield ", ".join(f"{mark} p < {limit:g}" for mark, limit in zip(marks, options.stars, strict=True))


def _covariance_name(covariance: Covariance) -> str:
    """Name of the kind of standard errors."""
    return covariance.name
