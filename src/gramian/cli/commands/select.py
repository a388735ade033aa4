"""The command `gramian select`: the terms that are best by a criterion, from the sums in a Gram."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.drawing import check_plot, plot
from gramian.cli.shared_gram import sum_grams
from gramian.cli.shared_path import (
    find_group,
    format_option,
    formula,
    grams,
    save_fit,
    save_option,
    show,
    where,
)

CRITERIA = ("aic", "bic", "adj_r2", "cp")
METHODS = ("best", "forward", "backward")


@click.command()
@grams
@click.option(
    "--criterion", type=click.Choice(CRITERIA), default="aic", show_default=True, help="Judge models by this."
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="best",
    show_default=True,
    help="Search all subsets of up to 30 terms, or go a term at a time.",
)
@click.option(
    "--count", metavar="N", type=int, default=1, show_default=True, help="With best: show so many of every size."
)
@formula
@where
@save_option("the best fit")
@format_option
@plot("the criterion against the number of columns")
def command(
    gram: tuple[Path, ...],
    criterion: str,
    method: str,
    count: int,
    formula: str | None,
    where: str | None,
    save: Path | None,
    format: str,
    plot: Path | None,
) -> None:
    """Select terms of GRAM; several Grams are added. No rows are read.

    \b
    gramian select flights.gram --criterion bic
    gramian select flights.gram --method backward --format json
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.output import check_output_path

    check_plot(plot)
    check_output_path(save, map(str, gram))
    summed = sum_grams(gram)
    result = summed.select(criterion, method, formula, where=find_group(summed, where), count=count)
    show(result, format, plot)
    if save is not None:
        save_fit(result.best, save)
