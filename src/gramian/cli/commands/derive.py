"""The command `gramian derive`: least squares with every step written out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gramian.cli.drawing import check_plot, plot, write_plot
from gramian.cli.options import DATA, FILE, data, files

if TYPE_CHECKING:
    from gramian.derivation.derivation import Derivation

FORMATS = ("text", "md", "html", "json")
PLACES = ("last", "first")


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option("--polynomial", metavar="D", type=int, help="Use the powers of the one predictor, up to this one.")
@click.option(
    "--constant", type=click.Choice(PLACES), default="last", show_default=True, help="Where the column of ones stands."
)
@click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True, help="Write it as this.")
@click.option("--explain", is_flag=True, help="Say what would be read, how often and why, and stop before the pass.")
@plot("the points, the line and the residuals")
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Write to this file, replacing it.  [default: stdout]")
def command(
    formula: str,
    data: tuple[str, ...],
    polynomial: int | None,
    constant: str,
    format: str,
    plot: Path | None,
    explain: bool,
    output: Path | None,
) -> None:
    """Write out the normal equation of small DATA, step by step, with all numbers.

    At most 200 rows and 12 columns. All arithmetic is exact; numbers are rounded once, when they are shown. md is
    Markdown with LaTeX, html one element with MathML.

    \b
    gramian derive "y ~ x" points.csv
    gramian derive "y ~ x" points.csv --polynomial 2 --format html -o lesson.html
    """  # noqa: D301  # click keeps the lines after a backspace, not after a backslash
    from gramian.cli.output import check_output_path
    from gramian.data.source import source_of
    from gramian.derivation import derive
    from gramian.derivation.plan import plan_derive

    check_plot(plot)
    source = source_of(files(data))
    if explain:
        click.echo(str(plan_derive(formula, source, polynomial=polynomial)))
        return
    check_output_path(output, (read.name for read in source.inputs))
    derivation = derive(formula, source, constant=constant, polynomial=polynomial)
    _write(_formatted(derivation, format), output)
    if plot is not None:
        write_plot(derivation.plot(), plot)


def _formatted(derivation: Derivation, format: str) -> str:
    """The derivation in a format."""
    match format:
        case "md":
            return derivation.markdown()
        case "html":
            return derivation.html()
        case "json":
            return json.dumps(derivation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    return derivation.text()


def _write(text: str, output: Path | None) -> None:
    """Write a text to a file or to stdout."""
    from gramian.cli.output import replacing

    if output is None:
        click.echo(text)
        return
    with replacing(output) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    click.echo(f"written to {output}", err=True)
