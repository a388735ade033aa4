"""The command `gramian cv`: cross-validation from the sums of folds or groups in a Gram."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.drawing import check_plot, plot
from gramian.cli.shared_gram import sum_grams
from gramian.cli.shared_path import (
    format_option,
    formula,
    grams,
    parse_alphas,
    parse_penalties,
    penalty_options,
    save_fit,
    save_option,
    show,
)
from gramian.errors import OptionError


@click.command()
@grams
@formula
@penalty_options(0.0)
@save_option("the fit to all rows with the least error")
@click.option("--one-se", is_flag=True, help="Save the fit whose error is within one standard error of the least.")
@format_option
@plot("the errors against the penalty")
def command(
    gram: tuple[Path, ...],
    formula: str | None,
    l1_ratio: float,
    alphas: str | None,
    penalty: tuple[str, ...],
    standardize: bool,
    drop_first: bool,
    save: Path | None,
    one_se: bool,
    format: str,
    plot: Path | None,
) -> None:
    """Cross-validate the penalised fits of GRAM, made with --folds or --by; several Grams are added. No rows are read.

    With --by, one group after the other is left out.

    \b
    gramian gram "y ~ x + z" data.parquet --folds 10 -o y.gram
    gramian cv y.gram --save y.fit
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.output import check_output_path

    check_plot(plot)
    check_output_path(save, map(str, gram))
    if one_se and save is None:
        raise OptionError("--one-se says which fit to save; it goes with --save")
    alpha_values, summed = parse_alphas(alphas), sum_grams(gram)
    result = summed.cross_validate(
        l1_ratio,
        alpha_values,
        formula,
        penalties=parse_penalties(penalty),
        standardize=standardize,
        drop_first=drop_first,
    )
    show(result, format, plot)
    if save is not None:
        save_fit(result.one_se_fit if one_se else result.fit, save)
