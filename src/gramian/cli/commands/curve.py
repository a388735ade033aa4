"""The command `gramian curve`: nonlinear least squares on files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gramian.cli.drawing import check_plot, plot, save_and_draw, write_plot
from gramian.cli.options import DATA, FILE, check_formula, data, files, progress
from gramian.cli.vcov import parse_vcov
from gramian.errors import ConvergenceError, OptionError

if TYPE_CHECKING:
    from gramian.batch import Source
    from gramian.fit.curve.options import CurveOptions
    from gramian.fit.curve.result import CurveFit

FORMATS = ("table", "json", "csv", "md", "latex")
LEVEL = 0.95
HELP = """Fit a curve to DATA: a formula whose names that are not columns are parameters, or a ready-made curve.

Ready-made curves find their own start: logistic, logistic4, gompertz, richards, weibull, michaelis, exponential, tanh,
arctan, gaussian, power.

\b
gramian curve "y ~ logistic(x)" growth.csv
gramian curve "y ~ a * exp(-k * x)" decay.parquet --start k=0.5 --bounds k=0:
"""
START, BOUNDS = "a=1,b=2", "a=0:1,b=:5"


@click.command(help=HELP, epilog=DATA)
@click.argument("formula")
@data
@click.option("--start", metavar=START, help="Begin the search at these values; linear parameters need none.")
@click.option("--bounds", metavar=BOUNDS, help="Keep parameters between these values, either of which may be left out.")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column (analytic weights, as in R's nls).")
@click.option(
    "--vcov",
    metavar="KIND",
    default="iid",
    show_default=True,
    help="Make standard errors robust by HC0 to HC4, cluster:COLUMN, hac:LAGS:TIME, dk:TIME:LAGS or conley:KM.",
)
@click.option(
    "--max-passes",
    metavar="N",
    type=int,
    default=200,
    show_default=True,
    help="Give up after so many passes over DATA.",
)
@click.option("--threads", metavar="N", type=int, help="Read with so many threads.  [default: one per core]")
@click.option(
    "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
)
@click.option("--save", metavar="FIT", type=FILE, help="Save the fit to this file, to predict from it later.")
@click.option("--explain", is_flag=True, help="Say what would be read, how often and why, and stop before the pass.")
@plot("the fitted curve or its residuals, in one more pass,")
@progress
def command(
    formula: str,
    data: tuple[str, ...],
    start: str | None,
    bounds: str | None,
    format: str,
    save: Path | None,
    plot: Path | None,
    explain: bool,
    progress: bool,
    **option_values: Any,
) -> None:
    """Fit a curve to DATA."""
    from gramian import curve
    from gramian.cli.output import check_output_path
    from gramian.cli.progress import watching
    from gramian.data.source import source_of
    from gramian.engines.local import Local
    from gramian.fit.curve.options import curve_options
    from gramian.fit.curve.result import CurveFit
    from gramian.fit.vcov.names import vcov_of_data
    from gramian.inference.vcov_spec import vcov_spec

    check_formula(formula, data, "curve", "y ~ logistic(x)")
    check_plot(plot)
    source = source_of(files(data))
    check_output_path(save, (read.name for read in source.inputs))
    start_values = (
        None
        if start is None
        else {n: parse_number("--start", START, v) for n, v in parse_assignments(start, START, "--start")}
    )
    ranges = {name: parse_bounds(v) for name, v in parse_assignments(bounds or "", BOUNDS, "--bounds")}
    engine, vcov = Local(option_values.pop("threads")), parse_vcov(option_values.pop("vcov"))
    if explain:
        options = curve_options(start_values, ranges, **option_values)
        options = replace(options, vcov=vcov_spec(vcov_of_data(vcov, source.schema)))
        _explain(formula, source, engine.workers, options)
        return
    option_values["vcov"] = vcov
    try:
        with watching(progress) as watch:
            fit = curve(formula, source, start_values, bounds=ranges, engine=engine, progress=watch, **option_values)
    except ConvergenceError as error:
        if plot is not None and isinstance(error.last, CurveFit):
            write_plot(error.last.plot(source), plot)
        raise
    _print(fit, format)
    save_and_draw(fit, save, plot, source)


def _explain(formula: str, source: Source, threads: int, options: CurveOptions) -> None:
    """Print the plan of the fit."""
    from gramian.engines.local import Local
    from gramian.fit.curve.plan import plan_curve
    from gramian.fit.passes.job import PassRunner

    click.echo(str(plan_curve(formula, options, PassRunner(source, Local(threads)))))


def parse_assignments(text: str, example: str, option: str) -> Iterator[tuple[str, str]]:
    """Names and values of `a=1,b=2`. Raises OptionError for parts of another form, or a name that occurs twice."""
    names = set()
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, sign, value = (p.strip() for p in part.partition("="))
        if not (name and sign and value):
            raise OptionError(f"{option} '{part}' is not name=value, as in {option} {example}")
        if name in names:
            raise OptionError(f"{option} gives '{name}' twice")
        names.add(name)
        yield name, value


def parse_number(option: str, example: str, text: str) -> float:
    """A number. Raises OptionError with an example for other texts."""
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"{option}: '{text}' is not a number; write {option} {example}") from None


def parse_bounds(text: str) -> tuple[float | None, float | None]:
    """Lower and upper bound of `0:1`; None for one that is left out."""
    low, colon, high = text.partition(":")
    if not colon:
        raise OptionError(f"--bounds: '{text}' is not low:high; write --bounds {BOUNDS}")
    ends = [parse_number("--bounds", BOUNDS, end) if end.strip() else None for end in (low, high)]
    return ends[0], ends[1]


def _print(fit: CurveFit, format: str) -> None:
    """Print the fit in a format, and dropped rows to stderr where the format has no place for them."""
    from gramian.cli.output import show
    from gramian.fit.curve.report import render
    from gramian.results import formats

    if format == "table":
        show(render(fit))
        return
    any_fit: Any = fit  # the formats know a fit by its properties
    click.echo(formats.FORMATS[format](any_fit, LEVEL))
    if format != "json" and fit.dropped_rows:
        causes = ", ".join(f"{n:,} {cause}" for cause, n in fit.dropped_rows.items())
        click.echo(f"{fit.rows:,} rows; left out: {causes}", err=True)
