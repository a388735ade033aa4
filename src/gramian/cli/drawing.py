"""The option `--plot`, which draws a result into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gramian.cli.options import FILE
from gramian.errors import OptionError

if TYPE_CHECKING:
    from gramian.results.estimates import Estimates

F = TypeVar("F", bound=Any)
FORMS = ("png", "svg", "pdf")  # what every build of matplotlib can write


def plot(subject: str) -> Callable[[F], F]:
    """Decorator that adds --plot; `subject` is what it draws, for the help."""

    def option(command: F) -> F:
        extensions = ", ".join(f".{form}" for form in FORMS)
        help_text = f"Draw {subject} into this file ({extensions})."
        return click.option("--plot", metavar="FILE", type=FILE, help=help_text)(command)

    return option


def check_plot(target: Path | None) -> None:
    """Raise OptionError or MissingExtraError, before any data are read, where the picture could not be written."""
    from gramian.cli.output import check_output_path

    if target is None:
        return
    form_of(target)
    import gramian.plots.matplotlib  # noqa: F401  # says which extra to install

    check_output_path(target)


def write_plot(figure: Any, target: Path) -> None:
    """Write a figure in the format of the file's extension, replacing the file."""
    from gramian.cli.digits import accuracy
    from gramian.cli.output import replacing
    from gramian.plots.matplotlib import save_figure

    with accuracy(strict=False), replacing(target) as temporary:
        save_figure(figure, temporary, form_of(target))
    click.echo(f"drawn to {target}", err=True)


def save_and_draw(fit: Estimates, save: Path | None, plot: Path | None, source: Any) -> None:
    """Save a fit, and draw it with its rows, into those files that are given."""
    if save is not None:
        fit.save(save)
        click.echo(f"saved to {save}", err=True)
    if plot is not None:
        write_plot(fit.plot(source), plot)


def form_of(target: Path) -> str:
    """Format of the file's extension. Raises OptionError for others than png, svg and pdf."""
    form = target.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise OptionError(f"--plot {target}: pictures are .png, .svg or .pdf; name the file so")
    return form
