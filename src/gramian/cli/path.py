"""`gramian path`: ridge, lasso and elastic-net paths from sums that are there."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.drawing import check_plot, plot
from gramian.cli.models import formula, grams, group, numbers, penalised, printed, show, total, where


@click.command()
@grams
@formula
@where
@penalised(1.0)
@printed
@plot("the coefficients against the penalty")
def command(
    gram: tuple[Path, ...],
    formula: str | None,
    where: str | None,
    l1_ratio: float,
    alphas: str | None,
    standardize: bool,
    drop_first: bool,
    format: str,
    plot: Path | None,
) -> None:
    """Tell the penalised fits of GRAM for a row of penalties; several Grams are added. No rows are read.

    \b
    gramian path flights.gram
    gramian path flights.gram --l1-ratio 0.5 --standardize --format csv
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    check_plot(plot)
    wanted, held = numbers(alphas), total(gram)
    found = held.path(
        l1_ratio,
        formula,
        where=group(held, where),
        alphas=wanted,
        standardize=standardize,
        drop_first=drop_first,
    )
    show(found, format, plot)
