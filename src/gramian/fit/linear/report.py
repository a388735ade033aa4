"""Report of a linear fit: the same lines for the terminal and for `summary()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from gramian.errors import listing
from gramian.fit.linear.tables import not_certified
from gramian.results.format_numbers import number, p_value, printable

if TYPE_CHECKING:
    from gramian.fit.leastsquares.absorbed import Absorbed
    from gramian.fit.leastsquares.solution import Solved
    from gramian.fit.linear.result import LinearFit
from gramian.results.report import (
    coefficient_table,
    describe_columns,
    describe_rows,
    describe_work,
    format_digits,
    join_blocks,
    listed,
)


class WithAbsorbed(Protocol):
    """A fit that may have absorbed factors."""

    @property
    def absorbed(self) -> Absorbed | None: ...
    @property
    def within_r_squared(self) -> float: ...


PERFECT = "the fit is perfect to rounding: sigma, standard errors and tests are rounding errors"


def render(fit: LinearFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    return join_blocks(
        _title(fit),
        describe_rows(fit, fit.solved.design.count, fit.fitted_rows.where) + describe_unused_columns(fit),
        coefficient_table(fit, level),
        _quality(fit),
        _notes(fit),
    )


def _title(fit: LinearFit) -> Text:
    """Kind of model, penalty, weights, and the formula."""
    kind = "Linear regression" if fit.alpha is None else f"Ridge regression, alpha = {number(fit.alpha)}"
    weight = fit.solved.design.weight
    weights = f", weights: {printable(weight)}" if weight else ""
    return Text.assemble((f"{kind}{weights}", "bold"), "\n", printable(fit.formula))


def describe_unused_columns(fit: LinearFit) -> list[str]:
    """Line about the rows that a Gram dropped only because of columns that this model does not use; empty if none.

    Only counts by column are stored, and a row may miss several columns: their number is then given as an interval.
    """
    design = fit.solved.design
    names = [*design.terms.variables, *design.terms.factors, *(r.lstrip("~") for r in design.outcome)]
    used = [n for c, n in fit.missing.items() if c in (*names, "weights", "counts", "offset")]
    others = {c: n for c, n in fit.missing.items() if c not in (*names, "weights", "counts", "offset")}
    # rows of weight zero are complete, they miss no column
    total = sum(n for cause, n in fit.dropped_rows.items() if cause != "zero weight")
    # a dropped row without a gap in the used columns has one in the others: bounds of the size of that difference
    low, high = max(total - sum(used), 0), min(total - max(used, default=0), sum(others.values()))
    if high <= 0 or not others:
        return []
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    names_text = listed("", [f"{printable(c)} {n:,}" for c, n in sorted(others.items(), key=lambda pair: -pair[1])])
    return [f"{count} of them only because of columns that this model does not use: {names_text}"]


def _quality(fit: LinearFit) -> list[str]:
    """Lines about goodness of fit, the F test, the likelihood, the passes and the certified digits."""
    f, degrees = fit.f_test, f"{number(fit.df_residual, 8)} residual degrees of freedom"
    lines = [f"sigma {number(fit.sigma)} on {degrees}" if fit.df_residual > 0 else "no residual degrees of freedom"]
    if fit.alpha is not None:
        lines.append(f"{number(fit.effective)} effective columns of {fit.rank}")
    centred = "" if fit.intercept else " (about zero: there is no intercept)"
    lines += describe_absorbed(fit)
    lines.append(f"R squared {number(fit.r_squared, 5)}, adjusted {number(fit.adj_r_squared, 5)}{centred}")
    if f is not None:
        df_text = f"{f.df[0]:,} and {number(f.df[1], 8)} degrees of freedom"
        lines.append(f"F {number(f.statistic)} on {df_text}, p {format_comparison(f.p_value)}")
    elif reason := fit.covariance.too_few_clusters(fit.rank - int(fit.intercept and not fit.absorbed)):
        lines.append(f"no F: {reason}")
    lines.append(f"log-likelihood {number(fit.loglik, 8)}, AIC {number(fit.aic, 8)}, BIC {number(fit.bic, 8)}")
    return [*lines, describe_work(fit), *describe_accuracy(fit.solved)]


def describe_accuracy(solved: Solved) -> list[str]:
    """Line about certified digits; where those of the standard errors are not certified, it says so and why."""
    accuracy = solved.accuracy
    if accuracy is None or not len(accuracy.digits):
        return []
    method = {"fast": "one pass", "refined": "refined with a careful residual", "exact": "exact sums"}[
        accuracy.precision
    ]
    in_coefficients = f"certified digits: {format_digits(accuracy.fewest_digits)} in every coefficient"
    digits = accuracy.std_error_digits if solved.robust is None else solved.robust.std_error_digits
    if digits is None:
        return [f"{in_coefficients} ({method})", f"{not_certified(solved)}"]
    fewest = format_digits(float(np.nanmin(digits, initial=16.0)))
    return [f"{in_coefficients}, {fewest} in standard errors ({method})"]


def describe_absorbed(fit: WithAbsorbed) -> list[str]:
    """Lines about absorbed factors: levels, degrees of freedom, levels of a single row, and within R squared."""
    lines = describe_levels(fit.absorbed)
    return [*lines, f"within R squared {number(fit.within_r_squared, 5)}"] if lines else []


def describe_levels(absorbed: Absorbed | None) -> list[str]:
    """Lines about the levels of absorbed factors and the degrees of freedom that they cost."""
    if absorbed is None:
        return []
    factors = ", ".join(_described(absorbed, name) for name in absorbed.levels)
    bound = "" if absorbed.exact else " at most"
    singletons = [f"{n:,} of {printable(name)}" for name, n in absorbed.singletons.items() if n]
    lines = [f"absorbed: {factors}, which cost{bound} {absorbed.rank:,} degrees of freedom"]
    if singletons:
        lines.append(f"levels of a single row, which they fit perfectly: {', '.join(singletons)}")
    unidentified = [
        f"{n:,} of {printable(variable)} by {printable(name)}"
        for name, by in absorbed.slopes.items()
        for variable, slopes in by.items()
        if (n := int(np.isnan(slopes).sum()))
    ]
    if unidentified:
        lines.append(f"slopes that the rows of a level do not determine: {', '.join(unidentified)}")
    return lines


def _described(absorbed: Absorbed, name: str) -> str:
    """An absorbed factor with the number of its levels and its slopes."""
    n, slopes = absorbed.levels[name], absorbed.slopes.get(name, {})
    each = f", each with a slope of {listing(map(printable, slopes))}" if slopes else ""
    return f"{printable(name)} ({n:,} level{'s'[: n != 1]}{each})"


def format_comparison(p: float) -> str:
    """A p value with its sign of comparison: "= 0.04", "< 1e-16"."""
    formatted = p_value(p)
    return formatted if formatted.startswith("<") else f"= {formatted}"


def _notes(fit: LinearFit) -> list[str]:
    """Lines about aliased columns, empty cells and perfect fits."""
    notes = describe_columns(fit, fit.solved.empty_cells, fit.solved.levels.names)
    # below the rounding error of a sum of squares over these rows
    if fit.df_residual > 0 and fit.deviance <= fit.solved.tss * fit.rows * np.finfo(float).eps:
        notes.append(PERFECT)
    return notes
