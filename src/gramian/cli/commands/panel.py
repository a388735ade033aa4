"""The command `gramian panel`: random effects and the between estimator from one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gramian.cli.drawing import plot, save_and_draw
from gramian.cli.models import began, model_options, print_fit
from gramian.cli.options import DATA, check_formula, data

ESTIMATORS = ("random", "mundlak", "between")


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option("--panel", metavar="COLUMN", required=True, help="The column that makes the groups.")
@click.option(
    "--estimator", type=click.Choice(ESTIMATORS), default="random", show_default=True,
    help="Random effects, these beside group means, or least squares of group means.",
)  # fmt: skip
@click.option("--cluster", is_flag=True, help="Let standard errors be those by group (CR1).")
@plot("the coefficients")
@model_options
def command(
    formula: str,
    data: tuple[str, ...],
    panel: str,
    estimator: str,
    cluster: bool,
    format: str,
    save: Path | None,
    plot: Path | None,
    explain: bool,
    progress: bool,
    **options: Any,
) -> None:
    """Fit FORMULA to DATA with random effects of the groups of a panel, balanced or not.

    Fixed effects are those of gramian fit "y ~ x | firm".

    \b
    gramian panel "y ~ x" rows.parquet --panel firm
    gramian panel "y ~ x" rows.parquet --panel firm --estimator mundlak --cluster
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.api.panel import fit_of, plan_of
    from gramian.cli.progress import watching

    check_formula(formula, data, "panel")
    source, own = began(data, save, plot, options)
    vcov: Any = {"cluster": panel} if cluster else "iid"
    if explain:
        click.echo(str(plan_of(estimator, formula, source, panel, vcov, **own)))
        return
    with watching(progress) as watch:
        fit = fit_of(estimator, formula, source, panel, vcov, progress=watch, **own)
    print_fit(fit, format)
    save_and_draw(fit, save, plot, source)
