"""Options and functions of the commands that read and write Grams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gramian.errors import OptionError

if TYPE_CHECKING:
    from gramian.fit.gram.result import Gram

F = TypeVar("F", bound=Any)


def force(text: str) -> Callable[[F], F]:
    """Decorator that adds --force with this help."""
    return click.option("--force", is_flag=True, help=text)


def alone(target: Path) -> AbstractContextManager[None]:
    """A context in which no other command reads, changes and writes this Gram; says so where it has to wait."""
    from gramian.cli.lock import locked

    return locked(target, lambda: click.echo(f"waiting for another process that writes {target}", err=True))


def save(gram: Gram, target: Path) -> None:
    """Write a Gram, and say so on stderr."""
    from gramian.cli.output import check_output_path

    check_output_path(target)
    gram.save(target)
    click.echo(f"{gram.rows:,} rows; saved to {target}", err=True)


def grams_of(data: Sequence[str]) -> Gram | None:
    """The sum of the Grams among the paths; None where there are none.

    Raises OptionError for Grams and other data in one command.
    """
    gram_paths = [path for path in data if path.endswith(".gram")]
    if not gram_paths:
        return None
    if len(gram_paths) < len(data):
        other = next(path for path in data if not path.endswith(".gram"))
        raise OptionError(
            f"{gram_paths[0]} is a Gram and {other} is not: read the data into a Gram first, and add them"
        )
    return sum_grams(gram_paths)


def sum_grams(paths: Sequence[str | Path]) -> Gram:
    """The sum of Grams. Raises ArtifactError for a file that is no Gram."""
    from gramian.saved import load_gram

    first, *others = map(load_gram, paths)
    return sum(others, first)
