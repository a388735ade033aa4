"""Options and functions of the commands that fit models from Grams."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gramian.cli.options import FILE
from gramian.errors import OptionError

if TYPE_CHECKING:
    from gramian.fit.gram.result import Gram
    from gramian.fit.linear.result import LinearFit
    from gramian.fit.penalized.result import PenalizedFit
    from gramian.fit.penalized.result_cv import CrossValidation
    from gramian.fit.penalized.result_path import Path as Penalised
    from gramian.fit.selection.result import Selection

    Result = Penalised | CrossValidation | Selection

F = TypeVar("F", bound=Any)
FORMATS = ("table", "json", "csv")


def grams(command: F) -> F:
    """Decorator that adds the files to read, GRAM."""
    return click.argument("gram", nargs=-1, required=True, type=FILE, metavar="GRAM...")(command)


def formula(command: F) -> F:
    """Decorator that adds --formula."""
    return click.option("--formula", metavar="FORMULA", help="Take these terms.  [default: all that are stored]")(
        command
    )


def where(command: F) -> F:
    """Decorator that adds --where."""
    return click.option(
        "--where", metavar="GROUP", help="Take the rows of this group only, of a Gram made with --by; several: a,b."
    )(command)


def penalty_options(ratio: float) -> Callable[[F], F]:
    """Decorator that adds the options of penalties; `ratio` is the default of --l1-ratio."""
    options = (
        click.option("--l1-ratio", metavar="X", type=float, default=ratio, show_default=True,
                     help="0 is ridge, 1 the lasso, between them the elastic net."),
        click.option("--alphas", metavar="A,B,...",
                     help="Penalties, as scikit-learn counts them.  [default: knots of the lasso, or a grid of 100]"),
        click.option("--penalty", metavar="TERM=FACTOR", multiple=True,
                     help="Penalise a term by this much more or less, not at all by 0; may be repeated."),
        click.option("--standardize", is_flag=True, help="Penalise the coefficients of standardised columns."),
        click.option("--drop-first", is_flag=True, help="Leave out the reference levels of factors."),
    )  # fmt: skip

    def decorate(command: F) -> F:
        # click lists the option first that was applied last.
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def save_option(what: str) -> Callable[[F], F]:
    """Decorator that adds --save for this kind of fit."""
    return click.option("--save", metavar="FIT", type=FILE, help=f"Save {what} to this file, to predict from it later.")


def format_option(command: F) -> F:
    """Decorator that adds --format."""
    return click.option(
        "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
    )(command)


def find_group(gram: Gram, text: str | None) -> Any:
    """Key of the group that a text names; the text itself where there is none, so that the error comes from the fit."""
    if text is None:
        return None
    groups_by_text = {",".join(map(str, g if isinstance(g, tuple) else (g,))): g for g in gram.groups}
    return groups_by_text.get(text, text)


def parse_alphas(text: str | None) -> list[float] | None:
    """Penalties from numbers with commas between them. Raises OptionError for other texts."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--alphas must be numbers separated by commas, such as 0.1,1,10; found {text!r}") from None


def parse_penalties(texts: Sequence[str]) -> dict[str, float]:
    """Penalty factor of each term, from texts `term=factor`. Raises OptionError for other texts."""
    penalty_factors: dict[str, float] = {}
    for text in texts:
        # The last equals sign: a term may contain one, as in factor(x == 1).
        term, _, factor = (part.strip() for part in text.rpartition("="))
        try:
            value = float(factor)
        except ValueError:
            term = ""
        if not term:
            raise OptionError(f"--penalty must be a term and a number, as in --penalty x=0; found {text!r}")
        if term in penalty_factors:
            raise OptionError(f"--penalty gives '{term}' twice")
        penalty_factors[term] = value
    return penalty_factors


def save_fit(fit: LinearFit | PenalizedFit, target: Path) -> None:
    """Save a fit, and say on stderr which one."""
    fit.save(target)
    penalty = f", alpha = {fit.alpha:.6g}," if fit.alpha is not None else ""
    click.echo(f"{fit.formula}{penalty} saved to {target}", err=True)


def show(result: Result, format: str, plot: Path | None) -> None:
    """Print a result, and draw it into `plot` where that is a path."""
    from gramian.cli.drawing import write_plot

    if format == "json":
        click.echo(json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        click.echo(result.summary() if format == "table" else _csv(result))
    if plot is not None:
        write_plot(result.plot(), plot)


def _csv(result: Any) -> str:
    """Table of a result as CSV: numbers with all digits, empty where unknown."""
    table = result.tidy() if hasattr(result, "tidy") else result.table
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(map(_cell, row.values()) for row in table.to_pylist())
    return buffer.getvalue().removesuffix("\n")


def _cell(value: object) -> str:
    """Value of a CSV cell; several terms with plus signs between them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return " + ".join(map(str, value))
    return "" if value is None else str(value)
