"""The command `gramian mixed`: linear mixed models from one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gramian.cli.drawing import plot, save_and_draw
from gramian.cli.models import began, model_options, print_fit
from gramian.cli.options import DATA, check_formula, data


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option("--ml", is_flag=True, help="Maximise the likelihood, not the restricted one.")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column, as lme4 does.")
@plot("the fixed effects, or with DATA the residuals,")
@model_options
def command(
    formula: str,
    data: tuple[str, ...],
    ml: bool,
    format: str,
    save: Path | None,
    plot: Path | None,
    explain: bool,
    progress: bool,
    **options: Any,
) -> None:
    """Fit a mixed model to DATA: FORMULA with random effects in parentheses, of one grouping.

    \b
    gramian mixed "y ~ x + (1 | firm)" rows.parquet
    gramian mixed "y ~ x + (1 + x | firm)" rows.parquet --ml --save fit.gm
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian import mixed, plan
    from gramian.cli.progress import watching

    check_formula(formula, data, "mixed", "y ~ x + (1 | firm)")
    source, own = began(data, save, plot, options)
    if explain:
        click.echo(str(plan(formula, source, **own)))
        return
    with watching(progress) as watch:
        fit = mixed(formula, source, reml=not ml, progress=watch, **own)
    print_fit(fit, format)
    save_and_draw(fit, save, plot, source)
