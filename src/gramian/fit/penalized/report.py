"""Reports of paths, of their fits and of cross-validations, as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.inference.tuning import CRITERIA
from gramian.results.format_numbers import aligned, number, printable
from gramian.results.report import MAX_COEFFICIENTS, MAX_NOTES, describe_rows, join_blocks
from gramian.typing import Vector

if TYPE_CHECKING:
    from gramian.fit.penalized.options import PathOptions
    from gramian.fit.penalized.result import PenalizedFit
    from gramian.fit.penalized.result_cv import CrossValidation
    from gramian.fit.penalized.result_path import Path

MAX_ROWS = 20  # rows of a path that are shown


def kind(options: PathOptions) -> str:
    """Name of the fits, with the L1 share of an elastic net."""
    ratio = f", l1_ratio = {options.l1_ratio:g}" if 0.0 < options.l1_ratio < 1.0 else ""
    return f"{options.kind.capitalize()}{ratio}"


def path_parts(path: Path) -> list[RenderableType]:
    """The report of a path, from top to bottom."""
    criteria = {name: path.criterion(name) for name in CRITERIA}
    marks = _marks({name.upper(): int(np.argmin(v)) for name, v in criteria.items() if np.isfinite(v).any()})
    columns = {
        "alpha": (path.alphas, 6),
        "df": (path.df, 4),
        "nonzero": (_nonzero(path), 0),
        "R squared": (path.r_squared, 5),
        **{name.upper(): (values, 7) for name, values in criteria.items()},
    }
    # descent certifies its result by the duality gap, homotopy and ridge by the optimality conditions
    measure = "duality gap" if 0.0 < path.l1_ratio < 1.0 else "violation of the optimality conditions"
    certificate = f"largest {measure}, relative: {path.certificate.max(initial=0.0):.1e}"
    steps = f"{len(path)} {'knots' if path.solved.solutions.knots else 'alphas'}"
    quality = [f"{steps}, found by {path.method}", certificate]
    return join_blocks(_title(path, "path"), _rows(path), _table(columns, marks), quality, _notes(path))


def validation_parts(validation: CrossValidation) -> list[RenderableType]:
    """The report of a cross-validation, from top to bottom."""
    path, folds = validation.path, validation.folds
    marks = _marks({"best": validation.solved.best, "one standard error": validation.solved.one_se})
    columns = {
        "alpha": (validation.alphas, 6),
        "mean error": (validation.mean_error, 6),
        "std. error": (validation.std_error, 4),
        "df": (path.df, 4),
        "nonzero": (_nonzero(path), 0),
    }
    sizes = validation.solved.fold_rows
    quality = [
        f"{len(folds)} folds of {min(sizes):,} to {max(sizes):,} rows; mean squared errors on the rows left out",
        f"best alpha {number(validation.best_alpha)}, within one standard error {number(validation.one_se_alpha)}",
    ]
    title = _title(path, "cross-validated")
    return join_blocks(title, _rows(path), _table(columns, marks), quality, _notes(path))


def fit_parts(fit: PenalizedFit) -> list[RenderableType]:
    """The report of one fit, from top to bottom."""
    title = Text.assemble((f"{kind(fit.options)}, alpha = {number(fit.alpha)}", "bold"), "\n", printable(fit.formula))
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column(Text("estimate"), no_wrap=True)
    for row in zip(
        map(printable, fit.names[:MAX_COEFFICIENTS]), aligned(fit.coefficients[:MAX_COEFFICIENTS], 6), strict=True
    ):
        table.add_row(*map(Text, row))
    more = len(fit.names) - MAX_COEFFICIENTS
    rest = [Text(f"... {more:,} more coefficients; tidy() has all of them")] if more > 0 else []
    quality = [
        f"{number(fit.df)} degrees of freedom used, {len(fit.chosen)} of {len(fit.names)} coefficients are not zero",
        f"R squared {number(fit.r_squared, 5)}, residual sum of squares {number(fit.deviance)}",
    ]
    return join_blocks(title, describe_rows(fit, fit.solved.design.count), [table, *rest], quality, [])


def _title(path: Path, label: str) -> Text:
    """Kind of fit, weights and formula."""
    weight = path.solved.problem.design.weight
    weights = f", weights: {printable(weight)}" if weight else ""
    scaled = ", columns standardised" if path.solved.options.standardize else ""
    return Text.assemble(
        (f"{kind(path.solved.options)}, {label}{scaled}{weights}", "bold"), "\n", printable(path.formula)
    )


def _rows(path: Path) -> list[str]:
    """Rows that entered and that were dropped, one line each."""
    return describe_rows(path, path.solved.problem.design.count)


def _nonzero(path: Path) -> Vector:
    """Number of slopes that are not zero, (n,)."""
    return np.asarray(np.count_nonzero(path.coefficients, axis=1), np.float64)


def _marks(positions: Mapping[str, int]) -> dict[int, str]:
    """Row -> text beside it; two marks of one row are joined."""
    out: dict[int, str] = {}
    for name, at in positions.items():
        out[at] = f"{out[at]}, {name}" if at in out else name
    return out


def _table(columns: Mapping[str, tuple[Vector, int]], marks: Mapping[int, str]) -> list[RenderableType]:
    """The rows of a path as a table: heading -> (values (n,), significant digits), and marks at the right."""
    n = len(columns["alpha"][0])
    shown = _shown(n, marks)
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    for heading in (*columns, ""):
        table.add_column(Text(heading), no_wrap=True)
    cells = [_cells(values[shown], digits) for values, digits in columns.values()]
    for i, row in zip(shown, zip(*cells, strict=True), strict=True):
        table.add_row(*map(Text, row), Text(marks.get(i, "")))
    rest = [] if len(shown) == n else [Text(f"{len(shown)} of {n:,} rows; tidy() has all of them")]
    return [table, *rest]


def _cells(values: Vector, digits: int) -> list[str]:
    """Numbers as text of equal width, with so many significant digits; 0 digits for integers."""
    if digits:
        return aligned(values, digits)
    width = max(len(f"{v:,.0f}") for v in values)
    return [f"{v:,.0f}".rjust(width) for v in values]


def _shown(n: int, marks: Iterable[int]) -> Sequence[int]:
    """Rows of the table: all where they are few, else evenly spaced ones and those with a mark."""
    if n <= MAX_ROWS:
        return list(range(n))
    # space for the marked rows, which are shown in any case
    return sorted({*np.linspace(0, n - 1, MAX_ROWS - len(list(marks))).round().astype(int).tolist(), *marks})


def _notes(path: Path) -> list[str]:
    """A note on columns that never enter."""
    if not path.passed:
        return []
    more = f", {len(path.passed) - MAX_NOTES:,} more" if len(path.passed) > MAX_NOTES else ""
    names = ", ".join(map(printable, path.passed[:MAX_NOTES]))
    return [f"never in, being combinations of columns that are: {names}{more}"]
