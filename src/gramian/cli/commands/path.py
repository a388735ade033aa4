"""The command `gramian path`: ridge, lasso and elastic net paths from the sums in a Gram."""

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
    parse_alphas,
    parse_penalties,
    penalty_options,
    save_fit,
    save_option,
    show,
    where,
)

CRITERIA = ("aic", "bic", "gcv")


@click.command()
@grams
@formula
@where
@penalty_options(1.0)
@save_option("the fit that a criterion likes best")
@click.option("--criterion", type=click.Choice(CRITERIA), default="bic", show_default=True, help="Choose it by this.")
@format_option
@plot("the coefficients against the penalty")
def command(
    gram: tuple[Path, ...],
    formula: str | None,
    where: str | None,
    l1_ratio: float,
    alphas: str | None,
    penalty: tuple[str, ...],
    standardize: bool,
    drop_first: bool,
    save: Path | None,
    criterion: str,
    format: str,
    plot: Path | None,
) -> None:
    """Show the penalised fits of GRAM for a row of penalties; several Grams are added. No rows are read.

    \b
    gramian path flights.gram
    gramian path flights.gram --l1-ratio 0.5 --standardize --format csv
    gramian path flights.gram --penalty carrier=0 --save lasso.fit
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.output import check_output_path

    check_plot(plot)
    check_output_path(save, map(str, gram))
    alpha_values, summed = parse_alphas(alphas), sum_grams(gram)
    result = summed.path(
        l1_ratio,
        formula,
        where=find_group(summed, where),
        alphas=alpha_values,
        penalties=parse_penalties(penalty),
        standardize=standardize,
        drop_first=drop_first,
    )
    show(result, format, plot)
    if save is not None:
        save_fit(result.best(criterion), save)
