"""The option `--plot`: a picture in a file, which is replaced whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gramian.cli.options import FILE
from gramian.errors import OptionError

F = TypeVar("F", bound=Any)
FORMS = ("png", "svg", "pdf")


def plot(subject: str) -> Callable[[F], F]:
    """Where to draw; `told` says what."""

    def option(command: F) -> F:
        extensions = ", ".join(f".{form}" for form in FORMS)
        help_text = f"Draw {subject} into this file ({extensions})."
        return click.option("--plot", metavar="FILE", type=FILE, help=help_text)(command)

    return option


def check_plot(target: Path | None) -> None:
    """Raise OptionError or MissingExtraError, before anything is read, where no picture could be drawn."""
    from gramian.cli.output import check_output_path

    if target is None:
        return
    form_of(target)
    import gramian.plots.matplotlib  # noqa: F401  # says which extra to install

    check_output_path(target)


def write_plot(figure: Any, target: Path) -> None:
    """Save a figure by the extension of the file."""
    from gramian.cli.output import replacing
    from gramian.plots.matplotlib import save_figure

    with replacing(target) as temporary:
        save_figure(figure, temporary, form_of(target))
    click.echo(f"drawn to {target}", err=True)


def form_of(target: Path) -> str:
    """The format by the extension. Raises OptionError for others than png, svg and pdf."""
    form = target.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise OptionError(f"--plot {target}: pictures are .png, .svg or .pdf; name the file so")
    return form
