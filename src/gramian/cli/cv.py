"""`gramian cv`: cross-validation from the sums of folds or groups that are there."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.drawing import check_plot, plot
from gramian.cli.models import formula, grams, numbers, penalised, printed, show, total


@click.command()
@grams
@formula
@penalised(0.0)
@printed
@plot("the errors against the penalty")
def command(
    gram: tuple[Path, ...],
    formula: str | None,
    l1_ratio: float,
    alphas: str | None,
    standardize: bool,
    drop_first: bool,
    format: str,
    plot: Path | None,
) -> None:
    """Cross-validate the penalised fits of GRAM, made with --folds or --by; several Grams are added. No rows are read.

    With --by, one group after the other is left out.

    \b
    gramian gram "y ~ x + z" data.parquet --folds 10 -o y.gram
    gramian cv y.gram
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    check_plot(plot)
    wanted, held = numbers(alphas), total(gram)
    found = held.cross_validate(l1_ratio, wanted, formula, standardize=standardize, drop_first=drop_first)
    show(found, format, plot)
