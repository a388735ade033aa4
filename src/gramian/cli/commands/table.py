"""The command `gramian table`: saved fits side by side."""

from __future__ import annotations

from pathlib import Path

import click

BELOW = ("std_error", "conf_int", "statistic", "p_value")
FORMATS = {"table": "text", "md": "markdown", "latex": "latex", "html": "html"}


@click.command()
@click.argument("fit", nargs=-1, required=True, metavar="FIT...")
@click.option("--rows", metavar="NAMES", help="Coefficients to show, with commas between them; * stands for any text.")
@click.option(
    "--errors", type=click.Choice(BELOW), multiple=True, default=("std_error",), show_default=True,
    help="What stands below a coefficient; may be given several times.",
)  # fmt: skip
@click.option("--stars/--no-stars", default=True, show_default=True, help="Marks of p-values.")
@click.option("--digits", type=click.IntRange(1, 15), default=4, show_default=True, help="Significant digits.")
@click.option("--exponentiate", is_flag=True, help="Show exponentiated coefficients, as odds ratios.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Level of confidence intervals.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="table", show_default=True)
def command(
    fit: tuple[str, ...],
    rows: str | None,
    errors: tuple[str, ...],
    stars: bool,
    digits: int,
    exponentiate: bool,
    level: float,
    format_: str,
) -> None:
    """Show saved fits side by side.

    The columns are named after the files.
    """
    from gramian.api.tables import table
    from gramian.saved import load

    names = [Path(path).stem for path in fit]
    # files of one name in two folders keep their paths
    headings = names if len(set(names)) == len(names) else list(fit)
    shown = table(
        dict(zip(headings, map(load, fit), strict=True)),
        rows=None if rows is None else [name.strip() for name in rows.split(",")],
        errors=errors,  # type: ignore[arg-type]  # click has checked the words
        stars=stars,
        digits=digits,
        level=level,
        exponentiate=exponentiate,
    )
    click.echo(getattr(shown, FORMATS[format_])())
