"""The command `gramian compare-grams`: whether the rows of two Grams follow the same regression."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gramian.cli.options import FILE

FORMATS = ("table", "json")


@click.command()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.option("--formula", metavar="FORMULA", help="A model of stored terms.  [default: that of the Grams]")
@click.option(
    "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
)
def command(first: Path, second: Path, formula: str | None, format: str) -> None:
    """Test whether the rows of two Grams follow the same regression: FIRST of before, SECOND of now.

    Chow's test of equal coefficients, and Welch's tests of each coefficient and each mean. No data are read.

    \b
    gramian compare-grams last_week.gram this_week.gram
    gramian compare-grams last_week.gram this_week.gram --formula "delay ~ distance" --format json
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.api.arithmetic import compare_grams
    from gramian.saved import load_gram

    found = compare_grams(load_gram(first), load_gram(second), formula)
    if format == "json":
        click.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        click.echo(found.summary())
