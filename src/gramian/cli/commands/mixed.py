"""The command `gramian mixed`: linear mixed models from one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gramian.cli.drawing import plot, save_and_draw
from gramian.cli.models import LEVEL, began, model_options, print_fit
from gramian.cli.options import DATA, check_formula, data
from gramian.errors import OptionError


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option("--ml", is_flag=True, help="Maximise the likelihood, not the restricted one.")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column, as lme4 does.")
@click.option(
    "--profile", is_flag=True, help="Make profile-likelihood intervals of all parameters, too, from one more pass."
)
@plot("the fixed effects, or with DATA the residuals,")
@model_options
def command(
    formula: str,
    data: tuple[str, ...],
    ml: bool,
    profile: bool,
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
    gramian mixed "y ~ x + (1 + x | firm)" rows.parquet --profile
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian import mixed, plan
    from gramian.cli.progress import watching
    from gramian.fit.mixed.report import ProfileTable

    if profile and format not in ("table", "json"):
        raise OptionError(f"--profile prints as table or json, found --format {format}")
    check_formula(formula, data, "mixed", "y ~ x + (1 | firm)")
    source, own = began(data, save, plot, options)
    if explain:
        click.echo(str(plan(formula, source, **own)))
        if profile:
            click.echo("profile  one more pass makes the same sums; a search without rows for each end of an interval")
        return
    with watching(progress) as watch:
        fit = mixed(formula, source, reml=not ml, progress=watch, **own)
        intervals = ProfileTable(fit.profile(source, level=LEVEL, engine=own["engine"]), LEVEL) if profile else None
    print_fit(fit, format, intervals, "profile")
    save_and_draw(fit, save, plot, source)
