"""A fitted curve as a report: the same lines for the screen, in colour, and for `summary()`, in plain text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from gramian.results.curve_tables import columns
from gramian.results.numbers import aligned, number, p_value, printable, stars
from gramian.results.report import LEGEND, NARROWEST, WIDEST

if TYPE_CHECKING:
    from gramian.results.curve import CurveFit


def text(fit: CurveFit, level: float = 0.95) -> str:
    """The report as plain text, as wide as the table of parameters needs."""
    parts = render(fit, level)
    free = Console(file=StringIO(), width=WIDEST)
    width = max([NARROWEST, *(Measurement.get(free, free.options, p).maximum for p in parts if isinstance(p, Table))])
    out = StringIO()
    console = Console(file=out, width=width, color_system=None, emoji=False, markup=False, highlight=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def render(fit: CurveFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    notes = [Text(line, style="yellow") for line in _notes(fit)]
    return [
        *_title(fit),
        *map(Text, _rows(fit)),
        Text(""),
        _table(fit, level),
        *([Text(LEGEND, style="dim")] if (fit.p_values < 0.1).any() else []),
        Text(""),
        *map(Text, _quality(fit)),
        *([Text(""), *notes] if notes else []),
    ]


def _title(fit: CurveFit) -> list[Text]:
    weight = fit.solved.curve.weight
    how = f", weights: {printable(weight)}" if weight else ""
    written_out = [Text(printable(fit.equation))] if fit.solved.curve.ready else []
    return [Text(f"Nonlinear regression{how}", style="bold"), Text(printable(fit.formula)), *written_out]


def _rows(fit: CurveFit) -> list[str]:
    left_out = sum(fit.dropped_rows.values())
    lines = [f"{fit.rows:,} rows used of {fit.rows + left_out:,}"]
    if left_out:
        causes = ", ".join(f"{n:,} {printable(cause)}" for cause, n in fit.dropped_rows.items())
        blamed = sorted(fit.missing.items(), key=lambda pair: -pair[1])
        where = ", ".join(f"{printable(name)} {n:,}" for name, n in blamed)
        lines.append(f"{left_out:,} left out: {causes}" + (f" ({where})" if where else ""))
    return lines


def _table(fit: CurveFit, level: float) -> Table:
    values = columns(fit, level)
    cells = {name: aligned(v, 6 if name in ("estimate", "conf_low", "conf_high") else 4) for name, v in values.items()}
    p = values["p_value"].tolist()
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for heading in ("estimate", "std. error", "t", "p-value", "", f"{100 * level:.6g} % low", "high"):
        justify = "right" if heading == "p-value" else "left"
        table.add_column(Text(heading, justify="right"), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    rows = zip(
        map(printable, fit.names), cells["estimate"], cells["std_error"], cells["statistic"],
        map(p_value, p), map(stars, p), cells["conf_low"], cells["conf_high"], strict=True,
    )  # fmt: skip
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _quality(fit: CurveFit) -> list[str]:
    degrees = f"{number(fit.df_residual, 8)} residual degrees of freedom"
    return [
        f"sigma {number(fit.sigma)} on {degrees}" if fit.df_residual > 0 else "no residual degrees of freedom",
        f"sum of squares {number(fit.deviance)}",
        f"log-likelihood {number(fit.loglik, 8)}, AIC {number(fit.aic, 8)}, BIC {number(fit.bic, 8)}",
        f"std. errors: {fit.covariance.recipe}; condition {number(fit.condition, 3)}; "
        f"{'one pass' if fit.passes == 1 else f'{fit.passes} passes'} over the data",
    ]


def _notes(fit: CurveFit) -> list[str]:
    held = [printable(name) for name, at in zip(fit.names, fit.at_bound, strict=True) if at]
    notes = [f"at a bound, held there for the standard errors of the others: {', '.join(held)}"] if held else []
    if fit.df_residual > 0 and fit.deviance <= fit.solved.noise:
        notes.append("the fit is perfect to rounding: sigma, standard errors and tests are rounding errors")
    return notes
