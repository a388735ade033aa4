"""The report of a wide fit: the same parts for the console and for `summary()`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from gramian.results.format_numbers import number, printable
from gramian.results.report import MAX_NOTES, coefficient_table, describe_rows, format_digits, join_blocks

if TYPE_CHECKING:
    from gramian.fit.wide.result import WideFit


def render(fit: WideFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom. level : of the confidence intervals."""
    kind = "Ridge regression, alpha = " + number(fit.alpha) if fit.alpha else "Linear regression"
    title = Text.assemble((f"{kind}, {fit.solver} solver", "bold"), "\n", printable(fit.formula))
    count = fit.solved.design.narrow.count
    return join_blocks(
        title,
        describe_rows(fit, count, fit.fitted_rows.where),
        coefficient_table(fit, level),
        _quality(fit),
        _notes(fit),
    )


def _quality(fit: WideFit) -> list[str]:
    """Sigma, R squared, work and digits, one line each."""
    lines = []
    if fit.df_residual > 0:
        lines.append(f"sigma {number(fit.sigma)} on {number(fit.df_residual, 8)} residual degrees of freedom")
    centred = "" if fit.intercept else " (about zero: there is no intercept)"
    lines.append(f"R squared {number(fit.r_squared, 5)}{centred}")
    accuracy = fit.solved.accuracy
    steps = f"{accuracy.steps:,} steps; " if accuracy.steps else ""
    passes = "one pass" if fit.passes == 1 else f"{fit.passes:,} passes"
    lines.append(f"{steps}condition {number(fit.condition, 3)}; {passes} over the data")
    fewest = format_digits(float(np.nanmin(accuracy.digits, initial=16.0)))
    arithmetic = "residual in double-double" if accuracy.double_double else "residual in float64"
    return [*lines, f"estimated digits: {fewest} in every coefficient ({arithmetic}); an estimate, not a certificate"]


def _notes(fit: WideFit) -> list[str]:
    """Notes on missing standard errors, dropped columns and solutions of least norm."""
    notes = []
    if not np.isfinite(fit.std_errors).any():
        notes.append(f"no standard errors by the {fit.solver} solver here: they need an inverse as wide as the columns")
    aliased = [f"  {printable(a)} = {printable(b)}" for a, b in islice(fit.aliased.items(), MAX_NOTES)]
    if aliased:
        more = [f"  ... {len(fit.aliased) - MAX_NOTES:,} more"] if len(fit.aliased) > MAX_NOTES else []
        notes += ["columns that do not vary, left out:", *aliased, *more]
    if not fit.identified.any():
        notes.append("more columns than rows: the solution of least norm, of many that fit as well")
    return notes
